//! Assembler text: prints instructions in four syntaxes and parses what it prints.
//!
//! Printing is total. [`Syntax::PseudoC`] and [`Syntax::Classic`] keep everything, so parsing their
//! output gives the same instruction back; the other two copy a foreign tool's output to the letter
//! and lose what that tool does not show. Reading order: `words` (the vocabulary as tables),
//! `pseudo` and `classic` (printers), `lex`, `cursor`, `value`, `statement`, `assignment` and
//! `mnemonic` (parser), `assemble` (labels and lines).

use std::fmt;

use crate::{Insn, numbered};

mod assemble;
mod assignment;
mod classic;
mod cursor;
mod directive;
mod error;
mod label;
mod lex;
mod mnemonic;
mod number;
mod pseudo;
mod statement;
mod value;
mod words;

pub use assemble::{Assembly, assemble, assemble_with};
pub use error::{ParseError, ParseReason, Place};

/// How an instruction is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// LLVM's pseudo-C where it is unambiguous, the kernel's and bpftool's where LLVM has none:
    /// `r0 = *(u32 *)(r1 + 4)`, `if r1 s> 5 goto +3`, `call 1`, `call pc+2`, `r1 = map[fd:3]`.
    #[default]
    PseudoC,
    /// Exactly as `llvm-objdump -d` prints. It writes every call as a bare number, and only the
    /// number of any 64-bit constant.
    Objdump {
        /// 32-bit memory accesses name `w` registers, as with `--mattr=+alu32` and by default since
        /// LLVM 20.
        alu32: bool,
        /// Numbers in hexadecimal, as with `--print-imm-hex` and by default since LLVM 17.
        hex: bool,
    },
    /// As the kernel's verifier log and bpftool print, without the opcode in parentheses:
    /// `r0 = *(u32 *)(r1 +4)`, `if r1 s> 0x5 goto pc+3`, `call bpf_map_lookup_elem#1`.
    Kernel,
    /// Mnemonics, as ubpf and bpf_conformance use: `ldxw %r0, [%r1+4]`, `jsgt %r1, 5, +3`.
    Classic,
}

/// Names a helper function, without the prefix `bpf_`, by its number in `enum bpf_func_id`.
pub type HelperName = fn(u32) -> Option<&'static str>;

/// One instruction, ready to be printed.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    insn: &'a Insn,
    syntax: Syntax,
    helper: HelperName,
    label: Option<&'a str>,
}

/// A program, ready to be printed: one line per instruction, `   4: r0 = 0`.
#[derive(Clone, Copy)]
pub struct Listing<'a> {
    insns: &'a [Insn],
    syntax: Syntax,
    helper: HelperName,
}

impl Insn {
    /// The instruction as text.
    pub fn text(&self, syntax: Syntax) -> Text<'_> {
        Text { insn: self, syntax, helper: unnamed, label: None }
    }
}

/// The program as text, each instruction on a line of its own after its slot number.
pub fn listing(insns: &[Insn], syntax: Syntax) -> Listing<'_> {
    Listing { insns, syntax, helper: unnamed }
}

impl<'a> Text<'a> {
    /// Calls name their helper, in the syntaxes that can say both name and number.
    #[must_use]
    pub fn naming(self, helper: HelperName) -> Self {
        Self { helper, ..self }
    }

    /// The name of a label in place of the distance, in the syntaxes that [`assemble`] reads without
    /// loss.
    #[must_use]
    pub fn leading_to(self, label: &'a str) -> Self {
        Self { label: Some(label), ..self }
    }
}

impl Listing<'_> {
    /// Calls name their helper, in the syntaxes that can say both name and number.
    #[must_use]
    pub fn naming(self, helper: HelperName) -> Self {
        Self { helper, ..self }
    }
}

fn unnamed(_: u32) -> Option<&'static str> {
    None
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.syntax {
            Syntax::Classic => classic::print(f, self.insn, self.label),
            Syntax::PseudoC | Syntax::Kernel | Syntax::Objdump { .. } => {
                pseudo::Printer::new(self).print(f, self.insn)
            }
        }
    }
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (pc, insn) in numbered(self.insns) {
            writeln!(f, "{:4}: {}", pc.0, insn.text(self.syntax).naming(self.helper))?;
        }
        Ok(())
    }
}

impl fmt::Display for Insn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text(Syntax::PseudoC).fmt(f)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

impl fmt::Debug for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

/// A part of a line, printed by a function.
fn shown(print: impl Fn(&mut fmt::Formatter<'_>) -> fmt::Result) -> impl fmt::Display {
    struct Shown<F>(F);
    impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> fmt::Display for Shown<F> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            (self.0)(f)
        }
    }
    Shown(print)
}
