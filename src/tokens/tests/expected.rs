//! What the caller and the preset expect beyond the protocol: claims, and the key of the access token.

use super::*;

#[test]
fn step_13_acr_is_an_array_of_texts_only_where_the_provider_is_known_for_it() {
    const ACR: Status = Status::TOKEN_ACR;
    let mut good = Attempt::good();
    good.acr = vec!["urn:a", "urn:b"];
    good.acr_array = true;
    good.claim("acr", json!(["urn:c", "urn:b"]));
    check_table(
        &good,
        &[
            ("one text", Status::OK, |a| a.claim("acr", "urn:a")),
            ("another text", ACR, |a| a.claim("acr", "urn:c")),
            ("none of the array", ACR, |a| a.claim("acr", json!(["urn:c", "urn:d"]))),
            ("an empty array", ACR, |a| a.claim("acr", json!([]))),
            ("a number beside it", ACR, |a| a.claim("acr", json!([1, "urn:b"]))),
            ("an array in an array", ACR, |a| a.claim("acr", json!([["urn:b"]]))),
            ("an object", ACR, |a| a.claim("acr", json!({"urn:b": "urn:b"}))),
            ("none", ACR, |a| drop(a.claims.remove("acr"))),
            ("where the provider is not known for it", ACR, |a| a.acr_array = false),
        ],
    );
}

#[test]
fn an_access_token_that_names_its_key_names_the_clients() {
    const BINDING: Status = Status::TOKEN_BINDING;
    fn bind(a: &mut Attempt, claims: Value) {
        a.respond("access_token", format!("e30.{}.c2ln", encode(claims.to_string())));
    }
    let mut good = Attempt::good();
    good.key_thumbprint = Some("thumbprint");
    bind(&mut good, json!({"cnf": {"jkt": "thumbprint"}}));
    check_table(
        &good,
        &[
            ("another key", BINDING, |a| bind(a, json!({"cnf": {"jkt": "Thumbprint"}}))),
            ("no key", Status::OK, |a| bind(a, json!({"sub": "person"}))),
            ("a token that says nothing", Status::OK, |a| a.respond("access_token", "opaque")),
            ("a certificate, and none of the client's", Status::OK, |a| {
                bind(a, json!({"cnf": {"jkt": "thumbprint", "x5t#S256": "another"}}));
            }),
            ("another certificate", BINDING, |a| {
                bind(a, json!({"cnf": {"jkt": "thumbprint", "x5t#S256": "another"}}));
                a.certificate_thumbprint = Some("certificate");
            }),
            ("both are the client's", Status::OK, |a| {
                bind(a, json!({"cnf": {"jkt": "thumbprint", "x5t#S256": "certificate"}}));
                a.certificate_thumbprint = Some("certificate");
            }),
            ("another key, and none of the client's", Status::OK, |a| {
                bind(a, json!({"cnf": {"jkt": "another"}}));
                a.key_thumbprint = None;
            }),
        ],
    );
}

#[test]
fn a_claim_is_the_one_that_was_asked_for() {
    const CLAIM: Status = Status::TOKEN_UNEXPECTED_CLAIM;
    check_table(
        &Attempt::good(),
        &[
            ("another", CLAIM, |a| a.claim("mitid.uuid", "EEE4B273")),
            ("none", CLAIM, |a| drop(a.claims.remove("mitid.uuid"))),
            ("null", CLAIM, |a| a.claim("mitid.uuid", Value::Null)),
            ("an array of it", CLAIM, |a| a.claim("mitid.uuid", json!(["eee4b272"]))),
            ("the name as a path", CLAIM, |a| {
                a.claims.remove("mitid.uuid");
                a.claim("mitid", json!({"uuid": "eee4b272"}));
            }),
            ("other capitals where they matter", CLAIM, |a| {
                a.expectations[0].ignore_ascii_case = false;
            }),
            ("a number as text", Status::OK, |a| {
                a.claim("mitid.uuid", 88);
                a.expectations[0].expected = "88".into();
            }),
            ("a hint that is the word null is one person, not anybody", CLAIM, |a| {
                a.expectations[0].expected = "null".into();
            }),
            ("nor does one with braces mean any object", CLAIM, |a| {
                a.claim("mitid.uuid", json!({"a": 1}));
                a.expectations[0].expected = "{}".into();
            }),
        ],
    );
    let mut wrong = Attempt::good();
    wrong.claim("mitid.uuid", "planted-other-person");
    let message = wrong.verify().unwrap_err().message().to_owned();
    assert!(message.contains("mitid.uuid"));
    assert!(!message.contains("planted-other-person") && !message.contains("eee4b272"));
}

#[test]
fn a_claim_that_is_an_object_has_the_members_that_were_asked_for() {
    const CLAIM: Status = Status::TOKEN_UNEXPECTED_CLAIM;
    let mut good = Attempt::good();
    good.claim("address", json!({"country": "NO", "since": 7, "more": {"a": [1, 2], "b": null}}));
    good.expectations[0] = ClaimExpectation {
        name: "address".into(),
        expected: json!({"country": "NO", "since": null, "more": {"a": [1, 2]}}).to_string(),
        ignore_ascii_case: false,
    };
    check_table(
        &good,
        &[
            ("another member", CLAIM, |a| {
                a.claim("address", json!({"country": "SE", "since": 7, "more": {"a": [1, 2]}}));
            }),
            ("another member further in", CLAIM, |a| {
                a.claim("address", json!({"country": "NO", "since": 7, "more": {"a": [1]}}));
            }),
            ("a member is missing", CLAIM, |a| {
                a.claim("address", json!({"country": "NO", "more": {"a": [1, 2]}}));
            }),
            ("a member has no value", CLAIM, |a| {
                a.claim("address", json!({"country": "NO", "since": null, "more": {"a": [1, 2]}}));
            }),
            ("a member is empty", CLAIM, |a| {
                a.claim("address", json!({"country": "NO", "since": "", "more": {"a": [1, 2]}}));
            }),
            ("any other value of that member", Status::OK, |a| {
                a.claim("address", json!({"country": "NO", "since": "x", "more": {"a": [1, 2]}}));
            }),
            ("a text for an object", CLAIM, |a| a.claim("address", "NO")),
            ("the text of the object", CLAIM, |a| {
                let text = a.claims["address"].to_string();
                a.claim("address", text);
            }),
            ("none", CLAIM, |a| drop(a.claims.remove("address"))),
            ("what is expected is no JSON", CLAIM, |a| a.expectations[0].expected = "{".into()),
            ("any value", Status::OK, |a| a.expectations[0].expected = "null".into()),
            ("any value, and none is there", CLAIM, |a| {
                a.expectations[0].expected = "null".into();
                a.claim("address", Value::Null);
            }),
        ],
    );
}
