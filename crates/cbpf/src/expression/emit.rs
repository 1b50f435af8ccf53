//! Decision graph → program: the code of each node, then their places.

mod layout;
mod registers;
mod select;

use super::error::Reason;
use super::graph::{Graph, Target};
use crate::{INSNS_MAX, Insn};
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
    let insns = layout::lay_out(graph, &order, &mut blocks, selection.unassigned(), accepted);
    if insns.len() > INSNS_MAX {
        return Err(Reason::ProgramTooLong { insns: insns.len(), max: INSNS_MAX });
    }
    Ok(insns)
}
