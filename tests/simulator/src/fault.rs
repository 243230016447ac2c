//! Bad weather, ordered in advance.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::journal::Kind;

/// An answer made up by a test.
#[derive(Debug, Clone, Deserialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default, deserialize_with = "bytes_of_text")]
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer without headers.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Answer { status, headers: Vec::new(), body: body.into() }
    }

    /// A JSON answer.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Answer::new(status, body).header("content-type", "application/json")
    }

    /// The answer with one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

fn bytes_of_text<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    Ok(String::deserialize(from)?.into_bytes())
}

/// Changes the real answer's JSON.
pub type Modify = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// What goes wrong with one request.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nothing: this one passes.
    Pass,
    /// Answered with this; nothing is processed.
    Answer(Answer),
    /// Processed, but answered with this.
    AnswerAfterProcessing(Answer),
    /// Held for so many ms, then processed and answered.
    Hold(u64),
    /// Held for so many ms, then the other fault.
    HoldThen(u64, Box<Fault>),
    /// Processed and then held for so many ms before the answer goes out.
    ProcessThenHold(u64),
    /// Closed without an answer; nothing is processed.
    Close,
    /// Processed; closed before the first byte of the answer.
    CutBeforeHeaders,
    /// Processed; closed within the headers, behind the status line.
    CutInHeaders,
    /// Processed; closed after half the body, with this status if given.
    CutInBody {
        /// The status in place of the real one.
        status: Option<u16>,
    },
    /// The connection is reset (TCP RST); nothing is processed.
    Reset,
    /// Never answered; nothing is processed.
    Silent,
    /// A body without an end; nothing is processed.
    EndlessBody,
    /// 302 to this address; nothing is processed.
    Redirect(String),
    /// The real answer with a JSON merge patch; null removes a member.
    Patch(Value),
    /// The real answer with its JSON changed by this.
    #[serde(skip)]
    Modify(Modify),
    /// Processed, but answered 200 with this as the JSON body.
    #[serde(deserialize_with = "bytes_of_text")]
    Raw(Vec<u8>),
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fault")
    }
}

/// The faults that wait for their requests.
#[derive(Default)]
pub(crate) struct Faults {
    next: HashMap<Kind, VecDeque<Fault>>,
    always: HashMap<Kind, Fault>,
}

impl Faults {
    pub fn push(&mut self, kind: Kind, fault: Fault) {
        self.next.entry(kind).or_default().push_back(fault);
    }

    pub fn always(&mut self, kind: Kind, fault: Fault) {
        self.always.insert(kind, fault);
    }

    pub fn clear(&mut self) {
        self.next.clear();
        self.always.clear();
    }

    /// The fault for the request that has just arrived.
    pub fn take(&mut self, kind: Kind) -> Fault {
        let queued = self.next.get_mut(&kind).and_then(VecDeque::pop_front);
        queued.or_else(|| self.always.get(&kind).cloned()).unwrap_or(Fault::Pass)
    }
}

/// JSON merge patch (RFC 7396).
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(members) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(object) = target {
        for (name, value) in members {
            if value.is_null() {
                object.remove(name);
            } else {
                merge(object.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
    }
}
