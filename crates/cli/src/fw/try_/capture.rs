//! Captures in and out.

use std::cell::Cell;
use std::fs::{self, File};
use std::path::Path;
use std::rc::Rc;

use netloom_hooks::Device;
use netloom_hooks::replay::{Frame, Replay};
use netloom_packet::capture::{
    Interface, PcapngWriter, ReadError, ReadFault, Reader, Record, WriteError,
};

use super::failed;
use super::judge::{Judge, PacketRow};
use super::tally::Tally;
use crate::failure::{ErrorReport, Failure, reason};
use crate::input;
use crate::progress::{Counted, Progress};

/// How often progress is thought of, in packets.
const TICK_PACKETS: u64 = 256;

/// Names of interfaces that stand for several devices, or none.
const NO_DEVICES: [&str; 2] = ["any", "nflog"];

/// A capture to judge.
pub(super) struct Captured<'a> {
    /// Where it is.
    pub(super) path: &'a Path,
    /// Where the packets go with their verdicts.
    pub(super) write: Option<&'a Path>,
    /// Whether the capture's own device names count.
    pub(super) names_devices: bool,
    /// Whether progress would disturb.
    pub(super) is_quiet: bool,
}

/// Judges all packets of the capture, shows each to `show`, and writes them where that is wanted.
///
/// # Errors
/// When the capture cannot be read to its end or written; packets before that are judged.
pub(super) fn replay_capture(
    captured: &Captured<'_>,
    replay: &mut Replay<'_>,
    judge: &mut Judge<'_>,
    tally: &mut Tally,
    mut show: impl FnMut(PacketRow) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let path = captured.path;
    let total = fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|file| file.len());
    let done = Rc::new(Cell::new(0));
    let input = Counted::new(input::open(path)?, Rc::clone(&done));
    let mut reader = Reader::new(input).map_err(|error| unread(path, &error))?;
    let mut writer = captured.write.map(|to| Writer::create(path, to)).transpose()?;
    let mut progress = Progress::new(total, done, !captured.is_quiet);
    let mut devices = Devices { names_devices: captured.names_devices, known: Vec::new() };
    let mut record = Record::default();
    let end = loop {
        match reader.read(&mut record) {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) => break Err(unread(path, &error)),
        }
        devices.learn(reader.interfaces());
        let index = usize::try_from(record.interface).unwrap_or(usize::MAX);
        let Some(interface) = reader.interfaces().get(index) else { continue };
        let frame = Frame {
            link_type: interface.link_type,
            bytes: &record.data,
            timestamp_ns: record.timestamp_ns,
            device: devices.known.get(index).and_then(Option::as_ref),
        };
        let outcome = replay.packet(&frame).map_err(|error| failed(&error))?;
        let row = judge.row(&record, interface.link_type, &outcome, replay);
        tally.add(&row);
        if let Some(writer) = &mut writer {
            record.comments.push(row.comment());
            writer.write(reader.interfaces(), &record)?;
        }
        show(row)?;
        if tally.packets.is_multiple_of(TICK_PACKETS) {
            progress.tick(tally.packets, "packets");
        }
    };
    drop(progress);
    if let Some(writer) = writer {
        writer.finish(reader.interfaces())?;
    }
    end
}

/// The devices of the capture's interfaces.
struct Devices {
    names_devices: bool,
    known: Vec<Option<Device>>,
}

impl Devices {
    fn learn(&mut self, interfaces: &[Interface]) {
        for (index, interface) in interfaces.iter().enumerate().skip(self.known.len()) {
            let name = interface.name.as_deref().filter(|name| {
                self.names_devices && !name.is_empty() && !NO_DEVICES.contains(name)
            });
            // Index 1 is the loopback device's.
            let ifindex = u32::try_from(index).unwrap_or(0).saturating_add(2);
            self.known.push(name.and_then(|name| Device::new(name, ifindex).ok()));
        }
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
            "the file is compressed: `gunzip -c FILE | netloom fw try RULES --pcap -`"
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
