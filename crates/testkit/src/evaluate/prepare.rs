//! From the rule model to a table that can be walked: chains found by index, loops and everything
//! that cannot be followed exactly refused.

use std::{error, fmt};

use netloom_firewall::model::{
    Counters, Match, Negatable, RejectWith, Rule, Table, TableName, Target,
};

use super::bucket::TokenBucket;
use super::{Action, EventKind, PreparedChain, PreparedRule, PreparedTable, Verdict};

/// A rule that the evaluator refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrepareError {
    /// Table of the rule.
    pub table: TableName,
    /// Chain of the rule.
    pub chain: String,
    /// Line of the rule in the file.
    pub line: u32,
    /// What is wrong.
    pub kind: PrepareErrorKind,
}

/// Why a rule is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrepareErrorKind {
    /// The model holds this match or target unevaluated.
    Unsupported {
        /// Its name.
        name: String,
        /// What in it is not understood.
        reason: String,
    },
    /// No chain of this name in the table.
    NoSuchChain(String),
    /// A jump or goto leads back to a chain on the way here; the kernel refuses the table.
    Loop(String),
    /// The match or target works on packets of other protocols only, or on none that `-p` names;
    /// the kernel refuses the table.
    WrongProtocol,
    /// `! -p all` holds for no packet; iptables refuses the rule.
    NegatedAllProtocols,
    /// The numbers of `-m limit` overflow; the kernel refuses the table.
    LimitOverflow,
}

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const DCCP: u8 = 33;
const ICMPV6: u8 = 58;
const SCTP: u8 = 132;
const UDPLITE: u8 = 136;

/// Makes `table` ready to be walked on a kernel with `tick_hz` timer interrupts a second.
pub(super) fn table(table: &Table, tick_hz: u32) -> Result<PreparedTable, PrepareError> {
    let mut chains = Vec::new();
    for chain in &table.chains {
        let mut rules = Vec::new();
        for rule in &chain.rules {
            let refused = |kind| PrepareError {
                table: table.name,
                chain: chain.name.clone(),
                line: rule.span.line,
                kind,
            };
            check_protocol(rule).map_err(refused)?;
            rules.push(PreparedRule {
                action: action(table, &rule.target.kind).map_err(refused)?,
                buckets: buckets(rule, tick_hz).map_err(refused)?,
                counters: Counters::default(),
                rule: rule.clone(),
            });
        }
        chains.push(PreparedChain {
            name: chain.name.clone(),
            policy: chain.policy,
            policy_counters: Counters::default(),
            rules,
        });
    }
    let prepared = PreparedTable { name: table.name, chains };
    for base in prepared.chains.iter().enumerate().filter(|(_, chain)| chain.policy.is_some()) {
        check_loops(&prepared, base.0)?;
    }
    Ok(prepared)
}

fn action(table: &Table, target: &Target) -> Result<Action, PrepareErrorKind> {
    let index = |name: &String| {
        let found = table.chains.iter().position(|chain| chain.name == *name);
        found.ok_or_else(|| PrepareErrorKind::NoSuchChain(name.clone()))
    };
    Ok(match target {
        Target::None => Action::Continue,
        Target::Accept => Action::Verdict(Verdict::Accept),
        Target::Drop => Action::Verdict(Verdict::Drop),
        Target::Return => Action::Return,
        Target::Jump(name) => Action::Jump(index(name)?),
        Target::Goto(name) => Action::Goto(index(name)?),
        Target::Log(options) => Action::Report(EventKind::Log(options.clone())),
        Target::Nflog(options) => Action::Report(EventKind::Nflog(options.clone())),
        Target::Reject(with) => Action::Verdict(Verdict::Reject(*with)),
        Target::Unsupported { name, reason, .. } => {
            let (name, reason) = (name.clone(), reason.clone());
            return Err(PrepareErrorKind::Unsupported { name, reason });
        }
    })
}

fn buckets(rule: &Rule, tick_hz: u32) -> Result<Vec<TokenBucket>, PrepareErrorKind> {
    let mut buckets = Vec::new();
    for item in &rule.matches {
        if let Match::Unsupported { name, reason, .. } = &item.kind {
            let (name, reason) = (name.clone(), reason.clone());
            return Err(PrepareErrorKind::Unsupported { name, reason });
        }
        if let Match::Limit(limit) = item.kind {
            let bucket = TokenBucket::new(limit, tick_hz);
            buckets.push(bucket.ok_or(PrepareErrorKind::LimitOverflow)?);
        }
    }
    Ok(buckets)
}

