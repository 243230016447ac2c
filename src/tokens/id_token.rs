//! The ID Token as a signed JWT: its compact form, its header, its key and its signature. What it
//! says is checked in `claims`.
//!
//! The order is that of the list in OpenID Connect Core §3.1.3.7 and RFC 8725, each step with a
//! status of its own; nothing of the payload is looked at before the signature has been verified.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::algorithm::Algorithm;
use super::fields::Fields;
use super::jwks::KeySet;
use crate::error::{Error, Result, Status};

/// The largest ID Token that is looked at. A response is bounded by the engine; this bounds what
/// a caller hands over by other ways.
pub(super) const MAX_ID_TOKEN_BYTES: usize = 1 << 20;

/// What is left of an ID Token after its signature has been verified.
pub(super) struct Signed {
    /// The payload as the provider wrote it.
    pub(super) payload: Vec<u8>,
    /// The algorithm of the signature, whose hash `at_hash` uses.
    pub(super) algorithm: Algorithm,
}

/// A compact JWS, taken apart and decoded, with nothing in it trusted.
struct Compact<'a> {
    header: Vec<u8>,
    payload: Vec<u8>,
    signature: Vec<u8>,
    /// The bytes that the signature is over: the first two parts as they came.
    signed: &'a [u8],
}

/// The members of a header that are listened to. A key that the header brings along or points to
/// (`jwk`, `jku`, `x5c`, `x5u`) is not.
struct Header {
    algorithm: Algorithm,
    kid: Option<String>,
}

/// Verifies form, header and signature (steps 1 to 5).
pub(super) fn open(token: &str, keys: &KeySet, algorithms: &[Algorithm]) -> Result<Signed> {
    let compact = Compact::parse(token)?;
    let header = Header::parse(&compact.header, algorithms)?;
    keys.check(header.algorithm, header.kid.as_deref(), compact.signed, &compact.signature)?;
    Ok(Signed { payload: compact.payload, algorithm: header.algorithm })
}

impl<'a> Compact<'a> {
    /// Step 1: exactly three parts, none empty, in Base64url without padding, line breaks or
    /// bits that say nothing. Five parts are a token that is encrypted.
    fn parse(token: &'a str) -> Result<Compact<'a>> {
        if token.len() > MAX_ID_TOKEN_BYTES {
            return Err(malformed("the ID Token is larger than the limit"));
        }
        let no_jws = || malformed("the ID Token is not three parts in Base64url");
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(no_jws());
        };
        match parts.count() {
            0 => {}
            2 if token.bytes().all(is_compact_character) => {
                return Err(Status::TOKEN_ENCRYPTED.into());
            }
            _ => return Err(no_jws()),
        }
        let decode = |part: &str| match URL_SAFE_NO_PAD.decode(part) {
            Ok(bytes) if !bytes.is_empty() => Ok(bytes),
            _ => Err(no_jws()),
        };
        let signed = token.as_bytes().get(..header.len() + 1 + payload.len());
        Ok(Compact {
            header: decode(header)?,
            payload: decode(payload)?,
            signature: decode(signature)?,
            signed: signed.ok_or_else(no_jws)?,
        })
    }
}

impl Header {
    /// Step 2: a JSON object in which no name occurs twice, an algorithm that is allowed, nothing
    /// critical, and a type that an ID Token may have.
    fn parse(text: &[u8], algorithms: &[Algorithm]) -> Result<Header> {
        let members = std::str::from_utf8(text)
            .ok()
            .and_then(Fields::parse_strictly)
            .ok_or_else(|| malformed("the ID Token's header is not a plain JSON object"))?;

        let algorithm = members
            .text("alg")
            .and_then(|name| Algorithm::from_name(&name))
            .filter(|algorithm| algorithms.contains(algorithm))
            .ok_or_else(|| Error::from(Status::TOKEN_ALGORITHM))?;

        // No extension is understood, so that every `crit` names one that is not (RFC 7515
        // §4.1.11), and the payload is always Base64url (RFC 7797).
        if members.raw("crit").is_some() || members.raw("b64").is_some_and(|b64| b64 != "true") {
            return Err(Status::TOKEN_CRITICAL_HEADER.into());
        }

        // `application/` may be left out, and capitals make no difference (RFC 7515 §4.1.9).
        let typ = members.text("typ");
        let is_id_token =
            |typ: &str| typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("application/jwt");
        if members.raw("typ").is_some() && !typ.as_deref().is_some_and(is_id_token) {
            return Err(Status::TOKEN_TYPE.into());
        }

        let kid = members.text("kid").map(Cow::into_owned);
        if members.raw("kid").is_some() && kid.is_none() {
            return Err(malformed("the kid in the ID Token's header is not a string"));
        }
        Ok(Header { algorithm, kid })
    }
}

/// The characters of a compact JWS or JWE.
fn is_compact_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn malformed(message: &str) -> Error {
    Error::new(Status::TOKEN_MALFORMED, message)
}
