//! Ruleset files, read and parsed, and what the parser says of them as reports.

use std::path::Path;

use clap::Args;
use netloom_firewall::diagnostic::{Diagnostic, Severity};
use netloom_firewall::model::{Family, Ruleset, Span};
use netloom_firewall::parse::{ParseOptions, parse};

use crate::failure::{ErrorReport, Failure};
use crate::input;
use crate::output::Output;
use crate::report::{Level, Mark, Report};

/// Whose rules a file holds, where the file does not say.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct FamilyOptions {
    /// The rules are of iptables
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    ipv4: bool,
    /// The rules are of ip6tables
    #[arg(short = '6', long)]
    ipv6: bool,
}

impl FamilyOptions {
    /// The family that was named; `None` leaves it to the file.
    pub(crate) fn family(self) -> Option<Family> {
        match self {
            Self { ipv4: true, .. } => Some(Family::V4),
            Self { ipv6: true, .. } => Some(Family::V6),
            Self { .. } => None,
        }
    }
}

/// The family as text and documents name it.
pub(crate) fn family_name(family: Family) -> &'static str {
    match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    }
}

/// A ruleset file's bytes with what reports need of them.
#[derive(Debug)]
pub(crate) struct SourceText {
    /// The file as the user named it.
    pub(crate) name: String,
    bytes: Vec<u8>,
    /// Where each line begins.
    lines: Vec<usize>,
}

/// What became of a file: the ruleset unless it is refused, and all findings in file order.
#[derive(Debug)]
pub(crate) struct Read {
    /// The rules; `None` when the file is refused.
    pub(crate) ruleset: Option<Ruleset>,
    /// What is wrong or doubtful.
    pub(crate) findings: Vec<Diagnostic>,
}

/// An accepted file.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Its text.
    pub(crate) source: SourceText,
    /// Its rules.
    pub(crate) ruleset: Ruleset,
    /// What is doubtful in it.
    pub(crate) warnings: Vec<Report>,
}

/// Reads an accepted ruleset and reports its warnings.
///
/// # Errors
/// When the file cannot be read, or with all its diagnostics when it is refused.
pub(crate) fn load(
    path: &Path,
    family: Option<Family>,
    output: &Output,
) -> Result<Loaded, Failure> {
    let source = SourceText::read(path)?;
    let read = source.parse(family);
    let reports: Vec<Report> = read.findings.iter().map(|found| source.report(found)).collect();
    let Some(ruleset) = read.ruleset else {
        let error = ErrorReport::new("ruleset-refused", refused(&source.name, &read.findings))
            .with_help(format!("`netloom fw check {}` lists the same", source.name))
            .with_diagnostics(reports);
        return Err(error.into());
    };
    for report in &reports {
        output.report(report);
    }
    Ok(Loaded { source, ruleset, warnings: reports })
}

/// The sentence that ends the diagnostics of a refused file.
pub(crate) fn refused(name: &str, findings: &[Diagnostic]) -> String {
    let errors = findings.iter().filter(|found| found.code.severity() == Severity::Error).count();
    let plural = if errors == 1 { "" } else { "s" };
    format!("{name} is refused: {errors} error{plural}")
}

impl SourceText {
    /// Reads a file or, for `-`, standard input.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        Ok(Self::new(input::name(path), input::read_text(path)?))
    }

    /// The text of the file `name`.
    pub(crate) fn new(name: String, bytes: Vec<u8>) -> Self {
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let lines = std::iter::once(0).chain(ends.map(|(end, _)| end + 1)).collect();
        Self { name, bytes, lines }
    }

    /// The text.
    pub(crate) fn into_text(self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Parses the text.
    pub(crate) fn parse(&self, family: Option<Family>) -> Read {
        match parse(&self.bytes, ParseOptions { family }) {
            Ok(parsed) => Read { ruleset: Some(parsed.ruleset), findings: parsed.warnings },
            Err(findings) => Read { ruleset: None, findings },
        }
    }

    /// A finding of the parser as a report.
    pub(crate) fn report(&self, found: &Diagnostic) -> Report {
        let sentence = found.code.sentence();
        let message = if found.detail.is_empty() {
            sentence.into()
        } else {
            format!("{sentence}: {}", found.detail)
        };
        let level = match found.code.severity() {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
        };
        let mark = self.mark(found.span);
        let message = if mark.is_some() { message } else { format!("{}: {message}", self.name) };
        Report {
            level,
            code: Some(found.code.number()),
            message,
            mark,
            related: None,
            help: Some(found.code.hint().into()),
        }
    }

    /// The place of a span; `None` for one that stands for the whole file.
    pub(crate) fn mark(&self, span: Span) -> Option<Mark> {
        let index = usize::try_from(span.line).ok()?.checked_sub(1)?;
        let start = *self.lines.get(index)?;
        let end = self.lines.get(index + 1).map_or(self.bytes.len(), |next| next - 1);
        Some(Mark {
            file: self.name.clone(),
            line: span.line,
            column: span.start.saturating_add(1),
            end_column: span.end.saturating_add(1),
            text: self.bytes.get(start..end)?.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_holds_its_line_alone() {
        let bytes = b"one\ntwo words\n\nlast".to_vec();
        let source = SourceText::new("f".into(), bytes);
        let line = |line| source.mark(Span { line, start: 0, end: 1 }).map(|mark| mark.text);
        assert_eq!(line(0), None);
        assert_eq!(line(1), Some(b"one".to_vec()));
        assert_eq!(line(2), Some(b"two words".to_vec()));
        assert_eq!(line(3), Some(Vec::new()));
        assert_eq!(line(4), Some(b"last".to_vec()));
        assert_eq!(line(5), None);
    }
}
