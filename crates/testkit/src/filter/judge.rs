//! One program on the frames of a capture, in every engine that can run it.
//!
//! The interpreter stands in the middle. With the length that frames had on the link it must say
//! what tcpdump says. Every other engine knows only the bytes that it is given, so with the captured
//! length the interpreter must say what they say.

use std::{error, fmt};

use netloom_cbpf::{Insn, Packet, Program, Raw, encode, run};
use netloom_packet::capture::Record;
use netloom_sys::socket_filter::{FilterInsn, FilteredPair, SocketFilterError};

use super::translated::{self, TranslatedError};

/// Who judges frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// `netloom_cbpf::run`, against tcpdump; all others, against this one.
    Interpreter,
    /// The kernel's socket filter.
    Socket,
    /// The translation for plain memory in our virtual machine.
    Machine,
    /// The translation for XDP in our virtual machine.
    MachineXdp,
    /// The translation for sockets, as the filter of one.
    Attached,
    /// The translation for sockets in the kernel's test run.
    TestRun,
    /// The translation for XDP in the kernel's test run.
    TestRunXdp,
}

impl Engine {
    /// Those that need no privilege.
    pub const UNPRIVILEGED: [Self; 4] =
        [Self::Interpreter, Self::Socket, Self::Machine, Self::MachineXdp];
    /// All.
    pub const ALL: [Self; 7] = [
        Self::Interpreter,
        Self::Socket,
        Self::Machine,
        Self::MachineXdp,
        Self::Attached,
        Self::TestRun,
        Self::TestRunXdp,
    ];
}

/// An engine's verdict that is not the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// The engine.
    pub engine: Engine,
    /// Number of the frame in the capture.
    pub frame: usize,
    /// What was expected, in words.
    pub expected: String,
    /// What came out, in words.
    pub actual: String,
}

/// Why frames were not judged, or not well.
#[derive(Debug)]
pub enum JudgeError {
    /// Two engines differ.
    Disagreement(Disagreement),
    /// The kernel does not take the program or a frame.
    Socket(SocketFilterError),
    /// The translation does not run.
    Translated {
        /// Where.
        engine: Engine,
        /// Why.
        error: TranslatedError,
    },
}

/// Runs a program on all frames, in each of the engines.
///
/// `matched` is what tcpdump says of each frame, where its verdict counts.
///
/// # Errors
/// [`JudgeError`].
pub fn judge(
    program: &Program,
    records: &[Record],
    matched: Option<&[bool]>,
    engines: &[Engine],
) -> Result<(), JudgeError> {
    let verdicts: Vec<u32> =
        records.iter().map(|record| run(program, &Packet::new(&record.data))).collect();
    for engine in engines {
        match engine {
            Engine::Interpreter => judge_interpreter(program, records, matched),
            Engine::Socket | Engine::Attached => judge_socket(*engine, program, records, &verdicts),
            Engine::Machine | Engine::MachineXdp | Engine::TestRun | Engine::TestRunXdp => {
                judge_translation(*engine, program, records, &verdicts)
            }
        }?;
    }
    Ok(())
}

/// Whether the kernel takes instructions, valid or not, as a socket filter.
pub fn loads(insns: &[Insn]) -> bool {
    FilteredPair::new().is_ok_and(|pair| pair.attach(&foreign(insns)).is_ok())
}

fn foreign(insns: &[Insn]) -> Vec<FilterInsn> {
    let insn = |raw: Raw| FilterInsn { code: raw.code, jt: raw.jt, jf: raw.jf, k: raw.k };
    encode(insns).into_iter().map(insn).collect()
}

fn judge_interpreter(
    program: &Program,
    records: &[Record],
    matched: Option<&[bool]>,
) -> Result<(), JudgeError> {
    let Some(matched) = matched else { return Ok(()) };
    for (frame, (record, expected)) in records.iter().zip(matched).enumerate() {
        let packet = Packet { length: record.orig_len, ..Packet::new(&record.data) };
        let verdict = run(program, &packet);
        if (verdict != 0) != *expected {
            let expected = if *expected { "a match" } else { "no match" };
            return Err(differs(Engine::Interpreter, frame, expected, verdict));
        }
    }
    Ok(())
}

