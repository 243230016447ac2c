//! Waiting without a thread, as event loops do, and a trial of the settings in small pieces.

mod common;

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use ciba::{Flow, ProgressStage, Status, Watch};
use ciba_sim::{Fault, Kind};
use common::{Pair, eventually, web_page};

const PATIENCE: Duration = Duration::from_secs(20);

/// A watch over a flow, and the stages that it tells.
fn watch(flow: &Flow) -> (Watch, Receiver<ProgressStage>) {
    let (tell, told) = channel();
    let watch = flow.watch(move |progress| {
        let _ = tell.send(progress.stage);
    });
    (watch.unwrap(), told)
}

/// A flow whose start is over, with the keys fetched behind it.
fn started(pair: &Pair) -> Flow {
    let flow = pair.flow_that("approve after 1 s");
    eventually("the keys", || pair.provider.lines() == common::STARTED);
    flow
}

#[track_caller]
fn until_ended(told: &Receiver<ProgressStage>) {
    while told.recv_timeout(PATIENCE).expect("the watch is told the outcome") != ProgressStage::Ended {}
}

#[test]
fn a_watch_has_the_provider_asked_when_due_and_is_told_the_outcome_r42() {
    let pair = Pair::generic();
    let flow = pair.flow_that("approve after 7 s");
    let (watch, told) = watch(&flow);
    until_ended(&told);
    drop(watch);
    assert!(flow.poll(Some(Duration::ZERO)).unwrap().is_some());
    pair.assert_polls_then_silence(&flow, &["5200 400 authorization_pending", "10400 200 tokens"]);
}

#[test]
fn without_its_watch_a_flow_causes_no_traffic() {
    let pair = Pair::generic();
    let flow = started(&pair);
    let (first, _) = watch(&flow);
    drop(first);
    pair.time.advance(60_000);
    pair.settle();
    assert_eq!(pair.provider.lines(), common::STARTED, "nobody waits");
    let (_second, told) = watch(&flow);
    until_ended(&told);
    assert_eq!(pair.provider.lines().len(), common::STARTED.len() + 1, "the twin that is kept");
}

#[test]
fn a_watch_of_a_flow_that_is_gone_asks_for_nothing() {
    let pair = Pair::generic();
    let flow = started(&pair);
    let (_watch, _told) = watch(&flow);
    drop(flow);
    pair.time.advance(60_000);
    pair.settle();
    assert_eq!(pair.provider.lines(), common::STARTED);
}

#[test]
fn a_watch_is_told_of_the_acknowledgement_of_a_cancel_and_of_its_answer() {
    let pair = Pair::signaturgruppen();
    let flow = pair.client().begin(&pair.request()).unwrap();
    let (_watch, told) = watch(&flow);
    eventually("acknowledged", || flow.auth_req_id().is_some());
    assert_eq!(told.recv_timeout(PATIENCE), Ok(ProgressStage::Pending));
    let waits_for_the_provider = !flow.cancel(Some(Duration::ZERO)).unwrap();
    until_ended(&told);
    if waits_for_the_provider {
        until_ended(&told);
    }
    assert!(flow.cancel(Some(Duration::ZERO)).unwrap(), "the provider has answered");
    assert_eq!(flow.outcome(), Status::CANCELLED);
}

#[test]
fn what_is_told_may_ask_the_flow_how_it_stands() {
    let pair = Pair::generic();
    let flow = std::sync::Arc::new(pair.flow_that("deny after 1 s"));
    let (tell, told) = channel();
    let asked = flow.clone();
    let watch = flow.watch(move |_| {
        let _ = tell.send((asked.outcome(), asked.poll(Some(Duration::ZERO)).is_err()));
    });
    let told = std::iter::from_fn(|| told.recv_timeout(PATIENCE).ok()).find(|(_, ended)| *ended);
    assert_eq!(told, Some((Status::DENIED, true)));
    drop(watch);
}

#[test]
fn a_check_in_small_pieces_is_one_trial_whose_failure_is_reported() {
    let pair = Pair::generic();
    pair.provider.next(Kind::Discovery, Fault::HoldThen(1_000, Box::new(web_page(503))));
    let client = pair.client();
    let mut pieces = 0;
    let error = loop {
        match client.check(Some(Duration::from_millis(10))) {
            Ok(done) => assert!(!done, "the provider never gave good metadata"),
            Err(error) => break error,
        }
        pieces += 1;
        if pieces == 5 {
            pair.time.advance(1_000);
        }
        assert!(pieces < 2_000, "never reported");
    };
    assert_eq!(error.status(), Status::DISCOVERY_FAILED);
    assert_eq!(
        pair.provider.lines(),
        ["0 GET /.well-known/openid-configuration -> 503 (answer)"],
        "one request"
    );
    assert!(client.check(None).unwrap(), "the next one tries again");
}
