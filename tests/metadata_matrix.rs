//! What is fetched selects and weakens nothing: each member of the provider's metadata is taken away,
//! weakened or moved in turn, for three clients that prove themselves in different ways. Either all is sent
//! and demanded as it was, or there is an error here and nobody is asked for anything.

mod common;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ciba::{Client, Status};
use ciba_sim::{ClientCertificates, Entry, Fault, Kind, Signer, personality};
use common::Pair;
use serde_json::{Value, json};

const SECRET: &str = "a secret+/=%&";
const NAME: &str = "desk-7.client.example";
const KEY: &str = include_str!("fixtures/keys/p256_pkcs8.pem");

/// The clients: by a secret, with a user code, and tokens that are bound to a key; by a key, with signed requests; by a certificate, with tokens
/// that are bound to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Secret,
    Key,
    Certificate,
}
use By::{Certificate, Key, Secret};

const EVERYBODY: &[By] = &[Secret, Key, Certificate];
const NOBODY: &[By] = &[];
/// Those who have no use for aliases.
const PLAIN: &[By] = &[Secret, Key];

/// A change to the metadata: a merge patch; the requirement that it attacks; whom it stops, and how. For
/// everybody else all stays as it was.
type Row = (&'static str, Value, &'static str, &'static [By], Status);

fn rows() -> Vec<Row> {
    const MALFORMED: Status = Status::METADATA_MALFORMED;
    const MISSING: Status = Status::METADATA_ENDPOINT_MISSING;
    const HOST: Status = Status::METADATA_ENDPOINT_HOST;
    const MISMATCH: Status = Status::METADATA_MISMATCH;
    let ok = Status::OK;
    let mut rows = vec![
        ("issuer", json!(null), "R-01", EVERYBODY, Status::METADATA_ISSUER),
        ("issuer", json!(""), "R-01", EVERYBODY, Status::METADATA_ISSUER),
        ("issuer", json!("https://127.0.0.1"), "R-01", EVERYBODY, Status::METADATA_ISSUER),
        // The ways to prove oneself.
        ("token_endpoint_auth_methods_supported", json!(null), "R-03", NOBODY, ok),
        ("token_endpoint_auth_methods_supported", json!([]), "R-03", EVERYBODY, MISMATCH),
        ("token_endpoint_auth_methods_supported", json!(["none"]), "R-03", EVERYBODY, MISMATCH),
        ("token_endpoint_auth_methods_supported", json!("none"), "R-03", EVERYBODY, MALFORMED),
        ("token_endpoint_auth_methods_supported", json!(["client_secret_post"]), "R-03", EVERYBODY, MISMATCH),
        (
            "token_endpoint_auth_methods_supported",
            json!(["none", "client_secret_basic", "client_secret_post"]),
            "R-03",
            &[Key, Certificate],
            MISMATCH,
        ),
        (
            "token_endpoint_auth_methods_supported",
            json!([
                "none",
                "client_secret_post",
                "client_secret_basic",
                "private_key_jwt",
                "tls_client_auth"
            ]),
            "R-03",
            NOBODY,
            ok,
        ),
        ("token_endpoint_auth_signing_alg_values_supported", json!(null), "R-03", NOBODY, ok),
        ("token_endpoint_auth_signing_alg_values_supported", json!([]), "R-03", &[Key], MISMATCH),
        ("token_endpoint_auth_signing_alg_values_supported", json!(["none"]), "R-03", &[Key], MISMATCH),
        (
            "token_endpoint_auth_signing_alg_values_supported",
            json!(["HS256", "RS256"]),
            "R-03",
            &[Key],
            MISMATCH,
        ),
        ("token_endpoint_auth_signing_alg_values_supported", json!("none"), "R-03", &[Key], MALFORMED),
        (
            "token_endpoint_auth_signing_alg_values_supported",
            json!(["none", "HS256", "ES256"]),
            "R-03",
            NOBODY,
            ok,
        ),
        // Signed requests.
        (
            "backchannel_authentication_request_signing_alg_values_supported",
            json!(null),
            "R-22",
            &[Key],
            MISMATCH,
        ),
        (
            "backchannel_authentication_request_signing_alg_values_supported",
            json!([]),
            "R-22",
            &[Key],
            MISMATCH,
        ),
        (
            "backchannel_authentication_request_signing_alg_values_supported",
            json!(["none", "HS256"]),
            "R-22",
            &[Key],
            MISMATCH,
        ),
        (
            "backchannel_authentication_request_signing_alg_values_supported",
            json!({}),
            "R-22",
            &[Key],
            MALFORMED,
        ),
        (
            "backchannel_authentication_request_signing_alg_values_supported",
            json!(["none", "ES256"]),
            "R-22",
            NOBODY,
            ok,
        ),
        // What the ID Token may be signed with: the list stops, and never allows.
        ("id_token_signing_alg_values_supported", json!(null), "R-63", NOBODY, ok),
        ("id_token_signing_alg_values_supported", json!([]), "R-63", EVERYBODY, MISMATCH),
        ("id_token_signing_alg_values_supported", json!(["none", "HS256"]), "R-63", EVERYBODY, MISMATCH),
        ("id_token_signing_alg_values_supported", json!("none"), "R-63", EVERYBODY, MALFORMED),
        (
            "id_token_signing_alg_values_supported",
            json!(["none", "HS256", "PS256", "RS256"]),
            "R-63",
            NOBODY,
            ok,
        ),
        // How tokens are delivered.
        ("backchannel_token_delivery_modes_supported", json!(null), "R-54", NOBODY, ok),
        ("backchannel_token_delivery_modes_supported", json!([]), "R-54", EVERYBODY, MISMATCH),
        ("backchannel_token_delivery_modes_supported", json!(["ping", "push"]), "R-54", EVERYBODY, MISMATCH),
        ("backchannel_token_delivery_modes_supported", json!("push"), "R-54", EVERYBODY, MALFORMED),
        ("backchannel_token_delivery_modes_supported", json!(["push", "ping", "poll"]), "R-54", NOBODY, ok),
        // The person's own code.
        ("backchannel_user_code_parameter_supported", json!(null), "R-12", &[Secret], MISMATCH),
        ("backchannel_user_code_parameter_supported", json!(false), "R-12", &[Secret], MISMATCH),
        ("backchannel_user_code_parameter_supported", json!("true"), "R-12", &[Secret], MISMATCH),
        // Tokens that are bound to a certificate, and where they are got.
        ("tls_client_certificate_bound_access_tokens", json!(null), "R-03", &[Certificate], MISMATCH),
        ("tls_client_certificate_bound_access_tokens", json!(false), "R-03", &[Certificate], MISMATCH),
        ("mtls_endpoint_aliases", json!(null), "R-01", &[Certificate], MISSING),
        ("mtls_endpoint_aliases", json!([]), "R-01", &[Certificate], MALFORMED),
        ("mtls_endpoint_aliases", json!("https://evil.example/"), "R-01", &[Certificate], MALFORMED),
        // Tokens that are bound to a key.
        ("dpop_signing_alg_values_supported", json!(null), "R-51", &[Secret], MISMATCH),
        ("dpop_signing_alg_values_supported", json!([]), "R-51", &[Secret], MISMATCH),
        ("dpop_signing_alg_values_supported", json!(["none", "HS256", "PS256"]), "R-51", &[Secret], MISMATCH),
        ("dpop_signing_alg_values_supported", json!("none"), "R-51", &[Secret], MALFORMED),
        ("dpop_signing_alg_values_supported", json!(["none", "ES256"]), "R-51", NOBODY, ok),
        // Of no account, whatever they say.
        ("grant_types_supported", json!(null), "R-40", NOBODY, ok),
        ("grant_types_supported", json!(["password"]), "R-40", NOBODY, ok),
        ("response_types_supported", json!(["none"]), "R-15", NOBODY, ok),
        ("subject_types_supported", json!(null), "R-16", NOBODY, ok),
        ("token_endpoint_auth_method", json!("none"), "R-03", NOBODY, ok),
        ("backchannel_token_delivery_mode", json!("push"), "R-54", NOBODY, ok),
        ("id_token_signed_response_alg", json!("none"), "R-63", NOBODY, ok),
        ("request_parameter_supported", json!(false), "R-22", NOBODY, ok),
        ("request_object_signing_alg_values_supported", json!(["none"]), "R-22", NOBODY, ok),
        ("userinfo_signing_alg_values_supported", json!(["none"]), "R-63", NOBODY, ok),
        ("userinfo_endpoint", json!("http://evil.example/"), "R-01", NOBODY, ok),
        ("introspection_endpoint", json!(null), "R-01", NOBODY, ok),
        ("revocation_endpoint", json!("https://evil.example/"), "R-01", NOBODY, ok),
    ];
    // Endpoints: gone, without TLS, elsewhere, with somebody's name in them. A client with a certificate
    // has no use for the plain ones, and the others none for the aliases.
    let bad = |host: &str| {
        [
            (json!(null), MISSING),
            (json!(""), MALFORMED),
            (json!(format!("http://{host}/x")), MALFORMED),
            (json!(format!("https://user@{host}/x")), MALFORMED),
            (json!("https://evil.example/x"), HOST),
            (json!(format!("https://{host}.evil.example/x")), HOST),
        ]
    };
    for (name, plain) in
        [("backchannel_authentication_endpoint", PLAIN), ("token_endpoint", PLAIN), ("jwks_uri", EVERYBODY)]
    {
        rows.extend(bad("127.0.0.1").map(|(value, status)| (name, value, "R-01", plain, status)));
        if name != "jwks_uri" {
            rows.extend(bad("127.0.0.1").map(|(value, status)| {
                ("mtls_endpoint_aliases", json!({ name: value }), "R-01", &[Certificate][..], status)
            }));
        }
    }
    rows
}

/// A provider, and a client there.
fn pair(by: By) -> (Pair, Client) {
    let keys: Value = serde_json::from_str(include_str!("fixtures/keys/keys.jwk.json")).unwrap();
    let mut key = keys["p256"].clone();
    key.as_object_mut().unwrap().remove("d");
    let mut client = ciba_sim::Client::new("desk-7", SECRET);
    client.jwks = json!({ "keys": [key] });
    client.tls_client_auth_san_dns = Some(NAME.into());
    let method = match by {
        Secret => "client_secret_basic",
        Key => "private_key_jwt",
        Certificate => "tls_client_auth",
    };
    client.token_endpoint_auth_method = Some(method.into());
    client.backchannel_authentication_request_signing_alg = (by == Key).then(|| "ES256".into());
    client.tls_client_certificate_bound_access_tokens = by == Certificate;
    client.dpop_bound_access_tokens = by == Secret;
    let pair = Pair::with(personality::generic(), |config| {
        config.mtls = Some(ClientCertificates::Requested);
        config.clients = vec![client];
    });
    let issued = pair.provider.client_authority().issue(NAME);
    let mut settings = vec![("token_endpoint_auth_method", method)];
    settings.extend(match by {
        Secret => vec![
            ("backchannel_user_code_parameter", "true"),
            ("dpop_bound_access_tokens", "true"),
            ("dpop_private_key", KEY),
        ],
        Key => vec![("client_private_key", KEY), ("backchannel_authentication_request_signing_alg", "ES256")],
        Certificate => vec![
            ("tls_client_certificate", issued.certificate.as_str()),
            ("tls_client_key", &issued.key),
            ("tls_client_certificate_bound_access_tokens", "true"),
        ],
    });
    let client = pair.client_with(&settings);
    (pair, client)
}

/// A flow of which the person approves, with the ID Token changed before it is signed.
fn flow(by: By, pair: &Pair, client: &Client, change: Option<fn(&mut ciba_sim::Draft)>) -> Status {
    if let Some(change) = change {
        pair.provider.next_id_token(change);
    }
    let user_code = if by == Secret { "1234" } else { "" };
    let parameters = [("binding_message", "approve after 1 s"), ("user_code", user_code)];
    let flow = client.begin(&pair.request_with(&parameters)).unwrap();
    Pair::outcome(&flow)
}

/// Header of a JWT, and the names of its claims.
fn jwt(text: &str) -> String {
    let part = |at: usize| -> Value {
        serde_json::from_slice(&BASE64.decode(text.split('.').nth(at).unwrap()).unwrap()).unwrap()
    };
    let names: Vec<String> = part(1).as_object().unwrap().keys().cloned().collect();
    format!("{} {names:?}", part(0))
}

/// All of a request by which its strength is known: where it went, and each thing that proves something.
fn strength(entry: &Entry) -> String {
    let mut form: Vec<String> = entry
        .form()
        .into_iter()
        .map(|(name, value)| match name.as_str() {
            "client_assertion" | "request" => format!("{name}={}", jwt(&value)),
            "auth_req_id" => name,
            _ => format!("{name}={value}"),
        })
        .collect();
    form.sort();
    let (path, authorization) = (&entry.path, entry.header("authorization"));
    let certificate = entry.certificate.is_some();
    let proof = entry.header("dpop").map(jwt);
    format!("{path} mTLS: {} {certificate} {authorization:?} {proof:?} {form:?}", entry.mtls)
}

fn strengths(pair: &Pair) -> Vec<String> {
    pair.provider.journal().iter().map(strength).collect()
}

#[test]
fn no_member_of_the_metadata_weakens_what_is_sent_and_demanded_r01_r03_r12_r15_r16_r22_r40_r51_r54_r63() {
    let weak_tokens: [fn(&mut ciba_sim::Draft); 3] = [
        |token| token.header["alg"] = "none".into(),
        |token| token.header["alg"] = "PS256".into(), // with the right key
        |token| {
            token.header["alg"] = "HS256".into();
            token.signer = Signer::Secret(SECRET.into());
        },
    ];
    for by in [Secret, Key, Certificate] {
        let (untouched, client) = pair(by);
        assert_eq!(flow(by, &untouched, &client, None), Status::OK);
        let as_it_was = strengths(&untouched);
        for (member, value, row, stopped, status) in rows() {
            let what = format!("{row}, {by:?}: {member} = {value}");
            let (pair, client) = pair(by);
            pair.provider.always(Kind::Discovery, Fault::Patch(json!({ member: value })));
            if stopped.contains(&by) {
                assert_eq!(flow(by, &pair, &client, None), status, "{what}");
                let kinds: BTreeSet<String> =
                    pair.provider.journal().iter().map(|entry| format!("{:?}", entry.kind)).collect();
                assert_eq!(kinds, BTreeSet::from(["Discovery".to_owned()]), "{what}");
                continue;
            }
            assert_eq!(flow(by, &pair, &client, None), Status::OK, "{what}");
            assert_eq!(strengths(&pair), as_it_was, "{what}");
            for weak in weak_tokens {
                assert_eq!(flow(by, &pair, &client, Some(weak)), Status::TOKEN_ALGORITHM, "{what}");
            }
        }
    }
}

#[test]
fn the_matrix_has_every_member_that_there_is() {
    let (pair, client) = pair(Certificate);
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let found = seen.clone();
    pair.provider.next(
        Kind::Discovery,
        Fault::Modify(Arc::new(move |metadata| {
            *found.lock().unwrap() = metadata.as_object().unwrap().keys().cloned().collect();
        })),
    );
    client.check(None).unwrap();
    let rows = rows();
    let seen = seen.lock().unwrap();
    assert!(seen.len() > 12, "{seen:?}");
    for member in seen.iter() {
        assert!(rows.iter().any(|row| row.0 == member), "no row for {member}");
    }
}

#[test]
fn what_is_weaker_is_told_apart_r03() {
    // The comparison itself: it must see each thing that it is there to see.
    let (pair, client) = pair(Key);
    assert_eq!(flow(Key, &pair, &client, None), Status::OK);
    let journal = pair.provider.journal();
    let start = journal.iter().find(|entry| entry.kind == Kind::Start).unwrap();
    let changes: [fn(&mut Entry); 7] = [
        |entry| entry.path.push('x'),
        |entry| entry.mtls = !entry.mtls,
        |entry| entry.certificate = Some(String::new()),
        |entry| entry.headers.push(("authorization".into(), "Basic x".into())),
        |entry| entry.body = b"client_id=desk-7".to_vec(),
        |entry| entry.body.extend(b"&client_secret=s3cret"),
        |entry| {
            // {"alg":"none"}
            let body = String::from_utf8(entry.body.clone()).unwrap();
            let (before, rest) = body.split_once("client_assertion=").unwrap();
            let (_, after) = rest.split_once('.').unwrap();
            entry.body = format!("{before}client_assertion=eyJhbGciOiJub25lIn0.{after}").into();
        },
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut weaker = start.clone();
        change(&mut weaker);
        assert_ne!(strength(&weaker), strength(start), "{number}");
    }
}
