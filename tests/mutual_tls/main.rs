//! Client certificates (RFC 8705): how they are read (`certificates`), whole flows that are authenticated by
//! them (`flows`), the endpoints that they are for (`aliases`), tokens that are bound to them (`bound_tokens`).

mod aliases;
mod bound_tokens;
mod certificates;
#[path = "../common/mod.rs"]
mod common;
mod flows;

use ciba::{Client, Error, Status};
use ciba_sim::{ClientCertificates, Entry, IssuedCertificate, Kind, personality};
use common::Pair;
use serde_json::json;

const CLIENT_ID: &str = "desk-7";
const NAME: &str = "desk-7.client.example";
const METHODS: [&str; 2] = ["tls_client_auth", "self_signed_tls_client_auth"];

/// The requests of a start with a certificate.
const STARTED_OVER_MTLS: [&str; 3] = [
    "0 GET /.well-known/openid-configuration -> 200 discovery",
    "0 POST /bc-authorize over mTLS -> 200 ack",
    "0 GET /jwks -> 200 jwks",
];

macro_rules! certificate {
    ($name:literal) => {
        include_str!(concat!("../fixtures/certificates/", $name))
    };
}
pub(crate) use certificate;

/// A provider that asks for certificates, where one client is registered.
fn provider(policy: ClientCertificates, change: impl FnOnce(&mut ciba_sim::Client)) -> Pair {
    let mut client = ciba_sim::Client::new(CLIENT_ID, "");
    change(&mut client);
    Pair::with(personality::generic(), |config| {
        config.mtls = Some(policy);
        config.clients = vec![client];
    })
}

/// The same with a client by `tls_client_auth`, and a certificate of the authority for it.
fn by_authority(policy: ClientCertificates) -> (Pair, IssuedCertificate) {
    let pair = provider(policy, |client| {
        client.token_endpoint_auth_method = Some("tls_client_auth".into());
        client.tls_client_auth_san_dns = Some(NAME.into());
    });
    let issued = pair.provider.client_authority().issue(NAME);
    (pair, issued)
}

/// A client by `self_signed_tls_client_auth` whose certificate is this one.
fn self_signed(x5c: &str) -> Pair {
    provider(ClientCertificates::Requested, |client| {
        client.token_endpoint_auth_method = Some("self_signed_tls_client_auth".into());
        client.jwks = json!({ "keys": [{ "x5c": [x5c] }] });
    })
}

/// The settings for a certificate.
fn with<'a>(method: &'a str, issued: &'a IssuedCertificate) -> [(&'a str, &'a str); 3] {
    [
        ("token_endpoint_auth_method", method),
        ("tls_client_certificate", &issued.certificate),
        ("tls_client_key", &issued.key),
    ]
}

fn of_kind(pair: &Pair, kind: Kind) -> Vec<Entry> {
    pair.provider.journal().into_iter().filter(|entry| entry.kind == kind).collect()
}

/// Why no client can be made with these settings.
#[track_caller]
fn refused(pair: &Pair, settings: &[(&str, &str)]) -> Error {
    let mut config = pair.config(&[]);
    let set = settings.iter().try_for_each(|(name, value)| config.set(name, value).map(drop));
    set.and_then(|()| Client::new(&config)).map(drop).expect_err("a setting is wrong")
}

/// A whole sign-in.
#[track_caller]
fn signs_in(pair: &Pair, settings: &[(&str, &str)]) -> ciba::Tokens {
    let request = pair.request_with(&[("binding_message", "approve after 1 s")]);
    let flow = pair.client_with(settings).init(&request, None).unwrap();
    flow.poll(None).unwrap().unwrap()
}

#[track_caller]
fn status_of<T>(result: ciba::Result<T>) -> Status {
    result.map(drop).unwrap_err().status()
}
