//! From settings to a certificate: every form, and each thing that can be wrong.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use ciba::{Client, Status};
use ciba_sim::{ClientAuthority, ClientCertificates, KeyKind};

use super::common::Pair;
use super::{METHODS, NAME, by_authority, certificate, refused, self_signed, signs_in, with};

const PASSWORD: &str = "correct horse 1";

macro_rules! key {
    ($name:literal) => {
        include_str!(concat!("../fixtures/keys/", $name, ".pem"))
    };
}

macro_rules! pkcs12 {
    ($name:literal) => {
        BASE64.encode(include_bytes!(concat!("../fixtures/certificates/", $name, ".p12")))
    };
}

/// The path of a fixture.
macro_rules! path {
    ($name:literal) => {
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/", $name)
    };
}

/// The first certificate of a PEM text as it stands in `x5c`.
fn x5c(pem: &str) -> String {
    pem.lines().skip(1).take_while(|line| !line.starts_with('-')).collect()
}

#[test]
fn certificates_and_keys_are_read_in_every_form_from_memory_and_from_files_r03() {
    let both = format!("{}{}", key!("p256_sec1"), certificate!("p256.pem"));
    let wrapped =
        pkcs12!("p256").as_bytes().chunks(64).map(|l| String::from_utf8_lossy(l) + "\r\n").collect();
    let wrapped: String = wrapped;
    let (p256, rsa) = (certificate!("p256.pem"), certificate!("rsa.pem"));
    let memory = "tls_client_certificate";
    for (pem, settings) in [
        (p256, &[(memory, p256), ("tls_client_key", key!("p256_pkcs8"))][..]),
        (p256, &[(memory, p256), ("tls_client_key", key!("p256_sec1"))]),
        (rsa, &[(memory, rsa), ("tls_client_key", key!("rsa_pkcs1"))]),
        (rsa, &[(memory, rsa), ("tls_client_key", key!("rsa_pkcs8"))]),
        (
            certificate!("p384.pem"),
            &[(memory, certificate!("p384.pem")), ("tls_client_key", key!("p384_sec1"))],
        ),
        (
            certificate!("p521.pem"),
            &[(memory, certificate!("p521.pem")), ("tls_client_key", key!("p521_pkcs8"))],
        ),
        (
            certificate!("ed25519.pem"),
            &[(memory, certificate!("ed25519.pem")), ("tls_client_key", key!("ed25519"))],
        ),
        (p256, &[(memory, &both)]),
        (p256, &[(memory, p256), ("tls_client_key_file", path!("keys/p256_pkcs8.pem"))]),
        (
            p256,
            &[
                ("tls_client_certificate_file", path!("certificates/p256.pem")),
                ("tls_client_key", key!("p256_sec1")),
            ],
        ),
        // Encrypted PKCS#8, by PBES2 and as old programs do it.
        (
            p256,
            &[
                (memory, p256),
                ("tls_client_key", certificate!("p256_encrypted.key.pem")),
                ("tls_client_password", PASSWORD),
            ],
        ),
        (
            p256,
            &[
                (memory, p256),
                ("tls_client_key", certificate!("p256_encrypted_3des.key.pem")),
                ("tls_client_password", PASSWORD),
            ],
        ),
        // PKCS#12.
        (p256, &[(memory, &pkcs12!("p256")), ("tls_client_password", PASSWORD)]),
        (p256, &[(memory, &wrapped), ("tls_client_password", PASSWORD)]),
        (p256, &[(memory, &pkcs12!("no_password"))]),
        (
            p256,
            &[
                ("tls_client_certificate_file", path!("certificates/p256.p12")),
                ("tls_client_password", PASSWORD),
            ],
        ),
        (
            rsa,
            &[
                ("tls_client_certificate_file", path!("certificates/rsa_legacy.p12")),
                ("tls_client_password", PASSWORD),
            ],
        ),
        // A password that nothing needs does no harm; the key of one file, the certificate of another.
        (p256, &[(memory, &both), ("tls_client_password", "unused")]),
        (
            p256,
            &[
                (memory, &pkcs12!("no_key")),
                ("tls_client_key", key!("p256_pkcs8")),
                ("tls_client_password", PASSWORD),
            ],
        ),
    ] {
        let pair = self_signed(&x5c(pem));
        let settings = [&[("token_endpoint_auth_method", METHODS[1])], settings].concat();
        signs_in(&pair, &settings);
        let shown: Vec<_> = pair.provider.journal().into_iter().filter(|entry| entry.mtls).collect();
        assert_eq!(shown.len(), 2, "{:?}", pair.provider.lines());
        assert!(shown.iter().all(|entry| entry.certificate == shown[0].certificate));
    }
}

#[test]
fn every_kind_of_key_signs_the_handshake_r03() {
    for kind in [KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::Ed25519, KeyKind::Rsa] {
        // Where the authority decides in the handshake.
        let (pair, _) = by_authority(ClientCertificates::Required);
        let issued = pair.provider.client_authority().issue_with(NAME, kind);
        signs_in(&pair, &with(METHODS[0], &issued));
        assert_eq!(pair.provider.journal()[1].certificate, Some(issued.thumbprint()), "{kind:?}");
    }
}

