//! Prints pseudo-C: our lossless form, `llvm-objdump`'s and the kernel's.

use std::fmt;

use super::words::{self, ACCESS, ALU, CONDS, ENDIAN, FETCHING, LOCKED, MOVSX};
use super::{HelperName, Syntax, Text, shown, value};
use crate::slot::Slot;
use crate::{AtomicOp, Callee, Imm64, Insn, Operand, Reg, Size, Width, encode};

/// What the three forms of pseudo-C differ in.
#[derive(Clone, Copy)]
pub(super) struct Printer<'a> {
    kernel: bool,
    /// Drops what `llvm-objdump` does not show.
    objdump: bool,
    alu32: bool,
    hex: bool,
    helper: HelperName,
    /// Stands for the distance.
    label: Option<&'a str>,
}

impl<'a> Printer<'a> {
    pub(super) fn new(text: &Text<'a>) -> Self {
        let Text { syntax, helper, label, .. } = *text;
        let (alu32, hex) = match syntax {
            Syntax::Objdump { alu32, hex } => (alu32, hex),
            Syntax::PseudoC | Syntax::Kernel | Syntax::Classic => (false, false),
        };
        let objdump = matches!(syntax, Syntax::Objdump { .. });
        let kernel = syntax == Syntax::Kernel;
        let label = label.filter(|_| !kernel && !objdump);
        Self { kernel, objdump, alu32, hex, helper, label }
    }

    pub(super) fn print(self, f: &mut fmt::Formatter<'_>, insn: &Insn) -> fmt::Result {
        match *insn {
            Insn::Alu { width, op, dst, src } => {
                let op = words::of(&ALU, op).pseudo;
                write!(f, "{} {op} {}", Name(width, dst), self.operand(width, src))
            }
            Insn::Neg { width, dst } => write!(f, "{0} = -{0}", Name(width, dst)),
            Insn::MovSx { width, from, dst, src } => {
                let from = words::of(&MOVSX, (from, width)).pseudo;
                write!(f, "{} = ({from}){}", Name(width, dst), Name(width, src))
            }
            Insn::Endian { op, size, dst } => {
                let op = words::of(&ENDIAN, op).pseudo;
                write!(f, "{dst} = {op}{} {dst}", size.bytes() * 8)
            }
            Insn::AddrSpaceCast { dst, src, to, from } => {
                let (to, from) = (self.number(to.into()), self.number(from.into()));
                write!(f, "{dst} = addr_space_cast({src}, {to}, {from})")
            }
            Insn::AddrPercpu { dst, src } => write!(f, "{dst} = &(void __percpu *)({src})"),
            Insn::LoadImm64 { dst, value } if self.objdump => self.imm64(f, insn, dst, value),
            Insn::LoadImm64 { dst, value } if self.kernel => {
                write!(f, "{dst} = {:#x}", value::raw(value))
            }
            Insn::LoadImm64 { dst, value } => {
                write!(f, "{dst} = {}", value::Print { value, label: self.label })
            }
            Insn::Load { size, signed, dst, base, off } => {
                let dst = if signed { Name(Width::W64, dst) } else { self.accessed(size, dst) };
                write!(f, "{dst} = *{}", self.place(size, signed, base, off))
            }
            Insn::Store { size, base, off, src } => {
                write!(f, "*{} = ", self.place(size, false, base, off))?;
                match src {
                    Operand::Reg(src) => write!(f, "{}", self.accessed(size, src)),
                    Operand::Imm(imm) => write!(f, "{}", self.number(imm.into())),
                }
            }
            Insn::Atomic { op, width, base, off, src } => {
                self.atomic(f, op, width, (base, off), src)
            }
            Insn::LoadAcquire { size, dst, base, off } => {
                let dst = self.exchanged(size, dst);
                write!(f, "{dst} = load_acquire({})", self.place(size, false, base, off))
            }
            Insn::StoreRelease { size, base, off, src } => {
                let place = self.place(size, false, base, off);
                write!(f, "store_release({place}, {})", self.exchanged(size, src))
            }
            Insn::LoadPacket { size, index, imm } => self.packet(f, size, index, imm),
            Insn::Jump { off, wide } => {
                let long = if wide || i16::try_from(off).is_err() { "l" } else { "" };
                write!(f, "goto{long} {}", self.distance(off))
            }
            Insn::JumpIf { width, cond, dst, src, off } => {
                let (dst, cond) = (Name(width, dst), words::of(&CONDS, cond).pseudo);
                let (src, to) = (self.compared(width, src), self.distance(off.into()));
                write!(f, "if {dst} {cond} {src} goto {to}")
            }
            Insn::JumpReg { dst } => write!(f, "gotox {dst}"),
            Insn::MayGoto { off } => write!(f, "may_goto {}", self.distance(off.into())),
            Insn::Call(callee) => self.call(f, callee),
            Insn::Exit => f.write_str("exit"),
        }
    }

