//! One request and its answer, and what became of it where there is none.

use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use rustls::AlertDescription;
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

use super::departure::{Departure, Outgoing};
use super::http::Http;
use super::resolver::ResolutionFailed;
use super::{Engine, Resolver, Turn, platform};
use crate::clock::Millis;
use crate::error::Status;
use crate::wire::{Answer, Failure, Kind, Request};

/// What became of an exchange.
pub struct Exchanged {
    pub sent_at: Millis,
    pub result: Result<Answer, Failure>,
}

impl Http {
    /// Makes one exchange when it is its turn: exactly one request is sent, or none. `departure`: when it left,
    /// and the means to keep it from leaving.
    pub async fn exchange(&self, engine: &Engine, request: Request, departure: &Arc<Departure>) -> Exchanged {
        let turn = engine.turn(&request).await;
        self.exchange_in(turn, engine, request, departure).await
    }

    /// Makes one exchange whose turn has come.
    pub async fn exchange_in(
        &self,
        _turn: Turn,
        engine: &Engine,
        request: Request,
        departure: &Arc<Departure>,
    ) -> Exchanged {
        let begun = engine.clock().now();
        // Apart: those that are still to be permitted, perhaps very many, need none of its kilobytes.
        let result = Box::pin(self.send(engine, request, departure)).await;
        Exchanged { sent_at: departure.left_at().unwrap_or(begun), result }
    }

    async fn send(
        &self,
        engine: &Engine,
        request: Request,
        departure: &Arc<Departure>,
    ) -> Result<Answer, Failure> {
        let limit = match request.kind {
            Kind::Poll => self.settings.poll_timeout,
            _ => self.settings.request_timeout,
        };
        let (url, has_body) = (request.url.clone(), request.body.is_some());
        let request = self.request(engine, request, departure)?;
        let mut seen = None;
        let exchange = async {
            if has_body {
                // Connections that the server has closed meanwhile leave the pool before one is taken.
                tokio::task::yield_now().await;
            }
            let response = match self.client.execute(request).await {
                Ok(response) => response,
                Err(error) => {
                    let failure = self.failure(engine, &error, &url, None);
                    return Err(match failure.status {
                        Status::PROXY_AUTHENTICATION_REQUIRED => {
                            self.proxy_credentials(&engine.resolver(), &url).await
                        }
                        _ => failure,
                    });
                }
            };
            seen = Some(response.status().as_u16());
            self.read(engine, response, &url).await
        };
        let too_late = async {
            departure.left().await;
            sleep(limit).await;
        };
        // Connecting has a limit of its own; together they bound what does not tell when it leaves.
        let bound = limit + self.settings.connect_timeout;
        let result = tokio::select! {
            biased;
            result = exchange => result,
            () = too_late => Err(Failure::new(Status::TIMEOUT, no_answer_within(limit))),
            () = sleep(bound) => Err(Failure::new(Status::TIMEOUT, no_answer_within(bound))),
        };
        result.map_err(|failure| {
            if failure.maybe_sent && has_body && departure.left_at().is_none() {
                let host = url.host_str().unwrap_or_default();
                let text = format!("{host} closed the connection before anything was sent");
                return Failure::unsent(Status::CONNECT_FAILED, text);
            }
            Failure { status_seen: seen, ..failure }
        })
    }

