//! One authentication under way: the pure state machine of [`crate::flow`], the exchanges that it
//! asks for, and the callers that wait for it.

use std::fmt;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::task::AbortHandle;

use super::{ClientCore, Timeout};
use crate::answer::{Acknowledgement, Reader};
use crate::engine::{Attend, ClockHold, Departure, Engine};
use crate::error::{Error, Result, Status};
use crate::flow::{Due, FlowState, Millis, Outcome};
use crate::log::Level;
use crate::request::{AuthenticationRequest, Checked};
use crate::tokens::{ClaimExpectation, Expected, KeySet, ResponsePolicy, TokenResponse, Tokens, verify};
use crate::wire::{Kind, Request};

/// How long a caller sleeps before it looks at the clock again: while the machine sleeps, the
/// clock of condition variables stands still, the flow's own does not.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How far a flow is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum ProgressStage {
    /// The authentication request is on its way.
    Starting = 1,
    /// The person is being asked.
    Pending = 2,
    /// The person has approved; the tokens are being verified.
    Verifying = 3,
    /// The flow has its outcome.
    Ended = 4,
}

/// Where a flow stands, for display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How far it is.
    pub stage: ProgressStage,
    /// How long the request still lives; `None` before the acknowledgement and after the outcome.
    pub expires_in: Option<Duration>,
    /// When the next poll is due; `None` if there is none.
    pub next_poll_in: Option<Duration>,
    /// How many token requests have been answered, or lost.
    pub polls: u64,
}

type OnProgress = Arc<dyn Fn(&Progress) + Send + Sync>;
/// Told how a flow stands; the answer says whether the call that waits is to go on.
type WhileWaiting = Arc<dyn Fn(&Progress) -> ControlFlow<()> + Send + Sync>;

/// What the provider's own cancel call has come to.
enum Cancel {
    No,
    /// It follows once the start, still on its way, is acknowledged.
    Wanted,
    Sent,
    Done(Result<()>),
}

/// An exchange that is under way, or the verification of tokens, which sends nothing of the flow's.
struct InFlight {
    task: AbortHandle,
    departure: Option<Arc<Departure>>,
}

impl InFlight {
    /// Keeps its request from being sent. `false`: it has been sent.
    fn stop(&self) -> bool {
        self.departure.as_ref().is_some_and(|departure| departure.stop())
    }
}

/// What happens to a flow, behind its lock.
struct Inner {
    state: FlowState,
    /// The exchange that is under way.
    in_flight: Option<InFlight>,
    /// Exchanges that have ended.
    exchanges: u64,
    polls: u64,
    /// Callers that wait, and those among them for whom the provider is asked.
    waiters: usize,
    pollers: usize,
    /// When callers that wait give up; a simulated clock waits until those that are woken have left.
    wake_at: Vec<(Millis, ClockHold)>,
    cancel: Cancel,
    freed: bool,
    acknowledgement: Option<SecretString>,
    /// When the request was made, in Unix milliseconds.
    started_unix_ms: i64,
    on_progress: Option<WhileWaiting>,
    /// Those who are told of changes without a thread that waits, each with a number.
    watches: Vec<(u64, OnProgress)>,
    watches_begun: u64,
    /// Events to log once the lock is free: a log may ask the flow how it stands.
    events: Vec<(Level, &'static str, String)>,
    /// Whether who waits or watches is to be told once the lock is free.
    changed: bool,
}

pub(crate) struct FlowShared {
    /// The process that it belongs to: in a child made by fork nothing behind the lock is touched.
    process: u32,
    client: Arc<ClientCore>,
    engine: Engine,
    request: Checked,
    /// What must not appear in any text.
    secrets: Vec<SecretString>,
    inner: Mutex<Inner>,
    changed: Condvar,
}

impl FlowShared {
    /// Checks the request; [`FlowShared::send`] sends it.
    pub fn new(client: &Arc<ClientCore>, request: &AuthenticationRequest) -> Result<Arc<FlowShared>> {
        let request = request.check(&client.provider.rules)?;
        let engine = client.connection()?.engine.clone();
        let secrets = request.secrets.iter().chain([client.secret()]).cloned().collect();
        let started_unix_ms = engine.clock().unix_ms();
        Ok(Arc::new(FlowShared {
            process: std::process::id(),
            client: client.clone(),
            engine,
            request,
            secrets,
            inner: Mutex::new(Inner {
                state: FlowState::starting(),
                in_flight: None,
                exchanges: 0,
                polls: 0,
                waiters: 0,
                pollers: 0,
                wake_at: Vec::new(),
                cancel: Cancel::No,
                freed: false,
                acknowledgement: None,
                started_unix_ms,
                on_progress: None,
                watches: Vec::new(),
                watches_begun: 0,
                events: Vec::new(),
                changed: false,
            }),
            changed: Condvar::new(),
        }))
    }

