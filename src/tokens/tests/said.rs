//! What a token says, step by step in its order: one changed fact, one status.

use super::*;

#[test]
fn step_6_the_claims_are_a_plain_object() {
    const MALFORMED: Status = Status::TOKEN_CLAIMS_MALFORMED;
    check_table(
        &Attempt::good(),
        &[
            ("no JSON", MALFORMED, |a| a.claims_text = Some(b"hello".to_vec())),
            ("an array", MALFORMED, |a| a.claims_text = Some(b"[]".to_vec())),
            ("null", MALFORMED, |a| a.claims_text = Some(b"null".to_vec())),
            ("not UTF-8", MALFORMED, |a| {
                a.rewrite_claims("person", "pers@n");
                let text = a.claims_text.as_mut().unwrap();
                text.iter_mut().filter(|b| **b == b'@').for_each(|b| *b = 0xff);
            }),
            ("sub twice", MALFORMED, |a| a.rewrite_claims("{", r#"{"sub":"person","#)),
            ("a name twice, deep", MALFORMED, |a| a.rewrite_claims("{", r#"{"x":[{"y":1,"y":1}],"#)),
            ("half a surrogate pair", MALFORMED, |a| {
                a.rewrite_claims("{", r#"{"x":"\ud800","#);
            }),
            ("a hundred names", Status::OK, |a| {
                (0..100).for_each(|n| a.claim(&format!("x{n}"), n));
            }),
            ("a hundred names, one twice", MALFORMED, |a| {
                (0..100).for_each(|n| a.claim(&format!("x{n}"), n));
                a.rewrite_claims("{", r#"{"x70":70,"#);
            }),
            ("text behind it", MALFORMED, |a| a.rewrite_claims("}", "} x")),
            ("nested 100,000 deep", MALFORMED, |a| {
                let deep = format!(r#"{{"x":{}{},"#, "[".repeat(100_000), "]".repeat(100_000));
                a.rewrite_claims("{", &deep);
            }),
            ("exp of 1e400", MALFORMED, |a| a.rewrite_claims(&format!("{}", NOW + 300), "1e400")),
            ("a number larger than any integer", Status::OK, |a| {
                a.rewrite_claims("{", r#"{"x":123456789012345678901234567890,"#);
            }),
        ],
    );
}

#[test]
fn step_7_the_issuer_is_the_same_byte_for_byte() {
    const ISS: Status = Status::TOKEN_ISSUER;
    check_table(
        &Attempt::good(),
        &[
            ("with a 1 behind", ISS, |a| a.claim("iss", format!("{ISSUER}1"))),
            ("none", ISS, |a| drop(a.claims.remove("iss"))),
            ("null", ISS, |a| a.claim("iss", Value::Null)),
            ("an array", ISS, |a| a.claim("iss", json!([ISSUER]))),
            ("without the slash", ISS, |a| a.claim("iss", "https://provider.example")),
            ("in capitals", ISS, |a| a.claim("iss", "https://PROVIDER.example/")),
            ("empty", ISS, |a| a.claim("iss", "")),
        ],
    );
}

#[test]
fn step_8_the_audience_is_this_client_alone() {
    const AUD: Status = Status::TOKEN_AUDIENCE;
    const AZP: Status = Status::TOKEN_AUTHORIZED_PARTY;
    check_table(
        &Attempt::good(),
        &[
            ("an array of one", Status::OK, |a| a.claim("aud", json!([CLIENT]))),
            ("an array of one, azp", Status::OK, |a| {
                a.claim("aud", json!([CLIENT]));
                a.claim("azp", CLIENT);
            }),
            ("with a 1 behind", AUD, |a| a.claim("aud", format!("{CLIENT}1"))),
            ("none", AUD, |a| drop(a.claims.remove("aud"))),
            ("null", AUD, |a| a.claim("aud", Value::Null)),
            ("an empty array", AUD, |a| a.claim("aud", json!([]))),
            ("an array of an array", AUD, |a| a.claim("aud", json!([[CLIENT]]))),
            ("an object", AUD, |a| a.claim("aud", json!({CLIENT: true}))),
            ("a number beside it", AUD, |a| a.claim("aud", json!([CLIENT, 1]))),
            ("another beside it, no azp", AUD, |a| a.claim("aud", json!([CLIENT, "client1"]))),
            ("another beside it, azp", AUD, |a| {
                a.claim("aud", json!([CLIENT, "client1"]));
                a.claim("azp", CLIENT);
            }),
            ("another in an array", AUD, |a| a.claim("aud", json!(["client1"]))),
            ("a part of the name", AUD, |a| a.claim("aud", "clien")),
            ("azp of another", AZP, |a| a.claim("azp", "client1")),
            ("azp null", AZP, |a| a.claim("azp", Value::Null)),
            ("azp an array", AZP, |a| a.claim("azp", json!([CLIENT]))),
            ("azp", Status::OK, |a| a.claim("azp", CLIENT)),
            ("twice, no azp", AZP, |a| a.claim("aud", json!([CLIENT, CLIENT]))),
        ],
    );
    let mut two = Attempt::good();
    two.audiences = vec!["https://api.example".into()];
    two.claim("aud", json!(["https://api.example", CLIENT]));
    two.claim("azp", CLIENT);
    check_table(
        &two,
        &[
            ("a trusted one beside it, no azp", AZP, |a| drop(a.claims.remove("azp"))),
            ("only the trusted one", AUD, |a| a.claim("aud", json!(["https://api.example"]))),
            ("a third", AUD, |a| a.claim("aud", json!(["https://api.example", CLIENT, "x"]))),
        ],
    );
}

#[test]
fn step_9_exp_is_a_number_in_the_future() {
    const EXP: Status = Status::TOKEN_EXPIRED;
    check_table(
        &Attempt::good(),
        &[
            ("six minutes ago", EXP, |a| a.claim("exp", NOW - 360)),
            ("none", EXP, |a| drop(a.claims.remove("exp"))),
            ("null", EXP, |a| a.claim("exp", Value::Null)),
            ("text", EXP, |a| a.claim("exp", (NOW + 300).to_string())),
            ("one second within the leeway", Status::OK, |a| a.claim("exp", NOW - 59)),
            ("at the leeway", EXP, |a| a.claim("exp", NOW - 60)),
            ("half a second within it", Status::OK, |a| a.claim("exp", NOW as f64 - 59.5)),
            ("the longest leeway is 300 s", Status::OK, |a| {
                a.leeway = u32::MAX;
                a.claim("exp", NOW - 299);
            }),
            ("and no longer", EXP, |a| {
                a.leeway = u32::MAX;
                a.claim("exp", NOW - 300);
            }),
            ("0", EXP, |a| a.claim("exp", 0)),
            ("negative", EXP, |a| a.claim("exp", -1)),
            ("the least integer", EXP, |a| a.claim("exp", i64::MIN)),
            ("-1e308", EXP, |a| a.claim("exp", -1e308)),
            ("2^63", Status::OK, |a| a.claim("exp", 1u64 << 63)),
            ("2^64 - 1", Status::OK, |a| a.claim("exp", u64::MAX)),
            ("1e308", Status::OK, |a| a.claim("exp", 1e308)),
        ],
    );
}

#[test]
fn step_10_iat_is_plausible_and_nbf_has_passed() {
    const IAT: Status = Status::TOKEN_ISSUED_AT;
    const NBF: Status = Status::TOKEN_NOT_YET_VALID;
    const DAY: i64 = 24 * 60 * 60;
    check_table(
        &Attempt::good(),
        &[
            ("none", IAT, |a| drop(a.claims.remove("iat"))),
            ("null", IAT, |a| a.claim("iat", Value::Null)),
            ("text", IAT, |a| a.claim("iat", NOW.to_string())),
            ("a week ago", IAT, |a| a.claim("iat", NOW - 7 * DAY)),
            ("a day ago", Status::OK, |a| a.claim("iat", NOW - DAY)),
            ("a day and a second ago", IAT, |a| a.claim("iat", NOW - DAY - 1)),
            ("in 60 s", Status::OK, |a| a.claim("iat", NOW + 60)),
            ("in 61 s", IAT, |a| a.claim("iat", NOW + 61)),
            ("1e308", IAT, |a| a.claim("iat", 1e308)),
            ("2^63", IAT, |a| a.claim("iat", 1u64 << 63)),
            ("negative", IAT, |a| a.claim("iat", -1)),
            ("60 s before the request", Status::OK, |a| {
                a.issued_after = Some(NOW);
                a.claim("iat", NOW - 60);
            }),
            ("61 s before the request", IAT, |a| {
                a.issued_after = Some(NOW);
                a.claim("iat", NOW - 61);
            }),
            ("nbf now", Status::OK, |a| a.claim("nbf", NOW)),
            ("nbf in 60 s", Status::OK, |a| a.claim("nbf", NOW + 60)),
            ("nbf in 61 s", NBF, |a| a.claim("nbf", NOW + 61)),
            ("nbf null", NBF, |a| a.claim("nbf", Value::Null)),
            ("nbf text", NBF, |a| a.claim("nbf", NOW.to_string())),
            ("nbf 1e308", NBF, |a| a.claim("nbf", 1e308)),
        ],
    );
}

#[test]
fn step_11_sub_is_there_and_the_expected_one() {
    const SUB: Status = Status::TOKEN_SUBJECT;
    check_table(
        &Attempt::good(),
        &[
            ("none", SUB, |a| drop(a.claims.remove("sub"))),
            ("null", SUB, |a| a.claim("sub", Value::Null)),
            ("empty", SUB, |a| a.claim("sub", "")),
            ("a number", SUB, |a| a.claim("sub", 7)),
            ("255 characters", Status::OK, |a| a.claim("sub", "x".repeat(255))),
            ("256 characters", SUB, |a| a.claim("sub", "x".repeat(256))),
            ("not ASCII", SUB, |a| a.claim("sub", "pérson")),
            ("the expected one", Status::OK, |a| a.subject = Some("person")),
            ("another", SUB, |a| a.subject = Some("Person")),
            ("nonce is ignored", Status::OK, |a| a.claim("nonce", "n")),
        ],
    );
}

#[test]
fn step_13_acr_and_auth_time_are_what_the_caller_expects() {
    const ACR: Status = Status::TOKEN_ACR;
    const TIME: Status = Status::TOKEN_AUTH_TIME;
    let mut good = Attempt::good();
    good.acr = vec!["urn:example:loa:4", "urn:example:loa:3"];
    good.authenticated_after = Some(NOW - 30);
    good.claim("acr", "urn:example:loa:3");
    good.claim("auth_time", NOW - 20);
    check_table(
        &good,
        &[
            ("the other one", Status::OK, |a| a.claim("acr", "urn:example:loa:4")),
            ("a lower one", ACR, |a| a.claim("acr", "urn:example:loa:2")),
            ("both in one text", ACR, |a| a.claim("acr", "urn:example:loa:4 urn:example:loa:3")),
            ("other capitals", ACR, |a| a.claim("acr", "urn:example:LOA:3")),
            ("a part of it", ACR, |a| a.claim("acr", "urn:example:loa:")),
            ("empty", ACR, |a| a.claim("acr", "")),
            ("an array", ACR, |a| a.claim("acr", json!(["urn:example:loa:3"]))),
            ("null", ACR, |a| a.claim("acr", Value::Null)),
            ("none", ACR, |a| drop(a.claims.remove("acr"))),
            ("none, and none expected", Status::OK, |a| {
                a.claims.remove("acr");
                a.acr.clear();
            }),
            ("at the leeway", Status::OK, |a| a.claim("auth_time", NOW - 90)),
            ("a second earlier", TIME, |a| a.claim("auth_time", NOW - 91)),
            ("in 60 s", Status::OK, |a| a.claim("auth_time", NOW + 60)),
            ("in 61 s", TIME, |a| a.claim("auth_time", NOW + 61)),
            ("auth_time as text", TIME, |a| a.claim("auth_time", (NOW - 20).to_string())),
            ("auth_time null", TIME, |a| a.claim("auth_time", Value::Null)),
            ("the least integer", TIME, |a| a.claim("auth_time", i64::MIN)),
            ("1e308", TIME, |a| a.claim("auth_time", 1e308)),
            ("no auth_time", TIME, |a| drop(a.claims.remove("auth_time"))),
            ("no auth_time, and none expected", Status::OK, |a| {
                a.claims.remove("auth_time");
                a.authenticated_after = None;
            }),
        ],
    );
}

#[test]
fn step_15_a_claim_of_the_providers_own_names_the_request_where_it_is_there() {
    const ID: Status = Status::TOKEN_REQUEST_ID;
    let mut good = Attempt::good();
    good.request_id_claims = vec!["transaction", "txn"];
    good.claim("txn", REQUEST);
    check_table(
        &good,
        &[
            ("both", Status::OK, |a| a.claim("transaction", REQUEST)),
            ("neither", Status::OK, |a| drop(a.claims.remove("txn"))),
            ("another request", ID, |a| a.claim("txn", "request-2")),
            ("another in the first", ID, |a| a.claim("transaction", "request-2")),
            ("null", ID, |a| a.claim("txn", Value::Null)),
            ("a number", ID, |a| a.claim("txn", 7)),
            ("another where it is no such claim", Status::OK, |a| a.claim("id", "request-2")),
        ],
    );
}

#[test]
fn steps_14_and_15_hashes_and_the_request_are_checked_where_they_are_there() {
    const AT: Status = Status::TOKEN_ACCESS_TOKEN_HASH;
    const RT: Status = Status::TOKEN_REFRESH_TOKEN_HASH;
    const ID: Status = Status::TOKEN_REQUEST_ID;
    check_table(
        &Attempt::good(),
        &[
            ("at_hash", Status::OK, |a| a.claim("at_hash", "Wt0kVFXMacqvnHeyU0001w")),
            ("at_hash of another", AT, |a| a.claim("at_hash", "sHahCuSpXCRg5mkDDvvr4w")),
            ("at_hash in whole", AT, |a| {
                let whole = aws_lc_rs::digest::digest(
                    &aws_lc_rs::digest::SHA256,
                    b"G5kXH2wHvUra0sHlDy1iTkDJgsgUO1bN",
                );
                a.claim("at_hash", encode(whole));
            }),
            ("at_hash with padding", AT, |a| a.claim("at_hash", "Wt0kVFXMacqvnHeyU0001w==")),
            ("at_hash empty", AT, |a| a.claim("at_hash", "")),
            ("at_hash null", AT, |a| a.claim("at_hash", Value::Null)),
            ("at_hash a number", AT, |a| a.claim("at_hash", 0)),
            ("another access token", AT, |a| {
                a.claim("at_hash", "Wt0kVFXMacqvnHeyU0001w");
                a.respond("access_token", "G5kXH2wHvUra0sHlDy1iTkDJgsgUO1bM");
            }),
            ("a refresh token, no rt_hash", Status::OK, |a| a.respond("refresh_token", "r")),
            ("rt_hash without a refresh token", RT, |a| a.claim(RT_HASH, "sHahCuSpXCRg5mkDDvvr4w")),
            ("another rt_hash", RT, |a| {
                a.respond("refresh_token", "r");
                a.claim(RT_HASH, "sHahCuSpXCRg5mkDDvvr4w");
            }),
            ("auth_req_id", Status::OK, |a| a.claim(AUTH_REQ_ID, REQUEST)),
            ("auth_req_id of another", ID, |a| a.claim(AUTH_REQ_ID, "request-2")),
            ("auth_req_id null", ID, |a| a.claim(AUTH_REQ_ID, Value::Null)),
        ],
    );
}

#[test]
fn steps_14_and_15_r_78_a_push_must_have_them_all() {
    const AT: Status = Status::TOKEN_ACCESS_TOKEN_HASH;
    const RT: Status = Status::TOKEN_REFRESH_TOKEN_HASH;
    check_table(
        &Attempt::pushed(),
        &[
            ("no at_hash", AT, |a| drop(a.claims.remove("at_hash"))),
            ("no rt_hash", RT, |a| drop(a.claims.remove(RT_HASH))),
            ("no auth_req_id", Status::TOKEN_REQUEST_ID, |a| drop(a.claims.remove(AUTH_REQ_ID))),
            ("neither refresh token nor rt_hash", Status::OK, |a| {
                a.claims.remove(RT_HASH);
                a.response.remove("refresh_token");
            }),
            ("another refresh token", RT, |a| a.respond("refresh_token", "r")),
        ],
    );
}

#[test]
fn step_16_a_refreshed_id_token_is_about_the_same_person_and_session() {
    let mut good = Attempt::good();
    good.delivery = Delivery::Refresh;
    good.subject = Some("person");
    good.claim("auth_time", NOW - 900);
    good.expectations = vec![ClaimExpectation {
        name: "auth_time".into(),
        expected: (NOW - 900).to_string(),
        ignore_ascii_case: false,
    }];
    check_table(
        &good,
        &[
            ("another sub", Status::TOKEN_SUBJECT, |a| a.claim("sub", "another")),
            ("another iss", Status::TOKEN_ISSUER, |a| a.claim("iss", "https://other.example/")),
            ("another auth_time", Status::TOKEN_UNEXPECTED_CLAIM, |a| a.claim("auth_time", NOW)),
            ("an old iat", Status::TOKEN_ISSUED_AT, |a| {
                a.issued_after = Some(NOW);
                a.claim("iat", NOW - 600);
            }),
        ],
    );
}

#[test]
fn the_first_step_that_fails_gives_the_status() {
    // Everything is wrong; step by step it is put right.
    let mut attempt = Attempt::good();
    attempt.head("alg", "RS512");
    attempt.head("crit", json!([]));
    attempt.head("typ", "at+jwt");
    attempt.head("kid", "unknown");
    attempt.signer = "RS256 by another key";
    attempt.acr = vec!["loa3"];
    attempt.authenticated_after = Some(NOW);
    attempt.claims_text = Some(b"[]".to_vec());
    let wrong = json!({
        "iss": "x", "aud": [CLIENT, CLIENT], "exp": 0, "iat": 0, "nbf": 1e9 * 3.0, "sub": "",
        "acr": "", "auth_time": 0, "at_hash": "", RT_HASH: "", AUTH_REQ_ID: "", "mitid.uuid": "",
    });
    attempt.claims = object(wrong);
    let good = Attempt::pushed().claims;
    let mut step = |expected: Status, repair: &dyn Fn(&mut Attempt)| {
        assert_eq!(attempt.status(), expected);
        repair(&mut attempt);
    };
    step(Status::TOKEN_ALGORITHM, &|a| a.head("alg", "RS256"));
    step(Status::TOKEN_CRITICAL_HEADER, &|a| drop(a.header.remove("crit")));
    step(Status::TOKEN_TYPE, &|a| a.head("typ", "JWT"));
    step(Status::TOKEN_KEY_NOT_FOUND, &|a| a.head("kid", "rsa"));
    step(Status::TOKEN_SIGNATURE, &|a| a.signer = "RS256");
    step(Status::TOKEN_CLAIMS_MALFORMED, &|a| a.claims_text = None);
    step(Status::TOKEN_ISSUER, &|a| a.claim("iss", ISSUER));
    step(Status::TOKEN_AUTHORIZED_PARTY, &|a| a.claim("azp", CLIENT));
    step(Status::TOKEN_EXPIRED, &|a| a.claim("exp", NOW + 300));
    step(Status::TOKEN_ISSUED_AT, &|a| a.claim("iat", NOW));
    step(Status::TOKEN_NOT_YET_VALID, &|a| a.claim("nbf", NOW));
    step(Status::TOKEN_SUBJECT, &|a| a.claim("sub", "person"));
    step(Status::TOKEN_ACR, &|a| a.claim("acr", "loa3"));
    step(Status::TOKEN_AUTH_TIME, &|a| a.claim("auth_time", NOW));
    step(Status::TOKEN_ACCESS_TOKEN_HASH, &|a| a.claim("at_hash", good["at_hash"].clone()));
    step(Status::TOKEN_REFRESH_TOKEN_HASH, &|a| drop(a.claims.remove(RT_HASH)));
    step(Status::TOKEN_REQUEST_ID, &|a| a.claim(AUTH_REQ_ID, REQUEST));
    step(Status::TOKEN_UNEXPECTED_CLAIM, &|a| a.claim("mitid.uuid", "eee4b272"));
    step(Status::OK, &|_| {});
}
