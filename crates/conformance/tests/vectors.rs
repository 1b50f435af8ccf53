//! Our own vectors on our engines and on the kernel.

use netloom_conformance::engine::{Interpreter, Kernel, Kind};
use netloom_conformance::vectors::FILES;
use netloom_conformance::{Engine, Vector, Verdict};
use netloom_isa::{Form, Insn, forms};

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

/// Operations that only one kind of engine runs to the end, or none, each with why.
const NOT_EVERYWHERE: [(&str, &[Kind], &str); 9] = [
    ("CallRegImm", &[], "an older encoding of CallReg, which has no text of its own"),
    ("CallReg", &[Kind::Ours], "the kernel has no such instruction"),
    ("CallKfunc", &[], "ids are different on every machine"),
    ("JumpReg", &[], "wants jump tables, which come with Linux 6.19"),
    ("AddrSpaceCast", &[], "wants an arena"),
    ("AddrPercpu", &[], "made by the verifier only"),
    ("Imm64(BtfId)", &[], "ids are different on every machine"),
    ("Imm64(MapFd)", &[Kind::Kernel], "descriptors are the kernel's"),
    ("Imm64(MapFdValue)", &[Kind::Kernel], "descriptors are the kernel's"),
];

#[test]
fn vectors_run_every_form_of_the_instruction_set() {
    let files =
        FILES.map(|(file, text)| Vector::parse(text).unwrap_or_else(|e| panic!("{file}: {e}")));
    for kind in [Kind::Ours, Kind::Kernel] {
        let vectors = files.iter().flatten().filter(|vector| vector.is_run_by(kind));
        let tested = vectors.flat_map(|vector| &vector.groups).flat_map(|group| &group.tested);
        let run: Vec<Form> = tested.filter_map(Insn::form).collect();
        for form in forms() {
            let name = form.to_string();
            let exception = NOT_EVERYWHERE.iter().find(|(operation, ..)| {
                name.split_once(' ').is_some_and(|(_, name)| name.starts_with(operation))
            });
            let is_due = exception.is_none_or(|(_, kinds, _)| kinds.contains(&kind));
            assert_eq!(run.contains(&form), is_due, "{form} on {kind:?}");
        }
    }
}
