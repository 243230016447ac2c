//! Providers by name: what each is sent, byte for byte as its pages show it; what each would refuse, and
//! is refused here; and what an error says of its probable cause.

mod common;

use std::time::Duration;

use ciba::{AuthenticationRequest, Client, Error, Flow, Status};
use ciba_sim::personality::{Hint, Person, generic, signaturgruppen_par, telenor_bankid};
use ciba_sim::{Answer, Entry, Fault, Kind, Personality, Verdict};
use common::{Pair, error, eventually, web_page};
use serde_json::json;

type Parameters<'a> = &'a [(&'a str, &'a str)];

fn request(parameters: Parameters<'_>) -> AuthenticationRequest {
    let mut request = AuthenticationRequest::new();
    for (name, value) in parameters {
        request.set(name, value).unwrap();
    }
    request
}

/// A provider of this kind at its preset's paths, and a client of it by name.
fn named(provider: &str, personality: Personality) -> (Pair, Client) {
    let pair = Pair::new(personality);
    let client = pair.client_with(&[("provider", provider)]);
    (pair, client)
}

fn entry(pair: &Pair, kind: Kind) -> Entry {
    pair.provider.journal().into_iter().rfind(|entry| entry.kind == kind).unwrap()
}

fn body(entry: &Entry) -> &str {
    std::str::from_utf8(&entry.body).unwrap()
}

/// Asserts that a request with these parameters is taken, and gives its body.
#[track_caller]
fn sent(pair: &Pair, client: &Client, parameters: Parameters<'_>) -> String {
    client.init(&request(parameters), None).unwrap();
    body(&entry(pair, Kind::Start)).to_owned()
}

/// Asserts that a request is refused here, that nothing is sent, and that all of these words are said.
#[track_caller]
fn refused(pair: &Pair, client: &Client, parameters: Parameters<'_>, words: &[&str]) {
    // The keys of a start before may still be on their way.
    let lines =
        || pair.provider.lines().into_iter().filter(|line| !line.contains("jwks")).collect::<Vec<_>>();
    let before = lines();
    let error = client.init(&request(parameters), None).unwrap_err();
    assert_eq!(error.status(), Status::INVALID_AUTHENTICATION_REQUEST, "{parameters:?}");
    for word in words {
        assert!(error.message().contains(word), "{word}: {error}");
    }
    assert_eq!(lines(), before, "nothing was sent");
}

/// What a start that is answered so comes to.
fn start_answered(pair: &Pair, client: &Client, parameters: Parameters<'_>, answer: Fault) -> Error {
    pair.provider.next(Kind::Start, answer);
    client.init(&request(parameters), None).unwrap_err()
}

/// What a flow comes to whose next poll is answered so.
fn poll_answered(pair: &Pair, client: &Client, parameters: Parameters<'_>, answer: Fault) -> (Flow, Error) {
    let flow = client.init(&request(parameters), None).unwrap();
    pair.provider.next(Kind::Poll, answer);
    let error = flow.poll(None).unwrap_err();
    (flow, error)
}

fn problem(status: u16, body: &str) -> Fault {
    Fault::Answer(Answer::json(status, body))
}

