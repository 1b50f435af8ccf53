//! What a file to disassemble is: an ELF object, bytecode, or hexadecimal text of bytecode.

use clap::ValueEnum;
use netloom_isa::{ByteOrder, DecodeError, Insn, decode_for};
use netloom_object::{CodeSection, ObjectFile};
use serde::Serialize;

use super::hex;
use crate::failure::{ErrorReport, Failure};
use crate::source::Source;

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// An ELF object, as clang writes
    Elf,
    /// Bytes of instructions
    Raw,
    /// Two hexadecimal digits per byte
    Hex,
}

/// A file's bytecode.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Of the text, if the file is text, the bytes it stands for.
    bytes: Vec<u8>,
    text: Option<Source>,
}

impl Input {
    /// Finds out what the bytes are, unless that is said.
    ///
    /// # Errors
    /// When they are not what they should be.
    pub(super) fn new(name: String, bytes: Vec<u8>, said: Option<Kind>) -> Result<Self, Failure> {
        let kind = said.unwrap_or_else(|| guess(&bytes));
        if kind != Kind::Hex {
            return Ok(Self { name, kind, bytes, text: None });
        }
        let source = Source::new(name.clone(), bytes)?;
        let bytes = hex::parse(&source.text).map_err(|error| {
            let message = format!("{name} is not hexadecimal: {}", error.reason);
            let report = ErrorReport::new("not-hexadecimal", message);
            report
                .with_mark(source.mark(error.place))
                .with_help("`netloom asm` reads assembler text")
        })?;
        Ok(Self { name, kind, bytes, text: Some(source) })
    }

    /// The parts of the object; other bytecode is one section without name.
    ///
    /// # Errors
    /// When the file is no object, or empty.
    pub(super) fn object(&self) -> Result<ObjectFile<'_>, Failure> {
        if self.kind == Kind::Elf {
            return netloom_object::read(&self.bytes).map_err(|error| {
                let message = format!("cannot read {}: {error}", self.name);
                ErrorReport::new("object-not-read", message).into()
            });
        }
        if self.bytes.is_empty() {
            let message = format!("{} has no instructions", self.name);
            return Err(ErrorReport::new("no-instructions", message).into());
        }
        let code = CodeSection {
            name: "",
            bytes: &self.bytes,
            symbols: Vec::new(),
            relocations: Vec::new(),
        };
        Ok(ObjectFile { order: ByteOrder::Little, code: vec![code], maps: vec![], license: None })
    }

    /// The instructions of a section.
    ///
    /// # Errors
    /// When there are none, with the first slot that is not one.
    pub(super) fn insns(
        &self,
        order: ByteOrder,
        section: &CodeSection<'_>,
    ) -> Result<Vec<Insn>, Failure> {
        decode_for(order, section.bytes).map_err(|error| {
            let within = if section.name.is_empty() {
                String::new()
            } else {
                format!("section {}: ", section.name)
            };
            let message = format!("{}: {within}{error}", self.name);
            let mark = self.text.as_ref().and_then(|source| {
                let byte = usize::try_from(error.pc().0).ok()?.checked_mul(8)?;
                source.mark(hex::place_of(&source.text, byte)?)
            });
            let report = ErrorReport::new("not-decodable", message).with_mark(mark);
            match self.help(&error) {
                Some(help) => report.with_help(help).into(),
                None => report.into(),
            }
        })
    }

    /// What may be wrong with bytes that decode to nothing.
    fn help(&self, error: &DecodeError) -> Option<&'static str> {
        let is_text = self.kind == Kind::Raw && str::from_utf8(&self.bytes).is_ok_and(is_written);
        if is_text {
            Some("this looks like text: `netloom asm` reads assembler text")
        } else if matches!(error, DecodeError::Truncated { .. }) {
            Some("instructions have 8 bytes each, 64-bit constants 16")
        } else {
            None
        }
    }
}

fn guess(bytes: &[u8]) -> Kind {
    if bytes.starts_with(b"\x7fELF") {
        Kind::Elf
    } else if str::from_utf8(bytes).is_ok_and(hex::is_likely) {
        Kind::Hex
    } else {
        Kind::Raw
    }
}

/// Whether text has no control characters but those of lines.
fn is_written(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() && !c.is_ascii_whitespace())
}
