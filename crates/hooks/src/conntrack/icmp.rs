//! ICMP messages that are no part of an exchange: errors about other packets, and what keeps
//! neighbours and groups of IPv6 together.
//!
//! Source: `nf_conntrack_proto_icmp.c`, `nf_conntrack_proto_icmpv6.c` (Linux 6.18).

use std::net::IpAddr;

use netloom_packet::wire::{Icmp, Ip, protocol};

use super::tuple::Tuple;
use super::upper::UpperBytes;

/// What the table does with an ICMP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// It is a request or a reply; or nothing known, which finds no connection.
    Exchange,
    /// It is not tracked.
    Untracked,
    /// It is about this packet, whose beginning it holds.
    About(&'a [u8]),
    /// It is broken, or of no known type.
    Invalid,
}

/// Highest type that ICMP has (`NR_ICMP_TYPES`).
const V4_TYPE_MAX: u8 = 18;
/// Destination unreachable, source quench, redirect, time exceeded, parameter problem.
const V4_ERRORS: [u8; 5] = [3, 4, 5, 11, 12];
/// Multicast listener query, report, done; router solicitation and advertisement, neighbour
/// solicitation and advertisement; listener report version 2. Redirects are tracked.
const V6_UNTRACKED: [u8; 8] = [130, 131, 132, 133, 134, 135, 136, 143];
/// First type that is no error (RFC 4443 §2.1).
const V6_INFORMATIONAL: u8 = 128;
/// A neighbour's redirect (RFC 4861 §4.5).
const V6_REDIRECT: u8 = 137;

/// Sorts an ICMP message of the packet's own version of IP.
pub(super) fn message<'a>(ip: &Ip<'a>, upper: &UpperBytes<'a>) -> Message<'a> {
    let Ok(icmp) = Icmp::new_checked(upper.bytes) else { return Message::Invalid };
    match ip {
        Ip::V4(_) if icmp.kind() > V4_TYPE_MAX => Message::Invalid,
        Ip::V4(_) if V4_ERRORS.contains(&icmp.kind()) => Message::About(icmp.payload()),
        Ip::V4(_) => Message::Exchange,
        Ip::V6(_) if V6_UNTRACKED.contains(&icmp.kind()) => Message::Untracked,
        Ip::V6(ip) if icmp.kind() == V6_REDIRECT => {
            redirect(&icmp, ip.hop_limit(), ip.src().is_unicast_link_local())
        }
        Ip::V6(_) if icmp.kind() >= V6_INFORMATIONAL => Message::Exchange,
        Ip::V6(_) => Message::About(icmp.payload()),
    }
}

/// The packet that a redirect is about: in an option behind the two addresses.
fn redirect<'a>(icmp: &Icmp<'a>, hop_limit: u8, is_from_link: bool) -> Message<'a> {
    const ADDRESSES: usize = 32;
    const REDIRECTED_HEADER: u8 = 4;
    let Some(option) = icmp.payload().get(ADDRESSES..) else { return Message::Invalid };
    if icmp.code() != 0 {
        return Message::Exchange;
    }
    if hop_limit != u8::MAX || !is_from_link {
        return Message::Invalid;
    }
    match option {
        [_, 0, ..] | [] | [_] => Message::Invalid,
        [REDIRECTED_HEADER, ..] => Message::About(option.get(8..).unwrap_or_default()),
        _ => Message::Exchange,
    }
}

/// The tuple of the answers to the packet that an error of the same version of IP quotes, which
/// is cut short as a rule.
pub(super) fn quoted_answer(outer: &Ip<'_>, quoted: &[u8]) -> Option<Tuple> {
    let (src, dst, number, upper) = match outer {
        Ip::V4(_) => quoted_v4(quoted)?,
        Ip::V6(_) => {
            let Ok(ip @ Ip::V6(_)) = Ip::new_checked(quoted) else { return None };
            let upper = ip.upper().ok()?;
            if upper.fragment_offset() != 0 || upper.protocol == protocol::NO_NEXT {
                return None;
            }
            (ip.src(), ip.dst(), upper.protocol, upper.bytes)
        }
    };
    Tuple::of(src, dst, number, upper)?.inverse()
}

/// Reads a quoted IPv4 packet as leniently as the kernel, which looks at neither version nor total
/// length.
fn quoted_v4(quoted: &[u8]) -> Option<(IpAddr, IpAddr, u8, &[u8])> {
    const OFFSET: u16 = 0x1fff;
    let header: &[u8; 20] = quoted.first_chunk()?;
    let fragment = u16::from_be_bytes([header[6], header[7]]);
    if fragment & OFFSET != 0 {
        return None;
    }
    let upper = quoted.get(usize::from(header[0] & 0xf) * 4..)?;
    let [.., s0, s1, s2, s3, d0, d1, d2, d3] = *header;
    Some(([s0, s1, s2, s3].into(), [d0, d1, d2, d3].into(), header[9], upper))
}
