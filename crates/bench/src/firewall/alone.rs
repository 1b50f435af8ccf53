//! Our programs without the stack around them, and the interpreter.

use std::time::Instant;

use netloom_abi::Object;
use netloom_firewall::model::{Family, Ruleset as Model, TableName};
use netloom_firewall::parse::{ParseOptions, parse};
use netloom_firewall::{
    Compiled, Hook, Leniency, Planned, Point, Role, Slots, add_prefilter, compile, prepare,
};
use netloom_kernel::{
    Family as Protocol, Hook as Place, LoadOptions, NetfilterRun, Vmlinux, load_object,
    run_netfilter, run_xdp,
};
use netloom_sys::bpf::Program;
use netloom_sys::netns::isolated;
use netloom_vm as vm;
use serde::Serialize;

use super::ruleset::{Ruleset, Shape};
use crate::command::run;
use crate::error::BenchError;
use crate::frame::{DESTINATION, ETHERNET_BYTES};
use crate::samples::Samples;

/// Verdicts: `NF_DROP`, `NF_ACCEPT`, `XDP_DROP`.
const NF_DROP: u32 = 0;
const NF_ACCEPT: u32 = 1;
const XDP_DROP: u32 = 1;
/// How long one sample runs.
const SAMPLE_NS: f64 = 10e6;
const REPEAT_MAX: f64 = 1e6;
const FIRST_REPEAT: u32 = 500;
/// The loopback device's address.
const LOOPBACK_MAC: [u8; 6] = [0; 6];

/// The figures of one number of rules, in nanoseconds per run.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Alone {
    pub(crate) rules: u16,
    /// Instruction slots of the program at INPUT.
    pub(crate) slots: u64,
    /// Bytes of machine code that the kernel made of it.
    pub(crate) machine_code_bytes: u32,
    pub(crate) netfilter_dropped_ns: Samples,
    pub(crate) netfilter_accepted_ns: Samples,
    pub(crate) xdp_dropped_ns: Samples,
    pub(crate) interpreter_dropped_ns: Samples,
}

/// Measures all sizes, `rounds` times in turn.
pub(crate) fn measure(shape: Shape, sizes: &[u16], rounds: u16) -> Result<Vec<Alone>, BenchError> {
    let job = || {
        // Here packets for the receiver are local ones, as the pre-filter wants them.
        let address = format!("{DESTINATION}/32");
        run("ip", &["link", "set", "lo", "up"], "")?;
        run("ip", &["addr", "add", &address, "dev", "lo"], "")?;
        let subjects = sizes.iter().map(|rules| Subject::new(Ruleset { shape, rules: *rules }));
        let mut subjects: Vec<Subject> = subjects.collect::<Result<_, _>>()?;
        for _ in 0..rounds {
            for subject in &mut subjects {
                subject.turn()?;
            }
        }
        Ok(subjects.into_iter().map(|subject| subject.figures).collect())
    };
    isolated(job).map_err(BenchError::Netns)?
}

/// The programs of one ruleset.
struct Subject {
    ruleset: Ruleset,
    exact: Program,
    prefilter: Program,
    machine: vm::Machine,
    cpu: vm::Cpu,
    figures: Alone,
}

impl Subject {
    fn new(ruleset: Ruleset) -> Result<Self, BenchError> {
        let compiled = compiled(ruleset)?;
        let options = LoadOptions { vmlinux: &Vmlinux::running(), reuse: &[] };
        let loaded = load_object(&compiled.object, &options).map_err(BenchError::Load)?;
        let exact_role =
            Role::Chain(Family::V4, Point { table: TableName::Filter, hook: Hook::Input });
        let index = |wanted: Role| {
            let found = compiled.programs.iter().position(|role| *role == wanted);
            found.expect("a filter table gives both programs")
        };
        let take = |role: Role| loaded.programs[index(role)].try_clone().map_err(BenchError::Bpf);
        let (exact, prefilter) = (take(exact_role)?, take(Role::Prefilter)?);
        let source = compiled.object.programs[index(exact_role)].clone();
        let slots = source.insns.iter().map(|insn| u64::from(insn.slots())).sum();
        let object = Object { maps: compiled.object.maps.clone(), programs: vec![source] };
        let machine =
            vm::Machine::new(&object, vm::Options::default()).map_err(BenchError::Machine)?;
        let machine_code_bytes = exact.facts().map_err(BenchError::Bpf)?.jited_bytes;
        let figures = Alone { rules: ruleset.rules, slots, machine_code_bytes, ..Alone::default() };
        Ok(Self { ruleset, exact, prefilter, machine, cpu: vm::Cpu::new(0), figures })
    }

