//! What each arithmetic instruction and comparison gives at the edges (RFC 9669 §4).

use netloom_isa::{AluOp, Cond, EndianOp, Insn, Operand, Reg, Size, Width};

use super::{build, run};

const MIN: u64 = 1 << 63;
const MAX: u64 = MIN - 1;
const NEG: u64 = u64::MAX;
/// `INT_MIN` as a 64-bit value, and `INT_MAX`.
const MIN32: u64 = 0x8000_0000;
const MAX32: u64 = 0x7fff_ffff;
const NEG32: u64 = 0xffff_ffff;
/// A value with something in its upper half, that 32-bit operations must ignore.
const HIGH: u64 = 0xdead_beef_0000_0000;

/// Operation, left, right, 64-bit result.
const ALU64: &[(AluOp, u64, u64, u64)] = &[
    (AluOp::Add, NEG, 1, 0),
    (AluOp::Add, MAX, 1, MIN),
    (AluOp::Add, 3, NEG, 2),
    (AluOp::Sub, 0, 1, NEG),
    (AluOp::Sub, MIN, 1, MAX),
    (AluOp::Mul, NEG, NEG, 1),
    (AluOp::Mul, MIN, 2, 0),
    (AluOp::Mul, 1 << 32, 1 << 31, MIN),
    (AluOp::Div, NEG, 2, MAX),
    (AluOp::Div, 7, 0, 0),
    (AluOp::Div, MIN, NEG, 0),
    (AluOp::Div, 0, NEG, 0),
    (AluOp::Sdiv, NEG, 2, 0),
    (AluOp::Sdiv, 7, 0, 0),
    (AluOp::Sdiv, MIN, NEG, MIN),
    (AluOp::Sdiv, NEG - 6, 2, NEG - 2),
    (AluOp::Mod, NEG, 10, 5),
    (AluOp::Mod, 7, 0, 7),
    (AluOp::Mod, MIN, NEG, MIN),
    (AluOp::Smod, NEG - 6, 3, NEG),
    (AluOp::Smod, 7, NEG - 2, 1),
    (AluOp::Smod, NEG, 0, NEG),
    (AluOp::Smod, MIN, NEG, 0),
    (AluOp::Or, MIN, 1, MIN | 1),
    (AluOp::And, NEG, MIN, MIN),
    (AluOp::Xor, NEG, NEG, 0),
    (AluOp::Lsh, 1, 63, MIN),
    (AluOp::Lsh, 1, 64, 1),
    (AluOp::Lsh, 3, 127, MIN),
    (AluOp::Lsh, 1, NEG, MIN),
    (AluOp::Rsh, MIN, 63, 1),
    (AluOp::Rsh, 5, 64, 5),
    (AluOp::Rsh, NEG, NEG, 1),
    (AluOp::Arsh, MIN, 63, NEG),
    (AluOp::Arsh, MIN, 64, MIN),
    (AluOp::Arsh, MAX, 62, 1),
    (AluOp::Mov, 9, NEG, NEG),
    (AluOp::Mov, 9, 0, 0),
];

/// Operation, left, right, 32-bit result; a result has no upper half.
const ALU32: &[(AluOp, u64, u64, u64)] = &[
    (AluOp::Add, NEG32, 1, 0),
    (AluOp::Add, MAX32, 1, MIN32),
    (AluOp::Sub, 0, 1, NEG32),
    (AluOp::Sub, MIN32, 1, MAX32),
    (AluOp::Mul, NEG32, NEG32, 1),
    (AluOp::Mul, MIN32, 2, 0),
    (AluOp::Div, NEG32, 2, MAX32),
    (AluOp::Div, 7, 0, 0),
    (AluOp::Div, MIN32, NEG32, 0),
    (AluOp::Sdiv, MIN32, NEG32, MIN32),
    (AluOp::Sdiv, NEG32 - 6, 2, NEG32 - 2),
    (AluOp::Sdiv, NEG32, 0, 0),
    (AluOp::Mod, 7, 0, 7),
    (AluOp::Mod, NEG32, 10, 5),
    (AluOp::Smod, NEG32 - 6, 3, NEG32),
    (AluOp::Smod, 7, NEG32 - 2, 1),
    (AluOp::Smod, NEG32, 0, NEG32),
    (AluOp::Smod, MIN32, NEG32, 0),
    (AluOp::Or, MIN32, 1, MIN32 | 1),
    (AluOp::And, NEG32, MIN32, MIN32),
    (AluOp::Xor, NEG32, NEG32, 0),
    (AluOp::Lsh, 1, 31, MIN32),
    (AluOp::Lsh, 1, 32, 1),
    (AluOp::Lsh, 1, NEG32, MIN32),
    (AluOp::Rsh, MIN32, 31, 1),
    (AluOp::Rsh, 5, 32, 5),
    (AluOp::Arsh, MIN32, 31, NEG32),
    (AluOp::Arsh, MIN32, 32, MIN32),
    (AluOp::Mov, 9, NEG32, NEG32),
    (AluOp::Mov, 9, 0, 0),
];

