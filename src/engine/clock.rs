//! The clocks of the system.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::platform;
use crate::clock::{Clock, Millis};

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
