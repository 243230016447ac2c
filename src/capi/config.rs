//! Settings.

use std::ffi::{c_char, c_void};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::ciba_error;
use super::log::LogCallback;
use super::{Userdata, ciba_release_callback, ciba_status, get, into_handle, release, run, shared, text};
use crate::client::Config;
use crate::error::{Error, Status};
use crate::log::Level;

/// The settings of a client, by name. The table at the head of this file lists the names.
pub struct ciba_config(pub(super) Mutex<Settings>);

#[derive(Default)]
pub(super) struct Settings {
    pub config: Config,
    /// What the log callbacks need: here, and with every client and flow that is made from here.
    pub logs: Vec<Arc<Userdata>>,
    /// What the signer callback needs, likewise.
    pub signer: Option<Arc<Userdata>>,
}

/// Receives a log event.
///
/// level: 1 error, 2 warning, 3 info, 4 debug. event: a stable name, for example "poll.slow_down".
/// text: one line. correlation: the flow's "correlation", or "". unix_ms: when, in Unix ms.
/// All texts are UTF-8 and live until the callback returns. No text holds a secret, a token, a hint
/// or a phone number.
///
/// Comes on threads that are inside a call of a client or flow: at the latest when the call returns,
/// and for what happens while nobody is inside, with the next call. Events come in order, one at a
/// time. It must not unwind. It may use accessors; a call that may wait returns CIBA_IN_CALLBACK.
pub type ciba_log_callback = Option<
    unsafe extern "C" fn(
        userdata: *mut c_void,
        level: i32,
        event: *const c_char,
        text: *const c_char,
        correlation: *const c_char,
        unix_ms: i64,
    ),
>;

/// Makes settings with nothing set. Free them with ciba_config_free(), also after a client was made.
///
/// Returns NULL only if there is no memory.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_config_new() -> *mut ciba_config {
    get(std::ptr::null_mut(), || Some(into_handle(ciba_config(Mutex::default()))))
}

/// Frees settings. NULL is allowed. Clients that were made from them keep what they need.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_config_free(config: *mut ciba_config) {
    get((), || release(config).map(drop))
}

pub(super) fn change(
    config: *mut ciba_config,
    err: *mut *mut ciba_error,
    what: impl FnOnce(&mut Settings) -> crate::Result<()>,
) -> ciba_status {
    run(err, || {
        let config = shared(config, "config")?;
        what(&mut config.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(Status::OK)
    })
}

/// Sets one setting by name. The table at the head of this file lists names, values, units and
/// defaults.
///
/// config: the settings. name, value: UTF-8, copied; an empty value takes a setting back. err: NULL,
/// or the place for an error.
/// Returns CIBA_OK, CIBA_UNKNOWN_NAME (the message says which was meant, perhaps), CIBA_INVALID_VALUE,
/// CIBA_INVALID_UTF8, CIBA_MISSING_ARGUMENT. A value that is refused changes nothing.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_config_set(
    config: *mut ciba_config,
    name: *const c_char,
    value: *const c_char,
    err: *mut *mut ciba_error,
) -> ciba_status {
    change(config, err, |settings| settings.config.set(text(name, "name")?, text(value, "value")?).map(drop))
}

/// Sets every setting that a JSON object names, for example one read from a file: texts, numbers,
/// true, false; a list of texts is joined by spaces. All of them or, on an error, none.
///
/// json: UTF-8, copied.
/// Returns what ciba_config_set() returns.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_config_set_json(
    config: *mut ciba_config,
    json: *const c_char,
    err: *mut *mut ciba_error,
) -> ciba_status {
    change(config, err, |settings| settings.config.set_json(text(json, "json")?).map(drop))
}

/// Sends log events to a callback, beside the file that the setting log_file names, and beside the
/// callbacks that were given before.
///
/// level: the least important events that are sent: 1 error, 2 warning, 3 info, 4 debug. callback:
/// not NULL. userdata: given to the callback as it is. release: NULL, or called once when userdata
/// is needed no more: by the thread that frees the last of the settings and of the clients and flows
/// made from them; where this call fails, at once.
/// Returns CIBA_OK, CIBA_INVALID_VALUE, CIBA_MISSING_ARGUMENT.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_config_set_log(
    config: *mut ciba_config,
    level: i32,
    callback: ciba_log_callback,
    userdata: *mut c_void,
    release: ciba_release_callback,
    err: *mut *mut ciba_error,
) -> ciba_status {
    let userdata = Arc::new(Userdata { pointer: userdata, release });
    change(config, err, |settings| {
        if callback.is_none() {
            return Err(super::missing("callback"));
        }
        let levels = [Level::Error, Level::Warning, Level::Info, Level::Debug];
        let level = levels
            .into_iter()
            .find(|l| *l as i32 == level)
            .ok_or_else(|| Error::new(Status::INVALID_VALUE, "level must be from 1 to 4"))?;
        let log = LogCallback::new(callback, Arc::downgrade(&userdata));
        settings.config.add_log(level, Arc::new(log));
        settings.logs.push(userdata);
        Ok(())
    })
}