    /// A 64-bit constant as LLVM prints it; of one with a source, only the first slot's half.
    fn imm64(self, f: &mut fmt::Formatter<'_>, insn: &Insn, dst: Reg, value: Imm64) -> fmt::Result {
        if let Imm64::Value(value) = value {
            return write!(f, "{dst} = {} ll", self.number(value.cast_signed()));
        }
        let Slot { src, imm, .. } = encode::first_slot(insn);
        let (source, low) = (self.number(src.into()), self.number(imm.cast_unsigned().into()));
        write!(f, "ld_pseudo\t{dst}, {source}, {low}")
    }

    fn packet(
        self,
        f: &mut fmt::Formatter<'_>,
        size: Size,
        index: Option<Reg>,
        imm: i32,
    ) -> fmt::Result {
        let size = words::of(&ACCESS, (size, false)).pseudo;
        let short = self.objdump || imm == 0 && !self.kernel;
        match index {
            None => write!(f, "r0 = *({size} *)skb[{}]", self.number(imm.into())),
            Some(index) if short => write!(f, "r0 = *({size} *)skb[{index}]"),
            Some(index) => write!(f, "r0 = *({size} *)skb[{index} + {imm}]"),
        }
    }

    fn call(self, f: &mut fmt::Formatter<'_>, callee: Callee) -> fmt::Result {
        match callee {
            Callee::Helper(id) if self.objdump => {
                write!(f, "call {}", self.number(id.cast_signed().into()))
            }
            Callee::Helper(id) => match (self.helper)(id) {
                Some(name) => write!(f, "call bpf_{name}#{id}"),
                None if self.kernel && id == 0 => f.write_str("call bpf_unspec#0"),
                None if self.kernel => write!(f, "call unknown#{}", id.cast_signed()),
                None => write!(f, "call {id}"),
            },
            Callee::Local(off) if self.objdump => write!(f, "call {}", self.number(off.into())),
            Callee::Local(off) => match self.label {
                Some(label) => write!(f, "call {label}"),
                None => write!(f, "call pc{off:+}"),
            },
            Callee::Kfunc(id, _) if self.objdump => {
                write!(f, "call {}", self.number(id.cast_signed().into()))
            }
            Callee::Kfunc(id, _) if self.kernel => {
                write!(f, "call kernel-function#{}", id.cast_signed())
            }
            Callee::Kfunc(id, 0) => write!(f, "call kernel-function#{id}"),
            Callee::Kfunc(id, module) => write!(f, "call kernel-function#{id} module {module}"),
            Callee::RegImm(reg) if !self.objdump && !self.kernel => write!(f, "callx_imm {reg}"),
            Callee::Reg(reg) | Callee::RegImm(reg) => write!(f, "callx {reg}"),
        }
    }

