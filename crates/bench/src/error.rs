//! Why a figure could not be measured.

use std::path::PathBuf;
use std::{error, fmt, io};

use netloom_cbpf::CheckError;
use netloom_control::ControlError;
use netloom_firewall::CompileError;
use netloom_kernel::{LoadError, RunError};
use netloom_sys::bpf::BpfError;
use netloom_sys::netlink::NetlinkError;
use netloom_sys::netns::NetnsError;
use netloom_sys::socket_filter::SocketFilterError;
use netloom_sys::{Capability, Errno};
use netloom_testkit::filter::programs::ProgramsError;
use netloom_testkit::filter::translated::TranslatedError;
use netloom_testkit::live::Malformed;
use netloom_vm::{Fault, MachineError};

/// A failed measurement, or a part of its preparation.
#[derive(Debug)]
pub(crate) enum BenchError {
    /// Capabilities that the process lacks.
    Denied(Vec<Capability>),
    /// Generator and receiver were to have a processor each.
    Processors {
        /// How many the process may use.
        usable: u32,
    },
    /// A network namespace.
    Netns(NetnsError),
    /// A program of the operating system can not be started.
    Start { program: &'static str, error: io::Error },
    /// A program of the operating system failed.
    Command {
        program: &'static str,
        /// Its first line on standard error.
        message: String,
    },
    /// A file of `/proc` or `/sys` can not be read or written.
    File { path: PathBuf, error: io::Error },
    /// Such a file, or a program's output, says something unexpected.
    Malformed { what: String },
    /// A file system can not be mounted.
    Mount { kind: &'static str, errno: Errno },
    /// A thread can not be bound to a processor.
    Affinity { errno: Errno },
    /// A device's packets are not received by a thread of its own.
    NoReceiverThread { device: String },
    /// A device received nothing.
    Silent { device: String },
    /// A device.
    Device(NetlinkError),
    /// A program for the kernel.
    Load(LoadError),
    /// A bpf operation.
    Bpf(BpfError),
    /// A test run.
    Run(RunError),
    /// The rules' compilation.
    Compile(CompileError),
    /// Rules in the kernel.
    Control(ControlError),
    /// The driver does not run XDP programs itself.
    NotNative,
    /// The pre-filter may not judge INPUT here.
    Limited(String),
    /// Counters in a save of iptables.
    Saved(Malformed),
    /// The interpreter refuses the program.
    Machine(MachineError),
    /// The interpreter stopped the program.
    Fault(Fault),
    /// A program gives another verdict than its rules.
    Verdict { program: String, expected: u64, found: u64 },
    /// A program gives another result than its source, or none.
    Result {
        program: &'static str,
        contender: &'static str,
        expected: u64,
        found: Result<u64, String>,
    },
    /// The programs of a capture filter.
    Programs(ProgramsError),
    /// Such a program is not valid.
    Invalid { filter: &'static str, error: CheckError },
    /// The translation of one.
    Translated(TranslatedError),
    /// A filter of a socket.
    Socket(SocketFilterError),
    /// No frame matches a filter.
    NoFrame { filter: &'static str },
    /// A contender treated packets otherwise than its rules say.
    Counters {
        row: &'static str,
        rules: usize,
        /// What was counted.
        what: &'static str,
        expected: u64,
        found: u64,
    },
}

impl BenchError {
    /// The usual fix.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::Denied(_) => {
                "run as root: the figure makes network namespaces and loads programs"
            }
            Self::Processors { .. } => "leave out --apart, or allow the process two processors",
            Self::Start { .. } => "install iproute2 and ethtool, or clang for `interpreter`",
            Self::NotNative | Self::Limited(_) | Self::Compile(_) | Self::Control(_) => {
                "`netloom fw apply` with the same rules tells more"
            }
            Self::Programs(_) => "install tcpdump",
            Self::Netns(_)
            | Self::Command { .. }
            | Self::File { .. }
            | Self::Malformed { .. }
            | Self::Mount { .. }
            | Self::Affinity { .. }
            | Self::NoReceiverThread { .. }
            | Self::Silent { .. }
            | Self::Device(_)
            | Self::Load(_)
            | Self::Bpf(_)
            | Self::Run(_)
            | Self::Saved(_)
            | Self::Machine(_)
            | Self::Fault(_)
            | Self::Verdict { .. }
            | Self::Result { .. }
            | Self::Invalid { .. }
            | Self::Translated(_)
            | Self::Socket(_)
            | Self::NoFrame { .. }
            | Self::Counters { .. } => {
                "repeat the run; if it fails again, report it with the kernel's version"
            }
        }
    }
}

impl fmt::Display for BenchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(missing) => {
                let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
                write!(f, "not permitted: missing {}", names.join(" and "))
            }
            Self::Processors { usable } => {
                write!(f, "cannot bind generator and receiver: {usable} processor is usable")
            }
            Self::Netns(error) => error.fmt(f),
            Self::Start { program, error } => write!(f, "cannot run {program}: {error}"),
            Self::Command { program, message } => write!(f, "{program} failed: {message}"),
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Malformed { what } => write!(f, "cannot understand {what}"),
            Self::Mount { kind, errno } => write!(f, "cannot mount a {kind} file system: {errno}"),
            Self::Affinity { errno } => write!(f, "cannot bind a thread to a processor: {errno}"),
            Self::NoReceiverThread { device } => {
                write!(f, "cannot find the thread that receives for {device}")
            }
            Self::Silent { device } => write!(f, "{device} received no packets"),
            Self::Device(error) => error.fmt(f),
            Self::Load(error) => error.fmt(f),
            Self::Bpf(error) => error.fmt(f),
            Self::Run(error) => error.fmt(f),
            Self::Compile(error) => error.fmt(f),
            Self::Control(error) => error.fmt(f),
            Self::NotNative => f.write_str("the driver runs no XDP programs"),
            Self::Limited(because) => write!(f, "pre-filter leaves INPUT alone: {because}"),
            Self::Saved(error) => error.fmt(f),
            Self::Machine(error) => error.fmt(f),
            Self::Fault(error) => error.fmt(f),
            Self::Verdict { program, expected, found } => {
                write!(f, "program {program} gives verdict {found} instead of {expected}")
            }
            Self::Result { program, contender, expected, found: Ok(found) } => {
                write!(f, "{contender} gives {found:#x} instead of {expected:#x} for {program}")
            }
            Self::Result { program, contender, found: Err(fault), .. } => {
                write!(f, "{contender} stops {program}: {fault}")
            }
            Self::Programs(error) => error.fmt(f),
            Self::Invalid { filter, error } => write!(f, "filter `{filter}`: {error}"),
            Self::Translated(error) => error.fmt(f),
            Self::Socket(error) => error.fmt(f),
            Self::NoFrame { filter } => write!(f, "no frame matches filter `{filter}`"),
            Self::Counters { row, rules, what, expected, found } => write!(
                f,
                "{row} with {rules} rules counted {found} packets {what}, but {expected} came"
            ),
        }
    }
}

impl error::Error for BenchError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Netns(error) => Some(error),
            Self::Start { error, .. } | Self::File { error, .. } => Some(error),
            Self::Device(error) => Some(error),
            Self::Load(error) => Some(error),
            Self::Bpf(error) => Some(error),
            Self::Run(error) => Some(error),
            Self::Compile(error) => Some(error),
            Self::Control(error) => Some(error),
            Self::Saved(error) => Some(error),
            Self::Machine(error) => Some(error),
            Self::Fault(error) => Some(error),
            Self::Programs(error) => Some(error),
            Self::Invalid { error, .. } => Some(error),
            Self::Translated(error) => Some(error),
            Self::Socket(error) => Some(error),
            Self::Denied(_)
            | Self::Processors { .. }
            | Self::Command { .. }
            | Self::Malformed { .. }
            | Self::Mount { .. }
            | Self::Affinity { .. }
            | Self::NoReceiverThread { .. }
            | Self::Silent { .. }
            | Self::NotNative
            | Self::Limited(_)
            | Self::Verdict { .. }
            | Self::Result { .. }
            | Self::NoFrame { .. }
            | Self::Counters { .. } => None,
        }
    }
}
