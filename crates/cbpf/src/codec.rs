//! The kernel's form of an instruction, `struct sock_filter`, to values and back.
//!
//! Every input gives instructions or a reason. A field that an instruction does not use is ignored,
//! as the kernel ignores it, and written as zero, so that decoding what was encoded gives the same
//! instructions, and encoding what was decoded gives the same program.

use std::fmt;

use crate::insn::{Insn, Slot, Source};
use crate::row::{self, Op, Operand};

/// One instruction as the kernel takes it (`linux/filter.h: struct sock_filter`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Raw {
    /// The opcode.
    pub code: u16,
    /// Distance if the condition holds.
    pub jt: u8,
    /// Distance if it does not.
    pub jf: u8,
    /// The constant.
    pub k: u32,
}

/// Why `struct sock_filter`s are not instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// No instruction has this opcode.
    UnknownOpcode {
        /// The instruction.
        pc: usize,
        /// Its opcode.
        code: u16,
    },
    /// No memory word has this number.
    UnknownSlot {
        /// The instruction.
        pc: usize,
        /// The number.
        number: u32,
    },
}

/// The instructions of a program; whether the program is valid is another question.
///
/// # Errors
/// When an element is not an instruction.
pub fn decode(program: &[Raw]) -> Result<Vec<Insn>, DecodeError> {
    program.iter().enumerate().map(|(pc, raw)| insn(pc, *raw)).collect()
}

/// The kernel's form of a program.
pub fn encode(program: &[Insn]) -> Vec<Raw> {
    program.iter().map(|insn| raw(*insn)).collect()
}

/// One instruction, at position `pc`.
pub(crate) fn insn(pc: usize, raw: Raw) -> Result<Insn, DecodeError> {
    let Raw { code, jt, jf, k } = raw;
    let row = row::by_code(code).ok_or(DecodeError::UnknownOpcode { pc, code })?;
    let slot = || Slot::new(k).ok_or(DecodeError::UnknownSlot { pc, number: k });
    let source = |operand| match operand {
        Operand::K => Source::K(k),
        Operand::X => Source::X,
    };
    Ok(match row.op {
        Op::LoadAbs(size) => Insn::LoadAbs { size, k },
        Op::LoadInd(size) => Insn::LoadInd { size, k },
        Op::LoadImm => Insn::LoadImm(k),
        Op::LoadMem => Insn::LoadMem(slot()?),
        Op::LoadLen => Insn::LoadLen,
        Op::LoadXImm => Insn::LoadXImm(k),
        Op::LoadXMem => Insn::LoadXMem(slot()?),
        Op::LoadXLen => Insn::LoadXLen,
        Op::LoadXMsh => Insn::LoadXMsh(k),
        Op::StoreA => Insn::StoreA(slot()?),
        Op::StoreX => Insn::StoreX(slot()?),
        Op::Alu(op, operand) => Insn::Alu { op, src: source(operand) },
        Op::Neg => Insn::Neg,
        Op::Jump => Insn::Jump(k),
        Op::JumpIf(cond, operand) => Insn::JumpIf { cond, src: source(operand), jt, jf },
        Op::RetK => Insn::RetK(k),
        Op::RetA => Insn::RetA,
        Op::Tax => Insn::Tax,
        Op::Txa => Insn::Txa,
    })
}

fn raw(insn: Insn) -> Raw {
    let (op, k) = parts(insn);
    let (jt, jf) = if let Insn::JumpIf { jt, jf, .. } = insn { (jt, jf) } else { (0, 0) };
    Raw { code: row::by_op(op).code, jt, jf, k }
}

