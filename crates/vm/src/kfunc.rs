//! Kernel functions: a table from name to what it does. A function's id is its row plus one.
//!
//! A dynptr on the program's stack is two words: a mark, and the bytes it covers. Nothing is trusted
//! that comes back from there: a slice is an ordinary packet address, checked at each access, so a
//! forged dynptr gives nothing that the program could not have by itself.

use crate::address::Region;
use crate::alu::low;
use crate::engine::Engine;
use crate::fault::FaultKind;
use crate::helper::Run;

const ROWS: &[(&str, Run)] = &[
    ("bpf_dynptr_from_skb", dynptr_from_skb),
    ("bpf_dynptr_slice", dynptr_slice),
    ("bpf_rdonly_cast", rdonly_cast),
];

/// First word of a dynptr to the packet.
const PACKET_MARK: u64 = 0x6470_7472_0000_0001;
/// Bytes of a dynptr (`struct bpf_dynptr`).
const DYNPTR_BYTES: usize = 16;
/// `-EINVAL` of a C function that returns `int`: the upper half of `r0` is zero.
const INVALID: u64 = 0xffff_ffea;

/// The id of a function.
pub(crate) fn id(name: &str) -> Option<u32> {
    let row = ROWS.iter().position(|(known, _)| *known == name)?;
    u32::try_from(row + 1).ok()
}

/// The row of a function.
pub(crate) fn row(id: u32) -> Option<i32> {
    let row = i32::try_from(id.checked_sub(1)?).ok()?;
    run(row).map(|_| row)
}

/// What the function in a row does.
#[inline]
pub(crate) fn run(row: i32) -> Option<Run> {
    ROWS.get(row.cast_unsigned() as usize).map(|(_, run)| *run)
}

/// `int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags, struct bpf_dynptr *ptr)`.
fn dynptr_from_skb(
    engine: &mut Engine<'_>,
    [skb, flags, dynptr, ..]: [u64; 5],
) -> Result<u64, FaultKind> {
    let callee = "bpf_dynptr_from_skb";
    let Some(data) = engine.packet_of(skb) else {
        return Err(FaultKind::Argument { callee, argument: 1, value: skb });
    };
    check_dynptr(callee, 3, dynptr)?;
    let (mark, bytes, result) = if flags == 0 {
        let whole = engine.memory.packet().len() as u64;
        (PACKET_MARK, whole.saturating_sub(data), 0)
    } else {
        (0, 0, INVALID)
    };
    let mut block = [0; DYNPTR_BYTES];
    let (first, second) = block.split_at_mut(8);
    first.copy_from_slice(&mark.to_le_bytes());
    second.copy_from_slice(&bytes.to_le_bytes());
    engine.callee_write(dynptr, &block)?;
    Ok(result)
}

/// `void *bpf_dynptr_slice(const struct bpf_dynptr *p, u32 offset, void *buffer, u32 size)`.
///
/// The packet is linear here, so the buffer is never used.
fn dynptr_slice(
    engine: &mut Engine<'_>,
    [dynptr, offset, _, bytes, _]: [u64; 5],
) -> Result<u64, FaultKind> {
    check_dynptr("bpf_dynptr_slice", 1, dynptr)?;
    let mut block = [0; DYNPTR_BYTES];
    engine.callee_read(dynptr, &mut block)?;
    let mut mark = [0; 8];
    let mut size = [0; 8];
    mark.copy_from_slice(&block[..8]);
    size.copy_from_slice(&block[8..]);
    let (offset, bytes) = (u64::from(low(offset)), u64::from(low(bytes)));
    if u64::from_le_bytes(mark) != PACKET_MARK || offset + bytes > u64::from_le_bytes(size) {
        return Ok(0);
    }
    Ok(Region::Packet.at(engine.packet_data + offset))
}

/// `void *bpf_rdonly_cast(const void *obj, u32 btf_id)`.
fn rdonly_cast(_: &mut Engine<'_>, [object, ..]: [u64; 5]) -> Result<u64, FaultKind> {
    Ok(object)
}

/// A dynptr is on the stack, at a multiple of 8.
fn check_dynptr(callee: &'static str, argument: u8, value: u64) -> Result<(), FaultKind> {
    match Region::of(value) {
        (Region::Stack(_), offset) if offset.is_multiple_of(8) => Ok(()),
        _ => Err(FaultKind::Argument { callee, argument, value }),
    }
}

#[cfg(test)]
mod tests {
    use super::{ROWS, id, row};

    #[test]
    fn ids_and_rows_are_inverse_and_zero_is_no_id() {
        for (index, (name, _)) in ROWS.iter().enumerate() {
            let id = id(name).expect("in the table");
            assert_eq!(row(id), i32::try_from(index).ok());
        }
        assert_eq!(row(0), None);
        assert_eq!(row(u32::MAX), None);
        assert_eq!(id("bpf_no_such_function"), None);
    }
}
