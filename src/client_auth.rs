//! How the client proves itself: exactly one way, the same at every endpoint.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::signing::{Audience, Claims, Signer};
use crate::wire::{Form, percent_encoded};

/// RFC 7523 §2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion is good for: it is made for one request, and sent at once.
const ASSERTION_LIFETIME_S: i64 = 60;

/// What the client proves itself with.
pub struct ClientAuthentication {
    pub client_id: String,
    pub credentials: Credentials,
}

/// One variant for each `token_endpoint_auth_method`, but for those that differ in the key alone.
pub enum Credentials {
    /// See [`crate::provider::Rules::basic_form_encoded`].
    Basic {
        secret: SecretString,
        form_encoded: bool,
    },
    Post {
        secret: SecretString,
    },
    /// `client_secret_jwt` and `private_key_jwt` (OpenID Connect Core §9, RFC 7523).
    Assertion {
        signer: Signer,
        audience: Audience,
        typ: Option<String>,
    },
    /// `tls_client_auth` and `self_signed_tls_client_auth` (RFC 8705 §2): the certificate proves it, in TLS.
    Certificate {
        self_signed: bool,
    },
}

impl ClientAuthentication {
    /// The `token_endpoint_auth_method`, as in client metadata.
    pub fn method(&self) -> &'static str {
        match &self.credentials {
            Credentials::Basic { .. } => "client_secret_basic",
            Credentials::Post { .. } => "client_secret_post",
            Credentials::Assertion { signer, .. } if signer.algorithm().is_hmac() => "client_secret_jwt",
            Credentials::Assertion { .. } => "private_key_jwt",
            Credentials::Certificate { self_signed: false } => "tls_client_auth",
            Credentials::Certificate { self_signed: true } => "self_signed_tls_client_auth",
        }
    }

    /// The `token_endpoint_auth_signing_alg`, where the method has one.
    pub fn signing_algorithm(&self) -> Option<&'static str> {
        match &self.credentials {
            Credentials::Assertion { signer, .. } => Some(signer.algorithm().name),
            _ => None,
        }
    }

    /// The secret that is sent, where one is.
    pub fn secret(&self) -> Option<&SecretString> {
        match &self.credentials {
            Credentials::Basic { secret, .. } | Credentials::Post { secret } => Some(secret),
            Credentials::Assertion { .. } | Credentials::Certificate { .. } => None,
        }
    }

    /// The secret as Basic credentials, where the client has one that is sent.
    pub fn basic(&self, form_encoded: bool) -> Option<SecretString> {
        let secret = self.secret()?.expose_secret();
        let pair = Zeroizing::new(if form_encoded {
            format!("{}:{}", percent_encoded(&self.client_id).as_str(), percent_encoded(secret).as_str())
        } else {
            format!("{}:{secret}", self.client_id)
        });
        let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
        Some(format!("Basic {}", encoded.as_str()).into())
    }

    /// What must not appear in any text: the secret that is sent, and what it is in Basic credentials.
    pub fn secrets(&self) -> impl Iterator<Item = SecretString> {
        let basic = match &self.credentials {
            Credentials::Basic { form_encoded, .. } => self.basic(*form_encoded),
            _ => None,
        };
        let pair = basic.and_then(|header| Some(header.expose_secret().strip_prefix("Basic ")?.into()));
        self.secret().cloned().into_iter().chain(pair)
    }

    /// Adds the credentials to the form of one request to an endpoint, or gives the `Authorization` header
    /// that carries them. What is made for one request must not be sent with another.
    pub fn apply(&self, form: &mut Form, endpoint: &Url, unix_ms: i64) -> Result<Option<SecretString>> {
        match &self.credentials {
            Credentials::Post { secret } => {
                form.add("client_id", &self.client_id);
                form.add("client_secret", secret.expose_secret());
                Ok(None)
            }
            Credentials::Basic { form_encoded, .. } => Ok(self.basic(*form_encoded)),
            Credentials::Assertion { signer, audience, typ } => {
                let claims = Claims {
                    issuer: &self.client_id,
                    subject: Some(&self.client_id),
                    audience: audience.of(endpoint),
                    unix_ms,
                    lifetime_s: ASSERTION_LIFETIME_S,
                    more: Vec::new(),
                };
                let assertion = signer.jwt(typ.as_deref(), &claims)?;
                // Optional (RFC 7521 §4.2), and some providers look the client up by it.
                form.add("client_id", &self.client_id);
                form.add("client_assertion_type", ASSERTION_TYPE);
                form.add_jwt("client_assertion", assertion);
                Ok(None)
            }
            // By it the provider finds the client whose certificate this must be (RFC 8705 §2, R-28).
            Credentials::Certificate { .. } => {
                form.add("client_id", &self.client_id);
                Ok(None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(id: &str, credentials: Credentials) -> (Option<SecretString>, Vec<u8>) {
        let authentication = ClientAuthentication { client_id: id.into(), credentials };
        let endpoint = Url::parse("https://id.example/token").unwrap();
        let mut form = Form::default();
        let header = authentication.apply(&mut form, &endpoint, 0).unwrap();
        (header, form.encode().to_vec())
    }

    fn basic(id: &str, secret: &str, form_encoded: bool) -> String {
        let (header, form) = applied(id, Credentials::Basic { secret: secret.into(), form_encoded });
        assert!(form.is_empty(), "nothing beside the header (R-03)");
        let encoded = header.unwrap().expose_secret().strip_prefix("Basic ").unwrap().to_owned();
        String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
    }

    #[test]
    fn basic_credentials_are_form_encoded_unless_the_provider_takes_them_raw_r03() {
        assert_eq!(basic("me:1", "a+b/c=%", true), "me%3A1:a%2Bb%2Fc%3D%25");
        assert_eq!(basic("me", "a+b/c=%", false), "me:a+b/c=%");
    }

    #[test]
    fn what_is_sent_of_the_secret_is_known_as_one() {
        let secrets = |credentials| {
            let authentication = ClientAuthentication { client_id: "me".into(), credentials };
            let texts = authentication.secrets().map(|secret| secret.expose_secret().to_owned());
            texts.collect::<Vec<_>>()
        };
        let basic = |form_encoded| Credentials::Basic { secret: "a=".into(), form_encoded };
        assert_eq!(secrets(basic(true)), ["a=", "bWU6YSUzRA=="]); // me:a%3D
        assert_eq!(secrets(basic(false)), ["a=", "bWU6YT0="]);
        assert_eq!(secrets(Credentials::Post { secret: "a=".into() }), ["a="]);
        assert!(secrets(Credentials::Certificate { self_signed: false }).is_empty());
    }

    #[test]
    fn credentials_in_the_body_leave_the_header_alone_r03() {
        let (header, form) = applied("me", Credentials::Post { secret: "a=".into() });
        assert!(header.is_none());
        assert_eq!(form, b"client_id=me&client_secret=a%3D");
    }
}
