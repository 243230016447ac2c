//! Refresh, end to end: fresh tokens are held against the first ones, a refresh token is sent once, and
//! nothing that comes is lost, whatever becomes of the call that asked for it.

mod common;

use std::time::{Duration, Instant};

use ciba::{Client, Status, TokenKind, Tokens};
use ciba_sim::{Draft, Fault, Kind, Signer};
use common::{Pair, error, eventually, web_page};
use serde_json::{Value, json};

const OFFLINE: (&str, &str) = ("scope", "openid offline_access");
const REFRESHED: &str = "POST /token -> 200 tokens";

/// Signs in, with a refresh token; then forgets the journal.
fn signed_in(pair: &Pair, client: &Client) -> Tokens {
    let request = pair.request_with(&[OFFLINE, ("binding_message", "approve after 1 s")]);
    let flow = client.init(&request, None).unwrap();
    let tokens = flow.poll(None).unwrap().unwrap();
    pair.provider.clear_journal();
    tokens
}

/// The requests since the sign-in, without their times.
fn requests(pair: &Pair) -> Vec<String> {
    pair.provider
        .lines()
        .iter()
        .filter_map(|line| line.split_once(' '))
        .map(|(_, rest)| rest.into())
        .collect()
}

/// Three intervals without a request.
#[track_caller]
fn assert_silence(pair: &Pair, expected: &[&str]) {
    assert_eq!(requests(pair), expected);
    for _ in 0..3 {
        pair.time.advance(common::INTERVAL + 1_000);
        pair.settle();
    }
    assert_eq!(requests(pair), expected, "silence");
}

fn refreshed(client: &Client, tokens: &Tokens) -> Result<Tokens, Status> {
    client.refresh(tokens, None).map(|fresh| fresh.expect("nothing bounds the wait")).map_err(|e| e.status())
}

#[test]
fn a_refresh_brings_fresh_tokens_of_the_same_person_and_sends_the_refresh_token_once() {
    let pair = Pair::generic();
    let client = pair.client();
    let tokens = signed_in(&pair, &client);
    pair.time.advance(3_600_000);
    let fresh = refreshed(&client, &tokens).unwrap();
    assert_ne!(fresh.access_token(), tokens.access_token());
    assert_ne!(fresh.refresh_token(), tokens.refresh_token());
    assert_eq!(fresh.claim_text("sub").as_deref(), Some("alice"));
    assert_eq!(fresh.claim("auth_time"), tokens.claim("auth_time"));
    assert!(fresh.claim_integer("iat") > tokens.claim_integer("iat"));
    assert!(fresh.expires_at() > tokens.expires_at());
    assert_eq!(fresh.scope(), Some("openid offline_access"));

    let journal = pair.provider.journal();
    let sent = journal.iter().find(|entry| entry.kind == Kind::Refresh).unwrap();
    assert_eq!(
        sent.form(),
        [
            ("grant_type".to_owned(), "refresh_token".to_owned()),
            ("refresh_token".to_owned(), tokens.refresh_token().unwrap().to_owned()),
        ]
    );
    assert!(sent.header("authorization").unwrap().starts_with("Basic "), "the client proves itself (R-03)");
    let again = refreshed(&client, &fresh).unwrap();
    assert_eq!(again.claim_text("sub").as_deref(), Some("alice"));
    // An hour later the metadata are still fresh, the keys are not.
    assert_silence(&pair, &[REFRESHED, "GET /jwks -> 200 jwks", REFRESHED]);
}

fn remove(from: &mut Value, name: &str) {
    from.as_object_mut().unwrap().remove(name);
}

