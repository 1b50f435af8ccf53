//! One map of any kind.

use netloom_abi::{MapKind, MapSpec};

use crate::array::Array;
use crate::hash::Hash;
use crate::limits::{CPUS_MAX, PERCPU_VALUE_BYTES_MAX};
use crate::{CreateError, MapError, ProgArray, RingBuf, Values};

/// Flags of an update (`linux/bpf.h`: `BPF_ANY` and following).
pub mod update {
    /// Make the entry or replace it.
    pub const ANY: u64 = 0;
    /// Make the entry; it must not exist.
    pub const NOEXIST: u64 = 1;
    /// Replace the entry; it must exist.
    pub const EXIST: u64 = 2;
    /// Take the value's spin lock; invalid here, as no value has one.
    pub const LOCK: u64 = 4;
}

/// Flags of creation (`linux/bpf.h`: `BPF_F_*`) that mean something here, or nothing but are valid.
mod create {
    pub(super) const NO_PREALLOC: u32 = 1;
    pub(super) const NUMA_NODE: u32 = 1 << 2;
    pub(super) const RDONLY: u32 = 1 << 3;
    pub(super) const WRONLY: u32 = 1 << 4;
    pub(super) const ZERO_SEED: u32 = 1 << 6;
    pub(super) const RDONLY_PROG: u32 = 1 << 7;
    pub(super) const WRONLY_PROG: u32 = 1 << 8;
    pub(super) const MMAPABLE: u32 = 1 << 10;
    pub(super) const ACCESS: u32 = RDONLY | WRONLY | RDONLY_PROG | WRONLY_PROG;
}

/// What a map takes from the machine it is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// CPU slots of maps per CPU, at least 1.
    pub cpus: u32,
    /// Seed of the hash function. Whoever lets strangers choose keys draws it at random.
    pub hash_seed: u64,
}

/// A map, usable from any number of threads.
#[derive(Debug)]
pub struct Map {
    spec: MapSpec,
    storage: Storage,
}

#[derive(Debug)]
enum Storage {
    Array(Array),
    Hash(Hash),
    ProgArray(ProgArray),
    RingBuf(RingBuf),
}

impl Map {
    /// A map with the specification's initial values.
    ///
    /// # Errors
    /// As `BPF_MAP_CREATE`, and when initial values do not fit.
    #[expect(clippy::wildcard_enum_match_arm, reason = "what has no storage here is refused alike")]
    pub fn new(spec: &MapSpec, geometry: Geometry) -> Result<Self, CreateError> {
        check(spec, geometry)?;
        let storage = match spec.kind {
            MapKind::Array => Storage::Array(Array::new(spec, 1)?),
            MapKind::PercpuArray => Storage::Array(Array::new(spec, geometry.cpus)?),
            MapKind::Hash => Storage::Hash(Hash::new(spec, geometry.hash_seed)?),
            MapKind::ProgArray => Storage::ProgArray(ProgArray::new(spec)?),
            MapKind::RingBuf => Storage::RingBuf(RingBuf::new(spec.max_entries)?),
            kind => return Err(CreateError::Kind { kind }),
        };
        Ok(Self { spec: spec.clone(), storage })
    }

    /// What the map was made from.
    pub fn spec(&self) -> &MapSpec {
        &self.spec
    }

    /// Whether programs may not change the map (`BPF_F_RDONLY_PROG`).
    pub fn is_read_only_to_programs(&self) -> bool {
        self.spec.flags & create::RDONLY_PROG != 0
    }

    /// The values by address; `None` for program arrays and ring buffers.
    #[inline]
    pub fn values(&self) -> Option<&Values> {
        match &self.storage {
            Storage::Array(array) => Some(&array.values),
            Storage::Hash(hash) => Some(&hash.values),
            Storage::ProgArray(_) | Storage::RingBuf(_) => None,
        }
    }

    /// The programs of a program array.
    pub fn programs(&self) -> Option<&ProgArray> {
        match &self.storage {
            Storage::ProgArray(programs) => Some(programs),
            Storage::Array(_) | Storage::Hash(_) | Storage::RingBuf(_) => None,
        }
    }

    /// The records of a ring buffer.
    pub fn ring(&self) -> Option<&RingBuf> {
        match &self.storage {
            Storage::RingBuf(ring) => Some(ring),
            Storage::Array(_) | Storage::Hash(_) | Storage::ProgArray(_) => None,
        }
    }

