//! Signed authentication requests.

use ciba::{Client, Status};
use ciba_sim::{Answer, Fault, Kind, personality};
use serde_json::{Value, json};

use crate::common::{Pair, STARTED, UUID};
use crate::{
    CLIENT_ID, SECRET, WITH_A_KEY, claims, found, generic, names, of_kind, parts, pem, registered, started,
    texts_of, without_jti,
};

const SIGNING: &str = "backchannel_authentication_request_signing_alg";

/// A provider where the client signs its requests with this algorithm, and proves itself by its secret.
fn signing(algorithm: &str) -> Pair {
    generic(|client| client.backchannel_authentication_request_signing_alg = Some(algorithm.into()))
}

/// Every parameter that CIBA has for a poll client.
const ALL: [(&str, &str); 5] = [
    ("scope", "openid profile"),
    ("acr_values", "a b"),
    ("binding_message", "approve after 1 s, \"ø\""),
    ("requested_expiry", "120"),
    ("correlation", "stays here"),
];

#[test]
fn everything_that_is_asked_is_inside_and_nothing_outside_with_each_algorithm_r20_r21_r22_r23_r24_r25_r26_r27()
 {
    for (algorithm, kid, key) in WITH_A_KEY {
        let pair = signing(algorithm);
        let settings = [(SIGNING, algorithm), ("client_private_key", key), ("client_key_id", kid)];
        let flow = pair.client_with(&settings).init(&pair.request_with(&ALL), None).unwrap();
        assert_eq!(Pair::outcome(&flow), Status::OK, "{algorithm}");

        let start = &of_kind(&pair, Kind::Start)[0];
        assert_eq!(names(start), ["request"]);
        assert!(start.header("authorization").unwrap().starts_with("Basic "));
        let request = start.param("request").unwrap();
        assert_eq!(request.split('.').count(), 3, "signed, not encrypted (R-23)");
        let (header, body) = parts(&request);
        assert_eq!(header, format!(r#"{{"alg":"{algorithm}","kid":"{kid}"}}"#));
        let (body, _) = without_jti(&body);
        let now = (pair.time.unix_ms() - pair.time.now_ms() as i64) / 1000;
        let expected = format!(
            concat!(
                r#"{{"iss":"{id}","aud":"{issuer}","client_id":"{id}","#,
                r#""scope":"openid profile","login_hint":"alice","acr_values":"a b","#,
                r#""binding_message":"approve after 1 s, \"ø\"","requested_expiry":"120","#,
                r#""iat":{now},"nbf":{before},"exp":{until}}}"#
            ),
            id = CLIENT_ID,
            issuer = pair.provider.issuer(),
            now = now,
            before = now - 10,
            until = now + 300,
        );
        assert_eq!(body, expected);
        pair.assert_polls_then_silence(&flow, &["5200 200 tokens"]);
    }
}

#[test]
fn beside_it_stands_client_authentication_alone_r03_r20() {
    const ASSERTION: &[&str] = &["client_id", "client_assertion_type", "client_assertion", "request"];
    for (method, outside) in [
        ("client_secret_basic", &["request"][..]),
        ("client_secret_post", &["client_id", "client_secret", "request"]),
        ("client_secret_jwt", ASSERTION),
        ("private_key_jwt", ASSERTION),
    ] {
        let pair = generic(|client| {
            client.token_endpoint_auth_method = Some(method.into());
            client.backchannel_authentication_request_signing_alg = Some("PS256".into());
        });
        let settings = [
            ("token_endpoint_auth_method", method),
            (SIGNING, "PS256"),
            ("client_private_key", pem!("rsa_pkcs8")),
        ];
        let flow = pair.client_with(&settings).init(&pair.request_with(&ALL), None).unwrap();
        assert_eq!(Pair::outcome(&flow), Status::OK, "{method}");
        let start = &of_kind(&pair, Kind::Start)[0];
        assert_eq!(names(start), outside, "{method}");
        assert_eq!(start.header("authorization").is_some(), method == "client_secret_basic");
        // One could not serve as the other (R-25).
        if let Some(assertion) = start.param("client_assertion") {
            let (asked, proof) = (claims(&start.param("request").unwrap()), claims(&assertion));
            assert_eq!((asked.get("sub"), proof["sub"].as_str()), (None, Some(CLIENT_ID)));
            assert_ne!(asked["jti"], proof["jti"]);
        }
        let poll = &of_kind(&pair, Kind::Poll)[0];
        assert!(!names(poll).contains(&"request".to_owned()));
    }
}

#[test]
fn signaturgruppen_takes_hs256_and_has_the_documented_form_r20() {
    let pair = registered(personality::signaturgruppen(), |client| {
        client.token_endpoint_auth_method = Some("client_secret_jwt".into());
        client.backchannel_authentication_request_signing_alg = Some("HS256".into());
    });
    let settings = [("token_endpoint_auth_method", "client_secret_jwt"), (SIGNING, "HS256")];
    let text = ("login_hint_token.referenceTextBody", "approve after 1 s");
    let client = pair.client_with(&settings);
    let flow = client.init(&pair.request_with(&[text]), None).unwrap();
    assert_eq!(Pair::outcome(&flow), Status::OK);

    let start = &of_kind(&pair, Kind::Start)[0];
    assert_eq!(names(start), ["client_id", "client_assertion_type", "client_assertion", "request"]);
    let request = start.param("request").unwrap();
    assert_eq!(parts(&request).0, r#"{"alg":"HS256"}"#);
    let mut inside = claims(&request);
    for name in ["iat", "nbf", "exp", "jti"] {
        assert!(inside.remove(name).is_some(), "{name}");
    }
    let hint = format!(
        r#"{{"idp":"mitid","uuid":"{UUID}","referenceTextBody":"approve after 1 s","ip":"127.0.0.1"}}"#
    );
    let expected = json!({
        "iss": CLIENT_ID, "aud": pair.provider.issuer(), "client_id": CLIENT_ID,
        "scope": "openid", "login_hint_token": hint,
    });
    assert_eq!(Value::Object(inside), expected, "no grant_type, which the unsigned form has");
    let assertion = claims(&start.param("client_assertion").unwrap());
    assert_eq!(assertion["aud"], pair.provider.issuer());
    let poll = &of_kind(&pair, Kind::Poll)[0];
    assert_eq!(
        names(poll),
        ["grant_type", "scope", "client_id", "client_assertion_type", "client_assertion", "auth_req_id"]
    );
    pair.assert_requests_then_silence(
        &flow,
        &[
            "0 POST /op/connect/ciba -> 200 ack",
            "0 GET /op/.well-known/openid-configuration/jwks -> 200 jwks",
            "5200 POST /op/connect/token -> 200 tokens",
        ],
    );
    // The broker's metadata, read for what comes afterwards, do not list the method; elsewhere that counts.
    assert!(client.userinfo(&flow.tokens().unwrap(), None).unwrap().is_some());
    let elsewhere = pair.client_with(&[&[("provider", "")], settings.as_slice()].concat()[..2]);
    let error = elsewhere.check(None).unwrap_err();
    assert_eq!(error.status(), Status::METADATA_MISMATCH);
    assert!(error.message().contains("client_secret_jwt"), "{error}");
}

#[test]
fn the_secret_signs_no_request_where_the_provider_is_not_known_to_allow_it_r22() {
    for (pair, allowed) in [
        (registered(personality::signaturgruppen(), |_| ()), true),
        (registered(personality::telenor(), |_| ()), false),
        (generic(|_| ()), false),
    ] {
        for algorithm in ["HS256", "HS384", "HS512"] {
            let made = Client::new(&pair.config(&[(SIGNING, algorithm)]));
            let status = made.as_ref().err().map(|error| error.status());
            assert_eq!(status, (!allowed).then_some(Status::CONFLICTING_SETTINGS), "{algorithm}");
            if let Err(error) = made {
                assert!(error.message().contains("asymmetric"), "{error}");
            }
        }
        let key = ("client_private_key", pem!("p256_pkcs8"));
        assert!(Client::new(&pair.config(&[(SIGNING, "ES256"), key])).is_ok(), "the twin");
    }
}

#[test]
fn settings_for_signing_that_cannot_work_are_refused_when_the_client_is_made() {
    let pair = signing("ES256");
    let good = [(SIGNING, "ES256"), ("client_private_key", pem!("p256_pkcs8"))];
    assert!(Client::new(&pair.config(&good)).is_ok(), "the twin");
    for (change, status, why) in [
        (("client_private_key", ""), Status::MISSING_SETTING, "client_private_key"),
        (
            (SIGNING, "PS256"),
            Status::CONFLICTING_SETTINGS,
            "PS256 needs an RSA key, and the private key is a P-256",
        ),
        (("client_private_key", pem!("p384_sec1")), Status::CONFLICTING_SETTINGS, "needs a P-256 key"),
        (("signed_request_audience", "op"), Status::INVALID_VALUE, "signed_request_audience"),
    ] {
        let error = Client::new(&pair.config(&[good.as_slice(), &[change]].concat())).unwrap_err();
        assert_eq!(error.status(), status, "{}: {error}", change.0);
        assert!(error.message().contains(why), "{error}");
    }
    assert!(pair.config(&[]).set(SIGNING, "none").is_err());
    assert!(pair.provider.lines().is_empty());
}

#[test]
fn audience_and_typ_are_what_the_settings_say_r21_r26() {
    let good = [(SIGNING, "ES256"), ("client_private_key", pem!("p256_pkcs8"))];
    let sent = |pair: &Pair, settings: &[(&str, &str)]| {
        let flow = pair.client_with(&[&good, settings].concat()).begin(&pair.request()).unwrap();
        let answered = flow.wait_started(None).map_err(|error| error.status());
        let request = of_kind(pair, Kind::Start)[0].param("request").unwrap();
        (parts(&request).0, claims(&request)["aud"].clone(), answered)
    };
    let pair = signing("ES256");
    let issuer = json!(pair.provider.issuer());
    for (typ, header) in [
        ("", r#"{"alg":"ES256"}"#),
        ("JWT", r#"{"alg":"ES256","typ":"JWT"}"#),
        ("oauth-authz-req+jwt", r#"{"alg":"ES256","typ":"oauth-authz-req+jwt"}"#),
    ] {
        pair.provider.clear_journal();
        assert_eq!(sent(&pair, &[("signed_request_typ", typ)]), (header.into(), issuer.clone(), Ok(true)));
    }
    // A provider that keeps to the letter of CIBA Core refuses another audience than its issuer.
    for (setting, audience) in [
        ("endpoint", format!("{}/bc-authorize", pair.provider.base_url())),
        ("https://am.example:443/oauth2", "https://am.example:443/oauth2".into()),
    ] {
        pair.provider.clear_journal();
        let (_, sent, answered) = sent(&pair, &[("signed_request_audience", setting)]);
        assert_eq!((sent, answered), (json!(audience), Err(Status::INVALID_REQUEST)), "{setting}");
    }
}

#[test]
fn each_attempt_has_a_jti_of_its_own_r21() {
    let pair = signing("ES256");
    let client = pair.client_with(&[(SIGNING, "ES256"), ("client_private_key", pem!("p256_pkcs8"))]);
    let request = pair.request();
    for _ in 0..3 {
        client.init(&request, None).unwrap(); // the provider would refuse one that was used
    }
    let starts = of_kind(&pair, Kind::Start);
    let jtis: Vec<Value> =
        starts.iter().map(|start| claims(&start.param("request").unwrap())["jti"].clone()).collect();
    assert!(jtis[0] != jtis[1] && jtis[1] != jtis[2] && jtis[0] != jtis[2]);
}

#[test]
fn what_is_json_is_json_inside_and_several_resources_are_a_list_r24() {
    let pair = signing("ES256");
    let settings = [(SIGNING, "ES256"), ("client_private_key", pem!("p256_pkcs8"))];
    let details = r#"[{"type":"payment","amount":1.50}]"#;
    let parameters = [
        ("request_context", r#"{"ip": "::1"}"#),
        ("authorization_details", details),
        ("claims", r#"{"id_token":{"acr":null}}"#),
        ("extra.audience", "{\"a\":1}"),
        ("resource", "https://a.example/"),
    ];
    pair.client_with(&settings).init(&pair.request_with(&parameters), None).unwrap();
    let start = &of_kind(&pair, Kind::Start)[0];
    assert_eq!(names(start), ["request"]);
    let inside = parts(&start.param("request").unwrap()).1;
    for (name, value) in &parameters[..3] {
        assert!(inside.contains(&format!(r#""{name}":{value}"#)), "as it was written: {inside}");
    }
    assert!(inside.contains(r#""audience":"{\"a\":1}""#), "a text, whatever is in it: {inside}");
    assert!(inside.contains(r#""resource":"https://a.example/""#), "{inside}");

    let two = pair.request_with(&[("resource", "https://a.example/ https://b.example/")]);
    let _ = pair.client_with(&settings).init(&two, None);
    let inside = parts(&of_kind(&pair, Kind::Start)[1].param("request").unwrap()).1;
    assert!(inside.contains(r#""resource":["https://a.example/","https://b.example/"]"#), "{inside}");
}

#[test]
fn the_provider_refuses_what_is_not_signed_as_registered_and_nothing_follows_r22() {
    let key = ("client_private_key", pem!("p256_pkcs8"));
    for (registered, settings) in [
        (Some("ES256"), vec![]),
        (Some("ES256"), vec![(SIGNING, "PS256"), ("client_private_key", pem!("rsa_pkcs8"))]),
        (Some("ES256"), vec![(SIGNING, "ES256"), key, ("client_key_id", "unknown")]),
        (None, vec![(SIGNING, "ES256"), key]),
    ] {
        let pair = generic(|client| {
            client.backchannel_authentication_request_signing_alg = registered.map(str::to_owned);
        });
        let flow = pair.client_with(&settings).begin(&pair.request()).unwrap();
        assert_eq!(flow.wait_started(None).unwrap_err().status(), Status::INVALID_REQUEST);
        pair.assert_requests_then_silence(
            &flow,
            &[STARTED[0], "0 POST /bc-authorize -> 400 invalid_request"],
        );
    }
    started(&signing("ES256"), &[(SIGNING, "ES256"), key]).unwrap();
    started(&generic(|_| ()), &[]).unwrap();
}

#[test]
fn metadata_that_do_not_list_the_algorithm_or_list_none_stop_a_signed_request_r22() {
    const LIST: &str = "backchannel_authentication_request_signing_alg_values_supported";
    let settings = [(SIGNING, "ES256"), ("client_private_key", pem!("p256_pkcs8"))];
    for (list, status) in [
        (json!(["PS256", "none", "es256"]), Status::METADATA_MISMATCH),
        (json!([]), Status::METADATA_MISMATCH),
        (Value::Null, Status::METADATA_MISMATCH), // taken out: signed requests are not supported
        (json!("ES256"), Status::METADATA_MALFORMED),
    ] {
        let pair = signing("ES256");
        pair.provider.next(Kind::Discovery, Fault::Patch(json!({ LIST: list })));
        let flow = pair.client_with(&settings).begin(&pair.request()).unwrap();
        assert_eq!(flow.wait_started(None).unwrap_err().status(), status, "{list}");
        pair.assert_requests_then_silence(&flow, &[STARTED[0]]);
        started(&pair, &settings).unwrap();
    }
    // A client that does not sign asks for nothing, and is made to sign by no metadata.
    let pair = generic(|_| ());
    let more = json!({ LIST: ["ES256"], "require_signed_request_object": true });
    pair.provider.next(Kind::Discovery, Fault::Patch(more));
    started(&pair, &[("client_private_key", pem!("p256_pkcs8"))]).unwrap();
    assert!(of_kind(&pair, Kind::Start)[0].param("request").is_none());
}

#[test]
fn a_signed_request_that_a_provider_echoes_is_in_no_text() {
    let pair = signing("ES256");
    let settings = [(SIGNING, "ES256"), ("client_private_key", pem!("p256_pkcs8"))];
    let client = pair.client_with(&settings);
    let request = pair.request_with(&[("binding_message", "for your eyes only, please")]);
    client.init(&request, None).unwrap();
    let jwt = of_kind(&pair, Kind::Start)[0].param("request").unwrap();
    let payload = jwt.split('.').nth(1).unwrap().to_owned();
    for echo in [jwt.clone(), payload.clone(), format!("<{jwt}>;{payload}"), format!("request={jwt}&x=1")] {
        let body = json!({ "error": format!("bad.{echo}x {echo}"), "error_description": echo });
        pair.provider.next(Kind::Start, Fault::Answer(Answer::json(400, body.to_string())));
        let mut texts = texts_of(&client.init(&request, None).unwrap_err());
        texts.retain(|text| !text.contains("bad.eyJ")); // a word that only looks like one, kept as it came
        texts.extend(pair.events.lines().into_iter().filter(|line| !line.contains("bad.eyJ")));
        assert_eq!(found(&texts, &[payload.clone(), SECRET.to_owned()]), [""; 0], "{texts:#?}");
    }
    assert_eq!(found(&[format!("x {jwt}")], std::slice::from_ref(&payload)).len(), 1, "planted, and found");
}
