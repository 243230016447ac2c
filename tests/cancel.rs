//! Giving up: at every stage of a flow, by cancelling it or by dropping it.

mod common;

use std::thread;
use std::time::Duration;

use ciba::{Flow, Status};
use ciba_sim::{Answer, Fault, Kind, personality};
use common::{Pair, STARTED, error, eventually};
use secrecy::ExposeSecret;
use serde_json::json;

const START: &str = "POST /op/connect/ciba -> 200 ack";
const KEYS: &str = "0 GET /op/.well-known/openid-configuration/jwks -> 200 jwks";
const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

fn cancel_line(ms: u64, id: &str, answer: &str) -> String {
    format!("{ms} DELETE /op/api/v1/ciba/{id} -> {answer}")
}

/// A flow at a provider with a cancel call, acknowledged; the keys are here too.
fn pending(pair: &Pair, phrase: &str) -> (Flow, String) {
    let flow = pair.flow_that(phrase);
    pair.await_answers(2);
    (flow, pair.provider.newest().unwrap())
}

/// A flow whose start is under way: it has reached the provider, which holds the answer.
fn starting(pair: &Pair, fault: Fault) -> Flow {
    pair.provider.next(Kind::Start, fault);
    let flow = pair.client().begin(&pair.request()).unwrap();
    eventually("the start", || pair.provider.request_count(Kind::Start) == 1);
    eventually("its answer is held", || pair.time.sleepers().1 == 1);
    flow
}

#[test]
fn a_cancel_wakes_every_waiter_and_tells_the_provider_once() {
    let pair = Pair::signaturgruppen();
    let (flow, id) = pending(&pair, "never");
    let stop = pair.stop_the_clock();
    thread::scope(|scope| {
        let waiters: Vec<_> = (0..3).map(|_| scope.spawn(|| Pair::outcome(&flow))).collect();
        eventually("a waiter", || pair.time.sleepers().0 > 0);
        assert!(flow.cancel(None).unwrap());
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Status::CANCELLED);
        }
    });
    assert_eq!(flow.outcome(), Status::CANCELLED);
    assert!(flow.cancel(None).unwrap(), "again, without another call");
    drop(stop);
    let cancel = cancel_line(0, &id, "204 cancelled");
    pair.assert_requests_then_silence(&flow, &[&format!("0 {START}"), KEYS, &cancel]);
}

#[test]
fn a_cancel_before_the_start_has_left_lets_it_never_leave() {
    let pair = Pair::generic();
    pair.provider.next(Kind::Discovery, Fault::Hold(3_000));
    let flow = pair.client().begin(&pair.request()).unwrap();
    eventually("discovery", || pair.provider.request_count(Kind::Discovery) == 1);
    assert!(flow.cancel(AT_ONCE).unwrap(), "there is nothing to wait for");
    assert_eq!(flow.wait_started(None).unwrap_err().status(), Status::CANCELLED);
    pair.time.advance(3_000);
    pair.settle();
    assert_eq!(pair.provider.request_count(Kind::Start), 0);
    assert_eq!(flow.outcome(), Status::CANCELLED);
    assert_eq!(pair.provider.lines().len(), 1);
}

#[test]
fn a_start_that_is_acknowledged_after_its_cancel_is_cancelled_at_the_provider_too() {
    let pair = Pair::signaturgruppen();
    let flow = starting(&pair, Fault::ProcessThenHold(3_000));
    thread::scope(|scope| {
        let waiter = scope.spawn(|| flow.wait_started(None).unwrap_err().status());
        assert!(!flow.cancel(AT_ONCE).unwrap(), "the call goes on in the background");
        assert_eq!(flow.outcome(), Status::CANCELLED, "at once all the same");
        assert_eq!(waiter.join().unwrap(), Status::CANCELLED);
    });
    assert!(flow.cancel(None).unwrap());
    let id = flow.auth_req_id().unwrap();
    let cancel = cancel_line(3_000, id.expose_secret(), "204 cancelled");
    pair.assert_requests_then_silence(&flow, &[&format!("0 {START}"), &cancel]);
    assert!(pair.provider.pending().is_empty(), "the phone rings no more");

    // Also when nobody holds the flow any more.
    let pair = Pair::signaturgruppen();
    let flow = starting(&pair, Fault::ProcessThenHold(3_000));
    assert!(!flow.cancel(AT_ONCE).unwrap());
    drop(flow);
    pair.time.advance(3_000);
    pair.await_answers(2);
    assert!(pair.provider.lines()[1].ends_with("204 cancelled"));
    assert!(pair.provider.pending().is_empty());
}

