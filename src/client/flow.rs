//! One authentication under way: the pure state machine of [`crate::flow`], and the exchanges that it
//! asks for. Who waits for it is in `waiting`, what programs hold in `handle`.

use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};

use super::ClientCore;
use super::connection::Connection;
use super::inner::{Cancel, InFlight, Inner, Watchers};
use crate::answer::{Acknowledgement, Reader};
use crate::clock::{ClockHold, Millis};
use crate::engine::{AbortHandle, Attend, Departure, Engine, ScheduledAt};
use crate::error::{Error, Result, Status};
use crate::flow::{Due, FlowState, Outcome};
use crate::log::Level;
use crate::notification::{self, DeliveryMode};
use crate::request::{Asked, AuthenticationRequest, Checked, ToSend};
use crate::tokens::{ClaimExpectation, Delivery, Expected, KeySet, TokenResponse, Tokens, verify};
use crate::wire::{Body, Kind, Request};

/// A poll of a flow that is watched, perhaps one of many, comes later than it could by at most this, and
/// at most this share of the interval.
const MOST_SPREAD_MS: Millis = 250;
const SPREAD_SHARE: Millis = 20;

pub(crate) struct FlowShared {
    pub(super) client: Arc<ClientCore>,
    pub(super) engine: Engine,
    pub(super) asked: Asked,
    scheduled_at: ScheduledAt,
    inner: Mutex<Inner>,
}

impl FlowShared {
    /// Checks the request and sends it in the background. `handed_out` is called with the flow before
    /// anything is sent.
    pub fn begin(
        client: &Arc<ClientCore>,
        request: &AuthenticationRequest,
        handed_out: impl FnOnce(&Arc<FlowShared>),
    ) -> Result<Arc<FlowShared>> {
        let decrypted = client.decryption.as_ref().and_then(|key| request.with_signed_hint(key));
        let Checked { mut to_send, asked, binding_message } =
            decrypted.as_ref().unwrap_or(request).check(&client.provider)?;
        let engine = client.connection()?.engine.clone();
        let mut inner = Inner::new(FlowState::starting(), engine.clock().unix_ms());
        inner.show(binding_message, None);
        let flow = FlowShared::from_parts(client, engine, asked, inner);
        if client.delivery_mode != DeliveryMode::Poll {
            let token = notification::new_token()?;
            flow.await_notifications(notification::hash(token.expose_secret()))?;
            to_send.parameters.push((notification::PARAMETER.to_owned(), token));
        }
        handed_out(&flow);
        let mut inner = flow.lock();
        if inner.freed || inner.state.has_ended() {
            drop(inner);
            return Ok(flow); // given up by another thread that has its handle
        }
        let hold = flow.engine.clock().hold();
        let departure = Arc::<Departure>::default();
        let (starting, leaving) = (flow.clone(), departure.clone());
        let task = flow.spawn(move || starting.start(to_send, leaving, hold));
        inner.in_flight = Some(Box::new(InFlight { task, departure: Some(departure) }));
        drop(inner);
        Ok(flow)
    }

