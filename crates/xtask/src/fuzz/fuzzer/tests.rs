use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::fixture::Fixture;

/// What becomes of a target whose program is this shell script.
fn outcome(script: &str) -> (Fixture, Outcome) {
    let fixture = Fixture::new(&[("program", &format!("#!/bin/sh\n{script}\n"))]);
    let root = fixture.root().to_owned();
    fs::set_permissions(root.join("program"), fs::Permissions::from_mode(0o755)).unwrap();
    let fuzzer = Fuzzer {
        name: "subject".to_owned(),
        program: root.join("program"),
        corpus: root.join("corpus"),
        seeds: root.join("seeds"),
        findings: root.clone(),
        dictionary: Some(root.join("words.dict")),
        seconds: 1,
    };
    let outcome = fuzzer.run(|_| ()).unwrap();
    (fixture, outcome)
}

const QUIET: &str = r"
cat >&2 <<'END'
INFO: Loaded 1 modules   (491 inline 8-bit counters): 491 [0x1, 0x2),
INFO: Loaded 1 PC tables (491 PCs): 491 [0x1,0x2),
#2	INITED cov: 16 ft: 16 corp: 1/1b exec/s: 0 rss: 27Mb
#456	NEW    cov: 26 ft: 26 corp: 2/9b lim: 8 exec/s: 0 rss: 27Mb
#99000	DONE   cov: 26 ft: 30 corp: 2/9b lim: 8 exec/s: 0 rss: 27Mb
END";

#[test]
fn a_run_without_finding_passes_and_tells_its_coverage() {
    let (_fixture, outcome) = outcome(QUIET);
    assert_eq!(outcome.ending, Ending::Passed);
    assert_eq!(outcome.to_string(), "fuzz subject ... ok, 99000 runs, 16 -> 26 of 491 edges");
}

#[test]
fn a_program_without_counters_has_not_passed() {
    let (_fixture, outcome) = outcome("echo '#2\tDONE cov: 0' >&2");
    assert_eq!(outcome.ending, Ending::Blind);
}

#[test]
fn a_crash_is_told_with_its_smallest_input() {
    let script = format!(
        "{QUIET}
folder=$(dirname $0)
case \"$*\" in
*-minimize_crash=1*) touch \"$folder/minimised-77\"; exit 0 ;;
esac
echo 'thread x panicked at targets/subject.rs:3:5:' >&2
echo 'left is not right' >&2
echo 'SUMMARY: libFuzzer: deadly signal' >&2
echo '0x2a,0x66' >&2
echo \"artifact_prefix='x'; Test unit written to $folder/crash-77\" >&2
exit 77"
    );
    let (fixture, outcome) = outcome(&script);
    let path = fixture.root().join("minimised-77");
    let Ending::Failed { input, said } = &outcome.ending else { panic!("{outcome}") };
    assert_eq!(input.as_deref(), Some(path.as_path()));
    assert_eq!(said[1..], ["left is not right"]);
    let last = format!("again: cargo xtask fuzz subject --input {}", path.display());
    assert!(outcome.to_string().ends_with(&last), "{outcome}");
}

#[test]
fn an_input_that_takes_too_long_is_kept_as_it_is() {
    let script = "echo 'ERROR: libFuzzer: timeout after 10 seconds' >&2
echo 'Test unit written to /x/timeout-1' >&2
exit 70";
    let (_fixture, outcome) = outcome(script);
    let Ending::Failed { input, said } = &outcome.ending else { panic!("{outcome}") };
    assert_eq!(input.as_deref(), Some(Path::new("/x/timeout-1")));
    assert_eq!(said.len(), 2);
}

#[test]
fn a_program_that_dies_silently_has_failed() {
    let (_fixture, outcome) = outcome("exit 1");
    assert_eq!(outcome.ending, Ending::Failed { input: None, said: Vec::new() });
}
