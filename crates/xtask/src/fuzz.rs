//! Fuzzing with coverage on a stable compiler: build the targets, run each for a while, report.
//!
//! The targets are those of `fuzz/targets`, which `cargo fuzz` runs as well where it is installed.
//! Here they are built with the coverage counters that libFuzzer reads and without a sanitizer,
//! which needs an unstable compiler and would find nothing in code without `unsafe`; assertions
//! and overflow checks stay on. What a run learns is kept below the target folder of cargo, so
//! that the next run starts from there; seeds that we wrote are in `fuzz/seeds`.

mod argument;
mod build;
mod fuzzer;
mod schedule;
mod seed;

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

use crate::error::Error;
use argument::Arguments;
use build::Built;
use fuzzer::Fuzzer;

pub(crate) use fuzzer::{Ending, Outcome};

/// Seconds that each target runs unless the command says otherwise.
const SECONDS: u32 = 10;

/// Runs the command `fuzz`.
///
/// # Errors
/// [`Error::FuzzFailed`] when a target found an input that fails; else what kept it from running.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<(), Error> {
    let arguments = Arguments::parse(args, &targets(root)?)?;
    if let Some(input) = &arguments.input {
        let [target] = arguments.targets.as_slice() else { return Err(Error::FuzzInput) };
        return build::build(root, &arguments.targets)?.replay(target, input);
    }
    let jobs = arguments.jobs.unwrap_or_else(processors);
    let outcomes =
        run_targets(root, &arguments.targets, arguments.seconds.unwrap_or(SECONDS), jobs)?;
    match outcomes.iter().filter(|outcome| outcome.ending != Ending::Passed).count() {
        0 => Ok(()),
        failed => Err(Error::FuzzFailed { failed }),
    }
}

/// Builds and runs all targets, `seconds` each, and prints what becomes of them.
///
/// # Errors
/// What kept a target from being built or started.
pub(crate) fn run_all(root: &Path, seconds: u32) -> Result<Vec<Outcome>, Error> {
    run_targets(root, &targets(root)?, seconds, processors())
}

fn run_targets(
    root: &Path,
    targets: &[String],
    seconds: u32,
    jobs: usize,
) -> Result<Vec<Outcome>, Error> {
    let built = build::build(root, targets)?;
    let fuzzers: Vec<Fuzzer> = targets
        .iter()
        .map(|target| prepare(root, &built, target, seconds))
        .collect::<Result<_, _>>()?;
    let mut stdout = io::stdout();
    let is_terminal = stdout.is_terminal();
    let outcomes = schedule::run(&fuzzers, jobs, is_terminal, &mut stdout)?;
    writeln!(stdout, "fuzz: {}", schedule::sum(&outcomes)).map_err(output_failed)?;
    Ok(outcomes)
}

/// The folders of a target, made and filled.
fn prepare(root: &Path, built: &Built, target: &str, seconds: u32) -> Result<Fuzzer, Error> {
    let folder = |kind: &str| built.folder.join(kind).join(target);
    let (corpus, seeds, findings) = (folder("corpus"), folder("seeds"), folder("findings"));
    for path in [&corpus, &findings] {
        fs::create_dir_all(path).map_err(|source| Error::Write { path: path.clone(), source })?;
    }
    seed::unpack(&root.join("fuzz/seeds").join(target), &seeds)?;
    let dictionary = root.join("fuzz/dictionaries").join(format!("{target}.dict"));
    Ok(Fuzzer {
        name: target.to_owned(),
        program: built.program(target),
        corpus,
        seeds,
        findings,
        dictionary: dictionary.is_file().then_some(dictionary),
        seconds,
    })
}

/// The names of all targets: one file each.
fn targets(root: &Path) -> Result<Vec<String>, Error> {
    let folder = root.join("fuzz/targets");
    let failed = |source| Error::Read { path: folder.clone(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let path = PathBuf::from(entry.map_err(failed)?.file_name());
        if path.extension().is_some_and(|ending| ending == "rs") {
            names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
        }
    }
    names.sort();
    Ok(names)
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

fn output_failed(source: io::Error) -> Error {
    Error::Write { path: "standard output".into(), source }
}
