//! The profile of the Financial-grade API for CIBA: everything that it forbids, one by one, and its good twin.

mod common;

use ciba::{Client, Form, SETTINGS, Status};
use ciba_sim::{ClientCertificates, Entry, Fault, Kind, personality};
use common::Pair;
use serde_json::{Value, json};

const RSA: &str = include_str!("fixtures/keys/rsa_pkcs8.pem");
const P256: &str = include_str!("fixtures/keys/p256_pkcs8.pem");
const FORBIDDEN: &str = "the profile fapi-ciba";

/// A provider as the profile wants it, and the settings of a client there.
struct Desk {
    pair: Pair,
    settings: Vec<(&'static str, String)>,
}

impl Desk {
    fn new(alg: &str, key: &str) -> Desk {
        Desk::with(alg, key, |client| client.tls_client_certificate_bound_access_tokens = true)
    }

    fn with(alg: &str, key: &str, change: impl FnOnce(&mut ciba_sim::Client)) -> Desk {
        let mut client = ciba_sim::Client::new("desk-7", "a secret of the client, which is of no use here");
        client.token_endpoint_auth_method = Some("private_key_jwt".into());
        client.token_endpoint_auth_signing_alg = Some(alg.into());
        client.backchannel_authentication_request_signing_alg = Some(alg.into());
        change(&mut client);
        let keys: Value = serde_json::from_str(include_str!("fixtures/keys/keys.jwk.json")).unwrap();
        let public = ["rsa", "p256"].map(|name| {
            let mut key = keys[name].clone();
            key.as_object_mut()
                .unwrap()
                .retain(|name, _| ["kty", "crv", "x", "y", "n", "e"].contains(&&**name));
            key
        });
        client.jwks = json!({ "keys": public });
        let pair = Pair::with(personality::generic(), |config| {
            config.mtls = Some(ClientCertificates::Requested);
            config.clients = vec![client];
        });
        let listed = json!({ "id_token_signing_alg_values_supported": ["RS256", "PS256"] });
        pair.provider.always(Kind::Discovery, Fault::Patch(listed));
        pair.provider.every_id_token(|draft| draft.header["alg"] = "PS256".into());
        let issued = pair.provider.client_authority().issue("desk-7.client.example");
        let settings = vec![
            ("profile", "fapi-ciba".to_owned()),
            ("client_private_key", key.to_owned()),
            ("tls_client_certificate", issued.certificate.clone()),
            ("tls_client_key", issued.key.clone()),
        ];
        Desk { pair, settings }
    }

    /// A client with these settings in place of the good ones.
    fn client(&self, changes: &[(&str, &str)]) -> ciba::Result<Client> {
        Client::new(&self.config(changes))
    }

    fn config(&self, changes: &[(&str, &str)]) -> ciba::Config {
        let good = self.settings.iter().map(|(name, value)| (*name, value.as_str()));
        let all: Vec<(&str, &str)> = good.chain(changes.iter().copied()).collect();
        self.pair.config(&all)
    }

