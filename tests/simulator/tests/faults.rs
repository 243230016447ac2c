//! Each fault, seen from a bare socket.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ciba_sim::{Answer, Certificate, Config, Draft, Fault, Kind, Signer, SimulatedTime, personality};
use common::{Pair, pair, read};
use serde_json::{Value, json};

fn generic() -> Pair {
    pair(Config::new(personality::generic()).time(SimulatedTime::new()))
}

fn started(pair: &Pair) -> String {
    pair.started(&vec![("scope", "openid"), ("login_hint", "somebody")])
}

fn connect(pair: &Pair) -> TcpStream {
    let address = pair.sim.base_url().trim_start_matches("http://");
    let socket = TcpStream::connect(address).unwrap();
    let limit = Some(Duration::from_secs(5));
    socket.set_read_timeout(limit).unwrap();
    socket
}

/// Sends a poll over a bare socket.
fn send_poll(pair: &Pair, id: &str) -> TcpStream {
    let request = pair.poll_request(id).build().unwrap();
    let body = request.body().unwrap().as_bytes().unwrap().to_vec();
    let mut socket = connect(pair);
    let head = format!(
        "POST /token HTTP/1.1\r\nhost: x\r\ncontent-type: \
         application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(&[head.as_bytes(), &body].concat()).unwrap();
    socket
}

/// All that comes back, and how it ended.
fn bytes(mut socket: TcpStream) -> (String, Option<ErrorKind>) {
    let mut all = Vec::new();
    let end = socket.read_to_end(&mut all).err().map(|e| e.kind());
    (String::from_utf8_lossy(&all).into_owned(), end)
}

/// Approves a request, polls it with this fault, and says what came back.
fn spoiled(pair: &Pair, fault: Fault) -> (String, (String, Option<ErrorKind>)) {
    let id = started(pair);
    pair.sim.approve(&id);
    pair.sim.next(Kind::Poll, fault);
    let answer = bytes(send_poll(pair, &id));
    (id, answer)
}

/// Whether the tokens are still there.
fn still_there(pair: &Pair, id: &str) -> bool {
    pair.sim.drop_connections(false);
    let (status, body) = pair.poll(id);
    // What was not processed does not count as a poll either.
    assert!(status == 200 || body["error"] == "invalid_grant", "{body}");
    status == 200
}

fn last_line(pair: &Pair) -> String {
    pair.sim.lines().pop().unwrap()
}

#[test]
fn cuts() {
    let pair = generic();
    let (id, answer) = spoiled(&pair, Fault::CutBeforeHeaders);
    assert_eq!(answer, (String::new(), None));
    assert_eq!(last_line(&pair), "0 POST /token -> (cut)");
    assert!(!still_there(&pair, &id));

    let (id, (text, end)) = spoiled(&pair, Fault::CutInHeaders);
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.len() == 29, "{text}");
    assert_eq!(end, None);
    assert_eq!(last_line(&pair), "0 POST /token -> 200 (cut)");
    assert!(!still_there(&pair, &id));

    for (status, expected) in [(None, 200), (Some(502), 502)] {
        let (id, (text, end)) = spoiled(&pair, Fault::CutInBody { status });
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {expected} ")), "{head}");
        let (_, length) = head.split_once("content-length: ").unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        assert_eq!((body.len(), end), (length / 2, None));
        let line = format!("0 POST /token -> {expected} (cut)");
        assert_eq!(last_line(&pair), line);
        assert!(!still_there(&pair, &id));
    }

    let (id, answer) = spoiled(&pair, Fault::Close);
    assert_eq!(answer, (String::new(), None));
    assert_eq!(last_line(&pair), "0 POST /token -> (closed)");
    assert!(still_there(&pair, &id));
}

#[test]
fn resets() {
    let pair = generic();
    let (id, (text, end)) = spoiled(&pair, Fault::Reset);
    assert_eq!((text.as_str(), end), ("", Some(ErrorKind::ConnectionReset)));
    assert_eq!(last_line(&pair), "0 POST /token -> (reset)");
    assert!(still_there(&pair, &id));

    let idle = connect(&pair);
    let (open, _) = (send_poll(&pair, "x"), idle.try_clone());
    let mut start = [0; 8];
    (&open).read_exact(&mut start).unwrap();
    pair.sim.drop_connections(true);
    assert_eq!(bytes(idle).1, Some(ErrorKind::ConnectionReset));
    assert_eq!(bytes(open).1, Some(ErrorKind::ConnectionReset));

    pair.sim.reset_on_accept(true);
    let end = bytes(connect(&pair)).1;
    assert_eq!(end, Some(ErrorKind::ConnectionReset));
    pair.sim.reset_on_accept(false);
    assert_eq!(pair.get("/jwks").0, 200);
}

