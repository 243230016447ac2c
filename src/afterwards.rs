//! What is done with tokens after a person has approved: what is sent, and what the answers mean. Refresh
//! (RFC 6749 §6, OpenID Connect Core §12), userinfo (OpenID Connect Core §5.3), introspection (RFC 7662),
//! revocation (RFC 7009).

use secrecy::SecretString;

use crate::answer::{Reader, code};
use crate::error::{Error, Result, Status};
use crate::json::Members;
use crate::provider::Stage;
use crate::tokens::TokenResponse;
use crate::wire::{Answer, Failure, Form};

/// One of the tokens that a provider can be told to revoke, or asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// The access token.
    AccessToken,
    /// The refresh token.
    RefreshToken,
}

impl TokenKind {
    /// The name, as in a token response and in `token_type_hint`.
    pub fn name(self) -> &'static str {
        match self {
            TokenKind::AccessToken => "access_token",
            TokenKind::RefreshToken => "refresh_token",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<TokenKind> {
        [TokenKind::AccessToken, TokenKind::RefreshToken].into_iter().find(|kind| kind.name() == name)
    }
}

/// The form of a refresh. It asks for no scope: that of the tokens stays.
pub fn refresh_form(refresh_token: &str) -> Form {
    let mut form = Form::default();
    form.add("grant_type", "refresh_token");
    form.add("refresh_token", refresh_token);
    form
}

/// The form of an introspection or a revocation.
pub fn token_form(kind: TokenKind, token: &str) -> Form {
    let mut form = Form::default();
    form.add("token", token);
    form.add("token_type_hint", kind.name());
    form
}

/// The `Authorization` header that carries an access token (RFC 6750 §2.1). It is carried in no other way.
pub fn bearer(access_token: &str) -> SecretString {
    format!("Bearer {access_token}").into()
}

impl Reader<'_> {
    /// Reads the answer to a refresh. What may have used up the refresh token, and brought nothing, is
    /// `REFRESH_UNKNOWN`: nobody can tell whether it is still good.
    pub fn refreshed(
        &self,
        result: std::result::Result<Answer, Failure>,
        sent: &SecretString,
    ) -> Result<TokenResponse> {
        let unknown = |why: &str| {
            let text = format!("it is not known whether the refresh token is used up: {why}");
            Error::new(Status::REFRESH_UNKNOWN, text)
        };
        let answer = result.map_err(|failure| match failure.maybe_sent {
            true => with_status_seen(unknown(&failure.message), &failure),
            false => Error::new(failure.status, failure.message),
        })?;
        if answer.status != 200 {
            let refused = self.refused(&answer, Status::INVALID_CLIENT);
            // A gateway whose patience has ended says neither yes nor no.
            let says_nothing = refused.oauth_error().is_none() && !matches!(answer.status, 300..500);
            return Err(match says_nothing {
                true => unknown(refused.message())
                    .with_http_status(answer.status)
                    .with_retry_after(refused.retry_after()),
                false => refused,
            });
        }
        TokenResponse::parse_refreshed(&answer.body, &self.policy, self.unix_ms, sent).map_err(|error| {
            let code = error.oauth_error().map(|code| self.shown(code, 200));
            error.with_http_status(200).with_oauth(code, None)
        })
    }

    /// The answer to anything else, if it says success. `unauthorized`: what a 401 without a code means.
    pub fn succeeded(
        &self,
        result: std::result::Result<Answer, Failure>,
        unauthorized: Status,
    ) -> Result<Answer> {
        let answer = result.map_err(|failure| {
            with_status_seen(Error::new(failure.status, failure.message.as_str()), &failure)
        })?;
        match answer.status {
            200 | 204 => Ok(answer),
            _ => Err(self.refused(&answer, unauthorized)),
        }
    }

    /// Why an answer does not say success: by the code in its body, or in its challenge (RFC 6750 §3).
    fn refused(&self, answer: &Answer, unauthorized: Status) -> Error {
        let retry_after = answer.retry_after(self.unix_ms);
        let members = Members::parse(&answer.body);
        let in_body = members.as_ref().and_then(|members| code(answer, members));
        let code = in_body.or_else(|| answer.challenged_error());
        let Some(code) = code else {
            let error = self.without_code(answer, members.as_ref());
            return match answer.status {
                401 => Error::new(unauthorized, format!("{} (HTTP 401)", unauthorized.text()))
                    .with_http_status(401),
                _ => error,
            };
        };
        let rule = self.rules.code(Stage::Afterwards, &code, None);
        self.error(rule, answer, members.as_ref(), &code).with_retry_after(retry_after)
    }
}

/// The HTTP status, where an answer got so far before it was lost.
fn with_status_seen(error: Error, failure: &Failure) -> Error {
    match failure.status_seen {
        Some(status) => error.with_http_status(status),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn each_kind_of_token_is_found_by_its_name_and_no_other() {
        for kind in [TokenKind::AccessToken, TokenKind::RefreshToken] {
            assert_eq!(TokenKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(TokenKind::from_name("id_token"), None);
    }

    #[test]
    fn tokens_stand_in_the_body_percent_encoded_and_in_the_header_as_they_are() {
        assert_eq!(
            refresh_form("a+/=").encode().as_slice(),
            b"grant_type=refresh_token&refresh_token=a%2B%2F%3D"
        );
        assert_eq!(
            token_form(TokenKind::RefreshToken, "r&r").encode().as_slice(),
            b"token=r%26r&token_type_hint=refresh_token"
        );
        assert_eq!(bearer("a+/=").expose_secret(), "Bearer a+/=");
    }
}
