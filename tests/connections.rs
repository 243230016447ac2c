//! What goes over a connection and how long it is kept: one for a whole sign-in, nothing that a
//! server asks to be remembered, no answer without bounds, and no doubt about what was sent.

mod common;
mod sockets;

use std::io::Write;
use std::net::Shutdown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ciba::{Client, Event, Level, Status};
use ciba_sim::{Answer, Fault, Kind};
use common::{Pair, eventually};
use sockets::{LONG, Relay, Server, acknowledged, answer, config, engine, ms, relayed, request, timed};

#[test]
fn a_whole_sign_in_takes_one_connection_and_so_do_the_next_ones() {
    let pair = Pair::signaturgruppen();
    let relay = Relay::to(pair.provider.base_url());
    let client = relayed(&pair, &relay, &[]);
    for _ in 0..3 {
        let words = [("login_hint_token.referenceTextBody", "approve after 12 s")];
        let flow = client.init(&pair.request_with(&words), None).unwrap();
        assert_eq!(Pair::outcome(&flow), Status::OK);
    }
    assert_eq!(pair.provider.request_count(Kind::Poll), 9);
    assert_eq!(relay.server.accepted(), 1, "start, keys and polls");
    // Another client, equal in all: a connection of its own.
    relayed(&pair, &relay, &[]).init(&pair.request(), None).unwrap();
    assert_eq!(relay.server.accepted(), 2);
}

#[test]
fn a_connection_that_was_closed_while_idle_is_replaced_and_the_start_is_sent_once() {
    let starts = Arc::new(AtomicUsize::new(0));
    let count = starts.clone();
    let server = Server::answering(move |request, _| {
        count.fetch_add(usize::from(request.starts_with("POST /start")), Ordering::SeqCst);
        acknowledged(5)
    });
    let engine = engine(common::lookup());
    let client = Client::new(&config(&engine, &server.url(), &[])).unwrap();
    for round in 1..=20 {
        client.init(&request(), None).unwrap();
        server.close_all();
        assert_eq!(starts.load(Ordering::SeqCst), round);
    }
    assert!(server.accepted() >= 20, "each had a connection of its own");
}

/// The end of the connection is there, but the engine, which is kept busy by a log, has not seen it
/// when it takes the connection from the pool: the most usual way to lose a request.
#[test]
fn a_connection_that_is_closed_as_a_start_takes_it_makes_no_start_unknown_r48() {
    let starts = Arc::new(AtomicUsize::new(0));
    let count = starts.clone();
    let server = Arc::new(Server::answering(move |request, _| {
        count.fetch_add(usize::from(request.starts_with("POST /start")), Ordering::SeqCst);
        acknowledged(5)
    }));
    let engine = engine(common::lookup());
    let mut config = config(&engine, &server.url(), &[]);
    let closing = server.clone();
    config.add_log(
        Level::Info,
        Arc::new(move |event: &Event<'_>| {
            if event.name == "start.sent" {
                closing.close_all();
                thread::sleep(Duration::from_millis(5)); // on the engine's thread
            }
        }),
    );
    let client = Client::new(&config).unwrap();
    for round in 1..=20 {
        client.init(&request(), None).unwrap();
        assert_eq!(starts.load(Ordering::SeqCst), round);
    }
    assert!(server.accepted() >= 20, "each had a connection of its own");
}

#[test]
fn only_a_request_that_may_have_been_read_leaves_a_start_unknown_r48() {
    let engine = engine(common::lookup());
    // The request is read, and the connection then closed without an answer.
    let read = Server::answering(|_, _| Vec::new());
    let error = Client::new(&config(&engine, &read.url(), &[])).unwrap().init(&request(), None).unwrap_err();
    assert_eq!(error.status(), Status::START_UNKNOWN, "{error}");
    // Closed before TLS is there: nothing was sent.
    let closed = Server::new(|stream, _| drop(stream.shutdown(Shutdown::Both)));
    let https = format!("https://127.0.0.1:{}", closed.port);
    let error = Client::new(&config(&engine, &https, &[])).unwrap().init(&request(), None).unwrap_err();
    assert!(error.status() != Status::START_UNKNOWN, "{error}");
}

