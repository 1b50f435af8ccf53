//! Addresses with masks, and lists of them, in the forms that `-s` and `-d` take.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::number;
use crate::diagnostic::Code;
use crate::model::{AddrMask, Family};

/// A refused value: kind and detail; the caller knows the position.
pub(crate) type Refused = (Code, String);

/// The addresses of a comma-separated list, in order.
pub(crate) fn list(text: &str, family: Family) -> Result<Vec<AddrMask>, Refused> {
    text.split(',').map(|item| one(item.trim_start(), family)).collect()
}

/// One address with an optional mask.
fn one(text: &str, family: Family) -> Result<AddrMask, Refused> {
    let (host, mask) = match text.rsplit_once('/') {
        Some((host, mask)) => (host, Some(mask)),
        None => (text, None),
    };
    let addr = host_address(host, family)?;
    let mask =
        mask.map_or_else(|| Ok(ones(width(family), family)), |mask| parse_mask(mask, family))?;
    Ok(AddrMask { addr: masked(addr, mask), mask })
}

/// An address without mask.
pub(crate) fn host_address(text: &str, family: Family) -> Result<IpAddr, Refused> {
    let parsed = match family {
        Family::V4 => network_v4(text).map(IpAddr::V4),
        Family::V6 => parse_v6(text).map(IpAddr::V6),
    };
    parsed.ok_or_else(|| {
        let other = network_v4(text).is_some() || parse_v6(text).is_some();
        let name = text.contains(|c: char| c.is_ascii_alphabetic()) && !text.contains(':');
        let code = if name && !other { Code::HostName } else { Code::BadAddress };
        (code, format!("`{text}`"))
    })
}

/// Up to four numbers; missing ones at the end are 0 (`10.1` is 10.1.0.0).
fn network_v4(text: &str) -> Option<Ipv4Addr> {
    let mut bytes = [0; 4];
    let mut parts = text.split('.');
    for byte in &mut bytes {
        match parts.next() {
            Some(part) => *byte = number::unsigned_u8(part)?,
            None => break,
        }
    }
    parts.next().is_none().then(|| Ipv4Addr::from(bytes))
}

/// All four numbers.
fn dotted_v4(text: &str) -> Option<Ipv4Addr> {
    (text.split('.').count() == 4).then(|| network_v4(text)).flatten()
}

fn parse_v6(text: &str) -> Option<Ipv6Addr> {
    text.parse().ok()
}

fn parse_mask(text: &str, family: Family) -> Result<IpAddr, Refused> {
    let width = width(family);
    let literal = match family {
        Family::V4 => dotted_v4(text).map(IpAddr::V4),
        Family::V6 => parse_v6(text).map(IpAddr::V6),
    };
    let length = || number::unsigned_u8(text).map(u32::from).filter(|length| *length <= width);
    literal
        .or_else(|| length().map(|length| ones(length, family)))
        .ok_or_else(|| (Code::BadMask, format!("`{text}`")))
}

/// Bits of an address.
fn width(family: Family) -> u32 {
    match family {
        Family::V4 => 32,
        Family::V6 => 128,
    }
}

/// The mask of a prefix; `length` is at most the width.
fn ones(length: u32, family: Family) -> IpAddr {
    match family {
        Family::V4 => {
            let bits = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(bits))
        }
        Family::V6 => {
            let bits = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
    }
}

/// `addr` without the bits outside `mask`; both are of one family.
fn masked(addr: IpAddr, mask: IpAddr) -> IpAddr {
    match (addr, mask) {
        (IpAddr::V4(addr), IpAddr::V4(mask)) => {
            IpAddr::V4(Ipv4Addr::from_bits(addr.to_bits() & mask.to_bits()))
        }
        (IpAddr::V6(addr), IpAddr::V6(mask)) => {
            IpAddr::V6(Ipv6Addr::from_bits(addr.to_bits() & mask.to_bits()))
        }
        (addr, _) => addr,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, family: Family, expected: &str) {
        let list = list(text, family).expect("an address");
        let found: Vec<_> = list.iter().map(|one| format!("{}/{}", one.addr, one.mask)).collect();
        assert_eq!(found.join(" "), expected, "{text}");
    }

    #[test]
    fn v4_forms_are_read() {
        check("10.1.2.3", Family::V4, "10.1.2.3/255.255.255.255");
        check("10.1.2.3/8", Family::V4, "10.0.0.0/255.0.0.0");
        check("10/8", Family::V4, "10.0.0.0/255.0.0.0");
        check("10.1", Family::V4, "10.1.0.0/255.255.255.255");
        check("010.0.0.0x1", Family::V4, "8.0.0.1/255.255.255.255");
        check("1.2.3.4/255.0.255.0", Family::V4, "1.0.3.0/255.0.255.0");
        check("1.2.3.4/0", Family::V4, "0.0.0.0/0.0.0.0");
        check("1.2.3.4/8, 1.2.3.4", Family::V4, "1.0.0.0/255.0.0.0 1.2.3.4/255.255.255.255");
    }

    #[test]
    fn v6_forms_are_read() {
        check("fe80::1/10", Family::V6, "fe80::/ffc0::");
        check("2001:db8::1/ffff:0:ffff::", Family::V6, "2001::/ffff:0:ffff::");
        check("::1/0", Family::V6, "::/::");
    }

    #[test]
    fn what_is_refused_says_why() {
        for (text, family, code) in [
            ("localhost", Family::V4, Code::HostName),
            ("example.org/24", Family::V6, Code::HostName),
            ("::1", Family::V4, Code::BadAddress),
            ("1.2.3.4", Family::V6, Code::BadAddress),
            ("1.2.3.4,", Family::V4, Code::BadAddress),
            ("1.2.3.256", Family::V4, Code::BadAddress),
            ("1.2.3.4.5", Family::V4, Code::BadAddress),
            ("1.2.3.4/33", Family::V4, Code::BadMask),
            ("1.2.3.4/255.0", Family::V4, Code::BadMask),
            ("1.2.3.4/", Family::V4, Code::BadMask),
            ("::1/129", Family::V6, Code::BadMask),
        ] {
            assert_eq!(list(text, family).expect_err(text).0, code, "{text}");
        }
    }
}
