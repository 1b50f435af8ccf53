//! Helpers: a table from number to what it does.
//!
//! Errors of the operation itself are returned to the program as negative error numbers, as the kernel
//! does; arguments that the kernel's verifier would have refused fault.

use netloom_abi::Helper;
use netloom_isa::Reg;
use netloom_maps::{Map, MapError};

use crate::address::{self, Region};
use crate::alu::low;
use crate::engine::Engine;
use crate::fault::{Access, Denied, FaultKind};
use crate::fib::{self, PARAMS_BYTES};

/// What a helper does with `r1` to `r5`, giving `r0`.
pub(crate) type Run = fn(&mut Engine<'_>, [u64; 5]) -> Result<u64, FaultKind>;

/// All helpers but those that the engine does itself: they go elsewhere in the program.
const ROWS: &[(Helper, Run)] = &[
    (Helper::MapLookupElem, map_lookup),
    (Helper::MapUpdateElem, map_update),
    (Helper::MapDeleteElem, map_delete),
    (Helper::KtimeGetNs, ktime),
    (Helper::GetPrandomU32, random),
    (Helper::GetSmpProcessorId, cpu_number),
    (Helper::FibLookup, fib_lookup),
    (Helper::KtimeGetBootNs, ktime),
    (Helper::RingbufOutput, ringbuf_output),
];

/// Error numbers that helpers return (`uapi/asm-generic/errno.h`).
pub(crate) mod errno {
    /// `E2BIG`.
    pub(crate) const TOO_BIG: i32 = 7;
    /// `EINVAL`.
    pub(crate) const INVAL: i32 = 22;
    /// `EAFNOSUPPORT`.
    pub(crate) const NO_FAMILY: i32 = 97;
}

/// `BPF_FIB_LOOKUP_DIRECT` to `BPF_FIB_LOOKUP_MARK`.
const FIB_FLAGS: u64 = 0x3f;
/// Most bytes that are copied for one call; longer records fit no ring buffer that can be made.
const COPY_BYTES_MAX: u64 = 1 << 30;

/// The row of a helper.
pub(crate) fn row(helper: Helper) -> Option<i32> {
    ROWS.iter().position(|(known, _)| *known == helper).and_then(|row| i32::try_from(row).ok())
}

/// What the helper in a row does.
#[inline]
pub(crate) fn run(row: i32) -> Option<Run> {
    ROWS.get(row.cast_unsigned() as usize).map(|(_, run)| *run)
}

/// The map that a register holds.
pub(crate) fn map_at<'m>(
    maps: &'m [Map],
    callee: &'static str,
    argument: u8,
    value: u64,
) -> Result<(u16, &'m Map), FaultKind> {
    let found = address::map_handle(value);
    found
        .and_then(|index| Some((index, maps.get(usize::from(index))?)))
        .ok_or(FaultKind::Argument { callee, argument, value })
}

/// A negative error number as a helper returns it.
pub(crate) fn negative(errno: i32) -> u64 {
    i64::from(-errno).cast_unsigned()
}

/// What a map operation returns: 0 or a negative error number.
fn outcome(result: Result<(), MapError>) -> u64 {
    result.map_or_else(|error| negative(error.errno()), |()| 0)
}

/// The map that `r1` holds, of a type whose values programs can look up.
pub(crate) fn map_of_values<'m>(
    maps: &'m [Map],
    callee: &'static str,
    handle: u64,
) -> Result<(u16, &'m Map), FaultKind> {
    let (index, map) = map_at(maps, callee, 1, handle)?;
    let wrong = FaultKind::Argument { callee, argument: 1, value: handle };
    map.values().map(|_| (index, map)).ok_or(wrong)
}

fn map_lookup(engine: &mut Engine<'_>, [handle, key, ..]: [u64; 5]) -> Result<u64, FaultKind> {
    let maps = engine.memory.maps;
    let (index, map) = map_of_values(maps, "map_lookup_elem", handle)?;
    engine.read_key(map, key)?;
    let address = map.value_address(&engine.buffers.key, engine.outside.cpu);
    Ok(address.map_or(0, |address| Region::Map(index).at(address)))
}

/// What `map_lookup_elem` gives, if its map has values and its key is in a near region.
#[inline(never)]
pub(crate) fn lookup_near(engine: &Engine<'_>) -> Option<u64> {
    let index = address::map_handle(engine.registers.get(Reg::R1))?;
    let map = engine.memory.maps.get(usize::from(index))?;
    let bytes = map.spec().key_size as usize;
    let key = engine.memory.slice_near(engine.registers.get(Reg::R2), bytes)?;
    match map.value_address(key, engine.outside.cpu) {
        Ok(address) => Some(Region::Map(index).at(address)),
        Err(MapError::NotFound) => Some(0),
        Err(_) => None,
    }
}

fn map_update(
    engine: &mut Engine<'_>,
    [handle, key, value, flags, _]: [u64; 5],
) -> Result<u64, FaultKind> {
    let maps = engine.memory.maps;
    let (_, map) = map_to_change(maps, "map_update_elem", handle)?;
    engine.read_key(map, key)?;
    engine.read_value(value, u64::from(map.spec().value_size))?;
    let buffers = &engine.buffers;
    let result = map.update_on(engine.outside.cpu, &buffers.key, &buffers.value, flags);
    Ok(outcome(result))
}

