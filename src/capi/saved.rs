//! Flows that outlive their process.

use std::ffi::c_char;

use super::client::ciba_client;
use super::error::ciba_error;
use super::flow::ciba_flow;
use super::{
    ciba_status, get, into_handle, not_in_callback, out, release, run, set_length, shared, text, timeout,
};
use crate::client::{FlowShared, SavedFlow};
use crate::error::Status;

/// A flow as bytes, to be kept wherever the program keeps its state. Confidential.
pub struct ciba_saved_flow(SavedFlow);

/// Nothing that is larger was ever a saved flow.
const MOST_BYTES: usize = 1 << 20;

/// Saves a flow and lets it go on here: for a process that may be killed. Whoever resumes it waits a
/// whole interval first, and reports what cannot be known as CIBA_UNKNOWN, never as a denial. See the
/// setting saved_flow_exclusive.
///
/// Save a flow once it is acknowledged, and now and then later: slow_down makes its interval longer. A
/// program that must not ring twice notes that it is about to start before it calls ciba_init(), for it
/// may be killed between that and the first save.
///
/// context: UTF-8; says what the flow is saved for, for example the id of a row: it can be resumed with
/// the same text alone. saved: the place for the saved flow, which the caller frees with
/// ciba_saved_flow_free(). err: NULL, or the place for an error.
/// Returns CIBA_OK, CIBA_NOT_SAVEABLE (it has ended or has its tokens), CIBA_MISSING_SETTING
/// (saved_flow_keys), CIBA_OTHER_PROCESS, CIBA_MISSING_ARGUMENT, CIBA_INVALID_UTF8.
/// Threads: any. Never waits. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_flow_checkpoint(
    flow: *mut ciba_flow,
    context: *const c_char,
    saved: *mut *mut ciba_saved_flow,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        let place = out(saved, "saved")?;
        let made = shared(flow, "flow")?.flow.checkpoint(text(context, "context")?)?;
        *place = into_handle(ciba_saved_flow(made));
        Ok(Status::OK)
    })
}

/// Saves a flow and closes it here, with the outcome CIBA_HANDED_OVER: for programs that step, save, and
/// sleep elsewhere. Whoever resumes it polls when it would have been polled here.
///
/// context, saved, err: as for ciba_flow_checkpoint(). timeout_ms: how many ms to wait for an exchange that
/// is under way, since it may bring the tokens; < 0: until it has ended; 0: not at all.
/// Returns CIBA_OK, CIBA_PENDING (an exchange is still under way, the flow goes on), CIBA_FREED, or what
/// ciba_flow_checkpoint() returns.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_flow_hand_over(
    flow: *mut ciba_flow,
    context: *const c_char,
    timeout_ms: i64,
    saved: *mut *mut ciba_saved_flow,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        let place = out(saved, "saved")?;
        not_in_callback()?;
        let flow = shared(flow, "flow")?;
        let made = flow.flow.hand_over(text(context, "context")?, timeout(timeout_ms))?;
        let Some(made) = made else { return Ok(Status::PENDING) };
        *place = into_handle(ciba_saved_flow(made));
        Ok(Status::OK)
    })
}

/// Goes on with a saved flow, in this process or another one, on this machine or another one, with the
/// settings of this client. By itself it asks for the provider's keys alone; ciba_poll(), ciba_step() and sets
/// drive it.
///
/// A flow that was saved before its acknowledgement is not started again: it has its outcome already,
/// and ciba_poll() says CIBA_START_UNKNOWN. One that expired meanwhile has its outcome too.
///
/// Save it again, with a checkpoint, before it is driven: a flow that was handed over must not be
/// resumed twice, and a store that compares revisions learns by that who has it.
///
/// bytes, length: what ciba_saved_flow_bytes() gave; copied. context: the text that it was saved with.
/// flow: the place for the flow, which the caller frees with ciba_free(). err: NULL, or the place for an
/// error.
/// Returns CIBA_OK, CIBA_SAVED_FLOW_MALFORMED, CIBA_SAVED_FLOW_KEY, CIBA_SAVED_FLOW_VERSION,
/// CIBA_SAVED_FLOW_CLIENT, CIBA_SAVED_FLOW_CONTEXT, CIBA_RESOURCES, CIBA_MISSING_ARGUMENT, CIBA_INVALID_VALUE,
/// CIBA_INVALID_UTF8. On an error *flow is NULL.
/// Threads: any. Never waits. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_flow_resume(
    client: *mut ciba_client,
    bytes: *const u8,
    length: usize,
    context: *const c_char,
    flow: *mut *mut ciba_flow,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        let place = out(flow, "flow")?;
        let client = shared(client, "client")?;
        let bytes = super::bytes(bytes, length, "bytes", MOST_BYTES)?;
        let resumed = FlowShared::resume(&client.client.0, bytes, text(context, "context")?)?;
        *place = into_handle(ciba_flow::new(resumed, &client));
        Ok(Status::OK)
    })
}

/// How often a flow was saved, in this process and before it was resumed here; -1 for NULL, and in a
/// process that the flow does not belong to.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_flow_revision(flow: *const ciba_flow) -> i64 {
    get(-1, || Some(i64::from(shared(flow, "flow").ok()?.flow.revision()?)))
}

/// The bytes of a saved flow. Confidential.
///
/// length: the place for their number.
/// Returns bytes that are owned by the saved flow; NULL for NULL.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_saved_flow_bytes(saved: *const ciba_saved_flow, length: *mut usize) -> *const u8 {
    set_length(length, 0);
    get(std::ptr::null(), || {
        let saved = shared(saved, "saved").ok()?;
        set_length(length, saved.0.as_bytes().len());
        Some(saved.0.as_bytes().as_ptr())
    })
}

/// The revision of a saved flow: each save of a flow has a higher number than the one before, also after
/// the flow was resumed elsewhere. A store that replaces a row only if the new number is higher never
/// goes back. -1 for NULL.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_saved_flow_revision(saved: *const ciba_saved_flow) -> i64 {
    get(-1, || Some(i64::from(shared(saved, "saved").ok()?.0.revision())))
}

/// Frees a saved flow and wipes its bytes. NULL is allowed.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_saved_flow_free(saved: *mut ciba_saved_flow) {
    get((), || release(saved).map(drop))
}
