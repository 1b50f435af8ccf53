//! Tree → decision graph, the order of tests being libpcap's.
//!
//! Primitives are lowered as they stand in the text: `vlan`, `mpls`, `pppoes` and `geneve` change
//! the [`Frame`] that all later ones are about, whichever connectives stand between.
//!
//! Values are kept as libpcap generates them, unsimplified: its optimiser treats values as different
//! that are computed differently, and what it reorders can be seen on packets cut short.

mod address;
mod arithmetic;
mod encapsulation;
mod fragment;
mod frame;
mod geneve;
mod link;
mod port;
mod primitive;
mod protochain;
mod protocol;

use std::ops::Range;

use super::error::{ExpressionError, Reason};
use super::graph::{Graph, Target};
use super::syntax::Expression;
use super::value::{Value, ValueId, Values};
use super::{Options, TESTS_MAX};
use crate::{SLOTS, Slot};
use fragment::Fragment;
use frame::Frame;

/// A lowered expression.
#[derive(Clone, Debug)]
pub(super) struct Lowered {
    pub(super) graph: Graph,
    /// Whether libpcap would run the program as it was generated, without optimisation.
    pub(super) is_verbatim: bool,
}

/// The graph of `expression`.
pub(super) fn lower(
    expression: &Expression<'_>,
    options: &Options<'_>,
) -> Result<Lowered, ExpressionError> {
    let whole = Range { start: 0, end: 0 };
    let frame = Frame::new(options.link).map_err(|reason| ExpressionError::new(whole, reason))?;
    let graph = Graph { values: Values::default(), nodes: Vec::new(), root: Target::Reject };
    let mut lowering = Lowering {
        graph,
        frame,
        options,
        is_verbatim: false,
        variables: 0,
        slots: 0,
        chain_slots: None,
    };
    let fragment = lowering.expression(expression)?;
    let is_verbatim = lowering.is_verbatim;
    Ok(Lowered { graph: lowering.finish(fragment), is_verbatim })
}

struct Lowering<'a> {
    graph: Graph,
    frame: Frame,
    options: &'a Options<'a>,
    is_verbatim: bool,
    /// How many variables there are.
    variables: u32,
    /// How many memory words variables take; the last ones are.
    slots: usize,
    /// The memory words that chains of headers are followed with.
    chain_slots: Option<[Slot; 2]>,
}

impl Lowering<'_> {
    fn expression(&mut self, expression: &Expression<'_>) -> Result<Fragment, ExpressionError> {
        match expression {
            Expression::Not(operand) => Ok(self.expression(operand)?.not()),
            Expression::Chain(first, rest) => {
                let mut chain = self.expression(first)?;
                for (connective, operand) in rest {
                    let operand = self.expression(operand)?;
                    chain = self.join(*connective, chain, operand);
                }
                Ok(chain)
            }
            Expression::Primitive { primitive, span } => {
                let fragment = self.primitive(primitive, span)?;
                if self.graph.nodes.len() > TESTS_MAX {
                    let reason = Reason::TooManyTests { max: TESTS_MAX };
                    return Err(ExpressionError::new(span.clone(), reason));
                }
                Ok(fragment)
            }
        }
    }

    /// A new name for what `slot` holds from some assignment on.
    fn variable(&mut self, slot: Slot) -> ValueId {
        self.variables += 1;
        self.graph.values.intern(Value::Variable { slot, version: self.variables })
    }

    /// A memory word that nothing else uses.
    fn take_slot(&mut self) -> Result<Slot, Reason> {
        let slot = (0..).map_while(Slot::new).take(SLOTS - self.slots).last();
        self.slots += 1;
        slot.ok_or(Reason::TooManyValues)
    }
}
