//! What is done with tokens after a person has approved: refresh, userinfo, introspection, revocation.
//!
//! Each call is one exchange in the background; the tokens that it is made with keep how it stands. So a
//! call whose time is up loses nothing, and two threads that refresh the same tokens send one request:
//! many providers take a refresh token once, and revoke everything when it comes again.

use std::sync::{Mutex, OnceLock};

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::connection::Connection;
use super::pending::{Slot, lock};
use super::signatures::Desk;
use super::{Client, ClientCore, Timeout};
use crate::afterwards::{TokenKind, bearer, refresh_form, token_form};
use crate::answer::Reader;
use crate::dpop;
use crate::engine::PerProcess;
use crate::error::{Error, Result, Status};
use crate::log::Level;
use crate::provider::Endpoints;
use crate::tokens::{
    Answer, Delivery, Expected, KeySet, TokenResponse, Tokens, WeakTokens, decrypted_userinfo, introspection,
    signed_userinfo, userinfo, verify,
};
use crate::wire::{Body, Failure, Form, Kind, Request};

/// The calls that are made with one set of tokens.
#[derive(Default)]
struct Calls {
    refresh: Slot<Tokens>,
    userinfo: Slot<Answer>,
    /// One for each [`TokenKind`].
    introspection: [Slot<Answer>; 2],
    revocation: [Slot<()>; 2],
    /// What a refresh brought and could not be verified for want of the provider's keys.
    unverified: Mutex<Option<Refreshed>>,
    /// What came of the refresh that used up the refresh token.
    successor: OnceLock<WeakTokens>,
}

/// An answer to a refresh that has not been verified.
struct Refreshed {
    response: TokenResponse,
    /// When the refresh was sent, in Unix milliseconds.
    sent_at: i64,
}

impl Calls {
    fn of(tokens: &Tokens) -> Result<&Calls> {
        let calls = tokens.calls(PerProcess::<Calls>::new).ok_or(Status::INTERNAL)?;
        calls.get_or_try_init(|| Ok(Calls::default()))
    }
}

fn of_kind<T>(slots: &[Slot<T>; 2], kind: TokenKind) -> &Slot<T> {
    let [access, refresh] = slots;
    match kind {
        TokenKind::AccessToken => access,
        TokenKind::RefreshToken => refresh,
    }
}

impl Client {
    /// Tokens that a program kept, from an earlier run for example, to go on with: they can be refreshed,
    /// and their refresh token revoked or introspected. They have no access token and no claims before they
    /// are refreshed. Nothing is sent.
    ///
    /// `id_token`: the one that came with them, or with the first of them where a refresh brought none. It
    /// is the program's own, and not verified again; the fresh ID Token must be of the same person. It may
    /// be left out only where `id_token_required` is false.
    ///
    /// Errors: `MISSING_ARGUMENT`, `INVALID_VALUE`, `OTHER_CLIENT`.
    pub fn restore_tokens(&self, refresh_token: &str, id_token: Option<&str>) -> Result<Tokens> {
        let is_token = !refresh_token.is_empty() && refresh_token.bytes().all(|b| (0x20..0x7f).contains(&b));
        if !is_token {
            return Err(Error::new(Status::INVALID_VALUE, "refresh_token: is empty, or no token"));
        }
        if id_token.is_none() && self.0.id_token_required {
            let text = "id_token is missing: the fresh one must be of the same person";
            return Err(Error::new(Status::MISSING_ARGUMENT, text));
        }
        let (issuer, client_id) = (&self.0.provider.issuer, &self.0.authentication.client_id);
        let id_token = id_token.map(SecretString::from);
        Tokens::kept(&refresh_token.into(), id_token.as_ref(), issuer, client_id)
    }

