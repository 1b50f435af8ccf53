//! Bytes as the plugin protocol writes them: two lower-case digits and two spaces for each.

use std::fmt;

/// Text that is not bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HexError {
    /// A character that is no hexadecimal digit.
    Digit {
        /// The character.
        found: char,
    },
    /// The last byte has one digit only.
    Odd,
}

/// The bytes as text.
pub fn print(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}  ")).collect()
}

/// The bytes of text; space between digits is of no account.
///
/// # Errors
/// [`HexError`].
pub fn parse(text: &str) -> Result<Vec<u8>, HexError> {
    let mut high = None;
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for found in text.chars().filter(|c| !c.is_whitespace()) {
        let digit = found.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let digit = digit.ok_or(HexError::Digit { found })?;
        match high.take() {
            None => high = Some(digit),
            Some(high) => bytes.push(high << 4 | digit),
        }
    }
    if high.is_none() { Ok(bytes) } else { Err(HexError::Odd) }
}

impl fmt::Display for HexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digit { found } => write!(f, "{found:?} is no hexadecimal digit"),
            Self::Odd => f.write_str("the last byte has one digit only"),
        }
    }
}

impl std::error::Error for HexError {}

#[cfg(test)]
mod tests {
    use super::{HexError, parse, print};

    #[test]
    fn bytes_come_back_from_their_text() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(print(&[0, 0xab]), "00  ab  ");
        assert_eq!(parse(&print(&all)), Ok(all));
        assert_eq!(parse(" 0A\nb1 "), Ok(vec![0x0a, 0xb1]));
        assert_eq!(parse(""), Ok(vec![]));
    }

    #[test]
    fn other_text_is_refused() {
        assert_eq!(parse("0x12"), Err(HexError::Digit { found: 'x' }));
        assert_eq!(parse("123"), Err(HexError::Odd));
        assert_eq!(parse("é0"), Err(HexError::Digit { found: 'é' }));
    }
}
