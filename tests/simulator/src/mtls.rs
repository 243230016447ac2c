//! Mutual TLS (RFC 8705): a listener of its own that asks for client certificates, what it makes of them,
//! and an authority that makes such certificates for tests.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::http::request::Parts;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd,
};
use serde_json::Value;
use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use tokio_rustls::rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};

use crate::client::Client;
use crate::keys::{b64url, sha256};
use crate::tls::authority;

/// How the listener asks for client certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificates {
    /// Any certificate is taken, also none: whose it is, is decided at the endpoints.
    Requested,
    /// The handshake fails without a valid one of the simulator's client authority.
    Required,
}

/// What kind of key a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum KeyKind {
    P256,
    P384,
    P521,
    Ed25519,
    Rsa,
}

impl KeyKind {
    fn generate(self) -> KeyPair {
        match self {
            KeyKind::P256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
            KeyKind::P384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
            KeyKind::P521 => KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512),
            KeyKind::Ed25519 => KeyPair::generate_for(&PKCS_ED25519),
            KeyKind::Rsa => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
        }
        .expect("a key is made")
    }
}

/// A certificate and its private key, in PEM.
#[derive(Debug, Clone)]
pub struct IssuedCertificate {
    /// The certificate.
    pub certificate: String,
    /// Its private key, PKCS#8.
    pub key: String,
    der: Vec<u8>,
}

impl IssuedCertificate {
    /// One that is its own issuer.
    pub fn self_signed(name: &str) -> Self {
        Self::made(&params(name), KeyKind::P256, |params, key| params.self_signed(key))
    }

    /// Its SHA-256, as `x5t#S256` names it.
    pub fn thumbprint(&self) -> String {
        b64url(&sha256(&self.der))
    }

    /// As a member of `x5c` in a key set (RFC 7517 §4.7).
    pub fn x5c(&self) -> String {
        STANDARD.encode(&self.der)
    }

    fn made(
        params: &CertificateParams,
        kind: KeyKind,
        sign: impl FnOnce(&CertificateParams, &KeyPair) -> Result<rcgen::Certificate, rcgen::Error>,
    ) -> Self {
        let key = kind.generate();
        let certificate = sign(params, &key).expect("a certificate is made");
        let der = certificate.der().to_vec();
        IssuedCertificate { certificate: certificate.pem(), key: key.serialize_pem(), der }
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name is a DNS name");
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// Makes client certificates.
pub struct ClientAuthority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, in PEM.
    pub certificate: String,
    der: CertificateDer<'static>,
}

impl ClientAuthority {
    /// A new one, that nobody trusts yet.
    pub fn new() -> Self {
        let (certificate, issuer) = authority().expect("an authority is made");
        ClientAuthority { certificate: certificate.pem(), der: certificate.der().clone(), issuer }
    }

    /// A certificate for a name, with a P-256 key.
    pub fn issue(&self, name: &str) -> IssuedCertificate {
        self.issue_with(name, KeyKind::P256)
    }

    /// The same with a key of another kind.
    pub fn issue_with(&self, name: &str, kind: KeyKind) -> IssuedCertificate {
        self.made(&params(name), kind)
    }

    /// One that has expired some years ago.
    pub fn issue_expired(&self, name: &str) -> IssuedCertificate {
        let mut params = params(name);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.made(&params, KeyKind::P256)
    }

    fn made(&self, params: &CertificateParams, kind: KeyKind) -> IssuedCertificate {
        IssuedCertificate::made(params, kind, |params, key| params.signed_by(key, &self.issuer))
    }
}

impl Default for ClientAuthority {
    fn default() -> Self {
        ClientAuthority::new()
    }
}

/// Which listener a request came by, and with which certificates.
#[derive(Clone, Default)]
pub(crate) struct Peer {
    pub mtls: bool,
    /// The version of TLS, with TLS.
    pub tls: Option<&'static str>,
    pub chain: Vec<CertificateDer<'static>>,
}

impl Peer {
    pub fn of(request: &Parts) -> Peer {
        request.extensions.get().cloned().unwrap_or_default()
    }

    /// That of the client's own certificate.
    pub fn thumbprint(&self) -> Option<String> {
        Some(b64url(&sha256(self.chain.first()?)))
    }

    /// Whether this is the certificate of a client with this method.
    pub fn is(&self, client: &Client, method: &str, verifier: &dyn ClientCertVerifier) -> bool {
        let Some((own, others)) = self.chain.split_first() else { return false };
        match method {
            "tls_client_auth" => {
                let name = client.tls_client_auth_san_dns.as_deref().unwrap_or_default();
                let name = ServerName::try_from(name);
                let parsed = ParsedCertificate::try_from(own);
                verifier.verify_client_cert(own, others, UnixTime::now()).is_ok()
                    && name.is_ok_and(|name| parsed.is_ok_and(|own| is_for(&own, &name)))
            }
            "self_signed_tls_client_auth" => {
                let keys = client.jwks["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
                let own = Value::from(STANDARD.encode(own));
                keys.iter().any(|key| key["x5c"].get(0) == Some(&own))
            }
            _ => false,
        }
    }
}

fn is_for(certificate: &ParsedCertificate<'_>, name: &ServerName<'_>) -> bool {
    tokio_rustls::rustls::client::verify_server_name(certificate, name).is_ok()
}

/// Verifies against the authority in the handshake, or leaves that to the endpoints.
#[derive(Debug)]
pub(crate) struct Verifier {
    inner: Arc<dyn ClientCertVerifier>,
    required: bool,
}

impl Verifier {
    pub fn new(authority: &ClientAuthority, policy: ClientCertificates) -> Result<Verifier, Error> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der.clone())?;
        let inner =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()));
        let inner = inner.build().map_err(|error| Error::General(error.to_string()))?;
        Ok(Verifier { inner, required: policy == ClientCertificates::Required })
    }

    /// The one that knows the authority.
    pub fn of_authority(&self) -> Arc<dyn ClientCertVerifier> {
        self.inner.clone()
    }
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        if self.required { self.inner.root_hint_subjects() } else { &[] }
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.required {
            true => self.inner.verify_client_cert(own, others, now),
            false => Ok(ClientCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
