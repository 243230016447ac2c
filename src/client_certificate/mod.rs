//! The certificate that the client shows in TLS (RFC 8705), with its key: from PEM or PKCS#12.

mod password;
mod pkcs12;

use std::sync::Arc;

use ::pkcs12::cms::cert::x509::time::{Time, Validity};
use ::pkcs12::pbe_params::EncryptedPrivateKeyInfo;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use der::{AnyRef, Decode, Reader, SliceReader, Tag};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::{CertifiedKey, SigningKey};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::{Zeroize, Zeroizing};

use self::password::{Closed, Password};
use self::pkcs12::{Contents, Unread};
use crate::error::{Error, Result, Status};

/// The setting that opens what is encrypted.
pub const PASSWORD: &str = "tls_client_password";

/// A client certificate that is ready to be shown.
pub struct ClientCertificate {
    /// With its chain and its key.
    pub certified: Arc<CertifiedKey>,
    /// `x5t#S256`: by this an access token is bound to it (RFC 8705 §3.1).
    pub thumbprint: String,
    /// From when until when it is valid, in Unix seconds.
    pub valid: (i64, i64),
}

/// What stands in one text or file: certificates, a key, or both.
#[derive(Default)]
pub struct Parts {
    /// The client's own first.
    pub chain: Vec<CertificateDer<'static>>,
    pub key: Option<Arc<dyn SigningKey>>,
}

impl Parts {
    /// Reads PEM, or PKCS#12 as it is or in Base64. `name`: the setting that gave it; the error shows
    /// nothing of what stands in it.
    pub fn read(name: &str, bytes: &[u8], password: Option<&str>) -> Result<Parts> {
        let text = str::from_utf8(bytes).ok();
        if let Some(text) = text.filter(|text| text.contains("-----BEGIN")) {
            return from_pem(name, text, password);
        }
        let base64 = text.and_then(decoded);
        from_pkcs12(name, base64.as_ref().map_or(bytes, |bytes| bytes.as_slice()), password)
    }
}

impl ClientCertificate {
    /// Joins a chain and its key. The names are those of the settings that gave them.
    ///
    /// Errors: `CONFLICTING_SETTINGS` where the key is another certificate's.
    pub fn new(
        names: (&str, &str),
        chain: Vec<CertificateDer<'static>>,
        key: Arc<dyn SigningKey>,
    ) -> Result<ClientCertificate> {
        let own = chain.first().ok_or_else(|| invalid(names.0, "holds no certificate"))?;
        let unreadable = || invalid(names.0, "is not an X.509 certificate");
        let valid = Said::by(own).map_err(|_| unreadable())?.valid;
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, own));
        let certified = CertifiedKey::new(chain, key);
        certified.keys_match().map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                let (certificate, key) = names;
                let text = match certificate == key {
                    true => format!("{certificate}: the key does not belong to the first certificate"),
                    false => format!("{key}: does not belong to the first certificate of {certificate}"),
                };
                Error::new(Status::CONFLICTING_SETTINGS, text)
            }
            _ => unreadable(),
        })?;
        Ok(ClientCertificate { certified: Arc::new(certified), thumbprint, valid })
    }
}

fn invalid(name: &str, why: &str) -> Error {
    Error::new(Status::INVALID_VALUE, format!("{name}: {why}"))
}

fn locked(name: &str, password: Option<&str>, closed: Closed) -> Error {
    match (closed, password) {
        (Closed::Unknown, _) => invalid(name, "is encrypted in a way that is not known"),
        (Closed::Wrong, None) => {
            Error::new(Status::MISSING_SETTING, format!("{PASSWORD} is missing: {name} is encrypted"))
        }
        (Closed::Wrong, Some(_)) => invalid(PASSWORD, &format!("does not open {name}, or that is damaged")),
    }
}

/// Base64 with whatever white space, as it is found in files.
fn decoded(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let packed: Zeroizing<String> = Zeroizing::new(text.split_ascii_whitespace().collect());
    let mut bytes = Zeroizing::new(Vec::with_capacity(packed.len()));
    STANDARD.decode_vec(packed.as_bytes(), &mut bytes).ok()?;
    Some(bytes)
}

fn from_pem(name: &str, text: &str, password: Option<&str>) -> Result<Parts> {
    let damaged = || invalid(name, "the PEM text is damaged");
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        let why = "the key is encrypted in an old form: openssl pkcs8 -topk8 makes PKCS#8 of it";
        return Err(invalid(name, why));
    }
    let chain = CertificateDer::pem_slice_iter(text.as_bytes());
    let chain = chain.collect::<std::result::Result<Vec<_>, _>>().map_err(|_| damaged())?;
    let key = match encrypted(text) {
        Some(base64) => {
            let der = decoded(base64).ok_or_else(damaged)?;
            let key = EncryptedPrivateKeyInfo::from_der(&der).map_err(|_| damaged())?;
            let key = pkcs12::private_key(&key, &Password::new(password.unwrap_or_default()));
            Some(pkcs8(&key.map_err(|closed| locked(name, password, closed))?))
        }
        None => match PrivateKeyDer::from_pem_slice(text.as_bytes()) {
            Ok(key) => Some(key),
            Err(pem::Error::NoItemsFound) => None,
            Err(_) => return Err(damaged()),
        },
    };
    let key = key.map(|key| signing_key(name, key)).transpose()?;
    Ok(Parts { chain, key })
}

