//! The running kernel, by `BPF_PROG_TEST_RUN`.

use std::fmt;

use netloom_abi::{MapKind, MapSpec, Object};
use netloom_isa::{Builder, Callee, Insn, Reg, Size, decode};
use netloom_kernel::{LoadError, LoadOptions, Loaded, Vmlinux, load_object};
use netloom_sys::bpf::{BpfError, RunInput};

use super::{Engine, Reply};
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

impl Kernel {
    pub(crate) fn load(&self, object: &Object) -> Result<Loaded, KernelError> {
        let options = LoadOptions { vmlinux: &self.vmlinux, reuse: &[] };
        load_object(object, &options).map_err(KernelError::Load)
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

impl Engine for Kernel {
    fn name(&self) -> &str {
        "kernel"
    }

    fn run_bytes(&mut self, program: &[u8], memory: &[u8]) -> Reply<u64> {
        let insns = match decode(program) {
            Ok(insns) => insns,
            Err(error) => return Reply::Refused(format!("cannot decode the program: {error}")),
        };
        if let Some(what) = insns.iter().find_map(foreign) {
            return Reply::Unable(what.into());
        }
        match self.call(insns, memory) {
            Ok(result) => Reply::Result(result),
            Err(KernelError::Load(error @ (LoadError::Refused(_) | LoadError::TooComplex(_)))) => {
                Reply::Refused(error.to_string())
            }
            Err(error) => Reply::Unable(error.to_string()),
        }
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
