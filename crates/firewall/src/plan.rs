//! Where each rule runs, and what stands in the way.

use std::collections::{HashMap, HashSet};

use crate::emit::is_decidable;
use crate::lower::{Action, Unsupported, lower};
use crate::model::{Family, Rule, Ruleset, Span, Table, TableName, Target};
use crate::slots::RuleId;
use crate::{Hook, Point};

/// Where a rule can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At its netfilter hook, and before that at XDP where the pre-filter gets to it.
    Prefilter,
    /// At its netfilter hook.
    Netfilter,
    /// Nowhere, as written: a hook can drop the packet, but not answer it.
    Reject,
    /// In no hook that calls it, for these reasons.
    Unsupported(Vec<Unsupported>),
    /// No built-in chain leads to it.
    Unreached,
}

/// A rule with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedRule {
    /// The rule's table.
    pub table: TableName,
    /// Its chain.
    pub chain: String,
    /// Its position in the chain, from 0.
    pub index: usize,
    /// Its line.
    pub span: Span,
    /// Where it runs.
    pub place: Place,
}

/// A policy that can not be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedPolicy {
    /// Where the chain is declared.
    pub span: Span,
    /// Table and chain.
    pub item: String,
    /// Why.
    pub reason: String,
}

/// A ruleset's rules in file order with their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// One entry for each rule.
    pub rules: Vec<PlacedRule>,
    /// Policies that no hook of ours holds.
    pub policies: Vec<UnsupportedPolicy>,
}

/// Rules that are left out of the programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skip(HashSet<(TableName, String, usize)>);

impl Skip {
    /// Whether the rule is left out.
    pub fn contains(&self, id: &RuleId<'_>) -> bool {
        !self.0.is_empty() && self.0.contains(&(id.table, id.chain.to_owned(), id.index))
    }

    /// Leaves the rule out.
    pub fn insert(&mut self, table: TableName, chain: &str, index: usize) {
        self.0.insert((table, chain.to_owned(), index));
    }
}

/// The places of all rules of `ruleset`.
pub fn plan(ruleset: &Ruleset) -> Plan {
    let mut plan = Plan { rules: Vec::new(), policies: Vec::new() };
    for table in &ruleset.tables {
        let hooks = calling_hooks(table);
        for chain in &table.chains {
            if let (TableName::Nat, Some(crate::model::Policy::Drop)) = (table.name, chain.policy) {
                plan.policies.push(UnsupportedPolicy {
                    span: chain.span,
                    item: format!("policy of nat {}", chain.name),
                    reason: NAT.into(),
                });
            }
            let callers = hooks.get(chain.name.as_str()).map(Vec::as_slice).unwrap_or_default();
            for (index, rule) in chain.rules.iter().enumerate() {
                plan.rules.push(PlacedRule {
                    table: table.name,
                    chain: chain.name.clone(),
                    index,
                    span: rule.span,
                    place: place(ruleset.family, table.name, callers, rule),
                });
            }
        }
    }
    plan
}

const NAT: &str = "the nat table sees a connection's first packet only and translates addresses";

fn place(family: Family, table: TableName, hooks: &[Hook], rule: &Rule) -> Place {
    if table == TableName::Nat {
        let item = if let Target::Unsupported { name, .. } = &rule.target.kind {
            format!("target {name}")
        } else {
            "table nat".into()
        };
        let span = rule.target.span;
        return Place::Unsupported(vec![Unsupported { item, span, reason: NAT.into() }]);
    }
    let mut refused: Vec<Unsupported> = Vec::new();
    let (mut accepted, mut decidable) = (0, false);
    // A rule that nothing leads to is still checked; it is fine if it could run at some hook.
    let all: Vec<Hook> = table_hooks(table).collect();
    let asked = if hooks.is_empty() { &all } else { hooks };
    for &hook in asked {
        match lower(family, Point { table, hook }, rule) {
            Ok(lowered) => {
                accepted += 1;
                decidable |= matches!(hook, Hook::PreRouting | Hook::Input)
                    && is_decidable(&lowered.steps, lowered.action);
            }
            Err(refusal) if !refused.contains(&refusal) => refused.push(refusal),
            Err(_) => {}
        }
    }
    if hooks.is_empty() && accepted > 0 {
        refused.clear();
    }
    if !refused.is_empty() {
        Place::Unsupported(refused)
    } else if matches!(rule.target.kind, Target::Reject(_)) {
        Place::Reject
    } else if hooks.is_empty() {
        Place::Unreached
    } else if decidable {
        Place::Prefilter
    } else {
        Place::Netfilter
    }
}

fn table_hooks(table: TableName) -> impl Iterator<Item = Hook> {
    Point::ALL.into_iter().filter(move |point| point.table == table).map(|point| point.hook)
}

/// For each chain, the hooks from which a packet can get to it.
fn calling_hooks(table: &Table) -> HashMap<&str, Vec<Hook>> {
    let mut hooks: HashMap<&str, Vec<Hook>> = HashMap::new();
    for hook in Hook::ALL {
        let mut todo = vec![hook.chain()];
        while let Some(name) = todo.pop() {
            let Some(chain) = table.chain(name) else { continue };
            let callers = hooks.entry(&chain.name).or_default();
            if !callers.contains(&hook) {
                callers.push(hook);
                todo.extend(
                    chain.rules.iter().filter_map(|rule| Action::callee(&rule.target.kind)),
                );
            }
        }
    }
    hooks
}
