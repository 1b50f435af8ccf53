use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use netloom_abi::{MapKind, MapSpec};

use super::Hash;
use crate::MapError;
use crate::map::update;

fn hash(key_size: u32, value_size: u32, max_entries: u32) -> Hash {
    let spec = MapSpec::new("h", MapKind::Hash, key_size, value_size, max_entries);
    Hash::new(&spec, 7).expect("valid")
}

fn value(hash: &Hash, key: &[u8]) -> Option<Vec<u8>> {
    hash.find(key).map(|slot| hash.values.copy_out(slot))
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
                    let flags = u.int_in_range(0..=5u64)?;
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
    let address = map.values.address(map.find(b"keyA").expect("present"));
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
                assert!(map.find(b"live").is_some(), "an update never hides its key");
                assert_eq!(map.find(b"dead"), None);
            }
        });
    });
}
