//! The authentication request and its acknowledgement: what is never sent, what is sent once, and
//! what each answer means.

mod common;

use ciba::{AuthenticationRequest, Client, Error, Flow, Status};
use ciba_sim::{Answer, Certificate, Fault, Kind, personality};
use common::{Pair, STARTED, error, eventually, web_page};

/// A start at the generic provider that fails; the flow is here all the same.
fn refused(pair: &Pair) -> (Flow, Error) {
    let flow = pair.client().begin(&pair.request()).unwrap();
    let error = flow.wait_started(None).unwrap_err();
    assert_eq!(flow.poll(None).unwrap_err(), error, "the outcome, the same again");
    assert_eq!(flow.outcome(), Status::FAILED);
    assert_eq!((flow.expires_at(), flow.next_poll_at(), flow.auth_req_id().is_some()), (None, None, false));
    (flow, error)
}

/// Starts with this answer, and asserts the one request and the silence after it.
#[track_caller]
fn refused_by(fault: Fault, journal: &str) -> Error {
    let pair = Pair::generic();
    pair.provider.next(Kind::Start, fault);
    let (flow, error) = refused(&pair);
    pair.assert_requests_then_silence(&flow, &[STARTED[0], &format!("0 POST /bc-authorize -> {journal}")]);
    error
}

fn acknowledged_with(body: impl Into<Vec<u8>>) -> Pair {
    let pair = Pair::generic();
    pair.provider.next(Kind::Start, Fault::Raw(body.into()));
    pair
}

#[test]
fn a_request_that_breaks_a_rule_is_refused_here_and_nothing_is_sent_r04_r05() {
    let pair = Pair::generic();
    let client = pair.client();
    let hint = ("login_hint", "alice");
    for (parameters, named) in [
        (vec![], "login_hint, login_hint_token, id_token_hint"),
        (vec![("scope", "openid")], "a hint is missing"),
        (vec![hint, ("login_hint_token", "x")], "exactly one"),
        (vec![hint, ("id_token_hint", "x")], "exactly one"),
        (vec![("login_hint_token", "x"), ("id_token_hint", "y")], "exactly one"),
        (vec![hint, ("scope", "profile")], "openid"),
        (vec![hint, ("scope", "openidx OPENID")], "openid"),
        (vec![("login_hint_token.ip", "::1")], "login_hint_token.ip"),
    ] {
        let mut request = AuthenticationRequest::new();
        for (name, value) in &parameters {
            request.set(name, value).unwrap();
        }
        let error = client.init(&request, None).unwrap_err();
        assert_eq!(error.status(), Status::INVALID_AUTHENTICATION_REQUEST, "{parameters:?}");
        assert!(error.message().contains(named), "{error}");
    }
    assert!(pair.provider.lines().is_empty(), "nothing was sent");
    for hint in ["login_hint", "login_hint_token", "id_token_hint"] {
        let mut request = AuthenticationRequest::new();
        request.set(hint, "alice").unwrap().set("scope", "profile openid").unwrap();
        assert!(client.init(&request, None).is_ok(), "{hint} alone, scopes in any order");
    }
}

#[test]
fn a_parameter_that_nobody_knows_or_of_another_form_is_refused_when_it_is_set_r11_r13_r15() {
    let mut request = AuthenticationRequest::new();
    for (name, value, status) in [
        ("login_hint", "ali\u{7}ce", Status::INVALID_VALUE),
        ("login_hint", "alice\n", Status::INVALID_VALUE),
        ("binding_message", "a\u{1b}[31mb", Status::INVALID_VALUE),
        ("binding_message", "a\u{85}b", Status::INVALID_VALUE),
        ("requested_expiry", "0", Status::INVALID_VALUE),
        ("requested_expiry", "-1", Status::INVALID_VALUE),
        ("requested_expiry", "1.5", Status::INVALID_VALUE),
        ("requested_expiry", "9223372036854775808", Status::INVALID_VALUE),
        ("login_hint_token.ip", "localhost", Status::INVALID_VALUE),
        ("login_hints", "alice", Status::UNKNOWN_NAME),
        ("LOGIN_HINT", "alice", Status::UNKNOWN_NAME),
        ("client_id", "me", Status::UNKNOWN_NAME),
        ("client_secret", "s", Status::UNKNOWN_NAME),
        ("grant_type", "x", Status::UNKNOWN_NAME),
        ("redirect_uri", "https://a.example", Status::UNKNOWN_NAME),
        ("nonce", "x", Status::UNKNOWN_NAME),
        ("state", "x", Status::UNKNOWN_NAME),
        ("response_type", "code", Status::UNKNOWN_NAME),
        ("request_uri", "https://a.example", Status::UNKNOWN_NAME),
        ("request", "a.b.c", Status::UNKNOWN_NAME),
    ] {
        assert_eq!(request.set(name, value).err().map(|e| e.status()), Some(status), "{name}={value:?}");
    }
    assert_eq!(format!("{request:?}"), "AuthenticationRequest {}", "nothing was taken");
}

