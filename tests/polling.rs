//! When a provider is asked, and by whom: intervals, `slow_down`, callers that wait, step or look in.

mod common;

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use ciba::{Flow, Status};
use ciba_sim::{Answer, Fault, Kind};
use common::{Pair, STARTED, error, eventually};

const PENDING: &str = "authorization_pending";

/// A flow at the generic provider that goes as the phrase says, and its answers to token requests.
fn flow_with(phrase: &str, answers: impl IntoIterator<Item = Fault>) -> (Pair, Flow) {
    let pair = Pair::generic();
    answers.into_iter().for_each(|answer| pair.provider.next(Kind::Poll, answer));
    let flow = pair.flow_that(phrase);
    pair.await_answers(STARTED.len());
    (pair, flow)
}

/// An error answer with a header.
fn error_with(status: u16, body: &str, header: (&str, &str)) -> Fault {
    Fault::Answer(Answer::json(status, body).header(header.0, header.1))
}

fn seconds(s: u64) -> Option<Duration> {
    Some(Duration::from_secs(s))
}

#[test]
fn the_first_poll_waits_one_interval_and_no_sensible_interval_means_five_r33_r45() {
    for (interval, first) in [
        ("", 5_200),
        (r#","interval":7"#, 7_200),
        (r#","interval":"7""#, 7_200),
        (r#","interval":1"#, 1_200),
        (r#","interval":0"#, 5_200),
        (r#","interval":-1"#, 5_200),
        (r#","interval":1e400"#, 5_200),
        (r#","interval":"soon""#, 5_200),
        (r#","interval":"-7""#, 5_200),
        (r#","interval":null"#, 5_200),
        (r#","interval":[7]"#, 5_200),
        (r#","interval":true"#, 5_200),
    ] {
        let pair = Pair::generic();
        let answer = format!(r#"{{"auth_req_id":"of-nobody","expires_in":300{interval}}}"#);
        pair.provider.next(Kind::Start, Fault::Raw(answer.into()));
        let flow = pair.flow();
        assert_eq!(Pair::outcome(&flow), Status::INVALID_GRANT, "{interval}");
        let poll = format!("{first} POST /token -> 400 invalid_grant");
        let ack = "0 POST /bc-authorize -> 200 (raw)";
        pair.assert_requests_then_silence(&flow, &[STARTED[0], ack, STARTED[2], &poll]);
    }
}

#[test]
fn an_interval_longer_than_the_request_lives_means_no_poll_at_all_r41_r49() {
    for interval in ["300", "2147483648", "9007199254740992", "9223372036854775807", "1e300"] {
        let pair = Pair::generic();
        let answer = format!(r#"{{"auth_req_id":"of-nobody","expires_in":300,"interval":{interval}}}"#);
        pair.provider.next(Kind::Start, Fault::Raw(answer.into()));
        let flow = pair.flow();
        assert_eq!(flow.next_poll_at(), None, "{interval}");
        assert_eq!(Pair::outcome(&flow), Status::EXPIRED, "{interval}");
        assert_eq!(pair.time.now_ms(), 300_000);
        let ack = "0 POST /bc-authorize -> 200 (raw)";
        pair.assert_requests_then_silence(&flow, &[STARTED[0], ack, STARTED[2]]);
    }
}

#[test]
fn the_interval_counts_from_sending_with_a_slack_of_the_exchange_from_200_to_1000_ms_r41_r42() {
    for (held, second) in [
        (0, 10_400), // 5200 + 5000 + 200
        (50, 10_400),
        (600, 10_800),
        (1_000, 11_200),
        (4_000, 11_200),
        (5_999, 11_200),
        (8_000, 13_200),  // the interval is over before the answer comes: at once
        (30_000, 35_200), // a long poll
    ] {
        let (pair, flow) = flow_with("approve after 6 s", [Fault::ProcessThenHold(held)]);
        assert_eq!(Pair::outcome(&flow), Status::OK, "{held}");
        let second = format!("{second} 200 tokens");
        pair.assert_polls_then_silence(&flow, &[&format!("5200 400 {PENDING}"), &second]);
    }
}

#[test]
fn several_waiters_share_one_exchange_and_its_outcome_r42() {
    let (pair, flow) = flow_with("approve after 20 s", [Fault::Hold(30_000)]);
    let stop = pair.stop_the_clock();
    let together = Barrier::new(4);
    thread::scope(|scope| {
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    together.wait();
                    flow.poll(None).unwrap().unwrap().claim_text("sub").map(|sub| sub.into_owned())
                })
            })
            .collect();
        together.wait();
        eventually("a waiter", || pair.time.sleepers().0 > 0);
        pair.time.advance(5_200);
        eventually("a held poll", || pair.provider.lines().len() == 4);
        // While it is held open the interval goes by several times, and others ask.
        for _ in 0..3 {
            pair.time.advance(6_000);
            assert!(flow.poll(Some(Duration::ZERO)).unwrap().is_none());
            assert!(flow.step(Some(Duration::ZERO)).unwrap().is_none());
            pair.settle();
        }
        assert_eq!(pair.provider.lines().len(), 4, "one exchange in flight");
        drop(stop);
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap().as_deref(), Some("alice"));
        }
    });
    pair.assert_polls_then_silence(&flow, &["5200 200 tokens"]);
}

#[test]
fn slow_down_adds_five_seconds_each_time_for_all_later_polls_r46() {
    let slow = || error(400, "slow_down");
    let (pair, flow) = flow_with("approve after 40 s", [slow(), slow()]);
    assert_eq!(Pair::outcome(&flow), Status::OK);
    assert_eq!(flow.interval(), seconds(15));
    pair.assert_polls_then_silence(
        &flow,
        &["5200 400 (answer)", "15400 400 (answer)", &format!("30600 400 {PENDING}"), "45800 200 tokens"],
    );
}

#[test]
fn slow_down_with_retry_after_or_an_interval_raises_further_and_nothing_lowers_r46() {
    let slow = r#"{"error":"slow_down"}"#;
    for (name, answer, interval, second) in [
        ("Retry-After", error_with(400, slow, ("retry-after", "30")), 30, 35_400),
        ("as Auth0 does", error_with(429, slow, ("retry-after", "30")), 30, 35_400),
        ("a shorter Retry-After", error_with(400, slow, ("retry-after", "2")), 10, 15_400),
        ("an absurd one", error_with(400, slow, ("retry-after", "-7")), 10, 15_400),
        ("interval", error_with(400, r#"{"error":"slow_down","interval":20}"#, ("x", "y")), 20, 25_400),
        ("interval", error_with(400, r#"{"error":"slow_down","interval":"20"}"#, ("x", "y")), 20, 25_400),
        ("a lower one", error_with(400, r#"{"error":"slow_down","interval":1}"#, ("x", "y")), 10, 15_400),
    ] {
        let pending = Answer::json(400, r#"{"error":"authorization_pending","interval":1}"#);
        let (pair, flow) = flow_with("approve after 6 s", [answer, Fault::Answer(pending)]);
        assert_eq!(Pair::outcome(&flow), Status::OK, "{name}");
        assert_eq!(flow.interval(), seconds(interval), "{name}");
        let status = if name == "as Auth0 does" { 429 } else { 400 };
        pair.assert_polls_then_silence(
            &flow,
            &[
                &format!("5200 {status} (answer)"),
                &format!("{second} 400 (answer)"),
                &format!("{} 200 tokens", second + interval * 1000 + 200),
            ],
        );
    }
}

#[test]
fn a_provider_that_really_slows_down_is_asked_at_its_pace_r46() {
    let pair = Pair::generic(); // wants 5 s between polls, but says 3
    pair.provider.next(Kind::Start, Fault::Patch(serde_json::json!({ "interval": 3 })));
    let flow = pair.flow_that("approve after 20 s");
    assert_eq!(Pair::outcome(&flow), Status::OK);
    pair.assert_polls_then_silence(
        &flow,
        &[
            &format!("3200 400 {PENDING}"),
            "6400 400 slow_down",
            &format!("14600 400 {PENDING}"), // 6400 + (3 + 5) s
            "22800 200 tokens",
        ],
    );
}

#[test]
fn retry_after_is_waited_for_in_seconds_and_as_a_date_r44() {
    let date = |ms: u64| {
        let unix = Duration::from_millis(1_750_000_000_000 + ms);
        httpdate::fmt_http_date(std::time::UNIX_EPOCH + unix)
    };
    let pending = r#"{"error":"authorization_pending"}"#;
    for (status, body, retry_after, second) in [
        (503, "", "20", 25_200),
        (503, r#"{"error":"server_error"}"#, "20", 25_200),
        (503, "", &date(25_000), 25_000),
        (503, "", &date(1_000), 10_400),
        (503, "", "1", 10_400),
        (429, "", "20", 25_200),
        (429, r#"{"error":"too_many_requests"}"#, "20", 25_200),
        (408, "", "20", 25_200),
        (500, "<html>", "20", 25_200),
        (400, pending, "20", 25_200),
        (503, "", "soon", 10_400),
        (503, "", "99999999999999999999999", 10_400), // no number that anybody could mean
    ] {
        let answer = error_with(status, body, ("retry-after", retry_after));
        let (pair, flow) = flow_with("approve after 6 s", [answer]);
        assert_eq!(Pair::outcome(&flow), Status::OK, "{status} {retry_after}");
        let polls = [format!("5200 {status} (answer)"), format!("{second} 200 tokens")];
        pair.assert_polls_then_silence(&flow, &polls.each_ref().map(String::as_str));
    }
}

#[test]
fn retry_after_counts_from_the_answer_not_from_the_request_r44() {
    for (status, body, second) in
        [(503, "", 35_200), (400, r#"{"error":"slow_down"}"#, 35_200), (429, "", 35_200)]
    {
        let answer = error_with(status, body, ("retry-after", "20"));
        let (pair, flow) = flow_with("approve after 6 s", [Fault::HoldThen(10_000, Box::new(answer))]);
        assert_eq!(Pair::outcome(&flow), Status::OK, "{status}");
        let polls = [format!("5200 {status} (answer)"), format!("{second} 200 tokens")];
        pair.assert_polls_then_silence(&flow, &polls.each_ref().map(String::as_str));
    }
}

#[test]
fn a_retry_after_beyond_the_deadline_ends_in_expiry_without_another_poll_r44_r49() {
    for after in ["400", "18446744073709551615"] {
        let answer = error_with(503, "", ("retry-after", after));
        let (pair, flow) = flow_with("approve after 6 s", [answer]);
        assert_eq!(Pair::outcome(&flow), Status::EXPIRED, "{after}");
        assert_eq!(pair.time.now_ms(), 300_000);
        pair.assert_polls_then_silence(&flow, &["5200 503 (answer)"]);
    }
}

#[test]
fn trouble_without_retry_after_is_waited_out_with_a_back_off_that_success_ends_r48() {
    let trouble = || error(503, "server_error");
    let answers = (0..6).map(|_| trouble()).chain([error(400, PENDING), trouble()]);
    let (pair, flow) = flow_with("approve after 6 s", answers);
    assert_eq!(Pair::outcome(&flow), Status::OK);
    pair.assert_polls_then_silence(
        &flow,
        &[
            "5200 503 (answer)",
            "10400 503 (answer)",  // 5 s
            "20600 503 (answer)",  // 10 s
            "40800 503 (answer)",  // 20 s
            "81000 503 (answer)",  // 40 s
            "141200 503 (answer)", // 60 s and never more
            "201400 400 (answer)",
            "206600 503 (answer)", // from the beginning
            "211800 200 tokens",
        ],
    );
}

#[test]
fn a_provider_that_says_pending_for_ever_is_asked_no_more_after_the_deadline_r49() {
    let pair = Pair::generic();
    pair.provider.always(Kind::Poll, error(400, PENDING));
    let flow = pair.client().init(&pair.request_with(&[("requested_expiry", "12")]), None).unwrap();
    let error = flow.poll(None).unwrap_err();
    assert_eq!((error.status(), error.oauth_error()), (Status::EXPIRED, None));
    assert_eq!(flow.outcome(), Status::EXPIRED);
    assert_eq!(pair.time.now_ms(), 12_000);
    pair.assert_polls_then_silence(&flow, &["5200 400 (answer)", "10400 400 (answer)"]);
}

#[test]
fn an_exchange_in_flight_at_the_deadline_may_finish_within_ten_seconds_r49() {
    for (held, outcome) in [(9_000, Status::OK), (11_500, Status::OK), (12_000, Status::UNKNOWN)] {
        let pair = Pair::generic();
        pair.provider.next(Kind::Poll, Fault::Pass);
        pair.provider.next(Kind::Poll, Fault::ProcessThenHold(held));
        let parameters = [("requested_expiry", "12"), ("binding_message", "approve after 8 s")];
        let flow = pair.client().init(&pair.request_with(&parameters), None).unwrap();
        assert_eq!(Pair::outcome(&flow), outcome, "{held}");
        let (last, at) = match outcome {
            Status::OK => ("10400 200 tokens", 10_400 + held),
            _ => ("10400 (gone)", 22_000), // an answer was under way: nobody knows which
        };
        assert_eq!(pair.time.now_ms(), at);
        eventually("the provider notices", || !pair.provider.lines().concat().contains("(open)"));
        pair.assert_polls_then_silence(&flow, &[&format!("5200 400 {PENDING}"), last]);
    }
}

#[test]
fn a_flow_that_nobody_waits_for_causes_no_traffic_and_expires_by_itself() {
    let (pair, flow) = flow_with("approve after 1 s", []);
    for _ in 0..5 {
        pair.time.advance(50_000);
        pair.settle();
        assert_eq!(flow.outcome(), Status::PENDING);
    }
    assert_eq!(pair.provider.lines(), STARTED);
    pair.time.advance(50_000);
    assert_eq!(flow.outcome(), Status::EXPIRED, "noticed without a poll");
    pair.assert_polls_then_silence(&flow, &[]);

    // Whoever comes late finds the poll due at once.
    let (pair, flow) = flow_with("approve after 1 s", []);
    pair.time.advance(200_000);
    assert_eq!(Pair::outcome(&flow), Status::OK);
    pair.assert_polls_then_silence(&flow, &["200000 200 tokens"]);
}

#[test]
fn a_waiter_that_leaves_stops_the_polling() {
    let (pair, flow) = flow_with("never", []);
    assert!(flow.poll(seconds(12)).unwrap().is_none());
    assert_eq!(pair.time.now_ms(), 12_000);
    for _ in 0..3 {
        pair.time.advance(10_000);
        pair.settle();
    }
    let polls =
        ["5200 POST /token -> 400 authorization_pending", "10400 POST /token -> 400 authorization_pending"];
    assert_eq!(pair.provider.lines()[3..], polls);
}

#[test]
fn an_answer_that_comes_after_the_caller_has_left_is_collected_by_the_next_call() {
    let (pair, flow) = flow_with("approve after 20 s", [Fault::Hold(30_000)]);
    assert!(flow.poll(seconds(6)).unwrap().is_none(), "sent at 5200, held until 35200");
    assert!(flow.poll(Some(Duration::ZERO)).unwrap().is_none());
    assert!(flow.poll(seconds(10)).unwrap().is_none());
    assert_eq!(pair.time.now_ms(), 16_000);
    assert!(flow.poll(seconds(60)).unwrap().is_some());
    pair.assert_polls_then_silence(&flow, &["5200 200 tokens"]);

    // With a timeout of zero the due poll is sent, and nobody has to wait for it.
    let (pair, flow) = flow_with("approve after 1 s", []);
    assert!(flow.poll(Some(Duration::ZERO)).unwrap().is_none());
    pair.time.advance(5_200);
    assert!(flow.poll(Some(Duration::ZERO)).unwrap().is_none());
    eventually("tokens", || flow.outcome() == Status::OK);
    assert!(flow.poll(Some(Duration::ZERO)).unwrap().is_some());
    pair.assert_polls_then_silence(&flow, &["5200 200 tokens"]);
}

#[test]
fn a_step_makes_the_one_exchange_that_is_due_and_never_sleeps_towards_one() {
    let (pair, flow) = flow_with("approve after 6 s", []);
    for _ in 0..3 {
        assert!(flow.step(None).unwrap().is_none());
    }
    assert_eq!((pair.time.now_ms(), pair.provider.lines().len()), (0, 3), "nothing is due");
    pair.time.advance(5_200);
    assert!(flow.step(None).unwrap().is_none());
    assert!(flow.step(None).unwrap().is_none());
    assert_eq!((pair.time.now_ms(), pair.provider.lines().len()), (5_200, 4), "one exchange");
    assert_eq!(flow.next_poll_at(), Some(1_750_000_010_400));
    pair.time.advance(5_200);
    assert!(flow.step(None).unwrap().is_some());
    pair.assert_polls_then_silence(&flow, &[&format!("5200 400 {PENDING}"), "10400 200 tokens"]);
}

#[test]
fn a_step_outlives_its_callers_timeout_and_joins_an_exchange_under_way() {
    let (pair, flow) = flow_with("approve after 20 s", [Fault::Hold(30_000)]);
    pair.time.advance(5_200);
    assert!(flow.step(seconds(3)).unwrap().is_none());
    assert_eq!(pair.time.now_ms(), 8_200);
    assert!(flow.step(None).unwrap().is_some(), "the answer to the request that was under way");
    assert_eq!(pair.time.now_ms(), 35_200);
    pair.assert_polls_then_silence(&flow, &["5200 200 tokens"]);
}

#[test]
fn a_step_at_a_silent_provider_ends_with_the_request() {
    let (pair, flow) = flow_with("never", [Fault::Silent]);
    let stop = pair.stop_the_clock();
    pair.time.advance(5_200);
    thread::scope(|scope| {
        let step = scope.spawn(|| flow.step(None).unwrap_err().status());
        eventually("a poll", || pair.provider.lines().len() == 4);
        pair.settle();
        pair.time.advance(310_000);
        assert_eq!(step.join().unwrap(), Status::UNKNOWN);
    });
    drop(stop);
    pair.assert_polls_then_silence(&flow, &["5200 (silent)"]);
}
