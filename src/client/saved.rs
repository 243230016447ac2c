//! Flows that outlive their process: saved to bytes, resumed from them by any process that has the
//! client's settings.
//!
//! # Layout, version 1
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `CIBA` |
//! | 1 | version of the layout: 1 |
//! | 1 | length n of the key id; 0: not sealed, JSON follows |
//! | n | key id, from the setting `saved_flow_keys` |
//! | the rest | JSON, sealed with AES-256-GCM-SIV: nonce (12), ciphertext, tag (16); all bytes before it are authenticated too |
//!
//! The JSON is one object, [`Record`]. Members that a reader does not know are passed over; what an older
//! reader would get wrong raises the version. Endpoints, algorithms and whatever else decides what is
//! trusted come from the settings of the client that resumes, never from the bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::flow::FlowShared;
use super::handle::Flow;
use super::inner::Inner;
use super::steps::Shown;
use super::waiting::until;
use super::{Client, ClientCore, Timeout};
use crate::clock::Millis;
use crate::error::{Error, Result, Status};
use crate::flow::{Acknowledged, FlowState, Outcome, Resumed};
use crate::log::Level;
use crate::notification::{DeliveryMode, TokenHash};
use crate::request::Asked;
use crate::wire::Kind;

const MAGIC: &[u8] = b"CIBA";
const VERSION: u8 = 1;

/// How saved flows are sealed, from the settings.
#[derive(Default)]
pub(super) struct Sealing {
    /// Key ids and keys; the first one seals, every one opens.
    keys: Vec<(String, RandomizedNonceKey)>,
    /// Whether saved flows may be neither encrypted nor authenticated.
    unsealed: bool,
}

impl Sealing {
    /// Reads `id:key id:key …`, each key 32 bytes in Base64.
    pub fn parse(keys: &str, unsealed: bool) -> Result<Sealing> {
        let bad = |why: &str| Error::new(Status::INVALID_VALUE, format!("saved_flow_keys: {why}"));
        let mut sealing = Sealing { keys: Vec::new(), unsealed };
        for word in keys.split_whitespace() {
            let (id, key) = word.split_once(':').ok_or_else(|| bad("must be id:key, separated by spaces"))?;
            if id.is_empty() || id.len() > 255 || sealing.keys.iter().any(|(other, _)| other == id) {
                return Err(bad("a key id is empty, too long, or there twice"));
            }
            let key = STANDARD.decode(key).map(Zeroizing::new).ok().filter(|key| key.len() == 32);
            let key = key.ok_or_else(|| bad("a key is not 32 bytes in Base64"))?;
            let key =
                RandomizedNonceKey::new(&AES_256_GCM_SIV, &key).map_err(|_| bad("a key cannot be used"))?;
            sealing.keys.push((id.to_owned(), key));
        }
        if unsealed && !sealing.keys.is_empty() {
            let text = "saved_flow_unsealed and saved_flow_keys contradict each other";
            return Err(Error::new(Status::CONFLICTING_SETTINGS, text));
        }
        Ok(sealing)
    }

    fn seal(&self, mut json: Zeroizing<Vec<u8>>) -> Result<Vec<u8>> {
        let id = self.keys.first().map_or("", |(id, _)| id.as_str());
        let mut bytes = MAGIC.to_vec();
        bytes.extend([VERSION, u8::try_from(id.len()).unwrap_or_default()]);
        bytes.extend(id.as_bytes());
        match self.keys.first() {
            Some((_, key)) => {
                let nonce = key.seal_in_place_append_tag(Aad::from(&bytes), &mut *json);
                let nonce = nonce.map_err(|_| Error::new(Status::INTERNAL, "the flow cannot be sealed"))?;
                bytes.extend(nonce.as_ref());
            }
            None if self.unsealed => {}
            None => {
                let text = "saved_flow_keys is missing: a saved flow is confidential and sealed with a key";
                return Err(Error::new(Status::MISSING_SETTING, text));
            }
        }
        bytes.extend(json.as_slice());
        Ok(bytes)
    }

