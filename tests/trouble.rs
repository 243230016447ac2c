//! Bad weather in answer to token requests: what is waited out, and what is never known again.

mod common;

use std::time::Duration;

use ciba::{Flow, Status};
use ciba_sim::{Answer, Fault, Kind};
use common::{Pair, STARTED, error, web_page};
use serde_json::json;

fn flow_with(pair: &Pair, phrase: &str, answers: impl IntoIterator<Item = Fault>) -> Flow {
    answers.into_iter().for_each(|answer| pair.provider.next(Kind::Poll, answer));
    let flow = pair.flow_that(phrase);
    pair.await_answers(STARTED.len());
    flow
}

#[test]
fn trouble_that_is_no_outcome_is_waited_out_and_the_tokens_come_r48() {
    let answer = |status, body: &str| Fault::Answer(Answer::json(status, body));
    for (name, fault, journal, status) in [
        ("500", answer(500, ""), "500 (answer)", Status::HTTP_STATUS),
        ("503 server_error", error(503, "server_error"), "503 (answer)", Status::HTTP_STATUS),
        ("400 server_error", error(400, "server_error"), "400 (answer)", Status::HTTP_STATUS),
        ("500 with a code", error(500, "E0000009"), "500 (answer)", Status::PROVIDER_ERROR),
        ("408", answer(408, ""), "408 (answer)", Status::HTTP_STATUS),
        ("429", answer(429, "{}"), "429 (answer)", Status::HTTP_STATUS),
        ("a gateway", web_page(502), "502 (answer)", Status::HTTP_STATUS),
        ("a gateway", web_page(504), "504 (answer)", Status::HTTP_STATUS),
        ("a firewall", web_page(403), "403 (answer)", Status::HTTP_STATUS),
        ("a wrong host", web_page(404), "404 (answer)", Status::HTTP_STATUS),
        ("a login portal", web_page(200), "200 (answer)", Status::MALFORMED_ANSWER),
        ("no content", answer(204, ""), "204 (answer)", Status::MALFORMED_ANSWER),
        ("a redirect", Fault::Redirect("/elsewhere".into()), "302 (redirect)", Status::REDIRECTED),
        ("closed", Fault::Close, "(closed)", Status::CONNECTION_LOST),
        ("reset", Fault::Reset, "(reset)", Status::CONNECTION_LOST),
        ("cut before headers", Fault::CutBeforeHeaders, "(cut)", Status::CONNECTION_LOST),
        ("cut in headers", Fault::CutInHeaders, "400 (cut)", Status::CONNECTION_LOST),
        ("cut in the body", Fault::CutInBody { status: None }, "400 (cut)", Status::CONNECTION_LOST),
        ("cut behind 502", Fault::CutInBody { status: Some(502) }, "502 (cut)", Status::CONNECTION_LOST),
    ] {
        let pair = Pair::generic();
        let flow = flow_with(&pair, "approve after 6 s", [fault]);
        assert!(flow.poll(Some(Duration::from_secs(6))).unwrap().is_none(), "{name}");
        assert_eq!(flow.last_trouble().map(|e| e.status()), Some(status), "{name}");
        assert_eq!(Pair::outcome(&flow), Status::OK, "{name}");
        pair.assert_polls_then_silence(&flow, &[&format!("5200 {journal}"), "10400 200 tokens"]);
    }
}

