//! All memory a run may touch, and the checks of each access.
//!
//! Invariant: an access succeeds only if all its bytes lie in one live stack frame, in the context,
//! in the packet, in one modelled structure, or in one value of a map. Loads from the null page give
//! zero where the program type has kernel objects (netfilter), because the kernel's loads through
//! untrusted kernel pointers do (`PROBE_MEM`); elsewhere, and for stores, they fault.

use std::sync::atomic::{Ordering, fence};

use netloom_maps::Map;

use crate::address::{self, FRAME_BYTES, FRAMES_MAX, NULL_PAGE_BYTES, Region};
use crate::fault::Denied;
use crate::input::Input;
use crate::objects::Objects;

/// The stack frames of all functions.
pub(crate) type Stack = [[u8; FRAME_BYTES]; FRAMES_MAX];

/// What a run can address.
pub(crate) struct Memory<'r> {
    stack: &'r mut Stack,
    /// Index of the running function's frame; it and those below are live.
    depth: usize,
    /// Address of that frame's first byte.
    frame_base: u64,
    context: Context<'r>,
    pub(crate) packet: Bytes<'r>,
    objects: Option<&'r Objects>,
    pub(crate) maps: &'r [Map],
    null_reads_zero: bool,
}

/// The context region.
pub(crate) enum Context<'r> {
    /// No context, or one that is a kernel object.
    None,
    /// Plain memory.
    Bytes(&'r mut [u8]),
    /// 4-byte fields, each of which loads as a whole and may be an address.
    Fields([u64; 6]),
}

/// Borrowed bytes that may or may not be written.
pub(crate) enum Bytes<'r> {
    Shared(&'r [u8]),
    Exclusive(&'r mut [u8]),
}

impl Bytes<'_> {
    #[inline]
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Shared(bytes) => bytes,
            Self::Exclusive(bytes) => bytes,
        }
    }
}

impl<'r> Memory<'r> {
    /// The memory of a run that starts with `input`. Loads from the null page give zero if
    /// `null_reads_zero`.
    pub(crate) fn new(
        stack: &'r mut Stack,
        maps: &'r [Map],
        input: Input<'r>,
        null_reads_zero: bool,
    ) -> Self {
        let Input { context, packet, objects, .. } = input;
        let frame_base = Region::Stack(0).at(0);
        Self { stack, depth: 0, frame_base, context, packet, objects, maps, null_reads_zero }
    }

    /// Index of the running function's stack frame.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Makes the frames up to that of index `depth`, less than `FRAMES_MAX`, live. Returns the frame
    /// pointer of the function at that depth.
    pub(crate) fn set_depth(&mut self, depth: u16) -> u64 {
        self.depth = usize::from(depth);
        self.frame_base = Region::Stack(depth).at(0);
        self.frame_base + FRAME_BYTES as u64
    }

    /// The `N` bytes at `address`, zero-extended.
    #[inline(always)]
    pub(crate) fn load<const N: usize>(&self, address: u64) -> Result<u64, Denied> {
        let frame = &self.stack[self.depth % FRAMES_MAX];
        match get::<N>(frame, address.wrapping_sub(self.frame_base)) {
            Some(value) => Ok(value),
            None => self.load_elsewhere::<N>(address),
        }
    }

    /// Puts the low `N` bytes of `value` at `address`.
    #[inline(always)]
    pub(crate) fn store<const N: usize>(&mut self, address: u64, value: u64) -> Result<(), Denied> {
        let frame = &mut self.stack[self.depth % FRAMES_MAX];
        match put::<N>(frame, address.wrapping_sub(self.frame_base), value) {
            Some(()) => Ok(()),
            None => self.store_elsewhere::<N>(address, value),
        }
    }

    /// A load outside the running function's frame: packets and map values first.
    #[inline(never)]
    fn load_elsewhere<const N: usize>(&self, address: u64) -> Result<u64, Denied> {
        let packet = self.packet.as_slice();
        if let Some(value) = get::<N>(packet, address.wrapping_sub(Region::Packet.at(0))) {
            return Ok(value);
        }
        match address::map(address) {
            Some(map) => {
                let values = self.maps.get(usize::from(map)).and_then(Map::values);
                let value = values.ok_or(Denied::Unmapped)?.load::<N>(address::offset(address));
                value.ok_or(Denied::OutOfBounds)
            }
            None => self.load_anywhere::<N>(address),
        }
    }

