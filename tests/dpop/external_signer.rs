//! Proofs by a key that cannot leave its store: a signer of the program's own signs them, on threads that are
//! inside a call.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
    RsaKeyPair,
};
use ciba::{Client, Config, ExternalSigner, FlowSet, SigningInput, Status, TokenKind};
use ciba_sim::{Kind, personality};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};

use crate::binding::thumbprint;
use crate::common::{Pair, STARTED, eventually};
use crate::{BOUND, bound, of_kinds, pem, polls, proof, signed_in, wants, wants_nonce};

const NOW: Option<Duration> = Some(Duration::ZERO);

type Signature = Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>>;

/// A signature by the key of that name: what an HSM would do, in software.
fn sign_with(key: &str, algorithm: &str, bytes: &[u8]) -> Vec<u8> {
    let random = SystemRandom::new();
    let der = |pem: &str| PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let rsa = |encoding: &'static dyn RsaEncoding| {
        let pair = RsaKeyPair::from_pkcs8(der(pem!("rsa_pkcs8")).secret_der()).unwrap();
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &random, bytes, &mut signature).unwrap();
        signature
    };
    let ecdsa = |algorithm: &'static EcdsaSigningAlgorithm, pem: &str| {
        let pair = EcdsaKeyPair::from_private_key_der(algorithm, der(pem).secret_der()).unwrap();
        pair.sign(&random, bytes).unwrap().as_ref().to_vec()
    };
    match (key, algorithm) {
        ("rsa", "RS256") => rsa(&RSA_PKCS1_SHA256),
        ("rsa", "PS256") => rsa(&RSA_PSS_SHA256),
        ("p256", "ES256") => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, pem!("p256_sec1")),
        ("p384", "ES384") => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING, pem!("p384_sec1")),
        ("p521", "ES512") => ecdsa(&ECDSA_P521_SHA512_FIXED_SIGNING, pem!("p521_pkcs8")),
        ("ed25519", "EdDSA") => {
            let pair = Ed25519KeyPair::from_pkcs8(der(pem!("ed25519")).secret_der()).unwrap();
            pair.sign(bytes).as_ref().to_vec()
        }
        other => panic!("{other:?}"),
    }
}

/// The public half of the key of that name, with that name as its `kid`.
fn public(name: &str) -> Value {
    let mut keys: Value = serde_json::from_str(include_str!("../fixtures/keys/keys.jwk.json")).unwrap();
    let mut key = keys[name].take();
    let members = key.as_object_mut().unwrap();
    members.retain(|name, _| ["kty", "crv", "x", "y", "n", "e"].contains(&name.as_str()));
    members.insert("kid".into(), name.into());
    key
}

/// A store of several keys, each asked for by its name; it notes which, and on which thread.
#[derive(Clone, Default)]
struct Store(Arc<Mutex<Vec<(String, ThreadId)>>>);

impl Store {
    /// Which keys were asked for, one after the other, since this was asked last; all on this thread.
    #[track_caller]
    fn asked_here(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.0.lock().unwrap());
        assert!(asked.iter().all(|(_, on)| *on == thread::current().id()), "by a thread that waits");
        asked.into_iter().map(|(name, _)| name).collect()
    }
}

impl ExternalSigner for Store {
    fn sign(&self, input: &SigningInput<'_>) -> Signature {
        let name = input.key_id.expect("each key has a name");
        self.0.lock().unwrap().push((name.to_owned(), thread::current().id()));
        Ok(sign_with(name, input.algorithm, input.bytes))
    }
}

fn config(pair: &Pair, public: &Value, settings: &[(&str, &str)]) -> Config {
    pair.config(&[&[BOUND, ("dpop_public_key", &public.to_string()[..])], settings].concat())
}

fn client(pair: &Pair, key: &str, signer: impl ExternalSigner + 'static) -> Client {
    Client::new(config(pair, &public(key), &[]).set_signer(Arc::new(signer))).unwrap()
}

