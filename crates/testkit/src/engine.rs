//! What runs a ruleset, as a differential test sees it.
//!
//! A test hands the same text and the same journeys to several engines and compares what became
//! of each packet and, at the end, all counters. The reference evaluator is the first engine; the
//! kernel's own iptables, see [`crate::live`], is another.

mod compare;

pub use compare::{CompareError, Compared, Disagreement, compare};

use std::fmt;
use std::{error, iter};

use netloom_firewall::Hook;
use netloom_firewall::diagnostic::Diagnostic;
use netloom_firewall::model::{Counters, Family, TableName};
use netloom_firewall::parse::{ParseOptions, parse};

use crate::case::PacketCase;
use crate::evaluate::{Counts, Evaluator, PrepareError, Verdict};

/// A packet at one hook of its way. A journey is one stop, or several in the order of the way;
/// the bytes may differ from stop to stop, as forwarding lowers the hop limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The hook, all tables of which look at the packet.
    pub hook: Hook,
    /// The packet as it is there.
    pub packet: PacketCase,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It passed all stops.
    Accepted,
    /// A table discarded it, with or without an answer.
    Discarded,
}

/// Something that runs rulesets.
pub trait Engine {
    /// Why it cannot.
    type Error: error::Error;

    /// Replaces what runs by the ruleset `text`, with all counters at zero.
    ///
    /// # Errors
    /// When the engine does not accept the ruleset.
    fn load(&mut self, family: Family, text: &str) -> Result<(), Self::Error>;

    /// Sends a packet on its way; `None` where the engine cannot tell what became of it.
    ///
    /// # Errors
    /// When the engine breaks down; a discarded packet is no error.
    fn run(&mut self, journey: &[Stop]) -> Result<Option<Fate>, Self::Error>;

    /// The counters as they stand.
    ///
    /// # Errors
    /// When they cannot be read.
    fn counts(&mut self) -> Result<Counts, Self::Error>;
}

/// The reference evaluator as an engine.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    evaluator: Option<Evaluator>,
    tick_hz: Option<u32>,
}

impl Reference {
    /// A kernel whose timer ticks `hz` times a second, which is the grain of `-m limit`.
    pub fn with_tick_hz(hz: u32) -> Self {
        Self { tick_hz: Some(hz), ..Self::default() }
    }
}

/// A ruleset that the reference does not run.
#[derive(Clone, Debug)]
pub enum ReferenceError {
    /// The text does not parse.
    Parse(Vec<Diagnostic>),
    /// A rule cannot be evaluated.
    Prepare(PrepareError),
}

impl Engine for Reference {
    type Error = ReferenceError;

    fn load(&mut self, family: Family, text: &str) -> Result<(), ReferenceError> {
        let options = ParseOptions { family: Some(family) };
        let parsed = parse(text.as_bytes(), options).map_err(ReferenceError::Parse)?;
        let evaluator = Evaluator::new(&parsed.ruleset).map_err(ReferenceError::Prepare)?;
        self.evaluator = Some(match self.tick_hz {
            Some(hz) => evaluator.with_tick_hz(hz),
            None => evaluator,
        });
        Ok(())
    }

    fn run(&mut self, journey: &[Stop]) -> Result<Option<Fate>, ReferenceError> {
        let Some(evaluator) = &mut self.evaluator else { return Ok(Some(Fate::Accepted)) };
        for stop in journey {
            let outcomes = evaluator.walk_hook(stop.hook, &stop.packet);
            if outcomes.iter().any(|(_, outcome)| outcome.verdict != Verdict::Accept) {
                return Ok(Some(Fate::Discarded));
            }
        }
        Ok(Some(Fate::Accepted))
    }

    fn counts(&mut self) -> Result<Counts, ReferenceError> {
        Ok(self.evaluator.as_ref().map(Evaluator::counts).unwrap_or_default())
    }
}

/// A counter on which two engines disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: TableName,
    /// The chain.
    pub chain: String,
    /// The rule, counted from 0; `None` for the policy.
    pub rule: Option<usize>,
    /// What the first engine counted, if it has this counter.
    pub expected: Option<Counters>,
    /// What the second engine counted, if it has this counter.
    pub found: Option<Counters>,
}

/// All counters of chains in `expected` that `found` counts otherwise. Chains that only `found`
/// has are passed over: a kernel's table always has all its built-in chains.
pub fn differences(expected: &Counts, found: &Counts) -> Vec<Difference> {
    let mut differences = Vec::new();
    for ((table, chain), wanted) in expected {
        let other = found.get(&(*table, chain.clone())).cloned().unwrap_or_default();
        let rules = wanted.rules.len().max(other.rules.len());
        let pairs = (0..rules).map(|index| {
            (Some(index), wanted.rules.get(index).copied(), other.rules.get(index).copied())
        });
        for (rule, expected, found) in pairs.chain(iter::once((None, wanted.policy, other.policy)))
        {
            if expected != found {
                let (table, chain) = (*table, chain.clone());
                differences.push(Difference { table, chain, rule, expected, found });
            }
        }
    }
    differences
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "table {}, chain {}, ", self.table.as_str(), self.chain)?;
        match self.rule {
            Some(index) => write!(out, "rule {}: ", index + 1)?,
            None => write!(out, "policy: ")?,
        }
        for (label, counters) in [("expected", self.expected), (", found", self.found)] {
            match counters {
                Some(Counters { packets, bytes }) => write!(out, "{label} [{packets}:{bytes}]")?,
                None => write!(out, "{label} none")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse(found) => match found.first() {
                Some(first) => write!(
                    out,
                    "line {}: cannot parse ruleset: {:?} {}",
                    first.span.line, first.code, first.detail
                ),
                None => write!(out, "cannot parse ruleset"),
            },
            Self::Prepare(error) => write!(out, "{error}"),
        }
    }
}

impl error::Error for ReferenceError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Parse(_) => None,
            Self::Prepare(error) => Some(error),
        }
    }
}
