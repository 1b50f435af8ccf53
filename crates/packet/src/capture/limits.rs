//! Every bound on reading captures, with its origin.

/// The most bytes one packet record may hold: the snapshot length that libpcap allows all link
/// types used on networks (`MAXIMUM_SNAPLEN`, 256 KiB).
pub const RECORD_BYTES_MAX: u32 = 262_144;

/// The most bytes one pcapng block that is interpreted may hold, which bounds its options: libpcap's
/// first limit (`INITIAL_MAX_BLOCKSIZE`, 16 MiB). Blocks that are skipped may be larger.
pub const BLOCK_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// The most interfaces in all sections of one file: as many as the 16-bit interface number of the
/// obsolete packet block can tell apart in one section.
pub const INTERFACES_MAX: u32 = 65_536;
