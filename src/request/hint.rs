//! Who is asked: the one hint of a request, given whole or made from members, and what the ID Token
//! must say because of it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{SUBJECT, refuse};
use crate::error::Result;
use crate::json::{self, Members, SecretObject};
use crate::provider::{HintField, Provider, Rules};
use crate::readable::{complaint, unreadable_in_lines};
use crate::settings::Values;

const HINTS: [&str; 3] = ["login_hint", "login_hint_token", "id_token_hint"];

/// A hint that has passed every check.
pub struct Hint {
    pub name: &'static str,
    pub value: SecretString,
    /// Claims that the ID Token must have.
    pub claims: Vec<(&'static str, SecretString)>,
}

impl Hint {
    /// The hint of a request; `None` where the provider makes it in its prepare step.
    pub fn of(values: &Values, provider: &Provider) -> Result<Option<Hint>> {
        let rules = &provider.rules;
        let mut hints = Vec::new();
        for name in HINTS {
            hints.extend(values.given(name).map(|hint| given(name, hint, rules)));
            hints.extend(made(name, values, provider).transpose());
        }
        if rules.prepare.is_some() {
            return match hints.is_empty() {
                true => Ok(None),
                false => {
                    refuse("a hint must not be given: the provider makes it from the prepare parameters")
                }
            };
        }
        let names = rules.hints.join(", ");
        let [hint] = <[_; 1]>::try_from(hints).or_else(|hints| {
            refuse(match hints.len() {
                0 if rules.hints.len() == 1 => format!("a hint is missing: {names}"),
                0 => format!("a hint is missing: one of {names}"),
                _ => "more than one hint: exactly one may be given".into(),
            })
        })?;
        let hint = hint?;
        if !rules.hints.contains(&hint.name) {
            return refuse(format!("{} is not a hint that this provider takes: {names}", hint.name));
        }
        Ok(Some(hint))
    }
}

/// Whether a hint has the provider's form.
fn check_form(name: &str, hint: &str, rules: &Rules) -> Result<()> {
    match rules.hint_rules.iter().find(|rule| rule.hint == name && !(rule.fits)(hint)) {
        Some(rule) => refuse(format!("{name} {}", rule.text)),
        None => Ok(()),
    }
}

/// A hint that was given whole: it is sent as it is.
fn given(name: &'static str, hint: &str, rules: &Rules) -> Result<Hint> {
    check_form(name, hint, rules)?;
    let fields = fields(name, rules);
    let claims = match name {
        "id_token_hint" => subject_of(hint).map(|subject| (SUBJECT, subject)).into_iter().collect(),
        _ => expected_of_given(fields, hint)?,
    };
    Ok(Hint { name, value: hint.into(), claims })
}

fn fields(hint: &str, rules: &Rules) -> &'static [HintField] {
    match hint {
        "login_hint" => rules.login_hint,
        "login_hint_token" => rules.login_hint_token,
        _ => &[],
    }
}

/// Makes a hint from its members, if any of them is given.
fn made(name: &'static str, values: &Values, provider: &Provider) -> Result<Option<Hint>> {
    let prefix = format!("{name}.");
    let Some(first) = values.names().find(|name| name.starts_with(&prefix)) else { return Ok(None) };
    let fields = fields(name, &provider.rules);
    let is_known = |name: &&str| fields.iter().any(|field| name.strip_prefix(&prefix) == Some(field.name));
    if fields.is_empty() {
        return refuse(format!("{first}: this provider has no {name} that is made from members"));
    }
    let mut names = values.names().filter(|name| name.starts_with(&prefix));
    if let Some(unknown) = names.find(|name| !is_known(name)) {
        return refuse(format!("{unknown} is no member that this provider knows"));
    }
    let mut members: Vec<String> = Vec::new(); // in the order of the provider's page
    let mut claims = Vec::new();
    let mut groups: Vec<&'static str> = Vec::new();
    for field in fields {
        let default = if field.default == "{issuer}" { &provider.issuer } else { field.default };
        let given = values.given(&format!("{prefix}{}", field.name)).unwrap_or(default);
        if given.is_empty() {
            if field.required {
                return refuse(format!("{prefix}{} is missing", field.name));
            }
            continue;
        }
        if let Some(group) = field.group {
            if groups.contains(&group) {
                return refuse(format!("{name}: {group}, not both"));
            }
            groups.push(group);
        }
        if let Some(claim) = field.claim {
            claims.push((claim, given.into()));
        }
        members.push(format!("{}:{}", Value::from(field.name), Value::from(given)));
    }
    for group in fields.iter().filter_map(|field| field.group) {
        if !groups.contains(&group) {
            return refuse(format!("{name}: {group} is missing"));
        }
    }
    let mut text = format!("{{{}}}", members.join(","));
    if name == "login_hint_token" && values.text("login_hint_token_encoding") == Some("base64") {
        text = STANDARD.encode(text);
    }
    check_form(name, &text, &provider.rules)?;
    Ok(Some(Hint { name, value: text.into(), claims }))
}

/// What a hint that was given whole asks for. Signaturgruppen's older shapes are no valid JSON, so in one that
/// has no such member the members are looked for as text: `"uuid":"…"`.
fn expected_of_given(fields: &[HintField], hint: &str) -> Result<Vec<(&'static str, SecretString)>> {
    if fields.is_empty() {
        return Ok(Vec::new());
    }
    let decoded =
        STANDARD.decode(hint).ok().and_then(|bytes| String::from_utf8(bytes).ok()).map(Zeroizing::new);
    let text = decoded.as_ref().map_or(hint, |decoded| decoded.as_str());
    // What a person reads may be written with escapes.
    let object = json::object(text.as_bytes()).map(SecretObject).unwrap_or_default();
    let mut texts = object.0.values().filter_map(Value::as_str).chain([text]);
    if let Some(c) = texts.find_map(unreadable_in_lines) {
        return refuse(format!("the hint: {}", complaint(c)));
    }
    let written = |name: &str| {
        let quoted = format!("\"{name}\"");
        let mut behind = text.match_indices(&quoted).filter_map(|(at, _)| text.get(at + quoted.len()..));
        let value = behind.find_map(|text| text.trim_start().strip_prefix(':'))?;
        let (value, _) = value.trim_start().strip_prefix('"')?.split_once('"')?;
        (!value.contains('\\')).then_some(value)
    };
    let member = |name: &str| {
        let value = object.0.get(name).and_then(Value::as_str).or_else(|| written(name))?;
        (!value.is_empty()).then(|| SecretString::from(value))
    };
    Ok(fields.iter().filter_map(|field| Some((field.claim?, member(field.name)?))).collect())
}

/// The `sub` of an `id_token_hint`, which the caller has verified before; one that is encrypted to the
/// provider cannot be read here.
fn subject_of(id_token: &str) -> Option<SecretString> {
    let [_, payload, _] = <[&str; 3]>::try_from(id_token.split('.').collect::<Vec<_>>()).ok()?;
    let payload = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload).ok()?);
    Some(Members::parse(&payload)?.text("sub")?.into())
}

/// Whether an echo of this hint is an echo of one of its members, as the caller gave them.
pub fn echoes_members(values: &Values, hint: &Hint, is_telling: fn(&str) -> bool) -> bool {
    let prefix = format!("{}.", hint.name);
    let members = values.names().filter(|name| name.starts_with(&prefix));
    let mut given = members.filter_map(|name| values.given(name)).peekable();
    let hint = hint.value.expose_secret();
    given.peek().is_some() && given.all(|value| is_telling(value) && hint.contains(value))
}
