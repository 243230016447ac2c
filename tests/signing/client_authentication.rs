//! `client_secret_jwt` and `private_key_jwt`.

use std::collections::HashSet;

use ciba::{Client, Status};
use ciba_sim::{Answer, Entry, Fault, Kind};
use serde_json::{Value, json};

use crate::common::{Pair, STARTED, error, web_page};
use crate::{
    CLIENT_ID, SECRET, WITH_A_KEY, claims, found, generic, names, of_kind, parts, pem, private_jwk, started,
    texts_of, without_jti,
};

const GRANT: &str = "urn:openid:params:grant-type:ciba";
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A provider where the client is registered with this method and algorithm, and that alone.
fn with_method(method: &str, algorithm: Option<&str>) -> Pair {
    generic(|client| {
        client.token_endpoint_auth_method = Some(method.into());
        client.token_endpoint_auth_signing_alg = algorithm.map(str::to_owned);
    })
}

fn assertion(entry: &Entry) -> String {
    entry.param("client_assertion").unwrap()
}

/// A flow with two polls, told by every request; the header of its assertions is this one.
fn sign_in(pair: &Pair, settings: &[(&str, &str)], header: &str) {
    let request = pair.request_with(&[("binding_message", "approve after 6 s")]);
    let flow = pair.client_with(settings).init(&request, None).unwrap();
    let id = pair.provider.newest().unwrap();
    assert_eq!(Pair::outcome(&flow), Status::OK, "{header}");

    let journal = pair.provider.journal();
    let sent: Vec<_> = journal.iter().filter(|e| matches!(e.kind, Kind::Start | Kind::Poll)).collect();
    assert_eq!(
        names(sent[0]),
        ["scope", "client_id", "client_assertion_type", "client_assertion", "login_hint", "binding_message"]
    );
    let mut used = HashSet::new();
    for entry in &sent {
        if entry.kind == Kind::Poll {
            assert_eq!(
                names(entry),
                ["grant_type", "client_id", "client_assertion_type", "client_assertion", "auth_req_id"]
            );
            assert_eq!(
                (entry.param("grant_type").as_deref(), entry.param("auth_req_id")),
                (Some(GRANT), Some(id.clone()))
            );
        }
        assert_eq!(entry.header("authorization"), None, "exactly one way (R-03)");
        assert_eq!(entry.param("client_id").as_deref(), Some(CLIENT_ID));
        assert_eq!(entry.param("client_assertion_type").as_deref(), Some(TYPE));
        let (sent_header, body) = parts(&assertion(entry));
        assert_eq!(sent_header, header);
        let (body, jti) = without_jti(&body);
        let now = pair.time.unix_ms() - pair.time.now_ms() as i64 + entry.at_ms as i64;
        let now = now / 1000;
        let expected = format!(
            r#"{{"iss":"{CLIENT_ID}","sub":"{CLIENT_ID}","aud":"{}","iat":{now},"nbf":{},"exp":{}}}"#,
            pair.provider.issuer(),
            now - 10,
            now + 60
        );
        assert_eq!(body, expected);
        assert!(used.insert(jti), "each request has a jti of its own");
    }
    assert_eq!(used.len(), 3);
    pair.assert_polls_then_silence(&flow, &["5200 400 authorization_pending", "10400 200 tokens"]);
}

