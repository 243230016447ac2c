//! Values by name and text: found in their table, checked, and kept as secrets.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Form, PARAMETERS, SETTINGS, Setting};
use crate::error::{Error, Result, Status};
use crate::json::{self, Members, SecretObject};
use crate::provider;
use crate::readable::{complaint, unreadable, unreadable_in_lines};

/// No name is longer.
const LONGEST_NAME: usize = 200;

/// What a name can be: one that is not found in its own table may stand in the other one.
const TABLES: [(&str, &[Setting]); 2] = [("setting", SETTINGS), ("request parameter", PARAMETERS)];

/// The name that was meant, perhaps; `None` where none is alike.
fn nearest(table: &'static [Setting], name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let likeness = |setting: &'static Setting| {
        let other = setting.name.to_ascii_lowercase();
        // Slips of the finger, and parts of a name.
        let alike =
            strsim::normalized_damerau_levenshtein(&other, &name).max(strsim::sorensen_dice(&other, &name));
        (alike, setting.name)
    };
    let alike = table.iter().map(likeness).filter(|(alike, _)| *alike > 0.4);
    alike.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

/// Values by name. Every value is held as a secret.
#[derive(Clone)]
pub(crate) struct Values {
    table: &'static [Setting],
    what: &'static str,
    most_bytes: usize,
    given: BTreeMap<Cow<'static, str>, SecretString>,
}

impl Values {
    /// `most_bytes`: the size beyond which a value is refused.
    pub fn new(table: &'static [Setting], what: &'static str, most_bytes: usize) -> Values {
        Values { table, what, most_bytes, given: BTreeMap::new() }
    }

    fn find(&self, name: &str) -> Result<&'static Setting> {
        let fits = |setting: &&Setting| match setting.name.strip_suffix('*') {
            Some(prefix) => name.len() > prefix.len() && name.starts_with(prefix) && is_showable(name),
            None => setting.name == name,
        };
        self.table.iter().find(fits).ok_or_else(|| {
            // The name is from outside: bounded, and without what could break a line.
            let shown: String = name.chars().take(60).map(|c| if c.is_control() { '?' } else { c }).collect();
            let elsewhere = TABLES.iter().find(|(_, table)| table.iter().any(|s| s.name == name));
            let meant = match (elsewhere, nearest(self.table, &shown)) {
                (Some((what, _)), _) => format!("; it is a {what}"),
                (None, Some(nearest)) => format!("; the nearest is {nearest}"),
                (None, None) => String::new(),
            };
            Error::new(Status::UNKNOWN_NAME, format!("there is no {} named {shown:?}{meant}", self.what))
        })
    }

    /// Sets a value; an empty one takes it back.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let setting = self.find(name)?;
        if value.is_empty() {
            self.given.remove(name);
            return Ok(());
        }
        let why = match value.len() > self.most_bytes {
            true => Some(format!("is larger than {} bytes", self.most_bytes)),
            false => mismatch(setting.form, value),
        };
        if let Some(why) = why {
            return Err(Error::new(Status::INVALID_VALUE, format!("{name}: {why}")));
        }
        let key = if setting.name == name { setting.name.into() } else { name.to_owned().into() };
        self.given.insert(key, value.into());
        Ok(())
    }

    /// Sets what a JSON object names: texts, numbers, `true` and `false`; a list of texts is joined by
    /// spaces, an object sets `name.member` for each of its members, and what is JSON itself is taken as
    /// it is written. All or, on an error, nothing.
    pub fn set_json(&mut self, text: &str) -> Result<()> {
        let unreadable = || {
            // Where it is, but nothing of what stands there: that may be a secret.
            let place =
                json::fault(text.as_bytes()).map(|(line, column)| format!(": line {line}, column {column}"));
            let text =
                format!("not a JSON object, or a name occurs twice in it{}", place.unwrap_or_default());
            Error::new(Status::INVALID_VALUE, text)
        };
        let object = json::object(text.as_bytes()).map(SecretObject).ok_or_else(unreadable)?;
        let written = Members::parse(text.as_bytes()).ok_or_else(unreadable)?;
        let mut new = self.clone();
        for (name, value) in &object.0 {
            match value {
                Value::Object(_) | Value::Array(_) if self.find(name).is_ok_and(|s| s.form.is_json()) => {
                    new.set(name, written.raw(name).unwrap_or_default())?;
                }
                Value::Object(_) if self.find(name).is_ok_and(|s| s.form == Form::Claim) => {
                    new.set_value(name, value)?;
                }
                Value::Object(members) => {
                    for (member, value) in members {
                        new.set_value(&format!("{name}.{member}"), value)?;
                    }
                }
                value => new.set_value(name, value)?,
            }
        }
        *self = new;
        Ok(())
    }

    fn set_value(&mut self, name: &str, value: &Value) -> Result<()> {
        match value {
            Value::String(text) => self.set(name, text),
            Value::Number(number) => self.set(name, &number.to_string()),
            Value::Bool(flag) => self.set(name, if *flag { "true" } else { "false" }),
            Value::Array(items) if items.iter().all(Value::is_string) => {
                let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                self.set(name, &words.join(" "))
            }
            Value::Object(_) | Value::Null if self.find(name)?.form == Form::Claim => {
                self.set(name, &value.to_string())
            }
            _ => {
                self.find(name)?;
                Err(Error::new(Status::INVALID_VALUE, format!("{name}: a text, number or flag is needed")))
            }
        }
    }

    /// The value that was given.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(|value| value.expose_secret())
    }

    /// The value, or its default; `None` where there is neither.
    pub fn text(&self, name: &str) -> Option<&str> {
        let default = || self.table.iter().find(|s| s.name == name).map(|s| s.default);
        self.given(name).or_else(default).filter(|value| !value.is_empty())
    }

    pub fn flag(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    /// A number; the table makes sure that it is one.
    pub fn number(&self, name: &str) -> u64 {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    /// Whether there is such a name.
    pub fn knows(&self, name: &str) -> bool {
        self.table.iter().any(|setting| setting.name == name)
    }

    /// The names whose values were given.
    pub fn names(&self) -> impl Iterator<Item = &str> + '_ {
        self.given.keys().map(AsRef::as_ref)
    }
}