    /// Refreshes tokens (OpenID Connect Core §12): the fresh ones, of the same person, verified as the first
    /// were. Where the provider sends no new refresh token the old one is in them. `Ok(None)`: no answer
    /// within the timeout; it is not lost, call again.
    ///
    /// One refresh of the same tokens is under way at a time, whoever asks for it. A provider that gives a
    /// new refresh token takes the old one no more: later calls then give the same fresh tokens again, and
    /// send nothing. After an error the next call sends a new request; it is never sent again by itself. A
    /// child made by fork does not know what its parent has under way: let one of the two refresh.
    ///
    /// Errors: `NOT_PRESENT` (there is no refresh token), `OTHER_CLIENT`, `ALREADY_REFRESHED`; the
    /// provider's answer (200s: `INVALID_GRANT` where the refresh token is not good, or not any more);
    /// `REFRESH_UNKNOWN` where the answer was lost, the 100s where nothing was sent; the 300s where the
    /// fresh ID Token is not good; `KEYS_UNAVAILABLE` where it could not be verified: the next call tries
    /// that again, with the answer that is here.
    pub fn refresh(&self, tokens: &Tokens, timeout: Timeout) -> Result<Option<Tokens>> {
        let calls = self.calls(tokens)?;
        secret(tokens, TokenKind::RefreshToken)?;
        let (client, old) = (self.0.clone(), tokens.clone());
        self.0.join(&calls.refresh, timeout, async move |desk| {
            let result = client.refresh(&old, &*desk).await;
            client.told(Kind::Refresh, &result);
            result
        })
    }

    /// Asks the provider about the person (OpenID Connect Core §5.3). The answer is about the subject of the
    /// ID Token, or it is an error. `Ok(None)`: no answer within the timeout, call again for it.
    ///
    /// Errors: `NOT_PRESENT` (there is no access token), `TOKEN_MISSING` (there is no ID Token to compare
    /// with), `OTHER_CLIENT`, `METADATA_ENDPOINT_MISSING`; `INVALID_TOKEN` where the access token is not
    /// good, or not any more; `USERINFO_SUBJECT`, `USERINFO_MALFORMED`, `USERINFO_SIGNING`; where it is
    /// signed or encrypted, those of an ID Token.
    pub fn userinfo(&self, tokens: &Tokens, timeout: Timeout) -> Result<Option<Answer>> {
        let calls = self.calls(tokens)?;
        secret(tokens, TokenKind::AccessToken)?;
        if tokens.original().subject().is_none() {
            return Err(Status::TOKEN_MISSING.into());
        }
        let (client, with) = (self.0.clone(), tokens.clone());
        self.0.join(&calls.userinfo, timeout, async move |desk| {
            let result = client.userinfo(&with, &*desk).await;
            client.told(Kind::Userinfo, &result);
            result
        })
    }

    /// Asks the provider whether a token is active, and what it is good for (RFC 7662). A token that is not
    /// active is no error: look at `active`. `Ok(None)`: no answer within the timeout, call again for it.
    ///
    /// Errors: `NOT_PRESENT` (there is no such token), `OTHER_CLIENT`, `METADATA_ENDPOINT_MISSING`; the
    /// provider's answer (200s); `INVALID_INTROSPECTION_RESPONSE`; `TOKEN_BINDING` where
    /// `tls_client_certificate_bound_access_tokens` or `dpop_bound_access_tokens` is set and the access token
    /// is not bound to the client's certificate (RFC 8705 §3.2), or the key of its proofs (RFC 9449 §6.2); the
    /// 100s.
    pub fn introspect(&self, tokens: &Tokens, kind: TokenKind, timeout: Timeout) -> Result<Option<Answer>> {
        let calls = self.calls(tokens)?;
        secret(tokens, kind)?;
        let (client, with) = (self.0.clone(), tokens.clone());
        self.0.join(of_kind(&calls.introspection, kind), timeout, async move |desk| {
            let result = client.introspect(&with, kind, &*desk).await;
            client.told(Kind::Introspection, &result);
            result
        })
    }

