//! Tokens: what the provider answers, checked, and only then handed out.
//!
//! This room is pure: it has no socket, thread or clock; the time comes in as an argument. The
//! way of a response through it:
//!
//! - `token_response`: the body is read into a `TokenResponse`, which shows nothing of itself;
//! - `jwks`: the provider's key set is read into a `KeySet`;
//! - `encrypted`: an ID Token that is encrypted to the client is opened, with `content_encryption` for what
//!   is inside;
//! - `expected`: the flow says what the ID Token must be in an `Expected`;
//! - `verify`: form, header, key and signature (`id_token`, with `algorithm` for the signature
//!   itself, and `fields` for JSON), then what the token says (`claims`); each refusal has its own
//!   status;
//! - [`Tokens`]: what came out, the only thing in this room that shows a token.
//!
//! What comes afterwards is held against what came first (`original`): the answers to a refresh, and
//! to questions about a person or a token ([`Answer`]).

mod algorithm;
mod answer;
mod binding;
mod claims;
mod content_encryption;
mod encrypted;
mod expected;
mod fields;
mod id_token;
mod jwks;
mod original;
mod token_response;

#[cfg(test)]
mod tests;

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

pub(crate) use algorithm::Algorithm;
pub use answer::Answer;
pub(crate) use answer::{decrypted_userinfo, introspection, signed_userinfo, userinfo};
pub(crate) use content_encryption::CONTENT_ALGORITHMS;
pub(crate) use encrypted::{Decryption, DecryptionKey, KEY_ALGORITHMS};
pub(crate) use expected::{ClaimExpectation, Delivery, Expected};
pub(crate) use jwks::KeySet;
pub(crate) use original::Original;
pub(crate) use token_response::{ResponsePolicy, TokenResponse};

use crate::error::{Error, Result, Status};
use claims::Claims;
use fields::Fields;

/// Verifies the ID Token of a response at a time (Unix milliseconds), and hands out the tokens.
///
/// Each thing that can be wrong has its own status, from `TOKEN_MALFORMED` to `TOKEN_MISSING`.
/// `TOKEN_KEY_NOT_FOUND` means that the provider may have changed its keys: the key set may be
/// fetched again, once, and the same response verified again.
///
/// A response without an ID Token, which `ResponsePolicy` may allow, passes only if nothing is
/// expected that the ID Token alone could say, or if it answers a refresh token.
pub(crate) fn verify(
    response: &TokenResponse,
    keys: &KeySet,
    expected: &Expected<'_>,
    now_ms: i64,
) -> Result<Tokens> {
    let response = match (&response.0.id_token, expected.decryption) {
        (Some(token), Some(decryption)) => response.with_id_token(decryption.open(token.expose_secret())?),
        _ => response.clone(),
    };
    let parts = &response.0;
    let claims = match &parts.id_token {
        Some(token) => {
            let signed = id_token::open(token.expose_secret(), keys, expected.algorithms)?;
            Some(claims::verify(signed, parts, expected, now_ms)?)
        }
        None => {
            let is_missed = match expected.delivery {
                Delivery::TokenEndpoint => expected.needs_claims(),
                Delivery::Refresh => false,
                Delivery::Push => true,
            };
            if is_missed {
                return Err(Status::TOKEN_MISSING.into());
            }
            None
        }
    };
    for (own, method, what) in expected.bindings() {
        let bound = binding::bound_to(parts.access_token.expose_secret(), method);
        if bound.is_some_and(|bound| bound != own) {
            let text = format!("the access token is bound to another {what} than the client's");
            return Err(Error::new(Status::TOKEN_BINDING, text));
        }
    }
    let scope = parts.scope.as_deref().or(expected.requested_scope).map(str::to_owned);
    let later = || claims.as_ref().map(Original::of).unwrap_or_default();
    let original = expected.original.map(|original| original.clone().or(later()));
    Ok(Tokens(Arc::new(Verified {
        response,
        scope,
        claims,
        issuer: expected.issuer.into(),
        client_id: expected.client_id.into(),
        original,
        calls: OnceLock::new(),
    })))
}

/// The tokens of one authentication, verified.
///
/// Cheap to clone: all clones share one copy, whose tokens are wiped from memory with the last of
/// them. The `Debug` form shows none of it.
#[derive(Clone)]
pub struct Tokens(Arc<Verified>);

