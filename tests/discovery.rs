//! Metadata: what is refused in it, and that nothing goes where it must not.

mod common;

use ciba::{Client, Status};
use ciba_sim::{Answer, Fault, Kind};
use common::{Pair, STARTED, web_page};
use serde_json::json;

#[test]
fn metadata_that_are_wrong_in_one_thing_stop_everything_before_the_start_r01() {
    for (name, patch, status) in [
        ("another issuer", json!({"issuer": "https://127.0.0.1"}), Status::METADATA_ISSUER),
        ("no issuer", json!({"issuer": null}), Status::METADATA_ISSUER),
        (
            "no endpoint",
            json!({"backchannel_authentication_endpoint": null}),
            Status::METADATA_ENDPOINT_MISSING,
        ),
        ("no token endpoint", json!({"token_endpoint": null}), Status::METADATA_ENDPOINT_MISSING),
        ("no keys", json!({"jwks_uri": null}), Status::METADATA_ENDPOINT_MISSING),
        (
            "elsewhere",
            json!({"token_endpoint": "https://evil.example/token"}),
            Status::METADATA_ENDPOINT_HOST,
        ),
        ("elsewhere", json!({"jwks_uri": "https://127.0.0.2/jwks"}), Status::METADATA_ENDPOINT_HOST),
        (
            "elsewhere",
            json!({"backchannel_authentication_endpoint": "https://127.0.0.1.example/"}),
            Status::METADATA_ENDPOINT_HOST,
        ),
        ("http", json!({"token_endpoint": "http://127.0.0.1/token"}), Status::METADATA_MALFORMED),
        ("a user", json!({"jwks_uri": "https://me:pw@127.0.0.1/jwks"}), Status::METADATA_MALFORMED),
        ("a fragment", json!({"jwks_uri": "https://127.0.0.1/jwks#a"}), Status::METADATA_MALFORMED),
        (
            "ping only",
            json!({"backchannel_token_delivery_modes_supported": ["ping"]}),
            Status::METADATA_MISMATCH,
        ),
        ("no basic", json!({"token_endpoint_auth_methods_supported": ["none"]}), Status::METADATA_MISMATCH),
        ("no RS256", json!({"id_token_signing_alg_values_supported": ["HS256"]}), Status::METADATA_MISMATCH),
        ("no list", json!({"id_token_signing_alg_values_supported": "RS256"}), Status::METADATA_MALFORMED),
    ] {
        let pair = Pair::generic();
        pair.provider.next(Kind::Discovery, Fault::Patch(patch.clone()));
        let client = pair.client();
        let flow = client.begin(&pair.request()).unwrap();
        assert_eq!(flow.wait_started(None).unwrap_err().status(), status, "{name}: {patch}");
        pair.assert_requests_then_silence(&flow, &[STARTED[0]]);
        // What was wrong is not kept: the good twin passes, with the same client.
        client.init(&pair.request(), None).unwrap();
    }
}

