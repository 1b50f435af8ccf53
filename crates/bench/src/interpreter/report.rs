//! The figure as a table and as a document.

use std::fmt::Write;

use serde::Serialize;

use super::contender::Contender;
use crate::columns::{Table, shown};
use crate::machine::Machine;
use crate::samples::{Samples, geometric_mean};

/// The version of the document.
const SCHEMA: u32 = 1;

const METHOD: [&str; 5] = [
    "The same bytecode (cpu v3, -O2) runs in every interpreter, each result equal to that of the",
    "same C as native code. All contenders take turns; a figure is the fastest of its turns, in",
    "time on the processor. Runs start in a machine made before. Per instruction: the time of a run less",
    "that of an empty program, by the instructions executed. solana-sbpf runs in its dialect V3,",
    "which extends signs where eBPF extends zeros; no program here shows the difference.",
];

/// Everything that was measured. The first row is the empty program.
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) clang: String,
    pub(crate) rounds: u16,
    pub(crate) milliseconds: u32,
    pub(crate) rows: Vec<Row>,
}

/// A program.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) title: &'static str,
    /// Instructions that one run executes.
    pub(crate) insns: u64,
    pub(crate) cells: Vec<Cell>,
}

/// A program in one interpreter.
#[derive(Serialize)]
pub(crate) struct Cell {
    pub(crate) contender: Contender,
    /// Nanoseconds of a run.
    pub(crate) ns: Samples,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) missing: Option<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    figure: &'static str,
    machine: &'a Machine,
    clang: &'a str,
    method: [&'static str; 5],
    rounds: u16,
    milliseconds: u32,
    rows: &'a [Row],
    /// Nanoseconds per instruction of each contender, as a geometric mean over our programs or, for
    /// the peers, over those that they can run.
    ns_per_insn: Vec<(Contender, Option<f64>)>,
}

impl Report {
    /// One JSON document on one line.
    pub(crate) fn document(&self) -> String {
        let means =
            Contender::ALL.iter().map(|&one| (one, self.mean(|row| self.per_insn(row, one))));
        let document = Document {
            schema: SCHEMA,
            figure: "interpreter",
            machine: &self.machine,
            clang: &self.clang,
            method: METHOD,
            rounds: self.rounds,
            milliseconds: self.milliseconds,
            rows: &self.rows,
            ns_per_insn: means.collect(),
        };
        let text = serde_json::to_string(&document);
        text.expect("numbers and strings become JSON") + "\n"
    }

    /// The table, with all that is needed to judge it.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut say = |line: &str| {
            writeln!(text, "{line}").expect("a string takes everything");
        };
        say(&self.machine.line());
        say(&format!("compiler {}", self.clang));
        for (index, line) in METHOD.iter().enumerate() {
            say(&format!("{:9}{line}", if index == 0 { "method" } else { "" }));
        }
        let (rounds, milliseconds) = (self.rounds, self.milliseconds);
        say(&format!("         {rounds} turns of {milliseconds} ms each.\n"));
        say(&self.table().print());
        let slower = |cell: &Cell| Some(cell.ns.median()? / cell.ns.min()?);
        let ratios: Vec<f64> = self.cells().filter_map(slower).collect();
        let mean = shown(geometric_mean(&ratios), 2);
        say(&format!("disturbance: the median of all turns is {mean} times the fastest"));
        text
    }

    fn table(&self) -> Table {
        let mut table = Table::default();
        let peers = Contender::ALL.get(1..).unwrap_or_default();
        let titles = |suffix: &str| {
            Contender::ALL.iter().map(|one| format!("{}{suffix}", one.title())).collect::<Vec<_>>()
        };
        let mut head = vec!["insns".to_owned()];
        head.extend(titles(" ns"));
        head.extend(titles("/insn"));
        head.extend(peers.iter().map(|one| format!("{} / ours", one.title())));
        table.push("", head);
        for row in &self.rows {
            let ns = |&one: &Contender| self.ns(row, one);
            let mut cells = vec![row.insns.to_string()];
            cells.extend(Contender::ALL.iter().map(|one| shown(ns(one), 1)));
            cells.extend(Contender::ALL.iter().map(|&one| shown(self.per_insn(row, one), 2)));
            cells.extend(peers.iter().map(|&one| shown(self.ratio(row, one), 2)));
            table.push(row.title, cells);
        }
        let mut cells = vec![String::new(); 1 + Contender::ALL.len()];
        let all = Contender::ALL.iter();
        cells.extend(all.map(|&one| shown(self.mean(|row| self.per_insn(row, one)), 2)));
        cells.extend(peers.iter().map(|&one| shown(self.mean(|row| self.ratio(row, one)), 2)));
        table.push("geometric mean", cells);
        table
    }

    fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.rows.iter().flat_map(|row| &row.cells)
    }

    fn ns(&self, row: &Row, contender: Contender) -> Option<f64> {
        row.cells.iter().find(|cell| cell.contender == contender)?.ns.min()
    }

    /// Net nanoseconds of a run; none for the empty program.
    fn net(&self, row: &Row, contender: Contender) -> Option<f64> {
        let empty = self.rows.first()?;
        let net = self.ns(row, contender)? - self.ns(empty, contender)?;
        (!std::ptr::eq(row, empty) && net > 0.0).then_some(net)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn per_insn(&self, row: &Row, contender: Contender) -> Option<f64> {
        Some(self.net(row, contender)? / row.insns as f64)
    }

    fn ratio(&self, row: &Row, contender: Contender) -> Option<f64> {
        Some(self.net(row, contender)? / self.net(row, Contender::Netloom)?)
    }

    fn mean(&self, value: impl Fn(&Row) -> Option<f64>) -> Option<f64> {
        geometric_mean(&self.rows.iter().filter_map(value).collect::<Vec<f64>>())
    }
}
