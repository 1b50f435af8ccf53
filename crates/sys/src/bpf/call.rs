//! The one place that enters `bpf(2)`.
//!
//! Invariants, which make the functions here safe to call:
//! - `enter` gets an argument structure of the command's own kind, so the kernel takes no number for
//!   an address; each function below pairs the two itself.
//! - Every address in such a structure comes from a slice that lives over the call, with the length
//!   the kernel will use: given in the same structure, or, for keys and values, known from a
//!   [`MapFd`]'s shape, which only the kernel's own description of that descriptor can make.
//! - A non-negative result of a command that opens is a new descriptor that nobody else owns.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::io::Errno;

use super::attr::{
    Batch, BtfLoad, Element, Freeze, Id, InfoByFd, LinkAnswer, LinkDetach, LinkDevice,
    LinkNetfilter, LinkUpdate, MapAnswer, MapCreate, Object, ProgAnswer, ProgLoad, TestRun,
};
use super::operation::Operation;

/// A map's descriptor together with the sizes the kernel uses for it.
#[derive(Debug)]
pub(super) struct MapFd {
    fd: OwnedFd,
    key_bytes: usize,
    /// Bytes of a value as user space sees it: of all CPUs for a per-CPU map.
    value_bytes: usize,
    answer: MapAnswer,
}

/// Map types with one value per possible CPU (`enum bpf_map_type`): `PERCPU_HASH`, `PERCPU_ARRAY`,
/// `LRU_PERCPU_HASH`, `PERCPU_CGROUP_STORAGE`.
const PER_CPU_KINDS: [u32; 4] = [5, 6, 10, 21];

/// An answer of `BPF_OBJ_GET_INFO_BY_FD`.
///
/// Only implemented for structures of plain numbers whose zero is valid, and in which a null address
/// with a zero count asks for no further output.
trait Answer: Default {}
impl Answer for MapAnswer {}
impl Answer for ProgAnswer {}
impl Answer for LinkAnswer {}

impl MapFd {
    /// Asks the kernel what this map is. `possible_cpus` is called for per-CPU maps.
    pub(super) fn new(
        fd: OwnedFd,
        possible_cpus: impl FnOnce() -> Result<usize, Errno>,
    ) -> Result<Self, Errno> {
        let answer: MapAnswer = info(fd.as_fd())?;
        let size = |bytes: u32| usize::try_from(bytes).or(Err(Errno::OVERFLOW));
        let mut value_bytes = size(answer.value_size)?;
        if PER_CPU_KINDS.contains(&answer.kind) {
            let each = value_bytes.checked_next_multiple_of(8).ok_or(Errno::OVERFLOW)?;
            value_bytes = each.checked_mul(possible_cpus()?).ok_or(Errno::OVERFLOW)?;
        }
        Ok(Self { fd, key_bytes: size(answer.key_size)?, value_bytes, answer })
    }

    pub(super) fn key_bytes(&self) -> usize {
        self.key_bytes
    }

    pub(super) fn value_bytes(&self) -> usize {
        self.value_bytes
    }

    pub(super) fn answer(&self) -> &MapAnswer {
        &self.answer
    }

    pub(super) fn is_per_cpu(&self) -> bool {
        PER_CPU_KINDS.contains(&self.answer.kind)
    }

    fn raw(&self) -> u32 {
        raw(self.fd.as_fd())
    }

    fn check(&self, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), Errno> {
        let fits = key.is_none_or(|key| key.len() == self.key_bytes)
            && value.is_none_or(|value| value.len() == self.value_bytes);
        if fits { Ok(()) } else { Err(Errno::INVAL) }
    }
}

impl AsFd for MapFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A descriptor as the kernel's structures hold it.
pub(super) fn raw(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}

/// The address of what the kernel reads.
fn address(bytes: &[u8]) -> u64 {
    bytes.as_ptr().addr_u64()
}