#[test]
fn metadata_that_cannot_be_had_stop_everything_before_the_start() {
    let deep = "[".repeat(100_000);
    let raw = |text: String| Fault::Raw(text.into());
    for (name, fault, journal, status) in [
        ("500", Fault::Answer(Answer::new(500, "")), "500 (answer)", Status::DISCOVERY_FAILED),
        ("404", web_page(404), "404 (answer)", Status::DISCOVERY_FAILED),
        ("a redirect", Fault::Redirect("/elsewhere".into()), "302 (redirect)", Status::DISCOVERY_FAILED),
        ("closed", Fault::Close, "(closed)", Status::DISCOVERY_FAILED),
        ("reset", Fault::Reset, "(reset)", Status::DISCOVERY_FAILED),
        ("cut", Fault::CutInBody { status: None }, "200 (cut)", Status::DISCOVERY_FAILED),
        ("without an end", Fault::EndlessBody, "200 (endless)", Status::DISCOVERY_FAILED),
        ("a login portal", web_page(200), "200 (answer)", Status::METADATA_MALFORMED),
        ("nested", raw(deep), "200 (raw)", Status::METADATA_MALFORMED),
        (
            "a name twice",
            raw(r#"{"issuer":"a","issuer":"b"}"#.into()),
            "200 (raw)",
            Status::METADATA_MALFORMED,
        ),
    ] {
        let pair = Pair::generic();
        pair.provider.next(Kind::Discovery, fault);
        let client = pair.client();
        let flow = client.begin(&pair.request()).unwrap();
        assert_eq!(flow.wait_started(None).unwrap_err().status(), status, "{name}");
        let request = format!("0 GET /.well-known/openid-configuration -> {journal}");
        pair.assert_requests_then_silence(&flow, &[&request]);
        client.init(&pair.request(), None).unwrap();
    }
}

#[test]
fn a_dead_network_or_an_untrusted_certificate_is_a_failed_discovery_that_says_why() {
    let pair = Pair::generic();
    pair.provider.go_offline();
    let error = pair.client().init(&pair.request(), None).unwrap_err();
    assert_eq!(error.status(), Status::DISCOVERY_FAILED);
    assert!(error.message().contains("could not be reached"), "{error}");

    let pair = Pair::with(ciba_sim::personality::generic(), |config| {
        config.certificate = ciba_sim::Certificate::Untrusted;
    });
    let error = pair.client().init(&pair.request(), None).unwrap_err();
    assert_eq!(error.status(), Status::DISCOVERY_FAILED);
    assert!(error.message().contains("TLS"), "{error}");
    assert!(pair.provider.lines().is_empty());
}

#[test]
fn metadata_are_fetched_once_for_all_flows_of_a_client_and_not_for_given_endpoints() {
    let pair = Pair::generic();
    let client = pair.client();
    for _ in 0..3 {
        client.init(&pair.request(), None).unwrap();
    }
    assert_eq!(pair.provider.request_count(Kind::Discovery), 1);

    let base = pair.provider.base_url().to_owned();
    let at = |path: &str| format!("{base}{path}");
    let client = pair.client_with(&[
        ("backchannel_authentication_endpoint", &at("/bc-authorize")),
        ("token_endpoint", &at("/token")),
        ("jwks_uri", &at("/jwks")),
    ]);
    client.init(&pair.request(), None).unwrap();
    assert_eq!(pair.provider.request_count(Kind::Discovery), 1, "nothing was left to discover");
}

#[test]
fn a_check_fetches_metadata_and_keys_and_rings_nobody() {
    let pair = Pair::generic();
    assert!(pair.client().check(None).unwrap());
    assert_eq!(pair.provider.lines(), [STARTED[0], STARTED[2]]);
    for (kind, status) in
        [(Kind::Discovery, Status::DISCOVERY_FAILED), (Kind::Jwks, Status::KEYS_UNAVAILABLE)]
    {
        pair.provider.next(kind, web_page(503));
        assert_eq!(pair.client().check(None).unwrap_err().status(), status);
    }
    assert_eq!(pair.provider.request_count(Kind::Start), 0);
}

#[test]
fn settings_that_cannot_work_are_refused_when_the_client_is_made_r01() {
    let pair = Pair::generic();
    for (name, value, status) in [
        ("client_id", "", Status::MISSING_SETTING),
        ("client_secret", "", Status::MISSING_SETTING),
        ("issuer", "", Status::MISSING_SETTING),
        ("issuer", "http://id.example", Status::INVALID_VALUE),
        ("issuer", "https://id.example/?a=b", Status::INVALID_VALUE),
        ("token_endpoint", "http://127.0.0.1/token", Status::INVALID_VALUE),
        ("cancel_endpoint", "https://id.example/cancel", Status::INVALID_VALUE),
        ("cancel_endpoint", "https://id.example/?id={auth_req_id}", Status::INVALID_VALUE),
        ("ca_file", "/nowhere/ca.pem", Status::FILE),
        ("ca_certificates", "no PEM", Status::INVALID_VALUE),
        ("ca_certificates", "", Status::CONFLICTING_SETTINGS),
        ("proxy", "ftp://proxy.example", Status::INVALID_VALUE),
        ("proxy_username", "me", Status::CONFLICTING_SETTINGS),
        ("log_file", "/nowhere/ciba.log", Status::FILE),
    ] {
        let mut config = pair.config(&[]);
        assert!(Client::new(&config).is_ok(), "the twin");
        let made =
            config.set(name, value).map(|config| config.clone()).and_then(|config| Client::new(&config));
        assert_eq!(made.err().map(|e| e.status()), Some(status), "{name}={value}");
    }
    assert!(pair.provider.lines().is_empty());
}
