//! The HTTP client of one identity: trusted roots, proxy, timeouts. Nothing is shared between
//! identities but the roots, which are read once for each set of TLS settings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::redirect::Policy;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CipherSuite, ClientConfig, RootCertStore};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{PerProcess, Resolver};
use crate::error::{Error, Result, Status};

/// A connection that was idle for longer is not used again.
const LONGEST_IDLE: Duration = Duration::from_secs(30);

/// Which certificates are trusted.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TlsSettings {
    /// Certificates in PEM that are trusted too.
    pub certificates: String,
    /// Whether the system's roots are trusted.
    pub system_roots: bool,
    /// Whether TLS 1.2 is spoken with [`FAPI_SUITES`] alone.
    pub fapi_suites: bool,
}

/// What FAPI 1.0 Advanced §8.5 allows of TLS 1.2, as far as the library has it.
const FAPI_SUITES: [CipherSuite; 2] =
    [CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384];

/// The proxy that https goes through. http never does: it is for this machine alone.
pub struct ProxySettings {
    /// Without user and password.
    pub url: Url,
    pub credentials: Option<(String, SecretString)>,
    pub exceptions: String,
}

/// What an HTTP client is made from.
pub struct HttpSettings {
    pub tls: Arc<ClientConfig>,
    pub proxy: Option<ProxySettings>,
    pub connect_timeout: Duration,
    pub request_timeout: Duration,
    pub poll_timeout: Duration,
    pub most_bytes: usize,
}

/// An HTTP client with its pool of connections.
pub struct Http {
    pub(super) client: reqwest::Client,
    pub(super) settings: Arc<HttpSettings>,
}

type Roots = Mutex<HashMap<TlsSettings, Arc<ClientConfig>>>;

static ROOTS: PerProcess<Roots> = PerProcess::new();
/// A program with more sets of TLS settings than this reads some of them again.
const MOST_ROOTS: usize = 16;

impl TlsSettings {
    /// The TLS configuration for these settings, made once and shared.
    ///
    /// Errors: `INVALID_VALUE` for certificates that cannot be read.
    pub fn load(&self) -> Result<Arc<ClientConfig>> {
        let roots = ROOTS.get_or_try_init(|| Ok::<_, Error>(Roots::default()))?;
        let mut roots = roots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = roots.get(self) {
            return Ok(config.clone());
        }
        let config = self.read()?; // others wait here, most likely for the same
        if roots.len() >= MOST_ROOTS {
            roots.clear();
        }
        roots.insert(self.clone(), config.clone());
        Ok(config)
    }

    fn read(&self) -> Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        if self.system_roots {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        let unreadable = || {
            let text = "ca_file or ca_certificates: not certificates in PEM";
            Error::new(Status::INVALID_VALUE, text)
        };
        let given = CertificateDer::pem_slice_iter(self.certificates.as_bytes());
        let given: Vec<CertificateDer> =
            given.collect::<std::result::Result<_, _>>().map_err(|_| unreadable())?;
        if given.is_empty() && !self.certificates.trim().is_empty() {
            return Err(unreadable());
        }
        for certificate in given {
            roots.add(certificate).map_err(|_| unreadable())?;
        }
        let mut provider = aws_lc_rs::default_provider();
        if self.fapi_suites {
            let allowed = |suite: CipherSuite| FAPI_SUITES.contains(&suite);
            provider.cipher_suites.retain(|suite| suite.tls13().is_some() || allowed(suite.suite()));
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions() // TLS 1.2 and 1.3
            .map_err(|e| Error::new(Status::INTERNAL, format!("TLS: {e}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// The same configuration for a client that shows a certificate. Such a one is never shared.
pub fn with_client_certificate(shared: &ClientConfig, certificate: Arc<CertifiedKey>) -> Arc<ClientConfig> {
    let mut config = shared.clone();
    config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(certificate));
    Arc::new(config)
}

impl Http {
    /// Makes a client; no connection is made yet.
    pub fn new(settings: Arc<HttpSettings>, resolver: Resolver) -> Result<Http> {
        let unusable = |what: &str| Error::new(Status::INVALID_VALUE, format!("{what} cannot be used"));
        let mut tls = (*settings.tls).clone();
        tls.resumption = Resumption::in_memory_sessions(8); // its own: sessions are not shared
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy() // but the one below: the environment was read with the settings
            .user_agent(concat!("libciba/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.connect_timeout)
            // What a firewall has dropped in silence meanwhile must not swallow the next start.
            .pool_idle_timeout(LONGEST_IDLE)
            .dns_resolver(resolver);
        let builder = match &settings.proxy {
            None => builder,
            Some(ProxySettings { url, credentials, exceptions }) => {
                let mut proxy = reqwest::Proxy::https(url.clone()).map_err(|_| unusable("proxy"))?;
                proxy = proxy.no_proxy(reqwest::NoProxy::from_string(exceptions));
                if let Some((user, password)) = credentials {
                    proxy = proxy.basic_auth(user, password.expose_secret());
                }
                builder.proxy(proxy)
            }
        };
        let client =
            builder.build().map_err(|_| Error::new(Status::INTERNAL, "the HTTP client cannot be made"))?;
        Ok(Http { client, settings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_tls_settings_share_their_roots() {
        let settings = TlsSettings { certificates: String::new(), system_roots: true, fapi_suites: false };
        let first = settings.load().unwrap();
        assert!(Arc::ptr_eq(&first, &settings.clone().load().unwrap()));
    }

    #[test]
    fn fapi_has_two_suites_of_tls_1_2_and_all_of_1_3() {
        let suites = |fapi_suites: bool| {
            let settings = TlsSettings { certificates: String::new(), system_roots: true, fapi_suites };
            let config = settings.load().unwrap();
            let suites = config.crypto_provider().cipher_suites.clone();
            let (new, old): (Vec<_>, Vec<_>) = suites.into_iter().partition(|suite| suite.tls13().is_some());
            (new.len(), old.iter().map(|suite| suite.suite()).collect::<Vec<_>>())
        };
        let ((new, mut fapi), (all_new, all)) = (suites(true), suites(false));
        assert_eq!(new, all_new);
        fapi.sort_by_key(|suite| u16::from(*suite));
        assert_eq!(fapi, FAPI_SUITES);
        assert!(all.len() > fapi.len());
    }

    #[test]
    fn a_ca_that_is_no_pem_is_refused() {
        let settings =
            TlsSettings { certificates: "nonsense".into(), system_roots: false, fapi_suites: false };
        assert_eq!(settings.load().unwrap_err().status(), Status::INVALID_VALUE);
    }
}
