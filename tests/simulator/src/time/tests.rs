use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::*;

/// A waker that counts its calls, and fails if the clock is locked then.
struct Counter {
    time: SimulatedTime,
    calls: AtomicUsize,
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        assert!(self.time.state.try_lock().is_ok(), "woken under the lock");
        self.calls.fetch_add(1, Ordering::SeqCst);
    }
}

fn counter(time: &SimulatedTime) -> Arc<Counter> {
    Arc::new(Counter { time: time.clone(), calls: AtomicUsize::new(0) })
}

fn ready(future: &mut (impl Future<Output = ()> + Unpin)) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    Pin::new(future).poll(&mut context).is_ready()
}

fn ready_with(future: &mut (impl Future<Output = ()> + Unpin), counter: &Arc<Counter>) -> bool {
    let waker = Waker::from(counter.clone());
    let mut context = Context::from_waker(&waker);
    Pin::new(future).poll(&mut context).is_ready()
}

#[test]
fn jumps_at_creation_when_nobody_is_busy() {
    let time = SimulatedTime::new();
    let mut sleep = time.sleep_until(5_000);
    assert_eq!(time.now_ms(), 5_000);
    assert!(ready(&mut sleep));
    assert_eq!(time.sleepers(), (0, 0));
}

#[test]
fn waits_for_every_busy() {
    let time = SimulatedTime::new();
    let (one, two) = (time.busy(), time.busy());
    let mut sleep = time.sleep_until(100);
    assert!(!ready(&mut sleep));
    drop(one);
    assert_eq!(time.now_ms(), 0);
    drop(two);
    assert_eq!(time.now_ms(), 100);
    assert!(ready(&mut sleep));
}

#[test]
fn one_change_is_one_jump() {
    let time = SimulatedTime::new();
    let busy = time.busy();
    let mut late = time.sleep_until(300);
    let mut early = time.sleep_until(100);
    let mut same = time.sleep_until(100);
    drop(busy);
    assert_eq!(time.now_ms(), 100);
    assert!(ready(&mut early) && ready(&mut same) && !ready(&mut late));
    drop(time.busy());
    assert_eq!(time.now_ms(), 300);
    assert!(ready(&mut late));
}

#[test]
fn never_goes_back() {
    let time = SimulatedTime::new();
    time.advance(500);
    let busy = time.busy();
    let mut past = time.sleep_until(100);
    assert!(ready(&mut past), "due at once, though somebody is busy");
    drop(busy);
    let mut past = time.sleep_until(499);
    assert!(ready(&mut past));
    assert_eq!(time.now_ms(), 500);
}

#[test]
fn a_sleeper_without_end_causes_no_jump() {
    let time = SimulatedTime::new();
    let mut forever = time.sleep_until(u64::MAX);
    drop(time.busy());
    assert_eq!(time.now_ms(), 0);
    assert!(!ready(&mut forever));
    let mut sleep = time.sleep_until(7);
    assert_eq!(time.now_ms(), 7);
    assert!(ready(&mut sleep) && !ready(&mut forever));
    time.advance(u64::MAX - 8);
    assert!(!ready(&mut forever));
}

#[test]
fn a_dropped_sleeper_is_forgotten() {
    let time = SimulatedTime::new();
    let busy = time.busy();
    drop(time.sleep_until(100));
    assert_eq!(time.sleepers(), (0, 0));
    let _later = time.sleep_until(200);
    drop(busy);
    assert_eq!(time.now_ms(), 200);
}

#[test]
fn a_hold_gives_back_the_busy_and_takes_it_when_fired() {
    let time = SimulatedTime::new();
    let request = time.busy();
    let mut deadline = time.sleep_until(60_000);
    let mut hold = time.hold_until(2_000);
    assert_eq!(time.now_ms(), 2_000, "the engine waits, so the hold is over");
    assert!(ready(&mut hold) && !ready(&mut deadline));
    drop(hold);
    assert_eq!(time.now_ms(), 2_000, "busy again until the answer is in");
    drop(request);
    assert_eq!(time.now_ms(), 60_000);
    assert!(ready(&mut deadline));
}

#[test]
fn a_hold_alone_causes_no_jump() {
    let time = SimulatedTime::new();
    let request = time.busy();
    let mut hold = time.hold_until(2_000);
    assert_eq!((time.now_ms(), ready(&mut hold)), (0, false));
    // The engine sleeper that is due first goes first.
    let mut sleep = time.sleep_until(1_000);
    assert_eq!((time.now_ms(), ready(&mut sleep)), (1_000, true));
    assert!(!ready(&mut hold));
    let mut sleep = time.sleep_until(3_000);
    assert_eq!((time.now_ms(), ready(&mut hold)), (2_000, true));
    assert!(!ready(&mut sleep));
    drop(request);
    assert_eq!(time.now_ms(), 3_000);
}

