//! The test command: what the tests need, the tests, a little fuzzing, and what was not run.
//!
//! A privileged test probes for what it needs and goes home early where that is missing. libtest
//! counts it as passed, so the test must say so, in one of two ways:
//!
//! - it prints `skipped: REASON`, or `ran N, skipped M: REASON` when parts of it ran;
//! - where its standard output is not its own (a child process, say), it appends the line
//!   `skipped: NAME: REASON` to the file that the environment variable `NETLOOM_SKIPS` names.
//!
//! Such a test counts as skipped, not as passed. With `CI=true` in the environment it fails the
//! command, because a CI machine is there to run everything that its kernel supports. Two kinds are
//! listed and counted as skipped, but fail nothing: a reason that begins with `this kernel`, as in
//! `this kernel has no nfnetlink_hook`, which neither a package nor a right could mend; and a test
//! marked `#[ignore = "REASON"]`, which needs what Debian does not have.

mod packages;
mod report;

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs, process};

use crate::error::Error;
use crate::{cargo, fuzz};
use packages::Machine;
use report::Report;

/// Seconds that each fuzz target runs.
const FUZZ_SECONDS: u32 = 5;

/// The program that builds libFuzzer.
const CPP_COMPILER: &str = "c++";

/// Readies the machine, runs the tests and then the fuzz targets, and prints the summary, whose last
/// line is `N passed, N failed, N skipped`.
///
/// `args` take the place of `--workspace`, and then nothing is fuzzed. All tests are built in the `dev` profile, which
/// optimises enough for packet loops, so that each crate is compiled once.
///
/// # Errors
/// [`Error::TestsFailed`], in CI also [`Error::SkippedInCi`]; else what kept the tests from
/// running.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<(), Error> {
    let machine = Machine::current();
    machine.ready(&mut io::stdout())?;
    let mut tests = cargo::command(root);
    tests.args(arguments(args)).env("PATH", machine.path());
    let mut report = observe(&mut tests, &env::temp_dir(), &mut io::stdout())?;
    if args.is_empty() {
        fuzz_a_little(root, &machine, &mut report);
    }
    println!("\n{report}");
    report.judge(env::var_os("CI").is_some_and(|value| value == "true"))
}

/// Runs all fuzz targets; each counts as a test.
fn fuzz_a_little(root: &Path, machine: &Machine, report: &mut Report) {
    if !machine.has(CPP_COMPILER) {
        report.skip("fuzz", &format!("needs {CPP_COMPILER}"));
        return;
    }
    match fuzz::run_all(root, FUZZ_SECONDS) {
        Ok(outcomes) => report.add_fuzzing(&outcomes),
        Err(error) => {
            eprintln!("error: {error}");
            report.add_failure();
        }
    }
}

/// The arguments of `cargo`. Captured output is asked for, as it holds the reports of skips.
fn arguments(args: &[String]) -> Vec<&str> {
    let mut all = vec!["test", "--no-fail-fast"];
    if args.is_empty() {
        all.push("--workspace");
    }
    all.extend(args.iter().map(String::as_str));
    if !all.contains(&"--") {
        all.push("--");
    }
    all.push("--show-output");
    all
}

/// Runs `tests` with a skip file in `folder`, passes their lines on to `out` and takes stock.
fn observe(tests: &mut Command, folder: &Path, out: &mut impl Write) -> Result<Report, Error> {
    let failed_start = |source| Error::Start { program: "cargo test".to_owned(), source };
    let skips = SkipFile::new(folder)?;
    let mut child = tests
        .env("NETLOOM_SKIPS", &skips.path)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed_start)?;
    let mut report = Report::default();
    if let Some(stdout) = child.stdout.take() {
        read_lines(BufReader::new(stdout), &mut report, out).map_err(failed_start)?;
    }
    let status = child.wait().map_err(failed_start)?;
    report.finish(status.success(), &skips.read()?);
    Ok(report)
}

/// Feeds each line to `report`, and to `out` those that it does not keep for the summary.
fn read_lines(
    mut lines: impl BufRead,
    report: &mut Report,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        // A test may print any bytes; only whole lines of text can mean something here.
        if report.read(String::from_utf8_lossy(&line).trim_end()) {
            out.write_all(&line)?;
        }
        line.clear();
    }
    Ok(())
}

/// The file that `NETLOOM_SKIPS` names, removed when dropped.
struct SkipFile {
    path: PathBuf,
}

impl SkipFile {
    fn new(folder: &Path) -> Result<Self, Error> {
        // A run that was killed leaves its file, and process ids come again.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let path = folder.join(format!("netloom-skips-{}-{now}", process::id()));
        // `create_new` neither follows nor empties what another user put there.
        match fs::File::create_new(&path) {
            Ok(_) => Ok(Self { path }),
            Err(source) => Err(Error::Write { path, source }),
        }
    }

    fn read(&self) -> Result<String, Error> {
        fs::read_to_string(&self.path)
            .map_err(|source| Error::Read { path: self.path.clone(), source })
    }
}

impl Drop for SkipFile {
    fn drop(&mut self) {
        // The folder is for temporary files: one that stays behind is swept up by the system.
        drop(fs::remove_file(&self.path));
    }
}

#[cfg(test)]
mod tests;