    fn request(
        &self,
        engine: &Engine,
        request: Request,
        departure: &Arc<Departure>,
    ) -> Result<reqwest::Request, Failure> {
        let method = reqwest::Method::from_bytes(request.kind.method().as_bytes()).unwrap_or_default();
        let body = request.body.map(|body| body.encode());
        let mut http = reqwest::Request::new(method, request.url);
        let headers = http.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(authorization) = &request.authorization {
            let mut value = HeaderValue::from_str(authorization.expose_secret()).map_err(|_| {
                Failure::unsent(Status::INTERNAL, "the credentials cannot be a header".into())
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        if let Some(proof) = &request.proof {
            let value = HeaderValue::from_str(proof.expose_secret());
            let mut value = value
                .map_err(|_| Failure::unsent(Status::INTERNAL, "the proof cannot be a header".into()))?;
            value.set_sensitive(true);
            headers.insert("dpop", value);
        }
        if let Some((content_type, body)) = body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            *http.body_mut() = Some(reqwest::Body::wrap(Outgoing {
                bytes: Some(Bytes::from_owner(body)), // wiped once the last reference is gone
                departure: departure.clone(),
                clock: engine.clock().clone(),
            }));
        }
        Ok(http)
    }

    /// Reads an answer to its end, or to the limit.
    async fn read(
        &self,
        engine: &Engine,
        mut response: reqwest::Response,
        url: &url::Url,
    ) -> Result<Answer, Failure> {
        let status = response.status().as_u16();
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let (content_type, retry_after) = (header("content-type"), header("retry-after"));
        let (cache_control, challenge) = (header("cache-control"), header("www-authenticate"));
        let dpop_nonce = header("dpop-nonce").map(Into::into);
        let most = self.settings.most_bytes;
        let expected = response.content_length().and_then(|n| usize::try_from(n).ok()).unwrap_or(4096);
        let mut body = Zeroizing::new(Vec::with_capacity(expected.min(most)));
        loop {
            match response.chunk().await {
                Ok(None) => break,
                Ok(Some(chunk)) if body.len() + chunk.len() > most => {
                    let text = format!("the answer is larger than {most} bytes");
                    return Err(Failure::new(Status::ANSWER_TOO_LARGE, text));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Err(error) => return Err(self.failure(engine, &error, url, Some(status))),
            }
        }
        Ok(Answer { status, content_type, retry_after, cache_control, challenge, dpop_nonce, body })
    }

    /// Tells from an error what happened.
    fn failure(
        &self,
        engine: &Engine,
        error: &reqwest::Error,
        url: &url::Url,
        status_seen: Option<u16>,
    ) -> Failure {
        let host = url.host_str().unwrap_or_default();
        if !error.is_connect() {
            if let Some(rustls::Error::AlertReceived(alert)) = find::<rustls::Error>(error)
                && is_about_certificate(*alert)
            {
                // In TLS 1.3 the client has sent its request before it hears this; nobody has read it.
                let text = match alert {
                    AlertDescription::CertificateRequired => {
                        format!("{host} wants a client certificate in TLS, and there is none: {alert:?}")
                    }
                    _ => format!("{host} does not accept the client's certificate in TLS: {alert:?}"),
                };
                return Failure::unsent(Status::TLS_FAILED, text);
            }
            let io = find::<io::Error>(error).map(|e| format!(" ({})", e.kind())).unwrap_or_default();
            let status = if error.is_timeout() { Status::TIMEOUT } else { Status::CONNECTION_LOST };
            let until = if status_seen.is_some() { "the answer was complete" } else { "an answer came" };
            return Failure::new(status, format!("the connection to {host} broke before {until}{io}"));
        }
        if let Some(tls) = find::<rustls::Error>(error) {
            return Failure::unsent(Status::TLS_FAILED, format!("TLS with {host} failed: {tls}"));
        }
        // What the client says of a tunnel has no type that can be named.
        let tunnel = chain(error).map(ToString::to_string).find(|text| text.starts_with("tunnel error"));
        if let Some(tunnel) = tunnel.filter(|text| !text.ends_with("failed to create underlying connection"))
        {
            if tunnel.ends_with("proxy authorization required") {
                return Failure::unsent(Status::PROXY_AUTHENTICATION_REQUIRED, tunnel);
            }
            let text = format!("the proxy does not lead to {host}: {tunnel}");
            return Failure::unsent(Status::PROXY_FAILED, text);
        }
        if find::<io::Error>(error).is_some_and(platform::is_exhausted) {
            let text = format!("{host} could not be reached: the system refused a descriptor or memory");
            return Failure::unsent(Status::RESOURCES, text);
        }
        let proxy = self.proxy(url);
        let (status, asked) = match &proxy {
            Some((proxy, _)) => (Status::PROXY_FAILED, format!("{host} by the proxy {proxy}")),
            None => (Status::CONNECT_FAILED, host.to_owned()),
        };
        let looked_up = proxy.as_ref().map_or(host, |(proxy, _)| proxy);
        let silent = error.is_timeout() && engine.resolver().is_looking_up(looked_up);
        let status = match proxy.is_none() && (silent || find::<ResolutionFailed>(error).is_some()) {
            true => Status::NAME_RESOLUTION_FAILED,
            false => status,
        };
        let why = match find::<io::Error>(error) {
            _ if silent => format!("the name {looked_up} was not resolved in time"),
            _ if find::<ResolutionFailed>(error).is_some() => {
                format!("the name {looked_up} could not be resolved")
            }
            _ if error.is_timeout() => "no connection in time".to_owned(),
            Some(io) => io.kind().to_string(),
            None => "the reason is not known".to_owned(),
        };
        Failure::unsent(status, format!("{asked} could not be reached: {why}"))
    }

    /// The proxy that this URL is reached by: host and port.
    fn proxy(&self, url: &url::Url) -> Option<(String, u16)> {
        let settings = self.settings.proxy.as_ref()?;
        let (proxy, exceptions) = (settings.url.as_str(), settings.exceptions.as_str());
        let matcher = Matcher::builder().https(proxy).no(exceptions).build();
        matcher.intercept(&url.as_str().parse().ok()?)?;
        Some((settings.url.host_str()?.to_owned(), settings.url.port_or_known_default()?))
    }

    /// The proxy has refused for want of credentials, or of other ones.
    async fn proxy_credentials(&self, resolver: &Resolver, url: &url::Url) -> Failure {
        let schemes = self.offered_schemes(resolver, url).await;
        let offered = if schemes.is_empty() { "no scheme".to_owned() } else { schemes.join(", ") };
        let text = format!("the proxy asks for credentials (407); it offers: {offered}");
        Failure::unsent(Status::PROXY_AUTHENTICATION_REQUIRED, text)
    }

    /// Asks the proxy once more, without credentials, which schemes it offers: the HTTP client
    /// keeps the status of its answer alone.
    async fn offered_schemes(&self, resolver: &Resolver, url: &url::Url) -> Vec<String> {
        let plain = self.settings.proxy.as_ref().is_some_and(|proxy| proxy.url.scheme() == "http");
        let Some((host, port)) = self.proxy(url).filter(|_| plain) else { return Vec::new() };
        let target =
            format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(443));
        let asked = async {
            let addresses = match host.trim_matches(['[', ']']).parse() {
                Ok(ip) => vec![SocketAddr::new(ip, port)],
                Err(_) => {
                    let found = resolver.addresses(&host).await.ok_or(io::ErrorKind::NotFound)?;
                    found.iter().map(|address| SocketAddr::new(address.ip(), port)).collect()
                }
            };
            let mut stream = tokio::net::TcpStream::connect(addresses.as_slice()).await?;
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

/// Whether a server ends the handshake because of the client's certificate, or for want of one.
fn is_about_certificate(alert: AlertDescription) -> bool {
    use AlertDescription as Alert;
    matches!(
        alert,
        Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError
            | Alert::HandshakeFailure
    )
}

/// The names of the schemes in `Proxy-Authenticate` headers.
fn schemes(values: impl Iterator<Item = String>) -> Vec<String> {
    let first = values.filter_map(|value| value.split_whitespace().next().map(str::to_owned));
    first.filter(|s| s.len() < 30 && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')).collect()
}

fn no_answer_within(limit: Duration) -> String {
    format!("no complete answer within {} ms", limit.as_millis())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{HttpSettings, SystemClock, TlsSettings};
    use crate::wire::{Body, Form};
    use tokio::net::TcpListener;

    const SETTINGS: fn() -> HttpSettings = || HttpSettings {
        tls: TlsSettings { certificates: String::new(), system_roots: false, fapi_suites: false }
            .load()
            .unwrap(),
        proxy: None,
        connect_timeout: Duration::from_secs(60),
        request_timeout: Duration::from_millis(200),
        poll_timeout: Duration::from_millis(600),
        most_bytes: 1000,
    };

    fn request(kind: Kind, port: u16) -> Request {
        let mut form = Form::default();
        form.add("scope", "openid");
        let url = url::Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
        Request { body: Some(Body::Form(form)), ..Request::new(kind, url) }
    }

    /// Runs with an engine, an HTTP client, and a port where nobody answers.
    fn run<F: Future>(test: impl FnOnce(Engine, Http, TcpListener) -> F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let lookup = Arc::new(|_: &str| Ok(vec![([127, 0, 0, 1], 0).into()]));
            let engine = Engine::start(Arc::new(SystemClock), lookup).unwrap();
            let http = Http::new(Arc::new(SETTINGS()), engine.resolver()).unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            test(engine, http, listener).await
        })
    }

    #[test]
    fn a_poll_has_a_time_limit_of_its_own_r43() {
        run(async |engine, http, listener| {
            let port = listener.local_addr().unwrap().port();
            for (kind, limit) in [(Kind::Start, 200), (Kind::Poll, 600)] {
                let departure = Arc::<Departure>::default();
                let exchanged = http.exchange(&engine, request(kind, port), &departure).await;
                let expected = Failure::new(Status::TIMEOUT, format!("no complete answer within {limit} ms"));
                assert_eq!(exchanged.result.err(), Some(expected));
                assert_eq!(departure.left_at(), Some(exchanged.sent_at));
                assert!(!departure.stop(), "it has left");
            }
        });
    }

    #[test]
    fn of_a_request_that_was_stopped_not_a_byte_is_written() {
        run(async |engine, http, listener| {
            let port = listener.local_addr().unwrap().port();
            for stopped in [true, false] {
                let departure = Arc::<Departure>::default();
                assert!(!stopped || departure.stop());
                let exchanged = http.exchange(&engine, request(Kind::Start, port), &departure).await;
                assert_eq!(exchanged.result.err().unwrap().maybe_sent, !stopped);
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut written = Vec::new();
                stream.read_to_end(&mut written).await.unwrap();
                assert_eq!(written.is_empty(), stopped, "{}", String::from_utf8_lossy(&written));
            }
        });
    }
}
