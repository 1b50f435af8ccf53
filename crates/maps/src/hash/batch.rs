//! Batches over hash maps, whose cursor is a bucket's number (`__htab_map_lookup_and_delete_batch`).

use super::Hash;
use crate::MapError;
use crate::batch::{Batch, Buckets};

impl Buckets for Hash {
    fn batch(
        &self,
        from: Option<u32>,
        count: usize,
        flags: u64,
        remove: bool,
    ) -> Result<Batch, MapError> {
        let mut bucket = from.unwrap_or(0);
        let buckets = u32::try_from(self.heads.all().len()).unwrap_or(u32::MAX);
        if bucket >= buckets {
            return Err(MapError::NotFound);
        }
        let mut batch = Batch { more: true, ..Batch::default() };
        while batch.more {
            let _writer = self.lock(bucket);
            let slots = self.bucket_slots(bucket).collect::<Vec<_>>();
            if slots.len() > count - batch.count {
                if batch.count == 0 {
                    return Err(MapError::NoSpace);
                }
                break;
            }
            for &slot in &slots {
                batch.keys.extend(self.key(slot).unwrap_or_default());
                batch.values.extend(self.read_value(slot, flags));
                if remove {
                    self.unlink(bucket, None, slot);
                    self.give_free(slot);
                }
            }
            batch.count += slots.len();
            bucket += 1;
            batch.more = bucket < buckets;
        }
        batch.cursor = Some(bucket.to_ne_bytes().to_vec());
        Ok(batch)
    }
}
