//! Whole rulesets: chains, their graph and the targets of their rules.
//!
//! Invariants, all demanded by the kernel or by iptables: a chain only jumps to chains declared
//! after it, so there are no loops; only chains that no output hook reaches ask for an Ethernet
//! address; a built-in chain names no device that its hook does not have.

use netloom_firewall::Hook;
use netloom_firewall::model::{Family, TableName};

use super::{Universe, conditions};
use crate::hook::{has_in_device, table_hooks};
use crate::random::Random;

/// What kind of ruleset is wanted.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The tables, each once.
    pub tables: Vec<TableName>,
    /// At most this many user chains per table.
    pub chains_max: usize,
    /// At most this many rules per chain.
    pub rules_max: usize,
    /// Rules may ask for the connection state.
    pub states: bool,
    /// Rules may ask for a packet rate, which depends on time.
    pub limits: bool,
    /// Rules may ask for address types, which depend on routing tables.
    pub addr_types: bool,
    /// Rules may answer with REJECT (in the filter table).
    pub rejects: bool,
    /// Rules may log.
    pub logs: bool,
}

impl Shape {
    /// A raw and a filter table with everything in them.
    pub fn full() -> Self {
        Self {
            tables: vec![TableName::Raw, TableName::Filter],
            chains_max: 4,
            rules_max: 8,
            states: true,
            limits: true,
            addr_types: true,
            rejects: true,
            logs: true,
        }
    }
}

/// A chain about to be filled.
pub(super) struct Place {
    pub(super) name: String,
    pub(super) table: TableName,
    /// The hook of a built-in chain.
    pub(super) hook: Option<Hook>,
    /// No output hook reaches this chain.
    pub(super) input_only: bool,
}

/// A random ruleset in the form of iptables-save; the same `random` state gives the same text.
pub fn ruleset(random: &mut Random, universe: &Universe, shape: &Shape) -> String {
    let mut text = String::new();
    for table in &shape.tables {
        table_text(random, universe, shape, *table, &mut text);
    }
    text
}

fn table_text(
    random: &mut Random,
    universe: &Universe,
    shape: &Shape,
    table: TableName,
    text: &mut String,
) {
    let places = places(random, shape, table);
    text.push_str(&format!("*{}\n", table.as_str()));
    for place in &places {
        let policy = match place.hook {
            None => "-",
            Some(_) if random.one_in(3) => "DROP",
            Some(_) => "ACCEPT",
        };
        text.push_str(&format!(":{} {policy} [0:0]\n", place.name));
    }
    for (index, place) in places.iter().enumerate() {
        let callees: Vec<&Place> = places[index + 1..]
            .iter()
            .filter(|to| to.hook.is_none() && (place.input_only || !to.input_only))
            .collect();
        for _ in 0..=random.below(shape.rules_max) {
            text.push_str(&rule(random, universe, shape, place, &callees));
            text.push('\n');
        }
    }
    text.push_str("COMMIT\n");
}

/// Built-in chains first, then user chains.
fn places(random: &mut Random, shape: &Shape, table: TableName) -> Vec<Place> {
    let mut places: Vec<Place> = table_hooks(table)
        .iter()
        .map(|hook| Place {
            name: hook.chain().to_owned(),
            table,
            hook: Some(*hook),
            input_only: has_in_device(*hook),
        })
        .collect();
    for number in 0..random.below(shape.chains_max + 1) {
        let input_only = random.one_in(3);
        places.push(Place { name: format!("chain-{number}"), table, hook: None, input_only });
    }
    places
}

fn rule(
    random: &mut Random,
    universe: &Universe,
    shape: &Shape,
    place: &Place,
    callees: &[&Place],
) -> String {
    let drawn = conditions::draw(random, universe, shape, place);
    let target = target(random, universe.family, shape, place, callees, drawn.protocol);
    let mut words = vec![format!("-A {}", place.name)];
    words.extend(drawn.words);
    words.extend(target);
    words.join(" ")
}

fn target(
    random: &mut Random,
    family: Family,
    shape: &Shape,
    place: &Place,
    callees: &[&Place],
    protocol: Option<&'static str>,
) -> Option<String> {
    let jump = |random: &mut Random, option| {
        let callee = callees[random.below(callees.len())];
        Some(format!("{option} {}", callee.name))
    };
    match random.below(16) {
        0..=2 => Some("-j ACCEPT".to_owned()),
        3..=4 => Some("-j DROP".to_owned()),
        5 => Some("-j RETURN".to_owned()),
        6 if shape.logs => Some("-j LOG --log-prefix \"seen \" --log-level 5".to_owned()),
        7 if shape.logs => Some("-j NFLOG --nflog-group 3".to_owned()),
        8 if shape.rejects && place.table == TableName::Filter => {
            Some(reject(random, family, protocol))
        }
        9..=11 if !callees.is_empty() => jump(random, "-j"),
        12 if !callees.is_empty() => jump(random, "-g"),
        _ => None,
    }
}

fn reject(random: &mut Random, family: Family, protocol: Option<&'static str>) -> String {
    let with = match (family, protocol) {
        (_, Some("tcp")) if random.one_in(2) => "tcp-reset",
        (Family::V4, _) => random.copied(&[
            "icmp-port-unreachable",
            "icmp-host-prohibited",
            "icmp-net-unreachable",
        ]),
        (Family::V6, _) => {
            random.copied(&["icmp6-port-unreachable", "icmp6-adm-prohibited", "icmp6-no-route"])
        }
    };
    format!("-j REJECT --reject-with {with}")
}
