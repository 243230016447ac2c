//! Many pending flows at once, in one set or each with a thread that blocks; and the most polls that one
//! core makes, beside bare reqwest tasks. `flows.py` runs it.
//!
//! ```text
//! flows set COUNT SETTLE_MS WINDOW_MS APPROVED
//! flows threads COUNT SETTLE_MS WINDOW_MS APPROVED
//! flows rate ROUNDS MS
//! ```
//!
//! With APPROVED = 0 nobody logs, and CPU time and memory are of account. Otherwise the log tells how late
//! polls are, and so many flows are approved, to see how fast the caller wakes. FLOWS_SETTINGS in the
//! environment: further settings of the client, as JSON.

mod bare;
mod lateness;
mod measure;
mod rate;

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ciba::{AuthenticationRequest, Client, Config, Flow, FlowSet, Level, Status};

use lateness::Lateness;
use measure::{cpu_ns, memory_kb, needed, print, print_samples, threads};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How many starts are under way at once; so many flows are there before memory is looked at, so
/// that what all of them share is not of account.
const STARTS: usize = 64;
/// What the person is told.
const TEXT: &str = "Sign in, desk 7";
/// Enough for a body that waits in one call.
const STACK_BYTES: usize = 64 * 1024;

fn client(log: Option<Arc<Lateness>>) -> Result<Client> {
    let mut config = Config::new();
    for (name, value) in [
        ("provider", "signaturgruppen"),
        ("issuer", &needed("CIBA_SIM_ISSUER")?),
        ("client_id", &needed("CIBA_SIM_CLIENT_ID")?),
        ("client_secret", &needed("CIBA_SIM_CLIENT_SECRET")?),
        ("ca_file", &needed("CIBA_SIM_CA_FILE")?),
        ("proxy", "none"),
    ] {
        config.set(name, value)?;
    }
    if let Ok(settings) = std::env::var("FLOWS_SETTINGS") {
        config.set_json(&settings)?;
    }
    if let Some(log) = log {
        config.add_log(Level::Debug, log);
    }
    Ok(Client::new(&config)?)
}

/// `correlation` stands in the log and, like the text, is kept for as long as the flow.
fn request(text: &str, correlation: &str) -> Result<AuthenticationRequest> {
    let mut request = AuthenticationRequest::new();
    for (name, value) in [
        ("login_hint_token.uuid", "8a9856e0-f12d-4217-b320-c8a076be9320"),
        ("login_hint_token.ip", "127.0.0.1"),
        ("login_hint_token.referenceTextBody", text),
        ("correlation", correlation),
    ] {
        request.set(name, value)?;
    }
    Ok(request)
}

/// Starts flows, and hands each on once it is acknowledged.
fn start(
    client: &Client,
    numbers: std::ops::Range<usize>,
    request: impl Fn(usize) -> Result<AuthenticationRequest>,
    mut acknowledged: impl FnMut(usize, Flow) -> Result<()>,
) -> Result<()> {
    let mut under_way = VecDeque::with_capacity(STARTS);
    for number in numbers.clone() {
        if under_way.len() == STARTS
            && let Some((number, flow)) = under_way.pop_front()
        {
            Flow::wait_started(&flow, None)?;
            acknowledged(number, flow)?;
        }
        under_way.push_back((number, client.begin(&request(number)?)?));
    }
    for (number, flow) in under_way {
        flow.wait_started(None)?;
        acknowledged(number, flow)?;
    }
    Ok(())
}

/// What there is to measure of pending flows.
struct Run {
    count: usize,
    settle: Duration,
    window: Duration,
    /// How many of the flows are approved, about when the window begins.
    approved: usize,
    log: Option<Arc<Lateness>>,
}

impl Run {
    fn new(numbers: &[u64]) -> Result<Run> {
        let [count, settle, window, approved] = *numbers else {
            return Err("four numbers are needed".into());
        };
        let (count, approved) = (usize::try_from(count)?, usize::try_from(approved)?);
        Ok(Run {
            count,
            settle: Duration::from_millis(settle),
            window: Duration::from_millis(window),
            approved,
            log: (approved > 0).then(|| Arc::new(Lateness::new(count))),
        })
    }

    fn is_approved(&self, number: usize) -> bool {
        self.approved > 0 && number.is_multiple_of((self.count / self.approved).max(1))
    }

    fn request(&self, number: usize) -> Result<AuthenticationRequest> {
        let correlation = self.log.as_ref().map(|_| number.to_string()).unwrap_or_default();
        match self.is_approved(number) {
            // This provider does what the person is told.
            true => request(&format!("approve after {} ms", self.settle.as_millis()), &correlation),
            false => request(TEXT, &correlation),
        }
    }

