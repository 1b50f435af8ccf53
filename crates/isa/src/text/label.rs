//! Labels: names, which are unique, and numbers, which are not.
//!
//! A number before a statement may be two things: the statement's slot, as listings have it, or a
//! numeric label, which is meant if somewhere a jump says `1f` (the next `1:`) or `1b` (the last).

use std::collections::{HashMap, HashSet};

use super::number::local_label;
use super::{ParseError, ParseReason, Place};
use crate::Pc;

#[derive(Default)]
pub(super) struct Labels<'s> {
    /// Names with their slots in source order.
    order: Vec<(&'s str, Pc)>,
    by_name: HashMap<&'s str, Named<'s>>,
    /// Numbers in source order.
    numbers: Vec<Number<'s>>,
    /// Numbers that a jump refers to.
    used: HashSet<u32>,
    /// The first `exit`, where a jump to an undefined label `exit` leads (bpf_conformance).
    pub(super) exit: Option<Pc>,
}

/// A number before a statement.
pub(super) struct Number<'s> {
    pub(super) number: u32,
    /// The statement's slot, over all sections.
    pub(super) pc: Pc,
    pub(super) section: &'s str,
    /// Where that section begins: listings count from there.
    pub(super) start: Pc,
    pub(super) place: Place,
}

struct Named<'s> {
    pc: Pc,
    section: &'s str,
    line: u32,
}

impl<'s> Labels<'s> {
    /// A name for this slot of this section.
    pub(super) fn define(
        &mut self,
        name: &'s str,
        (pc, section): (Pc, &'s str),
        place: Place,
    ) -> Result<(), ParseError> {
        if let Some(Named { line, .. }) = self.by_name.get(name) {
            let reason = ParseReason::DuplicateLabel { name: name.to_owned(), line: *line };
            return Err(ParseError { place, reason });
        }
        self.by_name.insert(name, Named { pc, section, line: place.line });
        self.order.push((name, pc));
        Ok(())
    }

    /// A number before a statement.
    pub(super) fn number(&mut self, number: Number<'s>) {
        self.numbers.push(number);
    }

    /// Slot and section to which the name leads from the statement at `from`; `exit` without a label
    /// leads to no section in particular.
    pub(super) fn find(&mut self, name: &str, from: Pc) -> Option<(Pc, Option<&'s str>)> {
        if let Some((number, forwards)) = local_label(name) {
            self.used.insert(number);
            // A label before the statement is at its slot at most.
            let split = self.numbers.partition_point(|label| label.pc <= from);
            let (before, after) = self.numbers.split_at(split);
            let is_it = |label: &&Number<'_>| label.number == number;
            let found =
                if forwards { after.iter().find(is_it) } else { before.iter().rfind(is_it) };
            return found.map(|label| (label.pc, Some(label.section)));
        }
        match self.by_name.get(name) {
            Some(named) => Some((named.pc, Some(named.section))),
            None => self.exit.filter(|_| name == "exit").map(|pc| (pc, None)),
        }
    }

    /// Numbers that are neither the slot they stand before nor, as [`Labels::find`] has seen, labels.
    pub(super) fn misplaced(&self) -> impl Iterator<Item = ParseError> {
        let slots = self.numbers.iter().filter(|label| !self.used.contains(&label.number));
        let slots = slots.map(|label| (label, Pc(label.pc.0 - label.start.0)));
        slots.filter(|(label, slot)| label.number != slot.0).map(|(label, slot)| ParseError {
            place: label.place,
            reason: ParseReason::OtherPc { written: label.number, actual: slot },
        })
    }

    /// The names with their slots, in source order.
    pub(super) fn named(&self) -> Vec<(String, Pc)> {
        self.order.iter().map(|(name, pc)| ((*name).to_owned(), *pc)).collect()
    }
}
