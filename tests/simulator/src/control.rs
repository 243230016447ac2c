//! The control interface: the same levers as JSON over plain HTTP.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use crate::fault::{Fault, merge};
use crate::journal::Kind;
use crate::keys::{Draft, Signer};
use crate::notices::{Notice, Notices};
use crate::outcome::{Outcome, Verdict};
use crate::provider::{Provider, lock};
use crate::server::{Command, Order};
use crate::simulator::{end, expire, pending};

/// What a caller may send; each endpoint reads what it needs.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wish {
    auth_req_id: Option<String>,
    after_ms: u64,
    code: Option<String>,
    outcome: Option<String>,
    kind: Option<Kind>,
    fault: Option<Fault>,
    always: bool,
    header: Option<Value>,
    claims: Option<Value>,
    signer: Option<Signer>,
    hidden: u32,
    reset: bool,
    notice: Option<Notice>,
    times: Option<u32>,
    early: bool,
}

/// Serves the control interface until the runtime ends.
pub(crate) async fn run(provider: Arc<Provider>, orders: UnboundedSender<Order>, listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let (provider, orders) = (provider.clone(), orders.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| handle(&provider, &orders, request));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn handle(
    provider: &Arc<Provider>,
    orders: &UnboundedSender<Order>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, 4 << 20).collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    let wish = match body.is_empty() {
        true => Ok(Wish::default()),
        false => serde_json::from_slice::<Wish>(&body),
    };
    let path = parts.uri.path();
    let (status, answer) = match wish {
        Err(error) => (400, json!({ "error": error.to_string() })),
        Ok(wish) => match order_of(&parts.method, path, &wish) {
            Some(command) => {
                carry_out(orders, command).await;
                (200, json!({ "ok": true }))
            }
            None => match (&parts.method, path, wish.notice) {
                (&Method::POST, "/send", Some(notice)) => {
                    let statuses = provider.send(&notice, wish.times.unwrap_or(1)).await;
                    (200, json!({ "statuses": statuses }))
                }
                (method, path, notice) => carry(provider, method, path, Wish { notice, ..wish }),
            },
        },
    };
    let mut response = Response::new(Full::from(format!("{answer}\n")));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    Ok(response)
}

/// The wishes that the accept loop carries out.
fn order_of(method: &Method, path: &str, wish: &Wish) -> Option<Command> {
    match (method, path) {
        (&Method::POST, "/offline") => Some(Command::Offline),
        (&Method::POST, "/online") => Some(Command::Online),
        (&Method::POST, "/drop") => Some(Command::Drop { reset: wish.reset }),
        _ => None,
    }
}

async fn carry_out(orders: &UnboundedSender<Order>, command: Command) {
    let (done, wait) = oneshot::channel();
    let done = Box::new(move || {
        let _ = done.send(());
    });
    if orders.send((command, done)).is_ok() {
        let _ = wait.await;
    }
}

/// All other wishes.
fn carry(provider: &Arc<Provider>, method: &Method, path: &str, wish: Wish) -> (u16, Value) {
    let ok = || (200, json!({ "ok": true }));
    let bad = |what: &str| (400, json!({ "error": what }));
    let found = |found: bool| match found {
        true => ok(),
        false => (404, json!({ "error": "no such request" })),
    };
    let id = wish.auth_req_id.as_deref();
    let ends = |outcome| found(end(provider, id, Verdict::new(outcome, wish.after_ms)));
    match (method.as_str(), path) {
        ("POST", "/approve") => ends(Outcome::Approve),
        ("POST", "/deny") => ends(Outcome::Deny),
        ("POST", "/fail") => match wish.code {
            Some(code) => ends(Outcome::Fail(code)),
            None => bad("code is missing"),
        },
        ("POST", "/expire") => found(expire(provider, id)),
        ("POST", "/forget") => found(lock(&provider.requests).remove(id).is_some()),
        ("GET", "/requests") => (200, json!(pending(provider))),
        ("POST", "/default") => match wish.outcome.as_deref().map(Verdict::in_text) {
            Some(None) => bad("outcome is not understood"),
            verdict => {
                *lock(&provider.default) = verdict.flatten();
                ok()
            }
        },
        ("POST", "/fault") => match (wish.kind, wish.fault) {
            (Some(kind), Some(fault)) => {
                let mut faults = lock(&provider.faults);
                match wish.always {
                    true => faults.always(kind, fault),
                    false => faults.push(kind, fault),
                }
                ok()
            }
            _ => bad("kind or fault is missing"),
        },
        ("DELETE", "/fault") => {
            lock(&provider.faults).clear();
            ok()
        }
        ("POST", "/id_token") => {
            let (header, claims, signer) = (wish.header, wish.claims, wish.signer);
            let change = move |draft: &mut Draft| {
                header.iter().for_each(|h| merge(&mut draft.header, h));
                claims.iter().for_each(|c| merge(&mut draft.claims, c));
                draft.signer = signer.unwrap_or(Signer::Token);
            };
            lock(&provider.hooks).next.push_back(Box::new(change));
            ok()
        }
        ("POST", "/notice") => {
            let id = id.map(str::to_owned).or_else(|| lock(&provider.requests).newest().map(str::to_owned));
            match id.and_then(|id| provider.notice(&id)) {
                Some(notice) => (200, json!(notice)),
                None => found(false),
            }
        }
        ("POST", "/notices") => {
            *lock(&provider.notices) = Notices { times: wish.times.unwrap_or(1), early: wish.early };
            ok()
        }
        ("POST", "/rotate_key") => {
            lock(&provider.keys).rotate(wish.hidden);
            ok()
        }
        ("POST", "/reset_on_accept") => {
            let flag = &provider.reset_on_accept;
            flag.store(wish.reset, Ordering::Relaxed);
            ok()
        }
        ("GET", "/journal") => (200, json!(provider.journal.entries())),
        ("GET", "/lines") => (200, json!(provider.journal.lines())),
        ("DELETE", "/journal") => {
            provider.journal.clear();
            ok()
        }
        ("GET", "/count") => {
            let count = |kind| provider.journal.count(kind);
            let counts = json!({
                "total": provider.journal.total(),
                "discovery": count(Kind::Discovery), "jwks": count(Kind::Jwks),
                "start": count(Kind::Start), "poll": count(Kind::Poll),
                "cancel": count(Kind::Cancel), "userinfo": count(Kind::Userinfo),
                "refresh": count(Kind::Refresh), "introspection": count(Kind::Introspection),
                "revocation": count(Kind::Revocation), "prepare": count(Kind::Prepare), "init_auth": count(Kind::InitAuth),
                "notification": count(Kind::Notification),
                "other": count(Kind::Other),
            });
            (200, counts)
        }
        _ => (404, json!({ "error": "no such endpoint" })),
    }
}
