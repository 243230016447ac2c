//! Which key of the provider's set checks a token, and which never does.

use std::time::{Duration, Instant};

use super::*;

const NOT_FOUND: Status = Status::TOKEN_KEY_NOT_FOUND;
const UNUSABLE: Status = Status::TOKEN_KEY_UNUSABLE;

#[test]
fn step_3_the_key_is_the_one_of_the_kid() {
    check_table(
        &Attempt::good(),
        &[
            ("an unknown kid", NOT_FOUND, |a| a.head("kid", "unknown")),
            ("an empty kid", NOT_FOUND, |a| a.head("kid", "")),
            ("another case", NOT_FOUND, |a| a.head("kid", "RSA")),
            ("an unknown kid, one key", NOT_FOUND, |a| {
                a.keep_keys(&["rsa"]);
                a.head("kid", "unknown");
            }),
            ("a kid, and a key without one", NOT_FOUND, |a| drop(a.key("rsa").remove("kid"))),
            ("an empty set", NOT_FOUND, |a| a.keys = json!({"keys": []})),
            ("the kid of a key of another kind", NOT_FOUND, |a| a.head("kid", "p256")),
            ("two keys of one kid, the right one last", Status::OK, |a| {
                a.key("other").insert("kid".into(), "rsa".into());
            }),
            ("two kinds of key of one kid", Status::OK, |a| {
                a.key("p256").insert("kid".into(), "rsa".into());
                a.keys["keys"].as_array_mut().unwrap().reverse();
            }),
        ],
    );
}

#[test]
fn step_3_without_a_kid_a_few_keys_are_tried() {
    let mut good = Attempt::good();
    good.header.remove("kid");
    good.keep_keys(&["rsa", "p256"]);
    check_table(
        &good,
        &[
            ("no key has a kid", Status::OK, |a| drop(a.key("rsa").remove("kid"))),
            ("two fit", Status::OK, |a| a.keys = key_set()),
            ("none fits", NOT_FOUND, |a| a.keep_keys(&["p256"])),
            ("the one is wrong", Status::TOKEN_SIGNATURE, |a| {
                a.keys = json!({"keys": [rsa_jwk(&OTHER_RSA, "rsa")]});
            }),
            ("the right one is the fourth", Status::OK, |a| {
                let other = rsa_jwk(&OTHER_RSA, "o");
                a.keys = json!({"keys": [other, other, other, rsa_jwk(&RSA, "rsa")]});
            }),
            ("the right one is the fifth", Status::TOKEN_SIGNATURE, |a| {
                let other = rsa_jwk(&OTHER_RSA, "o");
                a.keys = json!({"keys": [other, other, other, other, rsa_jwk(&RSA, "rsa")]});
            }),
        ],
    );
}

#[test]
fn a_refusal_says_whether_a_newer_key_set_may_make_the_difference() {
    let old = |change: fn(&mut Attempt)| {
        let mut attempt = Attempt::good();
        change(&mut attempt);
        let error = attempt.verify().unwrap_err();
        (error.status(), error.keys_may_be_old())
    };
    let signature = Status::TOKEN_SIGNATURE;
    assert_eq!(old(|a| a.head("kid", "unknown")), (NOT_FOUND, true));
    assert_eq!(old(|a| a.head("kid", "other")), (signature, false));
    assert_eq!(old(|a| drop(a.key("rsa").insert("e".into(), "AQ".into()))), (UNUSABLE, false));
    let mut attempt = Attempt::good();
    attempt.header.remove("kid");
    attempt.keep_keys(&["other"]);
    let error = attempt.verify().unwrap_err();
    assert_eq!((error.status(), error.keys_may_be_old()), (signature, true));
    attempt.key("other").insert("e".into(), "AQ".into());
    let error = attempt.verify().unwrap_err();
    assert_eq!((error.status(), error.keys_may_be_old()), (UNUSABLE, true));
}

