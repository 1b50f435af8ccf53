//! Maps.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use netloom_abi::MapSpec;
use rustix::io::Errno;

use super::attr::MapCreate;
use super::call::{self, IdSpace, MapFd};
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

impl Map {
    /// Makes an empty map; the specification's initial values are the caller's to write.
    ///
    /// # Errors
    /// [`BpfError::Name`], or the kernel's refusal.
    pub fn create(spec: &MapSpec) -> Result<Self, BpfError> {
        let attr = MapCreate {
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
        match call::map_lookup(&self.fd, key, &mut value) {
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
            let mut next = vec![0; call::cursor_bytes(&self.fd)];
            let mut keys = vec![0; batch * self.key_bytes()];
            let mut values = vec![0; batch * self.value_bytes()];
            let step = call::map_lookup_batch(
                &self.fd,
                cursor.as_deref(),
                &mut next,
                &mut keys,
                &mut values,
            );
            let (came, more) = match step {
                Ok(step) => step,
                // A hash bucket with more entries than the batch has room for.
                Err(Errno::NOSPC) if batch < self.fd.answer().max_entries as usize => {
                    batch *= 2;
                    continue;
                }
                Err(errno) => return Err(kernel(Operation::MapLookupBatch, &self.name)(errno)),
            };
            all.keys.extend_from_slice(&keys[..came * self.key_bytes()]);
            all.values.extend_from_slice(&values[..came * self.value_bytes()]);
            if !more {
                return Ok(all);
            }
            cursor = Some(next);
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
