//! One request and its answer, and what became of it where there is none.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::Engine;
use super::http::{Http, ProxySettings};
use super::resolver::ResolutionFailed;
use crate::error::Status;
use crate::flow::Millis;
use crate::wire::{Answer, Failure, Kind, Request};

/// What became of an exchange.
pub struct Exchanged {
    pub sent_at: Millis,
    pub result: Result<Answer, Failure>,
}

impl Http {
    /// Makes one exchange: exactly one request is sent, or none.
    pub async fn exchange(&self, engine: &Engine, request: Request) -> Exchanged {
        let host = request.url.authority().to_owned();
        // A bound that was closed, which never happens, bounds nothing.
        let _permit = engine.host(&host).acquire_owned().await.ok();
        let sent_at = engine.clock().now();
        Exchanged { sent_at, result: self.send(request).await }
    }

    async fn send(&self, request: Request) -> Result<Answer, Failure> {
        let limit = match request.kind {
            Kind::Poll => self.settings.poll_timeout,
            _ => self.settings.request_timeout,
        };
        let url = request.url.clone();
        let request = self.request(request)?;
        let mut seen = None;
        let exchange = async {
            let response = match self.client.execute(request).await {
                Ok(response) => response,
                Err(error) => return Err(self.with_schemes(self.failure(&error, &url, None), &url).await),
            };
            seen = Some(response.status().as_u16());
            self.read(response, &url).await
        };
        // Connecting has a limit of its own; together they bound everything.
        match timeout(limit + self.settings.connect_timeout, exchange).await {
            Ok(result) => result,
            Err(_) => Err(Failure {
                status: Status::TIMEOUT,
                message: format!("no complete answer within {} ms", limit.as_millis()),
                maybe_sent: true,
                status_seen: seen,
            }),
        }
    }

