//! Why an input is not a program.

use std::fmt;

use netloom_isa::Place;

use crate::codec::DecodeError;

/// A place that is wrong, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Where; for bytes, the line is 1 and the column that of the byte.
    pub place: Place,
    /// What.
    pub reason: ParseReason,
}

/// What is wrong with a piece of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum ParseReason {
    /// The input begins like none of the forms.
    Form,
    /// A byte that is not part of UTF-8 text.
    Utf8,
    /// Something else is needed here; nothing was found at a line's end.
    Expected { what: &'static str, found: Option<char> },
    /// The number does not fit.
    Range { what: &'static str, text: String },
    /// No instruction has this name.
    Mnemonic { word: String },
    /// No ancillary data has this name.
    Ancillary { word: String },
    /// The instruction exists, but not with this operand.
    Operand { mnemonic: String, operand: String },
    /// The number in front of the instruction is not the one it has.
    OtherPc { written: u32, actual: usize },
    /// A conditional jump to this instruction, which is not 1 to 256 ahead.
    Distance { target: u32 },
    /// There are not as many instructions as the first line says.
    Count { written: u32, actual: usize },
    /// The input ends inside an instruction of 8 bytes.
    Truncated { bytes: usize },
    /// Numbers that are not an instruction.
    Decode(DecodeError),
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

impl std::error::Error for ParseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let ParseReason::Decode(error) = &self.reason { Some(error) } else { None }
    }
}

impl fmt::Display for ParseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("program begins like none of the forms of tcpdump -d"),
            Self::Utf8 => f.write_str("byte is not part of UTF-8 text"),
            Self::Expected { what, found: Some(found) } => {
                write!(f, "expected {what}, found {found:?}")
            }
            Self::Expected { what, found: None } => {
                write!(f, "expected {what}, found the end of the line")
            }
            Self::Range { what, text } => write!(f, "{text} is not {what}"),
            Self::Mnemonic { word } => write!(f, "no instruction is named {word}"),
            Self::Ancillary { word } => write!(f, "no ancillary data is named {word}"),
            Self::Operand { mnemonic, operand } => {
                write!(f, "no instruction is {mnemonic} {operand}")
            }
            Self::OtherPc { written, actual } => {
                write!(f, "instruction has number {actual}, not {written}")
            }
            Self::Distance { target } => {
                write!(f, "instruction {target} is not 1 to 256 ahead of the jump")
            }
            Self::Count { written, actual } => {
                write!(f, "program has {actual} instructions, not {written}")
            }
            Self::Truncated { bytes } => {
                write!(f, "last instruction has {bytes} of its 8 bytes")
            }
            Self::Decode(error) => error.fmt(f),
        }
    }
}
