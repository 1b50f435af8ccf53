//! Whole programs: control flow, calls, limits, faults.

use netloom_abi::{MapKind, MapSpec, Object};
use netloom_isa::{AluOp, Callee, Cond, Imm64, Insn, Operand, Pc, Reg, Size, Width};

use super::{build, machine, run, spec};
use crate::{Access, Context, Cpu, Denied, FaultKind, Machine, MachineError, Options, Region};

fn fault(insns: Vec<Insn>) -> FaultKind {
    run(insns).expect_err("the program is wrong").kind
}

#[test]
fn a_loop_sums_and_counts_its_instructions() {
    let insns = build(|b| {
        let again = b.label();
        b.mov(Reg::R0, 0);
        b.mov(Reg::R1, 10);
        b.place(again);
        b.alu(AluOp::Add, Reg::R0, Reg::R1);
        b.alu(AluOp::Sub, Reg::R1, 1);
        b.jump_if(Cond::Ne, Reg::R1, 0, again);
        b.exit();
    });
    let machine = machine(insns, vec![]);
    let mut cpu = Cpu::new(0);
    assert_eq!(machine.run(&mut cpu, 0, Context::Memory(&mut [])), Ok(55));
    assert_eq!(cpu.executed(), 2 + 10 * 3 + 1);
}

#[test]
fn an_endless_loop_ends_at_the_budget() {
    let insns = build(|b| {
        let again = b.label();
        b.place(again);
        b.alu(AluOp::Add, Reg::R0, 1);
        b.jump(again);
    });
    let machine = machine(insns, vec![]);
    let mut cpu = Cpu::new(0);
    cpu.limits.insns_max = 1000;
    let fault = machine.run(&mut cpu, 0, Context::Memory(&mut [])).expect_err("endless");
    assert_eq!(fault.kind, FaultKind::Budget { insns_max: 1000 });
    assert_eq!((fault.pc, cpu.executed()), (Pc(1), 1001), "the jump is not executed");
}

#[test]
fn may_goto_leaves_the_loop_after_its_turns() {
    let insns = build(|b| {
        b.mov(Reg::R0, 0);
        b.push(Insn::MayGoto { off: 2 });
        b.alu(AluOp::Add, Reg::R0, 1);
        b.push(Insn::Jump { off: -3, wide: false });
        b.exit();
    });
    let machine = machine(insns, vec![]);
    let mut cpu = Cpu::new(0);
    cpu.limits.turns_max = 77;
    assert_eq!(machine.run(&mut cpu, 0, Context::Memory(&mut [])), Ok(77));
}

#[test]
fn a_call_keeps_preserved_registers_and_has_its_own_frame() {
    let insns = build(|b| {
        let function = b.label();
        b.mov(Reg::R6, 5);
        b.store(Size::Dw, Reg::R10, -8, 7);
        b.mov(Reg::R1, Reg::R10);
        b.call(function);
        b.load(Size::Dw, Reg::R1, Reg::R10, -8);
        b.alu(AluOp::Add, Reg::R0, Reg::R1);
        b.alu(AluOp::Add, Reg::R0, Reg::R6);
        b.exit();
        b.place(function);
        b.mov(Reg::R6, 1000);
        b.store(Size::Dw, Reg::R10, -8, 40);
        b.load(Size::Dw, Reg::R0, Reg::R1, -8);
        b.alu(AluOp::Add, Reg::R0, 100);
        b.exit();
    });
    assert_eq!(run(insns), Ok(107 + 7 + 5));
}

#[test]
fn calls_nest_to_eight_functions() {
    let insns = |depth: i32| {
        build(|b| {
            let again = b.label();
            let done = b.label();
            b.mov(Reg::R1, depth - 1);
            b.place(again);
            b.mov(Reg::R0, 3);
            b.jump_if(Cond::Eq, Reg::R1, 0, done);
            b.alu(AluOp::Sub, Reg::R1, 1);
            b.call(again);
            b.place(done);
            b.exit();
        })
    };
    assert_eq!(run(insns(8)), Ok(3));
    assert_eq!(fault(insns(9)), FaultKind::CallDepth);
}

#[test]
fn a_frame_is_gone_after_its_function_returned() {
    let insns = build(|b| {
        let function = b.label();
        b.call(function);
        b.load(Size::Dw, Reg::R0, Reg::R0, -8);
        b.exit();
        b.place(function);
        b.mov(Reg::R0, Reg::R10);
        b.exit();
    });
    let fault = run(insns).expect_err("dangling");
    assert_eq!(fault.kind.region(), Some(Region::Stack(1)));
    assert!(matches!(fault.kind, FaultKind::Access { denied: Denied::Unmapped, .. }));
}

