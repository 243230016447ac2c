//! Events for Python: for a callable, by default the one that feeds `logging`.

use ciba::{Event, Level, Log};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::callback::Callback;
use crate::time::datetime;

/// A callable that takes `ciba.LogEvent`s.
pub struct PythonLog(Callback);

impl PythonLog {
    pub fn new(callable: Bound<'_, PyAny>) -> PythonLog {
        PythonLog(Callback::new(callable))
    }
}

impl Log for PythonLog {
    fn log(&self, event: &Event<'_>) {
        self.0.call(|py| {
            static EVENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
            let made = EVENT.import(py, "ciba._log", "LogEvent")?.call1((
                level_of_logging(event.level),
                event.name,
                event.text,
                event.correlation,
                datetime(py, event.unix_ms)?,
            ))?;
            Ok((made.unbind(),))
        });
    }
}

/// Python's number for a level.
fn level_of_logging(level: Level) -> i32 {
    match level {
        Level::Error => 40,
        Level::Warning => 30,
        Level::Info => 20,
        Level::Debug => 10,
    }
}

/// The callable that feeds the logger `ciba`, and the least important level that the logger wants.
pub fn default_log(py: Python<'_>) -> PyResult<(Level, Bound<'_, PyAny>)> {
    let module = py.import("ciba._log")?;
    let debug: bool = module.getattr("wants_debug")?.call0()?.extract()?;
    Ok((if debug { Level::Debug } else { Level::Info }, module.getattr("to_logging")?))
}
