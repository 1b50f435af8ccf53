//! Ring buffers: records from programs to user space (`kernel/bpf/ringbuf.c`).
//!
//! Layout as in the kernel: a record is an 8-byte header and the data, filled up to 8 bytes; the
//! producer's and the consumer's positions only grow. A record fits if afterwards the producer is less
//! than the ring's size ahead of the consumer, and of the oldest record that is still being written.
//! A record's bytes may wrap around the ring's end; accesses by [`Reservation`] do not show it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::limits::{PAGE_BYTES, RECORD_BYTES_MAX};
use crate::operations::Operations;
use crate::words::Words;
use crate::{CreateError, MapError};

/// Bytes of a record's header (`BPF_RINGBUF_HDR_SZ`): the length of its data.
const HEADER_BYTES: u64 = 8;
/// `BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP`.
pub(crate) const OUTPUT_FLAGS: u64 = NO_WAKEUP | FORCE_WAKEUP;
const NO_WAKEUP: u64 = 1;
const FORCE_WAKEUP: u64 = 2;
/// In a header: the record is still being written (`BPF_RINGBUF_BUSY_BIT`).
const BUSY: u64 = 1 << 31;
/// In a header: nobody is to see the record (`BPF_RINGBUF_DISCARD_BIT`).
const DISCARDED: u64 = 1 << 30;

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
    /// No record before it is still being written.
    pending: u64,
    /// Records that found no room.
    lost: u64,
    /// Times that user space was told of a record.
    wakeups: u64,
}

/// Room for a record, to be submitted or discarded. Dropped without either, it blocks the ring, as a
/// program that the kernel's verifier takes can not do.
#[derive(Debug, PartialEq, Eq)]
pub struct Reservation {
    position: u64,
    bytes: u64,
}

