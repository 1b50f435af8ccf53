//! Fewer tests with the same outcome on every path, and the same loads that can fail.
//!
//! A branch skips tests whose outcome its path tells, by what is known of the tested value: its
//! least and greatest number, bits and excluded numbers. Equal tests with equal successors become
//! one. A test that leads nowhere but to refusal goes, whatever its loads, as they refuse too.

mod knowledge;

use std::collections::HashMap;

use super::dominator::{Dominators, Edge};
use super::graph::{Graph, Node, NodeId, Target};
use super::value::{Value, ValueId};
use knowledge::Facts;

/// Rounds at most; each but the last takes a branch or a test away.
const ROUNDS_MAX: usize = 64;

/// Takes tests out of `graph` until none is left to take.
pub(super) fn simplify(graph: &mut Graph) {
    decide_by_value(graph);
    for _ in 0..ROUNDS_MAX {
        while skip_known(graph) {}
        if !merge_equal(graph) {
            break;
        }
    }
}

/// Makes both successors of a test the same if no number that its value can be, or no packet, makes
/// a difference.
fn decide_by_value(graph: &mut Graph) {
    for id in graph.postorder() {
        let test = graph.node(id).test;
        let is_hopeless = test.values().any(|value| is_out_of_reach(graph, value));
        let outcome = knowledge::outcome_for_all(graph, test);
        let node = graph.node_mut(id);
        if is_hopeless {
            (node.jt, node.jf) = (Target::Reject, Target::Reject);
        } else if let Some(outcome) = outcome {
            (node.jt, node.jf) = (node.successor(outcome), node.successor(outcome));
        }
    }
}

/// Whether `value` needs a byte that no packet has. The kernel would take the offset of the load for
/// one of a pseudo-header's, which packets in files do not have.
fn is_out_of_reach(graph: &Graph, value: ValueId) -> bool {
    let is_load = match graph.values.get(value) {
        Value::Load { base: None, k, .. } | Value::HeaderLength(k) => k > i32::MAX as u32,
        Value::Load { base: Some(_), .. }
        | Value::Constant(_)
        | Value::Length
        | Value::Alu { .. }
        | Value::Negative(_)
        | Value::Variable { .. } => false,
    };
    is_load
        || graph.values.parts(value).into_iter().flatten().any(|part| is_out_of_reach(graph, part))
}

/// Lets branches skip tests that their paths decide; whether any did.
fn skip_known(graph: &mut Graph) -> bool {
    let postorder = graph.postorder();
    let dominators = Dominators::new(graph, &postorder);
    let facts = Facts::new(graph, &postorder, &dominators);
    let loaded = Loaded::new(graph, &postorder, &dominators);
    let mut is_changed = false;
    for id in &postorder {
        for outcome in [true, false] {
            let before = graph.node(*id).successor(outcome);
            let edge = (*id, outcome);
            let after = skip(graph, before, edge, &facts, &loaded);
            *graph.node_mut(*id).successor_mut(outcome) = after;
            is_changed |= before != after;
        }
    }
    let root = root_without_decided(graph);
    is_changed |= root != graph.root;
    graph.root = root;
    is_changed
}

/// Where a branch to `target` at `edge` leads.
fn skip(graph: &Graph, target: Target, edge: Edge, facts: &Facts<'_>, loaded: &Loaded) -> Target {
    let mut target = target;
    while let Target::Node(next) = target {
        let node = graph.node(next);
        if leads_to_refusal(node) {
            return Target::Reject;
        }
        if !node.assigns.is_empty() {
            break;
        }
        let is_free = || node.test.values().all(|value| loaded.is_behind(graph, value, edge.0));
        let outcome = if node.jt == node.jf {
            is_free().then_some(true)
        } else {
            facts.outcome(graph, node.test, edge)
        };
        let Some(outcome) = outcome else { break };
        target = node.successor(outcome);
    }
    target
}

