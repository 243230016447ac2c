//! Pushes: tokens and errors that come by themselves, verified as those that are fetched, and more strictly.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciba::{FlowSet, Status};
use ciba_sim::{ClientCertificates, Draft, Fault, Kind, Notice, Notices, Signer, personality};
use serde_json::{Value, json};

use super::common::{Pair, eventually};
use super::endpoint::Endpoint;
use super::{Registered, of_mode};

const REQUEST_ID: &str = "urn:openid:params:jwt:claim:auth_req_id";
const REFRESH_TOKEN_HASH: &str = "urn:openid:params:jwt:claim:rt_hash";

/// A request whose tokens have a refresh token among them.
fn offline(phrase: &str) -> [(&str, &str); 2] {
    [("binding_message", phrase), ("scope", "openid offline_access")]
}

#[test]
fn pushed_tokens_are_verified_and_nothing_is_ever_fetched_r53_r73_r78() {
    for more in [&[][..], &[("scope", "openid offline_access")][..]] {
        let registered = Registered::new("push");
        let flow = registered.flow_with(&[&[("binding_message", "approve after 20 s")][..], more].concat());
        assert_eq!(flow.next_poll_at(), None);
        let tokens = flow.poll(None).unwrap().unwrap();
        assert_eq!(tokens.refresh_token().is_some(), !more.is_empty());
        assert_eq!(tokens.claim_text("sub").as_deref(), Some("alice"));
        assert!(tokens.claim(REQUEST_ID).is_some());
        registered.assert_then_silence(&flow, &["20000 POST /ciba -> 204 push"]);
    }
}

#[test]
fn a_push_reaches_a_set_r78() {
    let registered = Registered::new("push");
    let set = FlowSet::new(&registered.client).unwrap();
    let flow = registered.flow_that("approve after 2 s");
    set.add(&flow, 7).unwrap();
    assert_eq!(set.wait(None).unwrap(), Some(7));
    assert_eq!(flow.outcome(), Status::OK);
    registered.assert_then_silence(&flow, &["2000 POST /ciba -> 204 push"]);
}

#[test]
fn tokens_that_nobody_waits_for_are_verified_when_they_come_r78() {
    let registered = Registered::new("push");
    let flow = registered.flow_that("approve after 2 s");
    registered.pair.time.advance(2_000);
    eventually("tokens", || flow.outcome() == Status::OK);
    registered.assert_then_silence(&flow, &["2000 POST /ciba -> 204 push"]);
}

