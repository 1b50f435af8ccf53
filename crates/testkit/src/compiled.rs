//! Our own programs as engines: in the interpreter, and in the kernel by test runs.

mod interpreter;
mod test_run;

pub use interpreter::{Interpreter, InterpreterError};
pub use test_run::{TestRun, TestRunError, as_test_runs_see};

use std::collections::HashSet;

use netloom_firewall::model::{Counters, Family, Rule, Ruleset, TableName};
use netloom_firewall::parse::{ParseOptions, parse};
use netloom_firewall::print::{SaveOptions, no_counters, save};
use netloom_firewall::{
    CompileError, Compiled, Hook, Leniency, Point, RuleId, Slots, compile, prepare,
};

use crate::evaluate::{ChainCounts, Counts};

/// Rules that are compiled, with what they were compiled from.
struct Generation {
    ruleset: Ruleset,
    slots: Slots,
    compiled: Compiled,
}

/// Why a ruleset can not be compiled.
#[derive(Clone, Debug)]
pub enum GenerationError {
    /// The text is refused.
    Parse(String),
    /// A rule is not supported.
    Unsupported(String),
    /// The compiler refuses it.
    Compile(CompileError),
}

impl Generation {
    fn new(family: Family, text: &str) -> Result<Self, GenerationError> {
        let ruleset = read(family, text)?;
        let leniency = Leniency { skip_unsupported: false, reject_as_drop: true };
        let planned = prepare(&ruleset, leniency)
            .map_err(|plan| GenerationError::Unsupported(format!("{:?}", plan.rules)))?;
        let slots = Slots::assign(&[&ruleset], &Slots::default(), &HashSet::new());
        let compiled = compile(&[planned], &slots).map_err(GenerationError::Compile)?;
        Ok(Self { ruleset, slots, compiled })
    }

    /// All counters, each looked up by its slot.
    fn counts(&self, value: impl Fn(u32) -> Counters) -> Counts {
        let family = self.ruleset.family;
        counts(
            &self.ruleset,
            |rule| value(self.slots.rule(family, rule)),
            |point| value(self.slots.policy(family, point)),
        )
    }
}

/// The counters of all rules and policies of `ruleset`, each looked up by its place.
pub(crate) fn counts(
    ruleset: &Ruleset,
    rule: impl Fn(RuleId<'_>) -> Counters,
    policy: impl Fn(Point) -> Counters,
) -> Counts {
    let mut counts = Counts::new();
    for table in &ruleset.tables {
        for chain in &table.chains {
            let id = |index| RuleId { table: table.name, chain: &chain.name, index };
            let point = Hook::from_chain(&chain.name).map(|hook| Point { table: table.name, hook });
            let point = chain.policy.and(point).filter(|point| Point::ALL.contains(point));
            let counted = ChainCounts {
                rules: (0..chain.rules.len()).map(|index| rule(id(index))).collect(),
                policy: point.map(&policy),
            };
            counts.insert((table.name, chain.name.clone()), counted);
        }
    }
    counts
}

/// The ruleset as text without the rules that are not compiled, and their number.
///
/// # Errors
/// When the text does not parse.
pub fn supported(family: Family, text: &str) -> Result<(String, usize), GenerationError> {
    let mut ruleset = read(family, text)?;
    // Only a connection's first packet meets the nat table, so nothing of it is compiled.
    ruleset.tables.retain(|table| table.name != TableName::Nat);
    let before = ruleset.rule_count();
    let mut left = usize::MAX;
    // A rule that goes may leave a chain without callers, which changes what is asked of its rules.
    while left != ruleset.rule_count() {
        left = ruleset.rule_count();
        leave_out(&mut ruleset)?;
    }
    let options = SaveOptions { rule_counters: false, counters: &no_counters, comment: None };
    Ok((save(&ruleset, &options), before - ruleset.rule_count()))
}

/// Takes the rules out that are not compiled.
fn leave_out(ruleset: &mut Ruleset) -> Result<(), GenerationError> {
    let leniency = Leniency { skip_unsupported: true, reject_as_drop: true };
    let skip = prepare(ruleset, leniency)
        .map(|planned| planned.skip)
        .map_err(|plan| GenerationError::Unsupported(format!("{:?}", plan.policies)))?;
    for table in &mut ruleset.tables {
        for chain in &mut table.chains {
            let name = chain.name.clone();
            let kept = |index| !skip.contains(&RuleId { table: table.name, chain: &name, index });
            chain.rules = keep(std::mem::take(&mut chain.rules), kept);
        }
    }
    Ok(())
}

fn keep(rules: Vec<Rule>, kept: impl Fn(usize) -> bool) -> Vec<Rule> {
    let numbered = rules.into_iter().enumerate().filter(|(index, _)| kept(*index));
    numbered.map(|(_, rule)| rule).collect()
}

fn read(family: Family, text: &str) -> Result<Ruleset, GenerationError> {
    parse(text.as_bytes(), ParseOptions { family: Some(family) })
        .map(|parsed| parsed.ruleset)
        .map_err(|found| {
            GenerationError::Parse(found.first().map(ToString::to_string).unwrap_or_default())
        })
}

impl std::fmt::Display for GenerationError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Parse(text) => write!(out, "cannot parse ruleset: {text}"),
            Self::Unsupported(text) => write!(out, "not compiled: {text}"),
            Self::Compile(error) => error.fmt(out),
        }
    }
}

impl std::error::Error for GenerationError {}
