//! Client certificates: PEM, or PKCS#12 as it is or in Base64, with their keys.

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::sign::SigningKey;

use super::{assert_discreet, assert_shows_none};
use crate::client_certificate::{ClientCertificate, Parts};
use crate::error::{Error, Status};

const PASSWORD: &str = "correct horse 1";

/// What a certificate comes with that stands there without its key.
static KEY: LazyLock<Arc<dyn SigningKey>> = LazyLock::new(|| {
    let pem = include_bytes!("../../tests/fixtures/keys/p256_pkcs8.pem");
    Parts::read("key", pem, None).unwrap().key.unwrap()
});

/// A file that is read at all is read in the same way in every form. Accepted is one with a certificate that
/// the client could show.
pub fn client_certificate(data: &[u8]) -> bool {
    let read = |bytes: &[u8]| {
        Parts::read("file", bytes, None).or_else(|error| match error.status() {
            Status::MISSING_SETTING => Parts::read("file", bytes, Some(PASSWORD)), // it is encrypted
            _ => Err(error),
        })
    };
    let refused = |error: &Error| {
        assert!(error.message().len() < 200, "only what is wrong is told");
        assert_shows_none(error.message(), &[PASSWORD]);
        assert_discreet(error)
    };
    let parts = match read(data) {
        Ok(parts) => parts,
        Err(error) => return refused(&error),
    };
    let pem = parts.chain.iter().map(|certificate| {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(certificate))
    });
    let pem = Parts::read("file", pem.collect::<String>().as_bytes(), None);
    assert!(parts.chain.is_empty() || pem.unwrap().chain == parts.chain, "the same in PEM");
    if std::str::from_utf8(data).is_err() {
        let base64 = read(STANDARD.encode(data).as_bytes());
        assert!(base64.is_ok_and(|same| same.chain == parts.chain), "the same in Base64");
    }
    let key = parts.key.unwrap_or_else(|| KEY.clone());
    match ClientCertificate::new(("certificate", "key"), parts.chain.clone(), key) {
        Ok(made) => {
            assert_eq!(made.certified.cert, parts.chain);
            assert!(made.certified.keys_match().is_ok(), "another's key");
            assert_eq!(made.thumbprint.len(), 43);
            true
        }
        Err(error) => refused(&error),
    }
}
