//! Ring buffers: records from programs to user space.
//!
//! Layout as in the kernel: a record is an 8-byte header and the data, filled up to 8 bytes; the
//! producer's and the consumer's positions only grow; a record fits if afterwards the producer is
//! less than the ring's size ahead of the consumer.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::limits::{PAGE_BYTES, RECORD_BYTES_MAX};
use crate::words::Words;
use crate::{CreateError, MapError};

/// Bytes of a record's header (`BPF_RINGBUF_HDR_SZ`): the length of its data.
const HEADER_BYTES: u64 = 8;
/// `BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP`.
const OUTPUT_FLAGS: u64 = 3;

/// A ring of records.
#[derive(Debug)]
pub struct RingBuf {
    words: Words,
    /// A power of two.
    size: u64,
    positions: Mutex<Positions>,
}

#[derive(Debug, Default)]
struct Positions {
    producer: u64,
    consumer: u64,
    /// Records that found no room.
    lost: u64,
}

impl RingBuf {
    pub(crate) fn new(bytes: u32) -> Result<Self, CreateError> {
        if !bytes.is_power_of_two() || bytes < PAGE_BYTES {
            return Err(CreateError::MaxEntries { entries: bytes });
        }
        let words = Words::new(u64::from(bytes / 8))?;
        Ok(Self { words, size: u64::from(bytes), positions: Mutex::default() })
    }

    /// Appends a record, as the helper `ringbuf_output` does.
    ///
    /// # Errors
    /// `Invalid` for unknown flags, `Again` when there is no room; the record is then counted lost.
    pub fn output(&self, data: &[u8], flags: u64) -> Result<(), MapError> {
        if flags & !OUTPUT_FLAGS != 0 {
            return Err(MapError::Invalid);
        }
        let length = data.len() as u64;
        let whole = (HEADER_BYTES + length).next_multiple_of(8);
        let mut at = self.lock();
        if length > RECORD_BYTES_MAX || at.producer + whole - at.consumer > self.size - 1 {
            at.lost += 1;
            return Err(MapError::Again);
        }
        self.put(at.producer, &length.to_le_bytes());
        self.put(at.producer + HEADER_BYTES, data);
        at.producer += whole;
        Ok(())
    }

    /// The oldest record that was not taken yet.
    pub fn take(&self) -> Option<Vec<u8>> {
        let mut at = self.lock();
        if at.consumer == at.producer {
            return None;
        }
        let mut header = [0; 8];
        self.copy(at.consumer, &mut header);
        let length = u64::from_le_bytes(header);
        let mut data = vec![0; usize::try_from(length).ok()?];
        self.copy(at.consumer + HEADER_BYTES, &mut data);
        at.consumer += (HEADER_BYTES + length).next_multiple_of(8);
        Some(data)
    }

    /// Records that found no room since the ring was made.
    pub fn lost(&self) -> u64 {
        self.lock().lost
    }

    /// Bytes of records, headers included, that wait to be taken.
    pub fn waiting_bytes(&self) -> u64 {
        let at = self.lock();
        at.producer - at.consumer
    }

    fn lock(&self) -> MutexGuard<'_, Positions> {
        // Positions are changed in single steps, after the bytes: they are right after a panic too.
        self.positions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, position: u64, bytes: &[u8]) {
        let (at, first) = self.split(position, bytes.len());
        let (near, wrapped) = bytes.split_at(first);
        let written = self.words.write(at, near).and(self.words.write(0, wrapped));
        debug_assert!(written.is_some(), "a record is shorter than the ring");
    }

    fn copy(&self, position: u64, out: &mut [u8]) {
        let (at, first) = self.split(position, out.len());
        let (near, wrapped) = out.split_at_mut(first);
        let read = self.words.read(at, near).and(self.words.read(0, wrapped));
        debug_assert!(read.is_some(), "a record is shorter than the ring");
    }

    /// Where `position` is in the ring, and how many of `bytes` lie before the ring's end.
    fn split(&self, position: u64, bytes: usize) -> (usize, usize) {
        let at = position & (self.size - 1);
        let room = usize::try_from(self.size - at).unwrap_or(usize::MAX);
        (usize::try_from(at).unwrap_or(usize::MAX), bytes.min(room))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::RingBuf;
    use crate::MapError;

    #[test]
    fn records_come_out_in_order_and_room_is_counted_as_the_kernel_does() {
        arbtest::arbtest(|u| {
            let ring = RingBuf::new(4096).expect("a page");
            let mut model: VecDeque<Vec<u8>> = VecDeque::new();
            let (mut used, mut lost) = (0, 0);
            for turn in 0..u.int_in_range(1..=80u8)? {
                if u.ratio(2, 3)? {
                    let length = u.int_in_range(0..=1400usize)?;
                    let record = vec![turn; length];
                    let whole = (length + 8).next_multiple_of(8);
                    if used + whole > 4095 {
                        lost += 1;
                        assert_eq!(ring.output(&record, 0), Err(MapError::Again));
                    } else {
                        used += whole;
                        assert_eq!(ring.output(&record, 0), Ok(()));
                        model.push_back(record);
                    }
                } else {
                    let expected = model.pop_front();
                    used -= expected.as_ref().map_or(0, |r| (r.len() + 8).next_multiple_of(8));
                    assert_eq!(ring.take(), expected);
                }
                assert_eq!((ring.waiting_bytes(), ring.lost()), (used as u64, lost));
            }
            Ok(())
        });
    }

    #[test]
    fn a_record_as_large_as_the_ring_never_fits() {
        let ring = RingBuf::new(4096).expect("a page");
        assert_eq!(ring.output(&[0; 4088], 0), Err(MapError::Again));
        assert_eq!(ring.output(&[0; 4080], 0), Ok(()));
    }

    #[test]
    fn unknown_flags_are_invalid_and_lose_nothing() {
        let ring = RingBuf::new(4096).expect("a page");
        assert_eq!(ring.output(b"x", 4), Err(MapError::Invalid));
        assert_eq!(ring.output(b"x", 3), Ok(()));
        assert_eq!(ring.lost(), 0);
    }

    #[test]
    fn sizes_are_powers_of_two_of_whole_pages() {
        for bytes in [0, 1, 2048, 4097, 12288] {
            assert!(RingBuf::new(bytes).is_err(), "{bytes}");
        }
        assert!(RingBuf::new(8192).is_ok());
    }
}
