//! The public half of a key that stays in its store: what it signs is checked before it is sent.

use serde_json::{Value, json};

use super::Algorithm;
use super::key::{Curve, Jwk, KINDS};
use crate::error::Status;
use crate::tokens::{self, KeySet};

/// A public key, and what its JWK says beside it.
pub struct PublicKey {
    /// What a JWK of it must have alone (RFC 7638 §3.2).
    pub jwk: Value,
    pub key_id: Option<String>,
    /// The one algorithm that the key is for, where its JWK says so.
    algorithm: Option<String>,
    usual: &'static str,
    /// It alone.
    keys: KeySet,
}

impl PublicKey {
    /// Reads a JWK that has no private part. The error says why not, and shows nothing of the text.
    pub fn read(text: &str) -> Result<PublicKey, String> {
        let given: Jwk<'_> = serde_json::from_str(text).map_err(|_| "is not a JWK".to_owned())?;
        if given.d.is_some() {
            return Err("holds a private key, and the public one is all that is needed".into());
        }
        if given.usage.is_some_and(|usage| usage != "sig") {
            return Err("is not for signatures, by its use".into());
        }
        let (jwk, usual) = match (given.kty, given.crv) {
            ("RSA", _) => (json!({ "kty": "RSA", "n": given.n, "e": given.e }), "RS256"),
            ("EC", Some(name)) => {
                let curve = Curve::ALL.into_iter().find(|curve| curve.name() == name);
                let usual = curve.map(Curve::usual_algorithm).ok_or_else(|| format!("is not {KINDS}"))?;
                (json!({ "kty": "EC", "crv": name, "x": given.x, "y": given.y }), usual)
            }
            ("OKP", Some("Ed25519")) => (json!({ "kty": "OKP", "crv": "Ed25519", "x": given.x }), "EdDSA"),
            _ => return Err(format!("is not {KINDS}")),
        };
        let set = json!({ "keys": [jwk] }).to_string();
        let keys = KeySet::parse(set.as_bytes()).map_err(|_| "is not a JWK".to_owned())?;
        let sound = Algorithm::named(usual).is_some_and(|usual| answers(&keys, usual, b"", b"") != BROKEN);
        if !sound {
            return Err(format!("is not a sound key: needed is {KINDS}, with all its members"));
        }
        let (key_id, algorithm) = (given.kid.map(|kid| kid.into_owned()), given.alg.map(str::to_owned));
        Ok(PublicKey { jwk, key_id, algorithm, usual, keys })
    }

    /// The algorithm for whoever names none: the one that the JWK names, or the usual one for the key.
    pub fn usual_algorithm(&self) -> &str {
        self.algorithm.as_deref().unwrap_or(self.usual)
    }

    /// Whether it is of the kind that the algorithm needs, and not for another one alone.
    pub fn fits(&self, algorithm: &Algorithm) -> bool {
        self.algorithm.as_deref().is_none_or(|own| own == algorithm.name)
            && answers(&self.keys, algorithm, b"", b"") == Err(Status::TOKEN_SIGNATURE)
    }

    /// Whether a signature was made with its private half.
    pub fn verifies(&self, algorithm: &Algorithm, message: &[u8], signature: &[u8]) -> bool {
        answers(&self.keys, algorithm, message, signature).is_ok()
    }
}

const BROKEN: Result<(), Status> = Err(Status::TOKEN_KEY_UNUSABLE);

fn answers(keys: &KeySet, algorithm: &Algorithm, message: &[u8], signature: &[u8]) -> Result<(), Status> {
    let algorithm = tokens::Algorithm::from_name(algorithm.name).ok_or(Status::TOKEN_ALGORITHM)?;
    keys.check(algorithm, None, message, signature).map_err(|error| error.status())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::PrivateKey;

    #[test]
    fn a_public_key_is_read_from_its_jwk_and_answers_for_its_own_kind_alone() {
        let private = PrivateKey::generate().unwrap();
        let mut jwk = private.public_jwk();
        jwk["kid"] = json!("hsm-1");
        let key = PublicKey::read(&jwk.to_string()).unwrap();
        assert_eq!((key.key_id.as_deref(), key.usual_algorithm()), (Some("hsm-1"), "ES256"));
        assert_eq!(key.jwk, private.public_jwk(), "without what a proof has no need of");
        for (name, fits) in [("ES256", true), ("ES384", false), ("RS256", false), ("EdDSA", false)] {
            assert_eq!(key.fits(Algorithm::named(name).unwrap()), fits, "{name}");
        }
        assert!(!key.fits(Algorithm::named("HS256").unwrap()));

        let jwk = include_str!("../../tests/fixtures/keys/keys.jwk.json");
        let mut rsa = serde_json::from_str::<Value>(jwk).unwrap()["rsa"].take();
        rsa.as_object_mut().unwrap().retain(|name, _| ["kty", "n", "e"].contains(&name.as_str()));
        let fit = |rsa: &Value| {
            let key = PublicKey::read(&rsa.to_string()).unwrap();
            let fit = ["RS256", "PS256"].map(|name| key.fits(Algorithm::named(name).unwrap()));
            (key.usual_algorithm().to_owned(), fit)
        };
        assert_eq!(fit(&rsa), ("RS256".to_owned(), [true, true]));
        rsa["alg"] = json!("PS256");
        assert_eq!(fit(&rsa), ("PS256".to_owned(), [false, true]));
    }

    #[test]
    fn what_is_no_public_key_is_refused_and_not_shown() {
        let good = PrivateKey::generate().unwrap().public_jwk();
        assert!(PublicKey::read(&good.to_string()).is_ok());
        type Change = fn(&mut Value);
        let changes: [(Change, &str); 9] = [
            (|key| *key = json!({ "kty": "RSA", "e": "AQAB", "n": "_".repeat(172) }), "2048 to 8192 bits"),
            (|key| key["d"] = json!("planted"), "holds a private key"),
            (|key| key["use"] = json!("enc"), "by its use"),
            (|key| key["crv"] = json!("P-257"), "is not an RSA key"),
            (|key| key["kty"] = json!("oct"), "is not an RSA key"),
            (|key| key["y"] = key["x"].clone(), "sound"), // off the curve
            (|key| key["x"] = json!("planted"), "sound"),
            (|key| drop(key.as_object_mut().unwrap().remove("y")), "sound"),
            (|key| *key = json!(["planted"]), "is not a JWK"),
        ];
        for (change, says) in changes {
            let mut key = good.clone();
            change(&mut key);
            let why = PublicKey::read(&key.to_string()).err().unwrap();
            assert!(why.contains(says) && !why.contains("planted"), "{why}");
        }
    }
}
