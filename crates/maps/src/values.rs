//! The values of a map, by address.
//!
//! Address of a byte, relative to the map: `slot << shift | byte`, where `1 << shift` is the value
//! size rounded up to a power of two. In the storage the values follow each other at multiples of
//! their size rounded up to 8, as in the kernel. So an access is inside one value exactly when its
//! last byte is below the value size and the storage reaches that far.
//!
//! Fields of the kernel's own types (`ValueFields`) are skipped by copies from and to user space.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use netloom_abi::ValueFields;

use crate::CreateError;
use crate::share::Supply;
use crate::words::Words;

/// A fixed number of values of one size, zero at first.
#[derive(Debug)]
pub struct Values {
    words: Words,
    /// Accessible bytes of a value.
    size: u32,
    /// Bytes from one value to the next in the storage.
    stride: u64,
    shift: u32,
    spin_lock: Option<u32>,
    /// What copies leave alone, in ascending order.
    hidden: Vec<Range<usize>>,
}

/// The spin lock of a value, held until this is dropped.
#[derive(Debug)]
pub struct ValueGuard<'a> {
    values: &'a Values,
    address: u64,
}

impl Values {
    pub(crate) fn new(
        supply: &mut Supply,
        slots: u64,
        size: u32,
        fields: ValueFields,
    ) -> Result<Self, CreateError> {
        let stride = u64::from(size).next_multiple_of(8).max(8);
        let words = supply.words(slots.saturating_mul(stride / 8))?;
        let mut hidden = fields.ranges().collect::<Vec<_>>();
        hidden.sort_by_key(|range| range.start);
        let shift = stride.next_power_of_two().trailing_zeros();
        Ok(Self { words, size, stride, shift, spin_lock: fields.spin_lock, hidden })
    }

    /// Bytes of one value.
    pub fn value_size(&self) -> u32 {
        self.size
    }

    /// All values as they lie in memory, each at a multiple of its size rounded up to 8 bytes. The
    /// bytes of a word are in little-endian order.
    pub fn memory(&self) -> &[AtomicU64] {
        self.words.all()
    }

    /// The address of a slot's first byte. Slots outside the map have addresses nothing is at.
    pub fn address(&self, slot: u32) -> u64 {
        u64::from(slot) << self.shift
    }

    /// The slot that `address` lies in.
    pub(crate) fn slot(&self, address: u64) -> u32 {
        u32::try_from(address >> self.shift).unwrap_or(u32::MAX)
    }

    /// The byte in the storage where `bytes` bytes at `address` are, if all of one value. It may be
    /// behind the storage's end.
    #[inline]
    fn place(&self, address: u64, bytes: usize) -> Option<usize> {
        let inner = address & ((1 << self.shift) - 1);
        if inner.checked_add(bytes as u64)? > u64::from(self.size) {
            return None;
        }
        let start = (address >> self.shift).checked_mul(self.stride)?;
        usize::try_from(start + inner).ok()
    }

    /// The `N` (1, 2, 4 or 8) bytes at `address`, or `None` outside a value.
    #[inline]
    pub fn load<const N: usize>(&self, address: u64) -> Option<u64> {
        self.words.load::<N>(self.place(address, N)?)
    }

    /// Puts the low `N` (1, 2, 4 or 8) bytes of `value` at `address`, or does nothing outside one.
    #[inline]
    pub fn store<const N: usize>(&self, address: u64, value: u64) -> Option<()> {
        self.words.store::<N>(self.place(address, N)?, value)
    }

