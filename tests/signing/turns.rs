//! Requests that wait for their turn: of the token requests to one host 256 are under way at once, and a
//! provider may hold each of them open.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ciba::{Client, Flow, FlowSet, SigningInput, Status};
use ciba_sim::{Fault, Kind};

use crate::common::eventually;
use crate::external_signer::{Signature, sign};
use crate::{CLIENT_ID, claims, generic, of_kind, pem};

/// What the provider holds each token request open for, in ms: longer than an assertion lives.
const HELD: u64 = 90_000;

/// A key of the library's, and one that stays in its store.
const KEYS: [(&str, bool); 2] = [(pem!("p256_sec1"), false), ("", true)];

#[test]
fn an_assertion_is_new_when_it_is_sent_however_long_its_request_has_waited_for_its_turn_r51() {
    for (key, in_a_store) in KEYS {
        sign_in_late(key, in_a_store);
    }
}

fn sign_in_late(key: &str, in_a_store: bool) {
    const FLOWS: usize = 260;
    let pair = generic(|client| client.token_endpoint_auth_method = Some("private_key_jwt".into()));
    pair.provider.always(Kind::Poll, Fault::ProcessThenHold(HELD));
    let mut config = pair.config(&[
        ("client_id", CLIENT_ID),
        ("client_secret", ""),
        ("token_endpoint_auth_method", "private_key_jwt"),
        ("token_endpoint_auth_signing_alg", "ES256"),
        ("client_private_key", key),
        ("client_key_id", "p256"),
    ]);
    if in_a_store {
        config.set_signer(Arc::new(sign as fn(&SigningInput<'_>) -> Signature));
    }
    let client = Client::new(&config).unwrap();
    let request = pair.request_with(&[("binding_message", "approve after 1 s")]);
    let set = FlowSet::new(&client).unwrap();
    let stopped = pair.stop_the_clock();
    let flows: Vec<Flow> = (0..FLOWS).map(|_| client.init(&request, None).unwrap()).collect();
    flows.iter().for_each(|flow| set.add(flow, ()).unwrap());
    drop(stopped);
    thread::scope(|scope| {
        let waits = scope.spawn(|| flows.iter().for_each(|_| set.wait(None).unwrap().unwrap()));
        eventually("256 token requests", || pair.provider.request_count(Kind::Poll) == 256);
        let begun = |flow: &&Flow| flow.progress().next_poll_in == Some(Duration::ZERO);
        eventually("the next one begun", || flows.iter().filter(begun).count() > 256);
        pair.settle(); // by now it is signed
        pair.time.advance(HELD);
        waits.join().unwrap();
    });

    let refused = flows.iter().filter(|flow| flow.outcome() != Status::OK).count();
    let polls = of_kind(&pair, Kind::Poll);
    let late = polls.iter().filter(|poll| poll.at_ms > HELD).count();
    assert_eq!((polls.len(), late, refused), (FLOWS, FLOWS - 256, 0));
    let start = pair.time.unix_ms() - i64::try_from(pair.time.now_ms()).unwrap();
    for poll in polls {
        let iat = claims(&poll.param("client_assertion").unwrap())["iat"].as_i64().unwrap() * 1000;
        let age = start + i64::try_from(poll.at_ms).unwrap() - iat;
        assert!((0..20_000).contains(&age), "at {} ms it was {age} ms old", poll.at_ms);
    }
}
