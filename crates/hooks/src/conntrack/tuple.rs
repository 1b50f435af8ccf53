//! What names one direction of a connection.
//!
//! Source: `nf_conntrack_core.c: nf_ct_get_tuple`, `nf_conntrack_proto_icmp.c`,
//! `nf_conntrack_proto_icmpv6.c` and `nf_conntrack_proto_gre.c` (Linux 6.18).

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use netloom_packet::wire::{Icmp, protocol};

/// One direction of a connection, as its packets name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tuple {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) protocol: u8,
    /// Source port; the identifier of an ICMP message; 0 where the protocol has neither.
    from: u16,
    /// Destination port; type and code of an ICMP message; the call of enhanced GRE; else 0.
    to: u16,
}

/// Requests and their replies among ICMP messages, by protocol.
const EXCHANGES: &[(u8, u8, u8)] = &[
    (protocol::ICMP, Icmp::V4_ECHO_REQUEST, Icmp::V4_ECHO_REPLY),
    (protocol::ICMP, 13, 14),
    (protocol::ICMP, 15, 16),
    (protocol::ICMP, 17, 18),
    (protocol::ICMPV6, Icmp::V6_ECHO_REQUEST, Icmp::V6_ECHO_REPLY),
    (protocol::ICMPV6, 139, 140),
];

/// `GRE_VERSION` in the first word, and the version of enhanced GRE (RFC 2637).
const GRE_VERSION: u16 = 7;
const GRE_ENHANCED: u16 = 1;
/// The only protocol that enhanced GRE carries: PPP.
const GRE_PPP: u16 = 0x880b;

impl Tuple {
    /// The tuple of a packet whose upper-layer bytes are `upper`; `None` where the kernel finds
    /// none either.
    pub(super) fn of(src: IpAddr, dst: IpAddr, number: u8, upper: &[u8]) -> Option<Self> {
        let (from, to) = match number {
            protocol::TCP | protocol::UDP | protocol::SCTP | protocol::UDPLITE => {
                let [a, b, c, d] = *upper.first_chunk()?;
                (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
            }
            protocol::ICMP | protocol::ICMPV6 => {
                let icmp = Icmp::new_checked(upper).ok()?;
                (icmp.id(), u16::from_be_bytes([icmp.kind(), icmp.code()]))
            }
            protocol::GRE => (0, gre_call(upper)?),
            _ => (0, 0),
        };
        Some(Self { src, dst, protocol: number, from, to })
    }

    /// What names the two ends beside their addresses.
    pub(super) fn ends(&self) -> (u16, u16) {
        (self.from, self.to)
    }

    /// The tuple of the answers; `None` for ICMP messages that nobody answers.
    pub(super) fn inverse(&self) -> Option<Self> {
        let (from, to) = match self.protocol {
            protocol::ICMP | protocol::ICMPV6 => {
                let [kind, code] = self.to.to_be_bytes();
                (self.from, u16::from_be_bytes([self.counterpart(kind)?, code]))
            }
            _ => (self.to, self.from),
        };
        Some(Self { src: self.dst, dst: self.src, from, to, ..*self })
    }

    /// Whether a connection may begin with this packet: an ICMP message must be a request.
    pub(super) fn may_begin(&self) -> bool {
        let [kind, _] = self.to.to_be_bytes();
        match self.protocol {
            protocol::ICMP | protocol::ICMPV6 => EXCHANGES
                .iter()
                .any(|(number, request, _)| (*number, *request) == (self.protocol, kind)),
            _ => true,
        }
    }

    fn counterpart(&self, kind: u8) -> Option<u8> {
        let mut rows = EXCHANGES.iter().filter(|row| row.0 == self.protocol);
        rows.find_map(|&(_, request, reply)| match kind {
            _ if kind == request => Some(reply),
            _ if kind == reply => Some(request),
            _ => None,
        })
    }
}

impl Hash for Tuple {
    /// All fields as one string of bytes, which is quicker than one by one.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut bytes = [0; 37];
        let (ends, addresses) = bytes.split_at_mut(5);
        ends.copy_from_slice(&[
            self.protocol,
            self.from.to_be_bytes()[0],
            self.from.to_be_bytes()[1],
            self.to.to_be_bytes()[0],
            self.to.to_be_bytes()[1],
        ]);
        let (src, dst) = addresses.split_at_mut(16);
        for (to, address) in [(src, self.src), (dst, self.dst)] {
            match address {
                IpAddr::V4(address) => to[..4].copy_from_slice(&address.octets()),
                IpAddr::V6(address) => to.copy_from_slice(&address.octets()),
            }
        }
        state.write(&bytes);
    }
}

/// The call that an enhanced GRE header names; 0 for plain GRE, which names nothing.
fn gre_call(upper: &[u8]) -> Option<u16> {
    let Some([flags_high, flags_low, high, low]) = upper.first_chunk() else { return Some(0) };
    let flags = u16::from_be_bytes([*flags_high, *flags_low]);
    if flags & GRE_VERSION != GRE_ENHANCED {
        return Some(0);
    }
    let Some([.., call_high, call_low]) = upper.first_chunk::<8>() else { return Some(0) };
    (u16::from_be_bytes([*high, *low]) == GRE_PPP)
        .then(|| u16::from_be_bytes([*call_high, *call_low]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exchange_is_answered_both_ways_and_begins_with_its_request() {
        let (a, b) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        for &(number, request, reply) in EXCHANGES {
            let message = |kind: u8| Tuple::of(a, b, number, &[kind, 3, 0, 0, 1, 2, 0, 0]);
            let (there, back) = (message(request).unwrap(), message(reply).unwrap());
            assert!(there.may_begin() && !back.may_begin());
            let answer = there.inverse().unwrap();
            assert_eq!((answer.src, answer.from, answer.to), (b, back.from, back.to));
            assert_eq!(answer.inverse(), Some(there));
        }
    }

    #[test]
    fn enhanced_gre_is_named_by_its_call_and_plain_gre_by_nothing() {
        let (a, b) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let to = |bytes: &[u8]| Tuple::of(a, b, protocol::GRE, bytes).map(|tuple| tuple.to);
        assert_eq!(to(&[0x20, 0, 8, 0, 0, 0, 0, 7]), Some(0));
        assert_eq!(to(&[0x30, 1, 0x88, 0x0b, 0, 0, 0, 7]), Some(7));
        assert_eq!(to(&[0x30, 1, 0x08, 0x00, 0, 0, 0, 7]), None);
        assert_eq!(to(&[0x30, 1]), Some(0));
    }
}
