//! HTTP answers: of the start, and of polls, which drive a flow as they do in the engine. What stands in the
//! head is for [`answer`]; several answers are apart by a line `--`.

use secrecy::{ExposeSecret, SecretString};

use super::{NOW_MS, SECRETS, assert_discreet, head_and_body};
use crate::answer::{Acknowledgement, PollAnswer, Reader};
use crate::error::Status;
use crate::flow::{Due, FlowState, Outcome};
use crate::provider::{Preset, Rules};
use crate::tokens::ResponsePolicy;
use crate::wire::{Answer, Failure};

/// One answer and how it came.
pub(super) struct Arrival<'a> {
    head: Vec<(&'a str, &'a str)>,
    pub body: &'a [u8],
}

impl<'a> Arrival<'a> {
    pub fn of(data: &'a [u8]) -> Arrival<'a> {
        let (head, body) = head_and_body(data);
        Arrival { head, body }
    }

    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.head.iter().find(|(given, _)| *given == name).map(|(_, value)| *value)
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.header(name)?.parse().ok()
    }

    pub fn rules(&self) -> Rules {
        let preset = self.header("provider").and_then(Preset::named);
        preset.map(|preset| (preset.rules)()).unwrap_or_default()
    }

    /// `lost: maybe` and `lost: never` are exchanges that brought no answer.
    fn result(&self, status: u16) -> std::result::Result<Answer, Failure> {
        let text = |name: &str| self.header(name).map(str::to_owned);
        match self.header("lost") {
            Some(lost) => Err(Failure {
                status: Status::CONNECTION_LOST,
                message: "the connection was lost".into(),
                maybe_sent: lost != "never",
                status_seen: self.number("status"),
            }),
            None => Ok(Answer {
                status,
                content_type: text("content-type"),
                retry_after: text("retry-after"),
                cache_control: None,
                challenge: text("www-authenticate"),
                dpop_nonce: text("dpop-nonce").map(Into::into),
                body: self.body.to_vec().into(),
            }),
        }
    }
}

fn secrets() -> Vec<SecretString> {
    SECRETS.map(SecretString::from).into()
}