/// One row: what is changed, the status that follows, and the change.
type Row = (&'static str, Status, fn(&mut Draft));

#[test]
fn what_a_refresh_may_not_change_is_refused_step_16() {
    fn shift(draft: &mut Draft, claim: &str, seconds: i64) {
        draft.claims[claim] = (draft.claims[claim].as_i64().unwrap() + seconds).into();
    }
    const RT_HASH: &str = "urn:openid:params:jwt:claim:rt_hash";
    const AUTH_REQ_ID: &str = "urn:openid:params:jwt:claim:auth_req_id";
    let rows: &[Row] = &[
        ("the twin", Status::OK, |_| ()),
        ("another issuer", Status::TOKEN_ISSUER, |d| d.claims["iss"] = "https://elsewhere.example".into()),
        ("another person", Status::TOKEN_SUBJECT, |d| d.claims["sub"] = "bob".into()),
        ("the person in capitals", Status::TOKEN_SUBJECT, |d| d.claims["sub"] = "Alice".into()),
        ("no person", Status::TOKEN_SUBJECT, |d| remove(&mut d.claims, "sub")),
        ("another client", Status::TOKEN_AUDIENCE, |d| d.claims["aud"] = "another".into()),
        ("one more client", Status::TOKEN_AUDIENCE, |d| {
            d.claims["aud"] = json!([d.claims["aud"], "another"])
        }),
        ("the client in a list", Status::OK, |d| d.claims["aud"] = json!([d.claims["aud"]])),
        ("another azp", Status::TOKEN_AUTHORIZED_PARTY, |d| d.claims["azp"] = "another".into()),
        ("authenticated before", Status::TOKEN_UNEXPECTED_CLAIM, |d| shift(d, "auth_time", -1)),
        ("authenticated now", Status::TOKEN_UNEXPECTED_CLAIM, |d| {
            d.claims["auth_time"] = d.claims["iat"].clone()
        }),
        ("an auth_time that is no time", Status::TOKEN_UNEXPECTED_CLAIM, |d| {
            d.claims["auth_time"] = "today".into()
        }),
        ("the auth_time as a string", Status::OK, |d| {
            d.claims["auth_time"] = d.claims["auth_time"].to_string().into()
        }),
        ("the auth_time with a fraction", Status::OK, |d| {
            d.claims["auth_time"] = d.claims["auth_time"].as_f64().unwrap().into()
        }),
        ("no auth_time", Status::OK, |d| remove(&mut d.claims, "auth_time")),
        ("issued before the refresh was sent", Status::TOKEN_ISSUED_AT, |d| shift(d, "iat", -61)),
        ("issued by a clock that is slow", Status::OK, |d| shift(d, "iat", -59)),
        ("issued in the future", Status::TOKEN_ISSUED_AT, |d| shift(d, "iat", 61)),
        ("not issued", Status::TOKEN_ISSUED_AT, |d| remove(&mut d.claims, "iat")),
        ("expired", Status::TOKEN_EXPIRED, |d| shift(d, "exp", -361)),
        ("of another access token", Status::TOKEN_ACCESS_TOKEN_HASH, |d| {
            d.claims["at_hash"] = "Wt0kVFXMacqvnHeyU0001w".into()
        }),
        ("of no access token", Status::OK, |d| remove(&mut d.claims, "at_hash")),
        ("of another refresh token", Status::TOKEN_REFRESH_TOKEN_HASH, |d| {
            d.claims[RT_HASH] = "sHahCuSpXCRg5mkDDvvr4w".into()
        }),
        ("with the request that began it all", Status::OK, |d| d.claims[AUTH_REQ_ID] = "request".into()),
        ("signed with another key", Status::TOKEN_SIGNATURE, |d| d.signer = Signer::Other),
        ("not signed", Status::TOKEN_ALGORITHM, |d| d.header["alg"] = "none".into()),
        ("an access token", Status::TOKEN_TYPE, |d| d.header["typ"] = "at+jwt".into()),
        ("the twin again", Status::OK, |_| ()),
    ];
    let pair = Pair::generic();
    let client = pair.client();
    for (name, status, change) in rows {
        let tokens = signed_in(&pair, &client);
        pair.provider.next_id_token(*change);
        let outcome = refreshed(&client, &tokens);
        assert_eq!(outcome.as_ref().err().copied().unwrap_or(Status::OK), *status, "{name}");
        assert_silence(&pair, &[REFRESHED]);
        if outcome.is_err() {
            // What was refused is not kept: the next call is a new request, and the token is used up.
            assert_eq!(refreshed(&client, &tokens).err(), Some(Status::INVALID_GRANT), "{name}");
        }
    }
}

#[test]
fn a_refresh_may_bring_no_id_token_and_the_next_one_is_held_against_the_first() {
    for (subject, status) in [("alice", Status::OK), ("bob", Status::TOKEN_SUBJECT)] {
        let pair = Pair::generic();
        let client = pair.client();
        let tokens = signed_in(&pair, &client);
        pair.provider.next(Kind::Refresh, Fault::Patch(json!({ "id_token": null })));
        let without = refreshed(&client, &tokens).unwrap();
        assert!(without.id_token().is_none() && without.claims().is_none());
        pair.provider.next_id_token(move |draft| draft.claims["sub"] = subject.into());
        let again = refreshed(&client, &without).and_then(|fresh| refreshed(&client, &fresh));
        assert_eq!(again.err().unwrap_or(Status::OK), status);
    }
}

/// A provider that takes a refresh token again and again.
fn without_rotation() -> Pair {
    let mut personality = ciba_sim::personality::generic();
    personality.refresh = personality.refresh.map(|refresh| ciba_sim::Refresh { rotates: false, ..refresh });
    Pair::new(personality)
}

#[test]
fn a_refresh_token_is_kept_where_no_new_one_comes_and_can_be_used_again() {
    let pair = without_rotation();
    let client = pair.client();
    let tokens = signed_in(&pair, &client);
    let refresh_token = tokens.refresh_token().unwrap().to_owned();
    for raw in [None, Some(Value::Null), Some(refresh_token.clone().into())] {
        let answer = raw.clone();
        let change = move |json: &mut Value| match &answer {
            Some(raw) => json["refresh_token"] = raw.clone(),
            None => assert!(json.get("refresh_token").is_none()),
        };
        pair.provider.next(Kind::Refresh, Fault::Modify(std::sync::Arc::new(change)));
        let fresh = refreshed(&client, &tokens).unwrap();
        assert_eq!(fresh.refresh_token(), Some(refresh_token.as_str()), "{raw:?}");
        assert_eq!(fresh.member("refresh_token").as_deref(), Some(refresh_token.as_str()), "{raw:?}");
        assert_eq!(fresh.member("access_token").as_deref(), Some(fresh.access_token()), "{raw:?}");
        assert_eq!(fresh.member("expires_in").as_deref(), Some("3600"), "{raw:?}");
    }
    assert_silence(&pair, &[REFRESHED; 3]);
}

#[test]
fn a_narrower_scope_is_accepted_and_without_one_the_scope_stays() {
    let pair = without_rotation();
    let client = pair.client();
    let tokens = signed_in(&pair, &client);
    for (patch, scope) in
        [(json!({ "scope": "openid" }), "openid"), (json!({ "scope": null }), "openid offline_access")]
    {
        pair.provider.next(Kind::Refresh, Fault::Patch(patch));
        assert_eq!(refreshed(&client, &tokens).unwrap().scope(), Some(scope));
    }
}

#[test]
fn the_same_tokens_are_refreshed_once_whoever_asks_and_however_often() {
    let pair = Pair::generic();
    let client = pair.client();
    let tokens = signed_in(&pair, &client);
    pair.provider.next(Kind::Refresh, Fault::Hold(1_000));
    assert!(client.refresh(&tokens, Some(Duration::ZERO)).unwrap().is_none());
    eventually("the refresh", || pair.provider.request_count(Kind::Refresh) == 1);
    let mut all = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..4)
            .map(|n| {
                let (client, tokens) = (client.clone(), tokens.clone());
                // Another client of the same settings is the same one to the provider.
                let client = if n % 2 == 0 { client } else { pair.client() };
                scope.spawn(move || refreshed(&client, &tokens).unwrap())
            })
            .collect();
        pair.settle();
        pair.time.advance(1_000);
        calls.into_iter().map(|call| call.join().unwrap()).collect::<Vec<_>>()
    });
    all.push(refreshed(&client, &tokens).unwrap());
    assert!(all.iter().all(|fresh| fresh.access_token() == all[0].access_token()));
    assert_silence(&pair, &[REFRESHED]);

    // What came of it is gone, and the refresh token is used up: sending it could end the whole grant.
    let last = all.pop().unwrap();
    drop(all);
    drop(last);
    assert_eq!(refreshed(&client, &tokens).err(), Some(Status::ALREADY_REFRESHED));
    assert_silence(&pair, &[REFRESHED]);
}

