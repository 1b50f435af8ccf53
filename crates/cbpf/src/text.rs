//! The forms in which `tcpdump` writes a program, both ways.
//!
//! Printing is libpcap's to the letter (`bpf_image`, `bpf_dump`), with one exception: it has no text
//! for a load of the packet's length into X, which is `ldx #pktlen` here. Fields that an instruction
//! does not use are zero, where libpcap's compiler leaves some numbers of its own. Parsing gives back
//! the instructions that were printed; whether they are a valid program is another question.

use std::fmt::Write;

use crate::codec::{Raw, encode};
use crate::insn::Insn;

mod error;
mod operand;
mod parse;
mod scan;
#[cfg(test)]
mod tests;

pub use error::{ParseError, ParseReason};
pub use parse::parse;

/// A form of a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// One numbered instruction a line, as of `tcpdump -d`: `(000) ldh      [12]`.
    #[default]
    Listing,
    /// Initialisers of C structures, as of `tcpdump -dd`: `{ 0x28, 0, 0, 0x0000000c },`.
    Initialisers,
    /// The number of instructions and each one's numbers, as of `tcpdump -ddd`: `40 0 0 12`.
    Numbers,
    /// Bytes of `struct sock_filter` of a little-endian machine.
    Bytes,
}

impl Form {
    /// The form of an input, judged by how it begins; none if it begins like none.
    ///
    /// A valid program's bytes hold zeros, which no text does.
    pub fn of(input: &[u8]) -> Option<Self> {
        if input.contains(&0) {
            return Some(Self::Bytes);
        }
        match input.trim_ascii_start().first()? {
            b'(' => Some(Self::Listing),
            b'{' => Some(Self::Initialisers),
            b'0'..=b'9' => Some(Self::Numbers),
            _ => None,
        }
    }
}

/// A program in some form; text ends with a line feed.
pub fn print(program: &[Insn], form: Form) -> Vec<u8> {
    let raw = encode(program);
    match form {
        Form::Listing => {
            lines(program.iter().enumerate(), |(pc, insn)| operand::line(pc, *insn)).into_bytes()
        }
        Form::Initialisers => {
            lines(raw, |Raw { code, jt, jf, k }| format!("{{ {code:#x}, {jt}, {jf}, {k:#010x} }},"))
                .into_bytes()
        }
        Form::Numbers => {
            let rows = lines(&raw, |Raw { code, jt, jf, k }| format!("{code} {jt} {jf} {k}"));
            format!("{}\n{rows}", raw.len()).into_bytes()
        }
        Form::Bytes => raw.into_iter().flat_map(Raw::to_bytes).collect(),
    }
}

fn lines<T>(items: impl IntoIterator<Item = T>, line: impl Fn(T) -> String) -> String {
    items.into_iter().fold(String::new(), |mut text, item| {
        writeln!(text, "{}", line(item)).expect("a string takes any text");
        text
    })
}
