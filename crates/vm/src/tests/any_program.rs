//! Whatever the instructions: a run ends, never panics, and gives the same result again.

use arbtest::arbitrary::{Result, Unstructured};
use netloom_abi::{Helper, MapKind, MapSpec, Object, Program, ProgramType};
use netloom_isa::{
    AluOp, AtomicOp, Callee, Cond, EndianOp, Imm64, Insn, Operand, Reg, Size, Width, decode,
};

use super::{program, spec};
use crate::{
    Conntrack, Context, Cpu, Device, Family, Fault, Hook, Machine, NetfilterInput, Options, Route,
    XdpInput,
};

/// One of each kind that programs can address.
fn maps() -> Vec<MapSpec> {
    let programs = MapSpec { initial: vec![vec![0; 4]], ..spec("p", MapKind::ProgArray, 4, 2) };
    vec![
        spec("a", MapKind::Array, 12, 3),
        spec("h", MapKind::Hash, 8, 2),
        spec("c", MapKind::PercpuArray, 8, 2),
        spec("r", MapKind::RingBuf, 0, 4096),
        programs,
    ]
}

const ALU: [AluOp; 5] = [AluOp::Add, AluOp::Sub, AluOp::Mov, AluOp::Lsh, AluOp::Smod];
const SIZES: [Size; 4] = [Size::B, Size::H, Size::W, Size::Dw];
const WIDTHS: [Width; 2] = [Width::W32, Width::W64];
const CONDS: [Cond; 4] = [Cond::Eq, Cond::Ne, Cond::Sgt, Cond::Set];
const ATOMICS: [AtomicOp; 4] = [
    AtomicOp::Add { fetch: true },
    AtomicOp::Xor { fetch: false },
    AtomicOp::Xchg,
    AtomicOp::Cmpxchg,
];

fn reg(u: &mut Unstructured<'_>) -> Result<Reg> {
    u.choose(&Reg::ALL).copied()
}

/// A base register that often holds an address.
fn base(u: &mut Unstructured<'_>) -> Result<Reg> {
    u.choose(&[Reg::R10, Reg::R10, Reg::R1, Reg::R0, Reg::R6, Reg::R7]).copied()
}

fn operand(u: &mut Unstructured<'_>) -> Result<Operand> {
    Ok(if u.arbitrary()? { Operand::Reg(reg(u)?) } else { Operand::Imm(imm(u)?) })
}

fn imm(u: &mut Unstructured<'_>) -> Result<i32> {
    if u.ratio(3, 4)? { u.int_in_range(-24..=24) } else { u.arbitrary() }
}

fn off(u: &mut Unstructured<'_>) -> Result<i16> {
    if u.ratio(9, 10)? { u.int_in_range(-40..=24) } else { u.arbitrary() }
}

fn jump(u: &mut Unstructured<'_>) -> Result<i16> {
    if u.ratio(9, 10)? { u.int_in_range(-6..=12) } else { u.arbitrary() }
}

fn constant(u: &mut Unstructured<'_>) -> Result<Imm64> {
    Ok(match u.int_in_range(0..=9)? {
        0 => Imm64::Value(u.arbitrary()?),
        // An address in some region.
        1 => Imm64::Value(
            u64::from(u.int_in_range(0..=80u16)?) << 48 | u64::from(u.arbitrary::<u8>()?),
        ),
        2 => Imm64::MapFd(u.arbitrary()?),
        3 => Imm64::BtfId(u.arbitrary()?, 0),
        4 => Imm64::Function(imm(u)?),
        5..=7 => Imm64::MapIndex(u.int_in_range(0..=5)?),
        _ => Imm64::MapIndexValue(u.int_in_range(0..=5)?, u.int_in_range(0..=40)?),
    })
}

fn callee(u: &mut Unstructured<'_>) -> Result<Callee> {
    Ok(match u.int_in_range(0..=6)? {
        0 => Callee::Local(i32::from(jump(u)?)),
        1 => Callee::Kfunc(u.int_in_range(0..=5)?, 0),
        2 => Callee::Reg(reg(u)?),
        3 => Callee::Helper(u.int_in_range(0..=200)?),
        _ => Callee::Helper(u.choose(&Helper::ALL)?.id()),
    })
}

fn insn(u: &mut Unstructured<'_>) -> Result<Insn> {
    let size = *u.choose(&SIZES)?;
    let width = *u.choose(&WIDTHS)?;
    Ok(match u.int_in_range(0..=24)? {
        0..=4 => Insn::Alu { width, op: *u.choose(&ALU)?, dst: reg(u)?, src: operand(u)? },
        5 => Insn::Neg { width, dst: reg(u)? },
        6 => Insn::MovSx { width, from: size, dst: reg(u)?, src: reg(u)? },
        7 => Insn::Endian { op: *u.choose(&[EndianOp::ToBe, EndianOp::Swap])?, size, dst: reg(u)? },
        8..=9 => Insn::LoadImm64 { dst: reg(u)?, value: constant(u)? },
        10..=12 => {
            let signed = u.ratio(1, 4)?;
            Insn::Load { size, signed, dst: reg(u)?, base: base(u)?, off: off(u)? }
        }
        13..=15 => Insn::Store { size, base: base(u)?, off: off(u)?, src: operand(u)? },
        16 => {
            let op = *u.choose(&ATOMICS)?;
            Insn::Atomic { op, width, base: base(u)?, off: off(u)?, src: reg(u)? }
        }
        17 => Insn::LoadAcquire { size, dst: reg(u)?, base: base(u)?, off: off(u)? },
        18 => Insn::StoreRelease { size, base: base(u)?, off: off(u)?, src: reg(u)? },
        19 => Insn::LoadPacket { size, index: Some(reg(u)?), imm: imm(u)? },
        20 => Insn::Jump { off: i32::from(jump(u)?), wide: false },
        21 => {
            let cond = *u.choose(&CONDS)?;
            Insn::JumpIf { width, cond, dst: reg(u)?, src: operand(u)?, off: jump(u)? }
        }
        22 => Insn::MayGoto { off: jump(u)? },
        23 => Insn::Call(callee(u)?),
        _ => *u.choose(&[
            Insn::Exit,
            Insn::JumpReg { dst: Reg::R1 },
            Insn::AddrPercpu { dst: Reg::R1, src: Reg::R1 },
        ])?,
    })
}

