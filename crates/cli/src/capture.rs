//! Captures in and out: one walk over the packets, for every command that takes a capture.

use std::cell::Cell;
use std::fmt;
use std::fs::{self, File};
use std::path::Path;
use std::rc::Rc;

use netloom_packet::capture::{
    Interface, PcapngWriter, ReadError, ReadFault, Reader, Record, WriteError,
};
use netloom_packet::link::{LinkType, network_layer};
use netloom_packet::text::summary;

use crate::failure::{ErrorReport, Failure, reason};
use crate::input;
use crate::plain::plain;
use crate::progress::{Counted, Progress};

/// How often progress is thought of, in packets.
const TICK_PACKETS: u64 = 256;

/// A capture to go through.
pub(crate) struct Capture<'a> {
    /// Where it is.
    pub(crate) path: &'a Path,
    /// Where packets go that are kept.
    pub(crate) write: Option<&'a Path>,
    /// Whether progress would disturb.
    pub(crate) is_quiet: bool,
}

/// A packet of a capture.
pub(crate) struct Packet<'a> {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// Its bytes and time; what is changed here is written.
    pub(crate) record: &'a mut Record,
    /// Where it was captured.
    pub(crate) interface: &'a Interface,
    /// All interfaces known so far; the record's index is of them.
    pub(crate) interfaces: &'a [Interface],
}

impl Capture<'_> {
    /// Shows each packet to `visit`, and writes those that it keeps where that is wanted.
    ///
    /// # Errors
    /// When the capture cannot be read to its end or written, or `visit` fails; packets before that
    /// were visited.
    pub(crate) fn walk(
        &self,
        mut visit: impl FnMut(Packet<'_>) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let path = self.path;
        let total = fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|file| file.len());
        let done = Rc::new(Cell::new(0));
        let input = Counted::new(input::open(path)?, Rc::clone(&done));
        let mut reader = Reader::new(input).map_err(|error| unread(path, &error))?;
        let mut writer = self.write.map(|to| Writer::create(path, to)).transpose()?;
        let mut progress = Progress::new(total, done, !self.is_quiet);
        let mut record = Record::default();
        let mut number = 0u64;
        let end = loop {
            match reader.read(&mut record) {
                Ok(true) => number += 1,
                Ok(false) => break Ok(()),
                Err(error) => break Err(unread(path, &error)),
            }
            let interfaces = reader.interfaces();
            let index = usize::try_from(record.interface).unwrap_or(usize::MAX);
            let Some(interface) = interfaces.get(index) else { continue };
            let is_kept = visit(Packet { number, record: &mut record, interface, interfaces })?;
            if let Some(writer) = writer.as_mut().filter(|_| is_kept) {
                writer.write(interfaces, &record)?;
            }
            if number.is_multiple_of(TICK_PACKETS) {
                progress.tick(number, "packets");
            }
        };
        drop(progress);
        if let Some(writer) = writer {
            writer.finish(reader.interfaces())?;
        }
        end
    }
}

/// What a packet is, in one line for a terminal.
pub(crate) fn described(record: &Record, link_type: LinkType) -> String {
    match network_layer(link_type, &record.data) {
        Some(network) => {
            plain(&summary(network.ethertype, network.bytes(&record.data)).to_string()).into_owned()
        }
        None => format!("{link_type}, {} bytes", record.data.len()),
    }
}

/// Nanoseconds, printed as seconds to the microsecond.
pub(crate) struct Seconds(pub(crate) u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000_000, self.0 % 1_000_000_000 / 1_000)
    }
}

/// The written capture.
struct Writer<'a> {
    path: &'a Path,
    inner: PcapngWriter<File>,
    interfaces: usize,
}

impl<'a> Writer<'a> {
    /// Creates the file, which must not be the one that is read.
    fn create(from: &Path, to: &'a Path) -> Result<Self, Failure> {
        let is_same =
            |from: &Path| Some(fs::canonicalize(from).ok()? == fs::canonicalize(to).ok()?);
        if is_same(from) == Some(true) {
            let message = format!("{} is read and cannot be written too", input::name(to));
            return Err(ErrorReport::usage(message).with_help("name another file").into());
        }
        let file = File::create(to).map_err(|error| unwritten(to, &error.into()))?;
        let inner = PcapngWriter::new(file).map_err(|error| unwritten(to, &error))?;
        Ok(Self { path: to, inner, interfaces: 0 })
    }

    fn write(&mut self, interfaces: &[Interface], record: &Record) -> Result<(), Failure> {
        self.describe(interfaces)?;
        self.inner.write(record).map_err(|error| unwritten(self.path, &error))
    }

    fn describe(&mut self, interfaces: &[Interface]) -> Result<(), Failure> {
        for interface in interfaces.iter().skip(self.interfaces) {
            self.inner.add_interface(interface).map_err(|error| unwritten(self.path, &error))?;
            self.interfaces += 1;
        }
        Ok(())
    }

    fn finish(mut self, interfaces: &[Interface]) -> Result<(), Failure> {
        self.describe(interfaces)?;
        let Self { path, inner, .. } = self;
        inner.finish().map(drop).map_err(|error| unwritten(path, &error))
    }
}

fn unread(path: &Path, error: &ReadError) -> Failure {
    if let ReadFault::Io(error) = &error.fault {
        return input::not_read(path, error);
    }
    let message = format!("{}: {error}", input::name(path));
    let report = ErrorReport::new("capture-not-read", message);
    #[expect(clippy::wildcard_enum_match_arm, reason = "most faults need no hint")]
    let help = match error.fault {
        ReadFault::Magic { found: [0x1f, 0x8b, ..] } => {
            "the file is compressed: `gunzip -c FILE | netloom ... --pcap -`"
        }
        ReadFault::Magic { .. } => "`tcpdump -w FILE` writes captures that are understood",
        ReadFault::Truncated { .. } => {
            "packets before the cut are judged; capture anew for the rest"
        }
        _ => "packets before this place are judged",
    };
    report.with_help(help).into()
}

fn unwritten(path: &Path, error: &WriteError) -> Failure {
    let why = if let WriteError::Io(error) = error { reason(error) } else { error.to_string() };
    let message = format!("cannot write {}: {why}", input::name(path));
    let report = ErrorReport::new("capture-not-written", message);
    report.with_help("check the directory and the space on its disk").into()
}
