//! Many flows, one waiter: after the manner of epoll.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use super::flow::FlowShared;
use super::handle::{Flow, Progress, ProgressStage};
use super::inner::Watcher;
use super::waiting::{LONGEST_WAIT, WakeAt, take_hold, until};
use super::{Client, ClientCore, Timeout};
use crate::clock::Millis;
use crate::engine::{Attend, Engine, ScheduledAt, Signal};
use crate::error::{Error, Result, Status};

/// Flows that are added together are asked for one after the other, so many ms apart, over the whole of
/// their interval.
const SPREAD_MS_FOR_EACH: u64 = 2;

/// The members of a set, and which of them have their outcome. No lock of a flow is taken while this
/// one's is held.
pub(crate) struct Members<T> {
    engine: Engine,
    scheduled_at: ScheduledAt,
    state: Mutex<State<T>>,
    changed: Condvar,
    signal: OnceLock<Signal>,
}

struct State<T> {
    /// Those that have no outcome yet, those that have one, and what their caller knows them by.
    pending: HashMap<Arc<FlowShared>, T>,
    ended: HashMap<Arc<FlowShared>, T>,
    /// In which order those have ended.
    settled: VecDeque<Arc<FlowShared>>,
    /// Those that somebody who waits is to sign for.
    to_sign: VecDeque<Arc<FlowShared>>,
    wake_at: WakeAt,
    /// Whose logs are delivered by the threads that wait.
    clients: Vec<Weak<ClientCore>>,
    /// One wait is to end without an outcome: the one under way, or the next.
    woken: bool,
    freed: bool,
}

impl<T> State<T> {
    fn has(&self, flow: &FlowShared) -> bool {
        self.pending.contains_key(flow) || self.ended.contains_key(flow)
    }

    fn forget(&mut self, flow: &FlowShared) -> Option<(Arc<FlowShared>, T)> {
        self.to_sign.retain(|wanting| **wanting != *flow);
        self.pending.remove_entry(flow).or_else(|| {
            let member = self.ended.remove_entry(flow)?;
            self.settled.retain(|settled| **settled != *flow);
            Some(member)
        })
    }

    fn next_settled(&mut self) -> Option<(Arc<FlowShared>, T)> {
        let flow = self.settled.pop_front()?;
        self.ended.remove_entry(&*flow)
    }

    fn count(&self) -> usize {
        self.pending.len() + self.ended.len()
    }

    fn know(&mut self, client: &Arc<ClientCore>) {
        if !self.clients.iter().any(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(client))) {
            self.clients.retain(|known| known.strong_count() > 0);
            self.clients.push(Arc::downgrade(client));
        }
    }
}

