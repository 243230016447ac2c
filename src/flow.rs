//! One authentication, from its start to its outcome, as a state machine without I/O:
//! what happened and when goes in, what is to be done and when comes out.

use std::time::Duration;

use crate::answer::{Acknowledgement, PollAnswer};
use crate::clock::Millis;
use crate::error::{Error, Status};
use crate::tokens::{TokenResponse, Tokens};

use secrecy::{ExposeSecret, SecretString};

/// The least time by which a poll comes later than its interval, and the most. The provider counts
/// from when it saw the last poll, which is later than when it was sent.
const LEAST_SLACK_MS: u64 = 200;
const MOST_SLACK_MS: u64 = 1_000;
/// CIBA Core §11: `slow_down` adds at least 5 s, for this and all later polls.
const SLOW_DOWN_MS: u64 = 5_000;
/// Trouble is never waited out for longer than this at a time, unless the interval is longer.
const MOST_BACK_OFF_MS: u64 = 60_000;
/// A poll that is delayed has so much time, at least, to be sent before the request expires.
const LEAST_TO_SEND_MS: u64 = 1_000;
/// An exchange that is in flight when the request expires may take so much longer.
const GRACE_MS: u64 = 10_000;

/// How a flow ended.
pub enum Outcome {
    Tokens(Tokens),
    Denied(Error),
    Expired(Error),
    Cancelled,
    /// It goes on in another process.
    HandedOver,
    /// For any other reason, which the error says.
    Failed(Error),
    /// An answer that may have carried the tokens was lost.
    Unknown(Error),
}

impl Outcome {
    /// The class of the outcome: `OK`, `DENIED`, `EXPIRED`, `CANCELLED`, `HANDED_OVER`, `FAILED` or
    /// `UNKNOWN`.
    pub fn status(&self) -> Status {
        match self {
            Outcome::Tokens(_) => Status::OK,
            Outcome::Denied(_) => Status::DENIED,
            Outcome::Expired(_) => Status::EXPIRED,
            Outcome::Cancelled => Status::CANCELLED,
            Outcome::HandedOver => Status::HANDED_OVER,
            Outcome::Failed(_) => Status::FAILED,
            Outcome::Unknown(_) => Status::UNKNOWN,
        }
    }

    /// Why there are no tokens.
    pub fn error(&self) -> Option<Error> {
        match self {
            Outcome::Tokens(_) => None,
            Outcome::Cancelled => Some(Status::CANCELLED.into()),
            Outcome::HandedOver => Some(Status::HANDED_OVER.into()),
            Outcome::Denied(e) | Outcome::Expired(e) | Outcome::Failed(e) | Outcome::Unknown(e) => {
                Some(e.clone())
            }
        }
    }
}

/// What a flow that was saved goes on with.
pub struct Resumed {
    pub acknowledged: Acknowledged,
    pub deadline: Millis,
    pub interval: Millis,
    pub next_at: Millis,
    /// Whether polls were made, or may have been, whose answers this process cannot know.
    pub lost: bool,
}

/// What the provider answered to the start, kept once: the identifier stands in it.
pub struct Acknowledged {
    text: SecretString,
    /// Where the identifier begins and ends: in the JSON or, where it is written otherwise there, behind it.
    id: (u32, u32),
}

impl Acknowledged {
    pub fn new(json: &str, auth_req_id: &str) -> Acknowledged {
        let (text, begin) = match json.find(auth_req_id) {
            Some(begin) => (SecretString::from(json), begin),
            None => (SecretString::from([json, auth_req_id].concat()), json.len()),
        };
        // Where no number is large enough, which the limit of answers prevents, the identifier is empty.
        let place = |at: usize| u32::try_from(at).unwrap_or_default();
        Acknowledged { text, id: (place(begin), place(begin + auth_req_id.len())) }
    }

    /// The provider's identifier of the request.
    pub fn auth_req_id(&self) -> &str {
        let (begin, end) = self.id;
        self.text.expose_secret().get(begin as usize..end as usize).unwrap_or_default()
    }

