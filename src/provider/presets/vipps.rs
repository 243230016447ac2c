//! Vipps MobilePay, merchant-initiated login.

use super::{Preset, code};
use crate::error::Status;
use crate::provider::binding_message::BindingMessageRule;
use crate::provider::rules::{CodeRule, HintRule, Meaning, Rules};

/// Source: Vipps MobilePay, Login API, "Merchant-initiated login", the variant that ends in the app.
/// Everything is in its metadata, but for the grant. Not verified: whether old_app and invalid_user
/// come at the start or to a poll, so both tables have them.
pub const fn vipps(name: &'static str, issuer: &'static str) -> Preset {
    const CODES: &[CodeRule] = &[
        code(
            "old_app",
            Meaning::Failed,
            Status::AUTHENTICATION_DEVICE_ERROR,
            "the person's Vipps or MobilePay app is too old for this: it must be updated",
        ),
        code(
            "invalid_user",
            Meaning::Failed,
            Status::UNKNOWN_USER_ID,
            "the person has no active Vipps or MobilePay account, or is under 15 years old",
        ),
    ];
    Preset {
        name,
        issuer,
        rules: || Rules {
            hints: &["login_hint"],
            hint_rules: &[HintRule {
                hint: "login_hint",
                fits: |hint| {
                    let digits = |number: &str, least, most| {
                        (least..=most).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
                    };
                    let behind = |prefix| hint.strip_prefix(prefix);
                    behind("urn:msisdn:").is_some_and(|number| digits(number, 8, 15))
                        || behind("urn:mobilenumber:").is_some_and(|number| digits(number, 8, 8))
                        || behind("urn:customer-token:").is_some_and(|token| !token.is_empty())
                },
                text: "must be urn:msisdn: and the number with its country code, digits only; or \
                       urn:mobilenumber: and 8 digits; or urn:customer-token: and the text of the QR code",
            }],
            binding_message: &[BindingMessageRule {
                length: (5, 8),
                allowed: |c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-',
                text: "A to Z, 0 to 9 and -, 5 to 8 of them",
                ..BindingMessageRule::ANY
            }],
            requested_expiry: (60, 900),
            start_codes: CODES,
            poll_codes: CODES,
            request_id_claims: &["auth_req_id", "authReqId"], // the text says one, the sample the other
            ..Rules::default()
        },
        ..Preset::PLAIN
    }
}
