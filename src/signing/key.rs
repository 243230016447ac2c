//! Private keys as their owners have them: PEM (PKCS#8, PKCS#1, SEC 1) and JWK.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::{self, PemObject};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use zeroize::{Zeroize, Zeroizing};

use crate::tokens::DecryptionKey;

/// The curves of ECDSA in JWS; each has one algorithm.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    pub const ALL: [Curve; 3] = [Curve::P256, Curve::P384, Curve::P521];

    /// `crv`, as in a JWK.
    pub fn name(self) -> &'static str {
        match self {
            Curve::P256 => "P-256",
            Curve::P384 => "P-384",
            Curve::P521 => "P-521",
        }
    }

    /// What a key on it is called in texts.
    pub fn key(self) -> &'static str {
        match self {
            Curve::P256 => "a P-256 key",
            Curve::P384 => "a P-384 key",
            Curve::P521 => "a P-521 key",
        }
    }

    /// The one algorithm of keys on it.
    pub fn usual_algorithm(self) -> &'static str {
        match self {
            Curve::P256 => "ES256",
            Curve::P384 => "ES384",
            Curve::P521 => "ES512",
        }
    }

    fn signing(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Curve::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
            Curve::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
            Curve::P521 => &ECDSA_P521_SHA512_FIXED_SIGNING,
        }
    }
}

/// A key that several signers may share. The library wipes it when the last one is gone.
pub enum KeyPair {
    Rsa(Arc<RsaKeyPair>),
    Ecdsa(Curve, Arc<EcdsaKeyPair>),
    Ed25519(Arc<Ed25519KeyPair>),
}

impl KeyPair {
    /// What it is called in texts.
    pub fn kind(&self) -> &'static str {
        match self {
            KeyPair::Rsa(_) => "an RSA key",
            KeyPair::Ecdsa(curve, _) => curve.key(),
            KeyPair::Ed25519(_) => "an Ed25519 key",
        }
    }

    fn rsa(pair: RsaKeyPair) -> KeyPair {
        KeyPair::Rsa(Arc::new(pair))
    }
}

/// A private key, and what a JWK says beside it.
pub struct PrivateKey {
    pub pair: KeyPair,
    pub key_id: Option<String>,
    /// The one algorithm that the key is for, where its JWK says so.
    pub algorithm: Option<String>,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PrivateKey").field(&self.pair.kind()).finish()
    }
}

/// No JWK Set holds more: each may have to be tried.
const MOST_KEYS: usize = 4;

pub(super) const KINDS: &str =
    "an RSA key of 2048 to 8192 bits, a key on P-256, P-384 or P-521, or an Ed25519 key";

impl PrivateKey {
    /// Reads a PEM or a JWK that signs. The error says why not, and shows nothing of the text.
    pub fn read(text: &str) -> Result<PrivateKey, String> {
        PrivateKey::read_for(text, "sig", &["sign"])
    }

