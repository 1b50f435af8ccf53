//! What capture filters cost: how long their programs are, and how long those take for a frame.
//!
//! Filters are compiled by tcpdump and by our compiler. The programs run on one frame that matches, in
//! our interpreters and in the kernel. All contenders take turns, so that a disturbance of the
//! machine meets all of them alike.
//!
//! Invariant: no figure without proof that the work was done. Every run must give the verdict that
//! tcpdump gave of the frame.
//!
//! Reading order: `contender` (who runs a program), `report`.

mod contender;
mod report;

use clap::Args;
use netloom_cbpf::expression::SNAPLEN;
use netloom_cbpf::{Insn, Program};
use netloom_packet::capture::Record;
use netloom_packet::link::LinkType;
use netloom_sys::{Capabilities, Capability};
use netloom_testkit::filter::LINKS;
use netloom_testkit::filter::capture::capture;
use netloom_testkit::filter::length::{Length, lengths};
use netloom_testkit::filter::names::Files;
use netloom_testkit::filter::programs::{Programs, ProgramsError, options as compile_options};
use netloom_testkit::filter::tcpdump::{Compile, Tcpdump};

use crate::error::BenchError;
use crate::machine::Machine;
use crate::progress::Progress;
use crate::samples::Samples;
use contender::{Contender, Runner};
use report::{Cell, Report, Row};

/// What to measure.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Turns of each measurement
    #[arg(long, value_name = "N", default_value = "301",
          value_parser = clap::value_parser!(u16).range(1..=10_000))]
    rounds: u16,
    /// Length of a turn
    #[arg(long, value_name = "MS", default_value = "1",
          value_parser = clap::value_parser!(u16).range(1..=10_000))]
    milliseconds: u16,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// A filter whose time is measured.
#[derive(Clone, Copy, Debug)]
struct Timed {
    title: &'static str,
    text: &'static str,
}

const TIMED: [Timed; 8] = [
    Timed { title: "IPv4", text: "ip" },
    Timed { title: "one port", text: "tcp port 80" },
    Timed { title: "one host", text: "host 10.0.0.2" },
    Timed {
        title: "network and ports",
        text: "(src net 10.0.0.0/8 or dst net 192.168.0.0/16) and (port 53 or port 80 or port 443)",
    },
    Timed {
        title: "connection attempts",
        text: "tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn and not src net 192.168.0.0/16",
    },
    Timed {
        title: "requests for pages",
        text: "tcp port 80 and tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420",
    },
    Timed {
        title: "20 hosts",
        text: "host 10.1.0.1 or 10.1.0.2 or 10.1.0.3 or 10.1.0.4 or 10.1.0.5 or 10.1.0.6 or \
               10.1.0.7 or 10.1.0.8 or 10.1.0.9 or 10.1.0.10 or 10.1.0.11 or 10.1.0.12 or \
               10.1.0.13 or 10.1.0.14 or 10.1.0.15 or 10.1.0.16 or 10.1.0.17 or 10.1.0.18 or \
               10.1.0.19 or 203.0.113.7",
    },
    Timed {
        title: "20 ports, in a VLAN",
        text: "vlan and tcp dst port 20 or 21 or 23 or 25 or 53 or 69 or 110 or 119 or 123 or 137 \
               or 139 or 143 or 161 or 389 or 465 or 587 or 993 or 995 or 3306 or 443",
    },
];

/// Frames among which one that matches is sought.
const FRAMES: usize = 4_000;
const SEED: u64 = 7;

/// Measures and prints.
///
/// # Errors
/// Without privileges, without tcpdump, or when a verdict is another than tcpdump's.
pub(crate) fn run(options: &Options) -> Result<String, BenchError> {
    let wanted = [Capability::Bpf, Capability::SysAdmin];
    let missing = Capabilities::effective().map_or(wanted.to_vec(), |held| held.missing(&wanted));
    if !missing.is_empty() {
        return Err(BenchError::Denied(missing));
    }
    let progress = Progress::new();
    let machine = Machine::current()?;
    progress.show("counting instructions");
    let mut all: Vec<Length> = Vec::new();
    for link in LINKS {
        all.extend(lengths(link).map_err(BenchError::Programs)?);
    }
    let mut arms = arms()?;
    for round in 1..=options.rounds {
        progress.show(&format!("round {round} of {}", options.rounds));
        for arm in &mut arms {
            arm.turn(f64::from(options.milliseconds) * 1e6)?;
        }
    }
    let rows = arms.into_iter().map(Arm::row).collect();
    let (rounds, milliseconds) = (options.rounds, options.milliseconds);
    let version = tcpdump_version()?;
    let report = Report { machine, version, rounds, milliseconds, rows, lengths: all };
    Ok(if options.json { report.document() } else { report.text() })
}

/// What a contender is given.
struct Subject {
    title: &'static str,
    ours: Program,
    libpcap: Program,
    /// One that matches.
    frame: Vec<u8>,
}