    /// Sends the request in the background. Called once, when the caller holds the flow.
    pub fn send(self: &Arc<Self>) {
        let mut inner = self.lock();
        let hold = self.engine.clock().hold();
        let departure = Arc::<Departure>::default();
        let task = self.spawn(self.clone().start(departure.clone(), hold));
        inner.in_flight = Some(InFlight { task, departure: Some(departure) });
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees the lock, then logs what happened under it and tells who waits or watches.
    fn unlock(&self, mut inner: MutexGuard<'_, Inner>) {
        let events = std::mem::take(&mut inner.events);
        let changed = std::mem::take(&mut inner.changed);
        let watches = if changed { inner.watches.clone() } else { Vec::new() };
        let progress = (!watches.is_empty()).then(|| self.progress_of(&inner, self.now()));
        drop(inner);
        for (level, name, text) in events {
            self.event(level, name, || text);
        }
        if changed {
            self.changed.notify_all();
        }
        if let Some(progress) = progress {
            for (_, watch) in watches {
                // What it does is its own affair: this may be the engine's thread.
                let _ = catch_unwind(AssertUnwindSafe(|| watch(&progress)));
            }
        }
    }

    fn same_process(&self) -> Result<()> {
        if self.process == std::process::id() { Ok(()) } else { Err(Status::OTHER_PROCESS.into()) }
    }

    fn now(&self) -> Millis {
        self.engine.clock().now()
    }

    fn event(&self, level: Level, name: &str, text: impl FnOnce() -> String) {
        self.client.event(level, name, &self.request.correlation, text);
    }

    fn spawn(self: &Arc<Self>, work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let flow = self.clone();
        self.engine.spawn(work, move || flow.broken())
    }

    // ---- on the engine's thread -------------------------------------------------------------

    /// Sends the authentication request.
    async fn start(self: Arc<Self>, departure: Arc<Departure>, hold: ClockHold) {
        let result = self.try_start(&departure).await;
        let mut inner = self.lock();
        match result {
            Ok((acknowledgement, sent_at)) => {
                let now = self.now();
                let (lives, interval) = (acknowledgement.expires_in, acknowledgement.interval);
                let text = format!("expires in {} s, interval {} s", lives.as_secs(), interval.as_secs());
                inner.events.push((Level::Info, "start.acknowledged", text));
                inner.state.acknowledged(&acknowledgement, sent_at, now);
                inner.acknowledgement = Some(acknowledgement.json);
                if matches!(inner.cancel, Cancel::Wanted) {
                    self.cancel_at_provider(&mut inner);
                } else if !inner.freed {
                    self.fetch_keys_early();
                }
            }
            Err(error) => {
                if matches!(inner.cancel, Cancel::Wanted) {
                    inner.cancel = Cancel::Done(Ok(()));
                }
                self.end(&mut inner, Outcome::Failed(error));
            }
        }
        self.exchanged(inner, hold);
    }

    async fn try_start(&self, departure: &Arc<Departure>) -> Result<(Acknowledgement, Millis)> {
        let connection = self.client.connection()?;
        let endpoints = connection.endpoints(&self.client).await?;
        let missing =
            || Error::new(Status::METADATA_ENDPOINT_MISSING, "the backchannel endpoint is not known");
        let url = endpoints.backchannel_authentication.clone().ok_or_else(missing)?;
        let (form, authorization) =
            self.request.start_form(&self.client.provider.rules, &self.client.authentication);
        self.event(Level::Info, "start.sent", || format!("to {}", url.host_str().unwrap_or_default()));
        let request = Request { kind: Kind::Start, url, authorization, form: Some(form) };
        let exchanged = connection.http.exchange(&self.engine, request, departure).await;
        let acknowledgement = self.reader().acknowledgement(exchanged.result)?;
        Ok((acknowledgement, exchanged.sent_at))
    }

    /// Fetches the provider's keys while the person looks at the phone.
    fn fetch_keys_early(self: &Arc<Self>) {
        let (flow, hold) = (self.clone(), self.engine.clock().hold());
        let fetch = async move {
            if let Ok(connection) = flow.client.connection() {
                // Should it fail, it is tried again when the tokens are there.
                let _ = connection.keys(&flow.client).await;
            }
            // The flow's due times have not changed; this only lets a simulated clock go on.
            flow.engine.attend(flow.clone(), hold);
        };
        self.engine.spawn(fetch, || ());
    }

    /// Makes one token request, and verifies what it brings.
    async fn poll_once(self: Arc<Self>, departure: Arc<Departure>, hold: ClockHold) {
        self.try_poll(&departure).await;
        self.try_verify().await;
        let mut inner = self.lock();
        inner.polls += 1;
        self.exchanged(inner, hold);
    }

    async fn try_poll(&self, departure: &Arc<Departure>) {
        let Some(auth_req_id) = self.lock().state.auth_req_id().cloned() else { return };
        let sent = async {
            let connection = self.client.connection()?;
            let endpoints = connection.endpoints(&self.client).await?;
            let missing = || Error::new(Status::METADATA_ENDPOINT_MISSING, "the token endpoint is not known");
            let url = endpoints.token.clone().ok_or_else(missing)?;
            let (form, authorization) = self.request.poll_form(
                &self.client.provider.rules,
                &self.client.authentication,
                &auth_req_id,
            );
            self.event(Level::Debug, "poll.sent", String::new);
            let request = Request { kind: Kind::Poll, url, authorization, form: Some(form) };
            Ok(connection.http.exchange(&self.engine, request, departure).await)
        };
        let (answer, sent_at) = match sent.await {
            Ok(exchanged) => (self.reader().poll(exchanged.result), exchanged.sent_at),
            Err(error) => (crate::answer::PollAnswer::Trouble { error, retry_after: None }, self.now()),
        };
        self.event(answer.level(), answer.event(), || answer.text());
        let mut inner = self.lock();
        let before = inner.state.has_ended();
        inner.state.answered(answer, sent_at, self.now());
        if !before && let Some(outcome) = inner.state.outcome() {
            let event = end_event(outcome);
            inner.events.push(event);
        }
    }

    /// Verifies the tokens, if there are any.
    async fn try_verify(&self) {
        let Some(response) = self.lock().state.unverified() else { return };
        let verified = self.verified(&response).await;
        let mut inner = self.lock();
        match verified {
            Ok(Ok(tokens)) => self.end(&mut inner, Outcome::Tokens(tokens)),
            Ok(Err(refused)) => self.end(&mut inner, Outcome::Failed(refused)),
            Err(no_keys) => {
                inner.events.push((Level::Warning, "keys.unavailable", no_keys.to_string()));
                inner.state.keys_missing(no_keys, self.now());
            }
        }
        self.unlock(inner);
    }

    /// The outer error: the keys could not be had, so the tokens are neither good nor bad.
    async fn verified(&self, response: &TokenResponse) -> Result<Result<Tokens>> {
        if !response.has_id_token() {
            return Ok(self.verify(response, &KeySet::default())); // no signature, no key
        }
        let (since, client) = (self.now(), &self.client);
        let connection = client.connection()?;
        let keys = connection.keys(client).await?;
        let first = self.verify(response, &keys.set);
        match &first {
            // The provider may have changed its keys: once more with those of this moment.
            Err(error) if error.status() == Status::TOKEN_KEY_NOT_FOUND && keys.fetched_at < since => {
                let keys = connection.keys_since(client, since).await?;
                Ok(self.verify(response, &keys.set))
            }
            _ => Ok(first),
        }
    }

    fn verify(&self, response: &TokenResponse, keys: &KeySet) -> Result<Tokens> {
        let claims: Vec<ClaimExpectation> = self
            .request
            .claims
            .iter()
            .map(|(name, value)| ClaimExpectation {
                name: (*name).into(),
                expected: value.expose_secret().to_owned(),
                ignore_ascii_case: true, // a UUID is the same in capitals
            })
            .collect();
        let auth_req_id = self.lock().state.auth_req_id().cloned();
        let mut expected = Expected::new(&self.client.provider.issuer, &self.client.authentication.client_id);
        let algorithms = [self.client.algorithm];
        expected.algorithms = &algorithms;
        expected.leeway_seconds = self.client.clock_tolerance_s;
        expected.auth_req_id = auth_req_id.as_ref().map(|id| id.expose_secret());
        expected.claims = &claims;
        expected.requested_scope = Some(&self.request.scope);
        expected.subject = self.request.subject.as_ref().map(|subject| subject.expose_secret());
        verify(response, keys, &expected, self.engine.clock().unix_ms())
    }

    fn reader(&self) -> Reader<'_> {
        let mut secrets: Vec<SecretString> =
            self.secrets.iter().cloned().chain(self.lock().state.auth_req_id().cloned()).collect();
        // One may be part of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        Reader {
            rules: &self.client.provider.rules,
            secrets,
            policy: ResponsePolicy {
                id_token_required: self.client.id_token_required,
                ..ResponsePolicy::default()
            },
            unix_ms: self.engine.clock().unix_ms(),
        }
    }