    fn starts(&self) -> Vec<Entry> {
        self.pair.provider.journal().into_iter().filter(|entry| entry.kind == Kind::Start).collect()
    }
}

fn header_and_claims(jwt: &str) -> [Value; 2] {
    use base64::Engine as _;
    let parts: Vec<&str> = jwt.split('.').collect();
    [0, 1].map(|part| {
        let bytes = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(parts[part]).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    })
}

#[test]
fn the_profile_alone_makes_a_sign_in_what_fapi_ciba_asks_for_r20_r21_r22_r27() {
    for (alg, key) in [("PS256", RSA), ("ES256", P256)] {
        let desk = Desk::new(alg, key);
        let request = desk.pair.request_with(&[("binding_message", "approve after 1 s")]);
        let flow = desk.client(&[]).unwrap().init(&request, None).unwrap();
        assert_eq!(Pair::outcome(&flow), Status::OK, "{alg}");
        desk.pair.assert_requests_then_silence(
            &flow,
            &[
                "0 GET /.well-known/openid-configuration -> 200 discovery",
                "0 POST /bc-authorize over mTLS -> 200 ack",
                "0 GET /jwks -> 200 jwks",
                "5200 POST /token over mTLS -> 200 tokens",
            ],
        );
        let start = &desk.starts()[0];
        let names: Vec<String> = start.form().into_iter().map(|(name, _)| name).collect();
        assert!(!names.iter().any(|name| ["scope", "login_hint", "binding_message"].contains(&&**name)));
        assert_eq!(start.header("authorization"), None);
        for name in ["request", "client_assertion"] {
            let [header, claims] = header_and_claims(&start.param(name).unwrap());
            assert_eq!(header["alg"], alg, "{name}");
            assert_eq!(claims["aud"], desk.pair.provider.issuer(), "{name}");
            let time = |claim: &str| claims[claim].as_i64().unwrap();
            assert!(time("exp") - time("nbf") <= 3600 && time("nbf") <= time("iat"), "{claims}");
            assert!(claims["iss"] == "desk-7" && claims["jti"].as_str().unwrap().len() >= 22, "{claims}");
        }
    }
}

/// What a setting may be under the profile; every other word that the table of settings knows is refused.
const WORDS: &[(&str, &[&str])] = &[
    ("token_endpoint_auth_method", &["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"]),
    ("token_endpoint_auth_signing_alg", &["PS256"]),
    ("backchannel_authentication_request_signing_alg", &["PS256"]),
    ("id_token_signed_response_alg", &["PS256", "ES256"]),
    ("userinfo_signed_response_alg", &["PS256", "ES256"]),
    ("dpop_signing_alg", &["PS256", "ES256"]),
    ("backchannel_token_delivery_mode", &["poll", "ping"]),
];

#[test]
fn every_method_algorithm_and_delivery_mode_but_the_profiles_own_is_refused_by_name() {
    let desk = Desk::new("PS256", RSA);
    for (setting, allowed) in WORDS {
        let Some(Form::Word(words)) = SETTINGS.iter().find(|s| s.name == *setting).map(|s| s.form) else {
            panic!("{setting} has words");
        };
        let mut refused = 0;
        for word in words {
            let result = desk.client(&[(setting, word)]);
            if allowed.contains(word) {
                let forbidden = result.err().filter(|error| error.message().contains(FORBIDDEN));
                assert_eq!(forbidden, None, "{setting} {word}");
                continue;
            }
            let error = result.err().unwrap_or_else(|| panic!("{setting} {word} is taken"));
            assert_eq!(error.status(), Status::CONFLICTING_SETTINGS, "{setting} {word}");
            assert!(error.message().starts_with(setting), "{error}");
            refused += 1;
        }
        assert!(refused > 0, "{setting}");
    }
}

#[test]
fn each_setting_that_the_profile_forbids_is_refused_by_name_and_taken_without_the_profile() {
    let desk = Desk::new("PS256", RSA);
    assert!(desk.client(&[]).is_ok(), "the twin");
    type Changes = &'static [(&'static str, &'static str)];
    const ROWS: &[(&str, Changes)] = &[
        ("token_endpoint_auth_method", &[("token_endpoint_auth_method", "client_secret_basic")]),
        ("token_endpoint_auth_method", &[("token_endpoint_auth_method", "client_secret_post")]),
        ("token_endpoint_auth_method", &[("token_endpoint_auth_method", "client_secret_jwt")]),
        (
            "token_endpoint_auth_signing_alg",
            &[
                ("token_endpoint_auth_method", "private_key_jwt"),
                ("token_endpoint_auth_signing_alg", "RS256"),
            ],
        ),
        (
            "backchannel_authentication_request_signing_alg",
            &[("backchannel_authentication_request_signing_alg", "RS256")],
        ),
        ("signed_request_audience", &[("signed_request_audience", "endpoint")]),
        ("signed_request_audience", &[("signed_request_audience", "https://other.example/")]),
        ("id_token_signed_response_alg", &[("id_token_signed_response_alg", "RS256")]),
        ("id_token_signed_response_alg", &[("id_token_signed_response_alg", "EdDSA")]),
        ("userinfo_signed_response_alg", &[("userinfo_signed_response_alg", "RS256")]),
        (
            "backchannel_token_delivery_mode",
            &[
                ("backchannel_token_delivery_mode", "push"),
                ("backchannel_client_notification_endpoint", "https://desk.example/ciba"),
            ],
        ),
        ("id_token_required", &[("id_token_required", "false")]),
        ("allow_http_loopback", &[("allow_http_loopback", "true")]),
        (
            "tls_client_certificate_bound_access_tokens",
            &[("tls_client_certificate_bound_access_tokens", "false")],
        ),
        (
            "tls_client_certificate_bound_access_tokens",
            &[("tls_client_certificate", ""), ("tls_client_key", "")],
        ),
    ];
    for (setting, changes) in ROWS {
        let error = desk.client(changes).unwrap_err();
        assert_eq!(error.status(), Status::CONFLICTING_SETTINGS, "{changes:?}");
        let text = error.message();
        assert!(text.starts_with(setting) && text.contains(FORBIDDEN), "{text}");
        let without = [&[("profile", "")], *changes].concat();
        assert!(desk.client(&without).is_ok(), "{changes:?}: {:?}", desk.client(&without).err());
    }
    assert_eq!(desk.pair.provider.lines(), [""; 0], "nothing is sent");
}

#[test]
fn access_tokens_may_be_bound_by_dpop_in_place_of_a_certificate() {
    let bare = [("tls_client_certificate", ""), ("tls_client_key", "")];
    let dpop = [bare.as_slice(), &[("dpop_bound_access_tokens", "true")]].concat();
    for (key, alg) in [("", "ES256"), (RSA, "PS256"), (P256, "ES256")] {
        let desk = Desk::with("PS256", RSA, |client| client.dpop_bound_access_tokens = true);
        assert!(desk.client(&bare).is_err(), "bound to nothing");
        let client = desk.client(&[dpop.as_slice(), &[("dpop_private_key", key)]].concat()).unwrap();
        let request = desk.pair.request_with(&[("binding_message", "approve after 1 s")]);
        assert_eq!(Pair::outcome(&client.init(&request, None).unwrap()), Status::OK);
        let journal = desk.pair.provider.journal();
        let poll = journal.iter().find(|entry| entry.kind == Kind::Poll).unwrap();
        assert_eq!(header_and_claims(poll.header("dpop").unwrap())[0]["alg"], alg);
    }
    // The key of a signer has the same defaults.
    let keys: Value = serde_json::from_str(include_str!("fixtures/keys/keys.jwk.json")).unwrap();
    for (name, alg) in [("rsa", "PS256"), ("p256", "ES256")] {
        let mut public = keys[name].clone();
        let members = public.as_object_mut().unwrap();
        members.retain(|name, _| ["kty", "crv", "x", "y", "n", "e"].contains(&&**name));
        let public = public.to_string();
        let desk = Desk::with("PS256", RSA, |client| client.dpop_bound_access_tokens = true);
        let mut config = desk.config(&[dpop.as_slice(), &[("dpop_public_key", &public)]].concat());
        let asked = std::sync::Arc::new(std::sync::Mutex::new(None));
        let noting = asked.clone();
        config.set_signer(std::sync::Arc::new(move |input: &ciba::SigningInput<'_>| {
            *noting.lock().unwrap() = Some(input.algorithm);
            Err("it is enough to know".into())
        }));
        let request = desk.pair.request_with(&[("binding_message", "approve after 1 s")]);
        let flow = ciba::Client::new(&config).unwrap().init(&request, None).unwrap();
        assert!(flow.poll(Some(std::time::Duration::from_secs(6))).unwrap().is_none());
        assert_eq!(*asked.lock().unwrap(), Some(alg), "{name}");
    }
    let desk = Desk::new("PS256", RSA);
    let ed25519 = ("dpop_private_key", include_str!("fixtures/keys/ed25519.pem"));
    assert!(desk.client(&[dpop.as_slice(), &[ed25519]].concat()).is_err());
}

