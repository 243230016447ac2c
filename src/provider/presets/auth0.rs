//! Auth0.

use super::{Preset, code, json_text};
use crate::error::Status;
use crate::provider::binding_message::{BindingMessageRule, Presence};
use crate::provider::rules::{HintField, HintRule, Meaning, Rules};

/// Sources: Auth0, "User Authentication with CIBA" (login_hint, binding_message, the two meanings of
/// access_denied), and its SDK for Node (the name and the range of requested_expiry: up to 300 s where
/// the person is asked by push, 259,200 s where by email).
pub const AUTH0: Preset = Preset {
    name: "auth0",
    issuer_form: "https://TENANT.auth0.com/, with the slash at its end",
    backchannel_authentication_path: "/bc-authorize",
    token_path: "/oauth/token",
    rules: || Rules {
        hints: &["login_hint"],
        login_hint: &[
            HintField { name: "format", default: "iss_sub", required: true, ..HintField::OPTIONAL },
            HintField { name: "iss", default: "{issuer}", required: true, ..HintField::OPTIONAL },
            HintField { name: "sub", required: true, claim: Some("sub"), ..HintField::OPTIONAL },
        ],
        hint_rules: &[HintRule {
            hint: "login_hint",
            fits: |hint| json_text(hint, "format").is_some(),
            text: "must be a JSON object with a format; login_hint.sub makes it from the person's user id",
        }],
        binding_message: &[BindingMessageRule {
            presence: Presence::Required,
            length: (1, 64),
            allowed: |c| c.is_ascii_alphanumeric() || "+-_.,:#".contains(c),
            text: "Auth0 wants one, of letters, digits and +-_.,:# without spaces, up to 64",
            ..BindingMessageRule::ANY
        }],
        requested_expiry: (1, 259_200),
        poll_codes: const {
            &[code(
                "access_denied",
                Meaning::Failed,
                Status::DENIED_OR_FAILED,
                "the person denied, or the request has expired: Auth0 answers access_denied to both and does \
             not say which",
            )]
        },
        ..Rules::default()
    },
    ..Preset::PLAIN
};
