//! What is asked: the authentication request (CIBA Core §7.1), checked before anything is sent.

mod expected;
mod extra;
mod hint;

use std::collections::BTreeSet;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::client_auth::ClientAuthentication;
use crate::error::{Error, Result, Status};
use crate::notification;
use crate::provider::{Provider, Rules};
use crate::settings::{self, PARAMETERS, RESOURCE, Values};
use crate::signed_request::RequestSigning;
use crate::texts::Texts;
use crate::tokens::Decryption;
use crate::wire::Form;
use hint::Hint;

/// The grant type of CIBA (CIBA Core §4).
pub const GRANT_TYPE: &str = "urn:openid:params:grant-type:ciba";

/// No parameter is larger.
const MOST_VALUE_BYTES: usize = 64 * 1024;

/// The claim that says who the person is.
const SUBJECT: &str = "sub";

/// What is asked of whom, by parameter name; [`crate::PARAMETERS`] lists the names.
///
/// Its `Debug` names the parameters that are set and shows no value.
#[derive(Clone)]
pub struct AuthenticationRequest {
    values: Values,
}

impl Default for AuthenticationRequest {
    fn default() -> AuthenticationRequest {
        AuthenticationRequest { values: Values::new(PARAMETERS, "request parameter", MOST_VALUE_BYTES) }
    }
}

impl fmt::Debug for AuthenticationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthenticationRequest ")?;
        f.debug_set().entries(self.values.names()).finish()
    }
}

/// The person's secret code, which nobody keeps once it is sent (CIBA Core §7.1.2).
pub(crate) const USER_CODE: &str = "user_code";

/// What is sent beside scope and hint as it is given, in this order.
const SENT: &[&str] = &[
    "acr_values",
    "binding_message",
    USER_CODE,
    "requested_expiry",
    RESOURCE,
    "authorization_details",
    "claims",
    "request_context",
];
/// A request that has passed every check.
pub(crate) struct Checked {
    pub to_send: ToSend,
    pub asked: Asked,
    /// What the person compares, where it is known by now.
    pub binding_message: Option<SecretString>,
}

/// What is sent and then forgotten. Each in its order; `resource` is all of them, separated by spaces.
#[derive(Default)]
pub(crate) struct ToSend {
    pub parameters: Vec<(String, SecretString)>,
    pub prepare: Vec<(String, SecretString)>,
    pub init_auth: Vec<(String, SecretString)>,
}

impl ToSend {
    /// What the answer to the start must not be shown with either, although no flow keeps it.
    pub fn not_kept(&self) -> Vec<SecretString> {
        let not_kept = |name: &str| matches!(name, USER_CODE | "login_hint_token" | notification::PARAMETER);
        let parameters = self.parameters.iter().filter(|(name, _)| not_kept(name));
        parameters.map(|(_, value)| value.clone()).collect()
    }
}

/// What the answers are held against: all that is kept of a request once it is sent.
///
/// The scope, where it is not the default one; the correlation; how many claims there are, and their names
/// and values; then further values.
pub(crate) struct Asked(Texts);

