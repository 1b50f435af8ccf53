use std::collections::BTreeMap;

use netloom_abi::{MapKind, MapSpec};
use netloom_maps::Batch;
use netloom_sys::bpf::BatchStep;

use crate::pair::{Pair, errno, geometry, privileged};

/// Type, key bytes, flags, whether a cursor is a key, so that both sides give the same entries.
const MAPS: &[(MapKind, u32, u32, bool)] = &[
    (MapKind::Array, 4, 0, true),
    (MapKind::PercpuArray, 4, 0, true),
    (MapKind::LpmTrie, 6, 1, true),
    (MapKind::Hash, 4, 0, false),
    (MapKind::PercpuHash, 4, 0, false),
    (MapKind::LruHash, 4, 0, false),
    (MapKind::LruPercpuHash, 4, 0, false),
];

/// Types without batches.
const WITHOUT: &[(MapKind, u32, u32, u32)] = &[
    (MapKind::Queue, 0, 4, 4),
    (MapKind::ProgArray, 4, 4, 4),
    (MapKind::Devmap, 4, 4, 4),
    (MapKind::DevmapHash, 4, 4, 4),
];

const ENTRIES: u32 = 8;

fn pair(kind: MapKind, key: u32, flags: u32) -> Pair {
    // An LRU map of the kernel may evict before it is full, so it gets more room than it needs.
    let room = if matches!(kind, MapKind::LruHash | MapKind::LruPercpuHash) { 1024 } else { 1 };
    Pair::of(&MapSpec { flags, ..MapSpec::new("batch", kind, key, 4, ENTRIES * room) })
}

fn key(kind: MapKind, number: u32) -> Vec<u8> {
    if kind == MapKind::LpmTrie {
        [&16u32.to_ne_bytes()[..], &number.to_be_bytes()[2..]].concat()
    } else {
        number.to_ne_bytes().to_vec()
    }
}

fn value(pair: &Pair, number: u32) -> Vec<u8> {
    let mut value = number.to_ne_bytes().to_vec();
    if pair.ours.is_per_cpu() {
        value.resize(8, 0);
        value = value.repeat(geometry().cpus as usize);
    }
    value
}

/// All entries, by batches of `count`, as long as that is not too little for a bucket.
fn walk<S>(
    sizes: (usize, usize),
    count: usize,
    step: impl Fn(Option<&[u8]>, usize) -> Result<S, i32>,
    read: impl Fn(S) -> (Vec<u8>, Vec<u8>, Option<Vec<u8>>, bool),
) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let (mut all, mut cursor, mut count) = (BTreeMap::new(), None, count);
    for _ in 0..10_000 {
        let step = match step(cursor.as_deref(), count) {
            Ok(step) => step,
            Err(28) => {
                count += 1;
                continue;
            }
            Err(2) => return all,
            Err(error) => panic!("error {error}"),
        };
        let (keys, values, next, more) = read(step);
        for (key, value) in keys.chunks(sizes.0).zip(values.chunks(sizes.1)) {
            let twice = all.insert(key.to_vec(), value.to_vec());
            assert_eq!(twice, None, "each entry once");
        }
        cursor = next.or(cursor);
        if !more {
            return all;
        }
    }
    panic!("the walk ends");
}

fn ours(batch: Batch) -> (Vec<u8>, Vec<u8>, Option<Vec<u8>>, bool) {
    (batch.keys, batch.values, batch.cursor, batch.more)
}

fn kernels(step: BatchStep) -> (Vec<u8>, Vec<u8>, Option<Vec<u8>>, bool) {
    (step.entries.keys, step.entries.values, Some(step.cursor), step.more)
}

fn both(pair: &Pair, count: usize, take: bool) -> [BTreeMap<Vec<u8>, Vec<u8>>; 2] {
    let sizes = (pair.kernel.key_bytes(), pair.kernel.value_bytes());
    let here = |from: Option<&[u8]>, count| {
        let batch = if take {
            pair.ours.take_batch(from, count, 0)
        } else {
            pair.ours.lookup_batch(from, count, 0)
        };
        batch.map_err(|error| error.errno())
    };
    let there = |from: Option<&[u8]>, count| {
        pair.kernel.batch(from, count, 0, take).map_err(|error| errno(&error))
    };
    [walk(sizes, count, here, ours), walk(sizes, count, there, kernels)]
}

