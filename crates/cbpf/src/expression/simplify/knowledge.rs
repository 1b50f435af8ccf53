//! What a path tells about the number that a value is.

use std::collections::HashMap;

use crate::Cond;
use crate::expression::dominator::{Dominators, Edge};
use crate::expression::fold::bits;
use crate::expression::graph::{Graph, NodeId, Test};
use crate::expression::value::{Operand, ValueId};

/// Outcomes of tests, by tested value and the node behind which they are known.
pub(super) struct Facts<'d> {
    dominators: &'d Dominators,
    outcomes: HashMap<ValueId, Vec<(NodeId, Test, bool)>>,
}

impl<'d> Facts<'d> {
    pub(super) fn new(graph: &Graph, nodes: &[NodeId], dominators: &'d Dominators) -> Self {
        let mut outcomes: HashMap<ValueId, Vec<_>> = HashMap::new();
        for id in nodes {
            let Some((from, outcome)) = dominators.only_entry(*id) else { continue };
            let test = graph.node(from).test;
            outcomes.entry(test.value).or_default().push((*id, test, outcome));
        }
        Self { dominators, outcomes }
    }

    /// The outcome of `test` on a path that takes `edge`.
    pub(super) fn outcome(&self, graph: &Graph, test: Test, edge: Edge) -> Option<bool> {
        let (from, taken) = edge;
        let before = graph.node(from).test;
        let known = self.outcomes.get(&test.value).into_iter().flatten();
        let known = known.filter(|row| self.dominators.dominates(row.0, from));
        let mut facts = known.map(|row| (row.1, row.2)).collect::<Vec<_>>();
        if before.value == test.value {
            facts.push((before, taken));
        }
        if facts.is_empty() {
            return None;
        }
        if let Some((_, outcome)) = facts.iter().find(|fact| fact.0 == test) {
            return Some(*outcome);
        }
        Number::of(bits(&graph.values, test.value), &facts).outcome(test)
    }
}

/// The outcome of `test` for all numbers that its value can be.
pub(super) fn outcome_for_all(graph: &Graph, test: Test) -> Option<bool> {
    Number::of(bits(&graph.values, test.value), &[]).outcome(test)
}

/// What is known of one number.
struct Number {
    least: u32,
    greatest: u32,
    /// Bits that may be set.
    possible: u32,
    /// Numbers it is not.
    excluded: Vec<u32>,
    /// Masks of which some bit is set.
    touched: Vec<u32>,
}

impl Number {
    fn of(possible: u32, facts: &[(Test, bool)]) -> Self {
        let (excluded, touched) = (Vec::new(), Vec::new());
        let mut number = Self { least: 0, greatest: possible, possible, excluded, touched };
        for (test, outcome) in facts {
            if let Operand::Constant(constant) = test.operand {
                number.learn(test.cond, constant, *outcome);
            }
        }
        number.greatest = number.greatest.min(number.possible);
        number
    }

    fn learn(&mut self, cond: Cond, number: u32, outcome: bool) {
        match (cond, outcome) {
            (Cond::Eq, true) => {
                (self.least, self.greatest) = (self.least.max(number), self.greatest.min(number));
                self.possible &= number;
            }
            (Cond::Eq, false) => self.excluded.push(number),
            (Cond::Gt, true) => self.least = self.least.max(number.saturating_add(1)),
            (Cond::Gt, false) => self.greatest = self.greatest.min(number),
            (Cond::Ge, true) => self.least = self.least.max(number),
            (Cond::Ge, false) => self.greatest = self.greatest.min(number.saturating_sub(1)),
            (Cond::Set, true) => self.touched.push(number),
            (Cond::Set, false) => self.possible &= !number,
        }
    }

    fn outcome(&self, test: Test) -> Option<bool> {
        let Operand::Constant(number) = test.operand else { return None };
        if self.least == self.greatest {
            return Some(Test::holds(test.cond, self.least, number));
        }
        let is_no = match test.cond {
            Cond::Eq => {
                number < self.least
                    || number > self.greatest
                    || number & !self.possible != 0
                    || self.excluded.contains(&number)
                    || self.touched.iter().any(|mask| number & mask == 0)
            }
            Cond::Gt => self.greatest <= number,
            Cond::Ge => self.greatest < number,
            Cond::Set => self.possible & number == 0,
        };
        let is_yes = match test.cond {
            Cond::Eq => false,
            Cond::Gt => self.least > number,
            Cond::Ge => self.least >= number,
            Cond::Set if number == 0 => false,
            Cond::Set => self.touched.iter().any(|mask| mask & self.possible & !number == 0),
        };
        (is_no || is_yes).then_some(is_yes)
    }
}
