//! The endpoints for client certificates (RFC 8705 §5).

use ciba::{Client, Status};
use ciba_sim::{ClientCertificates, Fault, Kind};
use serde_json::{Value, json};

use super::common::{Pair, STARTED};
use super::{METHODS, STARTED_OVER_MTLS, by_authority, refused, signs_in, status_of, with};

const ENDPOINTS: [(&str, &str); 5] = [
    ("backchannel_authentication_endpoint", "/bc-authorize"),
    ("token_endpoint", "/token"),
    ("userinfo_endpoint", "/userinfo"),
    ("introspection_endpoint", "/introspect"),
    ("revocation_endpoint", "/revoke"),
];

#[test]
fn without_a_certificate_the_aliases_are_of_no_account_r01() {
    let pair = Pair::with(ciba_sim::personality::generic(), |config| {
        config.mtls = Some(ClientCertificates::Requested);
    });
    pair.provider.next(Kind::Discovery, Fault::Patch(json!({ "mtls_endpoint_aliases": "nonsense" })));
    signs_in(&pair, &[]);
    let lines = [STARTED.as_slice(), &["5200 POST /token -> 200 tokens"]].concat();
    assert_eq!(pair.provider.lines(), lines);
}

#[test]
fn an_alias_that_is_missing_or_no_good_stops_everything_before_the_start_r01() {
    let missing = Status::METADATA_ENDPOINT_MISSING;
    let at = |url: &str| json!({ "mtls_endpoint_aliases": { "token_endpoint": url } });
    for (patch, status) in [
        (json!({ "mtls_endpoint_aliases": null }), missing),
        (json!({ "mtls_endpoint_aliases": { "token_endpoint": null } }), missing),
        (json!({ "mtls_endpoint_aliases": { "backchannel_authentication_endpoint": null } }), missing),
        (json!({ "mtls_endpoint_aliases": [] }), Status::METADATA_MALFORMED),
        (json!({ "mtls_endpoint_aliases": "https://127.0.0.1/" }), Status::METADATA_MALFORMED),
        (json!({ "mtls_endpoint_aliases": { "token_endpoint": 7 } }), Status::METADATA_MALFORMED),
        (at(""), Status::METADATA_MALFORMED),
        (at("https://me@127.0.0.1/token"), Status::METADATA_MALFORMED),
        (at("https://127.0.0.1/token#part"), Status::METADATA_MALFORMED),
        (at("http://127.0.0.1/token"), Status::METADATA_MALFORMED),
        (at("https://evil.example/token"), Status::METADATA_ENDPOINT_HOST),
        (at("https://127.0.0.1.evil.example/token"), Status::METADATA_ENDPOINT_HOST),
    ] {
        let (pair, issued) = by_authority(ClientCertificates::Requested);
        pair.provider.next(Kind::Discovery, Fault::Patch(patch.clone()));
        // http is refused for an alias also where it is allowed otherwise: it shows no certificate.
        let http = [("allow_http_loopback", "true")];
        let client = pair.client_with(&[&with(METHODS[0], &issued)[..], &http].concat());
        let flow = client.begin(&pair.request()).unwrap();
        let error = flow.wait_started(None).unwrap_err();
        assert_eq!(error.status(), status, "{patch}: {error}");
        assert!(error.message().contains("mtls_endpoint_aliases"), "{error}");
        let advice = error.message().contains("mtls_endpoint_aliases_required=false");
        assert_eq!(advice, status == missing, "{error}");
        pair.assert_requests_then_silence(&flow, &[STARTED_OVER_MTLS[0]]);
        // The good twin, with the same client.
        client.init(&pair.request(), None).unwrap();
    }
}

#[test]
fn a_plain_endpoint_is_asked_only_where_the_caller_accepts_it_and_the_others_stay_r01() {
    for (aliases, lines) in [
        (
            json!({ "token_endpoint": null }),
            ["POST /bc-authorize over mTLS -> 200 ack", "POST /token -> 401"],
        ),
        (json!({ "backchannel_authentication_endpoint": null }), ["POST /bc-authorize -> 401", ""]),
    ] {
        let (pair, issued) = by_authority(ClientCertificates::Requested);
        let accepted = [("mtls_endpoint_aliases_required", "false")];
        let settings = [&with(METHODS[0], &issued)[..], &accepted].concat();
        pair.provider.next(Kind::Discovery, Fault::Patch(json!({ "mtls_endpoint_aliases": aliases })));
        // The plain endpoint of this provider asks for no certificate, so it knows nobody there.
        let request = pair.request_with(&[("binding_message", "approve after 1 s")]);
        let flow = pair.client_with(&settings).begin(&request).unwrap();
        assert_eq!(Pair::outcome(&flow), Status::INVALID_CLIENT);
        let posts =
            pair.provider.lines().into_iter().filter(|line| line.contains("POST")).collect::<Vec<_>>();
        for (post, line) in posts.iter().zip(lines) {
            assert!(post.contains(line), "{posts:?}");
        }
        // Accepting is no wish: what has an alias is asked there.
        signs_in(&pair, &settings);
        assert!(pair.provider.lines().last().unwrap().contains("POST /token over mTLS -> 200 tokens"));
    }
}

