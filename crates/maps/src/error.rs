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
    /// A creation flag that the map type does not take.
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
    /// A program array was given what is not a program.
    NotAProgram,
    /// A ring buffer has no room for the record.
    Again,
}

impl MapError {
    /// The error number (`errno.h`), positive.
    pub fn errno(self) -> i32 {
        match self {
            Self::NotFound => 2,
            Self::Full => 7,
            Self::NotAProgram => 9,
            Self::Again => 11,
            Self::Exists => 17,
            Self::Invalid | Self::KeySize | Self::ValueSize => 22,
            Self::Unsupported => 524,
        }
    }
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind { kind } => write!(f, "map type {kind} is not available in user space"),
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
            Self::NotAProgram => "program array takes program indices only",
            Self::Again => "ring buffer has no room for the record",
        })
    }
}

impl std::error::Error for CreateError {}
impl std::error::Error for MapError {}
