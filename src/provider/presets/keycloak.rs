//! Keycloak.

use super::{Preset, code};
use crate::error::Status;
use crate::provider::binding_message::BindingMessageRule;
use crate::provider::rules::{CodeRule, Meaning, Rules};

/// Source: Keycloak 26, `BackchannelAuthenticationEndpoint`, `CibaGrantType`, and what a server with
/// its default settings answers.
pub const KEYCLOAK: Preset = Preset {
    name: "keycloak",
    issuer_form: "https://HOST/realms/REALM",
    rules: || {
        const SECRET: &str = "Keycloak does not let this client in: most likely its secret is wrong";
        const NO_GRANT: CodeRule = code(
            "invalid_grant",
            Meaning::Failed,
            Status::UNAUTHORIZED_CLIENT,
            "the client does not have the CIBA grant in Keycloak",
        );
        const UNKNOWN: CodeRule = code(
            "invalid_request",
            Meaning::Failed,
            Status::UNKNOWN_USER_ID,
            "Keycloak does not know the person, or the account is disabled",
        );
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
                    UNKNOWN.described("invalid_user"),
                    UNKNOWN.described("invalid user"), // its older source
                    code(
                        "invalid_request",
                        Meaning::Failed,
                        Status::INVALID_REQUEST,
                        "Keycloak wants requests of this client signed: \
                         backchannel_authentication_request_signing_alg",
                    )
                    .described("Missing parameter: 'request'"),
                    code(
                        "invalid_request",
                        Meaning::Failed,
                        Status::INVALID_REQUEST,
                        "the client has another delivery mode in Keycloak than its \
                         backchannel_token_delivery_mode here",
                    )
                    .described("Client Notification token"),
                    code("unauthorized_client", Meaning::Failed, Status::INVALID_CLIENT, SECRET),
                    NO_GRANT,
                    code(
                        "server_error",
                        Meaning::Failed,
                        Status::HTTP_STATUS,
                        "Keycloak could not ask: its authentication channel is down or took longer than 5 s, \
                         or it has a signing algorithm for this client, whose request is not signed",
                    ),
                ]
            },
            poll_codes: const {
                &[
                    code("unauthorized_client", Meaning::Failed, Status::INVALID_CLIENT, SECRET),
                    NO_GRANT.described("Client not allowed"),
                    code(
                        "invalid_grant",
                        Meaning::Gone,
                        Status::INVALID_GRANT,
                        "Keycloak does not know the request, or not any more: its tokens were fetched, it expired \
                         some time ago, or Keycloak was restarted",
                    ),
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
