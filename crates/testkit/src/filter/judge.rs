//! One program on the frames of a capture, in every engine that can run it.
//!
//! The interpreter stands in the middle. With the length that frames had on the link it must say
//! what tcpdump says. Every other engine knows only the bytes that it is given, so with the captured
//! length the interpreter must say what they say.

use std::{error, fmt};

use netloom_cbpf::{Insn, Packet, Program, Raw, encode, run};
use netloom_packet::capture::Record;
use netloom_sys::socket_filter::{FilterInsn, FilteredPair, SocketFilterError};

/// Who judges frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// `netloom_cbpf::run`, against tcpdump.
    Interpreter,
    /// The kernel's socket filter, against the interpreter.
    Socket,
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
}

/// Runs a program on all frames, in all engines.
///
/// `matched` is what tcpdump says of each frame, where its verdict counts.
///
/// # Errors
/// [`JudgeError`].
pub fn judge(
    program: &Program,
    records: &[Record],
    matched: Option<&[bool]>,
) -> Result<(), JudgeError> {
    if let Some(matched) = matched {
        judge_interpreter(program, records, matched).map_err(JudgeError::Disagreement)?;
    }
    let verdicts: Vec<u32> =
        records.iter().map(|record| run(program, &Packet::new(&record.data))).collect();
    judge_socket(program, records, &verdicts)
}

fn judge_interpreter(
    program: &Program,
    records: &[Record],
    matched: &[bool],
) -> Result<(), Disagreement> {
    for (frame, (record, expected)) in records.iter().zip(matched).enumerate() {
        let packet = Packet { length: record.orig_len, ..Packet::new(&record.data) };
        let verdict = run(program, &packet);
        if (verdict != 0) != *expected {
            let expected = if *expected { "a match" } else { "no match" }.to_owned();
            let actual = verdict.to_string();
            return Err(Disagreement { engine: Engine::Interpreter, frame, expected, actual });
        }
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

/// The socket keeps as many bytes as the verdict says, of those there are.
fn judge_socket(program: &Program, records: &[Record], verdicts: &[u32]) -> Result<(), JudgeError> {
    // A pair for each program: a socket pays for the filter that it has and for the next one.
    let pair = FilteredPair::new().map_err(JudgeError::Socket)?;
    pair.attach(&foreign(program)).map_err(JudgeError::Socket)?;
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
            let (expected, actual) = (in_words(expected), in_words(actual));
            let engine = Engine::Socket;
            let difference = Disagreement { engine, frame, expected, actual };
            return Err(JudgeError::Disagreement(difference));
        }
    }
    Ok(())
}

impl fmt::Display for Engine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Interpreter => "the interpreter",
            Self::Socket => "the kernel's socket filter",
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
        }
    }
}

impl error::Error for JudgeError {}
