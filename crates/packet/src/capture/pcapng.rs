//! The block format (draft-ietf-opsawg-pcapng), in the byte order of each section's writer:
//!
//! ```text
//!  block             type 32 | total length 32 | body | total length 32
//!  section header    byte-order magic 32 | version 16.16 | section length 64 | options
//!  interface         link type 16 | reserved 16 | snapshot length 32 | options
//!  enhanced packet   interface 32 | time 64 | captured 32 | original 32 | bytes, padded | options
//!  simple packet     original 32 | bytes, padded
//!  packet (obsolete) interface 16 drops 16 | time 64 | captured 32 | original 32 | as enhanced
//! ```
//!
//! Interfaces are numbered anew in each section; here they are counted through the file.

use std::io::Read;

use super::option;
use super::source::{ByteOrder, Source};
use super::{
    BLOCK_BYTES_MAX, INTERFACES_MAX, Interface, RECORD_BYTES_MAX, ReadError, ReadFault, Record,
};
use crate::link::LinkType;

pub(super) const SECTION: u32 = 0x0a0d_0d0a;
pub(super) const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
pub(super) const ENHANCED_PACKET: u32 = 6;
pub(super) const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

/// Type and both total lengths.
pub(super) const FRAME_BYTES: u32 = 12;

/// The state of a file between two blocks.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: ByteOrder,
    /// Interfaces of earlier sections, which the current section's numbers do not reach.
    earlier: usize,
    /// How to read each interface's timestamps, in step with the reader's interfaces.
    clocks: Vec<Clock>,
    body: Vec<u8>,
}

impl Pcapng {
    /// Reads the rest of the first section header, whose type has been read.
    pub(super) fn begin<R: Read>(source: &mut Source<R>) -> Result<Self, ReadError> {
        let mut file =
            Self { order: ByteOrder::Little, earlier: 0, clocks: Vec::new(), body: Vec::new() };
        file.section(source)?;
        Ok(file)
    }

