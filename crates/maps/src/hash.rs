//! Hash maps with preallocated slots.
//!
//! Each bucket is a list of slots linked by index. Writers take a lock; readers take none. A reader
//! may meet a slot that a writer moves to another bucket under its feet; every list therefore ends in
//! a mark that names its bucket, and a reader that arrives at a foreign mark starts over (the kernel's
//! `hlist_nulls`). An update never overwrites a value in place: it fills a spare slot, links it in
//! front and unlinks the old one, which becomes the spare. So a look-up gives one whole value, the old
//! or the new, and an address that a program holds keeps its old value until the spare is used again.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use netloom_abi::MapSpec;

use crate::limits::HASH_KEY_BYTES_MAX;
use crate::map::update;
use crate::words::Words;
use crate::{CreateError, MapError, Values};

/// Most entries: links are 31 bits, and there is one spare slot.
const ENTRIES_MAX: u32 = (1 << 31) - 2;
/// Set in a link that is the end mark of the bucket in its other bits.
const END: u32 = 1 << 31;
/// How often a reader starts over before it waits for the writers instead.
const RESTARTS_MAX: u32 = 16;

/// Key to value.
#[derive(Debug)]
pub(crate) struct Hash {
    pub(crate) values: Values,
    keys: Words,
    key_words: usize,
    key_bytes: usize,
    /// Next slot in the bucket, per slot.
    next: Box<[AtomicU32]>,
    /// First slot, per bucket; a power of two of them.
    heads: Box<[AtomicU32]>,
    seed: u64,
    writer: Mutex<Writer>,
}

/// What only writers know.
#[derive(Debug)]
struct Writer {
    /// Unused slots; the last one is used next.
    free: Vec<u32>,
    /// The slot that an update of an existing key uses.
    spare: u32,
}

impl Hash {
    pub(crate) fn new(spec: &MapSpec, seed: u64) -> Result<Self, CreateError> {
        let (entries, size) = (spec.max_entries, spec.key_size);
        if size == 0 || size > HASH_KEY_BYTES_MAX {
            return Err(CreateError::KeySize { size });
        }
        if entries > ENTRIES_MAX {
            return Err(CreateError::MaxEntries { entries });
        }
        if !spec.initial.is_empty() {
            return Err(CreateError::Initial { index: 0 });
        }
        let key_words = size.div_ceil(8);
        let slots = entries + 1;
        let keys = Words::new(u64::from(key_words) * u64::from(slots))?;
        let values = Values::new(slots, spec.value_size)?;
        let buckets = entries.next_power_of_two();
        Ok(Self {
            values,
            keys,
            key_words: key_words as usize,
            key_bytes: size as usize,
            next: (0..slots).map(|_| AtomicU32::new(END)).collect(),
            heads: (0..buckets).map(|bucket| AtomicU32::new(END | bucket)).collect(),
            seed,
            writer: Mutex::new(Writer { free: (0..entries).rev().collect(), spare: entries }),
        })
    }

    /// The slot that holds `key`, which has the map's key size.
    pub(crate) fn find(&self, key: &[u8]) -> Option<u32> {
        let bucket = self.bucket(key);
        for _ in 0..RESTARTS_MAX {
            if let Walk::Done(found) = self.walk(bucket, key) {
                return found;
            }
        }
        let _writer = self.lock();
        match self.walk(bucket, key) {
            Walk::Done(found) => found,
            Walk::Strayed => None,
        }
    }

