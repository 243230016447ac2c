//! Parameters that only the provider knows: their names, and those that nobody may take.

use super::refuse;
use crate::error::Result;

/// Names that OAuth 2.0, OpenID Connect, CIBA or JWT give a meaning: with one of them a caller could change
/// who asks, what is asked, or where an answer goes. Several are no parameters of CIBA at all.
const RESERVED: &[&str] = &[
    "access_token",
    "acr_values",
    "assertion",
    "aud",
    "auth_req_id",
    "authorization_details",
    "binding_message",
    "claims",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "device_code",
    "dpop_jkt",
    "exp",
    "grant_type",
    "iat",
    "id_token_hint",
    "iss",
    "jti",
    "login_hint",
    "login_hint_token",
    "nbf",
    "nonce",
    "password",
    "redirect_uri",
    "refresh_token",
    "request",
    "request_context",
    "request_expiry",
    "request_uri",
    "requested_expiry",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "sub",
    "user_code",
    "username",
];
/// Longer names than any provider is known to have.
const LONGEST: usize = 100;

/// Checks a name (RFC 6749 appendix A: letters, digits, `-`, `.`, `_`).
pub fn check(name: &str) -> Result<()> {
    let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if name.is_empty() || name.len() > LONGEST || !name.bytes().all(is_name) {
        return refuse("extra: a parameter's name has letters, digits, -, . and _, up to 100 of them");
    }
    let lower = name.to_ascii_lowercase();
    if RESERVED.contains(&lower.as_str()) || lower.starts_with("client_") {
        let text = format!("extra.{name}: {name} has a meaning of its own, and is not for extras to set");
        return refuse(text);
    }
    Ok(())
}
