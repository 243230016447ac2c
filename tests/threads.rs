//! Many threads at once, callbacks that panic, and handles that go in any order.

mod common;
mod sockets;

use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ciba::{Client, Clock, ClockHold, Config, Engine, Event, Flow, Level, Progress, Status, SystemClock};
use ciba_sim::{Fault, Kind};
use common::{Pair, error, eventually};
use sockets::{Server, acknowledged, answer, config, ms, pending, request};

#[test]
fn two_hundred_flows_in_two_hundred_threads_each_make_their_own_polls_and_no_more_r41_r42() {
    const FLOWS: usize = 200;
    let pair = Pair::generic();
    let client = pair.client();
    let still = pair.stop_the_clock();
    let words = [("binding_message", "approve after 7 s")];
    let waiting = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..FLOWS)
        .map(|_| {
            let (client, request, waiting) = (client.clone(), pair.request_with(&words), waiting.clone());
            thread::spawn(move || {
                let flow = client.init(&request, None).unwrap();
                let seen = AtomicUsize::new(0);
                flow.on_progress(move |_| {
                    waiting
                        .fetch_add(usize::from(seen.fetch_add(1, Ordering::SeqCst) == 0), Ordering::SeqCst);
                })
                .unwrap();
                assert_eq!(Pair::outcome(&flow), Status::OK);
                flow
            })
        })
        .collect();
    eventually("all wait", || waiting.load(Ordering::SeqCst) == FLOWS);
    drop(still);
    let flows: Vec<Flow> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();

    let mut polls: HashMap<String, Vec<(u64, String)>> = HashMap::new();
    for entry in pair.provider.journal().into_iter().filter(|entry| entry.kind == Kind::Poll) {
        polls.entry(entry.param("auth_req_id").unwrap()).or_default().push((entry.at_ms, entry.answer));
    }
    assert_eq!(polls.len(), FLOWS);
    for made in polls.values() {
        let expected = [(5_200, "authorization_pending".to_owned()), (10_400, "tokens".to_owned())];
        assert_eq!(made.as_slice(), expected);
    }
    for _ in 0..3 {
        flows.iter().for_each(|flow| drop(flow.poll(ms(0))));
        pair.time.advance(6_000);
        pair.settle();
    }
    let kinds = [Kind::Discovery, Kind::Start, Kind::Jwks, Kind::Poll, Kind::Cancel];
    let counts = kinds.map(|kind| pair.provider.request_count(kind));
    assert_eq!(counts, [1, 200, 1, 400, 0]);
}

