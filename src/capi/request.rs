//! The authentication request.

use std::ffi::c_char;
use std::sync::{Mutex, PoisonError};

use super::client::ciba_client;
use super::error::ciba_error;
use super::{ciba_status, get, into_handle, release, run, shared, text};
use crate::error::Status;
use crate::request::AuthenticationRequest;

/// What is asked of whom, by parameter name. The table at the head of this file lists the names.
pub struct ciba_request(pub(super) Mutex<AuthenticationRequest>);

/// Makes a request with nothing in it. It may be used for several flows.
///
/// Returns NULL only if there is no memory. Free it with ciba_request_free().
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_request_new() -> *mut ciba_request {
    get(std::ptr::null_mut(), || Some(into_handle(ciba_request(Mutex::default()))))
}

/// Frees a request. NULL is allowed. Flows keep what they need of it.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_request_free(request: *mut ciba_request) {
    get((), || release(request).map(drop))
}

fn change(
    request: *mut ciba_request,
    err: *mut *mut ciba_error,
    what: impl FnOnce(&mut AuthenticationRequest) -> crate::Result<()>,
) -> ciba_status {
    run(err, || {
        let request = shared(request, "request")?;
        what(&mut request.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(Status::OK)
    })
}

/// Sets one parameter by name. The table at the head of this file lists names and values.
///
/// request: the request. name, value: UTF-8, copied; an empty value takes a parameter back. err:
/// NULL, or the place for an error.
/// Returns CIBA_OK, CIBA_UNKNOWN_NAME (the message says which was meant, perhaps), CIBA_INVALID_VALUE,
/// CIBA_INVALID_UTF8, CIBA_MISSING_ARGUMENT. A value that is refused changes nothing.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_request_set(
    request: *mut ciba_request,
    name: *const c_char,
    value: *const c_char,
    err: *mut *mut ciba_error,
) -> ciba_status {
    change(request, err, |request| request.set(text(name, "name")?, text(value, "value")?).map(drop))
}

/// Sets every parameter that a JSON object names: texts and numbers; a list of texts is joined by
/// spaces; an object sets "name.member" for each of its members; a parameter that is JSON itself is taken
/// as it is written. All of them or, on an error, none.
///
/// json: UTF-8, copied.
/// Returns what ciba_request_set() returns.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_request_set_json(
    request: *mut ciba_request,
    json: *const c_char,
    err: *mut *mut ciba_error,
) -> ciba_status {
    change(request, err, |request| request.set_json(text(json, "json")?).map(drop))
}

/// Makes a short code that is easy to compare and to read out, and sets it as binding_message: from the
/// system's random numbers, by the rule of the client's provider (CIBA Core section 7.1).
/// ciba_flow_binding_message() tells it. A request that is used for several flows needs a new one each.
///
/// request: the request; where the provider's rule depends on acr_values, these are set before. client: who
/// is going to be asked. err: NULL, or the place for an error.
/// Returns CIBA_OK, CIBA_INVALID_AUTHENTICATION_REQUEST where the provider takes no binding_message,
/// CIBA_RESOURCES, CIBA_MISSING_ARGUMENT. On an error the request is as it was.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_request_set_binding_code(
    request: *mut ciba_request,
    client: *const ciba_client,
    err: *mut *mut ciba_error,
) -> ciba_status {
    change(request, err, |request| request.set_binding_code(&shared(client, "client")?.client).map(drop))
}
