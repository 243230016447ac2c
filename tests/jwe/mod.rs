//! Encrypts ID Tokens as a provider does (RFC 7516, RFC 7518 §4 and §5): with public keys, and with
//! whatever is to be wrong in the header.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, RandomizedNonceKey};
use aws_lc_rs::agreement::{self, ECDH_P256, UnparsedPublicKey, agree};
use aws_lc_rs::cipher::{self, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrap};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::{digest, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Private keys of clients; only their public halves encrypt.
pub const RSA: &str = include_str!("../fixtures/keys/rsa_pkcs8.pem");
pub const P256: &str = include_str!("../fixtures/keys/p256_pkcs8.pem");

/// Encrypts to the key that the algorithm needs: [`RSA`] or [`P256`]. `change`: what is to be different in
/// the header, which is authenticated as it then is.
pub fn encrypt(alg: &str, enc: &str, text: &str, change: impl FnOnce(&mut Value)) -> String {
    let padding = if enc.contains("CBC") { 16 - text.len() % 16 } else { 0 };
    let padded = [text.as_bytes(), &[padding as u8; 16][..padding]].concat();
    encrypt_padded(alg, enc, padded, change)
}

/// The same with what is padded already, in whatever way.
pub fn encrypt_padded(alg: &str, enc: &str, padded: Vec<u8>, change: impl FnOnce(&mut Value)) -> String {
    let length = match enc {
        "A128GCM" => 16,
        "A256GCM" | "A128CBC-HS256" => 32,
        "A256CBC-HS512" => 64,
        _ => unreachable!("{enc}"),
    };
    let mut header = json!({"alg": alg, "enc": enc, "cty": "JWT", "kid": "client-enc"});
    let mut key = vec![0; length];
    rand::fill(&mut key).unwrap();
    let encrypted_key = match alg {
        "RSA-OAEP" | "RSA-OAEP-256" => {
            let padding = if alg == "RSA-OAEP" { &OAEP_SHA1_MGF1SHA1 } else { &OAEP_SHA256_MGF1SHA256 };
            let public = PrivateDecryptingKey::from_pkcs8(&der(RSA)).unwrap().public_key();
            let public = OaepPublicEncryptingKey::new(public).unwrap();
            let mut encrypted = vec![0; public.ciphertext_size()];
            public.encrypt(padding, &key, &mut encrypted, None).unwrap().to_vec()
        }
        _ => {
            let theirs = agreement::PrivateKey::from_private_key_der(&ECDH_P256, &der(P256)).unwrap();
            let theirs = theirs.compute_public_key().unwrap();
            let ours = agreement::PrivateKey::generate(&ECDH_P256).unwrap();
            let point = ours.compute_public_key().unwrap();
            header["epk"] = json!({
                "kty": "EC", "crv": "P-256",
                "x": URL_SAFE_NO_PAD.encode(&point.as_ref()[1..33]),
                "y": URL_SAFE_NO_PAD.encode(&point.as_ref()[33..]),
            });
            let secret = agree(&ours, UnparsedPublicKey::new(&ECDH_P256, theirs.as_ref()), (), |secret| {
                Ok(secret.to_vec())
            })
            .unwrap();
            match alg {
                "ECDH-ES" => {
                    key = derive(&secret, enc, length);
                    Vec::new()
                }
                "ECDH-ES+A128KW" => wrap(AesKek::new(&AES_128, &derive(&secret, alg, 16)).unwrap(), &key),
                "ECDH-ES+A256KW" => wrap(AesKek::new(&AES_256, &derive(&secret, alg, 32)).unwrap(), &key),
                _ => unreachable!("{alg}"),
            }
        }
    };
    change(&mut header);
    let protected = URL_SAFE_NO_PAD.encode(header.to_string());
    let [initialization, text, tag] = match enc {
        "A128GCM" | "A256GCM" => seal_gcm(&key, protected.as_bytes(), padded),
        _ => seal_cbc(&key, protected.as_bytes(), padded),
    };
    let parts = [encrypted_key, initialization, text, tag];
    parts.iter().fold(protected, |token, part| format!("{token}.{}", URL_SAFE_NO_PAD.encode(part)))
}

/// Initialization vector, ciphertext and tag.
fn seal_gcm(key: &[u8], additional: &[u8], mut text: Vec<u8>) -> [Vec<u8>; 3] {
    let cipher = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
    let key = RandomizedNonceKey::new(cipher, key).unwrap();
    let nonce = key.seal_in_place_append_tag(Aad::from(additional), &mut text).unwrap();
    let tag = text.split_off(text.len() - 16);
    [nonce.as_ref().to_vec(), text, tag]
}

/// The same with AES in CBC mode and HMAC (RFC 7518 §5.2.2.1).
fn seal_cbc(key: &[u8], additional: &[u8], mut padded: Vec<u8>) -> [Vec<u8>; 3] {
    let (mac_key, key) = key.split_at(key.len() / 2);
    let cipher = if key.len() == 16 { &cipher::AES_128 } else { &cipher::AES_256 };
    let mut vector = [0; 16];
    rand::fill(&mut vector).unwrap();
    let key = EncryptingKey::cbc(UnboundCipherKey::new(cipher, key).unwrap()).unwrap();
    key.less_safe_encrypt(&mut padded, EncryptionContext::Iv128(FixedLength::from(vector))).unwrap();
    let mut tag = cbc_mac(mac_key, additional, &vector, &padded);
    tag.truncate(mac_key.len());
    [vector.to_vec(), padded, tag]
}

/// The MAC over what was encrypted in CBC mode; its first half is the tag.
pub fn cbc_mac(mac_key: &[u8], additional: &[u8], initialization: &[u8], text: &[u8]) -> Vec<u8> {
    let hash = if mac_key.len() == 16 { hmac::HMAC_SHA256 } else { hmac::HMAC_SHA512 };
    let bits = (additional.len() as u64 * 8).to_be_bytes();
    let signed = [additional, initialization, text, &bits].concat();
    hmac::sign(&hmac::Key::new(hash, mac_key), &signed).as_ref().to_vec()
}

/// The Concat KDF, without parties.
fn derive(secret: &[u8], purpose: &str, length: usize) -> Vec<u8> {
    let name = u32::try_from(purpose.len()).unwrap().to_be_bytes();
    let bits = u32::try_from(length * 8).unwrap().to_be_bytes();
    let round = |counter: u32| {
        let text = [&counter.to_be_bytes(), secret, &name, purpose.as_bytes(), &[0; 8], &bits].concat();
        digest::digest(&digest::SHA256, &text).as_ref().to_vec()
    };
    [round(1), round(2)].concat()[..length].to_vec()
}

fn wrap(with: AesKek, key: &[u8]) -> Vec<u8> {
    let mut wrapped = vec![0; key.len() + 8];
    with.wrap(key, &mut wrapped).unwrap().to_vec()
}

fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(body).unwrap()
}