/// Whether a name of the caller's own may stand in a message.
fn is_showable(name: &str) -> bool {
    name.len() <= LONGEST_NAME && !name.contains(char::is_control)
}

/// Why a value is not of a form; the value itself is never shown.
fn mismatch(form: Form, value: &str) -> Option<String> {
    let control = |allow_lines: bool| {
        let refused = |c: char| c.is_control() && !(allow_lines && matches!(c, '\n' | '\r' | '\t'));
        value.chars().any(refused).then(|| "control characters are not allowed".to_owned())
    };
    match form {
        Form::Claim if value.starts_with('{') => mismatch(Form::JsonObject, value),
        Form::Text | Form::Claim => control(false),
        Form::Lines | Form::PrivateKey => control(true),
        Form::Readable => unreadable(value).map(complaint),
        Form::ReadableLines => unreadable_in_lines(value).map(complaint),
        Form::Uris => value.split(' ').find_map(|uri| match url::Url::parse(uri) {
            Ok(url) if url.fragment().is_none() && !uri.contains(char::is_control) => None,
            Ok(_) => Some("must not have a fragment or control characters".to_owned()),
            Err(_) => Some("must be absolute URIs, separated by single spaces".to_owned()),
        }),
        Form::JsonObject => {
            json::object(value.as_bytes()).is_none().then(|| "must be a JSON object, no name twice".into())
        }
        Form::JsonTypedObjects => {
            let typed = |item: &Value| item.get("type").is_some_and(Value::is_string);
            let fits = |value: Value| {
                value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(typed))
            };
            (!json::value(value.as_bytes()).is_some_and(fits))
                .then(|| "must be a JSON array of objects, each with a text named type".into())
        }
        Form::Flag if !matches!(value, "true" | "false") => Some("must be true or false".into()),
        Form::Number(least, most) => {
            let digits = value.len() <= 20 && value.bytes().all(|b| b.is_ascii_digit());
            let number = value.parse::<i64>().ok().filter(|_| digits);
            (!number.is_some_and(|n| (least..=most).contains(&n)))
                .then(|| format!("must be a whole number from {least} to {most}"))
        }
        Form::Word(words) if !words.contains(&value) => Some(format!("must be one of: {}", words.join(", "))),
        // Whether http is allowed is known only when all settings are there.
        Form::Url => provider::endpoint("", value, true)
            .err()
            .filter(|_| provider::endpoint("", &value.replacen("http:", "https:", 1), false).is_err())
            .map(|e| e.message().trim_start_matches(": ").to_owned()),
        Form::Address => value.parse::<IpAddr>().is_err().then(|| "must be an IPv4 or IPv6 address".into()),
        Form::Flag | Form::Word(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_of_its_own_form() {
        for setting in SETTINGS.iter().chain(PARAMETERS).filter(|s| !s.default.is_empty()) {
            assert_eq!(mismatch(setting.form, setting.default), None, "{}", setting.name);
        }
    }

    #[test]
    fn a_key_stands_in_a_json_object_as_it_is() {
        let mut values = Values::new(SETTINGS, "setting", 1 << 20);
        values.set_json(r#"{"client_id": "me", "client_private_key": {"kty": "EC", "d": "x"}}"#).unwrap();
        assert_eq!(values.given("client_private_key"), Some(r#"{"kty": "EC", "d": "x"}"#));
        assert!(values.set_json(r#"{"client_secret": {"kty": "EC"}}"#).is_err(), "no other setting does");
    }

    #[test]
    fn an_unknown_name_is_an_error_that_names_the_nearest() {
        let mut values = Values::new(SETTINGS, "setting", 1 << 20);
        let error = values.set("client_secert", "planted").unwrap_err();
        assert_eq!(error.status(), Status::UNKNOWN_NAME);
        assert!(error.message().ends_with("the nearest is client_secret"), "{error}");
        assert!(!error.message().contains("planted"));
        for (name, meant) in [
            ("clientid", "client_id"),
            ("CLIENT_SECRET", "client_secret"),
            ("secret", "client_secret"),
            ("porxy", "proxy"),
        ] {
            let error = values.set(name, "x").unwrap_err();
            assert!(error.message().ends_with(&format!("the nearest is {meant}")), "{error}");
        }
        let error = values.set("zzz", "x").unwrap_err();
        assert!(error.message().ends_with("named \"zzz\""), "nothing is like it: {error}");
    }

    #[test]
    fn a_name_of_the_other_table_is_said_to_be_one() {
        let mut settings = Values::new(SETTINGS, "setting", 1 << 20);
        let error = settings.set("login_hint", "x").unwrap_err();
        assert_eq!(error.message(), "there is no setting named \"login_hint\"; it is a request parameter");
        let mut parameters = Values::new(PARAMETERS, "request parameter", 1 << 20);
        let error = parameters.set("client_id", "x").unwrap_err();
        assert_eq!(error.message(), "there is no request parameter named \"client_id\"; it is a setting");
    }

    #[test]
    fn json_that_cannot_be_read_is_an_error_that_says_where() {
        let mut values = Values::new(SETTINGS, "setting", 1 << 20);
        let good = "{\"client_id\": \"a\",\n \"client_secret\": \"planted\"}";
        values.set_json(good).unwrap();
        for (wrong, place) in [
            ("{\"client_id\": \"a\",\n \"client_secret\": planted}", ": line 2, column 19"),
            ("{\"client_id\": \"a\",\n \"client_id\": \"planted\"}", ": line 2, column 24"),
            ("[\"planted\"]", "twice in it"),
        ] {
            let error = values.set_json(wrong).unwrap_err();
            assert_eq!(error.status(), Status::INVALID_VALUE);
            assert!(error.message().ends_with(place), "{error}");
            assert!(!error.message().contains("planted"), "{error}");
        }
    }

    #[test]
    fn a_name_of_the_callers_own_is_bounded_and_garbles_no_message() {
        let mut values = Values::new(PARAMETERS, "parameter", 1 << 20);
        values.set("extra.a", "x").unwrap();
        for name in ["extra.a\u{1b}[31m", "extra.\n", &format!("extra.{}", "a".repeat(1 << 20))] {
            let error = values.set(name, "x").unwrap_err();
            assert_eq!(error.status(), Status::UNKNOWN_NAME, "{error}");
            assert!(error.message().len() < 200 && !error.message().contains(char::is_control), "{error}");
        }
    }

    #[test]
    fn a_value_of_another_form_is_refused_and_not_shown() {
        let mut values = Values::new(SETTINGS, "setting", 1 << 20);
        for (name, good, bad) in [
            ("client_id", "me", "m\ne"),
            ("issuer", "https://id.example", "ftp://id.example"),
            ("issuer", "http://127.0.0.1:80", "https://a b"),
            ("id_token_required", "false", "no"),
            ("poll_timeout_ms", "35000", "34999"),
            ("poll_timeout_ms", "600000", "+40000"),
            ("poll_timeout_ms", "600000", "99999999999999999999999"),
            ("token_endpoint_auth_method", "client_secret_post", "none"),
        ] {
            values.set(name, good).unwrap();
            let error = values.set(name, bad).unwrap_err();
            assert_eq!(error.status(), Status::INVALID_VALUE, "{name}");
            assert!(error.message().starts_with(name) && !error.message().contains(bad), "{error}");
            assert_eq!(values.given(name), Some(good), "a refused value changes nothing");
        }
    }

    #[test]
    fn a_json_object_sets_all_or_nothing() {
        let mut values = Values::new(PARAMETERS, "parameter", 1 << 16);
        values
            .set_json(r#"{"scope":["openid","mitid"],"requested_expiry":60,"login_hint_token":{"ip":"::1"}}"#)
            .unwrap();
        assert_eq!(values.given("scope"), Some("openid mitid"));
        assert_eq!(values.given("requested_expiry"), Some("60"));
        assert_eq!(values.given("login_hint_token.ip"), Some("::1"));
        for bad in
            [r#"{"scope":"x","nonsense":1}"#, r#"{"scope":"x","scope":"y"}"#, r#"{"scope":[1]}"#, "[]", "{"]
        {
            assert!(values.set_json(bad).is_err(), "{bad}");
        }
        assert_eq!(values.given("scope"), Some("openid mitid"));
    }
}
