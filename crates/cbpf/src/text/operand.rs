//! How operands are written.

use crate::ancillary::Ancillary;
use crate::codec::parts;
use crate::insn::{AluOp, Insn};
use crate::row::{self, Op, Operand};

/// How an operation's operand is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `[12]`, or the name of ancillary data.
    Absolute,
    /// `[x + 14]`.
    Indirect,
    /// `4*([14]&0xf)`.
    HeaderLength,
    /// `M[1]`.
    Memory,
    /// `#pktlen`.
    Length,
    /// `#0x800`.
    Hexadecimal,
    /// `#80`.
    Decimal,
    /// `x`.
    Index,
    /// `7`, the number of an instruction.
    Target,
    /// Nothing.
    Nothing,
}

/// The shape of an operation's operand.
pub(super) fn shape(op: Op) -> Shape {
    match op {
        Op::LoadAbs(_) => Shape::Absolute,
        Op::LoadInd(_) => Shape::Indirect,
        Op::LoadXMsh => Shape::HeaderLength,
        Op::LoadMem | Op::LoadXMem | Op::StoreA | Op::StoreX => Shape::Memory,
        Op::LoadLen | Op::LoadXLen => Shape::Length,
        Op::Alu(AluOp::And | AluOp::Or | AluOp::Xor, Operand::K)
        | Op::LoadImm
        | Op::LoadXImm
        | Op::JumpIf(_, Operand::K) => Shape::Hexadecimal,
        Op::Alu(
            AluOp::Add
            | AluOp::Sub
            | AluOp::Mul
            | AluOp::Div
            | AluOp::Mod
            | AluOp::Lsh
            | AluOp::Rsh,
            Operand::K,
        )
        | Op::RetK => Shape::Decimal,
        Op::Alu(_, Operand::X) | Op::JumpIf(_, Operand::X) => Shape::Index,
        Op::Jump => Shape::Target,
        Op::Neg | Op::RetA | Op::Tax | Op::Txa => Shape::Nothing,
    }
}

/// A line of a listing, without its end. Constants in decimal are signed, as libpcap's are.
pub(super) fn line(pc: usize, insn: Insn) -> String {
    let (op, k) = parts(insn);
    let signed = k.cast_signed();
    let operand = match shape(op) {
        Shape::Absolute => match Ancillary::at(k) {
            Some(ancillary) => format!("[{}]", ancillary.name()),
            None => format!("[{signed}]"),
        },
        Shape::Indirect => format!("[x + {signed}]"),
        Shape::HeaderLength => format!("4*([{signed}]&0xf)"),
        Shape::Memory => format!("M[{k}]"),
        Shape::Length => "#pktlen".to_owned(),
        Shape::Hexadecimal => format!("#{k:#x}"),
        Shape::Decimal => format!("#{signed}"),
        Shape::Index => "x".to_owned(),
        Shape::Target => target(pc, k).cast_signed().to_string(),
        Shape::Nothing => String::new(),
    };
    let mnemonic = row::by_op(op).mnemonic;
    if let Insn::JumpIf { jt, jf, .. } = insn {
        let (jt, jf) = (pc + 1 + usize::from(jt), pc + 1 + usize::from(jf));
        format!("({pc:03}) {mnemonic:8} {operand:16} jt {jt}\tjf {jf}")
    } else {
        format!("({pc:03}) {mnemonic:8} {operand}")
    }
}

/// Where a jump at `pc` leads, modulo 2³².
fn target(pc: usize, distance: u32) -> u32 {
    following(pc).wrapping_add(distance)
}

/// The number of the instruction behind `pc`.
pub(super) fn following(pc: usize) -> u32 {
    u32::try_from(pc).map_or(u32::MAX, |pc| pc.saturating_add(1))
}
