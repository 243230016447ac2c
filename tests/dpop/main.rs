//! Access tokens that are bound to a key of the client (DPoP, RFC 9449), in whole flows at a provider that
//! checks every proof. What tells of the binding is in `binding`, keys that cannot leave their store in
//! `external_signer`.

mod binding;
#[path = "../common/mod.rs"]
mod common;
mod external_signer;

use std::collections::HashSet;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ciba::{Client, Status, Tokens};
use ciba_sim::{Answer, Entry, Fault, Kind, personality};
use common::Pair;
use serde_json::Value;

const BOUND: (&str, &str) = ("dpop_bound_access_tokens", "true");

macro_rules! pem {
    ($name:literal) => {
        include_str!(concat!("../fixtures/keys/", $name, ".pem"))
    };
}
pub(crate) use pem;

/// A provider where the client is registered for bound tokens.
fn bound() -> Pair {
    registered(true)
}

fn registered(bound: bool) -> Pair {
    Pair::with(personality::generic(), |config| {
        let (id, secret) = config.personality.client;
        let mut client = ciba_sim::Client::new(id, secret);
        client.dpop_bound_access_tokens = bound;
        config.clients = vec![client];
    })
}

fn wants(pair: &Pair, phrase: &str) -> ciba::AuthenticationRequest {
    pair.request_with(&[("binding_message", phrase), ("scope", "openid offline_access")])
}

fn signed_in(pair: &Pair, client: &Client) -> Tokens {
    client.init(&wants(pair, "approve after 1 s"), None).unwrap().poll(None).unwrap().unwrap()
}

/// Header and claims of the proof that a request took along.
fn proof(entry: &Entry) -> (Value, Value) {
    let proof = entry.header("dpop").expect("a proof").to_owned();
    let mut parts = proof
        .split('.')
        .map(|part| serde_json::from_slice(&BASE64.decode(part).unwrap()).unwrap_or_default());
    (parts.next().unwrap(), parts.next().unwrap())
}

fn of_kinds(pair: &Pair, kinds: &[Kind]) -> Vec<Entry> {
    pair.provider.journal().into_iter().filter(|entry| kinds.contains(&entry.kind)).collect()
}

fn wants_nonce(nonce: &str) -> Fault {
    let answer = Answer::json(400, r#"{"error":"use_dpop_nonce"}"#).header("dpop-nonce", nonce);
    Fault::Answer(answer)
}

/// The token requests, without their paths.
fn polls(pair: &Pair) -> Vec<String> {
    of_kinds(pair, &[Kind::Poll]).iter().map(|entry| entry.line().replace("POST /token -> ", "")).collect()
}

#[test]
fn each_token_request_and_userinfo_has_a_proof_of_its_own_and_nothing_else_has_r51() {
    let pair = bound();
    let client = pair.client_with(&[BOUND]);
    let flow = client.init(&wants(&pair, "approve after 7 s"), None).unwrap();
    let tokens = flow.poll(None).unwrap().unwrap();
    assert_eq!(tokens.token_type(), "DPoP");
    pair.assert_polls_then_silence(&flow, &["5200 400 authorization_pending", "10400 200 tokens"]);
    assert!(client.userinfo(&tokens, None).unwrap().is_some());
    let fresh = client.refresh(&tokens, None).unwrap().unwrap();
    assert_ne!(fresh.access_token(), tokens.access_token());
    assert!(client.userinfo(&fresh, None).unwrap().is_some());
    assert!(client.introspect(&fresh, ciba::TokenKind::AccessToken, None).unwrap().is_some());

    let bound = [Kind::Poll, Kind::Refresh, Kind::Userinfo];
    let mut used = HashSet::new();
    let mut keys = HashSet::new();
    let issuer = pair.provider.issuer().to_owned();
    for entry in of_kinds(&pair, &bound) {
        let (header, claims) = proof(&entry);
        assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some("dpop+jwt"), Some("ES256")));
        let members: Vec<&String> = header["jwk"].as_object().unwrap().keys().collect();
        assert_eq!(members, ["crv", "kty", "x", "y"], "the public half alone");
        assert_eq!(claims["htm"], entry.method);
        assert_eq!(claims["htu"], format!("{issuer}{}", entry.path));
        assert_eq!(claims["ath"].is_string(), entry.kind == Kind::Userinfo);
        let scheme = if entry.kind == Kind::Userinfo { "DPoP " } else { "Basic " };
        assert!(entry.header("authorization").unwrap().starts_with(scheme));
        assert!(used.insert(claims["jti"].to_string()), "each proof is another one");
        keys.insert(header["jwk"].to_string());
    }
    assert_eq!((used.len(), keys.len()), (5, 1));
    let others = pair.provider.journal().into_iter().filter(|entry| !bound.contains(&entry.kind));
    assert!(others.clone().count() >= 4 && others.clone().all(|entry| entry.header("dpop").is_none()));
}

