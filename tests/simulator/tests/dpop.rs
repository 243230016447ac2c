//! DPoP proofs (RFC 9449): a good one is taken, and with one fact changed it is refused.

mod common;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ciba_sim::{Client, Config, Notices, SimulatedTime, personality};
use common::{GRANT, Pair, body, pair};
use serde_json::{Value, json};

const SECRET: &str = "a secret";

/// A key on P-256.
struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Key {
        Key(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    /// Its public half.
    fn jwk(&self) -> Value {
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        json!({ "kty": "EC", "crv": "P-256", "x": BASE64.encode(x), "y": BASE64.encode(y) })
    }
}

/// What a proof is made of.
struct Proof {
    header: Value,
    claims: Value,
}

impl Proof {
    fn signed(&self, key: &Key) -> String {
        let part = |value: &Value| BASE64.encode(value.to_string());
        let message = format!("{}.{}", part(&self.header), part(&self.claims));
        let signature = key.0.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", BASE64.encode(signature))
    }
}

struct Provider {
    pair: Pair,
    time: SimulatedTime,
    /// That of the client.
    key: Key,
    proofs: std::cell::Cell<u32>,
}

impl Provider {
    fn new(mode: &str) -> Provider {
        let mut client = Client::new("desk", SECRET);
        client.dpop_bound_access_tokens = true;
        client.backchannel_token_delivery_mode = Some(mode.into());
        client.backchannel_client_notification_endpoint = Some("http://127.0.0.1:9/cb".into());
        let time = SimulatedTime::new();
        let mut config = Config::new(personality::generic()).time(time.clone());
        config.clients = vec![client];
        let provider = Provider { pair: pair(config), time, key: Key::new(), proofs: Default::default() };
        provider.pair.sim.set_notices(Notices { times: 0, early: false });
        provider
    }

    /// A good proof for one request.
    fn proof(&self, method: &str, url: &str) -> Proof {
        self.proofs.set(self.proofs.get() + 1);
        let jti = format!("proof-{}", self.proofs.get());
        Proof {
            header: json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.jwk() }),
            claims: json!({ "jti": jti, "htm": method, "htu": url, "iat": self.time.unix_ms() / 1000 }),
        }
    }

    /// The status and the error of a form that is sent with these proofs.
    fn sent(&self, url: &str, form: &[(&str, &str)], proofs: &[String]) -> (u16, Value) {
        let form = [form, &[("client_id", "desk"), ("client_secret", SECRET)]].concat();
        let request = self.pair.http.post(url).form(&form);
        let request = proofs.iter().fold(request, |request, proof| request.header("dpop", proof));
        body(request.send().unwrap())
    }

    /// The error of a poll: `invalid_grant` means that the proof is good.
    fn polled(&self, proofs: &[String]) -> String {
        let (_, answer) =
            self.sent(self.pair.token_url(), &[("grant_type", GRANT), ("auth_req_id", "x")], proofs);
        answer["error"].as_str().unwrap().to_owned()
    }
}

type Change = fn(&mut Proof);

/// Each changes one fact of a good proof.
const CHANGES: [(&str, Change); 16] = [
    ("another method", |proof| proof.claims["htm"] = json!("GET")),
    ("another case of the method", |proof| proof.claims["htm"] = json!("post")),
    ("another endpoint", |proof| proof.claims["htu"] = json!(text(&proof.claims["htu"]) + "x")),
    ("a query", |proof| proof.claims["htu"] = json!(text(&proof.claims["htu"]) + "?a=b")),
    ("another host", |proof| {
        proof.claims["htu"] = json!(text(&proof.claims["htu"]).replace("127.0.0.1", "127.0.0.2"));
    }),
    ("too old", |proof| proof.claims["iat"] = json!(proof.claims["iat"].as_i64().unwrap() - 61)),
    ("of the future", |proof| proof.claims["iat"] = json!(proof.claims["iat"].as_i64().unwrap() + 61)),
    ("no time", |proof| remove(&mut proof.claims, "iat")),
    ("no identifier", |proof| remove(&mut proof.claims, "jti")),
    ("no method", |proof| remove(&mut proof.claims, "htm")),
    ("no endpoint", |proof| remove(&mut proof.claims, "htu")),
    ("another type", |proof| proof.header["typ"] = json!("JWT")),
    ("no key", |proof| remove(&mut proof.header, "jwk")),
    ("another key", |proof| proof.header["jwk"] = Key::new().jwk()),
    ("a private key", |proof| proof.header["jwk"]["d"] = json!("AAAA")),
    ("another algorithm", |proof| proof.header["alg"] = json!("HS256")),
];

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn remove(object: &mut Value, name: &str) {
    object.as_object_mut().unwrap().remove(name).unwrap();
}

