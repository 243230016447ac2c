//! Signaturgruppen Broker, CIBA + PAR.

use ciba::Status;
use ciba_sim::personality::signaturgruppen_par;
use ciba_sim::{Fault, Kind};
use serde_json::json;

use crate::common::{Pair, error, web_page};
use crate::{body, entry, refused, request};

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
        ("a header", link("https://id.example/\r\nSet-Cookie: a=b"), "200 (raw)", Status::MALFORMED_ANSWER),
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