fn alu(width: Width, op: AluOp, left: u64, right: u64) -> u64 {
    let insns = build(|b| {
        b.constant(Reg::R0, left);
        b.constant(Reg::R1, right);
        b.push(Insn::Alu { width, op, dst: Reg::R0, src: Operand::Reg(Reg::R1) });
        b.exit();
    });
    run(insns).expect("arithmetic never faults")
}

fn alu_imm(width: Width, op: AluOp, left: u64, right: i32) -> u64 {
    let insns = build(|b| {
        b.constant(Reg::R0, left);
        b.push(Insn::Alu { width, op, dst: Reg::R0, src: Operand::Imm(right) });
        b.exit();
    });
    run(insns).expect("arithmetic never faults")
}

#[test]
fn edges_of_64_bit_arithmetic() {
    for &(op, left, right, result) in ALU64 {
        assert_eq!(alu(Width::W64, op, left, right), result, "{op:?} {left:#x} {right:#x}");
        if let Ok(imm) = i32::try_from(right.cast_signed()) {
            let got = alu_imm(Width::W64, op, left, imm);
            assert_eq!(got, result, "{op:?} {left:#x} constant {imm}");
        }
    }
}

#[test]
fn edges_of_32_bit_arithmetic_ignore_and_clear_the_upper_half() {
    for &(op, left, right, result) in ALU32 {
        let name = format!("{op:?} {left:#x} {right:#x}");
        assert_eq!(alu(Width::W32, op, left | HIGH, right | HIGH), result, "{name}");
        let imm = u32::try_from(right).expect("32 bits").cast_signed();
        assert_eq!(alu_imm(Width::W32, op, left | HIGH, imm), result, "{name} as a constant");
    }
}

/// The same operations over 128-bit integers, where nothing wraps or traps.
fn wide(op: AluOp, bits: u32, left: u64, right: u64) -> u64 {
    let modulus = 1i128 << bits;
    let unsigned = |value: u64| i128::from(value) & (modulus - 1);
    let signed = |value: u64| {
        let value = unsigned(value);
        if value >= modulus / 2 { value - modulus } else { value }
    };
    let (a, b) = (unsigned(left), unsigned(right));
    let (sa, sb) = (signed(left), signed(right));
    let shift = u32::try_from(b % i128::from(bits)).expect("small");
    let result = match op {
        AluOp::Add => a + b,
        AluOp::Sub => a - b,
        AluOp::Mul => (sa * sb) & (modulus - 1),
        AluOp::Div => a.checked_div(b).unwrap_or(0),
        AluOp::Sdiv => sa.checked_div(sb).unwrap_or(0),
        AluOp::Or => a | b,
        AluOp::And => a & b,
        AluOp::Lsh => (a << shift) & (modulus - 1),
        AluOp::Rsh => a >> shift,
        AluOp::Mod => a.checked_rem(b).unwrap_or(a),
        AluOp::Smod => sa.checked_rem(sb).unwrap_or(sa),
        AluOp::Xor => a ^ b,
        AluOp::Mov => b,
        AluOp::Arsh => sa >> shift,
    };
    u64::try_from(result & (modulus - 1)).expect("masked")
}

const OPS: [AluOp; 14] = [
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

#[test]
fn arithmetic_equals_arithmetic_over_wide_integers() {
    arbtest::arbtest(|u| {
        let edges = [0, 1, 2, NEG, MIN, MAX, MIN32, MAX32, NEG32, 31, 32, 63, 64];
        let operand = |u: &mut arbtest::arbitrary::Unstructured<'_>| {
            if u.ratio(1, 2)? { u.arbitrary() } else { Ok(*u.choose(&edges)?) }
        };
        let (left, right) = (operand(u)?, operand(u)?);
        for op in OPS {
            for (width, bits) in [(Width::W64, 64), (Width::W32, 32)] {
                let expected = wide(op, bits, left, right);
                let got = alu(width, op, left, right);
                assert_eq!(got, expected, "{op:?} {bits} {left:#x} {right:#x}");
                let imm = i32::try_from(right.cast_signed() >> 32).expect("32 bits");
                let extended = i64::from(imm).cast_unsigned();
                let expected = wide(op, bits, left, extended);
                let got = alu_imm(width, op, left, imm);
                assert_eq!(got, expected, "{op:?} {bits} {left:#x} constant {imm}");
            }
        }
        Ok(())
    });
}

