//! The pending requests: pure bookkeeping, told the time.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::outcome::Outcome;
use crate::personality::Person;

/// How long an expired request still answers `expired_token`, in ms.
const REMEMBERED_MS: u64 = 60_000;

/// One request for approval.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub client_id: String,
    pub scope: String,
    pub person: Person,
    /// A name for this one authentication.
    pub transaction: String,
    pub expires_at: u64,
    pub last_poll: Option<u64>,
    /// By which the client knows who tells it of this request.
    pub notification_token: Option<String>,
    /// The certificate that the client showed at the start, where its access tokens are bound to it.
    pub certificate: Option<String>,
    /// The key that the client proved at the start, where tokens that are pushed are bound to it by DPoP.
    pub key: Option<String>,
    /// What will happen, and when; `None` waits until told.
    pub ends: Option<(Outcome, u64)>,
}

impl Request {
    /// The outcome that has come about by now, before the request expired.
    pub fn outcome(&self, now: u64) -> Option<&Outcome> {
        match &self.ends {
            Some((outcome, at)) if *at <= now && *at < self.expires_at => Some(outcome),
            _ => None,
        }
    }
}

/// The answer to a poll.
#[derive(Debug)]
pub(crate) enum Polled {
    Error(Cow<'static, str>),
    Tokens(Box<Request>),
}

/// How the provider answers polls.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// Shortest time between polls; `None` never says `slow_down`.
    pub throttle_ms: Option<u64>,
    /// The code for a refusal.
    pub denied: &'static str,
}

#[derive(Default)]
pub(crate) struct Requests {
    open: HashMap<String, Request>,
    newest: Option<String>,
    /// When the next sweep of long-expired requests is worth it.
    sweep_at: usize,
}

impl Requests {
    pub fn insert(&mut self, id: String, request: Request, now: u64) {
        if self.open.len() >= self.sweep_at.max(1024) {
            self.open.retain(|_, r| r.expires_at.saturating_add(REMEMBERED_MS) > now);
            self.sweep_at = self.open.len() * 2;
        }
        self.newest = Some(id.clone());
        self.open.insert(id, request);
    }

    /// The request of that id; the newest one if there is no id.
    pub fn find(&mut self, id: Option<&str>) -> Option<&mut Request> {
        let id = id.or(self.newest.as_deref())?;
        self.open.get_mut(id)
    }

    pub fn remove(&mut self, id: Option<&str>) -> Option<Request> {
        let id = id.or(self.newest.as_deref())?;
        self.open.remove(id)
    }

    pub fn newest(&self) -> Option<&str> {
        self.newest.as_deref()
    }

    pub fn ids(&self) -> impl Iterator<Item = (&String, &Request)> {
        self.open.iter()
    }

    /// Answers a poll. Throttling comes first: whoever polls too fast learns
    /// nothing else, and starts the wait again. What ends a request is told once.
    pub fn poll(&mut self, id: &str, client_id: &str, now: u64, rules: Rules) -> Polled {
        let Some(request) = self.open.get_mut(id).filter(|r| r.client_id == client_id) else {
            return Polled::Error("invalid_grant".into());
        };
        let last = request.last_poll.replace(now);
        if let (Some(last), Some(throttle)) = (last, rules.throttle_ms)
            && now < last.saturating_add(throttle)
        {
            return Polled::Error("slow_down".into());
        }
        if now >= request.expires_at {
            if now < request.expires_at.saturating_add(REMEMBERED_MS) {
                return Polled::Error("expired_token".into());
            }
            self.open.remove(id);
            return Polled::Error("invalid_grant".into());
        }
        let code = match request.outcome(now) {
            None | Some(Outcome::Expire) => {
                return Polled::Error("authorization_pending".into());
            }
            Some(Outcome::Approve) => None,
            Some(Outcome::Deny) => Some(rules.denied.into()),
            Some(Outcome::Fail(code)) => Some(code.clone().into()),
        };
        match (code, self.open.remove(id)) {
            (None, Some(request)) => Polled::Tokens(Box::new(request)),
            (code, _) => Polled::Error(code.unwrap_or("invalid_grant".into())),
        }
    }
}
