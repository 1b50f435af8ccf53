//! `netloom asm`: assembler text to bytecode.

mod form;

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use netloom_abi::Helper;
use netloom_isa::{Assembly, ParseError, Syntax, assemble_with, encode, numbered};
use serde::Serialize;

use crate::failure::{ErrorReport, Failure, reason};
use crate::input;
use crate::output::{Outcome, Output};
use crate::report::{Level, Report};
use crate::source::Source;
use form::Form;

pub(crate) use form::digits;

/// The version of this command's documents.
const SCHEMA: u32 = 1;

#[derive(Args, Debug)]
#[command(
    after_help = "Example: netloom asm drop.s -o drop.o && bpftool prog load drop.o /sys/fs/bpf/drop"
)]
pub(crate) struct Arguments {
    /// Assembler text, in pseudo-C (`r0 = 1`) or mnemonics (`mov %r0, 1`); `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// What to write [default: elf for an OUT that ends in .o, raw for another, else hex]
    #[arg(short, long, value_enum)]
    format: Option<Form>,
    /// The license that an ELF object states [default: what the section `license` of FILE says]
    #[arg(long, value_name = "TEXT")]
    license: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    file: &'a str,
    /// Number of 8-byte slots.
    slots: usize,
    sections: Vec<Named<'a>>,
    labels: Vec<Named<'a>>,
    instructions: Vec<Instruction>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    pc: u32,
}

#[derive(Serialize)]
struct Instruction {
    pc: u32,
    line: u32,
    column: u32,
    bytes: String,
    text: String,
}

/// Assembles the file.
pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Outcome, Failure> {
    let form = form(arguments);
    let to_terminal = arguments.output.is_none() && std::io::stdout().is_terminal();
    if form.is_binary() && to_terminal && !output.is_json() {
        let error = ErrorReport::usage("bytes are not for a terminal");
        return Err(error.with_help("name a file with -o, or use --format hex").into());
    }
    let source = Source::read(&arguments.file)?;
    let assembly = assembled(&source)?;
    let bytes = form.bytes(&source.name, &assembly, arguments.license.as_deref())?;
    if let Some(path) = &arguments.output {
        write_file(path, &bytes)?;
    }
    if output.is_json() {
        output.document(SCHEMA, &body(&source.name, &assembly))?;
    } else if arguments.output.is_none() {
        let mut out = output.text();
        out.write_all(&bytes)?;
        out.flush()?;
    }
    Ok(Outcome::Done)
}

fn form(arguments: &Arguments) -> Form {
    match (&arguments.format, &arguments.output) {
        (Some(form), _) => *form,
        (None, Some(path)) if path.extension().is_some_and(|extension| extension == "o") => {
            Form::Elf
        }
        (None, Some(_)) => Form::Raw,
        (None, None) => Form::Hex,
    }
}

fn write_file(path: &std::path::Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(|error| {
        let message = format!("cannot write {}: {}", input::name(path), reason(&error));
        ErrorReport::new("output-not-written", message).into()
    })
}

/// The program in a text.
///
/// # Errors
/// With everything that is wrong with it.
fn assembled(source: &Source) -> Result<Assembly, Failure> {
    let helper = |name: &str| Helper::named(name).map(Helper::id);
    let assembly = assemble_with(&source.text, helper).map_err(|errors| {
        let plural = if errors.len() == 1 { "" } else { "s" };
        let message = format!("{} is refused: {} error{plural}", source.name, errors.len());
        let reports = errors.iter().map(|error| report(source, error)).collect();
        ErrorReport::new("assembly-refused", message).with_diagnostics(reports)
    })?;
    if assembly.insns.is_empty() {
        let message = format!("{} has no instructions", source.name);
        return Err(ErrorReport::new("assembly-refused", message).into());
    }
    Ok(assembly)
}

fn report(source: &Source, error: &ParseError) -> Report {
    let mark = source.mark(error.place);
    Report { mark, ..Report::new(Level::Error, error.reason.to_string()) }
}

fn body<'a>(file: &'a str, assembly: &'a Assembly) -> Body<'a> {
    let instructions = numbered(&assembly.insns).zip(&assembly.places);
    let instructions: Vec<Instruction> = instructions
        .map(|((pc, insn), place)| Instruction {
            pc: pc.0,
            line: place.line,
            column: place.column,
            bytes: digits(&encode(&[*insn])),
            text: insn.text(Syntax::PseudoC).to_string(),
        })
        .collect();
    let named = |(name, pc): &'a (String, netloom_isa::Pc)| Named { name, pc: pc.0 };
    Body {
        file,
        slots: encode(&assembly.insns).len() / 8,
        sections: assembly.sections.iter().map(named).collect(),
        labels: assembly.labels.iter().map(named).collect(),
        instructions,
    }
}
