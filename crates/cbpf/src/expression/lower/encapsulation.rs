//! VLAN tags, MPLS labels and PPPoE, behind which everything moves.

use super::Lowering;
use super::fragment::Fragment;
use super::frame::{Base, Link};
use crate::Size;
use crate::expression::error::Reason;

type Lowered = Result<Fragment, Reason>;

/// The tag types 802.1Q, 802.1ad and the older one of double tags, in the order of their test.
const TAG_TYPES: [u32; 3] = [0x8100, 0x88a8, 0x9100];
/// The tag's identifier, 12 bits (IEEE 802.1Q §9.6).
const TAG_MAX: u32 = 0x0fff;
/// The label, 20 bits (RFC 3032 §2.1).
const LABEL_MAX: u32 = 0xf_ffff;
/// The session identifier, 16 bits (RFC 2516 §4).
const SESSION_MAX: u32 = 0xffff;
/// Link types of MPLS packets: IEEE 802, and in PPP.
const TYPE_MPLS: u32 = 0x8847;
const PPP_MPLS: u32 = 0x0281;
/// Link types of PPP over Ethernet: discovery and sessions.
const TYPE_DISCOVERY: u32 = 0x8863;
const TYPE_SESSION: u32 = 0x8864;

impl Lowering<'_> {
    /// Holds for tagged frames; later primitives look behind the tag.
    pub(super) fn vlan(&mut self, tag: Option<u32>) -> Lowered {
        if self.frame.labels > 0 {
            return Err(Reason::Encapsulated { what: "VLAN tags", within: "MPLS" });
        }
        if self.frame.link != Link::Ethernet {
            return Err(self.no_field("VLAN tags"));
        }
        let mut types = Vec::new();
        for number in TAG_TYPES {
            types.push(self.link_type(number)?);
        }
        let mut is_tagged = self.any(types);
        if let Some(tag) = within(tag, TAG_MAX, "a VLAN identifier")? {
            let field = self.load(Base::Network, 0, Size::H);
            let is_tag = self.masked(field, tag, TAG_MAX);
            is_tagged = self.and(is_tagged, is_tag);
        }
        self.frame.payload = self.frame.payload.plus(4);
        self.frame.link_type = self.frame.link_type.map(|offset| offset.plus(4));
        Ok(is_tagged)
    }

    /// Holds for labelled packets; later primitives look behind the label.
    pub(super) fn mpls(&mut self, label: Option<u32>) -> Lowered {
        let mut is_labelled = if self.frame.labels > 0 {
            let before = self.load(Base::Network, 2_u32.wrapping_neg(), Size::B);
            self.masked(before, 0, 1)
        } else {
            match self.frame.link {
                Link::Ethernet => self.link_type(TYPE_MPLS)?,
                Link::Ppp => self.link_type(PPP_MPLS)?,
                Link::Raw
                | Link::Ipv4
                | Link::Ipv6
                | Link::Null
                | Link::Loop
                | Link::Sll
                | Link::Sll2 => return Err(self.no_field("MPLS labels")),
            }
        };
        if let Some(label) = within(label, LABEL_MAX, "an MPLS label")? {
            let field = self.load(Base::Network, 0, Size::W);
            let is_label = self.masked(field, label << 12, LABEL_MAX << 12);
            is_labelled = self.and(is_labelled, is_label);
        }
        self.frame.network = self.frame.network.wrapping_add(4);
        self.frame.network_behind_llc = self.frame.network_behind_llc.wrapping_add(4);
        self.frame.labels += 1;
        Ok(is_labelled)
    }

    pub(super) fn pppoe_discovery(&mut self) -> Lowered {
        self.link_type(TYPE_DISCOVERY)
    }

    /// Holds for PPP sessions; later primitives are about the PPP packet.
    pub(super) fn pppoe_session(&mut self, session: Option<u32>) -> Lowered {
        let mut is_session = self.link_type(TYPE_SESSION)?;
        if let Some(session) = within(session, SESSION_MAX, "a PPPoE session")? {
            let field = self.load(Base::Network, 0, Size::W);
            let is_number = self.masked(field, session, SESSION_MAX);
            is_session = self.and(is_session, is_number);
        }
        let header = self.frame.payload.plus(self.frame.network).plus(6);
        self.frame.link = Link::Ppp;
        self.frame.header = header;
        self.frame.link_type = Some(header);
        self.frame.payload = header.plus(2);
        self.frame.network = 0;
        self.frame.network_behind_llc = 0;
        self.frame.is_geneve = false;
        Ok(is_session)
    }
}

/// `number`, which may be at most `max`.
pub(super) fn within(
    number: Option<u32>,
    max: u32,
    what: &'static str,
) -> Result<Option<u32>, Reason> {
    match number {
        Some(number) if number > max => Err(Reason::OutOfRange { what, max }),
        other => Ok(other),
    }
}
