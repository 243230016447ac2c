//! What the caller expects of the ID Token beside what the protocol asks: `expected.acr`,
//! `expected.max_age`, `expected.sub` and any other claim. Nothing of it is sent.

mod common;

use ciba::{AuthenticationRequest, Status};
use ciba_sim::{Draft, Fault, Kind, Signer};
use common::{Pair, STARTED};
use serde_json::{Value, json};

const GOOD: &[(&str, &str)] = &[
    ("acr_values", "loa4 loa3"),
    ("expected.acr", "loa4 loa3"),
    ("expected.max_age", "600"),
    ("expected.sub", "alice"),
    ("expected.txn", "order 4711"),
    ("expected.email_verified", "true"),
];

/// What the provider says to the good request; `auth_time` and `iat` in seconds from the start.
fn say(draft: &mut Draft) {
    let started = draft.claims["iat"].as_i64().unwrap() - 5;
    for (name, value) in [
        ("acr", json!("loa3")),
        ("auth_time", json!(started)),
        ("sub", json!("alice")),
        ("txn", json!("order 4711")),
        ("email_verified", json!(true)),
    ] {
        draft.claims[name] = value;
    }
}

fn shift(draft: &mut Draft, claim: &str, seconds: i64) {
    draft.claims[claim] = (draft.claims[claim].as_i64().unwrap() + seconds).into();
}

fn request(pair: &Pair, parameters: &[(&str, &str)]) -> AuthenticationRequest {
    pair.request_with(&[&[("binding_message", "approve after 1 s")], parameters].concat())
}

type Change = fn(&mut Draft);

const TABLE: &[(&str, Status, Change)] = &[
    ("the twin", Status::OK, |_| ()),
    ("another subject", Status::TOKEN_SUBJECT, |d| d.claims["sub"] = "bob".into()),
    ("the subject in capitals", Status::TOKEN_SUBJECT, |d| d.claims["sub"] = "ALICE".into()),
    ("a lower acr", Status::TOKEN_ACR, |d| d.claims["acr"] = "loa2".into()),
    ("no acr", Status::TOKEN_ACR, |d| drop(d.claims.as_object_mut().unwrap().remove("acr"))),
    ("660 s before the request", Status::OK, |d| shift(d, "auth_time", -660)),
    ("662 s before the request", Status::TOKEN_AUTH_TIME, |d| shift(d, "auth_time", -662)),
    ("authenticated in the future", Status::TOKEN_AUTH_TIME, |d| shift(d, "auth_time", 100)),
    ("no auth_time", Status::TOKEN_AUTH_TIME, |d| {
        d.claims.as_object_mut().unwrap().remove("auth_time");
    }),
    ("another transaction", Status::TOKEN_UNEXPECTED_CLAIM, |d| d.claims["txn"] = "order 4712".into()),
    ("in capitals", Status::TOKEN_UNEXPECTED_CLAIM, |d| d.claims["txn"] = "ORDER 4711".into()),
    ("not verified", Status::TOKEN_UNEXPECTED_CLAIM, |d| d.claims["email_verified"] = false.into()),
];

#[test]
fn an_id_token_is_what_the_caller_expects_or_no_token_is_released_r08_r63() {
    for (name, status, change) in TABLE {
        let pair = Pair::generic();
        let flow = pair.client().init(&request(&pair, GOOD), None).unwrap();
        pair.provider.next_id_token(move |draft| {
            say(draft);
            change(draft);
        });
        assert_eq!(Pair::outcome(&flow), *status, "{name}");
        assert_eq!(flow.tokens().is_ok(), *status == Status::OK, "{name}");
        pair.assert_requests_then_silence(
            &flow,
            &[STARTED.as_slice(), &["5200 POST /token -> 200 tokens"]].concat(),
        );
    }
}

#[test]
fn expectations_are_kept_in_a_saved_flow_and_never_sent_r08() {
    let keys = [("saved_flow_keys", "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")];
    for (name, status, change) in TABLE {
        let pair = Pair::generic();
        let client = pair.client_with(&keys);
        let flow = client.init(&request(&pair, GOOD), None).unwrap();
        let saved = flow.hand_over("row", None).unwrap().unwrap();
        pair.provider.next_id_token(move |draft| {
            say(draft);
            change(draft);
        });
        let resumed = pair.client_with(&keys).resume(saved.as_bytes(), "row").unwrap();
        assert_eq!(Pair::outcome(&resumed), *status, "{name}");
        let journal = pair.provider.journal();
        let start = journal.iter().find(|entry| entry.kind == Kind::Start).unwrap();
        let sent: Vec<String> = start.form().into_iter().map(|(name, _)| name).collect();
        assert_eq!(sent, ["scope", "login_hint", "acr_values", "binding_message"]);
    }
}

/// What must be there, with whatever value, and what must be in an object.
const IN_JSON: &[(&str, &str)] = &[
    ("expected.txn", "null"),
    (
        "expected.verified_claims",
        r#"{"verification": {"trust_framework": "au_connectid", "time": null}, "claims": {"over18": true}}"#,
    ),
];

