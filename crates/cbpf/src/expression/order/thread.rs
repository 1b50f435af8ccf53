//! Branches past tests that an earlier test decides.

use std::collections::HashMap;

use super::View;
use crate::Cond;
use crate::expression::dominator::{Dominators, Edge, Enclosing};
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
    /// The outcome of a test, behind the nodes that tell it.
    outcomes: HashMap<Test, Enclosing<bool>>,
    /// Where the number is known that a value is.
    equalities: HashMap<ValueId, Enclosing<()>>,
}

impl<'d> Facts<'d> {
    fn new(graph: &Graph, view: View, nodes: &[NodeId], dominators: &'d Dominators) -> Self {
        let mut outcomes: HashMap<Test, Vec<_>> = HashMap::new();
        let mut equalities: HashMap<ValueId, Vec<_>> = HashMap::new();
        for id in nodes {
            let Some((from, outcome)) = dominators.only_entry(*id) else { continue };
            let test = view.test(graph, from);
            outcomes.entry(test).or_default().push((*id, outcome));
            if outcome && is_equality(test) {
                equalities.entry(test.value).or_default().push((*id, ()));
            }
        }
        let outcomes = outcomes.into_iter();
        let outcomes =
            outcomes.map(|(test, rows)| (test, Enclosing::new(dominators, rows, |_, _| {})));
        let equalities = equalities.into_iter();
        let equalities =
            equalities.map(|(value, rows)| (value, Enclosing::new(dominators, rows, |_, _| {})));
        Self { view, dominators, outcomes: outcomes.collect(), equalities: equalities.collect() }
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
        let (test, before) = (self.view.test(graph, next), self.view.test(graph, from));
        if test == before {
            return Some(taken);
        }
        let known = self.outcomes.get(&test);
        if let Some(outcome) = known.and_then(|facts| facts.nearest(self.dominators, from)) {
            return Some(*outcome);
        }
        if !is_equality(test) {
            return None;
        }
        let here = taken && is_equality(before) && before.value == test.value;
        let known = self.equalities.get(&test.value);
        let earlier = known.and_then(|facts| facts.nearest(self.dominators, from));
        (here || earlier.is_some()).then_some(false)
    }
}

/// Whether the test compares with a number, so that it excludes all others.
fn is_equality(test: Test) -> bool {
    test.cond == Cond::Eq && matches!(test.operand, Operand::Constant(_))
}
