//! One file per protocol, all of the same shape: a view `X` whose `new_checked` proves the length
//! of the fixed header once, accessors in host order, and a builder `XRepr` whose `emit` returns
//! header and payload with lengths and checksums filled in.
//!
//! Invariant: a view holds its fixed header as an array reference, so no accessor can read outside
//! the buffer. What lies behind the fixed header (options, payload) is cut to what is there; a view
//! of a packet cut short by the capture is as readable as its bytes allow.
//!
//! Views prove what Linux proves before it looks at the header, not more: a TCP header whose data
//! offset is nonsense still has ports.

pub mod ethertype;
pub mod protocol;

mod arp;
mod ethernet;
mod icmp;
mod ip;
mod ipv4;
mod ipv6;
mod ipv6_extension;
mod malformed;
mod sctp;
mod tcp;
mod udp;
mod vlan;

pub use arp::{Arp, ArpRepr};
pub use ethernet::{Ethernet, EthernetRepr, Mac};
pub use icmp::{Icmp, IcmpRepr};
pub use ip::{Fragment, Ip, Transport, Upper};
pub use ipv4::{Ipv4, Ipv4Repr};
pub use ipv6::{Ipv6, Ipv6Repr};
pub use ipv6_extension::{ChainFault, ExtensionRepr};
pub use malformed::{Layer, Malformed};
pub use sctp::{Sctp, SctpRepr};
pub use tcp::{Tcp, TcpFlags, TcpRepr};
pub use udp::{Udp, UdpRepr};
pub(crate) use vlan::walk as walk_tags;
pub use vlan::{VLAN_TAGS_MAX, VlanTag, VlanTags};

#[cfg(test)]
mod tests;
