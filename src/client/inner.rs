//! What a flow is made of behind its lock. What few of many flows have lies apart: fifty thousand that are
//! only pending have none of it.

use std::sync::{Arc, Condvar};

use smallvec::SmallVec;

use super::flow::FlowShared;
use super::handle::{Progress, WhileWaiting};
use super::notifications::Notified;
use super::signatures::Errand;
use super::steps::Shown;
use super::waiting::WakeAt;
use crate::engine::{AbortHandle, Departure};
use crate::error::Result;
use crate::flow::FlowState;

/// Who is told of changes without a thread that waits. Called without any lock of the flow's.
pub(crate) trait Watcher: Send + Sync {
    /// Something has changed with this flow.
    fn changed(&self, flow: &FlowShared, progress: &Progress);

    /// Somebody who waits is to sign for this flow.
    fn signature_wanted(&self, _flow: &FlowShared) {}

    /// This flow was freed.
    fn freed(&self, _flow: &FlowShared) {}
}

/// Most of many flows have one.
pub(super) type Watchers = SmallVec<[Arc<dyn Watcher>; 1]>;

/// What the provider's own cancel call has come to.
pub(super) enum Cancel {
    /// It follows once the start, still on its way, is acknowledged.
    Wanted,
    Sent,
    Done(Result<()>),
}

/// An exchange that is under way, or the verification of tokens, which sends nothing of the flow's.
pub(super) struct InFlight {
    pub task: AbortHandle,
    pub departure: Option<Arc<Departure>>,
}

impl InFlight {
    /// Keeps its request from being sent. `false`: it has been sent.
    pub fn stop(&self) -> bool {
        self.departure.as_ref().is_some_and(|departure| departure.stop())
    }
}

/// Callers that wait.
#[derive(Default)]
pub(super) struct Waiting {
    /// How many wait, and how many of them have the provider asked.
    pub callers: u32,
    pub pollers: u32,
    pub wake_at: WakeAt,
    pub on_progress: Option<WhileWaiting>,
    pub changed: Arc<Condvar>,
}

/// What few of many flows have.
#[derive(Default)]
struct Seldom {
    waiting: Waiting,
    cancel: Option<Cancel>,
    shown: Shown,
    notified: Option<Notified>,
    errand: Option<Box<Errand>>,
}

/// What happens to a flow, behind its lock.
pub(super) struct Inner {
    pub state: FlowState,
    /// The exchange that is under way.
    pub in_flight: Option<Box<InFlight>>,
    /// Exchanges that have ended.
    pub exchanges: u32,
    pub polls: u32,
    /// How often the flow was saved, here and before.
    pub revision: u32,
    pub freed: bool,
    /// Whether who waits or watches is to be told once the lock is free.
    pub changed: bool,
    /// Whether its outcome was logged: once the lock is free, since a log may ask the flow how it stands.
    pub end_told: bool,
    pub watchers: Watchers,
    /// When the request was made, in Unix milliseconds.
    pub started_unix_ms: i64,
    seldom: Option<Box<Seldom>>,
}

impl Inner {
    pub fn new(state: FlowState, started_unix_ms: i64) -> Inner {
        Inner {
            state,
            in_flight: None,
            exchanges: 0,
            polls: 0,
            revision: 0,
            freed: false,
            changed: false,
            end_told: false,
            watchers: Watchers::new(),
            started_unix_ms,
            seldom: None,
        }
    }

    /// Whether somebody wants the provider to be asked. If nobody does, there is no traffic.
    pub fn is_driven(&self) -> bool {
        !self.watchers.is_empty() || self.waiting().is_some_and(|waiting| waiting.pollers > 0)
    }

    /// `None`: nobody waits.
    pub fn waiting(&self) -> Option<&Waiting> {
        self.seldom.as_ref().map(|seldom| &seldom.waiting)
    }

    pub fn waiting_mut(&mut self) -> &mut Waiting {
        &mut self.seldom.get_or_insert_default().waiting
    }

    /// `None`: nobody gave the flow up.
    pub fn cancel(&self) -> Option<&Cancel> {
        self.seldom.as_ref()?.cancel.as_ref()
    }

    pub fn set_cancel(&mut self, cancel: Cancel) {
        self.seldom.get_or_insert_default().cancel = Some(cancel);
    }

    pub fn shown(&self) -> Option<&Shown> {
        self.seldom.as_ref().map(|seldom| &seldom.shown)
    }

    pub fn shown_mut(&mut self) -> &mut Shown {
        &mut self.seldom.get_or_insert_default().shown
    }

    /// `None`: no notification can come.
    pub fn notified(&self) -> Option<&Notified> {
        self.seldom.as_ref()?.notified.as_ref()
    }

    pub fn notified_mut(&mut self) -> Option<&mut Notified> {
        self.seldom.as_mut()?.notified.as_mut()
    }

    pub fn set_notified(&mut self, notified: Notified) {
        self.seldom.get_or_insert_default().notified = Some(notified);
    }

    /// What somebody who waits is to sign, for the exchange that is under way.
    pub fn set_errand(&mut self, errand: Errand) {
        self.seldom.get_or_insert_default().errand = Some(Box::new(errand));
    }

    pub fn has_errand(&self) -> bool {
        self.seldom.as_ref().is_some_and(|seldom| seldom.errand.is_some())
    }

    pub fn take_errand(&mut self) -> Option<Box<Errand>> {
        self.seldom.as_mut()?.errand.take()
    }

    /// Forgets what is of no account any more: many flows are waited for once, for their start, and then
    /// watched.
    pub fn tidy(&mut self) {
        self.seldom.take_if(|seldom| {
            let waiting = seldom.waiting.callers > 0 || seldom.waiting.on_progress.is_some();
            let notified = seldom.notified.is_some();
            let errand = seldom.errand.is_some();
            !waiting && !notified && !errand && seldom.cancel.is_none() && seldom.shown.is_empty()
        });
    }
}
