//! The log: stable names in order, levels, the correlation text, the file. And that no secret is in
//! any text that the library makes.

mod common;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use ciba::{Client, Error, Event, Flow, Level, Status};
use ciba_sim::{Answer, Fault, Kind};
use common::{Pair, UUID, error, eventually, web_page};
use secrecy::ExposeSecret;

const STARTED: [&str; 3] =
    ["info start.sent [desk-7]", "info start.acknowledged [desk-7]", "debug keys.fetched []"];

/// The events so far: level, name and correlation.
fn events(pair: &Pair) -> Vec<String> {
    let lines = pair.events.lines();
    lines.iter().map(|line| line.split_inclusive(']').next().unwrap().to_owned()).collect()
}

fn flow_with(pair: &Pair, phrase: &str) -> Flow {
    let parameters = [("binding_message", phrase), ("correlation", "desk-7")];
    let flow = pair.client().init(&pair.request_with(&parameters), None).unwrap();
    eventually("the keys", || pair.events.lines().len() == 3);
    flow
}

#[test]
fn a_flow_tells_its_steps_by_stable_names_with_the_correlation_text() {
    for (phrase, answers, told) in [
        (
            "approve after 6 s",
            vec![],
            vec![
                "debug poll.sent [desk-7]",
                "debug poll.pending [desk-7]",
                "debug poll.sent [desk-7]",
                "debug poll.tokens [desk-7]",
                "info flow.approved [desk-7]",
            ],
        ),
        (
            "deny after 1 s",
            vec![error(400, "slow_down"), web_page(502), Fault::Close],
            vec![
                "debug poll.sent [desk-7]",
                "warning poll.slow_down [desk-7]",
                "debug poll.sent [desk-7]",
                "warning poll.trouble [desk-7]",
                "debug poll.sent [desk-7]",
                "warning poll.lost [desk-7]",
                "debug poll.sent [desk-7]",
                "debug poll.ended [desk-7]",
                "info flow.denied [desk-7]",
            ],
        ),
        (
            "approve after 1 s",
            vec![Fault::CutInBody { status: None }],
            vec!["debug poll.sent [desk-7]", "warning poll.lost [desk-7]", "error flow.unknown [desk-7]"],
        ),
        (
            "fail invalid_client after 1 s",
            vec![],
            vec!["debug poll.sent [desk-7]", "debug poll.ended [desk-7]", "error flow.failed [desk-7]"],
        ),
    ] {
        let pair = Pair::generic();
        answers.into_iter().for_each(|answer| pair.provider.next(Kind::Poll, answer));
        let flow = flow_with(&pair, phrase);
        let _ = flow.poll(None);
        assert_eq!(events(&pair), [STARTED.as_slice(), &told].concat(), "{phrase}");
        assert!(!pair.events.lines().concat().contains('\n'), "one line each");
    }
}

#[test]
fn a_cancel_is_told_before_what_the_provider_answers_to_it_however_slow_the_log_is() {
    let pair = Pair::signaturgruppen();
    let mut config = pair.config(&[]);
    let told = Arc::new(Mutex::new(Vec::new()));
    let names = told.clone();
    config.add_log(
        Level::Info,
        Arc::new(move |event: &Event<'_>| {
            if event.name == "flow.cancelled" {
                std::thread::sleep(std::time::Duration::from_millis(200));
            }
            names.lock().unwrap().push(event.name.to_owned());
        }),
    );
    let flow = Client::new(&config).unwrap().init(&pair.request(), None).unwrap();
    assert!(flow.cancel(None).unwrap(), "the provider has answered");
    let expected = ["start.sent", "start.acknowledged", "flow.cancelled", "cancel.answered"];
    assert_eq!(*told.lock().unwrap(), expected);
}

