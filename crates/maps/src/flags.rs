//! Flags of map operations and of map creation (`linux/bpf.h`).

/// Flags of an update (`BPF_ANY` and following).
pub mod update {
    /// Make the entry or replace it.
    pub const ANY: u64 = 0;
    /// Make the entry; it must not exist.
    pub const NOEXIST: u64 = 1;
    /// Replace the entry; it must exist. In a full queue or stack: the oldest value gives way.
    pub const EXIST: u64 = 2;
    /// Copy under the value's spin lock; invalid where values have none.
    pub const LOCK: u64 = 4;
}

/// Flags of creation (`BPF_F_*`).
pub mod create {
    /// Make memory for entries when they come; storage here is always made at once.
    pub const NO_PREALLOC: u32 = 1;
    /// Each CPU evicts among its own entries only.
    pub const NO_COMMON_LRU: u32 = 1 << 1;
    /// A memory node is given; it does not matter here.
    pub const NUMA_NODE: u32 = 1 << 2;
    /// User space may not change the map.
    pub const RDONLY: u32 = 1 << 3;
    /// User space may not read the map.
    pub const WRONLY: u32 = 1 << 4;
    /// The hash function's seed is zero.
    pub const ZERO_SEED: u32 = 1 << 6;
    /// Programs may not change the map.
    pub const RDONLY_PROG: u32 = 1 << 7;
    /// Programs may not read the map.
    pub const WRONLY_PROG: u32 = 1 << 8;
    /// A new socket inherits the storage of the one that listens.
    pub const CLONE: u32 = 1 << 9;
    /// User space may map the values.
    pub const MMAPABLE: u32 = 1 << 10;
    /// Perf events stay when the descriptor that put them there is closed.
    pub const PRESERVE_ELEMS: u32 = 1 << 11;
    /// An array whose size does not matter where it is an inner map.
    pub const INNER_MAP: u32 = 1 << 12;
    /// Access of user space to pages of an arena that are not there is an error.
    pub const SEGV_ON_FAULT: u32 = 1 << 17;
    /// Arena pointers are stored as programs see them.
    pub const NO_USER_CONV: u32 = 1 << 18;
    pub(crate) const ACCESS: u32 = RDONLY | WRONLY | RDONLY_PROG | WRONLY_PROG;
}