fn say_more(draft: &mut Draft) {
    draft.claims["txn"] = json!("b4b3bf5c");
    draft.claims["verified_claims"] = json!({
        "verification": {"trust_framework": "au_connectid", "time": "2026-11-25T12:00Z", "evidence": [1]},
        "claims": {"over18": true, "age": 88},
    });
}

fn remove(object: &mut Value, name: &str) {
    object.as_object_mut().unwrap().remove(name).unwrap();
}

#[test]
fn a_claim_can_be_expected_with_any_value_and_an_object_by_its_members() {
    const REFUSED: Status = Status::TOKEN_UNEXPECTED_CLAIM;
    const ROWS: &[(&str, Status, Change)] = &[
        ("the twin", Status::OK, |_| ()),
        ("another txn", Status::OK, |d| d.claims["txn"] = json!("x")),
        ("a txn that is a number", Status::OK, |d| d.claims["txn"] = json!(0)),
        ("a txn that says no", Status::OK, |d| d.claims["txn"] = json!(false)),
        ("no txn", REFUSED, |d| remove(&mut d.claims, "txn")),
        ("a txn that is null", REFUSED, |d| d.claims["txn"] = Value::Null),
        ("a txn that is empty", REFUSED, |d| d.claims["txn"] = json!("")),
        ("no object", REFUSED, |d| remove(&mut d.claims, "verified_claims")),
        ("an object that is null", REFUSED, |d| d.claims["verified_claims"] = Value::Null),
        ("the object as a text", REFUSED, |d| {
            d.claims["verified_claims"] = d.claims["verified_claims"].to_string().into();
        }),
        ("the object in a list", REFUSED, |d| {
            d.claims["verified_claims"] = json!([d.claims["verified_claims"]]);
        }),
        ("another member", REFUSED, |d| {
            d.claims["verified_claims"]["verification"]["trust_framework"] = json!("au_connectid2");
        }),
        ("the member in capitals", REFUSED, |d| {
            d.claims["verified_claims"]["verification"]["trust_framework"] = json!("AU_CONNECTID");
        }),
        ("no such member", REFUSED, |d| {
            remove(&mut d.claims["verified_claims"]["verification"], "trust_framework");
        }),
        ("the member elsewhere", REFUSED, |d| {
            remove(&mut d.claims["verified_claims"]["verification"], "trust_framework");
            d.claims["verified_claims"]["trust_framework"] = json!("au_connectid");
        }),
        ("no member of any value", REFUSED, |d| {
            remove(&mut d.claims["verified_claims"]["verification"], "time");
        }),
        ("a text for true", REFUSED, |d| d.claims["verified_claims"]["claims"]["over18"] = json!("true")),
        ("not true", REFUSED, |d| d.claims["verified_claims"]["claims"]["over18"] = json!(false)),
    ];
    for (name, status, change) in ROWS {
        let pair = Pair::generic();
        let flow = pair.client().init(&request(&pair, IN_JSON), None).unwrap();
        pair.provider.next_id_token(move |draft| {
            say_more(draft);
            change(draft);
        });
        let outcome = flow.poll(None).map(drop).map_err(|error| {
            assert!(!error.message().contains("connectid"), "{name}: {error}");
            error.status()
        });
        assert_eq!(outcome.err().unwrap_or(Status::OK), *status, "{name}");
        pair.assert_requests_then_silence(
            &flow,
            &[STARTED.as_slice(), &["5200 POST /token -> 200 tokens"]].concat(),
        );
    }
}

#[test]
fn what_is_expected_in_json_is_kept_in_a_saved_flow() {
    let keys = [("saved_flow_keys", "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")];
    for (framework, status) in
        [("au_connectid", Status::OK), ("au_connectid1", Status::TOKEN_UNEXPECTED_CLAIM)]
    {
        let pair = Pair::generic();
        let flow = pair.client_with(&keys).init(&request(&pair, IN_JSON), None).unwrap();
        let saved = flow.hand_over("row", None).unwrap().unwrap();
        pair.provider.next_id_token(move |draft| {
            say_more(draft);
            draft.claims["verified_claims"]["verification"]["trust_framework"] = framework.into();
        });
        let resumed = pair.client_with(&keys).resume(saved.as_bytes(), "row").unwrap();
        assert_eq!(Pair::outcome(&resumed), status, "{framework}");
    }
}

