use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use netloom_abi::{MapKind, MapSpec};

use super::Hash;
use crate::flags::{create, update};
use crate::operations::Operations;
use crate::share::Supply;
use crate::{Geometry, MapError};

const GEOMETRY: Geometry = Geometry { cpus: 2, hash_seed: 7 };

fn hash(key_size: u32, value_size: u32, max_entries: u32) -> Hash {
    let spec = MapSpec::new("h", MapKind::Hash, key_size, value_size, max_entries);
    made(&spec)
}

fn made(spec: &MapSpec) -> Hash {
    Hash::new(spec, GEOMETRY, &mut Supply::own()).expect("valid")
}

fn value(hash: &Hash, key: &[u8]) -> Option<Vec<u8>> {
    hash.lookup(key, 0).ok()
}

#[test]
fn a_hash_map_behaves_as_a_bounded_ordered_map_does() {
    arbtest::arbtest(|u| {
        let key_size = *u.choose(&[1usize, 4, 8, 13])?;
        let entries = u.int_in_range(1..=6u32)?;
        let map = hash(u32::try_from(key_size).expect("small"), 3, entries);
        let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for _ in 0..u.int_in_range(1..=60)? {
            let mut key = vec![0; key_size];
            key[key_size - 1] = u.int_in_range(0..=8u8)?;
            let room = model.len() < entries as usize;
            match u.int_in_range(0..=2)? {
                0 => {
                    let flags = u.int_in_range(0..=3u64)?;
                    let new: [u8; 3] = u.arbitrary()?;
                    let expected = match (flags, model.contains_key(&key)) {
                        (3.., _) => Err(MapError::Invalid),
                        (update::NOEXIST, true) => Err(MapError::Exists),
                        (update::EXIST, false) => Err(MapError::NotFound),
                        (_, false) if !room => Err(MapError::Full),
                        _ => Ok(()),
                    };
                    assert_eq!(map.update(&key, &new, flags), expected);
                    if expected.is_ok() {
                        model.insert(key, new.to_vec());
                    }
                }
                1 => {
                    let expected = model.remove(&key).map(|_| ()).ok_or(MapError::NotFound);
                    assert_eq!(map.delete(&key), expected);
                }
                _ => assert_eq!(value(&map, &key).as_ref(), model.get(&key)),
            }
        }
        let mut keys = vec![];
        let mut key = map.next_key(None);
        while let Some(now) = key {
            key = map.next_key(Some(&now));
            keys.push(now);
        }
        keys.sort();
        assert_eq!(keys, model.keys().cloned().collect::<Vec<_>>());
        Ok(())
    });
}

#[test]
fn an_address_keeps_its_value_over_one_update_of_the_key() {
    let map = hash(4, 8, 4);
    map.update(b"keyA", b"old-old-", 0).expect("room");
    let address = map.find(b"keyA", 0).expect("present");
    map.update(b"keyA", b"new-new-", 0).expect("present");
    assert_eq!(value(&map, b"keyA").as_deref(), Some(&b"new-new-"[..]));
    let mut held = [0; 8];
    map.values.read(address, &mut held).expect("addresses stay valid");
    assert_eq!(&held, b"old-old-");
}

#[test]
fn a_key_of_an_absent_entry_continues_at_the_first() {
    let map = hash(1, 1, 4);
    map.update(b"a", b"1", 0).expect("room");
    assert_eq!(map.next_key(Some(b"z")), Some(b"a".to_vec()));
    assert_eq!(map.next_key(Some(b"a")), None);
}

#[test]
fn readers_see_whole_values_while_writers_replace_them() {
    let map = hash(4, 16, 8);
    let stop = AtomicBool::new(false);
    map.update(b"live", &[0; 16], 0).expect("room");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 0..20_000u32 {
                let other = (turn % 5).to_le_bytes();
                map.update(b"live", &[(turn % 251).to_le_bytes()[0]; 16], 0).expect("present");
                map.update(&other, &[0xee; 16], 0).expect("room");
                map.delete(&other).expect("present");
            }
            stop.store(true, Ordering::Release);
        });
        scope.spawn(|| {
            while !stop.load(Ordering::Acquire) {
                assert!(map.find(b"live", 0).is_some(), "an update never hides its key");
                assert_eq!(map.find(b"dead", 0), None);
            }
        });
    });
}

