//! Generated and real rulesets: the reference evaluator, the interpreter and the kernel agree.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::print_stdout, reason = "skips are told on standard output")]

use std::path::PathBuf;

use netloom_firewall::Hook;
use netloom_firewall::model::{Family, TableName};
use netloom_firewall::parse::{ParseOptions, parse};
use netloom_testkit::compiled::{Interpreter, TestRun, as_test_runs_see, supported};
use netloom_testkit::engine::{Reference, Stop, compare};
use netloom_testkit::generate::{Constants, PacketSource, Shape, Universe, ruleset};
use netloom_testkit::random::Random;

const TABLES: [TableName; 4] =
    [TableName::Raw, TableName::Mangle, TableName::Filter, TableName::Security];

/// The grain of the packets' times. The kernel's limits fill by timer ticks, ours all the time;
/// where packets come at ticks, both are the same.
const TICK_HZ: u32 = 10_000;

/// One packet at each of the hooks in turn, `count` in all.
fn packets(seed: u64, family: Family, text: &str, count: usize) -> Vec<Vec<Stop>> {
    let rules = parse(text.as_bytes(), ParseOptions { family: Some(family) }).unwrap().ruleset;
    let mut source = PacketSource::new(seed, Universe::new(family), Constants::of(&rules));
    let hooks = Hook::ALL.into_iter().cycle();
    let stops = hooks.map(|hook| {
        let mut packet = source.next_at(hook);
        packet.now_ns -= packet.now_ns % (1_000_000_000 / u64::from(TICK_HZ));
        Stop { hook, packet }
    });
    stops.take(count).map(|stop| vec![stop]).collect()
}

/// How many times as many generated rulesets as usual: the environment's `NETLOOM_ROUNDS`.
fn rounds() -> u64 {
    std::env::var("NETLOOM_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1)
}

fn shape(seed: u64) -> Shape {
    let tables = if seed.is_multiple_of(4) { TABLES.to_vec() } else { Shape::full().tables };
    Shape { tables, ..Shape::full() }
}

fn generated(seed: u64, shape: &Shape) -> (Family, String) {
    let family = if seed.is_multiple_of(2) { Family::V4 } else { Family::V6 };
    let text = ruleset(&mut Random::new(seed), &Universe::new(family), shape);
    let (text, _) = supported(family, &text).unwrap();
    (family, text)
}

fn agree_in_interpreter(seed: u64, family: Family, text: &str, count: usize) {
    let journeys = packets(seed, family, text, count);
    let mut reference = Reference::with_tick_hz(TICK_HZ);
    match compare(&mut reference, &mut Interpreter::default(), family, text, &journeys) {
        Ok(None) => {}
        Ok(Some(difference)) => panic!("seed {seed}: {difference}{text}"),
        Err(error) => panic!("seed {seed}: {error}\n{text}"),
    }
}

#[test]
fn interpreter_agrees_on_generated_rulesets() {
    for seed in 0..1000 * rounds() {
        let (family, text) = generated(seed, &shape(seed));
        agree_in_interpreter(seed, family, &text, 120);
    }
}

#[test]
fn interpreter_agrees_on_real_rulesets() {
    for (name, family, text) in real() {
        let (text, left_out) = supported(family, &text).unwrap();
        println!("{name}: {left_out} rules left out");
        agree_in_interpreter(7, family, &text, 600);
    }
}

#[test]
fn kernel_agrees_on_generated_rulesets() {
    let Ok(mut kernel) = TestRun::new() else {
        println!("skipped: loading programs needs root");
        return;
    };
    // Test runs have a clock of their own, and no route.
    let limited = Shape { limits: false, addr_types: false, ..Shape::full() };
    for seed in 0..150 * rounds() {
        let shape = Shape { tables: shape(seed).tables, ..limited.clone() };
        let (family, text) = generated(seed, &shape);
        agree_in_kernel(&mut kernel, seed, family, &text, 100);
    }
}

#[test]
fn kernel_agrees_on_real_rulesets() {
    let Ok(mut kernel) = TestRun::new() else {
        println!("skipped: loading programs needs root");
        return;
    };
    for (name, family, text) in real() {
        let text = without_limits(family, &text);
        println!("{name}");
        agree_in_kernel(&mut kernel, 11, family, &text, 300);
    }
}

fn agree_in_kernel(kernel: &mut TestRun, seed: u64, family: Family, text: &str, count: usize) {
    let mut journeys = packets(seed, family, text, count);
    for stop in journeys.iter_mut().flatten() {
        stop.packet = as_test_runs_see(&stop.packet);
    }
    match compare(&mut Reference::default(), kernel, family, text, &journeys) {
        Ok(None) => {}
        Ok(Some(difference)) => panic!("seed {seed}: {difference}{text}"),
        Err(error) => panic!("seed {seed}: {error}\n{text}"),
    }
}

/// The compiled part of the ruleset without rules that depend on the kernel's time or routes.
fn without_limits(family: Family, text: &str) -> String {
    let (text, _) = supported(family, text).unwrap();
    let kept =
        text.lines().filter(|line| !line.contains("-m limit") && !line.contains("-m addrtype"));
    kept.fold(String::new(), |text, line| text + line + "\n")
}

/// The real rulesets beside the checkout.
fn real() -> Vec<(String, Family, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/rulesets");
    let Ok(entries) = std::fs::read_dir(folder) else {
        println!("skipped: no folder of real rulesets beside the checkout");
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".save") {
            let is_v6 = name.contains("v6") || name.contains("ip6tables");
            let family = if is_v6 { Family::V6 } else { Family::V4 };
            found.push((name, family, std::fs::read_to_string(path).unwrap()));
        }
    }
    found.sort();
    found
}
