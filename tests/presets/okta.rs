//! Okta.

use ciba::Status;
use ciba_sim::Personality;
use ciba_sim::personality::generic;

use crate::common::error;
use crate::{named, poll_answered, problem, refused, sent, start_answered};

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
