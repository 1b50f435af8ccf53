//! Aligned tables.

use std::io::{self, Write};

/// Rows of cells; every column is as wide as its widest cell, the last one is not padded.
#[derive(Debug)]
pub(crate) struct Columns {
    head: Vec<&'static str>,
    sides: Vec<Side>,
    rows: Vec<Vec<String>>,
}

/// Where a cell's text stands in its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

const BOLD: &str = "\x1b[1m";
const NORMAL: &str = "\x1b[0m";

impl Columns {
    /// A table without rows.
    pub(crate) fn new(columns: &[(&'static str, Side)]) -> Self {
        let (head, sides) = columns.iter().copied().unzip();
        Self { head, sides, rows: Vec::new() }
    }

    /// Appends a row; its cells must be fit for a terminal.
    pub(crate) fn push<const N: usize>(&mut self, row: [String; N]) {
        self.rows.push(row.into());
    }

    /// Whether there are no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes head and rows.
    ///
    /// # Errors
    /// What `out` reports.
    pub(crate) fn write(&self, out: &mut impl Write, styled: bool) -> io::Result<()> {
        let mut widths: Vec<usize> = self.head.iter().map(|title| title.len()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let head = self.line(&widths, &self.head);
        if styled {
            writeln!(out, "{BOLD}{head}{NORMAL}")?
        } else {
            writeln!(out, "{head}")?
        }
        for row in &self.rows {
            writeln!(out, "{}", self.line(&widths, row))?;
        }
        Ok(())
    }

    fn line<T: AsRef<str>>(&self, widths: &[usize], cells: &[T]) -> String {
        let mut line = String::new();
        for ((width, side), cell) in widths.iter().zip(&self.sides).zip(cells) {
            let cell = cell.as_ref();
            let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
            if !line.is_empty() {
                line.push_str("  ");
            }
            match side {
                Side::Left => line.extend([cell, &padding]),
                Side::Right => line.extend([&padding, cell]),
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Columns::new(&[("N", Side::Right), ("NAME", Side::Left), ("", Side::Left)]);
        table.push(["1".into(), "ä".into(), "x".into()]);
        table.push(["100".into(), "longer".into(), String::new()]);
        let mut out = Vec::new();
        table.write(&mut out, false).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "  N  NAME\n  1  ä       x\n100  longer\n");
    }
}
