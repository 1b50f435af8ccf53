//! Which bits of a number can be set.

use crate::expression::value::{Operand, Value, ValueId, Values};
use crate::{AluOp, Size};

/// The bits that `id` may have; all others are zero.
pub(in crate::expression) fn bits(values: &Values, id: ValueId) -> u32 {
    match values.get(id) {
        Value::Constant(number) => number,
        Value::Load { size: Size::B, .. } => 0xff,
        Value::Load { size: Size::H, .. } => 0xffff,
        Value::HeaderLength(_) => 0x3c,
        Value::Load { size: Size::W, .. }
        | Value::Length
        | Value::Negative(_)
        | Value::Variable { .. } => u32::MAX,
        Value::Alu { op, left, right } => alu_bits(values, op, left, right),
    }
}

fn alu_bits(values: &Values, op: AluOp, left: ValueId, right: Operand) -> u32 {
    let left = bits(values, left);
    let (right, number) = match right {
        Operand::Constant(number) => (number, Some(number)),
        Operand::Value(right) => (bits(values, right), None),
    };
    match (op, number) {
        (AluOp::And, _) => left & right,
        (AluOp::Or | AluOp::Xor, _) => left | right,
        (AluOp::Lsh, Some(number)) => left.checked_shl(number).unwrap_or(0),
        (AluOp::Rsh, Some(number)) => left.checked_shr(number).unwrap_or(0),
        (AluOp::Rsh | AluOp::Div, _) => below(left),
        (AluOp::Mod, _) => below(left.min(right)),
        (AluOp::Add, _) => left.checked_add(right).map_or(u32::MAX, below),
        (AluOp::Mul, _) => left.checked_mul(right).map_or(u32::MAX, below),
        (AluOp::Sub | AluOp::Lsh, _) => u32::MAX,
    }
}

/// All bits that numbers up to `most` can have.
fn below(most: u32) -> u32 {
    u32::MAX.checked_shr(most.leading_zeros()).unwrap_or(0)
}
