//! Idura.

use ciba::{Client, Status};
use ciba_sim::personality::generic;
use ciba_sim::{Fault, Kind, Personality};
use serde_json::json;

use crate::common::{Pair, error};
use crate::{Parameters, body, entry, named, poll_answered, refused, request, sent};

fn idura() -> (Pair, Client) {
    named("idura", Personality { start: "/ciba/bc-authorize", token: "/oauth2/token", ..generic() })
}

const SWEDISH: Parameters<'_> = &[
    ("login_hint", "sub:ssn:196802020575"),
    ("acr_values", "urn:grn:authn:se:bankid"),
    ("binding_message", "Call 4711"),
];
const NORWEGIAN: Parameters<'_> =
    &[("login_hint", "sub:ssn:27034698436"), ("acr_values", "urn:grn:authn:no:bankid")];

#[test]
fn idura_is_sent_the_documented_start_for_swedish_bankid_and_waits_five_seconds_without_an_interval_r33() {
    let (pair, client) = idura();
    let details = ("authorization_details", r#"[{"type":"phoneAuth","callInitiator":"RP"}]"#);
    pair.provider.next(Kind::Start, Fault::Patch(json!({"interval": null, "expires_in": 120})));
    pair.provider.next(Kind::Poll, error(400, "authorization_pending"));
    pair.provider.next(Kind::Poll, Fault::Patch(json!({"expires_in": "120"})));
    let flow = client.init(&request(&[SWEDISH[0], SWEDISH[1], SWEDISH[2], details]), None).unwrap();
    assert_eq!(
        body(&entry(&pair, Kind::Start)),
        "scope=openid&login_hint=sub%3Assn%3A196802020575&acr_values=urn%3Agrn%3Aauthn%3Ase%3Abankid\
         &binding_message=Call%204711\
         &authorization_details=%5B%7B%22type%22%3A%22phoneAuth%22%2C%22callInitiator%22%3A%22RP%22%7D%5D"
    );
    pair.provider.approve(&pair.provider.newest().unwrap());
    assert_eq!(Pair::outcome(&flow), Status::OK);
    pair.assert_requests_then_silence(
        &flow,
        &[
            "0 GET /.well-known/openid-configuration -> 200 discovery",
            "0 POST /ciba/bc-authorize -> 200 ack",
            "0 GET /jwks -> 200 jwks",
            "5200 POST /oauth2/token -> 400 (answer)",
            "10400 POST /oauth2/token -> 200 tokens",
        ],
    );
}

#[test]
fn idura_gives_the_words_that_the_norwegian_app_shows_r16() {
    let (pair, client) = idura();
    pair.provider.next(Kind::Start, Fault::Patch(json!({"bindingMessage": "Frekk julekos", "interval": 3})));
    let flow = client.init(&request(NORWEGIAN), None).unwrap();
    assert_eq!(flow.binding_message().as_deref(), Some("Frekk julekos"));
    let (flow, error) = poll_answered(&pair, &client, NORWEGIAN, error(400, "access_denied"));
    assert_eq!((flow.outcome(), flow.binding_message()), (Status::DENIED, None));
    assert!(error.message().contains("other words"), "{error}");
    // Words that cannot be shown are not; who has asked for none of them is told none.
    pair.provider.next(Kind::Start, Fault::Patch(json!({"bindingMessage": "Frekk \u{202e} julekos"})));
    assert_eq!(client.init(&request(NORWEGIAN), None).unwrap().binding_message(), None);
    let plain = Pair::generic();
    plain.provider.next(Kind::Start, Fault::Patch(json!({"bindingMessage": "Frekk julekos"})));
    assert_eq!(plain.flow().binding_message(), None, "another provider's member says nothing");
}

#[test]
fn idura_refuses_what_would_not_work_r11() {
    let (pair, client) = idura();
    refused(&pair, &client, &SWEDISH[..1], &["acr_values is missing", "urn:grn:authn:no:bankid"]);
    refused(&pair, &client, &SWEDISH[..2], &["binding_message is missing", "Swedish"]);
    refused(&pair, &client, &[NORWEGIAN[0], NORWEGIAN[1], SWEDISH[2]], &["must not be given", "two words"]);
    refused(&pair, &client, &[("login_hint", "196802020575"), SWEDISH[1], SWEDISH[2]], &["sub:ssn:"]);
    assert!(request(NORWEGIAN).set_binding_code(&client).is_err());
    assert!(request(SWEDISH).set_binding_code(&client).is_ok());
    sent(&pair, &client, SWEDISH);
    sent(&pair, &client, NORWEGIAN);
    sent(&pair, &client, &[SWEDISH[0], ("acr_values", "urn:grn:authn:se:frejaid")]);
}
