use netloom_abi::{MapKind, MapSpec};

use super::{Geometry, Map};
use crate::{CreateError, MapError, update};

const GEOMETRY: Geometry = Geometry { cpus: 3, hash_seed: 0 };

fn spec(kind: MapKind, key_size: u32, value_size: u32, max_entries: u32) -> MapSpec {
    MapSpec::new("m", kind, key_size, value_size, max_entries)
}

fn map(kind: MapKind) -> Map {
    let spec = if kind == MapKind::RingBuf {
        spec(kind, 0, 0, 4096)
    } else if kind == MapKind::ProgArray {
        spec(kind, 4, 4, 2)
    } else {
        spec(kind, 4, 8, 2)
    };
    Map::new(&spec, GEOMETRY).expect("valid")
}

/// Operation, map kind, key, flags, error number (0: success). Each row starts with a fresh map that
/// holds key 0 (hash, program array) and two entries at most. Numbers from `kernel/bpf`:
/// `arraymap.c`, `hashtab.c`, `syscall.c`.
const ERRNO: &[(&str, MapKind, u32, u64, i32)] = &[
    ("lookup", MapKind::Array, 0, 0, 0),
    ("lookup", MapKind::Array, 2, 0, 2),
    ("lookup", MapKind::Hash, 0, 0, 0),
    ("lookup", MapKind::Hash, 1, 0, 2),
    ("lookup", MapKind::ProgArray, 0, 0, 0),
    ("lookup", MapKind::ProgArray, 1, 0, 2),
    ("lookup", MapKind::ProgArray, 2, 0, 2),
    ("lookup", MapKind::RingBuf, 0, 0, 524),
    ("update", MapKind::Array, 1, update::ANY, 0),
    ("update", MapKind::Array, 1, update::EXIST, 0),
    ("update", MapKind::Array, 1, update::NOEXIST, 17),
    ("update", MapKind::Array, 2, update::ANY, 7),
    ("update", MapKind::Array, 2, update::NOEXIST, 7),
    ("update", MapKind::Array, 2, 3, 22),
    ("update", MapKind::Array, 1, update::LOCK, 22),
    ("update", MapKind::Array, 2, update::LOCK, 22),
    ("update", MapKind::PercpuArray, 1, update::ANY, 0),
    ("update", MapKind::PercpuArray, 1, update::NOEXIST, 17),
    ("update", MapKind::PercpuArray, 2, update::ANY, 7),
    ("update", MapKind::PercpuArray, 2, update::LOCK, 22),
    ("update", MapKind::Hash, 0, update::ANY, 0),
    ("update", MapKind::Hash, 0, update::EXIST, 0),
    ("update", MapKind::Hash, 0, update::NOEXIST, 17),
    ("update", MapKind::Hash, 1, update::NOEXIST, 0),
    ("update", MapKind::Hash, 1, update::EXIST, 2),
    ("update", MapKind::Hash, 1, 3, 22),
    ("update", MapKind::Hash, 1, update::LOCK, 22),
    ("update", MapKind::ProgArray, 1, update::ANY, 0),
    ("update", MapKind::ProgArray, 1, update::EXIST, 22),
    ("update", MapKind::ProgArray, 2, update::ANY, 7),
    ("update", MapKind::RingBuf, 0, 0, 524),
    ("delete", MapKind::Array, 0, 0, 22),
    ("delete", MapKind::PercpuArray, 0, 0, 22),
    ("delete", MapKind::Hash, 0, 0, 0),
    ("delete", MapKind::Hash, 1, 0, 2),
    ("delete", MapKind::ProgArray, 0, 0, 0),
    ("delete", MapKind::ProgArray, 1, 0, 2),
    ("delete", MapKind::ProgArray, 2, 0, 7),
    ("delete", MapKind::RingBuf, 0, 0, 524),
];

