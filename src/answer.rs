//! What an answer means: the acknowledgement, and the answers to token requests.
//!
//! Decided by the JSON `error` member, then `error_code`/`errorCode`, then the `type` of a problem
//! (RFC 9457), then the HTTP status (CIBA Core §11, §13).

use std::cmp::Reverse;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::error::{Error, Result, Status};
use crate::json::Members;
use crate::log::Level;
use crate::provider::{CodeRule, Meaning, Rules, Stage};
use crate::readable::unreadable;
use crate::tokens::{ResponsePolicy, TokenResponse};
use crate::wire::{Answer, Failure, percent_encoded};

/// Longer identifiers than any provider is known to send (Keycloak: 1,000 characters).
const LONGEST_AUTH_REQ_ID: usize = 16 * 1024;
/// No request lives longer (31 days): keeps every later sum far from overflow.
const LONGEST_EXPIRY_S: u64 = 31 * 24 * 3600;
/// No interval is longer.
const LONGEST_INTERVAL_S: u64 = 24 * 3600;
/// CIBA Core §7.3.
const DEFAULT_INTERVAL_S: u64 = 5;

/// The provider has taken the request (CIBA Core §7.3).
pub struct Acknowledgement {
    pub auth_req_id: SecretString,
    pub expires_in: Duration,
    pub interval: Duration,
    /// The whole answer, as it came.
    pub json: SecretString,
    /// What the provider has the person compare, and the link that the person opens: where it has them.
    pub binding_message: Option<SecretString>,
    pub authentication_uri: Option<SecretString>,
}

/// What is needed to read an answer.
pub struct Reader<'a> {
    pub rules: &'a Rules,
    /// Values that must not appear in any text; asked for only where there is a text to show.
    pub secrets: &'a dyn Fn() -> Vec<SecretString>,
    pub policy: ResponsePolicy,
    /// The wall clock when the answer came.
    pub unix_ms: i64,
}

/// What the answer to a token request says.
pub enum PollAnswer {
    Tokens(TokenResponse),
    Pending {
        retry_after: Option<Duration>,
    },
    SlowDown {
        at_least: Duration,
    },
    /// Nothing that ends the flow: to be waited out.
    Trouble {
        error: Error,
        retry_after: Option<Duration>,
    },
    /// The answer was lost and may have carried the tokens.
    Lost(Error),
    /// The answer was lost after its status line had said 200: it did carry the tokens.
    LostTokens(Error),
    /// The provider does not know the request, or calls it expired: a flow that lost an answer
    /// before cannot tell whether that is because its tokens were delivered.
    Gone(Error),
    Expired(Error),
    Denied(Error),
    Failed(Error),
}

