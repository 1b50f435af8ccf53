//! The five-tuple that names one direction of a flow.

use std::fmt;
use std::net::IpAddr;

use crate::wire::{ChainFault, Ip, protocol};

/// Addresses, protocol and ports of one direction of a flow, in host order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FiveTuple {
    /// Source address.
    pub src: IpAddr,
    /// Destination address, of the same family.
    pub dst: IpAddr,
    /// Upper protocol: see [`protocol`].
    pub proto: u8,
    /// Source port; 0 where the protocol has none or the packet does not show it.
    pub sport: u16,
    /// Destination port; 0 where the protocol has none or the packet does not show it.
    pub dport: u16,
}

impl FiveTuple {
    /// The five-tuple of an IP packet of either version; `None` when the bytes are no IP packet or
    /// its extension headers lead to no protocol. Ports are 0 in later fragments.
    #[must_use]
    pub fn of(packet: &[u8]) -> Option<Self> {
        Ip::new_checked(packet).ok().and_then(|ip| Self::of_ip(&ip).ok())
    }

    /// The five-tuple of a packet in view.
    ///
    /// # Errors
    /// [`ChainFault`] when the extension headers lead to no protocol.
    pub fn of_ip(ip: &Ip<'_>) -> Result<Self, ChainFault> {
        let upper = ip.upper()?;
        let (sport, dport) = upper.ports().unwrap_or((0, 0));
        Ok(Self { src: ip.src(), dst: ip.dst(), proto: upper.protocol, sport, dport })
    }

    /// The five-tuple of the answers.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { src: self.dst, dst: self.src, sport: self.dport, dport: self.sport, ..self }
    }
}

impl fmt::Display for FiveTuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match protocol::name(self.proto) {
            Some(name) => write!(f, "{name} ")?,
            None => write!(f, "protocol {} ", self.proto)?,
        }
        if protocol::has_ports(self.proto) {
            write!(f, "{}.{} > {}.{}", self.src, self.sport, self.dst, self.dport)
        } else {
            write!(f, "{} > {}", self.src, self.dst)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::PseudoHeader;
    use crate::wire::{ExtensionRepr, Ipv4Repr, Ipv6Repr, SctpRepr, UdpRepr};

    #[test]
    fn ports_are_found_behind_extension_headers() {
        let (src, dst) = ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
        let udp = UdpRepr { src_port: 53, dst_port: 5353 };
        let packet = Ipv6Repr {
            src,
            dst,
            protocol: protocol::UDP,
            extensions: vec![
                ExtensionRepr::HopByHop(vec![]),
                ExtensionRepr::Fragment { offset: 0, more: true, id: 1 },
            ],
            ..Ipv6Repr::default()
        }
        .emit(&udp.emit(&PseudoHeader::V6 { src, dst }, b"x"));

        let tuple = FiveTuple::of(&packet).unwrap();
        let expected =
            FiveTuple { src: src.into(), dst: dst.into(), proto: 17, sport: 53, dport: 5353 };
        assert_eq!(tuple, expected);
        assert_eq!(tuple.to_string(), "udp 2001:db8::1.53 > 2001:db8::2.5353");
    }

    #[test]
    fn later_fragments_and_protocols_without_ports_have_port_zero() {
        let sctp = SctpRepr { src_port: 1, dst_port: 2, verification_tag: 3 }.emit(b"");
        let first =
            Ipv4Repr { protocol: protocol::SCTP, more_fragments: true, ..Ipv4Repr::default() };
        let later = Ipv4Repr { fragment_offset: 8, ..first.clone() };
        let esp = Ipv4Repr { protocol: protocol::ESP, ..Ipv4Repr::default() };
        let ports = |header: &Ipv4Repr| {
            FiveTuple::of(&header.emit(&sctp)).map(|tuple| (tuple.sport, tuple.dport))
        };
        assert_eq!(ports(&first), Some((1, 2)));
        assert_eq!(ports(&later), Some((0, 0)));
        assert_eq!(ports(&esp), Some((0, 0)));
    }

    #[test]
    fn reversing_swaps_both_ends_and_twice_is_identity() {
        let tuple = FiveTuple {
            src: "10.0.0.1".parse().unwrap(),
            dst: "10.0.0.2".parse().unwrap(),
            proto: 6,
            sport: 1,
            dport: 2,
        };
        assert_eq!(tuple.reversed().to_string(), "tcp 10.0.0.2.2 > 10.0.0.1.1");
        assert_eq!(tuple.reversed().reversed(), tuple);
    }
}