    /// The exchange under way has ended: who waits is told, and the next due time is looked for.
    fn exchanged(self: &Arc<Self>, mut inner: MutexGuard<'_, Inner>, hold: ClockHold) {
        inner.in_flight = None;
        inner.exchanges += 1;
        inner.changed = true;
        self.unlock(inner);
        self.engine.attend(self.clone(), hold);
    }

    // ---- on any thread ----------------------------------------------------------------------

    fn end(&self, inner: &mut Inner, outcome: Outcome) {
        if inner.state.has_ended() {
            return;
        }
        inner.events.push(end_event(&outcome));
        inner.state.end(outcome);
    }

    /// What is due now; notices an expiry.
    fn due(&self, inner: &mut Inner, now: Millis) -> Option<Due> {
        let before = inner.state.has_ended();
        if inner.state.deadline().is_some_and(|at| now >= at)
            && let Some(unsent) = inner.in_flight.take_if(|exchange| exchange.stop())
        {
            unsent.task.abort(); // so no answer is owed to it
        }
        let due = inner.state.due(now, inner.in_flight.is_some());
        if !before && let Some(outcome) = inner.state.outcome() {
            let event = end_event(outcome);
            inner.events.push(event);
            if let Some(late) = inner.in_flight.take() {
                late.task.abort();
            }
            inner.changed = true;
        }
        due
    }

