//! `netloom filter`: packet filters as classic BPF, eBPF and C, and over captures.
//!
//! Reading order: [`run`], then `program` (where a filter comes from), `print` (its forms), `matches`
//! (its packets).

mod matches;
mod print;
mod program;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use netloom_cbpf::{Form, Target};

use crate::failure::{ErrorReport, Failure};
use crate::input::is_stdin;
use crate::output::{Outcome, Output};

#[derive(Args, Debug)]
#[command(after_help = "Example: tcpdump -ddd tcp port 80 | netloom filter --read - --to ebpf")]
pub(crate) struct Arguments {
    /// A program as `tcpdump -d`, `-dd` or `-ddd` prints it, or its bytes; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    read: PathBuf,
    /// What to print
    #[arg(long, value_enum, default_value = "cbpf")]
    to: Language,
    /// How to print classic BPF: as `tcpdump` does with this option, or as bytes [default: d]
    #[arg(long, value_enum)]
    form: Option<FormName>,
    /// What the eBPF program runs on [default: socket]
    #[arg(long, value_enum)]
    hook: Option<HookName>,
    /// Capture (pcap or pcapng) whose packets the filter meets; `-` reads standard input
    #[arg(short = 'r', long, value_name = "FILE", conflicts_with_all = ["to", "form", "hook", "output"])]
    pcap: Option<PathBuf>,
    /// Write the packets that match to this pcapng file
    #[arg(short, long, value_name = "FILE", requires = "pcap")]
    write: Option<PathBuf>,
    /// Print to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What a filter is printed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Language {
    /// Classic BPF
    Cbpf,
    /// eBPF, each instruction with its number
    Ebpf,
    /// A C function for host and eBPF
    C,
    /// eBPF that `netloom asm` reads, with labels
    Asm,
}

/// `tcpdump`'s options that print a program.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormName {
    /// Instructions
    D,
    /// Initialisers of C structures
    Dd,
    /// Numbers
    Ddd,
    /// Bytes of `struct sock_filter`
    Raw,
}

/// What an eBPF program runs on.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum HookName {
    /// Sockets and traffic control: struct __sk_buff
    Socket,
    /// XDP: struct xdp_md
    Xdp,
    /// The address and the length of a packet
    Memory,
}

/// Prints the filter, or runs it over a capture.
pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Outcome, Failure> {
    let stdins = [&arguments.read].into_iter().chain(&arguments.pcap).filter(|path| is_stdin(path));
    if stdins.count() > 1 {
        return Err(ErrorReport::usage("standard input is named twice").into());
    }
    let program = program::read(&arguments.read)?;
    match &arguments.pcap {
        Some(pcap) => matches::run(&program, pcap, arguments.write.as_deref(), output),
        None => print::run(&program, arguments, output),
    }
}

impl From<FormName> for Form {
    fn from(name: FormName) -> Self {
        match name {
            FormName::D => Self::Listing,
            FormName::Dd => Self::Initialisers,
            FormName::Ddd => Self::Numbers,
            FormName::Raw => Self::Bytes,
        }
    }
}

impl From<HookName> for Target {
    fn from(name: HookName) -> Self {
        match name {
            HookName::Socket => Self::Socket,
            HookName::Xdp => Self::Xdp,
            HookName::Memory => Self::Memory,
        }
    }
}