    /// Has the provider revoke a token (RFC 7009); with a refresh token most providers revoke the access
    /// tokens that came of it too. One that the provider does not know is revoked already. `Ok(false)`: no
    /// answer within the timeout; call again for it.
    ///
    /// Errors: `NOT_PRESENT` (there is no such token), `OTHER_CLIENT`, `METADATA_ENDPOINT_MISSING`; the
    /// provider's answer (200s, among them `UNSUPPORTED_TOKEN_TYPE`); `HTTP_STATUS` with
    /// [`Error::retry_after`] where it asks to be asked later: the token is then still good; the 100s.
    pub fn revoke(&self, tokens: &Tokens, kind: TokenKind, timeout: Timeout) -> Result<bool> {
        let calls = self.calls(tokens)?;
        secret(tokens, kind)?;
        let (client, with) = (self.0.clone(), tokens.clone());
        let done = self.0.join(of_kind(&calls.revocation, kind), timeout, async move |desk| {
            let result = client.revoke(&with, kind, &*desk).await;
            client.told(Kind::Revocation, &result);
            result
        })?;
        Ok(done.is_some())
    }

    /// Tokens go to nobody but to who gave them.
    fn calls<'a>(&self, tokens: &'a Tokens) -> Result<&'a Calls> {
        match tokens.are_of(&self.0.provider.issuer, &self.0.authentication.client_id) {
            true => Calls::of(tokens),
            false => Err(Status::OTHER_CLIENT.into()),
        }
    }
}

/// One of the tokens.
fn secret(tokens: &Tokens, kind: TokenKind) -> Result<&str> {
    let token = match kind {
        TokenKind::AccessToken => Some(tokens.access_token()).filter(|token| !token.is_empty()),
        TokenKind::RefreshToken => tokens.refresh_token(),
    };
    token.ok_or_else(|| Error::new(Status::NOT_PRESENT, format!("there is no {}", kind.name())))
}

/// What an answer must not make appear in any text.
fn secrets(client: &ClientCore, tokens: &Tokens) -> Vec<SecretString> {
    let tokens = [Some(tokens.access_token()), tokens.refresh_token(), tokens.id_token()];
    let tokens = tokens.into_iter().flatten().filter(|token| !token.is_empty()).map(SecretString::from);
    tokens.chain(client.authentication.secrets()).collect()
}

impl ClientCore {
    async fn refresh(&self, old: &Tokens, desk: &dyn Desk) -> Result<Tokens> {
        let calls = Calls::of(old)?;
        if let Some(successor) = calls.successor.get() {
            return successor.upgrade().ok_or_else(|| Status::ALREADY_REFRESHED.into());
        }
        let brought = lock(&calls.unverified).take();
        let refreshed = match brought {
            Some(refreshed) => refreshed,
            None => self.send_refresh(old, desk).await?,
        };
        let fresh = match self.verify_refreshed(old, &refreshed).await {
            Ok(verified) => verified?,
            Err(no_keys) => {
                *lock(&calls.unverified) = Some(refreshed);
                return Err(no_keys);
            }
        };
        if fresh.refresh_token() != old.refresh_token() {
            let _ = calls.successor.set(fresh.downgrade());
        }
        Ok(fresh)
    }

    async fn send_refresh(&self, old: &Tokens, desk: &dyn Desk) -> Result<Refreshed> {
        let connection = self.connection()?;
        let missing = || Error::new(Status::METADATA_ENDPOINT_MISSING, "the token endpoint is not known");
        let url = connection.endpoints(self).await?.token.clone().ok_or_else(missing)?;
        let refresh_token = secret(old, TokenKind::RefreshToken)?;
        let sent_at = connection.engine.clock().unix_ms();
        let form = || refresh_form(refresh_token);
        let result = self.post(connection, Kind::Refresh, url, form, desk).await?;
        let secrets = || secrets(self, old);
        let response = self.reader(connection, &secrets).refreshed(result, &refresh_token.into())?;
        Ok(Refreshed { response, sent_at })
    }

