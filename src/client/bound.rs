//! Access tokens that are bound to a key of the client (DPoP): from settings to the key, which requests prove
//! it, and the nonces of servers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use url::Url;

use super::ClientCore;
use super::credentials::private_key;
use super::pending::lock;
use crate::dpop::{Dpop, thumbprint};
use crate::error::{Error, Result, Status};
use crate::notification::DeliveryMode;
use crate::settings::Values;
use crate::signing::{Algorithm, ExternalSigner, PrivateKey, PublicKey, Signer};
use crate::wire::{Answer, Kind};

const BOUND: &str = "dpop_bound_access_tokens";
const ALGORITHM: &str = "dpop_signing_alg";
const KEY: &str = "dpop_private_key";
/// The key of the program's own signer.
pub(super) const PUBLIC_KEY: &str = "dpop_public_key";

/// The nonces that servers gave last, by their origins: scheme, host and port (RFC 9449 §8).
#[derive(Default)]
pub(super) struct Nonces(Mutex<HashMap<String, String>>);

/// More servers than a client talks to: an end of growth that never comes.
const MOST_NONCES: usize = 64;

impl Nonces {
    pub fn of(&self, url: &Url) -> Option<String> {
        lock(&self.0).get(&url.origin().ascii_serialization()).cloned()
    }

    pub fn hear(&self, url: &Url, answer: &Answer) {
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