    /// The whole answer, as it came.
    pub fn json(&self) -> &str {
        let text = self.text.expose_secret();
        // JSON ends with a brace.
        let is_behind = self.id.1 as usize == text.len();
        if is_behind { text.get(..self.id.0 as usize).unwrap_or_default() } else { text }
    }
}

enum State {
    /// The authentication request is on its way.
    Starting,
    /// Acknowledged; the person looks at the phone.
    Pending,
    /// Tokens are here and not released: the provider's keys are missing.
    Verifying(TokenResponse),
    Ended(Outcome),
}

/// What has come of the provider's pings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ping {
    None,
    /// One came: the next poll is made because of it.
    Heard,
    /// A poll was made because of one, or must not be: further ones change nothing until the poll after that.
    Spent,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub enum Due {
    Poll,
    Verify,
}

/// One flow.
pub struct FlowState {
    state: State,
    acknowledged: Option<Acknowledged>,
    /// When the provider forgets the request.
    deadline: Millis,
    /// In ms; none is longer than 49 days.
    interval: u32,
    /// When the next poll, or the next try to verify, is due.
    next_at: Millis,
    /// Answers in a row that were trouble.
    troubles: u8,
    ping: Ping,
    /// Whether an answer was lost, or was another process's, that may have carried the tokens.
    lost: bool,
    /// Whether another process may poll too, since the flow was saved.
    shared: bool,
    last_trouble: Option<Error>,
}

impl FlowState {
    /// A flow whose authentication request is about to be sent.
    pub fn starting() -> FlowState {
        FlowState {
            state: State::Starting,
            acknowledged: None,
            deadline: Millis::MAX,
            interval: 0,
            next_at: Millis::MAX,
            troubles: 0,
            ping: Ping::None,
            lost: false,
            shared: false,
            last_trouble: None,
        }
    }

    /// A flow that was saved, in the process that goes on with it.
    pub fn resumed(saved: Resumed) -> FlowState {
        FlowState {
            state: State::Pending,
            acknowledged: Some(saved.acknowledged),
            deadline: saved.deadline,
            interval: bounded(saved.interval),
            next_at: saved.next_at,
            lost: saved.lost,
            ..FlowState::starting()
        }
    }

    /// The provider has acknowledged. Expiry counts from when the request was sent, the
    /// first poll waits one interval from now.
    pub fn acknowledged(&mut self, ack: &Acknowledgement, sent_at: Millis, now: Millis) {
        self.acknowledged =
            Some(Acknowledged::new(ack.json.expose_secret(), ack.auth_req_id.expose_secret()));
        if !matches!(self.state, State::Starting) {
            return;
        }
        self.state = State::Pending;
        self.deadline = sent_at.saturating_add(millis(ack.expires_in));
        self.interval = bounded(millis(ack.interval));
        self.next_at = now.saturating_add(self.interval()).saturating_add(slack(0));
    }

    /// Ends the flow, unless it has ended.
    pub fn end(&mut self, outcome: Outcome) {
        if !self.has_ended() {
            self.state = State::Ended(outcome);
            self.next_at = Millis::MAX;
        }
    }

    /// What is to be done at `now`, if anything. `in_flight`: an exchange is under way, so nothing
    /// else is begun, and an expiry waits for it a little.
    pub fn due(&mut self, now: Millis, in_flight: bool) -> Option<Due> {
        let end = if in_flight { self.deadline.saturating_add(GRACE_MS) } else { self.deadline };
        if now >= end && !self.has_ended() {
            let outcome = match self.state {
                State::Verifying(_) => {
                    Outcome::Failed(self.last_trouble.take().unwrap_or(Status::KEYS_UNAVAILABLE.into()))
                }
                _ if in_flight => Outcome::Unknown(Error::new(
                    Status::UNKNOWN,
                    "the request expired while the provider left a token request unanswered",
                )),
                _ if self.lost => self.unknown(),
                _ => Outcome::Expired(match &self.last_trouble {
                    Some(error) if self.troubles > 0 => {
                        let text =
                            format!("the request expired while the provider could not be asked ({error})");
                        Error::new(Status::EXPIRED, text)
                    }
                    _ => Status::EXPIRED.into(),
                }),
            };
            self.end(outcome);
        }
        if in_flight || now < self.next_at {
            return None;
        }
        match self.state {
            State::Pending => Some(Due::Poll),
            State::Verifying(_) => Some(Due::Verify),
            State::Starting | State::Ended(_) => None,
        }
    }

