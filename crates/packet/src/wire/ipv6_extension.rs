//! IPv6 extension headers (RFC 8200 §4; RFC 4302 for AH):
//!
//! ```text
//!  options, routing   next 8 | length 8, in 8 bytes beyond the first 8 | …
//!  fragment           next 8 | reserved 8 | offset 13 reserved 2 more 1 | id 32
//!  authentication     next 8 | length 8, in 4 bytes beyond the first 8 | reserved 16 | SPI 32 | …
//! ```
//!
//! Invariant: the walk's result is Linux's, packet for packet, because ip6tables rules mean what
//! that walk finds. It therefore reads no more of a header than Linux reads, and may find an upper
//! header that begins behind the packet's end.

use std::fmt;

use super::{Fragment, Ipv6, Upper, protocol};

/// Why an extension header chain leads to no upper protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainFault {
    /// The packet ends inside an extension header (`-EBADMSG` in Linux).
    Truncated {
        /// The header's number.
        header: u8,
        /// Where it begins, in bytes from the IPv6 header.
        offset: usize,
    },
    /// A later fragment continues inside an extension header (`-ENOENT` in Linux).
    SplitChain {
        /// The extension header's number.
        header: u8,
        /// Where the fragment header begins, in bytes from the IPv6 header.
        offset: usize,
    },
}

impl fmt::Display for ChainFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { header, offset } => {
                write!(f, "ipv6 extension header {header} at byte {offset} is truncated")
            }
            Self::SplitChain { header, offset } => write!(
                f,
                "ipv6 fragment header at byte {offset} continues extension header {header}"
            ),
        }
    }
}

impl std::error::Error for ChainFault {}

/// Follows the chain that begins with `header` at the start of `payload`, the bytes behind the
/// fixed header. Ends because every step moves at least 8 bytes on.
pub(super) fn find_upper(mut header: u8, payload: &[u8]) -> Result<Upper<'_>, ChainFault> {
    let mut at = 0;
    let mut fragment = None;
    while is_walked(header) {
        let rest = payload.get(at..).unwrap_or_default();
        let offset = Ipv6::HEADER_BYTES + at;
        let truncated = ChainFault::Truncated { header, offset };
        let [next, length] = *rest.first_chunk().ok_or(truncated)?;
        at += match header {
            protocol::FRAGMENT => {
                let [_, _, high, low] = *rest.first_chunk().ok_or(truncated)?;
                let field = u16::from_be_bytes([high, low]);
                let found = Fragment { offset: field & !7, more: field & 1 == 1 };
                fragment = Some(found);
                if found.offset != 0 {
                    if is_walked(next) {
                        return Err(ChainFault::SplitChain { header: next, offset });
                    }
                    header = next;
                    at += 8;
                    break;
                }
                8
            }
            protocol::ROUTING => {
                // Linux looks at the type and the segments left before it goes on.
                rest.first_chunk::<4>().ok_or(truncated)?;
                8 + 8 * usize::from(length)
            }
            protocol::AH => 8 + 4 * usize::from(length),
            _ => 8 + 8 * usize::from(length),
        };
        header = next;
    }
    Ok(Upper {
        protocol: header,
        offset: Ipv6::HEADER_BYTES + at,
        fragment,
        bytes: payload.get(at..).unwrap_or_default(),
    })
}

/// Whether Linux steps over the header: `ipv6_ext_hdr` without "no next header", which ends the
/// walk. Mobility, HIP and Shim6 headers are upper protocols to Linux, as ESP is.
fn is_walked(header: u8) -> bool {
    matches!(
        header,
        protocol::HOP_BY_HOP
            | protocol::ROUTING
            | protocol::FRAGMENT
            | protocol::AH
            | protocol::DESTINATION
    )
}

/// An extension header to build; contents are padded with zeros, which are Pad1 options, to the
/// header's unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExtensionRepr {
    /// Hop-by-hop options with these option bytes.
    HopByHop(Vec<u8>),
    /// Destination options with these option bytes.
    Destination(Vec<u8>),
    /// A routing header.
    Routing {
        /// Routing type, for instance 2 (mobility) or 4 (segment routing).
        kind: u8,
        /// Segments left.
        segments_left: u8,
        /// Type-specific bytes.
        data: Vec<u8>,
    },
    /// A fragment header.
    Fragment {
        /// Place of the payload in its datagram in bytes, a multiple of 8.
        offset: u16,
        /// Whether fragments follow.
        more: bool,
        /// Identification.
        id: u32,
    },
    /// An authentication header.
    Authentication {
        /// Security parameters index.
        spi: u32,
        /// Sequence number.
        sequence: u32,
        /// Integrity check value.
        icv: Vec<u8>,
    },
}

impl ExtensionRepr {
    /// The number that announces this header.
    #[must_use]
    pub fn header(&self) -> u8 {
        match self {
            Self::HopByHop(_) => protocol::HOP_BY_HOP,
            Self::Destination(_) => protocol::DESTINATION,
            Self::Routing { .. } => protocol::ROUTING,
            Self::Fragment { .. } => protocol::FRAGMENT,
            Self::Authentication { .. } => protocol::AH,
        }
    }

    fn emit(&self, next: u8, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend([next, 0]);
        match self {
            Self::HopByHop(options) | Self::Destination(options) => out.extend(options),
            Self::Routing { kind, segments_left, data } => {
                out.extend([*kind, *segments_left]);
                out.extend(data);
            }
            Self::Fragment { offset, more, id } => {
                assert!(offset.is_multiple_of(8), "ipv6 fragments start at multiples of 8");
                out.extend((offset | u16::from(*more)).to_be_bytes());
                out.extend(id.to_be_bytes());
                return;
            }
            Self::Authentication { spi, sequence, icv } => {
                out.extend([0, 0]);
                out.extend(spi.to_be_bytes());
                out.extend(sequence.to_be_bytes());
                out.extend(icv);
            }
        }
        let length = (out.len() - start).next_multiple_of(8);
        out.resize(start + length, 0);
        let unit = if matches!(self, Self::Authentication { .. }) { 4 } else { 8 };
        out[start + 1] = u8::try_from((length - 8) / unit)
            .expect("an ipv6 extension header ends at 255 units beyond the first 8 bytes");
    }
}

/// The chain's first header number and its bytes, with `protocol` behind the last header.
pub(super) fn emit_chain(extensions: &[ExtensionRepr], protocol: u8) -> (u8, Vec<u8>) {
    let mut bytes = Vec::new();
    for (index, extension) in extensions.iter().enumerate() {
        let next = extensions.get(index + 1).map_or(protocol, ExtensionRepr::header);
        extension.emit(next, &mut bytes);
    }
    (extensions.first().map_or(protocol, ExtensionRepr::header), bytes)
}
