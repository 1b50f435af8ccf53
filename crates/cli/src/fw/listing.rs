//! Rules with their counters, in the form of `iptables -L -n -v` and as documents.

use std::io::{self, Write};

use clap::Args;
use netloom_firewall::model::{Family, Ruleset, TableName};
use netloom_firewall::print::{CounterKey, CounterLookup, ListOptions, list};
use serde::Serialize;

use super::ruleset::family_name;

/// How counters and rules are printed.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct ListingOptions {
    /// Print counters in full, not in K, M and G
    #[arg(short = 'x', long)]
    exact: bool,
    /// Number the rules
    #[arg(long)]
    line_numbers: bool,
}

/// A ruleset with its counters.
#[derive(Serialize)]
pub(crate) struct RulesetRow {
    family: &'static str,
    source: String,
    policies: Vec<PolicyRow>,
    rules: Vec<RuleRow>,
}

#[derive(Serialize)]
struct PolicyRow {
    table: &'static str,
    chain: String,
    policy: &'static str,
    packets: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct RuleRow {
    table: &'static str,
    chain: String,
    rule: usize,
    line: u32,
    packets: u64,
    bytes: u64,
    text: String,
}

/// Writes all tables of `ruleset`, each below a line that names it.
///
/// # Errors
/// What `out` reports.
pub(crate) fn write_tables(
    options: ListingOptions,
    ruleset: &Ruleset,
    counters: CounterLookup<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    let ListingOptions { exact, line_numbers } = options;
    let options = ListOptions { verbose: true, exact, line_numbers, counters };
    for name in TableName::ALL.into_iter().filter(|name| ruleset.table(*name).is_some()) {
        writeln!(out, "\n# {} {}", family_name(ruleset.family), name.as_str())?;
        write!(out, "{}", list(ruleset, name, &options))?;
    }
    Ok(())
}

impl RulesetRow {
    /// The rules of the file `source` with their counters.
    pub(crate) fn new(ruleset: &Ruleset, source: String, counters: CounterLookup<'_>) -> Self {
        let family: Family = ruleset.family;
        let mut row =
            Self { family: family_name(family), source, policies: Vec::new(), rules: Vec::new() };
        for table in &ruleset.tables {
            for chain in &table.chains {
                let key = |rule| CounterKey { table: table.name, chain: &chain.name, rule };
                if let Some(policy) = chain.policy {
                    let counted = counters(key(None));
                    row.policies.push(PolicyRow {
                        table: table.name.as_str(),
                        chain: chain.name.clone(),
                        policy: policy.as_str(),
                        packets: counted.packets,
                        bytes: counted.bytes,
                    });
                }
                row.rules.extend(chain.rules.iter().enumerate().map(|(index, rule)| {
                    let counted = counters(key(Some(index)));
                    RuleRow {
                        table: table.name.as_str(),
                        chain: chain.name.clone(),
                        rule: index + 1,
                        line: rule.span.line,
                        packets: counted.packets,
                        bytes: counted.bytes,
                        text: rule.text.clone(),
                    }
                }));
            }
        }
        row
    }
}
