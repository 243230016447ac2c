//! What each answer means, and what is shown of it.

use super::*;

const CODE: &str = "hunter2-hunter2";
const PHONE: &str = "+4799988777";
const LIMIT: usize = 16 * 1024;

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        content_type: Some("application/json".into()),
        retry_after: Some("7".into()),
        cache_control: None,
        challenge: None,
        dpop_nonce: None,
        body: body.as_bytes().to_vec().into(),
    }
}

fn failure(status: Status, maybe_sent: bool, status_seen: Option<u16>) -> Failure {
    Failure { status, message: "it broke".into(), maybe_sent, status_seen }
}

fn read_with<T>(rules: &Rules, read: impl FnOnce(&Reader<'_>) -> T) -> T {
    let secrets = || vec![CODE.into(), PHONE.into(), "access_denied".into(), "".into()];
    read(&Reader { rules, secrets: &secrets, policy: ResponsePolicy::default(), unix_ms: 0 })
}

fn read<T>(read: impl FnOnce(&Reader<'_>) -> T) -> T {
    read_with(&Rules::default(), read)
}

fn acknowledgement(status: u16, body: &str) -> Result<Acknowledgement> {
    read(|reader| reader.acknowledgement(Ok(answer(status, body))))
}

/// An outcome by its name, and its error's status.
fn told(answer: &PollAnswer) -> (&'static str, Option<Status>) {
    match answer {
        PollAnswer::Tokens(_) => ("tokens", None),
        PollAnswer::Pending { .. } => ("pending", None),
        PollAnswer::SlowDown { .. } => ("slow down", None),
        PollAnswer::Trouble { error, .. } => ("trouble", Some(error.status())),
        PollAnswer::Lost(error) => ("lost", Some(error.status())),
        PollAnswer::LostTokens(error) => ("lost tokens", Some(error.status())),
        PollAnswer::Gone(error) => ("gone", Some(error.status())),
        PollAnswer::Expired(error) => ("expired", Some(error.status())),
        PollAnswer::Denied(error) => ("denied", Some(error.status())),
        PollAnswer::Failed(error) => ("failed", Some(error.status())),
    }
}

fn polled(status: u16, body: &str) -> (&'static str, Option<Status>) {
    told(&read(|reader| reader.poll(Ok(answer(status, body)))))
}

/// The error of a poll that is answered so.
fn error(answer: Answer) -> Error {
    match read(|reader| reader.poll(Ok(answer))) {
        PollAnswer::Trouble { error, .. }
        | PollAnswer::Lost(error)
        | PollAnswer::Gone(error)
        | PollAnswer::Denied(error)
        | PollAnswer::Failed(error) => error,
        other => panic!("{}", other.event()),
    }
}

const TOKENS: &str = r#"{"access_token":"a","token_type":"Bearer","id_token":"i"}"#;

#[test]
fn an_acknowledgement_is_bounded_in_each_member_r31_r32_r33() {
    let id = |length: usize| {
        let body = format!(r#"{{"auth_req_id":"{}","expires_in":120}}"#, "x".repeat(length));
        acknowledgement(200, &body).map(|ack| ack.auth_req_id.expose_secret().len()).ok()
    };
    assert_eq!([0, 1, LIMIT, LIMIT + 1].map(id), [None, Some(1), Some(LIMIT), None]);

    let times = |members: &str| {
        let ack = acknowledgement(200, &format!(r#"{{"auth_req_id":"x",{members}}}"#)).ok().unwrap();
        (ack.expires_in.as_secs(), ack.interval.as_secs())
    };
    assert_eq!(times(r#""expires_in":120,"interval":2"#), (120, 2));
    assert_eq!(times(r#""expires_in":120"#), (120, 5), "the interval where none is told");
    assert_eq!(times(r#""expires_in":99999999999,"interval":99999999999"#), (31 * 86_400, 86_400));
}

#[test]
fn a_start_that_is_answered_with_a_code_of_polls_is_refused_without_a_word_of_them_r30() {
    let status = |code: &str| {
        let body = format!(r#"{{"error":"{code}"}}"#);
        let step = read(|reader| reader.step(Ok(answer(400, &body)), ["state"])).err().unwrap();
        let start = acknowledgement(400, &body).err().unwrap();
        assert_eq!(start.retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(start.status(), step.status());
        start.status()
    };
    assert_eq!(status("unknown_user_id"), Status::UNKNOWN_USER_ID);
    assert_eq!(status("authorization_pending"), Status::PROVIDER_ERROR);
    assert_eq!(status("slow_down"), Status::PROVIDER_ERROR);
}

#[test]
fn a_start_whose_answer_says_nothing_may_have_been_taken_r30_r48() {
    let status = |http_status: u16, body: &str| acknowledgement(http_status, body).err().unwrap().status();
    assert_eq!(status(502, "{}"), Status::START_UNKNOWN);
    assert_eq!(status(201, "no JSON"), Status::START_UNKNOWN);
    assert_eq!(status(201, "{}"), Status::START_UNKNOWN);
    assert_eq!(status(302, "{}"), Status::REDIRECTED);
    assert_eq!(status(404, "no JSON"), Status::HTTP_STATUS);
    let lost = |maybe_sent| {
        let result = Err(failure(Status::CONNECTION_LOST, maybe_sent, None));
        read(|reader| reader.acknowledgement(result)).err().unwrap().status()
    };
    assert_eq!((lost(true), lost(false)), (Status::START_UNKNOWN, Status::CONNECTION_LOST));
}

#[test]
fn a_step_brings_each_of_its_texts_with_its_status_alone() {
    let step = |status: u16, body: &str| {
        let texts = read(|reader| reader.step(Ok(answer(status, body)), ["a", "b"]));
        texts.map_err(|error| (error.status(), error.message().to_owned()))
    };
    let good = r#"{"b":"2","a":"1"}"#;
    assert_eq!(step(200, good), Ok(["1".to_owned(), "2".to_owned()]));
    assert_eq!(step(201, good).unwrap_err().0, Status::MALFORMED_ANSWER);
    assert_eq!(step(500, good).unwrap_err().0, Status::HTTP_STATUS);
    for without in [r#"{"a":"1"}"#, r#"{"a":"1","b":""}"#, r#"{"a":"1","b":2}"#] {
        let (status, message) = step(200, without).unwrap_err();
        assert_eq!((status, message.as_str()), (Status::MALFORMED_ANSWER, "the provider's answer lacks b"));
    }
}

#[test]
fn tokens_are_what_a_200_brings_unless_it_is_a_web_page_r50_r60_r62() {
    let html = |body: &str| {
        let answer = Answer { content_type: Some("text/html".into()), ..answer(200, body) };
        told(&read(|reader| reader.poll(Ok(answer))))
    };
    assert_eq!(polled(200, TOKENS), ("tokens", None));
    assert_eq!(html(TOKENS), ("tokens", None), "whatever it calls itself");
    assert_eq!(html("log in first"), ("lost", Some(Status::MALFORMED_ANSWER)));
    assert_eq!(polled(200, "log in first"), ("failed", Some(Status::INVALID_TOKEN_RESPONSE)));
    assert_eq!(polled(201, TOKENS), ("lost", Some(Status::MALFORMED_ANSWER)));
}

#[test]
fn an_answer_without_a_code_ends_the_flow_if_it_is_json_that_refuses_r47_r48() {
    for (status, body, kind) in [
        (400, "{}", "failed"),
        (404, "{}", "failed"),
        (499, "{}", "failed"),
        (399, "{}", "trouble"),
        (300, "{}", "trouble"),
        (299, "{}", "lost"),
        (500, "{}", "trouble"),
        (408, "{}", "trouble"),
        (429, "{}", "trouble"),
        (400, "no JSON", "trouble"),
    ] {
        assert_eq!(polled(status, body).0, kind, "{status} {body}");
    }
}

#[test]
fn a_code_that_nobody_knows_ends_the_flow_unless_the_status_says_trouble_r47_r48() {
    for (status, kind) in [
        (400, "failed"),
        (499, "failed"),
        (500, "trouble"),
        (503, "trouble"),
        (408, "trouble"),
        (429, "trouble"),
    ] {
        let told = polled(status, r#"{"error":"surprise"}"#);
        assert_eq!(told, (kind, Some(Status::PROVIDER_ERROR)), "{status}");
    }
}

#[test]
fn each_meaning_of_a_code_has_its_own_answer_r46_r47() {
    for (code, kind, status) in [
        ("authorization_pending", "pending", None),
        ("slow_down", "slow down", None),
        ("access_denied", "denied", Some(Status::DENIED)),
        ("expired_token", "expired", Some(Status::EXPIRED)),
        ("invalid_grant", "gone", Some(Status::INVALID_GRANT)),
        ("invalid_client", "failed", Some(Status::INVALID_CLIENT)),
        ("server_error", "trouble", Some(Status::HTTP_STATUS)),
    ] {
        assert_eq!(polled(400, &format!(r#"{{"error":"{code}"}}"#)), (kind, status), "{code}");
    }
}

#[test]
fn slow_down_takes_the_longer_of_two_times_and_never_more_than_a_day_r44_r46() {
    let at_least = |interval: &str| {
        let body = format!(r#"{{"error":"slow_down","interval":{interval}}}"#);
        match read(|reader| reader.poll(Ok(answer(400, &body)))) {
            PollAnswer::SlowDown { at_least } => at_least.as_secs(),
            other => panic!("{}", other.event()),
        }
    };
    assert_eq!(["null", "3", "20", "99999999999"].map(at_least), [7, 7, 20, 86_400]);
}

#[test]
fn an_answer_that_was_lost_is_judged_by_how_far_it_came_r48_r50() {
    let lost = |status, maybe_sent, seen| told(&lost(failure(status, maybe_sent, seen)));
    let connection = Some(Status::CONNECTION_LOST);
    assert_eq!(lost(Status::CONNECTION_LOST, false, None), ("trouble", connection));
    assert_eq!(lost(Status::CONNECTION_LOST, true, None), ("lost", connection));
    assert_eq!(lost(Status::CONNECTION_LOST, true, Some(200)), ("lost tokens", connection));
    assert_eq!(lost(Status::CONNECTION_LOST, true, Some(204)), ("lost", connection));
    assert_eq!(lost(Status::CONNECTION_LOST, true, Some(502)), ("trouble", connection));
    let large = Status::ANSWER_TOO_LARGE;
    assert_eq!(lost(large, true, Some(200)), ("failed", Some(large)));
    assert_eq!(lost(large, true, Some(502)), ("trouble", Some(large)));
}

#[test]
fn what_is_pushed_is_tokens_or_an_error_that_ends_the_flow_r78_r79() {
    let pushed = |body: &str| told(&read(|reader| reader.pushed(body.as_bytes())));
    assert_eq!(pushed(TOKENS), ("tokens", None));
    assert_eq!(pushed("{}"), ("failed", Some(Status::INVALID_TOKEN_RESPONSE)));
    for (code, kind, status) in [
        ("access_denied", "denied", Status::DENIED),
        ("expired_token", "expired", Status::EXPIRED),
        ("transaction_failed", "failed", Status::TRANSACTION_FAILED),
        ("server_error", "failed", Status::HTTP_STATUS),
        ("surprise", "failed", Status::PROVIDER_ERROR),
        ("authorization_pending", "failed", Status::PROVIDER_ERROR),
    ] {
        let body = format!(r#"{{"error":"{code}","error_description":"why"}}"#);
        assert_eq!(pushed(&body), (kind, Some(status)), "{code}");
        let (PollAnswer::Denied(error) | PollAnswer::Expired(error) | PollAnswer::Failed(error)) =
            read(|reader| reader.pushed(body.as_bytes()))
        else {
            panic!("{code}");
        };
        assert!(error.message().ends_with(&format!("({code}, pushed)")), "{error}");
        assert_eq!((error.oauth_error(), error.oauth_error_description()), (Some(code), Some("why")));
    }
}

#[test]
fn the_code_is_error_then_the_providers_names_for_it_then_a_problem() {
    let found = |content_type: &str, body: &str| {
        let answer = Answer { content_type: Some(content_type.into()), ..answer(400, body) };
        code(&answer, &Members::parse(&answer.body).unwrap())
    };
    let problem = r#"{"type":"about:blank","title":"Forbidden"}"#;
    for (content_type, body, code) in [
        ("application/json", r#"{"errorCode":"c","error_code":"b","error":"a"}"#, Some("a")),
        ("application/json", r#"{"errorCode":"c","error_code":"b","error":7}"#, Some("b")),
        ("application/json", r#"{"errorCode":"c"}"#, Some("c")),
        ("application/json", problem, None),
        ("application/problem+json; charset=utf-8", problem, Some("Forbidden")),
        ("application/problem+json", r#"{"type":"urn:x","title":"y"}"#, Some("urn:x")),
        ("application/problem+json", r#"{"type":"urn:x","error":"a"}"#, Some("a")),
    ] {
        assert_eq!(found(content_type, body).as_deref(), code, "{content_type} {body}");
    }
}

#[test]
fn a_code_is_told_with_the_text_of_its_table_and_what_the_provider_says() {
    const CODES: &[CodeRule] = &[
        CodeRule {
            code: "app.error_*",
            description: "",
            meaning: Meaning::Failed,
            status: Status::AUTHENTICATION_DEVICE_ERROR,
            text: "the app reported an error",
        },
        CodeRule {
            code: "rejected",
            description: "",
            meaning: Meaning::Denied,
            status: Status::DENIED,
            text: "",
        },
    ];
    let rules = Rules { poll_codes: CODES, ..Rules::default() };
    let message = |code: &str| {
        let body = format!(r#"{{"error":"{code}"}}"#);
        match read_with(&rules, |reader| reader.poll(Ok(answer(400, &body)))) {
            PollAnswer::Failed(error) | PollAnswer::Denied(error) => error.message().to_owned(),
            other => panic!("{}", other.event()),
        }
    };
    assert_eq!(message("app.error_7"), "the app reported an error (app.error_7, HTTP 400)");
    assert_eq!(message("rejected"), format!("{} (rejected, HTTP 400)", Status::DENIED.text()));
    assert_eq!(message("surprise"), format!("{} (surprise, HTTP 400)", Status::PROVIDER_ERROR.text()));

    for (members, description) in [
        (r#""error_description":"a","errorSummary":"b","detail":"c""#, Some("a")),
        (r#""errorSummary":"b","detail":"c""#, Some("b")),
        (r#""detail":"c""#, Some("c")),
        (r#""message":"d""#, None),
    ] {
        let error = error(answer(400, &format!(r#"{{"error":"access_denied",{members}}}"#)));
        assert_eq!(error.oauth_error_description(), description, "{members}");
        let is_told = error.message().ends_with(", HTTP 400; oauth_error_description says more)");
        assert_eq!(is_told, description.is_some(), "{error}");
    }
}

#[test]
fn an_answer_without_a_code_says_what_came_instead() {
    let message = |status: u16, content_type: Option<&str>, body: &str| {
        let content_type = content_type.map(str::to_owned);
        error(Answer { content_type, ..answer(status, body) }).message().to_owned()
    };
    for (status, text) in [
        (199, Status::HTTP_STATUS.text()),
        (201, Status::MALFORMED_ANSWER.text()),
        (302, "redirects are never followed"),
        (500, Status::HTTP_STATUS.text()),
    ] {
        let json = message(status, None, "{}");
        assert_eq!(json, format!("{text} (HTTP {status}, JSON without an error code)"));
        let page = message(status, Some("text/html"), "hello");
        assert_eq!(page, format!("{text} (HTTP {status}, a web page or plain text)"));
        let other = message(status, None, "hello");
        assert_eq!(other, format!("{text} (HTTP {status}, no JSON object)"));
    }
    let waits = error(answer(503, "{}"));
    assert_eq!((waits.http_status(), waits.retry_after()), (Some(503), Some(Duration::from_secs(7))));
}

#[test]
fn no_secret_and_no_jwt_is_shown_of_what_a_provider_says() {
    let shown = |text: &str| read(|reader| reader.shown(text, 60));
    for (text, expected) in [
        ("no such person", "no such person"),
        ("a\n\"b\\\u{7f}c æ", "abc æ"),
        ("approved\u{202e} ton saw\u{200b}\u{e0061}", "approved ton saw"), // else it is read "was not"
        ("hunter2-\u{200b}hunter2", "[redacted]"),
        ("login_hint=%2B4799988777&scope=openid", "login_hint=[redacted]&scope=openid"),
        (CODE, "[redacted]"),
        ("of hunter2-\"hunter2, twice hunter2-hunter2.", "of [redacted], twice [redacted]."),
        ("an eyJhbGciOi.J9-_ab.c, and eyJ.", "an [redacted], and [redacted]"),
        ("eyJhbGci eyJ+eyJ", "[redacted] [redacted]+[redacted]"),
        ("not-eyJ heyJ", "not-eyJ heyJ"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
    assert_eq!(shown(&"æ".repeat(61)), "æ".repeat(60));

    // The code of a table is no secret, also where the request holds the same text.
    let code = |code: &str| error(answer(400, &format!(r#"{{"error":"{code}"}}"#)));
    assert_eq!(code("access_denied").oauth_error(), Some("access_denied"));
    assert_eq!(code(CODE).oauth_error(), Some("[redacted]"));
    assert_eq!(code(&"x".repeat(201)).oauth_error(), Some("x".repeat(200).as_str()));
    let said = error(answer(400, &format!(r#"{{"error":"x","detail":"{PHONE} {}"}}"#, "y".repeat(1000))));
    let expected = format!("[redacted] {}", "y".repeat(1000 - "[redacted] ".len()));
    assert_eq!(said.oauth_error_description(), Some(expected.as_str()));
}

#[test]
fn each_answer_has_its_event_in_the_log() {
    let error = || Error::new(Status::FAILED, "as it was told");
    let told = error().to_string();
    assert!(told.contains("as it was told"));
    let retry_after = None;
    let response = TokenResponse::parse(TOKENS.as_bytes(), &ResponsePolicy::default(), 0).unwrap();
    for (answer, event, level, text) in [
        (PollAnswer::Tokens(response), "poll.tokens", Level::Debug, ""),
        (PollAnswer::Pending { retry_after }, "poll.pending", Level::Debug, ""),
        (PollAnswer::SlowDown { at_least: Duration::ZERO }, "poll.slow_down", Level::Warning, ""),
        (PollAnswer::Trouble { error: error(), retry_after }, "poll.trouble", Level::Warning, &told),
        (PollAnswer::Lost(error()), "poll.lost", Level::Warning, &told),
        (PollAnswer::LostTokens(error()), "poll.lost", Level::Warning, &told),
        (PollAnswer::Gone(error()), "poll.ended", Level::Debug, &told),
        (PollAnswer::Expired(error()), "poll.ended", Level::Debug, &told),
        (PollAnswer::Denied(error()), "poll.ended", Level::Debug, &told),
        (PollAnswer::Failed(error()), "poll.ended", Level::Debug, &told),
    ] {
        assert_eq!((answer.event(), answer.level(), answer.text().as_str()), (event, level, text));
    }
}
