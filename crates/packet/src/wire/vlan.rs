//! 802.1Q and 802.1ad tags, a stack of which may stand between an ethertype field and the header
//! it announces:
//!
//! ```text
//!  … | TPID 16 | PCP 3 DEI 1 VID 12 | TPID or ethertype 16 | …
//! ```

use super::{Layer, Malformed, ethertype};

/// The most tags walked in one frame (`linux/if_vlan.h: VLAN_MAX_DEPTH`).
pub const VLAN_TAGS_MAX: usize = 8;

/// One tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VlanTag {
    /// The ethertype that announced the tag: 0x8100 (802.1Q) or 0x88a8 (802.1ad).
    pub tpid: u16,
    /// Priority (3 bits), drop eligible indicator (1 bit) and VLAN id (12 bits).
    pub tci: u16,
}

impl VlanTag {
    /// The VLAN id, 0 to 4095.
    #[must_use]
    pub fn vid(self) -> u16 {
        self.tci & 0x0fff
    }

    /// The priority code point, 0 to 7.
    #[must_use]
    pub fn priority(self) -> u16 {
        self.tci >> 13
    }
}

/// The tags of one frame, outermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VlanTags {
    tags: [VlanTag; VLAN_TAGS_MAX],
    count: usize,
}

impl VlanTags {
    /// The tags, outermost first.
    #[must_use]
    pub fn as_slice(&self) -> &[VlanTag] {
        self.tags.get(..self.count).unwrap_or(&self.tags)
    }

    fn push(&mut self, tag: VlanTag) -> Result<(), Malformed> {
        *self.tags.get_mut(self.count).ok_or(Malformed::TooManyTags)? = tag;
        self.count += 1;
        Ok(())
    }
}

/// Walks the tags behind an ethertype field of value `ethertype`; returns them, the ethertype of
/// what they wrap, and the bytes of that.
pub(crate) fn walk(
    mut ethertype: u16,
    mut rest: &[u8],
) -> Result<(VlanTags, u16, &[u8]), Malformed> {
    let mut tags = VlanTags::default();
    while matches!(ethertype, ethertype::VLAN | ethertype::QINQ) {
        let Some(([tci_high, tci_low, next_high, next_low], behind)) = rest.split_first_chunk()
        else {
            return Err(Malformed::truncated(Layer::Vlan, 4, rest));
        };
        tags.push(VlanTag { tpid: ethertype, tci: u16::from_be_bytes([*tci_high, *tci_low]) })?;
        ethertype = u16::from_be_bytes([*next_high, *next_low]);
        rest = behind;
    }
    Ok((tags, ethertype, rest))
}
