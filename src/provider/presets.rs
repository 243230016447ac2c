//! Providers by name. Facts from the providers' own pages; what no page says is marked.

use super::rules::{CodeRule, HintField, Meaning, Rules};
use crate::error::Status;

/// A provider by name: where it is and its rules.
pub struct Preset {
    /// What the setting `provider` takes.
    pub name: &'static str,
    pub issuer: &'static str,
    /// Paths below the issuer; an empty one is found by discovery.
    pub backchannel_authentication_path: &'static str,
    pub token_path: &'static str,
    pub jwks_path: &'static str,
    pub cancel_path: &'static str,
    pub rules: fn() -> Rules,
}

/// Every provider that is known by name.
pub const PRESETS: &[Preset] = &[
    signaturgruppen("signaturgruppen", "https://netseidbroker.dk/op"),
    signaturgruppen("signaturgruppen-test", "https://pp.netseidbroker.dk/op"),
    // The page names the path of the test host alone: production is left to discovery.
    telenor("telenor", "https://id.telenor.no", "", ""),
    telenor("telenor-test", "https://id-test.telenor.no", "/connect/ciba", "/connect/token"),
];

impl Preset {
    /// The preset of this name.
    pub fn named(name: &str) -> Option<&'static Preset> {
        PRESETS.iter().find(|preset| preset.name == name)
    }
}

/// Source: the broker's documentation, "MitID Flex app – CIBA integration". Its discovery document
/// does not name the cancel endpoint; the JWKS path is the one that it does name.
const fn signaturgruppen(name: &'static str, issuer: &'static str) -> Preset {
    Preset {
        name,
        issuer,
        backchannel_authentication_path: "/connect/ciba",
        token_path: "/connect/token",
        jwks_path: "/.well-known/openid-configuration/jwks",
        cancel_path: "/api/v1/ciba/{auth_req_id}",
        rules: || Rules {
            start_parameters: &[("grant_type", "urn:openid:params:grant-type:ciba")],
            poll_scope: true,
            default_scope: "openid",
            hints: &["login_hint_token"],
            login_hint_token: MITID_FLEX,
            poll_codes: &[
                CodeRule {
                    code: "mitid_flex_app.mitid_error_*",
                    meaning: Meaning::Failed,
                    status: Status::AUTHENTICATION_DEVICE_ERROR,
                    text: "MitID reported an error",
                },
                // Said only between 2025-01-06 and 2025-01-20; harmless to keep.
                CodeRule { code: "rejected", meaning: Meaning::Denied, status: Status::DENIED, text: "" },
            ],
            claims: &[("idtoken_type", "ciba")],
            ..Rules::default()
        },
    }
}

/// The flat JSON that the broker takes since 2024-09-17.
const MITID_FLEX: &[HintField] = &[
    HintField { name: "idp", default: "mitid", required: true, claim: Some("idp"), ..HintField::OPTIONAL },
    HintField { name: "uuid", group: Some("uuid or cpr"), claim: Some("mitid.uuid"), ..HintField::OPTIONAL },
    HintField { name: "cpr", group: Some("uuid or cpr"), ..HintField::OPTIONAL },
    HintField { name: "referenceTextBody", required: true, ..HintField::OPTIONAL },
    HintField { name: "ip", required: true, ..HintField::OPTIONAL },
    HintField { name: "action", ..HintField::OPTIONAL },
    HintField { name: "referenceId", ..HintField::OPTIONAL },
];

/// Source: the TelenorID+ integration guide, "CIBA".
const fn telenor(
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
        jwks_path: "",
        cancel_path: "",
        rules: || Rules {
            required_scopes: &["vipps", "phone"],
            default_scope: "openid vipps phone",
            hints: &["login_hint"],
            requested_expiry: (1, 300),
            poll_codes: &[CodeRule {
                code: "invalid_grant",
                meaning: Meaning::Gone,
                status: Status::DENIED_OR_FAILED,
                text: "the person denied, is not eligible, or Vipps failed: TelenorID+ answers \
                       invalid_grant to all of these and does not say which",
            }],
            ..Rules::default()
        },
    }
}
