//! Protocols, alone and by number.

use super::Lowering;
use super::fragment::Fragment;
use super::frame::Base;
use super::primitive::qualifier;
use crate::Size;
use crate::expression::error::Reason;
use crate::expression::names;
use crate::expression::protocol::{
    IP, IP6, ISIS, ISO, ISO_ISIS, LINK, Layer, Protocol, SAP_ISO, TYPE_IP, TYPE_IP6, Versions,
};
use crate::expression::syntax::Id;

type Lowered = Result<Fragment, Reason>;

/// The IPv6 fragment header (RFC 8200 §4.5).
const FRAGMENT: u32 = 44;

impl Lowering<'_> {
    /// Holds for packets of a protocol.
    pub(super) fn protocol(&mut self, protocol: Protocol) -> Lowered {
        match protocol.layer {
            Layer::Type(number) => self.link_type(number),
            Layer::Ip { number, versions } => {
                let number = u32::from(number);
                match versions {
                    Versions::V4 => self.in_ip(number),
                    Versions::V6 => self.in_ip6(number),
                    Versions::Both => self.in_either(number),
                }
            }
            Layer::Iso(number) => self.in_iso(number),
            Layer::Isis(types) => {
                let mut all = Vec::new();
                for number in types {
                    all.push(self.in_isis(*number)?);
                }
                Ok(self.any(all))
            }
            Layer::Link | Layer::Radio => {
                Err(Reason::Form { form: "the link layer alone", what: "any packets" })
            }
        }
    }

    /// The number of the protocol `id` among those that `carrier` carries.
    pub(super) fn protocol_number(
        &self,
        carrier: Option<Protocol>,
        id: Id<'_>,
    ) -> Result<u32, Reason> {
        let name = match id {
            Id::Number(number) => return Ok(number),
            Id::Name(name) => name,
            Id::Dotted(_)
            | Id::Prefix(..)
            | Id::Masked(..)
            | Id::Ip6(..)
            | Id::Mac(_)
            | Id::Arcnet => {
                return Err(Reason::Form { form: "an address", what: "a protocol" });
            }
        };
        let number = match carrier {
            None | Some(IP | IP6) => names::ip_protocol(self.options.names, name),
            Some(LINK) => names::ether_protocol(name),
            Some(ISO) => names::iso_protocol(name),
            Some(_) => None,
        };
        number.ok_or_else(|| Reason::Unknown { what: "protocol", name: name.into() })
    }

    /// Holds for packets in which `carrier` carries protocol `number`.
    pub(super) fn encapsulated(&mut self, carrier: Option<Protocol>, number: u32) -> Lowered {
        match carrier {
            None => self.in_either(number),
            Some(LINK) => self.link_type(number),
            Some(IP) => self.in_ip(number),
            Some(IP6) => self.in_ip6(number),
            Some(ISO) => self.in_iso(number),
            Some(ISIS) => self.in_isis(number),
            Some(_) => Err(qualifier(carrier, "a protocol")),
        }
    }

    fn in_either(&mut self, number: u32) -> Lowered {
        let (in_ip, in_ip6) = (self.in_ip(number)?, self.in_ip6(number)?);
        Ok(self.or(in_ip, in_ip6))
    }

    fn in_ip(&mut self, number: u32) -> Lowered {
        let is_ip = self.link_type(TYPE_IP)?;
        let field = self.load(Base::Network, 9, Size::B);
        let is_protocol = self.equals(field, number);
        Ok(self.and(is_ip, is_protocol))
    }

    /// Behind the IPv6 header, or behind a fragment header that follows it.
    fn in_ip6(&mut self, number: u32) -> Lowered {
        let is_ip = self.link_type(TYPE_IP6)?;
        let next = self.load(Base::Network, 6, Size::B);
        let is_fragment = self.equals(next, FRAGMENT);
        let behind = self.load(Base::Transport6, 0, Size::B);
        let is_behind = self.equals(behind, number);
        let is_behind_fragment = self.and(is_fragment, is_behind);
        let is_next = self.equals(next, number);
        let any = self.or(is_next, is_behind_fragment);
        Ok(self.and(is_ip, any))
    }

    fn in_iso(&mut self, number: u32) -> Lowered {
        let is_iso = self.link_type(SAP_ISO)?;
        let field = self.load(Base::NetworkBehindLlc, 0, Size::B);
        let is_protocol = self.equals(field, number);
        Ok(self.and(is_iso, is_protocol))
    }

    fn in_isis(&mut self, number: u32) -> Lowered {
        let is_isis = self.in_iso(ISO_ISIS)?;
        let field = self.load(Base::NetworkBehindLlc, 4, Size::B);
        let is_type = self.equals(field, number);
        Ok(self.and(is_isis, is_type))
    }
}
