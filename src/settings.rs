//! Settings and request parameters: one table for each. What holds their values is in `values`.

mod values;

pub(crate) use values::Values;

/// The one parameter that may be sent several times (RFC 8707 §2): its value is a list.
pub(crate) const RESOURCE: &str = "resource";

/// The form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Any text of one line.
    Text,
    /// Any text at all.
    Lines,
    /// A text of one line that a person reads: nothing in it is invisible or changes its direction.
    Readable,
    /// The same of several lines.
    ReadableLines,
    /// `true` or `false`.
    Flag,
    /// A whole number within these bounds, both included.
    Number(i64, i64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// An https URL (http to a loopback address with `allow_http_loopback`).
    Url,
    /// An IPv4 or IPv6 address.
    Address,
    /// Absolute URIs without a fragment, separated by spaces.
    Uris,
    /// A JSON object.
    JsonObject,
    /// A JSON array of objects with a text `type` each.
    JsonTypedObjects,
    /// A private key: a PEM text, or a JSON object that is a JWK.
    PrivateKey,
    /// What a claim must be: a text of one line, a JSON object, or `null` for any value.
    Claim,
}

impl Form {
    /// Whether values are, or may be, JSON.
    pub fn is_json(self) -> bool {
        matches!(self, Form::JsonObject | Form::JsonTypedObjects | Form::PrivateKey)
    }
}

/// One line of a table of names.
#[derive(Debug)]
pub struct Setting {
    /// The name, as in OpenID client and provider metadata where it has one there.
    pub name: &'static str,
    /// What values look like.
    pub form: Form,
    /// The value where none is given; empty: none.
    pub default: &'static str,
    /// What it does, with its unit.
    pub text: &'static str,
}

const fn s(name: &'static str, form: Form, default: &'static str, text: &'static str) -> Setting {
    Setting { name, form, default, text }
}

/// A minute more than any provider is known to hold a token request open.
const MOST_MS: i64 = 600_000;

/// What the client may sign with.
const SIGNING_ALGORITHMS: &[&str] = &[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
    "HS256", "HS384", "HS512",
];

/// The same without the client's secret: a provider checks DPoP proofs by the key inside them.
const PROOF_ALGORITHMS: &[&str] = SIGNING_ALGORITHMS.split_at(11).0;

/// How the key of what is encrypted to the client may be encrypted, or agreed upon, and its content encrypted.
const KEY_ENCRYPTION: &[&str] = &["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"];
const CONTENT_ENCRYPTION: &[&str] = &["A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"];

