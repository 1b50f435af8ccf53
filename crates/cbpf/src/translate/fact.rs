//! What is known at an instruction, whichever way leads there.
//!
//! The kernel's verifier, which follows every way by itself, must know at least as much; so the
//! bounds here follow its own rules (`kernel/bpf/verifier.c: scalar32_min_max_*`) where they are
//! narrower than arithmetic allows.

use crate::insn::{AluOp, Insn, Size, Source};

/// Facts that hold on all ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// A is at most this.
    pub(super) a_max: u32,
    /// X is at most this.
    pub(super) x_max: u32,
    /// So many bytes of the packet are there.
    pub(super) data_bytes: u32,
    /// If the index pointer is at byte X of the packet, so many bytes are there from it on.
    pub(super) index_bytes: Option<u32>,
}

impl Facts {
    /// At the beginning, A and X being zero.
    pub(super) const START: Self = Self { a_max: 0, x_max: 0, data_bytes: 0, index_bytes: None };

    /// What holds here and there.
    pub(super) fn join(self, other: Self) -> Self {
        Self {
            a_max: self.a_max.max(other.a_max),
            x_max: self.x_max.max(other.x_max),
            data_bytes: self.data_bytes.min(other.data_bytes),
            index_bytes: self.index_bytes.min(other.index_bytes),
        }
    }

    /// What holds behind an instruction as far as A and X are concerned.
    pub(super) fn after(self, insn: &Insn) -> Self {
        let a = |a_max| Self { a_max, ..self };
        let x = |x_max| Self { x_max, index_bytes: None, ..self };
        match *insn {
            // The verifier forgets what a change of byte order is made of.
            Insn::LoadAbs { size: Size::B, k: 0..0x8000_0000 }
            | Insn::LoadInd { size: Size::B, .. } => a(u8::MAX.into()),
            Insn::LoadAbs { .. }
            | Insn::LoadInd { .. }
            | Insn::LoadMem(_)
            | Insn::LoadLen
            | Insn::Neg => a(u32::MAX),
            Insn::LoadImm(k) => a(k),
            Insn::LoadXImm(k) => x(k),
            Insn::LoadXMem(_) | Insn::LoadXLen => x(u32::MAX),
            Insn::LoadXMsh(_) => x(0xf << 2),
            Insn::Alu { op, src } => a(self.result_max(op, src)),
            Insn::Tax => x(self.a_max),
            Insn::Txa => a(self.x_max),
            Insn::StoreA(_)
            | Insn::StoreX(_)
            | Insn::Jump(_)
            | Insn::JumpIf { .. }
            | Insn::RetK(_)
            | Insn::RetA => self,
        }
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
