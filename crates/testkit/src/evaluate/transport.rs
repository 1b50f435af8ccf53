//! Conditions on transport headers. None holds for a later fragment, and a header that is cut
//! short drops the packet (`xt_tcpudp.c`, `xt_sctp.c`, `xt_multiport.c`).

use netloom_firewall::model::{
    Family, IcmpType, MultiportSide, Negatable, NegatedRange, Ports, TcpFlags,
};

use super::header::{Answer, Transport};
use super::network::{byte, half_word};
use crate::case::PacketCase;

const TCP_BYTES: usize = 20;
const UDP_BYTES: usize = 8;
const SCTP_BYTES: usize = 12;
const ICMP_BYTES: usize = 8;
const MULTIPORT_BYTES: usize = 4;

/// In IPv4 this type stands for all types, also in a rule that asks for one of its codes.
const ICMP_ANY: u8 = 255;

/// `-m tcp`.
pub(super) fn tcp(
    packet: &PacketCase,
    at: Transport,
    ports: Ports,
    flags: Option<Negatable<TcpFlags>>,
    option: Option<Negatable<u8>>,
) -> Answer {
    // A second fragment that starts within the TCP header is an attack. IPv6 counts fragment
    // offsets in bytes, multiples of 8, and so never sees the value 1.
    if at.fragment == 1 {
        return Answer::Hotdrop;
    }
    let header = match header(packet, at, TCP_BYTES) {
        Ok(header) => header,
        Err(answer) => return answer,
    };
    if !ports_hold(ports, header) || !flags.is_none_or(|flags| flags_hold(flags, header)) {
        return Answer::Fails;
    }
    match option {
        Some(option) if option.value != 0 => tcp_option(header, option),
        Some(_) | None => Answer::Holds,
    }
}

/// `-m udp` and `-m udplite`.
pub(super) fn udp(packet: &PacketCase, at: Transport, ports: Ports) -> Answer {
    header(packet, at, UDP_BYTES).map_or_else(|answer| answer, |it| ports_hold(ports, it).into())
}

/// `-m sctp` without chunk types.
pub(super) fn sctp(packet: &PacketCase, at: Transport, ports: Ports) -> Answer {
    header(packet, at, SCTP_BYTES).map_or_else(|answer| answer, |it| ports_hold(ports, it).into())
}

/// `-m icmp` and `-m icmp6`.
pub(super) fn icmp(packet: &PacketCase, at: Transport, wanted: Negatable<IcmpType>) -> Answer {
    let header = match header(packet, at, ICMP_BYTES) {
        Ok(header) => header,
        Err(answer) => return answer,
    };
    let (value, codes) = match wanted.value {
        IcmpType::Any => (ICMP_ANY, (0, u8::MAX)),
        IcmpType::Type { value, codes } => (value, codes),
    };
    let equal = byte(header, 0) == Some(value)
        && byte(header, 1).is_some_and(|code| codes.0 <= code && code <= codes.1);
    let any = packet.family() == Family::V4 && value == ICMP_ANY;
    ((equal || any) != wanted.negated).into()
}

/// `-m multiport`.
pub(super) fn multiport(
    packet: &PacketCase,
    at: Transport,
    side: MultiportSide,
    ports: &Negatable<Vec<(u16, u16)>>,
) -> Answer {
    let header = match header(packet, at, MULTIPORT_BYTES) {
        Ok(header) => header,
        Err(answer) => return answer,
    };
    let listed = |offset| {
        half_word(header, offset)
            .is_some_and(|port| ports.value.iter().any(|&(low, high)| low <= port && port <= high))
    };
    let found = match side {
        MultiportSide::Source => listed(0),
        MultiportSide::Destination => listed(2),
        MultiportSide::Either => listed(0) || listed(2),
    };
    (found != ports.negated).into()
}

/// The packet from its transport header on, which has at least `bytes` bytes.
fn header(packet: &PacketCase, at: Transport, bytes: usize) -> Result<&[u8], Answer> {
    if at.fragment != 0 {
        return Err(Answer::Fails);
    }
    let found = packet.network().get(at.offset..).filter(|rest| rest.len() >= bytes);
    found.ok_or(Answer::Hotdrop)
}

fn ports_hold(ports: Ports, header: &[u8]) -> bool {
    let within = |range: Option<NegatedRange>, offset| {
        range.is_none_or(|range| {
            let (low, high) = range.value;
            let inside = half_word(header, offset).is_some_and(|port| low <= port && port <= high);
            inside != range.negated
        })
    };
    within(ports.source, 0) && within(ports.destination, 2)
}

fn flags_hold(flags: Negatable<TcpFlags>, header: &[u8]) -> bool {
    let equal = byte(header, 13).is_some_and(|set| set & flags.value.mask == flags.value.comp);
    equal != flags.negated
}

/// Looks for an option by number. Numbers 0 and 1 are one byte long here, so the search goes on
/// behind an end-of-options byte, and a length of 0 counts as 1.
fn tcp_option(header: &[u8], wanted: Negatable<u8>) -> Answer {
    let words = byte(header, 12).map_or(0, |bits| bits >> 4);
    let Some(size) = (usize::from(words) * 4).checked_sub(TCP_BYTES) else {
        return Answer::Hotdrop;
    };
    let Some(options) = header.get(TCP_BYTES..TCP_BYTES + size) else { return Answer::Hotdrop };
    let mut index = 0;
    while let Some(&number) = options.get(index) {
        if number == wanted.value {
            return (!wanted.negated).into();
        }
        let length = if number < 2 { 1 } else { byte(options, index + 1).unwrap_or(1).max(1) };
        index += usize::from(length);
    }
    wanted.negated.into()
}
