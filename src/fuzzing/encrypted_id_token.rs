//! Encrypted ID Tokens: bytes in place of one, for clients that are registered in several ways.

use std::sync::LazyLock;

use secrecy::ExposeSecret;
use serde_json::Value;

use super::assert_discreet;
use crate::{Client, Config};

const TOKENS: &str = include_str!("../../tests/fixtures/tokens/encrypted.json");
const KEYS: &str = include_str!("../../tests/fixtures/keys/keys.jwk.json");

/// What stands in the fixtures' tokens, each encrypted in another way.
static SIGNED: LazyLock<String> = LazyLock::new(|| {
    let tokens: Value = serde_json::from_str(TOKENS).unwrap();
    tokens["signed"].as_str().unwrap().to_owned()
});

static CLIENTS: LazyLock<Vec<Client>> = LazyLock::new(|| {
    let keys: Value = serde_json::from_str(KEYS).unwrap();
    let client = |key: &str, alg: &str, enc: &str| {
        let mut config = Config::new();
        for (name, value) in [
            ("issuer", "https://id.example/op"),
            ("client_id", "desk-7"),
            ("client_secret", "secret"),
            ("client_decryption_key", &keys[key].to_string()),
            ("id_token_encrypted_response_alg", alg),
            ("id_token_encrypted_response_enc", enc),
        ] {
            config.set(name, value).unwrap();
        }
        Client::new(&config).unwrap()
    };
    vec![
        client("rsa", "RSA-OAEP-256", "A256GCM"),
        client("p256", "ECDH-ES", "A256GCM"),
        client("p256", "ECDH-ES+A128KW", "A128GCM"),
        client("p521", "ECDH-ES+A256KW", "A128GCM"),
        client("rsa", "RSA-OAEP", "A128CBC-HS256"),
        client("p256", "ECDH-ES", "A256CBC-HS512"),
    ]
});

/// Nothing is opened but what was encrypted, and that only in the registered way.
pub fn encrypted_id_token(data: &[u8]) -> bool {
    let Ok(token) = std::str::from_utf8(data) else { return false };
    let opened = |client: &Client| match client.0.decryption.as_ref().unwrap().open(token) {
        Ok(inner) => {
            assert_eq!(inner.expose_secret(), SIGNED.as_str(), "a forged token");
            true
        }
        Err(error) => assert_discreet(&error),
    };
    let opened = CLIENTS.iter().filter(|client| opened(client)).count();
    assert!(opened <= 1, "opened in two ways");
    opened == 1
}