    /// Begins what is due.
    fn begin_due(self: &Arc<Self>, inner: &mut Inner, due: Due) {
        let (flow, hold) = (self.clone(), self.engine.clock().hold());
        let departure = (due == Due::Poll).then(Arc::<Departure>::default);
        let task = match departure.clone() {
            Some(departure) => self.spawn(flow.poll_once(departure, hold)),
            None => self.spawn(async move {
                flow.try_verify().await;
                flow.exchanged(flow.lock(), hold);
            }),
        };
        inner.in_flight = Some(InFlight { task, departure });
    }

    /// Begins what is due for those who wait, and says when to look again; `None`: nobody waits,
    /// so there is no traffic.
    fn next(self: &Arc<Self>, inner: &mut Inner, now: Millis) -> Option<Millis> {
        let due = self.due(inner, now);
        let cancelling = matches!(inner.cancel, Cancel::Wanted | Cancel::Sent);
        if inner.waiters == 0 || inner.freed || (inner.state.has_ended() && !cancelling) {
            return None;
        }
        if let Some(due) = due.filter(|_| inner.pollers > 0) {
            self.begin_due(inner, due);
        }
        for (_, hold) in inner.wake_at.iter_mut().filter(|(at, hold)| *at <= now && hold.is_none()) {
            *hold = self.engine.clock().hold();
            self.changed.notify_all();
        }
        let in_flight = inner.in_flight.is_some();
        let next = match inner.pollers {
            0 if !in_flight => Millis::MAX,
            _ => inner.state.next_event(in_flight),
        };
        let wake = inner.wake_at.iter().map(|(at, _)| *at).filter(|at| *at > now).min();
        Some(next.min(wake.unwrap_or(Millis::MAX)))
    }

    /// Sends the provider's own cancel call in the background, if it has one.
    fn cancel_at_provider(self: &Arc<Self>, inner: &mut Inner) {
        let url = match inner.state.auth_req_id().map(|id| self.client.provider.cancel_url(id)) {
            Some(Ok(Some(url))) => url,
            Some(Err(error)) => return inner.cancel = Cancel::Done(Err(error)),
            Some(Ok(None)) | None => return inner.cancel = Cancel::Done(Ok(())),
        };
        inner.cancel = Cancel::Sent;
        let (flow, hold) = (self.clone(), self.engine.clock().hold());
        self.spawn(async move {
            let result = flow.try_cancel(url).await;
            let level = if result.is_ok() { Level::Info } else { Level::Warning };
            flow.event(level, "cancel.answered", || {
                result.as_ref().err().map_or("the provider has cancelled".to_owned(), ToString::to_string)
            });
            let mut inner = flow.lock();
            inner.cancel = Cancel::Done(result);
            inner.changed = true;
            flow.unlock(inner);
            flow.engine.attend(flow.clone(), hold);
        });
    }

