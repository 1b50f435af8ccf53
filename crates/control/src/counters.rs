//! Counters in the kernel's map.

use netloom_firewall::model::Counters;
use netloom_firewall::model::Family;
use netloom_firewall::{COUNTERS_MAP, Point, RuleId, Slots};
use netloom_sys::bpf::{Map, UpdateMode};

use crate::error::ControlError;
use crate::store::Store;

/// Bytes of one CPU's counter: packets and bytes.
const VALUE_BYTES: usize = 16;

/// The counters of a generation, read once.
#[derive(Debug)]
pub struct Reading {
    slots: Slots,
    values: Vec<Counters>,
}

impl Reading {
    /// Reads all slots that `slots` uses.
    pub(crate) fn take(store: &Store, slots: Slots) -> Result<Self, ControlError> {
        let map = store.map(COUNTERS_MAP)?;
        let mut values = vec![Counters::default(); slots.bound() as usize];
        for (_, slot) in slots.iter() {
            let value = map.lookup(&slot.to_ne_bytes()).map_err(ControlError::Bpf)?;
            values[slot as usize] = sum(&value.unwrap_or_default());
        }
        Ok(Self { slots, values })
    }

    /// Packets and bytes that matched the rule.
    pub fn rule(&self, family: Family, id: RuleId<'_>) -> Counters {
        self.values[self.slots.rule(family, id) as usize]
    }

    /// Packets and bytes that the policy decided.
    pub fn policy(&self, family: Family, point: Point) -> Counters {
        self.values[self.slots.policy(family, point) as usize]
    }
}

/// Sets slots to zero on all CPUs. No program in force may use them.
pub(crate) fn clear(store: &Store, slots: impl Iterator<Item = u32>) -> Result<(), ControlError> {
    let map: Map = store.map(COUNTERS_MAP)?;
    let zero = vec![0; map.value_bytes()];
    for slot in slots {
        map.update(&slot.to_ne_bytes(), &zero, UpdateMode::Any).map_err(ControlError::Bpf)?;
    }
    Ok(())
}

/// The sum over all CPUs.
fn sum(value: &[u8]) -> Counters {
    let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_ne_bytes);
    value.chunks_exact(VALUE_BYTES).fold(Counters::default(), |total, cpu| Counters {
        packets: total.packets.wrapping_add(word(&cpu[..8])),
        bytes: total.bytes.wrapping_add(word(&cpu[8..])),
    })
}
