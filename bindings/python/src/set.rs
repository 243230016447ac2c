//! `ciba.FlowSet`.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;

use crate::callback::Held;
use crate::client::Client;
use crate::flow::Flow;
use crate::time::timeout as timeout_of;
use crate::wait::{call, wait};

/// Many flows, and one thread that waits for them; after the manner of ``select.epoll``.
///
/// ``FlowSet(client)``: it takes flows of any client. The provider is asked for every flow in it, and
/// the polls are spread over the interval. The set keeps its flows alive until it has reported them;
/// a set that is dropped asks for them no more. Any thread may use it; it belongs to the process that
/// made it.
#[pyclass(module = "ciba", frozen, weakref)]
pub struct FlowSet {
    set: ciba::FlowSet<Held<Flow>>,
    /// A wait is made of short pieces: what ends one of them does not end the whole.
    woken: AtomicBool,
}

#[pymethods]
impl FlowSet {
    #[new]
    fn new(py: Python<'_>, client: &Client) -> PyResult<FlowSet> {
        let client = client.open(py)?;
        Ok(FlowSet { set: call(py, || ciba::FlowSet::new(&client))?, woken: AtomicBool::new(false) })
    }

    /// Adds a flow; from now on the provider is asked for it. One that has its outcome already is
    /// reported by the next ``wait``. Raises ``UsageError`` if it is in the set.
    fn add(&self, py: Python<'_>, flow: Bound<'_, Flow>) -> PyResult<()> {
        let native = flow.get();
        let held = Held::new(flow.clone());
        call(py, || self.set.add(&native.0, held))
    }

    /// Takes a flow out. Returns whether it was in the set: not if it was reported.
    fn remove(&self, py: Python<'_>, flow: &Flow) -> PyResult<bool> {
        Ok(call(py, || self.set.remove(&flow.0))?.is_some())
    }

    /// Waits for the next flow that has its outcome, takes it out of the set and returns it; its
    /// ``poll(0)`` then returns the tokens or raises the outcome.
    ///
    /// ``timeout``: how many seconds to wait; ``None`` until there is one, 0 not at all. Returns
    /// ``None`` where the time is up.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Py<Flow>>> {
        let piece = |timeout| match self.set.wait(timeout)? {
            None if self.woken.swap(false, Ordering::AcqRel) => Ok(Some(None)),
            settled => Ok(settled.map(Some)),
        };
        let settled = wait(py, timeout_of(timeout)?, false, piece, || Ok(()))?.flatten();
        Ok(settled.and_then(Held::take))
    }

    /// Has one thread that is in ``wait`` return ``None`` at once; where none is, the next one. For a
    /// thread that has other work than the set's.
    fn wake(&self, py: Python<'_>) -> PyResult<()> {
        self.woken.store(true, Ordering::Release);
        call(py, || self.set.wake())
    }

    /// Cancels every flow in the set, without waiting for the provider. Each is then reported.
    fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        call(py, || self.set.cancel())
    }

    /// How many flows are in the set, those among them that have their outcome and were not reported.
    fn __len__(&self) -> usize {
        self.set.count()
    }

    /// A descriptor that is readable while ``wait`` has something to report, for event loops. It belongs
    /// to the set: it is to be watched, not read or closed. Raises ``InternalError`` where the system
    /// refuses one.
    #[cfg(unix)]
    fn fileno(&self, py: Python<'_>) -> PyResult<i32> {
        use std::os::fd::AsRawFd;
        call(py, || Ok(self.set.descriptor()?.as_raw_fd()))
    }

    fn __repr__(&self) -> String {
        format!("<ciba.FlowSet of {}>", self.set.count())
    }
}
