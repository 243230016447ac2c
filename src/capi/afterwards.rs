//! What is done with tokens after a person has approved.

use std::collections::HashMap;
use std::ffi::c_char;
use std::sync::{Mutex, PoisonError};

use super::client::ciba_client;
use super::error::ciba_error;
use super::tokens::ciba_tokens;
use super::{
    OwnedText, ciba_status, get, into_handle, not_in_callback, out, release, run, set_length, shared, text,
    timeout,
};
use crate::afterwards::TokenKind;
use crate::error::{Error, Result, Status};
use crate::tokens::Answer;

/// What the provider says about a person (userinfo) or about a token (introspection). Owned by the caller,
/// who frees it with ciba_answer_free().
pub struct ciba_answer {
    answer: Answer,
    json: OwnedText,
    /// Members that were handed out: they stay where they are until the answer is freed.
    lent: Mutex<HashMap<String, OwnedText>>,
}

fn answer_handle(answer: Answer) -> *mut ciba_answer {
    into_handle(ciba_answer { json: OwnedText::new(answer.json()), answer, lent: Mutex::default() })
}

/// One of the tokens, by its name.
fn kind(token: *const c_char) -> Result<TokenKind> {
    let unknown = || Error::new(Status::INVALID_VALUE, "token: must be access_token or refresh_token");
    TokenKind::from_name(text(token, "token")?).ok_or_else(unknown)
}

/// Tokens that a program kept, from an earlier run for example, to go on with: they can be refreshed, and
/// their refresh token revoked or introspected. They have no access token and no claims before they are
/// refreshed. Nothing is sent.
///
/// refresh_token: what ciba_tokens_get() gave under this name. id_token: the one that came with it, or with
/// the first of these tokens where a refresh brought none; it is not verified again, and what comes of a
/// refresh must be of the same person. NULL is allowed where the setting id_token_required is false.
/// tokens: the place for the tokens, which the caller frees with ciba_tokens_free(). err: NULL, or the
/// place for an error.
/// Returns CIBA_OK, CIBA_OTHER_CLIENT (the ID Token is another provider's or client's), CIBA_INVALID_VALUE,
/// CIBA_MISSING_ARGUMENT, CIBA_INVALID_UTF8. On an error *tokens is NULL.
/// Threads: any. Never waits. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_client_restore_tokens(
    client: *const ciba_client,
    refresh_token: *const c_char,
    id_token: *const c_char,
    tokens: *mut *mut ciba_tokens,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        let place = out(tokens, "tokens")?;
        let client = shared(client, "client")?;
        let id_token = (!id_token.is_null()).then(|| text(id_token, "id_token")).transpose()?;
        let restored = client.client.restore_tokens(text(refresh_token, "refresh_token")?, id_token)?;
        *place = into_handle(ciba_tokens::new(restored));
        Ok(Status::OK)
    })
}

/// Refreshes tokens (OpenID Connect Core section 12). What comes is verified as the first tokens were, and
/// must be of the same person. Where the provider gives no new refresh token, the old one is in the fresh
/// tokens too: keep those, and free the old ones.
///
/// tokens: what to refresh. timeout_ms: how many ms to wait; < 0: until the provider has answered; 0: not
/// at all. fresh: the place for the fresh tokens, which the caller frees with ciba_tokens_free().
/// err: NULL, or the place for an error.
///
/// Returns CIBA_OK. CIBA_PENDING: the time is up, nothing is lost: the exchange goes on, call again with
/// the same tokens. One refresh of the same tokens is under way at a time, whoever asks for it. A provider
/// that gives a new refresh token takes the old one no more: later calls give the same fresh tokens again
/// and send nothing, or return CIBA_ALREADY_REFRESHED once those are freed.
///
/// Else why not: CIBA_NOT_PRESENT (there is no refresh token), CIBA_OTHER_CLIENT, CIBA_INVALID_GRANT (it is
/// not good, or not any more), another of the 200s; CIBA_REFRESH_UNKNOWN (the answer was lost: the refresh
/// token may be used up), another of the 100s (nothing was sent), one of the 300s (the fresh ID Token is not
/// good), CIBA_KEYS_UNAVAILABLE (it could not be verified: the next call tries that again, and sends
/// nothing). After any other error the next call sends a new request; none is sent again by itself. On an
/// error *fresh is NULL.
///
/// A child made by fork does not know what its parent has under way: let one of the two refresh.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_client_refresh(
    client: *mut ciba_client,
    tokens: *const ciba_tokens,
    timeout_ms: i64,
    fresh: *mut *mut ciba_tokens,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        let place = out(fresh, "fresh")?;
        not_in_callback()?;
        let (client, tokens) = (shared(client, "client")?, shared(tokens, "tokens")?);
        let refreshed = client.client.refresh(&tokens.tokens, timeout(timeout_ms))?;
        let Some(refreshed) = refreshed else { return Ok(Status::PENDING) };
        *place = into_handle(ciba_tokens::new(refreshed));
        Ok(Status::OK)
    })
}

