//! Values and tests in their simplest form.
//!
//! Outcomes stay as they are; of loads, only those are dropped whose number libpcap's optimiser
//! finds not to matter, because dropping a load accepts packets that are too short for it.

mod bits;
mod test;

use std::collections::HashMap;

use super::error::Reason;
use super::graph::{Graph, Target};
use super::value::{Operand, Value, ValueId, Values};
use crate::{AluOp, Size};
pub(super) use bits::bits;

/// Simplifies all tests of `graph`. With `is_verbatim` no load is dropped.
pub(super) fn fold(graph: &mut Graph, is_verbatim: bool) -> Result<(), Reason> {
    let mut folding = Folding { known: HashMap::new(), is_verbatim };
    for id in graph.postorder() {
        let mut node = graph.node(id).clone();
        for assign in &mut node.assigns {
            assign.value = folding.value(&mut graph.values, assign.value)?;
        }
        node.test.value = folding.value(&mut graph.values, node.test.value)?;
        if let Operand::Value(operand) = node.test.operand {
            node.test.operand = Operand::Value(folding.value(&mut graph.values, operand)?);
        }
        test::simplify(&mut graph.values, &mut node, is_verbatim);
        node.first_value = node.test.value;
        *graph.node_mut(id) = node;
    }
    if !is_verbatim {
        skip_decided_root(graph);
    }
    Ok(())
}

/// Lets the filter begin behind tests with constant outcome. Of their loads libpcap keeps those of
/// the first test, unless no test is left.
fn skip_decided_root(graph: &mut Graph) {
    let first = graph.root;
    let mut root = first;
    while let Target::Node(id) = root {
        let node = graph.node(id);
        if node.jt != node.jf {
            break;
        }
        root = node.jt;
    }
    match (first, root) {
        (Target::Node(node), Target::Node(_))
            if root != first && graph.can_fail(graph.node(node).test) =>
        {
            (graph.node_mut(node).jt, graph.node_mut(node).jf) = (root, root);
        }
        _ => graph.root = root,
    }
}

struct Folding {
    /// Folded values.
    known: HashMap<ValueId, ValueId>,
    is_verbatim: bool,
}

impl Folding {
    fn value(&mut self, values: &mut Values, id: ValueId) -> Result<ValueId, Reason> {
        if let Some(folded) = self.known.get(&id) {
            return Ok(*folded);
        }
        let folded = match values.get(id) {
            Value::Constant(_)
            | Value::Length
            | Value::HeaderLength(_)
            | Value::Variable { .. } => id,
            Value::Load { base: None, .. } => id,
            Value::Load { size, base: Some(base), k } => {
                let base = self.value(values, base)?;
                load(values, size, base, k)
            }
            Value::Negative(operand) => {
                let operand = self.value(values, operand)?;
                match values.as_constant(operand) {
                    Some(number) => values.constant(number.wrapping_neg()),
                    None => values.intern(Value::Negative(operand)),
                }
            }
            Value::Alu { op, left, right } => {
                let left = self.value(values, left)?;
                let right = match right {
                    Operand::Constant(number) => Operand::Constant(number),
                    Operand::Value(right) => {
                        let right = self.value(values, right)?;
                        values.as_constant(right).map_or(Operand::Value(right), Operand::Constant)
                    }
                };
                self.alu(values, op, left, right)?
            }
        };
        self.known.insert(id, folded);
        Ok(folded)
    }

    fn alu(
        &self,
        values: &mut Values,
        op: AluOp,
        left: ValueId,
        right: Operand,
    ) -> Result<ValueId, Reason> {
        match (values.as_constant(left), right) {
            (Some(left), Operand::Constant(right)) => {
                apply(op, left, right).map(|number| values.constant(number))
            }
            (None, Operand::Constant(number)) => self.alu_constant(values, op, left, number),
            (Some(0), Operand::Value(right)) if !self.is_verbatim => Ok(match op {
                AluOp::Add | AluOp::Or | AluOp::Xor => right,
                AluOp::Mul | AluOp::Div | AluOp::Mod | AluOp::And | AluOp::Lsh | AluOp::Rsh => {
                    values.constant(0)
                }
                AluOp::Sub => values.intern(Value::Negative(right)),
            }),
            (Some(u32::MAX), Operand::Value(right)) if op == AluOp::And => Ok(right),
            (Some(number), Operand::Value(right)) if is_commutative(op) => {
                self.alu_constant(values, op, right, number)
            }
            (_, Operand::Value(_)) => Ok(values.alu(op, left, right)),
        }
    }

