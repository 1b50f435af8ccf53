//! Helpers of the embedding program.

use netloom_abi::Object;
use netloom_isa::{AluOp, Builder, Callee, Insn, Reg, Size};

use super::{build, program};
use crate::{Call, Context, Cpu, Embedded, Fault, FaultKind, Machine, Options, Outcome};

/// Gives the sum of its first two arguments; ends the run where the third is not zero.
fn sum(call: &mut Call<'_, '_>) -> Result<Outcome, FaultKind> {
    let [a, b, end, ..] = call.arguments();
    let sum = a.wrapping_add(b);
    Ok(if end == 0 { Outcome::Return(sum) } else { Outcome::End(sum) })
}

/// Adds one to each of `r2` bytes at `r1`.
fn increment(call: &mut Call<'_, '_>) -> Result<Outcome, FaultKind> {
    let [address, bytes, ..] = call.arguments();
    let mut buffer = vec![0; usize::try_from(bytes.min(64)).expect("at most 64")];
    call.read(address, &mut buffer)?;
    buffer.iter_mut().for_each(|byte| *byte = byte.wrapping_add(1));
    call.write(address, &buffer)?;
    Ok(Outcome::Return(0))
}

/// 1 is a number of the kernel's too: `map_lookup_elem`.
const EMBEDDED: &[Embedded] =
    &[Embedded { id: 1, run: sum }, Embedded { id: 4_000_000, run: increment }];

fn embedding(write: impl FnOnce(&mut Builder)) -> Machine {
    let object = Object { maps: vec![], programs: vec![program(build(write))] };
    Machine::new(&object, Options { helpers: EMBEDDED, ..Options::default() }).expect("consistent")
}

fn run(machine: &Machine) -> Result<u64, Fault> {
    machine.run(&mut Cpu::new(0), 0, Context::Memory(&mut []))
}

#[test]
fn helpers_of_the_embedding_program_come_first() {
    let machine = embedding(|b| {
        b.mov(Reg::R1, 40);
        b.mov(Reg::R2, 2);
        b.mov(Reg::R3, 0);
        b.call_helper(1);
        b.exit();
    });
    assert_eq!(run(&machine), Ok(42));
}

#[test]
fn a_register_with_the_number_of_an_embedded_helper_calls_it() {
    let machine = embedding(|b| {
        b.store(Size::B, Reg::R10, -1, 6);
        b.mov(Reg::R1, Reg::R10);
        b.alu(AluOp::Sub, Reg::R1, 1);
        b.mov(Reg::R2, 1);
        b.mov(Reg::R6, 4_000_000);
        b.push(Insn::Call(Callee::Reg(Reg::R6)));
        b.load(Size::B, Reg::R0, Reg::R10, -1);
        b.exit();
    });
    assert_eq!(run(&machine), Ok(7));
}

#[test]
fn an_embedded_helper_can_end_the_run_from_a_function() {
    let machine = embedding(|b| {
        let function = b.label();
        b.call(function);
        b.mov(Reg::R0, 1);
        b.exit();
        b.place(function);
        b.mov(Reg::R1, 5);
        b.mov(Reg::R2, 6);
        b.mov(Reg::R3, 1);
        b.call_helper(1);
        b.mov(Reg::R0, 2);
        b.exit();
    });
    let mut cpu = Cpu::new(0);
    assert_eq!(machine.run(&mut cpu, 0, Context::Memory(&mut [])), Ok(11));
    assert_eq!(cpu.executed(), 5);
}

#[test]
fn an_embedded_helper_reaches_no_more_memory_than_the_program() {
    let machine = embedding(|b| {
        b.mov(Reg::R1, 0);
        b.mov(Reg::R2, 8);
        b.call_helper(4_000_000);
        b.exit();
    });
    let fault = run(&machine).expect_err("the null page");
    assert!(matches!(fault.kind, FaultKind::Access { .. }), "{fault}");
    assert_eq!(fault.pc.0, 2);
}
