//! The members of a JSON object, borrowed from its text: nothing is copied, so that nothing that
//! is secret needs to be wiped, and so that a claim nobody asks for costs next to nothing.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::json;

/// Up to this many names are compared each with each; more are sorted.
const FEW: usize = 48;

/// The members of one JSON object, in the order in which they came.
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl<'a> Fields<'a> {
    /// Reads an object; `None` if it is anything else, or if a name occurs twice. What is in its
    /// members is not looked at.
    pub(super) fn parse(text: &'a str) -> Option<Fields<'a>> {
        serde_json::from_str::<Fields<'a>>(text).ok().filter(Fields::has_each_name_once)
    }

    /// Reads an object as [`json::object`] does: also in its members no name occurs twice, nothing
    /// is nested too deeply, and every number and every string has a value.
    pub(super) fn parse_strictly(text: &'a str) -> Option<Fields<'a>> {
        let fields = Fields::parse(text)?;
        let is_sound = |raw: &str| match raw.as_bytes() {
            [b'"', rest @ ..] if !rest.contains(&b'\\') => true,
            text => json::value(text).is_some(),
        };
        fields.0.iter().all(|(_, raw)| is_sound(raw.get())).then_some(fields)
    }

    /// The JSON text of a member.
    pub(super) fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, raw)| raw.get())
    }

    /// A member as a value.
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        json::value(self.raw(name)?.as_bytes())
    }

    /// All members as values. What was read strictly is complete here.
    pub(super) fn values(&self) -> Map<String, Value> {
        let value = |name: &Cow<'_, str>, raw: &RawValue| {
            Some((name.clone().into_owned(), json::value(raw.get().as_bytes())?))
        };
        self.0.iter().filter_map(|(name, raw)| value(name, raw)).collect()
    }

    /// The text of an object with the same members, but for one that has this value there.
    pub(super) fn with(&self, name: &str, raw: &str) -> Zeroizing<String> {
        let members =
            self.0.iter().map(|(own, raw)| (own.as_ref(), raw.get())).filter(|(own, _)| *own != name);
        let members: Vec<(String, &str)> =
            members.chain([(name, raw)]).map(|(name, raw)| (Value::from(name).to_string(), raw)).collect();
        let length = members.iter().map(|(name, raw)| name.len() + raw.len() + 2).sum::<usize>() + 1;
        let mut text = Zeroizing::new(String::with_capacity(length)); // no copy is left behind by growing
        for (name, raw) in members {
            let before = if text.is_empty() { '{' } else { ',' };
            text.push(before);
            text.push_str(&name);
            text.push(':');
            text.push_str(raw);
        }
        text.push('}');
        text
    }

    /// A member that is a string.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        serde_json::from_str::<Text<'a>>(self.raw(name)?).ok().map(|text| text.0)
    }

    fn has_each_name_once(&self) -> bool {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_ref()).collect();
        if names.len() <= FEW {
            let mut rest = names.as_slice();
            while let [first, others @ ..] = rest {
                if others.contains(first) {
                    return false;
                }
                rest = others;
            }
            return true;
        }
        names.sort_unstable();
        names.windows(2).all(|pair| pair.first() != pair.last())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut members = Vec::with_capacity(24);
                while let Some((Text(name), raw)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    members.push((name, raw));
                }
                Ok(Fields(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
