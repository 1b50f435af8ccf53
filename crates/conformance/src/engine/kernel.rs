//! The running kernel, by `BPF_PROG_TEST_RUN`.

use std::fmt;
use std::os::fd::{AsFd, AsRawFd};

use netloom_abi::{MapKind, MapSpec, Object, ProgramType};
use netloom_isa::{Builder, Callee, Imm64, Insn, Reg, Size, decode};
use netloom_kernel::{LoadError, Vmlinux, create_maps, load_program};
use netloom_sys::bpf::{BpfError, Map, Program, RunInput, UpdateMode};

use super::{Engine, Input, Kind, Output, Reply};
use crate::plugin::bare;

/// Bytes of an Ethernet header, below which no program is run.
const FRAME_BYTES_MIN: usize = 14;

/// The running kernel.
#[derive(Debug)]
pub struct Kernel {
    vmlinux: Vmlinux,
}

/// Why the kernel gave no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KernelError {
    /// It did not take the program.
    Load(LoadError),
    /// A map or a run failed.
    Bpf(BpfError),
}

impl Default for Kernel {
    fn default() -> Self {
        Self { vmlinux: Vmlinux::running() }
    }
}

/// An object in the kernel.
struct Loaded {
    maps: Vec<Map>,
    programs: Vec<Program>,
}

impl Kernel {
    /// Loads an object; `map[fd:N]` in its programs is made the descriptor of map N.
    fn load(&self, object: &Object) -> Result<Loaded, KernelError> {
        let specs: Vec<MapSpec> = object.maps.iter().map(without_programs).collect();
        let maps = create_maps(&specs, &[]).map_err(KernelError::Load)?;
        let mut programs = Vec::new();
        for program in &object.programs {
            let mut program = program.clone();
            program.insns.iter_mut().for_each(|insn| name_map(insn, &maps));
            let loaded = load_program(&program, &maps, &self.vmlinux).map_err(KernelError::Load)?;
            programs.push(loaded);
        }
        for (spec, map) in object.maps.iter().zip(&maps) {
            fill_programs(spec, map, &programs).map_err(KernelError::Bpf)?;
        }
        Ok(Loaded { maps, programs })
    }

    /// Runs a program of the suite as a function, whose result `main` keeps in a map: all of its 64
    /// bits, where a test run gives but 32.
    fn call(&self, insns: Vec<Insn>, memory: &[u8]) -> Result<u64, KernelError> {
        let object =
            Object { maps: maps(memory), programs: vec![bare(with_main(insns, memory.len()))] };
        let loaded = self.load(&object)?;
        let input = RunInput { data: &[0; FRAME_BYTES_MIN], ..RunInput::default() };
        loaded.programs[0].test_run(&input).map_err(KernelError::Bpf)?;
        let result = loaded.maps[0].lookup(&[0; 4]).map_err(KernelError::Bpf)?.unwrap_or_default();
        Ok(result.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)))
    }
}

impl Loaded {
    fn run(&self, kind: ProgramType, input: &Input) -> Result<Output, BpfError> {
        for (map, value) in self.maps.iter().zip([&input.register_bytes(), &input.memory]) {
            map.update(&[0; 4], value, UpdateMode::Any)?;
        }
        let wants_data = matches!(kind, ProgramType::Xdp | ProgramType::SchedCls);
        let run = RunInput { data: &input.packet, wants_data, ..RunInput::default() };
        let done = self.programs[0].test_run(&run)?;
        let value = |map: usize| match self.maps.get(map) {
            Some(map) => map.lookup(&[0; 4]).map(Option::unwrap_or_default),
            None => Ok(Vec::new()),
        };
        let packet = if wants_data { done.data } else { input.packet.clone() };
        let mut output =
            Output { result: done.result, memory: value(1)?, packet, ..Output::default() };
        output.set_registers(&value(0)?);
        Ok(output)
    }
}

impl Engine for Kernel {
    fn name(&self) -> &str {
        "kernel"
    }

    fn kind(&self) -> Kind {
        Kind::Kernel
    }

    fn run_bytes(&mut self, program: &[u8], memory: &[u8]) -> Reply<u64> {
        let insns = match decode(program) {
            Ok(insns) => insns,
            Err(error) => return Reply::Refused(format!("cannot decode the program: {error}")),
        };
        if let Some(what) = insns.iter().find_map(foreign) {
            return Reply::Unable(what.into());
        }
        self.call(insns, memory).map_or_else(KernelError::into_reply, Reply::Result)
    }