#[test]
fn an_update_keeps_the_order_of_a_walk_over_the_keys() {
    let map = hash(4, 8, 64);
    for key in 0..64u32 {
        map.update(&key.to_le_bytes(), &[0; 8], 0).expect("room");
    }
    let keys = || std::iter::successors(map.next_key(None), |key| map.next_key(Some(key)));
    let before = keys().collect::<Vec<_>>();
    let mut during = Vec::new();
    for (turn, key) in keys().enumerate() {
        let other = u32::try_from(turn * 7 % 64).expect("small").to_le_bytes();
        map.update(&other, &[1; 8], 0).expect("present");
        during.push(key);
    }
    assert_eq!(during, before, "each key once, whatever is updated meanwhile");
}

fn lru(max_entries: u32, flags: u32) -> Hash {
    made(&MapSpec { flags, ..MapSpec::new("l", MapKind::LruHash, 4, 8, max_entries) })
}

#[test]
fn a_full_map_evicts_what_was_not_used() {
    let map = lru(64, 0);
    let put = |key: u32| map.update(&key.to_le_bytes(), &key.to_le_bytes().repeat(2), 0);
    let used = |key: u32| key.is_multiple_of(8);
    (0..64).for_each(|key| put(key).expect("room"));
    for new in 64..104 {
        for key in (0..64).filter(|&key| used(key)) {
            assert!(map.find(&key.to_le_bytes(), 0).is_some(), "{key} was used before {new} came");
        }
        put(new).expect("an update evicts rather than fails");
        assert!(map.find_slot(&new.to_le_bytes()).is_some(), "the new one is there");
    }
    let held = (0..104u32).filter(|key| map.find_slot(&key.to_le_bytes()).is_some());
    assert_eq!(held.count(), 64, "never more entries than asked for");
}

#[test]
fn with_a_list_per_cpu_each_cpu_evicts_its_own_entries() {
    let map = lru(7, create::NO_COMMON_LRU);
    let there = |key: u32| map.find_slot(&key.to_le_bytes()).is_some();
    for key in 0..4u32 {
        map.update_on(0, &key.to_le_bytes(), &[0; 8], 0).expect("room");
    }
    for key in 100..200u32 {
        map.update_on(1, &key.to_le_bytes(), &[1; 8], 0).expect("evicts");
    }
    assert!((0..4).all(there), "the other CPU's entries stay; 7 was rounded up to 8");
    assert_eq!((100..200).filter(|&key| there(key)).count(), 4);
    for _ in 0..20 {
        map.update_on(0, &2u32.to_le_bytes(), &[9; 8], 0).expect("evicts for the next value");
        assert!(there(2));
    }
}

#[test]
fn writers_on_two_threads_lose_nothing() {
    let map = hash(4, 8, 2048);
    std::thread::scope(|scope| {
        for lane in 0..2u32 {
            let map = &map;
            scope.spawn(move || {
                for turn in 0..30_000u32 {
                    let key = ((lane << 16) | (turn % 1000)).to_le_bytes();
                    let value = u64::from(turn).to_le_bytes();
                    map.update(&key, &value, 0).expect("room");
                    assert_eq!(map.lookup(&key, 0).as_deref(), Ok(&value[..]));
                    if turn % 3 == 0 {
                        map.delete(&key).expect("present");
                    }
                }
            });
        }
    });
    let live = std::iter::successors(map.next_key(None), |key| map.next_key(Some(key))).count();
    let last = |key: u32| (0..30_000u32).rev().find(|turn| turn % 1000 == key).expect("some");
    let kept = (0..1000).filter(|&key| last(key) % 3 != 0).count();
    assert_eq!(live, 2 * kept);
    let rest = (0..2048u32).skip(live).map(|number| (number | 1 << 30).to_le_bytes());
    let free = rest.into_iter().try_for_each(|key| map.update(&key, &[0; 8], 0));
    assert_eq!(free, Ok(()), "no slot was lost");
    assert_eq!(map.update(&[0xff; 4], &[0; 8], 0), Err(MapError::Full));
}

#[test]
fn eviction_from_two_threads_keeps_the_map_consistent() {
    let map = lru(128, 0);
    std::thread::scope(|scope| {
        for lane in 0..2u32 {
            let map = &map;
            scope.spawn(move || {
                for turn in 0..20_000u32 {
                    let key = (turn.wrapping_mul(2_654_435_761) % 1024 + lane).to_le_bytes();
                    let done = map.update(&key, &u64::from(turn).to_le_bytes(), 0);
                    assert!(matches!(done, Ok(()) | Err(MapError::Memory)), "{done:?}");
                }
            });
        }
    });
    let live = std::iter::successors(map.next_key(None), |key| map.next_key(Some(key))).count();
    assert_eq!(live, 128);
    (0..1024u32)
        .for_each(|key| assert!(map.update(&(key | 1 << 20).to_le_bytes(), &[0; 8], 0).is_ok()));
}
