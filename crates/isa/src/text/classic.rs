//! Prints mnemonics, so that [`assemble`](super::assemble()) reads the same instruction back.
//!
//! Spelled as bpf_conformance and ubpf do; what neither has gets a mnemonic of the same kind:
//! `movsx864` (8 to 64 bits), `ldacqw`, `strelw`, `ja32` (`gotol`), `jax` (`gotox`),
//! `callx_imm` (the old encoding of `callx`).

use std::fmt;

use super::words::{self, ACCESS, ALU, CONDS, ENDIAN, FETCHING, LOCKED, MOVSX, width_suffix};
use super::{shown, value};
use crate::{Callee, Imm64, Insn, Operand, Reg, Size};

/// Prints an instruction; the label, if any, stands for its distance.
pub(super) fn print(f: &mut fmt::Formatter<'_>, insn: &Insn, label: Option<&str>) -> fmt::Result {
    match *insn {
        Insn::Alu { width, op, dst, src } => {
            let (op, suffix) = (words::of(&ALU, op).classic, width_suffix(width));
            write!(f, "{op}{suffix} %{dst}, {}", operand(src))
        }
        Insn::Neg { width, dst } => write!(f, "neg{} %{dst}", width_suffix(width)),
        Insn::MovSx { width, from, dst, src } => {
            write!(f, "{} %{dst}, %{src}", words::of(&MOVSX, (from, width)).classic)
        }
        Insn::Endian { op, size, dst } => {
            write!(f, "{}{} %{dst}", words::of(&ENDIAN, op).classic, size.bytes() * 8)
        }
        Insn::AddrSpaceCast { dst, src, to, from } => {
            write!(f, "addr_space_cast %{dst}, %{src}, {to}, {from}")
        }
        Insn::AddrPercpu { dst, src } => write!(f, "addr_percpu %{dst}, %{src}"),
        Insn::LoadImm64 { dst, value: Imm64::Value(value) } => {
            write!(f, "lddw %{dst}, {value:#x}")
        }
        Insn::LoadImm64 { dst, value } => {
            write!(f, "lddw %{dst}, {}", value::Print { value, label })
        }
        Insn::Load { size, signed, dst, base, off } => {
            let size = words::of(&ACCESS, (size, signed)).classic;
            write!(f, "ldx{size} %{dst}, {}", place(base, off))
        }
        Insn::Store { size, base, off, src } => {
            let kind = if matches!(src, Operand::Reg(_)) { "stx" } else { "st" };
            write!(f, "{kind}{} {}, {}", suffix(size), place(base, off), operand(src))
        }
        Insn::Atomic { op, width, base, off, src } => {
            let word = LOCKED.iter().chain(&FETCHING).find(|word| word.value == op);
            let name = word.map_or("?", |word| word.classic);
            write!(f, "lock {name}{} {}, %{src}", width_suffix(width), place(base, off))
        }
        Insn::LoadAcquire { size, dst, base, off } => {
            write!(f, "ldacq{} %{dst}, {}", suffix(size), place(base, off))
        }
        Insn::StoreRelease { size, base, off, src } => {
            write!(f, "strel{} {}, %{src}", suffix(size), place(base, off))
        }
        Insn::LoadPacket { size, index: None, imm } => {
            write!(f, "ldabs{} {imm}", suffix(size))
        }
        Insn::LoadPacket { size, index: Some(index), imm } => {
            write!(f, "ldind{} %{index}, {imm}", suffix(size))
        }
        Insn::Jump { off, wide } => {
            let wide = wide || i16::try_from(off).is_err();
            write!(f, "ja{} {}", if wide { "32" } else { "" }, distance(off, label))
        }
        Insn::JumpIf { width, cond, dst, src, off } => {
            let (cond, suffix) = (words::of(&CONDS, cond).classic, width_suffix(width));
            write!(f, "{cond}{suffix} %{dst}, {}, {}", operand(src), distance(off.into(), label))
        }
        Insn::JumpReg { dst } => write!(f, "jax %{dst}"),
        Insn::MayGoto { off } => write!(f, "may_goto {}", distance(off.into(), label)),
        Insn::Call(callee) => call(f, callee, label),
        Insn::Exit => f.write_str("exit"),
    }
}

fn call(f: &mut fmt::Formatter<'_>, callee: Callee, label: Option<&str>) -> fmt::Result {
    match callee {
        Callee::Helper(id) => write!(f, "call {id}"),
        Callee::Local(off) => write!(f, "call local {}", distance(off, label)),
        Callee::Kfunc(id, 0) => write!(f, "call runtime {id}"),
        Callee::Kfunc(id, module) => write!(f, "call runtime {id} module {module}"),
        Callee::Reg(reg) => write!(f, "callx %{reg}"),
        Callee::RegImm(reg) => write!(f, "callx_imm %{reg}"),
    }
}

fn distance(off: i32, label: Option<&str>) -> impl fmt::Display {
    shown(move |f| match label {
        Some(label) => f.write_str(label),
        None => write!(f, "{off:+}"),
    })
}

fn suffix(size: Size) -> &'static str {
    words::of(&ACCESS, (size, false)).classic
}

fn operand(operand: Operand) -> impl fmt::Display {
    shown(move |f| match operand {
        Operand::Reg(reg) => write!(f, "%{reg}"),
        Operand::Imm(imm) => write!(f, "{imm}"),
    })
}

fn place(base: Reg, off: i16) -> impl fmt::Display {
    shown(move |f| match off {
        0 => write!(f, "[%{base}]"),
        _ => write!(f, "[%{base}{off:+}]"),
    })
}
