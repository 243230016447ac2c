//! The flow: init, poll, step, cancel, free, and what can be asked of it.

use std::ffi::{c_char, c_void};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::client::{Callbacks, ciba_client};
use super::error::{self, ciba_error};
use super::request::ciba_request;
use super::tokens::ciba_tokens;
use super::{
    OwnedText, Userdata, ciba_release_callback, ciba_status, get, into_handle, not_in_callback, out, release,
    run, set_length, shared, timeout,
};
use crate::client::{FlowShared, Progress};
use crate::error::Status;

/// One authentication: from its start to its outcome.
pub struct ciba_flow {
    pub(super) flow: Arc<FlowShared>,
    /// Texts that were handed out. Boxed: most of many flows hand out none.
    auth_req_id: OnceLock<Box<OwnedText>>,
    acknowledgement: OnceLock<Box<OwnedText>>,
    binding_message: OnceLock<Box<OwnedText>>,
    authentication_uri: OnceLock<Box<OwnedText>>,
    /// What the progress callback, and the log and signer callbacks, need.
    progress: Mutex<Option<Arc<Userdata>>>,
    _callbacks: Callbacks,
}

impl ciba_flow {
    pub(super) fn new(flow: Arc<FlowShared>, client: &ciba_client) -> ciba_flow {
        ciba_flow {
            flow,
            auth_req_id: OnceLock::new(),
            acknowledgement: OnceLock::new(),
            binding_message: OnceLock::new(),
            authentication_uri: OnceLock::new(),
            progress: Mutex::default(),
            _callbacks: client.callbacks.clone(),
        }
    }
}

/// Told how a flow stands, by a thread that waits in a call of that flow: when something has
/// changed, and about once a second.
///
/// stage: CIBA_STAGE_STARTING the request is on its way, CIBA_STAGE_PENDING the person is being asked,
/// CIBA_STAGE_VERIFYING the person has approved and the tokens are being verified, CIBA_STAGE_ENDED the
/// flow has its outcome. expires_in_ms: how many ms the request still lives; -1 if that is not known.
/// next_poll_in_ms: in how many ms the next poll is due; 0 while an exchange is under way; -1 if none is
/// due. polls: how many token requests were answered, or lost.
///
/// Returns 0 for the call to go on. For anything else the call returns as if its time were up:
/// CIBA_PENDING, and nothing is lost. A call that waits for the provider's answer to a cancel goes on.
///
/// It may use accessors; a call that may wait returns CIBA_IN_CALLBACK. It must not unwind.
pub type ciba_progress_callback = Option<
    unsafe extern "C" fn(
        userdata: *mut c_void,
        stage: i32,
        expires_in_ms: i64,
        next_poll_in_ms: i64,
        polls: i64,
    ) -> i32,
>;

/// Starts an authentication (CIBA Core section 7): checks the request, sends it, and waits for the
/// provider's acknowledgement. The person's phone then rings.
///
/// client: whom to ask. request: what to ask. timeout_ms: how many ms to wait for the
/// acknowledgement; < 0: until it is there, 0: not at all. flow: the place for the flow; it is set
/// before anything is sent, so that another thread can cancel the flow while this call waits.
/// err: NULL, or the place for an error.
///
/// Returns CIBA_OK when the provider has acknowledged, or CIBA_PENDING when the time is up: nothing
/// is lost, ciba_poll() waits on. If the request itself is wrong nothing is sent, *flow is NULL, and
/// the status is CIBA_INVALID_AUTHENTICATION_REQUEST or one of the 10s. If the start fails *flow has
/// its outcome already; the status says why: one of the 100s (the person is not asked, but for
/// CIBA_START_UNKNOWN: the answer was lost, and the phone may ring or not), one of the 200s (the
/// provider's answer), one of the 400s (discovery), or CIBA_CANCELLED. The phone
/// never rings twice for one call: the request is sent once, and once more only with push and DPoP,
/// where the provider wants its nonce before it asks the person. A program that wants to try again
/// calls this again, and may ring the phone twice only after CIBA_START_UNKNOWN.
///
/// Free *flow with ciba_free(), whatever is returned; NULL is allowed there.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_init(
    client: *mut ciba_client,
    request: *const ciba_request,
    timeout_ms: i64,
    flow: *mut *mut ciba_flow,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        let place = out(flow, "flow")?;
        not_in_callback()?;
        let client = shared(client, "client")?;
        let request = shared(request, "request")?;
        let request = request.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let hand_out = |flow: &Arc<FlowShared>| *place = into_handle(ciba_flow::new(flow.clone(), &client));
        let flow = FlowShared::begin(&client.client.0, &request, hand_out)?;
        let started = flow.wait_started(timeout(timeout_ms))?;
        Ok(if started { Status::OK } else { Status::PENDING })
    })
}

