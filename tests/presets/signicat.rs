//! Signicat.

use ciba_sim::Personality;
use ciba_sim::personality::generic;

use crate::{named, refused, sent};

#[test]
fn signicat_is_sent_its_own_name_for_the_expiry_and_must_be_told_the_method_r08_r13() {
    let paths =
        Personality { root: "/auth/open", start: "/connect/ciba", token: "/connect/token", ..generic() };
    let (pair, client) = named("signicat", paths);
    let asked = [
        ("login_hint", "userId-1 deviceId-2"),
        ("acr_values", "idp:mobileid"),
        ("binding_message", "Sign in?"),
        ("requested_expiry", "120"),
    ];
    assert_eq!(
        sent(&pair, &client, &asked),
        "scope=openid&login_hint=userId-1%20deviceId-2&acr_values=idp%3Amobileid&binding_message=Sign%20in%3F&request_expiry=120"
    );
    refused(&pair, &client, &asked[..1], &["acr_values is missing", "idp:mobileid"]);
}
