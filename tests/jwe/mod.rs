//! Encrypts ID Tokens as a provider does (RFC 7516, RFC 7518 §4 and §5): with public keys, and with
//! whatever is to be wrong in the header.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, RandomizedNonceKey};
use aws_lc_rs::agreement::{self, ECDH_P256, UnparsedPublicKey, agree};
use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrap};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Private keys of clients; only their public halves encrypt.
pub const RSA: &str = include_str!("../fixtures/keys/rsa_pkcs8.pem");
pub const P256: &str = include_str!("../fixtures/keys/p256_pkcs8.pem");

/// Encrypts to the key that the algorithm needs: [`RSA`] or [`P256`]. `change`: what is to be different in
/// the header, which is authenticated as it then is.
pub fn encrypt(alg: &str, enc: &str, text: &str, change: impl FnOnce(&mut Value)) -> String {
    let (cipher, length) = match enc {
        "A128GCM" => (&AES_128_GCM, 16),
        "A256GCM" => (&AES_256_GCM, 32),
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
    let mut sealed = text.as_bytes().to_vec();
    let key = RandomizedNonceKey::new(cipher, &key).unwrap();
    let nonce = key.seal_in_place_append_tag(Aad::from(protected.as_bytes()), &mut sealed).unwrap();
    let (text, tag) = sealed.split_at(sealed.len() - 16);
    let parts = [encrypted_key.as_slice(), nonce.as_ref(), text, tag];
    parts.iter().fold(protected, |token, part| format!("{token}.{}", URL_SAFE_NO_PAD.encode(part)))
}

/// One round of the Concat KDF, without parties.
fn derive(secret: &[u8], purpose: &str, length: usize) -> Vec<u8> {
    let name = u32::try_from(purpose.len()).unwrap().to_be_bytes();
    let bits = u32::try_from(length * 8).unwrap().to_be_bytes();
    let text = [&[0, 0, 0, 1], secret, &name, purpose.as_bytes(), &[0; 8], &bits].concat();
    digest::digest(&digest::SHA256, &text).as_ref()[..length].to_vec()
}

fn wrap(with: AesKek, key: &[u8]) -> Vec<u8> {
    let mut wrapped = vec![0; key.len() + 8];
    with.wrap(key, &mut wrapped).unwrap().to_vec()
}

fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(body).unwrap()
}