/// Waits for the outcome, and asks the provider whenever a poll is due (CIBA Core section 10.1). The
/// provider is asked only while somebody is in this call or in ciba_step().
///
/// timeout_ms: how many ms to wait; < 0: until there is an outcome; 0: not at all: a poll that is
/// due is sent, and its answer collected by a later call. err: NULL, or the place for an error.
///
/// Returns CIBA_OK: the tokens are there, see ciba_flow_tokens(). CIBA_PENDING: not decided, nothing
/// is lost, call again. Else the outcome, the same again on later calls: CIBA_DENIED, CIBA_EXPIRED,
/// CIBA_CANCELLED, CIBA_HANDED_OVER, CIBA_UNKNOWN (an answer that may have carried the tokens was
/// lost), or why the flow failed: one of the 200s (the provider ended it), one of the 300s (its
/// tokens were not good), CIBA_KEYS_UNAVAILABLE (they could not be verified before the request
/// expired); and where ciba_init() returned CIBA_PENDING, what it would have returned in the end.
/// CIBA_FREED: the flow was freed or closed meanwhile. CIBA_OTHER_PROCESS: see ciba_free().
/// Threads: any; several may wait for one flow. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_poll(flow: *mut ciba_flow, timeout_ms: i64, err: *mut *mut ciba_error) -> ciba_status {
    run(err, || {
        not_in_callback()?;
        let tokens = shared(flow, "flow")?.flow.poll(timeout(timeout_ms))?;
        Ok(if tokens.is_some() { Status::OK } else { Status::PENDING })
    })
}

/// Makes the one exchange that is due, if one is, and waits for its answer. Never sleeps towards a
/// due time: for programs that do the waiting themselves, until ciba_flow_next_poll_at().
///
/// timeout_ms: how many ms to wait for the answer; < 0: until it is there; 0: not at all.
/// Returns what ciba_poll() returns.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_step(flow: *mut ciba_flow, timeout_ms: i64, err: *mut *mut ciba_error) -> ciba_status {
    run(err, || {
        not_in_callback()?;
        let tokens = shared(flow, "flow")?.flow.step(timeout(timeout_ms))?;
        Ok(if tokens.is_some() { Status::OK } else { Status::PENDING })
    })
}

/// Gives an authentication up: its outcome is CIBA_CANCELLED at once, and calls that wait for it
/// return. Where the provider has a cancel call of its own it is made, in the background; if the
/// acknowledgement is still on its way, once that is here.
///
/// timeout_ms: how many ms to wait for the provider's answer to that call; < 0: until it is there;
/// 0: not at all. A program that is about to exit should wait.
/// Returns CIBA_OK when that is done or there is nothing to do, CIBA_PENDING when the time is up, or
/// why the provider's cancel call failed, one of the 100s: the outcome is CIBA_CANCELLED all the
/// same. A flow that has ended before stays as it ended (CIBA_OK). CIBA_FREED: the flow was freed or
/// closed meanwhile; the provider's cancel call goes on. CIBA_OTHER_PROCESS: see ciba_free().
/// Threads: any, also while another waits in ciba_init() or ciba_poll(). Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_cancel(
    flow: *mut ciba_flow,
    timeout_ms: i64,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        not_in_callback()?;
        let done = shared(flow, "flow")?.flow.cancel(timeout(timeout_ms))?;
        Ok(if done { Status::OK } else { Status::PENDING })
    })
}

/// Ends the use of a flow without freeing it: calls that are inside it on other threads, and calls
/// that come later, return CIBA_FREED, or the outcome if there is one; accessors go on working. For
/// programs that share a flow among threads: close it, let them go, then free it. It never waits
/// and sends nothing. NULL is allowed.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_flow_close(flow: *mut ciba_flow) {
    get((), || {
        shared(flow, "flow").ok()?.flow.release();
        Some(())
    })
}

