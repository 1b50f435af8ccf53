//! Words in memory that processes share.
//!
//! Whoever may write the file may also truncate it, and a process that touches what is gone is killed by
//! the kernel (`SIGBUS`). So a file belongs where only its owner writes; memory without a name is sealed
//! against it.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::AtomicU64;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;

use crate::pages::Pages;

/// Bytes that a file's length is rounded up to.
const PAGE_BYTES: u64 = 4096;

/// A mapping of shared words, zero where nobody wrote yet.
#[derive(Debug)]
pub struct SharedWords {
    pages: Pages,
    fd: OwnedFd,
}

impl SharedWords {
    /// Memory without a name, of at least `words` words; others get its descriptor.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn unnamed(words: u64) -> Result<Self, Errno> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let fd = rustix::fs::memfd_create("netloom", flags)?;
        rustix::fs::ftruncate(&fd, bytes(words)?)?;
        rustix::fs::fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Self::map(fd)
    }

    /// The file at `path`, made with `words` words and for its owner alone if it is not there.
    ///
    /// # Errors
    /// The kernel's refusal; `EINVAL` if the file has less words.
    pub fn open(path: &Path, words: u64) -> Result<Self, Errno> {
        let errno = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file: File = options.open(path).map_err(errno)?;
        let length = file.metadata().map_err(errno)?.len();
        match length {
            0 => file.set_len(bytes(words)?).map_err(errno)?,
            _ if length < bytes(words)? => return Err(Errno::INVAL),
            _ => {}
        }
        Self::map(file.into())
    }

    /// Memory that another process made, by its descriptor.
    ///
    /// # Errors
    /// The kernel's refusal; `EINVAL` for what is empty.
    pub fn map(fd: OwnedFd) -> Result<Self, Errno> {
        let length = rustix::fs::fstat(&fd)?.st_size;
        let bytes = usize::try_from(length).or(Err(Errno::INVAL))?;
        let pages = Pages::map_writable(fd.as_fd(), bytes - bytes % 8)?;
        Ok(Self { pages, fd })
    }
}

impl AsRef<[AtomicU64]> for SharedWords {
    fn as_ref(&self) -> &[AtomicU64] {
        self.pages.words()
    }
}

impl AsFd for SharedWords {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Whole pages with room for `words` words.
fn bytes(words: u64) -> Result<u64, Errno> {
    let bytes = words.checked_mul(8).and_then(|bytes| bytes.checked_next_multiple_of(PAGE_BYTES));
    bytes.filter(|bytes| *bytes > 0 && i64::try_from(*bytes).is_ok()).ok_or(Errno::INVAL)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::SharedWords;

    #[test]
    fn two_mappings_of_the_same_memory_show_each_others_words() {
        let first = SharedWords::unnamed(600).expect("memory");
        let second = SharedWords::map(first.fd.try_clone().expect("a descriptor")).expect("mapped");
        assert_eq!(second.as_ref().len(), 1024, "whole pages");
        first.as_ref()[599].store(7, Ordering::Release);
        assert_eq!(second.as_ref()[599].load(Ordering::Acquire), 7);
        assert!(SharedWords::unnamed(0).is_err());
    }

    #[test]
    fn memory_without_a_name_keeps_its_length() {
        let words = SharedWords::unnamed(512).expect("memory");
        assert!(rustix::fs::ftruncate(&words.fd, 0).is_err());
        assert_eq!(words.as_ref()[511].load(Ordering::Relaxed), 0);
    }
}
