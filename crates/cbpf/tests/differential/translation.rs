//! Translations in our machine and in the kernel, against the classic interpreter.

use netloom_abi::{AttachType, Object, ProgramType};
use netloom_cbpf::{
    AluOp, Ancillary, Cond, INSNS_MAX, Insn, Metadata, Packet, Program, Size, Slot, Source, Target,
    TranslateError, run, translate,
};
use netloom_sys::bpf::{self, LogDetail, ProgramLoad, RunInput};
use netloom_sys::{Capabilities, Capability};
use netloom_testkit::random::Random;
use netloom_vm::{Context, Cpu, Machine, Options, XdpInput};

use crate::random::{self, Choice};

/// A program of either world for the engines.
fn object(kind: ProgramType, insns: Vec<netloom_isa::Insn>) -> Object {
    let program = netloom_abi::Program {
        name: "filter".to_owned(),
        kind,
        attach: AttachType::NONE,
        license: "GPL".to_owned(),
        insns,
        functions: Vec::new(),
        relocs: Vec::new(),
    };
    Object { maps: Vec::new(), programs: vec![program] }
}

/// What the machine says, in the context that the target is for.
fn in_machine(insns: Vec<netloom_isa::Insn>, target: Target, packets: &[Vec<u8>]) -> Vec<u64> {
    let kind = if target == Target::Xdp { ProgramType::Xdp } else { ProgramType::SocketFilter };
    let machine = Machine::new(&object(kind, insns), Options::default()).expect("consistent");
    let mut cpu = Cpu::new(0);
    let results = packets.iter().map(|packet| {
        let mut packet = packet.clone();
        let context = match target {
            Target::Xdp => Context::Xdp(XdpInput {
                frame: &mut packet,
                ingress_ifindex: IFINDEX,
                rx_queue_index: 0,
                egress_ifindex: 0,
            }),
            Target::Memory | Target::Socket => Context::Memory(&mut packet),
        };
        machine.run(&mut cpu, 0, context).unwrap_or_else(|fault| panic!("{fault}"))
    });
    results.collect()
}

/// The program, or nothing if it loads what the target can not give.
fn translated(program: &Program, target: Target) -> Option<Vec<netloom_isa::Insn>> {
    match translate(program, target) {
        Ok(insns) => Some(insns),
        Err(TranslateError::Header { .. }) if target != Target::Socket => None,
        Err(error) => panic!("{error}: {program:?}"),
    }
}

fn packets(random: &mut Random, bytes: usize) -> Vec<Vec<u8>> {
    (0..4).map(|_| random::packet(random, bytes)).collect()
}

#[test]
fn translations_return_the_same_in_the_machine() {
    let mut random = Random::new(7);
    for (target, ancillary) in [
        (Target::Memory, &[Ancillary::AluXorX][..]),
        (Target::Xdp, &[Ancillary::AluXorX, Ancillary::Ifindex]),
        (Target::Socket, &[Ancillary::AluXorX]),
    ] {
        let (mut compared, mut told) = (0, 0);
        while compared < 20_000 {
            let bytes = random.below(80);
            let choice = Choice { packet_bytes: bytes, ancillary, far: true };
            let program = random::program(&mut random, choice, 40);
            let length = |insn: &Insn| matches!(insn, Insn::LoadLen | Insn::LoadXLen);
            // Plain memory is no `struct __sk_buff`, which has the length.
            if target == Target::Socket && program.iter().any(length) {
                continue;
            }
            let Some(insns) = translated(&program, target) else { continue };
            let packets = packets(&mut random, bytes);
            let results = in_machine(insns.clone(), target, &packets);
            for (packet, result) in packets.iter().zip(results) {
                let mut input = Packet::new(packet);
                if target == Target::Socket {
                    // The machine's plain memory has all headers at its begin.
                    (input.link, input.network) = (Some(0), Some(0));
                }
                input.metadata.device = DEVICE;
                let expected = run(&program, &input);
                assert_eq!(
                    u64::from(expected),
                    result,
                    "{target:?} {program:?} on {packet:?}\n{}",
                    netloom_isa::listing(&insns, netloom_isa::Syntax::PseudoC)
                );
                told += u32::from(expected > 0);
                compared += 1;
            }
        }
        assert!(told > 3_000, "{target:?}: {told} of {compared} told");
    }
}

