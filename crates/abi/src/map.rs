//! Map types and the description of a map before it exists.

use crate::enumeration::enumeration;

#[rustfmt::skip]
enumeration! {
    /// Map types (`enum bpf_map_type` in `linux/bpf.h`).
    MapKind
    /// Key and value of any size.
    Hash                  1 "hash";
    /// Index to value.
    Array                 2 "array";
    /// Index to program, for tail calls.
    ProgArray             3 "prog_array";
    /// Index to perf event, for records to user space.
    PerfEventArray        4 "perf_event_array";
    /// Key to one value per CPU.
    PercpuHash            5 "percpu_hash";
    /// Index to one value per CPU.
    PercpuArray           6 "percpu_array";
    /// Stack number to addresses.
    StackTrace            7 "stack_trace";
    /// Index to cgroup.
    CgroupArray           8 "cgroup_array";
    /// Key to value; the least recently used entries give way.
    LruHash               9 "lru_hash";
    /// Key to one value per CPU; the least recently used entries give way.
    LruPercpuHash        10 "lru_percpu_hash";
    /// Prefix to value; the longest match counts.
    LpmTrie              11 "lpm_trie";
    /// Index to map.
    ArrayOfMaps          12 "array_of_maps";
    /// Key to map.
    HashOfMaps           13 "hash_of_maps";
    /// Index to network device, for redirection.
    Devmap               14 "devmap";
    /// Index to socket.
    Sockmap              15 "sockmap";
    /// Index to CPU, for redirection.
    Cpumap               16 "cpumap";
    /// Index to `AF_XDP` socket, for redirection.
    Xskmap               17 "xskmap";
    /// Key to socket.
    Sockhash             18 "sockhash";
    /// Cgroup and attach type to value; superseded by `CgrpStorage`.
    CgroupStorage        19 "cgroup_storage";
    /// Index to socket of a port that several share.
    ReuseportSockarray   20 "reuseport_sockarray";
    /// The same, one value per CPU.
    PercpuCgroupStorage  21 "percpu_cgroup_storage";
    /// Values, first in first out.
    Queue                22 "queue";
    /// Values, last in first out.
    Stack                23 "stack";
    /// Socket to value.
    SkStorage            24 "sk_storage";
    /// Number to network device, for redirection.
    DevmapHash           25 "devmap_hash";
    /// The one value of a kernel structure whose operations programs are.
    StructOps            26 "struct_ops";
    /// Records from programs to user space.
    RingBuf              27 "ringbuf";
    /// Inode to value.
    InodeStorage         28 "inode_storage";
    /// Task to value.
    TaskStorage          29 "task_storage";
    /// A set that may claim to hold more than it does.
    BloomFilter          30 "bloom_filter";
    /// Records from user space to programs.
    UserRingBuf          31 "user_ringbuf";
    /// Cgroup to value.
    CgrpStorage          32 "cgrp_storage";
    /// Memory shared with user space.
    Arena                33 "arena";
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
    /// Entries; bytes for ring buffers (a power of two of whole pages), pages for arenas.
    pub max_entries: u32,
    /// `BPF_F_*` flags of map creation.
    pub flags: u32,
    /// What the map type makes of it: hash functions of a bloom filter, address of an arena.
    pub map_extra: u64,
    /// For a map of maps, what the maps in it are to be like.
    pub inner: Option<Box<MapSpec>>,
    /// Where in the value the fields are that the kernel keeps for itself.
    pub fields: ValueFields,
    /// Values from index 0 on that the map starts with; the rest is zero.
    pub initial: Vec<Vec<u8>>,
}

/// Byte offsets in a map's value of fields of the kernel's own types, as the value's BTF gives them.
/// User space neither sees nor changes their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ValueFields {
    /// `struct bpf_spin_lock`, 4 bytes.
    pub spin_lock: Option<u32>,
    /// `struct bpf_timer`, 16 bytes.
    pub timer: Option<u32>,
    /// `struct bpf_wq`, 16 bytes.
    pub workqueue: Option<u32>,
}

impl MapSpec {
    /// A map with neither flags nor initial values.
    pub fn new(
        name: impl Into<String>,
        kind: MapKind,
        key_size: u32,
        value_size: u32,
        max_entries: u32,
    ) -> Self {
        Self { name: name.into(), kind, key_size, value_size, max_entries, ..Self::default() }
    }
}

/// An array without a name or entries, for literals that give only what differs.
impl Default for MapSpec {
    fn default() -> Self {
        Self {
            name: String::new(),
            kind: MapKind::Array,
            key_size: 0,
            value_size: 0,
            max_entries: 0,
            flags: 0,
            map_extra: 0,
            inner: None,
            fields: ValueFields::default(),
            initial: Vec::new(),
        }
    }
}

impl ValueFields {
    /// Each field's place in the value, as a byte range.
    pub fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> + Clone {
        let fields = [(self.spin_lock, 4), (self.timer, 16), (self.workqueue, 16)];
        fields.into_iter().filter_map(|(offset, bytes)| {
            let start = offset? as usize;
            Some(start..start + bytes)
        })
    }
}
