//! The signature algorithms of an ID Token, and the one place that calls the cryptographic library.
//!
//! The algorithm of a token is never taken from the token or from the key set: the caller gives
//! the list of those that are allowed, and the token's header must name one of them.

use aws_lc_rs::digest;
use aws_lc_rs::signature as primitive;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1) with an asymmetric key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
    /// Ed25519, under its older name `EdDSA` or its newer one `Ed25519` (RFC 9864).
    EdDsa,
}

/// The kind of key that an algorithm needs: `kty`, and `crv` where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyType {
    Rsa,
    P256,
    P384,
    P521,
    Ed25519,
}

impl Algorithm {
    /// Every algorithm that an ID Token may be registered with.
    pub(crate) const ALL: [Algorithm; 10] = [
        Algorithm::Rs256,
        Algorithm::Rs384,
        Algorithm::Rs512,
        Algorithm::Ps256,
        Algorithm::Ps384,
        Algorithm::Ps512,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::Es512,
        Algorithm::EdDsa,
    ];

    /// The algorithm of this name, as in `alg` and `id_token_signed_response_alg`; the case matters.
    pub(crate) fn from_name(name: &str) -> Option<Algorithm> {
        if name == "Ed25519" {
            return Some(Algorithm::EdDsa);
        }
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// The name, as in `alg`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Rs384 => "RS384",
            Algorithm::Rs512 => "RS512",
            Algorithm::Ps256 => "PS256",
            Algorithm::Ps384 => "PS384",
            Algorithm::Ps512 => "PS512",
            Algorithm::Es256 => "ES256",
            Algorithm::Es384 => "ES384",
            Algorithm::Es512 => "ES512",
            Algorithm::EdDsa => "EdDSA",
        }
    }

    /// The kind of key that this algorithm needs.
    pub(super) fn key_type(self) -> KeyType {
        match self {
            Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 => KeyType::Rsa,
            Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 => KeyType::Rsa,
            Algorithm::Es256 => KeyType::P256,
            Algorithm::Es384 => KeyType::P384,
            Algorithm::Es512 => KeyType::P521,
            Algorithm::EdDsa => KeyType::Ed25519,
        }
    }

    /// `at_hash` and `rt_hash` of a token: the left half of its hash, in Base64url
    /// (OpenID Connect Core §3.1.3.6). The hash is the algorithm's own; Ed25519 uses SHA-512.
    pub(super) fn half_hash(self, token: &str) -> String {
        let hash = match self {
            Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => &digest::SHA256,
            Algorithm::Rs384 | Algorithm::Ps384 | Algorithm::Es384 => &digest::SHA384,
            Algorithm::Rs512 | Algorithm::Ps512 | Algorithm::Es512 | Algorithm::EdDsa => &digest::SHA512,
        };
        let digest = digest::digest(hash, token.as_bytes());
        let (left, _) = digest.as_ref().split_at(digest.as_ref().len() / 2);
        URL_SAFE_NO_PAD.encode(left)
    }

    fn rsa_parameters(self) -> Option<&'static primitive::RsaParameters> {
        Some(match self {
            Algorithm::Rs256 => &primitive::RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Rs384 => &primitive::RSA_PKCS1_2048_8192_SHA384,
            Algorithm::Rs512 => &primitive::RSA_PKCS1_2048_8192_SHA512,
            Algorithm::Ps256 => &primitive::RSA_PSS_2048_8192_SHA256,
            Algorithm::Ps384 => &primitive::RSA_PSS_2048_8192_SHA384,
            Algorithm::Ps512 => &primitive::RSA_PSS_2048_8192_SHA512,
            _ => return None,
        })
    }
}

/// A public key, prepared for one algorithm.
pub(super) struct Verifier(primitive::ParsedPublicKey);

impl Verifier {
    /// An RSA key from its modulus and exponent (big-endian, no leading zero).
    ///
    /// `None` unless the modulus is odd and has 2048 to 8192 bits, and the exponent is odd, at
    /// least 3 and below 2^33: a larger one would only make each check slow.
    pub(super) fn rsa(algorithm: Algorithm, n: &[u8], e: &[u8]) -> Option<Verifier> {
        let parameters = algorithm.rsa_parameters()?;
        let top = n.first().copied().filter(|byte| *byte != 0)?;
        let bits = (n.len() - 1) * 8 + (8 - top.leading_zeros() as usize);
        let n_is_odd = n.last().is_some_and(|byte| byte & 1 == 1);
        if !(2048..=8192).contains(&bits) || !n_is_odd {
            return None;
        }
        if e.len() > 5 {
            return None;
        }
        let exponent = e.iter().fold(0u64, |sum, byte| sum * 256 + u64::from(*byte));
        if exponent < 3 || exponent & 1 == 0 || exponent >= 1 << 33 {
            return None;
        }
        let components = primitive::RsaPublicKeyComponents { n, e };
        components.to_parsed_public_key(parameters).ok().map(Verifier)
    }

    /// A point on the curve that the algorithm needs, uncompressed (SEC 1 §2.3.3), or the 32
    /// bytes of an Ed25519 key. `None` if it is no point on that curve.
    pub(super) fn point(algorithm: Algorithm, octets: &[u8]) -> Option<Verifier> {
        let (parameters, length): (&'static dyn primitive::VerificationAlgorithm, usize) = match algorithm {
            Algorithm::Es256 => (&primitive::ECDSA_P256_SHA256_FIXED, 65),
            Algorithm::Es384 => (&primitive::ECDSA_P384_SHA384_FIXED, 97),
            Algorithm::Es512 => (&primitive::ECDSA_P521_SHA512_FIXED, 133),
            Algorithm::EdDsa => (&primitive::ED25519, 32),
            _ => return None,
        };
        if octets.len() != length {
            return None;
        }
        primitive::ParsedPublicKey::new(parameters, octets).ok().map(Verifier)
    }

    /// Whether the signature over the message is right. An ECDSA signature must have exactly the
    /// length of its curve, and both of its numbers must be in the range from 1 to n - 1: the
    /// library sees to both.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}
