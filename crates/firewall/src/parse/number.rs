//! Numbers as the C library's `strtoul` with base 0 reads them, which is what iptables uses.

/// An unsigned number: decimal, `0x` hexadecimal, `0` octal; a leading `+` is allowed.
///
/// Returns the value and what follows it, or `None` without a digit, with a `-`, or where the
/// value exceeds 64 bits.
pub(crate) fn unsigned_prefix(text: &str) -> Option<(u64, &str)> {
    let digits = text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    match hex {
        Some(hex) if hex.starts_with(|c: char| c.is_ascii_hexdigit()) => radix_prefix(hex, 16),
        _ if digits.starts_with('0') => radix_prefix(digits, 8),
        _ => radix_prefix(digits, 10),
    }
}

/// An unsigned number up to `max` that takes the whole of `text`.
pub(crate) fn unsigned(text: &str, max: u64) -> Option<u64> {
    match unsigned_prefix(text) {
        Some((value, "")) if value <= max => Some(value),
        _ => None,
    }
}

/// [`unsigned`] up to 255.
pub(crate) fn unsigned_u8(text: &str) -> Option<u8> {
    unsigned(text, u64::from(u8::MAX)).and_then(|value| u8::try_from(value).ok())
}

/// [`unsigned`] up to 65,535.
pub(crate) fn unsigned_u16(text: &str) -> Option<u16> {
    unsigned(text, u64::from(u16::MAX)).and_then(|value| u16::try_from(value).ok())
}

/// [`unsigned`] up to 4,294,967,295.
pub(crate) fn unsigned_u32(text: &str) -> Option<u32> {
    unsigned(text, u64::from(u32::MAX)).and_then(|value| u32::try_from(value).ok())
}

fn radix_prefix(digits: &str, radix: u32) -> Option<(u64, &str)> {
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let value = u64::from_str_radix(&digits[..end], radix).ok()?;
    Some((value, &digits[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_follows_the_prefix() {
        assert_eq!(unsigned("0x1F", 255), Some(31));
        assert_eq!(unsigned("017", 255), Some(15));
        assert_eq!(unsigned("17", 255), Some(17));
        assert_eq!(unsigned("0", 255), Some(0));
        assert_eq!(unsigned_prefix("0x"), Some((0, "x")));
        assert_eq!(unsigned_prefix("08"), Some((0, "8")));
    }

    #[test]
    fn signs_rests_and_large_values_are_refused() {
        for text in ["", "-1", "1a", "256", "99999999999999999999999", " ", "+", "++1"] {
            assert_eq!(unsigned(text, 255), None, "{text}");
        }
        assert_eq!(unsigned(" +7", 255), Some(7));
    }
}
