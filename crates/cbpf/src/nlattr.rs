//! Netlink attributes in a packet, for the two ancillary loads that search them.
//!
//! Sources: `net/core/filter.c: bpf_skb_get_nlattr`, `linux/netlink.h: struct nlattr`. The numbers
//! are in host order; this is for little-endian machines.
//!
//! ```text
//! length:16 | type:16 | value, filled up to a multiple of 4      the length counts the header
//! ```

const HEADER_BYTES: usize = 4;
/// The type's bits without the flags for nested and big-endian values.
const TYPE_MASK: u16 = 0x3fff;

struct Attribute {
    kind: u16,
    length: usize,
}

/// Position of the first attribute of type `kind` from position `at` on; 0 if there is none.
pub(crate) fn find(data: &[u8], at: u32, kind: u32) -> u32 {
    search(data, at, kind).unwrap_or(0)
}

/// As [`find`], within the attribute at position `at`.
pub(crate) fn find_nested(data: &[u8], at: u32, kind: u32) -> u32 {
    let nested = || {
        let outer = attribute(data.get(at as usize..)?)?;
        let inside = data.get(..at as usize + outer.length)?;
        search(inside, at.checked_add(4)?, kind)
    };
    nested().unwrap_or(0)
}

fn search(data: &[u8], at: u32, kind: u32) -> Option<u32> {
    let mut at = at as usize;
    loop {
        let found = attribute(data.get(at..)?)?;
        if u32::from(found.kind) == kind {
            return u32::try_from(at).ok();
        }
        at += found.length.next_multiple_of(4);
    }
}

/// The attribute at the beginning of `bytes`, if it is whole.
fn attribute(bytes: &[u8]) -> Option<Attribute> {
    let [l0, l1, t0, t1] = *bytes.first_chunk::<HEADER_BYTES>()?;
    let length = usize::from(u16::from_le_bytes([l0, l1]));
    let kind = u16::from_le_bytes([t0, t1]) & TYPE_MASK;
    (HEADER_BYTES..=bytes.len()).contains(&length).then_some(Attribute { kind, length })
}
