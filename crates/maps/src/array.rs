//! Arrays: index to value, and index to one value per CPU.
//!
//! Slot of entry `i` on CPU `c`: `c * entries + i`, so CPUs share no value's neighbourhood.

use netloom_abi::MapSpec;

use crate::map::update;
use crate::{CreateError, MapError, Values};

/// An array of `entries` values for each of `cpus` (1 for a plain array).
#[derive(Debug)]
pub(crate) struct Array {
    pub(crate) values: Values,
    entries: u32,
    cpus: u32,
}

impl Array {
    pub(crate) fn new(spec: &MapSpec, cpus: u32) -> Result<Self, CreateError> {
        let entries = spec.max_entries;
        let slots = entries.checked_mul(cpus).ok_or(CreateError::MaxEntries { entries })?;
        let values = Values::new(slots, spec.value_size)?;
        let array = Self { values, entries, cpus };
        for (position, value) in spec.initial.iter().enumerate() {
            let error = CreateError::Initial { index: position };
            let index = u32::try_from(position).ok().filter(|&index| index < entries);
            let (Some(index), true) = (index, value.len() == spec.value_size as usize) else {
                return Err(error);
            };
            for cpu in 0..cpus {
                array.values.write(array.values.address(cpu * entries + index), value);
            }
        }
        Ok(array)
    }

    /// The slot of entry `index` on `cpu`; a plain array has the same on all CPUs.
    #[inline]
    pub(crate) fn slot(&self, index: u32, cpu: u32) -> Option<u32> {
        let cpu = if self.cpus == 1 { 0 } else { cpu };
        (index < self.entries && cpu < self.cpus).then(|| cpu * self.entries + index)
    }

    /// All slots of entry `index`, one per CPU.
    pub(crate) fn slots(&self, index: u32) -> Result<impl Iterator<Item = u32> + '_, MapError> {
        if index >= self.entries {
            return Err(MapError::NotFound);
        }
        Ok((0..self.cpus).map(move |cpu| cpu * self.entries + index))
    }

    /// Checks an update as the kernel does: flags, then index, then whether entries may exist.
    pub(crate) fn check_update(&self, index: u32, flags: u64) -> Result<(), MapError> {
        if flags & !update::LOCK > update::EXIST {
            return Err(MapError::Invalid);
        }
        if index >= self.entries {
            return Err(MapError::Full);
        }
        if flags & update::NOEXIST != 0 {
            return Err(MapError::Exists);
        }
        // No map here has a spin lock in its values.
        if flags & update::LOCK != 0 { Err(MapError::Invalid) } else { Ok(()) }
    }

    pub(crate) fn entries(&self) -> u32 {
        self.entries
    }
}