#[test]
fn a_start_that_fails_after_its_cancel_leaves_nothing_to_cancel() {
    for (fault, journal) in [
        (error(400, "unknown_user_id"), "400 (answer)"),
        (Fault::CutInBody { status: None }, "200 (cut)"),
        (Fault::Close, "(closed)"),
    ] {
        let pair = Pair::signaturgruppen();
        let flow = starting(&pair, Fault::HoldThen(3_000, Box::new(fault)));
        assert!(!flow.cancel(AT_ONCE).unwrap());
        assert!(flow.cancel(None).unwrap(), "{journal}");
        assert_eq!(flow.outcome(), Status::CANCELLED, "{journal}");
        let start = format!("0 POST /op/connect/ciba -> {journal}");
        pair.assert_requests_then_silence(&flow, &[&start]);
    }
}

#[test]
fn a_cancel_during_a_long_poll_ends_it_at_once() {
    let pair = Pair::signaturgruppen();
    pair.provider.next(Kind::Poll, Fault::Hold(30_000));
    let (flow, id) = pending(&pair, "approve after 20 s");
    let stop = pair.stop_the_clock();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| Pair::outcome(&flow));
        eventually("a waiter", || pair.time.sleepers().0 > 0);
        pair.time.advance(5_200);
        eventually("a held poll", || pair.provider.request_count(Kind::Poll) == 1);
        assert!(flow.cancel(None).unwrap());
        assert_eq!(waiter.join().unwrap(), Status::CANCELLED);
    });
    eventually("the provider notices", || !pair.provider.lines()[2].ends_with("(open)"));
    drop(stop);
    let cancel = cancel_line(5_200, &id, "204 cancelled");
    let lines = [&format!("0 {START}"), KEYS, "5200 POST /op/connect/token -> (gone)", &cancel];
    pair.assert_requests_then_silence(&flow, &lines);
}

