//! `-m limit` as a generic cell rate algorithm.
//!
//! The kernel's token bucket of `burst` packets with one token a `period` is equal to keeping one
//! number, the time at which the bucket will be full again: a packet conforms when that time, plus
//! one period, lies at most `burst` periods ahead of now. One compare-and-swap updates it.

use netloom_abi::Helper;
use netloom_isa::{AluOp, AtomicOp, Cond, Insn, Label, Reg, Size, Width};

use super::code::Code;
use super::maps;
use crate::model::Limit;

/// Attempts against other CPUs before a packet counts as over the limit.
const ATTEMPTS: i32 = 8;

/// Nanoseconds in the unit of [`Limit::period`].
const UNIT_NS: u64 = 100_000;

/// Jumps to `exceeded` where the bucket at index `bucket` is empty, else takes a token.
/// Clobbers `r0` to `r5` and `r7` to `r9`.
pub(super) fn emit(code: &mut Code, limit: Limit, bucket: u32, exceeded: Label) {
    let period = u64::from(limit.period) * UNIT_NS;
    let depth = period * u64::from(limit.burst);
    let (full_at, now, attempts) = (Reg::R0, Reg::R8, Reg::R9);
    let (retry, later, done) = (code.label(), code.label(), code.label());
    code.call_known(Helper::KtimeGetNs);
    code.mov(now, Reg::R0);
    code.map_value(Reg::R7, maps::LIMITS, bucket * 8);
    code.mov(attempts, ATTEMPTS);
    code.load(Size::Dw, full_at, Reg::R7, 0);

    code.place(retry);
    code.mov(Reg::R1, full_at);
    code.jump_if(Cond::Ge, Reg::R1, now, later);
    code.mov(Reg::R1, now);
    code.place(later);
    code.constant(Reg::R2, period);
    code.alu(AluOp::Add, Reg::R1, Reg::R2);
    code.mov(Reg::R2, Reg::R1);
    code.alu(AluOp::Sub, Reg::R2, now);
    code.constant(Reg::R3, depth);
    code.jump_if(Cond::Gt, Reg::R2, Reg::R3, exceeded);
    code.mov(Reg::R4, full_at);
    let op = AtomicOp::Cmpxchg;
    code.push(Insn::Atomic { op, width: Width::W64, base: Reg::R7, off: 0, src: Reg::R1 });
    code.jump_if(Cond::Eq, Reg::R0, Reg::R4, done);
    code.alu(AluOp::Sub, attempts, 1);
    code.jump_if(Cond::Ne, attempts, 0, retry);
    code.jump(exceeded);
    code.place(done);
}
