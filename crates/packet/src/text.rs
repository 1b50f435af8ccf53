//! One line per packet, close to tcpdump's first words:
//!
//! ```text
//! IP 10.0.0.1.1234 > 10.0.0.2.80: tcp S, length 60
//! IP6 2001:db8::1 > 2001:db8::2: ipv6-icmp type 128 code 0, length 104
//! IP 10.0.0.1 > 10.0.0.2: udp, fragment 1480+, length 1500
//! ARP 10.0.0.1 > 10.0.0.2: request
//! ```
//!
//! The length is the IP packet's, which is what a rule counter adds. A fragment shows its place in
//! bytes, and `+` when others follow.

use std::fmt;
use std::net::IpAddr;

use crate::wire::{Arp, Ip, Malformed, Transport, Upper, ethertype, protocol};

/// A packet's line, made when printed.
#[derive(Debug, Clone, Copy)]
pub struct Summary<'a> {
    ethertype: u16,
    network: &'a [u8],
}

/// The summary of a network-layer packet that `ethertype` announced.
#[must_use]
pub fn summary(ethertype: u16, network: &[u8]) -> Summary<'_> {
    Summary { ethertype, network }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ethertype == ethertype::ARP {
            return write_arp(f, self.network);
        }
        match Ip::announced_by(self.ethertype, self.network) {
            Ok(Some(ip)) => write_ip(f, &ip),
            Ok(None) => {
                write!(f, "ethertype {:#06x}, length {}", self.ethertype, self.network.len())
            }
            Err(fault) => write_malformed(f, fault, self.network.len()),
        }
    }
}

fn write_arp(f: &mut fmt::Formatter<'_>, packet: &[u8]) -> fmt::Result {
    let arp = match Arp::new_checked(packet) {
        Ok(arp) => arp,
        Err(fault) => return write_malformed(f, fault, packet.len()),
    };
    write!(f, "ARP {} > {}: ", arp.sender(), arp.target())?;
    match arp.operation() {
        Arp::REQUEST => f.write_str("request"),
        Arp::REPLY => f.write_str("reply"),
        other => write!(f, "operation {other}"),
    }
}

fn write_malformed(f: &mut fmt::Formatter<'_>, fault: Malformed, length: usize) -> fmt::Result {
    write!(f, "malformed: {fault}, length {length}")
}

fn write_ip(f: &mut fmt::Formatter<'_>, ip: &Ip<'_>) -> fmt::Result {
    f.write_str(match ip {
        Ip::V4(_) => "IP ",
        Ip::V6(_) => "IP6 ",
    })?;
    match ip.upper() {
        Ok(upper) => {
            let (sport, dport) = upper.ports().unzip();
            write_ends(f, ip.src(), sport, ip.dst(), dport)?;
            write_upper(f, &upper)?;
        }
        Err(fault) => {
            write_ends(f, ip.src(), None, ip.dst(), None)?;
            write!(f, "malformed: {fault}")?;
        }
    }
    write!(f, ", length {}", ip.total_len())
}

fn write_ends(
    f: &mut fmt::Formatter<'_>,
    src: IpAddr,
    sport: Option<u16>,
    dst: IpAddr,
    dport: Option<u16>,
) -> fmt::Result {
    write!(f, "{src}")?;
    sport.map_or(Ok(()), |port| write!(f, ".{port}"))?;
    write!(f, " > {dst}")?;
    dport.map_or(Ok(()), |port| write!(f, ".{port}"))?;
    f.write_str(": ")
}

fn write_upper(f: &mut fmt::Formatter<'_>, upper: &Upper<'_>) -> fmt::Result {
    match protocol::name(upper.protocol) {
        Some(name) => f.write_str(name)?,
        None => write!(f, "protocol {}", upper.protocol)?,
    }
    match upper.transport() {
        Ok(Transport::Tcp(tcp)) => write!(f, " {}", tcp.flags())?,
        Ok(Transport::Icmpv4(icmp) | Transport::Icmpv6(icmp)) => {
            write!(f, " type {} code {}", icmp.kind(), icmp.code())?;
        }
        Ok(
            Transport::Udp(_) | Transport::Sctp(_) | Transport::Other | Transport::LaterFragment,
        ) => {}
        Err(_) => f.write_str(" truncated")?,
    }
    if let Some(fragment) = upper.fragment {
        let more = if fragment.more { "+" } else { "" };
        write!(f, ", fragment {}{more}", fragment.offset)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
