//! Our firewall as it is applied, against the kernel's own iptables and the reference evaluator:
//! generated rulesets, with and without connection states, and real ones.

use std::time::Instant;

use netloom_firewall::Hook;
use netloom_firewall::model::{Family, TableName};
use netloom_testkit::compiled::supported;
use netloom_testkit::engine::{Disagreement, Engine, Fate, Reference, Stop, compare, differences};
use netloom_testkit::generate::{Constants, PacketSource, Shape, Universe, ruleset};
use netloom_testkit::live::{Early, HOST_MAC, Lab, Legacy, Ours, View};
use netloom_testkit::random::Random;
use netloom_testkit::reduce::reduce;

use crate::real::{devices, frames, real_texts, slowed};
use crate::{parsed, possible, rulesets, states};

/// Rulesets per family and view, and packets for each.
const RULESETS: u64 = 15;
const PACKETS: usize = 150;
/// Packets for a real ruleset in one view, and frames drawn in search of them.
const REAL_PACKETS: usize = 600;
const FRAMES_MAX: usize = 20_000;

/// Our firewall and iptables, each at a host of its own.
struct Hosts {
    family: Family,
    ours: Ours,
    legacy: Legacy,
}

impl Hosts {
    fn new(lab: impl Fn() -> Lab, family: Family) -> Self {
        let ours = Ours::new(lab(), Early::No).unwrap_or_else(|error| panic!("{error}"));
        Self { family, ours, legacy: Legacy::unwatched(lab()) }
    }

