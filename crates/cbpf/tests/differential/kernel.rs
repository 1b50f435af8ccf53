//! The kernel's own filters on a socket, as an oracle for validity and for the interpreter.

use netloom_cbpf::{
    AluOp, Ancillary, INSNS_MAX, Insn, Packet, Program, Raw, Size, Source, check, decode, encode,
    run,
};
use netloom_sys::Errno;
use netloom_sys::socket_filter::{FilterInsn, FilteredPair};
use netloom_testkit::random::Random;

use crate::random::{self, Choice};

fn foreign(program: &[Raw]) -> Vec<FilterInsn> {
    let insn = |&Raw { code, jt, jf, k }: &Raw| FilterInsn { code, jt, jf, k };
    program.iter().map(insn).collect()
}

/// Whether both accept, after asserting that they agree.
fn is_valid(pair: &FilteredPair, raw: &[Raw]) -> bool {
    let kernel = match pair.attach(&foreign(raw)) {
        Ok(()) => true,
        Err(error) if error.errno == Errno::INVAL => false,
        Err(error) => panic!("{error}: {} instructions", raw.len()),
    };
    let ours = decode(raw).map_err(|error| error.to_string());
    let ours = ours.and_then(|insns| check(&insns).map_err(|error| error.to_string()));
    assert_eq!(ours.is_ok(), kernel, "{ours:?}: {raw:?}");
    kernel
}

#[test]
fn validity_is_the_kernels() {
    let pair = FilteredPair::new().unwrap();
    let mut random = Random::new(1);
    let choice = Choice { packet_bytes: 60, ancillary: &Ancillary::ALL, far: true };
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..30_000 {
        let raw = random::raw_program(&mut random, choice);
        *if is_valid(&pair, &raw) { &mut accepted } else { &mut refused } += 1;
    }
    assert!(accepted > 5_000 && refused > 5_000, "{accepted} accepted, {refused} refused");
}

#[test]
fn every_opcode_is_known_where_the_kernel_knows_it() {
    let pair = FilteredPair::new().unwrap();
    let ret = Raw { code: 0x06, jt: 0, jf: 0, k: 1 };
    let store = Raw { code: 0x02, jt: 0, jf: 0, k: 3 };
    let known = (0..0x200)
        .filter(|&code| {
            is_valid(&pair, &[store, Raw { code, jt: 0, jf: 0, k: 3 }, ret, ret, ret, ret])
        })
        .count();
    assert_eq!(known, 49);
    let offsets: Vec<u32> = (0xffff_f000 - 8..0xffff_f000 + 72).collect();
    for k in offsets.into_iter().chain([0xfff0_0000, 0xffe0_0000, 0x8000_0000, u32::MAX]) {
        for code in [0x20, 0x28, 0x30, 0x40, 0xb1] {
            is_valid(&pair, &[Raw { code, jt: 0, jf: 0, k }, ret]);
        }
    }
}

#[test]
fn lengths_and_distances_end_where_the_kernels_do() {
    // A socket pays for the filter it has and the one to come, so each gets one of its own.
    let pair = || FilteredPair::new().unwrap();
    let ret = encode(&[Insn::RetK(1)])[0];
    for count in [0, 1, INSNS_MAX - 1, INSNS_MAX, INSNS_MAX + 1] {
        assert_eq!(is_valid(&pair(), &vec![ret; count]), (1..=INSNS_MAX).contains(&count));
    }
    for k in [0, 4093, 4094, 4095, u32::MAX - 1, u32::MAX] {
        let mut raw = vec![ret; INSNS_MAX];
        raw[0] = encode(&[Insn::Jump(k)])[0];
        assert_eq!(is_valid(&pair(), &raw), k <= 4094);
    }
}

/// Bytes of packets whose kept length tells 10 bits of A.
const LONG: usize = 1_100;

/// The program with each `RetA` replaced by a jump to code that returns 10 of A's bits, and one.
fn observing(program: &Program, shift: u32) -> Program {
    let mut insns = program.to_vec();
    for (pc, insn) in program.iter().enumerate() {
        if matches!(insn, Insn::RetA) {
            let distance = u32::try_from(program.len() - pc - 1).expect("a short program");
            insns[pc] = Insn::Jump(distance);
        }
    }
    insns.extend([
        Insn::Alu { op: AluOp::Rsh, src: Source::K(shift) },
        Insn::Alu { op: AluOp::And, src: Source::K(0x3ff) },
        Insn::Alu { op: AluOp::Add, src: Source::K(1) },
        Insn::RetA,
    ]);
    Program::new(insns).unwrap_or_else(|error| panic!("{error}: {program:?}"))
}

/// A packet as it is on a local socket: its network header begins with its data.
fn local(bytes: &[u8]) -> Packet<'_> {
    Packet { network: Some(0), ..Packet::new(bytes) }
}

/// Compares the interpreter and the kernel for one program that is attached already.
fn compare(pair: &FilteredPair, program: &Program, packet: &[u8]) -> u32 {
    let ours = run(program, &local(packet));
    let kept = pair.pass(packet, &mut [0; LONG]).expect("a short datagram");
    let expected = (ours > 0).then(|| packet.len().min(ours as usize));
    assert_eq!(expected, kept, "{program:?} on {packet:?}");
    ours
}

