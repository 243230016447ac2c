//! JWTs that the client signs: its assertions and its authentication requests (RFC 7515, RFC 7518).
//!
//! Whoever signs is a [`Signer`]: a private key or the client secret, prepared once and never shown, or a key
//! that cannot leave its store.

mod external;
mod key;
mod public_key;

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, RsaEncoding, RsaKeyPair};
use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use url::Url;
use zeroize::Zeroizing;

use crate::error::{Error, Result, Status};

use external::External;
pub use external::{ExternalSigner, SigningInput, Unsigned};
pub use key::PrivateKey;
use key::{Curve, KeyPair};
pub use public_key::PublicKey;

/// How far back `nbf` lies: the provider's clock may be slow.
const NOT_BEFORE_S: i64 = 10;

/// A signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864).
pub struct Algorithm {
    /// The name, as in `alg`.
    pub name: &'static str,
    family: Family,
}

#[derive(Clone, Copy)]
enum Family {
    Rsa(&'static dyn RsaEncoding),
    Ecdsa(Curve),
    Ed25519,
    /// With the least length of the secret in bytes: that of the hash (RFC 7518 §3.2).
    Hmac(hmac::Algorithm, usize),
}

/// Every algorithm that the client can sign with.
pub static ALGORITHMS: [Algorithm; 14] = {
    const fn a(name: &'static str, family: Family) -> Algorithm {
        Algorithm { name, family }
    }
    [
        a("RS256", Family::Rsa(&signature::RSA_PKCS1_SHA256)),
        a("RS384", Family::Rsa(&signature::RSA_PKCS1_SHA384)),
        a("RS512", Family::Rsa(&signature::RSA_PKCS1_SHA512)),
        a("PS256", Family::Rsa(&signature::RSA_PSS_SHA256)),
        a("PS384", Family::Rsa(&signature::RSA_PSS_SHA384)),
        a("PS512", Family::Rsa(&signature::RSA_PSS_SHA512)),
        a("ES256", Family::Ecdsa(Curve::P256)),
        a("ES384", Family::Ecdsa(Curve::P384)),
        a("ES512", Family::Ecdsa(Curve::P521)),
        a("EdDSA", Family::Ed25519),
        a("Ed25519", Family::Ed25519),
        a("HS256", Family::Hmac(hmac::HMAC_SHA256, 32)),
        a("HS384", Family::Hmac(hmac::HMAC_SHA384, 48)),
        a("HS512", Family::Hmac(hmac::HMAC_SHA512, 64)),
    ]
};

impl Algorithm {
    /// The algorithm of this name; the case matters.
    pub fn named(name: &str) -> Option<&'static Algorithm> {
        ALGORITHMS.iter().find(|algorithm| algorithm.name == name)
    }

    /// Whether the client secret signs, and not a private key.
    pub fn is_hmac(&self) -> bool {
        matches!(self.family, Family::Hmac(..))
    }

    /// The kind of private key that it needs, as it is called in texts.
    fn needs(&self) -> &'static str {
        match self.family {
            Family::Rsa(_) => "an RSA key",
            Family::Ecdsa(curve) => curve.key(),
            Family::Ed25519 => "an Ed25519 key",
            Family::Hmac(..) => "the client secret",
        }
    }
}

/// Who signs, and with which algorithm.
pub struct Signer {
    algorithm: &'static Algorithm,
    key_id: Option<String>,
    with: With,
}

/// What signs. The only place that knows.
enum With {
    Rsa(Arc<RsaKeyPair>, &'static dyn RsaEncoding),
    Ecdsa(Arc<EcdsaKeyPair>),
    Ed25519(Arc<Ed25519KeyPair>),
    Hmac(Box<hmac::Key>),
    /// With the public half of its key, where that is known.
    External(Arc<dyn ExternalSigner>, Option<Arc<PublicKey>>),
}

/// A JWT, or one that somebody else has yet to sign.
pub enum Jwt {
    Signed(SecretString),
    Unsigned(Box<Unsigned>),
}

impl Signer {
    /// Signs with a private key; `key_id` becomes `kid`.
    ///
    /// The error says which kind of key the algorithm needs (`CONFLICTING_SETTINGS`).
    pub fn with_key(
        algorithm: &'static Algorithm,
        key: &PrivateKey,
        key_id: Option<String>,
    ) -> Result<Signer> {
        let conflict = |why: String| Err(Error::new(Status::CONFLICTING_SETTINGS, why));
        if let Some(own) = key.algorithm.as_deref().filter(|own| *own != algorithm.name) {
            return conflict(format!("the private key is for {own} alone, not for {}", algorithm.name));
        }
        let with = match (algorithm.family, &key.pair) {
            (Family::Rsa(encoding), KeyPair::Rsa(pair)) => With::Rsa(pair.clone(), encoding),
            (Family::Ecdsa(needed), KeyPair::Ecdsa(curve, pair)) if needed == *curve => {
                With::Ecdsa(pair.clone())
            }
            (Family::Ed25519, KeyPair::Ed25519(pair)) => With::Ed25519(pair.clone()),
            _ => {
                let (name, needs, has) = (algorithm.name, algorithm.needs(), key.pair.kind());
                return conflict(format!("{name} needs {needs}, and the private key is {has}"));
            }
        };
        Ok(Signer { algorithm, key_id, with })
    }

