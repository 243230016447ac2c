//! Userinfo, introspection and revocation, end to end: where they are sent, what of their answers is
//! believed, and that nothing of a token shows.

mod common;

use std::time::{Duration, Instant};

use ciba::{Client, Error, Status, TokenKind, Tokens};
use ciba_sim::{Answer, Draft, Fault, Kind, Signer};
use common::{Pair, error, eventually, web_page};
use serde_json::{Value, json};

/// Signs in, with a refresh token; then forgets the journal.
fn signed_in(pair: &Pair, client: &Client) -> Tokens {
    let parameters = [("scope", "openid offline_access"), ("binding_message", "approve after 1 s")];
    let flow = client.init(&pair.request_with(&parameters), None).unwrap();
    let tokens = flow.poll(None).unwrap().unwrap();
    pair.provider.clear_journal();
    tokens
}

/// The requests since the sign-in, without their times.
fn requests(pair: &Pair) -> Vec<String> {
    let lines = pair.provider.lines();
    lines.iter().filter_map(|line| line.split_once(' ')).map(|(_, rest)| rest.to_owned()).collect()
}

#[track_caller]
fn assert_silence(pair: &Pair, expected: &[&str]) {
    assert_eq!(requests(pair), expected);
    for _ in 0..3 {
        pair.time.advance(common::INTERVAL + 1_000);
        pair.settle();
    }
    assert_eq!(requests(pair), expected, "silence");
}

fn status<T>(result: Result<T, Error>) -> Status {
    result.err().map_or(Status::OK, |error| error.status())
}

// ---- userinfo --------------------------------------------------------------------------------

#[test]
fn userinfo_is_asked_with_the_access_token_in_the_header_alone_and_is_about_the_same_person() {
    let pair = Pair::signaturgruppen();
    let client = pair.client();
    let flow = pair.flow_that("approve after 1 s");
    let tokens = flow.poll(None).unwrap().unwrap();
    pair.provider.clear_journal();
    let userinfo = client.userinfo(&tokens, None).unwrap().unwrap();
    assert_eq!(userinfo.text("sub"), tokens.claim_text("sub"));
    assert_eq!(userinfo.text("mitid.uuid").as_deref(), Some(common::UUID));
    assert_eq!((userinfo.bool("mitid.has_cpr"), userinfo.integer("mitid.age")), (Some(true), Some(88)));
    assert_eq!(userinfo.get("mitid.age"), Some(&json!("88")));
    assert_eq!(userinfo.text("uuid"), None);
    assert_eq!(serde_json::from_str::<Value>(userinfo.json()).unwrap(), json!(userinfo.members()));

    let journal = pair.provider.journal();
    let asked = journal.iter().find(|entry| entry.kind == Kind::Userinfo).unwrap();
    let bearer = format!("Bearer {}", tokens.access_token());
    assert_eq!(asked.header("authorization"), Some(bearer.as_str()));
    assert_eq!((asked.path.as_str(), asked.body.as_slice()), ("/op/connect/userinfo", [].as_slice()));
    // The endpoints of a sign-in are all known there; this one is found by discovery, once.
    client.userinfo(&tokens, None).unwrap().unwrap();
    let asked = "GET /op/connect/userinfo -> 200 userinfo";
    assert_silence(&pair, &["GET /op/.well-known/openid-configuration -> 200 discovery", asked, asked]);
}

fn json_answer(body: impl Into<Vec<u8>>) -> Fault {
    Fault::Answer(Answer::json(200, body))
}

