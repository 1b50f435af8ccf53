//! From a name to the records that carry it.
//!
//! Chained hashing in two flat arrays: building it for the kernel's 130,000 types is one pass with
//! two allocations. A blob made to collide makes a look-up linear, never worse.

use std::hash::{DefaultHasher, Hasher};

/// Record indices (not type ids) by name; anonymous records are not in it.
#[derive(Debug, Default)]
pub(crate) struct NameIndex {
    /// Per bucket the first record plus one, 0 for none; a power of two of them.
    heads: Vec<u32>,
    /// Per record the next one of its bucket plus one, 0 for none.
    next: Vec<u32>,
}

impl NameIndex {
    /// Indexes `count` records, whose names `name` gives.
    pub(crate) fn build<'a>(count: u32, name: impl Fn(u32) -> &'a str) -> NameIndex {
        let buckets = (count as usize).next_power_of_two();
        let mut heads = vec![0; buckets];
        let mut next = vec![0; count as usize];
        // From the last to the first, so that a chain lists records by rising id.
        for record in (0..count).rev() {
            let name = name(record);
            if !name.is_empty() {
                let head = &mut heads[bucket(name, buckets)];
                next[record as usize] = *head;
                *head = record + 1;
            }
        }
        NameIndex { heads, next }
    }

    /// Records that may be called `name`, by rising index; others share the bucket.
    pub(crate) fn candidates(&self, name: &str) -> impl Iterator<Item = u32> {
        let first = match self.heads.len() {
            0 => 0,
            buckets => self.heads[bucket(name, buckets)],
        };
        std::iter::successors(first.checked_sub(1), |&record| {
            self.next[record as usize].checked_sub(1)
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only the low bits choose a bucket")]
fn bucket(name: &str, buckets: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    hasher.write(name.as_bytes());
    hasher.finish() as usize & (buckets - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_hold_every_record_of_the_name_in_order() {
        let names = ["a", "", "b", "a", "c", "a"];
        let index = NameIndex::build(6, |record| names[record as usize]);
        let found: Vec<u32> =
            index.candidates("a").filter(|&record| names[record as usize] == "a").collect();
        assert_eq!(found, [0, 3, 5]);
        assert!(index.candidates("").all(|record| !names[record as usize].is_empty()));
    }

    #[test]
    fn an_empty_index_has_no_candidates() {
        assert_eq!(NameIndex::build(0, |_| "").candidates("a").count(), 0);
        assert_eq!(NameIndex::default().candidates("a").count(), 0);
    }
}