    fn request(&self, request: Request) -> Result<reqwest::Request, Failure> {
        let method = reqwest::Method::from_bytes(request.kind.method().as_bytes()).unwrap_or_default();
        let mut http = reqwest::Request::new(method, request.url);
        let headers = http.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(authorization) = &request.authorization {
            let mut value = HeaderValue::from_str(authorization.expose_secret()).map_err(|_| Failure {
                status: Status::INTERNAL,
                message: "the credentials cannot be a header".into(),
                maybe_sent: false,
                status_seen: None,
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        if let Some(form) = &request.form {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            // Wiped once the last reference is gone.
            *http.body_mut() = Some(Bytes::from_owner(form.encode()).into());
        }
        Ok(http)
    }

    /// Reads an answer to its end, or to the limit.
    async fn read(&self, mut response: reqwest::Response, url: &url::Url) -> Result<Answer, Failure> {
        let status = response.status().as_u16();
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        if status == 407 {
            let values = response.headers().get_all("proxy-authenticate");
            let values = values.iter().map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
            return Err(proxy_credentials(&schemes(values)));
        }
        let (content_type, retry_after) = (header("content-type"), header("retry-after"));
        let cache_control = header("cache-control");
        let most = self.settings.most_bytes;
        let expected = response.content_length().and_then(|n| usize::try_from(n).ok()).unwrap_or(4096);
        let mut body = Zeroizing::new(Vec::with_capacity(expected.min(most)));
        loop {
            match response.chunk().await {
                Ok(None) => break,
                Ok(Some(chunk)) if body.len() + chunk.len() > most => {
                    return Err(Failure {
                        status: Status::ANSWER_TOO_LARGE,
                        message: format!("the answer is larger than {most} bytes"),
                        maybe_sent: true,
                        status_seen: Some(status),
                    });
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Err(error) => return Err(self.failure(&error, url, Some(status))),
            }
        }
        Ok(Answer { status, content_type, retry_after, cache_control, body })
    }

    /// Tells from an error what happened, and whether anything was sent.
    fn failure(&self, error: &reqwest::Error, url: &url::Url, status_seen: Option<u16>) -> Failure {
        let host = url.host_str().unwrap_or_default();
        let not_sent = |status: Status, message: String| Failure {
            status,
            message,
            maybe_sent: false,
            status_seen: None,
        };
        if !error.is_connect() {
            let io = find::<io::Error>(error).map(|e| format!(" ({})", e.kind())).unwrap_or_default();
            return Failure {
                status: if error.is_timeout() { Status::TIMEOUT } else { Status::CONNECTION_LOST },
                message: format!("the connection to {host} broke before the answer was complete{io}"),
                maybe_sent: true,
                status_seen,
            };
        }
        if find::<ResolutionFailed>(error).is_some() {
            return not_sent(
                Status::NAME_RESOLUTION_FAILED,
                format!("the name {host} could not be resolved"),
            );
        }
        if let Some(tls) = find::<rustls::Error>(error) {
            return not_sent(Status::TLS_FAILED, format!("TLS with {host} failed: {tls}"));
        }
        // What the client says of a tunnel has no type that can be named.
        if let Some(tunnel) =
            chain(error).map(ToString::to_string).find(|text| text.starts_with("tunnel error"))
        {
            if tunnel.ends_with("proxy authorization required") {
                return proxy_credentials(&[]);
            }
            return not_sent(Status::PROXY_FAILED, format!("the proxy does not lead to {host}: {tunnel}"));
        }
        let why = match find::<io::Error>(error) {
            _ if error.is_timeout() => "it did not answer in time".to_owned(),
            Some(io) => io.kind().to_string(),
            None => "the reason is not known".to_owned(),
        };
        match self.proxy(url) {
            Some(_) => {
                not_sent(Status::PROXY_FAILED, format!("{host} could not be reached by the proxy: {why}"))
            }
            None => not_sent(Status::CONNECT_FAILED, format!("{host} could not be reached: {why}")),
        }
    }

    /// Adds to a proxy's refusal which schemes it offers.
    async fn with_schemes(&self, failure: Failure, url: &url::Url) -> Failure {
        match failure.status {
            Status::PROXY_AUTHENTICATION_REQUIRED => proxy_credentials(&self.offered_schemes(url).await),
            _ => failure,
        }
    }

    /// The proxy that this URL is reached by: host and port.
    fn proxy(&self, url: &url::Url) -> Option<(String, u16)> {
        let matcher = match &self.settings.proxy {
            ProxySettings::None => return None,
            ProxySettings::Environment => Matcher::from_env(),
            ProxySettings::Given { url, exceptions, .. } => {
                Matcher::builder().all(url.as_str()).no(exceptions.as_str()).build()
            }
        };
        let proxy = matcher.intercept(&url.as_str().parse().ok()?)?;
        let port = if proxy.uri().scheme_str() == Some("https") { 443 } else { 80 };
        Some((proxy.uri().host()?.to_owned(), proxy.uri().port_u16().unwrap_or(port)))
    }

    /// Asks the proxy once more, without credentials, which schemes it offers: the HTTP client
    /// keeps the status of its answer alone.
    async fn offered_schemes(&self, url: &url::Url) -> Vec<String> {
        let Some(proxy) = self.proxy(url) else { return Vec::new() };
        let target =
            format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(443));
        let asked = async {
            let mut stream = tokio::net::TcpStream::connect(proxy).await?;
            let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
            stream.write_all(request.as_bytes()).await?;
            let mut head = Vec::new();
            while head.len() < 8192 && !head.windows(4).any(|end| end == b"\r\n\r\n") {
                if stream.read_buf(&mut head).await? == 0 {
                    break;
                }
            }
            io::Result::Ok(String::from_utf8_lossy(&head).into_owned())
        };
        let head = timeout(Duration::from_secs(2), asked).await.ok().and_then(Result::ok).unwrap_or_default();
        let headers = head.lines().filter_map(|line| line.split_once(':'));
        let offered = headers.filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authenticate"));
        schemes(offered.map(|(_, value)| value.to_owned()))
    }
}

/// The names of the schemes in `Proxy-Authenticate` headers.
fn schemes(values: impl Iterator<Item = String>) -> Vec<String> {
    let first = values.filter_map(|value| value.split_whitespace().next().map(str::to_owned));
    first.filter(|s| s.len() < 30 && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')).collect()
}

fn proxy_credentials(schemes: &[String]) -> Failure {
    let offered = if schemes.is_empty() { "no scheme".to_owned() } else { schemes.join(", ") };
    Failure {
        status: Status::PROXY_AUTHENTICATION_REQUIRED,
        message: format!("the proxy asks for credentials (407); it offers: {offered}"),
        maybe_sent: false,
        status_seen: None,
    }
}

/// An error and its sources.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
}

/// The first error of a type in a chain; I/O errors hold others that are not their source.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        error.downcast_ref::<E>().or_else(|| find::<E>(inner? as &(dyn StdError + 'static)))
    })
}
