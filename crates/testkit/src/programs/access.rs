//! Invents accesses of memory: the stack, map values, packets.

use netloom_abi::{Helper, ProgramType};
use netloom_isa::{AluOp, AtomicOp, Callee, Cond, Imm64, Insn, Operand, Reg, Size, Width};

use super::write::Writer;
use super::{KEY, MEMORY_BYTES, STACK_BYTES};

const SIZES: [Size; 4] = [Size::B, Size::H, Size::W, Size::Dw];
const ATOMICS: [AtomicOp; 10] = [
    AtomicOp::Add { fetch: false },
    AtomicOp::Add { fetch: true },
    AtomicOp::Or { fetch: false },
    AtomicOp::Or { fetch: true },
    AtomicOp::And { fetch: false },
    AtomicOp::And { fetch: true },
    AtomicOp::Xor { fetch: false },
    AtomicOp::Xor { fetch: true },
    AtomicOp::Xchg,
    AtomicOp::Cmpxchg,
];
/// Those that return nothing. What the others fetch from the stack is left to vectors: the verifier of
/// Linux 6.18 does not find its way back to the slot when a branch depends on the number, and then
/// takes what it knows on one path for true on all (precision of `backtrack_insn`).
const ATOMICS_ON_STACK: [AtomicOp; 4] = [
    AtomicOp::Add { fetch: false },
    AtomicOp::Or { fetch: false },
    AtomicOp::And { fetch: false },
    AtomicOp::Xor { fetch: false },
];
/// Bytes of a value of map 2, and how many values it has.
pub(super) const TABLE: (u32, u32) = (16, 4);

/// Linux 6.18 on x86-64 leaves the upper half of `r0` as it was after a 32-bit compare-and-exchange
/// that stores, where its verifier came to what reads it on another path first: then it does not see
/// that it has to add this instruction. It is part of the operation elsewhere.
const CLEAR_UPPER: Insn =
    Insn::Alu { width: Width::W32, op: AluOp::Mov, dst: Reg::R0, src: Operand::Reg(Reg::R0) };

/// Instructions that access memory, in whatever way.
pub(super) fn access(writer: &mut Writer<'_>) -> Vec<Insn> {
    match writer.random.below(16) {
        0..=3 => vec![plain(writer, Reg::R9, value_offset)],
        4..=6 => vec![plain(writer, Reg::R10, stack_offset)],
        7 | 8 => {
            let op = writer.random.copied(&ATOMICS);
            atomic(writer, Reg::R9, op)
        }
        9 => {
            let op = writer.random.copied(&ATOMICS_ON_STACK);
            atomic(writer, Reg::R10, op)
        }
        10 => vec![ordered(writer)],
        11 | 12 => at_a_register(writer),
        13 => looked_up(writer),
        _ if !writer.has_context => vec![plain(writer, Reg::R9, value_offset)],
        _ if writer.kind == ProgramType::Xdp => packet(writer),
        _ => packet_load(writer),
    }
}

fn size(writer: &mut Writer<'_>) -> Size {
    writer.random.copied(&SIZES)
}

/// An offset from the middle of map 1's value, of any alignment.
fn value_offset(writer: &mut Writer<'_>, size: Size) -> i16 {
    let places = usize::from(MEMORY_BYTES) - bytes(size) + 1;
    small(writer.random.below(places)) - small(usize::from(MEMORY_BYTES / 2))
}

/// An aligned offset in the numbers on the stack; kernels want it aligned.
fn stack_offset(writer: &mut Writer<'_>, size: Size) -> i16 {
    let places = STACK_BYTES.unsigned_abs() as usize / bytes(size);
    small(writer.random.below(places) * bytes(size)) - STACK_BYTES
}

fn aligned_offset(writer: &mut Writer<'_>, base: Reg, size: Size) -> i16 {
    let offset = stack_offset(writer, size);
    if base == Reg::R10 { offset } else { offset + small(usize::from(MEMORY_BYTES / 2)) }
}

fn bytes(size: Size) -> usize {
    size.bytes() as usize
}

fn small(number: usize) -> i16 {
    i16::try_from(number).expect("memory is small")
}

/// A load or a store at a fixed place.
fn plain(writer: &mut Writer<'_>, base: Reg, offset: fn(&mut Writer<'_>, Size) -> i16) -> Insn {
    let size = size(writer);
    let off = offset(writer, size);
    if writer.random.one_in(2) {
        let dst = writer.written();
        load(writer, size, dst, base, off)
    } else {
        store(writer, size, base, off)
    }
}

fn load(writer: &mut Writer<'_>, size: Size, dst: Reg, base: Reg, off: i16) -> Insn {
    let signed = size != Size::Dw && writer.random.one_in(3);
    Insn::Load { size, signed, dst, base, off }
}

fn store(writer: &mut Writer<'_>, size: Size, base: Reg, off: i16) -> Insn {
    let is_constant = writer.random.one_in(3);
    let src = if is_constant { writer.constant().into() } else { writer.read().into() };
    Insn::Store { size, base, off, src }
}

fn atomic(writer: &mut Writer<'_>, base: Reg, op: AtomicOp) -> Vec<Insn> {
    let width = writer.random.copied(&[Width::W32, Width::W64]);
    let size = if width == Width::W32 { Size::W } else { Size::Dw };
    let off = aligned_offset(writer, base, size);
    // Some of them write their source.
    let atomic = Insn::Atomic { op, width, base, off, src: writer.written() };
    let whole = Insn::Load { size: Size::Dw, signed: false, dst: Reg::R0, base, off };
    let is_equal = op == AtomicOp::Cmpxchg && off % 8 == 0 && writer.random.one_in(2);
    // So that r0 has what is there, for 32 bits with more in its upper half.
    let mut insns = if is_equal { vec![whole, atomic] } else { vec![atomic] };
    if op == AtomicOp::Cmpxchg && width == Width::W32 {
        insns.push(CLEAR_UPPER);
    }
    insns
}

