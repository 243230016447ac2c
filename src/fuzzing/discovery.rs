//! The provider's metadata.

use std::sync::LazyLock;

use super::assert_readable;
use crate::provider::discovery::{Support, complete};
use crate::{Client, Config};

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let mut config = Config::new();
    for (name, value) in [
        ("issuer", "https://id.example/op"),
        ("client_id", "desk-7"),
        ("client_secret", "secret"),
        ("allowed_hosts", "tokens.example"),
    ] {
        config.set(name, value).unwrap();
    }
    Client::new(&config).unwrap()
});

/// Whatever the metadata say, requests go to https URLs on the issuer's host, below it, or on a host that the
/// settings list.
pub fn discovery(data: &[u8]) -> bool {
    let needed = [Support {
        name: "token_endpoint_auth_methods_supported",
        value: "client_secret_basic",
        unless_absent: true,
    }];
    let endpoints = match complete(&CLIENT.0.provider, &needed, data) {
        Ok(endpoints) => endpoints,
        Err(error) => return assert_readable(&error),
    };
    assert!(endpoints.complete());
    let needed = [endpoints.backchannel_authentication, endpoints.token, endpoints.jwks];
    let further = [endpoints.userinfo, endpoints.introspection, endpoints.revocation];
    for endpoint in further.iter().flatten().filter_map(|found| found.as_ref().err()) {
        assert_readable(endpoint);
    }
    let further = further.into_iter().flatten().filter_map(|found| found.ok());
    for url in needed.into_iter().flatten().chain(further) {
        let host = url.host_str().unwrap_or_default();
        let is_ours = host == "id.example" || host.ends_with(".id.example") || host == "tokens.example";
        assert!(is_ours, "requests would go to {url}");
        assert_eq!((url.scheme(), url.username(), url.password(), url.fragment()), ("https", "", None, None));
    }
    true
}
