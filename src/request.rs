//! What is asked: the authentication request (CIBA Core §7.1), checked before anything is sent.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::client_auth::ClientAuthentication;
use crate::error::{Error, Result, Status};
use crate::json::Members;
use crate::provider::Rules;
use crate::settings::{PARAMETERS, Values};
use crate::wire::Form;

/// The grant type of CIBA (CIBA Core §4).
pub const GRANT_TYPE: &str = "urn:openid:params:grant-type:ciba";

/// The claim whose value is compared to the letter; all others may differ in capitals.
pub(crate) const SUBJECT: &str = "sub";

/// What is asked of whom, by parameter name; [`crate::PARAMETERS`] lists the names.
///
/// Its `Debug` names the parameters that are set and shows no value.
#[derive(Clone)]
pub struct AuthenticationRequest {
    values: Values,
}

impl Default for AuthenticationRequest {
    fn default() -> AuthenticationRequest {
        AuthenticationRequest { values: Values::new(PARAMETERS, "request parameter") }
    }
}

impl fmt::Debug for AuthenticationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthenticationRequest ")?;
        f.debug_set().entries(self.values.names()).finish()
    }
}

/// A request that has passed every check.
pub(crate) struct Checked {
    /// What is sent, in its order.
    pub parameters: Vec<(String, SecretString)>,
    pub asked: Asked,
}

