//! A registered client.

use serde::Deserialize;
use serde_json::Value;

/// A registered client, in the names of OpenID client metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Its `client_id`.
    #[serde(rename = "client_id")]
    pub id: String,
    /// Its `client_secret`; empty if it has none.
    #[serde(rename = "client_secret", default)]
    pub secret: String,
    /// The one way in which it proves itself; without it `client_secret_basic` or `client_secret_post`.
    #[serde(default)]
    pub token_endpoint_auth_method: Option<String>,
    /// The one algorithm of its assertions; without it any that fits the method.
    #[serde(default)]
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// The algorithm of its signed requests; without it a signed request is refused, with it any other.
    #[serde(default)]
    pub backchannel_authentication_request_signing_alg: Option<String>,
    /// Its public keys, a key set.
    #[serde(default)]
    pub jwks: Value,
}

impl Client {
    /// A client with that identifier and secret.
    pub fn new(id: &str, secret: &str) -> Self {
        Client { id: id.to_owned(), secret: secret.to_owned(), ..Client::default() }
    }
}
