//! Whether an engine did what a test expects.

use std::fmt;

use crate::{DataFile, Engine, Expected, Reply};

/// The outcome of one test on one engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As expected.
    Passed,
    /// Otherwise, and how.
    Failed(String),
    /// The engine can not run such a test, and why.
    Skipped(String),
}

impl Verdict {
    /// Why it is not [`Verdict::Passed`].
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::Failed(reason) | Self::Skipped(reason) => Some(reason),
        }
    }
}

impl DataFile {
    /// Runs the test.
    pub fn run(&self, engine: &mut dyn Engine) -> Verdict {
        let reply = engine.run_bytes(&self.program, &self.memory);
        if self.expected.accepts(&reply) {
            return Verdict::Passed;
        }
        match reply {
            Reply::Result(result) => {
                Verdict::Failed(format!("expected {}, got {result:#x}", self.expected))
            }
            Reply::Refused(message) => Verdict::Failed(format!("refused: {message}")),
            Reply::Fault(message) => Verdict::Failed(message),
            Reply::Unable(reason) => Verdict::Skipped(reason),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.result, &self.error) {
            (Some(result), _) => write!(f, "{result:#x}"),
            (None, Some(error)) => write!(f, "an error with {error:?}"),
            (None, None) => f.write_str("nothing"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        })
    }
}