/// Asks the provider about the person (OpenID Connect Core section 5.3), with the access token. The answer
/// is about the subject of the ID Token, or it is an error.
///
/// timeout_ms: how many ms to wait; < 0: until the provider has answered; 0: not at all. answer: the place
/// for the answer, which the caller frees with ciba_answer_free(). err: NULL, or the place for an error.
/// Returns CIBA_OK, CIBA_PENDING when the time is up (call again with the same tokens for the answer), or
/// why not: CIBA_NOT_PRESENT (there is no access token), CIBA_TOKEN_MISSING (there is no ID Token to compare
/// with), CIBA_OTHER_CLIENT, CIBA_METADATA_ENDPOINT_MISSING, CIBA_INVALID_TOKEN (the access token is not
/// good, or not any more), CIBA_USERINFO_SUBJECT, CIBA_USERINFO_MALFORMED, CIBA_USERINFO_SIGNING, another
/// of the 100s to 400s. On an error *answer is NULL.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_client_userinfo(
    client: *mut ciba_client,
    tokens: *const ciba_tokens,
    timeout_ms: i64,
    answer: *mut *mut ciba_answer,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        let place = out(answer, "answer")?;
        not_in_callback()?;
        let (client, tokens) = (shared(client, "client")?, shared(tokens, "tokens")?);
        let found = client.client.userinfo(&tokens.tokens, timeout(timeout_ms))?;
        let Some(found) = found else { return Ok(Status::PENDING) };
        *place = answer_handle(found);
        Ok(Status::OK)
    })
}

/// Asks the provider whether a token is active, and what it is good for (RFC 7662). A token that is not
/// active is no error: the member "active" of the answer is "true" or "false".
///
/// token: which one: "access_token" or "refresh_token". timeout_ms: how many ms to wait; < 0: until the
/// provider has answered; 0: not at all. answer: the place for the answer, which the caller frees with
/// ciba_answer_free(). err: NULL, or the place for an error.
/// Returns CIBA_OK, CIBA_PENDING when the time is up (call again with the same tokens for the answer), or
/// why not: CIBA_NOT_PRESENT (there is no such token), CIBA_OTHER_CLIENT, CIBA_METADATA_ENDPOINT_MISSING,
/// CIBA_INVALID_INTROSPECTION_RESPONSE, CIBA_TOKEN_BINDING (with tls_client_certificate_bound_access_tokens
/// or dpop_bound_access_tokens: the access token is not bound to the client's certificate, RFC 8705 section
/// 3.2, or to the key of its proofs, RFC 9449 section 6.2), another of the 100s, 200s and 400s. On an error
/// *answer is NULL.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_client_introspect(
    client: *mut ciba_client,
    tokens: *const ciba_tokens,
    token: *const c_char,
    timeout_ms: i64,
    answer: *mut *mut ciba_answer,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        let place = out(answer, "answer")?;
        not_in_callback()?;
        let (client, tokens) = (shared(client, "client")?, shared(tokens, "tokens")?);
        let found = client.client.introspect(&tokens.tokens, kind(token)?, timeout(timeout_ms))?;
        let Some(found) = found else { return Ok(Status::PENDING) };
        *place = answer_handle(found);
        Ok(Status::OK)
    })
}

/// Has the provider revoke a token (RFC 7009). With a refresh token, most providers revoke the access
/// tokens that came of it too. One that the provider does not know is revoked already.
///
/// token: which one: "access_token" or "refresh_token". timeout_ms: how many ms to wait; < 0: until the
/// provider has answered; 0: not at all. A program that is about to exit should wait.
/// err: NULL, or the place for an error.
/// Returns CIBA_OK, CIBA_PENDING when the time is up (it goes on; call again with the same tokens to learn
/// how it ended), or why not: CIBA_NOT_PRESENT (there is no such token), CIBA_OTHER_CLIENT,
/// CIBA_METADATA_ENDPOINT_MISSING, CIBA_UNSUPPORTED_TOKEN_TYPE, another of the 200s; CIBA_HTTP_STATUS with
/// ciba_error_retry_after_ms() where the provider asks to be asked later: the token is then still good;
/// another of the 100s.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_client_revoke(
    client: *mut ciba_client,
    tokens: *const ciba_tokens,
    token: *const c_char,
    timeout_ms: i64,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        not_in_callback()?;
        let (client, tokens) = (shared(client, "client")?, shared(tokens, "tokens")?);
        let done = client.client.revoke(&tokens.tokens, kind(token)?, timeout(timeout_ms))?;
        Ok(if done { Status::OK } else { Status::PENDING })
    })
}

/// A member of an answer by its literal name: "mitid.uuid" is one name. A text as it is, anything else as
/// JSON.
///
/// length: NULL, or the place for the length in bytes, for a text that may hold NUL.
/// Returns UTF-8 that is owned by the answer; NULL if there is no such member.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_answer_get(
    answer: *const ciba_answer,
    name: *const c_char,
    length: *mut usize,
) -> *const c_char {
    set_length(length, 0);
    get(std::ptr::null(), || {
        let answer = shared(answer, "answer").ok()?;
        let name = text(name, "name").ok()?;
        let mut lent = answer.lent.lock().unwrap_or_else(PoisonError::into_inner);
        if !lent.contains_key(name) {
            let found = OwnedText::new(&answer.answer.text(name)?);
            lent.insert(name.to_owned(), found);
        }
        Some(lent.get(name)?.lend(length))
    })
}

/// The whole answer: one JSON object, as the provider wrote it.
///
/// length: NULL, or the place for the length in bytes.
/// Returns UTF-8 that is owned by the answer; NULL for NULL.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_answer_json(answer: *const ciba_answer, length: *mut usize) -> *const c_char {
    set_length(length, 0);
    get(std::ptr::null(), || Some(shared(answer, "answer").ok()?.json.lend(length)))
}

/// Frees an answer. NULL is allowed.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_answer_free(answer: *mut ciba_answer) {
    get((), || release(answer).map(drop))
}