    /// The outer error: the keys could not be had, so the tokens are neither good nor bad.
    async fn verify_refreshed(&self, old: &Tokens, refreshed: &Refreshed) -> Result<Result<Tokens>> {
        let connection = self.connection()?;
        let original = old.original();
        let expected = Expected {
            issued_after_ms: Some(refreshed.sent_at),
            original: Some(&original),
            delivery: Delivery::Refresh,
            requested_scope: old.scope(),
            ..self.expected()
        };
        let verify =
            |keys: &KeySet| verify(&refreshed.response, keys, &expected, connection.engine.clock().unix_ms());
        match refreshed.response.has_id_token() {
            true => connection.with_keys(self, verify).await,
            false => Ok(verify(&KeySet::default())), // no signature, no key
        }
    }

    async fn userinfo(&self, tokens: &Tokens, desk: &dyn Desk) -> Result<Answer> {
        let connection = self.connection()?;
        let url = connection.endpoint(self, |endpoints| &endpoints.userinfo).await?;
        let access_token = secret(tokens, TokenKind::AccessToken)?;
        let exchanged = self.ask_userinfo(connection, &url, access_token, desk).await?;
        let secrets = || secrets(self, tokens);
        let answer = self.reader(connection, &secrets).succeeded(exchanged, Status::INVALID_TOKEN)?;
        let original = tokens.original();
        let subject = original.subject().ok_or(Status::TOKEN_MISSING)?;
        let (body, is_signed) = self.decrypted_userinfo(answer)?;
        match (is_signed, self.userinfo_algorithm) {
            (false, None) => userinfo(&body, subject),
            (true, Some(algorithm)) => {
                let expected = Expected { algorithms: &[algorithm], ..self.expected() };
                let verify = |keys: &KeySet| {
                    let now = connection.engine.clock().unix_ms();
                    signed_userinfo(&body, keys, &expected, subject, now)
                };
                connection.with_keys(self, verify).await?
            }
            (true, None) => Err(Error::new(
                Status::USERINFO_SIGNING,
                "the userinfo answer is signed or encrypted, and no setting says so",
            )),
            (false, Some(_)) => Err(Error::new(
                Status::USERINFO_SIGNING,
                "the userinfo answer is not signed, although userinfo_signed_response_alg is set",
            )),
        }
    }

    /// What a userinfo answer says, decrypted where it must be encrypted, and whether that is a signed JWT.
    fn decrypted_userinfo(&self, answer: crate::wire::Answer) -> Result<(Zeroizing<Vec<u8>>, bool)> {
        match &self.userinfo_decryption {
            None => {
                let is_signed = answer.is_jwt();
                Ok((answer.body, is_signed))
            }
            Some(decryption) if answer.is_jwt() => {
                let inside = decrypted_userinfo(&answer.body, decryption)?;
                let is_signed = !inside.trim_ascii_start().starts_with(b"{"); // no content type says it
                Ok((inside, is_signed))
            }
            Some(_) => {
                let text =
                    "the userinfo answer is not encrypted, although userinfo_encrypted_response_alg is set";
                Err(Error::new(Status::TOKEN_NOT_ENCRYPTED, text))
            }
        }
    }

    async fn introspect(&self, tokens: &Tokens, kind: TokenKind, desk: &dyn Desk) -> Result<Answer> {
        let answer =
            self.ask(tokens, kind, Kind::Introspection, |endpoints| &endpoints.introspection, desk).await?;
        let answer = introspection(&answer.body)?;
        if kind == TokenKind::AccessToken && answer.bool("active") == Some(true) {
            self.check_binding(&answer)?;
        }
        Ok(answer)
    }

    /// Whether an access token is bound to what it must be: the client's certificate (RFC 8705 §3.2), the key of
    /// its proofs (RFC 9449 §6.2).
    fn check_binding(&self, answer: &Answer) -> Result<()> {
        for (own, method, what) in self.expected().bindings() {
            let text = match answer.confirmation(method) {
                Some(bound) if bound == own => continue,
                Some(_) => format!("the access token is bound to another {what} than the client's"),
                None => format!("the access token is not bound to a {what}"),
            };
            return Err(Error::new(Status::TOKEN_BINDING, text));
        }
        Ok(())
    }

