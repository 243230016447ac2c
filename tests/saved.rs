//! Flows that outlive their process: what is saved, who may go on with it, and what is never said of it.

mod common;

use std::time::Duration;

use ciba::{Client, Flow, FlowSet, ProgressStage, SavedFlow, Status};
use ciba_sim::{Fault, Kind};
use common::{INTERVAL, Pair, UUID};

const NOW: Option<Duration> = Some(Duration::ZERO);
const KEYS: &str = "2026:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER_KEYS: &str = "2026:HxwdHh8AAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRo=";
const ROW: &str = "row 7";

fn client(pair: &Pair) -> Client {
    pair.client_with(&[("saved_flow_keys", KEYS)])
}

/// A client whose store gives each saved flow to one process at a time.
fn exclusive(pair: &Pair) -> Client {
    pair.client_with(&[("saved_flow_keys", KEYS), ("saved_flow_exclusive", "true")])
}

fn flow(pair: &Pair, phrase: &str) -> Flow {
    let name = if pair.provider.issuer().ends_with("/op") {
        "login_hint_token.referenceTextBody"
    } else {
        "binding_message"
    };
    client(pair).init(&pair.request_with(&[(name, phrase)]), None).unwrap()
}

/// The token requests, each as its time and its answer.
fn polls(pair: &Pair) -> Vec<String> {
    let polls = pair.provider.journal().into_iter().filter(|entry| entry.kind == Kind::Poll);
    polls.map(|entry| format!("{} {}", entry.at_ms, entry.answer)).collect()
}

fn hand_over(flow: &Flow) -> SavedFlow {
    flow.hand_over(ROW, None).unwrap().unwrap()
}

fn refused(pair: &Pair, keys: &str, bytes: &[u8], context: &str) -> Status {
    let client = pair.client_with(&[("saved_flow_keys", keys)]);
    client.resume(bytes, context).unwrap_err().status()
}

#[test]
fn a_flow_that_is_handed_over_ends_here_and_goes_on_there_when_it_would_have_been_polled() {
    let pair = Pair::signaturgruppen();
    let first = flow(&pair, "approve after 8 s");
    assert!(first.poll(Some(Duration::from_secs(6))).unwrap().is_none());
    let (expires_at, next_poll_at) = (first.expires_at(), first.next_poll_at());
    let saved = hand_over(&first);
    assert_eq!(first.outcome(), Status::HANDED_OVER);
    assert_eq!(first.poll(None).unwrap_err().status(), Status::HANDED_OVER);
    pair.time.advance(1_000);

    let second = client(&pair).resume(saved.as_bytes(), ROW).unwrap();
    assert_eq!((second.expires_at(), second.next_poll_at()), (expires_at, next_poll_at));
    assert!(second.acknowledgement().is_some());
    let tokens = second.poll(None).unwrap().unwrap();
    assert_eq!(tokens.claim_text("mitid.uuid").as_deref(), Some(UUID));
    assert_eq!(polls(&pair), ["5200 authorization_pending", "10400 tokens"]);
    pair.time.advance(3 * INTERVAL);
    let _ = first.poll(NOW);
    pair.settle();
    assert_eq!(polls(&pair).len(), 2, "silence on both sides");
}

#[test]
fn who_waits_for_a_flow_or_watches_it_is_told_at_once_that_it_was_handed_over() {
    let pair = Pair::generic();
    let first = flow(&pair, "wait");
    let set = FlowSet::new(&client(&pair)).unwrap();
    set.add(&first, "it").unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let watch = first.watch(move |progress| tell.send(progress.stage).unwrap()).unwrap();
    assert_eq!(set.wait(NOW).unwrap(), None);
    let saved = hand_over(&first);
    assert_eq!(set.wait(NOW).unwrap(), Some("it"));
    assert_eq!(told.try_iter().last(), Some(ProgressStage::Ended));
    drop((watch, saved));
}

#[test]
fn what_was_asked_for_is_still_expected_after_a_resume() {
    let pair = Pair::signaturgruppen();
    let saved = hand_over(&flow(&pair, "approve after 1 s"));
    pair.provider.next_id_token(|token| token.claims["mitid.uuid"] = "another person".into());
    let resumed = client(&pair).resume(saved.as_bytes(), ROW).unwrap();
    assert_eq!(resumed.poll(None).unwrap_err().status(), Status::TOKEN_UNEXPECTED_CLAIM);
}

