//! The opcode table: one row per operation, read by decode and encode alike.
//!
//! A row fixes some fields of a slot, leaves some open and keeps the rest zero. [`INDEX`] is the
//! inverse of [`Row::opcode`], computed from the rows at compile time, so the two directions cannot
//! disagree. Sources: RFC 9669 §3–§5, `linux/bpf.h`, and for reserved fields the checks of the
//! kernel's verifier (`check_alu_op`, `resolve_pseudo_ldimm64`, `do_check`).

use Field::{Any, Is, Operand, Zero};

use crate::slot::SlotField;
use crate::{AluOp, AtomicOp, Cond, EndianOp, Reg, Size, Width};

/// What a row does, without operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Alu(AluOp),
    Neg,
    MovSx(Size),
    Endian(EndianOp, Size),
    AddrSpaceCast,
    AddrPercpu,
    Imm64(Source),
    Load,
    LoadSigned,
    StoreImm,
    StoreReg,
    Atomic(AtomicOp),
    LoadAcquire,
    StoreRelease,
    PacketAbsolute,
    PacketIndirect,
    Jump,
    JumpWide,
    JumpReg,
    JumpIf(Cond),
    MayGoto,
    CallHelper,
    CallLocal,
    CallKfunc,
    CallReg,
    CallRegImm(Reg),
    Exit,
}

/// What a 64-bit constant stands for, without its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Value,
    MapFd,
    MapFdValue,
    BtfId,
    Function,
    MapIndex,
    MapIndexValue,
}

/// What a row says about one field of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// Reserved.
    Zero,
    /// Selects this row among those that share its opcode.
    Is(i16),
    /// An operand.
    Any,
    /// An operand for one value of the opcode's source bit (`src` when set, `imm` when clear), else
    /// reserved.
    Operand,
}

/// Which bits of the opcode a row leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Open {
    /// None; the operation is 64 bits wide, or has no width.
    Fixed,
    /// The class: `ALU` or `ALU64`.
    AluWidth,
    /// The class as above, and the source bit.
    AluWidthSource,
    /// The class, `JMP32` or `JMP`, and the source bit.
    JumpWidthSource,
    /// The size, any.
    Size,
    /// The size, not 8 bytes.
    SizeNarrow,
    /// The size, 4 or 8 bytes.
    SizeWide,
}

/// One operation's encoding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) op: Op,
    code: u8,
    open: Open,
    dst: Field,
    src: Field,
    off: Field,
    imm: Field,
    /// The second slot's `imm`, for an operation of two slots.
    pub(crate) next: Option<Field>,
}

/// The choices that a row's open opcode bits stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bits {
    pub(crate) width: Width,
    pub(crate) size: Size,
    /// The second operand is a register.
    pub(crate) register: bool,
}

/// The rows that share an opcode lie within `first..=last`; `bits` is what the opcode says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) first: u8,
    pub(crate) last: u8,
    pub(crate) bits: Bits,
}

impl Row {
    /// Each field of the slot with its rule.
    pub(crate) fn fields(&self) -> [(SlotField, Field); 4] {
        [
            (SlotField::Dst, self.dst),
            (SlotField::Src, self.src),
            (SlotField::Off, self.off),
            (SlotField::Imm, self.imm),
        ]
    }

    /// The opcode for these choices; none if the operation does not offer them.
    pub(crate) const fn opcode(&self, bits: Bits) -> Option<u8> {
        let wide = matches!(bits.width, Width::W64);
        let source = if bits.register { 0x08 } else { 0 };
        let size = match bits.size {
            Size::W => 0x00,
            Size::H => 0x08,
            Size::B => 0x10,
            Size::Dw => 0x18,
        };
        match (self.open, bits.size) {
            (Open::Fixed, _) if wide => Some(self.code),
            (Open::AluWidth, _) => Some(self.code | if wide { 0x07 } else { 0x04 }),
            (Open::AluWidthSource, _) => Some(self.code | source | if wide { 0x07 } else { 0x04 }),
            (Open::JumpWidthSource, _) => Some(self.code | source | if wide { 0x05 } else { 0x06 }),
            (Open::Size, _)
            | (Open::SizeNarrow, Size::B | Size::H | Size::W)
            | (Open::SizeWide, Size::W | Size::Dw) => Some(self.code | size),
            (Open::Fixed | Open::SizeNarrow | Open::SizeWide, _) => None,
        }
    }
}