    fn open(&self, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let malformed = || Error::from(Status::SAVED_FLOW_MALFORMED);
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(malformed)?;
        let (version, rest) = rest.split_first().ok_or_else(malformed)?;
        if *version != VERSION {
            return Err(Status::SAVED_FLOW_VERSION.into());
        }
        let (length, rest) = rest.split_first().ok_or_else(malformed)?;
        let (id, rest) = rest.split_at_checked(usize::from(*length)).ok_or_else(malformed)?;
        if id.is_empty() {
            let refused = || {
                let text = "the saved flow is not sealed, and saved_flow_unsealed does not allow that";
                Error::new(Status::SAVED_FLOW_MALFORMED, text)
            };
            return self.unsealed.then(|| rest.to_vec().into()).ok_or_else(refused);
        }
        let found = self.keys.iter().find(|(own, _)| own.as_bytes() == id);
        let (_, key) = found.ok_or_else(|| Error::from(Status::SAVED_FLOW_KEY))?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN).ok_or_else(malformed)?;
        let header = bytes.get(..bytes.len() - rest.len()).ok_or_else(malformed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| malformed())?;
        let mut json = Zeroizing::new(sealed.to_vec());
        let length = key.open_in_place(nonce, Aad::from(header), &mut json).map_err(|_| malformed())?.len();
        json.truncate(length);
        Ok(json)
    }
}

/// What is saved of a flow.
#[derive(Serialize, Deserialize)]
struct Record<'a> {
    issuer: Cow<'a, str>,
    client_id: Cow<'a, str>,
    context: Cow<'a, str>,
    /// How often the flow was saved, this time included.
    revision: u32,
    /// Whether polls may have been made after this was written.
    checkpoint: bool,
    /// Whether an answer was lost that may have carried the tokens.
    lost: bool,
    /// Dates in Unix ms.
    started_at: i64,
    expires_at: Option<i64>,
    next_poll_at: Option<i64>,
    interval_ms: u64,
    polls: u32,
    scope: Cow<'a, str>,
    correlation: Cow<'a, str>,
    /// Claims that the ID Token must have, because of what was asked.
    claims: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    /// What the provider may echo and no text may show.
    hints: Vec<Cow<'a, str>>,
    /// Absent before the acknowledgement.
    auth_req_id: Option<Cow<'a, str>>,
    acknowledgement: Option<Cow<'a, str>>,
    /// What a person is shown.
    binding_message: Option<Cow<'a, str>>,
    authentication_uri: Option<Cow<'a, str>>,
    /// The hash of the notification token, in Base64, in ping and push mode.
    notification_token_hash: Option<Cow<'a, str>>,
    /// The thumbprint of the key that tokens will be bound to, where the start has shown it.
    key_thumbprint: Option<Cow<'a, str>>,
}

impl Record<'_> {
    /// As JSON, with room for the tag of the seal: no copy is left behind by growing.
    fn to_json(&self) -> Result<Zeroizing<Vec<u8>>> {
        let refused = |_| Error::new(Status::INTERNAL, "the flow cannot be written");
        let mut length = Length::default();
        serde_json::to_writer(&mut length, self).map_err(refused)?;
        let mut json = Zeroizing::new(Vec::with_capacity(length.0 + AES_256_GCM_SIV.tag_len()));
        serde_json::to_writer(&mut *json, self).map_err(refused)?;
        Ok(json)
    }
}

/// How many bytes are written.
#[derive(Default)]
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A flow as bytes. Confidential, unless it is sealed; even then whoever has it and the client's
/// settings can go on with the flow.
pub struct SavedFlow {
    bytes: Vec<u8>,
    revision: u32,
}

impl SavedFlow {
    /// The bytes, to be kept as they are.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How often the flow was saved, in this process and before: each save has a higher number, for a
    /// store that replaces only what is older.
    pub fn revision(&self) -> u32 {
        self.revision
    }
}