impl Reader<'_> {
    /// Reads the answer to the authentication request.
    pub fn acknowledgement(&self, result: std::result::Result<Answer, Failure>) -> Result<Acknowledgement> {
        let answer = result.map_err(|failure| {
            let status = if failure.maybe_sent { Status::START_UNKNOWN } else { failure.status };
            Error::new(status, failure.message)
        })?;
        let retry_after = answer.retry_after(self.unix_ms);
        let Some(members) = Members::parse(&answer.body) else {
            return Err(self.start_without_code(&answer, None));
        };
        if let Some(code) = code(&answer, &members) {
            let rule = self.rules.code(Stage::Start, &code, said(&members).as_deref());
            let rule = rule.filter(|rule| rule.status != Status::PENDING);
            let error = self.error(rule, &answer, Some(&members), &code);
            return Err(error.with_retry_after(retry_after));
        }
        if answer.status != 200 {
            return Err(self.start_without_code(&answer, Some(&members)));
        }
        let invalid = |what: &str| {
            let text = format!("the acknowledgement is not valid: {what}");
            Error::new(Status::INVALID_ACKNOWLEDGEMENT, text).with_http_status(200)
        };
        let auth_req_id = members
            .text("auth_req_id")
            .filter(|id| !id.is_empty() && id.len() <= LONGEST_AUTH_REQ_ID)
            .ok_or_else(|| invalid("auth_req_id is missing or not a text of sensible length"))?;
        let expires_in = members
            .positive_seconds("expires_in")
            .ok_or_else(|| invalid("expires_in is missing or not a positive number of seconds"))?;
        let interval = members.positive_seconds("interval").unwrap_or(DEFAULT_INTERVAL_S);
        Ok(Acknowledgement {
            auth_req_id: auth_req_id.into(),
            expires_in: Duration::from_secs(expires_in.min(LONGEST_EXPIRY_S)),
            interval: lifted(Duration::from_secs(interval.min(LONGEST_INTERVAL_S))),
            json: String::from_utf8_lossy(&answer.body).into_owned().into(),
            binding_message: members
                .text(self.rules.acknowledged_binding_message)
                .filter(|text| unreadable(text).is_none())
                .map(SecretString::from),
            authentication_uri: None,
        })
    }

    /// Reads the answer to a step beside CIBA's own, in which nobody is asked: a JSON object with these texts.
    pub fn step<const N: usize>(
        &self,
        result: std::result::Result<Answer, Failure>,
        names: [&str; N],
    ) -> Result<[String; N]> {
        let answer = result.map_err(|failure| Error::new(failure.status, failure.message))?;
        let retry_after = answer.retry_after(self.unix_ms);
        let members = Members::parse(&answer.body);
        if let Some((members, code)) = members.as_ref().and_then(|m| Some((m, code(&answer, m)?))) {
            let rule = self.rules.code(Stage::Start, &code, said(members).as_deref());
            let rule = rule.filter(|rule| rule.status != Status::PENDING);
            return Err(self.error(rule, &answer, Some(members), &code).with_retry_after(retry_after));
        }
        let members = members.filter(|_| answer.status == 200);
        let members = members.ok_or_else(|| self.without_code(&answer, None))?;
        let texts = names.map(|name| members.text(name).filter(|text| !text.is_empty()));
        if let Some((name, _)) = names.iter().zip(&texts).find(|(_, text)| text.is_none()) {
            let text = format!("the provider's answer lacks {name}");
            return Err(Error::new(Status::MALFORMED_ANSWER, text).with_http_status(answer.status));
        }
        Ok(texts.map(Option::unwrap_or_default))
    }

    /// Reads the answer to a token request.
    pub fn poll(&self, result: std::result::Result<Answer, Failure>) -> PollAnswer {
        let answer = match result {
            Ok(answer) => answer,
            Err(failure) => return lost(failure),
        };
        let retry_after = answer.retry_after(self.unix_ms);
        let members = Members::parse(&answer.body);
        if answer.status == 200 {
            // A login portal between here and the provider says 200 to anything.
            if members.is_none() && answer.is_web_page() {
                return PollAnswer::Lost(self.without_code(&answer, None));
            }
            return match TokenResponse::parse(&answer.body, &self.policy, self.unix_ms) {
                Ok(response) => PollAnswer::Tokens(response),
                Err(error) => {
                    let code = error.oauth_error().map(|code| self.shown(code, 200));
                    PollAnswer::Failed(error.with_http_status(200).with_oauth(code, None))
                }
            };
        }
        let coded = members.as_ref().and_then(|members| Some((members, code(&answer, members)?)));
        let Some((members, code)) = coded else {
            let error = self.without_code(&answer, members.as_ref());
            if matches!(answer.status, 200..300) {
                return PollAnswer::Lost(error); // a success: who changed it may have had the tokens before them
            }
            let final_answer = members.is_some() && (400..500).contains(&answer.status);
            return if final_answer && !matches!(answer.status, 408 | 429) {
                PollAnswer::Failed(error)
            } else {
                PollAnswer::Trouble { error, retry_after }
            };
        };
        let rule = self.rules.code(Stage::Poll, &code, said(members).as_deref());
        let error = self.error(rule, &answer, Some(members), &code);
        let Some(rule) = rule else {
            return if answer.status >= 500 || matches!(answer.status, 408 | 429) {
                PollAnswer::Trouble { error, retry_after }
            } else {
                PollAnswer::Failed(error)
            };
        };
        match rule.meaning {
            Meaning::Pending => PollAnswer::Pending { retry_after },
            Meaning::SlowDown => {
                let interval = Duration::from_secs(members.positive_seconds("interval").unwrap_or(0));
                let interval = interval.max(retry_after.unwrap_or_default());
                PollAnswer::SlowDown { at_least: interval.min(Duration::from_secs(LONGEST_INTERVAL_S)) }
            }
            Meaning::Denied => PollAnswer::Denied(error),
            Meaning::Expired => PollAnswer::Expired(error),
            Meaning::Gone => PollAnswer::Gone(error),
            Meaning::Failed => PollAnswer::Failed(error),
            Meaning::Trouble => PollAnswer::Trouble { error, retry_after },
        }
    }

    /// Reads what was pushed (CIBA Core §10.3.1, §12): tokens, or an error that ends the flow.
    pub fn pushed(&self, body: &[u8]) -> PollAnswer {
        let members = Members::parse(body);
        let code = members.as_ref().and_then(|members| Some((members, members.text("error")?)));
        let Some((members, code)) = code else {
            return match TokenResponse::parse(body, &self.policy, self.unix_ms) {
                Ok(response) => PollAnswer::Tokens(response),
                Err(error) => PollAnswer::Failed(error),
            };
        };
        let rule = self.rules.code(Stage::Poll, &code, said(members).as_deref());
        let rule = rule.filter(|rule| rule.status != Status::PENDING);
        let (status, text, code) = self.told(rule, &code);
        let error = Error::new(status, format!("{text} ({code}, pushed)"))
            .with_oauth(Some(code), self.description(members));
        match rule.map(|rule| rule.meaning) {
            Some(Meaning::Denied) => PollAnswer::Denied(error),
            Some(Meaning::Expired) => PollAnswer::Expired(error),
            _ => PollAnswer::Failed(error),
        }
    }

    /// The error of an answer that brings a code; `rule` is what is known about the code.
    pub fn error(
        &self,
        rule: Option<CodeRule>,
        answer: &Answer,
        members: Option<&Members<'_>>,
        code: &str,
    ) -> Error {
        let (status, text, code) = self.told(rule, code);
        let description = members.and_then(|members| self.description(members));
        // It may name the person, and does not belong into a log.
        let more = if description.is_some() { "; oauth_error_description says more" } else { "" };
        Error::new(status, format!("{text} ({code}, HTTP {}{more})", answer.status))
            .with_http_status(answer.status)
            .with_oauth(Some(code), description)
    }

    /// What is told of a code: status, text, and the code itself.
    fn told(&self, rule: Option<CodeRule>, code: &str) -> (Status, &'static str, String) {
        let (status, text) = match rule {
            Some(rule) if !rule.text.is_empty() => (rule.status, rule.text),
            Some(rule) => (rule.status, rule.status.text()),
            None => (Status::PROVIDER_ERROR, Status::PROVIDER_ERROR.text()),
        };
        // A code that a table knows word for word is no secret, whatever the request holds.
        let known = rule.is_some_and(|rule| rule.code == code);
        (status, text, if known { code.to_owned() } else { self.shown(code, 200) })
    }

    /// What the provider says beside a code, made fit to be shown.
    fn description(&self, members: &Members<'_>) -> Option<String> {
        said(members).map(|text| self.shown(&text, 1000))
    }

    /// A start whose answer says neither that it was taken nor that it was not, as that of a gateway
    /// whose patience ended: the phone may ring.
    fn start_without_code(&self, answer: &Answer, members: Option<&Members<'_>>) -> Error {
        let error = self.without_code(answer, members);
        if matches!(answer.status, 300..500) {
            return error;
        }
        let text = format!("it is not known whether the request was taken: {}", error.message());
        Error::new(Status::START_UNKNOWN, text)
            .with_http_status(answer.status)
            .with_retry_after(error.retry_after())
    }

    /// An answer that brings no code: judged by its HTTP status.
    pub fn without_code(&self, answer: &Answer, members: Option<&Members<'_>>) -> Error {
        let (status, text) = match answer.status {
            300..400 => (Status::REDIRECTED, "redirects are never followed"),
            200..300 => (Status::MALFORMED_ANSWER, Status::MALFORMED_ANSWER.text()),
            _ => (Status::HTTP_STATUS, Status::HTTP_STATUS.text()),
        };
        let kind = match members {
            Some(_) => "JSON without an error code",
            None if answer.is_web_page() => "a web page or plain text",
            None => "no JSON object",
        };
        Error::new(status, format!("{text} (HTTP {}, {kind})", answer.status))
            .with_http_status(answer.status)
            .with_retry_after(answer.retry_after(self.unix_ms))
    }

    /// A text from the provider, made fit to be shown: the characters of RFC 6749 §5.2 (and letters
    /// beyond ASCII), bounded, and without any value of the request that it echoes.
    pub fn shown(&self, text: &str, most: usize) -> String {
        // First of all: what is left out could stand within the echo of a secret.
        let mut text = showable(text);
        let secrets = (self.secrets)();
        // As they are, and as they stand in a form.
        let forms = |secret: &SecretString| {
            let secret = secret.expose_secret();
            [secret, percent_encoded(secret).as_str()].map(|form| Zeroizing::new(showable(form)))
        };
        let mut secrets: Vec<_> = secrets.iter().flat_map(forms).collect();
        // Longer ones first: one may be part of another.
        secrets.sort_by_key(|secret| Reverse(secret.len()));
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            text = text.replace(secret.as_str(), "[redacted]");
        }
        without_jwts(&text).chars().take(most).collect()
    }
}

