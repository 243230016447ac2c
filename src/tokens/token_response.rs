//! The token response (CIBA Core §10.1.1, RFC 6749 §5.1), read but not yet trusted.
//!
//! It shows nothing to the outside: the tokens in it become visible as [`super::Tokens`], after
//! the ID Token has been verified. Its text is kept once, is wiped when it is dropped, and is
//! read again when somebody asks for a member that the protocol does not name.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;
use zeroize::{Zeroize, Zeroizing};

use super::fields::{Fields, Text};
use crate::error::{Error, Result, Status};
use crate::json;

/// What a token response must have, as far as providers differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResponsePolicy {
    /// Whether there must be an ID Token: when `openid` was asked for, unless the provider is
    /// known to leave it out.
    pub(crate) id_token_required: bool,
    /// The `token_type` that is expected; upper and lower case are the same.
    pub(crate) token_type: &'static str,
}

impl Default for ResponsePolicy {
    fn default() -> ResponsePolicy {
        ResponsePolicy { id_token_required: true, token_type: "Bearer" }
    }
}

/// A token response whose ID Token has not been verified yet. Cheap to clone.
#[derive(Clone)]
pub(crate) struct TokenResponse(pub(super) Arc<Parts>);

/// The members that the protocol names, and the whole text.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) body: SecretString,
    pub(super) access_token: SecretString,
    pub(super) id_token: Option<SecretString>,
    pub(super) refresh_token: Option<SecretString>,
    pub(super) token_type: String,
    pub(super) scope: Option<String>,
    pub(super) expires_at_ms: Option<i64>,
}

impl TokenResponse {
    /// Reads the body of a successful token response that was received at that time (Unix
    /// milliseconds).
    ///
    /// `INVALID_TOKEN_RESPONSE` if a member is missing or is not what it must be, or if there is
    /// an `error` in it; `TOKEN_MISSING` if only the ID Token is missing. An unknown member is
    /// never an error.
    pub(crate) fn parse(body: &[u8], policy: &ResponsePolicy, received_at_ms: i64) -> Result<TokenResponse> {
        Parts::parse(body, policy, received_at_ms).map(|parts| TokenResponse(Arc::new(parts)))
    }

    /// Reads the body of a successful answer to a refresh. Where it brings no refresh token, the one that
    /// was sent stays in force (RFC 6749 §6), and is part of the response as if it had come again.
    pub(crate) fn parse_refreshed(
        body: &[u8],
        policy: &ResponsePolicy,
        received_at_ms: i64,
        sent: &SecretString,
    ) -> Result<TokenResponse> {
        let mut parts = Parts::parse(body, policy, received_at_ms)?;
        if parts.refresh_token.is_none() {
            let raw = json_text(sent);
            let members = Fields::parse(expose(&parts.body));
            let kept = members.map(|members| members.with("refresh_token", &raw));
            parts.body = kept.map(|text| text.as_str().into()).unwrap_or(parts.body);
            parts.refresh_token = Some(sent.clone());
        }
        Ok(TokenResponse(Arc::new(parts)))
    }

    /// What a program kept of tokens, as if it were a response: no access token is in it.
    pub(super) fn kept(refresh_token: &SecretString, id_token: Option<&SecretString>) -> TokenResponse {
        let refresh = ("refresh_token", json_text(refresh_token));
        let members = [Some(refresh), id_token.map(|token| ("id_token", json_text(token)))];
        let mut body = Zeroizing::new(String::from("{}"));
        for (name, raw) in members.iter().flatten() {
            let with = Fields::parse(&body).map(|fields| fields.with(name, raw));
            body = with.unwrap_or_default();
        }
        TokenResponse(Arc::new(Parts {
            body: body.as_str().into(),
            access_token: SecretString::default(),
            id_token: id_token.cloned(),
            refresh_token: Some(refresh_token.clone()),
            token_type: String::new(),
            scope: None,
            expires_at_ms: None,
        }))
    }

    /// The same with the signed ID Token that was in an encrypted one.
    pub(super) fn with_id_token(&self, signed: SecretString) -> TokenResponse {
        let members = Fields::parse(expose(&self.0.body));
        let text = members.map(|members| members.with("id_token", &json_text(&signed)));
        let body = text.map_or_else(|| self.0.body.clone(), |text| text.as_str().into());
        TokenResponse(Arc::new(Parts { body, id_token: Some(signed), ..Parts::clone(&self.0) }))
    }

    /// Whether there is an ID Token to verify, so that the provider's keys are needed.
    pub(crate) fn has_id_token(&self) -> bool {
        self.0.id_token.is_some()
    }
}

