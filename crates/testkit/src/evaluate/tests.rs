//! Hand-computed cases. Every expectation follows from the kernel sources named in the modules;
//! the live engine checks the same facts against a running kernel.

mod chains;
mod conditions;
mod extension_headers;

use netloom_firewall::Hook;
use netloom_firewall::model::{
    Chain, Counters, Family, HeaderMatch, Match, MatchItem, Negatable, Policy, Rule, Ruleset, Span,
    Table, TableName, Target, TargetItem,
};

use super::{Evaluator, Outcome};
use crate::case::PacketCase;

/// The value as it stands, without `!`.
fn is<T>(value: T) -> Negatable<T> {
    Negatable { negated: false, value }
}

/// The value behind `!`.
fn not<T>(value: T) -> Negatable<T> {
    Negatable { negated: true, value }
}

fn rule(header: HeaderMatch, matches: Vec<Match>, target: Target) -> Rule {
    let items = matches.into_iter().map(|kind| MatchItem { span: Span::default(), kind });
    Rule {
        span: Span::default(),
        text: String::new(),
        counters: None,
        header,
        matches: items.collect(),
        target: TargetItem { span: Span::default(), kind: target },
    }
}

/// A rule without conditions.
fn always(target: Target) -> Rule {
    rule(HeaderMatch::default(), Vec::new(), target)
}

fn chain(name: &str, policy: Option<Policy>, rules: Vec<Rule>) -> Chain {
    let (counters, span) = (Counters::default(), Span::default());
    Chain { name: name.to_owned(), policy, counters, span, rules }
}

fn filter(family: Family, chains: Vec<Chain>) -> Ruleset {
    let table = Table { name: TableName::Filter, span: Span::default(), chains };
    Ruleset { family, tables: vec![table] }
}

/// Sends one packet through filter INPUT.
fn input(ruleset: &Ruleset, packet: &PacketCase) -> (Outcome, Evaluator) {
    let mut evaluator = Evaluator::new(ruleset).expect("the test wrote a valid ruleset");
    let outcome = evaluator.walk(TableName::Filter, Hook::Input, packet);
    (outcome, evaluator)
}

/// 10.0.0.1 → 10.0.0.2 with `protocol` and the bytes behind the header.
fn v4(protocol: u8, rest: &[u8]) -> PacketCase {
    let total = u8::try_from(20 + rest.len()).expect("short test packets");
    let mut bytes = vec![0x45, 0, 0, total, 0, 0, 0, 0, 64, protocol, 0, 0];
    bytes.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    bytes.extend(rest);
    PacketCase::new(Family::V4, bytes).expect("whole header")
}

/// fd00::1 → fd00::2 with the first next-header number and the bytes behind the fixed header.
fn v6(next: u8, rest: &[u8]) -> PacketCase {
    let payload = u8::try_from(rest.len()).expect("short test packets");
    let mut bytes = vec![0x60, 0, 0, 0, 0, payload, next, 64];
    for last in [1, 2] {
        bytes.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    bytes.extend(rest);
    PacketCase::new(Family::V6, bytes).expect("whole header")
}

/// The packet with other bytes from `offset` on.
fn patched(packet: &PacketCase, offset: usize, bytes: &[u8]) -> PacketCase {
    let mut network = packet.network().to_vec();
    network[offset..offset + bytes.len()].copy_from_slice(bytes);
    packet.with_network(network).expect("same length")
}

/// Ports 1000 → 80, SYN, and options.
fn tcp(options: &[u8]) -> Vec<u8> {
    let words = u8::try_from(5 + options.len() / 4).expect("at most 40 bytes");
    let mut bytes = vec![3, 232, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, words << 4, 2, 0, 0, 0, 0, 0, 0];
    bytes.extend(options);
    bytes
}