pub(super) fn with_reader<T>(rules: &Rules, read: impl FnOnce(&Reader<'_>) -> T) -> T {
    read(&Reader { rules, secrets: &secrets, policy: ResponsePolicy::default(), unix_ms: NOW_MS })
}

/// The answer to the authentication request.
pub fn acknowledgement(data: &[u8]) -> bool {
    let arrival = Arrival::of(data);
    let (rules, status) = (arrival.rules(), arrival.number("status").unwrap_or(200));
    with_reader(&rules, |reader| {
        let read = || reader.acknowledgement(arrival.result(status));
        match (read(), read()) {
            (Ok(ack), Ok(again)) => {
                assert_eq!(status, 200, "taken by its status");
                assert_eq!(ack.auth_req_id.expose_secret(), again.auth_req_id.expose_secret());
                assert!((1..=16 * 1024).contains(&ack.auth_req_id.expose_secret().len()));
                starts_a_flow(&ack);
                true
            }
            (Err(error), Err(again)) => {
                assert_eq!(error, again);
                assert_discreet(&error)
            }
            _ => panic!("read in two ways"),
        }
    })
}

/// A flow that is acknowledged at 2 s for a request that was sent at 1 s.
fn starts_a_flow(ack: &Acknowledgement) -> FlowState {
    let mut flow = FlowState::starting();
    flow.acknowledged(ack, 1_000, 2_000);
    let expires_in = flow.deadline().unwrap() - 1_000;
    assert!((1_000..=31 * 24 * 3_600_000).contains(&expires_in));
    assert!((1_000..=24 * 3_600_000).contains(&flow.interval()));
    assert_eq!(flow.next_at(), 2_000 + flow.interval() + 200, "the first poll waits one interval");
    assert_eq!(flow.auth_req_id(), Some(ack.auth_req_id.expose_secret()));
    assert_eq!(flow.acknowledgement(), Some(ack.json.expose_secret()));
    assert!(flow.next_event(false) <= flow.next_at().min(flow.deadline().unwrap()));
    flow
}

/// A flow with an interval of 2 s that lives 15 min.
pub(super) fn acknowledged() -> FlowState {
    let ack = br#"{"auth_req_id":"1c266114-a1be-4252-8ad1-04986c5b9ac1","expires_in":900,"interval":2}"#;
    let ack = with_reader(&Rules::default(), |reader| reader.acknowledgement(Arrival::of(ack).result(200)));
    starts_a_flow(&ack.unwrap())
}

/// The answers to the polls of one flow, one after the other.
pub fn token_answer(data: &[u8]) -> bool {
    let mut flow = acknowledged();
    let mut rest = Some(data);
    while let Some(all) = rest {
        let end = all.windows(4).position(|four| four == b"\n--\n");
        rest = end.map(|end| &all[end + 4..]);
        let arrival = Arrival::of(&all[..end.unwrap_or(all.len())]);
        let sent_at = flow.next_at().min(1_000_000_000);
        polled(&mut flow, &arrival, sent_at);
    }
    flow.unverified().is_some()
}

/// One poll: what its answer may do to a flow. `ping: early` stands for pings while it is under way, `ping: late`
/// for pings after it.
fn polled(flow: &mut FlowState, arrival: &Arrival<'_>, sent_at: u64) {
    let (rules, status) = (arrival.rules(), arrival.number("status").unwrap_or(200));
    let answered_at = sent_at + arrival.number::<u32>("took").map_or(50, u64::from);
    let (ended_before, interval_before) = (flow.has_ended(), flow.interval());
    let (answer, again) = with_reader(&rules, |reader| {
        (reader.poll(arrival.result(status)), reader.poll(arrival.result(status)))
    });
    assert_eq!((answer.event(), answer.text()), (again.event(), again.text()), "read in two ways");
    super::assert_shows_none(&answer.text(), &SECRETS);
    if let PollAnswer::Tokens(_) = answer {
        assert_eq!(status, 200, "tokens by their status");
    }
    let was_pending = flow.is_pending();
    let pings = |flow: &mut FlowState, in_flight| (0..3).for_each(|_| flow.pinged(answered_at, in_flight));
    flow.polling();
    let early = arrival.header("ping") == Some("early");
    if early {
        pings(flow, true);
    }
    flow.answered(answer, sent_at, answered_at);
    assert!(flow.interval() >= interval_before, "nothing lowers the interval");
    if flow.is_pending() && !early {
        assert!(flow.next_at() >= sent_at + flow.interval() + 200, "never faster than the interval");
        if flow.next_poll_at().is_some() {
            assert_eq!(flow.due(flow.next_at(), true), None, "never two at a time");
            assert_eq!(flow.due(flow.next_at() - 1, false), None, "not before it is due");
            assert_eq!(flow.due(flow.next_at(), false), Some(Due::Poll));
        }
    } else if flow.unverified().is_some() && was_pending {
        assert_eq!(flow.next_at(), answered_at, "tokens are verified at once");
    }
    match flow.outcome() {
        Some(Outcome::Tokens(_)) => panic!("tokens that were not verified"),
        Some(outcome) => assert!(!assert_discreet(&outcome.error().unwrap())),
        None => assert!(!ended_before, "an outcome stays"),
    }
    if let Some(error) = flow.last_trouble() {
        assert_discreet(error);
    }
    if arrival.header("ping") == Some("late") {
        let due_before = flow.next_at();
        pings(flow, false);
        assert!(flow.next_at() <= due_before && flow.next_at() >= due_before.min(answered_at));
        // However many come: once that poll was made they change nothing.
        flow.polling();
        let due = flow.next_at();
        pings(flow, false);
        assert!(flow.next_at() == due || due_before == due, "one poll for many pings");
    }
}

/// An answer that does not say success, to whatever was asked. Accepted is one that brings a code.
pub fn error_answer(data: &[u8]) -> bool {
    let arrival = Arrival::of(data);
    let given = arrival.number("status").unwrap_or(400);
    let status = if matches!(given, 200 | 204) { 400 } else { given };
    let rules = arrival.rules();
    with_reader(&rules, |reader| {
        let result = || arrival.result(status);
        let errors = [
            reader.acknowledgement(result()).err(),
            reader.step(result(), ["request_uri", "state"]).err(),
            reader.succeeded(result(), Status::INVALID_CLIENT).err(),
            reader.refreshed(result(), &"refresh-token".into()).err(),
        ];
        let errors = errors.map(|error| error.expect("no success without its status"));
        for error in &errors {
            assert_discreet(error);
        }
        let poll = reader.poll(result());
        let has_tokens = matches!(poll, PollAnswer::Tokens(_) | PollAnswer::LostTokens(_));
        assert!(!has_tokens || arrival.number("status") == Some(200), "{}", poll.event());
        match poll {
            PollAnswer::Trouble { error, .. }
            | PollAnswer::Lost(error)
            | PollAnswer::Gone(error)
            | PollAnswer::Expired(error)
            | PollAnswer::Denied(error)
            | PollAnswer::Failed(error) => assert!(!assert_discreet(&error)),
            _ => {}
        }
        errors.iter().any(|error| error.oauth_error().is_some())
    })
}
