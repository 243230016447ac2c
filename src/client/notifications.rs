//! Notifications and their flows: those of a client in this process by the hashes of their notification
//! tokens, and what a flow does when it hears something.

use std::collections::HashMap;
use std::mem::{discriminant, take};
use std::sync::{Arc, Mutex, Weak};

use secrecy::{ExposeSecret, SecretString};

use super::Client;
use super::flow::FlowShared;
use super::inner::Inner;
use super::pending::lock;
use crate::answer::PollAnswer;
use crate::error::Result;
use crate::flow::{Due, Outcome};
use crate::log::Level;
use crate::notification::{DeliveryMode, Notification, NotificationKind, Received, Refusal, TokenHash};

/// So many notifications that overtake the acknowledgement are kept for each flow, the newest ones: the
/// provider sends one.
const MOST_EARLY: usize = 4;

/// The flows of a client that notifications may come for.
#[derive(Default)]
pub(super) struct Awaiting(Mutex<HashMap<TokenHash, Weak<FlowShared>>>);

impl Awaiting {
    fn insert(&self, token: TokenHash, flow: &Arc<FlowShared>) {
        lock(&self.0).insert(token, Arc::downgrade(flow));
    }

    fn find(&self, token: &TokenHash) -> Option<Arc<FlowShared>> {
        lock(&self.0).get(token)?.upgrade()
    }

    fn forget(&self, token: &TokenHash, flow: &FlowShared) {
        let mut flows = lock(&self.0);
        // A flow that was saved and resumed here meanwhile has the same token.
        if flows.get(token).is_some_and(|known| std::ptr::eq(known.as_ptr(), flow)) {
            flows.remove(token);
        }
    }
}

/// What a notification tells a flow.
enum News {
    /// Something was decided.
    Ping,
    /// What was decided.
    Pushed(PollAnswer),
}

/// What a flow has that notifications may come for.
pub(super) struct Notified {
    token: TokenHash,
    /// What came before the acknowledgement was read, each for a request of this identifier.
    early: Vec<(SecretString, News)>,
}

impl Notified {
    pub fn token(&self) -> &TokenHash {
        &self.token
    }
}

impl FlowShared {
    /// Has notifications with this token find the flow.
    pub(super) fn await_notifications(self: &Arc<Self>, token: TokenHash) -> Result<()> {
        self.lock().set_notified(Notified { token, early: Vec::new() });
        self.client.connection()?.awaiting.insert(token, self);
        Ok(())
    }

    /// The flow ends to exist: no notification finds it any more.
    pub(super) fn forget_notifications(&self, token: &TokenHash) {
        if self.same_process().is_ok()
            && let Ok(connection) = self.client.connection()
        {
            connection.awaiting.forget(token, self);
        }
    }

    /// A notification with this flow's token has come.
    fn notified(self: &Arc<Self>, received: Received, body: &[u8]) -> (Received, Option<Refusal>) {
        let hold = self.engine.clock().hold();
        let news = match received.kind {
            NotificationKind::Ping => News::Ping,
            NotificationKind::Tokens | NotificationKind::Error => {
                let secrets = || [self.secrets(), vec![received.auth_req_id.clone()]].concat();
                News::Pushed(self.reader(&secrets).pushed(body))
            }
        };
        let mut inner = self.lock();
        let now = self.now();
        self.due(&mut inner, now); // an expiry that nobody has noticed yet
        let handed_over = matches!(inner.state.outcome(), Some(Outcome::HandedOver));
        let id = inner.state.auth_req_id().map(SecretString::from);
        let refusal = match () {
            () if inner.freed || handed_over => Some(Refusal::UNKNOWN_FLOW),
            () if id.as_ref().is_some_and(|id| !received.is_for(id.expose_secret())) => {
                Some(Refusal::OTHER_REQUEST)
            }
            () if !self.client.delivery_mode.takes(received.kind) => Some(Refusal::WRONG_MODE),
            () => None,
        };
        if refusal.is_none() {
            match id {
                Some(_) => self.hear(&mut inner, news),
                None if inner.state.is_starting() => inner.remember(received.auth_req_id.clone(), news),
                None => {} // the start has failed
            }
        }
        self.unlock(inner);
        self.engine.attend(self.clone(), hold);
        (received, refusal)
    }

