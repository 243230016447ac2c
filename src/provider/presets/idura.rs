//! Idura Verify, before that Criipto.

use super::{Preset, code};
use crate::error::Status;
use crate::provider::binding_message::{BindingMessageRule, Presence};
use crate::provider::rules::{HintRule, Meaning, Rules};

/// Source: Idura Verify (Criipto until 2025), "Caller Authentication with CIBA". Not verified: the
/// hints for FrejaID, and the limits of a binding_message for Swedish BankID.
pub const IDURA: Preset = Preset {
    name: "idura",
    issuer_form: "https://DOMAIN.idura.broker",
    backchannel_authentication_path: "/ciba/bc-authorize",
    token_path: "/oauth2/token",
    rules: || Rules {
        hints: &["login_hint"],
        hint_rules: &[HintRule {
            hint: "login_hint",
            fits: |hint| hint.strip_prefix("sub:").is_some_and(|rest| !rest.is_empty()),
            text: "must be sub:ssn: and the person's number",
        }],
        required_parameters: &[(
            "acr_values",
            "urn:grn:authn:se:bankid for Swedish BankID, urn:grn:authn:no:bankid for Norwegian",
        )],
        binding_message: &[
            BindingMessageRule {
                acr: "urn:grn:authn:se:bankid",
                presence: Presence::Required,
                text: "the Swedish BankID app shows it",
                ..BindingMessageRule::ANY
            },
            BindingMessageRule {
                acr: "urn:grn:authn:no:bankid",
                presence: Presence::Forbidden,
                text: "the Norwegian BankID app shows two words of its own, which the flow has once it \
                       has begun",
                ..BindingMessageRule::ANY
            },
            BindingMessageRule::ANY,
        ],
        acknowledged_binding_message: "bindingMessage",
        poll_codes: const {
            &[code(
                "access_denied",
                Meaning::Denied,
                Status::DENIED,
                "the person declined or, with Norwegian BankID, chose other words",
            )]
        },
        ..Rules::default()
    },
    ..Preset::PLAIN
};
