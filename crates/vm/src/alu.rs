//! What arithmetic and comparison do (RFC 9669 §4.1–4.3), once for each width.
//!
//! Functions for who has two numbers, and a type for each operation, from which `step` and `handler`
//! build one specialised piece of code per instruction form.

use netloom_isa::{Cond, Width};

macro_rules! word {
    ($(#[$doc:meta])* $name:ident, $unsigned:ty) => {
        $(#[$doc])*
        pub(crate) mod $name {
            type Word = $unsigned;
            const SHIFT: Word = Word::BITS as Word - 1;

            pub(crate) fn add(a: Word, b: Word) -> Word {
                a.wrapping_add(b)
            }
            pub(crate) fn sub(a: Word, b: Word) -> Word {
                a.wrapping_sub(b)
            }
            pub(crate) fn mul(a: Word, b: Word) -> Word {
                a.wrapping_mul(b)
            }
            pub(crate) fn div(a: Word, b: Word) -> Word {
                a.checked_div(b).unwrap_or(0)
            }
            pub(crate) fn sdiv(a: Word, b: Word) -> Word {
                if b == 0 { 0 } else { a.cast_signed().wrapping_div(b.cast_signed()).cast_unsigned() }
            }
            pub(crate) fn rem(a: Word, b: Word) -> Word {
                a.checked_rem(b).unwrap_or(a)
            }
            pub(crate) fn srem(a: Word, b: Word) -> Word {
                if b == 0 { a } else { a.cast_signed().wrapping_rem(b.cast_signed()).cast_unsigned() }
            }
            pub(crate) fn or(a: Word, b: Word) -> Word {
                a | b
            }
            pub(crate) fn and(a: Word, b: Word) -> Word {
                a & b
            }
            pub(crate) fn xor(a: Word, b: Word) -> Word {
                a ^ b
            }
            pub(crate) fn lsh(a: Word, b: Word) -> Word {
                a << (b & SHIFT)
            }
            pub(crate) fn rsh(a: Word, b: Word) -> Word {
                a >> (b & SHIFT)
            }
            pub(crate) fn arsh(a: Word, b: Word) -> Word {
                (a.cast_signed() >> (b & SHIFT)).cast_unsigned()
            }
            pub(crate) fn mov(_: Word, b: Word) -> Word {
                b
            }

            pub(crate) fn eq(a: Word, b: Word) -> bool {
                a == b
            }
            pub(crate) fn ne(a: Word, b: Word) -> bool {
                a != b
            }
            pub(crate) fn gt(a: Word, b: Word) -> bool {
                a > b
            }
            pub(crate) fn ge(a: Word, b: Word) -> bool {
                a >= b
            }
            pub(crate) fn lt(a: Word, b: Word) -> bool {
                a < b
            }
            pub(crate) fn le(a: Word, b: Word) -> bool {
                a <= b
            }
            pub(crate) fn set(a: Word, b: Word) -> bool {
                a & b != 0
            }
            pub(crate) fn sgt(a: Word, b: Word) -> bool {
                a.cast_signed() > b.cast_signed()
            }
            pub(crate) fn sge(a: Word, b: Word) -> bool {
                a.cast_signed() >= b.cast_signed()
            }
            pub(crate) fn slt(a: Word, b: Word) -> bool {
                a.cast_signed() < b.cast_signed()
            }
            pub(crate) fn sle(a: Word, b: Word) -> bool {
                a.cast_signed() <= b.cast_signed()
            }
        }
    };
}

word!(
    /// 64-bit operations.
    w64, u64
);
word!(
    /// 32-bit operations.
    w32, u32
);

/// Arithmetic of two operands.
pub(crate) trait Operation {
    fn w64(a: u64, b: u64) -> u64;
    fn w32(a: u32, b: u32) -> u32;
}

/// A comparison.
pub(crate) trait Condition {
    fn w64(a: u64, b: u64) -> bool;
    fn w32(a: u32, b: u32) -> bool;
}

/// Arithmetic of one operand.
pub(crate) trait Unary {
    fn of(a: u64) -> u64;
}

/// Passes the tables of operations and conditions, each with its function in `w64` and `w32`, to the
/// macro `$then`: `rows!(define)` becomes `define! { alu { Add add … } jump { Eq eq … } }`.
macro_rules! rows {
    ($then:ident) => {
        $then! {
            alu {
                Add add
                Sub sub
                Mul mul
                Div div
                Sdiv sdiv
                Or or
                And and
                Lsh lsh
                Rsh rsh
                Mod rem
                Smod srem
                Xor xor
                Mov mov
                Arsh arsh
            }
            jump {
                Eq eq
                Ne ne
                Gt gt
                Ge ge
                Lt lt
                Le le
                Set set
                Sgt sgt
                Sge sge
                Slt slt
                Sle sle
            }
        }
    };
}
pub(crate) use rows;

macro_rules! define {
    (
        alu { $($operation:ident $compute:ident)* }
        jump { $($condition:ident $compare:ident)* }
    ) => {
        $(
            /// The operation of this name.
            pub(crate) struct $operation;

            impl Operation for $operation {
                #[inline(always)]
                fn w64(a: u64, b: u64) -> u64 {
                    w64::$compute(a, b)
                }
                #[inline(always)]
                fn w32(a: u32, b: u32) -> u32 {
                    w32::$compute(a, b)
                }
            }
        )*
        $(
            /// The condition of this name.
            pub(crate) struct $condition;

            impl Condition for $condition {
                #[inline(always)]
                fn w64(a: u64, b: u64) -> bool {
                    w64::$compare(a, b)
                }
                #[inline(always)]
                fn w32(a: u32, b: u32) -> bool {
                    w32::$compare(a, b)
                }
            }
        )*

        /// Whether the condition holds for two registers' contents.
        pub(crate) fn holds(cond: Cond, width: Width, a: u64, b: u64) -> bool {
            match (cond, width) {
                $(
                    (Cond::$condition, Width::W64) => w64::$compare(a, b),
                    (Cond::$condition, Width::W32) => w32::$compare(low(a), low(b)),
                )*
            }
        }
    };
}
rows!(define);

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident $a:ident => $value:expr;)*) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name;

            impl Unary for $name {
                #[inline(always)]
                fn of($a: u64) -> u64 {
                    $value
                }
            }
        )*
    };
}

