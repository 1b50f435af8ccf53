//! Numbers that a filter computes from a packet, each kept once.
//!
//! Two values are equal if their ids are; computing one performs its loads, and each load outside
//! the packet makes the whole filter refuse it.

use std::collections::HashMap;

use crate::{AluOp, Size, Slot};

/// A value of [`Values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ValueId(u32);

/// How a number comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Value {
    Constant(u32),
    /// The packet's length.
    Length,
    /// `P[base + k:size]`.
    Load {
        size: Size,
        base: Option<ValueId>,
        k: u32,
    },
    /// `4 * (P[k:1] & 0xf)`.
    HeaderLength(u32),
    Alu {
        op: AluOp,
        left: ValueId,
        right: Operand,
    },
    Negative(ValueId),
    /// What was stored in a memory word; `version` tells its assignments apart.
    Variable {
        slot: Slot,
        version: u32,
    },
}

/// The second operand of an operation or comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operand {
    Constant(u32),
    Value(ValueId),
}

/// All values of one expression.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    values: Vec<Value>,
    ids: HashMap<Value, ValueId>,
}

impl Values {
    /// The id of `value`.
    pub(super) fn intern(&mut self, value: Value) -> ValueId {
        let next = u32::try_from(self.values.len()).expect("tests are limited, so values are");
        *self.ids.entry(value).or_insert_with(|| {
            self.values.push(value);
            ValueId(next)
        })
    }

    pub(super) fn get(&self, id: ValueId) -> Value {
        self.values[id.index()]
    }

    pub(super) fn constant(&mut self, number: u32) -> ValueId {
        self.intern(Value::Constant(number))
    }

    /// The number that `id` always is.
    pub(super) fn as_constant(&self, id: ValueId) -> Option<u32> {
        match self.get(id) {
            Value::Constant(number) => Some(number),
            Value::Length
            | Value::Load { .. }
            | Value::HeaderLength(_)
            | Value::Alu { .. }
            | Value::Negative(_)
            | Value::Variable { .. } => None,
        }
    }

    pub(super) fn alu(&mut self, op: AluOp, left: ValueId, right: Operand) -> ValueId {
        self.intern(Value::Alu { op, left, right })
    }

    /// Whether computing `id` can refuse a packet: by a load, or by a division.
    pub(super) fn can_fail(&self, id: ValueId) -> bool {
        let can_fail = match self.get(id) {
            Value::Load { .. } | Value::HeaderLength(_) => true,
            Value::Alu { op: AluOp::Div | AluOp::Mod, right: Operand::Value(_), .. } => true,
            Value::Constant(_)
            | Value::Length
            | Value::Alu { .. }
            | Value::Negative(_)
            | Value::Variable { .. } => false,
        };
        can_fail || self.parts(id).into_iter().flatten().any(|part| self.can_fail(part))
    }

    /// The values that `id` is computed from directly.
    pub(super) fn parts(&self, id: ValueId) -> [Option<ValueId>; 2] {
        match self.get(id) {
            Value::Constant(_)
            | Value::Length
            | Value::HeaderLength(_)
            | Value::Variable { .. }
            | Value::Load { base: None, .. } => [None, None],
            Value::Load { base, .. } => [base, None],
            Value::Negative(operand) => [Some(operand), None],
            Value::Alu { left, right: Operand::Constant(_), .. } => [Some(left), None],
            Value::Alu { left, right: Operand::Value(right), .. } => [Some(left), Some(right)],
        }
    }
}

impl ValueId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}
