//! What the kernel takes for each map type: `map_alloc_check` and its kin, as one table.

use std::ops::RangeInclusive;

use netloom_abi::{MapKind, MapSpec};

use crate::flags::create::{
    ACCESS, CLONE, INNER_MAP, MMAPABLE, NO_COMMON_LRU, NO_PREALLOC, NO_USER_CONV, NUMA_NODE,
    PRESERVE_ELEMS, RDONLY, RDONLY_PROG, SEGV_ON_FAULT, WRONLY, WRONLY_PROG, ZERO_SEED,
};
use crate::limits::{
    ALLOCATION_BYTES_MAX, ARENA_PAGES_MAX, BLOOM_FUNCTIONS_MAX, CPUS_MAX, PERCPU_VALUE_BYTES_MAX,
    PREFIX_BYTES_MAX,
};
use crate::{CreateError, Geometry};

/// What is valid for a map type.
struct Shape {
    kind: MapKind,
    key: RangeInclusive<u32>,
    value: RangeInclusive<u32>,
    entries: RangeInclusive<u32>,
    /// Flags that may be set, and those that must be.
    flags: u32,
    required: u32,
}

const ANY: RangeInclusive<u32> = 1..=u32::MAX;
const NONE: RangeInclusive<u32> = 0..=0;
const INDEX: RangeInclusive<u32> = 4..=4;
const SHORT: RangeInclusive<u32> = 1..=i32::MAX as u32;
const HASH: u32 = NO_PREALLOC | NUMA_NODE | ACCESS | ZERO_SEED;

/// Rows: type, key bytes, value bytes, entries, valid flags, required flags. Sources in `kernel/bpf`:
/// `arraymap.c`, `hashtab.c`, `lpm_trie.c`, `queue_stack_maps.c`, `bloom_filter.c`, `map_in_map.c`,
/// `devmap.c`, `cpumap.c`, `ringbuf.c`, `bpf_local_storage.c`, `local_storage.c`, `arena.c`, and
/// `net/xdp/xskmap.c`.
#[rustfmt::skip]
const SHAPES: &[Shape] = &[
    row(MapKind::Array,               INDEX,   ANY,   ANY,  NUMA_NODE | MMAPABLE | ACCESS | INNER_MAP, 0),
    row(MapKind::PercpuArray,         INDEX,   ANY,   ANY,  ACCESS, 0),
    row(MapKind::ProgArray,           INDEX,   INDEX, ANY,  NUMA_NODE | RDONLY | WRONLY, 0),
    row(MapKind::PerfEventArray,      INDEX,   INDEX, ANY,  NUMA_NODE | RDONLY | WRONLY | PRESERVE_ELEMS, 0),
    row(MapKind::ArrayOfMaps,         INDEX,   INDEX, ANY,  NUMA_NODE | RDONLY | WRONLY, 0),
    row(MapKind::Hash,                ANY,     ANY,   ANY,  HASH, 0),
    row(MapKind::PercpuHash,          ANY,     ANY,   ANY,  HASH, 0),
    row(MapKind::LruHash,             ANY,     ANY,   ANY,  HASH | NO_COMMON_LRU, 0),
    row(MapKind::LruPercpuHash,       ANY,     ANY,   ANY,  HASH | NO_COMMON_LRU, 0),
    row(MapKind::HashOfMaps,          ANY,     INDEX, ANY,  HASH, 0),
    row(MapKind::LpmTrie,             5..=4 + PREFIX_BYTES_MAX, ANY, ANY, NO_PREALLOC | NUMA_NODE | ACCESS, NO_PREALLOC),
    row(MapKind::Queue,               NONE,    ANY,   ANY,  NUMA_NODE | ACCESS, 0),
    row(MapKind::Stack,               NONE,    ANY,   ANY,  NUMA_NODE | ACCESS, 0),
    row(MapKind::BloomFilter,         NONE,    ANY,   ANY,  NUMA_NODE | ZERO_SEED | ACCESS, 0),
    row(MapKind::Devmap,              INDEX,   4..=8, ANY,  NUMA_NODE | RDONLY | WRONLY, 0),
    row(MapKind::DevmapHash,          INDEX,   4..=8, ANY,  NUMA_NODE | RDONLY | WRONLY, 0),
    row(MapKind::Cpumap,              INDEX,   4..=8, ANY,  NUMA_NODE, 0),
    row(MapKind::Xskmap,              INDEX,   INDEX, ANY,  NUMA_NODE | RDONLY | WRONLY, 0),
    row(MapKind::RingBuf,             NONE,    NONE,  ANY,  NUMA_NODE, 0),
    row(MapKind::UserRingBuf,         NONE,    NONE,  ANY,  NUMA_NODE, 0),
    row(MapKind::SkStorage,           INDEX,   SHORT, NONE, NO_PREALLOC | CLONE, NO_PREALLOC),
    row(MapKind::InodeStorage,        INDEX,   SHORT, NONE, NO_PREALLOC | CLONE, NO_PREALLOC),
    row(MapKind::TaskStorage,         INDEX,   SHORT, NONE, NO_PREALLOC | CLONE, NO_PREALLOC),
    row(MapKind::CgrpStorage,         INDEX,   SHORT, NONE, NO_PREALLOC | CLONE, NO_PREALLOC),
    row(MapKind::CgroupStorage,       8..=16,  ANY,   NONE, NUMA_NODE | ACCESS, 0),
    row(MapKind::PercpuCgroupStorage, 8..=16,  ANY,   NONE, NUMA_NODE | ACCESS, 0),
    row(MapKind::Arena,               NONE,    NONE,  ANY,  MMAPABLE | SEGV_ON_FAULT | NO_USER_CONV, MMAPABLE),
];

