//! The tests of this room: tokens are signed again and again with keys that are trusted, so that
//! each refusal differs from a token that passes in one fact.

mod afterwards;
mod algorithms;
mod content_encryption;
mod disclosure;
mod encrypted;
mod expected;
mod form;
mod key_sets;
mod real_token;
mod responses;
mod said;

use std::sync::LazyLock;

use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::*;

/// The time of every test, in Unix seconds.
pub(super) const NOW: i64 = 1_800_000_000;
pub(super) const ISSUER: &str = "https://provider.example/";
pub(super) const CLIENT: &str = "client";
pub(super) const REQUEST: &str = "request-1.2_3";

pub(super) const AUTH_REQ_ID: &str = "urn:openid:params:jwt:claim:auth_req_id";
pub(super) const RT_HASH: &str = "urn:openid:params:jwt:claim:rt_hash";

pub(super) static RSA: LazyLock<RsaKeyPair> = LazyLock::new(rsa_key);
pub(super) static OTHER_RSA: LazyLock<RsaKeyPair> = LazyLock::new(rsa_key);
pub(super) static ED: LazyLock<Ed25519KeyPair> = LazyLock::new(|| Ed25519KeyPair::generate().unwrap());
pub(super) static P256: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());
pub(super) static P384: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| EcdsaKeyPair::generate(&signature::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap());
pub(super) static P521: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| EcdsaKeyPair::generate(&signature::ECDSA_P521_SHA512_FIXED_SIGNING).unwrap());

fn rsa_key() -> RsaKeyPair {
    RsaKeyPair::generate(KeySize::Rsa2048).unwrap()
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An RSA key as the provider publishes it.
pub(super) fn rsa_jwk(key: &RsaKeyPair, kid: &str) -> Value {
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
    json!({"kty": "RSA", "kid": kid, "n": encode(public.n), "e": encode(public.e)})
}

/// An EC key as the provider publishes it.
pub(super) fn ec_jwk(key: &EcdsaKeyPair, curve: &str, kid: &str) -> Value {
    let public: aws_lc_rs::encoding::EcPublicKeyUncompressedBin = key.public_key().as_be_bytes().unwrap();
    let (x, y) = public.as_ref()[1..].split_at(public.as_ref().len() / 2);
    json!({"kty": "EC", "crv": curve, "kid": kid, "x": encode(x), "y": encode(y)})
}

/// An Ed25519 key as the provider publishes it.
pub(super) fn ed_jwk(kid: &str) -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": encode(ED.public_key().as_ref())})
}

/// The key set of every test: one trusted key of each kind, and one RSA key that comes first.
pub(super) fn key_set() -> Value {
    json!({"keys": [
        rsa_jwk(&OTHER_RSA, "other"),
        rsa_jwk(&RSA, "rsa"),
        ec_jwk(&P256, "P-256", "p256"),
        ec_jwk(&P384, "P-384", "p384"),
        ec_jwk(&P521, "P-521", "p521"),
        ed_jwk("ed"),
    ]})
}

fn rsa_sign(key: &RsaKeyPair, padding: &'static dyn signature::RsaEncoding, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(padding, &SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

/// Signs with the trusted key of the algorithm.
pub(super) fn sign(algorithm: &str, message: &[u8]) -> Vec<u8> {
    let ec = |key: &EcdsaKeyPair| key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec();
    match algorithm {
        "RS256" => rsa_sign(&RSA, &signature::RSA_PKCS1_SHA256, message),
        "RS384" => rsa_sign(&RSA, &signature::RSA_PKCS1_SHA384, message),
        "RS512" => rsa_sign(&RSA, &signature::RSA_PKCS1_SHA512, message),
        "PS256" => rsa_sign(&RSA, &signature::RSA_PSS_SHA256, message),
        "PS384" => rsa_sign(&RSA, &signature::RSA_PSS_SHA384, message),
        "PS512" => rsa_sign(&RSA, &signature::RSA_PSS_SHA512, message),
        "ES256" => ec(&P256),
        "ES384" => ec(&P384),
        "ES512" => ec(&P521),
        "EdDSA" | "Ed25519" => ED.sign(message).as_ref().to_vec(),
        "RS256 by another key" => rsa_sign(&OTHER_RSA, &signature::RSA_PKCS1_SHA256, message),
        _ => unreachable!("{algorithm}"),
    }
}

/// The `kid` of the trusted key of the algorithm.
pub(super) fn kid_of(algorithm: &str) -> &'static str {
    match algorithm {
        "ES256" => "p256",
        "ES384" => "p384",
        "ES512" => "p521",
        "EdDSA" | "Ed25519" => "ed",
        _ => "rsa",
    }
}

