//! What is kept of a request, and what is made of a hint.

use super::*;
use crate::{Client, Config};

const UUID: &str = "8a9856e0-f12d-4217-b320-c8a076be9320";

fn client(settings: &[(&str, &str)]) -> Client {
    let mut config = Config::new();
    for (name, value) in [("client_id", "desk-7"), ("client_secret", "secret")].iter().chain(settings) {
        config.set(name, value).unwrap();
    }
    Client::new(&config).unwrap()
}

fn checked(client: &Client, parameters: &[(&str, &str)]) -> Result<Checked> {
    let mut request = AuthenticationRequest::new();
    for (name, value) in parameters {
        request.set(name, value).unwrap();
    }
    request.check(&client.0.provider)
}

fn generic() -> Client {
    client(&[("issuer", "https://id.example")])
}

fn refused(client: &Client, parameters: &[(&str, &str)]) -> String {
    checked(client, parameters).err().unwrap().message().to_owned()
}

fn secrets(asked: &Asked) -> Vec<&str> {
    asked.secrets().collect()
}

#[test]
fn what_is_kept_comes_back_as_it_was() {
    let rules = &generic().0.provider.rules;
    let claims =
        [("mitid.uuid", UUID), ("expected.acr", "urn:acr"), ("expected.x", "abc"), ("expected.y", "abcd")];
    let asked = Asked::new(rules, "openid", "call 7", &claims, &["+4799988777", UUID, "message"]);
    assert_eq!((asked.scope(rules), asked.correlation()), ("openid", "call 7"));
    assert_eq!(asked.claims().collect::<Vec<_>>(), claims);
    // Each once; of the claims those that are neither public nor so short that any text holds them.
    assert_eq!(secrets(&asked), [UUID, "abcd", "+4799988777", "message"]);

    let bare = Asked::new(rules, "openid profile", "", &[], &[]);
    assert_eq!((bare.scope(rules), bare.correlation()), ("openid profile", ""));
    assert_eq!((bare.claims().count(), bare.secrets().count()), (0, 0));
    let hinted = Asked::new(rules, "openid", "", &[], &["+4799988777"]);
    assert_eq!((hinted.claims().count(), secrets(&hinted)), (0, vec!["+4799988777"]));
}

#[test]
fn what_is_expected_of_an_id_token_is_what_was_asked_r08() {
    let checked = checked(
        &generic(),
        &[
            ("login_hint", "alice"),
            ("expected.sub", "248289761001"),
            ("expected.acr", "urn:a  urn:b"),
            ("expected.max_age", "300"),
            ("expected.cpr.verified", "True"),
        ],
    );
    let asked = checked.unwrap().asked;
    let expected = asked.expectations();
    assert_eq!(
        (expected.subject, expected.acr.as_slice()),
        (Some("248289761001"), ["urn:a", "urn:b"].as_slice())
    );
    assert_eq!(expected.max_age_s, Some(300));
    let [claim] = expected.claims.as_slice() else { panic!("one claim") };
    assert_eq!(
        (claim.name.as_ref(), claim.expected.as_str(), claim.ignore_ascii_case),
        ("cpr.verified", "True", false)
    );
    assert_eq!(secrets(&asked), ["True", "248289761001", "alice"], "neither acr nor max_age");
    assert!(refused(&generic(), &[("login_hint", "alice"), ("expected.acr", " ")]).contains("expected.acr"));
}

#[test]
fn an_id_token_hint_says_whom_the_id_token_is_about_r09() {
    // {"sub":"248289761001"}
    let hint = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIyNDgyODk3NjEwMDEifQ.c2ln";
    let subject = |parameters: &[(&str, &str)]| {
        let asked = checked(&generic(), parameters).unwrap().asked;
        asked.expectations().subject.map(str::to_owned)
    };
    assert_eq!(subject(&[("id_token_hint", hint)]).as_deref(), Some("248289761001"));
    assert_eq!(subject(&[("login_hint", hint)]), None, "any other hint is the provider's own affair");
    assert_eq!(
        subject(&[("id_token_hint", hint), ("expected.sub", "248289761001")]).as_deref(),
        Some("248289761001")
    );
    assert!(
        refused(&generic(), &[("id_token_hint", hint), ("expected.sub", "other")]).contains("expected.sub")
    );
}

