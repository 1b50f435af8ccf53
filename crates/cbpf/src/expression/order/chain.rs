//! Chains of alternatives and of conditions, with tests of the same value together.

use super::View;
use crate::expression::dominator::Edge;
use crate::expression::graph::{Graph, NodeId, Target};
use crate::expression::value::ValueId;

/// Groups all chains, those near the end first; whether any order changed.
pub(super) fn group(graph: &mut Graph, view: View) -> bool {
    let postorder = graph.postorder();
    let mut entries = vec![Vec::new(); graph.nodes.len()];
    for id in postorder.iter().rev() {
        for outcome in [true, false] {
            if let Target::Node(next) = graph.node(*id).successor(outcome) {
                entries[next.index()].push((*id, outcome));
            }
        }
    }
    let mut chains = Chains { graph, view, entries };
    let mut is_changed = false;
    for id in postorder {
        for exit in [true, false] {
            is_changed |= chains.group_from(id, exit);
        }
    }
    is_changed
}

struct Chains<'g> {
    graph: &'g mut Graph,
    view: View,
    /// The edges into each node.
    entries: Vec<Vec<Edge>>,
}

impl Chains<'_> {
    /// Groups the chain that begins at `head`: all its tests lead to the same place with outcome
    /// `exit`, and to the next test with the other one.
    fn group_from(&mut self, head: NodeId, exit: bool) -> bool {
        if self.is_continued(head, exit) {
            return false;
        }
        let mut chain = vec![head];
        let mut last = head;
        while let Target::Node(next) = self.graph.node(last).successor(!exit) {
            if !self.is_continued(next, exit) {
                break;
            }
            chain.push(next);
            last = next;
        }
        let grouped = self.grouped(&chain);
        if grouped == chain {
            return false;
        }
        self.relink(&chain, &grouped, exit);
        true
    }

    /// Whether `id` is in a chain behind another test.
    fn is_continued(&self, id: NodeId, exit: bool) -> bool {
        let [(before, outcome)] = self.entries[id.index()][..] else { return false };
        let exit_of = |id| self.graph.node(id).successor(exit);
        outcome != exit && exit_of(before) == exit_of(id)
    }

    /// The tests of `chain`: first those of the value that was tested on all ways to it, then value
    /// by value as they appear.
    fn grouped(&self, chain: &[NodeId]) -> Vec<NodeId> {
        let value = |id: &NodeId| self.view.value(self.graph, *id);
        let mut before = self.entries[chain[0].index()].iter().map(|entry| value(&entry.0));
        let entry = before.next().filter(|entry| before.all(|other| other == *entry));
        let mut values: Vec<ValueId> = entry.into_iter().collect();
        values.extend(chain.iter().map(value));
        let mut ranks = std::collections::HashMap::new();
        for value in values {
            let next = ranks.len();
            ranks.entry(value).or_insert(next);
        }
        let mut grouped = chain.to_vec();
        grouped.sort_by_key(|id| ranks[&value(id)]);
        grouped
    }

    /// Links `chain` in the order `grouped`.
    fn relink(&mut self, chain: &[NodeId], grouped: &[NodeId], exit: bool) {
        let (head, last) = (chain[0], chain[chain.len() - 1]);
        let behind = self.graph.node(last).successor(!exit);
        let into_head = std::mem::take(&mut self.entries[head.index()]);
        for (from, outcome) in &into_head {
            *self.graph.node_mut(*from).successor_mut(*outcome) = Target::Node(grouped[0]);
        }
        if self.graph.root == Target::Node(head) {
            self.graph.root = Target::Node(grouped[0]);
        }
        for pair in grouped.windows(2) {
            *self.graph.node_mut(pair[0]).successor_mut(!exit) = Target::Node(pair[1]);
            self.entries[pair[1].index()] = vec![(pair[0], !exit)];
        }
        let new_last = grouped[grouped.len() - 1];
        *self.graph.node_mut(new_last).successor_mut(!exit) = behind;
        self.entries[grouped[0].index()] = into_head;
        if let Target::Node(behind) = behind {
            for entry in &mut self.entries[behind.index()] {
                if *entry == (last, !exit) {
                    *entry = (new_last, !exit);
                }
            }
        }
    }
}
