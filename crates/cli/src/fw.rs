//! `netloom fw`: iptables rules as eBPF programs.

mod check;
mod placement;
mod ruleset;

use clap::Subcommand;

use crate::failure::Failure;
use crate::output::{Outcome, Output};

/// Shown below the help of the noun.
pub(crate) const EXAMPLE: &str = "Example: netloom fw check rules.v4";

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read rulesets; report errors, doubts and where every rule would run
    Check(check::Arguments),
}

impl Command {
    /// Runs the command.
    pub(crate) fn run(&self, output: &Output) -> Result<Outcome, Failure> {
        match self {
            Self::Check(arguments) => check::run(arguments, output),
        }
    }
}
