//! Source text to tokens, each with its place.
//!
//! Statements end at a line's end or `;`. Comments are `// …`, `/* … */` and `# …`; a `#` between a
//! name and a number is not one (`bpf_map_lookup_elem#1`, `unknown#-5`).

use super::error::ERRORS_MAX;
use super::{ParseError, ParseReason, Place};

/// One token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'s> {
    pub(super) kind: Kind<'s>,
    pub(super) place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'s> {
    /// A name, keyword, register or mnemonic.
    Word(&'s str),
    /// Begins with a digit; whether it is a number is decided where one is wanted.
    Number(&'s str),
    /// What stands between quotes, as directives have it.
    Text(&'s str),
    /// Punctuation or an operator.
    Symbol(&'static str),
    /// The end of a statement.
    End,
}

/// All symbols, a longer one before its prefixes.
const SYMBOLS: [&str; 29] = [
    "<<=", ">>=", "+=", "-=", "*=", "/=", "|=", "&=", "%=", "^=", "==", "!=", "<=", ">=", "=", "<",
    ">", "&", "+", "-", "*", "(", ")", "[", "]", ",", ":", "%", "#",
];

/// Reads tokens, one statement at a time.
pub(super) struct Lexer<'s> {
    rest: &'s str,
    place: Place,
    /// The previous token was a word and touches the next.
    after_name: bool,
}

impl<'s> Lexer<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        Self { rest: source, place: Place { line: 1, column: 1 }, after_name: false }
    }

    /// Replaces `tokens` by the next statement's and returns where it ends; none when no text is
    /// left. What is not a token goes to `errors`.
    pub(super) fn statement(
        &mut self,
        tokens: &mut Vec<Token<'s>>,
        errors: &mut Vec<ParseError>,
    ) -> Option<Place> {
        tokens.clear();
        let mut first = self.rest.chars().next()?;
        loop {
            let after_name = std::mem::take(&mut self.after_name);
            let place = self.place;
            match self.token(first, after_name) {
                Ok(Some(Kind::End)) => return Some(place),
                Ok(Some(kind)) => tokens.push(Token { kind, place }),
                Ok(None) => {}
                Err(_) if errors.len() >= ERRORS_MAX => {}
                Err(reason) => errors.push(ParseError { place, reason }),
            }
            match self.rest.chars().next() {
                Some(next) => first = next,
                None => return Some(self.place),
            }
        }
    }

    fn token(&mut self, first: char, after_name: bool) -> Result<Option<Kind<'s>>, ParseReason> {
        if first == '\n' || first == ';' {
            self.take(1);
            return Ok(Some(Kind::End));
        }
        if first.is_whitespace() {
            self.take(first.len_utf8());
            return Ok(None);
        }
        if self.rest.starts_with("/*") {
            let end = self.rest.find("*/").map(|at| at + 2);
            self.take(end.unwrap_or(self.rest.len()));
            return if end.is_some() { Ok(None) } else { Err(ParseReason::OpenComment) };
        }
        let is_number = |rest: &str| {
            let digits = rest.strip_prefix('-').unwrap_or(rest);
            after_name && digits.starts_with(|c: char| c.is_ascii_digit())
        };
        if self.rest.starts_with("//") || self.rest.strip_prefix('#').is_some_and(|s| !is_number(s))
        {
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
            return Ok(None);
        }
        if first == '"' {
            let end = closing_quote(&self.rest[1..]).ok_or(ParseReason::OpenText);
            let text = self.take(end.as_ref().map_or(self.rest.len(), |end| end + 2));
            return end.map(|end| Some(Kind::Text(&text[1..=end])));
        }
        if is_name(first) {
            let end = self.rest.find(|c| !is_name(c)).unwrap_or(self.rest.len());
            let word = self.take(end);
            self.after_name = !first.is_ascii_digit();
            return Ok(Some(if self.after_name { Kind::Word(word) } else { Kind::Number(word) }));
        }
        let Some(symbol) = SYMBOLS.into_iter().find(|symbol| self.rest.starts_with(symbol)) else {
            self.take(first.len_utf8());
            return Err(ParseReason::Character { found: first });
        };
        self.take(symbol.len());
        Ok(Some(Kind::Symbol(symbol)))
    }

    /// Moves on by `length` bytes, which end at a character's boundary.
    fn take(&mut self, length: usize) -> &'s str {
        let (taken, rest) = self.rest.split_at(length);
        for c in taken.chars() {
            if c == '\n' {
                self.place = Place { line: self.place.line.saturating_add(1), column: 1 };
            } else {
                self.place.column = self.place.column.saturating_add(1);
            }
        }
        self.rest = rest;
        taken
    }
}

/// Where the quote is that ends a text; one behind a backslash does not.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$' | '@')
}
