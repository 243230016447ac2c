//! Names, connections and timeouts on real sockets in real time: what is slow or dead delays nobody
//! who did not ask to wait, and whether anything was sent is told as it is.

mod common;
mod sockets;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ciba::{Client, Flow, Lookup, Status};
use ciba_sim::{Fault, Kind};
use common::{Pair, eventually};
use sockets::{LONG, Server, acknowledged, answer, config, engine, ms, pending, request, timed};

/// A name server that is silent about some names until it is released.
#[derive(Clone, Default)]
struct NameServer {
    gate: Arc<(Mutex<bool>, Condvar)>,
    under_way: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl NameServer {
    fn lookup(&self) -> Lookup {
        let NameServer { gate, under_way, most } = self.clone();
        Arc::new(move |host: &str| {
            if host.ends_with("unknown.example") {
                return Err(io::ErrorKind::NotFound.into());
            }
            if host.ends_with("silent.example") {
                most.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                drop(gate.1.wait_while(gate.0.lock().unwrap(), |open| !*open).unwrap());
                under_way.fetch_sub(1, Ordering::SeqCst);
                return Err(io::ErrorKind::TimedOut.into());
            }
            Ok(vec![([127, 0, 0, 1], 0).into()])
        })
    }

    fn release(&self) {
        *self.gate.0.lock().unwrap() = true;
        self.gate.1.notify_all();
    }
}

#[test]
fn a_silent_name_server_holds_up_no_call_that_does_not_wait_and_takes_two_threads_at_most() {
    let names = NameServer::default();
    let engine = engine(names.lookup());
    let mut longest = Duration::ZERO;
    let mut flows = Vec::new();
    for host in 0..8 {
        let issuer = format!("https://{host}.silent.example");
        let client = Client::new(&config(&engine, &issuer, &[])).unwrap();
        let mut quick = |what: &str, call: &mut dyn FnMut()| {
            let (took, ()) = timed(call);
            longest = longest.max(took);
            assert!(took < Duration::from_millis(100), "{what} took {took:?}");
        };
        let mut begun = None;
        quick("begin", &mut || begun = Some(client.begin(&request()).unwrap()));
        let flow = begun.unwrap();
        quick("poll", &mut || assert!(flow.poll(ms(0)).unwrap().is_none()));
        quick("step", &mut || assert!(flow.step(ms(0)).unwrap().is_none()));
        quick("wait_started", &mut || assert!(!flow.wait_started(ms(0)).unwrap()));
        quick("check", &mut || assert!(!client.check(ms(0)).unwrap()));
        quick("accessors", &mut || {
            assert_eq!((flow.outcome(), flow.expires_at()), (Status::PENDING, None));
            assert!(flow.next_poll_at().is_none() && flow.auth_req_id().is_none());
            let _ = (flow.progress(), flow.last_trouble(), format!("{flow:?}"));
        });
        match host % 2 {
            0 => quick("cancel", &mut || assert!(flow.cancel(ms(0)).unwrap(), "nothing left to wait for")),
            _ => {
                let mut gone = Some(client.begin(&request()).unwrap());
                quick("drop", &mut || drop(gone.take()));
            }
        }
        flows.push(flow);
    }
    println!("longest call with timeout 0: {longest:?}");
    let by_address = Server::answering(|_, _| acknowledged(5));
    let client = Client::new(&config(&engine, &by_address.url(), &[])).unwrap();
    let (took, started) = timed(|| client.init(&request(), None).map(drop));
    started.unwrap();
    assert!(took < Duration::from_secs(5), "{took:?}");
    eventually("two names are asked for", || names.most.load(Ordering::SeqCst) >= 2);
    names.release();
    eventually("all are answered", || flows.iter().all(|flow| flow.outcome() != Status::PENDING));
    assert_eq!(names.most.load(Ordering::SeqCst), 2, "resolver threads");
}

#[test]
fn one_silent_host_leaves_a_resolver_thread_to_the_others() {
    let names = NameServer::default();
    let engine = engine(names.lookup());
    let silent = Client::new(&config(&engine, "https://silent.example", &[])).unwrap();
    let flow = silent.begin(&request()).unwrap();
    eventually("the lookup has begun", || names.under_way.load(Ordering::SeqCst) == 1);
    let other = Server::answering(|_, _| acknowledged(5));
    let issuer = format!("http://localhost:{}", other.port);
    let client = Client::new(&config(&engine, &issuer, &[])).unwrap();
    let (took, started) = timed(|| client.init(&request(), None).map(drop));
    started.unwrap();
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(flow.outcome(), Status::PENDING);
    names.release();
}

#[test]
fn a_name_that_is_not_resolved_has_a_status_of_its_own_whether_unknown_or_unanswered() {
    let names = NameServer::default();
    let engine = engine(names.lookup());
    for (host, most, says) in [
        ("unknown.example", LONG, "could not be resolved"),
        ("silent.example", Duration::from_secs(5), "was not resolved in time"),
    ] {
        let settings = config(&engine, &format!("https://{host}"), &[("connect_timeout_ms", "300")]);
        let client = Client::new(&settings).unwrap();
        let (took, error) = timed(|| client.init(&request(), None).unwrap_err());
        assert_eq!(error.status(), Status::NAME_RESOLUTION_FAILED, "{error}");
        assert!(error.message().contains(host) && error.message().contains(says), "{error}");
        assert!(took < most, "{took:?}");
        let failed = client.check(None).unwrap_err();
        assert!(failed.message().contains(says), "{failed}");
    }
    names.release();
}

#[test]
fn the_last_good_addresses_serve_while_the_name_server_is_silent() {
    let (silent, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (hold, count) = (silent.clone(), calls.clone());
    let engine = engine(Arc::new(move |_: &str| {
        count.fetch_add(1, Ordering::SeqCst);
        while hold.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(5));
        }
        Ok(vec![([127, 0, 0, 1], 0).into()])
    }));
    // Each answer ends its connection, so each request needs the name again.
    let server = Server::answering(|_, _| {
        let body = r#"{"auth_req_id":"a1","expires_in":120}"#;
        answer(200, "Connection: close\r\n", body)
    });
    let issuer = format!("http://localhost:{}", server.port);
    let client = Client::new(&config(&engine, &issuer, &[])).unwrap();
    client.init(&request(), None).unwrap();
    silent.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        let (took, started) = timed(|| client.init(&request(), None).map(drop));
        started.unwrap();
        assert!(took < Duration::from_secs(9), "before the lookup ends: {took:?}");
    }
    silent.store(false, Ordering::SeqCst);
    assert!(calls.load(Ordering::SeqCst) >= 2, "it was asked again");
}

