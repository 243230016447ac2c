//! JSON from outside: duplicate names refused, depth and size bounded, numbers kept as they were written.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use zeroize::Zeroize;

/// The members of one JSON object, each still as its text, in the order in which they came.
///
/// A member that nobody asks for is never interpreted: a number that no type can hold, or
/// an array nested 100,000 deep, does no harm there. Nothing is copied, so that of what is secret there is
/// nothing to wipe.
pub struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Members<'a> {
    /// Reads an object; `None` if it is anything else, or if a name occurs twice.
    pub fn parse(text: &'a [u8]) -> Option<Members<'a>> {
        serde_json::from_slice(text).ok()
    }

    /// The text of one member.
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(n, _)| n == name)?;
        Some(found.1.get())
    }

    /// A member that is a string. A `null` counts as absent, like everything that is no string.
    pub fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.raw(name)?).ok()
    }

    /// A positive whole number of seconds, given as a number or as a string of decimal digits
    /// (a provider answers `"120"`). Fractions are cut off; what is larger than any `u64` is `u64::MAX`.
    pub fn positive_seconds(&self, name: &str) -> Option<u64> {
        let raw = self.raw(name)?;
        let number = match serde_json::from_str::<String>(raw) {
            Ok(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
                text.parse().unwrap_or(u64::MAX)
            }
            Ok(_) => return None,
            Err(_) if raw.bytes().all(|b| b.is_ascii_digit()) => raw.parse().unwrap_or(u64::MAX),
            Err(_) => {
                let number: f64 = raw.parse().ok().filter(|n: &f64| n.is_finite())?;
                number as u64 // saturates, and a negative number becomes 0
            }
        };
        (number > 0).then_some(number)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<'a>, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                let mut seen = std::collections::HashSet::new();
                while let Some((Name(name), raw)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    if !seen.insert(name.clone()) {
                        return Err(serde::de::Error::custom("a name occurs twice"));
                    }
                    members.push((name, raw));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Reads one JSON value; `None` if it is malformed, nested deeper than 128, or if a name occurs
/// twice in one of its objects.
pub fn value(text: &[u8]) -> Option<Value> {
    serde_json::from_slice::<Strict>(text).ok().map(|s| s.0)
}

/// Reads one JSON object, as [`value`] does.
pub fn object(text: &[u8]) -> Option<Map<String, Value>> {
    match value(text)? {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

/// An object that may hold secrets: its texts are wiped when it is dropped.
#[derive(Default)]
pub struct SecretObject(pub Map<String, Value>);

impl Drop for SecretObject {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Where [`value`] finds a text malformed: its line and column. `None` where it does not.
pub fn fault(text: &[u8]) -> Option<(usize, usize)> {
    serde_json::from_slice::<Strict>(text).err().map(|error| (error.line(), error.column()))
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Strict, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
                Ok(v.into())
            }
            fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
                Ok(v.into())
            }
            fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
                Ok(v.into())
            }
            fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
                Ok(v.into())
            }
            fn visit_str<E>(self, v: &str) -> Result<Value, E> {
                Ok(v.into())
            }
            fn visit_string<E>(self, v: String) -> Result<Value, E> {
                Ok(v.into())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut items = Vec::new();
                while let Some(Strict(item)) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Value::Array(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut members = Map::new();
                while let Some((name, Strict(item))) = map.next_entry::<String, Strict>()? {
                    if members.insert(name, item).is_some() {
                        return Err(serde::de::Error::custom("a name occurs twice"));
                    }
                }
                Ok(Value::Object(members))
            }
        }
        deserializer.deserialize_any(Any).map(Strict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_occurs_twice_is_refused_at_any_depth() {
        assert!(Members::parse(br#"{"a":1,"b":2}"#).is_some());
        assert!(Members::parse(br#"{"a":1,"a":2}"#).is_none());
        assert!(Members::parse(br#"{"a":1,"\u0061":2}"#).is_none());
        assert!(value(br#"{"a":[{"b":1,"c":2}]}"#).is_some());
        assert!(value(br#"{"a":[{"b":1,"b":2}]}"#).is_none());
    }

    #[test]
    fn a_member_nobody_asks_for_may_be_absurd() {
        let deep = format!(r#"{{"x":{}{},"y":1e400,"a":"b"}}"#, "[".repeat(100_000), "]".repeat(100_000));
        let members = Members::parse(deep.as_bytes()).unwrap();
        assert_eq!(members.text("a").as_deref(), Some("b"));
        assert!(value(members.raw("x").unwrap().as_bytes()).is_none());
    }

    #[test]
    fn a_member_is_a_part_of_the_text_and_no_copy() {
        let text = br#"{"access_token":"t","a":[1]}"#;
        let members = Members::parse(text).unwrap();
        for name in ["access_token", "a"] {
            assert!(text.as_ptr_range().contains(&members.raw(name).unwrap().as_ptr()), "{name}");
        }
    }

    #[test]
    fn every_text_of_a_value_is_wiped_however_deep_it_is() {
        let mut secrets = value(br#"{"a":"x","b":[1,"y",{"c":"z"}]}"#).unwrap();
        wipe(&mut secrets);
        assert_eq!(secrets, serde_json::json!({"a": "", "b": [1, "", {"c": ""}]}));
    }

    #[test]
    fn seconds_are_positive_numbers_or_decimal_strings() {
        let seconds =
            |raw: &str| Members::parse(format!(r#"{{"n":{raw}}}"#).as_bytes())?.positive_seconds("n");
        for (raw, expected) in [
            ("300", Some(300)),
            ("\"120\"", Some(120)),
            ("300.9", Some(300)),
            ("1e3", Some(1000)),
            ("9223372036854775807", Some(9223372036854775807)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("0", None),
            ("-1", None),
            ("0.5", None),
            ("1e400", None),
            ("\"\"", None),
            ("\"12s\"", None),
            ("\"-5\"", None),
            ("true", None),
            ("null", None),
            ("[300]", None),
        ] {
            assert_eq!(seconds(raw), expected, "{raw}");
        }
    }
}
