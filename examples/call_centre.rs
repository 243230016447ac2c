//! Asks many people at once, from one thread, and survives being restarted: the same as
//! `c/call_centre.c`, in Rust.
//!
//!     CIBA_CLIENT_SECRET=… CIBA_SAVED_FLOW_KEYS=id:key call_centre FOLDER SETTING=VALUE… < people
//!
//! Each line of standard input is one person: a JSON object of request parameters, for example
//!
//!     {"login_hint": "+4799988777"}
//!
//! FOLDER keeps a file for each person who was asked: `7.saved` while nobody has answered, `7.done` with
//! the outcome. Started again with the same lines, the program goes on with those who are being asked, and
//! rings nobody's phone twice: also when it was killed. Ctrl-C hands everything over to the next start.
//! Exit code: 0 all have an outcome, 1 error, 130 interrupted.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Write, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ciba::{AuthenticationRequest, Client, Config, Flow, FlowSet, SavedFlow, Status};
use signal_hook::consts::{SIGINT, SIGTERM};

/// Requests that may be on their way at a time; when the program is killed, so many starts at most are
/// unknown.
const MOST_STARTING: usize = 8;
/// How long an acknowledgement may go unnoticed; how long Ctrl-C may; how long answers may take then.
const ACKNOWLEDGED: Duration = Duration::from_millis(5);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const TO_HAND_OVER: Duration = Duration::from_secs(5);

type Anything<T> = Result<T, Box<dyn Error>>;

fn clear_line() {
    if stderr().is_terminal() {
        eprint!("{:70}\r", "");
    }
}

/// What is kept: a file for each person.
struct Folder(PathBuf);

impl Folder {
    /// No two programs may go on with the same flows: the file is locked until it is closed.
    fn lock(path: &str) -> Anything<(Folder, File)> {
        fs::create_dir_all(path)?;
        let lock = File::create(Path::new(path).join("lock"))?;
        rustix::fs::fcntl_lock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
        Ok((Folder(path.into()), lock))
    }

    fn path(&self, number: usize, suffix: &str) -> PathBuf {
        self.0.join(format!("{number}.{suffix}"))
    }

    /// Replaces a file as a whole: after a crash the old one is there, or the new one.
    fn write(&self, number: usize, suffix: &str, bytes: &[u8]) -> io::Result<()> {
        let part = self.path(number, "part");
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(part, self.path(number, suffix))
    }

    fn keep(&self, number: usize, saved: &SavedFlow) -> io::Result<()> {
        self.write(number, "saved", saved.as_bytes())
    }
}

/// How far the asking of one person is.
enum Call {
    NotAsked,
    /// With the interval between polls as it was saved; none before the acknowledgement.
    Asked(Flow, Option<Duration>),
    Answered,
}

/// What a saved flow is bound to: one person's file is no good as another's.
fn context(number: usize) -> String {
    format!("call {number}")
}

struct Desk {
    folder: Folder,
    client: Client,
    set: FlowSet<usize>,
    people: Vec<String>,
    calls: Vec<Call>,
    approved: usize,
    shown: Instant,
}

impl Desk {
    fn count(&self, is: impl Fn(&Call) -> bool) -> usize {
        self.calls.iter().filter(|call| is(call)).count()
    }

    fn answered(&self) -> usize {
        self.count(|call| matches!(call, Call::Answered))
    }

    /// Once a second; on a terminal always on the same line.
    fn show(&mut self) {
        if self.shown.elapsed() < Duration::from_secs(1) {
            return;
        }
        self.shown = Instant::now();
        let end = if stderr().is_terminal() { "\r" } else { "\n" };
        let (waiting, asked) = (
            self.count(|call| matches!(call, Call::NotAsked)),
            self.count(|call| matches!(call, Call::Asked(..))),
        );
        let otherwise = self.answered() - self.approved;
        eprint!(
            "{waiting} to be asked, {asked} asked, {} approved, {otherwise} otherwise{end}",
            self.approved
        );
    }

    /// Writes down how a call ended, then forgets what it would be resumed from.
    fn end(&mut self, index: usize, status: Status, subject: &str) -> Anything<()> {
        let number = index + 1;
        let line = format!("CIBA_{} {subject}", status.name());
        let line = line.trim_end();
        self.folder.write(number, "done", format!("{line}\n").as_bytes())?;
        let _ = fs::remove_file(self.folder.path(number, "saved"));
        clear_line();
        println!("call {number}: {line}");
        self.approved += usize::from(status == Status::OK);
        self.calls[index] = Call::Answered;
        Ok(())
    }

    /// The set told of this call.
    fn finish(&mut self, index: usize) -> Anything<()> {
        let Call::Asked(flow, _) = &self.calls[index] else { return Ok(()) };
        let (status, subject) = match flow.poll(Some(Duration::ZERO)) {
            Ok(tokens) => {
                (Status::OK, tokens.and_then(|tokens| Some(tokens.claim_text("sub")?.into_owned())))
            }
            Err(error) => (error.status(), None),
        };
        self.end(index, status, &subject.unwrap_or_default())
    }

    /// Asks a person. An empty file says so beforehand: whatever happens next, no later start asks again.
    fn start(&mut self, index: usize) -> Anything<()> {
        self.folder.write(index + 1, "saved", b"")?;
        let mut request = AuthenticationRequest::new();
        let begun = request.set_json(&self.people[index]).and_then(|request| self.client.begin(request));
        match begun {
            Ok(flow) => {
                self.set.add(&flow, index)?; // should the start fail, the set tells of it
                self.calls[index] = Call::Asked(flow, None);
                Ok(())
            }
            Err(error) => {
                // A request that breaks a rule; nothing was sent.
                clear_line();
                eprintln!("call_centre: a request: {error}");
                self.end(index, error.status(), "")
            }
        }
    }

