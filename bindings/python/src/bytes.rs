//! Bytes from Python: as `bytes`, or as a database or a web server has them.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView};

use crate::settings::type_name;

/// A copy of the bytes of an argument.
pub fn bytes_of<'py>(value: &Bound<'py, PyAny>, name: &str) -> PyResult<Bound<'py, PyBytes>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(bytes.clone());
    }
    if !value.is_instance_of::<PyByteArray>() && !value.is_instance_of::<PyMemoryView>() {
        return Err(PyTypeError::new_err(format!("{name}: must be bytes, not {}", type_name(value))));
    }
    Ok(value.py().get_type::<PyBytes>().call1((value,))?.cast_into()?)
}
