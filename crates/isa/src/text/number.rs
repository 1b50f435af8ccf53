//! Reads numbers: decimal, `0x` hexadecimal and `0b` binary.
//!
//! A decimal number has no leading zero: LLVM would take it for octal, bpf_conformance would not.

use super::cursor::Cursor;
use super::lex::Kind;
use super::{ParseError, ParseReason};

type Result<T> = std::result::Result<T, ParseError>;

impl Cursor<'_, '_> {
    /// A number with an optional sign.
    pub(super) fn number(&mut self) -> Result<i128> {
        let negative = !self.eat("+") && self.eat("-");
        let Kind::Number(text) = self.peek() else { return self.expected("a number") };
        let value = match text.split_at_checked(2) {
            Some(("0x" | "0X", digits)) => u64::from_str_radix(digits, 16),
            Some(("0b" | "0B", digits)) => u64::from_str_radix(digits, 2),
            Some((pair, _)) if pair.starts_with('0') => {
                return self.error(ParseReason::LeadingZero { text: text.to_owned() });
            }
            Some(_) | None => text.parse(),
        };
        let Ok(value) = value else {
            return self.error(ParseReason::Number { text: text.to_owned() });
        };
        self.advance();
        Ok(if negative { -i128::from(value) } else { value.into() })
    }

    /// A number that `T` holds.
    pub(super) fn integer<T: TryFrom<i128>>(&mut self, what: &'static str) -> Result<T> {
        let place = self.place();
        let value = self.number()?;
        T::try_from(value).or(Err(ParseError { place, reason: ParseReason::Range { what, value } }))
    }

    /// 32 bits, signed or unsigned.
    pub(super) fn imm(&mut self) -> Result<i32> {
        let place = self.place();
        let value = self.number()?;
        let bits = i32::try_from(value).or_else(|_| u32::try_from(value).map(u32::cast_signed));
        let what = "a 32-bit constant";
        bits.or(Err(ParseError { place, reason: ParseReason::Range { what, value } }))
    }

    /// 64 bits, signed or unsigned.
    pub(super) fn imm64(&mut self) -> Result<u64> {
        let place = self.place();
        let value = self.number()?;
        let bits = u64::try_from(value).or_else(|_| i64::try_from(value).map(i64::cast_unsigned));
        let what = "a 64-bit constant";
        bits.or(Err(ParseError { place, reason: ParseReason::Range { what, value } }))
    }
}

/// The number and direction (`true`: forwards) of a reference such as `1f` to a numeric label.
pub(super) fn local_label(text: &str) -> Option<(u32, bool)> {
    let (digits, forwards) = match text.split_at_checked(text.len().checked_sub(1)?)? {
        (digits, "f") => (digits, true),
        (digits, "b") => (digits, false),
        _ => return None,
    };
    let is_decimal = digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| is_decimal).map(|number| (number, forwards))
}
