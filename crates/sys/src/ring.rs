//! Reading a BPF ring buffer (`BPF_MAP_TYPE_RINGBUF`).
//!
//! ```text
//! map:      consumer page | producer page | data | data once more
//! record:   length u32 (bit 31 busy, bit 30 discarded) | page offset u32 | bytes, padded to 8
//! ```
//!
//! The data area is mapped twice in a row, so a record never wraps. Positions count bytes since the
//! start and only grow. Source: `kernel/bpf/ringbuf.c`, `linux/bpf.h`.
//!
//! A ring has one reader. A second one on the same map moves the reader's position under the first:
//! records are then lost or repeated, but nothing else breaks.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::bpf::Map;
use crate::pages::Pages;

/// `BPF_MAP_TYPE_RINGBUF`.
const KIND: u32 = 27;
/// `BPF_RINGBUF_BUSY_BIT`, `BPF_RINGBUF_DISCARD_BIT`, `BPF_RINGBUF_HDR_SZ`.
const BUSY: u32 = 1 << 31;
const DISCARDED: u32 = 1 << 30;
const HEADER_BYTES: u64 = 8;

/// A ring buffer open for reading.
#[derive(Debug)]
pub struct RingReader {
    fd: OwnedFd,
    /// The reader's position; ours to write.
    consumer: Pages,
    /// The writers' position in the first page, then the data twice.
    producer: Pages,
    size: u64,
    page: usize,
    record: Vec<u8>,
}

/// Why a ring buffer can not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RingError {
    /// The map is of another type.
    Kind {
        /// The map.
        map: String,
    },
    /// Its memory can not be mapped.
    Map {
        /// The map.
        map: String,
        /// Why.
        errno: Errno,
    },
    /// Waiting failed.
    Wait {
        /// Why.
        errno: Errno,
    },
    /// A record's length or a position is outside the ring.
    Corrupt {
        /// Position of the record.
        position: u64,
    },
}

impl RingReader {
    /// Maps the ring for reading; it goes on where its last reader stopped.
    ///
    /// # Errors
    /// [`RingError::Kind`], [`RingError::Map`].
    pub fn open(map: &Map) -> Result<Self, RingError> {
        let facts = map.facts();
        let failed = |errno| RingError::Map { map: map.name().to_owned(), errno };
        if facts.kind != KIND {
            return Err(RingError::Kind { map: map.name().to_owned() });
        }
        let page = rustix::param::page_size();
        let size = facts.max_entries as usize;
        let data = size.checked_mul(2).and_then(|twice| twice.checked_add(page));
        let data = data.ok_or(failed(Errno::OVERFLOW))?;
        let fd = map
            .as_fd()
            .try_clone_to_owned()
            .map_err(|error| failed(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
        let consumer = Pages::map_writable(fd.as_fd(), page).map_err(failed)?;
        let producer = Pages::map_readable(fd.as_fd(), page, data).map_err(failed)?;
        let size = u64::from(facts.max_entries);
        Ok(Self { fd, consumer, producer, size, page, record: Vec::new() })
    }

    /// Hands the complete records that are there now to `each`, and returns how many.
    ///
    /// Never waits; stops at a record that is still being written. What comes meanwhile is left for
    /// the next call, so that a fast writer can not hold the reader. A record's place is free for
    /// writers when `each` has returned.
    ///
    /// # Errors
    /// [`RingError::Corrupt`], which no kernel writes.
    pub fn drain(&mut self, mut each: impl FnMut(&[u8])) -> Result<usize, RingError> {
        let mut count = 0;
        let mut at = self.consumer.load(0, Ordering::Relaxed);
        // Acquire: what writers wrote before they moved the position is seen after it.
        let end = self.producer.load(0, Ordering::Acquire);
        while at < end {
            let header = self.data_word(at, Ordering::Acquire);
            let length = length_of(header);
            if length & BUSY != 0 {
                return Ok(count);
            }
            let bytes = u64::from(length & !DISCARDED);
            let next = at + HEADER_BYTES + bytes.next_multiple_of(8);
            if !at.is_multiple_of(8) || next > end || next - at > self.size {
                return Err(RingError::Corrupt { position: at });
            }
            if length & DISCARDED == 0 {
                self.copy(at + HEADER_BYTES, bytes);
                each(&self.record);
                count += 1;
            }
            at = next;
            // Release: writers may reuse the place only after it was read.
            self.consumer.store(0, at, Ordering::Release);
        }
        Ok(count)
    }

    /// Waits until there is a record, or for `timeout`; false when none came. A signal ends it too.
    ///
    /// # Errors
    /// [`RingError::Wait`].
    pub fn wait(&self, timeout: Option<Duration>) -> Result<bool, RingError> {
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let mut wanted = [PollFd::new(&self.fd, PollFlags::IN)];
        match poll(&mut wanted, timeout.as_ref()) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::INTR) => Ok(false),
            Err(errno) => Err(RingError::Wait { errno }),
        }
    }

    /// The word at a position of the data area.
    fn data_word(&self, position: u64, order: Ordering) -> u64 {
        let offset = usize::try_from(position % self.size).unwrap_or(0);
        self.producer.load(self.page / 8 + offset / 8, order)
    }

    /// Copies a record out, so that nobody's later write can be seen through it.
    fn copy(&mut self, position: u64, bytes: u64) {
        self.record.clear();
        let mut left = bytes;
        let mut at = position;
        while left > 0 {
            let word = self.data_word(at, Ordering::Relaxed).to_ne_bytes();
            let take = left.min(8);
            self.record.extend(word.iter().take(usize::try_from(take).unwrap_or(8)));
            left -= take;
            at += 8;
        }
    }
}

/// The first four bytes of a record's header.
fn length_of(header: u64) -> u32 {
    let [a, b, c, d, ..] = header.to_ne_bytes();
    u32::from_ne_bytes([a, b, c, d])
}

impl AsFd for RingReader {
    /// Readable, in the sense of `poll`, while there are records.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl fmt::Display for RingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind { map } => write!(f, "map {map} is no ring buffer"),
            Self::Map { map, errno } => write!(f, "cannot map ring buffer {map}: {errno}"),
            Self::Wait { errno } => write!(f, "cannot wait for a ring buffer: {errno}"),
            Self::Corrupt { position } => {
                write!(f, "ring buffer record at position {position} is corrupt")
            }
        }
    }
}

impl std::error::Error for RingError {}