#[test]
fn a_network_that_is_dead_for_a_while_is_survived_r48() {
    let pair = Pair::generic();
    let flow = flow_with(&pair, "approve after 6 s", []);
    pair.provider.go_offline();
    pair.settle();
    assert!(flow.poll(Some(Duration::from_secs(11))).unwrap().is_none());
    assert_eq!(flow.last_trouble().unwrap().status(), Status::CONNECT_FAILED);
    assert_eq!((pair.time.now_ms(), flow.progress().polls), (11_000, 2), "at 5200 and 10400");
    pair.provider.go_online();
    assert_eq!(Pair::outcome(&flow), Status::OK);
    pair.assert_polls_then_silence(&flow, &["20600 200 tokens"]);

    // Connections that are reset as soon as they are made, on top of the one that is kept alive.
    let pair = Pair::generic();
    let flow = flow_with(&pair, "approve after 6 s", []);
    pair.provider.reset_on_accept(true);
    pair.provider.drop_connections(true);
    pair.settle();
    assert!(flow.poll(Some(Duration::from_secs(6))).unwrap().is_none());
    assert!(flow.last_trouble().is_some());
    pair.provider.reset_on_accept(false);
    assert_eq!(Pair::outcome(&flow), Status::OK);
    pair.assert_polls_then_silence(&flow, &["10400 200 tokens"]);
}

#[test]
fn a_network_that_stays_dead_ends_in_expiry_since_nothing_was_lost_r48_r49() {
    let pair = Pair::generic();
    let flow = flow_with(&pair, "approve after 6 s", []);
    pair.provider.go_offline();
    pair.settle();
    let error = flow.poll(None).unwrap_err();
    assert_eq!((error.status(), pair.time.now_ms()), (Status::EXPIRED, 300_000));
    assert!(error.message().contains("could not be asked"), "nobody knows whether anybody answered: {error}");
    assert_eq!(flow.last_trouble().unwrap().status(), Status::CONNECT_FAILED);
    pair.provider.go_online();
    pair.assert_polls_then_silence(&flow, &[]);
}

#[test]
fn tokens_lost_behind_a_200_are_unknown_at_once_and_never_asked_for_again_r50() {
    let pair = Pair::generic();
    let flow = flow_with(&pair, "approve after 1 s", [Fault::CutInBody { status: None }]);
    let error = flow.poll(None).unwrap_err();
    assert_eq!((error.status(), flow.outcome()), (Status::UNKNOWN, Status::UNKNOWN));
    assert_eq!(pair.time.now_ms(), 5_200);
    pair.assert_polls_then_silence(&flow, &["5200 200 (cut)"]);
}

#[test]
fn a_lost_answer_decides_what_the_next_ones_mean_r50() {
    let said = |code: &str| (error(400, code), "400 (answer)");
    let denied = || said("access_denied");
    let pending = || said("authorization_pending");
    let real = || (Fault::Pass, "400 invalid_grant");
    for (name, later, outcome, status) in [
        ("no longer known", vec![real()], Status::UNKNOWN, Status::UNKNOWN),
        ("as another provider says it", vec![said("invalid_request")], Status::UNKNOWN, Status::UNKNOWN),
        ("or another", vec![said("expired_token")], Status::UNKNOWN, Status::UNKNOWN),
        ("denied: then it was not the tokens", vec![denied()], Status::DENIED, Status::DENIED),
        ("pending: then it carried nothing", vec![pending(), real()], Status::FAILED, Status::INVALID_GRANT),
        ("the same", vec![pending(), said("expired_token")], Status::EXPIRED, Status::EXPIRED),
        ("slow_down says nothing", vec![said("slow_down"), real()], Status::UNKNOWN, Status::UNKNOWN),
        (
            "trouble says nothing",
            vec![(web_page(502), "502 (answer)"), real()],
            Status::UNKNOWN,
            Status::UNKNOWN,
        ),
        ("twice", vec![(Fault::Close, "(closed)"), real()], Status::UNKNOWN, Status::UNKNOWN),
        ("the client is refused", vec![said("invalid_client")], Status::FAILED, Status::INVALID_CLIENT),
    ] {
        // The tokens are handed out, and lost before or within the headers.
        for (cut, journal) in
            [(Fault::CutBeforeHeaders, "5200 (cut)"), (Fault::CutInHeaders, "5200 200 (cut)")]
        {
            let pair = Pair::generic();
            let answers = [cut].into_iter().chain(later.iter().map(|(fault, _)| fault.clone()));
            let flow = flow_with(&pair, "approve after 1 s", answers);
            assert_eq!(flow.poll(None).unwrap_err().status(), status, "{name}");
            assert_eq!(flow.outcome(), outcome, "{name}");
            let lines = pair.provider.lines();
            let times = lines[4..].iter().map(|line| line.split(' ').next().unwrap());
            let later = times.zip(&later).map(|(ms, (_, answer))| format!("{ms} {answer}"));
            let polls: Vec<String> = [journal.to_owned()].into_iter().chain(later).collect();
            let polls: Vec<&str> = polls.iter().map(String::as_str).collect();
            assert!(polls[1].starts_with("10400 "), "{polls:?}");
            pair.assert_polls_then_silence(&flow, &polls);
        }
    }
}

