//! The interpreter with any program, any limit and every kind of context.
//!
//! A run ends, with a result or a fault that names an instruction of the program. It depends on its
//! input alone: a CPU that another program has used gives the same result, and leaves the same
//! memory and maps, as a new one. It writes nothing outside of what it was given.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netloom_abi::{AttachType, MapKind, MapSpec, Object, Program, ProgramType};
use netloom_fuzz::program::repaired;
use netloom_isa::{AluOp, Builder, Insn, Reg, Size, numbered};
use netloom_maps::Map;
use netloom_vm::{
    Conntrack, Context, Cpu, Device, Family, Fault, FaultKind, Hook, Machine, NetfilterInput,
    Options, Route, XdpInput,
};

/// Bytes before and behind the program's memory, which it must not touch.
const MARGIN: usize = 32;
const CANARY: u8 = 0xc5;

/// How the program is run; the first four bytes of the input say it.
#[derive(Clone, Copy)]
struct Setting {
    kind: ProgramType,
    insns_max: u64,
    /// Bytes of plain memory, or of the frame.
    memory_bytes: usize,
}

/// What a run gave and what it left behind.
#[derive(Debug, PartialEq)]
struct Ending {
    result: Result<u64, Fault>,
    executed: u64,
    memory: Vec<u8>,
    maps: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
}

fuzz_target!(|bytes: &[u8]| {
    let [kind, limit_low, limit_high, memory, slots @ ..] = bytes else { return };
    let kinds = [
        ProgramType::SocketFilter,
        ProgramType::Xdp,
        ProgramType::Netfilter,
        ProgramType::SchedCls,
        ProgramType::Syscall,
    ];
    let setting = Setting {
        kind: kinds[usize::from(*kind) % kinds.len()],
        insns_max: u16::from_le_bytes([*limit_low, *limit_high]).into(),
        memory_bytes: usize::from(*memory) % 128,
    };
    let insns = repaired(slots);
    let mut cpu = Cpu::new(0);
    let first = run(&mut cpu, &insns, setting);
    check(&first, &insns, setting);
    run(&mut cpu, &scribble(), Setting { insns_max: 1_000, ..setting });
    assert_eq!(run(&mut cpu, &insns, setting), first, "on a used CPU");
    // A limit that was not reached makes no difference.
    if !matches!(&first.result, Err(Fault { kind: FaultKind::Budget { .. }, .. })) {
        let wide = Setting { insns_max: 1 << 20, ..setting };
        assert_eq!(run(&mut Cpu::new(0), &insns, wide), first, "with a wide limit");
    }
});

fn check(ending: &Ending, insns: &[Insn], setting: Setting) {
    // The limit is looked at where control flow joins, so a straight stretch may run over it.
    assert!(ending.executed <= setting.insns_max + insns.len() as u64 + 1);
    if let Err(fault) = &ending.result {
        assert!(!fault.to_string().is_empty());
        if let Some(insn) = fault.insn {
            let there = numbered(insns).find(|(pc, _)| *pc == fault.pc);
            assert_eq!(there.map(|(_, there)| *there), Some(insn), "{fault}");
        }
    }
}

/// Runs the program on fresh maps and memory.
fn run(cpu: &mut Cpu, insns: &[Insn], setting: Setting) -> Ending {
    let object = Object { maps: maps(), programs: vec![program(insns, setting.kind)] };
    let machine = Machine::new(&object, Options::default()).expect("the object is consistent");
    cpu.limits.insns_max = setting.insns_max;
    cpu.seed(1);
    let mut memory = vec![CANARY; setting.memory_bytes + 2 * MARGIN];
    let inside = MARGIN..MARGIN + setting.memory_bytes;
    let given = &mut memory[inside.clone()];
    given.iter_mut().zip(0x40..).for_each(|(byte, value)| *byte = value);
    let result = match setting.kind {
        ProgramType::Netfilter => {
            let device = Device::new("eth0", 2).expect("a short name");
            let input = netfilter(given, &device);
            machine.run(cpu, 0, Context::Netfilter(&input))
        }
        ProgramType::Xdp => {
            let (ingress_ifindex, rx_queue_index, egress_ifindex) = (3, 1, 0);
            let input = XdpInput { frame: given, ingress_ifindex, rx_queue_index, egress_ifindex };
            machine.run(cpu, 0, Context::Xdp(input))
        }
        _ => machine.run(cpu, 0, Context::Memory(given)),
    };
    let outside = memory[..inside.start].iter().chain(&memory[inside.end..]);
    assert!(outside.copied().all(|byte| byte == CANARY), "a write outside the memory");
    let maps = machine.maps().iter().flat_map(contents).collect();
    Ending { result, executed: cpu.executed(), memory, maps }
}

fn netfilter<'a>(frame: &'a [u8], device: &'a Device) -> NetfilterInput<'a> {
    let mut input = NetfilterInput::new(frame, Family::Ipv4, Hook::LocalIn);
    input.in_device = Some(device);
    input.link_bytes = if frame.len() >= 14 { 14 } else { 0 };
    input.conntrack = Conntrack::Tracked { info: 1, status: 2 };
    input.route = Route::Ipv4 { rt_type: 2 };
    input
}

/// A map's keys with their values, one per CPU where the map has several; records of a ring.
fn contents(map: &Map) -> Vec<(Vec<u8>, Vec<Vec<u8>>)> {
    let value = |key: &[u8]| map.lookup_percpu(key).or_else(|_| Ok(vec![map.lookup(key)?]));
    if let Some(ring) = map.ring() {
        return vec![(Vec::new(), std::iter::from_fn(|| ring.take()).collect())];
    }
    let mut all: Vec<_> = map
        .keys()
        .map(|key| {
            let values = value(&key).unwrap_or_else(|_: netloom_maps::MapError| Vec::new());
            (key, values)
        })
        .collect();
    all.sort();
    all
}

/// One of each kind of map that programs can address.
fn maps() -> Vec<MapSpec> {
    let programs = MapSpec {
        initial: vec![vec![0; 4]],
        ..MapSpec::new("programs", MapKind::ProgArray, 4, 4, 2)
    };
    vec![
        MapSpec::new("array", MapKind::Array, 4, 12, 3),
        MapSpec::new("hash", MapKind::Hash, 4, 8, 2),
        MapSpec::new("per_cpu", MapKind::PercpuArray, 4, 8, 2),
        MapSpec::new("ring", MapKind::RingBuf, 0, 0, 4096),
        programs,
    ]
}

fn program(insns: &[Insn], kind: ProgramType) -> Program {
    Program {
        name: "fuzzed".into(),
        kind,
        attach: AttachType::NONE,
        license: "GPL".into(),
        insns: insns.to_vec(),
        functions: Vec::new(),
        relocs: Vec::new(),
    }
}

/// A program that fills all stack frames a run can have, and all registers.
fn scribble() -> Vec<Insn> {
    let mut builder = Builder::new();
    let function = builder.label();
    builder.place(function);
    for slot in 1..=64 {
        builder.store(Size::Dw, Reg::R10, -8 * slot, 0x5a5a_5a5a);
    }
    for register in [Reg::R6, Reg::R7, Reg::R8, Reg::R9] {
        builder.alu(AluOp::Mov, register, -1);
    }
    // It calls itself until the frames are used up, which is a fault.
    builder.call(function);
    builder.exit();
    builder.finish().expect("the label is placed")
}