#[test]
fn userinfo_about_another_subject_or_of_another_form_is_refused_step_16() {
    let challenge = |status: u16, challenge: &str| {
        Fault::Answer(Answer::new(status, "").header("www-authenticate", challenge))
    };
    let rows = [
        ("the twin", Fault::Pass, Status::OK),
        ("more claims", Fault::Patch(json!({ "email": "a@b" })), Status::OK),
        ("another subject", Fault::Patch(json!({ "sub": "bob" })), Status::USERINFO_SUBJECT),
        ("the subject in capitals", Fault::Patch(json!({ "sub": "ALICE" })), Status::USERINFO_SUBJECT),
        ("no subject", Fault::Patch(json!({ "sub": null })), Status::USERINFO_SUBJECT),
        ("a subject that is no text", Fault::Patch(json!({ "sub": ["alice"] })), Status::USERINFO_SUBJECT),
        ("a subject twice", json_answer(r#"{"sub":"alice","sub":"bob"}"#), Status::USERINFO_MALFORMED),
        ("a claim twice", json_answer(r#"{"sub":"alice","a":{"b":1,"b":2}}"#), Status::USERINFO_MALFORMED),
        ("no object", json_answer(r#"["alice"]"#), Status::USERINFO_MALFORMED),
        ("a web page", web_page(200), Status::USERINFO_MALFORMED),
        ("no UTF-8", json_answer(b"{\"sub\":\"alice\",\"a\":\"\xff\"}".to_vec()), Status::USERINFO_MALFORMED),
        ("nested", json_answer("[".repeat(100_000)), Status::USERINFO_MALFORMED),
        ("nothing", Fault::Answer(Answer::new(204, "")), Status::USERINFO_MALFORMED),
        ("a body without an end", Fault::EndlessBody, Status::ANSWER_TOO_LARGE),
        ("elsewhere", Fault::Redirect("https://elsewhere.example/".into()), Status::REDIRECTED),
        ("not any more", challenge(401, r#"Bearer error="invalid_token""#), Status::INVALID_TOKEN),
        ("401 without a word", Fault::Answer(Answer::new(401, "")), Status::INVALID_TOKEN),
        (
            "not so far",
            challenge(403, r#"Bearer realm="x", error="insufficient_scope", scope="phone""#),
            Status::INSUFFICIENT_SCOPE,
        ),
        ("not so far, in the body", error(403, "insufficient_scope"), Status::INSUFFICIENT_SCOPE),
        ("trouble", web_page(502), Status::HTTP_STATUS),
        ("cut", Fault::CutInBody { status: None }, Status::CONNECTION_LOST),
        ("the twin again", Fault::Pass, Status::OK),
    ];
    let pair = Pair::generic();
    let client = pair.client();
    let tokens = signed_in(&pair, &client);
    for (name, fault, expected) in rows {
        pair.provider.clear_journal();
        pair.provider.next(Kind::Userinfo, fault);
        assert_eq!(status(client.userinfo(&tokens, None)), expected, "{name}");
        assert_eq!(requests(&pair).len(), 1, "{name}: asked once, and nobody else");
    }
}

#[test]
fn signed_userinfo_is_verified_like_an_id_token_and_only_where_the_settings_say_so() {
    const ALG: &str = "userinfo_signed_response_alg";
    let pair = Pair::generic();
    let (plain, signed) = (pair.client(), pair.client_with(&[(ALG, "RS256")]));
    let other_algorithm = pair.client_with(&[(ALG, "PS256")]);
    let tokens = signed_in(&pair, &plain);
    let (issuer, client_id) = (pair.provider.issuer().to_owned(), pair.provider.client_id().to_owned());
    let now = pair.time.unix_ms() / 1000;
    let claims = json!({ "iss": issuer, "aud": client_id, "sub": "alice", "name": "Alice" });
    type Change = Box<dyn Fn(&mut Draft)>;
    let change = |change: fn(&mut Draft)| Box::new(change) as Change;
    let dated =
        |name: &'static str, at: i64| Box::new(move |d: &mut Draft| d.claims[name] = at.into()) as Change;
    let rows: Vec<(&str, &Client, Change, Status)> = vec![
        ("the twin", &signed, change(|_| ()), Status::OK),
        ("not expected to be signed", &plain, change(|_| ()), Status::USERINFO_SIGNING),
        ("another algorithm", &other_algorithm, change(|_| ()), Status::TOKEN_ALGORITHM),
        ("none", &signed, change(|d| d.header["alg"] = "none".into()), Status::TOKEN_ALGORITHM),
        ("another key", &signed, change(|d| d.signer = Signer::Unknown), Status::TOKEN_SIGNATURE),
        ("an access token", &signed, change(|d| d.header["typ"] = "at+jwt".into()), Status::TOKEN_TYPE),
        ("another issuer", &signed, change(|d| d.claims["iss"] = "x".into()), Status::TOKEN_ISSUER),
        ("no issuer", &signed, change(|d| d.claims["iss"] = Value::Null), Status::TOKEN_ISSUER),
        ("another client", &signed, change(|d| d.claims["aud"] = "x".into()), Status::TOKEN_AUDIENCE),
        ("another subject", &signed, change(|d| d.claims["sub"] = "bob".into()), Status::USERINFO_SUBJECT),
        ("expired", &signed, dated("exp", now - 61), Status::TOKEN_EXPIRED),
        ("good for a while", &signed, dated("exp", now + 1), Status::OK),
        ("not yet", &signed, dated("nbf", now + 3_600), Status::TOKEN_NOT_YET_VALID),
        (
            "three parts of nothing",
            &signed,
            change(|d| d.finish = Some(|_| "a.b.c".into())),
            Status::TOKEN_MALFORMED,
        ),
        ("the twin again", &signed, change(|_| ()), Status::OK),
    ];
    let kid = pair.provider.keys().0.kid.clone();
    for (name, client, change, expected) in rows {
        let mut draft = Draft::new(json!({ "alg": "RS256", "kid": kid }), claims.clone());
        change(&mut draft);
        let jwt = Answer::new(200, pair.provider.sign(&draft)).header("content-type", "application/jwt");
        pair.provider.next(Kind::Userinfo, Fault::Answer(jwt));
        let result = client.userinfo(&tokens, None);
        if let Ok(userinfo) = &result {
            assert_eq!(userinfo.as_ref().unwrap().text("name").as_deref(), Some("Alice"), "{name}");
        }
        if let Err(error) = &result {
            assert!(error.message().contains("userinfo answer"), "{name}: {error}");
        }
        assert_eq!(status(result), expected, "{name}");
    }
    // Plain JSON in place of a signed answer would say what anybody likes.
    assert_eq!(status(signed.userinfo(&tokens, None)), Status::USERINFO_SIGNING);
    assert_eq!(status(plain.userinfo(&tokens, None)), Status::OK);
}

#[test]
fn userinfo_is_not_asked_for_where_there_is_no_id_token_to_compare_it_with() {
    let pair = Pair::generic();
    let client = pair.client_with(&[("id_token_required", "false")]);
    for (patch, expected) in [(json!({}), Status::OK), (json!({ "id_token": null }), Status::TOKEN_MISSING)] {
        pair.provider.next(Kind::Poll, Fault::Patch(patch));
        let tokens = signed_in(&pair, &client);
        assert_eq!(status(client.userinfo(&tokens, None)), expected);
        assert_eq!(pair.provider.request_count(Kind::Userinfo), u64::from(expected == Status::OK));
    }
}

// ---- introspection and revocation ------------------------------------------------------------

#[test]
fn a_token_is_active_until_it_is_revoked() {
    let pair = Pair::generic();
    let client = pair.client_with(&[("token_endpoint_auth_method", "client_secret_post")]);
    let tokens = signed_in(&pair, &client);
    let active = |kind| client.introspect(&tokens, kind, None).unwrap().unwrap().bool("active");
    let introspected = client.introspect(&tokens, TokenKind::AccessToken, None).unwrap().unwrap();
    assert_eq!(introspected.text("sub").as_deref(), Some("alice"));
    assert_eq!(introspected.text("scope").as_deref(), Some("openid offline_access"));
    assert_eq!(introspected.integer("exp").map(|s| s * 1000), tokens.expires_at().map(|ms| ms / 1000 * 1000));

    assert!(client.revoke(&tokens, TokenKind::AccessToken, None).unwrap());
    assert_eq!(active(TokenKind::AccessToken), Some(false));
    assert_eq!(status(client.userinfo(&tokens, None)), Status::INVALID_TOKEN);
    assert_eq!(active(TokenKind::RefreshToken), Some(true), "revoking an access token spares it");
    assert!(client.revoke(&tokens, TokenKind::RefreshToken, None).unwrap());
    assert_eq!(active(TokenKind::RefreshToken), Some(false));
    assert!(client.revoke(&tokens, TokenKind::RefreshToken, None).unwrap(), "one that is gone is revoked");
    assert_eq!(status(client.refresh(&tokens, None)), Status::INVALID_GRANT);

    let (introspect, revoke) = ("POST /introspect -> 200 introspection", "POST /revoke -> 200 revoked");
    let userinfo = "GET /userinfo -> 401 invalid_token";
    let refresh = "POST /token -> 400 invalid_grant";
    assert_silence(
        &pair,
        &[introspect, revoke, introspect, userinfo, introspect, revoke, introspect, revoke, refresh],
    );
    let journal = pair.provider.journal();
    for (index, kind) in
        [(0, "access_token"), (1, "access_token"), (5, "refresh_token"), (6, "refresh_token")]
    {
        let sent = &journal[index];
        let token = if kind == "access_token" { Some(tokens.access_token()) } else { tokens.refresh_token() };
        assert_eq!(sent.param("token").as_deref(), token, "{index}");
        assert_eq!(sent.param("token_type_hint").as_deref(), Some(kind), "{index}");
        assert_eq!(sent.param("client_secret").as_deref(), Some(pair.provider.client_secret()), "{index}");
        assert_eq!(sent.header("authorization"), None, "{index}: proved in one way (R-03)");
    }
}

#[test]
fn an_introspection_says_whether_the_token_is_active_or_it_is_an_error() {
    let pair = Pair::generic();
    let client = pair.client();
    let tokens = signed_in(&pair, &client);
    let invalid = Status::INVALID_INTROSPECTION_RESPONSE;
    for (name, fault, expected) in [
        ("the twin", Fault::Pass, Status::OK),
        ("not active", json_answer(r#"{"active":false}"#), Status::OK),
        ("nothing said", Fault::Patch(json!({ "active": null })), invalid),
        ("no boolean", Fault::Patch(json!({ "active": "true" })), invalid),
        ("a number", Fault::Patch(json!({ "active": 1 })), invalid),
        ("both", json_answer(r#"{"active":false,"active":true}"#), invalid),
        ("no object", json_answer("true"), invalid),
        ("a web page", web_page(200), invalid),
        ("no such client", error(401, "invalid_client"), Status::INVALID_CLIENT),
        ("401 without a word", Fault::Answer(Answer::new(401, "")), Status::INVALID_CLIENT),
        ("a code of its own", error(400, "Strange.Code"), Status::PROVIDER_ERROR),
        ("the twin again", Fault::Pass, Status::OK),
    ] {
        pair.provider.next(Kind::Introspection, fault);
        assert_eq!(status(client.introspect(&tokens, TokenKind::AccessToken, None)), expected, "{name}");
    }
}

#[test]
fn a_revocation_that_did_not_happen_is_reported_and_not_repeated() {
    let later = |status: u16| Fault::Answer(Answer::new(status, "").header("retry-after", "120"));
    for (name, fault, expected, retry_after) in [
        ("the twin", Fault::Pass, Status::OK, None),
        ("an empty 200", Fault::Answer(Answer::new(200, "")), Status::OK, None),
        ("later", later(503), Status::HTTP_STATUS, Some(Duration::from_secs(120))),
        ("too often", later(429), Status::HTTP_STATUS, Some(Duration::from_secs(120))),
        ("of no such kind", error(400, "unsupported_token_type"), Status::UNSUPPORTED_TOKEN_TYPE, None),
        ("no such client", error(401, "invalid_client"), Status::INVALID_CLIENT, None),
        ("cut", Fault::CutBeforeHeaders, Status::CONNECTION_LOST, None),
    ] {
        let pair = Pair::generic();
        let client = pair.client();
        let tokens = signed_in(&pair, &client);
        pair.provider.next(Kind::Revocation, fault);
        let result = client.revoke(&tokens, TokenKind::RefreshToken, None);
        assert_eq!(result.as_ref().err().and_then(Error::retry_after), retry_after, "{name}");
        assert_eq!(status(result), expected, "{name}");
        assert_eq!(pair.provider.request_count(Kind::Revocation), 1, "{name}");
        assert!(
            client.revoke(&tokens, TokenKind::RefreshToken, None).unwrap(),
            "{name}: once more, and done"
        );
        assert_eq!(pair.provider.request_count(Kind::Revocation), 2, "{name}");
    }
}

// ---- where they are sent, and how long they take ---------------------------------------------

#[test]
fn endpoints_that_are_given_need_no_discovery() {
    let pair = Pair::generic();
    let url = |path: &str| format!("{}{path}", pair.provider.issuer());
    let client = pair.client_with(&[
        ("backchannel_authentication_endpoint", &url("/bc-authorize")),
        ("token_endpoint", &url("/token")),
        ("jwks_uri", &url("/jwks")),
        ("userinfo_endpoint", &url("/userinfo")),
        ("introspection_endpoint", &url("/introspect")),
    ]);
    let tokens = signed_in(&pair, &client);
    assert_eq!(status(client.userinfo(&tokens, None)), Status::OK);
    assert_eq!(status(client.introspect(&tokens, TokenKind::AccessToken, None)), Status::OK);
    assert_eq!(status(client.refresh(&tokens, None)), Status::OK);
    assert_eq!(pair.provider.request_count(Kind::Discovery), 0);
    assert_eq!(status(client.revoke(&tokens, TokenKind::AccessToken, None)), Status::OK);
    assert_eq!(pair.provider.request_count(Kind::Discovery), 1, "the one that was not given");
}

#[test]
fn an_endpoint_that_is_missing_or_elsewhere_is_an_error_for_who_needs_it_alone() {
    for (patch, setting, expected) in [
        (json!({}), "", Status::OK),
        (json!({ "userinfo_endpoint": null }), "", Status::METADATA_ENDPOINT_MISSING),
        (json!({ "userinfo_endpoint": 7 }), "", Status::METADATA_ENDPOINT_MISSING),
        (json!({ "userinfo_endpoint": "https://elsewhere.example/" }), "", Status::METADATA_ENDPOINT_HOST),
        (json!({ "userinfo_endpoint": "http://127.0.0.1/" }), "", Status::METADATA_MALFORMED),
        (json!({ "userinfo_endpoint": null }), "/userinfo", Status::OK),
    ] {
        let pair = Pair::generic();
        pair.provider.next(Kind::Discovery, Fault::Patch(patch.clone()));
        let given =
            if setting.is_empty() { String::new() } else { pair.provider.issuer().to_owned() + setting };
        let client = pair.client_with(&[("userinfo_endpoint", &given)]);
        let tokens = signed_in(&pair, &client); // the sign-in needs it not
        let result = client.userinfo(&tokens, None);
        if let Err(error) = &result {
            assert!(error.message().contains("userinfo_endpoint"), "{patch}: {error}");
        }
        assert_eq!(status(result), expected, "{patch}");
        assert_eq!(pair.provider.request_count(Kind::Userinfo), u64::from(expected == Status::OK), "{patch}");
        assert_eq!(status(client.introspect(&tokens, TokenKind::AccessToken, None)), Status::OK, "{patch}");
    }
}

#[test]
fn a_call_with_timeout_0_waits_for_nothing_and_the_next_one_collects_the_answer() {
    let pair = Pair::generic();
    let client = pair.client();
    let tokens = signed_in(&pair, &client);
    for kind in [Kind::Userinfo, Kind::Introspection, Kind::Revocation] {
        pair.provider.next(kind, Fault::Hold(60_000));
    }
    let now = Some(Duration::ZERO);
    let begun = Instant::now();
    assert!(client.userinfo(&tokens, now).unwrap().is_none());
    assert!(client.introspect(&tokens, TokenKind::AccessToken, now).unwrap().is_none());
    assert!(!client.revoke(&tokens, TokenKind::RefreshToken, now).unwrap());
    assert!(client.userinfo(&tokens, Some(Duration::from_millis(20))).unwrap().is_none());
    assert!(begun.elapsed() < Duration::from_secs(10), "no hang");
    eventually("the requests", || requests(&pair).len() == 3);
    pair.time.advance(60_000);
    let userinfo = client.userinfo(&tokens, None).unwrap().unwrap();
    assert_eq!(userinfo.text("sub").as_deref(), Some("alice"));
    assert!(client.introspect(&tokens, TokenKind::AccessToken, None).unwrap().is_some());
    assert!(client.revoke(&tokens, TokenKind::RefreshToken, None).unwrap());
    assert_eq!(requests(&pair).len(), 3, "each was asked once");
    // What was collected is gone: the next question is a new one.
    assert_eq!(status(client.userinfo(&tokens, None)), Status::INVALID_TOKEN);
    assert_eq!(requests(&pair).len(), 4);
}

#[test]
fn a_network_that_is_dead_is_an_error_and_holds_up_no_call_with_timeout_0() {
    let pair = Pair::generic();
    let client = pair.client();
    let tokens = signed_in(&pair, &client);
    pair.provider.go_offline();
    let begun = Instant::now();
    // A refused connection may be known at once.
    let refused = |error: Error| error.status() == Status::CONNECT_FAILED;
    assert!(client.userinfo(&tokens, Some(Duration::ZERO)).map_or_else(refused, |none| none.is_none()));
    let revoked = client.revoke(&tokens, TokenKind::AccessToken, Some(Duration::ZERO));
    assert!(revoked.map_or_else(refused, |done| !done));
    assert!(begun.elapsed() < Duration::from_secs(5), "no hang");
    assert_eq!(status(client.userinfo(&tokens, None)), Status::CONNECT_FAILED);
    assert_eq!(status(client.revoke(&tokens, TokenKind::AccessToken, None)), Status::CONNECT_FAILED);
    pair.provider.go_online();
    assert_eq!(status(client.userinfo(&tokens, None)), Status::OK);
    assert_eq!(requests(&pair), ["GET /userinfo -> 200 userinfo"]);
}

// ---- secrets ---------------------------------------------------------------------------------

/// The names of those secrets that are in the texts.
fn found(texts: &[String], secrets: &[(&'static str, String)]) -> Vec<&'static str> {
    let is_in = |secret: &str| texts.iter().any(|text| text.contains(secret));
    secrets.iter().filter(|(_, secret)| is_in(secret)).map(|(name, _)| *name).collect()
}

fn texts_of(error: &Error) -> Vec<String> {
    let told = [error.oauth_error(), error.oauth_error_description()];
    let told = told.into_iter().flatten().map(str::to_owned);
    [error.message().to_owned(), format!("{error:?} {error}")].into_iter().chain(told).collect()
}

#[test]
fn no_token_is_in_any_text_also_where_the_provider_echoes_it() {
    let pair = Pair::generic();
    let client = pair.client_with(&[("token_endpoint_auth_method", "client_secret_post")]);
    let tokens = signed_in(&pair, &client);
    let secrets = [
        ("client_secret", pair.provider.client_secret().to_owned()),
        ("access_token", tokens.access_token().to_owned()),
        ("refresh_token", tokens.refresh_token().unwrap().to_owned()),
        ("id_token", tokens.id_token().unwrap().to_owned()),
    ];
    let echo = secrets.iter().map(|(_, secret)| secret.as_str()).collect::<Vec<_>>().join(" and ");
    assert_eq!(found(std::slice::from_ref(&echo), &secrets).len(), secrets.len(), "planted, and found");
    let body = json!({ "error": format!("no {echo}"), "error_description": echo }).to_string();
    for kind in [Kind::Refresh, Kind::Userinfo, Kind::Introspection, Kind::Revocation] {
        pair.provider.next(kind, Fault::Answer(Answer::json(400, body.clone())));
        pair.provider.next(kind, Fault::Answer(Answer::json(200, body.clone())));
        pair.provider.next(kind, Fault::CutBeforeHeaders);
    }
    let mut texts = Vec::new();
    for _ in 0..3 {
        texts.extend(client.userinfo(&tokens, None).err().iter().flat_map(texts_of));
        let introspected = client.introspect(&tokens, TokenKind::AccessToken, None);
        texts.extend(introspected.err().iter().flat_map(texts_of));
        texts.extend(client.refresh(&tokens, None).err().iter().flat_map(texts_of));
        texts.extend(client.revoke(&tokens, TokenKind::RefreshToken, None).err().iter().flat_map(texts_of));
    }
    assert!(texts.len() >= 22 && texts.iter().any(|text| text.contains("[redacted]")), "{texts:#?}");

    let kept = client.restore_tokens(tokens.refresh_token().unwrap(), tokens.id_token()).unwrap();
    let userinfo = client.userinfo(&signed_in(&pair, &client), None).unwrap().unwrap();
    texts.push(format!("{tokens:?} {kept:?} {kept:#?} {userinfo:?} {client:?}"));
    assert!(!texts.iter().any(|text| text.contains("alice")), "nor the person");
    texts.extend(pair.events.lines());
    let told = |name: &str| texts.iter().filter(|text| text.contains(name)).count();
    for name in ["refresh", "userinfo", "introspection", "revocation"] {
        assert!(told(&format!("warning {name}.failed")) >= 2, "{name}: {texts:#?}");
    }
    assert_eq!(found(&texts, &secrets), [""; 0], "{texts:#?}");

    // The search finds each of them where it is: in what was sent and answered.
    let sent = pair.provider.journal();
    let sent = sent.iter().flat_map(|entry| entry.form()).map(|(_, value)| value);
    let planted: Vec<String> = sent.chain([echo]).collect();
    assert_eq!(found(&planted, &secrets).len(), secrets.len());
}
