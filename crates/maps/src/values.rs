//! The values of a map, by address.
//!
//! Address of a byte, relative to the map: `slot << shift | byte`, where `1 << shift` is the value
//! size rounded up to a power of two. The storage has the same layout. So an access is inside one
//! value exactly when its last byte is below the value size and the storage reaches that far; the
//! price is memory, up to twice the values' size where it is not a power of two.

use std::sync::atomic::Ordering;

use crate::CreateError;
use crate::words::Words;

/// A fixed number of values of one size, zero at first.
#[derive(Debug)]
pub struct Values {
    words: Words,
    /// Accessible bytes of a value.
    size: u32,
    shift: u32,
}

impl Values {
    pub(crate) fn new(slots: u32, size: u32) -> Result<Self, CreateError> {
        // At least a word, so that every value is aligned as far as its accesses can be.
        let stride = u64::from(size).next_power_of_two().max(8);
        let bytes = stride * u64::from(slots.saturating_sub(1)) + u64::from(size);
        let words = Words::new(bytes.div_ceil(8))?;
        Ok(Self { words, size, shift: stride.trailing_zeros() })
    }

    /// Bytes of one value.
    pub fn value_size(&self) -> u32 {
        self.size
    }

    /// The address of a slot's first byte. Slots outside the map have addresses nothing is at.
    pub fn address(&self, slot: u32) -> u64 {
        u64::from(slot) << self.shift
    }

    /// The byte in the storage where `bytes` bytes at `address` are, if all of one value. It may be
    /// behind the storage's end.
    #[inline]
    fn place(&self, address: u64, bytes: usize) -> Option<usize> {
        let inner = address & ((1 << self.shift) - 1);
        let fits = inner.checked_add(bytes as u64)? <= u64::from(self.size);
        if fits { usize::try_from(address).ok() } else { None }
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

    pub(crate) fn copy_out(&self, slot: u32) -> Vec<u8> {
        let mut out = vec![0; self.size as usize];
        let read = self.read(self.address(slot), &mut out);
        debug_assert!(read.is_some(), "callers name slots of the map");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::Values;

    #[test]
    fn an_access_stays_within_one_value() {
        let values = Values::new(3, 12).expect("small");
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
        let values = Values::new(1, 16).expect("small");
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
        let values = Values::new(1, 16).expect("small");
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
