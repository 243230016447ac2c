//! Providers by name: what each is sent, byte for byte as its pages show it; what each would refuse, and
//! is refused here; and what an error says of its probable cause. Each has a file of its own.

mod auth0;
#[path = "../common/mod.rs"]
mod common;
mod idura;
mod keycloak;
mod okta;
mod pingone;
mod signaturgruppen;
mod signicat;
mod telenor;
mod vipps;

use ciba::{AuthenticationRequest, Client, Error, Flow, Status};
use ciba_sim::{Answer, Entry, Fault, Kind, Personality};
use common::Pair;

type Parameters<'a> = &'a [(&'a str, &'a str)];

fn request(parameters: Parameters<'_>) -> AuthenticationRequest {
    let mut request = AuthenticationRequest::new();
    for (name, value) in parameters {
        request.set(name, value).unwrap();
    }
    request
}

/// A provider of this kind at its preset's paths, and a client of it by name.
fn named(provider: &str, personality: Personality) -> (Pair, Client) {
    let pair = Pair::new(personality);
    let client = pair.client_with(&[("provider", provider)]);
    (pair, client)
}

fn entry(pair: &Pair, kind: Kind) -> Entry {
    pair.provider.journal().into_iter().rfind(|entry| entry.kind == kind).unwrap()
}

fn body(entry: &Entry) -> &str {
    std::str::from_utf8(&entry.body).unwrap()
}

/// Asserts that a request with these parameters is taken, and gives its body.
#[track_caller]
fn sent(pair: &Pair, client: &Client, parameters: Parameters<'_>) -> String {
    client.init(&request(parameters), None).unwrap();
    body(&entry(pair, Kind::Start)).to_owned()
}

/// Asserts that a request is refused here, that nothing is sent, and that all of these words are said.
#[track_caller]
fn refused(pair: &Pair, client: &Client, parameters: Parameters<'_>, words: &[&str]) {
    // The keys of a start before may still be on their way.
    let lines =
        || pair.provider.lines().into_iter().filter(|line| !line.contains("jwks")).collect::<Vec<_>>();
    let before = lines();
    let error = client.init(&request(parameters), None).unwrap_err();
    assert_eq!(error.status(), Status::INVALID_AUTHENTICATION_REQUEST, "{parameters:?}");
    for word in words {
        assert!(error.message().contains(word), "{word}: {error}");
    }
    assert_eq!(lines(), before, "nothing was sent");
}

/// What a start that is answered so comes to.
fn start_answered(pair: &Pair, client: &Client, parameters: Parameters<'_>, answer: Fault) -> Error {
    pair.provider.next(Kind::Start, answer);
    client.init(&request(parameters), None).unwrap_err()
}

/// What a flow comes to whose next poll is answered so.
fn poll_answered(pair: &Pair, client: &Client, parameters: Parameters<'_>, answer: Fault) -> (Flow, Error) {
    let flow = client.init(&request(parameters), None).unwrap();
    pair.provider.next(Kind::Poll, answer);
    let error = flow.poll(None).unwrap_err();
    (flow, error)
}

fn problem(status: u16, body: &str) -> Fault {
    Fault::Answer(Answer::json(status, body))
}

/// Every name, from the library's own mouth.
fn names() -> Vec<String> {
    let mut config = ciba::Config::new();
    config.set("provider", "nobody").unwrap();
    let error = Client::new(&config).unwrap_err();
    let (_, names) = error.message().split_once("there are: ").unwrap();
    names.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_provider_by_name_has_a_host_or_says_what_its_issuer_looks_like() {
    let names = names();
    assert!(names.len() == 16, "{names:?}");
    let readme = include_str!("../../README.md");
    let setting = ciba::SETTINGS.iter().find(|setting| setting.name == "provider").unwrap();
    for name in &names {
        let mut config = ciba::Config::new();
        for (setting, value) in [("provider", name.as_str()), ("client_id", "me"), ("client_secret", "s")] {
            config.set(setting, value).unwrap();
        }
        match Client::new(&config) {
            Ok(client) => assert!(format!("{client:?}").contains("https://"), "{client:?}"),
            Err(error) => {
                assert_eq!(error.status(), Status::MISSING_SETTING, "{name}");
                assert!(error.message().contains("https://") && error.message().contains(name), "{error}");
                config.set("issuer", "https://id.example/").unwrap();
                assert!(Client::new(&config).is_ok());
            }
        }
        assert!(readme.contains(&format!("`{name}`")), "README.md does not list {name}");
        assert!(setting.text.contains(name), "ciba.h does not list {name}");
    }
}
