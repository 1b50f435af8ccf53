//! Why text is not a program.

use std::fmt;

use crate::{Pc, Reg};

/// Errors reported at most.
pub(super) const ERRORS_MAX: usize = 50;

/// A place in source text, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// A place that is wrong, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Where.
    pub place: Place,
    /// What.
    pub reason: ParseReason,
}

/// What is wrong with a piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum ParseReason {
    /// A character that no token begins with.
    Character { found: char },
    /// A `/*` without `*/`.
    OpenComment,
    /// A `"` without another.
    OpenText,
    /// Something else is needed here.
    Expected { what: &'static str, found: String },
    /// Begins with a digit but is not a number of at most 64 bits.
    Number { text: String },
    /// A decimal number that some assemblers take for octal.
    LeadingZero { text: String },
    /// The number does not fit.
    Range { what: &'static str, value: i128 },
    /// No instruction begins with this word.
    Mnemonic { word: String },
    /// No right side begins with this word.
    Function { name: String },
    /// A `w` register where an `r` register is needed, or the reverse.
    RegisterWidth,
    /// The operation works in place, or on a fixed register.
    OtherRegister { expected: Reg },
    /// A signed type where the access cannot sign-extend.
    SignedType,
    /// An atomic operation on less than 4 bytes.
    AtomicType,
    /// A sign extension to its own width.
    SignExtension,
    /// The label has a place already.
    DuplicateLabel { name: String, line: u32 },
    /// No label has this name and, after `call`, no helper either.
    UnknownName { name: String },
    /// The label is further than the instruction reaches, in slots.
    TooFar { name: String, distance: i64 },
    /// A jump's label is in another section.
    OtherSection { name: String },
    /// No directive has this name.
    Directive { name: String },
    /// The directive puts data where instructions are.
    Data { name: String },
    /// The section had instructions before, and another section has had some since.
    SectionAgain { name: String },
    /// The slot number in front of the instruction is not the one it has.
    OtherPc { written: u32, actual: Pc },
    /// The opcode in front of the instruction is not the one it has.
    OtherOpcode { written: u8, actual: u8 },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

impl std::error::Error for ParseError {}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl fmt::Display for ParseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Character { found } => write!(f, "no token begins with {found:?}"),
            Self::OpenComment => f.write_str("comment has no end"),
            Self::OpenText => f.write_str("text has no closing quote"),
            Self::LeadingZero { text } => {
                write!(f, "{text} is octal to some assemblers: leave out the leading zero")
            }
            Self::OtherSection { name } => {
                write!(f, "label {name} is in another section, to which only calls lead")
            }
            Self::Directive { name } => write!(f, "no directive is named {name}"),
            Self::Data { name } => write!(f, "{name} puts data among instructions"),
            Self::SectionAgain { name } => {
                write!(f, "section {name} ended before: its instructions must stand together")
            }
            Self::Expected { what, found } => {
                // Punctuation would get lost among the sentence's own.
                let quote = if what.contains(char::is_alphanumeric) { "" } else { "`" };
                write!(f, "expected {quote}{what}{quote}, found {found}")
            }
            Self::Number { text } => write!(f, "{text} is not a number of at most 64 bits"),
            Self::Range { what, value } => write!(f, "{value} is not {what}"),
            Self::Mnemonic { word } => write!(f, "no instruction begins with {word}"),
            Self::Function { name } => write!(f, "nothing named {name} can be assigned"),
            Self::RegisterWidth => f.write_str("register name has the wrong width"),
            Self::OtherRegister { expected } => {
                write!(f, "register must be that of {expected} here")
            }
            Self::SignedType => f.write_str("access cannot sign-extend"),
            Self::AtomicType => f.write_str("atomic operation needs u32 or u64"),
            Self::SignExtension => f.write_str("sign extension must be to a greater width"),
            Self::DuplicateLabel { name, line } => {
                write!(f, "label {name} is on line {line} already")
            }
            Self::UnknownName { name } => write!(f, "nothing is named {name}"),
            Self::TooFar { name, distance } => {
                write!(f, "label {name} is {distance} slots away, which the jump does not reach")
            }
            Self::OtherPc { written, actual } => {
                write!(f, "instruction is at slot {actual}, not {written}")
            }
            Self::OtherOpcode { written, actual } => {
                write!(f, "instruction has opcode {actual:#04x}, not {written:#04x}")
            }
        }
    }
}