    pub(super) fn from_parts(
        client: &Arc<ClientCore>,
        engine: Engine,
        asked: Asked,
        inner: Inner,
    ) -> Arc<FlowShared> {
        Arc::new(FlowShared {
            client: client.clone(),
            engine,
            asked,
            scheduled_at: ScheduledAt::default(),
            inner: Mutex::new(inner),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees the lock, then logs what happened under it and tells who waits or watches.
    pub(super) fn unlock(&self, mut inner: MutexGuard<'_, Inner>) {
        let event = inner.state.outcome().filter(|_| !inner.end_told).map(end_event);
        inner.end_told |= event.is_some();
        let changed = std::mem::take(&mut inner.changed);
        let waiting = inner.waiting().filter(|_| changed).map(|waiting| waiting.changed.clone());
        inner.tidy();
        let watchers = if changed { inner.watchers.clone() } else { Watchers::new() };
        let progress = (!watchers.is_empty()).then(|| self.progress_of(&inner, self.now()));
        drop(inner);
        if let Some((level, name, text)) = event {
            self.event(level, name, || text);
        }
        if let Some(waiting) = waiting {
            waiting.notify_all();
        }
        if let Some(progress) = progress {
            for watcher in watchers {
                // What it does is its own affair: this may be the engine's thread.
                let _ = catch_unwind(AssertUnwindSafe(|| watcher.changed(self, &progress)));
            }
        }
    }

    /// In a child made by fork nothing behind the lock is touched.
    pub(super) fn same_process(&self) -> Result<()> {
        self.engine.same_process()
    }

    pub(super) fn now(&self) -> Millis {
        self.engine.clock().now()
    }

    pub(super) fn event(&self, level: Level, name: &str, text: impl FnOnce() -> String) {
        self.client.event(level, name, self.asked.correlation(), text);
    }

    /// Keeps flows that are watched, perhaps many, from being asked for at one moment.
    pub(super) fn spread(&self, inner: &mut Inner) {
        if !inner.watchers.is_empty() {
            let most = MOST_SPREAD_MS.min(inner.state.interval() / SPREAD_SHARE);
            inner.state.delay(self.engine.clock().spread(most));
        }
    }

    fn spawn<W: Future<Output = ()> + Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce() -> W + Send + 'static,
    ) -> AbortHandle {
        let flow = self.clone();
        self.engine.spawn(work, move || flow.broken())
    }

    // ---- on the engine's thread -------------------------------------------------------------

    /// Sends the authentication request.
    async fn start(self: Arc<Self>, to_send: ToSend, departure: Arc<Departure>, hold: ClockHold) {
        let result = self.try_start(to_send, &departure).await;
        if let Ok((Acknowledgement { expires_in, interval, .. }, _)) = &result {
            self.event(Level::Info, "start.acknowledged", || {
                format!("expires in {} s, interval {} s", expires_in.as_secs(), interval.as_secs())
            });
        }
        let mut inner = self.lock();
        match result {
            Ok((acknowledgement, sent_at)) => {
                let now = self.now();
                inner.state.acknowledged(&acknowledgement, sent_at, now);
                if self.client.delivery_mode == DeliveryMode::Push {
                    inner.state.await_push();
                }
                self.spread(&mut inner);
                inner.show(acknowledgement.binding_message, acknowledgement.authentication_uri);
                if matches!(inner.cancel(), Some(Cancel::Wanted)) {
                    if let Some(url) = self.cancelling(&mut inner) {
                        self.cancel_at_provider(url);
                    }
                } else if !inner.freed {
                    self.fetch_keys_early();
                }
            }
            Err(error) => {
                if matches!(inner.cancel(), Some(Cancel::Wanted)) {
                    inner.set_cancel(Cancel::Done(Ok(())));
                }
                inner.state.end(Outcome::Failed(error));
            }
        }
        self.exchanged(inner, hold);
        self.hear_early();
    }

    async fn try_start(
        &self,
        mut to_send: ToSend,
        departure: &Arc<Departure>,
    ) -> Result<(Acknowledgement, Millis)> {
        let connection = self.client.connection()?;
        let endpoints = connection.endpoints(&self.client).await?;
        let missing =
            || Error::new(Status::METADATA_ENDPOINT_MISSING, "the backchannel endpoint is not known");
        let url = endpoints.backchannel_authentication.clone().ok_or_else(missing)?;
        self.prepare(connection, &mut to_send).await?;
        let client = &self.client;
        let (rules, authentication) = (&client.provider.rules, &client.authentication);
        let request = || {
            let (signing, unix_ms) = (client.request_signing.as_ref(), self.engine.clock().unix_ms());
            let (form, authorization) =
                self.asked.start_form(&to_send.parameters, rules, authentication, signing, &url, unix_ms)?;
            let body = Some(Body::Form(form));
            Ok(Request { authorization, body, ..Request::new(Kind::Start, url.clone()) })
        };
        let sent = || {
            self.event(Level::Info, "start.sent", || format!("to {}", url.host_str().unwrap_or_default()));
        };
        let (exchanged, _) = self.send(connection, request, departure, sent).await?;
        let secrets = || [self.secrets(), to_send.not_kept()].concat();
        let mut acknowledgement = self.reader(&secrets).acknowledgement(exchanged.result)?;
        self.init_auth(connection, &to_send, &mut acknowledgement).await?;
        Ok((acknowledgement, exchanged.sent_at))
    }

    /// Fetches the provider's keys while the person looks at the phone.
    pub(super) fn fetch_keys_early(self: &Arc<Self>) {
        if !self.client.connection().is_ok_and(Connection::lacks_keys) {
            return;
        }
        let (flow, hold) = (self.clone(), self.engine.clock().hold());
        let fetch = async move || {
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
        self.try_poll(departure).await;
        self.try_verify().await;
        let mut inner = self.lock();
        inner.polls = inner.polls.saturating_add(1);
        self.exchanged(inner, hold);
    }

    /// Verifies the tokens, if there are any.
    async fn try_verify(&self) {
        let Some(response) = self.lock().state.unverified() else { return };
        let verified = self.verified(&response).await;
        if let Err(no_keys) = &verified {
            self.event(Level::Warning, "keys.unavailable", || no_keys.to_string());
        }
        let mut inner = self.lock();
        match verified {
            Ok(Ok(tokens)) => inner.state.end(Outcome::Tokens(tokens)),
            Ok(Err(refused)) => inner.state.end(Outcome::Failed(refused)),
            Err(no_keys) => inner.state.keys_missing(no_keys, self.now()),
        }
        self.unlock(inner);
    }

    /// The outer error: the keys could not be had, so the tokens are neither good nor bad.
    async fn verified(&self, response: &TokenResponse) -> Result<Result<Tokens>> {
        if !response.has_id_token() {
            return Ok(self.verify(response, &KeySet::default())); // no signature, no key
        }
        let client = &self.client;
        client.connection()?.with_keys(client, |keys| self.verify(response, keys)).await
    }

    fn verify(&self, response: &TokenResponse, keys: &KeySet) -> Result<Tokens> {
        let (rules, asked) = (&self.client.provider.rules, self.asked.expectations());
        let always = rules.claims.iter().map(|(name, value)| ClaimExpectation {
            name: (*name).into(),
            expected: (*value).to_owned(),
            ignore_ascii_case: true,
        });
        let claims: Vec<ClaimExpectation> = always.chain(asked.claims).collect();
        let (auth_req_id, begun_ms) = {
            let inner = self.lock();
            (inner.state.auth_req_id().map(SecretString::from), inner.started_unix_ms)
        };
        let max_age_ms = asked.max_age_s.map(|seconds| seconds.saturating_mul(1000));
        let expected = Expected {
            auth_req_id: auth_req_id.as_ref().map(|id| id.expose_secret()),
            request_id_claims: rules.request_id_claims,
            issued_after_ms: Some(begun_ms),
            claims: &claims,
            requested_scope: Some(self.asked.scope(rules)),
            subject: asked.subject,
            acr: &asked.acr,
            authenticated_after_ms: max_age_ms.map(|age| begun_ms.saturating_sub(age)),
            delivery: match self.client.delivery_mode {
                DeliveryMode::Push => Delivery::Push,
                DeliveryMode::Poll | DeliveryMode::Ping => Delivery::TokenEndpoint,
            },
            ..self.client.expected()
        };
        verify(response, keys, &expected, self.engine.clock().unix_ms())
    }

    /// What no text may show.
    pub(super) fn secrets(&self) -> Vec<SecretString> {
        let auth_req_id = self.lock().state.auth_req_id().map(SecretString::from);
        let asked = self.asked.secrets().map(SecretString::from);
        asked.chain(self.client.authentication.secrets()).chain(auth_req_id).collect()
    }

    pub(super) fn reader<'a>(&'a self, secrets: &'a dyn Fn() -> Vec<SecretString>) -> Reader<'a> {
        Reader {
            rules: &self.client.provider.rules,
            secrets,
            policy: self.client.response_policy(self.client.id_token_required),
            unix_ms: self.engine.clock().unix_ms(),
        }
    }

    /// The exchange under way has ended: who waits is told, and the next due time is looked for.
    fn exchanged(self: &Arc<Self>, mut inner: MutexGuard<'_, Inner>, hold: ClockHold) {
        inner.in_flight = None;
        inner.exchanges = inner.exchanges.wrapping_add(1);
        inner.changed = true;
        self.unlock(inner);
        self.engine.attend(self.clone(), hold);
    }

    // ---- on any thread ----------------------------------------------------------------------

    /// What is due now; notices an expiry.
    pub(super) fn due(&self, inner: &mut Inner, now: Millis) -> Option<Due> {
        let before = inner.state.has_ended();
        if inner.state.deadline().is_some_and(|at| now >= at)
            && let Some(unsent) = inner.in_flight.take_if(|exchange| exchange.stop())
        {
            unsent.task.abort(); // so no answer is owed to it
        }
        let due = inner.state.due(now, inner.in_flight.is_some());
        if !before && inner.state.has_ended() {
            if let Some(late) = inner.in_flight.take() {
                late.task.abort();
            }
            inner.changed = true;
        }
        due
    }

    /// Begins what is due.
    pub(super) fn begin_due(self: &Arc<Self>, inner: &mut Inner, due: Due) {
        if due == Due::Poll {
            inner.state.polling();
        }
        let (flow, hold) = (self.clone(), self.engine.clock().hold());
        let departure = (due == Due::Poll).then(Arc::<Departure>::default);
        let task = match departure.clone() {
            Some(departure) => self.spawn(move || flow.poll_once(departure, hold)),
            None => self.spawn(async move || {
                flow.try_verify().await;
                flow.exchanged(flow.lock(), hold);
            }),
        };
        inner.in_flight = Some(Box::new(InFlight { task, departure }));
    }

    /// Begins what is due for those who wait, and says when to look again; `None`: nobody waits,
    /// so there is no traffic.
    fn next(self: &Arc<Self>, inner: &mut Inner, now: Millis) -> Option<Millis> {
        let due = self.due(inner, now);
        let cancelling = matches!(inner.cancel(), Some(Cancel::Wanted | Cancel::Sent));
        let driven = inner.is_driven();
        let waits = inner.waiting().is_some_and(|waiting| waiting.callers > 0);
        if (!driven && !waits) || inner.freed || (inner.state.has_ended() && !cancelling) {
            return None;
        }
        if let Some(due) = due.filter(|_| driven) {
            self.begin_due(inner, due);
        }
        let in_flight = inner.in_flight.is_some();
        let next = match driven || in_flight {
            true => inner.state.next_event(in_flight),
            false => Millis::MAX,
        };
        if inner.waiting().is_none() {
            return Some(next);
        }
        let waiting = inner.waiting_mut();
        for (_, hold) in waiting.wake_at.iter_mut().filter(|(at, hold)| *at <= now && hold.is_none()) {
            *hold = self.engine.clock().hold();
            waiting.changed.notify_all();
        }
        let wake = waiting.wake_at.iter().map(|(at, _)| *at).filter(|at| *at > now).min();
        Some(next.min(wake.unwrap_or(Millis::MAX)))
    }

    /// Where the provider's own cancel call is to be sent, if it has one.
    pub(super) fn cancelling(&self, inner: &mut Inner) -> Option<url::Url> {
        let url = inner.state.auth_req_id().map(|id| self.client.provider.cancel_url(id));
        let (cancel, url) = match url.unwrap_or(Ok(None)) {
            Ok(Some(url)) => (Cancel::Sent, Some(url)),
            Ok(None) => (Cancel::Done(Ok(())), None),
            Err(error) => (Cancel::Done(Err(error)), None),
        };
        inner.set_cancel(cancel);
        url
    }

    /// Sends the provider's own cancel call in the background.
    pub(super) fn cancel_at_provider(self: &Arc<Self>, url: url::Url) {
        let (flow, hold) = (self.clone(), self.engine.clock().hold());
        self.spawn(async move || {
            let result = flow.try_cancel(url).await;
            let level = if result.is_ok() { Level::Info } else { Level::Warning };
            flow.event(level, "cancel.answered", || {
                result.as_ref().err().map_or("the provider has cancelled".to_owned(), ToString::to_string)
            });
            let mut inner = flow.lock();
            inner.set_cancel(Cancel::Done(result));
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
                let text = format!(
                    "the provider did not cancel (HTTP {}): the person may be asked until the request expires",
                    answer.status
                );
                Err(Error::new(Status::HTTP_STATUS, text).with_http_status(answer.status))
            }
            Err(failure) => Err(Error::new(failure.status, failure.message)),
        }
    }
}

impl Drop for FlowShared {
    fn drop(&mut self) {
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = inner.notified().map(|notified| *notified.token()) {
            self.forget_notifications(&token);
        }
    }
}

/// A flow is itself and no other.
impl PartialEq for FlowShared {
    fn eq(&self, other: &FlowShared) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for FlowShared {}

impl Hash for FlowShared {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self).hash(state);
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
        inner.exchanges = inner.exchanges.wrapping_add(1);
        if matches!(inner.cancel(), Some(Cancel::Wanted | Cancel::Sent)) {
            inner.set_cancel(Cancel::Done(Err(Status::INTERNAL.into())));
        }
        inner.changed = true;
        self.unlock(inner);
    }

    fn scheduled_at(&self) -> &ScheduledAt {
        &self.scheduled_at
    }
}

/// The log event of an outcome.
fn end_event(outcome: &Outcome) -> (Level, &'static str, String) {
    let (level, name) = match outcome {
        Outcome::Tokens(_) => (Level::Info, "flow.approved"),
        Outcome::Denied(_) => (Level::Info, "flow.denied"),
        Outcome::Expired(_) => (Level::Info, "flow.expired"),
        Outcome::Cancelled => (Level::Info, "flow.cancelled"),
        Outcome::HandedOver => (Level::Info, "flow.handed_over"),
        Outcome::Failed(_) => (Level::Error, "flow.failed"),
        Outcome::Unknown(_) => (Level::Error, "flow.unknown"),
    };
    (level, name, outcome.error().map_or("tokens verified".to_owned(), |error| error.to_string()))
}

#[cfg(test)]
mod tests;
