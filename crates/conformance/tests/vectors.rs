//! Our own vectors on our engines and on the kernel.

use netloom_conformance::engine::{Interpreter, Kernel};
use netloom_conformance::vectors::FILES;
use netloom_conformance::{Engine, Vector, Verdict};

/// Runs all vectors; gives the numbers of those that passed, and of those that were skipped with why.
fn run(engine: &mut dyn Engine) -> (usize, Vec<String>) {
    let (mut passed, mut skipped, mut failed) = (0, Vec::new(), Vec::new());
    for (file, text) in FILES {
        let vectors = Vector::parse(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        for vector in vectors {
            let told = |reason| format!("{file}:{}: {}: {reason}", vector.line, vector.name);
            match vector.run(engine) {
                Verdict::Passed => passed += 1,
                Verdict::Failed(reason) => failed.push(told(reason)),
                Verdict::Skipped(reason) => skipped.push(told(reason)),
            }
        }
    }
    assert!(failed.is_empty(), "{} fail:\n{}", failed.len(), failed.join("\n"));
    (passed, skipped)
}

#[test]
fn the_interpreter_does_what_vectors_say() {
    let (passed, skipped) = run(&mut Interpreter);
    assert!(passed > 100 && skipped.len() < passed / 20, "{passed} passed, skipped {skipped:#?}");
}

#[test]
fn the_kernel_does_what_vectors_say() {
    let (passed, skipped) = run(&mut Kernel::default());
    match skipped.first() {
        Some(reason) if passed == 0 => println!("skipped: {reason}"),
        _ => assert!(skipped.len() < passed / 10, "{passed} passed, skipped {skipped:#?}"),
    }
}
