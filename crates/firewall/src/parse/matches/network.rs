//! Addresses and link layer: `iprange`, `addrtype`, `mac`, `pkttype`.

use std::net::IpAddr;

use super::{Context, Refusal, option_not_compiled};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{AddrType, AddrTypes, Family, Match, Negatable, PktType};
use crate::parse::address;
use crate::parse::item::{Given, Item};

pub(super) fn iprange(item: &Item<'_>, context: &mut Context<'_>) -> Result<Match, Refusal> {
    let mut range =
        |name: &str| item.get(name).map(|given| address_range(given, context)).transpose();
    let (source, destination) = (range("src-range")?, range("dst-range")?);
    if source.is_none() && destination.is_none() {
        let detail = "`iprange` needs `--src-range` or `--dst-range`";
        return Err(item.refuse(Code::MissingOption, detail).into());
    }
    Ok(Match::IpRange { source, destination })
}

/// `FROM-TO` or one address.
fn address_range(
    given: &Given<'_>,
    context: &mut Context<'_>,
) -> Result<Negatable<(IpAddr, IpAddr)>, Diagnostic> {
    let text = given.value.text;
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let address = |text: &str| {
        address::host_address(text, context.family)
            .map_err(|(code, detail)| given.value.refuse(code, detail))
    };
    let (from, to) = (address(from)?, address(to)?);
    if from > to {
        context.findings.push(given.value.refuse(Code::EmptyRange, format!("`{text}`")));
    }
    Ok(Negatable { negated: given.negated, value: (from, to) })
}

/// The names of `addrtype` by value, so in the order of their bits.
pub(crate) const ADDR_TYPES: [(&str, AddrType); 12] = [
    ("UNSPEC", AddrType::Unspec),
    ("UNICAST", AddrType::Unicast),
    ("LOCAL", AddrType::Local),
    ("BROADCAST", AddrType::Broadcast),
    ("ANYCAST", AddrType::Anycast),
    ("MULTICAST", AddrType::Multicast),
    ("BLACKHOLE", AddrType::Blackhole),
    ("UNREACHABLE", AddrType::Unreachable),
    ("PROHIBIT", AddrType::Prohibit),
    ("THROW", AddrType::Throw),
    ("NAT", AddrType::Nat),
    ("XRESOLVE", AddrType::Xresolve),
];

pub(super) fn addrtype(item: &Item<'_>, family: Family) -> Result<Match, Refusal> {
    let set = |name: &str| item.get(name).map(|given| addr_types(given, family)).transpose();
    let (source, destination) = (set("src-type")?, set("dst-type")?);
    if source.is_none() && destination.is_none() {
        let detail = "`addrtype` needs `--src-type` or `--dst-type`";
        return Err(item.refuse(Code::MissingOption, detail).into());
    }
    if let (Some(_), Some(out)) = (item.get("limit-iface-in"), item.get("limit-iface-out")) {
        let detail = "`--limit-iface-in` and `--limit-iface-out`";
        return Err(Diagnostic::new(Code::ConflictingOptions, out.span, detail).into());
    }
    for name in ["limit-iface-in", "limit-iface-out"] {
        if item.has(name) {
            return Err(option_not_compiled(item, name));
        }
    }
    Ok(Match::AddrType { source, destination })
}

/// A list of names or their beginnings.
fn addr_types(given: &Given<'_>, family: Family) -> Result<Negatable<AddrTypes>, Diagnostic> {
    let mut set = AddrTypes::default();
    for name in given.value.text.split(',') {
        let fits = |row: &&(&str, AddrType)| {
            let start = row.0.get(..name.len());
            !name.is_empty() && start.is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        let Some((full, kind)) = ADDR_TYPES.iter().find(fits) else {
            return Err(given.value.refuse(Code::UnknownValue, format!("address type `{name}`")));
        };
        // The kernel refuses these for IPv6: `addrtype_mt_checkentry_v1`.
        let v4_only = matches!(
            kind,
            AddrType::Broadcast
                | AddrType::Blackhole
                | AddrType::Prohibit
                | AddrType::Throw
                | AddrType::Nat
                | AddrType::Xresolve
        );
        if v4_only && family == Family::V6 {
            return Err(given.value.refuse(Code::WrongFamily, format!("address type `{full}`")));
        }
        set.0 |= 1 << (*kind as u8);
    }
    Ok(Negatable { negated: given.negated, value: set })
}

/// Six hexadecimal bytes with `:` between them.
pub(super) fn mac(item: &Item<'_>) -> Result<Match, Refusal> {
    let given = item.exactly_one(&["mac-source"])?;
    let text = given.value.text;
    let bad = || given.value.refuse(Code::UnknownValue, format!("hardware address `{text}`"));
    let mut bytes = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut bytes {
        let part = parts.next().unwrap_or_default();
        let plain = (1..=2).contains(&part.len()) && !part.starts_with('+');
        *byte = u8::from_str_radix(part, 16).ok().filter(|_| plain).ok_or_else(bad)?;
    }
    if parts.next().is_some() {
        return Err(bad().into());
    }
    Ok(Match::Mac(Negatable { negated: given.negated, value: bytes }))
}

/// The names of `pkttype`; the first of a value is the saved one.
pub(crate) const PACKET_TYPES: [(&str, PktType); 7] = [
    ("unicast", PktType::Host),
    ("broadcast", PktType::Broadcast),
    ("multicast", PktType::Multicast),
    ("otherhost", PktType::OtherHost),
    ("host", PktType::Host),
    ("bcast", PktType::Broadcast),
    ("mcast", PktType::Multicast),
];

pub(super) fn pkttype(item: &Item<'_>) -> Result<Match, Refusal> {
    let given = item.exactly_one(&["pkt-type"])?;
    let text = given.value.text;
    let row = PACKET_TYPES.iter().find(|row| row.0.eq_ignore_ascii_case(text));
    match row {
        Some((_, kind)) => Ok(Match::PktType(Negatable { negated: given.negated, value: *kind })),
        None => Err(given.value.refuse(Code::UnknownValue, format!("packet type `{text}`")).into()),
    }
}