/// Every name, from the library's own mouth.
fn names() -> Vec<String> {
    let mut config = ciba::Config::new();
    config.set("provider", "nobody").unwrap();
    let error = Client::new(&config).unwrap_err();
    let (_, names) = error.message().split_once("there are: ").unwrap();
    names.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_provider_by_name_has_a_host_or_says_what_its_issuer_looks_like() {
    let names = names();
    assert!(names.len() == 16, "{names:?}");
    let readme = include_str!("../README.md");
    let setting = ciba::SETTINGS.iter().find(|setting| setting.name == "provider").unwrap();
    for name in &names {
        let mut config = ciba::Config::new();
        for (setting, value) in [("provider", name.as_str()), ("client_id", "me"), ("client_secret", "s")] {
            config.set(setting, value).unwrap();
        }
        match Client::new(&config) {
            Ok(client) => assert!(format!("{client:?}").contains("https://"), "{client:?}"),
            Err(error) => {
                assert_eq!(error.status(), Status::MISSING_SETTING, "{name}");
                assert!(error.message().contains("https://") && error.message().contains(name), "{error}");
                config.set("issuer", "https://id.example/").unwrap();
                assert!(Client::new(&config).is_ok());
            }
        }
        assert!(readme.contains(&format!("`{name}`")), "README.md does not list {name}");
        assert!(setting.text.contains(name), "ciba.h does not list {name}");
    }
}

// ---- TelenorID+ BankID --------------------------------------------------------------------------

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

// ---- Signaturgruppen CIBA + PAR -----------------------------------------------------------------

const PAR: [&str; 3] = [
    "0 POST /op/connect/ciba -> 200 ack",
    "0 POST /op/api/ciba/broker-oidc/init-auth -> 200 link",
    "0 GET /op/.well-known/openid-configuration/jwks -> 200 jwks",
];

#[test]
fn signaturgruppen_par_sends_the_documented_bytes_and_has_a_link_for_the_person_r02() {
    let pair = Pair::new(signaturgruppen_par());
    let client = pair.client_with(&[("token_endpoint_auth_method", "client_secret_post")]);
    let asked =
        [("login_hint_token.idp_values", "mitid mitid_erhverv"), ("login_hint_token.prompt", "login")];
    let flow = client.init(&request(&asked), None).unwrap();
    let id = pair.provider.newest().unwrap();
    let start = entry(&pair, Kind::Start);
    assert_eq!(
        body(&start),
        "grant_type=urn%3Aopenid%3Aparams%3Agrant-type%3Aciba&scope=openid%20mitid\
         &client_id=62b8cc03-aa73-4d6a-922c-7c8fb0a4a1d9\
         &client_secret=mIpxk84FI1wpc7cP7nodFLfgQQ1ScZHYO44FZ9wPOqrB0ha9S5RUNYPXMkrCWwRjGqEH0hflnIJea8IKmW19aQ%3D%3D\
         &login_hint_token=%7B%22flow_type%22%3A%22broker_oidc%22%2C%22idp_values%22%3A%22mitid%20mitid_erhverv%22%2C%22prompt%22%3A%22login%22%7D"
    );
    let step = entry(&pair, Kind::InitAuth);
    assert_eq!(body(&step), format!(r#"{{"requestId":"{id}"}}"#));
    assert_eq!(step.header("content-type"), Some("application/json"));
    assert_eq!(step.header("authorization"), None);
    let link = flow.authentication_uri().unwrap();
    assert!(link.starts_with(&format!("{}/connect/authorize?client_id=", pair.provider.issuer())), "{link}");

    pair.provider.approve(&id);
    assert_eq!(Pair::outcome(&flow), Status::OK);
    pair.assert_requests_then_silence(
        &flow,
        &[PAR[0], PAR[1], PAR[2], "3200 POST /op/connect/token -> 200 tokens"],
    );
    assert_eq!(entry(&pair, Kind::Poll).param("scope"), None);
}

#[test]
fn signaturgruppen_par_sends_the_person_where_the_caller_wants() {
    let pair = Pair::new(signaturgruppen_par());
    let asked = [
        ("init_auth.redirectUri", "https://yourdomain.example/completed"),
        ("init_auth.state", "your \"flow\""),
    ];
    pair.client().init(&pair.request_with(&asked), None).unwrap();
    let id = pair.provider.newest().unwrap();
    let members: serde_json::Value = serde_json::from_slice(&entry(&pair, Kind::InitAuth).body).unwrap();
    let expected = json!({"requestId": id, "redirectUri": "https://yourdomain.example/completed", "state": "your \"flow\""});
    assert_eq!(members, expected);
}

#[test]
fn without_a_link_that_can_be_opened_a_flow_does_not_begin() {
    let link = |uri: &str| Fault::Raw(json!({ "authentication_uri": uri }).to_string().into_bytes());
    for (name, fault, journal, status) in [
        ("a gateway", web_page(503), "503 (answer)", Status::HTTP_STATUS),
        ("an unknown request", error(400, "invalid_grant"), "400 (answer)", Status::INVALID_GRANT),
        ("no link", Fault::Raw(b"{}".to_vec()), "200 (raw)", Status::MALFORMED_ANSWER),
        ("no URL", link("open me"), "200 (raw)", Status::MALFORMED_ANSWER),
        ("no https", link("http://id.example/"), "200 (raw)", Status::MALFORMED_ANSWER),
        ("a script", link("javascript:alert(1)"), "200 (raw)", Status::MALFORMED_ANSWER),
        ("another user", link("https://id.example@evil.example/"), "200 (raw)", Status::MALFORMED_ANSWER),
        ("a cut", Fault::CutInHeaders, "200 (cut)", Status::CONNECTION_LOST),
    ] {
        let pair = Pair::new(signaturgruppen_par());
        pair.provider.next(Kind::InitAuth, fault);
        let flow = pair.client().begin(&pair.request()).unwrap();
        let error = flow.wait_started(None).unwrap_err();
        assert_eq!(error.status(), status, "{name}: {error}");
        assert!(error.message().starts_with("init_auth_endpoint: "), "{name}: {error}");
        assert_eq!((flow.outcome(), flow.authentication_uri()), (Status::FAILED, None), "{name}");
        let step = format!("0 POST /op/api/ciba/broker-oidc/init-auth -> {journal}");
        pair.assert_requests_then_silence(&flow, &[PAR[0], &step]);
    }
    let pair = Pair::new(signaturgruppen_par());
    pair.provider.next(Kind::InitAuth, link("https://id.example/connect?a=b"));
    assert_eq!(pair.flow().authentication_uri().as_deref(), Some("https://id.example/connect?a=b"));
}

#[test]
fn signaturgruppen_par_refuses_what_would_not_work() {
    let pair = Pair::new(signaturgruppen_par());
    let client = pair.client();
    let hint = ("login_hint_token.idp_values", "mitid");
    refused(&pair, &client, &[("login_hint_token", r#"{"flow_type":"other"}"#)], &["broker_oidc"]);
    refused(&pair, &client, &[("login_hint_token", "broker_oidc")], &["broker_oidc"]);
    refused(&pair, &client, &[hint, ("binding_message", "W4S-C7T")], &["opens the link"]);
    refused(&pair, &client, &[hint, ("login_hint_token.uuid", "x")], &["login_hint_token.uuid"]);
    refused(&pair, &client, &[hint, ("login_hint_token_encoding", "base64")], &["must be a JSON object"]);
    client.init(&request(&[hint, ("login_hint_token_encoding", "json")]), None).unwrap();
    refused(&pair, &client, &[("login_hint", "mitid")], &["login_hint_token"]);
    refused(&pair, &client, &[hint, ("init_auth.redirectUri", "http://id.example/")], &["must be https"]);
    client.init(&request(&[("login_hint_token", r#"{"flow_type": "broker_oidc" }"#)]), None).unwrap();
    let flex = Pair::signaturgruppen();
    refused(&flex, &flex.client(), &[hint], &["login_hint_token.idp_values"]);
}

// ---- Vipps MobilePay ----------------------------------------------------------------------------

const VIPPS: Parameters<'_> = &[("login_hint", "urn:msisdn:4712345678")];

#[test]
fn vipps_is_sent_the_documented_start_and_takes_its_forms_alone_r10_r11_r13() {
    let (pair, client) = named("vipps-test", generic());
    let documented = [VIPPS[0], ("scope", "openid name address"), ("binding_message", "4MZ-CQ3")];
    assert_eq!(
        sent(&pair, &client, &documented),
        "scope=openid%20name%20address&login_hint=urn%3Amsisdn%3A4712345678&binding_message=4MZ-CQ3"
    );
    for hint in [
        "4712345678",
        "+4712345678",
        "urn:msisdn:+4712345678",
        "urn:msisdn:",
        "urn:mobilenumber:123",
        "urn:customer-token:",
    ] {
        refused(&pair, &client, &[("login_hint", hint)], &["urn:msisdn:"]);
    }
    for hint in ["urn:mobilenumber:12345678", "urn:customer-token:abc"] {
        sent(&pair, &client, &[("login_hint", hint)]);
    }
    for message in ["4MZ", "4MZ-CQ3-9", "4mz-cq3", "4MZ CQ3"] {
        refused(&pair, &client, &[VIPPS[0], ("binding_message", message)], &["A to Z, 0 to 9 and -"]);
    }
    for seconds in ["59", "901"] {
        refused(&pair, &client, &[VIPPS[0], ("requested_expiry", seconds)], &["60 to 900"]);
    }
    sent(&pair, &client, &[VIPPS[0], ("requested_expiry", "60")]);
    let code = request(VIPPS).set_binding_code(&client).unwrap();
    sent(&pair, &client, &[VIPPS[0], ("binding_message", &code)]);
    refused(&pair, &client, &[("login_hint_token", "a.b.c")], &["login_hint"]);
}

#[test]
fn vipps_has_codes_of_its_own_wherever_they_come() {
    let (pair, client) = named("vipps-test", generic());
    for (code, status, word) in [
        ("old_app", Status::AUTHENTICATION_DEVICE_ERROR, "updated"),
        ("invalid_user", Status::UNKNOWN_USER_ID, "15 years"),
    ] {
        let answer = || problem(400, &format!(r#"{{"error_code":"{code}"}}"#));
        for error in [
            start_answered(&pair, &client, VIPPS, answer()),
            poll_answered(&pair, &client, VIPPS, answer()).1,
        ] {
            assert_eq!((error.status(), error.oauth_error()), (status, Some(code)));
            assert!(error.message().contains(word), "{error}");
        }
    }
    let busy = Fault::Answer(Answer::json(429, "{}").header("retry-after", "30"));
    let error = start_answered(&pair, &client, VIPPS, busy);
    assert_eq!((error.status(), error.retry_after()), (Status::HTTP_STATUS, Some(Duration::from_secs(30))));
}

#[test]
fn vipps_tokens_that_name_another_request_are_refused_r78() {
    for (claim, of_this, status) in [
        ("authReqId", true, Status::OK),
        ("auth_req_id", true, Status::OK),
        ("authReqId", false, Status::TOKEN_REQUEST_ID),
        ("auth_req_id", false, Status::TOKEN_REQUEST_ID),
    ] {
        let (pair, client) = named("vipps-test", generic());
        let flow = client.init(&request(VIPPS), None).unwrap();
        let id = pair.provider.newest().unwrap();
        let named = if of_this { id.clone() } else { format!("{id}x") };
        pair.provider.next_id_token(move |token| token.claims[claim] = named.into());
        pair.provider.approve(&id);
        assert_eq!(Pair::outcome(&flow), status, "{claim}");
    }
}

// ---- Auth0 --------------------------------------------------------------------------------------

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

// ---- Okta ---------------------------------------------------------------------------------------

#[test]
fn okta_is_sent_the_documented_start_with_its_own_name_for_the_expiry_r13() {
    let (pair, client) =
        named("okta", Personality { start: "/v1/bc/authorize", token: "/v1/token", ..generic() });
    let asked = [
        ("scope", "openid email"),
        ("binding_message", "Test Binding Message"),
        ("login_hint", "test.user@email.com"),
        ("requested_expiry", "300"),
    ];
    assert_eq!(
        sent(&pair, &client, &asked),
        "scope=openid%20email&login_hint=test.user%40email.com&binding_message=Test%20Binding%20Message&request_expiry=300"
    );
    refused(&pair, &client, &[asked[2], ("requested_expiry", "301")], &["1 to 300"]);
    refused(&pair, &client, &[("login_hint_token", "a.b.c")], &["login_hint, id_token_hint"]);
    sent(&pair, &client, &[("id_token_hint", "a.b.c")]);

    let person = &[asked[2]];
    let unknown = start_answered(&pair, &client, person, error(400, "invalid_request"));
    assert_eq!(unknown.status(), Status::INVALID_REQUEST);
    assert!(unknown.message().contains("does not know the person"), "{unknown}");
    let body = r#"{"errorCode":"E0000214","errorSummary":"no factor"}"#;
    let unenrolled = start_answered(&pair, &client, person, problem(400, body));
    assert_eq!(unenrolled.status(), Status::AUTHENTICATION_DEVICE_ERROR);
    assert_eq!(
        (unenrolled.oauth_error(), unenrolled.oauth_error_description()),
        (Some("E0000214"), Some("no factor"))
    );
    assert!(unenrolled.message().contains("enrolled"), "{unenrolled}");
    let (flow, expired) = poll_answered(&pair, &client, person, error(400, "expired_token"));
    assert_eq!((flow.outcome(), expired.status()), (Status::EXPIRED, Status::EXPIRED));
    assert!(expired.message().contains("does not know"), "{expired}");
}

// ---- Keycloak -----------------------------------------------------------------------------------

#[test]
fn keycloak_refuses_what_would_not_work_and_says_what_its_codes_mean_r10_r11_r12() {
    let paths = Personality {
        root: "/realms/test",
        jwks: "/protocol/openid-connect/certs",
        start: "/protocol/openid-connect/ext/ciba/auth",
        token: "/protocol/openid-connect/token",
        ..generic()
    };
    let (pair, _) = named("keycloak", paths);
    let settings = [("provider", "keycloak"), ("backchannel_user_code_parameter", "true")];
    let client = pair.client_with(&settings);
    let person = ("login_hint", "alice");
    for message in ["21 49", "a,b", "æ", &"x".repeat(51)] {
        refused(&pair, &client, &[person, ("binding_message", message)], &["-._+/!?#"]);
    }
    refused(&pair, &client, &[person, ("user_code", "0042")], &["Keycloak answers it with an error"]);
    refused(&pair, &client, &[("id_token_hint", "a.b.c")], &["login_hint"]);
    assert_eq!(
        sent(&pair, &client, &[person, ("binding_message", "a-._+/!?#Z9")]),
        "scope=openid&login_hint=alice&binding_message=a-._%2B%2F%21%3F%23Z9"
    );
    for (status, code, expected, word) in [
        (400, "invalid_request", Status::INVALID_REQUEST, "the provider calls the request invalid"),
        (401, "unauthorized_client", Status::INVALID_CLIENT, "secret is wrong"),
        (401, "invalid_client", Status::INVALID_CLIENT, "credentials"),
        (401, "invalid_grant", Status::UNAUTHORIZED_CLIENT, "CIBA grant"),
        (503, "server_error", Status::HTTP_STATUS, "authentication channel"),
    ] {
        let refused = start_answered(&pair, &client, &[person], error(status, code));
        assert_eq!((refused.status(), refused.oauth_error()), (expected, Some(code)), "{code}");
        assert!(refused.message().contains(word), "{refused}");
    }
    // Keycloak has one code for all of these, and says which it is beside it.
    for (said, expected, word) in [
        ("invalid_user", Status::UNKNOWN_USER_ID, "does not know the person, or the account is disabled"),
        ("invalid user", Status::UNKNOWN_USER_ID, "does not know the person, or the account is disabled"),
        ("Missing parameter: 'request' or 'request_uri'", Status::INVALID_REQUEST, "request_signing_alg"),
        (
            "Client Notification token needs to be provided with the ping mode",
            Status::INVALID_REQUEST,
            "backchannel_token_delivery_mode",
        ),
        ("missing parameter : scope", Status::INVALID_REQUEST, "oauth_error_description says more"),
    ] {
        let body = json!({"error": "invalid_request", "error_description": said}).to_string();
        let refused = start_answered(&pair, &client, &[person], problem(400, &body));
        assert_eq!((refused.status(), refused.oauth_error()), (expected, Some("invalid_request")), "{said}");
        assert_eq!(refused.oauth_error_description(), Some(said));
        assert!(refused.message().contains(word) && !refused.message().contains(said), "{refused}");
        assert_eq!(refused.message().contains("person"), expected == Status::UNKNOWN_USER_ID, "{refused}");
    }
    let (_, after) = poll_answered(&pair, &client, &[person], error(400, "not_allowed"));
    assert!(after.status() == Status::INVALID_SCOPE && after.message().contains("offline_access"), "{after}");
    for (said, expected, word) in [
        ("Invalid Auth Req ID", Status::INVALID_GRANT, "restarted"),
        ("Client not allowed OIDC CIBA Grant", Status::UNAUTHORIZED_CLIENT, "CIBA grant"),
    ] {
        let body = json!({"error": "invalid_grant", "error_description": said}).to_string();
        let (_, ended) = poll_answered(&pair, &client, &[person], problem(400, &body));
        assert!(ended.status() == expected && ended.message().contains(word), "{ended}");
    }
    let (flow, _) = poll_answered(&pair, &client, &[person], error(401, "unauthorized_client"));
    assert_eq!(flow.outcome(), Status::FAILED);
    // Its 503 is trouble, and waited out.
    pair.provider.next(Kind::Poll, error(503, "server_error"));
    let flow = client.init(&request(&[person, ("binding_message", "x")]), None).unwrap();
    pair.provider.approve(&pair.provider.newest().unwrap());
    assert_eq!(Pair::outcome(&flow), Status::OK);
}

// ---- Idura --------------------------------------------------------------------------------------

fn idura() -> (Pair, Client) {
    named("idura", Personality { start: "/ciba/bc-authorize", token: "/oauth2/token", ..generic() })
}

const SWEDISH: Parameters<'_> = &[
    ("login_hint", "sub:ssn:196802020575"),
    ("acr_values", "urn:grn:authn:se:bankid"),
    ("binding_message", "Call 4711"),
];
const NORWEGIAN: Parameters<'_> =
    &[("login_hint", "sub:ssn:27034698436"), ("acr_values", "urn:grn:authn:no:bankid")];

#[test]
fn idura_is_sent_the_documented_start_for_swedish_bankid_and_waits_five_seconds_without_an_interval_r33() {
    let (pair, client) = idura();
    let details = ("authorization_details", r#"[{"type":"phoneAuth","callInitiator":"RP"}]"#);
    pair.provider.next(Kind::Start, Fault::Patch(json!({"interval": null, "expires_in": 120})));
    pair.provider.next(Kind::Poll, error(400, "authorization_pending"));
    pair.provider.next(Kind::Poll, Fault::Patch(json!({"expires_in": "120"})));
    let flow = client.init(&request(&[SWEDISH[0], SWEDISH[1], SWEDISH[2], details]), None).unwrap();
    assert_eq!(
        body(&entry(&pair, Kind::Start)),
        "scope=openid&login_hint=sub%3Assn%3A196802020575&acr_values=urn%3Agrn%3Aauthn%3Ase%3Abankid\
         &binding_message=Call%204711\
         &authorization_details=%5B%7B%22type%22%3A%22phoneAuth%22%2C%22callInitiator%22%3A%22RP%22%7D%5D"
    );
    pair.provider.approve(&pair.provider.newest().unwrap());
    assert_eq!(Pair::outcome(&flow), Status::OK);
    pair.assert_requests_then_silence(
        &flow,
        &[
            "0 GET /.well-known/openid-configuration -> 200 discovery",
            "0 POST /ciba/bc-authorize -> 200 ack",
            "0 GET /jwks -> 200 jwks",
            "5200 POST /oauth2/token -> 400 (answer)",
            "10400 POST /oauth2/token -> 200 tokens",
        ],
    );
}

#[test]
fn idura_gives_the_words_that_the_norwegian_app_shows_r16() {
    let (pair, client) = idura();
    pair.provider.next(Kind::Start, Fault::Patch(json!({"bindingMessage": "Frekk julekos", "interval": 3})));
    let flow = client.init(&request(NORWEGIAN), None).unwrap();
    assert_eq!(flow.binding_message().as_deref(), Some("Frekk julekos"));
    let (flow, error) = poll_answered(&pair, &client, NORWEGIAN, error(400, "access_denied"));
    assert_eq!((flow.outcome(), flow.binding_message()), (Status::DENIED, None));
    assert!(error.message().contains("other words"), "{error}");
    // Words that cannot be shown are not; who has asked for none of them is told none.
    pair.provider.next(Kind::Start, Fault::Patch(json!({"bindingMessage": "Frekk \u{202e} julekos"})));
    assert_eq!(client.init(&request(NORWEGIAN), None).unwrap().binding_message(), None);
    let plain = Pair::generic();
    plain.provider.next(Kind::Start, Fault::Patch(json!({"bindingMessage": "Frekk julekos"})));
    assert_eq!(plain.flow().binding_message(), None, "another provider's member says nothing");
}

#[test]
fn idura_refuses_what_would_not_work_r11() {
    let (pair, client) = idura();
    refused(&pair, &client, &SWEDISH[..1], &["acr_values is missing", "urn:grn:authn:no:bankid"]);
    refused(&pair, &client, &SWEDISH[..2], &["binding_message is missing", "Swedish"]);
    refused(&pair, &client, &[NORWEGIAN[0], NORWEGIAN[1], SWEDISH[2]], &["must not be given", "two words"]);
    refused(&pair, &client, &[("login_hint", "196802020575"), SWEDISH[1], SWEDISH[2]], &["sub:ssn:"]);
    assert!(request(NORWEGIAN).set_binding_code(&client).is_err());
    assert!(request(SWEDISH).set_binding_code(&client).is_ok());
    sent(&pair, &client, SWEDISH);
    sent(&pair, &client, NORWEGIAN);
    sent(&pair, &client, &[SWEDISH[0], ("acr_values", "urn:grn:authn:se:frejaid")]);
}

// ---- Signicat, PingOne --------------------------------------------------------------------------

#[test]
fn signicat_is_sent_its_own_name_for_the_expiry_and_must_be_told_the_method_r08_r13() {
    let paths =
        Personality { root: "/auth/open", start: "/connect/ciba", token: "/connect/token", ..generic() };
    let (pair, client) = named("signicat", paths);
    let asked = [
        ("login_hint", "userId-1 deviceId-2"),
        ("acr_values", "idp:mobileid"),
        ("binding_message", "Sign in?"),
        ("requested_expiry", "120"),
    ];
    assert_eq!(
        sent(&pair, &client, &asked),
        "scope=openid&login_hint=userId-1%20deviceId-2&acr_values=idp%3Amobileid&binding_message=Sign%20in%3F&request_expiry=120"
    );
    refused(&pair, &client, &asked[..1], &["acr_values is missing", "idp:mobileid"]);
}

#[test]
fn pingone_is_sent_any_hint_but_a_token_that_is_no_jwt_r05_r10() {
    let paths =
        Personality { root: "/environment/as", start: "/cibaAuthorization", token: "/token", ..generic() };
    let (pair, client) = named("pingone", paths);
    for hint in ["kurt", "a.b", "a..c", "a.b.c.d"] {
        refused(&pair, &client, &[("login_hint_token", hint)], &["JWT"]);
    }
    for (name, value) in [("login_hint", "kurt"), ("login_hint_token", "a.b.c"), ("id_token_hint", "a.b.c")] {
        let body = sent(&pair, &client, &[(name, value)]);
        assert_eq!(body, format!("scope=openid&{name}={value}"));
    }
    assert_eq!(entry(&pair, Kind::Start).path, "/environment/as/cibaAuthorization");
}
