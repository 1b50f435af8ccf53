//! Who is compared: how it gets its rules, and what it counted.

use std::path::Path;

use netloom_control::{Firewall, Options, Request, Source};
use netloom_firewall::model::{Family, TableName};
use netloom_firewall::{Hook, Point, RuleId};
use netloom_testkit::live::parse_saved;

use super::ruleset::{NFT_CHAIN, NFT_TABLE, Ruleset};
use crate::command::run;
use crate::error::BenchError;
use crate::wire::Wire;

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    /// The stack without any filter.
    NoRules,
    /// Our pre-filter at XDP with our program at the hook behind it.
    Prefilter,
    /// Our program at the netfilter hook.
    Hook,
    /// iptables-legacy, as early as it can drop.
    LegacyRaw,
    /// iptables-legacy where most rules stand.
    LegacyInput,
    /// nftables, linear, where most rules stand.
    Nft,
}

/// A contender that has its rules.
pub(crate) enum Installed {
    Nothing,
    Ours(Box<Firewall>),
    Legacy(TableName, Hook),
    Nft,
}

/// Packets that a contender counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    /// At its last rule.
    pub(crate) last_rule: u64,
    /// At its policy.
    pub(crate) policy: u64,
}

const FILTER_INPUT: Point = Point { table: TableName::Filter, hook: Hook::Input };
const LEGACY_RESTORE: &str = "iptables-legacy-restore";
const LEGACY_SAVE: &str = "iptables-legacy-save";

impl Contender {
    /// All that have rules, in the order of the table.
    pub(crate) const WITH_RULES: [Self; 5] =
        [Self::Prefilter, Self::Hook, Self::LegacyRaw, Self::LegacyInput, Self::Nft];

    /// The name in documents.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::NoRules => "no-rules",
            Self::Prefilter => "netloom-xdp",
            Self::Hook => "netloom-input",
            Self::LegacyRaw => "iptables-raw-prerouting",
            Self::LegacyInput => "iptables-filter-input",
            Self::Nft => "nft-inet-input",
        }
    }

    /// The name in tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::NoRules => "no rules",
            Self::Prefilter => "netloom, XDP pre-filter and INPUT",
            Self::Hook => "netloom, INPUT",
            Self::LegacyRaw => "iptables-legacy, raw PREROUTING",
            Self::LegacyInput => "iptables-legacy, INPUT",
            Self::Nft => "nft, inet filter input",
        }
    }

    /// Gives it the rules, in the wire's namespace; `bpffs` is where ours pins what it needs.
    pub(crate) fn install(
        self,
        ruleset: Ruleset,
        wire: &Wire,
        bpffs: &Path,
    ) -> Result<Installed, BenchError> {
        let legacy = |table, hook: Hook| {
            wire.inside(|| run(LEGACY_RESTORE, &["-w", "60"], &ruleset.save(table, hook)))?;
            Ok(Installed::Legacy(table, hook))
        };
        let ours = |firewall| Installed::Ours(Box::new(firewall));
        match self {
            Self::NoRules => Ok(Installed::Nothing),
            Self::Hook => wire.inside(|| apply(ruleset, &[], bpffs)).map(ours),
            Self::Prefilter => {
                let device = std::slice::from_ref(&wire.device);
                wire.inside(|| apply(ruleset, device, bpffs)).map(ours)
            }
            Self::LegacyRaw => legacy(TableName::Raw, Hook::PreRouting),
            Self::LegacyInput => legacy(TableName::Filter, Hook::Input),
            Self::Nft => {
                wire.inside(|| run("nft", &["-f", "-"], &ruleset.nft()))?;
                Ok(Installed::Nft)
            }
        }
    }
}

