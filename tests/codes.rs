//! The error codes of the token endpoint: what ends a flow, as what, and what is kept of it.

mod common;

use ciba::{Flow, Status};
use ciba_sim::{Answer, Fault, Kind};
use common::{Pair, STARTED};

/// A flow whose first token request is answered so.
fn answered(answer: Answer) -> (Pair, Flow) {
    let pair = Pair::generic();
    pair.provider.next(Kind::Poll, Fault::Answer(answer));
    let flow = pair.flow_that("approve after 6 s");
    pair.await_answers(STARTED.len());
    (pair, flow)
}

/// Asserts that this answer ends the flow with one request and no other.
#[track_caller]
fn ends(answer: Answer, outcome: Status, status: Status, code: Option<&str>) {
    let http_status = answer.status;
    let what = format!("{http_status} {}", String::from_utf8_lossy(&answer.body));
    let (pair, flow) = answered(answer);
    let error = flow.poll(None).unwrap_err();
    assert_eq!((error.status(), error.oauth_error()), (status, code), "{what}");
    assert_eq!((flow.outcome(), error.http_status()), (outcome, Some(http_status)), "{what}");
    assert_eq!(flow.poll(None).unwrap_err(), error, "{what}: the same again");
    pair.assert_polls_then_silence(&flow, &[&format!("5200 {http_status} (answer)")]);
}

#[test]
fn each_code_ends_the_flow_whatever_the_http_status_r47() {
    for (code, outcome, status) in [
        ("access_denied", Status::DENIED, Status::DENIED),
        ("expired_token", Status::EXPIRED, Status::EXPIRED),
        ("invalid_grant", Status::FAILED, Status::INVALID_GRANT),
        ("invalid_request", Status::FAILED, Status::INVALID_REQUEST),
        ("invalid_client", Status::FAILED, Status::INVALID_CLIENT),
        ("unauthorized_client", Status::FAILED, Status::UNAUTHORIZED_CLIENT),
        ("unsupported_grant_type", Status::FAILED, Status::UNSUPPORTED_GRANT_TYPE),
        ("invalid_scope", Status::FAILED, Status::INVALID_SCOPE),
        ("unknown_user_id", Status::FAILED, Status::UNKNOWN_USER_ID),
    ] {
        for http_status in [400, 401, 403, 500, 503] {
            let body = format!(r#"{{"error":"{code}"}}"#);
            ends(Answer::json(http_status, body), outcome, status, Some(code));
        }
    }
}

#[test]
fn a_code_that_nobody_knows_ends_the_flow_and_is_kept_verbatim_r47() {
    for code in [
        "SERVER_SIDE_ERROR",
        "mitid_flex_app.mitid_error_CORE001",
        "Access_Denied",
        "not_allowed",
        "HTTP 405 Method Not Allowed",
        "authorization_pending2",
    ] {
        for status in [400, 405] {
            let body = format!(r#"{{"error":"{code}"}}"#);
            ends(Answer::json(status, body), Status::FAILED, Status::PROVIDER_ERROR, Some(code));
        }
    }
}

#[test]
fn the_code_is_found_where_providers_put_it() {
    let failed = Status::FAILED;
    for (body, outcome, status, code) in [
        (r#"{"error_code":"old_app"}"#, failed, Status::PROVIDER_ERROR, "old_app"),
        (r#"{"errorCode":"E0000214"}"#, failed, Status::PROVIDER_ERROR, "E0000214"),
        (r#"{"error_code":"access_denied"}"#, Status::DENIED, Status::DENIED, "access_denied"),
        (r#"{"errorCode":"x","error_code":"y","error":"z"}"#, failed, Status::PROVIDER_ERROR, "z"),
        (r#"{"errorCode":"x","error_code":"y"}"#, failed, Status::PROVIDER_ERROR, "y"),
        (r#"{"error":7,"error_code":"y"}"#, failed, Status::PROVIDER_ERROR, "y"),
    ] {
        ends(Answer::json(403, body), outcome, status, Some(code));
    }
}

#[test]
fn problem_json_ends_the_flow_with_its_type_as_the_code() {
    let problem = |status: u16, body: &str| {
        Answer::new(status, body).header("content-type", "application/problem+json; charset=utf-8")
    };
    let typed = r#"{"type":"https://bank.example/otp-missing","title":"No OTP","status":400,"detail":"Ask"}"#;
    let code = Some("https://bank.example/otp-missing");
    ends(problem(400, typed), Status::FAILED, Status::PROVIDER_ERROR, code);
    let untyped = r#"{"type":"about:blank","title":"Forbidden","status":403}"#;
    ends(problem(403, untyped), Status::FAILED, Status::PROVIDER_ERROR, Some("Forbidden"));
    let with_error = r#"{"type":"https://bank.example/no","title":"No","error":"access_denied"}"#;
    ends(problem(400, with_error), Status::DENIED, Status::DENIED, Some("access_denied"));
    // Elsewhere `type` and `title` mean something else.
    let json = Answer::json(400, r#"{"type":"x","title":"y"}"#);
    ends(json, Status::FAILED, Status::HTTP_STATUS, None);

    // The server's own trouble is waited out in this form too.
    let (pair, flow) = answered(problem(503, r#"{"type":"about:blank","title":"Service Unavailable"}"#));
    assert_eq!(Pair::outcome(&flow), Status::OK);
    pair.assert_polls_then_silence(&flow, &["5200 503 (answer)", "10400 200 tokens"]);
}

#[test]
fn pending_goes_on_whatever_the_http_status_r46() {
    for status in [400, 401, 403, 428, 500] {
        let body = r#"{"error":"authorization_pending","error_description":"PIN entered"}"#;
        let (pair, flow) = answered(Answer::json(status, body));
        assert_eq!(Pair::outcome(&flow), Status::OK, "{status}");
        let first = format!("5200 {status} (answer)");
        pair.assert_polls_then_silence(&flow, &[&first, "10400 200 tokens"]);
    }
}

#[test]
fn the_description_is_kept_without_what_could_break_a_line_or_a_limit() {
    let long = "x".repeat(5_000);
    let body = format!(r#"{{"error":"no\nway","error_description":"a \"b\" \\ æ\r\n\u0007c{long}"}}"#);
    let (_pair, flow) = answered(Answer::json(400, body));
    let error = flow.poll(None).unwrap_err();
    assert_eq!(error.oauth_error(), Some("noway"));
    let description = error.oauth_error_description().unwrap();
    assert!(description.starts_with("a b  æcxx"), "{description}");
    assert_eq!(description.chars().count(), 1_000);
    assert!(!error.message().contains('\n') && error.message().len() < 500);
}

#[test]
fn a_code_is_understood_also_where_the_request_holds_the_same_word() {
    let pair = Pair::generic();
    let words = [("login_hint", "authorization_pending"), ("binding_message", "access_denied")];
    let flow = pair.client().init(&pair.request_with(&words), None).unwrap();
    pair.time.advance(5_200);
    assert!(flow.step(None).unwrap().is_none(), "pending");
    pair.provider.deny(&pair.provider.newest().unwrap());
    let error = flow.poll(None).unwrap_err();
    assert_eq!((error.status(), error.oauth_error()), (Status::DENIED, Some("access_denied")));
}
