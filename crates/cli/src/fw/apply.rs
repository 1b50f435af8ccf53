//! `netloom fw apply`: rules into the running kernel, all at once.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use netloom_control::{Applied, Request, Source};
use netloom_firewall::Leniency;
use netloom_firewall::model::Family;
use serde::Serialize;

use super::live::{LeftOutRow, LiveOptions, failed};
use super::placement::LeniencyOptions;
use super::ruleset::{self, FamilyOptions, Loaded, family_name};
use crate::failure::{ErrorReport, Failure};
use crate::output::{Outcome, Output};
use crate::report::{Level, Report};

/// The version of this command's documents.
const SCHEMA: u32 = 1;

#[derive(Args, Debug)]
#[command(after_help = "Example: netloom fw apply rules.v4 rules.v6 --dev eth0 --confirm 60")]
pub(crate) struct Arguments {
    /// Files in the format of iptables-save, at most one of each family; `-` reads standard input
    #[arg(required = true, value_name = "RULES", num_args = 1..=2)]
    rules: Vec<PathBuf>,
    #[command(flatten)]
    family: FamilyOptions,
    /// Drop early at XDP of this device what the rules drop for certain
    #[arg(long = "dev", value_name = "IF")]
    devices: Vec<String>,
    /// Return to the old rules unless `netloom fw confirm` follows within this time
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    confirm: Option<u32>,
    #[command(flatten)]
    leniency: LeniencyOptions,
    #[command(flatten)]
    live: LiveOptions,
}

#[derive(Serialize)]
struct Body {
    generation: u8,
    confirm_within_s: Option<u32>,
    left_out: Vec<LeftOutRow>,
    devices: Vec<Device>,
    /// Families whose pre-filter can not judge INPUT.
    prefilter_limits: Vec<Limit>,
}

#[derive(Serialize)]
struct Device {
    name: String,
    /// `native`, `generic`, or `kept` where it was attached before.
    mode: &'static str,
}

#[derive(Serialize)]
struct Limit {
    family: &'static str,
    because: String,
}

/// Applies the rules.
pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Outcome, Failure> {
    let mut sources: Vec<Source> = Vec::new();
    for path in &arguments.rules {
        let source = source(path, arguments, output)?;
        if sources.iter().any(|other| other.ipv6 == source.ipv6) {
            let family = family_name(source.family());
            let message = format!("both files hold {family} rules");
            return Err(ErrorReport::usage(message)
                .with_help("`-4` and `-6` say whose rules a single file holds")
                .into());
        }
        sources.push(source);
    }
    let mut devices = arguments.devices.clone();
    devices.sort();
    devices.dedup();
    let confirm_within = arguments.confirm.map(|seconds| Duration::from_secs(seconds.into()));
    let request = Request { sources, devices, confirm_within };
    let applied = arguments.live.open()?.apply(&request).map_err(|error| failed(&error))?;
    let body = Body::new(&applied, arguments.confirm);
    if output.is_json() {
        output.document(SCHEMA, &body)?;
    } else {
        body.print(output)?;
    }
    Ok(Outcome::Done)
}

fn source(path: &Path, arguments: &Arguments, output: &Output) -> Result<Source, Failure> {
    let Loaded { source: text, ruleset: rules, .. } =
        ruleset::load(path, arguments.family.family(), output)?;
    let Leniency { skip_unsupported, reject_as_drop } = arguments.leniency.into();
    Ok(Source {
        name: text.name.clone(),
        ipv6: rules.family == Family::V6,
        text: text.into_text(),
        skip_unsupported,
        reject_as_drop,
    })
}

impl Body {
    fn new(applied: &Applied, confirm_within_s: Option<u32>) -> Self {
        let mode = |native| match native {
            Some(true) => "native",
            Some(false) => "generic",
            None => "kept",
        };
        let devices = applied.devices.iter();
        let limits = applied.limited.iter();
        Self {
            generation: applied.generation,
            confirm_within_s,
            left_out: applied.left_out.iter().map(LeftOutRow::from).collect(),
            devices: devices
                .map(|device| Device { name: device.device.clone(), mode: mode(device.native) })
                .collect(),
            prefilter_limits: limits
                .map(|(family, because)| Limit {
                    family: family_name(*family),
                    because: because.clone(),
                })
                .collect(),
        }
    }

    fn print(&self, output: &Output) -> Result<(), Failure> {
        for rule in &self.left_out {
            output.report(&Report::new(Level::Warning, rule.line()));
        }
        let mut out = output.text();
        writeln!(out, "generation {} is in force", self.generation)?;
        for device in &self.devices {
            writeln!(out, "XDP pre-filter on {} ({})", device.name, device.mode)?;
        }
        if !self.devices.is_empty() {
            for Limit { family, because } in &self.prefilter_limits {
                writeln!(
                    out,
                    "the {family} pre-filter judges raw and mangle only: {because} is hooked in \
                     before INPUT"
                )?;
            }
        }
        if let Some(seconds) = self.confirm_within_s {
            writeln!(
                out,
                "the old rules return in {seconds} s unless `netloom fw confirm` is run before"
            )?;
        }
        Ok(out.flush()?)
    }
}