#[test]
fn a_checkpoint_goes_on_here_and_whoever_resumes_it_waits_a_whole_interval_r41() {
    let pair = Pair::generic();
    let first = flow(&pair, "approve after 20 s");
    assert!(first.poll(Some(Duration::from_millis(6_000))).unwrap().is_none());
    let saved = first.checkpoint(ROW).unwrap();
    assert!(first.poll(Some(Duration::from_millis(5_000))).unwrap().is_none());
    drop(first); // killed
    let resumed_at = pair.time.now_ms();
    let resumed = client(&pair).resume(saved.as_bytes(), ROW).unwrap();
    assert!(resumed.poll(None).unwrap().is_some());
    let expected = [
        "5200 authorization_pending",
        "10400 authorization_pending",
        "16200 authorization_pending",
        "21400 tokens",
    ];
    assert_eq!((resumed_at, polls(&pair)), (11_000, expected.map(str::to_owned).to_vec()));
}

#[test]
fn no_longer_known_is_unknown_where_another_process_may_have_the_tokens() {
    // The answer that a lone flow would call a failure or, at TelenorID+, perhaps a denial.
    for (pair, alone) in
        [(Pair::generic(), Status::INVALID_GRANT), (Pair::telenor(), Status::DENIED_OR_FAILED)]
    {
        let good = flow(&pair, "x");
        pair.provider.forget(&pair.provider.newest().unwrap());
        assert_eq!(Pair::outcome(&good), alone);

        // Delivered twice, as queues do: one gets the tokens, the other must not say that they were denied.
        let saved = hand_over(&flow(&pair, "approve after 1 s"));
        let twice = [0, 1].map(|_| client(&pair).resume(saved.as_bytes(), ROW).unwrap());
        let outcomes = twice.map(|flow| Pair::outcome(&flow));
        assert_eq!(outcomes, [Status::OK, Status::UNKNOWN]);

        // Checkpointed, approved here, killed before that was written down.
        let first = flow(&pair, "approve after 1 s");
        let saved = first.checkpoint(ROW).unwrap();
        assert_eq!(Pair::outcome(&first), Status::OK);
        let resumed = client(&pair).resume(saved.as_bytes(), ROW).unwrap();
        assert_eq!(Pair::outcome(&resumed), Status::UNKNOWN);
    }
}

#[test]
fn a_denial_that_is_seen_is_a_denial_also_after_a_resume() {
    let pair = Pair::generic();
    let saved = flow(&pair, "deny after 1 s").checkpoint(ROW).unwrap();
    let resumed = client(&pair).resume(saved.as_bytes(), ROW).unwrap();
    assert_eq!(Pair::outcome(&resumed), Status::DENIED);
}

#[test]
fn expired_meanwhile_is_unknown_unless_nobody_else_can_have_asked() {
    let pair = Pair::generic();
    let cases = [
        (true, false, Status::UNKNOWN),
        (true, true, Status::UNKNOWN),   // by who was killed, perhaps
        (false, false, Status::UNKNOWN), // delivered twice, perhaps
        (false, true, Status::EXPIRED),
    ];
    for (checkpoint, one_at_a_time, outcome) in cases {
        let first = flow(&pair, "x");
        let saved = if checkpoint { first.checkpoint(ROW).unwrap() } else { hand_over(&first) };
        drop(first);
        pair.time.advance(300_001);
        let before = polls(&pair).len();
        let client = if one_at_a_time { exclusive(&pair) } else { client(&pair) };
        let resumed = client.resume(saved.as_bytes(), ROW).unwrap();
        assert_eq!(
            (resumed.outcome(), polls(&pair).len()),
            (outcome, before),
            "nothing is asked after expiry (R-49)"
        );
    }
    // Pending once after the resume: nobody else had the tokens by then.
    let saved = flow(&pair, "never").checkpoint(ROW).unwrap();
    let resumed = client(&pair).resume(saved.as_bytes(), ROW).unwrap();
    assert_eq!(Pair::outcome(&resumed), Status::EXPIRED);
}

#[test]
fn no_longer_known_is_what_it_is_where_one_process_at_a_time_has_the_flow() {
    for (pair, alone) in
        [(Pair::generic(), Status::INVALID_GRANT), (Pair::telenor(), Status::DENIED_OR_FAILED)]
    {
        let begin = || exclusive(&pair).init(&pair.request(), None).unwrap();
        let forget = || pair.provider.forget(&pair.provider.newest().unwrap());
        // Here, after a checkpoint that nobody resumed.
        let first = begin();
        first.checkpoint(ROW).unwrap();
        forget();
        assert_eq!(Pair::outcome(&first), alone);
        // There, after a hand-over.
        let saved = hand_over(&begin());
        forget();
        assert_eq!(Pair::outcome(&exclusive(&pair).resume(saved.as_bytes(), ROW).unwrap()), alone);
        // There, after a checkpoint, once the provider has said that nobody had the tokens yet.
        let saved = begin().checkpoint(ROW).unwrap();
        let resumed = exclusive(&pair).resume(saved.as_bytes(), ROW).unwrap();
        assert!(resumed.poll(Some(Duration::from_millis(INTERVAL + 1_000))).unwrap().is_none());
        forget();
        assert_eq!(Pair::outcome(&resumed), alone);
        // Before that it is not known: who was killed may have had them.
        let saved = begin().checkpoint(ROW).unwrap();
        forget();
        let resumed = exclusive(&pair).resume(saved.as_bytes(), ROW).unwrap();
        assert_eq!(Pair::outcome(&resumed), Status::UNKNOWN);
    }
}

