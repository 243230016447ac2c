//! The ways to run a module, named as the suite names them.

use std::fmt;

/// How the client is registered to prove itself: `client_auth_type` of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    PrivateKeyJwt,
    Mtls,
    /// Of one OpenID Connect module; the profile does not allow it.
    ClientSecretBasic,
}

impl ClientAuth {
    /// The registered `token_endpoint_auth_method`.
    pub fn method(self) -> &'static str {
        match self {
            ClientAuth::PrivateKeyJwt => "private_key_jwt",
            ClientAuth::Mtls => "tls_client_auth",
            ClientAuth::ClientSecretBasic => "client_secret_basic",
        }
    }
}

/// How tokens are delivered: `ciba_mode` of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Poll,
    Ping,
}

impl Mode {
    /// The registered `backchannel_token_delivery_mode`.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Poll => "poll",
            Mode::Ping => "ping",
        }
    }
}

/// A way to run a module. What the provider knows of the client, it has registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    pub client_auth_type: ClientAuth,
    pub ciba_mode: Mode,
    /// Whether access tokens are bound by DPoP; otherwise they are by the certificate.
    pub dpop: bool,
}

const fn variant(client_auth_type: ClientAuth, ciba_mode: Mode) -> Variant {
    Variant { client_auth_type, ciba_mode, dpop: false }
}

/// The variants of the profile. Each client signs its requests with another of the two algorithms.
pub const VARIANTS: [Variant; 4] = [
    variant(ClientAuth::PrivateKeyJwt, Mode::Poll),
    variant(ClientAuth::PrivateKeyJwt, Mode::Ping),
    variant(ClientAuth::Mtls, Mode::Poll),
    variant(ClientAuth::Mtls, Mode::Ping),
];

/// The variant of the one module that is about it.
pub const SECRET_BASIC: Variant = variant(ClientAuth::ClientSecretBasic, Mode::Poll);

/// The variants of the modules that are about DPoP. These clients have no certificate.
pub const DPOP: [Variant; 2] = [
    Variant { dpop: true, ..variant(ClientAuth::PrivateKeyJwt, Mode::Poll) },
    Variant { dpop: true, ..variant(ClientAuth::PrivateKeyJwt, Mode::Ping) },
];

impl fmt::Display for Variant {
    /// As the suite writes them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let auth = match self.client_auth_type {
            ClientAuth::PrivateKeyJwt => "private_key_jwt",
            ClientAuth::Mtls => "mtls",
            ClientAuth::ClientSecretBasic => "client_secret_basic",
        };
        let bound = if self.dpop { "[sender_constrain=dpop]" } else { "" };
        write!(f, "[client_auth_type={auth}][ciba_mode={}]{bound}", self.ciba_mode.name())
    }
}

impl Variant {
    /// The registered algorithm of signed requests, and of assertions where there are any.
    pub fn signing_algorithm(self) -> &'static str {
        match self.client_auth_type {
            ClientAuth::Mtls => "ES256",
            _ => "PS256",
        }
    }
}
