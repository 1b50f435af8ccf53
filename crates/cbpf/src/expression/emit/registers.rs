//! What is known to be in the registers and memory words at some place of the program.

use crate::expression::value::ValueId;
use crate::{SLOTS, Slot};

/// The value in each register and word, where it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Registers {
    pub(super) a: Option<ValueId>,
    pub(super) x: Option<ValueId>,
    memory: [Option<ValueId>; SLOTS],
}

impl Registers {
    /// Keeps what is also in `other`.
    pub(super) fn meet(&mut self, other: &Self) {
        self.a = self.a.filter(|value| other.a == Some(*value));
        self.x = self.x.filter(|value| other.x == Some(*value));
        for (own, other) in self.memory.iter_mut().zip(&other.memory) {
            *own = own.filter(|value| *other == Some(*value));
        }
    }

    /// What is known of the memory words.
    pub(super) fn memory_alone(&self) -> Self {
        Self { a: None, x: None, memory: self.memory }
    }

    /// A word that holds `value`.
    pub(super) fn slot_of(&self, value: ValueId) -> Option<Slot> {
        let at = self.memory.iter().position(|held| *held == Some(value))?;
        Slot::new(u32::try_from(at).ok()?)
    }

    pub(super) fn store(&mut self, slot: Slot, value: ValueId) {
        self.memory[slot.index()] = Some(value);
    }
}