#[test]
fn a_private_key_signs_each_request_anew_with_each_algorithm_r03_r40_r51() {
    for (algorithm, kid, key) in WITH_A_KEY {
        let pair = with_method("private_key_jwt", Some(algorithm));
        let settings = [
            ("token_endpoint_auth_method", "private_key_jwt"),
            ("token_endpoint_auth_signing_alg", algorithm),
            ("client_private_key", key),
            ("client_key_id", kid),
            ("client_secret", ""),
        ];
        sign_in(&pair, &settings, &format!(r#"{{"alg":"{algorithm}","kid":"{kid}"}}"#));
    }
}

#[test]
fn the_client_secret_signs_each_request_anew_with_each_algorithm_r03_r40_r51() {
    for algorithm in ["HS256", "HS384", "HS512"] {
        let pair = with_method("client_secret_jwt", Some(algorithm));
        let settings = [
            ("token_endpoint_auth_method", "client_secret_jwt"),
            ("token_endpoint_auth_signing_alg", algorithm),
            ("client_key_id", "of a private key alone"),
        ];
        sign_in(&pair, &settings, &format!(r#"{{"alg":"{algorithm}"}}"#));
    }
}

#[test]
fn without_an_algorithm_that_of_the_jwk_or_the_usual_one_signs() {
    let pair = with_method("client_secret_jwt", Some("HS256"));
    sign_in(&pair, &[("token_endpoint_auth_method", "client_secret_jwt")], r#"{"alg":"HS256"}"#);

    for (name, algorithm) in
        [("rsa", "RS256"), ("p256", "ES256"), ("p384", "ES384"), ("p521", "ES512"), ("ed25519", "EdDSA")]
    {
        let mut jwk = private_jwk(name);
        jwk["kid"] = name.into();
        let pair = with_method("private_key_jwt", Some(algorithm));
        let settings =
            [("token_endpoint_auth_method", "private_key_jwt"), ("client_private_key", &jwk.to_string())];
        sign_in(&pair, &settings, &format!(r#"{{"alg":"{algorithm}","kid":"{name}"}}"#));
    }
    let mut jwk = private_jwk("rsa");
    jwk["alg"] = "PS384".into();
    let pair = with_method("private_key_jwt", Some("PS384"));
    let settings =
        [("token_endpoint_auth_method", "private_key_jwt"), ("client_private_key", &jwk.to_string())];
    sign_in(&pair, &settings, r#"{"alg":"PS384"}"#);
}

#[test]
fn a_key_comes_from_a_file_too_and_the_typ_from_a_setting() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/keys/p256_pkcs8.pem");
    for typ in ["client-authentication+jwt", "JWT"] {
        let pair = with_method("private_key_jwt", Some("ES256"));
        let settings = [
            ("token_endpoint_auth_method", "private_key_jwt"),
            ("client_private_key_file", path),
            ("client_assertion_typ", typ),
        ];
        sign_in(&pair, &settings, &format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#));
    }
}

#[test]
fn every_poll_is_signed_anew_whatever_came_of_the_one_before_r51() {
    let pair = with_method("private_key_jwt", Some("ES256"));
    let settings =
        [("token_endpoint_auth_method", "private_key_jwt"), ("client_private_key", pem!("p256_pkcs8"))];
    let request = pair.request_with(&[("binding_message", "approve after 90 s")]);
    let flow = pair.client_with(&settings).init(&request, None).unwrap();
    for fault in [error(400, "slow_down"), web_page(502), Fault::Close, Fault::CutBeforeHeaders] {
        pair.provider.next(Kind::Poll, fault);
    }
    assert_eq!(Pair::outcome(&flow), Status::OK);
    let polls = of_kind(&pair, Kind::Poll);
    assert!(polls.len() >= 5, "{:?}", pair.provider.lines());
    let all = of_kind(&pair, Kind::Start).into_iter().chain(polls);
    let jtis: Vec<Value> = all.map(|entry| claims(&assertion(&entry))["jti"].clone()).collect();
    assert_eq!(jtis.iter().map(Value::to_string).collect::<HashSet<_>>().len(), jtis.len());
}

#[test]
fn an_assertion_is_for_the_issuer_or_for_whom_the_settings_say() {
    let key = pem!("p256_pkcs8");
    let common = [("token_endpoint_auth_method", "private_key_jwt"), ("client_private_key", key)];
    let audiences = |pair: &Pair, setting: (&str, &str)| {
        let settings = [common.as_slice(), &[setting]].concat();
        let flow = pair.client_with(&settings).begin(&pair.request()).unwrap();
        let _ = flow.wait_started(None);
        let _ = flow.poll(Some(std::time::Duration::from_secs(6)));
        let sent = pair.provider.journal();
        let sent = sent.iter().filter(|entry| matches!(entry.kind, Kind::Start | Kind::Poll));
        sent.map(|entry| claims(&assertion(entry))["aud"].clone()).collect::<Vec<_>>()
    };
    let pair = || with_method("private_key_jwt", None);
    let (issuer, endpoint, given) = (pair(), pair(), pair());
    let base = |pair: &Pair| pair.provider.base_url().to_owned();
    assert_eq!(
        audiences(&issuer, ("client_assertion_audience", "issuer")),
        [json!(base(&issuer)), json!(base(&issuer))]
    );
    let (start, token) = (format!("{}/bc-authorize", base(&endpoint)), format!("{}/token", base(&endpoint)));
    assert_eq!(audiences(&endpoint, ("client_assertion_audience", "endpoint")), [json!(start), json!(token)]);
    let okta = pair();
    let (start, token) = (format!("{}/bc-authorize", base(&okta)), format!("{}/token", base(&okta)));
    assert_eq!(audiences(&okta, ("provider", "okta")), [json!(start), json!(token)]);
    // As it is written: this port is the usual one, and some providers want to see it.
    let url = "https://AM.example:443/oauth2/";
    assert_eq!(
        audiences(&given, ("client_assertion_audience", url)),
        [json!(url)],
        "refused: the provider is another"
    );
    assert_eq!(given.provider.lines().last().unwrap(), "0 POST /bc-authorize -> 401 invalid_client");
}

#[test]
fn the_provider_refuses_a_key_that_it_does_not_know_and_nothing_follows() {
    let common = [("token_endpoint_auth_method", "private_key_jwt")];
    for (what, key, kid) in [
        ("another kid", pem!("p256_pkcs8"), "p384"),
        ("an unknown kid", pem!("p256_pkcs8"), "unknown"),
        ("another kind of key", pem!("rsa_pkcs8"), ""),
    ] {
        let pair = with_method("private_key_jwt", Some("ES256"));
        let with =
            |key, kid| [common.as_slice(), &[("client_private_key", key), ("client_key_id", kid)]].concat();
        let flow = pair.client_with(&with(key, kid)).begin(&pair.request()).unwrap();
        assert_eq!(flow.wait_started(None).unwrap_err().status(), Status::INVALID_CLIENT, "{what}");
        pair.assert_requests_then_silence(&flow, &[STARTED[0], "0 POST /bc-authorize -> 401 invalid_client"]);
        started(&pair, &with(pem!("p256_pkcs8"), "p256")).unwrap();
    }
}

/// Settings, each with one fact changed, and the status that refuses it.
#[test]
fn settings_that_contradict_each_other_are_refused_when_the_client_is_made() {
    let pair = with_method("private_key_jwt", None);
    let refused = |good: &[(&str, &str)], change: &[(&str, &str)], status: Status, why: &str| {
        assert!(Client::new(&pair.config(good)).is_ok(), "the twin");
        let error = Client::new(&pair.config(&[good, change].concat())).unwrap_err();
        assert_eq!(error.status(), status, "{change:?}: {error}");
        assert!(error.message().contains(why), "{change:?}: {error}");
    };
    let jwk = |member: &str, value: Value| {
        let mut jwk = private_jwk("p256");
        jwk[member] = value;
        jwk.to_string()
    };
    let key = [("token_endpoint_auth_method", "private_key_jwt"), ("client_private_key", pem!("p256_pkcs8"))];
    for (change, status, why) in [
        (
            &[("client_private_key", "")][..],
            Status::MISSING_SETTING,
            "client_private_key or client_private_key_file",
        ),
        (&[("client_private_key_file", "/key.pem")], Status::CONFLICTING_SETTINGS, "both given"),
        (
            &[("client_private_key", ""), ("client_private_key_file", "/nowhere/key.pem")],
            Status::FILE,
            "client_private_key_file cannot be read",
        ),
        (
            &[("client_private_key", ""), ("client_private_key_file", "/dev/null")],
            Status::INVALID_VALUE,
            "client_private_key_file: neither",
        ),
        (&[("client_private_key", pem!("rsa_encrypted"))], Status::INVALID_VALUE, "is encrypted"),
        (&[("client_private_key", pem!("rsa_public"))], Status::INVALID_VALUE, "neither"),
        (&[("client_private_key", pem!("rsa_1024"))], Status::INVALID_VALUE, "2048"),
        (
            &[("token_endpoint_auth_signing_alg", "RS256")],
            Status::CONFLICTING_SETTINGS,
            "RS256 needs an RSA key",
        ),
        (&[("token_endpoint_auth_signing_alg", "ES384")], Status::CONFLICTING_SETTINGS, "needs a P-384 key"),
        (&[("token_endpoint_auth_signing_alg", "EdDSA")], Status::CONFLICTING_SETTINGS, "Ed25519 key"),
        // A public key's bytes, or the secret, as the key of an HMAC: the classic confusion.
        (&[("token_endpoint_auth_signing_alg", "HS256")], Status::CONFLICTING_SETTINGS, "does not fit"),
        (&[("client_private_key", &jwk("alg", json!("ES512")))], Status::CONFLICTING_SETTINGS, "ES512 needs"),
        (
            &[("client_private_key", &jwk("alg", json!("HS256")))],
            Status::CONFLICTING_SETTINGS,
            "does not fit",
        ),
        (
            &[("client_private_key", &jwk("alg", json!("RSA-OAEP")))],
            Status::CONFLICTING_SETTINGS,
            "for signatures",
        ),
        (&[("client_private_key", &jwk("use", json!("enc")))], Status::INVALID_VALUE, "by its use"),
        (&[("client_assertion_audience", "https://")], Status::INVALID_VALUE, "client_assertion_audience"),
        (&[("client_assertion_audience", "isuer")], Status::INVALID_VALUE, "or issuer, or endpoint"),
        (&[("client_assertion_audience", "http://id.example")], Status::INVALID_VALUE, "https"),
    ] {
        refused(&key, change, status, why);
    }
    let secret = [("token_endpoint_auth_method", "client_secret_jwt")];
    for (change, status, why) in [
        (&[("client_secret", "")][..], Status::MISSING_SETTING, "client_secret is missing"),
        (&[("client_secret", &SECRET[..31])], Status::CONFLICTING_SETTINGS, "at least 32 bytes"),
        (
            &[("token_endpoint_auth_signing_alg", "HS512"), ("client_secret", &SECRET[..63])],
            Status::CONFLICTING_SETTINGS,
            "token_endpoint_auth_signing_alg: HS512",
        ),
        (
            &[("token_endpoint_auth_signing_alg", "ES256"), ("client_private_key", pem!("p256_pkcs8"))],
            Status::CONFLICTING_SETTINGS,
            "does not fit client_secret_jwt",
        ),
    ] {
        refused(&secret, change, status, why);
    }
    // The server would read another client's name.
    let raw = [("token_endpoint_auth_method", "client_secret_basic"), ("basic_credentials", "raw")];
    refused(&raw, &[("client_id", "desk:7")], Status::CONFLICTING_SETTINGS, "basic_credentials: raw");
    for word in ["none", "es256", "RS1", "A256KW"] {
        let error = pair.config(&[]).set("token_endpoint_auth_signing_alg", word).unwrap_err();
        assert_eq!(error.status(), Status::INVALID_VALUE, "{word}");
    }
    assert!(pair.provider.lines().is_empty());
}

#[test]
fn metadata_select_and_weaken_nothing() {
    const METHODS: &str = "token_endpoint_auth_methods_supported";
    const ALGORITHMS: &str = "token_endpoint_auth_signing_alg_values_supported";
    let key = pem!("p256_pkcs8");
    let settings = [("token_endpoint_auth_method", "private_key_jwt"), ("client_private_key", key)];
    for (patch, status) in [
        (json!({ METHODS: ["none"] }), Status::METADATA_MISMATCH),
        (json!({ METHODS: [] }), Status::METADATA_MISMATCH),
        (json!({ METHODS: ["client_secret_basic", "client_secret_post"] }), Status::METADATA_MISMATCH),
        (json!({ METHODS: ["client_secret_jwt"] }), Status::METADATA_MISMATCH),
        (json!({ METHODS: "private_key_jwt" }), Status::METADATA_MALFORMED),
        (json!({ ALGORITHMS: ["none"] }), Status::METADATA_MISMATCH),
        (json!({ ALGORITHMS: ["HS256", "RS256", "es256"] }), Status::METADATA_MISMATCH),
        (json!({ ALGORITHMS: {} }), Status::METADATA_MALFORMED),
    ] {
        let pair = with_method("private_key_jwt", None);
        pair.provider.next(Kind::Discovery, Fault::Patch(patch.clone()));
        let flow = pair.client_with(&settings).begin(&pair.request()).unwrap();
        assert_eq!(flow.wait_started(None).unwrap_err().status(), status, "{patch}");
        pair.assert_requests_then_silence(&flow, &[STARTED[0]]);
    }
    // What they leave open changes nothing either.
    for patch in [
        json!({ METHODS: null, ALGORITHMS: null }),
        json!({ METHODS: ["client_secret_basic", "private_key_jwt"], ALGORITHMS: ["none", "RS256", "ES256"] }),
    ] {
        let pair = with_method("private_key_jwt", None);
        let (strip, patch) = match patch[METHODS].is_null() {
            true => (true, json!({})),
            false => (false, patch),
        };
        let fault = if strip {
            Fault::Raw(stripped(&pair, &[METHODS, ALGORITHMS]).into())
        } else {
            Fault::Patch(patch)
        };
        pair.provider.next(Kind::Discovery, fault);
        started(&pair, &settings).unwrap();
        let start = &of_kind(&pair, Kind::Start)[0];
        assert_eq!(parts(&assertion(start)).0, r#"{"alg":"ES256"}"#);
    }
}

/// The metadata of the generic provider without these members.
fn stripped(pair: &Pair, members: &[&str]) -> String {
    let issuer = pair.provider.issuer();
    let mut metadata = json!({
        "issuer": issuer,
        "backchannel_authentication_endpoint": format!("{issuer}/bc-authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "backchannel_token_delivery_modes_supported": ["poll"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
    });
    members.iter().for_each(|member| drop(metadata.as_object_mut().unwrap().remove(*member)));
    metadata.to_string()
}

#[test]
fn neither_keys_nor_secrets_nor_assertions_are_in_any_text() {
    let mut jwk = private_jwk("p256");
    jwk["kid"] = "p256".into();
    let jwk = jwk.to_string();
    let d = private_jwk("p256")["d"].as_str().unwrap().to_owned();
    let pem = pem!("p256_pkcs8").replace('\n', "");
    let pem = pem.split("-----").nth(2).unwrap().to_owned();
    for (method, key) in [
        ("private_key_jwt", jwk.as_str()),
        ("private_key_jwt", pem!("p256_pkcs8")),
        ("client_secret_jwt", ""),
    ] {
        let pair = with_method(method, None);
        let settings = [("token_endpoint_auth_method", method), ("client_private_key", key)];
        let config = pair.config(&settings);
        let client = Client::new(&config).unwrap();
        let flow = client.init(&pair.request(), None).unwrap();
        let start = &of_kind(&pair, Kind::Start)[0];
        // The provider echoes what it was sent.
        let echo = json!({
            "error": "invalid_grant",
            "error_description": format!("bad client_assertion={}, sorry", assertion(start)),
        });
        pair.provider.next(Kind::Poll, Fault::Answer(Answer::json(400, echo.to_string())));
        let error = flow.poll(None).unwrap_err();
        assert_eq!(
            error.oauth_error_description(),
            Some("bad client_assertion=[redacted], sorry"),
            "what stands around it stays"
        );

        let mut texts = texts_of(&error);
        texts.extend([format!("{config:?}"), format!("{client:?}"), format!("{flow:?}")]);
        texts.extend(pair.events.lines());
        // Errors that are about the key.
        for (name, value) in [
            ("client_private_key", format!("{}\u{7}", d)),
            ("client_private_key", jwk.replace("P-256", "P-257")),
            ("client_private_key", jwk.replace("\"d\"", "\"e\"")),
            ("client_private_key", pem!("p256_pkcs8").replace("MIG", "MI*")),
            ("token_endpoint_auth_signing_alg", "PS256".into()),
        ] {
            let mut config = pair
                .config(&[("token_endpoint_auth_method", "private_key_jwt"), ("client_private_key", &jwk)]);
            let made =
                config.set(name, &value).map(|config| config.clone()).and_then(|config| Client::new(&config));
            texts.extend(texts_of(&made.unwrap_err()));
        }
        let (_, jti) = without_jti(&parts(&assertion(start)).1);
        let signature = assertion(start).rsplit_once('.').unwrap().1.to_owned();
        let secrets = [d.clone(), pem.clone(), SECRET.to_owned(), jti, signature];
        assert_eq!(found(&texts, &secrets), [""; 0], "{texts:#?}");
        for secret in &secrets {
            let planted = format!("… {} …", secret.chars().skip(3).take(20).collect::<String>());
            assert!(!found(&[planted], &secrets).is_empty(), "the search finds what is planted");
        }
    }
}
