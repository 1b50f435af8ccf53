//! The lists of buckets: walking, linking, unlinking.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Hash;
use crate::MapError;

/// Set in a link that is the end mark of the bucket in its other bits.
pub(super) const END: u32 = 1 << 31;
/// How often a reader starts over before it waits for the writers instead.
const RESTARTS_MAX: u32 = 16;

/// How following a list ended.
pub(super) enum Walk {
    /// At the key's slot, which the link of the second slot leads to, or the head if there is none.
    Found(u32, Option<u32>),
    /// At the bucket's own end.
    End,
    /// In another bucket.
    Strayed,
}

impl Hash {
    /// The slot that holds `key`.
    #[inline]
    pub(super) fn find_slot(&self, key: &[u8]) -> Option<u32> {
        let bucket = self.bucket(key);
        for _ in 0..RESTARTS_MAX {
            match self.walk(bucket, key) {
                Walk::Found(slot, _) => return Some(slot),
                Walk::End => return None,
                Walk::Strayed => {}
            }
        }
        let _writer = self.lock(bucket);
        match self.walk(bucket, key) {
            Walk::Found(slot, _) => Some(slot),
            Walk::End | Walk::Strayed => None,
        }
    }

    /// Follows a bucket's list once.
    #[inline]
    pub(super) fn walk(&self, bucket: u32, key: &[u8]) -> Walk {
        let mut link = self.head(bucket);
        let mut before = None;
        for _ in 0..=self.slots {
            if link & END != 0 {
                return if link == END | bucket { Walk::End } else { Walk::Strayed };
            }
            if self.holds(link, key) {
                return Walk::Found(link, before);
            }
            before = Some(link);
            link = self.after(link);
        }
        Walk::Strayed
    }

    /// The slots of a bucket whose lock is held.
    pub(super) fn bucket_slots(&self, bucket: u32) -> impl Iterator<Item = u32> + '_ {
        let open = |link: u32| (link & END == 0).then_some(link);
        let all =
            std::iter::successors(open(self.head(bucket)), move |slot| open(self.after(*slot)));
        all.take(self.slots as usize)
    }

    /// The key after `key` in bucket order; the first one if `key` is absent or `None`.
    pub(super) fn next_key(&self, key: Option<&[u8]>) -> Option<Vec<u8>> {
        let mut bucket = 0;
        if let Some(key) = key {
            let home = self.bucket(key);
            let guard = self.lock(home);
            if let Walk::Found(slot, _) = self.walk(home, key) {
                let next = self.after(slot);
                if next & END == 0 {
                    return self.key(next);
                }
                bucket = home + 1;
            }
            drop(guard);
        }
        while (bucket as usize) < self.heads.all().len() {
            if self.head(bucket) & END == 0 {
                let _writer = self.lock(bucket);
                let first = self.head(bucket);
                if first & END == 0 {
                    return self.key(first);
                }
            }
            bucket += 1;
        }
        None
    }

    /// Takes `key` out; `last` sees its slot before it is free.
    pub(super) fn remove(&self, key: &[u8], last: impl FnOnce(u32)) -> Result<(), MapError> {
        let bucket = self.bucket(key);
        let _writer = self.lock(bucket);
        let Walk::Found(slot, before) = self.walk(bucket, key) else {
            return Err(MapError::NotFound);
        };
        last(slot);
        self.unlink(bucket, before, slot);
        self.give_free(slot);
        Ok(())
    }

    /// The key that a slot holds, while its bucket's lock is held.
    pub(super) fn key(&self, slot: u32) -> Option<Vec<u8>> {
        let mut out = vec![0; self.key_bytes];
        self.keys.read(slot as usize * self.key_words * 8, &mut out)?;
        Some(out)
    }

    /// Puts `key` into a slot that is in no bucket.
    pub(super) fn name(&self, slot: u32, key: &[u8]) {
        let first = slot as usize * self.key_words;
        for (index, word) in words_of(key).enumerate() {
            if let Some(held) = self.keys.word(first + index) {
                held.store(word, Ordering::Relaxed);
            }
        }
    }

    /// Puts `slot` in front of the bucket's list.
    pub(super) fn link(&self, bucket: u32, slot: u32) {
        self.point(slot, self.head(bucket));
        self.lead(bucket, None, slot);
    }

    /// Puts `slot` where `old` is in the bucket's list.
    pub(super) fn replace(&self, bucket: u32, before: Option<u32>, old: u32, slot: u32) {
        self.point(slot, self.after(old));
        self.lead(bucket, before, slot);
    }

    /// Takes `slot` out of the bucket's list. Its own successor stays, for readers that are at it.
    pub(super) fn unlink(&self, bucket: u32, before: Option<u32>, slot: u32) {
        self.lead(bucket, before, self.after(slot));
    }

    /// Makes the link after `before`, or the head, lead to `next`.
    fn lead(&self, bucket: u32, before: Option<u32>, next: u32) {
        match before {
            Some(before) => self.point(before, next),
            None => {
                if let Some(head) = self.heads.word(bucket as usize) {
                    // Release: who sees a slot sees its key, value and successor.
                    head.store(next.into(), Ordering::Release);
                }
            }
        }
    }

    fn point(&self, slot: u32, next: u32) {
        if let Some(link) = self.link_word(slot) {
            // The other half is the free list's, whose lock nobody needs: it changes only while the
            // slot is in one.
            let free = link.load(Ordering::Relaxed) & !u64::from(u32::MAX);
            link.store(free | u64::from(next), Ordering::Release);
        }
    }

    pub(super) fn link_word(&self, slot: u32) -> Option<&AtomicU64> {
        self.links.word(slot as usize)
    }

    #[inline]
    pub(super) fn head(&self, bucket: u32) -> u32 {
        let head = self.heads.word(bucket as usize);
        head.map_or(END | bucket, |head| low(head.load(Ordering::Acquire)))
    }

    #[inline]
    pub(super) fn after(&self, slot: u32) -> u32 {
        self.link_word(slot).map_or(END, |link| low(link.load(Ordering::Acquire)))
    }

    #[inline]
    fn holds(&self, slot: u32, key: &[u8]) -> bool {
        let first = slot as usize * self.key_words;
        let held = self.keys.all().get(first..).unwrap_or(&[]);
        held.iter().zip(words_of(key)).all(|(held, word)| held.load(Ordering::Relaxed) == word)
    }

    #[inline]
    pub(super) fn bucket(&self, key: &[u8]) -> u32 {
        let mut hash = self.seed() ^ 0x9e37_79b9_7f4a_7c15;
        for word in words_of(key) {
            let wide = u128::from(hash ^ word) * 0x5851_f42d_4c95_7f2d_u128;
            let (high, low) = ((wide >> 64) as u64, (wide & 0xffff_ffff_ffff_ffff) as u64);
            hash = high ^ low ^ hash.rotate_left(23);
        }
        let buckets = self.heads.all().len() as u64;
        low((hash ^ hash >> 32) & (buckets - 1))
    }
}

/// The low half of a word.
#[inline]
pub(super) fn low(word: u64) -> u32 {
    let [a, b, c, d, ..] = word.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// The key as little-endian words, the last one filled up with zeros.
#[inline]
fn words_of(key: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let (whole, rest) = key.as_chunks::<8>();
    let last = (!rest.is_empty()).then(|| {
        let mut word = [0; 8];
        word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        u64::from_le_bytes(word)
    });
    whole.iter().map(|word| u64::from_le_bytes(*word)).chain(last)
}
