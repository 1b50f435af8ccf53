//! Helpers and tail calls.

use std::net::{IpAddr, Ipv4Addr};

use netloom_abi::{Helper, MapKind, MapSpec, Object, Program, ProgramType};
use netloom_isa::{AluOp, Builder, Cond, Insn, Reg, Size};

use super::{build, machine, program, spec};
use crate::{
    Clock, Context, Cpu, Denied, Fault, FaultKind, FibAnswer, FibQuery, FibTable, Machine, Options,
};

fn hash(name: &str) -> MapSpec {
    spec(name, MapKind::Hash, 8, 2)
}

fn run_on(cpu: &mut Cpu, machine: &Machine) -> Result<u64, Fault> {
    machine.run(cpu, 0, Context::Memory(&mut []))
}

/// `r0 = helper(&map, &key, &value, flags)`, with key and value on the stack.
fn call_map(b: &mut Builder, helper: Helper, key: i32, value: i32, flags: i32) {
    b.store(Size::W, Reg::R10, -4, key);
    b.store(Size::Dw, Reg::R10, -16, value);
    b.map(Reg::R1, 0);
    b.mov(Reg::R2, Reg::R10);
    b.alu(AluOp::Add, Reg::R2, -4);
    b.mov(Reg::R3, Reg::R10);
    b.alu(AluOp::Add, Reg::R3, -16);
    b.mov(Reg::R4, flags);
    b.call_helper(helper.id());
}

#[test]
fn map_helpers_return_the_kernels_error_numbers() {
    let update = Helper::MapUpdateElem;
    let delete = Helper::MapDeleteElem;
    // Helper, key, flags, result on a hash of two entries that holds key 1.
    let cases = [
        (update, 1, 1, -17),
        (update, 1, 2, 0),
        (update, 2, 2, -2),
        (update, 2, 1, 0),
        (update, 2, 9, -22),
        (delete, 1, 0, 0),
        (delete, 2, 0, -2),
    ];
    for (helper, key, flags, result) in cases {
        let insns = build(|b| {
            call_map(b, helper, key, 7, flags);
            b.exit();
        });
        let machine = machine(insns, vec![hash("h")]);
        machine.maps()[0].update(&1u32.to_le_bytes(), &[0; 8], 0).expect("room");
        let got = run_on(&mut Cpu::new(0), &machine).map(u64::cast_signed);
        assert_eq!(got, Ok(result), "{helper:?} key {key} flags {flags}");
    }
}

#[test]
fn a_looked_up_value_is_shared_with_user_space() {
    let insns = build(|b| {
        let missing = b.label();
        call_map(b, Helper::MapLookupElem, 5, 0, 0);
        b.jump_if(Cond::Eq, Reg::R0, 0, missing);
        b.mov(Reg::R6, Reg::R0);
        b.load(Size::Dw, Reg::R0, Reg::R6, 0);
        b.store(Size::W, Reg::R6, 4, 6);
        b.place(missing);
        b.exit();
    });
    let machine = machine(insns, vec![hash("h")]);
    let key = 5u32.to_le_bytes();
    assert_eq!(run_on(&mut Cpu::new(0), &machine), Ok(0), "no such key");
    let map = machine.map("h").expect("in the object");
    map.update(&key, &9u64.to_le_bytes(), 0).expect("room");
    assert_eq!(run_on(&mut Cpu::new(0), &machine), Ok(9));
    assert_eq!(map.lookup(&key), Ok(vec![9, 0, 0, 0, 6, 0, 0, 0]));
}