    /// `left op number`, for an unknown left operand.
    fn alu_constant(
        &self,
        values: &mut Values,
        op: AluOp,
        left: ValueId,
        number: u32,
    ) -> Result<ValueId, Reason> {
        match (op, number) {
            (AluOp::Div | AluOp::Mod, 0) => return Err(Reason::DivisionByZero),
            (AluOp::Lsh | AluOp::Rsh, 32..) => return Err(Reason::ShiftTooFar),
            (AluOp::Mul | AluOp::And, 0) if !self.is_verbatim => return Ok(values.constant(0)),
            (AluOp::Add | AluOp::Sub | AluOp::Or | AluOp::Xor | AluOp::Lsh | AluOp::Rsh, 0)
            | (AluOp::Mul | AluOp::Div, 1) => return Ok(left),
            _ => {}
        }
        // A test tells such a mask from none.
        if (op, number) == (AluOp::And, u32::MAX) {
            return Ok(values.alu(op, left, Operand::Constant(number)));
        }
        if op == AluOp::And && bits(values, left) & !number == 0 {
            return Ok(left);
        }
        if let Value::Alu { op: inner, left: innermost, right: Operand::Constant(first) } =
            values.get(left)
        {
            let joined = match (inner, op) {
                (AluOp::And, AluOp::And) => Some((AluOp::And, first & number)),
                (AluOp::Or, AluOp::Or) => Some((AluOp::Or, first | number)),
                (AluOp::Xor, AluOp::Xor) => Some((AluOp::Xor, first ^ number)),
                (AluOp::Add, AluOp::Add) => Some((AluOp::Add, first.wrapping_add(number))),
                (AluOp::Add, AluOp::Sub) => Some((AluOp::Add, first.wrapping_sub(number))),
                (AluOp::Sub, AluOp::Add) => Some((AluOp::Add, number.wrapping_sub(first))),
                (AluOp::Sub, AluOp::Sub) => Some((AluOp::Sub, first.wrapping_add(number))),
                (AluOp::Mul, AluOp::Mul) => Some((AluOp::Mul, first.wrapping_mul(number))),
                _ => None,
            };
            if let Some((op, number)) = joined.filter(|row| row.1 != 0) {
                return Ok(values.alu(op, innermost, Operand::Constant(number)));
            }
        }
        Ok(values.alu(op, left, Operand::Constant(number)))
    }
}

/// `P[base + k:size]`, with constant parts of `base` in `k`.
fn load(values: &mut Values, size: Size, base: ValueId, k: u32) -> ValueId {
    let (mut base, mut k) = (base, k);
    loop {
        if let Some(number) = values.as_constant(base) {
            return values.intern(Value::Load { size, base: None, k: k.wrapping_add(number) });
        }
        let Value::Alu { op: AluOp::Add, left, right: Operand::Constant(number) } =
            values.get(base)
        else {
            break;
        };
        // The sum of index and `k` does not wrap in all interpreters, so it may not here.
        let is_small = |number: u32| number < 1 << 24;
        let is_header = matches!(values.get(left), Value::HeaderLength(_));
        let is_near = is_small(bits(values, left)) && is_small(number) && is_small(k);
        if !is_header && !is_near {
            break;
        }
        (base, k) = (left, k.wrapping_add(number));
    }
    values.intern(Value::Load { size, base: Some(base), k })
}

fn is_commutative(op: AluOp) -> bool {
    match op {
        AluOp::Add | AluOp::Mul | AluOp::Or | AluOp::And | AluOp::Xor => true,
        AluOp::Sub | AluOp::Div | AluOp::Mod | AluOp::Lsh | AluOp::Rsh => false,
    }
}

/// `left op right`, as the machine computes it.
fn apply(op: AluOp, left: u32, right: u32) -> Result<u32, Reason> {
    Ok(match op {
        AluOp::Add => left.wrapping_add(right),
        AluOp::Sub => left.wrapping_sub(right),
        AluOp::Mul => left.wrapping_mul(right),
        AluOp::Div => left.checked_div(right).ok_or(Reason::DivisionByZero)?,
        AluOp::Mod => left.checked_rem(right).ok_or(Reason::DivisionByZero)?,
        AluOp::Or => left | right,
        AluOp::And => left & right,
        AluOp::Xor => left ^ right,
        AluOp::Lsh => left.checked_shl(right).unwrap_or(0),
        AluOp::Rsh => left.checked_shr(right).unwrap_or(0),
    })
}
