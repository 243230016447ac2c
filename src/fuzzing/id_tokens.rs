//! ID Tokens: as bytes from the network, and as claims that the provider has signed.

use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{NOW_MS, assert_discreet};
use crate::error::Result;
use crate::tokens::{Algorithm, Delivery, Expected, KeySet, ResponsePolicy, TokenResponse, Tokens, verify};

/// A token that a provider really issued, and its keys.
const REAL: &str = include_str!("../../tests/fixtures/tokens/real_token_response.json");
const REAL_KEYS: &str = include_str!("../../tests/fixtures/tokens/real_key_set.json");
const REAL_TIME_MS: i64 = 1_715_087_453_000;

const ISSUER: &str = "https://id.example/op";
const CLIENT: &str = "desk-7";
const REQUEST: &str = "1c266114-a1be-4252-8ad1-04986c5b9ac1";
/// What EdDSA makes of these is the left half of their SHA-512 (OpenID Connect Core §3.1.3.6).
const ACCESS_TOKEN: &str = "G5kXH2wHvUra0sHlDy1iTkDJgsgUO1bN";
const AT_HASH: &str = "4Kz8XDaGn45tP19maPUFH74gc0m3La39US-0NusHxw4";
const REFRESH_TOKEN: &str = "4bwc0ESC_IAhflf-ACC_vjD_ltc11ne-8gFPfA2Kx16";
const RT_HASH: &str = "HbFCl7mtn_v1OClgb0LGiuBMLDwLGniNNFTY433vKio";

static REAL_RESPONSE: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(REAL).unwrap());
static REAL_KEY_SET: LazyLock<KeySet> = LazyLock::new(|| KeySet::parse(REAL_KEYS.as_bytes()).unwrap());
static KEY: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap());
static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    let x = URL_SAFE_NO_PAD.encode(KEY.public_key().as_ref());
    let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": x}]});
    KeySet::parse(keys.to_string().as_bytes()).unwrap()
});

/// Bytes in place of a real ID Token: none are accepted but the token itself.
pub fn id_token(data: &[u8]) -> bool {
    let Ok(token) = std::str::from_utf8(data) else { return false };
    let mut body = REAL_RESPONSE.clone();
    let real = std::mem::replace(&mut body["id_token"], token.into());
    let expected = Expected::new("https://pp.netseidbroker.dk/op", "62b8cc03-aa73-4d6a-922c-7c8fb0a4a1d9");
    let verified = || {
        let body = body.to_string();
        let response = TokenResponse::parse(body.as_bytes(), &ResponsePolicy::default(), REAL_TIME_MS)?;
        verify(&response, &REAL_KEY_SET, &expected, REAL_TIME_MS)
    };
    match (verified(), verified()) {
        (Ok(tokens), Ok(_)) => {
            assert_eq!(tokens.id_token(), real.as_str(), "a forged token");
            true
        }
        (Err(error), Err(again)) => {
            assert_eq!(error, again);
            assert_discreet(&error)
        }
        _ => panic!("read in two ways"),
    }
}

/// Claims, with a header before an empty line, signed with the trusted key: what is accepted is what the
/// protocol accepts, read once more by plain means.
pub fn id_token_claims(data: &[u8]) -> bool {
    let end = data.windows(2).position(|two| two == b"\n\n");
    let (header, claims) = match end {
        Some(end) => (&data[..end], &data[end + 2..]),
        None => (br#"{"alg":"EdDSA","kid":"1"}"#.as_slice(), data),
    };
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(KEY.sign(signed.as_bytes()).as_ref()));
    let [by_poll, by_push] =
        [Delivery::TokenEndpoint, Delivery::Push].map(|delivery| match verified(&token, delivery) {
            Ok(tokens) => assert_right(header, claims, delivery, &tokens),
            Err(error) => assert_discreet(&error),
        });
    assert!(by_poll || !by_push, "a push asks for no less");
    by_poll
}

fn verified(token: &str, delivery: Delivery) -> Result<Tokens> {
    let body = json!({
        "access_token": ACCESS_TOKEN, "refresh_token": REFRESH_TOKEN, "token_type": "Bearer", "id_token": token,
    });
    let response = TokenResponse::parse(body.to_string().as_bytes(), &ResponsePolicy::default(), NOW_MS)?;
    let algorithms = [Algorithm::from_name("EdDSA").unwrap()];
    let expected = Expected {
        algorithms: &algorithms,
        auth_req_id: Some(REQUEST),
        delivery,
        ..Expected::new(ISSUER, CLIENT)
    };
    verify(&response, &KEYS, &expected, NOW_MS)
}

fn assert_right(header: &[u8], claims: &[u8], delivery: Delivery, tokens: &Tokens) -> bool {
    let header: Value = serde_json::from_slice(header).unwrap();
    let algorithm = header["alg"].as_str().unwrap();
    assert!(matches!(algorithm, "EdDSA" | "Ed25519"), "{algorithm}");
    assert!(header.get("crit").is_none());
    let claims: Value = serde_json::from_slice(claims).unwrap();
    assert_eq!(claims["iss"], ISSUER);
    let audiences = claims["aud"].as_array().cloned().unwrap_or_else(|| vec![claims["aud"].clone()]);
    assert!(!audiences.is_empty() && audiences.iter().all(|audience| audience == CLIENT));
    assert!(audiences.len() == 1 || claims["azp"] == CLIENT);
    let (now, leeway) = (NOW_MS as f64 / 1000.0, 60.0);
    assert!(claims["exp"].as_f64().unwrap() + leeway > now, "expired");
    let issued = claims["iat"].as_f64().unwrap();
    assert!(issued <= now + leeway && issued >= now - 24.0 * 3600.0 - leeway, "issued at {issued}");
    let subject = claims["sub"].as_str().unwrap();
    assert!((1..=255).contains(&subject.len()) && subject.is_ascii());
    assert_eq!(tokens.claim_text("sub").as_deref(), Some(subject));
    let bound = [
        ("at_hash", AT_HASH),
        ("urn:openid:params:jwt:claim:rt_hash", RT_HASH),
        ("urn:openid:params:jwt:claim:auth_req_id", REQUEST),
    ];
    for (claim, value) in bound {
        match claims.get(claim) {
            Some(Value::Null) | None => assert_ne!(delivery, Delivery::Push, "{claim} is missing"),
            Some(found) => assert_eq!(found, value, "{claim}"),
        }
    }
    true
}
