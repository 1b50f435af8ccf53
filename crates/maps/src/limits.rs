//! Bounds of map shapes, with their origin.

/// Longest value of a map per CPU (`linux/percpu.h`: `PCPU_MIN_UNIT_SIZE`).
pub(crate) const PERCPU_VALUE_BYTES_MAX: u32 = 32 << 10;
/// Most CPU slots of a map; `NR_CPUS` of the largest distribution kernels.
pub(crate) const CPUS_MAX: u32 = 8192;
/// Most memory of one map. Ours: an object file must not be able to exhaust the machine.
pub(crate) const MAP_BYTES_MAX: u64 = 2 << 30;
/// Smallest ring buffer, and what its size is a multiple of: one page.
pub(crate) const PAGE_BYTES: u32 = 4096;
/// Longest ring buffer record (`kernel/bpf/ringbuf.c`: `RINGBUF_MAX_RECORD_SZ`).
pub(crate) const RECORD_BYTES_MAX: u64 = (u32::MAX / 4) as u64;
/// Longest piece of kernel memory (`linux/slab.h`: `KMALLOC_MAX_SIZE` with 4 KiB pages).
pub(crate) const ALLOCATION_BYTES_MAX: u32 = 4 << 20;
/// Most entries of a hash map: links are 31 bits, and there are up to 64 spare slots.
pub(crate) const HASH_ENTRIES_MAX: u32 = (1 << 31) - 65;
/// Longest data of a prefix (`kernel/bpf/lpm_trie.c`: `LPM_DATA_SIZE_MAX`).
pub(crate) const PREFIX_BYTES_MAX: u32 = 256;
/// Most hash functions of a bloom filter (`linux/bpf.h`: the low 4 bits of `map_extra`).
pub(crate) const BLOOM_FUNCTIONS_MAX: u64 = 15;
/// Most pages of an arena: 4 GiB (`kernel/bpf/arena.c`).
pub(crate) const ARENA_PAGES_MAX: u32 = 1 << 20;
/// Most owners of a storage. Ours: the kernel's bound is the memory of the owners.
pub(crate) const OWNERS_MAX: u32 = 16 << 10;
