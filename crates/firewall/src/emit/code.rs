//! The builder with relocations, and the register conventions of the generated code.
//!
//! `r6` holds the address of the packet key in every function of a chain; `r1` collects
//! mismatches; `r2` to `r4` are scratch. Chain functions return a [`verdict`].

use std::ops::{Deref, DerefMut};

use netloom_abi::{FieldPart, Helper, Reloc, RelocKind};
use netloom_isa::{Builder, Callee, EndianOp, Insn, Pc, Reg, Size};

/// Results of a chain function. The first two are netfilter's own verdicts.
pub(super) mod verdict {
    /// The packet is dropped (`NF_DROP`).
    pub(in crate::emit) const DROP: i32 = 0;
    /// The packet passes the table (`NF_ACCEPT`).
    pub(in crate::emit) const ACCEPT: i32 = 1;
    /// The chain's end was reached.
    pub(in crate::emit) const CONTINUE: i32 = 2;
    /// The pre-filter can not know; the exact program decides.
    pub(in crate::emit) const UNKNOWN: i32 = 3;
}

/// A [`Builder`] that also collects relocations.
#[derive(Debug, Default)]
pub(super) struct Code {
    builder: Builder,
    relocs: Vec<Reloc>,
}

impl Code {
    /// Calls the kernel function `name`.
    pub(super) fn call_kfunc(&mut self, name: &str) {
        let pc = self.push(Insn::Call(Callee::Kfunc(0, 0)));
        self.relocs.push(Reloc { pc, kind: RelocKind::Kfunc(name.into()) });
    }

    /// Calls a helper.
    pub(super) fn call_known(&mut self, helper: Helper) {
        self.call_helper(helper.id());
    }

    /// `dst = base->path`, whole and unsigned.
    pub(super) fn load_field(&mut self, size: Size, dst: Reg, base: Reg, field: (&str, &str)) {
        let pc = self.load(size, dst, base, 0);
        self.field(pc, field, FieldPart::Offset);
    }

    /// `dst = *(size *)((char *)&base->path + off)`.
    pub(super) fn load_inside(
        &mut self,
        size: Size,
        dst: Reg,
        base: Reg,
        field: (&str, &str),
        off: i16,
    ) {
        let pc = self.load(size, dst, base, off);
        self.field(pc, field, FieldPart::Start);
    }

    /// Notes a relocation of the instruction at `pc`.
    pub(super) fn field(&mut self, pc: Pc, (structure, path): (&str, &str), part: FieldPart) {
        let kind = RelocKind::Field { structure: structure.into(), path: path.into(), part };
        self.relocs.push(Reloc { pc, kind });
    }

    /// `r0 = (structure *)src`, readable whatever it points to; clobbers `r1` to `r5`.
    pub(super) fn cast(&mut self, src: Reg, structure: &str) {
        if src != Reg::R1 {
            self.mov(Reg::R1, src);
        }
        let pc = self.mov(Reg::R2, 0);
        self.relocs.push(Reloc { pc, kind: RelocKind::StructId(structure.into()) });
        self.call_kfunc("bpf_rdonly_cast");
    }

    /// `reg` from network byte order.
    pub(super) fn swap(&mut self, size: Size, reg: Reg) {
        self.push(Insn::Endian { op: EndianOp::ToBe, size, dst: reg });
    }

    /// `return value`.
    pub(super) fn give(&mut self, value: i32) {
        self.mov(Reg::R0, value);
        self.exit();
    }

    /// The builder and the relocations.
    pub(super) fn into_parts(self) -> (Builder, Vec<Reloc>) {
        (self.builder, self.relocs)
    }
}

impl Deref for Code {
    type Target = Builder;

    fn deref(&self) -> &Builder {
        &self.builder
    }
}

impl DerefMut for Code {
    fn deref_mut(&mut self) -> &mut Builder {
        &mut self.builder
    }
}
