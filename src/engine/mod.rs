//! The only room with threads and sockets: one background runtime for the process.
//!
//! Callers hand work over and wait on a condition variable of their own; nothing here waits for a
//! caller, and no caller waits for a socket unless it asked to.

mod clock;
mod departure;
mod exchange;
mod http;
mod platform;
mod resolver;
mod schedule;
mod signal;

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::Abortable;
use tokio::runtime::{Handle, Id};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::{Clock, ClockHold};
use crate::error::{Error, Result, Status};
use crate::wire::{Kind, Request};

pub use clock::SystemClock;
pub(crate) use departure::Departure;
pub(crate) use exchange::Exchanged;
pub(crate) use futures_util::future::AbortHandle;
pub(crate) use http::{Http, HttpSettings, ProxySettings, TlsSettings, with_client_certificate};
pub(crate) use platform::PerProcess;
pub use resolver::Lookup;
pub(crate) use resolver::Resolver;
pub(crate) use schedule::{Attend, ScheduledAt, Wish};
pub(crate) use signal::Signal;

/// How many token requests to one host may be under way at once, and how many other requests: those
/// never wait for token requests, which a provider may hold open.
const MOST_EXCHANGES_PER_HOST: usize = 256;

/// The background runtime. Cheap to clone.
///
/// Programs need not know it: clients share the process's own. A test makes one of its own, with
/// a clock of its own.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

/// The permission to have one more exchange under way with a host, as long as it is kept.
pub(crate) struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

struct Inner {
    /// Whose engine it is: in a child made by fork nothing of it runs.
    process: u32,
    runtime: Id,
    wishes: UnboundedSender<Wish>,
    clock: Arc<dyn Clock>,
    resolver: Resolver,
    bounds: Mutex<HashMap<(String, bool), Arc<Semaphore>>>,
}

static OF_PROCESS: PerProcess<Engine> = PerProcess::new();

impl Engine {
    /// The engine of this process, started if there is none.
    pub(crate) fn of_process() -> Result<Engine> {
        OF_PROCESS.get_or_try_init(|| Engine::start(Arc::new(SystemClock), resolver::system())).cloned()
    }

    /// Starts an engine of its own, for tests: with a clock and a way to look up names.
    ///
    /// Errors: `RESOURCES`.
    pub fn start(clock: Arc<dyn Clock>, lookup: Lookup) -> Result<Engine> {
        let refused = |what: &str, e: std::io::Error| {
            Error::new(Status::RESOURCES, format!("the system refused {what}: {}", e.kind()))
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(|e| refused("an event queue", e))?;
        let (wishes, received) = tokio::sync::mpsc::unbounded_channel();
        let inner = Inner {
            process: std::process::id(),
            runtime: runtime.handle().id(),
            wishes,
            clock: clock.clone(),
            resolver: Resolver::new(lookup),
            bounds: Mutex::default(),
        };
        platform::spawn("ciba-engine", move || runtime.block_on(schedule::run(clock, received)))
            .map_err(|e| refused("a thread", e))?;
        Ok(Engine(Arc::new(inner)))
    }

    /// Errors: `OTHER_PROCESS` in a child made by fork.
    pub(crate) fn same_process(&self) -> Result<()> {
        if self.0.process == std::process::id() { Ok(()) } else { Err(Status::OTHER_PROCESS.into()) }
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    pub(crate) fn resolver(&self) -> Resolver {
        self.0.resolver.clone()
    }

    /// Has `who` looked at now, and again whenever it asks to be.
    pub(crate) fn attend(&self, who: Arc<dyn Attend>, hold: ClockHold) {
        // The receiver lives as long as the engine's thread.
        let _ = self.0.wishes.send(Wish::Attend(who, hold));
    }

    /// Runs work in the background. Should it panic, `broken` is called instead of its end.
    ///
    /// It is made on the engine's thread: what it needs while it runs, some kilobytes, would otherwise lie
    /// among what its maker keeps for long, and leave as many holes there as there are flows.
    pub(crate) fn spawn<W: Future<Output = ()> + Send + 'static>(
        &self,
        work: impl FnOnce() -> W + Send + 'static,
        broken: impl FnOnce() + Send + 'static,
    ) -> AbortHandle {
        let (handle, registration) = AbortHandle::new_pair();
        let begin = move || {
            let work = AssertUnwindSafe(Abortable::new(work(), registration)).catch_unwind();
            tokio::spawn(work.map(|ended| {
                if ended.is_err() {
                    broken();
                }
            }));
        };
        match Handle::try_current().is_ok_and(|current| current.id() == self.0.runtime) {
            true => begin(),
            false => drop(self.0.wishes.send(Wish::Begin(Box::new(begin)))),
        }
        handle
    }

    /// Waits until one more exchange may be under way with the host of this request.
    pub(crate) async fn turn(&self, request: &Request) -> Turn {
        let bound = {
            let key = (request.url.authority().to_owned(), request.kind == Kind::Poll);
            let mut bounds = self.0.bounds.lock().unwrap_or_else(PoisonError::into_inner);
            bounds.entry(key).or_insert_with(|| Arc::new(Semaphore::new(MOST_EXCHANGES_PER_HOST))).clone()
        };
        // A bound that was closed, which never happens, bounds nothing.
        Turn { _permit: bound.acquire_owned().await.ok() }
    }
}