struct Verified {
    response: TokenResponse,
    scope: Option<String>,
    claims: Option<Claims>,
    /// Who gave them, and to whom.
    issuer: Box<str>,
    client_id: Box<str>,
    /// What the first ID Token says, where it is not the one here.
    original: Option<Original>,
    /// What the client keeps of the calls that are made with these tokens.
    calls: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Tokens {
    /// Tokens that a program kept, to go on with: see [`crate::Client::restore_tokens`].
    ///
    /// Errors: `INVALID_VALUE`, `OTHER_CLIENT`.
    pub(crate) fn kept(
        refresh_token: &SecretString,
        id_token: Option<&SecretString>,
        issuer: &str,
        client_id: &str,
    ) -> Result<Tokens> {
        let original = id_token.map(|token| Original::kept(token, issuer, client_id)).transpose()?;
        Ok(Tokens(Arc::new(Verified {
            response: TokenResponse::kept(refresh_token, id_token),
            scope: None,
            claims: None,
            issuer: issuer.into(),
            client_id: client_id.into(),
            original: Some(original.unwrap_or_default()),
            calls: OnceLock::new(),
        })))
    }

    /// Whether this client at this provider was given the tokens.
    pub(crate) fn are_of(&self, issuer: &str, client_id: &str) -> bool {
        *self.0.issuer == *issuer && *self.0.client_id == *client_id
    }

    /// What the first ID Token says.
    pub(crate) fn original(&self) -> Original {
        let of_claims = || self.0.claims.as_ref().map(Original::of).unwrap_or_default();
        self.0.original.clone().unwrap_or_else(of_claims)
    }

    /// What the client keeps with these tokens, made when it is first asked for.
    pub(crate) fn calls<T: Any + Send + Sync>(&self, make: fn() -> T) -> Option<&T> {
        self.0.calls.get_or_init(|| Box::new(make())).downcast_ref()
    }

    /// These tokens, as long as somebody else keeps them.
    pub(crate) fn downgrade(&self) -> WeakTokens {
        WeakTokens(Arc::downgrade(&self.0))
    }

    /// The access token: a secret. Empty only in tokens of [`crate::Client::restore_tokens`].
    pub fn access_token(&self) -> &str {
        self.0.response.0.access_token.expose_secret()
    }

    /// The ID Token: signed, and confidential; one that came encrypted is decrypted, as an `id_token_hint`
    /// must be (CIBA Core §7.1). `None` only if none was asked for.
    pub fn id_token(&self) -> Option<&str> {
        Some(self.0.response.0.id_token.as_ref()?.expose_secret())
    }

    /// The refresh token, if there is one: a secret.
    pub fn refresh_token(&self) -> Option<&str> {
        Some(self.0.response.0.refresh_token.as_ref()?.expose_secret())
    }

    /// The type of the access token, as the provider wrote it: `Bearer`.
    pub fn token_type(&self) -> &str {
        &self.0.response.0.token_type
    }

    /// The scope of the access token; the one that was asked for if the provider names no other.
    pub fn scope(&self) -> Option<&str> {
        self.0.scope.as_deref()
    }

    /// When the access token expires, in Unix milliseconds, counted from when the response came.
    /// `None` if the provider does not say.
    pub fn expires_at(&self) -> Option<i64> {
        self.0.response.0.expires_at_ms
    }

    /// A member of the token response by its literal name: a string as its text, anything else
    /// as the JSON text that the provider wrote. It may be a secret.
    pub fn member(&self, name: &str) -> Option<Cow<'_, str>> {
        let raw = self.member_json(name)?;
        match raw.starts_with('"') {
            true => serde_json::from_str::<String>(raw).ok().map(Cow::Owned),
            false => Some(Cow::Borrowed(raw)),
        }
    }

    /// A member of the token response by its literal name, as the JSON text that the provider
    /// wrote. It may be a secret.
    pub fn member_json(&self, name: &str) -> Option<&str> {
        Fields::parse(self.0.response.0.body.expose_secret())?.raw(name)
    }

    /// A claim of the ID Token by its literal name: a dot is part of the name (`mitid.uuid`).
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims()?.get(name)
    }

    /// A claim as text: a string as it is, anything else as the JSON text that the provider wrote.
    pub fn claim_text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0.claims.as_ref()?.claim_text(name)
    }

    /// A claim that says yes or no: a boolean, or one as a string (`"true"`).
    pub fn claim_bool(&self, name: &str) -> Option<bool> {
        self.claim_text(name)?.parse().ok()
    }

    /// A claim that is a whole number, or one as a string (`"88"`).
    pub fn claim_integer(&self, name: &str) -> Option<i64> {
        self.claim_text(name)?.parse().ok()
    }

    /// All claims of the ID Token as JSON, exactly as the provider wrote them.
    pub fn claims_json(&self) -> Option<&str> {
        Some(self.0.claims.as_ref()?.text())
    }

    /// All claims of the ID Token.
    pub fn claims(&self) -> Option<&Map<String, Value>> {
        Some(self.0.claims.as_ref()?.values())
    }
}

/// Tokens that somebody else keeps.
pub(crate) struct WeakTokens(Weak<Verified>);

impl WeakTokens {
    pub(crate) fn upgrade(&self) -> Option<Tokens> {
        self.0.upgrade().map(Tokens)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("has_id_token", &self.0.response.0.id_token.is_some())
            .field("has_refresh_token", &self.0.response.0.refresh_token.is_some())
            .field("expires_at", &self.0.response.0.expires_at_ms)
            .finish_non_exhaustive()
    }
}