/// A text without the characters that are never shown.
fn showable(text: &str) -> String {
    let is_readable = |c: &char| unreadable(c.encode_utf8(&mut [0; 4])).is_none();
    text.chars().filter(|c| is_readable(c) && !matches!(c, '"' | '\\')).collect()
}

/// A text without the JWTs in it: an echo of a client assertion, or of a signed request with a hint inside.
fn without_jwts(text: &str) -> String {
    let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let words = text.split_inclusive(|c| !belongs(c));
    words
        .map(|word| match word.starts_with("eyJ") {
            true => format!("[redacted]{}", word.trim_start_matches(belongs)),
            false => word.to_owned(),
        })
        .collect()
}

/// The code of an error answer.
pub fn code(answer: &Answer, members: &Members<'_>) -> Option<String> {
    let code = ["error", "error_code", "errorCode"].iter().find_map(|name| members.text(name));
    let problem = || {
        let is_problem =
            answer.content_type.as_deref().is_some_and(|t| t.starts_with("application/problem+json"));
        let names = ["type", "title"].iter().filter(|_| is_problem);
        names.filter_map(|name| members.text(name)).find(|text| text != "about:blank")
    };
    code.or_else(problem)
}

/// What the provider says beside a code, as it came.
fn said(members: &Members<'_>) -> Option<String> {
    ["error_description", "errorSummary", "detail"].iter().find_map(|name| members.text(name))
}

