//! One instruction as a value.
//!
//! Source: RFC 9669 and, for what Linux added since, `linux/bpf.h` and `kernel/bpf/disasm.c`
//! (load-acquire, store-release, `may_goto`, address-space casts, `gotox`).

use std::fmt;

/// A position in a program, counted in 8-byte slots from the program's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pc(pub u32);

/// A register: `r0` result, `r1`–`r5` arguments, `r6`–`r9` preserved over calls, `r10` frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the meaning")]
pub enum Reg {
    R0 = 0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
}

/// Operation width of arithmetic and comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    /// The low 32 bits; a result is zero-extended.
    W32,
    /// All 64 bits.
    W64,
}

/// Width of a memory access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Size {
    /// 1 byte.
    B,
    /// 2 bytes.
    H,
    /// 4 bytes.
    W,
    /// 8 bytes.
    Dw,
}

/// The second operand of an instruction that takes a register or a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// A register.
    Reg(Reg),
    /// A constant, sign-extended to 64 bits where the operation is 64 bits wide.
    Imm(i32),
}

/// Arithmetic with two operands, `dst = dst op src`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the meaning")]
pub enum AluOp {
    Add,
    Sub,
    Mul,
    /// Unsigned; by zero gives zero.
    Div,
    /// Signed; by zero gives zero, the overflow gives the dividend.
    Sdiv,
    Or,
    And,
    /// Shift amounts are masked to the width.
    Lsh,
    Rsh,
    /// Unsigned; by zero leaves the dividend.
    Mod,
    /// Signed; by zero leaves the dividend.
    Smod,
    Xor,
    Mov,
    Arsh,
}

/// Byte-order operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndianOp {
    /// Host to little-endian; truncates to the width.
    ToLe,
    /// Host to big-endian; truncates to the width.
    ToBe,
    /// Unconditional swap.
    Swap,
}

/// Conditions of a jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the meaning")]
pub enum Cond {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    /// `dst & src != 0`.
    Set,
    Sgt,
    Sge,
    Slt,
    Sle,
}

/// Atomic read-modify-write operations on memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AtomicOp {
    /// Add; with `fetch` the old value goes to the source register.
    Add {
        /// Return the old value.
        fetch: bool,
    },
    /// Or.
    Or {
        /// Return the old value.
        fetch: bool,
    },
    /// And.
    And {
        /// Return the old value.
        fetch: bool,
    },
    /// Exclusive or.
    Xor {
        /// Return the old value.
        fetch: bool,
    },
    /// Exchange.
    Xchg,
    /// Compare with `r0`, store the source register if equal; the old value goes to `r0`.
    Cmpxchg,
}

/// What a 64-bit constant stands for (`BPF_PSEUDO_*` in the source field of `lddw`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Imm64 {
    /// A plain number.
    Value(u64),
    /// A map by file descriptor.
    MapFd(i32),
    /// Address of a map's value area, by file descriptor and byte offset.
    MapFdValue(i32, u32),
    /// A kernel variable by BTF id and the file descriptor of its module's BTF (0: vmlinux).
    BtfId(u32, i32),
    /// A function of this program; slots relative to this constant's second slot, as the kernel's
    /// `add_subprog_and_kfunc` counts them.
    Function(i32),
    /// A map by its index in the object's map list (`fd_array` at load).
    MapIndex(u32),
    /// Address of a map's value area, by index and byte offset.
    MapIndexValue(u32, u32),
}

/// What a call calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Callee {
    /// A helper by its number in `enum bpf_func_id`.
    Helper(u32),
    /// A function of this program; slots relative to the next slot.
    Local(i32),
    /// A kernel function by BTF id and index of its module's BTF in `fd_array` (0: vmlinux).
    Kfunc(u32, i16),
    /// The address in a register (`callx`).
    Reg(Reg),
    /// The same as clang before 19 encodes it: the register's number is in `imm`. Not `r0`, which
    /// looks alike in both encodings.
    RegImm(Reg),
}

