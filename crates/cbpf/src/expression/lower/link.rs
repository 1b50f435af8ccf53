//! Tests of the link layer: its type, addresses, direction and LLC frames.

use super::Lowering;
use super::fragment::Fragment;
use super::frame::{Base, Link};
use crate::expression::error::Reason;
use crate::expression::protocol::{
    SAP_IPX, SAP_ISO, SAP_NETBEUI, SAP_STP, TYPE_AARP, TYPE_ATALK, TYPE_DECNET, TYPE_IP, TYPE_IP6,
};
use crate::expression::syntax::{Direction, Llc};
use crate::expression::value::Operand;
use crate::{Cond, Size};

/// The largest 802.3 length; larger values in its place are ethertypes (IEEE 802.3 §3.2.6).
const LENGTH_MAX: u32 = 1500;
/// The LLC access point of IP.
const SAP_IP: u32 = 0x06;
/// The ethertype of IPX.
const TYPE_IPX: u32 = 0x8137;
/// Frames without LLC and with LLC in Linux cooked captures (`linux/if_ether.h: ETH_P_802_3,
/// ETH_P_802_2`).
const COOKED_802_3: u32 = 1;
const COOKED_802_2: u32 = 4;
/// `linux/if_packet.h: PACKET_OUTGOING`.
const OUTGOING: u32 = 4;
/// Address families of IPv6 in captures of the BSDs and of macOS, in the order of their test.
const AF_INET6: [u32; 3] = [30, 24, 28];
const AF_INET: u32 = 2;

type Lowered = Result<Fragment, Reason>;

