//! One reader for both formats, told apart by the first four bytes.

use std::io::Read;

use super::pcap::Pcap;
use super::pcapng::{self, Pcapng};
use super::source::Source;
use super::{Interface, ReadError, ReadFault, Record};

/// A stream of the packets of a pcap or pcapng file; needs no seeking and buffers by itself.
#[derive(Debug)]
pub struct Reader<R> {
    source: Source<R>,
    format: Format,
    interfaces: Vec<Interface>,
    /// Set at the end and at the first error, behind which no position can be trusted.
    is_done: bool,
}

#[derive(Debug)]
enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

impl<R: Read> Reader<R> {
    /// Reads the file header, which tells format, byte order and unit of time.
    ///
    /// # Errors
    /// [`ReadError`] when the header is of no capture format, cut short or of another version.
    pub fn new(input: R) -> Result<Self, ReadError> {
        let mut source = Source::new(input);
        let part = "capture file header";
        let Some(magic) = source.begin::<4>(part)? else {
            return Err(source.fault(ReadFault::Truncated { part, need: 4, have: 0 }));
        };
        let (format, interfaces) = if magic == pcapng::SECTION.to_be_bytes() {
            (Format::Pcapng(Pcapng::begin(&mut source)?), Vec::new())
        } else if let Some(pcap) = Pcap::of_magic(magic) {
            let interface = pcap.header(&mut source)?;
            (Format::Pcap(pcap), vec![interface])
        } else {
            return Err(source.fault(ReadFault::Magic { found: magic }));
        };
        Ok(Self { source, format, interfaces, is_done: false })
    }

    /// The interfaces described so far, which [`Record::interface`] indexes; pcap has exactly one,
    /// pcapng may describe more as packets are read.
    #[must_use]
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// Reads the next packet into `record`, whose memory is used again; `false` at the end, and
    /// ever after an error.
    ///
    /// # Errors
    /// [`ReadError`] with the place where the file goes wrong; `record` is then unspecified.
    pub fn read(&mut self, record: &mut Record) -> Result<bool, ReadError> {
        if self.is_done {
            return Ok(false);
        }
        let read = match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.source, record),
            Format::Pcapng(file) => file.next(&mut self.source, &mut self.interfaces, record),
        };
        self.is_done = !matches!(read, Ok(true));
        read
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut record = Record::default();
        match self.read(&mut record) {
            Ok(true) => Some(Ok(record)),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }
}