    /// Takes a call over that an earlier run was asking for. Saved anew before it is asked for: who comes
    /// after this run must not take it for untouched.
    fn resume(&mut self, index: usize) -> Anything<()> {
        let bytes = fs::read(self.folder.path(index + 1, "saved"))?;
        if bytes.is_empty() {
            // Killed before the acknowledgement was saved: the phone rang or not.
            return self.end(index, Status::START_UNKNOWN, "");
        }
        let flow = self.client.resume(&bytes, &context(index + 1))?;
        self.checkpoint(&flow, index + 1)?;
        let interval = flow.interval();
        self.calls[index] = Call::Asked(flow, interval);
        Ok(())
    }

    fn checkpoint(&self, flow: &Flow, number: usize) -> Anything<()> {
        match flow.checkpoint(&context(number)) {
            Ok(saved) => Ok(self.folder.keep(number, &saved)?),
            // It has its outcome already, and the set will tell of it.
            Err(error) if error.status() == Status::NOT_SAVEABLE => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn starting(&self) -> usize {
        self.count(|call| matches!(call, Call::Asked(_, None)))
    }

    /// Begins new calls, and saves those that the provider has acknowledged, or told to slow down.
    fn look_after_calls(&mut self) -> Anything<()> {
        let mut starting = self.starting();
        for index in 0..self.calls.len() {
            match &self.calls[index] {
                Call::NotAsked if starting < MOST_STARTING => {
                    starting += 1;
                    self.start(index)?;
                }
                Call::Asked(flow, saved) if flow.interval() > *saved => {
                    let interval = flow.interval();
                    self.checkpoint(flow, index + 1)?;
                    if let Call::Asked(_, saved) = &mut self.calls[index] {
                        *saved = interval;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Nobody asks here any more, so whoever goes on need not wait.
    fn hand_over(&mut self) -> Anything<()> {
        let until = Instant::now() + TO_HAND_OVER;
        for index in 0..self.calls.len() {
            let Call::Asked(flow, _) = &self.calls[index] else { continue };
            let left = until.saturating_duration_since(Instant::now());
            match flow.hand_over(&context(index + 1), Some(left)) {
                Ok(Some(saved)) => self.folder.keep(index + 1, &saved)?,
                // An answer takes too long: what was saved before serves, after a whole interval.
                _ if flow.outcome() == Status::PENDING => {}
                _ => self.finish(index)?,
            }
        }
        Ok(())
    }

    /// One thread for all of them: the set says who has answered.
    fn run(&mut self, interrupted: &AtomicBool) -> Anything<()> {
        for index in 0..self.calls.len() {
            if self.folder.path(index + 1, "done").exists() {
                self.calls[index] = Call::Answered;
            } else if self.folder.path(index + 1, "saved").exists() {
                self.resume(index)?;
            }
        }
        for (index, call) in self.calls.iter().enumerate() {
            if let Call::Asked(flow, _) = call {
                self.set.add(flow, index)?; // asked for only now that somebody listens to the answers
            }
        }
        while self.answered() < self.calls.len() {
            if interrupted.load(Ordering::Relaxed) {
                return self.hand_over();
            }
            self.look_after_calls()?;
            let patience = if self.starting() > 0 { ACKNOWLEDGED } else { LOOK_AGAIN };
            if let Some(index) = self.set.wait(Some(patience))? {
                self.finish(index)?;
            }
            self.show();
        }
        Ok(())
    }
}

/// Exit code 0 or 130.
fn call(words: &[String], interrupted: &AtomicBool) -> Anything<u8> {
    let (folder, _lock) = Folder::lock(&words[0])?;
    let mut config = Config::new();
    // Others on this machine can read a command line: secrets are better in the environment.
    config.set("client_secret", &std::env::var("CIBA_CLIENT_SECRET")?)?;
    config.set("saved_flow_keys", &std::env::var("CIBA_SAVED_FLOW_KEYS")?)?;
    config.set("saved_flow_exclusive", "true")?; // see Folder::lock()
    for word in &words[1..] {
        let (name, value) = word.split_once('=').ok_or("a word is not SETTING=VALUE")?;
        config.set(name, value)?;
    }
    let client = Client::new(&config)?;
    let people: Vec<String> = io::stdin().lines().collect::<Result<_, _>>()?;
    let calls = people.iter().map(|_| Call::NotAsked).collect();
    let set = FlowSet::new(&client)?;
    let mut desk = Desk { folder, client, set, people, calls, approved: 0, shown: Instant::now() };
    desk.run(interrupted)?;
    Ok(if desk.answered() == desk.calls.len() { 0 } else { 130 })
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.is_empty() {
        eprintln!(
            "usage: CIBA_CLIENT_SECRET=... CIBA_SAVED_FLOW_KEYS=id:key call_centre FOLDER SETTING=VALUE... < people"
        );
        return ExitCode::from(1);
    }
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // A second one ends the program at once.
        let registered = signal_hook::flag::register_conditional_default(signal, interrupted.clone())
            .and_then(|_| signal_hook::flag::register(signal, interrupted.clone()));
        if let Err(error) = registered {
            eprintln!("call_centre: Ctrl-C cannot be caught: {error}");
            return ExitCode::from(1);
        }
    }
    match call(&words, &interrupted) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            clear_line();
            eprintln!("call_centre: {error}");
            ExitCode::from(1)
        }
    }
}
