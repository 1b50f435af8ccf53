//! All memory a run may touch, and the checks of each access.
//!
//! Invariant: an access succeeds only if all its bytes lie in one live stack frame, in the context,
//! in the packet, in one modelled structure, or in one value of a map. Loads from the null page give
//! zero where the program type has kernel objects (netfilter), because the kernel's loads through
//! untrusted kernel pointers do (`PROBE_MEM`); elsewhere, and for stores, they fault.
//!
//! Every access first tries the near path, a table of slices by region number, with one comparison;
//! then the values of maps.

use std::mem;
use std::sync::atomic::{Ordering, fence};

use netloom_maps::Map;

use crate::address::{self, FRAME_BYTES, FRAMES_MAX, NEAR_REGIONS, NULL_PAGE_BYTES, Region};
use crate::fault::Denied;
use crate::input::{self, Input};
use crate::objects::Objects;

/// The stack frames of all functions.
pub(crate) type Stack = [[u8; FRAME_BYTES]; FRAMES_MAX];

/// What a run can address.
pub(crate) struct Memory<'r> {
    /// The bytes of each near region, by its number; empty where there are none that the near path may
    /// touch.
    near: [Bytes<'r>; NEAR_REGIONS],
    /// Frames of functions that are not running, by call depth; those of others are empty.
    idle: [&'r mut [u8]; FRAMES_MAX],
    /// Call depth of the running function.
    depth: u16,
    context: Context,
    objects: Option<&'r Objects>,
    pub(crate) maps: &'r [Map],
    /// Keys that callbacks were given, by their call depth.
    keys: Vec<Vec<u8>>,
    null_reads_zero: bool,
}

/// What the context is.
pub(crate) enum Context {
    /// Nothing, or a kernel object.
    None,
    /// Plain memory.
    Bytes,
    /// 4-byte fields, each of which loads as a whole and may be an address.
    Fields([u64; 6]),
}

/// Borrowed bytes that may or may not be written.
pub(crate) enum Bytes<'r> {
    Shared(&'r [u8]),
    Exclusive(&'r mut [u8]),
}

impl Default for Bytes<'_> {
    fn default() -> Self {
        Self::Shared(&[])
    }
}

impl Bytes<'_> {
    #[inline(always)]
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Shared(bytes) => bytes,
            Self::Exclusive(bytes) => bytes,
        }
    }
}

impl<'r> Memory<'r> {
    /// The memory of a run that starts with `input`, with no stack frame yet. Loads from the null page
    /// give zero if `null_reads_zero`.
    pub(crate) fn new(
        stack: &'r mut Stack,
        maps: &'r [Map],
        input: Input<'r>,
        null_reads_zero: bool,
    ) -> Self {
        let mut near: [Bytes<'r>; NEAR_REGIONS] = Default::default();
        let (context, bytes) = match input.context {
            input::Context::None => (Context::None, Bytes::default()),
            input::Context::Bytes(bytes) => (Context::Bytes, Bytes::Exclusive(bytes)),
            input::Context::Fields(fields) => (Context::Fields(fields), Bytes::default()),
        };
        near[Region::Context.number()] = bytes;
        near[Region::Packet.number()] = input.packet;
        let mut idle = stack.each_mut().map(|frame| frame.as_mut_slice());
        near[Region::Stack(0).number()] = Bytes::Exclusive(mem::take(&mut idle[0]));
        let objects = input.objects;
        Self { near, idle, depth: 0, context, objects, maps, keys: Vec::new(), null_reads_zero }
    }

    /// Call depth of the running function.
    #[inline(always)]
    pub(crate) fn depth(&self) -> usize {
        self.depth.into()
    }

    /// The frame pointer of the running function.
    #[inline(always)]
    pub(crate) fn frame_pointer(&self) -> u64 {
        Region::Stack(self.depth).at(FRAME_BYTES as u64)
    }

    /// Makes the frame of a called function live; says whether there was one left.
    #[inline(always)]
    pub(crate) fn push_frame(&mut self) -> bool {
        let depth = self.depth + 1;
        let Some(idle) = self.idle.get_mut(usize::from(depth)) else { return false };
        self.near[Region::Stack(depth).number() % NEAR_REGIONS] = Bytes::Exclusive(mem::take(idle));
        self.depth = depth;
        true
    }

    /// Ends the frame of a called function.
    #[inline(always)]
    pub(crate) fn pop_frame(&mut self) {
        let live = &mut self.near[Region::Stack(self.depth).number() % NEAR_REGIONS];
        if let (Bytes::Exclusive(frame), Some(idle)) =
            (live, self.idle.get_mut(usize::from(self.depth)))
        {
            *idle = mem::take(frame);
        }
        self.depth = self.depth.saturating_sub(1);
    }

    /// Gives the callback at this call depth a key; returns its address.
    pub(crate) fn set_key(&mut self, depth: usize, key: Vec<u8>) -> u64 {
        if self.keys.len() <= depth {
            self.keys.resize(depth + 1, Vec::new());
        }
        self.keys[depth] = key;
        Region::Key(u16::try_from(depth).unwrap_or_default()).at(0)
    }

    /// The `N` bytes at `address`, zero-extended, if they are in a near region.
    #[inline(always)]
    pub(crate) fn load_near<const N: usize>(&self, address: u64) -> Option<u64> {
        let (number, offset) = address::near(address);
        get::<N>(self.near[number].as_slice(), offset)
    }

    /// Puts the low `N` bytes of `value` at `address`, if that is in a near region.
    #[inline(always)]
    pub(crate) fn store_near<const N: usize>(&mut self, address: u64, value: u64) -> Option<()> {
        let (number, offset) = address::near(address);
        match &mut self.near[number] {
            Bytes::Exclusive(bytes) => put::<N>(bytes, offset, value),
            Bytes::Shared(_) => None,
        }
    }

    /// The bytes at `address`, if they are in a near region.
    #[inline(always)]
    pub(crate) fn slice_near(&self, address: u64, bytes: usize) -> Option<&[u8]> {
        let (number, offset) = address::near(address);
        self.near[number].as_slice().get(usize::try_from(offset).ok()?..)?.get(..bytes)
    }

    /// The `N` bytes at `address`, zero-extended, if they are in a value of a map.
    #[inline(always)]
    pub(crate) fn load_map<const N: usize>(&self, address: u64) -> Option<u64> {
        let map = self.maps.get(usize::from(address::map(address)?))?;
        map.values()?.load::<N>(address::offset(address))
    }

    /// Puts the low `N` bytes of `value` at `address`, if that is in a value of a map.
    #[inline(always)]
    pub(crate) fn store_map<const N: usize>(&self, address: u64, value: u64) -> Option<()> {
        let map = self.maps.get(usize::from(address::map(address)?))?;
        if map.is_read_only_to_programs() {
            return None;
        }
        map.values()?.store::<N>(address::offset(address), value)
    }

    /// The `N` bytes at `address`, zero-extended.
    #[inline]
    pub(crate) fn load<const N: usize>(&self, address: u64) -> Result<u64, Denied> {
        if let Some(map) = address::map(address) {
            let values = self.maps.get(usize::from(map)).and_then(Map::values);
            let value = values.ok_or(Denied::Unmapped)?.load::<N>(address::offset(address));
            return value.ok_or(Denied::OutOfBounds);
        }
        if let Some(value) = self.load_near::<N>(address) {
            return Ok(value);
        }
        let (region, offset) = Region::of(address);
        match (region, &self.context) {
            (Region::Context, Context::Fields(fields)) => field::<N>(fields, offset),
            (Region::Null, _) if self.null_reads_zero && offset < NULL_PAGE_BYTES => Ok(0),
            _ => get::<N>(self.bytes_to_read(region)?, offset).ok_or(Denied::OutOfBounds),
        }
    }

    /// Puts the low `N` bytes of `value` at `address`.
    #[inline]
    pub(crate) fn store<const N: usize>(&mut self, address: u64, value: u64) -> Result<(), Denied> {
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
            Context::Bytes => self.near[Region::Context.number()].as_slice(),
            Context::None | Context::Fields(_) => self.packet(),
        }
    }