/// What stands in the PEM block of an encrypted PKCS#8 key.
fn encrypted(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("-----BEGIN ENCRYPTED PRIVATE KEY-----")?;
    Some(rest.split_once("-----END").map_or(rest, |(base64, _)| base64))
}

fn signing_key(name: &str, mut der: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>> {
    let key = any_supported_type(&der);
    der.zeroize();
    key.map_err(|_| invalid(name, "holds no sound private key: RSA, P-256, P-384, P-521 or Ed25519"))
}

fn pkcs8(der: &[u8]) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(der.to_vec()).into()
}

fn from_pkcs12(name: &str, der: &[u8], password: Option<&str>) -> Result<Parts> {
    let contents = Contents::read(der, password.unwrap_or_default()).map_err(|why| match why {
        Unread::NoPkcs12 => invalid(name, "is neither PEM nor PKCS#12, or damaged"),
        Unread::Closed(closed) => locked(name, password, closed),
    })?;
    let key = match contents.keys.as_slice() {
        [] => None,
        [key] => Some(signing_key(name, pkcs8(key))?),
        _ => return Err(invalid(name, "the PKCS#12 file holds several private keys")),
    };
    Ok(Parts { chain: chain(&contents.certificates, key.as_ref()), key })
}

/// The certificate of the key and then who issued it, step by step: a PKCS#12 file has no order.
fn chain(
    certificates: &[CertificateDer<'static>],
    key: Option<&Arc<dyn SigningKey>>,
) -> Vec<CertificateDer<'static>> {
    let is_own = |certificate: &&CertificateDer<'static>| {
        let with = |key: &Arc<dyn SigningKey>| CertifiedKey::new(vec![(*certificate).clone()], key.clone());
        key.is_some_and(|key| with(key).keys_match().is_ok())
    };
    let mut next = certificates.iter().find(is_own).or(certificates.first());
    let mut chain = Vec::new();
    while let Some(certificate) = next.filter(|_| chain.len() < certificates.len()) {
        chain.push(certificate.clone());
        let issuer = Said::by(certificate).ok().map(|said| said.issuer);
        let is_issuer = |other: &&CertificateDer<'static>| {
            *other != certificate && Said::by(other).ok().map(|said| said.subject) == issuer
        };
        next = certificates.iter().find(is_issuer);
    }
    chain
}

/// What a certificate says of itself (RFC 5280 §4.1), as far as it matters here.
struct Said<'a> {
    issuer: AnyRef<'a>,
    subject: AnyRef<'a>,
    /// In Unix seconds.
    valid: (i64, i64),
}

impl<'a> Said<'a> {
    fn by(certificate: &'a [u8]) -> der::Result<Said<'a>> {
        let mut reader = SliceReader::new(certificate)?;
        reader.sequence(|certificate| {
            let said = certificate.sequence(|to_be_signed| {
                if Tag::peek(to_be_signed)? != Tag::Integer {
                    AnyRef::decode(to_be_signed)?; // the version
                }
                AnyRef::decode(to_be_signed)?; // the serial number
                AnyRef::decode(to_be_signed)?; // the algorithm of the signature
                let issuer = AnyRef::decode(to_be_signed)?;
                let validity = <Validity>::decode(to_be_signed)?;
                let subject = AnyRef::decode(to_be_signed)?;
                while !to_be_signed.is_finished() {
                    AnyRef::decode(to_be_signed)?;
                }
                let unix = |time: Time| i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
                Ok(Said { issuer, subject, valid: (unix(validity.not_before), unix(validity.not_after)) })
            });
            while !certificate.is_finished() {
                AnyRef::decode(certificate)?;
            }
            said
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_begins_with_the_keys_own_certificate_whatever_the_order_in_a_pkcs12_file() {
        let pem = include_bytes!("../../tests/fixtures/certificates/chain.pem");
        let expected = Parts::read("pem", pem, None).unwrap().chain;
        assert_eq!(expected.len(), 3);
        let pkcs12 = include_bytes!("../../tests/fixtures/certificates/chain.p12");
        let found = Parts::read("pkcs12", pkcs12, Some("correct horse 1")).unwrap();
        assert_eq!(found.chain, expected);

        let [a, b, c] = [0, 1, 2].map(|at| expected[at].clone());
        for order in [[&a, &b, &c], [&c, &b, &a], [&b, &a, &c], [&c, &a, &b]] {
            let certificates: Vec<CertificateDer> = order.into_iter().cloned().collect();
            assert_eq!(chain(&certificates, found.key.as_ref()), expected);
        }
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_8705() {
        // The SHA-256 of the certificate's DER in Base64url, as openssl computes it.
        let pem = include_bytes!("../../tests/fixtures/certificates/p256.pem");
        let key = include_bytes!("../../tests/fixtures/keys/p256_pkcs8.pem");
        let chain = Parts::read("c", pem, None).unwrap().chain;
        let key = Parts::read("k", key, None).unwrap().key.unwrap();
        let made = ClientCertificate::new(("c", "k"), chain, key).unwrap();
        assert_eq!(made.thumbprint, "awLtPUHYdCyFz9T5FjgRGvqh9AgXfWg78FBTpCdyqVc");
        assert_eq!(made.valid, (1_795_612_798, 4_949_212_798));
    }
}