#[test]
fn the_form_holds_each_parameter_once_and_nothing_of_another_mode_r02_r06_r08() {
    let pair = Pair::generic();
    let parameters = [
        ("scope", "profile openid æ"),
        ("acr_values", "urn:b urn:a"),
        ("binding_message", "W4SCT & 100 % = 😉"),
        ("user_code", "0042"),
        ("requested_expiry", "600"),
        ("correlation", "desk-7"),
    ];
    let client = pair.client_with(&[("backchannel_user_code_parameter", "true")]);
    client.init(&pair.request_with(&parameters), None).unwrap();
    let journal = pair.provider.journal();
    let start = journal.iter().find(|entry| entry.kind == Kind::Start).unwrap();
    let sent = start.form();
    let expected = [
        ("scope", "profile openid æ"),
        ("login_hint", "alice"),
        ("acr_values", "urn:b urn:a"),
        ("binding_message", "W4SCT & 100 % = 😉"),
        ("user_code", "0042"),
        ("requested_expiry", "600"),
    ];
    assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(start.body.is_ascii());
    assert_eq!(start.header("content-type"), Some("application/x-www-form-urlencoded"));

    let mut renamed = pair.request_with(&[("requested_expiry", "60")]);
    renamed.set("scope", "openid").unwrap();
    let client = pair.client_with(&[("requested_expiry_parameter", "request_expiry")]);
    client.init(&renamed, None).unwrap();
    let last = pair.provider.journal().into_iter().rfind(|entry| entry.kind == Kind::Start).unwrap();
    assert_eq!(last.param("request_expiry").as_deref(), Some("60"));
    assert_eq!(last.param("requested_expiry"), None);
}

#[test]
fn each_error_of_the_backchannel_endpoint_has_its_status_and_is_final() {
    for (http_status, code, status) in [
        (400, "invalid_request", Status::INVALID_REQUEST),
        (400, "invalid_scope", Status::INVALID_SCOPE),
        (400, "expired_login_hint_token", Status::EXPIRED_LOGIN_HINT_TOKEN),
        (400, "unknown_user_id", Status::UNKNOWN_USER_ID),
        (400, "unauthorized_client", Status::UNAUTHORIZED_CLIENT),
        (400, "missing_user_code", Status::MISSING_USER_CODE),
        (400, "invalid_user_code", Status::INVALID_USER_CODE),
        (400, "invalid_binding_message", Status::INVALID_BINDING_MESSAGE),
        (401, "invalid_client", Status::INVALID_CLIENT),
        (400, "invalid_client", Status::INVALID_CLIENT),
        (403, "access_denied", Status::REFUSED_BY_POLICY),
        (400, "access_denied", Status::REFUSED_BY_POLICY),
        (400, "expired_id_token_hint", Status::PROVIDER_ERROR),
        (400, "invalid_authorization_details", Status::PROVIDER_ERROR),
        (400, "E0000214", Status::PROVIDER_ERROR),
        (400, "authorization_pending", Status::PROVIDER_ERROR), // makes no sense here
        (200, "invalid_request", Status::INVALID_REQUEST),
        (503, "server_error", Status::HTTP_STATUS),
    ] {
        let refused = refused_by(error(http_status, code), &format!("{http_status} (answer)"));
        assert_eq!((refused.status(), refused.oauth_error()), (status, Some(code)), "{http_status} {code}");
        assert_eq!(refused.http_status(), Some(http_status));
    }
}

#[test]
fn an_answer_without_a_code_is_judged_by_its_http_status_and_no_redirect_is_followed_r30() {
    let answer = |status, body: &str| Fault::Answer(Answer::json(status, body));
    let acknowledgement = r#"{"auth_req_id":"x","expires_in":300}"#;
    for (name, fault, journal, status) in [
        ("a gateway", web_page(502), "502 (answer)", Status::START_UNKNOWN),
        ("a firewall", web_page(403), "403 (answer)", Status::HTTP_STATUS),
        ("JSON of another kind", answer(400, "{}"), "400 (answer)", Status::HTTP_STATUS),
        ("a login portal", web_page(200), "200 (answer)", Status::START_UNKNOWN),
        ("an array", answer(200, "[]"), "200 (answer)", Status::START_UNKNOWN),
        ("half of it", answer(200, r#"{"auth_req_id":"x""#), "200 (answer)", Status::START_UNKNOWN),
        ("201", answer(201, acknowledgement), "201 (answer)", Status::START_UNKNOWN),
        ("a redirect", Fault::Redirect("/elsewhere".into()), "302 (redirect)", Status::REDIRECTED),
    ] {
        let error = refused_by(fault, journal);
        assert_eq!(error.status(), status, "{name}");
        assert!(error.http_status().is_some() && error.oauth_error().is_none(), "{name}");
    }
    let limited = Fault::Answer(Answer::json(429, "").header("retry-after", "7"));
    let error = refused_by(limited, "429 (answer)");
    assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(7)), "for the caller to wait");
}

