//! A certificate authority that lives as long as the simulator.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::mtls::Verifier;

/// What the server's certificate looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Certificate {
    /// For localhost, 127.0.0.1 and ::1, signed by the simulator's CA.
    #[default]
    Good,
    /// For another name.
    WrongName,
    /// Valid until some years ago.
    Expired,
    /// Signed by another CA.
    Untrusted,
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A TLS acceptor, another one that asks clients for certificates, and the CA certificate in PEM.
pub(crate) fn acceptors(
    certificate: Certificate,
    verifier: Option<Arc<Verifier>>,
) -> Result<(TlsAcceptor, Option<TlsAcceptor>, String), Error> {
    let (ca_certificate, ca) = authority()?;
    let issuer = match certificate {
        Certificate::Untrusted => authority()?.1,
        _ => ca,
    };
    let names = match certificate {
        Certificate::WrongName => vec!["elsewhere.example".to_owned()],
        _ => ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec(),
    };
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, "ciba-sim");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    if certificate == Certificate::Expired {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    }
    let key = KeyPair::generate()?;
    let chain = vec![params.signed_by(&key, &issuer)?.der().clone()];
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let builder = || {
        ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
    };
    let acceptor = |mut config: ServerConfig| {
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    };
    let mutual = match verifier {
        None => None,
        Some(verifier) => {
            let builder = builder()?.with_client_cert_verifier(verifier);
            Some(acceptor(builder.with_single_cert(chain.clone(), private.clone_key())?))
        }
    };
    let plain = acceptor(builder()?.with_no_client_auth().with_single_cert(chain, private)?);
    Ok((plain, mutual, ca_certificate.pem()))
}

pub(crate) fn authority() -> Result<(rcgen::Certificate, Issuer<'static, KeyPair>), Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, "ciba-sim CA of this run");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate()?;
    Ok((params.self_signed(&key)?, Issuer::new(params, key)))
}
