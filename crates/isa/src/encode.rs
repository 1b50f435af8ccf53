//! Instructions to bytes.

use crate::row::{self, Bits, Field, Op, Source};
use crate::slot::{ByteOrder, Slot};
use crate::{Callee, Imm64, Insn, Operand, Reg, Size, Width};

/// The bytes of a program for a little-endian machine.
///
/// A value that is not canonical becomes a slot with opcode 0, which [`decode`](crate::decode)
/// and kernels refuse.
pub fn encode(insns: &[Insn]) -> Vec<u8> {
    encode_for(ByteOrder::Little, insns)
}

/// As [`encode`], for either byte order.
pub fn encode_for(order: ByteOrder, insns: &[Insn]) -> Vec<u8> {
    let mut out = Vec::with_capacity(insns.len() * 8);
    for insn in insns {
        let (slot, next) = slots(insn);
        out.extend_from_slice(&slot.to_bytes(order));
        if let Some(imm) = next {
            out.extend_from_slice(&Slot { imm, ..Slot::default() }.to_bytes(order));
        }
    }
    out
}

impl Insn {
    /// Whether the instruction set has this very value.
    ///
    /// Not so: sign extension from the full width or wider (`MovSx`, signed `Load` of `Dw`), a byte
    /// order of one byte, a packet load of `Dw`, a call of `RegImm(R0)`, and a jump beyond 16 bits
    /// that is not `wide` (that one is encoded as if it were).
    pub fn is_canonical(&self) -> bool {
        if let Self::Jump { off, wide: false } = self {
            return i16::try_from(*off).is_ok();
        }
        slots(self).0.opcode != 0
    }
}

/// An instruction taken apart into its operation and the values of the fields that its row leaves
/// open.
struct Parts {
    op: Op,
    bits: Bits,
    slot: Slot,
    next: i32,
}

impl Parts {
    fn new(op: Op) -> Self {
        let bits = Bits { width: Width::W64, size: Size::Dw, register: false };
        Self { op, bits, slot: Slot::default(), next: 0 }
    }

    fn width(mut self, width: Width) -> Self {
        self.bits.width = width;
        self
    }

    fn size(mut self, size: Size) -> Self {
        self.bits.size = size;
        self
    }

    fn dst(mut self, reg: Reg) -> Self {
        self.slot.dst = reg.number();
        self
    }

    fn src(mut self, reg: Reg) -> Self {
        self.slot.src = reg.number();
        self
    }

    fn off(mut self, off: i16) -> Self {
        self.slot.off = off;
        self
    }

    fn imm(mut self, imm: i32) -> Self {
        self.slot.imm = imm;
        self
    }

    fn operand(mut self, operand: Operand) -> Self {
        match operand {
            Operand::Imm(imm) => self.imm(imm),
            Operand::Reg(reg) => {
                self.bits.register = true;
                self.src(reg)
            }
        }
    }

    fn imm64(value: Imm64) -> Self {
        let (source, low, high) = match value {
            Imm64::Value(value) => (Source::Value, low(value), low(value >> 32)),
            Imm64::MapFd(fd) => (Source::MapFd, fd, 0),
            Imm64::MapFdValue(fd, off) => (Source::MapFdValue, fd, off.cast_signed()),
            Imm64::BtfId(id, fd) => (Source::BtfId, id.cast_signed(), fd),
            Imm64::Function(off) => (Source::Function, off, 0),
            Imm64::MapIndex(index) => (Source::MapIndex, index.cast_signed(), 0),
            Imm64::MapIndexValue(index, off) => {
                (Source::MapIndexValue, index.cast_signed(), off.cast_signed())
            }
        };
        Self { next: high, ..Self::new(Op::Imm64(source)) }.imm(low)
    }

