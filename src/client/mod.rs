//! The client: joins the rooms, and is what programs hold.

mod afterwards;
mod bound;
mod config;
mod connection;
mod credentials;
mod decryption;
mod flow;
mod handle;
mod inner;
mod mutual_tls;
mod notifications;
mod pending;
mod polling;
mod profile;
mod proxy;
mod saved;
mod secret_source;
mod sending;
mod set;
mod signatures;
mod steps;
mod waiting;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::client_auth::ClientAuthentication;
use crate::client_certificate::ClientCertificate;
use crate::dpop::{Dpop, SCHEME};
use crate::engine::{Engine, Http, HttpSettings, PerProcess};
use crate::error::{Error, Result};
use crate::log::{Level, Logger};
use crate::notification::DeliveryMode;
use crate::provider::Provider;
use crate::provider::discovery::Support;
use crate::request::AuthenticationRequest;
use crate::signed_request::RequestSigning;
use crate::tokens::{Algorithm, Decryption, ResponsePolicy};

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
    /// What the client shows in TLS, if it does.
    pub certificate: Option<Arc<ClientCertificate>>,
    /// What access tokens are bound to, if they are.
    pub dpop: Option<Dpop>,
    /// How authentication requests are signed, if they are.
    pub request_signing: Option<RequestSigning>,
    /// What the client is registered for.
    pub delivery_mode: DeliveryMode,
    pub algorithm: Algorithm,
    /// How ID Tokens are encrypted, if they are.
    pub decryption: Option<Decryption>,
    /// That of userinfo answers, where they are signed.
    pub userinfo_algorithm: Option<Algorithm>,
    /// How they are encrypted, if they are.
    pub userinfo_decryption: Option<Decryption>,
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
        let client = self.0.clone();
        let done = self.0.join(&self.0.connection()?.check, timeout, async move |_| {
            client.connection()?.keys(&client).await.map(drop)
        })?;
        Ok(done.is_some())
    }

    /// Starts an authentication and waits for the provider's acknowledgement, at most so long. The
    /// flow comes back also where that takes longer; [`Flow::poll`] then waits on.
    ///
    /// The request is checked first: if it is wrong nothing is sent. It is sent once, never again; but with push
    /// and DPoP once more, with the nonce that the provider asks for before it asks the person.
    ///
    /// Errors: `INVALID_AUTHENTICATION_REQUEST`; where the provider answers with an error its
    /// status (200s); `START_UNKNOWN` where the answer was lost; the other 100s where the
    /// person is not asked.
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

impl AuthenticationRequest {
    /// Makes a short code that is easy to compare and to read out, and sets it as `binding_message`: from
    /// the system's random numbers, by the rule of the client's provider (CIBA Core §7.1). Where the rule
    /// depends on `acr_values`, these are set before.
    ///
    /// Errors: `INVALID_AUTHENTICATION_REQUEST` where the provider takes no `binding_message`; `RESOURCES`.
    pub fn set_binding_code(&mut self, client: &Client) -> Result<String> {
        self.set_binding_code_by(&client.0.provider.rules)
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
            Ok::<_, Error>(Connection::new(engine, http, &self.provider.endpoints))
        })
    }

    pub fn event(&self, level: Level, name: &str, correlation: &str, text: impl FnOnce() -> String) {
        self.logger.event(level, name, correlation, text);
    }

    /// For threads that are inside a call, and hold no lock.
    pub fn deliver_log(&self) {
        self.logger.deliver();
    }

    /// What the provider's metadata must agree to.
    pub fn needed_support(&self) -> Vec<Support> {
        let needed = |name, value| Support { name, value, unless_absent: true };
        let mut all = vec![
            needed("backchannel_token_delivery_modes_supported", self.delivery_mode.name()),
            needed("id_token_signing_alg_values_supported", self.algorithm.name()),
        ];
        let method = self.authentication.method();
        if !self.provider.rules.unlisted_auth_methods.contains(&method) {
            all.push(needed("token_endpoint_auth_methods_supported", method));
        }
        let assertion = self.authentication.signing_algorithm();
        all.extend(assertion.map(|name| needed("token_endpoint_auth_signing_alg_values_supported", name)));
        all.extend(self.dpop.as_ref().map(|dpop| Support {
            name: "dpop_signing_alg_values_supported",
            value: dpop.signer.algorithm().name,
            unless_absent: false, // RFC 9449 §5.1: by it a provider says that it knows DPoP
        }));
        for (alg, enc) in self.decryption.iter().map(Decryption::names) {
            all.push(needed("id_token_encryption_alg_values_supported", alg));
            all.push(needed("id_token_encryption_enc_values_supported", enc));
        }
        for (alg, enc) in self.userinfo_decryption.iter().map(Decryption::names) {
            all.push(needed("userinfo_encryption_alg_values_supported", alg));
            all.push(needed("userinfo_encryption_enc_values_supported", enc));
        }
        all.extend(self.request_signing.as_ref().map(|signing| Support {
            name: "backchannel_authentication_request_signing_alg_values_supported",
            value: signing.signer.algorithm().name,
            unless_absent: false, // CIBA Core §4: where it is absent, signed requests are not supported
        }));
        all
    }

    /// What a token response must be.
    pub fn response_policy(&self, id_token_required: bool) -> ResponsePolicy {
        let usual = ResponsePolicy { id_token_required, ..ResponsePolicy::default() };
        match self.dpop {
            Some(_) => ResponsePolicy { token_type: SCHEME, ..usual }, // anything else is bound to nothing
            None => usual,
        }
    }
}
