//! Slots that hold every instruction form: each opcode with each value that selects an operation,
//! and with operands at their edges.

/// Values of `off`: all that select, and the edges of a distance or displacement.
const OFFS: [i16; 9] = [0, 1, -1, 8, 16, 32, 2, i16::MIN, i16::MAX];

/// Values of `imm`: all that select, and the edges of a constant.
#[rustfmt::skip]
const IMMS: [i32; 26] = [
    0, 1, -1, 0x100, 0x110, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe0, 0xe1, 0xf0, 0xf1,
    16, 32, 64, 8, 5, 10, 11, 0x1_0000, 0x1234_5678, i32::MIN, i32::MAX,
];

/// How many of [`IMMS`] meet every value of `off`; the others only 0.
const IMMS_PER_OFF: usize = 5;

/// Registers as `(dst, src)`; the numbers of `src` cover the sources of 64-bit constants.
#[rustfmt::skip]
const REGISTERS: [(u8, u8); 11] = [
    (0, 0), (1, 0), (10, 0), (0, 1), (0, 2), (1, 2), (2, 3), (9, 4), (3, 5), (4, 6), (1, 7),
];

/// The second slot's `imm` of a 64-bit constant.
const NEXT: [i32; 3] = [0, -1, 7];

/// The bytes of one instruction each, if they are one: a slot, or two for a 64-bit constant.
pub(crate) fn records() -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    for opcode in 0..=255u8 {
        for (dst, src) in REGISTERS {
            for (off, imm) in fields() {
                let [o0, o1] = off.to_le_bytes();
                let [i0, i1, i2, i3] = imm.to_le_bytes();
                let slot = vec![opcode, src << 4 | dst, o0, o1, i0, i1, i2, i3];
                if opcode == 0x18 {
                    let next = |imm: i32| [[0; 4], imm.to_le_bytes()].concat();
                    records.extend(NEXT.map(|imm| [slot.clone(), next(imm)].concat()));
                } else {
                    records.push(slot);
                }
            }
        }
    }
    records
}

fn fields() -> impl Iterator<Item = (i16, i32)> {
    OFFS.into_iter().flat_map(|off| {
        let imms = if off == 0 { &IMMS[..] } else { &IMMS[..IMMS_PER_OFF] };
        imms.iter().map(move |imm| (off, *imm))
    })
}