/// The settings of a client.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    s("provider", Form::Text, "", "A provider by name: signaturgruppen, signaturgruppen-test (MitID Flex app), signaturgruppen-par, signaturgruppen-par-test (CIBA + PAR), telenor, telenor-test (Vipps), telenor-bankid, telenor-bankid-test, vipps, vipps-test (Vipps MobilePay); and, with the issuer, auth0, okta, keycloak, idura (Criipto), signicat, pingone. Gives the issuer, the endpoints and the provider's rules; every setting below overrides its part. docs/providers.md shows settings and a request for each."),
    s("profile", Form::Word(&["fapi-ciba"]), "", "fapi-ciba: what the Financial-grade API's profile for CIBA forbids becomes an error when the client is made or a request is checked. No push, no client_secret methods, no http; requests signed, with PS256 or ES256 like all else; access tokens bound to the client; a binding_message or authorization_details in each request; in TLS 1.2 only the profile's cipher suites. Defaults become what it asks for: private_key_jwt, PS256 (ES256 for a P-256 key), bound tokens where there is a tls_client_certificate."),
    s("issuer", Form::Url, "", "The provider's issuer identifier, compared byte for byte. Endpoints that are not given are found by discovery below it. With a provider by name: the same provider at another place."),
    s("client_id", Form::Text, "", "Who the client is. Required."),
    s("client_secret", Form::Text, "", "The client's secret. Required by the client_secret methods; its UTF-8 bytes are the key of HS256, HS384 and HS512."),
    s("token_endpoint_auth_method", Form::Word(&["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"]), "client_secret_basic", "How the client proves itself, at every endpoint: by its secret as an Authorization header or in the body; by a JWT that is signed anew for each request with its secret or its private key; or by its certificate in TLS, of a CA or self-signed (RFC 8705), with tls_client_certificate."),
    s("token_endpoint_auth_signing_alg", Form::Word(SIGNING_ALGORITHMS), "", "What client_secret_jwt and private_key_jwt sign with. Default: HS256; for a private key the alg of its JWK, else RS256, ES256, ES384, ES512 or EdDSA, as its kind is."),
    s("client_private_key", Form::PrivateKey, "", "The client's private key: PEM (PKCS#8, PKCS#1 or SEC 1, not encrypted) or JWK; RSA of 2048 to 8192 bits, P-256, P-384, P-521 or Ed25519. It signs what is not signed with the secret."),
    s("client_private_key_file", Form::Text, "", "A file with the client's private key, in place of client_private_key."),
    s("client_key_id", Form::Text, "", "The kid of the client's key, as the provider knows it. Default: the kid of its JWK, else none."),
    s("client_assertion_audience", Form::Text, "issuer", "Whom the JWTs of client_secret_jwt and private_key_jwt are for: issuer, endpoint (the one that is asked; the default at okta), or a URL, sent as it is written."),
    s("client_assertion_typ", Form::Word(&["client-authentication+jwt", "JWT"]), "", "The header typ of those JWTs. Default: none, which most providers take."),
    s("tls_client_certificate", Form::Lines, "", "The certificate that the client shows in TLS (RFC 8705), with any token_endpoint_auth_method: PEM, its own first and then who issued it, with the private key or without; or PKCS#12 in Base64. Requests then go to the provider's mtls_endpoint_aliases."),
    s("tls_client_certificate_file", Form::Text, "", "A file with that certificate, PEM or PKCS#12, in place of tls_client_certificate."),
    s("tls_client_key", Form::Lines, "", "The private key of tls_client_certificate, where that holds none: PEM (PKCS#8, also encrypted, PKCS#1 or SEC 1); RSA, P-256, P-384, P-521 or Ed25519."),
    s("tls_client_key_file", Form::Text, "", "A file with that key, in place of tls_client_key."),
    s("tls_client_password", Form::Text, "", "The password of the PKCS#12 file or of the encrypted key."),
    s("tls_client_certificate_bound_access_tokens", Form::Flag, "false", "Whether the client is registered for access tokens that are bound to its certificate. The provider's metadata, where they are read, must agree, and so must the answer to an introspection of the access token."),
    s("dpop_bound_access_tokens", Form::Flag, "false", "Whether the client is registered for access tokens that are bound to a key of its own (DPoP, RFC 9449). Token requests and userinfo, with push also the authentication request, then take a proof along, and tokens of another token_type are refused. Introspection of the access token must tell of the key."),
    s("dpop_signing_alg", Form::Word(PROOF_ALGORITHMS), "", "What DPoP proofs are signed with; the provider's dpop_signing_alg_values_supported, where its metadata are read, must list it. Default: the alg of the key's JWK, else the usual one for its kind; ES256 where no key is given."),
    s("dpop_private_key", Form::PrivateKey, "", "The key that access tokens are bound to, PEM or JWK as client_private_key. Default: one on P-256 that is made with the client and never leaves it; with it no other process can use the access tokens."),
    s("dpop_private_key_file", Form::Text, "", "A file with that key, in place of dpop_private_key."),
    s("dpop_public_key", Form::JsonObject, "", "In place of dpop_private_key, the public half of a key that cannot leave its store: a JWK of the same kinds, without its private part. The signer (ciba_config_set_signer()) then signs the proofs: it is asked for the key_id that is the JWK's kid or, without one, its thumbprint (RFC 7638)."),
    s("backchannel_token_delivery_mode", Form::Word(&["poll", "ping", "push"]), "poll", "How tokens are delivered, as the client is registered: they are fetched when they are there, which is asked for at the interval (poll), and at once when the provider says so (ping); or the provider sends them (push), and nothing is asked for. What the provider sends is given to ciba_notification_deliver()."),
    s("backchannel_client_notification_endpoint", Form::Url, "", "Where the provider sends notifications, as the client is registered. Required for ping and push. The library does not listen there; the program does."),
    s("backchannel_authentication_request_signing_alg", Form::Word(SIGNING_ALGORITHMS), "", "What authentication requests are signed with: all their parameters are then inside a JWT. Default: they are not signed. HS256, HS384 and HS512 only at providers by name that are known to take them."),
    s("signed_request_audience", Form::Text, "issuer", "Whom signed requests are for: issuer, endpoint (the one that is asked), or a URL, sent as it is written."),
    s("signed_request_typ", Form::Word(&["oauth-authz-req+jwt", "JWT"]), "", "The header typ of signed requests. Default: none, which every provider is known to take."),
    s("id_token_signed_response_alg", Form::Word(&["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]), "RS256", "The one algorithm that ID Tokens may be signed with."),
    s("id_token_encrypted_response_alg", Form::Word(KEY_ENCRYPTION), "", "How the key of encrypted ID Tokens is encrypted to the client, or agreed upon (JWE alg). Every ID Token must then be encrypted, a signed JWT inside. Without it they are not, and an encrypted one is refused."),
    s("id_token_encrypted_response_enc", Form::Word(CONTENT_ENCRYPTION), "A128CBC-HS256", "What encrypted ID Tokens are encrypted with (JWE enc)."),
    s("client_decryption_key", Form::PrivateKey, "", "The private key that ID Tokens and userinfo answers are encrypted to: PEM (PKCS#8, PKCS#1 or SEC 1, not encrypted) or JWK; RSA of 2048 to 8192 bits, P-256, P-384 or P-521. Or a JWK Set of 1 to 4 such keys: the old and the new one while the client changes its key, or one for each kind of answer; the kid of what is encrypted says which, or else each is tried."),
    s("client_decryption_key_file", Form::Text, "", "A file with that key, in place of client_decryption_key."),
    s("backchannel_authentication_endpoint", Form::Url, "", "In place of the discovered one."),
    s("token_endpoint", Form::Url, "", "In place of the discovered one."),
    s("jwks_uri", Form::Url, "", "In place of the discovered one."),
    s("userinfo_endpoint", Form::Url, "", "In place of the discovered one."),
    s("introspection_endpoint", Form::Url, "", "In place of the discovered one."),
    s("revocation_endpoint", Form::Url, "", "In place of the discovered one."),
    s("mtls_endpoint_aliases.backchannel_authentication_endpoint", Form::Url, "", "Where the client's certificate is asked for, in place of the discovered alias (RFC 8705 section 5)."),
    s("mtls_endpoint_aliases.token_endpoint", Form::Url, "", "In place of the discovered alias."),
    s("mtls_endpoint_aliases.userinfo_endpoint", Form::Url, "", "In place of the discovered alias."),
    s("mtls_endpoint_aliases.introspection_endpoint", Form::Url, "", "In place of the discovered alias."),
    s("mtls_endpoint_aliases.revocation_endpoint", Form::Url, "", "In place of the discovered alias."),
    s("mtls_endpoint_aliases_required", Form::Flag, "true", "Whether, with tls_client_certificate, an endpoint without an alias is an error. false accepts the plain endpoint, for providers that ask for certificates there."),
    s("userinfo_signed_response_alg", Form::Word(&["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]), "", "The one algorithm that userinfo answers may be signed with. Without it they are plain JSON, and a signed one is refused."),
    s("userinfo_encrypted_response_alg", Form::Word(KEY_ENCRYPTION), "", "How the key of encrypted userinfo answers is encrypted to the client, or agreed upon (JWE alg). Every one must then be encrypted: a signed JWT inside where userinfo_signed_response_alg is set, else plain JSON. Without it they are not, and an encrypted one is refused. Needs client_decryption_key."),
    s("userinfo_encrypted_response_enc", Form::Word(CONTENT_ENCRYPTION), "A128CBC-HS256", "What encrypted userinfo answers are encrypted with (JWE enc)."),
    s("prepare_endpoint", Form::Url, "", "TelenorID+ BankID: where the hint and the binding_message are asked for, in place of the one below the issuer."),
    s("init_auth_endpoint", Form::Url, "", "Signaturgruppen CIBA + PAR: where the link for the person is asked for, in place of the one below the issuer."),
    s("cancel_endpoint", Form::Text, "", "A URL with {auth_req_id} in its path: DELETE there cancels a request at the provider. CIBA has no cancel call of its own."),
    s("backchannel_user_code_parameter", Form::Flag, "false", "Whether the client is registered for user_code. The provider's metadata, where they are read, must agree."),
    s("requested_expiry_parameter", Form::Word(&["requested_expiry", "request_expiry"]), "requested_expiry", "The name under which the provider takes requested_expiry."),
    s("basic_credentials", Form::Word(&["form_encoded", "raw"]), "form_encoded", "Whether identifier and secret are form-encoded before Base64 (RFC 6749 section 2.3.1). raw is for servers that do not decode them."),
    s("id_token_required", Form::Flag, "true", "Whether a token response without an ID Token is an error. An ID Token that is there is always verified."),
    s("clock_tolerance_s", Form::Number(0, 300), "60", "By how many seconds the provider's clock may differ from this one."),
    s("allowed_hosts", Form::Text, "", "Hosts, separated by spaces, beside the issuer's own and those below it, on which discovered endpoints may be."),
    s("allow_http_loopback", Form::Flag, "false", "Allows http to loopback addresses, for tests. Anything else is https always."),
    s("ca_file", Form::Text, "", "A file of certificates in PEM that are trusted too, see ca_mode."),
    s("ca_certificates", Form::Lines, "", "Certificates in PEM that are trusted too, see ca_mode."),
    s("ca_mode", Form::Word(&["add", "replace"]), "add", "Whether ca_file and ca_certificates are trusted beside the system's roots or in their place."),
    s("proxy", Form::Text, "environment", "environment (HTTPS_PROXY or ALL_PROXY, and NO_PROXY, read when the client is made), none, or the URL of an HTTP proxy. http to a loopback address never goes through one."),
    s("proxy_username", Form::Text, "", "The user name for the proxy (Basic)."),
    s("proxy_password", Form::Text, "", "The password for the proxy (Basic)."),
    s("proxy_exceptions", Form::Text, "", "Hosts, domains and networks that are reached without the given proxy, separated by commas."),
    s("connect_timeout_ms", Form::Number(1, MOST_MS), "10000", "How many ms name resolution, connecting and TLS may take together."),
    s("request_timeout_ms", Form::Number(1, MOST_MS), "30000", "How many ms an answer may take once the request is sent, but for token requests."),
    s("poll_timeout_ms", Form::Number(35_000, MOST_MS), "60000", "How many ms the answer to a token request may take once it is sent. Providers may hold it open for 30 s and longer."),
    s("max_answer_bytes", Form::Number(1024, 16 * 1024 * 1024), "1048576", "The size beyond which an answer is refused, in bytes."),
    s("saved_flow_keys", Form::Text, "", "Keys that saved flows are sealed with: id:key, separated by spaces, each key 32 random bytes in Base64. The first one seals, every one opens."),
    s("saved_flow_unsealed", Form::Flag, "false", "Saves flows neither encrypted nor authenticated, where the store itself sees to both."),
    s("saved_flow_exclusive", Form::Flag, "false", "Promises that the store gives a saved flow to one process at a time, for example by compare-and-set of its revision. Without it another process may have been given the tokens: once a flow was saved, an answer such as invalid_grant, and an expiry meanwhile, end it as unknown."),
    s("log_file", Form::Text, "", "A file to which events are appended, a line each."),
    s("log_level", Form::Word(&["error", "warning", "info", "debug"]), "info", "The least important events that log_file receives."),
];

/// The parameters of an authentication request. `login_hint_token.NAME` sets a member of a
/// `login_hint_token` that is a JSON object; so does `login_hint.NAME`. A name that ends in `*` stands
/// for every name that begins so.
#[rustfmt::skip]
pub const PARAMETERS: &[Setting] = &[
    s("scope", Form::Text, "", "Scopes separated by spaces, openid among them. Default: what the provider by name needs, else openid."),
    s("login_hint", Form::Text, "", "Who the person is, in the provider's own form; TelenorID+: the phone number, sent as it is given. Exactly one of login_hint, login_hint_token, id_token_hint is given."),
    s("login_hint.sub", Form::Text, "", "Auth0: the person's user id, for example auth0|5f7c8e; makes the login_hint that Auth0 takes."),
    s("login_hint_token", Form::Lines, "", "Who the person is, sent as it is given."),
    s("login_hint_token_encoding", Form::Word(&["json", "base64"]), "json", "How a login_hint_token made from members is sent: as JSON, or that in Base64."),
    s("login_hint_token.idp", Form::Word(&["mitid"]), "mitid", "Signaturgruppen: the identity provider."),
    s("login_hint_token.uuid", Form::Text, "", "Signaturgruppen: the person's MitID UUID; either this or cpr. The ID Token must be for the same one."),
    s("login_hint_token.cpr", Form::Text, "", "Signaturgruppen: the person's CPR number; either this or uuid."),
    s("login_hint_token.referenceTextBody", Form::ReadableLines, "", "Signaturgruppen: the text that the app shows. Required."),
    s("login_hint_token.ip", Form::Address, "", "Signaturgruppen: the person's IP address. Required."),
    s("login_hint_token.action", Form::Word(&["LOG_ON", "APPROVE", "CONFIRM", "ACCEPT", "SIGN"]), "", "Signaturgruppen: the word that the app shows for what is done."),
    s("login_hint_token.referenceId", Form::Text, "", "Signaturgruppen: the caller's own reference."),
    s("login_hint_token.ciba_nonce", Form::Text, "", "Signaturgruppen: a text that comes back in the token response; under which name is not documented."),
    s("login_hint_token.idp_values", Form::Text, "", "Signaturgruppen CIBA + PAR: identity providers, separated by spaces, for example mitid mitid_erhverv."),
    s("login_hint_token.prompt", Form::Text, "", "Signaturgruppen CIBA + PAR: the OpenID Connect prompt, for example login."),
    s("id_token_hint", Form::Text, "", "An ID Token that was issued before. It may have expired. One that is encrypted to the client is sent decrypted, with client_decryption_key."),
    s("acr_values", Form::Text, "", "Authentication context classes, separated by spaces, the preferred one first."),
    s("binding_message", Form::Readable, "", "A short text that is shown on both devices, for the person to compare. ciba_request_set_binding_code() makes one. Providers by name have rules for it, which are kept."),
    s("user_code", Form::Text, "", "The person's secret code, for providers that ask for one; needs the setting backchannel_user_code_parameter. Ask for it each time: no flow keeps it once it is sent."),
    s("requested_expiry", Form::Number(1, i32::MAX as i64), "", "How many seconds the provider should keep the request; it may decide otherwise. TelenorID+ and Okta: 1 to 300. Vipps MobilePay: 60 to 900."),
    s(RESOURCE, Form::Uris, "", "Where the access token is to be used (RFC 8707): URIs separated by spaces, each sent as a parameter of its own."),
    s("authorization_details", Form::JsonTypedObjects, "", "What is to be approved (RFC 9396)."),
    s("claims", Form::JsonObject, "", "Claims that are asked for one by one (OpenID Connect Core section 5.5)."),
    s("request_context", Form::JsonObject, "", "What the provider may weigh the risk by (FAPI-CIBA)."),
    s("extra.*", Form::Lines, "", "Any other parameter of the provider's by its name, for example extra.audience. Names that OAuth 2.0, OpenID Connect or CIBA give a meaning are refused."),
    s("prepare.kurt_id", Form::Text, "", "TelenorID+ BankID: the person's kurt id. Required there: TelenorID+ gives the hint and the binding_message for it."),
    s("init_auth.redirectUri", Form::Url, "", "Signaturgruppen CIBA + PAR: where the person's browser ends up. Default: a page of the broker."),
    s("init_auth.state", Form::Text, "", "Signaturgruppen CIBA + PAR: comes along to init_auth.redirectUri."),
    s("expected.acr", Form::Text, "", "Authentication context classes, separated by spaces, of which the ID Token's acr must be one. Not sent: acr_values asks for them."),
    s("expected.max_age", Form::Number(0, i32::MAX as i64), "", "By how many seconds the person's authentication may lie before the request, by the ID Token's auth_time, which must then be there; 0: the person authenticates for this request. Not sent."),
    s("expected.sub", Form::Text, "", "The sub that the ID Token must have, to the letter. Not sent. Default: the sub of the id_token_hint, where there is one."),
    s("expected.*", Form::Claim, "", "Any other claim that the ID Token must have, and its value to the letter, for example expected.txn; a number, true or false as JSON writes it. null: any value that is not null or empty. A JSON object: the claim is an object too, with these members, each of which is compared in the same way; it may have more. Not sent."),
    s("correlation", Form::Text, "", "A text of the caller's that stands in every log event of the flow. Not sent. Must not be secret."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_for_signing_are_the_algorithms_that_there_are() {
        assert!(SIGNING_ALGORITHMS.iter().eq(crate::signing::ALGORITHMS.iter().map(|a| &a.name)));
    }

    #[test]
    fn the_words_for_encryption_are_the_algorithms_that_there_are() {
        assert!(KEY_ENCRYPTION.iter().eq(crate::tokens::KEY_ALGORITHMS.iter().map(|a| &a.name)));
        assert!(CONTENT_ENCRYPTION.iter().eq(crate::tokens::CONTENT_ALGORITHMS.iter().map(|a| &a.name)));
    }
}
