//! Providers by name. Facts from the providers' own pages; what no page says is left out or marked
//! "not verified".

use super::binding_message::{BindingMessageRule, Presence};
use super::rules::{CodeRule, HintField, HintRule, InitAuth, Meaning, Prepare, Rules};
use crate::error::Status;

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
    CodeRule { code, meaning, status, text }
}

// ---- Signaturgruppen ----------------------------------------------------------------------------

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
            start_parameters: GRANT_TYPE_AT_START,
            poll_scope: true,
            default_scope: "openid",
            hints: &["login_hint_token"],
            login_hint_token: MITID_FLEX,
            poll_codes: const {
                &[
                    code(
                        "mitid_flex_app.mitid_error_*",
                        Meaning::Failed,
                        Status::AUTHENTICATION_DEVICE_ERROR,
                        "MitID reported an error",
                    ),
                    // Said only between 2025-01-06 and 2025-01-20; harmless to keep.
                    code("rejected", Meaning::Denied, Status::DENIED, ""),
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
];

/// Source: the broker's documentation, "CIBA + PAR integration". Not verified: whether init-auth wants
/// credentials (the page shows none), whether a request can be cancelled, and the claims of the tokens.
const fn signaturgruppen_par(name: &'static str, issuer: &'static str) -> Preset {
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
            unlisted_auth_methods: &["client_secret_jwt"], // the same broker, see above
            hmac_signed_requests: true,
            init_auth: Some(InitAuth { request_id: "requestId", parameters: &["redirectUri", "state"] }),
            ..Rules::default()
        },
        ..Preset::PLAIN
    }
}

// ---- TelenorID+ ---------------------------------------------------------------------------------

/// Source: the TelenorID+ integration guide, "CIBA", section "Vipps".
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
        rules: || Rules {
            required_scopes: &["vipps", "phone"],
            default_scope: "openid vipps phone",
            hints: &["login_hint"],
            requested_expiry: (1, 300),
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

/// Source: the same guide, section "BankId". Not verified: the path of the prepare step in production.
const fn telenor_bankid(
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
            requested_expiry: (1, 300),
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

// ---- Vipps MobilePay ----------------------------------------------------------------------------

/// Source: Vipps MobilePay, Login API, "Merchant-initiated login", the variant that ends in the app.
/// Everything is in its metadata, but for the grant. Not verified: whether old_app and invalid_user
/// come at the start or to a poll, so both tables have them.
const fn vipps(name: &'static str, issuer: &'static str) -> Preset {
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

// ---- Providers where each customer has a host ---------------------------------------------------

/// Sources: Auth0, "User Authentication with CIBA" (login_hint, binding_message, the two meanings of
/// access_denied), and its SDK for Node (the name and the range of requested_expiry: up to 300 s where
/// the person is asked by push, 259,200 s where by email).
const AUTH0: Preset = Preset {
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

/// Source: Okta, "Configure Client-initiated Backchannel Authentication", and its list of error codes.
const OKTA: Preset = Preset {
    name: "okta",
    issuer_form: "https://ORG.okta.com/oauth2/default, or https://ORG.okta.com",
    rules: || Rules {
        hints: &["login_hint", "id_token_hint"],
        requested_expiry_parameter: "request_expiry".into(),
        requested_expiry: (1, 300),
        // So Okta's own SDK does it.
        client_assertion_audience: "endpoint",
        start_codes: const {
            &[
                code(
                    "invalid_request",
                    Meaning::Failed,
                    Status::INVALID_REQUEST,
                    "Okta calls the request invalid: most likely it does not know the person",
                ),
                code(
                    "E0000214",
                    Meaning::Failed,
                    Status::AUTHENTICATION_DEVICE_ERROR,
                    "the person has no custom authenticator that is enrolled for CIBA",
                ),
            ]
        },
        ..Rules::default()
    },
    ..Preset::PLAIN
};

/// Source: Keycloak 26, `BackchannelAuthenticationEndpoint`, `CibaGrantType`, and what a server with
/// its default settings answers.
const KEYCLOAK: Preset = Preset {
    name: "keycloak",
    issuer_form: "https://HOST/realms/REALM",
    rules: || {
        const SECRET: &str = "Keycloak does not let this client in: most likely its secret is wrong";
        Rules {
            hints: &["login_hint"],
            refused_parameters: &[("user_code", "Keycloak answers it with an error")],
            binding_message: &[BindingMessageRule {
                length: (1, 50),
                allowed: |c| c.is_ascii_alphanumeric() || "-._+/!?#".contains(c),
                text: "letters, digits and -._+/!?# without spaces, up to 50",
                ..BindingMessageRule::ANY
            }],
            start_codes: const {
                &[
                    code(
                        "invalid_request",
                        Meaning::Failed,
                        Status::INVALID_REQUEST,
                        "Keycloak calls the request invalid: most likely it does not know the person",
                    ),
                    code("unauthorized_client", Meaning::Failed, Status::INVALID_CLIENT, SECRET),
                    code(
                        "invalid_grant",
                        Meaning::Failed,
                        Status::UNAUTHORIZED_CLIENT,
                        "the client does not have the CIBA grant in Keycloak",
                    ),
                    code(
                        "server_error",
                        Meaning::Failed,
                        Status::HTTP_STATUS,
                        "Keycloak's authentication channel is down, or took longer than 5 s",
                    ),
                ]
            },
            poll_codes: const {
                &[
                    code("unauthorized_client", Meaning::Failed, Status::INVALID_CLIENT, SECRET),
                    code(
                        "not_allowed",
                        Meaning::Failed,
                        Status::INVALID_SCOPE,
                        "Keycloak does not let the person grant a scope, most likely offline_access",
                    ),
                ]
            },
            ..Rules::default()
        }
    },
    ..Preset::PLAIN
};

/// Source: Idura Verify (Criipto until 2025), "Caller Authentication with CIBA". Not verified: the
/// hints for FrejaID, and the limits of a binding_message for Swedish BankID.
const IDURA: Preset = Preset {
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

/// Sources: Signicat, "CIBA Flow", MobileID (the name of the expiry; acr_values with an idp; login_hint
/// says which user and device), and the metadata of its sandbox, which lists poll alone. Not verified:
/// the backchannel_authentication_cancel_endpoint of the metadata, which is not used.
const SIGNICAT: Preset = Preset {
    name: "signicat",
    issuer_form: "https://DOMAIN/auth/open",
    rules: || Rules {
        requested_expiry_parameter: "request_expiry".into(),
        required_parameters: &[("acr_values", "idp:mobileid for MobileID, idp:nbid for Norwegian BankID")],
        ..Rules::default()
    },
    ..Preset::PLAIN
};

/// Source: PingOne Platform APIs, "Client-Initiated Backchannel Authentication". Not verified: its
/// limits of binding_message and requested_expiry.
const PINGONE: Preset = Preset {
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

/// A member that is a text, of a JSON object.
fn json_text(object: &str, member: &str) -> Option<String> {
    crate::json::Members::parse(object.as_bytes())?.text(member)
}
