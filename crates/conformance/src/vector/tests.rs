//! What is no vector, and how a vector tells what is wrong.

use netloom_abi::Object;

use super::{Vector, VectorReason};
use crate::Verdict;
use crate::engine::{Engine, Input, Kind, Output, Reply};

const SOUND: &str = "vector sum
each
    wide  r1 += r2
    wide  r1 += $r2
    low   w1 += $w2
code
    # A remark.

    @
rows  r1  r2              ->  r1.wide  r1.low
      1   2               ->  3        3
      0   0x1_0000_0000   ->  0x100000000  0
";

/// Gives each run what a function makes of its input.
struct Fake(fn(&Input) -> Reply<Output>, Kind);

impl Engine for Fake {
    fn name(&self) -> &str {
        "fake"
    }

    fn kind(&self) -> Kind {
        self.1
    }

    fn run_bytes(&mut self, _: &[u8], _: &[u8]) -> Reply<u64> {
        Reply::Unable("objects only".into())
    }

    fn run_object(&mut self, _: &Object, inputs: &[Input]) -> Reply<Vec<Reply<Output>>> {
        Reply::Result(inputs.iter().map(self.0).collect())
    }
}

fn unchanged(input: &Input) -> Reply<Output> {
    let Input { registers, memory, packet } = input.clone();
    Reply::Result(Output { registers, memory, packet, result: 0 })
}

fn run(text: &str, reply: fn(&Input) -> Reply<Output>, kind: Kind) -> Verdict {
    let vectors = Vector::parse(text).expect("sound");
    assert_eq!(vectors.len(), 1);
    vectors[0].run(&mut Fake(reply, kind))
}

#[test]
fn variants_run_the_rows_that_suit_them() {
    let vectors = Vector::parse(SOUND).expect("sound");
    let lines: Vec<_> = vectors[0]
        .groups
        .iter()
        .map(|group| {
            let lines: Vec<_> = group.trials.iter().map(|trial| trial.line).collect();
            (group.statement.as_str(), lines)
        })
        .collect();
    let expected = [
        ("r1 += r2", vec![11, 12]),
        ("r1 += 2", vec![11]),
        ("w1 += 2", vec![11]),
        ("w1 += 0", vec![12]),
    ];
    assert_eq!(lines, expected);
    let expected = &vectors[0].groups[3].trials[0].expected;
    assert_eq!(expected.registers[1], Some(0));
    assert_eq!(expected.registers[2], Some(1 << 32), "registers without a result stay");
}

#[test]
fn what_is_wrong_has_its_line() {
    let code = "vector v\ncode\n    r1 = 1\n";
    let rows = "rows r1\n  1\n";
    let table: Vec<(String, usize, VectorReason)> = vec![
        ("code\n".into(), 1, VectorReason::Stray),
        ("  r1 = 1\n".into(), 1, VectorReason::Stray),
        ("vector v\n  r1 = 1\n".into(), 2, VectorReason::Stray),
        (format!("{code}nonsense\n"), 4, VectorReason::Word { word: "nonsense".into() }),
        (code.into(), 1, VectorReason::Incomplete { lacks: "rows" }),
        (format!("vector v\n{rows}"), 1, VectorReason::Incomplete { lacks: "code" }),
        (format!("{code}code\n"), 4, VectorReason::Twice { word: "code".into() }),
        (format!("{code}whole\n"), 4, VectorReason::Twice { word: "whole".into() }),
        (format!("{code}{rows}rows r2\n"), 6, VectorReason::Twice { word: "rows".into() }),
        (format!("{code}rows r10\n"), 4, VectorReason::Column { name: "r10".into() }),
        (format!("{code}rows r1 -> r2\n  1\n"), 5, VectorReason::Values { expected: 1, actual: 0 }),
        (
            format!("{code}rows r1\n  x\n"),
            5,
            VectorReason::Value { text: "x".into(), column: "a number of 64 bits" },
        ),
        (
            format!("{code}rows memory\n  123\n"),
            5,
            VectorReason::Value { text: "123".into(), column: "bytes in hexadecimal" },
        ),
        (
            format!("{code}rows r1 -> r1.low\n  1 -> 1\n"),
            4,
            VectorReason::Variant { name: "low".into() },
        ),
        (
            format!("{code}scratch r2\nrows r1 -> r2\n  1 -> 1\n"),
            6,
            VectorReason::Column { name: "r2".into() },
        ),
        ("vector v\ntype abc\n".into(), 2, VectorReason::Property { expected: "xdp or tc" }),
        ("vector\n".into(), 1, VectorReason::Property { expected: "a name" }),
        (
            "vector v\neach\n  r1\n".into(),
            3,
            VectorReason::Property { expected: "a variant's name and a statement" },
        ),
    ];
    for (text, line, reason) in table {
        let error = Vector::parse(&text).expect_err(&text);
        assert_eq!((error.line, &error.reason), (line, &reason), "{text}");
        assert!(error.to_string().starts_with(&format!("line {line}: ")), "{error}");
    }
    let text = "vector v\ncode\n    r1 = 1\n\n    # remark\n    r11 = 2\nrows r1\n  1\n";
    assert_eq!(Vector::parse(text).expect_err("no such register").line, 6);
}

#[test]
fn a_difference_names_variant_line_and_register() {
    let verdict = run(SOUND, unchanged, Kind::Ours);
    let told = "`r1 += r2`: line 11: r1 is 0x1, expected 0x3; \
                `r1 += r2`: line 12: r1 is 0x0, expected 0x100000000; \
                `r1 += 2`: line 11: r1 is 0x1, expected 0x3; and 1 more";
    assert_eq!(verdict, Verdict::Failed(told.into()));
    let memory = "vector v\ncode\n    r1 = r1\nrows memory -> memory\n  01 -> 02\n";
    let zeros = "00".repeat(15);
    let told = format!("line 5: memory is 01{zeros}, expected 02{zeros}");
    assert_eq!(run(memory, unchanged, Kind::Ours), Verdict::Failed(told));
}

#[test]
fn engines_are_asked_as_the_vector_says() {
    let text = |property: &str| format!("vector v\n{property}\ncode\n    r1 = r1\nrows r1\n  1\n");
    let refuse = |_: &Input| Reply::Refused("this is invalid".into());
    let stop = |_: &Input| Reply::Fault("out of bounds".into());
    let failed = |reason: &str| Verdict::Failed(format!("line 6: {reason}"));
    let only = text("only kernel: a reason");
    assert_eq!(run(&only, unchanged, Kind::Ours), Verdict::Skipped("a reason".into()));
    assert_eq!(run(&only, unchanged, Kind::Kernel), Verdict::Passed);
    let fault = text("fault: out of");
    assert_eq!(run(&fault, stop, Kind::Ours), Verdict::Passed);
    assert_eq!(run(&fault, unchanged, Kind::Ours), failed("not stopped"));
    assert_eq!(run(&fault, refuse, Kind::Ours), failed("this is invalid"));
    assert!(matches!(run(&fault, stop, Kind::Kernel), Verdict::Skipped(_)));
    let refused = text("refused: invalid");
    assert_eq!(run(&refused, unchanged, Kind::Ours), Verdict::Passed);
    assert_eq!(run(&refused, unchanged, Kind::Kernel), Verdict::Failed("not refused".into()));
    assert_eq!(run(&text("type tc"), stop, Kind::Kernel), failed("out of bounds"));
}
