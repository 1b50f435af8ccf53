//! Where each rule runs, as tables and documents show it.

use clap::Args;
use netloom_firewall::model::{Ruleset, Span};
use netloom_firewall::{Leniency, Place, Plan, Unsupported};
use serde::Serialize;

use crate::columns::{Columns, Side};
use crate::failure::ErrorReport;
use crate::plain::plain;

/// How far a ruleset may be changed to make it run.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct LeniencyOptions {
    /// Leave out rules that are not supported
    #[arg(long)]
    pub(crate) skip_unsupported: bool,
    /// Drop without an answer where a rule says REJECT
    #[arg(long)]
    pub(crate) reject_as_drop: bool,
}

impl From<LeniencyOptions> for Leniency {
    fn from(options: LeniencyOptions) -> Self {
        let LeniencyOptions { skip_unsupported, reject_as_drop } = options;
        Self { skip_unsupported, reject_as_drop }
    }
}

/// A rule or policy and where it runs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Placement {
    /// Its line in the file.
    pub(crate) line: u32,
    /// Its table.
    pub(crate) table: &'static str,
    /// Its chain.
    pub(crate) chain: String,
    /// Its number in the chain, from 1; `None` for the chain's policy.
    pub(crate) rule: Option<usize>,
    /// Where it runs.
    pub(crate) place: PlaceName,
    /// What becomes of it under the options given.
    pub(crate) fate: Fate,
    /// Why it does not run as written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) reasons: Vec<Reason>,
    /// The rule as written.
    pub(crate) text: String,
}

/// A place in a stable word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PlaceName {
    /// Netfilter hook, and the pre-filter at XDP.
    Xdp,
    /// Netfilter hook.
    Netfilter,
    /// Netfilter hook, dropping where the rule asks for an answer.
    Reject,
    /// Nowhere.
    Unsupported,
    /// Nowhere, and it is not missed.
    Unreached,
}

/// What becomes of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Fate {
    /// It runs as written.
    Runs,
    /// Nothing leads to it.
    Idle,
    /// It drops where it should answer.
    Weakened,
    /// It is left out.
    Skipped,
    /// It makes the ruleset refused.
    Refused,
}

/// What in a rule is not supported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Reason {
    /// The match or target.
    item: String,
    /// First byte in the line, from 1.
    column: u32,
    /// One past the last byte, from 1.
    end_column: u32,
    /// What is missing.
    reason: String,
}

/// Number of rules of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    /// All rules.
    pub(crate) rules: usize,
    /// Those at XDP and netfilter.
    pub(crate) xdp: usize,
    /// Those at netfilter alone.
    pub(crate) netfilter: usize,
    /// Those that ask for an answer.
    pub(crate) reject: usize,
    /// Those that cannot run.
    pub(crate) unsupported: usize,
    /// Those that nothing leads to.
    pub(crate) unreached: usize,
    /// Policies that cannot run.
    pub(crate) unsupported_policies: usize,
}

/// All rules in file order, then the policies that cannot run.
pub(crate) fn placements(ruleset: &Ruleset, plan: &Plan, leniency: Leniency) -> Vec<Placement> {
    let rules = plan.rules.iter().map(|placed| {
        let (place, reasons) = match &placed.place {
            Place::Prefilter => (PlaceName::Xdp, Vec::new()),
            Place::Netfilter => (PlaceName::Netfilter, Vec::new()),
            Place::Reject => (PlaceName::Reject, Vec::new()),
            Place::Unsupported(refused) => {
                (PlaceName::Unsupported, refused.iter().map(Reason::from).collect())
            }
            Place::Unreached => (PlaceName::Unreached, Vec::new()),
        };
        let chain = ruleset.table(placed.table).and_then(|table| table.chain(&placed.chain));
        let rule = chain.and_then(|chain| chain.rules.get(placed.index));
        Placement {
            line: placed.span.line,
            table: placed.table.as_str(),
            chain: placed.chain.clone(),
            rule: Some(placed.index + 1),
            place,
            fate: place.fate(leniency),
            reasons,
            text: rule.map(|rule| rule.text.clone()).unwrap_or_default(),
        }
    });
    let policies = plan.policies.iter().map(|policy| {
        let mut words = policy.item.split(' ').rev();
        let (chain, table) = (words.next().unwrap_or_default(), words.next());
        Placement {
            line: policy.span.line,
            table: ruleset
                .tables
                .iter()
                .map(|known| known.name.as_str())
                .find(|known| Some(*known) == table)
                .unwrap_or_default(),
            chain: chain.into(),
            rule: None,
            place: PlaceName::Unsupported,
            fate: PlaceName::Unsupported.fate(leniency),
            reasons: vec![Reason::new(&policy.item, policy.span, &policy.reason)],
            text: String::new(),
        }
    });
    rules.chain(policies).collect()
}

/// The refusal of a ruleset with all rules that stand in its way.
pub(crate) fn refusal(name: &str, placements: &[Placement]) -> ErrorReport {
    let in_the_way = |placement: &&Placement| placement.fate == Fate::Refused;
    let refused: Vec<&Placement> = placements.iter().filter(in_the_way).collect();
    let mut table = columns(false);
    for placement in &refused {
        table.push(placement.cells());
    }
    let mut list = Vec::new();
    table.write(&mut list, false).expect("memory takes every write");
    let count = refused.len();
    let what = match refused.iter().any(|placement| placement.rule.is_none()) {
        true => "rules or policies",
        false if count == 1 => "rule",
        false => "rules",
    };
    let message = format!("{name} is refused: {count} {what} would not run as written");
    let asks = |place| refused.iter().any(|placement| placement.place == place);
    let mut ways = Vec::new();
    if asks(PlaceName::Unsupported) {
        ways.push("`--skip-unsupported` leaves out what is not supported");
    }
    if asks(PlaceName::Reject) {
        ways.push("`--reject-as-drop` drops without an answer");
    }
    ErrorReport::new("rules-unsupported", message)
        .with_list(String::from_utf8_lossy(&list).into_owned())
        .with_rules(&refused)
        .with_help(ways.join("; "))
}

