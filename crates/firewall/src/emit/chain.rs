//! Chains as functions of the packet key.
//!
//! A rule is: tests joined in `r1`, one branch over the rest, a counter, the target. The branch is
//! taken on mismatch, so that the kernel's verifier, which follows the fall-through first, never
//! holds more than one pending state. A user chain with one caller is laid out of line in its
//! caller's function; one with several is a global function, verified once.

use std::collections::{HashMap, VecDeque};

use netloom_isa::{AluOp, Cond, Label, Reg, Size};

use super::account;
use super::code::{Code, verdict};
use super::limit;
use super::test;
use crate::key::Field;
use crate::lower::{Action, Step, Test, lower};
use crate::model::{Chain, Family, Policy, Rule, Table};
use crate::slots::{RuleId, Slots};
use crate::{Point, Skip};

/// How exactly a program knows the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// At the netfilter hook: every field is known, rules are counted as they match.
    Exact,
    /// At XDP: some fields are unknown, and rules are counted only when the packet is dropped.
    Prefilter,
}

/// What all functions of one table's program share.
pub(super) struct Chains<'a> {
    pub(super) family: Family,
    pub(super) point: Point,
    pub(super) table: &'a Table,
    pub(super) mode: Mode,
    pub(super) slots: &'a Slots,
    pub(super) skip: &'a Skip,
    /// Functions of the chains with several callers.
    pub(super) functions: HashMap<&'a str, Label>,
    /// `count`, or `defer` in a pre-filter.
    pub(super) account: Label,
}

/// A chain body that waits to be laid out.
struct Body<'a> {
    chain: &'a Chain,
    start: Label,
    /// Where RETURN and the chain's end go.
    end: Label,
}

impl<'a> Chains<'a> {
    /// Emits the function of `chain`: `verdict chain(key)`.
    pub(super) fn function(&self, code: &mut Code, chain: &'a Chain) {
        let (start, end, valid) = (code.label(), code.label(), code.label());
        code.jump_if(Cond::Ne, Reg::R1, 0, valid);
        code.give(verdict::DROP);
        code.place(valid);
        code.mov(Reg::R6, Reg::R1);
        let mut bodies = VecDeque::new();
        self.body(code, &Body { chain, start, end }, &mut bodies);
        code.place(end);
        self.chain_end(code, chain);
        while let Some(body) = bodies.pop_front() {
            self.body(code, &body, &mut bodies);
            code.jump(body.end);
        }
    }

    /// Emits the rules of a chain, which fall through at their end.
    fn body(&self, code: &mut Code, body: &Body<'a>, bodies: &mut VecDeque<Body<'a>>) {
        code.place(body.start);
        for (index, rule) in body.chain.rules.iter().enumerate() {
            let id = RuleId { table: self.table.name, chain: &body.chain.name, index };
            self.rule(code, id, rule, body.end, bodies);
        }
    }

    fn chain_end(&self, code: &mut Code, chain: &Chain) {
        let Some(policy) = chain.policy else {
            code.give(verdict::CONTINUE);
            return;
        };
        self.count(code, self.slots.policy(self.family, self.point));
        code.give(match policy {
            Policy::Accept => verdict::ACCEPT,
            Policy::Drop => verdict::DROP,
        });
    }

    fn rule(
        &self,
        code: &mut Code,
        id: RuleId<'a>,
        rule: &'a Rule,
        end: Label,
        bodies: &mut VecDeque<Body<'a>>,
    ) {
        if self.skip.contains(&id) {
            return;
        }
        let lowered = lower(self.family, self.point, rule).expect("unsupported rules are skipped");
        let next = code.label();
        if self.mode == Mode::Prefilter && !is_decidable(&lowered.steps, lowered.action) {
            let known: Vec<_> =
                lowered.steps.iter().filter(|step| is_known(step)).cloned().collect();
            self.conditions(code, &known, id, next);
            code.give(verdict::UNKNOWN);
        } else {
            self.conditions(code, &lowered.steps, id, next);
            let slot = self.slots.rule(self.family, id);
            self.count(code, slot);
            self.target(code, lowered.action, slot, next, end, bodies);
        }
        code.place(next);
    }

    /// Falls through where all steps hold, else goes to `next`.
    fn conditions(&self, code: &mut Code, steps: &[Step], id: RuleId<'_>, next: Label) {
        let mut rest = steps;
        for nth in 0.. {
            let split = rest.iter().position(|step| matches!(step, Step::Limit(_)));
            segment(code, &rest[..split.unwrap_or(rest.len())], self.mode, next);
            let Some(split) = split else { return };
            if let Step::Limit(value) = rest[split] {
                limit::emit(code, value, self.slots.bucket(self.family, id) + nth, next);
            }
            rest = &rest[split + 1..];
        }
    }

