//! Real rulesets, where the folder with them lies beside the workspace: their raw and filter
//! tables, without the rules that are not supported, and with slow limits.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use netloom_firewall::model::{Family, Ruleset, TableName};
use netloom_testkit::engine::{Engine, Reference, compare};
use netloom_testkit::generate::{Constants, PacketSource, Universe};
use netloom_testkit::live::{Devices, Frame, HOST_MAC, LOCAL, Lab, Legacy, View, compare_watched};
use netloom_testkit::reduce::{Reduced, reduce};

use crate::{parsed, possible};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/rulesets");
/// Packets for a ruleset that is watched packet by packet, and for one that is not.
const WATCHED: usize = 80;
const UNWATCHED: usize = 2_000;
/// Frames drawn in search of these, most of which a lab may have to leave out.
const FRAMES_MAX: usize = 20_000;

/// Makes the outcome of `-m limit` independent of how long a test takes: the burst passes, and
/// nothing is refilled within a minute. With less than that, the kernel's 32 bits of credit overflow
/// at usual bursts, which it does not notice (`xt_limit.c`: `user2credits`).
pub(crate) fn slowed(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for line in text.lines() {
        let mut after_limit = false;
        let slow = line.split(' ').map(|word| {
            let slowed = if after_limit { "1/minute" } else { word };
            after_limit = word == "--limit";
            slowed.to_owned()
        });
        words.push(slow.collect::<Vec<_>>().join(" "));
    }
    words.join("\n") + "\n"
}

/// The devices that the rules name most, for coming in and for going out.
pub(crate) fn devices(ruleset: &Ruleset) -> Devices {
    let mut counted: [BTreeMap<String, usize>; 2] = Default::default();
    let chains = ruleset.tables.iter().flat_map(|table| &table.chains);
    for rule in chains.flat_map(|chain| &chain.rules) {
        let named = [&rule.header.in_interface, &rule.header.out_interface];
        for (counts, interface) in counted.iter_mut().zip(named) {
            let Some(interface) = interface else { continue };
            let name = &interface.value.name;
            let full = if interface.value.prefix { format!("{name}0") } else { name.clone() };
            *counts.entry(full).or_default() += 1;
        }
    }
    let most = |counts: &BTreeMap<String, usize>, other: &str, fallback: &str| {
        let others = counts.iter().filter(|(name, _)| *name != "lo" && *name != other);
        others
            .max_by_key(|(_, count)| **count)
            .map_or(fallback.to_owned(), |(name, _)| name.clone())
    };
    let arriving = most(&counted[0], "", "eth0");
    let leaving = most(&counted[1], &arriving, "eth9");
    Devices { arriving, leaving }
}

/// Frames that hit the rules without end, every other one for the host itself.
pub(crate) fn frames(family: Family, ruleset: &Ruleset) -> impl Iterator<Item = Frame> {
    let mut universe = Universe::new(family);
    let local: Vec<IpAddr> = LOCAL.iter().filter_map(|addr| addr.parse().ok()).collect();
    universe.addrs.retain(|addr| !LOCAL.contains(&addr.as_str()));
    let constants = Constants::of(ruleset);
    let of_family = |addr: &IpAddr| addr.is_ipv4() == (family == Family::V4);
    let local = local.into_iter().filter(of_family).collect();
    let mut here = PacketSource::new(2, universe.clone(), constants.clone()).towards(local);
    let mut everywhere = PacketSource::new(1, universe, constants);
    (0..).map(move |index| if index % 2 == 0 { &mut here } else { &mut everywhere }.frame(HOST_MAC))
}

/// Runs one ruleset in one view; returns how many packets were compared and how many rules they
/// hit.
fn check(name: &str, reduced: &Reduced, view: View) -> (usize, usize) {
    let (family, text) = (reduced.family, slowed(&reduced.text));
    let ruleset = parsed(family, &text);
    let lab = Lab::with_devices(family, view, devices(&ruleset)).expect("lab");
    let mut legacy = Legacy::new(lab);
    let mut reference = Reference::default();
    let tracked = text.contains("--state") || text.contains("--ctstate");
    let (sent, disagreement) = if tracked {
        legacy.load(family, &text).expect("it loads");
        let frames = frames(family, &ruleset).take(FRAMES_MAX);
        let sendable = |frame: &Frame| legacy.journey(&frame.1, frame.0).is_some();
        let frames: Vec<_> = frames.filter(sendable).take(WATCHED).collect();
        let watched = compare_watched(&mut reference, &mut legacy, family, &text, &frames);
        let watched = watched.unwrap_or_else(|error| panic!("{name}: {error}"));
        (watched.states.len(), watched.disagreement)
    } else {
        legacy.load(family, &text).expect("it loads");
        let frames = frames(family, &ruleset).take(FRAMES_MAX);
        let journeys = frames.filter_map(|(ethernet, packet)| legacy.journey(&packet, ethernet));
        let journeys: Vec<_> = journeys.take(UNWATCHED).collect();
        let found = compare(&mut reference, &mut legacy, family, &text, &journeys);
        (journeys.len(), found.unwrap_or_else(|error| panic!("{name}: {error}")))
    };
    if let Some(found) = disagreement {
        panic!("{name}, {view:?}: {found}");
    }
    let counts = reference.counts().expect("it counts");
    let rules = counts.values().flat_map(|chain| &chain.rules);
    (sent, rules.filter(|rule| rule.packets != 0).count())
}

/// The real rulesets with their names; says so where there are none.
pub(crate) fn real_texts() -> Vec<(String, String)> {
    let Ok(entries) = fs::read_dir(Path::new(FOLDER)) else {
        println!("ran 0, skipped 1: no folder of real rulesets");
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "save"));
    paths.sort();
    let named = paths.into_iter().map(|path| {
        let name = path.file_name().map_or(String::new(), |name| name.to_string_lossy().into());
        (name, fs::read_to_string(&path).expect("a readable ruleset"))
    });
    named.collect()
}

#[test]
fn real_rulesets_are_counted_alike() {
    if !possible() {
        return;
    }
    for (name, text) in real_texts() {
        let reduced = reduce(&text, &[TableName::Raw, TableName::Filter]).expect("it parses");
        let arriving = check(&name, &reduced, View::Arriving);
        // Rejected packets that leave are answered through the same chains.
        let leaving = if reduced.text.contains("-j REJECT") {
            (0, 0)
        } else {
            check(&name, &reduced, View::Leaving)
        };
        let (kept, dropped) = (reduced.kept, reduced.dropped.len());
        let (packets, hit) = (arriving.0 + leaving.0, arriving.1 + leaving.1);
        println!("{name}: {packets} packets hit {hit} of {kept} rules, {dropped} taken out");
        assert!(packets >= WATCHED / 2, "{name}: most packets were left out");
    }
}
