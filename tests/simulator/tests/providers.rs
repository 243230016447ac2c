//! Sign-ins at each provider, as its pages tell them.

mod common;

use ciba_sim::{Config, Kind, Outcome, SimulatedTime, Verdict, personality};
use common::{GRANT, Pair, UUID, mitid, pair};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};

fn simulated(personality: personality::Personality) -> (Pair, SimulatedTime) {
    let time = SimulatedTime::new();
    let config = Config::new(personality).time(time.clone());
    (pair(config), time)
}

/// The header and claims of a JWT whose signature is good by the key set.
fn verified(jwt: &str, jwks: &Value) -> (Value, Value) {
    let header = decode_header(jwt).unwrap();
    let kid = header.kid.clone().unwrap();
    let keys = jwks["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == kid).unwrap();
    let (n, e) = (key["n"].as_str().unwrap(), key["e"].as_str().unwrap());
    let mut rules = Validation::new(Algorithm::RS256);
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    let key = DecodingKey::from_rsa_components(n, e).unwrap();
    let token = decode::<Value>(jwt, &key, &rules).unwrap();
    (serde_json::to_value(header).unwrap(), token.claims)
}

fn names(claims: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap()
}

#[test]
fn signaturgruppen_to_the_letter() {
    let time = SimulatedTime::starting_at(1_715_087_400_000);
    let config = Config::new(personality::signaturgruppen()).time(time.clone());
    let pair = pair(config.tls());
    let sim = &pair.sim;
    assert!(sim.issuer().starts_with("https://127.0.0.1:") && sim.issuer().ends_with("/op"));
    assert_eq!(sim.client_id(), "62b8cc03-aa73-4d6a-922c-7c8fb0a4a1d9");
    assert!(sim.client_secret().ends_with("=="));

    let (_, discovery) = pair.get("/.well-known/openid-configuration");
    assert_eq!(discovery["issuer"], sim.issuer());
    assert_eq!(discovery["backchannel_authentication_endpoint"], pair.start_url());
    assert_eq!(discovery["token_endpoint"], pair.token_url());
    let modes = &discovery["backchannel_token_delivery_modes_supported"];
    assert_eq!(modes, &json!(["poll"]));
    let (_, jwks) = pair.get("/.well-known/openid-configuration/jwks");
    let uses: Vec<_> = jwks["keys"].as_array().unwrap().iter().collect();
    assert_eq!(uses.iter().map(|k| &k["use"]).collect::<Vec<_>>(), ["sig", "sig", "enc"]);
    assert!(uses.iter().all(|key| key.get("alg").is_none()));
    assert_eq!(uses[1]["kid"], sim.keys().0.kid);

    let hint = mitid("Testing MitID Flex app 😉");
    let (status, ack) =
        pair.start(&vec![("grant_type", GRANT), ("scope", "openid"), ("login_hint_token", &hint)]);
    assert_eq!((status, &ack["expires_in"], &ack["interval"]), (200, &json!(300), &json!(5)));
    assert_eq!(names(&ack), ["auth_req_id", "expires_in", "interval"]);
    let id = text(&ack, "auth_req_id");
    assert_eq!(id.len(), 66);
    assert!(id.ends_with("-1") && id[..64].bytes().all(|c| c.is_ascii_hexdigit()));
    assert_eq!(sim.pending()[0].text, "Testing MitID Flex app 😉");

    time.advance(5_000);
    assert_eq!(pair.poll(id), (400, json!({ "error": "authorization_pending" })));
    time.advance(3_000);
    assert!(sim.approve(id));
    time.advance(2_000);
    let (status, tokens) = pair.poll(id);
    assert_eq!(status, 200);
    let members = ["access_token", "expires_in", "id_token", "scope", "token_type"];
    assert_eq!(names(&tokens), members);
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["scope"], "openid mitid");

    let (header, claims) = verified(text(&tokens, "id_token"), &jwks);
    assert_eq!(header, json!({ "alg": "RS256", "typ": "JWT", "kid": sim.keys().0.kid }));
    let published = "at_hash aud auth_time exp iat idp idp_transaction_id idtoken_type iss \
                     mitid.age mitid.date_of_birth mitid.has_cpr mitid.identity_name mitid.psd2 \
                     mitid.reference_text mitid.transaction_id mitid.uuid nbf sub";
    assert_eq!(names(&claims).join(" "), published);
    let mitid = claims.as_object().unwrap().iter();
    assert!(mitid.filter(|(n, _)| n.starts_with("mitid.")).all(|(_, v)| v.is_string()));
    assert_eq!(claims["iss"], sim.issuer());
    assert_eq!(claims["aud"], sim.client_id());
    assert_eq!(claims["mitid.uuid"], UUID);
    assert_eq!(claims["mitid.reference_text"], "Testing MitID Flex app 😉");
    assert_eq!(claims["idtoken_type"], "ciba");
    assert_eq!(claims["iat"], 1_715_087_410);
    assert_eq!(claims["exp"], 1_715_087_710);
    assert_eq!(claims["auth_time"], 1_715_087_408);

    let (header, access) = verified(text(&tokens, "access_token"), &jwks);
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(access["scope"], json!(["openid", "mitid"]));
    assert_eq!(access["sub"], claims["sub"]);

    let info = pair.http.get(text(&discovery, "userinfo_endpoint"));
    let info = common::read(info.bearer_auth(text(&tokens, "access_token")));
    assert_eq!((info.0, &info.1["sub"]), (200, &claims["sub"]));

    assert_eq!(pair.poll_error(id), "invalid_grant", "tokens are given once");
    assert_eq!(
        sim.lines(),
        [
            "0 GET /op/.well-known/openid-configuration -> 200 discovery",
            "0 GET /op/.well-known/openid-configuration/jwks -> 200 jwks",
            "0 POST /op/connect/ciba -> 200 ack",
            "5000 POST /op/connect/token -> 400 authorization_pending",
            "10000 POST /op/connect/token -> 200 tokens",
            "10000 GET /op/connect/userinfo -> 200 userinfo",
            "10000 POST /op/connect/token -> 400 invalid_grant",
        ]
    );
    let start = &sim.journal()[2];
    assert_eq!(start.param("login_hint_token").as_deref(), Some(hint.as_str()));
    assert_eq!(start.header("Content-Type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(sim.request_count(Kind::Poll), 3);
}

#[test]
fn signaturgruppen_cancels() {
    let (pair, _) = simulated(personality::signaturgruppen());
    let hint = mitid("hello");
    let id = pair.started(&vec![("scope", "openid"), ("login_hint_token", &hint)]);
    let url = format!("{}/api/v1/ciba/{id}", pair.sim.issuer());
    let delete = || common::read(pair.http.delete(&url)).0;
    assert_eq!(common::read(pair.http.get(&url)).0, 405);
    assert_eq!(delete(), 204);
    assert_eq!(delete(), 404);
    assert_eq!(pair.poll_error(&id), "invalid_grant");
    let line = format!("0 DELETE /op/api/v1/ciba/{id} -> 204 cancelled");
    assert_eq!(pair.sim.lines()[2], line);
}

#[test]
fn telenor_to_the_letter() {
    let (pair, time) = simulated(personality::telenor());
    assert_eq!(pair.sim.issuer(), pair.sim.base_url());
    let scope = "openid profile email phone vipps";
    let form = vec![("scope", scope), ("login_hint", "+4799966691"), ("requested_expiry", "120")];
    let (status, ack) = pair.start(&form);
    assert_eq!((status, &ack["expires_in"], &ack["interval"]), (200, &json!(120), &json!(5)));
    let id = text(&ack, "auth_req_id");
    let dashes: Vec<usize> = id.match_indices('-').map(|(at, _)| at).collect();
    assert_eq!((id.len(), dashes), (36, vec![8, 13, 18, 23]));
    assert_eq!(pair.poll_error(id), "authorization_pending");
    time.advance(5_000);
    let (status, tokens) = pair.poll(id);
    assert_eq!((status, text(&tokens, "scope")), (200, scope));
    let (_, jwks) = pair.get("/.well-known/openid-configuration/jwks");
    let (_, claims) = verified(text(&tokens, "id_token"), &jwks);
    assert_eq!(claims["preferred_username"], "4799966691");
    assert_eq!(claims["idp"], "no.telenor.id.proxy.demo-client");
    assert_eq!(claims["amr"], json!(["urn:telenor.identity.amr.vipps"]));
    assert_eq!(claims["acr"], json!(["urn:telenor.identity.aal.2"]));
    let published = "acr amr analytics_uuid at_hash aud auth_time exp family_name given_name ial iat \
                     ibis.sid idp iss nbf preferred_username sid sub";
    assert_eq!(names(&claims).join(" "), published);
    let cancel = format!("{}/api/v1/ciba/{id}", pair.sim.issuer());
    assert_eq!(common::read(pair.http.delete(cancel)).0, 404);
}

#[test]
fn telenor_says_denied_as_invalid_grant() {
    let (pair, _) = simulated(personality::telenor());
    let id = pair.started(&vec![("scope", "openid vipps phone"), ("login_hint", "99966634")]);
    assert!(pair.sim.deny(&id));
    assert_eq!(pair.poll_error(&id), "invalid_grant");
}

#[test]
fn generic_takes_every_hint() {
    let (pair, time) = simulated(personality::generic());
    for name in ["login_hint", "login_hint_token", "id_token_hint"] {
        let form = vec![
            ("scope", "openid email"),
            (name, "somebody"),
            ("binding_message", "W4SCT approve after 1 s"),
        ];
        let id = pair.started(&form);
        assert_eq!(pair.poll_error(&id), "authorization_pending");
        time.advance(5_000);
        assert_eq!(pair.poll(&id).0, 200);
    }
}

#[test]
fn polls_that_come_too_early_start_the_wait_again() {
    let (pair, time) = simulated(personality::signaturgruppen());
    let hint = mitid("hello");
    let id = pair.started(&vec![("scope", "openid"), ("login_hint_token", &hint)]);
    assert_eq!(pair.poll_error(&id), "authorization_pending", "the first may be at once");
    time.advance(4_999);
    assert_eq!(pair.poll_error(&id), "slow_down");
    assert!(pair.sim.approve(&id));
    time.advance(4_999);
    assert_eq!(pair.poll_error(&id), "slow_down", "and hides the tokens");
    time.advance(5_000);
    assert_eq!(pair.poll(&id).0, 200);
}

#[test]
fn a_request_expires() {
    let (pair, time) = simulated(personality::signaturgruppen());
    let hint = mitid("never");
    let id = pair.started(&vec![("scope", "openid"), ("login_hint_token", &hint)]);
    time.advance(299_999);
    assert_eq!(pair.poll_error(&id), "authorization_pending");
    time.advance(5_000);
    assert_eq!(pair.poll_error(&id), "expired_token");
    assert!(pair.sim.approve(&id));
    time.advance(5_000);
    assert_eq!(pair.poll_error(&id), "expired_token", "too late to approve");
    time.advance(60_000);
    assert_eq!(pair.poll_error(&id), "invalid_grant");
}

#[test]
fn every_end_is_told_once() {
    let (pair, time) = simulated(personality::signaturgruppen());
    let code = "mitid_flex_app.mitid_error_CORE001";
    let sim = &pair.sim;
    type End<'a> = &'a dyn Fn(&str) -> bool;
    let ends: [(End<'_>, &str); 4] = [
        (&|id| sim.deny(id), "access_denied"),
        (&|id| sim.fail(id, code), code),
        (&|id| sim.expire(id), "expired_token"),
        (&|id| sim.forget(id), "invalid_grant"),
    ];
    let hint = mitid("hello");
    for (end, expected) in ends {
        let id = pair.started(&vec![("scope", "openid"), ("login_hint_token", &hint)]);
        assert!(end(&id));
        assert_eq!(pair.poll_error(&id), expected);
        time.advance(70_000);
        assert_eq!(pair.poll_error(&id), "invalid_grant");
    }
    assert!(!sim.approve("nobody"));
}

#[test]
fn hints_and_defaults_bring_their_own_outcome() {
    let (pair, time) = simulated(personality::signaturgruppen());
    pair.sim.set_default(Some(Verdict::new(Outcome::Fail("transaction_failed".into()), 0)));
    for (text, pending, expected) in [
        ("approve after 2 s", true, Ok(())),
        ("Deny after 1 s, please", true, Err("access_denied")),
        ("fail server_error after 0 s", false, Err("server_error")),
        ("nothing special", false, Err("transaction_failed")),
    ] {
        let hint = mitid(text);
        let id = pair.started(&vec![("scope", "openid"), ("login_hint_token", &hint)]);
        if pending {
            assert_eq!(pair.poll_error(&id), "authorization_pending", "{text}");
            time.advance(5_000);
        }
        match expected {
            Ok(()) => assert_eq!(pair.poll(&id).0, 200, "{text}"),
            Err(code) => assert_eq!(pair.poll_error(&id), code, "{text}"),
        }
    }
}

#[test]
fn telenor_numbers_bring_their_own_outcome() {
    let (pair, _) = simulated(personality::telenor());
    for (number, expected) in [
        ("+47 999 66 690", None),
        ("4799966697", Some("invalid_grant")),
        ("4799966696", Some("authorization_pending")),
        ("4799966634", Some("authorization_pending")),
    ] {
        let id = pair.started(&vec![("scope", "openid vipps phone"), ("login_hint", number)]);
        match expected {
            None => assert_eq!(pair.poll(&id).0, 200, "{number}"),
            Some(code) => assert_eq!(pair.poll_error(&id), code, "{number}"),
        }
    }
}

#[test]
fn a_new_key_may_come_late_into_the_key_set() {
    let (pair, _) = simulated(personality::generic());
    let holds = |kid: &str| {
        let (_, jwks) = pair.get("/jwks");
        jwks["keys"].as_array().unwrap().iter().any(|key| key["kid"] == kid)
    };
    let old = pair.sim.keys().0.kid;
    pair.sim.rotate_key(1);
    let new = pair.sim.keys().0.kid;
    assert_ne!(old, new);
    assert!(!holds(&new));
    assert!(holds(&new) && holds(&old));
}

#[test]
fn throttling_can_be_lifted() {
    let mut config = Config::new(personality::generic());
    config.throttle = false;
    config.interval = Some(0);
    config.journal_limit = 0;
    let pair = pair(config);
    let (_, ack) = pair.start(&vec![("scope", "openid"), ("login_hint", "somebody")]);
    assert_eq!(ack["interval"], 0);
    for _ in 0..20 {
        assert_eq!(pair.poll_error(text(&ack, "auth_req_id")), "authorization_pending");
    }
    assert_eq!(pair.sim.request_count(Kind::Poll), 20);
    assert!(pair.sim.journal().is_empty());
}
