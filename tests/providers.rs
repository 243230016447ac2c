//! Both providers of the documentation to the letter: the bytes of every request, and the whole
//! sign-in by the provider's journal.

mod common;

use ciba::{AuthenticationRequest, Client, Status};
use ciba_sim::{Entry, Kind};
use common::{Pair, UUID};

/// The headers by which servers decide, and the body.
fn sent(entry: &Entry) -> (Option<String>, Option<String>, String) {
    let header = |name: &str| entry.header(name).map(str::to_owned);
    (header("content-type"), header("authorization"), String::from_utf8(entry.body.clone()).unwrap())
}

fn form(body: &str) -> (Option<String>, Option<String>, String) {
    (Some("application/x-www-form-urlencoded".into()), None, body.trim_end().into())
}

const ID_AND_SECRET: &str = "client_id=62b8cc03-aa73-4d6a-922c-7c8fb0a4a1d9&client_secret=mIpxk84FI1wpc7cP7nodFLfgQQ1ScZHYO44FZ9wPOqrB0ha9S5RUNYPXMkrCWwRjGqEH0hflnIJea8IKmW19aQ%3D%3D";
const GRANT: &str = "grant_type=urn%3Aopenid%3Aparams%3Agrant-type%3Aciba";

/// The seed page's hint in Base64, byte for byte.
const PUBLISHED_BASE64: &str = include_str!("fixtures/requests/signaturgruppen_hint.base64");
/// What it decodes to: the older shape, which is no valid JSON.
const PUBLISHED_TEXT: &str = include_str!("fixtures/requests/signaturgruppen_hint.txt");

fn verbatim(hint: &str) -> AuthenticationRequest {
    let mut request = AuthenticationRequest::new();
    request.set("login_hint_token", hint).unwrap();
    request
}

#[test]
fn signaturgruppen_sends_the_bytes_of_the_documented_start_and_poll_r02_r03_r40() {
    let pair = Pair::signaturgruppen();
    let client = pair.client_with(&[("token_endpoint_auth_method", "client_secret_post")]);
    let flow = client.init(&verbatim(PUBLISHED_TEXT.trim_end()), None).unwrap();
    let id = pair.provider.newest().unwrap();
    pair.provider.approve(&id);
    let tokens = flow.poll(None).unwrap().unwrap();
    assert_eq!(tokens.claim_text("mitid.uuid").as_deref(), Some(UUID));

    let journal = pair.provider.journal();
    let [start, keys, poll] = journal.as_slice() else { panic!("{:?}", pair.provider.lines()) };
    assert_eq!(sent(start), form(include_str!("fixtures/requests/signaturgruppen_start.form")));
    assert_eq!(keys.path, "/op/.well-known/openid-configuration/jwks");
    assert_eq!(sent(poll), form(&format!("{GRANT}&scope=openid&{ID_AND_SECRET}&auth_req_id={id}")));
    pair.assert_requests_then_silence(
        &flow,
        &[
            "0 POST /op/connect/ciba -> 200 ack",
            "0 GET /op/.well-known/openid-configuration/jwks -> 200 jwks",
            "5200 POST /op/connect/token -> 200 tokens",
        ],
    );
}