#[test]
fn a_hint_that_is_given_or_made_says_which_person_the_id_token_must_name_r10() {
    let signaturgruppen = client(&[("provider", "signaturgruppen-test")]);
    let made = [
        ("login_hint_token.uuid", UUID),
        ("login_hint_token.ip", "127.0.0.1"),
        ("login_hint_token.referenceTextBody", "Sign in"),
    ];
    let whole =
        format!(r#"{{"idp":"mitid","uuid":"{UUID}","ip":"127.0.0.1","referenceTextBody":"Sign in"}}"#);
    let base64 = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(&whole)
    };
    let cpr = whole.replacen("uuid", "cpr", 1);
    for (parameters, named) in [
        (made.as_slice(), true),
        (&[("login_hint_token", &whole)], true),
        (&[("login_hint_token", &base64)], true),
        (&[("login_hint_token", &cpr)], false),
        (&[("login_hint_token", r#"{"idp":"mitid","uuid":""}"#)], false),
    ] {
        let asked = checked(&signaturgruppen, parameters).unwrap().asked;
        let expected = asked.expectations().claims;
        let uuid = expected.iter().find(|claim| claim.name == "mitid.uuid");
        assert_eq!(uuid.is_some(), named, "{parameters:?}");
        assert!(uuid.is_none_or(|claim| claim.expected == UUID && claim.ignore_ascii_case));
    }
    assert!(refused(&signaturgruppen, &made[1..]).contains("is missing"));
    let both = [made.as_slice(), &[("login_hint_token.cpr", "0804360468")]].concat();
    assert!(refused(&signaturgruppen, &both).contains("not both"));
    let turned = "{\"idp\":\"mitid\",\"referenceTextBody\":\"\u{202e}x\"}";
    assert!(refused(&signaturgruppen, &[("login_hint_token", turned)]).contains("the hint: "));
    assert!(refused(&signaturgruppen, &[("login_hint_token", r#"{"uuid":""}"#)]).contains("the idp mitid"));
    assert!(refused(&generic(), &made).contains("no login_hint_token that is made from members"));
}

#[test]
fn whatever_a_hint_that_is_given_whole_looks_like_the_person_in_it_is_found_r10() {
    let signaturgruppen = client(&[("provider", "signaturgruppen-test")]);
    let auth0 = client(&[("provider", "auth0"), ("issuer", "https://id.example/")]);
    let escaped = UUID.replace('-', r"\u002d");
    for hint in [
        format!(r#"{{"idp":"mitid","uuid":"{UUID}"}}"#),
        format!(r#"{{"idp":"mitid","referenceId":"uuid","uuid":"{UUID}"}}"#),
        format!(r#"{{"idp":"mitid","referenceTextBody":"\"uuid\":\"x\"","uuid":"{UUID}"}}"#),
        format!(r#"{{"idp":"mitid","uuid":"{escaped}"}}"#),
        format!(r#"{{"idp":"mitid","\u0075uid":"{UUID}"}}"#),
        format!(r#"{{"idp":"mitid","referenceId":"uuid",,"uuid" : "{UUID}"}}"#), // no JSON, as once was right
    ] {
        let asked = checked(&signaturgruppen, &[("login_hint_token", &hint)]).unwrap().asked;
        let claims = asked.expectations().claims;
        let uuid = claims.iter().find(|claim| claim.name == "mitid.uuid");
        assert_eq!(uuid.map(|claim| claim.expected.as_str()), Some(UUID), "{hint}");
    }
    // As PHP writes it.
    let hint = r#"{"format":"iss_sub","iss":"https:\/\/id.example\/","sub":"oidc|a\/b"}"#;
    let parameters = [("login_hint", hint), ("binding_message", "W4S-C7T")];
    let asked = checked(&auth0, &parameters).unwrap().asked;
    assert_eq!(asked.expectations().subject, Some("oidc|a/b"));
}

#[test]
fn the_name_of_an_extra_parameter_is_a_name_r14() {
    let client = generic();
    let with =
        |name: &str| checked(&client, &[("login_hint", "alice"), (&format!("extra.{name}"), "1")]).is_ok();
    let (longest, longer) = ("x".repeat(100), "x".repeat(101));
    assert!(with("a") && with("a-b.c_9") && with(&longest));
    assert!(!with(&longer) && !with("a b") && !with("client_x") && !with("Scope"));
}

#[test]
fn a_request_without_a_hint_or_with_two_is_told_which_are_taken_r05() {
    let (generic, one) = (generic(), client(&[("provider", "signaturgruppen-test")]));
    let missing = "a hint is missing: one of login_hint, login_hint_token, id_token_hint";
    assert!(refused(&generic, &[]).ends_with(missing));
    assert!(refused(&one, &[]).ends_with("a hint is missing: login_hint_token"));
    assert!(checked(&generic, &[("login_hint", "alice")]).is_ok());
    let two = [("login_hint", "alice"), ("login_hint_token", "token")];
    assert!(refused(&generic, &two).contains("more than one hint"));
    let other = refused(&one, &[("login_hint", "alice")]);
    assert!(other.ends_with("login_hint is not a hint that this provider takes: login_hint_token"));
}

#[test]
fn of_a_hint_that_was_made_its_members_are_kept_as_secrets_and_not_all_of_it_again() {
    let signaturgruppen = client(&[("provider", "signaturgruppen-test")]);
    let made = [
        ("login_hint_token.uuid", UUID),
        ("login_hint_token.ip", "192.0.2.1"),
        ("login_hint_token.referenceTextBody", "Sign in to the shop"),
    ];
    let asked = checked(&signaturgruppen, &made).unwrap().asked;
    let kept = secrets(&asked);
    assert!(made.iter().all(|(_, value)| kept.contains(value)), "{kept:?}");
    assert!(!kept.iter().any(|secret| secret.starts_with('{')), "{kept:?}");
    // One that was given whole is all that is known of it.
    let whole = format!(r#"{{"idp":"mitid","uuid":"{UUID}","ip":"192.0.2.1"}}"#);
    let asked = checked(&signaturgruppen, &[("login_hint_token", &whole)]).unwrap().asked;
    assert!(secrets(&asked).contains(&whole.as_str()));
}