    fn of(insn: &Insn) -> Self {
        match *insn {
            Insn::Alu { width, op, dst, src } => {
                Self::new(Op::Alu(op)).width(width).dst(dst).operand(src)
            }
            Insn::Neg { width, dst } => Self::new(Op::Neg).width(width).dst(dst),
            Insn::MovSx { width, from, dst, src } => {
                Self::new(Op::MovSx(from)).width(width).dst(dst).src(src)
            }
            Insn::Endian { op, size, dst } => Self::new(Op::Endian(op, size)).dst(dst),
            Insn::AddrSpaceCast { dst, src, to, from } => {
                let imm = (u32::from(to) << 16 | u32::from(from)).cast_signed();
                Self::new(Op::AddrSpaceCast).dst(dst).src(src).imm(imm)
            }
            Insn::AddrPercpu { dst, src } => Self::new(Op::AddrPercpu).dst(dst).src(src),
            Insn::LoadImm64 { dst, value } => Self::imm64(value).dst(dst),
            Insn::Load { size, signed, dst, base, off } => {
                let op = if signed { Op::LoadSigned } else { Op::Load };
                Self::new(op).size(size).dst(dst).src(base).off(off)
            }
            Insn::Store { size, base, off, src } => {
                let op = match src {
                    Operand::Reg(_) => Op::StoreReg,
                    Operand::Imm(_) => Op::StoreImm,
                };
                Self::new(op).size(size).dst(base).off(off).operand(src)
            }
            Insn::Atomic { op, width, base, off, src } => {
                let size = if width == Width::W32 { Size::W } else { Size::Dw };
                Self::new(Op::Atomic(op)).size(size).dst(base).off(off).src(src)
            }
            Insn::LoadAcquire { size, dst, base, off } => {
                Self::new(Op::LoadAcquire).size(size).dst(dst).src(base).off(off)
            }
            Insn::StoreRelease { size, base, off, src } => {
                Self::new(Op::StoreRelease).size(size).dst(base).off(off).src(src)
            }
            Insn::LoadPacket { size, index: None, imm } => {
                Self::new(Op::PacketAbsolute).size(size).imm(imm)
            }
            Insn::LoadPacket { size, index: Some(index), imm } => {
                Self::new(Op::PacketIndirect).size(size).src(index).imm(imm)
            }
            Insn::Jump { off, wide } => match i16::try_from(off) {
                Ok(near) if !wide => Self::new(Op::Jump).off(near),
                Ok(_) | Err(_) => Self::new(Op::JumpWide).imm(off),
            },
            Insn::JumpReg { dst } => Self::new(Op::JumpReg).dst(dst),
            Insn::JumpIf { width, cond, dst, src, off } => {
                Self::new(Op::JumpIf(cond)).width(width).dst(dst).operand(src).off(off)
            }
            Insn::MayGoto { off } => Self::new(Op::MayGoto).off(off),
            Insn::Call(Callee::Helper(id)) => Self::new(Op::CallHelper).imm(id.cast_signed()),
            Insn::Call(Callee::Local(off)) => Self::new(Op::CallLocal).imm(off),
            Insn::Call(Callee::Kfunc(id, index)) => {
                Self::new(Op::CallKfunc).imm(id.cast_signed()).off(index)
            }
            Insn::Call(Callee::Reg(reg)) => Self::new(Op::CallReg).dst(reg),
            Insn::Call(Callee::RegImm(reg)) => Self::new(Op::CallRegImm(reg)),
            Insn::Exit => Self::new(Op::Exit),
        }
    }
}

/// The instruction's operation and opcode; none for a combination that does not exist.
pub(crate) fn parts(insn: &Insn) -> Option<(Op, u8)> {
    let Parts { op, bits, .. } = Parts::of(insn);
    Some((op, row::row(op)?.opcode(bits)?))
}

/// The instruction's first slot; opcode 0 if it is not canonical.
pub(crate) fn first_slot(insn: &Insn) -> Slot {
    slots(insn).0
}

/// The slot and, for an instruction of two, the second slot's `imm`.
fn slots(insn: &Insn) -> (Slot, Option<i32>) {
    let Parts { op, bits, mut slot, next } = Parts::of(insn);
    let Some((row, opcode)) = row::row(op).and_then(|row| Some((row, row.opcode(bits)?))) else {
        return (Slot::default(), None);
    };
    slot.opcode = opcode;
    for (field, rule) in row.fields() {
        if let Field::Is(n) = rule {
            slot.select(field, n);
        }
    }
    (slot, row.next.map(|_| next))
}

/// The low half.
pub(crate) fn low(value: u64) -> i32 {
    let [.., b4, b5, b6, b7] = value.to_be_bytes();
    i32::from_be_bytes([b4, b5, b6, b7])
}