    async fn try_cancel(&self, url: url::Url) -> Result<()> {
        let connection = self.client.connection()?;
        let request = Request::new(Kind::Cancel, url);
        let exchanged = connection.http.exchange(&self.engine, request, &Arc::default()).await;
        match exchanged.result {
            Ok(answer) if matches!(answer.status, 200..300 | 404 | 410) => Ok(()), // done, or gone already
            Ok(answer) => {
                let text = format!("the provider did not cancel (HTTP {})", answer.status);
                Err(Error::new(Status::HTTP_STATUS, text).with_http_status(answer.status))
            }
            Err(failure) => Err(Error::new(failure.status, failure.message)),
        }
    }

    // ---- callers ----------------------------------------------------------------------------

    /// Waits until `done` says so, at most for `timeout`. `polling`: the provider is asked meanwhile.
    fn wait<T>(
        self: &Arc<Self>,
        timeout: Timeout,
        polling: bool,
        mut done: impl FnMut(&Inner) -> Option<T>,
    ) -> Result<Option<T>> {
        self.same_process()?;
        let mut inner = self.lock();
        let now = self.now();
        if let Some(due) = self.due(&mut inner, now).filter(|_| polling && !inner.freed) {
            self.begin_due(&mut inner, due);
        }
        let (at_once, freed) = (done(&inner), inner.freed);
        if at_once.is_some() || freed || timeout.is_some_and(|t| t.is_zero()) {
            self.unlock(inner);
            self.client.deliver_log();
            return if freed && at_once.is_none() { Err(Status::FREED.into()) } else { Ok(at_once) };
        }
        let until = timeout
            .map_or(Millis::MAX, |t| now.saturating_add(u64::try_from(t.as_millis()).unwrap_or(u64::MAX)));
        inner.waiters += 1;
        inner.pollers += usize::from(polling);
        inner.wake_at.push((until, None));
        self.unlock(inner);
        self.engine.attend(self.clone(), self.engine.clock().hold());

        let (mut shown, mut panicked) = (None, None);
        inner = self.lock();
        let result = loop {
            if let Some(result) = done(&inner) {
                break Ok(Some(result));
            }
            if inner.freed {
                break Err(Status::FREED.into());
            }
            let now = self.now();
            if now >= until {
                break Ok(None);
            }
            if let Some(on_progress) = inner.on_progress.clone() {
                let progress = self.progress_of(&inner, now);
                let at = (progress.stage, progress.polls, progress.expires_in.map(|d| d.as_secs()));
                if shown.replace(at) != Some(at) {
                    drop(inner);
                    let told = catch_unwind(AssertUnwindSafe(|| on_progress(&progress)));
                    inner = self.lock();
                    match told {
                        Ok(ControlFlow::Continue(())) => continue,
                        Ok(ControlFlow::Break(())) => break Ok(done(&inner)),
                        Err(panic) => {
                            panicked = Some(panic); // the caller's own; first this wait is ended
                            break Ok(None);
                        }
                    }
                }
            }
            let left = Duration::from_millis(until.saturating_sub(now)).min(LONGEST_WAIT);
            drop(self.changed.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner));
            self.client.deliver_log();
            inner = self.lock();
        };
        inner.waiters -= 1;
        inner.pollers -= usize::from(polling);
        let mine = inner.wake_at.iter().position(|(at, _)| *at == until);
        let hold = mine.and_then(|mine| inner.wake_at.swap_remove(mine).1);
        let ended = inner.state.has_ended();
        self.unlock(inner);
        if hold.is_some() || ended || !polling {
            // The engine shall know who is left: only then may a simulated clock go on, and where
            // no poll is due any more no due time would ever make it let go of the flow.
            self.engine.attend(self.clone(), hold);
        }
        self.client.deliver_log();
        if let Some(panic) = panicked {
            resume_unwind(panic);
        }
        result
    }

    /// Waits for the acknowledgement. `Ok(false)`: not here yet.
    pub fn wait_started(self: &Arc<Self>, timeout: Timeout) -> Result<bool> {
        let started = |inner: &Inner| match inner.state.outcome() {
            Some(outcome) => Some(outcome.error().map_or(Ok(()), Err)),
            None => (!inner.state.is_starting()).then_some(Ok(())),
        };
        self.wait(timeout, false, started)?.transpose().map(|done| done.is_some())
    }

    pub fn poll(self: &Arc<Self>, timeout: Timeout) -> Result<Option<Tokens>> {
        self.wait(timeout, true, |inner| inner.state.outcome().map(result_of))?.transpose()
    }

    pub fn step(self: &Arc<Self>, timeout: Timeout) -> Result<Option<Tokens>> {
        self.same_process()?;
        let (before, under_way) = {
            let mut inner = self.lock();
            let due = self.due(&mut inner, self.now()).filter(|_| !inner.freed);
            if let Some(due) = due {
                self.begin_due(&mut inner, due);
            }
            let now = (inner.exchanges, inner.in_flight.is_some());
            self.unlock(inner);
            now
        };
        if under_way {
            self.wait(timeout, false, |inner| {
                (inner.state.has_ended() || inner.exchanges > before).then_some(())
            })?;
        }
        self.wait(Some(Duration::ZERO), false, |inner| inner.state.outcome().map(result_of))?.transpose()
    }

    /// Gives the flow up. `Ok(false)`: the provider has not answered its cancel call yet.
    pub fn cancel(self: &Arc<Self>, timeout: Timeout) -> Result<bool> {
        self.same_process()?;
        let mut inner = self.lock();
        if !inner.state.has_ended() {
            let starting = inner.state.is_starting();
            self.end(&mut inner, Outcome::Cancelled);
            let sent = inner.in_flight.as_ref().is_some_and(|exchange| !exchange.stop());
            if starting && sent {
                inner.cancel = Cancel::Wanted; // the start is not aborted: its answer has to be cancelled
            } else {
                if let Some(exchange) = inner.in_flight.take() {
                    exchange.task.abort();
                    inner.exchanges += 1;
                }
                self.cancel_at_provider(&mut inner);
            }
            inner.changed = true;
        }
        self.unlock(inner);
        let answered = |inner: &Inner| match &inner.cancel {
            Cancel::No => Some(Ok(())),
            Cancel::Done(result) => Some(result.clone()),
            Cancel::Wanted | Cancel::Sent => None,
        };
        self.wait(timeout, false, answered)?.transpose().map(|done| done.is_some())
    }

    /// The handle is gone, or about to go: who is inside a call is sent away, who comes later too,
    /// and what nobody will collect ends. A start that has left is not ended: it may have reached the
    /// provider, and a cancel may depend on it.
    pub fn release(&self) {
        if self.same_process().is_err() {
            return;
        }
        let mut inner = self.lock();
        inner.freed = true;
        let may_end = !inner.state.is_starting() || inner.in_flight.as_ref().is_some_and(InFlight::stop);
        if may_end
            && matches!(inner.cancel, Cancel::No)
            && let Some(exchange) = inner.in_flight.take()
        {
            exchange.task.abort();
        }
        inner.changed = true;
        self.unlock(inner);
        self.client.deliver_log();
    }

    // ---- what can be asked without waiting --------------------------------------------------

    /// The class of the outcome; `PENDING` while there is none; `OTHER_PROCESS` in another process.
    pub fn outcome(&self) -> Status {
        if self.same_process().is_err() {
            return Status::OTHER_PROCESS;
        }
        self.read(|inner, _| inner.state.outcome().map(Outcome::status)).unwrap_or(Status::PENDING)
    }

    pub fn auth_req_id(&self) -> Option<SecretString> {
        self.read(|inner, _| inner.state.auth_req_id().cloned())
    }

    pub fn acknowledgement(&self) -> Option<SecretString> {
        self.read(|inner, _| inner.acknowledgement.clone())
    }

    /// When the request expires, in Unix milliseconds.
    pub fn expires_at(&self) -> Option<i64> {
        self.read(|inner, now| Some(self.unix_ms_of(inner.state.deadline()?, now)))
    }

    /// When the next poll is due, in Unix milliseconds.
    pub fn next_poll_at(&self) -> Option<i64> {
        self.read(|inner, now| Some(self.unix_ms_of(inner.state.next_poll_at()?, now)))
    }

    pub fn interval(&self) -> Option<Duration> {
        self.read(|inner, _| {
            inner.acknowledgement.as_ref().map(|_| Duration::from_millis(inner.state.interval()))
        })
    }

    /// The trouble that is being waited out, if the last answer was trouble.
    pub fn last_trouble(&self) -> Option<Error> {
        self.read(|inner, _| inner.state.last_trouble().cloned())
    }

    pub fn is_asking(&self) -> bool {
        self.read(|inner, _| Some(inner.in_flight.is_some())).unwrap_or_default()
    }

    pub fn started_at(&self) -> i64 {
        self.read(|inner, _| Some(inner.started_unix_ms)).unwrap_or_default()
    }

    /// `None` in another process.
    pub fn progress(&self) -> Option<Progress> {
        self.read(|inner, now| Some(self.progress_of(inner, now)))
    }

    pub fn tokens(&self) -> Result<Tokens> {
        self.same_process()?;
        match self.lock().state.outcome() {
            Some(Outcome::Tokens(tokens)) => Ok(tokens.clone()),
            _ => Err(Status::NO_TOKENS.into()),
        }
    }

    pub fn on_progress(&self, callback: Option<WhileWaiting>) -> Result<()> {
        self.same_process()?;
        let before = std::mem::replace(&mut self.lock().on_progress, callback);
        drop(before); // its release runs without the lock
        Ok(())
    }

    pub fn watch(self: &Arc<Self>, changed: OnProgress) -> Result<Watch> {
        self.same_process()?;
        let mut inner = self.lock();
        let number = inner.watches_begun;
        inner.watches_begun += 1;
        inner.watches.push((number, changed));
        inner.waiters += 1;
        inner.pollers += 1;
        drop(inner);
        self.engine.attend(self.clone(), self.engine.clock().hold());
        Ok(Watch { flow: self.clone(), number })
    }

    fn read<T>(&self, what: impl FnOnce(&Inner, Millis) -> Option<T>) -> Option<T> {
        self.same_process().ok()?;
        let mut inner = self.lock();
        let now = self.now();
        self.due(&mut inner, now); // an expiry shows also where nobody polls
        let result = what(&inner, now);
        self.unlock(inner);
        result
    }

    fn unix_ms_of(&self, at: Millis, now: Millis) -> i64 {
        let clamp = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.engine.clock().unix_ms().saturating_add(clamp(at).saturating_sub(clamp(now)))
    }

    fn progress_of(&self, inner: &Inner, now: Millis) -> Progress {
        let until = |at: Option<Millis>| at.map(|at| Duration::from_millis(at.saturating_sub(now)));
        let ended = inner.state.has_ended();
        let stage = match () {
            () if ended => ProgressStage::Ended,
            () if inner.state.is_starting() => ProgressStage::Starting,
            () if inner.state.unverified().is_some() => ProgressStage::Verifying,
            () => ProgressStage::Pending,
        };
        Progress {
            stage,
            expires_in: until(inner.state.deadline()).filter(|_| !ended),
            next_poll_in: until(inner.state.next_poll_at()),
            polls: inner.polls,
        }
    }
}

