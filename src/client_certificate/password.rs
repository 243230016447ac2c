//! What is encrypted with a password: PBES2 (RFC 8018 §6.2), and the ways of old PKCS#12 files (RFC 7292
//! appendices B and C).

use std::cell::Cell;
use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::{digest, hmac, iv, pbkdf2};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, InnerIvInit, KeyInit};
use der::asn1::ObjectIdentifier;
use pkcs5::pbes2::{self, EncryptionScheme, Kdf, Pbkdf2Prf};
use pkcs12::MacData;
use pkcs12::cms::cert::x509::spki::AlgorithmIdentifierOwned;
use pkcs12::pbe_params::Pkcs12PbeParams;
use zeroize::Zeroizing;

/// More rounds than any program uses for all of a file; they take some seconds. The fuzzer has no such time.
const MOST_ROUNDS: u32 = if cfg!(fuzzing) { 20_000 } else { 10_000_000 };

const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// Why something cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Encrypted in a way that is not known here.
    Unknown,
    /// The password is another one, or what is encrypted is damaged.
    Wrong,
}

type Result<T> = std::result::Result<T, Closed>;

/// What opens one file, however many things in it are encrypted.
pub struct Password<'a> {
    text: &'a str,
    rounds_left: Cell<u32>,
}

impl<'a> Password<'a> {
    pub fn new(text: &'a str) -> Password<'a> {
        Password { text, rounds_left: Cell::new(MOST_ROUNDS) }
    }

    /// The number of rounds that something in the file asks for, if there may be so many more.
    fn rounds(&self, number: impl TryInto<u32>) -> Result<NonZeroU32> {
        let number = number.try_into().ok().and_then(NonZeroU32::new).ok_or(Closed::Unknown)?;
        let left = self.rounds_left.get().checked_sub(number.get()).ok_or(Closed::Unknown)?;
        self.rounds_left.set(left);
        Ok(number)
    }
}

/// Decrypts something by the algorithm that stands beside it.
pub fn decrypt(
    algorithm: &AlgorithmIdentifierOwned,
    data: &[u8],
    password: &Password<'_>,
) -> Result<Zeroizing<Vec<u8>>> {
    let parameters = algorithm.parameters.as_ref().ok_or(Closed::Unknown)?;
    if algorithm.oid == PBES2 {
        let parameters: pbes2::Parameters = parameters.decode_as().map_err(|_| Closed::Unknown)?;
        return aes(&parameters, data, password);
    }
    let parameters: Pkcs12PbeParams = parameters.decode_as().map_err(|_| Closed::Unknown)?;
    let (salt, rounds) = (parameters.salt.as_bytes(), password.rounds(parameters.iterations)?);
    let derive = |purpose, length| derived(&SHA1_DIGEST, purpose, password.text, salt, rounds, length);
    let (key, iv) = (|length| derive(Purpose::Key, length), derive(Purpose::Iv, 8));
    match algorithm.oid {
        pkcs12::PKCS_12_PBE_WITH_SHAAND3_KEY_TRIPLE_DES_CBC => {
            cbc(des::TdesEde3::new_from_slice(&key(24)).ok(), &iv, data)
        }
        pkcs12::PKCS_12_PBE_WITH_SHAAND128_BIT_RC2_CBC => {
            cbc(Some(rc2::Rc2::new_with_eff_key_len(&key(16), 128)), &iv, data)
        }
        pkcs12::PKCS_12_PBEWITH_SHAAND40_BIT_RC2_CBC => {
            cbc(Some(rc2::Rc2::new_with_eff_key_len(&key(5), 40)), &iv, data)
        }
        _ => Err(Closed::Unknown),
    }
}

fn aes(parameters: &pbes2::Parameters, data: &[u8], password: &Password<'_>) -> Result<Zeroizing<Vec<u8>>> {
    let (cipher, iv) = match &parameters.encryption {
        EncryptionScheme::Aes128Cbc { iv } => (&AES_128, iv),
        EncryptionScheme::Aes192Cbc { iv } => (&AES_192, iv),
        EncryptionScheme::Aes256Cbc { iv } => (&AES_256, iv),
        _ => return Err(Closed::Unknown),
    };
    let Kdf::Pbkdf2(kdf) = &parameters.kdf else { return Err(Closed::Unknown) };
    let hash = match kdf.prf {
        Pbkdf2Prf::HmacWithSha1 => pbkdf2::PBKDF2_HMAC_SHA1,
        Pbkdf2Prf::HmacWithSha256 => pbkdf2::PBKDF2_HMAC_SHA256,
        Pbkdf2Prf::HmacWithSha384 => pbkdf2::PBKDF2_HMAC_SHA384,
        Pbkdf2Prf::HmacWithSha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        _ => return Err(Closed::Unknown),
    };
    let mut key = Zeroizing::new(vec![0; parameters.encryption.key_size()]);
    let salt: &[u8] = kdf.salt.as_ref();
    let rounds = password.rounds(kdf.iteration_count)?;
    pbkdf2::derive(hash, rounds, salt, password.text.as_bytes(), &mut key);
    let key = UnboundCipherKey::new(cipher, &key).and_then(PaddedBlockDecryptingKey::cbc_pkcs7);
    let mut plain = Zeroizing::new(data.to_vec());
    let context = DecryptionContext::Iv128(iv::FixedLength::from(iv));
    let length = key.and_then(|key| Ok(key.decrypt(&mut plain, context)?.len()));
    plain.truncate(length.map_err(|_| Closed::Wrong)?);
    Ok(plain)
}

fn cbc<C: BlockCipherDecrypt>(cipher: Option<C>, iv: &[u8], data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let cipher = cipher.and_then(|cipher| cbc::Decryptor::inner_iv_slice_init(cipher, iv).ok());
    let plain = cipher.ok_or(Closed::Unknown)?.decrypt_padded_vec::<Pkcs7>(data);
    plain.map(Zeroizing::new).map_err(|_| Closed::Wrong)
}

/// Whether nothing of a PKCS#12 file was changed since somebody with the password made it.
pub fn check_mac(mac: &MacData, data: &[u8], password: &Password<'_>) -> Result<()> {
    let (hash, hmac) = match mac.mac.algorithm.oid {
        SHA1 => (&SHA1_DIGEST, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        SHA256 => (&Hash { digest: &digest::SHA256, block: 64 }, hmac::HMAC_SHA256),
        SHA384 => (&Hash { digest: &digest::SHA384, block: 128 }, hmac::HMAC_SHA384),
        SHA512 => (&Hash { digest: &digest::SHA512, block: 128 }, hmac::HMAC_SHA512),
        _ => return Err(Closed::Unknown),
    };
    let (salt, rounds) = (mac.mac_salt.as_bytes(), password.rounds(mac.iterations)?);
    let key = derived(hash, Purpose::Mac, password.text, salt, rounds, hash.digest.output_len());
    let key = hmac::Key::new(hmac, &key);
    hmac::verify(&key, data, mac.mac.digest.as_bytes()).map_err(|_| Closed::Wrong)
}

/// A hash, with the length of its blocks.
struct Hash {
    digest: &'static digest::Algorithm,
    block: usize,
}

const SHA1_DIGEST: Hash = Hash { digest: &digest::SHA1_FOR_LEGACY_USE_ONLY, block: 64 };

/// What bytes are derived for (RFC 7292 §B.3).
#[derive(Clone, Copy)]
enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// Bytes from a password, as RFC 7292 §B.2 makes them.
fn derived(
    hash: &Hash,
    purpose: Purpose,
    password: &str,
    salt: &[u8],
    rounds: NonZeroU32,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    // As large as they become, so that no copy is left behind by growing.
    let mut utf16 = Zeroizing::new(Vec::with_capacity(2 * password.len() + 2));
    password.encode_utf16().chain([0]).for_each(|unit| utf16.extend(unit.to_be_bytes()));
    let whole_blocks = |bytes: &[u8]| bytes.len().next_multiple_of(hash.block);
    let (salt_length, password_length) = (whole_blocks(salt), whole_blocks(&utf16));
    let mut input = Zeroizing::new(Vec::with_capacity(salt_length + password_length));
    input.extend(salt.iter().cycle().take(salt_length));
    input.extend(utf16.iter().cycle().take(password_length));

    let mut found = Zeroizing::new(Vec::with_capacity(length + hash.digest.output_len()));
    while found.len() < length {
        let mut context = digest::Context::new(hash.digest);
        context.update(&vec![purpose as u8; hash.block]);
        context.update(&input);
        let mut a = context.finish();
        for _ in 1..rounds.get() {
            a = digest::digest(hash.digest, a.as_ref());
        }
        found.extend_from_slice(a.as_ref());
        // Each block of the input, a large number, grows by the hash and one.
        for block in input.chunks_exact_mut(hash.block) {
            let b: Vec<u8> = a.as_ref().iter().copied().cycle().take(hash.block).collect();
            let mut carry = 1;
            for (byte, b) in block.iter_mut().zip(b).rev() {
                carry += u16::from(*byte) + u16::from(b);
                [_, *byte] = carry.to_be_bytes();
                carry >>= 8;
            }
        }
    }
    found.truncate(length);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derived_hex(purpose: Purpose, password: &str, salt: &[u8], rounds: u32, length: usize) -> String {
        let rounds = NonZeroU32::new(rounds).unwrap();
        let bytes = derived(&SHA1_DIGEST, purpose, password, salt, rounds, length);
        bytes.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    #[test]
    fn keys_are_derived_as_other_programs_derive_them() {
        // Vectors that many libraries have in their tests; the last but one takes two hashes.
        let salt = [0x0A, 0x58, 0xCF, 0x64, 0x53, 0x0D, 0x82, 0x3F];
        assert_eq!(
            derived_hex(Purpose::Key, "smeg", &salt, 1, 24),
            "8AAAE6297B6CB04642AB5B077851284EB7128F1A2A7FBCA3"
        );
        assert_eq!(derived_hex(Purpose::Iv, "smeg", &salt, 1, 8), "79993DFE048D3B76");
        assert_eq!(
            derived_hex(Purpose::Key, "sesame", &[0xFF; 8], 2048, 24),
            "7CD9FD3E2B3BE7691A44E3BEF0F9EA0FB9B897D4E325D9D1"
        );
    }

    #[test]
    fn no_file_keeps_the_machine_busy_for_minutes() {
        let password = Password::new("");
        assert_eq!(password.rounds(0), Err(Closed::Unknown));
        assert_eq!(password.rounds(-1), Err(Closed::Unknown));
        assert_eq!(password.rounds(MOST_ROUNDS + 1), Err(Closed::Unknown));
        // Nor do many things in it that are each small enough.
        assert!(password.rounds(MOST_ROUNDS - 1).is_ok() && password.rounds(1).is_ok());
        assert_eq!(password.rounds(1), Err(Closed::Unknown));
    }
}
