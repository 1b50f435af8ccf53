//! How chains end, and which of them a packet can reach.

use std::collections::{HashMap, HashSet};

use super::conditions::Conditions;
use super::implication;
use crate::model::{Chain, Family, Rule, Table, Target};
use crate::parse::callee;

/// What is known of the chains of a table.
pub(super) struct Flow<'a> {
    facts: HashMap<&'a str, Facts>,
    called: HashSet<&'a str>,
    reached: HashSet<&'a str>,
}

/// What is known of a chain, with the chains that it calls.
#[derive(Clone, Copy, Debug)]
struct Facts {
    /// No packet comes back from the chain to its caller.
    never_returns: bool,
    /// A target in it may change what later conditions see.
    changes_packets: bool,
}

impl<'a> Flow<'a> {
    pub(super) fn of(table: &'a Table, family: Family) -> Self {
        let chains: HashMap<&str, &Chain> =
            table.chains.iter().map(|chain| (chain.name.as_str(), chain)).collect();
        let mut flow =
            Self { facts: HashMap::new(), called: HashSet::new(), reached: HashSet::new() };
        for chain in callees_first(table, &chains) {
            let facts = flow.facts_of(chain, family);
            flow.facts.insert(&chain.name, facts);
        }
        flow.called = table.chains.iter().flat_map(callees).collect();
        flow.reach(table, &chains, family);
        flow
    }

    /// Whether a rule calls the chain.
    pub(super) fn is_called(&self, chain: &str) -> bool {
        self.called.contains(chain)
    }

    /// Whether a packet may get into the chain.
    pub(super) fn is_reached(&self, chain: &str) -> bool {
        self.reached.contains(chain)
    }

    /// Whether a packet that fulfils the rule's conditions never sees the next rule of its chain.
    pub(super) fn ends_chain(&self, rule: &Rule) -> bool {
        match &rule.target.kind {
            Target::Accept | Target::Drop | Target::Reject(_) => true,
            Target::Return | Target::Goto(_) => true,
            Target::Jump(name) => self.known(name).is_some_and(|facts| facts.never_returns),
            Target::None | Target::Log(_) | Target::Nflog(_) | Target::Unsupported { .. } => false,
        }
    }

    /// Whether conditions may give another answer behind the rule than before it.
    pub(super) fn changes_packets(&self, rule: &Rule) -> bool {
        match &rule.target.kind {
            Target::Unsupported { .. } => true,
            Target::Jump(name) | Target::Goto(name) => {
                self.known(name).is_none_or(|facts| facts.changes_packets)
            }
            Target::None
            | Target::Accept
            | Target::Drop
            | Target::Return
            | Target::Log(_)
            | Target::Nflog(_)
            | Target::Reject(_) => false,
        }
    }

    fn known(&self, chain: &str) -> Option<Facts> {
        self.facts.get(chain).copied()
    }

    fn facts_of(&self, chain: &Chain, family: Family) -> Facts {
        let changes_packets = chain.rules.iter().any(|rule| self.changes_packets(rule));
        let mut never_returns = false;
        for rule in &chain.rules {
            let decides = match &rule.target.kind {
                Target::Accept | Target::Drop | Target::Reject(_) => true,
                Target::Jump(name) => self.known(name).is_some_and(|facts| facts.never_returns),
                Target::Goto(name) => match self.known(name) {
                    Some(facts) if facts.never_returns => true,
                    _ => break,
                },
                Target::Return | Target::Unsupported { .. } => break,
                Target::None | Target::Log(_) | Target::Nflog(_) => false,
            };
            if decides && Conditions::of(rule, family).is_unconditional() {
                never_returns = true;
                break;
            }
        }
        Facts { never_returns, changes_packets }
    }

    /// Follows the calls of rules that a packet may reach, from the built-in chains on.
    fn reach(&mut self, table: &'a Table, chains: &HashMap<&'a str, &'a Chain>, family: Family) {
        let builtin = table.chains.iter().filter(|chain| chain.policy.is_some());
        let mut open: Vec<&Chain> = builtin.collect();
        while let Some(chain) = open.pop() {
            if !self.reached.insert(&chain.name) {
                continue;
            }
            for rule in &chain.rules {
                let conditions = Conditions::of(rule, family);
                if implication::is_contradiction(&conditions) {
                    continue;
                }
                open.extend(callee(rule).and_then(|name| chains.get(name.as_str())));
                if conditions.is_unconditional() && self.ends_chain(rule) {
                    break;
                }
            }
        }
    }
}

fn callees(chain: &Chain) -> impl Iterator<Item = &str> {
    chain.rules.iter().filter_map(|rule| callee(rule).map(String::as_str))
}

/// The chains in an order in which each stands behind those that it calls; a chain in a circle of
/// calls stands before some of them, of which nothing is known then.
fn callees_first<'a>(table: &'a Table, chains: &HashMap<&'a str, &'a Chain>) -> Vec<&'a Chain> {
    let mut order = Vec::with_capacity(table.chains.len());
    let mut entered: HashSet<&str> = HashSet::new();
    for start in &table.chains {
        let mut path = Vec::new();
        if entered.insert(&start.name) {
            path.push((start, 0));
        }
        while let Some((chain, next)) = path.last_mut() {
            let Some(rule) = chain.rules.get(*next) else {
                order.push(*chain);
                path.pop();
                continue;
            };
            *next += 1;
            let found = callee(rule).and_then(|name| chains.get(name.as_str()));
            if let Some(found) = found
                && entered.insert(&found.name)
            {
                path.push((found, 0));
            }
        }
    }
    order
}
