//! The walk through one table (`ipt_do_table`, `ip6t_do_table`).

use netloom_firewall::Hook;
use netloom_firewall::model::{Counters, Policy};

use super::header::{self, Answer};
use super::{
    Action, Decision, Event, Outcome, PreparedRule, PreparedTable, RuleId, Verdict, condition,
};
use crate::case::PacketCase;

/// A rule position: chain and rule index in the table.
#[derive(Clone, Copy)]
struct Position {
    chain: usize,
    rule: usize,
}

/// Sends `packet` through the built-in chain at `hook` and counts it.
pub(super) fn walk(table: &mut PreparedTable, hook: Hook, packet: &PacketCase) -> Outcome {
    let name = hook.chain();
    let base = table.chains.iter().position(|chain| chain.policy.is_some() && chain.name == name);
    let Some(base) = base else { return Outcome::absent() };
    let mut outcome = Outcome { decision: Decision::Policy, ..Outcome::absent() };
    let mut callers: Vec<Position> = Vec::new();
    let mut here = Position { chain: base, rule: 0 };
    loop {
        let table_name = table.name;
        let chain = &mut table.chains[here.chain];
        let id = || RuleId { table: table_name, chain: chain.name.clone(), index: here.rule };
        // A user chain ends with a RETURN of its own.
        let (answer, action) = match chain.rules.get_mut(here.rule) {
            Some(rule) => (evaluate(rule, packet), rule.action.clone()),
            None => (Answer::Holds, Action::Return),
        };
        let in_chain = here.rule < chain.rules.len();
        match answer {
            Answer::Fails => {
                here.rule += 1;
                continue;
            }
            Answer::Hotdrop => {
                outcome.decision = Decision::Hotdrop(id());
                outcome.verdict = Verdict::Drop;
                return outcome;
            }
            Answer::Holds if in_chain => outcome.matched.push(id()),
            Answer::Holds => {}
        }
        match action {
            Action::Continue => here.rule += 1,
            Action::Report(kind) => {
                outcome.events.push(Event { rule: id(), kind });
                here.rule += 1;
            }
            Action::Verdict(verdict) => {
                outcome.decision = Decision::Rule(id());
                outcome.verdict = verdict;
                return outcome;
            }
            Action::Jump(target) => {
                callers.push(Position { rule: here.rule + 1, ..here });
                here = Position { chain: target, rule: 0 };
            }
            Action::Goto(target) => here = Position { chain: target, rule: 0 },
            Action::Return => match callers.pop() {
                Some(caller) => here = caller,
                None => {
                    outcome.verdict = apply_policy(table, base, packet);
                    return outcome;
                }
            },
        }
    }
}

/// Whether `rule` holds for `packet`; counts it if so.
fn evaluate(rule: &mut PreparedRule, packet: &PacketCase) -> Answer {
    let (answer, transport) = header::compare(&rule.rule.header, packet);
    if answer != Answer::Holds {
        return answer;
    }
    let conditions = rule.rule.matches.iter().map(|item| &item.kind);
    let answer = condition::all_hold(conditions, &mut rule.buckets, packet, transport);
    if answer == Answer::Holds {
        count(&mut rule.counters, packet);
    }
    answer
}

fn apply_policy(table: &mut PreparedTable, base: usize, packet: &PacketCase) -> Verdict {
    let chain = &mut table.chains[base];
    count(&mut chain.policy_counters, packet);
    match chain.policy {
        Some(Policy::Drop) => Verdict::Drop,
        Some(Policy::Accept) | None => Verdict::Accept,
    }
}

fn count(counters: &mut Counters, packet: &PacketCase) {
    counters.packets += 1;
    counters.bytes += u64::try_from(packet.network().len()).expect("a length fits 64 bits");
}
