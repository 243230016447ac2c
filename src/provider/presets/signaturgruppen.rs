//! Signaturgruppen Broker: the MitID Flex app, and CIBA + PAR.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Preset, code, json_text};
use crate::error::Status;
use crate::provider::binding_message::{BindingMessageRule, Presence};
use crate::provider::rules::{CodeRule, HintField, HintRule, InitAuth, Meaning, Rules};

/// Source: the broker's documentation, "MitID Flex app – CIBA integration". Its discovery document
/// does not name the cancel endpoint; the JWKS path is the one that it does name.
pub const fn signaturgruppen(name: &'static str, issuer: &'static str) -> Preset {
    Preset {
        name,
        issuer,
        backchannel_authentication_path: "/connect/ciba",
        token_path: "/connect/token",
        jwks_path: "/.well-known/openid-configuration/jwks",
        cancel_path: "/api/v1/ciba/{auth_req_id}",
        rules: || Rules {
            start_parameters: GRANT_TYPE_AT_START,
            poll_scope: true,
            default_scope: "openid",
            hints: &["login_hint_token"],
            login_hint_token: MITID_FLEX,
            hint_rules: &[HintRule {
                hint: "login_hint_token",
                fits: is_of_mitid,
                text: "must be a JSON object with the idp mitid, plain or in padded Base64; \
                       login_hint_token.uuid, .referenceTextBody and .ip make it",
            }],
            binding_message: &[BindingMessageRule {
                presence: Presence::Forbidden,
                text: "nothing says that the MitID app shows it; what it does show is \
                       login_hint_token.referenceTextBody",
                ..BindingMessageRule::ANY
            }],
            start_codes: const { &[BROKER_APPROVES] },
            poll_codes: const {
                &[
                    code(
                        "mitid_flex_app.mitid_error_*",
                        Meaning::Failed,
                        Status::AUTHENTICATION_DEVICE_ERROR,
                        "MitID ended it with an error of its own, the one behind mitid_error_, which the broker's \
                         page does not explain: look it up at MitID",
                    ),
                    // Said only between 2025-01-06 and 2025-01-20; harmless to keep.
                    code("rejected", Meaning::Denied, Status::DENIED, ""),
                    BROKER_EXPIRED,
                    BROKER_GONE,
                ]
            },
            claims: &[("idtoken_type", "ciba"), ("idp", "mitid")],
            // The page shows HS256 for both; the metadata list the algorithms, but not the method.
            unlisted_auth_methods: &["client_secret_jwt"],
            hmac_signed_requests: true,
            ..Rules::default()
        },
        ..Preset::PLAIN
    }
}

/// The page has the Flex app approved use by use.
const BROKER_APPROVES: CodeRule = code(
    "unauthorized_client",
    Meaning::Failed,
    Status::UNAUTHORIZED_CLIENT,
    "the broker does not let this client do this: Signaturgruppen approves the MitID Flex app for each use",
);
/// Since 2025-08-14 the page says this of a client assertion, before that it said it of the request.
const BROKER_EXPIRED: CodeRule = code(
    "expired_token",
    Meaning::Expired,
    Status::EXPIRED,
    "nobody answered in time; or the JWT by which the client proves itself had expired: where it does so \
     by one, compare this machine's clock",
);
const BROKER_GONE: CodeRule = code(
    "invalid_grant",
    Meaning::Gone,
    Status::INVALID_GRANT,
    "the broker does not know the request, or not any more: it was cancelled, or its result, which is \
     handed out once, was fetched before",
);

/// Whether this is one of the shapes that the page has had. The older ones are no valid JSON, so the member
/// is looked for as text.
fn is_of_mitid(hint: &str) -> bool {
    let decoded = STANDARD.decode(hint).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = decoded.as_deref().unwrap_or(hint).trim_start();
    let idp = || Some(text.split_once("\"idp\"")?.1.trim_start().strip_prefix(':')?.trim_start());
    text.starts_with('{') && idp().is_some_and(|idp| idp.starts_with("\"mitid\""))
}

/// The broker's pages send it with the authentication request too.
const GRANT_TYPE_AT_START: &[(&str, &str)] = &[("grant_type", "urn:openid:params:grant-type:ciba")];

/// The flat JSON that the broker takes since 2024-09-17.
const MITID_FLEX: &[HintField] = &[
    HintField { name: "idp", default: "mitid", required: true, ..HintField::OPTIONAL },
    HintField { name: "uuid", group: Some("uuid or cpr"), claim: Some("mitid.uuid"), ..HintField::OPTIONAL },
    HintField { name: "cpr", group: Some("uuid or cpr"), ..HintField::OPTIONAL },
    HintField { name: "referenceTextBody", required: true, ..HintField::OPTIONAL },
    HintField { name: "ip", required: true, ..HintField::OPTIONAL },
    HintField { name: "action", ..HintField::OPTIONAL },
    HintField { name: "referenceId", ..HintField::OPTIONAL },
    // Comes back in the token response; the page does not say under which name.
    HintField { name: "ciba_nonce", ..HintField::OPTIONAL },
];

/// Source: the broker's documentation, "CIBA + PAR integration". Not verified: whether init-auth wants
/// credentials (the page shows none), whether a request can be cancelled, and the claims of the tokens.
pub const fn signaturgruppen_par(name: &'static str, issuer: &'static str) -> Preset {
    Preset {
        name,
        issuer,
        backchannel_authentication_path: "/connect/ciba",
        token_path: "/connect/token",
        jwks_path: "/.well-known/openid-configuration/jwks",
        init_auth_path: "/api/ciba/broker-oidc/init-auth",
        rules: || Rules {
            start_parameters: GRANT_TYPE_AT_START,
            default_scope: "openid mitid",
            hints: &["login_hint_token"],
            login_hint_token: &[
                HintField {
                    name: "flow_type",
                    default: "broker_oidc",
                    required: true,
                    ..HintField::OPTIONAL
                },
                HintField { name: "idp_values", ..HintField::OPTIONAL },
                HintField { name: "prompt", ..HintField::OPTIONAL },
            ],
            hint_rules: &[HintRule {
                hint: "login_hint_token",
                fits: |hint| json_text(hint, "flow_type").as_deref() == Some("broker_oidc"),
                text: "must be a JSON object with the flow_type broker_oidc",
            }],
            binding_message: &[BindingMessageRule {
                presence: Presence::Forbidden,
                text: "no app shows it: the person opens the link that the flow has",
                ..BindingMessageRule::ANY
            }],
            poll_codes: const { &[BROKER_EXPIRED, BROKER_GONE] }, // the same broker, see above
            unlisted_auth_methods: &["client_secret_jwt"],
            hmac_signed_requests: true,
            init_auth: Some(InitAuth { request_id: "requestId", parameters: &["redirectUri", "state"] }),
            ..Rules::default()
        },
        ..Preset::PLAIN
    }
}
