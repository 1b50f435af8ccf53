//! Arrays: index to value, and index to one value per CPU.
//!
//! Slot of entry `i` on CPU `c`: `c * entries + i`, so CPUs share no value's neighbourhood.

use netloom_abi::{MapKind, MapSpec};

use crate::flags::update;
use crate::operations::{Operations, index, index_after};
use crate::share::Supply;
use crate::{CreateError, Geometry, MapError, Values};

/// An array of `entries` values for each of `cpus` (1 for a plain array).
#[derive(Debug)]
pub(crate) struct Array {
    pub(crate) values: Values,
    entries: u32,
    cpus: u32,
    per_cpu: bool,
}

impl Array {
    pub(crate) fn new(
        spec: &MapSpec,
        geometry: Geometry,
        supply: &mut Supply,
    ) -> Result<Self, CreateError> {
        let entries = spec.max_entries;
        let per_cpu = spec.kind == MapKind::PercpuArray;
        let cpus = if per_cpu { geometry.cpus } else { 1 };
        let slots = entries.checked_mul(cpus).ok_or(CreateError::MaxEntries { entries })?;
        let values = Values::new(supply, slots.into(), spec.value_size, spec.fields)?;
        let array = Self { values, entries, cpus, per_cpu };
        if supply.is_fresh() {
            array.fill(&spec.initial)?;
        }
        Ok(array)
    }

    fn fill(&self, initial: &[Vec<u8>]) -> Result<(), CreateError> {
        for (position, value) in initial.iter().enumerate() {
            let error = CreateError::Initial { index: position };
            let index = u32::try_from(position).ok().filter(|&index| index < self.entries);
            let fits = value.len() == self.values.value_size() as usize;
            let (Some(index), true) = (index, fits) else { return Err(error) };
            self.slots(index).for_each(|slot| self.values.copy_in(slot, value, false));
        }
        Ok(())
    }

    /// The slot of entry `index` on `cpu`; a plain array has the same on all CPUs.
    #[inline]
    pub(crate) fn slot(&self, index: u32, cpu: u32) -> Option<u32> {
        let cpu = if self.per_cpu { cpu } else { 0 };
        (index < self.entries && cpu < self.cpus).then(|| cpu * self.entries + index)
    }

    /// Updates an entry as a program on `cpu` does.
    pub(crate) fn update_on(
        &self,
        cpu: u32,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), MapError> {
        let index = index(key)?;
        self.check_update(index, flags)?;
        let slot = self.slot(index, cpu).ok_or(MapError::Full)?;
        self.values.copy_in(slot, value, flags & update::LOCK != 0);
        Ok(())
    }

    /// All slots of entry `index`, one per CPU.
    fn slots(&self, index: u32) -> impl Iterator<Item = u32> + '_ {
        (0..self.cpus).map(move |cpu| cpu * self.entries + index)
    }

    /// Checks an update as the kernel does: flags, then index, then whether entries may exist.
    fn check_update(&self, index: u32, flags: u64) -> Result<(), MapError> {
        if flags & !update::LOCK > update::EXIST {
            return Err(MapError::Invalid);
        }
        if index >= self.entries {
            return Err(MapError::Full);
        }
        if flags & update::NOEXIST != 0 {
            return Err(MapError::Exists);
        }
        let locked = flags & update::LOCK != 0;
        if locked && !self.values.has_lock() { Err(MapError::Invalid) } else { Ok(()) }
    }
}

impl Operations for Array {
    fn values(&self) -> Option<&Values> {
        Some(&self.values)
    }

    fn lookup(&self, key: &[u8], flags: u64) -> Result<Vec<u8>, MapError> {
        let index = index(key)?;
        let slot = self.slot(index, 0).ok_or(MapError::NotFound)?;
        Ok(if self.per_cpu {
            self.values.join(self.slots(index))
        } else {
            self.values.copy_out(slot, flags & update::LOCK != 0)
        })
    }

    fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        if !self.per_cpu {
            return self.update_on(0, key, value, flags);
        }
        let index = index(key)?;
        if flags > update::EXIST {
            return Err(MapError::Invalid);
        }
        self.check_update(index, flags)?;
        self.values.split(self.slots(index), value);
        Ok(())
    }

    fn delete(&self, _key: &[u8]) -> Result<(), MapError> {
        Err(MapError::Invalid)
    }

    fn key_after(&self, key: Option<&[u8]>) -> Result<Vec<u8>, MapError> {
        index_after(self.entries, key)
    }
}