/// An exchange of which no answer came.
fn lost(failure: Failure) -> PollAnswer {
    let error = Error::new(failure.status, failure.message);
    match failure.status_seen {
        _ if !failure.maybe_sent => PollAnswer::Trouble { error, retry_after: None },
        Some(200) if failure.status == Status::ANSWER_TOO_LARGE => {
            PollAnswer::Failed(error.with_http_status(200))
        }
        Some(200) => PollAnswer::LostTokens(error.with_http_status(200)),
        Some(status) if matches!(status, 200..300) => PollAnswer::Lost(error.with_http_status(status)),
        Some(status) => PollAnswer::Trouble { error: error.with_http_status(status), retry_after: None },
        None => PollAnswer::Lost(error),
    }
}

/// The interval as it is kept. The benchmarks' own build lifts it, to measure nothing but polls.
fn lifted(interval: Duration) -> Duration {
    if cfg!(feature = "bench-without-interval") { Duration::ZERO } else { interval }
}

impl PollAnswer {
    /// The name of the log event.
    pub fn event(&self) -> &'static str {
        match self {
            PollAnswer::Tokens(_) => "poll.tokens",
            PollAnswer::Pending { .. } => "poll.pending",
            PollAnswer::SlowDown { .. } => "poll.slow_down",
            PollAnswer::Trouble { .. } => "poll.trouble",
            PollAnswer::Lost(_) | PollAnswer::LostTokens(_) => "poll.lost",
            PollAnswer::Gone(_) | PollAnswer::Expired(_) | PollAnswer::Denied(_) | PollAnswer::Failed(_) => {
                "poll.ended"
            }
        }
    }

    /// How much the log event matters.
    pub fn level(&self) -> Level {
        match self {
            PollAnswer::SlowDown { .. } | PollAnswer::Trouble { .. } => Level::Warning,
            PollAnswer::Lost(_) | PollAnswer::LostTokens(_) => Level::Warning,
            _ => Level::Debug,
        }
    }

    /// The text of the log event.
    pub fn text(&self) -> String {
        match self {
            PollAnswer::Tokens(_) | PollAnswer::Pending { .. } | PollAnswer::SlowDown { .. } => String::new(),
            PollAnswer::Trouble { error, .. } => error.to_string(),
            PollAnswer::Lost(e) | PollAnswer::LostTokens(e) | PollAnswer::Gone(e) => e.to_string(),
            PollAnswer::Expired(e) | PollAnswer::Denied(e) | PollAnswer::Failed(e) => e.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
