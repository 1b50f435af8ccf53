//! Random canonical instructions.

use arbtest::arbitrary::{Result, Unstructured};
use netloom_isa::{
    AluOp, AtomicOp, Callee, Cond, EndianOp, Imm64, Insn, Operand, Reg, Size, Width,
};

const ALU: [AluOp; 14] = [
    AluOp::Add,
    AluOp::Sub,
    AluOp::Mul,
    AluOp::Div,
    AluOp::Sdiv,
    AluOp::Or,
    AluOp::And,
    AluOp::Lsh,
    AluOp::Rsh,
    AluOp::Mod,
    AluOp::Smod,
    AluOp::Xor,
    AluOp::Mov,
    AluOp::Arsh,
];
const CONDS: [Cond; 11] = [
    Cond::Eq,
    Cond::Ne,
    Cond::Gt,
    Cond::Ge,
    Cond::Lt,
    Cond::Le,
    Cond::Set,
    Cond::Sgt,
    Cond::Sge,
    Cond::Slt,
    Cond::Sle,
];
const ENDIAN: [EndianOp; 3] = [EndianOp::ToLe, EndianOp::ToBe, EndianOp::Swap];
const SIZES: [Size; 4] = [Size::B, Size::H, Size::W, Size::Dw];
const EDGES: [i32; 8] = [0, 1, -1, i32::MIN, i32::MAX, 0x7fff, -0x8000, 0xffff];

/// A canonical instruction.
pub(crate) fn insn(u: &mut Unstructured<'_>) -> Result<Insn> {
    loop {
        let insn = any(u)?;
        if insn.is_canonical() {
            return Ok(insn);
        }
        if u.is_empty() {
            return Ok(Insn::Exit);
        }
    }
}

fn any(u: &mut Unstructured<'_>) -> Result<Insn> {
    let width = if u.arbitrary()? { Width::W32 } else { Width::W64 };
    let size = *u.choose(&SIZES)?;
    let (dst, src, off) = (reg(u)?, reg(u)?, off(u)?);
    Ok(match u.int_in_range(0..=18)? {
        0 => Insn::Alu { width, op: *u.choose(&ALU)?, dst, src: operand(u)? },
        1 => Insn::Neg { width, dst },
        2 => Insn::MovSx { width, from: size, dst, src },
        3 => Insn::Endian { op: *u.choose(&ENDIAN)?, size, dst },
        4 => Insn::AddrSpaceCast { dst, src, to: u.arbitrary()?, from: u.arbitrary()? },
        5 => Insn::AddrPercpu { dst, src },
        6 => Insn::LoadImm64 { dst, value: imm64(u)? },
        7 => Insn::Load { size, signed: u.arbitrary()?, dst, base: src, off },
        8 => Insn::Store { size, base: dst, off, src: operand(u)? },
        9 => Insn::Atomic { op: atomic(u)?, width, base: dst, off, src },
        10 => Insn::LoadAcquire { size, dst, base: src, off },
        11 => Insn::StoreRelease { size, base: dst, off, src },
        12 => {
            let index = if u.arbitrary()? { Some(src) } else { None };
            Insn::LoadPacket { size, index, imm: imm(u)? }
        }
        13 => Insn::Jump { off: imm(u)?, wide: u.arbitrary()? },
        14 => Insn::JumpIf { width, cond: *u.choose(&CONDS)?, dst, src: operand(u)?, off },
        15 => Insn::JumpReg { dst },
        16 => Insn::MayGoto { off },
        17 => Insn::Call(callee(u)?),
        _ => Insn::Exit,
    })
}

fn reg(u: &mut Unstructured<'_>) -> Result<Reg> {
    u.choose(&Reg::ALL).copied()
}

fn imm(u: &mut Unstructured<'_>) -> Result<i32> {
    if u.arbitrary()? { u.choose(&EDGES).copied() } else { u.arbitrary() }
}

fn off(u: &mut Unstructured<'_>) -> Result<i16> {
    let edge = i16::try_from(*u.choose(&EDGES)?);
    if let (Ok(edge), true) = (edge, u.arbitrary()?) { Ok(edge) } else { u.arbitrary() }
}

fn operand(u: &mut Unstructured<'_>) -> Result<Operand> {
    Ok(if u.arbitrary()? { reg(u)?.into() } else { imm(u)?.into() })
}

fn atomic(u: &mut Unstructured<'_>) -> Result<AtomicOp> {
    let fetch = u.arbitrary()?;
    Ok(match u.int_in_range(0..=5)? {
        0 => AtomicOp::Add { fetch },
        1 => AtomicOp::Or { fetch },
        2 => AtomicOp::And { fetch },
        3 => AtomicOp::Xor { fetch },
        4 => AtomicOp::Xchg,
        _ => AtomicOp::Cmpxchg,
    })
}

fn imm64(u: &mut Unstructured<'_>) -> Result<Imm64> {
    Ok(match u.int_in_range(0..=6)? {
        0 => Imm64::Value(u.arbitrary()?),
        1 => Imm64::MapFd(imm(u)?),
        2 => Imm64::MapFdValue(imm(u)?, u.arbitrary()?),
        3 => Imm64::BtfId(u.arbitrary()?, imm(u)?),
        4 => Imm64::Function(imm(u)?),
        5 => Imm64::MapIndex(u.arbitrary()?),
        _ => Imm64::MapIndexValue(u.arbitrary()?, u.arbitrary()?),
    })
}

fn callee(u: &mut Unstructured<'_>) -> Result<Callee> {
    Ok(match u.int_in_range(0..=4)? {
        0 => Callee::Helper(u.arbitrary()?),
        1 => Callee::Local(imm(u)?),
        2 => Callee::Kfunc(u.arbitrary()?, off(u)?),
        3 => Callee::Reg(reg(u)?),
        _ => Callee::RegImm(reg(u)?),
    })
}
