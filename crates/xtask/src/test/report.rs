//! What libtest printed, line by line, and its sum.
//!
//! Per test program libtest prints `running N tests`, a line per test, with `--show-output` the
//! section `successes:` with what each passed test printed, then `failures:` likewise, and last
//! `test result: ...`. A program that never comes to its result has died.

use std::collections::HashSet;
use std::fmt;

use crate::error::Error;
use crate::fuzz::{Ending, Outcome};

/// How the reason of a skip begins that no machine with this kernel could do without.
const KERNEL_LACKS: &str = "this kernel";

/// The sum of all test programs of one run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// Tests that libtest calls `ok`, those among them that skipped themselves included.
    ok: usize,
    failed: usize,
    /// Programs that ended without a result.
    died: usize,
    /// Cargo failed although every program came to its result without a failure.
    is_broken: bool,
    /// Tests marked `#[ignore]`, with the reason where one is given.
    ignored: Vec<String>,
    skips: Vec<Skip>,
    /// Programs that have begun.
    programs: usize,
    is_running: bool,
    section: Section,
}

/// One report of a test that it did not run, or not in full.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Skip {
    /// The number of its program, as two may hold tests of one name; unknown from the skip file.
    program: Option<usize>,
    test: String,
    reason: String,
}

/// The part of libtest's output that the next line is in.
#[derive(Debug, Default, PartialEq, Eq)]
enum Section {
    #[default]
    Progress,
    /// After `successes:`; holds the test whose output it is, once there is one.
    Successes(Option<String>),
}

impl Report {
    /// Takes in one line of standard output; whether a reader wants to see it at once.
    pub(super) fn read(&mut self, line: &str) -> bool {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.is_running = false;
            self.section = Section::Progress;
            self.ok += count(counts, "passed");
            self.failed += count(counts, "failed");
            return true;
        }
        match (&mut self.section, line) {
            (Section::Progress, "successes:") => self.section = Section::Successes(None),
            (Section::Successes(_), "failures:") => self.section = Section::Progress,
            (Section::Successes(test), _) => {
                if let Some(name) = output_of(line) {
                    *test = Some(name.to_owned());
                } else if let (Some(test), Some(reason)) = (test, reason(line)) {
                    self.skips.push(Skip::printed(self.programs, test, reason));
                }
            }
            (Section::Progress, _) => self.read_progress(line),
        }
        self.section == Section::Progress
    }

    fn read_progress(&mut self, line: &str) {
        if line.starts_with("running ") && line.trim_end_matches('s').ends_with(" test") {
            self.died += usize::from(self.is_running);
            self.programs += 1;
            self.is_running = true;
        } else if let Some((name, rest)) =
            line.strip_prefix("test ").and_then(|line| line.split_once(" ... ignored"))
        {
            self.ignored.push(format!("{name}{}", rest.replacen(", ", ": ", 1)));
        }
    }

    /// Takes in how cargo ended and the lines that tests left in the skip file.
    pub(super) fn finish(&mut self, cargo_succeeded: bool, skip_file: &str) {
        self.died += usize::from(self.is_running);
        self.is_running = false;
        self.is_broken = !cargo_succeeded && self.failed + self.died == 0;
        for line in skip_file.lines() {
            let text = line.strip_prefix("skipped: ").unwrap_or(line);
            let (test, reason) = text.split_once(": ").unwrap_or((text, "no reason given"));
            // A test may well have printed the same line: it is one skip.
            if !self.skips.iter().any(|skip| skip.reason == reason && skip.is_of(test)) {
                let (test, reason) = (test.to_owned(), reason.to_owned());
                self.skips.push(Skip { program: None, test, reason });
            }
        }
    }

    /// Counts each fuzz target as a test.
    pub(super) fn add_fuzzing(&mut self, outcomes: &[Outcome]) {
        let passed = outcomes.iter().filter(|outcome| outcome.ending == Ending::Passed).count();
        self.ok += passed;
        self.failed += outcomes.len() - passed;
    }

    /// Counts something that failed as a whole and has said why.
    pub(super) fn add_failure(&mut self) {
        self.failed += 1;
    }

    /// Counts `test` as one that was there and did not run.
    pub(super) fn skip(&mut self, test: &str, reason: &str) {
        self.ok += 1;
        let (test, reason) = (test.to_owned(), reason.to_owned());
        self.skips.push(Skip { program: None, test, reason });
    }

    /// Tests that reported a skip of which `is_counted` holds, each once.
    fn skipped(&self, is_counted: impl Fn(&Skip) -> bool) -> usize {
        let counted = self.skips.iter().filter(|skip| is_counted(skip));
        counted.map(|skip| (skip.program, skip.test.as_str())).collect::<HashSet<_>>().len()
    }

    fn failures(&self) -> usize {
        self.failed + self.died + usize::from(self.is_broken)
    }

    /// # Errors
    /// [`Error::TestsFailed`] after a failure, [`Error::SkippedInCi`] in CI after a skip that a
    /// better equipped machine with this kernel would not need.
    pub(super) fn judge(&self, is_ci: bool) -> Result<(), Error> {
        match (self.failures(), self.skipped(|skip| !skip.reason.starts_with(KERNEL_LACKS))) {
            (0, 0) => Ok(()),
            (0, skipped) if is_ci => Err(Error::SkippedInCi { skipped }),
            (0, _) => Ok(()),
            _ => Err(Error::TestsFailed),
        }
    }
}

