//! The client: joins the rooms, and is what programs hold.

mod config;
mod connection;
mod flow;
mod handle;
mod proxy;
mod saved;
mod set;
mod waiting;

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;

use crate::client_auth::ClientAuthentication;
use crate::engine::{Engine, Http, HttpSettings, PerProcess};
use crate::error::{Error, Result, Status};
use crate::log::{Level, Logger};
use crate::provider::Provider;
use crate::request::AuthenticationRequest;
use crate::tokens::Algorithm;

pub use config::Config;
use connection::Connection;
pub(crate) use flow::FlowShared;
pub use handle::{Flow, Progress, ProgressStage, Watch};
pub use saved::SavedFlow;
use saved::Sealing;
pub use set::FlowSet;
#[cfg(feature = "capi")]
pub(crate) use set::Members;

/// How long a call may wait: `None` until it is done, zero not at all.
pub type Timeout = Option<Duration>;

/// A client of one provider. Making one makes no request; it may be used from any thread.
#[derive(Clone)]
pub struct Client(pub(crate) Arc<ClientCore>);

/// What a client is made of; nothing of it changes.
pub(crate) struct ClientCore {
    pub provider: Provider,
    pub authentication: ClientAuthentication,
    pub algorithm: Algorithm,
    pub clock_tolerance_s: u32,
    pub id_token_required: bool,
    logger: Logger,
    http: Arc<HttpSettings>,
    engine: Option<Engine>,
    connection: PerProcess<Connection>,
    sealing: Sealing,
    /// Whether a saved flow is never with two processes at once.
    saved_flow_exclusive: bool,
}

/// A trial of the settings that is under way, or whose result nobody has collected.
#[derive(Default)]
struct Check {
    result: Mutex<Option<Result<()>>>,
    done: Condvar,
}

impl Check {
    fn end(&self, result: Result<()>) {
        *self.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        self.done.notify_all();
    }
}

impl Client {
    /// Makes a client from its settings. No request is made.
    ///
    /// Errors: `MISSING_SETTING`, `CONFLICTING_SETTINGS`, `INVALID_VALUE`, `FILE`.
    pub fn new(config: &Config) -> Result<Client> {
        Ok(Client(Arc::new(config.build()?)))
    }

    /// Fetches the provider's metadata and keys, as a trial of the settings that rings nobody.
    /// `Ok(false)`: not done within the timeout; it goes on in the background, and the next call
    /// waits for the same trial.
    ///
    /// Errors: `DISCOVERY_FAILED` and the other 400s.
    pub fn check(&self, timeout: Timeout) -> Result<bool> {
        let connection = self.0.connection()?;
        let mut under_way = connection.check.lock().unwrap_or_else(PoisonError::into_inner);
        let check = under_way.get_or_insert_with(|| self.begin_check(&connection.engine)).clone();
        drop(under_way);

        let result = check.result.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = |result: &mut Option<_>| result.is_none();
        let result = match timeout {
            None => check.done.wait_while(result, pending).unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                let waited = check.done.wait_timeout_while(result, timeout, pending);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        let ended = result.clone();
        drop(result);
        self.0.deliver_log();
        let Some(result) = ended else { return Ok(false) };
        let mut under_way = connection.check.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.take_if(|other| Arc::ptr_eq(other, &check)); // the next call tries again
        result.map(|()| true)
    }

    fn begin_check(&self, engine: &Engine) -> Arc<Check> {
        let check = Arc::new(Check::default());
        let (client, hold) = (self.0.clone(), engine.clock().hold());
        let (ended, broken) = (check.clone(), check.clone());
        engine.spawn(
            async move || {
                let result = match client.connection() {
                    Ok(connection) => connection.keys(&client).await.map(drop),
                    Err(error) => Err(error),
                };
                ended.end(result);
                drop(hold);
            },
            move || broken.end(Err(Status::INTERNAL.into())),
        );
        check
    }

    /// Starts an authentication and waits for the provider's acknowledgement, at most so long. The
    /// flow comes back also where that takes longer; [`Flow::poll`] then waits on.
    ///
    /// The request is checked first: if it is wrong nothing is sent. It is sent once, never again.
    ///
    /// Errors: `INVALID_AUTHENTICATION_REQUEST`; where the provider answers with an error its
    /// status (200s); `START_UNKNOWN` where the answer was lost; the 100s where nothing was sent.
    pub fn init(&self, request: &AuthenticationRequest, timeout: Timeout) -> Result<Flow> {
        let flow = self.begin(request)?;
        flow.wait_started(timeout)?;
        Ok(flow)
    }

    /// Starts an authentication and does not wait: the flow is here before anything is sent, and
    /// can be cancelled from another thread while [`Flow::wait_started`] waits.
    ///
    /// Errors: `INVALID_AUTHENTICATION_REQUEST`, `RESOURCES`.
    pub fn begin(&self, request: &AuthenticationRequest) -> Result<Flow> {
        Ok(Flow(FlowShared::begin(&self.0, request, |_| ())?))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("issuer", &self.0.provider.issuer).finish_non_exhaustive()
    }
}

impl ClientCore {
    /// What the client has in this process, made at the first exchange.
    pub fn connection(&self) -> Result<&Connection> {
        self.connection.get_or_try_init(|| {
            let engine = match &self.engine {
                Some(engine) => engine.clone(),
                None => Engine::of_process()?,
            };
            let http = Http::new(self.http.clone(), engine.resolver())?;
            Ok::<_, Error>(Connection::new(engine, http))
        })
    }

    pub fn event(&self, level: Level, name: &str, correlation: &str, text: impl FnOnce() -> String) {
        self.logger.event(level, name, correlation, text);
    }

    /// For threads that are inside a call, and hold no lock.
    pub fn deliver_log(&self) {
        self.logger.deliver();
    }

    /// What must not appear in any text.
    pub fn secret(&self) -> &SecretString {
        &self.authentication.client_secret
    }
}
