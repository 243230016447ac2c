//! Keys of the provider: sets without `kid`, changed keys, sets that are none, and keys that a token or a
//! key set only points to.

mod common;

use std::io::ErrorKind;
use std::net::TcpListener;

use ciba::{Client, Flow, Status};
use ciba_sim::{Answer, Fault, Kind, Signer};
use common::{Pair, STARTED, web_page};
use serde_json::{Value, json};

fn init(pair: &Pair, client: &Client) -> Flow {
    client.init(&pair.request_with(&[("binding_message", "approve after 1 s")]), None).unwrap()
}

/// The keys of the provider as it has them now, with this change made to each.
fn publish(pair: &Pair, change: impl Fn(&mut Value)) {
    let (token, other) = pair.provider.keys();
    let mut keys = vec![other.public_jwk(), token.public_jwk()];
    keys.iter_mut().for_each(change);
    pair.provider.clear_faults();
    pair.provider.always(Kind::Jwks, Fault::Answer(Answer::json(200, json!({ "keys": keys }).to_string())));
}

fn without_kid(key: &mut Value) {
    key.as_object_mut().unwrap().remove("kid");
}

#[test]
fn keys_and_tokens_without_a_kid_pass_also_when_the_key_has_changed_meanwhile() {
    let pair = Pair::generic();
    pair.provider.every_id_token(|draft| without_kid(&mut draft.header));
    publish(&pair, without_kid);
    let client = pair.client();
    assert_eq!(Pair::outcome(&init(&pair, &client)), Status::OK);
    for _ in 0..2 {
        pair.provider.clear_journal();
        let begun = pair.time.now_ms();
        assert_eq!(Pair::outcome(&init(&pair, &client)), Status::OK);
        let start = format!("{begun} POST /bc-authorize -> 200 ack");
        let tokens = format!("{} POST /token -> 200 tokens", begun + 5_200);
        assert_eq!(pair.provider.lines(), [start, tokens], "cached keys: no request");
    }

    pair.provider.rotate_key(0);
    publish(&pair, without_kid);
    pair.provider.clear_journal();
    let begun = pair.time.now_ms();
    let flow = init(&pair, &client);
    assert_eq!(Pair::outcome(&flow), Status::OK, "the new key");
    pair.assert_requests_then_silence(
        &flow,
        &[
            &*format!("{begun} POST /bc-authorize -> 200 ack"),
            &*format!("{} POST /token -> 200 tokens", begun + 5_200),
            &*format!("{} GET /jwks -> 200 (answer)", begun + 5_200), // once
        ],
    );
}

#[test]
fn a_token_without_a_kid_that_no_key_verifies_has_the_keys_fetched_once_and_is_refused() {
    let pair = Pair::generic();
    let client = pair.client();
    assert_eq!(Pair::outcome(&init(&pair, &client)), Status::OK);
    for (kid, fetches) in [(false, 1), (true, 0)] {
        pair.time.advance(60_000);
        pair.provider.clear_journal();
        pair.provider.next_id_token(move |draft| {
            draft.signer = Signer::Unknown;
            if !kid {
                without_kid(&mut draft.header);
            }
        });
        let flow = init(&pair, &client);
        assert_eq!(Pair::outcome(&flow), Status::TOKEN_SIGNATURE, "{kid}");
        let lines = pair.provider.lines();
        assert_eq!(pair.provider.request_count(Kind::Jwks), fetches, "{kid}");
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        pair.assert_requests_then_silence(&flow, &lines);
    }
}

#[test]
fn every_algorithm_can_be_configured_and_is_the_only_one() {
    for algorithm in
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
    {
        let pair = Pair::generic();
        let listed = json!({"id_token_signing_alg_values_supported": [algorithm, "RS256"]});
        pair.provider.next(Kind::Discovery, Fault::Patch(listed));
        let client = pair.client_with(&[("id_token_signed_response_alg", algorithm)]);
        let status = if algorithm == "RS256" { Status::OK } else { Status::TOKEN_ALGORITHM };
        assert_eq!(Pair::outcome(&init(&pair, &client)), status, "{algorithm}, and a token by RS256");
    }
}