#[test]
fn a_call_whose_time_is_up_loses_nothing_and_one_with_timeout_0_waits_for_nothing() {
    let pair = Pair::generic();
    let client = pair.client();
    let tokens = signed_in(&pair, &client);
    pair.provider.next(Kind::Refresh, Fault::ProcessThenHold(60_000));
    let begun = Instant::now();
    assert!(client.refresh(&tokens, Some(Duration::ZERO)).unwrap().is_none());
    assert!(client.refresh(&tokens, Some(Duration::from_millis(20))).unwrap().is_none());
    assert!(begun.elapsed() < Duration::from_secs(10), "no hang");
    eventually("the refresh", || pair.provider.request_count(Kind::Refresh) == 1);
    pair.time.advance(60_000);
    let fresh = client.refresh(&tokens, None).unwrap().unwrap();
    assert_eq!(fresh.claim_text("sub").as_deref(), Some("alice"));
    assert_silence(&pair, &[REFRESHED]);
}

#[test]
fn a_network_that_is_dead_holds_up_no_call_with_timeout_0_and_uses_up_nothing() {
    let pair = Pair::generic();
    let client = pair.client();
    let tokens = signed_in(&pair, &client);
    pair.provider.go_offline();
    let begun = Instant::now();
    match client.refresh(&tokens, Some(Duration::ZERO)) {
        Ok(tokens) => assert!(tokens.is_none()),
        // A refused connection is known at once.
        Err(error) => assert_eq!(error.status(), Status::CONNECT_FAILED),
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "no hang");
    assert_eq!(refreshed(&client, &tokens).err(), Some(Status::CONNECT_FAILED));
    pair.provider.go_online();
    assert!(refreshed(&client, &tokens).is_ok(), "nothing was sent before");
    assert_silence(&pair, &[REFRESHED]);
}

