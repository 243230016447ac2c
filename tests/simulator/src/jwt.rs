//! JWTs from clients, checked as a provider must.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{self as sig, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::client::Client;

/// A JWT whose signature is not yet checked.
pub(crate) struct Jwt<'a> {
    pub header: Map<String, Value>,
    pub claims: Map<String, Value>,
    message: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    pub fn parse(text: &'a str) -> Option<Self> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let object = |part: &str| serde_json::from_slice(&bytes(part)?).ok();
        Some(Jwt { header: object(header)?, claims: object(claims)?, message, signature: bytes(signature)? })
    }

    pub fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str().filter(|text| !text.is_empty())
    }

    pub fn number(&self, claim: &str) -> Option<i64> {
        self.claims.get(claim)?.as_i64()
    }

    /// Whether the header names no type, or one of these, and nothing that must be understood.
    pub fn has_type(&self, allowed: &[&str]) -> bool {
        let typ = self.header.get("typ");
        typ.is_none_or(|typ| typ.as_str().is_some_and(|typ| allowed.contains(&typ)))
            && !self.header.contains_key("crit")
    }

    /// Whether `aud` is this text, or a list of it alone.
    pub fn is_for(&self, audience: &str) -> bool {
        match self.claims.get("aud") {
            Some(Value::String(text)) => text == audience,
            Some(Value::Array(list)) => list.as_slice() == [audience],
            _ => false,
        }
    }

    /// Whether it is signed with this algorithm and this public key.
    pub fn is_signed_with(&self, key: &Value, alg: &str) -> bool {
        verifies(key, alg, self.message.as_bytes(), &self.signature) == Some(true)
    }

    /// Whether it is signed with this algorithm and the client's secret, or a key of its set.
    pub fn is_signed_by(&self, client: &Client, alg: &str) -> bool {
        if self.header.get("alg").and_then(Value::as_str) != Some(alg) {
            return false;
        }
        let message = self.message.as_bytes();
        let hash = match alg {
            "HS256" => Some(hmac::HMAC_SHA256),
            "HS384" => Some(hmac::HMAC_SHA384),
            "HS512" => Some(hmac::HMAC_SHA512),
            _ => None,
        };
        if let Some(hash) = hash {
            let key = hmac::Key::new(hash, client.secret.as_bytes());
            return !client.secret.is_empty() && hmac::verify(&key, message, &self.signature).is_ok();
        }
        let keys = client.jwks["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
        let kid = self.header.get("kid");
        let named = |key: &&Value| kid.is_none() || key.get("kid") == kid;
        let fits = |key: &&Value| key.get("alg").is_none_or(|own| own == alg);
        keys.iter()
            .filter(named)
            .filter(fits)
            .any(|key| verifies(key, alg, message, &self.signature) == Some(true))
    }
}

fn bytes(base64: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(base64).ok()
}

/// Whether a public key in JSON verifies a signature; `None` if it is of another kind.
fn verifies(key: &Value, alg: &str, message: &[u8], signature: &[u8]) -> Option<bool> {
    let part = |name: &str| bytes(key[name].as_str()?);
    let is = |kty: &str, crv: &str| key["kty"] == kty && (crv.is_empty() || key["crv"] == crv);
    let rsa = |parameters: &RsaParameters| {
        let key = RsaPublicKeyComponents { n: part("n")?, e: part("e")? };
        is("RSA", "").then(|| key.verify(parameters, message, signature).is_ok())
    };
    let point = |crv: &str, algorithm: &'static dyn sig::VerificationAlgorithm| {
        let point = [vec![4], part("x")?, part("y")?].concat();
        is("EC", crv).then(|| UnparsedPublicKey::new(algorithm, point).verify(message, signature).is_ok())
    };
    match alg {
        "RS256" => rsa(&sig::RSA_PKCS1_2048_8192_SHA256),
        "RS384" => rsa(&sig::RSA_PKCS1_2048_8192_SHA384),
        "RS512" => rsa(&sig::RSA_PKCS1_2048_8192_SHA512),
        "PS256" => rsa(&sig::RSA_PSS_2048_8192_SHA256),
        "PS384" => rsa(&sig::RSA_PSS_2048_8192_SHA384),
        "PS512" => rsa(&sig::RSA_PSS_2048_8192_SHA512),
        "ES256" => point("P-256", &sig::ECDSA_P256_SHA256_FIXED),
        "ES384" => point("P-384", &sig::ECDSA_P384_SHA384_FIXED),
        "ES512" => point("P-521", &sig::ECDSA_P521_SHA512_FIXED),
        "EdDSA" | "Ed25519" => {
            let key = UnparsedPublicKey::new(&sig::ED25519, part("x")?);
            is("OKP", "Ed25519").then(|| key.verify(message, signature).is_ok())
        }
        _ => None,
    }
}