/// The address of a key; the kernel wants none of maps without keys.
fn key_address(key: &[u8]) -> u64 {
    if key.is_empty() { 0 } else { address(key) }
}

/// The address of what the kernel writes.
fn address_mut(bytes: &mut [u8]) -> u64 {
    bytes.as_mut_ptr().cast_const().addr_u64()
}

/// The address of a pointer as the kernel's 64-bit fields hold it.
trait AddrU64 {
    fn addr_u64(self) -> u64;
}

impl<T> AddrU64 for *const T {
    fn addr_u64(self) -> u64 {
        // The kernel dereferences the number, so the provenance must be exposed.
        self.expose_provenance() as u64
    }
}

fn len32(len: usize) -> Result<u32, Errno> {
    u32::try_from(len).or(Err(Errno::TOOBIG))
}

/// # Safety
/// `attr` must be the command's argument structure, without padding, and what its addresses name
/// must be valid for the accesses the command makes.
unsafe fn enter<A>(operation: Operation, attr: &mut A) -> Result<RawFd, Errno> {
    let size = size_of::<A>();
    // SAFETY: the structure is valid for `size` bytes; the rest is the caller's promise.
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, operation as libc::c_long, std::ptr::from_mut(attr), size)
    };
    match RawFd::try_from(result) {
        Ok(value) if value >= 0 => Ok(value),
        _ => Err(last_errno()),
    }
}

fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

fn owned(result: Result<RawFd, Errno>) -> Result<OwnedFd, Errno> {
    // SAFETY: the callers pass the result of a command that opens; the descriptor is fresh.
    result.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

pub(super) fn map_create(mut attr: MapCreate) -> Result<OwnedFd, Errno> {
    // SAFETY: the structure holds no addresses.
    owned(unsafe { enter(Operation::MapCreate, &mut attr) })
}

/// How [`map_read`] reads.
#[derive(Clone, Copy, Debug)]
pub(super) enum Read {
    Keep,
    Take,
}

/// Reads a value; a bloom filter instead looks for the one in `value`.
pub(super) fn map_read(
    map: &MapFd,
    read: Read,
    key: &[u8],
    value: &mut [u8],
    flags: u64,
) -> Result<(), Errno> {
    map.check(Some(key), Some(value))?;
    let operation = match read {
        Read::Keep => Operation::MapLookup,
        Read::Take => Operation::MapTake,
    };
    let (key, value) = (key_address(key), address_mut(value));
    let mut attr = Element { map_fd: map.raw(), pad: 0, key, value, flags };
    // SAFETY: key and value have just been found as long as the map's.
    unsafe { enter(operation, &mut attr) }.map(drop)
}

pub(super) fn map_update(map: &MapFd, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
    map.check(Some(key), Some(value))?;
    let (key, value) = (key_address(key), address(value));
    let mut attr = Element { map_fd: map.raw(), pad: 0, key, value, flags };
    // SAFETY: key and value have just been found as long as the map's.
    unsafe { enter(Operation::MapUpdate, &mut attr) }.map(drop)
}

pub(super) fn map_delete(map: &MapFd, key: &[u8]) -> Result<(), Errno> {
    map.check(Some(key), None)?;
    let mut attr = Element { map_fd: map.raw(), key: key_address(key), ..Element::default() };
    // SAFETY: the key has just been found as long as the map's.
    unsafe { enter(Operation::MapDelete, &mut attr) }.map(drop)
}

/// Without `key`, the first one.
pub(super) fn map_next_key(map: &MapFd, key: Option<&[u8]>, next: &mut [u8]) -> Result<(), Errno> {
    map.check(key, None)?;
    map.check(Some(next), None)?;
    let (key, value) = (key.map_or(0, key_address), address_mut(next));
    let mut attr = Element { map_fd: map.raw(), key, value, ..Element::default() };
    // SAFETY: both keys have just been found as long as the map's; a null key asks for the first.
    unsafe { enter(Operation::MapNextKey, &mut attr) }.map(drop)
}

pub(super) fn map_freeze(map: &MapFd) -> Result<(), Errno> {
    let mut attr = Freeze { map_fd: map.raw() };
    // SAFETY: the structure holds no addresses.
    unsafe { enter(Operation::MapFreeze, &mut attr) }.map(drop)
}

/// Where a batch goes on: as long as a key, but at least a hash bucket's number.
pub(super) fn cursor_bytes(map: &MapFd) -> usize {
    map.key_bytes.max(4)
}

/// What a step of a batch reads into, and where it goes on.
pub(super) struct BatchMemory<'a> {
    pub(super) from: Option<&'a [u8]>,
    pub(super) to: &'a mut [u8],
    pub(super) keys: &'a mut [u8],
    pub(super) values: &'a mut [u8],
}

