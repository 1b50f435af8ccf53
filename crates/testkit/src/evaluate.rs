//! The reference evaluator: what the kernel's `ip_tables` and `ip6_tables` do with a packet,
//! written for reading.
//!
//! It works on the rule model alone and shares nothing with the compiler, so that a fault in one
//! shows as a difference. Reading order: [`Evaluator::walk`] is the table walk; `header` compares
//! what the walk itself compares, `condition` dispatches to `transport`, `network` and `limit`.
//!
//! Invariant: every chain that a rule names exists and no chain reachable from a hook can reach
//! itself, so a walk ends. [`Evaluator::new`] is the one place that establishes it.

mod bucket;
mod condition;
mod header;
mod network;
mod prepare;
mod transport;
mod walk;

pub use prepare::{PrepareError, PrepareErrorKind};

use std::collections::BTreeMap;

use netloom_firewall::Hook;
use netloom_firewall::model::{
    Counters, CtStates, Family, LogOptions, NflogOptions, Policy, RejectWith, Rule, Ruleset,
    TableName,
};

use crate::case::PacketCase;
use bucket::TokenBucket;

/// Timer interrupts per second of the kernel that the evaluator imitates, unless told otherwise.
pub const TICK_HZ: u32 = 250;

/// A ruleset with its counters and token buckets.
#[derive(Clone, Debug)]
pub struct Evaluator {
    family: Family,
    tables: Vec<PreparedTable>,
}

/// A rule by position: `index` counts from 0 within the chain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId {
    /// The table.
    pub table: TableName,
    /// The chain.
    pub chain: String,
    /// The rule in the chain.
    pub index: usize,
}

/// What a table says about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The packet goes on.
    Accept,
    /// The packet is discarded.
    Drop,
    /// The packet is discarded and answered.
    Reject(RejectWith),
}

/// Who gave the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The target of a rule.
    Rule(RuleId),
    /// The policy of the built-in chain.
    Policy,
    /// A match of this rule found the packet malformed; the rule itself does not count it.
    Hotdrop(RuleId),
    /// The table has no chain at this hook, or belongs to the other address family.
    NoChain,
}

/// What happened in one walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Accept, drop or reject.
    pub verdict: Verdict,
    /// Who decided.
    pub decision: Decision,
    /// All rules that counted the packet, in order.
    pub matched: Vec<RuleId>,
    /// What LOG and NFLOG rules reported, in order.
    pub events: Vec<Event>,
}

/// A report of one LOG or NFLOG rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The rule.
    pub rule: RuleId,
    /// How it reports.
    pub kind: EventKind,
}

/// How a rule reports a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// `-j LOG`.
    Log(LogOptions),
    /// `-j NFLOG`.
    Nflog(NflogOptions),
}

/// The counters of one chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainCounts {
    /// Of the policy; `None` for a user chain, whose end nobody counts.
    pub policy: Option<Counters>,
    /// Of the rules in order.
    pub rules: Vec<Counters>,
}

/// The counters of a whole ruleset by table and chain.
pub type Counts = BTreeMap<(TableName, String), ChainCounts>;

#[derive(Clone, Debug)]
struct PreparedTable {
    name: TableName,
    chains: Vec<PreparedChain>,
}

#[derive(Clone, Debug)]
struct PreparedChain {
    name: String,
    policy: Option<Policy>,
    policy_counters: Counters,
    rules: Vec<PreparedRule>,
}

#[derive(Clone, Debug)]
struct PreparedRule {
    rule: Rule,
    action: Action,
    counters: Counters,
    /// One per `-m limit` in order of appearance.
    buckets: Vec<TokenBucket>,
}

/// A target whose chain is found and whose support is proved.
#[derive(Clone, Debug)]
enum Action {
    Continue,
    Verdict(Verdict),
    Return,
    /// Index of the chain in its table.
    Jump(usize),
    /// Index of the chain in its table.
    Goto(usize),
    Report(EventKind),
}

impl Evaluator {
    /// Prepares all tables of `ruleset`; counters start at zero and buckets full.
    ///
    /// # Errors
    /// [`PrepareError`] for the first rule that the evaluator cannot follow exactly or that the
    /// kernel refuses to load.
    pub fn new(ruleset: &Ruleset) -> Result<Self, PrepareError> {
        Self::of_tables(ruleset, &TableName::ALL)
    }

    /// Prepares the named tables only; the others are as if the file did not have them.
    ///
    /// # Errors
    /// As [`Evaluator::new`], for rules of these tables.
    pub fn of_tables(ruleset: &Ruleset, names: &[TableName]) -> Result<Self, PrepareError> {
        let tables = ruleset
            .tables
            .iter()
            .filter(|table| names.contains(&table.name))
            .map(|table| prepare::table(table, TICK_HZ))
            .collect::<Result<_, _>>()?;
        Ok(Self { family: ruleset.family, tables })
    }

    /// The same ruleset on a kernel with another timer, which sets the grain of `-m limit`; its
    /// buckets are full again.
    pub fn with_tick_hz(mut self, hz: u32) -> Self {
        let rules = self.tables.iter_mut().flat_map(|table| &mut table.chains);
        for rule in rules.flat_map(|chain| &mut chain.rules) {
            rule.buckets.iter_mut().for_each(|bucket| *bucket = bucket.at_tick_hz(hz));
        }
        self
    }

    /// Sends `packet` through the chain of `table` at `hook` and counts it.
    pub fn walk(&mut self, table: TableName, hook: Hook, packet: &PacketCase) -> Outcome {
        let found = self.tables.iter_mut().find(|candidate| candidate.name == table);
        match found {
            Some(table) if packet.family() == self.family => walk::walk(table, hook, packet),
            Some(_) | None => Outcome::absent(),
        }
    }

    /// Sends `packet` through all tables at `hook` in the kernel's order, until one discards it.
    /// The raw table runs before connection tracking and sees every packet without a connection.
    pub fn walk_hook(&mut self, hook: Hook, packet: &PacketCase) -> Vec<(TableName, Outcome)> {
        let mut untracked_yet = packet.clone();
        untracked_yet.ct = CtStates::INVALID;
        let mut outcomes = Vec::new();
        for table in TableName::ALL {
            let seen = if table == TableName::Raw { &untracked_yet } else { packet };
            let outcome = self.walk(table, hook, seen);
            let accepted = outcome.verdict == Verdict::Accept;
            outcomes.push((table, outcome));
            if !accepted {
                break;
            }
        }
        outcomes
    }

    /// All counters as they stand.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::new();
        for table in &self.tables {
            for chain in &table.chains {
                let policy = chain.policy.map(|_| chain.policy_counters);
                let rules = chain.rules.iter().map(|rule| rule.counters).collect();
                counts.insert((table.name, chain.name.clone()), ChainCounts { policy, rules });
            }
        }
        counts
    }

    /// Address family of the ruleset.
    pub fn family(&self) -> Family {
        self.family
    }
}

impl Outcome {
    fn absent() -> Self {
        Self {
            verdict: Verdict::Accept,
            decision: Decision::NoChain,
            matched: Vec::new(),
            events: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
