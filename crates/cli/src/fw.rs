//! `netloom fw`: iptables rules as eBPF programs.

mod apply;
mod check;
mod listing;
mod live;
mod monitor;
mod placement;
mod ruleset;
mod settle;
mod show;
mod try_;

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
    /// Run the packets of a capture through rules, without root and without a kernel
    Try(try_::Arguments),
    /// Replace the rules in the running kernel, all at once
    Apply(apply::Arguments),
    /// Keep applied rules that wait to be confirmed
    Confirm(settle::Confirm),
    /// Return to the rules before the last apply
    Rollback(settle::Rollback),
    /// Show the rules in force and their counters
    Show(show::Arguments),
    /// Print what LOG and NFLOG report, as it happens
    Monitor(monitor::Arguments),
    /// Take the firewall away
    Remove(settle::Remove),
}

impl Command {
    /// Runs the command.
    pub(crate) fn run(&self, output: &Output) -> Result<Outcome, Failure> {
        match self {
            Self::Check(arguments) => check::run(arguments, output),
            Self::Try(arguments) => try_::run(arguments, output),
            Self::Apply(arguments) => apply::run(arguments, output),
            Self::Confirm(arguments) => settle::confirm(arguments, output),
            Self::Rollback(arguments) => settle::rollback(arguments, output),
            Self::Show(arguments) => show::run(arguments, output),
            Self::Monitor(arguments) => monitor::run(arguments, output),
            Self::Remove(arguments) => settle::remove(arguments, output),
        }
    }
}