    /// One packet more in the slot.
    fn count(&self, code: &mut Code, slot: u32) {
        match self.mode {
            Mode::Exact => {
                code.constant(Reg::R1, u64::from(slot));
                code.load(Size::W, Reg::R2, Reg::R6, Field::Len.offset());
                code.call(self.account);
            }
            Mode::Prefilter => {
                let noted = code.label();
                code.mov(Reg::R1, Reg::R6);
                code.constant(Reg::R2, u64::from(slot));
                code.call(self.account);
                code.jump_if(Cond::Eq, Reg::R0, 0, noted);
                code.give(verdict::UNKNOWN);
                code.place(noted);
            }
        }
    }

    fn target(
        &self,
        code: &mut Code,
        action: Action<'a>,
        slot: u32,
        next: Label,
        end: Label,
        bodies: &mut VecDeque<Body<'a>>,
    ) {
        match action {
            Action::Count => {}
            Action::Accept => code.give(verdict::ACCEPT),
            Action::Drop | Action::DropForReject => code.give(verdict::DROP),
            Action::Return => {
                code.jump(end);
            }
            Action::Record => account::record(code, slot),
            Action::Jump(name) => self.enter(code, name, next, bodies),
            Action::Goto(name) => self.enter(code, name, end, bodies),
        }
    }

    /// Runs the chain `name`; where it returns, goes on at `back`.
    fn enter(&self, code: &mut Code, name: &'a str, back: Label, bodies: &mut VecDeque<Body<'a>>) {
        if let Some(function) = self.functions.get(name) {
            let decided = code.label();
            code.mov(Reg::R1, Reg::R6);
            code.call(*function);
            code.jump_if(Cond::Ne, Reg::R0, verdict::CONTINUE, decided);
            code.jump(back);
            code.place(decided);
            code.exit();
        } else if let Some(chain) = self.table.chain(name) {
            let start = code.label();
            code.jump(start);
            bodies.push_back(Body { chain, start, end: back });
        }
    }
}

/// Falls through where the tests hold and the packet is well-formed, returns a drop where it is
/// not, else goes to `next`.
fn segment(code: &mut Code, steps: &[Step], mode: Mode, next: Label) {
    let mut first = true;
    let mut needs: Vec<Field> = Vec::new();
    // From the last step to the first: a need blanks what comes after it, so that a malformed
    // packet gets here exactly if everything before the need holds.
    for step in steps.iter().rev() {
        match step {
            Step::Test(condition) => {
                test::emit(code, condition, first);
                first = false;
            }
            Step::Need(field) if mode == Mode::Exact => {
                if !first {
                    code.load(Size::W, Reg::R2, Reg::R6, field.offset());
                    code.alu(AluOp::And, Reg::R1, Reg::R2);
                }
                if !needs.contains(field) {
                    needs.push(*field);
                }
            }
            // The pre-filter passes malformed packets before any rule.
            Step::Need(_) => {}
            Step::Limit(_) => unreachable!("segments end before a limit"),
        }
    }
    if !first {
        code.jump_if(Cond::Ne, Reg::R1, 0, next);
    }
    for field in needs {
        let sound = code.label();
        code.load(Size::W, Reg::R1, Reg::R6, field.offset());
        code.jump_if(Cond::Ne, Reg::R1, 0, sound);
        code.give(verdict::DROP);
        code.place(sound);
    }
}

/// Whether a pre-filter can evaluate the whole rule.
pub(crate) fn is_decidable(steps: &[Step], action: Action<'_>) -> bool {
    steps.iter().all(is_known) && action != Action::Record
}

/// Whether a pre-filter can evaluate the step.
fn is_known(step: &Step) -> bool {
    let known = |offset: i16| {
        ![Field::Mark, Field::CtState, Field::DestinationType]
            .iter()
            .any(|field| field.offset() == offset)
            && !(Field::OutName.offset()..Field::Source.offset()).contains(&offset)
    };
    match step {
        Step::Need(_) => true,
        Step::Limit(_) => false,
        Step::Test(Test::Never | Test::Wide { .. }) => true,
        Step::Test(Test::Equal { words, .. }) => words.iter().all(|word| known(word.offset)),
        Step::Test(Test::AnyRange { ranges, .. }) => ranges.iter().all(|range| known(range.0)),
    }
}
