//! The entries of the C ABI that take text: see [`crate::fuzzing`].

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what must hold and does not is a panic")]

use std::ffi::{CStr, CString, c_char};
use std::ptr::null_mut;
use std::sync::{LazyLock, PoisonError};

use serde_json::Value;

use super::client::{ciba_client, ciba_client_free, ciba_client_new};
use super::config::{ciba_config, ciba_config_free, ciba_config_new, ciba_config_set, ciba_config_set_json};
use super::error::{ciba_error, ciba_error_free, ciba_error_message, ciba_error_status};
use super::request::{ciba_request_free, ciba_request_new, ciba_request_set, ciba_request_set_json};
use crate::error::Status;
use crate::{Client, Config};

/// Stands in values alone; where it stands in no name, no text may show it.
const PLANTED: &str = "hunter2";

/// One call: the text of its error, if it failed. `secret`: whether the planted word must not be shown.
fn called(secret: bool, call: impl FnOnce(*mut *mut ciba_error) -> i32) -> i32 {
    let mut error: *mut ciba_error = null_mut();
    let status = call(&mut error);
    assert_eq!(error.is_null(), status == Status::OK.number(), "an error comes with a status");
    if !error.is_null() {
        assert_eq!(ciba_error_status(error), status);
        let message = ciba_error_message(error);
        // SAFETY: the error's own text, NUL-terminated, used before the error is freed.
        let message = unsafe { CStr::from_ptr(message) }.to_str().expect("UTF-8").to_owned();
        assert!(!message.is_empty() && !message.chars().any(char::is_control), "{message:?}");
        assert!(!(secret && message.contains(PLANTED)), "a value in an error: {message}");
        assert!(status < Status::INTERNAL.number(), "{message}");
        ciba_error_free(error);
    }
    status
}

/// The input as C has it: lines of `name=value`, or a JSON object.
fn each_call(
    data: &[u8],
    mut set: impl FnMut(*const c_char, *const c_char, *mut *mut ciba_error) -> i32,
    mut set_json: impl FnMut(*const c_char, *mut *mut ciba_error) -> i32,
) {
    let text =
        |bytes: &[u8]| CString::new(bytes.split(|byte| *byte == 0).next().unwrap_or_default()).unwrap();
    let is_planted = |bytes: &[u8]| bytes.windows(PLANTED.len()).any(|part| part == PLANTED.as_bytes());
    if data.first() == Some(&b'{') {
        let json = text(data);
        let names = serde_json::from_slice(json.to_bytes()).map(|value: Value| names_of(&value));
        let secret = names.is_ok_and(|names| !is_planted(names.as_bytes()));
        called(secret, |err| set_json(json.as_ptr(), err));
        return;
    }
    for line in data.split(|byte| *byte == b'\n') {
        let end = line.iter().position(|byte| *byte == b'=').unwrap_or(line.len());
        let (name, value) = line.split_at(end);
        let (name, value) = (text(name), text(value.get(1..).unwrap_or_default()));
        let secret = !is_planted(name.to_bytes());
        called(secret, |err| set(name.as_ptr(), value.as_ptr(), err));
    }
}

fn names_of(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, value)| format!("{name} {}", names_of(value))).collect()
        }
        Value::Array(items) => items.iter().map(names_of).collect(),
        _ => String::new(),
    }
}

/// Settings from text, and a client from them.
pub fn config_text(data: &[u8]) -> bool {
    let mut made = false;
    let config = ciba_config_new();
    each_call(
        data,
        |name, value, err| ciba_config_set(config, name, value, err),
        |json, err| ciba_config_set_json(config, json, err),
    );
    if !names_a_file(config) {
        let mut client: *mut ciba_client = null_mut();
        // What names a mistake may name a setting's value: a host, a word. Never a secret.
        let status = called(false, |err| ciba_client_new(config, &mut client, err));
        made = status == Status::OK.number();
        assert_eq!(!client.is_null(), made);
        ciba_client_free(client);
    }
    ciba_config_free(config);
    made
}

/// Nothing that a fuzzer writes is read or written as a file.
fn names_a_file(config: *const ciba_config) -> bool {
    let config = super::shared(config, "config").unwrap();
    let settings = config.0.lock().unwrap_or_else(PoisonError::into_inner);
    format!("{:?}", settings.config).contains("_file")
}

/// One client of each provider, for what it makes of a request.
static CLIENTS: LazyLock<Vec<Client>> = LazyLock::new(|| {
    let names = crate::provider::PRESETS.iter().map(|preset| preset.name);
    let clients = names.chain([""]).filter_map(|name| {
        let mut config = Config::new();
        for (name, value) in [("provider", name), ("client_id", "desk-7"), ("client_secret", "s3cret")] {
            config.set(name, value).unwrap();
        }
        // Those whose customers have hosts of their own say which one.
        Client::new(&config)
            .or_else(|_| Client::new(config.set("issuer", "https://id.example").unwrap()))
            .ok()
    });
    clients.collect()
});

/// Parameters from text, and what each provider's rules make of them.
pub fn request_text(data: &[u8]) -> bool {
    let request = ciba_request_new();
    each_call(
        data,
        |name, value, err| ciba_request_set(request, name, value, err),
        |json, err| ciba_request_set_json(request, json, err),
    );
    let sound = {
        let inner = super::shared(request, "request").unwrap();
        let inner = inner.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sound = CLIENTS.iter().map(|client| crate::fuzzing::assert_sound(&client.0, &inner, PLANTED));
        sound.filter(|sound| *sound).count()
    };
    ciba_request_free(request);
    sound > 0
}