/// One step of a batch: how many entries came, and whether more may follow.
pub(super) fn map_read_batch(
    map: &MapFd,
    read: Read,
    memory: BatchMemory<'_>,
    elem_flags: u64,
) -> Result<(usize, bool), Errno> {
    let BatchMemory { from, to, keys, values } = memory;
    let count = keys.len().checked_div(map.key_bytes).ok_or(Errno::INVAL)?;
    let cursors_fit =
        to.len() == cursor_bytes(map) && from.is_none_or(|from| from.len() == to.len());
    if !cursors_fit || values.len() != count.saturating_mul(map.value_bytes) {
        return Err(Errno::INVAL);
    }
    let operation = match read {
        Read::Keep => Operation::MapLookupBatch,
        Read::Take => Operation::MapTakeBatch,
    };
    let mut attr = Batch {
        in_batch: from.map_or(0, address),
        out_batch: address_mut(to),
        keys: address_mut(keys),
        values: address_mut(values),
        count: len32(count)?,
        map_fd: map.raw(),
        elem_flags,
        flags: 0,
    };
    // SAFETY: the kernel writes at most `count` keys and values, for which both slices have room,
    // and a cursor no longer than `cursor_bytes`.
    let more = match unsafe { enter(operation, &mut attr) } {
        Ok(_) => true,
        Err(Errno::NOENT) => false,
        Err(errno) => return Err(errno),
    };
    let came = usize::try_from(attr.count).or(Err(Errno::OVERFLOW))?;
    Ok((came.min(count), more))
}

/// Updates entries, or without `values` deletes them: how many were, and why not the next one.
pub(super) fn map_change_batch(
    map: &MapFd,
    keys: &[u8],
    values: Option<&[u8]>,
    elem_flags: u64,
) -> (usize, Result<(), Errno>) {
    let count = keys.len().checked_div(map.key_bytes).unwrap_or(0);
    let fits = values.is_none_or(|values| values.len() == count.saturating_mul(map.value_bytes));
    let (true, Ok(entries)) = (fits && map.key_bytes > 0, len32(count)) else {
        return (0, Err(Errno::INVAL));
    };
    let mut attr = Batch {
        keys: address(keys),
        values: values.map_or(0, address),
        count: entries,
        map_fd: map.raw(),
        elem_flags,
        ..Batch::default()
    };
    let operation =
        if values.is_some() { Operation::MapUpdateBatch } else { Operation::MapDeleteBatch };
    // SAFETY: the kernel reads at most `count` keys and values, which both slices have.
    let result = unsafe { enter(operation, &mut attr) }.map(drop);
    // Where the kernel refused before the first entry it leaves the count as it was.
    let done = usize::try_from(attr.count).unwrap_or(count).min(count);
    (if result.is_err() && done == count { 0 } else { done }, result)
}

/// What `prog_load` hands to the kernel beside numbers.
pub(super) struct LoadMemory<'a> {
    /// Whole slots of 8 bytes.
    pub(super) insns: &'a [u8],
    pub(super) license: &'a CStr,
    /// Records of `func_info_record` bytes.
    pub(super) func_info: &'a [u8],
    pub(super) func_info_record: u32,
    pub(super) fds: &'a [RawFd],
    /// Empty for no log.
    pub(super) log: &'a mut [u8],
}