#[test]
fn a_token_request_needs_one_good_proof_that_was_never_used_r51() {
    let provider = Provider::new("poll");
    let signed = |change: Change| {
        let mut proof = provider.proof("POST", provider.pair.token_url());
        change(&mut proof);
        proof.signed(&provider.key)
    };
    for (what, change) in CHANGES {
        assert_eq!(provider.polled(&[signed(change)]), "invalid_dpop_proof", "{what}");
        assert_eq!(provider.polled(&[signed(|_| ())]), "invalid_grant", "the good twin");
    }
    // Just within the time that is allowed.
    let old: Change = |proof| proof.claims["iat"] = json!(proof.claims["iat"].as_i64().unwrap() - 60);
    assert_eq!(provider.polled(&[signed(old)]), "invalid_grant");

    let good = signed(|_| ());
    assert_eq!(provider.polled(std::slice::from_ref(&good)), "invalid_grant");
    assert_eq!(provider.polled(std::slice::from_ref(&good)), "invalid_dpop_proof", "a second time");
    assert_eq!(provider.polled(&[]), "invalid_dpop_proof", "none");
    assert_eq!(provider.polled(&[signed(|_| ()), signed(|_| ())]), "invalid_dpop_proof", "two");
    let (head, _) = good.rsplit_once('.').unwrap();
    let (_, foreign) = signed(|_| ()).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert_eq!(provider.polled(&[format!("{head}.{foreign}")]), "invalid_dpop_proof", "another's signature");
}

#[test]
fn an_authentication_request_of_a_push_client_needs_one_and_rings_nobody_without_it_r80() {
    let provider = Provider::new("push");
    let url = provider.pair.start_url().to_owned();
    let start = |proofs: &[String]| {
        let token = "a-token-of-128-bits-and-more";
        let form = [("scope", "openid"), ("login_hint", "alice"), ("client_notification_token", token)];
        provider.sent(&url, &form, proofs)
    };
    let signed = |change: Change| {
        let mut proof = provider.proof("POST", &url);
        change(&mut proof);
        proof.signed(&provider.key)
    };
    for (what, change) in CHANGES {
        let (status, answer) = start(&[signed(change)]);
        assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_dpop_proof")), "{what}");
    }
    assert_eq!(start(&[]).0, 400);
    // One for the token endpoint is none for this.
    let elsewhere = provider.proof("POST", provider.pair.token_url()).signed(&provider.key);
    assert_eq!(start(&[elsewhere]).0, 400);
    provider.pair.sim.set_dpop_nonce(Some("n-1"));
    let (status, answer) = start(&[signed(|_| ())]);
    assert_eq!((status, answer["error"].as_str()), (400, Some("use_dpop_nonce")));
    assert!(provider.pair.sim.pending().is_empty(), "no phone has rung");

    let good = signed(|proof| proof.claims["nonce"] = json!("n-1"));
    assert_eq!(start(std::slice::from_ref(&good)).0, 200, "the good twin");
    assert_eq!(start(&[good]).0, 400, "a second time");
    assert_eq!(provider.pair.sim.pending().len(), 1);
}

#[test]
fn userinfo_needs_a_proof_for_this_very_access_token() {
    let provider = Provider::new("poll");
    let form = [("scope", "openid"), ("login_hint", "alice")];
    let (_, ack) = provider.sent(provider.pair.start_url(), &form, &[]);
    let id = ack["auth_req_id"].as_str().unwrap();
    provider.pair.sim.approve(id);
    let proof = provider.proof("POST", provider.pair.token_url()).signed(&provider.key);
    let poll = [("grant_type", GRANT), ("auth_req_id", id)];
    let (_, tokens) = provider.sent(provider.pair.token_url(), &poll, &[proof]);
    assert_eq!(tokens["token_type"], "DPoP");
    let access_token = tokens["access_token"].as_str().unwrap();

    let url = format!("{}/userinfo", provider.pair.sim.issuer());
    let hash = |token: &str| json!(BASE64.encode(digest(&SHA256, token.as_bytes())));
    let asked = |scheme: &str, change: &dyn Fn(&mut Proof)| {
        let mut proof = provider.proof("GET", &url);
        proof.claims["ath"] = hash(access_token);
        change(&mut proof);
        let request =
            provider.pair.http.get(&url).header("authorization", format!("{scheme} {access_token}"));
        body(request.header("dpop", proof.signed(&provider.key)).send().unwrap()).0
    };
    assert_eq!(asked("DPoP", &|_| ()), 200, "the good twin");
    assert_eq!(asked("DPoP", &|proof| remove(&mut proof.claims, "ath")), 401, "no ath");
    assert_eq!(asked("DPoP", &|proof| proof.claims["ath"] = hash("another")), 401, "another ath");
    assert_eq!(asked("DPoP", &|proof| proof.claims["htm"] = json!("POST")), 401, "another method");
    assert_eq!(asked("Bearer", &|_| ()), 401, "as if it were bound to nothing");
    assert_eq!(asked("DPoP", &|_| ()), 200);

    // Another key than that of the token.
    let other = Key::new();
    let mut proof = provider.proof("GET", &url);
    proof.claims["ath"] = hash(access_token);
    proof.header["jwk"] = other.jwk();
    let request = provider.pair.http.get(&url).header("authorization", format!("DPoP {access_token}"));
    assert_eq!(body(request.header("dpop", proof.signed(&other)).send().unwrap()).0, 401);
}