    /// The address in [`Map::values`] of the value that a program on `cpu` sees for `key`.
    ///
    /// # Errors
    /// `NotFound`, also for an index or CPU outside the map; `KeySize`; `Unsupported`.
    pub fn value_address(&self, key: &[u8], cpu: u32) -> Result<u64, MapError> {
        match &self.storage {
            Storage::Array(array) => {
                let slot = array.slot(index(key)?, cpu).ok_or(MapError::NotFound)?;
                Ok(array.values.address(slot))
            }
            Storage::Hash(hash) => {
                self.check_key(key)?;
                let slot = hash.find(key).ok_or(MapError::NotFound)?;
                Ok(hash.values.address(slot))
            }
            Storage::ProgArray(_) | Storage::RingBuf(_) => Err(MapError::Unsupported),
        }
    }

    /// Updates an entry as a program on `cpu` does.
    ///
    /// # Errors
    /// As the kernel's map type; see [`update`] for `flags`.
    pub fn update_on(
        &self,
        cpu: u32,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), MapError> {
        match &self.storage {
            Storage::Array(array) => {
                let index = index(key)?;
                self.check_value(value)?;
                array.check_update(index, flags)?;
                let slot = array.slot(index, cpu).ok_or(MapError::Full)?;
                array.values.write(array.values.address(slot), value).ok_or(MapError::Invalid)
            }
            Storage::Hash(hash) => {
                self.check_key(key)?;
                self.check_value(value)?;
                hash.update(key, value, flags)
            }
            Storage::ProgArray(_) | Storage::RingBuf(_) => Err(MapError::Unsupported),
        }
    }

    /// A copy of the value at `key`.
    ///
    /// # Errors
    /// `NotFound`, `KeySize`; `Invalid` for a map per CPU, see [`Map::lookup_percpu`].
    pub fn lookup(&self, key: &[u8]) -> Result<Vec<u8>, MapError> {
        match &self.storage {
            Storage::Array(_) if self.spec.kind == MapKind::PercpuArray => Err(MapError::Invalid),
            Storage::Array(_) | Storage::Hash(_) => {
                let address = self.value_address(key, 0)?;
                let mut value = vec![0; self.spec.value_size as usize];
                let read = self.values().and_then(|values| values.read(address, &mut value));
                read.map(|()| value).ok_or(MapError::NotFound)
            }
            Storage::ProgArray(programs) => {
                let program = programs.program(index(key)?).ok_or(MapError::NotFound)?;
                Ok(program.to_le_bytes().to_vec())
            }
            Storage::RingBuf(_) => Err(MapError::Unsupported),
        }
    }

    /// A copy of the value at `key` of each CPU, in order.
    ///
    /// # Errors
    /// `NotFound`, `KeySize`; `Invalid` for a map that is not per CPU.
    pub fn lookup_percpu(&self, key: &[u8]) -> Result<Vec<Vec<u8>>, MapError> {
        let array = self.percpu()?;
        Ok(array.slots(index(key)?)?.map(|slot| array.values.copy_out(slot)).collect())
    }

