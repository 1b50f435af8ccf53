//! Classic programs as eBPF.
//!
//! A is `r0`, so that a program ends by `exit` alone; X is `r7`; memory words are on the stack. Both
//! hold 32-bit numbers with upper halves of zero, all arithmetic and comparison is 32 bits wide. What
//! no way leads to is left out, as the verifier demands; a bound that is proved on all ways
//! ([`crate::fact`]) is not checked again; A and X begin as zero only where someone reads that
//! ([`crate::live`]).
//!
//! Reading order: `emit` (what is the same for all targets), `socket` (packet loads and metadata of
//! `struct __sk_buff`), `direct` (loads from memory between two pointers).

use std::fmt;

use netloom_isa as isa;

use crate::ancillary::Ancillary;
use crate::program::Program;

mod direct;
mod emit;
mod socket;

/// What a program runs on, and how it reads packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// `r1` is a `struct __sk_buff *`: program types socket filter and, with the packet beginning at
    /// its link-layer header, the classifiers and actions of traffic control. Packet loads are
    /// `LD_ABS` and `LD_IND`, as in the kernel's own translation.
    Socket,
    /// `r1` is a `struct xdp_md *`. A packet is what lies between its two pointers, so its length
    /// does not count fragments. Nothing is known about the places of headers.
    Xdp,
    /// `r1` is the packet's address, `r2` its length.
    Memory,
}

/// Why a program has no translation. A `pc` is the position of a classic instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum TranslateError {
    /// The target does not tell programs this.
    Ancillary { pc: usize, ancillary: Ancillary, target: Target },
    /// A load at this offset from a header whose place the target does not tell.
    Header { pc: usize, k: u32, target: Target },
}

/// The program in eBPF; it returns in `r0` what the classic one returns.
///
/// # Errors
/// When it loads what the target can not give.
pub fn translate(program: &Program, target: Target) -> Result<Vec<isa::Insn>, TranslateError> {
    emit::Emitter::new(program, target).emit()
}

impl Target {
    /// No load reaches byte so many: no XDP frame is that long, and the verifier proves no more
    /// (`MAX_PACKET_OFF`); offsets of classic loads from 2³¹ on are negative.
    fn reach(self) -> u32 {
        match self {
            Self::Xdp => 0xffff,
            Self::Memory | Self::Socket => 0x7fff_ffff,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Socket => "a socket filter",
            Self::Xdp => "an XDP program",
            Self::Memory => "a program on plain memory",
        })
    }
}

impl fmt::Display for TranslateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ancillary { pc, ancillary, target } => {
                write!(f, "instruction {pc} loads `{}`, which {target} can not", ancillary.name())
            }
            Self::Header { pc, k, target } => {
                let offset = k.cast_signed();
                write!(
                    f,
                    "instruction {pc} loads from a header at {offset}, which {target} can not"
                )
            }
        }
    }
}

impl std::error::Error for TranslateError {}
