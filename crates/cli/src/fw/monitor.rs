//! `netloom fw monitor`: what LOG and NFLOG report, as it happens.

use std::collections::VecDeque;
use std::io::Write;

use clap::Args;
use netloom_control::{Firewall, Log, Status};
use netloom_firewall::Slots;
use netloom_firewall::model::Ruleset;
use netloom_firewall::record::{Record, Reporter, Reporters};
use serde::Serialize;

use super::live::{LiveOptions, failed};
use super::ruleset::family_name;
use crate::failure::Failure;
use crate::output::{Outcome, Output};

/// The version of this command's documents, one a line.
const SCHEMA: u32 = 1;

#[derive(Args, Debug)]
#[command(after_help = "Example: netloom fw monitor --json | tee drops.json")]
pub(crate) struct Arguments {
    /// End after this many records
    #[arg(short, long, value_name = "N")]
    count: Option<u64>,
    #[command(flatten)]
    live: LiveOptions,
}

#[derive(Serialize)]
struct Body {
    /// Nanoseconds since boot, without suspended time.
    time_ns: u64,
    family: &'static str,
    table: &'static str,
    chain: String,
    /// Number in the chain, from 1.
    rule: usize,
    source: String,
    destination: String,
    protocol: u8,
    length: u32,
    in_device: String,
    out_device: String,
    /// The record as the kernel's LOG target would print it.
    text: String,
}

/// Prints records until the count is reached or a signal comes.
pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Outcome, Failure> {
    let firewall = arguments.live.open()?;
    let mut reader = Reader {
        log: firewall.log().map_err(|error| failed(&error))?,
        queue: VecDeque::new(),
        left: arguments.count.unwrap_or(u64::MAX),
    };
    while reader.left > 0 {
        let rules = Rules::of(&firewall)?;
        reader.follow(&rules, output)?;
    }
    Ok(Outcome::Done)
}

/// The ring with the records that were taken out of it but not printed.
struct Reader {
    log: Log,
    queue: VecDeque<Vec<u8>>,
    left: u64,
}

impl Reader {
    /// Prints records of these rules. Returns at a record of other rules, which then stands first
    /// in the queue; one that already stands there belongs to rules that are gone, and is dropped.
    fn follow(&mut self, rules: &Rules, output: &Output) -> Result<(), Failure> {
        let rulesets: Vec<&Ruleset> = rules.rulesets.iter().collect();
        let reporters = Reporters::of(&rulesets, &rules.slots);
        let mut is_first = true;
        while self.left > 0 {
            let Some(bytes) = self.queue.front() else {
                let queue = &mut self.queue;
                let read = self.log.read(None, |bytes| queue.push_back(bytes.to_vec()));
                read.map_err(|error| failed(&error))?;
                is_first = false;
                continue;
            };
            match reporters.read(bytes) {
                Some((reporter, record)) => {
                    self.left -= 1;
                    print(&Body::new(&reporter, &record), output)?;
                }
                None if is_first => {}
                None => return Ok(()),
            }
            self.queue.pop_front();
            is_first = false;
        }
        Ok(())
    }
}

fn print(body: &Body, output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.document(SCHEMA, body);
    }
    let mut out = output.text();
    let (seconds, rest) = (body.time_ns / 1_000_000_000, body.time_ns % 1_000_000_000);
    writeln!(out, "[{seconds:>6}.{:06}] {}", rest / 1000, body.text)?;
    Ok(out.flush()?)
}

/// The rules in force, to tell which of them sent a record.
struct Rules {
    rulesets: Vec<Ruleset>,
    slots: Slots,
}

impl Rules {
    fn of(firewall: &Firewall) -> Result<Self, Failure> {
        let status = firewall.status().map_err(|error| failed(&error))?;
        let Some(Status { description, .. }) = status else {
            return Ok(Self { rulesets: Vec::new(), slots: Slots::default() });
        };
        let rulesets = description.rulesets().map_err(|error| failed(&error))?;
        let slots = description.slots().map_err(|error| failed(&error))?;
        Ok(Self { rulesets, slots })
    }
}

impl Body {
    fn new(reporter: &Reporter<'_>, record: &Record) -> Self {
        Self {
            time_ns: record.time_ns,
            family: family_name(reporter.family),
            table: reporter.rule.table.as_str(),
            chain: reporter.rule.chain.to_owned(),
            rule: reporter.rule.index + 1,
            source: record.source.to_string(),
            destination: record.destination.to_string(),
            protocol: record.protocol,
            length: record.length,
            in_device: record.in_device.clone(),
            out_device: record.out_device.clone(),
            text: reporter.line(record),
        }
    }
}
