//! Where A and X are needed.

use crate::ancillary::Ancillary;
use crate::insn::{Insn, Source};

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
    let indexed = |src: Source| src == Source::X;
    match *insn {
        Insn::LoadAbs { k, .. } => match Ancillary::at(k) {
            Some(Ancillary::AluXorX | Ancillary::Nlattr | Ancillary::NlattrNest) => {
                Live { a: true, x: true }
            }
            // Without a device the program ends with A.
            Some(Ancillary::Ifindex | Ancillary::HardwareType) => Live { a: true, ..next },
            Some(
                Ancillary::Protocol
                | Ancillary::PacketType
                | Ancillary::Mark
                | Ancillary::Queue
                | Ancillary::RxHash
                | Ancillary::Cpu
                | Ancillary::VlanTag
                | Ancillary::VlanTagPresent
                | Ancillary::PayOffset
                | Ancillary::Random
                | Ancillary::VlanTpid,
            )
            | None => Live { a: false, ..next },
        },
        Insn::LoadInd { .. } | Insn::Txa => Live { a: false, x: true },
        Insn::LoadImm(_) | Insn::LoadMem(_) | Insn::LoadLen => Live { a: false, ..next },
        Insn::LoadXImm(_) | Insn::LoadXMem(_) | Insn::LoadXLen | Insn::LoadXMsh(_) => {
            Live { x: false, ..next }
        }
        Insn::StoreA(_) | Insn::Neg => Live { a: true, ..next },
        Insn::StoreX(_) => Live { x: true, ..next },
        Insn::Alu { src, .. } => Live { a: true, x: next.x || indexed(src) },
        Insn::Jump(distance) => at(distance as usize),
        Insn::JumpIf { src, jt, jf, .. } => {
            let x = at(jt.into()).x || at(jf.into()).x || indexed(src);
            Live { a: true, x }
        }
        Insn::RetK(_) => Live::default(),
        Insn::RetA => Live { a: true, x: false },
        Insn::Tax => Live { a: true, x: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insn::{AluOp, Cond, Size};

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
}