#[test]
fn a_flow_saved_before_its_acknowledgement_is_not_started_again() {
    let pair = Pair::generic();
    pair.provider.next(Kind::Start, Fault::Silent);
    let stopped = pair.stop_the_clock();
    let starting = client(&pair).begin(&pair.request()).unwrap();
    assert!(starting.hand_over(ROW, NOW).unwrap().is_none(), "its start is under way");
    common::eventually("the start", || pair.provider.request_count(Kind::Start) == 1);
    let saved = starting.checkpoint(ROW).unwrap();
    drop(starting);
    let resumed = client(&pair).resume(saved.as_bytes(), ROW).unwrap();
    assert_eq!(resumed.poll(None).unwrap_err().status(), Status::START_UNKNOWN);
    pair.settle();
    assert_eq!(pair.provider.request_count(Kind::Start), 1);
    drop(stopped);
}

#[test]
fn an_exchange_under_way_is_waited_for_before_a_hand_over() {
    let pair = Pair::generic();
    pair.provider.next(Kind::Poll, Fault::Hold(3_000));
    let first = flow(&pair, "approve after 1 s");
    let stopped = pair.stop_the_clock();
    pair.time.advance(5_200);
    assert!(first.poll(NOW).unwrap().is_none(), "a poll is under way");
    assert!(first.hand_over(ROW, NOW).unwrap().is_none());
    drop(stopped);
    assert_eq!(
        first.hand_over(ROW, None).unwrap_err().status(),
        Status::NOT_SAVEABLE,
        "it brought the tokens"
    );
    assert!(first.poll(None).unwrap().is_some(), "which are not lost");
    assert_eq!(first.checkpoint(ROW).unwrap_err().status(), Status::NOT_SAVEABLE);
}

#[test]
fn each_save_has_a_higher_revision_also_after_a_resume() {
    let pair = Pair::generic();
    let first = flow(&pair, "x");
    assert_eq!(first.revision(), 0);
    assert_eq!(first.checkpoint(ROW).unwrap().revision(), 1);
    let saved = hand_over(&first);
    assert_eq!(saved.revision(), 2);
    let resumed = client(&pair).resume(saved.as_bytes(), ROW).unwrap();
    assert_eq!((resumed.revision(), resumed.checkpoint(ROW).unwrap().revision()), (2, 3));
}

#[test]
fn a_saved_flow_is_opened_by_its_own_client_row_and_key_alone() {
    let pair = Pair::generic();
    let saved = flow(&pair, "x").checkpoint(ROW).unwrap();
    let bytes = saved.as_bytes();
    assert!(client(&pair).resume(bytes, ROW).is_ok(), "the good twin");
    assert_eq!(refused(&pair, KEYS, bytes, "row 8"), Status::SAVED_FLOW_CONTEXT);
    assert_eq!(refused(&pair, OTHER_KEYS, bytes, ROW), Status::SAVED_FLOW_MALFORMED);
    assert_eq!(refused(&pair, &KEYS.replace("2026:", "2027:"), bytes, ROW), Status::SAVED_FLOW_KEY);
    let rotated = format!("{} {KEYS}", OTHER_KEYS.replace("2026:", "2027:"));
    let client_of = |settings: &[(&str, &str)]| pair.client_with(settings);
    let after = client_of(&[("saved_flow_keys", &rotated)]);
    let again = after.resume(bytes, ROW).unwrap().checkpoint(ROW).unwrap();
    assert_eq!(
        refused(&pair, KEYS, again.as_bytes(), ROW),
        Status::SAVED_FLOW_KEY,
        "sealed with the first key"
    );

    let other_client = client_of(&[("saved_flow_keys", KEYS), ("client_id", "another")]);
    assert_eq!(other_client.resume(bytes, ROW).unwrap_err().status(), Status::SAVED_FLOW_CLIENT);
    let elsewhere = Pair::generic();
    assert_eq!(client(&elsewhere).resume(bytes, ROW).unwrap_err().status(), Status::SAVED_FLOW_CLIENT);
}