/// Condition, left, right, whether it holds in 64 bits, and in the low 32.
const CONDS: &[(Cond, u64, u64, bool, bool)] = &[
    (Cond::Eq, 5, 5, true, true),
    (Cond::Eq, HIGH | 5, 5, false, true),
    (Cond::Ne, HIGH, 0, true, false),
    (Cond::Ne, 1, 0, true, true),
    (Cond::Gt, NEG, 1, true, true),
    (Cond::Gt, 1 << 32, 1, true, false),
    (Cond::Gt, 1, 1, false, false),
    (Cond::Ge, 1, 1, true, true),
    (Cond::Ge, 0, NEG, false, false),
    (Cond::Lt, 1, NEG, true, true),
    (Cond::Lt, 1, 1, false, false),
    (Cond::Le, 1, 1, true, true),
    (Cond::Le, NEG, 0, false, false),
    (Cond::Set, 6, 2, true, true),
    (Cond::Set, 6, 1, false, false),
    (Cond::Set, HIGH, HIGH, true, false),
    (Cond::Sgt, 0, NEG, true, true),
    (Cond::Sgt, MIN32, 0, true, false),
    (Cond::Sge, NEG, NEG, true, true),
    (Cond::Sge, MIN, 0, false, true),
    (Cond::Slt, NEG, 0, true, true),
    (Cond::Slt, MIN32, 0, false, true),
    (Cond::Sle, MIN, MAX, true, false),
    (Cond::Sle, 1, 0, false, false),
];

#[test]
fn conditions_compare_signed_and_unsigned_at_both_widths() {
    for &(cond, left, right, holds64, holds32) in CONDS {
        for (width, holds) in [(Width::W64, holds64), (Width::W32, holds32)] {
            let jump = |src| {
                let insns = build(|b| {
                    b.constant(Reg::R1, left);
                    b.constant(Reg::R2, right);
                    b.mov(Reg::R0, 1);
                    b.push(Insn::JumpIf { width, cond, dst: Reg::R1, src, off: 1 });
                    b.mov(Reg::R0, 0);
                    b.exit();
                });
                run(insns) == Ok(1)
            };
            let name = format!("{cond:?} {width:?} {left:#x} {right:#x}");
            assert_eq!(jump(Operand::Reg(Reg::R2)), holds, "{name}");
            if let Ok(imm) = i32::try_from(right.cast_signed()) {
                assert_eq!(jump(Operand::Imm(imm)), holds, "{name} as a constant");
            }
        }
    }
}

const BYTES: u64 = 0x0102_0304_8586_8788;

/// Instruction on `r0` = `BYTES`, result.
const UNARY: &[(Insn, u64)] = &[
    (Insn::Neg { width: Width::W64, dst: Reg::R0 }, BYTES.wrapping_neg()),
    (Insn::Neg { width: Width::W32, dst: Reg::R0 }, 0x7a79_7878),
    (Insn::Endian { op: EndianOp::ToLe, size: Size::H, dst: Reg::R0 }, 0x8788),
    (Insn::Endian { op: EndianOp::ToLe, size: Size::W, dst: Reg::R0 }, 0x8586_8788),
    (Insn::Endian { op: EndianOp::ToLe, size: Size::Dw, dst: Reg::R0 }, BYTES),
    (Insn::Endian { op: EndianOp::ToBe, size: Size::H, dst: Reg::R0 }, 0x8887),
    (Insn::Endian { op: EndianOp::ToBe, size: Size::W, dst: Reg::R0 }, 0x8887_8685),
    (Insn::Endian { op: EndianOp::ToBe, size: Size::Dw, dst: Reg::R0 }, 0x8887_8685_0403_0201),
    (Insn::Endian { op: EndianOp::Swap, size: Size::H, dst: Reg::R0 }, 0x8887),
    (Insn::Endian { op: EndianOp::Swap, size: Size::W, dst: Reg::R0 }, 0x8887_8685),
    (Insn::Endian { op: EndianOp::Swap, size: Size::Dw, dst: Reg::R0 }, 0x8887_8685_0403_0201),
    (extend(Width::W64, Size::B), 0xffff_ffff_ffff_ff88),
    (extend(Width::W64, Size::H), 0xffff_ffff_ffff_8788),
    (extend(Width::W64, Size::W), 0xffff_ffff_8586_8788),
    (extend(Width::W32, Size::B), 0xffff_ff88),
    (extend(Width::W32, Size::H), 0xffff_8788),
];

const fn extend(width: Width, from: Size) -> Insn {
    Insn::MovSx { width, from, dst: Reg::R0, src: Reg::R0 }
}

#[test]
fn operations_of_one_operand() {
    for &(insn, result) in UNARY {
        let insns = build(|b| {
            b.constant(Reg::R0, BYTES);
            b.push(insn);
            b.exit();
        });
        assert_eq!(run(insns), Ok(result), "{insn:?}");
    }
}
