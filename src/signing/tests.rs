use aws_lc_rs::signature::{KeyPair as _, UnparsedPublicKey, VerificationAlgorithm};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::*;

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../tests/fixtures/keys/", $name))
    };
}

const RSA: &str = fixture!("rsa_pkcs8.pem");
const P256: &str = fixture!("p256_pkcs8.pem");
const P384: &str = fixture!("p384_sec1.pem");
const P521: &str = fixture!("p521_pkcs8.pem");
const ED25519: &str = fixture!("ed25519.pem");
/// The published secret of Signaturgruppen's demo client.
const SECRET: &str =
    "mIpxk84FI1wpc7cP7nodFLfgQQ1ScZHYO44FZ9wPOqrB0ha9S5RUNYPXMkrCWwRjGqEH0hflnIJea8IKmW19aQ==";

fn read(text: &str) -> PrivateKey {
    PrivateKey::read(text).unwrap()
}

fn jwk(name: &str) -> Value {
    serde_json::from_str::<Value>(fixture!("keys.jwk.json")).unwrap()[name].take()
}

fn algorithm(name: &str) -> &'static Algorithm {
    Algorithm::named(name).unwrap()
}

/// A signer with whichever of the keys fits.
fn signer(name: &str) -> Signer {
    let algorithm = algorithm(name);
    match algorithm.family {
        Family::Rsa(_) => Signer::with_key(algorithm, &read(RSA), None),
        Family::Ecdsa(Curve::P256) => Signer::with_key(algorithm, &read(P256), None),
        Family::Ecdsa(Curve::P384) => Signer::with_key(algorithm, &read(P384), None),
        Family::Ecdsa(Curve::P521) => Signer::with_key(algorithm, &read(P521), None),
        Family::Ed25519 => Signer::with_key(algorithm, &read(ED25519), None),
        Family::Hmac(..) => Signer::with_secret(algorithm, SECRET),
    }
    .unwrap()
}

fn signature_of(signer: &Signer, message: &str) -> String {
    URL_SAFE_NO_PAD.encode(signer.sign(message.as_bytes()).unwrap())
}

fn claims<'a>() -> Claims<'a> {
    Claims {
        issuer: "me",
        subject: Some("me"),
        audience: "https://id.example",
        unix_ms: 1_700_000_000_999,
        lifetime_s: 60,
        more: Vec::new(),
    }
}

fn signed(jwt: Result<Jwt>) -> SecretString {
    match jwt.unwrap() {
        Jwt::Signed(jwt) => jwt,
        Jwt::Unsigned(_) => panic!("not signed"),
    }
}

/// Header and claims of a JWT.
fn parts(jwt: &str) -> (String, String) {
    let text = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let parts: Vec<&str> = jwt.split('.').collect();
    assert_eq!(parts.len(), 3);
    (text(parts[0]), text(parts[1]))
}

#[test]
fn every_form_of_key_is_read_with_its_kind_and_its_usual_algorithm() {
    for (text, kind, usual) in [
        (RSA, "an RSA key", "RS256"),
        (fixture!("rsa_pkcs1.pem"), "an RSA key", "RS256"),
        (P256, "a P-256 key", "ES256"),
        (fixture!("p256_sec1.pem"), "a P-256 key", "ES256"),
        (P384, "a P-384 key", "ES384"),
        (P521, "a P-521 key", "ES512"),
        (ED25519, "an Ed25519 key", "EdDSA"),
    ] {
        let key = read(text);
        assert_eq!((key.pair.kind(), key.usual_algorithm()), (kind, usual));
        assert_eq!(read(&text.replace('\n', "\r\n")).pair.kind(), kind, "as on Windows");
        assert_eq!(read(&format!("subject=me\n{}{text}", fixture!("rsa_public.pem"))).pair.kind(), kind);
    }
    for (name, kind) in [
        ("rsa", "an RSA key"),
        ("p256", "a P-256 key"),
        ("p384", "a P-384 key"),
        ("p521", "a P-521 key"),
        ("ed25519", "an Ed25519 key"),
    ] {
        let mut jwk = jwk(name);
        for (member, value) in [("kid", "æ \"1\""), ("use", "sig"), ("x5t", "unknown"), ("alg", "PS256")] {
            jwk[member] = value.into();
        }
        jwk["key_ops"] = json!(["sign", "verify"]);
        let key = read(&format!(" \n{jwk:#}"));
        assert_eq!((key.pair.kind(), key.key_id.as_deref()), (kind, Some("æ \"1\"")));
        assert_eq!(key.usual_algorithm(), "PS256");
    }
}

