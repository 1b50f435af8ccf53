//! `BPF_PROG_TEST_RUN`: one program on given bytes.

use std::os::fd::AsFd;

use super::attr::TestRun;
use super::call::{self, RunMemory};
use super::error::{BpfError, kernel};
use super::operation::Operation;
use super::program::Program;

/// Bytes of room behind the packet for programs that grow it.
const GROWTH_BYTES: usize = 512;

/// `BPF_F_TEST_XDP_LIVE_FRAMES`.
const F_LIVE_FRAMES: u32 = 1 << 1;

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

    /// Runs an XDP program on `count` frames and does with each what the program says: a frame may be
    /// redirected to a device of the calling thread's network namespace, sent by its loopback device,
    /// or passed to its stack.
    ///
    /// Frames begin as copies of `frame`, but are used again without being restored, so a program that
    /// wants its frames equal writes every byte itself. The call takes some 30 ms besides, while the
    /// last frames come back; a frame that a full queue refuses is dropped silently.
    ///
    /// # Errors
    /// The kernel's refusal: `EINVAL` for a program of another type or a frame below 14 bytes, `EINTR`
    /// when a signal arrives.
    pub fn send_live_frames(&self, frame: &[u8], count: u32) -> Result<(), BpfError> {
        let attr = TestRun {
            prog_fd: call::raw(self.as_fd()),
            repeat: count,
            flags: F_LIVE_FRAMES,
            ..TestRun::default()
        };
        let memory =
            RunMemory { data: frame, data_out: &mut [], context: &[], context_out: &mut [] };
        let (_, result) = call::test_run(attr, memory);
        result.map_err(kernel(Operation::ProgTestRun, self.name()))
    }
}