fn map_delete(engine: &mut Engine<'_>, [handle, key, ..]: [u64; 5]) -> Result<u64, FaultKind> {
    let maps = engine.memory.maps;
    let (_, map) = map_to_change(maps, "map_delete_elem", handle)?;
    engine.read_key(map, key)?;
    Ok(outcome(map.delete(&engine.buffers.key)))
}

/// A map that programs may change.
fn map_to_change<'m>(
    maps: &'m [Map],
    callee: &'static str,
    handle: u64,
) -> Result<(u16, &'m Map), FaultKind> {
    let (index, map) = map_of_values(maps, callee, handle)?;
    if map.is_read_only_to_programs() {
        return Err(FaultKind::Argument { callee, argument: 1, value: handle });
    }
    Ok((index, map))
}

fn ktime(engine: &mut Engine<'_>, _: [u64; 5]) -> Result<u64, FaultKind> {
    Ok(engine.outside.clock.now_ns())
}

fn random(engine: &mut Engine<'_>, _: [u64; 5]) -> Result<u64, FaultKind> {
    Ok(u64::from(engine.outside.random_u32()))
}

fn cpu_number(engine: &mut Engine<'_>, _: [u64; 5]) -> Result<u64, FaultKind> {
    Ok(u64::from(engine.outside.cpu))
}

fn ringbuf_output(
    engine: &mut Engine<'_>,
    [handle, data, size, flags, _]: [u64; 5],
) -> Result<u64, FaultKind> {
    let maps = engine.memory.maps;
    let (_, map) = map_at(maps, "ringbuf_output", 1, handle)?;
    let wrong = FaultKind::Argument { callee: "ringbuf_output", argument: 1, value: handle };
    let ring = map.ring().ok_or(wrong)?;
    engine.read_value(data, size)?;
    Ok(outcome(ring.output(&engine.buffers.value, flags)))
}

fn fib_lookup(
    engine: &mut Engine<'_>,
    [_, params, bytes, flags, _]: [u64; 5],
) -> Result<u64, FaultKind> {
    // The length is a C int; the kernel refuses what is shorter than its structure.
    if low(bytes).cast_signed() < 64 || flags & !FIB_FLAGS != 0 {
        return Ok(negative(errno::INVAL));
    }
    let mut block = [0; PARAMS_BYTES];
    engine.callee_read(params, &mut block)?;
    let Some(query) = fib::parse(&block, low(flags)) else {
        return Ok(negative(errno::NO_FAMILY));
    };
    let Some(table) = &mut engine.outside.fib else { return Ok(fib::NOT_FORWARDED.into()) };
    let answer = table.answer(&query);
    if answer.code == 0 {
        fib::fill(&mut block, &answer);
        engine.callee_write(params, &block)?;
    }
    Ok(answer.code.into())
}

impl Engine<'_> {
    /// Copies a map's key into the scratch key.
    fn read_key(&mut self, map: &Map, address: u64) -> Result<(), FaultKind> {
        let bytes = map.spec().key_size as usize;
        self.buffers.key.resize(bytes, 0);
        let read = self.memory.read(address, &mut self.buffers.key);
        read.map_err(|denied| {
            let bytes = bytes as u64;
            FaultKind::Access { access: Access::CalleeRead, address, bytes, denied }
        })
    }

    /// Copies bytes into the scratch value.
    fn read_value(&mut self, address: u64, bytes: u64) -> Result<(), FaultKind> {
        let fault =
            |denied| FaultKind::Access { access: Access::CalleeRead, address, bytes, denied };
        let readable = self.memory.readable_bytes(address).map_err(fault)?;
        if bytes > readable.min(COPY_BYTES_MAX) {
            return Err(fault(Denied::OutOfBounds));
        }
        let length = usize::try_from(bytes).or(Err(fault(Denied::OutOfBounds)))?;
        self.buffers.value.resize(length, 0);
        self.memory.read(address, &mut self.buffers.value).map_err(fault)
    }

    /// Reads memory for a callee.
    pub(crate) fn callee_read(&self, address: u64, out: &mut [u8]) -> Result<(), FaultKind> {
        let bytes = out.len() as u64;
        let read = self.memory.read(address, out);
        read.map_err(|denied| FaultKind::Access {
            access: Access::CalleeRead,
            address,
            bytes,
            denied,
        })
    }

    /// Writes memory for a callee.
    pub(crate) fn callee_write(&mut self, address: u64, from: &[u8]) -> Result<(), FaultKind> {
        let bytes = from.len() as u64;
        self.memory.write(address, from).map_err(|denied| FaultKind::Access {
            access: Access::CalleeWrite,
            address,
            bytes,
            denied,
        })
    }
}

#[cfg(test)]
mod tests {
    use netloom_abi::Helper;

    use super::{ROWS, row};

    #[test]
    fn no_helper_has_two_rows_and_the_tail_call_none() {
        for helper in Helper::ALL {
            let rows = ROWS.iter().filter(|(known, _)| *known == helper).count();
            assert_eq!(rows, usize::from(row(helper).is_some()), "{helper:?}");
        }
        assert_eq!(row(Helper::TailCall), None);
    }
}
