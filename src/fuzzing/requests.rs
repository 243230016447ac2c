//! What a client makes of an authentication request.

use std::collections::BTreeSet;

use url::Url;

use crate::client::ClientCore;
use crate::request::AuthenticationRequest;

/// Parameters of the authorization endpoint, which CIBA does not have.
const NOT_OF_CIBA: [&str; 5] = ["nonce", "state", "redirect_uri", "response_type", "request_uri"];

/// Either an error that shows no value, or a form with every parameter once and one hint.
pub(crate) fn assert_sound(client: &ClientCore, request: &AuthenticationRequest, planted: &str) -> bool {
    let (checked, again) = (request.check(&client.provider), request.check(&client.provider));
    let checked = match (checked, again) {
        (Ok(checked), Ok(_)) => checked,
        (Err(error), Err(again)) => {
            assert_eq!(error, again);
            assert!(!error.message().chars().any(char::is_control), "{error}");
            // The `Debug` of a request has its names and no values.
            let is_name = format!("{request:?}").contains(planted);
            assert!(is_name || !error.message().contains(planted), "a value in an error: {error}");
            return false;
        }
        _ => panic!("read in two ways"),
    };
    let endpoint = Url::parse("https://id.example/start").unwrap();
    let rules = &client.provider.rules;
    let parameters = &checked.to_send.parameters;
    let form =
        checked.asked.start_form(parameters, rules, &client.authentication, None, &endpoint, super::NOW_MS);
    let body = form.unwrap().0.encode();
    assert!(body.is_ascii(), "percent-encoded");
    let mut names = BTreeSet::new();
    for (name, _) in url::form_urlencoded::parse(&body) {
        assert!(!NOT_OF_CIBA.contains(&name.as_ref()), "{name} is sent");
        assert!(names.insert(name.clone()) || name == "resource", "{name} is sent twice");
    }
    let hints =
        ["login_hint", "login_hint_token", "id_token_hint"].iter().filter(|hint| names.contains(**hint));
    assert_eq!(hints.count(), usize::from(rules.prepare.is_none()), "exactly one hint");
    true
}