impl fmt::Debug for SavedFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedFlow").field("revision", &self.revision).finish_non_exhaustive()
    }
}

impl Drop for SavedFlow {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl FlowShared {
    /// Saves the flow and lets it go on here.
    pub fn checkpoint(&self, context: &str) -> Result<SavedFlow> {
        self.same_process()?;
        let mut inner = self.lock();
        let saved = self.save(&mut inner, context, true);
        self.unlock(inner);
        self.tell_saved(&saved);
        saved
    }

    /// Saves the flow and closes it here, once no exchange is under way. `Ok(None)`: one still is.
    pub fn hand_over(self: &Arc<Self>, context: &str, timeout: Timeout) -> Result<Option<SavedFlow>> {
        let until = until(self.now(), timeout);
        let mut inner = loop {
            let left = timeout.map(|_| Duration::from_millis(until.saturating_sub(self.now())));
            if self.wait(left, false, |inner| inner.in_flight.is_none().then_some(()))?.is_none() {
                return Ok(None);
            }
            let inner = self.lock();
            if inner.in_flight.is_none() {
                break inner;
            } // else somebody began the next one just now
        };
        let saved = self.save(&mut inner, context, false);
        if saved.is_ok() {
            inner.state.end(Outcome::HandedOver);
            inner.changed = true;
        }
        self.unlock(inner);
        self.tell_saved(&saved);
        self.engine.attend(self.clone(), None); // which then lets go of it
        saved.map(Some)
    }

    /// Once the lock is free, as with every event.
    fn tell_saved(&self, saved: &Result<SavedFlow>) {
        if let Ok(saved) = saved {
            self.event(Level::Debug, "flow.saved", || format!("revision {}", saved.revision));
        }
        self.client.deliver_log();
    }

    fn save(&self, inner: &mut Inner, context: &str, checkpoint: bool) -> Result<SavedFlow> {
        let now = self.now();
        self.due(inner, now);
        if !inner.state.is_starting() && !inner.state.is_pending() {
            return Err(Status::NOT_SAVEABLE.into());
        }
        let state = &inner.state;
        let shown = |text: fn(&Shown) -> Option<&SecretString>| {
            inner.shown().and_then(text).map(|text| Cow::Borrowed(text.expose_secret()))
        };
        let record = Record {
            issuer: Cow::Borrowed(&self.client.provider.issuer),
            client_id: Cow::Borrowed(&self.client.authentication.client_id),
            context: Cow::Borrowed(context),
            revision: inner.revision.saturating_add(1),
            checkpoint,
            lost: state.has_lost(),
            started_at: inner.started_unix_ms,
            expires_at: state.deadline().map(|at| self.unix_ms_of(at, now)),
            next_poll_at: state.is_pending().then(|| self.unix_ms_of(state.next_at(), now)),
            interval_ms: state.interval(),
            polls: inner.polls,
            scope: Cow::Borrowed(self.asked.scope(&self.client.provider.rules)),
            correlation: Cow::Borrowed(self.asked.correlation()),
            claims: self.asked.claims().map(|(n, v)| (Cow::Borrowed(n), Cow::Borrowed(v))).collect(),
            hints: self.asked.secrets().map(Cow::Borrowed).collect(),
            auth_req_id: state.auth_req_id().map(Cow::Borrowed),
            acknowledgement: state.acknowledgement().map(Cow::Borrowed),
            binding_message: shown(|shown| shown.binding_message.as_ref()),
            authentication_uri: shown(|shown| shown.authentication_uri.as_ref()),
            notification_token_hash: inner
                .notified()
                .map(|notified| Cow::Owned(STANDARD.encode(notified.token()))),
            key_thumbprint: self.client.proved_by(Kind::Start).map(|dpop| Cow::Borrowed(&*dpop.thumbprint)),
        };
        let bytes = self.client.sealing.seal(record.to_json()?)?;
        inner.revision = inner.revision.saturating_add(1);
        if !self.client.saved_flow_exclusive {
            inner.state.share();
        }
        Ok(SavedFlow { bytes, revision: inner.revision })
    }