#[test]
fn a_hold_that_is_dropped_takes_the_busy_back() {
    let time = SimulatedTime::new();
    let request = time.busy();
    let hold = time.hold_until(2_000);
    drop(hold);
    let mut sleep = time.sleep_until(1_000);
    assert_eq!((time.now_ms(), ready(&mut sleep)), (0, false));
    drop(request);
    assert_eq!(time.now_ms(), 1_000);
}

#[test]
fn a_given_up_request_stops_the_clock_until_the_hold_is_gone() {
    let time = SimulatedTime::new();
    let request = time.busy();
    let hold = time.hold_until(u64::MAX);
    drop(request);
    let mut sleep = time.sleep_until(1_000);
    assert_eq!((time.now_ms(), ready(&mut sleep)), (0, false));
    drop(hold);
    assert_eq!((time.now_ms(), ready(&mut sleep)), (1_000, true));
}

#[test]
fn a_hold_of_a_client_that_is_never_busy_balances() {
    let time = SimulatedTime::new();
    let mut hold = time.hold_until(50);
    time.advance(50);
    assert!(ready(&mut hold));
    drop(hold);
    let busy = time.busy();
    let _sleep = time.sleep_until(100);
    assert_eq!(time.now_ms(), 50);
    drop(busy);
    assert_eq!(time.now_ms(), 100);
}

#[test]
fn advance_fires_in_order_and_outside_the_lock() {
    let time = SimulatedTime::new();
    let _busy = time.busy();
    let wakes = counter(&time);
    let mut sleeps = [30, 10, 20].map(|at| time.sleep_until(at));
    for sleep in &mut sleeps {
        assert!(!ready_with(sleep, &wakes));
    }
    time.advance(20);
    assert_eq!(time.now_ms(), 20);
    assert_eq!(wakes.calls.load(Ordering::SeqCst), 2);
    assert!(!ready(&mut sleeps[0]) && ready(&mut sleeps[1]) && ready(&mut sleeps[2]));
    time.advance(10);
    assert!(ready(&mut sleeps[0]));
}

#[test]
fn a_sleeper_wakes_its_last_waker() {
    let time = SimulatedTime::new();
    let busy = time.busy();
    let (first, last) = (counter(&time), counter(&time));
    let mut sleep = time.sleep_until(10);
    assert!(!ready_with(&mut sleep, &first));
    assert!(!ready_with(&mut sleep, &last));
    drop(busy);
    assert_eq!(first.calls.load(Ordering::SeqCst), 0);
    assert_eq!(last.calls.load(Ordering::SeqCst), 1);
}

#[test]
fn a_waker_may_drop_other_sleepers() {
    struct Owner(Mutex<Option<Sleep>>);
    impl Drop for Owner {
        fn drop(&mut self) {
            drop(self.0.lock().unwrap().take());
        }
    }
    impl Wake for Owner {
        fn wake(self: Arc<Self>) {}
    }
    let time = SimulatedTime::new();
    let busy = time.busy();
    let mut sleep = time.sleep_until(10);
    let owner = Arc::new(Owner(Mutex::new(Some(time.sleep_until(20)))));
    let waker = Waker::from(owner);
    let mut context = Context::from_waker(&waker);
    assert!(Pin::new(&mut sleep).poll(&mut context).is_pending());
    drop(waker);
    drop(sleep);
    assert_eq!(time.sleepers(), (0, 0), "the waker's own sleeper is gone");
    drop(busy);
}

#[test]
fn the_wall_clock_follows() {
    let time = SimulatedTime::starting_at(1_000);
    time.advance(234);
    assert_eq!(time.unix_ms(), 1_234);
    time.advance(u64::MAX);
    assert_eq!(time.now_ms(), u64::MAX);
}

#[test]
fn many_threads_share_one_clock() {
    let time = SimulatedTime::new();
    let workers: Vec<_> = (1..=8_u64)
        .map(|step| {
            let time = time.clone();
            std::thread::spawn(move || {
                for round in 1..=200 {
                    let busy = time.busy();
                    let sleep = time.sleep_until(round * step);
                    drop(busy);
                    drop(sleep);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    assert_eq!(time.sleepers(), (0, 0));
    let end = time.now_ms();
    let _sleep = time.sleep_until(end + 1);
    assert_eq!(time.now_ms(), end + 1, "every busy was given back");
}

#[tokio::test]
async fn real_time_passes() {
    let time = RealTime::new();
    let before = time.now_ms();
    time.hold_until(before + 20).await;
    assert!(time.now_ms() >= before + 20);
    assert!(time.unix_ms() > 1_700_000_000_000);
}