/// One token response and what is expected of it. [`Attempt::good`] passes; a test changes one fact.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    /// The header as text, where a JSON value cannot say it.
    pub(super) header_text: Option<Vec<u8>>,
    /// The claims as text, where a JSON value cannot say it.
    pub(super) claims_text: Option<Vec<u8>>,
    /// Which algorithm and key sign.
    pub(super) signer: &'static str,
    /// What happens to the signature.
    pub(super) signature: fn(Vec<u8>) -> Vec<u8>,
    /// What happens to the token when it is complete.
    pub(super) token: fn(String) -> String,
    pub(super) response: Map<String, Value>,
    pub(super) keys: Value,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) decryption: Option<Arc<Decryption>>,
    pub(super) audiences: Vec<String>,
    pub(super) subject: Option<&'static str>,
    pub(super) acr: Vec<&'static str>,
    pub(super) acr_array: bool,
    pub(super) authenticated_after: Option<i64>,
    pub(super) expectations: Vec<ClaimExpectation>,
    pub(super) delivery: Delivery,
    pub(super) request_id_claims: Vec<&'static str>,
    pub(super) key_thumbprint: Option<&'static str>,
    pub(super) certificate_thumbprint: Option<&'static str>,
    pub(super) issued_after: Option<i64>,
    pub(super) leeway: u32,
    pub(super) now: i64,
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => unreachable!(),
    }
}

impl Attempt {
    /// A response that passes.
    pub(super) fn good() -> Attempt {
        Attempt {
            header: object(json!({"alg": "RS256", "kid": "rsa", "typ": "JWT"})),
            claims: object(json!({
                "iss": ISSUER, "aud": CLIENT, "sub": "person", "iat": NOW, "exp": NOW + 300,
                "mitid.uuid": "EEE4B272", "idtoken_type": "ciba",
            })),
            header_text: None,
            claims_text: None,
            signer: "RS256",
            signature: |signature| signature,
            token: |token| token,
            response: object(json!({
                "access_token": "G5kXH2wHvUra0sHlDy1iTkDJgsgUO1bN", "token_type": "Bearer",
            })),
            keys: key_set(),
            algorithms: vec![Algorithm::Rs256],
            decryption: None,
            audiences: Vec::new(),
            subject: None,
            acr: Vec::new(),
            acr_array: false,
            authenticated_after: None,
            expectations: vec![ClaimExpectation {
                name: "mitid.uuid".into(),
                expected: "eee4b272".into(),
                ignore_ascii_case: true,
            }],
            delivery: Delivery::TokenEndpoint,
            request_id_claims: Vec::new(),
            key_thumbprint: None,
            certificate_thumbprint: None,
            issued_after: None,
            leeway: 60,
            now: NOW,
        }
    }

    /// A response that passes, with everything in it that a push must have.
    pub(super) fn pushed() -> Attempt {
        let mut attempt = Attempt::good();
        attempt.delivery = Delivery::Push;
        attempt.respond("refresh_token", "4bwc0ESC_IAhflf-ACC_vjD_ltc11ne-8gFPfA2Kx16");
        attempt.claim("at_hash", "Wt0kVFXMacqvnHeyU0001w");
        attempt.claim(RT_HASH, "sHahCuSpXCRg5mkDDvvr4w");
        attempt.claim(AUTH_REQ_ID, REQUEST);
        attempt
    }

    /// A response that passes, signed with another algorithm, which is the one expected.
    pub(super) fn signed_with(algorithm: &'static str) -> Attempt {
        let mut attempt = Attempt::good();
        attempt.algorithms = vec![Algorithm::from_name(algorithm).unwrap()];
        attempt.signer = algorithm;
        attempt.head("alg", algorithm);
        attempt.head("kid", kid_of(algorithm));
        attempt
    }

