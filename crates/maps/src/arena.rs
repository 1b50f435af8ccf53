//! Arenas: sparse memory of whole pages that programs and user space share (`kernel/bpf/arena.c`).
//!
//! A page is made when a program allocates it, or, unless the map says otherwise, when user space
//! touches it. A program that touches a page which is not there reads zero and writes nothing.
//! Allocation gives the lowest pages that are free.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use netloom_abi::MapSpec;

use crate::MapError;
use crate::flags::create;
use crate::limits::PAGE_BYTES;
use crate::operations::Operations;
use crate::words::Words;

/// Words of a page.
const PAGE_WORDS: u64 = PAGE_BYTES as u64 / 8;

/// Pages of memory.
#[derive(Debug)]
pub struct Arena {
    pages: Box<[RwLock<Option<Arc<Words>>>]>,
    /// Allocation is one at a time.
    allocation: Mutex<()>,
    faults_are_errors: bool,
}

impl Arena {
    pub(crate) fn new(spec: &MapSpec) -> Self {
        let pages = (0..spec.max_entries).map(|_| RwLock::default()).collect();
        let faults_are_errors = spec.flags & create::SEGV_ON_FAULT != 0;
        Self { pages, allocation: Mutex::default(), faults_are_errors }
    }

    /// Allocates `count` adjoining pages, at page `at` or the lowest place with room; gives the first.
    ///
    /// # Errors
    /// `Invalid` for no pages or a place outside the arena, `Memory` if they are not free.
    pub fn allocate(&self, at: Option<u32>, count: u32) -> Result<u32, MapError> {
        let _allocation = self.lock();
        let pages = u32::try_from(self.pages.len()).unwrap_or(u32::MAX);
        let last = pages.checked_sub(count).ok_or(MapError::Memory)?;
        if count == 0 || at.is_some_and(|at| at > last) {
            return Err(MapError::Invalid);
        }
        let candidates = at.map_or(0..=last, |at| at..=at);
        let mut free =
            candidates.filter(|&first| (first..first + count).all(|at| !self.is_there(at)));
        let first = free.next().ok_or(MapError::Memory)?;
        (first..first + count).try_for_each(|page| self.make(page))?;
        Ok(first)
    }

    /// Frees pages; those that are not there are none the less free.
    pub fn free(&self, pages: Range<u32>) {
        let _allocation = self.lock();
        for page in pages {
            if let Some(page) = self.pages.get(page as usize) {
                *page.write().unwrap_or_else(PoisonError::into_inner) = None;
            }
        }
    }

    /// The `N` (1, 2, 4 or 8) bytes at byte `at`, as a program loads them; `None` outside the arena.
    pub fn load<const N: usize>(&self, at: u64) -> Option<u64> {
        let (page, inner) = self.split(at, N)?;
        match (self.page(page), inner + N <= PAGE_BYTES as usize) {
            (None, true) => Some(0),
            (Some(words), true) => words.load::<N>(inner),
            (_, false) => {
                let mut bytes = [0; 8];
                for (byte, at) in bytes.iter_mut().take(N).zip(at..) {
                    *byte = self.load::<1>(at)?.to_le_bytes()[0];
                }
                Some(u64::from_le_bytes(bytes))
            }
        }
    }

    /// Puts the low `N` (1, 2, 4 or 8) bytes of `value` at byte `at`, as a program stores them.
    pub fn store<const N: usize>(&self, at: u64, value: u64) -> Option<()> {
        let (page, inner) = self.split(at, N)?;
        if inner + N <= PAGE_BYTES as usize {
            return self.page(page).map_or(Some(()), |words| words.store::<N>(inner, value));
        }
        for (byte, at) in value.to_le_bytes().into_iter().take(N).zip(at..) {
            self.store::<1>(at, byte.into())?;
        }
        Some(())
    }

    /// Copies bytes out as user space reads them, making the pages it touches.
    ///
    /// # Errors
    /// `Fault` outside the arena, and for pages that are not there if the map says so.
    pub fn read(&self, at: u64, out: &mut [u8]) -> Result<(), MapError> {
        for (byte, at) in out.iter_mut().zip(at..) {
            let (words, inner) = self.touch(at)?;
            *byte = words.load::<1>(inner).map_or(0, |value| value.to_le_bytes()[0]);
        }
        Ok(())
    }

    /// Copies bytes in as user space writes them, making the pages it touches.
    ///
    /// # Errors
    /// As [`Arena::read`].
    pub fn write(&self, at: u64, bytes: &[u8]) -> Result<(), MapError> {
        for (byte, at) in bytes.iter().zip(at..) {
            let (words, inner) = self.touch(at)?;
            words.store::<1>(inner, u64::from(*byte));
        }
        Ok(())
    }