#[test]
fn a_start_that_is_cancelled_before_it_left_never_leaves() {
    let pair = Pair::signaturgruppen();
    let relay = Relay::to(pair.provider.base_url());
    let client = relayed(&pair, &relay, &[]);
    relay.open(false);
    let flow = client.begin(&pair.request()).unwrap();
    eventually("it connects", || relay.server.accepted() == 1);
    assert!(flow.cancel(None).unwrap(), "nothing is left to cancel at the provider");
    relay.open(true);
    assert_eq!(flow.wait_started(None).unwrap_err().status(), Status::CANCELLED);
    // The twin that is not cancelled goes through, and is the only one.
    relay.open(false);
    let twin = client.begin(&pair.request()).unwrap();
    eventually("it connects", || relay.server.accepted() == 2);
    relay.open(true);
    assert!(twin.wait_started(None).unwrap());
    pair.settle();
    assert_eq!(pair.provider.request_count(Kind::Start), 1);
    assert_eq!(pair.provider.request_count(Kind::Cancel), 0);
}

#[test]
fn a_poll_that_has_not_left_at_the_deadline_never_leaves_and_the_flow_expires_r49() {
    let pair = Pair::signaturgruppen();
    let relay = Relay::to(pair.provider.base_url());
    let client = relayed(&pair, &relay, &[("connect_timeout_ms", "60000")]);
    let flow = client.init(&pair.request_with(&[("requested_expiry", "20")]), None).unwrap();
    eventually("the keys are here", || pair.provider.request_count(Kind::Jwks) == 1);
    relay.open(false);
    relay.server.close_all();
    pair.time.advance(6_000);
    assert!(flow.poll(ms(0)).unwrap().is_none());
    eventually("it connects", || relay.server.accepted() == 2);
    pair.time.advance(14_000);
    assert_eq!(flow.outcome(), Status::EXPIRED, "not unknown: no answer is owed to what was never sent");
    relay.open(true);
    pair.settle();
    assert_eq!(pair.provider.request_count(Kind::Poll), 0);
}

#[test]
fn an_answer_is_read_up_to_the_limit_and_no_further() {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let endless = Server::new(move |mut stream, _| {
        sockets::read_request(&mut stream).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n").unwrap();
        while stream.write_all(&[b' '; 4096]).is_ok() {
            count.fetch_add(4096, Ordering::SeqCst);
        }
    });
    let engine = engine(common::lookup());
    let limit = [("max_answer_bytes", "65536")];
    let client = Client::new(&config(&engine, &endless.url(), &limit)).unwrap();
    let (took, error) = timed(|| client.init(&request(), None).unwrap_err());
    assert_eq!(error.status(), Status::START_UNKNOWN);
    assert_eq!(error.message(), "the answer is larger than 65536 bytes");
    assert!(took < LONG);
    println!("an endless answer was ended after {} bytes", sent.load(Ordering::SeqCst));
    assert!(sent.load(Ordering::SeqCst) < 32 << 20, "what the sockets hold and no more");

    for (bytes, status) in [(65_536, Status::OK), (65_537, Status::START_UNKNOWN)] {
        let server = Server::answering(move |_, _| {
            let body = r#"{"auth_req_id":"a1","expires_in":120}"#;
            answer(200, "", &format!("{body}{}", " ".repeat(bytes - body.len())))
        });
        let started = Client::new(&config(&engine, &server.url(), &limit)).unwrap().init(&request(), None);
        assert_eq!(started.map_or_else(|e| e.status(), |_| Status::OK), status, "{bytes}");
    }
}

