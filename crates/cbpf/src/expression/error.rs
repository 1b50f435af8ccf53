//! Why an expression is refused, and where in its text.

use std::fmt;
use std::ops::Range;

use netloom_packet::link::LinkType;

/// A refused expression: what is wrong with which bytes of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionError {
    /// The offending bytes of the text, half-open, at character boundaries; empty at its end.
    pub span: Range<usize>,
    /// What is wrong with them.
    pub reason: Reason,
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant's message names its fields")]
pub enum Reason {
    /// A character that begins no word of the language.
    Character(char),
    /// A number beyond 32 bits.
    NumberTooLarge,
    /// A number that begins with 0, which makes it octal, and has a digit 8 or 9.
    NotOctal,
    /// Bytes and colons that are neither an Ethernet nor an IPv6 address.
    BogusAddress,
    /// A word where the grammar wants another.
    Unexpected { expected: &'static str },
    /// Text beyond the limit, in bytes.
    TextTooLong { max: usize },
    /// More nested parentheses and negations than the limit.
    TooDeep { max: usize },
    /// More arithmetic operators in one comparison than the limit.
    TooManyOperators { max: usize },
    /// More tests than the limit.
    TooManyTests { max: usize },
    /// A program that no kernel takes, in instructions.
    ProgramTooLong { insns: usize, max: usize },
    /// A number outside the range of the thing it names.
    OutOfRange { what: &'static str, max: u32 },
    /// A name that nobody knows.
    Unknown { what: &'static str, name: String },
    /// A port name of another protocol than the one in front of it.
    PortOf { name: String, protocol: &'static str },
    /// A protocol in front of something it says nothing about.
    Qualifier { protocol: &'static str, what: &'static str },
    /// A direction in front of something that has none.
    Direction { what: &'static str },
    /// An address form that does not go with the kind of thing named.
    Form { form: &'static str, what: &'static str },
    /// An address with bits outside its mask.
    HostBits,
    /// Division or modulus by the constant zero.
    DivisionByZero,
    /// A shift by a constant above 31 bits.
    ShiftTooFar,
    /// More than 16 intermediate values at once.
    TooManyValues,
    /// A packet access of another width than 1, 2 or 4 bytes.
    AccessSize,
    /// A protocol whose bytes can not be indexed.
    NotIndexable { protocol: &'static str },
    /// A primitive that the link type has no field for.
    LinkType { what: &'static str, link: LinkType },
    /// A link type that the compiler does not know.
    UnknownLinkType(LinkType),
    /// A primitive inside an encapsulation that hides its field.
    Encapsulated { what: &'static str, within: &'static str },
    /// `ip broadcast` without the network's mask.
    NetmaskUnknown,
    /// A part of the language that is left out on purpose.
    NotSupported { what: &'static str },
    /// No packet can satisfy the expression.
    RejectsAll,
}

impl ExpressionError {
    pub(super) fn new(span: Range<usize>, reason: Reason) -> Self {
        Self { span, reason }
    }

    /// The line and the column, both from 1 and the column in characters, where `text` goes wrong.
    pub fn line_column(&self, text: &str) -> (usize, usize) {
        let before = text.get(..self.span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.span.start, self.reason)
    }
}

impl std::error::Error for ExpressionError {}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Character(other) => write!(f, "the character {other:?} begins no word"),
            Self::NumberTooLarge => f.write_str("the number does not fit in 32 bits"),
            Self::NotOctal => f.write_str("a number that begins with 0 is octal"),
            Self::BogusAddress => f.write_str("neither an Ethernet nor an IPv6 address"),
            Self::Unexpected { expected } => write!(f, "expected {expected}"),
            Self::TextTooLong { max } => write!(f, "an expression has at most {max} bytes"),
            Self::TooDeep { max } => write!(f, "at most {max} levels of nesting"),
            Self::TooManyOperators { max } => write!(f, "at most {max} operators in a comparison"),
            Self::TooManyTests { max } => write!(f, "at most {max} tests in an expression"),
            Self::ProgramTooLong { insns, max } => {
                write!(f, "the program would have {insns} instructions, at most {max} can run")
            }
            Self::OutOfRange { what, max } => write!(f, "{what} is at most {max}"),
            Self::Unknown { what, name } => write!(f, "unknown {what} `{name}`"),
            Self::PortOf { name, protocol } => write!(f, "port `{name}` is a port of {protocol}"),
            Self::Qualifier { protocol, what } => write!(f, "`{protocol}` can not qualify {what}"),
            Self::Direction { what } => write!(f, "{what} has no direction"),
            Self::Form { form, what } => write!(f, "{form} can not name {what}"),
            Self::HostBits => f.write_str("the address has bits outside its mask"),
            Self::DivisionByZero => f.write_str("division by zero"),
            Self::ShiftTooFar => f.write_str("a shift is by at most 31 bits"),
            Self::TooManyValues => f.write_str("more than 16 intermediate values at once"),
            Self::AccessSize => f.write_str("an access is 1, 2 or 4 bytes wide"),
            Self::NotIndexable { protocol } => write!(f, "`{protocol}` has no bytes to index"),
            Self::LinkType { what, link } => write!(f, "link type {link} has no {what}"),
            Self::UnknownLinkType(link) => write!(f, "no filters for link type {link}"),
            Self::Encapsulated { what, within } => write!(f, "no {what} within {within}"),
            Self::NetmaskUnknown => f.write_str("`ip broadcast` needs the network's mask"),
            Self::NotSupported { what } => write!(f, "{what} is not supported"),
            Self::RejectsAll => f.write_str("no packet satisfies the expression"),
        }
    }
}
