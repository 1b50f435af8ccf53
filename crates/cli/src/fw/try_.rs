//! `netloom fw try`: rules over the packets of a capture, without root and without a kernel.
//!
//! Reading order: [`run`], then `capture` (files in and out), `judge` (who decided what, in words),
//! `tally` (what is counted of all packets).

mod capture;
mod judge;
mod tally;

use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use netloom_firewall::model::{Counters, Family, Ruleset, Target};
use netloom_firewall::print::CounterKey;
use netloom_firewall::{Hook, Leniency, Planned, Point, RuleId, prepare};
use netloom_hooks::Device;
use netloom_hooks::replay::{Options, Replay, ReplayError, View};
use serde::Serialize;

use self::capture::{Choice, replay_capture};
use self::judge::{Judge, JudgeOptions, PacketRow};
use self::tally::Tally;
use super::listing::{ListingOptions, RulesetRow, write_tables};
use super::placement::{Fate, PlaceName, Placement, placements, refusal};
use super::ruleset::{FamilyOptions, Loaded, family_name, load};
use crate::capture::Capture;
use crate::failure::{ErrorReport, Failure};
use crate::filter::Filter;
use crate::input::is_stdin;
use crate::output::{Outcome, Output};
use crate::report::{Level, Report};

/// The version of this command's documents.
const SCHEMA: u32 = 1;

const DEVICE_NAME_BYTES_MAX: usize = 15;

#[derive(Args, Debug)]
#[command(after_help = "Example: netloom fw try rules.v4 --pcap sample.pcap --local 192.0.2.10 -v")]
pub(crate) struct Arguments {
    /// Files in the format of iptables-save, at most one of each family; `-` reads standard input
    #[arg(required = true, value_name = "RULES", num_args = 1..=2)]
    rules: Vec<PathBuf>,
    #[command(flatten)]
    family: FamilyOptions,
    /// Capture (pcap or pcapng) whose packets meet the rules; `-` reads standard input
    #[arg(short = 'r', long, value_name = "FILE")]
    pcap: PathBuf,
    /// Judge only packets that this expression matches, as pcap-filter(7) describes it
    #[arg(long, value_name = "EXPR")]
    filter: Option<String>,
    /// Write the packets with their verdicts as comments to this pcapng file
    #[arg(short = 'w', long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// The way of packets whose direction neither --local nor the capture tells [default: input]
    #[arg(long, value_name = "HOOK")]
    hook: Option<HookName>,
    /// An address of the host: packets from it go out, packets to it come in
    #[arg(long, value_name = "ADDRESS")]
    local: Vec<IpAddr>,
    /// The device that packets come in by [default: the capture's, else eth0]
    #[arg(long, value_name = "IF", value_parser = device_name)]
    in_interface: Option<String>,
    /// The device that packets leave by [default: the capture's, else eth0]
    #[arg(long, value_name = "IF", value_parser = device_name)]
    out_interface: Option<String>,
    /// Leave out rules that are not supported
    #[arg(long)]
    skip_unsupported: bool,
    /// Show DROP where a rule says REJECT
    #[arg(long)]
    reject_as_drop: bool,
    /// Print a line for each packet; with --json, a document for each
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    listing: ListingOptions,
}

/// Where packets meet the rules.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum HookName {
    Input,
    Forward,
    Output,
}

#[derive(Serialize)]
struct Body<'a> {
    capture: String,
    /// Whether all of the capture could be read.
    complete: bool,
    packets: &'a Tally,
    diagnostics: Vec<&'a Report>,
    left_out: Vec<LeftOut<'a>>,
    rulesets: Vec<RulesetRow>,
}

#[derive(Serialize)]
struct LeftOut<'a> {
    family: &'static str,
    #[serde(flatten)]
    placement: &'a Placement,
}

#[derive(Serialize)]
struct PacketDocument<'a> {
    packet: &'a PacketRow,
}

/// A file, and what becomes of its rules here.
struct Tried<'a> {
    loaded: &'a Loaded,
    placements: Vec<Placement>,
}

