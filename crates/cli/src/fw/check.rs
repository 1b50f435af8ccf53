//! `netloom fw check`: what is wrong with a ruleset, and where each of its rules would run.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use netloom_firewall::check::check;
use netloom_firewall::model::Ruleset;
use netloom_firewall::{CompileError, Leniency, Slots, compile, plan, prepare};
use serde::Serialize;

use super::placement::{Fate, LeniencyOptions, PlaceName, Placement, Summary, columns, placements};
use super::ruleset::{FamilyOptions, SourceText, family_name};
use crate::failure::{ErrorReport, Failure};
use crate::output::{Outcome, Output};
use crate::report::{Level, Report};

/// The version of this command's documents.
const SCHEMA: u32 = 1;

#[derive(Args, Debug)]
#[command(after_help = "Example: iptables-save | netloom fw check -")]
pub(crate) struct Arguments {
    /// Files in the format of iptables-save; `-` reads standard input
    #[arg(required = true, value_name = "RULES")]
    rules: Vec<PathBuf>,
    #[command(flatten)]
    family: FamilyOptions,
    #[command(flatten)]
    leniency: LeniencyOptions,
    /// Print only what is wrong or doubtful
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Print each rule's text, and the size of the programs
    #[arg(short, long)]
    verbose: bool,
}

/// What is known of one file.
#[derive(Serialize)]
struct Checked {
    file: String,
    family: Option<&'static str>,
    /// Whether all of it would run, under the options given.
    accepted: bool,
    diagnostics: Vec<Report>,
    rules: Vec<Placement>,
    summary: Summary,
    programs: Vec<ProgramSize>,
}

#[derive(Serialize)]
struct ProgramSize {
    name: String,
    instructions: usize,
}

#[derive(Serialize)]
struct Body {
    files: Vec<Checked>,
}

/// Checks all files; refuses when one of them would not run.
pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Outcome, Failure> {
    let stdins = arguments.rules.iter().filter(|path| crate::input::is_stdin(path)).count();
    if stdins > 1 {
        return Err(ErrorReport::usage("standard input is named twice").into());
    }
    let mut files = Vec::new();
    for path in &arguments.rules {
        let checked = check_file(path, arguments)?;
        if !output.is_json() {
            print(&checked, arguments, output)?;
        }
        files.push(checked);
    }
    let is_accepted = files.iter().all(|file| file.accepted);
    if output.is_json() {
        output.document(SCHEMA, &Body { files })?;
    }
    Ok(if is_accepted { Outcome::Done } else { Outcome::Refused })
}

fn check_file(path: &Path, arguments: &Arguments) -> Result<Checked, Failure> {
    let source = SourceText::read(path)?;
    let read = source.parse(arguments.family.family());
    let mut checked = Checked {
        file: source.name.clone(),
        family: None,
        accepted: false,
        diagnostics: read.findings.iter().map(|found| source.report(found)).collect(),
        rules: Vec::new(),
        summary: Summary::default(),
        programs: Vec::new(),
    };
    let Some(ruleset) = &read.ruleset else { return Ok(checked) };
    checked.family = Some(family_name(ruleset.family));
    checked.rules = placements(ruleset, &plan(ruleset), arguments.leniency.into());
    checked.summary = Summary::of(&checked.rules);
    checked.diagnostics.extend(check(ruleset).iter().map(|found| Report {
        related: found.cause.and_then(|cause| source.mark(cause)),
        ..source.report(&found.diagnostic)
    }));
    checked.accepted = checked.rules.iter().all(|rule| rule.fate != Fate::Refused);
    match sizes(ruleset) {
        Ok(programs) => checked.programs = programs,
        Err(limit) => {
            checked.accepted = false;
            let mut report = Report::new(Level::Error, format!("{}: {limit}", source.name));
            report.help = Some("split the ruleset, or join rules with multiport or iprange".into());
            checked.diagnostics.push(report);
        }
    }
    Ok(checked)
}

/// Compiles what can be compiled of the ruleset, for the limits that only then show.
fn sizes(ruleset: &Ruleset) -> Result<Vec<ProgramSize>, CompileError> {
    let leniency = Leniency { skip_unsupported: true, reject_as_drop: true };
    let Ok(planned) = prepare(ruleset, leniency) else { return Ok(Vec::new()) };
    let slots = Slots::assign(&[ruleset], &Slots::default(), &HashSet::new());
    let compiled = compile(&[planned], &slots)?;
    let size = |program: &netloom_abi::Program| ProgramSize {
        name: program.name.clone(),
        instructions: program.insns.len(),
    };
    Ok(compiled.object.programs.iter().map(size).collect())
}

/// The table and the summary on standard output, the diagnostics between them on standard error,
/// so that on a terminal the end of the text says how it stands.
fn print(checked: &Checked, arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let mut table = columns(arguments.verbose);
    let is_shown = |rule: &&Placement| {
        !arguments.quiet || !matches!(rule.place, PlaceName::Xdp | PlaceName::Netfilter)
    };
    for rule in checked.rules.iter().filter(is_shown) {
        if arguments.verbose {
            table.push(rule.cells_with_text());
        } else {
            table.push(rule.cells());
        }
    }
    let mut out = output.text();
    if arguments.rules.len() > 1 && !(arguments.quiet && table.is_empty()) {
        writeln!(out, "# {}", checked.file)?;
    }
    if !table.is_empty() {
        table.write(&mut out, output.is_styled())?;
    }
    if arguments.verbose && !checked.programs.is_empty() {
        let programs = checked.programs.iter();
        let sizes: Vec<String> =
            programs.map(|program| format!("{} {}", program.name, program.instructions)).collect();
        writeln!(out, "instructions: {}", sizes.join(", "))?;
    }
    out.flush()?;
    for report in &checked.diagnostics {
        output.report(report);
    }
    if !arguments.quiet {
        writeln!(out, "{}", verdict(checked))?;
        out.flush()?;
    }
    Ok(())
}

/// The last line: how many rules run where, or that there is no ruleset.
fn verdict(checked: &Checked) -> String {
    let Some(family) = checked.family else {
        let errors = checked.diagnostics.iter().filter(|report| report.level == Level::Error);
        let errors = errors.count();
        let plural = if errors == 1 { "" } else { "s" };
        return format!("{} is refused: {errors} error{plural}", checked.file);
    };
    format!("{} ({family})", checked.summary)
}