#[test]
fn one_broken_key_among_good_ones_does_no_harm() {
    for (name, broken) in [
        ("a point off the curve", json!({"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"})),
        ("RSA of 512 bits", json!({"kty": "RSA", "n": "u".repeat(86), "e": "AQAB"})),
        ("RSA of 64 kbit", json!({"kty": "RSA", "n": "_".repeat(10_922), "e": "AQAB"})),
        ("e of 1", json!({"kty": "RSA", "n": "_".repeat(342), "e": "AQ"})),
        ("no members", json!({"kty": "RSA"})),
        ("no object", json!("key")),
    ] {
        let pair = Pair::generic();
        let (token, _) = pair.provider.keys();
        let keys = json!({"keys": [broken, token.public_jwk()]});
        pair.provider.always(Kind::Jwks, Fault::Answer(Answer::json(200, keys.to_string())));
        let flow = pair.flow_that("approve after 1 s");
        assert_eq!(Pair::outcome(&flow), Status::OK, "{name}");
        // Without the good one, nothing passes, and the set is fetched once more for its sake.
        let keys = json!({"keys": [broken]});
        pair.provider.clear_faults();
        pair.provider.always(Kind::Jwks, Fault::Answer(Answer::json(200, keys.to_string())));
        let flow = pair.flow_that("approve after 1 s");
        assert_eq!(Pair::outcome(&flow), Status::TOKEN_KEY_NOT_FOUND, "{name}");
    }
}

#[test]
fn the_very_key_that_signs_is_not_used_where_it_is_for_something_else_steps_3_and_4() {
    const NOT_FOUND: Status = Status::TOKEN_KEY_NOT_FOUND;
    for (name, member, value, status) in [
        ("nothing said", "x", json!(1), Status::OK),
        ("for signatures", "use", json!("sig"), Status::OK),
        ("for encryption", "use", json!("enc"), NOT_FOUND),
        ("to verify", "key_ops", json!(["verify"]), Status::OK),
        ("to encrypt", "key_ops", json!(["encrypt"]), NOT_FOUND),
        ("for RS256", "alg", json!("RS256"), Status::OK),
        ("for PS256", "alg", json!("PS256"), NOT_FOUND),
        ("for RS512", "alg", json!("RS512"), NOT_FOUND),
        ("of another name", "kid", json!("another"), NOT_FOUND),
        ("of another kind", "kty", json!("oct"), NOT_FOUND),
        ("with an exponent of 1", "e", json!("AQ"), Status::TOKEN_KEY_UNUSABLE),
        ("with an exponent that is even", "e", json!("AQAA"), Status::TOKEN_KEY_UNUSABLE),
        ("with a modulus of 512 bits", "n", json!("u".repeat(86)), Status::TOKEN_KEY_UNUSABLE),
        ("with a modulus of 64 kbit", "n", json!("_".repeat(10_922)), Status::TOKEN_KEY_UNUSABLE),
        ("with a member that nobody knows", "n2", json!({"a": [1]}), Status::OK),
    ] {
        let pair = Pair::generic();
        let kid = pair.provider.keys().0.kid.clone();
        publish(&pair, |key| {
            if key["kid"] == kid.as_str() {
                key[member] = value.clone();
            }
        });
        let flow = pair.flow_that("approve after 1 s");
        assert_eq!(Pair::outcome(&flow), status, "{name}");
        assert_eq!(flow.tokens().is_ok(), status == Status::OK, "{name}");
        let again = u64::from(status == NOT_FOUND);
        assert_eq!(
            pair.provider.request_count(Kind::Jwks),
            1 + again,
            "{name}: looked for once more at most"
        );
    }
}

