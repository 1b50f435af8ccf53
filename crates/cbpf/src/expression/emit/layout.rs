//! The places of blocks, found from the end of the program on.
//!
//! Blocks of the same code with the same targets are placed once, though they may test different
//! values, brought into the registers by the blocks before them. Every block ends in a jump with two targets, so blocks may stand in any order in which jumps lead
//! forward. Where a target is too far for a conditional jump, a copy of the return instruction, or a
//! jump to the block, is put behind the jumping block; later ones may use it as well.

use std::collections::HashMap;

use super::select::Block;
use crate::Insn;
use crate::expression::graph::{Graph, NodeId, Target};

/// The program of `blocks`, one for each node in `order`.
pub(super) fn lay_out(
    graph: &Graph,
    order: &[NodeId],
    blocks: &mut [Option<Block>],
    accepted: u32,
) -> Vec<Insn> {
    let mut layout = Layout { accepted, reversed: Vec::new(), places: HashMap::new() };
    let is_target = |target| {
        let leads = |id: &NodeId| [graph.node(*id).jt, graph.node(*id).jf].contains(&target);
        graph.root == target || order.iter().any(leads)
    };
    for target in [Target::Reject, Target::Accept].into_iter().filter(|target| is_target(*target)) {
        layout.put_near(target);
    }
    let mut placed: HashMap<Ending, Target> = HashMap::new();
    let mut same: HashMap<Target, Target> = HashMap::new();
    for id in order.iter().rev() {
        let Some(block) = blocks[id.index()].take() else { continue };
        let node = graph.node(*id);
        let targets = if block.is_opposite { [node.jf, node.jt] } else { [node.jt, node.jf] };
        let targets = targets.map(|target| same.get(&target).copied().unwrap_or(target));
        let this = Target::Node(*id);
        let first = *placed.entry((block.clone(), targets)).or_insert(this);
        if first == this {
            layout.jump(&block, targets);
            layout.reversed.extend(block.insns.into_iter().rev());
            layout.places.insert(this, layout.reversed.len());
        } else {
            same.insert(this, first);
        }
    }
    layout.reversed.reverse();
    layout.reversed
}

/// A block with its targets.
type Ending = (Block, [Target; 2]);

struct Layout {
    accepted: u32,
    /// The program from the end.
    reversed: Vec<Insn>,
    /// How many instructions there are from the nearest place of a target to the end.
    places: HashMap<Target, usize>,
}

impl Layout {
    /// Puts the jump that ends `block`.
    fn jump(&mut self, block: &Block, [jt, jf]: [Target; 2]) {
        if jt == jf {
            let distance = self.distance(jt);
            if distance > 0 {
                self.reversed.push(Insn::Jump(u32::try_from(distance).unwrap_or(u32::MAX)));
            }
            return;
        }
        // A jump put near moves everything behind it away by one.
        for target in [jt, jf, jt] {
            if self.short(target).is_none() {
                self.put_near(target);
            }
        }
        let (Some(jt), Some(jf)) = (self.short(jt), self.short(jf)) else {
            unreachable!("both targets were put near");
        };
        self.reversed.push(Insn::JumpIf { cond: block.cond, src: block.src, jt, jf });
    }

    /// How many instructions stand between the next one put and `target`.
    fn distance(&self, target: Target) -> usize {
        let place = self.places.get(&target).expect("targets are placed before their jumps");
        self.reversed.len() - place
    }

    /// The distance as a conditional jump holds it.
    fn short(&self, target: Target) -> Option<u8> {
        u8::try_from(self.distance(target)).ok()
    }

    /// Makes the next place lead to `target`.
    fn put_near(&mut self, target: Target) {
        let insn = match target {
            Target::Accept => Insn::RetK(self.accepted),
            Target::Reject => Insn::RetK(0),
            Target::Node(_) => Insn::Jump(u32::try_from(self.distance(target)).unwrap_or(u32::MAX)),
        };
        self.reversed.push(insn);
        self.places.insert(target, self.reversed.len());
    }
}
