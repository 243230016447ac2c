//! What the provider sends to clients that are registered for ping or push.

use std::io;
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Method, Request as HttpRequest, Uri};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::form::Form;
use crate::journal::{Arrived, Kind};
use crate::outcome::Outcome;
use crate::provider::{Provider, lock};
use crate::requests::Request;
use crate::time::BoxFuture;

/// CIBA Core §7.1: 1024 characters of RFC 6750 §2.1 at most; a shorter token than this has no 128 bits.
const TOKEN_LENGTHS: std::ops::RangeInclusive<usize> = 22..=1024;

/// A request to a client's notification endpoint, to be sent as it is or changed first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Where it goes: the client's notification endpoint.
    pub url: String,
    /// The HTTP method.
    pub method: String,
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// The header `Content-Type`.
    pub content_type: Option<String>,
    /// The body.
    pub body: String,
    /// What the journal calls it.
    pub name: String,
}

/// When, and how often, the provider sends notices by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notices {
    /// How often each is sent when the outcome has come about.
    pub times: u32,
    /// Whether one is sent before the request is acknowledged too.
    pub early: bool,
}

impl Default for Notices {
    fn default() -> Self {
        Notices { times: 1, early: false }
    }
}

/// The token that a client of that delivery mode must send, or must not.
pub(crate) fn token_of(mode: Option<&str>, form: &Form<'_>) -> Result<Option<String>, (u16, &'static str)> {
    let token = form.get("client_notification_token");
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    let fits = |token: &str| TOKEN_LENGTHS.contains(&token.len()) && token.bytes().all(is_token);
    match (mode, token) {
        (None | Some("poll"), None) => Ok(None),
        (Some("ping" | "push"), Some(token)) if fits(token) => Ok(Some(token.to_owned())),
        _ => Err((400, "invalid_request")),
    }
}

impl Provider {
    /// What is sent for a request by now; `None` if its client is not to be told, or not yet.
    pub fn notice(&self, id: &str) -> Option<Notice> {
        let request = lock(&self.requests).find(Some(id))?.clone();
        let client = self.clients.iter().find(|client| client.id == request.client_id)?;
        let pushes = client.backchannel_token_delivery_mode.as_deref() == Some("push");
        let (name, body) =
            if pushes { self.pushed(id, &request)? } else { ("ping", json!({ "auth_req_id": id })) };
        Some(Notice {
            url: client.backchannel_client_notification_endpoint.clone()?,
            method: "POST".into(),
            authorization: Some(format!("Bearer {}", request.notification_token.as_ref()?)),
            content_type: Some("application/json".into()),
            body: body.to_string(),
            name: name.into(),
        })
    }

    fn pushed(&self, id: &str, request: &Request) -> Option<(&'static str, Value)> {
        let now = self.config.time.now_ms();
        let code = match request.outcome(now)? {
            Outcome::Approve => {
                let reply =
                    self.tokens(request, now, request.certificate.clone(), request.key.clone(), Some(id));
                let mut body: Value = serde_json::from_slice(&reply.body).ok()?;
                body["auth_req_id"] = id.into();
                return Some(("push", body));
            }
            Outcome::Deny => "access_denied",
            Outcome::Expire => return None,
            Outcome::Fail(code) => code,
        };
        Some((
            "push_error",
            json!({ "auth_req_id": id, "error": code, "error_description": "told by the phone" }),
        ))
    }

    /// Sends notices when the outcome of a request comes about at `at`, if it still does.
    pub fn schedule_notice(self: &Arc<Self>, id: &str, at: u64) {
        let provider = self.clone();
        let id = id.to_owned();
        // From here on, so that a simulated clock does not run past it.
        let due = self.config.time.call_at(at);
        self.run(Box::pin(async move {
            let _busy = due.await;
            let still = lock(&provider.requests).find(Some(&id)).and_then(|request| request.ends.clone());
            if still.is_some_and(|(_, when)| when == at)
                && let Some(notice) = provider.notice(&id)
            {
                let times = lock(&provider.notices).times;
                if times > 0 && notice.name != "ping" {
                    lock(&provider.requests).remove(Some(&id)); // it is told, once and for all
                }
                provider.send(&notice, times).await;
            }
        }));
    }

    /// Sends the notice that overtakes the acknowledgement, if there is to be one.
    pub async fn send_early_notice(&self) {
        let id = lock(&self.requests).newest().map(str::to_owned);
        let early = lock(&self.notices).early;
        if let Some(notice) = id.filter(|_| early).and_then(|id| self.notice(&id)) {
            self.send(&notice, 1).await;
        }
    }

    /// Has the provider's thread do something.
    pub fn run(&self, work: BoxFuture<'static, ()>) {
        let _ = self.work.send(work);
    }

    /// Sends a notice so many times over one connection; the statuses that were answered.
    pub async fn send(&self, notice: &Notice, times: u32) -> Vec<u16> {
        if notice.name == "ping"
            && let Ok(body) = serde_json::from_str::<Value>(&notice.body)
            && let Some(request) = lock(&self.requests).find(body["auth_req_id"].as_str())
        {
            request.last_poll = None; // after a ping a client may ask at once (CIBA Core §10.1)
        }
        let mut statuses = Vec::new();
        let mut connection = None;
        for _ in 0..times {
            let path = notice.url.parse::<Uri>().map(|uri| uri.path().to_owned()).unwrap_or_default();
            let place = self.journal.note(Kind::Notification, || Arrived {
                at_ms: self.config.time.now_ms(),
                method: notice.method.clone(),
                path,
                headers: notice.authorization.iter().map(|v| ("authorization".into(), v.clone())).collect(),
                body: notice.body.clone().into_bytes(),
                mtls: false,
                tls: None,
                certificate: None,
            });
            let status = post(&mut connection, notice).await.ok();
            let name = if status.is_some() { notice.name.as_str() } else { "(unreachable)" };
            self.journal.answered(place, status, name, None);
            statuses.extend(status);
        }
        statuses
    }
}

type Connection = http1::SendRequest<Full<Bytes>>;

/// One request, over the connection that is there, or a new one.
async fn post(connection: &mut Option<Connection>, notice: &Notice) -> io::Result<u16> {
    let uri: Uri = notice.url.parse().map_err(io::Error::other)?;
    let authority = uri.authority().ok_or_else(|| io::Error::other("no host"))?;
    let mut sender = match connection.take() {
        Some(sender) if !sender.is_closed() => sender,
        _ => {
            let stream = TcpStream::connect(authority.as_str()).await?;
            stream.set_nodelay(true)?;
            let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
            tokio::spawn(driver);
            sender
        }
    };
    sender.ready().await.map_err(io::Error::other)?;
    let method = Method::from_bytes(notice.method.as_bytes()).map_err(io::Error::other)?;
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let mut request = HttpRequest::builder().method(method).uri(target).header("host", authority.as_str());
    for (name, value) in [("authorization", &notice.authorization), ("content-type", &notice.content_type)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let body = Full::new(Bytes::from(notice.body.clone()));
    let request = request.body(body).map_err(io::Error::other)?;
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    let status = response.status().as_u16();
    response.into_body().collect().await.map_err(io::Error::other)?;
    *connection = Some(sender);
    Ok(status)
}
