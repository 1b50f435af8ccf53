//! The figure as a table and as a document.

use std::fmt::Write;

use serde::Serialize;

use super::Options;
use super::alone::Alone;
use super::arm::{Arm, Fate};
use super::contender::Contender;
use super::ruleset::{Ruleset, Shape};
use crate::columns::Table;
use crate::machine::Machine;
use crate::samples::Samples;

/// The version of the document.
const SCHEMA: u32 = 1;

/// Everything that was measured.
pub(crate) struct Report {
    pub(crate) options: Options,
    pub(crate) machine: Machine,
    /// Of the peers.
    pub(crate) versions: Vec<String>,
    pub(crate) arms: Vec<Arm>,
    pub(crate) alone: Vec<Alone>,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    figure: &'static str,
    machine: &'a Machine,
    versions: &'a [String],
    method: &'a [String],
    shape: Shape,
    rounds: u16,
    seconds: f64,
    apart: bool,
    generator_ns_per_frame: Option<f64>,
    rows: Vec<Row<'a>>,
    alone: &'a [Alone],
}

#[derive(Serialize)]
struct Row<'a> {
    row: &'static str,
    rules: u16,
    fate: &'static str,
    /// On-CPU time of the receiver for a packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    ns: Option<&'a Samples>,
    sent: u64,
    received: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
}

/// How a figure comes about.
const PATH: [&str; 5] = [
    "60-byte UDP frames from BPF_PROG_TEST_RUN (live frames, XDP_REDIRECT) go over veth to a",
    "receiver in a network namespace of its own: one queue, GRO on. Its threaded NAPI does all",
    "the work from the ring to the verdict, and all that comes before the rules. Cost = on-CPU",
    "time of that thread / frames it took in. Accepted packets end in UDP, by a wrong checksum,",
    "dropped ones at the rule.",
];
const TOGETHER: [&str; 2] = [
    "Generator and receiver share one processor: the receiver runs whenever frames wait, 64 at",
    "a time.",
];
const APART: [&str; 2] = [
    "Generator and receiver have a processor each; the receiver's ring is kept full, and they",
    "contend for it.",
];

/// Who is compared with whom: peer, ours, title.
const RATIOS: [(Contender, Contender, &str); 5] = [
    (Contender::LegacyInput, Contender::Hook, "iptables INPUT / netloom INPUT"),
    (Contender::Nft, Contender::Hook, "nft input / netloom INPUT"),
    (Contender::LegacyRaw, Contender::Prefilter, "iptables raw / netloom XDP"),
    (Contender::LegacyInput, Contender::Prefilter, "iptables INPUT / netloom XDP"),
    (Contender::Nft, Contender::Prefilter, "nft input / netloom XDP"),
];

impl Report {
    /// One JSON document on one line.
    pub(crate) fn document(&self) -> String {
        let document = Document {
            schema: SCHEMA,
            figure: "firewall",
            machine: &self.machine,
            versions: &self.versions,
            method: &self.method(),
            shape: self.options.shape,
            rounds: self.options.rounds,
            seconds: self.options.seconds,
            apart: self.options.apart,
            generator_ns_per_frame: self.generator_ns().median(),
            rows: self.rows(),
            alone: &self.alone,
        };
        let text = serde_json::to_string(&document);
        text.expect("numbers and strings become JSON") + "\n"
    }

