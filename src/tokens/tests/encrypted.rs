//! ID Tokens that are encrypted to the client: one changed fact, one status; and whatever fails once the
//! key is in use cannot be told apart.

use super::*;
use crate::error::Error;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use jwe::{encrypt, encrypt_padded};
use secrecy::ExposeSecret;

#[path = "../../../tests/jwe/mod.rs"]
pub(super) mod jwe;

const FAILED: Status = Status::TOKEN_DECRYPTION;
const OAEP: (&str, &str) = ("RSA-OAEP-256", "A256GCM");

/// What a client has that is registered for these algorithms.
fn decryption(alg: &str, enc: &str, key: &DecryptionKey) -> std::result::Result<Decryption, String> {
    let algorithm = KEY_ALGORITHMS.iter().find(|algorithm| algorithm.name == alg).unwrap();
    let encryption = CONTENT_ALGORITHMS.iter().find(|algorithm| algorithm.name == enc).unwrap();
    Decryption::new(algorithm, encryption, None, Some(key))
}

pub(super) fn registered(alg: &str, enc: &str) -> Decryption {
    let name = if alg.starts_with("RSA") { "rsa" } else { "p256" };
    decryption(alg, enc, &key(&keys()[name])).unwrap()
}

/// The keys that [`jwe`] encrypts to are among them.
fn keys() -> Value {
    serde_json::from_str(include_str!("../../../tests/fixtures/keys/keys.jwk.json")).unwrap()
}

fn key(jwk: &Value) -> DecryptionKey {
    let number = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    match jwk["crv"].as_str() {
        Some("P-256") => DecryptionKey::Ec("P-256", number("d").into()),
        Some("P-384") => DecryptionKey::Ec("P-384", number("d").into()),
        Some("P-521") => DecryptionKey::Ec("P-521", number("d").into()),
        _ => {
            let pair = RsaKeyPair::from_components(&KeyPairComponents {
                public_key: PublicKeyComponents { n: number("n"), e: number("e") },
                d: number("d"),
                p: number("p"),
                q: number("q"),
                dP: number("dp"),
                dQ: number("dq"),
                qInv: number("qi"),
            });
            let der: Pkcs8V1Der<'_> = pair.unwrap().as_der().unwrap();
            DecryptionKey::Rsa(der.as_ref().to_vec().into())
        }
    }
}

fn status(decryption: &Decryption, token: &str) -> Status {
    decryption.open(token).map_or_else(|error| error.status(), |_| Status::OK)
}

fn with_part(token: &str, index: usize, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts[index] = encode(change(URL_SAFE_NO_PAD.decode(&parts[index]).unwrap()));
    parts.join(".")
}

fn flipped(mut bytes: Vec<u8>) -> Vec<u8> {
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    bytes
}

pub(super) fn fixtures() -> Value {
    serde_json::from_str(include_str!("../../../tests/fixtures/tokens/encrypted.json")).unwrap()
}

#[test]
fn tokens_that_another_library_encrypted_are_opened_with_every_algorithm_and_curve() {
    let (keys, fixtures) = (keys(), fixtures());
    let mut seen = std::collections::BTreeSet::new();
    for token in fixtures["encrypted"].as_array().unwrap() {
        let text = |name: &str| token[name].as_str().unwrap();
        let (alg, enc, key) = (text("alg"), text("enc"), key(&keys[text("key")]));
        let opened = decryption(alg, enc, &key).unwrap().open(text("id_token")).unwrap();
        assert_eq!(opened.expose_secret(), fixtures["signed"], "{alg} {enc} {}", text("key"));
        seen.insert((alg.to_owned(), enc.to_owned()));
    }
    assert_eq!(seen.len(), KEY_ALGORITHMS.len() * CONTENT_ALGORITHMS.len());
}

#[test]
fn rfc_7516_a_1_is_decrypted_and_refused_since_no_signed_jwt_is_inside() {
    let example = &fixtures()["rfc_7516_a_1"];
    let decryption = decryption("RSA-OAEP", "A256GCM", &key(&example["key"])).unwrap();
    let token = example["token"].as_str().unwrap();
    assert_eq!(
        decryption.decrypted(token).unwrap().as_slice(),
        example["plain"].as_str().unwrap().as_bytes()
    );
    assert_eq!(status(&decryption, token), Status::TOKEN_MALFORMED);
}

