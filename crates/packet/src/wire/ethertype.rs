//! Ethertypes this crate knows by name (IANA "IEEE 802 Numbers"), in host order.

/// IPv4.
pub const IPV4: u16 = 0x0800;
/// ARP.
pub const ARP: u16 = 0x0806;
/// An 802.1Q customer tag follows.
pub const VLAN: u16 = 0x8100;
/// IPv6.
pub const IPV6: u16 = 0x86dd;
/// An 802.1ad service tag follows.
pub const QINQ: u16 = 0x88a8;
/// The least value that is an ethertype; a smaller one is an 802.3 length (`ETH_P_802_3_MIN`).
pub const LEAST: u16 = 0x0600;
