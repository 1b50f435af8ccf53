//! Ethernet (IEEE 802.3 clause 3):
//!
//! ```text
//!  destination 48 | source 48 | tags 32 each | ethertype 16 | payload
//! ```

use std::fmt;

use super::{Layer, Malformed, VlanTag, VlanTags, walk_tags};

/// A 48-bit hardware address in wire order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// The address of everyone.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// Whether the group bit is set, as it is for the broadcast address too.
    #[must_use]
    pub fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// A view of an Ethernet frame without preamble and check sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ethernet<'a> {
    addresses: &'a [u8; 12],
    tags: VlanTags,
    ethertype: u16,
    payload: &'a [u8],
}

impl<'a> Ethernet<'a> {
    /// Length of the untagged header in bytes.
    pub const HEADER_BYTES: usize = 14;

    /// Proves that the header and all tags are there.
    ///
    /// # Errors
    /// [`Malformed::Truncated`] or [`Malformed::TooManyTags`].
    pub fn new_checked(frame: &'a [u8]) -> Result<Self, Malformed> {
        let truncated = || Malformed::truncated(Layer::Ethernet, Self::HEADER_BYTES, frame);
        let (addresses, rest) = frame.split_first_chunk().ok_or_else(truncated)?;
        let (field, rest) = rest.split_first_chunk().ok_or_else(truncated)?;
        let (tags, ethertype, payload) = walk_tags(u16::from_be_bytes(*field), rest)?;
        Ok(Self { addresses, tags, ethertype, payload })
    }

    /// The destination address.
    #[must_use]
    pub fn dst(&self) -> Mac {
        let [a, b, c, d, e, f, ..] = *self.addresses;
        Mac([a, b, c, d, e, f])
    }

    /// The source address.
    #[must_use]
    pub fn src(&self) -> Mac {
        let [.., a, b, c, d, e, f] = *self.addresses;
        Mac([a, b, c, d, e, f])
    }

    /// The tags, outermost first.
    #[must_use]
    pub fn tags(&self) -> VlanTags {
        self.tags
    }

    /// The ethertype behind all tags; below [`super::ethertype::LEAST`] it is an 802.3 length.
    #[must_use]
    pub fn ethertype(&self) -> u16 {
        self.ethertype
    }

    /// Length of the header with its tags in bytes, which is the payload's offset.
    #[must_use]
    pub fn header_len(&self) -> usize {
        Self::HEADER_BYTES + 4 * self.tags.as_slice().len()
    }

    /// Everything behind the header, padding included.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The header as a builder.
    #[must_use]
    pub fn repr(&self) -> EthernetRepr {
        EthernetRepr {
            dst: self.dst(),
            src: self.src(),
            tags: self.tags.as_slice().to_vec(),
            ethertype: self.ethertype,
        }
    }
}

/// An Ethernet header to build.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EthernetRepr {
    /// Destination address.
    pub dst: Mac,
    /// Source address.
    pub src: Mac,
    /// Tags, outermost first.
    pub tags: Vec<VlanTag>,
    /// What the payload is.
    pub ethertype: u16,
}

impl EthernetRepr {
    /// The frame: header, tags, payload; not padded to the medium's least length.
    #[must_use]
    pub fn emit(&self, payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::with_capacity(14 + 4 * self.tags.len() + payload.len());
        frame.extend(self.dst.0);
        frame.extend(self.src.0);
        for tag in &self.tags {
            frame.extend(tag.tpid.to_be_bytes());
            frame.extend(tag.tci.to_be_bytes());
        }
        frame.extend(self.ethertype.to_be_bytes());
        frame.extend(payload);
        frame
    }
}
