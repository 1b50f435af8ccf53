//! Bytes to instructions.
//!
//! Every input gives instructions or a reason, and what is accepted encodes to the same bytes. A
//! field that an instruction does not use must be zero, as the kernel's verifier demands.

use std::fmt;

use crate::row::{self, Bits, Field, INDEX, Op, Row, Source};
use crate::slot::{ByteOrder, Slot, SlotField};
use crate::{Callee, Imm64, Insn, Operand, Pc, Reg, Size, Width};

/// The instructions in the bytes of a program for a little-endian machine.
///
/// # Errors
/// When the bytes are not exactly a sequence of instructions.
pub fn decode(bytes: &[u8]) -> Result<Vec<Insn>, DecodeError> {
    decode_for(ByteOrder::Little, bytes)
}

/// As [`decode`], for either byte order.
///
/// # Errors
/// When the bytes are not exactly a sequence of instructions.
pub fn decode_for(order: ByteOrder, bytes: &[u8]) -> Result<Vec<Insn>, DecodeError> {
    let (slots, rest) = bytes.as_chunks::<8>();
    let mut out = Vec::with_capacity(slots.len());
    let mut pc = Pc(0);
    let mut slots = slots.iter().map(|slot| Slot::from_bytes(order, *slot));
    while let Some(slot) = slots.next() {
        let reader = Reader::new(slot, pc)?;
        let next = match reader.row.next {
            None => 0,
            Some(field) => {
                let next = slots.next().ok_or(DecodeError::HalfImm64 { pc })?;
                pc = Pc(pc.0.wrapping_add(1));
                second_imm(next, field, pc)?
            }
        };
        out.push(reader.insn(next)?);
        pc = Pc(pc.0.wrapping_add(1));
    }
    if rest.is_empty() { Ok(out) } else { Err(DecodeError::Truncated { pc, bytes: rest.len() }) }
}

/// Why bytes are not a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The length is not a multiple of 8.
    Truncated {
        /// The incomplete slot.
        pc: Pc,
        /// Number of bytes that it has.
        bytes: usize,
    },
    /// No instruction has this opcode.
    UnknownOpcode {
        /// The slot.
        pc: Pc,
        /// Its first byte.
        opcode: u8,
    },
    /// The opcode exists, but `field` selects no operation of it.
    UnknownOperation {
        /// The slot.
        pc: Pc,
        /// Its first byte.
        opcode: u8,
        /// The field that selects.
        field: SlotField,
        /// Its value.
        value: i32,
    },
    /// A field that the instruction does not use is not zero.
    Reserved {
        /// The slot.
        pc: Pc,
        /// Its first byte.
        opcode: u8,
        /// The unused field.
        field: SlotField,
        /// Its value.
        value: i32,
    },
    /// A register number above 10.
    Register {
        /// The slot.
        pc: Pc,
        /// Which operand.
        field: SlotField,
        /// Its value.
        number: u8,
    },
    /// A 64-bit constant's second slot is missing.
    HalfImm64 {
        /// The first slot.
        pc: Pc,
    },
    /// A 64-bit constant's second slot holds more than `imm`.
    SecondSlot {
        /// The second slot.
        pc: Pc,
    },
}

/// A slot whose row is known and whose reserved fields are zero.
struct Reader {
    slot: Slot,
    pc: Pc,
    bits: Bits,
    row: &'static Row,
}

impl Reader {
    fn new(slot: Slot, pc: Pc) -> Result<Self, DecodeError> {
        let opcode = slot.opcode;
        let entry = INDEX[usize::from(opcode)].ok_or(DecodeError::UnknownOpcode { pc, opcode })?;
        let mut stray = None;
        for row in row::rows(entry, opcode) {
            match stray_selector(row, slot) {
                None => {
                    reserved(row, slot, entry.bits, pc)?;
                    return Ok(Self { slot, pc, bits: entry.bits, row });
                }
                Some(field) => stray = Some(field),
            }
        }
        // An opcode in the index has a row, so the loop has either returned or set `stray`.
        let field = stray.ok_or(DecodeError::UnknownOpcode { pc, opcode })?;
        Err(DecodeError::UnknownOperation { pc, opcode, field, value: slot.value(field) })
    }

