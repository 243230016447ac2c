//! Pushed tokens that are bound to a key of the client: no token request ever shows that key, so the
//! authentication request does (CIBA Core §5).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciba::{Status, TokenKind};
use ciba_sim::{Answer, Entry, Fault, Kind, personality};
use serde_json::{Value, json};

use super::common::{Pair, eventually};
use super::{Registered, of_mode};

const BOUND: (&str, &str) = ("dpop_bound_access_tokens", "true");
const REFUSED: &str = "0 POST /bc-authorize -> 400 use_dpop_nonce";
const STARTED: &str = super::STARTED;
const PUSHED: &str = "2000 POST /ciba -> 204 push";

/// A client whose pushed tokens are bound.
fn bound() -> Registered {
    registered(&[BOUND], true)
}

fn registered(settings: &[(&str, &str)], bound: bool) -> Registered {
    Registered::changed("push", settings, |config| config.clients[0].dpop_bound_access_tokens = bound)
}

fn starts(registered: &Registered) -> Vec<Entry> {
    registered.pair.provider.journal().into_iter().filter(|entry| entry.kind == Kind::Start).collect()
}

/// Asserts these requests and notices, and then silence.
#[track_caller]
fn assert_then_silence(registered: &Registered, flow: &ciba::Flow, expected: &[&str]) {
    registered.pair.await_answers(expected.len());
    registered.pair.assert_requests_then_silence(flow, expected);
}

/// Header and claims of a JWT.
fn parts(jwt: &str) -> (Value, Value) {
    let mut parts = jwt.split('.').take(2).map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut part = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (part(), part())
}

/// The proofs that authentication requests took along.
fn proofs(registered: &Registered) -> Vec<(Value, Value)> {
    starts(registered).iter().map(|entry| parts(entry.header("dpop").expect("a proof"))).collect()
}

