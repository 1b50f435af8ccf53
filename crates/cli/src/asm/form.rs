//! The forms in which a program leaves the assembler.

use std::fmt::Write as _;

use clap::ValueEnum;
use netloom_isa::{Assembly, ByteOrder, Insn, Slot, encode};
use netloom_object::NewObject;

use crate::failure::{ErrorReport, Failure};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// An ELF object, as clang writes and bpftool loads
    Elf,
    /// The bytes alone
    Raw,
    /// Two hexadecimal digits per byte, an instruction per line
    Hex,
    /// Rows of a `struct bpf_insn` array
    C,
}

impl Form {
    /// Whether it is not for people to read.
    pub(super) fn is_binary(self) -> bool {
        matches!(self, Self::Elf | Self::Raw)
    }

    /// The program in this form.
    ///
    /// # Errors
    /// When the form cannot hold the program.
    pub(super) fn bytes(
        self,
        file: &str,
        assembly: &Assembly,
        license: Option<&str>,
    ) -> Result<Vec<u8>, Failure> {
        if self != Self::Elf && assembly.sections.len() > 1 {
            let names = assembly.sections.iter().map(|(name, _)| name.as_str());
            let names: Vec<&str> = names.collect();
            let message =
                format!("{file} has instructions in several sections: {}", names.join(", "));
            let error = ErrorReport::new("several-sections", message);
            return Err(error.with_help("`--format elf` keeps them apart").into());
        }
        Ok(match self {
            Self::Elf => return object(file, assembly, license),
            Self::Raw => encode(&assembly.insns),
            Self::Hex => lines(assembly, |bytes, _| digits(bytes)).into_bytes(),
            Self::C => lines(assembly, c_rows).into_bytes(),
        })
    }
}

fn object(file: &str, assembly: &Assembly, license: Option<&str>) -> Result<Vec<u8>, Failure> {
    let object = NewObject {
        insns: &assembly.insns,
        sections: &assembly.sections,
        labels: &assembly.labels,
        globals: &assembly.globals,
        license: license.or(assembly.license.as_deref()),
    };
    netloom_object::write(&object).map_err(|error| {
        let message = format!("cannot make an object of {file}: {error}");
        ErrorReport::new("object-not-made", message).into()
    })
}

fn lines(assembly: &Assembly, line: impl Fn(&[u8], &Insn) -> String) -> String {
    let mut text = String::new();
    for insn in &assembly.insns {
        text.push_str(&line(&encode(&[*insn]), insn));
        text.push('\n');
    }
    text
}

/// Bytes as two digits each with a space between them.
pub(crate) fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// The instruction as initialisers of `struct bpf_insn` (`linux/bpf.h`), its text in a comment.
fn c_rows(bytes: &[u8], insn: &Insn) -> String {
    let mut text = String::new();
    for slot in bytes.as_chunks::<8>().0 {
        let Slot { opcode, dst, src, off, imm } = Slot::from_bytes(ByteOrder::Little, *slot);
        let separator = if text.is_empty() { "" } else { "\n" };
        write!(text, "{separator}{{ {opcode:#04x}, {dst}, {src}, {off}, {imm} }},")
            .expect("a string grows");
        if separator.is_empty() {
            write!(text, " /* {insn} */").expect("a string grows");
        }
    }
    text
}
