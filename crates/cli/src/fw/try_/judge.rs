//! Who decided about a packet, in words.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use netloom_firewall::Point;
use netloom_firewall::model::{CtStates, Family, Ruleset};
use netloom_hooks::replay::{Decider, Decision, Meaning, Outcome, Replay, Skipped, Verdict, View};
use netloom_packet::capture::Record;
use netloom_packet::link::LinkType;
use serde::{Serialize, Serializer};

use super::super::ruleset::family_name;
use super::is_reject;
use crate::capture::{Seconds, described};
use crate::plain::plain;

/// A packet and its fate.
#[derive(Debug, Serialize)]
pub(super) struct PacketRow {
    /// Its number in the capture, from 1.
    number: u64,
    /// When it was captured, in nanoseconds since 1970.
    timestamp_ns: u64,
    /// The same since the first packet.
    #[serde(skip)]
    since_first_ns: u64,
    /// What it is; empty where nobody wants to know.
    summary: String,
    /// Its fate; `None` when no rule saw it.
    pub(super) verdict: Option<VerdictName>,
    /// Why no rule saw it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_judged_because: Option<String>,
    /// `input`, `forward` or `output`.
    #[serde(skip_serializing_if = "Option::is_none")]
    hook: Option<&'static str>,
    /// Its connection state, where a rule asks for states.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// Who decided.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shared")]
    by: Option<Rc<Described>>,
    /// What LOG and NFLOG rules reported.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    log: Vec<String>,
    /// Whether the capture has not the whole packet.
    pub(super) cut: bool,
}

/// A fate in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum VerdictName {
    Accept,
    Drop,
    Reject,
}

/// Who decided.
#[derive(Debug, Serialize)]
pub(super) struct Described {
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<String>,
    /// The rule's number in its chain, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<usize>,
    /// The line of the rule or of the chain's policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    /// `rule`, `policy`, `malformed`, `hop-limit` or `nobody`.
    kind: &'static str,
    #[serde(skip)]
    text: String,
    #[serde(skip)]
    is_reject: bool,
}

/// What is wanted of the words.
#[derive(Clone, Copy, Debug)]
pub(super) struct JudgeOptions {
    /// A drop by REJECT is called so.
    pub(super) shows_reject: bool,
    /// Packets are described too.
    pub(super) describes_packets: bool,
}

/// Puts decisions in words.
pub(super) struct Judge<'a> {
    rulesets: Vec<&'a Ruleset>,
    options: JudgeOptions,
    described: HashMap<(Family, Decider), Rc<Described>>,
    first_ns: Option<u64>,
}

impl<'a> Judge<'a> {
    /// Decisions by `rulesets`.
    pub(super) fn new(rulesets: Vec<&'a Ruleset>, options: JudgeOptions) -> Self {
        Self { rulesets, options, described: HashMap::new(), first_ns: None }
    }

    /// The next packet of the capture with its fate.
    pub(super) fn row(
        &mut self,
        number: u64,
        record: &Record,
        link_type: LinkType,
        outcome: &Outcome,
        replay: &Replay<'_>,
    ) -> PacketRow {
        let first_ns = *self.first_ns.get_or_insert(record.timestamp_ns);
        let summary = match self.options.describes_packets {
            true => described(record, link_type),
            false => String::new(),
        };
        let mut row = PacketRow {
            number,
            timestamp_ns: record.timestamp_ns,
            since_first_ns: record.timestamp_ns.saturating_sub(first_ns),
            summary,
            verdict: None,
            not_judged_because: None,
            hook: None,
            state: None,
            by: None,
            log: Vec::new(),
            cut: false,
        };
        match outcome {
            Outcome::Skipped(reason) => row.not_judged_because = Some(skipped(*reason)),
            Outcome::Judged(decision) => self.judged(&mut row, decision, replay),
        }
        row
    }

    fn judged(&mut self, row: &mut PacketRow, decision: &Decision, replay: &Replay<'_>) {
        let by = self.described(decision.family, decision.decider, replay);
        row.verdict = Some(match decision.verdict {
            Verdict::Accept => VerdictName::Accept,
            Verdict::Drop if by.is_reject && self.options.shows_reject => VerdictName::Reject,
            Verdict::Drop => VerdictName::Drop,
        });
        row.by = Some(by);
        row.hook = Some(match decision.view {
            View::Input => "input",
            View::Forward => "forward",
            View::Output => "output",
        });
        row.state = decision.states.map(state_name);
        row.cut = decision.is_cut;
        if self.options.describes_packets {
            row.log = replay.records().iter().map(|(rule, record)| rule.line(record)).collect();
        }
    }

    fn described(
        &mut self,
        family: Family,
        decider: Decider,
        replay: &Replay<'_>,
    ) -> Rc<Described> {
        let rulesets = &self.rulesets;
        let known = self.described.entry((family, decider));
        Rc::clone(known.or_insert_with(|| {
            let ruleset = rulesets.iter().find(|ruleset| ruleset.family == family);
            Rc::new(Described::of(ruleset.copied(), decider, replay))
        }))
    }
}

