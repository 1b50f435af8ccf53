//! The instructions that bring a node's values where its test wants them.

use super::registers::Registers;
use crate::expression::error::Reason;
use crate::expression::graph::{Assign, Graph, Node, Test};
use crate::expression::value::{Operand, Value, ValueId};
use crate::{AluOp, Cond, Insn, SLOTS, Slot, Source};

/// The code of a node: instructions and the comparison behind them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Block {
    pub(super) insns: Vec<Insn>,
    pub(super) cond: Cond,
    pub(super) src: Source,
    /// Whether the comparison is the opposite of the node's test.
    pub(super) is_opposite: bool,
}

/// Code selection for the nodes of one graph.
pub(super) struct Selection<'g> {
    graph: &'g Graph,
    /// Words that hold variables, and those in use for the value at hand.
    taken: [bool; SLOTS],
    insns: Vec<Insn>,
    registers: Registers,
}

type Selected<T = ()> = Result<T, Reason>;

impl<'g> Selection<'g> {
    pub(super) fn new(graph: &'g Graph) -> Self {
        let mut taken = [false; SLOTS];
        for assign in graph.nodes.iter().flat_map(|node| &node.assigns) {
            taken[assign.slot.index()] = true;
        }
        let (insns, registers) = (Vec::new(), Registers::default());
        Self { graph, taken, insns, registers }
    }

    /// The code of `node` where `entry` is known before it, and what is known behind.
    pub(super) fn block(&mut self, node: &Node, entry: Registers) -> Selected<(Block, Registers)> {
        self.registers = entry;
        for assign in &node.assigns {
            self.assign(*assign)?;
        }
        let Test { value, cond, operand } = node.test;
        let (src, is_swapped) = match operand {
            Operand::Constant(number) => {
                if node.jt != node.jf || self.graph.can_fail(node.test) {
                    self.put_in_a(value)?;
                }
                (Source::K(number), false)
            }
            Operand::Value(right) => (Source::X, self.pair(value, right, true)?),
        };
        let (cond, is_opposite) = if is_swapped { mirrored(cond) } else { (cond, false) };
        let insns = std::mem::take(&mut self.insns);
        Ok((Block { insns, cond, src, is_opposite }, self.registers.clone()))
    }

    fn assign(&mut self, assign: Assign) -> Selected {
        self.put_in_a(assign.value)?;
        self.insns.push(Insn::StoreA(assign.slot));
        self.registers.store(assign.slot, assign.variable);
        self.registers.a = Some(assign.variable);
        Ok(())
    }

    /// Puts `value` into A.
    fn put_in_a(&mut self, value: ValueId) -> Selected {
        if self.registers.a == Some(value) {
            return Ok(());
        }
        if self.registers.x == Some(value) {
            self.insns.push(Insn::Txa);
        } else if let Some(slot) = self.stored(value) {
            self.insns.push(Insn::LoadMem(slot));
        } else {
            self.compute(value)?;
        }
        self.registers.a = Some(value);
        Ok(())
    }

    /// Computes `value` into A.
    fn compute(&mut self, value: ValueId) -> Selected {
        let insn = match self.graph.values.get(value) {
            Value::Constant(number) => Insn::LoadImm(number),
            Value::Length => Insn::LoadLen,
            Value::Variable { slot, .. } => Insn::LoadMem(slot),
            Value::Load { size, base: None, k } => Insn::LoadAbs { size, k },
            Value::Load { size, base: Some(base), k } => {
                self.put_in_x(base)?;
                Insn::LoadInd { size, k }
            }
            Value::HeaderLength(_) => {
                self.put_in_x(value)?;
                Insn::Txa
            }
            Value::Negative(operand) => {
                self.put_in_a(operand)?;
                Insn::Neg
            }
            Value::Alu { op, left, right: Operand::Constant(number) } => {
                self.put_in_a(left)?;
                Insn::Alu { op, src: Source::K(number) }
            }
            Value::Alu { op, left, right: Operand::Value(right) } => {
                self.pair(left, right, is_commutative(op))?;
                Insn::Alu { op, src: Source::X }
            }
        };
        self.insns.push(insn);
        Ok(())
    }

    /// Puts `value` into X; A may be lost.
    fn put_in_x(&mut self, value: ValueId) -> Selected {
        if self.registers.x == Some(value) {
            return Ok(());
        }
        let insn = match self.graph.values.get(value) {
            Value::Constant(number) => Insn::LoadXImm(number),
            Value::Length => Insn::LoadXLen,
            Value::HeaderLength(k) => Insn::LoadXMsh(k),
            _ if self.registers.a == Some(value) => Insn::Tax,
            Value::Variable { slot, .. } => Insn::LoadXMem(slot),
            Value::Load { .. } | Value::Alu { .. } | Value::Negative(_) => {
                match self.stored(value) {
                    Some(slot) => Insn::LoadXMem(slot),
                    None => {
                        self.put_in_a(value)?;
                        Insn::Tax
                    }
                }
            }
        };
        self.insns.push(insn);
        self.registers.x = Some(value);
        Ok(())
    }