#[test]
fn a_signature_that_one_key_refuses_stays_wrong_whatever_the_other_keys_are() {
    let mut attempt = Attempt::good();
    let (wrong, mut broken) = (rsa_jwk(&OTHER_RSA, "rsa"), rsa_jwk(&OTHER_RSA, "rsa"));
    broken["e"] = "AQ".into();
    for keys in [[&wrong, &broken], [&broken, &wrong]] {
        attempt.keys = json!({ "keys": keys });
        assert_eq!(attempt.status(), Status::TOKEN_SIGNATURE);
    }
}

#[test]
fn step_3_use_key_ops_and_alg_of_a_key_are_kept_to() {
    check_table(
        &Attempt::good(),
        &[
            ("use sig", Status::OK, |a| drop(a.key("rsa").insert("use".into(), "sig".into()))),
            ("use enc", NOT_FOUND, |a| drop(a.key("rsa").insert("use".into(), "enc".into()))),
            ("use null", Status::OK, |a| drop(a.key("rsa").insert("use".into(), Value::Null))),
            ("use a number", NOT_FOUND, |a| drop(a.key("rsa").insert("use".into(), 1.into()))),
            ("key_ops verify", Status::OK, |a| {
                a.key("rsa").insert("key_ops".into(), json!(["verify", "other"]));
            }),
            ("key_ops encrypt", NOT_FOUND, |a| {
                a.key("rsa").insert("key_ops".into(), json!(["encrypt", "wrapKey"]));
            }),
            ("key_ops a string", NOT_FOUND, |a| {
                a.key("rsa").insert("key_ops".into(), json!("verify"));
            }),
            ("alg", Status::OK, |a| drop(a.key("rsa").insert("alg".into(), "RS256".into()))),
            ("another alg", NOT_FOUND, |a| drop(a.key("rsa").insert("alg".into(), "PS256".into()))),
            ("an unknown alg", NOT_FOUND, |a| drop(a.key("rsa").insert("alg".into(), "RSA-OAEP".into()))),
            ("an unknown kty", NOT_FOUND, |a| drop(a.key("rsa").insert("kty".into(), "AKP".into()))),
            ("a symmetric key", NOT_FOUND, |a| drop(a.key("rsa").insert("kty".into(), "oct".into()))),
            ("no kty", NOT_FOUND, |a| drop(a.key("rsa").remove("kty"))),
        ],
    );
    check_table(
        &Attempt::signed_with("ES256"),
        &[
            ("an unknown crv", NOT_FOUND, |a| {
                a.key("p256").insert("crv".into(), "secp256k1".into());
            }),
            ("another crv", NOT_FOUND, |a| drop(a.key("p256").insert("crv".into(), "P-384".into()))),
            ("no crv", NOT_FOUND, |a| drop(a.key("p256").remove("crv"))),
        ],
    );
}

