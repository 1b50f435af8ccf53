//! Programs on given packets.

use netloom_abi::{FieldPart, ProgramType, Reloc, RelocKind, xdp};
use netloom_isa::{AluOp, Cond, Reg, Size};
use netloom_kernel::{Family, Hook, NetfilterRun, RunError, run_netfilter, run_xdp};

use crate::scene::{NF_ACCEPT, always, load, privileged, program};

fn field(pc: netloom_isa::Pc, structure: &str, path: &str) -> Reloc {
    let (structure, path) = (structure.to_owned(), path.to_owned());
    Reloc { pc, kind: RelocKind::Field { structure, path, part: FieldPart::Offset } }
}

/// Accepts only at `hook` of `family`, with the devices that a test run has at every hook.
fn only_at(family: Family, hook: Hook) -> netloom_abi::Program {
    let mut relocs = Vec::new();
    let mut built = program("only", ProgramType::Netfilter, Vec::new(), Vec::new(), |b| {
        let other = b.label();
        relocs.push(field(b.load(Size::Dw, Reg::R6, Reg::R1, 0), "bpf_nf_ctx", "state"));
        relocs.push(field(b.load(Size::B, Reg::R2, Reg::R6, 0), "nf_hook_state", "hook"));
        b.jump_if(Cond::Ne, Reg::R2, i32::from(hook as u8), other);
        relocs.push(field(b.load(Size::B, Reg::R2, Reg::R6, 0), "nf_hook_state", "pf"));
        b.jump_if(Cond::Ne, Reg::R2, i32::from(family as u8), other);
        for (pointer, wrong) in [("in", Cond::Ne), ("out", Cond::Eq), ("net", Cond::Ne)] {
            relocs.push(field(b.load(Size::Dw, Reg::R2, Reg::R6, 0), "nf_hook_state", pointer));
            b.jump_if(wrong, Reg::R2, 0, other);
        }
        b.mov(Reg::R0, NF_ACCEPT);
        b.exit();
        b.place(other);
        b.mov(Reg::R0, 0);
        b.exit();
    });
    built.relocs = relocs;
    built
}

fn at(family: Family, hook: Hook, packet: &[u8]) -> NetfilterRun<'_> {
    NetfilterRun { family, hook, packet, addresses: [0; 12], repeat: 1 }
}

#[test]
fn a_netfilter_run_is_at_the_hook_it_is_told() {
    if !privileged() {
        return;
    }
    for family in Family::ALL {
        let version = if family == Family::Ipv4 { 0x45 } else { 0x60 };
        for hook in Hook::ALL {
            let loaded = load(Vec::new(), vec![only_at(family, hook)]);
            for told in Hook::ALL {
                let run = run_netfilter(&loaded.programs[0], &at(family, told, &[version; 60]));
                let accepted = run.unwrap().verdict == 1;
                assert_eq!(accepted, told == hook, "{family} {hook} run at {told}");
            }
        }
    }
}

#[test]
fn a_netfilter_packet_has_at_least_its_header_and_at_most_a_page() {
    if !privileged() {
        return;
    }
    let loaded = load(Vec::new(), vec![always(ProgramType::Netfilter, NF_ACCEPT)]);
    for (family, least) in [(Family::Ipv4, 20), (Family::Ipv6, 40)] {
        let run = |bytes: usize| {
            let packet = vec![0x45; bytes];
            run_netfilter(&loaded.programs[0], &at(family, Hook::LocalIn, &packet))
        };
        assert_eq!(run(least).unwrap().verdict, 1);
        assert_eq!(run(least - 1), Err(RunError::TooShort { actual: least - 1, least }));
        assert_eq!(run(3500).unwrap().verdict, 1);
        assert!(matches!(run(4096), Err(RunError::Bpf(_))));
    }
}

/// `skb->pkt_type` is `PACKET_HOST` 0, `PACKET_MULTICAST` 2 or `PACKET_OTHERHOST` 3; never
/// `PACKET_BROADCAST` 1, because loopback has another broadcast address than Ethernet.
#[test]
fn the_ethernet_addresses_decide_whose_packet_it_is() {
    if !privileged() {
        return;
    }
    let field = |pc, structure: &str, path: &str, part| Reloc {
        pc,
        kind: RelocKind::Field { structure: structure.into(), path: path.into(), part },
    };
    for (first, kind) in [(0u8, 0), (0xff, 2), (0x01, 2), (0x02, 3)] {
        let mut relocs = Vec::new();
        let mut built = program("whose", ProgramType::Netfilter, Vec::new(), Vec::new(), |b| {
            let other = b.label();
            let skb = b.load(Size::Dw, Reg::R6, Reg::R1, 0);
            relocs.push(field(skb, "bpf_nf_ctx", "skb", FieldPart::Offset));
            let byte = b.load(Size::B, Reg::R2, Reg::R6, 0);
            relocs.push(field(byte, "sk_buff", "pkt_type", FieldPart::BitByte));
            let shift = b.alu(AluOp::Rsh, Reg::R2, 0);
            relocs.push(field(shift, "sk_buff", "pkt_type", FieldPart::BitShift));
            b.alu(AluOp::And, Reg::R2, 7);
            b.mov(Reg::R0, 0);
            b.jump_if(Cond::Ne, Reg::R2, kind, other);
            b.mov(Reg::R0, NF_ACCEPT);
            b.place(other);
            b.exit();
        });
        built.relocs = relocs;
        let loaded = load(Vec::new(), vec![built]);
        let mut addresses = [0; 12];
        addresses[..6].fill(first);
        let run = NetfilterRun { addresses, ..at(Family::Ipv4, Hook::LocalIn, &[0x45; 60]) };
        assert_eq!(run_netfilter(&loaded.programs[0], &run).unwrap().verdict, 1, "kind {kind}");
    }
}

#[test]
fn an_xdp_run_gives_back_verdict_and_frame() {
    if !privileged() {
        return;
    }
    let change = program("change", ProgramType::Xdp, Vec::new(), Vec::new(), |b| {
        let short = b.label();
        b.load(Size::W, Reg::R2, Reg::R1, 0);
        b.load(Size::W, Reg::R3, Reg::R1, 4);
        b.mov(Reg::R4, Reg::R2);
        b.alu(AluOp::Add, Reg::R4, 14);
        b.mov(Reg::R0, xdp::ABORTED);
        b.jump_if(Cond::Gt, Reg::R4, Reg::R3, short);
        b.store(Size::B, Reg::R2, 0, 0x77);
        b.mov(Reg::R0, xdp::TX);
        b.place(short);
        b.exit();
    });
    let loaded = load(Vec::new(), vec![change]);
    let done = run_xdp(&loaded.programs[0], &[0; 60], 1).unwrap();
    assert_eq!(done.verdict, xdp::TX.cast_unsigned());
    let mut expected = [0; 60];
    expected[0] = 0x77;
    assert_eq!(done.packet, expected);
    let short = run_xdp(&loaded.programs[0], &[0; 13], 1);
    assert_eq!(short, Err(RunError::TooShort { actual: 13, least: 14 }));
}
