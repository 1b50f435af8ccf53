//! Text → tokens: at each place the longest token, and of equally long ones the more special.

mod address;

use std::ops::Range;

use super::TEXT_MAX;
use super::constant;
use super::error::{ExpressionError, Reason};
use super::token::{Lexeme, Symbol, Token, Word, word};
use address::Colons;

/// All tokens of `text`.
pub(super) fn lex(text: &str) -> Result<Vec<Token<'_>>, ExpressionError> {
    if text.len() > TEXT_MAX {
        let span = TEXT_MAX..text.len();
        return Err(ExpressionError::new(span, Reason::TextTooLong { max: TEXT_MAX }));
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(next) = text.as_bytes().get(at) {
        if matches!(next, b' ' | b'\r' | b'\n' | b'\t') {
            at += 1;
            continue;
        }
        let (lexeme, length) = token_at(text, at)?;
        tokens.push(Token { lexeme, span: at..at + length });
        at += length;
    }
    Ok(tokens)
}

/// The token of `text` that begins at byte `at`, and its length.
fn token_at(text: &str, at: usize) -> Result<(Lexeme<'_>, usize), ExpressionError> {
    let rest = &text[at..];
    let plain = plain_word(rest);
    if let Some((colons, length)) = address::with_colons(rest).filter(|row| row.1 > plain) {
        return match colons {
            Colons::Mac(mac) => Ok((Lexeme::Mac(mac), length)),
            Colons::Ip6(address) => Ok((Lexeme::Ip6(address), length)),
            Colons::Bogus => Err(ExpressionError::new(at..at + length, Reason::BogusAddress)),
        };
    }
    if plain > 0 {
        let lexeme = classify(&rest[..plain])
            .map_err(|reason| ExpressionError::new(at..at + plain, reason))?;
        return Ok((lexeme, plain));
    }
    if let Some((symbol, lexeme)) = SYMBOLS.iter().find(|row| rest.starts_with(row.0)) {
        return Ok((*lexeme, symbol.len()));
    }
    behind_mark(rest).ok_or_else(|| {
        let character = rest.chars().next().unwrap_or_default();
        let span = at..at + character.len_utf8();
        ExpressionError::new(span, Reason::Character(character))
    })
}

/// The length of the word that `rest` begins with: letters, digits, dots, and minus and underscore
/// within.
fn plain_word(rest: &str) -> usize {
    if !rest.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return 0;
    }
    let is_within = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let run = rest.bytes().take_while(is_within).count();
    rest[..run].trim_end_matches(['-', '_']).len()
}

/// What the word `text` is.
fn classify(text: &str) -> Result<Lexeme<'_>, Reason> {
    if let Some(word) = word(text) {
        return Ok(Lexeme::Word(word));
    }
    if let Some(mac) = address::mac(text) {
        return Ok(Lexeme::Mac(mac));
    }
    if is_number(text) {
        return number(text).map(Lexeme::Number);
    }
    let parts = text.split('.').count();
    if (2..=4).contains(&parts) && text.split('.').all(is_number) {
        return Ok(Lexeme::Dotted(text));
    }
    Ok(constant::value(text).map_or(Lexeme::Name(text), Lexeme::Number))
}

/// Whether `text` is decimal digits, or `0x` and hexadecimal ones.
fn is_number(text: &str) -> bool {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) => !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// The value of a word for which [`is_number`] holds.
fn number(text: &str) -> Result<u32, Reason> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    if radix == 8 && digits.bytes().any(|digit| digit > b'7') {
        return Err(Reason::NotOctal);
    }
    // The digits are of the radix, so the only fault left is their number.
    u32::from_str_radix(digits, radix).ok().ok_or(Reason::NumberTooLarge)
}

/// A name behind a backslash, or an `ARCnet` address behind a dollar sign.
fn behind_mark(rest: &str) -> Option<(Lexeme<'_>, usize)> {
    if let Some(behind) = rest.strip_prefix('\\') {
        let is_end = |other: char| matches!(other, ' ' | '!' | '(' | ')' | '\n' | '\t');
        let length = behind.find(is_end).unwrap_or(behind.len());
        return (length > 0).then(|| (Lexeme::Name(&behind[..length]), length + 1));
    }
    let behind = rest.strip_prefix('$')?;
    let digits = behind.bytes().take(2).take_while(u8::is_ascii_hexdigit).count();
    (digits > 0).then_some((Lexeme::Arcnet, digits + 1))
}

/// Symbols, each before those that it begins with.
const SYMBOLS: &[(&str, Lexeme<'static>)] = &[
    ("&&", Lexeme::Word(Word::And)),
    ("||", Lexeme::Word(Word::Or)),
    ("!=", Lexeme::Symbol(Symbol::NotEqual)),
    ("==", Lexeme::Symbol(Symbol::Equal)),
    (">=", Lexeme::Symbol(Symbol::GreaterEqual)),
    ("<=", Lexeme::Symbol(Symbol::LessEqual)),
    ("<<", Lexeme::Symbol(Symbol::ShiftLeft)),
    (">>", Lexeme::Symbol(Symbol::ShiftRight)),
    ("!", Lexeme::Word(Word::Not)),
    ("+", Lexeme::Symbol(Symbol::Plus)),
    ("-", Lexeme::Symbol(Symbol::Minus)),
    ("*", Lexeme::Symbol(Symbol::Star)),
    ("/", Lexeme::Symbol(Symbol::Slash)),
    ("%", Lexeme::Symbol(Symbol::Percent)),
    (":", Lexeme::Symbol(Symbol::Colon)),
    ("[", Lexeme::Symbol(Symbol::OpenBracket)),
    ("]", Lexeme::Symbol(Symbol::CloseBracket)),
    ("(", Lexeme::Symbol(Symbol::Open)),
    (")", Lexeme::Symbol(Symbol::Close)),
    ("&", Lexeme::Symbol(Symbol::And)),
    ("|", Lexeme::Symbol(Symbol::Or)),
    ("^", Lexeme::Symbol(Symbol::Xor)),
    ("=", Lexeme::Symbol(Symbol::Equal)),
    ("<", Lexeme::Symbol(Symbol::Less)),
    (">", Lexeme::Symbol(Symbol::Greater)),
];

/// The empty span at the end of `text`, where a missing word is reported.
pub(super) fn end_of(text: &str) -> Range<usize> {
    text.len()..text.len()
}
