//! Notifications: what the provider sends to the client's notification endpoint in ping and push mode
//! (CIBA Core §10.2, §10.3, §12), read and judged without I/O. Which flow it is for, and what it does
//! there, is the `client`'s affair.

use aws_lc_rs::digest;
use secrecy::{ExposeSecret, SecretString};

use crate::error::Status;
use crate::json::Members;

/// No notification is larger.
const MOST_BYTES: usize = 1024 * 1024;
/// CIBA Core §7.1: no notification token is longer.
const LONGEST_TOKEN: usize = 1024;

/// How tokens are delivered (CIBA Core §5): what the client is registered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryMode {
    Poll,
    Ping,
    Push,
}

impl DeliveryMode {
    const ALL: [DeliveryMode; 3] = [DeliveryMode::Poll, DeliveryMode::Ping, DeliveryMode::Push];

    /// The name, as in client metadata.
    pub fn name(self) -> &'static str {
        match self {
            DeliveryMode::Poll => "poll",
            DeliveryMode::Ping => "ping",
            DeliveryMode::Push => "push",
        }
    }

    /// The mode of this name.
    pub fn from_name(name: &str) -> Option<DeliveryMode> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// What a notification says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum NotificationKind {
    /// Something was decided: the tokens, or the reason why there are none, are to be fetched.
    Ping = 1,
    /// The tokens themselves.
    Tokens = 2,
    /// Why there are no tokens.
    Error = 3,
}

/// A hash of a notification token: what is kept of it, so that it can be known and not be told.
pub type TokenHash = [u8; 32];

/// What is kept of a notification token.
pub fn hash(token: &str) -> TokenHash {
    let mut hash = TokenHash::default();
    hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    hash
}

/// A notification that has the form of one. Nothing in it is trusted.
pub struct Notification {
    pub kind: NotificationKind,
    pub auth_req_id: SecretString,
    /// Of the bearer token. Comparing hashes tells nothing of the token by how long it takes.
    pub token: TokenHash,
}

/// Why a request is no notification: the HTTP status to answer, and what to tell the caller.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    pub http_status: u16,
    pub status: Status,
    pub why: &'static str,
}

