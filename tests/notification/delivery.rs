//! Who is heard, and what is answered: bearer, request, form, mode.

use ciba::{Client, NotificationKind, Status};
use ciba_sim::{Fault, Kind, Notice};
use secrecy::ExposeSecret;

use super::common::Pair;
use super::endpoint::Endpoint;
use super::{Registered, of_mode};

/// A flow, and a ping for it that is good.
fn flow_and_ping(registered: &Registered) -> (ciba::Flow, Notice) {
    let flow = registered.flow_that("never");
    let id = registered.pair.provider.newest().unwrap();
    let notice = registered.pair.provider.notice(&id).unwrap();
    (flow, notice)
}

/// What is answered, and how the delivery is called.
fn sent(registered: &Registered, notice: &Notice) -> (u16, Status) {
    let answered = registered.pair.provider.send(notice, 1);
    let delivered = registered.endpoint.delivered();
    (answered[0], delivered[0].0)
}

#[test]
fn one_wrong_fact_is_refused_and_has_nothing_fetched_r71_r72() {
    let registered = Registered::new("ping").by_hand();
    let (flow, good) = flow_and_ping(&registered);
    let token = good.authorization.clone().unwrap();
    let id = registered.pair.provider.newest().unwrap();
    let of_token = |authorization: &str| Notice { authorization: Some(authorization.into()), ..good.clone() };
    let of_body = |body: &str| Notice { body: body.into(), ..good.clone() };
    for (what, bad, http_status, status) in [
        (
            "another method",
            Notice { method: "PUT".into(), ..good.clone() },
            405,
            Status::NOTIFICATION_MALFORMED,
        ),
        ("no token", Notice { authorization: None, ..good.clone() }, 401, Status::NOTIFICATION_UNAUTHORIZED),
        (
            "another scheme",
            of_token(&token.replace("Bearer", "Basic")),
            401,
            Status::NOTIFICATION_UNAUTHORIZED,
        ),
        ("more behind the token", of_token(&format!("{token}1")), 401, Status::NOTIFICATION_UNKNOWN_FLOW),
        ("less of the token", of_token(&token[..token.len() - 1]), 401, Status::NOTIFICATION_UNKNOWN_FLOW),
        (
            "another type",
            Notice { content_type: Some("text/json".into()), ..good.clone() },
            415,
            Status::NOTIFICATION_MALFORMED,
        ),
        ("no type", Notice { content_type: None, ..good.clone() }, 415, Status::NOTIFICATION_MALFORMED),
        ("no body", of_body(""), 400, Status::NOTIFICATION_MALFORMED),
        ("no JSON", of_body(&id), 400, Status::NOTIFICATION_MALFORMED),
        (
            "a name twice",
            of_body(&good.body.replace('}', r#","auth_req_id":"x"}"#)),
            400,
            Status::NOTIFICATION_MALFORMED,
        ),
        ("no identifier", of_body("{}"), 400, Status::NOTIFICATION_MALFORMED),
        (
            "another identifier",
            of_body(&good.body.replace(&id, &format!("{id}1"))),
            401,
            Status::NOTIFICATION_OTHER_REQUEST,
        ),
        (
            "tokens",
            of_body(&good.body.replace('}', r#","access_token":"t"}"#)),
            400,
            Status::NOTIFICATION_WRONG_MODE,
        ),
        (
            "an error",
            of_body(&good.body.replace('}', r#","error":"access_denied"}"#)),
            400,
            Status::NOTIFICATION_WRONG_MODE,
        ),
    ] {
        assert_eq!(sent(&registered, &bad), (http_status, status), "{what}");
    }
    registered.pair.settle();
    assert_eq!(flow.outcome(), Status::PENDING);
    let due = flow.next_poll_at().unwrap();
    assert_eq!(due, registered.pair.time.unix_ms() + 5_200, "nothing is brought forward");

    // The good twin, with a member that nobody knows.
    let unknown = of_body(&good.body.replace('}', r#","unknown":{"x":[1]}}"#));
    assert_eq!(sent(&registered, &unknown), (204, Status::OK));
    assert_eq!(flow.next_poll_at().unwrap(), registered.pair.time.unix_ms());
}

#[test]
fn a_token_is_good_for_its_own_request_alone_r72() {
    let registered = Registered::new("ping").by_hand();
    let (first, ping) = flow_and_ping(&registered);
    let (second, other) = flow_and_ping(&registered);
    let crossed = Notice { body: other.body.clone(), ..ping.clone() };
    assert_eq!(sent(&registered, &crossed), (401, Status::NOTIFICATION_OTHER_REQUEST));
    assert!(first.next_poll_at() > Some(registered.pair.time.unix_ms()));
    assert!(second.next_poll_at() > Some(registered.pair.time.unix_ms()));
    assert_eq!(sent(&registered, &other), (204, Status::OK));
    assert!(first.next_poll_at() > Some(registered.pair.time.unix_ms()));
    assert_eq!(second.next_poll_at(), Some(registered.pair.time.unix_ms()));
}

#[test]
fn what_was_delivered_is_told_r71_r74() {
    let registered = Registered::new("ping").by_hand();
    let (_flow, good) = flow_and_ping(&registered);
    let deliver = |content_type: Option<&str>| {
        registered
            .client
            .deliver_notification("POST", good.authorization.as_deref(), content_type, good.body.as_bytes())
            .unwrap()
    };
    let delivered = deliver(Some("application/json"));
    assert_eq!((delivered.status(), delivered.http_status()), (Status::OK, 204));
    assert_eq!(delivered.kind(), Some(NotificationKind::Ping));
    assert_eq!(delivered.auth_req_id(), registered.pair.provider.newest().as_deref());
    let malformed = deliver(None);
    assert_eq!((malformed.kind(), malformed.auth_req_id()), (None, None));
}

#[test]
fn a_client_that_polls_sends_no_token_and_hears_nobody_r06_r54() {
    let registered = Registered::new("poll");
    let flow = registered.flow_that("approve after 1 s");
    let start = &registered.pair.provider.journal()[0];
    assert_eq!(start.param("client_notification_token"), None);
    let body = format!(r#"{{"auth_req_id":"{}"}}"#, flow.auth_req_id().unwrap().expose_secret());
    let notification = registered
        .client
        .deliver_notification("POST", Some("Bearer abc"), Some("application/json"), body.as_bytes())
        .unwrap();
    assert_eq!(notification.status(), Status::NOTIFICATION_WRONG_MODE);
    assert_eq!(notification.http_status(), 400);
    assert_eq!(Pair::outcome(&flow), Status::OK);
    registered.assert_then_silence(&flow, &["5200 POST /token -> 200 tokens"]);
}

#[test]
fn a_notification_endpoint_is_registered_for_ping_and_push_and_is_https_r70() {
    let pair = Pair::generic();
    let endpoint = Endpoint::start();
    for mode in ["ping", "push"] {
        let client = |more: &[(&str, &str)]| {
            let settings = [&of_mode(mode, &endpoint)[..], more].concat();
            Client::new(&pair.config(&settings)).map_err(|error| error.status())
        };
        let name = "backchannel_client_notification_endpoint";
        assert!(client(&[(name, "https://desk.example/ciba")]).is_ok());
        assert!(client(&[]).is_ok(), "http to this machine, as allow_http_loopback allows");
        assert_eq!(client(&[(name, "")]).unwrap_err(), Status::MISSING_SETTING);
        let refused = client(&[("allow_http_loopback", "")]).unwrap_err();
        assert_eq!(refused, Status::INVALID_VALUE, "http");
        let elsewhere = client(&[(name, "http://desk.example/ciba")]).unwrap_err();
        assert_eq!(elsewhere, Status::INVALID_VALUE, "http to another machine");
    }
}

#[test]
fn the_metadata_must_offer_the_mode_r54() {
    for mode in ["poll", "ping", "push"] {
        for offered in [r#"["poll"]"#, r#"["ping"]"#, r#"["poll","push"]"#] {
            let pair = Pair::generic();
            let endpoint = Endpoint::start();
            let patch = format!(r#"{{"backchannel_token_delivery_modes_supported":{offered}}}"#);
            pair.provider.next(Kind::Discovery, Fault::Patch(serde_json::from_str(&patch).unwrap()));
            let client = pair.client_with(&of_mode(mode, &endpoint));
            let checked = client.check(None).map_err(|error| error.status());
            let expected = if offered.contains(mode) { Ok(true) } else { Err(Status::METADATA_MISMATCH) };
            assert_eq!(checked, expected, "{mode} at {offered}");
        }
    }
}
