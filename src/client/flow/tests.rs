//! What may happen between the handle and the start.

use std::time::Duration;

use super::*;
use crate::client::{Client, Config};
use crate::engine::SystemClock;

/// A client whose provider has no address.
fn client() -> Arc<ClientCore> {
    let mut config = Config::new();
    let settings =
        [("issuer", "https://id.example"), ("client_id", "c"), ("client_secret", "s"), ("proxy", "none")];
    for (name, value) in settings {
        config.set(name, value).unwrap();
    }
    let lookup = Arc::new(|_: &str| Err(std::io::ErrorKind::NotFound.into()));
    config.set_engine(Engine::start(Arc::new(SystemClock), lookup).unwrap());
    Client::new(&config).unwrap().0
}

#[test]
fn a_flow_that_is_given_up_as_soon_as_it_is_handed_out_is_never_started() {
    let mut request = AuthenticationRequest::new();
    request.set("login_hint", "alice").unwrap();
    let cancel = |flow: &Arc<FlowShared>| assert!(flow.cancel(Some(Duration::ZERO)).unwrap());
    type GiveUp<'a> = &'a dyn Fn(&Arc<FlowShared>);
    let ways: [(GiveUp<'_>, bool); 3] = [(&cancel, false), (&|flow| flow.release(), false), (&|_| (), true)];
    for (give_up, starts) in ways {
        let flow = FlowShared::begin(&client(), &request, |flow| give_up(flow)).unwrap();
        let inner = flow.lock();
        assert_eq!(inner.in_flight.is_some() || inner.exchanges > 0, starts, "a start is under way, or was");
    }
}