/// What a local socket's packets have no value of their own for stays out: lengths of headers, random
/// numbers, the CPU.
const LOCAL: [Ancillary; 13] = [
    Ancillary::Protocol,
    Ancillary::PacketType,
    Ancillary::Ifindex,
    Ancillary::Nlattr,
    Ancillary::NlattrNest,
    Ancillary::Mark,
    Ancillary::Queue,
    Ancillary::HardwareType,
    Ancillary::RxHash,
    Ancillary::AluXorX,
    Ancillary::VlanTag,
    Ancillary::VlanTagPresent,
    Ancillary::VlanTpid,
];

#[test]
fn programs_return_what_they_return_in_the_kernel() {
    let pair = FilteredPair::new().unwrap();
    let mut random = Random::new(2);
    let (mut told, mut ended) = (0, 0);
    for round in 0..4_000 {
        let short = round % 4 == 3;
        let bytes = if short { random.below(64) } else { LONG - random.below(60) };
        let choice = Choice { packet_bytes: bytes, ancillary: &LOCAL, far: true };
        let program = random::program(&mut random, choice, 24);
        let packets = [(); 3].map(|()| random::packet(&mut random, bytes));
        for shift in [0, 10, 20, 30] {
            let program = observing(&program, shift);
            pair.attach(&foreign(&encode(&program))).unwrap();
            for packet in &packets {
                *if compare(&pair, &program, packet) > 0 { &mut told } else { &mut ended } += 1;
            }
        }
    }
    assert!(told > 10_000 && ended > 5_000, "{told} told, {ended} ended with 0");
}

#[test]
fn every_operation_has_the_kernels_result_at_its_edges() {
    let pair = FilteredPair::new().unwrap();
    let mut packet = vec![0; LONG];
    let edges = [0u32, 1, 2, 31, 32, 33, 63, 64, 0x7fff_ffff, 0x8000_0000, u32::MAX];
    use AluOp::{Add, And, Div, Lsh, Mod, Mul, Or, Rsh, Sub, Xor};
    for op in [Add, Sub, Mul, Div, Mod, Or, And, Xor, Lsh, Rsh] {
        for shift in [0, 10, 20, 30] {
            let program = Program::new(vec![
                Insn::LoadAbs { size: Size::W, k: 4 },
                Insn::Tax,
                Insn::LoadAbs { size: Size::W, k: 0 },
                Insn::Alu { op, src: Source::X },
                Insn::RetA,
            ]);
            let program = observing(&program.unwrap(), shift);
            pair.attach(&foreign(&encode(&program))).unwrap();
            for (a, x) in edges.iter().flat_map(|a| edges.map(|x| (a, x))) {
                packet[..4].copy_from_slice(&a.to_be_bytes());
                packet[4..8].copy_from_slice(&x.to_be_bytes());
                compare(&pair, &program, &packet);
            }
        }
    }
}

#[test]
fn netlink_attributes_are_found_as_in_the_kernel() {
    let pair = FilteredPair::new().unwrap();
    let mut random = Random::new(3);
    let mut found = 0;
    for ancillary in [Ancillary::Nlattr, Ancillary::NlattrNest] {
        for _ in 0..2_000 {
            let packet = attributes(&mut random);
            let at = if random.one_in(2) { 0 } else { u32::from(random.byte() % 32) & !3 };
            let at = at + u32::from(random.one_in(8));
            let program = Program::new(vec![
                Insn::LoadXImm(u32::from(random.byte() % 4)),
                Insn::LoadImm(at),
                Insn::LoadAbs { size: Size::W, k: ancillary.k() },
                Insn::Alu { op: AluOp::Add, src: Source::K(1) },
                Insn::RetA,
            ])
            .unwrap();
            pair.attach(&foreign(&encode(&program))).unwrap();
            found += u32::from(compare(&pair, &program, &packet) > 1);
        }
    }
    assert!(found > 200, "only {found} found");
}

/// Attributes in a row, some of them inside others, often broken or cut off.
fn attributes(random: &mut Random) -> Vec<u8> {
    let mut packet = Vec::new();
    while packet.len() < 80 {
        let lengths: &[u16] =
            if random.one_in(4) { &[3, 0, 1_000, 30] } else { &[4, 5, 8, 12, 24, 40] };
        let length = random.copied(lengths);
        let kind = u16::from(random.byte() % 4) | random.copied(&[0, 0, 0x4000, 0x8000, 0x2000]);
        packet.extend(length.to_le_bytes());
        packet.extend(kind.to_le_bytes());
        let is_nest = random.one_in(2);
        let value = if is_nest { 0 } else { usize::from(length).saturating_sub(4) };
        packet.resize(packet.len() + value.next_multiple_of(4), 0);
    }
    packet.truncate(if random.one_in(2) { 80 } else { random.below(80) });
    packet
}

/// The kernel fills neither device nor metadata of a local datagram in, and knows no link-layer header.
#[test]
fn a_load_without_a_device_returns_the_accumulator() {
    let pair = FilteredPair::new().unwrap();
    for ancillary in [Ancillary::Ifindex, Ancillary::HardwareType] {
        let program = Program::new(vec![
            Insn::LoadImm(7),
            Insn::LoadAbs { size: Size::W, k: ancillary.k() },
            Insn::RetK(3),
        ])
        .unwrap();
        pair.attach(&foreign(&encode(&program))).unwrap();
        assert_eq!(compare(&pair, &program, &[0; 20]), 7);
    }
}