impl Installed {
    /// What was counted since the rules were installed; `None` where nothing counts.
    pub(crate) fn counts(
        &self,
        ruleset: Ruleset,
        wire: &Wire,
    ) -> Result<Option<Counts>, BenchError> {
        let last = usize::from(ruleset.rules).saturating_sub(1);
        match self {
            Self::Nothing => Ok(None),
            Self::Ours(firewall) => our_counts(firewall, last).map(Some),
            Self::Legacy(table, hook) => {
                let saved = wire.inside(|| run(LEGACY_SAVE, &["-c", "-t", table.as_str()], ""))?;
                let counts = parse_saved(&saved).map_err(BenchError::Saved)?;
                let chain = counts.get(&(*table, hook.chain().to_owned()));
                let found = chain.and_then(|chain| {
                    let last_rule = chain.rules.get(last)?.packets;
                    Some(Counts { last_rule, policy: chain.policy?.packets })
                });
                found.map(Some).ok_or_else(|| malformed(LEGACY_SAVE))
            }
            Self::Nft => {
                let list = ["-j", "list", "chain", "inet", NFT_TABLE, NFT_CHAIN];
                let listed = wire.inside(|| run("nft", &list, ""))?;
                let packets = nft_packets(&listed).ok_or_else(|| malformed("nft"))?;
                match packets.get(last..) {
                    Some(&[last_rule, policy]) => Ok(Some(Counts { last_rule, policy })),
                    _ => Err(malformed("nft")),
                }
            }
        }
    }
}

/// The versions of the peers, or why they are not there.
pub(crate) fn versions() -> Vec<String> {
    [("iptables-legacy", "-V"), ("nft", "--version")]
        .into_iter()
        .map(|(program, option)| match run(program, &[option], "") {
            Ok(text) => text.trim().to_owned(),
            Err(error) => error.to_string(),
        })
        .collect()
}

/// The calling thread is in the receiver's namespace.
fn apply(ruleset: Ruleset, devices: &[String], bpffs: &Path) -> Result<Firewall, BenchError> {
    let options = Options { bpffs: bpffs.to_owned(), ..Options::default() };
    let firewall = Firewall::new(options).map_err(BenchError::Control)?;
    let source = Source {
        name: "bench".into(),
        ipv6: false,
        text: ruleset.save(TableName::Filter, Hook::Input),
        skip_unsupported: false,
        reject_as_drop: false,
    };
    let request =
        Request { sources: vec![source], devices: devices.to_vec(), confirm_within: None };
    let applied = firewall.apply(&request).map_err(BenchError::Control)?;
    if applied.devices.iter().any(|device| device.native != Some(true)) {
        return Err(BenchError::NotNative);
    }
    match applied.limited.into_iter().next() {
        Some((_, because)) if !devices.is_empty() => Err(BenchError::Limited(because)),
        _ => Ok(firewall),
    }
}

fn our_counts(firewall: &Firewall, last: usize) -> Result<Counts, BenchError> {
    let status = firewall.status().map_err(BenchError::Control)?;
    let status = status.ok_or_else(|| malformed("netloom"))?;
    let reading = firewall.counters(&status).map_err(BenchError::Control)?;
    let id = RuleId { table: TableName::Filter, chain: Hook::Input.chain(), index: last };
    Ok(Counts {
        last_rule: reading.rule(Family::V4, id).packets,
        policy: reading.policy(Family::V4, FILTER_INPUT).packets,
    })
}

/// The packet counters of a chain's rules, in order.
fn nft_packets(listed: &str) -> Option<Vec<u64>> {
    let document: serde_json::Value = serde_json::from_str(listed).ok()?;
    let rules = document.get("nftables")?.as_array()?.iter().filter_map(|item| item.get("rule"));
    let counter = |rule: &serde_json::Value| {
        let mut parts = rule.get("expr")?.as_array()?.iter();
        parts.find_map(|part| part.get("counter"))?.get("packets")?.as_u64()
    };
    rules.map(counter).collect()
}

fn malformed(program: &str) -> BenchError {
    BenchError::Malformed { what: format!("the counters of {program}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_nft_are_read_in_order() {
        let text = r#"{"nftables": [{"metainfo": {}}, {"chain": {}},
            {"rule": {"expr": [{"match": {}}, {"counter": {"packets": 7, "bytes": 1}}]}},
            {"rule": {"expr": [{"counter": {"packets": 9, "bytes": 1}}]}}]}"#;
        assert_eq!(nft_packets(text), Some(vec![7, 9]));
        assert_eq!(nft_packets(r#"{"nftables": [{"rule": {"expr": []}}]}"#), None);
        assert_eq!(nft_packets(""), None);
    }
}
