//! Bytes as hexadecimal text: two digits each, and between them what listings put there.

use netloom_isa::Place;

use crate::source::end_of;

/// Why text is not bytes, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HexError {
    pub(super) place: Place,
    pub(super) reason: HexReason,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum HexReason {
    /// Neither a digit nor one of the characters between bytes.
    Character(char),
    /// One digit where a byte has two.
    Half,
}

/// One byte and the index of its first digit.
struct Byte {
    value: u8,
    start: usize,
}

/// The bytes of a text such as `b7 00`, `b700` or `0xb7, 0x00,`.
///
/// # Errors
/// At the first character that is out of place.
pub(super) fn parse(text: &str) -> Result<Vec<u8>, HexError> {
    bytes(text).map(|byte| byte.map(|byte| byte.value)).collect()
}

/// Whether text seems to be bytes: nothing but digits, and what stands between bytes.
pub(super) fn is_likely(text: &str) -> bool {
    let is_fit = |c: char| c.is_ascii_hexdigit() || c == 'x' || is_between(c);
    text.contains(|c: char| c.is_ascii_hexdigit()) && text.chars().all(is_fit)
}

/// Where the byte of this number stands.
pub(super) fn place_of(text: &str, number: usize) -> Option<Place> {
    let byte = bytes(text).filter_map(Result::ok).nth(number)?;
    Some(end_of(text.get(..byte.start)?))
}

fn is_between(c: char) -> bool {
    c.is_ascii_whitespace() || c == ','
}

fn bytes(text: &str) -> impl Iterator<Item = Result<Byte, HexError>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += text[at..].find(|c| !is_between(c))?;
        if let Some(rest) = text[at..].strip_prefix("0x") {
            at = text.len() - rest.len();
        }
        let start = at;
        let mut value = 0;
        for _ in 0..2 {
            let next = text[at..].chars().next();
            let Some(digit) = next.and_then(|c| u8::try_from(c.to_digit(16)?).ok()) else {
                let reason = match next {
                    Some(c) if !is_between(c) => HexReason::Character(c),
                    Some(_) | None => HexReason::Half,
                };
                let place = end_of(&text[..at]);
                at = text.len();
                return Some(Err(HexError { place, reason }));
            };
            value = value << 4 | digit;
            at += 1;
        }
        Some(Ok(Byte { value, start }))
    })
}

impl std::fmt::Display for HexReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Character(found) => write!(f, "{found:?} is no hexadecimal digit"),
            Self::Half => f.write_str("a byte has two digits"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stand_close_or_apart() {
        for text in ["b7000001", "b7 00\n00 01", " 0xb7, 0x00,\n0x00,0x01,\n", "B7  00  00  01  "] {
            assert!(is_likely(text));
            assert_eq!(parse(text), Ok(vec![0xb7, 0, 0, 1]), "{text}");
        }
        assert_eq!(parse(""), Ok(vec![]));
        assert!(!is_likely(" \n"));
        assert!(!is_likely("mov32 %r0, 1"));
    }

    #[test]
    fn what_is_out_of_place_is_found() {
        let error = |text, line, column, reason| {
            assert_eq!(parse(text), Err(HexError { place: Place { line, column }, reason }));
        };
        error("b7 0", 1, 5, HexReason::Half);
        error("b7\n0 00", 2, 2, HexReason::Half);
        error("b7 é0", 1, 4, HexReason::Character('é'));
        error("b7 0x", 1, 6, HexReason::Half);
        error("b7 0g", 1, 5, HexReason::Character('g'));
        assert_eq!(place_of("b7 00\n 0x11", 2), Some(Place { line: 2, column: 4 }));
        assert_eq!(place_of("b7", 1), None);
    }

    #[test]
    fn no_text_panics() {
        arbtest::arbtest(|u| {
            let text: String = u.arbitrary()?;
            if let Ok(bytes) = parse(&text) {
                assert!(place_of(&text, bytes.len()).is_none());
            }
            Ok(())
        });
    }
}
