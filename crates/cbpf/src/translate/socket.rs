//! Packets and metadata by `struct __sk_buff`.

use netloom_isa::{AluOp as Op, Cond as Test, EndianOp, Insn as Code, Reg, Size as Bytes};

use super::emit::{A, CONTEXT, Emitter, Load, SCRATCH, X, is_load};
use crate::ancillary::Ancillary;
use crate::insn::{Insn, Size};

/// Keeps A while a packet load that is meant for X uses `r0`.
const SAVED_A: Reg = Reg::R8;

/// Offset of `len` in `struct __sk_buff` (`linux/bpf.h`).
const LENGTH: i16 = 0;

/// How a field of `struct __sk_buff` becomes the ancillary load's result.
#[derive(Clone, Copy)]
enum Form {
    Plain,
    /// A number of 16 bits in network order.
    Network,
    /// 0 means that there is no device, which ends the program with A.
    Device,
}

/// The fields of `struct __sk_buff` (`linux/bpf.h`), all of 4 bytes, with their offsets.
#[rustfmt::skip]
const FIELDS: [(Ancillary, i16, Form); 9] = [
    (Ancillary::PacketType,      4, Form::Plain),
    (Ancillary::Mark,            8, Form::Plain),
    (Ancillary::Queue,          12, Form::Plain),
    (Ancillary::Protocol,       16, Form::Network),
    (Ancillary::VlanTagPresent, 20, Form::Plain),
    (Ancillary::VlanTag,        24, Form::Plain),
    (Ancillary::VlanTpid,       28, Form::Network),
    (Ancillary::Ifindex,        40, Form::Device),
    (Ancillary::RxHash,         68, Form::Plain),
];

impl Emitter<'_> {
    /// Keeps the context, if anything reads it.
    pub(super) fn begin_socket(&mut self, program: &[Insn]) {
        if program.iter().any(is_load) {
            self.out.mov(CONTEXT, Reg::R1);
        }
    }

    pub(super) fn load_by_kernel(&mut self, pc: usize, Load { size, k, dst }: Load) {
        let imm = k.cast_signed();
        if dst == A {
            self.out.push(Code::LoadPacket { size: bytes(size), index: None, imm });
            return;
        }
        let keeps_a = self.keeps_a(pc);
        if keeps_a {
            self.out.mov(SAVED_A, A);
        }
        self.out.push(Code::LoadPacket { size: bytes(size), index: None, imm });
        self.header_length(A);
        self.out.mov(dst, A);
        if keeps_a {
            self.out.mov(A, SAVED_A);
        }
    }

    pub(super) fn load_indirect_by_kernel(&mut self, size: Size, k: u32) {
        let imm = k.cast_signed();
        self.out.push(Code::LoadPacket { size: bytes(size), index: Some(X), imm });
    }

    pub(super) fn load_skb_length(&mut self, dst: Reg) {
        self.out.load(Bytes::W, dst, CONTEXT, LENGTH);
    }

    /// Loads metadata into A, if there is a field of it.
    pub(super) fn load_field(&mut self, ancillary: Ancillary) -> bool {
        let Some((_, offset, form)) = FIELDS.into_iter().find(|row| row.0 == ancillary) else {
            return false;
        };
        match form {
            Form::Plain => {
                self.out.load(Bytes::W, A, CONTEXT, offset);
            }
            Form::Network => {
                self.out.load(Bytes::W, A, CONTEXT, offset);
                self.out.push(Code::Endian { op: EndianOp::ToBe, size: Bytes::H, dst: A });
            }
            Form::Device => {
                self.out.load(Bytes::W, SCRATCH, CONTEXT, offset);
                let is_there = self.out.label();
                self.out.jump_if(Test::Ne, SCRATCH, 0, is_there);
                self.out.exit();
                self.out.place(is_there);
                self.out.alu(Op::Mov, A, SCRATCH);
            }
        }
        true
    }
}

/// The width in terms of eBPF.
pub(super) fn bytes(size: Size) -> Bytes {
    match size {
        Size::B => Bytes::B,
        Size::H => Bytes::H,
        Size::W => Bytes::W,
    }
}