/// The socket keeps as many bytes as the verdict says, of those there are.
fn judge_socket(
    engine: Engine,
    program: &Program,
    records: &[Record],
    verdicts: &[u32],
) -> Result<(), JudgeError> {
    let pair = filtered(engine, program)?;
    let longest = records.iter().map(|record| record.data.len()).max().unwrap_or(0);
    let mut kept = vec![0; longest];
    for (frame, (record, verdict)) in records.iter().zip(verdicts).enumerate() {
        let actual = pair.pass(&record.data, &mut kept).map_err(JudgeError::Socket)?;
        let limit = usize::try_from(*verdict).unwrap_or(usize::MAX);
        let expected = (*verdict != 0).then_some(limit.min(record.data.len()));
        if actual != expected {
            let in_words = |kept: Option<usize>| match kept {
                Some(bytes) => format!("{bytes} bytes kept"),
                None => "refused".to_owned(),
            };
            return Err(differs(engine, frame, in_words(expected), in_words(actual)));
        }
    }
    Ok(())
}

/// A pair for one program: a socket pays for the filter that it has and for the next one.
fn filtered(engine: Engine, program: &Program) -> Result<FilteredPair, JudgeError> {
    let pair = FilteredPair::new().map_err(JudgeError::Socket)?;
    if engine == Engine::Attached {
        let loaded = translated::for_sockets(program)
            .map_err(|error| JudgeError::Translated { engine, error })?;
        pair.attach_program(&loaded).map_err(JudgeError::Socket)?;
    } else {
        pair.attach(&foreign(program)).map_err(JudgeError::Socket)?;
    }
    Ok(pair)
}

fn judge_translation(
    engine: Engine,
    program: &Program,
    records: &[Record],
    verdicts: &[u32],
) -> Result<(), JudgeError> {
    let run = match engine {
        Engine::MachineXdp => translated::in_machine_as_xdp,
        Engine::TestRun => translated::in_kernel,
        Engine::TestRunXdp => translated::in_kernel_as_xdp,
        Engine::Interpreter | Engine::Socket | Engine::Attached | Engine::Machine => {
            translated::in_machine
        }
    };
    let results =
        run(program, records).map_err(|error| JudgeError::Translated { engine, error })?;
    for (frame, (result, expected)) in results.iter().zip(verdicts).enumerate() {
        if let Some(result) = result
            && *result != u64::from(*expected)
        {
            return Err(differs(engine, frame, expected, result));
        }
    }
    Ok(())
}

fn differs(
    engine: Engine,
    frame: usize,
    expected: impl ToString,
    actual: impl ToString,
) -> JudgeError {
    let (expected, actual) = (expected.to_string(), actual.to_string());
    JudgeError::Disagreement(Disagreement { engine, frame, expected, actual })
}

impl fmt::Display for Engine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Interpreter => "the interpreter",
            Self::Socket => "the kernel's socket filter",
            Self::Machine => "the translation in the machine",
            Self::MachineXdp => "the translation for XDP in the machine",
            Self::Attached => "the translation as a socket's filter",
            Self::TestRun => "the translation in the kernel's test run",
            Self::TestRunXdp => "the translation for XDP in the kernel's test run",
        })
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { engine, frame, expected, actual } = self;
        write!(out, "{engine} says of frame {frame}: {actual}, expected {expected}")
    }
}

impl fmt::Display for JudgeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disagreement(difference) => difference.fmt(out),
            Self::Socket(error) => error.fmt(out),
            Self::Translated { engine, error } => write!(out, "{engine}: {error}"),
        }
    }
}

impl error::Error for JudgeError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Disagreement(_) => None,
            Self::Socket(error) => Some(error),
            Self::Translated { error, .. } => Some(error),
        }
    }
}