#[test]
fn a_log_that_panics_ends_no_sign_in_and_keeps_no_event_from_other_logs() {
    let pair = Pair::signaturgruppen();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let panicking = Arc::new(move |_: &Event<'_>| {
        count.fetch_add(1, Ordering::SeqCst);
        panic!("planted");
    });
    let mut config = pair.config(&[]);
    config.add_log(Level::Debug, panicking);
    let client = Client::new(&config).unwrap();
    let words = [("login_hint_token.referenceTextBody", "approve after 1 s")];
    let flow = client.init(&pair.request_with(&words), None).unwrap();
    assert_eq!(Pair::outcome(&flow), Status::OK);
    let names = pair.events.names();
    for name in
        ["start.sent", "start.acknowledged", "keys.fetched", "poll.sent", "poll.tokens", "flow.approved"]
    {
        assert!(names.iter().any(|n| n == name), "{name} among {names:?}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), names.len(), "it is still told");
}

#[test]
fn a_progress_callback_that_panics_ends_its_own_call_and_nothing_else() {
    let pair = Pair::signaturgruppen();
    let client = pair.client();
    let flow = Arc::new(client.init(&pair.request(), None).unwrap());
    flow.on_progress(|_| panic!("planted")).unwrap();
    let still = pair.stop_the_clock();
    assert!(catch_unwind(AssertUnwindSafe(|| flow.poll(None))).is_err(), "the caller's own panic");
    drop(still);
    assert_eq!(flow.outcome(), Status::PENDING);
    eventually("the keys are here", || pair.provider.request_count(Kind::Jwks) == 1);
    pair.time.advance(20_000);
    pair.settle();
    assert_eq!(pair.provider.request_count(Kind::Poll), 0, "nobody waits any more");

    let told = Arc::new(AtomicUsize::new(0));
    let count = told.clone();
    let tell = move |_: &Progress| _ = count.fetch_add(1, Ordering::SeqCst);
    flow.on_progress(tell).unwrap();
    pair.provider.approve(&pair.provider.newest().unwrap());
    pair.provider.next(Kind::Poll, Fault::Hold(1_000)); // until the clock may go on
    let still = pair.stop_the_clock();
    let waiter = thread::spawn(move || Pair::outcome(&flow));
    eventually("another callback is told", || told.load(Ordering::SeqCst) > 0);
    drop(still);
    assert_eq!(waiter.join().unwrap(), Status::OK);
    assert_eq!(Pair::outcome(&client.init(&pair.request(), ms(0)).unwrap()), Status::EXPIRED);
}

#[test]
fn a_watch_that_panics_on_the_engines_thread_ends_nothing() {
    let pair = Pair::signaturgruppen();
    let flow = pair.flow_that("approve after 1 s");
    let watch = flow.watch(|_| panic!("planted")).unwrap();
    eventually("the outcome", || flow.outcome() == Status::OK);
    drop(watch);
    assert_eq!(Pair::outcome(&pair.flow_that("approve after 1 s")), Status::OK);
}

/// A real clock that notes which threads of its engine ask it, by their entries in /proc.
struct Noting(Arc<Mutex<Vec<PathBuf>>>);

impl Noting {
    fn note(list: &Mutex<Vec<PathBuf>>) {
        let task = std::fs::read_link("/proc/thread-self").unwrap();
        let task = PathBuf::from("/proc").join(task);
        let mut list = list.lock().unwrap();
        if !list.contains(&task) {
            list.push(task);
        }
    }
}

impl Clock for Noting {
    fn now(&self) -> u64 {
        if thread::current().name() == Some("ciba-engine") {
            Noting::note(&self.0);
        }
        SystemClock.now()
    }

    fn unix_ms(&self) -> i64 {
        SystemClock.unix_ms()
    }

    fn sleep_until(&self, when: u64) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        SystemClock.sleep_until(when)
    }

    fn hold(&self) -> ClockHold {
        None
    }
}

/// What a test holds, to be dropped in any order.
enum Handle {
    Engine { _it: Engine },
    Config { _it: Config },
    Client { _it: Client },
    Flow { _it: Arc<Flow> },
}

#[test]
fn handles_go_in_any_order_and_the_threads_of_an_engine_go_with_the_last() {
    let tasks = Arc::<Mutex<Vec<PathBuf>>>::default();
    let server =
        Server::answering(
            |request, _| {
                if request.starts_with("POST /start") { acknowledged(1) } else { pending() }
            },
        );
    let issuer = format!("http://localhost:{}", server.port);
    let mut orders: Vec<Vec<usize>> = vec![Vec::new()];
    for next in 0..4 {
        let longer = |order: &Vec<usize>| -> Vec<Vec<usize>> {
            let insert = |at| [&order[..at], &[next], &order[at..]].concat();
            (0..=order.len()).map(insert).collect()
        };
        orders = orders.iter().flat_map(longer).collect();
    }
    assert_eq!(orders.len(), 24);
    for (number, order) in orders.into_iter().enumerate() {
        let (noted, resolvers) = (tasks.clone(), tasks.clone());
        let lookup = Arc::new(move |_: &str| {
            Noting::note(&resolvers);
            Ok(vec![([127, 0, 0, 1], 0).into()])
        });
        let engine = Engine::start(Arc::new(Noting(noted)), lookup).unwrap();
        let config = config(&engine, &issuer, &[]);
        let client = Client::new(&config).unwrap();
        let flow = Arc::new(match number % 4 {
            0 => client.begin(&request()).unwrap(), // on its way
            _ => client.init(&request(), None).unwrap(),
        });
        match number % 4 {
            1 => drop(flow.poll(ms(1)).unwrap()),
            2 => assert!(flow.cancel(ms(0)).unwrap()),
            3 => assert!(flow.step(ms(0)).unwrap().is_none()),
            _ => {}
        }
        let mut handles = [
            Some(Handle::Engine { _it: engine }),
            Some(Handle::Config { _it: config }),
            Some(Handle::Client { _it: client }),
            Some(Handle::Flow { _it: flow }),
        ];
        order.into_iter().for_each(|at| drop(handles[at].take()));
    }
    let noted = tasks.lock().unwrap().clone();
    assert!(noted.len() >= 42, "24 of engines, one of a resolver for each start that was waited for");
    eventually("all are gone", || noted.iter().all(|task| !task.exists()));
}