/// The page as it is since 2024-09-17: the hint is valid JSON, and `mitid` is in the scope.
#[test]
fn signaturgruppen_sends_the_bytes_of_todays_page_too_r02_r40() {
    let pair = Pair::signaturgruppen();
    let client = pair.client_with(&[("token_endpoint_auth_method", "client_secret_post")]);
    let mut request = verbatim(
        r#"{"idp":"mitid", "uuid":"8a9856e0-f12d-4217-b320-c8a076be9320", "referenceTextBody":"Testing MitID Flex app 😉", "ip":"1.1.1.1"}"#,
    );
    request.set("scope", "openid mitid").unwrap();
    let flow = client.init(&request, None).unwrap();
    let id = pair.provider.newest().unwrap();
    pair.provider.approve(&id);
    let tokens = flow.poll(None).unwrap().unwrap();
    assert_eq!(
        (tokens.scope(), tokens.claim_text("mitid.uuid").as_deref()),
        (Some("openid mitid"), Some(UUID))
    );
    let journal = pair.provider.journal();
    let hint = "%7B%22idp%22%3A%22mitid%22%2C%20%22uuid%22%3A%228a9856e0-f12d-4217-b320-c8a076be9320%22%2C%20\
                %22referenceTextBody%22%3A%22Testing%20MitID%20Flex%20app%20%F0%9F%98%89%22%2C%20%22ip%22%3A%221.1.1.1%22%7D";
    let start = format!("{GRANT}&scope=openid%20mitid&{ID_AND_SECRET}&login_hint_token={hint}");
    assert_eq!(sent(&journal[0]), form(&start));
    let poll = format!("{GRANT}&scope=openid%20mitid&{ID_AND_SECRET}&auth_req_id={id}");
    assert_eq!(sent(&journal[2]), form(&poll));
}

#[test]
fn signaturgruppen_sends_a_given_base64_hint_as_it_is_and_expects_the_person_in_it() {
    let pair = Pair::signaturgruppen();
    let client = pair.client_with(&[("token_endpoint_auth_method", "client_secret_post")]);
    let flow = client.init(&verbatim(PUBLISHED_BASE64.trim_end()), None).unwrap();
    let start = &pair.provider.journal()[0];
    assert_eq!(start.param("login_hint_token").as_deref(), Some(PUBLISHED_BASE64.trim_end()));
    assert_eq!(pair.provider.pending()[0].text, "Testing MitID Flex app 😉");
    pair.provider.approve(&pair.provider.newest().unwrap());
    assert_eq!(Pair::outcome(&flow), Status::OK);

    // The same request, answered for another person.
    let flow = client.init(&verbatim(PUBLISHED_BASE64.trim_end()), None).unwrap();
    pair.provider.next_id_token(|token| token.claims["mitid.uuid"] = "another".into());
    pair.provider.approve(&pair.provider.newest().unwrap());
    assert_eq!(Pair::outcome(&flow), Status::TOKEN_UNEXPECTED_CLAIM);
}

#[test]
fn signaturgruppen_makes_todays_flat_hint_from_fields_plain_or_in_base64() {
    let pair = Pair::signaturgruppen();
    let fields = [
        ("login_hint_token.referenceTextBody", "Godkend 100 kr. \"nu\" – æøå 😉\n\\ slut"),
        ("login_hint_token.ip", "2001:db8::1"),
        ("login_hint_token.action", "APPROVE"),
        ("login_hint_token.referenceId", "order/7"),
        ("login_hint_token.ciba_nonce", "n-0S6_WzA2Mj"),
    ];
    let json = r#"{"idp":"mitid","uuid":"8a9856e0-f12d-4217-b320-c8a076be9320","referenceTextBody":"Godkend 100 kr. \"nu\" – æøå 😉\n\\ slut","ip":"2001:db8::1","action":"APPROVE","referenceId":"order/7","ciba_nonce":"n-0S6_WzA2Mj"}"#;
    pair.client().init(&pair.request_with(&fields), None).unwrap();
    let mut request = pair.request_with(&fields);
    request.set("login_hint_token_encoding", "base64").unwrap();
    pair.client().init(&request, None).unwrap();

    let starts: Vec<_> = pair.provider.journal().into_iter().filter(|e| e.kind == Kind::Start).collect();
    assert_eq!(starts[0].param("login_hint_token").unwrap(), json);
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD.encode(json);
    assert_eq!(starts[1].param("login_hint_token").unwrap(), base64);
    assert!(pair.provider.pending().iter().all(|p| p.person == UUID && p.text.contains("æøå 😉")));
}

