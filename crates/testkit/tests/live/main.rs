//! The reference evaluator and our firewall against the kernel's own iptables.

#![allow(clippy::print_stdout, reason = "a privileged test reports what it ran")]

mod facts;
mod ours;
mod prefilter;
mod real;
mod states;

use netloom_firewall::model::{Family, Ruleset, TableName};
use netloom_firewall::parse::{ParseOptions, parse};
use netloom_testkit::engine::{Engine, Reference, Stop, compare};
use netloom_testkit::generate::{Constants, PacketSource, Shape, Universe, ruleset};
use netloom_testkit::live::{HOST_MAC, Lab, Legacy, View, missing};
use netloom_testkit::random::Random;

/// Rulesets per family and view, and packets for each.
const RULESETS: u64 = 40;
const PACKETS: usize = 150;

/// What a lab can foretell: no limits, because they depend on when the kernel sees a packet, and
/// no states, which are watched packet by packet elsewhere.
fn shape() -> Shape {
    Shape { limits: false, states: false, ..Shape::full() }
}

/// Rulesets to generate: `NETLOOM_ROUNDS` in the environment asks for as many times the usual.
fn rulesets(usual: u64) -> u64 {
    let rounds = std::env::var("NETLOOM_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    usual * rounds.unwrap_or(1)
}

/// Whether a lab can be made here; says why not.
fn possible() -> bool {
    let reason = missing();
    if let Some(reason) = &reason {
        println!("ran 0, skipped 1: {reason}");
    }
    reason.is_none()
}

fn parsed(family: Family, text: &str) -> Ruleset {
    let parsed = parse(text.as_bytes(), ParseOptions { family: Some(family) });
    parsed.expect("generated rulesets parse").ruleset
}

/// Journeys that hit the constants of `text`, which `legacy` has loaded.
fn journeys(seed: u64, family: Family, text: &str, legacy: &Legacy) -> Vec<Vec<Stop>> {
    let constants = Constants::of(&parsed(family, text));
    let mut source = PacketSource::new(seed, Universe::new(family), constants);
    let frames = (0..PACKETS).map(|_| source.frame(HOST_MAC));
    frames.filter_map(|(ethernet, network)| legacy.journey(&network, ethernet)).collect()
}

fn check(family: Family, view: View) {
    if !possible() {
        return;
    }
    let mut legacy = Legacy::new(Lab::new(family, view).expect("lab"));
    let mut reference = Reference::default();
    let mut sent = 0;
    for seed in 0..rulesets(RULESETS) {
        let shape = Shape { rejects: view == View::Arriving, ..shape() };
        let text = ruleset(&mut Random::new(seed), &Universe::new(family), &shape);
        legacy.load(family, &text).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        let journeys = journeys(seed, family, &text, &legacy);
        sent += journeys.len();
        let found = compare(&mut reference, &mut legacy, family, &text, &journeys);
        if let Some(found) = found.unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}")) {
            panic!("seed {seed}, {family:?}, {view:?}\n{text}\n{found}");
        }
    }
    println!("ran {sent} packets");
    assert!(sent > PACKETS * 10, "most packets were left out");
}

#[test]
fn arriving_v4_packets_are_counted_alike() {
    check(Family::V4, View::Arriving);
}

#[test]
fn arriving_v6_packets_are_counted_alike() {
    check(Family::V6, View::Arriving);
}

#[test]
fn leaving_v4_packets_are_counted_alike() {
    check(Family::V4, View::Leaving);
}

#[test]
fn leaving_v6_packets_are_counted_alike() {
    check(Family::V6, View::Leaving);
}

#[test]
fn a_new_lab_is_silent() {
    if !possible() {
        return;
    }
    for family in [Family::V4, Family::V6] {
        for view in [View::Arriving, View::Leaving] {
            let mut legacy = Legacy::new(Lab::new(family, view).expect("lab"));
            let empty = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n";
            legacy.load(family, empty).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(2300));
            let counts = legacy.counts().unwrap();
            let raw = counts.iter().filter(|((table, _), _)| *table == TableName::Raw);
            for ((_, chain), counts) in raw {
                let packets = counts.policy.map(|policy| policy.packets);
                assert_eq!(packets, Some(0), "{family:?} {view:?} {chain}");
            }
        }
    }
}
