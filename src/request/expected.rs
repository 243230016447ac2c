//! What the caller expects of the ID Token beside what the protocol asks. These parameters are not sent:
//! they are kept with the flow, and the answer is held against them.

use std::borrow::Cow;

use secrecy::ExposeSecret;

use super::hint::Hint;
use super::{Asked, AuthenticationRequest, SUBJECT, refuse};
use crate::error::Result;
use crate::tokens::ClaimExpectation;

/// What the names of these parameters begin with.
const PREFIX: &str = "expected.";
/// The `acr` values of which the ID Token must have one, separated by spaces.
pub const ACR: &str = "expected.acr";
/// By how many seconds `auth_time` may lie before the request.
pub const MAX_AGE: &str = "expected.max_age";

/// Not the person's own data: they may stand in any text.
pub fn is_public(name: &str) -> bool {
    matches!(name, ACR | MAX_AGE)
}

/// What the ID Token must say because of what was asked.
#[derive(Default)]
pub struct Expectations<'a> {
    pub subject: Option<&'a str>,
    pub acr: Vec<&'a str>,
    pub max_age_s: Option<i64>,
    pub claims: Vec<ClaimExpectation>,
}

impl AuthenticationRequest {
    /// The claims that the ID Token must have: those of the hint under their own names, and those that the
    /// caller expects under their parameters'.
    pub(super) fn expected<'a>(&'a self, hint: Option<&'a Hint>) -> Result<Vec<(&'a str, &'a str)>> {
        let hinted = hint.iter().flat_map(|hint| &hint.claims);
        let mut claims: Vec<(&str, &str)> =
            hinted.map(|(name, value)| (*name, value.expose_secret())).collect();
        for (name, value) in self.values.names().filter_map(|name| Some((name, self.values.given(name)?))) {
            match name.strip_prefix(PREFIX) {
                None => {}
                _ if name == ACR && value.split_whitespace().next().is_none() => {
                    return refuse("expected.acr names no authentication context class");
                }
                Some(SUBJECT) => match claims.iter().find(|(name, _)| *name == SUBJECT) {
                    Some((_, hinted)) if *hinted != value => {
                        return refuse("expected.sub is not the sub of the id_token_hint");
                    }
                    Some(_) => {}
                    None => claims.push((SUBJECT, value)),
                },
                Some(_) => claims.push((name, value)),
            }
        }
        Ok(claims)
    }
}

impl Asked {
    /// What the ID Token must say, beside what the provider's rules ask of every one.
    pub fn expectations(&self) -> Expectations<'_> {
        let mut expected = Expectations::default();
        for (name, value) in self.claims() {
            match name {
                SUBJECT => expected.subject = Some(value),
                ACR => expected.acr = value.split_whitespace().collect(),
                MAX_AGE => expected.max_age_s = Some(value.parse().unwrap_or_default()),
                _ => expected.claims.push(ClaimExpectation {
                    name: Cow::Owned(name.strip_prefix(PREFIX).unwrap_or(name).to_owned()),
                    expected: value.to_owned(),
                    // What comes of a hint is a UUID, which is the same in capitals.
                    ignore_ascii_case: !name.starts_with(PREFIX),
                }),
            }
        }
        expected
    }
}
