//! `ciba.Flow`.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ciba::{Progress, ProgressStage, Status, Timeout};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDateTime;
use secrecy::ExposeSecret;

use crate::callback::Callback;
use crate::error::instance;
use crate::saved::SavedFlow;
use crate::time::{datetime, timeout as timeout_of};
use crate::tokens::{Tokens, loads};
use crate::wait::{call, wait};

/// How long leaving a `with` block waits for the provider's answer to a cancel call.
const LEAVE: Duration = Duration::from_secs(5);

/// One authentication, from its start to its outcome: what ``Client.init`` returns.
///
/// As a context manager it cancels itself where the block is left before there is an outcome. Left to
/// the garbage collector it sends nothing: the phone rings on until the request expires. Any thread
/// may use it; it belongs to the process that started it.
#[pyclass(module = "ciba", frozen, weakref)]
pub struct Flow(pub ciba::Flow);

#[pymethods]
impl Flow {
    /// Waits for the outcome, and asks the provider whenever a poll is due. The provider is asked only
    /// while somebody waits here, in ``step``, or in ``ciba.aio``.
    ///
    /// ``timeout``: how many seconds to wait; ``None`` until there is an outcome, 0 not at all: a poll
    /// that is due is sent, and its answer collected by a later call. ``on_progress`` is called with a
    /// ``ciba.Progress`` on this thread when something has changed, and about once a second; what it
    /// raises comes out of this call, and the flow goes on.
    ///
    /// Returns the tokens, or ``None`` where the time is up: nothing is lost, call again. Raises the
    /// outcome, the same on every later call: ``Denied``, ``Expired``, ``Cancelled``, ``Unknown``, or a
    /// ``Failed`` whose class says why. ``UsageError`` in another process than the flow's own.
    /// ``KeyboardInterrupt`` ends the wait; the flow goes on, unless a ``with`` block is left.
    #[pyo3(signature = (timeout=None, on_progress=None))]
    fn poll(
        &self,
        py: Python<'_>,
        timeout: Option<&Bound<'_, PyAny>>,
        on_progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Tokens>> {
        if on_progress.is_some_and(|callable| !callable.is_callable()) {
            return Err(PyTypeError::new_err("on_progress: must be a callable that takes a Progress"));
        }
        let mut shown = None;
        let tell = || {
            let Some(callable) = on_progress else { return Ok(()) };
            let now = self.0.progress();
            let at = (now.stage, now.polls, now.expires_in.map(|left| left.as_secs()));
            if shown.replace(at) != Some(at) {
                callable.call1((progress(py, &now)?,))?;
            }
            Ok(())
        };
        let piece = |timeout| self.0.poll(timeout);
        Ok(wait(py, timeout_of(timeout)?, on_progress.is_some(), piece, tell)?.map(Tokens))
    }

    /// Makes the one exchange that is due, if one is, and waits for its answer. Never sleeps towards a
    /// due time: for programs that do the waiting themselves, until ``next_poll_at``.
    ///
    /// ``timeout``: how many seconds to wait for the answer; ``None`` until it is there, 0 not at all.
    /// Returns and raises what ``poll`` does.
    #[pyo3(signature = (timeout=None))]
    fn step(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Tokens>> {
        // Ends also where the answer is here and decides nothing, or nothing was due.
        let piece = |timeout: Timeout| match self.0.step(timeout)? {
            None if self.0.is_asking() => Ok(None),
            answered => Ok(Some(answered)),
        };
        Ok(wait(py, timeout_of(timeout)?, false, piece, || Ok(()))?.flatten().map(Tokens))
    }

    /// Gives the authentication up: the outcome is *cancelled* at once, and whoever waits for it wakes.
    /// Where the provider has a cancel call of its own, it is made.
    ///
    /// ``timeout``: how many seconds to wait for the provider's answer to that call; ``None`` until it
    /// is there, 0 not at all: it goes on in the background. A program about to exit should wait.
    /// Returns ``True`` when that is done or there is nothing to do, ``False`` where the time is up. A
    /// flow that has ended stays as it ended. Raises ``TransportError`` where the provider's own call
    /// failed; the outcome is *cancelled* all the same.
    #[pyo3(signature = (timeout=None))]
    fn cancel(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let piece = |timeout| Ok(self.0.cancel(timeout)?.then_some(()));
        Ok(wait(py, timeout_of(timeout)?, false, piece, || Ok(()))?.is_some())
    }

    /// Saves the flow and lets it go on here. ``context`` says what it is saved for, for example the id
    /// of a row: it can be resumed with the same text alone. Needs the setting ``saved_flow_keys``.
    ///
    /// Raises ``SavedFlowError`` for a flow that has ended or has its tokens, ``InvalidInput`` without
    /// the setting, ``UsageError`` in another process.
    #[pyo3(signature = (context=""))]
    fn checkpoint(&self, py: Python<'_>, context: &str) -> PyResult<SavedFlow> {
        Ok(SavedFlow(call(py, || self.0.checkpoint(context))?))
    }

    /// Saves the flow and closes it here: its outcome is ``HANDED_OVER``. An exchange that is under way
    /// is waited for, since it may bring the tokens.
    ///
    /// ``timeout``: how many seconds to wait; ``None`` until it has ended, 0 not at all. Returns
    /// ``None`` where the time is up: the flow goes on here. Raises what ``checkpoint`` does.
    #[pyo3(signature = (context="", timeout=None))]
    fn hand_over(
        &self,
        py: Python<'_>,
        context: &str,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<SavedFlow>> {
        let piece = |timeout| self.0.hand_over(context, timeout);
        Ok(wait(py, timeout_of(timeout)?, false, piece, || Ok(()))?.map(SavedFlow))
    }

    /// How often the flow was saved, in this process and before.
    #[getter]
    fn revision(&self) -> u32 {
        self.0.revision()
    }

    /// How the flow ended, as a ``ciba.Status``: ``OK``, ``DENIED``, ``EXPIRED``, ``CANCELLED``,
    /// ``FAILED``, ``UNKNOWN`` or ``HANDED_OVER``; ``PENDING`` while it has not; ``OTHER_PROCESS`` in a
    /// forked child.
    #[getter]
    fn outcome<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static STATUS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        STATUS.import(py, "ciba._status", "Status")?.call1((self.0.outcome().number(),))
    }

    /// The verified tokens, once there are any.
    #[getter]
    fn tokens(&self) -> Option<Tokens> {
        self.0.tokens().ok().map(Tokens)
    }

    /// The provider's identifier of the request; ``None`` before the acknowledgement. Confidential.
    #[getter]
    fn auth_req_id(&self) -> Option<String> {
        self.0.auth_req_id().map(|id| id.expose_secret().to_owned())
    }

    /// The whole acknowledgement as a new ``dict``; ``None`` before it. Confidential.
    #[getter]
    fn acknowledgement<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.acknowledgement().map(|json| loads(py, json.expose_secret())).transpose()
    }

    /// The text that the person compares on the phone, or is told: the request's ``binding_message``, or one
    /// that the provider has made; ``None`` where there is none, or none yet.
    #[getter]
    fn binding_message(&self) -> Option<String> {
        self.0.binding_message()
    }

    /// A link that the person opens to be asked, shown as it is or as a QR code: at providers that ask in
    /// a browser. ``None`` elsewhere, and before the acknowledgement.
    #[getter]
    fn authentication_uri(&self) -> Option<String> {
        self.0.authentication_uri()
    }

    /// The caller's own text that stands in every log event of the flow.
    #[getter]
    fn correlation(&self) -> &str {
        self.0.correlation()
    }

    /// When the authentication request was made, as an aware ``datetime``.
    #[getter]
    fn started_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        datetime(py, self.0.started_at())
    }