#[test]
fn a_map_per_cpu_has_a_value_for_each() {
    let insns = build(|b| {
        call_map(b, Helper::MapLookupElem, 1, 0, 0);
        b.call_helper(Helper::GetSmpProcessorId.id());
        b.mov(Reg::R6, Reg::R0);
        call_map(b, Helper::MapLookupElem, 1, 0, 0);
        b.alu(AluOp::Add, Reg::R6, 100);
        b.store(Size::Dw, Reg::R0, 0, Reg::R6);
        b.exit();
    });
    let maps = vec![spec("c", MapKind::PercpuArray, 8, 2)];
    let object = Object { maps, programs: vec![program(insns)] };
    let machine =
        Machine::new(&object, Options { cpus: 2, ..Options::default() }).expect("consistent");
    run_on(&mut Cpu::new(1), &machine).expect("valid");
    let values = machine.maps()[0].lookup_percpu(&1u32.to_le_bytes()).expect("inside");
    assert_eq!(values, [0u64.to_le_bytes(), 101u64.to_le_bytes()]);
}

#[test]
fn helpers_refuse_what_is_no_map_or_the_wrong_one() {
    let cases = [
        (Helper::MapLookupElem, spec("m", MapKind::RingBuf, 0, 4096)),
        (Helper::MapLookupElem, spec("m", MapKind::ProgArray, 4, 1)),
        (Helper::MapUpdateElem, spec("m", MapKind::ProgArray, 4, 1)),
        (Helper::MapDeleteElem, spec("m", MapKind::RingBuf, 0, 4096)),
        (Helper::RingbufOutput, hash("m")),
        (Helper::TailCall, hash("m")),
    ];
    for (helper, map) in cases {
        for forged in [false, true] {
            let insns = build(|b| {
                b.mov(Reg::R2, Reg::R10);
                b.alu(AluOp::Sub, Reg::R2, 8);
                b.mov(Reg::R3, if helper == Helper::RingbufOutput { 8 } else { 0 });
                b.mov(Reg::R4, 0);
                let map = if helper == Helper::TailCall { Reg::R2 } else { Reg::R1 };
                if forged {
                    b.mov(map, Reg::R10);
                } else {
                    b.map(map, 0);
                }
                b.call_helper(helper.id());
                b.exit();
            });
            let machine = machine(insns, vec![map.clone()]);
            let fault = run_on(&mut Cpu::new(0), &machine).expect_err("refused");
            let FaultKind::Argument { argument, .. } = fault.kind else { panic!("{fault}") };
            assert_eq!(argument, if helper == Helper::TailCall { 2 } else { 1 });
        }
    }
}

#[test]
fn a_key_outside_memory_faults() {
    let insns = build(|b| {
        b.map(Reg::R1, 0);
        b.mov(Reg::R2, Reg::R10);
        b.alu(AluOp::Sub, Reg::R2, 3);
        b.call_helper(Helper::MapLookupElem.id());
        b.exit();
    });
    let fault = run_on(&mut Cpu::new(0), &machine(insns, vec![hash("h")])).expect_err("outside");
    let FaultKind::Access { bytes, denied, .. } = fault.kind else { panic!("{fault}") };
    assert_eq!((bytes, denied), (4, Denied::OutOfBounds));
}

#[test]
fn records_reach_user_space_and_lost_ones_are_counted() {
    let output = |size: i32, flags: i32| {
        build(|b| {
            b.store(Size::Dw, Reg::R10, -8, 77);
            b.map(Reg::R1, 0);
            b.mov(Reg::R2, Reg::R10);
            b.alu(AluOp::Sub, Reg::R2, 8);
            b.mov(Reg::R3, size);
            b.mov(Reg::R4, flags);
            b.call_helper(Helper::RingbufOutput.id());
            b.exit();
        })
    };
    let maps = || vec![spec("r", MapKind::RingBuf, 0, 4096)];
    let machine_of = |size, flags| machine(output(size, flags), maps());
    let machine = machine_of(8, 0);
    for _ in 0..255 {
        assert_eq!(run_on(&mut Cpu::new(0), &machine), Ok(0));
    }
    assert_eq!(run_on(&mut Cpu::new(0), &machine).map(u64::cast_signed), Ok(-11));
    let ring = machine.map("r").and_then(|map| map.ring()).expect("a ring");
    assert_eq!((ring.take(), ring.lost()), (Some(77u64.to_le_bytes().to_vec()), 1));
    let invalid = run_on(&mut Cpu::new(0), &machine_of(8, 8)).map(u64::cast_signed);
    assert_eq!(invalid, Ok(-22));
    for size in [9, i32::MAX, -1] {
        let fault = run_on(&mut Cpu::new(0), &machine_of(size, 0)).expect_err("over the end");
        assert!(matches!(fault.kind, FaultKind::Access { denied: Denied::OutOfBounds, .. }));
    }
}

