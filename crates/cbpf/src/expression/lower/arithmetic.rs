//! Comparisons of computed numbers.

use std::ops::Range;

use super::Lowering;
use super::fragment::Fragment;
use super::frame::{Base, IP6_HEADER, Offset};
use crate::expression::error::{ExpressionError, Reason};
use crate::expression::protocol::{IP, Layer, Protocol, TYPE_IP6, Versions};
use crate::expression::syntax::{Arithmetic, Comparison};
use crate::expression::value::{Operand, Value, ValueId};
use crate::{AluOp, SLOTS, Size};

type Lowered<T> = Result<T, ExpressionError>;

/// A number, and what has to hold for its bytes to be those of the protocols named.
struct Guarded {
    value: ValueId,
    guard: Option<Fragment>,
}

impl Lowering<'_> {
    pub(super) fn comparison(
        &mut self,
        left: &Arithmetic,
        comparison: Comparison,
        right: &Arithmetic,
        span: &Range<usize>,
    ) -> Lowered<Fragment> {
        if live_values(left).max(1 + live_values(right)) > SLOTS {
            return Err(ExpressionError::new(span.clone(), Reason::TooManyValues));
        }
        let (left, right) = (self.arithmetic(left)?, self.arithmetic(right)?);
        let test = self.relation(left.value, comparison.cond, right.value);
        let test = if comparison.is_negated { test.not() } else { test };
        let test = self.guarded(right.guard, test);
        Ok(self.guarded(left.guard, test))
    }

    fn arithmetic(&mut self, arithmetic: &Arithmetic) -> Lowered<Guarded> {
        match arithmetic {
            Arithmetic::Number(number) => {
                Ok(Guarded { value: self.graph.values.constant(*number), guard: None })
            }
            Arithmetic::Length => {
                Ok(Guarded { value: self.graph.values.intern(Value::Length), guard: None })
            }
            Arithmetic::Negate(operand) => {
                let Guarded { value, guard } = self.arithmetic(operand)?;
                Ok(Guarded { value: self.graph.values.intern(Value::Negative(value)), guard })
            }
            Arithmetic::Binary { op, left, right, span } => {
                refuse_operand(*op, right)
                    .map_err(|reason| ExpressionError::new(span.clone(), reason))?;
                let (left, right) = (self.arithmetic(left)?, self.arithmetic(right)?);
                let value = self.graph.values.alu(*op, left.value, Operand::Value(right.value));
                // Like libpcap, this does not ask whether the right operand's protocol is there.
                Ok(Guarded { value, guard: left.guard })
            }
            Arithmetic::Load { protocol, index, size, span } => {
                let size = match size {
                    1 => Size::B,
                    2 => Size::H,
                    4 => Size::W,
                    _ => return Err(ExpressionError::new(span.clone(), Reason::AccessSize)),
                };
                let index = self.arithmetic(index)?;
                self.indexed(*protocol, index, size)
                    .map_err(|reason| ExpressionError::new(span.clone(), reason))
            }
        }
    }

    /// `protocol[index:size]`.
    fn indexed(
        &mut self,
        protocol: Protocol,
        index: Guarded,
        size: Size,
    ) -> Result<Guarded, Reason> {
        if !protocol.is_indexable {
            return Err(Reason::NotIndexable { protocol: protocol.name });
        }
        let network = self.frame.payload.plus(self.frame.network);
        let Guarded { value: index, guard } = index;
        match protocol.layer {
            Layer::Type(_) => {
                let value = self.indexed_from(network, index, size);
                let is_protocol = self.protocol(protocol)?;
                Ok(Guarded { value, guard: Some(self.guarded(guard, is_protocol)) })
            }
            Layer::Ip { versions: Versions::V6, number } => {
                let value = self.indexed_from(network.plus(IP6_HEADER), index, size);
                let is_ip = self.link_type(TYPE_IP6)?;
                let next = self.load(Base::Network, 6, Size::B);
                let is_protocol = self.equals(next, number.into());
                let is_ip = self.guarded(guard, is_ip);
                Ok(Guarded { value, guard: Some(self.and(is_ip, is_protocol)) })
            }
            Layer::Ip { .. } => {
                let variable = Some(self.header_length());
                let value = self.indexed_from(Offset { variable, ..network }, index, size);
                let is_protocol = self.protocol(protocol)?;
                let is_first = self.first_fragment();
                let is_readable = self.and(is_protocol, is_first);
                let is_readable = self.guarded(guard, is_readable);
                let is_ip = self.protocol(IP)?;
                Ok(Guarded { value, guard: Some(self.and(is_ip, is_readable)) })
            }
            Layer::Link | Layer::Iso(_) | Layer::Isis(_) | Layer::Radio => {
                Ok(Guarded { value: self.indexed_from(self.frame.header, index, size), guard })
            }
        }
    }

    fn indexed_from(&mut self, from: Offset, index: ValueId, size: Size) -> ValueId {
        let values = &mut self.graph.values;
        let base = match from.variable {
            Some(variable) => values.alu(AluOp::Add, index, Operand::Value(variable)),
            None => index,
        };
        values.intern(Value::Load { size, base: Some(base), k: from.constant })
    }

    fn guarded(&mut self, guard: Option<Fragment>, test: Fragment) -> Fragment {
        match guard {
            Some(guard) => self.and(guard, test),
            None => test,
        }
    }
}

/// Why `right` can not be the right operand of `op`. Like libpcap, this looks at the leftmost number
/// of the operand, be it only part of it: `1 / ip[0]` is taken for a division by zero.
fn refuse_operand(op: AluOp, right: &Arithmetic) -> Result<(), Reason> {
    match (op, leftmost_number(right)) {
        (AluOp::Div | AluOp::Mod, Some(0)) => Err(Reason::DivisionByZero),
        (AluOp::Lsh | AluOp::Rsh, Some(32..)) => Err(Reason::ShiftTooFar),
        _ => Ok(()),
    }
}

fn leftmost_number(arithmetic: &Arithmetic) -> Option<u32> {
    match arithmetic {
        Arithmetic::Number(number) => Some(*number),
        Arithmetic::Length => None,
        Arithmetic::Load { index: inner, .. }
        | Arithmetic::Negate(inner)
        | Arithmetic::Binary { left: inner, .. } => leftmost_number(inner),
    }
}

/// How many numbers libpcap would hold in memory words at once.
fn live_values(arithmetic: &Arithmetic) -> usize {
    match arithmetic {
        Arithmetic::Number(_) | Arithmetic::Length => 1,
        Arithmetic::Negate(operand) => live_values(operand),
        Arithmetic::Load { index, .. } => live_values(index).max(2),
        Arithmetic::Binary { left, right, .. } => live_values(left).max(1 + live_values(right)),
    }
}
