//! Random programs: the interpreter and the running kernel leave the same registers, memory and packet.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use netloom_conformance::engine::{Engine, Input, Interpreter, Kernel, Output, Reply};
use netloom_isa::{Insn, Syntax, forms, listing};
use netloom_testkit::programs::{Program, shrink};

/// Programs of one run; `NETLOOM_ROUNDS` in the environment asks for as many times as many.
const PROGRAMS: u64 = 10_000;

/// What a program's runs in the kernel and in the interpreter came to.
enum Judged {
    Equal,
    /// The kernel does not take it, and why.
    Refused(String),
    /// The kernel can not be asked, and why.
    Unable(String),
    /// They differ, and how.
    Different(String),
}

fn judge(program: &Program) -> Judged {
    let object = program.object();
    let theirs = match Kernel::default().run_object(&object, &program.inputs) {
        Reply::Result(runs) => runs,
        Reply::Refused(reason) | Reply::Fault(reason) => return Judged::Refused(reason),
        Reply::Unable(reason) => return Judged::Unable(reason),
    };
    let ours = match Interpreter.run_object(&object, &program.inputs) {
        Reply::Result(runs) => runs,
        Reply::Refused(reason) | Reply::Fault(reason) | Reply::Unable(reason) => {
            return Judged::Different(format!("the interpreter does not take it: {reason}"));
        }
    };
    let differing = program.inputs.iter().zip(ours.iter().zip(&theirs));
    match differing.into_iter().find(|(_, (ours, theirs))| ours != theirs) {
        None => Judged::Equal,
        Some((input, (ours, theirs))) => Judged::Different(told(input, ours, theirs)),
    }
}

fn told(input: &Input, ours: &Reply<Output>, theirs: &Reply<Output>) -> String {
    format!("on {input:x?}\nthe interpreter says {ours:x?}\nthe kernel says {theirs:x?}")
}

/// The program of a seed that failed, made small, as text to assemble.
fn report(seed: u64, program: &Program) -> String {
    let small = shrink(program, |smaller| matches!(judge(smaller), Judged::Different(_)));
    let Judged::Different(how) = judge(&small) else { return format!("seed {seed}: not again") };
    let insns = &small.object().programs[0].insns;
    format!("seed {seed}:\n{}{how}", listing(insns, Syntax::PseudoC))
}

fn rounds() -> u64 {
    std::env::var("NETLOOM_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1)
}

#[test]
fn the_kernel_and_the_interpreter_agree_on_random_programs() {
    if let Judged::Unable(reason) = judge(&Program::generate(0)) {
        println!("skipped: {reason}");
        return;
    }
    let (next, programs) = (AtomicU64::new(0), PROGRAMS * rounds());
    let work = || {
        let mut refused = BTreeMap::<String, u64>::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= programs {
                return refused;
            }
            let program = Program::generate(seed);
            match judge(&program) {
                Judged::Equal => {}
                Judged::Refused(reason) => *refused.entry(reason).or_default() += 1,
                Judged::Unable(reason) => panic!("seed {seed}: {reason}"),
                Judged::Different(_) => panic!("{}", report(seed, &program)),
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let refused = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut refused = BTreeMap::<String, u64>::new();
        for worker in workers {
            let found = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            for (reason, count) in found {
                *refused.entry(reason).or_default() += count;
            }
        }
        refused
    });
    let count: u64 = refused.values().sum();
    println!("{programs} programs, {count} of them refused by the kernel");
    let mut reasons = String::new();
    for (reason, count) in refused.iter().take(20) {
        writeln!(reasons, "{count} times: {reason}").expect("text takes every write");
    }
    assert!(count * 10 <= programs, "{count} of {programs} are refused:\n{reasons}");
}

/// Operations that no program has.
const LEFT_OUT: [&str; 8] = [
    // Neither kernels nor their tests have them.
    "CallReg",
    "JumpReg",
    "AddrSpaceCast",
    "AddrPercpu",
    // Numbers of one machine or process.
    "CallKfunc",
    "Imm64(BtfId)",
    "Imm64(MapFd",
    // Callbacks are left to vectors.
    "Imm64(Function)",
];

#[test]
fn programs_have_every_form_of_instruction() {
    let programs = (0..1_000).map(|seed| Program::generate(seed).object());
    let insns: Vec<Insn> = programs.flat_map(|object| object.programs[0].insns.clone()).collect();
    assert!(insns.len() > 50_000, "{} instructions in 1,000 programs", insns.len());
    let used: HashSet<String> =
        insns.iter().filter_map(Insn::form).map(|form| form.to_string()).collect();
    for form in forms().map(|form| form.to_string()) {
        let is_due = !LEFT_OUT.iter().any(|operation| form.contains(operation));
        assert_eq!(used.contains(&form), is_due, "{form}");
    }
}

#[test]
fn a_failing_program_gets_small() {
    let length = |program: &Program| program.object().programs[0].insns.len();
    let is_swap = |program: &Program| {
        let insns = &program.object().programs[0].insns;
        insns.iter().any(|insn| matches!(insn, Insn::Endian { .. }))
    };
    let is_long = |program: &Program| is_swap(program) && length(program) > 100;
    let seed = (0..).find(|seed| is_long(&Program::generate(*seed))).expect("one of many");
    let program = Program::generate(seed);
    let small = shrink(&program, is_swap);
    assert!(is_swap(&small));
    // What fills registers and stack, before and after, is in the least program as well.
    assert!(length(&program) > 100 && length(&small) < 55, "{}", length(&small));
    assert_eq!(small.inputs.len(), 1);
}
