//! ID Tokens and userinfo answers that are encrypted to the client: the settings, whole flows, and what is
//! done with such a token afterwards.

mod common;
mod jwe;

use ciba::{Client, Status};
use ciba_sim::{Answer, Draft, Fault, Kind};
use common::{Pair, STARTED};
use serde_json::{Value, json};

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

/// A token that was encrypted with A128CBC-HS256.
fn in_cbc_mode(token: String) -> String {
    jwe::encrypt("RSA-OAEP-256", "A128CBC-HS256", &token, |_| ())
}

/// With an error in the part of this number.
fn damaged(token: String, part: usize) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let first = if parts[part].starts_with('A') { "B" } else { "A" };
    parts[part].replace_range(..1, first);
    parts.join(".")
}

#[test]
fn what_is_not_said_of_the_encryption_is_openids_default_and_every_damage_is_one_error_r63() {
    const TABLE: &[(&str, Status, Change)] = &[
        ("as registered by default", Status::OK, |d| d.finish = Some(in_cbc_mode)),
        ("another enc", Status::TOKEN_ALGORITHM, |d| d.finish = Some(encrypted)),
        ("the longer keys", Status::TOKEN_ALGORITHM, |d| {
            d.finish = Some(|t| jwe::encrypt("RSA-OAEP-256", "A256CBC-HS512", &t, |_| ()));
        }),
        ("a key that is wrong", Status::TOKEN_DECRYPTION, |d| {
            d.finish = Some(|t| damaged(in_cbc_mode(t), 1))
        }),
        ("another vector", Status::TOKEN_DECRYPTION, |d| d.finish = Some(|t| damaged(in_cbc_mode(t), 2))),
        ("another text", Status::TOKEN_DECRYPTION, |d| d.finish = Some(|t| damaged(in_cbc_mode(t), 3))),
        ("another tag", Status::TOKEN_DECRYPTION, |d| d.finish = Some(|t| damaged(in_cbc_mode(t), 4))),
        ("padding that is wrong", Status::TOKEN_DECRYPTION, |d| {
            d.finish = Some(|t| {
                let padded = [t.as_bytes(), &vec![b'.'; 16 - t.len() % 16], &[0; 16]].concat();
                jwe::encrypt_padded("RSA-OAEP-256", "A128CBC-HS256", padded, |_| ())
            });
        }),
    ];
    let settings = [SETTINGS, &[("id_token_encrypted_response_enc", "")]].concat();
    let mut errors = Vec::new();
    for (name, status, change) in TABLE {
        let pair = Pair::generic();
        let request = pair.request_with(&[("binding_message", "approve after 1 s")]);
        let flow = pair.client_with(&settings).init(&request, None).unwrap();
        pair.provider.next_id_token(change);
        assert_eq!(Pair::outcome(&flow), *status, "{name}");
        assert_eq!(flow.tokens().is_ok(), *status == Status::OK, "{name}");
        if *status == Status::TOKEN_DECRYPTION {
            errors.extend(flow.tokens().err());
        }
        pair.assert_requests_then_silence(
            &flow,
            &[STARTED.as_slice(), &["5200 POST /token -> 200 tokens"]].concat(),
        );
    }
    assert_eq!(errors.len(), 5);
    assert!(errors.windows(2).all(|two| two[0] == two[1]), "nobody can tell them apart: {errors:?}");
}

