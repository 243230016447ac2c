//! What a verified signature is over: the claims, checked one after the other against what was
//! expected (OpenID Connect Core §3.1.3.7, CIBA Core §10.3.1).
//!
//! A claim that is checked and there must be of its type: a `null` is not the same as none.

use std::borrow::Cow;
use std::sync::OnceLock;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::expected::{ClaimExpectation, Delivery, Expected, MAX_LEEWAY_SECONDS};
use super::fields::Fields;
use super::id_token::Signed;
use super::original::Original;
use super::token_response::Parts;
use crate::error::{Error, Result, Status};
use crate::json;

const AUTH_REQ_ID: &str = "urn:openid:params:jwt:claim:auth_req_id";
const REFRESH_TOKEN_HASH: &str = "urn:openid:params:jwt:claim:rt_hash";

/// The longest `sub` (OpenID Connect Core §2).
const MAX_SUBJECT: usize = 255;

/// The claims of a token, verified, or the members of another answer: the text that the provider wrote,
/// and, when somebody asks for them, as values.
pub(super) struct Claims {
    text: String,
    values: OnceLock<Map<String, Value>>,
}

impl Claims {
    pub(super) fn new(text: String) -> Claims {
        Claims { text, values: OnceLock::new() }
    }

    /// All claims as the provider wrote them.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// All claims as values.
    pub(super) fn values(&self) -> &Map<String, Value> {
        self.values
            .get_or_init(|| Fields::parse(&self.text).map(|claims| claims.values()).unwrap_or_default())
    }

    /// A claim as text: a string as it is, anything else as the JSON text that the provider wrote.
    pub(super) fn claim_text(&self, name: &str) -> Option<Cow<'_, str>> {
        claim_text(&Fields::parse(&self.text)?, name)
    }
}

fn claim_text<'a>(claims: &Fields<'a>, name: &str) -> Option<Cow<'a, str>> {
    let raw = claims.raw(name)?;
    match raw.starts_with('"') {
        true => claims.text(name),
        false => Some(Cow::Borrowed(raw)),
    }
}

/// A time, in milliseconds: any number, however large, in seconds since 1970.
fn time(claims: &Fields<'_>, name: &str) -> Option<f64> {
    claims.value(name)?.as_f64().map(|seconds| seconds * 1000.0)
}

/// By how much the clocks may differ, in milliseconds.
fn leeway_ms(expected: &Expected<'_>) -> f64 {
    f64::from(expected.leeway_seconds.min(MAX_LEEWAY_SECONDS)) * 1000.0
}

/// Verifies what the token says (steps 6 to 15, then the caller's own expectations).
pub(super) fn verify(
    signed: Signed,
    response: &Parts,
    expected: &Expected<'_>,
    now_ms: i64,
) -> Result<Claims> {
    let malformed = || Error::from(Status::TOKEN_CLAIMS_MALFORMED);
    let text = String::from_utf8(signed.payload).map_err(|_| malformed())?;
    let claims = Fields::parse_strictly(&text).ok_or_else(malformed)?;
    // What tells of events (RFC 8417), a logout token for example, may have all that an ID Token has, and no typ.
    if claims.raw("events").is_some_and(|events| events.starts_with('{')) {
        return Err(Error::new(Status::TOKEN_TYPE, "the token tells of events, so it is no ID Token"));
    }
    if claims.text("iss").as_deref() != Some(expected.issuer) {
        return Err(Status::TOKEN_ISSUER.into());
    }
    check_audience(&claims, expected)?;
    check_times(&claims, expected, now_ms)?;
    check_subject(&claims, expected)?;
    check_authentication(&claims, expected, now_ms)?;
    if let Some(original) = expected.original {
        check_original(&claims, original)?;
    }
    check_bindings(&claims, signed.algorithm, response, expected)?;
    for expectation in expected.claims {
        check_expectation(&claims, expectation)?;
    }
    drop(claims);
    Ok(Claims::new(text))
}

/// Step 8: for this client, and for nobody else who is not trusted.
fn check_audience(claims: &Fields<'_>, expected: &Expected<'_>) -> Result<()> {
    let audience = || Error::from(Status::TOKEN_AUDIENCE);
    let trusted = |name: &str| expected.trusted_audiences.iter().any(|other| other == name);
    let several = match claims.value("aud") {
        Some(Value::String(name)) if name == expected.client_id => false,
        Some(Value::Array(names)) => {
            let mut is_named = false;
            for name in &names {
                let name = name.as_str().ok_or_else(audience)?;
                match name == expected.client_id {
                    true => is_named = true,
                    false if trusted(name) => {}
                    false => return Err(audience()),
                }
            }
            if !is_named {
                return Err(audience());
            }
            names.len() > 1
        }
        _ => return Err(audience()),
    };
    match claims.value("azp") {
        None if several => Err(Status::TOKEN_AUTHORIZED_PARTY.into()),
        Some(azp) if azp != expected.client_id => Err(Status::TOKEN_AUTHORIZED_PARTY.into()),
        _ => Ok(()),
    }
}