#[test]
fn another_success_than_200_may_have_carried_the_tokens_r50_r60() {
    for (answer, journal) in [
        // As a proxy says it that has changed the answer (RFC 9110 §15.3.4).
        (
            Answer::json(203, r#"{"access_token":"a","token_type":"Bearer","id_token":"i"}"#),
            "5200 203 (answer)",
        ),
        (Answer::new(206, r#"{"access_token":"a""#), "5200 206 (answer)"),
        (Answer::new(204, ""), "5200 204 (answer)"),
    ] {
        let pair = Pair::generic();
        let flow = flow_with(&pair, "approve after 1 s", [Fault::AnswerAfterProcessing(answer)]);
        assert_eq!(flow.poll(None).unwrap_err().status(), Status::UNKNOWN, "{journal}");
        pair.assert_polls_then_silence(&flow, &[journal, "10400 400 invalid_grant"]);
    }
    let pair = Pair::generic();
    let flow = flow_with(&pair, "approve after 1 s", [Fault::CutInBody { status: Some(203) }]);
    assert_eq!(flow.poll(None).unwrap_err().status(), Status::UNKNOWN);
    pair.assert_polls_then_silence(&flow, &["5200 203 (cut)", "10400 400 invalid_grant"]);
}

#[test]
fn without_a_lost_answer_the_same_codes_mean_what_they_say() {
    for (code, outcome) in [
        ("invalid_grant", Status::FAILED),
        ("invalid_request", Status::FAILED),
        ("expired_token", Status::EXPIRED),
        ("access_denied", Status::DENIED),
    ] {
        let pair = Pair::generic();
        let flow = flow_with(&pair, "never", [web_page(502), error(400, code)]);
        let _ = flow.poll(None).unwrap_err();
        assert_eq!(flow.outcome(), outcome, "{code}");
        pair.assert_polls_then_silence(&flow, &["5200 502 (answer)", "10400 400 (answer)"]);
    }
}

#[test]
fn a_lost_answer_that_nothing_follows_is_unknown_not_expired() {
    let pair = Pair::generic();
    let flow = flow_with(&pair, "approve after 1 s", [Fault::CutBeforeHeaders]);
    assert!(flow.poll(Some(Duration::from_secs(6))).unwrap().is_none());
    pair.provider.go_offline();
    pair.settle();
    let error = flow.poll(None).unwrap_err();
    assert_eq!((error.status(), pair.time.now_ms()), (Status::UNKNOWN, 300_000));
    pair.provider.go_online();
    pair.assert_polls_then_silence(&flow, &["5200 (cut)"]);
}

#[test]
fn telenor_says_invalid_grant_to_a_denial_but_after_a_lost_answer_nobody_knows() {
    let pair = Pair::telenor();
    pair.provider.next(Kind::Poll, Fault::CutBeforeHeaders);
    let flow = pair.flow_that("approve after 1 s");
    assert_eq!(flow.poll(None).unwrap_err().status(), Status::UNKNOWN);
    assert_eq!(flow.outcome(), Status::UNKNOWN);
}

#[test]
fn a_200_that_holds_no_tokens_fails_the_flow_which_is_never_asked_about_again_r30_r50_r62() {
    let raw = |text: String| Fault::Raw(text.into());
    let deep = "[".repeat(100_000);
    let tokens = r#""access_token":"a","token_type":"Bearer","id_token":"a.b.c""#;
    for (name, fault, journal, status) in [
        ("error beside tokens", Fault::Patch(json!({"error": "access_denied"})), "tokens", 213),
        ("pending in a 200", raw(r#"{"error":"authorization_pending"}"#.into()), "(raw)", 213),
        ("no access token", Fault::Patch(json!({"access_token": null})), "tokens", 213),
        ("no token type", Fault::Patch(json!({"token_type": null})), "tokens", 213),
        ("another token type", Fault::Patch(json!({"token_type": "DPoP"})), "tokens", 213),
        ("no ID Token", Fault::Patch(json!({"id_token": null})), "tokens", 320),
        ("a name twice", raw(format!("{{{tokens},{tokens}}}")), "(raw)", 213),
        ("nested too deep", raw(deep), "(raw)", 213),
        ("no object", raw("[]".into()), "(raw)", 213),
        ("nothing", raw(String::new()), "(raw)", 213),
        ("without an end", Fault::EndlessBody, "(endless)", 108),
    ] {
        let pair = Pair::generic();
        let flow = flow_with(&pair, "approve after 1 s", [fault]);
        let error = flow.poll(None).unwrap_err();
        assert_eq!((error.status().number(), error.http_status()), (status, Some(200)), "{name}");
        assert_eq!(flow.outcome(), Status::FAILED, "{name}");
        assert_eq!(flow.tokens().unwrap_err().status(), Status::NO_TOKENS, "{name}");
        pair.assert_polls_then_silence(&flow, &[&format!("5200 200 {journal}")]);
    }
}

#[test]
fn what_a_200_may_leave_out_or_bring_along_does_no_harm_r16_r60() {
    let deep: serde_json::Value =
        serde_json::from_str(&format!("{}1{}", "[".repeat(100), "]".repeat(100))).unwrap();
    for (name, patch) in [
        ("no scope, no expires_in", json!({"scope": null, "expires_in": null})),
        ("another case", json!({"token_type": "bEARER"})),
        ("a string", json!({"expires_in": "120"})),
        ("unknown members", json!({"x": deep, "session_state": {"a": [1, 2]}})),
    ] {
        let pair = Pair::generic();
        let flow = flow_with(&pair, "approve after 1 s", [Fault::Patch(patch)]);
        let tokens = flow.poll(None).unwrap().unwrap();
        assert_eq!(tokens.scope(), Some("openid"), "{name}: what was asked for");
        pair.assert_polls_then_silence(&flow, &["5200 200 tokens"]);
    }
}

#[test]
fn tokens_may_be_as_large_as_the_answer_that_brings_them_r61() {
    const LARGE: usize = 240 * 1024; // the whole answer may have 1 MiB
    let pair = Pair::generic();
    let (access, refresh) = ("a".repeat(LARGE), "r".repeat(LARGE));
    let patch = json!({"access_token": access, "refresh_token": refresh});
    pair.provider.next_id_token(|draft| {
        draft.claims["large"] = "c".repeat(LARGE).into();
        draft.claims.as_object_mut().unwrap().remove("at_hash");
    });
    let flow = flow_with(&pair, "approve after 1 s", [Fault::Patch(patch)]);
    let tokens = flow.poll(None).unwrap().unwrap();
    assert!(tokens.access_token() == access && tokens.refresh_token() == Some(&refresh));
    assert_eq!(tokens.claim_text("large").map(|text| text.len()), Some(LARGE));
    assert!(tokens.id_token().is_some_and(|token| token.len() > LARGE));
    pair.assert_polls_then_silence(&flow, &["5200 200 tokens"]);
}