fn wants_nonce(nonce: &str) -> Fault {
    Fault::Answer(Answer::json(400, r#"{"error":"use_dpop_nonce"}"#).header("dpop-nonce", nonce))
}

#[test]
fn the_authentication_request_shows_the_key_that_pushed_tokens_are_bound_to_r80() {
    let registered = bound();
    let flow = registered.flow_that("approve after 2 s");
    let tokens = flow.poll(None).unwrap().unwrap();
    registered.assert_then_silence(&flow, &[PUSHED]);
    assert_eq!(tokens.token_type(), "DPoP");

    let [(header, claims)] = &proofs(&registered)[..] else { panic!("one request, one proof") };
    assert_eq!((&header["typ"], &header["alg"]), (&json!("dpop+jwt"), &json!("ES256")));
    let members: Vec<&String> = header["jwk"].as_object().unwrap().keys().collect();
    assert_eq!(members, ["crv", "kty", "x", "y"], "the public half alone");
    let names: Vec<&String> = claims.as_object().unwrap().keys().collect();
    assert_eq!(names, ["htm", "htu", "iat", "jti"]);
    let endpoint = format!("{}/bc-authorize", registered.pair.provider.issuer());
    assert_eq!((&claims["htm"], &claims["htu"]), (&json!("POST"), &json!(endpoint)));

    // The same key is what the tokens are used with, and what introspection tells of.
    let client = &registered.client;
    assert!(client.userinfo(&tokens, None).unwrap().is_some());
    let told = client.introspect(&tokens, TokenKind::AccessToken, None).unwrap().unwrap();
    assert_eq!(told.get("cnf").unwrap()["jkt"], parts(tokens.access_token()).1["cnf"]["jkt"]);
}

#[test]
fn in_poll_and_ping_mode_the_authentication_request_shows_no_key_r80() {
    for mode in ["poll", "ping"] {
        let registered = Registered::changed(mode, &[BOUND], |config| {
            config.clients[0].dpop_bound_access_tokens = true;
        });
        registered.flow_that("never");
        assert!(starts(&registered)[0].header("dpop").is_none(), "{mode}: it is not needed there");
    }
}

#[test]
fn a_nonce_that_is_wanted_is_given_at_once_and_the_phone_rings_once_r80() {
    let registered = bound();
    let provider = &registered.pair.provider;
    provider.set_dpop_nonce(Some("first"));
    let flow = registered.flow_that("approve after 2 s");
    assert_eq!(provider.pending().len(), 1, "one request, one phone");
    assert!(flow.poll(None).unwrap().is_some());
    assert_then_silence(&registered, &flow, &[REFUSED, STARTED, PUSHED]);
    let proofs = proofs(&registered);
    let nonces: Vec<Option<&str>> = proofs.iter().map(|(_, claims)| claims["nonce"].as_str()).collect();
    assert_eq!(nonces, [None, Some("first")]);
    assert_ne!(proofs[0].1["jti"], proofs[1].1["jti"]);
    let bodies: Vec<Vec<u8>> = starts(&registered).into_iter().map(|entry| entry.body).collect();
    assert_eq!(bodies[0], bodies[1], "otherwise the same request");

    // It is remembered, from a 200 too.
    provider.clear_journal();
    registered.flow_that("never");
    assert_eq!(starts(&registered).len(), 1);
    assert_eq!(self::proofs(&registered)[0].1["nonce"], "first");
}

#[test]
fn what_is_signed_is_signed_anew_for_the_request_with_the_nonce_r21_r51_r80() {
    const KEY: &str = include_str!("../fixtures/keys/p256_sec1.pem");
    let mut keys: Value = serde_json::from_str(include_str!("../fixtures/keys/keys.jwk.json")).unwrap();
    let mut public = keys["p256"].take();
    public.as_object_mut().unwrap().retain(|name, _| ["kty", "crv", "x", "y"].contains(&name.as_str()));
    let settings = [
        BOUND,
        ("client_secret", ""),
        ("client_private_key", KEY),
        ("token_endpoint_auth_method", "private_key_jwt"),
        ("backchannel_authentication_request_signing_alg", "ES256"),
    ];
    let registered = Registered::changed("push", &settings, |config| {
        let client = &mut config.clients[0];
        client.dpop_bound_access_tokens = true;
        client.token_endpoint_auth_method = Some("private_key_jwt".into());
        client.backchannel_authentication_request_signing_alg = Some("ES256".into());
        client.jwks = json!({ "keys": [public] });
    });
    registered.pair.provider.set_dpop_nonce(Some("first"));
    let flow = registered.flow_that("approve after 2 s");
    assert!(flow.poll(None).unwrap().is_some());
    assert_then_silence(&registered, &flow, &[REFUSED, STARTED, PUSHED]);
    let [first, second] = &starts(&registered)[..] else { panic!("two requests") };
    for name in ["client_assertion", "request"] {
        let jti = |entry: &Entry| parts(&entry.param(name).unwrap()).1["jti"].clone();
        assert!(jti(first).is_string() && jti(first) != jti(second), "{name}");
    }
}

#[test]
fn another_nonce_than_the_one_that_was_given_is_an_error_and_rings_nobody_r80() {
    for challenge in [false, true] {
        let registered = bound();
        for nonce in ["a", "b", "c"] {
            let fault = match challenge {
                false => wants_nonce(nonce),
                true => Fault::Answer(
                    Answer::new(401, "")
                        .header("www-authenticate", r#"DPoP error="use_dpop_nonce""#)
                        .header("dpop-nonce", nonce),
                ),
            };
            registered.pair.provider.next(Kind::Start, fault);
        }
        let flow = registered.client.begin(&registered.pair.request()).unwrap();
        let error = flow.wait_started(None).unwrap_err();
        let expected = if challenge { Status::HTTP_STATUS } else { Status::PROVIDER_ERROR };
        assert_eq!((error.status(), flow.outcome()), (expected, Status::FAILED), "{error}");
        assert!(registered.pair.provider.pending().is_empty());
        let lines = registered.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        registered.pair.assert_requests_then_silence(&flow, &lines);
    }
}

#[test]
fn any_other_refusal_of_a_proof_is_final_r31_r80() {
    for answer in [
        Answer::json(400, r#"{"error":"invalid_dpop_proof"}"#).header("dpop-nonce", "n"),
        Answer::json(400, r#"{"error":"use_dpop_nonce"}"#),
        Answer::json(500, r#"{"error":"use_dpop_nonce"}"#).header("dpop-nonce", "n"),
    ] {
        let registered = bound();
        registered.pair.provider.next(Kind::Start, Fault::Answer(answer));
        let flow = registered.client.begin(&registered.pair.request()).unwrap();
        assert!(flow.wait_started(None).is_err());
        registered.pair.assert_requests_then_silence(&flow, &[&registered.lines()[0][..]]);
        assert_eq!(starts(&registered).len(), 1);
    }
    // A client that shows no key has none to show again.
    let registered = registered(&[], false);
    registered.pair.provider.next(Kind::Start, wants_nonce("n"));
    assert!(registered.client.init(&registered.pair.request(), None).is_err());
    assert_eq!(starts(&registered).len(), 1);
}

#[test]
fn a_start_that_is_given_up_while_it_is_refused_is_not_sent_anew_r80() {
    for (given_up, sent) in [("not at all", 2), ("cancelled", 1), ("freed", 1)] {
        let registered = bound();
        let provider = &registered.pair.provider;
        let fault = Fault::HoldThen(1_000, Box::new(wants_nonce("n")));
        provider.next(Kind::Start, fault);
        let stopped = registered.pair.stop_the_clock();
        let mut flow = Some(registered.client.begin(&registered.pair.request()).unwrap());
        eventually("the request", || provider.lines().len() == 1);
        match (given_up, &flow) {
            ("cancelled", Some(flow)) => {
                assert!(!flow.cancel(Some(Duration::ZERO)).unwrap(), "the answer is not here");
            }
            ("freed", _) => flow = None,
            _ => {}
        }
        drop(stopped);
        registered.pair.time.advance(1_000);
        registered.pair.await_answers(sent);
        for _ in 0..3 {
            registered.pair.time.advance(5_000);
            registered.pair.settle();
        }
        assert_eq!(starts(&registered).len(), sent, "{given_up}");
        assert_eq!(provider.pending().len(), sent - 1, "{given_up}: how many phones have rung");
        drop(flow);
    }
}

#[test]
fn pushed_tokens_that_are_bound_to_nothing_or_to_another_key_are_refused_r78_r80() {
    /// An access token that can be read, and its `at_hash`.
    fn readable(claims: &Value) -> (String, String) {
        let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
        (token, URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]))
    }
    type Change = fn(&mut Value);
    let cases: [(Option<Value>, Change, Status); 7] = [
        (None, |_| (), Status::OK),
        (None, |body| body["token_type"] = json!("dPoP"), Status::OK),
        (None, |body| body["token_type"] = json!("Bearer"), Status::INVALID_TOKEN_RESPONSE),
        (
            None,
            |body| drop(body.as_object_mut().unwrap().remove("token_type")),
            Status::INVALID_TOKEN_RESPONSE,
        ),
        (Some(json!({ "cnf": { "jkt": "another" } })), |_| (), Status::TOKEN_BINDING),
        (Some(json!({ "sub": "alice" })), |_| (), Status::OK),
        (Some(json!({ "cnf": { "x5t#S256": "x" } })), |_| (), Status::OK),
    ];
    for (claims, change, outcome) in cases {
        let registered = bound().by_hand();
        let token = claims.as_ref().map(readable);
        if let Some((_, hash)) = token.clone() {
            registered
                .pair
                .provider
                .every_id_token(move |draft| draft.claims["at_hash"] = hash.clone().into());
        }
        let flow = registered.flow_that("approve after 0 s");
        let provider = &registered.pair.provider;
        let mut notice = provider.notice(&provider.newest().unwrap()).unwrap();
        let mut body: Value = serde_json::from_str(&notice.body).unwrap();
        if let Some((token, _)) = token {
            body["access_token"] = token.into();
        }
        change(&mut body);
        notice.body = body.to_string();
        assert_eq!(provider.send(&notice, 1), [204]);
        assert_eq!(Pair::outcome(&flow), outcome, "{claims:?} {}", body["token_type"]);
        registered.assert_then_silence(&flow, &["0 POST /ciba -> 204 push"]);
    }
}

#[test]
fn bound_tokens_that_nobody_asked_for_are_refused_when_they_are_pushed_r78_r80() {
    let registered = registered(&[], true);
    let error = registered.client.init(&registered.pair.request(), None).unwrap_err();
    assert!(error.message().contains("invalid_dpop_proof"), "{error}");
    assert!(registered.pair.provider.pending().is_empty());
}

#[test]
fn a_clients_own_key_or_that_of_a_signer_is_shown_as_any_other_r80() {
    const KEY: &str = include_str!("../fixtures/keys/ed25519.pem");
    let registered = registered(&[BOUND, ("dpop_private_key", KEY)], true);
    let flow = registered.flow_that("approve after 2 s");
    assert!(flow.poll(None).unwrap().is_some());
    assert_eq!(proofs(&registered)[0].0["alg"], "EdDSA");
    registered.assert_then_silence(&flow, &[PUSHED]);

    // The same key where the program signs: while it waits for the acknowledgement.
    use rustls_pki_types::pem::PemObject;
    let der = rustls_pki_types::PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_pkcs8(der.secret_der()).unwrap();
    let public = proofs(&registered)[0].0["jwk"].to_string();
    let settings = [BOUND, ("dpop_public_key", &public)];
    let mut config =
        registered.pair.config(&[&of_mode("push", &registered.endpoint)[..], &settings].concat());
    config.set_signer(std::sync::Arc::new(move |input: &ciba::SigningInput<'_>| {
        Ok(pair.sign(input.bytes).as_ref().to_vec())
    }));
    let client = ciba::Client::new(&config).unwrap();
    registered.endpoint.deliver_to(&client);
    let request = registered.pair.request_with(&[("binding_message", "approve after 2 s")]);
    let flow = client.init(&request, None).unwrap();
    assert!(flow.poll(None).unwrap().is_some());
    let proofs = proofs(&registered);
    assert_eq!(proofs[0].0, proofs[1].0);
    assert_ne!(proofs[0].1["jti"], proofs[1].1["jti"]);
}

#[test]
fn a_saved_flow_is_gone_on_with_by_a_client_that_has_the_key_it_showed_r80() {
    const KEY: &str = include_str!("../fixtures/keys/p256_sec1.pem");
    const OTHER: &str = include_str!("../fixtures/keys/ed25519.pem");
    let saving = ("saved_flow_keys", super::KEYS);
    let registered = registered(&[BOUND, saving, ("dpop_private_key", KEY)], true).by_hand();
    let flow = registered.flow_that("approve after 0 s");
    let saved = flow.hand_over("row 1", None).unwrap().unwrap();
    let with = |settings: &[(&str, &str)]| {
        let settings = [&of_mode("push", &registered.endpoint)[..], &[saving], settings].concat();
        registered.pair.client_with(&settings)
    };
    for other in [&[BOUND, ("dpop_private_key", OTHER)][..], &[BOUND], &[]] {
        let error = with(other).resume(saved.as_bytes(), "row 1").unwrap_err();
        assert_eq!(error.status(), Status::SAVED_FLOW_CLIENT, "{other:?}");
        assert!(error.message().contains("DPoP key"), "{error}");
    }
    let client = with(&[BOUND, ("dpop_private_key", KEY)]);
    registered.endpoint.deliver_to(&client);
    let resumed = client.resume(saved.as_bytes(), "row 1").unwrap();
    let provider = &registered.pair.provider;
    let notice = provider.notice(&provider.newest().unwrap()).unwrap();
    assert_eq!(provider.send(&notice, 1), [204]);
    let tokens = resumed.poll(None).unwrap().unwrap();
    assert!(client.userinfo(&tokens, None).unwrap().is_some());
}

#[test]
fn where_the_provider_has_a_prepare_step_it_is_made_once_and_shows_no_key_r80() {
    let pair = Pair::with(personality::telenor_bankid(), |config| {
        let (id, secret) = config.personality.client;
        let mut client = ciba_sim::Client::new(id, secret);
        client.backchannel_token_delivery_mode = Some("push".into());
        client.backchannel_client_notification_endpoint = Some("http://127.0.0.1:9/ciba".into());
        client.dpop_bound_access_tokens = true;
        config.clients = vec![client];
    });
    let metadata = json!({
        "backchannel_token_delivery_modes_supported": ["push"],
        "dpop_signing_alg_values_supported": ["ES256"],
    });
    pair.provider.always(Kind::Discovery, Fault::Patch(metadata));
    pair.provider.set_dpop_nonce(Some("first"));
    let client = pair.client_with(&[
        BOUND,
        ("allow_http_loopback", "true"),
        ("backchannel_token_delivery_mode", "push"),
        ("backchannel_client_notification_endpoint", "https://127.0.0.1:9/ciba"),
    ]);
    let flow = client.init(&pair.request(), None).unwrap();
    assert_eq!(flow.outcome(), Status::PENDING);
    let journal = pair.provider.journal();
    let of = |kind| journal.iter().filter(move |entry| entry.kind == kind);
    assert_eq!(of(Kind::Prepare).map(|entry| entry.status).collect::<Vec<_>>(), [Some(200)]);
    assert!(of(Kind::Prepare).all(|entry| entry.header("dpop").is_none()));
    assert_eq!(of(Kind::Start).map(|entry| entry.status).collect::<Vec<_>>(), [Some(400), Some(200)]);
    assert_eq!(pair.provider.pending().len(), 1);
}