impl Attend for FlowShared {
    fn attend(self: Arc<Self>, now: Millis) -> Option<Millis> {
        let mut inner = self.lock();
        let next = self.next(&mut inner, now);
        self.unlock(inner);
        next
    }

    fn broken(&self) {
        let mut inner = self.lock();
        self.end(&mut inner, Outcome::Failed(Status::INTERNAL.into()));
        inner.in_flight = None;
        inner.exchanges += 1;
        if matches!(inner.cancel, Cancel::Wanted | Cancel::Sent) {
            inner.cancel = Cancel::Done(Err(Status::INTERNAL.into()));
        }
        inner.changed = true;
        self.unlock(inner);
    }
}

/// A wait without a thread, see [`Flow::watch`]. Dropping it ends the wait.
#[must_use = "dropping it ends the wait"]
pub struct Watch {
    flow: Arc<FlowShared>,
    number: u64,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.flow.same_process().is_err() {
            return;
        }
        let mut inner = self.flow.lock();
        inner.waiters -= 1;
        inner.pollers -= 1;
        let at = inner.watches.iter().position(|(number, _)| *number == self.number);
        let gone = at.map(|at| inner.watches.swap_remove(at));
        drop(inner);
        drop(gone); // its release runs without the lock
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// The log event of an outcome.
fn end_event(outcome: &Outcome) -> (Level, &'static str, String) {
    let (level, name) = match outcome {
        Outcome::Tokens(_) => (Level::Info, "flow.approved"),
        Outcome::Denied(_) => (Level::Info, "flow.denied"),
        Outcome::Expired(_) => (Level::Info, "flow.expired"),
        Outcome::Cancelled => (Level::Info, "flow.cancelled"),
        Outcome::Failed(_) => (Level::Error, "flow.failed"),
        Outcome::Unknown(_) => (Level::Error, "flow.unknown"),
    };
    (level, name, outcome.error().map_or("tokens verified".to_owned(), |error| error.to_string()))
}

fn result_of(outcome: &Outcome) -> Result<Tokens> {
    match outcome {
        Outcome::Tokens(tokens) => Ok(tokens.clone()),
        other => Err(other.error().unwrap_or(Status::INTERNAL.into())),
    }
}

/// One authentication under way. It may be used from any thread; dropping it sends nothing.
pub struct Flow(pub(crate) Arc<FlowShared>);

impl Flow {
    /// Waits for the provider's acknowledgement. `Ok(false)`: not here yet.
    ///
    /// Errors: those of [`super::Client::init`], or `CANCELLED`.
    pub fn wait_started(&self, timeout: Timeout) -> Result<bool> {
        self.0.wait_started(timeout)
    }

