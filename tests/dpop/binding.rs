//! What an access token is bound to, as far as a client can see it: by what its introspection says, and by the
//! token itself where it can be read.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ciba::{Status, TokenKind};
use ciba_sim::{Fault, Kind};
use serde_json::{Value, json};

use crate::common::Pair;
use crate::{BOUND, bound, proof, registered, signed_in, wants};

/// The thumbprint of the key in a proof (RFC 7638).
pub fn thumbprint(key: &Value) -> String {
    let text = match key["kty"].as_str() {
        Some("EC") => json!({ "crv": key["crv"], "kty": "EC", "x": key["x"], "y": key["y"] }),
        Some("RSA") => json!({ "e": key["e"], "kty": "RSA", "n": key["n"] }),
        _ => json!({ "crv": key["crv"], "kty": "OKP", "x": key["x"] }),
    };
    BASE64.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.to_string().as_bytes()))
}

#[test]
fn introspection_must_tell_of_the_clients_own_key() {
    let pair = bound();
    let client = pair.client_with(&[BOUND]);
    let tokens = signed_in(&pair, &client);
    let introspected = |kind| client.introspect(&tokens, kind, None);
    let poll = pair.provider.journal().into_iter().find(|entry| entry.kind == Kind::Poll).unwrap();
    let own = thumbprint(&proof(&poll).0["jwk"]);
    let answer = introspected(TokenKind::AccessToken).unwrap().unwrap();
    assert_eq!(answer.get("cnf").unwrap()["jkt"], own, "the good twin");

    let changes = [
        (json!({ "cnf": { "jkt": own.to_lowercase() } }), "another key"),
        (json!({ "cnf": { "jkt": own.clone() + "A" } }), "another key"),
        (json!({ "cnf": { "jkt": null } }), "not bound to a key"),
        (json!({ "cnf": { "jkt": 1 } }), "not bound to a key"),
        (json!({ "cnf": null }), "not bound to a key"),
        (json!({ "cnf": "jkt" }), "not bound to a key"),
    ];
    for (patch, says) in changes {
        pair.provider.next(Kind::Introspection, Fault::Patch(patch.clone()));
        let error = introspected(TokenKind::AccessToken).unwrap_err();
        assert_eq!(error.status(), Status::TOKEN_BINDING, "{patch}");
        assert!(error.message().contains(says) && !error.message().contains(&own), "{patch}: {error}");
    }
    // Nothing is bound to anything where it is not active, and a refresh token is the client's.
    let inactive = json!({ "active": false, "cnf": null });
    pair.provider.next(Kind::Introspection, Fault::Patch(inactive));
    assert!(introspected(TokenKind::AccessToken).is_ok());
    assert!(introspected(TokenKind::RefreshToken).unwrap().unwrap().get("cnf").is_none());

    // A client that binds nothing has nothing to compare.
    let pair = registered(false);
    let client = pair.client();
    let tokens = signed_in(&pair, &client);
    pair.provider.next(Kind::Introspection, Fault::Patch(json!({ "cnf": { "jkt": own } })));
    assert!(client.introspect(&tokens, TokenKind::AccessToken, None).is_ok());
}

/// An access token that is a JWT and says this.
fn readable(claims: &Value) -> String {
    let part = |value: &Value| BASE64.encode(value.to_string());
    format!("{}.{}.c2ln", part(&json!({ "alg": "none" })), part(claims))
}

#[test]
fn an_access_token_that_can_be_read_must_not_name_another_key() {
    let cases = [
        (Some(readable(&json!({ "cnf": { "jkt": "another" } }))), Status::TOKEN_BINDING),
        (Some(readable(&json!({ "cnf": { "x5t#S256": "another" } }))), Status::OK),
        (Some(readable(&json!({ "sub": "alice" }))), Status::OK),
        (Some("opaque".to_owned()), Status::OK),
        (None, Status::OK), // as the provider gives it: it names the client's key
    ];
    for (token, outcome) in cases {
        for (settings, expected) in [(&[BOUND][..], outcome), (&[], Status::OK)] {
            let pair = registered(!settings.is_empty());
            pair.provider
                .every_id_token(|draft| drop(draft.claims.as_object_mut().unwrap().remove("at_hash")));
            if let Some(token) = token.clone() {
                let fault = Fault::Patch(json!({ "access_token": token }));
                pair.provider.always(Kind::Poll, fault);
            }
            let flow = pair.client_with(settings).init(&wants(&pair, "approve after 1 s"), None).unwrap();
            assert_eq!(Pair::outcome(&flow), expected, "{token:?} {settings:?}");
            pair.assert_polls_then_silence(&flow, &["5200 200 tokens"]);
        }
    }
}

#[test]
fn a_refreshed_access_token_must_not_name_another_key() {
    let pair = bound();
    let client = pair.client_with(&[BOUND]);
    pair.provider.every_id_token(|draft| drop(draft.claims.as_object_mut().unwrap().remove("at_hash")));
    let tokens = signed_in(&pair, &client);
    let another = readable(&json!({ "cnf": { "jkt": "another" } }));
    pair.provider.next(Kind::Refresh, Fault::Patch(json!({ "access_token": another })));
    assert_eq!(client.refresh(&tokens, None).unwrap_err().status(), Status::TOKEN_BINDING);
    let tokens = signed_in(&pair, &client);
    assert!(client.refresh(&tokens, None).unwrap().is_some(), "the good twin");
}
