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
    /// With `tls_client_auth`: the DNS name in its certificate.
    #[serde(default)]
    pub tls_client_auth_san_dns: Option<String>,
    /// Whether its access tokens are bound to the certificate that it shows.
    #[serde(default)]
    pub tls_client_certificate_bound_access_tokens: bool,
    /// Whether its access tokens are bound to the key that its DPoP proofs are signed with.
    #[serde(default)]
    pub dpop_bound_access_tokens: bool,
    /// How it is given tokens: `poll`, which is the default, `ping` or `push`.
    #[serde(default)]
    pub backchannel_token_delivery_mode: Option<String>,
    /// Where it is told of outcomes, or given tokens: http.
    #[serde(default)]
    pub backchannel_client_notification_endpoint: Option<String>,
    /// Its public keys, a key set; with `self_signed_tls_client_auth` with its certificates as `x5c`.
    #[serde(default)]
    pub jwks: Value,
}

impl Client {
    /// A client with that identifier and secret.
    pub fn new(id: &str, secret: &str) -> Self {
        Client { id: id.to_owned(), secret: secret.to_owned(), ..Client::default() }
    }
}