#[test]
fn a_saved_flow_that_was_cut_or_changed_anywhere_is_refused() {
    let pair = Pair::generic();
    let saved = flow(&pair, "x").checkpoint(ROW).unwrap();
    let bytes = saved.as_bytes();
    let client = client(&pair);
    for length in 0..bytes.len() {
        assert!(client.resume(&bytes[..length], ROW).is_err(), "{length} bytes");
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        let status = client.resume(&changed, ROW).unwrap_err().status();
        let expected = match at {
            4 => Status::SAVED_FLOW_VERSION,
            6..10 => Status::SAVED_FLOW_KEY,
            5 => status,
            _ => Status::SAVED_FLOW_MALFORMED,
        };
        assert_eq!(status, expected, "byte {at}");
    }
    let longer = [bytes, b"x"].concat();
    assert_eq!(client.resume(&longer, ROW).unwrap_err().status(), Status::SAVED_FLOW_MALFORMED);
}

#[test]
fn nothing_is_saved_unsealed_unless_a_setting_says_so_and_then_the_layout_can_be_read() {
    let pair = Pair::generic();
    let error = pair.flow().checkpoint(ROW).unwrap_err();
    assert_eq!(error.status(), Status::MISSING_SETTING);
    assert!(error.message().contains("saved_flow_keys"));

    let open = pair.client_with(&[("saved_flow_unsealed", "true")]);
    let saved = open.init(&pair.request(), None).unwrap().checkpoint(ROW).unwrap();
    let json = saved.as_bytes().strip_prefix(b"CIBA\x01\x00").unwrap();
    let record: serde_json::Value = serde_json::from_slice(json).unwrap();
    assert_eq!(record["auth_req_id"], pair.provider.newest().unwrap().as_str());
    assert_eq!((&record["revision"], &record["context"]), (&1.into(), &ROW.into()));
    assert!(open.resume(saved.as_bytes(), ROW).is_ok());
    // Who asked for seals takes nothing without one.
    assert_eq!(refused(&pair, KEYS, saved.as_bytes(), ROW), Status::SAVED_FLOW_MALFORMED);

    // A later version adds members: they are passed over.
    let mut newer = record.clone();
    newer["of_a_later_version"] = true.into();
    let newer = [b"CIBA\x01\x00", newer.to_string().as_bytes()].concat();
    assert!(open.resume(&newer, ROW).is_ok());
    // However short its interval has become, nobody is asked without a pause.
    let mut hasty = record.clone();
    (hasty["interval_ms"], hasty["expires_at"]) = (0.into(), i64::MAX.into());
    let hasty = open.resume(&[b"CIBA\x01\x00", hasty.to_string().as_bytes()].concat(), ROW).unwrap();
    assert!(hasty.poll(Some(Duration::from_secs(10))).unwrap().is_none());
    assert!((1..10).contains(&polls(&pair).len()), "{:?}", polls(&pair));

    let mut lacking = record;
    lacking.as_object_mut().unwrap().remove("interval_ms");
    let lacking = [b"CIBA\x01\x00", lacking.to_string().as_bytes()].concat();
    assert_eq!(open.resume(&lacking, ROW).unwrap_err().status(), Status::SAVED_FLOW_MALFORMED);
}

#[test]
fn a_sealed_flow_shows_nothing_and_keys_that_are_none_are_refused() {
    let pair = Pair::generic();
    let saved = flow(&pair, "x").checkpoint(ROW).unwrap();
    let id = pair.provider.newest().unwrap();
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    for secret in [id.as_str(), "alice", ROW, pair.provider.client_id()] {
        assert!(!holds(saved.as_bytes(), secret), "{secret}");
    }
    let planted = [saved.as_bytes(), id.as_bytes()].concat();
    assert!(holds(&planted, &id), "the search finds what is there");
    assert_eq!(format!("{saved:?}"), "SavedFlow { revision: 1, .. }");

    for bad in [
        "2026",
        "2026:",
        "2026:AAEC",
        ":AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        &format!("{KEYS} {KEYS}"),
    ] {
        let mut config = pair.config(&[]);
        config.set("saved_flow_keys", bad).unwrap();
        let error = Client::new(&config).unwrap_err();
        assert_eq!(error.status(), Status::INVALID_VALUE, "{bad}");
        assert!(!error.message().contains("AAEC"), "{error}");
    }
    let mut config = pair.config(&[("saved_flow_keys", KEYS), ("saved_flow_unsealed", "true")]);
    assert_eq!(Client::new(&config).unwrap_err().status(), Status::CONFLICTING_SETTINGS);
    config.set("saved_flow_unsealed", "").unwrap();
    assert!(Client::new(&config).is_ok());
}
