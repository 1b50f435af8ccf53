//! A filter in one of its forms.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use netloom_cbpf::{Form, Program, Target, TranslateError, c_function, encode, print, translate};
use netloom_isa::{Insn, Pc, Syntax, listing, numbered};
use serde::Serialize;

use super::{Arguments, Language};
use crate::failure::{ErrorReport, Failure, reason};
use crate::input;
use crate::output::{Outcome, Output};

/// The version of this command's documents.
const SCHEMA: u32 = 1;

/// The name of the C function.
const FUNCTION: &str = "filter";

#[derive(Serialize)]
#[serde(tag = "language", rename_all = "lowercase")]
enum Body {
    Cbpf { instructions: Vec<ClassicRow> },
    Ebpf { instructions: Vec<Row> },
    C { text: String },
}

#[derive(Serialize)]
struct ClassicRow {
    pc: usize,
    text: String,
    code: u16,
    jt: u8,
    jf: u8,
    k: u32,
}

#[derive(Serialize)]
struct Row {
    pc: u32,
    text: String,
    bytes: String,
}

/// Prints the filter as the arguments say.
pub(super) fn run(
    program: &Program,
    arguments: &Arguments,
    output: &Output,
) -> Result<Outcome, Failure> {
    refuse_vain_options(arguments)?;
    let ebpf = || {
        let target = arguments.hook.map_or(Target::Socket, Target::from);
        translate(program, target).map_err(|error| refused(&error))
    };
    let in_c = || c_function(program, FUNCTION).map_err(|error| refused(&error));
    let mut text = Vec::new();
    if output.is_json() {
        let body = match arguments.to {
            Language::Cbpf => Body::Cbpf { instructions: classic_rows(program) },
            Language::Ebpf | Language::Asm => Body::Ebpf { instructions: rows(&ebpf()?) },
            Language::C => Body::C { text: in_c()? },
        };
        output.document_to(&mut text, SCHEMA, &body)?;
    } else {
        text = match arguments.to {
            Language::Cbpf => print(program, arguments.form.map_or(Form::Listing, Form::from)),
            Language::Ebpf => listing(&ebpf()?, Syntax::PseudoC).to_string().into_bytes(),
            Language::Asm => assembly(&ebpf()?).into_bytes(),
            Language::C => in_c()?.into_bytes(),
        };
    }
    match &arguments.output {
        Some(path) => fs::write(path, text).map_err(|error| not_written(path, &error))?,
        None => {
            let mut out = output.text();
            out.write_all(&text)?;
            out.flush()?;
        }
    }
    Ok(Outcome::Done)
}

/// An option that the language has no use for is a mistake.
fn refuse_vain_options(arguments: &Arguments) -> Result<(), Failure> {
    let is_ebpf = matches!(arguments.to, Language::Ebpf | Language::Asm);
    if arguments.hook.is_some() && !is_ebpf {
        let error = ErrorReport::usage("`--hook` says what an eBPF program runs on");
        return Err(error.with_help("`--to ebpf` or `--to asm` prints one").into());
    }
    if arguments.form.is_some() && arguments.to != Language::Cbpf {
        let error = ErrorReport::usage("`--form` is of classic BPF");
        return Err(error.with_help("leave out `--to`").into());
    }
    Ok(())
}

fn refused(error: &TranslateError) -> Failure {
    let report = ErrorReport::new("not-translated", error.to_string());
    report.with_help("`--to ebpf --hook socket` knows most about packets").into()
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot write {}: {}", input::name(path), reason(error));
    let report = ErrorReport::new("output-not-written", message);
    report.with_help("check the directory and the space on its disk").into()
}

fn classic_rows(program: &Program) -> Vec<ClassicRow> {
    let listing = String::from_utf8_lossy(&print(program, Form::Listing)).into_owned();
    let texts = listing.lines().map(|line| {
        // Behind the number in parentheses, without the columns.
        line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    });
    let rows = encode(program).into_iter().zip(texts).enumerate();
    rows.map(|(pc, (raw, text))| ClassicRow {
        pc,
        text,
        code: raw.code,
        jt: raw.jt,
        jf: raw.jf,
        k: raw.k,
    })
    .collect()
}

fn rows(insns: &[Insn]) -> Vec<Row> {
    let row = |(pc, insn): (Pc, &Insn)| {
        let bytes = netloom_isa::encode(std::slice::from_ref(insn));
        let bytes = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Row { pc: pc.0, text: insn.to_string(), bytes }
    };
    numbered(insns).map(row).collect()
}

/// The program for an assembler: labels in place of distances, helpers by name.
fn assembly(insns: &[Insn]) -> String {
    let targets: BTreeSet<Pc> = numbered(insns).filter_map(|(pc, insn)| insn.target(pc)).collect();
    let mut text = String::new();
    for (pc, insn) in numbered(insns) {
        if targets.contains(&pc) {
            writeln!(text, "L{pc}:").expect("a string takes any text");
        }
        let label = insn.target(pc).map(|target| format!("L{target}"));
        let line = insn.text(Syntax::PseudoC);
        let line = label.as_ref().map_or(line, |label| line.leading_to(label));
        writeln!(text, "\t{line}").expect("a string takes any text");
    }
    text
}
