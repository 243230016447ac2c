//! What a provider says of a person or of a token when it is asked later: userinfo (OpenID Connect Core
//! §5.3) and introspection (RFC 7662), read and checked.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::claims::{Claims, verify_userinfo};
use super::encrypted::Decryption;
use super::expected::Expected;
use super::fields::Fields;
use super::id_token;
use super::jwks::KeySet;
use crate::error::{Error, Result, Status};

/// An answer of the provider about a person or a token: its members by name.
///
/// Cheap to clone. It may hold a person's data; the `Debug` form shows none of it.
#[derive(Clone)]
pub struct Answer(Arc<Claims>);

impl Answer {
    /// A member by its literal name: a dot is part of the name (`mitid.uuid`).
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.values().get(name)
    }

    /// A member as text: a string as it is, anything else as the JSON text that the provider wrote.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0.claim_text(name)
    }

    /// A member that says yes or no, as `active` does: a boolean, or one as a string (`"true"`).
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.text(name)?.parse().ok()
    }

    /// A member that is a whole number, or one as a string.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// The whole answer as JSON, exactly as the provider wrote it.
    pub fn json(&self) -> &str {
        self.0.text()
    }

    /// All members.
    pub fn members(&self) -> &Map<String, Value> {
        self.0.values()
    }

    /// What an access token is bound to in this way (RFC 7800 §3.1), by the answer to its introspection.
    pub(crate) fn confirmation(&self, method: &str) -> Option<&str> {
        self.get("cnf")?.get(method)?.as_str()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

/// Reads a userinfo answer, which must be about this subject, to the letter.
///
/// Errors: `USERINFO_MALFORMED`, `USERINFO_SUBJECT`.
pub(crate) fn userinfo(body: &[u8], subject: &str) -> Result<Answer> {
    let text = std::str::from_utf8(body).map_err(|_| Error::from(Status::USERINFO_MALFORMED))?;
    about(text.to_owned(), subject)
}

/// Reads a userinfo answer that is a signed JWT. `expected` says who may have signed it, and for whom.
///
/// Errors: those of [`userinfo`], and those of an ID Token for what is wrong with the JWT.
pub(crate) fn signed_userinfo(
    token: &[u8],
    keys: &KeySet,
    expected: &Expected<'_>,
    subject: &str,
    now_ms: i64,
) -> Result<Answer> {
    let token = std::str::from_utf8(token).map_err(|_| Error::from(Status::TOKEN_MALFORMED));
    let verified = token
        .and_then(|token| id_token::open(token.trim(), keys, expected.algorithms))
        .and_then(|signed| verify_userinfo(signed.payload, expected, now_ms))
        .map_err(of_userinfo)?;
    about(verified, subject)
}

/// What is in a userinfo answer that is encrypted to the client: a signed JWT, or the members themselves.
///
/// Errors: those of an encrypted ID Token.
pub(crate) fn decrypted_userinfo(token: &[u8], decryption: &Decryption) -> Result<Zeroizing<Vec<u8>>> {
    let token = std::str::from_utf8(token).map_err(|_| Error::from(Status::TOKEN_MALFORMED));
    token.and_then(|token| decryption.decrypted(token.trim())).map_err(of_userinfo)
}

fn of_userinfo(error: Error) -> Error {
    let text = error.message().replace("ID Token", "userinfo answer");
    error.reworded(text)
}

fn about(text: String, subject: &str) -> Result<Answer> {
    let members = Fields::parse_strictly(&text).ok_or_else(|| Error::from(Status::USERINFO_MALFORMED))?;
    if members.text("sub").as_deref() != Some(subject) {
        return Err(Status::USERINFO_SUBJECT.into());
    }
    drop(members);
    Ok(Answer(Arc::new(Claims::new(text))))
}

/// Reads the answer to an introspection: `active` must be there, and a boolean (RFC 7662 §2.2).
///
/// Errors: `INVALID_INTROSPECTION_RESPONSE`.
pub(crate) fn introspection(body: &[u8]) -> Result<Answer> {
    let invalid = |what: &str| {
        Error::new(Status::INVALID_INTROSPECTION_RESPONSE, format!("the answer to the introspection {what}"))
    };
    let text = std::str::from_utf8(body).map_err(|_| invalid("is not valid UTF-8"))?;
    let members = Fields::parse_strictly(text).ok_or_else(|| invalid("is not a plain JSON object"))?;
    match members.raw("active") {
        Some("true" | "false") => Ok(Answer(Arc::new(Claims::new(text.to_owned())))),
        _ => Err(invalid("has no active that is true or false")),
    }
}
