//! `BPF_PROG_TEST_RUN`: one program on given bytes.

use std::os::fd::AsFd;

use super::attr::TestRun;
use super::call::{self, RunMemory};
use super::error::{BpfError, kernel};
use super::operation::Operation;
use super::program::Program;

/// Bytes of room behind the packet for programs that grow it.
const GROWTH_BYTES: usize = 512;

/// What a program is run on.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunInput<'a> {
    /// The packet; empty for none.
    pub data: &'a [u8],
    /// The context, in the layout of the program type; empty for the kernel's default.
    pub context: &'a [u8],
    /// Times to run; 0 counts as 1. The packet is not restored in between.
    pub repeat: u32,
    /// Whether the packet after the run is wanted.
    pub wants_data: bool,
    /// Whether the context after the run is wanted.
    pub wants_context: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunOutput {
    /// The program's result.
    pub result: u32,
    /// Mean time of a run.
    pub duration_ns: u32,
    /// The packet afterwards, if it was wanted.
    pub data: Vec<u8>,
    /// The context afterwards, if it was wanted.
    pub context: Vec<u8>,
}

impl Program {
    /// Runs the program on given data, attached nowhere.
    ///
    /// # Errors
    /// The kernel's refusal: `EINVAL` for a packet or context that the program type does not take,
    /// `ENOTSUPP` (524) where the type has no test runs.
    pub fn test_run(&self, input: &RunInput<'_>) -> Result<RunOutput, BpfError> {
        let room = |wanted: bool, bytes: usize| vec![0; if wanted { bytes } else { 0 }];
        let mut data = room(input.wants_data, input.data.len() + GROWTH_BYTES);
        let mut context = room(input.wants_context, input.context.len());
        let attr = TestRun {
            prog_fd: call::raw(self.as_fd()),
            repeat: input.repeat,
            ..TestRun::default()
        };
        let memory = RunMemory {
            data: input.data,
            data_out: &mut data,
            context: input.context,
            context_out: &mut context,
        };
        let (attr, result) = call::test_run(attr, memory);
        result.map_err(kernel(Operation::ProgTestRun, self.name()))?;
        data.truncate(attr.data_size_out as usize);
        context.truncate(attr.ctx_size_out as usize);
        Ok(RunOutput { result: attr.retval, duration_ns: attr.duration, data, context })
    }
}
