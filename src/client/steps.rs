//! Steps that some providers have beside CIBA's own, and what a person is shown because of them.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::connection::Connection;
use super::flow::FlowShared;
use super::inner::Inner;
use crate::answer::Acknowledgement;
use crate::error::{Error, Result, Status};
use crate::log::Level;
use crate::readable::{complaint, unreadable};
use crate::request::ToSend;
use crate::wire::{Body, Form, Kind, Request};

/// What a person is shown, or told, while the flow is under way.
#[derive(Default)]
pub(super) struct Shown {
    pub binding_message: Option<SecretString>,
    pub authentication_uri: Option<SecretString>,
}

impl Shown {
    pub fn is_empty(&self) -> bool {
        self.binding_message.is_none() && self.authentication_uri.is_none()
    }
}

impl Inner {
    /// Keeps what has become known. What was there stays: it may have been shown.
    pub fn show(&mut self, binding_message: Option<SecretString>, authentication_uri: Option<SecretString>) {
        if binding_message.is_some() || authentication_uri.is_some() {
            let shown = self.shown_mut();
            shown.binding_message = shown.binding_message.take().or(binding_message);
            shown.authentication_uri = shown.authentication_uri.take().or(authentication_uri);
        }
    }
}

impl FlowShared {
    /// Has the provider make the hint and the `binding_message`, where it does. The person is not asked yet.
    pub(super) async fn prepare(&self, connection: &Connection, to_send: &mut ToSend) -> Result<()> {
        let provider = &self.client.provider;
        if provider.rules.prepare.is_none() {
            return Ok(());
        }
        let url = provider.endpoints.prepare.clone().ok_or_else(|| missing("prepare_endpoint"))?;
        let mut form = Form::default();
        for (name, value) in &to_send.prepare {
            form.add(name, value.expose_secret());
        }
        let authorization = self.client.authentication.basic(provider.rules.basic_form_encoded);
        let request =
            Request { authorization, body: Some(Body::Form(form)), ..Request::new(Kind::Prepare, url) };
        let exchanged = connection.http.exchange(&self.engine, request, &Arc::default()).await;
        let secrets = || self.secrets();
        let answer = self.reader(&secrets).step(exchanged.result, ["login_hint_token", "binding_message"]);
        let [hint, message] = answer.map_err(|error| at("prepare_endpoint", error))?;
        if let Some(c) = unreadable(&message) {
            let text = format!("the provider's binding_message cannot be shown: {}", complaint(c));
            return Err(at("prepare_endpoint", Error::new(Status::MALFORMED_ANSWER, text)));
        }
        let message = SecretString::from(message);
        to_send.parameters.insert(0, ("login_hint_token".into(), hint.into()));
        to_send.parameters.push(("binding_message".into(), message.clone()));

        // It can be told to the person before the phone rings.
        let mut inner = self.lock();
        inner.show(Some(message), None);
        inner.changed = true;
        drop(inner);
        self.event(Level::Info, "start.prepared", String::new);
        self.unlock(self.lock());
        Ok(())
    }

    /// Fetches the link for the person, where the provider asks the person in a browser.
    pub(super) async fn init_auth(
        &self,
        connection: &Connection,
        to_send: &ToSend,
        acknowledgement: &mut Acknowledgement,
    ) -> Result<()> {
        let provider = &self.client.provider;
        let Some(rule) = provider.rules.init_auth else { return Ok(()) };
        let url = provider.endpoints.init_auth.clone().ok_or_else(|| missing("init_auth_endpoint"))?;
        let auth_req_id = acknowledgement.auth_req_id.clone();
        let mut members = Form::default();
        members.add(rule.request_id, auth_req_id.expose_secret());
        for (name, value) in &to_send.init_auth {
            members.add(name, value.expose_secret());
        }
        let request = Request { body: Some(Body::Json(members)), ..Request::new(Kind::InitAuth, url) };
        let exchanged = connection.http.exchange(&self.engine, request, &Arc::default()).await;
        let secrets = || [self.secrets(), vec![auth_req_id.clone()]].concat();
        let answer = self.reader(&secrets).step(exchanged.result, ["authentication_uri"]);
        let [uri] = answer.map_err(|error| at("init_auth_endpoint", error))?;
        provider.endpoint("authentication_uri", &uri).map_err(|error| {
            at("init_auth_endpoint", Error::new(Status::MALFORMED_ANSWER, error.message()))
        })?;
        acknowledgement.authentication_uri = Some(uri.into());
        Ok(())
    }

    /// What the person compares or is told, once it is known.
    pub fn binding_message(&self) -> Option<SecretString> {
        self.read(|inner, _| inner.shown()?.binding_message.clone())
    }

    /// The link that the person opens, once it is known.
    pub fn authentication_uri(&self) -> Option<SecretString> {
        self.read(|inner, _| inner.shown()?.authentication_uri.clone())
    }
}

/// The same, said of one of the steps: by the setting that says where it is.
fn at(endpoint: &str, error: Error) -> Error {
    let message = format!("{endpoint}: {}", error.message());
    error.reworded(message)
}

fn missing(name: &str) -> Error {
    Error::new(Status::MISSING_SETTING, format!("{name} is missing"))
}
