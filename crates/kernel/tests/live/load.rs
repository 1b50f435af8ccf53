//! Objects into the kernel, and what it says when they do not fit.

use std::thread;

use netloom_abi::{
    Arg, FieldPart, Helper, LinkError, Linkage, MapKind, Object, ProgramType, Reloc, RelocKind,
};
use netloom_isa::{AluOp, Callee, Cond, Insn, Pc, Reg, Size};
use netloom_kernel::{
    Family, Hook, LoadError, LoadOptions, Loaded, NetfilterRun, Vmlinux, load_object, run_netfilter,
};
use netloom_sys::bpf::{Map, UpdateMode};

use rustix::thread::CapabilitySet;

use crate::scene::{NF_ACCEPT, always, function, load, map, privileged, program};

const PACKET: [u8; 40] = [0x45; 40];

fn try_load(object: &Object, reuse: &[(&str, &Map)]) -> Result<Loaded, LoadError> {
    let vmlinux = Vmlinux::running();
    load_object(object, &LoadOptions { vmlinux: &vmlinux, reuse })
}

fn verdict(program: &netloom_sys::bpf::Program) -> u32 {
    let run = NetfilterRun {
        family: Family::Ipv4,
        hook: Hook::LocalIn,
        packet: &PACKET,
        addresses: [0; 12],
        repeat: 1,
    };
    run_netfilter(program, &run).unwrap().verdict
}

#[test]
fn initial_values_are_in_the_maps_when_the_program_runs() {
    if !privileged() {
        return;
    }
    // Only an array of one entry can be addressed directly.
    let mut array = map("array", MapKind::Array, 16, 1);
    array.initial = vec![[0u64.to_ne_bytes(), 1u64.to_ne_bytes()].concat()];
    let mut counters = map("counters", MapKind::PercpuArray, 4, 1);
    counters.initial = vec![7u32.to_ne_bytes().to_vec()];
    let read = program("read", ProgramType::Netfilter, Vec::new(), Vec::new(), |b| {
        b.map_value(Reg::R1, 0, 8);
        b.load(Size::Dw, Reg::R0, Reg::R1, 0);
        b.alu(AluOp::And, Reg::R0, 1);
        b.exit();
    });
    let loaded = load(vec![array, counters], vec![read]);
    assert_eq!(verdict(loaded.program("read").unwrap()), 1);
    let counters = loaded.map("counters").unwrap().lookup(&[0; 4]).unwrap().unwrap();
    assert!(counters.chunks(8).all(|slot| slot == [7, 0, 0, 0, 0, 0, 0, 0]));
}

