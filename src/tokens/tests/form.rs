//! Form, header and signature of a token, step by step in their order: one changed fact, one
//! status. The keys have tests of their own.

use super::*;

#[test]
fn step_1_only_a_compact_jws_of_three_parts_in_strict_base64url_is_read() {
    const MALFORMED: Status = Status::TOKEN_MALFORMED;
    fn parts(token: &str) -> Vec<&str> {
        token.split('.').collect()
    }
    check_table(
        &Attempt::good(),
        &[
            ("two parts", MALFORMED, |a| a.token = |t| parts(&t)[..2].join(".")),
            ("one part", MALFORMED, |a| a.token = |t| parts(&t)[1].into()),
            ("four parts", MALFORMED, |a| a.token = |t| format!("{t}.AAAA")),
            ("an empty fourth part", MALFORMED, |a| a.token = |t| format!("{t}.")),
            ("five parts", Status::TOKEN_ENCRYPTED, |a| a.token = |t| format!("{t}.AAAA.AAAA")),
            ("five parts, two empty", Status::TOKEN_ENCRYPTED, |a| a.token = |t| format!("{t}..")),
            ("five parts with padding", MALFORMED, |a| a.token = |t| format!("{t}.AA==.AAAA")),
            ("six parts", MALFORMED, |a| a.token = |t| format!("{t}.AAAA.AAAA.AAAA")),
            ("no header", MALFORMED, |a| a.token = |t| format!(".{}", parts(&t)[1..].join("."))),
            ("no payload", MALFORMED, |a| {
                a.token = |t| format!("{}..{}", parts(&t)[0], parts(&t)[2]);
            }),
            ("no signature", MALFORMED, |a| a.token = |t| format!("{}.", parts(&t)[..2].join("."))),
            ("padding", MALFORMED, |a| a.token = |t| format!("{t}==")),
            ("padding inside", MALFORMED, |a| a.token = |t| t.replacen('.', "=.", 1)),
            ("a space before", MALFORMED, |a| a.token = |t| format!(" {t}")),
            ("a line break behind", MALFORMED, |a| a.token = |t| format!("{t}\n")),
            ("a line break inside", MALFORMED, |a| a.token = |t| t.replacen('.', ".\n", 1)),
            ("the other alphabet", MALFORMED, |a| a.token = |t| t.replacen('.', "+/.", 1)),
            ("a character of no ASCII", MALFORMED, |a| a.token = |t| t.replacen('.', "é.", 1)),
            ("bits that say nothing", MALFORMED, |a| {
                // 256 bytes end in four bits that must be zero: the next letter has another bit.
                a.token = |t| {
                    let last = t.chars().last().unwrap();
                    format!("{}{}", &t[..t.len() - 1], (last as u8 + 1) as char)
                };
            }),
            ("a megabyte", MALFORMED, |a| a.claim("x", "x".repeat(1 << 20))),
        ],
    );
    let message = |length: usize| {
        let mut attempt = Attempt::good();
        attempt.respond("id_token", "A".repeat(length));
        attempt.verify().unwrap_err().message().to_owned()
    };
    assert!(message(1 << 20).contains("three parts"), "a token of the largest size is looked at");
    assert!(message((1 << 20) + 1).contains("larger than the limit"));
}

