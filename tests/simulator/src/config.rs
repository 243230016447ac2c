//! What a simulator is started with.

use std::sync::Arc;

use crate::client::Client;
use crate::mtls::ClientCertificates;
use crate::outcome::Verdict;
use crate::personality::Personality;
use crate::time::{RealTime, Time};
use crate::tls::Certificate;

/// How a simulator behaves from its start on.
#[derive(Clone)]
pub struct Config {
    /// The provider to be.
    pub personality: Personality,
    /// Whether to speak TLS.
    pub tls: bool,
    /// The server's certificate, with TLS.
    pub certificate: Certificate,
    /// With TLS: a second listener that asks clients for certificates, and is where the aliases of
    /// RFC 8705 §5 lead.
    pub mtls: Option<ClientCertificates>,
    /// The host in the issuer: `127.0.0.1` or `localhost`.
    pub host: String,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// The port of the control interface, if there is to be one; 0 takes a free one.
    pub control_port: Option<u16>,
    /// Registered clients; the personality's own if empty.
    pub clients: Vec<Client>,
    /// Seconds between polls, in place of the personality's. May be 0.
    pub interval: Option<u64>,
    /// Lifetime of a request in seconds, in place of the personality's.
    pub expires_in: Option<u64>,
    /// Whether polls that come too early are told to slow down.
    pub throttle: bool,
    /// How many journal entries are kept, oldest dropped first; 0 only counts.
    pub journal_limit: usize,
    /// The clock.
    pub time: Arc<dyn Time>,
    /// What happens to a request whose hint says nothing; `None` waits until told.
    pub default: Option<Verdict>,
    /// Whether stderr tells what the phone shows (with the real clock).
    pub narrate: bool,
}

impl Config {
    /// Plain HTTP on a free port, real clock, no control interface.
    pub fn new(personality: Personality) -> Self {
        Config {
            personality,
            tls: false,
            certificate: Certificate::Good,
            mtls: None,
            host: "127.0.0.1".into(),
            port: 0,
            control_port: None,
            clients: Vec::new(),
            interval: None,
            expires_in: None,
            throttle: true,
            journal_limit: 100_000,
            time: Arc::new(RealTime::new()),
            default: None,
            narrate: false,
        }
    }

    /// The same with TLS.
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// The same with another clock.
    pub fn time(mut self, time: impl Time + 'static) -> Self {
        self.time = Arc::new(time);
        self
    }

    /// The same with a default verdict.
    pub fn default_verdict(mut self, verdict: Verdict) -> Self {
        self.default = Some(verdict);
        self
    }
}
