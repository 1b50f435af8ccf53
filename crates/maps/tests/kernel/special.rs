use std::os::fd::AsFd;

use netloom_abi::{MapKind, MapSpec};
use netloom_maps::{Map, MapError, update};
use netloom_sys::bpf::Map as KernelMap;

use crate::pair::{Pair, errno, geometry, privileged};

#[test]
fn a_bloom_filter_denies_no_value_that_was_added() {
    if !privileged() {
        return;
    }
    for map_extra in [0, 1, 7, 15] {
        let spec = MapSpec::new("bloom", MapKind::BloomFilter, 0, 6, 200);
        let pair = Pair::of(&MapSpec { map_extra, ..spec });
        let value = |number: u64| number.to_le_bytes()[..6].to_vec();
        for number in 0..200 {
            for flags in [0, 1, 4] {
                let [ours, kernel] = pair.update(&[], &value(number), flags);
                assert_eq!(ours, kernel, "flags {flags}");
            }
        }
        let look = |number: u64| {
            let mut looked_for = value(number);
            let kernel = pair.kernel.lookup_into(&[], &mut looked_for, 0);
            let ours = pair.ours.lookup_raw(&value(number), 0);
            [ours.map(drop).map_err(|e| e.errno()), kernel.map_err(|e| errno(&e))]
        };
        for number in 0..200 {
            assert_eq!(look(number), [Ok(()), Ok(())], "{number} of {map_extra}");
        }
        let mut wrong = [0u32; 2];
        for number in 1000..11_000 {
            for (wrong, result) in wrong.iter_mut().zip(look(number)) {
                assert!(matches!(result, Ok(()) | Err(2)));
                *wrong += u32::from(result.is_ok());
            }
        }
        assert!(wrong[0] <= wrong[1] * 2 + 100, "false claims, ours and the kernel's: {wrong:?}");
        let [ours, kernel] = pair.delete(&[]);
        assert_eq!(ours, kernel);
        let [ours, kernel] = pair.take(&[], 0);
        assert_eq!(ours, kernel);
        let [ours, kernel] = pair.key_after(None);
        assert_eq!(ours, kernel);
    }
}

/// Template, candidate, and whether the candidate may be in a map with that template.
fn candidates() -> Vec<(MapSpec, MapSpec)> {
    let array = MapSpec::new("a", MapKind::Array, 4, 8, 2);
    let hash = MapSpec::new("h", MapKind::Hash, 4, 8, 2);
    let any_size = MapSpec { flags: 1 << 12, ..array.clone() };
    vec![
        (array.clone(), array.clone()),
        (array.clone(), MapSpec { max_entries: 3, ..array.clone() }),
        (array.clone(), MapSpec { value_size: 4, ..array.clone() }),
        (array.clone(), hash.clone()),
        (hash.clone(), MapSpec { max_entries: 3, ..hash.clone() }),
        (hash.clone(), MapSpec { flags: 1, ..hash.clone() }),
        (any_size.clone(), MapSpec { max_entries: 3, ..any_size.clone() }),
        (any_size, array),
    ]
}

#[test]
fn maps_of_maps_take_the_maps_the_kernels_take() {
    if !privileged() {
        return;
    }
    for kind in [MapKind::ArrayOfMaps, MapKind::HashOfMaps] {
        for (template, candidate) in candidates() {
            let outer = MapSpec::new("outer", kind, 4, 4, 2);
            let pair = Pair::of(&MapSpec { inner: Some(Box::new(template.clone())), ..outer });
            let inner = KernelMap::create(&candidate).expect("valid");
            let number = inner.as_fd();
            let fd = std::os::fd::AsRawFd::as_raw_fd(&number).to_ne_bytes();
            for (key, flags) in [(0u32, 0), (1, 1), (1, 1), (2, 0), (3, 0), (0, 2), (4, 2), (0, 3)]
            {
                let key = key.to_ne_bytes();
                let maps = pair.ours.maps().expect("a map of maps");
                let ours = maps.set(&key, 7, &candidate, flags).map_err(MapError::errno);
                let kernel = pair.kernel.update_with(&key, &fd, flags);
                let kernel = kernel.map_err(|error| errno(&error));
                assert_eq!(ours, kernel, "{kind} of {template:?}: {candidate:?}, {key:?}, {flags}");
                let there = |[ours, kernel]: [Result<Vec<u8>, i32>; 2]| {
                    assert_eq!(ours.map(drop), kernel.map(drop), "{kind} {key:?}");
                };
                there(pair.lookup(&key, 0));
                there(pair.key_after(Some(&[9, 0, 0, 0])));
            }
            for key in [0u32, 0, 1, 2, 9] {
                let [ours, kernel] = pair.delete(&key.to_ne_bytes());
                assert_eq!(ours, kernel, "delete {key} from {kind}");
            }
        }
    }
}

#[test]
fn maps_that_can_not_be_in_a_map_are_refused_as_templates() {
    if !privileged() {
        return;
    }
    for (kind, value) in
        [(MapKind::ProgArray, 4), (MapKind::Array, 8), (MapKind::PerfEventArray, 4)]
    {
        let template = MapSpec::new("inner", kind, 4, value, 2);
        let outer = MapSpec::new("outer", MapKind::ArrayOfMaps, 4, 4, 2);
        if let Err((ours, kernel)) =
            Pair::new(&MapSpec { inner: Some(Box::new(template)), ..outer })
        {
            assert_eq!(ours, kernel, "{kind}");
        }
    }
}

#[test]
fn a_full_lru_map_takes_new_keys_on_both_sides() {
    if !privileged() {
        return;
    }
    for kind in [MapKind::LruHash, MapKind::LruPercpuHash] {
        for flags in [0, 1 << 1] {
            let pair = Pair::of(&MapSpec { flags, ..MapSpec::new("lru", kind, 4, 8, 64) });
            let value = vec![1; pair.kernel.value_bytes()];
            for key in 0..1000u32 {
                let [ours, kernel] = pair.update(&key.to_ne_bytes(), &value, update::ANY);
                assert_eq!(ours, kernel, "{key}");
                let [ours, kernel] = pair.lookup(&key.to_ne_bytes(), 0);
                assert_eq!(ours, kernel, "the newest key is there");
                for wrong in [3, 4, 5] {
                    let [ours, kernel] = pair.update(&key.to_ne_bytes(), &value, wrong);
                    assert_eq!(ours, kernel, "flags {wrong}");
                }
            }
            let held = pair.ours.keys().count();
            let own_part = if flags == 0 { 64 } else { 64 / geometry().cpus as usize };
            assert_eq!(held, own_part);
            let kernel = pair.kernel.entries().expect("readable").keys.len() / 4;
            assert!(kernel <= 64, "the kernel keeps {kernel}");
        }
    }
    let spec = MapSpec::new("alone", MapKind::LruHash, 4, 8, 1);
    assert!(Map::new(&spec, geometry()).is_ok());
}
