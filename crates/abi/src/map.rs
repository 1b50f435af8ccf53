//! Map types and the description of a map before it exists.

/// Map types (`enum bpf_map_type` in `linux/bpf.h`), those the workspace uses so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum MapKind {
    /// Key and value of any size.
    Hash = 1,
    /// Index to value.
    Array = 2,
    /// Index to program, for tail calls.
    ProgArray = 3,
    /// Index to one value per CPU.
    PercpuArray = 6,
    /// Records from programs to user space.
    RingBuf = 27,
}

/// What a map is to be: everything `BPF_MAP_CREATE` needs but the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapSpec {
    /// At most 15 bytes of `[A-Za-z0-9_.]`.
    pub name: String,
    /// Its type.
    pub kind: MapKind,
    /// Bytes of a key; 4 for arrays, 0 for ring buffers.
    pub key_size: u32,
    /// Bytes of a value; 0 for ring buffers.
    pub value_size: u32,
    /// Entries; bytes for ring buffers (a power of two of whole pages).
    pub max_entries: u32,
    /// `BPF_F_*` flags of map creation.
    pub flags: u32,
    /// Values from index 0 on that the map starts with; the rest is zero.
    pub initial: Vec<Vec<u8>>,
}