/// Where the claims begin.
const CLAIMS: usize = 3;

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

    /// Sets a new short code as `binding_message`, by the provider's rule for this request.
    pub(crate) fn set_binding_code_by(&mut self, rules: &Rules) -> Result<String> {
        let acr_values = self.values.given("acr_values").unwrap_or_default();
        let code = rules.binding_message(acr_values).code()?;
        self.values.set("binding_message", &code)?;
        Ok(code)
    }

    /// The same with the signed form of an `id_token_hint` that is encrypted to this client (CIBA Core §7.1);
    /// `None`: there is no such hint. One that is encrypted to the provider is sent as it is.
    pub(crate) fn with_signed_hint(&self, decryption: &Decryption) -> Option<AuthenticationRequest> {
        let signed = decryption.open(self.values.given("id_token_hint")?).ok()?;
        let mut request = self.clone();
        request.values.set("id_token_hint", signed.expose_secret()).ok()?;
        Some(request)
    }

    /// Checks the request against the protocol and the provider's rules.
    pub(crate) fn check(&self, provider: &Provider) -> Result<Checked> {
        let (values, rules) = (&self.values, &provider.rules);
        let scope = values.text("scope").unwrap_or(default_scope(rules));
        for needed in ["openid"].iter().chain(rules.required_scopes) {
            if !scope.split(' ').any(|word| word == *needed) {
                return refuse(format!("scope must contain {needed}"));
            }
        }
        let hint = Hint::of(values, provider)?;
        self.check_parameters(rules)?;

        let mut parameters = Vec::new();
        parameters.extend(hint.as_ref().map(|hint| (hint.name.to_owned(), hint.value.clone())));
        for name in SENT {
            if let Some(value) = values.given(name) {
                let sent =
                    if *name == "requested_expiry" { &rules.requested_expiry_parameter } else { *name };
                parameters.push((sent.to_owned(), value.into()));
            }
        }
        for (name, value) in self.members("extra.") {
            extra::check(name)?;
            parameters.push((name.to_owned(), value.into()));
        }
        let prepare = rules.prepare.map_or(&[][..], |prepare| prepare.parameters);
        let init_auth = rules.init_auth.map_or(&[][..], |init_auth| init_auth.parameters);
        let to_send = ToSend {
            parameters,
            prepare: self.step("prepare.", prepare, provider)?,
            init_auth: self.step("init_auth.", init_auth, provider)?,
        };
        if let Some(missing) = prepare.iter().find(|name| !to_send.prepare.iter().any(|(n, _)| n == *name)) {
            return refuse(format!("prepare.{missing} is missing"));
        }

        let claims = self.expected(hint.as_ref())?;
        let correlation = values.given("correlation").unwrap_or_default();
        let asked = Asked::new(rules, scope, correlation, &claims, &self.secrets(hint.as_ref()));
        let binding_message = values.given("binding_message").map(SecretString::from);
        Ok(Checked { to_send, asked, binding_message })
    }

    /// Checks parameters that the provider has rules for.
    fn check_parameters(&self, rules: &Rules) -> Result<()> {
        let values = &self.values;
        for (name, why) in rules.required_parameters {
            if values.given(name).is_none() {
                return refuse(format!("{name} is missing: {why}"));
            }
        }
        for (name, why) in rules.refused_parameters {
            if values.given(name).is_some() {
                return refuse(format!("{name} must not be given: {why}"));
            }
        }
        let acr_values = values.given("acr_values").unwrap_or_default();
        rules.binding_message(acr_values).check(values.given("binding_message"))?;
        let context = ["binding_message", "authorization_details"];
        if rules.authorization_context && !context.iter().any(|name| values.given(name).is_some()) {
            return refuse(
                "binding_message is missing: FAPI-CIBA asks for one, or for authorization_details, so that the \
                 person can tell what is approved",
            );
        }
        if values.given("user_code").is_some() && !rules.user_code {
            return refuse(
                "user_code needs the setting backchannel_user_code_parameter: both sides must be agreed on it",
            );
        }
        let seconds = values.given("requested_expiry").and_then(|text| text.parse::<u64>().ok());
        let (least, most) = rules.requested_expiry;
        if seconds.is_some_and(|seconds| !(least..=most).contains(&seconds)) {
            return refuse(format!("requested_expiry must be from {least} to {most}"));
        }
        Ok(())
    }

    /// The parameters whose names begin so, without that, and their values.
    fn members<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let names = self.values.names().filter_map(move |name| Some((name.strip_prefix(prefix)?, name)));
        names.filter_map(|(member, name)| Some((member, self.values.given(name)?)))
    }

    /// The parameters of a step that the provider has beside CIBA's own.
    fn step(&self, prefix: &str, known: &[&str], provider: &Provider) -> Result<Vec<(String, SecretString)>> {
        let is_url = |name: &str| PARAMETERS.iter().any(|p| p.name == name && p.form == settings::Form::Url);
        let mut parameters = Vec::new();
        for (name, value) in self.members(prefix) {
            if !known.contains(&name) {
                return refuse(format!("{prefix}{name}: this provider has no such step"));
            }
            let full = format!("{prefix}{name}");
            if let Some(error) = is_url(&full).then(|| provider.endpoint(&full, value).err()).flatten() {
                return refuse(error.message());
            }
            parameters.push((name.to_owned(), value.into()));
        }
        Ok(parameters)
    }

    /// Values that a provider might echo in an error text. Not `user_code`: it is not kept.
    fn secrets<'a>(&'a self, hint: Option<&'a Hint>) -> Vec<&'a str> {
        const PUBLIC: &[&str] = &[
            "scope",
            "acr_values",
            "requested_expiry",
            "correlation",
            "login_hint_token_encoding",
            "login_hint_token.idp",
            "login_hint_token.action",
            "resource",
            USER_CODE,
        ];
        let is_json = |name: &str| PARAMETERS.iter().any(|p| p.name == name && p.form.is_json());
        let is_public = |name: &str| PUBLIC.contains(&name) || expected::is_public(name);
        let secret = self.values.names().filter(|name| !is_public(name) && !is_json(name));
        let mut values: Vec<&str> = secret.filter_map(|name| self.values.given(name)).collect();
        let hint = hint.filter(|hint| !hint::echoes_members(&self.values, hint, is_telling));
        values.extend(hint.map(|hint| hint.value.expose_secret()));
        values.retain(|value| is_telling(value));
        values
    }
}

