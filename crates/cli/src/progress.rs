//! How far long work is, on a terminal only.

use std::cell::Cell;
use std::io::{self, IsTerminal, Read, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Work that is done sooner shows nothing.
const PATIENCE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(100);

/// A line on standard error that is written over and over, and taken away at the end.
#[derive(Debug)]
pub(crate) struct Progress {
    total: Option<u64>,
    done: Rc<Cell<u64>>,
    /// When to look again; `None` where nobody looks.
    next: Option<Instant>,
    is_shown: bool,
}

impl Progress {
    /// Progress through `total` bytes, of which `done` are done; shown only if `is_wanted` and
    /// standard error is a terminal.
    pub(crate) fn new(total: Option<u64>, done: Rc<Cell<u64>>, is_wanted: bool) -> Self {
        let is_seen = is_wanted && io::stderr().is_terminal();
        let next = is_seen.then(|| Instant::now() + PATIENCE);
        Self { total, done, next, is_shown: false }
    }

    /// Shows how far the work is, if it is time to; `count` counts what it is about.
    pub(crate) fn tick(&mut self, count: u64, what: &str) {
        let Some(next) = self.next else { return };
        let now = Instant::now();
        if now < next {
            return;
        }
        self.next = Some(now + PAUSE);
        self.is_shown = true;
        let share = match self.total {
            Some(total) if total > 0 => format!("{:3} %, ", self.done.get() * 100 / total),
            _ => String::new(),
        };
        // Progress that cannot be shown is not missed.
        drop(write!(io::stderr().lock(), "\r\x1b[K{share}{count} {what}"));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            drop(write!(io::stderr().lock(), "\r\x1b[K"));
        }
    }
}

/// A reader that counts its bytes.
#[derive(Debug)]
pub(crate) struct Counted<R> {
    inner: R,
    bytes: Rc<Cell<u64>>,
}

impl<R> Counted<R> {
    /// Counts in `bytes` what is read of `inner`.
    pub(crate) fn new(inner: R, bytes: Rc<Cell<u64>>) -> Self {
        Self { inner, bytes }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes.set(self.bytes.get().saturating_add(read as u64));
        Ok(read)
    }
}