#[test]
fn with_every_kind_of_key_proofs_are_signed_on_the_thread_that_waits_and_no_poll_is_late_r51() {
    for (algorithm, key) in [
        ("RS256", "rsa"),
        ("PS256", "rsa"),
        ("ES256", "p256"),
        ("ES384", "p384"),
        ("ES512", "p521"),
        ("EdDSA", "ed25519"),
    ] {
        let pair = bound();
        let store = Store::default();
        let mut config = config(&pair, &public(key), &[("dpop_signing_alg", algorithm)]);
        let client = Client::new(config.set_signer(Arc::new(store.clone()))).unwrap();
        let flow = client.init(&wants(&pair, "approve after 7 s"), None).unwrap();
        assert!(store.asked_here().is_empty(), "the start proves no key");
        let tokens = flow.poll(None).unwrap().unwrap();
        pair.assert_polls_then_silence(&flow, &["5200 400 authorization_pending", "10400 200 tokens"]);
        assert!(client.userinfo(&tokens, None).unwrap().is_some());
        let fresh = client.refresh(&tokens, None).unwrap().unwrap();
        assert!(client.introspect(&fresh, TokenKind::AccessToken, None).unwrap().is_some(), "bound to it");
        assert_eq!(store.asked_here(), [key; 4], "{algorithm}: two polls, userinfo, refresh");

        let mut used = HashSet::new();
        for entry in of_kinds(&pair, &[Kind::Poll, Kind::Refresh, Kind::Userinfo]) {
            let (header, claims) = proof(&entry);
            let mut bare = public(key);
            bare.as_object_mut().unwrap().remove("kid");
            assert_eq!((&header["alg"], &header["jwk"]), (&json!(algorithm), &bare));
            let names: Vec<&String> = claims.as_object().unwrap().keys().collect();
            let expected: &[&str] = match entry.kind {
                Kind::Userinfo => &["ath", "htm", "htu", "iat", "jti"],
                _ => &["htm", "htu", "iat", "jti"],
            };
            assert_eq!(names, expected);
            assert!(used.insert(claims["jti"].to_string()));
        }
        assert_eq!(used.len(), 4);
    }
}

/// A provider where the client proves itself by a signed JWT, and its access tokens are bound.
fn asserting() -> Pair {
    Pair::with(personality::generic(), |config| {
        let mut client = ciba_sim::Client::new("desk", "");
        client.token_endpoint_auth_method = Some("private_key_jwt".into());
        client.dpop_bound_access_tokens = true;
        client.jwks = json!({ "keys": [public("rsa"), public("p256")] });
        config.clients = vec![client];
    })
}

#[test]
fn a_program_with_two_keys_is_told_which_one_is_asked_for_r51() {
    let pair = asserting();
    let store = Store::default();
    let settings = [
        ("client_id", "desk"),
        ("client_secret", ""),
        ("token_endpoint_auth_method", "private_key_jwt"),
        ("token_endpoint_auth_signing_alg", "PS256"),
        ("client_key_id", "rsa"),
    ];
    let mut config = config(&pair, &public("p256"), &settings);
    let client = Client::new(config.set_signer(Arc::new(store.clone()))).unwrap();
    let flow = client.init(&wants(&pair, "approve after 1 s"), None).unwrap();
    assert_eq!(store.asked_here(), ["rsa"]);
    let tokens = flow.poll(None).unwrap().unwrap();
    assert_eq!(store.asked_here(), ["rsa", "p256"], "both for one request, in one call");
    assert!(client.userinfo(&tokens, None).unwrap().is_some());
    assert_eq!(store.asked_here(), ["p256"]);
    assert!(client.refresh(&tokens, None).unwrap().is_some());
    assert_eq!(store.asked_here(), ["rsa", "p256"]);
    let after = ["5200 POST /token -> 200 tokens", "5200 GET /userinfo -> 200 userinfo"];
    let refreshed = ["5200 POST /token -> 200 tokens"];
    pair.assert_requests_then_silence(&flow, &[&STARTED[..], &after, &refreshed].concat());
}

#[test]
fn a_signer_may_have_the_key_of_proofs_alone() {
    let pair = asserting();
    let store = Store::default();
    let settings = [
        ("client_id", "desk"),
        ("client_secret", ""),
        ("token_endpoint_auth_method", "private_key_jwt"),
        ("client_private_key", pem!("rsa_pkcs8")),
        ("client_key_id", "rsa"),
    ];
    let mut config = config(&pair, &public("p256"), &settings);
    let client = Client::new(config.set_signer(Arc::new(store.clone()))).unwrap();
    signed_in(&pair, &client);
    assert_eq!(store.asked_here(), ["p256"]);

    // What the library signs does not grow old while the proof waits for somebody who signs it.
    let flow = client.init(&wants(&pair, "approve after 1 s"), None).unwrap();
    let stop = pair.stop_the_clock();
    pair.time.advance(5_200);
    assert!(flow.step(NOW).unwrap().is_none(), "begun, and nobody is there to sign");
    eventually("what is to be signed", || flow.progress().signature_wanted);
    pair.time.advance(90_000); // longer than an assertion lives
    drop(stop);
    assert!(flow.poll(None).unwrap().is_some());
    assert_eq!(flow.outcome(), Status::OK);
}

#[test]
fn a_key_without_a_kid_is_asked_for_by_its_thumbprint() {
    let pair = bound();
    let mut key = public("p256");
    key.as_object_mut().unwrap().remove("kid");
    let expected = thumbprint(&key);
    let signer = move |input: &SigningInput<'_>| {
        assert_eq!(input.key_id, Some(expected.as_str()));
        Ok(sign_with("p256", input.algorithm, input.bytes))
    };
    let client = Client::new(config(&pair, &key, &[]).set_signer(Arc::new(signer))).unwrap();
    signed_in(&pair, &client);
}

