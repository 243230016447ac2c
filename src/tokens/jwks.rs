//! The provider's key set (RFC 7517): which of its keys may check a given ID Token.
//!
//! What a set holds besides signature keys is passed over: encryption keys, kinds of keys that
//! nobody knows yet, entries that are broken. The private members of an entry are never looked
//! at. A key is prepared for the cryptographic library when it is first chosen, and kept so.

use std::fmt;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::value::RawValue;

use super::algorithm::{Algorithm, KeyType, Verifier};
use crate::error::{Error, Result, Status};
use crate::json::{Members, value};

/// How many signature keys of a set are kept; those behind them are not looked at. A set of ten
/// thousand keys costs no more than reading its text.
const MAX_KEYS: usize = 100;

/// How many keys are tried where several fit: no `kid` in the token, or several keys of one `kid`.
const MAX_TRIES: usize = 4;

/// The signature keys of a provider.
#[derive(Default)]
pub(crate) struct KeySet {
    keys: Vec<Key>,
}

struct Key {
    kid: Option<String>,
    key_type: KeyType,
    /// The one algorithm that the provider allows for this key, if it says so.
    algorithm: Option<Algorithm>,
    material: Material,
    /// The key as the library wants it, for the algorithm that it was first chosen for;
    /// `None` in it means that the key is too weak, too large or broken.
    prepared: OnceLock<(Algorithm, Option<Verifier>)>,
}

enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Point(Vec<u8>),
    Broken,
}

impl KeySet {
    /// Reads a key set. The caller bounds the size of the text.
    ///
    /// Only a text that is no JSON object with a `keys` array is an error (`KEYS_MALFORMED`).
    pub(crate) fn parse(body: &[u8]) -> Result<KeySet> {
        let malformed = |message: &str| Error::new(Status::KEYS_MALFORMED, message);
        let members = Members::parse(body)
            .ok_or_else(|| malformed("the provider's key set is not a plain JSON object"))?;
        let entries = members
            .raw("keys")
            .and_then(|raw| serde_json::from_str::<Vec<&RawValue>>(raw).ok())
            .ok_or_else(|| malformed("the provider's key set has no keys array"))?;
        let keys = entries.into_iter().filter_map(|entry| Key::parse(entry.get()));
        Ok(KeySet { keys: keys.take(MAX_KEYS).collect() })
    }

    /// How many keys there are that may check a signature.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Checks a signature with the key that the token's header names, or, if it names none, with
    /// the keys that fit the algorithm.
    ///
    /// `TOKEN_KEY_NOT_FOUND`: none fits, the caller may fetch the set again, once.
    /// `TOKEN_KEY_UNUSABLE`: those that fit are too weak, too large or broken.
    /// `TOKEN_SIGNATURE`: the signature is wrong; if the token names no key, it may be one of a newer set.
    pub(crate) fn check(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        let mut outcome = Status::TOKEN_KEY_NOT_FOUND;
        let fitting = self.keys.iter().filter(|key| key.fits(algorithm, kid));
        for key in fitting.take(MAX_TRIES) {
            match key.verify(algorithm, message, signature) {
                Some(true) => return Ok(()),
                Some(false) => outcome = Status::TOKEN_SIGNATURE,
                None if outcome == Status::TOKEN_KEY_NOT_FOUND => {
                    outcome = Status::TOKEN_KEY_UNUSABLE;
                }
                None => {}
            }
        }
        let may_be_old = kid.is_none() || outcome == Status::TOKEN_KEY_NOT_FOUND;
        Err(Error::from(outcome).with_keys_may_be_old(may_be_old))
    }
}

impl Key {
    /// Reads one entry of the set; `None` if it is not one that may check a signature.
    fn parse(entry: &str) -> Option<Key> {
        let members = Members::parse(entry.as_bytes())?;
        let absent = |name: &str| members.raw(name).is_none_or(|raw| raw == "null");
        if !absent("use") && members.text("use")? != "sig" {
            return None;
        }
        if !absent("key_ops") {
            let operations = value(members.raw("key_ops")?.as_bytes())?;
            if !operations.as_array()?.iter().any(|operation| operation == "verify") {
                return None;
            }
        }
        let kid = if absent("kid") { None } else { Some(members.text("kid")?) };
        let algorithm = match absent("alg") {
            true => None,
            false => Some(Algorithm::from_name(&members.text("alg")?)?),
        };
        let key_type = match members.text("kty")?.as_str() {
            "RSA" => KeyType::Rsa,
            "EC" => match members.text("crv")?.as_str() {
                "P-256" => KeyType::P256,
                "P-384" => KeyType::P384,
                "P-521" => KeyType::P521,
                _ => return None,
            },
            "OKP" if members.text("crv")? == "Ed25519" => KeyType::Ed25519,
            _ => return None,
        };
        let material = Material::parse(key_type, &members).unwrap_or(Material::Broken);
        Some(Key { kid, key_type, algorithm, material, prepared: OnceLock::new() })
    }

    /// Whether this key is meant for a token with that algorithm and `kid`.
    fn fits(&self, algorithm: Algorithm, kid: Option<&str>) -> bool {
        self.key_type == algorithm.key_type()
            && self.algorithm.is_none_or(|own| own == algorithm)
            && (kid.is_none() || self.kid.as_deref() == kid)
    }

    /// Whether the signature is right; `None` if the key cannot be used.
    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> Option<bool> {
        let (prepared_for, verifier) =
            self.prepared.get_or_init(|| (algorithm, self.material.prepare(algorithm)));
        if *prepared_for == algorithm {
            return Some(verifier.as_ref()?.verify(message, signature));
        }
        Some(self.material.prepare(algorithm)?.verify(message, signature))
    }
}

impl Material {
    fn parse(key_type: KeyType, members: &Members<'_>) -> Option<Material> {
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(members.text(name)?).ok();
        Some(match key_type {
            KeyType::Rsa => {
                Material::Rsa { n: without_leading_zeros(bytes("n")?), e: without_leading_zeros(bytes("e")?) }
            }
            KeyType::Ed25519 => Material::Point(bytes("x")?),
            KeyType::P256 | KeyType::P384 | KeyType::P521 => {
                let (x, y) = (bytes("x")?, bytes("y")?);
                if x.len() != y.len() {
                    return None;
                }
                Material::Point([&[4u8], x.as_slice(), y.as_slice()].concat())
            }
        })
    }

    fn prepare(&self, algorithm: Algorithm) -> Option<Verifier> {
        match self {
            Material::Rsa { n, e } => Verifier::rsa(algorithm, n, e),
            Material::Point(octets) => Verifier::point(algorithm, octets),
            Material::Broken => None,
        }
    }
}

/// Some providers write a number with the zero byte that marks it as positive in ASN.1.
fn without_leading_zeros(mut bytes: Vec<u8>) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    bytes
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| (key.kid.as_deref(), key.key_type))).finish()
    }
}