    #[inline(never)]
    fn load_anywhere<const N: usize>(&self, address: u64) -> Result<u64, Denied> {
        let (region, offset) = Region::of(address);
        match (region, &self.context) {
            (Region::Context, Context::Fields(fields)) => field::<N>(fields, offset),
            (Region::Null, _) if self.null_reads_zero && offset < NULL_PAGE_BYTES => Ok(0),
            _ => get::<N>(self.bytes_to_read(region)?, offset).ok_or(Denied::OutOfBounds),
        }
    }

    /// A store outside the running function's frame.
    #[inline(never)]
    fn store_elsewhere<const N: usize>(&mut self, address: u64, value: u64) -> Result<(), Denied> {
        let offset = address::offset(address);
        if let Some(map) = address::map(address) {
            let values = self.map_to_write(map)?.values().ok_or(Denied::Unmapped)?;
            return values.store::<N>(offset, value).ok_or(Denied::OutOfBounds);
        }
        let bytes = self.bytes_to_write(Region::of(address).0)?;
        put::<N>(bytes, offset, value).ok_or(Denied::OutOfBounds)
    }

    /// Replaces the `N` (4 or 8) bytes at `address` by `change` of them; returns the old ones. In a
    /// map, as one indivisible step.
    pub(crate) fn modify<const N: usize>(
        &mut self,
        address: u64,
        change: impl Fn(u64) -> u64,
    ) -> Result<u64, Denied> {
        let (region, offset) = Region::of(address);
        if !offset.is_multiple_of(N as u64) {
            return Err(Denied::Misaligned);
        }
        if let Region::Map(map) = region {
            let map = self.map_to_write(map)?;
            let values = map.values().ok_or(Denied::Unmapped)?;
            return values.modify::<N>(offset, change).ok_or(Denied::OutOfBounds);
        }
        let bytes = self.bytes_to_write(region)?;
        let old = get::<N>(bytes, offset).ok_or(Denied::OutOfBounds)?;
        put::<N>(bytes, offset, change(old)).ok_or(Denied::OutOfBounds)?;
        Ok(old)
    }

    /// A load that later accesses are not moved before.
    pub(crate) fn load_acquire<const N: usize>(&self, address: u64) -> Result<u64, Denied> {
        let value = self.aligned::<N>(address)?.load::<N>(address)?;
        fence(Ordering::Acquire);
        Ok(value)
    }

    /// A store that earlier accesses are not moved behind.
    pub(crate) fn store_release<const N: usize>(
        &mut self,
        address: u64,
        value: u64,
    ) -> Result<(), Denied> {
        self.aligned::<N>(address)?;
        fence(Ordering::Release);
        self.store::<N>(address, value)
    }

    /// Copies bytes out, for a callee.
    pub(crate) fn read(&self, address: u64, out: &mut [u8]) -> Result<(), Denied> {
        let (region, offset) = Region::of(address);
        if let Region::Map(map) = region {
            let values = self.maps.get(usize::from(map)).and_then(Map::values);
            return values.ok_or(Denied::Unmapped)?.read(offset, out).ok_or(Denied::OutOfBounds);
        }
        let start = usize::try_from(offset).or(Err(Denied::OutOfBounds))?;
        let bytes = self.bytes_to_read(region)?.get(start..).and_then(|rest| rest.get(..out.len()));
        out.copy_from_slice(bytes.ok_or(Denied::OutOfBounds)?);
        Ok(())
    }

    /// Upper bound of what [`Memory::read`] can copy from `address`.
    pub(crate) fn readable_bytes(&self, address: u64) -> Result<u64, Denied> {
        let (region, offset) = Region::of(address);
        if let Region::Map(map) = region {
            let values = self.maps.get(usize::from(map)).and_then(Map::values);
            return Ok(values.ok_or(Denied::Unmapped)?.value_size().into());
        }
        Ok((self.bytes_to_read(region)?.len() as u64).saturating_sub(offset))
    }

    /// The bytes that packet loads (`LD_ABS`) see.
    pub(crate) fn packet_load_bytes(&self) -> &[u8] {
        match &self.context {
            Context::Bytes(bytes) => bytes,
            Context::None | Context::Fields(_) => self.packet.as_slice(),
        }
    }

