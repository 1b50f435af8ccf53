//! The opcode table: one row per opcode, read by decode, encode and text alike.
//!
//! Sources: `linux/bpf_common.h`, `linux/filter.h`; the rows are the opcodes that
//! `net/core/filter.c: chk_code_allowed` lists. The mnemonics are those of libpcap's `bpf_image`.

use crate::insn::{AluOp, Cond, Size};

/// An instruction without its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    LoadAbs(Size),
    LoadInd(Size),
    LoadImm,
    LoadMem,
    LoadLen,
    LoadXImm,
    LoadXMem,
    LoadXLen,
    LoadXMsh,
    StoreA,
    StoreX,
    Alu(AluOp, Operand),
    Neg,
    Jump,
    JumpIf(Cond, Operand),
    RetK,
    RetA,
    Tax,
    Txa,
}

/// Where a second operand comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    K,
    X,
}

/// One opcode.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) code: u16,
    pub(crate) mnemonic: &'static str,
    pub(crate) op: Op,
}

/// The row with this opcode.
pub(crate) fn by_code(code: u16) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.code == code)
}

/// The row of an operation.
pub(crate) fn by_op(op: Op) -> &'static Row {
    ROWS.iter().find(|row| row.op == op).expect("each operation has a row, as a test shows")
}

const fn row(code: u16, mnemonic: &'static str, op: Op) -> Row {
    Row { code, mnemonic, op }
}

/// All opcodes.
#[rustfmt::skip]
pub(crate) static ROWS: &[Row] = &[
    row(0x20, "ld",   Op::LoadAbs(Size::W)),
    row(0x28, "ldh",  Op::LoadAbs(Size::H)),
    row(0x30, "ldb",  Op::LoadAbs(Size::B)),
    row(0x40, "ld",   Op::LoadInd(Size::W)),
    row(0x48, "ldh",  Op::LoadInd(Size::H)),
    row(0x50, "ldb",  Op::LoadInd(Size::B)),
    row(0x00, "ld",   Op::LoadImm),
    row(0x60, "ld",   Op::LoadMem),
    row(0x80, "ld",   Op::LoadLen),
    row(0x01, "ldx",  Op::LoadXImm),
    row(0x61, "ldx",  Op::LoadXMem),
    row(0x81, "ldx",  Op::LoadXLen),
    row(0xb1, "ldxb", Op::LoadXMsh),
    row(0x02, "st",   Op::StoreA),
    row(0x03, "stx",  Op::StoreX),
    row(0x04, "add",  Op::Alu(AluOp::Add, Operand::K)),
    row(0x0c, "add",  Op::Alu(AluOp::Add, Operand::X)),
    row(0x14, "sub",  Op::Alu(AluOp::Sub, Operand::K)),
    row(0x1c, "sub",  Op::Alu(AluOp::Sub, Operand::X)),
    row(0x24, "mul",  Op::Alu(AluOp::Mul, Operand::K)),
    row(0x2c, "mul",  Op::Alu(AluOp::Mul, Operand::X)),
    row(0x34, "div",  Op::Alu(AluOp::Div, Operand::K)),
    row(0x3c, "div",  Op::Alu(AluOp::Div, Operand::X)),
    row(0x44, "or",   Op::Alu(AluOp::Or, Operand::K)),
    row(0x4c, "or",   Op::Alu(AluOp::Or, Operand::X)),
    row(0x54, "and",  Op::Alu(AluOp::And, Operand::K)),
    row(0x5c, "and",  Op::Alu(AluOp::And, Operand::X)),
    row(0x64, "lsh",  Op::Alu(AluOp::Lsh, Operand::K)),
    row(0x6c, "lsh",  Op::Alu(AluOp::Lsh, Operand::X)),
    row(0x74, "rsh",  Op::Alu(AluOp::Rsh, Operand::K)),
    row(0x7c, "rsh",  Op::Alu(AluOp::Rsh, Operand::X)),
    row(0x84, "neg",  Op::Neg),
    row(0x94, "mod",  Op::Alu(AluOp::Mod, Operand::K)),
    row(0x9c, "mod",  Op::Alu(AluOp::Mod, Operand::X)),
    row(0xa4, "xor",  Op::Alu(AluOp::Xor, Operand::K)),
    row(0xac, "xor",  Op::Alu(AluOp::Xor, Operand::X)),
    row(0x05, "ja",   Op::Jump),
    row(0x15, "jeq",  Op::JumpIf(Cond::Eq, Operand::K)),
    row(0x1d, "jeq",  Op::JumpIf(Cond::Eq, Operand::X)),
    row(0x25, "jgt",  Op::JumpIf(Cond::Gt, Operand::K)),
    row(0x2d, "jgt",  Op::JumpIf(Cond::Gt, Operand::X)),
    row(0x35, "jge",  Op::JumpIf(Cond::Ge, Operand::K)),
    row(0x3d, "jge",  Op::JumpIf(Cond::Ge, Operand::X)),
    row(0x45, "jset", Op::JumpIf(Cond::Set, Operand::K)),
    row(0x4d, "jset", Op::JumpIf(Cond::Set, Operand::X)),
    row(0x06, "ret",  Op::RetK),
    row(0x16, "ret",  Op::RetA),
    row(0x07, "tax",  Op::Tax),
    row(0x87, "txa",  Op::Txa),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_opcode_and_every_operation_has_one_row() {
        for row in ROWS {
            assert!(std::ptr::eq(row, by_op(row.op)), "{:?}", row.op);
            assert!(by_code(row.code).is_some_and(|same| std::ptr::eq(row, same)), "{:?}", row.op);
        }
    }
}
