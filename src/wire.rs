//! HTTP requests and answers as plain data. No sockets here: the engine carries them.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use zeroize::Zeroizing;

use crate::error::Status;
use crate::signing::{Jwt, Unsigned};

/// All but the unreserved characters of RFC 3986 §2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes all but unreserved characters: right in forms (RFC 6749 appendix B, with
/// `%20` for a space) and in a path segment alike.
pub fn percent_encoded(text: &str) -> Zeroizing<String> {
    // Three bytes for each is the most it can grow to: no copy is left behind by growing.
    let mut encoded = Zeroizing::new(String::with_capacity(text.len() * 3));
    encoded.extend(percent_encode(text.as_bytes(), RESERVED));
    encoded
}

/// What an exchange is for: decides its timeout and its name in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Discovery,
    Keys,
    Prepare,
    Start,
    InitAuth,
    Poll,
    Cancel,
    Refresh,
    Userinfo,
    Introspection,
    Revocation,
}

impl Kind {
    /// The stable name that stands in log events.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Discovery => "discovery",
            Kind::Keys => "keys",
            Kind::Prepare => "prepare",
            Kind::Start => "start",
            Kind::InitAuth => "init_auth",
            Kind::Poll => "poll",
            Kind::Cancel => "cancel",
            Kind::Refresh => "refresh",
            Kind::Userinfo => "userinfo",
            Kind::Introspection => "introspection",
            Kind::Revocation => "revocation",
        }
    }

    /// The HTTP method.
    pub fn method(self) -> &'static str {
        match self {
            Kind::Discovery | Kind::Keys | Kind::Userinfo => "GET",
            Kind::Prepare
            | Kind::Start
            | Kind::InitAuth
            | Kind::Poll
            | Kind::Refresh
            | Kind::Introspection
            | Kind::Revocation => "POST",
            Kind::Cancel => "DELETE",
        }
    }
}

/// A form in `application/x-www-form-urlencoded` (R-02). Values are secret until they are sent.
#[derive(Default)]
pub struct Form {
    values: Vec<(String, SecretString)>,
    /// What is still to be signed, by somebody else: no value before it is.
    unsigned: Vec<(String, Unsigned)>,
    /// Whether one of the values is a JWT that was signed when it was added.
    pub has_jwt: bool,
}

impl Form {
    /// Adds a parameter. A parameter that is there already stays as it is: none is sent twice.
    pub fn add(&mut self, name: &str, value: &str) {
        if !self.values.iter().any(|(n, _)| n == name) {
            self.values.push((name.to_owned(), value.into()));
        }
    }

    /// Adds a JWT; one that is not signed comes with [`Form::take_unsigned`].
    pub fn add_jwt(&mut self, name: &str, jwt: Jwt) {
        match jwt {
            Jwt::Signed(jwt) => {
                self.add(name, jwt.expose_secret());
                self.has_jwt = true;
            }
            Jwt::Unsigned(unsigned) => self.unsigned.push((name.to_owned(), *unsigned)),
        }
    }

    /// The parameters that are to be signed and added before the form is sent.
    pub fn take_unsigned(&mut self) -> Vec<(String, Unsigned)> {
        std::mem::take(&mut self.unsigned)
    }

    /// Adds a parameter that may be there several times.
    pub fn append(&mut self, name: &str, value: &str) {
        self.values.push((name.to_owned(), value.into()));
    }

    /// The same names and texts as a JSON object.
    fn json(&self) -> Zeroizing<Vec<u8>> {
        let longest =
            self.values.iter().map(|(n, v)| 6 * (n.len() + v.expose_secret().len()) + 6).sum::<usize>();
        let mut bytes = Zeroizing::new(Vec::with_capacity(longest + 2));
        bytes.push(b'{');
        for (name, value) in &self.values {
            if bytes.len() > 1 {
                bytes.push(b',');
            }
            // A vector takes every text.
            let _ = serde_json::to_writer(&mut *bytes, name);
            bytes.push(b':');
            let _ = serde_json::to_writer(&mut *bytes, value.expose_secret());
        }
        bytes.push(b'}');
        bytes
    }

