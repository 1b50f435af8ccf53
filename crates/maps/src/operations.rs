//! What each family of maps does for user space.

use crate::batch::Buckets;
use crate::flags::update;
use crate::{MapError, Values};

/// The map commands of `bpf(2)`. Keys and values have the map's sizes; values of maps per CPU are of
/// all CPUs, each filled up to 8 bytes. What a family does not override it does not have.
pub(crate) trait Operations {
    /// The values that programs address.
    fn values(&self) -> Option<&Values> {
        None
    }

    /// `BPF_MAP_LOOKUP_ELEM`; with an empty key the peek of queues, stacks and bloom filters, which
    /// take the value to look for in its place.
    fn lookup(&self, _key: &[u8], _flags: u64) -> Result<Vec<u8>, MapError> {
        Err(MapError::Unsupported)
    }

    /// `BPF_MAP_UPDATE_ELEM`; with an empty key a push.
    fn update(&self, _key: &[u8], _value: &[u8], _flags: u64) -> Result<(), MapError> {
        Err(MapError::Unsupported)
    }

    /// `BPF_MAP_DELETE_ELEM`.
    fn delete(&self, _key: &[u8]) -> Result<(), MapError> {
        Err(MapError::Unsupported)
    }

    /// `BPF_MAP_LOOKUP_AND_DELETE_ELEM`; with an empty key a pop.
    fn take(&self, _key: &[u8], _flags: u64) -> Result<Vec<u8>, MapError> {
        Err(MapError::Unsupported)
    }

    /// `BPF_MAP_GET_NEXT_KEY`.
    fn key_after(&self, _key: Option<&[u8]>) -> Result<Vec<u8>, MapError> {
        Err(MapError::Unsupported)
    }

    /// Batches by bucket, where the map type has them.
    fn batching(&self) -> Option<&dyn Buckets> {
        None
    }
}

/// The index in a 4-byte key.
pub(crate) fn index(key: &[u8]) -> Result<u32, MapError> {
    key.try_into().map(u32::from_le_bytes).or(Err(MapError::KeySize))
}

/// The index after `key` in a map of `entries` indices (`array_map_get_next_key`).
pub(crate) fn index_after(entries: u32, key: Option<&[u8]>) -> Result<Vec<u8>, MapError> {
    let next = match key.map(index).transpose()? {
        Some(index) if index < entries => index + 1,
        _ => 0,
    };
    if next < entries { Ok(next.to_le_bytes().to_vec()) } else { Err(MapError::NotFound) }
}

/// Checks an update of an array of references as `bpf_fd_array_map_update_elem` does.
pub(crate) fn reference_index(entries: u32, key: &[u8], flags: u64) -> Result<u32, MapError> {
    let index = index(key)?;
    if flags != update::ANY {
        return Err(MapError::Invalid);
    }
    if index < entries { Ok(index) } else { Err(MapError::Full) }
}