/// The device of a test run is the loopback device, which has no broadcast address.
const IFINDEX: u32 = 1;
const LOOPBACK_HARDWARE: u16 = 772;
const DEVICE: Option<netloom_cbpf::Device> =
    Some(netloom_cbpf::Device { ifindex: IFINDEX, hardware: LOOPBACK_HARDWARE });
const MARK: u32 = 0x1234_5678;
/// Offset of `mark` in `struct __sk_buff`, and the structure's size.
const MARK_OFFSET: usize = 8;
const SKB_BYTES: usize = 192;

/// The program in the kernel.
pub(crate) fn load(kind: ProgramType, insns: &[netloom_isa::Insn]) -> bpf::Program {
    let load = ProgramLoad {
        name: "filter",
        kind,
        attach: if kind == ProgramType::Xdp { AttachType::Xdp } else { AttachType::NONE },
        license: "GPL",
        insns: &netloom_isa::encode(insns),
        types: None,
        func_info: &[],
        fds: &[],
    };
    bpf::Program::load(&load).unwrap_or_else(|error| {
        let log = bpf::Program::load_logged(&load, LogDetail::Steps, 1 << 20).log;
        let start = log.len().saturating_sub(3_000);
        panic!("{error}: {} instructions\n{}", insns.len(), &log[start..])
    })
}

pub(crate) fn may_load() -> bool {
    let may = Capabilities::effective().is_some_and(|held| held.has(Capability::SysAdmin));
    if !may {
        println!("skipped: needs CAP_SYS_ADMIN");
    }
    may
}

/// A frame of an Ethernet type that test runs do not look into, to whomever.
fn frame(random: &mut Random, bytes: usize) -> (Vec<u8>, u8) {
    let mut frame = random::packet(random, bytes);
    let (destination, packet_type) =
        random.copied(&[([0; 6], 0), ([0xff; 6], 2), ([3; 6], 2), ([2; 6], 3)]);
    frame[..6].copy_from_slice(&destination);
    frame[12..14].copy_from_slice(&0x88b5u16.to_be_bytes());
    (frame, packet_type)
}

const FIELDS: [Ancillary; 10] = [
    Ancillary::AluXorX,
    Ancillary::Protocol,
    Ancillary::PacketType,
    Ancillary::Ifindex,
    Ancillary::Mark,
    Ancillary::Queue,
    Ancillary::RxHash,
    Ancillary::VlanTag,
    Ancillary::VlanTagPresent,
    Ancillary::VlanTpid,
];

#[test]
fn translations_load_and_return_the_same_in_the_kernel() {
    if !may_load() {
        return;
    }
    let mut random = Random::new(8);
    for (kind, target) in [
        (ProgramType::SocketFilter, Target::Socket),
        (ProgramType::SchedCls, Target::Socket),
        (ProgramType::Xdp, Target::Xdp),
    ] {
        let ancillary = if target == Target::Xdp { &FIELDS[..1] } else { &FIELDS };
        let (mut programs, mut told) = (0, 0);
        while programs < 1_000 {
            let bytes = 30 + random.below(60);
            let choice = Choice { packet_bytes: bytes, ancillary, far: true };
            let program = random::program(&mut random, choice, 30);
            let Some(insns) = translated(&program, target) else { continue };
            let loaded = load(kind, &insns);
            programs += 1;
            for _ in 0..3 {
                let (frame, packet_type) = frame(&mut random, bytes);
                let mut context = [0; SKB_BYTES];
                context[MARK_OFFSET..][..4].copy_from_slice(&MARK.to_ne_bytes());
                let context = if target == Target::Xdp { &[][..] } else { &context };
                let input = RunInput { data: &frame, context, ..RunInput::default() };
                let result = loaded.test_run(&input).expect("a frame of some length").result;
                let expected = run(&program, &as_kernel_sees(&frame, kind, packet_type));
                assert_eq!(expected, result, "{kind:?} {program:?} on {frame:?}");
                told += u32::from(expected > 0);
            }
        }
        assert!(told > 500, "{kind:?}: {told} told");
    }
}

