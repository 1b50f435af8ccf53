//! N rules of which only the last one can match, in the words of iptables and of nft.

use std::fmt::Write;
use std::net::Ipv4Addr;

use clap::ValueEnum;
use netloom_firewall::Hook;
use netloom_firewall::model::TableName;
use serde::Serialize;

use crate::frame::Flow;

/// Most rules that have ports of their own.
pub(crate) const RULES_MAX: u16 = 60_000;
/// Destination port of the first rule.
const FIRST_PORT: u16 = 1_000;
/// A port that no rule names.
const FREE_PORT: u16 = 9;
/// An address that no rule names alone.
const FREE_SOURCE: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 2);
/// The first rule's address; later ones follow.
const FIRST_SOURCE: Ipv4Addr = Ipv4Addr::new(198, 18, 1, 0);
/// The network of all of them (RFC 2544).
const NETWORK: &str = "198.18.0.0/15";

/// What the rules compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Shape {
    /// The source network, which always fits, the protocol, and a port each
    Ports,
    /// A source address each
    Sources,
}

/// The rules of one contender.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ruleset {
    pub(crate) shape: Shape,
    /// How many, the last of which drops.
    pub(crate) rules: u16,
}

impl Ruleset {
    /// Packets that the last rule matches.
    pub(crate) fn dropped(self) -> Flow {
        self.matched(self.rules.saturating_sub(1))
    }

    /// Packets that no rule matches.
    pub(crate) fn accepted(self) -> Flow {
        Flow { source: FREE_SOURCE, port: FREE_PORT }
    }

    /// Packets that the rule matches, and no other one.
    fn matched(self, rule: u16) -> Flow {
        match self.shape {
            Shape::Ports => Flow { source: FREE_SOURCE, port: FIRST_PORT + rule },
            Shape::Sources => {
                let source = Ipv4Addr::from(u32::from(FIRST_SOURCE) + u32::from(rule));
                Flow { source, port: FREE_PORT }
            }
        }
    }

    /// A rule as iptables-save prints it, without its chain.
    pub(crate) fn rule(self, rule: u16) -> String {
        let Flow { source, port } = self.matched(rule);
        match self.shape {
            Shape::Ports => format!("-s {NETWORK} -p udp -m udp --dport {port} -j DROP"),
            Shape::Sources => format!("-s {source}/32 -j DROP"),
        }
    }

    /// The rules at `hook` of `table` for iptables-restore.
    pub(crate) fn save(self, table: TableName, hook: Hook) -> String {
        let mut text = format!("*{}\n", table.as_str());
        for hook in netloom_testkit::hook::table_hooks(table) {
            line(&mut text, format_args!(":{} ACCEPT [0:0]", hook.chain()));
        }
        for rule in 0..self.rules {
            line(&mut text, format_args!("-A {} {}", hook.chain(), self.rule(rule)));
        }
        text.push_str("COMMIT\n");
        text
    }

    /// The rules for `nft -f`, with a counter each as iptables has them, one for the policy too.
    pub(crate) fn nft(self) -> String {
        let mut text = format!(
            "table inet {NFT_TABLE} {{\nchain {NFT_CHAIN} {{\n\
             type filter hook input priority 0; policy accept;\n"
        );
        for rule in 0..self.rules {
            line(&mut text, format_args!("{}", self.nft_rule(rule)));
        }
        text.push_str("counter\n}\n}\n");
        text
    }

    /// A rule as nft takes it.
    pub(crate) fn nft_rule(self, rule: u16) -> String {
        let Flow { source, port } = self.matched(rule);
        match self.shape {
            Shape::Ports => format!("ip saddr {NETWORK} udp dport {port} counter drop"),
            Shape::Sources => format!("ip saddr {source} counter drop"),
        }
    }
}

/// The names of the nft table and its chain.
pub(super) const NFT_TABLE: &str = "bench";
pub(super) const NFT_CHAIN: &str = "input";

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes everything");
}

#[cfg(test)]
mod tests {
    use netloom_firewall::parse::{ParseOptions, parse};

    use super::*;

    const BOTH: [Shape; 2] = [Shape::Ports, Shape::Sources];

    #[test]
    fn the_rules_are_as_many_as_asked_and_all_different() {
        for shape in BOTH {
            let ruleset = Ruleset { shape, rules: 100 };
            let text = ruleset.save(TableName::Filter, Hook::Input);
            let parsed = parse(text.as_bytes(), ParseOptions::default()).unwrap().ruleset;
            let chain = parsed.table(TableName::Filter).unwrap().chain("INPUT").unwrap();
            assert_eq!(chain.rules.len(), 100);
            let rules = (0..100).map(|rule| ruleset.rule(rule));
            assert_eq!(rules.collect::<std::collections::HashSet<_>>().len(), 100);
            assert_eq!(ruleset.nft().matches(" counter drop\n").count(), 100);
        }
    }

    #[test]
    fn packets_differ_where_the_rules_look() {
        for (shape, port, source) in [(Shape::Ports, 1_009, 2), (Shape::Sources, 9, 256 + 9)] {
            let ruleset = Ruleset { shape, rules: 10 };
            let source = Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + source);
            assert_eq!(ruleset.dropped(), Flow { source, port });
            assert_ne!(ruleset.dropped(), ruleset.accepted());
            assert!((0..10).all(|rule| ruleset.matched(rule) != ruleset.accepted()));
        }
    }

    #[test]
    fn the_largest_ruleset_has_ports_for_all() {
        let ruleset = Ruleset { shape: Shape::Ports, rules: RULES_MAX };
        assert_eq!(ruleset.dropped().port, 60_999);
    }
}
