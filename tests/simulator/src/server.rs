//! Sockets: accepts connections, serves HTTP/1.1 on them, and spoils what a
//! fault says must be spoiled.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::body::Sent;
use crate::fault::{Answer, Fault, merge};
use crate::journal::{Arrived, Journal, Kind, Place};
use crate::mtls::Peer;
use crate::provider::{Provider, Reply, lock};
use crate::wire::{Cutter, Stream, Wire};

/// Greatest body that a request may have.
const LARGEST_REQUEST: usize = 4 << 20;

/// What the accept loop is told.
pub(crate) enum Command {
    /// Close the listener and all connections.
    Offline,
    /// Listen again on the same port.
    Online,
    /// Close all connections, with a reset or without.
    Drop { reset: bool },
    /// End.
    Stop,
}

/// A command, and what to do when it has been carried out.
pub(crate) type Order = (Command, Box<dyn FnOnce() + Send>);

/// A listener and what it speaks.
pub(crate) struct Door {
    pub listener: TcpListener,
    pub tls: Option<TlsAcceptor>,
    /// Whether it asks for client certificates.
    pub mtls: bool,
}

/// Accepts connections until told to stop. The second door is that for certificates.
pub(crate) async fn run(
    provider: Arc<Provider>,
    doors: (Door, Option<Door>),
    mut orders: UnboundedReceiver<Order>,
) {
    let (first, second) = doors;
    let (mut first, mut second) = (Opened::new(first), second.map(Opened::new));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            order = orders.recv() => {
                let Some((command, done)) = order else { return };
                match command {
                    Command::Stop => return done(),
                    Command::Drop { reset } => close_all(&provider, &mut connections, reset).await,
                    Command::Offline => {
                        [Some(&mut first), second.as_mut()].into_iter().flatten().for_each(Opened::close);
                        close_all(&provider, &mut connections, false).await;
                    }
                    Command::Online => {
                        [Some(&mut first), second.as_mut()].into_iter().flatten().for_each(Opened::open);
                    }
                }
                done();
            }
            accepted = accept(&first, second.as_ref()) => {
                let Ok((tcp, tls, mtls)) = accepted else { continue };
                if provider.reset_on_accept.load(Ordering::Relaxed) {
                    let _ = tcp.set_zero_linger();
                    continue;
                }
                connections.spawn(serve(provider.clone(), tcp, tls, mtls));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

fn listen(address: std::net::SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// A door that may be closed for a time.
struct Opened {
    address: Option<std::net::SocketAddr>,
    listener: Option<TcpListener>,
    tls: Option<TlsAcceptor>,
    mtls: bool,
}

impl Opened {
    fn new(door: Door) -> Self {
        let address = door.listener.local_addr().ok();
        Opened { address, listener: Some(door.listener), tls: door.tls, mtls: door.mtls }
    }

    fn close(&mut self) {
        self.listener = None;
    }

    fn open(&mut self) {
        if self.listener.is_none() {
            self.listener = self.address.and_then(|address| listen(address).ok());
        }
    }

    async fn accept(&self) -> io::Result<(TcpStream, Option<TlsAcceptor>, bool)> {
        match &self.listener {
            Some(listener) => Ok((listener.accept().await?.0, self.tls.clone(), self.mtls)),
            None => pending().await,
        }
    }
}

async fn accept(
    first: &Opened,
    second: Option<&Opened>,
) -> io::Result<(TcpStream, Option<TlsAcceptor>, bool)> {
    let Some(second) = second else { return first.accept().await };
    tokio::select! {
        accepted = first.accept() => accepted,
        accepted = second.accept() => accepted,
    }
}

async fn close_all(provider: &Provider, connections: &mut JoinSet<()>, reset: bool) {
    provider.reset_on_drop.store(reset, Ordering::Relaxed);
    connections.shutdown().await;
    provider.reset_on_drop.store(false, Ordering::Relaxed);
}

async fn serve(provider: Arc<Provider>, tcp: TcpStream, tls: Option<TlsAcceptor>, mtls: bool) {
    let _ = tcp.set_nodelay(true);
    let mut peer = Peer { mtls, ..Peer::default() };
    let stream = match tls {
        None => Stream::Plain(tcp),
        Some(acceptor) => match acceptor.accept(tcp).into_fallible().await {
            Ok(tls) => {
                let session = tls.get_ref().1;
                peer.tls = session.protocol_version().and_then(|version| version.as_str());
                let chain = session.peer_certificates().unwrap_or_default();
                peer.chain = chain.iter().map(|c| c.clone().into_owned()).collect();
                Stream::Tls(Box::new(tls))
            }
            Err((_, tcp)) => return read_to_end(tcp).await,
        },
    };
    let cutter = Arc::new(Cutter::default());
    let wire = Wire::new(stream, cutter.clone(), provider.clone());
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        handle(provider.clone(), cutter.clone(), request)
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(wire), service).await;
}

/// A client may have sent its request before it hears that its certificate is refused: it must be able to
/// hear it, and a socket that is closed with something unread in it is reset.
async fn read_to_end(mut tcp: TcpStream) {
    let _ = tcp.shutdown().await;
    let mut buffer = [0; 4096];
    while matches!(tcp.read(&mut buffer).await, Ok(1..)) {}
}

/// Notes `(gone)` if the client leaves before it is answered.
struct Noted<'a> {
    journal: &'a Journal,
    place: Option<Place>,
}

impl Noted<'_> {
    fn answered(&mut self, status: Option<u16>, answer: &str) {
        if let Some(place) = self.place.take() {
            self.journal.answered(place, status, answer, None);
        }
    }

    fn replied(&mut self, reply: &Reply) {
        if let Some(place) = self.place.take() {
            let status = Some(reply.status);
            self.journal.answered(place, status, &reply.label, reply.auth_req_id.as_deref());
        }
    }
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.answered(None, "(gone)");
    }
}

