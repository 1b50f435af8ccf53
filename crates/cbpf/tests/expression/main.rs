//! Our compiler of expressions against libpcap's, by way of tcpdump.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::print_stdout, reason = "skips and figures are told on standard output")]

mod geneve;
mod links;
mod listed;
mod random;

use std::fmt;

use netloom_cbpf::{Form as TextForm, Insn, Packet, Program, print, run};
use netloom_packet::capture::Record;

/// Whether tcpdump is missing; then says so.
fn is_skipped() -> bool {
    let found = std::process::Command::new("tcpdump").arg("--version").output();
    if let Err(error) = &found {
        println!("skipped: cannot run tcpdump: {error}");
    }
    found.is_err()
}

/// A frame, whole or cut short, that two programs judge differently.
struct Difference<'p> {
    ours: &'p Program,
    theirs: &'p Program,
    bytes: Vec<u8>,
    verdicts: [u32; 2],
}

/// The first difference between two programs.
fn difference<'p>(
    ours: &'p Program,
    theirs: &'p Program,
    records: &[Record],
) -> Option<Difference<'p>> {
    for (index, record) in records.iter().enumerate() {
        for length in [record.data.len(), index % 60, index * 7 % 80, index * 13 % 100] {
            let bytes = record.data.get(..length).unwrap_or(&record.data);
            let packet = Packet { length: record.orig_len, ..Packet::new(bytes) };
            let verdicts = [run(ours, &packet), run(theirs, &packet)];
            if verdicts[0] != verdicts[1] {
                return Some(Difference { ours, theirs, bytes: bytes.to_vec(), verdicts });
            }
        }
    }
    None
}

impl Difference<'_> {
    /// The frame with so many zeros behind it that hardly a load fails.
    fn padded(&self) -> Vec<u8> {
        [&self.bytes[..], &[0; 1024]].concat()
    }
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ours, theirs, bytes, verdicts: [our, their] } = self;
        let (ours, theirs) = (listing(ours), listing(theirs));
        write!(out, "we say {our}, they {their} of {bytes:02x?}\nours:\n{ours}theirs:\n{theirs}")
    }
}

fn listing(insns: &[Insn]) -> String {
    String::from_utf8(print(insns, TextForm::Listing)).unwrap()
}
