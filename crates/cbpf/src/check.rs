//! Which programs are valid: exactly those that Linux attaches.
//!
//! Source: `net/core/filter.c: bpf_check_classic`, `check_load_and_stores`. Unknown opcodes and
//! memory words are what [`decode`](crate::decode) refuses. The kernel also refuses a valid program
//! whose jump becomes too long (over 32,767 slots) in its own translation to eBPF; only programs of
//! some thousand packet loads can meet that, and it depends on the kernel's version.

use std::fmt;

use crate::ancillary::{Ancillary, is_ancillary};
use crate::insn::{AluOp, INSNS_MAX, Insn, SLOTS, Slot, Source};

/// Why a program is not valid. A `pc` is the position of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum CheckError {
    /// The program has no instruction.
    Empty,
    /// The program has more than [`INSNS_MAX`] instructions.
    TooLong { insns: usize },
    /// A division by the constant zero.
    ZeroDivision { pc: usize },
    /// A shift by a constant over 31.
    Shift { pc: usize, amount: u32 },
    /// A jump to behind the last instruction.
    Jump { pc: usize, target: u64 },
    /// A load of ancillary data that does not exist.
    UnknownAncillary { pc: usize, k: u32 },
    /// The last instruction does not return.
    NoReturn { pc: usize },
    /// A load of a memory word that some path to it has not written.
    Uninitialised { pc: usize, slot: Slot },
}

/// Whether a program is valid.
///
/// # Errors
/// The first reason that the kernel would find.
pub fn check(program: &[Insn]) -> Result<(), CheckError> {
    let last = program.last().ok_or(CheckError::Empty)?;
    let insns = program.len();
    if insns > INSNS_MAX {
        return Err(CheckError::TooLong { insns });
    }
    program.iter().enumerate().try_for_each(|(pc, insn)| check_one(pc, insn, insns))?;
    if !matches!(last, Insn::RetK(_) | Insn::RetA) {
        return Err(CheckError::NoReturn { pc: insns - 1 });
    }
    check_memory(program)
}

fn check_one(pc: usize, insn: &Insn, insns: usize) -> Result<(), CheckError> {
    let check_target = |distance: u32| {
        let target = pc as u64 + 1 + u64::from(distance);
        if target < insns as u64 { Ok(()) } else { Err(CheckError::Jump { pc, target }) }
    };
    match *insn {
        Insn::Alu { op: AluOp::Div | AluOp::Mod, src: Source::K(0) } => {
            Err(CheckError::ZeroDivision { pc })
        }
        Insn::Alu { op: AluOp::Lsh | AluOp::Rsh, src: Source::K(amount @ 32..) } => {
            Err(CheckError::Shift { pc, amount })
        }
        Insn::Jump(distance) => check_target(distance),
        Insn::JumpIf { jt, jf, .. } => check_target(jt.max(jf).into()),
        Insn::LoadAbs { k, .. } if is_ancillary(k) && Ancillary::at(k).is_none() => {
            Err(CheckError::UnknownAncillary { pc, k })
        }
        Insn::Alu { .. }
        | Insn::LoadAbs { .. }
        | Insn::LoadInd { .. }
        | Insn::LoadImm(_)
        | Insn::LoadMem(_)
        | Insn::LoadLen
        | Insn::LoadXImm(_)
        | Insn::LoadXMem(_)
        | Insn::LoadXLen
        | Insn::LoadXMsh(_)
        | Insn::StoreA(_)
        | Insn::StoreX(_)
        | Insn::Neg
        | Insn::RetK(_)
        | Insn::RetA
        | Insn::Tax
        | Insn::Txa => Ok(()),
    }
}

/// A bit for each memory word.
type Words = u16;

/// Refuses a load of a word that is not written on every path.
///
/// As in the kernel, what follows a return is taken to be reached with the words written before it,
/// unlike what follows a jump. The targets of all jumps lie within the program.
fn check_memory(program: &[Insn]) -> Result<(), CheckError> {
    const _: () = assert!(SLOTS == Words::BITS as usize, "a bit for each word");
    // Words written on all jumps to an instruction.
    let mut arriving = vec![Words::MAX; program.len()];
    let mut written: Words = 0;
    for (pc, insn) in program.iter().enumerate() {
        written &= arriving[pc];
        let mut leave = |distance: usize| arriving[pc + 1 + distance] &= written;
        match *insn {
            Insn::StoreA(slot) | Insn::StoreX(slot) => written |= 1 << slot.number(),
            Insn::LoadMem(slot) | Insn::LoadXMem(slot) if written & 1 << slot.number() == 0 => {
                return Err(CheckError::Uninitialised { pc, slot });
            }
            Insn::Jump(distance) => {
                leave(distance as usize);
                written = Words::MAX;
            }
            Insn::JumpIf { jt, jf, .. } => {
                leave(jt.into());
                leave(jf.into());
                written = Words::MAX;
            }
            Insn::LoadMem(_)
            | Insn::LoadXMem(_)
            | Insn::LoadAbs { .. }
            | Insn::LoadInd { .. }
            | Insn::LoadImm(_)
            | Insn::LoadLen
            | Insn::LoadXImm(_)
            | Insn::LoadXLen
            | Insn::LoadXMsh(_)
            | Insn::Alu { .. }
            | Insn::Neg
            | Insn::RetK(_)
            | Insn::RetA
            | Insn::Tax
            | Insn::Txa => {}
        }
    }
    Ok(())
}

impl CheckError {
    /// The instruction that is refused; none for a program of a wrong length.
    pub fn pc(&self) -> Option<usize> {
        match self {
            Self::Empty | Self::TooLong { .. } => None,
            Self::ZeroDivision { pc }
            | Self::Shift { pc, .. }
            | Self::Jump { pc, .. }
            | Self::UnknownAncillary { pc, .. }
            | Self::NoReturn { pc }
            | Self::Uninitialised { pc, .. } => Some(*pc),
        }
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("program has no instruction"),
            Self::TooLong { insns } => {
                write!(f, "program has {insns} instructions, more than {INSNS_MAX}")
            }
            Self::ZeroDivision { pc } => write!(f, "instruction {pc} divides by zero"),
            Self::Shift { pc, amount } => {
                write!(f, "instruction {pc} shifts by {amount}, more than 31")
            }
            Self::Jump { pc, target } => {
                write!(f, "instruction {pc} jumps to {target}, behind the last instruction")
            }
            Self::UnknownAncillary { pc, k } => {
                write!(f, "instruction {pc} loads from {k:#x}, which is no ancillary data")
            }
            Self::NoReturn { pc } => write!(f, "instruction {pc} is the last but does not return"),
            Self::Uninitialised { pc, slot } => {
                write!(f, "instruction {pc} loads {slot}, which is not written on every path")
            }
        }
    }
}

impl std::error::Error for CheckError {}
