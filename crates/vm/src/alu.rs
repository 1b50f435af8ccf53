//! What arithmetic and comparison do (RFC 9669 §4.1–4.3), once for each width.

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

/// Operations of one operand.
pub(crate) mod unary {
    use super::low;

    pub(crate) fn neg64(a: u64) -> u64 {
        a.wrapping_neg()
    }
    pub(crate) fn neg32(a: u64) -> u64 {
        u64::from(low(a).wrapping_neg())
    }
    pub(crate) fn swap16(a: u64) -> u64 {
        u64::from(((a & 0xffff) as u16).swap_bytes())
    }
    pub(crate) fn swap32(a: u64) -> u64 {
        u64::from(low(a).swap_bytes())
    }
    pub(crate) fn swap64(a: u64) -> u64 {
        a.swap_bytes()
    }
    pub(crate) fn low16(a: u64) -> u64 {
        a & 0xffff
    }
    pub(crate) fn low32(a: u64) -> u64 {
        a & 0xffff_ffff
    }
    pub(crate) fn low64(a: u64) -> u64 {
        a
    }
    pub(crate) fn sign8(a: u64) -> u64 {
        i64::from(((a & 0xff) as u8).cast_signed()).cast_unsigned()
    }
    pub(crate) fn sign16(a: u64) -> u64 {
        i64::from(((a & 0xffff) as u16).cast_signed()).cast_unsigned()
    }
    pub(crate) fn sign32(a: u64) -> u64 {
        i64::from(low(a).cast_signed()).cast_unsigned()
    }
    pub(crate) fn sign8_w32(a: u64) -> u64 {
        low32(sign8(a))
    }
    pub(crate) fn sign16_w32(a: u64) -> u64 {
        low32(sign16(a))
    }
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
