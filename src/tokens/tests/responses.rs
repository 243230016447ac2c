//! The body of a token response (R-60 to R-63).

use super::*;

const INVALID: Status = Status::INVALID_TOKEN_RESPONSE;

#[test]
fn r_60_required_members_and_their_types() {
    check_table(
        &Attempt::good(),
        &[
            ("no access_token", INVALID, |a| drop(a.response.remove("access_token"))),
            ("access_token null", INVALID, |a| a.respond("access_token", Value::Null)),
            ("access_token empty", INVALID, |a| a.respond("access_token", "")),
            ("access_token a number", INVALID, |a| a.respond("access_token", 1)),
            ("access_token with a line break", INVALID, |a| a.respond("access_token", "a\r\nb")),
            ("access_token not ASCII", INVALID, |a| a.respond("access_token", "é")),
            ("no token_type", INVALID, |a| drop(a.response.remove("token_type"))),
            ("token_type empty", INVALID, |a| a.respond("token_type", "")),
            ("token_type a number", INVALID, |a| a.respond("token_type", 1)),
            ("token_type in other capitals", Status::OK, |a| a.respond("token_type", "bEARER")),
            ("token_type DPoP", INVALID, |a| a.respond("token_type", "DPoP")),
            ("id_token null", Status::TOKEN_MISSING, |a| a.respond("id_token", Value::Null)),
            ("id_token empty", INVALID, |a| a.respond("id_token", "")),
            ("id_token an object", INVALID, |a| a.respond("id_token", json!({}))),
            ("refresh_token", Status::OK, |a| a.respond("refresh_token", "r")),
            ("refresh_token null", Status::OK, |a| a.respond("refresh_token", Value::Null)),
            ("refresh_token a number", INVALID, |a| a.respond("refresh_token", 1)),
            ("scope null", Status::OK, |a| a.respond("scope", Value::Null)),
            ("scope an array", INVALID, |a| a.respond("scope", json!(["openid"]))),
            ("expires_in as text", Status::OK, |a| a.respond("expires_in", "120")),
            ("expires_in null", Status::OK, |a| a.respond("expires_in", Value::Null)),
            ("expires_in 0", INVALID, |a| a.respond("expires_in", 0)),
            ("expires_in negative", INVALID, |a| a.respond("expires_in", -1)),
            ("expires_in true", INVALID, |a| a.respond("expires_in", true)),
            ("expires_in words", INVALID, |a| a.respond("expires_in", "an hour")),
            ("expires_in 2^64 - 1", Status::OK, |a| a.respond("expires_in", u64::MAX)),
            ("expires_in 1e308", Status::OK, |a| a.respond("expires_in", 1e308)),
        ],
    );
}

#[test]
fn r_62_a_success_with_an_error_in_it_is_a_failure() {
    check_table(
        &Attempt::good(),
        &[
            ("error and tokens", INVALID, |a| a.respond("error", "access_denied")),
            ("error empty", INVALID, |a| a.respond("error", "")),
            ("error an object", INVALID, |a| a.respond("error", json!({}))),
            ("error null", Status::OK, |a| a.respond("error", Value::Null)),
            ("error alone", INVALID, |a| {
                a.response.clear();
                a.respond("error", "authorization_pending");
            }),
        ],
    );
    let mut attempt = Attempt::good();
    attempt.respond("error", "some.Provider.Code");
    assert_eq!(attempt.verify().unwrap_err().oauth_error(), Some("some.Provider.Code"));
    attempt.respond("error", "line\nbreak");
    assert_eq!(attempt.verify().unwrap_err().oauth_error(), None);
}

#[test]
fn a_body_that_is_no_plain_object_is_invalid() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        "",
        "<html>",
        "null",
        "[]",
        "{",
        &deep,
        r#"{"access_token":"a","access_token":"a","token_type":"Bearer","id_token":"x"}"#,
        r#"{"access_token":"a","\u0061ccess_token":"a","token_type":"Bearer","id_token":"x"}"#,
        r#"{"access_token":"a","token_type":"Bearer","id_token":"x"} {}"#,
    ] {
        let error = TokenResponse::parse(body.as_bytes(), &ResponsePolicy::default(), 0).unwrap_err();
        assert_eq!(error.status(), INVALID, "{body:.60}");
    }
    let latin = b"{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"id_token\":\"\xff\"}";
    assert!(TokenResponse::parse(latin, &ResponsePolicy::default(), 0).is_err());
}