    /// The page of user space's byte `at`, and the place in it.
    fn touch(&self, at: u64) -> Result<(Arc<Words>, usize), MapError> {
        let (page, inner) = self.split(at, 1).ok_or(MapError::Fault)?;
        if let Some(words) = self.page(page) {
            return Ok((words, inner));
        }
        if self.faults_are_errors {
            return Err(MapError::Fault);
        }
        let _allocation = self.lock();
        if !self.is_there(page) {
            self.make(page)?;
        }
        self.page(page).map(|words| (words, inner)).ok_or(MapError::Fault)
    }

    /// Page and byte in it, if `bytes` from there on are in the arena.
    fn split(&self, at: u64, bytes: usize) -> Option<(u32, usize)> {
        let size = u64::from(PAGE_BYTES);
        let end = at.checked_add(bytes as u64)?;
        if end > self.pages.len() as u64 * size {
            return None;
        }
        Some((u32::try_from(at / size).ok()?, usize::try_from(at % size).ok()?))
    }

    fn page(&self, page: u32) -> Option<Arc<Words>> {
        let slot = self.pages.get(page as usize)?;
        slot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_there(&self, page: u32) -> bool {
        self.page(page).is_some()
    }

    fn make(&self, page: u32) -> Result<(), MapError> {
        let words = Words::new(PAGE_WORDS).or(Err(MapError::Memory))?;
        let slot = self.pages.get(page as usize).ok_or(MapError::Invalid)?;
        *slot.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(words));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.allocation.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Arenas have no entries (`arena_map_ops`).
impl Operations for Arena {
    fn lookup(&self, _key: &[u8], _flags: u64) -> Result<Vec<u8>, MapError> {
        Err(MapError::Invalid)
    }

    fn update(&self, _key: &[u8], _value: &[u8], _flags: u64) -> Result<(), MapError> {
        Err(MapError::NotImplemented)
    }

    fn delete(&self, _key: &[u8]) -> Result<(), MapError> {
        Err(MapError::NotImplemented)
    }

    fn key_after(&self, _key: Option<&[u8]>) -> Result<Vec<u8>, MapError> {
        Err(MapError::NotImplemented)
    }
}

#[cfg(test)]
mod tests {
    use netloom_abi::{MapKind, MapSpec};

    use super::{Arena, create};
    use crate::MapError;

    fn arena(flags: u32) -> Arena {
        let spec = MapSpec::new("a", MapKind::Arena, 0, 0, 4);
        Arena::new(&MapSpec { flags: flags | create::MMAPABLE, ..spec })
    }

    #[test]
    fn programs_see_only_pages_that_are_there() {
        let arena = arena(0);
        assert_eq!(arena.store::<8>(8, 7), Some(()), "dropped");
        assert_eq!(arena.load::<8>(8), Some(0));
        assert_eq!(arena.allocate(None, 2), Ok(0));
        arena.store::<8>(4092, 0x1122_3344_5566_7788).expect("inside");
        assert_eq!(arena.load::<8>(4092), Some(0x1122_3344_5566_7788), "across two pages");
        assert_eq!(arena.load::<4>(4096), Some(0x1122_3344));
        assert_eq!(arena.load::<8>(4 * 4096 - 4), None, "outside");
        arena.free(0..1);
        assert_eq!(arena.load::<8>(4092), Some(0x1122_3344_0000_0000));
        assert_eq!(arena.allocate(Some(0), 1), Ok(0));
        assert_eq!(arena.load::<4>(4092), Some(0), "a new page is zero");
    }

    #[test]
    fn allocation_finds_the_lowest_gap() {
        let arena = arena(0);
        assert_eq!(arena.allocate(Some(1), 1), Ok(1));
        assert_eq!(arena.allocate(None, 2), Ok(2));
        assert_eq!(arena.allocate(None, 1), Ok(0));
        assert_eq!(arena.allocate(None, 1), Err(MapError::Memory));
        assert_eq!(arena.allocate(Some(4), 1), Err(MapError::Invalid));
        assert_eq!(arena.allocate(None, 0), Err(MapError::Invalid));
    }

    #[test]
    fn user_space_makes_the_pages_it_touches_unless_that_is_an_error() {
        let made = arena(0);
        made.write(4094, b"abcd").expect("inside");
        let mut back = [0; 6];
        made.read(4093, &mut back).expect("inside");
        assert_eq!(&back, b"\0abcd\0");
        assert_eq!(made.load::<1>(4096), Some(u64::from(b'c')), "programs see them too");
        assert_eq!(made.read(4 * 4096, &mut [0]), Err(MapError::Fault));
        let strict = arena(create::SEGV_ON_FAULT);
        assert_eq!(strict.write(0, b"x"), Err(MapError::Fault));
        strict.allocate(None, 1).expect("room");
        assert_eq!(strict.write(0, b"x"), Ok(()));
    }
}
