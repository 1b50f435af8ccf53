//! Parts of a decision graph whose outcomes lead nowhere yet.

use super::Lowering;
use crate::expression::graph::{Assign, Graph, Node, NodeId, Target, Test};
use crate::expression::syntax::Connective;
use crate::expression::value::{Operand, Value, ValueId};
use crate::{AluOp, Cond};

/// A part of a graph: where it begins, and the branches taken where it holds and where not.
#[derive(Clone, Debug)]
pub(super) struct Fragment {
    entry: NodeId,
    on_true: Vec<Branch>,
    on_false: Vec<Branch>,
}

/// A node and an outcome of its test.
type Branch = (NodeId, bool);

impl Fragment {
    /// Holds where `self` does not.
    pub(super) fn not(self) -> Self {
        Self { on_true: self.on_false, on_false: self.on_true, ..self }
    }
}

impl Lowering<'_> {
    /// Holds where `test` does.
    pub(super) fn test(&mut self, value: ValueId, cond: Cond, operand: Operand) -> Fragment {
        self.node(Test { value, cond, operand }, value, Vec::new())
    }

    /// Holds where `value` is `number`.
    pub(super) fn equals(&mut self, value: ValueId, number: u32) -> Fragment {
        self.test(value, Cond::Eq, Operand::Constant(number))
    }

    /// Holds where the bits `mask` of `value` are `bits`.
    pub(super) fn masked(&mut self, value: ValueId, bits: u32, mask: u32) -> Fragment {
        if mask == u32::MAX {
            return self.equals(value, bits);
        }
        let masked = self.graph.values.alu(AluOp::And, value, Operand::Constant(mask));
        if bits != 0 {
            return self.equals(masked, bits);
        }
        let test = Test { value, cond: Cond::Set, operand: Operand::Constant(mask) };
        self.node(test, masked, Vec::new()).not()
    }

    /// Holds where two computed numbers compare so.
    pub(super) fn relation(&mut self, left: ValueId, cond: Cond, right: ValueId) -> Fragment {
        let values = &mut self.graph.values;
        let operand = values.as_constant(right).map_or(Operand::Value(right), Operand::Constant);
        let first_value = match cond {
            Cond::Eq => values.alu(AluOp::Sub, left, Operand::Value(right)),
            Cond::Gt | Cond::Ge | Cond::Set => left,
        };
        self.node(Test { value: left, cond, operand }, first_value, Vec::new())
    }

    /// Holds always, or never.
    pub(super) fn always(&mut self, outcome: bool) -> Fragment {
        let number = self.graph.values.intern(Value::Constant(u32::from(!outcome)));
        self.equals(number, 0)
    }

    /// Stores `assigns` and holds.
    pub(super) fn assign(&mut self, assigns: Vec<Assign>) -> Fragment {
        let zero = self.graph.values.constant(0);
        let test = Test { value: zero, cond: Cond::Eq, operand: Operand::Constant(0) };
        self.node(test, zero, assigns)
    }

    /// Stores `assigns`, then decides `test`.
    pub(super) fn node(
        &mut self,
        test: Test,
        first_value: ValueId,
        assigns: Vec<Assign>,
    ) -> Fragment {
        let (jt, jf) = (Target::Reject, Target::Reject);
        let entry = self.graph.push(Node { assigns, test, first_value, jt, jf });
        Fragment { entry, on_true: vec![(entry, true)], on_false: vec![(entry, false)] }
    }

    /// Decides `first`, and where it holds `second`.
    pub(super) fn and(&mut self, first: Fragment, second: Fragment) -> Fragment {
        connect(&mut self.graph, first.on_true, Target::Node(second.entry));
        let on_false = joined(first.on_false, second.on_false);
        Fragment { entry: first.entry, on_true: second.on_true, on_false }
    }

    /// Decides `first`, and where it does not hold `second`.
    pub(super) fn or(&mut self, first: Fragment, second: Fragment) -> Fragment {
        let not_both = self.and(first.not(), second.not());
        not_both.not()
    }

    pub(super) fn join(&mut self, connective: Connective, a: Fragment, b: Fragment) -> Fragment {
        match connective {
            Connective::And => self.and(a, b),
            Connective::Or => self.or(a, b),
        }
    }

    /// Decides fragments until one holds; there is at least one.
    pub(super) fn any(&mut self, fragments: impl IntoIterator<Item = Fragment>) -> Fragment {
        let any = fragments.into_iter().reduce(|a, b| self.or(a, b));
        any.expect("callers name at least one")
    }

    /// Decides fragments while they hold; there is at least one.
    pub(super) fn all(&mut self, fragments: impl IntoIterator<Item = Fragment>) -> Fragment {
        let all = fragments.into_iter().reduce(|a, b| self.and(a, b));
        all.expect("callers name at least one")
    }

    /// The whole filter: accepts where `fragment` holds.
    pub(super) fn finish(mut self, fragment: Fragment) -> Graph {
        self.graph.root = Target::Node(fragment.entry);
        connect(&mut self.graph, fragment.on_true, Target::Accept);
        connect(&mut self.graph, fragment.on_false, Target::Reject);
        self.graph
    }
}

fn connect(graph: &mut Graph, branches: Vec<Branch>, target: Target) {
    for (node, outcome) in branches {
        *graph.node_mut(node).successor_mut(outcome) = target;
    }
}

/// Both lists in one; the longer one is kept, so that long chains take linear time.
fn joined(mut a: Vec<Branch>, mut b: Vec<Branch>) -> Vec<Branch> {
    if a.len() < b.len() {
        std::mem::swap(&mut a, &mut b);
    }
    a.append(&mut b);
    a
}
