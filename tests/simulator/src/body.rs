//! Bodies of answers: whole, cut off in the middle, or without an end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

/// The body of an answer.
pub(crate) enum Sent {
    /// All of it.
    Full(Option<Bytes>),
    /// A part, then (once that has been sent) an error that closes the connection.
    Half(Option<Bytes>, bool),
    /// Without an end.
    Endless,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        const CHUNK: &[u8] = &[b' '; 16 * 1024];
        match &mut *self {
            Sent::Full(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
            Sent::Half(body, sent) => match body.take() {
                Some(body) => Poll::Ready(Some(Ok(Frame::data(body)))),
                None if *sent => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
                None => {
                    *sent = true;
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
            },
            Sent::Endless => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(CHUNK))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Sent::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Sent::Full(body) => SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64),
            _ => SizeHint::default(),
        }
    }
}
