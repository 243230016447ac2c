//! A descriptor that is readable while there is something to tell.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// A pipe that holds one byte while it shows something, and none else. Both of its descriptors are
/// closed in programs that this one executes.
pub struct Signal {
    reader: PipeReader,
    writer: PipeWriter,
    shown: AtomicBool,
}

impl Signal {
    pub fn new() -> io::Result<Signal> {
        let (reader, writer) = io::pipe()?;
        Ok(Signal { reader, writer, shown: AtomicBool::new(false) })
    }

    /// Called by one thread at a time. Never blocks: there is room for the one byte that is written,
    /// and one to be read.
    pub fn show(&self, something: bool) {
        if self.shown.load(Ordering::Relaxed) == something {
            return;
        }
        let done = match something {
            true => (&self.writer).write_all(&[1]),
            false => (&self.reader).read_exact(&mut [0]),
        };
        if done.is_ok() {
            self.shown.store(something, Ordering::Relaxed);
        }
    }

    #[cfg(unix)]
    pub fn descriptor(&self) -> std::os::fd::BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_once_and_shows_no_more() {
        let mut signal = Signal::new().unwrap();
        for something in [true, true, false, false, true] {
            signal.show(something);
            assert_eq!(signal.shown.load(Ordering::Relaxed), something);
        }
        signal.show(false);
        drop(signal.writer);
        assert_eq!(signal.reader.read(&mut [0]).unwrap(), 0, "nothing is left in it");
    }
}
