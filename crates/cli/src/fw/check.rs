//! `netloom fw check`: what is wrong with a ruleset, and where each of its rules would run.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use netloom_firewall::check::check;
use netloom_firewall::model::{Family, Ruleset};
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
        let source = SourceText::read(path)?;
        let checked = check_text(&source, arguments.family.family(), arguments.leniency.into());
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

fn check_text(source: &SourceText, family: Option<Family>, leniency: Leniency) -> Checked {
    let read = source.parse(family);
    let mut checked = Checked {
        file: source.name.clone(),
        family: None,
        accepted: false,
        diagnostics: read.findings.iter().map(|found| source.report(found)).collect(),
        rules: Vec::new(),
        summary: Summary::default(),
        programs: Vec::new(),
    };
    let Some(ruleset) = &read.ruleset else { return checked };
    checked.family = Some(family_name(ruleset.family));
    checked.rules = placements(ruleset, &plan(ruleset), leniency);
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
    checked
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

#[cfg(test)]
mod tests {
    use super::*;

    const SEEDS: [&[u8]; 3] = [
        include_bytes!("../../../../examples/web-server.v4.rules"),
        include_bytes!("../../../../examples/web-server.v6.rules"),
        include_bytes!("../../tests/rules/mixed.rules"),
    ];

    #[test]
    fn no_damaged_ruleset_breaks_the_check() {
        arbtest::arbtest(|random| {
            let mut text = random.choose(&SEEDS)?.to_vec();
            for _ in 0..random.int_in_range(1..=12)? {
                damage(&mut text, random)?;
            }
            let source = SourceText::new("damaged".into(), text);
            let checked = check_text(&source, None, Leniency::default());
            for report in &checked.diagnostics {
                assert!(report.render(false).contains(": "));
            }
            let is_refused = checked.diagnostics.iter().any(|found| found.level == Level::Error);
            assert!(!(is_refused && checked.accepted));
            Ok(())
        })
        .budget_ms(1_500);
    }

    /// Replaces, takes away, repeats or moves bytes.
    fn damage(
        text: &mut Vec<u8>,
        random: &mut arbtest::arbitrary::Unstructured<'_>,
    ) -> arbtest::arbitrary::Result<()> {
        let at = random.choose_index(text.len() + 1)?;
        let length = random.int_in_range(0..=40)?.min(text.len() - at);
        let piece: Vec<u8> = match random.int_in_range(0..=4)? {
            0 => Vec::new(),
            1 => random.bytes(length.min(random.len()))?.to_vec(),
            2 => text[at..at + length].repeat(2),
            3 => b" -m conntrack ! --ctstate NEW".to_vec(),
            _ => {
                let from = random.choose_index(text.len() + 1)?;
                text[from..(from + length).min(text.len())].to_vec()
            }
        };
        text.splice(at..at + length, piece);
        Ok(())
    }
}
