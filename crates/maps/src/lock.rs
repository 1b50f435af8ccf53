//! Locks that lie in a map's words, so that processes can share them.
//!
//! A lock's word is 0, or the token of the process that holds it. Whoever waits for a process that
//! ended takes its lock over and learns so from [`Guard::is_orphan`]; the lock's user then repairs what
//! the other may have left half done. Locks stand a cache line apart.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::CreateError;
use crate::share::{Process, Supply};
use crate::words::Words;

/// Words from one lock to the next: a cache line.
const STRIDE: usize = 8;
/// How often a lock is tried before the thread lets others run.
const SPINS: u32 = 64;
/// After how many turns without the lock its holder is looked at.
const TURNS_BEFORE_LOOKING: u32 = 256;

/// A fixed number of locks.
#[derive(Debug)]
pub(crate) struct Locks {
    words: Words,
    process: Process,
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(crate) struct Guard<'a> {
    word: &'a AtomicU64,
    orphan: bool,
}

impl Locks {
    pub(crate) fn new(supply: &mut Supply, locks: u32) -> Result<Self, CreateError> {
        let words = supply.words(u64::from(locks) * STRIDE as u64)?;
        Ok(Self { words, process: supply.process() })
    }

    pub(crate) fn len(&self) -> usize {
        self.words.all().len() / STRIDE
    }

    /// Waits for a lock.
    pub(crate) fn lock(&self, lock: usize) -> Guard<'_> {
        let word = self.word(lock);
        let mut turns = 0u32;
        loop {
            match self.try_word(word) {
                Ok(()) => return Guard { word, orphan: false },
                Err(holder) if turns % TURNS_BEFORE_LOOKING == TURNS_BEFORE_LOOKING - 1 => {
                    if let Some(guard) = self.inherit(word, holder) {
                        return guard;
                    }
                }
                Err(_) => {}
            }
            turns = turns.wrapping_add(1);
            if turns.is_multiple_of(SPINS) {
                std::thread::yield_now()
            } else {
                std::hint::spin_loop()
            }
        }
    }

    /// The lock, unless somebody has it.
    pub(crate) fn try_lock(&self, lock: usize) -> Option<Guard<'_>> {
        let word = self.word(lock);
        self.try_word(word).ok().map(|()| Guard { word, orphan: false })
    }

    /// A lock whose holder ended, taken over.
    pub(crate) fn orphan(&self) -> Option<Guard<'_>> {
        (0..self.len()).find_map(|lock| {
            let word = self.word(lock);
            match word.load(Ordering::Relaxed) {
                0 => None,
                holder => self.inherit(word, holder),
            }
        })
    }

    fn inherit<'a>(&self, word: &'a AtomicU64, holder: u64) -> Option<Guard<'a>> {
        if holder == self.process.token || (self.process.is_alive)(holder) {
            return None;
        }
        let token = self.process.token;
        let taken = word.compare_exchange(holder, token, Ordering::Acquire, Ordering::Relaxed);
        taken.is_ok().then_some(Guard { word, orphan: true })
    }

    #[inline]
    fn try_word(&self, word: &AtomicU64) -> Result<(), u64> {
        let holder = word.load(Ordering::Relaxed);
        if holder != 0 {
            return Err(holder);
        }
        let token = self.process.token;
        word.compare_exchange(0, token, Ordering::Acquire, Ordering::Relaxed).map(drop)
    }

    fn word(&self, lock: usize) -> &AtomicU64 {
        // The table was made with at least one lock, and never changes its length.
        &self.words.all()[lock % self.len() * STRIDE]
    }
}

impl Guard<'_> {
    /// Whether the process that had the lock before ended while it had it.
    pub(crate) fn is_orphan(&self) -> bool {
        self.orphan
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.word.store(0, Ordering::Release);
    }
}