    /// Signs with the UTF-8 bytes of the client secret (OpenID Connect Core §10.1).
    ///
    /// The error says how long the secret must be (`CONFLICTING_SETTINGS`).
    pub fn with_secret(algorithm: &'static Algorithm, secret: &str) -> Result<Signer> {
        let Family::Hmac(hash, least) = algorithm.family else {
            let text = format!("{} needs {}, not the client secret", algorithm.name, algorithm.needs());
            return Err(Error::new(Status::CONFLICTING_SETTINGS, text));
        };
        if secret.len() < least {
            let text = format!(
                "{} needs a client_secret of at least {least} bytes (RFC 7518 section 3.2)",
                algorithm.name
            );
            return Err(Error::new(Status::CONFLICTING_SETTINGS, text));
        }
        let with = With::Hmac(Box::new(hmac::Key::new(hash, secret.as_bytes())));
        Ok(Signer { algorithm, key_id: None, with })
    }

    /// Signs with a key that stays in its store; `key_id` becomes `kid`.
    pub fn with_external(
        algorithm: &'static Algorithm,
        signer: Arc<dyn ExternalSigner>,
        key_id: Option<String>,
    ) -> Signer {
        Signer { algorithm, key_id, with: With::External(signer, None) }
    }

    /// The same with a key whose public half is known: a signature that is not its own is refused. `key_id` is
    /// told to the signer.
    ///
    /// The error says which kind of key the algorithm needs (`CONFLICTING_SETTINGS`).
    pub fn with_public_key(
        algorithm: &'static Algorithm,
        signer: Arc<dyn ExternalSigner>,
        key_id: String,
        key: PublicKey,
    ) -> Result<Signer> {
        if !key.fits(algorithm) {
            let (name, needs) = (algorithm.name, algorithm.needs());
            let text = format!("{name} needs {needs}, and the public key is not one for it");
            return Err(Error::new(Status::CONFLICTING_SETTINGS, text));
        }
        Ok(Signer { algorithm, key_id: Some(key_id), with: With::External(signer, Some(Arc::new(key))) })
    }

    /// Whether its signatures come from outside.
    pub fn is_external(&self) -> bool {
        matches!(self.with, With::External(..))
    }

    pub fn algorithm(&self) -> &'static Algorithm {
        self.algorithm
    }

    /// A JWT in its compact form.
    pub fn jwt(&self, typ: Option<&str>, claims: &Claims<'_>) -> Result<Jwt> {
        let header = Header { alg: self.algorithm.name, typ, kid: self.key_id.as_deref() };
        let (header, json) = (json(&header, 0)?.to_vec(), json(claims, claims.size())?);
        self.jwt_of(header, json, claims.unix_ms, Some(claims.lifetime_s))
    }

    /// A JWT with this header and these claims: JSON objects, the claims without those that are put in when
    /// it is signed: `jti`, `iat` and, where it has a lifetime, `nbf` and `exp`.
    pub fn jwt_of(
        &self,
        header: Vec<u8>,
        claims: Zeroizing<Vec<u8>>,
        unix_ms: i64,
        lifetime_s: Option<i64>,
    ) -> Result<Jwt> {
        if let With::External(signer, public) = &self.with {
            let (algorithm, key_id, signer) = (self.algorithm, self.key_id.clone(), signer.clone());
            let with = External { algorithm, key_id, signer, public: public.clone() };
            return Ok(Jwt::Unsigned(Box::new(Unsigned { header, claims, lifetime_s, with })));
        }
        let message = message(&header, &claims, unix_ms, lifetime_s)?;
        let signature = self.sign(message.as_bytes()).map_err(|_| Error::from(Status::INTERNAL))?;
        Ok(Jwt::Signed(with_signature(&message, &URL_SAFE_NO_PAD.encode(signature))))
    }