/// The packet of a test run: socket filters begin behind the Ethernet header.
fn as_kernel_sees(frame: &[u8], kind: ProgramType, packet_type: u8) -> Packet<'_> {
    if kind == ProgramType::Xdp {
        return Packet::new(frame);
    }
    let start = if kind == ProgramType::SocketFilter { 14 } else { 0 };
    let metadata = Metadata {
        protocol: 0x88b5,
        packet_type,
        device: DEVICE,
        mark: MARK,
        ..Metadata::default()
    };
    let length = Packet::new(&frame[start..]).length;
    Packet { bytes: frame, start, length, link: Some(0), network: Some(14), metadata }
}

/// Programs of the greatest length, as costly as they come.
#[test]
fn the_longest_programs_are_translated() {
    let slot = Slot::new(3).expect("below 16");
    let first = [Insn::LoadXLen, Insn::StoreX(slot)];
    let costly = [
        Insn::LoadXMem(slot),
        Insn::LoadInd { size: Size::H, k: 0xffff_ffff },
        Insn::LoadInd { size: Size::W, k: 0xffff_fffa },
    ];
    let mut insns: Vec<Insn> =
        first.into_iter().chain(costly.into_iter().cycle()).take(INSNS_MAX - 1).collect();
    insns.push(Insn::RetA);
    let distance = u32::try_from(INSNS_MAX - 4).expect("small");
    let mut jumping = insns.clone();
    // Over the greatest distance, and not at all when X is 60.
    jumping.splice(
        2..4,
        [Insn::JumpIf { cond: Cond::Eq, src: Source::X, jt: 1, jf: 0 }, Insn::Jump(distance - 2)],
    );
    for insns in [insns, jumping] {
        let program = Program::new(insns).expect("valid");
        let packets: Vec<Vec<u8>> = [0, 1, 6, 8, 60].map(|bytes| vec![7; bytes]).into();
        for target in [Target::Memory, Target::Xdp] {
            let insns = translate(&program, target).expect("no metadata is loaded");
            assert!(insns.len() > 20_000, "{}", insns.len());
            let results = in_machine(insns, target, &packets);
            for (packet, result) in packets.iter().zip(results) {
                assert_eq!(u64::from(run(&program, &Packet::new(packet))), result);
            }
        }
        if may_load() {
            for (kind, target) in
                [(ProgramType::Xdp, Target::Xdp), (ProgramType::SchedCls, Target::Socket)]
            {
                load(kind, &translate(&program, target).expect("as above"));
            }
        }
    }
}

/// The code for `tcp port 80` on Ethernet without IPv6: what a reader would write.
#[test]
fn code_has_no_needless_checks_and_zeros() {
    let program = Program::new(vec![
        Insn::LoadAbs { size: Size::H, k: 12 },
        Insn::JumpIf { cond: Cond::Eq, src: Source::K(0x800), jt: 0, jf: 7 },
        Insn::LoadAbs { size: Size::B, k: 23 },
        Insn::JumpIf { cond: Cond::Eq, src: Source::K(6), jt: 0, jf: 5 },
        Insn::LoadXMsh(14),
        Insn::LoadInd { size: Size::H, k: 14 },
        Insn::JumpIf { cond: Cond::Eq, src: Source::K(80), jt: 2, jf: 0 },
        Insn::LoadInd { size: Size::H, k: 16 },
        Insn::JumpIf { cond: Cond::Eq, src: Source::K(80), jt: 0, jf: 1 },
        Insn::RetK(65_535),
        Insn::RetK(0),
    ])
    .expect("valid");
    let lines = |target| -> Vec<String> {
        let insns = translate(&program, target).expect("packet loads only");
        insns.iter().map(ToString::to_string).collect()
    };
    assert_eq!(lines(Target::Socket), SOCKET);
    assert_eq!(lines(Target::Xdp), XDP);
}