/// Each shape that the page has had, plain and in Base64; and what only looks like one.
#[test]
fn signaturgruppen_is_sent_no_hint_that_is_none_and_no_message_that_nobody_sees_r10_r11() {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
    let flat = r#"{"idp": "mitid", "uuid": "8a9856e0-f12d-4217-b320-c8a076be9320", "referenceTextBody": "Hej ÿ~?>", "ip": "1.1.1.1"}"#;
    let first = r#"{"idp":"mitid","idp_params":"eyJjcHIiOiIwODA0MzYwNDY4IiwgIlJlZmVyZW5jZVRleHRCb2R5Ijoib3N0ZW1hd2QgOj0pIiwgImlwIjoiMS4xLjEuMSJ9"}"#;
    let pair = Pair::signaturgruppen();
    let client = pair.client();
    let refused = |request: &AuthenticationRequest, words: &str| {
        let error = client.init(request, None).unwrap_err();
        assert_eq!(error.status(), Status::INVALID_AUTHENTICATION_REQUEST, "{error}");
        assert!(error.message().contains(words), "{error}");
    };
    for hint in ["mitid", UUID, "+4512345678", r#"{"idp":"nemid","uuid":"x"}"#, r#"{"uuid":"mitid"}"#] {
        refused(&verbatim(hint), "login_hint_token.uuid");
    }
    for base64 in [STANDARD_NO_PAD.encode(flat), URL_SAFE.encode(flat)] {
        assert_ne!(base64, STANDARD.encode(flat));
        refused(&verbatim(&base64), "padded Base64");
    }
    refused(&pair.request_with(&[("binding_message", "W4S-C7T")]), "login_hint_token.referenceTextBody");
    assert!(pair.request().set_binding_code(&client).is_err());
    assert!(pair.provider.lines().is_empty(), "nothing was sent");

    let encoded = [flat, first].map(|hint| STANDARD.encode(hint));
    for hint in
        [flat, first, &encoded[0], &encoded[1], PUBLISHED_TEXT.trim_end(), PUBLISHED_BASE64.trim_end()]
    {
        client.init(&verbatim(hint), None).unwrap();
    }
    client.init(&pair.request(), None).unwrap();
}

#[test]
fn signaturgruppen_takes_a_cpr_number_in_place_of_the_uuid_and_then_expects_no_uuid() {
    let pair = Pair::signaturgruppen();
    let mut request = pair.request_with(&[("login_hint_token.cpr", "0804360468")]);
    let both = pair.client().init(&request, None).unwrap_err();
    assert_eq!(both.status(), Status::INVALID_AUTHENTICATION_REQUEST);
    assert!(pair.provider.lines().is_empty(), "nothing was sent");

    request.set("login_hint_token.uuid", "").unwrap();
    let flow = pair.client().init(&request, None).unwrap();
    pair.provider.approve(&pair.provider.newest().unwrap());
    let tokens = flow.poll(None).unwrap().unwrap();
    assert_eq!(tokens.claim_text("mitid.uuid").as_deref(), Some("eee4b272-6a33-40da-ab0b-5ce2abd42e78"));
}

#[test]
fn signaturgruppen_refuses_a_token_for_another_person_or_of_another_kind() {
    for (claim, value, status) in [
        ("mitid.uuid", UUID, Status::OK),
        ("mitid.uuid", &UUID.to_uppercase(), Status::OK), // the same UUID
        ("mitid.uuid", "eee4b272-6a33-40da-ab0b-5ce2abd42e78", Status::TOKEN_UNEXPECTED_CLAIM),
        ("mitid.uuid", "", Status::TOKEN_UNEXPECTED_CLAIM),
        ("idtoken_type", "oidc", Status::TOKEN_UNEXPECTED_CLAIM),
        ("idp", "nemid", Status::TOKEN_UNEXPECTED_CLAIM),
    ] {
        let pair = Pair::signaturgruppen();
        let (claim, value) = (claim.to_owned(), value.to_owned());
        let what = format!("{claim} = {value:?}");
        pair.provider.next_id_token(move |token| token.claims[&claim] = value.into());
        let flow = pair.flow_that("approve after 1 s");
        assert_eq!(Pair::outcome(&flow), status, "{what}");
        assert_eq!(flow.tokens().is_ok(), status == Status::OK, "no tokens leave a failed flow (R-63)");
    }
}

