//! Findings with their place, in the look of rustc.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Renderer, Snippet};
use serde::Serialize;

use crate::plain::plain;

/// A finding.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// `error`, `warning` and so on.
    #[serde(rename = "severity")]
    pub(crate) level: Level,
    /// The stable code, where the finding has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<&'static str>,
    /// What is the matter, in one line.
    pub(crate) message: String,
    /// Where.
    #[serde(flatten)]
    pub(crate) mark: Option<Mark>,
    /// Another place that has to do with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) related: Option<Mark>,
    /// The usual fix.
    pub(crate) help: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// The input is refused.
    Error,
    /// Accepted, but doubtful.
    Warning,
    /// Worth knowing.
    Note,
    /// A way out.
    Help,
}

/// A range of bytes in one line of a file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Mark {
    /// The file as the user named it.
    pub(crate) file: String,
    /// Line, from 1.
    pub(crate) line: u32,
    /// First marked byte of the line, from 1.
    pub(crate) column: u32,
    /// One past the last marked byte, from 1.
    pub(crate) end_column: u32,
    /// The line, without its end.
    #[serde(skip)]
    pub(crate) text: Vec<u8>,
}

impl Report {
    /// A finding without place, code or help.
    pub(crate) fn new(level: Level, message: impl Into<String>) -> Self {
        Self { level, code: None, message: message.into(), mark: None, related: None, help: None }
    }

    /// The text for a terminal or a file, without a line end.
    pub(crate) fn render(&self, styled: bool) -> String {
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        let message = plain(&self.message);
        let title = self.level.look().primary_title(message.as_ref());
        let title = match self.code {
            Some(code) => title.id(code),
            None => title,
        };
        let main = match &self.mark {
            Some(mark) => {
                let related = self.related.as_ref();
                title
                    .element(mark.snippet(AnnotationKind::Primary))
                    .elements(related.map(|mark| mark.snippet(AnnotationKind::Context)))
            }
            None => Group::with_title(title),
        };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let help = self.help.as_ref().map(|help| plain(help));
        let help = help
            .as_ref()
            .map(|help| Group::with_title(Level::Help.look().secondary_title(help.as_ref())));
        match help {
            None => renderer.render(&[main]),
            Some(help) if self.mark.is_some() => renderer.render(&[main, help]),
            // Without marked text the renderer would put an empty gutter between the two.
            Some(help) => format!("{}\n{}", renderer.render(&[main]), renderer.render(&[help])),
        }
    }
}

impl Level {
    fn look(self) -> annotate_snippets::Level<'static> {
        match self {
            Self::Error => annotate_snippets::Level::ERROR,
            Self::Warning => annotate_snippets::Level::WARNING,
            Self::Note => annotate_snippets::Level::NOTE,
            Self::Help => annotate_snippets::Level::HELP,
        }
    }
}

impl Mark {
    fn snippet(&self, kind: AnnotationKind) -> Snippet<'_, Annotation<'_>> {
        let (text, span) = self.readable();
        Snippet::source(text)
            .line_start(usize::try_from(self.line).unwrap_or(usize::MAX))
            .path(plain(&self.file))
            .annotation(kind.span(span))
    }

    /// The line as text, and the marked range in it, on character boundaries.
    fn readable(&self) -> (String, Range<usize>) {
        let text = String::from_utf8_lossy(&self.text).into_owned();
        let place = |column: u32| {
            let byte = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
            let before = &self.text[..byte.min(self.text.len())];
            // Bytes that are no text become longer, and a character may be cut.
            let mut place = String::from_utf8_lossy(before).len().min(text.len());
            while !text.is_char_boundary(place) {
                place -= 1;
            }
            place
        };
        let start = place(self.column);
        let end = place(self.end_column).max(start);
        (text, start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &[u8], column: u32, end_column: u32) -> Report {
        Report {
            code: Some("F044"),
            mark: Some(Mark {
                file: "rules.v4".into(),
                line: 7,
                column,
                end_column,
                text: text.to_vec(),
            }),
            help: Some("mind the order".into()),
            ..Report::new(Level::Error, "no such option here")
        }
    }

    #[test]
    fn marked_text_stands_under_the_message() {
        let text = marked(b"-A INPUT --dprt 22", 10, 16).render(false);
        assert_eq!(
            text,
            "error[F044]: no such option here\n \
             --> rules.v4:7:10\n  \
               |\n\
             7 | -A INPUT --dprt 22\n  \
               |          ^^^^^^\n  \
               |\n\
             help: mind the order"
        );
    }

    #[test]
    fn without_marked_text_message_and_help_are_a_line_each() {
        let report = Report { help: Some("do".into()), ..Report::new(Level::Error, "cannot") };
        assert_eq!(report.render(false), "error: cannot\nhelp: do");
    }

    #[test]
    fn colours_are_escape_sequences_and_only_on_request() {
        assert!(marked(b"x", 1, 2).render(true).contains("\x1b["));
        assert!(!marked(b"x\x1b[1m", 1, 2).render(false).contains('\x1b'));
    }

    #[test]
    fn no_line_and_no_range_break_the_rendering() {
        arbtest::arbtest(|random| {
            let text: Vec<u8> = random.arbitrary()?;
            let (column, end_column) = (random.arbitrary::<u16>()?, random.arbitrary::<u16>()?);
            let text: Vec<u8> = text.into_iter().filter(|byte| *byte != b'\n').collect();
            let mut report = marked(&text, column.into(), end_column.into());
            report.message = random.arbitrary()?;
            let rendered = report.render(false);
            assert!(rendered.starts_with("error"), "{rendered}");
            assert!(!rendered.contains(|c: char| c.is_control() && c != '\n'), "{rendered:?}");
            Ok(())
        });
    }
}