    /// When the request expires, as an aware ``datetime``; ``None`` before the acknowledgement.
    #[getter]
    fn expires_at<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        self.0.expires_at().map(|at| datetime(py, at)).transpose()
    }

    /// When the next poll is due, as an aware ``datetime``; ``None`` if none is.
    #[getter]
    fn next_poll_at<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        self.0.next_poll_at().map(|at| datetime(py, at)).transpose()
    }

    /// The interval between polls that is in force, in seconds; it grows with ``slow_down``. ``None``
    /// before the acknowledgement.
    #[getter]
    fn interval(&self) -> Option<f64> {
        self.0.interval().map(|interval| interval.as_secs_f64())
    }

    /// Where the flow stands, as a ``ciba.Progress``.
    #[getter]
    fn progress<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        progress(py, &self.0.progress())
    }

    /// The trouble that is being waited out, or was waited out last, as a ``CibaError`` that is not
    /// raised; for example a provider that cannot be reached. ``None`` if there was none.
    #[getter]
    fn trouble<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.last_trouble().map(|error| instance(py, &error)).transpose()
    }

    /// Has the provider asked when due, without a thread that waits, until the watch is closed.
    /// ``changed`` is called without arguments when the flow has reached another stage, and when a
    /// cancel call was answered; not for what was there before. For ``ciba.aio``.
    fn _watch(&self, py: Python<'_>, changed: Bound<'_, PyAny>) -> PyResult<Watch> {
        let changed = Callback::new(changed);
        let told = AtomicI32::new(self.0.progress().stage as i32);
        let tell = move |progress: &Progress| {
            // The GIL is not taken for a poll that decided nothing.
            let before = told.swap(progress.stage as i32, Ordering::Relaxed);
            if before != progress.stage as i32
                || progress.stage == ProgressStage::Ended
                || progress.signature_wanted
            {
                changed.call(|_| Ok(()));
            }
        };
        let watch = call(py, || self.0.watch(tell))?;
        Ok(Watch(Mutex::new(Some(watch))))
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    /// Cancels the flow unless it has ended, and waits some seconds for the provider to take note.
    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) -> PyResult<()> {
        self.leave(py)
    }

    fn __repr__(&self) -> String {
        format!("<ciba.Flow {}>", self.0.outcome().name().to_lowercase())
    }
}

impl Flow {
    /// Cancels the flow unless it has ended, and waits a little for the provider. What the provider
    /// answers is in the log: whoever leaves because of an exception must not meet another one.
    pub fn leave(&self, py: Python<'_>) -> PyResult<()> {
        if self.0.outcome() == Status::PENDING {
            let piece = |timeout| Ok(self.0.cancel(timeout).unwrap_or(true).then_some(()));
            wait(py, Some(LEAVE), false, piece, || Ok(()))?;
        }
        Ok(())
    }
}

fn progress<'py>(py: Python<'py>, now: &Progress) -> PyResult<Bound<'py, PyAny>> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
    let (expires_in, next_poll_in) = (seconds(now.expires_in), seconds(now.next_poll_in));
    MAKE.import(py, "ciba._progress", "progress")?.call1((
        now.stage as i32,
        expires_in,
        next_poll_in,
        now.polls,
    ))
}

/// What ``Flow._watch`` returns.
#[pyclass(module = "ciba._ciba", frozen)]
pub struct Watch(Mutex<Option<ciba::Watch>>);

#[pymethods]
impl Watch {
    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyAny>) {
        let watch = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(watch);
    }
}
