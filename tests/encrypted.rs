//! ID Tokens that are encrypted to the client: the settings, whole flows, and what is done with such a
//! token afterwards.

mod common;
mod jwe;

use ciba::{Client, Status};
use ciba_sim::{Draft, Fault, Kind};
use common::{Pair, STARTED};
use serde_json::json;

const SETTINGS: &[(&str, &str)] = &[
    ("id_token_encrypted_response_alg", "RSA-OAEP-256"),
    ("id_token_encrypted_response_enc", "A256GCM"),
    ("client_decryption_key", jwe::RSA),
];

fn encrypted(token: String) -> String {
    jwe::encrypt("RSA-OAEP-256", "A256GCM", &token, |_| ())
}

type Change = fn(&mut Draft);

#[test]
fn an_encrypted_id_token_is_taken_where_a_key_is_configured_and_refused_otherwise_r63() {
    const TABLE: &[(&str, bool, Status, Change)] = &[
        ("configured", true, Status::OK, |d| d.finish = Some(encrypted)),
        ("a plain one", true, Status::TOKEN_NOT_ENCRYPTED, |_| ()),
        ("not configured", false, Status::TOKEN_ENCRYPTED, |d| d.finish = Some(encrypted)),
        ("a plain one, not configured", false, Status::OK, |_| ()),
        ("compressed", true, Status::TOKEN_CRITICAL_HEADER, |d| {
            d.finish = Some(|t| jwe::encrypt("RSA-OAEP-256", "A256GCM", &t, |h| h["zip"] = "DEF".into()));
        }),
        ("another enc", true, Status::TOKEN_ALGORITHM, |d| {
            d.finish = Some(|t| jwe::encrypt("RSA-OAEP-256", "A128GCM", &t, |_| ()));
        }),
        ("another alg", true, Status::TOKEN_ALGORITHM, |d| {
            d.finish = Some(|t| jwe::encrypt("RSA-OAEP", "A256GCM", &t, |_| ()));
        }),
        ("changed on the way", true, Status::TOKEN_DECRYPTION, |d| {
            d.finish = Some(|t| encrypted(t) + "AAAA");
        }),
        ("of another issuer inside", true, Status::TOKEN_ISSUER, |d| {
            d.claims["iss"] = "https://other.example".into();
            d.finish = Some(encrypted);
        }),
        ("unsigned claims inside", true, Status::TOKEN_MALFORMED, |d| {
            d.finish = Some(|_| encrypted(r#"{"sub":"alice"}"#.into()));
        }),
    ];
    for (name, configured, status, change) in TABLE {
        let pair = Pair::generic();
        let client = pair.client_with(if *configured { SETTINGS } else { &[] });
        let request = pair.request_with(&[("binding_message", "approve after 1 s")]);
        let flow = client.init(&request, None).unwrap();
        pair.provider.next_id_token(change);
        assert_eq!(Pair::outcome(&flow), *status, "{name}");
        assert_eq!(flow.tokens().is_ok(), *status == Status::OK, "{name}");
        pair.assert_requests_then_silence(
            &flow,
            &[STARTED.as_slice(), &["5200 POST /token -> 200 tokens"]].concat(),
        );
    }
}

#[test]
fn an_id_token_that_came_encrypted_is_a_hint_in_its_signed_form_r09() {
    let pair = Pair::generic();
    pair.provider.every_id_token(|draft| {
        draft.claims["sub"] = "alice".into();
        draft.finish = Some(encrypted);
    });
    let client = pair.client_with(SETTINGS);
    let request =
        pair.request_with(&[("binding_message", "approve after 1 s"), ("scope", "openid offline_access")]);
    let tokens = client.init(&request, None).unwrap().poll(None).unwrap().unwrap();
    let hint = tokens.id_token().unwrap().to_owned();
    assert_eq!(tokens.member("id_token").as_deref(), Some(&*hint));
    assert_eq!(hint.split('.').count(), 3);

    let came = encrypted(hint.clone());
    let other = came.replacen('.', ".AAAA", 1); // to another key, so to the provider's
    for (given, sent) in [(&hint, &hint), (&came, &hint), (&other, &other)] {
        let mut again = pair.request_with(&[("binding_message", "approve after 1 s")]);
        again.set("login_hint", "").unwrap().set("id_token_hint", given).unwrap();
        assert_eq!(Pair::outcome(&client.init(&again, None).unwrap()), Status::OK, "the same subject");
        let start = pair.provider.journal().into_iter().rfind(|entry| entry.kind == Kind::Start);
        assert_eq!(start.unwrap().param("id_token_hint").as_ref(), Some(sent));
    }

    // It is what a program keeps for a refresh, whose ID Token is encrypted too.
    let refresh_token = tokens.refresh_token().unwrap();
    let kept = client.restore_tokens(refresh_token, Some(&hint)).unwrap();
    let fresh = client.refresh(&kept, None).unwrap().unwrap();
    assert_eq!(fresh.id_token().unwrap().split('.').count(), 3);
    assert_eq!(fresh.claim_text("sub"), tokens.claim_text("sub"));
}

#[test]
fn all_of_it_is_configured_or_nothing() {
    let pair = Pair::generic();
    let file = std::env::temp_dir().join(format!("ciba-decryption-key-{}", std::process::id()));
    std::fs::write(&file, jwe::RSA).unwrap();
    let path = file.to_str().unwrap();
    let jwk: serde_json::Value = serde_json::from_str(include_str!("fixtures/keys/keys.jwk.json")).unwrap();
    let jwk = |more: serde_json::Value| {
        let mut key = jwk["rsa"].clone();
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key.to_string()
    };
    let signs = jwk(json!({"alg": "RS256"}));
    let (by_use, by_operations) = (jwk(json!({"use": "sig"})), jwk(json!({"key_ops": ["sign"]})));
    let decrypts = jwk(json!({"alg": "RSA-OAEP-256", "use": "enc", "key_ops": ["unwrapKey"]}));
    let status = |changes: &[(&str, &str)]| {
        let settings = [SETTINGS, changes].concat();
        let client = Client::new(&pair.config(&settings));
        client.map_or_else(|error| (error.status(), error.message().to_owned()), |_| (Status::OK, "".into()))
    };
    for (changes, expected, part) in [
        (&[][..], Status::OK, ""),
        (&[("client_decryption_key", ""), ("client_decryption_key_file", path)], Status::OK, ""),
        (&[("client_decryption_key_file", path)], Status::CONFLICTING_SETTINGS, "both given"),
        (
            &[("client_decryption_key", ""), ("client_decryption_key_file", "/nowhere")],
            Status::FILE,
            "client_decryption_key_file",
        ),
        (&[("client_decryption_key", "")], Status::MISSING_SETTING, "client_decryption_key"),
        (
            &[("id_token_encrypted_response_enc", "")],
            Status::MISSING_SETTING,
            "id_token_encrypted_response_enc",
        ),
        (
            &[("id_token_encrypted_response_alg", "")],
            Status::CONFLICTING_SETTINGS,
            "without id_token_encrypted_response_alg",
        ),
        (
            &[("id_token_encrypted_response_alg", "ECDH-ES")],
            Status::CONFLICTING_SETTINGS,
            "ECDH-ES needs a P-256, P-384 or P-521 key",
        ),
        (
            &[("id_token_encrypted_response_alg", "ECDH-ES"), ("client_decryption_key", jwe::P256)],
            Status::OK,
            "",
        ),
        (&[("client_decryption_key", &signs)], Status::CONFLICTING_SETTINGS, "is for RS256 alone"),
        (&[("client_decryption_key", &by_use)], Status::INVALID_VALUE, "by its use"),
        (&[("client_decryption_key", &by_operations)], Status::INVALID_VALUE, "by its key_ops"),
        (&[("client_decryption_key", include_str!("fixtures/keys/rsa_pkcs1.pem"))], Status::OK, ""),
        (&[("client_decryption_key", &decrypts)], Status::OK, ""),
        (&[("client_decryption_key", "planted")], Status::INVALID_VALUE, "client_decryption_key"),
    ] {
        let (found, message) = status(changes);
        assert_eq!(found, expected, "{message}");
        assert!(message.contains(part) && !message.contains("planted") && !message.contains("BEGIN"));
    }
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn metadata_that_do_not_list_the_algorithms_stop_everything_before_the_start() {
    for (metadata, status) in [
        (json!({}), Status::OK),
        (json!({"id_token_encryption_alg_values_supported": ["RSA-OAEP-256"]}), Status::OK),
        (json!({"id_token_encryption_alg_values_supported": ["RSA1_5"]}), Status::METADATA_MISMATCH),
        (json!({"id_token_encryption_enc_values_supported": ["A128CBC-HS256"]}), Status::METADATA_MISMATCH),
    ] {
        let pair = Pair::generic();
        pair.provider.next(Kind::Discovery, Fault::Patch(metadata.clone()));
        let started = pair.client_with(SETTINGS).init(&pair.request(), None);
        assert_eq!(started.map_or_else(|error| error.status(), |_| Status::OK), status, "{metadata}");
        assert_eq!(pair.provider.request_count(Kind::Start), u64::from(status == Status::OK));
    }
}

#[test]
fn the_decryption_key_is_shown_nowhere() {
    let pair = Pair::generic();
    let config = pair.config(SETTINGS);
    let client = Client::new(&config).unwrap();
    let texts = format!("{config:?} {client:?} {}", pair.events.lines().join("\n"));
    let line = jwe::RSA.lines().nth(2).unwrap();
    assert!(texts.contains("client_decryption_key") && !texts.contains(line), "{texts}");
}