/// The scope that is asked for where the caller gives none.
fn default_scope(rules: &Rules) -> &'static str {
    if rules.default_scope.is_empty() { "openid" } else { rules.default_scope }
}

impl Asked {
    /// `secrets`: what must not be shown, beside the values of the claims.
    pub fn new(
        rules: &Rules,
        scope: &str,
        correlation: &str,
        claims: &[(&str, &str)],
        secrets: &[&str],
    ) -> Asked {
        let (scope, count) =
            (if scope == default_scope(rules) { "" } else { scope }, claims.len().to_string());
        let mut texts = vec![scope, correlation, &count];
        texts.extend(claims.iter().flat_map(|(name, value)| [*name, *value]));
        let is_claim = |secret: &&str| claims.iter().any(|(_, value)| value == secret);
        let further: BTreeSet<&str> = secrets.iter().copied().filter(|secret| !is_claim(secret)).collect();
        texts.extend(further);
        Asked(Texts::new(&texts))
    }

    pub fn scope<'a>(&'a self, rules: &Rules) -> &'a str {
        self.0.iter().next().filter(|scope| !scope.is_empty()).unwrap_or(default_scope(rules))
    }

    /// The caller's own text, which stands in every log event.
    pub fn correlation(&self) -> &str {
        self.0.iter().nth(1).unwrap_or_default()
    }

    fn claim_count(&self) -> usize {
        self.0.iter().nth(CLAIMS - 1).and_then(|count| count.parse().ok()).unwrap_or_default()
    }

    /// Claims that the ID Token must have, beside those that the provider's rules name; those that the
    /// caller expects under their parameters' names.
    pub fn claims(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut texts = self.0.iter().skip(CLAIMS);
        std::iter::from_fn(move || Some((texts.next()?, texts.next()?))).take(self.claim_count())
    }

    /// Values that a provider might echo in an error text, and that must not be shown.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let claims = self.claims().filter(|(name, value)| !expected::is_public(name) && is_telling(value));
        let claims = claims.map(|(_, value)| value);
        claims.chain(self.0.iter().skip(CLAIMS + 2 * self.claim_count()))
    }

    /// The form of the authentication request, and the `Authorization` header that goes with it.
    pub fn start_form(
        &self,
        parameters: &[(String, SecretString)],
        rules: &Rules,
        authentication: &ClientAuthentication,
        signing: Option<&RequestSigning>,
        endpoint: &Url,
        unix_ms: i64,
    ) -> Result<(Form, Option<SecretString>)> {
        let mut form = Form::default();
        let scope = [("scope", self.scope(rules))];
        let parameters = parameters.iter().map(|(name, value)| (name.as_str(), value.expose_secret()));
        let Some(signing) = signing else {
            let first = rules.start_parameters.iter().copied().chain(scope);
            first.for_each(|(name, value)| form.add(name, value));
            let authorization = authentication.apply(&mut form, endpoint, unix_ms)?;
            for (name, value) in parameters {
                match name {
                    RESOURCE => value.split(' ').for_each(|uri| form.append(name, uri)),
                    _ => form.add(name, value),
                }
            }
            return Ok((form, authorization));
        };
        // The grant type asks for nothing: no provider has it in a signed request.
        let first = rules.start_parameters.iter().copied().filter(|(name, _)| *name != "grant_type");
        let inside: Vec<(&str, &str)> = first.chain(scope).chain(parameters).collect();
        let request = signing.request(&authentication.client_id, endpoint, &inside, unix_ms)?;
        let authorization = authentication.apply(&mut form, endpoint, unix_ms)?;
        form.add_jwt("request", request); // and nothing else
        Ok((form, authorization))
    }

    /// The form of a token request (CIBA Core §10.1).
    pub fn poll_form(
        &self,
        rules: &Rules,
        authentication: &ClientAuthentication,
        auth_req_id: &SecretString,
        endpoint: &Url,
        unix_ms: i64,
    ) -> Result<(Form, Option<SecretString>)> {
        let mut form = Form::default();
        form.add("grant_type", GRANT_TYPE);
        if rules.poll_scope {
            form.add("scope", self.scope(rules));
        }
        let authorization = authentication.apply(&mut form, endpoint, unix_ms)?;
        form.add("auth_req_id", auth_req_id.expose_secret());
        Ok((form, authorization))
    }
}

/// Shorter texts occur in any other.
fn is_telling(value: &str) -> bool {
    value.len() > 3
}

fn refuse<T>(text: impl Into<String>) -> Result<T> {
    Err(Error::new(Status::INVALID_AUTHENTICATION_REQUEST, text))
}

#[cfg(test)]
mod tests;