/// The instruction taken apart into its operation and its constant, 0 if it has none.
pub(crate) fn parts(insn: Insn) -> (Op, u32) {
    let source = |src| match src {
        Source::K(k) => (Operand::K, k),
        Source::X => (Operand::X, 0),
    };
    match insn {
        Insn::LoadAbs { size, k } => (Op::LoadAbs(size), k),
        Insn::LoadInd { size, k } => (Op::LoadInd(size), k),
        Insn::LoadImm(k) => (Op::LoadImm, k),
        Insn::LoadMem(slot) => (Op::LoadMem, slot.number().into()),
        Insn::LoadLen => (Op::LoadLen, 0),
        Insn::LoadXImm(k) => (Op::LoadXImm, k),
        Insn::LoadXMem(slot) => (Op::LoadXMem, slot.number().into()),
        Insn::LoadXLen => (Op::LoadXLen, 0),
        Insn::LoadXMsh(k) => (Op::LoadXMsh, k),
        Insn::StoreA(slot) => (Op::StoreA, slot.number().into()),
        Insn::StoreX(slot) => (Op::StoreX, slot.number().into()),
        Insn::Alu { op, src } => {
            let (operand, k) = source(src);
            (Op::Alu(op, operand), k)
        }
        Insn::Neg => (Op::Neg, 0),
        Insn::Jump(k) => (Op::Jump, k),
        Insn::JumpIf { cond, src, .. } => {
            let (operand, k) = source(src);
            (Op::JumpIf(cond, operand), k)
        }
        Insn::RetK(k) => (Op::RetK, k),
        Insn::RetA => (Op::RetA, 0),
        Insn::Tax => (Op::Tax, 0),
        Insn::Txa => (Op::Txa, 0),
    }
}

impl Insn {
    /// Its name in assembler text.
    pub fn mnemonic(&self) -> &'static str {
        row::by_op(parts(*self).0).mnemonic
    }
}

impl Raw {
    /// The instruction in 8 bytes of a little-endian machine: `code:16 jt:8 jf:8 k:32`.
    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        let [c0, c1, jt, jf, k0, k1, k2, k3] = bytes;
        let (code, k) = (u16::from_le_bytes([c0, c1]), u32::from_le_bytes([k0, k1, k2, k3]));
        Self { code, jt, jf, k }
    }

    /// The inverse of [`Raw::from_bytes`].
    pub fn to_bytes(self) -> [u8; 8] {
        let ([c0, c1], [k0, k1, k2, k3]) = (self.code.to_le_bytes(), self.k.to_le_bytes());
        [c0, c1, self.jt, self.jf, k0, k1, k2, k3]
    }
}

impl DecodeError {
    /// The instruction that is refused.
    pub fn pc(&self) -> usize {
        match self {
            Self::UnknownOpcode { pc, .. } | Self::UnknownSlot { pc, .. } => *pc,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOpcode { pc, code } => {
                write!(f, "instruction {pc} has unknown opcode {code:#04x}")
            }
            Self::UnknownSlot { pc, number } => {
                write!(f, "instruction {pc} uses memory word {number}, which does not exist")
            }
        }
    }
}

impl std::error::Error for DecodeError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every opcode with constants on both sides of the number of memory words.
    #[test]
    fn what_decodes_encodes_to_itself_but_for_unused_fields() {
        let mut known = 0;
        for code in 0..=u16::MAX {
            for k in [0, 15, 16, u32::MAX] {
                let raw = Raw { code, jt: 3, jf: 7, k };
                let Ok(insns) = decode(&[raw]) else { continue };
                known += 1;
                let [again] = encode(&insns)[..] else { panic!("{insns:?}") };
                assert_eq!((again.code, decode(&[again])), (code, Ok(insns)), "{raw:?}");
                assert!(again.k == k || again.k == 0);
            }
        }
        assert_eq!(known, 4 * 45 + 4 * 2, "45 opcodes take any constant, 4 a memory word");
    }

    #[test]
    fn bytes_keep_an_instruction() {
        let raw = Raw { code: 0x15, jt: 1, jf: 2, k: 0x0800_0001 };
        assert_eq!(raw.to_bytes(), [0x15, 0, 1, 2, 1, 0, 0, 8]);
        assert_eq!(Raw::from_bytes(raw.to_bytes()), raw);
    }
}
