//! The clock that the provider keeps: real for users, simulated for tests.
//!
//! With [`SimulatedTime`] a sign-in of five minutes takes milliseconds: whenever
//! nobody is busy, the clock jumps to the next moment somebody waits for.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A boxed future that may be sent between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What the provider asks of a clock.
pub trait Time: Send + Sync {
    /// Milliseconds since the clock was made; never goes back.
    fn now_ms(&self) -> u64;
    /// Milliseconds since 1970-01-01 UTC, for the dates in tokens.
    fn unix_ms(&self) -> i64;
    /// Waits until `now_ms()` is at least `when_ms`, while an answer is held.
    fn hold_until(&self, when_ms: u64) -> BoxFuture<'_, ()>;
    /// Waits until `now_ms()` is at least `when_ms`, and keeps the clock there for what is then done.
    fn call_at(&self, when_ms: u64) -> BoxFuture<'static, Option<Busy>>;
}

/// The machine's own clock.
#[derive(Debug, Clone)]
pub struct RealTime {
    start: Instant,
}

impl RealTime {
    /// A clock that reads 0 now.
    pub fn new() -> Self {
        RealTime { start: Instant::now() }
    }
}

impl Default for RealTime {
    fn default() -> Self {
        Self::new()
    }
}

impl Time for RealTime {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn unix_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
    }

    fn hold_until(&self, when_ms: u64) -> BoxFuture<'_, ()> {
        let left = Duration::from_millis(when_ms.saturating_sub(self.now_ms()));
        Box::pin(tokio::time::sleep(left))
    }

    fn call_at(&self, when_ms: u64) -> BoxFuture<'static, Option<Busy>> {
        let clock = self.clone();
        Box::pin(async move {
            clock.hold_until(when_ms).await;
            None
        })
    }
}

/// A clock that moves only when told, or when everybody waits.
///
/// Two kinds of sleeper wait on it: *engine sleepers* ([`sleep_until`]) of the
/// client under test and *hold sleepers* ([`Time::hold_until`]) of the provider.
/// Work in progress holds a [`Busy`]. Whenever a sleeper is registered or a
/// `Busy` or a hold is dropped, and then nobody is busy and at least one engine
/// sleeper is registered, the clock jumps to the earliest sleeper and fires all
/// that are due: one jump per change. A time of `u64::MAX` never causes a jump.
///
/// A client that gives up a request whose answer is held drops its `Busy`; the
/// clock then stands still until the provider has noticed.
///
/// Clones share one clock.
///
/// [`sleep_until`]: SimulatedTime::sleep_until
#[derive(Clone)]
pub struct SimulatedTime {
    state: Arc<Mutex<State>>,
}

struct State {
    now: u64,
    unix_start: i64,
    next_id: u64,
    /// Below 0 while an answer is held for a client that has no `Busy` (any more).
    busy: i64,
    engine_sleepers: usize,
    /// Ordered by due time, then by registration.
    sleepers: BTreeMap<(u64, u64), Sleeper>,
}

struct Sleeper {
    kind: Kind,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Engine,
    Hold,
    Call,
}

impl State {
    /// Removes the sleepers that are due and returns their wakers, in order.
    fn fire_due(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::new();
        while let Some(entry) = self.sleepers.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let sleeper = entry.remove();
            match sleeper.kind {
                Kind::Engine => self.engine_sleepers -= 1,
                Kind::Hold | Kind::Call => self.busy += 1,
            }
            wakers.extend(sleeper.waker);
        }
        wakers
    }

    /// Whether somebody waits for something that has a time; a call by itself is no reason to go on.
    fn somebody_waits(&self) -> bool {
        self.sleepers.iter().any(|((when, _), sleeper)| match sleeper.kind {
            Kind::Engine => *when != u64::MAX,
            Kind::Hold => true,
            Kind::Call => false,
        })
    }

    /// After a change: jumps to the earliest sleeper if everybody waits.
    fn settle(&mut self) -> Vec<Waker> {
        if self.busy == 0
            && self.engine_sleepers > 0
            && let Some((&(when, _), first)) = self.sleepers.first_key_value()
            && when != u64::MAX
            && (first.kind != Kind::Call || self.somebody_waits())
        {
            self.now = self.now.max(when);
        }
        self.fire_due()
    }
}

fn wake(wakers: Vec<Waker>) {
    for waker in wakers {
        waker.wake();
    }
}

impl SimulatedTime {
    /// A clock at 0 ms, on a fixed day.
    pub fn new() -> Self {
        Self::starting_at(1_750_000_000_000)
    }

