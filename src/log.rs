//! Events for a log: a level, a stable event name, one line of text, the caller's correlation text.
//!
//! No event holds a secret, a token, a hint or a phone number.

use std::fs::File;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use crate::clock::Clock;

/// How much an event matters. The numbers are those of the C header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Level {
    /// Something failed for good.
    Error = 1,
    /// Something went wrong and is being waited out.
    Warning = 2,
    /// A step of a flow: started, acknowledged, ended.
    Info = 3,
    /// Every exchange.
    Debug = 4,
}

impl Level {
    /// The level's name, as the setting `log_level` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Info => "info",
            Level::Debug => "debug",
        }
    }

    /// The level with this name.
    pub fn from_name(name: &str) -> Option<Level> {
        [Level::Error, Level::Warning, Level::Info, Level::Debug].into_iter().find(|l| l.name() == name)
    }
}

/// One event.
pub struct Event<'a> {
    /// How much it matters.
    pub level: Level,
    /// A stable name, for example `poll.slow_down`.
    pub name: &'a str,
    /// One line of text.
    pub text: &'a str,
    /// The flow's `correlation`, or nothing where the event belongs to no flow.
    pub correlation: &'a str,
    /// When, in Unix milliseconds.
    pub unix_ms: i64,
}

/// Where events go. Called from the threads of callers and from the engine's own thread: it must
/// be quick and must not call back into the library. Should it panic, that event is lost, no more.
pub trait Log: Send + Sync {
    /// Takes one event.
    fn log(&self, event: &Event<'_>);

    /// Called by threads that are inside a call of the library, and hold nothing: for a log that
    /// keeps its events until such a thread comes by.
    fn deliver(&self) {}
}

impl<F: Fn(&Event<'_>) + Send + Sync> Log for F {
    fn log(&self, event: &Event<'_>) {
        self(event)
    }
}

/// A log file: one line for each event, appended with one write, so that several processes
/// may share it.
pub(crate) struct LogFile(pub(crate) File);

impl Log for LogFile {
    fn log(&self, event: &Event<'_>) {
        let when = UNIX_EPOCH + Duration::from_millis(event.unix_ms.max(0) as u64);
        let when = humantime::format_rfc3339_millis(when);
        let line = format!(
            "{when} {} {} [{}] {}\n",
            event.level.name(),
            event.name,
            printable(event.correlation),
            printable(event.text)
        );
        // A log that cannot be written must not end a sign-in.
        let _ = (&self.0).write_all(line.as_bytes());
    }
}

/// A line cannot be broken, nor a second one forged, by a text from outside.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The log of one client: where to, and from which level on.
#[derive(Clone, Default)]
pub(crate) struct Logger {
    pub clock: Option<Arc<dyn Clock>>,
    pub sinks: Vec<(Level, Arc<dyn Log>)>,
}

impl Logger {
    pub fn event(&self, level: Level, name: &str, correlation: &str, text: impl FnOnce() -> String) {
        if self.sinks.iter().all(|(most, _)| level > *most) {
            return;
        }
        let text = text();
        let unix_ms = self.clock.as_ref().map_or(0, |clock| clock.unix_ms());
        for (_, sink) in self.sinks.iter().filter(|(most, _)| level <= *most) {
            // A log that panics must not end a sign-in; and this may be the engine's thread.
            let event = Event { level, name, text: &text, correlation, unix_ms };
            let _ = catch_unwind(AssertUnwindSafe(|| sink.log(&event)));
        }
    }

    pub fn deliver(&self) {
        self.sinks.iter().for_each(|(_, sink)| sink.deliver());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_forge_a_second_line() {
        assert_eq!(printable("a\nb\r\u{85}"), "a b  ");
    }
}
