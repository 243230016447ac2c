//! The rooms that read what comes from outside, each as a function of bytes that asserts what must hold
//! whatever they are, and says whether they were accepted: for the fuzzer (`make fuzz`), and for the tests, which replay the corpora in
//! `fuzz/corpus`. Built for these two alone.

#![allow(missing_docs, reason = "no part of the library")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what must hold and does not is a panic, which the fuzzer reports"
)]

mod answers;
mod client_certificate;
mod discovery;
mod encrypted_id_token;
mod id_tokens;
mod key_set;
mod notification;
#[cfg(feature = "capi")]
mod requests;
mod saved_flow;
#[cfg(test)]
mod tests;

pub use answers::{acknowledgement, error_answer, token_answer};
pub use client_certificate::client_certificate;
pub use discovery::discovery;
pub use encrypted_id_token::encrypted_id_token;
pub use id_tokens::{id_token, id_token_claims};
pub use key_set::key_set;
pub use notification::notification;
#[cfg(feature = "capi")]
pub(crate) use requests::assert_sound;
pub use saved_flow::saved_flow;

#[cfg(feature = "capi")]
pub use crate::capi::fuzzing::{config_text, request_text};

use crate::error::Error;

/// The wall clock of every target, in Unix milliseconds.
const NOW_MS: i64 = 1_800_000_000_000;

/// What the client and its request hold, and no text may show.
const SECRETS: [&str; 3] = ["hunter2-hunter2", "+4799988777", "quo\"ted\\back"];

/// Whether bytes were accepted; a panic if what must hold does not.
pub type Target = fn(&[u8]) -> bool;

/// The target of each name, as in `fuzz/targets` and `fuzz/corpus`.
pub const TARGETS: &[(&str, Target)] = &[
    ("acknowledgement", acknowledgement),
    ("token_answer", token_answer),
    ("error_answer", error_answer),
    ("id_token", id_token),
    ("id_token_claims", id_token_claims),
    ("encrypted_id_token", encrypted_id_token),
    ("key_set", key_set),
    ("discovery", discovery),
    ("notification", notification),
    ("saved_flow", saved_flow),
    ("client_certificate", client_certificate),
    #[cfg(feature = "capi")]
    ("config_text", config_text),
    #[cfg(feature = "capi")]
    ("request_text", request_text),
];

/// No text of an error shows a secret, or what would garble a log. `false`: nothing was accepted.
fn assert_discreet(error: &Error) -> bool {
    let texts = [Some(error.message()), error.oauth_error(), error.oauth_error_description()];
    let debug = format!("{error:?}");
    for text in texts.into_iter().flatten().chain([debug.as_str()]) {
        assert_shows_none(text, &SECRETS);
    }
    assert_readable(error)
}

/// The same of what was fetched and holds no secret.
fn assert_readable(error: &Error) -> bool {
    let texts = [Some(error.message()), error.oauth_error(), error.oauth_error_description()];
    for text in texts.into_iter().flatten() {
        assert!(!text.chars().any(char::is_control), "a control character in an error: {text:?}");
    }
    false
}

fn assert_shows_none(text: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(!text.contains(secret), "a secret in an error: {text:?}");
    }
}

/// What stands before an empty line, as `name: value` lines, and what stands behind it. Without an empty
/// line all of it is the body.
fn head_and_body(data: &[u8]) -> (Vec<(&str, &str)>, &[u8]) {
    let end = data.windows(2).position(|two| two == b"\n\n");
    let split = end.and_then(|end| Some((std::str::from_utf8(&data[..end]).ok()?, &data[end + 2..])));
    let Some((head, body)) = split else { return (Vec::new(), data) };
    (head.lines().filter_map(|line| line.split_once(": ")).collect(), body)
}
