//! The provider itself: its state, and what it answers to each request.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use serde_json::json;
use tokio::sync::mpsc::UnboundedSender;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;

use crate::afterwards::REFRESH_GRANT;
use crate::authentication::{Refused, Used};
use crate::client::Client;
use crate::config::Config;
use crate::fault::Faults;
use crate::form::Form;
use crate::issued::Issued;
use crate::journal::{Journal, Kind};
use crate::keys::{Draft, Keys, random, uuid};
use crate::mtls::Peer;
use crate::notices::{Notices, token_of};
use crate::outcome::{Outcome, Verdict};
use crate::personality::Hint;
use crate::requests::{Polled, Request, Requests, Rules};
use crate::step::Step;
use crate::time::BoxFuture;

const GRANT_TYPE: &str = "urn:openid:params:grant-type:ciba";
const HINTS: [&str; 3] = ["login_hint", "login_hint_token", "id_token_hint"];

type Once = Box<dyn FnOnce(&mut Draft) + Send>;
type Every = Arc<dyn Fn(&mut Draft) + Send + Sync>;

/// What tests do to ID tokens before they are signed.
#[derive(Default)]
pub(crate) struct Hooks {
    pub next: VecDeque<Once>,
    pub every: Option<Every>,
}

/// All that the provider knows, shared between its connections.
pub(crate) struct Provider {
    pub config: Config,
    pub clients: Vec<Client>,
    pub issuer: String,
    /// Where clients show certificates, if they can.
    pub mtls: Option<Mtls>,
    rules: Rules,
    discovery: Bytes,
    pub journal: Journal,
    pub faults: Mutex<Faults>,
    pub requests: Mutex<Requests>,
    pub keys: Mutex<Keys>,
    pub hooks: Mutex<Hooks>,
    pub default: Mutex<Option<Verdict>>,
    /// What of clients' JWTs was used.
    pub used: Mutex<Used>,
    /// What DPoP proofs must hold, if anything.
    pub dpop_nonce: Mutex<Option<String>>,
    pub issued: Mutex<Issued>,
    pub notices: Mutex<Notices>,
    /// What its thread does beside answering.
    pub work: UnboundedSender<BoxFuture<'static, ()>>,
    /// Connections that end while this is set end with a reset.
    pub reset_on_drop: AtomicBool,
    /// New connections are reset while this is set.
    pub reset_on_accept: AtomicBool,
}

/// The other listener, and who knows whose certificates are good.
pub(crate) struct Mtls {
    /// The issuer there.
    pub base: String,
    pub verifier: Arc<dyn ClientCertVerifier>,
}

/// An answer, before any fault.
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    pub body: Bytes,
    pub label: Cow<'static, str>,
    /// Of an acknowledgement.
    pub auth_req_id: Option<String>,
}

const JSON: &str = "application/json; charset=UTF-8";

impl Reply {
    pub fn new(status: u16, label: impl Into<Cow<'static, str>>) -> Self {
        Reply { status, headers: Vec::new(), body: Bytes::new(), label: label.into(), auth_req_id: None }
    }

    pub fn header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn json(status: u16, label: impl Into<Cow<'static, str>>, body: impl Into<Bytes>) -> Self {
        let mut reply = Reply::new(status, label).header("content-type", JSON);
        reply.body = body.into();
        reply
    }

