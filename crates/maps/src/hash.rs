//! Hash maps with preallocated slots, also per CPU, also with eviction of the least recently used.
//!
//! Each bucket is a list of slots linked by index. Writers lock the bucket's stripe; readers lock
//! nothing. A reader may meet a slot that a writer moves to another bucket under its feet; every list
//! therefore ends in a mark that names its bucket, and a reader that arrives at a foreign mark starts
//! over (the kernel's `hlist_nulls`).
//!
//! An update never overwrites a value in place (except per CPU and under a value's spin lock): it
//! fills another slot and puts it in the old one's place with a single store. So a look-up gives one
//! whole value, the old or the new, an iteration over the bucket sees the key exactly once, and an
//! address that a program holds keeps its old value until the slot is used again.
//!
//! All state lies in words, and every list is well formed after every single store: a process that
//! dies half-way loses at most the slots it had in its hands, which [`pool`] gets back.
//!
//! Reading order: this file, `list`, `pool`, `recency`, `batch`.

mod batch;
mod list;
mod pool;
mod recency;

use std::sync::atomic::Ordering;

use netloom_abi::{MapKind, MapSpec};

use crate::flags::{create, update};
use crate::limits::HASH_ENTRIES_MAX;
use crate::lock::{Guard, Locks};
use crate::operations::Operations;
use crate::share::Supply;
use crate::words::Words;
use crate::{CreateError, Geometry, MapError, Values};
use list::Walk;
use recency::Recency;

/// Most locks of a map. More would not help: a lock is held for some 50 ns.
const STRIPES_MAX: u32 = 64;

/// Key to value.
#[derive(Debug)]
pub(crate) struct Hash {
    pub(crate) values: Values,
    keys: Words,
    key_words: usize,
    key_bytes: usize,
    /// Per slot, low half: the next in its bucket; high half: the next in its free list.
    links: Words,
    /// First slot, per bucket; a power of two of them.
    heads: Words,
    /// One lock per stripe of buckets, and one for whoever repairs.
    locks: Locks,
    /// The words of [`pool`]; the first one is the hash function's seed.
    state: Words,
    /// Locks without the repairer's.
    stripes: u32,
    /// Free lists: 1, or one per CPU.
    pools: u32,
    /// Entries that can exist, slots without the spares.
    entries: u32,
    slots: u32,
    /// Values per entry: 1, or one per CPU.
    cpus: u32,
    per_cpu: bool,
    recency: Option<Recency>,
}

impl Hash {
    pub(crate) fn new(
        spec: &MapSpec,
        geometry: Geometry,
        supply: &mut Supply,
    ) -> Result<Self, CreateError> {
        let kind = spec.kind;
        let per_cpu = matches!(kind, MapKind::PercpuHash | MapKind::LruPercpuHash);
        let evicts = matches!(kind, MapKind::LruHash | MapKind::LruPercpuHash);
        let cpus = if per_cpu { geometry.cpus } else { 1 };
        let pools = if spec.flags & create::NO_COMMON_LRU != 0 { geometry.cpus } else { 1 };
        let entries = entries(spec, pools)?;
        let buckets = entries.next_power_of_two();
        let stripes = buckets.min(STRIPES_MAX);
        let slots = entries + stripes;
        let key_words = spec.key_size.div_ceil(8);
        let hash = Self {
            state: supply.words(pool::words(stripes, pools))?,
            locks: Locks::new(supply, stripes + 1)?,
            heads: supply.words(buckets.into())?,
            links: supply.words(slots.into())?,
            keys: supply.words(u64::from(key_words) * u64::from(slots))?,
            values: Values::new(
                supply,
                u64::from(slots) * u64::from(cpus),
                spec.value_size,
                spec.fields,
            )?,
            recency: if evicts { Some(Recency::new(supply, slots)?) } else { None },
            key_words: key_words as usize,
            key_bytes: spec.key_size as usize,
            stripes,
            pools,
            entries,
            slots,
            cpus,
            per_cpu,
        };
        if supply.is_fresh() {
            hash.initialise(geometry.hash_seed);
        }
        Ok(hash)
    }

    /// The address of the value that a program on `cpu` sees for `key`, which has the map's size.
    #[inline]
    pub(crate) fn find(&self, key: &[u8], cpu: u32) -> Option<u64> {
        let slot = self.find_slot(key)?;
        if let Some(recency) = &self.recency {
            recency.mark(slot);
        }
        self.value_of(slot, cpu)
    }

    /// Updates an entry as a program on `cpu` does: in a map per CPU, of that CPU only.
    pub(crate) fn update_on(
        &self,
        cpu: u32,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), MapError> {
        self.put(cpu, key, flags, |slot, is_new| {
            if is_new && self.cpus > 1 {
                (0..self.cpus).for_each(|cpu| self.values.clear(self.value_slot(slot, cpu)));
            }
            let cpu = if self.cpus == 1 { 0 } else { cpu };
            self.values.copy_in(self.value_slot(slot, cpu), value, flags & update::LOCK != 0);
        })
    }