/// Steps 9 and 10. Every sum is made in floating point, where nothing overflows: `exp` may be
/// 1e308, and then the token is valid for long.
fn check_times(claims: &Fields<'_>, expected: &Expected<'_>, now_ms: i64) -> Result<()> {
    let now = now_ms as f64;
    let leeway = leeway_ms(expected);
    let refuse = |status: Status, message: &str| Err(Error::new(status, message));

    match time(claims, "exp") {
        Some(exp) if now < exp + leeway => {}
        Some(_) => return refuse(Status::TOKEN_EXPIRED, "the ID Token has expired"),
        None => {
            return refuse(Status::TOKEN_EXPIRED, "the ID Token's exp is not there or no number");
        }
    }

    let Some(iat) = time(claims, "iat") else {
        return refuse(Status::TOKEN_ISSUED_AT, "the ID Token's iat is not there or no number");
    };
    if iat > now + leeway {
        return refuse(Status::TOKEN_ISSUED_AT, "the ID Token's iat is in the future");
    }
    if iat < now - f64::from(expected.max_age_seconds) * 1000.0 {
        return refuse(Status::TOKEN_ISSUED_AT, "the ID Token was issued too long ago");
    }
    if expected.issued_after_ms.is_some_and(|asked| iat < asked as f64 - leeway) {
        return refuse(Status::TOKEN_ISSUED_AT, "the ID Token was issued before it was asked for");
    }

    match (claims.raw("nbf").is_some(), time(claims, "nbf")) {
        (false, _) => Ok(()),
        (true, Some(nbf)) if nbf <= now + leeway => Ok(()),
        (true, Some(_)) => refuse(Status::TOKEN_NOT_YET_VALID, "the ID Token is not valid yet"),
        (true, None) => refuse(Status::TOKEN_NOT_YET_VALID, "the ID Token's nbf is no number"),
    }
}

/// Step 11.
fn check_subject(claims: &Fields<'_>, expected: &Expected<'_>) -> Result<()> {
    let subject = claims
        .text("sub")
        .filter(|sub| !sub.is_empty() && sub.len() <= MAX_SUBJECT && sub.is_ascii())
        .ok_or_else(|| {
            Error::new(Status::TOKEN_SUBJECT, "the ID Token's sub is missing or not of its form")
        })?;
    match expected.subject {
        Some(wanted) if wanted != subject => {
            Err(Error::new(Status::TOKEN_SUBJECT, "the ID Token is about another subject"))
        }
        _ => Ok(()),
    }
}

/// Step 13: how and when the person authenticated, where the caller asks for that.
fn check_authentication(claims: &Fields<'_>, expected: &Expected<'_>, now_ms: i64) -> Result<()> {
    if !expected.acr.is_empty() {
        let acr = match claims.value("acr") {
            Some(Value::String(acr)) => Some(vec![acr]),
            Some(Value::Array(several)) if expected.acr_array => {
                several.iter().map(|acr| acr.as_str().map(str::to_owned)).collect()
            }
            _ => None,
        };
        let Some(acr) = acr else {
            return Err(Error::new(Status::TOKEN_ACR, "the ID Token has no acr, or one that is no text"));
        };
        if !acr.iter().any(|acr| expected.acr.contains(&acr.as_str())) {
            return Err(Status::TOKEN_ACR.into());
        }
    }
    let Some(earliest) = expected.authenticated_after_ms else { return Ok(()) };
    let refuse = |message: &str| Err(Error::new(Status::TOKEN_AUTH_TIME, message));
    let leeway = leeway_ms(expected);
    match time(claims, "auth_time") {
        None => refuse("the ID Token's auth_time is not there or no number"),
        Some(time) if time > now_ms as f64 + leeway => refuse("the ID Token's auth_time is in the future"),
        Some(time) if time < earliest as f64 - leeway => refuse("the person authenticated too long ago"),
        Some(_) => Ok(()),
    }
}

/// Step 16: what a refresh may not change. `auth_time` is that of the authentication, not of this token.
fn check_original(claims: &Fields<'_>, original: &Original) -> Result<()> {
    if original.subject.as_deref().is_some_and(|first| claims.text("sub").as_deref() != Some(first)) {
        return Err(Error::new(Status::TOKEN_SUBJECT, "the ID Token is about another subject"));
    }
    let same = |first: &str, now: &str| {
        let seconds = |raw: &str| raw.trim_matches('"').parse::<f64>().ok();
        first == now || seconds(first).is_some_and(|first| seconds(now) == Some(first))
    };
    match (&original.auth_time, claims.raw("auth_time")) {
        (Some(first), Some(now)) if !same(first, now) => Err(Error::new(
            Status::TOKEN_UNEXPECTED_CLAIM,
            "the ID Token's auth_time is not that of the original ID Token",
        )),
        _ => Ok(()),
    }
}