/// One instruction. Jump distances count slots from the following slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum Insn {
    /// `dst op= src`; `Mov` is `dst = src`.
    Alu { width: Width, op: AluOp, dst: Reg, src: Operand },
    /// `dst = -dst`.
    Neg { width: Width, dst: Reg },
    /// `dst = sign_extend(src)` from `from` (`B`, `H`, and `W` for 64 bits) to the width.
    MovSx { width: Width, from: Size, dst: Reg, src: Reg },
    /// Byte order of the low bytes of `dst`; `size` is `H`, `W` or `Dw`.
    Endian { op: EndianOp, size: Size, dst: Reg },
    /// `dst = addr_space_cast(src, to, from)`.
    AddrSpaceCast { dst: Reg, src: Reg, to: u16, from: u16 },
    /// `dst = &percpu(src)` (`BPF_ADDR_PERCPU`, off = -1).
    AddrPercpu { dst: Reg, src: Reg },
    /// `dst = value`, two slots.
    LoadImm64 { dst: Reg, value: Imm64 },
    /// `dst = *(size *)(base + off)`, sign-extended if `signed` (never for `Dw`).
    Load { size: Size, signed: bool, dst: Reg, base: Reg, off: i16 },
    /// `*(size *)(base + off) = src`.
    Store { size: Size, base: Reg, off: i16, src: Operand },
    /// Atomic read-modify-write of 4 (`W32`) or 8 bytes at `base + off`.
    Atomic { op: AtomicOp, width: Width, base: Reg, off: i16, src: Reg },
    /// `dst = load_acquire((size *)(base + off))`.
    LoadAcquire { size: Size, dst: Reg, base: Reg, off: i16 },
    /// `store_release((size *)(base + off), src)`.
    StoreRelease { size: Size, base: Reg, off: i16, src: Reg },
    /// `r0 = ntoh(*(size *)skb[index + imm])` (`LD_ABS` without index, `LD_IND` with; not `Dw`).
    LoadPacket { size: Size, index: Option<Reg>, imm: i32 },
    /// `goto +off`; beyond 16 bits, or if `wide`, it is `gotol`.
    Jump { off: i32, wide: bool },
    /// `if dst cond src goto +off`.
    JumpIf { width: Width, cond: Cond, dst: Reg, src: Operand, off: i16 },
    /// `goto reg` (`gotox`).
    JumpReg { dst: Reg },
    /// `may_goto +off`.
    MayGoto { off: i16 },
    /// `r0 = callee(r1, r2, r3, r4, r5)`.
    Call(Callee),
    /// Return `r0`.
    Exit,
}

impl Insn {
    /// Number of slots: 2 for `LoadImm64`, else 1.
    pub fn slots(&self) -> u32 {
        if matches!(self, Self::LoadImm64 { .. }) { 2 } else { 1 }
    }

    /// The slot in the same program to which it leads from `pc`: as a jump, a call, or the address of
    /// a function. None if it does not, or leads out of all programs.
    pub fn target(&self, pc: Pc) -> Option<Pc> {
        let distance = match *self {
            Self::Jump { off, .. }
            | Self::Call(Callee::Local(off))
            | Self::LoadImm64 { value: Imm64::Function(off), .. } => off,
            Self::JumpIf { off, .. } | Self::MayGoto { off } => off.into(),
            Self::Alu { .. }
            | Self::Neg { .. }
            | Self::MovSx { .. }
            | Self::Endian { .. }
            | Self::AddrSpaceCast { .. }
            | Self::AddrPercpu { .. }
            | Self::LoadImm64 { .. }
            | Self::Load { .. }
            | Self::Store { .. }
            | Self::Atomic { .. }
            | Self::LoadAcquire { .. }
            | Self::StoreRelease { .. }
            | Self::LoadPacket { .. }
            | Self::JumpReg { .. }
            | Self::Call(_)
            | Self::Exit => return None,
        };
        pc.0.checked_add(1)?.checked_add_signed(distance).map(Pc)
    }
}

/// The instructions, each with the position of its first slot.
pub fn numbered(insns: &[Insn]) -> impl Iterator<Item = (Pc, &Insn)> {
    insns.iter().scan(Pc(0), |pc, insn| {
        let here = *pc;
        pc.0 += insn.slots();
        Some((here, insn))
    })
}

impl Size {
    /// Number of bytes.
    pub fn bytes(self) -> u32 {
        match self {
            Self::B => 1,
            Self::H => 2,
            Self::W => 4,
            Self::Dw => 8,
        }
    }
}

impl Reg {
    /// All registers, in order.
    pub const ALL: [Self; 11] = [
        Self::R0,
        Self::R1,
        Self::R2,
        Self::R3,
        Self::R4,
        Self::R5,
        Self::R6,
        Self::R7,
        Self::R8,
        Self::R9,
        Self::R10,
    ];

    /// The register with this number.
    pub fn new(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its number, 0 to 10.
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.number())
    }
}

impl fmt::Display for Pc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl From<Reg> for Operand {
    fn from(reg: Reg) -> Self {
        Self::Reg(reg)
    }
}

impl From<i32> for Operand {
    fn from(imm: i32) -> Self {
        Self::Imm(imm)
    }
}