#[test]
fn what_is_expected_in_json_is_json_and_can_be_set_as_such() {
    let pair = Pair::generic();
    let mut in_texts = request(&pair, IN_JSON);
    let objects: Vec<Value> = vec![
        json!({"expected": {"txn": null, "verified_claims": serde_json::from_str::<Value>(IN_JSON[1].1).unwrap()}}),
        json!({"expected.txn": null, "expected.verified_claims": serde_json::from_str::<Value>(IN_JSON[1].1).unwrap()}),
    ];
    for object in objects {
        for (status, change) in [(Status::OK, None), (Status::TOKEN_UNEXPECTED_CLAIM, Some("txn"))] {
            let mut request = request(&pair, &[]);
            request.set_json(&object.to_string()).unwrap();
            pair.provider.next_id_token(move |draft| {
                say_more(draft);
                change.iter().for_each(|name| remove(&mut draft.claims, name));
            });
            assert_eq!(Pair::outcome(&pair.client().init(&request, None).unwrap()), status, "{object}");
        }
    }
    for bad in ["{", "{}{", r#"{"a": 1, "a": 1}"#, r#"{"a": {"planted": 1, "planted": 1}}"#] {
        let error = in_texts.set("expected.verified_claims", bad).unwrap_err();
        assert_eq!(error.status(), Status::INVALID_VALUE, "{bad}");
        assert!(error.message().starts_with("expected.verified_claims: must be a JSON object"), "{error}");
        assert!(!error.message().contains("planted"), "{error}");
    }
    in_texts.set("expected.verified_claims", "{\n  \"verification\": null\n}").unwrap();
    assert!(in_texts.set_json(r#"{"expected": {"acr": null}}"#).is_err(), "the class itself is needed");
    assert!(in_texts.set_json(r#"{"extra": {"audience": null}}"#).is_err(), "nothing else can be null");
}

#[test]
fn max_age_of_0_asks_for_an_authentication_for_this_request() {
    for (seconds, status) in [(-60, Status::OK), (-62, Status::TOKEN_AUTH_TIME), (3, Status::OK)] {
        let pair = Pair::generic();
        let flow = pair.client().init(&request(&pair, &[("expected.max_age", "0")]), None).unwrap();
        pair.provider.next_id_token(move |draft| {
            say(draft);
            shift(draft, "auth_time", seconds);
        });
        assert_eq!(Pair::outcome(&flow), status, "{seconds}");
    }
}

#[test]
fn what_only_an_id_token_can_say_cannot_be_left_out_with_it() {
    for parameters in GOOD {
        let expects = parameters.0.starts_with("expected.");
        let pair = Pair::generic();
        pair.provider.next(Kind::Poll, Fault::Patch(json!({ "id_token": null })));
        let client = pair.client_with(&[("id_token_required", "false")]);
        let flow = client.init(&request(&pair, &[*parameters]), None).unwrap();
        let status = if expects { Status::TOKEN_MISSING } else { Status::OK };
        assert_eq!(Pair::outcome(&flow), status, "{parameters:?}");
    }
}

#[test]
fn an_expected_subject_that_is_not_that_of_the_hint_is_refused_before_anything_is_sent() {
    let pair = Pair::generic();
    let hint = pair.provider.sign(&Draft {
        header: json!({"alg": "RS256"}),
        claims: json!({"sub": "alice"}),
        signer: Signer::Token,
        header_text: None,
        claims_text: None,
        finish: None,
    });
    let with =
        |sub: &str| request(&pair, &[("login_hint", ""), ("id_token_hint", &hint), ("expected.sub", sub)]);
    let error = pair.client().init(&with("planted-person"), None).unwrap_err();
    assert_eq!(error.status(), Status::INVALID_AUTHENTICATION_REQUEST);
    assert!(!error.message().contains("planted-person") && !error.message().contains("alice"), "{error}");
    assert_eq!(pair.provider.lines(), [""; 0]);
    pair.provider.next_id_token(say);
    assert_eq!(Pair::outcome(&pair.client().init(&with("alice"), None).unwrap()), Status::OK);
}

#[test]
fn an_expected_person_is_shown_in_no_text() {
    let pair = Pair::generic();
    let expected = [("expected.sub", "planted-person"), ("expected.txn", "planted-order")];
    let mut request = request(&pair, &expected);
    let debug = format!("{request:?}");
    request.set("correlation", "desk-7").unwrap();
    let flow = pair.client().init(&request, None).unwrap();
    let error = flow.poll(None).unwrap_err();
    let texts = [debug, error.to_string(), format!("{error:?}"), pair.events.lines().join("\n")].concat();
    assert!(texts.contains("desk-7") && texts.contains("subject"), "{texts}");
    assert!(!texts.contains("planted"), "{texts}");
}

#[test]
fn expectations_are_set_as_an_object_too() {
    let pair = Pair::generic();
    let mut request = request(&pair, &[]);
    let object = json!({"expected": {"acr": ["loa4", "loa3"], "max_age": 600, "email_verified": true}});
    request.set_json(&object.to_string()).unwrap();
    pair.provider.next_id_token(|draft| {
        say(draft);
        draft.claims["acr"] = Value::from("loa2");
    });
    assert_eq!(Pair::outcome(&pair.client().init(&request, None).unwrap()), Status::TOKEN_ACR);
    assert!(request.set("expected.max_age", "-1").is_err());
    assert!(request.set("expected.", "x").is_err(), "no name");
    request.set("expected.acr", "  ").unwrap();
    let error = pair.client().init(&request, None).unwrap_err();
    assert_eq!(error.status(), Status::INVALID_AUTHENTICATION_REQUEST, "blanks are no class");
}