    fn turn(&mut self) -> Result<(), BenchError> {
        let dropped = self.ruleset.dropped().frame(LOOPBACK_MAC);
        let accepted = self.ruleset.accepted().frame(LOOPBACK_MAC);
        let packet = &dropped[ETHERNET_BYTES..];
        let exact = |packet, expected| {
            let run = |repeat| netfilter(&self.exact, packet, expected, repeat);
            sample(run)
        };
        let dropped_ns = exact(packet, NF_DROP)?;
        let accepted_ns = exact(&accepted[ETHERNET_BYTES..], NF_ACCEPT)?;
        let xdp_ns = sample(|repeat| {
            let run = run_xdp(&self.prefilter, &dropped, repeat).map_err(BenchError::Run)?;
            expect(&self.prefilter, XDP_DROP.into(), run.verdict.into())?;
            Ok(f64::from(run.duration_ns))
        })?;
        let interpreter_ns =
            sample(|repeat| interpret(&self.machine, &mut self.cpu, packet, repeat, &self.exact))?;
        self.figures.netfilter_dropped_ns.push(dropped_ns);
        self.figures.netfilter_accepted_ns.push(accepted_ns);
        self.figures.xdp_dropped_ns.push(xdp_ns);
        self.figures.interpreter_dropped_ns.push(interpreter_ns);
        Ok(())
    }
}

/// Runs `run`, which gives nanoseconds for each of as many repetitions as it is told, for about as
/// long as a sample is to last.
fn sample(mut run: impl FnMut(u32) -> Result<f64, BenchError>) -> Result<f64, BenchError> {
    let first = run(FIRST_REPEAT)?;
    run(repetitions(first))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is clamped to the range before"
)]
fn repetitions(ns: f64) -> u32 {
    (SAMPLE_NS / ns.max(1.0)).clamp(f64::from(FIRST_REPEAT), REPEAT_MAX) as u32
}

fn compiled(ruleset: Ruleset) -> Result<Compiled, BenchError> {
    let text = ruleset.save(TableName::Filter, Hook::Input);
    let options = ParseOptions { family: Some(Family::V4) };
    let model: Model = parse(text.as_bytes(), options).expect("our own rules are valid").ruleset;
    let planned: Planned<'_> =
        prepare(&model, Leniency::default()).expect("our own rules are supported");
    let slots = Slots::assign(&[&model], &Slots::default(), &std::collections::HashSet::new());
    let planned = [planned];
    let mut compiled = compile(&planned, &slots).map_err(BenchError::Compile)?;
    add_prefilter(&mut compiled, &planned, &slots).map_err(BenchError::Compile)?;
    Ok(compiled)
}

fn netfilter(
    program: &Program,
    packet: &[u8],
    expected: u32,
    repeat: u32,
) -> Result<f64, BenchError> {
    let run = NetfilterRun {
        family: Protocol::Ipv4,
        hook: Place::LocalIn,
        packet,
        addresses: [0; 12],
        repeat,
    };
    let run = run_netfilter(program, &run).map_err(BenchError::Run)?;
    expect(program, expected.into(), run.verdict.into())?;
    Ok(f64::from(run.duration_ns))
}

fn interpret(
    machine: &vm::Machine,
    cpu: &mut vm::Cpu,
    packet: &[u8],
    repeat: u32,
    program: &Program,
) -> Result<f64, BenchError> {
    let input = vm::NetfilterInput::new(packet, vm::Family::Ipv4, vm::Hook::LocalIn);
    let begun = Instant::now();
    for _ in 0..repeat {
        let verdict =
            machine.run(cpu, 0, vm::Context::Netfilter(&input)).map_err(BenchError::Fault)?;
        expect(program, NF_DROP.into(), verdict)?;
    }
    Ok(begun.elapsed().as_secs_f64() * 1e9 / f64::from(repeat))
}

fn expect(program: &Program, expected: u64, found: u64) -> Result<(), BenchError> {
    if expected == found {
        return Ok(());
    }
    Err(BenchError::Verdict { program: program.name().to_owned(), expected, found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_long_enough_for_short_programs_and_ends_for_long_ones() {
        assert_eq!(repetitions(0.0), 1_000_000);
        assert_eq!(repetitions(1_000.0), 10_000);
        assert_eq!(repetitions(1e9), FIRST_REPEAT);
    }
}
