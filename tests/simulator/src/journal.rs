//! The journal: every request in order of arrival, and what was answered.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// What a request was for, told by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The provider's metadata.
    Discovery,
    /// The provider's keys.
    Jwks,
    /// The backchannel authentication endpoint.
    Start,
    /// The token endpoint, with an `auth_req_id`.
    Poll,
    /// The cancel call, at providers that have one.
    Cancel,
    /// The userinfo endpoint.
    Userinfo,
    /// The token endpoint, with a refresh token.
    Refresh,
    /// The introspection endpoint.
    Introspection,
    /// The revocation endpoint.
    Revocation,
    /// A step before the start, at providers that have one.
    Prepare,
    /// A step after it.
    InitAuth,
    /// What the provider sends to the client's notification endpoint, which answers.
    Notification,
    /// Any other path.
    Other,
}

/// How many kinds there are.
pub(crate) const KINDS: usize = 13;

/// One request and its answer.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its number, counted from 0 since the start (or the last clearing).
    pub seq: u64,
    /// When its last byte had arrived, by the simulator's clock.
    pub at_ms: u64,
    /// The HTTP method.
    pub method: String,
    /// The raw request target.
    pub path: String,
    /// The headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    #[serde(serialize_with = "as_text")]
    pub body: Vec<u8>,
    /// What it was for.
    pub kind: Kind,
    /// Whether it came by the listener that asks for certificates.
    pub mtls: bool,
    /// The version of TLS that it came over, for example `TLSv1_3`.
    pub tls: Option<&'static str>,
    /// The certificate that the client showed there: its SHA-256, as in `x5t#S256`.
    pub certificate: Option<String>,
    /// The status that was answered, if one was.
    pub status: Option<u16>,
    /// What was answered: `ack`, `tokens`, an error code, `(cut)`, …
    pub answer: String,
    /// The identifier that the provider gave the request, where this acknowledges one.
    pub auth_req_id: Option<String>,
}

fn as_text<S: serde::Serializer>(body: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&String::from_utf8_lossy(body))
}

impl Entry {
    /// The body's form parameters, decoded, in order.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The first form parameter of that name.
    pub fn param(&self, name: &str) -> Option<String> {
        let mut form = form_urlencoded::parse(&self.body);
        form.find(|(n, _)| n == name).map(|(_, v)| v.into_owned())
    }

    /// The first header of that name (any case).
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The entry on one line: `5200 POST /connect/token -> 200 tokens`; with `over mTLS` behind the path
    /// for the listener that asks for certificates.
    pub fn line(&self) -> String {
        let status = self.status.map(|s| format!("{s} ")).unwrap_or_default();
        let over = if self.mtls { " over mTLS" } else { "" };
        format!("{} {} {}{over} -> {status}{}", self.at_ms, self.method, self.path, self.answer)
    }
}

/// What of a request the journal keeps; made only while entries are kept.
pub(crate) struct Arrived {
    pub at_ms: u64,
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub mtls: bool,
    pub tls: Option<&'static str>,
    pub certificate: Option<String>,
}

pub(crate) struct Journal {
    limit: usize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    entries: VecDeque<Entry>,
    next_seq: u64,
    /// Grows with each clearing, so that a late answer finds no wrong entry.
    era: u64,
    counts: [u64; KINDS],
}

/// Where an answer is to be noted.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    era: u64,
    seq: u64,
}

impl Journal {
    pub fn new(limit: usize) -> Self {
        Journal { limit, inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a request; `arrived` is called only if entries are kept.
    pub fn note(&self, kind: Kind, arrived: impl FnOnce() -> Arrived) -> Place {
        let kept = (self.limit > 0).then(arrived);
        let mut inner = self.lock();
        let (era, seq) = (inner.era, inner.next_seq);
        inner.next_seq += 1;
        inner.counts[kind as usize] += 1;
        if let Some(arrived) = kept {
            if inner.entries.len() == self.limit {
                inner.entries.pop_front();
            }
            inner.entries.push_back(Entry {
                seq,
                at_ms: arrived.at_ms,
                method: arrived.method,
                path: arrived.path,
                headers: arrived.headers,
                body: arrived.body,
                kind,
                mtls: arrived.mtls,
                tls: arrived.tls,
                certificate: arrived.certificate,
                status: None,
                answer: "(open)".into(),
                auth_req_id: None,
            });
        }
        Place { era, seq }
    }

    /// Notes what was answered, and the identifier in it.
    pub fn answered(&self, place: Place, status: Option<u16>, answer: &str, auth_req_id: Option<&str>) {
        if self.limit == 0 {
            return;
        }
        let mut inner = self.lock();
        let first = inner.entries.front().map_or(0, |entry| entry.seq);
        let index = place.seq.checked_sub(first);
        if inner.era == place.era
            && let Some(index) = index.and_then(|i| usize::try_from(i).ok())
            && let Some(entry) = inner.entries.get_mut(index)
        {
            entry.status = status;
            entry.answer = answer.to_owned();
            entry.auth_req_id = auth_req_id.map(str::to_owned);
        }
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.lock().entries.iter().cloned().collect()
    }

    pub fn lines(&self) -> Vec<String> {
        self.lock().entries.iter().map(Entry::line).collect()
    }

    pub fn clear(&self) {
        let mut inner = self.lock();
        let era = inner.era + 1;
        *inner = Inner { era, ..Inner::default() };
    }

    pub fn count(&self, kind: Kind) -> u64 {
        self.lock().counts[kind as usize]
    }

    pub fn total(&self) -> u64 {
        self.lock().counts.iter().sum()
    }
}
