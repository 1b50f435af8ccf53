//! Perf event arrays: records from programs to user space, one bounded buffer per index.
//!
//! What `bpf_perf_event_output` and the perf ring buffer do (`kernel/trace/bpf_trace.c`,
//! `kernel/events/ring_buffer.c`): a record that finds no room is lost, and the next one that does
//! is preceded by the number of those lost.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use netloom_abi::MapSpec;

use crate::limits::{MAP_BYTES_MAX, PAGE_BYTES};
use crate::operations::{Operations, index, index_after, reference_index};
use crate::{CreateError, MapError};

/// In the flags of an output: the index (`BPF_F_INDEX_MASK`).
const INDEX: u64 = 0xffff_ffff;
/// The index of the running CPU (`BPF_F_CURRENT_CPU`).
const CURRENT_CPU: u64 = INDEX;
/// `struct perf_event_header`, and the length before the data.
const SAMPLE_HEAD_BYTES: u64 = 8 + 4;
/// `PERF_RECORD_LOST`: header, id, number.
const LOST_BYTES: u64 = 24;
/// A record's length is 16 bits.
const RECORD_BYTES_MAX: u64 = (1 << 16) - 8;

/// What a buffer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PerfRecord {
    /// The bytes a program gave, filled up with zeros to 4 bytes less than a multiple of 8.
    Sample(Vec<u8>),
    /// The number of samples that found no room before the next one.
    Lost(u64),
}

/// Index to buffer.
#[derive(Debug)]
pub struct PerfArray(Box<[Mutex<Option<Buffer>>]>);

#[derive(Debug)]
struct Buffer {
    cpu: u32,
    size: u64,
    used: u64,
    lost: u64,
    records: VecDeque<PerfRecord>,
}

impl PerfArray {
    pub(crate) fn new(spec: &MapSpec) -> Result<Self, CreateError> {
        let bytes = u64::from(spec.max_entries) * size_of::<Mutex<Option<Buffer>>>() as u64;
        if bytes > MAP_BYTES_MAX {
            return Err(CreateError::Memory { bytes });
        }
        Ok(Self((0..spec.max_entries).map(|_| Mutex::new(None)).collect()))
    }

    /// Puts an empty buffer of `pages` pages, a power of two, for the records of `cpu` at `index`.
    ///
    /// # Errors
    /// `Full` for an index outside the array, `Invalid` for a number of pages that is none.
    pub fn open(&self, index: u32, cpu: u32, pages: u32) -> Result<(), MapError> {
        let mut slot = self.slot(index).ok_or(MapError::Full)?;
        if !pages.is_power_of_two() {
            return Err(MapError::Invalid);
        }
        let size = u64::from(pages) * u64::from(PAGE_BYTES);
        *slot = Some(Buffer { cpu, size, used: 0, lost: 0, records: VecDeque::new() });
        Ok(())
    }

    /// Appends a record, as the helper `perf_event_output` on `cpu` does.
    ///
    /// # Errors
    /// `Invalid` for flags that are no index, `Full` for an index outside the array, `NotFound` for an
    /// empty one, `NotImplemented` for another CPU's, `NoSpace`: the record is then counted lost.
    pub fn output(&self, cpu: u32, flags: u64, data: &[u8]) -> Result<(), MapError> {
        if flags & !INDEX != 0 {
            return Err(MapError::Invalid);
        }
        let index = if flags == CURRENT_CPU { u64::from(cpu) } else { flags };
        let index = u32::try_from(index).or(Err(MapError::Full))?;
        let mut slot = self.slot(index).ok_or(MapError::Full)?;
        let buffer = slot.as_mut().ok_or(MapError::NotFound)?;
        if buffer.cpu != cpu { Err(MapError::NotImplemented) } else { buffer.append(data) }
    }

    /// The oldest record at `index` that was not taken yet.
    pub fn take(&self, index: u32) -> Option<PerfRecord> {
        let mut slot = self.slot(index)?;
        let buffer = slot.as_mut()?;
        let record = buffer.records.pop_front()?;
        buffer.used -= match &record {
            PerfRecord::Sample(data) => 8 + 4 + data.len() as u64,
            PerfRecord::Lost(_) => LOST_BYTES,
        };
        Some(record)
    }

