//! Who we talk to: the issuer, its endpoints, and the table of what it does in its own way.

mod binding_message;
pub mod discovery;
mod presets;
mod rules;

use url::{Host, Url};

use crate::error::{Error, Result, Status};
use crate::readable::unreadable;
use crate::wire::percent_encoded;

pub use presets::{PRESETS, Preset};
pub use rules::{CodeRule, HintField, Meaning, Rules, Stage};

/// The endpoints of a provider, as far as they are known.
#[derive(Clone, Default)]
pub struct Endpoints {
    pub backchannel_authentication: Option<Url>,
    pub token: Option<Url>,
    pub jwks: Option<Url>,
    /// For the steps that some providers have beside CIBA's own; never discovered.
    pub prepare: Option<Url>,
    pub init_auth: Option<Url>,
    /// These are needed only by who uses them, and so is the error that a provider's is no good.
    pub userinfo: Option<Result<Url>>,
    pub introspection: Option<Result<Url>>,
    pub revocation: Option<Result<Url>>,
}

/// What holds for endpoints where the client has a certificate (RFC 8705).
#[derive(Clone)]
pub struct MutualTls {
    /// Whether an endpoint without an alias is an error.
    pub aliases_required: bool,
    /// Whether access tokens must be bound to the certificate.
    pub bound_access_tokens: bool,
}

impl Endpoints {
    /// Whether nothing is left to be discovered for a flow.
    pub fn complete(&self) -> bool {
        self.backchannel_authentication.is_some() && self.token.is_some() && self.jwks.is_some()
    }
}

/// One provider: where it is, and its rules.
#[derive(Clone)]
pub struct Provider {
    /// Compared byte for byte with `iss`.
    pub issuer: String,
    /// Given by the settings or the preset; discovery fills what is missing.
    pub endpoints: Endpoints,
    /// Where the client has a certificate.
    pub mutual_tls: Option<MutualTls>,
    /// A URL with `{auth_req_id}` in its path: where a `DELETE` cancels a request.
    pub cancel_endpoint: Option<String>,
    pub rules: Rules,
    /// Hosts beside the issuer's own to which requests may go.
    pub allowed_hosts: Vec<String>,
    /// Whether `http` is allowed to a loopback address.
    pub allow_http_loopback: bool,
}

impl Provider {
    /// Reads the URL of an endpoint: https, no user, no fragment.
    pub fn endpoint(&self, name: &str, text: &str) -> Result<Url> {
        endpoint(name, text, self.allow_http_loopback)
    }

    /// Whether requests may go to this host: the issuer's, one below it, or a listed one.
    pub fn allows_host(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let issuer = Url::parse(&self.issuer).ok();
        let issuer = issuer.as_ref().and_then(Url::host_str).unwrap_or_default();
        let below = |parent: &str| {
            let is_name = matches!(url.host(), Some(Host::Domain(_)));
            is_name && host.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
        };
        host == issuer || below(issuer) || self.allowed_hosts.iter().any(|h| h == host)
    }

    /// The URL that cancels a request, if the provider has one. An identifier that a path
    /// cannot carry (`.` and `..` are navigation) has none.
    pub fn cancel_url(&self, auth_req_id: &str) -> Result<Option<Url>> {
        let Some(template) = &self.cancel_endpoint else { return Ok(None) };
        let (before, after) = template.split_once("{auth_req_id}").unwrap_or((template, ""));
        let unusable =
            || Error::new(Status::INVALID_VALUE, "the auth_req_id cannot stand in the path of a cancel URL");
        if matches!(auth_req_id, "" | "." | "..") {
            return Err(unusable());
        }
        let text = format!("{before}{}{after}", percent_encoded(auth_req_id).as_str());
        let url = self.endpoint("cancel_endpoint", &text)?;
        // What the URL parser made of it must still be what was written.
        if url.as_str() == text { Ok(Some(url)) } else { Err(unusable()) }
    }
}

