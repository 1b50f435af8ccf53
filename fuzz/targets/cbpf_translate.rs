//! Any valid classic program on any packet: its own interpreter and the machine, which runs its
//! translation to eBPF, return the same. Every translation is a program that the machine can follow
//! to its end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netloom_abi::{AttachType, Object, Program as Translated, ProgramType};
use netloom_cbpf::{Ancillary, Device, Insn, Packet, Program, Target, run, translate};
use netloom_fuzz::classic::repaired;
use netloom_isa::{Syntax, listing};
use netloom_vm::{Context, Cpu, Machine, Options, XdpInput};

/// What XDP tells of the device.
const DEVICE: Device = Device { ifindex: 1, hardware: 772 };

fuzz_target!(|bytes: &[u8]| {
    let [packet_bytes, rest @ ..] = bytes else { return };
    let (packet, elements) = rest.split_at(usize::from(*packet_bytes).min(rest.len()));
    let program = repaired(elements);
    if program.iter().any(is_chance) {
        return;
    }
    for target in [Target::Memory, Target::Xdp, Target::Socket] {
        // Plain memory is no `struct __sk_buff`, which holds all that is not in the packet.
        if target == Target::Socket && program.iter().any(is_metadata) {
            continue;
        }
        check(&program, target, packet);
    }
});

fn check(program: &Program, target: Target, packet: &[u8]) {
    let Ok(insns) = translate(program, target) else { return };
    let mut input = Packet::new(packet);
    if target == Target::Socket {
        // All headers are at the begin of the machine's plain memory.
        (input.link, input.network) = (Some(0), Some(0));
    }
    input.metadata.device = Some(DEVICE);
    let text = listing(&insns, Syntax::PseudoC);
    let kind = match target {
        Target::Memory => ProgramType::Syscall,
        Target::Xdp => ProgramType::Xdp,
        Target::Socket => ProgramType::SocketFilter,
    };
    let translated = Translated {
        name: "filter".into(),
        kind,
        attach: AttachType::NONE,
        license: "GPL".into(),
        insns: insns.clone(),
        functions: Vec::new(),
        relocs: Vec::new(),
    };
    let object = Object { maps: Vec::new(), programs: vec![translated] };
    let machine = Machine::new(&object, Options::default()).expect("it asks for nothing");
    let mut bytes = packet.to_vec();
    let context = match target {
        Target::Xdp => Context::Xdp(XdpInput {
            frame: &mut bytes,
            ingress_ifindex: DEVICE.ifindex,
            rx_queue_index: 0,
            egress_ifindex: 0,
        }),
        Target::Memory | Target::Socket => Context::Memory(&mut bytes),
    };
    let result = machine.run(&mut Cpu::new(0), 0, context);
    let expected = Ok(u64::from(run(program, &input)));
    assert_eq!(result, expected, "{target:?} {program:?}\n{text}");
    assert_eq!(bytes, packet, "a filter writes nothing");
}

fn is_chance(insn: &Insn) -> bool {
    matches!(insn, Insn::LoadAbs { k, .. } if Ancillary::at(*k) == Some(Ancillary::Random))
}

fn is_metadata(insn: &Insn) -> bool {
    match insn {
        Insn::LoadLen | Insn::LoadXLen => true,
        Insn::LoadAbs { k, .. } => Ancillary::at(*k).is_some_and(|what| what != Ancillary::AluXorX),
        _ => false,
    }
}