    async fn revoke(&self, tokens: &Tokens, kind: TokenKind, desk: &dyn Desk) -> Result<()> {
        self.ask(tokens, kind, Kind::Revocation, |endpoints| &endpoints.revocation, desk).await.map(drop)
    }

    /// Sends one of the tokens to an endpoint that wants the client to prove itself.
    async fn ask(
        &self,
        tokens: &Tokens,
        kind: TokenKind,
        what: Kind,
        which: fn(&Endpoints) -> &Option<Result<url::Url>>,
        desk: &dyn Desk,
    ) -> Result<crate::wire::Answer> {
        let connection = self.connection()?;
        let url = connection.endpoint(self, which).await?;
        let token = secret(tokens, kind)?;
        let form = || token_form(kind, token);
        let result = self.post(connection, what, url, form, desk).await?;
        let secrets = || secrets(self, tokens);
        self.reader(connection, &secrets).succeeded(result, Status::INVALID_CLIENT)
    }

    /// One request with the client's authentication.
    async fn post(
        &self,
        connection: &Connection,
        kind: Kind,
        url: url::Url,
        form: impl Fn() -> Form,
        desk: &dyn Desk,
    ) -> Result<std::result::Result<crate::wire::Answer, Failure>> {
        let request = || {
            let (mut form, unix_ms) = (form(), connection.engine.clock().unix_ms());
            let authorization = self.authentication.apply(&mut form, &url, unix_ms)?;
            Ok(Request { authorization, body: Some(Body::Form(form)), ..Request::new(kind, url.clone()) })
        };
        self.send(connection, request, None, desk).await
    }

    /// One request with the access token, which goes as it is bound.
    async fn ask_userinfo(
        &self,
        connection: &Connection,
        url: &url::Url,
        access_token: &str,
        desk: &dyn Desk,
    ) -> Result<std::result::Result<crate::wire::Answer, Failure>> {
        let request = || {
            let authorization = match self.dpop {
                Some(_) => dpop::authorization(access_token),
                None => bearer(access_token),
            };
            Ok(Request { authorization: Some(authorization), ..Request::new(Kind::Userinfo, url.clone()) })
        };
        self.send(connection, request, Some(access_token), desk).await
    }

    /// What every ID Token of this client must be.
    pub(super) fn expected(&self) -> Expected<'_> {
        let must_be_bound = self.provider.mutual_tls.as_ref().is_some_and(|rules| rules.bound_access_tokens);
        let certificate = self.certificate.as_ref().filter(|_| must_be_bound);
        Expected {
            algorithms: std::slice::from_ref(&self.algorithm),
            decryption: self.decryption.as_ref(),
            leeway_seconds: self.clock_tolerance_s,
            acr_array: self.provider.rules.acr_array,
            key_thumbprint: self.dpop.as_ref().map(|dpop| dpop.thumbprint.as_str()),
            certificate_thumbprint: certificate.map(|certificate| certificate.thumbprint.as_str()),
            ..Expected::new(&self.provider.issuer, &self.authentication.client_id)
        }
    }

    fn reader<'a>(
        &'a self,
        connection: &Connection,
        secrets: &'a dyn Fn() -> Vec<SecretString>,
    ) -> Reader<'a> {
        Reader {
            rules: &self.provider.rules,
            secrets,
            policy: self.response_policy(false),
            unix_ms: connection.engine.clock().unix_ms(),
        }
    }

    fn told<T>(&self, kind: Kind, result: &Result<T>) {
        let (level, what) = match result {
            Ok(_) => (Level::Info, "answered"),
            Err(_) => (Level::Warning, "failed"), // perhaps nothing was asked
        };
        self.event(level, &format!("{}.{what}", kind.name()), "", || {
            result.as_ref().err().map(ToString::to_string).unwrap_or_default()
        });
    }
}
