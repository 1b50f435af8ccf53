//! What a path tells about the number that a value is.

use std::collections::HashMap;

use crate::Cond;
use crate::expression::dominator::{Dominators, Edge, Enclosing};
use crate::expression::fold::bits;
use crate::expression::graph::{Graph, NodeId, Test};
use crate::expression::value::{Operand, ValueId};

/// Outcomes of tests, and what they tell of the tested values, behind the nodes that tell it.
pub(super) struct Facts<'d> {
    dominators: &'d Dominators,
    outcomes: HashMap<Test, Enclosing<bool>>,
    numbers: HashMap<ValueId, Enclosing<Number>>,
}

impl<'d> Facts<'d> {
    pub(super) fn new(graph: &Graph, nodes: &[NodeId], dominators: &'d Dominators) -> Self {
        let mut outcomes: HashMap<Test, Vec<_>> = HashMap::new();
        let mut numbers: HashMap<ValueId, Vec<_>> = HashMap::new();
        for id in nodes {
            let Some((from, outcome)) = dominators.only_entry(*id) else { continue };
            let test = graph.node(from).test;
            let mut number = Number::of(bits(&graph.values, test.value));
            number.learn(test, outcome);
            outcomes.entry(test).or_default().push((*id, outcome));
            numbers.entry(test.value).or_default().push((*id, number));
        }
        let outcomes = outcomes.into_iter();
        let outcomes =
            outcomes.map(|(test, rows)| (test, Enclosing::new(dominators, rows, |_, _| {})));
        let numbers = numbers.into_iter();
        let numbers =
            numbers.map(|(value, rows)| (value, Enclosing::new(dominators, rows, Number::join)));
        Self { dominators, outcomes: outcomes.collect(), numbers: numbers.collect() }
    }

    /// The outcome of `test` on a path that takes `edge`; none where the path does not test the
    /// same value.
    pub(super) fn outcome(&self, graph: &Graph, test: Test, edge: Edge) -> Option<bool> {
        let (from, taken) = edge;
        let before = graph.node(from).test;
        if before == test {
            return Some(taken);
        }
        let known = self.outcomes.get(&test);
        if let Some(outcome) = known.and_then(|facts| facts.nearest(self.dominators, from)) {
            return Some(*outcome);
        }
        let known = self.numbers.get(&test.value);
        let mut known = known.and_then(|facts| facts.nearest(self.dominators, from)).copied();
        if before.value == test.value {
            let number = known.get_or_insert_with(|| Number::of(bits(&graph.values, test.value)));
            number.learn(before, taken);
        }
        known?.outcome(test)
    }
}

/// The outcome of `test` for all numbers that its value can be.
pub(super) fn outcome_for_all(graph: &Graph, test: Test) -> Option<bool> {
    Number::of(bits(&graph.values, test.value)).outcome(test)
}

/// What is known of one number.
#[derive(Clone, Copy, Debug)]
struct Number {
    least: u32,
    greatest: u32,
    /// Bits that may be set.
    possible: u32,
}

impl Number {
    fn of(possible: u32) -> Self {
        Self { least: 0, greatest: possible, possible }
    }

    /// Adds what is known of the same number elsewhere.
    fn join(&mut self, other: &Self) {
        self.least = self.least.max(other.least);
        self.possible &= other.possible;
        self.greatest = self.greatest.min(other.greatest).min(self.possible);
    }

    /// Adds what the outcome of `test` tells.
    fn learn(&mut self, test: Test, outcome: bool) {
        let Operand::Constant(number) = test.operand else { return };
        let all = Self::of(u32::MAX);
        let fact = match (test.cond, outcome) {
            (Cond::Eq, true) => Self { least: number, greatest: number, possible: number },
            (Cond::Eq, false) if number == self.least => {
                Self { least: number.saturating_add(1), ..all }
            }
            (Cond::Eq, false) if number == self.greatest => {
                Self { greatest: number.saturating_sub(1), ..all }
            }
            (Cond::Eq, false) | (Cond::Set, true) => all,
            (Cond::Gt, true) => Self { least: number.saturating_add(1), ..all },
            (Cond::Gt, false) => Self { greatest: number, ..all },
            (Cond::Ge, true) => Self { least: number, ..all },
            (Cond::Ge, false) => Self { greatest: number.saturating_sub(1), ..all },
            (Cond::Set, false) => Self { possible: !number, ..all },
        };
        self.join(&fact);
    }

    fn outcome(self, test: Test) -> Option<bool> {
        let Operand::Constant(number) = test.operand else { return None };
        if self.least == self.greatest {
            return Some(Test::holds(test.cond, self.least, number));
        }
        let is_no = match test.cond {
            Cond::Eq => {
                number < self.least || number > self.greatest || number & !self.possible != 0
            }
            Cond::Gt => self.greatest <= number,
            Cond::Ge => self.greatest < number,
            Cond::Set => self.possible & number == 0,
        };
        let is_yes = match test.cond {
            Cond::Eq | Cond::Set => false,
            Cond::Gt => self.least > number,
            Cond::Ge => self.least >= number,
        };
        (is_no || is_yes).then_some(is_yes)
    }
}
