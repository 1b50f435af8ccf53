//! Maps of maps: index or key to one of the machine's maps (`kernel/bpf/map_in_map.c`).
//!
//! An entry is the number of a map among those of the machine. The map of maps does not own it; it
//! only knows, from its template, what every map in it is like, so that a program can rely on it.

use std::sync::atomic::Ordering;

use netloom_abi::{MapKind, MapSpec};

use crate::flags::create;
use crate::hash::Hash;
use crate::operations::{Operations, index, index_after, reference_index};
use crate::share::Supply;
use crate::words::Words;
use crate::{CreateError, Geometry, MapError};

/// Map types that can not be in a map (those without `map_meta_equal`).
const NEVER_INNER: [MapKind; 6] = [
    MapKind::ProgArray,
    MapKind::ArrayOfMaps,
    MapKind::HashOfMaps,
    MapKind::CgroupStorage,
    MapKind::PercpuCgroupStorage,
    MapKind::StructOps,
];

/// Index or key to a map's number.
#[derive(Debug)]
pub struct OfMaps {
    template: MapSpec,
    table: Table,
}

#[derive(Debug)]
enum Table {
    /// The number plus one, or zero.
    Array(Words),
    Hash(Box<Hash>),
}

impl OfMaps {
    pub(crate) fn new(
        spec: &MapSpec,
        geometry: Geometry,
        supply: &mut Supply,
    ) -> Result<Self, CreateError> {
        let Some(template) = spec.inner.as_deref() else { return Err(CreateError::NoTemplate) };
        if NEVER_INNER.contains(&template.kind) {
            return Err(CreateError::Template { kind: template.kind });
        }
        let table = if spec.kind == MapKind::ArrayOfMaps {
            Table::Array(supply.words(spec.max_entries.into())?)
        } else {
            Table::Hash(Box::new(Hash::new(spec, geometry, supply)?))
        };
        Ok(Self { template: template.clone(), table })
    }

    /// The number of the map at `key`.
    ///
    /// # Errors
    /// `NotFound`, `KeySize`.
    pub fn map(&self, key: &[u8]) -> Result<u32, MapError> {
        let bytes = self.lookup(key, 0)?;
        bytes.try_into().map(u32::from_le_bytes).or(Err(MapError::NotFound))
    }

    /// Puts the map of number `map`, which is like `spec`, at `key`.
    ///
    /// # Errors
    /// `Invalid` if it is not like the template, or for flags; as arrays and hash maps otherwise.
    pub fn set(&self, key: &[u8], map: u32, spec: &MapSpec, flags: u64) -> Result<(), MapError> {
        let like = if self.takes(spec) { Ok(()) } else { Err(MapError::Invalid) };
        match &self.table {
            Table::Array(maps) => {
                let index = reference_index(self.entries(), key, flags)?;
                like?;
                let place = maps.word(index as usize).ok_or(MapError::Full)?;
                place.store(u64::from(map) + 1, Ordering::Release);
                Ok(())
            }
            Table::Hash(hash) => {
                like?;
                hash.update(key, &map.to_le_bytes(), flags)
            }
        }
    }

    fn entries(&self) -> u32 {
        match &self.table {
            Table::Array(maps) => u32::try_from(maps.all().len()).unwrap_or(u32::MAX),
            Table::Hash(_) => u32::MAX,
        }
    }

    /// Whether a map is like the template (`bpf_map_meta_equal`, `array_map_meta_equal`).
    pub fn takes(&self, spec: &MapSpec) -> bool {
        let facts =
            |spec: &MapSpec| (spec.kind, spec.key_size, spec.value_size, spec.flags, spec.fields);
        let sized = matches!(spec.kind, MapKind::Array | MapKind::PercpuArray)
            && self.template.flags & create::INNER_MAP == 0;
        facts(spec) == facts(&self.template)
            && (!sized || spec.max_entries == self.template.max_entries)
    }
}

impl Operations for OfMaps {
    fn lookup(&self, key: &[u8], flags: u64) -> Result<Vec<u8>, MapError> {
        match &self.table {
            Table::Array(maps) => {
                let place = maps.word(index(key)? as usize).ok_or(MapError::NotFound)?;
                let map = place.load(Ordering::Acquire).checked_sub(1).ok_or(MapError::NotFound)?;
                Ok(u32::try_from(map).or(Err(MapError::NotFound))?.to_le_bytes().to_vec())
            }
            Table::Hash(hash) => hash.lookup(key, flags),
        }
    }

    fn update(&self, key: &[u8], _value: &[u8], flags: u64) -> Result<(), MapError> {
        if matches!(self.table, Table::Array(_)) {
            reference_index(self.entries(), key, flags)?;
        }
        // A number alone does not say what map it is; `set` is told.
        Err(MapError::BadReference)
    }

    fn delete(&self, key: &[u8]) -> Result<(), MapError> {
        match &self.table {
            Table::Array(maps) => {
                let place = maps.word(index(key)? as usize).ok_or(MapError::Full)?;
                match place.swap(0, Ordering::AcqRel) {
                    0 => Err(MapError::NotFound),
                    _ => Ok(()),
                }
            }
            Table::Hash(hash) => hash.delete(key),
        }
    }

    fn key_after(&self, key: Option<&[u8]>) -> Result<Vec<u8>, MapError> {
        match &self.table {
            Table::Array(_) => index_after(self.entries(), key),
            Table::Hash(hash) => hash.key_after(key),
        }
    }

    fn batching(&self) -> Option<&dyn crate::batch::Buckets> {
        match &self.table {
            Table::Array(_) => None,
            Table::Hash(hash) => hash.batching(),
        }
    }
}
