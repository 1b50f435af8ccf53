//! Maps.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use netloom_abi::MapSpec;
use rustix::io::Errno;

use super::attr::MapCreate;
use super::call::{self, BatchMemory, IdSpace, MapFd, Read};
use super::error::{BpfError, kernel, name16, text16};
use super::operation::Operation;
use super::pin::{self, PinKind};
use crate::cpu;

/// Most entries that one batch call reads.
const BATCH_ENTRIES: usize = 1024;

/// A map in the kernel.
#[derive(Debug)]
pub struct Map {
    fd: MapFd,
    name: String,
}

/// What the kernel says about a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapFacts {
    /// Its number on this machine.
    pub id: u32,
    /// Its type (`enum bpf_map_type`).
    pub kind: u32,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value, for one CPU.
    pub value_size: u32,
    /// Entries.
    pub max_entries: u32,
    /// `BPF_F_*` flags of creation.
    pub flags: u32,
    /// Its name.
    pub name: String,
}

/// When an update is to succeed (`BPF_ANY`, `BPF_NOEXIST`, `BPF_EXIST`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum UpdateMode {
    /// Always.
    Any = 0,
    /// If there is no such key.
    NoExist = 1,
    /// If there is such a key.
    Exist = 2,
}

/// Keys and values in the order the kernel gave them, packed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// One key after the other.
    pub keys: Vec<u8>,
    /// One value after the other, each as long as [`Map::value_bytes`].
    pub values: Vec<u8>,
}

/// One step of reading a map in batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchStep {
    /// What came.
    pub entries: Entries,
    /// Where the next step goes on.
    pub cursor: Vec<u8>,
    /// Whether more may follow.
    pub more: bool,
}

/// What a map is made from besides its specification.
#[derive(Clone, Copy, Debug, Default)]
pub struct MapParents<'a> {
    /// A map like those that are to be in the map of maps.
    pub inner: Option<BorrowedFd<'a>>,
    /// Loaded type information, and the numbers in it of the key's and the value's type.
    pub types: Option<(BorrowedFd<'a>, u32, u32)>,
}

impl Map {
    /// Makes an empty map; the specification's initial values are the caller's to write.
    ///
    /// # Errors
    /// [`BpfError::Name`], or the kernel's refusal.
    pub fn create(spec: &MapSpec) -> Result<Self, BpfError> {
        Self::create_with(spec, MapParents::default())
    }

    /// As [`Map::create`], with what some map types need besides.
    ///
    /// # Errors
    /// As [`Map::create`].
    pub fn create_with(spec: &MapSpec, parents: MapParents<'_>) -> Result<Self, BpfError> {
        let (btf_fd, btf_key_type_id, btf_value_type_id) =
            parents.types.map_or((0, 0, 0), |(btf, key, value)| (call::raw(btf), key, value));
        let attr = MapCreate {
            inner_map_fd: parents.inner.map_or(0, call::raw),
            btf_fd,
            btf_key_type_id,
            btf_value_type_id,
            map_extra: spec.map_extra,
            map_type: spec.kind as u32,
            key_size: spec.key_size,
            value_size: spec.value_size,
            max_entries: spec.max_entries,
            map_flags: spec.flags,
            map_name: name16(Operation::MapCreate, &spec.name)?,
            ..MapCreate::default()
        };
        let fd = call::map_create(attr).map_err(kernel(Operation::MapCreate, &spec.name))?;
        Self::from_fd(fd, spec.name.clone())
    }

    /// Opens the map pinned at `path`.
    ///
    /// # Errors
    /// When nothing is there, or something else.
    pub fn pinned(path: &Path) -> Result<Self, BpfError> {
        let fd = pin::open_as(path, PinKind::Map, "map")?;
        Self::from_fd(fd, path.display().to_string())
    }

