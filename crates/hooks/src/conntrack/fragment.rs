//! Connections of fragments.
//!
//! The kernel puts datagrams together before it tracks them, so its tables never see a fragment.
//! Here each captured fragment is judged by itself: a first fragment as if it were the whole, and
//! the later ones as part of the same connection. A later fragment that was captured before its
//! first has no connection.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use netloom_packet::wire::{Ip, Ipv6, protocol};
use netloom_vm::Conntrack;

use super::timeout::{FRAGMENTS_V4, FRAGMENTS_V6};

/// What the fragments of a datagram share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Datagram {
    src: IpAddr,
    dst: IpAddr,
    id: u32,
    /// Of IPv4 alone.
    protocol: u8,
}

/// The datagrams whose first fragment was seen, a bounded number.
#[derive(Debug)]
pub(super) struct Datagrams {
    known: HashMap<Datagram, (Conntrack, u64)>,
    /// Oldest first. A datagram seen twice stands here twice.
    order: VecDeque<Datagram>,
    max: usize,
}

impl Datagram {
    /// The datagram of a fragment.
    pub(super) fn of(ip: &Ip<'_>) -> Option<Self> {
        let (id, protocol) = match ip {
            Ip::V4(ip) => (ip.id().into(), ip.protocol()),
            Ip::V6(ip) => (fragment_id(ip)?, 0),
        };
        Some(Self { src: ip.src(), dst: ip.dst(), id, protocol })
    }

    fn lifetime_ns(&self) -> u64 {
        match self.src {
            IpAddr::V4(_) => FRAGMENTS_V4,
            IpAddr::V6(_) => FRAGMENTS_V6,
        }
    }
}

/// The identification in the first fragment header.
fn fragment_id(ip: &Ipv6<'_>) -> Option<u32> {
    let (mut header, mut rest) = (ip.next_header(), ip.payload());
    loop {
        let [next, length, _, _, id @ ..] = *rest.first_chunk::<8>()?;
        let bytes = match header {
            protocol::FRAGMENT => return Some(u32::from_be_bytes(id)),
            protocol::HOP_BY_HOP | protocol::ROUTING | protocol::DESTINATION => {
                8 + 8 * usize::from(length)
            }
            protocol::AH => 8 + 4 * usize::from(length),
            _ => return None,
        };
        (header, rest) = (next, rest.get(bytes..)?);
    }
}

impl Datagrams {
    pub(super) fn new(max: usize) -> Self {
        Self { known: HashMap::new(), order: VecDeque::new(), max: max.max(1) }
    }

    /// What the first fragment was.
    pub(super) fn find(&self, datagram: &Datagram, now_ns: u64) -> Option<Conntrack> {
        let &(conntrack, seen_ns) = self.known.get(datagram)?;
        (now_ns - seen_ns < datagram.lifetime_ns()).then_some(conntrack)
    }

    /// Remembers what the first fragment is.
    pub(super) fn note(&mut self, datagram: Datagram, conntrack: Conntrack, now_ns: u64) {
        while self.order.len() >= self.max {
            let Some(oldest) = self.order.pop_front() else { break };
            self.known.remove(&oldest);
        }
        self.order.push_back(datagram);
        self.known.insert(datagram, (conntrack, now_ns));
    }
}