/// Runs the packets through the rules.
pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Outcome, Failure> {
    let stdins = arguments.rules.iter().chain([&arguments.pcap]).filter(|path| is_stdin(path));
    if stdins.count() > 1 {
        return Err(ErrorReport::usage("standard input is named twice").into());
    }
    let mut files = Vec::new();
    for path in &arguments.rules {
        files.push(load(path, arguments.family.family(), output)?);
    }
    refuse_same_family(&files)?;
    let (tried, planned): (Vec<_>, Vec<_>) = files
        .iter()
        .map(|loaded| prepared(loaded, arguments.skip_unsupported))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .unzip();
    let mut replay = Replay::new(&planned, options(arguments)).map_err(|error| failed(&error))?;
    let rulesets: Vec<&Ruleset> = files.iter().map(|loaded| &loaded.ruleset).collect();
    let mut judge = Judge::new(
        rulesets,
        JudgeOptions {
            shows_reject: !arguments.reject_as_drop,
            describes_packets: arguments.verbose,
        },
    );
    note_assumptions(arguments, &tried, output);
    let mut tally = Tally::default();
    let capture = Capture {
        path: &arguments.pcap,
        write: arguments.write.as_deref(),
        is_quiet: arguments.verbose,
    };
    let names_devices = arguments.in_interface.is_none() && arguments.out_interface.is_none();
    let mut out = output.text();
    let mut filter = arguments.filter.clone().map(|text| Filter::expression(text, u32::MAX));
    let choice = Choice { names_devices, filter: filter.as_mut() };
    let end = replay_capture(&capture, choice, &mut replay, &mut judge, &mut tally, |row| {
        if !arguments.verbose {
            Ok(())
        } else if output.is_json() {
            output.document_to(&mut out, SCHEMA, &PacketDocument { packet: &row })
        } else {
            Ok(writeln!(out, "{row}")?)
        }
    });
    if let Err(failure @ Failure::Closed) = end {
        return Err(failure);
    }
    // What was judged before the capture went wrong is worth showing.
    let results = Results { tried: &tried, replay: &replay, tally: &tally };
    if end.is_ok() || tally.packets > 0 {
        if output.is_json() {
            let body = results.body(&arguments.pcap, end.is_ok());
            output.document_to(&mut out, SCHEMA, &body)?;
        } else {
            results.write(arguments.listing, arguments.verbose, &mut out)?;
        }
    }
    out.flush()?;
    drop(out);
    end.map(|()| Outcome::Done)
}

/// The ruleset, fit to be compiled. REJECT drops: nobody is there to be answered.
fn prepared(loaded: &Loaded, skip_unsupported: bool) -> Result<(Tried<'_>, Planned<'_>), Failure> {
    let ruleset = &loaded.ruleset;
    let leniency = Leniency { skip_unsupported, reject_as_drop: true };
    match prepare(ruleset, leniency) {
        Ok(planned) => {
            let placements = placements(ruleset, &planned.plan, leniency);
            Ok((Tried { loaded, placements }, planned))
        }
        Err(plan) => {
            let placements = placements(ruleset, &plan, leniency);
            Err(refusal(&loaded.source.name, &placements).into())
        }
    }
}

fn refuse_same_family(files: &[Loaded]) -> Result<(), Failure> {
    let families: Vec<Family> = files.iter().map(|loaded| loaded.ruleset.family).collect();
    match families[..] {
        [first, second] if first == second => {
            let message = format!("both files hold {} rules", family_name(first));
            let help = "`-4` and `-6` say whose rules a single file holds";
            Err(ErrorReport::usage(message).with_help(help).into())
        }
        _ => Ok(()),
    }
}

