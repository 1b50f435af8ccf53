//! Memory made of atomic words.
//!
//! Bytes are numbered as in little-endian memory: byte `i` is bits `8 * (i % 8)` of word `i / 8`.
//! An access that lies within one word is indivisible; one that crosses words is not, as on the
//! machines that eBPF runs on. A store of less than a word keeps its neighbours' concurrent stores.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::CreateError;
use crate::limits::MAP_BYTES_MAX;
use crate::share::SharedMemory;

/// A fixed number of words, zero at first: a map's own, or part of memory that processes share.
#[derive(Debug)]
pub(crate) enum Words {
    Own(Box<[AtomicU64]>),
    Shared { memory: SharedMemory, start: usize, len: usize },
}

impl Words {
    pub(crate) fn new(words: u64) -> Result<Self, CreateError> {
        let bytes = words.saturating_mul(8);
        let error = CreateError::Memory { bytes };
        if bytes > MAP_BYTES_MAX {
            return Err(error);
        }
        let Ok(count) = usize::try_from(words) else { return Err(error) };
        let mut all = Vec::new();
        if all.try_reserve_exact(count).is_err() {
            return Err(error);
        }
        all.resize_with(count, AtomicU64::default);
        Ok(Self::Own(all.into_boxed_slice()))
    }

    #[inline]
    pub(crate) fn all(&self) -> &[AtomicU64] {
        match self {
            Self::Own(words) => words,
            Self::Shared { memory, start, len } => {
                memory.words().get(*start..).and_then(|rest| rest.get(..*len)).unwrap_or(&[])
            }
        }
    }

    #[inline]
    pub(crate) fn word(&self, index: usize) -> Option<&AtomicU64> {
        self.all().get(index)
    }

    /// The `N` ≤ 8 bytes at byte `at`, zero-extended.
    #[inline]
    pub(crate) fn load<const N: usize>(&self, at: usize) -> Option<u64> {
        let low = self.word(at / 8)?.load(Ordering::Relaxed) >> (at % 8 * 8);
        let value = if at % 8 + N <= 8 {
            low
        } else {
            low | self.word(at / 8 + 1)?.load(Ordering::Relaxed) << (64 - at % 8 * 8)
        };
        Some(value & mask(N))
    }

    /// Puts the low `N` ≤ 8 bytes of `value` at byte `at`.
    #[inline]
    pub(crate) fn store<const N: usize>(&self, at: usize, value: u64) -> Option<()> {
        let shift = at % 8 * 8;
        if N == 8 && shift == 0 {
            self.word(at / 8)?.store(value, Ordering::Relaxed);
            return Some(());
        }
        // The second word is looked up first, so that a failed store changes nothing.
        let high = if at % 8 + N > 8 { Some(self.word(at / 8 + 1)?) } else { None };
        let value = value & mask(N);
        replace(self.word(at / 8)?, mask(N) << shift, value << shift);
        if let Some(high) = high {
            replace(high, mask(N) >> (64 - shift), value >> (64 - shift));
        }
        Some(())
    }

    /// Copies bytes out, from byte `at` on.
    pub(crate) fn read(&self, at: usize, out: &mut [u8]) -> Option<()> {
        self.contains(at, out.len())?;
        let mut at = at;
        let mut rest = out;
        while !rest.is_empty() {
            let taken = (8 - at % 8).min(rest.len());
            let word = self.load::<8>(at - at % 8)?.to_le_bytes();
            let (now, later) = rest.split_at_mut(taken);
            now.copy_from_slice(word.get(at % 8..at % 8 + taken)?);
            at += taken;
            rest = later;
        }
        Some(())
    }

    /// Copies bytes in, from byte `at` on.
    pub(crate) fn write(&self, at: usize, bytes: &[u8]) -> Option<()> {
        self.contains(at, bytes.len())?;
        let mut at = at;
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            if let (0, Some((word, later))) = (at % 8, rest.split_first_chunk::<8>()) {
                self.store::<8>(at, u64::from_le_bytes(*word))?;
                at += 8;
                rest = later;
            } else {
                self.store::<1>(at, u64::from(byte))?;
                at += 1;
                rest = rest.get(1..)?;
            }
        }
        Some(())
    }

    fn contains(&self, at: usize, bytes: usize) -> Option<()> {
        (at.checked_add(bytes)? <= self.all().len() * 8).then_some(())
    }
}

/// The low `bytes` ≤ 8 bytes of a word.
const fn mask(bytes: usize) -> u64 {
    if bytes >= 8 { u64::MAX } else { (1 << (bytes * 8)) - 1 }
}

/// Sets the bits in `mask` to `value`, leaving the others to whoever writes them.
fn replace(word: &AtomicU64, mask: u64, value: u64) {
    let mut old = word.load(Ordering::Relaxed);
    while let Err(now) =
        word.compare_exchange_weak(old, old & !mask | value, Ordering::Relaxed, Ordering::Relaxed)
    {
        old = now;
    }
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn words_behave_as_little_endian_bytes() {
        arbtest::arbtest(|u| {
            let words = Words::new(4).expect("small");
            let mut bytes = [0u8; 32];
            for _ in 0..u.int_in_range(1..=20)? {
                let at = u.int_in_range(0..=40usize)?;
                let value: u64 = u.arbitrary()?;
                let n = *u.choose(&[1usize, 2, 4, 8])?;
                let stored = match n {
                    1 => words.store::<1>(at, value),
                    2 => words.store::<2>(at, value),
                    4 => words.store::<4>(at, value),
                    _ => words.store::<8>(at, value),
                };
                assert_eq!(stored.is_some(), at + n <= 32, "store of {n} at {at}");
                if at + n <= 32 {
                    bytes[at..at + n].copy_from_slice(&value.to_le_bytes()[..n]);
                }
                let from = u.int_in_range(0..=24usize)?;
                let mut expected = [0; 8];
                expected.copy_from_slice(&bytes[from..from + 8]);
                assert_eq!(words.load::<8>(from), Some(u64::from_le_bytes(expected)));
                assert_eq!(words.load::<2>(from).map(|v| v >> 8), Some(u64::from(expected[1])));
            }
            let mut all = [0; 32];
            words.read(0, &mut all).expect("inside");
            assert_eq!(all, bytes);
            Ok(())
        });
    }

    #[test]
    fn slices_cross_words_and_stop_at_the_end() {
        let words = Words::new(3).expect("small");
        words.write(5, b"across two words").expect("inside");
        let mut out = [0; 16];
        words.read(5, &mut out).expect("inside");
        assert_eq!(&out, b"across two words");
        assert_eq!(words.write(10, &[1; 15]), None);
        assert_eq!(words.read(usize::MAX, &mut out), None);
        words.read(5, &mut out).expect("inside");
        assert_eq!(&out, b"across two words", "a refused write changes nothing");
    }
}