#[test]
fn a_nonce_that_is_wanted_is_signed_into_another_proof_r41_r51() {
    let pair = bound();
    pair.provider.set_dpop_nonce(Some("first"));
    let store = Store::default();
    let client = client(&pair, "p256", store.clone());
    let flow = client.init(&wants(&pair, "approve after 1 s"), None).unwrap();
    assert!(flow.poll(None).unwrap().is_some());
    pair.assert_polls_then_silence(&flow, &["5200 400 use_dpop_nonce", "5200 200 tokens"]);
    assert_eq!(store.asked_here(), ["p256", "p256"]);
    let proofs: Vec<Value> = of_kinds(&pair, &[Kind::Poll]).iter().map(|entry| proof(entry).1).collect();
    assert_eq!(proofs[1]["nonce"], "first");
    assert_ne!(proofs[0]["jti"], proofs[1]["jti"]);

    // As often as any other poll, and no more.
    pair.provider.set_dpop_nonce(None);
    for nonce in ["a", "b"] {
        pair.provider.next(Kind::Poll, wants_nonce(nonce));
    }
    pair.provider.clear_journal();
    let flow = client.init(&wants(&pair, "approve after 1 s"), None).unwrap();
    assert!(flow.poll(None).unwrap().is_some());
    assert_eq!(polls(&pair).len(), 3);
    assert_eq!(store.asked_here().len(), 3);
}

#[test]
fn with_nobody_inside_a_call_no_proof_is_signed_and_one_that_is_is_of_then() {
    let pair = bound();
    let store = Store::default();
    let client = client(&pair, "p256", store.clone());
    let flow = client.init(&wants(&pair, "approve after 1 s"), None).unwrap();
    eventually("keys", || pair.provider.lines().len() == 3);
    pair.time.advance(5_200);
    assert!(flow.poll(NOW).unwrap().is_none());
    pair.settle();
    assert_eq!(polls(&pair).len(), 0, "the poll waits to be signed");
    assert!(store.asked_here().is_empty());

    pair.time.advance(90_000);
    let now = pair.time.unix_ms() / 1000;
    eventually("the tokens", || flow.poll(NOW).unwrap().is_some());
    assert_eq!(store.asked_here(), ["p256"]);
    assert_eq!(proof(&of_kinds(&pair, &[Kind::Poll])[0]).1["iat"], now);
    pair.assert_polls_then_silence(&flow, &["95200 200 tokens"]);
}

#[test]
fn the_thread_that_waits_for_a_set_signs_the_proofs_of_its_members_r41() {
    let pair = bound();
    let store = Store::default();
    let client = client(&pair, "p256", store.clone());
    let set = FlowSet::new(&client).unwrap();
    let flows: Vec<_> =
        (0..3).map(|_| client.init(&wants(&pair, "approve after 1 s"), None).unwrap()).collect();
    for flow in &flows {
        set.add(flow, ()).unwrap();
    }
    for _ in 0..3 {
        set.wait(None).unwrap().unwrap();
    }
    assert!(flows.iter().all(|flow| flow.outcome() == Status::OK));
    assert_eq!(store.asked_here(), ["p256"; 3]);
}

#[test]
fn a_proof_that_is_signed_with_another_key_is_never_sent_r48() {
    // With the client's key in place of that of proofs, as a callback does that does not look which is asked for.
    type Wrong = fn(&[u8]) -> Signature;
    let wrong: [(Wrong, &str); 3] = [
        (|_| Ok(vec![7; 64]), "not one of the key that was asked for"),
        (|bytes| Ok(sign_with("p256", "ES256", &bytes[1..])), "not one of the key that was asked for"),
        (|_| Err("the HSM is locked".into()), "the HSM is locked"),
    ];
    for (wrong, says) in wrong {
        let pair = bound();
        let calls = AtomicU32::new(0);
        let signer = move |input: &SigningInput<'_>| match calls.fetch_add(1, Ordering::Relaxed) {
            0 => wrong(input.bytes),
            _ => Ok(sign_with("p256", input.algorithm, input.bytes)),
        };
        let client = client(&pair, "p256", signer);
        let flow = client.init(&wants(&pair, "approve after 1 s"), None).unwrap();
        assert!(flow.poll(Some(Duration::from_secs(6))).unwrap().is_none());
        let trouble = flow.last_trouble().unwrap();
        assert_eq!(trouble.status(), Status::SIGNER_FAILED);
        assert!(trouble.message().contains(says), "{trouble}");
        assert_eq!(polls(&pair).len(), 0, "nothing is sent");
        assert!(flow.poll(None).unwrap().is_some(), "at the next interval it is good");
        assert_eq!(polls(&pair).len(), 1);
    }
}