    /// Puts `left` into A and `right` into X, or, if `may_swap`, the other way round; whether it
    /// is the other way round.
    fn pair(&mut self, left: ValueId, right: ValueId, may_swap: bool) -> Selected<bool> {
        let ways = [(left, right, false), (right, left, true)];
        let ways = &ways[..if may_swap { 2 } else { 1 }];
        for is_possible in WAYS {
            let way = ways.iter().find_map(|way| Some((way, is_possible(self, way.0, way.1)?)));
            let Some(((to_a, to_x, is_swapped), first)) = way else { continue };
            if first == First::X {
                self.put_in_x(*to_x)?;
            }
            self.put_in_a(*to_a)?;
            self.put_in_x(*to_x)?;
            return Ok(*is_swapped);
        }
        self.put_in_a(right)?;
        let slot = self.free_slot()?;
        self.insns.push(Insn::StoreA(slot));
        self.registers.store(slot, right);
        self.taken[slot.index()] = true;
        let computed = self.put_in_a(left);
        self.taken[slot.index()] = false;
        computed?;
        self.insns.push(Insn::LoadXMem(slot));
        self.registers.x = Some(right);
        Ok(false)
    }

    /// Whether computing `value` into A leaves X alone, whatever the registers hold.
    fn needs_only_a(&self, value: ValueId) -> bool {
        !self.loses_x(value, &self.registers.memory_alone())
    }

    /// Whether computing `value` into A writes X, where `registers` is known.
    fn loses_x(&self, value: ValueId, registers: &Registers) -> bool {
        let Registers { a, x, .. } = *registers;
        if a == Some(value) || x == Some(value) || self.stored(value).is_some() {
            return false;
        }
        match self.graph.values.get(value) {
            Value::Constant(_)
            | Value::Length
            | Value::Variable { .. }
            | Value::Load { base: None, .. } => false,
            Value::Load { base, .. } => x != base,
            Value::HeaderLength(_) => true,
            Value::Negative(operand)
            | Value::Alu { left: operand, right: Operand::Constant(_), .. } => {
                self.loses_x(operand, registers)
            }
            Value::Alu { op, left, right: Operand::Value(right) } => {
                let is_ready = x == Some(right) && !self.loses_x(left, registers);
                let is_swapped =
                    is_commutative(op) && x == Some(left) && !self.loses_x(right, registers);
                !is_ready && !is_swapped
            }
        }
    }

    /// Whether `value` goes into X by one instruction that does not need A.
    fn goes_to_x(&self, value: ValueId) -> bool {
        match self.graph.values.get(value) {
            Value::Constant(_)
            | Value::Length
            | Value::Variable { .. }
            | Value::HeaderLength(_) => true,
            Value::Load { .. } | Value::Alu { .. } | Value::Negative(_) => {
                self.stored(value).is_some()
            }
        }
    }

    /// A word that holds `value`, if computing it takes longer than reading the word.
    fn stored(&self, value: ValueId) -> Option<Slot> {
        match self.graph.values.get(value) {
            Value::Constant(_) | Value::Length | Value::Load { base: None, .. } => None,
            Value::Load { .. }
            | Value::HeaderLength(_)
            | Value::Alu { .. }
            | Value::Negative(_)
            | Value::Variable { .. } => self.registers.slot_of(value),
        }
    }

    fn free_slot(&self) -> Selected<Slot> {
        let mut slots = (0..).map_while(Slot::new);
        slots.find(|slot| !self.taken[slot.index()]).ok_or(Reason::TooManyValues)
    }
}

/// Which register a pair's code fills first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    A,
    X,
}

/// Says which register comes first if one value can go into A and another into X, as it asks.
type Way = fn(&Selection<'_>, ValueId, ValueId) -> Option<First>;

/// When the first of two values can go into A and the second into X without a memory word, from the
/// shortest code to the longest.
const WAYS: [Way; 6] = [
    |this, a, x| {
        let is_there = this.registers.x == Some(x) && !this.loses_x(a, &this.registers);
        is_there.then_some(First::A)
    },
    |this, a, x| (this.registers.a == Some(a) && this.goes_to_x(x)).then_some(First::A),
    |this, a, x| (this.registers.a == Some(x) && this.needs_only_a(a)).then_some(First::X),
    |this, a, x| (this.goes_to_x(x) && this.needs_only_a(a)).then_some(First::X),
    |this, a, _| this.needs_only_a(a).then_some(First::X),
    |this, _, x| this.goes_to_x(x).then_some(First::A),
];

fn is_commutative(op: AluOp) -> bool {
    match op {
        AluOp::Add | AluOp::Mul | AluOp::Or | AluOp::And | AluOp::Xor => true,
        AluOp::Sub | AluOp::Div | AluOp::Mod | AluOp::Lsh | AluOp::Rsh => false,
    }
}

/// The condition for operands the other way round, and whether it is the opposite.
fn mirrored(cond: Cond) -> (Cond, bool) {
    match cond {
        Cond::Eq | Cond::Set => (cond, false),
        Cond::Gt => (Cond::Ge, true),
        Cond::Ge => (Cond::Gt, true),
    }
}
