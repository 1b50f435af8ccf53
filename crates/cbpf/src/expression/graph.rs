//! A filter as a decision graph: tests, each with a successor for either outcome.
//!
//! The graph has no cycle. A node first stores its assignments, then decides; if a load of either
//! fails, the packet is refused.

use super::value::{Operand, ValueId, Values};
use crate::{Cond, Slot};

/// A node of a [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NodeId(u32);

/// Where a decision leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Target {
    Accept,
    Reject,
    Node(NodeId),
}

/// A comparison of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Test {
    pub(super) value: ValueId,
    pub(super) cond: Cond,
    pub(super) operand: Operand,
}

/// `M[slot] = value`, from then on known as `variable`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Assign {
    pub(super) slot: Slot,
    pub(super) value: ValueId,
    pub(super) variable: ValueId,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub(super) assigns: Vec<Assign>,
    pub(super) test: Test,
    /// What libpcap's optimiser takes for the tested value before it has looked at the test once.
    pub(super) first_value: ValueId,
    /// The successor where the test holds.
    pub(super) jt: Target,
    /// The successor where it does not.
    pub(super) jf: Target,
}

/// The tests of one expression, and where to begin.
#[derive(Clone, Debug)]
pub(super) struct Graph {
    pub(super) values: Values,
    pub(super) nodes: Vec<Node>,
    pub(super) root: Target,
}

impl Graph {
    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.index()]
    }

    pub(super) fn push(&mut self, node: Node) -> NodeId {
        let id = u32::try_from(self.nodes.len()).expect("the number of tests is limited");
        self.nodes.push(node);
        NodeId(id)
    }

    /// Whether deciding `test` can refuse a packet.
    pub(super) fn can_fail(&self, test: Test) -> bool {
        test.values().any(|value| self.values.can_fail(value))
    }

    /// The nodes that can be reached, each behind all its successors. Of two successors the one
    /// of the false branch comes first, so that in the reverse order it comes last.
    pub(super) fn postorder(&self) -> Vec<NodeId> {
        let mut is_seen = vec![false; self.nodes.len()];
        let mut order = Vec::new();
        let mut stack = vec![(self.root, false)];
        while let Some((target, is_done)) = stack.pop() {
            let Target::Node(id) = target else { continue };
            if is_done {
                order.push(id);
            } else if !std::mem::replace(&mut is_seen[id.index()], true) {
                let node = self.node(id);
                stack.extend([(target, true), (node.jt, false), (node.jf, false)]);
            }
        }
        order
    }
}

impl Node {
    /// The successor for one outcome of the test.
    pub(super) fn successor(&self, outcome: bool) -> Target {
        if outcome { self.jt } else { self.jf }
    }

    pub(super) fn successor_mut(&mut self, outcome: bool) -> &mut Target {
        if outcome { &mut self.jt } else { &mut self.jf }
    }
}

impl NodeId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

impl Test {
    /// What is computed to decide it.
    pub(super) fn values(self) -> impl Iterator<Item = ValueId> {
        let right = match self.operand {
            Operand::Constant(_) => None,
            Operand::Value(right) => Some(right),
        };
        std::iter::once(self.value).chain(right)
    }

    /// The outcome for two known numbers.
    pub(super) fn holds(cond: Cond, left: u32, right: u32) -> bool {
        match cond {
            Cond::Eq => left == right,
            Cond::Gt => left > right,
            Cond::Ge => left >= right,
            Cond::Set => left & right != 0,
        }
    }
}