    fn atomic(
        self,
        f: &mut fmt::Formatter<'_>,
        op: AtomicOp,
        width: Width,
        (base, off): (Reg, i16),
        src: Reg,
    ) -> fmt::Result {
        let size = if width == Width::W32 { Size::W } else { Size::Dw };
        let place = self.place(size, false, base, off);
        if let Some(word) = LOCKED.iter().find(|word| word.value == op) {
            return write!(f, "lock *{place} {} {}", word.pseudo, self.exchanged(size, src));
        }
        let name = words::of(&FETCHING, op).pseudo;
        if self.kernel {
            let bits = if width == Width::W32 { "" } else { "64" };
            return if op == AtomicOp::Cmpxchg {
                write!(f, "r0 = atomic{bits}_{name}({place}, r0, {src})")
            } else {
                write!(f, "{src} = atomic{bits}_{name}({place}, {src})")
            };
        }
        let src = Name(width, src);
        let bits = if width == Width::W32 { "32_32" } else { "_64" };
        let address = self.address(base, off);
        if op == AtomicOp::Cmpxchg {
            let result = Name(width, Reg::R0);
            write!(f, "{result} = {name}{bits}({address}, {result}, {src})")
        } else if op == AtomicOp::Xchg {
            write!(f, "{src} = {name}{bits}({address}, {src})")
        } else {
            write!(f, "{src} = atomic_{name}({place}, {src})")
        }
    }

    /// The name under which a register takes part in an atomic access. LLVM assembles the narrow
    /// ones with `w` registers only.
    fn exchanged(self, size: Size, reg: Reg) -> Name {
        let lossless = !self.kernel && !self.objdump;
        Self { alu32: self.alu32 || lossless, ..self }.accessed(size, reg)
    }

    /// The name under which a register takes part in a load or store.
    fn accessed(self, size: Size, reg: Reg) -> Name {
        let narrow = self.alu32 && size != Size::Dw;
        Name(if narrow { Width::W32 } else { Width::W64 }, reg)
    }

    fn operand(self, width: Width, operand: Operand) -> impl fmt::Display {
        shown(move |f| match operand {
            Operand::Reg(reg) => write!(f, "{}", Name(width, reg)),
            Operand::Imm(imm) => write!(f, "{}", self.number(imm.into())),
        })
    }

    fn compared(self, width: Width, operand: Operand) -> impl fmt::Display {
        shown(move |f| match operand {
            Operand::Imm(imm) if self.kernel => write!(f, "{imm:#x}"),
            Operand::Imm(_) | Operand::Reg(_) => write!(f, "{}", self.operand(width, operand)),
        })
    }

    fn number(self, number: i64) -> impl fmt::Display {
        shown(move |f| match (self.hex, number < 0) {
            (false, _) => write!(f, "{number}"),
            (true, false) => write!(f, "{number:#x}"),
            (true, true) => write!(f, "-{:#x}", number.unsigned_abs()),
        })
    }

    fn distance(self, off: i32) -> impl fmt::Display {
        shown(move |f| match (self.label, self.kernel, off < 0) {
            (Some(label), ..) => f.write_str(label),
            (None, true, _) => write!(f, "pc{off:+}"),
            (None, false, true) => write!(f, "{}", self.number(off.into())),
            (None, false, false) => write!(f, "+{}", self.number(off.into())),
        })
    }

    fn address(self, base: Reg, off: i16) -> impl fmt::Display {
        shown(move |f| match (self.kernel, off < 0) {
            (true, _) => write!(f, "{base} {off:+}"),
            (false, true) => write!(f, "{base} - {}", self.number(-i64::from(off))),
            (false, false) => write!(f, "{base} + {}", self.number(off.into())),
        })
    }

    fn place(self, size: Size, signed: bool, base: Reg, off: i16) -> impl fmt::Display {
        let size = words::of(&ACCESS, (size, signed)).pseudo;
        shown(move |f| write!(f, "({size} *)({})", self.address(base, off)))
    }
}

/// A register under its 32-bit or 64-bit name.
#[derive(Clone, Copy)]
struct Name(Width, Reg);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(width, reg) = self;
        let letter = if *width == Width::W32 { 'w' } else { 'r' };
        write!(f, "{letter}{}", reg.number())
    }
}