    /// When [`FlowState::due`] has to be asked again.
    pub fn next_event(&self, in_flight: bool) -> Millis {
        match self.state {
            State::Ended(_) => Millis::MAX,
            _ if in_flight => self.deadline.saturating_add(GRACE_MS),
            // The last poll is the last one that is due before the deadline.
            _ => self.next_at.min(self.deadline),
        }
    }

    /// A token request was answered, or not. `sent_at`: when it was sent.
    pub fn answered(&mut self, answer: PollAnswer, sent_at: Millis, now: Millis) {
        if !matches!(self.state, State::Pending) {
            return;
        }
        let slack = slack(now.saturating_sub(sent_at));
        let mut pause = self.interval();
        // What the provider asks for counts from its answer, everything else from sending.
        let mut at_least = Duration::ZERO;
        let mut troubles = 0;
        match answer {
            PollAnswer::Pending { retry_after } => {
                // Undecided now, so undecided before: the answer that was lost carried nothing.
                self.lost = false;
                at_least = retry_after.unwrap_or_default();
            }
            PollAnswer::SlowDown { at_least: asked } => {
                self.interval = bounded(self.interval().saturating_add(SLOW_DOWN_MS).max(millis(asked)));
                (pause, at_least) = (self.interval(), asked);
            }
            PollAnswer::Trouble { error, retry_after } => {
                troubles = self.troubles.saturating_add(1);
                pause = self.back_off(troubles);
                at_least = retry_after.unwrap_or_default();
                self.last_trouble = Some(error);
            }
            PollAnswer::Lost(error) => {
                troubles = self.troubles.saturating_add(1);
                pause = self.back_off(troubles);
                self.lost = true;
                self.last_trouble = Some(error);
            }
            PollAnswer::LostTokens(error) => {
                self.last_trouble = Some(error);
                let outcome = self.unknown();
                return self.end(outcome);
            }
            PollAnswer::Gone(error) | PollAnswer::Expired(error) if self.lost || self.shared => {
                self.last_trouble.get_or_insert(error);
                let outcome = self.unknown();
                return self.end(outcome);
            }
            PollAnswer::Gone(error) | PollAnswer::Failed(error) => return self.end(Outcome::Failed(error)),
            PollAnswer::Expired(error) => return self.end(Outcome::Expired(error)),
            PollAnswer::Denied(error) => return self.end(Outcome::Denied(error)),
            PollAnswer::Tokens(response) => {
                self.troubles = 0;
                self.state = State::Verifying(response);
                self.next_at = now;
                return;
            }
        }
        self.troubles = troubles;
        let by_interval = sent_at.saturating_add(pause).saturating_add(slack);
        let by_request = now.saturating_add(millis(at_least));
        self.next_at = by_interval.max(by_request);
        if !at_least.is_zero() {
            self.ping = Ping::Spent; // what the provider asks for goes before its pings
        } else if self.ping == Ping::Heard {
            self.next_at = now; // it came while this answer was on its way
        }
    }

    /// A poll is about to be sent.
    pub fn polling(&mut self) {
        self.ping = if self.ping == Ping::Heard { Ping::Spent } else { Ping::None };
    }

    /// The provider says that something was decided (CIBA Core §10.2): the next poll may come at once
    /// though not while another one is under way, and not for a second ping in one interval.
    pub fn pinged(&mut self, now: Millis, in_flight: bool) {
        if !self.is_pending() || self.ping != Ping::None {
            return;
        }
        self.ping = Ping::Heard;
        if !in_flight {
            self.next_at = self.next_at.min(now);
        }
    }

    /// The provider has sent what was decided (CIBA Core §10.3.1, §12).
    pub fn pushed(&mut self, answer: PollAnswer, now: Millis) {
        if !self.is_pending() {
            return;
        }
        match answer {
            PollAnswer::Tokens(response) => {
                self.state = State::Verifying(response);
                self.next_at = now;
            }
            PollAnswer::Denied(error) => self.end(Outcome::Denied(error)),
            PollAnswer::Expired(error) => self.end(Outcome::Expired(error)),
            PollAnswer::Failed(error) => self.end(Outcome::Failed(error)),
            // Nothing else is pushed.
            _ => {}
        }
    }