    /// Links `key` to a slot that `fill` fills; it is told whether the slot is new to the key.
    fn put(
        &self,
        cpu: u32,
        key: &[u8],
        flags: u64,
        fill: impl Fn(u32, bool),
    ) -> Result<(), MapError> {
        let lockable = self.recency.is_none() && self.values.has_lock();
        let ignored = if lockable { update::LOCK } else { 0 };
        if flags & !ignored > update::EXIST {
            return Err(MapError::Invalid);
        }
        let bucket = self.bucket(key);
        let guard = self.lock(bucket);
        let old = self.walk(bucket, key);
        match (&old, flags & !ignored) {
            (Walk::Found(..), update::NOEXIST) => return Err(MapError::Exists),
            (Walk::End | Walk::Strayed, update::EXIST) => return Err(MapError::NotFound),
            _ => {}
        }
        let Walk::Found(old, before) = old else {
            let slot = match self.take_free(bucket, cpu) {
                Some(slot) => slot,
                // Slots that a process took with it when it died may be all that is missing.
                None => {
                    drop(guard);
                    return if self.reclaim() {
                        self.put(cpu, key, flags, fill)
                    } else {
                        Err(self.no_room())
                    };
                }
            };
            self.name(slot, key);
            self.values.clear_hidden(slot);
            fill(slot, true);
            self.link(bucket, slot);
            return Ok(());
        };
        if self.per_cpu || flags & update::LOCK != 0 {
            fill(old, false);
            self.mark(old);
            return Ok(());
        }
        let Some(slot) = self.take_spare(bucket, cpu) else { return Err(self.no_room()) };
        self.name(slot, key);
        self.values.clear_hidden(slot);
        fill(slot, true);
        // Taking a slot from the own pool may have evicted the old entry or its predecessor.
        match if self.pools == 1 { Walk::Found(old, before) } else { self.walk(bucket, key) } {
            Walk::Found(old, before) => {
                self.replace(bucket, before, old, slot);
                self.give_spare(bucket, old);
            }
            Walk::End | Walk::Strayed => self.link(bucket, slot),
        }
        self.mark(slot);
        Ok(())
    }

    /// The address of the value of `slot` that belongs to `cpu`.
    #[inline]
    fn value_of(&self, slot: u32, cpu: u32) -> Option<u64> {
        let cpu = if self.cpus == 1 { 0 } else { cpu };
        (cpu < self.cpus).then(|| self.values.address(self.value_slot(slot, cpu)))
    }

    fn value_slot(&self, slot: u32, cpu: u32) -> u32 {
        cpu * self.slots + slot
    }

    /// The value of a slot as user space sees it.
    fn read_value(&self, slot: u32, flags: u64) -> Vec<u8> {
        let locked = flags & update::LOCK != 0;
        if !self.per_cpu {
            return self.values.copy_out(slot, locked);
        }
        let slots = (0..self.cpus).map(|cpu| self.value_slot(slot, cpu));
        self.values.join(slots)
    }

    fn mark(&self, slot: u32) {
        if let Some(recency) = &self.recency {
            recency.mark(slot);
        }
    }

    /// Why no slot can be had (`htab_map_alloc`: `E2BIG`; an LRU map that can evict none: `ENOMEM`).
    fn no_room(&self) -> MapError {
        if self.recency.is_some() { MapError::Memory } else { MapError::Full }
    }

    /// The lock of a bucket's stripe, when no slots are astray.
    fn lock(&self, bucket: u32) -> Guard<'_> {
        loop {
            let guard = self.locks.lock(self.stripe(bucket));
            if guard.is_orphan() {
                self.suspect();
            }
            if !self.is_suspect() {
                return guard;
            }
            drop(guard);
            self.repair();
        }
    }

    fn stripe(&self, bucket: u32) -> usize {
        (bucket % self.stripes) as usize
    }

    fn seed(&self) -> u64 {
        self.state.word(0).map_or(0, |seed| seed.load(Ordering::Relaxed))
    }
}

impl Operations for Hash {
    fn values(&self) -> Option<&Values> {
        Some(&self.values)
    }

    fn lookup(&self, key: &[u8], flags: u64) -> Result<Vec<u8>, MapError> {
        let slot = self.find_slot(key).ok_or(MapError::NotFound)?;
        Ok(self.read_value(slot, flags))
    }

    fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        if !self.per_cpu {
            return self.update_on(0, key, value, flags);
        }
        self.put(0, key, flags, |slot, _| {
            self.values.split((0..self.cpus).map(|cpu| self.value_slot(slot, cpu)), value);
        })
    }

    fn delete(&self, key: &[u8]) -> Result<(), MapError> {
        self.remove(key, |_| ())
    }

    fn take(&self, key: &[u8], flags: u64) -> Result<Vec<u8>, MapError> {
        let mut value = Vec::new();
        self.remove(key, |slot| value = self.read_value(slot, flags))?;
        Ok(value)
    }

    fn key_after(&self, key: Option<&[u8]>) -> Result<Vec<u8>, MapError> {
        self.next_key(key).ok_or(MapError::NotFound)
    }

    fn batching(&self) -> Option<&dyn crate::batch::Buckets> {
        Some(self)
    }
}

/// Entries that can exist: with a free list per CPU, as many for each CPU (`htab_map_alloc`).
fn entries(spec: &MapSpec, pools: u32) -> Result<u32, CreateError> {
    let entries = spec.max_entries;
    let error = CreateError::TooLarge { entries: entries.into() };
    let even = entries.checked_next_multiple_of(pools).unwrap_or(entries - entries % pools);
    if even == 0 || even > HASH_ENTRIES_MAX { Err(error) } else { Ok(even) }
}

#[cfg(test)]
mod tests;
