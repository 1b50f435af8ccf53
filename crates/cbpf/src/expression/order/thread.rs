//! Branches past tests that an earlier test decides.

use std::collections::HashMap;

use super::View;
use crate::Cond;
use crate::expression::dominator::{Dominators, Edge};
use crate::expression::graph::{Graph, NodeId, Target, Test};
use crate::expression::value::{Operand, ValueId};

/// Lets each branch skip the tests that its path decides; whether any did.
pub(super) fn thread(
    graph: &mut Graph,
    view: View,
    postorder: &[NodeId],
    dominators: &Dominators,
) -> bool {
    let facts = Facts::new(graph, view, postorder, dominators);
    let mut is_changed = false;
    for id in postorder {
        for outcome in [true, false] {
            let before = graph.node(*id).successor(outcome);
            let after = facts.skip(graph, before, (*id, outcome));
            *graph.node_mut(*id).successor_mut(outcome) = after;
            is_changed |= before != after;
        }
    }
    is_changed
}

/// What outcomes of tests are known where.
struct Facts<'d> {
    view: View,
    dominators: &'d Dominators,
    /// Nodes behind which the outcome of a test is known.
    outcomes: HashMap<Test, Vec<(NodeId, bool)>>,
    /// Nodes behind which the number is known that a value is.
    equalities: HashMap<ValueId, Vec<NodeId>>,
}

impl<'d> Facts<'d> {
    fn new(graph: &Graph, view: View, nodes: &[NodeId], dominators: &'d Dominators) -> Self {
        let (outcomes, equalities) = (HashMap::new(), HashMap::new());
        let mut facts = Self { view, dominators, outcomes, equalities };
        for id in nodes {
            let Some((from, outcome)) = dominators.only_entry(*id) else { continue };
            let test = facts.test(graph, from);
            facts.outcomes.entry(test).or_default().push((*id, outcome));
            if outcome && is_equality(test) {
                facts.equalities.entry(test.value).or_default().push(*id);
            }
        }
        facts
    }

    fn test(&self, graph: &Graph, id: NodeId) -> Test {
        Test { value: self.view.value(graph, id), ..graph.node(id).test }
    }

    /// Where a branch to `target` at `edge` leads past tests whose outcome is known.
    fn skip(&self, graph: &Graph, target: Target, edge: Edge) -> Target {
        let Target::Node(first) = target else { return target };
        let mut target = target;
        if graph.node(first).jt == graph.node(first).jf {
            target = graph.node(first).jt;
        }
        while let Target::Node(next) = target {
            let Some(outcome) = self.outcome(graph, next, edge) else { break };
            target = graph.node(next).successor(outcome);
        }
        target
    }

    /// The outcome of the test of `next` on a path that takes `edge`.
    fn outcome(&self, graph: &Graph, next: NodeId, edge: Edge) -> Option<bool> {
        let (from, taken) = edge;
        let (test, before) = (self.test(graph, next), self.test(graph, from));
        if test == before {
            return Some(taken);
        }
        let is_here = |behind: NodeId| self.dominators.dominates(behind, from);
        let known = self.outcomes.get(&test).into_iter().flatten().find(|row| is_here(row.0));
        if let Some((_, outcome)) = known {
            return Some(*outcome);
        }
        let is_other_number = taken && is_equality(before) && before.value == test.value
            || self
                .equalities
                .get(&test.value)
                .into_iter()
                .flatten()
                .any(|behind| is_here(*behind));
        (is_equality(test) && is_other_number).then_some(false)
    }
}

/// Whether the test compares with a number, so that it excludes all others.
fn is_equality(test: Test) -> bool {
    test.cond == Cond::Eq && matches!(test.operand, Operand::Constant(_))
}
