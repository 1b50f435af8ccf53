//! The vocabulary: each operation's spelling in pseudo-C and as a mnemonic.
//!
//! Sources: `kernel/bpf/disasm.c`, LLVM `BPFInstrInfo.td`; ubpf and bpf_conformance for mnemonics.

use crate::{AluOp, AtomicOp, Cond, EndianOp, Size, Width};

/// One meaning, two spellings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<T: 'static> {
    pub(super) value: T,
    pub(super) pseudo: &'static str,
    pub(super) classic: &'static str,
}

const fn word<T>(value: T, pseudo: &'static str, classic: &'static str) -> Word<T> {
    Word { value, pseudo, classic }
}

/// Assignment operators; a 32-bit mnemonic ends in `32`.
pub(super) static ALU: [Word<AluOp>; 14] = [
    word(AluOp::Add, "+=", "add"),
    word(AluOp::Sub, "-=", "sub"),
    word(AluOp::Mul, "*=", "mul"),
    word(AluOp::Div, "/=", "div"),
    word(AluOp::Sdiv, "s/=", "sdiv"),
    word(AluOp::Or, "|=", "or"),
    word(AluOp::And, "&=", "and"),
    word(AluOp::Lsh, "<<=", "lsh"),
    word(AluOp::Rsh, ">>=", "rsh"),
    word(AluOp::Mod, "%=", "mod"),
    word(AluOp::Smod, "s%=", "smod"),
    word(AluOp::Xor, "^=", "xor"),
    word(AluOp::Mov, "=", "mov"),
    word(AluOp::Arsh, "s>>=", "arsh"),
];

/// Comparisons; a 32-bit mnemonic ends in `32`.
pub(super) static CONDS: [Word<Cond>; 11] = [
    word(Cond::Eq, "==", "jeq"),
    word(Cond::Ne, "!=", "jne"),
    word(Cond::Gt, ">", "jgt"),
    word(Cond::Ge, ">=", "jge"),
    word(Cond::Lt, "<", "jlt"),
    word(Cond::Le, "<=", "jle"),
    word(Cond::Set, "&", "jset"),
    word(Cond::Sgt, "s>", "jsgt"),
    word(Cond::Sge, "s>=", "jsge"),
    word(Cond::Slt, "s<", "jslt"),
    word(Cond::Sle, "s<=", "jsle"),
];

/// Atomic operations without result: the operator after `lock *(…)`, the mnemonic after `lock`.
pub(super) static LOCKED: [Word<AtomicOp>; 4] = [
    word(AtomicOp::Add { fetch: false }, "+=", "add"),
    word(AtomicOp::Or { fetch: false }, "|=", "or"),
    word(AtomicOp::And { fetch: false }, "&=", "and"),
    word(AtomicOp::Xor { fetch: false }, "^=", "xor"),
];

/// Atomic operations that return the old value: the function's name after `atomic_`, the mnemonic
/// after `lock`.
pub(super) static FETCHING: [Word<AtomicOp>; 6] = [
    word(AtomicOp::Add { fetch: true }, "fetch_add", "fetch add"),
    word(AtomicOp::Or { fetch: true }, "fetch_or", "fetch or"),
    word(AtomicOp::And { fetch: true }, "fetch_and", "fetch and"),
    word(AtomicOp::Xor { fetch: true }, "fetch_xor", "fetch xor"),
    word(AtomicOp::Xchg, "xchg", "xchg"),
    word(AtomicOp::Cmpxchg, "cmpxchg", "cmpxchg"),
];

/// Byte-order functions, before the number of bits.
pub(super) static ENDIAN: [Word<EndianOp>; 3] = [
    word(EndianOp::ToLe, "le", "le"),
    word(EndianOp::ToBe, "be", "be"),
    word(EndianOp::Swap, "bswap", "swap"),
];

/// Memory accesses, with sign extension or not; the suffix of `ldx`, `st` and `stx`.
pub(super) static ACCESS: [Word<(Size, bool)>; 7] = [
    word((Size::B, false), "u8", "b"),
    word((Size::H, false), "u16", "h"),
    word((Size::W, false), "u32", "w"),
    word((Size::Dw, false), "u64", "dw"),
    word((Size::B, true), "s8", "sb"),
    word((Size::H, true), "s16", "sh"),
    word((Size::W, true), "s32", "sw"),
];

/// Moves with sign extension; the mnemonics name source and destination bits.
pub(super) static MOVSX: [Word<(Size, Width)>; 5] = [
    word((Size::B, Width::W64), "s8", "movsx864"),
    word((Size::H, Width::W64), "s16", "movsx1664"),
    word((Size::W, Width::W64), "s32", "movsx3264"),
    word((Size::B, Width::W32), "s8", "movsx832"),
    word((Size::H, Width::W32), "s16", "movsx1632"),
];

/// The row of a value; `?` spells a value that the instruction set does not have.
pub(super) fn of<T: Copy + PartialEq>(table: &[Word<T>], value: T) -> Word<T> {
    let known = table.iter().find(|word| word.value == value);
    known.copied().unwrap_or(Word { value, pseudo: "?", classic: "?" })
}

/// The value that pseudo-C spells so.
pub(super) fn by_pseudo<T: Copy>(table: &[Word<T>], spelling: &str) -> Option<T> {
    table.iter().find(|word| word.pseudo == spelling).map(|word| word.value)
}

/// The value with this mnemonic.
pub(super) fn by_classic<T: Copy>(table: &[Word<T>], spelling: &str) -> Option<T> {
    table.iter().find(|word| word.classic == spelling).map(|word| word.value)
}

/// The suffix of 32-bit mnemonics.
pub(super) fn width_suffix(width: Width) -> &'static str {
    match width {
        Width::W32 => "32",
        Width::W64 => "",
    }
}
