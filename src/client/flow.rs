//! One authentication under way: the pure state machine of [`crate::flow`], the exchanges that it
//! asks for, and the callers that wait for it.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::task::AbortHandle;

use super::{ClientCore, Timeout};
use crate::answer::{Acknowledgement, Reader};
use crate::engine::{Attend, ClockHold, Engine};
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

/// What the provider's own cancel call has come to.
enum Cancel {
    No,
    /// It follows once the start, still on its way, is acknowledged.
    Wanted,
    Sent,
    Done(Result<()>),
}

/// What happens to a flow, behind its lock.
struct Inner {
    state: FlowState,
    /// The exchange that is under way.
    in_flight: Option<AbortHandle>,
    /// Exchanges that have ended.
    exchanges: u64,
    polls: u64,
    /// Callers that wait, and those among them for whom the provider is asked.
    waiters: usize,
    pollers: usize,
    /// When callers that wait give up.
    wake_at: Vec<Millis>,
    cancel: Cancel,
    freed: bool,
    acknowledgement: Option<SecretString>,
    /// When the request was made, in Unix milliseconds.
    started_unix_ms: i64,
    on_progress: Option<OnProgress>,
    /// Events to log once the lock is free: a log may ask the flow how it stands.
    events: Vec<(Level, &'static str, String)>,
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
                events: Vec::new(),
            }),
            changed: Condvar::new(),
        }))
    }

    /// Sends the request in the background. Called once, when the caller holds the flow.
    pub fn send(self: &Arc<Self>) {
        let mut inner = self.lock();
        let hold = self.engine.clock().hold();
        inner.in_flight = Some(self.spawn(self.clone().start(hold)));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees the lock, then logs what happened under it.
    fn unlock(&self, mut inner: MutexGuard<'_, Inner>) {
        let events = std::mem::take(&mut inner.events);
        drop(inner);
        for (level, name, text) in events {
            self.event(level, name, || text);
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
    async fn start(self: Arc<Self>, hold: ClockHold) {
        let result = self.try_start().await;
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
                } else {
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

    async fn try_start(&self) -> Result<(Acknowledgement, Millis)> {
        let connection = self.client.connection()?;
        let endpoints = connection.endpoints(&self.client).await?;
        let missing =
            || Error::new(Status::METADATA_ENDPOINT_MISSING, "the backchannel endpoint is not known");
        let url = endpoints.backchannel_authentication.clone().ok_or_else(missing)?;
        if self.lock().state.has_ended() {
            return Err(Status::CANCELLED.into()); // before anything was sent
        }
        let (form, authorization) =
            self.request.start_form(&self.client.provider.rules, &self.client.authentication);
        self.event(Level::Info, "start.sent", || format!("to {}", url.host_str().unwrap_or_default()));
        let request = Request { kind: Kind::Start, url, authorization, form: Some(form) };
        let exchanged = connection.http.exchange(&self.engine, request).await;
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
    async fn poll_once(self: Arc<Self>, hold: ClockHold) {
        self.try_poll().await;
        self.try_verify().await;
        let mut inner = self.lock();
        inner.polls += 1;
        self.exchanged(inner, hold);
    }

    async fn try_poll(&self) {
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
            Ok(connection.http.exchange(&self.engine, request).await)
        };
        let (answer, sent_at) = match sent.await {
            Ok(exchanged) => (self.reader().poll(exchanged.result), exchanged.sent_at),
            Err(error) => (crate::answer::PollAnswer::Trouble { error, retry_after: None }, self.now()),
        };
        self.event(answer.level(), answer.event(), || answer.text());
        let mut inner = self.lock();
        inner.state.answered(answer, sent_at, self.now());
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
        verify(response, keys, &expected, self.engine.clock().unix_ms())
    }

    fn reader(&self) -> Reader<'_> {
        Reader {
            rules: &self.client.provider.rules,
            secrets: &self.secrets,
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
        self.unlock(inner);
        self.changed.notify_all();
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
        let due = inner.state.due(now, inner.in_flight.is_some());
        if !before && let Some(outcome) = inner.state.outcome() {
            let event = end_event(outcome);
            inner.events.push(event);
            if let Some(late) = inner.in_flight.take() {
                late.abort();
            }
            self.changed.notify_all();
        }
        due
    }

    /// Begins what is due.
    fn begin_due(self: &Arc<Self>, inner: &mut Inner, due: Due) {
        let (flow, hold) = (self.clone(), self.engine.clock().hold());
        inner.in_flight = Some(match due {
            Due::Poll => self.spawn(flow.poll_once(hold)),
            Due::Verify => self.spawn(async move {
                flow.try_verify().await;
                flow.exchanged(flow.lock(), hold);
            }),
        });
    }

    /// Begins what is due for those who wait, and says when to look again; `None`: nobody waits,
    /// so there is no traffic.
    fn next(self: &Arc<Self>, inner: &mut Inner, now: Millis) -> Option<Millis> {
        let due = self.due(inner, now);
        let cancelling = matches!(inner.cancel, Cancel::Wanted | Cancel::Sent);
        if inner.waiters == 0 || (inner.state.has_ended() && !cancelling) {
            return None;
        }
        if let Some(due) = due.filter(|_| inner.pollers > 0) {
            self.begin_due(inner, due);
        }
        if inner.wake_at.iter().any(|at| *at <= now) {
            self.changed.notify_all();
        }
        let next = match inner.pollers {
            0 => Millis::MAX,
            _ => inner.state.next_event(inner.in_flight.is_some()),
        };
        let wake = inner.wake_at.iter().copied().filter(|at| *at > now).min();
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
            flow.lock().cancel = Cancel::Done(result);
            flow.changed.notify_all();
            flow.engine.attend(flow.clone(), hold);
        });
    }

    async fn try_cancel(&self, url: url::Url) -> Result<()> {
        let connection = self.client.connection()?;
        let exchanged = connection.http.exchange(&self.engine, Request::new(Kind::Cancel, url)).await;
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
        if let Some(due) = self.due(&mut inner, now).filter(|_| polling) {
            self.begin_due(&mut inner, due);
        }
        let at_once = done(&inner);
        if at_once.is_some() || timeout.is_some_and(|t| t.is_zero()) {
            self.unlock(inner);
            return Ok(at_once);
        }
        let until = timeout
            .map_or(Millis::MAX, |t| now.saturating_add(u64::try_from(t.as_millis()).unwrap_or(u64::MAX)));
        inner.waiters += 1;
        inner.pollers += usize::from(polling);
        inner.wake_at.push(until);
        self.unlock(inner);
        self.engine.attend(self.clone(), self.engine.clock().hold());

        let mut shown = None;
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
                    on_progress(&progress);
                    inner = self.lock();
                    continue;
                }
            }
            let left = Duration::from_millis(until.saturating_sub(now)).min(LONGEST_WAIT);
            inner = self.changed.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        };
        inner.waiters -= 1;
        inner.pollers -= usize::from(polling);
        if let Some(at) = inner.wake_at.iter().position(|at| *at == until) {
            inner.wake_at.swap_remove(at);
        }
        self.unlock(inner);
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
            let due = self.due(&mut inner, self.now());
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
        self.poll_outcome()
    }

    fn poll_outcome(&self) -> Result<Option<Tokens>> {
        self.lock().state.outcome().map(result_of).transpose()
    }

    /// Gives the flow up. `Ok(false)`: the provider has not answered its cancel call yet.
    pub fn cancel(self: &Arc<Self>, timeout: Timeout) -> Result<bool> {
        self.same_process()?;
        let mut inner = self.lock();
        if !inner.state.has_ended() {
            let starting = inner.state.is_starting();
            self.end(&mut inner, Outcome::Cancelled);
            if starting {
                inner.cancel = Cancel::Wanted; // the start is not aborted: its answer has to be cancelled
            } else {
                if let Some(poll) = inner.in_flight.take() {
                    poll.abort();
                    inner.exchanges += 1;
                }
                self.cancel_at_provider(&mut inner);
            }
            self.changed.notify_all();
        }
        self.unlock(inner);
        let answered = |inner: &Inner| match &inner.cancel {
            Cancel::No => Some(Ok(())),
            Cancel::Done(result) => Some(result.clone()),
            Cancel::Wanted | Cancel::Sent => None,
        };
        self.wait(timeout, false, answered)?.transpose().map(|done| done.is_some())
    }

    /// The handle is gone: who is inside a call is sent away, and what nobody will collect ends.
    /// The start is not ended: it may have reached the provider, and a cancel may depend on it.
    pub fn release(&self) {
        if self.same_process().is_err() {
            return;
        }
        let mut inner = self.lock();
        inner.freed = true;
        if !inner.state.is_starting()
            && matches!(inner.cancel, Cancel::No)
            && let Some(poll) = inner.in_flight.take()
        {
            poll.abort();
        }
        drop(inner);
        self.changed.notify_all();
    }

    // ---- what can be asked without waiting --------------------------------------------------

    /// The class of the outcome; `PENDING` while there is none.
    pub fn outcome(&self) -> Status {
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

    pub fn started_at(&self) -> i64 {
        self.read(|inner, _| Some(inner.started_unix_ms)).unwrap_or_default()
    }

    pub fn progress(&self) -> Progress {
        let idle = Progress { stage: ProgressStage::Ended, expires_in: None, next_poll_in: None, polls: 0 };
        self.read(|inner, now| Some(self.progress_of(inner, now))).unwrap_or(idle)
    }

    pub fn tokens(&self) -> Result<Tokens> {
        self.same_process()?;
        match self.lock().state.outcome() {
            Some(Outcome::Tokens(tokens)) => Ok(tokens.clone()),
            _ => Err(Status::NO_TOKENS.into()),
        }
    }

    pub fn on_progress(&self, callback: Option<OnProgress>) -> Result<()> {
        self.same_process()?;
        let before = std::mem::replace(&mut self.lock().on_progress, callback);
        drop(before); // its release runs without the lock
        Ok(())
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
        inner.state.end(Outcome::Failed(Status::INTERNAL.into()));
        inner.in_flight = None;
        inner.exchanges += 1;
        if matches!(inner.cancel, Cancel::Wanted | Cancel::Sent) {
            inner.cancel = Cancel::Done(Err(Status::INTERNAL.into()));
        }
        drop(inner);
        self.changed.notify_all();
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
    /// `PENDING` while there is none.
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

    /// Where the flow stands.
    pub fn progress(&self) -> Progress {
        self.0.progress()
    }

    /// Has `callback` called by threads that wait in a call of this flow: when something has changed
    /// and about once a second.
    pub fn on_progress(&self, callback: impl Fn(&Progress) + Send + Sync + 'static) -> Result<()> {
        self.0.on_progress(Some(Arc::new(callback)))
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
