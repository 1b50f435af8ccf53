//! Many entries at a time (`BPF_MAP_*_BATCH`).
//!
//! Hash maps go bucket by bucket and a cursor is a bucket's number; the others go key by key and a
//! cursor is the last key (`generic_map_lookup_batch`). Either way an entry that stays during a walk
//! over all batches is seen, and the walk ends whatever others do, or says that it can not go on.

use netloom_abi::MapKind;

use crate::flags::update;
use crate::{Map, MapError};

/// What one call gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// One key after the other.
    pub keys: Vec<u8>,
    /// One value after the other, each as long as [`Map::value_bytes`].
    pub values: Vec<u8>,
    /// Number of entries.
    pub count: usize,
    /// Where the next call goes on; `None` if this one took no step.
    pub cursor: Option<Vec<u8>>,
    /// Whether there may be more (`false` is the kernel's `ENOENT`).
    pub more: bool,
}

/// A map that goes bucket by bucket.
pub(crate) trait Buckets {
    /// At most `count` entries from bucket `from` on, removed if `remove`.
    fn batch(
        &self,
        from: Option<u32>,
        count: usize,
        flags: u64,
        remove: bool,
    ) -> Result<Batch, MapError>;
}

impl Map {
    /// At most `count` entries, from where the cursor of the call before says, or the first ones.
    ///
    /// # Errors
    /// `Unsupported` where the map type has no batches, `NoSpace` if a hash bucket has more than
    /// `count` entries, `NotFound` for a cursor behind the end.
    pub fn lookup_batch(
        &self,
        from: Option<&[u8]>,
        count: usize,
        flags: u64,
    ) -> Result<Batch, MapError> {
        self.check_read()?;
        self.batches(false)?;
        self.check_batch_flags(flags)?;
        if count == 0 {
            return Ok(Batch { more: true, ..Batch::default() });
        }
        if let Some(buckets) = self.operations().batching() {
            return buckets.batch(from.map(bucket).transpose()?, count, flags, false);
        }
        let mut batch = Batch { more: true, cursor: from.map(<[u8]>::to_vec), ..Batch::default() };
        while batch.count < count {
            let Ok(key) = self.operations().key_after(batch.cursor.as_deref()) else {
                batch.more = false;
                break;
            };
            match self.operations().lookup(&key, flags) {
                Ok(value) => {
                    batch.keys.extend(&key);
                    batch.values.extend(value);
                    batch.count += 1;
                }
                Err(MapError::NotFound) => {}
                Err(error) => return Err(error),
            }
            batch.cursor = Some(key);
        }
        if batch.count == 0 {
            batch.cursor = None;
        }
        Ok(batch)
    }

    /// As [`Map::lookup_batch`], and removes what it gives.
    ///
    /// # Errors
    /// As [`Map::lookup_batch`].
    pub fn take_batch(
        &self,
        from: Option<&[u8]>,
        count: usize,
        flags: u64,
    ) -> Result<Batch, MapError> {
        self.check_read()?;
        self.check_write()?;
        let buckets = self.operations().batching().ok_or(MapError::Unsupported)?;
        self.check_batch_flags(flags)?;
        if count == 0 {
            return Ok(Batch { more: true, ..Batch::default() });
        }
        buckets.batch(from.map(bucket).transpose()?, count, flags, true)
    }

    /// Updates entries one after the other: how many were, and why the next one was not.
    ///
    /// # Errors
    /// As [`Map::update_raw`]; the entries before the one that failed stay updated.
    pub fn update_batch(
        &self,
        keys: &[u8],
        values: &[u8],
        flags: u64,
    ) -> (usize, Result<(), MapError>) {
        let pairs = |map: &Self| {
            map.check_write()?;
            map.batches(false)?;
            map.check_batch_flags(flags)
        };
        if let Err(error) = pairs(self) {
            return (0, Err(error));
        }
        let keys = keys.chunks(self.spec().key_size.max(1) as usize);
        for (done, (key, value)) in keys.zip(values.chunks(self.value_bytes())).enumerate() {
            if let Err(error) = self.update_raw(key, value, flags) {
                return (done, Err(error));
            }
        }
        (values.len() / self.value_bytes(), Ok(()))
    }

    /// Removes entries one after the other: how many were, and why the next one was not.
    ///
    /// # Errors
    /// As [`Map::delete`]; the entries before the one that failed stay removed.
    pub fn delete_batch(&self, keys: &[u8], flags: u64) -> (usize, Result<(), MapError>) {
        let checked = self
            .check_write()
            .and_then(|()| self.batches(true))
            .and_then(|()| self.check_batch_flags(flags));
        if let Err(error) = checked {
            return (0, Err(error));
        }
        let mut done = 0;
        for key in keys.chunks(self.spec().key_size.max(1) as usize) {
            if let Err(error) = self.delete(key) {
                return (done, Err(error));
            }
            done += 1;
        }
        (done, Ok(()))
    }

    /// Checks that the map type has batches; those that remove if `remove`.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the table of those that differ")]
    fn batches(&self, remove: bool) -> Result<(), MapError> {
        let by_key = match self.spec().kind {
            MapKind::Array | MapKind::PercpuArray | MapKind::ArrayOfMaps => !remove,
            MapKind::LpmTrie => true,
            _ => self.operations().batching().is_some(),
        };
        if by_key { Ok(()) } else { Err(MapError::Unsupported) }
    }

    fn check_batch_flags(&self, flags: u64) -> Result<(), MapError> {
        if flags & !update::LOCK != 0 { Err(MapError::Invalid) } else { self.check_lock(flags) }
    }
}

/// The bucket that a cursor names; cursors may be longer, as keys are.
fn bucket(cursor: &[u8]) -> Result<u32, MapError> {
    cursor.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes)).ok_or(MapError::KeySize)
}