#[test]
fn a_key_is_the_same_key_in_every_form() {
    let public = |text: &str| match read(text).pair {
        KeyPair::Rsa(pair) => pair.public_key().as_ref().to_vec(),
        KeyPair::Ecdsa(_, pair) => pair.public_key().as_ref().to_vec(),
        KeyPair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
    };
    for (pem, name) in [(RSA, "rsa"), (P256, "p256"), (P384, "p384"), (P521, "p521"), (ED25519, "ed25519")] {
        assert_eq!(public(pem), public(&jwk(name).to_string()), "{name}");
    }
    assert_eq!(public(RSA), public(fixture!("rsa_pkcs1.pem")));
    assert_eq!(public(P256), public(fixture!("p256_sec1.pem")));
    let mut padded = jwk("rsa"); // a number as ASN.1 has it
    let n = URL_SAFE_NO_PAD.decode(padded["n"].as_str().unwrap()).unwrap();
    padded["n"] = URL_SAFE_NO_PAD.encode([&[0], n.as_slice()].concat()).into();
    assert_eq!(public(RSA), public(&padded.to_string()));
}

#[test]
fn what_is_no_sound_private_key_is_refused_and_nothing_of_it_is_shown() {
    let changed = |name: &str, member: &str, value: Value| {
        let mut jwk = jwk(name);
        jwk[member] = value;
        jwk.to_string()
    };
    let without = |name: &str, member: &str| {
        let mut jwk = jwk(name);
        jwk.as_object_mut().unwrap().remove(member);
        jwk.to_string()
    };
    let twice = jwk("ed25519").to_string().replacen('{', r#"{"d":"AAAA","#, 1);
    let damaged = RSA.replacen("MII", "M*I", 1);
    let shorter = ED25519.replacen("MC4CAQAw", "MC4C", 1);
    let other = |name: &str| jwk(name);
    for (what, text, why) in [
        ("encrypted", fixture!("rsa_encrypted.pem").to_owned(), "encrypted"),
        ("encrypted, older", fixture!("rsa_encrypted_traditional.pem").to_owned(), "encrypted"),
        ("public", fixture!("rsa_public.pem").to_owned(), "neither"),
        ("small", fixture!("rsa_1024.pem").to_owned(), "2048"),
        ("another curve", fixture!("secp256k1.pem").to_owned(), "P-256"),
        ("no Base64", damaged, "damaged"),
        ("no end", RSA.replace("-----END PRIVATE KEY-----", ""), "damaged"),
        ("no DER", shorter, "not a sound key"),
        ("nothing", String::new(), "neither"),
        ("a path", "/etc/keys/planted.pem".to_owned(), "neither"),
        ("no JSON", jwk("rsa").to_string().replacen(':', ";", 1), "not one"),
        ("a name twice", twice, "not one"),
        ("a key set", json!({ "keys": [jwk("rsa")] }).to_string(), "not one"),
        ("a public JWK", without("p256", "d"), "sound private key"),
        ("no factors", without("rsa", "dp"), "sound private key"),
        ("another exponent", changed("rsa", "d", other("rsa")["dp"].clone()), "sound private key"),
        ("another point", changed("p256", "x", other("p256")["y"].clone()), "sound private key"),
        ("another curve", changed("p384", "crv", json!("P-256")), "sound private key"),
        ("another seed", changed("ed25519", "d", other("p256")["d"].clone()), "sound private key"),
        ("short seed", changed("ed25519", "d", json!("AAAA")), "sound private key"),
        ("another kind", changed("ed25519", "crv", json!("X25519")), "sound private key"),
        ("a symmetric key", json!({ "kty": "oct", "k": "cGxhbnRlZA" }).to_string(), "sound private key"),
        ("for encryption", changed("p256", "use", json!("enc")), "by its use"),
        ("for verifying", changed("p256", "key_ops", json!(["verify"])), "by its key_ops"),
    ] {
        let error = PrivateKey::read(&text).unwrap_err();
        assert!(error.contains(why), "{what}: {error}");
        let shown = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() > 12);
        assert!(shown.into_iter().all(|word| !error.contains(word)), "{what}: {error}");
        assert!(!error.contains("planted"));
    }
    assert_eq!(format!("{:?}", read(RSA)), r#"PrivateKey("an RSA key")"#);
}

#[test]
fn each_algorithm_takes_its_own_kind_of_key_alone() {
    for algorithm in &ALGORITHMS {
        for text in [RSA, P256, P384, P521, ED25519] {
            let key = read(text);
            let fits = key.pair.kind() == algorithm.needs();
            match Signer::with_key(algorithm, &key, None) {
                Ok(_) => assert!(fits, "{}", algorithm.name),
                Err(error) => {
                    assert!(!fits && error.status() == Status::CONFLICTING_SETTINGS);
                    let text =
                        format!("needs {}, and the private key is {}", algorithm.needs(), key.pair.kind());
                    assert!(error.message().ends_with(&text), "{error}");
                }
            }
        }
        assert_eq!(Signer::with_secret(algorithm, SECRET).is_ok(), algorithm.is_hmac(), "{}", algorithm.name);
    }
    let mut jwk = jwk("rsa");
    jwk["alg"] = "PS256".into();
    let key = read(&jwk.to_string());
    assert!(Signer::with_key(algorithm("PS256"), &key, None).is_ok());
    assert!(Signer::with_key(algorithm("RS256"), &key, None).is_err(), "each key has one algorithm");
}

#[test]
fn a_secret_is_as_long_as_the_hash_at_least() {
    for (name, least) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        assert!(Signer::with_secret(algorithm(name), &"s".repeat(least)).is_ok());
        let error = Signer::with_secret(algorithm(name), &"s".repeat(least - 1)).err().unwrap();
        assert!(error.message().contains(&format!("at least {least} bytes")), "{error}");
        assert!(!error.message().contains("ssss"));
    }
}

