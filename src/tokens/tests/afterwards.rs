//! What comes after the first tokens: a refresh that keeps the refresh token, tokens that a program kept,
//! and what the provider says of a person.

use super::*;

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
    attempt.claim("sub", "another");
    assert_eq!(refreshed(&attempt, &first).unwrap_err().status(), Status::TOKEN_SUBJECT);
    // Where the first response had no ID Token there is nothing to hold it against, and then there is.
    let third = refreshed(&attempt, &Original::default()).unwrap().original();
    assert_eq!(third.subject(), Some("another"));
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
