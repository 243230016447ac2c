//! Many flows, one waiter.

use std::ffi::c_void;
use std::sync::Arc;

use super::client::ciba_client;
use super::error::ciba_error;
use super::flow::ciba_flow;
use super::{ciba_status, get, into_handle, not_in_callback, number_out, out, release, run, shared, timeout};
use crate::client::Members;
use crate::error::{Error, Status};

/// A set of flows that are waited for together.
pub struct ciba_set(Arc<Members<Known>>);

/// What the caller knows a flow by.
struct Known(*mut c_void);

// SAFETY: the pointer is handed back to callers and never followed.
unsafe impl Send for Known {}

impl Drop for ciba_set {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// Makes an empty set, after the manner of epoll: flows in it are asked for when they are due, and
/// ciba_set_wait() tells of one after the other that has its outcome. One thread is enough for tens of
/// thousands; any may wait, and add and remove meanwhile.
///
/// client: any client; the set takes flows of others too. set: the place for the set, which the caller
/// frees with ciba_set_free(). err: NULL, or the place for an error.
/// Returns CIBA_OK, CIBA_RESOURCES, CIBA_MISSING_ARGUMENT.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_set_new(
    client: *mut ciba_client,
    set: *mut *mut ciba_set,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        let place = out(set, "set")?;
        let engine = shared(client, "client")?.client.0.connection()?.engine.clone();
        *place = into_handle(ciba_set(Members::new(engine)));
        Ok(Status::OK)
    })
}

/// Adds a flow: from now on the provider is asked for it. A flow that has its outcome already is told of
/// by the next wait. The flow stays the caller's; freeing it takes it out of the set.
///
/// userdata: what ciba_set_wait() names the flow by; may be NULL.
/// Returns CIBA_OK, CIBA_IN_SET (it is in this set), CIBA_FREED, CIBA_OTHER_PROCESS,
/// CIBA_MISSING_ARGUMENT.
/// Threads: any, also while another waits. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_set_add(
    set: *mut ciba_set,
    flow: *mut ciba_flow,
    userdata: *mut c_void,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        shared(set, "set")?.0.add(&shared(flow, "flow")?.flow, Known(userdata))?;
        Ok(Status::OK)
    })
}

/// Takes a flow out. The provider is asked no more for it, unless somebody polls it by itself.
///
/// Returns CIBA_OK, CIBA_NOT_PRESENT (it is not in the set, or was told of), CIBA_OTHER_PROCESS,
/// CIBA_MISSING_ARGUMENT.
/// Threads: any, also while another waits. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_set_remove(
    set: *mut ciba_set,
    flow: *mut ciba_flow,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        let removed = shared(set, "set")?.0.remove(&shared(flow, "flow")?.flow)?;
        let absent = || Error::new(Status::NOT_PRESENT, "the flow is not in the set");
        removed.map(|_| Status::OK).ok_or_else(absent)
    })
}

/// Waits for the next flow that has its outcome, takes it out of the set, and says which it is: ask it
/// with ciba_poll() and timeout 0. Meanwhile it has signed what flows in the set need signed, where the client
/// has a signer (ciba_config_set_signer()); with timeout 0 once. It signs for one after the other: where a signer
/// takes its time let several threads wait, which sign side by side.
///
/// timeout_ms: how many ms to wait; < 0: until there is one; 0: not at all. userdata: the place for
/// what ciba_set_add() was given for that flow. err: NULL, or the place for an error.
/// Returns CIBA_OK, CIBA_PENDING (none in time, or ciba_set_wake()), CIBA_FREED (the set was freed meanwhile),
/// CIBA_OTHER_PROCESS, CIBA_MISSING_ARGUMENT. *userdata is NULL unless it is CIBA_OK.
/// Threads: any, several at once: each outcome is told to one of them. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_set_wait(
    set: *mut ciba_set,
    timeout_ms: i64,
    userdata: *mut *mut c_void,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        let place = out(userdata, "userdata")?;
        not_in_callback()?;
        // Not the handle: a wait must end when that is freed.
        let members = shared(set, "set")?.0.clone();
        let Some(known) = members.wait(timeout(timeout_ms))? else { return Ok(Status::PENDING) };
        *place = known.0;
        Ok(Status::OK)
    })
}

/// Has one thread that waits in ciba_set_wait() return CIBA_PENDING at once; where none waits, the next
/// one that would. For a thread that has other work than the set's.
///
/// Returns CIBA_OK, CIBA_OTHER_PROCESS, CIBA_MISSING_ARGUMENT.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_set_wake(set: *mut ciba_set, err: *mut *mut ciba_error) -> ciba_status {
    run(err, || {
        shared(set, "set")?.0.wake()?;
        Ok(Status::OK)
    })
}

/// Cancels every flow in the set, as ciba_cancel() with timeout 0 does. ciba_set_wait() then tells of
/// each.
///
/// Returns CIBA_OK, CIBA_OTHER_PROCESS, CIBA_MISSING_ARGUMENT.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_set_cancel(set: *mut ciba_set, err: *mut *mut ciba_error) -> ciba_status {
    run(err, || {
        not_in_callback()?;
        shared(set, "set")?.0.cancel()?;
        Ok(Status::OK)
    })
}

/// How many flows are in the set, those among them that have their outcome and were not told of; -1 for
/// NULL, and in another process.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_set_count(set: *const ciba_set) -> i64 {
    get(-1, || i64::try_from(shared(set, "set").ok()?.0.count()?).ok())
}

/// A file descriptor that is readable while ciba_set_wait() has something to tell, or something to have signed
/// (ciba_config_set_signer()), so that an event loop
/// (poll, epoll, libuv, asyncio) can own the waiting: when it is readable, call ciba_set_wait() with
/// timeout 0 until it returns CIBA_PENDING. It belongs to the set: watch it, do not read or close it.
///
/// descriptor: the place for the descriptor; -1 unless it is CIBA_OK.
/// Returns CIBA_OK, CIBA_RESOURCES (the system refuses one), CIBA_UNSUPPORTED (on Windows),
/// CIBA_OTHER_PROCESS, CIBA_MISSING_ARGUMENT.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_set_descriptor(
    set: *mut ciba_set,
    descriptor: *mut i32,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        let place = number_out(descriptor, "descriptor")?;
        let set = shared(set, "set")?;
        #[cfg(unix)]
        {
            *place = std::os::fd::AsRawFd::as_raw_fd(&set.0.descriptor()?);
            Ok(Status::OK)
        }
        #[cfg(not(unix))]
        {
            let _ = set;
            Err(Status::UNSUPPORTED.into())
        }
    })
}

/// Frees a set. NULL is allowed. Its flows stay the caller's and are asked for no more, unless somebody
/// polls them. Calls that wait on other threads return CIBA_FREED.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_set_free(set: *mut ciba_set) {
    get((), || {
        release(set)?.0.release();
        Some(())
    })
}