/// Fills the addresses and counts of `attr` from `memory`; its other fields are the caller's.
pub(super) fn prog_load(attr: ProgLoad, memory: LoadMemory<'_>) -> Result<OwnedFd, Errno> {
    let LoadMemory { insns, license, func_info, func_info_record, fds, log } = memory;
    let records = func_info.len().checked_div(func_info_record as usize).unwrap_or(0);
    let mut attr = ProgLoad {
        insn_cnt: len32(insns.len() / 8)?,
        insns: address(insns),
        license: license.as_ptr().addr_u64(),
        log_size: len32(log.len())?,
        log_buf: if log.is_empty() { 0 } else { address_mut(log) },
        log_level: if log.is_empty() { 0 } else { attr.log_level },
        func_info_rec_size: if records == 0 { 0 } else { func_info_record },
        func_info: if records == 0 { 0 } else { address(func_info) },
        func_info_cnt: len32(records)?,
        line_info_cnt: 0,
        core_relo_cnt: 0,
        fd_array: if fds.is_empty() { 0 } else { fds.as_ptr().addr_u64() },
        ..attr
    };
    // SAFETY: all addresses are of slices that live over the call, their lengths stand beside them;
    // the licence ends in a zero. Of `fd_array` the kernel copies single entries by the indices in
    // the instructions, by its own checked reads of user memory: an index beyond the slice reads
    // whatever number lies there, or faults with an error, and writes nothing.
    owned(unsafe { enter(Operation::ProgLoad, &mut attr) })
}

pub(super) fn btf_load(blob: &[u8], log: &mut [u8]) -> Result<OwnedFd, Errno> {
    let mut attr = BtfLoad {
        btf: address(blob),
        btf_size: len32(blob.len())?,
        btf_log_buf: if log.is_empty() { 0 } else { address_mut(log) },
        btf_log_size: len32(log.len())?,
        btf_log_level: u32::from(!log.is_empty()),
        pad: 0,
    };
    // SAFETY: both addresses are of slices that live over the call, with their lengths.
    owned(unsafe { enter(Operation::BtfLoad, &mut attr) })
}

pub(super) fn obj_pin(fd: BorrowedFd<'_>, path: &CStr) -> Result<(), Errno> {
    let mut attr =
        Object { pathname: path.as_ptr().addr_u64(), bpf_fd: raw(fd), ..Object::default() };
    // SAFETY: the path ends in a zero and lives over the call.
    unsafe { enter(Operation::ObjPin, &mut attr) }.map(drop)
}

pub(super) fn obj_get(path: &CStr) -> Result<OwnedFd, Errno> {
    let mut attr = Object { pathname: path.as_ptr().addr_u64(), ..Object::default() };
    // SAFETY: the path ends in a zero and lives over the call.
    owned(unsafe { enter(Operation::ObjGet, &mut attr) })
}

pub(super) fn link_netfilter(mut attr: LinkNetfilter) -> Result<OwnedFd, Errno> {
    // SAFETY: the structure holds no addresses for a program of netfilter type, and for others the
    // kernel reads the hook's numbers as other numbers, or as an address it only reads from by
    // checked copies.
    owned(unsafe { enter(Operation::LinkCreate, &mut attr) })
}

pub(super) fn link_device(mut attr: LinkDevice) -> Result<OwnedFd, Errno> {
    // SAFETY: the structure holds no addresses.
    owned(unsafe { enter(Operation::LinkCreate, &mut attr) })
}

pub(super) fn link_update(mut attr: LinkUpdate) -> Result<(), Errno> {
    // SAFETY: the structure holds no addresses.
    unsafe { enter(Operation::LinkUpdate, &mut attr) }.map(drop)
}

