//! The XDP pre-filter: drops early what the exact programs would drop for certain.
//!
//! It evaluates the chains a received packet would pass, PREROUTING and then INPUT, and drops only
//! where the result does not depend on anything it can not see. Soundness rests on four parts:
//!
//! - *the packet*: plain, whole, well-formed and sent to this device's own address; everything else
//!   passes;
//! - *the path* from here to the chains: no upper device, no TC or netdev program, and in
//!   PREROUTING only the hooks that user space saw there ([`maps::GUARD`]), else it passes;
//! - *the route*: only what the routing table keeps on this host is judged by INPUT, and addresses
//!   that the network stack itself may refuse are left to it;
//! - *unknown fields* (mark, connection, limit): a rule whose known conditions hold ends the
//!   evaluation, and the packet passes.
//!
//! Counters are noted during the walk and added only before a drop, so that a packet is counted
//! once, here or in the exact programs.

mod guard;
mod packet;

pub use guard::{expected_hooks_offset, hook_counter};
use netloom_abi::xdp;
use netloom_isa::{AluOp, Cond, Label, Reg, Size};

use super::code::{Code, verdict};
use crate::key::{self, Field};
use crate::model::Family;

/// Frame offsets of the entry function.
mod frame {
    use crate::key;

    /// The packet key.
    pub(super) const KEY: i16 = key::FRAME_OFFSET;
    /// `struct bpf_fib_lookup`, 64 bytes.
    pub(super) const FIB: i16 = KEY - 64;
    /// The receiving device (`struct net_device *`), 8 bytes.
    pub(super) const DEVICE: i16 = FIB - 8;
}

/// The chain functions of one address family.
pub(super) struct Stages {
    pub(super) family: Family,
    /// Judged before routing, in order.
    pub(super) prerouting: Vec<Label>,
    /// Judged for packets to this host, in order.
    pub(super) input: Vec<Label>,
}

/// Emits `int program(struct xdp_md *ctx)`; `count` is the counting function.
pub(super) fn entry(code: &mut Code, stages: &[Stages], count: Label) {
    let (pass, drop) = (code.label(), code.label());
    code.mov(Reg::R6, Reg::R1);
    for word in (0..key::BYTES).step_by(8) {
        let word = i16::try_from(word).expect("the key fits a frame");
        code.store(Size::Dw, Reg::R10, frame::KEY + word, 0);
    }
    guard::device(code, pass);
    packet::ethernet(code, pass);
    for stage in stages {
        let other = code.label();
        let ethertype = match stage.family {
            Family::V4 => 0x0800,
            Family::V6 => 0x86dd,
        };
        code.jump_if(Cond::Ne, Reg::R9, ethertype, other);
        match stage.family {
            Family::V4 => packet::ipv4(code, pass),
            Family::V6 => {
                packet::ipv6(code, pass);
                guard::addresses(code, Family::V6, pass);
            }
        }
        for chain in &stage.prerouting {
            judge(code, *chain, pass, drop);
        }
        if !stage.input.is_empty() {
            // IPv4 looks at addresses behind PREROUTING, IPv6 in front of it.
            if stage.family == Family::V4 {
                guard::addresses(code, Family::V4, pass);
            }
            guard::path(code, stage.family, pass);
            guard::route(code, stage.family, pass);
            for chain in &stage.input {
                judge(code, *chain, pass, drop);
            }
        }
        code.jump(pass);
        code.place(other);
    }
    code.place(pass);
    code.give(xdp::PASS);
    code.place(drop);
    commit(code, count);
    code.give(xdp::DROP);
}

/// Asks one chain: goes on where it accepts.
fn judge(code: &mut Code, chain: Label, pass: Label, drop: Label) {
    code.mov(Reg::R1, Reg::R10);
    code.alu(AluOp::Add, Reg::R1, i32::from(frame::KEY));
    code.call(chain);
    code.jump_if(Cond::Eq, Reg::R0, verdict::DROP, drop);
    code.jump_if(Cond::Ne, Reg::R0, verdict::ACCEPT, pass);
}

/// Counts the noted slots.
fn commit(code: &mut Code, count: Label) {
    let done = code.label();
    for index in 0..u8::try_from(key::PENDING_MAX).expect("a handful") {
        code.load(Size::W, Reg::R1, Reg::R10, frame::KEY + Field::PendingCount.offset());
        code.jump_if(Cond::Le, Reg::R1, i32::from(index), done);
        code.load(Size::W, Reg::R1, Reg::R10, frame::KEY + Field::Pending.word(index));
        code.load(Size::W, Reg::R2, Reg::R10, frame::KEY + Field::Len.offset());
        code.call(count);
    }
    code.place(done);
}

/// `key.field[word] = src`.
fn set(code: &mut Code, field: Field, word: u8, src: Reg) {
    code.store(Size::W, Reg::R10, frame::KEY + field.word(word), src);
}