    /// Waits for the outcome and asks the provider whenever a poll is due. `Ok(None)`: not decided
    /// within the timeout; nothing is lost, ask again. With a timeout of zero a due poll is sent and
    /// its answer collected by a later call.
    ///
    /// Errors: the outcome, the same on every later call: `DENIED`, `EXPIRED`, `CANCELLED`,
    /// `UNKNOWN`, or the reason of a failure.
    pub fn poll(&self, timeout: Timeout) -> Result<Option<Tokens>> {
        self.0.poll(timeout)
    }

    /// Makes the one exchange that is due, if one is, and waits for its answer; never sleeps
    /// towards a due time. `Ok(None)`: not decided.
    ///
    /// Errors: as [`Flow::poll`].
    pub fn step(&self, timeout: Timeout) -> Result<Option<Tokens>> {
        self.0.step(timeout)
    }

    /// Gives the authentication up: its outcome is *cancelled* at once, and who waits for it wakes.
    /// Then waits at most so long for the provider's own cancel call, where it has one; `Ok(false)`:
    /// the call goes on in the background. A flow that has ended stays as it ended.
    ///
    /// Errors: why the provider's cancel call failed; the outcome is *cancelled* all the same.
    pub fn cancel(&self, timeout: Timeout) -> Result<bool> {
        self.0.cancel(timeout)
    }