#[test]
fn an_answer_that_is_lost_is_reported_and_the_refresh_never_sent_again_by_itself() {
    for (name, fault, line, http, afterwards) in [
        ("cut", Fault::CutBeforeHeaders, "(cut)", None, Status::INVALID_GRANT),
        ("cut in its body", Fault::CutInBody { status: None }, "200 (cut)", Some(200), Status::INVALID_GRANT),
        ("a gateway", web_page(502), "502 (answer)", Some(502), Status::OK),
        ("reset", Fault::Reset, "(reset)", None, Status::OK),
    ] {
        let pair = Pair::generic();
        let client = pair.client();
        let tokens = signed_in(&pair, &client);
        pair.provider.next(Kind::Refresh, fault);
        let lost = client.refresh(&tokens, None).unwrap_err();
        assert_eq!((lost.status(), lost.http_status()), (Status::REFRESH_UNKNOWN, http), "{name}: {lost}");
        let first = format!("POST /token -> {line}");
        assert_silence(&pair, &[&first]);
        // The caller may try it: some providers take a refresh token again for a while.
        let second = refreshed(&client, &tokens);
        assert_eq!(second.as_ref().err().copied().unwrap_or(Status::OK), afterwards, "{name}");
        let again = if second.is_ok() { REFRESHED } else { "POST /token -> 400 invalid_grant" };
        assert_silence(&pair, &[&first, again]);
    }
}