    /// The same of a key that opens what is encrypted to the client, or of several in a JWK Set (RFC 7517 §5).
    pub fn read_for_decryption(text: &str) -> Result<Vec<PrivateKey>, String> {
        #[derive(Deserialize)]
        struct Set<'a> {
            #[serde(borrow)]
            keys: Vec<&'a RawValue>,
        }
        let read = |text: &str| {
            PrivateKey::read_for(text, "enc", &["decrypt", "unwrapKey", "deriveKey", "deriveBits"])
        };
        match serde_json::from_str::<Set<'_>>(text) {
            Ok(set) if (1..=MOST_KEYS).contains(&set.keys.len()) => {
                set.keys.into_iter().map(|key| read(key.get())).collect()
            }
            Ok(_) => Err(format!("the JWK Set must hold 1 to {MOST_KEYS} keys")),
            Err(_) => Ok(vec![read(text)?]),
        }
    }

    /// The key for what is encrypted to it; `None`: it is of no kind for that.
    pub fn for_decryption(&self) -> Option<DecryptionKey> {
        match &self.pair {
            KeyPair::Rsa(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der().ok()?;
                Some(DecryptionKey::Rsa(der.as_ref().to_vec().into()))
            }
            KeyPair::Ecdsa(curve, pair) => {
                let number: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().ok()?;
                Some(DecryptionKey::Ec(curve.name(), number.as_ref().to_vec().into()))
            }
            KeyPair::Ed25519(_) => None,
        }
    }

    /// `usage`, `operations`: what a JWK may say of itself in `use`, and in `key_ops`.
    fn read_for(text: &str, usage: &str, operations: &[&str]) -> Result<PrivateKey, String> {
        if text.trim_start().starts_with('{') {
            PrivateKey::from_jwk(text, usage, operations)
        } else {
            PrivateKey::from_pem(text)
        }
    }

    /// A new key on P-256, which lives as long as this process.
    ///
    /// Errors: `RESOURCES`.
    pub fn generate() -> crate::error::Result<PrivateKey> {
        let pair = EcdsaKeyPair::generate(Curve::P256.signing());
        let pair = pair.map_err(|_| crate::error::Status::RESOURCES)?;
        Ok(PrivateKey { pair: KeyPair::Ecdsa(Curve::P256, Arc::new(pair)), key_id: None, algorithm: None })
    }

    /// The public half, as a JWK of what it must have alone (RFC 7638 §3.2).
    pub fn public_jwk(&self) -> serde_json::Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            KeyPair::Rsa(pair) => {
                let key = pair.public_key();
                let (n, e) = (key.modulus(), key.exponent());
                json!({
                    "kty": "RSA",
                    "n": text(n.big_endian_without_leading_zero()),
                    "e": text(e.big_endian_without_leading_zero()),
                })
            }
            KeyPair::Ecdsa(curve, pair) => {
                // The point as SEC 1 has it: 4, then both coordinates at their full length.
                let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
                let (x, y) = point.split_at(point.len() / 2);
                json!({ "kty": "EC", "crv": curve.name(), "x": text(x), "y": text(y) })
            }
            KeyPair::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()) })
            }
        }
    }

    /// The algorithm for whoever names none: the one that a JWK names, or the usual one for the key.
    pub fn usual_algorithm(&self) -> &str {
        let usual = match &self.pair {
            KeyPair::Rsa(_) => "RS256",
            KeyPair::Ecdsa(curve, _) => curve.usual_algorithm(),
            KeyPair::Ed25519(_) => "EdDSA",
        };
        self.algorithm.as_deref().unwrap_or(usual)
    }

    /// The first private key of a PEM text, whatever stands around it.
    fn from_pem(text: &str) -> Result<PrivateKey, String> {
        if text.contains("ENCRYPTED") {
            return Err("the key is encrypted: decrypt it first, for example with openssl pkey".into());
        }
        let mut der = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| match error {
            pem::Error::NoItemsFound => "neither a PEM text with a private key nor a JWK".to_owned(),
            _ => "the PEM text is damaged".to_owned(),
        })?;
        let pair = match &der {
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()).ok().map(KeyPair::rsa),
            PrivateKeyDer::Sec1(key) => ecdsa(key.secret_sec1_der()),
            PrivateKeyDer::Pkcs8(key) => {
                let key = key.secret_pkcs8_der();
                let ed25519 = || Ed25519KeyPair::from_pkcs8(key).ok();
                let rsa = RsaKeyPair::from_pkcs8(key).ok().map(KeyPair::rsa);
                rsa.or_else(|| ecdsa(key)).or_else(|| ed25519().map(|pair| KeyPair::Ed25519(Arc::new(pair))))
            }
            _ => None,
        };
        der.zeroize();
        let pair = pair.ok_or_else(|| format!("not a sound key: needed is {KINDS}"))?;
        Ok(PrivateKey { pair, key_id: None, algorithm: None })
    }

    fn from_jwk(text: &str, usage: &str, operations: &[&str]) -> Result<PrivateKey, String> {
        let jwk: Jwk<'_> = serde_json::from_str(text).map_err(|_| "the JWK is not one".to_owned())?;
        if jwk.usage.is_some_and(|own| own != usage) {
            return Err(format!("the JWK is not for this, by its use: it must be {usage}"));
        }
        if jwk.key_ops.as_ref().is_some_and(|own| !own.iter().any(|name| operations.contains(name))) {
            return Err(format!(
                "the JWK is not for this, by its key_ops: it needs {}",
                operations.join(" or ")
            ));
        }
        let pair = jwk.pair().ok_or_else(|| {
            format!("the JWK is not a sound private key: needed is {KINDS}, with all its members")
        })?;
        Ok(PrivateKey {
            pair,
            key_id: jwk.kid.map(|kid| kid.into_owned()),
            algorithm: jwk.alg.map(str::to_owned),
        })
    }
}

