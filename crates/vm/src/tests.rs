//! Tests of whole programs, by subject.

use netloom_abi::{AttachType, MapKind, MapSpec, Object, Program, ProgramType};
use netloom_isa::{Builder, Insn};

use crate::{Context, Cpu, Fault, Machine, Options};

mod any_program;
mod arithmetic;
mod calls_out;
mod embedded;
mod flow;
mod memory;
mod netfilter;
mod xdp;

fn program(insns: Vec<Insn>) -> Program {
    Program {
        name: "test".into(),
        kind: ProgramType::SocketFilter,
        attach: AttachType::NONE,
        license: "GPL".into(),
        insns,
        functions: vec![],
        relocs: vec![],
    }
}

fn spec(name: &str, kind: MapKind, value_size: u32, max_entries: u32) -> MapSpec {
    let key_size = if kind == MapKind::RingBuf { 0 } else { 4 };
    MapSpec::new(name, kind, key_size, value_size, max_entries)
}

fn machine(insns: Vec<Insn>, maps: Vec<MapSpec>) -> Machine {
    let object = Object { maps, programs: vec![program(insns)] };
    Machine::new(&object, Options::default()).expect("consistent")
}

/// Runs with 16 zero bytes of memory.
fn run(insns: Vec<Insn>) -> Result<u64, Fault> {
    machine(insns, vec![]).run(&mut Cpu::new(0), 0, Context::Memory(&mut [0; 16]))
}

fn build<T>(write: impl FnOnce(&mut Builder) -> T) -> Vec<Insn> {
    let mut builder = Builder::new();
    write(&mut builder);
    builder.finish().expect("labels are placed")
}
