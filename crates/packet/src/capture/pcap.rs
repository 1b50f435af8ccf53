//! The classic format (draft-ietf-opsawg-pcap), in the byte order of the host that wrote it:
//!
//! ```text
//!  file    magic 32 | version 16.16 | reserved 64 | snapshot length 32 | FCS 4 reserved 12 link 16
//!  record  seconds 32 | fraction 32 | captured length 32 | original length 32 | bytes
//! ```

use std::io::Read;

use super::source::{ByteOrder, Source};
use super::{Interface, RECORD_BYTES_MAX, ReadError, ReadFault, Record};
use crate::link::LinkType;

/// The magic with a fraction in microseconds.
const MICROSECONDS: u32 = 0xa1b2_c3d4;
/// The magic with a fraction in nanoseconds.
pub(super) const NANOSECONDS: u32 = 0xa1b2_3c4d;
/// The one version in use since 1998.
pub(super) const VERSION: (u16, u16) = (2, 4);

/// What the file header says about records.
#[derive(Debug)]
pub(super) struct Pcap {
    order: ByteOrder,
    fraction_ns: u64,
}

impl Pcap {
    /// The byte order and unit that a magic says; `None` for no magic of this format.
    pub(super) fn of_magic(magic: [u8; 4]) -> Option<Self> {
        [ByteOrder::Little, ByteOrder::Big].into_iter().find_map(|order| {
            let fraction_ns = match order.u32(magic) {
                MICROSECONDS => 1_000,
                NANOSECONDS => 1,
                _ => return None,
            };
            Some(Self { order, fraction_ns })
        })
    }

    /// Reads the file header behind its magic.
    pub(super) fn header<R: Read>(&self, source: &mut Source<R>) -> Result<Interface, ReadError> {
        let part = "pcap file header";
        let [a, b, c, d] = source.array(part)?;
        let (major, minor) = (self.order.u16([a, b]), self.order.u16([c, d]));
        if (major, minor) != VERSION {
            return Err(source.fault(ReadFault::Version { major, minor }));
        }
        let _reserved: [u8; 8] = source.array(part)?;
        let snap_len = self.order.u32(source.array(part)?);
        // The upper half says how many bytes of frame check sequence follow each frame, which the
        // lengths inside the packet tell apart.
        let [high, low] = match (self.order, source.array(part)?) {
            (ByteOrder::Little, [a, b, _, _]) => [b, a],
            (ByteOrder::Big, [_, _, a, b]) => [a, b],
        };
        let link_type = LinkType(u16::from_be_bytes([high, low]));
        Ok(Interface { link_type, snap_len, name: None })
    }

    /// Reads the next record into `record`; `false` at the end of the file.
    pub(super) fn next<R: Read>(
        &self,
        source: &mut Source<R>,
        record: &mut Record,
    ) -> Result<bool, ReadError> {
        let Some(header) = source.begin::<16>("pcap record header")? else { return Ok(false) };
        let (words, _) = header.as_chunks::<4>();
        let words: &[[u8; 4]; 4] = words.try_into().expect("16 bytes are 4 words");
        let [seconds, fraction, captured, orig_len] = self.order.words(words);
        if captured > RECORD_BYTES_MAX {
            return Err(source.fault(ReadFault::RecordLength { found: captured }));
        }
        source.bytes(captured, "pcap record", &mut record.data)?;
        record.timestamp_ns =
            u64::from(seconds) * 1_000_000_000 + u64::from(fraction) * self.fraction_ns;
        record.interface = 0;
        record.orig_len = orig_len;
        record.comments.clear();
        Ok(true)
    }
}