/// A key in SEC 1 or PKCS#8, on whichever curve it is.
fn ecdsa(der: &[u8]) -> Option<KeyPair> {
    Curve::ALL.into_iter().find_map(|curve| {
        let pair = EcdsaKeyPair::from_private_key_der(curve.signing(), der).ok()?;
        Some(KeyPair::Ecdsa(curve, Arc::new(pair)))
    })
}

/// A private key in JSON (RFC 7518 §6, RFC 8037 §2). Its texts are those of the input: no copies.
#[derive(Deserialize)]
pub(super) struct Jwk<'a> {
    pub kty: &'a str,
    pub crv: Option<&'a str>,
    #[serde(borrow)]
    pub kid: Option<std::borrow::Cow<'a, str>>,
    pub alg: Option<&'a str>,
    #[serde(rename = "use")]
    pub usage: Option<&'a str>,
    key_ops: Option<Vec<&'a str>>,
    pub x: Option<&'a str>,
    pub y: Option<&'a str>,
    pub n: Option<&'a str>,
    pub e: Option<&'a str>,
    pub d: Option<&'a str>,
    p: Option<&'a str>,
    q: Option<&'a str>,
    dp: Option<&'a str>,
    dq: Option<&'a str>,
    qi: Option<&'a str>,
}

impl Jwk<'_> {
    fn pair(&self) -> Option<KeyPair> {
        let bytes = |text: Option<&str>| {
            // As large as it can become, so that no copy is left behind by growing.
            let text = text?;
            let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
            URL_SAFE_NO_PAD.decode_vec(text, &mut bytes).ok()?;
            Some(bytes)
        };
        match (self.kty, self.crv) {
            ("RSA", _) => {
                let public = |text| bytes(text).map(|bytes| without_leading_zeros(&bytes).to_vec());
                let components = KeyPairComponents {
                    public_key: PublicKeyComponents { n: public(self.n)?, e: public(self.e)? },
                    d: bytes(self.d)?,
                    p: bytes(self.p)?,
                    q: bytes(self.q)?,
                    dP: bytes(self.dp)?,
                    dQ: bytes(self.dq)?,
                    qInv: bytes(self.qi)?,
                };
                RsaKeyPair::from_components(&components).ok().map(KeyPair::rsa)
            }
            ("EC", Some(name)) => {
                let curve = Curve::ALL.into_iter().find(|curve| curve.name() == name)?;
                let (x, y, d) = (bytes(self.x)?, bytes(self.y)?, bytes(self.d)?);
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                let pair = EcdsaKeyPair::from_private_key_and_public_key(curve.signing(), &d, &point).ok()?;
                Some(KeyPair::Ecdsa(curve, Arc::new(pair)))
            }
            ("OKP", Some("Ed25519")) => {
                let (x, d) = (bytes(self.x)?, bytes(self.d)?);
                let pair = Ed25519KeyPair::from_seed_and_public_key(&d, &x).ok()?;
                Some(KeyPair::Ed25519(Arc::new(pair)))
            }
            _ => None,
        }
    }
}

/// Some write a number with the zero byte that marks it as positive in ASN.1.
fn without_leading_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}
