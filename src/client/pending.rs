//! Work that goes on in the background, whatever its callers' timeouts are.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::signatures::{Desk, Errand};
use super::{ClientCore, Timeout};
use crate::engine::Engine;
use crate::error::{Result, Status};

/// Work that is under way, or whose result nobody has collected.
pub(super) struct Pending<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    engine: Engine,
}

struct State<T> {
    result: Option<Result<T>>,
    /// What those who wait are to sign.
    errand: Option<Errand>,
}

/// Where such work stands while there is some: who asks for the same meanwhile waits for it.
pub(super) type Slot<T> = Mutex<Option<Arc<Pending<T>>>>;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Clone + Send + 'static> Pending<T> {
    fn begin<W: Future<Output = Result<T>> + Send + 'static>(
        engine: &Engine,
        work: impl FnOnce(Arc<dyn Desk>) -> W + Send + 'static,
    ) -> Arc<Pending<T>> {
        let state = Mutex::new(State { result: None, errand: None });
        let pending = Arc::new(Pending { state, changed: Condvar::new(), engine: engine.clone() });
        let (ended, broken, hold) = (pending.clone(), pending.clone(), engine.clock().hold());
        engine.spawn(
            async move || {
                ended.end(work(ended.clone()).await);
                drop(hold);
            },
            move || broken.end(Err(Status::INTERNAL.into())),
        );
        pending
    }

    fn end(&self, result: Result<T>) {
        lock(&self.state).result = Some(result);
        self.changed.notify_all();
    }

    /// Waits for the result, and signs meanwhile, whatever the timeout: that is the program's own time.
    fn wait(&self, timeout: Timeout) -> Option<Result<T>> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout)); // None: as long as it takes
        loop {
            let state = lock(&self.state);
            let idle = |state: &mut State<T>| state.result.is_none() && state.errand.is_none();
            let mut state = match until {
                None => self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    let waited = self.changed.wait_timeout_while(state, left, idle);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            let Some(errand) = state.errand.take() else { return state.result.clone() };
            drop(state);
            errand.run(self.engine.clock().unix_ms());
        }
    }
}

impl<T: Clone + Send + 'static> Desk for Pending<T> {
    fn leave(&self, errand: Errand) {
        lock(&self.state).errand = Some(errand);
        self.changed.notify_all();
    }
}

impl ClientCore {
    /// Begins the work, or joins it where it is under way, and waits at most so long. `Ok(None)`: it goes
    /// on, and the next call waits for the same. A result is given to all who wait for it, or to the next
    /// who comes; after that the work can begin anew.
    pub(super) fn join<T, W>(
        &self,
        slot: &Slot<T>,
        timeout: Timeout,
        work: impl FnOnce(Arc<dyn Desk>) -> W + Send + 'static,
    ) -> Result<Option<T>>
    where
        T: Clone + Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        let engine = &self.connection()?.engine;
        let pending = lock(slot).get_or_insert_with(|| Pending::begin(engine, work)).clone();
        let ended = pending.wait(timeout);
        self.deliver_log();
        let Some(result) = ended else { return Ok(None) };
        lock(slot).take_if(|other| Arc::ptr_eq(other, &pending));
        result.map(Some)
    }
}
