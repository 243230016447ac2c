//! The whole authentication request: every parameter as it is sent, and what is refused here with
//! nothing sent.

mod common;

use ciba::{AuthenticationRequest, Client, Status};
use ciba_sim::{Answer, Draft, Entry, Fault, Kind};
use common::{Pair, STARTED, UUID};
use serde_json::json;

fn last_start(pair: &Pair) -> Entry {
    pair.provider.journal().into_iter().rfind(|entry| entry.kind == Kind::Start).unwrap()
}

/// Asserts that this request is refused here, with nothing sent, and gives what is said.
#[track_caller]
fn refused(pair: &Pair, client: &Client, request: &AuthenticationRequest) -> String {
    let before = pair.provider.lines();
    let error = client.init(request, None).unwrap_err();
    assert_eq!(error.status(), Status::INVALID_AUTHENTICATION_REQUEST, "{error}");
    assert_eq!(pair.provider.lines(), before, "nothing was sent");
    error.message().to_owned()
}

#[test]
fn every_parameter_is_sent_as_it_was_given_and_a_resource_each_by_itself_r02_r08_r14() {
    let pair = Pair::generic();
    let client = pair.client_with(&[("backchannel_user_code_parameter", "true")]);
    let parameters = [
        ("acr_values", "urn:b urn:a"),
        ("binding_message", "W4S-C7T"),
        ("user_code", "0042"),
        ("requested_expiry", "600"),
        ("resource", "https://api.example/a?b=c urn:example:d"),
        ("authorization_details", r#"[{"type":"payment", "amount":1.0}]"#),
        ("claims", r#"{"id_token":{"auth_time":{"essential":true}}}"#),
        ("request_context", r#"{"desk":7}"#),
        ("extra.audience", "https://api.example/"),
        ("extra.callInitiator", "RP"),
        ("correlation", "desk-7"),
    ];
    client.init(&pair.request_with(&parameters), None).unwrap();
    let expected = "scope=openid&login_hint=alice&acr_values=urn%3Ab%20urn%3Aa&binding_message=W4S-C7T\
        &user_code=0042&requested_expiry=600&resource=https%3A%2F%2Fapi.example%2Fa%3Fb%3Dc\
        &resource=urn%3Aexample%3Ad\
        &authorization_details=%5B%7B%22type%22%3A%22payment%22%2C%20%22amount%22%3A1.0%7D%5D\
        &claims=%7B%22id_token%22%3A%7B%22auth_time%22%3A%7B%22essential%22%3Atrue%7D%7D%7D\
        &request_context=%7B%22desk%22%3A7%7D&audience=https%3A%2F%2Fapi.example%2F&callInitiator=RP";
    assert_eq!(String::from_utf8(last_start(&pair).body).unwrap(), expected);
}

#[test]
fn an_id_token_hint_is_sent_to_the_letter_also_when_it_has_expired_or_cannot_be_read_here_r09() {
    let pair = Pair::generic();
    let expired = Draft::new(
        json!({"alg": "RS256"}),
        json!({"iss": pair.provider.issuer(), "sub": "alice", "iat": 1_000_000_000, "exp": 1_000_000_300}),
    );
    let expired = pair.provider.sign(&expired);
    // The second is one that the caller has encrypted to the provider.
    for (hint, answer, outcome) in [
        (expired.as_str(), "alice", Status::OK),
        (expired.as_str(), "bob", Status::TOKEN_SUBJECT),
        ("eyJhbGciOiJSU0EtT0FFUCJ9.a-_.b.c.d", "bob", Status::OK),
    ] {
        let mut request = pair.request_with(&[("binding_message", "approve after 1 s")]);
        request.set("login_hint", "").unwrap().set("id_token_hint", hint).unwrap();
        pair.provider.next_id_token(move |draft| draft.claims["sub"] = answer.into());
        let flow = pair.client().init(&request, None).unwrap();
        assert_eq!(last_start(&pair).param("id_token_hint").as_deref(), Some(hint));
        assert_eq!(Pair::outcome(&flow), outcome, "{hint} {answer}");
    }
}

#[test]
fn a_json_object_sets_the_same_with_json_taken_as_it_is_written_r14() {
    let pair = Pair::generic();
    let mut request = pair.request();
    request
        .set_json(
            r#"{
              "resource": ["https://api.example/a", "https://api.example/b"],
              "claims": {"userinfo": {"n": 123456789012345678901, "f": 1.00}},
              "authorization_details": [ {"type": "sign"} ],
              "extra": {"audience": "x", "locations.max": "2"}
            }"#,
        )
        .unwrap();
    pair.client().init(&request, None).unwrap();
    let form = last_start(&pair).form();
    let all = |name: &str| -> Vec<String> {
        form.iter().filter(|(n, _)| n == name).map(|(_, value)| value.clone()).collect()
    };
    assert_eq!(all("resource"), ["https://api.example/a", "https://api.example/b"]);
    assert_eq!(all("claims"), [r#"{"userinfo": {"n": 123456789012345678901, "f": 1.00}}"#]);
    assert_eq!(all("authorization_details"), [r#"[ {"type": "sign"} ]"#]);
    assert_eq!((all("audience"), all("locations.max")), (vec!["x".to_owned()], vec!["2".to_owned()]));
}

#[test]
fn a_value_of_another_kind_is_refused_when_it_is_set_and_never_shown_r14() {
    let deep = format!("{}{}", r#"{"a":"#.repeat(200), "}".repeat(200));
    let json = ["", "planted", "7", "\"planted\"", r#"{"a":1,"a":2}"#, r#"{"a":{"b":1,"b":2}}"#, "{", &deep];
    let mut request = AuthenticationRequest::new();
    for (name, good, bad) in [
        ("claims", r#"{"id_token":null}"#, &["[]"][..]),
        ("request_context", "{}", &["[]"]),
        (
            "authorization_details",
            r#"[{"type":"a"}]"#,
            &["{}", "[]", "[7]", r#"[{"type":"a"},{}]"#, r#"[{"type":7}]"#],
        ),
        (
            "resource",
            "https://api.example/a urn:b",
            &["planted", "/planted", "https://a.example#part", "urn:a  urn:b", " urn:a"],
        ),
    ] {
        request.set(name, good).unwrap();
        let also = if name == "resource" { &[][..] } else { &json[1..] };
        for bad in bad.iter().chain(also) {
            let error = request.set(name, bad).unwrap_err();
            assert_eq!(error.status(), Status::INVALID_VALUE, "{name}={bad:.60}");
            assert!(error.message().starts_with(name) && !error.message().contains("planted"), "{error}");
        }
    }
    let pair = Pair::generic();
    request.set("login_hint", "alice").unwrap();
    pair.client().init(&request, None).unwrap();
    assert_eq!(last_start(&pair).param("request_context").as_deref(), Some("{}"), "the good ones stayed");
}

#[test]
fn a_value_beyond_the_limit_is_refused_when_it_is_set() {
    let mut request = AuthenticationRequest::new();
    let object = |bytes: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8));
    for (name, of) in [
        ("login_hint", &(|bytes| "x".repeat(bytes)) as &dyn Fn(usize) -> String),
        ("extra.note", &|bytes| "x".repeat(bytes)),
        ("claims", &object),
    ] {
        request.set(name, &of(64 * 1024)).unwrap();
        let error = request.set(name, &of(64 * 1024 + 1)).unwrap_err();
        assert_eq!(error.status(), Status::INVALID_VALUE, "{name}");
        assert!(error.message().len() < 100, "{error}");
    }
}

#[test]
fn an_extra_parameter_cannot_take_a_name_that_has_a_meaning_r14_r15() {
    let pair = Pair::generic();
    let client = pair.client();
    for name in [
        "nonce",
        "state",
        "redirect_uri",
        "response_type",
        "response_mode",
        "request",
        "request_uri",
        "client_id",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "client_notification_token",
        "client_anything",
        "Client_Id",
        "CLIENT_SECRET",
        "grant_type",
        "scope",
        "login_hint",
        "login_hint_token",
        "id_token_hint",
        "acr_values",
        "binding_message",
        "user_code",
        "requested_expiry",
        "request_expiry",
        "resource",
        "authorization_details",
        "claims",
        "request_context",
        "auth_req_id",
        "code",
        "refresh_token",
        "iss",
        "aud",
        "exp",
        "iat",
        "nbf",
        "jti",
        "sub",
        "Scope",
    ] {
        let request = pair.request_with(&[(&format!("extra.{name}"), "planted")]);
        let said = refused(&pair, &client, &request);
        assert!(said.contains(name) && !said.contains("planted"), "{said}");
    }
    for name in ["a b", "a=b", "a&b", "ä", &"x".repeat(101)] {
        refused(&pair, &client, &pair.request_with(&[(&format!("extra.{name}"), "1")]));
    }
    let mut request = pair.request();
    for name in ["extra", "extra.", "extras.a", "extra.a\n"] {
        assert_eq!(request.set(name, "1").unwrap_err().status(), Status::UNKNOWN_NAME, "{name}");
    }
    // The good twins.
    for name in ["audience", "client", "nonces", "x-scope", "a.b_c-9"] {
        client.init(&pair.request_with(&[(&format!("extra.{name}"), "1")]), None).unwrap();
        assert_eq!(last_start(&pair).param(name).as_deref(), Some("1"));
    }
}

#[test]
fn a_user_code_is_sent_only_where_both_sides_are_agreed_on_it_r12() {
    let pair = Pair::generic();
    let request = pair.request_with(&[("user_code", "0042-7")]);
    let said = refused(&pair, &pair.client(), &request);
    assert!(said.contains("backchannel_user_code_parameter") && !said.contains("0042-7"), "{said}");

    let agreed = [("backchannel_user_code_parameter", "true")];
    for patch in [
        r#"{"backchannel_user_code_parameter_supported":null}"#,
        r#"{"backchannel_user_code_parameter_supported":false}"#,
    ] {
        let pair = Pair::generic();
        pair.provider.next(Kind::Discovery, Fault::Patch(serde_json::from_str(patch).unwrap()));
        let error = pair.client_with(&agreed).init(&request, None).unwrap_err();
        assert_eq!(error.status(), Status::METADATA_MISMATCH);
        assert_eq!(pair.provider.lines(), [STARTED[0]], "the request was not sent");
    }

    pair.client_with(&agreed).init(&request, None).unwrap();
    assert_eq!(last_start(&pair).param("user_code").as_deref(), Some("0042-7"));
}

#[test]
fn a_user_code_is_forgotten_once_it_is_sent_and_shown_nowhere_r12() {
    let pair = Pair::generic();
    let agreed = [("backchannel_user_code_parameter", "true"), ("saved_flow_unsealed", "true")];
    let client = pair.client_with(&agreed);
    let request = pair.request_with(&[("user_code", "9042"), ("login_hint", "alice-planted")]);
    let flow = client.init(&request, None).unwrap();
    let saved = flow.checkpoint("").unwrap();
    let holds = |text: &str| saved.as_bytes().windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("alice-planted"), "the search finds what is kept");
    assert!(!holds("9042"), "a saved flow has no user_code");
    assert!(!format!("{request:?}{flow:?}{:?}", pair.events.lines()).contains("9042"));

    // The provider says it back.
    let body = r#"{"error":"invalid_user_code","error_description":"9042 is wrong for alice-planted"}"#;
    pair.provider.next(Kind::Start, Fault::Answer(Answer::json(400, body)));
    let error = client.init(&request, None).unwrap_err();
    assert_eq!(error.status(), Status::INVALID_USER_CODE);
    assert_eq!(error.oauth_error_description(), Some("[redacted] is wrong for [redacted]"));
}

#[test]
fn what_a_person_reads_has_nothing_invisible_and_nothing_that_turns_it_r11() {
    let mut request = AuthenticationRequest::new();
    for name in ["binding_message", "login_hint_token.referenceTextBody"] {
        request.set(name, "Betal 100 kr. – æøå 😉 שלום").unwrap();
        for c in [
            '\u{202e}',
            '\u{2066}',
            '\u{200b}',
            '\u{200d}',
            '\u{feff}',
            '\u{ad}',
            '\u{e0041}',
            '\u{2028}',
            '\u{7}',
        ] {
            let error = request.set(name, &format!("planted {c} 100")).unwrap_err();
            assert_eq!(error.status(), Status::INVALID_VALUE, "{c:?}");
            assert!(error.message().contains(&format!("U+{:04X}", u32::from(c))), "{error}");
            assert!(!error.message().contains("planted"), "{error}");
        }
    }
    request.set("login_hint_token.referenceTextBody", "two\nlines").unwrap();
    assert!(request.set("binding_message", "two\nlines").is_err());
}

#[test]
fn nor_has_a_hint_that_is_given_whole_also_behind_escapes_or_base64_r11() {
    use base64::Engine as _;
    let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let pair = Pair::signaturgruppen();
    let client = pair.client();
    let hint = |text: &str| {
        format!(r#"{{"idp":"mitid","uuid":"{UUID}","referenceTextBody":"{text}","ip":"127.0.0.1"}}"#)
    };
    for (text, good) in [("100 kr.", true), ("\u{202e}.rk 001", false), ("\\u202e.rk 001", false)] {
        for hint in [hint(text), base64(&hint(text))] {
            let mut request = AuthenticationRequest::new();
            request.set("login_hint_token", &hint).unwrap();
            match good {
                true => drop(client.init(&request, None).unwrap()),
                false => assert!(refused(&pair, &client, &request).contains("U+202E")),
            }
        }
    }
}

#[test]
fn a_binding_code_is_sent_and_the_flow_tells_it_from_the_beginning_r11() {
    let pair = Pair::generic();
    let client = pair.client();
    let mut request = pair.request();
    let first = request.set_binding_code(&client).unwrap();
    let flow = client.begin(&request).unwrap();
    assert_eq!(flow.binding_message().as_deref(), Some(first.as_str()), "before anything is answered");
    assert!(flow.wait_started(None).unwrap());
    assert_eq!(last_start(&pair).param("binding_message"), Some(first.clone()));
    assert_ne!(request.set_binding_code(&client).unwrap(), first);
    assert_eq!(flow.binding_message().as_deref(), Some(first.as_str()));
    assert_eq!((flow.authentication_uri(), pair.flow().binding_message()), (None, None));
}

#[test]
fn what_is_shown_is_there_again_in_a_flow_that_was_saved() {
    let pair = Pair::generic();
    let client = pair.client_with(&[("saved_flow_unsealed", "true")]);
    let flow = client.init(&pair.request_with(&[("binding_message", "W4S-C7T")]), None).unwrap();
    let saved = flow.hand_over("row 7", None).unwrap().unwrap();
    let resumed = client.resume(saved.as_bytes(), "row 7").unwrap();
    assert_eq!(resumed.binding_message().as_deref(), Some("W4S-C7T"));
}

#[test]
fn inside_a_signed_request_json_is_json_and_several_resources_are_a_list_r20_r24() {
    use base64::Engine as _;
    let pair = Pair::with(ciba_sim::personality::signaturgruppen(), |config| {
        let (id, secret) = config.personality.client;
        let algorithm = Some("HS256".to_owned());
        config.clients = vec![ciba_sim::Client {
            backchannel_authentication_request_signing_alg: algorithm,
            ..ciba_sim::Client::new(id, secret)
        }];
    });
    let client = pair.client_with(&[("backchannel_authentication_request_signing_alg", "HS256")]);
    for (resource, inside) in [
        ("urn:a", serde_json::json!("urn:a")),
        ("https://api.example/a urn:b", serde_json::json!(["https://api.example/a", "urn:b"])),
    ] {
        let parameters = [
            ("resource", resource),
            ("claims", r#"{"userinfo":{}}"#),
            ("authorization_details", r#"[{"type":"sign"}]"#),
            ("extra.audience", "x"),
        ];
        client.init(&pair.request_with(&parameters), None).unwrap();
        let start = last_start(&pair);
        let names: Vec<String> = start.form().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["request"], "nothing beside it");
        let jwt = start.param("request").unwrap();
        let payload = jwt.split('.').nth(1).unwrap();
        let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
        let text = std::str::from_utf8(&payload).unwrap();
        assert_eq!(text.matches("\"resource\"").count(), 1, "no name twice: {text}");
        let payload: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(payload["resource"], inside);
        assert_eq!(payload["claims"], serde_json::json!({"userinfo": {}}));
        assert_eq!(payload["authorization_details"], serde_json::json!([{"type": "sign"}]));
        assert_eq!((&payload["audience"], &payload["scope"]), (&"x".into(), &"openid".into()));
    }
}

#[test]
fn a_hint_that_is_made_is_shown_by_no_answer_to_a_poll_in_whatever_form_it_was_sent_r10() {
    // The last one has a member that is too short to be looked for by itself.
    for (encoding, ip) in [("", "127.0.0.1"), ("base64", "127.0.0.1"), ("", "::1")] {
        let pair = Pair::signaturgruppen();
        let request =
            pair.request_with(&[("login_hint_token_encoding", encoding), ("login_hint_token.ip", ip)]);
        let flow = pair.client().init(&request, None).unwrap();
        let hint = last_start(&pair).param("login_hint_token").unwrap();
        let body =
            json!({"error": "refused", "error_description": format!("not for {hint}, nor for {UUID}")});
        pair.provider.next(Kind::Poll, Fault::Answer(Answer::json(400, body.to_string())));
        let error = flow.poll(None).unwrap_err();
        let told = error.oauth_error_description().unwrap();
        assert!(told.starts_with("not for ") && told.contains("nor for [redacted]"), "{told}");
        assert!(!told.contains(UUID) && !told.contains(ip) && !told.contains(&hint), "{told}");
    }
}
