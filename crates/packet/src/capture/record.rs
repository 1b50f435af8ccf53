//! What capture files hold.

use crate::link::LinkType;

/// One captured packet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// When the packet was seen, in nanoseconds since 1970 (UTC); 0 where the file does not say
    /// (simple packet blocks). Times before 1970 are 0, times after 2554 the greatest value.
    pub timestamp_ns: u64,
    /// Index of the capturing interface among all of the file, not of its section alone; 0 in pcap.
    pub interface: u32,
    /// Bytes the packet had on the link, of which `data` holds the first.
    pub orig_len: u32,
    /// The captured bytes, link-layer header first.
    pub data: Vec<u8>,
    /// Comments in file order; none in pcap. Bytes that are not UTF-8 are replaced.
    pub comments: Vec<String>,
}

impl Record {
    /// A record of a packet captured whole on interface 0, without comments.
    ///
    /// # Panics
    /// When the packet exceeds 2^32 bytes.
    #[must_use]
    pub fn whole(timestamp_ns: u64, data: Vec<u8>) -> Self {
        let orig_len = u32::try_from(data.len()).expect("a packet ends at 2^32 bytes");
        Self { timestamp_ns, orig_len, data, ..Self::default() }
    }
}

/// An interface that packets were captured on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// What its frames begin with.
    pub link_type: LinkType,
    /// The most bytes captured of a packet; 0 says no limit.
    pub snap_len: u32,
    /// Its name on the capturing host; none in pcap.
    pub name: Option<String>,
}

impl Interface {
    /// An interface without name or limit.
    #[must_use]
    pub fn new(link_type: LinkType) -> Self {
        Self { link_type, snap_len: 0, name: None }
    }
}
