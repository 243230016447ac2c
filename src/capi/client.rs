//! The client.

use std::sync::{Arc, PoisonError};

use super::config::ciba_config;
use super::error::ciba_error;
use super::{Userdata, ciba_status, get, into_handle, not_in_callback, out, release, run, shared, timeout};
use crate::client::Client;
use crate::error::Status;

/// What the log callbacks and the signer callback of a client need; its flows share it.
pub(super) type Callbacks = Arc<[Arc<Userdata>]>;

/// A client of one provider.
pub struct ciba_client {
    pub(super) client: Client,
    pub(super) callbacks: Callbacks,
}

/// Makes a client from settings. No request is made: see ciba_client_check().
///
/// config: the settings; later changes to them do not reach the client. client: the place for the
/// client, which the caller frees with ciba_client_free(). err: NULL, or the place for an error.
/// Returns CIBA_OK, CIBA_MISSING_SETTING, CIBA_CONFLICTING_SETTINGS, CIBA_INVALID_VALUE, CIBA_FILE,
/// CIBA_MISSING_ARGUMENT. On an error *client is NULL.
/// Threads: any; a client may be used from several at once. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_client_new(
    config: *const ciba_config,
    client: *mut *mut ciba_client,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        let client = out(client, "client")?;
        let config = shared(config, "config")?;
        let settings = config.0.lock().unwrap_or_else(PoisonError::into_inner);
        let made = Client::new(&settings.config)?;
        let callbacks = settings.logs.iter().chain(&settings.signer).cloned().collect();
        *client = into_handle(ciba_client { client: made, callbacks });
        Ok(Status::OK)
    })
}

/// Fetches the provider's metadata and keys: a trial of the settings, the network and TLS that rings
/// nobody. It does not try the client's credentials: whether they are right shows the first ciba_init().
///
/// timeout_ms: how many ms to wait; < 0: until done, 0: not at all.
/// Returns CIBA_OK, CIBA_PENDING when the time is up (ask again: it goes on in the background), or
/// why it failed: CIBA_DISCOVERY_FAILED, CIBA_KEYS_UNAVAILABLE or another of the 400s; the message says
/// whether the network, TLS or the provider is the reason.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_client_check(
    client: *mut ciba_client,
    timeout_ms: i64,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        not_in_callback()?;
        let done = shared(client, "client")?.client.check(timeout(timeout_ms))?;
        Ok(if done { Status::OK } else { Status::PENDING })
    })
}

/// Frees a client. NULL is allowed. Flows that it started go on.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_client_free(client: *mut ciba_client) {
    get((), || release(client).map(drop))
}
