//! Names to addresses, by the system's own resolver (hosts file and NSS), which blocks: one lookup
//! at a time for each host, on at most two threads, and the last good addresses while it is silent.
//!
//! A child made by fork at the very moment of a lookup may inherit a lock of libc's that nobody frees (glibc
//! 2.36: one child of a thousand, where its parent did nothing but look up names). No lookup of that child
//! ever ends then, the program's own neither; those of this room fail in time, as with a silent name server.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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

/// Cheap to clone; all clones share their threads and what they know. The threads end with the last.
#[derive(Clone)]
pub struct Resolver(Arc<Threads>);

struct Threads(Arc<Shared>);

impl Drop for Threads {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.work.notify_all();
    }
}

struct Shared {
    lookup: Lookup,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<String>,
    running: Vec<String>,
    waiting: HashMap<String, Waiting>,
    last_good: HashMap<String, Addresses>,
    /// Hosts whose last lookup lacked patience. They share one thread: the other is for the rest.
    slow: HashSet<String>,
    threads: usize,
    idle: usize,
    closed: bool,
}

/// Those who wait for one host's addresses.
struct Waiting {
    since: Instant,
    senders: Vec<oneshot::Sender<Option<Addresses>>>,
}

impl State {
    /// The next host to look up, if there is one for this thread.
    fn take(&mut self) -> Option<String> {
        let slow_runs = self.running.iter().any(|host| self.slow.contains(host));
        let at = self.queue.iter().position(|host| !slow_runs || !self.slow.contains(host))?;
        let host = self.queue.remove(at)?;
        self.running.push(host.clone());
        Some(host)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body of a resolver thread.
    fn serve(&self) {
        let mut state = self.lock();
        loop {
            let Some(host) = state.take() else {
                let mut timed_out = false;
                if !state.closed {
                    state.idle += 1;
                    let woken = self.work.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
                    (state, timed_out) = (woken.0, woken.1.timed_out());
                    state.idle -= 1;
                }
                if state.closed || (timed_out && state.queue.is_empty()) {
                    state.threads -= 1;
                    return;
                }
                continue;
            };
            drop(state);
            let begun = Instant::now();
            // A lookup of a test's own that panics has found nothing.
            let found = catch_unwind(AssertUnwindSafe(|| (self.lookup)(&host).ok())).ok().flatten();
            let found = found.filter(|found| !found.is_empty()).map(Addresses::from);
            state = self.lock();
            state.running.retain(|other| *other != host);
            match begun.elapsed() < PATIENCE {
                true => state.slow.remove(&host),
                false => state.slow.insert(host.clone()),
            };
            if let Some(found) = &found {
                state.last_good.insert(host.clone(), found.clone());
            }
            let addresses = found.or_else(|| state.last_good.get(&host).cloned());
            for waiter in state.waiting.remove(&host).map_or_else(Vec::new, |waiting| waiting.senders) {
                let _ = waiter.send(addresses.clone()); // it may have given up
            }
        }
    }
}

impl Resolver {
    pub fn new(lookup: Lookup) -> Resolver {
        let shared = Shared { lookup, state: Mutex::default(), work: Condvar::new() };
        Resolver(Arc::new(Threads(Arc::new(shared))))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock()
    }

    /// Begins a lookup or joins the one that is under way, and says since when it is.
    fn begin(&self, host: &str) -> (oneshot::Receiver<Option<Addresses>>, Instant) {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.lock();
        if let Some(waiting) = state.waiting.get_mut(host) {
            waiting.senders.retain(|sender| !sender.is_closed());
            waiting.senders.push(sender);
            return (receiver, waiting.since);
        }
        let since = Instant::now();
        state.waiting.insert(host.to_owned(), Waiting { since, senders: vec![sender] });
        state.queue.push_back(host.to_owned());
        if state.queue.len() > state.idle && state.threads < MOST_THREADS {
            let shared = self.0.0.clone();
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
        self.0.0.work.notify_one();
        (receiver, since)
    }

    /// Whether the resolver is still silent about a host.
    pub fn is_looking_up(&self, host: &str) -> bool {
        self.lock().waiting.contains_key(host)
    }

    pub async fn addresses(&self, host: &str) -> Option<Addresses> {
        let (mut receiver, since) = self.begin(host);
        let patience = PATIENCE.saturating_sub(since.elapsed());
        if let Ok(answer) = tokio::time::timeout(patience, &mut receiver).await {
            return answer.ok().flatten();
        }
        let last_good = {
            let mut state = self.lock();
            if state.running.iter().any(|other| other == host) {
                state.slow.insert(host.to_owned());
            }
            state.last_good.get(host).cloned()
        };
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
            ["a", "b", "c", "a", "a", "b"].iter().map(|host| resolver.begin(host).0).collect();
        for _ in 0..3 {
            release.send(()).unwrap();
        }
        for receiver in receivers {
            assert!(run(receiver).unwrap().is_some());
        }
        assert_eq!(lookups.load(Ordering::SeqCst), 3, "one for each host");
        assert!(most.load(Ordering::SeqCst) <= MOST_THREADS);
        assert!(resolver.lock().threads <= MOST_THREADS);
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
        for (why, most) in [("answered", 20), ("failed", 20), ("silent", 20), ("silent for long", 1)] {
            let begun = Instant::now();
            let found = run(resolver.addresses("id.example"));
            assert_eq!(found.unwrap()[0].ip().to_string(), "127.0.0.9", "{why}");
            assert!(begun.elapsed() < Duration::from_secs(most), "{why}: patience counts from the start");
        }
        release.send(()).unwrap();
    }

    #[test]
    fn slow_hosts_share_one_thread_and_leave_the_other_to_the_rest() {
        let (release, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let resolver = Resolver::new(Arc::new(move |host: &str| {
            if host.starts_with("slow") {
                let _ = gate.lock().unwrap().recv(); // one after the other
            }
            Ok(vec![([127, 0, 0, 1], 0).into()])
        }));
        let slow = resolver.begin("slow-1").0;
        let within = |host: &'static str, times: u32| {
            let found = async { tokio::time::timeout(PATIENCE * times, resolver.addresses(host)).await };
            run(found).ok().flatten()
        };
        assert!(within("slow-1", 2).is_none());
        resolver.lock().slow.extend(["slow-2".to_owned(), "slow-3".to_owned()]);
        let others: Vec<_> = ["slow-2", "slow-3"].iter().map(|host| resolver.begin(host).0).collect();
        assert!(within("other", 4).is_some(), "not behind the slow ones");
        for _ in 0..3 {
            release.send(()).unwrap();
        }
        for receiver in std::iter::once(slow).chain(others) {
            assert!(run(receiver).unwrap().is_some(), "the slow ones are answered too");
        }
    }

    #[test]
    fn a_lookup_that_panics_found_nothing_and_leaves_its_thread_alive() {
        let resolver = Resolver::new(Arc::new(|host: &str| match host {
            "bad" => panic!("planted"),
            _ => Ok(vec![([127, 0, 0, 1], 0).into()]),
        }));
        for _ in 0..2 * MOST_THREADS {
            assert!(run(resolver.addresses("bad")).is_none());
        }
        assert!(run(resolver.addresses("good")).is_some());
    }

    #[test]
    fn a_name_that_never_resolved_is_an_error() {
        let resolver = Resolver::new(Arc::new(|_: &str| Err(io::ErrorKind::NotFound.into())));
        assert!(run(resolver.addresses("nowhere.example")).is_none());
    }
}