/// The rows with this opcode, in table order.
pub(crate) fn rows(entry: Entry, opcode: u8) -> impl Iterator<Item = &'static Row> {
    ROWS[usize::from(entry.first)..=usize::from(entry.last)]
        .iter()
        .filter(move |row| row.opcode(entry.bits) == Some(opcode))
}

/// The row of an operation; none for a combination that does not exist.
pub(crate) fn row(op: Op) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.op == op)
}

/// What a 64-bit constant with this number in `src` stands for.
pub(crate) fn source(number: i16) -> Option<Source> {
    let row = ROWS.iter().find(|row| row.code == IMM64 && row.src == Is(number))?;
    if let Op::Imm64(source) = row.op { Some(source) } else { None }
}

/// What each opcode stands for.
pub(crate) static INDEX: [Option<Entry>; 256] = index();

/// The inverse of [`Row::opcode`]. Of rows that share an opcode the first one's reading of its bits
/// counts, so a row with open bits stands before those without.
const fn index() -> [Option<Entry>; 256] {
    let mut index = [None::<Entry>; 256];
    assert!(ROWS.len() <= 256, "a row number is one byte");
    let mut number = 0u8;
    while (number as usize) < ROWS.len() {
        let mut choice = 0;
        while choice < CHOICES {
            let bits = choice_bits(choice);
            if let Some(code) = ROWS[number as usize].opcode(bits) {
                let known = &mut index[code as usize];
                match known {
                    None => *known = Some(Entry { first: number, last: number, bits }),
                    Some(entry) => entry.last = number,
                }
            }
            choice += 1;
        }
        number += 1;
    }
    index
}

/// Number of values of [`Bits`].
const CHOICES: usize = 16;

const fn choice_bits(choice: usize) -> Bits {
    let widths = [Width::W64, Width::W32];
    let sizes = [Size::B, Size::H, Size::W, Size::Dw];
    let (width, size) = (widths[choice & 1], sizes[choice >> 1 & 3]);
    Bits { width, size, register: choice >> 3 == 1 }
}

const fn one(op: Op, code: u8, open: Open, fields: [Field; 4]) -> Row {
    let [dst, src, off, imm] = fields;
    Row { op, code, open, dst, src, off, imm, next: None }
}

const fn arith(op: AluOp, code: u8, off: Field) -> Row {
    one(Op::Alu(op), code, Open::AluWidthSource, [Any, Operand, off, Operand])
}

const fn swap(op: EndianOp, code: u8, size: Size) -> Row {
    let bits = Is(8 << size as u8);
    one(Op::Endian(op, size), code, Open::Fixed, [Any, Zero, Zero, bits])
}

/// The opcode of all 64-bit constants.
pub(crate) const IMM64: u8 = 0x18;

/// A 64-bit constant with its source number and the use of the upper half.
const fn wide(source: Source, number: i16, next: Field) -> Row {
    let row = one(Op::Imm64(source), IMM64, Open::Fixed, [Any, Is(number), Zero, Any]);
    Row { next: Some(next), ..row }
}

const fn atomic(op: AtomicOp, imm: i16) -> Row {
    one(Op::Atomic(op), 0xc3, Open::SizeWide, [Any, Any, Any, Is(imm)])
}

const fn branch(cond: Cond, code: u8) -> Row {
    one(Op::JumpIf(cond), code, Open::JumpWidthSource, [Any, Operand, Any, Operand])
}

