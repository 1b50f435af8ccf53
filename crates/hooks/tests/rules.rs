//! Replayed rulesets against the reference evaluator: verdicts, and which rules applied in which
//! order.

use netloom_firewall::model::{CtStates, Family, TableName};
use netloom_firewall::parse::{ParseOptions, parse};
use netloom_firewall::{Hook, Leniency, Point, prepare};
use netloom_hooks::replay::{
    Decider, Decision, Frame, Meaning, Options, Outcome, Replay, Verdict, View,
};
use netloom_packet::link::LinkType;
use netloom_testkit::case::{PacketCase, PacketType};
use netloom_testkit::compiled::supported;
use netloom_testkit::evaluate::{self, Evaluator};
use netloom_testkit::generate::{Constants, PacketSource, Shape, Universe, ruleset};
use netloom_testkit::random::Random;

const HOST: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// A table at a hook, or where the state becomes known.
type Place = Option<(TableName, Hook)>;

/// The ways of packets, with the state known behind the place of the first `None`.
const WAYS: [(View, &[Place]); 3] = [
    (
        View::Input,
        &[
            Some((TableName::Raw, Hook::PreRouting)),
            None,
            Some((TableName::Mangle, Hook::PreRouting)),
            Some((TableName::Mangle, Hook::Input)),
            Some((TableName::Filter, Hook::Input)),
        ],
    ),
    (
        View::Forward,
        &[
            Some((TableName::Raw, Hook::PreRouting)),
            None,
            Some((TableName::Mangle, Hook::PreRouting)),
            Some((TableName::Mangle, Hook::Forward)),
            Some((TableName::Filter, Hook::Forward)),
            Some((TableName::Mangle, Hook::PostRouting)),
        ],
    ),
    (
        View::Output,
        &[
            Some((TableName::Raw, Hook::Output)),
            None,
            Some((TableName::Mangle, Hook::Output)),
            Some((TableName::Filter, Hook::Output)),
            Some((TableName::Mangle, Hook::PostRouting)),
        ],
    ),
];

/// Replays 60 packets over one ruleset; gives how many were dropped.
fn check(seed: u64, family: Family, view: View) -> usize {
    let shape = Shape {
        tables: vec![TableName::Raw, TableName::Mangle, TableName::Filter],
        limits: false,
        addr_types: false,
        ..Shape::full()
    };
    let universe = Universe::new(family);
    let text = ruleset(&mut Random::new(seed), &universe, &shape);
    let (text, _) = supported(family, &text).expect("it parses");
    let parsed = parse(text.as_bytes(), ParseOptions { family: Some(family) }).expect("it parses");
    let rules = parsed.ruleset;
    let leniency = Leniency { reject_as_drop: true, ..Leniency::default() };
    let planned = prepare(&rules, leniency).unwrap_or_else(|plan| panic!("{plan:?}\n{text}"));
    let options = Options { by_direction: false, ..Options::new(view) };
    let mut replay = Replay::new(&[planned], options).expect("it compiles");
    let mut evaluator = Evaluator::new(&rules).expect("the evaluator takes it");
    let mut source = PacketSource::new(seed, universe, Constants::of(&rules));
    let mut dropped = 0;
    for turn in 0..60 {
        let (ethernet, network) = source.frame(HOST);
        let bytes = [&ethernet[..], &network].concat();
        let frame = Frame {
            link_type: LinkType::ETHERNET,
            bytes: &bytes,
            timestamp_ns: turn,
            device: None,
        };
        let outcome = replay.packet(&frame).expect("a verdict");
        let Outcome::Judged(decision) = outcome else { panic!("{outcome:?}\n{network:02x?}") };
        let expected = walk(&mut evaluator, decision, ethernet, &network);
        let found: Vec<Step> = replay.trace().map(|visit| step(&replay, visit)).collect();
        assert_eq!(found, expected, "seed {seed} {family:?} {view:?} {network:02x?}\n{text}");
        dropped += usize::from(decision.verdict == Verdict::Drop);
    }
    dropped
}

