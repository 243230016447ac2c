//! Client assertions and signed requests: what is good is taken, and one thing wrong is refused.

mod common;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ciba_sim::{Client, Config, SimulatedTime, personality};
use common::{GRANT, Pair, pair, read};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

const SECRET: &str = "forty characters are enough for HS256+/=";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

macro_rules! pem {
    ($name:literal) => {
        der(include_str!(concat!("../../fixtures/keys/", $name, ".pem")))
    };
}

fn der(pem: &str) -> Vec<u8> {
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    base64::prelude::BASE64_STANDARD.decode(text).unwrap()
}

fn public(name: &str, kid: &str) -> Value {
    let mut keys: Value = serde_json::from_str(include_str!("../../fixtures/keys/keys.jwk.json")).unwrap();
    let mut key = keys[name].take();
    let members = key.as_object_mut().unwrap();
    members.retain(|name, _| ["kty", "crv", "x", "y", "n", "e"].contains(&name.as_str()));
    members.insert("kid".into(), kid.into());
    key
}

fn es256() -> EncodingKey {
    EncodingKey::from_ec_der(&pem!("p256_pkcs8"))
}

fn signed(header: &Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    let part = |value: &Value| BASE64.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// A provider with one client that has a key of each kind.
fn provider(change: impl FnOnce(&mut Client)) -> (Pair, SimulatedTime) {
    let mut client = Client::new("desk", SECRET);
    client.token_endpoint_auth_method = Some("private_key_jwt".into());
    client.jwks = json!({ "keys": [public("rsa", "r"), public("p256", "e"), public("ed25519", "d")] });
    change(&mut client);
    let time = SimulatedTime::new();
    let mut config = Config::new(personality::generic()).time(time.clone());
    config.clients = vec![client, Client::new("other", "another secret")];
    (pair(config), time)
}

/// Good claims of an assertion.
fn assertion(pair: &Pair, time: &SimulatedTime, jti: &str) -> Value {
    let now = time.unix_ms() / 1000;
    json!({
        "iss": "desk", "sub": "desk", "aud": pair.sim.issuer(), "jti": jti,
        "iat": now, "nbf": now - 10, "exp": now + 60,
    })
}

/// The error of a poll that is authenticated so: `invalid_grant` means that the client is known.
fn polled(pair: &Pair, more: &[(&str, &str)]) -> String {
    let form = [&[("grant_type", GRANT), ("auth_req_id", "x")], more].concat();
    let (_, body) = read(pair.http.post(pair.token_url()).form(&form));
    body["error"].as_str().unwrap().to_owned()
}

fn with(pair: &Pair, assertion: &str) -> String {
    polled(pair, &[("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)])
}

#[test]
fn every_algorithm_that_is_not_registered_otherwise() {
    let (pair, time) = provider(|_| ());
    let rsa = || EncodingKey::from_rsa_der(&pem!("rsa_pkcs1"));
    for (index, (alg, algorithm, key)) in [
        ("RS256", Algorithm::RS256, rsa()),
        ("RS384", Algorithm::RS384, rsa()),
        ("RS512", Algorithm::RS512, rsa()),
        ("PS256", Algorithm::PS256, rsa()),
        ("PS384", Algorithm::PS384, rsa()),
        ("PS512", Algorithm::PS512, rsa()),
        ("ES256", Algorithm::ES256, es256()),
        ("EdDSA", Algorithm::EdDSA, EncodingKey::from_ed_der(&pem!("ed25519"))),
    ]
    .into_iter()
    .enumerate()
    {
        let claims = assertion(&pair, &time, &index.to_string());
        assert_eq!(
            with(&pair, &signed(&json!({ "alg": alg }), &claims, &key, algorithm)),
            "invalid_grant",
            "{alg}"
        );
        let mut other = claims.clone();
        other["jti"] = "new".into();
        let forged = signed(&json!({ "alg": alg }), &other, &key, algorithm);
        let forged = format!("{}A.{}", &forged[..forged.len() / 2], forged.rsplit_once('.').unwrap().1);
        assert_eq!(with(&pair, &forged), "invalid_client", "{alg}");
    }
    let (pair, time) =
        provider(|client| client.token_endpoint_auth_method = Some("client_secret_jwt".into()));
    for (alg, algorithm) in
        [("HS256", Algorithm::HS256), ("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)]
    {
        let claims = assertion(&pair, &time, alg);
        let key = |secret: &str| EncodingKey::from_secret(secret.as_bytes());
        let jwt = |secret| signed(&json!({ "alg": alg }), &claims, &key(secret), algorithm);
        assert_eq!(with(&pair, &jwt("another secret")), "invalid_client");
        assert_eq!(with(&pair, &jwt(SECRET)), "invalid_grant");
        assert_eq!(with(&pair, &jwt(SECRET)), "invalid_client", "its jti was used");
    }
}

#[test]
fn one_thing_wrong_with_an_assertion() {
    let (pair, time) = provider(|client| client.token_endpoint_auth_signing_alg = Some("ES256".into()));
    let issuer = pair.sim.issuer().to_owned();
    let now = time.unix_ms() / 1000;
    let header = json!({ "alg": "ES256", "kid": "e" });
    let mut count = 0;
    let mut answer = |header: &Value, patch: &Value| {
        count += 1;
        let mut claims = assertion(&pair, &time, &count.to_string());
        for (name, value) in patch.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        with(&pair, &signed(header, &claims, &es256(), Algorithm::ES256))
    };
    for good in [
        json!({}),
        json!({ "aud": format!("{issuer}/token") }),
        json!({ "aud": format!("{issuer}/bc-authorize") }),
        json!({ "aud": [issuer] }),
        json!({ "nbf": null, "iat": null }),
    ] {
        assert_eq!(answer(&header, &good), "invalid_grant", "{good}");
    }
    for wrong in [
        json!({ "iss": "other" }),
        json!({ "sub": "other" }),
        json!({ "sub": null }),
        json!({ "aud": null }),
        json!({ "aud": format!("{issuer}/") }),
        json!({ "aud": [issuer, "https://id.example"] }),
        json!({ "jti": null }),
        json!({ "jti": 7 }),
        json!({ "jti": "1" }),
        json!({ "exp": null }),
        json!({ "exp": now }),
        json!({ "exp": (now + 60).to_string() }),
        json!({ "exp": now + 3700 }),
        json!({ "nbf": now + 1 }),
        json!({ "iat": now + 1 }),
    ] {
        assert_eq!(answer(&header, &wrong), "invalid_client", "{wrong}");
    }
    for (wrong, answered) in [
        (json!({ "alg": "ES256", "kid": "e", "typ": "client-authentication+jwt" }), "invalid_grant"),
        (json!({ "alg": "ES256", "typ": "JWT" }), "invalid_grant"),
        (json!({ "alg": "ES256", "kid": "r" }), "invalid_client"),
        (json!({ "alg": "ES256", "kid": "unknown" }), "invalid_client"),
        (json!({ "alg": "ES256", "typ": "at+jwt" }), "invalid_client"),
        (json!({ "alg": "ES256", "crit": ["b64"] }), "invalid_client"),
        (json!({ "alg": "none" }), "invalid_client"),
        (json!({}), "invalid_client"),
    ] {
        assert_eq!(answer(&wrong, &json!({})), answered, "{wrong}");
    }
}

#[test]
fn exactly_the_registered_way() {
    let (pair, time) = provider(|_| ());
    let jwt = |jti: &str| {
        signed(&json!({ "alg": "ES256" }), &assertion(&pair, &time, jti), &es256(), Algorithm::ES256)
    };
    let (secret, id) = (("client_secret", SECRET), ("client_id", "desk"));
    let typ = ("client_assertion_type", ASSERTION_TYPE);
    assert_eq!(polled(&pair, &[typ, ("client_assertion", &jwt("1")), id]), "invalid_grant");
    assert_eq!(polled(&pair, &[id, secret]), "invalid_client", "not its method");
    assert_eq!(polled(&pair, &[typ, ("client_assertion", &jwt("2")), id, secret]), "invalid_request");
    assert_eq!(
        polled(&pair, &[typ, ("client_assertion", &jwt("3")), ("client_id", "other")]),
        "invalid_request"
    );
    assert_eq!(polled(&pair, &[("client_assertion", &jwt("4"))]), "invalid_client");
    let other = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer");
    assert_eq!(polled(&pair, &[other, ("client_assertion", &jwt("5"))]), "invalid_client");

    // A client without keys, or one that is registered for its secret, cannot sign.
    let (pair, _) = provider(|client| client.token_endpoint_auth_method = None);
    assert_eq!(with(&pair, &jwt("6")), "invalid_client");
    assert_eq!(polled(&pair, &[id, secret]), "invalid_grant");
    let (pair, _) = provider(|client| client.jwks = json!(null));
    assert_eq!(with(&pair, &jwt("7")), "invalid_client");
}

#[test]
fn signed_requests() {
    let (pair, time) = provider(|client| {
        client.token_endpoint_auth_method = None;
        client.backchannel_authentication_request_signing_alg = Some("ES256".into());
    });
    let now = time.unix_ms() / 1000;
    let issuer = pair.sim.issuer().to_owned();
    let mut count = 0;
    let mut jwt = |patch: &Value| {
        count += 1;
        let mut claims = json!({
            "iss": "desk", "aud": issuer, "iat": now, "nbf": now - 10, "exp": now + 300,
            "jti": count.to_string(), "client_id": "desk",
            "scope": "openid", "login_hint": "alice", "requested_expiry": "60",
        });
        for (name, value) in patch.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        signed(&json!({ "alg": "ES256", "kid": "e" }), &claims, &es256(), Algorithm::ES256)
    };
    let start = |form: &[(&str, &str)]| {
        let (status, body) = pair.start(&form.to_vec());
        if status == 200 {
            body["expires_in"].to_string()
        } else {
            body["error"].as_str().unwrap().to_owned()
        }
    };
    for (good, expires) in [
        (json!({}), "60"),
        (json!({ "requested_expiry": 61 }), "61"),
        (json!({ "request_context": { "a": 1 }, "client_id": null }), "60"),
    ] {
        assert_eq!(start(&[("request", &jwt(&good))]), expires, "{good}");
    }
    assert_eq!(pair.sim.pending()[0].person, "alice");
    for wrong in [
        json!({ "iss": "other" }),
        json!({ "iss": null }),
        json!({ "aud": format!("{issuer}/bc-authorize") }),
        json!({ "aud": null }),
        json!({ "iat": null }),
        json!({ "nbf": null }),
        json!({ "nbf": now - 3601 }),
        json!({ "exp": null }),
        json!({ "exp": now + 3591 }),
        json!({ "jti": null }),
        json!({ "jti": "1" }),
        json!({ "sub": "desk" }),
        json!({ "request": "x" }),
        json!({ "request_uri": "x" }),
        json!({ "client_id": "other" }),
        json!({ "acr_values": ["1"] }),
        json!({ "request_context": "{}" }),
    ] {
        assert_eq!(start(&[("request", &jwt(&wrong))]), "invalid_request", "{wrong}");
    }
    assert_eq!(start(&[("request", &jwt(&json!({}))), ("binding_message", "outside")]), "invalid_request");
    assert_eq!(start(&[("scope", "openid"), ("login_hint", "alice")]), "invalid_request", "not signed");

    let (pair, _) = provider(|client| client.token_endpoint_auth_method = None);
    let (_, body) = pair.start(&vec![("request", &jwt(&json!({})))]);
    assert_eq!(body["error"], "invalid_request", "not registered");
}
