//! From settings to the client's certificate, and to the endpoints that it is for (RFC 8705).

use std::sync::Arc;

use url::Url;

use super::secret_source::secret_source;
use crate::client_certificate::{ClientCertificate, PASSWORD, Parts};
use crate::error::{Error, Result, Status};
use crate::log::{Level, Logger};
use crate::provider::{MutualTls, endpoint};
use crate::settings::Values;

const CERTIFICATE: &str = "tls_client_certificate";
const KEY: &str = "tls_client_key";
const BOUND: &str = "tls_client_certificate_bound_access_tokens";
/// What stands before the name of an endpoint in the setting that gives its alias.
const ALIASES: &str = "mtls_endpoint_aliases.";

fn conflict<T>(text: impl Into<String>) -> Result<T> {
    Err(Error::new(Status::CONFLICTING_SETTINGS, text))
}

/// The certificate that the settings give, if they give one.
pub fn client_certificate(values: &Values) -> Result<Option<Arc<ClientCertificate>>> {
    let Some((name, bytes)) = secret_source(values, CERTIFICATE)? else {
        let needs_one =
            |name: &&str| name.starts_with("tls_client_") && *name != BOUND || name.starts_with(ALIASES);
        let bound = values.flag(BOUND).then_some(BOUND);
        return match values.names().find(needs_one).or(bound) {
            Some(name) => conflict(format!("{name} is given, but no {CERTIFICATE}")),
            None => Ok(None),
        };
    };
    let password = values.text(PASSWORD);
    let mut parts = Parts::read(&name, &bytes, password)?;
    let mut key_name = name.clone();
    if let Some((name, bytes)) = secret_source(values, KEY)? {
        if parts.key.is_some() {
            return conflict(format!("{name} is given, but {key_name} holds a key already"));
        }
        parts.key = Parts::read(&name, &bytes, password)?.key;
        key_name = name;
    }
    let Some(key) = parts.key else {
        let text = match key_name == name {
            true => format!("{KEY} or {KEY}_file is missing: {name} holds no private key"),
            false => format!("{key_name}: holds no private key"),
        };
        let status = if key_name == name { Status::MISSING_SETTING } else { Status::INVALID_VALUE };
        return Err(Error::new(status, text));
    };
    ClientCertificate::new((&name, &key_name), parts.chain, key).map(|made| Some(Arc::new(made)))
}

/// Tells the log of a certificate that is not valid now: the provider decides what that means.
pub fn tell_validity(certificate: &ClientCertificate, logger: &Logger, unix_ms: i64) {
    let now = unix_ms.div_euclid(1000);
    let (from, until) = certificate.valid;
    let (name, what, when) = match () {
        () if now > until => ("certificate.expired", "expired on", until),
        () if now < from => ("certificate.not_yet_valid", "is not valid before", from),
        () => return,
    };
    logger.event(Level::Warning, name, "", || {
        let since = std::time::Duration::from_secs(u64::try_from(when).unwrap_or_default());
        let when = humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + since);
        format!("the client's certificate {what} {when}")
    });
}

/// The rules for endpoints where the client has a certificate.
pub fn mutual_tls(values: &Values) -> MutualTls {
    MutualTls {
        aliases_required: values.flag("mtls_endpoint_aliases_required"),
        bound_access_tokens: values.flag(BOUND),
    }
}

/// The endpoint that the settings give for the client's certificate; `None` leaves it to discovery, also
/// where a provider by name has one: that is not meant for certificates.
pub fn given_endpoint(values: &Values, rules: &MutualTls, name: &str) -> Result<Option<Url>> {
    let alias = format!("{ALIASES}{name}");
    // http is never allowed: it shows no certificate.
    match (values.text(&alias), values.text(name)) {
        (Some(url), _) => endpoint(&alias, url, false).map(Some),
        (None, Some(url)) if !rules.aliases_required => endpoint(name, url, false).map(Some),
        (None, Some(_)) => conflict(format!(
            "{name} is given, and with a client certificate {alias} is needed too; \
             mtls_endpoint_aliases_required=false accepts the plain one"
        )),
        (None, None) => Ok(None),
    }
}
