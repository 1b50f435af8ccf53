//! When the conditions of one rule follow from those of another, and when they exclude each other.

use super::conditions::{Conditions, Field, Masked};
use super::device;
use super::set::Set;
use crate::model::Negatable;

/// How many values of a field are tried one by one against a masked condition.
const FEW: u128 = 16;

/// Whether every packet that fulfils `narrow` fulfils `wide`.
pub(super) fn subsumes(wide: &Conditions, narrow: &Conditions) -> bool {
    !wide.volatile
        && wide.parts & !narrow.parts == 0
        && wide.restricted().all(|(field, set)| narrow.is_within(field, set))
        && device::subsumes(wide.in_interface.as_ref(), narrow.in_interface.as_ref())
        && device::subsumes(wide.out_interface.as_ref(), narrow.out_interface.as_ref())
        && wide.masked.iter().all(|masked| masked_follows(masked, narrow))
        && wide.either_port.iter().all(|ports| either_port_follows(ports, narrow))
        && wide.opaque.iter().all(|kind| narrow.opaque.contains(kind))
}

/// Whether no packet fulfils `conditions`.
pub(super) fn is_contradiction(conditions: &Conditions) -> bool {
    let masked = &conditions.masked;
    conditions.restricted().any(|(_, set)| set.is_empty())
        || conditions.in_interface.as_ref().is_some_and(device::is_nothing)
        || conditions.out_interface.as_ref().is_some_and(device::is_nothing)
        || masked.iter().any(Masked::is_never)
        || masked.iter().any(|one| masked.iter().any(|other| one.excludes(other)))
        || masked.iter().any(|one| {
            let few = conditions.set(one.field).and_then(|set| set.few(FEW));
            few.is_some_and(|values| !values.iter().any(|value| one.holds(*value)))
        })
}

impl Masked {
    fn holds(&self, value: u128) -> bool {
        (value & self.mask == self.value) != self.negated
    }

    /// Whether no value fulfils the condition.
    fn is_never(&self) -> bool {
        if self.negated { self.mask == 0 && self.value == 0 } else { self.value & !self.mask != 0 }
    }

    /// Whether every value fulfils the condition.
    fn is_always(&self) -> bool {
        if self.negated { self.value & !self.mask != 0 } else { self.mask == 0 && self.value == 0 }
    }

    /// Whether the values that `other` names, its `!` aside, are among those that this one names.
    fn names_all_of(&self, other: &Self) -> bool {
        self.field == other.field
            && self.mask & !other.mask == 0
            && other.value & self.mask == self.value
    }

    /// Whether no value fulfils both.
    fn excludes(&self, other: &Self) -> bool {
        let common = self.mask & other.mask;
        match (self.negated, other.negated) {
            (false, false) => self.field == other.field && (self.value ^ other.value) & common != 0,
            (true, false) => self.names_all_of(other),
            (false, true) => other.names_all_of(self),
            (true, true) => false,
        }
    }
}

/// Whether `wanted` holds for every packet that fulfils `given`.
fn masked_follows(wanted: &Masked, given: &Conditions) -> bool {
    let few = given.set(wanted.field).and_then(|set| set.few(FEW));
    wanted.is_always()
        || few.is_some_and(|values| values.iter().all(|value| wanted.holds(*value)))
        || given.masked.contains(wanted)
        || given.masked.iter().any(|one| match (wanted.negated, one.negated) {
            (false, false) => wanted.names_all_of(one),
            (true, false) => Masked { negated: false, ..*wanted }.excludes(one),
            (true, true) => one.names_all_of(wanted),
            (false, true) => false,
        })
        || interval_follows(wanted, given)
}

/// A masked condition with a prefix mask says no more than the set of its field.
fn interval_follows(wanted: &Masked, given: &Conditions) -> bool {
    let (Field::Source | Field::Destination) = wanted.field else { return false };
    let host_bits = !wanted.mask & given.max(wanted.field);
    let range = Set::range(wanted.value, wanted.value | host_bits);
    let set = if wanted.negated { range.complement(given.max(wanted.field)) } else { range };
    is_low_bits(host_bits) && wanted.value & host_bits == 0 && given.is_within(wanted.field, &set)
}

/// Whether `bits` are the lowest bits of a number, so that they count through a range.
pub(super) fn is_low_bits(bits: u128) -> bool {
    bits & bits.wrapping_add(1) == 0
}

/// Whether `wanted`, a condition on either port, holds for every packet that fulfils `given`.
fn either_port_follows(wanted: &Negatable<Set>, given: &Conditions) -> bool {
    let within = |field: Field, set: &Set| given.is_within(field, set);
    let by_fields = if wanted.negated {
        let others = wanted.value.complement(given.max(Field::SourcePort));
        within(Field::SourcePort, &others) && within(Field::DestinationPort, &others)
    } else {
        within(Field::SourcePort, &wanted.value) || within(Field::DestinationPort, &wanted.value)
    };
    by_fields
        || given.either_port.iter().any(|one| match (wanted.negated, one.negated) {
            (false, false) => one.value.is_subset(&wanted.value),
            (true, true) => wanted.value.is_subset(&one.value),
            _ => false,
        })
}