/// Verifies a signed userinfo answer: who says it, and to whom. Dates are checked where they are there
/// (OpenID Connect Core §5.3.2, §5.3.4).
pub(super) fn verify_userinfo(payload: Vec<u8>, expected: &Expected<'_>, now_ms: i64) -> Result<String> {
    let malformed = || Error::from(Status::USERINFO_MALFORMED);
    let text = String::from_utf8(payload).map_err(|_| malformed())?;
    let claims = Fields::parse_strictly(&text).ok_or_else(malformed)?;
    if claims.text("iss").as_deref() != Some(expected.issuer) {
        return Err(Status::TOKEN_ISSUER.into());
    }
    check_audience(&claims, expected)?;
    let leeway = leeway_ms(expected);
    let now = now_ms as f64;
    let holds = |name: &str, good: &dyn Fn(f64) -> bool| {
        claims.raw(name).is_none() || time(&claims, name).is_some_and(good)
    };
    if !holds("exp", &|exp| now < exp + leeway) {
        return Err(Status::TOKEN_EXPIRED.into());
    }
    if !holds("nbf", &|nbf| nbf <= now + leeway) {
        return Err(Status::TOKEN_NOT_YET_VALID.into());
    }
    drop(claims);
    Ok(text)
}

/// Steps 14 and 15: what ties the ID Token to the access token, to the refresh token and to the
/// request. In a push all of it must be there.
fn check_bindings(
    claims: &Fields<'_>,
    algorithm: Algorithm,
    response: &Parts,
    expected: &Expected<'_>,
) -> Result<()> {
    let pushed = expected.delivery == Delivery::Push;
    let hash = |token: &SecretString| algorithm.half_hash(token.expose_secret());

    match claims.raw("at_hash") {
        None if !pushed => {}
        Some(_) if claims.text("at_hash") == Some(hash(&response.access_token).into()) => {}
        _ => return Err(Status::TOKEN_ACCESS_TOKEN_HASH.into()),
    }
    match (claims.raw(REFRESH_TOKEN_HASH), &response.refresh_token) {
        (None, token) if token.is_none() || !pushed => {}
        (Some(_), Some(token)) if claims.text(REFRESH_TOKEN_HASH) == Some(hash(token).into()) => {}
        _ => return Err(Status::TOKEN_REFRESH_TOKEN_HASH.into()),
    }
    let names_request =
        |name: &&str| claims.raw(name).is_none() || claims.text(name).as_deref() == expected.auth_req_id;
    if expected.auth_req_id.is_some() && !expected.request_id_claims.iter().all(names_request) {
        return Err(Status::TOKEN_REQUEST_ID.into());
    }
    match (claims.raw(AUTH_REQ_ID), expected.auth_req_id) {
        (None, _) if !pushed => {}
        // A refresh answers no authentication request of its own.
        (Some(_), None) if expected.delivery == Delivery::Refresh => {}
        (Some(_), Some(id)) if claims.text(AUTH_REQ_ID).as_deref() == Some(id) => {}
        _ => return Err(Status::TOKEN_REQUEST_ID.into()),
    }
    Ok(())
}

/// A claim that must have one value. The message names the claim and neither value.
fn check_expectation(claims: &Fields<'_>, expectation: &ClaimExpectation) -> Result<()> {
    let (name, expected) = (&expectation.name, expectation.expected.as_str());
    let refuse = |message: String| Err(Error::new(Status::TOKEN_UNEXPECTED_CLAIM, message));
    let Some(text) = claim_text(claims, name) else {
        return refuse(format!("the ID Token has no {name}"));
    };
    let is_the_one = match expected.as_bytes() {
        _ if expectation.ignore_ascii_case => text.eq_ignore_ascii_case(expected),
        json @ (b"null" | [b'{', ..]) => {
            json::value(json).is_some_and(|json| is_as_expected(&json, claims.value(name).as_ref()))
        }
        _ => text == expected,
    };
    match is_the_one {
        true => Ok(()),
        false => refuse(format!("the ID Token's {name} is not the one that was asked for")),
    }
}

fn is_as_expected(expected: &Value, found: Option<&Value>) -> bool {
    match (expected, found) {
        // What has no value should be left out, but is found as either of these (OpenID Connect Core §5.3.2).
        (Value::Null, Some(found)) => !found.is_null() && found != "",
        (Value::Object(expected), Some(Value::Object(found))) => {
            expected.iter().all(|(name, expected)| is_as_expected(expected, found.get(name)))
        }
        (expected, found) => Some(expected) == found,
    }
}