impl Parts {
    fn parse(body: &[u8], policy: &ResponsePolicy, received_at_ms: i64) -> Result<Parts> {
        let text = std::str::from_utf8(body).map_err(|_| invalid("the token response is not valid UTF-8"))?;
        let members = Fields::parse(text)
            .map(Members)
            .ok_or_else(|| invalid("the token response is not a plain JSON object"))?;

        if members.present("error").is_some() {
            let code = members.secret("error").ok().flatten().map(|code| expose(&code).to_owned());
            let code = code.filter(|code| code.len() <= 256 && code.bytes().all(is_error_character));
            let refused = invalid("the token response says error although its status says success");
            return Err(refused.with_oauth(code, None));
        }

        let access_token = members.token("access_token")?.ok_or_else(|| missing("access_token"))?;
        let token_type = members.text("token_type")?.ok_or_else(|| missing("token_type"))?;
        if !token_type.eq_ignore_ascii_case(policy.token_type) {
            let text = format!("the token response's token_type is not {}", policy.token_type);
            return Err(invalid(text));
        }
        let refresh_token = members.token("refresh_token")?;
        let scope = members.text("scope")?;
        let expires_at_ms = members.expires_in()?.map(|seconds| {
            let milliseconds = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000);
            received_at_ms.saturating_add(milliseconds)
        });
        let id_token = members.secret("id_token")?;
        if id_token.is_none() && policy.id_token_required {
            return Err(Status::TOKEN_MISSING.into());
        }
        Ok(Parts {
            body: SecretString::from(text),
            access_token,
            id_token,
            refresh_token,
            token_type,
            scope,
            expires_at_ms,
        })
    }
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenResponse")
            .field("has_id_token", &self.0.id_token.is_some())
            .field("has_refresh_token", &self.0.refresh_token.is_some())
            .finish_non_exhaustive()
    }
}

/// The members of a token response, with what each must be.
struct Members<'a>(Fields<'a>);

impl Members<'_> {
    /// The JSON text of a member that is there and is not `null`.
    fn present(&self, name: &str) -> Option<&str> {
        self.0.raw(name).filter(|raw| *raw != "null")
    }

    /// A member that is a string that is not empty, if it is there.
    fn secret(&self, name: &str) -> Result<Option<SecretString>> {
        let Some(raw) = self.present(name) else {
            return Ok(None);
        };
        match serde_json::from_str::<Text<'_>>(raw) {
            Ok(Text(Cow::Borrowed(""))) | Err(_) => {
                Err(invalid(format!("the token response's {name} is not a string, or empty")))
            }
            Ok(Text(text)) => {
                let secret = SecretString::from(text.as_ref());
                if let Cow::Owned(mut copy) = text {
                    copy.zeroize();
                }
                Ok(Some(secret))
            }
        }
    }

    /// A member that is a token: a string of printable ASCII (RFC 6749 Appendix A), as it will
    /// be written into a header one day.
    fn token(&self, name: &str) -> Result<Option<SecretString>> {
        let token = self.secret(name)?;
        // Without an early end, the loop is one that the compiler can make wide.
        let is_printable = |text: &SecretString| {
            let bytes = expose(text).bytes();
            bytes.fold(true, |good, byte| good & (0x20..0x7f).contains(&byte))
        };
        match token.as_ref().is_none_or(is_printable) {
            true => Ok(token),
            false => Err(invalid(format!("the token response's {name} holds a character of no token"))),
        }
    }

    /// A member that is a string and no secret, if it is there.
    fn text(&self, name: &str) -> Result<Option<String>> {
        let raw = self.present(name);
        raw.map(serde_json::from_str)
            .transpose()
            .map_err(|_| invalid(format!("the token response's {name} is not a string")))
    }

    /// `expires_in`: a positive number of seconds, or one as a string.
    fn expires_in(&self) -> Result<Option<u64>> {
        let Some(raw) = self.present("expires_in") else {
            return Ok(None);
        };
        json::Members::parse(format!("{{\"n\":{raw}}}").as_bytes())
            .and_then(|members| members.positive_seconds("n"))
            .map(Some)
            .ok_or_else(|| invalid("the token response's expires_in is not a positive number"))
    }
}

/// A secret as a JSON string.
pub(super) fn json_text(secret: &SecretString) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(6 * expose(secret).len() + 2)); // it never grows
    let written = serde_json::to_writer(&mut *bytes, expose(secret));
    written.ok().and_then(|()| String::from_utf8(std::mem::take(&mut *bytes)).ok()).unwrap_or_default().into()
}

fn expose(secret: &SecretString) -> &str {
    secrecy::ExposeSecret::expose_secret(secret)
}

/// The characters of `error` (RFC 6749 §5.2).
fn is_error_character(byte: u8) -> bool {
    matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

fn missing(name: &str) -> Error {
    invalid(format!("the token response has no {name}"))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Status::INVALID_TOKEN_RESPONSE, message)
}
