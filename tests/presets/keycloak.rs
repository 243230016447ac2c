//! Keycloak.

use ciba::Status;
use ciba_sim::personality::generic;
use ciba_sim::{Kind, Personality};
use serde_json::json;

use crate::common::{Pair, error};
use crate::{named, poll_answered, problem, refused, request, sent, start_answered};

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