    /// `None` in another process.
    pub fn revision(&self) -> Option<u32> {
        self.same_process().ok()?;
        Some(self.lock().revision)
    }

    /// Goes on with a flow that was saved.
    pub fn resume(client: &Arc<ClientCore>, bytes: &[u8], context: &str) -> Result<Arc<FlowShared>> {
        let json = client.sealing.open(bytes)?;
        let record = client.record(&json, context)?;
        let engine = client.connection()?.engine.clone();
        let token = record.notification_token_hash.as_deref().and_then(|hash| STANDARD.decode(hash).ok());
        let token = token.and_then(|hash| TokenHash::try_from(hash).ok());
        let (asked, inner) = client.restored(record, engine.clock().now(), engine.clock().unix_ms());
        let waits_for_tokens = inner.state.is_pending();
        let revision = inner.revision;
        let flow = FlowShared::from_parts(client, engine, asked, inner);
        if let Some(token) = token.filter(|_| client.delivery_mode != DeliveryMode::Poll) {
            flow.await_notifications(token)?;
        }
        flow.event(Level::Info, "flow.resumed", || format!("revision {revision}"));
        if waits_for_tokens {
            flow.fetch_keys_early();
        }
        client.deliver_log();
        Ok(flow)
    }
}

impl ClientCore {
    /// Reads what was saved for this client and this context.
    fn record<'a>(&self, json: &'a [u8], context: &str) -> Result<Record<'a>> {
        let record: Record<'_> =
            serde_json::from_slice(json).map_err(|_| Error::from(Status::SAVED_FLOW_MALFORMED))?;
        let is_ours =
            record.issuer == self.provider.issuer && record.client_id == self.authentication.client_id;
        if !is_ours {
            return Err(Status::SAVED_FLOW_CLIENT.into());
        }
        if record.key_thumbprint.as_deref() != self.proved_by(Kind::Start).map(|dpop| &*dpop.thumbprint) {
            let text = "the tokens of the saved flow are bound to another DPoP key than the client's";
            return Err(Error::new(Status::SAVED_FLOW_CLIENT, text));
        }
        if record.context != context {
            return Err(Status::SAVED_FLOW_CONTEXT.into());
        }
        Ok(record)
    }

    /// A flow as it was saved, at these times of both clocks.
    fn restored(&self, record: Record<'_>, now: Millis, unix_now: i64) -> (Asked, Inner) {
        let exclusive = self.saved_flow_exclusive;
        let mut state = match (&record.auth_req_id, record.expires_at) {
            (Some(auth_req_id), Some(expires_at)) => {
                let interval = record.interval_ms.clamp(LEAST_INTERVAL_MS, LONGEST_MS);
                let at = |unix: i64| now.saturating_add_signed(unix.saturating_sub(unix_now));
                // What was asked after a checkpoint cannot be seen: a whole interval from now.
                let next_at = match record.next_poll_at.filter(|_| !record.checkpoint) {
                    Some(next) => at(next).max(now),
                    None => now.saturating_add(interval).saturating_add(LEAST_SLACK_MS),
                };
                FlowState::resumed(Resumed {
                    acknowledged: Acknowledged::new(
                        record.acknowledgement.as_deref().unwrap_or_default(),
                        auth_req_id,
                    ),
                    deadline: at(expires_at).min(now.saturating_add(LONGEST_MS)),
                    interval,
                    next_at: next_at.min(now.saturating_add(LONGEST_MS)),
                    lost: record.lost || record.checkpoint || !exclusive,
                })
            }
            // The request is not sent again: the person's phone may be ringing.
            _ => {
                let mut state = FlowState::starting();
                let text =
                    "the flow was saved before the provider's answer to its start: the phone may ring or not";
                state.end(Outcome::Failed(Error::new(Status::START_UNKNOWN, text)));
                state
            }
        };
        if !exclusive {
            state.share();
        }
        if self.delivery_mode == DeliveryMode::Push {
            state.await_push();
        }
        let claims: Vec<(&str, &str)> = record.claims.iter().map(|(n, v)| (n.as_ref(), v.as_ref())).collect();
        let hints: Vec<&str> = record.hints.iter().map(AsRef::as_ref).collect();
        let rules = &self.provider.rules;
        let asked = Asked::new(rules, &record.scope, &record.correlation, &claims, &hints);
        let mut inner = Inner::new(state, record.started_at);
        inner.revision = record.revision;
        inner.polls = record.polls;
        let shown = |text: Option<Cow<'_, str>>| text.map(|text| SecretString::from(text.into_owned()));
        inner.show(shown(record.binding_message), shown(record.authentication_uri));
        (asked, inner)
    }

    /// What bytes may bring about, without an engine.
    #[cfg(any(test, fuzzing))]
    pub fn opened(&self, bytes: &[u8], now: Millis, unix_now: i64) -> Result<(Asked, FlowState)> {
        let json = self.sealing.open(bytes)?;
        let (asked, inner) = self.restored(self.record(&json, "")?, now, unix_now);
        Ok((asked, inner.state))
    }
}

