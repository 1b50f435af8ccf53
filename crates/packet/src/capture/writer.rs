//! Writing captures: little-endian, times in nanoseconds. Writers buffer by themselves, and only
//! `finish` reports whether the last bytes were written.

use std::io::{BufWriter, Write};

use super::pcapng::{BYTE_ORDER_MAGIC, ENHANCED_PACKET, FRAME_BYTES, INTERFACE, SECTION};
use super::{BLOCK_BYTES_MAX, Interface, RECORD_BYTES_MAX, Record, WriteError, option, pcap};
use crate::link::LinkType;

const SECOND_NS: u64 = 1_000_000_000;

/// Writes a pcap file. Interfaces and comments of records are lost in this format: a file has one
/// link type.
#[derive(Debug)]
pub struct PcapWriter<W: Write> {
    out: BufWriter<W>,
}

impl<W: Write> PcapWriter<W> {
    /// Writes the file header.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn new(out: W, link_type: LinkType) -> Result<Self, WriteError> {
        let mut header = Vec::with_capacity(24);
        header.extend(pcap::NANOSECONDS.to_le_bytes());
        header.extend(pcap::VERSION.0.to_le_bytes());
        header.extend(pcap::VERSION.1.to_le_bytes());
        header.extend([0; 8]);
        header.extend(RECORD_BYTES_MAX.to_le_bytes());
        header.extend(u32::from(link_type.0).to_le_bytes());
        let mut out = BufWriter::new(out);
        out.write_all(&header)?;
        Ok(Self { out })
    }

    /// Appends a packet.
    ///
    /// # Errors
    /// [`WriteError`] when the packet is too long, its time is beyond 2106, or writing fails.
    pub fn write(&mut self, record: &Record) -> Result<(), WriteError> {
        let captured = captured_len(record)?;
        let (seconds, fraction) =
            (record.timestamp_ns / SECOND_NS, record.timestamp_ns % SECOND_NS);
        let (Ok(seconds), Ok(fraction)) = (u32::try_from(seconds), u32::try_from(fraction)) else {
            return Err(WriteError::Timestamp { timestamp_ns: record.timestamp_ns });
        };
        let header = [seconds, fraction, captured, record.orig_len].map(u32::to_le_bytes);
        self.out.write_all(header.as_flattened())?;
        self.out.write_all(&record.data)?;
        Ok(())
    }

    /// Writes what is buffered and returns the output.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn finish(self) -> Result<W, WriteError> {
        finish(self.out)
    }
}

/// Writes a pcapng file of one section.
#[derive(Debug)]
pub struct PcapngWriter<W: Write> {
    out: BufWriter<W>,
    interfaces: u32,
    /// The body of the block being written.
    body: Vec<u8>,
}

impl<W: Write> PcapngWriter<W> {
    /// Writes the section header, which names this program as the file's origin.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn new(out: W) -> Result<Self, WriteError> {
        let mut writer = Self { out: BufWriter::new(out), interfaces: 0, body: Vec::new() };
        writer.body.extend(BYTE_ORDER_MAGIC.to_le_bytes());
        writer.body.extend(1_u16.to_le_bytes());
        writer.body.extend(0_u16.to_le_bytes());
        // The section's length is unknown until its end.
        writer.body.extend((-1_i64).to_le_bytes());
        writer.option(option::SHB_USERAPPL, concat!("netloom ", env!("CARGO_PKG_VERSION")))?;
        writer.block(SECTION)?;
        Ok(writer)
    }

    /// Describes the next interface and returns its index, counted from 0.
    ///
    /// # Errors
    /// [`WriteError`] when the name is too long or writing fails.
    pub fn add_interface(&mut self, interface: &Interface) -> Result<u32, WriteError> {
        self.body.clear();
        self.body.extend(interface.link_type.0.to_le_bytes());
        self.body.extend([0; 2]);
        self.body.extend(interface.snap_len.to_le_bytes());
        if let Some(name) = &interface.name {
            self.option(option::IF_NAME, name)?;
        }
        let is_short = option::push(&mut self.body, option::IF_TSRESOL, &[9]);
        assert!(is_short, "one byte fits an option");
        self.block(INTERFACE)?;
        self.interfaces += 1;
        Ok(self.interfaces - 1)
    }

    /// Appends a packet with its comments.
    ///
    /// # Errors
    /// [`WriteError`] when the interface was not added, the packet or a comment is too long, or
    /// writing fails.
    pub fn write(&mut self, record: &Record) -> Result<(), WriteError> {
        let (id, known) = (record.interface, self.interfaces);
        if id >= known {
            return Err(WriteError::UnknownInterface { id, known });
        }
        let captured = captured_len(record)?;
        self.body.clear();
        self.body.extend(id.to_le_bytes());
        // The upper half of the time comes first, each half in the section's byte order.
        let [l0, l1, l2, l3, h0, h1, h2, h3] = record.timestamp_ns.to_le_bytes();
        self.body.extend([h0, h1, h2, h3, l0, l1, l2, l3]);
        self.body.extend(captured.to_le_bytes());
        self.body.extend(record.orig_len.to_le_bytes());
        self.body.extend(&record.data);
        self.body.resize(self.body.len().next_multiple_of(4), 0);
        for comment in &record.comments {
            self.option(option::COMMENT, comment)?;
        }
        self.block(ENHANCED_PACKET)
    }

    /// Writes what is buffered and returns the output.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn finish(self) -> Result<W, WriteError> {
        finish(self.out)
    }

    fn option(&mut self, code: u16, value: &str) -> Result<(), WriteError> {
        if option::push(&mut self.body, code, value.as_bytes()) {
            return Ok(());
        }
        Err(WriteError::OptionLength { code, found: value.len() })
    }

    /// Writes the body as a block of this type.
    fn block(&mut self, kind: u32) -> Result<(), WriteError> {
        let found = self.body.len() + FRAME_BYTES as usize;
        let length = u32::try_from(found).ok().filter(|length| *length <= BLOCK_BYTES_MAX);
        let length = length.ok_or(WriteError::BlockTooLong { found })?.to_le_bytes();
        self.out.write_all(&kind.to_le_bytes())?;
        self.out.write_all(&length)?;
        self.out.write_all(&self.body)?;
        self.out.write_all(&length)?;
        Ok(())
    }
}

fn finish<W: Write>(out: BufWriter<W>) -> Result<W, WriteError> {
    out.into_inner().map_err(|error| WriteError::Io(error.into_error()))
}

fn captured_len(record: &Record) -> Result<u32, WriteError> {
    let found = record.data.len();
    let length = u32::try_from(found).ok().filter(|length| *length <= RECORD_BYTES_MAX);
    length.ok_or(WriteError::RecordLength { found })
}
