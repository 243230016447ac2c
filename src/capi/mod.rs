//! The C ABI: the only room with `unsafe`. `include/ciba.h` is generated from it.
//!
//! Every entry goes through `run` or `get`: null checks, panics caught, errors handed out.
//! Handles are reference-counted: a call that is inside keeps what it works on.
#![allow(unsafe_code, non_camel_case_types)]

pub mod afterwards;
pub mod client;
pub mod config;
pub mod error;
pub mod flow;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod log;
pub mod notification;
pub mod request;
pub mod saved;
pub mod set;
pub mod signer;
pub mod tokens;
pub mod types;
pub mod version;

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Once};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::client::Timeout;
use crate::error::{Error, Result, Status};

pub use types::{ciba_release_callback, ciba_status};

thread_local! {
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// Runs the body of an entry: its status is handed out, and its error where the caller wants it.
fn run(err: *mut *mut error::ciba_error, body: impl FnOnce() -> Result<Status>) -> ciba_status {
    if !err.is_null() {
        // SAFETY: the caller gives a place for a pointer, or NULL.
        unsafe { *err = std::ptr::null_mut() };
    }
    silence_panics();
    let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| Err(Status::PANIC.into()));
    match result {
        Ok(status) => status.number(),
        Err(error) => {
            let status = error.status().number();
            if !err.is_null() {
                // SAFETY: as above.
                unsafe { *err = error::handle(error) };
            }
            status
        }
    }
}

/// Runs the body of an accessor, which has a value for when there is none, and for a panic.
fn get<T>(none: T, body: impl FnOnce() -> Option<T>) -> T {
    silence_panics();
    catch_unwind(AssertUnwindSafe(body)).ok().flatten().unwrap_or(none)
}

/// Nothing is ever written to the program's stderr. The shared library carries a standard library
/// of its own, so this is the hook of libciba alone. Tests and the fuzzer need theirs.
fn silence_panics() {
    static SILENCED: Once = Once::new();
    if !cfg!(any(test, fuzzing)) {
        SILENCED.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    }
}

/// Refuses what a callback must not do.
fn not_in_callback() -> Result<()> {
    if IN_CALLBACK.get() { Err(Status::IN_CALLBACK.into()) } else { Ok(()) }
}

fn missing(what: &str) -> Error {
    Error::new(Status::MISSING_ARGUMENT, format!("{what} is NULL"))
}

/// The object behind a handle, kept alive while it is in use.
fn shared<T>(handle: *const T, what: &str) -> Result<Arc<T>> {
    if handle.is_null() {
        return Err(missing(what));
    }
    // SAFETY: a handle comes from `Arc::into_raw` and counts one reference until it is freed.
    unsafe {
        Arc::increment_strong_count(handle);
        Ok(Arc::from_raw(handle))
    }
}

/// Takes a handle back.
fn release<T>(handle: *mut T) -> Option<Arc<T>> {
    // SAFETY: a handle comes from `Arc::into_raw`, and the caller gives it up.
    (!handle.is_null()).then(|| unsafe { Arc::from_raw(handle.cast_const()) })
}

fn into_handle<T>(value: T) -> *mut T {
    Arc::into_raw(Arc::new(value)).cast_mut()
}

/// The place for a result, set to NULL.
fn out<'a, T>(place: *mut *mut T, what: &str) -> Result<&'a mut *mut T> {
    if place.is_null() {
        return Err(missing(what));
    }
    // SAFETY: the caller gives a place for a pointer.
    unsafe {
        *place = std::ptr::null_mut();
        Ok(&mut *place)
    }
}

/// A text from the caller.
fn text<'a>(pointer: *const c_char, what: &str) -> Result<&'a str> {
    if pointer.is_null() {
        return Err(missing(what));
    }
    // SAFETY: the caller gives a NUL-terminated text that outlives the call.
    let bytes = unsafe { CStr::from_ptr(pointer) };
    bytes.to_str().map_err(|_| Error::new(Status::INVALID_UTF8, format!("{what} is not valid UTF-8")))
}

/// Bytes from the caller, at most `most` of them.
fn bytes<'a>(pointer: *const u8, length: usize, what: &str, most: usize) -> Result<&'a [u8]> {
    if pointer.is_null() {
        return Err(missing(what));
    }
    if length > most {
        return Err(Error::new(Status::INVALID_VALUE, format!("{what} are more than {most} bytes")));
    }
    // SAFETY: the caller gives so many bytes, which outlive the call.
    Ok(unsafe { std::slice::from_raw_parts(pointer, length) })
}

/// The place for a number, set to -1.
fn number_out<'a>(place: *mut i32, what: &str) -> Result<&'a mut i32> {
    if place.is_null() {
        return Err(missing(what));
    }
    // SAFETY: the caller gives a place for an int32_t.
    unsafe {
        *place = -1;
        Ok(&mut *place)
    }
}

/// A timeout as poll(2) has it.
fn timeout(ms: i64) -> Timeout {
    u64::try_from(ms).ok().map(Duration::from_millis)
}

/// A text that a handle owns: NUL-terminated, wiped when it is freed.
struct OwnedText(Zeroizing<Vec<u8>>);

impl OwnedText {
    fn new(text: &str) -> OwnedText {
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + 1));
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
        OwnedText(bytes)
    }

    /// The pointer to hand out; the length goes to `length`, if the caller wants it.
    fn lend(&self, length: *mut usize) -> *const c_char {
        set_length(length, self.0.len() - 1);
        self.0.as_ptr().cast()
    }
}

fn set_length(place: *mut usize, length: usize) {
    if !place.is_null() {
        // SAFETY: the caller gives a place for a size_t, or NULL.
        unsafe { *place = length };
    }
}

/// A callback's `userdata`. The handles own it, and who calls back borrows it: so it is released by
/// the thread that frees the last of them, never by the library's own.
struct Userdata {
    pointer: *mut c_void,
    release: ciba_release_callback,
}

// SAFETY: the header says that callbacks may come on any thread that is inside a call: the caller
// gives only what may be used so.
unsafe impl Send for Userdata {}
// SAFETY: as above.
unsafe impl Sync for Userdata {}

impl Userdata {
    /// Calls back, with everything refused that a callback must not do.
    fn call<T>(&self, callback: impl FnOnce(*mut c_void) -> T) -> T {
        let before = IN_CALLBACK.replace(true);
        let answer = callback(self.pointer);
        IN_CALLBACK.set(before);
        answer
    }
}

impl Drop for Userdata {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: given together with the userdata, for this.
            self.call(|pointer| unsafe { release(pointer) });
        }
    }
}