#[test]
fn r_16_r_61_unknown_members_and_large_tokens_are_kept() {
    let mut attempt = Attempt::good();
    let large = "x".repeat(300_000);
    attempt.respond("access_token", large.as_str());
    attempt.respond("issued", json!({"at": [1, 2.50]}));
    attempt.respond("note", "a \"quoted\" é");
    let tokens = attempt.verify().unwrap();
    assert_eq!(tokens.access_token(), large);
    assert_eq!(tokens.member("access_token").as_deref(), Some(large.as_str()));
    assert_eq!(tokens.member("issued").as_deref(), Some(r#"{"at":[1,2.5]}"#));
    assert_eq!(tokens.member("note").as_deref(), Some("a \"quoted\" é"));
    assert_eq!(tokens.member_json("note"), Some(r#""a \"quoted\" é""#));
    assert_eq!(tokens.member("none"), None);
}

#[test]
fn r_60_what_the_provider_leaves_out_has_its_meaning() {
    let mut attempt = Attempt::good();
    let tokens = attempt.verify().unwrap();
    assert_eq!(tokens.scope(), Some("openid mitid"));
    assert_eq!(tokens.expires_at(), None);
    attempt.respond("scope", "openid");
    attempt.respond("expires_in", "120");
    let tokens = attempt.verify().unwrap();
    assert_eq!(tokens.scope(), Some("openid"));
    assert_eq!(tokens.expires_at(), Some((NOW + 120) * 1000));
    attempt.respond("expires_in", u64::MAX);
    assert_eq!(attempt.verify().unwrap().expires_at(), Some(i64::MAX));
}

#[test]
fn an_id_token_is_required_unless_the_policy_says_otherwise() {
    let body = br#"{"access_token":"a","token_type":"Bearer"}"#;
    let required = TokenResponse::parse(body, &ResponsePolicy::default(), 0);
    assert_eq!(required.unwrap_err().status(), Status::TOKEN_MISSING);

    let policy = ResponsePolicy { id_token_required: false, ..ResponsePolicy::default() };
    let response = TokenResponse::parse(body, &policy, 0).unwrap();
    assert!(!response.has_id_token());
    let keys = KeySet::default();
    let expected = Expected::new(ISSUER, CLIENT);
    let tokens = verify(&response, &keys, &expected, 0).unwrap();
    assert_eq!(tokens.access_token(), "a");
    assert_eq!(tokens.id_token(), None);
    assert!(tokens.claims().is_none() && tokens.claims_json().is_none());
    assert!(tokens.claim("sub").is_none() && tokens.claim_text("sub").is_none());

    // What only an ID Token can say cannot be left out with it.
    let claims = Attempt::good().expectations;
    for expected in [
        Expected { subject: Some("person"), ..expected.clone() },
        Expected { claims: &claims, ..expected.clone() },
        Expected { acr: &["urn:a"], ..expected.clone() },
        Expected { authenticated_after_ms: Some(0), ..expected.clone() },
        Expected { delivery: Delivery::Push, ..expected.clone() },
    ] {
        let error = verify(&response, &keys, &expected, 0).unwrap_err();
        assert_eq!(error.status(), Status::TOKEN_MISSING);
    }
    // Only a refresh response may leave it out with what is expected of it.
    let refresh = Expected { subject: Some("person"), delivery: Delivery::Refresh, ..expected.clone() };
    assert!(verify(&response, &keys, &refresh, 0).is_ok());
    // And one that is there is verified whether it had to be there or not.
    let body = br#"{"access_token":"a","token_type":"Bearer","id_token":"x"}"#;
    let response = TokenResponse::parse(body, &policy, 0).unwrap();
    assert!(response.has_id_token());
    let error = verify(&response, &keys, &expected, 0).unwrap_err();
    assert_eq!(error.status(), Status::TOKEN_MALFORMED);
}

#[test]
fn claims_are_shown_as_the_provider_wrote_them() {
    let mut attempt = Attempt::good();
    attempt.rewrite_claims(
        "{",
        r#"{ "big":123456789012345678901234567890, "list": [1, 2.50],"no":false,"nil":null,"#,
    );
    let tokens = attempt.verify().unwrap();
    let text = |name: &str| tokens.claim_text(name).map(Cow::into_owned);
    assert_eq!(text("big").as_deref(), Some("123456789012345678901234567890"));
    assert_eq!(text("list").as_deref(), Some("[1, 2.50]"));
    assert_eq!(text("no").as_deref(), Some("false"));
    assert_eq!(text("nil").as_deref(), Some("null"));
    assert_eq!(text("none"), None);
    assert_eq!(tokens.claim_bool("no"), Some(false));
    assert_eq!(tokens.claim_bool("sub"), None);
    assert_eq!(tokens.claim_integer("big"), None);
    assert_eq!(tokens.claims_json(), attempt.claims_text.as_deref().map(|t| std::str::from_utf8(t).unwrap()));
    assert_eq!(tokens.clone().claims_json(), tokens.claims_json());
}

#[test]
fn what_a_client_keeps_with_tokens_is_made_once_and_lives_as_long_as_they_do() {
    let tokens = Attempt::good().verify().unwrap();
    let weak = tokens.downgrade();
    assert_eq!(tokens.clone().calls(|| 1).copied(), Some(1));
    assert_eq!(tokens.calls(|| 2).copied(), Some(1));
    assert_eq!(tokens.calls(String::new), None, "of another type");
    assert_eq!(weak.upgrade().unwrap().access_token(), tokens.access_token());
    drop(tokens);
    assert!(weak.upgrade().is_none());
}

#[test]
fn a_claim_is_found_by_its_literal_name_alone() {
    let mut attempt = Attempt::good();
    attempt.claim("address", json!({"country": "NO"}));
    let tokens = attempt.verify().unwrap();
    assert_eq!(tokens.claim("mitid.uuid"), Some(&json!("EEE4B272")));
    assert_eq!(tokens.claim("address"), Some(&json!({"country": "NO"})));
    assert_eq!((tokens.claim("address.country"), tokens.claim("mitid")), (None, None));
}
