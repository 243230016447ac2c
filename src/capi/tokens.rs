//! Tokens.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::c_char;
use std::sync::{Mutex, PoisonError};

use super::{OwnedText, get, release, set_length, shared, text};
use crate::tokens::Tokens;

/// The verified tokens of a flow. Owned by the caller, who frees them with ciba_tokens_free(); the
/// library's own copies are wiped from memory when the last of flow and tokens is freed.
pub struct ciba_tokens {
    pub(super) tokens: Tokens,
    /// Texts that were handed out: they stay where they are until the tokens are freed.
    lent: Mutex<HashMap<(Kind, String), OwnedText>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Member,
    Claim,
    ClaimJson,
    Claims,
    ClaimName,
}

impl ciba_tokens {
    pub(super) fn new(tokens: Tokens) -> ciba_tokens {
        ciba_tokens { tokens, lent: Mutex::default() }
    }

    fn find(&self, kind: Kind, name: &str) -> Option<Cow<'_, str>> {
        match kind {
            Kind::Member => self.tokens.member(name),
            Kind::Claim => self.tokens.claim_text(name),
            Kind::ClaimJson => self.tokens.claim(name).map(|value| Cow::Owned(value.to_string())),
            Kind::Claims => self.tokens.claims_json().map(Cow::Borrowed),
            Kind::ClaimName => {
                self.tokens.claims()?.keys().nth(name.parse().ok()?).map(|name| name.as_str().into())
            }
        }
    }
}

fn lend_named(
    tokens: *const ciba_tokens,
    kind: Kind,
    name: *const c_char,
    length: *mut usize,
) -> *const c_char {
    set_length(length, 0);
    get(std::ptr::null(), || Some(lend(tokens, kind, text(name, "name").ok()?, length)))
}

fn lend(tokens: *const ciba_tokens, kind: Kind, name: &str, length: *mut usize) -> *const c_char {
    set_length(length, 0);
    get(std::ptr::null(), || {
        let tokens = shared(tokens, "tokens").ok()?;
        let mut lent = tokens.lent.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (kind, name.to_owned());
        if !lent.contains_key(&key) {
            let found = OwnedText::new(&tokens.find(kind, name)?);
            lent.insert(key.clone(), found);
        }
        Some(lent.get(&key)?.lend(length))
    })
}

/// Frees tokens. NULL is allowed.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_tokens_free(tokens: *mut ciba_tokens) {
    get((), || release(tokens).map(drop))
}

/// A member of the token response by its name: "access_token", "id_token", "refresh_token",
/// "token_type", "scope", "expires_in", or one of the provider's own. A text as it is, anything
/// else as JSON. An ID Token that came encrypted is here decrypted: signed, as an id_token_hint must be.
///
/// length: NULL, or the place for the length in bytes, for a text that may hold NUL.
/// Returns UTF-8 that is owned by the tokens; NULL if there is no such member.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_tokens_get(
    tokens: *const ciba_tokens,
    name: *const c_char,
    length: *mut usize,
) -> *const c_char {
    lend_named(tokens, Kind::Member, name, length)
}

/// A claim of the verified ID Token by its literal name, as text: "mitid.uuid" is one name. A text
/// as it is, anything else as JSON.
///
/// length: NULL, or the place for the length in bytes, for a text that may hold NUL.
/// Returns UTF-8 that is owned by the tokens; NULL if there is no such claim.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_tokens_claim(
    tokens: *const ciba_tokens,
    name: *const c_char,
    length: *mut usize,
) -> *const c_char {
    lend_named(tokens, Kind::Claim, name, length)
}

/// A claim of the verified ID Token by its literal name, as JSON: a text is in quotes.
///
/// length: NULL, or the place for the length in bytes.
/// Returns UTF-8 that is owned by the tokens; NULL if there is no such claim.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_tokens_claim_json(
    tokens: *const ciba_tokens,
    name: *const c_char,
    length: *mut usize,
) -> *const c_char {
    lend_named(tokens, Kind::ClaimJson, name, length)
}

/// The name of a claim of the verified ID Token, to go through all of them: index 0, 1, … until
/// NULL comes.
///
/// length: NULL, or the place for the length in bytes, for a text that may hold NUL.
/// Returns UTF-8 that is owned by the tokens; NULL if there are no more claims.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_tokens_claim_name(
    tokens: *const ciba_tokens,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    lend(tokens, Kind::ClaimName, &index.to_string(), length)
}

/// All claims of the verified ID Token: one JSON object, as the provider wrote it.
///
/// length: NULL, or the place for the length in bytes.
/// Returns UTF-8 that is owned by the tokens; NULL if there is no ID Token.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_tokens_claims(tokens: *const ciba_tokens, length: *mut usize) -> *const c_char {
    lend(tokens, Kind::Claims, "", length)
}

/// When the access token expires, in Unix ms; -1 if the provider does not say.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_tokens_expires_at(tokens: *const ciba_tokens) -> i64 {
    get(-1, || shared(tokens, "tokens").ok()?.tokens.expires_at())
}
