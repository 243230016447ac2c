//! Signaturgruppen Broker with the MitID Flex app.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Granted, Hint, Person, Personality, engine_metadata, extend};
use crate::keys::{hex, random, uuid_of};
use crate::outcome::Verdict;
use crate::step::Step;

/// The broker as its documentation describes it.
pub fn signaturgruppen() -> Personality {
    Personality {
        name: "signaturgruppen",
        root: "/op",
        jwks: "/.well-known/openid-configuration/jwks",
        start: "/connect/ciba",
        token: "/connect/token",
        userinfo: "/connect/userinfo",
        introspection: None,
        revocation: None,
        refresh: None,
        step: None,
        cancel: Some("/api/v1/ciba/"),
        metadata,
        metadata_headers: &[("cache-control", "public, max-age=770")],
        headers: &[
            ("cache-control", "no-store, no-cache, max-age=0"),
            ("pragma", "no-cache"),
            (
                "set-cookie",
                "X-Correlation-Id=5f0c1c5e-3c1c-4b73-9f6d-0f7c2c7b6a11; path=/; secure; \
                 samesite=none; httponly",
            ),
        ],
        client: (
            "62b8cc03-aa73-4d6a-922c-7c8fb0a4a1d9",
            "mIpxk84FI1wpc7cP7nodFLfgQQ1ScZHYO44FZ9wPOqrB0ha9S5RUNYPXMkrCWwRjGqEH0hflnIJea8IKmW19aQ==",
        ),
        hints: &["login_hint_token"],
        person,
        scopes: (&["openid"], "invalid_request"),
        granted,
        longest: 300,
        longest_binding_message: 100,
        expires_in: 300,
        interval: 5,
        auth_req_id: || format!("{}-1", hex(&random::<32>())),
        denied: "access_denied",
        unknown_client: 400,
        claims,
        access_claims,
        scope_list: true,
    }
}

/// The broker where the person is asked in a browser: a step after the start makes the link.
pub fn signaturgruppen_par() -> Personality {
    Personality {
        name: "signaturgruppen-par",
        step: Some(Step::InitAuth("/api/ciba/broker-oidc/init-auth")),
        cancel: None,
        person: whoever_opens_the_link,
        interval: 3,
        ..signaturgruppen()
    }
}

/// Nobody is asked for by name.
fn whoever_opens_the_link(hint: &Hint<'_>) -> Result<Person, &'static str> {
    let token: Value = serde_json::from_str(hint.value).map_err(|_| REFUSED)?;
    if token["flow_type"] != "broker_oidc" {
        return Err(REFUSED);
    }
    Ok(Person { id: UUID_OF_CPR.to_owned(), text: String::new(), verdict: None })
}

fn metadata(issuer: &str) -> Value {
    let mut document = engine_metadata(issuer);
    if let Some(members) = document.as_object_mut() {
        let more = json!({
            "pushed_authorization_request_endpoint": format!("{issuer}/connect/par"),
            "require_pushed_authorization_requests": false,
            "prompt_values_supported": ["login", "none", "select_account"],
            "request_uri_parameter_supported": true,
        });
        extend(members, more);
    }
    document
}

/// The scope that the broker grants always names its identity provider.
fn granted(requested: &str) -> String {
    match requested.split(' ').any(|scope| scope == "mitid") {
        true => requested.to_owned(),
        false => format!("{requested} mitid"),
    }
}

/// The person whom a CPR number means.
const UUID_OF_CPR: &str = "eee4b272-6a33-40da-ab0b-5ce2abd42e78";
const ACTIONS: [&str; 5] = ["LOG_ON", "APPROVE", "CONFIRM", "ACCEPT", "SIGN"];
const REFUSED: &str = "invalid_request";

/// Reads a `login_hint_token`: JSON, plain or in padded Base64.
fn person(hint: &Hint<'_>) -> Result<Person, &'static str> {
    if hint.value.len() > 4000 {
        return Err(REFUSED);
    }
    let text = match hint.value.trim_start().starts_with('{') {
        true => hint.value.to_owned(),
        false => decode(hint.value)?,
    };
    let (id, text) = match serde_json::from_str::<Value>(&text) {
        Ok(token) => from_json(&token)?,
        Err(_) => from_nested_text(&text)?,
    };
    let verdict = Verdict::in_text(&text);
    Ok(Person { id, text, verdict })
}

fn decode(base64: &str) -> Result<String, &'static str> {
    let bytes = STANDARD.decode(base64).map_err(|_| REFUSED)?;
    String::from_utf8(bytes).map_err(|_| REFUSED)
}

/// Today's flat object, or the first shape, whose `idp_params` are Base64.
fn from_json(token: &Value) -> Result<(String, String), &'static str> {
    if token["idp"] != "mitid" {
        return Err(REFUSED);
    }
    let nested: Option<Value> = match token.get("idp_params") {
        None => None,
        Some(Value::String(text)) => Some(serde_json::from_str(&decode(text)?).map_err(|_| REFUSED)?),
        Some(_) => return Err(REFUSED),
    };
    let fields = nested.as_ref().unwrap_or(token);
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let id = match (text("uuid"), text("cpr")) {
        (Some(uuid), None) if !uuid.is_empty() => uuid,
        (None, Some(cpr)) if !cpr.is_empty() => UUID_OF_CPR,
        _ => return Err(REFUSED),
    };
    let shown = text("referenceTextBody").or_else(|| text("ReferenceTextBody"));
    let shown = shown.filter(|shown| !shown.is_empty()).ok_or(REFUSED)?;
    let ip = text("ip").and_then(|ip| ip.parse::<IpAddr>().ok());
    let action = fields.get("action");
    let good_action = action.is_none_or(|a| a.as_str().is_some_and(|a| ACTIONS.contains(&a)));
    let two_references = text("referenceId").is_some() && text("reference_id").is_some();
    if ip.is_none() || !good_action || two_references {
        return Err(REFUSED);
    }
    Ok((id.to_owned(), shown.to_owned()))
}