impl Notification {
    /// Reads a request to the notification endpoint (R-71, R-74). `authorization` and `content_type`: the
    /// values of these headers.
    pub fn read(
        method: &str,
        authorization: Option<&str>,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<Notification, Refusal> {
        let malformed = |http_status, why| Refusal { http_status, status: Status::NOTIFICATION_MALFORMED, why };
        if method != "POST" {
            return Err(malformed(405, "the method is not POST"));
        }
        let token = authorization.and_then(bearer).ok_or(Refusal {
            http_status: 401,
            status: Status::NOTIFICATION_UNAUTHORIZED,
            why: "there is no bearer token",
        })?;
        if !content_type.is_some_and(is_json) {
            return Err(malformed(415, "the content type is not application/json"));
        }
        if body.len() > MOST_BYTES {
            return Err(malformed(413, "the body is larger than the limit"));
        }
        let members = Members::parse(body).ok_or(malformed(400, "the body is not a plain JSON object"))?;
        let auth_req_id = members.text("auth_req_id").filter(|id| !id.is_empty());
        let auth_req_id = auth_req_id.ok_or(malformed(400, "auth_req_id is missing"))?;
        let is_there = |name: &str| members.raw(name).is_some_and(|raw| raw != "null");
        let kind = match () {
            () if is_there("error") => NotificationKind::Error,
            () if is_there("access_token") || is_there("id_token") => NotificationKind::Tokens,
            () => NotificationKind::Ping,
        };
        Ok(Notification { kind, auth_req_id: auth_req_id.into(), token: hash(token) })
    }

    /// Whether it is for this request (R-72).
    pub fn is_for(&self, auth_req_id: &str) -> bool {
        self.auth_req_id.expose_secret() == auth_req_id
    }
}

/// The token of an `Authorization` header (RFC 6750 §2.1); capitals in the scheme make no difference.
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    let token = token.trim_start();
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    let fits = !token.is_empty() && token.len() <= LONGEST_TOKEN && token.bytes().all(is_token);
    (scheme.eq_ignore_ascii_case("bearer") && fits).then_some(token)
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: (&str, Option<&str>, Option<&str>, &str) =
        ("POST", Some("Bearer abc-._~+/="), Some("application/json"), r#"{"auth_req_id":"x1"}"#);

    fn read(request: (&str, Option<&str>, Option<&str>, &str)) -> Result<NotificationKind, u16> {
        let (method, authorization, content_type, body) = request;
        let read = Notification::read(method, authorization, content_type, body.as_bytes());
        read.map(|notification| notification.kind).map_err(|refusal| refusal.http_status)
    }

    #[test]
    fn a_good_one_is_read_r71() {
        assert_eq!(read(GOOD), Ok(NotificationKind::Ping));
        let good = Notification::read(GOOD.0, GOOD.1, GOOD.2, GOOD.3.as_bytes()).unwrap();
        assert_eq!(good.token, hash("abc-._~+/="));
        assert!(good.is_for("x1") && !good.is_for("x2"));
        for also_good in ["bearer abc", "BEARER  abc", " Bearer abc "] {
            assert_eq!(read((GOOD.0, Some(also_good), GOOD.2, GOOD.3)), Ok(NotificationKind::Ping));
        }
        let charset = (GOOD.0, GOOD.1, Some("Application/JSON; charset=utf-8"), GOOD.3);
        assert_eq!(read(charset), Ok(NotificationKind::Ping));
    }

    #[test]
    fn one_wrong_fact_is_refused_with_its_http_status_r71() {
        let (method, authorization, content_type, body) = GOOD;
        for (request, http_status) in [
            (("GET", authorization, content_type, body), 405),
            (("post", authorization, content_type, body), 405),
            ((method, None, content_type, body), 401),
            ((method, Some(""), content_type, body), 401),
            ((method, Some("Bearer"), content_type, body), 401),
            ((method, Some("Bearer "), content_type, body), 401),
            ((method, Some("Basic abc"), content_type, body), 401),
            ((method, Some("Bearer a, Bearer b"), content_type, body), 401),
            ((method, Some("Bearer a\"b"), content_type, body), 401),
            ((method, authorization, None, body), 415),
            ((method, authorization, Some("text/plain"), body), 415),
            ((method, authorization, content_type, ""), 400),
            ((method, authorization, content_type, "[]"), 400),
            ((method, authorization, content_type, "{}"), 400),
            ((method, authorization, content_type, r#"{"auth_req_id":""}"#), 400),
            ((method, authorization, content_type, r#"{"auth_req_id":7}"#), 400),
            ((method, authorization, content_type, r#"{"auth_req_id":"a","auth_req_id":"b"}"#), 400),
        ] {
            assert_eq!(read(request), Err(http_status), "{request:?}");
        }
        let longest = format!("Bearer {}", "a".repeat(LONGEST_TOKEN));
        assert!(read((method, Some(&longest), content_type, body)).is_ok());
        assert_eq!(read((method, Some(&format!("{longest}a")), content_type, body)), Err(401));
        let large = format!(r#"{{"auth_req_id":"a","x":"{}"}}"#, "x".repeat(MOST_BYTES));
        assert_eq!(read((method, authorization, content_type, &large)), Err(413));
    }

    #[test]
    fn what_it_says_is_told_by_its_members_and_unknown_ones_are_passed_over_r74_r78_r79() {
        for (body, kind) in [
            (r#"{"auth_req_id":"a","unknown":[{}]}"#, NotificationKind::Ping),
            (r#"{"auth_req_id":"a","error":null}"#, NotificationKind::Ping),
            (r#"{"auth_req_id":"a","access_token":"t"}"#, NotificationKind::Tokens),
            (r#"{"auth_req_id":"a","id_token":"t"}"#, NotificationKind::Tokens),
            (r#"{"auth_req_id":"a","error":"access_denied"}"#, NotificationKind::Error),
            (r#"{"auth_req_id":"a","error":"x","access_token":"t"}"#, NotificationKind::Error),
        ] {
            assert_eq!(read((GOOD.0, GOOD.1, GOOD.2, body)), Ok(kind), "{body}");
        }
    }
}