#[test]
fn signaturgruppen_reports_an_error_of_mitid_with_its_code_verbatim_r47() {
    let pair = Pair::signaturgruppen();
    let flow = pair.flow_that("fail mitid_flex_app.mitid_error_CORE004 after 1 s");
    let error = flow.poll(None).unwrap_err();
    assert_eq!(error.status(), Status::AUTHENTICATION_DEVICE_ERROR);
    assert_eq!(error.oauth_error(), Some("mitid_flex_app.mitid_error_CORE004"));
    assert_eq!(error.http_status(), Some(400));
    assert_eq!(flow.outcome(), Status::FAILED);
    pair.assert_requests_then_silence(
        &flow,
        &[
            "0 POST /op/connect/ciba -> 200 ack",
            "0 GET /op/.well-known/openid-configuration/jwks -> 200 jwks",
            "5200 POST /op/connect/token -> 400 mitid_flex_app.mitid_error_CORE004",
        ],
    );
}

/// What its pages say of each code, so that who reads the log knows where to look.
#[test]
fn signaturgruppen_says_what_is_known_of_the_cause_r47() {
    for (code, outcome, status, words) in [
        ("access_denied", Status::DENIED, Status::DENIED, "the person denied"),
        ("expired_token", Status::EXPIRED, Status::EXPIRED, "compare this machine's clock"),
        ("invalid_grant", Status::FAILED, Status::INVALID_GRANT, "handed out once"),
        (
            "mitid_flex_app.mitid_error_42",
            Status::FAILED,
            Status::AUTHENTICATION_DEVICE_ERROR,
            "mitid_error_",
        ),
        ("invalid_client", Status::FAILED, Status::INVALID_CLIENT, "credentials"),
    ] {
        let pair = Pair::signaturgruppen();
        let flow = pair.flow();
        pair.await_answers(2);
        pair.provider.next(Kind::Poll, common::error(400, code));
        let error = flow.poll(None).unwrap_err();
        assert_eq!((error.status(), error.oauth_error(), flow.outcome()), (status, Some(code), outcome));
        assert!(error.message().contains(words), "{error}");
        pair.assert_requests_then_silence(
            &flow,
            &[
                "0 POST /op/connect/ciba -> 200 ack",
                "0 GET /op/.well-known/openid-configuration/jwks -> 200 jwks",
                "5200 POST /op/connect/token -> 400 (answer)",
            ],
        );
    }
    let pair = Pair::signaturgruppen();
    pair.provider.next(Kind::Start, common::error(400, "unauthorized_client"));
    let error = pair.client().init(&pair.request(), None).unwrap_err();
    assert_eq!(error.status(), Status::UNAUTHORIZED_CLIENT);
    assert!(error.message().contains("Signaturgruppen approves"), "{error}");
}

#[test]
fn signaturgruppen_gives_claims_as_they_come() {
    let pair = Pair::signaturgruppen();
    let tokens = pair.flow_that("approve after 1 s").poll(None).unwrap().unwrap();
    assert_eq!(tokens.claim_text("mitid.age").as_deref(), Some("88"));
    assert_eq!(tokens.claim("mitid.has_cpr"), Some(&"true".into()), "a string, as it came");
    assert_eq!(
        (tokens.claim_integer("mitid.age"), tokens.claim_bool("mitid.has_cpr")),
        (Some(88), Some(true))
    );
    assert_eq!(tokens.claim_text("mitid.identity_name").as_deref(), Some("Ileya Jensen"));
    assert_eq!(tokens.claim_text("mitid"), None, "a dot is part of a name");
}

