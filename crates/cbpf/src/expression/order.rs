//! Which tests are made on which path, and in which order, as libpcap's optimiser leaves them.
//!
//! A test whose load fails refuses the packet, so the order of tests shows on packets cut short.
//! libpcap's optimiser changes it in three ways, all followed here until nothing changes: a test
//! with constant outcome goes; a branch whose outcome an earlier test of the same value tells skips
//! the later test; in a chain of alternatives (or of conditions), tests of the same value come
//! together behind the first of them. Values are the same if they are written alike.
//!
//! Later stages shorten the program, but keep each path's outcome and whether its loads can fail.

mod chain;
mod thread;

use super::dominator::Dominators;
use super::graph::{Graph, NodeId, Test};
use super::value::{Operand, ValueId};
use crate::Cond;

/// Rounds until the order is left as it is; libpcap stops after as many, too.
const ROUNDS_MAX: usize = 100;

/// Brings the tests into libpcap's order.
pub(super) fn order(graph: &mut Graph) {
    for round in 0..ROUNDS_MAX {
        let view = View { is_first_round: round == 0 };
        let postorder = graph.postorder();
        let dominators = Dominators::new(graph, &postorder);
        let mut is_changed = view.decide_constants(graph, &postorder);
        is_changed |= thread::thread(graph, view, &postorder, &dominators);
        is_changed |= chain::group(graph, view);
        let is_settled =
            round > 0 || graph.nodes.iter().all(|node| node.first_value == node.test.value);
        if !is_changed && is_settled {
            break;
        }
    }
}

/// How a round sees the tested values.
#[derive(Clone, Copy)]
struct View {
    is_first_round: bool,
}

impl View {
    /// What the test of node `id` compares.
    fn value(self, graph: &Graph, id: NodeId) -> ValueId {
        let node = graph.node(id);
        if self.is_first_round { node.first_value } else { node.test.value }
    }

    fn test(self, graph: &Graph, id: NodeId) -> Test {
        Test { value: self.value(graph, id), ..graph.node(id).test }
    }

    /// Makes both successors of a test with constant outcome the same.
    fn decide_constants(self, graph: &mut Graph, nodes: &[NodeId]) -> bool {
        let mut is_changed = false;
        for id in nodes {
            let value = graph.values.as_constant(self.value(graph, *id));
            let node = graph.node_mut(*id);
            let outcome = match (value, node.test) {
                (_, Test { cond: Cond::Set, operand: Operand::Constant(0), .. }) => false,
                (Some(left), Test { cond, operand: Operand::Constant(right), .. }) => {
                    Test::holds(cond, left, right)
                }
                _ => continue,
            };
            is_changed |= node.jt != node.jf;
            (node.jt, node.jf) = (node.successor(outcome), node.successor(outcome));
        }
        is_changed
    }
}
