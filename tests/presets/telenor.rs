//! TelenorID+.

use std::time::Duration;

use ciba::{Client, Status};
use ciba_sim::personality::telenor_bankid;
use ciba_sim::{Fault, Kind};

use crate::common::{Pair, error, eventually, web_page};
use crate::{body, entry, refused, request};

const BASIC: &str = "Basic ZGVtby1jbGllbnQ6ZGVtbyUyMHNlY3JldCUyQiUyRiUzRCUzQSUyMG5vdCUyMGElMjByZWFsJTIwb25l";
const PREPARED: &str = "0 POST /api/ciba/ciba_prepare_bankid -> 200 prepared";
const DISCOVERED: &str = "0 GET /.well-known/openid-configuration -> 200 discovery";
const KEYS: &str = "0 GET /.well-known/openid-configuration/jwks -> 200 jwks";

#[test]
fn telenor_bankid_prepares_with_basic_alone_and_starts_with_what_it_was_given_r02_r05_r11() {
    let pair = Pair::new(telenor_bankid());
    let client = pair.client_with(&[("token_endpoint_auth_method", "client_secret_post")]);
    let asked = [("prepare.kurt_id", "kurt/4711 approve after 1 s"), ("requested_expiry", "120")];
    let flow = client.init(&request(&asked), None).unwrap();
    let message = flow.binding_message().unwrap();
    let tokens = flow.poll(None).unwrap().unwrap();
    assert_eq!(tokens.scope(), Some("openid bankid"));

    let prepare = entry(&pair, Kind::Prepare);
    assert_eq!(body(&prepare), "kurt_id=kurt%2F4711%20approve%20after%201%20s");
    assert_eq!(prepare.header("authorization"), Some(BASIC), "Basic, whatever the start does");
    assert_eq!(prepare.header("content-type"), Some("application/x-www-form-urlencoded"));
    let start = entry(&pair, Kind::Start);
    assert_eq!(start.header("authorization"), None);
    let names: Vec<String> = start.form().into_iter().map(|(name, _)| name).collect();
    let expected =
        ["scope", "client_id", "client_secret", "login_hint_token", "requested_expiry", "binding_message"];
    assert_eq!(names, expected);
    assert_eq!(start.param("binding_message"), Some(message));
    pair.assert_requests_then_silence(
        &flow,
        &[
            DISCOVERED,
            PREPARED,
            "0 POST /connect/ciba -> 200 ack",
            KEYS,
            "5200 POST /connect/token -> 200 tokens",
        ],
    );
}

#[test]
fn telenor_bankid_tells_the_message_before_the_phone_rings() {
    let pair = Pair::new(telenor_bankid());
    pair.provider.next(Kind::Start, Fault::Hold(8_000));
    let stopped = pair.stop_the_clock();
    let flow = pair.client().begin(&pair.request()).unwrap();
    eventually("the message", || flow.binding_message().is_some());
    assert!(flow.auth_req_id().is_none(), "not acknowledged");
    eventually("its event", || pair.events.names().contains(&"start.prepared".to_owned()));
    assert!(!format!("{:?}", pair.events.lines()).contains("kurt-4711"), "{:?}", pair.events.lines());
    drop(stopped);
    assert!(flow.wait_started(None).unwrap());
    assert_eq!(entry(&pair, Kind::Start).param("binding_message"), flow.binding_message());
}

