//! What a client has in one process: its HTTP client, the endpoints it found, the provider's keys.

use std::sync::{Arc, Mutex, PoisonError};

use url::Url;

use super::ClientCore;
use super::bound::Nonces;
use super::notifications::Awaiting;
use super::pending::Slot;
use crate::clock::Millis;
use crate::engine::{Engine, Http};
use crate::error::{Error, Result, Status};
use crate::log::Level;
use crate::provider::{Endpoints, discovery};
use crate::tokens::KeySet;
use crate::wire::{Answer, Kind, Request};

/// Metadata is read again after this; where that fails the old is kept, and read again after that.
const METADATA_LIFETIME_MS: u64 = 24 * 3600 * 1000;
const METADATA_RETRY_MS: u64 = 5 * 60 * 1000;
/// How long keys are kept: what the provider says, within these bounds.
const LEAST_KEYS_LIFETIME_MS: u64 = 5 * 60 * 1000;
const MOST_KEYS_LIFETIME_MS: u64 = 24 * 3600 * 1000;
const DEFAULT_KEYS_LIFETIME_MS: u64 = 3600 * 1000;
/// Tokens with unknown keys make the key set be fetched no more often than this.
const LEAST_BETWEEN_KEYS_MS: u64 = 5_000;

pub struct Connection {
    pub engine: Engine,
    pub http: Http,
    /// Those that are given, where no flow needs another one.
    given: Option<Arc<Endpoints>>,
    /// With the time until which they are fresh.
    discovered: Fetched<(Arc<Endpoints>, Millis)>,
    keys: Fetched<Keys>,
    pub(super) check: Slot<()>,
    pub(super) awaiting: Awaiting,
    pub(super) nonces: Nonces,
}

/// Something that is fetched. Whoever comes while that is under way waits for the same answer, and
/// for the same error: a silent host costs all of them one timeout.
struct Fetched<T> {
    value: tokio::sync::Mutex<Option<T>>,
    /// How often fetching has failed, and why it did the last time.
    failed: Mutex<(u64, Option<Error>)>,
}

impl<T: Clone> Fetched<T> {
    fn new() -> Fetched<T> {
        Fetched { value: tokio::sync::Mutex::default(), failed: Mutex::default() }
    }

    async fn get(&self, good: impl Fn(&T) -> bool, fetch: impl AsyncFnOnce() -> Result<T>) -> Result<T> {
        let failed = || self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let before = failed().0;
        let mut value = self.value.lock().await;
        if let Some(value) = value.as_ref().filter(|value| good(value)) {
            return Ok(value.clone());
        }
        if let (times, Some(error)) = &*failed()
            && *times > before
        {
            return Err(error.clone());
        }
        let fetched = Box::pin(fetch()).await; // rare, and large: no part of every exchange
        match &fetched {
            Ok(new) => *value = Some(new.clone()),
            Err(error) => {
                let mut failed = failed();
                *failed = (failed.0 + 1, Some(error.clone()));
            }
        }
        fetched
    }
}

#[derive(Clone)]
pub struct Keys {
    pub set: Arc<KeySet>,
    pub fetched_at: Millis,
    fresh_until: Millis,
}

impl Connection {
    pub fn new(engine: Engine, http: Http, given: &Endpoints) -> Connection {
        Connection {
            engine,
            http,
            given: given.complete().then(|| Arc::new(given.clone())),
            discovered: Fetched::new(),
            keys: Fetched::new(),
            check: Mutex::default(),
            awaiting: Awaiting::default(),
            nonces: Nonces::default(),
        }
    }

    fn now(&self) -> Millis {
        self.engine.clock().now()
    }

    /// The endpoints of a flow: those that are given, completed by the provider's metadata where one is
    /// missing.
    pub async fn endpoints(&self, client: &ClientCore) -> Result<Arc<Endpoints>> {
        match &self.given {
            Some(given) => Ok(given.clone()),
            None => self.discovered(client).await,
        }
    }

    /// An endpoint that no flow needs: the one that is given, or the one that the metadata name.
    pub async fn endpoint(
        &self,
        client: &ClientCore,
        which: fn(&Endpoints) -> &Option<Result<Url>>,
    ) -> Result<Url> {
        if let Some(given) = which(&client.provider.endpoints) {
            return given.clone();
        }
        let discovered = self.discovered(client).await?;
        which(&discovered).clone().unwrap_or_else(|| Err(Status::METADATA_ENDPOINT_MISSING.into()))
    }