    fn sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, aws_lc_rs::error::Unspecified> {
        let random = SystemRandom::new();
        Ok(match &self.with {
            With::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature)?;
                signature
            }
            With::Ecdsa(pair) => pair.sign(&random, message)?.as_ref().to_vec(),
            With::Ed25519(pair) => pair.try_sign(message)?.as_ref().to_vec(),
            With::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
            With::External(..) => return Err(aws_lc_rs::error::Unspecified), // see `jwt_of`
        })
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

/// What a JWT of the client says; `jti`, `iat`, `nbf` and `exp` are put in when it is signed.
pub struct Claims<'a> {
    /// `iss`: the client.
    pub issuer: &'a str,
    pub subject: Option<&'a str>,
    /// `aud`: always one text, never a list (a list lets one provider use it at another).
    pub audience: &'a str,
    /// The time, by the wall clock.
    pub unix_ms: i64,
    pub lifetime_s: i64,
    /// What else it says.
    pub more: Vec<(&'a str, Claim<'a>)>,
}

/// The value of a claim.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Claim<'a> {
    Text(&'a str),
    Texts(Vec<&'a str>),
    Json(&'a RawValue),
}

impl Claims<'_> {
    /// No less than the length of its JSON, in which a byte becomes six at most.
    fn size(&self) -> usize {
        let more = self.more.iter().map(|(name, value)| {
            8 + 6 * name.len()
                + match value {
                    Claim::Text(text) => 6 * text.len(),
                    Claim::Texts(texts) => texts.iter().map(|text| 8 + 6 * text.len()).sum(),
                    Claim::Json(json) => json.get().len(),
                }
        });
        let texts = [self.issuer, self.subject.unwrap_or_default(), self.audience];
        300 + more.sum::<usize>() + texts.map(|text| 6 * text.len()).iter().sum::<usize>()
    }
}

impl Serialize for Claims<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("iss", self.issuer)?;
        if let Some(subject) = self.subject {
            map.serialize_entry("sub", subject)?;
        }
        map.serialize_entry("aud", self.audience)?;
        for (name, value) in &self.more {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// An identifier that no other JWT has: 256 random bits.
pub fn unique() -> Result<String> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| Error::new(Status::RESOURCES, "the system has no random numbers"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is signed: header and claims, with an identifier of its own and its times, encoded.
fn message(header: &[u8], claims: &[u8], unix_ms: i64, lifetime_s: Option<i64>) -> Result<Zeroizing<String>> {
    let now = unix_ms.div_euclid(1000);
    let limits = lifetime_s.map_or_else(String::new, |lifetime_s| {
        let (from, until) = (now.saturating_sub(NOT_BEFORE_S), now.saturating_add(lifetime_s));
        format!(r#","nbf":{from},"exp":{until}"#)
    });
    let times = format!(r#","jti":"{}","iat":{now}{limits}}}"#, unique()?);
    let length = |bytes: usize| bytes.div_ceil(3) * 4;
    // No text grows beyond its capacity, so no copy of it is left behind.
    let mut whole = Zeroizing::new(Vec::with_capacity(claims.len() + times.len()));
    whole.extend_from_slice(claims.strip_suffix(b"}").ok_or(Status::INTERNAL)?);
    whole.extend_from_slice(times.as_bytes());
    let mut message = Zeroizing::new(String::with_capacity(length(header.len()) + length(whole.len()) + 1));
    URL_SAFE_NO_PAD.encode_string(header, &mut message);
    message.push('.');
    URL_SAFE_NO_PAD.encode_string(&*whole, &mut message);
    Ok(message)
}

fn with_signature(message: &str, signature: &str) -> SecretString {
    let mut jwt = String::with_capacity(message.len() + 1 + signature.len());
    for part in [message, ".", signature] {
        jwt.push_str(part);
    }
    jwt.into()
}

fn json(value: &impl Serialize, size: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(size));
    serde_json::to_writer(&mut *bytes, value).map_err(|_| Error::from(Status::INTERNAL))?;
    Ok(bytes)
}

/// Whom a JWT is for.
pub enum Audience {
    Given(String),
    /// The endpoint that it is sent to.
    Endpoint,
}

impl Audience {
    pub fn of<'a>(&'a self, endpoint: &'a Url) -> &'a str {
        match self {
            Audience::Given(text) => text,
            Audience::Endpoint => endpoint.as_str(),
        }
    }
}

#[cfg(test)]
mod tests;