pub(super) fn link_detach(link: BorrowedFd<'_>) -> Result<(), Errno> {
    let mut attr = LinkDetach { link_fd: raw(link) };
    // SAFETY: the structure holds no addresses.
    unsafe { enter(Operation::LinkDetach, &mut attr) }.map(drop)
}

/// What kind of object an id belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) enum IdSpace {
    Program,
    Map,
    Link,
}

impl IdSpace {
    pub(super) fn next(self) -> Operation {
        match self {
            Self::Program => Operation::ProgNextId,
            Self::Map => Operation::MapNextId,
            Self::Link => Operation::LinkNextId,
        }
    }

    pub(super) fn open(self) -> Operation {
        match self {
            Self::Program => Operation::ProgById,
            Self::Map => Operation::MapById,
            Self::Link => Operation::LinkById,
        }
    }
}

/// The lowest id above `after`; `NOENT` at the end.
pub(super) fn next_id(space: IdSpace, after: u32) -> Result<u32, Errno> {
    let mut attr = Id { start_id: after, ..Id::default() };
    // SAFETY: the structure holds no addresses.
    unsafe { enter(space.next(), &mut attr) }?;
    Ok(attr.next_id)
}

pub(super) fn open_id(space: IdSpace, id: u32) -> Result<OwnedFd, Errno> {
    let mut attr = Id { start_id: id, ..Id::default() };
    // SAFETY: the structure holds no addresses.
    owned(unsafe { enter(space.open(), &mut attr) })
}

pub(super) fn program_info(fd: BorrowedFd<'_>) -> Result<ProgAnswer, Errno> {
    info(fd)
}

pub(super) fn link_info(fd: BorrowedFd<'_>) -> Result<LinkAnswer, Errno> {
    info(fd)
}

/// The kernel writes by the type of the object behind `fd`, never more than `info_len` bytes.
fn info<T: Answer>(fd: BorrowedFd<'_>) -> Result<T, Errno> {
    let mut answer = T::default();
    let mut attr = InfoByFd {
        bpf_fd: raw(fd),
        info_len: len32(size_of::<T>())?,
        info: std::ptr::from_mut(&mut answer).cast_const().addr_u64(),
    };
    // SAFETY: the answer has `info_len` bytes and is valid with any bytes in it. All addresses in
    // it are null with zero counts, see `Answer`.
    unsafe { enter(Operation::Info, &mut attr) }?;
    Ok(answer)
}

/// What a test run reads and writes. An empty slice means that there is none.
pub(super) struct RunMemory<'a> {
    pub(super) data: &'a [u8],
    pub(super) data_out: &'a mut [u8],
    pub(super) context: &'a [u8],
    pub(super) context_out: &'a mut [u8],
}

/// The structure comes back with what the kernel wrote into it, also beside an error.
pub(super) fn test_run(attr: TestRun, memory: RunMemory<'_>) -> (TestRun, Result<(), Errno>) {
    let RunMemory { data, data_out, context, context_out } = memory;
    let lengths = [data.len(), data_out.len(), context.len(), context_out.len()].map(len32);
    let [Ok(data_size_in), Ok(data_size_out), Ok(ctx_size_in), Ok(ctx_size_out)] = lengths else {
        return (attr, Err(Errno::TOOBIG));
    };
    let of = |len: u32, address: u64| if len == 0 { 0 } else { address };
    let mut attr = TestRun {
        data_in: of(data_size_in, address(data)),
        data_out: of(data_size_out, address_mut(data_out)),
        ctx_in: of(ctx_size_in, address(context)),
        ctx_out: of(ctx_size_out, address_mut(context_out)),
        data_size_in,
        data_size_out,
        ctx_size_in,
        ctx_size_out,
        ..attr
    };
    // SAFETY: all four addresses are of slices that live over the call, with their lengths.
    let result = unsafe { enter(Operation::ProgTestRun, &mut attr) };
    (attr, result.map(drop))
}
