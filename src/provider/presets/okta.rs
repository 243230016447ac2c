//! Okta.

use super::{Preset, code};
use crate::error::Status;
use crate::provider::rules::{Meaning, Rules};

/// Source: Okta, "Configure Client-initiated Backchannel Authentication", and its list of error codes.
pub const OKTA: Preset = Preset {
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
                    "Okta calls the request invalid, as it does too where it does not know the person",
                ),
                code(
                    "E0000214",
                    Meaning::Failed,
                    Status::AUTHENTICATION_DEVICE_ERROR,
                    "the person has no custom authenticator that is enrolled for CIBA",
                ),
            ]
        },
        poll_codes: const {
            &[code(
                "expired_token",
                Meaning::Expired,
                Status::EXPIRED,
                "nobody answered in time; Okta says the same of a request that it does not know",
            )]
        },
        ..Rules::default()
    },
    ..Preset::PLAIN
};