    /// The bytes that are sent.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let longest = self.values.iter().map(|(n, v)| 3 * (n.len() + v.expose_secret().len()) + 2).sum();
        let mut bytes = Zeroizing::new(Vec::with_capacity(longest));
        for (name, value) in &self.values {
            if !bytes.is_empty() {
                bytes.push(b'&');
            }
            bytes.extend(percent_encode(name.as_bytes(), RESERVED).flat_map(str::bytes));
            bytes.push(b'=');
            bytes.extend(percent_encode(value.expose_secret().as_bytes(), RESERVED).flat_map(str::bytes));
        }
        bytes
    }
}

/// The body of a request.
pub enum Body {
    Form(Form),
    /// The same as a JSON object of texts.
    Json(Form),
}

impl Body {
    /// The content type and the bytes.
    pub fn encode(&self) -> (&'static str, Zeroizing<Vec<u8>>) {
        match self {
            Body::Form(form) => ("application/x-www-form-urlencoded", form.encode()),
            Body::Json(form) => ("application/json", form.json()),
        }
    }
}

/// One HTTP request.
pub struct Request {
    pub kind: Kind,
    pub url: Url,
    /// The value of the `Authorization` header.
    pub authorization: Option<SecretString>,
    /// The value of the `DPoP` header (RFC 9449 §4).
    pub proof: Option<SecretString>,
    pub body: Option<Body>,
}

impl Request {
    /// A request without a body.
    pub fn new(kind: Kind, url: Url) -> Request {
        Request { kind, url, authorization: None, proof: None, body: None }
    }

    /// The form in its body, where it has one.
    pub fn form_mut(&mut self) -> Option<&mut Form> {
        let (Body::Form(form) | Body::Json(form)) = self.body.as_mut()?;
        Some(form)
    }
}

/// One HTTP answer, its body read to the end.
pub struct Answer {
    pub status: u16,
    pub content_type: Option<String>,
    pub retry_after: Option<String>,
    pub cache_control: Option<String>,
    /// `WWW-Authenticate`.
    pub challenge: Option<String>,
    /// `DPoP-Nonce`.
    pub dpop_nonce: Option<SecretString>,
    pub body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// `Retry-After` as a time from now: delta-seconds or an HTTP date (RFC 9110 §10.2.3).
    pub fn retry_after(&self, unix_ms: i64) -> Option<Duration> {
        let text = self.retry_after.as_deref()?.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let date = httpdate::parse_http_date(text).ok()?;
        let date = date.duration_since(std::time::UNIX_EPOCH).ok()?;
        let now = Duration::from_millis(u64::try_from(unix_ms).ok()?);
        Some(date.saturating_sub(now))
    }

    /// `max-age` of `Cache-Control`, in seconds; 0 for `no-store` and `no-cache`.
    pub fn max_age(&self) -> Option<u64> {
        let text = self.cache_control.as_deref()?.to_ascii_lowercase();
        let mut directives = text.split(',').map(str::trim);
        directives.find_map(|d| match d {
            "no-store" | "no-cache" => Some(0),
            _ => d.strip_prefix("max-age=")?.trim_matches('"').parse().ok(),
        })
    }

    /// The `error` of a challenge (RFC 6750 §3), of plain characters alone.
    pub fn challenged_error(&self) -> Option<String> {
        let parameters = self.challenge.as_deref()?.split([' ', ',', '\t']);
        let mut errors = parameters.filter_map(|parameter| parameter.strip_prefix("error="));
        let code = errors.next()?.trim_matches('"');
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        (!code.is_empty() && code.len() <= 200 && code.bytes().all(is_plain)).then(|| code.to_owned())
    }

    /// Whether the answer calls itself a JWT.
    pub fn is_jwt(&self) -> bool {
        let essence = self.content_type.as_deref().and_then(|t| t.split(';').next()).unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/jwt")
    }

    /// Whether the answer calls itself a web page, as those of proxies and login portals do.
    pub fn is_web_page(&self) -> bool {
        let declared = self.content_type.as_deref().is_some_and(|t| {
            let t = t.trim_start().to_ascii_lowercase();
            t.starts_with("text/") || t.starts_with("application/xhtml")
        });
        declared || self.body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<')
    }
}