    /// Replaces the `N` (4 or 8) bytes at `address`, aligned to their size, by `change` of them, as
    /// one indivisible and sequentially consistent step. Returns the old bytes.
    pub fn modify<const N: usize>(&self, address: u64, change: impl Fn(u64) -> u64) -> Option<u64> {
        let at = self.place(address, N)?;
        if !at.is_multiple_of(N) {
            return None;
        }
        let word = self.words.word(at / 8)?;
        let shift = at % 8 * 8;
        let mask = if N == 8 { u64::MAX } else { u64::from(u32::MAX) };
        let old = word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |old| {
            let part = change(old >> shift & mask) & mask;
            Some(old & !(mask << shift) | part << shift)
        });
        let (Ok(old) | Err(old)) = old;
        Some(old >> shift & mask)
    }

    /// Copies `out.len()` bytes at `address` out, or nothing if they are not all of one value.
    pub fn read(&self, address: u64, out: &mut [u8]) -> Option<()> {
        self.words.read(self.place(address, out.len())?, out)
    }

    /// Copies `bytes` to `address`, or nothing if they do not lie in one value.
    pub fn write(&self, address: u64, bytes: &[u8]) -> Option<()> {
        self.words.write(self.place(address, bytes.len())?, bytes)
    }

    /// Whether values have a spin lock.
    pub fn has_lock(&self) -> bool {
        self.spin_lock.is_some()
    }

    /// Waits for the spin lock of the value at `address`; `None` if values have none.
    pub fn lock(&self, address: u64) -> Option<ValueGuard<'_>> {
        let lock = (address & !((1 << self.shift) - 1)) + u64::from(self.spin_lock?);
        let mut turns = 0u32;
        // The kernel's lock is an integer whose only promise is that zero means free.
        while self.modify::<4>(lock, |held| if held == 0 { 1 } else { held })? != 0 {
            turns = turns.wrapping_add(1);
            if turns.is_multiple_of(64) { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
        Some(ValueGuard { values: self, address: lock })
    }

    /// A copy of a slot's value for user space, under its spin lock if `locked`.
    pub(crate) fn copy_out(&self, slot: u32, locked: bool) -> Vec<u8> {
        let mut out = vec![0; self.size as usize];
        let address = self.address(slot);
        let guard = if locked { self.lock(address) } else { None };
        let read = self.read(address, &mut out);
        drop(guard);
        debug_assert!(read.is_some(), "callers name slots of the map");
        for hidden in &self.hidden {
            if let Some(bytes) = out.get_mut(hidden.clone()) {
                bytes.fill(0);
            }
        }
        out
    }

    /// Puts a value into a slot, under its spin lock if `locked`, except its hidden fields.
    pub(crate) fn copy_in(&self, slot: u32, value: &[u8], locked: bool) {
        let address = self.address(slot);
        let guard = if locked { self.lock(address) } else { None };
        let starts = self.hidden.iter().map(|hidden| hidden.start).chain([value.len()]);
        let ends = [0].into_iter().chain(self.hidden.iter().map(|hidden| hidden.end));
        for (from, to) in ends.zip(starts) {
            if let Some(part) = value.get(from..to) {
                self.write(address + from as u64, part);
            }
        }
        drop(guard);
    }

    /// The values of a map per CPU as user space sees them: one slot each, each filled up to 8 bytes.
    pub(crate) fn join(&self, slots: impl Iterator<Item = u32>) -> Vec<u8> {
        let mut out = Vec::new();
        for slot in slots {
            out.extend(self.copy_out(slot, false));
            out.resize(out.len().next_multiple_of(8), 0);
        }
        out
    }

    /// Puts what [`Values::join`] gives into the slots.
    pub(crate) fn split(&self, slots: impl Iterator<Item = u32>, joined: &[u8]) {
        let size = self.size as usize;
        for (slot, value) in slots.zip(joined.chunks(size.next_multiple_of(8))) {
            self.copy_in(slot, value.get(..size).unwrap_or(value), false);
        }
    }

    /// Makes the hidden fields of a slot's value zero, for an entry that is new.
    pub(crate) fn clear_hidden(&self, slot: u32) {
        for hidden in &self.hidden {
            self.write(self.address(slot) + hidden.start as u64, &[0; 16][..hidden.len().min(16)]);
        }
    }

    /// Makes a slot's value zero.
    pub(crate) fn clear(&self, slot: u32) {
        if let Some(start) = self.place(self.address(slot), 0) {
            let words = self.words.all().get(start / 8..).unwrap_or(&[]);
            let count = usize::try_from(self.stride / 8).unwrap_or(0);
            words.iter().take(count).for_each(|word| word.store(0, Ordering::Relaxed));
        }
    }
}

impl Drop for ValueGuard<'_> {
    fn drop(&mut self) {
        self.values.modify::<4>(self.address, |_| 0);
    }
}

#[cfg(test)]
mod tests {
    use netloom_abi::ValueFields;

    use super::Values;
    use crate::share::Supply;

    fn values(slots: u64, size: u32) -> Values {
        Values::new(&mut Supply::own(), slots, size, ValueFields::default()).expect("small")
    }

    #[test]
    fn an_access_stays_within_one_value() {
        let values = values(3, 12);
        let second = values.address(1);
        assert_eq!(second, 16);
        assert_eq!(values.store::<8>(second + 4, u64::MAX), Some(()));
        assert_eq!(values.load::<4>(second + 8), Some(0xffff_ffff));
        assert_eq!(values.load::<8>(second + 5), None, "runs over the end of the value");
        assert_eq!(values.load::<1>(second + 12), None, "between two values");
        assert_eq!(values.load::<1>(values.address(3)), None, "behind the last value");
        assert_eq!(values.load::<4>(values.address(2)), Some(0), "neighbours are untouched");
        assert_eq!(values.load::<1>(u64::MAX), None);
        assert_eq!(values.read(second, &mut [0; 13]), None);
    }

    #[test]
    fn modify_changes_aligned_words_and_returns_the_old() {
        let values = values(1, 16);
        values.store::<8>(0, 0x1111_1111_ffff_ffff).expect("inside");
        assert_eq!(values.modify::<4>(0, |v| v + 1), Some(0xffff_ffff));
        assert_eq!(values.load::<8>(0), Some(0x1111_1111_0000_0000), "no carry into the neighbour");
        assert_eq!(values.modify::<4>(4, |v| v << 1), Some(0x1111_1111));
        assert_eq!(values.load::<8>(0), Some(0x2222_2222_0000_0000));
        assert_eq!(values.modify::<8>(4, |v| v), None, "not aligned");
        assert_eq!(values.modify::<8>(16, |v| v), None, "outside");
    }

    #[test]
    fn concurrent_byte_stores_and_adds_lose_nothing() {
        let values = values(1, 16);
        std::thread::scope(|scope| {
            for lane in 0..4u64 {
                let values = &values;
                scope.spawn(move || {
                    for turn in 0..5_000u64 {
                        values.store::<1>(lane, turn & 0x7f).expect("inside");
                        assert_eq!(values.load::<1>(lane), Some(turn & 0x7f));
                        values.modify::<8>(8, |v| v + 1).expect("inside");
                    }
                });
            }
        });
        assert_eq!(values.load::<8>(8), Some(20_000));
    }
}
