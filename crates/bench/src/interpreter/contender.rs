//! Who runs the programs.

use netloom_abi::Object;
use netloom_vm::{Context, Cpu, Machine, Options};
use serde::Serialize;

use super::program::Program;
use crate::error::BenchError;

/// Runs a program once and gives its result.
pub(crate) type Runner = Box<dyn FnMut() -> Result<u64, String>>;

/// An interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Contender {
    Netloom,
    #[cfg(feature = "peers")]
    Rbpf,
    #[cfg(feature = "peers")]
    Sbpf,
}

impl Contender {
    /// Ours first.
    pub(crate) const ALL: &[Self] = &[
        Self::Netloom,
        #[cfg(feature = "peers")]
        Self::Rbpf,
        #[cfg(feature = "peers")]
        Self::Sbpf,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Netloom => "netloom",
            #[cfg(feature = "peers")]
            Self::Rbpf => "rbpf",
            #[cfg(feature = "peers")]
            Self::Sbpf => "solana-sbpf",
        }
    }

    /// The program, ready to run; or why it can not.
    pub(crate) fn prepare(
        self,
        program: &Program,
        object: &Object,
        memory: &[u8],
    ) -> Result<Result<Runner, String>, BenchError> {
        match self {
            Self::Netloom => netloom(program, object, memory.to_vec()).map(Ok),
            #[cfg(feature = "peers")]
            Self::Rbpf => Ok(super::peers::rbpf(object, memory)),
            #[cfg(feature = "peers")]
            Self::Sbpf => Ok(super::peers::sbpf(object, memory)),
        }
    }
}

fn netloom(program: &Program, object: &Object, mut memory: Vec<u8>) -> Result<Runner, BenchError> {
    let (machine, mut cpu) = machine(program, object)?;
    Ok(Box::new(move || {
        machine.run(&mut cpu, 0, Context::Memory(&mut memory)).map_err(|fault| fault.to_string())
    }))
}

/// Instructions that one run executes.
pub(crate) fn count(
    program: &Program,
    object: &Object,
    mut memory: Vec<u8>,
) -> Result<u64, BenchError> {
    let (machine, mut cpu) = machine(program, object)?;
    machine.run(&mut cpu, 0, Context::Memory(&mut memory)).map_err(BenchError::Fault)?;
    Ok(cpu.executed())
}

fn machine(program: &Program, object: &Object) -> Result<(Machine, Cpu), BenchError> {
    let machine = Machine::new(object, Options::default()).map_err(BenchError::Machine)?;
    (program.fill)(&machine);
    Ok((machine, Cpu::new(0)))
}