    /// The packets' journeys with `text`, which iptables loads.
    fn journeys(
        &mut self,
        text: &str,
        frames: impl Iterator<Item = ([u8; 14], Vec<u8>)>,
    ) -> Vec<Vec<Stop>> {
        self.legacy.load(self.family, text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        frames.filter_map(|(ethernet, network)| self.legacy.journey(&network, ethernet)).collect()
    }

    /// Sends the packets through both, and holds all counters against each other.
    fn agree(&mut self, text: &str, journeys: &[Vec<Stop>]) -> Result<(), String> {
        let found = compare(&mut self.ours, &mut self.legacy, self.family, text, journeys);
        told(found.map_err(|error| error.to_string())?, text)
    }

    /// Holds the counters of ours, after [`Self::agree`], against the reference.
    fn agree_with_reference(&mut self, text: &str, journeys: &[Vec<Stop>]) -> Result<(), String> {
        let mut reference = Reference::default();
        reference.load(self.family, text).map_err(|error| error.to_string())?;
        let mut passed = 0;
        for journey in journeys {
            let fate = reference.run(journey).map_err(|error| error.to_string())?;
            passed += u64::from(fate == Some(Fate::Accepted) && is_witnessed(journey));
        }
        let wanted = reference.counts().map_err(|error| error.to_string())?;
        let counted = self.ours.counts().map_err(|error| error.to_string())?;
        if let Some(difference) = differences(&wanted, &counted).first() {
            return Err(format!("ours against reference: {difference}\n{text}"));
        }
        // Where the mangle table has a say behind the witness, its count is no verdict.
        let witnessed = self.ours.passed().map_err(|error| error.to_string())?;
        if !text.contains("*mangle") && witnessed != passed {
            return Err(format!("{passed} packets were to pass, {witnessed} did\n{text}"));
        }
        Ok(())
    }
}

/// Whether a packet that passes everything comes to a chain of the security table.
fn is_witnessed(journey: &[Stop]) -> bool {
    let hooks = [Hook::Input, Hook::Forward, Hook::Output];
    journey.iter().any(|stop| hooks.contains(&stop.hook))
}

fn told(found: Option<Disagreement>, text: &str) -> Result<(), String> {
    found.map_or(Ok(()), |found| Err(format!("{found}\n{text}")))
}

/// The compiled part of a generated ruleset: every fourth has a mangle table as well.
pub(crate) fn generated(seed: u64, family: Family, view: View) -> String {
    let mut tables = vec![TableName::Raw, TableName::Filter];
    if seed.is_multiple_of(4) {
        tables.insert(1, TableName::Mangle);
    }
    let rejects = view == View::Arriving;
    let shape = Shape { states: false, rejects, tables, ..Shape::full() };
    let text = ruleset(&mut Random::new(seed), &Universe::new(family), &shape);
    let (text, _) = supported(family, &text).unwrap_or_else(|error| panic!("{error}"));
    slowed(&text)
}

/// Frames that hit the constants of `text`.
pub(crate) fn generated_frames(
    seed: u64,
    family: Family,
    text: &str,
) -> impl Iterator<Item = ([u8; 14], Vec<u8>)> {
    let constants = Constants::of(&parsed(family, text));
    let mut source = PacketSource::new(seed, Universe::new(family), constants);
    (0..PACKETS).map(move |_| source.frame(HOST_MAC))
}

fn check_generated(family: Family, view: View) {
    if !possible() {
        return;
    }
    let mut hosts = Hosts::new(|| Lab::new(family, view).expect("lab"), family);
    let mut sent = 0;
    let wanted = rulesets(RULESETS);
    // Other rulesets than those that the reference and iptables are compared on.
    for seed in 5_000..5_000 + wanted {
        let text = generated(seed, family, view);
        let journeys = hosts.journeys(&text, generated_frames(seed, family, &text));
        sent += journeys.len();
        hosts
            .agree(&text, &journeys)
            .and_then(|()| hosts.agree_with_reference(&text, &journeys))
            .unwrap_or_else(|error| panic!("seed {seed}, {family:?}, {view:?}: {error}"));
    }
    println!("ran {sent} packets in {wanted} rulesets");
    assert!(sent > PACKETS * 5, "most packets were left out");
}

#[test]
fn our_firewall_counts_arriving_v4_packets_as_iptables_does() {
    check_generated(Family::V4, View::Arriving);
}

#[test]
fn our_firewall_counts_arriving_v6_packets_as_iptables_does() {
    check_generated(Family::V6, View::Arriving);
}

#[test]
fn our_firewall_counts_leaving_v4_packets_as_iptables_does() {
    check_generated(Family::V4, View::Leaving);
}

#[test]
fn our_firewall_counts_leaving_v6_packets_as_iptables_does() {
    check_generated(Family::V6, View::Leaving);
}

#[test]
fn our_firewall_sees_the_connection_states_that_iptables_sees() {
    if !possible() {
        return;
    }
    for family in [Family::V4, Family::V6] {
        let lab = || Lab::new(family, View::Arriving).expect("lab");
        let mut hosts = Hosts::new(lab, family);
        let mut sent = 0;
        for seed in 100..100 + rulesets(8) {
            let text = states::text(seed, family);
            let (text, _) = supported(family, &text).expect("it parses");
            let frames = states::conversations(seed, family, &text);
            let journeys = hosts.journeys(&text, frames.into_iter());
            sent += journeys.len();
            let agreed = hosts.agree(&text, &journeys);
            agreed.unwrap_or_else(|error| panic!("seed {seed}, {family:?}: {error}"));
        }
        println!("ran {sent} packets of {family:?} conversations");
    }
}

#[test]
fn our_firewall_counts_as_iptables_does_with_real_rulesets() {
    if !possible() {
        return;
    }
    for (name, text) in real_texts() {
        let begin = Instant::now();
        let tables = [TableName::Raw, TableName::Mangle, TableName::Filter];
        let reduced = reduce(&text, &tables).expect("it parses");
        let family = reduced.family;
        let (text, left_out) = supported(family, &reduced.text).expect("it parses");
        let text = slowed(&text);
        let rules = parsed(family, &text);
        let mut packets = 0;
        let mut hit = 0;
        for view in [View::Arriving, View::Leaving] {
            // What iptables rejects on its way out is answered through the same chains.
            if view == View::Leaving && text.contains("-j REJECT") {
                continue;
            }
            let lab = || Lab::with_devices(family, view, devices(&rules)).expect("lab");
            let mut hosts = Hosts::new(lab, family);
            let frames = frames(family, &rules).take(FRAMES_MAX);
            let mut journeys = hosts.journeys(&text, frames);
            journeys.truncate(REAL_PACKETS);
            packets += journeys.len();
            let agreed = hosts.agree(&text, &journeys);
            agreed.unwrap_or_else(|error| panic!("{name}, {view:?}: {error}"));
            let counts = hosts.ours.counts().expect("it counts");
            let counted = counts.values().flat_map(|chain| &chain.rules);
            hit += counted.filter(|rule| rule.packets != 0).count();
        }
        println!(
            "{name}: {packets} packets hit {hit} of {} rules, {} left out, {} ms",
            rules.rule_count(),
            reduced.dropped.len() + left_out,
            begin.elapsed().as_millis()
        );
        assert!(packets >= REAL_PACKETS / 2, "{name}: most packets were left out");
    }
}
