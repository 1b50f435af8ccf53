//! Where A and X are needed.

use crate::ancillary::Ancillary;
use crate::insn::{AluOp, Insn, Source};

/// Which registers hold a value that is used later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) a: bool,
    pub(crate) x: bool,
}

/// The registers needed at the beginning of each instruction, and nothing behind the last one.
pub(crate) fn live(program: &[Insn]) -> Vec<Live> {
    let mut live = vec![Live::default(); program.len() + 1];
    for (pc, insn) in program.iter().enumerate().rev() {
        let at = |distance: usize| live.get(pc + 1 + distance).copied().unwrap_or_default();
        live[pc] = before(insn, at);
    }
    live
}

/// The registers needed before an instruction, by those needed so far behind it.
fn before(insn: &Insn, at: impl Fn(usize) -> Live) -> Live {
    let next = at(0);
    match *insn {
        _ if is_idle(insn, next) => next,
        Insn::LoadAbs { k, .. } => match Ancillary::at(k) {
            Some(Ancillary::AluXorX | Ancillary::Nlattr | Ancillary::NlattrNest) => {
                Live { a: true, x: true }
            }
            Some(ancillary) => Live { a: ends_without_device(ancillary), ..next },
            None => Live { a: false, ..next },
        },
        Insn::LoadInd { .. } => Live { a: false, x: true },
        Insn::LoadImm(_) | Insn::LoadMem(_) | Insn::LoadLen => Live { a: false, ..next },
        Insn::LoadXImm(_) | Insn::LoadXMem(_) | Insn::LoadXLen | Insn::LoadXMsh(_) => {
            Live { x: false, ..next }
        }
        Insn::StoreA(_) | Insn::Neg => Live { a: true, ..next },
        Insn::StoreX(_) => Live { x: true, ..next },
        Insn::Alu { src, .. } => Live { x: next.x || src == Source::X, ..next },
        Insn::Jump(distance) => at(distance as usize),
        Insn::JumpIf { src, jt, jf, .. } => {
            let x = at(jt.into()).x || at(jf.into()).x || src == Source::X;
            Live { a: true, x }
        }
        Insn::RetK(_) => Live::default(),
        Insn::RetA => Live { a: true, x: false },
        Insn::Tax => Live { a: true, x: false },
        Insn::Txa => Live { a: false, x: true },
    }
}

/// Whether an instruction does nothing but set a register that nobody reads.
pub(crate) fn is_idle(insn: &Insn, after: Live) -> bool {
    match *insn {
        Insn::LoadAbs { k, .. } => {
            !after.a && Ancillary::at(k).is_some_and(|ancillary| !ends_without_device(ancillary))
        }
        Insn::Alu { op, src } => !after.a && !ends_at_zero(op, src),
        Insn::LoadImm(_) | Insn::LoadMem(_) | Insn::LoadLen | Insn::Neg | Insn::Txa => !after.a,
        Insn::LoadXImm(_) | Insn::LoadXMem(_) | Insn::LoadXLen | Insn::Tax => !after.x,
        Insn::LoadInd { .. }
        | Insn::LoadXMsh(_)
        | Insn::StoreA(_)
        | Insn::StoreX(_)
        | Insn::Jump(_)
        | Insn::JumpIf { .. }
        | Insn::RetK(_)
        | Insn::RetA => false,
    }
}

/// Whether a load of this, without a device, ends the program with A.
fn ends_without_device(ancillary: Ancillary) -> bool {
    matches!(ancillary, Ancillary::Ifindex | Ancillary::HardwareType)
}

/// Whether the operation ends the program when X is zero.
pub(crate) fn ends_at_zero(op: AluOp, src: Source) -> bool {
    matches!((op, src), (AluOp::Div | AluOp::Mod, Source::X))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insn::{Cond, Size};

    #[test]
    fn a_register_is_live_from_its_definition_to_its_use() {
        let program = [
            Insn::LoadAbs { size: Size::B, k: 0 },
            Insn::JumpIf { cond: Cond::Eq, src: Source::K(1), jt: 0, jf: 2 },
            Insn::Alu { op: AluOp::Add, src: Source::X },
            Insn::RetA,
            Insn::RetK(0),
        ];
        let flags: Vec<_> = live(&program).iter().map(|live| (live.a, live.x)).collect();
        assert_eq!(
            flags,
            [
                (false, true),
                (true, true),
                (true, true),
                (true, false),
                (false, false),
                (false, false)
            ]
        );
    }

    #[test]
    fn what_nobody_reads_needs_nothing() {
        let before = |insns: &[Insn]| {
            let program: Vec<Insn> = insns.iter().copied().chain([Insn::RetK(1)]).collect();
            live(&program)[0]
        };
        let alu = |op, src| Insn::Alu { op, src };
        let (neither, x) = (Live::default(), Live { a: false, x: true });
        assert_eq!(before(&[alu(AluOp::Add, Source::X), Insn::Neg, Insn::Tax]), neither);
        assert_eq!(before(&[alu(AluOp::Div, Source::X)]), x);
        assert_eq!(before(&[Insn::LoadInd { size: Size::B, k: 0 }]), x);
        assert_eq!(before(&[Insn::Txa, Insn::LoadAbs { size: Size::B, k: 0 }]), neither);
        let device = Insn::LoadAbs { size: Size::W, k: Ancillary::Ifindex.k() };
        assert_eq!(before(&[Insn::Txa, device]), x);
    }
}