/// The second shape: `idp_params` is an object in quotes that are not escaped,
/// so that the whole is no JSON.
fn from_nested_text(text: &str) -> Result<(String, String), &'static str> {
    let field = |name: &str| {
        let (_, rest) = text.split_once(&format!("\"{name}\":\""))?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    if !text.contains(r#""idp":"mitid""#) || field("idp_params").is_none() {
        return Err(REFUSED);
    }
    let cpr = || field("cpr").map(|_| UUID_OF_CPR.to_owned());
    let id = field("uuid").or_else(cpr).ok_or(REFUSED)?;
    Ok((id, field("referenceTextBody").unwrap_or_default()))
}

/// The person at this service provider.
fn subject(granted: &Granted<'_>) -> String {
    uuid_of(&format!("{}|{}", granted.client_id, granted.person.id))
}

fn claims(granted: &Granted<'_>) -> Value {
    json!({
        "sub": subject(granted),
        "idp": "mitid",
        "mitid.uuid": granted.person.id,
        "mitid.age": "88",
        "mitid.date_of_birth": "1936-04-08",
        "mitid.has_cpr": "true",
        "mitid.identity_name": "Ileya Jensen",
        "mitid.psd2": "false",
        "mitid.reference_text": granted.person.text,
        "mitid.transaction_id": granted.transaction,
        "idp_transaction_id": granted.transaction,
        "idtoken_type": "ciba",
    })
}

fn access_claims(granted: &Granted<'_>) -> Value {
    json!({
        "sub": subject(granted),
        "idp": "mitid",
        "idp_transaction_id": granted.transaction,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<(String, String), &'static str> {
        let hint = Hint { name: "login_hint_token", value, binding_message: None };
        person(&hint).map(|person| (person.id, person.text))
    }

    const UUID: &str = "8a9856e0-f12d-4217-b320-c8a076be9320";

    #[test]
    fn every_shape_is_read() {
        let flat = r#"{"idp":"mitid","uuid":"8a9856e0-f12d-4217-b320-c8a076be9320","referenceTextBody":"Hej 😉","ip":"1.1.1.1"}"#;
        let nested = r#"{"idp":"mitid","idp_params":"{"uuid":"8a9856e0-f12d-4217-b320-c8a076be9320", "referenceTextBody":"Hej 😉", "ip":"1.1.1.1"}"}"#;
        let expected = Ok((UUID.to_owned(), "Hej 😉".to_owned()));
        for text in [flat, nested] {
            assert_eq!(read(text), expected);
            assert_eq!(read(&STANDARD.encode(text)), expected);
        }
        let published = "eyJpZHAiOiJtaXRpZCIsImlkcF9wYXJhbXMiOiJ7InV1aWQiOiI4YTk4NTZlMC1mMTJkLTQyMTctYjMyMC1jOGEwNzZiZTkzMjAiLCAicmVmZXJlbmNlVGV4dEJvZHkiOiJUZXN0aW5nIE1pdElEIEZsZXggYXBwIPCfmIkiLCAiaXAiOiIxLjEuMS4xIn0ifQ==";
        let text = "Testing MitID Flex app 😉".to_owned();
        assert_eq!(read(published), Ok((UUID.to_owned(), text)));
        let first = r#"{"idp":"mitid","idp_params":"eyJjcHIiOiIwODA0MzYwNDY4IiwgIlJlZmVyZW5jZVRleHRCb2R5Ijoib3N0ZW1hd2QgOj0pIiwgImlwIjoiMS4xLjEuMSJ9"}"#;
        let text = "ostemawd :=)".to_owned();
        assert_eq!(read(first), Ok((UUID_OF_CPR.to_owned(), text)));
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for text in [
            "",
            "+4799988777",
            "{}",
            r#"{"idp":"nemid","uuid":"u","referenceTextBody":"t","ip":"1.1.1.1"}"#,
            r#"{"idp":"mitid","referenceTextBody":"t","ip":"1.1.1.1"}"#,
            r#"{"idp":"mitid","uuid":"u","cpr":"c","referenceTextBody":"t","ip":"1.1.1.1"}"#,
            r#"{"idp":"mitid","uuid":"u","ip":"1.1.1.1"}"#,
            r#"{"idp":"mitid","uuid":"u","referenceTextBody":"t"}"#,
            r#"{"idp":"mitid","uuid":"u","referenceTextBody":"t","ip":"1.1.1"}"#,
            r#"{"idp":"mitid","uuid":"u","referenceTextBody":"t","ip":"::1","action":"GO"}"#,
        ] {
            assert_eq!(read(text), Err("invalid_request"), "{text}");
        }
        let url_safe = STANDARD.encode(r#"{"idp":"mitid","uuid":"u"}"#);
        assert!(read(url_safe.trim_end_matches('=')).is_err());
    }
}