async fn handle(
    provider: Arc<Provider>,
    cutter: Arc<Cutter>,
    request: Request<Incoming>,
) -> Result<Response<Sent>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, LARGEST_REQUEST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(made(&Answer::new(413, ""), Sent::Full(None))),
    };
    let kind = provider.kind_of(parts.uri.path(), &body);
    let peer = Peer::of(&parts);
    let place = provider.journal.note(kind, || Arrived {
        at_ms: provider.config.time.now_ms(),
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        headers: headers_of(&parts),
        body: body.to_vec(),
        mtls: peer.mtls,
        tls: peer.tls,
        certificate: peer.thumbprint(),
    });
    let mut noted = Noted { journal: &provider.journal, place: Some(place) };
    let mut fault = lock(&provider.faults).take(kind);
    while let Fault::HoldThen(ms, then) = fault {
        hold(&provider, ms).await;
        fault = *then;
    }
    let response = answer(&provider, &cutter, &mut noted, kind, fault, &parts, &body).await;
    if kind == Kind::Start {
        provider.send_early_notice().await;
    }
    Ok(response)
}

fn headers_of(parts: &Parts) -> Vec<(String, String)> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = parts.headers.iter();
    headers.map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect()
}

async fn hold(provider: &Provider, ms: u64) {
    let time = &provider.config.time;
    time.hold_until(time.now_ms().saturating_add(ms)).await;
}

