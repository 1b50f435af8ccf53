//! `netloom fw show`: the rules in force and their counters.

use std::io::Write;

use clap::Args;
use netloom_control::{Reading, Status};
use netloom_firewall::model::{Counters, Family, Ruleset};
use netloom_firewall::print::{CounterKey, SaveComment, SaveOptions, save};
use netloom_firewall::{Hook, Point, RuleId};
use serde::Serialize;

use super::listing::{ListingOptions, RulesetRow, write_tables};
use super::live::{LeftOutRow, LiveOptions, failed};
use super::ruleset::FamilyOptions;
use crate::failure::Failure;
use crate::output::{Outcome, Output};

/// The version of this command's documents.
const SCHEMA: u32 = 1;

#[derive(Args, Debug)]
#[command(after_help = "Example: netloom fw show --save -c > rules.now")]
pub(crate) struct Arguments {
    /// Print in the format of iptables-save
    #[arg(long)]
    save: bool,
    /// With --save: print the counters of rules
    #[arg(short, long, requires = "save")]
    counters: bool,
    #[command(flatten)]
    listing: ListingOptions,
    #[command(flatten)]
    family: FamilyOptions,
    #[command(flatten)]
    live: LiveOptions,
}

#[derive(Serialize)]
struct Body {
    generation: u8,
    applied_unix_ms: u64,
    unconfirmed_for_s: Option<u64>,
    has_older: bool,
    chains: Vec<String>,
    devices: Vec<String>,
    left_out: Vec<LeftOutRow>,
    rulesets: Vec<RulesetRow>,
}

/// Shows the rules in force.
pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Outcome, Failure> {
    let firewall = arguments.live.open()?;
    let status = firewall.status().map_err(|error| failed(&error))?;
    let Some(status) = status else {
        return nothing(output);
    };
    let rulesets = status.description.rulesets().map_err(|error| failed(&error))?;
    let reading = firewall.counters(&status).map_err(|error| failed(&error))?;
    let left_out = status.description.left_out().map_err(|error| failed(&error))?;
    let left_out: Vec<LeftOutRow> = left_out.iter().map(LeftOutRow::from).collect();
    let wanted = |ruleset: &&Ruleset| {
        arguments.family.family().is_none_or(|family| family == ruleset.family)
    };
    let rulesets: Vec<&Ruleset> = rulesets.iter().filter(wanted).collect();
    if output.is_json() {
        output.document(SCHEMA, &body(status, left_out, &rulesets, &reading))?;
    } else {
        print(arguments, &status, &left_out, &rulesets, &reading, output)?;
    }
    Ok(Outcome::Done)
}

fn nothing(output: &Output) -> Result<Outcome, Failure> {
    #[derive(Serialize)]
    struct Nothing {
        generation: Option<u8>,
    }
    if output.is_json() {
        output.document(SCHEMA, &Nothing { generation: None })?;
    } else {
        let mut out = output.text();
        writeln!(out, "no rules are in force")?;
        out.flush()?;
    }
    Ok(Outcome::Done)
}

/// Counters of one family as the printers ask for them.
fn lookup(reading: &Reading, family: Family, key: CounterKey<'_>) -> Counters {
    if let Some(index) = key.rule {
        return reading.rule(family, RuleId { table: key.table, chain: key.chain, index });
    }
    let hook = Hook::from_chain(key.chain);
    let point = hook.map(|hook| Point { table: key.table, hook });
    point
        .filter(|point| Point::ALL.contains(point))
        .map_or_else(Counters::default, |point| reading.policy(family, point))
}

fn print(
    arguments: &Arguments,
    status: &Status,
    left_out: &[LeftOutRow],
    rulesets: &[&Ruleset],
    reading: &Reading,
    output: &Output,
) -> Result<(), Failure> {
    let mut out = output.text();
    write!(out, "# netloom: generation {}", status.generation)?;
    match status.unconfirmed_for {
        Some(time) => writeln!(out, ", unconfirmed: the old rules return in {} s", time.as_secs())?,
        None => writeln!(out)?,
    }
    if !status.devices.is_empty() {
        writeln!(out, "# XDP pre-filter on {}", status.devices.join(", "))?;
    }
    for rule in left_out {
        writeln!(out, "# {}", rule.line())?;
    }
    for ruleset in rulesets {
        let family = ruleset.family;
        let counters = |key: CounterKey<'_>| lookup(reading, family, key);
        if arguments.save {
            let comment = SaveComment { version: env!("CARGO_PKG_VERSION"), date: "netloom" };
            let options = SaveOptions {
                rule_counters: arguments.counters,
                counters: &counters,
                comment: (rulesets.len() > 1).then_some(comment),
            };
            write!(out, "{}", save(ruleset, &options))?;
        } else {
            write_tables(arguments.listing, ruleset, &counters, &mut out)?;
        }
    }
    Ok(out.flush()?)
}

fn body(
    status: Status,
    left_out: Vec<LeftOutRow>,
    rulesets: &[&Ruleset],
    reading: &Reading,
) -> Body {
    let named = |ruleset: &Ruleset| {
        let sources = &status.description.sources;
        let source = sources.iter().find(|source| source.family() == ruleset.family);
        source.map(|source| source.name.clone()).unwrap_or_default()
    };
    Body {
        generation: status.generation,
        applied_unix_ms: status.description.applied_unix_ms,
        unconfirmed_for_s: status.unconfirmed_for.map(|time| time.as_secs()),
        has_older: status.has_older,
        left_out,
        rulesets: rulesets
            .iter()
            .map(|ruleset| {
                let family = ruleset.family;
                let counters = |key: CounterKey<'_>| lookup(reading, family, key);
                RulesetRow::new(ruleset, named(ruleset), &counters)
            })
            .collect(),
        chains: status.chains,
        devices: status.devices,
    }
}
