//! Pings: who fetches because of them, when, and how often.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ciba::{FlowSet, Status};
use ciba_sim::{Answer, Fault, Kind, Modify, Notice, Notices};

use super::common::{Pair, eventually};
use super::{Registered, STARTED};

const PENDING: &str = "400 authorization_pending";

/// One of several pings for a request nobody has decided yet.
fn ping(registered: &Registered) -> Notice {
    let id = registered.pair.provider.newest().unwrap();
    registered.pair.provider.notice(&id).unwrap()
}

#[test]
fn a_ping_has_a_waiting_poll_fetch_at_once_whatever_was_decided_r52_r71_r73_r74() {
    for (phrase, answer, outcome) in [
        ("approve after 2 s", "200 tokens", Status::OK),
        ("deny after 2 s", "400 access_denied", Status::DENIED),
        ("fail invalid_grant after 2 s", "400 invalid_grant", Status::INVALID_GRANT),
    ] {
        let registered = Registered::new("ping");
        let flow = registered.flow_that(phrase);
        assert_eq!(Pair::outcome(&flow), outcome, "{phrase}");
        let fetched = format!("2000 POST /token -> {answer}");
        registered.assert_then_silence(&flow, &["2000 POST /ciba -> 204 ping", &fetched]);
    }
}

#[test]
fn a_ping_has_a_set_fetch_at_once_r52() {
    let registered = Registered::new("ping");
    let set = FlowSet::new(&registered.client).unwrap();
    let flow = registered.flow_that("approve after 2 s");
    set.add(&flow, "desk 1").unwrap();
    assert_eq!(set.wait(None).unwrap(), Some("desk 1"));
    registered.assert_then_silence(&flow, &["2000 POST /ciba -> 204 ping", "2000 POST /token -> 200 tokens"]);
}

#[test]
fn a_ping_for_a_flow_that_nobody_waits_for_is_remembered_r52_r75() {
    for by_step in [false, true] {
        let registered = Registered::new("ping");
        let flow = registered.flow_that("approve after 2 s");
        registered.pair.time.advance(2_000);
        eventually("a ping", || registered.lines() == ["2000 POST /ciba -> 204 ping"]);
        registered.pair.settle();
        registered.pair.time.advance(1_000);
        registered.pair.settle();
        assert_eq!(registered.lines().len(), 1, "nobody asks");
        assert_eq!(flow.progress().next_poll_in, Some(Duration::ZERO));
        match by_step {
            true => assert!(flow.step(None).unwrap().is_some()),
            false => assert!(flow.poll(None).unwrap().is_some()),
        }
        registered
            .assert_then_silence(&flow, &["2000 POST /ciba -> 204 ping", "3000 POST /token -> 200 tokens"]);
    }
}

#[test]
fn without_a_ping_it_is_polled_at_the_interval_r52_r77() {
    let registered = Registered::new("ping").by_hand();
    let flow = registered.flow_that("approve after 8 s");
    assert_eq!(Pair::outcome(&flow), Status::OK);
    let first = format!("5200 POST /token -> {PENDING}");
    registered.assert_then_silence(&flow, &[&first, "10400 POST /token -> 200 tokens"]);
}

#[test]
fn an_expiry_needs_no_ping_r77() {
    let registered = Registered::changed("ping", &[], |config| config.expires_in = Some(12));
    let flow = registered.flow_that("never");
    assert_eq!(Pair::outcome(&flow), Status::EXPIRED);
    assert_eq!(registered.pair.time.now_ms(), 12_000);
    let polls = ["5200", "10400"].map(|ms| format!("{ms} POST /token -> {PENDING}"));
    registered.assert_then_silence(&flow, &[&polls[0], &polls[1]]);
}