impl Skip {
    /// A skip printed by `test`, which may have put its own name before the reason.
    fn printed(program: usize, test: &str, reason: &str) -> Self {
        let mut skip =
            Self { program: Some(program), test: test.to_owned(), reason: String::new() };
        skip.reason = match reason.split_once(": ") {
            Some((name, rest)) if skip.is_of(name) => rest.to_owned(),
            _ => reason.to_owned(),
        };
        skip
    }

    /// Whether `name` is the test's name, with or without its modules.
    fn is_of(&self, name: &str) -> bool {
        self.test == name || self.test.ends_with(&format!("::{name}"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.ignored {
            writeln!(f, "ignored: {name}")?;
        }
        for Skip { test, reason, program: _ } in &self.skips {
            writeln!(f, "skipped: {test}: {reason}")?;
        }
        if self.died > 0 {
            writeln!(f, "test programs that ended without a result: {}", self.died)?;
        }
        if self.is_broken {
            writeln!(f, "cargo failed outside the tests; its reason is above")?;
        }
        let skipped = self.skipped(|_| true);
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.ok.saturating_sub(skipped),
            self.failures(),
            skipped + self.ignored.len()
        )
    }
}

/// The number before `word` in `ok. 5 passed; 0 failed; ...`.
fn count(counts: &str, word: &str) -> usize {
    let words: Vec<&str> = counts.split([' ', ';']).collect();
    let found = words.windows(2).find(|pair| pair[1] == word);
    found.and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
}

/// The test whose output starts after this line: `---- NAME stdout ----`.
fn output_of(line: &str) -> Option<&str> {
    line.strip_prefix("---- ")?.strip_suffix(" stdout ----")
}

/// The reason in `skipped: REASON` or in `ran N, skipped M: REASON` with M above zero.
fn reason(line: &str) -> Option<&str> {
    if let Some(rest) = line.strip_prefix("skipped") {
        return Some(rest.trim_start_matches([':', ' ']));
    }
    let (_, rest) = line.strip_prefix("ran ")?.split_once(", skipped ")?;
    let (number, reason) = rest.split_once(": ").unwrap_or((rest, ""));
    (number != "0").then_some(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> (Report, Vec<&str>) {
        let mut report = Report::default();
        let shown = lines.lines().filter(|line| report.read(line)).collect();
        (report, shown)
    }

    const SUCCESS: &str = "\
running 3 tests
test live::drops ... ok
test live::logs ... ok
test heavy ... ignored, needs an hour

successes:

---- live::drops stdout ----
note: something else
skipped: needs root

---- live::logs stdout ----
ran 12 cases, skipped 2: no nft
skipped: no tcpdump

successes:
    live::drops
    live::logs

test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s";

    #[test]
    fn a_test_that_skips_itself_has_not_passed() {
        let (mut report, _) = read(SUCCESS);
        report.finish(true, "");
        assert_eq!(
            report.to_string(),
            "ignored: heavy: needs an hour\n\
             skipped: live::drops: needs root\n\
             skipped: live::logs: no nft\n\
             skipped: live::logs: no tcpdump\n\
             0 passed, 0 failed, 3 skipped"
        );
    }

    #[test]
    fn the_output_of_passed_tests_is_not_shown() {
        let (_, shown) = read(SUCCESS);
        assert_eq!(shown.len(), 6, "{shown:#?}");
        assert!(!shown.contains(&"note: something else"));
    }

    #[test]
    fn a_failure_is_shown_and_is_no_skip() {
        let (mut report, shown) = read(
            "\
running 2 tests
test a ... ok
test b ... FAILED

successes:

successes:
    a

failures:

---- b stdout ----
skipped: half
thread 'b' panicked

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out",
        );
        report.finish(false, "");
        assert!(shown.contains(&"thread 'b' panicked"));
        assert_eq!(report.to_string(), "1 passed, 1 failed, 0 skipped");
        assert!(matches!(report.judge(false), Err(Error::TestsFailed)));
    }

    #[test]
    fn a_program_without_a_result_is_a_failure() {
        let (mut report, _) =
            read("running 1 test\nrunning 2 tests\ntest result: ok. 2 passed; 0 failed");
        report.finish(false, "");
        assert_eq!(
            report.to_string(),
            "test programs that ended without a result: 1\n2 passed, 1 failed, 0 skipped"
        );
    }

    #[test]
    fn a_build_that_fails_is_a_failure() {
        let mut report = Report::default();
        report.finish(false, "");
        assert!(report.to_string().ends_with("\n0 passed, 1 failed, 0 skipped"));
        assert!(matches!(report.judge(false), Err(Error::TestsFailed)));
    }

    #[test]
    fn a_skip_both_printed_and_filed_counts_once() {
        let (mut report, _) = read(SUCCESS);
        report.finish(true, "skipped: drops: needs root\nskipped: other: no ip\n");
        assert_eq!(report.skipped(|_| true), 3);
        assert!(report.to_string().contains("skipped: other: no ip\n"));
    }

    #[test]
    fn a_skip_fails_only_in_ci_and_an_ignored_test_never() {
        let (mut report, _) = read(SUCCESS);
        report.finish(true, "");
        assert!(report.judge(false).is_ok());
        assert!(matches!(report.judge(true), Err(Error::SkippedInCi { skipped: 2 })));
        report.skips.clear();
        assert!(report.judge(true).is_ok());
    }

    #[test]
    fn what_the_kernel_lacks_fails_nothing() {
        let mut report = Report::default();
        report.finish(true, "skipped: hooks: this kernel has no nfnetlink_hook\n");
        assert!(report.judge(true).is_ok());
        assert!(report.to_string().ends_with("0 passed, 0 failed, 1 skipped"));
        report.finish(true, "skipped: hooks: needs root\n");
        assert!(matches!(report.judge(true), Err(Error::SkippedInCi { skipped: 1 })));
    }

    #[test]
    fn fuzzing_that_fails_or_cannot_run_is_counted() {
        let mut report = Report::default();
        report.finish(true, "");
        report.skip("fuzz", "needs c++");
        assert_eq!(report.to_string(), "skipped: fuzz: needs c++\n0 passed, 0 failed, 1 skipped");
        assert!(matches!(report.judge(true), Err(Error::SkippedInCi { skipped: 1 })));
        report.add_failure();
        assert!(report.to_string().ends_with("0 passed, 1 failed, 1 skipped"));
        assert!(matches!(report.judge(false), Err(Error::TestsFailed)));
    }

    #[test]
    fn nothing_skipped_is_no_skip() {
        assert_eq!(reason("ran 100 instructions, skipped 0: []"), None);
        assert_eq!(reason("ran 0, skipped 1: needs nft"), Some("needs nft"));
        assert_eq!(reason("skipped all: no clang"), Some("all: no clang"));
        assert_eq!(reason("packets skipped: 5"), None);
    }
}
