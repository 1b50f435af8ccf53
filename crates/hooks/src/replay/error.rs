//! Why a firewall can not be replayed.

use std::fmt;

use netloom_firewall::{CompileError, Point};
use netloom_vm::{Fault, MachineError};

/// Why a firewall can not be replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayError {
    /// Two rulesets are of one family.
    SameFamily,
    /// The rulesets exceed a limit.
    Compile(CompileError),
    /// The programs do not fit the interpreter.
    Machine(MachineError),
    /// A program did what it must not.
    Fault(Fault),
    /// A program gave something else than a verdict.
    Verdict {
        /// Its built-in chain.
        point: Point,
        /// What it gave.
        verdict: u64,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameFamily => f.write_str("two rulesets are for one address family"),
            Self::Compile(_) => f.write_str("rulesets can not be compiled"),
            Self::Machine(_) => f.write_str("compiled rulesets can not be run here"),
            Self::Fault(_) => f.write_str("a compiled ruleset stopped at a packet"),
            Self::Verdict { point, verdict } => write!(
                f,
                "program of {} {} gave {verdict:#x}, which is no verdict",
                point.table.as_str(),
                point.hook.chain()
            ),
        }
    }
}

impl std::error::Error for ReplayError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Compile(source) => Some(source),
            Self::Machine(source) => Some(source),
            Self::Fault(source) => Some(source),
            Self::SameFamily | Self::Verdict { .. } => None,
        }
    }
}
