//! Addresses as the C library prints them, which differs from Rust's form in one case.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::AddrMask;

/// An address in the form of `inet_ntop`.
pub(super) struct Shown(pub(super) IpAddr);

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V6(addr) => match v4_compatible(addr) {
                Some(v4) => write!(out, "::{v4}"),
                None => write!(out, "{addr}"),
            },
            IpAddr::V4(addr) => write!(out, "{addr}"),
        }
    }
}

/// The lower half of an address whose first 96 bits, and no more groups, are 0.
fn v4_compatible(addr: Ipv6Addr) -> Option<Ipv4Addr> {
    let low = u32::try_from(addr.to_bits()).ok()?;
    (low > 0xffff).then(|| Ipv4Addr::from_bits(low))
}

/// `ADDRESS/LENGTH`, or with a mask that is no prefix `ADDRESS/MASK`.
pub(super) fn with_mask(addr: &AddrMask) -> String {
    match addr.prefix_len() {
        Some(length) => format!("{}/{length}", Shown(addr.addr)),
        None => format!("{}/{}", Shown(addr.addr), Shown(addr.mask)),
    }
}

/// [`with_mask`] without the mask of a single host.
pub(super) fn listed(addr: &AddrMask) -> String {
    let width = if addr.addr.is_ipv4() { 32 } else { 128 };
    match addr.prefix_len() {
        Some(length) if length == width => Shown(addr.addr).to_string(),
        _ => with_mask(addr),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v6_addresses_look_as_inet_ntop_prints_them() {
        for (text, expected) in [
            ("::1.2.3.4", "::1.2.3.4"),
            ("::102:0", "::1.2.0.0"),
            ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
            ("::ffff:0:1.2.3.4", "::ffff:0:102:304"),
            ("::1", "::1"),
            ("::ffff", "::ffff"),
            ("::1:0:0", "::1:0:0"),
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("::", "::"),
        ] {
            let addr: IpAddr = text.parse().expect("an address");
            assert_eq!(Shown(addr).to_string(), expected);
        }
    }
}