#[test]
fn a_cancel_an_expiry_and_missing_keys_are_told_too() {
    let pair = Pair::signaturgruppen();
    let flow = pair.client().init(&pair.request_with(&[("correlation", "desk-7")]), None).unwrap();
    eventually("the keys", || events(&pair).len() == 3);
    flow.cancel(None).unwrap();
    let cancelled = ["info flow.cancelled [desk-7]", "info cancel.answered [desk-7]"];
    assert_eq!(events(&pair), [STARTED.as_slice(), &cancelled].concat());

    let pair = Pair::generic();
    let flow = flow_with(&pair, "never");
    pair.time.advance(300_000);
    assert_eq!(flow.outcome(), Status::EXPIRED);
    assert_eq!(events(&pair), [STARTED.as_slice(), &["info flow.expired [desk-7]"]].concat());

    let pair = Pair::generic();
    (0..2).for_each(|_| pair.provider.next(Kind::Jwks, error(503, "server_error")));
    let flow = flow_with(&pair, "approve after 1 s");
    assert_eq!(Pair::outcome(&flow), Status::OK);
    let held = [
        "warning fetch.failed []",
        "debug poll.sent [desk-7]",
        "debug poll.tokens [desk-7]",
        "warning fetch.failed []",
        "warning keys.unavailable [desk-7]",
        "debug keys.fetched []",
        "info flow.approved [desk-7]",
    ];
    assert_eq!(events(&pair), [&STARTED[..2], &held].concat());

    let pair = Pair::generic();
    pair.provider.next(Kind::Discovery, web_page(503));
    let request = pair.request_with(&[("correlation", "desk-7")]);
    assert!(pair.client().init(&request, None).is_err());
    assert_eq!(events(&pair), ["warning fetch.failed []", "error flow.failed [desk-7]"]);
}

#[test]
fn each_outcome_is_told_once_also_where_several_wait() {
    let pair = Pair::generic();
    let flow = flow_with(&pair, "deny after 1 s");
    std::thread::scope(|scope| {
        (0..3).for_each(|_| drop(scope.spawn(|| assert_eq!(Pair::outcome(&flow), Status::DENIED))));
    });
    flow.cancel(None).unwrap();
    let ends = pair.events.names().iter().filter(|name| name.starts_with("flow.")).count();
    assert_eq!(ends, 1, "{:?}", pair.events.lines());
}

#[test]
fn a_log_receives_its_level_and_what_matters_more() {
    for (level, expected) in [
        (Level::Error, vec![]),
        (Level::Warning, vec!["poll.trouble"]),
        (Level::Info, vec!["start.sent", "start.acknowledged", "poll.trouble", "flow.approved"]),
    ] {
        let pair = Pair::generic();
        pair.provider.next(Kind::Poll, web_page(502));
        let mut config = pair.config(&[]);
        let names = Arc::new(Mutex::new(Vec::new()));
        let log = names.clone();
        config.add_log(
            level,
            Arc::new(move |event: &Event<'_>| log.lock().unwrap().push(event.name.to_owned())),
        );
        let client = ciba::Client::new(&config).unwrap();
        let request = pair.request_with(&[("binding_message", "approve after 1 s")]);
        assert_eq!(Pair::outcome(&client.init(&request, None).unwrap()), Status::OK);
        assert_eq!(*names.lock().unwrap(), expected, "{level:?}");
    }
}

/// A file of this name that is not there yet.
fn fresh_file(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_file(&path);
    path
}

#[test]
fn a_log_file_takes_a_line_for_each_event_from_its_level_on() {
    for (level, lines) in [("", 3), ("debug", 6), ("error", 0)] {
        let path = fresh_file(&format!("log-{}.txt", if level.is_empty() { "default" } else { level }));
        let pair = Pair::generic();
        let settings = [("log_file", path.to_str().unwrap()), ("log_level", level)];
        let parameters = [("binding_message", "approve after 1 s"), ("correlation", "order 7 æ")];
        let client = pair.client_with(&settings);
        let flow = client.init(&pair.request_with(&parameters), None).unwrap();
        assert_eq!(Pair::outcome(&flow), Status::OK);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), lines, "{text}");
        if lines > 0 {
            let last = "2025-06-15T15:06:45.200Z info flow.approved [order 7 æ] tokens verified";
            assert_eq!(text.lines().last(), Some(last));
            let again = client.init(&pair.request_with(&parameters), None).unwrap();
            drop(again);
            assert!(std::fs::read_to_string(&path).unwrap().starts_with(&text), "it is appended to");
        }
        std::fs::remove_file(&path).unwrap();
    }
}

