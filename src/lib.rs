//! libciba: OpenID Connect CIBA (Client-Initiated Backchannel Authentication) for programs without
//! a browser. A program asks a provider to authenticate a person; the person approves on the phone;
//! the program gets tokens that have been verified.
//!
//! ```no_run
//! use ciba::{AuthenticationRequest, Client, Config};
//!
//! let mut config = Config::new();
//! config.set("provider", "telenor-test")?.set("client_id", "desk-7")?.set("client_secret", "…")?;
//! let client = Client::new(&config)?;
//!
//! let mut request = AuthenticationRequest::new();
//! request.set("login_hint", "+4799988777")?;
//! let flow = client.init(&request, None)?; // the phone rings
//! let tokens = flow.poll(None)?.expect("decided, since nothing bounds the wait");
//! println!("{:?}", tokens.claim_text("sub"));
//! # Ok::<(), ciba::Error>(())
//! ```
//!
//! # The rooms, and the way of one sign-in through them
//!
//! [`AuthenticationRequest`] → checked against the `provider`'s rules, made a form (`request`) or a JWT
//! (`signed_request`) → the client's credentials added (`client_auth`; both sign by `signing`) → carried by
//! the `engine`, in TLS with the client's certificate if it has one (`client_certificate`) → the
//! acknowledgement read (`answer`) → a `flow` → polls when due → each answer read (`answer`) and judged
//! (`flow`): again at a time, or an outcome; in ping and push mode what the provider sends to the client
//! (`notification`) comes before its time or in its place → tokens verified
//! (`tokens`) → handed out by the `client`. What is done with tokens later is one exchange each
//! (`afterwards`). `capi` tells the same to C. Only `engine` and `client` know threads, only `engine`
//! knows sockets; the rooms of the protocol are pure.

#![deny(unsafe_code)]
// Nothing that comes from outside may end in a panic.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![warn(missing_docs)]

mod afterwards;
mod answer;
#[cfg(feature = "capi")]
pub mod capi;
mod client;
mod client_auth;
mod client_certificate;
mod clock;
mod dpop;
mod engine;
mod error;
mod flow;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod json;
mod log;
mod notification;
mod provider;
mod readable;
mod request;
mod settings;
mod signed_request;
mod signing;
mod texts;
mod tokens;
mod wire;

pub use afterwards::TokenKind;
pub use client::{Client, Config, Flow, FlowSet, Progress, ProgressStage, SavedFlow, Timeout, Watch};
pub use clock::{Clock, ClockHold, Millis};
pub use engine::{Engine, Lookup, SystemClock};
pub use error::{Error, Result, Status};
pub use log::{Event, Level, Log};
pub use notification::{Notification, NotificationKind};
pub use request::AuthenticationRequest;
pub use settings::{Form, PARAMETERS, SETTINGS, Setting};
pub use signing::{ExternalSigner, SigningInput};
pub use tokens::{Answer, Tokens};

/// The library's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
