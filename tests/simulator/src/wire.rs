//! A connection that can be cut after so many bytes, or reset.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::provider::Provider;

/// Says when a connection ends.
pub(crate) struct Cutter {
    /// Bytes that may still be written; `usize::MAX` is no limit.
    left: AtomicUsize,
    reset: AtomicBool,
}

impl Default for Cutter {
    fn default() -> Self {
        Cutter { left: AtomicUsize::new(usize::MAX), reset: AtomicBool::new(false) }
    }
}

impl Cutter {
    /// Closes the connection after that many bytes more.
    pub fn cut_after(&self, bytes: usize) {
        self.left.store(bytes, Ordering::Relaxed);
    }

    /// Resets the connection before the next byte.
    pub fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
        self.cut_after(0);
    }
}

pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => tls.get_ref().0,
        }
    }
}

pub(crate) struct Wire {
    stream: Stream,
    cutter: Arc<Cutter>,
    provider: Arc<Provider>,
}

impl Wire {
    pub fn new(stream: Stream, cutter: Arc<Cutter>, provider: Arc<Provider>) -> Self {
        Wire { stream, cutter, provider }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let all = self.provider.reset_on_drop.load(Ordering::Relaxed);
        if all || self.cutter.reset.load(Ordering::Relaxed) {
            let _ = self.stream.tcp().set_zero_linger();
        }
    }
}

/// Calls a method of whichever stream it is.
macro_rules! either {
    ($wire:expr, $stream:ident => $call:expr) => {
        match &mut $wire.stream {
            Stream::Plain(tcp) => {
                let $stream = Pin::new(tcp);
                $call
            }
            Stream::Tls(tls) => {
                let $stream = Pin::new(&mut **tls);
                $call
            }
        }
    };
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read(context, buffer))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let left = self.cutter.left.load(Ordering::Relaxed);
        if left == 0 {
            // What was allowed must be out before the end.
            ready!(either!(self, stream => stream.poll_flush(context)))?;
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let allowed = &bytes[..bytes.len().min(left)];
        let written = ready!(either!(self, stream => stream.poll_write(context, allowed)))?;
        if left != usize::MAX {
            self.cutter.cut_after(left - written);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(context))
    }
}
