//! The log callback: events of the library's own thread wait for a thread that is inside a call.
//!
//! The engine's thread blocks all signals. A runtime that stops threads by a signal to collect
//! garbage would wait for it forever, had it once run that runtime's code.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::ffi::CString;
use std::sync::{Mutex, PoisonError, Weak};

use super::config::ciba_log_callback;
use super::{IN_CALLBACK, Userdata};
use crate::engine::PerProcess;
use crate::log::{Event, Log};

/// Where nobody calls for so long, the oldest events are dropped.
const MOST_WAITING: usize = 10_000;

pub struct LogCallback {
    callback: ciba_log_callback,
    userdata: Weak<Userdata>,
    /// In a child made by fork a lock of the parent's may be held for ever.
    queue: PerProcess<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<VecDeque<Waiting>>,
    /// Held by the thread that delivers: events come in order, one at a time.
    turn: Mutex<()>,
}

struct Waiting {
    level: i32,
    name: CString,
    text: CString,
    correlation: CString,
    unix_ms: i64,
}

impl LogCallback {
    pub fn new(callback: ciba_log_callback, userdata: Weak<Userdata>) -> LogCallback {
        LogCallback { callback, userdata, queue: PerProcess::new() }
    }

    fn queue(&self) -> &Queue {
        let Ok(queue) = self.queue.get_or_try_init(|| Ok::<_, Infallible>(Queue::default()));
        queue
    }
}

impl Queue {
    fn waiting(&self) -> std::sync::MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log for LogCallback {
    fn log(&self, event: &Event<'_>) {
        let text = |text: &str| CString::new(text.replace('\0', " ")).unwrap_or_default();
        let mut waiting = self.queue().waiting();
        if waiting.len() == MOST_WAITING {
            waiting.pop_front();
        }
        waiting.push_back(Waiting {
            level: event.level as i32,
            name: text(event.name),
            text: text(event.text),
            correlation: text(event.correlation),
            unix_ms: event.unix_ms,
        });
    }

    fn deliver(&self) {
        let (Some(callback), false) = (self.callback, IN_CALLBACK.get()) else { return };
        let queue = self.queue();
        // Whoever delivers looks again after its turn: nothing is left behind.
        while !queue.waiting().is_empty() {
            let (Ok(_turn), Some(userdata)) = (queue.turn.try_lock(), self.userdata.upgrade()) else {
                return;
            };
            loop {
                let Some(event) = queue.waiting().pop_front() else { break };
                let texts = [&event.name, &event.text, &event.correlation].map(|text| text.as_ptr());
                let [name, text, correlation] = texts;
                // SAFETY: the callback takes what its type says, and the texts outlive the call.
                userdata.call(|pointer| unsafe {
                    callback(pointer, event.level, name, text, correlation, event.unix_ms);
                });
            }
        }
    }
}
