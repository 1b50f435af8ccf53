//! What a ruleset says in vain: rules that no packet reaches or fulfils, and chains that nothing
//! calls.
//!
//! Invariant: every finding is true of every packet, in every state of connections, buckets and
//! counters. What this module does not understand (an extension that is not compiled, a limit)
//! never supports a finding; so some vain rules go unnoticed, but no useful one is reported.
//!
//! Reading order: `set` and `conditions` (what a rule compares, per field), `implication` (one
//! rule's conditions within another's), `flow` (how chains end and call each other), `candidates`
//! (which earlier rules are worth comparing).

mod candidates;
mod conditions;
mod device;
mod flow;
mod implication;
mod set;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Chain, Family, Match, Rule, Ruleset, Span, Table, TableName, Target};

use candidates::Candidates;
use conditions::Conditions;
use flow::Flow;

/// Something said in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The table.
    pub table: TableName,
    /// The chain.
    pub chain: String,
    /// The rule's position in the chain, from 0; `None` where the whole chain is in vain.
    pub rule: Option<usize>,
    /// What is the matter with it.
    pub diagnostic: Diagnostic,
    /// The earlier rule that makes it vain.
    pub cause: Option<Span>,
}

/// Everything that is said in vain, by table, chain and rule; at most one finding per rule.
pub fn check(ruleset: &Ruleset) -> Vec<Finding> {
    let mut findings = Vec::new();
    for table in &ruleset.tables {
        check_table(table, ruleset.family, &mut findings);
    }
    findings
}

/// Whether every packet that fulfils the conditions of `narrow` also fulfils those of `wide`, if
/// both see it in the same state. `false` where that is not certain.
pub fn subsumes(wide: &Rule, narrow: &Rule, family: Family) -> bool {
    let (wide, narrow) = (Conditions::of(wide, family), Conditions::of(narrow, family));
    implication::subsumes(&wide, &narrow)
}

/// Whether no packet fulfils the conditions of `rule`. `false` where that is not certain.
pub fn never_matches(rule: &Rule, family: Family) -> bool {
    implication::is_contradiction(&Conditions::of(rule, family))
}

fn check_table(table: &Table, family: Family, findings: &mut Vec<Finding>) {
    let flow = Flow::of(table, family);
    for chain in &table.chains {
        let place = Place { table, chain };
        if !flow.is_reached(&chain.name) {
            let detail = match flow.is_called(&chain.name) {
                true => format!("`{}`: what calls it is never reached itself", chain.name),
                false => format!("`{}`: no rule calls it", chain.name),
            };
            let diagnostic = Diagnostic::new(Code::UnreachedChain, chain.span, detail);
            findings.push(place.finding(None, diagnostic, None));
        }
        check_chain(&place, family, &flow, findings);
    }
}

/// The chain that is being checked.
struct Place<'a> {
    table: &'a Table,
    chain: &'a Chain,
}

impl Place<'_> {
    fn finding(&self, rule: Option<usize>, diagnostic: Diagnostic, cause: Option<Span>) -> Finding {
        let (table, chain) = (self.table.name, self.chain.name.clone());
        Finding { table, chain, rule, diagnostic, cause }
    }
}

fn check_chain(place: &Place<'_>, family: Family, flow: &Flow<'_>, findings: &mut Vec<Finding>) {
    let rules = &place.chain.rules;
    let mut earlier = Candidates::default();
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut end: Option<usize> = None;
    for (at, rule) in rules.iter().enumerate() {
        let report = |code, cause: Option<usize>| {
            let line = cause.map(|cause| rules[cause].span.line);
            let detail = line.map_or(String::new(), |line| format!("see line {line}"));
            let diagnostic = Diagnostic::new(code, rule.span, detail);
            place.finding(Some(at), diagnostic, cause.map(|cause| rules[cause].span))
        };
        if end.is_some() {
            findings.push(report(Code::BehindEnd, end));
            continue;
        }
        let conditions = Conditions::of(rule, family);
        if implication::is_contradiction(&conditions) {
            findings.push(report(Code::NeverMatches, None));
            continue;
        }
        let ends_chain = flow.ends_chain(rule);
        let comparable = !conditions.volatile && (ends_chain || only_reports(&rule.target.kind));
        let equal = comparable.then(|| seen.insert(meaning(rule), at)).flatten();
        if let Some(equal) = equal {
            findings.push(report(Code::DuplicateRule, Some(equal)));
        } else if let Some(cause) = earlier.find(&conditions) {
            findings.push(report(Code::ShadowedRule, Some(cause)));
        }
        if flow.changes_packets(rule) {
            earlier = Candidates::default();
            seen.clear();
        }
        if ends_chain {
            if conditions.is_unconditional() {
                end = Some(at);
            }
            earlier.add(at, conditions);
        }
    }
}

/// Whether a target does nothing but tell, so that twice is no better than once.
fn only_reports(target: &Target) -> bool {
    matches!(target, Target::None | Target::Log(_) | Target::Nflog(_))
}

/// What a rule says, comments aside; equal for rules that say the same.
fn meaning(rule: &Rule) -> String {
    let matches = rule.matches.iter().map(|item| &item.kind);
    let matches: Vec<_> = matches.filter(|kind| !matches!(kind, Match::Comment(_))).collect();
    format!("{:?} {matches:?} {:?}", rule.header, rule.target.kind)
}