impl<T: Send + 'static> Members<T> {
    pub fn new(engine: Engine) -> Arc<Members<T>> {
        Arc::new(Members {
            engine,
            scheduled_at: ScheduledAt::default(),
            state: Mutex::new(State {
                pending: HashMap::new(),
                ended: HashMap::new(),
                settled: VecDeque::new(),
                to_sign: VecDeque::new(),
                wake_at: Vec::new(),
                clients: Vec::new(),
                woken: false,
                freed: false,
            }),
            changed: Condvar::new(),
            signal: OnceLock::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the descriptor readable while an outcome is there, or something to sign.
    fn show(&self, state: &State<T>) {
        if let Some(signal) = self.signal.get() {
            signal.show(!state.settled.is_empty() || !state.to_sign.is_empty());
        }
    }

    fn same_process(&self) -> Result<()> {
        self.engine.same_process()
    }

    fn watcher(self: &Arc<Self>) -> Arc<dyn Watcher> {
        self.clone()
    }

    pub fn add(self: &Arc<Self>, flow: &Arc<FlowShared>, data: T) -> Result<()> {
        self.same_process()?;
        flow.same_process()?;
        let mut state = self.lock();
        if state.freed {
            return Err(Status::FREED.into());
        }
        if state.has(flow) {
            return Err(Status::IN_SET.into());
        }
        let before = u64::try_from(state.count()).unwrap_or(u64::MAX);
        state.pending.insert(flow.clone(), data);
        state.know(&flow.client);
        drop(state);
        let interval = flow.interval().map_or(1, |interval| interval.as_millis().max(1) as u64);
        let delay = before.saturating_mul(SPREAD_MS_FOR_EACH) % interval;
        if let Err(error) = flow.watch(self.watcher(), delay) {
            self.freed(flow);
            return Err(error);
        }
        let (is_member, freed) = {
            let state = self.lock();
            (state.has(flow), state.freed)
        };
        if !is_member {
            flow.unwatch(&self.watcher()); // another thread has taken it out, or freed the set, meanwhile
        }
        if freed {
            return Err(Status::FREED.into());
        }
        if flow.outcome() != Status::PENDING {
            self.settle(flow); // before the watch began, perhaps
        }
        if flow.has_errand() {
            self.signature_wanted(flow); // likewise
        }
        Ok(())
    }

    pub fn remove(self: &Arc<Self>, flow: &Arc<FlowShared>) -> Result<Option<T>> {
        self.same_process()?;
        flow.same_process()?;
        flow.unwatch(&self.watcher());
        let mut state = self.lock();
        let member = state.forget(flow);
        self.show(&state);
        drop(state);
        Ok(member.map(|(_, data)| data))
    }

    pub fn wait(self: &Arc<Self>, timeout: Timeout) -> Result<Option<T>> {
        self.same_process()?;
        let until = until(self.engine.clock().now(), timeout);
        let mut state = self.lock();
        let (mut waits, mut signed) = (false, false);
        let result: Result<Option<(Arc<FlowShared>, T)>> = loop {
            if state.freed {
                break Err(Status::FREED.into());
            }
            if let Some(member) = state.next_settled() {
                break Ok(Some(member));
            }
            if std::mem::take(&mut state.woken) {
                break Ok(None);
            }
            let late = self.engine.clock().now() >= until;
            // Once at least, whatever the timeout: that is the program's own time.
            if !(late && signed)
                && let Some(flow) = state.to_sign.pop_front()
            {
                signed = true;
                self.show(&state);
                drop(state);
                flow.run_errand();
                drop(flow); // without the lock: it may be the last of it
                state = self.lock();
                continue;
            }
            if late {
                break Ok(None);
            }
            if !waits {
                waits = true;
                state.wake_at.push((until, None));
                drop(state);
                self.engine.attend(self.clone(), self.engine.clock().hold());
                state = self.lock();
                continue;
            }
            let left = until.saturating_sub(self.engine.clock().now());
            let left = Duration::from_millis(left).min(LONGEST_WAIT);
            drop(self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner));
            self.deliver_logs();
            state = self.lock();
        };
        self.show(&state);
        let hold = if waits { take_hold(&mut state.wake_at, until) } else { None };
        let left = state.woken || !state.settled.is_empty() || !state.to_sign.is_empty();
        drop(state);
        if left {
            self.changed.notify_one(); // this thread may have been the one that was woken for it
        }
        if hold.is_some() {
            self.engine.attend(self.clone(), hold); // only now may a simulated clock go on
        }
        self.deliver_logs();
        Ok(result?.map(|(flow, data)| {
            flow.unwatch(&self.watcher());
            data
        }))
    }

    fn deliver_logs(&self) {
        let clients = self.lock().clients.clone();
        clients.iter().filter_map(Weak::upgrade).for_each(|client| client.deliver_log());
    }

    /// Gives every member up; each is then reported with its outcome.
    pub fn cancel(&self) -> Result<()> {
        self.same_process()?;
        let pending: Vec<_> = self.lock().pending.keys().cloned().collect();
        for flow in pending {
            // What the provider says to it does not change the outcome.
            let _ = flow.cancel(Some(Duration::ZERO));
        }
        Ok(())
    }

    pub fn wake(&self) -> Result<()> {
        self.same_process()?;
        self.lock().woken = true;
        self.changed.notify_one();
        Ok(())
    }

    /// `None` in another process.
    pub fn count(&self) -> Option<usize> {
        self.same_process().ok()?;
        Some(self.lock().count())
    }

    /// A descriptor that is readable while an outcome is there.
    #[cfg(unix)]
    pub fn descriptor(&self) -> Result<std::os::fd::BorrowedFd<'_>> {
        self.same_process()?;
        let state = self.lock(); // nobody shows anything before the descriptor knows
        let signal = match self.signal.get() {
            Some(signal) => signal,
            None => {
                let refused = |e: std::io::Error| {
                    Error::new(Status::RESOURCES, format!("the system refused a descriptor: {}", e.kind()))
                };
                let signal = Signal::new().map_err(refused)?;
                self.signal.get_or_init(|| signal)
            }
        };
        self.show(&state);
        Ok(signal.descriptor())
    }

    /// The handle is gone: who waits is sent away, and members that are not driven otherwise cause no
    /// traffic any more.
    pub fn release(self: &Arc<Self>) {
        if self.same_process().is_err() {
            return;
        }
        let mut state = self.lock();
        state.freed = true;
        let State { pending, ended, settled, to_sign, .. } = &mut *state;
        let members: Vec<_> = pending.drain().chain(ended.drain()).collect();
        let (settled, to_sign) = (std::mem::take(settled), std::mem::take(to_sign));
        drop(state);
        drop((settled, to_sign)); // without the lock
        self.changed.notify_all();
        self.engine.attend(self.clone(), None); // which then lets go of it
        let watcher = self.watcher();
        members.iter().for_each(|(flow, _)| flow.unwatch(&watcher));
    }

    fn settle(&self, flow: &FlowShared) {
        let mut state = self.lock();
        if let Some((flow, data)) = state.pending.remove_entry(flow) {
            state.settled.push_back(flow.clone());
            state.ended.insert(flow, data);
            self.show(&state);
            drop(state);
            self.changed.notify_one();
        }
    }
}

