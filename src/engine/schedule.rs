//! Who is due when: one ordered set of due times, one timer.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::clock::{Clock, ClockHold, Millis};

/// Something that has to be looked at from time to time.
pub trait Attend: Send + Sync {
    /// Does what is due now and says when it wants to be looked at again; `None`: not any more,
    /// until it is handed in anew. Must not block.
    fn attend(self: Arc<Self>, now: Millis) -> Option<Millis>;

    /// `attend` panicked.
    fn broken(&self);

    /// Where the schedule keeps its own note.
    fn scheduled_at(&self) -> &ScheduledAt;
}

/// What the engine's thread is asked for.
pub enum Wish {
    /// Look at somebody now.
    Attend(Arc<dyn Attend>, ClockHold),
    /// Begin some work.
    Begin(Box<dyn FnOnce() + Send>),
}

/// When a member stands in the schedule; it carries this itself, so that fifty thousand of them need
/// no second index.
#[derive(Default)]
pub struct ScheduledAt(AtomicU64);

/// No member is ever due at this time.
const NOT_AT_ALL: Millis = 0;

#[derive(Default)]
struct Schedule(BTreeSet<Entry>);

/// Who is due when. Members are told from each other by their addresses, which they keep as long as they
/// are held here.
struct Entry {
    when: Millis,
    who: Arc<dyn Attend>,
}

impl Entry {
    fn key(&self) -> (Millis, usize) {
        (self.when, Arc::as_ptr(&self.who).addr())
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Schedule {
    /// Looks at one member and puts it where it wants to be.
    fn attend(&mut self, who: Arc<dyn Attend>, now: Millis) {
        let before = who.scheduled_at().0.swap(NOT_AT_ALL, Relaxed);
        let who = match before {
            NOT_AT_ALL => who,
            when => {
                let entry = Entry { when, who };
                self.0.remove(&entry);
                entry.who
            }
        };
        let next = catch_unwind(AssertUnwindSafe(|| who.clone().attend(now))).unwrap_or_else(|_| {
            who.broken();
            None
        });
        if let Some(when) = next {
            let when = when.max(now.saturating_add(1)); // nobody may keep the engine for itself
            who.scheduled_at().0.store(when, Relaxed);
            self.0.insert(Entry { when, who });
        }
    }

    fn next(&self) -> Option<Millis> {
        self.0.first().map(|entry| entry.when)
    }

    fn take_due(&mut self, now: Millis) -> Option<Arc<dyn Attend>> {
        self.0.first().filter(|entry| entry.when <= now)?;
        let who = self.0.pop_first()?.who;
        who.scheduled_at().0.store(NOT_AT_ALL, Relaxed);
        Some(who)
    }
}

/// So many members are looked at before the exchanges under way have their turn.
const MOST_AT_ONCE: usize = 64;

/// The life of the engine's thread: ends when nobody can hand anything in any more.
pub async fn run(clock: Arc<dyn Clock>, mut wishes: UnboundedReceiver<Wish>) {
    let mut schedule = Schedule::default();
    let mut holds: Vec<ClockHold> = Vec::new();
    loop {
        for number in 1.. {
            let Some(who) = schedule.take_due(clock.now()) else { break };
            schedule.attend(who, clock.now());
            if number % MOST_AT_ONCE == 0 {
                holds.push(clock.hold());
                tokio::task::yield_now().await;
            }
        }
        let next = schedule.next();
        let sleep = next.map(|when| clock.sleep_until(when));
        // Only now that the next due time is known may a simulated clock go on.
        holds.clear();
        let wish = match sleep {
            None => wishes.recv().await,
            Some(sleep) => tokio::select! {
                wish = wishes.recv() => wish,
                () = sleep => continue,
            },
        };
        let Some(first) = wish else { return };
        for wish in std::iter::once(first).chain(std::iter::from_fn(|| wishes.try_recv().ok())) {
            match wish {
                Wish::Begin(begin) => begin(),
                Wish::Attend(who, hold) => {
                    schedule.attend(who, clock.now());
                    holds.push(hold);
                }
            }
        }
    }
}