/// `callx` with the register's number in `imm`, as LLVM wrote it before release 19.
const fn call_imm(reg: Reg) -> Row {
    one(Op::CallRegImm(reg), 0x8d, Open::Fixed, [Zero, Zero, Zero, Is(reg as i16)])
}

/// All operations. Rows that share an opcode differ in an [`Field::Is`].
#[rustfmt::skip]
static ROWS: &[Row] = &[
    //    operation               opcode  off: signed division and modulo
    arith(AluOp::Add,             0x00,   Zero),
    arith(AluOp::Sub,             0x10,   Zero),
    arith(AluOp::Mul,             0x20,   Zero),
    arith(AluOp::Div,             0x30,   Is(0)),
    arith(AluOp::Sdiv,            0x30,   Is(1)),
    arith(AluOp::Or,              0x40,   Zero),
    arith(AluOp::And,             0x50,   Zero),
    arith(AluOp::Lsh,             0x60,   Zero),
    arith(AluOp::Rsh,             0x70,   Zero),
    arith(AluOp::Mod,             0x90,   Is(0)),
    arith(AluOp::Smod,            0x90,   Is(1)),
    arith(AluOp::Xor,             0xa0,   Zero),
    arith(AluOp::Mov,             0xb0,   Is(0)),
    arith(AluOp::Arsh,            0xc0,   Zero),
    //  operation                 opcode  open bits         dst   src      off      imm
    one(Op::MovSx(Size::B),       0xb8,   Open::AluWidth,   [Any, Any,     Is(8),   Zero]),
    one(Op::MovSx(Size::H),       0xb8,   Open::AluWidth,   [Any, Any,     Is(16),  Zero]),
    one(Op::MovSx(Size::W),       0xbf,   Open::Fixed,      [Any, Any,     Is(32),  Zero]),
    one(Op::AddrSpaceCast,        0xbf,   Open::Fixed,      [Any, Any,     Is(1),   Any]),
    one(Op::AddrPercpu,           0xbf,   Open::Fixed,      [Any, Any,     Is(-1),  Zero]),
    one(Op::Neg,                  0x80,   Open::AluWidth,   [Any, Zero,    Zero,    Zero]),
    //   operation                opcode  imm
    swap(EndianOp::ToLe,          0xd4,   Size::H),
    swap(EndianOp::ToLe,          0xd4,   Size::W),
    swap(EndianOp::ToLe,          0xd4,   Size::Dw),
    swap(EndianOp::ToBe,          0xdc,   Size::H),
    swap(EndianOp::ToBe,          0xdc,   Size::W),
    swap(EndianOp::ToBe,          0xdc,   Size::Dw),
    swap(EndianOp::Swap,          0xd7,   Size::H),
    swap(EndianOp::Swap,          0xd7,   Size::W),
    swap(EndianOp::Swap,          0xd7,   Size::Dw),
    //   operation                src     second slot's imm
    wide(Source::Value,           0,      Any),
    wide(Source::MapFd,           1,      Zero),
    wide(Source::MapFdValue,      2,      Any),
    wide(Source::BtfId,           3,      Any),
    wide(Source::Function,        4,      Zero),
    wide(Source::MapIndex,        5,      Zero),
    wide(Source::MapIndexValue,   6,      Any),
    //  operation                 opcode  open bits         dst   src      off      imm
    one(Op::PacketAbsolute,       0x20,   Open::SizeNarrow, [Zero, Zero,   Zero,    Any]),
    one(Op::PacketIndirect,       0x40,   Open::SizeNarrow, [Zero, Any,    Zero,    Any]),
    one(Op::Load,                 0x61,   Open::Size,       [Any, Any,     Any,     Zero]),
    one(Op::LoadSigned,           0x81,   Open::SizeNarrow, [Any, Any,     Any,     Zero]),
    one(Op::StoreImm,             0x62,   Open::Size,       [Any, Zero,    Any,     Any]),
    one(Op::StoreReg,             0x63,   Open::Size,       [Any, Any,     Any,     Zero]),
    //     operation                              imm
    atomic(AtomicOp::Add { fetch: false },        0x00),
    atomic(AtomicOp::Add { fetch: true },         0x01),
    atomic(AtomicOp::Or { fetch: false },         0x40),
    atomic(AtomicOp::Or { fetch: true },          0x41),
    atomic(AtomicOp::And { fetch: false },        0x50),
    atomic(AtomicOp::And { fetch: true },         0x51),
    atomic(AtomicOp::Xor { fetch: false },        0xa0),
    atomic(AtomicOp::Xor { fetch: true },         0xa1),
    atomic(AtomicOp::Xchg,                        0xe1),
    atomic(AtomicOp::Cmpxchg,                     0xf1),
    one(Op::LoadAcquire,          0xc3,   Open::Size,       [Any, Any,     Any,     Is(0x100)]),
    one(Op::StoreRelease,         0xc3,   Open::Size,       [Any, Any,     Any,     Is(0x110)]),
    //     operation              opcode
    branch(Cond::Eq,              0x10),
    branch(Cond::Gt,              0x20),
    branch(Cond::Ge,              0x30),
    branch(Cond::Set,             0x40),
    branch(Cond::Ne,              0x50),
    branch(Cond::Sgt,             0x60),
    branch(Cond::Sge,             0x70),
    branch(Cond::Lt,              0xa0),
    branch(Cond::Le,              0xb0),
    branch(Cond::Slt,             0xc0),
    branch(Cond::Sle,             0xd0),
    //  operation                 opcode  open bits         dst   src      off      imm
    one(Op::Jump,                 0x05,   Open::Fixed,      [Zero, Zero,   Any,     Zero]),
    one(Op::JumpWide,             0x06,   Open::Fixed,      [Zero, Zero,   Zero,    Any]),
    one(Op::JumpReg,              0x0d,   Open::Fixed,      [Any, Zero,    Zero,    Zero]),
    one(Op::MayGoto,              0xe5,   Open::Fixed,      [Zero, Zero,   Any,     Zero]),
    one(Op::CallHelper,           0x85,   Open::Fixed,      [Zero, Is(0),  Zero,    Any]),
    one(Op::CallLocal,            0x85,   Open::Fixed,      [Zero, Is(1),  Zero,    Any]),
    one(Op::CallKfunc,            0x85,   Open::Fixed,      [Zero, Is(2),  Any,     Any]),
    one(Op::CallReg,              0x8d,   Open::Fixed,      [Any, Zero,    Zero,    Is(0)]),
    call_imm(Reg::R1),
    call_imm(Reg::R2),
    call_imm(Reg::R3),
    call_imm(Reg::R4),
    call_imm(Reg::R5),
    call_imm(Reg::R6),
    call_imm(Reg::R7),
    call_imm(Reg::R8),
    call_imm(Reg::R9),
    call_imm(Reg::R10),
    one(Op::Exit,                 0x95,   Open::Fixed,      [Zero, Zero,   Zero,    Zero]),
];

#[cfg(test)]
mod tests {
    use super::{Field, INDEX, ROWS, row, rows};

    #[test]
    fn rows_of_one_opcode_differ_in_a_selector() {
        for (opcode, entry) in (0..=255u8).zip(INDEX) {
            let Some(entry) = entry else { continue };
            let same: Vec<_> = rows(entry, opcode).collect();
            for (i, a) in same.iter().enumerate() {
                for b in &same[i + 1..] {
                    let differ = a.fields().into_iter().zip(b.fields()).any(
                        |((_, a), (_, b))| matches!((a, b), (Field::Is(a), Field::Is(b)) if a != b),
                    );
                    assert!(differ, "{opcode:#04x}: {:?} and {:?}", a.op, b.op);
                }
            }
        }
    }

    #[test]
    fn every_operation_has_one_row() {
        for entry in ROWS {
            assert!(std::ptr::eq(entry, row(entry.op).expect("listed")), "{:?}", entry.op);
        }
    }
}