#[test]
fn where_nobody_listens_nothing_was_sent_and_the_status_says_so() {
    let engine = engine(common::lookup());
    let server = Server::answering(|_, _| acknowledged(5));
    let client = Client::new(&config(&engine, &server.url(), &[])).unwrap();
    client.init(&request(), None).unwrap();
    let url = server.url();
    drop(server);
    let error = Client::new(&config(&engine, &url, &[])).unwrap().init(&request(), None).unwrap_err();
    assert_eq!(error.status(), Status::CONNECT_FAILED);
    assert_eq!(error.message(), "127.0.0.1 could not be reached: connection refused");
}

#[test]
fn each_timeout_bounds_its_own_part() {
    let engine = engine(common::lookup());
    let tcp = Server::silent();
    let (short, long) = ("200", "60000");
    let https = format!("https://127.0.0.1:{}", tcp.port);
    for (issuer, connect, answer, status, says) in [
        // TLS never comes about: a matter of connecting; nothing was sent.
        (
            &https,
            short,
            long,
            Status::CONNECT_FAILED,
            "127.0.0.1 could not be reached: no connection in time",
        ),
        // Connected and sent at once: a matter of the answer.
        (&tcp.url(), long, short, Status::START_UNKNOWN, "no complete answer within 200 ms"),
    ] {
        let settings = [("connect_timeout_ms", connect), ("request_timeout_ms", answer)];
        let client = Client::new(&config(&engine, issuer, &settings)).unwrap();
        let (took, error) = timed(|| client.init(&request(), None).unwrap_err());
        assert_eq!((error.status(), error.message()), (status, says));
        assert!(took < LONG, "not the other timeout: {took:?}");
        assert!(took >= Duration::from_millis(200), "{took:?}");
    }
}

#[test]
fn the_time_for_an_answer_counts_from_when_the_request_left() {
    let engine = engine(common::lookup());
    let server = Server::answering(|_, _| {
        thread::sleep(Duration::from_millis(300));
        acknowledged(5)
    });
    let slow = sockets::engine(Arc::new(|_: &str| {
        thread::sleep(Duration::from_millis(1_000));
        Ok(vec![([127, 0, 0, 1], 0).into()])
    }));
    let issuer = format!("http://localhost:{}", server.port);
    let client = Client::new(&config(&slow, &issuer, &[("request_timeout_ms", "900")])).unwrap();
    client.init(&request(), None).unwrap(); // 1,000 ms for the name and 300 ms for the answer
    let hasty = Client::new(&config(&engine, &server.url(), &[("request_timeout_ms", "100")])).unwrap();
    assert_eq!(hasty.init(&request(), None).unwrap_err().status(), Status::START_UNKNOWN);
}

