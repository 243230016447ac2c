//! Auth0.

use ciba::{Client, Status};
use ciba_sim::personality::{Hint, Person, generic};
use ciba_sim::{Kind, Personality, Verdict};

use crate::common::{Pair, error};
use crate::{Parameters, entry, named, poll_answered, problem, refused, request, sent};

/// The person of `{"format":"iss_sub",…}`.
fn of_iss_sub(hint: &Hint<'_>) -> Result<Person, &'static str> {
    let value: serde_json::Value = serde_json::from_str(hint.value).map_err(|_| "invalid_request")?;
    let id = value["sub"].as_str().ok_or("invalid_request")?.to_owned();
    Ok(Person {
        id,
        text: String::new(),
        verdict: Verdict::in_text(hint.binding_message.unwrap_or_default()),
    })
}

fn auth0() -> (Pair, Client) {
    let paths =
        Personality { start: "/bc-authorize", token: "/oauth/token", person: of_iss_sub, ..generic() };
    named("auth0", paths)
}

const AUTH0: Parameters<'_> = &[("login_hint.sub", "auth0|5f7c8e"), ("binding_message", "21-49-38")];

#[test]
fn auth0_is_sent_the_documented_start_and_poll_r02_r10() {
    let (pair, _) = auth0();
    let client =
        pair.client_with(&[("provider", "auth0"), ("token_endpoint_auth_method", "client_secret_post")]);
    let flow = client
        .init(&request(&[AUTH0[0], AUTH0[1], ("extra.audience", "https://api.example/")]), None)
        .unwrap();
    let id = pair.provider.newest().unwrap();
    pair.provider.approve(&id);
    assert_eq!(flow.poll(None).unwrap().unwrap().claim_text("sub").as_deref(), Some("auth0|5f7c8e"));
    let start = entry(&pair, Kind::Start);
    let hint = format!(r#"{{"format":"iss_sub","iss":"{}","sub":"auth0|5f7c8e"}}"#, pair.provider.issuer());
    assert_eq!(start.param("login_hint"), Some(hint));
    let names: Vec<String> = start.form().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["scope", "client_id", "client_secret", "login_hint", "binding_message", "audience"]);
    pair.assert_requests_then_silence(
        &flow,
        &[
            "0 GET /.well-known/openid-configuration -> 200 discovery",
            "0 POST /bc-authorize -> 200 ack",
            "0 GET /jwks -> 200 jwks",
            "5200 POST /oauth/token -> 200 tokens",
        ],
    );
}

#[test]
fn auth0_refuses_what_would_not_work_r10_r11_r13() {
    let (pair, client) = auth0();
    let person = AUTH0[0];
    refused(&pair, &client, &[person], &["binding_message is missing", "Auth0 wants one"]);
    for message in ["21 49 38", "21/49", "æ", &"x".repeat(65)] {
        refused(&pair, &client, &[person, ("binding_message", message)], &["binding_message", "+-_.,:#"]);
    }
    refused(&pair, &client, &[("login_hint", "alice"), AUTH0[1]], &["login_hint.sub"]);
    refused(&pair, &client, &[person, ("login_hint", "alice"), AUTH0[1]], &["more than one hint"]);
    refused(&pair, &client, &[person, AUTH0[1], ("requested_expiry", "259201")], &["1 to 259200"]);
    sent(&pair, &client, &[person, ("binding_message", &"x".repeat(64))]);
    let whole = r#"{ "format": "iss_sub", "iss": "https://a.example/", "sub": "auth0|5f7c8e" }"#;
    sent(&pair, &client, &[("login_hint", whole), ("binding_message", "a+-_.,:#Z9")]);
    let mut coded = request(&[person]);
    coded.set_binding_code(&client).unwrap();
    client.init(&coded, None).unwrap();
    let plain = Pair::generic();
    refused(&plain, &plain.client(), &[person], &["login_hint.sub"]);
}

#[test]
fn auth0_says_access_denied_to_an_expiry_too_and_the_token_is_for_the_person_who_was_asked() {
    let (pair, client) = auth0();
    let (flow, error) = poll_answered(&pair, &client, AUTH0, error(403, "access_denied"));
    assert_eq!((error.status(), flow.outcome()), (Status::DENIED_OR_FAILED, Status::FAILED));
    assert!(error.message().contains("denied, or the request has expired"), "{error}");

    let flow = client.init(&request(AUTH0), None).unwrap();
    pair.provider.next_id_token(|token| token.claims["sub"] = "auth0|another".into());
    pair.provider.approve(&pair.provider.newest().unwrap());
    assert_eq!(Pair::outcome(&flow), Status::TOKEN_SUBJECT);
}

#[test]
fn auth0_slows_down_by_the_interval_in_its_answer_r46() {
    let (pair, client) = auth0();
    pair.provider.next(Kind::Poll, problem(400, r#"{"error":"slow_down","interval":17}"#));
    let flow = client.init(&request(&[AUTH0[0], ("binding_message", "x")]), None).unwrap();
    pair.provider.approve(&pair.provider.newest().unwrap());
    assert_eq!(Pair::outcome(&flow), Status::OK);
    let polls: Vec<String> =
        pair.provider.lines().into_iter().filter(|line| line.contains("/oauth/token")).collect();
    assert_eq!(polls, ["5200 POST /oauth/token -> 400 (answer)", "22400 POST /oauth/token -> 200 tokens"]);
}
