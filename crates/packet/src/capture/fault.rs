//! Why a capture could not be read or written.

use std::{fmt, io};

/// A failed read, with its place in the file.
#[derive(Debug)]
pub struct ReadError {
    /// Where the block, record or file header at fault begins, in bytes.
    pub offset: u64,
    /// Its number: 0 is the file header of pcap and the first section header of pcapng.
    pub block: u64,
    /// What is wrong with it.
    pub fault: ReadFault,
}

/// What is wrong with a block.
#[derive(Debug)]
pub enum ReadFault {
    /// The operating system failed to read.
    Io(io::Error),
    /// The file ends inside something.
    Truncated {
        /// What the file ends in.
        part: &'static str,
        /// Bytes it needs.
        need: u64,
        /// Bytes there are.
        have: u64,
    },
    /// The first four bytes are no capture format's.
    Magic {
        /// The bytes.
        found: [u8; 4],
    },
    /// A format version other than the drafts describe.
    Version {
        /// Major number.
        major: u16,
        /// Minor number.
        minor: u16,
    },
    /// A section header whose byte-order magic is neither order's.
    ByteOrder {
        /// The bytes.
        found: [u8; 4],
    },
    /// A packet longer than [`super::RECORD_BYTES_MAX`].
    RecordLength {
        /// Its captured length in bytes.
        found: u32,
    },
    /// A block's total length is too small for its type or not a multiple of 4.
    BlockLength {
        /// The total length field in bytes.
        found: u32,
        /// The least it may be.
        least: u32,
    },
    /// An interpreted block longer than [`super::BLOCK_BYTES_MAX`].
    BlockTooLong {
        /// The total length field in bytes.
        found: u32,
    },
    /// A block's total length at its end is not the one at its start.
    TrailingLength {
        /// The one at the start.
        head: u32,
        /// The one at the end.
        tail: u32,
    },
    /// A packet longer than the rest of its block.
    CapturedLength {
        /// Its captured length in bytes.
        found: u32,
        /// Bytes the block has for it.
        room: usize,
    },
    /// An option that leads out of its block or has the wrong length for its code.
    OptionLength {
        /// The option's code.
        code: u16,
        /// Its length in bytes.
        found: usize,
        /// The length it should have, or the bytes there are for it.
        room: usize,
    },
    /// A packet of an interface that its section does not describe.
    UnknownInterface {
        /// The interface's number in the section.
        id: u32,
        /// Interfaces described so far in the section.
        known: usize,
    },
    /// More than [`super::INTERFACES_MAX`] interfaces.
    TooManyInterfaces,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot read capture block {} at byte {}: {}",
            self.block, self.offset, self.fault
        )
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let ReadFault::Io(error) = &self.fault { Some(error) } else { None }
    }
}

impl fmt::Display for ReadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Truncated { part, need, have } => {
                write!(f, "{part} needs {need} bytes, the file has {have} more")
            }
            Self::Magic { found: [a, b, c, d] } => {
                write!(f, "{a:02x}{b:02x}{c:02x}{d:02x} is not the magic of pcap or pcapng")
            }
            Self::Version { major, minor } => {
                write!(f, "format version {major}.{minor} is unknown")
            }
            Self::ByteOrder { found: [a, b, c, d] } => {
                write!(f, "{a:02x}{b:02x}{c:02x}{d:02x} is not a pcapng byte order")
            }
            Self::RecordLength { found } => {
                write!(f, "packet has {found} bytes, the most is {}", super::RECORD_BYTES_MAX)
            }
            Self::BlockLength { found, least } => write!(
                f,
                "block length {found} is not a multiple of 4 that is at least {least} bytes"
            ),
            Self::BlockTooLong { found } => {
                write!(f, "block has {found} bytes, the most is {}", super::BLOCK_BYTES_MAX)
            }
            Self::TrailingLength { head, tail } => {
                write!(f, "block length is {head} bytes at its start and {tail} at its end")
            }
            Self::CapturedLength { found, room } => {
                write!(f, "packet has {found} bytes, its block has room for {room}")
            }
            Self::OptionLength { code, found, room } => {
                write!(f, "option {code} has {found} bytes in place of {room}")
            }
            Self::UnknownInterface { id, known } => {
                write!(f, "packet is of interface {id}, the section describes {known} so far")
            }
            Self::TooManyInterfaces => {
                write!(f, "file describes more than {} interfaces", super::INTERFACES_MAX)
            }
        }
    }
}

/// A failed write.
#[derive(Debug)]
pub enum WriteError {
    /// The operating system failed to write.
    Io(io::Error),
    /// A packet longer than [`super::RECORD_BYTES_MAX`].
    RecordLength {
        /// Its length in bytes.
        found: usize,
    },
    /// A time that pcap's 32 bits of seconds cannot hold.
    Timestamp {
        /// The time in nanoseconds since 1970.
        timestamp_ns: u64,
    },
    /// A packet of an interface that was not added.
    UnknownInterface {
        /// The interface's index.
        id: u32,
        /// Interfaces added so far.
        known: u32,
    },
    /// A name or comment longer than an option's 65,535 bytes.
    OptionLength {
        /// The option's code.
        code: u16,
        /// Its length in bytes.
        found: usize,
    },
    /// More comments than fit a block of [`super::BLOCK_BYTES_MAX`].
    BlockTooLong {
        /// The block's length in bytes.
        found: usize,
    },
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "cannot write capture: {error}"),
            Self::RecordLength { found } => write!(
                f,
                "cannot write captured packet of {found} bytes: the most is {}",
                super::RECORD_BYTES_MAX
            ),
            Self::Timestamp { timestamp_ns } => {
                write!(f, "cannot write packet of {timestamp_ns} ns since 1970: pcap ends in 2106")
            }
            Self::UnknownInterface { id, known } => {
                write!(f, "cannot write packet of interface {id}: the capture has {known} so far")
            }
            Self::OptionLength { code, found } => write!(
                f,
                "cannot write capture option {code} of {found} bytes: the most is {}",
                u16::MAX
            ),
            Self::BlockTooLong { found } => write!(
                f,
                "cannot write capture block of {found} bytes: the most is {}",
                super::BLOCK_BYTES_MAX
            ),
        }
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let Self::Io(error) = self { Some(error) } else { None }
    }
}
