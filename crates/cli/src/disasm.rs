//! `netloom disasm`: bytecode to text.

mod hex;
mod input;
mod listing;

use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use netloom_isa::{ByteOrder, Pc, Syntax};
use netloom_object::{CodeSection, ObjectFile, Symbol};
use serde::Serialize;

use crate::failure::{ErrorReport, Failure};
use crate::output::{Outcome, Output};
use crate::plain::plain;
use input::{Input, Kind};
use listing::{Line, Listing};

/// The version of this command's documents.
const SCHEMA: u32 = 1;

#[derive(Args, Debug)]
#[command(after_help = "Example: netloom disasm prog.o --function handle --syntax kernel")]
pub(crate) struct Arguments {
    /// ELF object, bytecode or hexadecimal text; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How to write instructions
    #[arg(short, long, value_enum, default_value = "c")]
    syntax: Spelling,
    /// What the file is [default: what it looks like]
    #[arg(long, value_enum, value_name = "KIND")]
    input: Option<Kind>,
    /// Only this section of an ELF object
    #[arg(long, value_name = "NAME")]
    section: Option<String>,
    /// Only this function of an ELF object
    #[arg(long, value_name = "NAME")]
    function: Option<String>,
    /// Print each instruction's bytes
    #[arg(short, long)]
    bytes: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Spelling {
    /// Pseudo-C that `netloom asm` and LLVM read
    C,
    /// As `llvm-objdump -d` prints
    Objdump,
    /// As the kernel's verifier log and bpftool print
    Kernel,
    /// Mnemonics that `netloom asm` and bpf_conformance read
    Classic,
}

#[derive(Serialize)]
struct Body<'a> {
    file: &'a str,
    input: Kind,
    byte_order: &'static str,
    license: Option<&'a str>,
    maps: Vec<&'a str>,
    sections: Vec<Section<'a>>,
}

#[derive(Serialize)]
struct Section<'a> {
    name: Option<&'a str>,
    functions: Vec<Function<'a>>,
    instructions: Vec<Line>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    pc: u32,
    slots: u32,
}

/// Prints the file's instructions.
pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Outcome, Failure> {
    let bytes = crate::input::read_text(&arguments.file)?;
    let input = Input::new(crate::input::name(&arguments.file), bytes, arguments.input)?;
    let object = input.object()?;
    let mut sections = Vec::new();
    for (at, range) in chosen(&input, &object, arguments)? {
        let code = &object.code[at];
        let insns = input.insns(object.order, code)?;
        let listing = Listing::new(&object, at, &insns, arguments.syntax.syntax());
        let functions = code.functions().filter(|function| range.contains(&function.pc));
        let functions = functions.map(|&Symbol { name, pc, slots, .. }| {
            let pc = pc.0;
            Function { name, pc, slots }
        });
        sections.push(Section {
            name: Some(code.name).filter(|name| !name.is_empty()),
            functions: functions.collect(),
            instructions: listing.lines(range),
        });
    }
    if output.is_json() {
        let body = Body {
            file: &input.name,
            input: input.kind,
            byte_order: match object.order {
                ByteOrder::Little => "little",
                ByteOrder::Big => "big",
            },
            license: object.license,
            maps: object.maps.iter().map(|map| map.name).collect(),
            sections,
        };
        output.document(SCHEMA, &body)?;
    } else {
        print(&sections, arguments, output)?;
    }
    Ok(Outcome::Done)
}

/// The sections, and of each the slots, that the arguments ask for.
fn chosen(
    input: &Input,
    object: &ObjectFile<'_>,
    arguments: &Arguments,
) -> Result<Vec<(usize, Range<Pc>)>, Failure> {
    let is_wanted = |code: &CodeSection<'_>| {
        arguments.section.as_deref().is_none_or(|wanted| code.name == wanted)
    };
    let sections: Vec<(usize, &CodeSection<'_>)> =
        object.code.iter().enumerate().filter(|(_, code)| is_wanted(code)).collect();
    if let (Some(wanted), true) = (&arguments.section, sections.is_empty()) {
        let names = object.code.iter().map(|code| code.name);
        return Err(missing(input, "section", wanted, names).into());
    }
    if sections.is_empty() {
        let message = format!("{} has no section of instructions", input.name);
        return Err(ErrorReport::new("no-instructions", message).into());
    }
    let Some(wanted) = &arguments.function else {
        return Ok(sections.iter().map(|(at, code)| (*at, Pc(0)..Pc(code.slots()))).collect());
    };
    let functions =
        || sections.iter().flat_map(|(at, code)| code.functions().map(move |f| (*at, f)));
    let found = functions().filter(|(_, function)| function.name == wanted);
    let found: Vec<_> =
        found.map(|(at, function)| (at, function.pc..Pc(function.pc.0 + function.slots))).collect();
    if found.is_empty() {
        let names = functions().map(|(_, function)| function.name);
        return Err(missing(input, "function", wanted, names).into());
    }
    Ok(found)
}

fn missing<'a>(
    input: &Input,
    what: &str,
    wanted: &str,
    names: impl Iterator<Item = &'a str>,
) -> ErrorReport {
    let message = format!("{} has no {what} {}", input.name, plain(wanted));
    let error = ErrorReport::new("not-in-file", message);
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return error.with_help("only ELF objects have named parts");
    }
    error.with_help(format!("it has {}", plain(&names.join(", "))))
}

fn print(sections: &[Section<'_>], arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let mut out = output.text();
    for (number, section) in sections.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        if let Some(name) = section.name {
            writeln!(out, ".section {},\"ax\",@progbits", quoted(name))?;
        }
        for line in &section.instructions {
            for label in &line.labels {
                writeln!(out, "{label}:")?;
            }
            writeln!(out, "{}", row(line, arguments))?;
        }
    }
    Ok(out.flush()?)
}

/// A line's text with what stands before and after it.
fn row(line: &Line, arguments: &Arguments) -> String {
    let opcode = match arguments.syntax {
        Spelling::Kernel => format!("({}) ", &line.bytes[..2]),
        Spelling::C | Spelling::Objdump | Spelling::Classic => String::new(),
    };
    let bytes = if arguments.bytes { format!("{:<47}  ", line.bytes) } else { String::new() };
    let row = format!("{:4}: {bytes}{opcode}{}", line.pc, line.text);
    match &line.remark {
        Some(remark) => format!("{row:<40}  # {remark}"),
        None => row,
    }
}

/// A section's name, between quotes unless it is a word.
fn quoted(name: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let name = plain(name);
    if name.chars().all(is_word) { name.into_owned() } else { format!("\"{name}\"") }
}

impl Spelling {
    fn syntax(self) -> Syntax {
        match self {
            Self::C => Syntax::PseudoC,
            Self::Objdump => Syntax::Objdump { alu32: true, hex: true },
            Self::Kernel => Syntax::Kernel,
            Self::Classic => Syntax::Classic,
        }
    }
}
