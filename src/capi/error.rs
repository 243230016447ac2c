//! The error object.

use std::ffi::c_char;

use super::{OwnedText, ciba_status, get, into_handle, release, shared};
use crate::error::Error;

/// Why a call did not succeed. Owned by the caller, who frees it with ciba_error_free().
pub struct ciba_error {
    error: Error,
    message: OwnedText,
    oauth_error: Option<OwnedText>,
    oauth_error_description: Option<OwnedText>,
}

pub(super) fn handle(error: Error) -> *mut ciba_error {
    into_handle(ciba_error {
        message: OwnedText::new(error.message()),
        oauth_error: error.oauth_error().map(OwnedText::new),
        oauth_error_description: error.oauth_error_description().map(OwnedText::new),
        error,
    })
}

fn lend(error: *const ciba_error, what: fn(&ciba_error) -> Option<&OwnedText>) -> *const c_char {
    get(std::ptr::null(), || {
        let error = shared(error, "error").ok()?;
        what(&error).map(|text| text.lend(std::ptr::null_mut()))
    })
}

/// Frees an error. NULL is allowed.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_error_free(error: *mut ciba_error) {
    get((), || release(error).map(drop))
}

/// The status: the same number that the call returned; -1 for NULL.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_error_status(error: *const ciba_error) -> ciba_status {
    get(-1, || Some(shared(error, "error").ok()?.error.status().number()))
}

/// What happened, as one line for a log. It never holds a secret, a token, a hint or a phone number.
///
/// Returns UTF-8 that is owned by the error; NULL for NULL.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_error_message(error: *const ciba_error) -> *const c_char {
    lend(error, |error| Some(&error.message))
}

/// The provider's OAuth error code, verbatim, for example "mitid_flex_app.mitid_error_1" (RFC 6749
/// section 5.2, CIBA Core sections 11 and 13).
///
/// Returns UTF-8 that is owned by the error; NULL if the provider gave none.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_error_oauth_error(error: *const ciba_error) -> *const c_char {
    lend(error, |error| error.oauth_error.as_ref())
}

/// The provider's description of its error. It is the provider's text and may name the person: it
/// is not part of ciba_error_message(), and should not be logged without thought.
///
/// Returns UTF-8 that is owned by the error; NULL if the provider gave none.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_error_oauth_error_description(error: *const ciba_error) -> *const c_char {
    lend(error, |error| error.oauth_error_description.as_ref())
}

/// The HTTP status of the provider's answer; -1 if there was none.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_error_http_status(error: *const ciba_error) -> i32 {
    get(-1, || shared(error, "error").ok()?.error.http_status().map(i32::from))
}

/// How long the provider asked to wait (Retry-After), in ms; -1 if it did not.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_error_retry_after_ms(error: *const ciba_error) -> i64 {
    get(-1, || {
        let after = shared(error, "error").ok()?.error.retry_after()?;
        i64::try_from(after.as_millis()).ok()
    })
}
