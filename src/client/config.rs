//! From settings to a client.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::ClientCore;
use super::bound::dpop;
use super::credentials::credentials;
use super::decryption::Decryptions;
use super::mutual_tls::{client_certificate, given_endpoint, mutual_tls, tell_validity};
use super::profile;
use super::proxy::proxy;
use super::saved::Sealing;
use crate::client_certificate::ClientCertificate;
use crate::clock::Clock;
use crate::engine::{Engine, HttpSettings, PerProcess, SystemClock, TlsSettings, with_client_certificate};
use crate::error::{Error, Result, Status};
use crate::log::{Level, Log, LogFile, Logger};
use crate::notification::DeliveryMode;
use crate::provider::{Endpoints, Preset, Provider, endpoint};
use crate::settings::{SETTINGS, Values};
use crate::signing::ExternalSigner;
use crate::tokens::Algorithm;

/// No setting is larger; certificates are the largest.
const MOST_VALUE_BYTES: usize = 4 * 1024 * 1024;
/// No certificate file is larger.
const MOST_CERTIFICATE_BYTES: u64 = 16 * 1024 * 1024;

/// The settings of a client, by name; [`crate::SETTINGS`] lists the names.
///
/// Its `Debug` names the settings that are set and shows no value.
#[derive(Clone)]
pub struct Config {
    values: Values,
    logger: Logger,
    engine: Option<Engine>,
    signer: Option<Arc<dyn ExternalSigner>>,
}

impl Default for Config {
    fn default() -> Config {
        let values = Values::new(SETTINGS, "setting", MOST_VALUE_BYTES);
        Config { values, logger: Logger::default(), engine: None, signer: None }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Config ")?;
        f.debug_set().entries(self.values.names()).finish()
    }
}

impl Config {
    /// Settings with nothing set.
    pub fn new() -> Config {
        Config::default()
    }

    /// Sets a setting; an empty text takes it back.
    ///
    /// Errors: `UNKNOWN_NAME`, `INVALID_VALUE`.
    pub fn set(&mut self, name: &str, value: &str) -> Result<&mut Self> {
        self.values.set(name, value)?;
        Ok(self)
    }

    /// Sets every setting that a JSON object names: all of them or, on an error, none.
    ///
    /// Errors: `UNKNOWN_NAME`, `INVALID_VALUE`.
    pub fn set_json(&mut self, text: &str) -> Result<&mut Self> {
        self.values.set_json(text)?;
        Ok(self)
    }

    /// Sends events of this level and more important ones to `log` too.
    pub fn add_log(&mut self, level: Level, log: Arc<dyn Log>) -> &mut Self {
        self.logger.sinks.push((level, log));
        self
    }

    /// Has `signer` sign with the client's private key, which the library then never sees, in place of
    /// `client_private_key`: client assertions and authentication requests. The settings
    /// `token_endpoint_auth_signing_alg` and `backchannel_authentication_request_signing_alg` say with which
    /// algorithm, `client_key_id` with which `kid`. With the setting `dpop_public_key` it signs DPoP proofs
    /// too; [`crate::SigningInput::key_id`] says which key is asked for. It takes the place of the one before.
    pub fn set_signer(&mut self, signer: Arc<dyn ExternalSigner>) -> &mut Self {
        self.signer = Some(signer);
        self
    }

    /// Lets the client run on an engine of its own, with a clock of its own: for tests.
    pub fn set_engine(&mut self, engine: Engine) -> &mut Self {
        self.engine = Some(engine);
        self
    }

    pub(super) fn build(&self) -> Result<ClientCore> {
        Config { values: profile::apply(&self.values)?, ..self.clone() }.build_as_it_is()
    }

