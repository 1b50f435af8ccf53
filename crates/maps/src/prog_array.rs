//! Program arrays: index to a program of the same object, for tail calls.

use std::sync::atomic::{AtomicU32, Ordering};

use netloom_abi::MapSpec;

use crate::limits::MAP_BYTES_MAX;
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
    /// `Full` for an index outside the array, `NotAProgram` for the number of no program.
    pub fn set(&self, index: u32, program: u32) -> Result<(), MapError> {
        let slot = self.0.get(index as usize).ok_or(MapError::Full)?;
        if program == NONE {
            return Err(MapError::NotAProgram);
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

    pub(crate) fn entries(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }
}
