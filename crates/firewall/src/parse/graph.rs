//! How the chains of a table call each other, as the kernel walks them when a table is loaded
//! (`mark_source_chains` in `net/ipv4/netfilter/ip_tables.c`).
//!
//! From every hook the kernel follows all rules, whatever their conditions, up to an
//! unconditional verdict. A chain that is entered again while it is being walked is a loop.
//! A match or target is checked against the hooks from which the walk reaches it.

use std::collections::HashMap;

use super::extension::Hooks;
use super::table::ChainBuilder;
use crate::Hook;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{HeaderMatch, Rule, TableName, Target};

/// The built-in chains of `table` in the order of their hooks.
pub(crate) fn builtin_chains(table: TableName) -> &'static [&'static str] {
    match table {
        TableName::Raw => &["PREROUTING", "OUTPUT"],
        TableName::Mangle => &["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
        TableName::Nat => &["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
        TableName::Filter | TableName::Security => &["INPUT", "FORWARD", "OUTPUT"],
    }
}

/// The hook bit of a built-in chain; `None` for a user chain.
pub(crate) fn hook(table: TableName, chain: &str) -> Option<Hooks> {
    let builtin = builtin_chains(table).contains(&chain);
    Hook::from_chain(chain).filter(|_| builtin).map(bit)
}

fn bit(hook: Hook) -> Hooks {
    1 << (hook as u8)
}

/// The chain that `rule` calls.
pub(crate) fn callee(rule: &Rule) -> Option<&String> {
    match &rule.target.kind {
        Target::Jump(name) | Target::Goto(name) => Some(name),
        Target::None
        | Target::Accept
        | Target::Drop
        | Target::Return
        | Target::Log(_)
        | Target::Nflog(_)
        | Target::Reject(_)
        | Target::Unsupported { .. } => None,
    }
}

/// Lets `rule` call `new` where it calls `old`.
pub(crate) fn rename_callee(rule: &mut Rule, old: &str, new: &str) {
    if let Target::Jump(name) | Target::Goto(name) = &mut rule.target.kind
        && name == old
    {
        new.clone_into(name);
    }
}

/// Reports loops, and what stands where one of its hooks cannot be.
pub(crate) fn check(
    table: TableName,
    chains: &[ChainBuilder],
    index: &HashMap<String, usize>,
    findings: &mut Vec<Diagnostic>,
) {
    let mut walk = Walk { chains, index, reached: vec![0; chains.len()], findings };
    for name in builtin_chains(table) {
        if let (Some(hook), Some(start)) = (hook(table, name), index.get(*name)) {
            walk.from(*start, hook);
        }
    }
    let reached = walk.reached;
    for (builder, hooks) in chains.iter().zip(reached) {
        let rules = builder.chain.rules.iter().zip(&builder.needs);
        for (rule, needs) in rules {
            for need in needs.iter().filter(|need| hooks & !need.hooks != 0) {
                let wrong = hooks & !need.hooks;
                let names = Hook::ALL.into_iter().filter(|hook| wrong & bit(*hook) != 0);
                let names: Vec<_> = names.map(Hook::chain).collect();
                let detail = format!("it is reached from {}", names.join(" and "));
                findings.push(Diagnostic::new(Code::WrongHook, need.span, detail));
            }
            if ends_chain(rule) {
                break;
            }
        }
    }
}

struct Walk<'a, 'f> {
    chains: &'a [ChainBuilder],
    index: &'a HashMap<String, usize>,
    /// The hooks that reach each chain so far.
    reached: Vec<Hooks>,
    findings: &'f mut Vec<Diagnostic>,
}

impl Walk<'_, '_> {
    /// Visits every chain that `hook` reaches from chain `start`, without recursion: the depth of
    /// calls is up to the file.
    fn from(&mut self, start: usize, hook: Hooks) {
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        let mut on_path = vec![false; self.chains.len()];
        on_path[start] = true;
        self.reached[start] |= hook;
        while let Some((chain, next)) = path.last_mut() {
            let rule = self.chains[*chain].chain.rules.get(*next);
            let ended = *next > 0 && ends_chain(&self.chains[*chain].chain.rules[*next - 1]);
            let Some(rule) = rule.filter(|_| !ended) else {
                on_path[*chain] = false;
                path.pop();
                continue;
            };
            *next += 1;
            let Some(callee) = callee(rule).and_then(|name| self.index.get(name)).copied() else {
                continue;
            };
            if on_path[callee] {
                let detail = format!("`{}` calls itself", self.chains[callee].chain.name);
                let found = Diagnostic::new(Code::ChainLoop, rule.target.span, detail);
                if !self.findings.contains(&found) {
                    self.findings.push(found);
                }
            } else if self.reached[callee] & hook == 0 {
                self.reached[callee] |= hook;
                on_path[callee] = true;
                path.push((callee, 0));
            }
        }
    }
}

/// Whether no packet passes `rule`: an unconditional verdict. A comment counts as a condition, as
/// it does in the kernel.
fn ends_chain(rule: &Rule) -> bool {
    let verdict = matches!(rule.target.kind, Target::Accept | Target::Drop | Target::Return)
        || matches!(&rule.target.kind, Target::Unsupported { name, .. } if name == "QUEUE");
    verdict && rule.matches.is_empty() && rule.header == HeaderMatch::default()
}
