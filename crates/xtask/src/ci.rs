//! All the evidence in one command, the cheap steps first.

use std::path::Path;
use std::time::Instant;

use crate::error::Error;
use crate::{cargo, test, tidy};

type Step = (&'static str, fn(&Path) -> Result<(), Error>);

/// Keeps libFuzzer from being compiled where nothing is linked.
const NO_LIBFUZZER: (&str, &str) = ("CUSTOM_LIBFUZZER_PATH", "unused/libfuzzer.a");

const STEPS: [Step; 5] = [
    ("fmt", |root| {
        cargo::run(root, &["fmt", "--all", "--check"], &[])?;
        cargo::run(&root.join("fuzz"), &["fmt", "--check"], &[])
    }),
    ("tidy", tidy::run),
    ("clippy", |root| {
        let args = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        cargo::run(root, &args, &[])?;
        let args = ["clippy", "--all-targets", "--", "-D", "warnings"];
        cargo::run(&root.join("fuzz"), &args, &[NO_LIBFUZZER])
    }),
    ("test", |root| test::run(root, &[])),
    ("doc", |root| {
        cargo::run(root, &["doc", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")])
    }),
];

/// Runs every step and prints how long each took.
///
/// # Errors
/// That of the first step that fails; the later ones do not run.
pub(crate) fn run(root: &Path) -> Result<(), Error> {
    run_steps(root, &STEPS)
}

fn run_steps(root: &Path, steps: &[Step]) -> Result<(), Error> {
    let start = Instant::now();
    for (name, step) in steps {
        println!("ci: {name}");
        let began = Instant::now();
        let outcome = step(root);
        let word = if outcome.is_ok() { "passed" } else { "failed" };
        println!("ci: {name} {word} in {:.1} s", began.elapsed().as_secs_f64());
        outcome?;
    }
    println!("ci: {} steps passed in {:.1} s", steps.len(), start.elapsed().as_secs_f64());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::fixture::Fixture;

    #[test]
    fn a_failed_step_stops_the_ones_after_it() {
        let fixture = Fixture::new(&[]);
        let steps: [Step; 3] = [
            ("first", |root| {
                fs::write(root.join("first"), "").unwrap();
                Ok(())
            }),
            ("second", |_| Err(Error::TestsFailed)),
            ("third", |root| {
                fs::write(root.join("third"), "").unwrap();
                Ok(())
            }),
        ];
        assert!(matches!(run_steps(fixture.root(), &steps), Err(Error::TestsFailed)));
        assert!(fixture.root().join("first").exists());
        assert!(!fixture.root().join("third").exists());
    }
}
