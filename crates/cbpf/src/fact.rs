//! What is known at an instruction, whichever way leads there.
//!
//! All jumps of a classic program lead forward, so one pass in program order sees every way to an
//! instruction before it. The kernel's verifier, which follows every way by itself, must know at least
//! as much of a translation; so the bounds here follow its own rules (`kernel/bpf/verifier.c:
//! scalar32_min_max_*`, `is_safe_to_compute_dst_reg_range`) where they are narrower than arithmetic
//! allows.

use crate::ancillary::{Ancillary, Origin, origin};
use crate::insn::{AluOp, Insn, Size, Source};
use crate::program::Program;

/// An offset that an eBPF load can carry is at most this.
const LOAD_OFFSET_MAX: u32 = 0x7fff;

/// Facts that hold on all ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// A is at most this.
    pub(crate) a_max: u32,
    /// X is at most this.
    pub(crate) x_max: u32,
    /// So many bytes of the packet are there.
    pub(crate) data_bytes: u32,
    /// If a load by this value of X was near ([`Facts::near`]), so many bytes are there from byte X
    /// on.
    pub(crate) index_bytes: Option<u32>,
}

/// What is known before each instruction; nothing at one that no way leads to.
///
/// No load reaches byte `reach` of a packet.
pub(crate) fn facts(program: &Program, reach: u32) -> Vec<Option<Facts>> {
    let mut arriving = vec![None; program.len()];
    arriving[0] = Some(Facts::START);
    for (pc, insn) in program.iter().enumerate() {
        let here: Option<Facts> = arriving[pc];
        let Some(known) = here.and_then(|facts| facts.after(insn, reach)) else { continue };
        for distance in ways(insn).into_iter().flatten() {
            let there = &mut arriving[pc + 1 + distance];
            *there = Some(there.map_or(known, |facts| facts.join(known)));
        }
    }
    arriving
}

/// How far behind an instruction those are that can follow it.
fn ways(insn: &Insn) -> [Option<usize>; 2] {
    match *insn {
        Insn::Jump(distance) => [Some(distance as usize), None],
        Insn::JumpIf { jt, jf, .. } => [Some(jt.into()), Some(jf.into())],
        Insn::RetK(_) | Insn::RetA => [None, None],
        Insn::LoadAbs { .. }
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
        | Insn::Alu { .. }
        | Insn::Neg
        | Insn::Tax
        | Insn::Txa => [Some(0), None],
    }
}

/// Bytes of the packet that a load at a constant offset needs; none if no packet has them.
pub(crate) fn needed(k: u32, size: Size, reach: u32) -> Option<u32> {
    match origin(k) {
        Origin::Data(at) => at.checked_add(size.bytes()).filter(|end| *end <= reach),
        Origin::Network(_) | Origin::Link(_) | Origin::Nothing => None,
    }
}

impl Facts {
    /// At the beginning, A and X being zero.
    const START: Self = Self { a_max: 0, x_max: 0, data_bytes: 0, index_bytes: None };

    /// What holds here and there.
    fn join(self, other: Self) -> Self {
        Self {
            a_max: self.a_max.max(other.a_max),
            x_max: self.x_max.max(other.x_max),
            data_bytes: self.data_bytes.min(other.data_bytes),
            index_bytes: self.index_bytes.min(other.index_bytes),
        }
    }

    /// Bytes from byte X on that an indirect load needs, if X is so small that the verifier accepts
    /// it as part of a pointer, and the load's offset fits into an instruction.
    pub(crate) fn near(&self, k: u32, size: Size, reach: u32) -> Option<u32> {
        let needed = k.checked_add(size.bytes())?;
        let highest = self.x_max.checked_add(needed)?;
        (k <= LOAD_OFFSET_MAX && highest <= reach).then_some(needed)
    }

    /// What holds behind an instruction; nothing if the program always ends there.
    fn after(self, insn: &Insn, reach: u32) -> Option<Self> {
        let a = |a_max| Self { a_max, ..self };
        let x = |x_max| Self { x_max, index_bytes: None, ..self };
        Some(match *insn {
            Insn::LoadAbs { size, k } => match Ancillary::at(k) {
                None => Self { a_max: loaded_max(size), ..self.having(k, size, reach)? },
                // Calls cost a translation the pointer to byte X.
                Some(Ancillary::Random | Ancillary::Cpu) => {
                    Self { a_max: u32::MAX, index_bytes: None, ..self }
                }
                Some(_) => a(u32::MAX),
            },
            Insn::LoadXMsh(k) => {
                Self { x_max: 0xf << 2, index_bytes: None, ..self.having(k, Size::B, reach)? }
            }
            Insn::LoadInd { size, k } => {
                let index_bytes = match self.near(k, size, reach) {
                    Some(needed) => self.index_bytes.max(Some(needed)),
                    None => self.index_bytes,
                };
                Self { a_max: loaded_max(size), index_bytes, ..self }
            }
            Insn::LoadMem(_) | Insn::LoadLen | Insn::Neg => a(u32::MAX),
            Insn::LoadImm(k) => a(k),
            Insn::LoadXImm(k) => x(k),
            Insn::LoadXMem(_) | Insn::LoadXLen => x(u32::MAX),
            Insn::Alu { op, src } => a(self.result_max(op, src)),
            Insn::Tax => x(self.a_max),
            Insn::Txa => a(self.x_max),
            Insn::StoreA(_)
            | Insn::StoreX(_)
            | Insn::Jump(_)
            | Insn::JumpIf { .. }
            | Insn::RetK(_)
            | Insn::RetA => self,
        })
    }

