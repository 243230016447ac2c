//! Requests whose access tokens are bound to a key of the client (DPoP): from settings to the key, and the
//! exchanges that take a proof along.

use std::collections::HashMap;
use std::sync::Mutex;

use url::Url;

use super::ClientCore;
use super::connection::Connection;
use super::credentials::private_key;
use super::pending::lock;
use crate::dpop::Dpop;
use crate::error::{Error, Result, Status};
use crate::notification::DeliveryMode;
use crate::settings::Values;
use crate::signing::{Algorithm, PrivateKey, Signer};
use crate::wire::{Answer, Request};

const BOUND: &str = "dpop_bound_access_tokens";
const ALGORITHM: &str = "dpop_signing_alg";
const KEY: &str = "dpop_private_key";

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
    /// Takes the proof along, where access tokens are bound.
    pub(super) fn prove(
        &self,
        connection: &Connection,
        request: &mut Request,
        access_token: Option<&str>,
    ) -> Result<()> {
        let Some(dpop) = &self.dpop else { return Ok(()) };
        let nonce = connection.nonces.of(&request.url);
        dpop.prove(request, access_token, nonce.as_deref(), connection.engine.clock().unix_ms())
    }

    /// Remembers the nonce of an answer. `true`: the server refuses the proof for want of that nonce, so the
    /// request is to be sent anew, once.
    pub(super) fn wants_nonce<E>(
        &self,
        connection: &Connection,
        url: &Url,
        answer: &std::result::Result<Answer, E>,
    ) -> bool {
        let (Some(_), Ok(answer)) = (&self.dpop, answer) else { return false };
        connection.nonces.hear(url, answer);
        answer.wants_nonce()
    }
}

/// The key that access tokens are bound to, if they are.
///
/// Errors: `MISSING_SETTING`, `CONFLICTING_SETTINGS`, `INVALID_VALUE`, `FILE`, `RESOURCES`.
pub(super) fn dpop(values: &Values, delivery_mode: DeliveryMode) -> Result<Option<Dpop>> {
    let given = private_key(values, KEY, PrivateKey::read)?;
    let conflict = |text: String| Err(Error::new(Status::CONFLICTING_SETTINGS, text));
    if !values.flag(BOUND) {
        return match given {
            Some(_) => conflict(format!("{KEY} is given without {BOUND}")),
            None => Ok(None),
        };
    }
    if delivery_mode == DeliveryMode::Push {
        return conflict(format!("{BOUND}: not with backchannel_token_delivery_mode push"));
    }
    let name = values.text(ALGORITHM);
    let key = match given {
        Some(key) => key,
        None if name.is_none_or(|name| name == "ES256") => PrivateKey::generate()?,
        None => {
            let text = format!("{KEY} or {KEY}_file is missing: only for ES256 is a key made");
            return Err(Error::new(Status::MISSING_SETTING, text));
        }
    };
    let algorithm = Algorithm::named(name.unwrap_or(key.usual_algorithm()));
    let Some(algorithm) = algorithm.filter(|algorithm| !algorithm.is_hmac()) else {
        return conflict(format!("{KEY}: the algorithm that it names is not one for proofs"));
    };
    let signer = Signer::with_key(algorithm, &key, None)
        .map_err(|error| Error::new(error.status(), format!("{ALGORITHM}: {}", error.message())))?;
    Ok(Some(Dpop { signer, jwk: key.public_jwk() }))
}