    fn register(&self, field: SlotField, number: u8) -> Result<Reg, DecodeError> {
        Reg::new(number).ok_or(DecodeError::Register { pc: self.pc, field, number })
    }

    fn dst(&self) -> Result<Reg, DecodeError> {
        self.register(SlotField::Dst, self.slot.dst)
    }

    fn src(&self) -> Result<Reg, DecodeError> {
        self.register(SlotField::Src, self.slot.src)
    }

    fn operand(&self) -> Result<Operand, DecodeError> {
        if self.bits.register { self.src().map(Operand::Reg) } else { Ok(self.slot.imm.into()) }
    }

    /// The instruction; `next` is the second slot's `imm`.
    fn insn(&self, next: i32) -> Result<Insn, DecodeError> {
        let Bits { width, size, .. } = self.bits;
        let Slot { off, imm, .. } = self.slot;
        Ok(match self.row.op {
            Op::Alu(op) => Insn::Alu { width, op, dst: self.dst()?, src: self.operand()? },
            Op::Neg => Insn::Neg { width, dst: self.dst()? },
            Op::MovSx(from) => Insn::MovSx { width, from, dst: self.dst()?, src: self.src()? },
            Op::Endian(op, size) => Insn::Endian { op, size, dst: self.dst()? },
            Op::AddrSpaceCast => {
                let (to, from) = halves(imm);
                Insn::AddrSpaceCast { dst: self.dst()?, src: self.src()?, to, from }
            }
            Op::AddrPercpu => Insn::AddrPercpu { dst: self.dst()?, src: self.src()? },
            Op::Imm64(source) => {
                Insn::LoadImm64 { dst: self.dst()?, value: imm64(source, imm, next) }
            }
            op @ (Op::Load | Op::LoadSigned) => {
                let signed = op == Op::LoadSigned;
                Insn::Load { size, signed, dst: self.dst()?, base: self.src()?, off }
            }
            Op::StoreImm => Insn::Store { size, base: self.dst()?, off, src: imm.into() },
            Op::StoreReg => Insn::Store { size, base: self.dst()?, off, src: self.src()?.into() },
            Op::Atomic(op) => {
                let width = if size == Size::W { Width::W32 } else { Width::W64 };
                Insn::Atomic { op, width, base: self.dst()?, off, src: self.src()? }
            }
            Op::LoadAcquire => Insn::LoadAcquire { size, dst: self.dst()?, base: self.src()?, off },
            Op::StoreRelease => {
                Insn::StoreRelease { size, base: self.dst()?, off, src: self.src()? }
            }
            Op::PacketAbsolute => Insn::LoadPacket { size, index: None, imm },
            Op::PacketIndirect => Insn::LoadPacket { size, index: Some(self.src()?), imm },
            Op::Jump => Insn::Jump { off: off.into(), wide: false },
            Op::JumpWide => Insn::Jump { off: imm, wide: true },
            Op::JumpReg => Insn::JumpReg { dst: self.dst()? },
            Op::JumpIf(cond) => {
                Insn::JumpIf { width, cond, dst: self.dst()?, src: self.operand()?, off }
            }
            Op::MayGoto => Insn::MayGoto { off },
            Op::CallHelper => Insn::Call(Callee::Helper(imm.cast_unsigned())),
            Op::CallLocal => Insn::Call(Callee::Local(imm)),
            Op::CallKfunc => Insn::Call(Callee::Kfunc(imm.cast_unsigned(), off)),
            Op::CallReg => Insn::Call(Callee::Reg(self.dst()?)),
            Op::CallRegImm(reg) => Insn::Call(Callee::RegImm(reg)),
            Op::Exit => Insn::Exit,
        })
    }
}

