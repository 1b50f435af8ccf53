//! Filters on captures: tcpdump, its programs in every engine of ours, and in the kernel.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::print_stdout, reason = "skips and counts are told on standard output")]

mod libpcap;
mod ours;
mod parallel;

use netloom_cbpf::{Form as TextForm, Insn, print};
use netloom_packet::capture::Record;
use netloom_packet::link::LinkType;
use netloom_sys::{Capabilities, Capability};
use netloom_testkit::filter::LINKS;
use netloom_testkit::filter::capture::capture;
use netloom_testkit::filter::expressions::{Expression, Mark, refused};
use netloom_testkit::filter::judge::{Engine, JudgeError};
use netloom_testkit::filter::tcpdump::{Compile, Form, Tcpdump, TcpdumpError};

/// The protocol number of authentication headers.
///
/// Behind such a header, libpcap's programs for chains of headers go on at the header's length
/// instead of adding it to where they are, which for some frames is a loop without end.
const AUTHENTICATION: u8 = 51;

/// A capture and tcpdump's access to it.
struct Capture {
    link: LinkType,
    records: Vec<Record>,
    tcpdump: Tcpdump,
}

impl Capture {
    fn new(link: LinkType, records: Vec<Record>) -> Self {
        let tcpdump = Tcpdump::new(link, &records).unwrap();
        Self { link, records, tcpdump }
    }

    /// The usual frames of a link type; Ethernet has the most kinds of them.
    fn of(link: LinkType) -> Self {
        let frames = if link == LinkType::ETHERNET { 1_500 } else { 500 };
        Self::new(link, capture(link, 7, frames))
    }

    /// Those without a byte that could be taken for the number of an authentication header.
    fn without_authentication(&self) -> Self {
        let is_kept = |record: &&Record| !record.data.contains(&AUTHENTICATION);
        Self::new(self.link, self.records.iter().filter(is_kept).cloned().collect())
    }
}

/// Whether tcpdump is missing; then says so.
fn is_skipped() -> bool {
    let found = std::process::Command::new("tcpdump").arg("--version").output();
    if let Err(error) = &found {
        println!("skipped: cannot run tcpdump: {error}");
    }
    found.is_err()
}

/// How tcpdump makes a program: where no frame can match, only its plain compiler does.
fn compile(expression: &Expression) -> Compile {
    match expression.mark {
        Some(Mark::Never) => Compile::Plain,
        Some(Mark::Loops | Mark::Ancillary | Mark::Wraps | Mark::Shifts) | None => {
            Compile::Optimized
        }
    }
}

/// The engines that may be used here; says why not all.
fn engines() -> &'static [Engine] {
    let may_load = Capabilities::effective().is_some_and(|held| held.has(Capability::SysAdmin));
    if !may_load {
        println!("ran 4 engines, skipped 3: needs CAP_SYS_ADMIN");
        return &Engine::UNPRIVILEGED;
    }
    &Engine::ALL
}

/// What is said of a filter about which engines differ.
fn report(
    expression: &Expression,
    insns: &[Insn],
    records: &[Record],
    error: &JudgeError,
) -> String {
    let text = String::from_utf8(print(insns, TextForm::Listing)).unwrap();
    let frame = match error {
        JudgeError::Disagreement(difference) => {
            let record = &records[difference.frame];
            let hex: String = record.data.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("frame of {} bytes: {hex}\n", record.orig_len)
        }
        JudgeError::Socket(_) | JudgeError::Translated { .. } => String::new(),
    };
    format!("{}: {error}\n{frame}{text}", expression.text)
}

#[test]
fn refused_filters_are_refused_by_tcpdump() {
    if is_skipped() {
        return;
    }
    for link in LINKS {
        let empty = Capture::new(link, Vec::new());
        let failures = parallel::failures(&refused(link), |text| {
            match empty.tcpdump.program(text, Compile::Optimized, Form::Text) {
                Err(TcpdumpError::Refused { .. }) => Ok(()),
                Ok(program) => Err(format!("{link}: {text}\n{program}")),
                Err(error) => Err(format!("{link}: {text}: {error}")),
            }
        });
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }
}