    fn build_as_it_is(&self) -> Result<ClientCore> {
        let values = &self.values;
        let algorithm = Algorithm::from_name(values.text("id_token_signed_response_alg").unwrap_or_default());
        let algorithm = algorithm.ok_or(Status::INTERNAL)?; // the table allows no other words
        let certificate = client_certificate(values)?;
        let provider = self.provider(certificate.is_some())?;
        let (authentication, request_signing) = credentials(values, &provider, self.signer.as_ref())?;
        let delivery_mode = self.delivery_mode()?;
        if provider.rules.prepare.is_some() && authentication.secret().is_none() {
            let text = "token_endpoint_auth_method: the provider's prepare step takes the client_secret, so it \
                        must be client_secret_basic or client_secret_post";
            return Err(Error::new(Status::CONFLICTING_SETTINGS, text));
        }
        let ms = |name: &str| Duration::from_millis(values.number(name));
        let shared = self.tls()?.load()?;
        let with = |certificate: &Arc<ClientCertificate>| {
            with_client_certificate(&shared, certificate.certified.clone())
        };
        let http = HttpSettings {
            tls: certificate.as_ref().map_or_else(|| shared.clone(), with),
            proxy: proxy(values)?,
            connect_timeout: ms("connect_timeout_ms"),
            request_timeout: ms("request_timeout_ms"),
            poll_timeout: ms("poll_timeout_ms"),
            most_bytes: usize::try_from(values.number("max_answer_bytes")).unwrap_or(usize::MAX),
        };
        let clock: Arc<dyn Clock> = match &self.engine {
            Some(engine) => engine.clock().clone(),
            None => Arc::new(SystemClock),
        };
        let now = clock.unix_ms();
        let logger = self.logger(clock)?;
        if let Some(certificate) = &certificate {
            tell_validity(certificate, &logger, now);
        }
        let Decryptions { id_token: decryption, userinfo: userinfo_decryption } = Decryptions::new(values)?;
        Ok(ClientCore {
            id_token_required: provider.rules.id_token_required,
            provider,
            authentication,
            certificate,
            dpop: dpop(values, self.signer.as_ref())?,
            request_signing,
            algorithm,
            decryption,
            userinfo_algorithm: values.text("userinfo_signed_response_alg").and_then(Algorithm::from_name),
            userinfo_decryption,
            clock_tolerance_s: u32::try_from(values.number("clock_tolerance_s")).unwrap_or_default(),
            logger,
            http: Arc::new(http),
            engine: self.engine.clone(),
            connection: PerProcess::new(),
            sealing: Sealing::parse(
                values.text("saved_flow_keys").unwrap_or_default(),
                values.flag("saved_flow_unsealed"),
            )?,
            saved_flow_exclusive: values.flag("saved_flow_exclusive"),
            delivery_mode,
        })
    }

    /// How tokens are delivered. For anything but polls the client is registered with an endpoint.
    fn delivery_mode(&self) -> Result<DeliveryMode> {
        let name = "backchannel_client_notification_endpoint";
        let mode = self.values.text("backchannel_token_delivery_mode").and_then(DeliveryMode::from_name);
        let mode = mode.unwrap_or_default();
        match self.values.text(name) {
            Some(url) => {
                endpoint(name, url, self.values.flag("allow_http_loopback"))?;
            }
            None if mode != DeliveryMode::Poll => {
                let text = format!("{name} is missing: the client is registered with it for {}", mode.name());
                return Err(Error::new(Status::MISSING_SETTING, text));
            }
            None => {}
        }
        Ok(mode)
    }

