//! Notifications: what the provider sends to the client's notification endpoint in ping and push mode
//! (CIBA Core §10.2, §10.3, §12), read and judged without I/O. Which flow one is for, and what it does
//! there, is the `client`'s affair.

use std::fmt;

use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::error::{Error, Result, Status};
use crate::json::Members;

/// The parameter of an authentication request that brings the token (CIBA Core §7.1).
pub(crate) const PARAMETER: &str = "client_notification_token";

/// Random bytes in a token: 16 would do (R-06), 32 look random to every checker (R-07).
const TOKEN_BYTES: usize = 32;
/// CIBA Core §7.1: no token is longer.
const LONGEST_TOKEN: usize = 1024;
/// No notification is larger.
const MOST_BYTES: usize = 1024 * 1024;

/// How tokens are delivered (CIBA Core §5): what the client is registered for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DeliveryMode {
    #[default]
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

    /// Whether the provider may send this: it must use no other mode than the one that is registered (R-54).
    pub fn takes(self, kind: NotificationKind) -> bool {
        match self {
            DeliveryMode::Poll => false,
            DeliveryMode::Ping => kind == NotificationKind::Ping,
            DeliveryMode::Push => kind != NotificationKind::Ping,
        }
    }
}

/// What a notification says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum NotificationKind {
    /// Something was decided: the tokens, or the reason why there are none, are fetched at the token
    /// endpoint (CIBA Core §10.2).
    Ping = 1,
    /// The tokens themselves (CIBA Core §10.3.1).
    Tokens = 2,
    /// Why there are no tokens (CIBA Core §12).
    Error = 3,
}

/// The hash of a notification token: what is kept of one, so that it can be known and not be told.
pub(crate) type TokenHash = [u8; 32];

/// What is kept of a notification token.
pub(crate) fn hash(token: &str) -> TokenHash {
    let mut hash = TokenHash::default();
    hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    hash
}

/// A new token from the system's random numbers.
pub(crate) fn new_token() -> Result<SecretString> {
    let mut random = Zeroizing::new([0; TOKEN_BYTES]);
    rand::fill(&mut *random)
        .map_err(|_| Error::new(Status::RESOURCES, "the system gives no random numbers"))?;
    Ok(URL_SAFE_NO_PAD.encode(*random).into())
}

/// Why a request is not taken: what the caller is told, and the HTTP status to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub status: Status,
    pub http_status: u16,
    pub why: &'static str,
}

impl Refusal {
    pub const UNKNOWN_FLOW: Refusal = Refusal::of(Status::NOTIFICATION_UNKNOWN_FLOW, 401);
    pub const OTHER_REQUEST: Refusal = Refusal::of(Status::NOTIFICATION_OTHER_REQUEST, 401);
    pub const WRONG_MODE: Refusal = Refusal::of(Status::NOTIFICATION_WRONG_MODE, 400);

    const fn of(status: Status, http_status: u16) -> Refusal {
        Refusal { status, http_status, why: "" }
    }
}

/// A request that has the form of a notification. Nothing in it is trusted.
pub(crate) struct Received {
    pub kind: NotificationKind,
    pub auth_req_id: SecretString,
    /// Of the bearer token. To look for a hash tells nothing of the token by how long it takes.
    pub token: TokenHash,
}