#[test]
fn rfc_7518_c_gives_its_key_of_two_named_parties() {
    let bob = json!({"crv": "P-256", "d": "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"});
    let header = r#"{"alg":"ECDH-ES","enc":"A128GCM","apu":"QWxpY2U","apv":"Qm9i","epk":{"kty":"EC",
        "crv":"P-256","x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
        "y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"}}"#;
    let decryption = decryption("ECDH-ES", "A128GCM", &key(&bob)).unwrap();
    let agreed = |header: &str| {
        let key = decryption.first_content_key(&Fields::parse(header).unwrap());
        key.map(|key| encode(&key))
    };
    assert_eq!(agreed(header).as_deref(), Some("VqqN6vgjbSBcIijNcacQGg"));
    assert_ne!(agreed(&header.replace("QWxpY2U", "RXZl")), agreed(header), "another party, another key");
    assert_eq!(agreed(&header.replace("QWxpY2U", "!")), None);
}

#[test]
fn step_1_an_encrypted_id_token_is_opened_where_a_key_is_configured_and_verified_like_any_other() {
    let signed = Attempt::good().id_token();
    for algorithm in &KEY_ALGORITHMS {
        for encryption in &CONTENT_ALGORITHMS {
            let decryption = registered(algorithm.name, encryption.name);
            assert_eq!(decryption.names(), (algorithm.name, encryption.name));
            let mut attempt = Attempt::good();
            let token = encrypt(algorithm.name, encryption.name, &signed, |_| ());
            attempt.respond("id_token", token.as_str());
            assert_eq!(attempt.status(), Status::TOKEN_ENCRYPTED, "without a key");
            attempt.decryption = Some(std::sync::Arc::new(decryption));
            let tokens = attempt.verify().unwrap();
            assert_eq!(tokens.id_token(), Some(signed.as_str()), "as an id_token_hint must be (R-09)");
            assert_eq!(tokens.member("id_token").as_deref(), Some(signed.as_str()), "everywhere");
            assert_eq!(tokens.member_json("id_token"), Some(format!("\"{signed}\"").as_str()));
            assert_eq!(tokens.access_token(), "G5kXH2wHvUra0sHlDy1iTkDJgsgUO1bN");
            assert_eq!(tokens.claim_text("sub").as_deref(), Some("person"));
            attempt.respond("id_token", signed.as_str());
            assert_eq!(attempt.status(), Status::TOKEN_NOT_ENCRYPTED, "a plain one");
        }
    }
}

