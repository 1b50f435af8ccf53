//! The routing look-up that `fib_lookup` does, as a question to the caller.
//!
//! Layout of `struct bpf_fib_lookup` (`uapi/linux/bpf.h`), 64 bytes:
//! ```text
//!  0 family  1 l4_protocol  2 sport  4 dport  6 tot_len / mtu_result  8 ifindex
//! 12 tos or flowinfo / rt_metric  16 source  32 destination  48 vlan protocol, TCI or table
//! 52 mark / smac  58 dmac
//! ```

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Bytes of `struct bpf_fib_lookup`.
pub(crate) const PARAMS_BYTES: usize = 64;
/// `BPF_FIB_LKUP_RET_NOT_FWDED`.
pub(crate) const NOT_FORWARDED: u32 = 4;

/// What a program asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FibQuery {
    /// Source address, of the destination's family.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Layer-4 protocol number.
    pub protocol: u8,
    /// The device the packet came in by.
    pub ifindex: u32,
    /// Length of the packet by its header; 0 to skip the MTU check.
    pub total_bytes: u16,
    /// `BPF_FIB_LOOKUP_*`.
    pub flags: u32,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FibAnswer {
    /// `BPF_FIB_LKUP_RET_*`; 0 means forward by what follows.
    pub code: u32,
    /// The device to send by.
    pub ifindex: u32,
    /// Its link-layer address.
    pub source_mac: [u8; 6],
    /// The next hop's link-layer address.
    pub destination_mac: [u8; 6],
}

/// Answers routing questions.
pub struct FibTable(Box<dyn FnMut(&FibQuery) -> FibAnswer + Send>);

impl FibTable {
    /// A table that is this function.
    pub fn new(answer: impl FnMut(&FibQuery) -> FibAnswer + Send + 'static) -> Self {
        Self(Box::new(answer))
    }

    pub(crate) fn answer(&mut self, query: &FibQuery) -> FibAnswer {
        (self.0)(query)
    }
}

impl fmt::Debug for FibTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FibTable")
    }
}

/// The question in a parameter block; `None` for an address family that is neither IPv4 nor IPv6.
pub(crate) fn parse(params: &[u8; PARAMS_BYTES], flags: u32) -> Option<FibQuery> {
    let (source, destination) = match params[0] {
        2 => (
            IpAddr::V4(Ipv4Addr::from(array::<16, 4>(params))),
            IpAddr::V4(Ipv4Addr::from(array::<32, 4>(params))),
        ),
        10 => (
            IpAddr::V6(Ipv6Addr::from(array::<16, 16>(params))),
            IpAddr::V6(Ipv6Addr::from(array::<32, 16>(params))),
        ),
        _ => return None,
    };
    Some(FibQuery {
        source,
        destination,
        protocol: params[1],
        ifindex: u32::from_le_bytes(array::<8, 4>(params)),
        total_bytes: u16::from_le_bytes(array::<6, 2>(params)),
        flags,
    })
}

/// Puts an answer into the parameter block.
pub(crate) fn fill(params: &mut [u8; PARAMS_BYTES], answer: &FibAnswer) {
    params[8..12].copy_from_slice(&answer.ifindex.to_le_bytes());
    params[48..52].fill(0);
    params[52..58].copy_from_slice(&answer.source_mac);
    params[58..64].copy_from_slice(&answer.destination_mac);
}

fn array<const AT: usize, const N: usize>(params: &[u8; PARAMS_BYTES]) -> [u8; N] {
    std::array::from_fn(|index| params[AT + index])
}
