//! A local OpenID Connect CIBA provider for tests.
//!
//! It behaves as a real provider's documentation says (see [`personality`]),
//! keeps a [journal] of every request, and misbehaves when [told to](Fault).
//! It runs inside a test process ([`Simulator::start`]) or as the program
//! `ciba-sim`; README.md tells how to use the program.
//!
//! The rooms, from the bottom: `time`, `outcome`, `keys`, `form` and `requests`
//! know nothing of HTTP; `mtls` knows client certificates; `personality` holds what differs between providers;
//! `provider` and `tokens` answer requests, `notices` sends pings and pushes; `server`, `wire` and `body` own the
//! sockets and spoil answers; `simulator` and `control` are the handles for tests and programs.
//!
//! ```
//! use ciba_sim::{Config, Simulator, personality};
//!
//! let simulator = Simulator::start(Config::new(personality::telenor()));
//! assert!(simulator.issuer().starts_with("http://127.0.0.1:"));
//! assert!(simulator.lines().is_empty());
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod afterwards;
mod authentication;
mod body;
mod client;
mod config;
mod control;
mod dpop;
mod fault;
mod form;
mod issued;
pub mod journal;
mod jwt;
mod keys;
mod mtls;
mod notices;

mod outcome;
pub mod personality;
mod provider;
mod requests;
mod server;
mod simulator;
mod step;
pub mod time;
mod tls;
mod tokens;
mod wire;

pub use client::Client;
pub use config::Config;
pub use fault::{Answer, Fault, Modify};
pub use issued::Refresh;
pub use journal::{Entry, Kind};
pub use keys::{Draft, Signer, SigningKey};
pub use mtls::{ClientAuthority, ClientCertificates, IssuedCertificate, KeyKind};
pub use notices::{Notice, Notices};
pub use outcome::{Outcome, Verdict};
pub use personality::Personality;
pub use simulator::{PendingRequest, Simulator};
pub use step::Step;
pub use time::{Busy, RealTime, SimulatedTime, Time};
pub use tls::Certificate;
