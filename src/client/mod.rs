//! The client: joins the rooms, and is what programs hold.

mod config;
mod connection;
mod flow;

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
pub use flow::{Flow, Progress, ProgressStage};

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
}

impl Client {
    /// Makes a client from its settings. No request is made.
    ///
    /// Errors: `MISSING_SETTING`, `CONFLICTING_SETTINGS`, `INVALID_VALUE`, `FILE`.
    pub fn new(config: &Config) -> Result<Client> {
        Ok(Client(Arc::new(config.build()?)))
    }

    /// Fetches the provider's metadata and keys, as a trial of the settings that rings nobody.
    /// `Ok(false)`: not done within the timeout; ask again.
    ///
    /// Errors: `DISCOVERY_FAILED` and the other 400s.
    pub fn check(&self, timeout: Timeout) -> Result<bool> {
        let job = Arc::new((Mutex::new(None), Condvar::new()));
        let engine = self.0.connection()?.engine.clone();
        let (client, done) = (self.0.clone(), job.clone());
        let finish = move |done: &(Mutex<Option<Result<()>>>, Condvar), result| {
            *done.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            done.1.notify_all();
        };
        let hold = engine.clock().hold();
        let broken = done.clone();
        engine.spawn(
            async move {
                let result = match client.connection() {
                    Ok(connection) => connection.keys(&client).await.map(drop),
                    Err(error) => Err(error),
                };
                finish(&done, result);
                drop(hold);
            },
            move || finish(&broken, Err(Status::INTERNAL.into())),
        );
        let guard = job.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = |result: &mut Option<Result<()>>| result.is_none();
        let guard = match timeout {
            None => job.1.wait_while(guard, pending).unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                job.1.wait_timeout_while(guard, timeout, pending).unwrap_or_else(PoisonError::into_inner).0
            }
        };
        guard.clone().map_or(Ok(false), |result| result.map(|()| true))
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
        let flow = FlowShared::new(&self.0, request)?;
        flow.send();
        Ok(Flow(flow))
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

    /// What must not appear in any text.
    pub fn secret(&self) -> &SecretString {
        &self.authentication.client_secret
    }
}
