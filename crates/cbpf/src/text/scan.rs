//! A place in a line of text that moves forward.

use netloom_isa::Place;

use super::error::{ParseError, ParseReason};

/// What of a line is still to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan<'a> {
    pub(super) rest: &'a str,
    pub(super) place: Place,
}

impl<'a> Scan<'a> {
    /// A line by its index.
    pub(super) fn new(index: usize, line: &'a str) -> Self {
        let line_number = u32::try_from(index).map_or(u32::MAX, |index| index.saturating_add(1));
        Self { rest: line, place: Place { line: line_number, column: 1 } }
    }

    pub(super) fn error(&self, reason: ParseReason) -> ParseError {
        ParseError { place: self.place, reason }
    }

    pub(super) fn expected(&self, what: &'static str) -> ParseError {
        self.error(ParseReason::Expected { what, found: self.rest.chars().next() })
    }

    /// Takes characters as long as they are wanted.
    pub(super) fn take(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        self.advance(end)
    }

    pub(super) fn skip_space(&mut self) {
        self.take(char::is_whitespace);
    }

    /// Takes `text` if it is next, after space.
    pub(super) fn accept(&mut self, text: &str) -> bool {
        let mut next = *self;
        next.skip_space();
        let found = next.rest.starts_with(text);
        if found {
            next.advance(text.len());
            *self = next;
        }
        found
    }

    /// Takes `text`, after space.
    pub(super) fn expect(&mut self, text: &'static str) -> Result<(), ParseError> {
        if self.accept(text) {
            return Ok(());
        }
        self.skip_space();
        Err(self.expected(text))
    }

    /// Takes a name, after space.
    pub(super) fn word(&mut self, what: &'static str) -> Result<&'a str, ParseError> {
        self.skip_space();
        let before = *self;
        match self.take(|c| c.is_ascii_alphanumeric() || c == '_') {
            "" => Err(before.expected(what)),
            word => Ok(word),
        }
    }

    /// Takes a number, decimal or hexadecimal, after space; a negative one counts modulo 2³².
    pub(super) fn number(&mut self, what: &'static str) -> Result<u32, ParseError> {
        self.skip_space();
        let before = *self;
        let text = self.take(|c| c.is_ascii_alphanumeric() || c == '-');
        if !text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return Err(before.expected(what));
        }
        let value = match text.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None if text.starts_with('-') => text.parse().ok().map(i32::cast_unsigned),
            None => text.parse().ok(),
        };
        value.ok_or_else(|| before.error(ParseReason::Range { what, text: text.to_owned() }))
    }

    /// As [`Scan::number`], for a number of fewer bits.
    pub(super) fn narrow<T: TryFrom<u32>>(&mut self, what: &'static str) -> Result<T, ParseError> {
        self.skip_space();
        let before = *self;
        let value = self.number(what)?;
        let range = || before.error(ParseReason::Range { what, text: value.to_string() });
        T::try_from(value).ok().ok_or_else(range)
    }

    /// Nothing but space may be left.
    pub(super) fn end(mut self) -> Result<(), ParseError> {
        self.skip_space();
        if self.rest.is_empty() { Ok(()) } else { Err(self.expected("the end of the line")) }
    }

    /// Takes so many bytes, which end between characters.
    fn advance(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        let columns = u32::try_from(taken.chars().count()).unwrap_or(u32::MAX);
        self.place.column = self.place.column.saturating_add(columns);
        self.rest = rest;
        taken
    }
}
