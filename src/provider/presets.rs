//! Providers by name. Facts from the providers' own pages; what no page says is left out or marked
//! "not verified".

mod auth0;
mod idura;
mod keycloak;
mod okta;
mod pingone;
mod signaturgruppen;
mod signicat;
mod telenor;
mod vipps;

use super::rules::{CodeRule, Meaning, Rules};
use crate::error::Status;
use auth0::AUTH0;
use idura::IDURA;
use keycloak::KEYCLOAK;
use okta::OKTA;
use pingone::PINGONE;
use signaturgruppen::{signaturgruppen, signaturgruppen_par};
use signicat::SIGNICAT;
use telenor::{telenor, telenor_bankid};
use vipps::vipps;

/// A provider by name: where it is and its rules.
pub struct Preset {
    /// What the setting `provider` takes.
    pub name: &'static str,
    /// Empty where each customer has a host of its own.
    pub issuer: &'static str,
    /// What the issuer looks like, where it is empty.
    pub issuer_form: &'static str,
    /// Paths below the issuer; an empty one is found by discovery, or there is none.
    pub backchannel_authentication_path: &'static str,
    pub token_path: &'static str,
    pub jwks_path: &'static str,
    pub cancel_path: &'static str,
    pub prepare_path: &'static str,
    pub init_auth_path: &'static str,
    pub rules: fn() -> Rules,
}

impl Preset {
    /// Everything by discovery, CIBA Core as it is written.
    const PLAIN: Preset = Preset {
        name: "",
        issuer: "",
        issuer_form: "",
        backchannel_authentication_path: "",
        token_path: "",
        jwks_path: "",
        cancel_path: "",
        prepare_path: "",
        init_auth_path: "",
        rules: Rules::default,
    };

    /// The preset of this name.
    pub fn named(name: &str) -> Option<&'static Preset> {
        PRESETS.iter().find(|preset| preset.name == name)
    }
}

/// Every provider that is known by name.
pub const PRESETS: &[Preset] = &[
    signaturgruppen("signaturgruppen", "https://netseidbroker.dk/op"),
    signaturgruppen("signaturgruppen-test", "https://pp.netseidbroker.dk/op"),
    signaturgruppen_par("signaturgruppen-par", "https://netseidbroker.dk/op"),
    signaturgruppen_par("signaturgruppen-par-test", "https://pp.netseidbroker.dk/op"),
    // The page names the paths of the test host alone: production is left to discovery.
    telenor("telenor", "https://id.telenor.no", "", ""),
    telenor("telenor-test", "https://id-test.telenor.no", "/connect/ciba", "/connect/token"),
    telenor_bankid("telenor-bankid", "https://id.telenor.no", "", ""),
    telenor_bankid("telenor-bankid-test", "https://id-test.telenor.no", "/connect/ciba", "/connect/token"),
    vipps("vipps", "https://api.vipps.no/access-management-1.0/access/"),
    vipps("vipps-test", "https://apitest.vipps.no/access-management-1.0/access/"),
    AUTH0,
    OKTA,
    KEYCLOAK,
    IDURA,
    SIGNICAT,
    PINGONE,
];

/// One line of a table of codes.
const fn code(code: &'static str, meaning: Meaning, status: Status, text: &'static str) -> CodeRule {
    CodeRule::new(code, meaning, status, text)
}

/// A member that is a text, of a JSON object.
fn json_text(object: &str, member: &str) -> Option<String> {
    crate::json::Members::parse(object.as_bytes())?.text(member)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Stage;

    /// The rows of the error table in the part of docs/providers.md for a provider: code and status.
    fn shown(name: &str) -> Vec<(&'static str, &'static str)> {
        let page = include_str!("../../docs/providers.md");
        let quoted = format!("`{name}`");
        let mut sections = page.split("\n## ").filter(|section| {
            section.lines().next().is_some_and(|title| title.split(", ").any(|word| word == quoted))
        });
        let rows = sections.next().unwrap().lines().filter(|line| line.matches('|').count() == 4);
        let cells = rows.filter_map(|row| row.strip_prefix("| `")?.split_once("` | `"));
        cells.filter_map(|(code, rest)| Some((code, rest.split_once('`')?.0))).collect()
    }

    #[test]
    fn the_page_on_providers_shows_every_code_of_a_providers_own_with_its_status_and_no_other() {
        for preset in PRESETS {
            let rules = (preset.rules)();
            let shown = shown(preset.name);
            for rule in rules.start_codes.iter().chain(rules.poll_codes) {
                let row = (rule.code, rule.status.name());
                assert!(shown.contains(&row), "{}: {row:?} is not shown", preset.name);
            }
            for (code, status) in shown {
                let any = rules.start_codes.iter().chain(rules.poll_codes).filter(|rule| rule.code == code);
                let own = any.map(|rule| rule.status).collect::<Vec<_>>();
                let standard = [Stage::Start, Stage::Poll].map(|stage| rules.code(stage, code, None));
                let known = own.into_iter().chain(standard.into_iter().flatten().map(|rule| rule.status));
                assert!(known.into_iter().any(|s| s.name() == status), "{}: {code}, {status}", preset.name);
            }
        }
    }
}