    /// With the bytes there that a load needs. The places of headers say nothing about bytes.
    fn having(self, k: u32, size: Size, reach: u32) -> Option<Self> {
        if let Origin::Network(_) | Origin::Link(_) = origin(k) {
            return Some(self);
        }
        let needed = needed(k, size, reach)?;
        Some(Self { data_bytes: self.data_bytes.max(needed), ..self })
    }

    /// A bound of A after arithmetic. Of shifts the verifier follows those by a constant.
    fn result_max(self, op: AluOp, src: Source) -> u32 {
        let a_max = self.a_max;
        let b_max = match src {
            Source::K(k) => k,
            Source::X => self.x_max,
        };
        let half = |value: u32| value <= u16::MAX.into();
        match (op, src) {
            (AluOp::And, _) => a_max.min(b_max),
            (AluOp::Add, _) => a_max.saturating_add(b_max),
            (AluOp::Mul, _) if half(a_max) && half(b_max) => a_max * b_max,
            (AluOp::Rsh, Source::K(k @ 0..32)) => a_max >> k,
            (AluOp::Lsh, Source::K(k @ 0..32)) if a_max <= 1 << (31 - k) => a_max << k,
            (
                AluOp::Mul
                | AluOp::Rsh
                | AluOp::Lsh
                | AluOp::Sub
                | AluOp::Div
                | AluOp::Mod
                | AluOp::Or
                | AluOp::Xor,
                _,
            ) => u32::MAX,
        }
    }
}

/// The greatest number loaded; verifiers before Linux 6.18 forget what a change of byte order was of.
fn loaded_max(size: Size) -> u32 {
    match size {
        Size::B => u8::MAX.into(),
        Size::H | Size::W => u32::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insn::Cond;

    const REACH: u32 = 0xffff;

    fn at(insns: Vec<Insn>, pc: usize) -> Option<Facts> {
        facts(&Program::new(insns).expect("valid"), REACH)[pc]
    }

    #[test]
    fn a_join_keeps_what_holds_on_both_ways() {
        let insns = vec![
            Insn::LoadAbs { size: Size::B, k: 9 },
            Insn::JumpIf { cond: Cond::Eq, src: Source::K(6), jt: 0, jf: 2 },
            Insn::LoadAbs { size: Size::H, k: 40 },
            Insn::LoadXImm(8),
            Insn::RetA,
        ];
        let known = at(insns, 4).expect("two ways lead there");
        assert_eq!(known, Facts { a_max: u32::MAX, x_max: 8, data_bytes: 10, index_bytes: None });
    }

    #[test]
    fn nothing_follows_what_always_ends_the_program() {
        for first in [
            Insn::RetA,
            Insn::Jump(1),
            Insn::LoadAbs { size: Size::W, k: REACH - 3 },
            Insn::LoadAbs { size: Size::B, k: 0x8000_0000 },
            Insn::LoadXMsh(REACH),
        ] {
            assert_eq!(at(vec![first, Insn::RetK(1), Insn::RetK(2)], 1), None, "{first:?}");
        }
        for first in [
            Insn::LoadAbs { size: Size::W, k: REACH - 4 },
            Insn::LoadAbs { size: Size::B, k: 0xfff0_0000 },
            Insn::LoadXMsh(REACH - 1),
        ] {
            assert!(at(vec![first, Insn::RetK(1)], 1).is_some(), "{first:?}");
        }
    }

    #[test]
    fn bounds_follow_arithmetic_as_far_as_the_verifier_does() {
        let alu = |op, src| Insn::Alu { op, src };
        let max = |insn| {
            let insns =
                vec![Insn::LoadXMsh(0), Insn::LoadAbs { size: Size::B, k: 0 }, insn, Insn::RetA];
            at(insns, 3).expect("reached").a_max
        };
        assert_eq!(max(alu(AluOp::And, Source::K(0xf0))), 0xf0);
        assert_eq!(max(alu(AluOp::And, Source::X)), 60);
        assert_eq!(max(alu(AluOp::Add, Source::X)), 255 + 60);
        assert_eq!(max(alu(AluOp::Add, Source::K(u32::MAX))), u32::MAX);
        assert_eq!(max(alu(AluOp::Mul, Source::X)), 255 * 60);
        assert_eq!(max(alu(AluOp::Mul, Source::K(0x1_0000))), u32::MAX);
        assert_eq!(max(alu(AluOp::Rsh, Source::K(2))), 63);
        assert_eq!(max(alu(AluOp::Rsh, Source::X)), u32::MAX);
        assert_eq!(max(alu(AluOp::Lsh, Source::K(2))), 1020);
        assert_eq!(max(alu(AluOp::Lsh, Source::K(24))), u32::MAX);
        assert_eq!(max(alu(AluOp::Sub, Source::K(1))), u32::MAX);
        assert_eq!(max(Insn::Neg), u32::MAX);
        assert_eq!(max(Insn::Txa), 60);
    }
}