impl Reservation {
    /// Bytes of the record.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
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
        let record = self.reserve(data.len() as u64, 0)?;
        self.write(&record, 0, data)?;
        self.finish(record, flags, false);
        Ok(())
    }

    /// Makes room for a record of `bytes`, as the helper `ringbuf_reserve` does. Its bytes are what an
    /// earlier record left there.
    ///
    /// # Errors
    /// `Invalid` for any flags, `Again` when there is no room; the record is then counted lost.
    pub fn reserve(&self, bytes: u64, flags: u64) -> Result<Reservation, MapError> {
        if flags != 0 {
            return Err(MapError::Invalid);
        }
        let mut at = self.lock();
        while at.pending < at.producer {
            let header = self.header(at.pending);
            if header & BUSY != 0 {
                break;
            }
            at.pending += whole(header & !DISCARDED);
        }
        let oldest = at.pending.min(at.consumer);
        if bytes > RECORD_BYTES_MAX || at.producer + whole(bytes) - oldest > self.size - 1 {
            at.lost += 1;
            return Err(MapError::Again);
        }
        let position = at.producer;
        self.put(position, &(bytes | BUSY).to_le_bytes());
        at.producer += whole(bytes);
        Ok(Reservation { position, bytes })
    }

    /// Copies `bytes` into a record, from its byte `at` on.
    ///
    /// # Errors
    /// `Invalid` outside the record; nothing is then copied.
    pub fn write(&self, record: &Reservation, at: u64, bytes: &[u8]) -> Result<(), MapError> {
        let start = record.place(at, bytes.len())?;
        self.put(start, bytes);
        Ok(())
    }

    /// Copies bytes of a record out, from its byte `at` on.
    ///
    /// # Errors
    /// `Invalid` outside the record.
    pub fn read(&self, record: &Reservation, at: u64, out: &mut [u8]) -> Result<(), MapError> {
        let start = record.place(at, out.len())?;
        self.copy(start, out);
        Ok(())
    }

    /// Lets user space see the record, as `ringbuf_submit` does. The kernel ignores unknown flags.
    pub fn submit(&self, record: Reservation, flags: u64) {
        self.finish(record, flags, false);
    }

    /// Gives the record up, as `ringbuf_discard` does.
    pub fn discard(&self, record: Reservation, flags: u64) {
        self.finish(record, flags, true);
    }

    #[expect(clippy::needless_pass_by_value, reason = "a record is finished once")]
    pub(crate) fn finish(&self, record: Reservation, flags: u64, discard: bool) {
        let header = record.bytes | if discard { DISCARDED } else { 0 };
        let mut at = self.lock();
        self.put(record.position, &header.to_le_bytes());
        // User space that has read all there was sleeps, and only then has to be told.
        let waits = at.consumer & (self.size - 1) == record.position & (self.size - 1);
        if flags & FORCE_WAKEUP != 0 || waits && flags & NO_WAKEUP == 0 {
            at.wakeups += 1;
        }
    }

    /// What the helper `ringbuf_query` answers: bytes that wait, size, consumer's position, producer's
    /// position; 0 for other questions.
    pub fn query(&self, question: u64) -> u64 {
        let at = self.lock();
        match question {
            0 => at.producer - at.consumer,
            1 => self.size,
            2 => at.consumer,
            3 => at.producer,
            _ => 0,
        }
    }

    /// The oldest record that was not taken yet, unless it is still being written.
    pub fn take(&self) -> Option<Vec<u8>> {
        let mut at = self.lock();
        while at.consumer < at.producer {
            let header = self.header(at.consumer);
            if header & BUSY != 0 {
                return None;
            }
            let length = header & !DISCARDED;
            let start = at.consumer + HEADER_BYTES;
            at.consumer += whole(length);
            if header & DISCARDED == 0 {
                let mut data = vec![0; usize::try_from(length).ok()?];
                self.copy(start, &mut data);
                return Some(data);
            }
        }
        None
    }

    /// Bytes of the ring.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How often user space was told that there are records, since the ring was made.
    pub fn wakeups(&self) -> u64 {
        self.lock().wakeups
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

    /// Length and marks of the record at `position`.
    fn header(&self, position: u64) -> u64 {
        let mut header = [0; 8];
        self.copy(position, &mut header);
        u64::from_le_bytes(header)
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

impl Reservation {
    /// The position of the record's byte `at`, of which `bytes` follow in the record.
    fn place(&self, at: u64, bytes: usize) -> Result<u64, MapError> {
        let end = at.checked_add(bytes as u64).ok_or(MapError::Invalid)?;
        if end > self.bytes {
            Err(MapError::Invalid)
        } else {
            Ok(self.position + HEADER_BYTES + at)
        }
    }
}

/// Bytes of a record, with its header.
fn whole(bytes: u64) -> u64 {
    (HEADER_BYTES + bytes).next_multiple_of(8)
}

impl Operations for RingBuf {}

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

    #[test]
    fn a_record_being_written_hides_those_behind_it_and_holds_their_room() {
        let ring = RingBuf::new(4096).expect("a page");
        let first = ring.reserve(8, 0).expect("room");
        ring.output(&[2; 2000], 0).expect("room");
        assert_eq!((ring.take(), ring.query(0)), (None, 16 + 2008));
        assert_eq!(ring.reserve(2064, 0), Err(MapError::Again));
        ring.write(&first, 4, &[1; 4]).expect("inside");
        assert_eq!(ring.write(&first, 5, &[1; 4]), Err(MapError::Invalid));
        ring.submit(first, 0);
        assert_eq!(ring.take(), Some(vec![0, 0, 0, 0, 1, 1, 1, 1]));
        assert_eq!(ring.take(), Some(vec![2; 2000]));
        let wrapped = ring.reserve(3000, 0).expect("room");
        ring.write(&wrapped, 0, &[3; 3000]).expect("inside");
        let mut back = [0; 3000];
        ring.read(&wrapped, 0, &mut back).expect("inside");
        assert_eq!(back, [3; 3000]);
        ring.discard(wrapped, 0);
        assert_eq!((ring.take(), ring.query(0)), (None, 0), "discarded records are skipped");
        assert_eq!([1, 2, 3, 4].map(|what| ring.query(what)), [4096, 5032, 5032, 0]);
    }

    #[test]
    fn user_space_is_told_when_it_waits_or_by_flag() {
        let ring = RingBuf::new(4096).expect("a page");
        let told = |flags: u64| {
            ring.output(b"x", flags).expect("room");
            ring.wakeups()
        };
        assert_eq!([told(0), told(0), told(2), told(1)], [1, 1, 2, 2]);
        while ring.take().is_some() {}
        assert_eq!([told(1), told(0)], [2, 2], "the consumer is no longer at the newest record");
        while ring.take().is_some() {}
        assert_eq!(told(0), 3);
    }
}