#[test]
fn keys_that_are_short_or_of_another_kind_are_refused() {
    let desk = Desk::new("PS256", RSA);
    for (name, key) in [
        ("RSA of 1024 bits", include_str!("fixtures/keys/rsa_1024.pem")),
        ("P-384", include_str!("fixtures/keys/p384_sec1.pem")),
        ("Ed25519", include_str!("fixtures/keys/ed25519.pem")),
        ("none", ""),
    ] {
        assert!(desk.client(&[("client_private_key", key)]).is_err(), "{name}");
    }
    assert!(desk.client(&[("client_private_key", P256)]).is_ok());
}

#[test]
fn a_request_says_what_is_approved_or_has_a_text_to_compare() {
    let desk = Desk::new("PS256", RSA);
    let client = desk.client(&[]).unwrap();
    let error = client.init(&desk.pair.request(), None).unwrap_err();
    assert_eq!(error.status(), Status::INVALID_AUTHENTICATION_REQUEST);
    assert!(error.message().contains("binding_message"), "{error}");
    assert_eq!(desk.pair.provider.lines(), [""; 0], "nothing is sent");
    for good in [("binding_message", "4711"), ("authorization_details", r#"[{"type":"payment"}]"#)] {
        assert!(client.init(&desk.pair.request_with(&[good]), None).is_ok(), "{good:?}");
    }
}

#[test]
fn an_id_token_by_another_algorithm_is_refused_although_its_key_is_in_the_set() {
    for (alg, status) in
        [("PS256", Status::OK), ("RS256", Status::TOKEN_ALGORITHM), ("none", Status::TOKEN_ALGORITHM)]
    {
        let desk = Desk::new("PS256", RSA);
        desk.pair.provider.every_id_token(move |draft| draft.header["alg"] = alg.into());
        let request = desk.pair.request_with(&[("binding_message", "approve after 1 s")]);
        let flow = desk.client(&[]).unwrap().init(&request, None).unwrap();
        assert_eq!(Pair::outcome(&flow), status, "{alg}");
    }
}