/// One built-in chain's part: where, the rules that applied, how it ended.
type Step = (Point, Vec<(String, usize)>, &'static str, Verdict);

fn step(replay: &Replay<'_>, visit: netloom_hooks::replay::Visit<'_>) -> Step {
    let rules = visit.met.iter().filter_map(|slot| match replay.meaning(*slot) {
        Some(Meaning::Rule(_, id)) => Some((id.chain.to_owned(), id.index)),
        Some(Meaning::Policy(..)) => None,
        None => panic!("slot {slot} means nothing"),
    });
    let end = match visit.decider {
        Decider::Rule(..) => "rule",
        Decider::Policy(_) => "policy",
        Decider::Malformed(_) => "malformed",
        Decider::HopLimit | Decider::Nobody => panic!("no chain decided {visit:?}"),
    };
    (visit.point, rules.collect(), end, visit.verdict)
}

/// What the evaluator does with the packet on its way.
fn walk(
    evaluator: &mut Evaluator,
    decision: Decision,
    ethernet: [u8; 14],
    network: &[u8],
) -> Vec<Step> {
    let mut case = PacketCase::new(decision.family, network.to_vec()).expect("a whole header");
    let is_sent = decision.view == View::Output;
    case.ethernet = (!is_sent).then_some(ethernet);
    case.packet_type = match ethernet[0] {
        _ if is_sent => PacketType::Host,
        0xff => PacketType::Broadcast,
        first if first & 1 != 0 => PacketType::Multicast,
        _ => PacketType::Host,
    };
    let (_, way) = WAYS.iter().find(|(view, _)| *view == decision.view).expect("all views");
    let mut steps = Vec::new();
    for place in *way {
        let Some((table, hook)) = *place else {
            case.ct = decision.states.unwrap_or(CtStates::INVALID);
            continue;
        };
        if hook == Hook::Forward && table == TableName::Mangle {
            let at = if decision.family == Family::V4 { 8 } else { 7 };
            let mut lower = case.network().to_vec();
            if lower[at] <= 1 {
                assert_eq!(decision.decider, Decider::HopLimit);
                break;
            }
            lower[at] -= 1;
            case = case.with_network(lower).expect("as long as before");
        }
        let device = |has: bool| has.then(|| "eth0".to_owned());
        // A forwarded packet keeps its input device behind routing.
        case.in_device = device(!is_sent);
        case.out_device = device(!matches!(hook, Hook::PreRouting | Hook::Input));
        let outcome = evaluator.walk(table, hook, &case);
        let rules = outcome.matched.into_iter().map(|id| (id.chain, id.index)).collect();
        let end = match outcome.decision {
            evaluate::Decision::Rule(_) => "rule",
            evaluate::Decision::Policy => "policy",
            evaluate::Decision::Hotdrop(_) => "malformed",
            evaluate::Decision::NoChain => panic!("all tables have all chains"),
        };
        let verdict = match outcome.verdict {
            evaluate::Verdict::Accept => Verdict::Accept,
            evaluate::Verdict::Drop | evaluate::Verdict::Reject(_) => Verdict::Drop,
        };
        steps.push((Point { table, hook }, rules, end, verdict));
        if verdict == Verdict::Drop {
            break;
        }
    }
    steps
}

#[test]
fn replay_is_what_the_reference_evaluator_does() {
    let (mut packets, mut dropped) = (0, 0);
    for seed in 0..60 {
        for family in [Family::V4, Family::V6] {
            for (view, _) in WAYS {
                dropped += check(seed, family, view);
                packets += 60;
            }
        }
    }
    println!("ran {packets} packets, {dropped} dropped");
    assert!(dropped > packets / 10 && dropped < packets * 9 / 10, "{dropped} of {packets}");
}
