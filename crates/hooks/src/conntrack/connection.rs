//! One connection of any protocol.

use netloom_packet::wire::protocol;
use netloom_vm::Conntrack;

use super::datagram::Flow;
use super::sctp::Sctp;
use super::status::Status;
use super::tcp::Tcp;
use super::timeout::ICMP;
use super::tuple::Tuple;
use super::upper::UpperBytes;
use super::{Direction, Verdict};

/// `enum ip_conntrack_info`: what a packet is to its connection.
mod info {
    pub(super) const ESTABLISHED: u8 = 0;
    pub(super) const NEW: u8 = 2;
    pub(super) const ESTABLISHED_REPLY: u8 = 3;
}

/// A connection.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    /// By direction.
    pub(super) tuples: [Tuple; 2],
    pub(super) status: Status,
    /// When it ends without another packet.
    pub(super) expires_ns: u64,
    talk: Talk,
}

#[derive(Clone, Debug)]
enum Talk {
    Tcp(Tcp),
    Sctp(Sctp),
    Flow(Flow),
    /// Requests and replies of ICMP.
    Exchange,
}

impl Connection {
    /// The connection that a packet may begin.
    pub(super) fn begin(tuple: Tuple, upper: &UpperBytes<'_>, now_ns: u64) -> Option<Self> {
        let inverse = tuple.inverse()?;
        let talk = match tuple.protocol {
            protocol::TCP => Talk::Tcp(Tcp::begin(upper)?),
            protocol::SCTP => Talk::Sctp(Sctp::begin(upper)?),
            protocol::ICMP | protocol::ICMPV6 if !tuple.may_begin() => return None,
            protocol::ICMP | protocol::ICMPV6 => Talk::Exchange,
            _ => Talk::Flow(Flow::begin(now_ns)),
        };
        let status = Status::default();
        Some(Self { tuples: [tuple, inverse], status, expires_ns: now_ns, talk })
    }

    /// What a packet means for the connection.
    pub(super) fn advance(
        &mut self,
        upper: &UpperBytes<'_>,
        direction: Direction,
        now_ns: u64,
    ) -> Verdict {
        let left_ns = self.expires_ns.saturating_sub(now_ns);
        let status = &mut self.status;
        let verdict = match &mut self.talk {
            Talk::Tcp(tcp) => tcp.advance(upper, direction, status, left_ns),
            Talk::Sctp(sctp) => sctp.advance(upper, direction, status),
            Talk::Flow(flow) => flow.advance(upper, status, now_ns),
            Talk::Exchange => Verdict::Refreshed(ICMP),
        };
        match verdict {
            Verdict::Refreshed(left_ns) | Verdict::InvalidShortened(left_ns) => {
                self.expires_ns = now_ns.saturating_add(left_ns);
            }
            Verdict::Invalid | Verdict::Unchanged | Verdict::Reopen | Verdict::Killed => {}
        }
        verdict
    }

    /// What a packet in this direction is, as `skb->_nfct` says it.
    pub(super) fn conntrack(&self, info: u8) -> Conntrack {
        Conntrack::Tracked { info, status: self.status.bits() }
    }

    /// `enum ip_conntrack_info` of a packet in this direction.
    pub(super) fn info(&self, direction: Direction) -> u8 {
        match direction {
            Direction::Reply => info::ESTABLISHED_REPLY,
            Direction::Original if self.status.has(Status::SEEN_REPLY) => info::ESTABLISHED,
            Direction::Original => info::NEW,
        }
    }

    pub(super) fn is_expired(&self, now_ns: u64) -> bool {
        self.expires_ns <= now_ns
    }
}
