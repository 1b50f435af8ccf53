//! Memory shared with the kernel or other processes, as words.
//!
//! Invariants: `start` is the result of a successful `mmap` of `words * 8` bytes that only `Drop`
//! unmaps, so it is page-aligned and valid while a [`Pages`] exists. All accesses are atomic, so other
//! writers (the kernel, other processes) cause no data race; only a mapping made writable is stored
//! to.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;

/// A shared mapping.
#[derive(Debug)]
pub(crate) struct Pages {
    start: NonNull<AtomicU64>,
    words: usize,
    writable: bool,
}

// SAFETY: a mapping belongs to the process, not to a thread, and all access is atomic.
unsafe impl Send for Pages {}
// SAFETY: as above.
unsafe impl Sync for Pages {}

impl Pages {
    /// Maps the first `bytes` of `fd` for reading and writing.
    pub(crate) fn map_writable(fd: BorrowedFd<'_>, bytes: usize) -> Result<Self, Errno> {
        Self::map(fd, 0, bytes, true)
    }

    /// Maps `bytes` of `fd` from `offset` on for reading.
    pub(crate) fn map_readable(
        fd: BorrowedFd<'_>,
        offset: usize,
        bytes: usize,
    ) -> Result<Self, Errno> {
        Self::map(fd, offset, bytes, false)
    }

    fn map(fd: BorrowedFd<'_>, offset: usize, bytes: usize, writable: bool) -> Result<Self, Errno> {
        let access = if writable { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_READ };
        let offset = libc::off_t::try_from(offset).or(Err(Errno::OVERFLOW))?;
        // SAFETY: without an address hint a new mapping overlaps no memory in use.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                access,
                libc::MAP_SHARED,
                fd.as_raw_fd(),
                offset,
            )
        };
        let failed = || Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO);
        if start == libc::MAP_FAILED {
            return Err(failed());
        }
        let start = NonNull::new(start.cast()).ok_or(Errno::FAULT)?;
        Ok(Self { start, words: bytes / 8, writable })
    }

    /// The word at this index.
    ///
    /// # Panics
    /// When it is beyond the mapping.
    pub(crate) fn load(&self, index: usize, order: Ordering) -> u64 {
        self.word(index).load(order)
    }

    /// Writes the word at this index.
    ///
    /// # Panics
    /// When it is beyond the mapping, or that is not writable.
    pub(crate) fn store(&self, index: usize, value: u64, order: Ordering) {
        assert!(self.writable, "the mapping is writable");
        self.word(index).store(value, order);
    }

    /// All words of a writable mapping.
    ///
    /// # Panics
    /// When it is not writable.
    pub(crate) fn words(&self) -> &[AtomicU64] {
        assert!(self.writable, "the mapping is writable");
        // SAFETY: the mapping is page-aligned, of this many words, initialised by the kernel, and lives
        // as long as `self`; it is only ever reached by atomic accesses.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.words) }
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.words, "word {index} of {} mapped", self.words);
        // SAFETY: the index has just been found inside the mapping, which lives as long as `self`.
        unsafe { self.start.add(index).as_ref() }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and no reference from `word` outlives `self`. Unmapping what
        // was mapped with the same length does not fail.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.words * 8) };
    }
}