#[test]
fn error_numbers_are_the_kernels() {
    for &(operation, kind, key, flags, errno) in ERRNO {
        let map = map(kind);
        let first = 0u32.to_le_bytes();
        let value = vec![7; map.spec().value_size as usize];
        if matches!(kind, MapKind::Hash | MapKind::ProgArray) {
            map.update(&first, &value, update::ANY).expect("room");
        }
        let key = if kind == MapKind::RingBuf { vec![] } else { key.to_le_bytes().to_vec() };
        let result = match operation {
            "lookup" => map.lookup(&key).map(|_| ()),
            "update" => map.update(&key, &value, flags),
            _ => map.delete(&key),
        };
        let got = result.err().map_or(0, MapError::errno);
        assert_eq!(got, errno, "{operation} {kind:?} key {key:?} flags {flags}");
    }
}

#[test]
fn a_full_hash_refuses_new_keys_only() {
    let map = map(MapKind::Hash);
    for key in 0..2u32 {
        map.update(&key.to_le_bytes(), &[1; 8], update::ANY).expect("room");
    }
    let third = 2u32.to_le_bytes();
    assert_eq!(map.update(&third, &[1; 8], update::ANY), Err(MapError::Full));
    assert_eq!(map.update(&third, &[1; 8], update::EXIST), Err(MapError::NotFound));
    assert_eq!(map.update(&0u32.to_le_bytes(), &[2; 8], update::ANY), Ok(()));
    map.delete(&1u32.to_le_bytes()).expect("present");
    assert_eq!(map.update(&third, &[1; 8], update::NOEXIST), Ok(()));
}

#[test]
fn sizes_of_keys_and_values_are_checked() {
    let hash = map(MapKind::Hash);
    assert_eq!(hash.lookup(&[0; 3]), Err(MapError::KeySize));
    assert_eq!(hash.update(&[0; 4], &[0; 7], 0), Err(MapError::ValueSize));
    assert_eq!(hash.delete(&[0; 5]), Err(MapError::KeySize));
    let array = map(MapKind::Array);
    assert_eq!(array.lookup(&[0; 8]), Err(MapError::KeySize));
    assert_eq!(array.update(&[0; 4], &[0; 9], 0), Err(MapError::ValueSize));
    assert_eq!(map(MapKind::ProgArray).update(&[0; 4], &[0; 8], 0), Err(MapError::ValueSize));
}

/// Kind, key size, value size, entries, flags, whether `BPF_MAP_CREATE` takes it.
const SHAPES: &[(MapKind, u32, u32, u32, u32, bool)] = &[
    (MapKind::Array, 4, 1, 1, 0, true),
    (MapKind::Array, 8, 1, 1, 0, false),
    (MapKind::Array, 4, 0, 1, 0, false),
    (MapKind::Array, 4, 1, 0, 0, false),
    (MapKind::Array, 4, 1, 1, 1, false),
    (MapKind::Array, 4, 1, 1, 1 << 10, true),
    (MapKind::PercpuArray, 4, 32 << 10, 1, 0, true),
    (MapKind::PercpuArray, 4, (32 << 10) + 8, 1, 0, false),
    (MapKind::PercpuArray, 4, 8, 1, 1 << 10, false),
    (MapKind::Hash, 512, 8, 1, 1, true),
    (MapKind::Hash, 513, 8, 1, 0, true),
    (MapKind::Hash, 4, 4 << 20, 1, 0, false),
    (MapKind::LruHash, 4, 8, 1, 1, false),
    (MapKind::LpmTrie, 8, 8, 1, 0, false),
    (MapKind::StackTrace, 4, 8, 1, 0, false),
    (MapKind::Hash, 0, 8, 1, 0, false),
    (MapKind::Hash, 4, 0, 1, 0, false),
    (MapKind::Hash, 4, 8, 1, 1 << 10, false),
    (MapKind::ProgArray, 4, 4, 1, 0, true),
    (MapKind::ProgArray, 4, 8, 1, 0, false),
    (MapKind::ProgArray, 4, 4, 1, 1 << 7, false),
    (MapKind::RingBuf, 0, 0, 4096, 0, true),
    (MapKind::RingBuf, 0, 0, 4095, 0, false),
    (MapKind::RingBuf, 4, 0, 4096, 0, false),
];

