//! Rules from any text, up to the first zero byte, and any packet behind it: what the compiler accepts
//! links, loads, and runs on the packet at every hook without a fault, to a verdict.

#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use netloom_firewall::model::{Family, Ruleset, TableName};
use netloom_firewall::parse::{ParseOptions, parse};
use netloom_firewall::{Hook, Leniency, Point, Role, Slots, add_prefilter, compile, prepare};
use netloom_vm::{Clock, Conntrack, Context, Cpu, Device, Machine, NetfilterInput, Options, Route};

/// Bytes of an Ethernet header, which the programs see where there is a device.
const LINK_BYTES: u8 = 14;

/// The machine's hooks in the order of [`Hook`].
const HOOKS: [netloom_vm::Hook; 5] = [
    netloom_vm::Hook::PreRouting,
    netloom_vm::Hook::LocalIn,
    netloom_vm::Hook::Forward,
    netloom_vm::Hook::LocalOut,
    netloom_vm::Hook::PostRouting,
];

/// The shortest packet that the kernel shows to its tables, of either family.
const PACKET_BYTES_MIN: usize = 40;

fuzz_target!(|bytes: &[u8]| {
    let split = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (text, behind) = bytes.split_at(split);
    let mut packet = behind.get(1..).unwrap_or_default().to_vec();
    packet.resize(packet.len().max(PACKET_BYTES_MIN), 0);
    if let Ok(parsed) = parse(text, ParseOptions::default()) {
        check(&parsed.ruleset, &packet);
    }
});

fn check(ruleset: &Ruleset, packet: &[u8]) {
    let leniency = Leniency { skip_unsupported: true, reject_as_drop: true };
    let Ok(planned) = prepare(ruleset, leniency) else { panic!("leniency refuses nothing") };
    let slots = Slots::assign(&[ruleset], &Slots::default(), &HashSet::new());
    let planned = [planned];
    let Ok(mut compiled) = compile(&planned, &slots) else { return };
    let machine = Machine::new(&compiled.object, Options::default()).expect("our own programs");
    let mut cpu = Cpu::new(0);
    cpu.set_clock(Clock::Fixed(1 << 40));
    for (index, role) in (0..).zip(&compiled.programs) {
        let Role::Chain(family, point) = *role else { panic!("no pre-filter was asked for") };
        let verdict = run(&machine, &mut cpu, index, (family, point), packet);
        // `NF_DROP` and `NF_ACCEPT`.
        assert!(verdict <= 1, "verdict {verdict} at {point:?}");
    }
    // It asks for the kernel's own structures, so the machine does not link it.
    add_prefilter(&mut compiled, &planned, &slots).expect("no longer than the exact programs");
}

fn run(
    machine: &Machine,
    cpu: &mut Cpu,
    index: u32,
    (family, point): (Family, Point),
    packet: &[u8],
) -> u64 {
    let device = Device::new("eth0", 2).expect("a short name");
    let mut frame = vec![0; usize::from(LINK_BYTES)];
    frame.extend_from_slice(packet);
    let family = match family {
        Family::V4 => netloom_vm::Family::Ipv4,
        Family::V6 => netloom_vm::Family::Ipv6,
    };
    let mut input = NetfilterInput::new(&frame, family, HOOKS[point.hook as usize]);
    input.link_bytes = LINK_BYTES.into();
    input.in_device = (point.hook != Hook::Output).then_some(&device);
    input.out_device = point.hook.is_routed().then_some(&device);
    input.mark = packet[1].into();
    if point.table != TableName::Raw {
        input.conntrack = Conntrack::Tracked { info: packet[0] % 8, status: packet[2].into() };
    }
    if point.hook.is_routed() {
        input.route = Route::Ipv4 { rt_type: 1 };
    }
    let result = machine.run(cpu, index, Context::Netfilter(&input));
    result.unwrap_or_else(|fault| panic!("{point:?}: {fault}"))
}
