//! The modules for relying parties of the OpenID Foundation's conformance suite, written anew: those of its
//! FAPI-CIBA plan, and some of OpenID Connect, FAPI 1 and FAPI 2. A test is a module in a variant, and named
//! as there. It is stricter than the suite: every request is compared, with its time, and after every outcome
//! the provider must see silence; what is refused is refused beside a good twin, in the same variant.
//!
//! `fapi_ciba`, `openid_connect` and `beyond` are the table, `module` says what its columns mean; `variant` the
//! ways to run a module; `provider` what the provider does, `tokens` how ID Tokens go wrong; `requests` what
//! every request must be like, `list` what the documentation says of all this.

mod beyond;
#[path = "../common/mod.rs"]
mod common;
mod fapi_ciba;
#[path = "../jwe/mod.rs"]
#[allow(dead_code, reason = "one algorithm is enough here")]
mod jwe;
mod list;
mod module;
mod openid_connect;
mod provider;
mod requests;
mod tokens;
mod variant;

use std::process::ExitCode;
use std::time::Duration;

use ciba::{AuthenticationRequest, Client, Flow, Result, Status, Tokens};
use ciba_sim::{Entry, Kind};
use libtest_mimic::{Arguments, Trial};

use module::{Call, For, HAPPY, Module};
use provider::Suite;
use requests::{
    PLANTED, PLANTED_IN_ASSERTIONS, PLANTED_WITH_CERTIFICATES, PLANTED_WITH_DPOP, PLANTED_WITH_PING,
    PLANTED_WITH_POLL, faults,
};
use variant::{ClientAuth, DPOP, Mode, SECRET_BASIC, VARIANTS, Variant};

/// Every module there is.
fn modules() -> impl Iterator<Item = &'static Module<'static>> {
    fapi_ciba::MODULES.iter().chain(openid_connect::MODULES).chain(beyond::MODULES)
}

