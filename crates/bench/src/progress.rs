//! How far a run has come, for a terminal on standard error.

use std::io::{self, IsTerminal, Write};

/// A line that is written over and over, and wiped out at the end.
#[derive(Debug)]
pub(crate) struct Progress {
    is_shown: bool,
}

impl Progress {
    /// Shown on terminals only.
    pub(crate) fn new() -> Self {
        Self { is_shown: io::stderr().is_terminal() }
    }

    /// Replaces the line.
    pub(crate) fn show(&self, line: &str) {
        if self.is_shown {
            // A terminal that is gone needs no progress.
            drop(write!(io::stderr(), "\r\x1b[K{line}"));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.show("");
    }
}