#[test]
fn the_stack_starts_zeroed_in_every_run() {
    let insns = build(|b| {
        b.load(Size::Dw, Reg::R0, Reg::R10, -512);
        b.store(Size::Dw, Reg::R10, -512, 9);
        b.exit();
    });
    let machine = machine(insns, vec![]);
    let mut cpu = Cpu::new(0);
    for _ in 0..2 {
        assert_eq!(machine.run(&mut cpu, 0, Context::Memory(&mut [])), Ok(0));
    }
}

/// Register of the address, what is added to it, size, why it is denied.
const OUTSIDE: &[(Reg, i16, Size, Denied)] = &[
    (Reg::R10, 0, Size::B, Denied::OutOfBounds),
    (Reg::R10, -7, Size::Dw, Denied::OutOfBounds),
    (Reg::R10, -513, Size::B, Denied::Unmapped),
    (Reg::R1, 16, Size::B, Denied::OutOfBounds),
    (Reg::R1, 9, Size::Dw, Denied::OutOfBounds),
    (Reg::R1, -1, Size::B, Denied::Unmapped),
    (Reg::R0, 0, Size::W, Denied::Unmapped),
    (Reg::R0, -8, Size::W, Denied::Unmapped),
];

#[test]
fn accesses_outside_a_region_fault_with_their_place() {
    for &(base, off, size, denied) in OUTSIDE {
        for store in [false, true] {
            let access = if store { Access::Store } else { Access::Load };
            let insns = build(|b| {
                b.mov(Reg::R0, 0);
                if store {
                    b.store(size, base, off, 1);
                } else {
                    b.load(size, Reg::R2, base, off);
                }
                b.exit();
            });
            let fault = run(insns.clone()).expect_err("outside");
            assert_eq!((fault.pc, fault.insn), (Pc(1), Some(insns[1])));
            let FaultKind::Access { access: got, bytes, denied: why, .. } = fault.kind else {
                panic!("{fault}")
            };
            assert_eq!((got, bytes, why), (access, size.bytes().into(), denied), "{base}{off:+}");
        }
    }
}

#[test]
fn jumps_that_lead_nowhere_fault_where_they_are() {
    let nowhere = [
        (vec![Insn::Jump { off: 5, wide: false }], 6),
        (vec![Insn::Jump { off: -2, wide: false }], -1),
        (vec![Insn::Call(Callee::Local(i32::MAX))], i64::from(i32::MAX) + 1),
        // Into the second slot of a constant.
        (
            vec![
                Insn::Jump { off: 1, wide: false },
                Insn::LoadImm64 { dst: Reg::R0, value: Imm64::Value(0) },
            ],
            2,
        ),
    ];
    for (insns, target) in nowhere {
        let fault = run(insns).expect_err("nowhere");
        assert_eq!(fault.pc, Pc(0));
        assert_eq!(fault.kind, FaultKind::JumpOutside { target });
    }
}

#[test]
fn a_conditional_jump_that_leads_nowhere_is_harmless_if_not_taken() {
    let insns = |value| {
        let (width, cond, dst, src) = (Width::W64, Cond::Eq, Reg::R0, Operand::Imm(1));
        vec![
            Insn::Alu { width, op: AluOp::Mov, dst, src: Operand::Imm(value) },
            Insn::JumpIf { width, cond, dst, src, off: 100 },
            Insn::Exit,
        ]
    };
    assert_eq!(run(insns(0)), Ok(0));
    assert_eq!(fault(insns(1)), FaultKind::JumpOutside { target: 102 });
}

