//! Python objects that the library holds, and callables that its own thread calls.

use std::cell::Cell;

use pyo3::call::PyCallArgs;
use pyo3::prelude::*;

use crate::error::usage;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// An object, released where Python can be entered: a release without would wait in a queue of PyO3,
/// whose lock a fork could find taken.
pub struct Held<T>(Option<Py<T>>);

impl<T> Held<T> {
    pub fn new(object: Bound<'_, T>) -> Held<T> {
        Held(Some(object.unbind()))
    }

    /// The object. There is always one.
    pub fn take(mut self) -> Option<Py<T>> {
        self.0.take()
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        let Some(object) = self.0.take() else { return };
        let mut object = Some(object);
        if Python::try_attach(|_| drop(object.take())).is_none() {
            std::mem::forget(object); // the interpreter is going: so is everything in it
        }
    }
}

/// A callable.
pub struct Callback(Held<PyAny>);

impl Callback {
    pub fn new(callable: Bound<'_, PyAny>) -> Callback {
        Callback(Held::new(callable))
    }

    /// Calls it. What it throws goes to `sys.unraisablehook`: there is nobody who could catch it, and
    /// it must not end a sign-in. Nothing happens while the interpreter shuts down.
    pub fn call<A: for<'py> PyCallArgs<'py>>(&self, arguments: impl FnOnce(Python<'_>) -> PyResult<A>) {
        self.ask(arguments, |_| Ok(()));
    }

    /// Calls it for an answer. Where it throws, the answer is the type of what it threw.
    pub fn ask<A: for<'py> PyCallArgs<'py>, T>(
        &self,
        arguments: impl FnOnce(Python<'_>) -> PyResult<A>,
        answer: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>,
    ) -> Option<Result<T, String>> {
        let before = INSIDE.replace(true);
        let answered = Python::try_attach(|py| {
            let callable = self.0.0.as_ref()?;
            let called = arguments(py).and_then(|arguments| callable.call1(py, arguments));
            Some(called.and_then(|returned| answer(returned.bind(py))).map_err(|thrown| {
                let name = thrown
                    .get_type(py)
                    .name()
                    .map_or_else(|_| "an exception".into(), |name| name.to_string());
                thrown.write_unraisable(py, Some(callable.bind(py)));
                name
            }))
        });
        INSIDE.set(before);
        answered.flatten()
    }
}

/// Refuses what such a callable must not do: the library's thread would wait for itself.
pub fn not_inside(py: Python<'_>) -> PyResult<()> {
    match INSIDE.get() {
        false => Ok(()),
        true => Err(usage(
            py,
            ciba::Status::IN_CALLBACK,
            "a callable that ciba calls must not call into it: hand the work to another thread",
        )),
    }
}