    fn entries(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    fn slot(&self, index: u32) -> Option<MutexGuard<'_, Option<Buffer>>> {
        // A buffer is changed in single steps, so it is right after a panic too.
        self.0.get(index as usize).map(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Buffer {
    fn append(&mut self, data: &[u8]) -> Result<(), MapError> {
        let bytes = (SAMPLE_HEAD_BYTES + data.len() as u64).next_multiple_of(8);
        let lost = if self.lost > 0 { LOST_BYTES } else { 0 };
        if bytes > RECORD_BYTES_MAX || self.used + bytes + lost > self.size - 1 {
            self.lost += 1;
            return Err(MapError::NoSpace);
        }
        if self.lost > 0 {
            self.records.push_back(PerfRecord::Lost(std::mem::take(&mut self.lost)));
        }
        let mut sample = data.to_vec();
        sample.resize((data.len() + 4).next_multiple_of(8) - 4, 0);
        self.records.push_back(PerfRecord::Sample(sample));
        self.used += bytes + lost;
        Ok(())
    }
}

impl Operations for PerfArray {
    fn update(&self, key: &[u8], _value: &[u8], flags: u64) -> Result<(), MapError> {
        reference_index(self.entries(), key, flags)?;
        // The kernel takes descriptors of perf events; buffers here are made by `open`.
        Err(MapError::BadReference)
    }

    fn delete(&self, key: &[u8]) -> Result<(), MapError> {
        let mut slot = self.slot(index(key)?).ok_or(MapError::Full)?;
        slot.take().map(drop).ok_or(MapError::NotFound)
    }

    fn key_after(&self, key: Option<&[u8]>) -> Result<Vec<u8>, MapError> {
        index_after(self.entries(), key)
    }
}

#[cfg(test)]
mod tests {
    use netloom_abi::{MapKind, MapSpec};

    use super::{PerfArray, PerfRecord};
    use crate::MapError;

    fn array() -> PerfArray {
        let array = PerfArray::new(&MapSpec::new("e", MapKind::PerfEventArray, 4, 4, 2));
        let array = array.expect("small");
        array.open(0, 0, 1).expect("inside");
        array
    }

    #[test]
    fn a_record_goes_to_the_buffer_of_its_index_and_cpu() {
        let array = array();
        assert_eq!(array.output(0, super::CURRENT_CPU, b"one"), Ok(()));
        assert_eq!(array.output(0, 0, b"12345"), Ok(()));
        assert_eq!(array.take(0), Some(PerfRecord::Sample(b"one\0".to_vec())));
        assert_eq!(array.take(0), Some(PerfRecord::Sample(b"12345\0\0\0\0\0\0\0".to_vec())));
        assert_eq!(array.take(0), None);
        assert_eq!(array.output(1, 0, b""), Err(MapError::NotImplemented));
        assert_eq!(array.output(1, 1, b""), Err(MapError::NotFound));
        assert_eq!(array.output(0, 2, b""), Err(MapError::Full));
        assert_eq!(array.output(0, 1 << 32, b""), Err(MapError::Invalid));
    }

    #[test]
    fn lost_records_are_told_before_the_next_that_fits() {
        let array = array();
        for _ in 0..4 {
            assert_eq!(array.output(0, 0, &[7; 1000]), Ok(()));
        }
        assert_eq!(array.output(0, 0, &[7; 1000]), Err(MapError::NoSpace));
        assert_eq!(array.output(0, 0, &[7; 1000]), Err(MapError::NoSpace));
        assert!(matches!(array.take(0), Some(PerfRecord::Sample(_))));
        assert_eq!(array.output(0, 0, &[8; 900]), Ok(()));
        let rest = std::iter::from_fn(|| array.take(0)).collect::<Vec<_>>();
        assert_eq!(rest.get(3), Some(&PerfRecord::Lost(2)));
        assert!(matches!(rest.get(4), Some(PerfRecord::Sample(data)) if data.len() == 900));
        assert_eq!(rest.len(), 5);
    }
}