#[test]
fn an_error_of_the_provider_is_reported_by_its_code_and_nothing_is_pending_in_a_refresh() {
    for (answer, status, code) in [
        (error(400, "invalid_grant"), Status::INVALID_GRANT, Some("invalid_grant")),
        (error(401, "invalid_client"), Status::INVALID_CLIENT, Some("invalid_client")),
        (error(400, "invalid_scope"), Status::INVALID_SCOPE, Some("invalid_scope")),
        (error(400, "unauthorized_client"), Status::UNAUTHORIZED_CLIENT, Some("unauthorized_client")),
        (
            error(400, "unsupported_grant_type"),
            Status::UNSUPPORTED_GRANT_TYPE,
            Some("unsupported_grant_type"),
        ),
        (error(403, "access_denied"), Status::REFUSED_BY_POLICY, Some("access_denied")),
        (error(503, "server_error"), Status::HTTP_STATUS, Some("server_error")),
        (error(400, "authorization_pending"), Status::PROVIDER_ERROR, Some("authorization_pending")),
        (error(400, "slow_down"), Status::PROVIDER_ERROR, Some("slow_down")),
        (error(400, "expired_token"), Status::PROVIDER_ERROR, Some("expired_token")),
        (error(200, "invalid_grant"), Status::INVALID_TOKEN_RESPONSE, Some("invalid_grant")),
        (web_page(404), Status::HTTP_STATUS, None),
        (Fault::Redirect("https://elsewhere.example/".into()), Status::REDIRECTED, None),
        (Fault::Patch(json!({ "access_token": null })), Status::INVALID_TOKEN_RESPONSE, None),
        (Fault::Patch(json!({ "token_type": "mac" })), Status::INVALID_TOKEN_RESPONSE, None),
        (Fault::Raw("[".repeat(100_000).into()), Status::INVALID_TOKEN_RESPONSE, None),
    ] {
        let pair = Pair::generic();
        let client = pair.client();
        let tokens = signed_in(&pair, &client);
        pair.provider.next(Kind::Refresh, answer);
        let refused = client.refresh(&tokens, None).unwrap_err();
        assert_eq!((refused.status(), refused.oauth_error()), (status, code), "{refused}");
        assert_eq!(pair.provider.request_count(Kind::Refresh), 1, "{refused}");
    }
}

#[test]
fn fresh_tokens_wait_for_the_providers_keys_and_are_not_asked_for_again() {
    let pair = Pair::generic();
    let client = pair.client();
    let tokens = signed_in(&pair, &client);
    pair.provider.rotate_key(0);
    pair.provider.next(Kind::Jwks, error(503, "server_error"));
    pair.provider.next(Kind::Jwks, error(503, "server_error"));
    pair.time.advance(6_000); // keys that were fetched a moment ago are not fetched again
    for _ in 0..2 {
        assert_eq!(refreshed(&client, &tokens).err(), Some(Status::KEYS_UNAVAILABLE));
    }
    let fresh = refreshed(&client, &tokens).unwrap();
    assert_eq!(fresh.claim_text("sub").as_deref(), Some("alice"));
    let no_keys = "GET /jwks -> 503 (answer)";
    assert_silence(&pair, &[REFRESHED, no_keys, no_keys, "GET /jwks -> 200 jwks"]);
}

#[test]
fn tokens_that_a_program_kept_are_refreshed_in_another_run() {
    let pair = Pair::generic();
    let first_run = signed_in(&pair, &pair.client());
    let (refresh_token, id_token) = (first_run.refresh_token().unwrap(), first_run.id_token().unwrap());

    let client = pair.client();
    let kept = client.restore_tokens(refresh_token, Some(id_token)).unwrap();
    assert_eq!((kept.access_token(), kept.claims_json(), kept.expires_at()), ("", None, None));
    assert_eq!(kept.member("refresh_token").as_deref(), Some(refresh_token));
    assert_eq!(kept.member("id_token").as_deref(), Some(id_token));
    assert_eq!(kept.member("access_token"), None);
    assert_eq!(client.userinfo(&kept, None).unwrap_err().status(), Status::NOT_PRESENT);
    assert_eq!(client.revoke(&kept, TokenKind::AccessToken, None).unwrap_err().status(), Status::NOT_PRESENT);
    assert!(pair.provider.lines().is_empty(), "nothing was sent");

    let fresh = refreshed(&client, &kept).unwrap();
    assert_eq!(fresh.claim_text("sub").as_deref(), Some("alice"));

    // Of another person, with the same ID Token kept.
    let next_run = pair.client();
    let kept = next_run.restore_tokens(fresh.refresh_token().unwrap(), Some(id_token)).unwrap();
    pair.provider.next_id_token(|draft| draft.claims["sub"] = "bob".into());
    assert_eq!(refreshed(&next_run, &kept).err(), Some(Status::TOKEN_SUBJECT));
}