/// Matches of a transport header are refused by the kernel in rules for any other protocol, so
/// their evaluation never has to ask which protocol it looks at.
fn check_protocol(rule: &Rule) -> Result<(), PrepareErrorKind> {
    let wanted = rule.header.protocol;
    if wanted == Some(Negatable { negated: true, value: 0 }) {
        return Err(PrepareErrorKind::NegatedAllProtocols);
    }
    let demands = rule.matches.iter().map(|item| protocols_of_match(&item.kind));
    let demands = demands.chain([protocols_of_target(&rule.target.kind)]);
    for allowed in demands.filter(|allowed| !allowed.is_empty()) {
        let fits = wanted.is_some_and(|it| !it.negated && allowed.contains(&it.value));
        if !fits {
            return Err(PrepareErrorKind::WrongProtocol);
        }
    }
    Ok(())
}

/// The protocols one of which a rule with this match must name; none where it may be any.
fn protocols_of_match(condition: &Match) -> &'static [u8] {
    match condition {
        Match::Tcp { .. } => &[TCP],
        Match::Udp(_) => &[UDP],
        Match::UdpLite(_) => &[UDPLITE],
        Match::Sctp(_) => &[SCTP],
        Match::Icmp(_) => &[ICMP],
        Match::Icmp6(_) => &[ICMPV6],
        Match::Multiport { .. } => &[TCP, UDP, UDPLITE, SCTP, DCCP],
        Match::IpRange { .. }
        | Match::Mac(_)
        | Match::Mark(_)
        | Match::PktType(_)
        | Match::AddrType { .. }
        | Match::Comment(_)
        | Match::HopLimit(..)
        | Match::Length(_)
        | Match::Dscp(_)
        | Match::Tos(_)
        | Match::State(_)
        | Match::CtState(_)
        | Match::Limit(_)
        | Match::Unsupported { .. } => &[],
    }
}

fn protocols_of_target(target: &Target) -> &'static [u8] {
    if matches!(target, Target::Reject(RejectWith::TcpReset)) { &[TCP] } else { &[] }
}

/// Follows every jump and goto from the chain `base`, whether its conditions can hold or not, as
/// the kernel does when it loads a table.
fn check_loops(table: &PreparedTable, base: usize) -> Result<(), PrepareError> {
    let mut finished = vec![false; table.chains.len()];
    let mut path = vec![(base, 0)];
    while let Some(&(chain, rule)) = path.last() {
        let Some(prepared) = table.chains[chain].rules.get(rule) else {
            finished[chain] = true;
            path.pop();
            continue;
        };
        path.last_mut().expect("the loop condition saw it").1 += 1;
        let (Action::Jump(next) | Action::Goto(next)) = prepared.action else { continue };
        if path.iter().any(|&(on_path, _)| on_path == next) {
            return Err(PrepareError {
                table: table.name,
                chain: table.chains[chain].name.clone(),
                line: prepared.rule.span.line,
                kind: PrepareErrorKind::Loop(table.chains[next].name.clone()),
            });
        }
        if !finished[next] {
            path.push((next, 0));
        }
    }
    Ok(())
}

impl fmt::Display for PrepareError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, chain, line, kind } = self;
        write!(
            out,
            "line {line}, table {}, chain {chain}: cannot evaluate rule: ",
            table.as_str()
        )?;
        match kind {
            PrepareErrorKind::Unsupported { name, reason } => write!(out, "{name}: {reason}"),
            PrepareErrorKind::NoSuchChain(name) => write!(out, "no chain {name}"),
            PrepareErrorKind::Loop(name) => write!(out, "it leads back to chain {name}"),
            PrepareErrorKind::WrongProtocol => write!(out, "a match needs another -p"),
            PrepareErrorKind::NegatedAllProtocols => write!(out, "! -p all holds for no packet"),
            PrepareErrorKind::LimitOverflow => write!(out, "the numbers of -m limit overflow"),
        }
    }
}

impl error::Error for PrepareError {}