    fn provider(&self, has_certificate: bool) -> Result<Provider> {
        let values = &self.values;
        let mutual_tls = has_certificate.then(|| mutual_tls(values));
        let preset = match values.text("provider") {
            None => None,
            Some(name) => {
                let names: Vec<&str> = crate::provider::PRESETS.iter().map(|p| p.name).collect();
                let unknown = || {
                    format!("provider: no provider of this name is known; there are: {}", names.join(", "))
                };
                Some(Preset::named(name).ok_or_else(|| Error::new(Status::INVALID_VALUE, unknown()))?)
            }
        };
        let issuer = match (values.text("issuer"), preset) {
            (Some(issuer), _) => issuer,
            (None, Some(Preset { name, issuer: "", issuer_form, .. })) => {
                let text = format!("issuer is missing: {name} has a host for each customer ({issuer_form})");
                return Err(Error::new(Status::MISSING_SETTING, text));
            }
            (None, Some(preset)) => preset.issuer,
            (None, None) => return Err(Error::new(Status::MISSING_SETTING, "provider or issuer is missing")),
        };
        let allow_http_loopback = values.flag("allow_http_loopback");
        let issuer_url = endpoint("issuer", issuer, allow_http_loopback)?;
        if issuer_url.query().is_some() {
            return Err(Error::new(Status::INVALID_VALUE, "issuer: must not have a query"));
        }
        // A path of the preset, at the issuer in force.
        let below = |path: fn(&Preset) -> &str| {
            let path = preset.map(path).filter(|path| !path.is_empty())?;
            Some(format!("{}{path}", issuer.trim_end_matches('/')))
        };
        let url = |name: &str, below: Option<String>| -> Result<Option<Url>> {
            let text = values.text(name).map(str::to_owned).or(below);
            text.map(|text| endpoint(name, &text, allow_http_loopback)).transpose()
        };
        // One that the client's certificate is for, where it has one.
        let authenticated = |name: &str, below: Option<String>| match &mutual_tls {
            Some(rules) => given_endpoint(values, rules, name),
            None => url(name, below),
        };
        let cancel_endpoint = values.text("cancel_endpoint").map(str::to_owned).or(below(|p| p.cancel_path));
        if let Some(template) = &cancel_endpoint {
            let path_holds_it =
                template.split_once("{auth_req_id}").is_some_and(|(before, _)| !before.contains(['?', '#']));
            if !path_holds_it {
                let text = "cancel_endpoint: must have {auth_req_id} in its path";
                return Err(Error::new(Status::INVALID_VALUE, text));
            }
            endpoint("cancel_endpoint", &template.replace("{auth_req_id}", "x"), allow_http_loopback)?;
        }
        let mut rules = preset.map(|preset| (preset.rules)()).unwrap_or_default();
        if let Some(name) = values.given("requested_expiry_parameter") {
            rules.requested_expiry_parameter = name.to_owned();
        }
        if let Some(form) = values.given("basic_credentials") {
            rules.basic_form_encoded = form == "form_encoded";
        }
        rules.authorization_context = profile::is_fapi(values);
        rules.user_code = values.flag("backchannel_user_code_parameter");
        if values.given("id_token_required").is_some() {
            rules.id_token_required = values.flag("id_token_required");
        }
        Ok(Provider {
            issuer: issuer.to_owned(),
            endpoints: Endpoints {
                backchannel_authentication: authenticated(
                    "backchannel_authentication_endpoint",
                    below(|p| p.backchannel_authentication_path),
                )?,
                token: authenticated("token_endpoint", below(|p| p.token_path))?,
                jwks: url("jwks_uri", below(|p| p.jwks_path))?,
                prepare: url("prepare_endpoint", below(|p| p.prepare_path))?,
                init_auth: url("init_auth_endpoint", below(|p| p.init_auth_path))?,
                userinfo: authenticated("userinfo_endpoint", None)?.map(Ok),
                introspection: authenticated("introspection_endpoint", None)?.map(Ok),
                revocation: authenticated("revocation_endpoint", None)?.map(Ok),
            },
            mutual_tls,
            cancel_endpoint,
            rules,
            allowed_hosts: values
                .text("allowed_hosts")
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_lowercase)
                .collect(),
            allow_http_loopback,
        })
    }

    fn tls(&self) -> Result<TlsSettings> {
        let values = &self.values;
        let mut certificates = values.text("ca_certificates").unwrap_or_default().to_owned();
        if let Some(path) = values.text("ca_file") {
            let mut text = String::new();
            File::open(path)
                .and_then(|file| file.take(MOST_CERTIFICATE_BYTES).read_to_string(&mut text))
                .map_err(|e| Error::new(Status::FILE, format!("ca_file cannot be read: {}", e.kind())))?;
            certificates = format!("{text}\n{certificates}");
        }
        let system_roots = values.text("ca_mode") != Some("replace");
        if !system_roots && certificates.trim().is_empty() {
            let text = "ca_mode is replace, but neither ca_file nor ca_certificates is given";
            return Err(Error::new(Status::CONFLICTING_SETTINGS, text));
        }
        Ok(TlsSettings { certificates, system_roots, fapi_suites: profile::is_fapi(values) })
    }

    fn logger(&self, clock: Arc<dyn Clock>) -> Result<Logger> {
        let mut logger = self.logger.clone();
        logger.clock = Some(clock);
        if let Some(path) = self.values.text("log_file") {
            let file = OpenOptions::new().append(true).create(true).open(path);
            let file = file
                .map_err(|e| Error::new(Status::FILE, format!("log_file cannot be written: {}", e.kind())))?;
            let level = self.values.text("log_level").and_then(Level::from_name).unwrap_or(Level::Info);
            logger.sinks.push((level, Arc::new(LogFile(file))));
        }
        Ok(logger)
    }
}