    pub(super) fn head(&mut self, name: &str, value: impl Into<Value>) {
        self.header.insert(name.into(), value.into());
    }

    pub(super) fn claim(&mut self, name: &str, value: impl Into<Value>) {
        self.claims.insert(name.into(), value.into());
    }

    pub(super) fn respond(&mut self, name: &str, value: impl Into<Value>) {
        self.response.insert(name.into(), value.into());
    }

    /// Writes the claims as text with one change that a JSON value cannot say.
    pub(super) fn rewrite_claims(&mut self, from: &str, to: &str) {
        let text = Value::Object(self.claims.clone()).to_string();
        assert!(text.contains(from), "{from} in {text}");
        self.claims_text = Some(text.replacen(from, to, 1).into_bytes());
    }

    /// The key with this `kid` in the key set.
    pub(super) fn key(&mut self, kid: &str) -> &mut Map<String, Value> {
        let keys = self.keys["keys"].as_array_mut().unwrap();
        keys.iter_mut().find(|key| key["kid"] == kid).unwrap().as_object_mut().unwrap()
    }

    pub(super) fn keep_keys(&mut self, kids: &[&str]) {
        let keys = self.keys["keys"].as_array_mut().unwrap();
        keys.retain(|key| kids.iter().any(|kid| key["kid"] == *kid));
    }

    /// The ID Token, signed.
    pub(super) fn id_token(&self) -> String {
        let text = |text: &Option<Vec<u8>>, map: &Map<String, Value>| match text {
            Some(text) => encode(text),
            None => encode(Value::Object(map.clone()).to_string()),
        };
        let message =
            format!("{}.{}", text(&self.header_text, &self.header), text(&self.claims_text, &self.claims));
        let signature = (self.signature)(sign(self.signer, message.as_bytes()));
        (self.token)(format!("{message}.{}", encode(signature)))
    }

    pub(super) fn body(&self) -> String {
        let mut response = self.response.clone();
        response.entry("id_token").or_insert_with(|| self.id_token().into());
        Value::Object(response).to_string()
    }

    /// Parses and verifies, as the engine does.
    pub(super) fn verify(&self) -> Result<Tokens> {
        let body = self.body();
        let response = TokenResponse::parse(body.as_bytes(), &ResponsePolicy::default(), self.now * 1000)?;
        let keys = KeySet::parse(self.keys.to_string().as_bytes())?;
        let expected = Expected {
            trusted_audiences: &self.audiences,
            algorithms: &self.algorithms,
            decryption: self.decryption.as_deref(),
            leeway_seconds: self.leeway,
            issued_after_ms: self.issued_after.map(|seconds| seconds * 1000),
            subject: self.subject,
            acr: &self.acr,
            acr_array: self.acr_array,
            authenticated_after_ms: self.authenticated_after.map(|seconds| seconds * 1000),
            auth_req_id: Some(REQUEST),
            claims: &self.expectations,
            delivery: self.delivery,
            request_id_claims: &self.request_id_claims,
            key_thumbprint: self.key_thumbprint,
            certificate_thumbprint: self.certificate_thumbprint,
            requested_scope: Some("openid mitid"),
            ..Expected::new(ISSUER, CLIENT)
        };
        verify(&response, &keys, &expected, self.now * 1000)
    }

    /// The status of the attempt.
    pub(super) fn status(&self) -> Status {
        match self.verify() {
            Ok(_) => Status::OK,
            Err(error) => {
                assert!(!error.message().contains('\n'));
                error.status()
            }
        }
    }
}

/// One row of a table: what is changed, the status that follows, and the change.
pub(super) type Row = (&'static str, Status, fn(&mut Attempt));

/// Makes each change to a copy of an attempt that passes, and compares the statuses.
pub(super) fn check_table(good: &Attempt, table: &[Row]) {
    assert_eq!(good.status(), Status::OK, "the twin passes");
    for (name, expected, change) in table {
        let mut attempt = good.clone();
        change(&mut attempt);
        assert_eq!(attempt.status(), *expected, "{name}");
    }
}