/// Frees a flow. NULL is allowed. It never waits and sends nothing: to tell the provider, call
/// ciba_cancel() first. Tokens that were fetched stay valid. A call that is inside the flow on
/// another thread returns CIBA_FREED.
///
/// A flow belongs to the process that started it. In a child made by fork its calls return
/// CIBA_OTHER_PROCESS, its accessors NULL or -1, and freeing it there does no harm.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_free(flow: *mut ciba_flow) {
    get((), || {
        release(flow)?.flow.release();
        Some(())
    })
}

/// How the flow ended: CIBA_OK (tokens), CIBA_DENIED, CIBA_EXPIRED, CIBA_CANCELLED, CIBA_HANDED_OVER,
/// CIBA_UNKNOWN, CIBA_FAILED (for any other reason: ciba_poll() says which); CIBA_PENDING before that;
/// CIBA_OTHER_PROCESS in a process that the flow does not belong to; CIBA_MISSING_ARGUMENT for NULL.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_flow_outcome(flow: *const ciba_flow) -> ciba_status {
    let missing = Status::MISSING_ARGUMENT.number();
    get(missing, || Some(shared(flow, "flow").ok()?.flow.outcome().number()))
}

/// The verified tokens of a flow whose outcome is CIBA_OK.
///
/// tokens: the place for the tokens, which the caller frees with ciba_tokens_free().
/// Returns CIBA_OK, or CIBA_NO_TOKENS while, or because, there are none.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_flow_tokens(
    flow: *const ciba_flow,
    tokens: *mut *mut ciba_tokens,
    err: *mut *mut ciba_error,
) -> ciba_status {
    run(err, || {
        let place = out(tokens, "tokens")?;
        let tokens = shared(flow, "flow")?.flow.tokens()?;
        *place = into_handle(ciba_tokens::new(tokens));
        Ok(Status::OK)
    })
}

fn lend(
    flow: *const ciba_flow,
    length: *mut usize,
    place: fn(&ciba_flow) -> &OnceLock<Box<OwnedText>>,
    find: fn(&FlowShared) -> Option<SecretString>,
) -> *const c_char {
    set_length(length, 0);
    get(std::ptr::null(), || {
        let flow = shared(flow, "flow").ok()?;
        let text = find(&flow.flow)?;
        let kept = place(&flow).get_or_init(|| Box::new(OwnedText::new(text.expose_secret())));
        Some(kept.lend(length))
    })
}

/// The provider's identifier of the request. Confidential.
///
/// length: NULL, or the place for the length in bytes.
/// Returns UTF-8 that is owned by the flow; NULL before the acknowledgement.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_flow_auth_req_id(flow: *const ciba_flow, length: *mut usize) -> *const c_char {
    lend(flow, length, |flow| &flow.auth_req_id, FlowShared::auth_req_id)
}

/// The whole acknowledgement: one JSON object, as the provider wrote it. Confidential.
///
/// length: NULL, or the place for the length in bytes.
/// Returns UTF-8 that is owned by the flow; NULL before the acknowledgement.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_flow_acknowledgement(flow: *const ciba_flow, length: *mut usize) -> *const c_char {
    lend(flow, length, |flow| &flow.acknowledgement, FlowShared::acknowledgement)
}

/// The text that the person compares on the phone, or is told: the request's binding_message, or one that
/// the provider has made. It is there from the beginning; one that the provider makes before the start
/// (TelenorID+ BankID) before the phone rings, another one (Idura) with the acknowledgement.
///
/// length: NULL, or the place for the length in bytes.
/// Returns UTF-8 that is owned by the flow; NULL where there is none, or none yet.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_flow_binding_message(flow: *const ciba_flow, length: *mut usize) -> *const c_char {
    lend(flow, length, |flow| &flow.binding_message, FlowShared::binding_message)
}

/// A link that the person opens to be asked, shown as it is or as a QR code: at providers that ask in a
/// browser (Signaturgruppen CIBA + PAR).
///
/// length: NULL, or the place for the length in bytes.
/// Returns UTF-8 that is owned by the flow; NULL where there is none, and before the acknowledgement.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_flow_authentication_uri(flow: *const ciba_flow, length: *mut usize) -> *const c_char {
    lend(flow, length, |flow| &flow.authentication_uri, FlowShared::authentication_uri)
}

/// When the request expires, in Unix ms; -1 before the acknowledgement.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_flow_expires_at(flow: *const ciba_flow) -> i64 {
    get(-1, || shared(flow, "flow").ok()?.flow.expires_at())
}

