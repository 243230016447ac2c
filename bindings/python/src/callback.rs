//! Python callables that the library's own thread calls.

use std::cell::Cell;

use pyo3::call::PyCallArgs;
use pyo3::prelude::*;

use crate::error::usage;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// A callable, released where Python can be entered: a release without would wait in a queue of
/// PyO3, whose lock a fork could find taken.
pub struct Callback(Option<Py<PyAny>>);

impl Callback {
    pub fn new(callable: Bound<'_, PyAny>) -> Callback {
        Callback(Some(callable.unbind()))
    }

    /// Calls it. What it throws goes to `sys.unraisablehook`: there is nobody who could catch it, and
    /// it must not end a sign-in. Nothing happens while the interpreter shuts down.
    pub fn call<A: for<'py> PyCallArgs<'py>>(&self, arguments: impl FnOnce(Python<'_>) -> PyResult<A>) {
        let before = INSIDE.replace(true);
        Python::try_attach(|py| {
            let Some(callable) = &self.0 else { return };
            let called = arguments(py).and_then(|arguments| callable.call1(py, arguments));
            if let Err(thrown) = called {
                thrown.write_unraisable(py, Some(callable.bind(py)));
            }
        });
        INSIDE.set(before);
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        let callable = self.0.take();
        if Python::try_attach(|_| ()).is_none() {
            std::mem::forget(callable); // the interpreter is going: so is everything in it
        } else {
            Python::try_attach(|_| drop(callable));
        }
    }
}

/// Refuses what such a callable must not do: the library's thread would wait for itself.
pub fn not_inside(py: Python<'_>) -> PyResult<()> {
    match INSIDE.get() {
        false => Ok(()),
        true => Err(usage(
            py,
            ciba::Status::IN_CALLBACK,
            "a log callable must not call into ciba: hand the work to another thread",
        )),
    }
}