/// Reads the URL of an endpoint.
pub fn endpoint(name: &str, text: &str, allow_http_loopback: bool) -> Result<Url> {
    let bad = |why: &str| Err(Error::new(Status::INVALID_VALUE, format!("{name}: {why}")));
    // The parser drops some of these, and who is given the text would not.
    if text.contains(char::is_whitespace) || unreadable(text).is_some() {
        return bad("must not have spaces, control characters or invisible ones");
    }
    let Ok(url) = Url::parse(text) else { return bad("is not a URL") };
    if !url.has_host() {
        return bad("has no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return bad("must not hold a user or a password");
    }
    if url.fragment().is_some() {
        return bad("must not have a fragment");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if allow_http_loopback && is_loopback(&url) => Ok(url),
        "http" => bad("must be https (http only to a loopback address, with allow_http_loopback)"),
        _ => bad("must be https"),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(issuer: &str) -> Provider {
        Provider {
            issuer: issuer.into(),
            endpoints: Endpoints::default(),
            mutual_tls: None,
            cancel_endpoint: Some("https://id.example/api/ciba/{auth_req_id}".into()),
            rules: Rules::default(),
            allowed_hosts: vec!["tokens.example".into()],
            allow_http_loopback: false,
        }
    }

    #[test]
    fn only_https_urls_without_user_and_fragment_are_endpoints_r01() {
        assert!(endpoint("e", "https://id.example/token?x=1", false).is_ok());
        for refused in [
            "http://id.example/token",
            "http://127.0.0.1/token",
            "ftp://id.example/",
            "https://user@id.example/token",
            "https://:pw@id.example/token",
            "https://id.example/token#part",
            "https:///token#",
            // The URL parser would drop these; whoever is given the text would not.
            "https://id.example/to\r\nken",
            "https://id.example/\ttoken",
            " https://id.example/token",
            "https://id.example/token ",
            "https://id.example/to\u{202e}ken",
            "token",
            "",
        ] {
            assert_eq!(
                endpoint("e", refused, false).unwrap_err().status(),
                Status::INVALID_VALUE,
                "{refused}"
            );
        }
    }

    #[test]
    fn http_is_for_loopback_alone_and_only_when_asked_for_r01() {
        for loopback in ["http://127.0.0.1:8/x", "http://localhost:8/x", "http://[::1]:8/x"] {
            assert!(endpoint("e", loopback, true).is_ok(), "{loopback}");
            assert!(endpoint("e", loopback, false).is_err(), "{loopback}");
        }
        for elsewhere in ["http://192.168.0.1/x", "http://localhost.example/x", "http://id.example/x"] {
            assert!(endpoint("e", elsewhere, true).is_err(), "{elsewhere}");
        }
    }

    #[test]
    fn requests_go_to_the_issuers_host_below_it_or_to_a_listed_one() {
        let p = provider("https://id.example/op");
        let allows = |url: &str| p.allows_host(&Url::parse(url).unwrap());
        assert!(allows("https://id.example/token"));
        assert!(allows("https://mtls.id.example/token"));
        assert!(allows("https://tokens.example/token"));
        assert!(!allows("https://evilid.example/token"));
        assert!(!allows("https://example/token"));
        assert!(!allows("https://sub.tokens.example/token"));
        let by_address = provider("https://0.0.1/op"); // = 0.0.0.1
        assert!(!by_address.allows_host(&Url::parse("https://10.0.0.1/").unwrap()));
    }

    #[test]
    fn an_identifier_cannot_walk_out_of_the_cancel_path() {
        let p = provider("https://id.example");
        let cancel = |id: &str| p.cancel_url(id).map(|u| u.unwrap().to_string());
        assert_eq!(cancel("0A21..6A-1").unwrap(), "https://id.example/api/ciba/0A21..6A-1");
        assert_eq!(cancel("a/../b").unwrap(), "https://id.example/api/ciba/a%2F..%2Fb");
        assert_eq!(cancel("%2e%2e").unwrap(), "https://id.example/api/ciba/%252e%252e");
        assert_eq!(cancel("a?b#c").unwrap(), "https://id.example/api/ciba/a%3Fb%23c");
        for navigation in [".", "..", ""] {
            assert_eq!(cancel(navigation).unwrap_err().status(), Status::INVALID_VALUE, "{navigation:?}");
        }
    }
}