#[test]
fn a_call_that_is_inside_when_the_rest_goes_ends_by_itself() {
    let server = Server::answering(|request, _| match request {
        start if start.starts_with("POST /start") => acknowledged(1),
        _ => answer(400, "", r#"{"error":"access_denied"}"#),
    });
    let engine = sockets::engine(common::lookup());
    let client = Client::new(&config(&engine, &server.url(), &[])).unwrap();
    let flow = client.init(&request(), None).unwrap();
    let inside = thread::spawn(move || Pair::outcome(&flow));
    drop((engine, client));
    assert_eq!(inside.join().unwrap(), Status::DENIED);
}

#[test]
fn a_flow_that_is_dropped_is_held_by_nobody_whatever_was_done_with_it_before() {
    let pair = Pair::signaturgruppen();
    let client = pair.client();
    let begin = || client.begin(&pair.request()).unwrap();
    let start = || client.init(&pair.request(), None).unwrap();
    let due = || {
        pair.settle();
        pair.time.advance(6_000);
    };
    type Case<'a> = (&'a str, &'a dyn Fn() -> Flow, &'a dyn Fn(&Flow));
    let cases: &[Case<'_>] = &[
        ("nothing", &start, &|_| ()),
        ("a wait for the start", &begin, &|flow| assert!(flow.wait_started(None).unwrap())),
        ("a step", &start, &|flow| {
            due();
            assert!(flow.step(None).unwrap().is_none());
        }),
        ("a poll that was given up", &start, &|flow| assert!(flow.poll(ms(100)).unwrap().is_none())),
        ("a poll under way", &start, &|flow| {
            due();
            pair.provider.next(Kind::Poll, Fault::Silent);
            let before = pair.provider.request_count(Kind::Poll);
            assert!(flow.poll(ms(0)).unwrap().is_none());
            eventually("it is there", || pair.provider.request_count(Kind::Poll) > before);
        }),
        ("a cancel", &start, &|flow| assert!(flow.cancel(None).unwrap())),
        ("a cancel of the start", &begin, &|flow| assert!(flow.cancel(None).unwrap())),
        ("a denial", &start, &|flow| {
            pair.provider.next(Kind::Poll, error(400, "access_denied"));
            assert_eq!(Pair::outcome(flow), Status::DENIED);
        }),
    ];
    for (what, make, done) in cases {
        let held = Arc::new(());
        let flow = make();
        let inside = held.clone();
        flow.on_progress(move |_| drop(inside.clone())).unwrap();
        done(&flow);
        assert_eq!(Arc::strong_count(&held), 2, "{what}: the callback lives with the flow");
        drop(flow);
        eventually(what, || {
            Arc::strong_count(&held) == 1 || {
                pair.time.advance(1_000);
                false
            }
        });
    }
}

#[test]
fn making_clients_in_many_threads_reads_the_roots_once() {
    let began = std::time::Instant::now();
    let engine = sockets::engine(common::lookup());
    let make = || drop(Client::new(&config(&engine, "https://id.example", &[])).unwrap());
    make();
    let one = began.elapsed();
    let began = std::time::Instant::now();
    thread::scope(|scope| (0..16).for_each(|_| drop(scope.spawn(make))));
    println!("first client {one:?}, sixteen more in sixteen threads {:?}", began.elapsed());
    assert!(began.elapsed() < one * 16 + Duration::from_secs(1));
}
