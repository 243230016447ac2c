//! `ciba.Client`.

use std::sync::{Arc, Mutex, PoisonError};

use ciba::{AuthenticationRequest, Config, Level, Log, Status};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping};

use crate::error::usage;
use crate::flow::Flow;
use crate::log::{PythonLog, default_log};
use crate::settings::{set_keywords, set_mapping, set_value};
use crate::time::timeout as timeout_of;
use crate::wait::{call, wait};

/// A client of one provider.
///
/// ``Client("telenor", client_id="desk-7", client_secret=secret)``
///
/// The keywords are the settings; ``ciba.SETTINGS`` lists their names, defaults and meanings. A value
/// is a ``str``, ``int``, ``bool``, path, or a list of ``str`` that is joined by spaces; an empty text
/// counts as not given. ``log`` is called with each ``ciba.LogEvent``; without it events go to the
/// logger ``ciba`` of ``logging`` (debug events only if that is enabled for them by now). It runs on
/// the library's own thread or on one that is inside a call: it must be quick and must not call into
/// ciba. What it raises goes to ``sys.unraisablehook`` and ends nothing.
///
/// Making one sends nothing. Certificates are read, which takes some milliseconds: make one client
/// and keep it. Any thread may use it, and so may a process forked from this one.
///
/// Raises ``InvalidInput`` where a setting is unknown, missing or wrong, ``UsageError`` where a file
/// cannot be read, ``TypeError``.
#[pyclass(module = "ciba", frozen, weakref)]
pub struct Client {
    /// Locked only with the GIL held, and never for long: a fork cannot find it taken.
    client: Mutex<Option<ciba::Client>>,
    shown: String,
}

impl Client {
    pub fn open(&self, py: Python<'_>) -> PyResult<ciba::Client> {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone();
        client.ok_or_else(|| usage(py, Status::FREED, "the client is closed: make another one"))
    }
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (provider=None, *, log=None, **settings))]
    fn new(
        py: Python<'_>,
        provider: Option<&Bound<'_, PyAny>>,
        log: Option<Bound<'_, PyAny>>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Client> {
        let mut config = Config::new();
        let mut shown = String::new();
        let mut set = |name: &str, value: &str| {
            config.set(name, value)?;
            if matches!(name, "provider" | "issuer") {
                value.clone_into(&mut shown); // the issuer, where there is one: it comes later
            }
            Ok(())
        };
        if let Some(provider) = provider {
            set_value("provider", provider, false, &mut set)?;
        }
        set_keywords(settings, &mut set)?;
        let (level, callable) = match log {
            Some(log) if !log.is_callable() => {
                return Err(PyTypeError::new_err("log: must be a callable that takes a LogEvent"));
            }
            Some(log) => (Level::Debug, log),
            None => default_log(py)?,
        };
        config.add_log(level, Arc::new(PythonLog::new(callable)) as Arc<dyn Log>);
        let client = call(py, || ciba::Client::new(&config))?;
        Ok(Client { client: Mutex::new(Some(client)), shown })
    }

    /// Fetches the provider's metadata and keys: a trial of the settings, the network and TLS that
    /// rings nobody. ``timeout``: in seconds; ``None`` until it is done, 0 not at all.
    ///
    /// Returns ``True``, or ``False`` where the time is up: it goes on in the background, and the next
    /// call waits for the same trial. Raises ``DiscoveryError``, ``UsageError``.
    #[pyo3(signature = (timeout=None))]
    fn check(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let client = self.open(py)?;
        let piece = |timeout| Ok(client.check(timeout)?.then_some(()));
        Ok(wait(py, timeout_of(timeout)?, false, piece, || Ok(()))?.is_some())
    }

    /// Starts an authentication and waits for the provider's acknowledgement: the phone then rings.
    ///
    /// What is asked is given by keyword, or in a mapping ``request`` that keywords add to;
    /// ``ciba.PARAMETERS`` lists the names. ``login_hint_token`` may be a ``dict`` of its members.
    /// ``timeout``: how many seconds to wait for the acknowledgement; ``None`` until it is there, 0 not
    /// at all. The flow is returned also where that takes longer.
    ///
    /// The request is checked first: if it is wrong, nothing is sent. It is sent once, never again. An
    /// exception that ends the wait, such as ``KeyboardInterrupt``, cancels the flow.
    ///
    /// Raises ``InvalidInput``; ``ProviderError`` where the provider refuses; ``TransportError``, where
    /// nothing was sent or, with the status ``START_UNKNOWN``, the answer was lost; ``DiscoveryError``.
    #[pyo3(signature = (request=None, timeout=None, **parameters))]
    fn init(
        &self,
        py: Python<'_>,
        request: Option<&Bound<'_, PyAny>>,
        timeout: Option<&Bound<'_, PyAny>>,
        parameters: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Flow> {
        let client = self.open(py)?;
        let timeout = timeout_of(timeout)?; // before anything is sent
        let mut asked = AuthenticationRequest::new();
        let mut set = |name: &str, value: &str| asked.set(name, value).map(drop);
        if let Some(request) = request {
            let Ok(request) = request.cast::<PyMapping>() else {
                let text = "request: must be a mapping of parameter names to values, or left out";
                return Err(PyTypeError::new_err(text));
            };
            set_mapping(request, &mut set)?;
        }
        set_keywords(parameters, &mut set)?;

        let flow = call(py, || client.begin(&asked))?;
        let piece = |timeout| Ok(flow.wait_started(timeout)?.then_some(()));
        if let Err(error) = wait(py, timeout, false, piece, || Ok(())) {
            Flow(flow).leave(py)?; // nobody else can
            return Err(error);
        }
        Ok(Flow(flow))
    }

    /// Goes on with a flow that ``Flow.checkpoint`` or ``Flow.hand_over`` saved, in this process or
    /// another one. ``saved``: its ``bytes``; ``context``: the text that it was saved with.
    ///
    /// A flow that was handed over is polled when it would have been; after a checkpoint a whole
    /// interval is waited first. One that was saved before its acknowledgement is not started again: it
    /// comes back ended, with ``START_UNKNOWN``. Raises ``SavedFlowError``, ``TypeError``.
    #[pyo3(signature = (saved, context=""))]
    fn resume(&self, py: Python<'_>, saved: Vec<u8>, context: &str) -> PyResult<Flow> {
        let client = self.open(py)?;
        Ok(Flow(call(py, || client.resume(&saved, context))?))
    }

    /// Releases the client's connections. Flows that it started go on. May be called twice.
    fn close(&self) {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(client);
    }

    /// Whether ``close`` was called.
    #[getter]
    fn closed(&self) -> bool {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyAny>) {
        self.close();
    }

    fn __repr__(&self) -> String {
        let closed = if self.closed() { " (closed)" } else { "" };
        format!("<ciba.Client of {:?}{closed}>", self.shown)
    }
}
