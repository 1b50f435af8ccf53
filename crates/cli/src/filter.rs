//! `netloom filter`: packet filters as classic BPF, eBPF and C, and over captures.
//!
//! Reading order: [`run`], then `expression` and `program` (where a filter comes from) with `names`,
//! `print` (its forms), `matches` (its packets).

mod expression;
mod matches;
mod names;
mod print;
mod program;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use netloom_cbpf::expression::SNAPLEN;
use netloom_cbpf::{Form, Target};
use netloom_packet::link::LinkType;

use crate::failure::{ErrorReport, Failure};
use crate::input::is_stdin;
use crate::output::{Outcome, Output};

pub(crate) use expression::Filter;
pub(crate) use matches::verdict;

#[derive(Args, Debug)]
#[command(after_help = "Example: netloom filter 'tcp port 80' --to ebpf --hook xdp")]
pub(crate) struct Arguments {
    /// Expression as pcap-filter(7) describes it; several words are joined
    #[arg(value_name = "EXPR", required_unless_present = "read", conflicts_with = "read")]
    expression: Vec<String>,
    /// Read a program as `tcpdump -d`, `-dd` or `-ddd` prints it, or its bytes; `-` is standard input
    #[arg(long, value_name = "FILE")]
    read: Option<PathBuf>,
    /// What the packets begin with; captures tell themselves [default: ethernet]
    #[arg(long, value_enum, conflicts_with = "read")]
    link: Option<LinkName>,
    /// Bytes to keep of a packet that matches
    #[arg(long, value_name = "N", default_value_t = SNAPLEN, conflicts_with = "read",
          value_parser = clap::value_parser!(u32).range(1..))]
    snaplen: u32,
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
    #[arg(short = 'r', long, value_name = "FILE", conflicts_with_all = ["to", "form", "hook", "link", "output"])]
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

/// Link types of captures.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum LinkName {
    /// Ethernet
    Ethernet,
    /// IP packets
    Raw,
    /// Linux cooked captures
    Sll,
    /// Linux cooked captures, version 2
    Sll2,
}

/// Prints the filter, or runs it over a capture.
pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Outcome, Failure> {
    let stdins = arguments.read.iter().chain(&arguments.pcap).filter(|path| is_stdin(path));
    if stdins.count() > 1 {
        return Err(ErrorReport::usage("standard input is named twice").into());
    }
    let mut filter = match &arguments.read {
        Some(path) => Filter::Program(program::read(path)?),
        None => Filter::expression(arguments.expression.join(" "), arguments.snaplen),
    };
    match &arguments.pcap {
        Some(pcap) => matches::run(&mut filter, pcap, arguments.write.as_deref(), output),
        None => {
            let link = arguments.link.map_or(LinkType::ETHERNET, LinkType::from);
            print::run(filter.program(link)?, arguments, output)
        }
    }
}

impl From<LinkName> for LinkType {
    fn from(name: LinkName) -> Self {
        match name {
            LinkName::Ethernet => Self::ETHERNET,
            LinkName::Raw => Self::RAW,
            LinkName::Sll => Self::LINUX_SLL,
            LinkName::Sll2 => Self::LINUX_SLL2,
        }
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
