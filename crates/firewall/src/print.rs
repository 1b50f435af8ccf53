//! The rule model to text, in the forms of iptables 1.8.9.
//!
//! [`save`] prints what `iptables-save` prints after the same rules were loaded, [`list`] what
//! `iptables -L -n` prints. Options stand in the order of the tools and with their normalised
//! values; what this crate does not compile is printed from its arguments. Counters come from the
//! caller, since the data plane has them.

mod address;
mod list;
mod list_match;
mod save;
mod save_match;

pub use list::{ListOptions, list};
pub use save::{SaveComment, SaveOptions, rule, save};

use std::collections::HashMap;

use crate::model::{Chain, Counters, Ruleset, Table, TableName};
use crate::parse::builtin_chains;

/// What a counter belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CounterKey<'a> {
    /// The table.
    pub table: TableName,
    /// The chain.
    pub chain: &'a str,
    /// The rule's position in the chain, from 0; `None` for the policy.
    pub rule: Option<usize>,
}

/// Where printed counters come from.
pub type CounterLookup<'a> = &'a dyn Fn(CounterKey<'_>) -> Counters;

/// Zero for everything: what the kernel counts right after `iptables-restore`.
pub fn no_counters(_key: CounterKey<'_>) -> Counters {
    Counters::default()
}

/// The counters that the file gave: what the kernel counts right after `iptables-restore -c`.
pub fn file_counters(ruleset: &Ruleset) -> impl Fn(CounterKey<'_>) -> Counters {
    let chains: HashMap<(TableName, &str), &Chain> = ruleset
        .tables
        .iter()
        .flat_map(|table| {
            table.chains.iter().map(move |chain| ((table.name, chain.name.as_str()), chain))
        })
        .collect();
    move |key| {
        let chain = chains.get(&(key.table, key.chain));
        let found = match key.rule {
            Some(rule) => chain.and_then(|chain| chain.rules.get(rule)?.counters),
            None => chain.map(|chain| chain.counters),
        };
        found.unwrap_or_default()
    }
}

/// The chains as iptables orders them: built-in ones by hook, also those that the table does not
/// mention, then user chains by name.
fn ordered_chains(table: &Table) -> Vec<(&str, Option<&Chain>)> {
    let builtin = builtin_chains(table.name);
    let mut all: Vec<_> = builtin.iter().map(|name| (*name, table.chain(name))).collect();
    let mut user: Vec<_> =
        table.chains.iter().filter(|chain| !builtin.contains(&chain.name.as_str())).collect();
    user.sort_by(|a, b| a.name.cmp(&b.name));
    all.extend(user.into_iter().map(|chain| (chain.name.as_str(), Some(chain))));
    all
}
