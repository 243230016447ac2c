//! Many flows, one waiter: what a set asks the provider, whom it tells, and what it leaves alone.

mod common;

use std::sync::Arc;
use std::time::Duration;

use ciba::{Flow, FlowSet, Status};
use ciba_sim::{Answer, Fault, Kind};
use common::{INTERVAL, Pair};

const NOW: Option<Duration> = Some(Duration::ZERO);

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

/// The lines of the journal that are token requests.
fn polls(pair: &Pair) -> Vec<String> {
    pair.provider.lines().into_iter().filter(|line| line.contains("POST /token")).collect()
}

#[test]
fn a_set_asks_for_its_flows_when_they_are_due_and_tells_of_each_once_r41() {
    let pair = Pair::generic();
    let client = pair.client();
    let set = FlowSet::new(&client).unwrap();
    let stopped = pair.stop_the_clock();
    let flow = |phrase: &str| client.init(&pair.request_with(&[("binding_message", phrase)]), None).unwrap();
    let (early, late, denied) =
        (flow("approve after 1 s"), flow("approve after 8 s"), flow("deny after 1 s"));
    for (flow, name) in [(&late, "late"), (&early, "early"), (&denied, "denied")] {
        set.add(flow, name).unwrap();
    }
    assert_eq!(set.count(), 3);
    assert_eq!(set.wait(NOW).unwrap(), None, "nobody has answered");
    drop(stopped);

    let mut told = [set.wait(None).unwrap().unwrap(), set.wait(None).unwrap().unwrap()];
    told.sort_unstable();
    assert_eq!(told, ["denied", "early"], "{:?}", pair.provider.lines());
    assert_eq!((early.outcome(), denied.outcome()), (Status::OK, Status::DENIED));
    assert_eq!(set.wait(None).unwrap(), Some("late"));
    assert_eq!((set.count(), set.wait(NOW).unwrap()), (0, None), "each is told of once");
    assert!(early.poll(NOW).unwrap().is_some(), "a flow that was told of has its tokens");

    // In the order in which they were added, 2 ms apart.
    let expected = [
        "5200 POST /token -> 400 authorization_pending",
        "5202 POST /token -> 200 tokens",
        "5204 POST /token -> 400 access_denied",
        "10400 POST /token -> 200 tokens",
    ];
    assert_eq!(polls(&pair), expected);
    pair.time.advance(3 * INTERVAL);
    pair.settle();
    assert_eq!(polls(&pair).len(), 4, "silence after the outcomes");
}

#[test]
fn a_wait_ends_with_its_timeout_and_loses_nothing() {
    let pair = Pair::generic();
    let set = FlowSet::new(&pair.client()).unwrap();
    let flow = pair.flow_that("approve after 12 s");
    set.add(&flow, ()).unwrap();
    assert_eq!(set.wait(seconds(11)).unwrap(), None);
    assert_eq!(set.wait(seconds(11)).unwrap(), Some(()));
    let answers = ["400 authorization_pending", "400 authorization_pending", "200 tokens"];
    let expected = [5_200, 10_400, 15_600].iter().zip(answers);
    let expected: Vec<_> = expected.map(|(at, answer)| format!("{at} POST /token -> {answer}")).collect();
    assert_eq!(polls(&pair), expected);
}

#[test]
fn what_is_added_ended_is_told_of_and_what_is_removed_is_asked_for_no_more() {
    let pair = Pair::generic();
    let set = FlowSet::new(&pair.client()).unwrap();
    let (ended, removed) = (pair.flow(), pair.flow());
    ended.cancel(NOW).unwrap();
    set.add(&ended, "ended").unwrap();
    assert_eq!(set.wait(NOW).unwrap(), Some("ended"));

    let other = FlowSet::new(&pair.client()).unwrap();
    let stopped = pair.stop_the_clock(); // no poll comes due between adding and removing
    set.add(&removed, "removed").unwrap();
    assert_eq!(set.add(&removed, "twice").unwrap_err().status(), Status::IN_SET);
    assert_eq!(set.remove(&removed).unwrap(), Some("removed"));
    assert_eq!(set.remove(&removed).unwrap(), None);
    drop(stopped);
    pair.time.advance(3 * INTERVAL);
    pair.settle();
    assert_eq!(polls(&pair), [""; 0], "nobody waits, so there is no traffic");
    other.add(&removed, "elsewhere").unwrap();
    assert_eq!(other.remove(&removed).unwrap(), Some("elsewhere"));
}

