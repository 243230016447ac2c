//! TelenorID+ with Vipps.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Granted, Hint, NO_STORE, Person, Personality, engine_metadata};
use crate::issued::Refresh;
use crate::keys::{hex, random, sha256, uuid, uuid_of};
use crate::outcome::{Outcome, Verdict};
use crate::step::{Step, hint_of};

/// TelenorID+ as its documentation describes it.
pub fn telenor() -> Personality {
    Personality {
        name: "telenor",
        root: "",
        jwks: "/.well-known/openid-configuration/jwks",
        start: "/connect/ciba",
        token: "/connect/token",
        userinfo: "/connect/userinfo",
        introspection: None,
        revocation: None,
        // 14 days from the sign-in, however often it is used. That no new one is given is not documented.
        refresh: Some(Refresh { life: 14 * 24 * 3600, rotates: false }),
        step: None,
        cancel: None,
        metadata: engine_metadata,
        metadata_headers: &[],
        headers: NO_STORE,
        client: ("demo-client", "demo secret+/=: not a real one"),
        hints: &["login_hint"],
        person,
        scopes: (&["openid", "vipps", "phone"], "invalid_scope"),
        granted: str::to_owned,
        longest: 300,
        longest_binding_message: 100,
        expires_in: 300,
        interval: 5,
        auth_req_id: || uuid(random()),
        denied: "invalid_grant",
        unknown_client: 400,
        claims,
        access_claims,
        scope_list: true,
    }
}

/// TelenorID+ with BankID: a step before the start makes the hint.
pub fn telenor_bankid() -> Personality {
    Personality {
        name: "telenor-bankid",
        step: Some(Step::Prepare("/api/ciba/ciba_prepare_bankid")),
        hints: &["login_hint_token"],
        person: prepared,
        scopes: (&["openid", "bankid"], "invalid_scope"),
        ..telenor()
    }
}

/// A hint that was made here, with the message that belongs to it. What a kurt id says will happen happens.
fn prepared(hint: &Hint<'_>) -> Result<Person, &'static str> {
    let refused = "invalid_request";
    let claims = hint.value.split('.').nth(1).ok_or(refused)?;
    let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| refused)?;
    let claims: Value = serde_json::from_slice(&claims).map_err(|_| refused)?;
    let id = claims["kurt_id"].as_str().ok_or(refused)?;
    let (made, message) = hint_of(id);
    match made == hint.value && hint.binding_message == Some(&message) {
        true => Ok(Person { verdict: Verdict::in_text(id), id: id.to_owned(), text: message }),
        false => Err(refused),
    }
}

/// A phone number; its last two digits can say what will happen.
fn person(hint: &Hint<'_>) -> Result<Person, &'static str> {
    let number = hint.value;
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let written = |c: char| c.is_ascii_digit() || " +-()".contains(c);
    if !number.chars().all(written) || !(8..=15).contains(&digits.len()) {
        return Err("unknown_user_id");
    }
    let text = hint.binding_message.unwrap_or_default().to_owned();
    Ok(Person { verdict: Verdict::in_text(&text).or_else(|| by_last_digits(&digits)), id: digits, text })
}

/// The table of phone numbers that carry their own outcome.
fn by_last_digits(digits: &str) -> Option<Verdict> {
    let verdict = match digits.get(digits.len() - 2..)? {
        "90" => Verdict::new(Outcome::Approve, 0),
        "91" => Verdict::new(Outcome::Approve, 2_000),
        "92" => Verdict::new(Outcome::Approve, 12_000),
        "95" => Verdict::new(Outcome::Deny, 2_000),
        "96" => Verdict::new(Outcome::Expire, 0),
        "97" => Verdict::new(Outcome::Fail("invalid_grant".into()), 0),
        _ => return None,
    };
    Some(verdict)
}

fn claims(granted: &Granted<'_>) -> Value {
    let person = granted.person;
    json!({
        "sub": uuid_of(&format!("{}|{}", granted.client_id, person.id)),
        "sid": hex(&sha256(granted.transaction.as_bytes())[..16]),
        "idp": format!("no.telenor.id.proxy.{}", granted.client_id),
        "preferred_username": person.id,
        "given_name": "Tom Peter",
        "family_name": "Rasmussen",
        "analytics_uuid": uuid_of(&person.id),
        "ial": "telenor.identity.ial2",
        "amr": ["urn:telenor.identity.amr.vipps"],
        "acr": ["urn:telenor.identity.aal.2"], // an array, as its page on ID Tokens has it
        "ibis.sid": granted.transaction,
    })
}

fn access_claims(granted: &Granted<'_>) -> Value {
    json!({
        "sub": uuid_of(&format!("{}|{}", granted.client_id, granted.person.id)),
        "idp": format!("no.telenor.id.proxy.{}", granted.client_id),
    })
}
