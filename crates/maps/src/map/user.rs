//! A map as user space sees it: the commands of `bpf(2)`, with their checks in the kernel's order.

use std::sync::atomic::Ordering;

use netloom_abi::MapKind;

use super::Map;
use crate::MapError;
use crate::flags::{create, update};

/// Bytes from one CPU's value to the next in what user space reads and writes.
const CPU_ALIGN: usize = 8;

impl Map {
    /// Whether each CPU has its own value.
    pub fn is_per_cpu(&self) -> bool {
        matches!(
            self.spec.kind,
            MapKind::PercpuArray
                | MapKind::PercpuHash
                | MapKind::LruPercpuHash
                | MapKind::PercpuCgroupStorage
        )
    }

    /// Bytes of a value in [`Map::lookup_raw`] and [`Map::update_raw`]: for a map per CPU, one value
    /// per CPU, each filled up to 8 bytes.
    pub fn value_bytes(&self) -> usize {
        let size = self.spec.value_size as usize;
        if self.is_per_cpu() { size.next_multiple_of(CPU_ALIGN) * self.cpus as usize } else { size }
    }

    /// A copy of the value at `key`, as `BPF_MAP_LOOKUP_ELEM` gives it: [`Map::value_bytes`] bytes. For
    /// a queue or stack, with an empty key, the next value; for a bloom filter, `key` is the value that
    /// is looked for.
    ///
    /// # Errors
    /// `NotFound`, `KeySize`, `NotPermitted`; `Invalid` for flags; as the map type otherwise.
    pub fn lookup_raw(&self, key: &[u8], flags: u64) -> Result<Vec<u8>, MapError> {
        if flags & !update::LOCK != 0 {
            return Err(MapError::Invalid);
        }
        self.check_read()?;
        self.check_lock(flags)?;
        if self.bloom().is_none() {
            self.check_key(key)?;
        }
        self.operations().lookup(key, flags)
    }

    /// Updates an entry as `BPF_MAP_UPDATE_ELEM` does, with [`Map::value_bytes`] bytes; pushes, with an
    /// empty key, for a queue, stack or bloom filter.
    ///
    /// # Errors
    /// As the kernel's map type; see [`update`] for `flags`.
    pub fn update_raw(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        self.check_write()?;
        self.check_lock(flags)?;
        self.check_key(key)?;
        if value.len() != self.value_bytes() {
            return Err(MapError::ValueSize);
        }
        self.operations().update(key, value, flags)
    }

    /// Removes the entry at `key`, or pops, and gives its value, as `BPF_MAP_LOOKUP_AND_DELETE_ELEM`.
    ///
    /// # Errors
    /// As [`Map::lookup_raw`]; `Unsupported` where the map type has no such operation.
    pub fn take(&self, key: &[u8], flags: u64) -> Result<Vec<u8>, MapError> {
        if flags & !update::LOCK != 0 {
            return Err(MapError::Invalid);
        }
        self.check_read()?;
        self.check_write()?;
        if self.queue().is_none() || flags == 0 {
            self.check_lock(flags)?;
        }
        self.check_key(key)?;
        self.operations().take(key, flags)
    }

    /// Removes an entry.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for arrays, whose entries always exist.
    pub fn delete(&self, key: &[u8]) -> Result<(), MapError> {
        self.check_write()?;
        self.delete_on(key)
    }

    /// The key after `key`, or the first one for `None`, as `BPF_MAP_GET_NEXT_KEY`. After a key that
    /// is not there comes the first one too.
    ///
    /// # Errors
    /// `NotFound` behind the last one; as the map type where it has no keys.
    pub fn key_after(&self, key: Option<&[u8]>) -> Result<Vec<u8>, MapError> {
        self.check_read()?;
        key.map_or(Ok(()), |key| self.check_key(key))?;
        self.operations().key_after(key)
    }