impl Described {
    fn of(ruleset: Option<&Ruleset>, decider: Decider, replay: &Replay<'_>) -> Self {
        match decider {
            Decider::Rule(point, slot) => match replay.meaning(slot) {
                Some(Meaning::Rule(_, id)) => {
                    let table = ruleset.and_then(|ruleset| ruleset.table(id.table));
                    let rule = table
                        .and_then(|table| table.chain(id.chain))
                        .and_then(|chain| chain.rules.get(id.index));
                    let line = rule.map_or(0, |rule| rule.span.line);
                    let name = format!("{} {}", point.table.as_str(), plain(id.chain));
                    Self {
                        chain: Some(id.chain.into()),
                        rule: Some(id.index + 1),
                        line: Some(line),
                        is_reject: rule.is_some_and(|rule| is_reject(&rule.target.kind)),
                        ..Self::at(
                            ruleset,
                            point,
                            "rule",
                            format!("by {name} rule {} (line {line})", id.index + 1),
                        )
                    }
                }
                Some(Meaning::Policy(..)) | None => Self::policy(ruleset, point),
            },
            Decider::Policy(point) => Self::policy(ruleset, point),
            Decider::Malformed(point) => {
                let name = format!("{} {}", point.table.as_str(), point.hook.chain());
                let text = format!("in {name}: a match finds the packet malformed");
                Self::at(ruleset, point, "malformed", text)
            }
            Decider::HopLimit => Self::nowhere("hop-limit", "by routing: no hop is left"),
            Decider::Nobody => {
                Self::nowhere("nobody", "by nobody: no table has a chain on the way")
            }
        }
    }

    fn policy(ruleset: Option<&Ruleset>, point: Point) -> Self {
        let name = point.hook.chain();
        let chain = ruleset
            .and_then(|ruleset| ruleset.table(point.table))
            .and_then(|table| table.chain(name));
        let line = chain.map(|chain| chain.span.line);
        let place = line.map(|line| format!(" (line {line})")).unwrap_or_default();
        let text = format!("by {} {name} policy{place}", point.table.as_str());
        Self { line, ..Self::at(ruleset, point, "policy", text) }
    }

    fn at(ruleset: Option<&Ruleset>, point: Point, kind: &'static str, text: String) -> Self {
        Self {
            family: ruleset.map(|ruleset| family_name(ruleset.family)),
            table: Some(point.table.as_str()),
            chain: Some(point.hook.chain().into()),
            ..Self::nowhere(kind, &text)
        }
    }

    fn nowhere(kind: &'static str, text: &str) -> Self {
        Self {
            family: None,
            table: None,
            chain: None,
            rule: None,
            line: None,
            kind,
            text: text.into(),
            is_reject: false,
        }
    }
}

impl PacketRow {
    /// The comment that goes with the packet into a capture.
    pub(super) fn comment(&self) -> String {
        format!("netloom: {}", self.fate())
    }

    fn fate(&self) -> String {
        match (self.verdict, &self.by) {
            (Some(verdict), Some(by)) => format!("{} {}", verdict.word(), by.text),
            (Some(verdict), None) => verdict.word().into(),
            (None, _) => {
                format!("not judged: {}", self.not_judged_because.as_deref().unwrap_or_default())
            }
        }
    }
}

impl fmt::Display for PacketRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, since_first_ns, summary, .. } = self;
        write!(f, "{number} {} {summary}", Seconds(*since_first_ns))?;
        if let Some(state) = self.state {
            write!(f, ", {state}")?;
        }
        write!(f, ": {}", self.fate())?;
        for line in &self.log {
            write!(f, "\n    {}", plain(line))?;
        }
        Ok(())
    }
}

impl VerdictName {
    fn word(self) -> &'static str {
        match self {
            Self::Accept => "ACCEPT",
            Self::Drop => "DROP",
            Self::Reject => "REJECT",
        }
    }
}

fn shared<S: Serializer>(by: &Option<Rc<Described>>, serializer: S) -> Result<S::Ok, S::Error> {
    by.as_deref().serialize(serializer)
}

fn skipped(reason: Skipped) -> String {
    match reason {
        Skipped::NoNetworkLayer => "no network layer found".into(),
        Skipped::NotIp { .. } => "not IP".into(),
        Skipped::Malformed(_) => "malformed IP".into(),
        Skipped::NoRuleset(Family::V4) => "no IPv4 rules".into(),
        Skipped::NoRuleset(Family::V6) => "no IPv6 rules".into(),
        Skipped::ToOtherHost => "to another host".into(),
    }
}

/// The state as `--ctstate` names it; translation cannot be seen in a capture.
fn state_name(states: CtStates) -> &'static str {
    let names = [
        (CtStates::INVALID, "INVALID"),
        (CtStates::ESTABLISHED, "ESTABLISHED"),
        (CtStates::RELATED, "RELATED"),
        (CtStates::NEW, "NEW"),
        (CtStates::UNTRACKED, "UNTRACKED"),
    ];
    names.into_iter().find(|(state, _)| states.intersects(*state)).map_or("NONE", |(_, name)| name)
}
