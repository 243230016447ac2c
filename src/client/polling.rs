//! One poll of a flow: the token request, and what its answer means.

use std::sync::Arc;

use secrecy::SecretString;

use super::flow::FlowShared;
use super::signatures::sign;
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

    /// Sends the request; once more, as the same poll, where the provider wants a nonce in the proof (RFC 9449
    /// §8). `true`: it still wants another one.
    async fn send_poll(
        &self,
        auth_req_id: &SecretString,
        due_at: Millis,
        mut departure: Arc<Departure>,
    ) -> Result<(Exchanged, bool)> {
        let client = &self.client;
        let connection = client.connection()?;
        let endpoints = connection.endpoints(client).await?;
        let missing = || Error::new(Status::METADATA_ENDPOINT_MISSING, "the token endpoint is not known");
        let url = endpoints.token.clone().ok_or_else(missing)?;
        let mut again = true;
        loop {
            let unix_ms = self.engine.clock().unix_ms();
            let (rules, authentication) = (&client.provider.rules, &client.authentication);
            let (mut form, authorization) =
                self.asked.poll_form(rules, authentication, auth_req_id, &url, unix_ms)?;
            sign(&mut form, self).await?;
            self.event(Level::Debug, "poll.sent", || {
                format!("{} ms after it was due", self.now().saturating_sub(due_at))
            });
            let body = Some(Body::Form(form));
            let mut request = Request { authorization, body, ..Request::new(Kind::Poll, url.clone()) };
            client.prove(connection, &mut request, None)?;
            let exchanged = connection.http.exchange(&self.engine, request, &departure).await;
            let wanted = client.wants_nonce(connection, &url, &exchanged.result);
            if !(wanted && std::mem::take(&mut again)) {
                return Ok((exchanged, wanted));
            }
            self.event(Level::Debug, "poll.nonce", || "the provider wants a nonce in the DPoP proof".into());
            departure = Arc::default(); // what is sent anew can be stopped as well
            if let Some(in_flight) = self.lock().in_flight.as_mut() {
                in_flight.departure = Some(departure.clone());
            }
        }
    }
}
