//! Classic BPF: the language of socket filters and of `tcpdump`.
//!
//! The only crate that knows classic opcodes. Everyone else matches on [`Insn`], which can express
//! every instruction and nothing else. Positions count instructions from 0.
//!
//! Reading order: `insn` (one instruction as a value), `row` (the opcode table), `codec`,
//! `ancillary` (what offsets mean), `check` and `program` (validity), `packet` and `run`, `text`,
//! `translate` (eBPF), `c`; [`expression`] (filters as text).

#![forbid(unsafe_code)]

mod ancillary;
mod c;
mod check;
mod codec;
pub mod expression;
mod fact;
mod insn;
mod live;
mod nlattr;
mod packet;
mod program;
mod row;
mod run;
mod text;
mod translate;

pub use ancillary::Ancillary;
pub use c::c_function;
pub use check::{CheckError, check};
pub use codec::{DecodeError, Raw, decode, encode};
pub use insn::{AluOp, Cond, INSNS_MAX, Insn, SLOTS, Size, Slot, Source};
pub use packet::{Device, Metadata, Packet, Vlan};
pub use program::Program;
pub use run::run;
pub use text::{Form, ParseError, ParseReason, parse, print};
pub use translate::{Target, TranslateError, translate};
