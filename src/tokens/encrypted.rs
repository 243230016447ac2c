//! ID Tokens that are encrypted to the client: a JWE in its compact form (RFC 7516) around the signed JWT.
//!
//! How a token must be encrypted is what the settings say, never what its header says. Whatever fails once
//! the key is in use ends in one status and takes one way, so that answers tell nobody about the key.

use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521, UnparsedPublicKey, agree};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::kdf::{SskdfDigestAlgorithmId, get_sskdf_digest_algorithm, sskdf_digest};
use aws_lc_rs::key_wrap::{AES_128, AES_256, AesBlockCipher, AesKek, BlockCipher, KeyWrap};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::content_encryption::ContentAlgorithm;
use super::fields::Fields;
use super::id_token::MAX_ID_TOKEN_BYTES;
use crate::error::{Error, Result, Status};

/// How the key of a token is encrypted, or agreed upon: `alg` (RFC 7518 §4).
pub(crate) struct KeyAlgorithm {
    pub(crate) name: &'static str,
    with: With,
}

enum With {
    Rsa(&'static OaepAlgorithm),
    /// With the cipher that the agreed key unwraps the token's key with; none: the agreed key is it.
    Ecdh(Option<&'static AesBlockCipher>),
}

pub(crate) static KEY_ALGORITHMS: [KeyAlgorithm; 5] = {
    const fn a(name: &'static str, with: With) -> KeyAlgorithm {
        KeyAlgorithm { name, with }
    }
    [
        a("RSA-OAEP", With::Rsa(&OAEP_SHA1_MGF1SHA1)),
        a("RSA-OAEP-256", With::Rsa(&OAEP_SHA256_MGF1SHA256)),
        a("ECDH-ES", With::Ecdh(None)),
        a("ECDH-ES+A128KW", With::Ecdh(Some(&AES_128))),
        a("ECDH-ES+A256KW", With::Ecdh(Some(&AES_256))),
    ]
};

/// The client's private key.
pub(crate) enum DecryptionKey {
    /// In PKCS#8.
    Rsa(Zeroizing<Vec<u8>>),
    /// A number on the curve of this name, as in a JWK.
    Ec(&'static str, Zeroizing<Vec<u8>>),
}

struct Curve {
    name: &'static str,
    coordinate_bytes: usize,
    agreement: &'static agreement::Algorithm,
}

static CURVES: [Curve; 3] = [
    Curve { name: "P-256", coordinate_bytes: 32, agreement: &ECDH_P256 },
    Curve { name: "P-384", coordinate_bytes: 48, agreement: &ECDH_P384 },
    Curve { name: "P-521", coordinate_bytes: 66, agreement: &ECDH_P521 },
];

/// How ID Tokens are encrypted to this client, and the keys that open them: several while it changes its key.
pub(crate) struct Decryption {
    algorithm: &'static KeyAlgorithm,
    encryption: &'static ContentAlgorithm,
    keys: Vec<Named>,
}

struct Named {
    kid: Option<String>,
    key: Key,
}

enum Key {
    Rsa(OaepPrivateDecryptingKey, &'static OaepAlgorithm),
    Ecdh(&'static Curve, agreement::PrivateKey, Option<&'static AesBlockCipher>),
}

impl Decryption {
    /// With one key, and its `kid`. The error says which kind of key the algorithm needs.
    pub(crate) fn new(
        algorithm: &'static KeyAlgorithm,
        encryption: &'static ContentAlgorithm,
        kid: Option<String>,
        key: Option<&DecryptionKey>,
    ) -> std::result::Result<Decryption, String> {
        let (key, needs) = match (&algorithm.with, key) {
            (With::Rsa(padding), Some(DecryptionKey::Rsa(der))) => {
                let key = PrivateDecryptingKey::from_pkcs8(der).ok();
                let key = key.and_then(|key| OaepPrivateDecryptingKey::new(key).ok());
                (key.map(|key| Key::Rsa(key, padding)), "a sound RSA key")
            }
            (With::Ecdh(wrap), Some(DecryptionKey::Ec(name, number))) => {
                let curve = CURVES.iter().find(|curve| curve.name == *name);
                let key = curve.and_then(|curve| {
                    let key = agreement::PrivateKey::from_private_key(curve.agreement, number).ok()?;
                    Some(Key::Ecdh(curve, key, *wrap))
                });
                (key, "a sound EC key")
            }
            (With::Rsa(_), _) => (None, "an RSA key"),
            (With::Ecdh(_), _) => (None, "a P-256, P-384 or P-521 key"),
        };
        let key = key.ok_or_else(|| format!("{} needs {needs}", algorithm.name))?;
        Ok(Decryption { algorithm, encryption, keys: vec![Named { kid, key }] })
    }

    /// With the keys of another one too.
    pub(crate) fn and(mut self, other: Decryption) -> Decryption {
        self.keys.extend(other.keys);
        self
    }

    /// Both names, as provider metadata list them.
    pub(crate) fn names(&self) -> (&'static str, &'static str) {
        (self.algorithm.name, self.encryption.name)
    }

    /// The signed JWT in an encrypted ID Token (step 1).
    pub(crate) fn open(&self, token: &str) -> Result<SecretString> {
        let plain = self.decrypted(token)?;
        let inner = std::str::from_utf8(&plain).ok().filter(|inner| inner.split('.').count() == 3);
        inner.map(SecretString::from).ok_or_else(|| malformed("what is encrypted is not a signed JWT"))
    }

    /// Whatever is in a token.
    pub(super) fn decrypted(&self, token: &str) -> Result<Zeroizing<Vec<u8>>> {
        if token.len() > MAX_ID_TOKEN_BYTES {
            return Err(malformed("the ID Token is larger than the limit"));
        }
        let parts: Vec<&str> = token.split('.').collect();
        let [header, key, initialization, text, tag] = match parts.as_slice() {
            [_, _, _] => return Err(Status::TOKEN_NOT_ENCRYPTED.into()),
            parts => <[&str; 5]>::try_from(parts)
                .map_err(|_| malformed("the ID Token is not five parts in Base64url"))?,
        };
        let decode = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part);
            bytes.map_err(|_| malformed("the ID Token is not five parts in Base64url"))
        };
        let header_text = decode(header)?;
        let members = std::str::from_utf8(&header_text).ok().and_then(Fields::parse_strictly);
        let members =
            members.ok_or_else(|| malformed("the encrypted ID Token's header is not a plain JSON object"))?;
        self.check(&members)?;
        let (key, initialization, text, tag) =
            (decode(key)?, decode(initialization)?, decode(text)?, decode(tag)?);
        let open = |own: &Named| {
            let key = self.content_key_or_random(&own.key, &members, &key).ok()?;
            self.encryption.open(&key, header.as_bytes(), &initialization, &text, &tag).ok()
        };
        // One that is named so, or else whichever it is: not everybody names the key.
        let kid = members.text("kid");
        let is_named = |own: &&Named| own.kid.is_some() && own.kid.as_deref() == kid.as_deref();
        let plain = match self.keys.iter().any(|own| is_named(&own)) {
            true => self.keys.iter().filter(is_named).find_map(open),
            false => self.keys.iter().find_map(open),
        };
        plain.ok_or_else(|| Status::TOKEN_DECRYPTION.into())
    }

    /// Step 2 for the outer header: the registered algorithms, nothing critical, nothing compressed, and a
    /// JWT inside (RFC 7519 §5.2).
    fn check(&self, header: &Fields<'_>) -> Result<()> {
        let is = |name: &str, expected: &str| header.text(name).as_deref() == Some(expected);
        if !is("alg", self.algorithm.name) || !is("enc", self.encryption.name) {
            let text = "the ID Token is not encrypted with the algorithms that are configured";
            return Err(Error::new(Status::TOKEN_ALGORITHM, text));
        }
        if ["crit", "zip", "b64"].iter().any(|name| header.raw(name).is_some()) {
            return Err(Status::TOKEN_CRITICAL_HEADER.into());
        }
        let cty = header.text("cty");
        let is_jwt =
            |cty: &str| cty.eq_ignore_ascii_case("JWT") || cty.eq_ignore_ascii_case("application/jwt");
        if header.raw("cty").is_some() && !cty.as_deref().is_some_and(is_jwt) {
            return Err(Error::new(Status::TOKEN_TYPE, "what is encrypted is no JWT, by its cty"));
        }
        Ok(())
    }

    /// With a key that is wrong all goes on with a random one: how long it takes tells nothing of which of
    /// the two was wrong (RFC 7516 §11.5).
    fn content_key_or_random(
        &self,
        key: &Key,
        header: &Fields<'_>,
        encrypted_key: &[u8],
    ) -> std::result::Result<Zeroizing<Vec<u8>>, Unspecified> {
        let mut random = Zeroizing::new(vec![0; self.encryption.key_bytes]);
        rand::fill(&mut random)?;
        let key = self.content_key(key, header, encrypted_key).filter(|key| key.len() == random.len());
        Ok(key.unwrap_or(random))
    }

    /// The key of the token itself.
    fn content_key(
        &self,
        key: &Key,
        header: &Fields<'_>,
        encrypted_key: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        match key {
            Key::Rsa(key, padding) => {
                let mut plain = Zeroizing::new(vec![0; key.min_output_size()]);
                let length = key.decrypt(padding, encrypted_key, &mut plain, None).ok()?.len();
                plain.truncate(length);
                Some(plain)
            }
            Key::Ecdh(curve, key, None) => {
                let agreed = self.agreed(header, curve, key, self.encryption.key_bytes);
                agreed.filter(|_| encrypted_key.is_empty())
            }
            Key::Ecdh(curve, key, Some(cipher)) => {
                let agreed = self.agreed(header, curve, key, cipher.key_len())?;
                let mut plain = Zeroizing::new(vec![0; encrypted_key.len()]);
                let unwrapping = AesKek::new(cipher, &agreed).ok()?;
                let length = unwrapping.unwrap(encrypted_key, &mut plain).ok()?.len();
                plain.truncate(length);
                Some(plain)
            }
        }
    }

    /// What a test compares with the example of an RFC.
    #[cfg(test)]
    pub(super) fn first_content_key(&self, header: &Fields<'_>) -> Option<Zeroizing<Vec<u8>>> {
        self.content_key(&self.keys.first()?.key, header, &[])
    }

    /// The key that both sides can compute, of so many bytes (RFC 7518 §4.6).
    fn agreed(
        &self,
        header: &Fields<'_>,
        curve: &Curve,
        key: &agreement::PrivateKey,
        length: usize,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let theirs = Fields::parse(header.raw("epk")?)?;
        if theirs.text("kty")? != "EC" || theirs.text("crv")? != curve.name {
            return None;
        }
        let coordinate = |name: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(theirs.text(name)?.as_bytes()).ok()?;
            (bytes.len() == curve.coordinate_bytes).then_some(bytes)
        };
        let point = [vec![4], coordinate("x")?, coordinate("y")?].concat(); // uncompressed (SEC 1 §2.3.3)
        let party = |name: &str| match header.raw(name) {
            None => Some(Vec::new()),
            Some(_) => URL_SAFE_NO_PAD.decode(header.text(name)?.as_bytes()).ok(),
        };
        let purpose = match &self.algorithm.with {
            With::Ecdh(Some(_)) => self.algorithm.name,
            _ => self.encryption.name,
        };
        let mut info = Vec::new();
        for part in [purpose.as_bytes(), &party("apu")?, &party("apv")?] {
            info.extend(u32::try_from(part.len()).ok()?.to_be_bytes());
            info.extend(part);
        }
        info.extend(u32::try_from(length * 8).ok()?.to_be_bytes());
        let hash = get_sskdf_digest_algorithm(SskdfDigestAlgorithmId::Sha256)?;
        let mut agreed = Zeroizing::new(vec![0; length]);
        // The library refuses what is no point on the curve.
        let theirs = UnparsedPublicKey::new(curve.agreement, point);
        agree(key, &theirs, Unspecified, |secret| sskdf_digest(hash, secret, &info, &mut agreed)).ok()?;
        Some(agreed)
    }
}

fn malformed(message: &str) -> Error {
    Error::new(Status::TOKEN_MALFORMED, message)
}