/// The first field whose value is not the one that selects `row`.
fn stray_selector(row: &Row, slot: Slot) -> Option<SlotField> {
    row.fields()
        .into_iter()
        .find(|(name, field)| matches!(field, Field::Is(n) if i32::from(*n) != slot.value(*name)))
        .map(|(name, _)| name)
}

/// Refuses a non-zero value in a field that `row` does not use.
fn reserved(row: &Row, slot: Slot, bits: Bits, pc: Pc) -> Result<(), DecodeError> {
    for (field, rule) in row.fields() {
        let unused = match rule {
            Field::Zero => true,
            Field::Is(_) | Field::Any => false,
            Field::Operand => bits.register != (field == SlotField::Src),
        };
        let value = slot.value(field);
        if unused && value != 0 {
            return Err(DecodeError::Reserved { pc, opcode: slot.opcode, field, value });
        }
    }
    Ok(())
}

fn second_imm(slot: Slot, rule: Field, pc: Pc) -> Result<i32, DecodeError> {
    let Slot { opcode, dst, src, off, imm } = slot;
    let plain = opcode == 0 && dst == 0 && src == 0 && off == 0;
    if plain && (imm == 0 || rule == Field::Any) {
        Ok(imm)
    } else {
        Err(DecodeError::SecondSlot { pc })
    }
}

/// The constant whose two slots hold these.
pub(crate) fn imm64(source: Source, imm: i32, next: i32) -> Imm64 {
    let (low, high) = (imm.cast_unsigned(), next.cast_unsigned());
    match source {
        Source::Value => Imm64::Value(u64::from(high) << 32 | u64::from(low)),
        Source::MapFd => Imm64::MapFd(imm),
        Source::MapFdValue => Imm64::MapFdValue(imm, high),
        Source::BtfId => Imm64::BtfId(low, next),
        Source::Function => Imm64::Function(imm),
        Source::MapIndex => Imm64::MapIndex(low),
        Source::MapIndexValue => Imm64::MapIndexValue(low, high),
    }
}

/// Upper and lower 16 bits.
fn halves(imm: i32) -> (u16, u16) {
    let [h0, h1, l0, l1] = imm.to_be_bytes();
    (u16::from_be_bytes([h0, h1]), u16::from_be_bytes([l0, l1]))
}

impl DecodeError {
    /// The slot that is refused.
    pub fn pc(&self) -> Pc {
        match self {
            Self::Truncated { pc, .. }
            | Self::UnknownOpcode { pc, .. }
            | Self::UnknownOperation { pc, .. }
            | Self::Reserved { pc, .. }
            | Self::Register { pc, .. }
            | Self::HalfImm64 { pc }
            | Self::SecondSlot { pc } => *pc,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { pc, bytes } => {
                write!(f, "slot {pc} has {bytes} of its 8 bytes")
            }
            Self::UnknownOpcode { pc, opcode } => {
                write!(f, "slot {pc} has unknown opcode {opcode:#04x}")
            }
            Self::UnknownOperation { pc, opcode, field, value } => {
                write!(f, "slot {pc}: opcode {opcode:#04x} has no operation with {field} {value}")
            }
            Self::Reserved { pc, opcode, field, value } => {
                write!(f, "slot {pc}: opcode {opcode:#04x} needs {field} zero, not {value}")
            }
            Self::Register { pc, field, number } => {
                write!(f, "slot {pc}: {field} register r{number} does not exist")
            }
            Self::HalfImm64 { pc } => {
                write!(f, "slot {pc}: 64-bit constant lacks its second slot")
            }
            Self::SecondSlot { pc } => {
                write!(f, "slot {pc}: second slot of a 64-bit constant sets reserved fields")
            }
        }
    }
}

impl std::error::Error for DecodeError {}
