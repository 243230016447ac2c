//! The same token requests by bare reqwest tasks on one current-thread runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Runtime;

use super::Result;
use super::measure::needed;

pub struct Bare {
    runtime: Runtime,
    client: reqwest::Client,
    url: reqwest::Url,
    headers: HeaderMap,
    /// One for each task.
    bodies: Vec<Vec<u8>>,
}

/// All but unreserved characters.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

impl Bare {
    pub fn new(identifiers: &[String]) -> Result<Bare> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(needed("CIBA_SIM_CA_FILE")?)? {
            roots.add(certificate?)?;
        }
        let mut tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .no_proxy()
            .user_agent(format!("libciba/{}", ciba::VERSION))
            .build()?;
        let (id, secret) = (needed("CIBA_SIM_CLIENT_ID")?, needed("CIBA_SIM_CLIENT_SECRET")?);
        let basic = STANDARD.encode(format!("{}:{}", encoded(&id), encoded(&secret)));
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([
            (ACCEPT, HeaderValue::from_static("application/json")),
            (AUTHORIZATION, HeaderValue::from_str(&format!("Basic {basic}"))?),
            (CONTENT_TYPE, form),
        ]);
        let grant = encoded("urn:openid:params:grant-type:ciba");
        let body = |id: &String| format!("grant_type={grant}&auth_req_id={}", encoded(id)).into_bytes();
        Ok(Bare {
            runtime,
            client,
            url: format!("{}/connect/token", needed("CIBA_SIM_ISSUER")?).parse()?,
            headers,
            bodies: identifiers.iter().map(body).collect(),
        })
    }

    /// Polls for so long, each task one after the other; returns how many were made.
    pub fn poll(&self, how_long: Duration) -> Result<u64> {
        let until = Instant::now() + how_long;
        let polls = Arc::new(AtomicU64::new(0));
        let tasks = self.bodies.iter().map(|body| {
            let (client, url, headers) = (self.client.clone(), self.url.clone(), self.headers.clone());
            let (body, polls) = (body.clone(), polls.clone());
            self.runtime.spawn(async move {
                while Instant::now() < until {
                    let request = client.post(url.clone()).headers(headers.clone()).body(body.clone());
                    let answer = request.send().await?;
                    let status = answer.status().as_u16();
                    let answer = answer.bytes().await?;
                    if status != 400 || !answer.windows(21).any(|part| part == b"authorization_pending") {
                        return Err(format!("not pending: {status}").into());
                    }
                    polls.fetch_add(1, Ordering::Relaxed);
                }
                Result::Ok(())
            })
        });
        let tasks: Vec<_> = tasks.collect();
        self.runtime.block_on(async {
            for task in tasks {
                task.await??;
            }
            Result::Ok(())
        })?;
        Ok(polls.load(Ordering::Relaxed))
    }
}
