//! What the client signs: its assertions (`client_authentication`) and its authentication requests
//! (`signed_requests`), with a key of its own or by a signer of the program's (`external_signer`), in whole
//! flows at a provider that checks them.

mod client_authentication;
#[path = "../common/mod.rs"]
mod common;
mod external_signer;
mod signed_requests;
mod turns;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ciba::{Error, Flow, Result};
use ciba_sim::{Entry, Kind, Personality, personality};
use common::Pair;
use serde_json::{Map, Value, json};

macro_rules! pem {
    ($name:literal) => {
        include_str!(concat!("../fixtures/keys/", $name, ".pem"))
    };
}
pub(crate) use pem;

const CLIENT_ID: &str = "desk 7+/é";
/// Long enough for HS512, and full of what encodings change.
const SECRET: &str = "a secret+/=%&\"\\ of many characters, é too, as long as HS512 wants it to be";

/// Each algorithm with a private key, and that key.
const WITH_A_KEY: [(&str, &str, &str); 11] = [
    ("RS256", "rsa", pem!("rsa_pkcs8")),
    ("RS384", "rsa", pem!("rsa_pkcs1")),
    ("RS512", "rsa", pem!("rsa_pkcs8")),
    ("PS256", "rsa", pem!("rsa_pkcs8")),
    ("PS384", "rsa", pem!("rsa_pkcs8")),
    ("PS512", "rsa", pem!("rsa_pkcs8")),
    ("ES256", "p256", pem!("p256_sec1")),
    ("ES384", "p384", pem!("p384_sec1")),
    ("ES512", "p521", pem!("p521_pkcs8")),
    ("EdDSA", "ed25519", pem!("ed25519")),
    ("Ed25519", "ed25519", pem!("ed25519")),
];

/// One of the test keys as a private JWK.
fn private_jwk(name: &str) -> Value {
    let mut keys: Value = serde_json::from_str(include_str!("../fixtures/keys/keys.jwk.json")).unwrap();
    keys[name].take()
}

/// The public keys of the client, as it registered them: `kid` is the name.
fn public_keys() -> Value {
    let keys = ["rsa", "p256", "p384", "p521", "ed25519"].map(|name| {
        let mut key = private_jwk(name);
        key.as_object_mut()
            .unwrap()
            .retain(|name, _| matches!(name.as_str(), "kty" | "crv" | "x" | "y" | "n" | "e"));
        key["kid"] = name.into();
        key
    });
    json!({ "keys": keys })
}

/// A provider where a client is registered so.
fn registered(personality: Personality, change: impl FnOnce(&mut ciba_sim::Client)) -> Pair {
    let mut client = ciba_sim::Client::new(CLIENT_ID, SECRET);
    client.jwks = public_keys();
    change(&mut client);
    Pair::with(personality, |config| config.clients = vec![client])
}

fn generic(change: impl FnOnce(&mut ciba_sim::Client)) -> Pair {
    registered(personality::generic(), change)
}

/// The names of a form, in order.
fn names(entry: &Entry) -> Vec<String> {
    entry.form().into_iter().map(|(name, _)| name).collect()
}

/// Header and claims of a JWT, as they are written.
fn parts(jwt: &str) -> (String, String) {
    let parts: Vec<String> =
        jwt.split('.').take(2).map(|part| String::from_utf8(BASE64.decode(part).unwrap()).unwrap()).collect();
    (parts[0].clone(), parts[1].clone())
}

fn claims(jwt: &str) -> Map<String, Value> {
    serde_json::from_str(&parts(jwt).1).unwrap()
}

/// The claims as they are written but for `jti`, which comes apart.
fn without_jti(claims: &str) -> (String, String) {
    let (before, rest) = claims.split_once(r#""jti":""#).unwrap();
    let (jti, after) = rest.split_once(r#"","#).unwrap();
    assert_eq!(BASE64.decode(jti).unwrap().len(), 32, "256 bits");
    (format!("{before}{after}"), jti.to_owned())
}

fn of_kind(pair: &Pair, kind: Kind) -> Vec<Entry> {
    pair.provider.journal().into_iter().filter(|entry| entry.kind == kind).collect()
}

/// Every way to show an error.
fn texts_of(error: &Error) -> Vec<String> {
    let options = [error.oauth_error(), error.oauth_error_description()];
    let shown = [format!("{error}"), format!("{error:?}"), error.message().to_owned()];
    shown.into_iter().chain(options.into_iter().flatten().map(str::to_owned)).collect()
}

/// The first pieces of these secrets that are in any of the texts.
fn found<'a>(texts: &[String], secrets: &'a [String]) -> Vec<&'a str> {
    let piece = |secret: &'a String| {
        // Any sixteen characters in a row would give it away; a header of a JWT is no secret.
        let ends: Vec<usize> = secret.char_indices().map(|(at, _)| at).chain([secret.len()]).collect();
        ends.windows(17)
            .map(|ends| &secret[ends[0]..ends[16]])
            .find(|piece| texts.iter().any(|t| t.contains(piece)))
    };
    secrets.iter().filter_map(piece).collect()
}

fn started(pair: &Pair, settings: &[(&str, &str)]) -> Result<Flow> {
    pair.client_with(settings).init(&pair.request(), None)
}
