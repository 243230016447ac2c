//! Ping and push (CIBA Core §10.2, §10.3, §12): a provider that really sends, an HTTP endpoint that really
//! receives, and the journal as the oracle. What a notification looks like is in `delivery`, pings are in
//! `ping`, pushed tokens and errors in `push`, pushed tokens that are bound to a key in `push_dpop`, flows that
//! another process has in `elsewhere`.

#[path = "../common/mod.rs"]
mod common;
mod delivery;
mod elsewhere;
mod endpoint;
mod ping;
mod push;
mod push_dpop;

use ciba::{Client, Flow};
use ciba_sim::{Notices, personality};
use common::{Pair, eventually};
use endpoint::Endpoint;

const KEYS: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A provider and a client of it that is registered for pings or pushes, with metadata and keys fetched.
struct Registered {
    pair: Pair,
    client: Client,
    endpoint: Endpoint,
}

impl Registered {
    fn new(mode: &str) -> Registered {
        Registered::with(mode, &[])
    }

    fn with(mode: &str, settings: &[(&str, &str)]) -> Registered {
        Registered::changed(mode, settings, |_| ())
    }

    /// `change`: what is to be different about the provider.
    fn changed(
        mode: &str,
        settings: &[(&str, &str)],
        change: impl FnOnce(&mut ciba_sim::Config),
    ) -> Registered {
        let endpoint = Endpoint::start();
        let pair = Pair::with(personality::generic(), |config| {
            let mut client = ciba_sim::Client::new("desk-7", "secret");
            client.backchannel_token_delivery_mode = Some(mode.into());
            client.backchannel_client_notification_endpoint = Some(endpoint.url.clone());
            config.clients = vec![client];
            change(config);
        });
        let client = pair.client_with(&[&of_mode(mode, &endpoint)[..], settings].concat());
        endpoint.deliver_to(&client);
        client.check(None).unwrap();
        pair.provider.clear_journal();
        Registered { pair, client, endpoint }
    }

    /// A flow of which the person is told this.
    fn flow_that(&self, phrase: &str) -> Flow {
        self.flow_with(&[("binding_message", phrase)])
    }

    fn flow_with(&self, parameters: &[(&str, &str)]) -> Flow {
        self.client.init(&self.pair.request_with(parameters), None).unwrap()
    }

    /// Notices are sent by hand alone.
    fn by_hand(self) -> Registered {
        self.pair.provider.set_notices(Notices { times: 0, early: false });
        self
    }

    /// The requests and notices so far, but for the start of a flow.
    fn lines(&self) -> Vec<String> {
        let lines = self.pair.provider.lines();
        lines.into_iter().filter(|line| line != STARTED).collect()
    }

    /// Asserts these requests and notices after the start of a flow at 0 ms, and then silence.
    #[track_caller]
    fn assert_then_silence(&self, flow: &Flow, expected: &[&str]) {
        let open = |line: &String| line.ends_with("(open)");
        eventually("every answer", || !self.pair.provider.lines().iter().any(open));
        self.pair.assert_requests_then_silence(flow, &[&[STARTED], expected].concat());
    }
}

const STARTED: &str = "0 POST /bc-authorize -> 200 ack";

/// The settings of a client that is registered for this.
fn of_mode<'a>(mode: &'a str, endpoint: &'a Endpoint) -> [(&'static str, &'a str); 5] {
    [
        ("client_id", "desk-7"),
        ("client_secret", "secret"),
        ("allow_http_loopback", "true"),
        ("backchannel_token_delivery_mode", mode),
        ("backchannel_client_notification_endpoint", &endpoint.url),
    ]
}
