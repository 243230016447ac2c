//! How a request of the client's is sent: signed, in its turn, and once more where the server wants a nonce in
//! its proof.

use std::sync::Arc;

use url::Url;

use super::ClientCore;
use super::connection::Connection;
use super::flow::FlowShared;
use super::inner::Cancel;
use super::signatures::{Desk, sign};
use crate::clock::Millis;
use crate::engine::{Departure, Exchanged, Turn};
use crate::error::Result;
use crate::log::Level;
use crate::signing::Jwt;
use crate::wire::{Answer, Failure, Kind, Request};

/// What was signed longer ago is signed anew before it is sent.
const LONGEST_SIGNED_MS: Millis = 10_000;

impl ClientCore {
    /// Has everything signed that a request needs: the JWTs of its form, and its proof. What others sign is
    /// signed all at once; a proof by the library's own key last, so that it is new when it is sent.
    ///
    /// `access_token`: the one that goes with it.
    async fn sign(
        &self,
        connection: &Connection,
        request: &mut Request,
        access_token: Option<&str>,
        desk: &dyn Desk,
    ) -> Result<()> {
        let Some(dpop) = self.proved_by(request.kind) else { return sign(request, None, desk).await };
        if !dpop.signer.is_external() {
            sign(request, None, desk).await?;
        }
        let nonce = connection.nonces.of(&request.url);
        match dpop.proof(request, access_token, nonce.as_deref(), connection.engine.clock().unix_ms())? {
            Jwt::Unsigned(proof) => sign(request, Some(*proof), desk).await,
            Jwt::Signed(proof) => {
                request.proof = Some(proof);
                Ok(())
            }
        }
    }

    /// Remembers the nonce of an answer. `true`: the server refuses the proof for want of that nonce, so the
    /// request is to be sent anew, once.
    fn wants_nonce(
        &self,
        connection: &Connection,
        (kind, url): (Kind, &Url),
        answer: &std::result::Result<Answer, Failure>,
    ) -> bool {
        let (Some(_), Ok(answer)) = (&self.dpop, answer) else { return false };
        connection.nonces.hear(url, answer);
        self.proved_by(kind).is_some() && answer.wants_nonce()
    }

    /// A request that is signed, and its turn. Where that is long in coming the request is signed anew: what
    /// was signed is good for a minute. The turn is not waited for first, since a signer may take its time.
    async fn ready(
        &self,
        connection: &Connection,
        request: &impl Fn() -> Result<Request>,
        access_token: Option<&str>,
        desk: &dyn Desk,
    ) -> Result<(Request, Turn)> {
        let now = || connection.engine.clock().now();
        let begun = now();
        let mut ready = request()?;
        self.sign(connection, &mut ready, access_token, desk).await?;
        // Others may have taken their time, and meanwhile what the library had signed grew old.
        let signed_at = if ready.form_mut().is_some_and(|form| form.has_jwt) { begun } else { now() };
        let turn = connection.engine.turn(&ready).await;
        if now().saturating_sub(signed_at) > LONGEST_SIGNED_MS {
            ready = request()?;
            self.sign(connection, &mut ready, access_token, desk).await?;
        }
        Ok((ready, turn))
    }

    /// One request, signed; anew, once, where the server wants a nonce.
    pub(super) async fn send(
        &self,
        connection: &Connection,
        request: impl Fn() -> Result<Request>,
        access_token: Option<&str>,
        desk: &dyn Desk,
    ) -> Result<std::result::Result<Answer, Failure>> {
        let mut again = true;
        loop {
            let (request, turn) = self.ready(connection, &request, access_token, desk).await?;
            let (kind, url) = (request.kind, request.url.clone());
            let departure = Arc::default();
            let exchange = connection.http.exchange_in(turn, &connection.engine, request, &departure);
            let result = exchange.await.result;
            if !(self.wants_nonce(connection, (kind, &url), &result) && std::mem::take(&mut again)) {
                return Ok(result);
            }
        }
    }
}

impl FlowShared {
    /// Sends a request of the flow, signed; once more, where the provider wants a nonce in the proof (RFC 9449
    /// §8). That is a definite refusal, said before anything else is looked at: a poll that is sent anew is the
    /// same poll, and a start has rung nobody yet, so that the one sent anew rings once. `true`: the provider
    /// still wants another nonce.
    pub(super) async fn send(
        &self,
        connection: &Connection,
        request: impl Fn() -> Result<Request>,
        departure: &Arc<Departure>,
        sent: impl Fn(),
    ) -> Result<(Exchanged, bool)> {
        let mut departure = departure.clone();
        let mut again = true;
        loop {
            let (request, turn) = self.client.ready(connection, &request, None, self).await?;
            sent();
            let (kind, url) = (request.kind, request.url.clone());
            let exchanged = connection.http.exchange_in(turn, &self.engine, request, &departure).await;
            let wanted = self.client.wants_nonce(connection, (kind, &url), &exchanged.result);
            if !(wanted && std::mem::take(&mut again)) {
                return Ok((exchanged, wanted));
            }
            departure = Arc::default(); // what is sent anew can be stopped as well
            let mut inner = self.lock();
            if inner.freed || matches!(inner.cancel(), Some(Cancel::Wanted)) {
                return Ok((exchanged, wanted)); // nobody wants it any more
            }
            if let Some(in_flight) = inner.in_flight.as_mut() {
                in_flight.departure = Some(departure.clone());
            }
            drop(inner);
            let name = format!("{}.nonce", kind.name());
            self.event(Level::Debug, &name, || "the provider wants a nonce in the DPoP proof".into());
        }
    }
}
