//! The provider's own metadata (OpenID Connect Discovery 1.0).
//!
//! What is fetched fills in endpoints. It never selects or weakens anything: where it contradicts
//! the settings, that is an error here and nothing is sent.

use url::Url;

use super::{Endpoints, Provider, endpoint};
use crate::error::{Error, Result, Status};
use crate::json::Members;

const ALIASES: &str = "mtls_endpoint_aliases";
const BOUND_ACCESS_TOKENS: &str = "tls_client_certificate_bound_access_tokens";

/// Where the metadata is: one `/` at the end of the issuer is dropped (Discovery §4).
pub fn metadata_url(provider: &Provider) -> Result<Url> {
    let issuer = provider.issuer.strip_suffix('/').unwrap_or(&provider.issuer);
    provider.endpoint("issuer", &format!("{issuer}/.well-known/openid-configuration"))
}

/// A value that the settings choose, and that a list of the metadata must hold.
pub struct Support {
    pub name: &'static str,
    pub value: &'static str,
    /// Whether the list may be left out.
    pub unless_absent: bool,
}

/// Reads the metadata and completes the endpoints with it. What the settings give stays.
pub fn complete(provider: &Provider, needed: &[Support], body: &[u8]) -> Result<Endpoints> {
    let metadata = Members::parse(body).ok_or_else(|| malformed("is not a plain JSON object"))?;
    if metadata.text("issuer").as_deref() != Some(&provider.issuer) {
        return Err(Status::METADATA_ISSUER.into());
    }
    if provider.rules.user_code && metadata.raw("backchannel_user_code_parameter_supported") != Some("true") {
        let text = "the provider's metadata do not say that it supports user_code, as \
                    backchannel_user_code_parameter does";
        return Err(Error::new(Status::METADATA_MISMATCH, text));
    }
    for Support { name, value, unless_absent } in needed {
        let raw = match metadata.raw(name) {
            None if *unless_absent => continue,
            raw => raw.unwrap_or("[]"),
        };
        let list: Vec<String> =
            serde_json::from_str(raw).map_err(|_| malformed(&format!("{name} is no list of texts")))?;
        // One algorithm, and an ID Token may have either of its names (RFC 8037, RFC 9864).
        let newer = *name == "id_token_signing_alg_values_supported" && *value == "EdDSA";
        if !list.iter().any(|entry| entry == value || (newer && entry == "Ed25519")) {
            let text = format!("the provider's {name} do not include {value}");
            return Err(Error::new(Status::METADATA_MISMATCH, text));
        }
    }
    let found = Found::read(provider, &metadata)?;
    let needed = |given: &Option<Url>, name: &str| match given {
        Some(given) => Ok(Some(given.clone())),
        None => found.endpoint(name).map(Some),
    };
    let optional =
        |given: &Option<Result<Url>>, name: &str| Some(given.clone().unwrap_or_else(|| found.endpoint(name)));
    let given = &provider.endpoints;
    Ok(Endpoints {
        prepare: given.prepare.clone(),
        init_auth: given.init_auth.clone(),
        backchannel_authentication: needed(
            &given.backchannel_authentication,
            "backchannel_authentication_endpoint",
        )?,
        token: needed(&given.token, "token_endpoint")?,
        jwks: Some(given.jwks.clone().map_or_else(|| found.plain("jwks_uri"), Ok)?),
        userinfo: optional(&given.userinfo, "userinfo_endpoint"),
        introspection: optional(&given.introspection, "introspection_endpoint"),
        revocation: optional(&given.revocation, "revocation_endpoint"),
    })
}

fn malformed(what: &str) -> Error {
    Error::new(Status::METADATA_MALFORMED, format!("the provider's metadata: {what}"))
}

fn missing(what: &str) -> Error {
    Error::new(Status::METADATA_ENDPOINT_MISSING, format!("the provider's metadata has no {what}"))
}

/// The endpoints that the metadata name.
struct Found<'a> {
    provider: &'a Provider,
    metadata: &'a Members<'a>,
    /// Those for a client with a certificate (RFC 8705 §5).
    aliases: Option<Members<'a>>,
}

