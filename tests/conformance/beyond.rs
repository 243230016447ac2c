//! What the suite's modules for relying parties leave out, in the same variants.

use ciba::Status;
use ciba_sim::{Answer, Fault};
use serde_json::json;

use crate::common::web_page;
use crate::module::Call::SignIn;
use crate::module::{For, HAPPY, Module, Refused, requests};
use crate::provider::Does::{self, Acknowledgement, Person, SecondCall, TokenResponse};
use crate::provider::{NEVER, ONCE, Pings};

pub const MODULES: &[Module<'static>] = &[
    Module {
        name: "libciba-retry-after-test",
        what: "the second poll is answered 503 with `Retry-After: 30`, which a ping within that time cannot shorten",
        provider: &[
            SecondCall(|| Fault::Answer(Answer::new(503, "").header("retry-after", "30"))),
            Person("approve after 35 s"),
        ],
        requests: &[
            "0 discovery 200 discovery",
            "0 start 200 ack",
            "0 jwks 200 jwks",
            "5200 poll 400 authorization_pending",
            "10400 poll 503 (answer)",
            "40400 poll 200 tokens",
            "40400 userinfo 200 userinfo",
        ],
        end: (0, 35_000),
        ..HAPPY
    },
    Module {
        name: "libciba-long-poll-test",
        what: "the second poll is held for 30 s: no other one meanwhile, and the next at once",
        provider: &[SecondCall(|| Fault::ProcessThenHold(30_000)), Person("approve after 42 s")],
        requests: &[
            "0 discovery 200 discovery",
            "0 start 200 ack",
            "0 jwks 200 jwks",
            "5200 poll 400 authorization_pending",
            "10400 poll 400 authorization_pending",
            "40400 poll 400 authorization_pending",
            "end poll 200 tokens",
            "end userinfo 200 userinfo",
        ],
        end: (45_600, 42_000),
        ..HAPPY
    },
    Module {
        name: "libciba-web-page-test",
        what: "the second poll is answered 502 with a web page",
        provider: &[SecondCall(|| web_page(502))],
        requests: &[
            "0 discovery 200 discovery",
            "0 start 200 ack",
            "0 jwks 200 jwks",
            "5200 poll 400 authorization_pending",
            "10400 poll 502 (answer)",
            "end poll 200 tokens",
            "end userinfo 200 userinfo",
        ],
        ..HAPPY
    },
    Module {
        name: "libciba-lost-tokens-test",
        what: "the answer with the tokens is cut in its body: what was decided is not known, and no denial",
        provider: &[Person("approve after 6 s")],
        requests: &[
            "0 discovery 200 discovery",
            "0 start 200 ack",
            "0 jwks 200 jwks",
            "5200 poll 400 authorization_pending",
            "end poll 200 tokens",
            "end userinfo 200 userinfo",
        ],
        end: (10_400, 6_000),
        refused: Some(Refused {
            change: SecondCall(|| Fault::CutInBody { status: None }),
            calls: &[SignIn(Status::UNKNOWN)],
            requests: &[
                "0 discovery 200 discovery",
                "0 start 200 ack",
                "0 jwks 200 jwks",
                "5200 poll 400 authorization_pending",
                "end poll 200 (cut)",
            ],
        }),
        ..HAPPY
    },
    Module {
        name: "libciba-expiry-test",
        what: "the request expires in 20 s, nobody answers, and the provider says nothing, by no ping either",
        provider: &[Acknowledgement(|body| body["expires_in"] = json!(20))],
        refused: Some(Refused {
            change: Person(NEVER),
            calls: &[SignIn(Status::EXPIRED)],
            requests: requests!["15600 poll 400 authorization_pending"],
        }),
        ..HAPPY
    },
    Module {
        name: "libciba-error-beside-tokens-test",
        what: "the token response has an `error` beside the tokens",
        refused: Some(Refused {
            change: TokenResponse(|body| body["error"] = json!("access_denied")),
            calls: &[SignIn(Status::INVALID_TOKEN_RESPONSE)],
            requests: requests!["end poll 200 tokens"],
        }),
        ..HAPPY
    },
    Module {
        name: "libciba-ping-again-test",
        what: "three pings at once, and another one behind the outcome: one call of the token endpoint",
        variants: For::Ping,
        provider: &[Does::Pings(Pings { times: 3, afterwards: true, ..ONCE })],
        ..HAPPY
    },
    Module {
        name: "libciba-ping-for-another-request-test",
        what: "the ping names another request: it is answered 401 and nothing is fetched; the poll as usual",
        variants: For::Ping,
        refused: Some(Refused {
            change: Does::Pings(Pings { auth_req_id: |id| id + "1", answer: 401, ..ONCE }),
            calls: HAPPY.calls,
            requests: requests!["15600 poll 200 tokens", "15600 userinfo 200 userinfo"],
        }),
        ..HAPPY
    },
];
