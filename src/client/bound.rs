//! Requests whose access tokens are bound to a key of the client (DPoP): from settings to the key, and the
//! exchanges that take a proof along.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use url::Url;

use super::ClientCore;
use super::connection::Connection;
use super::credentials::private_key;
use super::flow::FlowShared;
use super::inner::Cancel;
use super::pending::lock;
use super::signatures::{Desk, sign};
use crate::clock::Millis;
use crate::dpop::{Dpop, thumbprint};
use crate::engine::{Departure, Exchanged, Turn};
use crate::error::{Error, Result, Status};
use crate::log::Level;
use crate::notification::DeliveryMode;
use crate::settings::Values;
use crate::signing::{Algorithm, ExternalSigner, Jwt, PrivateKey, PublicKey, Signer};
use crate::wire::{Answer, Failure, Kind, Request};

const BOUND: &str = "dpop_bound_access_tokens";
const ALGORITHM: &str = "dpop_signing_alg";
const KEY: &str = "dpop_private_key";
/// The key of the program's own signer.
pub(super) const PUBLIC_KEY: &str = "dpop_public_key";

/// What was signed longer ago is signed anew before it is sent.
const LONGEST_SIGNED_MS: Millis = 10_000;

/// The nonces that servers gave last, by their origins: scheme, host and port (RFC 9449 §8).
#[derive(Default)]
pub(super) struct Nonces(Mutex<HashMap<String, String>>);

/// More servers than a client talks to: an end of growth that never comes.
const MOST_NONCES: usize = 64;

impl Nonces {
    fn of(&self, url: &Url) -> Option<String> {
        lock(&self.0).get(&url.origin().ascii_serialization()).cloned()
    }

    fn hear(&self, url: &Url, answer: &Answer) {
        if let Some(nonce) = answer.nonce() {
            let mut nonces = lock(&self.0);
            if nonces.len() >= MOST_NONCES {
                nonces.clear();
            }
            nonces.insert(url.origin().ascii_serialization(), nonce.to_owned());
        }
    }
}

impl ClientCore {
    /// The key that a request of this kind proves, if it does. A start shows it where the tokens will come by
    /// themselves: there is no other request that could.
    pub(super) fn proved_by(&self, kind: Kind) -> Option<&Dpop> {
        let takes_proof = match kind {
            Kind::Poll | Kind::Refresh | Kind::Userinfo => true,
            Kind::Start => self.delivery_mode == DeliveryMode::Push,
            _ => false,
        };
        self.dpop.as_ref().filter(|_| takes_proof)
    }

    /// Has everything signed that a request needs: the JWTs of its form, and its proof. What others sign is
    /// signed all at once; a proof by the library's own key last, so that it is new when it is sent. `true`: others
    /// signed, and it may have taken its time.
    ///
    /// `access_token`: the one that goes with it.
    pub(super) async fn sign(
        &self,
        connection: &Connection,
        request: &mut Request,
        access_token: Option<&str>,
        desk: &dyn Desk,
    ) -> Result<bool> {
        let Some(dpop) = self.proved_by(request.kind) else { return sign(request, None, desk).await };
        let proof = |request: &Request| {
            let nonce = connection.nonces.of(&request.url);
            dpop.proof(request, access_token, nonce.as_deref(), connection.engine.clock().unix_ms())
        };
        let of_others = match dpop.signer.is_external() {
            true => Some(proof(request)?),
            false => None,
        };
        match of_others {
            Some(Jwt::Unsigned(unsigned)) => sign(request, Some(*unsigned), desk).await,
            _ => {
                let by_others = sign(request, None, desk).await?;
                if let Jwt::Signed(own) = proof(request)? {
                    request.proof = Some(own);
                }
                Ok(by_others)
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
        let by_others = self.sign(connection, &mut ready, access_token, desk).await?;
        let signed_at = if by_others { now() } else { begun };
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

/// The key that access tokens are bound to, if they are.
///
/// Errors: `MISSING_SETTING`, `CONFLICTING_SETTINGS`, `INVALID_VALUE`, `FILE`, `RESOURCES`.
pub(super) fn dpop(values: &Values, external: Option<&Arc<dyn ExternalSigner>>) -> Result<Option<Dpop>> {
    let given = private_key(values, KEY, PrivateKey::read)?;
    let public = public_key(values)?;
    let conflict = |text: String| Err(Error::new(Status::CONFLICTING_SETTINGS, text));
    let name = if given.is_some() { KEY } else { PUBLIC_KEY };
    if !values.flag(BOUND) {
        return match given.is_some() || public.is_some() {
            true => conflict(format!("{name} is given without {BOUND}")),
            false => Ok(None),
        };
    }
    let of_setting = |error: Error| Error::new(error.status(), format!("{ALGORITHM}: {}", error.message()));
    match (given, public) {
        (Some(_), Some(_)) => conflict(format!("{PUBLIC_KEY}: {KEY} is given too, and one of them signs")),
        (None, Some(key)) => {
            let Some(external) = external else {
                let text = format!("{PUBLIC_KEY} is given, but no signer that has its private half");
                return Err(Error::new(Status::MISSING_SETTING, text));
            };
            let algorithm = algorithm(values, key.usual_algorithm())?;
            // Never none: by it a program with several keys knows which one is asked for.
            let key_id = key.key_id.clone().unwrap_or_else(|| thumbprint(&key.jwk));
            let jwk = key.jwk.clone();
            let signer = Signer::with_public_key(algorithm, external.clone(), key_id, key);
            Ok(Some(Dpop::new(signer.map_err(of_setting)?, jwk)))
        }
        (given, None) => {
            let key = match (given, values.text(ALGORITHM)) {
                (Some(key), _) => key,
                (None, None | Some("ES256")) => PrivateKey::generate()?,
                (None, Some(_)) => {
                    let text =
                        format!("{KEY}, {KEY}_file or {PUBLIC_KEY} is missing: only for ES256 is a key made");
                    return Err(Error::new(Status::MISSING_SETTING, text));
                }
            };
            let algorithm = algorithm(values, key.usual_algorithm())?;
            let signer = Signer::with_key(algorithm, &key, None).map_err(of_setting)?;
            Ok(Some(Dpop::new(signer, key.public_jwk())))
        }
    }
}

/// The public key of the program's own signer, where that signs proofs.
///
/// Errors: `INVALID_VALUE`.
pub(super) fn public_key(values: &Values) -> Result<Option<PublicKey>> {
    let read = |text| {
        PublicKey::read(text).map_err(|why| Error::new(Status::INVALID_VALUE, format!("{PUBLIC_KEY}: {why}")))
    };
    values.text(PUBLIC_KEY).map(read).transpose()
}

/// The algorithm of proofs: that of the setting, else this one.
fn algorithm(values: &Values, usual: &str) -> Result<&'static Algorithm> {
    let algorithm = Algorithm::named(values.text(ALGORITHM).unwrap_or(usual));
    algorithm.filter(|algorithm| !algorithm.is_hmac()).ok_or_else(|| {
        let text = format!("{ALGORITHM}: the algorithm that the key names is not one for proofs");
        Error::new(Status::CONFLICTING_SETTINGS, text)
    })
}
