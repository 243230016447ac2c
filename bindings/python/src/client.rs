//! `ciba.Client`.

use std::sync::{Arc, Mutex, PoisonError};

use ciba::{AuthenticationRequest, Config, Level, Log, Status, TokenKind};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping};

use crate::bytes::bytes_of;
use crate::error::usage;
use crate::flow::Flow;
use crate::log::{PythonLog, default_log};
use crate::notification::Notification;
use crate::saved::SavedFlow;
use crate::settings::{set_keywords, set_mapping, set_value};
use crate::signer::PythonSigner;
use crate::time::timeout as timeout_of;
use crate::tokens::{Answer, Tokens};
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
/// ``signer`` signs with the client's private key, which the library never sees, in place of
/// ``client_private_key``: that of a smart card, an HSM, a cloud's key service. It is called as
/// ``signer(data, algorithm, key_id)`` with ``bytes``, the name as in JWS, and ``client_key_id`` or
/// ``None``, and returns the signature as JWS has it, as ``bytes``: r and s one after the other for ES256
/// and its kind, not DER. With ``dpop_public_key`` it signs DPoP proofs too; ``key_id`` is then the ``kid`` of
/// that key or, where it has none, its thumbprint (RFC 7638). It runs on threads that are inside a call, several at once perhaps, and must
/// not call into ciba. What it raises goes to ``sys.unraisablehook``; nothing is sent then, and a start
/// fails with the status ``SIGNER_FAILED``.
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
    #[pyo3(signature = (provider=None, *, log=None, signer=None, **settings))]
    fn new(
        py: Python<'_>,
        provider: Option<&Bound<'_, PyAny>>,
        log: Option<Bound<'_, PyAny>>,
        signer: Option<Bound<'_, PyAny>>,
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
        if let Some(signer) = signer {
            if !signer.is_callable() {
                let text = "signer: must be a callable that takes the bytes, the algorithm and the key's id";
                return Err(PyTypeError::new_err(text));
            }
            config.set_signer(Arc::new(PythonSigner::new(signer)));
        }
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
    /// ``ciba.PARAMETERS`` lists the names. ``login_hint_token`` may be a ``dict`` of its members;
    /// so may ``extra``, and JSON such as ``claims``.
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

    /// Makes a short code that is easy to compare and to read out, for ``binding_message``: from the
    /// system's random numbers, by the provider's rule. ``acr_values``: those of the request, where the
    /// rule depends on them. A new one for each request.
    ///
    /// Raises ``InvalidInput`` where the provider takes no ``binding_message``.
    #[pyo3(signature = (acr_values=None))]
    fn binding_code(&self, py: Python<'_>, acr_values: Option<&Bound<'_, PyAny>>) -> PyResult<String> {
        let client = self.open(py)?;
        let mut asked = AuthenticationRequest::new();
        if let Some(values) = acr_values {
            set_value("acr_values", values, false, &mut |name, value| asked.set(name, value).map(drop))?;
        }
        call(py, || asked.set_binding_code(&client))
    }

    /// Goes on with a flow that ``Flow.checkpoint`` or ``Flow.hand_over`` saved, in this process or
    /// another one. ``saved``: what they returned, or its ``bytes``; ``context``: the text that it was
    /// saved with.
    ///
    /// A flow that was handed over is polled when it would have been; after a checkpoint a whole
    /// interval is waited first. One that was saved before its acknowledgement is not started again: it
    /// comes back ended, with ``START_UNKNOWN``. Raises ``SavedFlowError``, ``TypeError``.
    #[pyo3(signature = (saved, context=""))]
    fn resume(&self, py: Python<'_>, saved: &Bound<'_, PyAny>, context: &str) -> PyResult<Flow> {
        let client = self.open(py)?;
        let kept = match saved.cast::<SavedFlow>() {
            Ok(saved) => saved.get().__bytes__(py),
            Err(_) => bytes_of(saved, "saved")?,
        };
        let kept = kept.as_bytes();
        Ok(Flow(call(py, || client.resume(kept, context))?))
    }

    /// Takes a request that has come to the client's notification endpoint, in ping and push mode, from
    /// whatever HTTP server received it. ``authorization``, ``content_type``: these headers, ``None`` where
    /// there is none. Answer with ``http_status`` of what it returns, whatever that is.
    ///
    /// A ping has the provider asked at once for a flow that somebody waits for; what a push brings is
    /// verified, and the flow then has its outcome. It never waits, and any thread may call it.
    fn deliver_notification(
        &self,
        py: Python<'_>,
        method: &str,
        authorization: Option<&str>,
        content_type: Option<&str>,
        body: &Bound<'_, PyAny>,
    ) -> PyResult<Notification> {
        let client = self.open(py)?;
        let body = bytes_of(body, "body")?;
        let body = body.as_bytes();
        call(py, || client.deliver_notification(method, authorization, content_type, body)).map(Notification)
    }

    /// Tokens that the program kept, from an earlier run for example, to go on with. They have no access
    /// token and no claims before they are refreshed. Nothing is sent.
    ///
    /// ``id_token``: the one that came with them, or with the first of them where a refresh brought none:
    /// what comes of a refresh must be of the same person. It may be left out only where the setting
    /// ``id_token_required`` is ``False``. Raises ``UsageError``.
    #[pyo3(signature = (refresh_token, id_token=None))]
    fn restore_tokens(
        &self,
        py: Python<'_>,
        refresh_token: &str,
        id_token: Option<&str>,
    ) -> PyResult<Tokens> {
        let client = self.open(py)?;
        call(py, || client.restore_tokens(refresh_token, id_token)).map(Tokens)
    }

    /// Refreshes tokens: the fresh ones, of the same person, verified as the first were. Go on with
    /// those. ``timeout``: in seconds; ``None`` until the provider has answered, 0 not at all.
    ///
    /// Returns ``None`` where the time is up: nothing is lost, call again with the same tokens. The same
    /// tokens are refreshed by one request, whoever asks. Raises ``ProviderError``, with ``INVALID_GRANT``
    /// where the refresh token is not good; ``TransportError``, with ``REFRESH_UNKNOWN`` where the answer
    /// was lost and the refresh token may be used up; ``TokenError`` where the fresh ID Token is not good;
    /// ``DiscoveryError``; ``UsageError`` where there is no refresh token.
    #[pyo3(signature = (tokens, timeout=None))]
    fn refresh(
        &self,
        py: Python<'_>,
        tokens: &Tokens,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Tokens>> {
        let client = self.open(py)?;
        let piece = |timeout| client.refresh(&tokens.0, timeout);
        Ok(wait(py, timeout_of(timeout)?, false, piece, || Ok(()))?.map(Tokens))
    }

    /// Asks the provider about the person; the answer is about the subject of the ID Token.
    /// ``timeout``: in seconds; ``None`` until the provider has answered, 0 not at all.
    ///
    /// Returns ``None`` where the time is up: call again with the same tokens for the answer. Raises
    /// ``ProviderError``, with ``INVALID_TOKEN`` where the access token is not good; ``TokenError`` where
    /// the answer is about somebody else, or not good; ``TransportError``, ``DiscoveryError``,
    /// ``UsageError``.
    #[pyo3(signature = (tokens, timeout=None))]
    fn userinfo(
        &self,
        py: Python<'_>,
        tokens: &Tokens,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Answer>> {
        let client = self.open(py)?;
        let piece = |timeout| client.userinfo(&tokens.0, timeout);
        Ok(wait(py, timeout_of(timeout)?, false, piece, || Ok(()))?.map(Answer))
    }

    /// Asks the provider whether a token is active (RFC 7662): ``answer["active"]`` is ``True`` or
    /// ``False``. ``token``: ``"access_token"`` or ``"refresh_token"``. ``timeout``: in seconds.
    ///
    /// Returns ``None`` where the time is up: call again with the same tokens for the answer. Raises
    /// ``ProviderError``, ``TransportError``, ``DiscoveryError``, ``UsageError``.
    #[pyo3(signature = (tokens, token, timeout=None))]
    fn introspect(
        &self,
        py: Python<'_>,
        tokens: &Tokens,
        token: &str,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Answer>> {
        let (client, kind) = (self.open(py)?, kind_of(py, token)?);
        let piece = |timeout| client.introspect(&tokens.0, kind, timeout);
        Ok(wait(py, timeout_of(timeout)?, false, piece, || Ok(()))?.map(Answer))
    }

    /// Has the provider revoke a token (RFC 7009); one that it does not know is revoked already.
    /// ``token``: ``"access_token"`` or ``"refresh_token"``. ``timeout``: in seconds.
    ///
    /// Returns ``True``, or ``False`` where the time is up: it goes on, call again with the same tokens to
    /// learn how it ended. Raises ``ProviderError``; ``TransportError``, with ``retry_after`` where the
    /// provider asks to be asked later; ``DiscoveryError``, ``UsageError``.
    #[pyo3(signature = (tokens, token, timeout=None))]
    fn revoke(
        &self,
        py: Python<'_>,
        tokens: &Tokens,
        token: &str,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        let (client, kind) = (self.open(py)?, kind_of(py, token)?);
        let piece = |timeout| Ok(client.revoke(&tokens.0, kind, timeout)?.then_some(()));
        Ok(wait(py, timeout_of(timeout)?, false, piece, || Ok(()))?.is_some())
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

/// One of the tokens, by its name.
fn kind_of(py: Python<'_>, token: &str) -> PyResult<TokenKind> {
    let unknown = || usage(py, Status::INVALID_VALUE, "token: must be access_token or refresh_token");
    TokenKind::from_name(token).ok_or_else(unknown)
}
