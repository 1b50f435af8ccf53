//! XDP programs: context fields and packet bounds.

use netloom_abi::{Object, Program, ProgramType};
use netloom_isa::{AluOp, Builder, Cond, Reg, Size};

use super::{build, program};
use crate::{Context, Cpu, Denied, Fault, FaultKind, Machine, Options, XdpInput};

fn run(frame: &mut [u8], body: impl FnOnce(&mut Builder)) -> Result<u64, Fault> {
    let insns = build(|b| {
        body(b);
        b.exit();
    });
    let program = Program { kind: ProgramType::Xdp, ..program(insns) };
    let object = Object { maps: vec![], programs: vec![program] };
    let machine = Machine::new(&object, Options::default()).expect("consistent");
    let input = XdpInput { frame, ingress_ifindex: 3, rx_queue_index: 4, egress_ifindex: 5 };
    machine.run(&mut Cpu::new(0), 0, Context::Xdp(input))
}

#[test]
fn a_checked_read_and_write_of_the_packet() {
    let mut frame = [1, 2, 3, 4];
    let verdict = run(&mut frame, |b| {
        let short = b.label();
        b.load(Size::W, Reg::R2, Reg::R1, 0);
        b.load(Size::W, Reg::R3, Reg::R1, 4);
        b.mov(Reg::R0, 2);
        b.mov(Reg::R4, Reg::R2);
        b.alu(AluOp::Add, Reg::R4, 4);
        b.jump_if(Cond::Gt, Reg::R4, Reg::R3, short);
        b.load(Size::W, Reg::R0, Reg::R2, 0);
        b.store(Size::B, Reg::R2, 3, 9);
        b.place(short);
    });
    assert_eq!(verdict, Ok(0x0403_0201));
    assert_eq!(frame, [1, 2, 3, 9]);
}

#[test]
fn numbers_of_the_context_are_the_callers() {
    for (off, value) in [(12, 3), (16, 4), (20, 5)] {
        let got = run(&mut [0; 4], |b| {
            b.load(Size::W, Reg::R0, Reg::R1, off);
        });
        assert_eq!(got, Ok(value));
    }
    let metadata = run(&mut [0; 4], |b| {
        b.load(Size::W, Reg::R0, Reg::R1, 8);
        b.load(Size::W, Reg::R2, Reg::R1, 0);
        b.alu(AluOp::Sub, Reg::R0, Reg::R2);
    });
    assert_eq!(metadata, Ok(0), "there is no metadata before the packet");
}

#[test]
fn accesses_outside_packet_and_fields_are_denied() {
    type Body = fn(&mut Builder);
    let cases: [(Body, Denied); 7] = [
        (
            |b| {
                b.load(Size::Dw, Reg::R0, Reg::R1, 0);
            },
            Denied::NotAField,
        ),
        (
            |b| {
                b.load(Size::W, Reg::R0, Reg::R1, 2);
            },
            Denied::NotAField,
        ),
        (
            |b| {
                b.load(Size::W, Reg::R0, Reg::R1, 24);
            },
            Denied::OutOfBounds,
        ),
        (
            |b| {
                b.store(Size::W, Reg::R1, 12, 0);
            },
            Denied::ReadOnly,
        ),
        (
            |b| {
                b.load(Size::W, Reg::R2, Reg::R1, 4);
                b.load(Size::B, Reg::R0, Reg::R2, 0);
            },
            Denied::OutOfBounds,
        ),
        (
            |b| {
                b.load(Size::W, Reg::R2, Reg::R1, 0);
                b.store(Size::H, Reg::R2, 3, 0);
            },
            Denied::OutOfBounds,
        ),
        (
            |b| {
                b.mov(Reg::R2, 0);
                b.load(Size::B, Reg::R0, Reg::R2, 0);
            },
            Denied::Unmapped,
        ),
    ];
    for (number, (body, denied)) in cases.into_iter().enumerate() {
        let fault = run(&mut [0; 4], body).expect_err("denied");
        let FaultKind::Access { denied: got, .. } = fault.kind else { panic!("{fault}") };
        assert_eq!(got, denied, "case {number}: {fault}");
    }
}

#[test]
fn other_program_types_do_not_run_on_frames() {
    let object = Object { maps: vec![], programs: vec![program(build(Builder::exit))] };
    let machine = Machine::new(&object, Options::default()).expect("consistent");
    let frame = &mut [];
    let input = XdpInput { frame, ingress_ifindex: 0, rx_queue_index: 0, egress_ifindex: 0 };
    let fault = machine.run(&mut Cpu::new(0), 0, Context::Xdp(input)).expect_err("refused");
    assert_eq!(fault.kind, FaultKind::WrongContext);
}