#[test]
fn a_flow_that_is_cancelled_is_told_of_and_one_that_is_dropped_is_not() {
    let pair = Pair::signaturgruppen();
    let set = FlowSet::new(&pair.client()).unwrap();
    let (cancelled, dropped) = (pair.flow(), pair.flow());
    set.add(&cancelled, "cancelled").unwrap();
    set.add(&dropped, "dropped").unwrap();
    drop(dropped);
    assert_eq!(set.count(), 1);
    assert!(cancelled.cancel(None).unwrap());
    assert_eq!(set.wait(None).unwrap(), Some("cancelled"));
    assert_eq!(set.wait(seconds(20)).unwrap(), None);

    let more: Vec<Flow> = (0..3).map(|_| pair.flow()).collect();
    for (flow, number) in more.iter().zip(["1", "2", "3"]) {
        set.add(flow, number).unwrap();
    }
    set.cancel().unwrap();
    let mut told: Vec<_> = (0..3).map(|_| set.wait(None).unwrap().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(told, ["1", "2", "3"]);
    pair.settle();
    assert_eq!(pair.provider.request_count(Kind::Cancel), 4);
    assert_eq!(pair.provider.request_count(Kind::Poll), 0);
}

#[test]
fn a_set_that_is_dropped_asks_for_nothing_and_its_flows_live_on() {
    let pair = Pair::generic();
    let set = FlowSet::new(&pair.client()).unwrap();
    let flow = pair.flow_that("approve after 1 s");
    set.add(&flow, ()).unwrap();
    drop(set);
    pair.time.advance(2 * INTERVAL);
    pair.settle();
    assert_eq!(polls(&pair).len(), 0);
    let another = FlowSet::new(&pair.client()).unwrap();
    another.add(&flow, ()).unwrap();
    assert_eq!(another.wait(None).unwrap(), Some(()));
    assert_eq!(flow.outcome(), Status::OK);
}

#[test]
fn a_flow_that_is_still_starting_is_driven_once_it_is_acknowledged() {
    let pair = Pair::generic();
    pair.provider.next(Kind::Start, Fault::Hold(3_000));
    let client = pair.client();
    let set = FlowSet::new(&client).unwrap();
    let flow = client.begin(&pair.request_with(&[("binding_message", "approve after 1 s")])).unwrap();
    set.add(&flow, ()).unwrap();
    assert_eq!(set.wait(None).unwrap(), Some(()));
    assert_eq!(flow.outcome(), Status::OK);
    assert_eq!(polls(&pair), ["8200 POST /token -> 200 tokens"]);
}

#[test]
fn a_flow_that_is_told_to_wait_slows_no_other_r44() {
    let pair = Pair::generic();
    let busy = Fault::Answer(Answer::new(503, "").header("retry-after", "60"));
    pair.provider.next(Kind::Poll, busy);
    let set = FlowSet::new(&pair.client()).unwrap();
    let stopped = pair.stop_the_clock();
    let (first, second) = (pair.flow_that("approve after 1 s"), pair.flow_that("approve after 6 s"));
    set.add(&first, "first").unwrap();
    set.add(&second, "second").unwrap();
    drop(stopped);
    assert_eq!(set.wait(None).unwrap(), Some("second"));
    assert_eq!(set.wait(None).unwrap(), Some("first"));
    let expected = [
        "5200 POST /token -> 503 (answer)",
        "5202 POST /token -> 400 authorization_pending",
        "10402 POST /token -> 200 tokens",
        "65200 POST /token -> 200 tokens",
    ];
    assert_eq!(polls(&pair), expected);
}

#[test]
fn a_wait_that_is_woken_ends_once_and_loses_nothing() {
    let pair = Pair::generic();
    let client = pair.client();
    let set = FlowSet::new(&client).unwrap();
    set.wake().unwrap();
    set.wake().unwrap();
    assert_eq!(set.wait(None).unwrap(), None, "woken before");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| set.wait(None));
        set.wake().unwrap();
        assert_eq!(waiting.join().unwrap().unwrap(), None, "woken while it waits");
    });
    let flow = client.init(&pair.request_with(&[("binding_message", "approve after 1 s")]), None).unwrap();
    set.add(&flow, "it").unwrap();
    assert_eq!(set.wait(None).unwrap(), Some("it"), "no wake is left over");
    set.wake().unwrap();
    let other = client.init(&pair.request_with(&[("binding_message", "wait")]), None).unwrap();
    set.add(&other, "other").unwrap();
    other.cancel(NOW).unwrap();
    assert_eq!(set.wait(NOW).unwrap(), Some("other"), "an outcome goes first");
    assert_eq!(set.wait(None).unwrap(), None);
}

