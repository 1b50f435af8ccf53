//! Tables with a title for each row and numbers beside it.

/// Rows of right-aligned cells behind left-aligned titles.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<(String, Vec<String>)>,
}

impl Table {
    /// Appends a row.
    pub(crate) fn push(&mut self, title: impl Into<String>, cells: Vec<String>) {
        self.rows.push((title.into(), cells));
    }

    /// Lines that end in a line feed each, two spaces between columns.
    pub(crate) fn print(&self) -> String {
        let titles = self.rows.iter().map(|(title, _)| width(title)).max().unwrap_or(0);
        let columns = self.rows.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|(_, cells)| cells.get(column));
                cells.map(|cell| width(cell)).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for (title, cells) in &self.rows {
            let mut line = format!("{title}{}", " ".repeat(titles - width(title)));
            for (cell, column) in cells.iter().zip(&widths) {
                line.push_str(&" ".repeat(2 + column - width(cell)));
                line.push_str(cell);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A cell with so many digits behind the point, or a dash.
pub(crate) fn shown(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_under_each_other() {
        let mut table = Table::default();
        table.push("rules", vec!["1".into(), "1,000".into()]);
        table.push("a longer title", vec!["12.5×".into(), "–".into()]);
        assert_eq!(table.print(), "rules               1  1,000\na longer title  12.5×      –\n");
    }
}