#[test]
fn tokens_are_restored_only_with_an_id_token_of_this_provider_and_client() {
    let pair = Pair::generic();
    let client = pair.client();
    let tokens = signed_in(&pair, &client);
    let id_token = tokens.id_token().unwrap();
    let with = |change: fn(&mut Draft)| {
        let mut draft =
            Draft::new(json!({ "alg": "RS256" }), Value::Object(tokens.claims().unwrap().clone()));
        change(&mut draft);
        pair.provider.sign(&draft)
    };
    for (name, refresh_token, id_token, status) in [
        ("the twin", "r", Some(id_token.to_owned()), Status::OK),
        ("expired long ago", "r", Some(with(|d| d.claims["exp"] = 1.into())), Status::OK),
        ("for several", "r", Some(with(|d| d.claims["aud"] = json!([d.claims["aud"], "x"]))), Status::OK),
        ("no ID Token", "r", None, Status::MISSING_ARGUMENT),
        ("another issuer", "r", Some(with(|d| d.claims["iss"] = "x".into())), Status::OTHER_CLIENT),
        ("another client", "r", Some(with(|d| d.claims["aud"] = "x".into())), Status::OTHER_CLIENT),
        ("no person", "r", Some(with(|d| remove(&mut d.claims, "sub"))), Status::INVALID_VALUE),
        ("no JWT", "r", Some("a.b".into()), Status::INVALID_VALUE),
        ("no token", "", Some(id_token.to_owned()), Status::INVALID_VALUE),
        ("two lines", "r\nr", Some(id_token.to_owned()), Status::INVALID_VALUE),
    ] {
        let restored = client.restore_tokens(refresh_token, id_token.as_deref());
        assert_eq!(restored.err().map_or(Status::OK, |e| e.status()), status, "{name}");
    }
    let lenient = pair.client_with(&[("id_token_required", "false")]);
    let kept = lenient.restore_tokens(tokens.refresh_token().unwrap(), None).unwrap();
    assert!(refreshed(&lenient, &kept).is_ok());
}

#[test]
fn tokens_are_sent_to_nobody_but_to_who_gave_them() {
    let (pair, other) = (Pair::generic(), Pair::generic());
    let client = pair.client();
    let tokens = signed_in(&pair, &client);
    let same_provider = pair.client_with(&[("client_id", "another")]);
    for stranger in [other.client(), same_provider] {
        let statuses = [
            stranger.refresh(&tokens, None).unwrap_err().status(),
            stranger.userinfo(&tokens, None).unwrap_err().status(),
            stranger.introspect(&tokens, TokenKind::AccessToken, None).unwrap_err().status(),
            stranger.revoke(&tokens, TokenKind::RefreshToken, None).unwrap_err().status(),
        ];
        assert_eq!(statuses, [Status::OTHER_CLIENT; 4]);
    }
    assert!(pair.provider.lines().is_empty() && other.provider.lines().is_empty(), "nothing was sent");
    assert!(refreshed(&client, &tokens).is_ok());
}

#[test]
fn tokens_without_a_refresh_token_are_not_refreshed() {
    let pair = Pair::generic();
    let tokens = pair.flow_that("approve after 1 s").poll(None).unwrap().unwrap();
    pair.provider.clear_journal();
    let refused = pair.client().refresh(&tokens, None).unwrap_err();
    assert_eq!((refused.status(), refused.message()), (Status::NOT_PRESENT, "there is no refresh_token"));
    assert_silence(&pair, &[]);
}

#[test]
fn telenor_refreshes_for_14_days_from_the_sign_in_and_its_invalid_grant_is_no_denial_here() {
    let pair = Pair::telenor();
    let client = pair.client();
    let scope = ("scope", "openid vipps phone offline_access");
    let request = pair.request_with(&[scope, ("binding_message", "approve after 1 s")]);
    let mut tokens = client.init(&request, None).unwrap().poll(None).unwrap().unwrap();
    for _ in 0..2 {
        pair.time.advance(6 * 24 * 3_600_000);
        tokens = refreshed(&client, &tokens).unwrap();
    }
    pair.time.advance(2 * 24 * 3_600_000);
    assert_eq!(refreshed(&client, &tokens).err(), Some(Status::INVALID_GRANT));
}
