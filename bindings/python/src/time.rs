//! Times and timeouts between the library and Python.

use std::time::Duration;

use ciba::{Status, Timeout};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDateTime, PyTzInfo};

use crate::error::usage;
use crate::settings::type_name;

/// The last second that Python's `datetime` knows: the end of the year 9999.
const LAST_UNIX_MS: i64 = 253_402_300_799_000;

/// An aware `datetime` in UTC.
pub fn datetime(py: Python<'_>, unix_ms: i64) -> PyResult<Bound<'_, PyDateTime>> {
    let seconds = unix_ms.clamp(0, LAST_UNIX_MS) as f64 / 1000.0;
    PyDateTime::from_timestamp(py, seconds, Some(&*PyTzInfo::utc(py)?))
}

/// A timeout in seconds. `None` and infinity: until it is done.
pub fn timeout(seconds: Option<&Bound<'_, PyAny>>) -> PyResult<Timeout> {
    let Some(given) = seconds else { return Ok(None) };
    let Ok(seconds) = given.extract::<f64>() else {
        let text = format!("timeout: must be a number of seconds or None, not {}", type_name(given));
        return Err(PyTypeError::new_err(text));
    };
    if seconds >= 0.0 {
        return Ok(Duration::try_from_secs_f64(seconds).ok());
    }
    Err(usage(
        given.py(),
        Status::INVALID_VALUE,
        "timeout: must be None (until it is done), 0 (do not wait) or a positive number of seconds",
    ))
}

/// A timeout as a number: seconds, or infinity.
#[pyfunction]
#[pyo3(signature = (timeout))]
pub fn seconds(timeout: Option<&Bound<'_, PyAny>>) -> PyResult<f64> {
    Ok(self::timeout(timeout)?.map_or(f64::INFINITY, |time| time.as_secs_f64()))
}
