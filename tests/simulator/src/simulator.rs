//! The handle by which a test owns a running provider.

use std::io;
use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread::JoinHandle;

use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::client::Client;
use crate::config::Config;
use crate::control;
use crate::fault::Fault;
use crate::journal::{Entry, Kind};
use crate::keys::{Draft, SigningKey};
use crate::mtls::{ClientAuthority, Verifier};
use crate::notices::{Notice, Notices};
use crate::outcome::{Outcome, Verdict};
use crate::provider::{Mtls, Provider, lock, spoken};
use crate::server::{self, Command, Door, Order};
use crate::tls;

/// A request that has been neither delivered nor cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PendingRequest {
    /// Its identifier.
    pub auth_req_id: String,
    /// The person it is for, as the provider knows them.
    pub person: String,
    /// What the phone shows.
    pub text: String,
    /// Milliseconds until it expires.
    pub expires_in_ms: u64,
}

/// A running provider; stops when dropped.
pub struct Simulator {
    provider: Arc<Provider>,
    orders: UnboundedSender<Order>,
    thread: Option<JoinHandle<()>>,
    base_url: String,
    control_url: Option<String>,
    ca_pem: Option<String>,
    client_authority: ClientAuthority,
}

impl Simulator {
    /// Starts a provider on a thread of its own; panics if it cannot.
    pub fn start(config: Config) -> Self {
        Self::try_start(config).expect("the simulator starts")
    }

    /// Starts a provider on a thread of its own.
    pub fn try_start(config: Config) -> io::Result<Self> {
        let listener = listen(config.port)?;
        let port = listener.local_addr()?.port();
        let control = config.control_port.map(listen).transpose()?;
        let control_url = match &control {
            Some(listener) => Some(format!("http://{}", listener.local_addr()?)),
            None => None,
        };
        let client_authority = ClientAuthority::new();
        let verifier = match config.mtls.filter(|_| config.tls) {
            Some(policy) => {
                Some(Arc::new(Verifier::new(&client_authority, policy).map_err(io::Error::other)?))
            }
            None => None,
        };
        let (acceptor, mtls_acceptor, ca_pem) = match config.tls {
            true => tls::acceptors(config.certificate, verifier.clone())
                .map(|(acceptor, mtls, pem)| (Some(acceptor), mtls, Some(pem)))
                .map_err(io::Error::other)?,
            false => (None, None, None),
        };
        let scheme = if config.tls { "https" } else { "http" };
        let base_url = format!("{scheme}://{}:{port}", config.host);
        let issuer = format!("{base_url}{}", config.personality.root);
        let (mtls, mtls_listener) = match verifier {
            None => (None, None),
            Some(verifier) => {
                let listener = listen(0)?;
                let port = listener.local_addr()?.port();
                let base = format!("https://{}:{port}{}", config.host, config.personality.root);
                (Some(Mtls { base, verifier: verifier.of_authority() }), Some(listener))
            }
        };
        let (work, mut works) = unbounded_channel();
        let provider = Arc::new(Provider::new(config, issuer, mtls, work));
        let (orders, received) = unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (shared, sender) = (provider.clone(), orders.clone());
        let main = async move {
            if let Some(listener) = control.and_then(|l| TcpListener::from_std(l).ok()) {
                tokio::spawn(control::run(shared.clone(), sender, listener));
            }
            tokio::spawn(async move {
                while let Some(work) = works.recv().await {
                    tokio::spawn(work);
                }
            });
            let door = |listener, tls, mtls| {
                TcpListener::from_std(listener).map(|listener| Door { listener, tls, mtls })
            };
            let second = mtls_listener.and_then(|listener| door(listener, mtls_acceptor, true).ok());
            if let Ok(first) = door(listener, acceptor, false) {
                server::run(shared, (first, second), received).await;
            }
        };
        let thread =
            std::thread::Builder::new().name("ciba-sim".into()).spawn(move || runtime.block_on(main))?;
        Ok(Simulator {
            provider,
            orders,
            thread: Some(thread),
            base_url,
            control_url,
            ca_pem,
            client_authority,
        })
    }

    /// Scheme, host and port.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The issuer.
    pub fn issuer(&self) -> &str {
        &self.provider.issuer
    }

    /// Where the control interface is, if there is one.
    pub fn control_url(&self) -> Option<&str> {
        self.control_url.as_deref()
    }

