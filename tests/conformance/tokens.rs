//! ID Tokens as the modules want them wrong, and two that are right in another way.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ciba_sim::{Draft, Signer};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};

use crate::jwe::encrypt;
use crate::provider::{CLIENT_ID, key};

const DAY: i64 = 24 * 3600;

/// Lengthens a text by a `1`.
pub fn one_more(text: &mut Value) {
    *text = format!("{}1", text.as_str().unwrap()).into();
}

pub fn remove(object: &mut Value, name: &str) {
    object.as_object_mut().unwrap().remove(name).unwrap();
}

/// Moves a time.
fn shift(time: &mut Value, seconds: i64) {
    *time = (time.as_i64().unwrap() + seconds).into();
}

pub fn audience_as_array(token: &mut Draft) {
    token.claims["aud"] = json!([CLIENT_ID]);
}

pub fn second_audience(token: &mut Draft) {
    token.claims["aud"] = json!([CLIENT_ID, format!("{CLIENT_ID}1")]);
}

/// With the claims that ConnectID Australia adds.
pub fn of_connectid(token: &mut Draft) {
    token.claims["txn"] = "1a2b3c".into();
    token.claims["verified_claims"] = json!({
        "verification": {"trust_framework": "au_connectid"},
        "claims": {"over18": true},
    });
}

/// Every byte of the signature XOR 0x5A.
pub fn wrong_signature(token: &mut Draft) {
    token.finish = Some(spoiled);
}

fn spoiled(token: String) -> String {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let mut signature = BASE64.decode(signature).unwrap();
    signature.iter_mut().for_each(|byte| *byte ^= 0x5A);
    format!("{message}.{}", BASE64.encode(signature))
}

pub fn not_signed(token: &mut Draft) {
    token.header = json!({ "alg": "none" });
    token.signer = Signer::Nobody;
}

/// HS256 with what an attacker has for a secret: the provider's public key.
pub fn hmac_with_public_key(token: &mut Draft) {
    token.header["alg"] = "HS256".into();
    token.signer = Signer::Secret(key!("rsa_public.pem").as_bytes().to_vec());
}

pub fn expired_six_minutes_ago(token: &mut Draft) {
    token.claims["exp"] = token.claims["iat"].clone();
    shift(&mut token.claims["exp"], -360);
}

pub fn issued_a_week_ago(token: &mut Draft) {
    shift(&mut token.claims["iat"], -7 * DAY);
}

pub fn wrong_access_token_hash(token: &mut Draft) {
    let hash = token.claims["at_hash"].as_str().unwrap();
    token.claims["at_hash"] = hash.chars().rev().collect::<String>().into();
}

/// Signed anew with ES256 and the key that [`with_ec_key`] publishes.
pub fn signed_with_es256(token: &mut Draft) {
    token.finish = Some(resigned);
}

pub fn wrongly_signed_with_es256(token: &mut Draft) {
    token.finish = Some(|token| spoiled(resigned(token)));
}

fn resigned(token: String) -> String {
    let claims = token.split('.').nth(1).unwrap();
    let message = format!("{}.{claims}", BASE64.encode(r#"{"alg":"ES256","kid":"p256"}"#));
    let der = PrivateKeyDer::from_pem_slice(key!("p256_pkcs8.pem").as_bytes()).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_der()).unwrap();
    let signature = key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    format!("{message}.{}", BASE64.encode(signature))
}

/// A key set with an EC key more.
pub fn with_ec_key(set: &mut Value) {
    let keys: Value = serde_json::from_str(key!("keys.jwk.json")).unwrap();
    let key = &keys["p256"];
    let public = json!({"kty": "EC", "crv": "P-256", "kid": "p256", "x": key["x"], "y": key["y"]});
    set["keys"].as_array_mut().unwrap().push(public);
}

/// A key set with the key of the tokens alone: the one before that for encryption.
pub fn with_one_key(set: &mut Value) {
    let keys = set["keys"].as_array_mut().unwrap();
    let key = keys.remove(keys.len() - 2);
    *keys = vec![key];
}

/// Encrypted to the client's key.
pub fn encrypted(token: &mut Draft) {
    token.finish = Some(|token| encrypt("RSA-OAEP", "A256GCM", &token, |_| ()));
}

/// The same, except that its header says `RSA1_5`.
pub fn encrypted_with_rsa1_5(token: &mut Draft) {
    token.finish =
        Some(|token| encrypt("RSA-OAEP", "A256GCM", &token, |header| header["alg"] = "RSA1_5".into()));
}
