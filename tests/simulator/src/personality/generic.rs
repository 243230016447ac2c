//! A provider after the specification's own words.

use serde_json::{Value, json};

use super::{ASYMMETRIC, Granted, HMAC, Hint, NO_STORE, Person, Personality};
use crate::issued::Refresh;
use crate::keys::{b64url, random, uuid_of};
use crate::outcome::Verdict;

/// A provider that does what CIBA Core says and nothing else.
pub fn generic() -> Personality {
    Personality {
        name: "generic",
        root: "",
        jwks: "/jwks",
        start: "/bc-authorize",
        token: "/token",
        userinfo: "/userinfo",
        introspection: Some("/introspect"),
        revocation: Some("/revoke"),
        refresh: Some(Refresh { life: 30 * 24 * 3600, rotates: true }),
        step: None,
        cancel: None,
        metadata,
        metadata_headers: &[],
        headers: NO_STORE,
        client: ("ciba-sim-client", "ciba sim+secret/=%: not a real one"),
        hints: &["login_hint", "login_hint_token", "id_token_hint"],
        person,
        scopes: (&["openid"], "invalid_scope"),
        granted: str::to_owned,
        longest: 3600,
        longest_binding_message: 300,
        expires_in: 300,
        interval: 5,
        auth_req_id: || b64url(&random::<32>()),
        denied: "access_denied",
        unknown_client: 401,
        claims,
        access_claims: |granted| json!({ "sub": granted.person.id }),
        scope_list: false,
    }
}

fn metadata(_issuer: &str) -> Value {
    json!({
        "grant_types_supported": ["urn:openid:params:grant-type:ciba", "refresh_token"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post",
            "client_secret_jwt", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ([ASYMMETRIC.as_slice(), &HMAC].concat()),
        "backchannel_authentication_request_signing_alg_values_supported": ASYMMETRIC,
        "dpop_signing_alg_values_supported": ASYMMETRIC,
        "id_token_signing_alg_values_supported": ["RS256"],
        "backchannel_token_delivery_modes_supported": ["poll", "ping", "push"],
        "backchannel_user_code_parameter_supported": true,
    })
}

/// Everybody is known, whatever the hint.
fn person(hint: &Hint<'_>) -> Result<Person, &'static str> {
    let id = match hint.name {
        "login_hint" => hint.value.to_owned(),
        _ => uuid_of(hint.value),
    };
    let text = hint.binding_message.unwrap_or_default().to_owned();
    Ok(Person { verdict: Verdict::in_text(&text).or_else(|| Verdict::in_text(hint.value)), id, text })
}

fn claims(granted: &Granted<'_>) -> Value {
    json!({ "sub": granted.person.id, "acr": "1", "txn": granted.transaction })
}
