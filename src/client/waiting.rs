//! Callers of a flow: those who wait for it, give it up, watch it, or ask how it stands.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use secrecy::SecretString;

use super::Timeout;
use super::flow::FlowShared;
use super::handle::{Progress, ProgressStage, WhileWaiting};
use super::inner::{Cancel, Inner, Watcher, Watchers};
use super::signatures::{Desk, Errand};
use crate::clock::{ClockHold, Millis};
use crate::error::{Error, Result, Status};
use crate::flow::Outcome;
use crate::tokens::Tokens;

/// How long a caller sleeps before it looks at the clock again: while the machine sleeps, the
/// clock of condition variables stands still, the flow's own does not.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// When callers that wait give up; a simulated clock waits until those that are woken have left.
pub(super) type WakeAt = Vec<(Millis, ClockHold)>;

/// When a wait that begins now gives up.
pub(super) fn until(now: Millis, timeout: Timeout) -> Millis {
    let ms = timeout.map_or(Millis::MAX, |t| u64::try_from(t.as_millis()).unwrap_or(u64::MAX));
    now.saturating_add(ms)
}

/// A caller that would have given up at `until` leaves; with what kept a simulated clock for it.
pub(super) fn take_hold(wake_at: &mut WakeAt, until: Millis) -> ClockHold {
    let mine = wake_at.iter().position(|(at, _)| *at == until)?;
    wake_at.swap_remove(mine).1
}