#[test]
fn step_2_the_header_is_a_plain_object() {
    const MALFORMED: Status = Status::TOKEN_MALFORMED;
    check_table(
        &Attempt::good(),
        &[
            ("no JSON", MALFORMED, |a| a.header_text = Some(b"RS256".to_vec())),
            ("an array", MALFORMED, |a| a.header_text = Some(b"[\"RS256\"]".to_vec())),
            ("not UTF-8", MALFORMED, |a| {
                a.header_text = Some(b"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x\":\"\xff\"}".to_vec());
            }),
            ("text behind it", MALFORMED, |a| {
                a.header_text = Some(br#"{"alg":"RS256","kid":"rsa"} x"#.to_vec());
            }),
            ("alg twice", MALFORMED, |a| {
                a.header_text = Some(br#"{"alg":"RS256","kid":"rsa","alg":"RS256"}"#.to_vec());
            }),
            ("a name twice, once escaped", MALFORMED, |a| {
                a.header_text = Some(br#"{"alg":"RS256","kid":"rsa","\u006bid":"rsa"}"#.to_vec());
            }),
            ("a name twice, deep", MALFORMED, |a| {
                a.header_text = Some(br#"{"alg":"RS256","kid":"rsa","x":{"y":1,"y":1}}"#.to_vec());
            }),
            ("kid is a number", MALFORMED, |a| a.head("kid", 1)),
            ("kid is null", MALFORMED, |a| a.head("kid", Value::Null)),
            ("keys of its own are not used", Status::OK, |a| {
                a.head("jwk", rsa_jwk(&OTHER_RSA, "rsa"));
                a.head("jku", "https://attacker.example/keys");
                a.head("x5u", "https://attacker.example/chain");
                a.head("x5c", json!(["AAAA"]));
            }),
            ("nor do they help", Status::TOKEN_SIGNATURE, |a| {
                a.head("jwk", rsa_jwk(&OTHER_RSA, "rsa"));
                a.signer = "RS256 by another key";
            }),
        ],
    );
}

#[test]
fn step_2_only_the_registered_algorithm_is_allowed_whatever_key_the_set_has() {
    const ALGORITHM: Status = Status::TOKEN_ALGORITHM;
    check_table(
        &Attempt::good(),
        &[
            ("none", ALGORITHM, |a| a.head("alg", "none")),
            ("noNE", ALGORITHM, |a| a.head("alg", "noNE")),
            ("none, unsigned", Status::TOKEN_MALFORMED, |a| {
                a.head("alg", "none");
                a.signature = |_| Vec::new();
            }),
            ("no alg", ALGORITHM, |a| drop(a.header.remove("alg"))),
            ("null", ALGORITHM, |a| a.head("alg", Value::Null)),
            ("a number", ALGORITHM, |a| a.head("alg", 256)),
            ("an array", ALGORITHM, |a| a.head("alg", json!(["RS256"]))),
            ("lower case", ALGORITHM, |a| a.head("alg", "rs256")),
            ("a space", ALGORITHM, |a| a.head("alg", "RS256 ")),
            ("the same key's PS256, right", ALGORITHM, |a| {
                a.head("alg", "PS256");
                a.signer = "PS256";
            }),
            ("another key's ES256, right", ALGORITHM, |a| {
                a.head("alg", "ES256");
                a.head("kid", "p256");
                a.signer = "ES256";
            }),
            ("HS256 with the public key as the secret", ALGORITHM, |a| {
                a.head("alg", "HS256");
                a.token = |token| {
                    let message = token.rsplit_once('.').unwrap().0;
                    let secret = rsa_jwk(&RSA, "rsa")["n"].to_string();
                    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
                    format!("{message}.{}", encode(aws_lc_rs::hmac::sign(&key, message.as_bytes())))
                };
            }),
        ],
    );
    // The conformance suite's alternate algorithm: RS256 with a key of the set, PS256 registered.
    check_table(
        &Attempt::signed_with("PS256"),
        &[("RS256, right", ALGORITHM, |a| {
            a.head("alg", "RS256");
            a.signer = "RS256";
        })],
    );
}

#[test]
fn step_2_nothing_critical_and_no_other_type() {
    const CRITICAL: Status = Status::TOKEN_CRITICAL_HEADER;
    check_table(
        &Attempt::good(),
        &[
            ("crit", CRITICAL, |a| {
                a.head("crit", json!(["exp"]));
                a.head("exp", NOW);
            }),
            ("crit that is empty", CRITICAL, |a| a.head("crit", json!([]))),
            ("crit that is null", CRITICAL, |a| a.head("crit", Value::Null)),
            ("crit b64", CRITICAL, |a| {
                a.head("crit", json!(["b64"]));
                a.head("b64", true);
            }),
            ("b64 false", CRITICAL, |a| a.head("b64", false)),
            ("b64 as text", CRITICAL, |a| a.head("b64", "true")),
            ("b64 true", Status::OK, |a| a.head("b64", true)),
            ("no typ", Status::OK, |a| drop(a.header.remove("typ"))),
            ("typ jwt", Status::OK, |a| a.head("typ", "jwt")),
            ("typ application/jwt", Status::OK, |a| a.head("typ", "application/JWT")),
            ("typ at+jwt", Status::TOKEN_TYPE, |a| a.head("typ", "at+jwt")),
            ("typ logout+jwt", Status::TOKEN_TYPE, |a| a.head("typ", "logout+jwt")),
            ("typ application/at+jwt", Status::TOKEN_TYPE, |a| a.head("typ", "application/at+jwt")),
            ("typ null", Status::TOKEN_TYPE, |a| a.head("typ", Value::Null)),
            ("typ empty", Status::TOKEN_TYPE, |a| a.head("typ", "")),
        ],
    );
}

#[test]
fn step_2_a_token_of_events_is_no_id_token_whatever_its_typ() {
    // A logout token (OpenID Connect Back-Channel Logout §2.4) may have every claim that an ID Token must have.
    const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";
    check_table(
        &Attempt::good(),
        &[
            ("a logout token", Status::TOKEN_TYPE, |a| a.claim("events", json!({LOGOUT: {}}))),
            ("without typ", Status::TOKEN_TYPE, |a| {
                a.header.remove("typ");
                a.claim("events", json!({LOGOUT: {}}));
            }),
            ("no events", Status::TOKEN_TYPE, |a| a.claim("events", json!({}))),
            ("a claim of the provider's own by that name", Status::OK, |a| a.claim("events", "none")),
        ],
    );
}

#[test]
fn step_5_the_signature_is_over_the_bytes_as_they_came() {
    const SIGNATURE: Status = Status::TOKEN_SIGNATURE;
    check_table(
        &Attempt::good(),
        &[
            ("each byte XOR 0x5A", SIGNATURE, |a| {
                a.signature = |s| s.into_iter().map(|byte| byte ^ 0x5a).collect();
            }),
            ("one bit", SIGNATURE, |a| {
                a.signature = |mut s| {
                    s[200] ^= 1;
                    s
                }
            }),
            ("one byte less", SIGNATURE, |a| {
                a.signature = |mut s| {
                    s.pop();
                    s
                }
            }),
            ("one byte more", SIGNATURE, |a| {
                a.signature = |mut s| {
                    s.push(0);
                    s
                }
            }),
            ("one zero before", SIGNATURE, |a| a.signature = |s| [vec![0], s].concat()),
            ("all zero", SIGNATURE, |a| a.signature = |s| vec![0; s.len()]),
            ("another trusted key", SIGNATURE, |a| a.signer = "RS256 by another key"),
            ("the kid of another trusted key", SIGNATURE, |a| a.head("kid", "other")),
            ("another payload", SIGNATURE, |a| {
                a.token = |token| {
                    let parts: Vec<&str> = token.split('.').collect();
                    let claims = URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
                    let claims = String::from_utf8(claims).unwrap().replacen("person", "Person", 1);
                    format!("{}.{}.{}", parts[0], encode(claims), parts[2])
                };
            }),
        ],
    );
}
