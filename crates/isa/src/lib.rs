//! eBPF instructions: tables, decode and encode, assembler text, label builder.
//!
//! The only crate that knows opcode bytes (RFC 9669). Everyone else matches on [`Insn`], which can
//! express every instruction and nothing else. Positions are slots of 8 bytes, the kernel's own
//! numbering ([`Pc`]); `lddw` takes two.

#![forbid(unsafe_code)]

mod builder;
mod decode;
mod encode;
mod form;
mod insn;
mod row;
mod slot;
mod text;

pub use builder::{BuildError, Builder, Label};
pub use decode::{DecodeError, decode, decode_for};
pub use encode::{encode, encode_for};
pub use form::{Form, forms};
pub use insn::{
    AluOp, AtomicOp, Callee, Cond, EndianOp, Imm64, Insn, Operand, Pc, Reg, Size, Width, numbered,
};
pub use slot::{ByteOrder, Slot, SlotField};
pub use text::{
    Assembly, HelperName, Listing, ParseError, ParseReason, Place, Syntax, Text, assemble,
    assemble_with, listing,
};
