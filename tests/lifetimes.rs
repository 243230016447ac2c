//! How long things live: what a program has let go of is freed, however long somebody would have waited for it.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use ciba::{Flow, FlowSet, Status};
use ciba_sim::{Fault, Kind};
use common::{Pair, eventually};

const NOW: Option<Duration> = Some(Duration::ZERO);

/// Something that lives as long as the flow does, its secrets and tokens with it.
fn tied_to(flow: &Flow) -> Weak<()> {
    let tied = Arc::new(());
    let weak = Arc::downgrade(&tied);
    flow.on_progress(move |_| drop(Arc::downgrade(&tied))).unwrap();
    weak
}

fn is_freed(what: &str, tied: &Weak<()>) {
    eventually(what, || tied.strong_count() == 0);
}

#[test]
fn a_flow_that_is_dropped_is_freed_at_whatever_stage_though_time_stands_still() {
    for stage in ["not sent", "sent", "acknowledged", "polled", "cancelled before it was sent", "cancelled"] {
        let pair = Pair::generic();
        let client = pair.client();
        let _stopped = pair.stop_the_clock();
        match stage {
            "not sent" | "cancelled before it was sent" => pair.provider.next(Kind::Discovery, Fault::Silent),
            "sent" => pair.provider.next(Kind::Start, Fault::Hold(1_000)),
            _ => pair.provider.next(Kind::Poll, Fault::Silent),
        }
        let flow = client.begin(&pair.request()).unwrap();
        let tied = tied_to(&flow);
        let set = FlowSet::new(&client).unwrap();
        set.add(&flow, ()).unwrap();
        eventually(stage, || match stage {
            "not sent" | "cancelled before it was sent" => pair.provider.lines().len() == 1,
            "sent" => pair.provider.request_count(Kind::Start) == 1,
            _ => flow.interval().is_some(),
        });
        if stage == "polled" {
            pair.time.advance(5_200);
            eventually(stage, || pair.provider.request_count(Kind::Poll) == 1);
        }
        pair.settle(); // by now the engine knows when it is to look again
        if stage.starts_with("cancelled") {
            flow.cancel(NOW).unwrap();
            assert_eq!(set.wait(NOW).unwrap(), Some(()));
        }
        assert_eq!(tied.strong_count(), 1, "{stage}: it lives");
        drop(flow);
        if stage == "sent" {
            pair.time.advance(1_000); // its answer is read
        }
        is_freed(stage, &tied);
    }
}

#[test]
fn outcomes_that_nobody_has_asked_for_are_freed_with_their_set() {
    let pair = Pair::generic();
    let set = FlowSet::new(&pair.client()).unwrap();
    let flow = pair.flow();
    let tied = tied_to(&flow);
    set.wake().unwrap();
    assert_eq!(set.wait(None).unwrap(), None);
    thread::scope(|scope| {
        let waits = scope.spawn(|| set.wait(None));
        pair.settle(); // by now it waits, for as long as it takes
        set.wake().unwrap();
        assert_eq!(waits.join().unwrap().unwrap(), None);
    });
    set.add(&flow, ()).unwrap();
    flow.cancel(NOW).unwrap();
    assert_eq!((flow.outcome(), set.count()), (Status::CANCELLED, 1));
    drop(flow); // takes it out
    is_freed("a flow that left its set", &tied);

    let flow = pair.flow();
    let tied = tied_to(&flow);
    set.add(&flow, ()).unwrap();
    flow.cancel(NOW).unwrap();
    drop(set);
    drop(flow);
    is_freed("a flow that its set would have told of", &tied);
}

#[test]
fn whatever_threads_do_at_one_time_nothing_hangs_nothing_is_left_and_nothing_is_sent_afterwards() {
    const FLOWS: usize = 6;
    let pair = Pair::generic();
    let client = pair.client_with(&[("saved_flow_unsealed", "true")]);
    for round in 0..30 {
        let set = FlowSet::new(&client).unwrap();
        let phrase = ["approve after 1 s", "wait", "deny after 6 s"][round % 3];
        let request = pair.request_with(&[("binding_message", phrase), ("requested_expiry", "20")]);
        let flows: Vec<Flow> = (0..FLOWS).map(|_| client.begin(&request).unwrap()).collect();
        let tied: Vec<Weak<()>> = flows.iter().map(tied_to).collect();
        let over = AtomicBool::new(false);
        let until_over = |what: &dyn Fn(&Flow)| {
            for flow in flows.iter().cycle() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                what(flow);
            }
        };
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| until_over(&|flow| drop(set.add(flow, ()))));
                scope.spawn(|| until_over(&|flow| drop(set.remove(flow))));
                scope.spawn(|| until_over(&|_| drop(set.wait(Some(Duration::from_millis(300))))));
            }
            scope.spawn(|| until_over(&|flow| drop(flow.watch(|progress| drop(format!("{progress:?}"))))));
            scope.spawn(|| until_over(&|flow| drop(flow.step(NOW))));
            scope.spawn(|| until_over(&|flow| drop(flow.poll(Some(Duration::from_millis(700))))));
            thread::sleep(Duration::from_millis(20));
            for (at, flow) in flows.iter().enumerate() {
                match at % 3 {
                    0 => drop(flow.cancel(NOW)),
                    1 => drop(flow.hand_over("row", NOW)),
                    _ => drop(flow.checkpoint("row")),
                }
            }
            thread::sleep(Duration::from_millis(5));
            over.store(true, Ordering::Relaxed);
        });
        flows.iter().for_each(|flow| drop(set.remove(flow)));
        eventually("all is answered", || !flows.iter().any(Flow::is_asking));
        pair.settle();
        let sent = pair.provider.lines();
        pair.time.advance(11_000);
        pair.settle();
        assert_eq!(pair.provider.lines()[sent.len()..], [""; 0], "round {round}: nobody asks for them");
        drop(flows);
        drop(set);
        tied.iter().for_each(|tied| is_freed("a flow", tied));
    }
}