#[test]
fn settings_that_cannot_work_are_refused_when_the_client_is_made() {
    let pair = bound();
    let given = public("p256").to_string();
    let key = ("dpop_public_key", given.as_str());
    let mut private = public("p256");
    private["d"] = json!("planted");
    let (private, octets) = (private.to_string(), json!({ "kty": "oct", "k": "planted" }).to_string());
    type Case<'a> = (&'a [(&'a str, &'a str)], bool, Status, &'a str);
    let cases: [Case<'_>; 7] = [
        (&[BOUND, key], false, Status::MISSING_SETTING, "no signer"),
        (&[key], true, Status::CONFLICTING_SETTINGS, "dpop_bound_access_tokens"),
        (
            &[BOUND, key, ("dpop_private_key", pem!("p256_sec1"))],
            true,
            Status::CONFLICTING_SETTINGS,
            "dpop_private_key",
        ),
        (&[BOUND, key, ("dpop_signing_alg", "RS256")], true, Status::CONFLICTING_SETTINGS, "RSA key"),
        (&[BOUND, ("dpop_public_key", &private)], true, Status::INVALID_VALUE, "private key"),
        (&[BOUND, ("dpop_public_key", &octets)], true, Status::INVALID_VALUE, "dpop_public_key"),
        (&[BOUND, ("dpop_public_key", "{}")], true, Status::INVALID_VALUE, "not a JWK"),
    ];
    for (settings, signer, status, says) in cases {
        let mut config = pair.config(settings);
        if signer {
            config.set_signer(Arc::new(Store::default()));
        }
        let error = Client::new(&config).unwrap_err();
        assert_eq!(error.status(), status, "{error}");
        assert!(error.message().contains(says) && !error.message().contains("planted"), "{error}");
    }
    let mut config = pair.config(&[BOUND, key]);
    assert!(Client::new(config.set_signer(Arc::new(Store::default()))).is_ok(), "the good twin");
    // In JSON the key stands as it is.
    let json = json!({ "dpop_bound_access_tokens": true, "dpop_public_key": public("p256") });
    let mut config = pair.config(&[]);
    config.set_json(&json.to_string()).unwrap();
    assert!(Client::new(config.set_signer(Arc::new(Store::default()))).is_ok());
}

#[test]
fn a_signer_alone_leaves_the_key_of_proofs_to_the_library() {
    let pair = bound();
    let store = Store::default();
    let client = Client::new(pair.config(&[BOUND]).set_signer(Arc::new(store.clone()))).unwrap();
    let tokens = signed_in(&pair, &client);
    assert!(client.userinfo(&tokens, None).unwrap().is_some());
    assert!(store.asked_here().is_empty());
}

#[test]
fn userinfo_is_signed_by_the_thread_that_asks_for_it() {
    let pair = bound();
    let store = Store::default();
    let client = client(&pair, "p256", store.clone());
    let tokens = signed_in(&pair, &client);
    assert_eq!(store.asked_here(), ["p256"]);
    pair.provider.clear_journal();
    assert!(client.userinfo(&tokens, NOW).unwrap().is_none());
    pair.settle();
    assert!(pair.provider.lines().is_empty(), "nobody is inside a call");
    assert!(client.userinfo(&tokens, None).unwrap().is_some());
    assert_eq!(store.asked_here(), ["p256"]);
    assert_eq!(pair.provider.lines().len(), 1, "the same request");
}

#[test]
fn a_signer_that_takes_its_time_for_a_proof_delays_no_other_flow() {
    let pair = bound();
    let ((enter, entered), (let_out, out)) = (channel(), channel::<()>());
    let (enter, out) = (Mutex::new(enter), Mutex::new(out));
    let slow_client = client(&pair, "p256", move |input: &SigningInput<'_>| {
        enter.lock().unwrap().send(())?;
        out.lock().unwrap().recv()?;
        Ok(sign_with("p256", input.algorithm, input.bytes))
    });
    let slow = slow_client.init(&wants(&pair, "approve after 1 s"), None).unwrap();
    let quick_client = pair.client_with(&[BOUND]);
    thread::scope(|scope| {
        let waits = scope.spawn(|| slow.poll(None).map(|tokens| tokens.is_some()));
        entered.recv_timeout(Duration::from_secs(20)).unwrap();
        // Meanwhile a whole sign-in of another flow of the same engine.
        let quick = quick_client.init(&wants(&pair, "approve after 1 s"), None).unwrap();
        pair.time.advance(5_200);
        assert!(quick.poll(Some(Duration::from_secs(20))).unwrap().is_some());
        assert_eq!(polls(&pair).len(), 1, "its own");
        let_out.send(()).unwrap();
        assert!(waits.join().unwrap().unwrap());
    });
    assert_eq!(polls(&pair).len(), 2);
}
