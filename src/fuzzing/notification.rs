//! Requests to the client's notification endpoint: `method`, `authorization` and `content-type` stand in the
//! head, and the body behind it.

use super::answers::{Arrival, acknowledged, with_reader};
use super::assert_discreet;
use crate::answer::PollAnswer;
use crate::flow::Outcome;
use crate::notification::{NotificationKind, Received};

/// What has the form of a notification names a request; what is pushed brings tokens to be verified, or ends
/// the flow, and never has anybody asked.
pub fn notification(data: &[u8]) -> bool {
    let arrival = Arrival::of(data);
    let read = || {
        Received::read(
            arrival.header("method").unwrap_or("POST"),
            arrival.header("authorization"),
            Some(arrival.header("content-type").unwrap_or("application/json")),
            arrival.body,
        )
    };
    let received = match (read(), read()) {
        (Ok(received), Ok(again)) => {
            assert_eq!((received.kind, received.token), (again.kind, again.token));
            received
        }
        (Err(refusal), Err(again)) => {
            assert_eq!(refusal, again);
            assert!([400, 401, 405, 413, 415].contains(&refusal.http_status));
            return false;
        }
        _ => panic!("read in two ways"),
    };
    assert!(!received.is_for(""), "no identifier");
    if received.kind == NotificationKind::Ping {
        return true;
    }
    let rules = arrival.rules();
    let answer = with_reader(&rules, |reader| reader.pushed(arrival.body));
    let is_tokens = matches!(answer, PollAnswer::Tokens(_));
    assert!(!is_tokens || received.kind == NotificationKind::Tokens, "an error brings no tokens");
    let mut flow = acknowledged();
    flow.await_push();
    assert_eq!(flow.next_poll_at(), None, "nobody is asked");
    flow.pushed(answer, 3_000);
    assert_eq!(flow.unverified().is_some(), is_tokens);
    match flow.outcome() {
        Some(Outcome::Denied(error) | Outcome::Expired(error) | Outcome::Failed(error)) => {
            assert!(!assert_discreet(error));
        }
        Some(_) => panic!("an outcome that nobody told"),
        None => assert!(is_tokens, "a push decides"),
    }
    true
}