    pub(crate) fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        // No map here has a spin lock in its values, so asking for it is invalid too.
        if flags > update::EXIST {
            return Err(MapError::Invalid);
        }
        let bucket = self.bucket(key);
        let mut writer = self.lock();
        let old = match self.walk(bucket, key) {
            Walk::Done(found) => found,
            Walk::Strayed => None,
        };
        match (old, flags) {
            (Some(_), update::NOEXIST) => return Err(MapError::Exists),
            (None, update::EXIST) => return Err(MapError::NotFound),
            _ => {}
        }
        let slot = match old {
            Some(_) => writer.spare,
            None => writer.free.pop().ok_or(MapError::Full)?,
        };
        self.fill(slot, key, value);
        self.link(bucket, slot);
        if let Some(old) = old {
            self.unlink(bucket, old);
            writer.spare = old;
        }
        Ok(())
    }

    pub(crate) fn delete(&self, key: &[u8]) -> Result<(), MapError> {
        let bucket = self.bucket(key);
        let mut writer = self.lock();
        let Walk::Done(Some(slot)) = self.walk(bucket, key) else {
            return Err(MapError::NotFound);
        };
        self.unlink(bucket, slot);
        writer.free.push(slot);
        Ok(())
    }

    /// The key after `key` in bucket order; the first one if `key` is absent or `None`.
    pub(crate) fn next_key(&self, key: Option<&[u8]>) -> Option<Vec<u8>> {
        let _writer = self.lock();
        let (mut bucket, mut link) = (0, self.head(0));
        if let Some(key) = key {
            let home = self.bucket(key);
            if let Walk::Done(Some(slot)) = self.walk(home, key) {
                (bucket, link) = (home, self.after(slot));
            }
        }
        while link & END != 0 {
            bucket += 1;
            self.heads.get(bucket as usize)?;
            link = self.head(bucket);
        }
        let mut out = vec![0; self.key_bytes];
        self.keys.read(link as usize * self.key_words * 8, &mut out)?;
        Some(out)
    }

    fn lock(&self) -> MutexGuard<'_, Writer> {
        // A writer can not panic half-way: all its indices come from the lists themselves.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn head(&self, bucket: u32) -> u32 {
        self.heads.get(bucket as usize).map_or(END | bucket, |head| head.load(Ordering::Acquire))
    }

    fn after(&self, slot: u32) -> u32 {
        self.next.get(slot as usize).map_or(END, |next| next.load(Ordering::Acquire))
    }

    /// Follows a bucket's list once.
    fn walk(&self, bucket: u32, key: &[u8]) -> Walk {
        let mut link = self.head(bucket);
        for _ in 0..=self.next.len() {
            if link & END != 0 {
                return if link == END | bucket { Walk::Done(None) } else { Walk::Strayed };
            }
            if self.holds(link, key) {
                return Walk::Done(Some(link));
            }
            link = self.after(link);
        }
        Walk::Strayed
    }

    fn holds(&self, slot: u32, key: &[u8]) -> bool {
        let first = slot as usize * self.key_words;
        words_of(key).enumerate().all(|(index, word)| {
            self.keys.word(first + index).is_some_and(|held| held.load(Ordering::Relaxed) == word)
        })
    }

    fn fill(&self, slot: u32, key: &[u8], value: &[u8]) {
        let first = slot as usize * self.key_words;
        for (index, word) in words_of(key).enumerate() {
            if let Some(held) = self.keys.word(first + index) {
                held.store(word, Ordering::Relaxed);
            }
        }
        self.values.write(self.values.address(slot), value);
    }

    fn link(&self, bucket: u32, slot: u32) {
        if let (Some(head), Some(next)) =
            (self.heads.get(bucket as usize), self.next.get(slot as usize))
        {
            next.store(head.load(Ordering::Relaxed), Ordering::Relaxed);
            // Release: who sees the slot sees its key, value and successor.
            head.store(slot, Ordering::Release);
        }
    }

    /// Takes `slot` out of the bucket's list. Its own successor stays, for readers that are at it.
    fn unlink(&self, bucket: u32, slot: u32) {
        let after = self.after(slot);
        let mut link = self.heads.get(bucket as usize);
        while let Some(place) = link {
            let here = place.load(Ordering::Relaxed);
            if here == slot {
                place.store(after, Ordering::Release);
                return;
            }
            link = self.next.get(here as usize);
        }
    }

    fn bucket(&self, key: &[u8]) -> u32 {
        let mut hash = self.seed ^ 0x9e37_79b9_7f4a_7c15;
        for word in words_of(key) {
            let wide = u128::from(hash ^ word) * 0x5851_f42d_4c95_7f2d_u128;
            let (high, low) = ((wide >> 64) as u64, (wide & 0xffff_ffff_ffff_ffff) as u64);
            hash = high ^ low ^ hash.rotate_left(23);
        }
        let buckets = self.heads.len() as u64;
        let bucket = (hash ^ hash >> 32) & (buckets - 1);
        (bucket & 0xffff_ffff) as u32
    }
}

/// How following a list ended.
enum Walk {
    /// At the key, or at the bucket's own end.
    Done(Option<u32>),
    /// In another bucket.
    Strayed,
}

/// The key as little-endian words, the last one filled up with zeros.
fn words_of(key: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let (whole, rest) = key.as_chunks::<8>();
    let last = (!rest.is_empty()).then(|| {
        let mut word = [0; 8];
        word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        u64::from_le_bytes(word)
    });
    whole.iter().map(|word| u64::from_le_bytes(*word)).chain(last)
}

#[cfg(test)]
mod tests;
