//! Who runs a filter's program.

use std::hint::black_box;

use netloom_abi::{Object, ProgramType};
use netloom_cbpf::expression::SNAPLEN;
use netloom_cbpf::{Packet, Program, Target, encode, run};
use netloom_kernel::{Vmlinux, load_program, run_xdp};
use netloom_sys::socket_filter::{FilterInsn, FilteredPair};
use netloom_testkit::filter::translated::{for_sockets, source};
use netloom_vm::{Context, Cpu, Machine, Options};
use serde::Serialize;

use super::Subject;
use crate::error::BenchError;
use crate::machine::processor_ns;

/// Runs a program so many times and gives the nanoseconds of one.
pub(super) type Runner = Box<dyn FnMut(u32) -> Result<f64, BenchError>>;

/// A program in an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Contender {
    /// libpcap's program in our classic interpreter.
    InterpreterLibpcap,
    /// Our program there.
    Interpreter,
    /// Our program, translated for plain memory, in our virtual machine.
    Machine,
    /// libpcap's program as a socket's filter, translated by the kernel.
    SocketLibpcap,
    /// Our program there, translated by the kernel.
    Socket,
    /// Our program there, translated by us.
    Attached,
    /// Our program, translated for XDP, in the kernel's test run.
    Xdp,
}

impl Contender {
    pub(super) const ALL: [Self; 7] = [
        Self::InterpreterLibpcap,
        Self::Interpreter,
        Self::Machine,
        Self::SocketLibpcap,
        Self::Socket,
        Self::Attached,
        Self::Xdp,
    ];

    /// Two lines for the head of a table.
    pub(super) fn title(self) -> [&'static str; 2] {
        match self {
            Self::InterpreterLibpcap => ["libpcap's,", "interpreter"],
            Self::Interpreter => ["ours,", "interpreter"],
            Self::Machine => ["ours,", "machine"],
            Self::SocketLibpcap => ["libpcap's,", "kernel"],
            Self::Socket => ["ours,", "kernel"],
            Self::Attached => ["translated,", "kernel"],
            Self::Xdp => ["translated,", "XDP"],
        }
    }

    /// The compiler's program that it runs.
    pub(super) fn program(self, subject: &Subject) -> &Program {
        match self {
            Self::InterpreterLibpcap | Self::SocketLibpcap => &subject.libpcap,
            Self::Interpreter | Self::Machine | Self::Socket | Self::Attached | Self::Xdp => {
                &subject.ours
            }
        }
    }

    /// A program, ready to run on the subject's frame; each run must say that the frame matches.
    pub(super) fn prepare(
        self,
        program: &Program,
        subject: &Subject,
    ) -> Result<Runner, BenchError> {
        let (title, frame) = (subject.title.to_owned(), subject.frame.clone());
        let expect = move |found: u64| {
            let expected = u64::from(SNAPLEN);
            if found == expected {
                return Ok(());
            }
            Err(BenchError::Verdict { program: title.clone(), expected, found })
        };
        match self {
            Self::InterpreterLibpcap | Self::Interpreter => {
                Ok(interpreter(program.clone(), frame, expect))
            }
            Self::Machine => machine(program, frame, expect),
            Self::SocketLibpcap | Self::Socket => Ok(socket(classic(program)?, frame)),
            Self::Attached => Ok(socket(translated(program)?, frame)),
            Self::Xdp => xdp(program, frame, expect),
        }
    }
}

fn interpreter(
    program: Program,
    frame: Vec<u8>,
    expect: impl Fn(u64) -> Result<(), BenchError> + 'static,
) -> Runner {
    Box::new(move |runs| {
        timed(runs, || expect(run(black_box(&program), &Packet::new(black_box(&frame))).into()))
    })
}

fn machine(
    program: &Program,
    mut frame: Vec<u8>,
    expect: impl Fn(u64) -> Result<(), BenchError> + 'static,
) -> Result<Runner, BenchError> {
    let program = source(program, Target::Memory, ProgramType::SocketFilter)
        .map_err(BenchError::Translated)?;
    let object = Object { maps: Vec::new(), programs: vec![program] };
    let machine = Machine::new(&object, Options::default()).map_err(BenchError::Machine)?;
    let mut cpu = Cpu::new(0);
    Ok(Box::new(move |runs| {
        timed(runs, || {
            let result = machine.run(&mut cpu, 0, Context::Memory(&mut frame));
            expect(result.map_err(BenchError::Fault)?)
        })
    }))
}

fn classic(program: &Program) -> Result<FilteredPair, BenchError> {
    let pair = FilteredPair::new().map_err(BenchError::Socket)?;
    let insns: Vec<_> = encode(program)
        .into_iter()
        .map(|raw| FilterInsn { code: raw.code, jt: raw.jt, jf: raw.jf, k: raw.k })
        .collect();
    pair.attach(&insns).map_err(BenchError::Socket)?;
    Ok(pair)
}

fn translated(program: &Program) -> Result<FilteredPair, BenchError> {
    let pair = FilteredPair::new().map_err(BenchError::Socket)?;
    let program = for_sockets(program).map_err(BenchError::Translated)?;
    pair.attach_program(&program).map_err(BenchError::Socket)?;
    Ok(pair)
}

/// A datagram through the filter; all of it must arrive.
fn socket(pair: FilteredPair, frame: Vec<u8>) -> Runner {
    let mut kept = vec![0; frame.len()];
    Box::new(move |runs| {
        timed(runs, || match pair.pass(&frame, &mut kept).map_err(BenchError::Socket)? {
            Some(bytes) if bytes == frame.len() => Ok(()),
            bytes => Err(BenchError::Verdict {
                program: "of a socket".to_owned(),
                expected: frame.len() as u64,
                found: bytes.unwrap_or(0) as u64,
            }),
        })
    })
}

fn xdp(
    program: &Program,
    frame: Vec<u8>,
    expect: impl Fn(u64) -> Result<(), BenchError> + 'static,
) -> Result<Runner, BenchError> {
    let source = source(program, Target::Xdp, ProgramType::Xdp).map_err(BenchError::Translated)?;
    let program = load_program(&source, &[], &Vmlinux::running()).map_err(BenchError::Load)?;
    Ok(Box::new(move |runs| {
        let run = run_xdp(&program, &frame, runs).map_err(BenchError::Run)?;
        expect(run.verdict.into())?;
        Ok(run.duration_ns.into())
    }))
}

/// Nanoseconds on the processor of one of so many runs.
fn timed(runs: u32, mut one: impl FnMut() -> Result<(), BenchError>) -> Result<f64, BenchError> {
    let begin = processor_ns();
    for _ in 0..runs {
        one()?;
    }
    Ok((processor_ns() - begin) / f64::from(runs))
}
