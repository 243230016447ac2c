//! TelenorID+: Vipps, and Norwegian BankID.

use super::{Preset, code};
use crate::error::Status;
use crate::provider::binding_message::{BindingMessageRule, Presence};
use crate::provider::rules::{CodeRule, HintRule, Meaning, Prepare, Rules};

/// Source: the TelenorID+ integration guide, "CIBA", section "Vipps".
pub const fn telenor(
    name: &'static str,
    issuer: &'static str,
    backchannel_authentication_path: &'static str,
    token_path: &'static str,
) -> Preset {
    Preset {
        name,
        issuer,
        backchannel_authentication_path,
        token_path,
        rules: || Rules {
            required_scopes: &["vipps", "phone"],
            default_scope: "openid vipps phone",
            hints: &["login_hint"],
            hint_rules: &[HintRule {
                hint: "login_hint",
                fits: |hint| {
                    let digits = hint.bytes().filter(u8::is_ascii_digit).count();
                    (8..=15).contains(&digits)
                        && hint.chars().all(|c| c.is_ascii_digit() || "+-() ".contains(c))
                },
                text: "must be the person's phone number: 8 to 15 digits, with + - ( ) and spaces or without",
            }],
            acr_array: true,
            requested_expiry: (1, 300),
            start_codes: const {
                &[
                    code(
                        "invalid_scope",
                        Meaning::Failed,
                        Status::INVALID_SCOPE,
                        "TelenorID+ does not accept the scope: most likely the client does not have vipps and \
                         phone there, or another one that was asked for",
                    ),
                    TELENOR_ENABLES,
                ]
            },
            poll_codes: const {
                &[code(
                    "invalid_grant",
                    Meaning::Gone,
                    Status::DENIED_OR_FAILED,
                    "the person denied, is not eligible, or Vipps failed: TelenorID+ answers invalid_grant to \
                 all of these and does not say which",
                )]
            },
            ..Rules::default()
        },
        ..Preset::PLAIN
    }
}

/// The guide asks for it of each client.
const TELENOR_ENABLES: CodeRule = code(
    "unauthorized_client",
    Meaning::Failed,
    Status::UNAUTHORIZED_CLIENT,
    "TelenorID+ does not let this client do this: most likely it is not enabled for CIBA there, or not \
     confidential",
);

/// Source: the same guide, section "BankId". Not verified: the path of the prepare step in production.
pub const fn telenor_bankid(
    name: &'static str,
    issuer: &'static str,
    backchannel_authentication_path: &'static str,
    token_path: &'static str,
) -> Preset {
    const PREPARED: &str = "TelenorID+ gives it for prepare.kurt_id";
    Preset {
        name,
        issuer,
        backchannel_authentication_path,
        token_path,
        prepare_path: "/api/ciba/ciba_prepare_bankid",
        rules: || Rules {
            required_scopes: &["bankid"],
            default_scope: "openid bankid",
            hints: &["login_hint_token"],
            prepare: Some(Prepare { parameters: &["kurt_id"] }),
            refused_parameters: &[("login_hint_token", PREPARED)],
            binding_message: &[BindingMessageRule {
                presence: Presence::Forbidden,
                text: PREPARED,
                ..BindingMessageRule::ANY
            }],
            acr_array: true,
            requested_expiry: (1, 300),
            start_codes: const {
                &[
                    code(
                        "invalid_scope",
                        Meaning::Failed,
                        Status::INVALID_SCOPE,
                        "TelenorID+ does not accept the scope: most likely the client does not have bankid \
                         there, or another one that was asked for",
                    ),
                    TELENOR_ENABLES,
                ]
            },
            poll_codes: const {
                &[code(
                    "invalid_grant",
                    Meaning::Gone,
                    Status::DENIED_OR_FAILED,
                    "the person denied, chose another binding_message in the BankID app, or BankID failed: \
                 TelenorID+ answers invalid_grant to all of these and does not say which",
                )]
            },
            ..Rules::default()
        },
        ..Preset::PLAIN
    }
}
