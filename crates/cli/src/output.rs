//! Where results go and in which form.

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use clap::Args;
use serde::Serialize;

use crate::failure::{ErrorReport, Failure};
use crate::report::Report;

/// The version of the documents that report errors.
const ERROR_SCHEMA: u32 = 1;

/// Options that every command has.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct OutputOptions {
    /// Print one JSON document, as docs/json.md describes
    #[arg(short, long, global = true)]
    pub(crate) json: bool,
    /// Print JSON with line breaks
    #[arg(long, global = true)]
    pub(crate) pretty: bool,
}

/// How a command that did not fail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did what was asked, or accepts its input: exit code 0.
    Done,
    /// It found its input wanting: exit code 1.
    Refused,
}

/// Standard output and standard error with the form the user wants.
#[derive(Debug)]
pub(crate) struct Output {
    form: Form,
    is_stdout_styled: bool,
    is_stderr_styled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Json,
    PrettyJson,
}

#[derive(Serialize)]
struct Document<'a, T> {
    schema: u32,
    #[serde(flatten)]
    body: &'a T,
}

#[derive(Serialize)]
struct ErrorDocument<'a> {
    error: &'a ErrorReport,
}

impl OutputOptions {
    /// What the arguments seem to ask for when they make no sense as a whole.
    pub(crate) fn of_raw_arguments(arguments: impl Iterator<Item = OsString>) -> Self {
        let mut options = Self::default();
        for argument in arguments.take_while(|argument| argument != "--") {
            options.json |= argument == "--json" || argument == "-j";
            options.pretty |= argument == "--pretty";
        }
        options
    }
}

impl Output {
    /// Colours are for terminals, unless `NO_COLOR` is set (<https://no-color.org>).
    pub(crate) fn new(options: OutputOptions) -> Self {
        let form = match options {
            OutputOptions { pretty: true, .. } => Form::PrettyJson,
            OutputOptions { json: true, .. } => Form::Json,
            OutputOptions { .. } => Form::Text,
        };
        let may_style = form == Form::Text
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && std::env::var_os("TERM").is_none_or(|value| value != "dumb");
        Self {
            form,
            is_stdout_styled: may_style && io::stdout().is_terminal(),
            is_stderr_styled: may_style && io::stderr().is_terminal(),
        }
    }

    /// Whether JSON documents are wanted in place of text.
    pub(crate) fn is_json(&self) -> bool {
        self.form != Form::Text
    }

    /// Whether text on standard output may be coloured.
    pub(crate) fn is_styled(&self) -> bool {
        self.is_stdout_styled
    }

    /// Standard output for longer text.
    pub(crate) fn text(&self) -> BufWriter<StdoutLock<'static>> {
        BufWriter::new(io::stdout().lock())
    }

    /// Prints `body` with the number of its schema as one JSON document on a line of its own.
    ///
    /// # Errors
    /// [`Failure`] when standard output cannot be written.
    pub(crate) fn document<T: Serialize>(&self, schema: u32, body: &T) -> Result<(), Failure> {
        let mut out = self.text();
        self.document_to(&mut out, schema, body)?;
        Ok(out.flush()?)
    }

    /// The same for one document of a stream.
    ///
    /// # Errors
    /// [`Failure`] when `out` cannot be written.
    pub(crate) fn document_to<T: Serialize>(
        &self,
        mut out: &mut impl Write,
        schema: u32,
        body: &T,
    ) -> Result<(), Failure> {
        let document = Document { schema, body };
        let written = if self.form == Form::PrettyJson {
            serde_json::to_writer_pretty(&mut out, &document)
        } else {
            serde_json::to_writer(&mut out, &document)
        };
        written.map_err(io::Error::from)?;
        Ok(out.write_all(b"\n")?)
    }

    /// Prints a remark on standard error; documents carry their own remarks.
    pub(crate) fn report(&self, report: &Report) {
        if self.is_json() {
            return;
        }
        let mut text = report.render(self.is_stderr_styled);
        if report.mark.is_some() {
            text.push('\n');
        }
        self.to_stderr(&text);
    }

    /// Prints why the command failed, on standard error.
    pub(crate) fn error(&self, error: &ErrorReport) {
        if !self.is_json() {
            return self.to_stderr(&error.render(self.is_stderr_styled));
        }
        let document = Document { schema: ERROR_SCHEMA, body: &ErrorDocument { error } };
        let text = if self.form == Form::PrettyJson {
            serde_json::to_string_pretty(&document)
        } else {
            serde_json::to_string(&document)
        };
        self.to_stderr(&text.expect("an error report has no keys but text"));
    }

    fn to_stderr(&self, text: &str) {
        // When standard error is gone there is nobody left to tell.
        drop(writeln!(io::stderr().lock(), "{text}"));
    }
}
