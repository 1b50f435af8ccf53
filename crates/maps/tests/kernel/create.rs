use netloom_abi::{MapKind, MapSpec, ValueFields};

use crate::pair::{Pair, privileged};

/// Types that both sides make. The others need a socket, or a cgroup, or do not exist here.
const KINDS: &[MapKind] = &[
    MapKind::Hash,
    MapKind::Array,
    MapKind::ProgArray,
    MapKind::PerfEventArray,
    MapKind::PercpuHash,
    MapKind::PercpuArray,
    MapKind::LruHash,
    MapKind::LruPercpuHash,
    MapKind::LpmTrie,
    MapKind::ArrayOfMaps,
    MapKind::HashOfMaps,
    MapKind::Devmap,
    MapKind::Cpumap,
    MapKind::Xskmap,
    MapKind::CgroupStorage,
    MapKind::PercpuCgroupStorage,
    MapKind::Queue,
    MapKind::Stack,
    MapKind::SkStorage,
    MapKind::TaskStorage,
    MapKind::CgrpStorage,
    MapKind::InodeStorage,
    MapKind::DevmapHash,
    MapKind::RingBuf,
    MapKind::BloomFilter,
    MapKind::UserRingBuf,
    MapKind::Arena,
];

/// Sizes around every bound in `kernel/bpf`.
const KEYS: &[u32] = &[0, 1, 3, 4, 5, 8, 9, 16, 20, 260, 261, 512, 513, 4096];
const VALUES: &[u32] =
    &[0, 1, 4, 5, 8, 12, 16, 4096, 4097, 32768, 32769, 65407, 65408, 65536, 4 << 20];
const ENTRIES: &[u32] = &[0, 1, 2, 3, 7, 4095, 4096, 8192, 12288];

/// Flag sets that mean something to some type: none, one flag, or one with those it may need.
fn flags(number: u32) -> u32 {
    match number {
        0 => 0,
        1..=20 => 1 << (number - 1),
        21..=40 => 1 | 1 << (number - 21),
        41..=60 => 1 << 10 | 1 << (number - 41),
        61 => 1 << 3 | 1 << 4,
        62 => 1 << 7 | 1 << 8,
        _ => 1 << 2 | 1 << 3 | 1 << 7,
    }
}

/// Flags whose argument this test does not give, so that their meaning is elsewhere.
const WITH_ARGUMENT: u32 = 1 << 15 | 1 << 16 | 1 << 14;

/// The same attributes are tried each time.
const CASES: u64 = 6_000;
/// Random bytes that one case may use.
const CASE_BYTES: u64 = 256;

#[test]
fn odd_attributes_are_taken_and_refused_as_the_kernel_does() {
    if !privileged() {
        return;
    }
    for case in 0..CASES {
        arbtest::arbtest(odd_attributes).seed(case << 32 | CASE_BYTES);
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all others alike")]
fn odd_attributes(u: &mut arbtest::arbitrary::Unstructured<'_>) -> arbtest::arbitrary::Result<()> {
    let kind = *u.choose(KINDS)?;
    // Mostly what fits, so that not everything fails for its first reason.
    let fitting = |kind| match kind {
        MapKind::Queue | MapKind::Stack | MapKind::BloomFilter => (0, 8, 0),
        MapKind::RingBuf | MapKind::UserRingBuf => (0, 0, 0),
        MapKind::Arena => (0, 0, 1 << 10),
        MapKind::LpmTrie => (8, 8, 1),
        MapKind::SkStorage | MapKind::TaskStorage | MapKind::CgrpStorage => (4, 8, 1),
        MapKind::InodeStorage => (4, 8, 1),
        MapKind::CgroupStorage | MapKind::PercpuCgroupStorage => (8, 8, 0),
        _ => (4, 4, 0),
    };
    let (key, value, required) = fitting(kind);
    let key_size = if u.ratio(1, 3)? { *u.choose(KEYS)? } else { key };
    let value_size = if u.ratio(1, 3)? { *u.choose(VALUES)? } else { value };
    let flags = if u.ratio(1, 2)? { flags(u.int_in_range(0..=63)?) } else { required };
    let max_entries = match value_size {
        // The bound is the kernel's number of processors at most, which is its configuration's.
        _ if kind == MapKind::Cpumap => u.int_in_range(0..=7)?,
        0..=4096 => *u.choose(ENTRIES)?,
        _ => u.int_in_range(0..=2)?,
    };
    let map_extra = if u.ratio(1, 6)? { *u.choose(&[1, 15, 16, 4096])? } else { 0 };
    let of_maps = matches!(kind, MapKind::ArrayOfMaps | MapKind::HashOfMaps);
    let inner = of_maps.then(|| Box::new(MapSpec::new("inner", MapKind::Array, 4, 4, 1)));
    if flags & WITH_ARGUMENT != 0 {
        return Ok(());
    }
    let base = MapSpec::new("odd", kind, key_size, value_size, max_entries);
    let spec = MapSpec { flags, map_extra, inner, ..base };
    match Pair::new(&spec) {
        Ok(_) => {}
        Err((ours, kernel)) => assert_eq!(ours, kernel, "ours and the kernel's: {spec:?}"),
    }
    Ok(())
}

#[test]
#[expect(clippy::wildcard_enum_match_arm, reason = "the others take no fields at all")]
fn kernel_fields_are_taken_where_the_kernel_takes_them() {
    if !privileged() {
        return;
    }
    for &kind in KINDS {
        for (spin_lock, timer) in [(Some(8), None), (None, Some(8)), (Some(24), Some(8))] {
            let (key, flags, entries) = match kind {
                MapKind::LpmTrie => (8, 1, 1),
                MapKind::SkStorage | MapKind::TaskStorage | MapKind::CgrpStorage => (4, 1, 0),
                MapKind::InodeStorage => (4, 1, 0),
                MapKind::Hash | MapKind::Array | MapKind::PercpuArray | MapKind::PercpuHash => {
                    (4, 0, 1)
                }
                MapKind::LruHash | MapKind::LruPercpuHash => (4, 0, 1),
                _ => continue,
            };
            let fields = ValueFields { spin_lock, timer, workqueue: None };
            let base = MapSpec::new("fields", kind, key, 32, entries);
            let spec = MapSpec { flags, fields, ..base };
            if let Err((ours, kernel)) = Pair::new(&spec) {
                assert_eq!(ours, kernel, "ours and the kernel's: {spec:?}");
            }
        }
    }
}