#[test]
fn signaturgruppen_cancels_by_delete_without_credentials_and_body() {
    let pair = Pair::signaturgruppen();
    let flow = pair.flow();
    pair.await_answers(2);
    let id = pair.provider.newest().unwrap();
    assert!(flow.cancel(None).unwrap());
    assert_eq!(flow.outcome(), Status::CANCELLED);
    let journal = pair.provider.journal();
    let cancel = journal.iter().find(|entry| entry.kind == Kind::Cancel).unwrap();
    assert_eq!(sent(cancel), (None, None, String::new()));
    pair.assert_requests_then_silence(
        &flow,
        &[
            "0 POST /op/connect/ciba -> 200 ack",
            "0 GET /op/.well-known/openid-configuration/jwks -> 200 jwks",
            &format!("0 DELETE /op/api/v1/ciba/{id} -> 204 cancelled"),
        ],
    );
}

/// The settings of a preset as a stranger would use them: the provider's own hosts.
fn real(provider: &str) -> ciba::Config {
    let mut config = ciba::Config::new();
    for (name, value) in [("provider", provider), ("client_id", "me"), ("client_secret", "secret")] {
        config.set(name, value).unwrap();
    }
    config
}

#[test]
fn a_preset_knows_its_hosts() {
    for (provider, issuer) in [
        ("signaturgruppen", "https://netseidbroker.dk/op"),
        ("signaturgruppen-test", "https://pp.netseidbroker.dk/op"),
        ("telenor", "https://id.telenor.no"),
        ("telenor-test", "https://id-test.telenor.no"),
    ] {
        let client = Client::new(&real(provider)).unwrap();
        assert_eq!(format!("{client:?}"), format!("Client {{ issuer: {issuer:?}, .. }}"));
    }
    let mut config = ciba::Config::new();
    config.set("provider", "telenor-tset").unwrap();
    let error = Client::new(&config).unwrap_err();
    assert_eq!(error.status(), Status::INVALID_VALUE);
    assert!(error.message().contains("telenor-test"), "{error}");
}

const TELENOR_START: &str = include_str!("fixtures/requests/telenor_start.form");
const TELENOR_POLL: &str = include_str!("fixtures/requests/telenor_poll.form");

#[test]
fn telenor_sends_the_documented_keys_with_credentials_in_the_body_r02_r03_r13_r40() {
    let pair = Pair::telenor();
    let client = pair.client_with(&[("token_endpoint_auth_method", "client_secret_post")]);
    let request =
        pair.request_with(&[("scope", "openid profile email phone vipps"), ("requested_expiry", "120")]);
    let flow = client.init(&request, None).unwrap();
    let id = pair.provider.newest().unwrap();
    pair.provider.approve(&id);
    let tokens = flow.poll(None).unwrap().unwrap();
    assert_eq!(tokens.scope(), Some("openid profile email phone vipps"));

    let journal = pair.provider.journal();
    let start = journal.iter().find(|entry| entry.kind == Kind::Start).unwrap();
    let poll = journal.iter().find(|entry| entry.kind == Kind::Poll).unwrap();
    assert_eq!(sent(start), form(TELENOR_START));
    assert_eq!(sent(poll), form(&TELENOR_POLL.replace("{auth_req_id}", &id)));
    pair.assert_requests_then_silence(
        &flow,
        &[
            "0 GET /.well-known/openid-configuration -> 200 discovery",
            "0 POST /connect/ciba -> 200 ack",
            "0 GET /.well-known/openid-configuration/jwks -> 200 jwks",
            "5200 POST /connect/token -> 200 tokens",
        ],
    );
}

#[test]
fn telenor_takes_credentials_as_basic_and_then_they_are_nowhere_else_r03() {
    let pair = Pair::telenor();
    let flow = pair.flow_that("approve after 1 s");
    assert_eq!(Pair::outcome(&flow), Status::OK);
    for entry in pair.provider.journal().iter().filter(|e| matches!(e.kind, Kind::Start | Kind::Poll)) {
        // demo-client, and "demo secret+/=: not a real one" form-encoded (RFC 6749 §2.3.1)
        let basic = "Basic ZGVtby1jbGllbnQ6ZGVtbyUyMHNlY3JldCUyQiUyRiUzRCUzQSUyMG5vdCUyMGElMjByZWFsJTIwb25l";
        assert_eq!(entry.header("authorization"), Some(basic));
        assert_eq!((entry.param("client_id"), entry.param("client_secret")), (None, None));
        assert_eq!(entry.headers.iter().filter(|(name, _)| name == "authorization").count(), 1);
    }
}