unary! {
    /// Negation.
    Neg64 a => a.wrapping_neg();
    /// Negation of the low half.
    Neg32 a => u64::from(low(a).wrapping_neg());
    /// The low 2 bytes, swapped.
    Swap16 a => u64::from(((a & 0xffff) as u16).swap_bytes());
    /// The low 4 bytes, reversed.
    Swap32 a => u64::from(low(a).swap_bytes());
    /// All bytes, reversed.
    Swap64 a => a.swap_bytes();
    /// The low 2 bytes.
    Low16 a => a & 0xffff;
    /// The low 4 bytes.
    Low32 a => u64::from(low(a));
    /// No change.
    Low64 a => a;
    /// The low byte, sign-extended.
    Sign8 a => i64::from(((a & 0xff) as u8).cast_signed()).cast_unsigned();
    /// The low 2 bytes, sign-extended.
    Sign16 a => i64::from(((a & 0xffff) as u16).cast_signed()).cast_unsigned();
    /// The low 4 bytes, sign-extended.
    Sign32 a => i64::from(low(a).cast_signed()).cast_unsigned();
    /// The low byte, sign-extended to 32 bits.
    Sign8W32 a => Low32::of(Sign8::of(a));
    /// The low 2 bytes, sign-extended to 32 bits.
    Sign16W32 a => Low32::of(Sign16::of(a));
}

/// The low half of a register.
#[inline]
pub(crate) fn low(a: u64) -> u32 {
    (a & 0xffff_ffff) as u32
}

/// A constant as a 64-bit operand.
#[inline]
pub(crate) fn extend(constant: i32) -> u64 {
    i64::from(constant).cast_unsigned()
}
