//! Memory that processes share, and where a map's words come from.
//!
//! A map takes its words from a [`Supply`] in an order that only its specification decides, so every
//! process that attaches to the same memory finds every part at the same place.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::CreateError;
use crate::words::Words;

/// A region of words that several processes have mapped.
#[derive(Clone)]
pub struct SharedMemory(Arc<dyn AsRef<[AtomicU64]> + Send + Sync>);

/// A process as the others that share its memory know it.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// Its number, never 0 and never that of another process, not even of one that ended before.
    pub token: u64,
    /// Whether the process of a token still runs.
    pub is_alive: fn(u64) -> bool,
}

/// Where a map's words come from.
#[derive(Debug)]
pub(crate) struct Supply {
    source: Source,
    process: Process,
    /// Whether the words are zero still, rather than another process's map.
    fresh: bool,
    /// Words given so far.
    given: u64,
}

#[derive(Debug)]
enum Source {
    /// The process's own memory.
    Own,
    /// Shared memory from a word on.
    Shared(SharedMemory, usize),
    /// No memory: only the words that a map would take are counted.
    Counted,
}

impl SharedMemory {
    /// Memory that is mapped for as long as `words` lives.
    pub fn new(words: impl AsRef<[AtomicU64]> + Send + Sync + 'static) -> Self {
        Self(Arc::new(words))
    }

    #[inline]
    pub(crate) fn words(&self) -> &[AtomicU64] {
        (*self.0).as_ref()
    }
}

impl fmt::Debug for SharedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedMemory({} words)", self.words().len())
    }
}

impl Process {
    /// The only process that has the memory: all its threads live as long as it does.
    pub(crate) const ALONE: Self = Self { token: 1, is_alive: |_| true };
}

impl Supply {
    /// The process's own memory.
    pub(crate) fn own() -> Self {
        Self { source: Source::Own, process: Process::ALONE, fresh: true, given: 0 }
    }

    /// Shared memory from word `start` on; `fresh` if it is zero.
    pub(crate) fn shared(
        memory: SharedMemory,
        start: usize,
        process: Process,
        fresh: bool,
    ) -> Self {
        Self { source: Source::Shared(memory, start), process, fresh, given: 0 }
    }

    /// No words, for [`Supply::given`] alone.
    pub(crate) fn counted() -> Self {
        Self { source: Source::Counted, process: Process::ALONE, fresh: false, given: 0 }
    }

    pub(crate) fn process(&self) -> Process {
        self.process
    }

    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// How many words were taken.
    pub(crate) fn given(&self) -> u64 {
        self.given
    }

    /// The next `words` words, zero if the memory is fresh.
    pub(crate) fn words(&mut self, words: u64) -> Result<Words, CreateError> {
        let error = CreateError::Memory { bytes: words.saturating_mul(8) };
        self.given = self.given.saturating_add(words);
        match &mut self.source {
            Source::Own => Words::new(words),
            Source::Counted => Words::new(0),
            Source::Shared(memory, next) => {
                let Ok(len) = usize::try_from(words) else { return Err(error) };
                let start = *next;
                match start.checked_add(len) {
                    Some(end) if end <= memory.words().len() => *next = end,
                    _ => return Err(error),
                }
                Ok(Words::Shared { memory: memory.clone(), start, len })
            }
        }
    }
}