/// One filter with all that run it.
struct Arm {
    subject: Subject,
    heats: Vec<Heat>,
}

/// A contender's turns with one filter.
struct Heat {
    contender: Contender,
    runner: Runner,
    /// The same on the same frame with a program that only says that it matches.
    idle: Runner,
    ns: Samples,
    idle_ns: Samples,
}

fn arms() -> Result<Vec<Arm>, BenchError> {
    let link = LinkType::ETHERNET;
    let whole = |record: &Record| record.data.len() == record.orig_len as usize;
    let mut records = capture(link, SEED, FRAMES);
    records.retain(|record| whole(record) && record.data.len() > 60);
    let wrap = |error| BenchError::Programs(ProgramsError::Tcpdump(error));
    let tcpdump = Tcpdump::new(link, &records).map_err(wrap)?;
    let names = Files::read();
    let arm = |Timed { title, text }: Timed| {
        let programs = Programs::of(text, &tcpdump, &compile_options(link, &names));
        let Programs { ours, libpcap } = programs.map_err(BenchError::Programs)?;
        let valid = |insns| {
            Program::new(insns).map_err(|error| BenchError::Invalid { filter: title, error })
        };
        let matched = tcpdump.matches(text, Compile::Optimized).map_err(wrap)?;
        let frame = matched.iter().position(|matches| *matches);
        let frame = frame.ok_or(BenchError::NoFrame { filter: title })?;
        let frame = records[frame].data.clone();
        Arm::new(Subject { title, ours: valid(ours)?, libpcap: valid(libpcap)?, frame })
    };
    TIMED.into_iter().map(arm).collect()
}

impl Arm {
    fn new(subject: Subject) -> Result<Self, BenchError> {
        let matching = Program::new(vec![Insn::RetK(SNAPLEN)]).expect("one return is a program");
        let heat = |contender: Contender| {
            Ok(Heat {
                contender,
                runner: contender.prepare(contender.program(&subject), &subject)?,
                idle: contender.prepare(&matching, &subject)?,
                ns: Samples::default(),
                idle_ns: Samples::default(),
            })
        };
        let heats = Contender::ALL.into_iter().map(heat).collect::<Result<_, BenchError>>()?;
        Ok(Self { subject, heats })
    }

    /// Measures each contender for about `turn_ns`, half of it idle.
    fn turn(&mut self, turn_ns: f64) -> Result<(), BenchError> {
        for Heat { runner, idle, ns, idle_ns, .. } in &mut self.heats {
            // A first, short run tells how many make a turn.
            let count = runs(runner(FIRST_RUNS)?, turn_ns / 2.0);
            ns.push(runner(count)?);
            idle_ns.push(idle(count)?);
        }
        Ok(())
    }

    fn row(self) -> Row {
        let Subject { title, ours, libpcap, frame } = self.subject;
        let cell = |Heat { contender, ns, idle_ns, .. }: Heat| Cell { contender, ns, idle_ns };
        let cells = self.heats.into_iter().map(cell).collect();
        let (ours, libpcap, frame_bytes) = (ours.len(), libpcap.len(), frame.len());
        Row { title, ours, libpcap, frame_bytes, cells }
    }
}

const FIRST_RUNS: u32 = 20;
const RUNS_MAX: f64 = 1e6;

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is clamped to the range before"
)]
fn runs(ns: f64, turn_ns: f64) -> u32 {
    (turn_ns / ns.max(1.0)).clamp(f64::from(FIRST_RUNS), RUNS_MAX) as u32
}

/// The lines that tcpdump says of itself and of libpcap.
fn tcpdump_version() -> Result<String, BenchError> {
    let text = crate::command::run("tcpdump", &["--version"], "")?;
    Ok(text.lines().take(2).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_run_measures_every_contender_with_tcpdumps_verdicts() {
        let version = tcpdump_version().map_err(|error| error.to_string());
        let options = Options { rounds: 1, milliseconds: 1, json: true };
        let text = match version.and_then(|_| run(&options).map_err(|error| error.to_string())) {
            Ok(text) => text,
            Err(error) if error.starts_with("not permitted") || error.starts_with("cannot run") => {
                println!("ran 0, skipped 1: {error}");
                return;
            }
            Err(error) => panic!("{error}"),
        };
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let rows = document["rows"].as_array().unwrap();
        assert_eq!(rows.len(), TIMED.len());
        for row in rows {
            let cells = row["cells"].as_array().unwrap();
            assert_eq!(cells.len(), Contender::ALL.len());
            let measured = |cell: &serde_json::Value| {
                ["ns", "idle_ns"]
                    .iter()
                    .all(|of| cell[of]["min"].as_f64().is_some_and(|ns| ns > 0.0))
            };
            assert!(cells.iter().all(measured), "{row}");
        }
        assert!(document["lengths"]["filters"].as_u64().unwrap() > 700);
    }
}
