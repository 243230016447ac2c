//! How clients prove themselves, and what they sign.

use std::borrow::Cow;
use std::collections::HashMap;

use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use serde_json::Value;

use crate::client::Client;
use crate::form::{Form, basic};
use crate::jwt::Jwt;
use crate::mtls::Peer;
use crate::provider::{Provider, lock};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// What may stand beside a signed request.
const BESIDE_A_REQUEST: [&str; 5] =
    ["client_id", "client_secret", "client_assertion", "client_assertion_type", "request"];
/// Claims of a signed request that are no parameters.
const NO_PARAMETERS: [&str; 7] = ["iss", "aud", "exp", "iat", "nbf", "jti", "client_id"];
/// The longest life of a JWT, in seconds.
const LONGEST_LIFE_S: i64 = 3600;

/// Identifiers of JWTs that were used, by client, with the time until which they are remembered.
pub(crate) type Used = HashMap<(String, String), i64>;

/// Why a client is refused.
pub(crate) enum Refused {
    /// Not known, or not proved.
    Unknown,
    /// Proved in two ways, or contradicting itself.
    Ambiguous,
}

impl Provider {
    /// The client that has proved itself, in the one way that it is registered with.
    pub fn authenticated(&self, request: &Parts, form: &Form<'_>) -> Result<&Client, Refused> {
        let mut headers = request.headers.get_all(AUTHORIZATION).iter();
        let header = headers.next();
        let (secret, assertion) = (form.get("client_secret"), form.get("client_assertion"));
        let ways = [header.is_some(), secret.is_some(), assertion.is_some(), headers.next().is_some()];
        if ways.iter().filter(|way| **way).count() > 1 {
            return Err(Refused::Ambiguous);
        }
        let (client, method) = match (header, secret, assertion) {
            (Some(value), ..) => {
                let (id, secret) = basic(value.as_bytes()).ok_or(Refused::Unknown)?;
                (self.with_secret(&id, &secret)?, "client_secret_basic")
            }
            (_, Some(secret), _) => {
                let id = form.get("client_id").ok_or(Refused::Unknown)?;
                (self.with_secret(id, secret)?, "client_secret_post")
            }
            (.., Some(assertion)) => {
                let typ = form.get("client_assertion_type");
                if typ != Some(ASSERTION_TYPE) {
                    return Err(Refused::Unknown);
                }
                self.with_assertion(assertion).ok_or(Refused::Unknown)?
            }
            (None, None, None) => {
                let id = form.get("client_id").ok_or(Refused::Unknown)?;
                self.with_certificate(id, &Peer::of(request)).ok_or(Refused::Unknown)?
            }
        };
        if form.get("client_id").is_some_and(|other| other != client.id) {
            return Err(Refused::Ambiguous);
        }
        match client.token_endpoint_auth_method.as_deref() {
            None if method.starts_with("client_secret_") => Ok(client),
            Some(registered) if registered == method => Ok(client),
            _ => Err(Refused::Unknown),
        }
    }

    fn with_secret(&self, id: &str, secret: &str) -> Result<&Client, Refused> {
        let known = |c: &&Client| c.id == id && c.secret == secret && !secret.is_empty();
        self.clients.iter().find(known).ok_or(Refused::Unknown)
    }

    /// Checks a certificate (RFC 8705 §2).
    fn with_certificate(&self, id: &str, peer: &Peer) -> Option<(&Client, &str)> {
        let client = self.clients.iter().find(|client| client.id == id)?;
        let method = client.token_endpoint_auth_method.as_deref()?;
        let good = peer.is(client, method, &*self.mtls.as_ref()?.verifier);
        good.then_some((client, method))
    }

