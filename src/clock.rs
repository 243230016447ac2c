//! Time, in one place, so that a test runs a five-minute flow in milliseconds.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;

/// Milliseconds on a clock that neither jumps nor stops.
pub type Millis = u64;

/// Keeps a simulated clock from advancing while it lives; the real clock has none.
pub type ClockHold = Option<Box<dyn Any + Send>>;

/// Where due times, deadlines and token dates come from. Timeouts of sockets are always real.
///
/// Programs use [`crate::SystemClock`]; another one is for tests.
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