/// Why an exchange brought no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub status: Status,
    /// One line without any secret.
    pub message: String,
    /// Whether any byte of the request may have reached the server.
    pub maybe_sent: bool,
    /// The HTTP status, where the answer got so far before it was lost.
    pub status_seen: Option<u16>,
}

impl Failure {
    /// A failure once the request may have reached the server.
    pub fn new(status: Status, message: String) -> Failure {
        Failure { status, message, maybe_sent: true, status_seen: None }
    }

    /// A failure before anything was sent.
    pub fn unsent(status: Status, message: String) -> Failure {
        Failure { maybe_sent: false, ..Failure::new(status, message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(retry_after: &str, cache_control: &str) -> Answer {
        Answer {
            status: 503,
            content_type: None,
            retry_after: Some(retry_after.into()),
            cache_control: Some(cache_control.into()),
            challenge: None,
            dpop_nonce: None,
            body: Vec::new().into(),
        }
    }

    #[test]
    fn a_form_encodes_everything_but_unreserved_characters_and_sends_no_name_twice_r02() {
        let mut form = Form::default();
        form.add("scope", "openid mitid");
        form.add("a&b", "~-._ +=/:%æ😉\n");
        form.add("scope", "again");
        assert_eq!(
            form.encode().as_slice(),
            b"scope=openid%20mitid&a%26b=~-._%20%2B%3D%2F%3A%25%C3%A6%F0%9F%98%89%0A"
        );
    }

    #[test]
    fn a_form_as_json_holds_the_same_and_one_name_may_be_appended_again() {
        let mut form = Form::default();
        form.add("requestId", "A\"1\\-æ\n");
        form.append("b", "1");
        form.append("b", "2");
        let (content_type, bytes) = Body::Json(form).encode();
        assert_eq!(content_type, "application/json");
        assert_eq!(
            bytes.as_slice(),
            "{\"requestId\":\"A\\\"1\\\\-æ\\n\",\"b\":\"1\",\"b\":\"2\"}".as_bytes()
        );
        assert_eq!(Form::default().json().as_slice(), b"{}");
        let mut form = Form::default();
        form.append("b", "1");
        form.append("b", "2");
        assert_eq!(form.encode().as_slice(), b"b=1&b=2");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_r44() {
        let now = 784_111_777_000; // Sun, 06 Nov 1994 08:49:37 GMT
        assert_eq!(answer("7", "").retry_after(now), Some(Duration::from_secs(7)));
        assert_eq!(
            answer("Sun, 06 Nov 1994 08:50:37 GMT", "").retry_after(now),
            Some(Duration::from_secs(60))
        );
        assert_eq!(answer("Sun, 06 Nov 1994 08:49:00 GMT", "").retry_after(now), Some(Duration::ZERO));
        for absurd in ["-1", "soon", "99999999999999999999999"] {
            assert_eq!(answer(absurd, "").retry_after(now), None, "{absurd}");
        }
    }

    #[test]
    fn the_error_of_a_challenge_is_found_among_its_parameters() {
        let error = |challenge: &str| {
            let challenge = Some(challenge.to_owned());
            Answer { challenge, ..answer("", "") }.challenged_error()
        };
        assert_eq!(error(r#"Bearer realm="x", error="invalid_token""#).as_deref(), Some("invalid_token"));
        assert_eq!(
            error("Bearer error=insufficient_scope,scope=\"a\"").as_deref(),
            Some("insufficient_scope")
        );
        for none in
            ["", "Bearer", r#"Bearer error_description="error""#, r#"Bearer error="a%b""#, "Bearer error="]
        {
            assert_eq!(error(none), None, "{none}");
        }
    }

    #[test]
    fn max_age_is_found_among_other_directives() {
        assert_eq!(answer("", "public, max-age=600").max_age(), Some(600));
        assert_eq!(answer("", "no-store").max_age(), Some(0));
        assert_eq!(answer("", "public").max_age(), None);
    }
}
