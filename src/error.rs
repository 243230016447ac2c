//! What can go wrong, and its number: one list, the same numbers in every language.

use std::fmt;
use std::time::Duration;

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $number:literal $text:literal;)*) => {
        /// A status number. The bands: 0 success, 1 pending, 10–99 the caller's use, 100s transport,
        /// 200s the provider's OAuth and CIBA answers, 250s outcomes, 300s token validation,
        /// 400s discovery and keys, 500s saved flows, 600s notifications, 900s internal. A number is never reused.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct Status(i32);

        impl Status {
            $($(#[$doc])* pub const $name: Status = Status($number);)*

            /// Every status, in the order of its number.
            pub const ALL: &'static [Status] = &[$(Status::$name),*];

            /// The name, as in the C header without its prefix: `DENIED` for `CIBA_DENIED`.
            pub fn name(self) -> &'static str {
                match self.0 { $($number => stringify!($name),)* _ => "?" }
            }

            /// One short sentence that says what the number means.
            pub fn text(self) -> &'static str {
                match self.0 { $($number => $text,)* _ => "unknown status" }
            }
        }
    };
}

statuses! {
    /// Done.
    OK = 0 "done";
    /// Not decided yet: the time given was up, nothing is lost, ask again. Not an error.
    PENDING = 1 "not decided yet";

    /// An argument that must be given is missing (a NULL pointer in C).
    MISSING_ARGUMENT = 10 "an argument that must be given is missing";
    /// A text is not valid UTF-8.
    INVALID_UTF8 = 11 "a text is not valid UTF-8";
    /// No setting or request parameter has this name.
    UNKNOWN_NAME = 12 "no setting or parameter has this name";
    /// A value is not of the form that its name asks for.
    INVALID_VALUE = 13 "a value is not of the form that its name asks for";
    /// A setting without which the client cannot work is missing.
    MISSING_SETTING = 14 "a setting is missing";
    /// Two settings contradict each other.
    CONFLICTING_SETTINGS = 15 "two settings contradict each other";
    /// The authentication request breaks a rule of the protocol or the provider; nothing was sent.
    INVALID_AUTHENTICATION_REQUEST = 16 "the authentication request breaks a rule; nothing was sent";
    /// The object was freed while the call was inside.
    FREED = 17 "the object was freed while the call was inside";
    /// The flow belongs to another process: this one was forked from it.
    OTHER_PROCESS = 18 "the flow belongs to another process";
    /// There are no tokens: the flow has not ended with any.
    NO_TOKENS = 19 "there are no tokens";
    /// The token response or the ID Token has no member of this name.
    NOT_PRESENT = 20 "there is no member of this name";
    /// The call is not allowed inside a callback.
    IN_CALLBACK = 21 "the call is not allowed inside a callback";
    /// A file that a setting names cannot be read or written.
    FILE = 22 "a file that a setting names cannot be read or written";
    /// The flow is in the set already.
    IN_SET = 23 "the flow is in the set already";
    /// The system that the library runs on does not have this.
    UNSUPPORTED = 24 "not available on this system";

    /// The tokens are another provider's, or another client's; nothing was sent.
    OTHER_CLIENT = 30 "the tokens are of another provider or another client";
    /// These tokens were refreshed before, which used up their refresh token, and the tokens that came of
    /// it have been freed; nothing was sent.
    ALREADY_REFRESHED = 31 "these tokens were refreshed before, and what came of it was freed";

    /// The provider could not be reached; nothing was sent.
    CONNECT_FAILED = 100 "the provider could not be reached";
    /// The provider's name could not be resolved; nothing was sent.
    NAME_RESOLUTION_FAILED = 101 "the provider's name could not be resolved";
    /// TLS failed, for example because the certificate is not trusted; nothing was sent.
    TLS_FAILED = 102 "no trusted TLS connection could be made";
    /// No answer came in time.
    TIMEOUT = 103 "no answer came in time";
    /// The connection broke before the answer was complete.
    CONNECTION_LOST = 104 "the connection broke before the answer was complete";
    /// The proxy could not be used; nothing was sent.
    PROXY_FAILED = 105 "the proxy could not be used";
    /// The proxy asks for credentials (407); the message names the schemes that it offers.
    PROXY_AUTHENTICATION_REQUIRED = 106 "the proxy asks for credentials";
    /// The answer is a redirect; redirects are never followed.
    REDIRECTED = 107 "the answer is a redirect";
    /// The answer is larger than the limit.
    ANSWER_TOO_LARGE = 108 "the answer is larger than the limit";
    /// The answer's HTTP status says that the request failed, and its body does not say why.
    HTTP_STATUS = 109 "the provider answered with an HTTP error";
    /// The answer is not the JSON that was expected.
    MALFORMED_ANSWER = 110 "the answer is not the JSON that was expected";
    /// The answer to the authentication request was lost, or says neither yes nor no (a gateway's 502):
    /// the person's phone may ring or not.
    START_UNKNOWN = 111 "the answer to the authentication request was lost";

    /// The answer to a refresh was lost, or says neither yes nor no: the refresh token may be used up.
    REFRESH_UNKNOWN = 120 "the answer to the refresh was lost: the refresh token may be used up";

    /// The signer callback failed, or gave no signature of the algorithm; nothing was sent.
    SIGNER_FAILED = 130 "the signer failed; nothing was sent";

    /// `invalid_request`
    INVALID_REQUEST = 200 "the provider calls the request invalid";
    /// `invalid_client`
    INVALID_CLIENT = 201 "the provider does not accept the client's credentials";
    /// `invalid_grant`
    INVALID_GRANT = 202 "the provider does not know the request, or not any more";
    /// `unauthorized_client`
    UNAUTHORIZED_CLIENT = 203 "the provider does not let this client use CIBA in this way";
    /// `unsupported_grant_type`
    UNSUPPORTED_GRANT_TYPE = 204 "the provider does not support CIBA here";
    /// `invalid_scope`
    INVALID_SCOPE = 205 "the provider does not accept the scope";
    /// `expired_login_hint_token`
    EXPIRED_LOGIN_HINT_TOKEN = 206 "the login_hint_token has expired";
    /// `unknown_user_id`
    UNKNOWN_USER_ID = 207 "the provider does not know the person";
    /// `missing_user_code`
    MISSING_USER_CODE = 208 "the provider asks for a user_code";
    /// `invalid_user_code`
    INVALID_USER_CODE = 209 "the provider does not accept the user_code";
    /// `invalid_binding_message`
    INVALID_BINDING_MESSAGE = 210 "the provider does not accept the binding_message";
    /// `access_denied` in answer to the authentication request: the provider's policy, not the person.
    REFUSED_BY_POLICY = 211 "the provider's policy refuses the request";
    /// The acknowledgement lacks a member that it must have, or one is absurd.
    INVALID_ACKNOWLEDGEMENT = 212 "the acknowledgement is not valid";
    /// The token response lacks a member that it must have, or one is absurd.
    INVALID_TOKEN_RESPONSE = 213 "the token response is not valid";
    /// A code that no specification knows; kept verbatim in the error's OAuth `error`.
    PROVIDER_ERROR = 214 "the provider ended the request with a code of its own";
    /// The provider uses one code for a denial and for a request that failed or is no longer known.
    DENIED_OR_FAILED = 215 "denied by the person, or failed at the provider: the provider does not say which";
    /// The app on the phone, or the identity scheme behind the provider, reported an error.
    AUTHENTICATION_DEVICE_ERROR = 216 "the app or the identity scheme behind the provider reported an error";

    /// `transaction_failed`, in a pushed error: something went wrong at the provider.
    TRANSACTION_FAILED = 217 "something went wrong at the provider while the person was asked";

    /// `invalid_token`, or 401 in answer to an access token.
    INVALID_TOKEN = 240 "the provider does not accept the access token, or not any more";
    /// `insufficient_scope`
    INSUFFICIENT_SCOPE = 241 "the scope of the access token does not reach so far";
    /// `unsupported_token_type`
    UNSUPPORTED_TOKEN_TYPE = 242 "the provider does not do this with tokens of this kind";
    /// The answer to an introspection is not a JSON object with `active`.
    INVALID_INTROSPECTION_RESPONSE = 243 "the answer to the introspection is not valid";

    /// The person denied.
    DENIED = 250 "the person denied";
    /// Nobody answered in time.
    EXPIRED = 251 "nobody answered in time";
    /// The flow was cancelled by the caller.
    CANCELLED = 252 "cancelled by the caller";
    /// The flow failed; its error says why. Only as an outcome, see `ciba_flow_outcome`.
    FAILED = 253 "the flow failed";
    /// An answer that may have carried the tokens was lost: what the person decided is not known.
    UNKNOWN = 254 "what the person decided is not known: an answer was lost";

    /// The ID Token is not a signed JWT in compact form, or larger than the limit.
    TOKEN_MALFORMED = 300 "the ID Token is not a signed JWT";
    /// The ID Token is encrypted, and no key to decrypt it is configured.
    TOKEN_ENCRYPTED = 301 "the ID Token is encrypted";
    /// The ID Token's algorithm, or one of those that it is encrypted with, is not the configured one.
    TOKEN_ALGORITHM = 302 "the ID Token's algorithm is not allowed";
    /// The ID Token's header asks for something that is not understood (`crit`, `b64`), or says
    /// that what is encrypted is compressed (`zip`).
    TOKEN_CRITICAL_HEADER = 303 "the ID Token's header asks for an unknown extension";
    /// The token's `typ` says that it is no ID Token.
    TOKEN_TYPE = 304 "the token's typ says that it is no ID Token";
    /// The provider's key set has no key that fits the ID Token.
    TOKEN_KEY_NOT_FOUND = 305 "the provider's key set has no key for the ID Token";
    /// The key is too weak, too large or broken.
    TOKEN_KEY_UNUSABLE = 306 "the key for the ID Token is too weak, too large or broken";
    /// The signature is wrong.
    TOKEN_SIGNATURE = 307 "the ID Token's signature is wrong";
    /// The claims are not a JSON object, or a name occurs twice.
    TOKEN_CLAIMS_MALFORMED = 308 "the ID Token's claims are not a plain JSON object";
    /// `iss` is not the issuer.
    TOKEN_ISSUER = 309 "the ID Token is from another issuer";
    /// `aud` does not name this client, or names others beside it.
    TOKEN_AUDIENCE = 310 "the ID Token is not for this client alone";
    /// `azp` is missing beside several audiences, or names another client.
    TOKEN_AUTHORIZED_PARTY = 311 "the ID Token's azp is missing or names another client";
    /// `exp` is missing, not a number, or in the past.
    TOKEN_EXPIRED = 312 "the ID Token has expired or has no exp";
    /// `iat` is missing, not a number, in the future, or too long ago.
    TOKEN_ISSUED_AT = 313 "the ID Token's iat is missing or not plausible";
    /// `nbf` is in the future.
    TOKEN_NOT_YET_VALID = 314 "the ID Token is not valid yet";
    /// `sub` is missing, empty, too long, or not the expected one.
    TOKEN_SUBJECT = 315 "the ID Token's sub is missing or not the expected one";
    /// `at_hash` does not fit the access token.
    TOKEN_ACCESS_TOKEN_HASH = 316 "the ID Token's at_hash does not fit the access token";
    /// `urn:openid:params:jwt:claim:rt_hash` does not fit the refresh token.
    TOKEN_REFRESH_TOKEN_HASH = 317 "the ID Token's rt_hash does not fit the refresh token";
    /// `urn:openid:params:jwt:claim:auth_req_id` is another request's.
    TOKEN_REQUEST_ID = 318 "the ID Token is for another authentication request";
    /// A claim is not what this request asked for, for example another person's identifier.
    TOKEN_UNEXPECTED_CLAIM = 319 "a claim of the ID Token is not what was asked for";
    /// There is no ID Token although `openid` was asked for.
    TOKEN_MISSING = 320 "there is no ID Token";
    /// `acr` is missing, or not one of those that the request expects.
    TOKEN_ACR = 321 "the ID Token's acr is not one that is expected";
    /// `auth_time` is missing, not a number, in the future, or longer ago than the request allows.
    TOKEN_AUTH_TIME = 322 "the ID Token's auth_time is missing or not recent enough";
    /// The ID Token is not encrypted, and `id_token_encrypted_response_alg` says that it must be; or the userinfo
    /// answer, and `userinfo_encrypted_response_alg` says so.
    TOKEN_NOT_ENCRYPTED = 323 "the ID Token is not encrypted although it must be";
    /// The ID Token cannot be decrypted: it was encrypted to another key, or was changed.
    TOKEN_DECRYPTION = 324 "the ID Token cannot be decrypted with the client's key";

    /// The `sub` of the userinfo answer is missing, or not that of the ID Token.
    USERINFO_SUBJECT = 330 "the userinfo answer is not about the subject of the ID Token";
    /// The userinfo answer is not a JSON object, or a name occurs twice.
    USERINFO_MALFORMED = 331 "the userinfo answer is not a plain JSON object";
    /// The userinfo answer is signed and `userinfo_signed_response_alg` is not set, or the reverse.
    USERINFO_SIGNING = 332 "the userinfo answer is signed against the settings, or not signed";

    /// The access token is not bound to the client's certificate, or to the key of its DPoP proofs, although it
    /// must be.
    TOKEN_BINDING = 340 "the access token is not bound to the client's certificate or key";

    /// The provider's metadata could not be fetched.
    DISCOVERY_FAILED = 400 "the provider's metadata could not be fetched";
    /// The provider's metadata is not a JSON object, or a member is not of its type.
    METADATA_MALFORMED = 401 "the provider's metadata is malformed";
    /// The metadata names another issuer.
    METADATA_ISSUER = 402 "the provider's metadata names another issuer";
    /// The metadata lacks an endpoint that is needed.
    METADATA_ENDPOINT_MISSING = 403 "the provider's metadata lacks an endpoint";
    /// An endpoint is on a host that is not the issuer's and not listed in `allowed_hosts`.
    METADATA_ENDPOINT_HOST = 404 "an endpoint is on a host that is not allowed";
    /// The provider says that it does not support what the settings ask for.
    METADATA_MISMATCH = 405 "the provider does not support what the settings ask for";
    /// The provider's keys could not be fetched.
    KEYS_UNAVAILABLE = 410 "the provider's keys could not be fetched";
    /// The provider's key set is not a JSON object with keys, or larger than the limit.
    KEYS_MALFORMED = 411 "the provider's key set is malformed";

    /// The flow was handed over: another process goes on with it.
    HANDED_OVER = 500 "the flow was handed over to another process";
    /// The saved flow is truncated, was changed, or was sealed with another key.
    SAVED_FLOW_MALFORMED = 501 "the saved flow is truncated, was changed, or was sealed with another key";
    /// None of the settings' keys has the key id that the saved flow names.
    SAVED_FLOW_KEY = 502 "no key of this key id is among the settings";
    /// The saved flow is of a layout that this version of the library does not know.
    SAVED_FLOW_VERSION = 503 "the saved flow was written by a newer version of the library";
    /// The saved flow is of another provider or another client.
    SAVED_FLOW_CLIENT = 504 "the saved flow is of another provider or another client";
    /// The saved flow was saved for another context, for example another row.
    SAVED_FLOW_CONTEXT = 505 "the saved flow was saved for another context";
    /// A flow that has ended, or whose tokens are being verified, cannot be saved.
    NOT_SAVEABLE = 506 "a flow that has ended or has its tokens cannot be saved";

    /// No flow of this client in this process has the notification's token: another process may have it.
    NOTIFICATION_UNKNOWN_FLOW = 600 "no flow of this client in this process has the notification's token";
    /// The notification has no bearer token.
    NOTIFICATION_UNAUTHORIZED = 601 "the notification has no bearer token";
    /// The notification's `auth_req_id` is not that of the request that its token belongs to.
    NOTIFICATION_OTHER_REQUEST = 602 "the notification's token belongs to another request";
    /// The notification is not a POST of a JSON object with an `auth_req_id`, or larger than the limit.
    NOTIFICATION_MALFORMED = 603 "the notification is malformed";
    /// The notification is of another delivery mode than `backchannel_token_delivery_mode`.
    NOTIFICATION_WRONG_MODE = 604 "the notification is not of the client's delivery mode";

    /// A defect of this library.
    INTERNAL = 900 "a defect of this library";
    /// A panic was caught at the border of the library: a defect.
    PANIC = 901 "a panic was caught: a defect of this library";
    /// The system refused a thread, memory or a descriptor.
    RESOURCES = 902 "the system refused a thread, memory or a descriptor";
}