#[test]
fn ten_thousand_pings_in_one_interval_make_one_token_request_r75() {
    let registered = Registered::new("ping").by_hand();
    let flow = registered.flow_that("approve after 11 s");
    let stop = registered.pair.stop_the_clock();
    let (time, provider) = (&registered.pair.time, &registered.pair.provider);
    let polls = || provider.request_count(Kind::Poll);
    // A thousand times as many as really come: what is delivered is the same. The provider's own come first:
    // it then knows that it may be asked at once.
    let good = ping(&registered);
    let pings = |count: usize| {
        assert_eq!(provider.send(&good, 5), [204; 5]);
        for _ in 0..count {
            let authorization = good.authorization.as_deref();
            let deliver = registered.client.deliver_notification(
                "POST",
                authorization,
                Some("application/json"),
                good.body.as_bytes(),
            );
            assert_eq!(deliver.unwrap().status(), Status::OK);
        }
    };
    thread::scope(|scope| {
        let _stop = stop; // where this fails the clock goes on, and the waiter comes to an end
        let waiting = scope.spawn(|| flow.poll(None).unwrap().is_some());
        eventually("a waiter", || time.sleepers().0 > 0);
        time.advance(1_000);
        pings(5_000);
        eventually("the fetch", || registered.lines().iter().any(|line| line.ends_with(PENDING)));
        pings(5_000);
        registered.pair.settle();
        assert_eq!(polls(), 1, "ten thousand at 1000");
        time.advance(5_000);
        pings(3);
        registered.pair.settle();
        assert_eq!(polls(), 1, "still the same interval");
        time.advance(200);
        eventually("the fallback", || polls() == 2);
        eventually("its answer", || {
            registered.lines().iter().filter(|line| line.ends_with(PENDING)).count() == 2
        });
        time.advance(4_800);
        pings(3);
        eventually("the fetch of the next interval", || polls() == 3);
        assert!(waiting.join().unwrap());
    });
    assert_eq!(flow.outcome(), Status::OK);
    let requests: Vec<String> =
        registered.lines().into_iter().filter(|line| !line.ends_with("204 ping")).collect();
    let expected = ["1000", "6200"].map(|ms| format!("{ms} POST /token -> {PENDING}"));
    assert_eq!(requests, [&expected[0], &expected[1], "11000 POST /token -> 200 tokens"]);
}

#[test]
fn a_ping_while_a_poll_is_under_way_has_the_next_one_made_when_that_is_answered_r42_r75() {
    let registered = Registered::new("ping");
    registered.pair.provider.set_notices(Notices { times: 3, early: false });
    registered.pair.provider.next(Kind::Poll, Fault::ProcessThenHold(3_000));
    let flow = registered.flow_that("approve after 6 s");
    assert_eq!(Pair::outcome(&flow), Status::OK);
    let held = format!("5200 POST /token -> {PENDING}");
    let ping = "6000 POST /ciba -> 204 ping";
    registered.assert_then_silence(&flow, &[&held, ping, ping, ping, "8200 POST /token -> 200 tokens"]);
}

#[test]
fn a_ping_does_not_outrun_a_retry_after_r44_r75() {
    let registered = Registered::new("ping");
    let busy = Answer::json(503, "{}").header("retry-after", "30");
    registered.pair.provider.next(Kind::Poll, Fault::Answer(busy));
    let flow = registered.flow_that("approve after 8 s");
    assert_eq!(Pair::outcome(&flow), Status::OK);
    registered.assert_then_silence(
        &flow,
        &[
            "5200 POST /token -> 503 (answer)",
            "8000 POST /ciba -> 204 ping",
            "35200 POST /token -> 200 tokens",
        ],
    );
}

