//! One target under libFuzzer: its command line, what it says, how it ended.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;

/// Seconds after which one input is taken for one that never ends.
const INPUT_SECONDS_MAX: u32 = 10;

/// Megabytes above which a target is taken to hold too much.
const MEMORY_MEGABYTES_MAX: u32 = 2048;

/// Seconds spent on making a failing input smaller.
const MINIMISE_SECONDS: u32 = 15;

/// Lines of what a failed target said that are shown.
const LINES_SHOWN: usize = 40;

/// A target about to run.
#[derive(Debug)]
pub(super) struct Fuzzer {
    pub(super) name: String,
    pub(super) program: PathBuf,
    /// What earlier runs found worth keeping; grows.
    pub(super) corpus: PathBuf,
    pub(super) seeds: PathBuf,
    /// Where inputs go that fail.
    pub(super) findings: PathBuf,
    pub(super) dictionary: Option<PathBuf>,
    pub(super) seconds: u32,
}

/// What became of a target.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) name: String,
    pub(crate) ending: Ending,
    state: State,
}

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Passed,
    /// An input failed; `said` is what the target said about it.
    Failed {
        input: Option<PathBuf>,
        said: Vec<String>,
    },
    /// The program has no counters, so libFuzzer was blind.
    Blind,
}

/// What libFuzzer's lines have told so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) runs: u64,
    /// Edges in the program that are counted.
    edges: u64,
    /// Edges reached by the corpus and the seeds alone.
    covered_first: Option<u64>,
    /// Edges reached so far.
    pub(super) covered: u64,
    input: Option<PathBuf>,
    /// From the first line that tells of a failure on.
    said: Vec<String>,
    /// All has been said about the failure.
    is_told: bool,
}

impl Fuzzer {
    /// Runs the target for its time; `watch` sees the state after each line.
    ///
    /// # Errors
    /// [`Error::Start`] when it cannot be started or listened to.
    pub(super) fn run(&self, mut watch: impl FnMut(&State)) -> Result<Outcome, Error> {
        let failed = |source| Error::Start { program: self.program.display().to_string(), source };
        let mut child = self
            .command()
            .arg(format!("-max_total_time={}", self.seconds))
            .arg("-print_final_stats=1")
            .arg(prefix("-artifact_prefix=", &self.findings, "/"))
            .args(self.dictionary.iter().map(|path| prefix("-dict=", path, "")))
            .args([&self.corpus, &self.seeds])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let mut state = State::default();
        if let Some(stderr) = child.stderr.take() {
            let mut lines = BufReader::new(stderr);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).map_err(failed)? > 0 {
                state.read(String::from_utf8_lossy(&line).trim_end());
                watch(&state);
                line.clear();
            }
        }
        let is_success = child.wait().map_err(failed)?.success();
        Ok(self.outcome(is_success, state))
    }

    fn outcome(&self, is_success: bool, mut state: State) -> Outcome {
        let ending = match (is_success, state.edges) {
            (true, 0) => Ending::Blind,
            (true, _) => Ending::Passed,
            (false, _) => {
                let input = state.input.take().map(|input| self.minimise(input));
                Ending::Failed { input, said: std::mem::take(&mut state.said) }
            }
        };
        Outcome { name: self.name.clone(), ending, state }
    }

    /// A smaller input that fails too, if one is found in time; else `input` itself.
    fn minimise(&self, input: PathBuf) -> PathBuf {
        let name = input.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // libFuzzer makes inputs smaller that crash, not such as take long or much memory.
        let Some(hash) = name.strip_prefix("crash-") else { return input };
        let smaller = self.findings.join(format!("minimised-{hash}"));
        let result = self
            .command()
            .arg("-minimize_crash=1")
            .arg(format!("-max_total_time={MINIMISE_SECONDS}"))
            .arg(prefix("-exact_artifact_path=", &smaller, ""))
            .arg(&input)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if result.is_ok() && smaller.is_file() { smaller } else { input }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
            .arg(format!("-rss_limit_mb={MEMORY_MEGABYTES_MAX}"))
            .env("RUST_BACKTRACE", "0");
        command
    }
}

/// An option of libFuzzer whose value is a path.
fn prefix(option: &str, path: &Path, end: &str) -> std::ffi::OsString {
    let mut text = std::ffi::OsString::from(option);
    text.push(path);
    text.push(end);
    text
}

impl State {
    fn read(&mut self, line: &str) {
        if let Some(count) = counter_table(line) {
            self.edges += count;
        } else if let Some(path) = line.split("Test unit written to ").nth(1) {
            self.input = Some(path.into());
        } else if let Some(rest) = line.strip_prefix('#') {
            self.read_progress(rest);
        }
        let is_failure = line.contains("panicked at") || line.contains("ERROR: libFuzzer");
        let is_wanted = (is_failure || !self.said.is_empty()) && !self.is_told;
        // Behind its summary libFuzzer prints the input, which is in a file.
        self.is_told |= line.starts_with("SUMMARY: ");
        if is_wanted && !self.is_told && self.said.len() < LINES_SHOWN {
            self.said.push(line.to_owned());
        }
    }

    /// `456\tNEW    cov: 26 ft: 26 corp: 2/9b ...`.
    fn read_progress(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        self.runs = words.next().and_then(|runs| runs.parse().ok()).unwrap_or(self.runs);
        let is_first = words.next() == Some("INITED");
        let value = words.skip_while(|word| *word != "cov:").nth(1);
        if let Some(covered) = value.and_then(|value| value.parse().ok()) {
            self.covered = covered;
            if is_first {
                self.covered_first = Some(covered);
            }
        }
    }
}

/// The number in `INFO: Loaded 1 PC tables (491 PCs): ...`.
fn counter_table(line: &str) -> Option<u64> {
    let (_, rest) = line.split_once(" PC tables (")?;
    rest.split_whitespace().next()?.parse().ok()
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let State { runs, edges, covered_first, covered, .. } = &self.state;
        let first = covered_first.unwrap_or_default();
        write!(f, "fuzz {} ... ", self.name)?;
        match &self.ending {
            Ending::Passed => {
                write!(f, "ok, {runs} runs, {first} -> {covered} of {edges} edges")
            }
            Ending::Blind => write!(f, "FAILED: the program counts no edges"),
            Ending::Failed { input, said } => {
                writeln!(f, "FAILED after {runs} runs")?;
                said.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
                match input {
                    Some(input) => {
                        let path = input.display();
                        writeln!(f, "input: {path}")?;
                        write!(f, "again: cargo xtask fuzz {} --input {path}", self.name)
                    }
                    None => write!(f, "it left no input behind"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