#[test]
fn clock_and_random_numbers_are_the_callers() {
    let call = |helper: Helper| {
        build(|b| {
            b.call_helper(helper.id());
            b.exit();
        })
    };
    let mut cpu = Cpu::new(0);
    cpu.set_clock(Clock::Fixed(123_456_789));
    for helper in [Helper::KtimeGetNs, Helper::KtimeGetBootNs] {
        assert_eq!(run_on(&mut cpu, &machine(call(helper), vec![])), Ok(123_456_789));
    }
    cpu.set_clock(Clock::Call(|| 42));
    assert_eq!(run_on(&mut cpu, &machine(call(Helper::KtimeGetNs), vec![])), Ok(42));
    let random = machine(call(Helper::GetPrandomU32), vec![]);
    let mut draw = |seed| {
        cpu.seed(seed);
        [run_on(&mut cpu, &random), run_on(&mut cpu, &random)]
    };
    let first = draw(1);
    assert_eq!(first, draw(1));
    assert_ne!(first, draw(2));
    assert_ne!(first[0], first[1]);
    assert!(first.iter().all(|value| value.as_ref().is_ok_and(|&v| v <= u64::from(u32::MAX))));
}

#[test]
fn a_route_comes_from_the_callers_table() {
    let insns = build(|b| {
        for off in (-64..0i16).step_by(8) {
            b.store(Size::Dw, Reg::R10, off, 0);
        }
        b.store(Size::B, Reg::R10, -64, 2);
        b.store(Size::B, Reg::R10, -63, 17);
        b.store(Size::W, Reg::R10, -56, 7);
        b.store(Size::W, Reg::R10, -32, i32::from_le_bytes([10, 0, 0, 9]));
        b.mov(Reg::R2, Reg::R10);
        b.alu(AluOp::Sub, Reg::R2, 64);
        b.mov(Reg::R3, 64);
        b.mov(Reg::R4, 1);
        b.call_helper(Helper::FibLookup.id());
        b.load(Size::W, Reg::R1, Reg::R10, -56);
        b.alu(AluOp::Lsh, Reg::R0, 32);
        b.alu(AluOp::Or, Reg::R0, Reg::R1);
        b.load(Size::B, Reg::R1, Reg::R10, -1);
        b.alu(AluOp::Lsh, Reg::R1, 16);
        b.alu(AluOp::Or, Reg::R0, Reg::R1);
        b.exit();
    });
    let machine = machine(insns, vec![]);
    let mut cpu = Cpu::new(0);
    assert_eq!(run_on(&mut cpu, &machine), Ok(4 << 32 | 7), "without a table nothing is forwarded");
    cpu.set_fib(Some(FibTable::new(|query: &FibQuery| {
        assert_eq!(query.destination, IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9)));
        assert_eq!((query.protocol, query.ifindex, query.flags), (17, 7, 1));
        let (source_mac, destination_mac) = ([1; 6], [2, 2, 2, 2, 2, 3]);
        FibAnswer { code: 0, ifindex: 8, source_mac, destination_mac }
    })));
    assert_eq!(run_on(&mut cpu, &machine), Ok(3 << 16 | 8));
}