fn main() -> ExitCode {
    let checks = VARIANTS.iter().chain(&DPOP).map(|variant| {
        Trial::test(format!("planted-faults-are-found{variant}"), || {
            planted_faults_are_found(*variant);
            Ok(())
        })
    });
    let list = Trial::test("the-list-in-docs-is-of-these-modules", || {
        list::check(modules());
        Ok(())
    });
    let trials = modules().flat_map(trials).chain(checks).chain([list]);
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// A module in each of its variants.
fn trials(module: &'static Module<'static>) -> Vec<Trial> {
    let variants: Vec<Variant> = match module.variants {
        For::Every => VARIANTS.to_vec(),
        For::Ping => VARIANTS.into_iter().filter(|variant| variant.ciba_mode == Mode::Ping).collect(),
        For::Dpop => DPOP.to_vec(),
        For::SecretBasic => vec![SECRET_BASIC],
    };
    let trial = |variant: Variant| {
        Trial::test(format!("{}{variant}", module.name), move || {
            run(module, variant);
            Ok(())
        })
    };
    variants.into_iter().map(trial).collect()
}

/// The module as it is good, and then, where something is to be refused, with one fact changed.
fn run(module: &Module<'_>, variant: Variant) {
    play(variant, module, "as it is good");
    if let Some(refused) = &module.refused {
        let script = [module.provider, &[refused.change]].concat();
        let changed =
            Module { provider: &script, calls: refused.calls, requests: refused.requests, ..*module };
        play(variant, &changed, "with one fact changed");
    }
}

/// Makes the calls, compares every request with what is expected, and listens for silence.
fn play(variant: Variant, module: &Module<'_>, which: &str) -> (Suite, Vec<Entry>) {
    let suite = Suite::start(variant, module.provider.to_vec());
    let provider = &suite.pair.provider;
    let client = suite.client(module.settings);
    let (mut flows, mut tokens): (Vec<Flow>, Option<Tokens>) = (Vec::new(), None);
    for call in module.calls {
        let (status, expected) = match call {
            Call::SignIn(expected) | Call::SignInWithHint(expected) => {
                let hinted = tokens.as_ref().filter(|_| matches!(call, Call::SignInWithHint(_)));
                let request = suite.request(hinted.and_then(Tokens::id_token), module.expected);
                let (flow, status) = sign_in(&suite, &client, &request, module.end.1);
                tokens = flow.tokens().ok();
                flows.push(flow);
                (status, expected)
            }
            Call::Userinfo(expected) => {
                (status_of(&client.userinfo(tokens.as_ref().unwrap(), None)), expected)
            }
            Call::Refresh(expected) => {
                let fresh = client.refresh(tokens.as_ref().unwrap(), None);
                let status = status_of(&fresh);
                tokens = fresh.ok().flatten().or(tokens);
                (status, expected)
            }
            Call::KeyRotation => {
                provider.rotate_key(0);
                continue;
            }
        };
        assert_eq!(status, *expected, "{which}");
    }
    let seen: Vec<String> = provider.journal().iter().map(in_short).collect();
    let end = if variant.ciba_mode == Mode::Poll { module.end.0 } else { module.end.1 };
    let expected: Vec<String> = module.requests.iter().map(|line| in_ms(line, end)).collect();
    assert_eq!(seen, expected, "{which}: the requests");
    listen(&suite, &flows);
    let journal = provider.journal();
    let found = faults(&journal, suite.facts());
    assert!(found.is_empty(), "{which}: {found:#?}");
    (suite, journal)
}

/// Waits for the outcome; the provider pings, if it does, so many ms after the request.
fn sign_in(suite: &Suite, client: &Client, request: &AuthenticationRequest, pings: u64) -> (Flow, Status) {
    let flow = client.begin(request).unwrap();
    if flow.wait_started(None).is_ok() {
        suite.meanwhile();
        if suite.is_to_ping() && flow.poll(Some(Duration::from_millis(pings))).unwrap().is_none() {
            let _stopped = suite.pair.stop_the_clock();
            suite.act();
            (0..suite.pings().times).for_each(|_| suite.ping(client));
        }
    }
    let status = match flow.poll(None) {
        Ok(tokens) => tokens.map_or(Status::PENDING, |_| Status::OK),
        Err(error) => {
            assert_eq!(error.oauth_error().filter(|_| suite.refusal().is_some()), suite.refusal());
            error.status()
        }
    };
    if suite.variant.ciba_mode == Mode::Ping && suite.pings().afterwards {
        suite.ping(client);
    }
    assert_eq!(flow.tokens().is_ok(), status == Status::OK, "no tokens leave a flow that failed");
    (flow, status)
}

/// A line of a module with its time: a sum of ms and `end`s.
fn in_ms(line: &str, end: u64) -> String {
    let (time, what) = line.split_once(' ').unwrap();
    let ms = time.split('+').map(|part| if part == "end" { end } else { part.parse().unwrap() });
    format!("{} {what}", ms.sum::<u64>())
}

/// Nothing more comes, although the flows are asked again and again for three intervals.
fn listen(suite: &Suite, flows: &[Flow]) {
    let lines = suite.pair.provider.lines();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    flows.iter().for_each(|flow| suite.pair.assert_requests_then_silence(flow, &lines));
}

fn status_of<T>(answer: &Result<Option<T>>) -> Status {
    match answer {
        Ok(answer) => answer.as_ref().map_or(Status::PENDING, |_| Status::OK),
        Err(error) => error.status(),
    }
}

/// `5200 poll 400 authorization_pending`. Method, path and listener are looked at by `requests`.
fn in_short(entry: &Entry) -> String {
    let kind = format!("{:?}", entry.kind).to_lowercase();
    let status = entry.status.map_or(String::new(), |status| format!("{status} "));
    format!("{} {kind} {status}{}", entry.at_ms, entry.answer)
}

/// What `requests` looks for is found when it is there.
fn planted_faults_are_found(variant: Variant) {
    let (suite, journal) = play(variant, &HAPPY, "as it is good");
    let assertions = match variant.client_auth_type {
        ClientAuth::PrivateKeyJwt => PLANTED_IN_ASSERTIONS,
        _ => &[],
    };
    let notification_token = match variant.ciba_mode {
        Mode::Poll => PLANTED_WITH_POLL,
        Mode::Ping => PLANTED_WITH_PING,
    };
    let dpop = if variant.dpop { PLANTED_WITH_DPOP } else { PLANTED_WITH_CERTIFICATES };
    for (what, kind, plant) in PLANTED.iter().chain(assertions).chain(notification_token).chain(dpop) {
        let mut journal = journal.clone();
        plant(journal.iter_mut().find(|entry| entry.kind == *kind).unwrap());
        let found = faults(&journal, suite.facts());
        assert!(found.iter().any(|fault| fault.starts_with(what)), "{what} of {kind:?}: {found:#?}");
    }
    let mut again = journal.clone();
    again.extend(journal.into_iter().filter(|entry| entry.kind == Kind::Start));
    let found = faults(&again, suite.facts());
    assert!(found.iter().any(|fault| fault.starts_with("jti")), "a jti that was there before: {found:#?}");
}