    /// The outcome is pushed: nobody is ever asked for it.
    pub fn await_push(&mut self) {
        if self.is_pending() {
            self.next_at = Millis::MAX;
        }
    }

    /// The tokens cannot be verified yet: the keys are missing. They stay here, unreleased.
    pub fn keys_missing(&mut self, error: Error, now: Millis) {
        self.troubles = self.troubles.saturating_add(1);
        let pause = self.back_off(self.troubles).max(error.retry_after().map_or(0, millis));
        self.next_at = now.saturating_add(pause);
        self.last_trouble = Some(error);
    }

    /// How long trouble is waited out: the interval, doubled with every trouble in a row.
    fn back_off(&self, troubles: u8) -> u64 {
        let doubled = self.interval().saturating_mul(1 << troubles.saturating_sub(1).min(16));
        doubled.min(MOST_BACK_OFF_MS.max(self.interval()))
    }

    fn unknown(&mut self) -> Outcome {
        let text = match self.last_trouble.take() {
            Some(error) => format!("{} ({error})", Status::UNKNOWN.text()),
            None => Status::UNKNOWN.text().to_owned(),
        };
        Outcome::Unknown(Error::new(Status::UNKNOWN, text))
    }

    /// The next poll comes so many ms later than it could, so that many flows do not ask at once; still before
    /// the deadline, where it was.
    pub fn delay(&mut self, ms: Millis) {
        if self.is_pending() && self.ping != Ping::Heard {
            let latest = self.deadline.saturating_sub(LEAST_TO_SEND_MS);
            self.next_at = self.next_at.saturating_add(ms).min(latest).max(self.next_at);
        }
    }

    /// Another process may poll too: what was saved may be there.
    pub fn share(&mut self) {
        self.shared = true;
    }

    /// The tokens that wait to be verified.
    pub fn unverified(&self) -> Option<TokenResponse> {
        match &self.state {
            State::Verifying(response) => Some(response.clone()),
            _ => None,
        }
    }

    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.state {
            State::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }

    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended(_))
    }

    pub fn is_starting(&self) -> bool {
        matches!(self.state, State::Starting)
    }

    pub fn is_pending(&self) -> bool {
        matches!(self.state, State::Pending)
    }

    /// Whether an answer was lost that may have carried the tokens.
    pub fn has_lost(&self) -> bool {
        self.lost
    }

    /// The provider's whole answer to the start, as it came.
    pub fn acknowledgement(&self) -> Option<&str> {
        self.acknowledged.as_ref().map(Acknowledged::json).filter(|json| !json.is_empty())
    }

    /// The provider's identifier of the request, once it is acknowledged.
    pub fn auth_req_id(&self) -> Option<&str> {
        self.acknowledged.as_ref().map(Acknowledged::auth_req_id)
    }

    /// When the request expires; `None` before the acknowledgement.
    pub fn deadline(&self) -> Option<Millis> {
        Some(self.deadline).filter(|at| *at != Millis::MAX)
    }

    /// When the next poll is due; `None` when there is none.
    pub fn next_poll_at(&self) -> Option<Millis> {
        matches!(self.state, State::Pending).then_some(self.next_at).filter(|at| *at < self.deadline)
    }

    /// When the next poll, or the next try to verify, is due.
    pub fn next_at(&self) -> Millis {
        self.next_at
    }

    /// The interval in force, in ms.
    pub fn interval(&self) -> u64 {
        self.interval.into()
    }

    pub fn last_trouble(&self) -> Option<&Error> {
        self.last_trouble.as_ref()
    }
}

fn slack(exchange_ms: u64) -> u64 {
    if cfg!(feature = "bench-without-interval") {
        0
    } else {
        exchange_ms.clamp(LEAST_SLACK_MS, MOST_SLACK_MS)
    }
}

fn bounded(ms: u64) -> u32 {
    u32::try_from(ms).unwrap_or(u32::MAX)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
