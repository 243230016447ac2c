//! ID Token checks per second, none cached, beside the bare check of the same signature with a key
//! that is parsed already. Rounds of both alternate; each round's rate is printed as a line of JSON.
//!
//! The token is a real one: RS256, 2048 bits, 19 claims. The room of the tokens is private to the
//! library, so it is built here from its sources.

#[allow(unused, reason = "only the check itself is called")]
#[path = "../../src/error.rs"]
mod error;
#[allow(unused, reason = "only the check itself is called")]
#[path = "../../src/json.rs"]
mod json;
#[allow(unused, reason = "only the check itself is called")]
#[path = "../../src/tokens/mod.rs"]
mod tokens;

use std::hint::black_box;
use std::time::Instant;

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use tokens::{ClaimExpectation, Expected, KeySet, ResponsePolicy, TokenResponse, verify};

const RESPONSE: &str = include_str!("../../tests/fixtures/tokens/real_token_response.json");
const KEYS: &str = include_str!("../../tests/fixtures/tokens/real_key_set.json");
/// When the token was valid, in Unix milliseconds.
const NOW_MS: i64 = 1_715_087_453_000;

const ROUNDS: usize = 40;
const CHECKS: u32 = 2_000;

/// Calls of `check` per second.
fn rate(check: impl Fn()) -> f64 {
    let began = Instant::now();
    for _ in 0..CHECKS {
        check();
    }
    f64::from(CHECKS) / began.elapsed().as_secs_f64()
}

/// The key of that name, parsed.
fn bare_key(kid: &str) -> ParsedPublicKey {
    let keys: Value = serde_json::from_str(KEYS).expect("a key set");
    let mut keys = keys["keys"].as_array().expect("an array").iter();
    let key = keys.find(|key| key["kid"] == kid).expect("the token's key");
    let number = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().expect("text")).expect("Base64url");
    let components = RsaPublicKeyComponents { n: number("n"), e: number("e") };
    components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).expect("an RSA key")
}

fn main() {
    let json: Value = serde_json::from_str(RESPONSE).expect("a token response");
    let token = json["id_token"].as_str().expect("an ID Token");
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let header = URL_SAFE_NO_PAD.decode(signed.split('.').next().unwrap_or_default()).expect("Base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    let key = bare_key(header["kid"].as_str().expect("a kid"));
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("Base64url");
    let bare = || {
        key.verify_sig(black_box(signed.as_bytes()), black_box(&signature)).expect("the signature is right")
    };

    let claim = |name: &'static str, expected: &str| ClaimExpectation {
        name: name.into(),
        expected: expected.to_owned(),
        ignore_ascii_case: true,
    };
    // What the preset of this provider expects of a token.
    let claims = [claim("mitid.uuid", "eee4b272-6a33-40da-ab0b-5ce2abd42e78"), claim("idtoken_type", "ciba")];
    let expected = Expected {
        auth_req_id: Some("request"),
        claims: &claims,
        ..Expected::new("https://pp.netseidbroker.dk/op", "62b8cc03-aa73-4d6a-922c-7c8fb0a4a1d9")
    };
    let keys = KeySet::parse(KEYS.as_bytes()).expect("a key set");
    let read = || TokenResponse::parse(black_box(RESPONSE.as_bytes()), &ResponsePolicy::default(), NOW_MS);
    let response = read().expect("a token response");
    let verified = |response: &TokenResponse| {
        verify(black_box(response), &keys, &expected, NOW_MS).expect("a good token")
    };
    let full = || drop(black_box(verified(&response)));
    let full_with_response = || drop(black_box(verified(&read().expect("a token response"))));

    // A check that lets everything pass would be the fastest.
    let mut wrong = json.clone();
    wrong["id_token"] = token.replacen(".eyJ", ".eyK", 1).into();
    let wrong = TokenResponse::parse(wrong.to_string().as_bytes(), &ResponsePolicy::default(), NOW_MS);
    assert!(verify(&wrong.expect("a token response"), &keys, &expected, NOW_MS).is_err());

    rate(full);
    for _ in 0..ROUNDS {
        let (bare, full, full_with_response) = (rate(bare), rate(full), rate(full_with_response));
        println!(
            r#"{{"bare": {bare:.0}, "full": {full:.0}, "full_with_response": {full_with_response:.0}}}"#
        );
    }
}
