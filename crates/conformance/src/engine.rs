//! What runs programs.

mod command;
mod interpreter;
mod kernel;

pub use command::Command;
pub use interpreter::Interpreter;
pub use kernel::{Kernel, KernelError};

/// Something that runs programs.
pub trait Engine {
    /// Its name in reports.
    fn name(&self) -> &str;

    /// Runs a test of the public suite: a program on memory, for its `r0`.
    fn run_bytes(&mut self, program: &[u8], memory: &[u8]) -> Reply<u64>;
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
