//! Flows that another process has: here each process is a client with an engine of its own. Two real
//! processes are in tests/c/notification.c.

use std::sync::Arc;

use ciba::{Client, Config, Engine, Status};
use secrecy::ExposeSecret;

use super::common::{Pair, SimulatedClock, lookup};
use super::{KEYS, Registered, of_mode};

const SETTINGS: [(&str, &str); 2] = [("saved_flow_keys", KEYS), ("saved_flow_exclusive", "true")];

/// A client with the same settings in another process.
fn elsewhere(registered: &Registered, mode: &str) -> Client {
    let settings = [&of_mode(mode, &registered.endpoint)[..], &SETTINGS].concat();
    let mut config: Config = registered.pair.config(&settings);
    config
        .set_engine(Engine::start(Arc::new(SimulatedClock(registered.pair.time.clone())), lookup()).unwrap());
    let client = Client::new(&config).unwrap();
    client.check(None).unwrap();
    registered.pair.provider.clear_journal();
    client
}

#[test]
fn a_process_that_does_not_know_the_flow_says_whose_it_is_and_the_owner_takes_it_r72() {
    for mode in ["ping", "push"] {
        let registered = Registered::with(mode, &SETTINGS).by_hand();
        let other = elsewhere(&registered, mode);
        let flow = registered.flow_that("approve after 0 s");
        let provider = &registered.pair.provider;
        let notice = provider.notice(&provider.newest().unwrap()).unwrap();
        registered.endpoint.deliver_to(&other);
        assert_eq!(provider.send(&notice, 1), [401]);
        let id = flow.auth_req_id().unwrap().expose_secret().to_owned();
        assert_eq!(registered.endpoint.delivered(), [(Status::NOTIFICATION_UNKNOWN_FLOW, Some(id))]);
        assert_eq!(flow.outcome(), Status::PENDING);
        registered.endpoint.deliver_to(&registered.client);
        assert_eq!(provider.send(&notice, 1), [204]);
        assert_eq!(Pair::outcome(&flow), Status::OK);
    }
}

#[test]
fn a_saved_flow_is_resumed_and_takes_its_notification_r72_r76() {
    for mode in ["ping", "push"] {
        for handed_over in [false, true] {
            let registered = Registered::with(mode, &SETTINGS).by_hand();
            let other = elsewhere(&registered, mode);
            let flow = registered.flow_that("approve after 0 s");
            let saved = match handed_over {
                true => flow.hand_over("row 1", None).unwrap().unwrap(),
                false => flow.checkpoint("row 1").unwrap(),
            };
            let provider = &registered.pair.provider;
            let notice = provider.notice(&provider.newest().unwrap()).unwrap();
            if handed_over {
                assert_eq!(provider.send(&notice, 1), [401], "it is not here any more");
                let status = registered.endpoint.delivered()[0].0;
                assert_eq!(status, Status::NOTIFICATION_UNKNOWN_FLOW);
            }
            registered.endpoint.deliver_to(&other);
            let resumed = other.resume(saved.as_bytes(), "row 1").unwrap();
            assert_eq!(provider.send(&notice, 1), [204]);
            assert_eq!(Pair::outcome(&resumed), Status::OK, "{mode}, handed over: {handed_over}");
            assert_eq!(registered.pair.time.now_ms(), 0, "at once");
            let polls = registered.lines().iter().filter(|line| line.contains("/token")).count();
            assert_eq!(polls, usize::from(mode == "ping"));
        }
    }
}

#[test]
fn a_saved_flow_holds_no_notification_token_r06() {
    let settings = [("saved_flow_unsealed", "true")];
    let registered = Registered::with("ping", &settings);
    let flow = registered.flow_that("never");
    let token = registered.pair.provider.journal()[0].param("client_notification_token").unwrap();
    let saved = flow.checkpoint("").unwrap();
    let bytes = String::from_utf8_lossy(saved.as_bytes()).into_owned();
    assert!(bytes.contains(flow.auth_req_id().unwrap().expose_secret()), "what is saved is looked at");
    assert!(bytes.contains("notification_token_hash") && !bytes.contains(&token));
}

#[test]
fn a_pushed_flow_that_was_saved_is_not_polled_either_r53() {
    let registered = Registered::with("push", &SETTINGS);
    let flow = registered.flow_that("never");
    let saved = flow.hand_over("", None).unwrap().unwrap();
    let resumed = registered.client.resume(saved.as_bytes(), "").unwrap();
    assert_eq!(resumed.next_poll_at(), None);
    assert_eq!(Pair::outcome(&resumed), Status::EXPIRED);
    registered.assert_then_silence(&resumed, &[]);
}
