//! Calls that may wait: without the GIL, and with an eye on Ctrl-C.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use ciba::{Result, Status, Timeout};
use pyo3::prelude::*;

use crate::callback::not_inside;
use crate::error::exception;

/// How long the main thread waits before it looks for signals.
const LOOK_FOR_SIGNALS: Duration = Duration::from_millis(50);

/// Makes a call of the library without the GIL. A panic is an error like others.
pub fn call<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    not_inside(py)?;
    let result = py.detach(|| catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Status::PANIC.into())));
    result.map_err(|error| exception(py, &error))
}

/// Waits with `piece`, a call that waits at most so long and may be repeated, until it brings
/// something or the time is up. `between` runs with the GIL, before the first piece and after each.
///
/// Only Python's main thread can see a signal: it waits in short pieces. Other threads do so only
/// where `often` asks for it.
pub fn wait<T: Send>(
    py: Python<'_>,
    time: Timeout,
    often: bool,
    piece: impl Fn(Timeout) -> Result<Option<T>> + Sync,
    mut between: impl FnMut() -> PyResult<()>,
) -> PyResult<Option<T>> {
    let until = time.and_then(|time| Instant::now().checked_add(time));
    let longest = (often || on_main_thread(py)?).then_some(LOOK_FOR_SIGNALS);
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let this = left.into_iter().chain(longest).min();
        if left != Some(Duration::ZERO) {
            between()?;
        }
        if let Some(done) = call(py, || piece(this))? {
            return Ok(Some(done));
        }
        py.check_signals()?;
        if until.is_some_and(|until| Instant::now() >= until) {
            return Ok(None);
        }
    }
}

fn on_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let here = threading.call_method0("get_ident")?;
    threading.call_method0("main_thread")?.getattr("ident")?.eq(here)
}