    /// Reads blocks up to and with the next packet; `false` at the end of the file.
    pub(super) fn next<R: Read>(
        &mut self,
        source: &mut Source<R>,
        interfaces: &mut Vec<Interface>,
        record: &mut Record,
    ) -> Result<bool, ReadError> {
        while let Some(kind) = source.begin::<4>("pcapng block type")? {
            let kind = self.order.u32(kind);
            if kind == SECTION {
                self.section(source)?;
                continue;
            }
            let is_packet = self.block(source, kind)?;
            let fault = match kind {
                INTERFACE => self.interface(interfaces),
                _ if is_packet => self.packet(kind, interfaces, record),
                _ => continue,
            };
            fault.map_err(|fault| source.fault(fault))?;
            if is_packet {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads a section header behind its type, which reads the same in both byte orders.
    fn section<R: Read>(&mut self, source: &mut Source<R>) -> Result<(), ReadError> {
        let part = "pcapng section header";
        let length = source.array(part)?;
        let magic = source.array(part)?;
        let orders = [ByteOrder::Little, ByteOrder::Big];
        let order = orders.into_iter().find(|order| order.u32(magic) == BYTE_ORDER_MAGIC);
        self.order = order.ok_or(source.fault(ReadFault::ByteOrder { found: magic }))?;
        self.earlier = self.clocks.len();

        let length = self.order.u32(length);
        let least = FRAME_BYTES + 16;
        if length < least || !length.is_multiple_of(4) {
            return Err(source.fault(ReadFault::BlockLength { found: length, least }));
        }
        let [a, b, c, d] = source.array(part)?;
        let (major, minor) = (self.order.u16([a, b]), self.order.u16([c, d]));
        // The draft has readers treat version 1.2 as 1.0.
        if !matches!((major, minor), (1, 0 | 2)) {
            return Err(source.fault(ReadFault::Version { major, minor }));
        }
        // The section length serves to skip the section, and the options tell of its origin.
        source.skip(length - FRAME_BYTES - 8, part)?;
        self.trailer(source, length)
    }

    /// Reads a block behind its type, its body only if it is interpreted; returns whether it is a
    /// packet.
    fn block<R: Read>(&mut self, source: &mut Source<R>, kind: u32) -> Result<bool, ReadError> {
        let part = "pcapng block";
        let length = self.order.u32(source.array(part)?);
        let fixed = match kind {
            INTERFACE => Some(8),
            OBSOLETE_PACKET | ENHANCED_PACKET => Some(20),
            SIMPLE_PACKET => Some(4),
            _ => None,
        };
        let least = FRAME_BYTES + fixed.unwrap_or(0);
        if length < least || !length.is_multiple_of(4) {
            return Err(source.fault(ReadFault::BlockLength { found: length, least }));
        }
        if fixed.is_none() {
            source.skip(length - FRAME_BYTES, part)?;
        } else if length > BLOCK_BYTES_MAX {
            return Err(source.fault(ReadFault::BlockTooLong { found: length }));
        } else {
            source.bytes(length - FRAME_BYTES, part, &mut self.body)?;
        }
        self.trailer(source, length)?;
        Ok(fixed.is_some() && kind != INTERFACE)
    }

    fn trailer<R: Read>(&self, source: &mut Source<R>, head: u32) -> Result<(), ReadError> {
        let tail = self.order.u32(source.array("pcapng block length")?);
        if tail == head {
            return Ok(());
        }
        Err(source.fault(ReadFault::TrailingLength { head, tail }))
    }

    fn interface(&mut self, interfaces: &mut Vec<Interface>) -> Result<(), ReadFault> {
        if interfaces.len() >= INTERFACES_MAX as usize {
            return Err(ReadFault::TooManyInterfaces);
        }
        let ([a, b, _, _, snap_len @ ..], mut options) = self.fixed::<8>();
        let mut interface = Interface {
            link_type: LinkType(self.order.u16([a, b])),
            snap_len: self.order.u32(snap_len),
            name: None,
        };
        let mut clock = Clock::default();
        while let Some((code, value)) = option::next(self.order, &mut options)? {
            match code {
                option::IF_NAME => interface.name = Some(text(value)),
                option::IF_TSRESOL => clock.resolution = option::fixed::<1>(code, value)?[0],
                option::IF_TSOFFSET => {
                    clock.offset_secs = self.order.i64(option::fixed(code, value)?);
                }
                _ => {}
            }
        }
        interfaces.push(interface);
        self.clocks.push(clock);
        Ok(())
    }

    fn packet(
        &self,
        kind: u32,
        interfaces: &[Interface],
        record: &mut Record,
    ) -> Result<(), ReadFault> {
        record.comments.clear();
        if kind == SIMPLE_PACKET {
            return self.simple_packet(interfaces, record);
        }
        let (header, rest) = self.fixed::<20>();
        let (words, _) = header.as_chunks::<4>();
        let words: &[[u8; 4]; 5] = words.try_into().expect("20 bytes are 5 words");
        let [mut id, high, low, captured, orig_len] = self.order.words(words);
        if kind == OBSOLETE_PACKET {
            let [a, b, _, _] = words[0];
            id = u32::from(self.order.u16([a, b]));
        }
        let (index, clock) = self.clock(id)?;
        record.timestamp_ns = clock.nanoseconds(u64::from(high) << 32 | u64::from(low));
        record.interface = index;
        record.orig_len = orig_len;
        let (data, mut options) = split_packet(rest, captured)?;
        record.data.clear();
        record.data.extend(data);
        while let Some((code, value)) = option::next(self.order, &mut options)? {
            if code == option::COMMENT {
                record.comments.push(text(value));
            }
        }
        Ok(())
    }

    /// A packet of the section's first interface, cut to that interface's snapshot length.
    fn simple_packet(
        &self,
        interfaces: &[Interface],
        record: &mut Record,
    ) -> Result<(), ReadFault> {
        let (orig_len, rest) = self.fixed::<4>();
        let (index, _) = self.clock(0)?;
        let snap_len = match interfaces.get(self.earlier).map(|first| first.snap_len) {
            None | Some(0) => u32::MAX,
            Some(limit) => limit,
        };
        record.orig_len = self.order.u32(orig_len);
        let (data, _) = split_packet(rest, record.orig_len.min(snap_len))?;
        record.timestamp_ns = 0;
        record.interface = index;
        record.data.clear();
        record.data.extend(data);
        Ok(())
    }

    /// The file-wide index and the clock of an interface of the current section.
    fn clock(&self, id: u32) -> Result<(u32, Clock), ReadFault> {
        let known = self.clocks.len() - self.earlier;
        let unknown = ReadFault::UnknownInterface { id, known };
        let Some(index) = u32::try_from(self.earlier).ok().and_then(|base| base.checked_add(id))
        else {
            return Err(unknown);
        };
        let clock = self.clocks.get(index as usize).ok_or(unknown)?;
        Ok((index, *clock))
    }

    /// The fixed part of the block's body, whose length [`Self::block`] has proved, and the rest.
    fn fixed<const N: usize>(&self) -> ([u8; N], &[u8]) {
        let (fixed, rest) =
            self.body.split_first_chunk().expect("the block is at least as long as its fixed part");
        (*fixed, rest)
    }
}

/// Splits a packet and its padding off the bytes behind a packet block's fixed part.
fn split_packet(rest: &[u8], captured: u32) -> Result<(&[u8], &[u8]), ReadFault> {
    if captured > RECORD_BYTES_MAX {
        return Err(ReadFault::RecordLength { found: captured });
    }
    let length = captured as usize;
    let overrun = ReadFault::CapturedLength { found: captured, room: rest.len() };
    let Some(data) = rest.get(..length) else { return Err(overrun) };
    let Some(options) = rest.get(length.next_multiple_of(4)..) else { return Err(overrun) };
    Ok((data, options))
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

/// How an interface counts time.
#[derive(Debug, Clone, Copy)]
struct Clock {
    /// The option's value: a negative power of 10, or of 2 with the highest bit set.
    resolution: u8,
    offset_secs: i64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { resolution: 6, offset_secs: 0 }
    }
}

impl Clock {
    /// The time of `ticks` units in nanoseconds since 1970, at the ends of what 64 bits hold when
    /// it lies outside.
    fn nanoseconds(self, ticks: u64) -> u64 {
        const SECOND_NS: u128 = 1_000_000_000;
        // 2^64 ticks of up to 10^9 ns are below 2^94.
        let second_ticks_ns = u128::from(ticks) * SECOND_NS;
        let exponent = u32::from(self.resolution & 0x7f);
        let since_offset = if self.resolution & 0x80 != 0 {
            second_ticks_ns >> exponent
        } else {
            // A power too great for 128 bits divides everything to zero.
            10_u128.checked_pow(exponent).map_or(0, |power| second_ticks_ns / power)
        };
        let offset = i128::from(self.offset_secs) * 1_000_000_000;
        let time = i128::try_from(since_offset).unwrap_or(i128::MAX).saturating_add(offset);
        u64::try_from(time.max(0)).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_count_in_powers_of_ten_and_two() {
        let at =
            |resolution, offset_secs, ticks| Clock { resolution, offset_secs }.nanoseconds(ticks);
        assert_eq!(at(6, 0, 1_500_000), 1_500_000_000);
        assert_eq!(at(9, 0, 7), 7);
        assert_eq!(at(0, 0, 2), 2_000_000_000);
        assert_eq!(at(12, 0, 7_999), 7);
        assert_eq!(at(0x80 | 10, 0, 1536), 1_500_000_000);
        assert_eq!(at(6, -1, 1_500_000), 500_000_000);
        assert_eq!(at(6, 2, 0), 2_000_000_000);
    }

    #[test]
    fn clocks_stop_at_the_ends_of_64_bits() {
        let at =
            |resolution, offset_secs, ticks| Clock { resolution, offset_secs }.nanoseconds(ticks);
        assert_eq!(at(0, 0, u64::MAX), u64::MAX);
        assert_eq!(at(6, i64::MIN, u64::MAX), 0);
        assert_eq!(at(0, i64::MAX, u64::MAX), u64::MAX);
        assert_eq!(at(127, 0, u64::MAX), 0);
        assert_eq!(at(0xff, 0, u64::MAX), 0);
    }
}
