//! `netloom fw confirm`, `rollback` and `remove`: what becomes of applied rules.

use std::io::Write;

use clap::Args;
use netloom_control::{ControlError, Firewall};
use serde::Serialize;

use super::live::{LiveOptions, failed};
use crate::failure::Failure;
use crate::output::{Outcome, Output};

/// The version of these commands' documents.
const SCHEMA: u32 = 1;

#[derive(Args, Debug)]
#[command(after_help = "Example: netloom fw confirm")]
pub(crate) struct Confirm {
    #[command(flatten)]
    live: LiveOptions,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: netloom fw rollback")]
pub(crate) struct Rollback {
    #[command(flatten)]
    live: LiveOptions,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: netloom fw remove --netns blue")]
pub(crate) struct Remove {
    #[command(flatten)]
    live: LiveOptions,
}

#[derive(Serialize)]
struct Body {
    /// The generation in force; `None` where no rules are.
    generation: Option<u8>,
}

/// Keeps rules that wait to be confirmed.
pub(crate) fn confirm(arguments: &Confirm, output: &Output) -> Result<Outcome, Failure> {
    act(&arguments.live, output, Firewall::confirm)
}

/// Returns to the rules before.
pub(crate) fn rollback(arguments: &Rollback, output: &Output) -> Result<Outcome, Failure> {
    act(&arguments.live, output, Firewall::rollback)
}

/// Takes the firewall away.
pub(crate) fn remove(arguments: &Remove, output: &Output) -> Result<Outcome, Failure> {
    act(&arguments.live, output, Firewall::remove)
}

fn act(
    live: &LiveOptions,
    output: &Output,
    operation: fn(&Firewall) -> Result<(), ControlError>,
) -> Result<Outcome, Failure> {
    let firewall = live.open()?;
    operation(&firewall).map_err(|error| failed(&error))?;
    let status = firewall.status().map_err(|error| failed(&error))?;
    let generation = status.map(|status| status.generation);
    if output.is_json() {
        output.document(SCHEMA, &Body { generation })?;
        return Ok(Outcome::Done);
    }
    let mut out = output.text();
    match generation {
        Some(number) => writeln!(out, "generation {number} is in force")?,
        None => writeln!(out, "no rules are in force")?,
    }
    out.flush()?;
    Ok(Outcome::Done)
}
