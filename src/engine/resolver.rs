//! Names to addresses, by the system's own resolver (hosts file and NSS), which blocks: one lookup
//! at a time for each host, on at most two threads, and the last good addresses while it is silent.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::oneshot;

use super::platform;

/// How names are looked up; tests put another one in its place.
pub type Lookup = Arc<dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

const MOST_THREADS: usize = 2;
/// A thread without work ends after this.
const IDLE: Duration = Duration::from_secs(30);
/// How long a lookup may take before the last good addresses are used.
const PATIENCE: Duration = Duration::from_secs(2);

/// The system's resolver.
pub fn system() -> Lookup {
    Arc::new(|host| (host, 0).to_socket_addrs().map(Iterator::collect))
}

/// Why a name could not be resolved: found again in the error chain of the HTTP client.
#[derive(Debug)]
pub struct ResolutionFailed;

impl fmt::Display for ResolutionFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name could not be resolved")
    }
}

impl std::error::Error for ResolutionFailed {}

type Addresses = Arc<[SocketAddr]>;

/// Cheap to clone; all clones share their threads and what they know.
#[derive(Clone)]
pub struct Resolver(Arc<Shared>);

struct Shared {
    lookup: Lookup,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<String>,
    waiting: HashMap<String, Vec<oneshot::Sender<Option<Addresses>>>>,
    last_good: HashMap<String, Addresses>,
    threads: usize,
    idle: usize,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body of a resolver thread.
    fn serve(&self) {
        let mut state = self.lock();
        loop {
            let Some(host) = state.queue.pop_front() else {
                state.idle += 1;
                let (woken, timeout) =
                    self.work.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
                state = woken;
                state.idle -= 1;
                if timeout.timed_out() && state.queue.is_empty() {
                    state.threads -= 1;
                    return;
                }
                continue;
            };
            drop(state);
            let found = (self.lookup)(&host).ok().filter(|found| !found.is_empty()).map(Addresses::from);
            state = self.lock();
            if let Some(found) = &found {
                state.last_good.insert(host.clone(), found.clone());
            }
            let addresses = found.or_else(|| state.last_good.get(&host).cloned());
            for waiter in state.waiting.remove(&host).unwrap_or_default() {
                let _ = waiter.send(addresses.clone()); // it may have given up
            }
        }
    }
}

impl Resolver {
    pub fn new(lookup: Lookup) -> Resolver {
        Resolver(Arc::new(Shared { lookup, state: Mutex::default(), work: Condvar::new() }))
    }

    /// Begins a lookup or joins the one that is under way.
    fn begin(&self, host: &str) -> oneshot::Receiver<Option<Addresses>> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.0.lock();
        if let Some(waiters) = state.waiting.get_mut(host) {
            waiters.push(sender);
            return receiver;
        }
        state.waiting.insert(host.to_owned(), vec![sender]);
        state.queue.push_back(host.to_owned());
        if state.queue.len() > state.idle && state.threads < MOST_THREADS {
            let shared = self.0.clone();
            match platform::spawn("ciba-resolver", move || shared.serve()) {
                Ok(()) => state.threads += 1,
                // Without any thread nobody would ever answer.
                Err(_) if state.threads == 0 => {
                    state.queue.clear();
                    state.waiting.clear();
                }
                Err(_) => {}
            }
        }
        drop(state);
        self.0.work.notify_one();
        receiver
    }

    async fn addresses(&self, host: &str) -> Option<Addresses> {
        let mut receiver = self.begin(host);
        if let Ok(answer) = tokio::time::timeout(PATIENCE, &mut receiver).await {
            return answer.ok().flatten();
        }
        let last_good = self.0.lock().last_good.get(host).cloned();
        match last_good {
            Some(addresses) => Some(addresses),
            None => receiver.await.ok().flatten(),
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.addresses(name.as_str()).await.ok_or(ResolutionFailed)?;
            let addresses: Vec<SocketAddr> = addresses.to_vec();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn one_lookup_at_a_time_for_each_host_and_two_threads_at_most() {
        let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let lookups = Arc::new(AtomicUsize::new(0));
        let (release, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let resolver = Resolver::new(Arc::new({
            let (under_way, most, lookups) = (under_way.clone(), most.clone(), lookups.clone());
            move |_: &str| {
                lookups.fetch_add(1, Ordering::SeqCst);
                most.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let _ = gate.lock().unwrap().recv_timeout(Duration::from_secs(5));
                under_way.fetch_sub(1, Ordering::SeqCst);
                Ok(vec![([127, 0, 0, 1], 0).into()])
            }
        }));
        let receivers: Vec<_> =
            ["a", "b", "c", "a", "a", "b"].iter().map(|host| resolver.begin(host)).collect();
        for _ in 0..3 {
            release.send(()).unwrap();
        }
        for receiver in receivers {
            assert!(run(receiver).unwrap().is_some());
        }
        assert_eq!(lookups.load(Ordering::SeqCst), 3, "one for each host");
        assert!(most.load(Ordering::SeqCst) <= MOST_THREADS);
        assert!(resolver.0.lock().threads <= MOST_THREADS);
    }

    #[test]
    fn the_last_good_addresses_serve_while_the_resolver_fails_or_is_silent() {
        let calls = Arc::new(AtomicUsize::new(0));
        let (release, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let resolver = Resolver::new(Arc::new(move |_: &str| match calls.fetch_add(1, Ordering::SeqCst) {
            0 => Ok(vec![([127, 0, 0, 9], 0).into()]),
            1 => Err(io::ErrorKind::TimedOut.into()),
            _ => {
                let _ = gate.lock().unwrap().recv();
                Err(io::ErrorKind::TimedOut.into())
            }
        }));
        for why in ["answered", "failed", "silent"] {
            let found = run(resolver.addresses("id.example"));
            assert_eq!(found.unwrap()[0].ip().to_string(), "127.0.0.9", "{why}");
        }
        release.send(()).unwrap();
    }

    #[test]
    fn a_name_that_never_resolved_is_an_error() {
        let resolver = Resolver::new(Arc::new(|_: &str| Err(io::ErrorKind::NotFound.into())));
        assert!(run(resolver.addresses("nowhere.example")).is_none());
    }
}
