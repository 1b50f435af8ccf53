//! Slots that hold no entry: free lists, spares, and their repair after a process died.
//!
//! Words of the state: seed, whether slots may be astray, where eviction goes on, one spare per
//! stripe, one free list per pool. A free list's word is its first slot (low half, `NONE` if empty)
//! and a number that every change increments (high half), so that a slot which came back meanwhile is
//! not mistaken for one that never left.
//!
//! Every change happens under some stripe's lock. Who finds a lock whose holder died marks the map
//! suspect; no writer goes on before one of them has locked all stripes and made the lists anew from
//! what no bucket reaches.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Hash;
use super::list::{END, low};

const SEED: usize = 0;
const SUSPECT: usize = 1;
const HAND: usize = 2;
const SPARES: usize = 3;

/// No slot.
const NONE: u32 = u32::MAX;

/// Words of the state.
pub(super) fn words(stripes: u32, pools: u32) -> u64 {
    SPARES as u64 + u64::from(stripes) + u64::from(pools)
}

impl Hash {
    /// Makes all buckets empty and all slots free.
    pub(super) fn initialise(&self, seed: u64) {
        for (bucket, head) in (0u32..).zip(self.heads.all()) {
            head.store(u64::from(END | bucket), Ordering::Relaxed);
        }
        self.state(SEED).store(seed, Ordering::Relaxed);
        for link in self.links.all() {
            link.store(END.into(), Ordering::Relaxed);
        }
        self.rebuild(&[]);
    }

    /// A slot for a new key of `bucket`, whose lock is held: a free one, or one evicted for it.
    pub(super) fn take_free(&self, bucket: u32, cpu: u32) -> Option<u32> {
        let pool = cpu % self.pools;
        self.pop(pool).or_else(|| self.evict(bucket, pool))
    }

    /// A slot for the next value of a key of `bucket`, whose lock is held.
    pub(super) fn take_spare(&self, bucket: u32, cpu: u32) -> Option<u32> {
        if self.pools > 1 {
            return self.take_free(bucket, cpu);
        }
        Some(low(self.spare(bucket).load(Ordering::Relaxed)))
    }

    /// Gives back the slot that the one of [`Hash::take_spare`] has replaced.
    pub(super) fn give_spare(&self, bucket: u32, slot: u32) {
        if self.pools > 1 {
            self.give_free(slot);
        } else {
            self.spare(bucket).store(slot.into(), Ordering::Relaxed);
        }
    }

    pub(super) fn give_free(&self, slot: u32) {
        let list = self.list(self.pool_of(slot));
        let mut first = list.load(Ordering::Relaxed);
        loop {
            if let Some(link) = self.link_word(slot) {
                let next = u64::from(low(link.load(Ordering::Relaxed)));
                link.store(u64::from(low(first)) << 32 | next, Ordering::Relaxed);
            }
            let new = (first >> 32).wrapping_add(1) << 32 | u64::from(slot);
            match list.compare_exchange_weak(first, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }

    fn pop(&self, pool: u32) -> Option<u32> {
        let list = self.list(pool);
        let mut first = list.load(Ordering::Acquire);
        while low(first) != NONE {
            let next = self.link_word(low(first))?.load(Ordering::Relaxed) >> 32;
            let new = (first >> 32).wrapping_add(1) << 32 | next;
            match list.compare_exchange_weak(first, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(low(first)),
                Err(now) => first = now,
            }
        }
        None
    }

    /// The pool that a slot is from. Spares are of the first one.
    pub(super) fn pool_of(&self, slot: u32) -> u32 {
        let each = self.entries / self.pools;
        if slot < self.entries { slot / each } else { 0 }
    }

    /// Whether slots may be astray.
    #[inline]
    pub(super) fn is_suspect(&self) -> bool {
        self.state(SUSPECT).load(Ordering::Acquire) != 0
    }

    pub(super) fn suspect(&self) {
        self.state(SUSPECT).store(1, Ordering::Release);
    }

    /// Gets back the slots of processes that died, if there are any.
    pub(super) fn reclaim(&self) -> bool {
        let mut found = false;
        while let Some(_guard) = self.locks.orphan() {
            self.suspect();
            found = true;
        }
        if found {
            self.repair();
        }
        found
    }

    /// Makes the free lists anew, if that is still needed.
    pub(super) fn repair(&self) {
        let _repairer = self.locks.lock(self.stripes as usize);
        if !self.is_suspect() {
            return;
        }
        // No writer waits for a second stripe while it holds one, so this can not deadlock.
        let guards =
            (0..self.stripes as usize).map(|stripe| self.locks.lock(stripe)).collect::<Vec<_>>();
        let mut linked = vec![false; self.slots as usize];
        for slot in self.linked() {
            if let Some(linked) = linked.get_mut(slot as usize) {
                *linked = true;
            }
        }
        self.rebuild(&linked);
        self.state(SUSPECT).store(0, Ordering::Release);
        drop(guards);
    }

    /// Whether every slot is linked, spare or free, and only one of them; repairs first.
    pub(crate) fn is_consistent(&self) -> bool {
        self.reclaim();
        let mut seen = vec![0u32; self.slots as usize];
        let spares = if self.pools == 1 { self.stripes } else { 0 };
        let spares = (0..spares).map(|stripe| low(self.spare(stripe).load(Ordering::Acquire)));
        let free = (0..self.pools).flat_map(|pool| {
            let open = |slot: u32| (slot != NONE).then_some(slot);
            let first = open(low(self.list(pool).load(Ordering::Acquire)));
            std::iter::successors(first, move |&slot| {
                let next = self.link_word(slot)?.load(Ordering::Acquire) >> 32;
                open(low(next))
            })
            .take(self.slots as usize + 1)
        });
        for slot in self.linked().chain(spares).chain(free) {
            match seen.get_mut(slot as usize) {
                Some(seen) => *seen += 1,
                None => return false,
            }
        }
        let used = if self.pools == 1 { self.slots } else { self.entries };
        seen.iter().take(used as usize).all(|&times| times == 1)
    }

    /// All slots that buckets reach.
    fn linked(&self) -> impl Iterator<Item = u32> + '_ {
        (0u32..).take(self.heads.all().len()).flat_map(|bucket| self.bucket_slots(bucket))
    }

    /// Makes free lists and spares of all slots but the `linked` ones.
    fn rebuild(&self, linked: &[bool]) {
        for pool in 0..self.pools {
            self.list(pool).store(NONE.into(), Ordering::Relaxed);
        }
        let mut spares = 0..self.stripes;
        for slot in (0..self.slots).rev() {
            if linked.get(slot as usize).copied().unwrap_or(false) {
                continue;
            }
            match if self.pools == 1 { spares.next() } else { None } {
                Some(stripe) => self.spare(stripe).store(slot.into(), Ordering::Relaxed),
                None if slot < self.entries || self.pools == 1 => self.give_free(slot),
                None => {}
            }
        }
    }

    /// The next slot that eviction looks at.
    pub(super) fn turn_hand(&self) -> u64 {
        self.state(HAND).fetch_add(1, Ordering::Relaxed)
    }

    fn spare(&self, bucket: u32) -> &AtomicU64 {
        self.state(SPARES + self.stripe(bucket))
    }

    fn list(&self, pool: u32) -> &AtomicU64 {
        self.state(SPARES + (self.stripes + pool) as usize)
    }

    fn state(&self, word: usize) -> &AtomicU64 {
        // The table has been made as long as `words` says and never changes its length.
        &self.state.all()[word]
    }
}