/// An empty table for [`Placement::cells`], or with the rules' text for
/// [`Placement::cells_with_text`].
pub(crate) fn columns(with_text: bool) -> Columns {
    let all = [
        ("LINE", Side::Right),
        ("TABLE", Side::Left),
        ("CHAIN", Side::Left),
        ("RULE", Side::Right),
        ("RUNS AT", Side::Left),
        ("REASON", Side::Left),
        ("TEXT", Side::Left),
    ];
    Columns::new(if with_text { &all } else { &all[..6] })
}

impl Placement {
    /// One row of the table.
    pub(crate) fn cells(&self) -> [String; 6] {
        [
            self.line.to_string(),
            self.table.into(),
            plain(&self.chain).into_owned(),
            self.rule.map_or_else(|| "policy".into(), |rule| rule.to_string()),
            self.place_text().into(),
            self.reason_text(),
        ]
    }

    /// One row of the table with the rule's text.
    pub(crate) fn cells_with_text(&self) -> [String; 7] {
        let [line, table, chain, rule, place, reason] = self.cells();
        [line, table, chain, rule, place, reason, plain(&self.text).into_owned()]
    }

    /// The rule and the reason in one line.
    pub(crate) fn line_text(&self) -> String {
        let [line, table, chain, rule, _, reason] = self.cells();
        let rule = if self.rule.is_some() { format!("rule {rule}") } else { rule };
        format!("line {line}: {table} {chain} {rule}: {reason}")
    }

    fn place_text(&self) -> &'static str {
        match (self.place, self.fate) {
            (PlaceName::Xdp, _) => "XDP + netfilter",
            (PlaceName::Netfilter, _) => "netfilter",
            (PlaceName::Reject, Fate::Weakened) => "netfilter, as DROP",
            (PlaceName::Reject | PlaceName::Unsupported, Fate::Skipped) => "left out",
            (PlaceName::Reject | PlaceName::Unsupported, _) => "not supported",
            (PlaceName::Unreached, _) => "unreached",
        }
    }

    fn reason_text(&self) -> String {
        match self.place {
            PlaceName::Xdp | PlaceName::Netfilter => String::new(),
            PlaceName::Unreached => "no built-in chain leads here".into(),
            PlaceName::Reject if self.fate == Fate::Weakened => "no hook can answer".into(),
            PlaceName::Reject => "REJECT: no hook can answer; needs --reject-as-drop".into(),
            PlaceName::Unsupported => {
                let texts: Vec<String> = self.reasons.iter().map(Reason::text).collect();
                plain(&texts.join("; ")).into_owned()
            }
        }
    }
}

impl PlaceName {
    fn fate(self, leniency: Leniency) -> Fate {
        match self {
            Self::Xdp | Self::Netfilter => Fate::Runs,
            Self::Unreached => Fate::Idle,
            Self::Reject if leniency.reject_as_drop => Fate::Weakened,
            Self::Reject | Self::Unsupported if leniency.skip_unsupported => Fate::Skipped,
            Self::Reject | Self::Unsupported => Fate::Refused,
        }
    }
}

impl Reason {
    fn new(item: &str, span: Span, reason: &str) -> Self {
        Self {
            item: item.into(),
            column: span.start.saturating_add(1),
            end_column: span.end.saturating_add(1),
            reason: reason.into(),
        }
    }

    /// The reason, behind the item where the sentence does not name it.
    fn text(&self) -> String {
        let name = self.item.rsplit(' ').next().unwrap_or_default();
        if self.reason.contains(&format!("`{name}`")) || self.item.starts_with("policy") {
            return self.reason.clone();
        }
        format!("{}: {}", self.item, self.reason)
    }
}

impl From<&Unsupported> for Reason {
    fn from(refused: &Unsupported) -> Self {
        Self::new(&refused.item, refused.span, &refused.reason)
    }
}

impl Summary {
    /// Counts the places.
    pub(crate) fn of(placements: &[Placement]) -> Self {
        let mut summary = Self::default();
        for placement in placements {
            if placement.rule.is_none() {
                summary.unsupported_policies += 1;
                continue;
            }
            summary.rules += 1;
            *match placement.place {
                PlaceName::Xdp => &mut summary.xdp,
                PlaceName::Netfilter => &mut summary.netfilter,
                PlaceName::Reject => &mut summary.reject,
                PlaceName::Unsupported => &mut summary.unsupported,
                PlaceName::Unreached => &mut summary.unreached,
            } += 1;
        }
        summary
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = if self.rules == 1 { "" } else { "s" };
        write!(f, "{} rule{plural}", self.rules)?;
        let parts = [
            (self.xdp, "XDP + netfilter"),
            (self.netfilter, "netfilter"),
            (self.reject, "REJECT"),
            (self.unsupported, "not supported"),
            (self.unreached, "unreached"),
        ];
        let mut separator = ": ";
        for (count, place) in parts.into_iter().filter(|part| part.0 > 0) {
            write!(f, "{separator}{count} {place}")?;
            separator = ", ";
        }
        match self.unsupported_policies {
            0 => Ok(()),
            1 => write!(f, "{separator}1 policy not supported"),
            count => write!(f, "{separator}{count} policies not supported"),
        }
    }
}
