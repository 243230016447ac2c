//! Signatures that the program makes itself, on threads that are inside a call.
//!
//! An exchange that needs one leaves an errand with those who wait for it. With nobody inside a call nothing
//! is signed, and so nothing is sent.

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;

use crate::error::{Result, Status};
use crate::signing::Unsigned;
use crate::wire::{Form, Request};

/// What one request needs signed: all at once, so that none of it has become old when the last is there.
pub(super) struct Errand {
    unsigned: Vec<Unsigned>,
    answer: oneshot::Sender<Result<Vec<SecretString>>>,
}

impl Errand {
    /// Has it signed, by the program's own code: it may take its time, so no lock is held.
    pub fn run(self, unix_ms: i64) {
        if !self.answer.is_closed() {
            let signed = self.unsigned.iter().map(|unsigned| unsigned.sign(unix_ms)).collect();
            let _ = self.answer.send(signed); // meanwhile the exchange may have been given up
        }
    }
}

/// Where an exchange leaves its errand: with those who wait for it.
pub(super) trait Desk: Send + Sync {
    fn leave(&self, errand: Errand);
}

/// Has a request signed where it is to be: the JWTs of its form, and its proof.
///
/// Errors: `SIGNER_FAILED`.
pub(super) async fn sign(request: &mut Request, proof: Option<Unsigned>, desk: &dyn Desk) -> Result<()> {
    let in_form = request.form_mut().map(Form::take_unsigned).unwrap_or_default();
    let (names, mut unsigned): (Vec<String>, Vec<Unsigned>) = in_form.into_iter().unzip();
    unsigned.extend(proof);
    if unsigned.is_empty() {
        return Ok(());
    }
    let (answer, signed) = oneshot::channel();
    desk.leave(Errand { unsigned, answer });
    let mut signed = signed.await.map_err(|_| Status::SIGNER_FAILED)??.into_iter();
    if let Some(form) = request.form_mut() {
        for (name, jwt) in names.iter().zip(&mut signed) {
            form.add(name, jwt.expose_secret());
        }
    }
    request.proof = signed.next();
    Ok(())
}
