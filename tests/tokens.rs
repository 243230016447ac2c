//! ID Tokens, end to end: each refused one is signed anew by the provider, differs from a good twin
//! in one fact, and has exactly its status. And the keys: when they are fetched, and what happens
//! when they cannot be had.

mod common;

use std::time::Duration;

use ciba::{Client, Flow, ProgressStage, Status};
use ciba_sim::{Draft, Fault, Kind, Signer};
use common::{Pair, STARTED, error};
use serde_json::{Value, json};

/// One row: what is changed, the status that follows, and the change. It is given the request's
/// identifier.
type Row = (&'static str, Status, fn(&mut Draft, &str));

fn shift(draft: &mut Draft, claim: &str, seconds: i64) {
    draft.claims[claim] = (draft.claims["iat"].as_i64().unwrap() + seconds).into();
}

fn remove(from: &mut Value, name: &str) {
    from.as_object_mut().unwrap().remove(name);
}

fn add_audience(draft: &mut Draft, other: &str) {
    draft.claims["aud"] = json!([draft.claims["aud"], other]);
}

/// Makes each change to the ID Token of a flow of its own, all at one client.
fn check_table(rows: &[Row]) {
    let pair = Pair::generic();
    let client = pair.client();
    let twin: Row = ("the twin", Status::OK, |_, _| ());
    for (name, status, change) in [&[twin], rows, &[twin]].concat() {
        let begun = pair.time.now_ms();
        pair.provider.clear_journal();
        let request = pair.request_with(&[("binding_message", "approve after 1 s")]);
        let flow = client.init(&request, None).unwrap();
        let first = usize::from(begun == 0); // discovery and keys
        pair.await_answers(1 + 2 * first);
        let id = pair.provider.newest().unwrap();
        pair.provider.next_id_token(move |draft| change(draft, &id));
        assert_eq!(Pair::outcome(&flow), status, "{name}");
        let outcome = if status == Status::OK { Status::OK } else { Status::FAILED };
        assert_eq!((flow.outcome(), flow.tokens().is_ok()), (outcome, status == Status::OK), "{name} (R-63)");

        let mut expected = vec![format!("{begun} POST /bc-authorize -> 200 ack")];
        if begun == 0 {
            expected = STARTED.map(str::to_owned).to_vec();
        }
        expected.push(format!("{} POST /token -> 200 tokens", begun + 5_200));
        let names_no_key = name.starts_with("no kid") && status == Status::TOKEN_SIGNATURE;
        if status == Status::TOKEN_KEY_NOT_FOUND || names_no_key {
            expected.push(format!("{} GET /jwks -> 200 jwks", begun + 5_200)); // once
        }
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        pair.assert_requests_then_silence(&flow, &expected);
    }
}

#[test]
fn the_form_and_the_header_of_an_id_token_steps_1_to_2_r50_r63() {
    check_table(&[
        ("two parts", Status::TOKEN_MALFORMED, |d, _| {
            d.finish = Some(|t| t.rsplit_once('.').unwrap().0.into())
        }),
        ("padded", Status::TOKEN_MALFORMED, |d, _| d.finish = Some(|t| t + "=")),
        ("a blank behind it", Status::TOKEN_MALFORMED, |d, _| d.finish = Some(|t| t + " ")),
        ("five parts", Status::TOKEN_ENCRYPTED, |d, _| d.finish = Some(|t| t + ".a.b")),
        ("a header that is no JSON", Status::TOKEN_MALFORMED, |d, _| d.header_text = Some(b"hello".to_vec())),
        ("alg twice", Status::TOKEN_MALFORMED, |d, _| {
            let text = d.header.to_string().replacen('{', r#"{"alg":"RS256","#, 1);
            d.header_text = Some(text.into());
        }),
        ("none, and no signature", Status::TOKEN_MALFORMED, |d, _| {
            d.header["alg"] = "none".into();
            d.signer = Signer::Nobody;
        }),
        ("none, with a signature", Status::TOKEN_ALGORITHM, |d, _| d.header["alg"] = "none".into()),
        ("NONE", Status::TOKEN_ALGORITHM, |d, _| d.header["alg"] = "NONE".into()),
        ("HS256 with the client's secret", Status::TOKEN_ALGORITHM, |d, _| {
            d.header["alg"] = "HS256".into();
            d.signer = Signer::Secret(ciba_sim::personality::generic().client.1.into());
        }),
        ("RS384", Status::TOKEN_ALGORITHM, |d, _| d.header["alg"] = "RS384".into()),
        ("PS256", Status::TOKEN_ALGORITHM, |d, _| d.header["alg"] = "PS256".into()),
        ("rs256", Status::TOKEN_ALGORITHM, |d, _| d.header["alg"] = "rs256".into()),
        ("no alg", Status::TOKEN_ALGORITHM, |d, _| remove(&mut d.header, "alg")),
        ("crit", Status::TOKEN_CRITICAL_HEADER, |d, _| d.header["crit"] = json!(["b64"])),
        ("b64 false", Status::TOKEN_CRITICAL_HEADER, |d, _| d.header["b64"] = false.into()),
        ("an access token", Status::TOKEN_TYPE, |d, _| d.header["typ"] = "at+jwt".into()),
        ("a logout token", Status::TOKEN_TYPE, |d, _| d.header["typ"] = "logout+jwt".into()),
        ("no typ", Status::OK, |d, _| remove(&mut d.header, "typ")),
        ("a key brought along", Status::OK, |d, _| {
            d.header["jwk"] = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"});
            d.header["jku"] = "https://evil.example/jwks".into();
        }),
    ]);
}

#[test]
fn the_key_and_the_signature_of_an_id_token_steps_3_to_5_r50_r63() {
    check_table(&[
        ("a kid that no key has", Status::TOKEN_KEY_NOT_FOUND, |d, _| d.header["kid"] = "unknown".into()),
        ("another key of the set", Status::TOKEN_SIGNATURE, |d, _| d.signer = Signer::Other),
        ("a key of no set", Status::TOKEN_SIGNATURE, |d, _| d.signer = Signer::Unknown),
        ("no kid", Status::OK, |d, _| remove(&mut d.header, "kid")),
        ("no kid, a key of no set", Status::TOKEN_SIGNATURE, |d, _| {
            remove(&mut d.header, "kid");
            d.signer = Signer::Unknown;
        }),
        ("one bit of the signature", Status::TOKEN_SIGNATURE, |d, _| {
            d.finish = Some(|token| {
                let at = token.rfind('.').unwrap() + 1;
                let other = if token[at..].starts_with('A') { "B" } else { "A" };
                format!("{}{other}{}", &token[..at], &token[at + 1..])
            });
        }),
        ("the claims of another token", Status::TOKEN_SIGNATURE, |d, _| {
            d.finish = Some(|token| {
                let (head, rest) = token.split_once('.').unwrap();
                let (_, signature) = rest.split_once('.').unwrap();
                format!("{head}.eyJzdWIiOiJib2IifQ.{signature}")
            });
        }),
    ]);
}

#[test]
fn what_an_id_token_says_steps_6_to_9_r50_r63() {
    check_table(&[
        ("no object", Status::TOKEN_CLAIMS_MALFORMED, |d, _| d.claims_text = Some(b"[]".to_vec())),
        ("sub twice", Status::TOKEN_CLAIMS_MALFORMED, |d, _| {
            d.claims_text = Some(d.claims.to_string().replacen('{', r#"{"sub":"bob","#, 1).into());
        }),
        ("another issuer", Status::TOKEN_ISSUER, |d, _| d.claims["iss"] = "https://127.0.0.1".into()),
        ("the issuer and a slash", Status::TOKEN_ISSUER, |d, _| {
            d.claims["iss"] = format!("{}/", d.claims["iss"].as_str().unwrap()).into();
        }),
        ("no issuer", Status::TOKEN_ISSUER, |d, _| remove(&mut d.claims, "iss")),
        ("an array of one", Status::OK, |d, _| d.claims["aud"] = json!([d.claims["aud"]])),
        ("another audience", Status::TOKEN_AUDIENCE, |d, _| d.claims["aud"] = "another".into()),
        ("no audience", Status::TOKEN_AUDIENCE, |d, _| remove(&mut d.claims, "aud")),
        ("an empty one", Status::TOKEN_AUDIENCE, |d, _| d.claims["aud"] = json!([])),
        ("a second audience", Status::TOKEN_AUDIENCE, |d, _| add_audience(d, "another")),
        ("this client twice, no azp", Status::TOKEN_AUTHORIZED_PARTY, |d, _| {
            add_audience(d, "ciba-sim-client")
        }),
        ("this client twice, azp", Status::OK, |d, _| {
            add_audience(d, "ciba-sim-client");
            d.claims["azp"] = "ciba-sim-client".into();
        }),
        ("another azp", Status::TOKEN_AUTHORIZED_PARTY, |d, _| d.claims["azp"] = "another".into()),
        ("expired within the tolerance", Status::OK, |d, _| shift(d, "exp", -58)),
        ("expired", Status::TOKEN_EXPIRED, |d, _| shift(d, "exp", -61)),
        ("expired six minutes ago", Status::TOKEN_EXPIRED, |d, _| shift(d, "exp", -360)),
        ("no exp", Status::TOKEN_EXPIRED, |d, _| remove(&mut d.claims, "exp")),
        ("exp as text", Status::TOKEN_EXPIRED, |d, _| d.claims["exp"] = "9999999999".into()),
        ("exp of 1e300", Status::OK, |d, _| d.claims["exp"] = 1e300.into()),
    ]);
}

#[test]
fn what_an_id_token_says_steps_10_to_15_r50_r63() {
    const AUTH_REQ_ID: &str = "urn:openid:params:jwt:claim:auth_req_id";
    check_table(&[
        ("issued in the future, within", Status::OK, |d, _| shift(d, "iat", 59)),
        ("issued in the future", Status::TOKEN_ISSUED_AT, |d, _| shift(d, "iat", 62)),
        ("issued a week ago", Status::TOKEN_ISSUED_AT, |d, _| shift(d, "iat", -7 * 86_400)),
        // It is issued 5 s after the request, and cannot answer one that came after it.
        ("issued before the request, within", Status::OK, |d, _| shift(d, "iat", -64)),
        ("issued before the request", Status::TOKEN_ISSUED_AT, |d, _| shift(d, "iat", -67)),
        ("no iat", Status::TOKEN_ISSUED_AT, |d, _| remove(&mut d.claims, "iat")),
        ("not yet valid", Status::TOKEN_NOT_YET_VALID, |d, _| shift(d, "nbf", 62)),
        ("no nbf", Status::OK, |d, _| remove(&mut d.claims, "nbf")),
        ("no sub", Status::TOKEN_SUBJECT, |d, _| remove(&mut d.claims, "sub")),
        ("an empty sub", Status::TOKEN_SUBJECT, |d, _| d.claims["sub"] = "".into()),
        ("sub as a number", Status::TOKEN_SUBJECT, |d, _| d.claims["sub"] = 7.into()),
        ("sub of 255", Status::OK, |d, _| d.claims["sub"] = "x".repeat(255).into()),
        ("sub of 256", Status::TOKEN_SUBJECT, |d, _| d.claims["sub"] = "x".repeat(256).into()),
        ("a nonce that nobody sent", Status::OK, |d, _| d.claims["nonce"] = "n".into()),
        ("no at_hash", Status::OK, |d, _| remove(&mut d.claims, "at_hash")),
        ("another at_hash", Status::TOKEN_ACCESS_TOKEN_HASH, |d, _| {
            d.claims["at_hash"] = "Wt0kVFXMacqvnHeyU0001w".into();
        }),
        ("at_hash as a number", Status::TOKEN_ACCESS_TOKEN_HASH, |d, _| d.claims["at_hash"] = 7.into()),
        ("this request", Status::OK, |d, id| d.claims[AUTH_REQ_ID] = id.into()),
        ("another request", Status::TOKEN_REQUEST_ID, |d, _| d.claims[AUTH_REQ_ID] = "another".into()),
    ]);
}

#[test]
fn clocks_may_differ_by_the_tolerance_and_by_no_second_more_steps_9_and_10() {
    // The token is made between 5 s and 6 s after the request, at its `iat`.
    for (tolerance, claim, seconds, status) in [
        ("0", "exp", 1, Status::OK),
        ("0", "exp", 0, Status::TOKEN_EXPIRED),
        ("300", "exp", -299, Status::OK),
        ("300", "exp", -300, Status::TOKEN_EXPIRED),
        ("0", "iat", 0, Status::OK),
        ("0", "iat", 1, Status::TOKEN_ISSUED_AT),
        ("300", "iat", 300, Status::OK),
        ("300", "iat", 301, Status::TOKEN_ISSUED_AT),
        ("0", "iat", -4, Status::OK),
        ("0", "iat", -7, Status::TOKEN_ISSUED_AT), // before the request
        ("300", "iat", -304, Status::OK),
        ("300", "iat", -307, Status::TOKEN_ISSUED_AT),
        ("0", "nbf", 0, Status::OK),
        ("0", "nbf", 1, Status::TOKEN_NOT_YET_VALID),
        ("300", "nbf", 300, Status::OK),
        ("300", "nbf", 301, Status::TOKEN_NOT_YET_VALID),
    ] {
        let pair = Pair::generic();
        let flow = init(&pair, &pair.client_with(&[("clock_tolerance_s", tolerance)]));
        pair.provider.next_id_token(move |draft| shift(draft, claim, seconds));
        assert_eq!(Pair::outcome(&flow), status, "{claim} of {seconds} s with {tolerance} s");
        assert_eq!(flow.tokens().is_ok(), status == Status::OK);
    }
}

#[test]
fn an_id_token_of_more_than_a_megabyte_is_refused_however_large_answers_may_be_step_1() {
    for (length, status) in [(700_000, Status::OK), (800_000, Status::TOKEN_MALFORMED)] {
        let pair = Pair::generic();
        let flow = init(&pair, &pair.client_with(&[("max_answer_bytes", "4194304")]));
        pair.provider.next_id_token(move |draft| draft.claims["x"] = "x".repeat(length).into());
        assert_eq!(Pair::outcome(&flow), status, "{length}");
        assert_eq!(flow.tokens().is_ok(), status == Status::OK);
    }
}

#[test]
fn a_refresh_token_of_another_response_is_refused() {
    // From CIBA Core §10.3.1.
    let token = "4bwc0ESC_IAhflf-ACC_vjD_ltc11ne-8gFPfA2Kx16";
    for (hash, status) in
        [("sHahCuSpXCRg5mkDDvvr4w", Status::OK), ("sHahCuSpXCRg5mkDDvvr4x", Status::TOKEN_REFRESH_TOKEN_HASH)]
    {
        let pair = Pair::generic();
        pair.provider.next(Kind::Poll, Fault::Patch(json!({ "refresh_token": token })));
        pair.provider.next_id_token(move |draft| {
            draft.claims["urn:openid:params:jwt:claim:rt_hash"] = hash.into();
        });
        assert_eq!(Pair::outcome(&pair.flow_that("approve after 1 s")), status);
    }
}

#[test]
fn an_id_token_hint_ties_the_answer_to_its_subject_step_11() {
    let hinted = |pair: &Pair, subject: Value| {
        let mut draft = Draft {
            header: json!({"alg": "RS256"}),
            claims: json!({}),
            signer: Signer::Token,
            header_text: None,
            claims_text: None,
            finish: None,
        };
        draft.claims["sub"] = subject;
        pair.provider.sign(&draft)
    };
    for (in_the_hint, in_the_token, status) in [
        (json!("alice"), "alice", Status::OK),
        (json!("alice"), "bob", Status::TOKEN_SUBJECT),
        (json!("alice"), "Alice", Status::TOKEN_SUBJECT),
        (Value::Null, "bob", Status::OK), // nothing in it to compare with
    ] {
        let pair = Pair::generic();
        let mut request = pair.request_with(&[("binding_message", "approve after 1 s")]);
        let hint = hinted(&pair, in_the_hint.clone());
        request.set("login_hint", "").unwrap().set("id_token_hint", &hint).unwrap();
        pair.provider.next_id_token(|draft| draft.claims["sub"] = in_the_token.into());
        let flow = pair.client().init(&request, None).unwrap();
        assert_eq!(Pair::outcome(&flow), status, "{in_the_hint} {in_the_token}");
    }
}

fn init(pair: &Pair, client: &Client) -> Flow {
    client.init(&pair.request_with(&[("binding_message", "approve after 1 s")]), None).unwrap()
}

#[test]
fn keys_are_fetched_while_the_person_looks_at_the_phone_and_kept_for_an_hour() {
    let pair = Pair::generic();
    let client = pair.client();
    let key_fetches = || {
        let journal = pair.provider.journal();
        journal.iter().filter(|entry| entry.kind == Kind::Jwks).map(|entry| entry.at_ms).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        assert_eq!(Pair::outcome(&init(&pair, &client)), Status::OK);
    }
    assert_eq!(key_fetches(), [0], "before the tokens, and once");
    pair.time.advance(3_600_000);
    let hour = pair.time.now_ms();
    assert_eq!(Pair::outcome(&init(&pair, &client)), Status::OK);
    assert_eq!(key_fetches(), [0, hour]);
    assert_eq!(Pair::outcome(&init(&pair, &pair.client())), Status::OK);
    assert_eq!(key_fetches().len(), 3, "another client has keys of its own");
}

#[test]
fn a_key_that_is_not_known_is_looked_for_once_more() {
    // How many key sets lack the new key: the one at the start, then the one for its sake.
    for (hidden, status) in [(1, Status::OK), (2, Status::TOKEN_KEY_NOT_FOUND)] {
        let pair = Pair::generic();
        pair.provider.rotate_key(hidden);
        let flow = pair.flow_that("approve after 1 s");
        assert_eq!(Pair::outcome(&flow), status, "{hidden}");
        let again = ["5200 POST /token -> 200 tokens", "5200 GET /jwks -> 200 jwks"];
        pair.assert_requests_then_silence(&flow, &[STARTED.as_slice(), &again].concat());
    }

    // Rotated while the keys are cached: tokens of the old key still pass, those of the new one too.
    let pair = Pair::generic();
    let client = pair.client();
    let before = init(&pair, &client);
    assert_eq!(Pair::outcome(&before), Status::OK);
    pair.provider.rotate_key(0);
    pair.provider.clear_journal();
    assert_eq!(Pair::outcome(&init(&pair, &client)), Status::OK);
    assert_eq!(pair.provider.request_count(Kind::Jwks), 1);
    assert_eq!(Pair::outcome(&init(&pair, &client)), Status::OK);
    assert_eq!(pair.provider.request_count(Kind::Jwks), 1);
}

#[test]
fn tokens_with_unknown_keys_cannot_make_the_key_set_be_fetched_all_the_time() {
    let pair = Pair::generic();
    pair.provider.every_id_token(|draft| draft.header["kid"] = "unknown".into());
    let client = pair.client();
    let flows: Vec<Flow> = (0..5).map(|_| init(&pair, &client)).collect();
    std::thread::scope(|scope| {
        let outcomes: Vec<_> = flows.iter().map(|flow| scope.spawn(|| Pair::outcome(flow))).collect();
        for outcome in outcomes {
            assert_eq!(outcome.join().unwrap(), Status::TOKEN_KEY_NOT_FOUND);
        }
    });
    let journal = pair.provider.journal();
    let fetches: Vec<u64> = journal.iter().filter(|e| e.kind == Kind::Jwks).map(|e| e.at_ms).collect();
    assert!(fetches.len() <= 3 && fetches.windows(2).all(|pair| pair[1] - pair[0] >= 5_000), "{fetches:?}");
    assert_eq!(pair.provider.request_count(Kind::Poll), 5);
}

#[test]
fn tokens_are_held_unreleased_until_the_keys_can_be_had_r63() {
    for (name, fault, journal) in [
        ("trouble", error(503, "server_error"), "503 (answer)"),
        ("no keys", Fault::Raw(b"{}".to_vec()), "200 (raw)"),
        ("nested", Fault::Raw("[".repeat(100_000).into()), "200 (raw)"),
        ("redirected", Fault::Redirect("/elsewhere".into()), "302 (redirect)"),
        ("cut", Fault::CutInBody { status: None }, "200 (cut)"),
        ("without an end", Fault::EndlessBody, "200 (endless)"),
    ] {
        let pair = Pair::generic();
        (0..3).for_each(|_| pair.provider.next(Kind::Jwks, fault.clone()));
        let flow = pair.flow_that("approve after 1 s");
        assert!(flow.poll(Some(Duration::from_secs(6))).unwrap().is_none(), "{name}");
        assert_eq!(flow.progress().stage, ProgressStage::Verifying, "{name}");
        assert_eq!(flow.tokens().unwrap_err().status(), Status::NO_TOKENS, "{name}");
        assert_eq!(Pair::outcome(&flow), Status::OK, "{name}");
        pair.assert_requests_then_silence(
            &flow,
            &[
                STARTED[0],
                STARTED[1],
                &format!("0 GET /jwks -> {journal}"),
                "5200 POST /token -> 200 tokens", // and never again
                &format!("5200 GET /jwks -> {journal}"),
                &format!("10200 GET /jwks -> {journal}"),
                "20200 GET /jwks -> 200 jwks",
            ],
        );
    }
}

#[test]
fn keys_that_cannot_be_had_until_the_deadline_fail_the_flow_and_release_nothing_r63() {
    let pair = Pair::generic();
    pair.provider.always(Kind::Jwks, error(503, "server_error"));
    let flow = pair.flow_that("approve after 1 s");
    let failed = flow.poll(None).unwrap_err();
    assert_eq!((failed.status(), failed.http_status()), (Status::KEYS_UNAVAILABLE, Some(503)));
    assert_eq!((flow.outcome(), pair.time.now_ms()), (Status::FAILED, 300_000));
    assert_eq!(flow.tokens().unwrap_err().status(), Status::NO_TOKENS);
    let keys = |ms: u64| format!("{ms} GET /jwks -> 503 (answer)");
    let mut expected = vec![STARTED[0].to_owned(), STARTED[1].to_owned(), keys(0)];
    expected.push("5200 POST /token -> 200 tokens".to_owned());
    expected.extend([5_200, 10_200, 20_200, 40_200, 80_200, 140_200, 200_200, 260_200].map(keys));
    pair.assert_requests_then_silence(&flow, &expected.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_step_verifies_tokens_that_wait_for_keys() {
    let pair = Pair::generic();
    (0..2).for_each(|_| pair.provider.next(Kind::Jwks, error(503, "server_error")));
    let flow = pair.flow_that("approve after 1 s");
    pair.await_answers(3);
    pair.time.advance(5_200);
    assert!(flow.step(None).unwrap().is_none());
    assert!(flow.step(None).unwrap().is_none(), "nothing is due");
    pair.time.advance(5_000);
    assert!(flow.step(None).unwrap().is_some());
    assert_eq!(pair.provider.request_count(Kind::Poll), 1);
    assert_eq!(pair.provider.request_count(Kind::Jwks), 3);
}

#[test]
fn an_id_token_may_be_left_out_only_where_the_settings_say_so_and_is_verified_where_it_is_there() {
    for (patch, change, status) in [
        (json!({ "id_token": null }), Signer::Token, Status::OK),
        (json!({}), Signer::Token, Status::OK),
        (json!({}), Signer::Unknown, Status::TOKEN_SIGNATURE),
    ] {
        let pair = Pair::generic();
        pair.provider.next(Kind::Poll, Fault::Patch(patch));
        pair.provider.next_id_token(move |draft| draft.signer = change);
        let client = pair.client_with(&[("id_token_required", "false")]);
        assert_eq!(Pair::outcome(&init(&pair, &client)), status);
    }
}