    /// The CA certificate in PEM, with TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// The issuer on the listener that asks for client certificates, if there is one.
    pub fn mtls_base(&self) -> Option<&str> {
        Some(&self.provider.mtls.as_ref()?.base)
    }

    /// Makes the client certificates that are good here.
    pub fn client_authority(&self) -> &ClientAuthority {
        &self.client_authority
    }

    /// The first registered client.
    pub fn client(&self) -> &Client {
        &self.provider.clients[0]
    }

    /// The identifier of the first registered client.
    pub fn client_id(&self) -> &str {
        &self.client().id
    }

    /// The secret of the first registered client.
    pub fn client_secret(&self) -> &str {
        &self.client().secret
    }

    /// Every request so far, in order of arrival.
    pub fn journal(&self) -> Vec<Entry> {
        self.provider.journal.entries()
    }

    /// The journal as compact lines: `{at_ms} {METHOD} {path} -> {status} {answer}`.
    pub fn lines(&self) -> Vec<String> {
        self.provider.journal.lines()
    }

    /// Forgets the journal and its counts.
    pub fn clear_journal(&self) {
        self.provider.journal.clear();
    }

    /// How many requests of a kind have arrived.
    pub fn request_count(&self, kind: Kind) -> u64 {
        self.provider.journal.count(kind)
    }

    /// The person approves now. False if there is no such request.
    pub fn approve(&self, auth_req_id: &str) -> bool {
        self.approve_after(auth_req_id, 0)
    }

    /// The person approves in so many ms.
    pub fn approve_after(&self, auth_req_id: &str, ms: u64) -> bool {
        self.end(auth_req_id, Verdict::new(Outcome::Approve, ms))
    }

    /// The person refuses now.
    pub fn deny(&self, auth_req_id: &str) -> bool {
        self.end(auth_req_id, Verdict::new(Outcome::Deny, 0))
    }

    /// The next poll is answered with this error code, once.
    pub fn fail(&self, auth_req_id: &str, code: &str) -> bool {
        self.end(auth_req_id, Verdict::new(Outcome::Fail(code.into()), 0))
    }

    /// Gives a request an outcome, counted from now.
    pub fn end(&self, auth_req_id: &str, verdict: Verdict) -> bool {
        end(&self.provider, Some(auth_req_id), verdict)
    }

    /// The request expires now.
    pub fn expire(&self, auth_req_id: &str) -> bool {
        expire(&self.provider, Some(auth_req_id))
    }

    /// The provider loses the request.
    pub fn forget(&self, auth_req_id: &str) -> bool {
        lock(&self.provider.requests).remove(Some(auth_req_id)).is_some()
    }

    /// The identifier given out last.
    pub fn newest(&self) -> Option<String> {
        let requests = lock(&self.provider.requests);
        requests.newest().map(str::to_owned)
    }

    /// The requests that are pending (or expired and not yet forgotten).
    pub fn pending(&self) -> Vec<PendingRequest> {
        pending(&self.provider)
    }

    /// What happens to later requests whose hint says nothing; `None` waits.
    pub fn set_default(&self, verdict: Option<Verdict>) {
        *lock(&self.provider.default) = verdict;
    }

    /// A fault for the next request of a kind that has none yet.
    pub fn next(&self, kind: Kind, fault: Fault) {
        lock(&self.provider.faults).push(kind, fault);
    }

    /// A fault for every request of a kind for which none waits.
    pub fn always(&self, kind: Kind, fault: Fault) {
        lock(&self.provider.faults).always(kind, fault);
    }

    /// Forgets all faults that were ordered.
    pub fn clear_faults(&self) {
        lock(&self.provider.faults).clear();
    }

    /// Changes the next ID token before it is signed. Several wait in line.
    pub fn next_id_token(&self, change: impl FnOnce(&mut Draft) + Send + 'static) {
        lock(&self.provider.hooks).next.push_back(Box::new(change));
    }

    /// Changes every ID token for which no `next_id_token` waits.
    pub fn every_id_token(&self, change: impl Fn(&mut Draft) + Send + Sync + 'static) {
        lock(&self.provider.hooks).every = Some(Arc::new(change));
    }

    /// Signs any JWT with the provider's keys.
    pub fn sign(&self, draft: &Draft) -> String {
        lock(&self.provider.keys).sign(draft)
    }