    /// Updates an entry as user space does; in a map per CPU, on all CPUs. The value of a program
    /// array's entry is the program's index as 4 little-endian bytes.
    ///
    /// # Errors
    /// As the kernel's map type; see [`update`] for `flags`.
    pub fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        match &self.storage {
            Storage::Array(array) if self.spec.kind == MapKind::PercpuArray => {
                let values = array.slots(0)?.map(|_| value).collect::<Vec<_>>();
                self.update_percpu(key, &values, flags)
            }
            Storage::Array(_) | Storage::Hash(_) => self.update_on(0, key, value, flags),
            Storage::ProgArray(programs) => {
                let index = index(key)?;
                let Ok(program) = <[u8; 4]>::try_from(value) else {
                    return Err(MapError::ValueSize);
                };
                if flags != update::ANY {
                    return Err(MapError::Invalid);
                }
                programs.set(index, u32::from_le_bytes(program))
            }
            Storage::RingBuf(_) => Err(MapError::Unsupported),
        }
    }

    /// Updates an entry with one value for each CPU, in order.
    ///
    /// # Errors
    /// As the kernel's map type; `ValueSize` unless there is one value of the right size per CPU.
    pub fn update_percpu(&self, key: &[u8], values: &[&[u8]], flags: u64) -> Result<(), MapError> {
        let array = self.percpu()?;
        let index = index(key)?;
        if flags > update::EXIST {
            return Err(MapError::Invalid);
        }
        array.check_update(index, flags)?;
        let slots = array.slots(index)?.collect::<Vec<_>>();
        if slots.len() != values.len() {
            return Err(MapError::ValueSize);
        }
        values.iter().try_for_each(|value| self.check_value(value))?;
        for (slot, value) in slots.into_iter().zip(values) {
            array.values.write(array.values.address(slot), value);
        }
        Ok(())
    }

    /// Removes an entry.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for arrays, whose entries always exist.
    pub fn delete(&self, key: &[u8]) -> Result<(), MapError> {
        match &self.storage {
            Storage::Array(_) => Err(MapError::Invalid),
            Storage::Hash(hash) => {
                self.check_key(key)?;
                hash.delete(key)
            }
            Storage::ProgArray(programs) => programs.clear(index(key)?),
            Storage::RingBuf(_) => Err(MapError::Unsupported),
        }
    }

    /// The key after `key`; the first one if `key` is `None`, or absent.
    pub fn next_key(&self, key: Option<&[u8]>) -> Option<Vec<u8>> {
        let next_of = |entries: u32| {
            let next = match key.and_then(|key| index(key).ok()) {
                Some(index) if index < entries => index + 1,
                _ => 0,
            };
            (next < entries).then(|| next.to_le_bytes().to_vec())
        };
        match &self.storage {
            Storage::Array(array) => next_of(array.entries()),
            Storage::ProgArray(programs) => next_of(programs.entries()),
            Storage::Hash(hash) => {
                hash.next_key(key.filter(|key| key.len() == self.spec.key_size as usize))
            }
            Storage::RingBuf(_) => None,
        }
    }

    /// All keys; those that come and go meanwhile may be missed.
    pub fn keys(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        // A key that vanishes restarts the kernel's iteration; the bound keeps ours finite.
        std::iter::successors(self.next_key(None), |key| self.next_key(Some(key)))
            .take(self.spec.max_entries as usize)
    }

    fn percpu(&self) -> Result<&Array, MapError> {
        match &self.storage {
            Storage::Array(array) if self.spec.kind == MapKind::PercpuArray => Ok(array),
            Storage::Array(_) | Storage::Hash(_) | Storage::ProgArray(_) | Storage::RingBuf(_) => {
                Err(MapError::Invalid)
            }
        }
    }

    fn check_key(&self, key: &[u8]) -> Result<(), MapError> {
        if key.len() == self.spec.key_size as usize { Ok(()) } else { Err(MapError::KeySize) }
    }

    fn check_value(&self, value: &[u8]) -> Result<(), MapError> {
        if value.len() == self.spec.value_size as usize { Ok(()) } else { Err(MapError::ValueSize) }
    }
}

/// The index in a 4-byte key.
fn index(key: &[u8]) -> Result<u32, MapError> {
    key.try_into().map(u32::from_le_bytes).or(Err(MapError::KeySize))
}

/// Checks a shape as `map_alloc_check` of its kind does (`kernel/bpf/*map.c`, `ringbuf.c`).
#[expect(clippy::wildcard_enum_match_arm, reason = "what has no storage here is refused alike")]
fn check(spec: &MapSpec, geometry: Geometry) -> Result<(), CreateError> {
    let (key_size, value_size, flags) = (spec.key_size, spec.value_size, spec.flags);
    let cpus = geometry.cpus;
    if cpus == 0 || cpus > CPUS_MAX {
        return Err(CreateError::Cpus { cpus });
    }
    let (key_fits, value_fits, valid) = match spec.kind {
        MapKind::Array => (
            key_size == 4,
            value_size > 0 && value_size <= i32::MAX.unsigned_abs(),
            create::NUMA_NODE | create::ACCESS | create::MMAPABLE,
        ),
        MapKind::PercpuArray => {
            (key_size == 4, value_size > 0 && value_size <= PERCPU_VALUE_BYTES_MAX, create::ACCESS)
        }
        MapKind::Hash => (
            key_size > 0,
            value_size > 0 && value_size <= i32::MAX.unsigned_abs(),
            create::NO_PREALLOC | create::NUMA_NODE | create::ACCESS | create::ZERO_SEED,
        ),
        MapKind::ProgArray => {
            (key_size == 4, value_size == 4, create::NUMA_NODE | create::RDONLY | create::WRONLY)
        }
        MapKind::RingBuf => (key_size == 0, value_size == 0, create::NUMA_NODE),
        kind => return Err(CreateError::Kind { kind }),
    };
    if flags & !valid != 0 {
        return Err(CreateError::Flags { flags });
    }
    if !key_fits {
        return Err(CreateError::KeySize { size: key_size });
    }
    if !value_fits {
        return Err(CreateError::ValueSize { size: value_size });
    }
    if spec.max_entries == 0 {
        return Err(CreateError::MaxEntries { entries: 0 });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
