//! PingOne.

use super::Preset;
use crate::provider::rules::{HintRule, Rules};

/// Source: PingOne Platform APIs, "Client-Initiated Backchannel Authentication". Not verified: its
/// limits of binding_message and requested_expiry.
pub const PINGONE: Preset = Preset {
    name: "pingone",
    issuer_form: "https://auth.pingone.eu/ENVIRONMENT/as",
    backchannel_authentication_path: "/cibaAuthorization",
    token_path: "/token",
    rules: || Rules {
        hint_rules: &[HintRule {
            hint: "login_hint_token",
            fits: |hint| hint.split('.').filter(|part| !part.is_empty()).count() == 3,
            text: "must be a JWT that the application has signed, with the person's user id",
        }],
        ..Rules::default()
    },
    ..Preset::PLAIN
};
