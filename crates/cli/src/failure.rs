//! Why a command ends early.

use std::io;

use serde::Serialize;

use crate::plain::plain;
use crate::report::{Level, Mark, Report};

/// Why a command did not come to its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The reader of standard output is gone: end in silence.
    Closed,
    /// Anything else.
    Error(Box<ErrorReport>),
}

/// An error as the user sees it.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorReport {
    /// A stable word for programs, such as `file-not-read`.
    pub(crate) code: &'static str,
    /// What went wrong with what, in one line, lower case, without a full stop.
    pub(crate) message: String,
    /// Where in a file.
    #[serde(flatten)]
    pub(crate) mark: Option<Mark>,
    /// The usual fix.
    pub(crate) help: Option<String>,
    /// What is wrong with a file in detail.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) diagnostics: Vec<Report>,
    /// Rules that stand in the way, in documents.
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    rules: serde_json::Value,
    /// Lines of a list that belongs to the message; text form only.
    #[serde(skip)]
    pub(crate) list: String,
    #[serde(skip)]
    is_usage: bool,
}

impl ErrorReport {
    /// The operation failed or was refused.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            mark: None,
            help: None,
            diagnostics: Vec::new(),
            rules: serde_json::Value::Null,
            list: String::new(),
            is_usage: false,
        }
    }

    /// The arguments make no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { is_usage: true, ..Self::new("usage", message) }
    }

    /// With the usual fix.
    pub(crate) fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// With the place in a file, if there is one.
    pub(crate) fn with_mark(self, mark: Option<Mark>) -> Self {
        Self { mark, ..self }
    }

    /// With a list, printed between message and help.
    pub(crate) fn with_list(self, list: String) -> Self {
        Self { list, ..self }
    }

    /// With the rules that a list is about, for documents.
    pub(crate) fn with_rules<T: Serialize>(self, rules: &[T]) -> Self {
        let rules = serde_json::to_value(rules).expect("rows of rules have no keys but text");
        Self { rules, ..self }
    }

    /// With findings, printed before the message.
    pub(crate) fn with_diagnostics(self, diagnostics: Vec<Report>) -> Self {
        Self { diagnostics, ..self }
    }

    /// 2 for arguments that make no sense, else 1.
    pub(crate) fn exit_code(&self) -> u8 {
        if self.is_usage { 2 } else { 1 }
    }

    /// The text for standard error, without a line end.
    pub(crate) fn render(&self, styled: bool) -> String {
        let mut text = String::new();
        for report in &self.diagnostics {
            text.push_str(&report.render(styled));
            text.push_str("\n\n");
        }
        let mut last = Report::new(Level::Error, &self.message);
        last.mark.clone_from(&self.mark);
        if self.list.is_empty() {
            last.help.clone_from(&self.help);
            text.push_str(&last.render(styled));
        } else {
            text.push_str(&last.render(styled));
            text.push('\n');
            text.push_str(self.list.trim_end());
            if let Some(help) = &self.help {
                text.push('\n');
                text.push_str(&Report::new(Level::Help, help).render(styled));
            }
        }
        text
    }
}

impl From<ErrorReport> for Failure {
    fn from(error: ErrorReport) -> Self {
        Self::Error(Box::new(error))
    }
}

/// A failed write to standard output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::Closed;
        }
        let message = format!("cannot write standard output: {}", reason(&error));
        ErrorReport::new("output-not-written", message).into()
    }
}

/// What the operating system says, without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    let lower: String = letters.next().into_iter().flat_map(char::to_lowercase).collect();
    plain(&format!("{lower}{}", letters.as_str())).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_words_and_no_number() {
        assert_eq!(reason(&io::Error::from_raw_os_error(2)), "no such file or directory");
        assert_eq!(reason(&io::Error::other("Odd thing")), "odd thing");
        assert_eq!(reason(&io::Error::other("")), "");
    }

    #[test]
    fn a_closed_pipe_is_no_error() {
        let closed = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(matches!(closed, Failure::Closed));
    }

    #[test]
    fn a_list_stands_between_message_and_help() {
        let error = ErrorReport::new("x", "refused").with_list("a\nb\n".into()).with_help("fix");
        assert_eq!(error.render(false), "error: refused\na\nb\nhelp: fix");
    }
}