    fn error(status: u16, code: impl Into<Cow<'static, str>>) -> Self {
        let code = code.into();
        let body = match code.as_ref() {
            "authorization_pending" => Bytes::from_static(br#"{"error":"authorization_pending"}"#),
            other => json!({ "error": other }).to_string().into(),
        };
        Reply::json(status, code, body)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Provider {
    pub fn new(
        config: Config,
        issuer: String,
        mtls: Option<Mtls>,
        work: UnboundedSender<BoxFuture<'static, ()>>,
    ) -> Self {
        let clients = match config.clients.is_empty() {
            true => vec![Client::new(config.personality.client.0, config.personality.client.1)],
            false => config.clients.clone(),
        };
        let interval = config.interval.unwrap_or(config.personality.interval);
        Provider {
            clients,
            rules: Rules {
                throttle_ms: config.throttle.then_some(interval * 1000),
                denied: config.personality.denied,
            },
            discovery: config
                .personality
                .discovery(&issuer, mtls.as_ref().map(|mtls| mtls.base.as_str()))
                .to_string()
                .into(),
            issuer,
            mtls,
            journal: Journal::new(config.journal_limit),
            faults: Mutex::default(),
            requests: Mutex::default(),
            keys: Mutex::new(Keys::new()),
            hooks: Mutex::default(),
            default: Mutex::new(config.default.clone()),
            used: Mutex::default(),
            dpop_nonce: Mutex::default(),
            issued: Mutex::default(),
            notices: Mutex::default(),
            work,
            reset_on_drop: AtomicBool::new(false),
            reset_on_accept: AtomicBool::new(false),
            config,
        }
    }

    /// Tells stderr what a person would see, if that is wanted.
    pub fn narrate(&self, text: impl FnOnce() -> String) {
        if self.config.narrate {
            eprintln!("{}", text());
        }
    }

    /// What a request is for, by its path; the token endpoint has two uses.
    pub fn kind_of(&self, path: &str, body: &[u8]) -> Kind {
        let p = &self.config.personality;
        let refreshes = || {
            let mut form = form_urlencoded::parse(body);
            form.any(|(name, value)| name == "grant_type" && value == REFRESH_GRANT)
        };
        // An issuer may end with a slash, which is not doubled there.
        let metadata = path.strip_prefix(p.root.trim_end_matches('/'));
        match path.strip_prefix(p.root) {
            _ if metadata == Some("/.well-known/openid-configuration") => Kind::Discovery,
            Some(rest) if rest == p.token && refreshes() => Kind::Refresh,
            Some(rest) if rest == p.token => Kind::Poll,
            Some(rest) if rest == p.start => Kind::Start,
            Some(rest) if rest == p.jwks => Kind::Jwks,
            Some(rest) if rest == p.userinfo => Kind::Userinfo,
            Some(rest) if p.introspection == Some(rest) => Kind::Introspection,
            Some(rest) if p.revocation == Some(rest) => Kind::Revocation,
            Some(rest) if matches!(p.step, Some(Step::Prepare(path)) if path == rest) => Kind::Prepare,
            Some(rest) if matches!(p.step, Some(Step::InitAuth(path)) if path == rest) => Kind::InitAuth,
            Some(rest) if p.cancel.is_some_and(|cancel| rest.starts_with(cancel)) => Kind::Cancel,
            _ => Kind::Other,
        }
    }

    /// Answers a request as the provider would.
    pub fn answer(self: &Arc<Self>, kind: Kind, request: &Parts, body: &Bytes) -> Reply {
        let get = request.method == Method::GET;
        let mut reply = match kind {
            Kind::Discovery if get => Reply::json(200, "discovery", self.discovery.clone()),
            Kind::Jwks if get => Reply::json(200, "jwks", lock(&self.keys).jwks().to_string()),
            Kind::Start => {
                self.start(request, body).unwrap_or_else(|(status, code)| Reply::error(status, code))
            }
            Kind::Poll => {
                self.poll(request, body).unwrap_or_else(|(status, code)| Reply::error(status, code))
            }
            Kind::Refresh => {
                self.refresh(request, body).unwrap_or_else(|(status, code)| Reply::error(status, code))
            }
            Kind::Introspection => {
                self.introspect(request, body).unwrap_or_else(|(status, code)| Reply::error(status, code))
            }
            Kind::Revocation => {
                self.revoke(request, body).unwrap_or_else(|(status, code)| Reply::error(status, code))
            }
            Kind::Prepare => {
                self.prepare(request, body).unwrap_or_else(|(status, code)| Reply::error(status, code))
            }
            Kind::InitAuth => {
                self.init_auth(request, body).unwrap_or_else(|(status, code)| Reply::error(status, code))
            }
            Kind::Cancel if request.method == Method::DELETE => self.cancel(request.uri.path()),
            Kind::Userinfo if get || request.method == Method::POST => self.userinfo(request),
            Kind::Other => {
                let mut reply = Reply::new(404, "not_found").header("content-type", "text/html");
                reply.body = Bytes::from_static(b"<html><body>Not Found</body></html>");
                reply
            }
            _ => Reply::new(405, "method_not_allowed"),
        };
        let nonce = lock(&self.dpop_nonce).clone();
        let takes_proofs = match kind {
            Kind::Poll | Kind::Refresh | Kind::Userinfo => true,
            Kind::Start => request.headers.contains_key("dpop"),
            _ => false,
        };
        if let Some(nonce) = nonce.filter(|_| takes_proofs) {
            reply = reply.header("dpop-nonce", nonce);
        }
        let more = match kind {
            Kind::Discovery | Kind::Jwks => self.config.personality.metadata_headers,
            _ => self.config.personality.headers,
        };
        let more = more.iter().map(|&(n, v)| (n.into(), v.into()));
        reply.headers.extend(more);
        reply
    }

    /// The form of a POST, and the client that has authenticated itself.
    pub fn form<'a>(
        &self,
        request: &Parts,
        body: &'a Bytes,
        unknown_client: u16,
    ) -> Result<(Form<'a>, &Client), (u16, &'static str)> {
        let refused = (400, "invalid_request");
        let content_type = request.headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|v| v.to_str().ok()).unwrap_or("");
        let essence = content_type.split(';').next().unwrap_or("").trim();
        if request.method != Method::POST
            || !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        {
            return Err(refused);
        }
        let form = Form::parse(body).ok_or(refused)?;
        let client = self.authenticated(request, &form).map_err(|why| match why {
            Refused::Unknown => (unknown_client, "invalid_client"),
            Refused::Ambiguous => refused,
        })?;
        Ok((form, client))
    }

    fn start(self: &Arc<Self>, request: &Parts, body: &Bytes) -> Result<Reply, (u16, &'static str)> {
        let p = &self.config.personality;
        let refuse = |code| Err((400, code));
        let (form, client) = self.form(request, body, 401)?;
        let mode = client.backchannel_token_delivery_mode.as_deref();
        // The key of tokens that will be pushed is shown here (CIBA Core §5). Nothing is looked at before it.
        let key = match mode {
            Some("push") => self.key_of(client, request)?,
            _ => None,
        };
        let form = self.asked(client, form).ok_or((400, "invalid_request"))?;
        let notification_token = token_of(mode, &form)?;
        let bound = client.tls_client_certificate_bound_access_tokens;
        let Some(scope) = form.get("scope") else {
            return refuse("invalid_request");
        };
        let has = |wanted: &&str| scope.split(' ').any(|scope| scope == *wanted);
        if !p.scopes.0.iter().all(has) {
            return refuse(p.scopes.1);
        }
        let mut hints = HINTS.iter().filter_map(|&n| form.get(n).map(|v| (n, v)));
        let (Some((name, value)), None) = (hints.next(), hints.next()) else {
            return refuse("invalid_request");
        };
        if !p.hints.contains(&name) {
            return refuse("invalid_request");
        }
        let binding_message = form.get("binding_message");
        if binding_message.is_some_and(|text| text.chars().count() > p.longest_binding_message) {
            return refuse("invalid_binding_message");
        }
        let expires_in = match form.get("requested_expiry").map(str::parse::<u64>) {
            None => self.config.expires_in.unwrap_or(p.expires_in),
            Some(Ok(seconds)) if (1..=p.longest).contains(&seconds) => seconds,
            Some(_) => return refuse("invalid_request"),
        };
        let hint = Hint { name, value, binding_message };
        let person = (p.person)(&hint).map_err(|code| (400, code))?;
        let now = self.config.time.now_ms();
        let verdict = person.verdict.clone();
        let verdict = verdict.or_else(|| lock(&self.default).clone());
        let ends = verdict.map(|v| (v.outcome, now.saturating_add(v.after_ms)));
        self.narrate(|| format!("[phone] {} for {}: {:?}", p.name, person.id, person.text));
        let id = (p.auth_req_id)();
        let request = Request {
            client_id: client.id.clone(),
            scope: (p.granted)(scope),
            person,
            transaction: uuid(random()),
            expires_at: now.saturating_add(expires_in.saturating_mul(1000)),
            last_poll: None,
            notification_token,
            certificate: Peer::of(request).thumbprint().filter(|_| bound),
            key,
            ends: ends.clone(),
        };
        lock(&self.requests).insert(id.clone(), request, now);
        if let Some((outcome, at)) = ends {
            if mode.is_some_and(|mode| mode != "poll") && outcome != Outcome::Expire {
                self.schedule_notice(&id, at);
            }
            self.narrate_later(&id, outcome, at - now);
        }
        let interval = self.config.interval.unwrap_or(p.interval);
        let body = json!({ "auth_req_id": id, "expires_in": expires_in, "interval": interval });
        Ok(Reply { auth_req_id: Some(id), ..Reply::json(200, "ack", body.to_string()) })
    }

    /// Tells stderr of an outcome at its time, if the request is still there.
    fn narrate_later(self: &Arc<Self>, id: &str, outcome: Outcome, in_ms: u64) {
        if !self.config.narrate {
            return;
        }
        let (provider, id) = (self.clone(), id.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(in_ms)).await;
            let mut requests = lock(&provider.requests);
            let ends = requests.find(Some(&id)).and_then(|r| r.ends.clone());
            if ends.is_some_and(|(still, _)| still == outcome) {
                eprintln!("[phone] {}", spoken(&outcome));
            }
        });
    }

    fn poll(&self, request: &Parts, body: &Bytes) -> Result<Reply, (u16, &'static str)> {
        let unknown_client = self.config.personality.unknown_client;
        let (form, client) = self.form(request, body, unknown_client)?;
        if form.get("grant_type") != Some(GRANT_TYPE) {
            return Err((400, "unsupported_grant_type"));
        }
        if client.backchannel_token_delivery_mode.as_deref() == Some("push") {
            return Err((400, "unauthorized_client"));
        }
        let id = form.get("auth_req_id").ok_or((400, "invalid_request"))?;
        let key = self.key_of(client, request)?;
        let now = self.config.time.now_ms();
        let polled = lock(&self.requests).poll(id, &client.id, now, self.rules);
        Ok(match polled {
            Polled::Error(code) => Reply::error(400, code),
            Polled::Tokens(polled) => {
                self.narrate(|| "[provider] tokens handed out".into());
                let bound = client.tls_client_certificate_bound_access_tokens;
                self.tokens(&polled, now, Peer::of(request).thumbprint().filter(|_| bound), key, None)
            }
        })
    }

    /// The key that the tokens of a token request are bound to; `None`: the client's tokens are not.
    pub fn key_of(&self, client: &Client, request: &Parts) -> Result<Option<String>, (u16, &'static str)> {
        let proved = || self.proved_key(request, None).map_err(|code| (400, code));
        client.dpop_bound_access_tokens.then(proved).transpose()
    }

    fn cancel(&self, path: &str) -> Reply {
        let id = path.rsplit('/').next().unwrap_or_default();
        let id = crate::form::decode(id).unwrap_or_default();
        let p = &self.config.personality;
        let prefix = p.root.len() + p.cancel.map_or(0, str::len);
        let alone = !path.get(prefix..).unwrap_or("/").contains('/');
        match alone && lock(&self.requests).remove(Some(&id)).is_some() {
            true => {
                self.narrate(|| "[phone] the request is gone".into());
                Reply::new(204, "cancelled")
            }
            false => Reply::new(404, "unknown"),
        }
    }
}

/// An outcome as a person would say it.
pub(crate) fn spoken(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Approve => "approved".into(),
        Outcome::Deny => "refused".into(),
        Outcome::Expire => "nobody answers".into(),
        Outcome::Fail(code) => format!("failed: {code}"),
    }
}