/// A call with plausible arguments, so that helpers are reached deeply.
fn prepared_call(u: &mut Unstructured<'_>, insns: &mut Vec<Insn>) -> Result<()> {
    for dst in [Reg::R1, Reg::R2, Reg::R3, Reg::R4] {
        let mov = |src| Insn::Alu { width: Width::W64, op: AluOp::Mov, dst, src };
        match u.int_in_range(0..=3)? {
            0 => insns.push(Insn::LoadImm64 { dst, value: constant(u)? }),
            1 => insns.push(mov(Operand::Imm(imm(u)?))),
            2 => {
                insns.push(mov(Operand::Reg(Reg::R10)));
                let src = Operand::Imm(u.int_in_range(-64..=0)?);
                insns.push(Insn::Alu { width: Width::W64, op: AluOp::Add, dst, src });
            }
            _ => insns.push(mov(Operand::Reg(Reg::R6))),
        }
    }
    insns.push(Insn::Call(callee(u)?));
    Ok(())
}

fn run(insns: Vec<Insn>, kind: ProgramType) -> [std::result::Result<u64, Fault>; 2] {
    let program = Program { kind, ..program(insns) };
    let object = Object { maps: maps(), programs: vec![program] };
    let device = Device::new("eth0", 2).expect("short");
    let frame = [0x5a; 60];
    let mut input = NetfilterInput::new(&frame, Family::Ipv4, Hook::LocalIn);
    input.in_device = Some(&device);
    input.link_bytes = 14;
    input.conntrack = Conntrack::Tracked { info: 1, status: 2 };
    input.route = Route::Ipv4 { rt_type: 2 };
    let mut cpu = Cpu::new(0);
    cpu.limits.insns_max = 2_000;
    [0, 1].map(|_| {
        // A fresh machine, since a run may have changed the maps.
        let machine = Machine::new(&object, Options::default()).expect("consistent");
        cpu.seed(1);
        let mut memory = [0; 32];
        let context = if kind == ProgramType::Netfilter {
            Context::Netfilter(&input)
        } else if kind == ProgramType::Xdp {
            Context::Xdp(XdpInput {
                frame: &mut memory,
                ingress_ifindex: 1,
                rx_queue_index: 0,
                egress_ifindex: 0,
            })
        } else {
            Context::Memory(&mut memory)
        };
        let result = machine.run(&mut cpu, 0, context);
        if let Err(fault) = &result {
            assert!(!fault.to_string().is_empty());
        }
        assert!(cpu.executed() <= 2_000 + 10_000, "the budget holds but for one stretch");
        result
    })
}

const KINDS: [ProgramType; 3] =
    [ProgramType::SocketFilter, ProgramType::Xdp, ProgramType::Netfilter];

#[test]
fn random_instructions_end_without_panic_and_repeat() {
    let mut ended = [0u64; 2];
    arbtest::arbtest(|u| {
        let kind = *u.choose(&KINDS)?;
        let mov = |dst, src| Insn::Alu { width: Width::W64, op: AluOp::Mov, dst, src };
        let mut insns = vec![mov(Reg::R6, Operand::Reg(Reg::R1)), mov(Reg::R7, Operand::Imm(3))];
        for _ in 0..u.int_in_range(1..=40)? {
            if u.ratio(1, 6)? {
                prepared_call(u, &mut insns)?;
            } else {
                insns.push(insn(u)?);
            }
        }
        insns.push(Insn::Exit);
        let [first, second] = run(insns, kind);
        assert_eq!(first, second);
        ended[usize::from(first.is_ok())] += 1;
        Ok(())
    })
    .budget_ms(4_000);
    assert!(ended[0] > 100 && ended[1] > 100, "faults and results: {ended:?}");
}

#[test]
fn random_slots_that_decode_end_without_panic_and_repeat() {
    arbtest::arbtest(|u| {
        let mut bytes = Vec::new();
        for _ in 0..u.int_in_range(1..=12)? {
            // Opcodes are dense; registers and operands need help to be valid.
            let mut slot: [u8; 8] = u.arbitrary()?;
            slot[1] &= 0x77;
            if u.ratio(3, 4)? {
                slot[2..4].copy_from_slice(&u.int_in_range(-8..=8i16)?.to_le_bytes());
            }
            bytes.extend(slot);
            if let Ok(insns) = decode(&bytes) {
                let [first, second] = run(insns, *u.choose(&KINDS)?);
                assert_eq!(first, second);
            }
        }
        Ok(())
    })
    .budget_ms(2_000);
}