#[test]
fn userinfo_is_decrypted_where_the_settings_say_so_and_then_judged_as_if_it_had_come_so() {
    const ENCRYPTED: &[(&str, &str)] =
        &[("userinfo_encrypted_response_alg", "RSA-OAEP-256"), ("client_decryption_key", jwe::RSA)];
    let signed = [ENCRYPTED, &[("userinfo_signed_response_alg", "RS256")]].concat();
    let other = [ENCRYPTED, &[("userinfo_encrypted_response_enc", "A256GCM")]].concat();
    let pair = Pair::generic();
    let clients = [
        pair.client_with(ENCRYPTED),
        pair.client_with(&signed),
        pair.client_with(&other),
        pair.client_with(&[("userinfo_signed_response_alg", "RS256")]),
        pair.client(),
    ];
    let [encrypted, signed, other, only_signed, plain] = &clients;
    let request = pair.request_with(&[("binding_message", "approve after 1 s")]);
    let tokens = plain.init(&request, None).unwrap().poll(None).unwrap().unwrap();

    let members = json!({"sub": "alice", "name": "Alice"}).to_string();
    let about_bob = json!({"sub": "bob", "name": "Bob"}).to_string();
    let kid = pair.provider.keys().0.kid.clone();
    let jwt = |change: fn(&mut Draft)| {
        let claims = json!({
            "iss": pair.provider.issuer(), "aud": pair.provider.client_id(), "sub": "alice", "name": "Alice",
        });
        let mut draft = Draft::new(json!({"alg": "RS256", "kid": kid}), claims);
        change(&mut draft);
        pair.provider.sign(&draft)
    };
    let good = jwt(|_| ());
    let cbc = |inside: &str| in_cbc_mode(inside.to_owned());
    let type_of_jwt = "application/jwt";
    for (name, client, content_type, body, expected) in [
        ("members", encrypted, type_of_jwt, cbc(&members), Status::OK),
        ("a signed JWT", signed, type_of_jwt, cbc(&good), Status::OK),
        ("not encrypted", encrypted, "application/json", members.clone(), Status::TOKEN_NOT_ENCRYPTED),
        ("not encrypted but signed", signed, type_of_jwt, good.clone(), Status::TOKEN_NOT_ENCRYPTED),
        (
            "by its type not encrypted",
            encrypted,
            "application/json",
            cbc(&members),
            Status::TOKEN_NOT_ENCRYPTED,
        ),
        ("signed, but not expected to be", encrypted, type_of_jwt, cbc(&good), Status::USERINFO_SIGNING),
        ("not signed, but expected to be", signed, type_of_jwt, cbc(&members), Status::USERINFO_SIGNING),
        ("another enc", other, type_of_jwt, cbc(&members), Status::TOKEN_ALGORITHM),
        ("damaged", encrypted, type_of_jwt, damaged(cbc(&members), 3), Status::TOKEN_DECRYPTION),
        ("cut", encrypted, type_of_jwt, cbc(&members).replacen('.', "", 1), Status::TOKEN_MALFORMED),
        ("about another", encrypted, type_of_jwt, cbc(&about_bob), Status::USERINFO_SUBJECT),
        ("no object", encrypted, type_of_jwt, cbc("{7}"), Status::USERINFO_MALFORMED),
        (
            "about another, signed",
            signed,
            type_of_jwt,
            cbc(&jwt(|d| d.claims["sub"] = "bob".into())),
            Status::USERINFO_SUBJECT,
        ),
        (
            "of another issuer",
            signed,
            type_of_jwt,
            cbc(&jwt(|d| d.claims["iss"] = "x".into())),
            Status::TOKEN_ISSUER,
        ),
        ("encrypted twice", signed, type_of_jwt, cbc(&cbc(&good)), Status::TOKEN_ENCRYPTED),
        ("no key for it", only_signed, type_of_jwt, cbc(&good), Status::TOKEN_ENCRYPTED),
        ("no setting for it", plain, type_of_jwt, cbc(&good), Status::USERINFO_SIGNING),
        ("members again", encrypted, type_of_jwt, cbc(&members), Status::OK),
    ] {
        pair.provider.clear_journal();
        let answer = Answer::new(200, body).header("content-type", content_type);
        pair.provider.next(Kind::Userinfo, Fault::Answer(answer));
        let result = client.userinfo(&tokens, None);
        let status = result.as_ref().map_or_else(|error| error.status(), |_| Status::OK);
        assert_eq!(status, expected, "{name}");
        match result {
            Ok(answer) => assert_eq!(answer.unwrap().text("name").as_deref(), Some("Alice"), "{name}"),
            Err(error) => {
                assert!(error.message().contains("userinfo answer"), "{name}: {error}");
                assert!(
                    !error.message().contains("ID Token") || status == Status::USERINFO_SUBJECT,
                    "{error}"
                );
                assert!(!error.message().contains("Alice"), "{name}: {error}");
            }
        }
        assert_eq!(pair.provider.request_count(Kind::Userinfo), 1, "{name}: asked once");
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
    let keys: Value = serde_json::from_str(include_str!("fixtures/keys/keys.jwk.json")).unwrap();
    let (rsa, p256) = (&keys["rsa"], &keys["p256"]);
    let jwk = |more: Value| {
        let mut key = rsa.clone();
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key.to_string()
    };
    let signs = jwk(json!({"alg": "RS256"}));
    let (by_use, by_operations) = (jwk(json!({"use": "sig"})), jwk(json!({"key_ops": ["sign"]})));
    let decrypts = jwk(json!({"alg": "RSA-OAEP-256", "use": "enc", "key_ops": ["unwrapKey"]}));
    let set = |keys: &[&Value]| json!({ "keys": keys }).to_string();
    let (none, five, both) = (set(&[]), set(&[rsa; 5]), set(&[p256, rsa]));
    let (two, fits_not, no_key) = (set(&[rsa, rsa]), set(&[p256, p256]), set(&[rsa, &json!({"kty": "RSA"})]));
    let other_use = set(&[rsa, &serde_json::from_str(&by_use).unwrap()]);
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
        (&[("id_token_encrypted_response_enc", "")], Status::OK, ""),
        (
            &[("id_token_encrypted_response_alg", "")],
            Status::CONFLICTING_SETTINGS,
            "id_token_encrypted_response_enc is given without id_token_encrypted_response_alg",
        ),
        (
            &[("id_token_encrypted_response_alg", ""), ("id_token_encrypted_response_enc", "")],
            Status::CONFLICTING_SETTINGS,
            "client_decryption_key is given without id_token_encrypted_response_alg or userinfo_encrypted_response_alg",
        ),
        (
            &[
                ("id_token_encrypted_response_alg", ""),
                ("id_token_encrypted_response_enc", ""),
                ("userinfo_encrypted_response_alg", "RSA-OAEP"),
            ],
            Status::OK,
            "",
        ),
        (
            &[("userinfo_encrypted_response_enc", "A128GCM")],
            Status::CONFLICTING_SETTINGS,
            "userinfo_encrypted_response_enc is given without userinfo_encrypted_response_alg",
        ),
        (
            &[("userinfo_encrypted_response_alg", "ECDH-ES")],
            Status::CONFLICTING_SETTINGS,
            "userinfo_encrypted_response_alg: ECDH-ES needs a P-256, P-384 or P-521 key",
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
        (&[("client_decryption_key", &two)], Status::OK, ""),
        (&[("client_decryption_key", &both)], Status::OK, ""),
        (&[("client_decryption_key", &both), ("userinfo_encrypted_response_alg", "ECDH-ES")], Status::OK, ""),
        (
            &[("client_decryption_key", &fits_not)],
            Status::CONFLICTING_SETTINGS,
            "id_token_encrypted_response_alg: RSA-OAEP-256 needs an RSA key",
        ),
        (&[("client_decryption_key", &none)], Status::INVALID_VALUE, "must hold 1 to 4 keys"),
        (&[("client_decryption_key", &five)], Status::INVALID_VALUE, "must hold 1 to 4 keys"),
        (&[("client_decryption_key", &other_use)], Status::INVALID_VALUE, "by its use"),
        (&[("client_decryption_key", &no_key)], Status::INVALID_VALUE, "is not a sound private key"),
        (&[("client_decryption_key", r#"{"keys": {}}"#)], Status::INVALID_VALUE, "the JWK is not one"),
    ] {
        let (found, message) = status(changes);
        assert_eq!(found, expected, "{message}");
        assert!(message.contains(part) && !message.contains("planted") && !message.contains("BEGIN"));
    }
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn a_client_that_changes_its_key_opens_what_is_encrypted_to_either_r63() {
    let fixtures: Value = serde_json::from_str(include_str!("fixtures/tokens/encrypted.json")).unwrap();
    let keys: Value = serde_json::from_str(include_str!("fixtures/keys/keys.jwk.json")).unwrap();
    let (mut old, new) = (fixtures["rfc_7516_a_1"]["key"].clone(), &keys["rsa"]);
    old["kid"] = "old".into();
    for (name, set, status) in [
        ("both", vec![&old, new], Status::OK),
        ("the new one", vec![new], Status::OK),
        ("the old one", vec![&old], Status::TOKEN_DECRYPTION),
    ] {
        let pair = Pair::generic();
        let set = json!({ "keys": set }).to_string();
        let settings = [SETTINGS, &[("client_decryption_key", set.as_str())]].concat();
        let request = pair.request_with(&[("binding_message", "approve after 1 s")]);
        let flow = pair.client_with(&settings).init(&request, None).unwrap();
        pair.provider.next_id_token(|draft| draft.finish = Some(encrypted));
        assert_eq!(Pair::outcome(&flow), status, "{name}");
        assert_eq!(flow.tokens().is_ok(), status == Status::OK, "{name}");
    }
}

#[test]
fn metadata_that_do_not_list_the_algorithms_stop_everything_before_the_start() {
    let settings = [SETTINGS, &[("userinfo_encrypted_response_alg", "RSA-OAEP")]].concat();
    for (metadata, status) in [
        (json!({}), Status::OK),
        (json!({"userinfo_encryption_alg_values_supported": ["RSA-OAEP-256"]}), Status::METADATA_MISMATCH),
        (json!({"userinfo_encryption_enc_values_supported": ["A128CBC-HS256"]}), Status::OK),
        (json!({"userinfo_encryption_enc_values_supported": ["A256GCM"]}), Status::METADATA_MISMATCH),
        (json!({"id_token_encryption_alg_values_supported": ["RSA-OAEP-256"]}), Status::OK),
        (json!({"id_token_encryption_alg_values_supported": ["RSA1_5"]}), Status::METADATA_MISMATCH),
        (json!({"id_token_encryption_enc_values_supported": ["A128CBC-HS256"]}), Status::METADATA_MISMATCH),
    ] {
        let pair = Pair::generic();
        pair.provider.next(Kind::Discovery, Fault::Patch(metadata.clone()));
        let started = pair.client_with(&settings).init(&pair.request(), None);
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
