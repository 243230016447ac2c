//! docs/providers.md: what it shows works. Each request on it signs in with each of its section's settings,
//! the claims are those that come, and no parameter of a provider is missing.

mod common;

use std::collections::BTreeSet;

use ciba::{AuthenticationRequest, Client, PARAMETERS, SETTINGS, Status};
use ciba_sim::personality::{self, Hint, Person};
use ciba_sim::{Kind, Personality};
use common::Pair;
use serde_json::Value;

const PAGE: &str = include_str!("../docs/providers.md");

/// The part of the page for one provider.
struct Section {
    names: Vec<&'static str>,
    text: &'static str,
}

impl Section {
    /// What stands in code blocks of this kind.
    fn blocks(&self, kind: &str) -> Vec<&'static str> {
        let fence = format!("```json {kind}\n");
        let behind = self.text.split(fence.as_str()).skip(1);
        behind.map(|rest| rest.split("```").next().unwrap()).collect()
    }
}

/// Words in backquotes.
fn code(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.starts_with("```")).flat_map(|line| line.split('`').skip(1).step_by(2))
}

fn sections() -> Vec<Section> {
    let sections = PAGE.split("\n## ").skip(1);
    sections.map(|text| Section { names: code(text.lines().next().unwrap()).collect(), text }).collect()
}