impl<T: Send + 'static> Watcher for Members<T> {
    fn changed(&self, flow: &FlowShared, progress: &Progress) {
        if progress.stage == ProgressStage::Ended {
            self.settle(flow);
        }
    }

    fn signature_wanted(&self, flow: &FlowShared) {
        let mut state = self.lock();
        if let Some((flow, _)) = state.pending.get_key_value(flow) {
            let flow = flow.clone();
            state.to_sign.push_back(flow);
            self.show(&state);
            drop(state);
            self.changed.notify_one();
        }
    }

    fn freed(&self, flow: &FlowShared) {
        let mut state = self.lock();
        let member = state.forget(flow);
        self.show(&state);
        drop(state);
        drop(member); // without the lock
    }
}

impl<T: Send + 'static> Attend for Members<T> {
    /// Wakes those whose time is up.
    fn attend(self: Arc<Self>, now: Millis) -> Option<Millis> {
        let mut state = self.lock();
        if state.freed {
            return None; // who waited is awake
        }
        for (_, hold) in state.wake_at.iter_mut().filter(|(at, hold)| *at <= now && hold.is_none()) {
            *hold = self.engine.clock().hold();
            self.changed.notify_all();
        }
        state.wake_at.iter().map(|(at, _)| *at).filter(|at| *at > now).min()
    }

    fn broken(&self) {
        self.changed.notify_all();
    }

    fn scheduled_at(&self) -> &ScheduledAt {
        &self.scheduled_at
    }
}

/// Many flows, one waiter: the flows in a set are asked for when they are due, and whoever waits for the
/// set is given one after the other that has its outcome. One thread is enough for all; any may
/// wait, and add and remove meanwhile.
///
/// `T` is what the caller knows a flow by. A flow that is dropped leaves its set.
///
/// ```no_run
/// # fn calls() -> Vec<ciba::AuthenticationRequest> { Vec::new() }
/// # fn run(client: ciba::Client) -> ciba::Result<()> {
/// let set = ciba::FlowSet::new(&client)?;
/// let mut flows = Vec::new();
/// for (desk, request) in calls().iter().enumerate() {
///     let flow = client.begin(request)?;
///     set.add(&flow, desk)?;
///     flows.push(flow);
/// }
/// while let Some(desk) = set.wait(Some(std::time::Duration::from_secs(600)))? {
///     println!("desk {desk}: {:?}", flows.get(desk).map(ciba::Flow::outcome));
/// }
/// # Ok(()) }
/// ```
pub struct FlowSet<T: Send + 'static>(Arc<Members<T>>);

impl<T: Send + 'static> FlowSet<T> {
    /// An empty set. It takes flows of any client; `client` says which engine it waits with.
    ///
    /// Errors: `RESOURCES`.
    pub fn new(client: &Client) -> Result<FlowSet<T>> {
        Ok(FlowSet(Members::new(client.0.connection()?.engine.clone())))
    }

    /// Adds a flow; from now on the provider is asked for it. One that has its outcome already is
    /// reported by the next wait.
    ///
    /// Errors: `IN_SET`, `OTHER_PROCESS`.
    pub fn add(&self, flow: &Flow, data: T) -> Result<()> {
        self.0.add(&flow.0, data)
    }

    /// Takes a flow out; `None` if it is not in the set, or was reported. The provider is asked no
    /// more, unless somebody polls the flow by itself.
    ///
    /// Errors: `OTHER_PROCESS`.
    pub fn remove(&self, flow: &Flow) -> Result<Option<T>> {
        self.0.remove(&flow.0)
    }

    /// Waits for the next flow that has its outcome, takes it out of the set and says which it is.
    /// `Ok(None)`: none within the timeout.
    ///
    /// Meanwhile it signs for members whose client has an [`crate::ExternalSigner`], one after the other:
    /// where that takes its time let several threads wait, which sign side by side.
    ///
    /// Errors: `OTHER_PROCESS`.
    pub fn wait(&self, timeout: Timeout) -> Result<Option<T>> {
        self.0.wait(timeout)
    }

    /// Has one thread that waits in [`FlowSet::wait`] return `Ok(None)` at once; where none waits, the
    /// next one that would. For a thread that has other work than the set's.
    ///
    /// Errors: `OTHER_PROCESS`.
    pub fn wake(&self) -> Result<()> {
        self.0.wake()
    }

    /// Cancels every flow in the set, without waiting for the provider. Each is then reported.
    ///
    /// Errors: `OTHER_PROCESS`.
    pub fn cancel(&self) -> Result<()> {
        self.0.cancel()
    }

    /// How many flows are in the set, those among them that have their outcome and were not reported;
    /// 0 in another process.
    pub fn count(&self) -> usize {
        self.0.count().unwrap_or_default()
    }

    /// A descriptor that is readable while [`FlowSet::wait`] has something to report, or to have signed
    /// ([`crate::ExternalSigner`]), so that an event loop can own the waiting. It belongs to the set: it is
    /// to be watched, not read or closed.
    ///
    /// Errors: `RESOURCES` where the system refuses one, `OTHER_PROCESS`.
    #[cfg(unix)]
    pub fn descriptor(&self) -> Result<std::os::fd::BorrowedFd<'_>> {
        self.0.descriptor()
    }
}

impl<T: Send + 'static> Drop for FlowSet<T> {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl<T: Send + 'static> fmt::Debug for FlowSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowSet").field("count", &self.count()).finish_non_exhaustive()
    }
}