#[test]
fn tokens_that_wait_for_keys_are_not_released_after_a_cancel_r63() {
    let pair = Pair::signaturgruppen();
    pair.provider.always(Kind::Jwks, error(503, "server_error"));
    let (flow, _) = pending(&pair, "approve after 1 s");
    assert!(flow.poll(Some(Duration::from_secs(6))).unwrap().is_none());
    assert_eq!(flow.progress().stage, ciba::ProgressStage::Verifying);
    assert!(flow.cancel(None).unwrap());
    pair.provider.clear_faults();
    assert_eq!(Pair::outcome(&flow), Status::CANCELLED);
    assert_eq!(flow.tokens().unwrap_err().status(), Status::NO_TOKENS);
    assert!(pair.provider.lines().last().unwrap().contains("DELETE"));
    let lines = pair.provider.lines();
    pair.assert_requests_then_silence(&flow, &lines.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_flow_that_has_ended_stays_as_it_ended_and_no_cancel_is_sent() {
    for (phrase, outcome) in [
        ("approve after 1 s", Status::OK),
        ("deny after 1 s", Status::DENIED),
        ("fail expired_token after 1 s", Status::EXPIRED),
        ("fail invalid_client after 1 s", Status::FAILED),
    ] {
        let pair = Pair::signaturgruppen();
        let (flow, _) = pending(&pair, phrase);
        let first = Pair::outcome(&flow);
        assert!(flow.cancel(None).unwrap());
        assert_eq!((flow.outcome(), Pair::outcome(&flow)), (outcome, first), "{phrase}");
        let lines = pair.provider.lines();
        assert_eq!(lines.len(), 3, "{lines:?}");
        pair.assert_requests_then_silence(&flow, &lines.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn the_providers_answer_to_a_cancel_changes_no_outcome() {
    let answer = |status| Fault::Answer(Answer::new(status, ""));
    for (fault, journal, status) in [
        (answer(200), "200 (answer)", None),
        (answer(202), "202 (answer)", None),
        (answer(404), "404 (answer)", None), // gone already
        (answer(410), "410 (answer)", None),
        (answer(400), "400 (answer)", Some(Status::HTTP_STATUS)),
        (answer(401), "401 (answer)", Some(Status::HTTP_STATUS)),
        (answer(500), "500 (answer)", Some(Status::HTTP_STATUS)),
        (Fault::Redirect("/elsewhere".into()), "302 (redirect)", Some(Status::HTTP_STATUS)),
        (Fault::Close, "(closed)", Some(Status::CONNECTION_LOST)),
        (Fault::Reset, "(reset)", Some(Status::CONNECTION_LOST)),
        (Fault::EndlessBody, "200 (endless)", Some(Status::ANSWER_TOO_LARGE)),
    ] {
        let pair = Pair::signaturgruppen();
        let (flow, id) = pending(&pair, "never");
        pair.provider.next(Kind::Cancel, fault);
        let answered = flow.cancel(None);
        assert_eq!(answered.map_err(|e| e.status()), status.map_or(Ok(true), Err), "{journal}");
        assert_eq!(Pair::outcome(&flow), Status::CANCELLED, "{journal}");
        let cancel = cancel_line(0, &id, journal);
        pair.assert_requests_then_silence(&flow, &[&format!("0 {START}"), KEYS, &cancel]);
    }
}

#[test]
fn a_cancel_in_a_dead_network_is_an_outcome_all_the_same() {
    let pair = Pair::signaturgruppen();
    let (flow, _) = pending(&pair, "never");
    pair.provider.go_offline();
    pair.settle();
    assert_eq!(flow.cancel(None).unwrap_err().status(), Status::CONNECT_FAILED);
    assert_eq!(Pair::outcome(&flow), Status::CANCELLED);
    pair.provider.go_online();
    pair.assert_requests_then_silence(&flow, &[&format!("0 {START}"), KEYS]);
}

#[test]
fn a_provider_that_never_answers_a_cancel_holds_nobody_longer_than_asked() {
    let pair = Pair::signaturgruppen();
    let (flow, _) = pending(&pair, "never");
    pair.provider.next(Kind::Cancel, Fault::Hold(20_000));
    assert!(!flow.cancel(Some(Duration::from_secs(2))).unwrap());
    assert_eq!((flow.outcome(), pair.time.now_ms()), (Status::CANCELLED, 2_000));
    assert!(flow.cancel(None).unwrap());
    assert_eq!(pair.time.now_ms(), 20_000);
    assert_eq!(pair.provider.request_count(Kind::Cancel), 1);
}

#[test]
fn an_identifier_never_walks_out_of_the_cancel_path() {
    for (id, path) in [
        ("..", None),
        (".", None),
        ("a/../b", Some("a%2F..%2Fb")),
        ("%2e%2e", Some("%252e%252e")),
        ("a b?c#d\\e", Some("a%20b%3Fc%23d%5Ce")),
        ("0A21..6A-1", Some("0A21..6A-1")),
    ] {
        let pair = Pair::signaturgruppen();
        pair.provider.next(Kind::Start, Fault::Patch(json!({ "auth_req_id": id })));
        let (flow, _) = pending(&pair, "never");
        let answered = flow.cancel(None);
        assert_eq!(flow.outcome(), Status::CANCELLED, "{id}");
        let start = format!("0 {START}");
        match path {
            None => {
                assert_eq!(answered.unwrap_err().status(), Status::INVALID_VALUE, "{id}");
                pair.assert_requests_then_silence(&flow, &[&start, KEYS]);
            }
            Some(path) => {
                assert!(answered.unwrap(), "{id}");
                let cancel = cancel_line(0, path, "404 unknown");
                pair.assert_requests_then_silence(&flow, &[&start, KEYS, &cancel]);
            }
        }
    }
}

#[test]
fn a_provider_without_a_cancel_call_is_sent_none() {
    let pair = Pair::generic();
    let flow = pair.flow_that("never");
    pair.await_answers(STARTED.len());
    assert!(flow.cancel(None).unwrap());
    assert_eq!(Pair::outcome(&flow), Status::CANCELLED);
    pair.assert_polls_then_silence(&flow, &[]);
}

#[test]
fn a_flow_that_is_dropped_sends_nothing_more_at_whatever_stage() {
    let quiet = |pair: &Pair, expected: &[String]| {
        for _ in 0..4 {
            pair.time.advance(6_000);
            pair.settle();
        }
        assert_eq!(pair.provider.lines(), expected);
    };
    // Before the start has left.
    let pair = Pair::generic();
    pair.provider.next(Kind::Discovery, Fault::Hold(3_000));
    let flow = pair.client().begin(&pair.request()).unwrap();
    eventually("discovery", || pair.provider.request_count(Kind::Discovery) == 1);
    drop(flow);
    eventually("the provider notices", || !pair.provider.lines()[0].ends_with("(open)"));
    quiet(&pair, &["0 GET /.well-known/openid-configuration -> (gone)".to_owned()]);

    // During the start: not even keys are fetched for nobody.
    let pair = Pair::signaturgruppen();
    let flow = starting(&pair, Fault::ProcessThenHold(3_000));
    drop(flow);
    quiet(&pair, &[format!("0 {START}")]);

    // While it is pending, and after its outcome.
    for phrase in ["never", "approve after 1 s"] {
        let pair = Pair::new(personality::signaturgruppen());
        let (flow, _) = pending(&pair, phrase);
        let _ = flow.poll(Some(Duration::from_secs(6)));
        let lines = pair.provider.lines();
        assert_eq!(lines.len(), 3);
        drop(flow);
        quiet(&pair, &lines);
    }

    // During a long poll.
    let pair = Pair::signaturgruppen();
    pair.provider.next(Kind::Poll, Fault::Hold(30_000));
    let (flow, _) = pending(&pair, "never");
    pair.time.advance(5_200);
    assert!(flow.poll(AT_ONCE).unwrap().is_none());
    eventually("a held poll", || pair.provider.request_count(Kind::Poll) == 1);
    drop(flow);
    eventually("the provider notices", || !pair.provider.lines()[2].ends_with("(open)"));
    let poll = "5200 POST /op/connect/token -> (gone)".to_owned();
    quiet(&pair, &[format!("0 {START}"), KEYS.to_owned(), poll]);
}
