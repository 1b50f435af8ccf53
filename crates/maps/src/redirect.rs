//! Targets of `redirect_map`: devices, CPUs, `AF_XDP` sockets (`kernel/bpf/devmap.c`, `cpumap.c`,
//! `net/xdp/xskmap.c`).
//!
//! A value's first word is the target: interface index, queue length of a CPU, socket. The second one
//! of devices and CPUs is the program to run there: 0, or its index in the object plus one.

use std::sync::atomic::Ordering;

use netloom_abi::{MapKind, MapSpec, ValueFields};

use crate::flags::update;
use crate::hash::Hash;
use crate::operations::{Operations, index, index_after};
use crate::share::Supply;
use crate::words::Words;
use crate::{CreateError, Geometry, MapError, Values};

/// Longest queue of a CPU (`cpumap.c`: "sanity limit on qsize").
const QUEUE_MAX: u32 = 16384;

/// Where a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Interface index, queue length, or socket.
    pub value: u32,
    /// Index in the object of the program to run there.
    pub program: Option<u32>,
}

/// Index or key to target.
#[derive(Debug)]
pub struct Redirect {
    kind: MapKind,
    value_bytes: usize,
    cpus: u32,
    table: Table,
}

#[derive(Debug)]
enum Table {
    /// Value of each index, and whether there is one.
    Array {
        values: Values,
        present: Words,
    },
    Hash(Box<Hash>),
}

impl Redirect {
    pub(crate) fn new(
        spec: &MapSpec,
        geometry: Geometry,
        supply: &mut Supply,
    ) -> Result<Self, CreateError> {
        let table = if spec.kind == MapKind::DevmapHash {
            Table::Hash(Box::new(Hash::new(spec, geometry, supply)?))
        } else {
            let entries = u64::from(spec.max_entries);
            Table::Array {
                values: Values::new(supply, entries, spec.value_size, ValueFields::default())?,
                present: supply.words(entries)?,
            }
        };
        let value_bytes = spec.value_size as usize;
        Ok(Self { kind: spec.kind, value_bytes, cpus: geometry.cpus, table })
    }

    /// The target at `key`.
    pub fn target(&self, key: u32) -> Option<Target> {
        let address = self.find(&key.to_le_bytes())?;
        let value = u32::try_from(self.values()?.load::<4>(address)?).ok()?;
        let program = self.values()?.load::<4>(address + 4);
        let program = program.and_then(|one_more| u32::try_from(one_more).ok()?.checked_sub(1));
        Some(Target { value, program })
    }

    /// The address of the value that programs see at `key`.
    pub(crate) fn find(&self, key: &[u8]) -> Option<u64> {
        match &self.table {
            Table::Array { values, present } => {
                let index = index(key).ok()?;
                let there = present.word(index as usize)?.load(Ordering::Acquire) != 0;
                there.then(|| values.address(index))
            }
            Table::Hash(hash) => hash.find(key, 0),
        }
    }

    /// Number of indices; for devices by number, of places.
    fn entries(&self) -> u32 {
        match &self.table {
            Table::Array { present, .. } => u32::try_from(present.all().len()).unwrap_or(u32::MAX),
            Table::Hash(_) => u32::MAX,
        }
    }

    fn set(&self, index: u32, value: Option<&[u8]>) {
        if let Table::Array { values, present } = &self.table
            && let Some(present) = present.word(index as usize)
        {
            if let Some(value) = value {
                values.copy_in(index, value, false);
            }
            present.store(u64::from(value.is_some()), Ordering::Release);
        }
    }

    /// `dev_map_update_elem`, `dev_map_hash_update_elem`.
    fn update_device(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        let (device, program) = words(value);
        if let Table::Hash(hash) = &self.table {
            if flags > update::EXIST || device == 0 {
                return Err(MapError::Invalid);
            }
            return hash.update(key, &without_negative(value), flags & update::NOEXIST);
        }
        let index = self.check_index(key, flags)?;
        if device == 0 && program > 0 {
            return Err(MapError::Invalid);
        }
        self.set(index, (device != 0).then(|| without_negative(value)).as_deref());
        Ok(())
    }

    /// `cpu_map_update_elem`.
    fn update_cpu(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        let index = self.check_index(key, flags)?;
        let (queue, _) = words(value);
        if queue > QUEUE_MAX {
            return Err(MapError::Overflow);
        }
        if index >= self.cpus {
            return Err(MapError::NoDevice);
        }
        self.set(index, (queue != 0).then(|| without_negative(value)).as_deref());
        Ok(())
    }

    /// `xsk_map_update_elem`, which unlike the others minds whether the entry exists.
    fn update_socket(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        if flags > update::EXIST {
            return Err(MapError::Invalid);
        }
        let index = index(key)?;
        if index >= self.entries() {
            return Err(MapError::Full);
        }
        if words(value).0 > i32::MAX.unsigned_abs() {
            return Err(MapError::BadReference);
        }
        match (self.find(key), flags) {
            (Some(_), update::NOEXIST) => return Err(MapError::Exists),
            (None, update::EXIST) => return Err(MapError::NotFound),
            _ => {}
        }
        self.set(index, Some(value));
        Ok(())
    }

    fn check_index(&self, key: &[u8], flags: u64) -> Result<u32, MapError> {
        let index = index(key)?;
        if flags > update::EXIST {
            return Err(MapError::Invalid);
        }
        if index >= self.entries() {
            return Err(MapError::Full);
        }
        if flags == update::NOEXIST { Err(MapError::Exists) } else { Ok(index) }
    }
}

impl Operations for Redirect {
    fn values(&self) -> Option<&Values> {
        match &self.table {
            Table::Array { values, .. } => Some(values),
            Table::Hash(hash) => hash.values(),
        }
    }

    fn lookup(&self, key: &[u8], _flags: u64) -> Result<Vec<u8>, MapError> {
        if self.kind == MapKind::Xskmap {
            return Err(MapError::NotImplemented);
        }
        let address = self.find(key).ok_or(MapError::NotFound)?;
        let mut value = vec![0; self.value_bytes];
        let read = self.values().and_then(|values| values.read(address, &mut value));
        read.map(|()| value).ok_or(MapError::NotFound)
    }

    fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        if self.kind == MapKind::Cpumap {
            self.update_cpu(key, value, flags)
        } else if self.kind == MapKind::Xskmap {
            self.update_socket(key, value, flags)
        } else {
            self.update_device(key, value, flags)
        }
    }

    fn delete(&self, key: &[u8]) -> Result<(), MapError> {
        if let Table::Hash(hash) = &self.table {
            return hash.delete(key);
        }
        let index = index(key)?;
        if index >= self.entries() {
            return Err(MapError::Invalid);
        }
        self.set(index, None);
        Ok(())
    }

    fn key_after(&self, key: Option<&[u8]>) -> Result<Vec<u8>, MapError> {
        match &self.table {
            Table::Array { .. } => index_after(self.entries(), key),
            Table::Hash(hash) => hash.key_after(key),
        }
    }
}

/// The two words of a value; the second is a signed descriptor to the kernel.
fn words(value: &[u8]) -> (u32, i32) {
    let word = |at: usize| value.get(at..).and_then(<[u8]>::first_chunk).copied();
    (word(0).map_or(0, u32::from_le_bytes), word(4).map_or(0, i32::from_le_bytes))
}

/// The value as a look-up shows it: what is not a program is none.
fn without_negative(value: &[u8]) -> Vec<u8> {
    let mut shown = value.to_vec();
    if words(value).1 < 0
        && let Some(program) = shown.get_mut(4..)
    {
        program.fill(0);
    }
    shown
}
