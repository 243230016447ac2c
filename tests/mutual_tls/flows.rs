//! Whole flows that are authenticated by a certificate, and what becomes of them without the right one.

use ciba::{Client, Status};
use ciba_sim::{ClientAuthority, ClientCertificates, IssuedCertificate, Kind};

use super::common::Pair;
use super::{
    CLIENT_ID, METHODS, NAME, STARTED_OVER_MTLS, by_authority, of_kind, provider, self_signed, signs_in,
    status_of, with,
};

/// The form of a request: its names and values but for those that differ from run to run.
fn form(entry: &ciba_sim::Entry) -> Vec<(String, String)> {
    entry.form().into_iter().filter(|(name, _)| name != "auth_req_id").collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn each_method_shows_the_certificate_and_sends_the_client_id_and_nothing_else_r03_r28_r40_r80() {
    let own = IssuedCertificate::self_signed(NAME);
    let by_authority = by_authority(ClientCertificates::Requested);
    for (method, (pair, issued)) in METHODS.iter().zip([by_authority, (self_signed(&own.x5c()), own)]) {
        let request = pair.request_with(&[("binding_message", "approve after 6 s")]);
        let flow = pair.client_with(&with(method, &issued)).init(&request, None).unwrap();
        assert_eq!(Pair::outcome(&flow), Status::OK);
        pair.assert_requests_then_silence(
            &flow,
            &[
                STARTED_OVER_MTLS[0],
                STARTED_OVER_MTLS[1],
                STARTED_OVER_MTLS[2],
                "5200 POST /token over mTLS -> 400 authorization_pending",
                "10400 POST /token over mTLS -> 200 tokens",
            ],
        );
        let journal = pair.provider.journal();
        for entry in &journal {
            assert_eq!(entry.header("authorization"), None);
            let shown = matches!(entry.kind, Kind::Start | Kind::Poll).then(|| issued.thumbprint());
            assert_eq!(entry.certificate, shown, "{}", entry.path);
        }
        let parameters = [
            ("scope", "openid"),
            ("login_hint", "alice"),
            ("binding_message", "approve after 6 s"),
            ("client_id", CLIENT_ID),
        ];
        let mut sent = form(&journal[1]);
        let mut expected = pairs(&parameters);
        sent.sort();
        expected.sort();
        assert_eq!(sent, expected);
        let mut sent = form(&journal[3]);
        sent.sort();
        assert_eq!(
            sent,
            pairs(&[("client_id", CLIENT_ID), ("grant_type", "urn:openid:params:grant-type:ciba")])
        );
    }
}

#[test]
fn a_signed_request_has_the_client_id_beside_it_r20_r28() {
    let (pair, issued) = {
        let pair = provider(ClientCertificates::Requested, |client| {
            client.token_endpoint_auth_method = Some(METHODS[0].into());
            client.tls_client_auth_san_dns = Some(NAME.into());
            client.backchannel_authentication_request_signing_alg = Some("ES256".into());
            let keys = include_str!("../fixtures/keys/keys.jwk.json");
            let keys: serde_json::Value = serde_json::from_str(keys).unwrap();
            let mut key = keys["p256"].clone();
            key.as_object_mut().unwrap().remove("d");
            client.jwks = serde_json::json!({ "keys": [key] });
        });
        let issued = pair.provider.client_authority().issue(NAME);
        (pair, issued)
    };
    let signing = [
        ("backchannel_authentication_request_signing_alg", "ES256"),
        ("client_private_key", include_str!("../fixtures/keys/p256_pkcs8.pem")),
    ];
    signs_in(&pair, &[&with(METHODS[0], &issued)[..], &signing].concat());
    let start = &of_kind(&pair, Kind::Start)[0];
    let names: Vec<String> = start.form().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["client_id", "request"]);
    assert_eq!(start.param("client_id").as_deref(), Some(CLIENT_ID));
}

