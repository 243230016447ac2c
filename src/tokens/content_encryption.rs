//! How the content of a JWE is encrypted: `enc` (RFC 7518 §5).

use aws_lc_rs::aead::{self, AES_128_GCM, AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::cipher::{
    self, AES_128, AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac::{self, HMAC_SHA256, HMAC_SHA512};
use aws_lc_rs::iv::FixedLength;
use zeroize::Zeroizing;

/// A content encryption algorithm.
pub(crate) struct ContentAlgorithm {
    pub(crate) name: &'static str,
    /// How long its keys are.
    pub(super) key_bytes: usize,
    /// How long its tags are: a shorter one would be easier to guess.
    tag_bytes: usize,
    with: With,
}

enum With {
    Gcm(&'static aead::Algorithm),
    /// AES in CBC mode, and then a MAC over all of it (RFC 7518 §5.2).
    CbcHmac(&'static cipher::Algorithm, hmac::Algorithm),
}

pub(crate) static CONTENT_ALGORITHMS: [ContentAlgorithm; 4] = {
    const fn a(name: &'static str, key_bytes: usize, tag_bytes: usize, with: With) -> ContentAlgorithm {
        ContentAlgorithm { name, key_bytes, tag_bytes, with }
    }
    [
        a("A128CBC-HS256", 32, 16, With::CbcHmac(&AES_128, HMAC_SHA256)),
        a("A256CBC-HS512", 64, 32, With::CbcHmac(&AES_256, HMAC_SHA512)),
        a("A128GCM", 16, 16, With::Gcm(&AES_128_GCM)),
        a("A256GCM", 32, 16, With::Gcm(&AES_256_GCM)),
    ]
};

impl ContentAlgorithm {
    /// What is in a text, once its tag has shown that the text, its initialization vector and the additional
    /// data are what somebody with the key wrote.
    pub(super) fn open(
        &self,
        key: &[u8],
        additional: &[u8],
        initialization: &[u8],
        text: &[u8],
        tag: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        if tag.len() != self.tag_bytes || key.len() != self.key_bytes {
            return Err(Unspecified);
        }
        let mut plain = Zeroizing::new(Vec::with_capacity(text.len() + tag.len())); // it never grows
        plain.extend_from_slice(text);
        let length = match self.with {
            With::Gcm(cipher) => {
                plain.extend_from_slice(tag);
                let key = RandomizedNonceKey::new(cipher, key)?;
                let nonce = Nonce::try_assume_unique_for_key(initialization)?;
                key.open_in_place(nonce, Aad::from(additional), &mut plain)?.len()
            }
            With::CbcHmac(cipher, mac) => {
                let (mac_key, key) = key.split_at(key.len() / 2);
                let vector = FixedLength::try_from(initialization)?;
                let mut signed = hmac::Context::with_key(&hmac::Key::new(mac, mac_key));
                let bits = u64::try_from(additional.len()).map_err(|_| Unspecified)? * 8;
                for part in [additional, initialization, text, &bits.to_be_bytes()] {
                    signed.update(part);
                }
                let signed = signed.sign();
                let (half, _) = signed.as_ref().split_at(self.tag_bytes);
                // Before anything is decrypted: whether the padding is right is for who has the key alone.
                verify_slices_are_equal(half, tag)?;
                let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(cipher, key)?)?;
                key.decrypt(&mut plain, DecryptionContext::Iv128(vector))?.len()
            }
        };
        plain.truncate(length);
        Ok(plain)
    }
}
