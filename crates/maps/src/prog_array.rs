//! Program arrays: index to a program of the same object, for tail calls.

use std::sync::atomic::{AtomicU32, Ordering};

use netloom_abi::MapSpec;

use crate::limits::MAP_BYTES_MAX;
use crate::operations::{Operations, index, index_after, reference_index};
use crate::{CreateError, MapError};

/// What an empty slot holds.
const NONE: u32 = u32::MAX;

/// An array of program indices.
///
/// In `MapSpec::initial`, an entry is either empty or a program's index as 4 little-endian bytes.
#[derive(Debug)]
pub struct ProgArray(Box<[AtomicU32]>);

impl ProgArray {
    pub(crate) fn new(spec: &MapSpec) -> Result<Self, CreateError> {
        let bytes = u64::from(spec.max_entries) * 4;
        if bytes > MAP_BYTES_MAX {
            return Err(CreateError::Memory { bytes });
        }
        let array = Self((0..spec.max_entries).map(|_| AtomicU32::new(NONE)).collect());
        for (index, value) in spec.initial.iter().enumerate() {
            let error = CreateError::Initial { index };
            let Some(slot) = array.0.get(index) else { return Err(error) };
            match value.first_chunk::<4>() {
                Some(bytes) if value.len() == 4 => {
                    slot.store(u32::from_le_bytes(*bytes), Ordering::Relaxed);
                }
                None if value.is_empty() => {}
                _ => return Err(error),
            }
        }
        Ok(array)
    }

    /// The program at `index`, if there is one.
    pub fn program(&self, index: u32) -> Option<u32> {
        let program = self.0.get(index as usize)?.load(Ordering::Acquire);
        (program != NONE).then_some(program)
    }

    /// Puts `program` at `index`.
    ///
    /// # Errors
    /// `Full` for an index outside the array, `BadReference` for the number of no program.
    pub fn set(&self, index: u32, program: u32) -> Result<(), MapError> {
        let slot = self.0.get(index as usize).ok_or(MapError::Full)?;
        if program == NONE {
            return Err(MapError::BadReference);
        }
        slot.store(program, Ordering::Release);
        Ok(())
    }

    /// Empties `index`.
    ///
    /// # Errors
    /// `Full` for an index outside the array, `NotFound` for an empty one.
    pub fn clear(&self, index: u32) -> Result<(), MapError> {
        let slot = self.0.get(index as usize).ok_or(MapError::Full)?;
        match slot.swap(NONE, Ordering::AcqRel) {
            NONE => Err(MapError::NotFound),
            _ => Ok(()),
        }
    }

    fn entries(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }
}

impl Operations for ProgArray {
    fn lookup(&self, key: &[u8], _flags: u64) -> Result<Vec<u8>, MapError> {
        let program = self.program(index(key)?).ok_or(MapError::NotFound)?;
        Ok(program.to_le_bytes().to_vec())
    }

    fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        let index = reference_index(self.entries(), key, flags)?;
        let program = value.try_into().map(u32::from_le_bytes).or(Err(MapError::ValueSize))?;
        self.set(index, program)
    }

    fn delete(&self, key: &[u8]) -> Result<(), MapError> {
        self.clear(index(key)?)
    }

    fn key_after(&self, key: Option<&[u8]>) -> Result<Vec<u8>, MapError> {
        index_after(self.entries(), key)
    }
}
