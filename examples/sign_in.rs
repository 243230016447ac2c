//! Signs a person in, and shows what happens: the same as `c/sign_in.c`, in Rust.
//!
//!     CIBA_CLIENT_SECRET=… sign_in SETTING=VALUE… -- PARAMETER=VALUE…
//!
//! for example
//!
//!     sign_in provider=telenor-test client_id=desk-7 -- login_hint=+4799988777
//!
//! [`ciba::SETTINGS`] and [`ciba::PARAMETERS`] list the names. Ctrl-C gives up. Exit code: 0 approved,
//! 1 error, 2 denied, 3 expired, 130 given up.

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ciba::{AuthenticationRequest, Client, Config, Error, Flow, Progress, ProgressStage, Status, Tokens};
use signal_hook::consts::SIGINT;

/// How long Ctrl-C may go unnoticed, and how long the provider has to take note of it.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const TO_CANCEL: Duration = Duration::from_secs(5);

fn clear_line() {
    if stderr().is_terminal() {
        eprint!("\r{:14}\r", "");
    }
}

fn say(text: &str) {
    clear_line();
    eprintln!("{text}");
}

/// Called by [`Flow::poll`] when something has changed, and about once a second.
fn show_progress() -> impl Fn(&Progress) + Send + Sync {
    let (told, polls) = (AtomicU64::new(0), AtomicU64::new(0));
    move |progress| {
        let first = told.swap(progress.stage as u64, Ordering::Relaxed) < progress.stage as u64;
        let new_poll = polls.swap(progress.polls, Ordering::Relaxed) < progress.polls;
        let left = progress.expires_in.unwrap_or_default().as_secs();
        match progress.stage {
            ProgressStage::Pending => {
                if first {
                    say("The phone rings. Ctrl-C gives up.");
                }
                if stderr().is_terminal() {
                    eprint!("  {left:3} s left \r");
                } else if new_poll {
                    eprintln!("  not yet; {left} s left");
                }
            }
            ProgressStage::Verifying if first => say("Answered. The tokens are being verified."),
            _ => {}
        }
    }
}

/// Waits for the person's answer, and gives up when Ctrl-C was pressed.
fn wait_for_answer(flow: &Flow, give_up: &AtomicBool) -> Result<Tokens, Error> {
    loop {
        if let Some(tokens) = flow.poll(Some(LOOK_AGAIN))? {
            return Ok(tokens);
        }
        if give_up.load(Ordering::Relaxed) && !flow.cancel(Some(TO_CANCEL)).unwrap_or(false) {
            say("The provider could not be told: the phone may go on ringing.");
        }
    }
}

/// Nothing from outside may steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn print_claims(tokens: &Tokens) {
    for name in tokens.claims().into_iter().flat_map(|claims| claims.keys()) {
        let value = tokens.claim_text(name).unwrap_or_default();
        println!("  {:<23} {}", printable(name), printable(&value));
    }
}

fn sign_in(words: &[String], give_up: &AtomicBool) -> Result<Tokens, Error> {
    let mut parts = words.splitn(2, |word| word == "--");
    let pairs = |words: &[String]| -> Result<Vec<(String, String)>, Error> {
        let pair = |word: &String| word.split_once('=').map(|(name, value)| (name.into(), value.into()));
        let wrong = || Error::new(Status::MISSING_ARGUMENT, "a word is not NAME=VALUE");
        words.iter().map(|word| pair(word).ok_or_else(wrong)).collect()
    };

    let mut config = Config::new();
    // Others on this machine can read a command line: the secret is better in the environment.
    config.set("client_secret", &std::env::var("CIBA_CLIENT_SECRET").unwrap_or_default())?;
    for (name, value) in pairs(parts.next().unwrap_or_default())? {
        config.set(&name, &value)?;
    }
    let mut request = AuthenticationRequest::new();
    for (name, value) in pairs(parts.next().unwrap_or_default())? {
        request.set(&name, &value)?;
    }

    let client = Client::new(&config)?;
    // The flow is here at once: Ctrl-C works while the request is on its way, too.
    let flow = client.begin(&request)?;
    say("The request is sent.");
    flow.on_progress(show_progress())?;
    wait_for_answer(&flow, give_up)
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.is_empty() {
        eprintln!("usage: CIBA_CLIENT_SECRET=... sign_in SETTING=VALUE... -- PARAMETER=VALUE...");
        return ExitCode::from(1);
    }
    let give_up = Arc::new(AtomicBool::new(false));
    // A second Ctrl-C ends the program at once.
    let registered = signal_hook::flag::register_conditional_default(SIGINT, give_up.clone())
        .and_then(|_| signal_hook::flag::register(SIGINT, give_up.clone()));
    if let Err(error) = registered {
        eprintln!("sign_in: Ctrl-C cannot be caught: {error}");
        return ExitCode::from(1);
    }

    match sign_in(&words, &give_up) {
        Ok(tokens) => {
            say("Approved. These claims have been verified:");
            print_claims(&tokens);
            ExitCode::SUCCESS
        }
        Err(error) => {
            let (text, code) = match error.status() {
                Status::DENIED => ("Denied.".to_owned(), 2),
                Status::EXPIRED => ("Nobody answered in time.".to_owned(), 3),
                Status::CANCELLED => ("Given up.".to_owned(), 130),
                status => (format!("sign_in: CIBA_{}: {}", status.name(), error.message()), 1),
            };
            say(&text);
            ExitCode::from(code)
        }
    }
}
