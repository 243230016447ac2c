//! Saved flows.

use std::sync::LazyLock;

use super::{NOW_MS, assert_discreet};
use crate::{Client, Config};

/// Some time after this machine was started, in ms.
const NOW: u64 = 86_400_000;
/// 31 days, which no flow lives longer than.
const LONGEST_MS: u64 = 31 * 24 * 3_600_000;

fn client(name: &str, value: &str) -> Client {
    let mut config = Config::new();
    for (name, value) in [
        ("issuer", "https://id.example/op"),
        ("client_id", "desk-7"),
        ("client_secret", "secret"),
        (name, value),
    ] {
        config.set(name, value).unwrap();
    }
    Client::new(&config).unwrap()
}

static UNSEALED: LazyLock<Client> = LazyLock::new(|| client("saved_flow_unsealed", "true"));
static SEALED: LazyLock<Client> =
    LazyLock::new(|| client("saved_flow_keys", "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="));

/// Bytes that nobody sealed with the client's key open nothing. What stands in those that may be unsealed
/// never makes a flow that asks at once after a checkpoint, or that never ends.
pub fn saved_flow(data: &[u8]) -> bool {
    match SEALED.0.opened(data, NOW, NOW_MS) {
        Ok(_) => panic!("opened without the key"),
        Err(error) => assert!(!assert_discreet(&error)),
    }
    let (asked, mut flow) = match UNSEALED.0.opened(data, NOW, NOW_MS) {
        Ok(opened) => opened,
        Err(error) => return assert_discreet(&error),
    };
    let _ = (asked.claims().count(), asked.secrets().count(), asked.correlation().len());
    if let Some(outcome) = flow.outcome() {
        return assert_discreet(&outcome.error().unwrap());
    }
    assert!(flow.is_pending() && flow.unverified().is_none(), "no bytes bring tokens");
    assert!(flow.auth_req_id().is_some());
    let deadline = flow.deadline().unwrap_or_default();
    assert!(deadline <= NOW + LONGEST_MS && flow.interval() <= LONGEST_MS);
    assert!(flow.next_at() >= NOW && flow.next_at() <= NOW + LONGEST_MS);
    let json = String::from_utf8_lossy(data.get(6..).unwrap_or_default()).replace(' ', "");
    if json.contains("\"checkpoint\":true") && flow.interval() < LONGEST_MS {
        assert!(flow.next_at() >= NOW + flow.interval() + 200, "a whole interval after a checkpoint");
    }
    let _ = flow.due(deadline, false);
    assert!(flow.has_ended(), "no flow outlives its deadline");
    assert_discreet(&flow.outcome().and_then(|outcome| outcome.error()).unwrap());
    true
}
