//! Generated rulesets are what every engine accepts, and generated packets meet their rules.

use netloom_firewall::Hook;
use netloom_firewall::model::{Family, TableName};
use netloom_firewall::parse::{ParseOptions, parse};

use super::{Constants, PacketSource, Shape, Universe, ruleset};
use crate::evaluate::{Decision, Evaluator};
use crate::random::Random;

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

fn evaluator(seed: u64, family: Family) -> (Evaluator, PacketSource) {
    let universe = Universe::new(family);
    let shape = Shape { tables: vec![TableName::Filter], ..Shape::full() };
    let text = ruleset(&mut Random::new(seed), &universe, &shape);
    let parsed = parse(text.as_bytes(), ParseOptions { family: Some(family) });
    let parsed = parsed.unwrap_or_else(|found| panic!("seed {seed}: {found:?}\n{text}"));
    let evaluator = Evaluator::new(&parsed.ruleset);
    let evaluator = evaluator.unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
    (evaluator, PacketSource::new(seed, universe, Constants::of(&parsed.ruleset)))
}

#[test]
fn every_generated_ruleset_can_be_evaluated() {
    for seed in 0..300 {
        for family in FAMILIES {
            evaluator(seed, family);
        }
    }
}

#[test]
fn equal_seeds_give_equal_tests() {
    let draw = |seed| {
        let (_, mut packets) = evaluator(seed, Family::V4);
        (0..20).map(|_| packets.next_at(Hook::Input)).collect::<Vec<_>>()
    };
    assert_eq!(draw(3), draw(3));
    assert_ne!(draw(3), draw(4));
}

/// A generator whose packets miss the rules would let every fault pass.
#[test]
fn packets_hit_rules_and_every_kind_of_decision() {
    for family in FAMILIES {
        let (mut rules, mut hit) = (0, 0);
        let (mut by_rule, mut by_policy, mut hotdrops) = (0, 0, 0);
        for seed in 0..40 {
            let (mut evaluator, mut packets) = evaluator(seed, family);
            for _ in 0..100 {
                for hook in [Hook::Input, Hook::Forward, Hook::Output] {
                    let outcome = evaluator.walk(TableName::Filter, hook, &packets.next_at(hook));
                    match outcome.decision {
                        Decision::Rule(_) => by_rule += 1,
                        Decision::Policy => by_policy += 1,
                        Decision::Hotdrop(_) => hotdrops += 1,
                        Decision::NoChain => panic!("filter has this chain"),
                    }
                }
            }
            let counts = evaluator.counts();
            let counters = counts.values().flat_map(|chain| &chain.rules);
            rules += counters.clone().count();
            hit += counters.filter(|rule| rule.packets > 0).count();
        }
        println!("{family:?}: {hit} of {rules} rules, {by_rule} {by_policy} {hotdrops}");
        assert!(hit * 3 > rules, "{hit} of {rules} rules were hit");
        let all = by_rule + by_policy + hotdrops;
        assert!(by_rule * 5 > all && by_policy * 5 > all, "{by_rule}, {by_policy} of {all}");
        assert!(hotdrops * 200 > all, "{hotdrops} hotdrops of {all}");
    }
}

/// Whatever bytes a packet has, the evaluator answers.
#[test]
fn arbitrary_bytes_are_evaluated() {
    arbtest::arbtest(|bytes| {
        let family = *bytes.choose(&FAMILIES)?;
        let (mut evaluator, mut packets) = evaluator(bytes.int_in_range(0..=50)?, family);
        let case = packets.next_at(Hook::Forward);
        if let Ok(case) = case.with_network(bytes.arbitrary()?) {
            evaluator.walk(TableName::Filter, Hook::Forward, &case);
        }
        Ok(())
    });
}
