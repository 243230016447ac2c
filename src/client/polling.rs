//! One poll of a flow: the token request, and what its answer means.

use std::sync::Arc;

use secrecy::SecretString;

use super::flow::FlowShared;
use crate::answer::PollAnswer;
use crate::clock::Millis;
use crate::engine::{Departure, Exchanged};
use crate::error::{Error, Result, Status};
use crate::log::Level;
use crate::wire::{Body, Kind, Request};

impl FlowShared {
    pub(super) async fn try_poll(&self, departure: Arc<Departure>) {
        let (auth_req_id, due_at) = {
            let inner = self.lock();
            (inner.state.auth_req_id().map(SecretString::from), inner.state.next_at())
        };
        let Some(auth_req_id) = auth_req_id else { return };
        let (answer, sent_at) = match self.send_poll(&auth_req_id, due_at, departure).await {
            Ok((exchanged, true)) => {
                // The next poll has the newest nonce.
                let text = "the provider asks for another nonce in the DPoP proof than the one it gave";
                let error = Error::new(Status::PROVIDER_ERROR, text);
                (PollAnswer::Trouble { error, retry_after: None }, exchanged.sent_at)
            }
            Ok((exchanged, false)) => {
                (self.reader(&|| self.secrets()).poll(exchanged.result), exchanged.sent_at)
            }
            Err(error) => (PollAnswer::Trouble { error, retry_after: None }, self.now()),
        };
        self.event(answer.level(), answer.event(), || answer.text());
        let mut inner = self.lock();
        inner.state.answered(answer, sent_at, self.now());
        self.spread(&mut inner);
    }

    /// Sends the request. `true`: the provider still wants another nonce in the proof.
    async fn send_poll(
        &self,
        auth_req_id: &SecretString,
        due_at: Millis,
        departure: Arc<Departure>,
    ) -> Result<(Exchanged, bool)> {
        let client = &self.client;
        let connection = client.connection()?;
        let endpoints = connection.endpoints(client).await?;
        let missing = || Error::new(Status::METADATA_ENDPOINT_MISSING, "the token endpoint is not known");
        let url = endpoints.token.clone().ok_or_else(missing)?;
        let request = || {
            let unix_ms = self.engine.clock().unix_ms();
            let (rules, authentication) = (&client.provider.rules, &client.authentication);
            let (form, authorization) =
                self.asked.poll_form(rules, authentication, auth_req_id, &url, unix_ms)?;
            let body = Some(Body::Form(form));
            Ok(Request { authorization, body, ..Request::new(Kind::Poll, url.clone()) })
        };
        let sent = || {
            self.event(Level::Debug, "poll.sent", || {
                format!("{} ms after it was due", self.now().saturating_sub(due_at))
            });
        };
        self.send(connection, request, &departure, sent).await
    }
}