/// What of one claim is changed: removed, or set.
fn claim(name: &'static str, value: Value) -> impl Fn(&mut Draft) + Send + Sync + 'static {
    move |draft: &mut Draft| match &value {
        Value::Null => drop(draft.claims.as_object_mut().unwrap().remove(name)),
        value => draft.claims[name] = value.clone(),
    }
}

type Change = Box<dyn Fn(&mut Draft) + Send + Sync>;

#[test]
fn what_binds_pushed_tokens_must_be_there_and_fit_r63_r78() {
    let another = || json!("Wt0kVFXMacqvnHeyU0001w");
    let changes: [(&str, Change, Status); 9] = [
        ("nothing", Box::new(|_| ()), Status::OK),
        ("no at_hash", Box::new(claim("at_hash", Value::Null)), Status::TOKEN_ACCESS_TOKEN_HASH),
        ("another at_hash", Box::new(claim("at_hash", another())), Status::TOKEN_ACCESS_TOKEN_HASH),
        ("no rt_hash", Box::new(claim(REFRESH_TOKEN_HASH, Value::Null)), Status::TOKEN_REFRESH_TOKEN_HASH),
        ("another rt_hash", Box::new(claim(REFRESH_TOKEN_HASH, another())), Status::TOKEN_REFRESH_TOKEN_HASH),
        ("no auth_req_id", Box::new(claim(REQUEST_ID, Value::Null)), Status::TOKEN_REQUEST_ID),
        ("another auth_req_id", Box::new(claim(REQUEST_ID, json!("x"))), Status::TOKEN_REQUEST_ID),
        ("another audience", Box::new(claim("aud", json!("desk-8"))), Status::TOKEN_AUDIENCE),
        ("an unknown key", Box::new(|draft| draft.signer = Signer::Other), Status::TOKEN_SIGNATURE),
    ];
    for (what, change, outcome) in changes {
        let registered = Registered::new("push");
        registered.pair.provider.every_id_token(change);
        let flow = registered.flow_with(&offline("approve after 2 s"));
        assert_eq!(Pair::outcome(&flow), outcome, "{what}");
        registered.assert_then_silence(&flow, &["2000 POST /ciba -> 204 push"]);
    }
}

#[test]
fn the_same_tokens_need_no_binding_where_they_are_fetched_r78() {
    let registered = Registered::new("ping");
    registered.pair.provider.every_id_token(claim("at_hash", Value::Null));
    let flow = registered.flow_with(&offline("approve after 2 s"));
    assert_eq!(Pair::outcome(&flow), Status::OK);
}

/// The body of the tokens that are pushed, changed.
fn pushed(change: impl FnOnce(&mut Value)) -> Status {
    let registered = Registered::new("push").by_hand();
    let flow = registered.flow_with(&offline("approve after 0 s"));
    let provider = &registered.pair.provider;
    let mut notice = provider.notice(&provider.newest().unwrap()).unwrap();
    let mut body: Value = serde_json::from_str(&notice.body).unwrap();
    change(&mut body);
    notice.body = body.to_string();
    assert_eq!(provider.send(&notice, 1), [204], "its bearer and its request are right");
    let outcome = Pair::outcome(&flow);
    registered.assert_then_silence(&flow, &["0 POST /ciba -> 204 push"]);
    outcome
}

#[test]
fn a_push_lacks_nothing_r60_r78() {
    let remove =
        |name: &'static str| move |body: &mut Value| drop(body.as_object_mut().unwrap().remove(name));
    assert_eq!(pushed(|_| ()), Status::OK);
    assert_eq!(pushed(remove("expires_in")), Status::OK);
    assert_eq!(pushed(remove("scope")), Status::OK);
    assert_eq!(pushed(|body| body["unknown"] = json!([1])), Status::OK);
    assert_eq!(pushed(remove("id_token")), Status::TOKEN_MISSING);
    assert_eq!(pushed(remove("access_token")), Status::INVALID_TOKEN_RESPONSE);
    assert_eq!(pushed(remove("token_type")), Status::INVALID_TOKEN_RESPONSE);
    assert_eq!(pushed(|body| body["token_type"] = json!("mac")), Status::INVALID_TOKEN_RESPONSE);
    assert_eq!(pushed(remove("refresh_token")), Status::TOKEN_REFRESH_TOKEN_HASH);
    assert_eq!(pushed(|body| body["access_token"] = json!("other")), Status::TOKEN_ACCESS_TOKEN_HASH);
}

#[test]
fn an_id_token_is_required_whatever_the_settings_say_r63_r78() {
    let registered = Registered::with("push", &[("id_token_required", "false")]).by_hand();
    let flow = registered.flow_that("approve after 0 s");
    let provider = &registered.pair.provider;
    let mut notice = provider.notice(&provider.newest().unwrap()).unwrap();
    let mut body: Value = serde_json::from_str(&notice.body).unwrap();
    body.as_object_mut().unwrap().remove("id_token");
    notice.body = body.to_string();
    provider.send(&notice, 1);
    assert_eq!(Pair::outcome(&flow), Status::TOKEN_MISSING);
}

#[test]
fn a_pushed_error_is_the_outcome_r79() {
    for (phrase, status, outcome, code) in [
        ("deny after 2 s", Status::DENIED, Status::DENIED, "access_denied"),
        ("fail expired_token after 2 s", Status::EXPIRED, Status::EXPIRED, "expired_token"),
        (
            "fail transaction_failed after 2 s",
            Status::TRANSACTION_FAILED,
            Status::FAILED,
            "transaction_failed",
        ),
        ("fail Some.other_CODE after 2 s", Status::PROVIDER_ERROR, Status::FAILED, "Some.other_CODE"),
        (
            "fail authorization_pending after 2 s",
            Status::PROVIDER_ERROR,
            Status::FAILED,
            "authorization_pending",
        ),
        ("fail server_error after 2 s", Status::HTTP_STATUS, Status::FAILED, "server_error"),
    ] {
        let registered = Registered::new("push");
        let flow = registered.flow_that(phrase);
        let error = flow.poll(None).unwrap_err();
        assert_eq!((error.status(), flow.outcome()), (status, outcome), "{phrase}");
        assert_eq!(error.oauth_error(), Some(code));
        assert_eq!(error.oauth_error_description(), Some("told by the phone"));
        assert_eq!(error.http_status(), None);
        registered.assert_then_silence(&flow, &["2000 POST /ciba -> 204 push_error"]);
    }
}

#[test]
fn a_flow_that_nothing_is_pushed_for_expires_by_its_own_clock_r53_r77_r79() {
    let registered = Registered::new("push");
    let flow = registered.flow_that("never");
    assert_eq!(Pair::outcome(&flow), Status::EXPIRED);
    assert_eq!(registered.pair.time.now_ms(), 300_000);
    registered.assert_then_silence(&flow, &[]);
}

#[test]
fn the_first_push_counts_and_later_ones_are_answered_r73_r78() {
    let registered = Registered::new("push").by_hand();
    let flow = registered.flow_that("approve after 0 s");
    let provider = &registered.pair.provider;
    let id = provider.newest().unwrap();
    let (first, second) = (provider.notice(&id).unwrap(), provider.notice(&id).unwrap());
    let denied = format!(r#"{{"auth_req_id":"{id}","error":"access_denied"}}"#);
    for notice in [&first, &first, &second, &Notice { body: denied, ..first.clone() }] {
        assert_eq!(provider.send(notice, 1), [204]);
    }
    let tokens = flow.poll(None).unwrap().unwrap();
    let body: Value = serde_json::from_str(&first.body).unwrap();
    assert_eq!(tokens.access_token(), body["access_token"]);
    registered.assert_then_silence(&flow, &["0 POST /ciba -> 204 push"; 4]);
}

#[test]
fn a_push_after_the_expiry_is_answered_and_releases_nothing_r49_r78() {
    let registered = Registered::changed("push", &[], |config| config.expires_in = Some(12)).by_hand();
    let flow = registered.flow_that("approve after 11 s");
    let provider = &registered.pair.provider;
    registered.pair.time.advance(11_000);
    let notice = provider.notice(&provider.newest().unwrap()).unwrap();
    registered.pair.time.advance(1_000);
    assert_eq!(provider.send(&notice, 1), [204]);
    assert_eq!(Pair::outcome(&flow), Status::EXPIRED);
    assert!(flow.tokens().is_err());
    registered.assert_then_silence(&flow, &["12000 POST /ciba -> 204 push"]);
}

#[test]
fn a_push_that_overtakes_the_acknowledgement_counts_r76_r78() {
    for (phrase, name, outcome) in
        [("approve after 0 s", "push", Status::OK), ("deny after 0 s", "push_error", Status::DENIED)]
    {
        let registered = Registered::new("push");
        registered.pair.provider.set_notices(Notices { times: 0, early: true });
        let request = registered.pair.request_with(&[("binding_message", phrase)]);
        let flow = registered.client.begin(&request).unwrap();
        assert_eq!(Pair::outcome(&flow), outcome);
        registered.assert_then_silence(&flow, &[&format!("0 POST /ciba -> 204 {name}")]);
    }
}

#[test]
fn another_request_s_tokens_under_this_token_are_not_taken_r72_r78() {
    let registered = Registered::new("push").by_hand();
    let provider = &registered.pair.provider;
    let first = registered.flow_that("approve after 0 s");
    let of_first = provider.notice(&provider.newest().unwrap()).unwrap();
    let second = registered.flow_that("approve after 0 s");
    let of_second = provider.notice(&provider.newest().unwrap()).unwrap();
    let crossed = Notice { authorization: of_second.authorization.clone(), ..of_first.clone() };
    assert_eq!(provider.send(&crossed, 1), [401]);
    // The identifier of the other request, around the tokens of this one.
    let mut body: Value = serde_json::from_str(&of_first.body).unwrap();
    body["auth_req_id"] = serde_json::from_str::<Value>(&of_second.body).unwrap()["auth_req_id"].clone();
    let mixed = Notice { body: body.to_string(), ..of_second.clone() };
    assert_eq!((first.outcome(), second.outcome()), (Status::PENDING, Status::PENDING));
    assert_eq!(provider.send(&mixed, 1), [204]);
    assert_eq!(Pair::outcome(&second), Status::TOKEN_REQUEST_ID);
    assert_eq!(provider.send(&of_first, 1), [204]);
    assert_eq!(Pair::outcome(&first), Status::OK);
}

#[test]
fn a_client_for_pushes_takes_no_ping_r53_r54() {
    let registered = Registered::new("push").by_hand();
    let flow = registered.flow_that("approve after 2 s");
    let provider = &registered.pair.provider;
    registered.pair.time.advance(2_000);
    let push = provider.notice(&provider.newest().unwrap()).unwrap();
    let body: Value = serde_json::from_str(&push.body).unwrap();
    let ping = Notice { body: json!({ "auth_req_id": body["auth_req_id"] }).to_string(), ..push.clone() };
    assert_eq!(provider.send(&ping, 1), [400]);
    assert_eq!(registered.endpoint.delivered()[0].0, Status::NOTIFICATION_WRONG_MODE);
    assert_eq!(provider.send(&push, 1), [204]);
    assert_eq!(Pair::outcome(&flow), Status::OK);
    registered.assert_then_silence(&flow, &["2000 POST /ciba -> 400 push", "2000 POST /ciba -> 204 push"]);
}

#[test]
fn keys_that_are_missing_are_waited_for_and_nothing_is_released_meanwhile_r63_r78() {
    let registered = Registered::new("push");
    let provider = &registered.pair.provider;
    provider.rotate_key(0);
    provider.next(Kind::Jwks, Fault::Close);
    let flow = registered.flow_that("approve after 10 s");
    assert_eq!(Pair::outcome(&flow), Status::OK);
    registered.assert_then_silence(
        &flow,
        &["10000 POST /ciba -> 204 push", "10000 GET /jwks -> (closed)", "15000 GET /jwks -> 200 jwks"],
    );
}

#[test]
fn pushed_tokens_are_bound_to_the_certificate_that_the_start_showed_r80() {
    let endpoint = Endpoint::start();
    let pair = Pair::with(personality::generic(), |config| {
        let mut client = ciba_sim::Client::new("desk-7", "secret");
        client.backchannel_token_delivery_mode = Some("push".into());
        client.backchannel_client_notification_endpoint = Some(endpoint.url.clone());
        client.tls_client_certificate_bound_access_tokens = true;
        config.clients = vec![client];
        config.mtls = Some(ClientCertificates::Requested);
    });
    let issued = pair.provider.client_authority().issue("desk-7.client.example");
    let certificate = [
        ("tls_client_certificate", issued.certificate.as_str()),
        ("tls_client_key", issued.key.as_str()),
        ("tls_client_certificate_bound_access_tokens", "true"),
    ];
    let client = pair.client_with(&[&of_mode("push", &endpoint)[..], &certificate].concat());
    endpoint.deliver_to(&client);
    let request = pair.request_with(&[("binding_message", "approve after 2 s")]);
    let tokens = client.init(&request, None).unwrap().poll(None).unwrap().unwrap();
    let payload = tokens.access_token().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    assert_eq!(claims["cnf"]["x5t#S256"], issued.thumbprint().as_str());
    let start = pair.provider.journal().into_iter().find(|entry| entry.kind == Kind::Start).unwrap();
    assert_eq!(start.certificate.as_deref(), Some(issued.thumbprint().as_str()));
}
