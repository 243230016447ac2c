//! A plain client: one HTTP exchange per call, and no opinion.

#![allow(dead_code)]

use ciba_sim::{Config, Personality, Simulator};
use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::Value;

pub const GRANT: &str = "urn:openid:params:grant-type:ciba";
pub const UUID: &str = "8a9856e0-f12d-4217-b320-c8a076be9320";

/// A simulator, and a client that talks to it.
pub struct Pair {
    pub sim: Simulator,
    pub http: Client,
    start: String,
    token: String,
}

pub type Form<'a> = Vec<(&'a str, &'a str)>;

pub fn client(ca_pem: Option<&str>) -> Client {
    let provider = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider();
    let _ = provider.install_default();
    let mut certs = Vec::new();
    if let Some(pem) = ca_pem {
        certs.push(reqwest::Certificate::from_pem(pem.as_bytes()).unwrap());
    }
    Client::builder()
        .tls_certs_only(certs)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(std::time::Duration::from_secs(5))
        .build()
        .unwrap()
}

pub fn pair(config: Config) -> Pair {
    let Personality { start, token, .. } = config.personality;
    let sim = Simulator::start(config);
    Pair {
        http: client(sim.ca_pem()),
        start: format!("{}{start}", sim.issuer()),
        token: format!("{}{token}", sim.issuer()),
        sim,
    }
}

/// The `login_hint_token` of the broker, with this text on the phone.
pub fn mitid(text: &str) -> String {
    format!(r#"{{"idp":"mitid","uuid":"{UUID}","referenceTextBody":"{text}","ip":"1.1.1.1"}}"#)
}

impl Pair {
    pub fn get(&self, path: &str) -> (u16, Value) {
        read(self.http.get(format!("{}{path}", self.sim.issuer())))
    }

    pub fn start_url(&self) -> &str {
        &self.start
    }

    pub fn token_url(&self) -> &str {
        &self.token
    }

    /// Sends a start with these parameters beside the credentials.
    pub fn start(&self, form: &Form<'_>) -> (u16, Value) {
        read(self.http.post(&self.start).form(&self.with_credentials(form)))
    }

    /// Starts, and returns the identifier.
    pub fn started(&self, form: &Form<'_>) -> String {
        let (status, ack) = self.start(form);
        assert_eq!(status, 200, "{ack}");
        ack["auth_req_id"].as_str().unwrap().to_owned()
    }

    pub fn poll_request(&self, id: &str) -> RequestBuilder {
        let form = vec![("grant_type", GRANT), ("auth_req_id", id)];
        self.http.post(&self.token).form(&self.with_credentials(&form))
    }

    pub fn poll(&self, id: &str) -> (u16, Value) {
        read(self.poll_request(id))
    }

    /// Polls, and returns the error code.
    pub fn poll_error(&self, id: &str) -> String {
        let (status, body) = self.poll(id);
        assert_eq!(status, 400, "{body}");
        body["error"].as_str().unwrap().to_owned()
    }

    pub fn with_credentials<'a>(&'a self, form: &Form<'a>) -> Form<'a> {
        let mut all = form.clone();
        all.push(("client_id", self.sim.client_id()));
        all.push(("client_secret", self.sim.client_secret()));
        all
    }
}

pub fn read(request: RequestBuilder) -> (u16, Value) {
    body(request.send().unwrap())
}

pub fn body(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