    /// A clock at 0 ms whose wall clock then reads `unix_ms`.
    pub fn starting_at(unix_ms: i64) -> Self {
        SimulatedTime {
            state: Arc::new(Mutex::new(State {
                now: 0,
                unix_start: unix_ms,
                next_id: 0,
                busy: 0,
                engine_sleepers: 0,
                sleepers: BTreeMap::new(),
            })),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since the start.
    pub fn now_ms(&self) -> u64 {
        self.lock().now
    }

    /// The wall clock, in milliseconds since 1970.
    pub fn unix_ms(&self) -> i64 {
        let state = self.lock();
        let now = i64::try_from(state.now).unwrap_or(i64::MAX);
        state.unix_start.saturating_add(now)
    }

    /// Marks work in progress: the clock does not jump until this is dropped.
    pub fn busy(&self) -> Busy {
        self.lock().busy += 1;
        Busy { time: self.clone() }
    }

    /// How many engine sleepers and hold sleepers are registered now.
    pub fn sleepers(&self) -> (usize, usize) {
        let state = self.lock();
        let engine = state.engine_sleepers;
        (engine, state.sleepers.len() - engine)
    }

    /// An engine sleeper: registered here and now, not at the first poll;
    /// unregistered when it fires or is dropped.
    pub fn sleep_until(&self, when_ms: u64) -> Sleep {
        self.register(when_ms, Kind::Engine)
    }

    /// Moves the clock by hand, firing what becomes due in order.
    pub fn advance(&self, ms: u64) {
        let target = self.lock().now.saturating_add(ms);
        loop {
            let mut state = self.lock();
            let next = state.sleepers.first_key_value().map(|(key, _)| key.0);
            let last = next.is_none_or(|when| when > target);
            let to = if last { target } else { next.unwrap_or(target) };
            state.now = state.now.max(to);
            let wakers = state.fire_due();
            drop(state);
            wake(wakers);
            if last {
                return;
            }
        }
    }

    fn register(&self, when: u64, kind: Kind) -> Sleep {
        let mut state = self.lock();
        let key = (when, state.next_id);
        state.next_id += 1;
        match kind {
            Kind::Engine => state.engine_sleepers += 1,
            Kind::Hold => state.busy -= 1,
            Kind::Call => {}
        }
        state.sleepers.insert(key, Sleeper { kind, waker: None });
        let wakers = state.settle();
        drop(state);
        wake(wakers);
        Sleep { time: self.clone(), key }
    }
}

impl Default for SimulatedTime {
    fn default() -> Self {
        Self::new()
    }
}

impl Time for SimulatedTime {
    fn now_ms(&self) -> u64 {
        SimulatedTime::now_ms(self)
    }

    fn unix_ms(&self) -> i64 {
        SimulatedTime::unix_ms(self)
    }

    /// Gives back one `Busy` while it waits; the clock takes it again, under
    /// its own lock, at the moment of firing (or when this is dropped).
    fn hold_until(&self, when_ms: u64) -> BoxFuture<'_, ()> {
        Box::pin(self.register(when_ms, Kind::Hold))
    }

    /// Nobody is busy for it before its time, which is why it does not wait for an answer.
    fn call_at(&self, when_ms: u64) -> BoxFuture<'static, Option<Busy>> {
        let (time, sleep) = (self.clone(), self.register(when_ms, Kind::Call));
        Box::pin(async move {
            sleep.await;
            Some(Busy { time }) // which the clock has counted since it fired
        })
    }
}

/// Work in progress; made by [`SimulatedTime::busy`].
#[must_use = "the clock may jump as soon as this is dropped"]
pub struct Busy {
    time: SimulatedTime,
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.time.lock();
        state.busy -= 1;
        let wakers = state.settle();
        drop(state);
        wake(wakers);
    }
}

/// A registered sleeper; made by [`SimulatedTime::sleep_until`].
#[must_use = "a dropped sleeper is unregistered"]
pub struct Sleep {
    time: SimulatedTime,
    key: (u64, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mine = context.waker().clone();
        // Wakers are dropped outside the lock, as they are called outside it.
        let before = match self.time.lock().sleepers.get_mut(&self.key) {
            None => return Poll::Ready(()),
            Some(sleeper) => sleeper.waker.replace(mine),
        };
        drop(before);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let mut state = self.time.lock();
        let Some(sleeper) = state.sleepers.remove(&self.key) else {
            return;
        };
        let wakers = match sleeper.kind {
            Kind::Engine => {
                state.engine_sleepers -= 1;
                Vec::new()
            }
            Kind::Hold => {
                state.busy += 1;
                state.settle()
            }
            Kind::Call => Vec::new(),
        };
        drop(state);
        drop(sleeper);
        wake(wakers);
    }
}

#[cfg(test)]
mod tests;