    /// The class of the outcome: `OK`, `DENIED`, `EXPIRED`, `CANCELLED`, `FAILED`, `UNKNOWN`, or
    /// `PENDING` while there is none. `OTHER_PROCESS` in a child made by fork.
    pub fn outcome(&self) -> Status {
        self.0.outcome()
    }

    /// The verified tokens.
    ///
    /// Errors: `NO_TOKENS`.
    pub fn tokens(&self) -> Result<Tokens> {
        self.0.tokens()
    }

    /// The provider's identifier of the request, once it is acknowledged. Confidential.
    pub fn auth_req_id(&self) -> Option<SecretString> {
        self.0.auth_req_id()
    }

    /// The whole acknowledgement as JSON, as it came. Confidential.
    pub fn acknowledgement(&self) -> Option<SecretString> {
        self.0.acknowledgement()
    }

    /// When the authentication request was made, in Unix milliseconds.
    pub fn started_at(&self) -> i64 {
        self.0.started_at()
    }

    /// When the request expires, in Unix milliseconds, once it is acknowledged.
    pub fn expires_at(&self) -> Option<i64> {
        self.0.expires_at()
    }

    /// When the next poll is due, in Unix milliseconds; `None` if there is none.
    pub fn next_poll_at(&self) -> Option<i64> {
        self.0.next_poll_at()
    }

    /// The interval between polls that is in force, once the request is acknowledged.
    pub fn interval(&self) -> Option<Duration> {
        self.0.interval()
    }

    /// The trouble that is being waited out, or was waited out last.
    pub fn last_trouble(&self) -> Option<Error> {
        self.0.last_trouble()
    }

    /// Whether an exchange is under way: the start, a token request, or fetching keys for tokens.
    pub fn is_asking(&self) -> bool {
        self.0.is_asking()
    }

    /// Where the flow stands.
    pub fn progress(&self) -> Progress {
        let idle = Progress { stage: ProgressStage::Ended, expires_in: None, next_poll_in: None, polls: 0 };
        self.0.progress().unwrap_or(idle)
    }

    /// Has `callback` called by threads that wait in a call of this flow: when something has changed
    /// and about once a second. Should it panic, the call that it was called by ends so; the flow and
    /// who else waits for it go on.
    pub fn on_progress(&self, callback: impl Fn(&Progress) + Send + Sync + 'static) -> Result<()> {
        self.0.on_progress(Some(Arc::new(move |progress: &Progress| {
            callback(progress);
            ControlFlow::Continue(())
        })))
    }

    /// Waits without a thread: as long as the [`Watch`] lives the provider is asked whenever a poll
    /// is due, and `changed` is called when the acknowledgement has come, after each exchange, at the
    /// outcome, and when the provider has answered a cancel call. For event loops.
    ///
    /// What was there before is not told: look with a call whose timeout is zero, once, afterwards.
    /// `changed` runs on the engine's thread, or on one that is inside a call of this flow. It must be
    /// quick, and must make no call that may wait. Should it panic, nothing else comes of that.
    ///
    /// Errors: `OTHER_PROCESS`.
    pub fn watch(&self, changed: impl Fn(&Progress) + Send + Sync + 'static) -> Result<Watch> {
        self.0.watch(Arc::new(changed))
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow").field("outcome", &self.outcome()).finish_non_exhaustive()
    }
}
