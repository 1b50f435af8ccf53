//! Bounds of map shapes, with their origin.

/// Longest key of a hash map (`linux/filter.h`: `MAX_BPF_STACK`).
pub(crate) const HASH_KEY_BYTES_MAX: u32 = 512;
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
