//! The packets of a capture that a filter accepts.

use std::io::Write;
use std::path::Path;

use netloom_cbpf::{Packet, Program};
use netloom_packet::capture::Record;
use serde::Serialize;

use super::Filter;
use crate::capture::{self, Capture, Seconds, described};
use crate::failure::Failure;
use crate::input;
use crate::output::{Outcome, Output};

/// The version of this command's documents.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct MatchDocument {
    packet: Match,
}

/// A packet that the filter accepts.
#[derive(Serialize)]
struct Match {
    number: u64,
    timestamp_ns: u64,
    summary: String,
    /// What the filter returned: the bytes to keep.
    keep: u32,
}

#[derive(Serialize)]
struct Body {
    capture: String,
    /// Whether all of the capture could be read.
    complete: bool,
    packets: u64,
    matches: u64,
}

/// Prints the packets that match, and how many they are.
pub(super) fn run(
    filter: &mut Filter,
    pcap: &Path,
    write: Option<&Path>,
    output: &Output,
) -> Result<Outcome, Failure> {
    let mut out = output.text();
    let mut first_ns = None;
    let (mut packets, mut matches) = (0, 0);
    let walk = Capture { path: pcap, write, is_quiet: true };
    let end = walk.walk(|capture::Packet { number, record, interface, .. }| {
        let first_ns = *first_ns.get_or_insert(record.timestamp_ns);
        packets = number;
        let keep = verdict(filter.program(interface.link_type)?, record);
        if keep == 0 {
            return Ok(false);
        }
        matches += 1;
        let summary = described(record, interface.link_type);
        let timestamp_ns = record.timestamp_ns;
        if output.is_json() {
            let packet = Match { number, timestamp_ns, summary, keep };
            output.document_to(&mut out, SCHEMA, &MatchDocument { packet })?;
        } else {
            let since_first = Seconds(timestamp_ns.saturating_sub(first_ns));
            writeln!(out, "{number} {since_first} {summary}")?;
        }
        Ok(true)
    });
    if let Err(failure @ Failure::Closed) = end {
        return Err(failure);
    }
    // What matched before the capture went wrong is worth counting.
    if end.is_ok() || packets > 0 {
        if output.is_json() {
            let (capture, complete) = (input::name(pcap), end.is_ok());
            output.document_to(&mut out, SCHEMA, &Body { capture, complete, packets, matches })?;
        } else {
            let plural = if packets == 1 { "" } else { "s" };
            writeln!(out, "{matches} of {packets} packet{plural} match")?;
        }
    }
    out.flush()?;
    end.map(|()| Outcome::Done)
}

/// What the program returns for a captured packet, which may have been cut short.
pub(crate) fn verdict(program: &Program, record: &Record) -> u32 {
    let packet = Packet { length: record.orig_len, ..Packet::new(&record.data) };
    netloom_cbpf::run(program, &packet)
}
