//! The library itself: its version, and what its numbers mean.

use std::ffi::c_char;
use std::sync::OnceLock;

use super::{OwnedText, ciba_status, get};
use crate::error::Status;

/// The version of the library that is loaded, for example "1.2.3".
///
/// Returns a text that is never freed. Compare ciba_version_number() with CIBA_VERSION_NUMBER to
/// find out whether the header and the library belong together.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The version of the library that is loaded, as a number: major * 10000 + minor * 100 + patch.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_version_number() -> i32 {
    let mut parts = crate::VERSION.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    next() * 10_000 + next() * 100 + next()
}

/// The name of a status, for example "CIBA_DENIED"; "?" for a number that is none.
///
/// Returns a text that is never freed.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_status_name(status: ciba_status) -> *const c_char {
    constant(status, |texts| &texts.0)
}

/// What a status means, in one short sentence; "unknown status" for a number that is none.
///
/// Returns a text that is never freed.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_status_text(status: ciba_status) -> *const c_char {
    constant(status, |texts| &texts.1)
}

type Texts = (OwnedText, OwnedText);

fn constant(status: ciba_status, which: fn(&Texts) -> &OwnedText) -> *const c_char {
    static TEXTS: OnceLock<Vec<(i32, Texts)>> = OnceLock::new();
    get(c"?".as_ptr(), || {
        let texts = TEXTS.get_or_init(|| {
            let unknown = (-1, (OwnedText::new("?"), OwnedText::new("unknown status")));
            let known = Status::ALL.iter().map(|status| {
                let name = OwnedText::new(&format!("CIBA_{}", status.name()));
                (status.number(), (name, OwnedText::new(status.text())))
            });
            std::iter::once(unknown).chain(known).collect()
        });
        let found = texts.iter().find(|(number, _)| *number == status).or(texts.first())?;
        Some(which(&found.1).lend(std::ptr::null_mut()))
    })
}
