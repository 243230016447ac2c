//! Signatures of keys that cannot leave their store: a smart card, an HSM, a cloud's key service.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{Algorithm, Curve, Family, PublicKey, message, with_signature};
use crate::error::{Error, Result, Status};

/// A signer says why it failed in no more characters.
const MOST_WHY_CHARS: usize = 200;

/// Signs for the client, with a key that the library never sees.
///
/// It is called only by threads that are inside a call of the library: one that waits for a flow, for a set
/// it is in, or for a refresh and the like. It may take its time: nothing else waits for it, and no lock is
/// held. It must not call a function that may wait. An error, or a panic, means that nothing is sent: a start
/// fails with `SIGNER_FAILED`, a poll is tried again at the next interval.
pub trait ExternalSigner: Send + Sync {
    /// The signature over `input`, as JWS has it (RFC 7518 §3): for ES256, ES384 and ES512 r and s, one after
    /// the other, of 32, 48 or 66 bytes each, not DER; 64 bytes for EdDSA; for RSA as long as its modulus.
    ///
    /// The error's text stands in the library's error messages: it must hold no secret.
    fn sign(
        &self,
        input: &SigningInput<'_>,
    ) -> std::result::Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>>;
}

impl<F> ExternalSigner for F
where
    F: Fn(&SigningInput<'_>) -> std::result::Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>>
        + Send
        + Sync,
{
    fn sign(
        &self,
        input: &SigningInput<'_>,
    ) -> std::result::Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        self(input)
    }
}

/// What an [`ExternalSigner`] signs.
pub struct SigningInput<'a> {
    /// The algorithm, as in `alg`: RS256 for example.
    pub algorithm: &'static str,
    /// Which key. That of the client: the setting `client_key_id`. That of DPoP proofs: the `kid` of the setting
    /// `dpop_public_key` or, where it has none, its thumbprint (RFC 7638).
    pub key_id: Option<&'a str>,
    /// The bytes that are signed, not hashed yet: the encoded header, a dot, the encoded claims.
    pub bytes: &'a [u8],
}

/// A key in its store, and the algorithm that it is asked for.
#[derive(Clone)]
pub struct External {
    pub algorithm: &'static Algorithm,
    pub key_id: Option<String>,
    pub signer: Arc<dyn ExternalSigner>,
    /// The public half of the key, where it is known.
    pub public: Option<Arc<PublicKey>>,
}

/// A JWT that an [`ExternalSigner`] has yet to sign. Its times are those of the signature: until somebody
/// comes by to make it, minutes may pass.
pub struct Unsigned {
    pub header: Vec<u8>,
    /// A JSON object, without what the time decides.
    pub claims: Zeroizing<Vec<u8>>,
    /// `None`: it has no `nbf` and no `exp`.
    pub lifetime_s: Option<i64>,
    pub with: External,
}

