use std::sync::atomic::{AtomicBool, Ordering};

use netloom_abi::{MapKind, MapSpec};

use super::Lpm;
use crate::MapError;
use crate::flags::{create, update};
use crate::operations::Operations;
use crate::share::Supply;

fn trie(data_bytes: u32, entries: u32) -> Lpm {
    let spec = MapSpec::new("t", MapKind::LpmTrie, 4 + data_bytes, 8, entries);
    let spec = MapSpec { flags: create::NO_PREALLOC, ..spec };
    Lpm::new(&spec, &mut Supply::own()).expect("valid")
}

fn key(bits: u32, data: &[u8]) -> Vec<u8> {
    [&bits.to_ne_bytes()[..], data].concat()
}

/// Whether the first `bits` of both are equal, bit by bit.
fn agree(bits: u32, a: &[u8], b: &[u8]) -> bool {
    let bit = |data: &[u8], at: u32| data[(at / 8) as usize] >> (7 - at % 8) & 1;
    (0..bits).all(|at| bit(a, at) == bit(b, at))
}

#[test]
fn a_trie_behaves_as_a_list_of_prefixes_searched_for_the_longest() {
    arbtest::arbtest(|u| {
        let trie = trie(2, 5);
        let mut model: Vec<(u32, [u8; 2], [u8; 8])> = Vec::new();
        for _ in 0..u.int_in_range(1..=60)? {
            let bits = u.int_in_range(0..=17u32)?;
            let data = [*u.choose(&[0u8, 0x80, 0xc0, 0xff])?, *u.choose(&[0u8, 1, 0x80])?];
            let key = key(bits, &data);
            let same =
                model.iter().position(|(b, d, _)| *b == bits && agree(bits.min(16), d, &data));
            match u.int_in_range(0..=3)? {
                0 | 1 => {
                    let flags = u.int_in_range(0..=3u64)?;
                    let value: [u8; 8] = u.arbitrary()?;
                    let expected = match (flags, same) {
                        (3.., _) => Err(MapError::Invalid),
                        _ if bits > 16 => Err(MapError::Invalid),
                        (update::NOEXIST, Some(_)) => Err(MapError::Exists),
                        (update::EXIST, None) => Err(MapError::NotFound),
                        (_, None) if model.len() == 5 => Err(MapError::NoSpace),
                        _ => Ok(()),
                    };
                    assert_eq!(trie.update(&key, &value, flags), expected);
                    if expected.is_ok() {
                        same.map(|at| model.remove(at));
                        model.push((bits, data, value));
                    }
                }
                2 => {
                    let expected = match same {
                        _ if bits > 16 => Err(MapError::Invalid),
                        None => Err(MapError::NotFound),
                        Some(at) => {
                            model.remove(at);
                            Ok(())
                        }
                    };
                    assert_eq!(trie.delete(&key), expected);
                }
                _ => {
                    let matching = model
                        .iter()
                        .filter(|(b, d, _)| bits <= 16 && *b <= bits && agree(*b, d, &data));
                    let best = matching.max_by_key(|(bits, ..)| *bits).map(|(_, _, value)| value);
                    assert_eq!(trie.lookup(&key, 0).ok().as_deref(), best.map(|value| &value[..]));
                }
            }
        }
        let keys = std::iter::successors(trie.next_key(None), |key| trie.next_key(Some(key)));
        let mut keys = keys.collect::<Vec<_>>();
        keys.sort();
        let mut expected = model.iter().map(|(bits, data, _)| key(*bits, data)).collect::<Vec<_>>();
        expected.sort();
        assert_eq!(keys, expected);
        Ok(())
    });
}

#[test]
fn readers_always_find_an_entry_that_stays() {
    let trie = trie(4, 64);
    trie.update(&key(8, &[10, 0, 0, 0]), &[1; 8], 0).expect("room");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 0..20_000u32 {
                let [a, b, ..] = turn.wrapping_mul(2_654_435_761).to_le_bytes();
                let other = key(9 + u32::from(b % 24), &[10, a, b, 0]);
                trie.update(&other, &[2; 8], 0).ok();
                if turn % 2 == 0 {
                    trie.delete(&other).expect("present");
                }
                if turn % 50 == 0 {
                    while let Some(other) = trie.next_key(None).filter(|key| key[0] != 8) {
                        trie.delete(&other).expect("present");
                    }
                }
            }
            stop.store(true, Ordering::Release);
        });
        scope.spawn(|| {
            while !stop.load(Ordering::Acquire) {
                let inside = trie.lookup(&key(32, &[10, 77, 77, 77]), 0);
                assert!(inside.is_ok_and(|value| value == [1; 8] || value == [2; 8]));
                assert_eq!(trie.lookup(&key(32, &[11, 0, 0, 0]), 0), Err(MapError::NotFound));
            }
        });
    });
}
