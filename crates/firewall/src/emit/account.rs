//! Functions that count, and the record that LOG and NFLOG send.

use netloom_abi::Helper;
use netloom_isa::{AluOp, AtomicOp, Cond, Insn, Reg, Size, Width};

use super::code::Code;
use super::maps;
use crate::key::{self, Field, PENDING_MAX};

/// `count(slot, bytes)`: one packet more in the slot.
///
/// Where a softirq can interrupt the program between load and store, the additions are atomic;
/// elsewhere the per-CPU slot has one writer.
pub(super) fn count_function(code: &mut Code, atomic: bool) {
    let out = code.label();
    code.store(Size::W, Reg::R10, -4, Reg::R1);
    code.mov(Reg::R6, Reg::R2);
    code.map(Reg::R1, maps::COUNTERS);
    code.mov(Reg::R2, Reg::R10);
    code.alu(AluOp::Add, Reg::R2, -4);
    code.call_known(Helper::MapLookupElem);
    code.jump_if(Cond::Eq, Reg::R0, 0, out);
    code.mov(Reg::R2, 1);
    for (off, amount) in [(0, Reg::R2), (8, Reg::R6)] {
        if atomic {
            let op = AtomicOp::Add { fetch: false };
            code.push(Insn::Atomic { op, width: Width::W64, base: Reg::R0, off, src: amount });
        } else {
            code.load(Size::Dw, Reg::R3, Reg::R0, off);
            code.alu(AluOp::Add, Reg::R3, amount);
            code.store(Size::Dw, Reg::R0, off, Reg::R3);
        }
    }
    code.place(out);
    code.give(0);
}

/// `defer(key, slot)`: notes a slot to be counted if the pre-filter drops; 0, or 1 when full.
pub(super) fn defer_function(code: &mut Code) {
    let full = code.label();
    code.jump_if(Cond::Eq, Reg::R1, 0, full);
    code.load(Size::W, Reg::R3, Reg::R1, Field::PendingCount.offset());
    code.jump_if(Cond::Ge, Reg::R3, PENDING_MAX.cast_signed(), full);
    code.mov(Reg::R4, Reg::R3);
    code.alu(AluOp::Add, Reg::R4, 1);
    code.store(Size::W, Reg::R1, Field::PendingCount.offset(), Reg::R4);
    code.alu(AluOp::Lsh, Reg::R3, 2);
    code.alu(AluOp::Add, Reg::R1, Reg::R3);
    code.store(Size::W, Reg::R1, Field::Pending.offset(), Reg::R2);
    code.give(0);
    code.place(full);
    code.give(1);
}

/// Sends the key at `r6` with the rule's slot to user space.
pub(super) fn record(code: &mut Code, slot: u32) {
    code.constant(Reg::R1, u64::from(slot));
    code.store(Size::W, Reg::R6, Field::Slot.offset(), Reg::R1);
    code.call_known(Helper::KtimeGetNs);
    code.store(Size::Dw, Reg::R6, Field::Time.offset(), Reg::R0);
    code.map(Reg::R1, maps::LOG);
    code.mov(Reg::R2, Reg::R6);
    code.mov(Reg::R3, key::BYTES.cast_signed());
    code.mov(Reg::R4, 0);
    code.call_known(Helper::RingbufOutput);
}
