use std::collections::BTreeMap;

use arbtest::arbitrary::{Result, Unstructured};
use netloom_abi::{MapKind, MapSpec, ValueFields};

use crate::pair::{Outcome, Pair, errno, geometry, privileged};

/// How the keys of a map type come one after the other.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    /// As the kernel gives them.
    Same,
    /// In no order that means anything.
    Any,
}

/// Operations per map.
const STEPS: usize = 120;
/// Milliseconds per map type.
const BUDGET_MS: u64 = 700;

/// Name, type, key bytes, value bytes, entries, flags, order.
const MAPS: &[(&str, MapKind, u32, u32, u32, u32, Order)] = &[
    ("array", MapKind::Array, 4, 5, 4, 0, Order::Same),
    ("array, mmapable", MapKind::Array, 4, 12, 4, 1 << 10, Order::Same),
    ("array, read-only", MapKind::Array, 4, 8, 4, 1 << 3, Order::Same),
    ("array, write-only", MapKind::Array, 4, 8, 4, 1 << 4, Order::Same),
    ("percpu array", MapKind::PercpuArray, 4, 12, 4, 0, Order::Same),
    ("hash", MapKind::Hash, 4, 5, 4, 0, Order::Any),
    ("hash, not preallocated", MapKind::Hash, 4, 8, 4, 1, Order::Any),
    ("hash, programs read only", MapKind::Hash, 4, 8, 4, 1 << 7, Order::Any),
    ("percpu hash", MapKind::PercpuHash, 4, 12, 4, 0, Order::Any),
    ("lpm trie", MapKind::LpmTrie, 6, 4, 4, 1, Order::Same),
    ("queue", MapKind::Queue, 0, 4, 3, 0, Order::Same),
    ("stack", MapKind::Stack, 0, 4, 3, 0, Order::Same),
    ("prog array", MapKind::ProgArray, 4, 4, 4, 0, Order::Same),
    ("devmap", MapKind::Devmap, 4, 4, 4, 0, Order::Same),
    ("devmap with programs", MapKind::Devmap, 4, 8, 4, 0, Order::Same),
    ("devmap hash", MapKind::DevmapHash, 4, 4, 4, 0, Order::Any),
    ("cpumap", MapKind::Cpumap, 4, 4, 4, 0, Order::Same),
    ("cpumap with programs", MapKind::Cpumap, 4, 8, 4, 0, Order::Same),
    ("xskmap", MapKind::Xskmap, 4, 4, 4, 0, Order::Same),
    ("perf event array", MapKind::PerfEventArray, 4, 4, 4, 0, Order::Same),
    ("ring buffer", MapKind::RingBuf, 0, 0, 4096, 0, Order::Same),
    ("user ring buffer", MapKind::UserRingBuf, 0, 0, 4096, 0, Order::Same),
    ("arena", MapKind::Arena, 0, 0, 4, 1 << 10, Order::Same),
    ("cgroup storage", MapKind::CgroupStorage, 8, 8, 0, 0, Order::Same),
];

fn spec(row: &(&str, MapKind, u32, u32, u32, u32, Order)) -> MapSpec {
    let &(_, kind, key, value, entries, flags, _) = row;
    MapSpec { flags, ..MapSpec::new("entries", kind, key, value, entries) }
}

fn same(operation: &str, what: &str, [ours, kernel]: [Outcome; 2]) -> Outcome {
    assert_eq!(ours, kernel, "{operation} of {what}: ours and the kernel's");
    ours
}

/// A key: few values, some of them outside the map.
fn key(u: &mut Unstructured<'_>, spec: &MapSpec) -> Result<Vec<u8>> {
    if spec.kind == MapKind::LpmTrie {
        let bits = u.int_in_range(0..=17u32)?;
        let data = [*u.choose(&[0u8, 0x80, 0xc0, 0xff])?, *u.choose(&[0u8, 1, 0x80])?];
        return Ok([&bits.to_ne_bytes()[..], &data].concat());
    }
    let mut key = vec![0; spec.key_size as usize];
    if let Some(first) = key.first_mut() {
        *first = u.int_in_range(0..=6)?;
    }
    Ok(key)
}