#[test]
fn batches_change_and_give_what_the_kernels_do() {
    if !privileged() {
        return;
    }
    for &(kind, key_size, flags, by_key) in MAPS {
        let pair = pair(kind, key_size, flags);
        for (first, last) in [(0, 5), (3, 8), (6, 12)] {
            let keys = (first..last).flat_map(|number| key(kind, number)).collect::<Vec<_>>();
            let values =
                (first..last).flat_map(|number| value(&pair, number * 3)).collect::<Vec<_>>();
            for flags in [0, 1, 4, 8] {
                let here = pair.ours.update_batch(&keys, &values, flags);
                let there = pair.kernel.update_batch(&keys, &values, flags);
                let here = (here.0, here.1.map_err(|error| error.errno()));
                let there = (there.0, there.1.map_err(|error| errno(&error)));
                assert_eq!(here, there, "update of {kind}, {first}..{last}, flags {flags}");
            }
        }
        for count in [1, 3, 100] {
            let [ours, kernel] = both(&pair, count, false);
            assert_eq!(ours, kernel, "lookup in {kind} by {count}");
            assert!(!ours.is_empty());
        }
        for flags in [1, 4] {
            let here = pair.ours.lookup_batch(None, 2, flags).map_err(|error| error.errno());
            let there = pair.kernel.batch(None, 2, flags, false).map_err(|error| errno(&error));
            assert_eq!(here.err(), there.err(), "lookup in {kind}, flags {flags}");
        }
        let keys = [1, 2, 77].into_iter().flat_map(|number| key(kind, number)).collect::<Vec<_>>();
        let here = pair.ours.delete_batch(&keys, 0);
        let there = pair.kernel.delete_batch(&keys, 0);
        let there = (there.0, there.1.map_err(|error| errno(&error)));
        assert_eq!((here.0, here.1.map_err(|error| error.errno())), there, "delete from {kind}");
        if by_key {
            let here = pair.ours.take_batch(None, 2, 0).map_err(|error| error.errno());
            let there = pair.kernel.batch(None, 2, 0, true).map_err(|error| errno(&error));
            assert_eq!(here.err(), there.err(), "take from {kind}");
        } else {
            let [ours, kernel] = both(&pair, 4, true);
            assert_eq!(ours, kernel, "take from {kind}");
            assert!(both(&pair, 4, false).iter().all(BTreeMap::is_empty), "{kind} is empty now");
        }
    }
}

#[test]
fn types_without_batches_say_so_as_the_kernels_do() {
    if !privileged() {
        return;
    }
    for &(kind, key, value, entries) in WITHOUT {
        let pair = Pair::of(&MapSpec::new("batch", kind, key, value, entries));
        if key == 0 {
            assert_eq!(pair.ours.lookup_batch(None, 1, 0).map_err(|error| error.errno()), Err(524));
            continue;
        }
        for take in [false, true] {
            let here = if take {
                pair.ours.take_batch(None, 1, 0)
            } else {
                pair.ours.lookup_batch(None, 1, 0)
            };
            let there = pair.kernel.batch(None, 1, 0, take).map_err(|error| errno(&error));
            assert_eq!(here.map_err(|error| error.errno()).err(), there.err(), "{kind}");
        }
        let there = pair.kernel.update_batch(&[0; 4], &[0; 4], 0).1.map_err(|e| errno(&e));
        let here = pair.ours.update_batch(&[0; 4], &[0; 4], 0).1.map_err(|e| e.errno());
        assert_eq!(here, there, "update of {kind}");
        let there = pair.kernel.delete_batch(&[0; 4], 0).1.map_err(|e| errno(&e));
        let here = pair.ours.delete_batch(&[0; 4], 0).1.map_err(|e| e.errno());
        assert_eq!(here, there, "delete from {kind}");
    }
}