/// What the answers are held against: all that is kept of a request once it is sent.
pub(crate) struct Asked {
    pub scope: Cow<'static, str>,
    pub correlation: Box<str>,
    /// Claims that the ID Token must have, beside those that the provider's rules name.
    pub claims: Box<[(Cow<'static, str>, SecretString)]>,
    /// Values that a provider might echo in an error text, and that must not be shown: longer ones
    /// first, since one may be part of another.
    pub secrets: Box<[SecretString]>,
}

impl AuthenticationRequest {
    /// A request with nothing in it.
    pub fn new() -> AuthenticationRequest {
        AuthenticationRequest::default()
    }

    /// Sets a parameter; an empty text takes it back.
    ///
    /// Errors: `UNKNOWN_NAME`, `INVALID_VALUE`.
    pub fn set(&mut self, name: &str, value: &str) -> Result<&mut Self> {
        self.values.set(name, value)?;
        Ok(self)
    }

    /// Sets every parameter that a JSON object names: all of them or, on an error, none.
    ///
    /// Errors: `UNKNOWN_NAME`, `INVALID_VALUE`.
    pub fn set_json(&mut self, text: &str) -> Result<&mut Self> {
        self.values.set_json(text)?;
        Ok(self)
    }

    /// Checks the request against the protocol and the provider's rules.
    pub(crate) fn check(&self, rules: &Rules) -> Result<Checked> {
        let values = &self.values;
        let default_scope = if rules.default_scope.is_empty() { "openid" } else { rules.default_scope };
        let scope = values.text("scope").unwrap_or(default_scope);
        for needed in ["openid"].iter().chain(rules.required_scopes) {
            if !scope.split(' ').any(|word| word == *needed) {
                return refuse(format!("scope must contain {needed}"));
            }
        }

        let made = self.login_hint_token(rules)?;
        let mut hints = Vec::new();
        for name in ["login_hint", "login_hint_token", "id_token_hint"] {
            let given = values.given(name).map(SecretString::from);
            let made = made.as_ref().filter(|_| name == "login_hint_token").map(|m| m.0.clone());
            hints.extend(given.into_iter().chain(made).map(|hint| (name, hint)));
        }
        let [(hint_name, hint)] = <[_; 1]>::try_from(hints).or_else(|hints| {
            let names = rules.hints.join(", ");
            refuse(match hints.len() {
                0 => format!("a hint is missing: one of {names}"),
                _ => "more than one hint: exactly one may be given".into(),
            })
        })?;
        if !rules.hints.contains(&hint_name) {
            let names = rules.hints.join(", ");
            return refuse(format!("{hint_name} is not a hint that this provider takes: {names}"));
        }

        if let Some(seconds) = values.given("requested_expiry").and_then(|text| text.parse::<u64>().ok()) {
            let (least, most) = rules.requested_expiry;
            if !(least..=most).contains(&seconds) {
                return refuse(format!("requested_expiry must be from {least} to {most}"));
            }
        }

        let mut parameters = vec![(hint_name.to_owned(), hint.clone())];
        for name in ["acr_values", "binding_message", "user_code", "requested_expiry"] {
            if let Some(value) = values.given(name) {
                let sent = if name == "requested_expiry" { &rules.requested_expiry_parameter } else { name };
                parameters.push((sent.to_owned(), value.into()));
            }
        }

        let mut claims = match made {
            Some((_, expected)) => expected,
            None if hint_name == "login_hint_token" => expected_of_given(rules, hint.expose_secret()),
            None => Vec::new(),
        };
        if hint_name == "id_token_hint" {
            claims.extend(subject_of(hint.expose_secret()).map(|subject| (SUBJECT, subject)));
        }
        let asked = Asked {
            scope: match scope == default_scope {
                true => Cow::Borrowed(default_scope),
                false => Cow::Owned(scope.to_owned()),
            },
            correlation: values.given("correlation").unwrap_or_default().into(),
            claims: claims.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect(),
            secrets: self.secrets(&hint),
        };
        Ok(Checked { parameters, asked })
    }

    fn secrets(&self, hint: &SecretString) -> Box<[SecretString]> {
        const PUBLIC: &[&str] = &[
            "scope",
            "acr_values",
            "requested_expiry",
            "correlation",
            "login_hint_token_encoding",
            "login_hint_token.idp",
            "login_hint_token.action",
        ];
        let secret = self.values.names().filter(|name| !PUBLIC.contains(name));
        let values = secret.filter_map(|name| self.values.given(name)).chain([hint.expose_secret()]);
        // Shorter ones occur in any text.
        let mut values: Vec<&str> = values.filter(|value| value.len() > 3).collect();
        values.sort_by_key(|value| (Reverse(value.len()), *value));
        values.dedup();
        values.into_iter().map(SecretString::from).collect()
    }

    /// Makes the `login_hint_token` from its members, if any of them is given.
    #[allow(clippy::type_complexity)]
    fn login_hint_token(
        &self,
        rules: &Rules,
    ) -> Result<Option<(SecretString, Vec<(&'static str, SecretString)>)>> {
        let member = |name: &str| format!("login_hint_token.{name}");
        let Some(first) = self.values.names().find(|name| name.starts_with("login_hint_token.")) else {
            return Ok(None);
        };
        if rules.login_hint_token.is_empty() {
            return refuse(format!(
                "{first}: this provider has no login_hint_token that is made from members"
            ));
        }
        let mut members: Vec<String> = Vec::new(); // in the order of the provider's page
        let mut claims = Vec::new();
        let mut groups: Vec<&'static str> = Vec::new();
        for field in rules.login_hint_token {
            let given = self.values.given(&member(field.name)).unwrap_or(field.default);
            if given.is_empty() {
                if field.required {
                    return refuse(format!("{} is missing", member(field.name)));
                }
                continue;
            }
            if let Some(group) = field.group {
                if groups.contains(&group) {
                    return refuse(format!("login_hint_token: {group}, not both"));
                }
                groups.push(group);
            }
            if let Some(claim) = field.claim {
                claims.push((claim, given.into()));
            }
            members.push(format!("{}:{}", Value::from(field.name), Value::from(given)));
        }
        for group in rules.login_hint_token.iter().filter_map(|field| field.group) {
            if !groups.contains(&group) {
                return refuse(format!("login_hint_token: {group} is missing"));
            }
        }
        let mut text = format!("{{{}}}", members.join(","));
        if self.values.text("login_hint_token_encoding") == Some("base64") {
            text = STANDARD.encode(text);
        }
        Ok(Some((text.into(), claims)))
    }
}

/// What a `login_hint_token` that was given whole asks for. Its older shapes are no valid JSON, so
/// the members are looked for as text: `"uuid":"…"`.
fn expected_of_given(rules: &Rules, hint: &str) -> Vec<(&'static str, SecretString)> {
    let decoded = STANDARD.decode(hint).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = decoded.as_deref().unwrap_or(hint);
    let member = |name: &str| {
        let after = text.split_once(&format!("\"{name}\""))?.1.trim_start().strip_prefix(':')?;
        let (value, _) = after.trim_start().strip_prefix('"')?.split_once('"')?;
        (!value.is_empty() && !value.contains('\\')).then(|| SecretString::from(value))
    };
    let fields = rules.login_hint_token.iter();
    fields.filter_map(|field| Some((field.claim?, member(field.name)?))).collect()
}

/// The `sub` of an `id_token_hint`, which the caller has verified before; one that is encrypted to the
/// provider cannot be read here.
fn subject_of(id_token: &str) -> Option<SecretString> {
    let [_, payload, _] = <[&str; 3]>::try_from(id_token.split('.').collect::<Vec<_>>()).ok()?;
    let payload = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload).ok()?);
    Some(Members::parse(&payload)?.text("sub")?.into())
}

impl Asked {
    /// The form of the authentication request, and the `Authorization` header that goes with it.
    pub fn start_form(
        &self,
        parameters: &[(String, SecretString)],
        rules: &Rules,
        authentication: &ClientAuthentication,
    ) -> (Form, Option<SecretString>) {
        let mut form = Form::default();
        for (name, value) in rules.start_parameters {
            form.add(name, value);
        }
        form.add("scope", &self.scope);
        let authorization = authentication.apply(&mut form);
        for (name, value) in parameters {
            form.add(name, value.expose_secret());
        }
        (form, authorization)
    }

    /// The form of a token request (CIBA Core §10.1).
    pub fn poll_form(
        &self,
        rules: &Rules,
        authentication: &ClientAuthentication,
        auth_req_id: &SecretString,
    ) -> (Form, Option<SecretString>) {
        let mut form = Form::default();
        form.add("grant_type", GRANT_TYPE);
        if rules.poll_scope {
            form.add("scope", &self.scope);
        }
        let authorization = authentication.apply(&mut form);
        form.add("auth_req_id", auth_req_id.expose_secret());
        (form, authorization)
    }
}

fn refuse<T>(text: impl Into<String>) -> Result<T> {
    Err(Error::new(Status::INVALID_AUTHENTICATION_REQUEST, text))
}
