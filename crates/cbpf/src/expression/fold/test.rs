//! Tests in their simplest form.

use crate::expression::graph::{Node, Test};
use crate::expression::value::{Operand, Value, Values};
use crate::{AluOp, Cond};

/// Simplifies the test of `node`. One with constant outcome gets equal successors, and still says
/// which loads may fail; only outcomes that libpcap's optimiser sees count here.
pub(super) fn simplify(values: &mut Values, node: &mut Node, is_verbatim: bool) {
    orient(values, node);
    for _ in 0..REWRITES_MAX {
        if !rewrite(values, node, is_verbatim) {
            break;
        }
    }
    let Operand::Constant(number) = node.test.operand else { return };
    let outcome = match values.as_constant(node.test.value) {
        Some(left) => Test::holds(node.test.cond, left, number),
        None if (node.test.cond, number) == (Cond::Set, 0) => false,
        None => return,
    };
    (node.jt, node.jf) = (node.successor(outcome), node.successor(outcome));
}

/// No test allows more steps, as each takes an operation away.
const REWRITES_MAX: usize = 1024;

/// Puts a constant to the right.
fn orient(values: &Values, node: &mut Node) {
    let test = &mut node.test;
    if let Operand::Value(right) = test.operand {
        if let Some(number) = values.as_constant(right) {
            test.operand = Operand::Constant(number);
        } else if let Some(number) = values.as_constant(test.value) {
            (test.value, test.operand) = (right, Operand::Constant(number));
            // `n > x` is the opposite of `x >= n`.
            let opposite = match test.cond {
                Cond::Eq | Cond::Set => return,
                Cond::Gt => Cond::Ge,
                Cond::Ge => Cond::Gt,
            };
            test.cond = opposite;
            std::mem::swap(&mut node.jt, &mut node.jf);
        }
    }
}

/// Takes one operation out of the test; whether there was one to take.
fn rewrite(values: &mut Values, node: &mut Node, is_verbatim: bool) -> bool {
    let Test { value, cond, operand: Operand::Constant(number) } = node.test else { return false };
    if let (Cond::Ge, 1..) = (cond, number) {
        node.test = Test { value, cond: Cond::Gt, operand: Operand::Constant(number - 1) };
        return true;
    }
    let Value::Alu { op, left, right: Operand::Constant(constant) } = values.get(value) else {
        return false;
    };
    let (cond, operand, is_swapped) = match (op, cond) {
        (AluOp::Add, Cond::Eq) => (Cond::Eq, number.wrapping_sub(constant), false),
        (AluOp::Sub, Cond::Eq) => (Cond::Eq, number.wrapping_add(constant), false),
        (AluOp::Xor, Cond::Eq) => (Cond::Eq, number ^ constant, false),
        (AluOp::And, Cond::Eq) if (number, constant, is_verbatim) == (0, u32::MAX, false) => {
            // libpcap takes the test whether any bit is set for one that always holds.
            node.jt = node.jf;
            (Cond::Eq, 0, false)
        }
        (AluOp::And, _) if constant == u32::MAX => (cond, number, false),
        (AluOp::And, Cond::Eq) if number == 0 => (Cond::Set, constant, true),
        (AluOp::And, Cond::Eq) if number == constant && constant.is_power_of_two() => {
            (Cond::Set, constant, false)
        }
        (AluOp::And, Cond::Set) => (Cond::Set, constant & number, false),
        (AluOp::Rsh, Cond::Eq) if number == 0 => (Cond::Gt, (1 << constant) - 1, true),
        (AluOp::Rsh, Cond::Set) if number.leading_zeros() >= constant => {
            (Cond::Set, number << constant, false)
        }
        (AluOp::Lsh, Cond::Set) => (Cond::Set, number >> constant, false),
        _ => return false,
    };
    node.test = Test { value: left, cond, operand: Operand::Constant(operand) };
    if is_swapped {
        std::mem::swap(&mut node.jt, &mut node.jf);
    }
    true
}