/// The secrets that one of these texts holds.
fn found<'a>(texts: &[String], secrets: &'a [(&'static str, String)]) -> Vec<&'a str> {
    let held = secrets.iter().filter(|(_, secret)| texts.iter().any(|text| text.contains(secret.as_str())));
    held.map(|(name, _)| *name).collect()
}

/// Every text that an error has.
fn texts_of(error: &Error) -> Vec<String> {
    let more = [error.oauth_error(), error.oauth_error_description()];
    let more = more.into_iter().flatten().map(str::to_owned);
    [error.to_string(), format!("{error:?}"), error.message().to_owned()].into_iter().chain(more).collect()
}

const PHONE: &str = "+4799988777";
const CPR: &str = "0804360468";

#[test]
fn no_secret_of_a_whole_sign_in_is_in_any_event_or_debug_text() {
    for (pair, parameters) in [
        (Pair::telenor(), vec![("login_hint", PHONE), ("binding_message", "approve after 6 s")]),
        (
            Pair::signaturgruppen(),
            vec![
                ("login_hint_token.uuid", ""),
                ("login_hint_token.cpr", CPR),
                ("login_hint_token.referenceTextBody", "approve after 6 s"),
                ("login_hint_token.referenceId", "reference-4711"),
            ],
        ),
    ] {
        let config = pair.config(&[("token_endpoint_auth_method", "client_secret_post")]);
        let client = ciba::Client::new(&config).unwrap();
        let request = pair.request_with(&parameters);
        let flow = client.init(&request, None).unwrap();
        let id = flow.auth_req_id().unwrap().expose_secret().to_owned();
        let tokens = flow.poll(None).unwrap().unwrap();
        let mut secrets = vec![
            ("client_secret", pair.provider.client_secret().to_owned()),
            ("auth_req_id", id),
            ("access_token", tokens.access_token().to_owned()),
            ("id_token", tokens.id_token().unwrap().to_owned()),
            ("sub", tokens.claim_text("sub").unwrap().into_owned()),
        ];
        secrets.extend(parameters.iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| (*n, (*v).to_owned())));
        let mut texts = pair.events.lines();
        assert!(texts.len() >= 8, "{texts:?}");
        for shown in [
            format!("{client:?} {client:#?}"),
            format!("{config:?} {config:#?}"),
            format!("{request:?} {request:#?}"),
            format!("{flow:?} {flow:#?} {:?}", flow.progress()),
            format!("{tokens:?} {tokens:#?}"),
            format!("{:?} {:?}", flow.auth_req_id(), flow.acknowledgement()),
        ] {
            texts.push(shown);
        }
        assert_eq!(found(&texts, &secrets), [""; 0], "{texts:#?}");

        // The search finds each of them where it is: in what was sent and answered.
        let journal = pair.provider.journal();
        let forms = journal.iter().flat_map(|entry| entry.form()).map(|(_, value)| value);
        let planted = [tokens.access_token(), tokens.id_token().unwrap(), tokens.claims_json().unwrap()];
        let planted: Vec<String> = forms.chain(planted.map(str::to_owned)).collect();
        assert_eq!(found(&planted, &secrets), secrets.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }
}

#[test]
fn no_secret_that_a_provider_echoes_is_in_any_text() {
    let pair = Pair::generic();
    let parameters = [
        ("login_hint", PHONE),
        ("binding_message", "Pay 100 kr"),
        ("user_code", "4711"),
        ("scope", "openid profile"),
    ];
    let secret = pair.provider.client_secret().to_owned();
    let secrets = [
        ("login_hint", PHONE.to_owned()),
        ("binding_message", "Pay 100 kr".to_owned()),
        ("user_code", "4711".to_owned()),
        ("client_secret", secret.clone()),
        ("auth_req_id", "id-8a9856e0".to_owned()),
    ];
    let echo = secrets.iter().map(|(_, secret)| secret.as_str()).collect::<Vec<_>>().join(" and ");
    assert_eq!(found(std::slice::from_ref(&echo), &secrets).len(), secrets.len(), "planted, and found");
    let rest = ("auth_req_id", "id-8a9856e0");

    for body in [
        serde_json::json!({ "error": "unknown_user_id", "error_description": echo }),
        serde_json::json!({ "error": format!("no user {echo}"), "error_description": echo }),
        serde_json::json!({ "errorCode": "E1", "errorSummary": echo, "error_uri": echo }),
        serde_json::json!({ "title": echo, "detail": echo, "type": echo }),
    ] {
        // In answer to the start, which has no identifier yet.
        let answer = || {
            let answer = Answer::new(400, body.to_string());
            Fault::Answer(answer.header("content-type", "application/problem+json"))
        };
        let client = pair.client_with(&[("backchannel_user_code_parameter", "true")]);
        let request = pair.request_with(&parameters);
        pair.provider.next(Kind::Start, answer());
        let mut texts = texts_of(&client.init(&request, None).unwrap_err());
        texts.extend(pair.events.lines().pop());
        let echoed: Vec<_> = found(&texts, &secrets).into_iter().filter(|name| *name != rest.0).collect();
        assert_eq!(echoed, [""; 0], "{texts:#?}");

        // In answer to a poll. A flow has forgotten the user_code by then (R-12), so cannot look for it.
        let secrets: Vec<_> = secrets.iter().filter(|(name, _)| *name != "user_code").cloned().collect();
        let acknowledgement = format!(r#"{{"auth_req_id":"{}","expires_in":300}}"#, rest.1);
        pair.provider.next(Kind::Start, Fault::Raw(acknowledgement.into()));
        pair.provider.next(Kind::Poll, answer());
        let flow = client.init(&request, None).unwrap();
        texts = texts_of(&flow.poll(None).unwrap_err());
        texts.push(format!("{flow:?}"));
        assert_eq!(found(&texts, &secrets), [""; 0], "{texts:#?}");

        // As trouble that is waited out, and as an error within a 200.
        pair.provider.next(Kind::Start, Fault::Pass);
        pair.provider.next(Kind::Poll, Fault::Answer(Answer::json(503, body.to_string())));
        pair.provider.next(Kind::Poll, Fault::Answer(Answer::json(200, body.to_string())));
        let flow = client.init(&request, None).unwrap();
        texts = texts_of(&flow.poll(None).unwrap_err());
        texts.extend(flow.last_trouble().iter().flat_map(texts_of));
        let echoed: Vec<_> = found(&texts, &secrets).into_iter().filter(|name| *name != rest.0).collect();
        assert_eq!(echoed, [""; 0], "{texts:#?}");
    }
    let events = pair.events.lines();
    assert!(events.iter().any(|line| line.contains("flow.failed")), "{events:#?}");
    let not_known = [rest.0, "user_code"]; // one not yet, one not any more
    let echoed: Vec<_> =
        found(&events, &secrets).into_iter().filter(|name| !not_known.contains(name)).collect();
    assert_eq!(echoed, [""; 0], "{events:#?}");
}

#[test]
fn no_secret_is_in_the_error_that_refuses_it() {
    let pair = Pair::signaturgruppen();
    let mut config = pair.config(&[]);
    let mut request = pair.request();
    let secrets = [("planted", "planted-secret".to_owned()), ("uuid", UUID.to_owned())];
    let control = "planted-secret\u{7}";
    let errors = [
        config.set("client_secret", control).unwrap_err(),
        config.set("client_secert", "planted-secret").unwrap_err(),
        config.set_json(r#"{"client_secret": "planted-secret", "client_secret": 1}"#).unwrap_err(),
        config.set("requested_expiry_parameter", "planted-secret").unwrap_err(),
        config.set("issuer", "planted-secret").unwrap_err(),
        config.set("clock_tolerance_s", "planted-secret").unwrap_err(),
        request.set("login_hint_token.cpr", control).unwrap_err(),
        request.set("login_hint_token.ip", "planted-secret").unwrap_err(),
        request.set("login_hint_token.action", "planted-secret").unwrap_err(),
        request.set("requested_expiry", "planted-secret").unwrap_err(),
        request.set("user_code", control).unwrap_err(),
    ];
    let mut texts: Vec<String> = errors.iter().flat_map(texts_of).collect();
    for (name, value) in [("scope", "planted-secret"), ("login_hint_token.cpr", "planted-secret")] {
        let error = pair.client().init(&pair.request_with(&[(name, value)]), None).unwrap_err();
        texts.extend(texts_of(&error));
    }
    assert_eq!(found(&texts, &secrets), ["planted"; 0], "{texts:#?}");
    assert!(pair.provider.lines().is_empty());
}
