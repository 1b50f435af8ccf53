//! Every `-m` condition in turn.

use netloom_firewall::model::{CtStates, Match, Negatable};

use super::bucket::TokenBucket;
use super::header::{Answer, Transport};
use super::{network, transport};
use crate::case::PacketCase;

/// Evaluates the conditions in order of appearance and stops at the first that does not hold, so
/// that a `-m limit` behind it pays nothing. `buckets` are those of the limits in the same order.
pub(super) fn all_hold<'a>(
    conditions: impl Iterator<Item = &'a Match>,
    buckets: &mut [TokenBucket],
    packet: &PacketCase,
    at: Transport,
) -> Answer {
    let mut buckets = buckets.iter_mut();
    for condition in conditions {
        let answer = if matches!(condition, Match::Limit(_)) {
            let bucket = buckets.next().expect("one bucket was prepared per limit");
            bucket.admits(packet.now_ns).into()
        } else {
            holds(condition, packet, at)
        };
        if answer != Answer::Holds {
            return answer;
        }
    }
    Answer::Holds
}

fn holds(condition: &Match, packet: &PacketCase, at: Transport) -> Answer {
    match *condition {
        Match::Tcp { ports, flags, option } => transport::tcp(packet, at, ports, flags, option),
        Match::Udp(ports) | Match::UdpLite(ports) => transport::udp(packet, at, ports),
        Match::Sctp(ports) => transport::sctp(packet, at, ports),
        Match::Icmp(wanted) | Match::Icmp6(wanted) => transport::icmp(packet, at, wanted),
        Match::Multiport { side, ref ports } => transport::multiport(packet, at, side, ports),
        Match::IpRange { source, destination } => {
            network::in_ranges(packet, source, destination).into()
        }
        Match::Mac(wanted) => network::from_mac(packet, wanted).into(),
        Match::Mark(Negatable { negated, value: (mark, mask) }) => {
            ((packet.mark & mask == mark) != negated).into()
        }
        Match::PktType(wanted) => network::is_packet_type(packet, wanted).into(),
        Match::AddrType { source, destination } => {
            network::has_addr_types(packet, source, destination).into()
        }
        Match::Comment(_) => Answer::Holds,
        Match::HopLimit(compare, value) => network::hop_limit_is(packet, compare, value).into(),
        Match::Length(Negatable { negated, value: (low, high) }) => {
            let length = network::stated_length(packet);
            ((u32::from(low) <= length && length <= u32::from(high)) != negated).into()
        }
        Match::Dscp(wanted) => {
            ((network::service(packet) >> 2 == wanted.value) != wanted.negated).into()
        }
        Match::Tos(Negatable { negated, value: (tos, mask) }) => {
            ((network::service(packet) & mask == tos) != negated).into()
        }
        Match::State(wanted) => {
            // The old match knows nothing of address translation.
            let translated = CtStates::SNAT.0 | CtStates::DNAT.0;
            (CtStates(packet.ct.0 & !translated).intersects(wanted.value) != wanted.negated).into()
        }
        Match::CtState(wanted) => (packet.ct.intersects(wanted.value) != wanted.negated).into(),
        Match::Limit(_) | Match::Unsupported { .. } => {
            unreachable!("limits are answered by their buckets, and preparation refuses the rest")
        }
    }
}