#[test]
fn whatever_is_wrong_with_it_is_a_clear_error_when_the_client_is_made_and_shows_no_secret_r03() {
    let pair = Pair::generic();
    let p256 = ("tls_client_certificate", certificate!("p256.pem"));
    let key = ("tls_client_key", key!("p256_pkcs8"));
    let password = ("tls_client_password", PASSWORD);
    let encrypted = ("tls_client_key", certificate!("p256_encrypted.key.pem"));
    let (store, no_key) = (pkcs12!("p256"), pkcs12!("no_key"));
    let store = ("tls_client_certificate", store.as_str());
    let no_key = ("tls_client_certificate", no_key.as_str());
    // One fact of each good twin is changed.
    for good in [&[p256, key][..], &[p256, encrypted, password], &[store, password]] {
        Client::new(&pair.config(good)).unwrap();
    }
    let broken_key = key!("p256_pkcs8").replace("MIG", "MI*");
    let truncated_key: String = key!("p256_pkcs8").lines().filter(|l| !l.starts_with("-----END")).collect();
    let weak = certificate!("p256.pem").replace("MII", "MJI");
    let other_bytes = BASE64.encode(b"0\x03\x02\x01\x07");
    let cut = BASE64.encode(&include_bytes!("../fixtures/certificates/p256.p12")[..600]);
    for (settings, status, why) in [
        // No certificate, or no key.
        (&[key][..], Status::CONFLICTING_SETTINGS, "tls_client_key is given, but no tls_client_certificate"),
        (&[password], Status::CONFLICTING_SETTINGS, "tls_client_password is given, but no"),
        (&[p256], Status::MISSING_SETTING, "tls_client_key or tls_client_key_file is missing"),
        (&[no_key, password], Status::MISSING_SETTING, "tls_client_key or tls_client_key_file is missing"),
        (
            &[("tls_client_certificate", key.1)],
            Status::INVALID_VALUE,
            "tls_client_certificate: holds no certif",
        ),
        (&[p256, ("tls_client_key", p256.1)], Status::INVALID_VALUE, "tls_client_key: holds no private key"),
        (&[p256, ("tls_client_key", key!("rsa_public"))], Status::INVALID_VALUE, "holds no private key"),
        // Twice.
        (
            &[p256, key, ("tls_client_key_file", "/key.pem")],
            Status::CONFLICTING_SETTINGS,
            "tls_client_key and tls_client_key_file are both given",
        ),
        (&[store, password, key], Status::CONFLICTING_SETTINGS, "tls_client_certificate holds a key already"),
        (
            &[p256, key, ("tls_client_certificate_file", "/certificate.pem")],
            Status::CONFLICTING_SETTINGS,
            "are both given",
        ),
        // Another one's key.
        (
            &[p256, ("tls_client_key", key!("rsa_pkcs8"))],
            Status::CONFLICTING_SETTINGS,
            "tls_client_key: does not belong to the first certificate of tls_client_certificate",
        ),
        (
            &[("tls_client_certificate", certificate!("p384.pem")), key],
            Status::CONFLICTING_SETTINGS,
            "does not belong",
        ),
        (
            &[("tls_client_certificate", &format!("{}{}", certificate!("rsa.pem"), key.1))],
            Status::CONFLICTING_SETTINGS,
            "tls_client_certificate: the key does not belong to the first certificate",
        ),
        // Files.
        (
            &[p256, ("tls_client_key_file", "/nowhere/key.pem")],
            Status::FILE,
            "tls_client_key_file cannot be read",
        ),
        (
            &[p256, ("tls_client_key_file", "/dev/null")],
            Status::INVALID_VALUE,
            "tls_client_key_file: is neither",
        ),
        (
            &[("tls_client_certificate_file", "/nowhere/c.pem"), key],
            Status::FILE,
            "tls_client_certificate_file cannot be read",
        ),
        // Passwords.
        (
            &[p256, encrypted],
            Status::MISSING_SETTING,
            "tls_client_password is missing: tls_client_key is enc",
        ),
        (
            &[p256, encrypted, ("tls_client_password", "correct horse 2")],
            Status::INVALID_VALUE,
            "tls_client_password: does not open tls_client_key",
        ),
        (&[store], Status::MISSING_SETTING, "tls_client_password is missing: tls_client_certificate is enc"),
        (
            &[store, ("tls_client_password", "correct horse 2")],
            Status::INVALID_VALUE,
            "tls_client_password: does not open tls_client_certificate",
        ),
        (
            &[
                ("tls_client_certificate_file", path!("certificates/rsa_legacy.p12")),
                ("tls_client_password", "wrong battery 2"),
            ],
            Status::INVALID_VALUE,
            "tls_client_password: does not open tls_client_certificate_file",
        ),
        (
            &[p256, ("tls_client_key", certificate!("p256_encrypted_scrypt.key.pem")), password],
            Status::INVALID_VALUE,
            "tls_client_key: is encrypted in a way that is not known",
        ),
        (
            &[p256, ("tls_client_key", key!("rsa_encrypted_traditional")), password],
            Status::INVALID_VALUE,
            "openssl pkcs8 -topk8",
        ),
        // Broken.
        (&[p256, ("tls_client_key", &broken_key)], Status::INVALID_VALUE, "the PEM text is damaged"),
        (&[p256, ("tls_client_key", &truncated_key)], Status::INVALID_VALUE, "tls_client_key"),
        (&[p256, ("tls_client_key", key!("secp256k1"))], Status::INVALID_VALUE, "no sound private key"),
        (&[("tls_client_certificate", &weak), key], Status::INVALID_VALUE, "not an X.509 certificate"),
        (&[("tls_client_certificate", "nonsense"), key], Status::INVALID_VALUE, "neither PEM nor PKCS#12"),
        (&[("tls_client_certificate", &other_bytes), key], Status::INVALID_VALUE, "neither PEM nor PKCS#12"),
        (&[("tls_client_certificate", &cut), password], Status::INVALID_VALUE, "neither PEM nor PKCS#12"),
        (
            &[("tls_client_certificate", &"-----BEGIN CERTIFICATE-----\n".repeat(3)), key],
            Status::INVALID_VALUE,
            "tls_client_certificate",
        ),
    ] {
        let error = refused(&pair, settings);
        assert_eq!(error.status(), status, "{why}: {error}");
        assert!(error.message().contains(why), "{why}: {error}");
        for (name, value) in settings.iter().filter(|(name, _)| !name.ends_with("_file")) {
            assert!(!gives_away(&error.to_string(), value), "{name}: {error}");
            assert!(!gives_away(&format!("{error:?}"), value), "{name}: {error:?}");
        }
    }
    assert!(pair.provider.lines().is_empty(), "nothing was sent");
}

