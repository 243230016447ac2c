//! What a client does with its tokens, as the specifications tell it.

mod common;

use ciba_sim::{Client, Config, Kind, SimulatedTime, personality};
use common::{Pair, pair, read};
use serde_json::{Value, json};

const DAY: u64 = 24 * 3_600_000;

fn simulated(personality: personality::Personality) -> (Pair, SimulatedTime) {
    let time = SimulatedTime::new();
    let mut config = Config::new(personality).time(time.clone());
    config.clients = vec![Client::new("first", "a"), Client::new("second", "b")];
    (pair(config), time)
}

fn signed_in(pair: &Pair, scope: &str) -> Value {
    let id = pair.started(&vec![("scope", scope), ("login_hint", "+4799988790")]);
    pair.sim.approve(&id);
    let (status, tokens) = pair.poll(&id);
    assert_eq!(status, 200, "{tokens}");
    tokens
}

fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap()
}

fn post(pair: &Pair, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let url = format!("{}{path}", pair.sim.issuer());
    read(pair.http.post(url).form(&pair.with_credentials(&form.to_vec())))
}

fn refresh(pair: &Pair, path: &str, token: &str) -> (u16, Value) {
    post(pair, path, &[("grant_type", "refresh_token"), ("refresh_token", token)])
}

fn active(pair: &Pair, token: &str) -> Value {
    post(pair, "/introspect", &[("token", token)]).1["active"].clone()
}

#[test]
fn a_refresh_token_is_taken_once_and_ends_the_grant_when_it_comes_again() {
    let (pair, time) = simulated(personality::generic());
    let tokens = signed_in(&pair, "openid offline_access");
    let (status, fresh) = refresh(&pair, "/token", text(&tokens, "refresh_token"));
    assert_eq!((status, &fresh["scope"]), (200, &json!("openid offline_access")));
    assert_ne!(fresh["refresh_token"], tokens["refresh_token"]);
    assert_eq!(pair.sim.request_count(Kind::Refresh), 1);
    assert_eq!(active(&pair, text(&fresh, "access_token")), true);
    let refused = (400, json!({ "error": "invalid_grant" }));
    assert_eq!(refresh(&pair, "/token", text(&tokens, "refresh_token")), refused);
    assert_eq!(refresh(&pair, "/token", text(&fresh, "refresh_token")), refused, "the whole grant has ended");
    assert_eq!(active(&pair, text(&fresh, "access_token")), false);

    let tokens = signed_in(&pair, "openid offline_access");
    time.advance(30 * DAY);
    assert_eq!(refresh(&pair, "/token", text(&tokens, "refresh_token")), refused, "too late");
    assert!(signed_in(&pair, "openid").get("refresh_token").is_none(), "not asked for");
    assert_eq!(post(&pair, "/token", &[("grant_type", "refresh_token")]).1["error"], "invalid_request");
}

#[test]
fn telenor_takes_a_refresh_token_again_and_again_for_14_days() {
    let (pair, time) = simulated(personality::telenor());
    let tokens = signed_in(&pair, "openid vipps phone offline_access");
    for _ in 0..2 {
        let (status, fresh) = refresh(&pair, "/connect/token", text(&tokens, "refresh_token"));
        assert_eq!((status, fresh.get("refresh_token")), (200, None));
        time.advance(7 * DAY - 3_600_000);
    }
    time.advance(2 * 3_600_000);
    assert_eq!(refresh(&pair, "/connect/token", text(&tokens, "refresh_token")).0, 400);
}

#[test]
fn tokens_are_told_of_to_their_client_alone_until_they_expire_or_are_revoked() {
    let (pair, time) = simulated(personality::generic());
    let tokens = signed_in(&pair, "openid offline_access");
    let access = text(&tokens, "access_token");
    let (status, told) = post(&pair, "/introspect", &[("token", access)]);
    assert_eq!((status, &told["active"], &told["client_id"]), (200, &json!(true), &json!("first")));
    let url = |path: &str| format!("{}{path}", pair.sim.issuer());
    let stranger = [("client_id", "second"), ("client_secret", "b"), ("token", access)];
    let asked = read(pair.http.post(url("/introspect")).form(&stranger));
    assert_eq!(asked, (200, json!({ "active": false })));
    assert_eq!(read(pair.http.post(url("/revoke")).form(&stranger)).0, 200);
    assert_eq!(active(&pair, access), true, "another client revokes nothing");
    assert_eq!(read(pair.http.post(url("/revoke")).form(&[("token", access)])).0, 401);
    let (status, refused) = post(&pair, "/revoke", &[("token", access), ("token_type_hint", "id_token")]);
    assert_eq!((status, &refused["error"]), (400, &json!("unsupported_token_type")));

    let userinfo = || pair.http.get(url("/userinfo")).bearer_auth(access).send().unwrap();
    assert_eq!(userinfo().status(), 200);
    assert_eq!(post(&pair, "/revoke", &[("token", access)]).0, 200);
    assert_eq!(userinfo().status(), 401);
    assert_eq!(active(&pair, text(&tokens, "refresh_token")), true);
    assert_eq!(post(&pair, "/revoke", &[("token", text(&tokens, "refresh_token"))]).0, 200);
    assert_eq!(active(&pair, text(&tokens, "refresh_token")), false);
    assert_eq!(post(&pair, "/revoke", &[("token", "nonsense")]).0, 200, "revoked already");

    let tokens = signed_in(&pair, "openid");
    time.advance(3_600_000);
    assert_eq!(active(&pair, text(&tokens, "access_token")), false, "expired");
}
