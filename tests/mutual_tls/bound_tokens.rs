//! Access tokens that are bound to the client's certificate (RFC 8705 §3). It sees the binding where the provider
//! tells, in the answer to an introspection, and where the token itself can be read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciba::{Client, Status, TokenKind};
use ciba_sim::{ClientCertificates, Fault, IssuedCertificate, Kind};
use serde_json::json;

use super::common::Pair;
use super::{METHODS, NAME, by_authority, of_kind, provider, refused, signs_in, status_of, with};

const BOUND: (&str, &str) = ("tls_client_certificate_bound_access_tokens", "true");

/// A provider that binds tokens to the certificate of a client with a secret.
fn binding() -> (Pair, IssuedCertificate) {
    let pair = provider(ClientCertificates::Requested, |client| {
        client.token_endpoint_auth_method = Some(METHODS[0].into());
        client.tls_client_auth_san_dns = Some(NAME.into());
        client.tls_client_certificate_bound_access_tokens = true;
    });
    let issued = pair.provider.client_authority().issue(NAME);
    (pair, issued)
}

fn client(pair: &Pair, issued: &IssuedCertificate, more: &[(&str, &str)]) -> Client {
    pair.client_with(&[&with(METHODS[0], issued)[..], &[BOUND], more].concat())
}

#[test]
fn everything_afterwards_is_asked_at_the_aliases_with_the_same_certificate_r01_r03() {
    let (pair, issued) = binding();
    let client = client(&pair, &issued, &[]);
    let parameters = [("binding_message", "approve after 1 s"), ("scope", "openid offline_access")];
    let flow = client.init(&pair.request_with(&parameters), None).unwrap();
    let tokens = flow.poll(None).unwrap().unwrap();
    pair.provider.clear_journal();
    client.userinfo(&tokens, None).unwrap().unwrap();
    let told = client.introspect(&tokens, TokenKind::AccessToken, None).unwrap().unwrap();
    assert_eq!(told.get("cnf").unwrap()["x5t#S256"], issued.thumbprint().as_str());
    let told = client.introspect(&tokens, TokenKind::RefreshToken, None).unwrap().unwrap();
    assert!(told.get("cnf").is_none(), "a refresh token is the client's by its authentication");
    let fresh = client.refresh(&tokens, None).unwrap().unwrap();
    client.userinfo(&fresh, None).unwrap().unwrap();
    client.revoke(&fresh, TokenKind::AccessToken, None).unwrap();
    assert_eq!(
        pair.provider.lines(),
        [
            "5200 GET /userinfo over mTLS -> 200 userinfo",
            "5200 POST /introspect over mTLS -> 200 introspection",
            "5200 POST /introspect over mTLS -> 200 introspection",
            "5200 POST /token over mTLS -> 200 tokens",
            "5200 GET /userinfo over mTLS -> 200 userinfo",
            "5200 POST /revoke over mTLS -> 200 revoked",
        ]
    );
    for entry in pair.provider.journal() {
        assert_eq!(entry.certificate, Some(issued.thumbprint()));
        if entry.method == "POST" {
            assert_eq!(entry.param("client_id").as_deref(), Some(super::CLIENT_ID));
        }
    }
    // Once revoked the provider tells of no binding, and the client misses none.
    let told = client.introspect(&fresh, TokenKind::AccessToken, None).unwrap().unwrap();
    assert_eq!(told.bool("active"), Some(false));
}

#[test]
fn a_missing_alias_of_what_comes_afterwards_is_an_error_there_alone_r01() {
    for (name, is_missed) in [
        ("userinfo_endpoint", [true, false, false]),
        ("introspection_endpoint", [false, true, false]),
        ("revocation_endpoint", [false, false, true]),
    ] {
        let (pair, issued) = binding();
        let patch = json!({ "mtls_endpoint_aliases": { name: null } });
        pair.provider.always(Kind::Discovery, Fault::Patch(patch));
        let request = pair.request_with(&[("binding_message", "approve after 1 s")]);
        let client = client(&pair, &issued, &[]);
        let tokens = client.init(&request, None).unwrap().poll(None).unwrap().unwrap();
        pair.provider.clear_journal();
        let results = [
            client.userinfo(&tokens, None).map(drop),
            client.introspect(&tokens, TokenKind::AccessToken, None).map(drop),
            client.revoke(&tokens, TokenKind::AccessToken, None).map(drop),
        ];
        let missed = results.map(|result| result.err().map(|error| error.status()));
        let missing = Some(Status::METADATA_ENDPOINT_MISSING);
        assert_eq!(missed, is_missed.map(|missed| if missed { missing } else { None }), "{name}");
        assert!(pair.provider.journal().iter().all(|entry| entry.mtls), "{:?}", pair.provider.lines());
        assert_eq!(pair.provider.lines().len(), 2);
    }
}

