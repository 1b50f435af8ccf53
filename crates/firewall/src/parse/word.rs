//! Splits a line into words as `iptables-restore` does.
//!
//! Blanks separate words. `"` opens a quote, also within a word; the closing `"` ends the word.
//! Inside quotes `\` takes the next character as it is; outside it is an ordinary character.

use std::borrow::Cow;

use super::limits;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Span;

/// A word without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    pub(crate) text: Cow<'a, str>,
    /// Where it stands, quotes included.
    pub(crate) span: Span,
}

/// The words of `line` from byte `from` on; `number` is the line's.
pub(crate) fn split(line: &str, from: usize, number: u32) -> Result<Vec<Word<'_>>, Diagnostic> {
    let mut words = Vec::with_capacity(16);
    let mut at = from;
    while let Some(skip) = line[at..].find(|c| !is_blank(c)) {
        let start = at + skip;
        let (text, end) = word(line, start).ok_or_else(|| {
            Diagnostic::new(Code::UnclosedQuote, span(number, start, line.len()), "")
        })?;
        let span = span(number, start, end);
        if text.len() > limits::WORD_BYTES_MAX {
            return Err(Diagnostic::new(Code::WordTooLong, span, format!("{} bytes", text.len())));
        }
        if words.len() == limits::WORDS_MAX {
            return Err(Diagnostic::new(Code::TooManyWords, span, ""));
        }
        words.push(Word { text, span });
        at = end;
    }
    Ok(words)
}

/// The blanks of `iptables-restore`.
pub(crate) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// A span in line `number`; lines longer than `u32` do not get this far.
pub(crate) fn span(number: u32, start: usize, end: usize) -> Span {
    let offset = |at| u32::try_from(at).unwrap_or(u32::MAX);
    Span { line: number, start: offset(start), end: offset(end) }
}

/// The word at `start` and the place behind it; `None` for an open quote.
fn word(line: &str, start: usize) -> Option<(Cow<'_, str>, usize)> {
    let rest = &line[start..];
    let plain = rest.find([' ', '\t', '"']).unwrap_or(rest.len());
    if !rest[plain..].starts_with('"') {
        return Some((Cow::Borrowed(&rest[..plain]), start + plain));
    }
    let quoted = &rest[plain + 1..];
    let simple = quoted.find(['"', '\\'])?;
    if plain == 0 && quoted[simple..].starts_with('"') {
        return Some((Cow::Borrowed(&quoted[..simple]), start + simple + 2));
    }
    let mut text = String::from(&rest[..plain]);
    let mut escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            _ if escaped => {
                text.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((Cow::Owned(text), start + plain + 1 + at + 1)),
            _ => text.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &[(&str, u32, u32)]) {
        let words = split(line, 0, 1).expect("a valid line");
        let found: Vec<_> =
            words.iter().map(|word| (&*word.text, word.span.start, word.span.end)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn blanks_separate_words() {
        check(" -A\tINPUT  x ", &[("-A", 1, 3), ("INPUT", 4, 9), ("x", 11, 12)]);
        check("", &[]);
    }

    #[test]
    fn quotes_keep_blanks_and_end_the_word() {
        check(r#""a b"c"#, &[("a b", 0, 5), ("c", 5, 6)]);
        check(r#"a"b c" d"#, &[("ab c", 0, 6), ("d", 7, 8)]);
        check(r#""" x"#, &[("", 0, 2), ("x", 3, 4)]);
    }

    #[test]
    fn a_backslash_escapes_only_in_quotes() {
        check(r#""a\"b\\ c" d\e"#, &[(r#"a"b\ c"#, 0, 10), (r"d\e", 11, 14)]);
    }

    #[test]
    fn an_open_quote_is_an_error() {
        for line in [r#"a "b"#, r#"""#, r#""\""#] {
            let refused = split(line, 0, 7).expect_err("an open quote");
            assert_eq!(refused.code, Code::UnclosedQuote);
            assert_eq!(refused.span.line, 7);
        }
    }
}