#[test]
fn a_plain_endpoint_without_tls_is_never_accepted_for_a_certificate_r01() {
    let (pair, issued) = by_authority(ClientCertificates::Requested);
    let plain = format!("{}/token", pair.provider.base_url());
    for (url, status) in
        [(plain.as_str(), Status::INVALID_CLIENT), ("http://127.0.0.1/token", Status::METADATA_MALFORMED)]
    {
        let patch = json!({ "mtls_endpoint_aliases": { "token_endpoint": null }, "token_endpoint": url });
        pair.provider.next(Kind::Discovery, Fault::Patch(patch));
        let settings = [("mtls_endpoint_aliases_required", "false"), ("allow_http_loopback", "true")];
        let client = pair.client_with(&[&with(METHODS[0], &issued)[..], &settings].concat());
        let flow = client.begin(&pair.request()).unwrap();
        assert_eq!(Pair::outcome(&flow), status, "{url}");
    }
    assert_eq!(pair.provider.request_count(Kind::Start), 1, "the second was not begun");
}

#[test]
fn aliases_that_are_given_are_asked_and_nothing_is_discovered_for_them_r01() {
    let (pair, issued) = by_authority(ClientCertificates::Required);
    let base = pair.provider.mtls_base().unwrap();
    let jwks = format!("{}/jwks", pair.provider.base_url());
    let members = ENDPOINTS.map(|(name, path)| (name.to_owned(), Value::from(format!("{base}{path}"))));
    let json = json!({
        "mtls_endpoint_aliases": members.into_iter().collect::<serde_json::Map<_, _>>(),
        "jwks_uri": jwks,
    });
    let mut config = pair.config(&with(METHODS[0], &issued));
    config.set_json(&json.to_string()).unwrap();
    let client = Client::new(&config).unwrap();
    let request = pair.request_with(&[("binding_message", "approve after 1 s")]);
    let tokens = client.init(&request, None).unwrap().poll(None).unwrap().unwrap();
    client.userinfo(&tokens, None).unwrap().unwrap();
    assert_eq!(
        pair.provider.lines(),
        [
            "0 POST /bc-authorize over mTLS -> 200 ack",
            "0 GET /jwks -> 200 jwks",
            "5200 POST /token over mTLS -> 200 tokens",
            "5200 GET /userinfo over mTLS -> 200 userinfo",
        ]
    );
}

#[test]
fn endpoints_that_are_given_without_their_alias_are_an_error_unless_the_caller_accepts_them_r01() {
    let (pair, issued) = by_authority(ClientCertificates::Requested);
    let base = pair.provider.mtls_base().unwrap();
    for (name, path) in ENDPOINTS {
        let plain = format!("{base}{path}");
        let alias = format!("mtls_endpoint_aliases.{name}");
        let good = with(METHODS[0], &issued);
        let given = [&good[..], &[(name, plain.as_str())]].concat();
        let error = refused(&pair, &given);
        assert_eq!(error.status(), Status::CONFLICTING_SETTINGS);
        assert!(error.message().contains(&alias) && error.message().contains("_required=false"), "{error}");
        // Either makes a good twin; the alias is the one that is asked.
        Client::new(&pair.config(&[&given[..], &[("mtls_endpoint_aliases_required", "false")]].concat()))
            .unwrap();
        Client::new(&pair.config(&[&given[..], &[(&alias, plain.as_str())]].concat())).unwrap();
        // http shows no certificate, and an alias without a certificate is a mistake.
        let http = plain.replace("https:", "http:");
        let settings =
            [&good[..], &[(alias.as_str(), http.as_str()), ("allow_http_loopback", "true")]].concat();
        assert_eq!(refused(&pair, &settings).status(), Status::INVALID_VALUE);
        let error = refused(&Pair::generic(), &[(&alias, &plain)]);
        assert_eq!(error.status(), Status::CONFLICTING_SETTINGS);
        assert!(error.message().contains("no tls_client_certificate"), "{error}");
    }
    for method in METHODS {
        let error = refused(&pair, &[("token_endpoint_auth_method", method)]);
        assert_eq!(error.status(), Status::MISSING_SETTING);
        assert!(error.message().contains("tls_client_certificate"), "{error}");
    }
    // What the caller gives and accepts stays, whatever the metadata name.
    let token = format!("{base}/token");
    let settings = [("token_endpoint", token.as_str()), ("mtls_endpoint_aliases_required", "false")];
    let elsewhere = json!({ "mtls_endpoint_aliases": { "token_endpoint": "https://127.0.0.1:1/token" } });
    pair.provider.next(Kind::Discovery, Fault::Patch(elsewhere));
    signs_in(&pair, &[&with(METHODS[0], &issued)[..], &settings].concat());
}

#[test]
fn a_provider_by_name_is_asked_at_its_aliases_too_r01() {
    let pair = Pair::with(ciba_sim::personality::signaturgruppen(), |config| {
        config.mtls = Some(ClientCertificates::Required);
    });
    let issued = pair.provider.client_authority().issue("any.client.example");
    let request = pair.request_with(&[("login_hint_token.referenceTextBody", "approve after 1 s")]);
    let with = with("client_secret_basic", &issued);
    let flow = pair.client_with(&with).init(&request, None).unwrap();
    assert_eq!(Pair::outcome(&flow), Status::OK);
    let posts: Vec<_> = pair.provider.lines().into_iter().filter(|line| line.contains("POST")).collect();
    assert!(posts.len() == 2 && posts.iter().all(|line| line.contains("over mTLS")), "{posts:?}");
    // Its endpoints are known without metadata; its aliases are not.
    pair.provider.next(Kind::Discovery, Fault::Patch(json!({ "mtls_endpoint_aliases": null })));
    let started = pair.client_with(&with).init(&request, None);
    assert_eq!(status_of(started), Status::METADATA_ENDPOINT_MISSING);
}