    /// Opens a map by its number.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn by_id(id: u32) -> Result<Self, BpfError> {
        let fd =
            call::open_id(IdSpace::Map, id).map_err(kernel(Operation::MapById, &id.to_string()))?;
        let mut map = Self::from_fd(fd, String::new())?;
        map.name = text16(&map.fd.answer().name);
        Ok(map)
    }

    pub(super) fn from_fd(fd: OwnedFd, name: String) -> Result<Self, BpfError> {
        let fd = MapFd::new(fd, cpu::possible).map_err(kernel(Operation::Info, &name))?;
        Ok(Self { fd, name })
    }

    /// A second handle of the same map.
    ///
    /// # Errors
    /// When the process has no descriptor left.
    pub fn try_clone(&self) -> Result<Self, BpfError> {
        let fd = pin::duplicate(self.as_fd(), &self.name)?;
        Self::from_fd(fd, self.name.clone())
    }

    /// What the kernel said about this map when it was opened; nothing in it ever changes.
    pub fn facts(&self) -> MapFacts {
        let answer = self.fd.answer();
        MapFacts {
            id: answer.id,
            kind: answer.kind,
            key_size: answer.key_size,
            value_size: answer.value_size,
            max_entries: answer.max_entries,
            flags: answer.map_flags,
            name: text16(&answer.name),
        }
    }

    /// The name or path by which messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of a key.
    pub fn key_bytes(&self) -> usize {
        self.fd.key_bytes()
    }

    /// Bytes of a value in [`Map::lookup`] and [`Map::update`].
    ///
    /// For a per-CPU map that is one value for each possible CPU, each padded to 8 bytes.
    pub fn value_bytes(&self) -> usize {
        self.fd.value_bytes()
    }

    /// Whether each possible CPU has its own value.
    pub fn is_per_cpu(&self) -> bool {
        self.fd.is_per_cpu()
    }

    /// The value of `key`, if there is one.
    ///
    /// # Errors
    /// [`BpfError::Length`], or the kernel's refusal.
    pub fn lookup(&self, key: &[u8]) -> Result<Option<Vec<u8>>, BpfError> {
        let operation = Operation::MapLookup;
        self.check(operation, Some(key), None)?;
        let mut value = vec![0; self.value_bytes()];
        match call::map_read(&self.fd, Read::Keep, key, &mut value, 0) {
            Ok(()) => Ok(Some(value)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(kernel(operation, &self.name)(errno)),
        }
    }

    /// Writes the value of `key`. Values of up to 8 bytes in an array are written at once, longer
    /// ones can be seen half-written.
    ///
    /// # Errors
    /// [`BpfError::Length`], or the kernel's refusal: `EEXIST` and `ENOENT` by `mode`, `E2BIG` when
    /// full or beyond the end.
    pub fn update(&self, key: &[u8], value: &[u8], mode: UpdateMode) -> Result<(), BpfError> {
        let operation = Operation::MapUpdate;
        self.check(operation, Some(key), Some(value))?;
        call::map_update(&self.fd, key, value, mode as u64).map_err(kernel(operation, &self.name))
    }

    /// Writes the value of `key` with any flags (`BPF_ANY`, `BPF_F_LOCK` and their like).
    ///
    /// # Errors
    /// [`BpfError::Length`], or the kernel's refusal.
    pub fn update_with(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), BpfError> {
        let operation = Operation::MapUpdate;
        self.check(operation, Some(key), Some(value))?;
        call::map_update(&self.fd, key, value, flags).map_err(kernel(operation, &self.name))
    }

    /// Reads the value of `key` into `value`; for a bloom filter, looks for `value`.
    ///
    /// # Errors
    /// [`BpfError::Length`], or the kernel's refusal; `ENOENT` where there is none.
    pub fn lookup_into(&self, key: &[u8], value: &mut [u8], flags: u64) -> Result<(), BpfError> {
        let operation = Operation::MapLookup;
        self.check(operation, Some(key), Some(value))?;
        call::map_read(&self.fd, Read::Keep, key, value, flags)
            .map_err(kernel(operation, &self.name))
    }

    /// Removes `key`, or with an empty one pops, and returns its value.
    ///
    /// # Errors
    /// [`BpfError::Length`], or the kernel's refusal; `ENOENT` where there is none.
    pub fn take(&self, key: &[u8], flags: u64) -> Result<Vec<u8>, BpfError> {
        let operation = Operation::MapTake;
        self.check(operation, Some(key), None)?;
        let mut value = vec![0; self.value_bytes()];
        let taken = call::map_read(&self.fd, Read::Take, key, &mut value, flags);
        taken.map(|()| value).map_err(kernel(operation, &self.name))
    }

    /// At most `count` entries from where the call before went to, removed if `take`.
    ///
    /// # Errors
    /// The kernel's refusal; `ENOSPC` when a hash bucket has more entries than `count`.
    pub fn batch(
        &self,
        from: Option<&[u8]>,
        count: usize,
        flags: u64,
        take: bool,
    ) -> Result<BatchStep, BpfError> {
        let mut to = vec![0; call::cursor_bytes(&self.fd)];
        let mut keys = vec![0; count.saturating_mul(self.key_bytes())];
        let mut values = vec![0; count.saturating_mul(self.value_bytes())];
        let (read, operation) = if take {
            (Read::Take, Operation::MapTakeBatch)
        } else {
            (Read::Keep, Operation::MapLookupBatch)
        };
        let memory = BatchMemory { from, to: &mut to, keys: &mut keys, values: &mut values };
        let (came, more) = call::map_read_batch(&self.fd, read, memory, flags)
            .map_err(kernel(operation, &self.name))?;
        keys.truncate(came * self.key_bytes());
        values.truncate(came * self.value_bytes());
        Ok(BatchStep { entries: Entries { keys, values }, cursor: to, more })
    }

    /// Updates packed entries in order: how many were, and why not the next one.
    ///
    /// # Errors
    /// The kernel's refusal; the entries before the one that it refused stay updated.
    pub fn update_batch(
        &self,
        keys: &[u8],
        values: &[u8],
        flags: u64,
    ) -> (usize, Result<(), BpfError>) {
        let (done, result) = call::map_change_batch(&self.fd, keys, Some(values), flags);
        (done, result.map_err(kernel(Operation::MapUpdateBatch, &self.name)))
    }

    /// Removes packed keys in order: how many were, and why not the next one.
    ///
    /// # Errors
    /// The kernel's refusal; the entries before the one that it refused stay removed.
    pub fn delete_batch(&self, keys: &[u8], flags: u64) -> (usize, Result<(), BpfError>) {
        let (done, result) = call::map_change_batch(&self.fd, keys, None, flags);
        (done, result.map_err(kernel(Operation::MapDeleteBatch, &self.name)))
    }

    /// Stores an object's descriptor as the value of `key`: a program in a program array.
    ///
    /// # Errors
    /// As [`Map::update`]; `EINVAL` when the program does not go with those already there.
    pub fn update_object(&self, key: &[u8], object: impl AsFd) -> Result<(), BpfError> {
        self.update(key, &call::raw(object.as_fd()).to_ne_bytes(), UpdateMode::Any)
    }

    /// Removes `key`; false when it was not there.
    ///
    /// # Errors
    /// [`BpfError::Length`], or the kernel's refusal.
    pub fn delete(&self, key: &[u8]) -> Result<bool, BpfError> {
        let operation = Operation::MapDelete;
        self.check(operation, Some(key), None)?;
        match call::map_delete(&self.fd, key) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(kernel(operation, &self.name)(errno)),
        }
    }

    /// The key after `key`, or the first one; `None` at the end.
    ///
    /// # Errors
    /// [`BpfError::Length`], or the kernel's refusal.
    pub fn next_key(&self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>, BpfError> {
        let operation = Operation::MapNextKey;
        self.check(operation, key, None)?;
        let mut next = vec![0; self.key_bytes()];
        match call::map_next_key(&self.fd, key, &mut next) {
            Ok(()) => Ok(Some(next)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(kernel(operation, &self.name)(errno)),
        }
    }

    /// All entries, read in batches.
    ///
    /// Entries that come or go meanwhile may be in it or not.
    ///
    /// # Errors
    /// The kernel's refusal; `EOPNOTSUPP` or `ENOTSUPP` where the map type has no batch reading.
    pub fn entries(&self) -> Result<Entries, BpfError> {
        let mut all = Entries::default();
        let mut cursor: Option<Vec<u8>> = None;
        let mut batch = BATCH_ENTRIES.min(self.fd.answer().max_entries as usize).max(1);
        loop {
            let step = match self.batch(cursor.as_deref(), batch, 0, false) {
                Ok(step) => step,
                // A hash bucket with more entries than the batch has room for.
                Err(error)
                    if error.errno() == Some(Errno::NOSPC)
                        && batch < self.fd.answer().max_entries as usize =>
                {
                    batch *= 2;
                    continue;
                }
                Err(error) => return Err(error),
            };
            all.keys.extend_from_slice(&step.entries.keys);
            all.values.extend_from_slice(&step.entries.values);
            if !step.more {
                return Ok(all);
            }
            cursor = Some(step.cursor);
        }
    }

    /// Forbids all further writes from user space.
    ///
    /// # Errors
    /// The kernel's refusal; `EBUSY` when frozen already.
    pub fn freeze(&self) -> Result<(), BpfError> {
        call::map_freeze(&self.fd).map_err(kernel(Operation::MapFreeze, &self.name))
    }

    /// Gives the map the new path `path` below a bpf file system.
    ///
    /// # Errors
    /// The kernel's refusal; `EEXIST` when the path is taken.
    pub fn pin(&self, path: &Path) -> Result<(), BpfError> {
        pin::pin(self, path)
    }

    fn check(
        &self,
        operation: Operation,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Result<(), BpfError> {
        let parts = [("key", key, self.key_bytes()), ("value", value, self.value_bytes())];
        for (part, given, expected) in parts {
            let actual = given.map_or(expected, <[u8]>::len);
            if actual != expected {
                let object = self.name.clone();
                return Err(BpfError::Length { operation, object, part, expected, actual });
            }
        }
        Ok(())
    }
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
