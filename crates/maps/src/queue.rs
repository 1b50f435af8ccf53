//! Queues and stacks (`kernel/bpf/queue_stack_maps.c`).

use std::sync::{Mutex, MutexGuard, PoisonError};

use netloom_abi::{MapKind, MapSpec, ValueFields};

use crate::flags::update;
use crate::operations::Operations;
use crate::share::Supply;
use crate::{CreateError, MapError, Values};

/// Values without keys, taken in the order they came or the reverse.
#[derive(Debug)]
pub struct Queue {
    values: Values,
    /// One more than entries, so that a full ring differs from an empty one.
    slots: u32,
    last_in_first_out: bool,
    ends: Mutex<Ends>,
}

#[derive(Debug, Default)]
struct Ends {
    /// Where the next value goes.
    head: u32,
    /// The oldest value.
    tail: u32,
}

impl Queue {
    pub(crate) fn new(spec: &MapSpec, supply: &mut Supply) -> Result<Self, CreateError> {
        let entries = spec.max_entries;
        let slots = entries.checked_add(1).ok_or(CreateError::MaxEntries { entries })?;
        let values = Values::new(supply, slots.into(), spec.value_size, ValueFields::default())?;
        let last_in_first_out = spec.kind == MapKind::Stack;
        Ok(Self { values, slots, last_in_first_out, ends: Mutex::default() })
    }

    /// Appends a value, which has the map's size.
    ///
    /// # Errors
    /// `Full`, unless `flags` has [`update::EXIST`]: the oldest value then gives way. `Invalid` for
    /// other flags.
    pub fn push(&self, value: &[u8], flags: u64) -> Result<(), MapError> {
        if flags != update::ANY && flags != update::EXIST {
            return Err(MapError::Invalid);
        }
        if value.len() != self.values.value_size() as usize {
            return Err(MapError::ValueSize);
        }
        let mut ends = self.lock();
        let next = self.after(ends.head);
        if next == ends.tail {
            if flags != update::EXIST {
                return Err(MapError::Full);
            }
            ends.tail = self.after(ends.tail);
        }
        self.values.copy_in(ends.head, value, false);
        ends.head = next;
        Ok(())
    }

    /// A copy of the next value: the oldest of a queue, the newest of a stack.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub fn peek(&self) -> Result<Vec<u8>, MapError> {
        let ends = self.lock();
        self.next(&ends).map(|slot| self.values.copy_out(slot, false))
    }

    /// Removes the next value.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub fn pop(&self) -> Result<Vec<u8>, MapError> {
        let mut ends = self.lock();
        let slot = self.next(&ends)?;
        if self.last_in_first_out {
            ends.head = slot;
        } else {
            ends.tail = self.after(slot);
        }
        Ok(self.values.copy_out(slot, false))
    }

    fn next(&self, ends: &Ends) -> Result<u32, MapError> {
        if ends.head == ends.tail {
            return Err(MapError::NotFound);
        }
        let before = |slot: u32| slot.checked_sub(1).unwrap_or(self.slots - 1);
        Ok(if self.last_in_first_out { before(ends.head) } else { ends.tail })
    }

    fn after(&self, slot: u32) -> u32 {
        if slot + 1 == self.slots { 0 } else { slot + 1 }
    }

    fn lock(&self) -> MutexGuard<'_, Ends> {
        // Both ends are changed in single steps, after the value: they are right after a panic too.
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Operations for Queue {
    fn lookup(&self, _key: &[u8], _flags: u64) -> Result<Vec<u8>, MapError> {
        self.peek()
    }

    fn update(&self, _key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        self.push(value, flags)
    }

    fn delete(&self, _key: &[u8]) -> Result<(), MapError> {
        Err(MapError::Invalid)
    }

    fn take(&self, _key: &[u8], flags: u64) -> Result<Vec<u8>, MapError> {
        if flags != 0 { Err(MapError::Invalid) } else { self.pop() }
    }

    fn key_after(&self, _key: Option<&[u8]>) -> Result<Vec<u8>, MapError> {
        Err(MapError::Invalid)
    }
}
