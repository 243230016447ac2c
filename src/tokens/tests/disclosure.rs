//! No text that is meant for a log holds a secret or a person's data.

use super::*;

const PLANTED: [&str; 5] =
    ["planted-access", "planted-refresh", "planted-person", "planted-extra", "planted-code"];

/// Whether any of the planted texts, or the ID Token or a part of it, is in the text.
fn discloses(text: &str, id_token: &str) -> bool {
    PLANTED.iter().copied().chain(id_token.split('.')).any(|secret| text.contains(secret))
}

fn planted() -> Attempt {
    let mut attempt = Attempt::good();
    attempt.respond("access_token", "planted-access");
    attempt.respond("refresh_token", "planted-refresh");
    attempt.respond("extra", "planted-extra");
    attempt.claim("sub", "planted-person");
    attempt.claim("mitid.uuid", "planted-person");
    attempt.expectations[0].expected = "planted-person".into();
    let id_token = attempt.id_token();
    attempt.respond("id_token", id_token);
    attempt
}

#[test]
fn no_debug_form_holds_a_secret() {
    let attempt = planted();
    let id_token = attempt.response["id_token"].as_str().unwrap();
    let policy = ResponsePolicy::default();
    let response = TokenResponse::parse(attempt.body().as_bytes(), &policy, 0).unwrap();
    let keys = KeySet::parse(attempt.keys.to_string().as_bytes()).unwrap();
    let tokens = attempt.verify().unwrap();
    assert_eq!(tokens.id_token(), Some(id_token));

    assert!(discloses(tokens.access_token(), id_token), "the search finds a planted text");
    assert!(discloses(tokens.claims_json().unwrap(), id_token), "and a planted claim");
    assert!(discloses(&format!("x {id_token} x"), id_token), "and the ID Token");
    for text in [
        format!("{tokens:?}"),
        format!("{tokens:#?}"),
        format!("{response:?}"),
        format!("{response:#?}"),
        format!("{keys:?}"),
        format!("{policy:?}"),
        format!("{:?}", attempt.delivery),
        format!("{:?}", attempt.algorithms),
    ] {
        assert!(!text.is_empty() && !discloses(&text, id_token), "{text}");
    }
}

#[test]
fn no_error_holds_a_secret() {
    let changes: [fn(&mut Attempt); 8] = [
        |a| a.respond("access_token", "planted-access\n"),
        |a| a.respond("refresh_token", json!(["planted-refresh"])),
        |a| a.respond("token_type", "planted-extra"),
        |a| a.respond("scope", json!({"planted-extra": 1})),
        |a| a.respond("expires_in", "planted-extra"),
        |a| a.respond("error", "planted-code"),
        |a| a.expectations[0].expected = "planted-person-2".into(),
        |a| a.subject = Some("planted-person-2"),
    ];
    for change in changes {
        let mut attempt = planted();
        change(&mut attempt);
        let error = attempt.verify().unwrap_err();
        let id_token = attempt.response["id_token"].as_str().unwrap();
        for text in [format!("{error}"), format!("{error:?}"), error.message().to_owned()] {
            assert!(!discloses(&text, id_token), "{text}");
        }
    }
}

#[test]
fn a_text_that_holds_a_secret_never_grows_so_that_no_copy_is_left_behind() {
    let odd = token_response::json_text(&"\u{1}".repeat(100).into());
    assert_eq!(*odd, format!("\"{}\"", "\\u0001".repeat(100)));
    assert_eq!(odd.capacity(), odd.len(), "as long as it can be");
    for (body, with) in [
        ("{}", r#"{"id_token":"secret"}"#),
        (r#"{"a":1}"#, r#"{"a":1,"id_token":"secret"}"#),
        (r#"{"id_token":"x","a\n":[1, 2],"b":""}"#, r#"{"a\n":[1, 2],"b":"","id_token":"secret"}"#),
    ] {
        let text = Fields::parse(body).unwrap().with("id_token", r#""secret""#);
        assert_eq!(*text, with);
        assert_eq!(text.capacity(), text.len());
    }
}