#[test]
fn signatures_are_those_that_other_programs_make() {
    // By Node's crypto, with the same key and the UTF-8 bytes of the secret.
    for (name, expected) in [
        (
            "RS256",
            "PKlTAKoahckkHRq-wKPqz5pi-hFy7ePmXABk41REFf_-JeXhlXcI3X8bzj16uAbLbaq-n6Xun5T5CVypwnkoFNkBu13V7WpODj30HhX0rykVo6s9tq77SAnGUHEla8joi3_RBTNwMuf6mCNDB0XnU5TOD7vQOfb8QXOhBJAgVj6SbVZpjKJL1xOf_CPqjqDTO0I5sVYk17OK3XnwQIZrIRNf9KKAKdoQ0U6AiMtyPLSjA7wdV5GVKLf991PxN6JldtfhT6Nfk0D2hNF4mES_HMAWsWv0IVMktet4U-YCAr6AVDvq0AHDzdOjbxWyCXj3lMgNFCn0m-XMJoYELjf-SA",
        ),
        (
            "RS512",
            "db1fvoUMDttp5MTlnYQiTerpCB4efNu4rtFqUCfgkskaVQu3vm2sn4_L_uHpNoo2ngR6Jm1TROlYSS-Kmnt3wBGOCRvstfOl1JQeIpdjrQvSMloTtPhLlCJriQSlVaKvPTg3X5dLV4PLZZA8J9iJxFFY0RTTnCGsa3cf_uW2Xhe-26Cz2lj_9WEYt6O3F4rUwJKtNofYzAJqE85BfrIHeQBILQZqI4W0Vg9vslPKQKwTAt-1EJ7mY8-r4fm-DsEdjVSHqe_X_xV1fvWXAfqNRKV0RsixK0MO9ydY7ovebPWc0CV2VogN6i8ESBc5ItIwWFak13iuk76MBnDmnBr8gA",
        ),
        ("HS256", "LEjjBVV1D3hLj9LlF81kMTKG4ScathoZWrNkfZNQEqc"),
        ("HS384", "WN7rme4WTOzO0TAcg0AJ5v3ntQnhh4RjGonKOSUd9vCYmT6RX9inASaHc9Mj5juA"),
        ("HS512", "aDc0RSF8xKdIwhuM2LjXTS9rH7uksoqiA6I_ELxQCjc2YCazL-iiFfDF_pAncyEMm6N5MxjWYGLH9q80Mr2Q7w"),
    ] {
        assert_eq!(signature_of(&signer(name), "the message"), expected, "{name}");
    }
    // RFC 8037 appendix A.4.
    let key = json!({
        "kty": "OKP", "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let signer = Signer::with_key(algorithm("EdDSA"), &read(&key.to_string()), None).unwrap();
    assert_eq!(
        signature_of(&signer, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
}

#[test]
fn signatures_that_differ_each_time_are_checked_by_the_public_key() {
    let checks = |name: &str, verification: &'static dyn VerificationAlgorithm, key: &[u8]| {
        let signature = signer(name).sign(b"the message").unwrap();
        let key = UnparsedPublicKey::new(verification, key);
        assert!(key.verify(b"the message", &signature).is_ok(), "{name}");
        assert!(key.verify(b"another", &signature).is_err(), "{name}");
        signature.len()
    };
    let KeyPair::Rsa(rsa) = read(RSA).pair else { panic!() };
    for (name, verification) in [
        ("PS256", &signature::RSA_PSS_2048_8192_SHA256),
        ("PS384", &signature::RSA_PSS_2048_8192_SHA384),
        ("PS512", &signature::RSA_PSS_2048_8192_SHA512),
        ("RS384", &signature::RSA_PKCS1_2048_8192_SHA384),
    ] {
        assert_eq!(checks(name, verification, rsa.public_key().as_ref()), 256);
    }
    for (name, text, verification, length) in [
        ("ES256", P256, &signature::ECDSA_P256_SHA256_FIXED, 64),
        ("ES384", P384, &signature::ECDSA_P384_SHA384_FIXED, 96),
        ("ES512", P521, &signature::ECDSA_P521_SHA512_FIXED, 132),
    ] {
        let KeyPair::Ecdsa(_, pair) = read(text).pair else { panic!() };
        assert_eq!(checks(name, verification, pair.public_key().as_ref()), length);
    }
}

#[test]
fn a_jwt_has_these_bytes_r21() {
    let key = read(ED25519);
    let signer = Signer::with_key(algorithm("EdDSA"), &key, Some("k \"1\"".into())).unwrap();
    let mut claims = claims();
    let json: &RawValue = serde_json::from_str(r#"{"b": 1}"#).unwrap();
    claims.more = vec![("scope", Claim::Text("openid \"x\"\n")), ("claims", Claim::Json(json))];
    let jwt = signed(signer.jwt(Some("JWT"), &claims));
    let (header, body) = parts(jwt.expose_secret());
    assert_eq!(header, r#"{"alg":"EdDSA","typ":"JWT","kid":"k \"1\""}"#);
    let jti = body.split_once(r#""jti":""#).unwrap().1.split_once('"').unwrap().0;
    assert_eq!(URL_SAFE_NO_PAD.decode(jti).unwrap().len(), 32);
    assert_eq!(
        body,
        format!(
            r#"{{"iss":"me","sub":"me","aud":"https://id.example","scope":"openid \"x\"\n","claims":{{"b": 1}},"jti":"{jti}","iat":1700000000,"nbf":1699999990,"exp":1700000060}}"#
        )
    );
    let (message, signature) = jwt.expose_secret().rsplit_once('.').unwrap();
    assert_eq!(signature_of(&signer, message), signature, "over the bytes that are sent");

    let plain = Signer::with_key(algorithm("EdDSA"), &key, None).unwrap();
    claims.subject = None;
    let (header, body) = parts(signed(plain.jwt(None, &claims)).expose_secret());
    assert_eq!(header, r#"{"alg":"EdDSA"}"#);
    assert!(body.starts_with(r#"{"iss":"me","aud":"#), "{body}");
}

#[test]
fn each_jwt_has_a_jti_of_its_own_and_a_clock_out_of_bounds_does_no_harm_r51() {
    let signer = signer("HS256");
    let jwt = |claims: &Claims<'_>| signed(signer.jwt(None, claims)).expose_secret().to_owned();
    let all: std::collections::HashSet<String> = (0..100).map(|_| jwt(&claims())).collect();
    assert_eq!(all.len(), 100);
    for unix_ms in [i64::MIN, -1, i64::MAX] {
        let (_, body) = parts(&jwt(&Claims { unix_ms, lifetime_s: i64::MAX, ..claims() }));
        assert!(serde_json::from_str::<Value>(&body).is_ok(), "{body}");
    }
}

#[test]
fn no_text_outgrows_what_was_reserved_for_it() {
    // Control characters grow most: one byte becomes six.
    let worst = "\u{1}".repeat(1000);
    let json: Box<RawValue> = serde_json::from_str(&format!("[{}1]", "1,".repeat(1000))).unwrap();
    let claims = Claims {
        issuer: &worst,
        subject: Some(&worst),
        audience: &worst,
        unix_ms: i64::MIN,
        lifetime_s: 60,
        more: vec![
            (&worst, Claim::Text(&worst)),
            (&worst, Claim::Texts(vec![&worst, "", ""])),
            ("claims", Claim::Json(&json)),
        ],
    };
    let length = serde_json::to_vec(&claims).unwrap().len();
    assert!((17_000..=claims.size()).contains(&length), "{length} of {}", claims.size());
}
