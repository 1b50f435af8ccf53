//! One 8-byte slot: its fields and their places.
//!
//! ```text
//! opcode:8 | registers:8 | off:16 | imm:32                          (RFC 9669 §3.1)
//! registers: src:4 dst:4 in little-endian, dst:4 src:4 in big-endian order, high bits first
//! ```

use std::fmt;

/// Byte order of the machine a program is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// x86-64, AArch64, RISC-V (`bpfel`).
    #[default]
    Little,
    /// s390x (`bpfeb`).
    Big,
}

/// A field of a slot, as errors name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the meaning")]
pub enum SlotField {
    Dst,
    Src,
    Off,
    Imm,
}

/// One slot with its fields apart, as `struct bpf_insn` has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the meaning")]
pub struct Slot {
    pub opcode: u8,
    pub dst: u8,
    pub src: u8,
    pub off: i16,
    pub imm: i32,
}

impl Slot {
    /// The fields in the slot's bytes.
    pub fn from_bytes(order: ByteOrder, bytes: [u8; 8]) -> Self {
        let [opcode, registers, o0, o1, i0, i1, i2, i3] = bytes;
        let (low, high) = (registers & 15, registers >> 4);
        let (off, imm) = ([o0, o1], [i0, i1, i2, i3]);
        match order {
            ByteOrder::Little => Self {
                opcode,
                dst: low,
                src: high,
                off: i16::from_le_bytes(off),
                imm: i32::from_le_bytes(imm),
            },
            ByteOrder::Big => Self {
                opcode,
                dst: high,
                src: low,
                off: i16::from_be_bytes(off),
                imm: i32::from_be_bytes(imm),
            },
        }
    }

    pub(crate) fn to_bytes(self, order: ByteOrder) -> [u8; 8] {
        let (registers, [o0, o1], [i0, i1, i2, i3]) = match order {
            ByteOrder::Little => {
                (self.src << 4 | self.dst, self.off.to_le_bytes(), self.imm.to_le_bytes())
            }
            ByteOrder::Big => {
                (self.dst << 4 | self.src, self.off.to_be_bytes(), self.imm.to_be_bytes())
            }
        };
        [self.opcode, registers, o0, o1, i0, i1, i2, i3]
    }

    pub(crate) fn value(self, field: SlotField) -> i32 {
        match field {
            SlotField::Dst => self.dst.into(),
            SlotField::Src => self.src.into(),
            SlotField::Off => self.off.into(),
            SlotField::Imm => self.imm,
        }
    }

    /// Writes a row's selector, which fits the field.
    pub(crate) fn select(&mut self, field: SlotField, number: i16) {
        match field {
            SlotField::Dst => [self.dst, _] = number.to_le_bytes(),
            SlotField::Src => [self.src, _] = number.to_le_bytes(),
            SlotField::Off => self.off = number,
            SlotField::Imm => self.imm = number.into(),
        }
    }
}

impl fmt::Display for SlotField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dst => "dst",
            Self::Src => "src",
            Self::Off => "off",
            Self::Imm => "imm",
        })
    }
}