#[test]
fn several_threads_share_the_outcomes() {
    let pair = Pair::generic();
    let client = pair.client();
    let set = Arc::new(FlowSet::new(&client).unwrap());
    let flows: Vec<Flow> = (0..60).map(|_| pair.flow_that("approve after 1 s")).collect();
    for (number, flow) in flows.iter().enumerate() {
        set.add(flow, number).unwrap();
    }
    let waiters: Vec<_> = (0..3)
        .map(|_| {
            let set = set.clone();
            std::thread::spawn(move || (0..20).map(|_| set.wait(None).unwrap().unwrap()).collect::<Vec<_>>())
        })
        .collect();
    let mut told: Vec<usize> = waiters.into_iter().flat_map(|waiter| waiter.join().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(told, (0..60).collect::<Vec<_>>(), "each once");
    assert!(flows.iter().all(|flow| flow.outcome() == Status::OK));
}

#[cfg(unix)]
#[test]
fn the_descriptor_is_readable_while_there_is_something_to_tell() {
    let pair = Pair::generic();
    let set = FlowSet::new(&pair.client()).unwrap();
    let readable = |set: &FlowSet<&str>| {
        let mut watched = [rustix::event::PollFd::from_borrowed_fd(
            set.descriptor().unwrap(),
            rustix::event::PollFlags::IN,
        )];
        rustix::event::poll(&mut watched, Some(&rustix::event::Timespec::default())).unwrap() == 1
    };
    let (first, second) = (pair.flow(), pair.flow());
    set.add(&first, "first").unwrap();
    assert!(!readable(&set));
    set.add(&second, "second").unwrap();
    first.cancel(NOW).unwrap();
    second.cancel(NOW).unwrap();
    assert!(readable(&set));
    assert!(set.wait(NOW).unwrap().is_some());
    assert!(readable(&set), "one is left");
    assert!(set.wait(NOW).unwrap().is_some());
    assert!(!readable(&set));
}

/// A clock whose spread walks through its whole range.
struct SpreadingClock(common::SimulatedClock, std::sync::atomic::AtomicU64);

impl ciba::Clock for SpreadingClock {
    fn now(&self) -> u64 {
        self.0.now()
    }
    fn unix_ms(&self) -> i64 {
        self.0.unix_ms()
    }
    fn sleep_until(&self, when: u64) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0.sleep_until(when)
    }
    fn spread(&self, most: u64) -> u64 {
        let step = self.1.fetch_add(7, std::sync::atomic::Ordering::SeqCst) % 97;
        most * step / 96
    }
    fn hold(&self) -> ciba::ClockHold {
        self.0.hold()
    }
}

#[test]
fn polls_of_many_flows_are_spread_over_the_interval_and_none_comes_early_r41() {
    let mut pair = Pair::generic();
    let clock = SpreadingClock(common::SimulatedClock(pair.time.clone()), 0.into());
    pair.engine = ciba::Engine::start(Arc::new(clock), common::lookup()).unwrap();
    let client = pair.client();
    let set = FlowSet::new(&client).unwrap();
    let stopped = pair.stop_the_clock();
    let flows: Vec<Flow> = (0..400).map(|_| client.init(&pair.request(), None).unwrap()).collect();
    for flow in &flows {
        set.add(flow, ()).unwrap();
    }
    drop(stopped);
    assert_eq!(set.wait(seconds(30)).unwrap(), None);

    let mut last: std::collections::HashMap<String, u64> = std::collections::HashMap::new();
    let mut seconds = std::collections::BTreeMap::<u64, u32>::new();
    for poll in pair.provider.journal().iter().filter(|entry| entry.kind == Kind::Poll) {
        let id = poll.param("auth_req_id").unwrap();
        let before = last.insert(id, poll.at_ms).unwrap_or(0);
        assert!(poll.at_ms >= before + INTERVAL, "{} after {before}", poll.at_ms);
        assert_eq!(poll.answer, "authorization_pending", "never told to slow down");
        *seconds.entry(poll.at_ms / 100).or_default() += 1;
    }
    assert_eq!(last.len(), 400, "each was asked for");
    let busiest = seconds.values().max().unwrap();
    assert!(*busiest <= 100, "400 that began at one moment do not ask at one moment: {seconds:?}");
    drop(flows);
}

#[test]
fn flows_that_are_added_together_are_asked_for_over_the_whole_of_their_interval_again_and_again() {
    const FLOWS: u64 = 500;
    let pair = Pair::with(ciba_sim::personality::generic(), |config| config.interval = Some(1));
    let client = pair.client();
    let set = FlowSet::new(&client).unwrap();
    let stopped = pair.stop_the_clock();
    let flows: Vec<Flow> = (0..FLOWS).map(|_| client.init(&pair.request(), None).unwrap()).collect();
    for flow in &flows {
        set.add(flow, ()).unwrap();
    }
    drop(stopped);
    assert_eq!(set.wait(Some(Duration::from_millis(4_599))).unwrap(), None);

    // The first 200 ms later than the interval, as ever; so rounds begin 1,200 ms after one another.
    let mut tenths = std::collections::BTreeMap::<u64, u64>::new();
    let in_three_rounds = |entry: &&ciba_sim::Entry| entry.kind == Kind::Poll && entry.at_ms < 4_600;
    for poll in pair.provider.journal().iter().filter(in_three_rounds) {
        assert_eq!(poll.answer, "authorization_pending", "never told to slow down");
        *tenths.entry(poll.at_ms / 100).or_default() += 1;
    }
    // A poll that a busy machine sends a little late may count in the next tenth.
    for tenth in 0..46 {
        let expected =
            if [12..22, 24..34, 36..46].iter().any(|round| round.contains(&tenth)) { FLOWS / 10 } else { 0 };
        let count = tenths.get(&tenth).copied().unwrap_or_default();
        assert!(
            count.abs_diff(expected) <= 10,
            "each tenth of the interval has its tenth of the polls: {tenths:?}"
        );
    }
}