const SOCKET: [&str; 17] = [
    "r6 = r1",
    "r0 = *(u16 *)skb[12]",
    "if w0 != 2048 goto +10",
    "r0 = *(u8 *)skb[23]",
    "if w0 != 6 goto +8",
    "r0 = *(u8 *)skb[14]",
    "w0 &= 15",
    "w0 <<= 2",
    "r7 = r0",
    "r0 = *(u16 *)skb[r7 + 14]",
    "if w0 == 80 goto +2",
    "r0 = *(u16 *)skb[r7 + 16]",
    "if w0 != 80 goto +2",
    "w0 = 65535",
    "exit",
    "w0 = 0",
    "exit",
];

/// The protocol's check proves the header length's byte too; each port is checked from byte X on.
const XDP: [&str; 34] = [
    "r8 = *(u32 *)(r1 + 0)",
    "r9 = *(u32 *)(r1 + 4)",
    "r1 = r8",
    "r1 += 14",
    "if r1 > r9 goto +27",
    "r0 = *(u16 *)(r8 + 12)",
    "r0 = be16 r0",
    "if w0 != 2048 goto +22",
    "r1 = r8",
    "r1 += 24",
    "if r1 > r9 goto +21",
    "r0 = *(u8 *)(r8 + 23)",
    "if w0 != 6 goto +17",
    "r7 = *(u8 *)(r8 + 14)",
    "w7 &= 15",
    "w7 <<= 2",
    "r5 = r8",
    "r5 += r7",
    "r1 = r5",
    "r1 += 16",
    "if r1 > r9 goto +11",
    "r0 = *(u16 *)(r5 + 14)",
    "r0 = be16 r0",
    "if w0 == 80 goto +6",
    "r1 = r5",
    "r1 += 18",
    "if r1 > r9 goto +5",
    "r0 = *(u16 *)(r5 + 16)",
    "r0 = be16 r0",
    "if w0 != 80 goto +2",
    "w0 = 65535",
    "exit",
    "w0 = 0",
    "exit",
];

#[test]
fn what_a_target_can_not_give_is_named() {
    let ret = Insn::RetA;
    let load = |k| Insn::LoadAbs { size: Size::H, k };
    let check = |insn, target, message: &str| {
        let nothing = Insn::Alu { op: AluOp::Add, src: Source::K(1) };
        let program = Program::new(vec![nothing, insn, ret]).expect("valid");
        assert_eq!(
            translate(&program, target).map_err(|error| error.to_string()),
            Err(message.to_owned())
        );
    };
    check(
        load(Ancillary::Nlattr.k()),
        Target::Socket,
        "instruction 1 loads `nla`, which a socket filter can not",
    );
    check(
        load(Ancillary::Mark.k()),
        Target::Xdp,
        "instruction 1 loads `mark`, which an XDP program can not",
    );
    check(
        load(Ancillary::Ifindex.k()),
        Target::Memory,
        "instruction 1 loads `ifidx`, which a program on plain memory can not",
    );
    check(
        load(0xfff0_0009),
        Target::Xdp,
        "instruction 1 loads from a header at -1048567, which an XDP program can not",
    );
    check(
        Insn::LoadXMsh(0xffe0_0000),
        Target::Memory,
        "instruction 1 loads from a header at -2097152, which a program on plain memory can not",
    );
}
