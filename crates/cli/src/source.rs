//! Text files, and places in them as reports mark them.

use std::path::Path;

use netloom_isa::Place;

use crate::failure::{ErrorReport, Failure};
use crate::input;
use crate::report::Mark;

/// A text file or standard input.
#[derive(Debug)]
pub(crate) struct Source {
    /// The file as the user named it.
    pub(crate) name: String,
    /// Its text.
    pub(crate) text: String,
}

impl Source {
    /// Reads a file or, for `-`, standard input.
    ///
    /// # Errors
    /// When it cannot be read, or is not UTF-8.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        Self::new(input::name(path), input::read_text(path)?)
    }

    /// The text of the file `name`.
    ///
    /// # Errors
    /// When it is not UTF-8, with the place of the first byte that is not.
    pub(crate) fn new(name: String, bytes: Vec<u8>) -> Result<Self, Failure> {
        String::from_utf8(bytes).map(|text| Self { name: name.clone(), text }).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
            let place = end_of(&text);
            let message = format!("{name} is not text: a byte on line {} is not UTF-8", place.line);
            let mark = Self { name, text }.mark(place);
            ErrorReport::new("not-text", message).with_mark(mark).into()
        })
    }

    /// The word at a place.
    pub(crate) fn mark(&self, place: Place) -> Option<Mark> {
        let line = self.text.split('\n').nth(usize::try_from(place.line.checked_sub(1)?).ok()?)?;
        let before = usize::try_from(place.column.checked_sub(1)?).ok()?;
        let start = line.char_indices().nth(before).map_or(line.len(), |(start, _)| start);
        let word = line[start..].find(|c: char| !c.is_alphanumeric() && !"_.$%".contains(c));
        let length = match word {
            Some(0) => line[start..].chars().next().map_or(0, char::len_utf8),
            Some(length) => length,
            None => line.len() - start,
        };
        let column = |byte: usize| u32::try_from(byte).map_or(u32::MAX, |b| b.saturating_add(1));
        Some(Mark {
            file: self.name.clone(),
            line: place.line,
            column: column(start),
            end_column: column(start + length),
            text: line.strip_suffix('\r').unwrap_or(line).as_bytes().to_vec(),
        })
    }
}

/// The place behind the text's last character.
pub(crate) fn end_of(text: &str) -> Place {
    let last = text.rsplit('\n').next().unwrap_or_default();
    let count = |number: usize| u32::try_from(number).map_or(u32::MAX, |n| n.saturating_add(1));
    Place { line: count(text.matches('\n').count()), column: count(last.chars().count()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_covers_the_word_at_its_place() {
        let source =
            Source::new("f".into(), "r0 = 1\nä: r1 ~ 2".as_bytes().to_vec()).expect("text");
        let mark = |line, column| {
            let mark = source.mark(Place { line, column }).expect("a mark");
            (String::from_utf8(mark.text).expect("text"), mark.column, mark.end_column)
        };
        assert_eq!(mark(1, 1), ("r0 = 1".into(), 1, 3));
        assert_eq!(mark(1, 7), ("r0 = 1".into(), 7, 7));
        assert_eq!(mark(2, 4), ("ä: r1 ~ 2".into(), 5, 7));
        assert_eq!(mark(2, 7), ("ä: r1 ~ 2".into(), 8, 9));
        assert!(source.mark(Place { line: 3, column: 1 }).is_none());
    }

    #[test]
    fn bytes_that_are_no_text_have_a_place() {
        let Err(Failure::Error(error)) = Source::new("f".into(), b"ok\nr0\xff".to_vec()) else {
            panic!("it is accepted");
        };
        assert_eq!(error.message, "f is not text: a byte on line 2 is not UTF-8");
        let mark = error.mark.expect("a mark");
        assert_eq!((mark.line, mark.column), (2, 3));
    }
}
