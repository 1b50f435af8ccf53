//! Which entries were used lately, and eviction of those that were not.
//!
//! Each slot has a mark that a program's look-up and an update of the key set. A hand goes round over
//! the slots, clears marks, and evicts the first entry that has none: so what is used between two
//! rounds stays. The kernel's lists approximate the same order; which of the unused entries goes first
//! is promised by neither.

use std::sync::atomic::Ordering;

use super::Hash;
use super::list::Walk;
use crate::CreateError;
use crate::share::Supply;
use crate::words::Words;

/// Rounds of the hand before eviction gives up: one clears all marks, the next finds those busy.
const ROUNDS: u64 = 3;

/// One mark per slot, packed.
#[derive(Debug)]
pub(super) struct Recency(Words);

impl Recency {
    pub(super) fn new(supply: &mut Supply, slots: u32) -> Result<Self, CreateError> {
        supply.words(u64::from(slots.div_ceil(64))).map(Self)
    }

    /// Notes that the slot's entry was used.
    #[inline]
    pub(super) fn mark(&self, slot: u32) {
        let bit = 1 << (slot % 64);
        if let Some(word) = self.0.word((slot / 64) as usize)
            && word.load(Ordering::Relaxed) & bit == 0
        {
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// Removes the slot's mark; whether it had one.
    fn clear(&self, slot: u32) -> bool {
        let bit = 1 << (slot % 64);
        let word = self.0.word((slot / 64) as usize);
        word.is_some_and(|word| word.fetch_and(!bit, Ordering::Relaxed) & bit != 0)
    }
}

impl Hash {
    /// Takes the slot of an entry of the pool that was not used lately. The lock of `held` is held.
    pub(super) fn evict(&self, held: u32, pool: u32) -> Option<u32> {
        let recency = self.recency.as_ref()?;
        for _ in 0..ROUNDS * u64::from(self.slots) {
            let slot = u32::try_from(self.turn_hand() % u64::from(self.slots)).ok()?;
            if self.pool_of(slot) != pool || recency.clear(slot) {
                continue;
            }
            // The key may change while it is read; the slot is then not found in the bucket.
            let bucket = self.bucket(&self.key(slot)?);
            let guard = if self.stripe(bucket) == self.stripe(held) {
                None
            } else {
                // Waiting for a second stripe could be waiting for whoever waits for ours.
                let Some(guard) = self.locks.try_lock(self.stripe(bucket)) else { continue };
                Some(guard)
            };
            let linked = self.walk_to(bucket, slot);
            if let Walk::Found(slot, before) = linked {
                self.unlink(bucket, before, slot);
                return Some(slot);
            }
            drop(guard);
        }
        None
    }

    /// Where `slot` is in the bucket's list.
    fn walk_to(&self, bucket: u32, slot: u32) -> Walk {
        let mut before = None;
        for here in self.bucket_slots(bucket) {
            if here == slot {
                return Walk::Found(slot, before);
            }
            before = Some(here);
        }
        Walk::End
    }
}
