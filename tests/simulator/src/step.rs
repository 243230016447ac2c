//! Steps that some providers have beside CIBA's own: before the start, or after it.

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::http::request::Parts;
use serde_json::{Value, json};

use crate::keys::{b64url, hex, random, sha256};
use crate::provider::{Provider, Reply, lock};

/// A step: its path behind the issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Before the start: `kurt_id` gives a hint and a message to compare.
    Prepare(&'static str),
    /// After it: the identifier of the request gives a link for the person.
    InitAuth(&'static str),
}

/// Two words that the app shows for a person.
fn words(id: &str) -> String {
    const FIRST: [&str; 4] = ["Frekk", "Blid", "Stille", "Rask"];
    const SECOND: [&str; 4] = ["julekos", "fjelltur", "kaffekopp", "sommerdag"];
    let hash = sha256(id.as_bytes());
    format!("{} {}", FIRST[usize::from(hash[0]) % 4], SECOND[usize::from(hash[1]) % 4])
}

/// The hint for a person: a JWT in form, with nothing that a client could make.
pub(crate) fn hint_of(id: &str) -> (String, String) {
    let message = words(id);
    let claims = json!({ "kurt_id": id, "binding_message": message }).to_string();
    let signed = format!("{}.{}", b64url(br#"{"alg":"HS256"}"#), b64url(claims.as_bytes()));
    (format!("{signed}.{}", b64url(&sha256(format!("prepared {signed}").as_bytes()))), message)
}

impl Provider {
    /// Wants Basic credentials and nothing else (TelenorID+ BankID).
    pub fn prepare(&self, request: &Parts, body: &Bytes) -> Result<Reply, (u16, &'static str)> {
        if !request.headers.contains_key(AUTHORIZATION) {
            return Err((401, "invalid_client"));
        }
        let (form, _) = self.form(request, body, 401)?;
        let id = form.get("kurt_id").ok_or((400, "invalid_request"))?;
        if form.names().count() > 1 {
            return Err((400, "invalid_request"));
        }
        let (hint, message) = hint_of(id);
        self.narrate(|| format!("[provider] {id} will see {message:?}"));
        let answer = json!({ "login_hint_token": hint, "binding_message": message });
        Ok(Reply::json(200, "prepared", answer.to_string()))
    }

    /// Wants JSON and no credentials (Signaturgruppen CIBA + PAR).
    pub fn init_auth(&self, request: &Parts, body: &Bytes) -> Result<Reply, (u16, &'static str)> {
        let refused = (400, "invalid_request");
        let is_json = request.headers.get(CONTENT_TYPE).is_some_and(|t| t == "application/json");
        let asked: Value = serde_json::from_slice(body).map_err(|_| refused)?;
        let id = asked["requestId"].as_str().filter(|_| is_json && request.method == Method::POST);
        let mut requests = lock(&self.requests);
        let found = requests.find(Some(id.ok_or(refused)?)).ok_or((400, "invalid_grant"))?;
        let uri = format!("urn:ietf:params:oauth:request_uri:{}", hex(&random::<32>()).to_uppercase());
        let link =
            format!("{}/connect/authorize?client_id={}&request_uri={uri}", self.issuer, found.client_id);
        let answer = json!({ "request_uri": uri, "expires_in": 600, "authentication_uri": link });
        Ok(Reply::json(200, "link", answer.to_string()))
    }
}
