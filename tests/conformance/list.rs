//! `docs/conformance.md` lists the modules as they are run. `CIBA_BLESS=1` writes them into it anew.

use std::fs;

use crate::module::{Call, For, Module};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/conformance.md");
const HEAD: &str = "| Module | What is special | Runs | Then |\n|---|---|---|---|\n";

fn row(module: &Module<'_>) -> String {
    let runs = match module.variants {
        For::Every => "in every variant",
        For::Ping => "with ping",
        For::Dpop => "with private_key_jwt and DPoP",
        For::SecretBasic => "with client_secret_basic, poll",
    };
    let status = |calls: &[Call]| match calls.last() {
        Some(Call::SignIn(status) | Call::SignInWithHint(status)) => status.name(),
        Some(Call::Userinfo(status) | Call::Refresh(status)) => status.name(),
        Some(Call::KeyRotation) | None => "",
    };
    let then = status(module.refused.as_ref().map_or(module.calls, |refused| refused.calls));
    format!("| `{}` | {} | {runs} | {then} |\n", module.name, module.what)
}

/// The document with these modules in its table.
fn listed<'a>(document: &str, modules: impl Iterator<Item = &'a Module<'a>>) -> String {
    let (before, rest) = document.split_once(HEAD).expect("the head of the table");
    let after = rest.split_once("\n\n").map_or(String::new(), |(_, after)| format!("\n{after}"));
    format!("{before}{HEAD}{}{after}", modules.map(row).collect::<String>())
}

/// Fails where the document says anything else.
pub fn check<'a>(modules: impl Iterator<Item = &'a Module<'a>>) {
    let document = fs::read_to_string(DOCUMENT).unwrap();
    let listed = listed(&document, modules);
    if std::env::var_os("CIBA_BLESS").is_some() {
        fs::write(DOCUMENT, &listed).unwrap();
    } else {
        assert!(document == listed, "docs/conformance.md is of other modules; CIBA_BLESS=1 writes it anew");
    }
}
