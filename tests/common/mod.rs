//! A client and a provider on one simulated clock. The provider's journal is the oracle: a flow test
//! asserts every request with its time, and the silence afterwards.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ciba::{AuthenticationRequest, Client, Clock, ClockHold, Engine, Event, Flow, Level, Lookup, Status};
use ciba_sim::{Answer, Busy, Fault, Personality, SimulatedTime, Simulator, personality};

/// The person whom the tests ask.
pub const UUID: &str = "8a9856e0-f12d-4217-b320-c8a076be9320";
/// The interval of every personality, in ms.
pub const INTERVAL: u64 = 5_000;

/// The requests of a start at the generic provider, with the keys fetched behind it.
pub const STARTED: [&str; 3] = [
    "0 GET /.well-known/openid-configuration -> 200 discovery",
    "0 POST /bc-authorize -> 200 ack",
    "0 GET /jwks -> 200 jwks",
];

/// Waits in real time for something that another thread is about to do.
#[track_caller]
pub fn eventually(what: &str, done: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// An error answer of the provider.
pub fn error(status: u16, code: &str) -> Fault {
    Fault::Answer(Answer::json(status, format!(r#"{{"error":"{code}"}}"#)))
}

/// An answer as proxies give it.
pub fn web_page(status: u16) -> Fault {
    Fault::Answer(Answer::new(status, "<html>Sorry</html>").header("content-type", "text/html"))
}

/// The simulator's clock as the library wants it.
pub struct SimulatedClock(pub SimulatedTime);

impl Clock for SimulatedClock {
    fn now(&self) -> u64 {
        self.0.now_ms()
    }

    fn unix_ms(&self) -> i64 {
        self.0.unix_ms()
    }

    fn sleep_until(&self, when: u64) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self.0.sleep_until(when))
    }

    /// Nothing comes later than it could: tests assert times to the millisecond.
    fn spread(&self, _: u64) -> u64 {
        0
    }

    fn hold(&self) -> ClockHold {
        Some(Box::new(self.0.busy()))
    }
}

/// Everything resolves to this machine.
pub fn lookup() -> Lookup {
    Arc::new(|_| Ok(vec![([127, 0, 0, 1], 0).into()]))
}

/// The events of a log, each as one line.
#[derive(Clone, Default)]
pub struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// The names of the events, in order.
    pub fn names(&self) -> Vec<String> {
        self.lines().iter().filter_map(|line| line.split(' ').nth(1)).map(str::to_owned).collect()
    }
}

/// A provider, and what a client needs to sign in there.
pub struct Pair {
    pub time: SimulatedTime,
    pub provider: Simulator,
    pub engine: Engine,
    pub events: Events,
    preset: Option<&'static str>,
}

impl Pair {
    pub fn signaturgruppen() -> Pair {
        Pair::new(personality::signaturgruppen())
    }

    pub fn telenor() -> Pair {
        Pair::new(personality::telenor())
    }

    pub fn generic() -> Pair {
        Pair::new(personality::generic())
    }

    pub fn new(personality: Personality) -> Pair {
        Pair::with(personality, |_| ())
    }

    /// `change`: what is to be different about the provider.
    pub fn with(personality: Personality, change: impl FnOnce(&mut ciba_sim::Config)) -> Pair {
        let time = SimulatedTime::new();
        let preset = match personality.name {
            "signaturgruppen" => Some("signaturgruppen-test"),
            "signaturgruppen-par" => Some("signaturgruppen-par-test"),
            "telenor" => Some("telenor-test"),
            "telenor-bankid" => Some("telenor-bankid-test"),
            _ => None,
        };
        let mut config = ciba_sim::Config::new(personality).time(time.clone()).tls();
        change(&mut config);
        let provider = Simulator::start(config);
        let engine = Engine::start(Arc::new(SimulatedClock(time.clone())), lookup()).unwrap();
        Pair { time, provider, engine, events: Events::default(), preset }
    }

    /// The settings of a client that signs in here, with these beside them.
    pub fn config(&self, settings: &[(&str, &str)]) -> ciba::Config {
        let mut config = ciba::Config::new();
        if let Some(preset) = self.preset {
            config.set("provider", preset).unwrap();
        }
        let ca = self.provider.ca_pem().unwrap_or_default();
        for (name, value) in [
            ("issuer", self.provider.issuer()),
            ("client_id", self.provider.client_id()),
            ("client_secret", self.provider.client_secret()),
            ("ca_certificates", ca),
            ("ca_mode", if ca.is_empty() { "" } else { "replace" }),
            ("allow_http_loopback", if ca.is_empty() { "true" } else { "" }),
            ("proxy", "none"),
        ]
        .iter()
        .chain(settings)
        {
            config.set(name, value).unwrap();
        }
        let (events, log) = (self.events.clone(), self.events.clone());
        config.add_log(
            Level::Debug,
            Arc::new(move |event: &Event<'_>| {
                let line =
                    format!("{} {} [{}] {}", event.level.name(), event.name, event.correlation, event.text);
                log.0.lock().unwrap().push(line);
            }),
        );
        drop(events);
        config.set_engine(self.engine.clone());
        config
    }

    pub fn client_with(&self, settings: &[(&str, &str)]) -> Client {
        Client::new(&self.config(settings)).unwrap()
    }

    pub fn client(&self) -> Client {
        self.client_with(&[])
    }

    /// A request that this provider takes, with these parameters beside the needed ones.
    pub fn request_with(&self, parameters: &[(&str, &str)]) -> AuthenticationRequest {
        let needed: &[(&str, &str)] = match self.preset {
            Some("signaturgruppen-test") => &[
                ("login_hint_token.uuid", UUID),
                ("login_hint_token.referenceTextBody", "Sign in at the desk"),
                ("login_hint_token.ip", "127.0.0.1"),
            ],
            Some("signaturgruppen-par-test") => &[("login_hint_token.idp_values", "mitid")],
            Some("telenor-bankid-test") => &[("prepare.kurt_id", "kurt-4711")],
            Some(_) => &[("login_hint", "+4799988777")],
            None => &[("login_hint", "alice")],
        };
        let mut request = AuthenticationRequest::new();
        for (name, value) in needed.iter().chain(parameters) {
            request.set(name, value).unwrap();
        }
        request
    }

    pub fn request(&self) -> AuthenticationRequest {
        self.request_with(&[])
    }

    /// A flow that the provider has acknowledged.
    pub fn flow(&self) -> Flow {
        self.client().init(&self.request(), None).unwrap()
    }

    /// A flow of which the person is told this, for example `approve after 2 s`.
    pub fn flow_that(&self, phrase: &str) -> Flow {
        let name = match self.preset {
            Some("signaturgruppen-test") => "login_hint_token.referenceTextBody",
            _ => "binding_message",
        };
        self.client().init(&self.request_with(&[(name, phrase)]), None).unwrap()
    }

    /// The status line of a settled flow: `OK`, or what an error has for its status.
    pub fn outcome(flow: &Flow) -> Status {
        match flow.poll(None) {
            Ok(Some(_)) => Status::OK,
            Ok(None) => Status::PENDING,
            Err(error) => error.status(),
        }
    }

    /// Asserts every request so far, each as `{ms} {METHOD} {path} -> {status} {answer}`, and that
    /// three intervals go by without another one although the flow is asked again and again.
    #[track_caller]
    pub fn assert_requests_then_silence(&self, flow: &Flow, expected: &[&str]) {
        assert_eq!(self.provider.lines(), expected, "the requests");
        let outcome = flow.outcome();
        let interval = flow.interval().map_or(0, |interval| interval.as_millis() as u64);
        for _ in 0..3 {
            let _ = flow.poll(Some(Duration::ZERO));
            let _ = flow.step(Some(Duration::ZERO));
            self.time.advance(interval.max(INTERVAL) + 1_000);
            self.settle();
        }
        assert_eq!(self.provider.lines(), expected, "silence after the outcome");
        assert_eq!(flow.outcome(), outcome, "an outcome stays");
    }

    /// The same at the generic provider for a flow that was acknowledged at 0 ms. Given are its token
    /// requests, each as `{ms} {status} {answer}`.
    #[track_caller]
    pub fn assert_polls_then_silence(&self, flow: &Flow, polls: &[&str]) {
        let polls = polls.iter().map(|poll| {
            let (ms, answer) = poll.split_once(' ').unwrap();
            format!("{ms} POST /token -> {answer}")
        });
        let all: Vec<String> = STARTED.iter().map(|line| (*line).to_owned()).chain(polls).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        self.assert_requests_then_silence(flow, &all);
    }

    /// Waits until there are so many requests in the journal, all of them answered.
    #[track_caller]
    pub fn await_answers(&self, count: usize) {
        eventually("requests and their answers", || {
            let lines = self.provider.lines();
            lines.len() == count && !lines.iter().any(|line| line.ends_with("(open)"))
        });
    }

    /// Gives the background threads real time to do what they would do.
    pub fn settle(&self) {
        std::thread::sleep(Duration::from_millis(15));
    }

    /// Keeps the clock from moving on by itself.
    pub fn stop_the_clock(&self) -> Busy {
        self.time.busy()
    }
}
