//! What a program is run on.

use crate::ancillary::Origin;

/// A packet as a filter sees it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Packet<'a> {
    /// All bytes that are there, from the first header on.
    pub bytes: &'a [u8],
    /// Where the packet begins for the filter; offset 0 of its loads.
    pub start: usize,
    /// Its length from there (`len`); more than there are bytes if the capture cut it off.
    pub length: u32,
    /// Where the link-layer header begins, if that is known.
    pub link: Option<usize>,
    /// Where the network header begins, if that is known.
    pub network: Option<usize>,
    /// What is known beside the bytes.
    pub metadata: Metadata,
}

/// What the kernel knows about a packet beside its bytes. Numbers are in host order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The Ethernet type.
    pub protocol: u16,
    /// To whom the frame was sent (`linux/if_packet.h`: `PACKET_*`).
    pub packet_type: u8,
    /// The device; without one, a load of it ends the program with A.
    pub device: Option<Device>,
    /// The mark.
    pub mark: u32,
    /// The receive queue.
    pub queue: u16,
    /// The receive hash.
    pub rx_hash: u32,
    /// Number of the CPU.
    pub cpu: u32,
    /// The VLAN tag that was taken off.
    pub vlan: Option<Vlan>,
    /// Length of all headers that the kernel knows.
    pub pay_offset: u32,
    /// What loads of a random number give.
    pub random: u32,
}

/// A network device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its number.
    pub ifindex: u32,
    /// Its hardware type (`linux/if_arp.h`: `ARPHRD_*`).
    pub hardware: u16,
}

/// A VLAN tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vlan {
    /// Its Ethernet type: 0x8100 or 0x88a8.
    pub tpid: u16,
    /// Priority, drop eligibility and identifier.
    pub tci: u16,
}

impl<'a> Packet<'a> {
    /// A whole packet of which nothing is known but its bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Self { bytes, length, ..Self::default() }
    }

    /// The bytes from where the packet begins for the filter.
    pub(crate) fn data(&self) -> &'a [u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// The `N` bytes at a place, if all of them are there.
    pub(crate) fn read<const N: usize>(&self, origin: Origin) -> Option<[u8; N]> {
        let (base, distance) = match origin {
            Origin::Data(distance) => (self.start, distance),
            Origin::Network(distance) => (self.network?, distance),
            Origin::Link(distance) => (self.link?, distance),
            Origin::Nothing => return None,
        };
        let at = base.checked_add(usize::try_from(distance).ok()?)?;
        self.bytes.get(at..)?.first_chunk().copied()
    }
}
