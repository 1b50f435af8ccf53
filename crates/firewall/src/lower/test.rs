//! Tests over words of the packet key.

use std::net::IpAddr;

use crate::key::Field;
use crate::model::AddrMask;

/// A condition without side effects on the packet key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// All words are equal under their masks; or, negated, at least one differs.
    Equal {
        /// None has an empty mask.
        words: Vec<Word>,
        /// Inverted as a whole.
        negated: bool,
    },
    /// One of the ranges holds its word; or, negated, none.
    AnyRange {
        /// Offset in the key, lowest and highest value.
        ranges: Vec<(i16, u32, u32)>,
        /// Inverted as a whole.
        negated: bool,
    },
    /// The four words from `offset` on, most significant first, lie between `low` and `high`.
    Wide {
        /// Offset in the key.
        offset: i16,
        /// Lowest value.
        low: [u32; 4],
        /// Highest value.
        high: [u32; 4],
        /// Inverted as a whole.
        negated: bool,
    },
    /// Holds for no packet.
    Never,
}

/// One word of the key compared under a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Byte offset in the key.
    pub(crate) offset: i16,
    /// Ones are compared.
    pub(crate) mask: u32,
    /// Within the mask.
    pub(crate) value: u32,
}

impl Word {
    /// The whole field equals `value`.
    pub(crate) fn whole(field: Field, value: u32) -> Self {
        Self { offset: field.offset(), mask: u32::MAX, value }
    }

    /// The bits of `field` under `mask` equal `value`.
    pub(crate) fn masked(field: Field, mask: u32, value: u32) -> Self {
        Self { offset: field.offset(), mask, value }
    }
}

impl Test {
    /// Equality of all words; `None` where it holds for every packet.
    pub(crate) fn equal(mut words: Vec<Word>, negated: bool) -> Option<Self> {
        if words.iter().any(|word| word.value & !word.mask != 0) {
            // A value outside the mask never occurs.
            return (!negated).then_some(Self::Never);
        }
        words.retain(|word| word.mask != 0);
        match (words.is_empty(), negated) {
            (true, false) => None,
            (true, true) => Some(Self::Never),
            (false, _) => Some(Self::Equal { words, negated }),
        }
    }

    /// At least one of the bits `mask` of `field` is set, or, negated, none.
    pub(crate) fn any_bit(field: Field, mask: u32, negated: bool) -> Option<Self> {
        if mask == 0 {
            return (!negated).then_some(Self::Never);
        }
        Some(Self::Equal { words: vec![Word::masked(field, mask, 0)], negated: !negated })
    }

    /// `field` lies between `low` and `high`, inclusive.
    pub(crate) fn range(field: Field, low: u32, high: u32, negated: bool) -> Self {
        Self::AnyRange { ranges: vec![(field.offset(), low, high)], negated }
    }
}

/// The words of an address under its mask; one for IPv4, four for IPv6.
pub(crate) fn address_words(field: Field, address: &AddrMask) -> Vec<Word> {
    let (values, masks) = (limbs(address.addr), limbs(address.mask));
    let count = if address.addr.is_ipv4() { 1 } else { 4 };
    (0..count)
        .map(|index: u8| Word {
            offset: field.word(index),
            mask: masks[usize::from(index)],
            value: values[usize::from(index)],
        })
        .collect()
}

/// The address as four words, most significant first; an IPv4 address is the first.
pub(crate) fn limbs(address: IpAddr) -> [u32; 4] {
    match address {
        IpAddr::V4(address) => [address.to_bits(), 0, 0, 0],
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            [96, 64, 32, 0].map(|shift| (bits >> shift & 0xffff_ffff) as u32)
        }
    }
}