#[test]
fn slow_down_makes_the_fallback_slower_and_no_ping_r46_r52() {
    let registered = Registered::new("ping");
    let slower = Fault::Answer(Answer::json(400, r#"{"error":"slow_down"}"#));
    registered.pair.provider.next(Kind::Poll, slower);
    let flow = registered.flow_that("approve after 12 s");
    assert_eq!(Pair::outcome(&flow), Status::OK);
    registered.assert_then_silence(
        &flow,
        &[
            "5200 POST /token -> 400 (answer)",
            "12000 POST /ciba -> 204 ping",
            "12000 POST /token -> 200 tokens",
        ],
    );
}

#[test]
fn a_ping_whose_fetch_is_lost_is_followed_by_the_fallback_r48_r52() {
    let registered = Registered::new("ping");
    registered.pair.provider.next(Kind::Poll, Fault::Close);
    let flow = registered.flow_that("approve after 2 s");
    assert_eq!(Pair::outcome(&flow), Status::OK);
    registered.assert_then_silence(
        &flow,
        &["2000 POST /ciba -> 204 ping", "2000 POST /token -> (closed)", "7200 POST /token -> 200 tokens"],
    );
}

#[test]
fn a_ping_that_overtakes_the_acknowledgement_counts_r76() {
    let registered = Registered::new("ping");
    registered.pair.provider.set_notices(Notices { times: 0, early: true });
    let flow = registered.flow_that("approve after 0 s");
    assert_eq!(Pair::outcome(&flow), Status::OK);
    registered.assert_then_silence(&flow, &["0 POST /ciba -> 204 ping", "0 POST /token -> 200 tokens"]);
}

#[test]
fn of_pings_before_the_acknowledgement_those_for_its_request_count_and_few_are_kept_r72_r76() {
    for (right, fetched) in
        [(true, "3000 POST /token -> 200 tokens"), (false, "8200 POST /token -> 200 tokens")]
    {
        let registered = Registered::new("ping").by_hand();
        let provider = &registered.pair.provider;
        provider.next(Kind::Start, Fault::ProcessThenHold(3_000));
        let stop = registered.pair.stop_the_clock();
        let request = registered.pair.request_with(&[("binding_message", "approve after 1 s")]);
        let flow = registered.client.begin(&request).unwrap();
        eventually("a start", || provider.newest().is_some());
        let good = ping(&registered);
        let id = provider.newest().unwrap();
        for number in 0..100 {
            let other = good.body.replace(&id, &format!("another-{number}"));
            assert_eq!(provider.send(&Notice { body: other, ..good.clone() }, 1), [204], "not known yet");
        }
        if right {
            assert_eq!(provider.send(&good, 10), [204; 10]);
        }
        drop(stop);
        assert_eq!(Pair::outcome(&flow), Status::OK);
        let requests: Vec<String> =
            registered.lines().into_iter().filter(|line| !line.ends_with("204 ping")).collect();
        assert_eq!(requests, [fetched]);
    }
}

#[test]
fn a_ping_that_comes_again_or_late_is_answered_and_changes_nothing_r73_r75() {
    let registered = Registered::new("ping");
    registered.pair.provider.set_notices(Notices { times: 3, early: false });
    let flow = registered.flow_that("approve after 2 s");
    let late = ping(&registered);
    assert_eq!(Pair::outcome(&flow), Status::OK);
    assert_eq!(registered.pair.provider.send(&late, 2), [204; 2]);
    let lines = || registered.pair.provider.lines();
    eventually("three pings and two late ones", || {
        lines().iter().filter(|line| line.ends_with("/ciba -> 204 ping")).count() == 5
    });
    let lines = lines();
    assert_eq!(lines.iter().filter(|line| line.contains("/token")).count(), 1);
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    registered.pair.assert_requests_then_silence(&flow, &lines);

    // A flow that was given up is still known while its handle is there.
    let flow = registered.flow_that("never");
    let late = ping(&registered);
    flow.cancel(None).unwrap();
    assert_eq!(registered.pair.provider.send(&late, 1), [204]);
    assert_eq!(flow.outcome(), Status::CANCELLED);
    drop(flow);
    eventually("forgotten", || registered.pair.provider.send(&late, 1) == [401]);
}

#[test]
fn each_request_has_a_token_of_its_own_which_no_text_shows_r06_r07() {
    let registered = Registered::new("ping");
    let flows = [registered.flow_that("approve after 1 s"), registered.flow_that("approve after 1 s")];
    flows.iter().for_each(|flow| assert_eq!(Pair::outcome(flow), Status::OK));
    let starts = registered.pair.provider.journal().into_iter().filter(|entry| entry.kind == Kind::Start);
    let tokens: Vec<String> = starts.map(|entry| entry.param("client_notification_token").unwrap()).collect();
    assert_eq!(tokens.iter().map(String::len).collect::<Vec<_>>(), [43, 43]);
    assert_ne!(tokens[0], tokens[1]);
    let told = format!("{:?} {:?} {:?}", registered.client, flows, registered.pair.events.lines());
    assert!(told.contains("notification.ping"), "what is told is looked at: {told}");
    assert!(!tokens.iter().any(|token| told.contains(token)));
    assert_eq!(registered.lines().iter().filter(|line| *line == STARTED).count(), 0);
}

#[test]
fn an_error_that_echoes_the_token_is_shown_without_it_r06() {
    let registered = Registered::new("ping");
    let provider = &registered.pair.provider;
    let echo = Arc::new(Mutex::new(String::new()));
    let text = echo.clone();
    let refuse: Modify = Arc::new(move |answer| {
        let description = text.lock().unwrap().clone();
        *answer = serde_json::json!({ "error": "invalid_request", "error_description": description });
    });
    provider.next(Kind::Start, Fault::HoldThen(1_000, Box::new(Fault::Modify(refuse))));
    let stop = registered.pair.stop_the_clock();
    let flow = registered.client.begin(&registered.pair.request()).unwrap();
    eventually("a start", || !registered.pair.provider.journal().is_empty());
    let token = provider.journal()[0].param("client_notification_token").unwrap();
    *echo.lock().unwrap() = format!("I was sent {token} and do not like it");
    drop(stop);
    let error = flow.wait_started(None).unwrap_err();
    assert_eq!(error.oauth_error_description(), Some("I was sent [redacted] and do not like it"));
    assert!(!format!("{error:?} {error}").contains(&token));
}