impl Found<'_> {
    fn read<'a>(provider: &'a Provider, metadata: &'a Members<'a>) -> Result<Found<'a>> {
        let mut found = Found { provider, metadata, aliases: None };
        let Some(rules) = &provider.mutual_tls else { return Ok(found) };
        if rules.bound_access_tokens && metadata.raw(BOUND_ACCESS_TOKENS) != Some("true") {
            let text = format!("the provider's metadata do not say that it supports {BOUND_ACCESS_TOKENS}");
            return Err(Error::new(Status::METADATA_MISMATCH, text));
        }
        if let Some(raw) = metadata.raw(ALIASES).filter(|raw| *raw != "null") {
            let aliases = Members::parse(raw.as_bytes());
            found.aliases =
                Some(aliases.ok_or_else(|| malformed("mtls_endpoint_aliases is no JSON object"))?);
        }
        Ok(found)
    }

    /// An endpoint where the client proves itself: the alias, where it has a certificate.
    fn endpoint(&self, name: &str) -> Result<Url> {
        let Some(rules) = &self.provider.mutual_tls else { return self.plain(name) };
        let alias = format!("{ALIASES}.{name}");
        let raw = self.aliases.as_ref().and_then(|aliases| aliases.raw(name));
        // http shows no certificate.
        match raw.filter(|raw| *raw != "null") {
            Some(raw) => {
                let text = serde_json::from_str::<String>(raw);
                let text = text.map_err(|_| malformed(&format!("{alias} is no text")))?;
                self.checked(&alias, &text, false)
            }
            None if rules.aliases_required => Err(missing(&format!(
                "{alias}; {ALIASES}_required=false accepts the plain endpoint for the client's certificate"
            ))),
            None => self.named(name, false),
        }
    }

    fn plain(&self, name: &str) -> Result<Url> {
        self.named(name, self.provider.allow_http_loopback)
    }

    fn named(&self, name: &str, allow_http_loopback: bool) -> Result<Url> {
        let text = self.metadata.text(name).ok_or_else(|| missing(name))?;
        self.checked(name, &text, allow_http_loopback)
    }

    fn checked(&self, name: &str, text: &str, allow_http_loopback: bool) -> Result<Url> {
        let url = endpoint(name, text, allow_http_loopback)
            .map_err(|e| Error::new(Status::METADATA_MALFORMED, e.message()))?;
        if !self.provider.allows_host(&url) {
            let host = url.host_str().unwrap_or_default();
            let text = format!(
                "{name} is on {host}, not on the issuer's host: if that is right, list it in allowed_hosts"
            );
            return Err(Error::new(Status::METADATA_ENDPOINT_HOST, text));
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rules;
    use super::*;
    use serde_json::{Value, json};

    fn provider() -> Provider {
        Provider {
            issuer: "https://id.example/op/".into(),
            endpoints: Endpoints::default(),
            mutual_tls: None,
            cancel_endpoint: None,
            rules: Rules::default(),
            allowed_hosts: Vec::new(),
            allow_http_loopback: false,
        }
    }

    const fn support(name: &'static str, value: &'static str, unless_absent: bool) -> Support {
        Support { name, value, unless_absent }
    }

    const NEEDED: [Support; 3] = [
        support("backchannel_token_delivery_modes_supported", "poll", true),
        support("token_endpoint_auth_methods_supported", "client_secret_basic", true),
        support("id_token_signing_alg_values_supported", "RS256", true),
    ];

    fn good() -> Value {
        json!({
            "issuer": "https://id.example/op/",
            "backchannel_authentication_endpoint": "https://id.example/op/ciba",
            "token_endpoint": "https://id.example/op/token",
            "jwks_uri": "https://keys.id.example/jwks",
            "backchannel_token_delivery_modes_supported": ["poll", "ping"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "grant_types_supported": ["authorization_code"],
        })
    }

    fn read(metadata: &Value) -> Result<Endpoints> {
        complete(&provider(), &NEEDED, metadata.to_string().as_bytes())
    }

    #[test]
    fn good_metadata_gives_the_endpoints_also_where_the_grant_is_not_listed() {
        let endpoints = read(&good()).unwrap();
        assert_eq!(endpoints.token.unwrap().as_str(), "https://id.example/op/token");
        assert_eq!(
            metadata_url(&provider()).unwrap().as_str(),
            "https://id.example/op/.well-known/openid-configuration"
        );
    }

    #[test]
    fn an_id_token_algorithm_of_two_names_is_listed_under_either_of_them() {
        const ID_TOKEN: &str = "id_token_signing_alg_values_supported";
        const REQUEST: &str = "backchannel_authentication_request_signing_alg_values_supported";
        for (list, listed, is_enough) in [
            (ID_TOKEN, "EdDSA", true),
            (ID_TOKEN, "Ed25519", true),
            (ID_TOKEN, "ES256", false),
            (REQUEST, "EdDSA", true),
            (REQUEST, "Ed25519", false), // what the client signs has the name that is configured
        ] {
            let mut metadata = good();
            metadata[list] = json!([listed]);
            let needed = [support(list, "EdDSA", false)];
            let result = complete(&provider(), &needed, metadata.to_string().as_bytes());
            assert_eq!(result.is_ok(), is_enough, "{list} {listed}");
        }
    }

    #[test]
    fn one_wrong_member_is_refused_with_its_status() {
        for (member, value, status) in [
            ("issuer", json!("https://id.example/op"), Status::METADATA_ISSUER),
            ("issuer", json!(null), Status::METADATA_ISSUER),
            ("token_endpoint", json!(null), Status::METADATA_ENDPOINT_MISSING),
            ("backchannel_authentication_endpoint", json!(7), Status::METADATA_ENDPOINT_MISSING),
            ("jwks_uri", json!("https://keys.example/jwks"), Status::METADATA_ENDPOINT_HOST),
            ("token_endpoint", json!("https://evilid.example/t"), Status::METADATA_ENDPOINT_HOST),
            ("token_endpoint", json!("http://id.example/t"), Status::METADATA_MALFORMED),
            ("token_endpoint", json!("https://me@id.example/t"), Status::METADATA_MALFORMED),
            ("token_endpoint", json!("https://id.example/t#f"), Status::METADATA_MALFORMED),
            ("backchannel_token_delivery_modes_supported", json!(["ping"]), Status::METADATA_MISMATCH),
            ("backchannel_token_delivery_modes_supported", json!("poll"), Status::METADATA_MALFORMED),
            ("token_endpoint_auth_methods_supported", json!(["none"]), Status::METADATA_MISMATCH),
            ("id_token_signing_alg_values_supported", json!(["HS256"]), Status::METADATA_MISMATCH),
        ] {
            let mut metadata = good();
            metadata[member] = value.clone();
            assert_eq!(read(&metadata).err().map(|e| e.status()), Some(status), "{member} = {value}");
        }
    }

    #[test]
    fn an_endpoint_that_not_everybody_needs_is_no_good_only_for_who_needs_it() {
        let mut metadata = good();
        metadata["revocation_endpoint"] = json!("https://id.example/op/revoke");
        metadata["userinfo_endpoint"] = json!("https://elsewhere.example/userinfo");
        let endpoints = read(&metadata).unwrap();
        assert_eq!(endpoints.revocation.unwrap().unwrap().as_str(), "https://id.example/op/revoke");
        let status = |found: Option<Result<Url>>| found.unwrap().unwrap_err().status();
        assert_eq!(status(endpoints.userinfo), Status::METADATA_ENDPOINT_HOST);
        assert_eq!(status(endpoints.introspection), Status::METADATA_ENDPOINT_MISSING);

        let given = Ok(Url::parse("https://elsewhere.example/userinfo").unwrap());
        let endpoints = Endpoints { userinfo: Some(given.clone()), ..Endpoints::default() };
        let provider = Provider { endpoints, ..provider() };
        let body = metadata.to_string();
        let endpoints = complete(&provider, &NEEDED, body.as_bytes()).unwrap();
        assert_eq!(endpoints.userinfo, Some(given), "what is given stays");
    }

    #[test]
    fn a_list_that_must_be_there_is_missed_where_it_is_absent_r22() {
        const LIST: &str = "backchannel_authentication_request_signing_alg_values_supported";
        let needed = [support(LIST, "PS256", false)];
        for (list, status) in [
            (json!(["ES256", "PS256"]), None),
            (json!(["ES256"]), Some(Status::METADATA_MISMATCH)),
            (json!([]), Some(Status::METADATA_MISMATCH)),
            (json!("PS256"), Some(Status::METADATA_MALFORMED)),
            (json!(null), Some(Status::METADATA_MALFORMED)),
        ] {
            let mut metadata = good();
            metadata[LIST] = list.clone();
            let read = complete(&provider(), &needed, metadata.to_string().as_bytes());
            assert_eq!(read.err().map(|e| e.status()), status, "{list}");
        }
        let absent = complete(&provider(), &needed, good().to_string().as_bytes());
        assert_eq!(absent.err().map(|e| e.status()), Some(Status::METADATA_MISMATCH));
    }

    #[test]
    fn a_listed_host_is_allowed_and_the_error_names_the_one_to_list() {
        let mut metadata = good();
        metadata["jwks_uri"] = json!("https://keys.example/jwks");
        assert!(read(&metadata).err().unwrap().message().contains("keys.example"));
        let listed = Provider { allowed_hosts: vec!["keys.example".into()], ..provider() };
        let body = metadata.to_string();
        assert!(complete(&listed, &NEEDED, body.as_bytes()).is_ok());
    }

    #[test]
    fn what_is_given_stays_whatever_the_metadata_say() {
        let given = Url::parse("https://elsewhere.example/token").unwrap();
        let endpoints = Endpoints { token: Some(given.clone()), ..Endpoints::default() };
        let provider = Provider { endpoints, ..provider() };
        let mut metadata = good();
        metadata["token_endpoint"] = json!("https://evil.example/");
        let body = metadata.to_string();
        let endpoints = complete(&provider, &NEEDED, body.as_bytes()).unwrap();
        assert_eq!(endpoints.token, Some(given));
    }
}
