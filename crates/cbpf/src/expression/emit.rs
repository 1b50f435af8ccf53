//! Decision graph → program: the code of each node, then their places.

mod layout;
mod registers;
mod select;

use super::error::Reason;
use super::graph::{Graph, Target};
use crate::{CheckError, INSNS_MAX, Insn, check};
use registers::Registers;
use select::{Block, Selection};

/// The program of `graph`, which returns `accepted` for the packets it accepts and 0 for others.
pub(super) fn emit(graph: &Graph, accepted: u32) -> Result<Vec<Insn>, Reason> {
    let mut order = graph.postorder();
    let mut selection = Selection::new(graph);
    let mut entries: Vec<Option<Registers>> = vec![None; graph.nodes.len()];
    let mut blocks: Vec<Option<Block>> = (0..graph.nodes.len()).map(|_| None).collect();
    order.reverse();
    for id in &order {
        let node = graph.node(*id);
        let entry = entries[id.index()].take().unwrap_or_default();
        let (block, exit) = selection.block(node, entry)?;
        blocks[id.index()] = Some(block);
        for target in [node.jt, node.jf] {
            if let Target::Node(next) = target {
                let entry = &mut entries[next.index()];
                match entry {
                    Some(entry) => entry.meet(&exit),
                    None => *entry = Some(exit.clone()),
                }
            }
        }
    }
    let insns = layout::lay_out(graph, &order, &mut blocks, accepted);
    let insns = with_written_memory(insns);
    if insns.len() > INSNS_MAX {
        return Err(Reason::ProgramTooLong { insns: insns.len(), max: INSNS_MAX });
    }
    Ok(insns)
}

/// The program, which writes zero at its begin to the memory words that the kernel takes for unwritten.
///
/// A word is read unwritten by `geneve or tcp`, where the offsets are those of a header that need not be
/// there. And the kernel's check, which goes through a program once, takes what is written where a `ret`
/// is reached for what is written behind it (`net/core/filter.c: check_load_and_stores`); so a `ret` amid
/// code that uses words hides them.
fn with_written_memory(mut insns: Vec<Insn>) -> Vec<Insn> {
    let mut written = 0;
    while let Err(CheckError::Uninitialised { slot, .. }) = check(&insns) {
        if written == 0 {
            insns.insert(0, Insn::LoadImm(0));
        }
        written += 1;
        insns.insert(written, Insn::StoreA(slot));
    }
    insns
}

#[cfg(test)]
mod tests {
    use netloom_packet::link::LinkType;

    use crate::expression::{Options, compile};
    use crate::{Insn, Program};

    #[test]
    fn words_behind_a_return_are_written_for_the_kernel() {
        let insns =
            compile("ip6 protochain 4 or ip6 protochain 6", &Options::new(LinkType::ETHERNET));
        let insns = insns.expect("an expression");
        assert!(matches!(insns[..2], [Insn::LoadImm(0), Insn::StoreA(_)]), "{:?}", &insns[..2]);
        assert!(Program::new(insns).is_ok());
    }

    #[test]
    fn no_word_is_written_without_need() {
        let insns = compile("ip6 protochain 4", &Options::new(LinkType::ETHERNET));
        let insns = insns.expect("an expression");
        assert!(matches!(insns[0], Insn::LoadAbs { .. }), "{:?}", insns[0]);
        assert!(Program::new(insns).is_ok());
    }
}