#[test]
fn answers_of_the_tests_own() {
    let pair = generic();
    let html = Answer::new(502, "<html>").header("retry-after", "7");
    for (fault, kept) in
        [(Fault::Answer(html.clone()), true), (Fault::AnswerAfterProcessing(html.clone()), false)]
    {
        let id = started(&pair);
        pair.sim.approve(&id);
        pair.sim.next(Kind::Poll, fault);
        let response = pair.poll_request(&id).send().unwrap();
        assert_eq!(response.status(), 502);
        assert_eq!(response.headers()["retry-after"], "7");
        assert_eq!(response.text().unwrap(), "<html>");
        assert_eq!(last_line(&pair), "0 POST /token -> 502 (answer)");
        assert_eq!(still_there(&pair, &id), kept);
    }

    pair.sim.next(Kind::Jwks, Fault::Redirect("http://elsewhere.example/".into()));
    let response = pair.http.get(format!("{}/jwks", pair.sim.issuer())).send();
    let response = response.unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(response.headers()["location"], "http://elsewhere.example/");

    pair.sim.next(Kind::Start, Fault::Raw(br#"{"expires_in":1e400}"#.to_vec()));
    let url = pair.start_url();
    let raw = pair.http.post(url).send().unwrap().text().unwrap();
    assert_eq!(raw, r#"{"expires_in":1e400}"#);
}

#[test]
fn changed_json() {
    let pair = generic();
    let patch = json!({ "issuer": "https://elsewhere.example", "jwks_uri": null, "new": [1] });
    pair.sim.next(Kind::Discovery, Fault::Patch(patch));
    let path = "/.well-known/openid-configuration";
    let (_, document) = pair.get(path);
    assert_eq!(document["issuer"], "https://elsewhere.example");
    assert_eq!((document.get("jwks_uri"), &document["new"]), (None, &json!([1])));
    assert_eq!(document["token_endpoint"], pair.token_url());

    let drop_first = |json: &mut Value| drop(json["keys"].as_array_mut().unwrap().remove(0));
    pair.sim.next(Kind::Jwks, Fault::Modify(Arc::new(drop_first)));
    let count = || pair.get("/jwks").1["keys"].as_array().unwrap().len();
    assert_eq!((count(), count()), (2, 3));
}

#[test]
fn faults_wait_in_line() {
    let pair = generic();
    let broken = |status| Fault::Answer(Answer::new(status, ""));
    pair.sim.next(Kind::Jwks, Fault::Pass);
    pair.sim.next(Kind::Jwks, broken(503));
    pair.sim.always(Kind::Jwks, broken(500));
    let status = || pair.get("/jwks").0;
    assert_eq!([status(), status(), status(), status()], [200, 503, 500, 500]);
    assert_eq!(pair.get("/.well-known/openid-configuration").0, 200);
    pair.sim.clear_faults();
    assert_eq!(status(), 200);
}

#[test]
fn holds_are_simulated() {
    let time = SimulatedTime::new();
    let pair = pair(Config::new(personality::generic()).time(time.clone()));
    let id = started(&pair);
    pair.sim.approve_after(&id, 20_000);
    pair.sim.next(Kind::Poll, Fault::Hold(30_000));
    let began = Instant::now();
    let busy = time.busy();
    let mut deadline = time.sleep_until(300_000);
    assert_eq!(pair.poll(&id).0, 200, "approved while the poll was held");
    assert_eq!(time.now_ms(), 30_000);
    assert!(began.elapsed() < Duration::from_secs(5));

    let id = started(&pair);
    let then = Box::new(Fault::Answer(Answer::new(504, "")));
    pair.sim.next(Kind::Poll, Fault::HoldThen(10_000, then));
    assert_eq!((pair.poll(&id).0, time.now_ms()), (504, 40_000));
    pair.sim.next(Kind::Poll, Fault::ProcessThenHold(10_000));
    assert_eq!(pair.poll_error(&id), "authorization_pending");
    assert_eq!(time.now_ms(), 50_000);
    let lines = pair.sim.lines();
    assert_eq!(lines[1], "0 POST /token -> 200 tokens");
    assert_eq!(lines[3], "30000 POST /token -> 504 (answer)");
    assert_eq!(lines[4], "40000 POST /token -> 400 authorization_pending");

    // A client that goes away during a hold is work in progress until it is noticed.
    pair.sim.next(Kind::Poll, Fault::Hold(1_000_000));
    let second = time.busy(); // before its request: the clock may jump as soon as that is held
    let socket = send_poll(&pair, &id);
    let due = |due: bool| {
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end && (time.sleepers().1 == 1) != due {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(time.sleepers().1 == 1, due);
    };
    due(true);
    drop(socket);
    due(false);
    assert_eq!(last_line(&pair), "50000 POST /token -> (gone)");
    drop(second);
    assert_eq!(time.now_ms(), 50_000, "one client is still busy");
    drop(busy);
    assert_eq!(time.now_ms(), 300_000);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(std::pin::Pin::new(&mut deadline).poll(&mut context).is_ready());
}

#[test]
fn silence_and_endless_bodies() {
    let pair = generic();
    pair.sim.next(Kind::Poll, Fault::Silent);
    let socket = send_poll(&pair, "x");
    let limit = Some(Duration::from_millis(100));
    socket.set_read_timeout(limit).unwrap();
    let (text, end) = bytes(socket);
    assert_eq!(text, "");
    assert!(matches!(end, Some(ErrorKind::WouldBlock | ErrorKind::TimedOut)));
    assert_eq!(last_line(&pair), "0 POST /token -> (silent)");

    pair.sim.next(Kind::Poll, Fault::EndlessBody);
    let mut socket = send_poll(&pair, "x");
    let mut much = vec![0; 8 << 20];
    socket.read_exact(&mut much).unwrap();
    drop(socket);
    pair.sim.next(Kind::Poll, Fault::Silent);
    let waiting = send_poll(&pair, "x");
    drop(pair);
    assert_eq!(bytes(waiting).0, "", "stopping ends the silence");
}

#[test]
fn offline_and_online() {
    let pair = generic();
    assert_eq!(pair.get("/jwks").0, 200);
    let open = connect(&pair);
    pair.sim.go_offline();
    assert_eq!(bytes(open).0, "");
    let url = format!("{}/jwks", pair.sim.issuer());
    assert!(pair.http.get(&url).send().unwrap_err().is_connect());
    pair.sim.go_online();
    pair.sim.go_online();
    assert_eq!(pair.get("/jwks").0, 200);
}

#[test]
fn id_tokens_are_changed_before_they_are_signed() {
    let pair = generic();
    let token = || {
        let id = started(&pair);
        pair.sim.approve(&id);
        pair.poll(&id).1["id_token"].as_str().unwrap().to_owned()
    };
    pair.sim.next_id_token(|draft| {
        draft.header["alg"] = json!("none");
        draft.signer = Signer::Nobody;
    });
    pair.sim.next_id_token(|draft| draft.claims_text = Some(b"{\"a\":1,\"a\":2}".to_vec()));
    pair.sim.next_id_token(|draft| draft.finish = Some(|token| format!("{token}=")));
    assert!(token().ends_with('.'));
    assert!(token().contains(".eyJhIjoxLCJhIjoyfQ."));
    assert!(token().ends_with('='));
    pair.sim.every_id_token(|draft| draft.header["kid"] = json!("other"));
    let header = jsonwebtoken::decode_header(token()).unwrap();
    assert_eq!(header.kid.as_deref(), Some("other"));

    let (key, _) = pair.sim.keys();
    assert!(key.private_pem().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    let draft = Draft {
        header: json!({ "alg": "PS256", "kid": key.kid }),
        claims: json!({ "sub": "x" }),
        signer: Signer::Token,
        header_text: None,
        claims_text: None,
        finish: None,
    };
    let jwt = pair.sim.sign(&draft);
    let jwk = key.public_jwk();
    let (n, e) = (jwk["n"].as_str().unwrap(), jwk["e"].as_str().unwrap());
    let public = jsonwebtoken::DecodingKey::from_rsa_components(n, e).unwrap();
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::PS256);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    assert!(jsonwebtoken::decode::<Value>(&jwt, &public, &rules).is_ok());
}

#[test]
fn bad_certificates() {
    let tried = |certificate| {
        let mut config = Config::new(personality::generic()).tls();
        config.certificate = certificate;
        let pair = pair(config);
        let url = format!("{}/jwks", pair.sim.issuer());
        pair.http.get(url).send().map(|_| ())
    };
    assert!(tried(Certificate::Good).is_ok());
    for bad in [Certificate::WrongName, Certificate::Expired, Certificate::Untrusted] {
        assert!(tried(bad).is_err_and(|error| error.is_connect()), "{bad:?}");
    }
}

#[test]
fn cuts_go_through_tls() {
    let pair = pair(Config::new(personality::generic()).tls());
    for fault in
        [Fault::CutBeforeHeaders, Fault::CutInHeaders, Fault::CutInBody { status: None }, Fault::Reset]
    {
        pair.sim.next(Kind::Jwks, fault);
        let request = pair.http.get(format!("{}/jwks", pair.sim.issuer()));
        let body = request.send().and_then(|answer| answer.bytes());
        assert!(body.is_err());
    }
    assert_eq!(read(pair.http.get(format!("{}/jwks", pair.sim.issuer()))).0, 200);
}
