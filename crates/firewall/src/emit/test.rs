//! Tests as straight-line code.
//!
//! A test leaves a 32-bit value that is zero where it holds; the values of a rule are joined with
//! `or`, so that one branch decides a rule whatever it compares.

use netloom_isa::{AluOp, Reg, Size};

use super::code::Code;
use crate::lower::{Test, Word};

const MISMATCH: Reg = Reg::R1;
const KEY: Reg = Reg::R6;

/// Joins the test's mismatch to `r1`, or begins it where `first`.
pub(super) fn emit(code: &mut Code, test: &Test, first: bool) {
    let result = if first { MISMATCH } else { Reg::R2 };
    match test {
        Test::Never => {
            code.mov(result, 1);
        }
        Test::Equal { words, negated } => {
            for (index, word) in words.iter().enumerate() {
                let dst = if index == 0 { result } else { Reg::R3 };
                differing_bits(code, dst, word);
                if index > 0 {
                    code.alu(AluOp::Or, result, dst);
                }
            }
            if *negated {
                is_zero(code, result);
            }
        }
        Test::AnyRange { ranges, negated: false } if ranges.len() == 1 => {
            out_of_range(code, result, ranges[0]);
        }
        Test::AnyRange { ranges, negated } => {
            code.mov(Reg::R4, 1);
            for range in ranges {
                out_of_range(code, Reg::R2, *range);
                code.alu(AluOp::And, Reg::R4, Reg::R2);
            }
            if *negated {
                code.alu(AluOp::Xor, Reg::R4, 1);
            }
            code.mov(result, Reg::R4);
        }
        Test::Wide { offset, low, high, negated } => {
            code.mov(Reg::R4, 0);
            below(code, *offset, low, Bound::Low);
            below(code, *offset, high, Bound::High);
            if *negated {
                code.alu(AluOp::Xor, Reg::R4, 1);
            }
            code.mov(result, Reg::R4);
        }
    }
    if !first {
        code.alu(AluOp::Or, MISMATCH, Reg::R2);
    }
}

/// `dst` = bits under the mask that differ from the value.
fn differing_bits(code: &mut Code, dst: Reg, word: &Word) {
    code.load(Size::W, dst, KEY, word.offset);
    if word.mask != u32::MAX {
        code.alu32(AluOp::And, dst, word.mask.cast_signed());
    }
    if word.value != 0 {
        code.alu32(AluOp::Xor, dst, word.value.cast_signed());
    }
}

/// `reg` = 1 where the 32-bit `reg` is 0, else 0.
fn is_zero(code: &mut Code, reg: Reg) {
    code.alu(AluOp::Sub, reg, 1);
    code.alu(AluOp::Rsh, reg, 63);
}

/// `dst` = 1 where the word lies outside the range, else 0. Clobbers `r3`.
fn out_of_range(code: &mut Code, dst: Reg, (offset, low, high): (i16, u32, u32)) {
    code.load(Size::W, Reg::R3, KEY, offset);
    if low != 0 {
        code.alu32(AluOp::Sub, Reg::R3, low.cast_signed());
    }
    // Modulo 2^32 the distance from `low` exceeds the span exactly outside the range.
    code.constant(dst, u64::from(high.wrapping_sub(low)));
    code.alu(AluOp::Sub, dst, Reg::R3);
    code.alu(AluOp::Rsh, dst, 63);
}

/// Which end of a range is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    Low,
    High,
}

/// Joins to `r4` a 1 where the 128-bit value lies below `Low`, or above `High`: the borrow of a
/// subtraction, limb by limb from the least significant.
fn below(code: &mut Code, offset: i16, limits: &[u32; 4], bound: Bound) {
    code.mov(Reg::R5, 0);
    for (limb, limit) in (0i16..4).zip(limits).rev() {
        let (value, limit_reg) = (Reg::R2, Reg::R3);
        code.load(Size::W, value, KEY, offset + limb * 4);
        code.constant(limit_reg, u64::from(*limit));
        let (left, right) = match bound {
            Bound::Low => (value, limit_reg),
            Bound::High => (limit_reg, value),
        };
        code.alu(AluOp::Sub, left, right);
        code.alu(AluOp::Sub, left, Reg::R5);
        code.alu(AluOp::Rsh, left, 63);
        code.mov(Reg::R5, left);
    }
    code.alu(AluOp::Or, Reg::R4, Reg::R5);
}
