//! The figure as tables and as a document.

use std::fmt::Write;

use netloom_testkit::filter::length::{Length, geometric_mean as mean_length, worst};
use serde::Serialize;

use super::contender::Contender;
use crate::columns::{Table, shown};
use crate::machine::Machine;
use crate::samples::{Samples, geometric_mean};

/// The version of the document.
const SCHEMA: u32 = 1;

const METHOD: [&str; 8] = [
    "Filters are compiled by tcpdump and by our compiler; each program then gets a whole Ethernet",
    "frame that matches, and must say so in every run. interpreter: our interpreter of classic",
    "BPF; machine: our interpreter of eBPF, on the translation; kernel: a datagram through the",
    "filter of a local socket, classic programs translated by the kernel itself, `translated` ones",
    "by us; XDP: the kernel's test run of our translation. All contenders take turns, half a turn",
    "each with the filter's program and with one that only says that the frame matches; a figure",
    "is the difference between the fastest turns, in time on the processor. What a datagram costs",
    "besides differs by some 20 ns between sockets.",
];

/// How many of the longest programs are shown.
const WORST: usize = 10;

/// Everything that was measured.
pub(super) struct Report {
    pub(super) machine: Machine,
    /// Of tcpdump and libpcap.
    pub(super) version: String,
    pub(super) rounds: u16,
    pub(super) milliseconds: u16,
    pub(super) rows: Vec<Row>,
    pub(super) lengths: Vec<Length>,
}

/// A filter.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) title: &'static str,
    /// Instructions by our compiler.
    pub(super) ours: usize,
    /// Instructions by libpcap's.
    pub(super) libpcap: usize,
    pub(super) frame_bytes: usize,
    pub(super) cells: Vec<Cell>,
}

/// A filter in an engine.
#[derive(Serialize)]
pub(super) struct Cell {
    pub(super) contender: Contender,
    /// Nanoseconds of a run.
    pub(super) ns: Samples,
    /// Nanoseconds of a run of the program that only says that the frame matches.
    pub(super) idle_ns: Samples,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    figure: &'static str,
    machine: &'a Machine,
    version: &'a str,
    method: [&'static str; 8],
    rounds: u16,
    milliseconds: u16,
    lengths: Lengths,
    rows: &'a [Row],
}

/// Our programs beside libpcap's.
#[derive(Serialize)]
struct Lengths {
    filters: usize,
    shorter: usize,
    equal: usize,
    longer: usize,
    /// Our instructions for each of libpcap's.
    geometric_mean: Option<f64>,
}

/// Whose time is compared with whose.
const RATIOS: [([&str; 2], Contender, Contender); 3] = [
    (["interpreter,", "libpcap's / ours"], Contender::InterpreterLibpcap, Contender::Interpreter),
    (["ours, interp.", "/ machine"], Contender::Interpreter, Contender::Machine),
    (["ours, interp.", "/ XDP"], Contender::Interpreter, Contender::Xdp),
];

impl Report {
    /// One JSON document on one line.
    pub(super) fn document(&self) -> String {
        let document = Document {
            schema: SCHEMA,
            figure: "filter",
            machine: &self.machine,
            version: &self.version,
            method: METHOD,
            rounds: self.rounds,
            milliseconds: self.milliseconds,
            lengths: self.lengths(),
            rows: &self.rows,
        };
        let text = serde_json::to_string(&document);
        text.expect("numbers and strings become JSON") + "\n"
    }

    /// The tables, with all that is needed to judge them.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut say = |line: &str| {
            writeln!(text, "{line}").expect("a string takes everything");
        };
        say(&self.machine.line());
        say(&format!("peer     {}", self.version));
        for (index, line) in METHOD.iter().enumerate() {
            say(&format!("{:9}{line}", if index == 0 { "method" } else { "" }));
        }
        let (rounds, milliseconds) = (self.rounds, self.milliseconds);
        say(&format!("         {rounds} turns of {milliseconds} ms each.\n"));
        say("instructions of our programs for one of libpcap's, all filters of the tests");
        say(&self.length_table().print());
        say("ns per frame that matches");
        say(&self.time_table().print());
        let disturbance = shown(self.disturbance(), 2);
        say(&format!("disturbance: the median of all turns is {disturbance} times the fastest"));
        text
    }

    fn disturbance(&self) -> Option<f64> {
        let cells = self.rows.iter().flat_map(|row| &row.cells);
        let slower = |cell: &Cell| Some(cell.ns.median()? / cell.ns.min()?);
        geometric_mean(&cells.filter_map(slower).collect::<Vec<f64>>())
    }

    fn lengths(&self) -> Lengths {
        let count = |is: fn(&Length) -> bool| self.lengths.iter().filter(|one| is(one)).count();
        Lengths {
            filters: self.lengths.len(),
            shorter: count(|one| one.ours < one.libpcap),
            equal: count(|one| one.ours == one.libpcap),
            longer: count(|one| one.ours > one.libpcap),
            geometric_mean: mean_length(&self.lengths),
        }
    }

    fn length_table(&self) -> Table {
        let Lengths { filters, shorter, equal, longer, geometric_mean } = self.lengths();
        let mut table = Table::default();
        table.push("geometric mean", vec![shown(geometric_mean, 3), format!("{filters} filters")]);
        table.push(
            "shorter, equal, longer",
            vec![shorter.to_string(), equal.to_string(), longer.to_string()],
        );
        for one in worst(&self.lengths, WORST).into_iter().filter(|one| one.ours > one.libpcap) {
            let counts = format!("{} to {}", one.ours, one.libpcap);
            table.push(
                format!("{}: {}", one.link, one.text),
                vec![shown(Some(one.ratio()), 3), counts],
            );
        }
        table
    }

    fn time_table(&self) -> Table {
        let mut table = Table::default();
        for line in 0..2 {
            let insns = [["insns,", "libpcap's"], ["insns,", "ours"]];
            let columns = insns.into_iter().chain(Contender::ALL.map(Contender::title));
            let columns = columns.chain(RATIOS.map(|(title, ..)| title));
            table.push("", columns.map(|title| title[line].to_owned()).collect());
        }
        for row in &self.rows {
            let mut cells = vec![row.libpcap.to_string(), row.ours.to_string()];
            cells.extend(Contender::ALL.map(|one| shown(row.net_ns(one), 1)));
            cells.extend(RATIOS.map(|(_, one, other)| shown(row.ratio(one, other), 2)));
            table.push(row.title, cells);
        }
        let mut cells = vec![String::new(); 2 + Contender::ALL.len()];
        cells.extend(RATIOS.map(|(_, one, other)| {
            let ratios = self.rows.iter().filter_map(|row| row.ratio(one, other));
            shown(geometric_mean(&ratios.collect::<Vec<f64>>()), 2)
        }));
        table.push("geometric mean", cells);
        table
    }
}

impl Row {
    fn net_ns(&self, contender: Contender) -> Option<f64> {
        let cell = self.cells.iter().find(|cell| cell.contender == contender)?;
        Some(cell.ns.min()? - cell.idle_ns.min()?)
    }

    /// None where a disturbance is greater than the time.
    fn ratio(&self, one: Contender, other: Contender) -> Option<f64> {
        let (one, other) = (self.net_ns(one)?, self.net_ns(other)?);
        (one > 0.0 && other > 0.0).then_some(one / other)
    }
}
