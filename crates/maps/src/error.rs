//! Why a map operation fails, with Linux's error numbers.

use std::fmt;

use netloom_abi::MapKind;

/// Why a map could not be made (`BPF_MAP_CREATE`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateError {
    /// Maps of this type do not exist in user space.
    Kind {
        /// The type.
        kind: MapKind,
        /// Why not.
        reason: &'static str,
    },
    /// The key size does not fit the map type.
    KeySize {
        /// Bytes.
        size: u32,
    },
    /// The value size does not fit the map type.
    ValueSize {
        /// Bytes.
        size: u32,
    },
    /// The number of entries (bytes of a ring buffer) does not fit the map type.
    MaxEntries {
        /// The number.
        entries: u32,
    },
    /// A size or a number of entries that is more than the kernel has.
    TooLarge {
        /// The number.
        entries: u64,
    },
    /// The map type does not take this `map_extra`.
    Extra {
        /// The number.
        extra: u64,
    },
    /// A map that evicts can not do without memory made beforehand.
    NotPreallocated,
    /// The map type has no such kernel fields in its values, or they do not lie properly in them.
    Fields,
    /// A map of maps does not say what the maps in it are like.
    NoTemplate,
    /// Maps of this type can not be in a map.
    Template {
        /// The type.
        kind: MapKind,
    },
    /// Maps of this type can not be shared between processes.
    Private {
        /// The type.
        kind: MapKind,
    },
    /// The shared memory holds another map, or none.
    Foreign,
    /// Flags that the map type does not take, or lacks, or that contradict each other.
    Flags {
        /// All flags.
        flags: u32,
    },
    /// The map has zero CPU slots, or more than [`crate::Geometry`] allows.
    Cpus {
        /// The number.
        cpus: u32,
    },
    /// An initial value has no place in the map, or the wrong size.
    Initial {
        /// Its position.
        index: usize,
    },
    /// The map needs more memory than is allowed, or than there is.
    Memory {
        /// Bytes.
        bytes: u64,
    },
}

/// Why an operation on a map failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MapError {
    /// There is no such key.
    NotFound,
    /// The key is there already, and the caller asked for it not to be.
    Exists,
    /// The index is outside the map, or no slot is free.
    Full,
    /// The map type has no such operation, or the flags are not valid.
    Invalid,
    /// The key has the wrong number of bytes.
    KeySize,
    /// The value has the wrong number of bytes.
    ValueSize,
    /// The map type does not support the operation at all.
    Unsupported,
    /// The value refers to nothing that the map can hold.
    BadReference,
    /// A ring buffer has no room for the record.
    Again,
    /// The map is read-only or write-only to user space, or frozen.
    NotPermitted,
    /// There is no memory for the entry, or nothing that could be evicted for it.
    Memory,
    /// Memory that is not there.
    Fault,
    /// Somebody else is at it.
    Busy,
    /// There is no such processor.
    NoDevice,
    /// A trie, a batch or a buffer has no room.
    NoSpace,
    /// A number is larger than the kernel takes.
    Overflow,
    /// The map type does not have the operation.
    NotImplemented,
}

impl CreateError {
    /// The error number (`errno.h`) that `BPF_MAP_CREATE` gives, positive.
    pub fn errno(&self) -> i32 {
        match self {
            Self::TooLarge { .. } => 7,
            Self::NoTemplate => 9,
            Self::Memory { .. } => 12,
            Self::NotPreallocated | Self::Template { .. } => 524,
            Self::Fields => 95,
            Self::Kind { .. }
            | Self::KeySize { .. }
            | Self::ValueSize { .. }
            | Self::MaxEntries { .. }
            | Self::Extra { .. }
            | Self::Private { .. }
            | Self::Foreign
            | Self::Flags { .. }
            | Self::Cpus { .. }
            | Self::Initial { .. } => 22,
        }
    }
}

impl MapError {
    /// The error number (`errno.h`), positive.
    pub fn errno(self) -> i32 {
        match self {
            Self::NotPermitted => 1,
            Self::NotFound => 2,
            Self::Full => 7,
            Self::BadReference => 9,
            Self::Again => 11,
            Self::Memory => 12,
            Self::Fault => 14,
            Self::Busy => 16,
            Self::Exists => 17,
            Self::NoDevice => 19,
            Self::NoSpace => 28,
            Self::Overflow => 75,
            Self::NotImplemented => 95,
            Self::Invalid | Self::KeySize | Self::ValueSize => 22,
            Self::Unsupported => 524,
        }
    }
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind { kind, reason } => {
                write!(f, "map type {kind} is not available in user space: {reason}")
            }
            Self::TooLarge { entries } => write!(f, "map size {entries} is more than there can be"),
            Self::Extra { extra } => write!(f, "map extra {extra:#x} does not fit the map type"),
            Self::NotPreallocated => f.write_str("map that evicts needs its memory beforehand"),
            Self::Fields => f.write_str("map value can not have these kernel fields"),
            Self::NoTemplate => f.write_str("map of maps has no template"),
            Self::Template { kind } => write!(f, "map of type {kind} can not be in a map"),
            Self::Private { kind } => write!(f, "map of type {kind} can not be shared"),
            Self::Foreign => f.write_str("shared memory does not hold this map"),
            Self::KeySize { size } => {
                write!(f, "map key of {size} bytes does not fit the map type")
            }
            Self::ValueSize { size } => {
                write!(f, "map value of {size} bytes does not fit the map type")
            }
            Self::MaxEntries { entries } => {
                write!(f, "map of {entries} entries does not fit the map type")
            }
            Self::Flags { flags } => write!(f, "map flags {flags:#x} do not fit the map type"),
            Self::Cpus { cpus } => write!(f, "map can not have slots for {cpus} cpus"),
            Self::Initial { index } => write!(f, "initial map value {index} does not fit the map"),
            Self::Memory { bytes } => write!(f, "map of {bytes} bytes does not fit in memory"),
        }
    }
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "map has no such key",
            Self::Exists => "map has that key already",
            Self::Full => "map has no room for the key",
            Self::Invalid => "map operation or its flags are not valid for the map type",
            Self::KeySize => "map key has the wrong size",
            Self::ValueSize => "map value has the wrong size",
            Self::Unsupported => "map type does not support the operation",
            Self::BadReference => "map value refers to nothing the map can hold",
            Self::Again => "ring buffer has no room for the record",
            Self::NotPermitted => "map may not be accessed this way",
            Self::Memory => "map has no memory for the entry",
            Self::Fault => "map has no memory at the address",
            Self::Busy => "map is in use",
            Self::NoDevice => "map names a processor that does not exist",
            Self::NoSpace => "map has no room",
            Self::Overflow => "map value is too large a number",
            Self::NotImplemented => "map type does not have the operation",
        })
    }
}

impl std::error::Error for CreateError {}
impl std::error::Error for MapError {}