    async fn discovered(&self, client: &ClientCore) -> Result<Arc<Endpoints>> {
        let discovered =
            self.discovered.get(|(_, until)| self.now() < *until, async || self.discover(client).await).await;
        match discovered {
            Ok((endpoints, _)) => Ok(endpoints),
            Err(error) if error.status() == Status::DISCOVERY_FAILED => {
                let mut old = self.discovered.value.lock().await;
                let (endpoints, until) = old.as_mut().ok_or(error)?;
                *until = self.now().saturating_add(METADATA_RETRY_MS);
                Ok(endpoints.clone())
            }
            Err(error) => Err(error),
        }
    }

    async fn discover(&self, client: &ClientCore) -> Result<(Arc<Endpoints>, Millis)> {
        let provider = &client.provider;
        let url = discovery::metadata_url(provider)?;
        let answer = self.fetch(client, Request::new(Kind::Discovery, url), Status::DISCOVERY_FAILED).await?;
        let endpoints = discovery::complete(provider, &client.needed_support(), &answer.body)?;
        Ok((Arc::new(endpoints), self.now().saturating_add(METADATA_LIFETIME_MS)))
    }

    /// The provider's keys, fetched if there are none or they are old.
    pub async fn keys(&self, client: &ClientCore) -> Result<Keys> {
        self.keys.get(|keys| self.now() < keys.fresh_until, async || self.fetch_keys(client).await).await
    }

    /// Whether the keys are old, or none are there, and nobody is fetching them.
    pub fn lacks_keys(&self) -> bool {
        let held = self.keys.value.try_lock();
        held.is_ok_and(|keys| keys.as_ref().is_none_or(|keys| self.now() >= keys.fresh_until))
    }

    /// Keys that were fetched at `since` or later, for a token whose key is not among the others.
    pub async fn keys_since(&self, client: &ClientCore, since: Millis) -> Result<Keys> {
        let recent = |keys: &Keys| self.now() < keys.fetched_at.saturating_add(LEAST_BETWEEN_KEYS_MS);
        let good = |keys: &Keys| keys.fetched_at >= since || recent(keys);
        let keys = self.keys.get(good, async || self.fetch_keys(client).await).await?;
        if keys.fetched_at < since {
            let text = "the provider's keys were fetched a moment ago and lack the ID Token's key";
            return Err(Error::new(Status::KEYS_UNAVAILABLE, text));
        }
        Ok(keys)
    }

    /// Verifies something with the provider's keys, and once more with those of this moment where its key
    /// is not among them: the provider may have changed its keys. The outer error: the keys could not be had,
    /// so it is neither good nor bad.
    pub async fn with_keys<T>(
        &self,
        client: &ClientCore,
        verify: impl Fn(&KeySet) -> Result<T>,
    ) -> Result<Result<T>> {
        let since = self.now();
        let keys = self.keys(client).await?;
        let first = verify(&keys.set);
        match &first {
            Err(error) if error.keys_may_be_old() && keys.fetched_at < since => {
                let keys = self.keys_since(client, since).await?;
                Ok(verify(&keys.set))
            }
            _ => Ok(first),
        }
    }

    async fn fetch_keys(&self, client: &ClientCore) -> Result<Keys> {
        let endpoints = self.endpoints(client).await?;
        let missing = || Error::new(Status::METADATA_ENDPOINT_MISSING, "jwks_uri is not known");
        let url = endpoints.jwks.clone().ok_or_else(missing)?;
        let answer = self.fetch(client, Request::new(Kind::Keys, url), Status::KEYS_UNAVAILABLE).await?;
        let set = KeySet::parse(&answer.body)?;
        let now = self.now();
        let lifetime = answer.max_age().map_or(DEFAULT_KEYS_LIFETIME_MS, |s| s.saturating_mul(1000));
        let lifetime = lifetime.clamp(LEAST_KEYS_LIFETIME_MS, MOST_KEYS_LIFETIME_MS);
        let keys = Keys { set: Arc::new(set), fetched_at: now, fresh_until: now.saturating_add(lifetime) };
        client.event(Level::Debug, "keys.fetched", "", String::new);
        Ok(keys)
    }

    /// Fetches a document that everybody may read.
    async fn fetch(&self, client: &ClientCore, request: Request, failed: Status) -> Result<Answer> {
        let kind = request.kind;
        let exchanged = self.http.exchange(&self.engine, request, &Arc::default()).await;
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
