//! What a packet load reads, by its offset.
//!
//! Offsets are signed: those from 0 on count from where the packet begins for the filter, and three
//! negative ranges mean something else. Source: `linux/filter.h` (`SKF_*`).
//!
//! ```text
//! 0xffe00000      0xfff00000        0xfffff000   0x00000000       0x7fffffff
//!     |  link header   |  network header  |  ancillary  |  packet data  |
//! ```

/// First ancillary offset (`SKF_AD_OFF`).
const ANCILLARY: u32 = 0xffff_f000;
/// Offset that means the first byte of the network header (`SKF_NET_OFF`).
const NETWORK: u32 = 0xfff0_0000;
/// Offset that means the first byte of the link-layer header (`SKF_LL_OFF`).
const LINK: u32 = 0xffe0_0000;

/// What an absolute load gives instead of packet bytes (`SKF_AD_*`), whatever its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ancillary {
    /// The Ethernet type, as the kernel sees it.
    Protocol,
    /// To whom the frame was sent (`PACKET_*`).
    PacketType,
    /// Number of the device.
    Ifindex,
    /// Position of the first netlink attribute of type X from position A on, else 0.
    Nlattr,
    /// As `Nlattr`, within the attribute at position A.
    NlattrNest,
    /// The packet's mark.
    Mark,
    /// The receive queue.
    Queue,
    /// The device's hardware type (`ARPHRD_*`).
    HardwareType,
    /// The receive hash.
    RxHash,
    /// Number of the CPU.
    Cpu,
    /// `A ^ X`.
    AluXorX,
    /// The VLAN tag taken off the packet: priority and identifier.
    VlanTag,
    /// 1 if a VLAN tag was taken off, else 0.
    VlanTagPresent,
    /// Length of all headers that the kernel knows.
    PayOffset,
    /// A random number.
    Random,
    /// The Ethernet type of the VLAN tag.
    VlanTpid,
}

/// What a load at some offset reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// So many bytes from where the packet begins.
    Data(u32),
    /// So many bytes from the network header.
    Network(u32),
    /// So many bytes from the link-layer header.
    Link(u32),
    /// Nothing; the load ends the program.
    Nothing,
}

impl Ancillary {
    /// All rows, in the order of their offsets, 4 apart.
    pub const ALL: [Self; 16] = [
        Self::Protocol,
        Self::PacketType,
        Self::Ifindex,
        Self::Nlattr,
        Self::NlattrNest,
        Self::Mark,
        Self::Queue,
        Self::HardwareType,
        Self::RxHash,
        Self::Cpu,
        Self::AluXorX,
        Self::VlanTag,
        Self::VlanTagPresent,
        Self::PayOffset,
        Self::Random,
        Self::VlanTpid,
    ];

    /// What an absolute load at `k` gives; none for packet bytes, and for offsets that no filter
    /// may use.
    pub fn at(k: u32) -> Option<Self> {
        let distance = k.checked_sub(ANCILLARY).filter(|distance| distance % 4 == 0)?;
        Self::ALL.get(usize::try_from(distance / 4).ok()?).copied()
    }

    /// Its offset.
    pub fn k(self) -> u32 {
        ANCILLARY + 4 * (self as u32)
    }

    /// Its name in libpcap's text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Protocol => "proto",
            Self::PacketType => "type",
            Self::Ifindex => "ifidx",
            Self::Nlattr => "nla",
            Self::NlattrNest => "nlan",
            Self::Mark => "mark",
            Self::Queue => "queue",
            Self::HardwareType => "hatype",
            Self::RxHash => "rxhash",
            Self::Cpu => "cpu",
            Self::AluXorX => "xor_x",
            Self::VlanTag => "vlan_tci",
            Self::VlanTagPresent => "vlanp",
            Self::PayOffset => "poff",
            Self::Random => "random",
            Self::VlanTpid => "vlan_tpid",
        }
    }
}

/// Whether an absolute load at `k` is in the ancillary range, known or not.
pub(crate) fn is_ancillary(k: u32) -> bool {
    k >= ANCILLARY
}

/// What a load at `offset` reads, if it is not ancillary.
pub(crate) fn origin(offset: u32) -> Origin {
    match offset {
        0..=0x7fff_ffff => Origin::Data(offset),
        NETWORK.. => Origin::Network(offset - NETWORK),
        LINK.. => Origin::Link(offset - LINK),
        _ => Origin::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_and_rows_are_inverse() {
        for row in Ancillary::ALL {
            assert_eq!(Ancillary::at(row.k()), Some(row));
            assert_eq!(Ancillary::at(row.k() + 2), None);
            assert!(is_ancillary(row.k()));
        }
        assert_eq!(Ancillary::VlanTpid.k(), 0xffff_f000 + 60);
        assert_eq!(Ancillary::at(0xffff_f000 + 64), None);
    }

    #[test]
    fn ranges_meet_without_a_gap() {
        assert_eq!(origin(0x7fff_ffff), Origin::Data(0x7fff_ffff));
        assert_eq!(origin(0x8000_0000), Origin::Nothing);
        assert_eq!(origin(LINK - 1), Origin::Nothing);
        assert_eq!(origin(LINK), Origin::Link(0));
        assert_eq!(origin(NETWORK - 1), Origin::Link(0xf_ffff));
        assert_eq!(origin(NETWORK), Origin::Network(0));
        assert_eq!(origin(u32::MAX), Origin::Network(0xf_ffff));
    }
}