#[test]
fn step_4_a_weak_or_broken_rsa_key_is_not_used() {
    fn set(a: &mut Attempt, name: &str, value: impl Into<Value>) {
        a.key("rsa").insert(name.into(), value.into());
    }
    check_table(
        &Attempt::good(),
        &[
            ("zeros before n", Status::OK, |a| {
                let n = URL_SAFE_NO_PAD.decode(a.key("rsa")["n"].as_str().unwrap()).unwrap();
                set(a, "n", encode([vec![0, 0], n].concat()));
            }),
            ("e of 1", UNUSABLE, |a| set(a, "e", "AQ")),
            ("e of 0", UNUSABLE, |a| set(a, "e", "AA")),
            ("e of 2", UNUSABLE, |a| set(a, "e", "Ag")),
            ("e of 65536", UNUSABLE, |a| set(a, "e", "AQAA")),
            ("e of 3, another key", Status::TOKEN_SIGNATURE, |a| set(a, "e", "Aw")),
            ("e of 2^32 + 1, another key", Status::TOKEN_SIGNATURE, |a| {
                set(a, "e", encode([1, 0, 0, 0, 1]));
            }),
            ("e of 2^33 + 1", UNUSABLE, |a| set(a, "e", encode([2, 0, 0, 0, 1]))),
            ("e as long as n", UNUSABLE, |a| {
                let n = a.key("rsa")["n"].clone();
                set(a, "e", n);
            }),
            ("e of 2^64 + 65537", UNUSABLE, |a| set(a, "e", encode([1, 0, 0, 0, 0, 0, 1, 0, 1]))),
            ("no e", UNUSABLE, |a| drop(a.key("rsa").remove("e"))),
            ("no n", UNUSABLE, |a| drop(a.key("rsa").remove("n"))),
            ("n a number", UNUSABLE, |a| set(a, "n", 7)),
            ("n empty", UNUSABLE, |a| set(a, "n", "")),
            ("n no Base64url", UNUSABLE, |a| set(a, "n", "+/+/")),
            ("n even", UNUSABLE, |a| set(a, "n", encode([&[0xff; 255][..], &[0xfe]].concat()))),
            ("n of 2047 bits", UNUSABLE, |a| set(a, "n", encode([&[0x7f][..], &[0xff; 255]].concat()))),
            ("n of 8193 bits", UNUSABLE, |a| set(a, "n", encode([&[1][..], &[0xff; 1024]].concat()))),
            ("n of 65536 bits", UNUSABLE, |a| set(a, "n", encode([0xff; 8192]))),
            ("a broken one and the right one of one kid", Status::OK, |a| {
                a.key("other").insert("kid".into(), "rsa".into());
                a.keys["keys"][0]["n"] = "AA".into();
            }),
        ],
    );
}

#[test]
fn step_4_a_signature_by_a_key_of_another_size_is_right_and_refused() {
    let text = include_str!("../../../tests/fixtures/tokens/keys_of_odd_sizes.json");
    let sizes: Value = serde_json::from_str(text).unwrap();
    for (name, status) in [
        ("tiny", UNUSABLE),
        ("weak", UNUSABLE),
        ("almost", UNUSABLE),
        ("largest", Status::OK),
        ("huge", UNUSABLE),
    ] {
        let mut attempt = Attempt::good();
        attempt.expectations.clear();
        attempt.keys = json!({"keys": [sizes[name]["key"]]});
        attempt.respond("id_token", sizes[name]["id_token"].clone());
        assert_eq!(attempt.status(), status, "{name}");
    }
}

#[test]
fn step_4_a_signature_that_anybody_can_make_for_e_of_1_is_refused() {
    // With an exponent of 1 the padded hash is its own signature.
    let mut attempt = Attempt::good();
    attempt.key("rsa").insert("e".into(), "AQ".into());
    let token = attempt.id_token();
    let message = token.rsplit_once('.').unwrap().0;
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, message.as_bytes());
    let mut padded = vec![0, 1];
    padded.extend([0xff; 202]);
    padded.extend([0, 0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 32]);
    padded.extend(hash.as_ref());
    assert_eq!(padded.len(), 256);
    attempt.respond("id_token", format!("{message}.{}", encode(padded)));
    assert_eq!(attempt.status(), UNUSABLE);
}