impl Received {
    /// Reads a request to the notification endpoint (R-71, R-74). `authorization` and `content_type`: the
    /// values of these headers.
    pub fn read(
        method: &str,
        authorization: Option<&str>,
        content_type: Option<&str>,
        body: &[u8],
    ) -> std::result::Result<Received, Refusal> {
        let malformed =
            |http_status, why| Refusal { http_status, status: Status::NOTIFICATION_MALFORMED, why };
        if method != "POST" {
            return Err(malformed(405, "the method is not POST"));
        }
        let token =
            authorization.and_then(bearer).ok_or(Refusal::of(Status::NOTIFICATION_UNAUTHORIZED, 401))?;
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
        Ok(Received { kind, auth_req_id: auth_req_id.into(), token: hash(token) })
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

/// What became of a request to the client's notification endpoint, see
/// [`crate::Client::deliver_notification`].
///
/// Its `Debug` form shows no identifier.
pub struct Notification {
    received: Option<Received>,
    refusal: Option<Refusal>,
}

impl Notification {
    pub(crate) fn new(received: Option<Received>, refusal: Option<Refusal>) -> Notification {
        Notification { received, refusal }
    }

    /// `OK`: it was delivered to its flow, or came when that had its outcome already. Otherwise why not:
    ///
    /// - `NOTIFICATION_UNKNOWN_FLOW`: no flow of this client in this process has this token. It may be
    ///   with another process: forward the request to that, or resume the saved flow of
    ///   [`Notification::auth_req_id`] and deliver it again. Nothing in it is trusted until then.
    /// - `NOTIFICATION_UNAUTHORIZED`, `NOTIFICATION_OTHER_REQUEST`, `NOTIFICATION_MALFORMED`,
    ///   `NOTIFICATION_WRONG_MODE`: it is not the provider's, or not as it must be.
    pub fn status(&self) -> Status {
        self.refusal.map_or(Status::OK, |refusal| refusal.status)
    }

    /// The HTTP status to answer, without a body: 204, or 400, 401, 405, 413, 415.
    pub fn http_status(&self) -> u16 {
        self.refusal.map_or(204, |refusal| refusal.http_status)
    }

    /// What it says; `None` where it has not the form of a notification.
    pub fn kind(&self) -> Option<NotificationKind> {
        self.received.as_ref().map(|received| received.kind)
    }

    /// The identifier of the request that it is for; `None` where it has not the form of a notification.
    /// Confidential; not to be trusted unless the status is `OK`.
    pub fn auth_req_id(&self) -> Option<&str> {
        self.received.as_ref().map(|received| received.auth_req_id.expose_secret())
    }

    /// One line for a log.
    pub(crate) fn text(&self) -> String {
        match self.refusal {
            None => String::new(),
            Some(Refusal { status, why: "", .. }) => status.text().to_owned(),
            Some(Refusal { status, why, .. }) => format!("{}: {why}", status.text()),
        }
    }
}

impl fmt::Debug for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notification")
            .field("status", &self.status())
            .field("http_status", &self.http_status())
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const GOOD: (&str, Option<&str>, Option<&str>, &str) =
        ("POST", Some("Bearer abc-._~+/="), Some("application/json"), r#"{"auth_req_id":"x1"}"#);

    fn read(
        request: (&str, Option<&str>, Option<&str>, &str),
    ) -> std::result::Result<NotificationKind, (Status, u16)> {
        let (method, authorization, content_type, body) = request;
        let read = Received::read(method, authorization, content_type, body.as_bytes());
        read.map(|received| received.kind).map_err(|refusal| (refusal.status, refusal.http_status))
    }

    #[test]
    fn a_token_is_new_each_time_of_its_form_and_random_enough_r06_r07() {
        let tokens: HashSet<String> =
            (0..1000).map(|_| new_token().unwrap().expose_secret().to_owned()).collect();
        assert_eq!(tokens.len(), 1000);
        for token in &tokens {
            assert_eq!(URL_SAFE_NO_PAD.decode(token).unwrap().len(), 32);
            assert_eq!(bearer(&format!("Bearer {token}")), Some(token.as_str()));
            // As the conformance suite measures: Shannon's entropy of the characters, times their number.
            let share = |c: char| token.matches(c).count() as f64 / token.len() as f64;
            let characters: HashSet<char> = token.chars().collect();
            let entropy: f64 = characters.into_iter().map(|c| -share(c) * share(c).log2()).sum();
            assert!(entropy * token.len() as f64 > 96.0);
        }
    }

    #[test]
    fn a_good_one_is_read_r71() {
        assert_eq!(read(GOOD), Ok(NotificationKind::Ping));
        let good = Received::read(GOOD.0, GOOD.1, GOOD.2, GOOD.3.as_bytes()).ok().unwrap();
        assert_eq!(good.token, hash("abc-._~+/="));
        assert_ne!(good.token, hash("abc-._~+/"));
        assert!(good.is_for("x1") && !good.is_for("x2") && !good.is_for("X1") && !good.is_for("x1 "));
        for also_good in ["bearer abc", "BEARER  abc", " Bearer abc "] {
            assert_eq!(read((GOOD.0, Some(also_good), GOOD.2, GOOD.3)), Ok(NotificationKind::Ping));
        }
        let charset = (GOOD.0, GOOD.1, Some("Application/JSON; charset=utf-8"), GOOD.3);
        assert_eq!(read(charset), Ok(NotificationKind::Ping));
    }

    #[test]
    fn one_wrong_fact_is_refused_with_its_http_status_r71() {
        let (method, authorization, content_type, body) = GOOD;
        let (malformed, unauthorized) = (Status::NOTIFICATION_MALFORMED, Status::NOTIFICATION_UNAUTHORIZED);
        for (request, status, http_status) in [
            (("GET", authorization, content_type, body), malformed, 405),
            (("post", authorization, content_type, body), malformed, 405),
            ((method, None, content_type, body), unauthorized, 401),
            ((method, Some(""), content_type, body), unauthorized, 401),
            ((method, Some("Bearer"), content_type, body), unauthorized, 401),
            ((method, Some("Bearer "), content_type, body), unauthorized, 401),
            ((method, Some("Basic abc"), content_type, body), unauthorized, 401),
            ((method, Some("Bearer a, Bearer b"), content_type, body), unauthorized, 401),
            ((method, Some("Bearer a\"b"), content_type, body), unauthorized, 401),
            ((method, authorization, None, body), malformed, 415),
            ((method, authorization, Some("text/plain"), body), malformed, 415),
            ((method, authorization, Some("application/json2"), body), malformed, 415),
            ((method, authorization, content_type, ""), malformed, 400),
            ((method, authorization, content_type, "[]"), malformed, 400),
            ((method, authorization, content_type, "{}"), malformed, 400),
            ((method, authorization, content_type, r#"{"auth_req_id":""}"#), malformed, 400),
            ((method, authorization, content_type, r#"{"auth_req_id":7}"#), malformed, 400),
            (
                (method, authorization, content_type, r#"{"auth_req_id":"a","auth_req_id":"b"}"#),
                malformed,
                400,
            ),
        ] {
            assert_eq!(read(request), Err((status, http_status)), "{request:?}");
        }
        let longest = format!("Bearer {}", "a".repeat(LONGEST_TOKEN));
        assert!(read((method, Some(&longest), content_type, body)).is_ok());
        let longer = format!("{longest}a");
        assert_eq!(read((method, Some(&longer), content_type, body)), Err((unauthorized, 401)));
        let of = |bytes: usize| {
            let empty = r#"{"auth_req_id":"a","x":""}"#;
            empty.replace("\"\"", &format!("\"{}\"", "x".repeat(bytes - empty.len())))
        };
        assert!(read((method, authorization, content_type, &of(1 << 20))).is_ok());
        let large = of((1 << 20) + 1);
        assert_eq!(read((method, authorization, content_type, &large)), Err((malformed, 413)));
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

    #[test]
    fn each_mode_takes_its_own_kinds_r54() {
        use NotificationKind::{Error, Ping, Tokens};
        for (mode, taken) in [
            (DeliveryMode::Poll, [false, false, false]),
            (DeliveryMode::Ping, [true, false, false]),
            (DeliveryMode::Push, [false, true, true]),
        ] {
            assert_eq!([Ping, Tokens, Error].map(|kind| mode.takes(kind)), taken, "{mode:?}");
            assert_eq!(DeliveryMode::from_name(mode.name()), Some(mode));
        }
    }

    #[test]
    fn what_became_of_it_is_a_status_an_http_status_and_a_line_r71_r72() {
        let post = || Received::read(GOOD.0, GOOD.1, GOOD.2, GOOD.3.as_bytes());
        let get = Received::read("GET", GOOD.1, GOOD.2, GOOD.3.as_bytes());
        let line = |status: Status, why: &str| format!("{}{why}", status.text());
        for (refusal, status, http_status, text) in [
            (None, Status::OK, 204, String::new()),
            (
                Some(Refusal::UNKNOWN_FLOW),
                Status::NOTIFICATION_UNKNOWN_FLOW,
                401,
                line(Status::NOTIFICATION_UNKNOWN_FLOW, ""),
            ),
            (
                Some(Refusal::OTHER_REQUEST),
                Status::NOTIFICATION_OTHER_REQUEST,
                401,
                line(Status::NOTIFICATION_OTHER_REQUEST, ""),
            ),
            (
                Some(Refusal::WRONG_MODE),
                Status::NOTIFICATION_WRONG_MODE,
                400,
                line(Status::NOTIFICATION_WRONG_MODE, ""),
            ),
            (
                get.err(),
                Status::NOTIFICATION_MALFORMED,
                405,
                line(Status::NOTIFICATION_MALFORMED, ": the method is not POST"),
            ),
        ] {
            let notification = Notification::new(post().ok(), refusal);
            assert_eq!((notification.status(), notification.http_status()), (status, http_status));
            assert_eq!(notification.text(), text);
            assert_eq!(notification.kind(), Some(NotificationKind::Ping));
            assert_eq!(notification.auth_req_id(), Some("x1"));
        }
        let unreadable = Notification::new(None, None);
        assert_eq!((unreadable.kind(), unreadable.auth_req_id()), (None, None));
    }

    #[test]
    fn its_debug_form_shows_no_identifier() {
        let received = Received::read(GOOD.0, GOOD.1, GOOD.2, GOOD.3.as_bytes()).ok();
        let notification = Notification::new(received, None);
        assert_eq!(notification.auth_req_id(), Some("x1"));
        assert!(!format!("{notification:?}").contains("x1"));
    }
}
