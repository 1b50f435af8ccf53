//! The packet's bytes: directly where they are linear, else through a dynptr.

use netloom_abi::FieldPart;
use netloom_isa::{AluOp, Cond, Label, Reg, Size};

use super::{Prologue, frame};
use crate::emit::code::Code;

/// A structure of the kernel with a long array of bytes: what the verifier lets read at any offset
/// and width.
const WINDOW: (&str, &str) = ("__kernel_sockaddr_storage", "__data");

/// Where bytes of the packet are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bytes {
    /// The register holds a window over linear data.
    Linear(Reg),
    /// The register holds the address of a slice.
    Slice(Reg),
}

impl Bytes {
    /// `dst` = the bytes at `offset` in host order of a big-endian number.
    pub(super) fn load(self, code: &mut Code, size: Size, dst: Reg, offset: i16) {
        match self {
            Self::Linear(base) => code.load_inside(size, dst, base, WINDOW, offset),
            Self::Slice(base) => {
                code.load(size, dst, base, offset);
            }
        }
        if size != Size::B {
            code.swap(size, dst);
        }
    }
}

impl Prologue {
    /// Goes to `elsewhere` unless the linear data reaches `bytes` beyond the offset in `offset`,
    /// or beyond the packet's start without one. Clobbers `r1` and `r2`.
    pub(super) fn require_linear(
        &self,
        code: &mut Code,
        offset: Option<Reg>,
        bytes: i32,
        elsewhere: Label,
    ) {
        code.load_field(Size::W, Reg::R1, Reg::R8, ("sk_buff", "len"));
        code.load_field(Size::W, Reg::R2, Reg::R8, ("sk_buff", "data_len"));
        code.alu(AluOp::Sub, Reg::R1, Reg::R2);
        if let Some(offset) = offset {
            code.alu(AluOp::Sub, Reg::R1, offset);
        }
        code.jump_if(Cond::Slt, Reg::R1, bytes, elsewhere);
    }

    /// `r0` = a window at the offset in `offset`, or at the packet's start. At all hooks `data`
    /// points to the network header.
    pub(super) fn linear(&self, code: &mut Code, offset: Option<Reg>) -> Bytes {
        code.load_field(Size::Dw, Reg::R1, Reg::R8, ("sk_buff", "data"));
        if let Some(offset) = offset {
            code.alu(AluOp::Add, Reg::R1, offset);
        }
        let pc = code.mov(Reg::R2, 0);
        code.field(pc, WINDOW, FieldPart::Start);
        code.alu(AluOp::Sub, Reg::R1, Reg::R2);
        code.cast(Reg::R1, WINDOW.0);
        Bytes::Linear(Reg::R0)
    }

    /// Makes the dynptr. Clobbers `r0` to `r5`.
    pub(super) fn open_dynptr(&self, code: &mut Code) {
        code.mov(Reg::R1, Reg::R8);
        code.mov(Reg::R2, 0);
        code.mov(Reg::R3, Reg::R10);
        code.alu(AluOp::Add, Reg::R3, i32::from(frame::DYNPTR));
        code.call_kfunc("bpf_dynptr_from_skb");
    }

    /// `r0` = `length` bytes at offset `r2` of the packet; goes to `short` where the packet ends
    /// before. The dynptr is open.
    pub(super) fn slice(&self, code: &mut Code, length: i32, short: Label) -> Bytes {
        code.mov(Reg::R1, Reg::R10);
        code.alu(AluOp::Add, Reg::R1, i32::from(frame::DYNPTR));
        code.mov(Reg::R3, Reg::R10);
        code.alu(AluOp::Add, Reg::R3, i32::from(frame::BUFFER));
        code.mov(Reg::R4, length);
        code.call_kfunc("bpf_dynptr_slice");
        code.jump_if(Cond::Eq, Reg::R0, 0, short);
        Bytes::Slice(Reg::R0)
    }
}
