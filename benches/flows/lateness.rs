//! How late polls are, and how fast callers wake, as the log tells.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use ciba::{Event, Log};

use super::measure::{print, print_samples};

pub struct Lateness {
    /// In ms, of every poll.
    late: Mutex<Vec<u64>>,
    /// When the answers with tokens came, by the number of the flow.
    answered: Mutex<HashMap<usize, Instant>>,
    /// In ns, from then until the caller had the flow.
    woken: Mutex<Vec<u128>>,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lateness {
    pub fn new(flows: usize) -> Lateness {
        Lateness {
            late: Mutex::new(Vec::with_capacity(flows * 8)),
            answered: Mutex::default(),
            woken: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            most_in_flight: AtomicUsize::new(0),
        }
    }

    /// The caller has the flow of this number.
    pub fn woken(&self, number: usize, at: Instant) {
        if let Some(answered) = lock(&self.answered).get(&number) {
            lock(&self.woken).push(at.duration_since(*answered).as_nanos());
        }
    }

    pub fn print(&self) {
        print_samples("late_ms", lock(&self.late).iter());
        print_samples("woken_ns", lock(&self.woken).iter());
        print("most_in_flight", self.most_in_flight.load(Ordering::Relaxed));
    }
}

impl Log for Lateness {
    fn log(&self, event: &Event<'_>) {
        match event.name {
            "poll.sent" => {
                let ms = event.text.split(' ').next().and_then(|ms| ms.parse().ok());
                lock(&self.late).push(ms.expect("so many ms after it was due"));
                let in_flight = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
                self.most_in_flight.fetch_max(in_flight, Ordering::Relaxed);
                return;
            }
            "poll.tokens" => {
                let number = event.correlation.parse().expect("the number of the flow");
                lock(&self.answered).insert(number, Instant::now());
            }
            _ => {}
        }
        if event.name.starts_with("poll.") {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