impl Lowering<'_> {
    /// Holds for packets of a link type: an ethertype, or up to 1500 an LLC access point.
    pub(super) fn link_type(&mut self, number: u32) -> Lowered {
        if self.frame.labels > 0 {
            return self.type_behind_labels(number);
        }
        Ok(match self.frame.link {
            Link::Ethernet => self.ethernet_type(number),
            Link::Sll => self.cooked_type(number),
            Link::Sll2 => self.type_field(number),
            Link::Ppp => self.type_field(ppp_type(number)),
            Link::Raw => match number {
                TYPE_IP => self.ip_version(0, 4),
                TYPE_IP6 => self.ip_version(0, 6),
                _ => self.always(false),
            },
            Link::Ipv4 => self.always(number == TYPE_IP),
            Link::Ipv6 => self.always(number == TYPE_IP6),
            Link::Null | Link::Loop => match number {
                TYPE_IP => self.address_family(AF_INET),
                TYPE_IP6 => {
                    let families = AF_INET6.map(|family| self.address_family(family));
                    self.any(families)
                }
                _ => self.always(false),
            },
        })
    }

    /// The last label before an IP header ends the stack; only the header itself tells its version.
    fn type_behind_labels(&mut self, number: u32) -> Lowered {
        let version = match number {
            TYPE_IP => 4,
            TYPE_IP6 => 6,
            _ => return Err(Reason::Encapsulated { what: "protocol but IP", within: "MPLS" }),
        };
        let label = self.load(Base::Network, 2_u32.wrapping_neg(), Size::B);
        let is_last = self.masked(label, 1, 1);
        let first = self.load(Base::Network, 0, Size::B);
        let is_version = self.masked(first, version << 4, 0xf0);
        Ok(self.and(is_last, is_version))
    }

    fn type_field(&mut self, number: u32) -> Fragment {
        let field = self.load(Base::Type, 0, Size::H);
        self.equals(field, number)
    }

    fn ip_version(&mut self, offset: u32, version: u32) -> Fragment {
        let first = self.load(Base::Header, offset, Size::B);
        self.masked(first, version << 4, 0xf0)
    }

    fn address_family(&mut self, family: u32) -> Fragment {
        let number = if self.frame.link == Link::Null { family.swap_bytes() } else { family };
        let field = self.load(Base::Header, 0, Size::W);
        self.equals(field, number)
    }

    fn ethernet_type(&mut self, number: u32) -> Fragment {
        let behind_llc = match number {
            SAP_ISO | SAP_IP | SAP_NETBEUI => self.llc_both(number),
            SAP_IPX => {
                let snap = self.snap(0, TYPE_IPX);
                let access_point = self.llc_byte(SAP_IPX);
                let bare = self.llc_word(0xffff);
                self.any([snap, access_point, bare])
            }
            TYPE_ATALK => self.snap(0x08_0007, TYPE_ATALK),
            TYPE_AARP => self.snap(0, TYPE_AARP),
            _ if number <= LENGTH_MAX => {
                let access_point = self.load(Base::Type, 2, Size::B);
                self.equals(access_point, number)
            }
            _ => return self.type_field(number),
        };
        let is_length = self.is_length();
        let behind_length = self.and(is_length, behind_llc);
        match own_type(number) {
            Some(number) => {
                let direct = self.type_field(number);
                self.or(direct, behind_length)
            }
            None => behind_length,
        }
    }

    /// Holds for 802.3 frames.
    fn is_length(&mut self) -> Fragment {
        let field = self.load(Base::Type, 0, Size::H);
        self.test(field, Cond::Gt, Operand::Constant(LENGTH_MAX)).not()
    }

    fn cooked_type(&mut self, number: u32) -> Fragment {
        let behind_llc = match number {
            SAP_ISO | SAP_IP | SAP_NETBEUI => self.llc_both(number),
            SAP_IPX => {
                let access_point = self.llc_byte(SAP_IPX);
                let snap = self.snap(0, TYPE_IPX);
                self.or(access_point, snap)
            }
            TYPE_ATALK => self.snap(0x08_0007, TYPE_ATALK),
            TYPE_AARP => self.snap(0, TYPE_AARP),
            _ if number <= LENGTH_MAX => self.llc_byte(number),
            _ => return self.type_field(number),
        };
        let has_llc = self.type_field(COOKED_802_2);
        let mut any = self.and(has_llc, behind_llc);
        if number == SAP_IPX {
            let without_llc = self.type_field(COOKED_802_3);
            any = self.or(without_llc, any);
        }
        match own_type(number) {
            Some(number) => {
                let direct = self.type_field(number);
                self.or(direct, any)
            }
            None => any,
        }
    }

    fn llc_byte(&mut self, access_point: u32) -> Fragment {
        let field = self.load(Base::Llc, 0, Size::B);
        self.equals(field, access_point)
    }

    fn llc_word(&mut self, access_points: u32) -> Fragment {
        let field = self.load(Base::Llc, 0, Size::H);
        self.equals(field, access_points)
    }

    /// Destination and source access point are the same.
    fn llc_both(&mut self, access_point: u32) -> Fragment {
        self.llc_word(access_point << 8 | access_point)
    }

    /// An LLC header with SNAP: unnumbered information of an organisation's protocol.
    fn snap(&mut self, organisation: u32, number: u32) -> Fragment {
        let second = self.load(Base::Llc, 4, Size::W);
        let second = self.equals(second, (organisation & 0xffff) << 16 | number);
        let first = self.load(Base::Llc, 0, Size::W);
        let first = self.equals(first, 0xaaaa_0300 | organisation >> 16);
        self.and(second, first)
    }

    /// Holds for LLC frames of a kind.
    pub(super) fn llc(&mut self, kind: Llc) -> Lowered {
        if self.frame.link != Link::Ethernet {
            return Err(self.no_field("LLC header"));
        }
        let is_length = self.is_length();
        let is_llc = self.llc_word(0xffff).not();
        let any = self.and(is_length, is_llc);
        let control = self.load(Base::Llc, 2, Size::B);
        let is_kind = match kind {
            Llc::Any => return Ok(any),
            Llc::Information => self.test(control, Cond::Set, Operand::Constant(1)).not(),
            Llc::Supervisory => self.masked(control, 1, 3),
            Llc::Unnumbered => self.masked(control, 3, 3),
            Llc::SupervisoryType(bits) => self.masked(control, bits.into(), 0x0f),
            Llc::UnnumberedType(bits) => self.masked(control, bits.into(), 0xef),
        };
        Ok(self.and(any, is_kind))
    }

    /// Holds for frames from or to an Ethernet address.
    pub(super) fn ethernet_address(
        &mut self,
        mac: [u8; 6],
        direction: Option<Direction>,
    ) -> Lowered {
        if self.frame.link != Link::Ethernet {
            return Err(self.no_field("Ethernet addresses"));
        }
        let is_framed = self.geneve_link_check();
        let is_address = match direction {
            Some(Direction::Source) => self.ethernet_at(6, mac),
            Some(Direction::Destination) => self.ethernet_at(0, mac),
            Some(Direction::Both) => {
                let (source, destination) = (self.ethernet_at(6, mac), self.ethernet_at(0, mac));
                self.and(source, destination)
            }
            Some(Direction::Either) | None => {
                let (source, destination) = (self.ethernet_at(6, mac), self.ethernet_at(0, mac));
                self.or(source, destination)
            }
            Some(Direction::Wireless) => return Err(self.no_field("802.11 addresses")),
        };
        Ok(match is_framed {
            Some(is_framed) => self.and(is_framed, is_address),
            None => is_address,
        })
    }

    /// Compares the last four bytes first, as more frames differ in them.
    fn ethernet_at(&mut self, offset: u32, mac: [u8; 6]) -> Fragment {
        let [a, b, c, d, e, f] = mac;
        let last = self.load(Base::Header, offset + 2, Size::W);
        let last = self.equals(last, u32::from_be_bytes([c, d, e, f]));
        let first = self.load(Base::Header, offset, Size::H);
        let first = self.equals(first, u16::from_be_bytes([a, b]).into());
        self.and(last, first)
    }

    /// Holds for frames to a group of stations.
    pub(super) fn ethernet_multicast(&mut self) -> Lowered {
        if self.frame.link != Link::Ethernet {
            return Err(self.no_field("multicast addresses"));
        }
        let is_framed = self.geneve_link_check();
        let first = self.load(Base::Header, 0, Size::B);
        let is_group = self.test(first, Cond::Set, Operand::Constant(1));
        Ok(match is_framed {
            Some(is_framed) => self.and(is_framed, is_group),
            None => is_group,
        })
    }

    /// Holds for packets that the capturing host sent.
    pub(super) fn outbound(&mut self) -> Lowered {
        let packet_type = match self.frame.link {
            Link::Sll => self.load(Base::Header, 0, Size::H),
            Link::Sll2 => self.load(Base::Header, 10, Size::B),
            Link::Ethernet
            | Link::Raw
            | Link::Ipv4
            | Link::Ipv6
            | Link::Null
            | Link::Loop
            | Link::Ppp => return Err(self.no_field("direction")),
        };
        Ok(self.equals(packet_type, OUTGOING))
    }

    /// Holds for packets of the interface with a number.
    pub(super) fn interface(&mut self, index: u32) -> Lowered {
        if self.frame.link != Link::Sll2 {
            return Err(self.no_field("interface index"));
        }
        let field = self.load(Base::Header, 4, Size::W);
        Ok(self.equals(field, index))
    }

    pub(super) fn no_field(&self, what: &'static str) -> Reason {
        Reason::LinkType { what, link: self.options.link }
    }
}

/// The ethertype of a protocol that also comes behind LLC.
fn own_type(number: u32) -> Option<u32> {
    match number {
        SAP_IPX => Some(TYPE_IPX),
        TYPE_ATALK | TYPE_AARP => Some(number),
        _ => None,
    }
}

/// The PPP protocol number for a link type (IANA "PPP Numbers").
fn ppp_type(number: u32) -> u32 {
    match number {
        TYPE_IP => 0x21,
        TYPE_IP6 => 0x57,
        TYPE_DECNET => 0x27,
        TYPE_ATALK => 0x29,
        0x0600 => 0x25,
        SAP_ISO => 0x23,
        SAP_STP => 0x31,
        SAP_IPX => 0x2b,
        other => other,
    }
}