#[test]
fn a_reused_map_keeps_its_contents_and_must_fit() {
    if !privileged() {
        return;
    }
    let read = program("read", ProgramType::Netfilter, Vec::new(), Vec::new(), |b| {
        b.map_value(Reg::R1, 0, 0);
        b.load(Size::Dw, Reg::R0, Reg::R1, 0);
        b.alu(AluOp::And, Reg::R0, 1);
        b.exit();
    });
    let mut spec = map("cell", MapKind::Array, 8, 1);
    let first = load(vec![spec.clone()], Vec::new());
    let cell = first.map("cell").unwrap();
    cell.update(&[0; 4], &1u64.to_ne_bytes(), UpdateMode::Any).unwrap();

    // The value that the object brings along is for a new map only.
    spec.initial = vec![vec![0; 8]];
    let mut object = Object { maps: vec![spec], programs: vec![read] };
    let second = try_load(&object, &[("cell", cell)]).unwrap();
    assert_eq!(second.map("cell").unwrap().facts().id, cell.facts().id);
    assert_eq!(verdict(&second.programs[0]), 1);

    object.maps[0].max_entries = 2;
    let error = try_load(&object, &[("cell", cell)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot reuse map cell: it has type 2, key 4 bytes, value 8 bytes, 1 entries, flags 0x0; \
         wanted is type 2, key 4 bytes, value 8 bytes, 2 entries, flags 0x0"
    );
}

#[test]
fn an_initial_value_of_another_length_is_refused() {
    if !privileged() {
        return;
    }
    let mut array = map("array", MapKind::Array, 8, 1);
    array.initial = vec![vec![0; 7]];
    let error = try_load(&Object { maps: vec![array], programs: Vec::new() }, &[]).unwrap_err();
    let expected = LoadError::Initial { map: "array".into(), index: 0, expected: 8, actual: 7 };
    assert_eq!(error, expected);
}

/// `main` gives the address of 8 bytes of its stack to a function that is verified by itself.
#[test]
fn a_global_function_takes_memory_and_context() {
    if !privileged() {
        return;
    }
    let mut callee_pc = Pc(0);
    let mut built = program("main", ProgramType::Netfilter, Vec::new(), Vec::new(), |b| {
        let (callee, absent) = (b.label(), b.label());
        b.mov(Reg::R2, Reg::R10);
        b.alu(AluOp::Add, Reg::R2, -8);
        b.store(Size::Dw, Reg::R10, -8, 41);
        b.mov(Reg::R3, 1);
        b.call(callee);
        b.alu(AluOp::Sub, Reg::R0, 41);
        // The hook accepts 0 and 1 only, and the verifier can not see through a global function.
        b.alu(AluOp::And, Reg::R0, 1);
        b.exit();
        b.place(callee);
        callee_pc = b.pc();
        b.mov(Reg::R0, 0);
        b.jump_if(Cond::Eq, Reg::R2, 0, absent);
        b.load(Size::Dw, Reg::R0, Reg::R2, 0);
        b.alu(AluOp::Add, Reg::R0, Reg::R3);
        b.place(absent);
        b.exit();
    });
    built.functions = vec![
        function("main", Pc(0), Linkage::Global, vec![Arg::Context]),
        function(
            "callee",
            callee_pc,
            Linkage::Global,
            vec![Arg::Context, Arg::Memory(8), Arg::Scalar],
        ),
    ];
    let loaded = load(Vec::new(), vec![built]);
    assert_eq!(verdict(&loaded.programs[0]), 1);
}

#[test]
fn a_global_function_that_reads_too_far_is_refused_with_its_reason() {
    if !privileged() {
        return;
    }
    let mut callee_pc = Pc(0);
    let mut built = program("main", ProgramType::Netfilter, Vec::new(), Vec::new(), |b| {
        let (callee, absent) = (b.label(), b.label());
        b.mov(Reg::R1, Reg::R10);
        b.alu(AluOp::Add, Reg::R1, -8);
        b.store(Size::Dw, Reg::R10, -8, 0);
        b.call(callee);
        b.mov(Reg::R0, NF_ACCEPT);
        b.exit();
        b.place(callee);
        callee_pc = b.pc();
        b.mov(Reg::R0, 0);
        b.jump_if(Cond::Eq, Reg::R1, 0, absent);
        b.load(Size::Dw, Reg::R0, Reg::R1, 8);
        b.place(absent);
        b.exit();
    });
    built.functions = vec![
        function("main", Pc(0), Linkage::Global, vec![Arg::Context]),
        function("callee", callee_pc, Linkage::Global, vec![Arg::Memory(8)]),
    ];
    let error = try_load(&Object { maps: Vec::new(), programs: vec![built] }, &[]).unwrap_err();
    let LoadError::Refused(refusal) = error else { panic!("{error}") };
    assert!(refusal.summary.contains("invalid access to memory"), "{}", refusal.log);
    assert_eq!(refusal.pc, Some(Pc(callee_pc.0 + 2)));
}

#[test]
fn fields_and_kernel_functions_are_linked_by_name() {
    if !privileged() {
        return;
    }
    let field = |pc, structure: &str, path: &str| Reloc {
        pc,
        kind: RelocKind::Field {
            structure: structure.to_owned(),
            path: path.to_owned(),
            part: FieldPart::Offset,
        },
    };
    let mut relocs = Vec::new();
    let built = program("fields", ProgramType::Netfilter, Vec::new(), Vec::new(), |b| {
        relocs.push(field(b.load(Size::Dw, Reg::R2, Reg::R1, 0), "bpf_nf_ctx", "skb"));
        relocs.push(field(b.load(Size::W, Reg::R6, Reg::R2, 0), "sk_buff", "len"));
        b.mov(Reg::R1, Reg::R2);
        let id = b.mov(Reg::R2, 0);
        relocs.push(Reloc { pc: id, kind: RelocKind::StructId("sk_buff".into()) });
        let call = b.push(Insn::Call(Callee::Kfunc(0, 0)));
        relocs.push(Reloc { pc: call, kind: RelocKind::Kfunc("bpf_rdonly_cast".into()) });
        relocs.push(field(b.load(Size::W, Reg::R0, Reg::R0, 0), "sk_buff", "len"));
        let different = b.label();
        b.jump_if(Cond::Ne, Reg::R0, Reg::R6, different);
        b.mov(Reg::R0, 0);
        b.jump_if(Cond::Ne, Reg::R6, 40, different);
        b.mov(Reg::R0, NF_ACCEPT);
        b.exit();
        b.place(different);
        b.mov(Reg::R0, 0);
        b.exit();
    });
    let loaded = load(Vec::new(), vec![netloom_abi::Program { relocs, ..built }]);
    assert_eq!(verdict(&loaded.programs[0]), 1);
}

#[test]
fn a_kernel_function_that_is_not_there_is_named() {
    let relocs = vec![Reloc { pc: Pc(0), kind: RelocKind::Kfunc("netloom_absent".into()) }];
    let built = program("absent", ProgramType::Netfilter, Vec::new(), relocs, |b| {
        b.push(Insn::Call(Callee::Kfunc(0, 0)));
        b.exit();
    });
    let error = try_load(&Object { maps: Vec::new(), programs: vec![built] }, &[]).unwrap_err();
    let LoadError::Link { source: LinkError::Missing { what, .. }, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(what, "function netloom_absent");
}

#[test]
fn a_refusal_names_instruction_and_reason() {
    if !privileged() {
        return;
    }
    let built = program("wrong", ProgramType::Netfilter, Vec::new(), Vec::new(), |b| {
        b.mov(Reg::R0, 0);
        b.load(Size::Dw, Reg::R0, Reg::R1, 100);
        b.exit();
    });
    let error = try_load(&Object { maps: Vec::new(), programs: vec![built] }, &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the kernel refuses program wrong at instruction 1: \
         invalid bpf_context access off=100 size=8"
    );
}

/// More forks than the verifier keeps pending at once (8,192).
#[test]
fn a_program_with_too_many_paths_is_told_apart() {
    if !privileged() {
        return;
    }
    let built = program("paths", ProgramType::Netfilter, Vec::new(), Vec::new(), |b| {
        b.call_helper(Helper::GetPrandomU32.id());
        b.mov(Reg::R6, Reg::R0);
        for value in 0..9000 {
            let next = b.label();
            b.jump_if(Cond::Eq, Reg::R6, value, next);
            b.mov(Reg::R0, 0);
            b.place(next);
        }
        b.mov(Reg::R0, NF_ACCEPT);
        b.exit();
    });
    let error = try_load(&Object { maps: Vec::new(), programs: vec![built] }, &[]).unwrap_err();
    let LoadError::TooComplex(refusal) = error else { panic!("{error:?}") };
    assert!(refusal.summary.contains("too complex"), "{refusal}");
}

#[test]
fn nothing_is_left_of_an_object_whose_last_program_is_refused() {
    if !privileged() {
        return;
    }
    let name = format!("left{}", std::process::id() % 100_000);
    let wrong = program("wrong", ProgramType::Netfilter, Vec::new(), Vec::new(), |b| {
        b.exit();
    });
    let good = always(ProgramType::Netfilter, NF_ACCEPT);
    let object =
        Object { maps: vec![map(&name, MapKind::Array, 8, 1)], programs: vec![good, wrong] };
    try_load(&object, &[]).unwrap_err();
    // The kernel frees a map some time after its last descriptor is closed.
    let there = || {
        netloom_sys::bpf::map_ids()
            .filter_map(|id| Map::by_id(id.ok()?).ok())
            .any(|map| map.name() == name)
    };
    for _ in 0..100 {
        if !there() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("map {name} is still there");
}

#[test]
fn a_load_without_privilege_names_what_is_missing() {
    let object =
        Object { maps: Vec::new(), programs: vec![always(ProgramType::Netfilter, NF_ACCEPT)] };
    // Capabilities are a thread's own.
    let error = thread::scope(|scope| {
        let unprivileged = scope.spawn(|| {
            let mut sets = rustix::thread::capabilities(None).unwrap();
            sets.effective = CapabilitySet::empty();
            rustix::thread::set_capabilities(None, sets).unwrap();
            try_load(&object, &[]).unwrap_err()
        });
        unprivileged.join().unwrap()
    });
    assert_eq!(
        error.to_string(),
        "not permitted to load program always: needs CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON"
    );
}