#[test]
fn a_handshake_without_the_right_certificate_ends_the_start_at_once_and_nothing_is_processed_r03() {
    type Issue = fn(&ClientAuthority) -> IssuedCertificate;
    let cases: [(&str, Option<Issue>, Option<&str>); 5] = [
        ("good", Some(|authority| authority.issue(NAME)), None),
        ("none", None, Some("CertificateRequired")),
        ("of another authority", Some(|_| ClientAuthority::new().issue(NAME)), Some("DecryptError")),
        ("self-signed", Some(|_| IssuedCertificate::self_signed(NAME)), Some("UnknownCA")),
        ("expired", Some(|authority| authority.issue_expired(NAME)), Some("CertificateExpired")),
    ];
    for (what, issue, alert) in cases {
        let (pair, _) = by_authority(ClientCertificates::Required);
        let issued = issue.map(|issue| issue(pair.provider.client_authority()));
        let token = format!("{}/token", pair.provider.mtls_base().unwrap());
        let start = format!("{}/bc-authorize", pair.provider.mtls_base().unwrap());
        // Without a certificate: a client that knows where, and has a secret alone.
        let plain = [
            ("token_endpoint_auth_method", "client_secret_basic"),
            ("client_secret", "s3cret"),
            ("token_endpoint", &token),
            ("backchannel_authentication_endpoint", &start),
        ];
        let client = match &issued {
            Some(issued) => pair.client_with(&with(METHODS[0], issued)),
            None => pair.client_with(&plain),
        };
        let flow = client.begin(&pair.request()).unwrap();
        let started = flow.wait_started(None);
        let Some(alert) = alert else {
            started.unwrap();
            assert_eq!(pair.provider.request_count(Kind::Start), 1);
            continue;
        };
        let error = started.unwrap_err();
        assert_eq!(error.status(), Status::TLS_FAILED, "{what}: {error}");
        let text = match issued {
            None => "127.0.0.1 wants a client certificate in TLS, and there is none",
            Some(_) => "127.0.0.1 does not accept the client's certificate in TLS",
        };
        assert_eq!(error.message(), format!("{text}: {alert}"), "{what}");
        pair.assert_requests_then_silence(&flow, &[STARTED_OVER_MTLS[0]]);
    }
}

#[test]
fn a_certificate_that_the_provider_does_not_take_is_invalid_client_and_the_flow_ends_r03_r47() {
    type Issue = fn(&ClientAuthority) -> IssuedCertificate;
    let cases: [(&str, Issue, bool); 5] = [
        ("good", |authority| authority.issue(NAME), true),
        ("for another name", |authority| authority.issue("desk-8.client.example"), false),
        ("of another authority", |_| ClientAuthority::new().issue(NAME), false),
        ("self-signed", |_| IssuedCertificate::self_signed(NAME), false),
        ("expired", |authority| authority.issue_expired(NAME), false),
    ];
    for (what, issue, taken) in cases {
        let (pair, _) = by_authority(ClientCertificates::Requested);
        let issued = issue(pair.provider.client_authority());
        let client = pair.client_with(&with(METHODS[0], &issued));
        let flow = client.begin(&pair.request()).unwrap();
        let started = flow.wait_started(None);
        if taken {
            started.unwrap();
            continue;
        }
        let error = started.unwrap_err();
        assert_eq!(
            (error.status(), error.oauth_error()),
            (Status::INVALID_CLIENT, Some("invalid_client")),
            "{what}"
        );
        pair.assert_requests_then_silence(
            &flow,
            &[STARTED_OVER_MTLS[0], "0 POST /bc-authorize over mTLS -> 401 invalid_client"],
        );
    }
    // A self-signed one that is not the registered one, and the registered one.
    let own = IssuedCertificate::self_signed(NAME);
    let pair = self_signed(&own.x5c());
    signs_in(&pair, &with(METHODS[1], &own));
    let other = pair.client_with(&with(METHODS[1], &IssuedCertificate::self_signed(NAME)));
    assert_eq!(status_of(other.init(&pair.request(), None)), Status::INVALID_CLIENT);
}

