//! Signing keys, the key set, and JWTs signed by any of them.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{self, KeyPair as _, RsaEncoding};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Base64url without padding, as in every JWT.
pub(crate) fn b64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the system has random numbers");
    bytes
}

/// Upper-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// A UUID in its usual form.
pub(crate) fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let h = hex(&bytes).to_lowercase();
    let parts = [&h[..8], &h[8..12], &h[12..16], &h[16..20], &h[20..]];
    parts.join("-")
}

/// A UUID that is always the same for the same text.
pub(crate) fn uuid_of(text: &str) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&sha256(text.as_bytes())[..16]);
    uuid(bytes)
}

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// One RSA key of the provider.
#[derive(Clone)]
pub struct SigningKey {
    /// Its name in the key set.
    pub kid: String,
    pair: Arc<KeyPair>,
}

impl SigningKey {
    /// The process's key of that number, made at its first use.
    fn nth(index: usize) -> Self {
        static MADE: Mutex<Vec<Arc<KeyPair>>> = Mutex::new(Vec::new());
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        while made.len() <= index {
            let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key can be made");
            made.push(Arc::new(pair));
        }
        let pair = made[index].clone();
        let kid = hex(&sha256(pair.public_key().as_ref())[..20]);
        SigningKey { kid, pair }
    }

    /// The private key, PKCS#8 in DER.
    pub fn private_der(&self) -> Vec<u8> {
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&*self.pair);
        der.expect("the key has a DER form").as_ref().to_vec()
    }

    /// The private key, PKCS#8 in PEM.
    pub fn private_pem(&self) -> String {
        let text = STANDARD.encode(self.private_der());
        let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
        for line in text.as_bytes().chunks(64) {
            pem.push_str(&String::from_utf8_lossy(line));
            pem.push('\n');
        }
        pem + "-----END PRIVATE KEY-----\n"
    }

    /// The public key as an entry of a key set, without `alg`.
    pub fn public_jwk(&self) -> Value {
        let public = self.pair.public_key();
        json!({
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "e": b64url(public.exponent().big_endian_without_leading_zero()),
            "n": b64url(public.modulus().big_endian_without_leading_zero()),
        })
    }

    fn sign(&self, encoding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(encoding, &SystemRandom::new(), message, &mut bytes).expect("an RSA key signs");
        bytes
    }
}

/// Which key signs a token.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signer {
    /// The key for tokens: the right one.
    Token,
    /// The provider's other signing key, which is in its key set too.
    Other,
    /// A key that no key set holds.
    Unknown,
    /// HMAC with these bytes.
    Secret(Vec<u8>),
    /// No signature at all.
    Nobody,
}

/// A JWT about to be signed; a test changes what it likes.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The header; its `alg` chooses the algorithm (RS256 if it is unknown).
    pub header: Value,
    /// The claims.
    pub claims: Value,
    /// Who signs.
    pub signer: Signer,
    /// Exact text of the header in place of `header`.
    pub header_text: Option<Vec<u8>>,
    /// Exact text of the claims in place of `claims`.
    pub claims_text: Option<Vec<u8>>,
    /// Changes the finished token, signature and all.
    pub finish: Option<fn(String) -> String>,
}

impl Draft {
    /// A JWT that the key for tokens signs.
    pub fn new(header: Value, claims: Value) -> Self {
        Draft { header, claims, signer: Signer::Token, header_text: None, claims_text: None, finish: None }
    }
}

/// The provider's keys.
pub(crate) struct Keys {
    /// Keys whose tokens came first; still in the key set.
    retired: Vec<SigningKey>,
    token: SigningKey,
    other: SigningKey,
    /// The modulus of a key for encryption: of the right size, never used.
    encryption: Value,
    next: usize,
    /// How many key sets are yet to be sent without the token key.
    hidden: u32,
}

impl Keys {
    pub fn new() -> Self {
        let mut modulus: [u8; 256] = random();
        modulus[0] |= 0x80;
        modulus[255] |= 1;
        let kid = hex(&sha256(&modulus)[..20]);
        Keys {
            retired: Vec::new(),
            token: SigningKey::nth(0),
            other: SigningKey::nth(1),
            encryption: json!({
                "kty": "RSA", "use": "enc", "kid": kid, "e": "AQAB", "n": b64url(&modulus),
            }),
            next: 3,
            hidden: 0,
        }
    }

    pub fn token(&self) -> &SigningKey {
        &self.token
    }

    pub fn other(&self) -> &SigningKey {
        &self.other
    }

    /// A new token key, left out of the next `hidden` key sets.
    pub fn rotate(&mut self, hidden: u32) {
        let new = SigningKey::nth(self.next);
        self.next += 1;
        self.hidden = hidden;
        self.retired.push(std::mem::replace(&mut self.token, new));
    }

    /// The key set: another signing key first, then the token key, then one
    /// for encryption; none names an algorithm.
    pub fn jwks(&mut self) -> Value {
        let mut keys = vec![self.other.public_jwk()];
        keys.extend(self.retired.iter().map(SigningKey::public_jwk));
        if self.hidden == 0 {
            keys.push(self.token.public_jwk());
        } else {
            self.hidden -= 1;
        }
        keys.push(self.encryption.clone());
        json!({ "keys": keys })
    }

    /// The header that the provider's own tokens have.
    pub fn header(&self, typ: &str) -> Value {
        json!({ "alg": "RS256", "kid": self.token.kid, "typ": typ })
    }

    /// Signs a draft.
    pub fn sign(&self, draft: &Draft) -> String {
        let header = draft.header_text.clone();
        let header = header.unwrap_or_else(|| draft.header.to_string().into_bytes());
        let claims = draft.claims_text.clone();
        let claims = claims.unwrap_or_else(|| draft.claims.to_string().into_bytes());
        let message = format!("{}.{}", b64url(&header), b64url(&claims));
        let alg = draft.header.get("alg").and_then(Value::as_str);
        let rsa = |key: &SigningKey| key.sign(rsa_encoding(alg), message.as_bytes());
        let bytes = match &draft.signer {
            Signer::Token => rsa(&self.token),
            Signer::Other => rsa(&self.other),
            Signer::Unknown => rsa(&SigningKey::nth(2)),
            Signer::Secret(secret) => {
                let key = hmac::Key::new(hmac_algorithm(alg), secret);
                hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
            }
            Signer::Nobody => Vec::new(),
        };
        let token = format!("{message}.{}", b64url(&bytes));
        draft.finish.map_or(token.clone(), |finish| finish(token))
    }
}

fn rsa_encoding(alg: Option<&str>) -> &'static dyn RsaEncoding {
    match alg {
        Some("RS384") => &signature::RSA_PKCS1_SHA384,
        Some("RS512") => &signature::RSA_PKCS1_SHA512,
        Some("PS256") => &signature::RSA_PSS_SHA256,
        Some("PS384") => &signature::RSA_PSS_SHA384,
        Some("PS512") => &signature::RSA_PSS_SHA512,
        _ => &signature::RSA_PKCS1_SHA256,
    }
}

fn hmac_algorithm(alg: Option<&str>) -> hmac::Algorithm {
    match alg {
        Some("HS384") => hmac::HMAC_SHA384,
        Some("HS512") => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    }
}