/// Whether a text holds sixteen characters of a secret, or the whole of a shorter one.
fn gives_away(text: &str, secret: &str) -> bool {
    let packed: String = secret.chars().filter(|c| !c.is_whitespace()).collect();
    let begins = "-----BEGINCERTIFICATE-----".len() + 8; // what every such text begins with is no secret
    let tail = packed.get(begins..).unwrap_or(&packed);
    let pieces = |secret: &str| -> Vec<String> {
        let chars: Vec<char> = secret.chars().collect();
        chars.windows(16.min(chars.len()).max(1)).map(|piece| piece.iter().collect()).collect()
    };
    pieces(tail).iter().chain([&secret.to_owned()]).any(|piece| text.contains(piece.as_str()))
}

#[test]
fn neither_keys_nor_passwords_are_in_any_text() {
    let pair = self_signed(&x5c(certificate!("p256.pem")));
    let secrets = [
        key!("p256_pkcs8").to_owned(),
        pkcs12!("p256"),
        certificate!("p256_encrypted.key.pem").to_owned(),
        PASSWORD.to_owned(),
    ];
    let mut texts = Vec::new();
    for settings in [
        &[("tls_client_certificate", certificate!("p256.pem")), ("tls_client_key", &secrets[0])][..],
        &[("tls_client_certificate", &secrets[1]), ("tls_client_password", PASSWORD)],
        &[
            ("tls_client_certificate", certificate!("p256.pem")),
            ("tls_client_key", &secrets[2]),
            ("tls_client_password", PASSWORD),
        ],
    ] {
        let settings = [&[("token_endpoint_auth_method", METHODS[1])], settings].concat();
        let config = pair.config(&settings);
        let client = Client::new(&config).unwrap();
        let flow = client.init(&pair.request(), None).unwrap();
        texts.extend([format!("{config:?}"), format!("{client:?}"), format!("{flow:?}")]);
        flow.cancel(None).unwrap();
    }
    texts.extend(pair.events.lines());
    for secret in &secrets {
        assert!(!texts.iter().any(|text| gives_away(text, secret)), "{texts:#?}");
        let planted: String = secret.chars().filter(|c| !c.is_whitespace()).skip(40).take(20).collect();
        let planted = if planted.is_empty() { secret.clone() } else { planted };
        assert!(gives_away(&format!("… {planted} …"), secret), "the search finds what is planted");
    }
}

#[test]
fn a_certificate_that_is_not_valid_now_is_a_warning_in_the_log_and_no_error_r03() {
    let authority = ClientAuthority::new();
    let (expired, good) = (authority.issue_expired(NAME), authority.issue(NAME));
    for (issued, warned) in [(&good, false), (&expired, true)] {
        let pair = self_signed(&issued.x5c());
        signs_in(&pair, &with(METHODS[1], issued)); // the provider decides
        let warnings: Vec<String> =
            pair.events.lines().into_iter().filter(|l| l.contains(" certificate.")).collect();
        let text = "warning certificate.expired [] the client's certificate expired on 2021-01-01T00:00:00Z";
        assert_eq!(warnings, if warned { vec![text] } else { vec![] });
    }
}

#[test]
fn the_settings_that_the_documentation_shows_are_settings() {
    let text = include_str!("../../docs/client-certificates.md");
    let examples: Vec<&str> =
        text.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 5);
    for example in examples {
        ciba::Config::new().set_json(example).unwrap();
    }
}
