//! Notifications: what the provider sends to the client in ping and push mode.

use std::ffi::{CStr, c_char};

use super::client::ciba_client;
use super::error::ciba_error;
use super::{
    OwnedText, ciba_status, get, into_handle, missing, not_in_callback, out, release, run, set_length, shared,
};
use crate::error::Status;
use crate::notification::Notification;

/// What became of a request to the client's notification endpoint.
pub struct ciba_notification {
    notification: Notification,
    auth_req_id: Option<OwnedText>,
}

/// A text of an HTTP request. It comes from anybody: one that is no text is none.
fn header<'a>(pointer: *const c_char) -> Option<&'a str> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the caller gives a NUL-terminated text that outlives the call, or NULL.
    unsafe { CStr::from_ptr(pointer) }.to_str().ok()
}

/// Takes a request that has come to the client's notification endpoint (CIBA Core sections 10.2, 10.3 and 12),
/// from whatever HTTP server received it. Answer with ciba_notification_http_status(), always, and without a
/// body; with 401 goes the header WWW-Authenticate: Bearer, with 405 Allow: POST.
///
/// A ping has the provider asked at once for a flow that somebody waits for in ciba_poll() or that is in a
/// set; for any other it is remembered until somebody asks. However many come, at most one of them in an
/// interval does so. One that overtakes the acknowledgement counts once that is read. What a push brings is
/// verified as if it had been fetched, and more strictly; the flow then has its outcome. One that comes late,
/// or again, is answered as the first one, and changes nothing.
///
/// method: the HTTP method. authorization, content_type: the values of these headers, NULL where there is
/// none. body, body_length: the body's bytes, copied; NULL where there are none; of more than 1 MiB it is
/// enough to give the first 1048577. notification: the place for what became of it, which the caller frees
/// with ciba_notification_free(). err: NULL, or the place for an error.
/// Returns CIBA_OK whatever the request is: ciba_notification_status() says that. CIBA_RESOURCES,
/// CIBA_MISSING_ARGUMENT, CIBA_IN_CALLBACK; *notification is then NULL, and 503 is the answer.
/// Threads: any. Never waits, and makes no request. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_notification_deliver(
    client: *mut ciba_client,
    method: *const c_char,
    authorization: *const c_char,
    content_type: *const c_char,
    body: *const u8,
    body_length: usize,
    notification: *mut *mut ciba_notification,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        let place = out(notification, "notification")?;
        not_in_callback()?;
        let client = shared(client, "client")?;
        if method.is_null() {
            return Err(missing("method"));
        }
        let method = header(method).unwrap_or_default();
        let body = match body_length {
            0 => &[],
            length => super::bytes(body, length, "body", usize::MAX >> 1)?,
        };
        let (authorization, content_type) = (header(authorization), header(content_type));
        let notification = client.client.deliver_notification(method, authorization, content_type, body)?;
        let auth_req_id = notification.auth_req_id().map(OwnedText::new);
        *place = into_handle(ciba_notification { notification, auth_req_id });
        Ok(Status::OK)
    })
}

/// What became of it. CIBA_OK: it was delivered to its flow, or came when that had its outcome already.
///
/// CIBA_NOTIFICATION_UNKNOWN_FLOW: no flow of this client in this process has its token. Another process may
/// have it: forward the request as it is, or resume the saved flow of ciba_notification_auth_req_id() and
/// deliver the request again; nothing in it is trusted before it is delivered. Else it is not the provider's,
/// or not as it must be: CIBA_NOTIFICATION_UNAUTHORIZED, CIBA_NOTIFICATION_OTHER_REQUEST,
/// CIBA_NOTIFICATION_MALFORMED, CIBA_NOTIFICATION_WRONG_MODE. CIBA_MISSING_ARGUMENT for NULL.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_notification_status(notification: *const ciba_notification) -> ciba_status {
    get(Status::MISSING_ARGUMENT.number(), || {
        Some(shared(notification, "notification").ok()?.notification.status().number())
    })
}

/// The HTTP status to answer: 204; or 400, 401, 405, 413 or 415. -1 for NULL.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_notification_http_status(notification: *const ciba_notification) -> i32 {
    get(-1, || Some(shared(notification, "notification").ok()?.notification.http_status().into()))
}

/// What it says: CIBA_KIND_PING something was decided, CIBA_KIND_TOKENS the tokens, CIBA_KIND_ERROR why there
/// are none. 0 where it has not the form of a notification; -1 for NULL.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_notification_kind(notification: *const ciba_notification) -> i32 {
    get(-1, || {
        let notification = shared(notification, "notification").ok()?;
        Some(notification.notification.kind().map_or(0, |kind| kind as i32))
    })
}

/// The identifier of the request that it is for. Confidential; not to be trusted unless
/// ciba_notification_status() is CIBA_OK.
///
/// length: NULL, or the place for the length in bytes, for a text that may hold NUL.
/// Returns UTF-8 that is owned by the notification; NULL where it has not the form of a notification.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_notification_auth_req_id(
    notification: *const ciba_notification,
    length: *mut usize,
) -> *const c_char {
    set_length(length, 0);
    get(std::ptr::null(), || {
        Some(shared(notification, "notification").ok()?.auth_req_id.as_ref()?.lend(length))
    })
}

/// Frees what became of a notification. NULL is allowed.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_notification_free(notification: *mut ciba_notification) {
    get((), || release(notification).map(drop))
}
