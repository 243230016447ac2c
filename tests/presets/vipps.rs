//! Vipps MobilePay.

use std::time::Duration;

use ciba::Status;
use ciba_sim::personality::generic;
use ciba_sim::{Answer, Fault};

use crate::common::Pair;
use crate::{Parameters, named, poll_answered, problem, refused, request, sent, start_answered};

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