    /// Checks a client assertion (RFC 7523 §3, CIBA Core §7.1).
    fn with_assertion(&self, text: &str) -> Option<(&Client, &'static str)> {
        let jwt = Jwt::parse(text)?;
        let id = jwt.text("iss")?;
        let client = self.clients.iter().find(|client| client.id == id)?;
        let method = client.token_endpoint_auth_method.as_deref()?;
        let alg = jwt.header.get("alg")?.as_str()?;
        let method = match (method, alg.starts_with("HS")) {
            ("client_secret_jwt", true) => "client_secret_jwt",
            ("private_key_jwt", false) => "private_key_jwt",
            _ => return None,
        };
        let registered = client.token_endpoint_auth_signing_alg.as_deref().unwrap_or(alg);
        let p = &self.config.personality;
        let endpoints = ["", p.token, p.start].map(|path| format!("{}{path}", self.issuer));
        let good = jwt.is_signed_by(client, registered)
            && jwt.has_type(&["JWT", "client-authentication+jwt"])
            && jwt.text("sub") == Some(id)
            && endpoints.iter().any(|audience| jwt.is_for(audience))
            && self.is_of_now_and_new(client, &jwt, &[]);
        good.then_some((client, method))
    }

    /// The parameters of a signed request (CIBA Core §7.1.1); the form itself where there is none.
    pub fn asked<'a>(&self, client: &Client, form: Form<'a>) -> Option<Form<'a>> {
        let registered = client.backchannel_authentication_request_signing_alg.as_deref();
        let Some(alg) = registered else {
            return form.get("request").is_none().then_some(form);
        };
        let text = form.get("request")?;
        if form.names().any(|name| !BESIDE_A_REQUEST.contains(&name)) {
            return None;
        }
        let jwt = Jwt::parse(text)?;
        let good = jwt.is_signed_by(client, alg)
            && jwt.has_type(&["JWT", "oauth-authz-req+jwt"])
            && jwt.text("iss") == Some(&client.id)
            && jwt.claims.get("client_id").is_none_or(|id| id == client.id.as_str())
            && jwt.is_for(&self.issuer)
            && self.is_of_now_and_new(client, &jwt, &["iat", "nbf"]);
        if !good {
            return None;
        }
        let parameters = jwt.claims.iter().filter(|(name, _)| !NO_PARAMETERS.contains(&name.as_str()));
        let parameters = parameters.map(|(name, value)| {
            let text = match (name.as_str(), value) {
                ("sub" | "request" | "request_uri", _) => return None,
                ("request_context" | "claims", Value::Object(_)) => value.to_string(),
                ("authorization_details" | "resource", Value::Array(_)) => value.to_string(),
                ("request_context" | "claims" | "authorization_details", _) => return None,
                ("requested_expiry", Value::Number(number)) => number.to_string(),
                (_, Value::String(text)) => text.clone(),
                _ => return None,
            };
            Some((Cow::from(name.clone()), Cow::from(text)))
        });
        parameters.collect::<Option<Vec<_>>>().map(Form::of)
    }

    /// Whether a JWT is of this time and no JWT of this client had its `jti`; `required`: claims that
    /// must be there beside `exp` and `jti`.
    fn is_of_now_and_new(&self, client: &Client, jwt: &Jwt<'_>, required: &[&str]) -> bool {
        let now = self.config.time.unix_ms().div_euclid(1000);
        let since = |claim: &str| match jwt.claims.get(claim) {
            None => (!required.contains(&claim)).then_some(now),
            Some(_) => jwt.number(claim).filter(|at| (now - LONGEST_LIFE_S..=now).contains(at)),
        };
        let (Some(_), Some(not_before)) = (since("iat"), since("nbf")) else { return false };
        let Some(until) = jwt.number("exp") else { return false };
        let (Some(jti), true) = (jwt.text("jti"), until > now && until - not_before <= LONGEST_LIFE_S) else {
            return false;
        };
        let mut used = lock(&self.used);
        used.retain(|_, until| *until > now);
        used.insert((client.id.clone(), jti.to_owned()), until).is_none()
    }
}
