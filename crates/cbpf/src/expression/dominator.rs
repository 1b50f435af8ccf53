//! Which nodes every path to a node passes, and what is known behind them.

use super::graph::{Graph, NodeId, Target};

/// A node and an outcome of its test.
pub(super) type Edge = (NodeId, bool);

/// The dominator tree of the nodes that can be reached (Lengauer and Tarjan define it; a graph
/// without cycles needs no more than one pass in topological order).
pub(super) struct Dominators {
    rows: Vec<Row>,
}

#[derive(Clone, Copy)]
struct Row {
    /// The nearest dominator; the root is its own.
    parent: NodeId,
    depth: u32,
    /// A farther one, chosen so that a search upwards takes logarithmic time (Myers, "An
    /// applicative random-access stack", 1983).
    jump: NodeId,
    /// When a walk through the tree enters and leaves the node.
    entered: u32,
    left: u32,
    /// The only edge into the node.
    only_entry: Option<Edge>,
}

impl Dominators {
    /// The tree of a graph whose reachable nodes are `postorder`.
    pub(super) fn new(graph: &Graph, postorder: &[NodeId]) -> Self {
        let Some(root) = postorder.last().copied() else { return Self { rows: Vec::new() } };
        let unknown =
            Row { parent: root, depth: 0, jump: root, entered: 0, left: 0, only_entry: None };
        let mut tree = Self { rows: vec![unknown; graph.nodes.len()] };
        let mut entries = vec![0_u32; graph.nodes.len()];
        for id in postorder.iter().rev() {
            if *id != root {
                tree.add_depth(*id);
            }
            for outcome in [true, false] {
                let Target::Node(next) = graph.node(*id).successor(outcome) else { continue };
                entries[next.index()] += 1;
                let is_first = entries[next.index()] == 1;
                let parent = tree.rows[next.index()].parent;
                let row = &mut tree.rows[next.index()];
                row.only_entry = is_first.then_some((*id, outcome));
                row.parent = *id;
                if !is_first {
                    let nearest = tree.nearest_common(parent, *id);
                    tree.rows[next.index()].parent = nearest;
                }
            }
        }
        tree.number(postorder);
        tree
    }

    /// Fills in what follows from the parent, which is final once all predecessors were visited.
    fn add_depth(&mut self, id: NodeId) {
        let parent = self.rows[id.index()].parent;
        let above = self.rows[parent.index()];
        let farther = self.rows[above.jump.index()];
        let is_balanced =
            above.depth - farther.depth == farther.depth - self.rows[farther.jump.index()].depth;
        let row = &mut self.rows[id.index()];
        row.depth = above.depth + 1;
        row.jump = if is_balanced { farther.jump } else { parent };
    }

    fn nearest_common(&self, mut a: NodeId, mut b: NodeId) -> NodeId {
        let row = |id: NodeId| self.rows[id.index()];
        if row(a).depth < row(b).depth {
            std::mem::swap(&mut a, &mut b);
        }
        while row(a).depth > row(b).depth {
            let farther = row(a).jump;
            a = if row(farther).depth >= row(b).depth { farther } else { row(a).parent };
        }
        while a != b {
            let is_above = row(a).jump == row(b).jump;
            (a, b) =
                if is_above { (row(a).parent, row(b).parent) } else { (row(a).jump, row(b).jump) };
        }
        a
    }

    /// Numbers a walk through the tree: what a node dominates lies between its two numbers.
    fn number(&mut self, postorder: &[NodeId]) {
        // Children come before parents in `postorder`, so sizes of subtrees add up in one pass.
        let mut size = vec![1_u32; self.rows.len()];
        let Some((root, others)) = postorder.split_last() else { return };
        for id in others {
            size[self.rows[id.index()].parent.index()] += size[id.index()];
        }
        let mut next = vec![0_u32; self.rows.len()];
        self.rows[root.index()].left = size[root.index()];
        next[root.index()] = 1;
        for id in others.iter().rev() {
            let parent = self.rows[id.index()].parent.index();
            let entered = next[parent];
            next[parent] += size[id.index()];
            next[id.index()] = entered + 1;
            let row = &mut self.rows[id.index()];
            row.entered = entered;
            row.left = entered + size[id.index()];
        }
    }

    /// Whether every path to `below` passes `above`.
    pub(super) fn dominates(&self, above: NodeId, below: NodeId) -> bool {
        let (above, below) = (self.rows[above.index()], self.rows[below.index()]);
        above.entered <= below.entered && below.entered < above.left
    }

    /// The nearest dominator; the root is its own.
    pub(super) fn parent(&self, id: NodeId) -> NodeId {
        self.rows[id.index()].parent
    }

    /// The only edge into `id`, if there is only one.
    pub(super) fn only_entry(&self, id: NodeId) -> Option<Edge> {
        self.rows[id.index()].only_entry
    }
}

/// Facts of nodes that also hold in all nodes these dominate.
pub(super) struct Enclosing<T> {
    rows: Vec<Enclosed<T>>,
}

struct Enclosed<T> {
    node: NodeId,
    fact: T,
    /// The row of the nearest dominator that has one.
    outer: Option<usize>,
}

impl<T> Enclosing<T> {
    /// Puts `facts` in order; `join` may add what is known of the nearest dominator to a fact.
    pub(super) fn new(
        dominators: &Dominators,
        mut facts: Vec<(NodeId, T)>,
        join: impl Fn(&mut T, &T),
    ) -> Self {
        facts.sort_by_key(|row| dominators.rows[row.0.index()].entered);
        let mut rows: Vec<Enclosed<T>> = Vec::with_capacity(facts.len());
        for (node, mut fact) in facts {
            let mut outer = rows.len().checked_sub(1);
            while let Some(at) = outer.filter(|at| !dominators.dominates(rows[*at].node, node)) {
                outer = rows[at].outer;
            }
            if let Some(at) = outer {
                join(&mut fact, &rows[at].fact);
            }
            rows.push(Enclosed { node, fact, outer });
        }
        Self { rows }
    }

    /// The fact of the nearest dominator of `node`, or of itself.
    pub(super) fn nearest(&self, dominators: &Dominators, node: NodeId) -> Option<&T> {
        let entered = |id: NodeId| dominators.rows[id.index()].entered;
        let behind = self.rows.partition_point(|row| entered(row.node) <= entered(node));
        let mut at = behind.checked_sub(1)?;
        while !dominators.dominates(self.rows[at].node, node) {
            at = self.rows[at].outer?;
        }
        Some(&self.rows[at].fact)
    }
}
