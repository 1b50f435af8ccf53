//! The netloom command.
//!
//! Purpose: arguments in, text or JSON and an exit code out. Everything it knows about rules and
//! packets comes from the crates below; only this crate prints.
//!
//! Invariant: nothing that a user can type, and no bytes of a file, make it panic. Results go to
//! standard output, everything else to standard error; the exit code is 0 when the command did
//! what was asked or accepted its input, 1 when it failed or refused, 2 when the arguments make no
//! sense.
//!
//! Reading order: `arguments` (the command tree), one module per noun (`fw`) with one module per
//! verb in it, then what they share: `failure` and `report` (what went wrong, in the manner of
//! rustc), `output` (where and in which form results go), `capture` (packets in and out), `columns`,
//! `plain`, `progress`.
//!
//! To add a command: a module with a clap `Arguments` structure and `fn run(&Arguments, &Output)
//! -> Result<Outcome, Failure>`, one variant in its noun's `Command`, one arm in its `run`.

#![forbid(unsafe_code)]

mod arguments;
mod asm;
mod capture;
mod columns;
mod conformance;
mod disasm;
mod failure;
mod filter;
mod fw;
mod input;
mod output;
mod plain;
mod progress;
mod report;
mod source;

use std::process::ExitCode;

use failure::Failure;
use output::{Outcome, Output};

fn main() -> ExitCode {
    let arguments = match arguments::parse() {
        Ok(arguments) => arguments,
        Err(refusal) => return refusal.exit(),
    };
    let output = Output::new(arguments.output);
    finish(&output, arguments.command.run(&output))
}

/// Reports a failure and tells the exit code of a command's end.
fn finish(output: &Output, end: Result<Outcome, Failure>) -> ExitCode {
    match end {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Refused) => ExitCode::from(1),
        // Whoever reads the output has seen enough, which is no failure of the command.
        Err(Failure::Closed) => ExitCode::SUCCESS,
        Err(Failure::Error(error)) => {
            output.error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}
