//! What the original ID Token says of the person, which nothing afterwards may change: a refresh answers
//! with tokens of the same one, and userinfo is about the same one (OpenID Connect Core §5.3.2, §12.2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use zeroize::Zeroizing;

use super::claims::Claims;
use super::fields::Fields;
use crate::error::{Error, Result, Status};

/// Kept with tokens that have no ID Token of their own, and with those that come of a refresh.
#[derive(Clone, Default)]
pub(crate) struct Original {
    pub(super) subject: Option<String>,
    /// `auth_time`, as the JSON text that the provider wrote.
    pub(super) auth_time: Option<String>,
}

impl Original {
    /// What a verified ID Token says.
    pub(super) fn of(claims: &Claims) -> Original {
        Fields::parse(claims.text()).map(|claims| Original::read(&claims)).unwrap_or_default()
    }

    fn read(claims: &Fields<'_>) -> Original {
        Original {
            subject: claims.text("sub").map(String::from),
            auth_time: claims.raw("auth_time").map(str::to_owned),
        }
    }

    /// This, completed by what a later ID Token says: the first one may have been left out.
    pub(super) fn or(self, later: Original) -> Original {
        Original { subject: self.subject.or(later.subject), auth_time: self.auth_time.or(later.auth_time) }
    }

    /// The person, as the provider names them to this client.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// What an ID Token says that the caller verified in former times and kept. Its signature is not
    /// checked again: the key may be gone by now.
    ///
    /// Errors: `INVALID_VALUE` if it is none; `OTHER_CLIENT` if it is another provider's or client's.
    pub(super) fn kept(id_token: &SecretString, issuer: &str, client_id: &str) -> Result<Original> {
        let parts: Vec<&str> = id_token.expose_secret().split('.').collect();
        let payload = match parts.as_slice() {
            [_, payload, _] => URL_SAFE_NO_PAD.decode(payload).ok().map(Zeroizing::new),
            _ => None,
        };
        let text = payload.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
        let claims = text.and_then(Fields::parse_strictly).ok_or_else(|| no_id_token("is no ID Token"))?;
        let is_audience = match claims.value("aud") {
            Some(Value::String(name)) => name == client_id,
            Some(Value::Array(names)) => names.iter().any(|name| name == client_id),
            _ => false,
        };
        if claims.text("iss").as_deref() != Some(issuer) || !is_audience {
            return Err(Status::OTHER_CLIENT.into());
        }
        Some(Original::read(&claims))
            .filter(|original| original.subject.as_ref().is_some_and(|subject| !subject.is_empty()))
            .ok_or_else(|| no_id_token("has no sub"))
    }
}

fn no_id_token(what: &str) -> Error {
    Error::new(Status::INVALID_VALUE, format!("id_token: {what}"))
}
