//! What comes after the first tokens: a refresh that keeps the refresh token, tokens that a program kept,
//! and what the provider says of a person.

use super::encrypted::{jwe, registered};
use super::*;
use crate::tokens::answer::decrypted_userinfo;

/// A token with everything that JSON escapes.
const ODD: &str = r#"r"e\f/ 'x'"#;

fn parts(body: &str, sent: &str) -> Result<TokenResponse> {
    let policy = ResponsePolicy { id_token_required: false, ..ResponsePolicy::default() };
    TokenResponse::parse_refreshed(body.as_bytes(), &policy, NOW * 1000, &sent.into())
}

fn tokens(response: &TokenResponse) -> Tokens {
    let mut expected = Expected::new(ISSUER, CLIENT);
    expected.delivery = Delivery::Refresh;
    verify(response, &KeySet::default(), &expected, NOW * 1000).unwrap()
}

#[test]
fn the_refresh_token_that_was_sent_is_part_of_a_response_that_brings_none() {
    for (body, kept) in [
        (r#"{"access_token":"a","token_type":"Bearer"}"#, ODD),
        (r#"{"refresh_token":null,"access_token":"a","token_type":"Bearer","x":[1, 2]}"#, ODD),
        (r#"{"access_token":"a","token_type":"Bearer","refresh_token":"new"}"#, "new"),
    ] {
        let tokens = tokens(&parts(body, ODD).unwrap());
        assert_eq!(tokens.refresh_token(), Some(kept), "{body}");
        assert_eq!(tokens.member("refresh_token").as_deref(), Some(kept), "{body}");
        assert_eq!(tokens.member("access_token").as_deref(), Some("a"), "{body}");
        assert!(tokens.member_json("x").is_none_or(|raw| raw == "[1, 2]"), "as the provider wrote it");
    }
    assert_eq!(parts("{}", ODD).unwrap_err().status(), Status::INVALID_TOKEN_RESPONSE);
}

#[test]
fn what_a_program_kept_are_tokens_without_an_access_token_that_nobody_sees_in_a_text() {
    let id_token = Attempt::good().id_token();
    let kept = Tokens::kept(&ODD.into(), Some(&id_token.as_str().into()), ISSUER, CLIENT).unwrap();
    assert_eq!(kept.refresh_token(), Some(ODD));
    assert_eq!(kept.member("refresh_token").as_deref(), Some(ODD));
    assert_eq!(kept.member("id_token").as_deref(), Some(id_token.as_str()));
    assert_eq!((kept.access_token(), kept.member("access_token"), kept.claims()), ("", None, None));
    assert_eq!(kept.original().subject(), Some("person"));
    assert!(kept.are_of(ISSUER, CLIENT));
    assert!(!kept.are_of("https://provider.example", CLIENT) && !kept.are_of(ISSUER, "Client"));
    assert!(!format!("{kept:?}").contains("person") && !format!("{kept:?}").contains(ODD));
    let without = Tokens::kept(&ODD.into(), None, ISSUER, CLIENT).unwrap();
    assert_eq!((without.id_token(), without.original().subject()), (None, None));
}

#[test]
fn an_id_token_that_a_program_kept_is_this_clients_and_names_a_person() {
    let kept = |attempt: &Attempt| {
        let tokens = Tokens::kept(&ODD.into(), Some(&attempt.id_token().into()), ISSUER, CLIENT);
        tokens.map_or_else(|error| error.status(), |_| Status::OK)
    };
    let table: &[Row] = &[
        ("a signature that is not checked again", Status::OK, |a| a.signer = "RS256 by another key"),
        ("several audiences", Status::OK, |a| a.claim("aud", json!(["other", CLIENT]))),
        ("other audiences", Status::OTHER_CLIENT, |a| a.claim("aud", json!(["other", "client1"]))),
        ("another audience", Status::OTHER_CLIENT, |a| a.claim("aud", "client1")),
        ("no audience", Status::OTHER_CLIENT, |a| drop(a.claims.remove("aud"))),
        ("another issuer", Status::OTHER_CLIENT, |a| a.claim("iss", "https://other.example/")),
        ("no sub", Status::INVALID_VALUE, |a| drop(a.claims.remove("sub"))),
        ("an empty sub", Status::INVALID_VALUE, |a| a.claim("sub", "")),
        ("a name twice", Status::INVALID_VALUE, |a| a.rewrite_claims("{", r#"{"sub":"person","#)),
        ("two parts", Status::INVALID_VALUE, |a| a.token = |t| t.rsplit_once('.').unwrap().0.to_owned()),
        ("four parts", Status::INVALID_VALUE, |a| a.token = |t| format!("{t}.")),
    ];
    assert_eq!(kept(&Attempt::good()), Status::OK);
    for (name, expected, change) in table {
        let mut attempt = Attempt::good();
        change(&mut attempt);
        assert_eq!(kept(&attempt), *expected, "{name}");
    }
}

#[test]
fn the_first_id_token_stays_what_later_ones_are_held_against() {
    let refreshed = |attempt: &Attempt, original: &Original| {
        let response =
            TokenResponse::parse(attempt.body().as_bytes(), &ResponsePolicy::default(), NOW * 1000)?;
        let keys = KeySet::parse(attempt.keys.to_string().as_bytes())?;
        let mut expected = Expected::new(ISSUER, CLIENT);
        (expected.delivery, expected.original) = (Delivery::Refresh, Some(original));
        verify(&response, &keys, &expected, NOW * 1000)
    };
    let mut attempt = Attempt::good();
    let first = attempt.verify().unwrap().original(); // it has no auth_time
    attempt.claim("auth_time", NOW - 10);
    let second = refreshed(&attempt, &first).unwrap().original();
    attempt.claim("auth_time", NOW - 11);
    assert_eq!(refreshed(&attempt, &second).unwrap_err().status(), Status::TOKEN_UNEXPECTED_CLAIM);
    assert!(refreshed(&attempt, &first).is_ok());
    for same in [json!(NOW - 10), json!((NOW - 10) as f64), json!((NOW - 10).to_string())] {
        attempt.claim("auth_time", same);
        assert!(refreshed(&attempt, &second).is_ok(), "however the number is written");
    }
    for other in [Value::Null, json!("then"), json!([NOW - 10])] {
        attempt.claim("auth_time", other);
        assert_eq!(refreshed(&attempt, &second).unwrap_err().status(), Status::TOKEN_UNEXPECTED_CLAIM);
    }
    attempt.claims.remove("auth_time");
    assert!(refreshed(&attempt, &second).is_ok(), "it may be left out");
    attempt.claim("sub", "another");
    assert_eq!(refreshed(&attempt, &first).unwrap_err().status(), Status::TOKEN_SUBJECT);
    // Where the first response had no ID Token there is nothing to hold it against, and then there is.
    let third = refreshed(&attempt, &Original::default()).unwrap().original();
    assert_eq!(third.subject(), Some("another"));
}

#[test]
fn a_refreshed_id_token_may_name_the_first_request_which_no_other_may() {
    let mut attempt = Attempt::good();
    attempt.claim(AUTH_REQ_ID, REQUEST);
    let response = TokenResponse::parse(attempt.body().as_bytes(), &ResponsePolicy::default(), 0).unwrap();
    let keys = KeySet::parse(attempt.keys.to_string().as_bytes()).unwrap();
    let status = |delivery| {
        let expected = Expected { delivery, ..Expected::new(ISSUER, CLIENT) };
        verify(&response, &keys, &expected, NOW * 1000).map_or_else(|error| error.status(), |_| Status::OK)
    };
    assert_eq!(status(Delivery::Refresh), Status::OK);
    assert_eq!(status(Delivery::TokenEndpoint), Status::TOKEN_REQUEST_ID);
}

#[test]
fn userinfo_has_its_members_by_literal_name() {
    let answer = userinfo(br#"{"sub":"person","a.b":1.50,"c":true,"d":"7","e":null}"#, "person").unwrap();
    assert_eq!(answer.text("a.b").as_deref(), Some("1.50"), "as the provider wrote it");
    assert_eq!((answer.bool("c"), answer.integer("d"), answer.bool("d")), (Some(true), Some(7), None));
    assert_eq!((answer.get("e"), answer.get("f")), (Some(&Value::Null), None));
    assert_eq!((answer.text("e").as_deref(), answer.members().len()), (Some("null"), 5));
    assert!(!format!("{answer:?}").contains("person"));
}

#[test]
fn userinfo_that_is_signed_is_the_providers_for_this_client_about_this_person() {
    fn read(attempt: &Attempt) -> Result<Answer> {
        let keys = KeySet::parse(attempt.keys.to_string().as_bytes()).unwrap();
        let token = format!("{}\n", attempt.id_token());
        signed_userinfo(token.as_bytes(), &keys, &Expected::new(ISSUER, CLIENT), "person", NOW * 1000)
    }
    let mut good = Attempt::good();
    good.claims = object(json!({"iss": ISSUER, "aud": CLIENT, "sub": "person", "name": "Ada"}));
    assert_eq!(read(&good).unwrap().text("name").as_deref(), Some("Ada"));
    assert_eq!(read(&good).unwrap().json(), Value::Object(good.claims.clone()).to_string());
    let table: &[Row] = &[
        ("another issuer", Status::TOKEN_ISSUER, |a| a.claim("iss", "https://other.example/")),
        ("no issuer", Status::TOKEN_ISSUER, |a| drop(a.claims.remove("iss"))),
        ("another client", Status::TOKEN_AUDIENCE, |a| a.claim("aud", "client1")),
        ("another person", Status::USERINFO_SUBJECT, |a| a.claim("sub", "Person")),
        ("nobody", Status::USERINFO_SUBJECT, |a| drop(a.claims.remove("sub"))),
        ("exp in the future", Status::OK, |a| a.claim("exp", NOW + 1)),
        ("exp within the leeway", Status::OK, |a| a.claim("exp", NOW - 59)),
        ("exp at the leeway", Status::TOKEN_EXPIRED, |a| a.claim("exp", NOW - 60)),
        ("exp before it", Status::TOKEN_EXPIRED, |a| a.claim("exp", NOW - 61)),
        ("exp no number", Status::TOKEN_EXPIRED, |a| a.claim("exp", "soon")),
        ("nbf in the past", Status::OK, |a| a.claim("nbf", NOW - 1)),
        ("nbf at the leeway", Status::OK, |a| a.claim("nbf", NOW + 60)),
        ("nbf behind it", Status::TOKEN_NOT_YET_VALID, |a| a.claim("nbf", NOW + 61)),
        ("nbf null", Status::TOKEN_NOT_YET_VALID, |a| a.claim("nbf", Value::Null)),
        ("signed by another key", Status::TOKEN_SIGNATURE, |a| a.signer = "RS256 by another key"),
        ("a name twice", Status::USERINFO_MALFORMED, |a| a.rewrite_claims("{", r#"{"sub":"person","#)),
        ("not UTF-8", Status::USERINFO_MALFORMED, |a| a.claims_text = Some(b"{\"a\":\"\xff\"}".to_vec())),
    ];
    for (name, expected, change) in table {
        let mut attempt = good.clone();
        change(&mut attempt);
        let status = read(&attempt).map_or_else(
            |error| {
                assert!(!error.message().starts_with("the ID Token"), "{error}");
                error.status()
            },
            |_| Status::OK,
        );
        assert_eq!(status, *expected, "{name}");
    }
}

#[test]
fn userinfo_that_is_encrypted_is_what_is_inside() {
    let decryption = registered("RSA-OAEP-256", "A256GCM");
    for inside in [r#"{"sub":"person"}"#, &Attempt::good().id_token()] {
        let token = jwe::encrypt("RSA-OAEP-256", "A256GCM", inside, |_| ());
        let opened = decrypted_userinfo(format!("{token}\n").as_bytes(), &decryption).unwrap();
        assert_eq!(opened.as_slice(), inside.as_bytes());
    }
    for (token, status) in [
        (&b"a.b.c"[..], Status::TOKEN_NOT_ENCRYPTED),
        (b"a.b.c.d", Status::TOKEN_MALFORMED),
        (b"\xff", Status::TOKEN_MALFORMED),
    ] {
        let error = decrypted_userinfo(token, &decryption).unwrap_err();
        assert_eq!(error.status(), status);
        assert!(error.message().contains("userinfo answer") && !error.message().contains("ID Token"));
    }
}

#[test]
fn an_introspection_says_whether_the_token_is_active_and_what_it_is_bound_to() {
    let good = r#"{ "active":true, "cnf":{"jkt":"thumbprint","x5t#S256":7} }"#;
    let answer = introspection(good.as_bytes()).unwrap();
    assert_eq!((answer.bool("active"), answer.json()), (Some(true), good));
    assert_eq!(answer.confirmation("jkt"), Some("thumbprint"));
    assert_eq!((answer.confirmation("x5t#S256"), answer.confirmation("x")), (None, None));
    let inactive = introspection(br#"{"active":false}"#).unwrap();
    assert_eq!((inactive.bool("active"), inactive.confirmation("jkt")), (Some(false), None));
    for body in [
        &br#"{"active":"true"}"#[..],
        br#"{"active":null}"#,
        br#"{"active":1}"#,
        b"{}",
        b"[]",
        br#"{"active":true,"active":true}"#,
        b"{\"active\":true,\"x\":\"\xff\"}",
    ] {
        let error = introspection(body).unwrap_err();
        assert_eq!(error.status(), Status::INVALID_INTROSPECTION_RESPONSE);
    }
}
