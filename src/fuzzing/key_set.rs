//! Key sets.

use std::sync::LazyLock;

use serde_json::Value;

use super::assert_discreet;
use crate::error::Status;
use crate::tokens::{Algorithm, KeySet};

/// The DER of a SHA-256 digest's description, as PKCS#1 v1.5 has it (RFC 8017 §9.2).
const SHA256_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// Not a signature but what one of RS256 is made of: a key with the exponent 1 would find it right.
static PADDED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, MESSAGE);
    let padding = vec![0xff; 256 - 3 - SHA256_INFO.len() - 32];
    [&[0, 1], padding.as_slice(), &[0], &SHA256_INFO, digest.as_ref()].concat()
});
const MESSAGE: &[u8] = b"eyJhbGciOiJSUzI1NiJ9.e30";

/// What stands in private members of keys in the corpus.
const SECRET: &str = "hunter2";

/// Whether a key's name holds it: names may be shown. So it is taken to be where the set is no plain JSON.
fn names_hold(set: &[u8], text: &str) -> bool {
    let Ok(set) = serde_json::from_slice::<Value>(set) else { return true };
    let keys = set["keys"].as_array().into_iter().flatten();
    keys.filter_map(|key| key["kid"].as_str()).any(|kid| kid.contains(text))
}

/// No key of any set finds right what nobody has signed. Accepted is a set with a key that could.
pub fn key_set(data: &[u8]) -> bool {
    let keys = match KeySet::parse(data) {
        Ok(keys) => keys,
        Err(error) => return assert_discreet(&error),
    };
    let mut could_check = false;
    for name in ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"] {
        let Some(algorithm) = Algorithm::from_name(name) else { continue };
        for kid in [None, Some("1")] {
            for signature in [PADDED.as_slice(), &[0; 64], &[1; 96], &[0; 132], &[0; 256], &[]] {
                let error = keys.check(algorithm, kid, MESSAGE, signature).expect_err("a forged signature");
                assert_discreet(&error);
                could_check |= error.status() == Status::TOKEN_SIGNATURE;
            }
        }
    }
    assert!(
        names_hold(data, SECRET) || !format!("{keys:?}").contains(SECRET),
        "only names and kinds are shown"
    );
    could_check
}