fn leads_to_refusal(node: &Node) -> bool {
    (node.jt, node.jf) == (Target::Reject, Target::Reject)
}

/// The first node, unless it decides nothing and can not refuse.
fn root_without_decided(graph: &Graph) -> Target {
    let Target::Node(id) = graph.root else { return graph.root };
    let node = graph.node(id);
    if leads_to_refusal(node) {
        return Target::Reject;
    }
    let is_needed = node.jt != node.jf || !node.assigns.is_empty() || graph.can_fail(node.test);
    if is_needed { graph.root } else { node.jt }
}

/// Makes nodes that decide the same and lead to the same one; whether there were any.
fn merge_equal(graph: &mut Graph) -> bool {
    let mut first = HashMap::new();
    let mut same: HashMap<NodeId, NodeId> = HashMap::new();
    for id in graph.postorder() {
        let mut node = graph.node(id).clone();
        for outcome in [true, false] {
            if let Target::Node(next) = node.successor(outcome) {
                let kept = same.get(&next).copied().unwrap_or(next);
                *node.successor_mut(outcome) = Target::Node(kept);
            }
        }
        *graph.node_mut(id) = node.clone();
        let kept = *first.entry(node).or_insert(id);
        if kept != id {
            same.insert(id, kept);
        }
    }
    !same.is_empty()
}

/// How many bytes of the packet are known to be there, behind each node.
struct Loaded {
    bytes: Vec<u32>,
}

impl Loaded {
    fn new(graph: &Graph, postorder: &[NodeId], dominators: &Dominators) -> Self {
        let mut bytes = vec![0_u32; graph.nodes.len()];
        for id in postorder.iter().rev() {
            let before = bytes[dominators.parent(*id).index()];
            let node = graph.node(*id);
            let assigned = node.assigns.iter().map(|assign| assign.value);
            let own = node.test.values().chain(assigned).map(|value| known_bytes(graph, value));
            bytes[id.index()] = own.max().unwrap_or(0).max(before);
        }
        Self { bytes }
    }

    /// Whether computing `value` can not fail behind `node`.
    fn is_behind(&self, graph: &Graph, value: ValueId, node: NodeId) -> bool {
        let is_there = |end: u32| end <= self.bytes[node.index()];
        match graph.values.get(value) {
            Value::Load { base: None, size, k } => {
                k.checked_add(size.bytes()).is_some_and(is_there)
            }
            Value::HeaderLength(k) => k.checked_add(1).is_some_and(is_there),
            Value::Load { base: Some(_), .. } => false,
            Value::Alu { .. }
            | Value::Negative(_)
            | Value::Constant(_)
            | Value::Length
            | Value::Variable { .. } => {
                !graph.values.can_fail(value)
                    || graph
                        .values
                        .parts(value)
                        .into_iter()
                        .flatten()
                        .all(|part| self.is_behind(graph, part, node))
                        && !is_division(graph, value)
            }
        }
    }
}

/// Whether `value` divides by a computed number.
fn is_division(graph: &Graph, value: ValueId) -> bool {
    let [_, right] = graph.values.parts(value);
    let divides = matches!(
        graph.values.get(value),
        Value::Alu { op: crate::AluOp::Div | crate::AluOp::Mod, .. }
    );
    divides && right.is_some()
}

/// The end of the farthest absolute load of `value`.
fn known_bytes(graph: &Graph, value: ValueId) -> u32 {
    let own = match graph.values.get(value) {
        Value::Load { base: None, size, k } => k.checked_add(size.bytes()).unwrap_or(0),
        Value::HeaderLength(k) => k.checked_add(1).unwrap_or(0),
        Value::Load { base: Some(_), .. }
        | Value::Constant(_)
        | Value::Length
        | Value::Alu { .. }
        | Value::Negative(_)
        | Value::Variable { .. } => 0,
    };
    let parts = graph.values.parts(value).into_iter().flatten();
    parts.map(|part| known_bytes(graph, part)).max().unwrap_or(0).max(own)
}