#[test]
fn every_kind_of_key_signs_proofs() {
    for (algorithm, key) in [
        ("RS256", pem!("rsa_pkcs8")),
        ("PS256", pem!("rsa_pkcs8")),
        ("ES256", pem!("p256_sec1")),
        ("ES384", pem!("p384_sec1")),
        ("ES512", pem!("p521_pkcs8")),
        ("EdDSA", pem!("ed25519")),
    ] {
        let pair = bound();
        let client = pair.client_with(&[BOUND, ("dpop_signing_alg", algorithm), ("dpop_private_key", key)]);
        let tokens = signed_in(&pair, &client);
        assert!(client.userinfo(&tokens, None).unwrap().is_some(), "{algorithm}");
        let (header, _) = proof(&of_kinds(&pair, &[Kind::Poll])[0]);
        assert_eq!(header["alg"], algorithm);
        assert_eq!(header["jwk"].get("d"), None);
    }
}

#[test]
fn a_nonce_that_is_wanted_is_given_at_once_as_the_same_poll_and_remembered_r41() {
    let pair = bound();
    pair.provider.set_dpop_nonce(Some("first"));
    let client = pair.client_with(&[BOUND]);
    let flow = client.init(&wants(&pair, "approve after 12 s"), None).unwrap();
    assert!(flow.poll(Some(Duration::from_secs(11))).unwrap().is_none());
    pair.provider.set_dpop_nonce(Some("second"));
    let tokens = flow.poll(None).unwrap().unwrap();
    let expected = [
        "5200 400 use_dpop_nonce",
        "5200 400 authorization_pending",
        "10400 400 authorization_pending",
        "15600 400 use_dpop_nonce",
        "15600 200 tokens",
    ];
    pair.assert_polls_then_silence(&flow, &expected);
    let proofs = of_kinds(&pair, &[Kind::Poll]).iter().map(|entry| proof(entry).1).collect::<Vec<_>>();
    let nonces: Vec<Option<&str>> = proofs.iter().map(|claims| claims["nonce"].as_str()).collect();
    assert_eq!(nonces, [None, Some("first"), Some("first"), Some("first"), Some("second")]);
    assert_eq!(proofs.iter().map(|claims| claims["jti"].to_string()).collect::<HashSet<_>>().len(), 5);

    // The same of what follows; a nonce that comes with any answer is the next one.
    pair.provider.clear_journal();
    assert!(client.userinfo(&tokens, None).unwrap().is_some());
    pair.provider.set_dpop_nonce(Some("third"));
    assert!(client.userinfo(&tokens, None).unwrap().is_some());
    assert!(client.refresh(&tokens, None).unwrap().is_some());
    let statuses: Vec<Option<u16>> = pair.provider.journal().iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [Some(200), Some(401), Some(200), Some(200)]);
    pair.provider.set_dpop_nonce(Some("fourth"));
    pair.provider.clear_journal();
    let tokens = signed_in(&pair, &client);
    pair.provider.set_dpop_nonce(Some("fifth"));
    assert!(client.refresh(&tokens, None).unwrap().is_some());
    let refreshes = of_kinds(&pair, &[Kind::Refresh]);
    assert_eq!(refreshes.iter().map(|entry| entry.status).collect::<Vec<_>>(), [Some(400), Some(200)]);
}

#[test]
fn a_poll_is_sent_anew_once_and_no_more_whatever_nonces_the_provider_wants_r42() {
    let pair = bound();
    for nonce in ["a", "b", "c", "d"] {
        pair.provider.next(Kind::Poll, wants_nonce(nonce));
    }
    let client = pair.client_with(&[BOUND]);
    let flow = client.init(&wants(&pair, "approve after 1 s"), None).unwrap();
    assert!(flow.poll(Some(Duration::from_secs(6))).unwrap().is_none());
    assert_eq!(flow.last_trouble().unwrap().status(), Status::PROVIDER_ERROR);
    assert_eq!(polls(&pair).len(), 2, "once more, and then not before the next interval");
    assert!(flow.poll(None).unwrap().is_some());
    let times: Vec<u64> = of_kinds(&pair, &[Kind::Poll]).iter().map(|entry| entry.at_ms).collect();
    assert_eq!(times.len(), 5);
    assert_eq!((times[0], times[2]), (times[1], times[3]));
    assert!(times[2] >= times[0] + 5_000 && times[4] >= times[2] + 5_000, "{times:?}");
}

