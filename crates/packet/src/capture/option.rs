//! pcapng options (draft-ietf-opsawg-pcapng §3.5): `code 16 | length 16 | value, padded to 4`.

use super::ReadFault;
use super::source::ByteOrder;

/// Ends a list of options; may be left out at the end of a block.
pub(super) const END: u16 = 0;
/// A comment on the block, in any block.
pub(super) const COMMENT: u16 = 1;
/// The interface's name.
pub(super) const IF_NAME: u16 = 2;
/// The application that wrote the section.
pub(super) const SHB_USERAPPL: u16 = 4;
/// The unit of the interface's timestamps.
pub(super) const IF_TSRESOL: u16 = 9;
/// Seconds to add to the interface's timestamps.
pub(super) const IF_TSOFFSET: u16 = 14;

/// Splits the first option off `list`; `None` at its end.
pub(super) fn next<'a>(
    order: ByteOrder,
    list: &mut &'a [u8],
) -> Result<Option<(u16, &'a [u8])>, ReadFault> {
    let Some(([c0, c1, l0, l1], rest)) = list.split_first_chunk() else {
        // Fewer than four bytes cannot be an option; blocks are multiples of 4, so none are left.
        return Ok(None);
    };
    let code = order.u16([*c0, *c1]);
    let length = usize::from(order.u16([*l0, *l1]));
    if code == END {
        return Ok(None);
    }
    let overrun = ReadFault::OptionLength { code, found: length, room: rest.len() };
    let Some((value, rest)) = rest.split_at_checked(length) else { return Err(overrun) };
    let Some(rest) = rest.get(length.next_multiple_of(4) - length..) else { return Err(overrun) };
    *list = rest;
    Ok(Some((code, value)))
}

/// The value of a fixed-length option.
pub(super) fn fixed<const N: usize>(code: u16, value: &[u8]) -> Result<[u8; N], ReadFault> {
    let wrong = |_| ReadFault::OptionLength { code, found: value.len(), room: N };
    value.try_into().map_err(wrong)
}

/// Appends an option in little-endian order; `false` when the value exceeds its length field.
#[must_use]
pub(super) fn push(out: &mut Vec<u8>, code: u16, value: &[u8]) -> bool {
    let Ok(length) = u16::try_from(value.len()) else { return false };
    out.extend(code.to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend(value);
    out.resize(out.len().next_multiple_of(4), 0);
    true
}