impl Status {
    /// The number, as in the C header.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The status with this number, if there is one.
    pub fn from_number(number: i32) -> Option<Status> {
        Self::ALL.iter().copied().find(|s| s.0 == number)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name(), self.0)
    }
}

/// Why something did not succeed: a [`Status`], one line of text, and what the provider said.
///
/// The text never holds a secret, a token, a hint or a phone number.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Detail>);

#[derive(Clone, PartialEq, Eq)]
struct Detail {
    status: Status,
    message: String,
    oauth_error: Option<String>,
    oauth_error_description: Option<String>,
    http_status: Option<u16>,
    retry_after: Option<Duration>,
    keys_may_be_old: bool,
}

/// The result of everything that can fail.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with its own text: one line, impersonal, without any value that may be secret.
    pub fn new(status: Status, message: impl Into<String>) -> Error {
        Error(Box::new(Detail {
            status,
            message: message.into(),
            oauth_error: None,
            oauth_error_description: None,
            http_status: None,
            retry_after: None,
            keys_may_be_old: false,
        }))
    }

    pub(crate) fn with_http_status(mut self, http_status: u16) -> Error {
        self.0.http_status = Some(http_status);
        self
    }

    pub(crate) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Error {
        self.0.retry_after = retry_after;
        self
    }

    pub(crate) fn with_oauth(mut self, error: Option<String>, description: Option<String>) -> Error {
        self.0.oauth_error = error;
        self.0.oauth_error_description = description;
        self
    }

    /// The same in other words.
    pub(crate) fn reworded(mut self, message: String) -> Error {
        self.0.message = message;
        self
    }

    /// Says whether a newer key set may make the difference.
    pub(crate) fn with_keys_may_be_old(mut self, keys_may_be_old: bool) -> Error {
        self.0.keys_may_be_old = keys_may_be_old;
        self
    }

    /// Whether the provider may have changed its keys meanwhile, and that is all.
    pub(crate) fn keys_may_be_old(&self) -> bool {
        self.0.keys_may_be_old
    }

    /// What happened, as a stable number.
    pub fn status(&self) -> Status {
        self.0.status
    }

    /// What happened, as one line for a log.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The provider's `error`, verbatim (RFC 6749 §5.2).
    pub fn oauth_error(&self) -> Option<&str> {
        self.0.oauth_error.as_deref()
    }

    /// The provider's `error_description`, as it came apart from characters that RFC 6749 §5.2 excludes.
    /// It is the provider's text and may name the person: not part of [`Error::message`].
    pub fn oauth_error_description(&self) -> Option<&str> {
        self.0.oauth_error_description.as_deref()
    }

    /// The HTTP status of the answer, if there was one.
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// How long the provider asked to wait (`Retry-After`).
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Error {
        Error::new(status, status.text())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}: {}", self.0.status, self.0.message)?;
        if let Some(status) = self.0.http_status {
            write!(f, ", HTTP {status}")?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for Error {}