#[test]
fn shapes_are_taken_as_the_kernel_takes_them() {
    for &(kind, key_size, value_size, max_entries, flags, valid) in SHAPES {
        let spec = MapSpec { flags, ..spec(kind, key_size, value_size, max_entries) };
        let made = Map::new(&spec, GEOMETRY);
        assert_eq!(made.is_ok(), valid, "{spec:?}: {:?}", made.err());
    }
}

#[test]
fn a_map_larger_than_allowed_is_an_error_and_takes_no_memory() {
    for kind in [MapKind::Array, MapKind::Hash] {
        let made = Map::new(&spec(kind, 4, 1 << 20, 1 << 30), GEOMETRY);
        assert!(matches!(made, Err(CreateError::Memory { .. })), "{kind:?}");
    }
    let made = Map::new(&spec(MapKind::PercpuArray, 4, 8, u32::MAX), GEOMETRY);
    assert!(matches!(made, Err(CreateError::MaxEntries { .. })));
}

#[test]
fn initial_values_stand_on_every_cpu() {
    let initial = vec![vec![1; 8], vec![2; 8]];
    let spec = MapSpec { initial, ..spec(MapKind::PercpuArray, 4, 8, 3) };
    let map = Map::new(&spec, GEOMETRY).expect("valid");
    let at = |index: u32| map.lookup_percpu(&index.to_le_bytes()).expect("inside");
    assert_eq!(at(0), vec![vec![1; 8]; 3]);
    assert_eq!(at(1), vec![vec![2; 8]; 3]);
    assert_eq!(at(2), vec![vec![0; 8]; 3]);
    let wrong = MapSpec { initial: vec![vec![1; 7]], ..spec };
    assert_eq!(Map::new(&wrong, GEOMETRY).err(), Some(CreateError::Initial { index: 0 }));
}

#[test]
fn programs_on_different_cpus_see_different_values() {
    let map = map(MapKind::PercpuArray);
    let key = 1u32.to_le_bytes();
    map.update_on(2, &key, &[9; 8], update::ANY).expect("inside");
    let all = map.lookup_percpu(&key).expect("inside");
    assert_eq!(all, vec![vec![0; 8], vec![0; 8], vec![9; 8]]);
    assert_ne!(map.value_address(&key, 0), map.value_address(&key, 1));
    assert_eq!(map.value_address(&key, 3), Err(MapError::NotFound), "no such cpu");
    assert_eq!(map.lookup(&key), Err(MapError::Invalid));
}

#[test]
fn keys_visits_every_entry_once() {
    assert_eq!(map(MapKind::Array).keys().count(), 2);
    let hash = map(MapKind::Hash);
    assert_eq!(hash.keys().count(), 0);
    hash.update(&[1, 0, 0, 0], &[0; 8], 0).expect("room");
    hash.update(&[2, 0, 0, 0], &[0; 8], 0).expect("room");
    let mut keys = hash.keys().collect::<Vec<_>>();
    keys.sort();
    assert_eq!(keys, [vec![1, 0, 0, 0], vec![2, 0, 0, 0]]);
}

#[test]
fn a_program_array_starts_with_its_initial_programs() {
    let initial = vec![vec![], vec![5, 0, 0, 0]];
    let spec = MapSpec { initial, ..spec(MapKind::ProgArray, 4, 4, 3) };
    let map = Map::new(&spec, GEOMETRY).expect("valid");
    let programs = map.programs().expect("a program array");
    assert_eq!([0, 1, 2, 3].map(|index| programs.program(index)), [None, Some(5), None, None]);
}