fn ordered(writer: &mut Writer<'_>) -> Insn {
    let base = writer.random.copied(&[Reg::R9, Reg::R10]);
    let size = size(writer);
    let off = aligned_offset(writer, base, size);
    if writer.random.one_in(2) {
        Insn::LoadAcquire { size, dst: writer.written(), base, off }
    } else {
        Insn::StoreRelease { size, base, off, src: writer.read() }
    }
}

/// An access of map 1's value at a place that is known at run time only.
fn at_a_register(writer: &mut Writer<'_>) -> Vec<Insn> {
    let (pointer, index, size) = (writer.written(), writer.read(), size(writer));
    let half = usize::from(MEMORY_BYTES / 2);
    let span = writer.random.copied(&[0i32, 1, 3, 7, 15, 31]);
    let places = half + 1 + half - span.unsigned_abs() as usize - bytes(size);
    let off = small(writer.random.below(places)) - small(half);
    let mut insns = vec![
        mov(pointer, index),
        alu(AluOp::And, pointer, span),
        alu(AluOp::Add, pointer, Reg::R9),
    ];
    if writer.random.one_in(2) {
        // The pointer's register takes the value, so no pointer is left.
        insns.push(load(writer, size, pointer, pointer, off));
        return insns;
    }
    let mut store = store(writer, size, pointer, off);
    // A pointer must not get into the map.
    if let Insn::Store { src, .. } = &mut store
        && *src == Operand::Reg(pointer)
    {
        *src = Operand::Imm(7);
    }
    insns.extend([store, mov(pointer, 5)]);
    insns
}

/// A value of map 2 by an index that may be outside.
fn looked_up(writer: &mut Writer<'_>) -> Vec<Insn> {
    let index = writer.read();
    let size = size(writer);
    let places = TABLE.0 as usize - bytes(size) + 1;
    let off = small(writer.random.below(places));
    let store = Insn::Store { size, base: Reg::R0, off, src: Reg::R7.into() };
    let mut insns = vec![
        mov(Reg::R1, index),
        alu(AluOp::And, Reg::R1, 7),
        Insn::Store { size: Size::W, base: Reg::R10, off: KEY, src: Reg::R1.into() },
        Insn::LoadImm64 { dst: Reg::R1, value: Imm64::MapIndex(2) },
        mov(Reg::R2, Reg::R10),
        alu(AluOp::Add, Reg::R2, i32::from(KEY)),
        Insn::Call(Callee::Helper(Helper::MapLookupElem.id())),
        jump_if(Cond::Eq, Reg::R0, 0, 2),
        store,
        load(writer, size, Reg::R0, Reg::R0, off),
    ];
    insns.extend(writer.refilled());
    insns
}

/// An access of the packet behind a check of its length.
fn packet(writer: &mut Writer<'_>) -> Vec<Insn> {
    let size = size(writer);
    let length = bytes(size) + writer.random.below(40);
    let off = small(writer.random.below(length - bytes(size) + 1));
    let access = if writer.random.one_in(2) {
        load(writer, size, Reg::R5, Reg::R2, off)
    } else {
        let src = writer.random.copied(&[Reg::R0, Reg::R1, Reg::R5, Reg::R7, Reg::R8]);
        Insn::Store { size, base: Reg::R2, off, src: src.into() }
    };
    let word = |dst, off| Insn::Load { size: Size::W, signed: false, dst, base: Reg::R6, off };
    let mut insns = vec![word(Reg::R2, 0), word(Reg::R3, 4)];
    if writer.random.one_in(2) {
        let index = writer.random.copied(&[Reg::R0, Reg::R1, Reg::R7, Reg::R8]);
        let span = writer.random.copied(&[1, 7, 31]);
        let index = [mov(Reg::R4, index), alu(AluOp::And, Reg::R4, span)];
        insns.extend(index);
        insns.push(alu(AluOp::Add, Reg::R2, Reg::R4));
    }
    let length = i32::try_from(length).expect("short");
    insns.extend([
        mov(Reg::R4, Reg::R2),
        alu(AluOp::Add, Reg::R4, length),
        jump_if(Cond::Gt, Reg::R4, Reg::R3, 1),
        access,
    ]);
    insns.extend([Reg::R2, Reg::R3, Reg::R4].map(|reg| writer.filled(reg)));
    insns
}

/// A packet load of the classic kind. Outside the packet it ends the program.
fn packet_load(writer: &mut Writer<'_>) -> Vec<Insn> {
    let size = writer.random.copied(&[Size::B, Size::H, Size::W]);
    let imm = i32::try_from(writer.random.below(12)).expect("small");
    let mut insns = Vec::new();
    let index = if writer.random.one_in(2) {
        // Register 7 may count a loop, so the index is another one.
        insns.extend([mov(Reg::R5, Reg::R7), alu(AluOp::And, Reg::R5, 7)]);
        Some(Reg::R5)
    } else {
        None
    };
    insns.push(Insn::LoadPacket { size, index, imm });
    insns.extend(writer.refilled());
    insns
}

fn alu(op: AluOp, dst: Reg, src: impl Into<Operand>) -> Insn {
    Insn::Alu { width: Width::W64, op, dst, src: src.into() }
}

fn mov(dst: Reg, src: impl Into<Operand>) -> Insn {
    alu(AluOp::Mov, dst, src)
}

fn jump_if(cond: Cond, dst: Reg, src: impl Into<Operand>, off: i16) -> Insn {
    Insn::JumpIf { width: Width::W64, cond, dst, src: src.into(), off }
}
