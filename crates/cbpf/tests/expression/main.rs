//! Our compiler of expressions against libpcap's, by way of tcpdump.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::print_stdout, reason = "skips and figures are told on standard output")]

mod files;
mod listed;

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

/// The first frame, whole or cut short, that two programs judge differently.
fn difference(ours: &Program, theirs: &Program, records: &[Record]) -> Option<String> {
    for (index, record) in records.iter().enumerate() {
        for length in [record.data.len(), index % 60, index * 7 % 80, index * 13 % 100] {
            let bytes = record.data.get(..length).unwrap_or(&record.data);
            let packet = Packet { length: record.orig_len, ..Packet::new(bytes) };
            let (our, their) = (run(ours, &packet), run(theirs, &packet));
            if our != their {
                let [ours, theirs] = [ours, theirs].map(|program| listing(program));
                return Some(format!(
                    "ours says {our}, theirs {their} of {bytes:02x?}\nours:\n{ours}theirs:\n{theirs}"
                ));
            }
        }
    }
    None
}

fn listing(insns: &[Insn]) -> String {
    String::from_utf8(print(insns, TextForm::Listing)).unwrap()
}