#[test]
fn instructions_without_meaning_fault_when_reached() {
    let one = Reg::R1;
    let cases = [
        (vec![], FaultKind::FellOff),
        (build(|b| b.mov(Reg::R0, 0)), FaultKind::FellOff),
        (build(|b| b.mov(Reg::R10, 0)), FaultKind::FrameWrite),
        (build(|b| b.load(Size::B, Reg::R10, one, 0)), FaultKind::FrameWrite),
        (build(|b| b.map(one, 0)), FaultKind::NoMap),
        (build(|b| b.call_helper(9999)), FaultKind::UnknownHelper { id: 9999 }),
        (vec![Insn::Call(Callee::Kfunc(77, 0))], FaultKind::UnknownKfunc { id: 77 }),
        (
            vec![Insn::Call(Callee::Reg(one))],
            FaultKind::NotAFunction { value: Region::Context.at(0) },
        ),
        (vec![Insn::JumpReg { dst: one }], FaultKind::NotCode { value: Region::Context.at(0) }),
        (vec![Insn::AddrPercpu { dst: one, src: one }], FaultKind::Unavailable("address per cpu")),
        (
            vec![Insn::AddrSpaceCast { dst: one, src: one, to: 0, from: 1 }],
            FaultKind::Unavailable("address space cast, as there are no arenas,"),
        ),
        (
            vec![Insn::MovSx { width: Width::W32, from: Size::W, dst: one, src: one }],
            FaultKind::Invalid,
        ),
        (
            vec![Insn::LoadImm64 { dst: one, value: Imm64::MapFd(3) }],
            FaultKind::Unavailable("map by file descriptor"),
        ),
    ];
    for (insns, kind) in cases {
        assert_eq!(fault(insns.clone()), kind, "{insns:?}");
    }
}

#[test]
fn a_register_call_reaches_functions_only() {
    let insns = build(|b| {
        b.push(Insn::LoadImm64 { dst: Reg::R3, value: Imm64::Function(3) });
        b.push(Insn::Call(Callee::Reg(Reg::R3)));
        b.exit();
        b.mov(Reg::R0, 12);
        b.exit();
    });
    assert_eq!(run(insns), Ok(12));
    let forged = Region::Function.at(1 << 40);
    let insns = build(|b| {
        b.constant(Reg::R3, forged);
        b.push(Insn::Call(Callee::Reg(Reg::R3)));
    });
    assert_eq!(fault(insns), FaultKind::NotAFunction { value: forged });
}

#[test]
fn packet_loads_are_big_endian_and_end_the_program_outside() {
    let load = |size, index: Option<Reg>, imm| {
        let machine = machine(
            build(|b| {
                b.mov(Reg::R3, 1);
                b.push(Insn::LoadPacket { size, index, imm });
                b.alu(AluOp::Add, Reg::R0, 0x1_0000);
                b.exit();
            }),
            vec![],
        );
        machine.run(&mut Cpu::new(0), 0, Context::Memory(&mut [1, 2, 3, 4, 5]))
    };
    assert_eq!(load(Size::H, None, 1), Ok(0x1_0203));
    assert_eq!(load(Size::B, Some(Reg::R3), 3), Ok(0x1_0005));
    assert_eq!(load(Size::W, None, 0), Ok(0x0102_0304 + 0x1_0000));
    assert_eq!(load(Size::W, None, 2), Ok(0));
    assert_eq!(load(Size::H, None, i32::MIN), Ok(0));
    assert_eq!(load(Size::H, None, -0x10_0000), Ok(0x1_0102), "from the network header");
    assert_eq!(load(Size::H, None, -0x20_0000 + 2), Ok(0x1_0304), "from the link-layer header");
    assert_eq!(load(Size::H, Some(Reg::R3), -2), Ok(0));
}

#[test]
fn runs_that_can_not_start_say_why() {
    let machine = machine(build(|b| b.exit()), vec![]);
    let start = |cpu: u32, program| {
        let fault = machine.run(&mut Cpu::new(cpu), program, Context::Memory(&mut []));
        fault.expect_err("can not start").kind
    };
    assert_eq!(start(0, 1), FaultKind::NoProgram);
    assert_eq!(start(1, 0), FaultKind::NoCpu { cpu: 1 });
}

#[test]
fn objects_that_are_not_consistent_are_refused() {
    let array = spec("m", MapKind::Array, 8, 1);
    let twice = Object { maps: vec![array.clone(), array], programs: vec![] };
    let made = Machine::new(&twice, Options::default());
    assert_eq!(made.err(), Some(MachineError::DuplicateMap { name: "m".into() }));
    let programs =
        MapSpec { initial: vec![vec![2, 0, 0, 0]], ..spec("p", MapKind::ProgArray, 4, 1) };
    let object = Object { maps: vec![programs], programs: vec![] };
    let made = Machine::new(&object, Options::default());
    assert_eq!(made.err(), Some(MachineError::NoProgram { map: "p".into(), program: 2 }));
    let bad = Object { maps: vec![spec("b", MapKind::Array, 0, 1)], programs: vec![] };
    assert!(matches!(Machine::new(&bad, Options::default()), Err(MachineError::Map { .. })));
}
