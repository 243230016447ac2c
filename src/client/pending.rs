//! Work that goes on in the background, whatever its callers' timeouts are.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::{ClientCore, Timeout};
use crate::engine::Engine;
use crate::error::{Result, Status};

/// Work that is under way, or whose result nobody has collected.
pub(super) struct Pending<T> {
    result: Mutex<Option<Result<T>>>,
    done: Condvar,
}

/// Where such work stands while there is some: who asks for the same meanwhile waits for it.
pub(super) type Slot<T> = Mutex<Option<Arc<Pending<T>>>>;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Clone + Send + 'static> Pending<T> {
    fn begin<W: Future<Output = Result<T>> + Send + 'static>(
        engine: &Engine,
        work: impl FnOnce() -> W + Send + 'static,
    ) -> Arc<Pending<T>> {
        let pending = Arc::new(Pending { result: Mutex::new(None), done: Condvar::new() });
        let (ended, broken, hold) = (pending.clone(), pending.clone(), engine.clock().hold());
        engine.spawn(
            async move || {
                ended.end(work().await);
                drop(hold);
            },
            move || broken.end(Err(Status::INTERNAL.into())),
        );
        pending
    }

    fn end(&self, result: Result<T>) {
        *lock(&self.result) = Some(result);
        self.done.notify_all();
    }

    fn wait(&self, timeout: Timeout) -> Option<Result<T>> {
        let result = lock(&self.result);
        let pending = |result: &mut Option<_>| result.is_none();
        let result = match timeout {
            None => self.done.wait_while(result, pending).unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                let waited = self.done.wait_timeout_while(result, timeout, pending);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        result.clone()
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
        work: impl FnOnce() -> W + Send + 'static,
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
