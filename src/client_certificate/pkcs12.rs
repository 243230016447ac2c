//! PKCS#12 files (RFC 7292): the certificates and the private keys in them.

use ::pkcs12::cms::content_info::ContentInfo;
use ::pkcs12::cms::encrypted_data::EncryptedData;
use ::pkcs12::pbe_params::EncryptedPrivateKeyInfo;
use ::pkcs12::pfx::Pfx;
use ::pkcs12::safe_bag::{SafeBag, SafeContents};
use ::pkcs12::{
    AuthenticatedSafe, CertBag, PKCS_12_CERT_BAG_OID, PKCS_12_KEY_BAG_OID, PKCS_12_PKCS8_KEY_BAG_OID,
    PKCS_12_X509_CERT_OID,
};
use der::asn1::{Any, ContextSpecific, ObjectIdentifier, OctetString};
use der::{Decode, Encode};
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::password::{Closed, Password, check_mac, decrypt};

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");

/// Why a file cannot be read.
pub enum Unread {
    NoPkcs12,
    Closed(Closed),
}

impl From<der::Error> for Unread {
    fn from(_: der::Error) -> Unread {
        Unread::NoPkcs12
    }
}

impl From<Closed> for Unread {
    fn from(closed: Closed) -> Unread {
        Unread::Closed(closed)
    }
}

/// What stands in a file, in its order.
#[derive(Default)]
pub struct Contents {
    pub certificates: Vec<CertificateDer<'static>>,
    /// Each in PKCS#8.
    pub keys: Vec<Zeroizing<Vec<u8>>>,
}

impl Contents {
    pub fn read(file: &[u8], password: &str) -> Result<Contents, Unread> {
        let password = &Password::new(password);
        let pfx = Pfx::from_der(file)?;
        let safes = data(&pfx.auth_safe)?;
        if let Some(mac) = &pfx.mac_data {
            check_mac(mac, &safes, password)?;
        }
        let mut contents = Contents::default();
        for safe in AuthenticatedSafe::from_der(&safes)? {
            let bags = match safe.content_type {
                ENCRYPTED_DATA => {
                    let info = safe.content.decode_as::<EncryptedData>()?.enc_content_info;
                    let encrypted = info.encrypted_content.ok_or(Unread::NoPkcs12)?;
                    decrypt(&info.content_enc_alg, encrypted.as_bytes(), password)?
                }
                _ => data(&safe)?,
            };
            for bag in SafeContents::from_der(&bags)? {
                contents.add(&bag, password)?;
            }
        }
        Ok(contents)
    }

    fn add(&mut self, bag: &SafeBag, password: &Password<'_>) -> Result<(), Unread> {
        let value = &bag.bag_value;
        match bag.bag_id {
            PKCS_12_CERT_BAG_OID => {
                let bag = ContextSpecific::<CertBag>::from_der(value)?.value;
                if bag.cert_id == PKCS_12_X509_CERT_OID {
                    self.certificates.push(bag.cert_value.into_bytes().into_vec().into());
                }
            }
            PKCS_12_KEY_BAG_OID => {
                let key = ContextSpecific::<Any>::from_der(value)?.value;
                self.keys.push(Zeroizing::new(key.to_der()?));
            }
            PKCS_12_PKCS8_KEY_BAG_OID => {
                let key = ContextSpecific::<EncryptedPrivateKeyInfo>::from_der(value)?.value;
                self.keys.push(private_key(&key, password)?);
            }
            _ => {} // revocation lists, secrets of other kinds
        }
        Ok(())
    }
}

fn data(info: &ContentInfo) -> Result<Zeroizing<Vec<u8>>, Unread> {
    match info.content_type {
        DATA => Ok(Zeroizing::new(info.content.decode_as::<OctetString>()?.into_bytes().into_vec())),
        _ => Err(Closed::Unknown.into()), // signed, or encrypted to a key
    }
}

/// A private key in PKCS#8 that is encrypted with a password.
pub fn private_key(
    key: &EncryptedPrivateKeyInfo,
    password: &Password<'_>,
) -> Result<Zeroizing<Vec<u8>>, Closed> {
    let plain = decrypt(&key.encryption_algorithm, key.encrypted_data.as_bytes(), password)?;
    // A wrong password may leave a padding that looks right.
    Any::from_der(&plain).map_err(|_| Closed::Wrong)?;
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = include_bytes!("../../tests/fixtures/certificates/p256.p12");
    const LEGACY: &[u8] = include_bytes!("../../tests/fixtures/certificates/rsa_legacy.p12");
    const PASSWORD: &str = "correct horse 1";

    #[test]
    fn whatever_byte_of_a_file_is_changed_it_is_an_error_or_the_same() {
        for file in [FILE, LEGACY] {
            let good = Contents::read(file, PASSWORD).ok().unwrap();
            assert_eq!((good.certificates.len(), good.keys.len()), (1, 1));
            for at in (0..file.len()).step_by(if file.len() > 2000 { 29 } else { 7 }) {
                for change in [0x01, 0x80] {
                    let mut changed = file.to_vec();
                    changed[at] ^= change;
                    if let Ok(found) = Contents::read(&changed, PASSWORD) {
                        assert_eq!(found.keys, good.keys, "{at}");
                        assert_eq!(found.certificates, good.certificates, "{at}");
                    }
                }
            }
            for length in (0..file.len()).step_by(31) {
                assert!(Contents::read(&file[..length], PASSWORD).is_err(), "{length}");
            }
        }
    }
}
