//! `icmp` and `icmp6`: types by number or name.

use super::Refusal;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{IcmpType, Match, Negatable};
use crate::parse::item::{Given, Item};
use crate::parse::number;

/// Name, type, codes from and to.
pub(crate) type Names = &'static [(&'static str, u8, (u8, u8))];

/// Every code.
const ANY_CODE: (u8, u8) = (0, u8::MAX);

/// The type that stands for every type in IPv4.
const ANY_TYPE: u8 = 255;

pub(super) fn icmp(item: &Item<'_>) -> Result<Match, Refusal> {
    let given = item.exactly_one(&["icmp-type"])?;
    let (value, codes) = parse(given, ICMP)?;
    let value = match value {
        ANY_TYPE => IcmpType::Any,
        value => IcmpType::Type { value, codes },
    };
    Ok(Match::Icmp(Negatable { negated: given.negated, value }))
}

pub(super) fn icmp6(item: &Item<'_>) -> Result<Match, Refusal> {
    let given = item.exactly_one(&["icmpv6-type"])?;
    let (value, codes) = parse(given, ICMPV6)?;
    let value = IcmpType::Type { value, codes };
    Ok(Match::Icmp6(Negatable { negated: given.negated, value }))
}

/// A name or its beginning, `TYPE` or `TYPE/CODE`.
fn parse(given: &Given<'_>, names: Names) -> Result<(u8, (u8, u8)), Diagnostic> {
    let text = given.value.text;
    let fits = |row: &&(&str, u8, (u8, u8))| {
        let start = row.0.get(..text.len());
        !text.is_empty() && start.is_some_and(|start| start.eq_ignore_ascii_case(text))
    };
    let mut fitting = names.iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(row), None) => return Ok((row.1, row.2)),
        (Some(first), Some(second)) => {
            let detail = format!("`{text}` may be `{}` or `{}`", first.0, second.0);
            return Err(given.value.refuse(Code::AmbiguousValue, detail));
        }
        (None, _) => {}
    }
    let (kind, code) = match text.split_once('/') {
        Some((kind, code)) => (kind, Some(code)),
        None => (text, None),
    };
    let bad = |what: &str| given.value.refuse(Code::UnknownValue, format!("ICMP {what} `{text}`"));
    let kind = number::unsigned_u8(kind).ok_or_else(|| bad("type"))?;
    let codes = match code {
        Some(code) => {
            let code = number::unsigned_u8(code).ok_or_else(|| bad("code"))?;
            (code, code)
        }
        None => ANY_CODE,
    };
    Ok((kind, codes))
}

/// Source: the IANA ICMP parameters; names as in iptables-extensions(8).
const ICMP: Names = &[
    ("any", ANY_TYPE, ANY_CODE),
    ("echo-reply", 0, ANY_CODE),
    ("pong", 0, ANY_CODE),
    ("destination-unreachable", 3, ANY_CODE),
    ("network-unreachable", 3, (0, 0)),
    ("host-unreachable", 3, (1, 1)),
    ("protocol-unreachable", 3, (2, 2)),
    ("port-unreachable", 3, (3, 3)),
    ("fragmentation-needed", 3, (4, 4)),
    ("source-route-failed", 3, (5, 5)),
    ("network-unknown", 3, (6, 6)),
    ("host-unknown", 3, (7, 7)),
    ("network-prohibited", 3, (9, 9)),
    ("host-prohibited", 3, (10, 10)),
    ("TOS-network-unreachable", 3, (11, 11)),
    ("TOS-host-unreachable", 3, (12, 12)),
    ("communication-prohibited", 3, (13, 13)),
    ("host-precedence-violation", 3, (14, 14)),
    ("precedence-cutoff", 3, (15, 15)),
    ("source-quench", 4, ANY_CODE),
    ("redirect", 5, ANY_CODE),
    ("network-redirect", 5, (0, 0)),
    ("host-redirect", 5, (1, 1)),
    ("TOS-network-redirect", 5, (2, 2)),
    ("TOS-host-redirect", 5, (3, 3)),
    ("echo-request", 8, ANY_CODE),
    ("ping", 8, ANY_CODE),
    ("router-advertisement", 9, ANY_CODE),
    ("router-solicitation", 10, ANY_CODE),
    ("time-exceeded", 11, ANY_CODE),
    ("ttl-exceeded", 11, ANY_CODE),
    ("ttl-zero-during-transit", 11, (0, 0)),
    ("ttl-zero-during-reassembly", 11, (1, 1)),
    ("parameter-problem", 12, ANY_CODE),
    ("ip-header-bad", 12, (0, 0)),
    ("required-option-missing", 12, (1, 1)),
    ("timestamp-request", 13, ANY_CODE),
    ("timestamp-reply", 14, ANY_CODE),
    ("address-mask-request", 17, ANY_CODE),
    ("address-mask-reply", 18, ANY_CODE),
];

/// Source: the IANA ICMPv6 parameters; names as in iptables-extensions(8).
const ICMPV6: Names = &[
    ("destination-unreachable", 1, ANY_CODE),
    ("no-route", 1, (0, 0)),
    ("communication-prohibited", 1, (1, 1)),
    ("beyond-scope", 1, (2, 2)),
    ("address-unreachable", 1, (3, 3)),
    ("port-unreachable", 1, (4, 4)),
    ("failed-policy", 1, (5, 5)),
    ("reject-route", 1, (6, 6)),
    ("packet-too-big", 2, ANY_CODE),
    ("time-exceeded", 3, ANY_CODE),
    ("ttl-exceeded", 3, ANY_CODE),
    ("ttl-zero-during-transit", 3, (0, 0)),
    ("ttl-zero-during-reassembly", 3, (1, 1)),
    ("parameter-problem", 4, ANY_CODE),
    ("bad-header", 4, (0, 0)),
    ("unknown-header-type", 4, (1, 1)),
    ("unknown-option", 4, (2, 2)),
    ("echo-request", 128, ANY_CODE),
    ("ping", 128, ANY_CODE),
    ("echo-reply", 129, ANY_CODE),
    ("pong", 129, ANY_CODE),
    ("router-solicitation", 133, ANY_CODE),
    ("router-advertisement", 134, ANY_CODE),
    ("neighbour-solicitation", 135, ANY_CODE),
    ("neighbor-solicitation", 135, ANY_CODE),
    ("neighbour-advertisement", 136, ANY_CODE),
    ("neighbor-advertisement", 136, ANY_CODE),
    ("redirect", 137, ANY_CODE),
];
