//! The providers, as tables: where their endpoints are, what they refuse, what
//! their answers and tokens look like.

mod generic;
mod signaturgruppen;
mod telenor;

pub use generic::generic;
pub use signaturgruppen::{signaturgruppen, signaturgruppen_par};
pub use telenor::{telenor, telenor_bankid};

use serde_json::{Map, Value, json};

use crate::issued::Refresh;
use crate::outcome::Verdict;
use crate::step::Step;

/// The person a request is for, and what the phone shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// How the provider knows the person: a UUID, a phone number, a name.
    pub id: String,
    /// The text on the phone.
    pub text: String,
    /// What the hint itself says will happen.
    pub verdict: Option<Verdict>,
}

/// What the claims of a token are made from.
pub struct Granted<'a> {
    /// The client that asked.
    pub client_id: &'a str,
    /// The granted scope.
    pub scope: &'a str,
    /// The person who approved.
    pub person: &'a Person,
    /// A name for this one authentication.
    pub transaction: &'a str,
}

/// A hint as the client sent it.
pub struct Hint<'a> {
    /// `login_hint`, `login_hint_token` or `id_token_hint`.
    pub name: &'a str,
    /// Its value.
    pub value: &'a str,
    /// The `binding_message` beside it.
    pub binding_message: Option<&'a str>,
}

/// A provider's ways. Every difference between providers is an entry here.
#[derive(Clone)]
pub struct Personality {
    /// Its name on the command line.
    pub name: &'static str,
    /// Path of the issuer, behind scheme, host and port.
    pub root: &'static str,
    /// Path of the key set behind the issuer; likewise below.
    pub jwks: &'static str,
    /// Backchannel authentication endpoint.
    pub start: &'static str,
    /// Token endpoint.
    pub token: &'static str,
    /// Userinfo endpoint.
    pub userinfo: &'static str,
    /// Introspection endpoint.
    pub introspection: Option<&'static str>,
    /// Revocation endpoint.
    pub revocation: Option<&'static str>,
    /// How tokens are refreshed where `offline_access` was granted; `None` gives no refresh token.
    pub refresh: Option<Refresh>,
    /// A step beside CIBA's own.
    pub step: Option<Step>,
    /// What stands before the `auth_req_id` in a cancel call.
    pub cancel: Option<&'static str>,
    /// Members of the metadata beside issuer and endpoints.
    pub metadata: fn(issuer: &str) -> Value,
    /// Headers of the metadata and the key set.
    pub metadata_headers: &'static [(&'static str, &'static str)],
    /// Headers of every other answer.
    pub headers: &'static [(&'static str, &'static str)],
    /// Identifier and secret of the client that is always registered.
    pub client: (&'static str, &'static str),
    /// The hints that are understood.
    pub hints: &'static [&'static str],
    /// The person that a hint means, or the error code that refuses it.
    pub person: fn(&Hint<'_>) -> Result<Person, &'static str>,
    /// Scopes without which a start is refused, and the code that says so.
    pub scopes: (&'static [&'static str], &'static str),
    /// The granted scope for a requested one.
    pub granted: fn(&str) -> String,
    /// Greatest `requested_expiry` in seconds.
    pub longest: u64,
    /// Greatest length of a `binding_message`.
    pub longest_binding_message: usize,
    /// Lifetime of a request in seconds, if the client asks for none.
    pub expires_in: u64,
    /// Shortest time between polls in seconds.
    pub interval: u64,
    /// A new `auth_req_id`.
    pub auth_req_id: fn() -> String,
    /// The code for a refusal by the person.
    pub denied: &'static str,
    /// HTTP status of `invalid_client` at the token endpoint.
    pub unknown_client: u16,
    /// Claims of the ID Token beside the registered ones.
    pub claims: fn(&Granted<'_>) -> Value,
    /// Claims of the access token beside the registered ones.
    pub access_claims: fn(&Granted<'_>) -> Value,
    /// Whether the access token lists scopes (`true`) or joins them.
    pub scope_list: bool,
}

impl Personality {
    /// The personality of that name.
    pub fn named(name: &str) -> Option<Personality> {
        let all = [signaturgruppen(), signaturgruppen_par(), telenor(), telenor_bankid(), generic()];
        all.into_iter().find(|p| p.name == name)
    }

    /// The whole metadata document.
    /// `mtls`: the issuer on the listener that asks for certificates.
    pub(crate) fn discovery(&self, issuer: &str, mtls: Option<&str>) -> Value {
        let mut document = (self.metadata)(issuer);
        let path = |path: &str| json!(format!("{issuer}{path}"));
        document["issuer"] = json!(issuer);
        document["jwks_uri"] = path(self.jwks);
        let endpoints = [
            ("token_endpoint", Some(self.token)),
            ("userinfo_endpoint", Some(self.userinfo)),
            ("backchannel_authentication_endpoint", Some(self.start)),
            ("introspection_endpoint", self.introspection),
            ("revocation_endpoint", self.revocation),
        ];
        for (name, found) in endpoints {
            let Some(found) = found else { continue };
            document[name] = path(found);
            if let Some(mtls) = mtls {
                document["mtls_endpoint_aliases"][name] = json!(format!("{mtls}{found}"));
            }
        }
        if mtls.is_some() {
            document["tls_client_certificate_bound_access_tokens"] = json!(true);
            if let Some(methods) = document["token_endpoint_auth_methods_supported"].as_array_mut() {
                methods.extend(["tls_client_auth", "self_signed_tls_client_auth"].map(Value::from));
            }
        }
        document
    }
}

const ASYMMETRIC: [&str; 11] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];
const HMAC: [&str; 3] = ["HS256", "HS384", "HS512"];

/// What the engine of two of the providers lists.
const ASYMMETRIC_AND_HMAC: [&str; 12] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "HS256", "HS384",
    "HS512",
];

/// Metadata that every server of the same engine has.
fn engine_metadata(issuer: &str) -> Value {
    json!({
        "authorization_endpoint": format!("{issuer}/connect/authorize"),
        "end_session_endpoint": format!("{issuer}/connect/endsession"),
        "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token",
            "implicit", "urn:openid:params:grant-type:ciba"],
        "response_types_supported": ["code", "token", "id_token", "id_token token",
            "code id_token", "code token", "code id_token token"],
        "response_modes_supported": ["form_post", "query", "fragment"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post",
            "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ASYMMETRIC_AND_HMAC,
        "id_token_signing_alg_values_supported": ["RS256"],
        "userinfo_signing_alg_values_supported": ["RS256"],
        "subject_types_supported": ["public"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "request_parameter_supported": true,
        "request_object_signing_alg_values_supported": ASYMMETRIC_AND_HMAC,
        "authorization_response_iss_parameter_supported": true,
        "backchannel_token_delivery_modes_supported": ["poll"],
        "backchannel_user_code_parameter_supported": true,
        "backchannel_authentication_request_signing_alg_values_supported": ASYMMETRIC_AND_HMAC,
    })
}

/// Headers that keep an answer out of every cache.
const NO_STORE: &[(&str, &str)] =
    &[("cache-control", "no-store, no-cache, max-age=0"), ("pragma", "no-cache")];

/// Adds the members of one object to another.
pub(crate) fn extend(object: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        object.extend(more);
    }
}