    /// Starts all flows. `added` has each asked for.
    fn start(&self, mut added: impl FnMut(usize, Flow) -> Result<()>) -> Result<()> {
        let client = client(self.log.clone())?;
        let shared = STARTS.min(self.count);
        start(&client, 0..shared, |number| self.request(number), &mut added)?;
        print("flows_before", shared);
        print("memory_before_kb", memory_kb()?);
        let began = Instant::now();
        start(&client, shared..self.count, |number| self.request(number), &mut added)?;
        print("start_ms", began.elapsed().as_millis());
        Ok(())
    }

    /// Lets polls be made, by `wait`, and measures meanwhile.
    fn measure(&self, mut wait: impl FnMut(Instant) -> Result<()>) -> Result<()> {
        let now = Instant::now();
        let (begins, ends) = (now + self.settle, now + self.settle + self.window);
        wait(begins)?;
        print("begins_cpu_ns", cpu_ns());
        wait(ends)?;
        print("ends_cpu_ns", cpu_ns());
        print("memory_kb", memory_kb()?);
        print_samples("threads", threads()?.iter().map(|name| format!("{name:?}")));
        Ok(())
    }

    /// Once nothing is asked any more: whether the flows stand as they should, and how they did.
    fn end(&self, flows: &[Flow]) -> Result<()> {
        while flows.iter().any(Flow::is_asking) {
            thread::sleep(Duration::from_millis(1));
        }
        for (number, flow) in flows.iter().enumerate() {
            let expected = if self.is_approved(number) { Status::OK } else { Status::PENDING };
            if flow.outcome() != expected {
                return Err(format!("flow {number}: {:?}, {:?}", flow.outcome(), flow.last_trouble()).into());
            }
        }
        let polls: Vec<u64> = flows.iter().map(|flow| flow.progress().polls).collect();
        print("polls", polls.iter().sum::<u64>());
        let undecided = polls.iter().enumerate().filter(|(number, _)| !self.is_approved(*number));
        print("fewest_polls", undecided.map(|(_, polls)| *polls).min().unwrap_or_default());
        let identifier = flows.iter().filter_map(Flow::auth_req_id).map(|id| length(&id)).max();
        print("identifier", identifier.unwrap_or_default());
        if let Some(log) = &self.log {
            log.print();
        }
        Ok(())
    }
}

fn length(secret: &impl secrecy::ExposeSecret<str>) -> usize {
    secret.expose_secret().len()
}

/// All flows in one set, one thread that waits.
fn set(run: &Run) -> Result<()> {
    let mut flows = Vec::with_capacity(run.count);
    let set = FlowSet::new(&client(None)?)?;
    run.start(|number, flow| {
        set.add(&flow, number)?;
        flows.push(flow);
        Ok(())
    })?;
    run.measure(|until| {
        loop {
            let told = set.wait(Some(until.saturating_duration_since(Instant::now())))?;
            let Some(number) = told else { return Ok(()) };
            if let Some(log) = &run.log {
                log.woken(number, Instant::now());
            }
        }
    })?;
    for flow in &flows {
        set.remove(flow)?;
    }
    run.end(&flows)
}

/// Each flow on a thread of its own.
fn one_thread_each(run: &Run) -> Result<()> {
    let mut waiting = Vec::with_capacity(run.count);
    run.start(|number, flow| {
        let log = run.log.clone();
        // Every thread goes home by itself, and nothing is cancelled.
        let most = run.settle + run.window;
        let wait = move || {
            let tokens = flow.poll(Some(most));
            if let (Some(log), Ok(Some(_))) = (log, tokens) {
                log.woken(number, Instant::now());
            }
            flow
        };
        waiting.push(thread::Builder::new().stack_size(STACK_BYTES).spawn(wait)?);
        Ok(())
    })?;
    run.measure(|until| {
        thread::sleep(until.saturating_duration_since(Instant::now()));
        Ok(())
    })?;
    let flows = waiting.into_iter().map(|thread| thread.join().map_err(|_| "a thread panicked".into()));
    run.end(&flows.collect::<Result<Vec<Flow>>>()?)
}

fn main() -> Result<()> {
    // `cargo bench` says --bench too.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let Some((way, numbers)) = words.split_first() else { return Err("what is to be measured?".into()) };
    let numbers: Vec<u64> = numbers.iter().map(|word| word.parse()).collect::<std::result::Result<_, _>>()?;
    match way.as_str() {
        "set" => set(&Run::new(&numbers)?),
        "threads" => one_thread_each(&Run::new(&numbers)?),
        "rate" => rate::measure(&numbers),
        other => Err(format!("not known: {other}").into()),
    }
}
