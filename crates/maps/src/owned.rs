//! Storage that belongs to something: a socket, a task, a cgroup (`kernel/bpf/bpf_local_storage.c`,
//! `kernel/bpf/local_storage.c`).
//!
//! In user space the owner is a number that the embedding program chooses. The kernel keeps the value
//! with its owner, as long as that lives; here there is room for a fixed number of owners, and
//! whoever ends an owner removes its value.

use netloom_abi::{MapKind, MapSpec};

use crate::flags::update;
use crate::hash::Hash;
use crate::limits::{MAP_BYTES_MAX, OWNERS_MAX};
use crate::operations::Operations;
use crate::share::Supply;
use crate::{CreateError, Geometry, MapError, Values};

/// Owner to value.
#[derive(Debug)]
pub struct Owned {
    hash: Hash,
    /// Whether values are made by whoever attaches a program, not by an update.
    by_attachment: bool,
    per_cpu: bool,
    value_bytes: usize,
}

impl Owned {
    pub(crate) fn new(
        spec: &MapSpec,
        geometry: Geometry,
        supply: &mut Supply,
    ) -> Result<Self, CreateError> {
        let per_cpu = spec.kind == MapKind::PercpuCgroupStorage;
        let kind = if per_cpu { MapKind::PercpuHash } else { MapKind::Hash };
        let cpus = if per_cpu { geometry.cpus } else { 1 };
        let each = u64::from(spec.value_size.max(8)) * u64::from(cpus);
        let owners = u32::try_from(MAP_BYTES_MAX / 4 / each).unwrap_or(u32::MAX);
        let max_entries = owners.clamp(1, OWNERS_MAX);
        let hash = Hash::new(&MapSpec { kind, max_entries, ..spec.clone() }, geometry, supply)?;
        let by_attachment = per_cpu || spec.kind == MapKind::CgroupStorage;
        Ok(Self { hash, by_attachment, per_cpu, value_bytes: spec.value_size as usize })
    }

    /// The address of the owner's value on `cpu`.
    pub(crate) fn find(&self, key: &[u8], cpu: u32) -> Option<u64> {
        self.hash.find(key, cpu)
    }

    /// Makes the owner's value, zero or `initial`, unless it is there already.
    ///
    /// # Errors
    /// `Memory` when no place for an owner is left.
    pub fn make(&self, key: &[u8], initial: Option<&[u8]>) -> Result<(), MapError> {
        let zero = vec![0; self.value_bytes];
        let made = self.hash.update_on(0, key, initial.unwrap_or(&zero), update::NOEXIST);
        match made {
            Ok(()) | Err(MapError::Exists) => Ok(()),
            Err(MapError::Full) => Err(MapError::Memory),
            Err(error) => Err(error),
        }
    }

    /// Removes the value of an owner that ends.
    pub fn end(&self, key: &[u8]) -> bool {
        self.hash.delete(key).is_ok()
    }
}

impl Operations for Owned {
    fn values(&self) -> Option<&Values> {
        self.hash.values()
    }

    fn lookup(&self, key: &[u8], flags: u64) -> Result<Vec<u8>, MapError> {
        self.hash.lookup(key, flags)
    }

    fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        if self.by_attachment {
            let valid = if self.per_cpu { update::EXIST } else { update::EXIST | update::LOCK };
            if flags & !valid != 0 {
                return Err(MapError::Invalid);
            }
            return self.hash.update(key, value, flags | update::EXIST);
        }
        let updated = self.hash.update(key, value, flags);
        if updated == Err(MapError::Full) { Err(MapError::Memory) } else { updated }
    }

    fn delete(&self, key: &[u8]) -> Result<(), MapError> {
        if self.by_attachment { Err(MapError::Invalid) } else { self.hash.delete(key) }
    }

    fn key_after(&self, key: Option<&[u8]>) -> Result<Vec<u8>, MapError> {
        if self.by_attachment { self.hash.key_after(key) } else { Err(MapError::Unsupported) }
    }
}
