//! What a program is run on: plain descriptions that the caller fills in.

use std::fmt;

use netloom_abi::ProgramType;

/// The input of one run.
#[derive(Debug)]
pub enum Context<'a> {
    /// Plain memory for a program of any type: `r1` its address (0 if it is empty), `r2` its bytes.
    /// Packet loads (`LD_ABS`, `LD_IND`) read the same memory.
    Memory(&'a mut [u8]),
    /// `struct xdp_md *` for an XDP program.
    Xdp(XdpInput<'a>),
    /// `struct bpf_nf_ctx *` for a netfilter program.
    Netfilter(&'a NetfilterInput<'a>),
}

/// A frame at the earliest hook of a device.
#[derive(Debug)]
pub struct XdpInput<'a> {
    /// The frame from its link-layer header on; the program may write it.
    pub frame: &'a mut [u8],
    /// Number of the receiving device.
    pub ingress_ifindex: u32,
    /// Its receive queue.
    pub rx_queue_index: u32,
    /// Number of the sending device, for programs in device maps; else 0.
    pub egress_ifindex: u32,
}

/// A packet at a netfilter hook.
#[derive(Clone, Copy, Debug)]
pub struct NetfilterInput<'a> {
    /// The packet, with its link-layer header if it has one.
    pub frame: &'a [u8],
    /// Bytes of the link-layer header in `frame`; 0 if there is none (as at LOCAL_OUT).
    pub link_bytes: u16,
    /// Family of the hook.
    pub family: Family,
    /// The hook.
    pub hook: Hook,
    /// The device it came in by.
    pub in_device: Option<&'a Device>,
    /// The device it leaves by.
    pub out_device: Option<&'a Device>,
    /// `skb->mark`.
    pub mark: u32,
    /// `skb->pkt_type`.
    pub packet_type: PacketType,
    /// What connection tracking says.
    pub conntrack: Conntrack,
    /// The route taken, if routing was done.
    pub route: Route,
}

/// A network device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    name: [u8; Device::NAME_BYTES],
    /// Its number.
    pub ifindex: u32,
    /// Its hardware type (`linux/if_arp.h`: `ARPHRD_*`).
    pub hardware: u16,
}

/// A device name is longer than 15 bytes, or has a zero byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameTooLong;

/// Protocol families of netfilter hooks (`linux/netfilter.h`: `NFPROTO_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Family {
    /// IPv4.
    Ipv4 = 2,
    /// IPv6.
    Ipv6 = 10,
}

/// Netfilter hooks (`linux/netfilter.h`: `enum nf_inet_hooks`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the meaning")]
pub enum Hook {
    PreRouting = 0,
    LocalIn,
    Forward,
    LocalOut,
    PostRouting,
}

/// To whom a frame was sent (`linux/if_packet.h`: `PACKET_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the meaning")]
pub enum PacketType {
    #[default]
    Host = 0,
    Broadcast,
    Multicast,
    OtherHost,
    Outgoing,
    Loopback,
}

/// What `skb->_nfct` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Conntrack {
    /// No connection: tracking is off, or the packet is invalid.
    #[default]
    None,
    /// Exempt from tracking.
    Untracked,
    /// Part of a connection.
    Tracked {
        /// `enum ip_conntrack_info`, 0 to 7.
        info: u8,
        /// `nf_conn->status` (`enum ip_conntrack_status`).
        status: u64,
    },
}

/// What `skb_dst()` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Route {
    /// No route yet.
    #[default]
    None,
    /// `rtable->rt_type` (`linux/rtnetlink.h`: `RTN_*`).
    Ipv4 {
        /// The type.
        rt_type: u16,
    },
    /// `rt6_info->rt6i_flags` (`linux/ipv6_route.h`: `RTF_*`).
    Ipv6 {
        /// The flags.
        flags: u32,
    },
}

impl Context<'_> {
    /// Whether a program of this type can run in this context.
    pub(crate) fn suits(&self, kind: ProgramType) -> bool {
        match self {
            Self::Memory(_) => true,
            Self::Xdp(_) => kind == ProgramType::Xdp,
            Self::Netfilter(_) => kind == ProgramType::Netfilter,
        }
    }
}

impl<'a> NetfilterInput<'a> {
    /// A packet without link-layer header, devices, mark, connection and route.
    pub fn new(packet: &'a [u8], family: Family, hook: Hook) -> Self {
        Self {
            frame: packet,
            link_bytes: 0,
            family,
            hook,
            in_device: None,
            out_device: None,
            mark: 0,
            packet_type: PacketType::Host,
            conntrack: Conntrack::None,
            route: Route::None,
        }
    }
}

impl Device {
    /// Bytes of a name with its terminating zero (`linux/if.h`: `IFNAMSIZ`).
    const NAME_BYTES: usize = 16;
    /// `ARPHRD_ETHER`.
    const ETHERNET: u16 = 1;

    /// An Ethernet device.
    ///
    /// # Errors
    /// When the name does not fit.
    pub fn new(name: &str, ifindex: u32) -> Result<Self, NameTooLong> {
        let mut bytes = [0; Self::NAME_BYTES];
        if name.len() >= bytes.len() || name.bytes().any(|byte| byte == 0) {
            return Err(NameTooLong);
        }
        bytes.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
        Ok(Self { name: bytes, ifindex, hardware: Self::ETHERNET })
    }

    /// The name, filled up with zeros.
    pub fn name_bytes(&self) -> &[u8; 16] {
        &self.name
    }
}

impl fmt::Display for NameTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("device name is longer than 15 bytes or has a zero byte")
    }
}

impl std::error::Error for NameTooLong {}
