//! What an instruction costs in our interpreter and in others.
//!
//! Small C programs are compiled by clang, once; the very same bytecode then runs everywhere. The
//! contenders take turns, so that a disturbance of the machine meets all of them alike.
//!
//! Invariant: no figure without proof that the work was done. Every result must be the one that the
//! same source gives as native code.
//!
//! Reading order: `program` (what runs), `compile` (how it becomes instructions), `contender` (who
//! runs it), `report`.

mod compile;
mod contender;
#[cfg(feature = "peers")]
mod peers;
mod program;
mod report;

use std::hint::black_box;

use clap::Args;

use crate::error::BenchError;
use crate::machine::{Machine, processor_ns};
use crate::progress::Progress;
use crate::samples::Samples;
use contender::{Contender, Runner};
use program::{EMPTY, PROGRAMS, Program};
use report::{Cell, Report, Row};

/// What to measure.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Only programs whose title has this in it
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Turns of each measurement
    #[arg(long, value_name = "N", default_value = "201",
          value_parser = clap::value_parser!(u16).range(3..=10_000))]
    rounds: u16,
    /// Length of a turn
    #[arg(long, value_name = "MS", default_value = "1",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    milliseconds: u32,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Measures and prints.
///
/// # Errors
/// When a program can not be compiled, or gives another result than it should.
pub(crate) fn run(options: &Options) -> Result<String, BenchError> {
    let progress = Progress::new();
    let machine = Machine::current()?;
    let clang = compile::version()?;
    let wanted = |program: &&Program| {
        options.only.as_ref().is_none_or(|text| program.title.contains(text.as_str()))
    };
    let mut arms = Vec::new();
    for program in std::iter::once(&EMPTY).chain(PROGRAMS.iter().filter(wanted)) {
        progress.show(&format!("compiling {}", program.title));
        arms.push(Arm::new(program)?);
    }
    for round in 1..=options.rounds {
        progress.show(&format!("round {round} of {}", options.rounds));
        for arm in &mut arms {
            arm.turn(f64::from(options.milliseconds) * 1e6)?;
        }
    }
    let rows = arms.into_iter().map(Arm::row).collect();
    let (rounds, milliseconds) = (options.rounds, options.milliseconds);
    let report = Report { machine, clang, rounds, milliseconds, rows };
    Ok(if options.json { report.document() } else { report.text() })
}

/// One program with all that run it.
struct Arm {
    program: &'static Program,
    insns: u64,
    subjects: Vec<Subject>,
}

/// A contender with one program.
struct Subject {
    contender: Contender,
    /// Or why it can not run the program.
    runner: Result<Runner, String>,
    /// Runs of a turn.
    runs: f64,
    ns: Samples,
}

impl Arm {
    fn new(program: &'static Program) -> Result<Self, BenchError> {
        let object = compile::object(program)?;
        let memory = (program.memory)();
        let insns = contender::count(program, &object, memory.clone())?;
        let subject = |&contender: &Contender| {
            let runner = contender.prepare(program, &object, &memory)?;
            Ok(Subject { contender, runner, runs: 1.0, ns: Samples::default() })
        };
        let subjects = Contender::ALL.iter().map(subject).collect::<Result<_, BenchError>>()?;
        Ok(Self { program, insns, subjects })
    }

    /// Measures each contender for about `turn_ns`.
    fn turn(&mut self, turn_ns: f64) -> Result<(), BenchError> {
        for subject in &mut self.subjects {
            let Ok(runner) = &mut subject.runner else { continue };
            let begin = processor_ns();
            let mut done = 0.0;
            while done < subject.runs {
                let found = black_box(runner());
                if found != Ok(self.program.result) {
                    let (program, contender) = (self.program.title, subject.contender.title());
                    let expected = self.program.result;
                    return Err(BenchError::Result { program, contender, expected, found });
                }
                done += 1.0;
            }
            let ns = (processor_ns() - begin) / done;
            // The first turns find out how many runs make a turn.
            if done * ns >= turn_ns / 2.0 {
                subject.ns.push(ns);
            }
            subject.runs = (turn_ns / ns.max(1.0)).max(1.0).floor();
        }
        Ok(())
    }

    fn row(self) -> Row {
        let cell = |subject: Subject| Cell {
            contender: subject.contender,
            ns: subject.ns,
            missing: subject.runner.err(),
        };
        let cells = self.subjects.into_iter().map(cell).collect();
        Row { title: self.program.title, insns: self.insns, cells }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_programs_run_everywhere_with_equal_results() {
        if let Err(error) = compile::version() {
            println!("skipped: {error}");
            return;
        }
        let options = Options { only: None, rounds: 3, milliseconds: 1, json: true };
        let text = run(&options).unwrap_or_else(|error| panic!("{error}"));
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let rows = document["rows"].as_array().unwrap();
        assert_eq!(rows.len(), PROGRAMS.len() + 1);
        for row in rows {
            assert!(row["insns"].as_u64().unwrap() >= 2, "{row}");
            assert!(row["cells"][0]["ns"]["median"].as_f64().unwrap() > 1.0, "{row}");
        }
    }

    #[test]
    fn results_are_those_of_native_code() {
        let mut compared = 0;
        let mut different = Vec::new();
        for program in PROGRAMS.iter().filter(|program| program.maps.is_empty()) {
            match compile::native::result(program, &(program.memory)()) {
                Ok(result) if result == program.result => {}
                Ok(result) => different.push((program.title, result)),
                Err(error) => {
                    println!("skipped: {error}");
                    return;
                }
            }
            compared += 1;
        }
        assert_eq!(different, []);
        assert!(compared >= 10, "{compared}");
    }
}