#[test]
fn a_prepare_step_that_fails_rings_nobody_and_says_so() {
    for (name, fault, journal, status) in [
        ("a wrong secret", error(401, "invalid_client"), "401 (answer)", Status::INVALID_CLIENT),
        ("an unknown person", error(400, "unknown_user_id"), "400 (answer)", Status::UNKNOWN_USER_ID),
        ("a gateway", web_page(502), "502 (answer)", Status::HTTP_STATUS),
        ("a login portal", web_page(200), "200 (answer)", Status::MALFORMED_ANSWER),
        (
            "no hint",
            Fault::Raw(br#"{"binding_message":"a b"}"#.to_vec()),
            "200 (raw)",
            Status::MALFORMED_ANSWER,
        ),
        (
            "an empty hint",
            Fault::Raw(br#"{"login_hint_token":"","binding_message":"a"}"#.to_vec()),
            "200 (raw)",
            Status::MALFORMED_ANSWER,
        ),
        (
            "no message",
            Fault::Raw(br#"{"login_hint_token":"a.b.c"}"#.to_vec()),
            "200 (raw)",
            Status::MALFORMED_ANSWER,
        ),
        (
            "a turned message",
            Fault::Raw("{\"login_hint_token\":\"a\",\"binding_message\":\"\u{202e}a\"}".into()),
            "200 (raw)",
            Status::MALFORMED_ANSWER,
        ),
        ("a redirect", Fault::Redirect("/elsewhere".into()), "302 (redirect)", Status::REDIRECTED),
        ("a cut", Fault::CutBeforeHeaders, "(cut)", Status::CONNECTION_LOST),
    ] {
        let pair = Pair::new(telenor_bankid());
        pair.provider.next(Kind::Prepare, fault);
        let flow = pair.client().begin(&pair.request()).unwrap();
        let error = flow.wait_started(None).unwrap_err();
        assert_eq!(error.status(), status, "{name}: {error}");
        assert!(error.message().starts_with("prepare_endpoint: "), "{name}: {error}");
        assert_eq!(flow.binding_message(), None, "{name}");
        let prepare = format!("0 POST /api/ciba/ciba_prepare_bankid -> {journal}");
        pair.assert_requests_then_silence(&flow, &[DISCOVERED, &prepare]);
    }
}

#[test]
fn a_cancel_during_the_prepare_step_keeps_the_phone_from_ringing() {
    let pair = Pair::new(telenor_bankid());
    pair.provider.next(Kind::Prepare, Fault::ProcessThenHold(4_000));
    let stopped = pair.stop_the_clock();
    let flow = pair.client().begin(&pair.request()).unwrap();
    eventually("the prepare step", || pair.provider.lines().len() == 2);
    assert!(flow.cancel(Some(Duration::ZERO)).unwrap());
    drop(stopped);
    assert_eq!(flow.outcome(), Status::CANCELLED);
    pair.time.advance(20_000);
    pair.settle();
    assert!(
        !pair.provider.lines().iter().any(|line| line.contains("/connect/ciba")),
        "{:?}",
        pair.provider.lines()
    );
}

#[test]
fn telenor_bankid_refuses_what_would_not_work() {
    let pair = Pair::new(telenor_bankid());
    let client = pair.client();
    let person = ("prepare.kurt_id", "kurt-4711");
    refused(&pair, &client, &[], &["prepare.kurt_id is missing"]);
    refused(&pair, &client, &[("login_hint", "+4799988777")], &["a hint must not be given"]);
    refused(&pair, &client, &[person, ("login_hint_token", "a.b.c")], &["a hint must not be given"]);
    refused(
        &pair,
        &client,
        &[person, ("binding_message", "a b")],
        &["binding_message", "TelenorID+ gives it"],
    );
    refused(&pair, &client, &[person, ("scope", "openid vipps phone")], &["bankid"]);
    refused(&pair, &client, &[person, ("requested_expiry", "301")], &["1 to 300"]);
    refused(&pair, &client, &[person, ("init_auth.state", "x")], &["init_auth.state"]);
    let code = request(&[person]).set_binding_code(&client).unwrap_err();
    assert!(code.message().contains("TelenorID+ gives it"), "{code}");
    client
        .init(&request(&[person, ("requested_expiry", "300"), ("scope", "bankid openid profile")]), None)
        .unwrap();

    let plain = Pair::telenor();
    refused(&plain, &plain.client(), &[("login_hint", "+4799988777"), person], &["prepare.kurt_id"]);
    plain.client().init(&request(&[("login_hint", "+4799988777")]), None).unwrap();

    let long = "a secret of more than 32 bytes, for HS256";
    let keyed = pair.config(&[("token_endpoint_auth_method", "client_secret_jwt"), ("client_secret", long)]);
    let error = Client::new(&keyed).unwrap_err();
    assert_eq!(error.status(), Status::CONFLICTING_SETTINGS);
    assert!(error.message().contains("prepare step"), "{error}");
}

#[test]
fn telenor_bankid_says_invalid_grant_to_a_wrong_message_too() {
    let pair = Pair::new(telenor_bankid());
    let flow = pair.client().init(&request(&[("prepare.kurt_id", "deny after 1 s")]), None).unwrap();
    let error = flow.poll(None).unwrap_err();
    assert_eq!((error.status(), flow.outcome()), (Status::DENIED_OR_FAILED, Status::FAILED));
    assert!(error.message().contains("chose another binding_message"), "{error}");
}