    /// Goes through what came before the acknowledgement, now that this is here.
    pub(super) fn hear_early(self: &Arc<Self>) {
        let mut inner = self.lock();
        let early = inner.take_early();
        if early.is_empty() {
            return;
        }
        let hold = self.engine.clock().hold();
        let is_ours = |(id, _): &(SecretString, News)| inner.state.auth_req_id() == Some(id.expose_secret());
        let (ours, others): (Vec<_>, Vec<_>) = early.into_iter().partition(is_ours);
        ours.into_iter().for_each(|(_, news)| self.hear(&mut inner, news));
        self.unlock(inner);
        for _ in others {
            let text = || Refusal::OTHER_REQUEST.status.text().to_owned();
            self.event(Level::Warning, "notification.refused", text);
        }
        self.engine.attend(self.clone(), hold);
    }

    /// Does what a notification of this request brings about; one that comes late brings about nothing.
    fn hear(self: &Arc<Self>, inner: &mut Inner, news: News) {
        let now = self.now();
        match news {
            News::Ping => inner.state.pinged(now, inner.in_flight.is_some()),
            News::Pushed(answer) => inner.state.pushed(answer, now),
        }
        inner.changed = true;
        // Tokens that came by themselves do not wait for somebody who asks.
        if self.client.delivery_mode == DeliveryMode::Push
            && let Some(due @ Due::Verify) = self.due(inner, now)
        {
            self.begin_due(inner, due);
        }
    }
}

impl Inner {
    /// Keeps what came before the acknowledgement; the same once.
    fn remember(&mut self, id: SecretString, news: News) {
        let Some(notified) = self.notified_mut() else { return };
        let same = |(other, what): &(SecretString, News)| {
            other.expose_secret() == id.expose_secret() && discriminant(what) == discriminant(&news)
        };
        if notified.early.iter().any(same) {
            return;
        }
        if notified.early.len() == MOST_EARLY {
            notified.early.remove(0);
        }
        notified.early.push((id, news));
    }

    fn take_early(&mut self) -> Vec<(SecretString, News)> {
        self.notified_mut().map(|notified| take(&mut notified.early)).unwrap_or_default()
    }
}

impl Client {
    /// Takes a request that has come to the client's notification endpoint (CIBA Core §10.2, §10.3, §12)
    /// from whatever HTTP server received it, and says what to answer: [`Notification::http_status`],
    /// always, whatever else is done.
    ///
    /// `authorization`, `content_type`: the values of these headers, `None` where there is none. `body`:
    /// its bytes; more than 1 MiB are refused.
    ///
    /// A ping has the provider asked at once for a flow that somebody waits for; for any other it is
    /// remembered until somebody does. However many come, at most one of them in an interval does so. One
    /// that overtakes the acknowledgement counts once that is read. What a push brings is verified as if it
    /// had been fetched, and more strictly; the flow then has its outcome.
    ///
    /// It never waits, and makes no request itself. It may be called from any thread.
    ///
    /// Errors: `RESOURCES`. What is wrong with a notification is no error: see [`Notification::status`].
    pub fn deliver_notification(
        &self,
        method: &str,
        authorization: Option<&str>,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<Notification> {
        let client = &self.0;
        let mut correlation = String::new();
        let notification = match Received::read(method, authorization, content_type, body) {
            Err(refusal) => Notification::new(None, Some(refusal)),
            Ok(received) if client.delivery_mode == DeliveryMode::Poll => {
                Notification::new(Some(received), Some(Refusal::WRONG_MODE))
            }
            Ok(received) => match client.connection()?.awaiting.find(&received.token) {
                None => Notification::new(Some(received), Some(Refusal::UNKNOWN_FLOW)),
                Some(flow) => {
                    flow.correlation().clone_into(&mut correlation);
                    let (received, refusal) = flow.notified(received, body);
                    Notification::new(Some(received), refusal)
                }
            },
        };
        let (level, name) = match (notification.status(), notification.kind()) {
            (status, Some(NotificationKind::Ping)) if status.number() == 0 => {
                (Level::Debug, "notification.ping")
            }
            (status, Some(_)) if status.number() == 0 => (Level::Info, "notification.pushed"),
            _ => (Level::Warning, "notification.refused"),
        };
        client.event(level, name, &correlation, || notification.text());
        client.deliver_log();
        Ok(notification)
    }
}
