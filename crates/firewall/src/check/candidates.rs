//! Earlier rules of a chain, found by what a later one must have in common with them.
//!
//! A rule that asks for one value of a field subsumes only rules that ask for the same value; one
//! that asks for a network subsumes only rules that ask for a part of it. So every earlier rule is
//! filed under one such value or network, if it has any, and only a few need comparing.

use std::collections::{BTreeSet, HashMap};

use super::conditions::{Conditions, Field};
use super::implication::{is_low_bits, subsumes};
use super::set::Set;

/// How many earlier rules a rule is compared with at most, which bounds the time for rules that
/// have nothing selective. Beyond it, findings are missed.
const COMPARED_MAX: usize = 512;

/// Fields by which rules are filed, the most selective first; for addresses, also networks.
const FILED_BY: [Field; 7] = [
    Field::Mac,
    Field::Source,
    Field::Destination,
    Field::Mark,
    Field::DestinationPort,
    Field::SourcePort,
    Field::Icmp,
];

/// Earlier rules that end the chain for those that fulfil them.
#[derive(Default)]
pub(super) struct Candidates {
    rules: Vec<(usize, Conditions)>,
    filed: HashMap<Key, Vec<usize>>,
    /// The masks in use.
    masks: BTreeSet<(Field, u128)>,
    /// Places in `rules` of those that are not filed.
    rest: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    field: Field,
    mask: u128,
    value: u128,
}

impl Candidates {
    /// Adds the rule at position `at` of the chain.
    pub(super) fn add(&mut self, at: usize, conditions: Conditions) {
        if conditions.volatile {
            return;
        }
        let place = self.rules.len();
        match key(&conditions) {
            Some(key) => {
                self.masks.insert((key.field, key.mask));
                self.filed.entry(key).or_default().push(place);
            }
            None => self.rest.push(place),
        }
        self.rules.push((at, conditions));
    }

    /// The position of the first rule that subsumes `conditions`.
    pub(super) fn find(&self, conditions: &Conditions) -> Option<usize> {
        let filed = self.masks.iter().filter_map(|(field, mask)| {
            let value = known_bits(conditions, *field, *mask)?;
            self.filed.get(&Key { field: *field, mask: *mask, value })
        });
        filed
            .flatten()
            .chain(&self.rest)
            .take(COMPARED_MAX)
            .filter_map(|place| self.rules.get(*place))
            .filter(|(_, wide)| subsumes(wide, conditions))
            .map(|(at, _)| *at)
            .min()
    }
}

/// Under what a rule is filed.
fn key(conditions: &Conditions) -> Option<Key> {
    FILED_BY.into_iter().find_map(|field| {
        let all_bits = conditions.max(field);
        if let Some(value) = conditions.set(field).and_then(|set| set.single()) {
            return Some(Key { field, mask: all_bits, value });
        }
        let masked = conditions.masked.iter().find(|masked| {
            masked.field == field && !masked.negated && masked.value & !masked.mask == 0
        })?;
        Some(Key { field, mask: masked.mask, value: masked.value })
    })
}

/// The bits in `mask` of the field, where `conditions` leave them no choice.
fn known_bits(conditions: &Conditions, field: Field, mask: u128) -> Option<u128> {
    let host_bits = !mask & conditions.max(field);
    let (low, high) = conditions.set(field).and_then(Set::bounds).unwrap_or((0, u128::MAX));
    if low & mask == high & mask && is_low_bits(host_bits) {
        return Some(low & mask);
    }
    let masked = conditions
        .masked
        .iter()
        .find(|masked| masked.field == field && !masked.negated && mask & !masked.mask == 0)?;
    Some(masked.value & mask)
}