#[test]
fn the_interval_counts_from_when_a_poll_left_not_from_when_it_began_to_connect_r41() {
    let arrivals = Arc::new(Mutex::new(Vec::new()));
    let seen = arrivals.clone();
    let server = Server::answering(move |request, _| {
        let mut seen = seen.lock().unwrap();
        seen.push((request.split(' ').nth(1).unwrap_or_default().to_owned(), Instant::now()));
        match (request.starts_with("POST /start"), seen.len()) {
            (true, _) => acknowledged(1),
            (false, ..=3) => pending(),
            _ => answer(400, "", r#"{"error":"access_denied"}"#),
        }
    });
    let slow = Arc::new(AtomicBool::new(false));
    let slowly = slow.clone();
    let engine = engine(Arc::new(move |_: &str| {
        if slowly.swap(false, Ordering::SeqCst) {
            thread::sleep(Duration::from_secs(3));
        }
        Ok(vec![([127, 0, 0, 1], 0).into()])
    }));
    let issuer = format!("http://localhost:{}", server.port);
    let client = Client::new(&config(&engine, &issuer, &[])).unwrap();
    let flow = client.init(&request(), None).unwrap();
    eventually("the keys are asked for", || arrivals.lock().unwrap().len() == 2);
    slow.store(true, Ordering::SeqCst);
    server.close_all(); // so the first poll connects anew, and slowly
    assert_eq!(Pair::outcome(&flow), Status::DENIED);
    let arrivals = arrivals.lock().unwrap();
    let paths: Vec<&str> = arrivals.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["/start", "/jwks", "/token", "/token"]);
    assert!(!slow.load(Ordering::SeqCst), "the first poll was slow to connect");
    let apart = arrivals[3].1 - arrivals[2].1;
    assert!(apart >= Duration::from_millis(1_000), "{apart:?}");
}

#[test]
fn a_dead_host_delays_no_flow_of_another_client() {
    let pair = Pair::signaturgruppen();
    let dead = Server::silent();
    let client = Client::new(&config(&pair.engine, &dead.url(), &[])).unwrap();
    let stuck: Vec<Flow> = (0..50).map(|_| client.begin(&request()).unwrap()).collect();
    eventually("all are connected", || dead.accepted() >= stuck.len());
    let good = pair.client();
    for _ in 0..5 {
        let (took, started) = timed(|| good.init(&pair.request(), None).map(drop));
        started.unwrap();
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
    assert!(stuck.iter().all(|flow| flow.outcome() == Status::PENDING));
}

#[test]
fn many_starts_at_a_silent_provider_share_one_discovery_and_its_failure() {
    let engine = engine(common::lookup());
    let dead = Server::silent();
    let settings = [
        ("backchannel_authentication_endpoint", ""),
        ("token_endpoint", ""),
        ("jwks_uri", ""),
        ("connect_timeout_ms", "300"),
        ("request_timeout_ms", "300"),
    ];
    let client = Client::new(&config(&engine, &dead.url(), &settings)).unwrap();
    let flows: Vec<Flow> = (0..40).map(|_| client.begin(&request()).unwrap()).collect();
    let (took, ()) = timed(|| {
        for flow in &flows {
            assert_eq!(flow.wait_started(None).unwrap_err().status(), Status::DISCOVERY_FAILED);
        }
    });
    assert_eq!(dead.accepted(), 1);
    assert!(took < Duration::from_secs(5), "one timeout, not forty: {took:?}");
    // Whoever comes later tries again.
    assert_eq!(client.init(&request(), None).unwrap_err().status(), Status::DISCOVERY_FAILED);
    assert_eq!(dead.accepted(), 2);
}

#[test]
fn a_cancel_wakes_a_waiting_poll_at_once_while_the_provider_holds_it_open() {
    let pair = Pair::signaturgruppen();
    let client = pair.client();
    let mut took = Vec::new();
    for round in 1..=20 {
        pair.provider.next(Kind::Poll, Fault::Silent);
        let flow = Arc::new(client.init(&pair.request(), None).unwrap());
        let waiter = {
            let flow = flow.clone();
            thread::spawn(move || (flow.poll(None).unwrap_err().status(), Instant::now()))
        };
        eventually("the poll is held", || pair.provider.request_count(Kind::Poll) == round);
        let begun = Instant::now();
        assert!(flow.cancel(None).unwrap(), "the provider's own cancel call is answered");
        let (status, woken) = waiter.join().unwrap();
        assert_eq!(status, Status::CANCELLED);
        took.push(woken - begun);
    }
    took.sort();
    println!("cancel to wake: median {:?}, longest {:?}", took[took.len() / 2], took[took.len() - 1]);
    assert!(took[took.len() - 1] < Duration::from_secs(1), "{took:?}");
}
