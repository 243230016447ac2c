//! The types that every part of the ABI uses.

use std::ffi::c_void;

/// What happened: 0 is success, 1 pending, the others are the CIBA_… constants above.
pub type ciba_status = i32;

/// Called once when `userdata` is needed no more, by a thread that is inside a call. May be NULL.
pub type ciba_release_callback = Option<unsafe extern "C" fn(userdata: *mut c_void)>;
