//! Any valid classic program on any packet: its own interpreter and the machine, which runs its
//! translation to eBPF, return the same. Every translation is a program that the machine can follow
//! to its end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netloom_cbpf::{Ancillary, Insn, Target};
use netloom_fuzz::classic::{check_translation, repaired};

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
        check_translation(&program, target, packet);
    }
});

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