    /// The key for tokens and the provider's other signing key.
    pub fn keys(&self) -> (SigningKey, SigningKey) {
        let keys = lock(&self.provider.keys);
        (keys.token().clone(), keys.other().clone())
    }

    /// When, and how often, notices are sent by themselves; by default once, with the outcome.
    pub fn set_notices(&self, notices: Notices) {
        *lock(&self.provider.notices) = notices;
    }

    /// What the provider would send now to the client of a request: a ping; with push tokens or an error,
    /// once there is an outcome.
    pub fn notice(&self, auth_req_id: &str) -> Option<Notice> {
        self.provider.notice(auth_req_id)
    }

    /// Sends a notice so many times, one after the other; the statuses that were answered.
    pub fn send(&self, notice: &Notice, times: u32) -> Vec<u16> {
        let (provider, notice) = (self.provider.clone(), notice.clone());
        let (done, wait) = mpsc::channel();
        let time = &self.provider.config.time;
        let now = time.call_at(time.now_ms());
        self.provider.run(Box::pin(async move {
            let _busy = now.await;
            let _ = done.send(provider.send(&notice, times).await);
        }));
        wait.recv().unwrap_or_default()
    }

    /// From now on a DPoP proof must hold this nonce, which each answer that may follow one brings; `None`:
    /// none is asked for.
    pub fn set_dpop_nonce(&self, nonce: Option<&str>) {
        *lock(&self.provider.dpop_nonce) = nonce.map(str::to_owned);
    }

    /// Takes a new token key, left out of the next `hidden` key sets that are
    /// sent. The old one stays in the key set.
    pub fn rotate_key(&self, hidden: u32) {
        lock(&self.provider.keys).rotate(hidden);
    }

    /// Stops listening and closes all connections.
    pub fn go_offline(&self) {
        self.order(Command::Offline);
    }

    /// Listens on the same port again.
    pub fn go_online(&self) {
        self.order(Command::Online);
    }

    /// Closes all connections, with a TCP reset or without.
    pub fn drop_connections(&self, reset: bool) {
        self.order(Command::Drop { reset });
    }

    /// Whether new connections are reset as soon as they are accepted.
    pub fn reset_on_accept(&self, reset: bool) {
        let flag = &self.provider.reset_on_accept;
        flag.store(reset, Ordering::Relaxed);
    }

    /// Gives an order and waits until it has been carried out.
    fn order(&self, command: Command) {
        let (done, wait) = mpsc::channel();
        let done = Box::new(move || {
            let _ = done.send(());
        });
        if self.orders.send((command, done)).is_ok() {
            let _ = wait.recv();
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.orders.send((Command::Stop, Box::new(|| {})));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listen(port: u16) -> io::Result<StdListener> {
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Gives a request (the newest if none is named) an outcome.
pub(crate) fn end(provider: &Arc<Provider>, id: Option<&str>, verdict: Verdict) -> bool {
    let now = provider.config.time.now_ms();
    let mut requests = lock(&provider.requests);
    let Some(request) = requests.find(id) else {
        return false;
    };
    if verdict.after_ms == 0 {
        provider.narrate(|| format!("[phone] {}", spoken(&verdict.outcome)));
    }
    let at = now.saturating_add(verdict.after_ms);
    let is_told = request.notification_token.is_some() && verdict.outcome != Outcome::Expire;
    request.ends = Some((verdict.outcome, at));
    let id = id.map(str::to_owned).or_else(|| requests.newest().map(str::to_owned));
    drop(requests);
    if let Some(id) = id.filter(|_| is_told) {
        provider.schedule_notice(&id, at);
    }
    true
}

/// Lets a request (the newest if none is named) expire.
pub(crate) fn expire(provider: &Provider, id: Option<&str>) -> bool {
    let now = provider.config.time.now_ms();
    let mut requests = lock(&provider.requests);
    let request = requests.find(id);
    request.map(|request| request.expires_at = now).is_some()
}

pub(crate) fn pending(provider: &Provider) -> Vec<PendingRequest> {
    let now = provider.config.time.now_ms();
    let requests = lock(&provider.requests);
    let view = requests.ids().map(|(id, request)| PendingRequest {
        auth_req_id: id.clone(),
        person: request.person.id.clone(),
        text: request.person.text.clone(),
        expires_in_ms: request.expires_at.saturating_sub(now),
    });
    view.collect()
}