/// Why the others are not available in user space.
const ABSENT: &[(MapKind, &str)] = &[
    (MapKind::StackTrace, "there is no kernel stack to walk"),
    (MapKind::CgroupArray, "there are no cgroups"),
    (MapKind::Sockmap, "there are no kernel sockets"),
    (MapKind::Sockhash, "there are no kernel sockets"),
    (MapKind::ReuseportSockarray, "there are no kernel sockets"),
    (MapKind::StructOps, "there are no kernel structures of operations"),
];

const fn row(
    kind: MapKind,
    key: RangeInclusive<u32>,
    value: RangeInclusive<u32>,
    entries: RangeInclusive<u32>,
    flags: u32,
    required: u32,
) -> Shape {
    Shape { kind, key, value, entries, flags, required }
}

/// Checks a specification as `BPF_MAP_CREATE` does.
pub(crate) fn check(spec: &MapSpec, geometry: Geometry) -> Result<(), CreateError> {
    let (kind, cpus) = (spec.kind, geometry.cpus);
    if cpus == 0 || cpus > CPUS_MAX {
        return Err(CreateError::Cpus { cpus });
    }
    let Some(shape) = SHAPES.iter().find(|shape| shape.kind == kind) else {
        let reason = ABSENT.iter().find(|(absent, _)| *absent == kind).map_or("", |row| row.1);
        return Err(CreateError::Kind { kind, reason });
    };
    if spec.flags & (RDONLY | WRONLY) == RDONLY | WRONLY {
        return Err(CreateError::Flags { flags: spec.flags });
    }
    check_extra(spec)?;
    // Of these two the kernel looks at the sizes first, elsewhere at the flags.
    let sizes_first = matches!(kind, MapKind::CgroupStorage | MapKind::PercpuCgroupStorage);
    if !sizes_first {
        check_flags(spec, shape)?;
    }
    if !shape.key.contains(&spec.key_size) || !is_key_size(kind, spec.key_size) {
        return Err(CreateError::KeySize { size: spec.key_size });
    }
    if !shape.value.contains(&spec.value_size) || !is_value_size(kind, spec.value_size) {
        return Err(CreateError::ValueSize { size: spec.value_size });
    }
    if sizes_first {
        check_large(spec)?;
        check_flags(spec, shape)?;
    }
    if !shape.entries.contains(&spec.max_entries) {
        return Err(CreateError::MaxEntries { entries: spec.max_entries });
    }
    check_fields(spec)?;
    check_large(spec)
}

fn check_flags(spec: &MapSpec, shape: &Shape) -> Result<(), CreateError> {
    let flags = spec.flags;
    let both = |pair: u32| flags & pair == pair;
    if flags & !shape.flags != 0
        || flags & shape.required != shape.required
        || both(RDONLY_PROG | WRONLY_PROG)
    {
        return Err(CreateError::Flags { flags });
    }
    let evicts = matches!(spec.kind, MapKind::LruHash | MapKind::LruPercpuHash);
    if evicts && flags & NO_PREALLOC != 0 {
        return Err(CreateError::NotPreallocated);
    }
    // The kernel asks this after the former.
    let by_cpu = matches!(spec.kind, MapKind::PercpuHash | MapKind::LruPercpuHash);
    if by_cpu && flags & NUMA_NODE != 0 {
        return Err(CreateError::Flags { flags });
    }
    Ok(())
}

/// `map_extra` means something to two types only (`map_create`).
#[expect(clippy::wildcard_enum_match_arm, reason = "all others alike")]
fn check_extra(spec: &MapSpec) -> Result<(), CreateError> {
    let extra = spec.map_extra;
    let fits = match spec.kind {
        MapKind::BloomFilter => extra <= BLOOM_FUNCTIONS_MAX,
        MapKind::Arena => extra.is_multiple_of(4096),
        _ => extra == 0,
    };
    if fits { Ok(()) } else { Err(CreateError::Extra { extra }) }
}

