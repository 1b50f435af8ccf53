//! Several targets at a time, and what a reader sees of them meanwhile.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::fuzzer::{Ending, Fuzzer, Outcome, State};
use super::output_failed;
use crate::error::Error;

/// How often the line of progress is drawn on a terminal.
const INTERVAL: Duration = Duration::from_millis(500);

/// News of a target.
enum News {
    At(usize, State),
    Ended(Result<Outcome, Error>, usize),
}

/// Runs all `fuzzers`, `jobs` at a time, and prints the outcome of each as it ends; on a terminal,
/// the last line tells what runs. The outcomes are in the order in which they ended.
///
/// # Errors
/// That of the first target that could not be run; the others are run all the same.
pub(super) fn run(
    fuzzers: &[Fuzzer],
    jobs: usize,
    is_terminal: bool,
    out: &mut impl Write,
) -> Result<Vec<Outcome>, Error> {
    let next = AtomicUsize::new(0);
    let (sender, news) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..jobs.min(fuzzers.len()) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || work(fuzzers, next, &sender));
        }
        drop(sender);
        report(fuzzers, &news, is_terminal, out)
    })
}

/// Runs one target after another until none is left.
fn work(fuzzers: &[Fuzzer], next: &AtomicUsize, news: &Sender<News>) {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(fuzzer) = fuzzers.get(index) else { return };
        // Nobody listens any more only when the output is gone, which is reported there.
        let tell = |state: &State| drop(news.send(News::At(index, state.clone())));
        tell(&State::default());
        let outcome = fuzzer.run(tell);
        drop(news.send(News::Ended(outcome, index)));
    }
}

fn report(
    fuzzers: &[Fuzzer],
    news: &Receiver<News>,
    is_terminal: bool,
    out: &mut impl Write,
) -> Result<Vec<Outcome>, Error> {
    let mut running = BTreeMap::new();
    let mut outcomes = Vec::new();
    let mut failure = None;
    let mut drawn = Instant::now();
    loop {
        match news.recv_timeout(INTERVAL) {
            Ok(News::At(index, state)) => drop(running.insert(index, state)),
            Ok(News::Ended(outcome, index)) => {
                running.remove(&index);
                match outcome {
                    Ok(outcome) => {
                        let clear = if is_terminal { "\r\x1b[K" } else { "" };
                        writeln!(out, "{clear}{outcome}").map_err(output_failed)?;
                        outcomes.push(outcome);
                    }
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if is_terminal && drawn.elapsed() >= INTERVAL {
            drawn = Instant::now();
            let line = progress(fuzzers, &running, outcomes.len());
            write!(out, "\r\x1b[K{line}").and_then(|()| out.flush()).map_err(output_failed)?;
        }
    }
    failure.map_or(Ok(outcomes), Err)
}

/// `3 of 12; vm_run: 51200 runs, 980 edges; ...`.
fn progress(fuzzers: &[Fuzzer], running: &BTreeMap<usize, State>, ended: usize) -> String {
    let mut line = format!("{ended} of {}", fuzzers.len());
    for (index, State { runs, covered, .. }) in running {
        let name = &fuzzers[*index].name;
        line.push_str(&format!("; {name}: {runs} runs, {covered} edges"));
    }
    line
}

/// `11 passed, 1 failed`.
pub(super) fn sum(outcomes: &[Outcome]) -> String {
    let passed = outcomes.iter().filter(|outcome| outcome.ending == Ending::Passed).count();
    format!("{passed} passed, {} failed", outcomes.len() - passed)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::fixture::Fixture;

    /// Targets of these names, all of which run this shell script.
    fn fuzzers(fixture: &Fixture, names: &[&str], script: &str) -> Vec<Fuzzer> {
        fixture.write("program", &format!("#!/bin/sh\n{script}\n"));
        let root = fixture.root();
        fs::set_permissions(root.join("program"), fs::Permissions::from_mode(0o755)).unwrap();
        let fuzzer = |name: &&str| Fuzzer {
            name: (*name).to_owned(),
            program: root.join("program"),
            corpus: root.join(name),
            seeds: root.to_owned(),
            findings: root.to_owned(),
            dictionary: None,
            seconds: 1,
        };
        names.iter().map(fuzzer).collect()
    }

    #[test]
    fn every_target_runs_once_and_failures_are_counted() {
        let fixture = Fixture::new(&[]);
        let script = "echo 'INFO: Loaded 1 PC tables (5 PCs): 5' >&2
case \"$*\" in */c\\ *) exit 1 ;; esac";
        let fuzzers = fuzzers(&fixture, &["a", "b", "c", "d", "e"], script);
        let mut out = Vec::new();
        let outcomes = run(&fuzzers, 2, false, &mut out).unwrap();
        assert_eq!(sum(&outcomes), "4 passed, 1 failed");
        let text = String::from_utf8(out).unwrap();
        for name in ["a", "b", "d", "e"] {
            assert_eq!(text.matches(&format!("fuzz {name} ... ok")).count(), 1, "{text}");
        }
        assert!(text.contains("fuzz c ... FAILED"), "{text}");
    }

    #[test]
    fn a_terminal_shows_what_runs() {
        let fixture = Fixture::new(&[]);
        let script = "echo '#7\tNEW cov: 3' >&2; sleep 1.2";
        let fuzzers = fuzzers(&fixture, &["slow"], script);
        let mut out = Vec::new();
        run(&fuzzers, 1, true, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("0 of 1; slow: 7 runs, 3 edges"), "{text:?}");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let fixture = Fixture::new(&[]);
        let fuzzers = fuzzers(&fixture, &["a"], "");
        fs::remove_file(&fuzzers[0].program).unwrap();
        assert!(matches!(run(&fuzzers, 1, false, &mut Vec::new()), Err(Error::Start { .. })));
    }
}