#[test]
fn an_error_for_want_of_a_nonce_that_gives_none_ends_the_flow() {
    for (settings, with) in [(&[BOUND][..], None), (&[], Some("a-nonce"))] {
        let pair = registered(false);
        let answer = Answer::json(400, r#"{"error":"use_dpop_nonce"}"#);
        let answer = with.into_iter().fold(answer, |answer, nonce| answer.header("dpop-nonce", nonce));
        pair.provider.next(Kind::Poll, Fault::Answer(answer));
        let flow = pair.client_with(settings).init(&wants(&pair, "approve after 1 s"), None).unwrap();
        assert_eq!(Pair::outcome(&flow), Status::PROVIDER_ERROR);
        assert_eq!(polls(&pair).len(), 1);
    }
}

#[test]
fn tokens_that_are_bound_to_nothing_are_refused_and_so_are_bound_ones_that_nobody_asked_for() {
    for (asked, given, outcome) in
        [(true, true, Status::OK), (false, false, Status::OK), (true, false, Status::INVALID_TOKEN_RESPONSE)]
    {
        let pair = registered(given);
        let settings = [BOUND];
        let client = pair.client_with(if asked { &settings } else { &[] });
        let flow = client.init(&wants(&pair, "approve after 1 s"), None).unwrap();
        assert_eq!(Pair::outcome(&flow), outcome, "{asked} {given}");
        let answer = "5200 200 tokens";
        pair.assert_polls_then_silence(&flow, &[answer]);
    }
    // Without a proof a provider that binds them gives none.
    let pair = registered(true);
    let flow = pair.client().init(&wants(&pair, "approve after 1 s"), None).unwrap();
    assert_ne!(Pair::outcome(&flow), Status::OK);
    pair.assert_polls_then_silence(&flow, &["5200 400 invalid_dpop_proof"]);
}

#[test]
fn an_access_token_is_good_with_its_key_alone() {
    let pair = bound();
    let (client, other) = (pair.client_with(&[BOUND]), pair.client_with(&[BOUND]));
    let tokens = signed_in(&pair, &client);
    assert!(client.userinfo(&tokens, None).unwrap().is_some(), "the good twin");
    assert_eq!(other.userinfo(&tokens, None).unwrap_err().status(), Status::INVALID_TOKEN);
}

#[test]
fn a_saved_flow_is_gone_on_with_by_a_client_with_another_key() {
    let pair = bound();
    let sealing = ("saved_flow_unsealed", "true");
    let client = pair.client_with(&[BOUND, sealing]);
    let flow = client.init(&wants(&pair, "approve after 1 s"), None).unwrap();
    let saved = flow.hand_over("row 1", None).unwrap().unwrap();
    let other = pair.client_with(&[BOUND, sealing]);
    let tokens = other.resume(saved.as_bytes(), "row 1").unwrap().poll(None).unwrap().unwrap();
    assert!(other.userinfo(&tokens, None).unwrap().is_some());
}

#[test]
fn a_provider_that_does_not_list_the_algorithm_is_asked_for_nothing() {
    for (listed, started) in [
        (r#","dpop_signing_alg_values_supported":["ES256"]"#, true),
        (r#","dpop_signing_alg_values_supported":["PS256"]"#, false),
        ("", false),
    ] {
        let pair = bound();
        let issuer = pair.provider.issuer().to_owned();
        let document = format!(
            concat!(
                r#"{{"issuer":"{0}","jwks_uri":"{0}/jwks","token_endpoint":"{0}/token","#,
                r#""backchannel_authentication_endpoint":"{0}/bc-authorize"{1}}}"#
            ),
            issuer, listed
        );
        pair.provider.always(Kind::Discovery, Fault::Answer(Answer::json(200, document)));
        match pair.client_with(&[BOUND]).init(&pair.request(), None) {
            Ok(_) => assert!(started, "{listed}"),
            Err(error) => {
                assert!(!started, "{listed}: {error}");
                assert_eq!(error.status(), Status::METADATA_MISMATCH, "{error}");
                assert!(error.message().contains("dpop_signing_alg_values_supported"), "{error}");
                assert_eq!(pair.provider.lines().len(), 1, "the metadata alone");
            }
        }
    }
}

#[test]
fn settings_that_cannot_work_are_refused_when_the_client_is_made() {
    let pair = bound();
    let key = ("dpop_private_key", pem!("p256_sec1"));
    type Case<'a> = (&'a [(&'a str, &'a str)], Status, &'a str);
    let cases: [Case<'_>; 3] = [
        (&[key], Status::CONFLICTING_SETTINGS, "dpop_bound_access_tokens"),
        (&[BOUND, key, ("dpop_signing_alg", "RS256")], Status::CONFLICTING_SETTINGS, "RSA key"),
        (&[BOUND, ("dpop_signing_alg", "PS256")], Status::MISSING_SETTING, "dpop_private_key"),
    ];
    for (settings, status, says) in cases {
        let error = Client::new(&pair.config(settings)).unwrap_err();
        assert_eq!(error.status(), status, "{error}");
        assert!(error.message().contains(says), "{error}");
    }
    assert!(Client::new(&pair.config(&[BOUND, key])).is_ok(), "the good twin");
}