/// Says what is taken for granted.
fn note_assumptions(arguments: &Arguments, tried: &[Tried<'_>], output: &Output) {
    if arguments.hook.is_none() && arguments.local.is_empty() {
        let message = "packets are taken as received unless the capture tells their direction";
        let mut note = Report::new(Level::Note, message);
        note.help =
            Some("`--local ADDRESS` names the host's addresses, `--hook` another way".into());
        output.report(&note);
    }
    let rejects = tried.iter().flat_map(|one| &one.placements);
    let count = rejects.filter(|placement| placement.place == PlaceName::Reject).count();
    if count > 0 && !arguments.reject_as_drop {
        let plural = if count == 1 { "" } else { "s" };
        let message =
            format!("{count} rule{plural} with REJECT: packets are dropped, none is answered");
        let mut note = Report::new(Level::Note, message);
        note.help = Some("`netloom fw apply` runs such rules with `--reject-as-drop` only".into());
        output.report(&note);
    }
}

fn options(arguments: &Arguments) -> Options {
    let view = match arguments.hook {
        None | Some(HookName::Input) => View::Input,
        Some(HookName::Forward) => View::Forward,
        Some(HookName::Output) => View::Output,
    };
    let usual = Options::new(view);
    let device = |name: &Option<String>, ifindex: u32, usual: Device| {
        name.as_ref().and_then(|name| Device::new(name, ifindex).ok()).unwrap_or(usual)
    };
    let out_ifindex = if arguments.in_interface == arguments.out_interface { 2 } else { 3 };
    Options {
        in_device: device(&arguments.in_interface, 2, usual.in_device),
        out_device: device(&arguments.out_interface, out_ifindex, usual.out_device),
        local: arguments.local.clone(),
        ..usual
    }
}

fn device_name(name: &str) -> Result<String, String> {
    if (1..=DEVICE_NAME_BYTES_MAX).contains(&name.len()) && Device::new(name, 1).is_ok() {
        Ok(name.into())
    } else {
        Err(format!("a device name has 1 to {DEVICE_NAME_BYTES_MAX} bytes"))
    }
}

/// A replay that went wrong as the user sees it.
fn failed(error: &ReplayError) -> Failure {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    let (code, help) = match error {
        ReplayError::SameFamily => ("same-family", "name one file of each family"),
        ReplayError::Compile(_) => {
            ("rules-too-large", "split the ruleset, or join rules with multiport or iprange")
        }
        ReplayError::Machine(_) | ReplayError::Fault(_) | ReplayError::Verdict { .. } => {
            ("program-failed", "this is a defect of netloom: please report it with the ruleset")
        }
    };
    ErrorReport::new(code, message).with_help(help).into()
}

/// What is known at the end.
struct Results<'a> {
    tried: &'a [Tried<'a>],
    replay: &'a Replay<'a>,
    tally: &'a Tally,
}

impl<'a> Results<'a> {
    fn write(
        &self,
        listing: ListingOptions,
        follows_packets: bool,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        if follows_packets && self.tally.packets > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}", self.tally)?;
        for (family, placement) in self.left_out() {
            writeln!(out, "# left out: {} {}", family_name(family), placement.line_text())?;
        }
        for one in self.tried {
            let ruleset = &one.loaded.ruleset;
            let counters = |key: CounterKey<'_>| self.counters(ruleset.family, key);
            write_tables(listing, ruleset, &counters, out)?;
        }
        Ok(())
    }

    fn body(&self, capture: &'a Path, complete: bool) -> Body<'a> {
        Body {
            capture: capture.to_string_lossy().into_owned(),
            complete,
            packets: self.tally,
            diagnostics: self.tried.iter().flat_map(|one| &one.loaded.warnings).collect(),
            left_out: self
                .left_out()
                .map(|(family, placement)| LeftOut { family: family_name(family), placement })
                .collect(),
            rulesets: self
                .tried
                .iter()
                .map(|one| {
                    let ruleset = &one.loaded.ruleset;
                    let counters = |key: CounterKey<'_>| self.counters(ruleset.family, key);
                    RulesetRow::new(ruleset, one.loaded.source.name.clone(), &counters)
                })
                .collect(),
        }
    }

    fn left_out(&self) -> impl Iterator<Item = (Family, &'a Placement)> {
        self.tried.iter().flat_map(|one| {
            let skipped = one.placements.iter().filter(|rule| rule.fate == Fate::Skipped);
            skipped.map(|rule| (one.loaded.ruleset.family, rule))
        })
    }

    fn counters(&self, family: Family, key: CounterKey<'_>) -> Counters {
        if let Some(index) = key.rule {
            let id = RuleId { table: key.table, chain: key.chain, index };
            return self.replay.rule_counters(family, id);
        }
        let hook = Hook::from_chain(key.chain);
        let point = hook.map(|hook| Point { table: key.table, hook });
        point
            .filter(|point| Point::ALL.contains(point))
            .map_or_else(Counters::default, |point| self.replay.policy_counters(family, point))
    }
}

/// Whether a rule asks for an answer.
fn is_reject(target: &Target) -> bool {
    matches!(target, Target::Reject(_))
}
