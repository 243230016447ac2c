//! Time, in one place, so that a test runs a five-minute flow in milliseconds.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::platform;
use crate::flow::Millis;

/// Keeps a simulated clock from advancing while it lives; the real clock has none.
pub type ClockHold = Option<Box<dyn Any + Send>>;

/// Where due times, deadlines and token dates come from. Timeouts of sockets are always real.
///
/// Programs use [`SystemClock`]; another one is for tests.
pub trait Clock: Send + Sync {
    /// Milliseconds on a clock that neither jumps nor stops while the machine sleeps.
    fn now(&self) -> Millis;

    /// The wall clock, in Unix milliseconds.
    fn unix_ms(&self) -> i64;

    /// Completes at `when` or later. The wait counts from this call, not from the first poll.
    fn sleep_until(&self, when: Millis) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// A random time up to `most`, in ms: by it a poll of one of many flows comes later than it
    /// could, so that they do not all ask at once.
    fn spread(&self, most: Millis) -> Millis {
        let mut bytes = [0; 8];
        match aws_lc_rs::rand::fill(&mut bytes) {
            Ok(()) => u64::from_ne_bytes(bytes) % most.saturating_add(1),
            Err(_) => 0,
        }
    }

    /// Taken while work is under way that a simulated clock must not overtake.
    fn hold(&self) -> ClockHold {
        None
    }
}

/// The clocks of the system.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

/// The timer's own clock stops while the machine sleeps, so no sleep is longer than this; the
/// engine then looks at the clock again.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        platform::boot_time_ms()
    }

    fn unix_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn sleep_until(&self, when: Millis) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let remaining = Duration::from_millis(when.saturating_sub(self.now()));
        Box::pin(tokio::time::sleep(remaining.min(LONGEST_SLEEP)))
    }
}
