//! A token that a provider really issued, with the key that it published.

use super::*;

const RESPONSE: &str = include_str!("../../../tests/fixtures/tokens/real_token_response.json");
/// The provider's key behind another RSA key and before one for encryption, none with `alg`.
const KEYS: &str = include_str!("../../../tests/fixtures/tokens/real_key_set.json");

const ISSUED: i64 = 1_715_087_453;
const EXPIRES: i64 = 1_715_087_753;

fn verify_at(response: &str, now: i64) -> Result<Tokens> {
    let policy = ResponsePolicy::default();
    let response = TokenResponse::parse(response.as_bytes(), &policy, now * 1000)?;
    let keys = KeySet::parse(KEYS.as_bytes())?;
    let claims = [
        ClaimExpectation {
            name: "mitid.uuid".into(),
            expected: "EEE4B272-6a33-40da-ab0b-5ce2abd42e78".into(),
            ignore_ascii_case: true,
        },
        ClaimExpectation { name: "idtoken_type".into(), expected: "ciba".into(), ignore_ascii_case: false },
    ];
    let expected = Expected {
        auth_req_id: Some("request"),
        claims: &claims,
        requested_scope: Some("openid"),
        ..Expected::new("https://pp.netseidbroker.dk/op", "62b8cc03-aa73-4d6a-922c-7c8fb0a4a1d9")
    };
    verify(&response, &keys, &expected, now * 1000)
}

#[test]
fn section_8_the_real_token_verifies_at_its_own_time() {
    let tokens = verify_at(RESPONSE, ISSUED).unwrap();
    assert_eq!(tokens.claim_text("mitid.identity_name").as_deref(), Some("Ileya Jensen"));
    assert_eq!(tokens.claim_text("auth_time").as_deref(), Some("1715087453"));
    assert_eq!(tokens.claim_bool("mitid.has_cpr"), Some(true));
    assert_eq!(tokens.claim_integer("mitid.age"), Some(88));
    assert_eq!(tokens.claim("mitid"), None);
    assert_eq!(tokens.scope(), Some("openid mitid"));
    assert_eq!(tokens.token_type(), "Bearer");
    assert_eq!(tokens.expires_at(), Some((ISSUED + 3600) * 1000));
    assert_eq!(tokens.refresh_token(), None);
    assert!(tokens.claims_json().unwrap().starts_with(r#"{"iss":"https://pp.netseidbroker.dk/op","#));
    assert_eq!(tokens.claims().unwrap().len(), 19);
}

#[test]
fn section_8_it_fails_one_second_outside_its_validity_and_the_leeway() {
    let status = |now: i64| verify_at(RESPONSE, now).map(|_| ()).map_err(|error| error.status());
    assert_eq!(status(ISSUED - 60), Ok(()));
    assert_eq!(status(ISSUED - 61), Err(Status::TOKEN_ISSUED_AT));
    assert_eq!(status(EXPIRES + 59), Ok(()));
    assert_eq!(status(EXPIRES + 61), Err(Status::TOKEN_EXPIRED));
}

#[test]
fn section_8_its_at_hash_is_that_of_the_access_token() {
    let mut response: Value = serde_json::from_str(RESPONSE).unwrap();
    let token = response["access_token"].as_str().unwrap().to_owned();
    assert_eq!(Algorithm::Rs256.half_hash(&token), "ioMN8ZVwkuk9s7q6MlsSFA");
    response["access_token"] = format!("{token}x").into();
    let error = verify_at(&response.to_string(), ISSUED).unwrap_err();
    assert_eq!(error.status(), Status::TOKEN_ACCESS_TOKEN_HASH);
}

#[test]
fn the_access_token_is_no_id_token_although_the_same_provider_signed_it() {
    let mut response: Value = serde_json::from_str(RESPONSE).unwrap();
    response["id_token"] = response["access_token"].clone();
    let error = verify_at(&response.to_string(), ISSUED).unwrap_err();
    assert_eq!(error.status(), Status::TOKEN_TYPE);
}

#[test]
fn no_other_character_and_no_part_of_the_real_token_passes() {
    let response: Value = serde_json::from_str(RESPONSE).unwrap();
    let token = response["id_token"].as_str().unwrap();
    let mut changed = response.clone();
    for at in 0..token.len() {
        let (before, rest) = token.split_at(at);
        for character in ['A', 'B', '.', '='] {
            if rest.starts_with(character) {
                continue;
            }
            changed["id_token"] = format!("{before}{character}{}", &rest[1..]).into();
            assert!(verify_at(&changed.to_string(), ISSUED).is_err(), "{character} at {at}");
        }
        changed["id_token"] = before.into();
        assert!(verify_at(&changed.to_string(), ISSUED).is_err(), "the first {at}");
    }
    for at in 0..RESPONSE.trim_end().len() {
        assert!(verify_at(&RESPONSE[..at], ISSUED).is_err());
    }
}

#[test]
fn a_changed_key_set_verifies_the_real_token_or_refuses_it() {
    let policy = ResponsePolicy::default();
    let response = TokenResponse::parse(RESPONSE.as_bytes(), &policy, 0).unwrap();
    let expected = Expected::new("https://pp.netseidbroker.dk/op", "62b8cc03-aa73-4d6a-922c-7c8fb0a4a1d9");
    let mut body = KEYS.as_bytes().to_vec();
    for at in 0..body.len() {
        let old = body[at];
        for new in [b'A', b'"', b'0', 0xff] {
            body[at] = new;
            let Ok(keys) = KeySet::parse(&body) else {
                continue;
            };
            let status = verify(&response, &keys, &expected, ISSUED * 1000)
                .map_or_else(|error| error.status(), |_| Status::OK);
            let possible = [
                Status::OK,
                Status::TOKEN_KEY_NOT_FOUND,
                Status::TOKEN_KEY_UNUSABLE,
                Status::TOKEN_SIGNATURE,
            ];
            assert!(possible.contains(&status), "{status:?}");
        }
        body[at] = old;
    }
}
