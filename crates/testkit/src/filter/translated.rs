//! Translations of classic programs to eBPF, on the frames of a capture.
//!
//! Each function gives the result for every frame, or nothing for a frame that the engine can not
//! be given: the kernel's test runs take nothing below an Ethernet header, and as every call costs
//! some microseconds, they get one frame in [`SAMPLED`].

use std::{error, fmt};

use netloom_abi::{AttachType, Object, Program as Source, ProgramType};
use netloom_cbpf::{Program, Target, TranslateError, translate};
use netloom_kernel::{LoadError, Vmlinux, load_program};
use netloom_packet::capture::Record;
use netloom_sys::bpf::{BpfError, Program as Loaded, RunInput};
use netloom_vm::{Context, Cpu, Fault, Machine, MachineError, Options, XdpInput};

/// Every which frame the kernel gets.
pub const SAMPLED: usize = 5;

/// Bytes of an Ethernet header.
const ETHERNET_BYTES: usize = 14;
/// An Ethernet type that test runs do not look into (IEEE 802, local experiments).
const EXPERIMENTAL: [u8; 2] = [0x88, 0xb5];

/// Why a translation did not run.
#[derive(Debug)]
pub enum TranslatedError {
    /// There is none.
    Translate(TranslateError),
    /// The machine does not take it.
    Machine(MachineError),
    /// It failed in the machine.
    Fault(Box<Fault>),
    /// The kernel does not load it.
    Load(LoadError),
    /// The kernel does not run it.
    Run(BpfError),
}

type Results = Result<Vec<Option<u64>>, TranslatedError>;

/// The translation for plain memory in our machine.
pub(super) fn in_machine(program: &Program, records: &[Record]) -> Results {
    let source = source(program, Target::Memory, ProgramType::SocketFilter)?;
    run_in_machine(source, records, |frame| Context::Memory(frame))
}

/// The translation for XDP in our machine.
pub(super) fn in_machine_as_xdp(program: &Program, records: &[Record]) -> Results {
    run_in_machine(source(program, Target::Xdp, ProgramType::Xdp)?, records, |frame| {
        let (ingress_ifindex, rx_queue_index, egress_ifindex) = (1, 0, 0);
        Context::Xdp(XdpInput { frame, ingress_ifindex, rx_queue_index, egress_ifindex })
    })
}

/// The translation for sockets in the kernel's test run.
pub(super) fn in_kernel(program: &Program, records: &[Record]) -> Results {
    // A socket filter's packet begins behind the Ethernet header of the test run.
    let before = [[0; 12].as_slice(), &EXPERIMENTAL].concat();
    run_in_kernel(&for_sockets(program)?, &before, records)
}

/// The translation for XDP in the kernel's test run.
pub(super) fn in_kernel_as_xdp(program: &Program, records: &[Record]) -> Results {
    run_in_kernel(&load(program, Target::Xdp, ProgramType::Xdp)?, &[], records)
}

/// The translation for sockets, in the kernel.
///
/// # Errors
/// [`TranslatedError::Translate`], [`TranslatedError::Load`].
pub fn for_sockets(program: &Program) -> Result<Loaded, TranslatedError> {
    load(program, Target::Socket, ProgramType::SocketFilter)
}

fn load(program: &Program, target: Target, kind: ProgramType) -> Result<Loaded, TranslatedError> {
    let source = source(program, target, kind)?;
    load_program(&source, &[], &Vmlinux::running()).map_err(TranslatedError::Load)
}

/// A classic program as one that eBPF engines take.
///
/// # Errors
/// [`TranslatedError::Translate`].
pub fn source(
    program: &Program,
    target: Target,
    kind: ProgramType,
) -> Result<Source, TranslatedError> {
    let insns = translate(program, target).map_err(TranslatedError::Translate)?;
    Ok(Source {
        name: "filter".to_owned(),
        kind,
        attach: if kind == ProgramType::Xdp { AttachType::Xdp } else { AttachType::NONE },
        license: "GPL".to_owned(),
        insns,
        functions: Vec::new(),
        relocs: Vec::new(),
    })
}

fn run_in_machine(
    source: Source,
    records: &[Record],
    context: impl for<'a> Fn(&'a mut [u8]) -> Context<'a>,
) -> Results {
    let object = Object { maps: Vec::new(), programs: vec![source] };
    let machine = Machine::new(&object, Options::default()).map_err(TranslatedError::Machine)?;
    let mut cpu = Cpu::new(0);
    let mut frame = Vec::new();
    let results = records.iter().map(|record| {
        frame.clone_from(&record.data);
        let result = machine.run(&mut cpu, 0, context(&mut frame));
        result.map(Some).map_err(|fault| TranslatedError::Fault(Box::new(fault)))
    });
    results.collect()
}

fn run_in_kernel(loaded: &Loaded, before: &[u8], records: &[Record]) -> Results {
    let mut frame = Vec::new();
    let results = records.iter().enumerate().map(|(index, record)| {
        frame.clear();
        frame.extend_from_slice(before);
        frame.extend_from_slice(&record.data);
        let is_taken = index % SAMPLED == 0 && frame.len() >= ETHERNET_BYTES;
        if is_taken { run_one(loaded, &frame).map(Some) } else { Ok(None) }
    });
    results.collect()
}

fn run_one(loaded: &Loaded, frame: &[u8]) -> Result<u64, TranslatedError> {
    let input = RunInput { data: frame, ..RunInput::default() };
    let output = loaded.test_run(&input).map_err(TranslatedError::Run)?;
    Ok(output.result.into())
}

impl fmt::Display for TranslatedError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Translate(error) => error.fmt(out),
            Self::Machine(error) => error.fmt(out),
            Self::Fault(fault) => fault.fmt(out),
            Self::Load(error) => error.fmt(out),
            Self::Run(error) => error.fmt(out),
        }
    }
}

impl error::Error for TranslatedError {}