impl FlowShared {
    /// Waits until `done` says so, at most for `timeout`. `polling`: the provider is asked meanwhile.
    pub(super) fn wait<T>(
        self: &Arc<Self>,
        timeout: Timeout,
        polling: bool,
        mut done: impl FnMut(&Inner) -> Option<T>,
    ) -> Result<Option<T>> {
        self.same_process()?;
        self.run_errand(); // one that was left while nobody was here
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
        let until = until(now, timeout);
        let waiting = inner.waiting_mut();
        waiting.callers += 1;
        waiting.pollers += u32::from(polling);
        waiting.wake_at.push((until, None));
        let changed = waiting.changed.clone();
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
            if inner.has_errand() {
                drop(inner);
                self.run_errand();
                inner = self.lock();
                continue;
            }
            if let Some(on_progress) = inner.waiting().and_then(|waiting| waiting.on_progress.clone()) {
                let progress = self.progress_of(&inner, now);
                let at = (progress.stage, progress.polls, progress.expires_in.map(|d| d.as_secs()));
                if shown.replace(at) != Some(at) {
                    drop(inner);
                    let told = catch_unwind(AssertUnwindSafe(|| on_progress(&progress)));
                    inner = self.lock();
                    match told {
                        // What is waited for after the outcome is the provider's cancel call.
                        Ok(ControlFlow::Break(())) if !inner.state.has_ended() => break Ok(done(&inner)),
                        Ok(_) => continue,
                        Err(panic) => {
                            panicked = Some(panic); // the caller's own; first this wait is ended
                            break Ok(None);
                        }
                    }
                }
            }
            let left = Duration::from_millis(until.saturating_sub(now)).min(LONGEST_WAIT);
            drop(changed.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner));
            self.client.deliver_log();
            inner = self.lock();
        };
        let waiting = inner.waiting_mut();
        waiting.callers -= 1;
        waiting.pollers -= u32::from(polling);
        let hold = take_hold(&mut waiting.wake_at, until);
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

    /// Signs what the exchange under way needs signed, if it does, whatever the caller's timeout: that is the
    /// program's own code. No lock is held meanwhile.
    pub(super) fn run_errand(&self) {
        let (errand, wanted) = {
            let mut inner = self.lock();
            (inner.take_errand(), inner.in_flight.is_some()) // of an exchange that was given up it is not
        };
        if let Some(errand) = errand.filter(|_| wanted) {
            errand.run(self.engine.clock().unix_ms());
        }
    }

    /// Whether somebody is to sign for this flow.
    pub(super) fn has_errand(&self) -> bool {
        self.lock().has_errand()
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
                (inner.state.has_ended() || inner.exchanges != before).then_some(())
            })?;
        }
        self.wait(Some(Duration::ZERO), false, |inner| inner.state.outcome().map(result_of))?.transpose()
    }

    /// Gives the flow up. `Ok(false)`: the provider has not answered its cancel call yet.
    pub fn cancel(self: &Arc<Self>, timeout: Timeout) -> Result<bool> {
        self.same_process()?;
        let hold = self.engine.clock().hold(); // between the poll that is aborted and the cancel call
        let mut url = None;
        let mut inner = self.lock();
        if !inner.state.has_ended() {
            let starting = inner.state.is_starting();
            inner.state.end(Outcome::Cancelled);
            let sent = inner.in_flight.as_ref().is_some_and(|exchange| !exchange.stop());
            if starting && sent {
                // The start is not aborted: its answer has to be cancelled.
                inner.set_cancel(Cancel::Wanted);
            } else {
                if let Some(exchange) = inner.in_flight.take() {
                    exchange.task.abort();
                    inner.exchanges = inner.exchanges.wrapping_add(1);
                }
                url = self.cancelling(&mut inner);
            }
            inner.changed = true;
        }
        self.unlock(inner);
        // After it: a log hears of the cancel before it hears of the answer.
        if let Some(url) = url {
            self.cancel_at_provider(url);
        }
        self.engine.attend(self.clone(), hold); // which then lets go of it
        let answered = |inner: &Inner| match inner.cancel() {
            None => Some(Ok(())),
            Some(Cancel::Done(result)) => Some(result.clone()),
            Some(Cancel::Wanted | Cancel::Sent) => None,
        };
        self.wait(timeout, false, answered)?.transpose().map(|done| done.is_some())
    }

    /// The handle is gone, or about to go: who is inside a call is sent away, who comes later too,
    /// and what nobody will collect ends. A start that has left is not ended: it may have reached the
    /// provider, and a cancel may depend on it.
    pub fn release(self: &Arc<Self>) {
        if self.same_process().is_err() {
            return;
        }
        let mut inner = self.lock();
        inner.freed = true;
        let may_end =
            !inner.state.is_starting() || inner.in_flight.as_ref().is_some_and(|exchange| exchange.stop());
        if may_end
            && inner.cancel().is_none()
            && let Some(exchange) = inner.in_flight.take()
        {
            exchange.task.abort();
        }
        inner.changed = true;
        let watchers = std::mem::take(&mut inner.watchers);
        self.unlock(inner);
        watchers.iter().for_each(|watcher| watcher.freed(self));
        self.engine.attend(self.clone(), None); // which then lets go of it
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
        self.read(|inner, _| inner.state.auth_req_id().map(SecretString::from))
    }

    pub fn acknowledgement(&self) -> Option<SecretString> {
        self.read(|inner, _| inner.state.acknowledgement().map(SecretString::from))
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
        self.read(|inner, _| inner.state.auth_req_id().map(|_| Duration::from_millis(inner.state.interval())))
    }

    /// The trouble that is being waited out, if the last answer was trouble.
    pub fn last_trouble(&self) -> Option<Error> {
        self.read(|inner, _| inner.state.last_trouble().cloned())
    }

    pub fn is_asking(&self) -> bool {
        self.read(|inner, _| Some(inner.in_flight.is_some())).unwrap_or_default()
    }

    pub fn correlation(&self) -> &str {
        self.asked.correlation()
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
        let mut inner = self.lock();
        let before = std::mem::replace(&mut inner.waiting_mut().on_progress, callback);
        drop(inner);
        drop(before); // its release runs without the lock
        Ok(())
    }

    /// Has the provider asked without a thread that waits, the first time `delay` ms later than it
    /// could be.
    pub fn watch(self: &Arc<Self>, watcher: Arc<dyn Watcher>, delay: Millis) -> Result<()> {
        self.same_process()?;
        let mut inner = self.lock();
        if inner.freed {
            return Err(Status::FREED.into());
        }
        inner.watchers.push(watcher);
        inner.state.delay(delay);
        drop(inner);
        self.engine.attend(self.clone(), self.engine.clock().hold());
        Ok(())
    }

    pub fn unwatch(&self, watcher: &Arc<dyn Watcher>) {
        if self.same_process().is_err() {
            return;
        }
        let mut inner = self.lock();
        let at = inner.watchers.iter().position(|own| Arc::ptr_eq(own, watcher));
        let gone = at.map(|at| inner.watchers.swap_remove(at));
        drop(inner);
        drop(gone); // its release runs without the lock
    }

    pub(super) fn read<T>(&self, what: impl FnOnce(&Inner, Millis) -> Option<T>) -> Option<T> {
        self.same_process().ok()?;
        let mut inner = self.lock();
        let now = self.now();
        self.due(&mut inner, now); // an expiry shows also where nobody polls
        let result = what(&inner, now);
        self.unlock(inner);
        result
    }

    pub(super) fn unix_ms_of(&self, at: Millis, now: Millis) -> i64 {
        let clamp = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.engine.clock().unix_ms().saturating_add(clamp(at).saturating_sub(clamp(now)))
    }

    pub(super) fn progress_of(&self, inner: &Inner, now: Millis) -> Progress {
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
            polls: u64::from(inner.polls),
            signature_wanted: inner.has_errand(),
        }
    }
}

impl Desk for FlowShared {
    fn leave(&self, errand: Errand) {
        let mut inner = self.lock();
        inner.set_errand(errand);
        inner.changed = true;
        let watchers: Watchers = inner.watchers.clone();
        self.unlock(inner);
        watchers.iter().for_each(|watcher| watcher.signature_wanted(self));
    }
}

fn result_of(outcome: &Outcome) -> Result<Tokens> {
    match outcome {
        Outcome::Tokens(tokens) => Ok(tokens.clone()),
        other => Err(other.error().unwrap_or(Status::INTERNAL.into())),
    }
}