#[test]
fn an_acknowledgement_that_lacks_a_member_or_has_an_absurd_one_ends_the_flow_r30_r31_r32() {
    let long = "x".repeat(16 * 1024);
    let deep = "[".repeat(100_000);
    let absurd: Vec<String> = [
        r#"{"expires_in":300}"#,
        r#"{"auth_req_id":null,"expires_in":300}"#,
        r#"{"auth_req_id":"","expires_in":300}"#,
        r#"{"auth_req_id":7,"expires_in":300}"#,
        r#"{"auth_req_id":["x"],"expires_in":300}"#,
        r#"{"auth_req_id":"x"}"#,
        r#"{"auth_req_id":"x","expires_in":0}"#,
        r#"{"auth_req_id":"x","expires_in":-1}"#,
        r#"{"auth_req_id":"x","expires_in":0.5}"#,
        r#"{"auth_req_id":"x","expires_in":1e400}"#,
        r#"{"auth_req_id":"x","expires_in":"soon"}"#,
        r#"{"auth_req_id":"x","expires_in":""}"#,
        r#"{"auth_req_id":"x","expires_in":null}"#,
        r#"{"auth_req_id":"x","expires_in":true}"#,
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([format!(r#"{{"auth_req_id":"{long}x","expires_in":300}}"#)])
    .collect();
    for body in &absurd {
        let error = refused_by(Fault::Raw(body.clone().into()), "200 (raw)");
        assert_eq!(error.status(), Status::INVALID_ACKNOWLEDGEMENT, "{:.80}", body);
    }
    for body in [
        r#"{"auth_req_id":"x","auth_req_id":"y","expires_in":300}"#.to_owned(),
        r#"{"auth_req_id":"x","expires_in":300,"expires_in":300}"#.to_owned(),
        format!(r#"{{"auth_req_id":{deep}"#),
        deep,
    ] {
        let error = refused_by(Fault::Raw(body.clone().into()), "200 (raw)");
        assert_eq!(error.status(), Status::START_UNKNOWN, "{:.80}", body);
    }
}

#[test]
fn a_sensible_acknowledgement_is_taken_as_it_came_r16_r31_r32_r34() {
    let long = "x".repeat(16 * 1024);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let second = 1_000;
    let month = 31 * 24 * 3600 * second;
    for (body, id, lives) in [
        (r#"{"auth_req_id":"a b/../ü","expires_in":120}"#.to_owned(), "a b/../ü", 120 * second),
        (r#"{"auth_req_id":"x","expires_in":"120"}"#.to_owned(), "x", 120 * second),
        (r#"{"auth_req_id":"x","expires_in":120.9}"#.to_owned(), "x", 120 * second),
        (r#"{"auth_req_id":"x","expires_in":2147483648}"#.to_owned(), "x", month),
        (r#"{"auth_req_id":"x","expires_in":9007199254740992}"#.to_owned(), "x", month),
        (r#"{"auth_req_id":"x","expires_in":9223372036854775807}"#.to_owned(), "x", month),
        (r#"{"auth_req_id":"x","expires_in":99999999999999999999}"#.to_owned(), "x", month),
        (r#"{"auth_req_id":"x","expires_in":120,"y":1e400}"#.to_owned(), "x", 120 * second),
        (format!(r#"{{"auth_req_id":"x","expires_in":120,"y":{deep}}}"#), "x", 120 * second),
        (format!(r#"{{"auth_req_id":"{long}","expires_in":120}}"#), &long, 120 * second),
    ] {
        let pair = acknowledged_with(body.clone());
        let flow = pair.flow();
        use secrecy::ExposeSecret;
        assert_eq!(flow.auth_req_id().unwrap().expose_secret(), id);
        assert_eq!(flow.acknowledgement().unwrap().expose_secret(), body);
        assert_eq!(flow.expires_at(), Some(flow.started_at() + lives), "{:.80}", body);
        assert_eq!(Pair::outcome(&flow), Status::INVALID_GRANT, "nobody's request");
        let poll = pair.provider.journal().pop().unwrap();
        assert_eq!(poll.param("auth_req_id").as_deref(), Some(id), "sent back byte for byte");
    }
}

#[test]
fn expiry_counts_from_when_the_request_was_sent_r32() {
    let pair = Pair::generic();
    pair.provider.next(Kind::Start, Fault::Hold(8_000));
    let flow = pair.client().begin(&pair.request_with(&[("requested_expiry", "12")])).unwrap();
    assert!(flow.wait_started(None).unwrap());
    assert_eq!(flow.expires_at(), Some(flow.started_at() + 12_000));
    assert_eq!(flow.next_poll_at(), None, "8000 + 5200 is too late");
}

#[test]
fn a_lost_answer_is_start_unknown_and_the_request_is_never_sent_twice_r48() {
    for (name, fault, journal) in [
        ("closed", Fault::Close, "(closed)"),
        ("reset", Fault::Reset, "(reset)"),
        ("cut before the headers", Fault::CutBeforeHeaders, "(cut)"),
        ("cut in the headers", Fault::CutInHeaders, "200 (cut)"),
        ("cut in the body", Fault::CutInBody { status: None }, "200 (cut)"),
        ("cut in the body behind 502", Fault::CutInBody { status: Some(502) }, "502 (cut)"),
        ("a body without an end", Fault::EndlessBody, "200 (endless)"),
    ] {
        let error = refused_by(fault, journal);
        assert_eq!(error.status(), Status::START_UNKNOWN, "{name}");
    }
}

#[test]
fn a_provider_that_never_answers_a_start_leaves_it_unknown() {
    let pair = Pair::generic();
    pair.provider.next(Kind::Start, Fault::Silent);
    let client = pair.client_with(&[("request_timeout_ms", "500"), ("connect_timeout_ms", "500")]);
    let flow = client.begin(&pair.request()).unwrap();
    assert_eq!(flow.wait_started(None).unwrap_err().status(), Status::START_UNKNOWN);
    eventually("the connection is given up", || !pair.provider.lines()[1].ends_with("(open)"));
    pair.assert_requests_then_silence(&flow, &[STARTED[0], "0 POST /bc-authorize -> (silent)"]);
}

/// A provider whose endpoints need no discovery, so that the start is the first request.
fn without_discovery(certificate: Certificate) -> (Pair, Client) {
    let pair = Pair::with(personality::signaturgruppen(), |config| config.certificate = certificate);
    let client = pair.client();
    (pair, client)
}

#[test]
fn where_no_connection_is_made_nothing_is_sent_and_the_status_says_so() {
    let (pair, client) = without_discovery(Certificate::Good);
    pair.provider.go_offline();
    let error = client.init(&pair.request(), None).unwrap_err();
    assert_eq!(error.status(), Status::CONNECT_FAILED);
    pair.provider.go_online();
    pair.provider.reset_on_accept(true);
    let error = client.init(&pair.request(), None).unwrap_err();
    assert!(matches!(error.status(), Status::CONNECT_FAILED | Status::TLS_FAILED), "{error:?}");
    pair.provider.reset_on_accept(false);
    assert!(pair.provider.lines().is_empty(), "nothing was sent");
    assert!(client.init(&pair.request(), None).is_ok(), "the same client, in better weather");
}

#[test]
fn a_certificate_that_is_not_trusted_ends_it_before_anything_is_sent_r01() {
    for certificate in [Certificate::WrongName, Certificate::Expired, Certificate::Untrusted] {
        let (pair, client) = without_discovery(certificate);
        let error = client.init(&pair.request(), None).unwrap_err();
        assert_eq!(error.status(), Status::TLS_FAILED, "{certificate:?}");
        assert!(pair.provider.lines().is_empty(), "nothing was sent");
    }
}

#[test]
fn a_start_that_takes_longer_than_its_timeout_comes_back_and_goes_on() {
    let pair = Pair::generic();
    pair.provider.next(Kind::Start, Fault::ProcessThenHold(8_000));
    let timeout = Some(std::time::Duration::from_secs(3));
    let flow = pair.client().init(&pair.request_with(&[("binding_message", "approve after 1 s")]), timeout);
    let flow = flow.unwrap();
    assert_eq!((pair.time.now_ms(), flow.outcome(), flow.expires_at()), (3_000, Status::PENDING, None));
    assert_eq!(Pair::outcome(&flow), Status::OK);
    pair.assert_requests_then_silence(
        &flow,
        &[STARTED[0], STARTED[1], "8000 GET /jwks -> 200 jwks", "13200 POST /token -> 200 tokens"],
    );
}
