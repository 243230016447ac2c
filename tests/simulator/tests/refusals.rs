//! What the real ones refuse is refused.

mod common;

use ciba_sim::{Client, Config, SimulatedTime, personality};
use common::{Form, GRANT, Pair, mitid, pair};

fn signaturgruppen() -> Pair {
    pair(Config::new(personality::signaturgruppen()).time(SimulatedTime::new()))
}

/// The status and error code of a form sent as it stands.
fn sent(pair: &Pair, url: &str, form: &Form<'_>) -> (u16, String) {
    let (status, body) = common::read(pair.http.post(url).form(form));
    let code = body["error"].as_str().unwrap_or_default();
    (status, code.to_owned())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[test]
fn starts() {
    let pair = signaturgruppen();
    let hint = mitid("hello");
    let no_ip = hint.replace(r#","ip":"1.1.1.1""#, "");
    let long = mitid(&"x".repeat(4000));
    let good = vec![("scope", "openid"), ("login_hint_token", hint.as_str())];
    assert_eq!(pair.start(&good).0, 200);
    let cases: [(&str, Form<'_>); 12] = [
        ("no scope", vec![("login_hint_token", &hint)]),
        ("no openid", vec![("scope", "mitid"), ("login_hint_token", &hint)]),
        ("no hint", vec![("scope", "openid")]),
        ("empty hint", vec![("scope", "openid"), ("login_hint_token", "")]),
        ("another hint", vec![("scope", "openid"), ("login_hint", "4799988777")]),
        ("no ip", vec![("scope", "openid"), ("login_hint_token", &no_ip)]),
        ("not JSON", vec![("scope", "openid"), ("login_hint_token", "{}")]),
        ("too long", vec![("scope", "openid"), ("login_hint_token", &long)]),
        ("two hints", [good.clone(), vec![("login_hint", "x")]].concat()),
        ("two scopes", [good.clone(), vec![("scope", "openid")]].concat()),
        ("expiry of 0", [good.clone(), vec![("requested_expiry", "0")]].concat()),
        ("expiry of 301", [good.clone(), vec![("requested_expiry", "301")]].concat()),
    ];
    for (name, form) in cases {
        let form = pair.with_credentials(&form);
        let answer = sent(&pair, pair.start_url(), &form);
        assert_eq!(answer, refused(400, "invalid_request"), "{name}");
    }
    assert_eq!(pair.sim.pending().len(), 1, "only the good one rang a phone");
}

#[test]
fn telenor_starts() {
    let pair = pair(Config::new(personality::telenor()).time(SimulatedTime::new()));
    for (scope, number, expiry, code) in [
        ("openid phone", "4799988777", "300", "invalid_scope"),
        ("openid vipps", "4799988777", "300", "invalid_scope"),
        ("vipps phone", "4799988777", "300", "invalid_scope"),
        ("openid vipps phone", "nobody", "300", "unknown_user_id"),
        ("openid vipps phone", "4799988777", "301", "invalid_request"),
        ("openid vipps phone", "4799988777", "many", "invalid_request"),
    ] {
        let form = vec![("scope", scope), ("login_hint", number), ("requested_expiry", expiry)];
        let form = pair.with_credentials(&form);
        assert_eq!(sent(&pair, pair.start_url(), &form), refused(400, code));
    }
}

#[test]
fn clients() {
    let pair = signaturgruppen();
    let (id, secret) = (pair.sim.client_id(), pair.sim.client_secret());
    let poll = vec![("grant_type", GRANT), ("auth_req_id", "x")];
    let urls = [(pair.start_url(), 401), (pair.token_url(), 400)];
    for (url, status) in urls {
        let wrong = [poll.clone(), vec![("client_id", id), ("client_secret", "no")]].concat();
        assert_eq!(sent(&pair, url, &wrong), refused(status, "invalid_client"));
        assert_eq!(sent(&pair, url, &poll), refused(status, "invalid_client"));
        let alone = [poll.clone(), vec![("client_secret", secret)]].concat();
        assert_eq!(sent(&pair, url, &alone), refused(status, "invalid_client"));
    }
    let basic = |id: &str, secret: &str, form: &Form<'_>| {
        let request = pair.http.post(pair.token_url()).form(form);
        let (status, body) = common::read(request.basic_auth(id, Some(secret)));
        (status, body["error"].as_str().unwrap_or_default().to_owned())
    };
    let encoded = secret.replace('=', "%3D");
    assert_eq!(basic(id, &encoded, &poll), refused(400, "invalid_grant"), "known client");
    assert_eq!(basic(id, secret, &poll), refused(400, "invalid_client"), "not form-encoded");
    let two = [poll.clone(), vec![("client_secret", secret)]].concat();
    assert_eq!(basic(id, &encoded, &two), refused(400, "invalid_request"), "two ways");
    let other = [poll.clone(), vec![("client_id", "other")]].concat();
    assert_eq!(basic(id, &encoded, &other), refused(400, "invalid_request"));
}

#[test]
fn polls() {
    let pair = signaturgruppen();
    let hint = mitid("hello");
    let id = pair.started(&vec![("scope", "openid"), ("login_hint_token", &hint)]);
    pair.sim.approve(&id);
    let lower = id.to_lowercase();
    let cases: [(&str, Form<'_>, &str); 6] = [
        ("no grant", vec![("auth_req_id", &id)], "unsupported_grant_type"),
        ("another grant", vec![("grant_type", "password"), ("auth_req_id", &id)], "unsupported_grant_type"),
        ("no id", vec![("grant_type", GRANT)], "invalid_request"),
        ("unknown id", vec![("grant_type", GRANT), ("auth_req_id", "..")], "invalid_grant"),
        (
            "two ids",
            vec![("grant_type", GRANT), ("auth_req_id", &id), ("auth_req_id", &id)],
            "invalid_request",
        ),
        ("another case", vec![("grant_type", GRANT), ("auth_req_id", &lower)], "invalid_grant"),
    ];
    for (name, form, code) in cases {
        let form = pair.with_credentials(&form);
        assert_eq!(sent(&pair, pair.token_url(), &form), refused(400, code), "{name}");
    }
    assert_eq!(pair.poll(&id).0, 200);
}

#[test]
fn an_id_belongs_to_its_client() {
    let mut config = Config::new(personality::generic()).time(SimulatedTime::new());
    config.clients = vec![Client::new("one", "1"), Client::new("two", "2")];
    let pair = pair(config);
    let id = pair.started(&vec![("scope", "openid"), ("login_hint", "somebody")]);
    pair.sim.approve(&id);
    let form =
        vec![("grant_type", GRANT), ("auth_req_id", &id), ("client_id", "two"), ("client_secret", "2")];
    assert_eq!(sent(&pair, pair.token_url(), &form), refused(400, "invalid_grant"));
    assert_eq!(pair.poll(&id).0, 200);
}

#[test]
fn methods_and_content_types() {
    let pair = signaturgruppen();
    for url in [pair.start_url(), pair.token_url()] {
        assert_eq!(common::read(pair.http.get(url)).0, 400);
        let json = pair.http.post(url).body("{}").header("content-type", "application/json");
        let (status, body) = common::read(json);
        assert_eq!((status, body["error"].as_str()), (400, Some("invalid_request")));
    }
    let discovery = format!("{}/.well-known/openid-configuration", pair.sim.issuer());
    assert_eq!(common::read(pair.http.post(&discovery).body("")).0, 405);
    assert_eq!(pair.get("/.well-known/oauth-authorization-server").0, 404);
    assert_eq!(pair.get("/connect/userinfo").0, 401);
    assert_eq!(pair.sim.lines().last().unwrap(), "0 GET /op/connect/userinfo -> 401 invalid_token");
}