    /// The packet.
    pub(crate) fn packet(&self) -> &[u8] {
        self.near[Region::Packet.number()].as_slice()
    }

    fn bytes_to_read(&self, region: Region) -> Result<&[u8], Denied> {
        self.check(region)?;
        match region {
            Region::Object(object) => self.object(object).ok_or(Denied::Unmapped),
            Region::Key(depth) => {
                let key = self.keys.get(usize::from(depth)).map(Vec::as_slice);
                key.filter(|_| depth <= self.depth).ok_or(Denied::Unmapped)
            }
            Region::Stack(_) | Region::Packet | Region::Context => {
                Ok(self.near[region.number()].as_slice())
            }
            Region::Null
            | Region::MapHandle
            | Region::Function
            | Region::Map(_)
            | Region::Unmapped(_) => Err(Denied::Unmapped),
        }
    }

    /// Whether there is a near region of plain bytes, if it is a near one.
    fn check(&self, region: Region) -> Result<(), Denied> {
        match (region, &self.context) {
            (Region::Stack(depth), _) if depth > self.depth => Err(Denied::Unmapped),
            (Region::Context, Context::None) => Err(Denied::Unmapped),
            (Region::Context, Context::Fields(_)) => Err(Denied::NotAField),
            _ => Ok(()),
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
        match self.check(region) {
            // Fields are there, but can not be written.
            Err(Denied::NotAField) => return Err(Denied::ReadOnly),
            checked => checked?,
        }
        match region {
            Region::Stack(_) | Region::Packet | Region::Context => {
                match &mut self.near[region.number()] {
                    Bytes::Shared(_) => Err(Denied::ReadOnly),
                    Bytes::Exclusive(bytes) => Ok(bytes),
                }
            }
            Region::Object(object) if self.object(object).is_some() => Err(Denied::ReadOnly),
            Region::Key(_) if self.bytes_to_read(region).is_ok() => Err(Denied::ReadOnly),
            Region::Null
            | Region::MapHandle
            | Region::Function
            | Region::Key(_)
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
    let found = bytes.get(start..start.checked_add(N)?)?;
    let mut word = [0; 8];
    word.get_mut(..N)?.copy_from_slice(found);
    Some(u64::from_le_bytes(word))
}

#[inline(always)]
fn put<const N: usize>(bytes: &mut [u8], offset: u64, value: u64) -> Option<()> {
    let start = usize::try_from(offset).ok()?;
    let place = bytes.get_mut(start..start.checked_add(N)?)?;
    place.copy_from_slice(value.to_le_bytes().get(..N)?);
    Some(())
}

fn field<const N: usize>(fields: &[u64], offset: u64) -> Result<u64, Denied> {
    if N != 4 || !offset.is_multiple_of(4) {
        return Err(Denied::NotAField);
    }
    let index = usize::try_from(offset / 4).or(Err(Denied::OutOfBounds))?;
    fields.get(index).copied().ok_or(Denied::OutOfBounds)
}
