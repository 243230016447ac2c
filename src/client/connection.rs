//! What a client has in one process: its HTTP client, the endpoints it found, the provider's keys.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::ClientCore;
use crate::engine::{Engine, Http};
use crate::error::{Error, Result, Status};
use crate::flow::Millis;
use crate::log::Level;
use crate::provider::{Endpoints, discovery};
use crate::tokens::KeySet;
use crate::wire::{Answer, Kind, Request};

/// Metadata is read again after this.
const METADATA_LIFETIME_MS: u64 = 24 * 3600 * 1000;
/// How long keys are kept: what the provider says, within these bounds.
const LEAST_KEYS_LIFETIME_MS: u64 = 5 * 60 * 1000;
const MOST_KEYS_LIFETIME_MS: u64 = 24 * 3600 * 1000;
const DEFAULT_KEYS_LIFETIME_MS: u64 = 3600 * 1000;
/// Tokens with unknown keys make the key set be fetched no more often than this.
const LEAST_BETWEEN_KEYS_MS: u64 = 5_000;

pub struct Connection {
    pub engine: Engine,
    pub http: Http,
    endpoints: Mutex<Option<(Arc<Endpoints>, Millis)>>,
    keys: Mutex<Option<Keys>>,
}

#[derive(Clone)]
pub struct Keys {
    pub set: Arc<KeySet>,
    pub fetched_at: Millis,
    fresh_until: Millis,
}

impl Connection {
    pub fn new(engine: Engine, http: Http) -> Connection {
        Connection { engine, http, endpoints: Mutex::default(), keys: Mutex::default() }
    }

    /// The endpoints: those that are given, completed by the provider's metadata where one is missing.
    pub async fn endpoints(&self, client: &ClientCore) -> Result<Arc<Endpoints>> {
        // Held while fetching: whoever comes meanwhile waits for the same answer.
        let mut cached = self.endpoints.lock().await;
        let now = self.engine.clock().now();
        if let Some((endpoints, _)) = cached.as_ref().filter(|(_, until)| now < *until) {
            return Ok(endpoints.clone());
        }
        let provider = &client.provider;
        let endpoints = if provider.endpoints.complete() {
            provider.endpoints.clone()
        } else {
            let url = discovery::metadata_url(provider)?;
            let answer =
                self.fetch(client, Request::new(Kind::Discovery, url), Status::DISCOVERY_FAILED).await?;
            let method = client.authentication.method.name();
            discovery::complete(provider, method, client.algorithm.name(), &answer.body)?
        };
        let endpoints = Arc::new(endpoints);
        *cached = Some((endpoints.clone(), now.saturating_add(METADATA_LIFETIME_MS)));
        Ok(endpoints)
    }

    /// The provider's keys, fetched if there are none or they are old.
    pub async fn keys(&self, client: &ClientCore) -> Result<Keys> {
        let mut cached = self.keys.lock().await;
        let now = self.engine.clock().now();
        match cached.as_ref() {
            Some(keys) if now < keys.fresh_until => Ok(keys.clone()),
            _ => self.fetch_keys(client, &mut cached).await,
        }
    }

    /// Keys that were fetched at `since` or later, for a token whose key is not among the others.
    pub async fn keys_since(&self, client: &ClientCore, since: Millis) -> Result<Keys> {
        let mut cached = self.keys.lock().await;
        let now = self.engine.clock().now();
        match cached.as_ref() {
            Some(keys) if keys.fetched_at >= since => Ok(keys.clone()),
            Some(keys) if now < keys.fetched_at.saturating_add(LEAST_BETWEEN_KEYS_MS) => Err(Error::new(
                Status::KEYS_UNAVAILABLE,
                "the provider's keys were fetched a moment ago and lack the ID Token's key",
            )),
            _ => self.fetch_keys(client, &mut cached).await,
        }
    }

    async fn fetch_keys(&self, client: &ClientCore, cached: &mut Option<Keys>) -> Result<Keys> {
        let endpoints = self.endpoints(client).await?;
        let missing = || Error::new(Status::METADATA_ENDPOINT_MISSING, "jwks_uri is not known");
        let url = endpoints.jwks.clone().ok_or_else(missing)?;
        let answer = self.fetch(client, Request::new(Kind::Keys, url), Status::KEYS_UNAVAILABLE).await?;
        let set = KeySet::parse(&answer.body)?;
        let now = self.engine.clock().now();
        let lifetime = answer.max_age().map_or(DEFAULT_KEYS_LIFETIME_MS, |s| s.saturating_mul(1000));
        let lifetime = lifetime.clamp(LEAST_KEYS_LIFETIME_MS, MOST_KEYS_LIFETIME_MS);
        let keys = Keys { set: Arc::new(set), fetched_at: now, fresh_until: now.saturating_add(lifetime) };
        client.event(Level::Debug, "keys.fetched", "", String::new);
        *cached = Some(keys.clone());
        Ok(keys)
    }

    /// Fetches a document that everybody may read.
    async fn fetch(&self, client: &ClientCore, request: Request, failed: Status) -> Result<Answer> {
        let kind = request.kind;
        let exchanged = self.http.exchange(&self.engine, request).await;
        let error = match exchanged.result {
            Ok(answer) if answer.status == 200 => return Ok(answer),
            Ok(answer) => Error::new(failed, format!("{} (HTTP {})", failed.text(), answer.status))
                .with_http_status(answer.status)
                .with_retry_after(answer.retry_after(self.engine.clock().unix_ms())),
            Err(failure) => Error::new(failed, format!("{}: {}", failed.text(), failure.message)),
        };
        client.event(Level::Warning, "fetch.failed", "", || format!("{}: {error}", kind.name()));
        Err(error)
    }
}