/// Programs of an object with one program array `p`, in which program `n` is at index `n`.
fn chain(programs: Vec<Program>) -> Machine {
    let count = u32::try_from(programs.len()).expect("few");
    let initial = (0..count).map(|program| program.to_le_bytes().to_vec()).collect();
    let array = MapSpec { initial, ..spec("p", MapKind::ProgArray, 4, count + 1) };
    let maps = vec![array, spec("n", MapKind::Array, 8, 1)];
    Machine::new(&Object { maps, programs }, Options::default()).expect("consistent")
}

fn tail_call(b: &mut Builder, index: i32) {
    b.map(Reg::R2, 0);
    b.mov(Reg::R3, index);
    b.call_helper(Helper::TailCall.id());
}

#[test]
fn tail_calls_stop_after_thirty_three() {
    let insns = build(|b| {
        b.map_value(Reg::R6, 1, 0);
        b.load(Size::Dw, Reg::R7, Reg::R6, 0);
        b.alu(AluOp::Add, Reg::R7, 1);
        b.store(Size::Dw, Reg::R6, 0, Reg::R7);
        tail_call(b, 0);
        b.mov(Reg::R0, Reg::R7);
        b.exit();
    });
    let machine = chain(vec![program(insns)]);
    assert_eq!(run_on(&mut Cpu::new(0), &machine), Ok(34), "the first run and 33 tail calls");
}

#[test]
fn a_tail_call_to_nothing_goes_on() {
    let start = |index| {
        program(build(|b| {
            b.mov(Reg::R0, 5);
            tail_call(b, index);
            b.exit();
        }))
    };
    let other = |kind| Program { kind, ..program(build(|b| (b.mov(Reg::R0, 9), b.exit()))) };
    let run = |index, kind| run_on(&mut Cpu::new(0), &chain(vec![start(index), other(kind)]));
    assert_eq!(run(1, ProgramType::SocketFilter), Ok(9));
    assert_eq!(run(1, ProgramType::Xdp), Ok(5), "programs of another type are not entered");
    assert_eq!(run(2, ProgramType::SocketFilter), Ok(5), "an empty slot");
    assert_eq!(run(1000, ProgramType::SocketFilter), Ok(5), "outside the array");
}

#[test]
fn a_tail_call_in_a_function_returns_to_its_caller() {
    let caller = build(|b| {
        let function = b.label();
        b.mov(Reg::R6, 100);
        b.call(function);
        b.alu(AluOp::Add, Reg::R0, Reg::R6);
        b.exit();
        b.place(function);
        tail_call(b, 1);
        b.mov(Reg::R0, 1);
        b.exit();
    });
    let target = build(|b| (b.mov(Reg::R6, 7), b.mov(Reg::R0, 2), b.exit()));
    let machine = chain(vec![program(caller), program(target)]);
    assert_eq!(run_on(&mut Cpu::new(0), &machine), Ok(102));
}

#[test]
fn a_fault_after_a_tail_call_names_the_other_program() {
    let start = build(|b| (tail_call(b, 1), b.exit()));
    let target = build(|b| (b.mov(Reg::R1, 0), b.load(Size::B, Reg::R0, Reg::R1, 0)));
    let second = Program { name: "second".into(), ..program(target) };
    let fault = run_on(&mut Cpu::new(0), &chain(vec![program(start), second])).expect_err("null");
    assert_eq!((fault.program, fault.pc.0), (1, 1));
    assert_eq!(
        fault.to_string(),
        "program 1 `second` at pc 1: load of 1 bytes at the null page + 0x0 where nothing is, \
         `r0 = *(u8 *)(r1 + 0)`"
    );
}

#[test]
fn a_helper_that_is_absent_is_named_as_the_kernel_names_it() {
    for (id, text) in [
        (Helper::SysBpf.id(), "helper sys_bpf is not available in user space"),
        (100_000, "there is no helper 100000"),
    ] {
        let insns = vec![Insn::Call(netloom_isa::Callee::Helper(id)), Insn::Exit];
        let fault = run_on(&mut Cpu::new(0), &machine(insns, vec![])).expect_err("absent");
        assert!(fault.to_string().contains(text), "{fault}");
    }
}
