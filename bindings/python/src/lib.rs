//! `ciba._ciba`: the Rust library for Python. Errors, records and asyncio are Python, beside it.
//!
//! The way of a call: Python values become names and texts (`settings`), the call waits without the
//! GIL and looks for signals (`wait`), and what comes back becomes Python (`tokens`, `error`).

// Nothing that comes from outside may end in a panic.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bytes;
mod callback;
mod client;
mod error;
mod flow;
mod log;
mod notification;
mod saved;
mod set;
mod settings;
mod signer;
mod time;
mod tokens;
mod wait;

/// The native part of the package `ciba`. Use that; the names here may change.
#[pyo3::pymodule(gil_used = false)]
mod _ciba {
    use pyo3::prelude::*;
    use pyo3::types::PyTuple;

    #[pymodule_export]
    use super::client::Client;
    #[pymodule_export]
    use super::flow::{Flow, Watch};
    #[pymodule_export]
    use super::notification::Notification;
    #[pymodule_export]
    use super::saved::SavedFlow;
    #[pymodule_export]
    use super::set::FlowSet;
    #[pymodule_export]
    use super::time::seconds;
    #[pymodule_export]
    use super::tokens::{Answer, Tokens};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        // The module carries a standard library of its own: this is the hook of nobody else. A panic
        // becomes an exception; nothing is ever written to the program's stderr.
        std::panic::set_hook(Box::new(|_| {}));
        let py = module.py();
        let rows = |table: &'static [ciba::Setting]| {
            PyTuple::new(py, table.iter().map(|setting| (setting.name, setting.default, setting.text)))
        };
        module.add("__version__", ciba::VERSION)?;
        module.add("SETTINGS", rows(ciba::SETTINGS)?)?;
        module.add("PARAMETERS", rows(ciba::PARAMETERS)?)?;
        let statuses = ciba::Status::ALL.iter().map(|status| (status.name(), status.number(), status.text()));
        module.add("STATUSES", PyTuple::new(py, statuses)?)
    }
}
