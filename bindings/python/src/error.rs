//! The library's errors as exceptions. The classes are Python: `ciba._errors`.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// Makes the exception of an error.
pub fn exception(py: Python<'_>, error: &ciba::Error) -> PyErr {
    match instance(py, error) {
        Ok(instance) => PyErr::from_value(instance),
        Err(trouble) => trouble, // Python is out of memory, or shutting down
    }
}

/// The exception itself.
pub fn instance<'py>(py: Python<'py>, error: &ciba::Error) -> PyResult<Bound<'py, PyAny>> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    MAKE.import(py, "ciba._errors", "from_status")?.call1((
        error.status().number(),
        error.message(),
        error.oauth_error(),
        error.oauth_error_description(),
        error.http_status(),
        error.retry_after().map(|wait| wait.as_secs_f64()),
    ))
}

/// An error of this binding.
pub fn usage(py: Python<'_>, status: ciba::Status, message: impl Into<String>) -> PyErr {
    exception(py, &ciba::Error::new(status, message))
}
