//! Classic BPF: the language of socket filters and of `tcpdump`.
//!
//! The only crate that knows classic opcodes. Everyone else matches on [`Insn`], which can express
//! every instruction and nothing else. Positions count instructions from 0.
//!
//! Reading order: `insn` (one instruction as a value), `row` (the opcode table), `codec`.

#![forbid(unsafe_code)]

mod codec;
mod insn;
mod row;

pub use codec::{DecodeError, Raw, decode, encode};
pub use insn::{AluOp, Cond, INSNS_MAX, Insn, SLOTS, Size, Slot, Source};
