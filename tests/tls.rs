//! TLS: who is trusted and who is not, and that nothing is sent to whom is not.

mod common;
mod sockets;

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ciba::{Client, Status};
use ciba_sim::{Certificate, Config, Fault, Kind, Simulator, personality};
use common::{Pair, eventually};
use sockets::{Relay, Server, config, engine, ms, relayed, request};

/// A pair whose provider shows this certificate.
fn pair(certificate: Certificate) -> Pair {
    Pair::with(personality::signaturgruppen(), |config| config.certificate = certificate)
}

/// The CA of another provider.
fn other_ca() -> String {
    let other = Simulator::start(Config::new(personality::generic()).tls());
    other.ca_pem().unwrap().to_owned()
}

fn file_of(name: &str, text: &str) -> String {
    let path = std::env::temp_dir().join(format!("ciba-{}-{name}.pem", std::process::id()));
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What becomes of a start, and how many requests came of it.
fn start(pair: &Pair, settings: &[(&str, &str)]) -> (Result<(), ciba::Error>, u64) {
    let before = pair.provider.request_count(Kind::Start);
    let started = pair.client_with(settings).init(&pair.request(), None).map(drop);
    (started, pair.provider.request_count(Kind::Start) - before)
}

#[test]
fn a_ca_is_trusted_from_a_file_or_from_memory_beside_the_systems_roots_or_in_their_place() {
    let pair = pair(Certificate::Good);
    let ca = pair.provider.ca_pem().unwrap();
    let (good, wrong) = (file_of("good", ca), file_of("wrong", &other_ca()));
    let both = format!("{}\n{ca}", other_ca());
    for (file, text, mode, trusted) in [
        ("", ca, "replace", true),
        ("", ca, "add", true),
        (&good, "", "replace", true),
        (&good, "", "add", true),
        (&wrong, ca, "replace", true), // both count
        (&good, &other_ca(), "replace", true),
        ("", &both, "replace", true),
        (&wrong, "", "replace", false), // of the same name, with another key
        (&wrong, "", "add", false),
        ("", &other_ca(), "replace", false),
        ("", "", "add", false), // the system's roots alone
    ] {
        let settings = [("ca_file", file), ("ca_certificates", text), ("ca_mode", mode)];
        let (started, requests) = start(&pair, &settings);
        assert_eq!(started.is_ok(), trusted, "{mode}, file: {}, text: {}", file.len(), text.len());
        assert_eq!(requests, u64::from(trusted));
        if let Err(error) = started {
            assert_eq!(error.status(), Status::TLS_FAILED);
            let why = if file.is_empty() && text.is_empty() { "UnknownIssuer" } else { "BadSignature" };
            let says = format!("TLS with 127.0.0.1 failed: invalid peer certificate: {why}");
            assert_eq!(error.message(), says);
        }
    }
    fs::remove_file(good).unwrap();
    fs::remove_file(wrong).unwrap();
}

#[test]
fn a_certificate_with_one_thing_wrong_ends_it_before_anything_is_sent_and_says_what_r01() {
    for (certificate, says) in [
        (Certificate::Good, ""),
        (Certificate::Untrusted, "BadSignature"),
        (Certificate::WrongName, "certificate not valid for name \"127.0.0.1\""),
        (Certificate::Expired, "certificate expired"),
    ] {
        let pair = pair(certificate);
        let (started, requests) = start(&pair, &[]);
        match started {
            Ok(()) => assert_eq!((certificate, requests), (Certificate::Good, 1)),
            Err(error) => {
                assert_eq!((error.status(), requests), (Status::TLS_FAILED, 0), "{error}");
                assert!(!says.is_empty() && error.message().contains(says), "{error}");
                assert!(pair.provider.lines().is_empty(), "nothing at all was sent");
            }
        }
    }
}

#[test]
fn a_token_endpoint_that_is_not_trusted_is_waited_out_and_sent_nothing_r48() {
    let pair = pair(Certificate::Good);
    // Somebody else answers the token requests until the flow expires.
    let other = Simulator::start(Config::new(personality::generic()).tls());
    let swapped = Relay::to(other.base_url());
    let mut config = pair.config(&[]);
    config.set("token_endpoint", &format!("https://127.0.0.1:{}/token", swapped.server.port)).unwrap();
    let misled = Client::new(&config).unwrap().init(&pair.request(), None).unwrap();
    assert_eq!(Pair::outcome(&misled), Status::EXPIRED, "nothing was lost: nothing was sent");
    assert_eq!(misled.last_trouble().map(|e| e.status()), Some(Status::TLS_FAILED));
    assert!(other.lines().is_empty());
    assert!(swapped.server.accepted() > 1, "it was tried");
}

/// A server that answers the first bytes of a client with these, and what it was sent in all.
fn answering_with(bytes: Vec<u8>) -> (Server, Arc<Mutex<Vec<u8>>>) {
    let received = Arc::<Mutex<Vec<u8>>>::default();
    let all = received.clone();
    let server = Server::new(move |mut stream, _| {
        let mut buffer = [0; 16 * 1024];
        let n = stream.read(&mut buffer).unwrap_or(0);
        all.lock().unwrap().extend_from_slice(&buffer[..n]);
        let _ = stream.write_all(&bytes);
        while let Ok(n @ 1..) = stream.read(&mut buffer) {
            all.lock().unwrap().extend_from_slice(&buffer[..n]);
        }
        let _ = stream.shutdown(Shutdown::Both);
    });
    (server, received)
}

/// A ServerHello of the old kind: this version, no extensions.
fn server_hello(version: [u8; 2]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([7; 32]); // random
    body.extend([0, 0xC0, 0x13, 0]); // no session, ECDHE_RSA_WITH_AES_128_CBC_SHA, no compression
    let mut record = vec![22, version[0], version[1], 0, body.len() as u8 + 4, 2, 0, 0, body.len() as u8];
    record.extend(body);
    record
}

#[test]
fn old_tls_and_plain_http_on_a_tls_port_are_refused_and_nothing_is_sent() {
    let engine = engine(common::lookup());
    for (what, bytes) in [
        ("TLS 1.0", server_hello([3, 1])),
        ("TLS 1.1", server_hello([3, 2])),
        ("plain http", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec()),
        ("nonsense", vec![0xFF; 64]),
    ] {
        let (server, received) = answering_with(bytes);
        let issuer = format!("https://127.0.0.1:{}", server.port);
        let error = Client::new(&config(&engine, &issuer, &[])).unwrap().init(&request(), None).unwrap_err();
        assert_eq!(error.status(), Status::TLS_FAILED, "{what}: {error}");
        assert!(error.message().starts_with("TLS with 127.0.0.1 failed: "), "{what}: {error}");
        let received = received.lock().unwrap();
        let text = String::from_utf8_lossy(&received);
        assert!(received.first() == Some(&22), "{what}: a ClientHello was sent");
        for secret in ["POST", "s3cret", "czNjcmV0", "alice"] {
            assert!(!text.contains(secret), "{what}: {secret}");
        }
    }
}

/// The extensions of a ClientHello (RFC 8446 §4.1.2), by number.
fn extensions(hello: &[u8]) -> Vec<(u16, &[u8])> {
    let two = |at: usize| usize::from(hello[at]) << 8 | usize::from(hello[at + 1]);
    let mut at = 5 + 4 + 2 + 32;
    at += 1 + usize::from(hello[at]); // session
    at += 2 + two(at); // cipher suites
    at += 1 + usize::from(hello[at]); // compression
    let end = at + 2 + two(at);
    at += 2;
    let mut found = Vec::new();
    while at < end {
        let length = two(at + 2);
        found.push((two(at) as u16, &hello[at + 4..at + 4 + length]));
        at += 4 + length;
    }
    found
}

const SUPPORTED_VERSIONS: u16 = 43;
const PRE_SHARED_KEY: u16 = 41;
const ALPN: u16 = 16;

#[test]
fn clients_offer_tls_1_3_and_1_2_and_http_1_1_alone_and_share_no_session_with_other_clients() {
    let pair = pair(Certificate::Good);
    let relay = Relay::to(pair.provider.base_url());
    let client = relayed(&pair, &relay, &[]);
    let again = |client: &Client, relay: &Relay| {
        let before = relay.hellos().len();
        client.init(&pair.request(), None).unwrap().cancel(None).unwrap();
        relay.server.close_all();
        relay.hellos()[before].clone() // its first connection
    };
    let resumes = |hello: &[u8]| extensions(hello).iter().any(|(name, _)| *name == PRE_SHARED_KEY);
    let first = again(&client, &relay);
    assert!(!resumes(&first));
    for (name, value) in extensions(&first) {
        match name {
            SUPPORTED_VERSIONS => assert_eq!(value, [4, 3, 4, 3, 3]),
            ALPN => assert_eq!(value, b"\x00\x09\x08http/1.1"),
            _ => {}
        }
    }
    eventually("a client goes on with its own session", || resumes(&again(&client, &relay)));
    // To the same host: a session is kept by its name, whatever the port.
    let relay = Relay::to(pair.provider.base_url());
    let equal = relayed(&pair, &relay, &[]);
    assert!(!resumes(&again(&equal, &relay)), "and not with another's");
}

#[test]
fn equal_settings_share_their_roots_and_a_second_client_costs_little() {
    let engine = engine(common::lookup());
    let nobody = Server::new(|_, _| ()).url(); // gone at once
    let make = || {
        let begun = Instant::now();
        let client = Client::new(&config(&engine, &nobody.replace("http:", "https:"), &[])).unwrap();
        let _ = client.check(ms(0)); // makes its HTTP client and its pool
        (begun.elapsed(), client)
    };
    let (first, _kept) = make();
    let before = resident_kb();
    let mut others: Vec<(Duration, Client)> = (0..100).map(|_| make()).collect();
    let each = resident_kb().saturating_sub(before) / 100;
    others.sort_by_key(|(took, _)| *took);
    println!("first client {first:?}; a further one {:?} and {each} kB", others[50].0);
    assert!(others[50].0 < Duration::from_millis(50), "{:?}", others[50].0);
    assert!(each < 500, "{each} kB");
}

/// How much memory this process has in use, in kB.
fn resident_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_long_hold_of_the_handshake_ends_with_the_time_for_connecting() {
    let pair = pair(Certificate::Good);
    let relay = Relay::to(pair.provider.base_url());
    let client = relayed(&pair, &relay, &[("connect_timeout_ms", "200")]);
    relay.open(false);
    let error = client.init(&pair.request(), None).unwrap_err();
    assert_eq!(error.status(), Status::CONNECT_FAILED);
    relay.open(true);
    pair.provider.next(Kind::Start, Fault::Pass);
    client.init(&pair.request(), None).unwrap();
    assert_eq!(pair.provider.request_count(Kind::Start), 1);
}
