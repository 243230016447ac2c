//! The state machine by itself: what happens when, to the millisecond.

use super::*;
use crate::tokens::ResponsePolicy;

const ID: &str = "1c266114";

fn error(status: Status) -> Error {
    Error::new(status, "as it was told")
}

fn pending() -> PollAnswer {
    PollAnswer::Pending { retry_after: None }
}

fn trouble() -> PollAnswer {
    PollAnswer::Trouble { error: error(Status::HTTP_STATUS), retry_after: None }
}

fn tokens() -> PollAnswer {
    let body = br#"{"access_token":"a","token_type":"Bearer","id_token":"i"}"#;
    PollAnswer::Tokens(TokenResponse::parse(body, &ResponsePolicy::default(), 0).unwrap())
}

fn acknowledgement() -> Acknowledgement {
    Acknowledgement {
        auth_req_id: ID.into(),
        expires_in: Duration::from_secs(120),
        interval: Duration::from_secs(5),
        json: format!(r#"{{"auth_req_id":"{ID}"}}"#).into(),
        binding_message: None,
        authentication_uri: None,
    }
}

/// Acknowledged at 2 s for a request that was sent at 1 s: lives until 121 s, first poll at 7.2 s.
fn acknowledged() -> FlowState {
    let mut flow = FlowState::starting();
    flow.acknowledged(&acknowledgement(), 1_000, 2_000);
    flow
}

/// Polled when it is due, and answered 50 ms later.
fn answer(flow: &mut FlowState, answer: PollAnswer) {
    let at = flow.next_at();
    assert_eq!(flow.due(at, false), Some(Due::Poll));
    flow.polling();
    flow.answered(answer, at, at + 50);
}

fn ended(flow: &FlowState) -> (Status, Status) {
    let outcome = flow.outcome().unwrap();
    (outcome.status(), outcome.error().unwrap().status())
}

#[test]
fn a_start_has_nothing_due_and_no_deadline() {
    let mut flow = FlowState::starting();
    assert_eq!((flow.due(u64::MAX - 1, false), flow.next_event(false)), (None, Millis::MAX));
    assert_eq!((flow.deadline(), flow.next_poll_at(), flow.auth_req_id()), (None, None, None));
    assert!(
        flow.is_starting() && !flow.is_pending() && !flow.has_ended() && flow.acknowledgement().is_none()
    );
}

#[test]
fn a_poll_is_due_one_interval_after_the_acknowledgement_and_expiry_counts_from_sending_r32_r45() {
    let mut flow = acknowledged();
    assert_eq!((flow.deadline(), flow.interval(), flow.next_poll_at()), (Some(121_000), 5_000, Some(7_200)));
    assert_eq!((flow.due(7_199, false), flow.due(7_200, false)), (None, Some(Due::Poll)));
    assert_eq!(flow.due(7_200, true), None, "one at a time");
    assert!(!flow.is_starting() && flow.is_pending());
    assert_eq!(
        (flow.auth_req_id(), flow.acknowledgement()),
        (Some(ID), Some(r#"{"auth_req_id":"1c266114"}"#))
    );
}

#[test]
fn it_is_looked_at_again_when_the_next_poll_is_due_or_at_the_deadline() {
    let mut flow = acknowledged();
    assert_eq!((flow.next_event(false), flow.next_event(true)), (7_200, 131_000));
    flow.delay(1_000);
    assert_eq!((flow.next_event(false), flow.next_poll_at()), (8_200, Some(8_200)));
    let after = |ms| PollAnswer::Pending { retry_after: Some(Duration::from_millis(ms)) };
    for (retry_after, next) in [(112_749, Some(120_999)), (112_750, None), (500_000, None)] {
        let mut flow = acknowledged();
        flow.delay(1_000);
        answer(&mut flow, after(retry_after));
        let event = next.unwrap_or(121_000);
        assert_eq!(
            (flow.next_event(false), flow.next_poll_at()),
            (event, next),
            "none at the deadline itself"
        );
    }
    flow.end(Outcome::Cancelled);
    assert_eq!(
        (flow.next_event(false), flow.next_event(true), flow.next_at()),
        (Millis::MAX, Millis::MAX, Millis::MAX)
    );
    flow.delay(1);
    assert_eq!(flow.next_at(), Millis::MAX);
}

#[test]
fn a_delay_takes_no_flow_its_last_poll_r49() {
    let mut flow = acknowledged();
    for (delay, next) in [(112_799, 119_999), (1, 120_000), (1, 120_000), (u64::MAX, 120_000)] {
        flow.delay(delay);
        assert_eq!(flow.next_poll_at(), Some(next), "a second is left to send it");
    }
    let mut flow = acknowledged();
    answer(&mut flow, PollAnswer::Pending { retry_after: Some(Duration::from_millis(113_500)) });
    for delay in [0, 1, 1_000] {
        let before = flow.next_poll_at();
        flow.delay(delay);
        assert_eq!((flow.next_poll_at(), before), (Some(120_750), before), "nor makes it come sooner");
    }
}

#[test]
fn it_expires_at_the_deadline_and_an_exchange_under_way_has_ten_seconds_more_r49() {
    let mut flow = acknowledged();
    flow.due(120_999, false);
    assert!(!flow.has_ended());
    assert_eq!(flow.due(121_000, false), None);
    assert_eq!(ended(&flow), (Status::EXPIRED, Status::EXPIRED));

    let mut flow = acknowledged();
    flow.due(130_999, true);
    assert!(!flow.has_ended());
    flow.due(131_000, true);
    assert_eq!(ended(&flow), (Status::UNKNOWN, Status::UNKNOWN), "it may have brought the tokens");
}

#[test]
fn an_expiry_blames_the_network_only_where_nobody_could_be_asked_r49() {
    let text = |answers: Vec<PollAnswer>| {
        let mut flow = acknowledged();
        answers.into_iter().for_each(|told| answer(&mut flow, told));
        flow.due(121_000, false);
        (ended(&flow).0, flow.outcome().and_then(|outcome| outcome.error()).unwrap().message().to_owned())
    };
    let plain = (Status::EXPIRED, Status::EXPIRED.text().to_owned());
    assert_eq!(text(vec![]), plain);
    assert_eq!(text(vec![pending()]), plain);
    assert_eq!(text(vec![trouble(), pending()]), plain, "that trouble was over");
    let (status, blamed) = text(vec![pending(), trouble()]);
    assert!(status == Status::EXPIRED && blamed.contains("could not be asked (as it was told)"), "{blamed}");
    let (status, lost) = text(vec![PollAnswer::Lost(error(Status::CONNECTION_LOST))]);
    assert!(status == Status::UNKNOWN && lost.ends_with("(as it was told)"), "{lost}");
    assert_eq!(
        text(vec![PollAnswer::Lost(error(Status::CONNECTION_LOST)), pending()]),
        plain,
        "undecided then"
    );
}

#[test]
fn keys_that_are_missing_at_the_deadline_fail_the_flow_r63() {
    let with_keys_missing = |told: Option<Error>| {
        let mut flow = acknowledged();
        answer(&mut flow, tokens());
        assert_eq!((flow.next_at(), flow.due(7_250, false)), (7_250, Some(Due::Verify)), "at once");
        assert!(flow.unverified().is_some() && !flow.is_pending() && flow.next_poll_at().is_none());
        if let Some(told) = told {
            flow.keys_missing(told, 8_000);
            assert_eq!((flow.due(12_999, false), flow.due(13_000, false)), (None, Some(Due::Verify)));
        }
        flow.due(121_000, false);
        ended(&flow)
    };
    assert_eq!(with_keys_missing(None), (Status::FAILED, Status::KEYS_UNAVAILABLE));
    let told = error(Status::CONNECT_FAILED);
    assert_eq!(with_keys_missing(Some(told)), (Status::FAILED, Status::CONNECT_FAILED));
}

#[test]
fn keys_that_are_missing_are_waited_for_as_long_as_their_server_asks_r63() {
    let mut flow = acknowledged();
    answer(&mut flow, tokens());
    flow.keys_missing(error(Status::HTTP_STATUS).with_retry_after(Some(Duration::from_secs(30))), 8_000);
    assert_eq!(
        (flow.next_event(false), flow.last_trouble().map(Error::status)),
        (38_000, Some(Status::HTTP_STATUS))
    );
}

#[test]
fn the_next_poll_is_one_interval_and_a_slack_after_the_last_was_sent_r41() {
    for (took, next) in [(0, 12_400), (200, 12_400), (201, 12_401), (1_000, 13_200), (30_000, 37_200)] {
        let mut flow = acknowledged();
        flow.answered(pending(), 7_200, 7_200 + took);
        assert_eq!(flow.next_at(), next, "{took}");
    }
}

#[test]
fn slow_down_adds_five_seconds_or_what_is_asked_for_r46() {
    for (asked, interval, next) in
        [(0, 10_000, 17_400), (10, 10_000, 17_400), (11, 11_000, 18_400), (60, 60_000, 67_400)]
    {
        let mut flow = acknowledged();
        answer(&mut flow, PollAnswer::SlowDown { at_least: Duration::from_secs(asked) });
        assert_eq!((flow.interval(), flow.next_at()), (interval, next), "{asked}");
        answer(&mut flow, pending());
        assert_eq!(flow.interval(), interval, "for all later ones too");
    }
}

#[test]
fn trouble_is_waited_out_for_twice_as_long_each_time_up_to_a_minute_r48() {
    let mut flow = acknowledged();
    flow.deadline = 10_000_000;
    for pause in [5_000, 10_000, 20_000, 40_000, 60_000, 60_000] {
        let at = flow.next_at();
        answer(&mut flow, trouble());
        assert_eq!(flow.next_at(), at + pause + 200);
    }
    let at = flow.next_at();
    answer(&mut flow, pending());
    assert_eq!(flow.next_at(), at + 5_200, "what is over is forgotten");
    answer(&mut flow, PollAnswer::SlowDown { at_least: Duration::from_secs(90) });
    let at = flow.next_at();
    answer(&mut flow, PollAnswer::Lost(error(Status::CONNECTION_LOST)));
    answer(&mut flow, trouble());
    assert_eq!(flow.next_at(), at + 2 * 90_200, "an interval that is longer is waited for once");
}

#[test]
fn each_answer_has_its_outcome_and_the_first_one_stays_r47_r50() {
    type Rows<'a> = &'a [(fn(Error) -> PollAnswer, Status, Status)];
    let rows: Rows<'_> = &[
        (PollAnswer::Denied, Status::DENIED, Status::DENIED),
        (PollAnswer::Failed, Status::FAILED, Status::FAILED),
        (PollAnswer::Gone, Status::FAILED, Status::UNKNOWN),
        (PollAnswer::Expired, Status::EXPIRED, Status::UNKNOWN),
        (PollAnswer::LostTokens, Status::UNKNOWN, Status::UNKNOWN),
    ];
    for (told, outcome, after_a_loss) in rows {
        let told = || told(error(Status::PROVIDER_ERROR));
        let mut flow = acknowledged();
        answer(&mut flow, told());
        assert_eq!(ended(&flow).0, *outcome);
        flow.answered(pending(), 8_000, 8_050);
        flow.end(Outcome::Cancelled);
        assert_eq!((ended(&flow).0, flow.has_ended()), (*outcome, true));

        let mut lost = acknowledged();
        answer(&mut lost, PollAnswer::Lost(error(Status::CONNECTION_LOST)));
        assert!(lost.has_lost() && !flow.has_lost());
        answer(&mut lost, told());
        assert_eq!(ended(&lost).0, *after_a_loss);

        // Another process may have had the tokens.
        let mut shared = acknowledged();
        shared.share();
        answer(&mut shared, told());
        assert_eq!(ended(&shared).0, *after_a_loss);
    }
}

#[test]
fn what_is_resumed_goes_on_as_it_was() {
    let resumed = |lost| Resumed {
        acknowledged: Acknowledged::new("", ID),
        deadline: 50_000,
        interval: 7_000,
        next_at: 9_000,
        lost,
    };
    for lost in [false, true] {
        let mut flow = FlowState::resumed(resumed(lost));
        assert!(flow.is_pending() && flow.has_lost() == lost);
        assert_eq!((flow.auth_req_id(), flow.acknowledgement()), (Some(ID), None));
        assert_eq!(
            (flow.deadline(), flow.interval(), flow.next_poll_at()),
            (Some(50_000), 7_000, Some(9_000))
        );
        answer(&mut flow, PollAnswer::Gone(error(Status::INVALID_GRANT)));
        assert_eq!(ended(&flow).0, if lost { Status::UNKNOWN } else { Status::FAILED });
    }
    let endless = FlowState::resumed(Resumed { interval: u64::MAX, ..resumed(false) });
    assert_eq!(endless.interval(), u64::from(u32::MAX));
}

#[test]
fn an_acknowledgement_is_kept_once_wherever_its_identifier_stands() {
    let written_otherwise = r#"{"auth_req_id":"\u0061b"}"#;
    for json in [r#"{"auth_req_id":"ab"}"#, written_otherwise, ""] {
        let kept = Acknowledged::new(json, "ab");
        assert_eq!((kept.auth_req_id(), kept.json()), ("ab", json));
    }
}

#[test]
fn what_comes_after_the_end_of_a_start_is_kept_and_starts_nothing() {
    let mut flow = FlowState::starting();
    flow.end(Outcome::Cancelled);
    flow.acknowledged(&acknowledgement(), 0, 0);
    assert_eq!(flow.due(7_200, false), None);
    assert_eq!(flow.auth_req_id(), Some(ID), "for the cancel call");
    assert_eq!(ended(&flow), (Status::CANCELLED, Status::CANCELLED));
}

#[test]
fn a_ping_has_it_asked_at_once_and_many_have_it_asked_once_r52_r75() {
    let mut flow = acknowledged();
    flow.pinged(3_000, false);
    assert_eq!((flow.next_event(false), flow.due(3_000, false)), (3_000, Some(Due::Poll)));
    flow.polling();
    flow.pinged(3_010, true);
    flow.answered(pending(), 3_000, 3_050);
    for now in [3_060, 4_000] {
        flow.pinged(now, false);
        assert_eq!(flow.next_at(), 8_200, "one for the interval");
    }
    answer(&mut flow, pending());
    flow.pinged(9_000, false);
    assert_eq!(flow.next_at(), 9_000, "the next interval's");
}

#[test]
fn a_ping_is_never_later_than_the_poll_that_was_due_and_asks_nothing_of_what_has_ended_r52() {
    let mut flow = acknowledged();
    flow.pinged(100_000, false);
    assert_eq!(flow.next_at(), 7_200);
    let mut flow = acknowledged();
    flow.end(Outcome::Cancelled);
    flow.pinged(3_000, false);
    assert_eq!(flow.next_at(), Millis::MAX);
}

#[test]
fn a_ping_while_it_is_asked_has_it_asked_again_unless_the_provider_asks_for_time_r44_r75() {
    for (told, next) in [
        (pending(), 7_250),
        (trouble(), 7_250),
        (PollAnswer::Pending { retry_after: Some(Duration::from_secs(60)) }, 67_250),
    ] {
        let mut flow = acknowledged();
        flow.polling();
        flow.pinged(7_220, true);
        flow.answered(told, 7_200, 7_250);
        assert_eq!(flow.next_at(), next);
        flow.pinged(7_300, false);
        assert_eq!(flow.next_at(), next, "once");
    }
}

#[test]
fn what_is_pushed_decides_and_nobody_is_asked_r53_r78_r79() {
    type Rows<'a> = &'a [(fn(Error) -> PollAnswer, Status)];
    let rows: Rows<'_> = &[
        (PollAnswer::Denied, Status::DENIED),
        (PollAnswer::Expired, Status::EXPIRED),
        (PollAnswer::Failed, Status::FAILED),
    ];
    let awaiting = || {
        let mut flow = acknowledged();
        flow.await_push();
        assert_eq!(
            (flow.next_poll_at(), flow.next_event(false), flow.due(120_999, false)),
            (None, 121_000, None)
        );
        flow
    };
    for (told, outcome) in rows {
        let mut flow = awaiting();
        flow.pushed(told(error(Status::PROVIDER_ERROR)), 3_000);
        assert_eq!(ended(&flow), (*outcome, Status::PROVIDER_ERROR));
        flow.pushed(tokens(), 3_001);
        assert!(flow.unverified().is_none(), "an outcome stays");
    }
    let mut flow = awaiting();
    flow.pushed(pending(), 3_000);
    assert!(flow.is_pending(), "nothing else is pushed");
    flow.pushed(tokens(), 3_000);
    assert_eq!((flow.unverified().is_some(), flow.due(3_000, false)), (true, Some(Due::Verify)));
    flow.await_push();
    assert_eq!(flow.next_at(), 3_000);
}

#[test]
fn polls_are_spread_and_nothing_else_is() {
    let mut flow = acknowledged();
    flow.pinged(3_000, false);
    flow.delay(500);
    assert_eq!(flow.next_at(), 3_000, "what a ping brings about is not delayed");
    answer(&mut flow, tokens());
    flow.delay(500);
    assert_eq!(flow.next_at(), 3_050, "nor is a verification");
}
