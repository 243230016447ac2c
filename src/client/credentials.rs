//! From settings to what the client proves itself with, and signs its requests with.

use std::sync::Arc;

use super::bound::PUBLIC_KEY;
use super::secret_source::secret_source;
use crate::client_auth::{ClientAuthentication, Credentials};
use crate::error::{Error, Result, Status};
use crate::provider::{Provider, endpoint};
use crate::settings::Values;
use crate::signed_request::RequestSigning;
use crate::signing::{Algorithm, Audience, ExternalSigner, PrivateKey, Signer};

/// The credentials that the settings give, and how requests are signed, if they are.
pub fn credentials(
    values: &Values,
    provider: &Provider,
    external: Option<&Arc<dyn ExternalSigner>>,
) -> Result<(ClientAuthentication, Option<RequestSigning>)> {
    let key = private_key(values, "client_private_key", PrivateKey::read)?;
    // One that has the key of DPoP proofs may have that alone.
    if key.is_some() && external.is_some() && values.given(PUBLIC_KEY).is_none() {
        return conflict("client_private_key: a signer is set too, and one of them signs");
    }
    let external = external.filter(|_| key.is_none());
    let settings = Settings { values, provider, key, external };
    let client_id = needed(values, "client_id")?.to_owned();
    let authentication = ClientAuthentication { client_id, credentials: settings.credentials()? };
    Ok((authentication, settings.request_signing()?))
}

pub fn needed<'a>(values: &'a Values, name: &str) -> Result<&'a str> {
    let missing = || Error::new(Status::MISSING_SETTING, format!("{name} is missing"));
    values.text(name).ok_or_else(missing)
}

fn conflict<T>(text: impl Into<String>) -> Result<T> {
    Err(Error::new(Status::CONFLICTING_SETTINGS, text))
}

struct Settings<'a> {
    values: &'a Values,
    provider: &'a Provider,
    key: Option<PrivateKey>,
    external: Option<&'a Arc<dyn ExternalSigner>>,
}

impl Settings<'_> {
    fn credentials(&self) -> Result<Credentials> {
        const ALGORITHM: &str = "token_endpoint_auth_signing_alg";
        let rules = &self.provider.rules;
        let secret = || needed(self.values, "client_secret");
        let algorithm = self.algorithm(ALGORITHM)?;
        let method = self.values.text("token_endpoint_auth_method").unwrap_or_default();
        let algorithm = match method {
            "client_secret_basic" => {
                let form_encoded = rules.basic_form_encoded;
                if !form_encoded && needed(self.values, "client_id")?.contains(':') {
                    return conflict("basic_credentials: raw carries no client_id with a colon (RFC 7617 2)");
                }
                return Ok(Credentials::Basic { secret: secret()?.into(), form_encoded });
            }
            "tls_client_auth" | "self_signed_tls_client_auth" => {
                if self.provider.mutual_tls.is_none() {
                    let text = "tls_client_certificate or tls_client_certificate_file is missing";
                    return Err(Error::new(Status::MISSING_SETTING, text));
                }
                return Ok(Credentials::Certificate { self_signed: method.starts_with("self_signed") });
            }
            "client_secret_post" => return Ok(Credentials::Post { secret: secret()?.into() }),
            "client_secret_jwt" => algorithm.or(Algorithm::named("HS256")),
            "private_key_jwt" if self.external.is_some() => match algorithm {
                Some(algorithm) => Some(algorithm),
                None => {
                    let text = format!("{ALGORITHM} is missing: nobody knows what the signer's key is for");
                    return Err(Error::new(Status::MISSING_SETTING, text));
                }
            },
            "private_key_jwt" => algorithm.or(Algorithm::named(self.key()?.usual_algorithm())),
            _ => None, // the table allows no other word
        };
        let Some(algorithm) = algorithm else {
            return conflict("the algorithm that the private key names is not one for signatures");
        };
        if algorithm.is_hmac() != (method == "client_secret_jwt") {
            return conflict(format!("{ALGORITHM}: {} does not fit {method}", algorithm.name));
        }
        Ok(Credentials::Assertion {
            signer: self.signer(ALGORITHM, algorithm)?,
            audience: self.audience("client_assertion_audience", rules.client_assertion_audience)?,
            typ: self.values.text("client_assertion_typ").map(str::to_owned),
        })
    }

    fn request_signing(&self) -> Result<Option<RequestSigning>> {
        const ALGORITHM: &str = "backchannel_authentication_request_signing_alg";
        let Some(algorithm) = self.algorithm(ALGORITHM)? else { return Ok(None) };
        if algorithm.is_hmac() && !self.provider.rules.hmac_signed_requests {
            let name = algorithm.name;
            return conflict(format!(
                "{ALGORITHM}: {name} is not for this provider: CIBA Core 7.1.1 allows asymmetric ones alone"
            ));
        }
        Ok(Some(RequestSigning {
            signer: self.signer(ALGORITHM, algorithm)?,
            audience: self.audience("signed_request_audience", "issuer")?,
            typ: self.values.text("signed_request_typ").map(str::to_owned),
        }))
    }

    fn algorithm(&self, setting: &str) -> Result<Option<&'static Algorithm>> {
        let Some(name) = self.values.text(setting) else { return Ok(None) };
        Algorithm::named(name).map(Some).ok_or_else(|| Status::INTERNAL.into()) // the table's words
    }

    fn key(&self) -> Result<&PrivateKey> {
        let text = "client_private_key or client_private_key_file is missing, or a signer";
        self.key.as_ref().ok_or_else(|| Error::new(Status::MISSING_SETTING, text))
    }

    fn signer(&self, setting: &str, algorithm: &'static Algorithm) -> Result<Signer> {
        let signer = if algorithm.is_hmac() {
            Signer::with_secret(algorithm, needed(self.values, "client_secret")?)
        } else if let Some(external) = self.external {
            let key_id = self.values.text("client_key_id").map(str::to_owned);
            Ok(Signer::with_external(algorithm, external.clone(), key_id))
        } else {
            let key = self.key()?;
            let key_id = self.values.text("client_key_id").map(str::to_owned).or(key.key_id.clone());
            Signer::with_key(algorithm, key, key_id)
        };
        signer.map_err(|error| Error::new(error.status(), format!("{setting}: {}", error.message())))
    }

    fn audience(&self, setting: &str, default: &str) -> Result<Audience> {
        let provider = self.provider;
        Ok(match self.values.given(setting).unwrap_or(default) {
            "issuer" => Audience::Given(provider.issuer.clone()),
            "endpoint" => Audience::Endpoint,
            url => {
                endpoint(setting, url, provider.allow_http_loopback).map_err(|error| {
                    Error::new(error.status(), format!("{} (or issuer, or endpoint)", error.message()))
                })?;
                Audience::Given(url.to_owned()) // as it was written: it is compared to the letter
            }
        })
    }
}

/// The private key, or keys, of a setting and its `_file` twin.
pub fn private_key<K>(
    values: &Values,
    name: &str,
    read: fn(&str) -> std::result::Result<K, String>,
) -> Result<Option<K>> {
    let Some((name, bytes)) = secret_source(values, name)? else { return Ok(None) };
    let key = str::from_utf8(&bytes).map_err(|_| "is not text in UTF-8".to_owned());
    let key = key.and_then(read);
    key.map(Some).map_err(|why| Error::new(Status::INVALID_VALUE, format!("{name}: {why}")))
}
