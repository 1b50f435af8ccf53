//! Packets between two pointers: XDP and plain memory.
//!
//! Before a load, a pointer behind its last byte is compared with the packet's end; that is what the
//! kernel's verifier takes for proof. It proves so many bytes from the pointer's origin on, which is
//! the packet's begin or, for indirect loads whose X is known to be small, byte X of the packet.

use netloom_isa::{AluOp as Op, Cond as Test, EndianOp, Insn as Code, Reg, Size as Bytes};

use super::Target;
use super::emit::{A, CONTEXT, Emitter, Load, SCRATCH, X, is_load, loaded_ancillary};
use super::socket::bytes;
use crate::ancillary::Ancillary;
use crate::fact::Facts;
use crate::insn::{Insn, Size};

/// The packet's begin and end.
const DATA: Reg = Reg::R8;
const END: Reg = Reg::R9;
/// Byte X of the packet, while [`Facts::index_bytes`] says so.
const INDEX: Reg = Reg::R5;
/// A second register that holds nothing between instructions.
const BEHIND: Reg = Reg::R2;

/// Offsets in `struct xdp_md` (`linux/bpf.h`).
const XDP_DATA: i16 = 0;
const XDP_DATA_END: i16 = 4;
const XDP_INGRESS_IFINDEX: i16 = 12;

impl Emitter<'_> {
    /// Fetches what the program reads of context and packet.
    pub(super) fn begin_direct(&mut self, program: &[Insn]) {
        let is_field = |insn: &Insn| loaded_ancillary(insn) == Some(Ancillary::Ifindex);
        let is_packet = |insn: &Insn| is_load(insn) && loaded_ancillary(insn).is_none();
        if self.target == Target::Xdp && program.iter().any(is_field) {
            self.out.mov(CONTEXT, Reg::R1);
        }
        if !program.iter().any(is_packet) {
            return;
        }
        if self.target == Target::Xdp {
            self.out.load(Bytes::W, DATA, Reg::R1, XDP_DATA);
            self.out.load(Bytes::W, END, Reg::R1, XDP_DATA_END);
        } else {
            self.out.mov(DATA, Reg::R1);
            self.out.mov(END, Reg::R1);
            self.out.alu(Op::Add, END, Reg::R2);
        }
    }

    /// Loads bytes that end `needed` bytes behind the packet's begin.
    pub(super) fn load_direct(&mut self, load: Load, needed: u32, facts: &Facts) {
        let Load { size, k, dst } = load;
        if facts.data_bytes < needed {
            self.prove(DATA, needed);
        }
        match i16::try_from(k) {
            Ok(offset) => self.fetch(size, dst, DATA, offset),
            Err(_) => {
                self.out.mov(SCRATCH, DATA);
                self.advance(SCRATCH, k);
                self.fetch(size, dst, SCRATCH, 0);
            }
        }
        if dst == X {
            self.header_length(X);
        }
    }

    pub(super) fn load_indirect(&mut self, size: Size, k: u32, facts: &Facts) {
        match facts.near(k, size, self.target.reach()) {
            Some(needed) => {
                self.point_at_index(needed, facts);
                let offset = i16::try_from(k).expect("a near load's offset is small");
                self.fetch(size, A, INDEX, offset);
            }
            None => self.load_anywhere(size, k),
        }
    }

    /// Makes sure of a pointer to byte X and of the bytes there.
    fn point_at_index(&mut self, needed: u32, facts: &Facts) {
        if facts.index_bytes.is_none() {
            self.out.mov(INDEX, DATA);
            self.out.alu(Op::Add, INDEX, X);
        }
        if facts.index_bytes < Some(needed) {
            self.prove(INDEX, needed);
        }
    }

    /// The sum of X and `k`, modulo 2³², must be small.
    fn load_anywhere(&mut self, size: Size, k: u32) {
        // Had it been a constant added to a copy of X, the verifier would remember that, and then
        // refuse to add so great a constant to a pointer.
        if k > 0 {
            self.out.alu32(Op::Mov, SCRATCH, k.cast_signed());
            self.out.alu32(Op::Add, SCRATCH, X);
        } else {
            self.out.alu32(Op::Mov, SCRATCH, X);
        }
        let last = self.target.reach() - size.bytes();
        self.fail_if(Test::Gt, SCRATCH, last.cast_signed());
        self.out.alu(Op::Add, SCRATCH, DATA);
        self.out.mov(BEHIND, SCRATCH);
        self.advance(BEHIND, size.bytes());
        self.fail_if(Test::Gt, BEHIND, END);
        self.fetch(size, A, SCRATCH, 0);
    }

    /// Returns 0 unless so many bytes are there from a pointer on.
    fn prove(&mut self, from: Reg, needed: u32) {
        self.out.mov(SCRATCH, from);
        self.advance(SCRATCH, needed);
        self.fail_if(Test::Gt, SCRATCH, END);
    }

    /// Moves a pointer; all distances are below 2³¹.
    fn advance(&mut self, pointer: Reg, distance: u32) {
        self.out.alu(Op::Add, pointer, distance.cast_signed());
    }

    fn fetch(&mut self, size: Size, dst: Reg, base: Reg, offset: i16) {
        self.out.load(bytes(size), dst, base, offset);
        if size != Size::B {
            self.out.push(Code::Endian { op: EndianOp::ToBe, size: bytes(size), dst });
        }
    }

    pub(super) fn subtract_pointers(&mut self, dst: Reg) {
        self.out.mov(dst, END);
        self.out.alu(Op::Sub, dst, DATA);
    }

    /// Loads metadata into A, if there is a field of it. A frame always has a device.
    pub(super) fn load_xdp_field(&mut self, ancillary: Ancillary) -> bool {
        let is_field = ancillary == Ancillary::Ifindex;
        if is_field {
            self.out.load(Bytes::W, A, CONTEXT, XDP_INGRESS_IFINDEX);
        }
        is_field
    }
}