/// Answers, or does what the fault says.
async fn answer(
    provider: &Arc<Provider>,
    cutter: &Cutter,
    noted: &mut Noted<'_>,
    kind: Kind,
    fault: Fault,
    parts: &Parts,
    body: &Bytes,
) -> Response<Sent> {
    let real = || provider.answer(kind, parts, body);
    let nothing = || made(&Answer::new(200, ""), Sent::Full(None));
    let mut replaced = |answer: &Answer, label: &str| {
        noted.answered(Some(answer.status), label);
        let body = Bytes::copy_from_slice(&answer.body);
        made(answer, Sent::Full(Some(body)))
    };
    match fault {
        Fault::Pass => {
            let reply = real();
            noted.replied(&reply);
            whole(reply)
        }
        Fault::Hold(ms) | Fault::HoldThen(ms, _) => {
            hold(provider, ms).await;
            let reply = real();
            noted.replied(&reply);
            whole(reply)
        }
        Fault::ProcessThenHold(ms) => {
            let reply = real();
            hold(provider, ms).await;
            noted.replied(&reply);
            whole(reply)
        }
        Fault::Answer(answer) => replaced(&answer, "(answer)"),
        Fault::AnswerAfterProcessing(answer) => {
            real();
            replaced(&answer, "(answer)")
        }
        Fault::Raw(body) => {
            real();
            replaced(&Answer::json(200, body), "(raw)")
        }
        Fault::Redirect(to) => replaced(&Answer::new(302, "").header("location", &to), "(redirect)"),
        Fault::Patch(patch) => {
            let reply = changed(real(), |json| merge(json, &patch));
            noted.replied(&reply);
            whole(reply)
        }
        Fault::Modify(modify) => {
            let reply = changed(real(), |json| modify(json));
            noted.replied(&reply);
            whole(reply)
        }
        Fault::Close => {
            noted.answered(None, "(closed)");
            cutter.cut_after(0);
            nothing()
        }
        Fault::Reset => {
            noted.answered(None, "(reset)");
            cutter.reset();
            nothing()
        }
        Fault::CutBeforeHeaders => {
            real();
            noted.answered(None, "(cut)");
            cutter.cut_after(0);
            nothing()
        }
        Fault::CutInHeaders => {
            let reply = real();
            noted.answered(Some(reply.status), "(cut)");
            let status = StatusCode::from_u16(reply.status).unwrap_or_default();
            let status_line = 15 + status.canonical_reason().map_or(0, str::len);
            cutter.cut_after(status_line + 12);
            whole(reply)
        }
        Fault::CutInBody { status } => {
            let mut reply = real();
            reply.status = status.unwrap_or(reply.status);
            noted.answered(Some(reply.status), "(cut)");
            let length = reply.body.len();
            let half = Sent::Half(Some(reply.body.slice(..length / 2)), false);
            let reply = reply.header("content-length", length.max(1).to_string());
            with_body(&reply, half)
        }
        Fault::Silent => {
            noted.answered(None, "(silent)");
            pending().await
        }
        Fault::EndlessBody => {
            noted.answered(Some(200), "(endless)");
            made(&Answer::json(200, ""), Sent::Endless)
        }
    }
}

/// The reply with its JSON changed; other replies stay as they are.
fn changed(mut reply: Reply, change: impl FnOnce(&mut Value)) -> Reply {
    if let Ok(mut json) = serde_json::from_slice(&reply.body) {
        change(&mut json);
        reply.body = json.to_string().into();
    }
    reply
}

fn whole(mut reply: Reply) -> Response<Sent> {
    let body = std::mem::take(&mut reply.body);
    with_body(&reply, Sent::Full(Some(body)))
}

fn with_body(reply: &Reply, body: Sent) -> Response<Sent> {
    let headers = reply.headers.iter();
    response(reply.status, headers.map(|(n, v)| (n.as_ref(), v.as_ref())), body)
}

fn made(answer: &Answer, body: Sent) -> Response<Sent> {
    let headers = answer.headers.iter();
    let headers = headers.map(|(n, v)| (n.as_str(), v.as_str()));
    response(answer.status, headers, body)
}

fn response<'a>(
    status: u16,
    headers: impl Iterator<Item = (&'a str, &'a str)>,
    body: Sent,
) -> Response<Sent> {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    builder.body(body).unwrap_or_else(|_| {
        let mut bad = Response::new(Sent::Full(None));
        *bad.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        bad
    })
}
