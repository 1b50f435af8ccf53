//! User ring buffers: records from user space to programs (`bpf_user_ringbuf_drain`).

use std::sync::atomic::{AtomicBool, Ordering};

use crate::operations::Operations;
use crate::ring::{OUTPUT_FLAGS, Reservation, RingBuf};
use crate::{CreateError, MapError};

/// Most records of one drain (`BPF_MAX_USER_RINGBUF_SAMPLES`).
const SAMPLES_MAX: u32 = 128 * 1024;

/// A ring of records that user space fills.
#[derive(Debug)]
pub struct UserRing {
    ring: RingBuf,
    /// Whether a program drains; only one may.
    busy: AtomicBool,
}

/// A program's turn at the ring, until it is dropped.
#[derive(Debug)]
pub struct Drain<'a> {
    ring: &'a UserRing,
    left: u32,
}

impl UserRing {
    pub(crate) fn new(bytes: u32) -> Result<Self, CreateError> {
        Ok(Self { ring: RingBuf::new(bytes)?, busy: AtomicBool::new(false) })
    }

    /// Makes room for a record of `bytes`.
    ///
    /// # Errors
    /// `Full` if the ring is too small for it, `NoSpace` if there is no room now.
    pub fn reserve(&self, bytes: u32) -> Result<Reservation, MapError> {
        if u64::from(bytes).next_multiple_of(8) + 8 > self.ring.size() {
            return Err(MapError::Full);
        }
        self.ring.reserve(bytes.into(), 0).or(Err(MapError::NoSpace))
    }

    /// Copies `bytes` into a record.
    ///
    /// # Errors
    /// `Invalid` outside it.
    pub fn write(&self, record: &Reservation, at: u64, bytes: &[u8]) -> Result<(), MapError> {
        self.ring.write(record, at, bytes)
    }

    /// Lets programs see the record.
    pub fn submit(&self, record: Reservation) {
        self.ring.finish(record, 0, false);
    }

    /// Gives the record up.
    pub fn discard(&self, record: Reservation) {
        self.ring.finish(record, 0, true);
    }

    /// Begins what the helper `user_ringbuf_drain` does.
    ///
    /// # Errors
    /// `Invalid` for unknown flags, `Busy` while another program drains.
    pub fn drain(&self, flags: u64) -> Result<Drain<'_>, MapError> {
        if flags & !OUTPUT_FLAGS != 0 {
            return Err(MapError::Invalid);
        }
        if self.busy.swap(true, Ordering::Acquire) {
            return Err(MapError::Busy);
        }
        Ok(Drain { ring: self, left: SAMPLES_MAX })
    }

    /// Bytes of records, headers included, that wait for programs.
    pub fn waiting_bytes(&self) -> u64 {
        self.ring.waiting_bytes()
    }
}

/// The records in their order, up to the first one that is still being written.
impl Iterator for Drain<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        self.left = self.left.checked_sub(1)?;
        self.ring.ring.take()
    }
}

impl Drop for Drain<'_> {
    fn drop(&mut self) {
        self.ring.busy.store(false, Ordering::Release);
    }
}

impl Operations for UserRing {}

#[cfg(test)]
mod tests {
    use super::UserRing;
    use crate::MapError;

    #[test]
    fn records_reach_programs_in_order_and_not_before_they_are_submitted() {
        let ring = UserRing::new(4096).expect("a page");
        let [first, second, third] = [3, 5, 0].map(|bytes| ring.reserve(bytes).expect("room"));
        ring.write(&second, 0, b"later").expect("inside");
        assert_eq!(ring.write(&second, 1, b"later"), Err(MapError::Invalid));
        ring.submit(second);
        assert_eq!(ring.drain(0).expect("free").count(), 0, "the first is not there yet");
        ring.discard(first);
        ring.submit(third);
        let all = ring.drain(0).expect("free").collect::<Vec<_>>();
        assert_eq!(all, [b"later".to_vec(), vec![]]);
        assert_eq!(ring.waiting_bytes(), 0);
    }

    #[test]
    fn one_program_drains_at_a_time() {
        let ring = UserRing::new(4096).expect("a page");
        let first = ring.drain(0).expect("free");
        assert_eq!(ring.drain(0).err(), Some(MapError::Busy));
        drop(first);
        assert!(ring.drain(3).is_ok());
        assert_eq!(ring.drain(4).err(), Some(MapError::Invalid));
        assert_eq!(ring.reserve(4096).err(), Some(MapError::Full));
        let _most = ring.reserve(4080).expect("room");
        assert_eq!(ring.reserve(0).err(), Some(MapError::NoSpace));
    }
}