#[test]
fn an_answer_that_drips_is_cut_when_its_time_is_up() {
    let drip = Server::new(|mut stream, _| {
        sockets::read_request(&mut stream).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n").unwrap();
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let engine = engine(common::lookup());
    let client = Client::new(&config(&engine, &drip.url(), &[("request_timeout_ms", "300")])).unwrap();
    let (took, error) = timed(|| client.init(&request(), None).unwrap_err());
    assert_eq!(error.status(), Status::START_UNKNOWN);
    assert_eq!(error.message(), "no complete answer within 300 ms");
    assert!(took < LONG, "{took:?}");
}

#[test]
fn a_head_without_an_end_is_not_read_for_ever() {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let endless = Server::new(move |mut stream, _| {
        sockets::read_request(&mut stream).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
        while stream.write_all(b"X-More: 0123456789012345678901234567890123456789\r\n").is_ok() {
            count.fetch_add(48, Ordering::SeqCst);
        }
    });
    let engine = engine(common::lookup());
    let client = Client::new(&config(&engine, &endless.url(), &[])).unwrap();
    let (took, error) = timed(|| client.init(&request(), None).unwrap_err());
    assert_eq!(error.status(), Status::START_UNKNOWN);
    assert!(took < LONG && sent.load(Ordering::SeqCst) < 32 << 20, "{took:?}");
}

#[test]
fn requests_carry_the_headers_that_they_need_and_no_other() {
    let pair = Pair::signaturgruppen();
    let ack = r#"{"auth_req_id":"a1","expires_in":60,"interval":5}"#;
    let cookie = Answer::json(200, ack).header("set-cookie", "session=planted; Path=/");
    pair.provider.next(Kind::Start, Fault::Answer(cookie));
    let denied = Answer::json(400, r#"{"error":"access_denied"}"#).header("set-cookie", "again=planted");
    pair.provider.next(Kind::Poll, Fault::Answer(denied));
    let flow = pair.client().init(&pair.request(), None).unwrap();
    assert_eq!(Pair::outcome(&flow), Status::DENIED);
    pair.client().init(&pair.request(), None).unwrap().cancel(None).unwrap();
    let version = format!("libciba/{}", ciba::VERSION);
    for entry in pair.provider.journal() {
        let mut names: Vec<&str> = entry.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let expected: &[&str] = match entry.method.as_str() {
            "POST" => &["accept", "authorization", "content-length", "content-type", "host", "user-agent"],
            _ => &["accept", "host", "user-agent"],
        };
        assert_eq!(names, expected, "{}", entry.line());
        assert_eq!(entry.header("accept"), Some("application/json"));
        assert_eq!(entry.header("user-agent"), Some(version.as_str()));
        let length = entry.header("content-length").map_or(0, |n| n.parse().unwrap());
        assert_eq!(length, entry.body.len());
    }
}

#[test]
fn no_redirect_is_followed_and_nothing_reaches_where_it_points() {
    let elsewhere = Server::answering(|_, _| acknowledged(5));
    let engine = engine(common::lookup());
    for status in [301, 302, 303, 307, 308] {
        let location = format!("Location: {}/start\r\n", elsewhere.url());
        let server = Server::answering(move |_, _| answer(status, &location, ""));
        let client = Client::new(&config(&engine, &server.url(), &[])).unwrap();
        let error = client.init(&request(), None).unwrap_err();
        assert_eq!((error.status(), error.http_status()), (Status::REDIRECTED, Some(status)));
        client.check(None).unwrap_err();
    }
    assert_eq!(elsewhere.accepted(), 0);
}

#[test]
fn a_long_held_poll_keeps_no_start_waiting_however_many_there_are() {
    let held = Arc::new(Mutex::new(()));
    let lock = held.lock().unwrap();
    let gate = held.clone();
    let server = Server::answering(move |request, _| {
        if request.starts_with("POST /start") {
            return acknowledged(1);
        }
        drop(gate.lock());
        answer(400, "", r#"{"error":"access_denied"}"#)
    });
    let engine = engine(common::lookup());
    let client = Client::new(&config(&engine, &server.url(), &[])).unwrap();
    // More token requests than may be under way at once.
    let flows: Vec<_> = (0..260).map(|_| client.begin(&request()).unwrap()).collect();
    flows.iter().for_each(|flow| assert!(flow.wait_started(None).unwrap()));
    thread::sleep(Duration::from_millis(1_300));
    flows.iter().for_each(|flow| assert!(flow.poll(ms(0)).unwrap().is_none()));
    let (took, started) = timed(|| client.init(&request(), None).map(drop));
    started.unwrap();
    assert!(took < Duration::from_secs(5), "{took:?}");
    drop(lock);
    flows.iter().for_each(|flow| assert_eq!(Pair::outcome(flow), Status::DENIED));
}