#[test]
fn an_introspection_that_tells_of_no_binding_or_another_one_is_an_error_where_it_must_be_bound() {
    let another = IssuedCertificate::self_signed(NAME).thumbprint();
    for (cnf, status) in [
        (json!({}), None), // changes nothing: the good twin
        (json!(null), Some(Status::TOKEN_BINDING)),
        (json!({ "x5t#S256": null }), Some(Status::TOKEN_BINDING)),
        (json!({ "x5t#S256": another }), Some(Status::TOKEN_BINDING)),
        (json!({ "x5t#S256": [another] }), Some(Status::TOKEN_BINDING)),
        (json!("cnf"), Some(Status::TOKEN_BINDING)),
    ] {
        for must_be_bound in [true, false] {
            let (pair, issued) = binding();
            let more: &[_] = if must_be_bound { &[] } else { &[(BOUND.0, "false")] };
            let client = client(&pair, &issued, more);
            let request = pair.request_with(&[("binding_message", "approve after 1 s")]);
            let tokens = client.init(&request, None).unwrap().poll(None).unwrap().unwrap();
            pair.provider.next(Kind::Introspection, Fault::Patch(json!({ "cnf": cnf.clone() })));
            let told = client.introspect(&tokens, TokenKind::AccessToken, None);
            let expected = status.filter(|_| must_be_bound);
            assert_eq!(told.err().map(|error| error.status()), expected, "{cnf}");
        }
    }
}

#[test]
fn an_access_token_that_can_be_read_must_not_name_another_certificate() {
    let another = IssuedCertificate::self_signed(NAME).thumbprint();
    let bound_to = |method: &str, thumbprint: &str| {
        let claims = json!({ "cnf": { method: thumbprint } }).to_string();
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    };
    for must_be_bound in [true, false] {
        let (pair, issued) = binding();
        pair.provider.every_id_token(|draft| drop(draft.claims.as_object_mut().unwrap().remove("at_hash")));
        let more: &[_] = if must_be_bound { &[] } else { &[(BOUND.0, "false")] };
        let client = client(&pair, &issued, more);
        let refused = if must_be_bound { Status::TOKEN_BINDING } else { Status::OK };
        for (token, expected) in [
            (bound_to("x5t#S256", &issued.thumbprint()), Status::OK),
            (bound_to("x5t#S256", &another), refused),
            (bound_to("jkt", &another), Status::OK), // says nothing of a certificate
            ("opaque".to_owned(), Status::OK),
        ] {
            pair.provider.next(Kind::Poll, Fault::Patch(json!({ "access_token": token })));
            let request = pair.request_with(&[("binding_message", "approve after 1 s")]);
            let flow = client.init(&request, None).unwrap();
            assert_eq!(Pair::outcome(&flow), expected, "{token} {must_be_bound}");
        }
    }
}

#[test]
fn a_client_that_wants_bound_tokens_needs_a_certificate_and_a_provider_that_binds() {
    let (pair, issued) = binding();
    signs_in(&pair, &[&with(METHODS[0], &issued)[..], &[BOUND]].concat());
    let error = refused(&Pair::generic(), &[BOUND]);
    assert_eq!(error.status(), Status::CONFLICTING_SETTINGS);
    assert!(error.message().contains("no tls_client_certificate"), "{error}");
    for says in [json!(null), json!(false), json!("true")] {
        let (pair, issued) = binding();
        pair.provider.next(Kind::Discovery, Fault::Patch(json!({ BOUND.0: says })));
        let started = client(&pair, &issued, &[]).init(&pair.request(), None);
        assert_eq!(status_of(started), Status::METADATA_MISMATCH, "{says}");
        assert_eq!(pair.provider.lines().len(), 1);
        // Who does not ask for it does not miss it.
        pair.provider.next(Kind::Discovery, Fault::Patch(json!({ BOUND.0: says })));
        signs_in(&pair, &with(METHODS[0], &issued));
    }
}

#[test]
fn a_bound_token_is_no_good_with_another_certificate() {
    let (pair, issued) = binding();
    let first = client(&pair, &issued, &[]);
    let request = pair.request_with(&[("binding_message", "approve after 1 s")]);
    let tokens = first.init(&request, None).unwrap().poll(None).unwrap().unwrap();
    let renewed = pair.provider.client_authority().issue(NAME);
    let second = client(&pair, &renewed, &[]);
    assert_eq!(status_of(second.userinfo(&tokens, None)), Status::INVALID_TOKEN);
    let told = status_of(second.introspect(&tokens, TokenKind::AccessToken, None));
    assert_eq!(told, Status::TOKEN_BINDING, "bound to the certificate before");
    first.userinfo(&tokens, None).unwrap().unwrap();
    let shown: Vec<_> = of_kind(&pair, Kind::Userinfo).into_iter().map(|e| e.certificate.unwrap()).collect();
    assert_eq!(shown, [renewed.thumbprint(), issued.thumbprint()]);
}

#[test]
fn tokens_of_a_provider_that_binds_none_are_told_apart_r03() {
    // Registered without it: the provider gives tokens that are not bound.
    let (pair, issued) = by_authority(ClientCertificates::Requested);
    let client = client(&pair, &issued, &[]);
    let request = pair.request_with(&[("binding_message", "approve after 1 s")]);
    let tokens = client.init(&request, None).unwrap().poll(None).unwrap().unwrap();
    let error = client.introspect(&tokens, TokenKind::AccessToken, None).unwrap_err();
    assert_eq!(error.status(), Status::TOKEN_BINDING);
    assert!(error.message().contains("not bound"), "{error}");
}