/// When the next poll is due, in Unix ms; -1 if none is.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_flow_next_poll_at(flow: *const ciba_flow) -> i64 {
    get(-1, || shared(flow, "flow").ok()?.flow.next_poll_at())
}

/// The interval between polls that is in force, in ms; it grows with slow_down. -1 before the
/// acknowledgement.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_flow_interval_ms(flow: *const ciba_flow) -> i64 {
    get(-1, || Some(milliseconds(shared(flow, "flow").ok()?.flow.interval())))
}

/// The trouble that is being waited out, or was waited out last, for example a provider that could
/// not be reached. ciba_poll() goes on meanwhile: it is there for a display.
///
/// Returns an error that the caller frees with ciba_error_free(); NULL if there was no trouble.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_flow_trouble(flow: *const ciba_flow) -> *mut ciba_error {
    get(std::ptr::null_mut(), || Some(error::handle(shared(flow, "flow").ok()?.flow.last_trouble()?)))
}

/// How the flow stands: what a ciba_progress_callback is told, for programs that would rather ask.
///
/// expires_in_ms, next_poll_in_ms, polls: NULL, or the places for what has these names there;
/// next_poll_in_ms is 0 while an exchange is under way.
/// Returns the stage; -1 for NULL, and in a process that the flow does not belong to.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_flow_progress(
    flow: *const ciba_flow,
    expires_in_ms: *mut i64,
    next_poll_in_ms: *mut i64,
    polls: *mut i64,
) -> i32 {
    let progress = get(None, || Some(shared(flow, "flow").ok()?.flow.progress()));
    let (stage, told) = progress.as_ref().map_or((-1, [-1; 3]), told);
    for (place, value) in [expires_in_ms, next_poll_in_ms, polls].into_iter().zip(told) {
        if !place.is_null() {
            // SAFETY: the caller gives a place for an int64_t, or NULL.
            unsafe { *place = value };
        }
    }
    stage
}

/// Has a callback called by threads that wait in a call of this flow. It takes the place of the one
/// before; NULL ends it.
///
/// callback: NULL, or what is called. userdata: given to it as it is. release: NULL, or called once
/// when userdata is needed no more: by the thread that frees the flow or sets another callback, or
/// by one that is then inside the callback; where this call fails, at once.
/// Returns CIBA_OK, CIBA_MISSING_ARGUMENT, CIBA_OTHER_PROCESS.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_flow_on_progress(
    flow: *mut ciba_flow,
    callback: ciba_progress_callback,
    userdata: *mut c_void,
    release: ciba_release_callback,
    err: *mut *mut ciba_error,
) -> ciba_status {
    let userdata = Arc::new(Userdata { pointer: userdata, release });
    run(err, || {
        let flow = shared(flow, "flow")?;
        let Some(callback) = callback else {
            flow.flow.on_progress(None)?;
            drop(replace(&flow.progress, None));
            return Ok(Status::OK);
        };
        let borrowed = Arc::downgrade(&userdata);
        flow.flow.on_progress(Some(Arc::new(move |progress: &Progress| {
            let Some(userdata) = borrowed.upgrade() else { return ControlFlow::Continue(()) };
            let (stage, [expires_in, next_poll_in, polls]) = told(progress);
            // SAFETY: the callback takes what its type says.
            match userdata.call(|p| unsafe { callback(p, stage, expires_in, next_poll_in, polls) }) {
                0 => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        })))?;
        drop(replace(&flow.progress, Some(userdata)));
        Ok(Status::OK)
    })
}

/// The one before, to be dropped without the lock: its release may call accessors.
fn replace(place: &Mutex<Option<Arc<Userdata>>>, with: Option<Arc<Userdata>>) -> Option<Arc<Userdata>> {
    std::mem::replace(&mut place.lock().unwrap_or_else(PoisonError::into_inner), with)
}

/// The stage, and the three numbers, as C is told them.
fn told(progress: &Progress) -> (i32, [i64; 3]) {
    let polls = i64::try_from(progress.polls).unwrap_or(i64::MAX);
    let times = [progress.expires_in, progress.next_poll_in].map(milliseconds);
    (progress.stage as i32, [times[0], times[1], polls])
}

fn milliseconds(duration: Option<Duration>) -> i64 {
    duration.and_then(|d| i64::try_from(d.as_millis()).ok()).unwrap_or(-1)
}