#[test]
fn step_4_a_point_that_is_not_on_the_curve_is_not_used() {
    fn change(a: &mut Attempt, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let key = a.key("p256");
        let mut bytes = URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
        change(&mut bytes);
        key.insert(name.into(), encode(bytes).into());
    }
    check_table(
        &Attempt::signed_with("ES256"),
        &[
            ("off the curve", UNUSABLE, |a| change(a, "y", |y| y[31] ^= 1)),
            ("the zero point", UNUSABLE, |a| {
                change(a, "x", |x| x.fill(0));
                change(a, "y", |y| y.fill(0));
            }),
            ("x too short", UNUSABLE, |a| change(a, "x", |x| x.truncate(31))),
            ("both too short", UNUSABLE, |a| {
                change(a, "x", |x| x.truncate(31));
                change(a, "y", |y| y.truncate(31));
            }),
            ("both too long", UNUSABLE, |a| {
                change(a, "x", |x| x.insert(0, 0));
                change(a, "y", |y| y.insert(0, 0));
            }),
            ("a byte of y at the end of x", UNUSABLE, |a| {
                let mut moved = 0;
                change(a, "y", |y| moved = y.remove(0));
                change(a, "x", |x| x.push(moved));
            }),
            ("no y", UNUSABLE, |a| drop(a.key("p256").remove("y"))),
        ],
    );
    check_table(
        &Attempt::signed_with("EdDSA"),
        &[
            ("x too short", UNUSABLE, |a| drop(a.key("ed").insert("x".into(), "AAAA".into()))),
            ("x in ASN.1", UNUSABLE, |a| {
                let prefix = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
                let x = [&prefix, ED.public_key().as_ref()].concat();
                a.key("ed").insert("x".into(), encode(x).into());
            }),
            ("crv X25519", NOT_FOUND, |a| drop(a.key("ed").insert("crv".into(), "X25519".into()))),
        ],
    );
}

#[test]
fn entries_that_are_no_signature_keys_are_passed_over() {
    let mut attempt = Attempt::good();
    let mut private = rsa_jwk(&RSA, "rsa");
    private["d"] = "planted-private-member".into();
    private["p"] = json!([1, {"x": null}]);
    attempt.keys = json!({
        "keys": [1, null, "key", [], {}, {"kty": 1}, {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
            {"kty": "oct", "k": "AAAA", "kid": "rsa"}, {"kty": "EC", "crv": "P-256K", "kid": "rsa"},
            {"kty": "RSA", "kid": 7, "n": "AQ", "e": "AQ"}, private],
        "extra": {"a": 1},
    });
    assert_eq!(attempt.status(), Status::OK);

    let twice = r#"{"keys":[{"kty":"RSA","kty":"RSA","kid":"rsa","n":"AQ","e":"AQ"}]}"#;
    assert_eq!(KeySet::parse(twice.as_bytes()).unwrap().len(), 0);
}

#[test]
fn a_text_that_is_no_key_set_is_malformed() {
    let deep = format!(r#"{{"keys":[{}{}]}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(KeySet::parse(deep.as_bytes()).unwrap().len(), 0);
    for text in [
        "",
        "<html>",
        "[]",
        "null",
        "{}",
        r#"{"keys":null}"#,
        r#"{"keys":{}}"#,
        r#"{"keys":"x"}"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[}"#,
        r#"{"keys":[]} x"#,
    ] {
        let error = KeySet::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.status(), Status::KEYS_MALFORMED, "{text}");
    }
    assert!(KeySet::parse(b"{\"keys\":[],\"x\":\"\xff\"}").is_err());
}

#[test]
fn ten_thousand_keys_cost_no_more_than_reading_them() {
    let mut attempt = Attempt::good();
    attempt.header.remove("kid");
    let mut keys = vec![rsa_jwk(&RSA, "rsa")];
    keys.extend((0..10_000).map(|n| rsa_jwk(&OTHER_RSA, &format!("key{n}"))));
    attempt.keys = json!({ "keys": keys });
    let text = attempt.keys.to_string();
    let start = Instant::now();
    let set = KeySet::parse(text.as_bytes()).unwrap();
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(set.len(), 100);
    assert_eq!(attempt.status(), Status::OK);

    // Entries of other kinds do not count: the signature key behind them is found.
    let mut keys = vec![json!({"kty": "oct", "k": "AAAA"}); 10_000];
    keys.push(rsa_jwk(&RSA, "rsa"));
    attempt.keys = json!({ "keys": keys });
    assert_eq!(attempt.status(), Status::OK);
}
