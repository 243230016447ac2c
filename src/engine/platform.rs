//! The engine's one file that calls libc.
#![allow(unsafe_code)]

use std::io;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Milliseconds since the machine was started, its sleep included.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn boot_time_ms() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for writes; CLOCK_BOOTTIME exists since Linux 2.6.39.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut time) };
    time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
}

/// Milliseconds since the first call.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn boot_time_ms() -> u64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_millis() as u64
}

/// Whether this process, or the machine, is at its limit of descriptors or of memory.
#[cfg(unix)]
pub fn is_exhausted(error: &io::Error) -> bool {
    let limits = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM];
    error.raw_os_error().is_some_and(|number| limits.contains(&number))
}

#[cfg(not(unix))]
pub fn is_exhausted(_: &io::Error) -> bool {
    false
}

/// Starts a thread that receives no signal: handlers of the program never run on it, and a write
/// to a broken connection is an error there instead of SIGPIPE.
pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    #[cfg(unix)]
    let _blocked = SignalsBlocked::new();
    std::thread::Builder::new().name(name.to_owned()).spawn(body).map(drop)
}

/// Blocks all signals for this thread, and so for those that it starts, while it lives.
#[cfg(unix)]
struct SignalsBlocked(libc::sigset_t);

#[cfg(unix)]
impl SignalsBlocked {
    fn new() -> SignalsBlocked {
        // SAFETY: both sets are valid for writes, and all zeroes is a valid set.
        unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            let mut before: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&mut all);
            libc::pthread_sigmask(libc::SIG_BLOCK, &all, &mut before);
            SignalsBlocked(before)
        }
    }
}

#[cfg(unix)]
impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: the set was filled by `pthread_sigmask`.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, std::ptr::null_mut()) };
    }
}

/// A value of this process: a child made by fork finds its parent's and makes its own. The
/// parent's is neither freed nor touched in the child: its locks may be held by threads that are
/// not there. No lock is taken to find it.
pub struct PerProcess<T>(AtomicPtr<Tagged<T>>);

struct Tagged<T> {
    process: u32,
    value: T,
}

impl<T> PerProcess<T> {
    pub const fn new() -> PerProcess<T> {
        PerProcess(AtomicPtr::new(std::ptr::null_mut()))
    }

    /// The value of this process, made if there is none.
    pub fn get_or_try_init<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        let process = std::process::id();
        let found = self.0.load(Ordering::Acquire);
        // SAFETY: null, or from `Box::into_raw` below. A value is freed with `self` alone; one that
        // is replaced, because it is another process's, is leaked.
        if let Some(tagged) = unsafe { found.as_ref() }.filter(|tagged| tagged.process == process) {
            return Ok(&tagged.value);
        }
        let ours = Box::into_raw(Box::new(Tagged { process, value: make()? }));
        let published = match self.0.compare_exchange(found, ours, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => ours,
            Err(theirs) => {
                // SAFETY: another thread of this process was first; ours was never published.
                drop(unsafe { Box::from_raw(ours) });
                theirs
            }
        };
        // SAFETY: published for this process: not replaced in it, and freed with `self` alone.
        Ok(unsafe { &(*published).value })
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let found = *self.0.get_mut();
        // SAFETY: as above.
        if unsafe { found.as_ref() }.is_some_and(|tagged| tagged.process == std::process::id()) {
            // SAFETY: nobody borrows from `self` any more.
            drop(unsafe { Box::from_raw(found) });
        }
    }
}
