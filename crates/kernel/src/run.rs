//! Programs on given packets, attached nowhere (`BPF_PROG_TEST_RUN`).
//!
//! What the kernel does for a netfilter program, found by experiment on Linux 6.18:
//! - The data is an Ethernet header and a packet: with a context at least 20 bytes of IPv4 or 40 of
//!   IPv6, at most some 3,690. The Ethernet type decides the family; the packet's own version is not
//!   looked at. `skb->data` and the network header are the IP header; the transport header is not set.
//! - The context is a `struct nf_hook_state` with hook and family only, anything else set is refused.
//!   The family must be that of the Ethernet type; the hook is not checked. Without a context the hook
//!   is local output.
//! - At every hook `state->in` and `state->net` are null, `state->out` and `skb->dev` are the loopback
//!   device of the calling thread's network namespace. What depends on the input device can therefore
//!   be tested with real traffic only.
//! - The destination address of the Ethernet header decides `skb->pkt_type`: all zeros are ours, a group
//!   bit is multicast (also ff:ff:ff:ff:ff:ff), all else is another host's.
//! - Neither data nor context come back.

use std::fmt;

use netloom_sys::bpf::{BpfError, Program, RunInput};

use crate::attach::{Family, Hook};

/// Bytes of `struct nf_hook_state` on 64-bit kernels; the hook is its first byte, the family the next.
const HOOK_STATE_BYTES: usize = 48;
/// Bytes of an Ethernet header.
const ETHERNET_BYTES: usize = 14;

/// A packet at a netfilter hook.
#[derive(Clone, Copy, Debug)]
pub struct NetfilterRun<'a> {
    /// The family, which the first byte of the packet need not repeat truly.
    pub family: Family,
    /// The hook the program is told.
    pub hook: Hook,
    /// The packet from its IP header on.
    pub packet: &'a [u8],
    /// Destination and source address of the Ethernet header before it; all zeros are ours.
    pub addresses: [u8; 12],
    /// Times to run; 0 counts as 1.
    pub repeat: u32,
}

/// What a program did with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketRun {
    /// The program's result.
    pub verdict: u32,
    /// Mean time of a run.
    pub duration_ns: u32,
    /// The packet afterwards; empty for netfilter programs, which can not change it.
    pub packet: Vec<u8>,
}

/// Why a program was not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunError {
    /// The kernel runs nothing on so short a packet.
    TooShort {
        /// Bytes of the packet.
        actual: usize,
        /// Bytes it needs.
        least: usize,
    },
    /// The kernel refused.
    Bpf(BpfError),
}

/// Runs a netfilter program.
///
/// # Errors
/// [`RunError::TooShort`] below an IP header; the kernel's refusal of packets longer than a page.
pub fn run_netfilter(program: &Program, run: &NetfilterRun<'_>) -> Result<PacketRun, RunError> {
    let (kind, header_bytes) = match run.family {
        Family::Ipv4 => ([0x08, 0x00], 20),
        Family::Ipv6 => ([0x86, 0xdd], 40),
    };
    at_least(header_bytes, run.packet)?;
    let mut data = Vec::with_capacity(ETHERNET_BYTES + run.packet.len());
    data.extend_from_slice(&run.addresses);
    data.extend_from_slice(&kind);
    data.extend_from_slice(run.packet);
    let mut state = [0; HOOK_STATE_BYTES];
    state[0] = run.hook as u8;
    state[1] = run.family as u8;
    let input =
        RunInput { data: &data, context: &state, repeat: run.repeat, ..RunInput::default() };
    let output = program.test_run(&input).map_err(RunError::Bpf)?;
    Ok(PacketRun { verdict: output.result, duration_ns: output.duration_ns, packet: Vec::new() })
}

/// Runs an XDP program on a frame, from its Ethernet header on; 0 `repeat` counts as 1.
///
/// # Errors
/// [`RunError::TooShort`] below 14 bytes; the kernel's refusal of frames longer than a page.
pub fn run_xdp(program: &Program, frame: &[u8], repeat: u32) -> Result<PacketRun, RunError> {
    at_least(ETHERNET_BYTES, frame)?;
    let input = RunInput { data: frame, repeat, wants_data: true, ..RunInput::default() };
    let output = program.test_run(&input).map_err(RunError::Bpf)?;
    Ok(PacketRun { verdict: output.result, duration_ns: output.duration_ns, packet: output.data })
}

fn at_least(least: usize, packet: &[u8]) -> Result<(), RunError> {
    let actual = packet.len();
    if actual < least { Err(RunError::TooShort { actual, least }) } else { Ok(()) }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { actual, least } => {
                write!(f, "cannot run a program on {actual} bytes: the kernel needs {least}")
            }
            Self::Bpf(source) => source.fmt(f),
        }
    }
}

impl std::error::Error for RunError {}