#[test]
fn what_is_encrypted_is_refused_for_what_is_wrong_with_it() {
    let decryption = std::sync::Arc::new(registered(OAEP.0, OAEP.1));
    let status = |change: &dyn Fn(&mut Attempt)| {
        let mut attempt = Attempt::good();
        change(&mut attempt);
        let token = encrypt(OAEP.0, OAEP.1, &attempt.id_token(), |_| ());
        attempt.respond("id_token", token);
        attempt.decryption = Some(decryption.clone());
        attempt.status()
    };
    assert_eq!(status(&|_| ()), Status::OK);
    assert_eq!(status(&|a| a.claim("iss", "x")), Status::TOKEN_ISSUER);
    assert_eq!(status(&|a| a.signer = "RS256 by another key"), Status::TOKEN_SIGNATURE);
    assert_eq!(status(&|a| a.head("alg", "none")), Status::TOKEN_ALGORITHM);
    for inside in [
        Value::Object(Attempt::good().claims).to_string(), // claims without a signature
        encrypt(OAEP.0, OAEP.1, &Attempt::good().id_token(), |_| ()), // encrypted twice
        format!("{}.e30.", encode(r#"{"alg":"none"}"#)),
        String::new(),
    ] {
        let mut attempt = Attempt::good();
        attempt.respond("id_token", encrypt(OAEP.0, OAEP.1, &inside, |_| ()));
        attempt.decryption = Some(decryption.clone());
        assert_eq!(attempt.status(), Status::TOKEN_MALFORMED, "{inside}");
    }
}

/// One row: what is changed in the header, the status that follows, and the change.
type HeaderRow = (&'static str, Status, fn(&mut Value));

#[test]
fn step_2_the_outer_header_is_what_the_settings_say_and_asks_for_nothing_else() {
    const ROWS: &[HeaderRow] = &[
        ("the twin", Status::OK, |_| ()),
        ("no cty", Status::OK, |h| drop(h.as_object_mut().unwrap().remove("cty"))),
        ("cty jwt", Status::OK, |h| h["cty"] = "jwt".into()),
        ("cty application/jwt", Status::OK, |h| h["cty"] = "application/jwt".into()),
        ("another cty", Status::TOKEN_TYPE, |h| h["cty"] = "json".into()),
        ("cty null", Status::TOKEN_TYPE, |h| h["cty"] = Value::Null),
        ("zip", Status::TOKEN_CRITICAL_HEADER, |h| h["zip"] = "DEF".into()),
        ("zip null", Status::TOKEN_CRITICAL_HEADER, |h| h["zip"] = Value::Null),
        ("crit", Status::TOKEN_CRITICAL_HEADER, |h| h["crit"] = json!(["exp"])),
        ("crit that is empty", Status::TOKEN_CRITICAL_HEADER, |h| h["crit"] = json!([])),
        ("b64", Status::TOKEN_CRITICAL_HEADER, |h| h["b64"] = false.into()),
        ("RSA1_5", Status::TOKEN_ALGORITHM, |h| h["alg"] = "RSA1_5".into()),
        ("dir", Status::TOKEN_ALGORITHM, |h| h["alg"] = "dir".into()),
        ("none", Status::TOKEN_ALGORITHM, |h| h["alg"] = "none".into()),
        ("PBES2", Status::TOKEN_ALGORITHM, |h| {
            h["alg"] = "PBES2-HS256+A128KW".into();
            h["p2c"] = 2_000_000_000.into();
        }),
        ("the same key's RSA-OAEP", Status::TOKEN_ALGORITHM, |h| h["alg"] = "RSA-OAEP".into()),
        ("in lower case", Status::TOKEN_ALGORITHM, |h| h["alg"] = "rsa-oaep-256".into()),
        ("no alg", Status::TOKEN_ALGORITHM, |h| drop(h.as_object_mut().unwrap().remove("alg"))),
        ("another enc", Status::TOKEN_ALGORITHM, |h| h["enc"] = "A128GCM".into()),
        ("its own default", Status::TOKEN_ALGORITHM, |h| h["enc"] = "A128CBC-HS256".into()),
        ("no enc", Status::TOKEN_ALGORITHM, |h| drop(h.as_object_mut().unwrap().remove("enc"))),
        ("keys of its own are not used", Status::OK, |h| {
            h["jwk"] = rsa_jwk(&OTHER_RSA, "x");
            h["jku"] = "https://attacker.example/keys".into();
            h["x5u"] = "https://attacker.example/chain".into();
        }),
    ];
    let decryption = registered(OAEP.0, OAEP.1);
    for (name, expected, change) in ROWS {
        let token = encrypt(OAEP.0, OAEP.1, &Attempt::good().id_token(), change);
        assert_eq!(status(&decryption, &token), *expected, "{name}");
    }
}

#[test]
fn step_1_only_five_parts_in_strict_base64url_are_read() {
    const MALFORMED: Status = Status::TOKEN_MALFORMED;
    let decryption = registered(OAEP.0, OAEP.1);
    let good = encrypt(OAEP.0, OAEP.1, &Attempt::good().id_token(), |_| ());
    assert_eq!(status(&decryption, &good), Status::OK);
    let (_, rest) = good.split_once('.').unwrap();
    let twice = encode(r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","enc":"A256GCM"}"#);
    for (name, token) in [
        ("four parts", good.rsplit_once('.').unwrap().0.to_owned()),
        ("six parts", format!("{good}.AAAA")),
        ("padding", format!("{good}==")),
        ("a space", format!("{good} ")),
        ("the other alphabet", good.replacen('.', "+/.", 1)),
        ("no header", format!(".{rest}")),
        ("a header that is no object", format!("{}.{rest}", encode("[]"))),
        ("a header with a name twice", format!("{twice}.{rest}")),
        ("a megabyte", format!("{good}{}", "A".repeat(1 << 20))),
    ] {
        assert_eq!(status(&decryption, &token), MALFORMED, "{name}");
    }
    let message = |length: usize| {
        let error = decryption.open(&"A".repeat(length)).unwrap_err();
        error.message().to_owned()
    };
    assert!(message(1 << 20).contains("five parts"), "a token of the largest size is looked at");
    assert!(message((1 << 20) + 1).contains("larger than the limit"));
}

#[test]
fn every_failure_of_decryption_is_one_and_the_same_error() {
    let signed = Attempt::good().id_token();
    let same = Error::from(FAILED);
    let algorithms = KEY_ALGORITHMS
        .iter()
        .flat_map(|key| ["A128GCM", "A128CBC-HS256", "A256CBC-HS512"].map(|enc| (key.name, enc)));
    for (alg, enc) in algorithms {
        let decryption = registered(alg, enc);
        let good = encrypt(alg, enc, &signed, |_| ());
        assert_eq!(status(&decryption, &good), Status::OK, "{alg} {enc}");
        let direct = alg == "ECDH-ES";
        let mut wrong = vec![
            ("a key of another length", with_part(&good, 1, |key| [key, vec![0; 8]].concat())),
            ("a nonce bit", with_part(&good, 2, flipped)),
            ("a nonce that is too short", with_part(&good, 2, |nonce| nonce[1..].to_vec())),
            ("no nonce", with_part(&good, 2, |_| Vec::new())),
            ("a bit of the text", with_part(&good, 3, flipped)),
            ("no text", with_part(&good, 3, |_| Vec::new())),
            ("a bit of the tag", with_part(&good, 4, flipped)),
            ("half a tag", with_part(&good, 4, |tag| tag[..8].to_vec())),
            ("no tag", with_part(&good, 4, |_| Vec::new())),
            ("the tag moved into the text", {
                let moved = URL_SAFE_NO_PAD.decode(good.rsplit_once('.').unwrap().1).unwrap();
                let all = with_part(&good, 3, |text| [&text, &moved[..8]].concat());
                with_part(&all, 4, |tag| tag[8..].to_vec())
            }),
            (
                "another header",
                with_part(&good, 0, |header| {
                    String::from_utf8(header).unwrap().replacen("client-enc", "client-enx", 1).into()
                }),
            ),
        ];
        if enc != "A128GCM" {
            let padded = |padding: &[u8]| {
                let block = [&[b' '; 16][..16 - padding.len()], padding].concat();
                let whole = [signed.as_bytes(), &vec![b' '; 16 - signed.len() % 16], &block].concat();
                encrypt_padded(alg, enc, whole, |_| ())
            };
            let blanks = decryption.decrypted(&padded(&[2, 2])).unwrap();
            assert_eq!(String::from_utf8(blanks.to_vec()).unwrap().trim_end(), signed, "the twin");
            wrong.extend([
                ("no padding", padded(b"  ")),
                ("padding of 0", padded(&[0])),
                ("padding of 17", padded(&[17; 16])),
                ("padding that is not the same throughout", padded(&[1, 2])),
                ("nothing but a block that is no padding", encrypt_padded(alg, enc, vec![0; 16], |_| ())),
            ]);
        }
        if !direct {
            wrong.push(("a bit of the key", with_part(&good, 1, flipped)));
            wrong.push(("no key", with_part(&good, 1, |_| Vec::new())));
            wrong.push(("a huge key", with_part(&good, 1, |_| vec![7; 100_000])));
            let other = if enc == "A256CBC-HS512" { "A256GCM" } else { "A256CBC-HS512" };
            let longer = encrypt(alg, other, &signed, |header| header["enc"] = enc.into());
            wrong.push(("a key for another enc", longer));
        }
        if let Some(agreed) = alg.strip_prefix("ECDH-ES") {
            let epk = |change: fn(&mut Value)| {
                encrypt(&format!("ECDH-ES{agreed}"), enc, &signed, |header| change(&mut header["epk"]))
            };
            wrong.extend([
                ("no epk", encrypt(alg, enc, &signed, |h| drop(h.as_object_mut().unwrap().remove("epk")))),
                (
                    "an epk off the curve",
                    epk(|key| {
                        let y = URL_SAFE_NO_PAD.decode(key["y"].as_str().unwrap()).unwrap();
                        key["y"] = encode(flipped(y)).into();
                    }),
                ),
                (
                    "an epk of zeros",
                    epk(|key| {
                        key["x"] = encode([0; 32]).into();
                        key["y"] = encode([0; 32]).into();
                    }),
                ),
                ("an epk on another curve", epk(|key| *key = ec_jwk(&P384, "P-384", "x"))),
                ("an epk that names another curve", epk(|key| key["crv"] = "P-384".into())),
                ("an epk of another kind", epk(|key| key["kty"] = "OKP".into())),
                ("an epk that is short", epk(|key| key["x"] = "AAAA".into())),
                ("an apu that was not agreed", encrypt(alg, enc, &signed, |h| h["apu"] = "QQ".into())),
                ("an apu that is no Base64url", encrypt(alg, enc, &signed, |h| h["apu"] = "!".into())),
            ]);
        }
        for (name, token) in wrong {
            assert_eq!(decryption.open(&token).err(), Some(same.clone()), "{alg} {enc}: {name}");
        }
    }
}

#[test]
fn a_token_for_another_key_is_not_opened() {
    let token = encrypt("RSA-OAEP", "A128GCM", &Attempt::good().id_token(), |_| ());
    let other = key(&fixtures()["rfc_7516_a_1"]["key"]);
    let other = decryption("RSA-OAEP", "A128GCM", &other).unwrap();
    assert_eq!(status(&registered("RSA-OAEP", "A128GCM"), &token), Status::OK);
    assert_eq!(status(&other, &token), FAILED);
}

#[test]
fn while_a_client_changes_its_key_both_open_what_is_encrypted_to_either() {
    let (keys, old_rsa) = (keys(), &fixtures()["rfc_7516_a_1"]["key"]);
    let other_p256 = json!({"crv": "P-256", "d": encode([7; 32])});
    for (alg, new, old) in [
        ("RSA-OAEP", &keys["rsa"], old_rsa),
        ("ECDH-ES", &keys["p256"], &other_p256),
        ("ECDH-ES+A128KW", &keys["p256"], &other_p256),
    ] {
        let named = |kid: Option<&str>, jwk: &Value| {
            let kid = kid.map(str::to_owned);
            let algorithm = KEY_ALGORITHMS.iter().find(|algorithm| algorithm.name == alg).unwrap();
            Decryption::new(algorithm, &CONTENT_ALGORITHMS[0], kid, Some(&key(jwk))).unwrap()
        };
        let token = |kid: Option<&str>| {
            encrypt(alg, CONTENT_ALGORITHMS[0].name, &Attempt::good().id_token(), |header| match kid {
                Some(kid) => header["kid"] = kid.into(),
                None => drop(header.as_object_mut().unwrap().remove("kid")),
            })
        };
        let both = || named(Some("old"), old).and(named(Some("new"), new));
        let reversed = named(Some("new"), new).and(named(Some("old"), old));
        let without_names = named(None, old).and(named(None, new));
        for (name, decryption, kid, expected) in [
            ("named", &both(), Some("new"), Status::OK),
            ("named, the other way round", &reversed, Some("new"), Status::OK),
            ("not named", &both(), None, Status::OK),
            ("not named, the other way round", &reversed, None, Status::OK),
            ("of an unknown name", &both(), Some("unknown"), Status::OK),
            ("without names", &without_names, Some("new"), Status::OK),
            ("neither has a name", &without_names, None, Status::OK),
            ("of the other's name", &both(), Some("old"), FAILED),
            ("one alone", &named(Some("any"), new), Some("old"), Status::OK),
            ("the other alone", &named(Some("old"), old), Some("new"), FAILED),
            ("twice of one name", &named(Some("x"), old).and(named(Some("x"), new)), Some("x"), Status::OK),
        ] {
            assert_eq!(status(decryption, &token(kid)), expected, "{alg}, {name}");
        }
        let damaged = with_part(&token(None), 4, flipped);
        assert_eq!(both().open(&damaged).err(), Some(Error::from(FAILED)), "{alg}: with no key at all");
    }
}

#[test]
fn a_key_that_does_not_fit_is_refused_with_what_is_needed() {
    let (rsa, p256) = (key(&keys()["rsa"]), key(&keys()["p256"]));
    for (alg, key, needed) in [
        ("RSA-OAEP", &p256, "RSA-OAEP needs an RSA key"),
        ("ECDH-ES", &rsa, "ECDH-ES needs a P-256, P-384 or P-521 key"),
        ("ECDH-ES", &DecryptionKey::Ec("P-256", vec![0; 32].into()), "ECDH-ES needs a sound EC key"),
        ("ECDH-ES", &DecryptionKey::Ec("P-384", vec![1; 32].into()), "ECDH-ES needs a sound EC key"),
        ("RSA-OAEP", &DecryptionKey::Rsa(vec![0; 32].into()), "RSA-OAEP needs a sound RSA key"),
    ] {
        assert_eq!(decryption(alg, "A128GCM", key).err().as_deref(), Some(needed));
    }
}

#[test]
fn no_character_of_an_encrypted_token_can_be_changed_and_no_beginning_of_it_is_taken() {
    let good = encrypt("ECDH-ES+A128KW", "A128GCM", &Attempt::good().id_token(), |_| ());
    let decryption = registered("ECDH-ES+A128KW", "A128GCM");
    assert_eq!(status(&decryption, &good), Status::OK);
    for at in 0..good.len() {
        let other = if good[at..].starts_with('A') { 'B' } else { 'A' };
        let changed = format!("{}{other}{}", &good[..at], &good[at + 1..]);
        assert_ne!(status(&decryption, &changed), Status::OK, "{at}");
        assert_ne!(status(&decryption, &good[..at]), Status::OK, "{at}");
    }
}