/// As after any other poll, see [`crate::flow`].
const LEAST_SLACK_MS: Millis = 200;
/// No interval is shorter: they are whole seconds (CIBA Core §7.3).
const LEAST_INTERVAL_MS: Millis = 1_000;
/// No saved flow lives or waits longer (31 days).
const LONGEST_MS: Millis = 31 * 24 * 3600 * 1000;

impl Client {
    /// Goes on with a flow that was saved, in this process or another one, with the settings of this
    /// client. `context` is the text that it was saved with.
    ///
    /// A flow that was handed over is polled when it would have been; after a checkpoint a whole
    /// interval is waited first. Where another process may have been given the tokens, "no longer
    /// known" ends the flow as `UNKNOWN`, never as a denial: after a checkpoint until the provider has
    /// said here that nothing is decided yet, and always without the setting `saved_flow_exclusive`.
    /// One that was saved before its acknowledgement is not started again: it comes back ended, with
    /// `START_UNKNOWN`. One that has expired meanwhile comes back ended too.
    ///
    /// Save it again, with a checkpoint, before it is driven: a flow that was handed over must not be
    /// resumed twice, and a store that compares revisions learns by that who has it.
    ///
    /// Errors: `SAVED_FLOW_MALFORMED`, `SAVED_FLOW_KEY`, `SAVED_FLOW_VERSION`, `SAVED_FLOW_CLIENT`,
    /// `SAVED_FLOW_CONTEXT`, `RESOURCES`.
    pub fn resume(&self, bytes: &[u8], context: &str) -> Result<Flow> {
        Ok(Flow(FlowShared::resume(&self.0, bytes, context)?))
    }
}

impl Flow {
    /// Saves the flow and lets it go on here. `context` says what it is saved for, for example the id
    /// of a row: it can be resumed with the same text alone.
    ///
    /// Errors: `NOT_SAVEABLE` for a flow that has ended or has its tokens, `MISSING_SETTING` without
    /// `saved_flow_keys`, `OTHER_PROCESS`.
    pub fn checkpoint(&self, context: &str) -> Result<SavedFlow> {
        self.0.checkpoint(context)
    }

    /// Saves the flow and closes it here, with the outcome `HANDED_OVER`. An exchange that is under way
    /// is waited for, since it may bring the tokens: `Ok(None)` if that takes longer than the timeout.
    ///
    /// Errors: as [`Flow::checkpoint`].
    pub fn hand_over(&self, context: &str, timeout: Timeout) -> Result<Option<SavedFlow>> {
        self.0.hand_over(context, timeout)
    }

    /// How often the flow was saved, in this process and before; 0 in another process.
    pub fn revision(&self) -> u32 {
        self.0.revision().unwrap_or_default()
    }
}
