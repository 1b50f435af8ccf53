use super::*;
use crate::fixture::Fixture;

const MANIFEST: &str = "[package]\nname = \"subject\"\nedition = \"2024\"\n[workspace]\n";

const SUBJECT: &str = r#"
#[test]
fn passes() {}

#[test]
fn skips_itself() {
    println!("skipped: skips_itself: needs a unicorn");
}

#[test]
fn files_a_skip() {
    use std::io::Write;
    let path = std::env::var("NETLOOM_SKIPS").unwrap();
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    writeln!(file, "skipped: files_a_skip: needs a griffin").unwrap();
}

#[test]
#[ignore = "needs a dragon"]
fn waits() {}
"#;

/// The summary of `cargo test` over a package with this library and this integration test.
fn check(library: &str, integration: &str) -> Report {
    let fixture = Fixture::new(&[
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", library),
        ("tests/integration.rs", integration),
    ]);
    let mut tests = cargo::command(fixture.root());
    tests.args(arguments(&[])).env("CARGO_TARGET_DIR", fixture.root().join("target"));
    observe(tests.stderr(Stdio::null()), fixture.root(), &mut io::sink()).unwrap()
}

#[test]
fn real_test_programs_are_summed_up() {
    let report = check(SUBJECT, "#[test]\nfn fails() { panic!() }");
    assert_eq!(
        report.to_string(),
        "ignored: waits: needs a dragon\n\
         skipped: skips_itself: needs a unicorn\n\
         skipped: files_a_skip: needs a griffin\n\
         1 passed, 1 failed, 3 skipped"
    );
}

#[test]
fn a_real_program_that_aborts_is_a_failure() {
    let report = check(SUBJECT, "#[test]\nfn dies() { std::process::abort() }");
    assert!(report.to_string().ends_with("\n1 passed, 1 failed, 3 skipped"), "{report}");
}

#[test]
fn a_filter_after_the_dashes_is_kept() {
    let args = ["-p", "x", "--", "name"].map(str::to_owned);
    assert_eq!(
        arguments(&args),
        ["test", "--no-fail-fast", "-p", "x", "--", "name", "--show-output"]
    );
}
