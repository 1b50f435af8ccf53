//! Addresses that programs see.
//!
//! ```text
//!  63            48 47                                    0
//! +----------------+---------------------------------------+
//! | region         | offset in the region                  |
//! +----------------+---------------------------------------+
//! ```
//!
//! No region is near 2^47 bytes long, so an offset that under- or overflows leaves the region's valid
//! part before it reaches a neighbour. Region 0 is the null page.

use std::fmt;

/// Bits of the offset.
const OFFSET_BITS: u32 = 48;
/// Bytes of one function's stack frame (`linux/filter.h`: `MAX_BPF_STACK`).
pub(crate) const FRAME_BYTES: usize = 512;
/// Most nested functions, the entry function included (`linux/bpf_verifier.h`: `MAX_CALL_FRAMES`).
pub(crate) const FRAMES_MAX: usize = 8;
/// Addresses below belong to the null page.
pub(crate) const NULL_PAGE_BYTES: u64 = 4096;

const STACK: u16 = 1;
const STACK_END: u16 = 9;
const CONTEXT: u16 = 9;
const PACKET: u16 = 10;
const MAP_HANDLES: u16 = 16;
const FUNCTIONS: u16 = 17;
const KEYS: u16 = 24;
const KEYS_END: u16 = OBJECTS;
const OBJECTS: u16 = 32;
const OBJECTS_END: u16 = 64;
const MAPS: u16 = OBJECTS_END;

const _: () = assert!((STACK_END - STACK) as usize == FRAMES_MAX);
const _: () = assert!((KEYS_END - KEYS) as usize == FRAMES_MAX);

/// Regions of the lowest numbers: those that are plain bytes, and the null page. The near path of an
/// access (`memory`) looks no further.
pub(crate) const NEAR_REGIONS: usize = 16;

const _: () = assert!((PACKET as usize) < NEAR_REGIONS && (MAP_HANDLES as usize) >= NEAR_REGIONS);

/// Most maps that have addresses.
pub(crate) const MAPS_MAX: usize = (u16::MAX - MAPS) as usize;

/// What an address lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Region {
    /// The null page, and numbers that are no address.
    Null,
    /// The stack frame of the function at this call depth, 0 to 7.
    Stack(u16),
    /// The program's context.
    Context,
    /// The packet.
    Packet,
    /// A map itself, as programs pass it to helpers; the offset is its index.
    MapHandle,
    /// The code; the offset counts slots.
    Function,
    /// The key that a callback of `for_each_map_elem` is given, by the callback's call depth.
    Key(u16),
    /// A modelled kernel structure, by its number in the context.
    Object(u16),
    /// The values of a map, by its index in the object.
    Map(u16),
    /// No region.
    Unmapped(u16),
}

impl Region {
    /// The region and the offset in it.
    pub(crate) fn of(address: u64) -> (Self, u64) {
        let tag = tag(address);
        let region = match tag {
            0 => Self::Null,
            CONTEXT => Self::Context,
            PACKET => Self::Packet,
            MAP_HANDLES => Self::MapHandle,
            FUNCTIONS => Self::Function,
            MAPS.. => Self::Map(tag - MAPS),
            OBJECTS..OBJECTS_END => Self::Object(tag - OBJECTS),
            KEYS..KEYS_END => Self::Key(tag - KEYS),
            STACK..STACK_END => Self::Stack(tag - STACK),
            _ => Self::Unmapped(tag),
        };
        (region, offset(address))
    }

    /// The address `offset` bytes into the region.
    #[inline(always)]
    pub(crate) const fn at(self, offset: u64) -> u64 {
        ((self.tag() as u64) << OFFSET_BITS) + offset
    }

    /// The region's number.
    #[inline(always)]
    pub(crate) const fn number(self) -> usize {
        self.tag() as usize
    }

    const fn tag(self) -> u16 {
        match self {
            Self::Null => 0,
            Self::Stack(frame) => STACK + frame,
            Self::Context => CONTEXT,
            Self::Packet => PACKET,
            Self::MapHandle => MAP_HANDLES,
            Self::Function => FUNCTIONS,
            Self::Key(depth) => KEYS + depth,
            Self::Object(object) => OBJECTS + object,
            Self::Map(map) => MAPS + map,
            Self::Unmapped(tag) => tag,
        }
    }
}

/// The region number of an address.
#[inline]
pub(crate) fn tag(address: u64) -> u16 {
    (address >> OFFSET_BITS) as u16
}

/// The index of the map whose handle this is.
#[inline]
pub(crate) fn map_handle(address: u64) -> Option<u16> {
    let index = u16::try_from(offset(address)).ok();
    index.filter(|_| tag(address) == MAP_HANDLES)
}

/// The index of the map in whose values an address lies.
#[inline]
pub(crate) fn map(address: u64) -> Option<u16> {
    tag(address).checked_sub(MAPS)
}

/// The number of a near region, and the offset in it. The offset of an address in another region is
/// beyond the length of any region: what stays of its region number is far above bit 47.
#[inline(always)]
pub(crate) fn near(address: u64) -> (usize, u64) {
    const NUMBER: u64 = (NEAR_REGIONS as u64 - 1) << OFFSET_BITS;
    (((address & NUMBER) >> OFFSET_BITS) as usize, address & !NUMBER)
}

/// The offset of an address.
#[inline]
pub(crate) fn offset(address: u64) -> u64 {
    address & ((1 << OFFSET_BITS) - 1)
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("the null page"),
            Self::Stack(frame) => write!(f, "stack frame {frame}"),
            Self::Context => f.write_str("the context"),
            Self::Packet => f.write_str("the packet"),
            Self::MapHandle => f.write_str("the map handles"),
            Self::Function => f.write_str("the code"),
            Self::Key(depth) => write!(f, "the key of the callback at depth {depth}"),
            Self::Object(object) => write!(f, "kernel object {object}"),
            Self::Map(map) => write!(f, "the values of map {map}"),
            Self::Unmapped(tag) => write!(f, "unmapped region {tag}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Region;

    #[test]
    fn region_and_offset_come_back_from_the_address() {
        let all = [
            Region::Null,
            Region::Stack(0),
            Region::Stack(7),
            Region::Unmapped(11),
            Region::Key(0),
            Region::Key(7),
            Region::Context,
            Region::Packet,
            Region::MapHandle,
            Region::Function,
            Region::Object(0),
            Region::Object(31),
            Region::Map(0),
            Region::Map(u16::MAX - 64),
        ];
        for region in all {
            for offset in [0, 1, 512, (1 << 48) - 1] {
                assert_eq!(Region::of(region.at(offset)), (region, offset));
            }
        }
    }
}