#[test]
fn telenor_checks_scopes_and_expiry_before_anything_is_sent_r04_r13() {
    let pair = Pair::telenor();
    let client = pair.client();
    for (name, value) in [
        ("scope", "openid phone"),
        ("scope", "openid vipps"),
        ("scope", "vipps phone"),
        ("scope", "openid vippss phone"),
        ("requested_expiry", "301"),
        ("login_hint", ""),
        ("id_token_hint", "also"),
    ] {
        let error = client.init(&pair.request_with(&[(name, value)]), None).unwrap_err();
        assert_eq!(error.status(), Status::INVALID_AUTHENTICATION_REQUEST, "{name}={value}");
        assert!(error.message().contains(name) || error.message().contains("hint"), "{error}");
    }
    assert!(pair.provider.lines().is_empty(), "nothing was sent");
    for good in [("scope", "phone vipps openid"), ("requested_expiry", "300"), ("requested_expiry", "1")] {
        client.init(&pair.request_with(&[good]), None).unwrap();
    }
    let starts: Vec<_> = pair.provider.journal().into_iter().filter(|e| e.kind == Kind::Start).collect();
    assert_eq!(starts[0].param("scope").as_deref(), Some("phone vipps openid"), "order does not matter");
    assert_eq!(starts[1].param("scope").as_deref(), Some("openid vipps phone"), "what the provider needs");
    assert_eq!(starts[2].param("requested_expiry").as_deref(), Some("1"));
}

/// The page says "phone number" and no more: one is sent as it is given, and nothing else is.
#[test]
fn telenor_is_sent_the_phone_number_as_it_is_given_and_nothing_that_is_none_r10() {
    let pair = Pair::telenor();
    let client = pair.client();
    for hint in [
        "kurt@example.com",
        "urn:msisdn:4799988777",
        "1234567",
        "+4799988777x",
        "4799988777;1",
        "1234567890123456",
    ] {
        let error = client.init(&pair.request_with(&[("login_hint", hint)]), None).unwrap_err();
        assert_eq!(error.status(), Status::INVALID_AUTHENTICATION_REQUEST, "{hint}");
        assert!(error.message().contains("phone number") && !error.message().contains(hint), "{error}");
    }
    assert!(pair.provider.lines().is_empty(), "nothing was sent");
    for hint in
        ["+4799988777", "4799988777", "99988777", "+47 999 88 777", "0047 99 98 87 77", "(+47) 999-88-777"]
    {
        client.init(&pair.request_with(&[("login_hint", hint)]), None).unwrap();
        let start = pair.provider.journal().into_iter().rfind(|entry| entry.kind == Kind::Start).unwrap();
        assert_eq!(start.param("login_hint").as_deref(), Some(hint));
    }
}

/// The page on the ID Token has `acr` as an array, against OpenID Connect.
#[test]
fn telenor_gives_claims_as_they_come_and_acr_is_in_an_array_r08() {
    let pair = Pair::telenor();
    let level = "urn:telenor.identity.aal.2";
    let sign_in = |expected: &str, acr: Option<serde_json::Value>| {
        if let Some(acr) = acr {
            pair.provider.next_id_token(move |token| token.claims["acr"] = acr);
        }
        let request =
            pair.request_with(&[("expected.acr", expected), ("binding_message", "approve after 1 s")]);
        pair.client().init(&request, None).unwrap().poll(None).map(Option::unwrap)
    };
    let tokens = sign_in(level, None).unwrap();
    assert_eq!(tokens.claim("acr"), Some(&serde_json::json!([level])), "as it came");
    assert_eq!(tokens.claim("amr"), Some(&serde_json::json!(["urn:telenor.identity.amr.vipps"])));
    assert_eq!(tokens.claim_text("preferred_username").as_deref(), Some("4799988777"));
    assert_eq!(tokens.claim_text("given_name").as_deref(), Some("Tom Peter"));
    assert_eq!(tokens.claim_text("ibis.sid").map(|sid| sid.len()), Some(36), "a dot is part of a name");

    for (acr, good) in [
        (serde_json::json!(level), true),
        (serde_json::json!(["urn:telenor.identity.aal.1", level]), true),
        (serde_json::json!(["urn:telenor.identity.aal.1"]), false),
        (serde_json::json!([]), false),
        (serde_json::json!([[level]]), false),
        (serde_json::json!([level, 2]), false),
        (serde_json::json!({"acr": level}), false),
    ] {
        let status = sign_in(level, Some(acr.clone())).err().map(|error| error.status());
        assert_eq!(status, (!good).then_some(Status::TOKEN_ACR), "{acr}");
    }
}