#[test]
fn a_token_endpoint_that_refuses_the_certificate_in_tls_is_waited_out_and_sent_nothing_r48() {
    // As a provider does whose trust store is being changed: the start is taken, the polls are not.
    let (pair, good) = by_authority(ClientCertificates::Requested);
    let (strict, _) = by_authority(ClientCertificates::Required);
    let token = format!("{}/token", strict.provider.mtls_base().unwrap());
    let ca = format!("{}{}", pair.provider.ca_pem().unwrap(), strict.provider.ca_pem().unwrap());
    let settings = [("mtls_endpoint_aliases.token_endpoint", token.as_str()), ("ca_certificates", &ca)];
    let client = pair.client_with(&[&with(METHODS[0], &good)[..], &settings].concat());
    let flow = client.init(&pair.request(), None).unwrap();
    assert_eq!(Pair::outcome(&flow), Status::EXPIRED, "nothing was lost: nothing was processed");
    assert_eq!(flow.last_trouble().map(|error| error.status()), Some(Status::TLS_FAILED));
    assert!(strict.provider.lines().is_empty());
}

#[test]
fn a_certificate_goes_with_every_other_method_and_the_aliases_with_it_r03() {
    let secret = "a secret of many characters, as long as HS512 wants it to be: 64 bytes at least";
    let keys = include_str!("../fixtures/keys/keys.jwk.json");
    let keys: serde_json::Value = serde_json::from_str(keys).unwrap();
    let mut public = keys["p256"].clone();
    public.as_object_mut().unwrap().remove("d");
    let pem = include_str!("../fixtures/keys/p256_pkcs8.pem");
    for (method, beside) in [
        ("client_secret_basic", &[][..]),
        ("client_secret_post", &["client_id", "client_secret"]),
        ("client_secret_jwt", &["client_assertion", "client_assertion_type", "client_id"]),
        ("private_key_jwt", &["client_assertion", "client_assertion_type", "client_id"]),
    ] {
        let pair = provider(ClientCertificates::Required, |client| {
            client.secret = secret.into();
            client.token_endpoint_auth_method = Some(method.into());
            client.jwks = serde_json::json!({ "keys": [public] });
        });
        let issued = pair.provider.client_authority().issue(NAME);
        let key = [("client_private_key", pem)];
        signs_in(&pair, &[&with(method, &issued)[..], &key].concat());
        let lines = [STARTED_OVER_MTLS.as_slice(), &["5200 POST /token over mTLS -> 200 tokens"]].concat();
        assert_eq!(pair.provider.lines(), lines, "{method}");
        for entry in pair.provider.journal().iter().filter(|entry| entry.mtls) {
            assert_eq!(entry.certificate, Some(issued.thumbprint()));
            assert_eq!(entry.header("authorization").is_some(), beside.is_empty());
            let mut names: Vec<String> = entry.form().into_iter().map(|(name, _)| name).collect();
            names.retain(|name| name.starts_with("client_"));
            names.sort();
            assert_eq!(names, beside, "{method}");
        }
    }
}

#[test]
fn identities_share_no_connection_and_no_session_r03() {
    let names = ["one.client.example", "two.client.example"];
    let pair = Pair::with(ciba_sim::personality::generic(), |config| {
        config.mtls = Some(ClientCertificates::Requested);
        config.clients = names
            .iter()
            .map(|name| {
                let mut client = ciba_sim::Client::new(name, "");
                client.token_endpoint_auth_method = Some(METHODS[0].into());
                client.tls_client_auth_san_dns = Some((*name).into());
                client
            })
            .collect();
    });
    let authority = pair.provider.client_authority();
    let issued = names.map(|name| authority.issue(name));
    let settings = |at: usize| [&with(METHODS[0], &issued[at])[..], &[("client_id", names[at])]].concat();
    let clients: Vec<Client> = [0, 1, 0, 1].map(|at| pair.client_with(&settings(at))).into();
    // In turn, each over its kept connection, and anew after all were closed: sessions are resumed then.
    for _ in 0..3 {
        for client in &clients {
            client.init(&pair.request(), None).unwrap();
        }
        pair.provider.drop_connections(false);
    }
    let starts = of_kind(&pair, Kind::Start);
    assert_eq!(starts.len(), 12);
    for start in starts {
        let at = names.iter().position(|name| start.param("client_id").as_deref() == Some(name)).unwrap();
        assert_eq!(start.certificate, Some(issued[at].thumbprint()));
        assert_eq!(start.answer, "ack");
    }
}