    /// A copy of the value at `key`.
    ///
    /// # Errors
    /// As [`Map::lookup_raw`]; `Invalid` for a map per CPU, see [`Map::lookup_percpu`].
    pub fn lookup(&self, key: &[u8]) -> Result<Vec<u8>, MapError> {
        if self.is_per_cpu() { Err(MapError::Invalid) } else { self.lookup_raw(key, 0) }
    }

    /// A copy of the value at `key` of each CPU, in order.
    ///
    /// # Errors
    /// As [`Map::lookup_raw`]; `Invalid` for a map that is not per CPU.
    pub fn lookup_percpu(&self, key: &[u8]) -> Result<Vec<Vec<u8>>, MapError> {
        if !self.is_per_cpu() {
            return Err(MapError::Invalid);
        }
        let size = self.spec.value_size as usize;
        let joined = self.lookup_raw(key, 0)?;
        let values = joined.chunks(size.next_multiple_of(CPU_ALIGN));
        Ok(values.map(|value| value.iter().copied().take(size).collect()).collect())
    }

    /// Updates an entry; in a map per CPU, on all CPUs. The value of a program array's entry is the
    /// program's index as 4 little-endian bytes.
    ///
    /// # Errors
    /// As [`Map::update_raw`].
    pub fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        if self.is_per_cpu() {
            self.update_percpu(key, &vec![value; self.cpus as usize], flags)
        } else {
            self.update_raw(key, value, flags)
        }
    }

    /// Updates an entry with one value for each CPU, in order.
    ///
    /// # Errors
    /// As [`Map::update_raw`]; `ValueSize` unless there is one value of the right size per CPU.
    pub fn update_percpu(&self, key: &[u8], values: &[&[u8]], flags: u64) -> Result<(), MapError> {
        if !self.is_per_cpu() {
            return Err(MapError::Invalid);
        }
        let size = self.spec.value_size as usize;
        if values.len() != self.cpus as usize || values.iter().any(|value| value.len() != size) {
            return Err(MapError::ValueSize);
        }
        let mut joined = Vec::with_capacity(self.value_bytes());
        for value in values {
            joined.extend_from_slice(value);
            joined.resize(joined.len().next_multiple_of(CPU_ALIGN), 0);
        }
        self.update_raw(key, &joined, flags)
    }

    /// The key after `key`; the first one if `key` is `None`, or absent.
    pub fn next_key(&self, key: Option<&[u8]>) -> Option<Vec<u8>> {
        self.key_after(key).ok()
    }

    /// All keys; those that come and go meanwhile may be missed.
    pub fn keys(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        // A key that vanishes restarts the kernel's iteration; the bound keeps ours finite.
        std::iter::successors(self.next_key(None), |key| self.next_key(Some(key)))
            .take(self.spec.max_entries.max(crate::limits::OWNERS_MAX) as usize)
    }

    /// Forbids all further writes of user space (`BPF_MAP_FREEZE`).
    ///
    /// # Errors
    /// `NotPermitted` for a map that user space may not write, one frozen already included;
    /// `Unsupported` for one whose values have kernel fields.
    pub fn freeze(&self) -> Result<(), MapError> {
        if self.spec.fields.ranges().next().is_some() {
            return Err(MapError::Unsupported);
        }
        self.check_write()?;
        self.frozen.store(true, Ordering::Release);
        Ok(())
    }

    pub(crate) fn check_read(&self) -> Result<(), MapError> {
        if self.spec.flags & create::WRONLY == 0 { Ok(()) } else { Err(MapError::NotPermitted) }
    }

    pub(crate) fn check_write(&self) -> Result<(), MapError> {
        let frozen = self.frozen.load(Ordering::Acquire);
        if frozen || self.spec.flags & create::RDONLY != 0 {
            return Err(MapError::NotPermitted);
        }
        Ok(())
    }

    /// A value's lock can be asked for only where there is one.
    pub(crate) fn check_lock(&self, flags: u64) -> Result<(), MapError> {
        let asked = flags & update::LOCK != 0;
        if asked && self.spec.fields.spin_lock.is_none() { Err(MapError::Invalid) } else { Ok(()) }
    }
}