/// Auth0's hint is an object with the person inside.
fn of_iss_sub(hint: &Hint<'_>) -> Result<Person, &'static str> {
    let value: Value = serde_json::from_str(hint.value).map_err(|_| "invalid_request")?;
    let id = value["sub"].as_str().ok_or("invalid_request")?.to_owned();
    Ok(Person { id, ..Person::default() })
}

/// The provider of a section: the simulator's own, or the generic one at the preset's paths.
fn personality_of(name: &str) -> Personality {
    let generic = personality::generic();
    let at = |root, start, token| Personality { root, start, token, ..personality::generic() };
    match name {
        "signaturgruppen" => personality::signaturgruppen(),
        "signaturgruppen-par" => personality::signaturgruppen_par(),
        "telenor" => personality::telenor(),
        "telenor-bankid" => personality::telenor_bankid(),
        "auth0" => Personality { person: of_iss_sub, ..at("", "/bc-authorize", "/oauth/token") },
        "okta" => at("/oauth2/default", "/v1/bc/authorize", "/v1/token"),
        "keycloak" => {
            at("/realms/REALM", "/protocol/openid-connect/ext/ciba/auth", "/protocol/openid-connect/token")
        }
        "idura" => at("", "/ciba/bc-authorize", "/oauth2/token"),
        "signicat" => at("/auth/open", "/connect/ciba", "/connect/token"),
        "pingone" => at("/ENVIRONMENT/as", "/cibaAuthorization", "/token"),
        _ => generic,
    }
}

/// Signs in as the page says, at the simulator in place of the provider's host.
fn sign_in(section: &Section, settings: &str, request: &str) -> (Pair, ciba::Tokens) {
    let given: Value = serde_json::from_str(settings).unwrap();
    let text = |name: &str| given[name].as_str().map(str::to_owned);
    let pair = Pair::with(personality_of(section.names[0]), |config| {
        config.clients = vec![ciba_sim::Client {
            token_endpoint_auth_method: text("token_endpoint_auth_method"),
            backchannel_authentication_request_signing_alg: text(
                "backchannel_authentication_request_signing_alg",
            ),
            ..ciba_sim::Client::new(&text("client_id").unwrap(), &text("client_secret").unwrap())
        }];
    });
    let mut config = ciba::Config::new();
    config.set_json(settings).unwrap();
    for (name, value) in [
        ("issuer", pair.provider.issuer()),
        ("ca_certificates", pair.provider.ca_pem().unwrap()),
        ("ca_mode", "replace"),
        ("proxy", "none"),
    ] {
        config.set(name, value).unwrap();
    }
    config.set_engine(pair.engine.clone());
    let mut asked = AuthenticationRequest::new();
    asked.set_json(request).unwrap();
    let flow = Client::new(&config).unwrap().init(&asked, None).unwrap();
    pair.provider.approve(&pair.provider.newest().unwrap());
    let tokens = flow.poll(None).unwrap().unwrap();
    (pair, tokens)
}

#[test]
fn every_request_on_the_page_signs_in_with_the_settings_beside_it() {
    for section in sections() {
        let (settings, requests) = (section.blocks("settings"), section.blocks("request"));
        assert!(!settings.is_empty() && !requests.is_empty(), "{:?}", section.names);
        for settings in settings {
            let given: Value = serde_json::from_str(settings).unwrap();
            assert!(section.names.contains(&given["provider"].as_str().unwrap()), "{settings}");
            for request in &requests {
                let (pair, tokens) = sign_in(&section, settings, request);
                assert_eq!(pair.provider.request_count(Kind::Start), 1, "{:?}", section.names);
                for claims in section.blocks("claims") {
                    assert_claims(&tokens, claims);
                }
            }
        }
    }
}

/// Asserts that an ID Token has these claims and, beside what every one has, no others; `…` is any value.
fn assert_claims(tokens: &ciba::Tokens, claims: &str) {
    const OF_EVERY_ONE: [&str; 7] = ["iss", "aud", "exp", "iat", "nbf", "auth_time", "at_hash"];
    let mut expected: Value = serde_json::from_str(claims).unwrap();
    let mut found = Value::Object(tokens.claims().unwrap().clone());
    let found = found.as_object_mut().unwrap();
    found.retain(|name, _| !OF_EVERY_ONE.contains(&name.as_str()));
    for (name, value) in expected.as_object_mut().unwrap().iter_mut().filter(|(_, value)| **value == "…") {
        *value = found.get(name).cloned().unwrap_or_default();
    }
    assert_eq!(Value::Object(found.clone()), expected);
}

#[test]
fn every_provider_has_a_section_and_the_page_names_nothing_that_is_not_there() {
    let mut config = ciba::Config::new();
    config.set("provider", "nobody").unwrap();
    let error = Client::new(&config).unwrap_err();
    let (_, names) = error.message().split_once("there are: ").unwrap();
    let names: BTreeSet<&str> = names.split(", ").collect();
    let shown: Vec<&str> = sections().into_iter().flat_map(|section| section.names).collect();
    assert_eq!(shown.iter().copied().collect::<BTreeSet<_>>(), names);
    assert_eq!(shown.len(), names.len(), "no provider twice");

    // A status in capitals, and a parameter with a dot in it, is one of the library's.
    let statuses: BTreeSet<&str> = Status::ALL.iter().map(|status| status.name()).collect();
    let parameters: BTreeSet<&str> = PARAMETERS.iter().chain(SETTINGS).map(|p| p.name).collect();
    for section in sections() {
        let rows = section.text.lines().filter(|line| line.starts_with("| `"));
        for row in rows {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            if cells.len() == 5 {
                let status = cells[2].trim_matches('`');
                assert!(statuses.contains(status), "{row}");
            } else {
                for name in code(cells[1].to_owned().leak()) {
                    assert!(parameters.contains(name), "{name}: {row}");
                }
            }
        }
    }
    let readme = include_str!("../README.md");
    assert!(readme.contains("docs/providers.md"));
}

/// A parameter's text begins with the provider that it is for.
#[test]
fn no_parameter_of_a_provider_is_missing_on_the_page() {
    for (provider, name) in [
        ("Signaturgruppen: ", "signaturgruppen"),
        ("Signaturgruppen CIBA + PAR: ", "signaturgruppen-par"),
        ("TelenorID+ BankID: ", "telenor-bankid"),
        ("Auth0: ", "auth0"),
    ] {
        let section = sections().into_iter().find(|section| section.names.contains(&name)).unwrap();
        let own: Vec<_> = PARAMETERS.iter().filter(|p| p.text.starts_with(provider)).collect();
        assert!(!own.is_empty(), "{provider}");
        for parameter in own {
            assert!(code(section.text).any(|word| word == parameter.name), "{}", parameter.name);
        }
    }
}