    fn run_object(&mut self, object: &Object, inputs: &[Input]) -> Reply<Vec<Reply<Output>>> {
        let Some(kind) = object.programs.first().map(|program| program.kind) else {
            return Reply::Unable("object has no program".into());
        };
        let loaded = match self.load(object) {
            Ok(loaded) => loaded,
            Err(error) => return error.into_reply(),
        };
        let runs = inputs.iter().map(|input| match loaded.run(kind, input) {
            Ok(output) => Reply::Result(output),
            Err(error) => Reply::Fault(error.to_string()),
        });
        Reply::Result(runs.collect())
    }
}

impl KernelError {
    fn into_reply<T>(self) -> Reply<T> {
        match self {
            Self::Load(LoadError::Refused(refusal) | LoadError::TooComplex(refusal)) => {
                Reply::Refused(refusal.to_string())
            }
            error @ (Self::Load(_) | Self::Bpf(_)) => Reply::Unable(error.to_string()),
        }
    }
}

/// The map without the programs that it is to hold, which are not there yet.
fn without_programs(spec: &MapSpec) -> MapSpec {
    let mut spec = spec.clone();
    if spec.kind == MapKind::ProgArray {
        spec.initial.clear();
    }
    spec
}

/// Puts programs into a program array, whose initial values are their numbers in the object.
fn fill_programs(spec: &MapSpec, map: &Map, programs: &[Program]) -> Result<(), BpfError> {
    if spec.kind != MapKind::ProgArray {
        return Ok(());
    }
    for (index, number) in (0u32..).zip(&spec.initial) {
        let number = number.first_chunk().map_or(u32::MAX, |bytes| u32::from_le_bytes(*bytes));
        if let Some(program) = programs.get(number as usize) {
            map.update_object(&index.to_ne_bytes(), program)?;
        }
    }
    Ok(())
}

/// Puts a map's descriptor in the place of its number.
fn name_map(insn: &mut Insn, maps: &[Map]) {
    let Insn::LoadImm64 { value: Imm64::MapFd(number) | Imm64::MapFdValue(number, _), .. } = insn
    else {
        return;
    };
    if let Some(map) = usize::try_from(*number).ok().and_then(|number| maps.get(number)) {
        *number = map.as_fd().as_raw_fd();
    }
}

/// What in a program means something else to the kernel than to the suite.
fn foreign(insn: &Insn) -> Option<&'static str> {
    let Insn::Call(callee) = insn else { return None };
    match callee {
        Callee::Helper(_) => Some("the suite's helpers are not the kernel's"),
        Callee::Reg(_) | Callee::RegImm(_) => {
            Some("the suite's register calls are helpers by number")
        }
        Callee::Local(_) | Callee::Kfunc(..) => None,
    }
}

/// The result, and the test's memory if there is any.
fn maps(memory: &[u8]) -> Vec<MapSpec> {
    let array = |name: &str, initial: Vec<u8>| MapSpec {
        name: name.into(),
        kind: MapKind::Array,
        key_size: 4,
        value_size: u32::try_from(initial.len()).unwrap_or(u32::MAX),
        max_entries: 1,
        initial: vec![initial],
        ..MapSpec::default()
    };
    let mut maps = vec![array("result", vec![0; 8])];
    if !memory.is_empty() {
        maps.push(array("memory", memory.to_vec()));
    }
    maps
}

/// A program that calls `insns` with memory and its length, and puts the result into the first map.
fn with_main(insns: Vec<Insn>, bytes: usize) -> Vec<Insn> {
    let mut builder = Builder::new();
    let function = builder.label();
    if bytes == 0 {
        builder.mov(Reg::R1, 0);
    } else {
        builder.map_value(Reg::R1, 1, 0);
    }
    builder.constant(Reg::R2, bytes as u64);
    builder.call(function);
    builder.map_value(Reg::R1, 0, 0);
    builder.store(Size::Dw, Reg::R1, 0, Reg::R0);
    builder.mov(Reg::R0, 0);
    builder.push(Insn::Exit);
    builder.place(function);
    for insn in insns {
        builder.push(insn);
    }
    builder.finish().expect("the one label is placed")
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(source) => source.fmt(f),
            Self::Bpf(source) => source.fmt(f),
        }
    }
}

impl std::error::Error for KernelError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Load(source) => Some(source),
            Self::Bpf(source) => Some(source),
        }
    }
}
