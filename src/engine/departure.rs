//! When a request leaves. Its body tells: the connection asks for it once it is there, and writes
//! nothing before it has it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::clock::Millis;

/// Whether the request of one exchange has left. Nothing of a request that was stopped is written.
#[derive(Default)]
pub struct Departure {
    state: Mutex<State>,
    left: Notify,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Waiting,
    Left(Millis),
    Stopped,
}

impl Departure {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the request from leaving. `false`: it has left.
    pub fn stop(&self) -> bool {
        let mut state = self.state();
        if *state == State::Waiting {
            *state = State::Stopped;
        }
        *state == State::Stopped
    }

    /// When the request left, if it has. One without a body never tells.
    pub fn left_at(&self) -> Option<Millis> {
        match *self.state() {
            State::Left(at) => Some(at),
            State::Waiting | State::Stopped => None,
        }
    }

    /// Completes once the request has left.
    pub async fn left(&self) {
        self.left.notified().await;
    }

    /// `false`: it must not leave.
    fn leave(&self, now: Millis) -> bool {
        let mut state = self.state();
        let leaves = *state == State::Waiting;
        if leaves {
            *state = State::Left(now);
            self.left.notify_one(); // kept for whoever asks later
        }
        leaves
    }
}

/// The body of a request.
pub struct Outgoing {
    pub bytes: Option<Bytes>,
    pub departure: Arc<Departure>,
    pub clock: Arc<dyn Clock>,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let Some(bytes) = self.bytes.take() else { return Poll::Ready(None) };
        let leaves = self.departure.leave(self.clock.now());
        let frame = if leaves { Ok(Frame::data(bytes)) } else { Err(io::ErrorKind::Interrupted.into()) };
        Poll::Ready(Some(frame))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