    /// The tables, with all that is needed to judge them.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut say = |line: &str| {
            writeln!(text, "{line}").expect("a string takes everything");
        };
        say(&self.machine.line());
        say(&format!("peers    {}", self.versions.join(", ")));
        for (index, line) in self.method().iter().enumerate() {
            say(&format!("{:9}{line}", if index == 0 { "method" } else { "" }));
        }
        say("");
        say("ns per packet that the last rule drops");
        say(&self.table(Fate::Dropped).print());
        say("ns per packet that no rule matches and the policy accepts");
        say(&self.table(Fate::Accepted).print());
        say("ns per run of the program alone");
        say(&self.alone_table().print());
        for line in self.remarks() {
            say(&line);
        }
        text
    }

    fn method(&self) -> Vec<String> {
        let Options { shape, rounds, seconds, .. } = &self.options;
        let ruleset = Ruleset { shape: *shape, rules: 1 };
        let mut lines: Vec<String> = PATH.iter().map(ToString::to_string).collect();
        let load = if self.options.apart { APART } else { TOGETHER };
        lines.extend(load.iter().map(ToString::to_string));
        lines.extend([
            format!("All contenders take turns: median of {rounds} turns of {seconds} s each."),
            "Only the last rule can match; the first one is".into(),
            format!("iptables and netloom  {}", ruleset.rule(0)),
            format!("nft                   {}", ruleset.nft_rule(0)),
        ]);
        lines
    }

    fn remarks(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(ns) = self.generator_ns().median() {
            lines.push(format!("generator: {ns:.0} ns per frame, on no one else's account"));
        }
        let proved = self.arms.iter().filter(|arm| arm.state.is_ok());
        let packets: u64 = proved
            .flat_map(|arm| Fate::ALL.into_iter().filter_map(|fate| arm.traffic(fate)))
            .map(|traffic| traffic.received)
            .sum();
        lines.push(format!(
            "equal results: counters of last rules and policies, and arrivals at UDP, equal the {} \
             packets received",
            number(packets)
        ));
        let spreads = self.arms.iter().flat_map(|arm| {
            Fate::ALL.into_iter().filter_map(|fate| arm.traffic(fate)?.receiver_ns.spread())
        });
        let widest = spreads.fold(0.0, f64::max);
        lines.push(format!(
            "spread: half the interquartile range is at most {:.0} %",
            widest * 100.0
        ));
        for arm in &self.arms {
            if let Err(error) = &arm.state {
                let (title, rules) = (arm.contender.title(), arm.ruleset.rules);
                lines.push(format!("missing: {title}, {rules} rules: {error}"));
            }
        }
        lines
    }

    fn table(&self, fate: Fate) -> Table {
        let mut table = Table::default();
        let sizes = &self.options.rules;
        let each = |cell: &dyn Fn(u16) -> String| sizes.iter().map(|rules| cell(*rules)).collect();
        table.push("rules", each(&|rules| number(rules.into())));
        if fate == Fate::Accepted {
            let alone = self.median(Contender::NoRules, 0, fate);
            table.push(Contender::NoRules.title(), each(&|_| figure(alone)));
        }
        for contender in Contender::WITH_RULES {
            let cell = |rules| figure(self.median(contender, rules, fate));
            table.push(contender.title(), each(&cell));
        }
        for (peer, ours, title) in RATIOS {
            // An accepted packet passes our program at the hook whether XDP has seen it or not.
            if fate == Fate::Accepted && ours == Contender::Prefilter {
                continue;
            }
            let cell = |rules| {
                let pair = (self.median(peer, rules, fate), self.median(ours, rules, fate));
                times(pair)
            };
            table.push(title, each(&cell));
        }
        table
    }

    fn alone_table(&self) -> Table {
        let mut table = Table::default();
        let each = |cell: &dyn Fn(&Alone) -> String| self.alone.iter().map(cell).collect();
        table.push("rules", each(&|one| number(one.rules.into())));
        table.push("INPUT, dropped", each(&|one| figure(one.netfilter_dropped_ns.median())));
        table.push("INPUT, accepted", each(&|one| figure(one.netfilter_accepted_ns.median())));
        table.push("XDP pre-filter, dropped", each(&|one| figure(one.xdp_dropped_ns.median())));
        let interpreter = |one: &Alone| figure(one.interpreter_dropped_ns.median());
        table.push("INPUT in the interpreter, dropped", each(&interpreter));
        table.push("instruction slots of INPUT", each(&|one| number(one.slots)));
        table.push("its machine code, bytes", each(&|one| number(one.machine_code_bytes.into())));
        table
    }

    fn rows(&self) -> Vec<Row<'_>> {
        let mut rows = Vec::new();
        for arm in &self.arms {
            for fate in Fate::ALL {
                let traffic = arm.traffic(fate);
                let missing = arm.state.as_ref().err().map(ToString::to_string);
                if traffic.is_none() && missing.is_none() {
                    continue;
                }
                rows.push(Row {
                    row: arm.contender.key(),
                    rules: arm.ruleset.rules,
                    fate: fate_name(fate),
                    ns: traffic.map(|traffic| &traffic.receiver_ns),
                    sent: traffic.map_or(0, |traffic| traffic.sent),
                    received: traffic.map_or(0, |traffic| traffic.received),
                    missing,
                });
            }
        }
        rows
    }

    fn median(&self, contender: Contender, rules: u16, fate: Fate) -> Option<f64> {
        let mut arms = self.arms.iter();
        let arm = arms.find(|arm| arm.contender == contender && arm.ruleset.rules == rules)?;
        arm.traffic(fate)?.receiver_ns.median()
    }

    fn generator_ns(&self) -> Samples {
        let mut all = Samples::default();
        for running in self.arms.iter().filter_map(|arm| arm.state.as_ref().ok()) {
            if let Some(median) = running.generator_ns.median() {
                all.push(median);
            }
        }
        all
    }
}

fn fate_name(fate: Fate) -> &'static str {
    match fate {
        Fate::Dropped => "dropped by the last rule",
        Fate::Accepted => "accepted by the policy",
    }
}

/// Nanoseconds without fractions, or a dash.
fn figure(ns: Option<f64>) -> String {
    match ns {
        Some(ns) => grouped(&format!("{ns:.0}")),
        None => "-".to_owned(),
    }
}

fn times(pair: (Option<f64>, Option<f64>)) -> String {
    match pair {
        (Some(peer), Some(ours)) => format!("{:.2}x", peer / ours),
        _ => "-".to_owned(),
    }
}

fn number(value: u64) -> String {
    grouped(&value.to_string())
}

/// Digits with a comma before every third from the end.
fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_grouped() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_000), "1,000");
        assert_eq!(number(12_345_678), "12,345,678");
        assert_eq!(figure(Some(1_234.6)), "1,235");
    }

    #[test]
    fn what_is_missing_is_a_dash() {
        assert_eq!(figure(None), "-");
        assert_eq!(times((Some(1.0), None)), "-");
        assert_eq!(times((Some(13.0), Some(2.0))), "6.50x");
    }
}