#[test]
fn telenor_says_what_is_known_of_the_cause() {
    let pair = Pair::telenor();
    for (code, status, words) in [
        ("invalid_scope", Status::INVALID_SCOPE, "vipps and phone"),
        ("unauthorized_client", Status::UNAUTHORIZED_CLIENT, "enabled for CIBA"),
        ("invalid_client", Status::INVALID_CLIENT, "credentials"),
    ] {
        pair.provider.next(Kind::Start, common::error(400, code));
        let error = pair.client().init(&pair.request(), None).unwrap_err();
        assert_eq!((error.status(), error.oauth_error()), (status, Some(code)));
        assert!(error.message().contains(words), "{error}");
    }
    pair.client().init(&pair.request(), None).unwrap();
}

#[test]
fn telenor_says_invalid_grant_for_a_denial_and_the_outcome_says_that_it_may_be_one() {
    let pair = Pair::telenor();
    let flow = pair.flow_that("deny after 1 s");
    let error = flow.poll(None).unwrap_err();
    assert_eq!(error.status(), Status::DENIED_OR_FAILED);
    assert_eq!(error.oauth_error(), Some("invalid_grant"));
    assert!(error.message().contains("does not say which"), "{error}");
    assert_eq!(flow.outcome(), Status::FAILED, "not a denial: nobody knows");
    pair.assert_requests_then_silence(
        &flow,
        &[
            "0 GET /.well-known/openid-configuration -> 200 discovery",
            "0 POST /connect/ciba -> 200 ack",
            "0 GET /.well-known/openid-configuration/jwks -> 200 jwks",
            "5200 POST /connect/token -> 400 invalid_grant",
        ],
    );
}

#[test]
fn telenor_expires_by_the_clock_of_the_acknowledgement_or_by_expired_token_r49() {
    let pair = Pair::telenor();
    let flow = pair.client().init(&pair.request_with(&[("requested_expiry", "12")]), None).unwrap();
    assert_eq!(Pair::outcome(&flow), Status::EXPIRED);
    assert_eq!(pair.time.now_ms(), 12_000);
    pair.assert_requests_then_silence(
        &flow,
        &[
            "0 GET /.well-known/openid-configuration -> 200 discovery",
            "0 POST /connect/ciba -> 200 ack",
            "0 GET /.well-known/openid-configuration/jwks -> 200 jwks",
            "5200 POST /connect/token -> 400 authorization_pending",
            "10400 POST /connect/token -> 400 authorization_pending",
        ],
    );

    let pair = Pair::telenor();
    let flow = pair.flow();
    pair.provider.expire(&pair.provider.newest().unwrap());
    let error = flow.poll(None).unwrap_err();
    assert_eq!((error.status(), error.oauth_error()), (Status::EXPIRED, Some("expired_token")));
    pair.assert_requests_then_silence(
        &flow,
        &[
            "0 GET /.well-known/openid-configuration -> 200 discovery",
            "0 POST /connect/ciba -> 200 ack",
            "0 GET /.well-known/openid-configuration/jwks -> 200 jwks",
            "5200 POST /connect/token -> 400 expired_token",
        ],
    );
}