/// A value: what the map type can hold, now and then what it can not.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others hold any bytes")]
fn value(u: &mut Unstructured<'_>, pair: &Pair) -> Result<Vec<u8>> {
    let spec = pair.ours.spec();
    let size = spec.value_size as usize;
    let mut one = || -> Result<Vec<u8>> {
        let first = match spec.kind {
            // The loopback device; no other is known to be there or not.
            MapKind::Devmap | MapKind::DevmapHash => u.int_in_range(0..=1u32)?,
            MapKind::Cpumap => *u.choose(&[0, 1, 64, 16384, 16385])?,
            // No descriptor has this number.
            MapKind::Xskmap | MapKind::PerfEventArray | MapKind::ProgArray => u32::MAX,
            _ => {
                let mut bytes = vec![0; size];
                u.fill_buffer(&mut bytes)?;
                return Ok(bytes);
            }
        };
        let mut bytes = first.to_ne_bytes().to_vec();
        bytes.resize(size, 0);
        if size == 8 {
            let program: &i32 = u.choose(&[0, 0, -1])?;
            bytes[4..].copy_from_slice(&program.to_ne_bytes());
        }
        Ok(bytes)
    };
    if !pair.ours.is_per_cpu() {
        return one();
    }
    let mut all = Vec::new();
    for _ in 0..geometry().cpus {
        all.extend(one()?);
        all.resize(all.len().next_multiple_of(8), 0);
    }
    Ok(all)
}

fn step(u: &mut Unstructured<'_>, pair: &Pair, order: Order) -> Result<()> {
    let spec = pair.ours.spec();
    let key = key(u, spec)?;
    let flags = *u.choose(&[0, 0, 0, 1, 2, 3, 4, 5, 8, 1 << 40])?;
    match u.int_in_range(0..=9)? {
        0..=3 => {
            let value = value(u, pair)?;
            let what = format!("{key:?} = {value:?}, flags {flags}");
            drop(same("update", &what, pair.update(&key, &value, flags)));
        }
        4 => drop(same("delete", &format!("{key:?}"), pair.delete(&key))),
        5 => drop(same("take", &format!("{key:?}, flags {flags}"), pair.take(&key, flags))),
        6 => {
            let from = if u.ratio(1, 3)? { None } else { Some(&key[..]) };
            let outcomes = pair.key_after(from);
            if order == Order::Same {
                drop(same("next key", &format!("{from:?}"), outcomes));
            } else if from.is_none() {
                assert_eq!(outcomes[0].is_ok(), outcomes[1].is_ok(), "first key");
            }
        }
        _ => drop(same("lookup", &format!("{key:?}, flags {flags}"), pair.lookup(&key, flags))),
    }
    Ok(())
}

/// All entries, by walking the keys.
fn contents(pair: &Pair) -> [BTreeMap<Vec<u8>, Outcome>; 2] {
    let mut all = [BTreeMap::new(), BTreeMap::new()];
    for (side, all) in all.iter_mut().enumerate() {
        let mut key: Option<Vec<u8>> = None;
        while let Ok(next) = pair.key_after(key.as_deref())[side].clone() {
            assert!(all.len() < 1000, "the walk ends");
            all.insert(next.clone(), pair.lookup(&next, 0)[side].clone());
            key = Some(next);
        }
    }
    all
}

#[test]
fn random_operations_give_the_kernels_results() {
    if !privileged() {
        return;
    }
    for row in MAPS {
        let spec = spec(row);
        arbtest::arbtest(|u| {
            let pair = Pair::of(&spec);
            for _ in 0..u.int_in_range(1..=STEPS)? {
                step(u, &pair, row.6)?;
            }
            if spec.key_size > 0 && spec.kind != MapKind::CgroupStorage {
                let [ours, kernel] = contents(&pair);
                assert_eq!(ours, kernel, "contents of {}: ours and the kernel's", row.0);
            }
            Ok(())
        })
        .budget_ms(BUDGET_MS);
    }
}

#[test]
fn values_with_a_lock_hide_it_and_are_copied_under_it() {
    if !privileged() {
        return;
    }
    for kind in [MapKind::Hash, MapKind::Array] {
        let fields = ValueFields { spin_lock: Some(8), timer: Some(16), workqueue: None };
        let spec = MapSpec { fields, ..MapSpec::new("locked", kind, 4, 40, 4) };
        arbtest::arbtest(|u| {
            let pair = Pair::of(&spec);
            for _ in 0..u.int_in_range(1..=60)? {
                step(u, &pair, Order::Any)?;
            }
            let [ours, kernel] = contents(&pair);
            assert_eq!(ours, kernel);
            let frozen = pair.kernel.freeze().map_err(|error| errno(&error));
            assert_eq!(pair.ours.freeze().map_err(|error| error.errno()), frozen);
            Ok(())
        })
        .budget_ms(400);
    }
}

#[test]
fn a_frozen_map_is_read_only_to_user_space() {
    if !privileged() {
        return;
    }
    for flags in [0, 1 << 3, 1 << 4, 1 << 7] {
        let pair = Pair::of(&MapSpec { flags, ..MapSpec::new("f", MapKind::Array, 4, 4, 2) });
        for _ in 0..2 {
            let kernel = pair.kernel.freeze().map_err(|error| errno(&error));
            assert_eq!(pair.ours.freeze().map_err(|error| error.errno()), kernel, "{flags:#x}");
            drop(same("update", "0", pair.update(&[0; 4], &[1; 4], 0)));
            drop(same("lookup", "0", pair.lookup(&[0; 4], 0)));
        }
    }
}
