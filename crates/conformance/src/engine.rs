//! What runs programs.
//!
//! An object whose runs are compared keeps two arrays of one value for the engines: map 0 holds
//! registers (`REGISTERS`), map 1 plain memory. They are filled before a run and read after it.

mod command;
mod interpreter;
mod kernel;

use netloom_abi::Object;

pub use command::Command;
pub use interpreter::Interpreter;
pub use kernel::{Kernel, KernelError};

/// Something that runs programs.
pub trait Engine {
    /// Its name in reports.
    fn name(&self) -> &str;

    /// What kind of engine it is.
    fn kind(&self) -> Kind;

    /// Runs a test of the public suite: a program on memory, for its `r0`.
    fn run_bytes(&mut self, program: &[u8], memory: &[u8]) -> Reply<u64>;

    /// Runs an object's first program on each of the inputs; whatever other maps hold stays from one
    /// run to the next.
    fn run_object(&mut self, object: &Object, inputs: &[Input]) -> Reply<Vec<Reply<Output>>>;
}

/// Kinds of engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Ours.
    Ours,
    /// A kernel: it proves a program before it runs it.
    Kernel,
    /// A plugin: it knows no maps.
    Foreign,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply<T> {
    /// With a result.
    Result(T),
    /// The engine does not take the program, and says why.
    Refused(String),
    /// The program was stopped while it ran, and the engine says why.
    Fault(String),
    /// The engine can not run such a test at all, and why.
    Unable(String),
}

/// What a run starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// The first part of map 0.
    pub registers: [u64; 10],
    /// All of map 1.
    pub memory: Vec<u8>,
    /// The packet, from its Ethernet header on.
    pub packet: Vec<u8>,
}

/// What a run leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The second part of map 0.
    pub registers: [u64; 10],
    /// The lower half of the program's own result.
    pub result: u32,
    /// All of map 1.
    pub memory: Vec<u8>,
    /// The packet; as it was, where programs can not change it.
    pub packet: Vec<u8>,
}

/// The value of map 0: ten registers before the run, ten after it.
pub(crate) struct Registers {
    /// Bytes of the value.
    pub(crate) bytes: u32,
    /// Where the second part begins.
    pub(crate) results: u32,
}

/// The one layout of map 0.
pub(crate) const REGISTERS: Registers = Registers { bytes: 160, results: 80 };

impl Input {
    /// The value of map 0 before the run.
    pub(crate) fn register_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.registers.iter().flat_map(|reg| reg.to_le_bytes()).collect();
        bytes.resize(REGISTERS.bytes as usize, 0);
        bytes
    }
}

impl Output {
    /// The registers in the value of map 0 after the run.
    pub(crate) fn set_registers(&mut self, bytes: &[u8]) {
        let after = bytes.get(REGISTERS.results as usize..).unwrap_or_default();
        for (register, bytes) in self.registers.iter_mut().zip(after.as_chunks::<8>().0) {
            *register = u64::from_le_bytes(*bytes);
        }
    }
}