#[test]
fn of_ten_thousand_keys_the_first_are_looked_at_and_a_set_beyond_the_limit_of_answers_is_none() {
    let far = Some(10_000);
    for (name, filler, at, limit, status) in [
        ("before ten thousand", "RSA", Some(0), "4194304", Status::OK),
        ("behind ten thousand", "RSA", far, "4194304", Status::TOKEN_KEY_NOT_FOUND),
        ("behind ten thousand that are for no signatures", "oct", far, "4194304", Status::OK),
        ("nowhere", "RSA", None, "4194304", Status::TOKEN_KEY_NOT_FOUND),
        ("too large", "RSA", Some(0), "65536", Status::KEYS_UNAVAILABLE),
    ] {
        let pair = Pair::generic();
        let mut keys: Vec<Value> = (0..10_000)
            .map(|n| json!({"kty": filler, "kid": n.to_string(), "n": "u".repeat(86), "e": "AQAB"}))
            .collect();
        if let Some(at) = at {
            keys.insert(at, pair.provider.keys().0.public_jwk());
        }
        let body = json!({ "keys": keys }).to_string();
        pair.provider.always(Kind::Jwks, Fault::Answer(Answer::json(200, body)));
        let flow = init(&pair, &pair.client_with(&[("max_answer_bytes", limit)]));
        assert_eq!(Pair::outcome(&flow), status, "{name}");
        assert_eq!(flow.tokens().is_ok(), status == Status::OK, "{name}");
    }
}

#[test]
fn a_web_page_in_place_of_the_keys_releases_nothing_r63() {
    let pair = Pair::generic();
    pair.provider.always(Kind::Jwks, web_page(200));
    let flow = pair.flow_that("approve after 1 s");
    assert_eq!(Pair::outcome(&flow), Status::KEYS_MALFORMED);
    assert_eq!((flow.outcome(), pair.time.now_ms()), (Status::FAILED, 300_000), "held until the deadline");
    assert_eq!(flow.tokens().unwrap_err().status(), Status::NO_TOKENS);
    assert_eq!(pair.provider.request_count(Kind::Poll), 1);
}

#[test]
fn no_key_is_fetched_from_where_a_token_or_a_key_set_points_to() {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let url = format!("https://localhost:{}/keys", canary.local_addr().unwrap().port());
    let plain = url.replacen("https", "http", 1);
    let pair = Pair::generic();
    let (jku, x5u) = (url.clone(), plain.clone());
    pair.provider.every_id_token(move |draft| {
        draft.header["jku"] = jku.clone().into();
        draft.header["x5u"] = x5u.clone().into();
        draft.header["jwk"] = json!({"kty": "RSA", "jku": jku});
        draft.claims["jwks_uri"] = jku.clone().into();
    });
    publish(&pair, |key| {
        key["x5u"] = url.clone().into();
        key["jku"] = plain.clone().into();
    });
    let client = pair.client();
    let flow = init(&pair, &client);
    assert_eq!(Pair::outcome(&flow), Status::OK, "the right key signs");
    pair.provider.every_id_token(|draft| draft.signer = Signer::Unknown);
    let (jku, x5u) = (url.clone(), plain.clone());
    pair.provider.next_id_token(move |draft| {
        draft.header["kid"] = "elsewhere".into();
        draft.header["jku"] = jku.into();
        draft.header["x5u"] = x5u.into();
        draft.signer = Signer::Unknown;
    });
    assert_eq!(Pair::outcome(&init(&pair, &client)), Status::TOKEN_KEY_NOT_FOUND, "the key is only there");
    pair.settle();
    assert_eq!(canary.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "nobody came");
    let _visitor = std::net::TcpStream::connect(canary.local_addr().unwrap()).unwrap();
    common::eventually("the canary sees who comes", || canary.accept().is_ok());
    assert_eq!(&pair.provider.lines()[..2], &STARTED[..2]);
}
