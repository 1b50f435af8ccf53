//! Maps in memory that processes share.
//!
//! The memory begins with a head: whether a map is there, a digest of what it was made from, and the
//! lock of whoever makes it. The map's words follow. A process that dies while it makes the map leaves
//! the lock to the next, which begins anew. One that dies later leaves at most a lock and some slots,
//! which the others get back: nothing else of a map's state is outside its words.

use std::sync::atomic::Ordering;

use netloom_abi::{MapKind, MapSpec};

use super::{Geometry, Map, Storage};
use crate::lock::Locks;
use crate::share::{Process, SharedMemory, Supply};
use crate::{CreateError, shape};

/// In the first word: a map is there, in the second version of this layout.
const READY: u64 = u64::from_le_bytes(*b"netloom2");
/// Words of the head: mark, digest, and the lock on a cache line of its own.
const HEAD_WORDS: usize = 16;
const DIGEST: usize = 1;
const LOCK: usize = 8;

impl Map {
    /// Words of the memory that [`Map::share`] needs.
    ///
    /// # Errors
    /// As [`Map::share`].
    pub fn shared_words(spec: &MapSpec, geometry: Geometry) -> Result<u64, CreateError> {
        check(spec, geometry)?;
        let mut supply = Supply::counted();
        Self::make(spec, geometry, &mut supply)?;
        Ok(supply.given() + HEAD_WORDS as u64)
    }

    /// The map in `memory`, made there if the memory is still zero. All processes that share it must
    /// give the same specification and number of CPUs; the seed is that of the first one. Frozen is a
    /// map only for the process that froze it.
    ///
    /// # Errors
    /// As [`Map::new`]; `Private` for all but arrays and hash maps, and for values with spin locks, which
    /// name no process; `Foreign` if there is something else in the memory; `Memory` if it is too small.
    pub fn share(
        spec: &MapSpec,
        geometry: Geometry,
        memory: SharedMemory,
        process: Process,
    ) -> Result<Self, CreateError> {
        let needed = Self::shared_words(spec, geometry)?;
        if (memory.words().len() as u64) < needed {
            return Err(CreateError::Memory { bytes: needed * 8 });
        }
        let mut head = Supply::shared(memory.clone(), LOCK, process, false);
        let locks = Locks::new(&mut head, 1)?;
        let guard = locks.lock(0);
        let words = memory.words();
        let (mark, digest) = (&words[0], digest(spec, geometry));
        let fresh = mark.load(Ordering::Acquire) == 0;
        if !fresh
            && (mark.load(Ordering::Acquire), words[DIGEST].load(Ordering::Relaxed))
                != (READY, digest)
        {
            return Err(CreateError::Foreign);
        }
        if fresh && guard.is_orphan() {
            words[HEAD_WORDS..].iter().for_each(|word| word.store(0, Ordering::Relaxed));
        }
        let mut supply = Supply::shared(memory.clone(), HEAD_WORDS, process, fresh);
        let map = Self::make(spec, geometry, &mut supply)?;
        if fresh {
            words[DIGEST].store(digest, Ordering::Relaxed);
            mark.store(READY, Ordering::Release);
        }
        drop(guard);
        Ok(map)
    }

    /// Whether every slot of the map is in its place once: linked, spare or free. For a map in shared
    /// memory, after a process died; gets back what that one had.
    ///
    /// Only while no other thread changes the map is the answer more than a guess.
    pub fn is_consistent(&self) -> bool {
        if let Storage::Hash(hash) = &self.storage { hash.is_consistent() } else { true }
    }
}

fn check(spec: &MapSpec, geometry: Geometry) -> Result<(), CreateError> {
    shape::check(spec, geometry)?;
    let shareable = matches!(
        spec.kind,
        MapKind::Array
            | MapKind::PercpuArray
            | MapKind::Hash
            | MapKind::PercpuHash
            | MapKind::LruHash
            | MapKind::LruPercpuHash
    );
    if shareable && spec.fields.ranges().next().is_none() {
        Ok(())
    } else {
        Err(CreateError::Private { kind: spec.kind })
    }
}

/// A number that maps of different layout hardly have in common.
fn digest(spec: &MapSpec, geometry: Geometry) -> u64 {
    let facts = [
        spec.kind.number(),
        spec.key_size,
        spec.value_size,
        spec.max_entries,
        spec.flags,
        geometry.cpus,
    ];
    facts.into_iter().fold(READY, |digest, fact| {
        (digest ^ u64::from(fact)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    })
}
