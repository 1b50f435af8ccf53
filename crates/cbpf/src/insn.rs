//! One instruction as a value.
//!
//! The machine has an accumulator A, an index register X and 16 words of memory, all of 32 bits,
//! and reads a packet, whose numbers are big-endian. Sources: McCanne and Jacobson, "The BSD Packet
//! Filter" (1993), `linux/bpf_common.h` and `linux/filter.h`.

use std::fmt;

/// Instructions in a program at most (`linux/bpf_common.h: BPF_MAXINSNS`).
pub const INSNS_MAX: usize = 4096;

/// Number of memory words (`linux/filter.h: BPF_MEMWORDS`).
pub const SLOTS: usize = 16;

/// Width of a packet load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Size {
    /// 1 byte.
    B,
    /// 2 bytes.
    H,
    /// 4 bytes.
    W,
}

/// The second operand of arithmetic and of comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A constant.
    K(u32),
    /// The index register.
    X,
}

/// Arithmetic on the accumulator, `A = A op source`, modulo 2³².
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the meaning")]
pub enum AluOp {
    Add,
    Sub,
    Mul,
    /// Unsigned; by zero ends the program with 0.
    Div,
    /// Unsigned; by zero ends the program with 0.
    Mod,
    Or,
    And,
    Xor,
    Lsh,
    Rsh,
}

/// Conditions of a jump, unsigned, of the accumulator and a second operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the meaning")]
pub enum Cond {
    Eq,
    Gt,
    Ge,
    /// `A & source != 0`.
    Set,
}

/// Number of a memory word, below [`SLOTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u8);

/// One instruction. Jump distances count instructions from the following one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum Insn {
    /// `A = P[k:size]`, or ancillary data for some `k` from 2³² − 0x1000 on.
    LoadAbs { size: Size, k: u32 },
    /// `A = P[X + k:size]`.
    LoadInd { size: Size, k: u32 },
    /// `A = k`.
    LoadImm(u32),
    /// `A = M[slot]`.
    LoadMem(Slot),
    /// `A = length`, of the packet in bytes.
    LoadLen,
    /// `X = k`.
    LoadXImm(u32),
    /// `X = M[slot]`.
    LoadXMem(Slot),
    /// `X = length`, of the packet in bytes.
    LoadXLen,
    /// `X = 4 * (P[k:1] & 0xf)`, the length of an IPv4 header.
    LoadXMsh(u32),
    /// `M[slot] = A`.
    StoreA(Slot),
    /// `M[slot] = X`.
    StoreX(Slot),
    /// `A = A op src`.
    Alu { op: AluOp, src: Source },
    /// `A = -A`.
    Neg,
    /// `goto +k`.
    Jump(u32),
    /// `if A cond src goto +jt else goto +jf`.
    JumpIf { cond: Cond, src: Source, jt: u8, jf: u8 },
    /// `return k`: the number of bytes to keep of the packet, 0 to refuse it.
    RetK(u32),
    /// `return A`.
    RetA,
    /// `X = A`.
    Tax,
    /// `A = X`.
    Txa,
}

impl Size {
    /// Number of bytes.
    pub fn bytes(self) -> u32 {
        match self {
            Self::B => 1,
            Self::H => 2,
            Self::W => 4,
        }
    }
}

impl Slot {
    /// The word with this number; none from [`SLOTS`] on.
    pub fn new(number: u32) -> Option<Self> {
        u8::try_from(number).ok().filter(|number| usize::from(*number) < SLOTS).map(Self)
    }

    /// Its number, 0 to 15.
    pub fn number(self) -> u8 {
        self.0
    }

    /// Its number, as an index.
    pub fn index(self) -> usize {
        self.0.into()
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "M[{}]", self.0)
    }
}