impl Unsigned {
    /// Has it signed. Runs the program's own code.
    ///
    /// Errors: `SIGNER_FAILED`.
    pub fn sign(&self, unix_ms: i64) -> Result<SecretString> {
        let message = message(&self.header, &self.claims, unix_ms, self.lifetime_s)?;
        let External { algorithm, key_id, signer, public } = &self.with;
        let input =
            SigningInput { algorithm: algorithm.name, key_id: key_id.as_deref(), bytes: message.as_bytes() };
        let signed = catch_unwind(AssertUnwindSafe(|| signer.sign(&input)));
        let signature = match signed {
            Ok(Ok(signature)) => signature,
            Ok(Err(why)) => {
                let printable = |c: char| if c.is_control() { ' ' } else { c };
                let why: String = why.to_string().chars().take(MOST_WHY_CHARS).map(printable).collect();
                return Err(Error::new(Status::SIGNER_FAILED, format!("the signer failed: {why}")));
            }
            Err(_) => return Err(Error::new(Status::SIGNER_FAILED, "the signer panicked")),
        };
        algorithm.check_length(signature.len())?;
        let fits = |key: &Arc<PublicKey>| key.verifies(algorithm, message.as_bytes(), &signature);
        if !public.as_ref().is_none_or(fits) {
            let text = "the signer's signature is not one of the key that was asked for by its key_id";
            return Err(Error::new(Status::SIGNER_FAILED, text));
        }
        Ok(with_signature(&message, &URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl Algorithm {
    /// Whether a signature can be one of this algorithm, by its length. Only the provider can tell more: it
    /// has the public key.
    fn check_length(&self, length: usize) -> Result<()> {
        let (fits, expected) = match self.family {
            Family::Rsa(_) => {
                ((256..=1024).contains(&length), "has as many bytes as the modulus, 256 to 1024".to_owned())
            }
            Family::Ecdsa(curve) => {
                let bytes = match curve {
                    Curve::P256 => 32,
                    Curve::P384 => 48,
                    Curve::P521 => 66,
                };
                let text = format!("is r and s of {bytes} bytes each, one after the other, not DER");
                (length == 2 * bytes, text)
            }
            Family::Ed25519 => (length == 64, "has 64 bytes".to_owned()),
            Family::Hmac(..) => (false, "is made with the client secret".to_owned()),
        };
        if fits {
            return Ok(());
        }
        let name = self.name;
        let text = format!("the signer gave {length} bytes: a signature of {name} {expected}");
        Err(Error::new(Status::SIGNER_FAILED, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn unsigned(name: &str, signer: impl ExternalSigner + 'static) -> Unsigned {
        let algorithm = Algorithm::named(name).unwrap();
        let with = External { algorithm, key_id: Some("k1".into()), signer: Arc::new(signer), public: None };
        Unsigned {
            header: br#"{"alg":"x"}"#.to_vec(),
            claims: Zeroizing::new(br#"{"iss":"me"}"#.to_vec()),
            lifetime_s: Some(60),
            with,
        }
    }

    #[test]
    fn a_signature_of_another_length_is_refused_with_the_length_that_it_must_have() {
        for (name, good, bad, says) in [
            ("ES256", &[64][..], &[0, 63, 65, 70, 72][..], "32 bytes each, one after the other, not DER"),
            ("ES384", &[96], &[64, 104], "48 bytes each"),
            ("ES512", &[132], &[128, 139], "66 bytes each"),
            ("EdDSA", &[64], &[0, 63, 65], "64 bytes"),
            ("RS256", &[256, 384, 512, 1024], &[0, 128, 255, 1025], "256 to 1024"),
            ("PS512", &[256], &[255], "256 to 1024"),
        ] {
            let sign = |length| {
                unsigned(name, move |_: &SigningInput<'_>| Ok(vec![7; length])).sign(1_700_000_000_000)
            };
            for length in good {
                assert!(sign(*length).is_ok(), "{name} {length}");
            }
            for length in bad {
                let error = sign(*length).unwrap_err();
                assert_eq!(error.status(), Status::SIGNER_FAILED, "{name} {length}");
                assert!(error.message().contains(says) && error.message().contains(name), "{error}");
            }
        }
    }

    #[test]
    fn the_signer_is_given_the_very_bytes_that_are_sent_and_what_they_need_r51() {
        let unsigned = unsigned("EdDSA", |input: &SigningInput<'_>| {
            assert_eq!((input.algorithm, input.key_id), ("EdDSA", Some("k1")));
            let mut signature = input.bytes.to_vec();
            signature.resize(64, 0);
            Ok(signature)
        });
        let [one, other] = [1_700_000_000_000, 1_700_000_777_000].map(|ms| unsigned.sign(ms).unwrap());
        for (jwt, iat) in [(&one, 1_700_000_000), (&other, 1_700_000_777)] {
            let parts: Vec<&str> = jwt.expose_secret().split('.').collect();
            let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
            assert!(format!("{}.{}", parts[0], parts[1]).as_bytes().starts_with(&signature));
            let claims: serde_json::Value =
                serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
            assert_eq!((claims["iss"].as_str(), claims["iat"].as_i64()), (Some("me"), Some(iat)));
            assert_eq!(claims["exp"].as_i64(), Some(iat + 60));
        }
        assert_ne!(one.expose_secret(), other.expose_secret());
    }

    #[test]
    fn an_error_and_a_panic_of_the_signer_become_errors_of_one_line() {
        let failing = unsigned("ES256", |_: &SigningInput<'_>| Err("no card\nin the \u{1b}reader".into()));
        let error = failing.sign(0).unwrap_err();
        assert_eq!(error.status(), Status::SIGNER_FAILED);
        assert_eq!(error.message(), "the signer failed: no card in the  reader");

        let long = unsigned("ES256", |_: &SigningInput<'_>| Err("x".repeat(5000).into()));
        assert!(long.sign(0).unwrap_err().message().len() < 300);

        let panicking = unsigned("ES256", |_: &SigningInput<'_>| panic!("planted"));
        let error = panicking.sign(0).unwrap_err();
        assert_eq!((error.status(), error.message()), (Status::SIGNER_FAILED, "the signer panicked"));
    }
}