/// Whether a value's size is one of those between the least and the greatest: `struct
/// bpf_devmap_val` and `bpf_cpumap_val` with and without program; what fits a trie's node.
fn is_value_size(kind: MapKind, size: u32) -> bool {
    if kind == MapKind::LpmTrie {
        return size <= ALLOCATION_BYTES_MAX - PREFIX_BYTES_MAX - 64;
    }
    !matches!(kind, MapKind::Devmap | MapKind::DevmapHash | MapKind::Cpumap)
        || size.is_multiple_of(4)
}

/// Whether a key's size is one of those between the least and the greatest: a cgroup's number, and
/// `struct bpf_cgroup_storage_key`.
fn is_key_size(kind: MapKind, size: u32) -> bool {
    !matches!(kind, MapKind::CgroupStorage | MapKind::PercpuCgroupStorage) || size.is_multiple_of(8)
}

/// What is not invalid but more than the kernel has (`E2BIG`).
#[expect(clippy::wildcard_enum_match_arm, reason = "all others alike")]
fn check_large(spec: &MapSpec) -> Result<(), CreateError> {
    let value = u64::from(spec.value_size);
    let limit = u64::from(ALLOCATION_BYTES_MAX);
    let (bytes, limit) = match spec.kind {
        MapKind::Array => (value, i32::MAX.unsigned_abs().into()),
        MapKind::PercpuArray => (value.next_multiple_of(8), PERCPU_VALUE_BYTES_MAX.into()),
        MapKind::PercpuHash | MapKind::LruPercpuHash
            if value.next_multiple_of(8) > PERCPU_VALUE_BYTES_MAX.into() =>
        {
            (value, PERCPU_VALUE_BYTES_MAX.into())
        }
        MapKind::Hash | MapKind::PercpuHash | MapKind::LruHash | MapKind::LruPercpuHash => {
            // `struct htab_elem` has 48 bytes, and the whole must stay below the limit.
            (u64::from(spec.key_size) + value, limit - 49)
        }
        MapKind::Queue | MapKind::Stack => (value, limit),
        MapKind::PercpuCgroupStorage => (value, PERCPU_VALUE_BYTES_MAX.into()),
        // `BPF_LOCAL_STORAGE_MAX_VALUE_SIZE`: 16 bits less the element's head.
        MapKind::CgroupStorage
        | MapKind::SkStorage
        | MapKind::InodeStorage
        | MapKind::TaskStorage
        | MapKind::CgrpStorage => (value, 0xffff - 128),
        MapKind::Cpumap => (spec.max_entries.into(), CPUS_MAX.into()),
        MapKind::Arena => (spec.max_entries.into(), ARENA_PAGES_MAX.into()),
        _ => (0, 0),
    };
    if bytes > limit { Err(CreateError::TooLarge { entries: bytes }) } else { Ok(()) }
}

/// Kernel fields lie in the value, apart and aligned, in maps that may have them (`map_check_btf`).
fn check_fields(spec: &MapSpec) -> Result<(), CreateError> {
    let storage = matches!(
        spec.kind,
        MapKind::CgroupStorage
            | MapKind::SkStorage
            | MapKind::InodeStorage
            | MapKind::TaskStorage
            | MapKind::CgrpStorage
    );
    let plain = matches!(spec.kind, MapKind::Hash | MapKind::Array);
    let timed = plain || spec.kind == MapKind::LruHash;
    let fields = spec.fields;
    let has_timer = fields.timer.is_some() || fields.workqueue.is_some();
    if fields.spin_lock.is_some() && !(plain || storage) || has_timer && !timed {
        return Err(CreateError::Fields);
    }
    let mut ranges = fields.ranges().collect::<Vec<_>>();
    ranges.sort_by_key(|range| range.start);
    let mut end = 0;
    for range in ranges {
        let align = if range.len() == 4 { 4 } else { 8 };
        if range.start < end || !range.start.is_multiple_of(align) {
            return Err(CreateError::Fields);
        }
        end = range.end;
    }
    if end > spec.value_size as usize { Err(CreateError::Fields) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use netloom_abi::MapKind;

    use super::{ABSENT, SHAPES};

    #[test]
    fn every_map_type_has_a_shape_or_a_reason_why_it_is_absent() {
        for kind in MapKind::ALL {
            let shapes = SHAPES.iter().filter(|shape| shape.kind == kind).count();
            let reasons = ABSENT.iter().filter(|(absent, _)| *absent == kind).count();
            assert_eq!(shapes + reasons, 1, "{kind}");
        }
    }
}
