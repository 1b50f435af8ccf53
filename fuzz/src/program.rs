//! Any bytes as a program.

use netloom_isa::{Insn, Reg, decode};

/// Bytes of a slot.
const SLOT_BYTES: usize = 8;

/// The instructions in `bytes`, those left out that do not decode.
///
/// Register numbers are first folded to those that exist, since a fuzzer that has to guess them
/// gets nowhere. A sequence of instructions is its own image, so every program can be reached.
#[must_use]
pub fn repaired(bytes: &[u8]) -> Vec<Insn> {
    let slots: Vec<[u8; SLOT_BYTES]> =
        bytes.as_chunks::<SLOT_BYTES>().0.iter().map(with_registers).collect();
    let mut insns = Vec::new();
    let mut rest = slots.as_slice();
    while let [first, behind @ ..] = rest {
        rest = behind;
        if let Ok(one) = decode(first) {
            insns.extend(one);
        } else if let Some(second) = behind.first()
            && let Ok(one) = decode([*first, *second].as_flattened())
        {
            insns.extend(one);
            rest = &behind[1..];
        }
    }
    insns
}

/// The slot with both register numbers (RFC 9669 §3: the halves of the second byte) below 11.
fn with_registers(slot: &[u8; SLOT_BYTES]) -> [u8; SLOT_BYTES] {
    const { assert!(Reg::ALL.len() == 11) };
    let mut slot = *slot;
    let (src, dst) = (slot[1] >> 4, slot[1] & 0xf);
    slot[1] = ((src % 11) << 4) | (dst % 11);
    slot
}