    fn bytes_to_read(&self, region: Region) -> Result<&[u8], Denied> {
        match region {
            Region::Stack(frame) if usize::from(frame) <= self.depth => {
                let frame = self.stack.get(usize::from(frame));
                frame.map(|bytes| &bytes[..]).ok_or(Denied::Unmapped)
            }
            Region::Packet => Ok(self.packet.as_slice()),
            Region::Context => match &self.context {
                Context::Bytes(bytes) => Ok(bytes),
                Context::None => Err(Denied::Unmapped),
                Context::Fields(_) => Err(Denied::NotAField),
            },
            Region::Object(object) => self.object(object).ok_or(Denied::Unmapped),
            Region::Null
            | Region::Stack(_)
            | Region::MapHandle
            | Region::Function
            | Region::Map(_)
            | Region::Unmapped(_) => Err(Denied::Unmapped),
        }
    }

    /// Copies bytes in, for a callee.
    pub(crate) fn write(&mut self, address: u64, from: &[u8]) -> Result<(), Denied> {
        let (region, offset) = Region::of(address);
        if let Region::Map(map) = region {
            let map = self.map_to_write(map)?;
            let values = map.values().ok_or(Denied::Unmapped)?;
            return values.write(offset, from).ok_or(Denied::OutOfBounds);
        }
        let to = self.bytes_to_write(region)?;
        let start = usize::try_from(offset).or(Err(Denied::OutOfBounds))?;
        let bytes = to.get_mut(start..).and_then(|bytes| bytes.get_mut(..from.len()));
        bytes.ok_or(Denied::OutOfBounds)?.copy_from_slice(from);
        Ok(())
    }

    fn aligned<const N: usize>(&self, address: u64) -> Result<&Self, Denied> {
        let aligned = address::offset(address).is_multiple_of(N as u64);
        if aligned { Ok(self) } else { Err(Denied::Misaligned) }
    }

    fn object(&self, object: u16) -> Option<&[u8]> {
        self.objects?.bytes(object)
    }

    fn map_to_write(&self, map: u16) -> Result<&Map, Denied> {
        let map = self.maps.get(usize::from(map)).ok_or(Denied::Unmapped)?;
        if map.is_read_only_to_programs() { Err(Denied::ReadOnly) } else { Ok(map) }
    }

    fn bytes_to_write(&mut self, region: Region) -> Result<&mut [u8], Denied> {
        match region {
            Region::Stack(frame) if usize::from(frame) <= self.depth => {
                let frame = self.stack.get_mut(usize::from(frame));
                frame.map(|bytes| &mut bytes[..]).ok_or(Denied::Unmapped)
            }
            Region::Packet => match &mut self.packet {
                Bytes::Shared(_) => Err(Denied::ReadOnly),
                Bytes::Exclusive(bytes) => Ok(bytes),
            },
            Region::Context => match &mut self.context {
                Context::None => Err(Denied::Unmapped),
                Context::Fields(_) => Err(Denied::ReadOnly),
                Context::Bytes(bytes) => Ok(bytes),
            },
            Region::Object(object) if self.object(object).is_some() => Err(Denied::ReadOnly),
            Region::Null
            | Region::Stack(_)
            | Region::MapHandle
            | Region::Function
            | Region::Object(_)
            | Region::Map(_)
            | Region::Unmapped(_) => Err(Denied::Unmapped),
        }
    }
}

/// The `N` bytes at `offset` in `bytes`.
#[inline(always)]
fn get<const N: usize>(bytes: &[u8], offset: u64) -> Option<u64> {
    let start = usize::try_from(offset).ok()?;
    let chunk = bytes.get(start..)?.first_chunk::<N>()?;
    let mut word = [0; 8];
    word.get_mut(..N)?.copy_from_slice(chunk);
    Some(u64::from_le_bytes(word))
}

#[inline(always)]
fn put<const N: usize>(bytes: &mut [u8], offset: u64, value: u64) -> Option<()> {
    let start = usize::try_from(offset).ok()?;
    let chunk = bytes.get_mut(start..)?.first_chunk_mut::<N>()?;
    chunk.copy_from_slice(value.to_le_bytes().get(..N)?);
    Some(())
}

fn field<const N: usize>(fields: &[u64], offset: u64) -> Result<u64, Denied> {
    if N != 4 || !offset.is_multiple_of(4) {
        return Err(Denied::NotAField);
    }
    let index = usize::try_from(offset / 4).or(Err(Denied::OutOfBounds))?;
    fields.get(index).copied().ok_or(Denied::OutOfBounds)
}
